"""The `due` command (SLA-01, SLA-12)."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from complaints.clocks import forget_calendar
from complaints.models import CalendarDay, CalendarYear, PolicyRule


def due(capsys, *arguments: str) -> dict:
    call_command("due", "--json", *arguments)
    return json.loads(capsys.readouterr().out)


HOUSE = ("--policy", "house_default", "--milestone")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("milestone", "start", "expected"),
    [
        ("decide_acceptance", "2026-11-20T09:00+08:00", "2026-11-24T17:30:00+08:00"),
        ("resolve", "2026-11-16T09:00", "2026-12-07T17:30:00+08:00"),
        ("resolve", "2026-09-28T09:00+08:00", "2026-10-23T17:30:00+08:00"),
        ("reply", "2026-11-16T16:59:59Z", "2026-11-19T17:30:00+08:00"),
    ],
)
def test_due_dates_of_the_house_policy(capsys, milestone, start, expected):
    result = due(capsys, *HOUSE, milestone, "--from", start)
    assert result["due_at"] == expected
    assert result["unit"] == "working_days"


@pytest.mark.django_db
def test_complexity_pauses_and_explanation(capsys):
    plain = due(capsys, *HOUSE, "resolve", "--from", "2026-11-16T09:00", "--complexity", "complex")
    paused = due(
        capsys,
        *HOUSE,
        "resolve",
        "--from",
        "2026-11-16T09:00",
        "--pause",
        "2026-11-17T09:00/2026-11-19T09:00",
        "2026-11-18T09:00/2026-11-20T09:00",
    )
    assert (plain["amount"], plain["due_at"][:10]) == (30, "2026-12-28")
    assert paused["due_at"] == "2026-12-10T17:30:00+08:00"
    assert len(paused["explain"]) > 5


@pytest.mark.django_db
def test_a_year_without_calendar_is_named(capsys):
    """JT-07."""
    with pytest.raises(CommandError, match="2028") as caught:
        due(capsys, *HOUSE, "resolve", "--from", "2027-12-20T09:00")
    assert caught.value.returncode == 1


@pytest.mark.django_db
def test_the_organisations_own_calendar_and_policy_count(capsys):
    CalendarYear.objects.create(year=2028, loaded_at="2027-11-01T00:00Z")
    CalendarDay.objects.create(day="2026-11-17", is_working=False, name="停电")
    PolicyRule.objects.filter(policy__code="house_default", milestone="reply").update(amount=3)
    forget_calendar()
    assert due(capsys, *HOUSE, "reply", "--from", "2026-11-16T09:00")["due_at"] == "2026-11-20T17:30:00+08:00"
    assert due(capsys, *HOUSE, "resolve", "--from", "2027-12-20T09:00")["due_at"].startswith("2028-01")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--policy", "nowhere", "--milestone", "resolve", "--from", "2026-11-16"), "house_default"),
        ((*HOUSE, "resolve", "--from", "yesterday"), "2026-11-16T09:00"),
        ((*HOUSE, "lunch", "--from", "2026-11-16"), "decide_acceptance"),
        ((*HOUSE, "resolve", "--from", "2026-11-16", "--pause", "2026-11-17"), "2026-11-18T09:00"),
        (("--policy", "cn_petition_2022", "--milestone", "call_back", "--from", "2026-11-16"), "resolve"),
    ],
)
def test_wrong_words_are_answered_with_the_right_ones(capsys, arguments, says):
    with pytest.raises(CommandError, match=says):
        due(capsys, *arguments)
