"""Chat groups hear of what presses: once, numbers only, at safe addresses (SLA-13, CASE-10, AP-05, AP-06)."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from django.db import connection, transaction
from django.utils import timezone

from complaints import chat, chat_targets, jobs, messages, notify
from complaints.models import JobRun, Notification
from complaints.tests.factories import Story, at

pytestmark = pytest.mark.django_db


@pytest.fixture
def group() -> Iterator[SimpleNamespace]:
    """A chat group on this machine: `url`, what it `got`, the `status` it answers with."""
    place = SimpleNamespace(got=[], paths=[], hosts=[], status=200, location="")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            place.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            place.paths.append(self.path)
            place.hosts.append(self.headers["Host"])
            self.send_response(place.status)
            if place.location:
                self.send_header("Location", place.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place.port = server.server_port
    place.url = f"json://127.0.0.1:{place.port}/hook-geheim"
    yield place
    server.shutdown()
    server.server_close()


@pytest.fixture
def listening(group, settings) -> SimpleNamespace:
    settings.NOTIFY_URLS = [group.url]
    return group


def breach(story: Story, people: list, dedupe: str = "one") -> int:
    return notify.tell(
        people, "breach", complaint=story.case, dedupe=dedupe, milestone="reply", due="2026-12-07T17:30+08:00"
    )


def test_sla_13_a_breach_reaches_the_group_once_however_many_people_hear_of_it(cast, listening):
    story = Story(cast)
    assert breach(story, [cast.intake, cast.coordinator, cast.water_head]) == 3
    assert chat.send_chat() == {"sent": 1, "failed": 0}
    assert chat.send_chat() == {"sent": 0, "failed": 0}
    breach(story, [cast.intake, cast.manager])
    assert chat.send_chat()["sent"] == 0
    assert len(listening.got) == 1


def test_ap_06_the_message_holds_number_and_link_only(cast, listening, settings):
    story = Story(cast)
    breach(story, [cast.intake])
    chat.send_chat()
    (message,) = listening.got
    text = json.dumps(message, ensure_ascii=False)
    assert story.case.number in message["message"]
    assert f"{settings.PUBLIC_BASE_URL}/desk/cases/{story.case.number}/" in message["message"]
    for private in ("张桂芳", "停水", "13800002417", "林若溪", "柳桥"):
        assert private not in text


def test_case_10_what_does_not_press_stays_out_of_the_group(cast, listening):
    story = Story(cast)
    notify.tell([cast.intake], "reminder", complaint=story.case, dedupe="r")
    notify.tell([cast.intake], "assigned", complaint=story.case, dedupe="a")
    assert not JobRun.objects.filter(job=chat.JOB).exists()
    story.high_risk()
    assert JobRun.objects.filter(job=chat.JOB).count() == 1


def test_every_pressing_kind_has_a_sentence_of_its_own(cast):
    plain = messages.plain_sentence(Notification(kind="nothing of the kind"))
    for kind in messages.PRESSING:
        assert messages.plain_sentence(Notification(kind=kind)) != plain


def test_case_10_two_groups_each_hear_it_and_one_that_fails_does_not_repeat_the_other(cast, listening, settings):
    settings.NOTIFY_URLS = [listening.url, "json://127.0.0.1:9/closed"]
    breach(Story(cast), [cast.intake])
    now = timezone.now()
    assert chat.send_chat(now=now) == {"sent": 1, "failed": 1}
    assert chat.send_chat(now=now + timedelta(minutes=3)) == {"sent": 0, "failed": 1}
    assert len(listening.got) == 1


def test_i7_three_tries_then_it_counts_as_failed(cast, listening):
    listening.status = 500
    breach(Story(cast), [cast.intake])
    now = timezone.now()
    for n in range(5):
        chat.send_chat(now=now + n * timedelta(minutes=3))
    run = JobRun.objects.get(job=chat.JOB)
    assert (len(listening.got), run.state, run.attempts, run.error) == (3, JobRun.State.FAILED, 3, "NotTaken")


def test_i7_a_second_try_waits_two_minutes(cast, listening):
    listening.status = 500
    breach(Story(cast), [cast.intake])
    now = timezone.now()
    chat.send_chat(now=now)
    assert chat.send_chat(now=now + timedelta(minutes=1)) == {"sent": 0, "failed": 0}
    listening.status = 200
    assert chat.send_chat(now=now + timedelta(minutes=3))["sent"] == 1


def test_i7_a_message_in_the_hands_of_one_worker_is_left_alone_by_others_until_it_must_have_died(cast, listening):
    breach(Story(cast), [cast.intake])
    now = timezone.now()
    run = JobRun.objects.get(job=chat.JOB)
    assert chat._claim(run, now=now)
    assert not chat._claim(run, now=now)
    assert chat.send_chat(now=now + timedelta(minutes=9))["sent"] == 0
    assert chat.send_chat(now=now + timedelta(minutes=11))["sent"] == 1


@pytest.mark.django_db(transaction=True)
def test_i7_two_workers_at_once_send_it_once(cast, listening):
    breach(Story(cast), [cast.intake])
    barrier = threading.Barrier(2)

    def work() -> None:
        barrier.wait()
        chat.send_chat()
        connection.close()

    workers = [threading.Thread(target=work) for _number in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(listening.got) == 1


def test_news_of_yesterday_and_for_an_address_that_is_gone_is_not_sent(cast, listening, settings):
    story = Story(cast)
    breach(story, [cast.intake])
    assert chat.send_chat(now=timezone.now() + timedelta(days=2)) == {"sent": 0, "failed": 1}
    breach(story, [cast.intake], dedupe="two")
    settings.NOTIFY_URLS = []
    chat.send_chat()
    assert listening.got == []
    assert set(JobRun.objects.filter(job=chat.JOB).values_list("state", "error")) == {
        ("failed", "Stale"),
        ("failed", "Gone"),
    }


def test_without_addresses_nothing_is_kept(cast):
    breach(Story(cast), [cast.intake])
    assert not JobRun.objects.filter(job=chat.JOB).exists()


def test_a_message_of_a_transaction_that_failed_is_never_sent(cast, listening):
    story = Story(cast)

    @transaction.atomic
    def fail() -> None:
        breach(story, [cast.intake])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert chat.send_chat() == {"sent": 0, "failed": 0}
    assert listening.got == []


def test_settled_messages_are_forgotten_after_90_days(cast, listening):
    breach(Story(cast), [cast.intake])
    chat.send_chat()
    jobs.purge_expired(now=timezone.now() + timedelta(days=89))
    assert JobRun.objects.filter(job=chat.JOB).exists()
    jobs.purge_expired(now=timezone.now() + timedelta(days=91))
    assert not JobRun.objects.filter(job=chat.JOB).exists()


# --- Where an address may lead (AP-05) ----------------------------------------------------------
@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "LOCALHOST.", "[::1]"])
def test_ap_05_in_production_the_own_machine_is_refused_in_every_spelling(group, host):
    with pytest.raises(chat_targets.Refused):
        chat_targets.send(f"json://{host}:{group.port}/", "x", internal=frozenset(), is_private_allowed=False)
    assert group.got == []


@pytest.mark.parametrize(
    "address",
    ["10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1", "fe80::1%eth0",
     "fd00::1", "::ffff:169.254.169.254", "2002:7f00:1::", "224.0.0.1"],
)  # fmt: skip
def test_ap_05_private_addresses(address):
    assert not chat_targets.is_public(address)


def test_ap_05_public_addresses():
    assert chat_targets.is_public("203.119.25.1")
    assert chat_targets.is_public("2400:3200::1")


def test_ap_05_production_refuses_through_the_job_too(cast, listening, settings):
    settings.PRODUCTION = True
    breach(Story(cast), [cast.intake])
    assert chat.send_chat() == {"sent": 0, "failed": 1}
    assert (listening.got, JobRun.objects.get(job=chat.JOB).error) == ([], "Refused")
    settings.NOTIFY_INTERNAL = frozenset({"127.0.0.1"})
    assert chat.send_chat(now=timezone.now() + timedelta(minutes=3))["sent"] == 1


def test_ap_05_a_plain_connection_goes_to_the_address_that_was_judged(group, monkeypatch):
    """A name that leads elsewhere the second time it is looked up changes nothing."""
    asked = []

    def lookup(host, port, *args, **kwargs):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *args, **kwargs: (lookup if host == "hook.example.cn" else real)(host, *args, **kwargs),
    )
    url = f"json://hook.example.cn:{group.port}/"
    with pytest.raises(chat_targets.Refused):
        chat_targets.send(url, "x", internal=frozenset(), is_private_allowed=False)
    chat_targets.send(url, "x", internal=frozenset({"hook.example.cn"}), is_private_allowed=False)
    assert (asked, group.hosts) == (["hook.example.cn"] * 2, [f"hook.example.cn:{group.port}"])


@pytest.mark.parametrize("wish", ["", "?redirect=yes"])
def test_ap_05_a_redirect_is_not_followed_whatever_the_address_says(group, wish):
    group.status, group.location = 307, f"http://127.0.0.1:{group.port}/inside"
    with pytest.raises(chat_targets.NotTaken):
        chat_targets.send(f"{group.url}{wish}", "x", internal=frozenset(), is_private_allowed=True)
    assert group.paths == ["/hook-geheim"]


def test_ap_05_certificates_are_checked_whatever_the_address_says():
    assert chat_targets.read("jsons://hook.example.cn/a?verify=no").verify_certificate is True


@pytest.mark.parametrize(
    "url", ["dingtalk://" + "a" * 20, "feishu://" + "a" * 20, "lark://" + "a" * 20, "wecombot://" + "a" * 20]
)
def test_case_10_the_chat_systems_of_the_office_are_known(url):
    target = chat_targets.read(url)
    assert (target.redirects, target.verify_certificate) == (False, True)


def test_the_address_is_never_logged(cast, listening, caplog, capfd):
    listening.status = 500
    breach(Story(cast), [cast.intake])
    with caplog.at_level(logging.DEBUG, logger="huiyin"):
        chat.send_chat()
    out, err = capfd.readouterr()
    assert "geheim" not in caplog.text + out + err
    assert "chat message not sent" in caplog.text


def test_a_held_message_reaches_the_group_when_the_office_opens(cast, listening):
    """SLA-13: the ladder, the office hours and the group together."""
    story = Story(cast).accept().assign().start()
    story.case.deadlines.exclude(milestone="resolve").update(next_alert_at=None)
    jobs.sweep_deadlines(now=at("2026-12-07 23:30"))
    assert not JobRun.objects.filter(job=chat.JOB).exists()
    jobs.sweep_deadlines(now=at("2026-12-08 08:30"))
    assert JobRun.objects.filter(job=chat.JOB).count() == 1
