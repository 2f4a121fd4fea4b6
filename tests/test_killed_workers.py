"""A worker killed at every step of a job, twenty times in a row: the next run goes on, and all is there once.

FI-A (JT-03, I7, I11, I12), for what takes long: the sweep of deadlines, mail, the monthly draw, an import, a report
with its documents. The workers are real processes that get SIGKILL, not exceptions.
"""

from __future__ import annotations

import email
import email.policy
import os
import random
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from celery import current_app
from django.utils import timezone

from analytics import building
from analytics import transitions as reports
from analytics.models import Report, ReportFile
from analytics.states import ReportStatus
from analytics.tests import months
from complaints import events, imports, jobs
from complaints.models import CaseEvent, Complaint, Deadline, ImportBatch, Notification
from complaints.tasks import deliver_notifications
from complaints.tests.factories import Story, at, registered
from complaints.tests.import_page import NOW, csv_bytes, line
from complaints.tests.processes import children
from review import draws, sampling
from review.models import FrameEntry, ReviewCase, SampleDraw
from tests.services import ROOT, celery_worker, tied_to_us, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

TIMES = 20
# No job needs as many; it bounds a fault that would let one never get through.
MOST_RUNS = 400

# Loads the project once. For each line "seconds statement <job>" a process of its own runs the job: it gets SIGKILL
# from itself before that statement, or from its parent after so many seconds, whichever is named (0: it is not).
WORKERS = """
import os, signal, sys, time
from datetime import timedelta
from pathlib import Path
import django
django.setup()
from django.db import connection
from accounts.management.base import moment
from analytics import building
from complaints import imports, jobs, reminders
from review import draws

reminders.BATCH = 2
imports.CHUNK = 5

def work(statement, job):
    seen = 0
    def count(execute, *arguments):
        nonlocal seen
        seen += 1
        if seen == statement:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(*arguments)
    with connection.execute_wrapper(count):
        exec(job)

for line in sys.stdin:
    seconds, statement, job = line.rstrip().split(" ", 2)
    child = os.fork()
    if not child:
        try:
            work(int(statement), job)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    if float(seconds):
        time.sleep(float(seconds))
        os.kill(child, signal.SIGKILL)
    print(os.waitpid(child, 0)[1], flush=True)
"""


class Workers:
    """Runs of one job, each a process of its own."""

    def __init__(self, server: subprocess.Popen[str]) -> None:
        self.server = server

    def run(self, job: str, *, statement: int = 0, seconds: float = 0) -> bool:
        """Whether the run was killed; anything else than being killed or done is a fault."""
        print(seconds, statement, job, file=self.server.stdin, flush=True)
        status = int(self.server.stdout.readline())
        assert status in (0, signal.SIGKILL), (job, statement, status)
        return status == signal.SIGKILL

    def killed_at_every_step(self, job: str, *, step: int = 1, before: Callable[[], object] = lambda: None) -> None:
        """Kill the first run at a statement near its begin, each later one further on, until one gets through.

        From the twentieth on another run is killed in between, at any moment. `{run}` is the number of the run.
        """
        moments = random.Random(1)
        for number in range(MOST_RUNS):
            before()
            if not self.run(job.format(run=2 * number), statement=1 + number * step):
                assert number >= TIMES, f"{job} was over after {number} kills"
                return
            if TIMES <= number < 2 * TIMES:
                before()
                self.run(job.format(run=2 * number + 1), seconds=moments.uniform(0.01, 0.2))
        raise AssertionError(f"{job} never got through")


@pytest.fixture
def mails(tmp_path) -> Path:
    return tmp_path / "mail"


