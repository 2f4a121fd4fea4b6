"""A real worker takes a real task from a real broker, and what it was asked for happens (I7)."""

import email
import email.policy
import signal

import pytest
import redis
from kombu import Connection

from accounts.models import User
from complaints.models import Notification
from complaints.tasks import deliver_notifications
from tests.services import celery_worker, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def mail_folder(tmp_path):
    return tmp_path / "mail"


@pytest.fixture
def worker_environment(process_environment, mail_folder):
    """A worker on this test's database and queue; its mail becomes files."""
    return {**process_environment, "EMAIL_URL": f"filemail://{mail_folder}"}


@pytest.fixture
def waiting():
    """A notification whose mail has not been sent."""
    person = User.objects.create_user("W100", email="w100@example.cn", display_name="赵启明")
    return Notification.objects.create(recipient=person, kind="assigned", dedupe_key="test:1", by_email=True)


def sent(row):
    row.refresh_from_db()
    return row.sent_at


def mails(folder):
    """Every mail the worker wrote, parsed."""
    files = sorted(folder.glob("*.log")) if folder.exists() else []
    return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in files]


def test_embedded_broker_delivers_what_was_queued_before_the_worker_started(worker_environment, mail_folder, waiting):
    deliver_notifications.delay()
    with celery_worker(worker_environment) as worker:
        wait_for(lambda: mails(mail_folder), "the mail")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0
    assert sent(waiting)
    assert [mail["To"] for mail in mails(mail_folder)] == ["w100@example.cn"]


def test_redis_delivers_once_to_two_workers(redis_url, worker_environment, mail_folder, waiting):
    worker_environment["REDIS_URL"] = redis_url
    with celery_worker(worker_environment), celery_worker(worker_environment):
        with Connection(redis_url) as broker:
            for _ in range(4):
                deliver_notifications.apply_async(connection=broker)
        with redis.Redis.from_url(redis_url) as queue:
            wait_for(lambda: queue.llen("celery") + queue.hlen("unacked") == 0, "the end of all four tasks")
    assert sent(waiting)
    assert [mail["To"] for mail in mails(mail_folder)] == ["w100@example.cn"]
