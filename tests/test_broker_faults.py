"""Redis refused, silent, emptied, full or started anew: nobody waits, nothing is lost, nothing is told twice.

FI-B, FI-C, FI-D (DS-03, I7), with a real web process, a real worker and a real Redis.
"""

from __future__ import annotations

import json
import os
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import redis
from django.conf import settings
from django.core import mail
from django.core.management import call_command
from django.test import Client
from kombu import Connection

from accounts.tests.factories import token
from complaints import jobs
from complaints.models import Complaint, Notification
from complaints.states import Status
from complaints.tasks import deliver_notifications
from complaints.tests.factories import Story, registered
from publication.models import Publication, PublishedResult
from publication.tests.factories import approved, draft
from tests.services import celery_worker, free_port, redis_server, wait_for, web

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

BODY = {"subject": "停水", "narrative": "从早上停到现在", "phone": "13800002417", "email": "zhang@example.cn"}
# fault → seconds a click may take
BOUNDS = {"refused": 3, "silent": 5}


def bound(fault: str) -> float:
    """Seconds of a machine that is ours; where more wants to run than can, as much longer."""
    return BOUNDS[fault] * max(1, os.getloadavg()[0] / len(os.sched_getaffinity(0)))


@pytest.fixture(autouse=True)
def cache_table(transactional_db):
    """What a process of its own counts in; tests themselves count in memory."""
    call_command("createcachetable", "huiyin_cache", verbosity=0)


@contextmanager
def broken_redis(fault: str) -> Iterator[str]:
    """An address where nobody listens, or where somebody takes every connection and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if fault == "silent":
            listener.listen(512)
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


def post(url: str, body: dict, **headers: str) -> tuple[int, dict, float]:
    """Status, answer and seconds of a request of a program."""
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json", **headers}, method="POST"
    )
    began = time.monotonic()
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.status, json.loads(answer.read()), time.monotonic() - began


def click(url: str, user, body: dict) -> tuple[int, float]:
    """Status and seconds of a form that a signed-in person sends; where it leads to is not loaded."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_arguments):
            return None

    client = Client()
    client.force_login(user)
    secret = "x" * 32
    cookies = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    form = urllib.parse.urlencode({**body, "csrfmiddlewaretoken": secret}).encode()
    headers = {"Cookie": f"{cookies}; {settings.CSRF_COOKIE_NAME}={secret}"}
    began = time.monotonic()
    try:
        with urllib.request.build_opener(Stay).open(urllib.request.Request(url, form, headers), timeout=60) as answer:
            return answer.status, time.monotonic() - began
    except urllib.error.HTTPError as error:
        return error.code, time.monotonic() - began


def everything_mailed_once() -> None:
    """The sweep that follows mails what waits, the one after it nothing."""
    waiting = Notification.objects.filter(by_email=True, sent_at=None).count()
    assert waiting > 0
    assert jobs.deliver_notifications() == {"sent": waiting, "failed": 0}
    assert jobs.deliver_notifications() == {"sent": 0, "failed": 0}
    assert len(mail.outbox) == waiting


@pytest.mark.parametrize("fault", BOUNDS)
def test_fi_b_fi_c_filing_moving_and_publishing_succeed_in_time_without_redis(cast, process_environment, fault):
    """What was sent stands, what is to be told waits as rows, and the next sweep tells it once."""
    story = Story(cast).accept().assign()
    publication = approved(draft(cast), cast)
    Notification.objects.all().delete()
    with broken_redis(fault) as url, web({**process_environment, "REDIS_URL": url}) as site:
        filed, receipt, filing = post(f"{site}/api/v1/complaints/", BODY)
        authorization = f"Token {token(cast.water_handler)}"
        moved, _case, moving = post(
            f"{site}/api/v1/complaints/{story.case.number}/actions/start/", {}, Authorization=authorization
        )
        version = Publication.objects.get(pk=publication.pk).version
        address = f"{site}/desk/publications/{publication.number}/actions/publish/"
        published, publishing = click(address, cast.publisher2, {"version": version})
    assert (filed, moved, published) == (201, 200, 302)
    assert max(filing, moving, publishing) < bound(fault), (filing, moving, publishing)
    assert Complaint.objects.get(number=receipt["number"]).narrative == BODY["narrative"]
    assert story.case.status == Status.IN_PROGRESS
    assert PublishedResult.objects.count() == 1
    everything_mailed_once()


