"""Jobs by hand (JT-01, JT-04)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import SecurityEvent
from complaints.models import Deadline, JobRun
from complaints.tests.factories import registered

pytestmark = pytest.mark.django_db


def run(capsys, *arguments: str) -> dict:
    call_command("run_job", *arguments, "--json")
    return json.loads(capsys.readouterr().out)


def test_the_injected_clock_is_used(cast, capsys):
    registered("2026-11-16 09:12")
    assert run(capsys, "sweep_deadlines", "--now", "2026-11-16T10:00")["alerts"] == 0
    assert run(capsys, "sweep_deadlines", "--now", "2026-11-18T18:00")["alerts"] > 0
    assert Deadline.objects.exclude(breached_at=None).exists()


def test_a_job_runs_once_per_period(cast, capsys):
    registered()
    first = run(capsys, "check_ledger")
    registered()
    assert run(capsys, "check_ledger") == first
    assert JobRun.objects.filter(job="check_ledger").count() == 1


@pytest.mark.parametrize("days", [-3, 40])
def test_a_clock_that_jumped_is_refused_and_reported(cast, capsys, days):
    """JT-04, FI-H."""
    run(capsys, "check_ledger")
    wrong = timezone.now() + timedelta(days=days)
    with pytest.raises(CommandError, match="Check the clock") as caught:
        run(capsys, "check_ledger", "--now", wrong.isoformat())
    assert caught.value.returncode == 1
    assert SecurityEvent.objects.get(kind="clock_jump").subject == "check_ledger"
    assert JobRun.objects.filter(job="check_ledger").count() == 1


def test_jt_04_without_a_time_by_hand_the_job_judges_the_clock_itself(cast, capsys, monkeypatch):
    run(capsys, "check_ledger", "--now", "2026-11-01T03:00")
    wrong = timezone.now() + timedelta(days=700)
    monkeypatch.setattr("django.utils.timezone.now", lambda: wrong)
    with pytest.raises(CommandError, match="check_ledger --now"):
        run(capsys, "sweep_deadlines")
    run(capsys, "sweep_deadlines", "--now", wrong.isoformat())
    run(capsys, "sweep_deadlines")


def test_a_month_can_be_drawn_by_name(cast, capsys):
    run(capsys, "draw_sample", "--now", "2026-11-10T09:00")
    done = run(capsys, "draw_sample", "--period", "2026-11", "--now", "2026-12-02T09:00")
    assert (done["period"], done["frame"], done["picks"]) == ("2026-11", 0, 0)
    with pytest.raises(CommandError, match="2027-03"):
        run(capsys, "draw_sample", "--period", "2027-03", "--now", "2026-12-02T09:00")


@pytest.mark.parametrize(
    "arguments", [("make_coffee",), ("sweep_deadlines", "--period", "2026-10"), ("sweep_deadlines", "--now", "soon")]
)
def test_wrong_arguments_are_refused(capsys, arguments):
    with pytest.raises(CommandError):
        run(capsys, *arguments)
