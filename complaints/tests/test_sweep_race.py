"""Sweeps in processes of their own: one is killed at half, two work at once, each step is told once.

JT-01, JT-03, FI-A, FI-I (SLA-13).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from complaints import events, jobs
from complaints.models import CaseEvent, Complaint, Deadline, Notification
from complaints.tests.factories import at, registered
from tests.services import ROOT, tied_to_us

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

CASES = 24
NOW = "2026-11-18T17:45+08:00"
# Settles two batches, then stands still in the middle of the third, whose rows are written but not committed.
STUCK = f"""
import time
import django
django.setup()
from complaints import jobs, notify, reminders
from accounts.management.base import moment
reminders.BATCH = 4
tell_all, calls = notify.tell_all, []
def stop_at_half(messages):
    told = tell_all(messages)
    calls.append(told)
    if len(calls) == 3:
        print("half", flush=True)
        time.sleep(600)
    return told
notify.tell_all = stop_at_half
jobs.sweep_deadlines(now=moment("{NOW}"))
"""


@pytest.fixture
def overdue(cast) -> list[Deadline]:
    """Clocks whose limit ended a quarter of an hour ago."""
    for number in range(CASES):
        registered(phone=f"1390000{number:04d}")
    clocks = Deadline.objects.filter(milestone="decide_acceptance")
    Deadline.objects.exclude(pk__in=clocks).update(next_alert_at=None)
    assert set(clocks.values_list("due_at", flat=True)) == {at("2026-11-18 17:30")}
    return list(clocks)


@contextmanager
def process(environment: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    running = subprocess.Popen(
        [*tied_to_us("KILL"), sys.executable, *arguments],
        cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def sweeps(environment: dict[str, str], number: int) -> list[dict[str, int]]:
    """The results of so many sweeps started at the same moment."""
    command = ("manage.py", "run_job", "sweep_deadlines", "--now", NOW, "--json")
    done = [
        subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(number)
    ]  # fmt: skip
    answers = [one.communicate(timeout=120) for one in done]
    assert [one.returncode for one in done] == [0] * number, answers
    return [json.loads(out) for out, _error in answers]


def everything_told_once(overdue: list[Deadline]) -> None:
    """Both coordinators heard of each breach, each case has one event, and its log still verifies."""
    told = sorted(Notification.objects.filter(kind="breach").values_list("complaint", "recipient__staff_number"))
    assert told == sorted((clock.complaint_id, who) for clock in overdue for who in ("A003", "A004"))
    late = CaseEvent.objects.filter(kind="overdue").values_list("complaint", flat=True)
    assert sorted(late) == sorted(clock.complaint_id for clock in overdue)
    assert set(Complaint.objects.values_list("is_overdue", flat=True)) == {True}
    assert not Deadline.objects.alert_due(at=at("2026-11-18 17:45")).exists()
    assert events.verify()[1] is None


def test_jt_03_fi_a_a_sweep_killed_at_half_is_finished_by_the_next_one(process_environment, overdue):
    with process(process_environment, "-c", STUCK) as victim:
        assert victim.stdout.readline() == "half\n", victim.stderr.read()
        # What it committed stands; the batch in its hands does not exist for anybody else.
        settled = Notification.objects.filter(kind="breach").values("complaint").distinct().count()
        assert settled == 8
        if connection.vendor == "postgresql":  # SQLite lets one write at a time: there the next one would wait
            (beside,) = sweeps(process_environment, 1)
            assert beside["alerts"] >= CASES - 8 - 4
        victim.kill()
        victim.wait()
    sweeps(process_environment, 1)
    everything_told_once(overdue)


def test_jt_01_fi_i_two_sweeps_at_once_share_the_work(process_environment, overdue):
    first, second = sweeps(process_environment, 2)
    left = jobs.sweep_deadlines(now=at("2026-11-18 17:45"))
    per_clock = Notification.objects.filter(kind__in=("reminder", "breach")).values("kind").distinct().count()
    assert first["alerts"] + second["alerts"] + left["alerts"] == CASES * per_clock
    everything_told_once(overdue)