def test_fi_c_ds_03_fifty_at_once_do_not_exhaust_the_web_process(cast, process_environment):
    """Only those who came first wait for a silent Redis, so all are done as soon as with a queue that works."""
    authorization = f"Token {token(cast.coordinator)}"

    def file_fifty(site: str) -> float:
        def file(number: int) -> int:
            body = {**BODY, "phone": f"1390000{number:04d}", "channel": "phone", "name": "张桂芳"}
            for _try in range(5):
                try:
                    return post(f"{site}/api/v1/complaints/", body, Authorization=authorization)[0]
                except urllib.error.HTTPError as error:
                    error.close()
                    if error.code != 503:  # "somebody else is at it": nothing was stored, a program tries again
                        raise
            return 503

        began = time.monotonic()
        with ThreadPoolExecutor(50) as people:
            assert list(people.map(file, range(50))) == [201] * 50
        return time.monotonic() - began

    with web(process_environment) as site:
        usual = file_fifty(site)
    with broken_redis("silent") as url, web({**process_environment, "REDIS_URL": url}) as site:
        silent = file_fifty(site)
    assert Complaint.objects.count() == 100
    # Two messages each, two seconds a try, eight threads: without the rest after a failure 25 seconds more.
    assert silent < usual * 1.3 + bound("silent"), (usual, silent)


# --- Redis comes back ------------------------------------------------------------------------------
@pytest.mark.redis
@pytest.mark.parametrize("fault", ["flushed", "full"])
def test_fi_d_what_redis_forgot_or_had_no_room_for_is_mailed_once(cast, redis_url, fault, monkeypatch):
    """The click succeeds although Redis answers with an error, and the sweep restores what was lost."""
    publish = deliver_notifications.apply_async
    with Connection(redis_url) as broker, redis.Redis.from_url(redis_url) as queue:
        monkeypatch.setattr(
            deliver_notifications, "apply_async", lambda **options: publish(**options | {"connection": broker})
        )
        if fault == "full":
            queue.config_set("maxmemory-policy", "noeviction")
            queue.config_set("maxmemory", "1")
        try:
            registered()
            assert queue.llen("celery") == (0 if fault == "full" else 1)
        finally:
            queue.config_set("maxmemory", "0")
            queue.flushall()
    everything_mailed_once()


@pytest.mark.redis
def test_fi_d_a_worker_takes_work_again_after_redis_was_started_anew(cast, process_environment, tmp_path):
    """Nobody starts the worker by hand: it finds the Redis that came back, empty, at the same address."""
    mails = tmp_path / "mail"
    port = free_port()
    environment = {
        **process_environment,
        "REDIS_URL": f"redis://127.0.0.1:{port}/0",
        "EMAIL_URL": f"filemail://{mails}",
    }
    with redis_server(port) as url:
        worker = celery_worker(environment)
        worker.__enter__()
    try:
        registered()  # while it is away
        with redis_server(port) as url, Connection(url) as broker:
            for _press in range(3):
                deliver_notifications.apply_async(connection=broker)
            wait_for(
                lambda: not Notification.objects.filter(by_email=True, sent_at=None).exists(), "the mail", seconds=60
            )
            with redis.Redis.from_url(url) as queue:
                wait_for(lambda: queue.llen("celery") + queue.hlen("unacked") == 0, "the end of all tasks")
    finally:
        worker.__exit__(None, None, None)
    assert len(list(mails.glob("*.log"))) == 1