@pytest.fixture
def workers(process_environment, mails) -> Iterator[Workers]:
    server = subprocess.Popen(
        [*tied_to_us("KILL"), sys.executable, "-c", WORKERS],
        cwd=ROOT, env={**process_environment, "EMAIL_URL": f"filemail://{mails}"},
        text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Workers(server)
    finally:
        server.kill()
        server.communicate()


def test_fi_a_a_sweep_of_deadlines_tells_each_step_once(workers, cast):
    for number in range(TIMES):
        registered(phone=f"1390000{number:04d}")
    clocks = Deadline.objects.filter(milestone="decide_acceptance")
    Deadline.objects.exclude(pk__in=clocks).update(next_alert_at=None)
    assert set(clocks.values_list("due_at", flat=True)) == {at("2026-11-18 17:30")}
    Notification.objects.all().delete()
    workers.killed_at_every_step("jobs.sweep_deadlines(now=moment('2026-11-18T17:45+08:00'))")
    told = Counter(Notification.objects.filter(kind="breach").values_list("complaint", "recipient__staff_number"))
    people = (cast.coordinator.staff_number, cast.coordinator2.staff_number)
    assert told == dict.fromkeys(((clock.complaint_id, who) for clock in clocks for who in people), 1)
    late = CaseEvent.objects.filter(kind="overdue").values_list("complaint", flat=True)
    assert sorted(late) == sorted(clock.complaint_id for clock in clocks)
    assert set(clocks.values_list("breached_at", flat=True)) == {at("2026-11-18 17:30")}
    assert events.verify()[1] is None


def test_fi_a_i7_every_mail_goes_out_and_one_sent_by_the_dead_only_under_its_own_id(workers, mails):
    addresses = {f"zhang{number}@example.cn" for number in range(2 * TIMES)}
    for number, address in enumerate(sorted(addresses)):
        registered(phone=f"1390000{number:04d}", email=address)
    waiting = Notification.objects.filter(by_email=True, sent_at=None)
    assert waiting.count() == len(addresses)
    # A run begins when nobody can be sending any more what the one before had claimed.
    begin, apart = timezone.now().isoformat(), int(jobs.CLAIM.total_seconds()) + 1
    workers.killed_at_every_step(
        f"jobs.deliver_notifications(now=moment('{begin}') + timedelta(seconds={{run}} * {apart}))"
    )
    assert not waiting.exists()
    assert not Notification.objects.exclude(failed_at=None).exists()
    found = Counter((mail["To"], mail["Message-ID"]) for mail in written(mails))
    assert {to for to, _id in found} == addresses
    assert len(found) == len(addresses)  # so who gets one twice gets the same one, which a mail programme shows once
    assert max(found.values()) <= jobs.MAX_ATTEMPTS


def written(folder: Path) -> list[email.message.EmailMessage]:
    """Every whole mail the workers wrote."""
    files = [path.read_bytes() for path in sorted(folder.glob("*.log"))] if folder.exists() else []
    parsed = [
        email.message_from_bytes(part.strip(), policy=email.policy.default)
        for text in files
        for part in text.split(b"-" * 79)
        if part.strip()
    ]
    return [mail for mail in parsed if mail["To"]]


def test_fi_a_i11_i12_a_month_is_drawn_once_and_every_pick_reviewed_once(workers, cast):
    stories = [Story(cast, phone=f"1380000{n:04d}").to_closed() for n in range(14)]
    draws.commit("2026-11", by=cast.head_of_review, percent=15, at=at("2026-11-20 09:00"))
    workers.killed_at_every_step("draws.keep_up(now=moment('2026-12-01T09:00+08:00'))", step=2)
    row = SampleDraw.objects.get(period="2026-11")
    assert (row.frame_size, row.size) == (14, 2)
    assert sorted(row.frame.values_list("complaint", flat=True)) == sorted(story.pk for story in stories)
    picks = FrameEntry.objects.filter(order__isnull=False)
    assert sorted(picks.values_list("complaint", flat=True)) == sorted(
        ReviewCase.objects.values_list("complaint", flat=True)
    )
    assert ReviewCase.objects.count() == 2
    assert sampling.verify(draws.document(row)).ok
    assert Notification.objects.filter(kind="sample_drawn").values("recipient").distinct().count() == (
        Notification.objects.filter(kind="sample_drawn").count()
    )
    assert events.verify()[1] is None


def test_fi_a_an_import_leaves_nothing_or_every_row_once(workers, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(csv_bytes([line(str(n)) for n in range(20)]))

    def whole() -> None:
        assert Complaint.objects.count() in (0, 20)

    workers.killed_at_every_step(f"imports.run(Path('{path}'), by=None, at=moment('{NOW.isoformat()}'))", before=whole)
    assert Complaint.objects.count() == 20
    assert ImportBatch.objects.count() == 1
    assert imports.run(path, by=None, at=NOW).created == 0
    assert events.verify()[1] is None


def test_fi_a_a_report_and_its_documents_are_written_once_and_never_half(workers, cast):
    months.closed(cast)
    report = reports.request_report("2026-10", edition="data", by=cast.manager, at=timezone.now())

    def free() -> None:
        """The lease of the dead is over; what is on record until now is whole."""
        for row in ReportFile.objects.all():
            assert (building.folder() / row.path).stat().st_size == row.size
        Report.objects.update(claimed_at=timezone.now() - reports.LEASE - timedelta(seconds=1))

    workers.killed_at_every_step(f"building.build({report.pk})", step=2, before=free)
    report = Report.objects.get()
    assert (report.status, report.step) == (ReportStatus.DRAFT, report.steps)
    keys = [section["key"] for section in report.snapshot["sections"]]
    assert len(keys) == len(set(keys)) == 10
    assert sorted(ReportFile.objects.values_list("format", flat=True)) == ["docx", "pdf", "xlsx"]
    assert Notification.objects.filter(kind="report_ready").count() == 1
    free()


# --- A worker of the queue ---------------------------------------------------------------------------
@contextmanager
def silent_mail_server() -> Iterator[tuple[str, Callable[[], bool]]]:
    """Takes a connection and never says a word, so whoever mails stands still in the middle; and whether one came."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        taken = []

        def came() -> bool:
            try:
                taken.append(listener.accept()[0])
            except TimeoutError:
                return False
            return True

        try:
            yield f"smtp://127.0.0.1:{listener.getsockname()[1]}", came
        finally:
            for connection in taken:
                connection.close()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the children of a process in /proc")
@pytest.mark.parametrize("who", ["child", "parent"])
def test_fi_a_jt_03_a_worker_of_the_queue_killed_while_it_mails_is_replaced(process_environment, mails, who):
    """The message is gone with the child, or comes again with the next worker: the mail goes out once either way."""
    registered()
    current_app.control.purge()  # what other tests left
    with silent_mail_server() as (url, came):
        deliver_notifications.delay()
        with celery_worker({**process_environment, "EMAIL_URL": url}) as worker:
            wait_for(came, "the worker mailing", seconds=60)
            pool = children(worker.pid)
            (child,) = pool
            os.kill(child if who == "child" else worker.pid, signal.SIGKILL)
            if who == "child":
                wait_for(lambda: children(worker.pid) - pool, "another child")
            else:
                worker.wait(20)
                wait_for(lambda: not Path(f"/proc/{child}").exists(), "the end of the child", seconds=60)
    row = Notification.objects.get(to_complainant=True)
    assert (row.sent_at, row.claimed_at is None) == (None, False)
    Notification.objects.update(claimed_at=timezone.now() - jobs.CLAIM - timedelta(seconds=1))
    deliver_notifications.delay()  # what beat does every minute
    with celery_worker({**process_environment, "EMAIL_URL": f"filemail://{mails}"}):
        wait_for(lambda: Notification.objects.filter(sent_at__isnull=False).exists(), "the mail", seconds=60)
    assert [mail["To"] for mail in written(mails)] == ["zhang@example.cn"]
    assert jobs.deliver_notifications() == {"sent": 0, "failed": 0}
