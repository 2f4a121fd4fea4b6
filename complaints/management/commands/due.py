"""When is something due, and why? The clock engine on the command line (SLA-01, SLA-12)."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser
from django.db import OperationalError, ProgrammingError
from django.utils.translation import gettext

from accounts.management.base import ActionCommand, Failed, moment
from complaints import clocks, deadlines
from complaints.calendars import SHANGHAI, CalendarMissing, WorkingCalendar
from complaints.deadlines import ClockRule, Pause, StartsOn
from complaints.holiday_data import official_calendar
from complaints.models import CalendarYear, PolicyRule
from complaints.profiles import COMPLEXITIES, MILESTONES, Profile, ProfileNotFound, ProfileNotInForce, select_profile


def pause(text: str) -> Pause:
    """START/END, both moments; an open end means that the clock stands still now."""
    start, slash, end = text.partition("/")
    if not slash:
        raise ArgumentTypeError(f"{text!r} is not a pause; write it like 2026-11-17T09:00/2026-11-18T09:00")
    began, ended = moment(start), moment(end) if end.strip() else None
    if ended is not None and ended < began:
        raise ArgumentTypeError(f"the pause {text!r} ends before it starts")
    return Pause(began, ended)


class Command(ActionCommand):
    help = "Computes a due date from a policy, a milestone and a start, and explains it."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--policy", required=True, help="code of the policy, e.g. house_default")
        parser.add_argument("--milestone", required=True, choices=MILESTONES)
        parser.add_argument(
            "--from", required=True, type=moment, dest="start", help="start of the clock, e.g. 2026-11-16T09:00+08:00"
        )
        parser.add_argument("--complexity", default="simple", choices=[value for value in COMPLEXITIES if value])
        parser.add_argument(
            "--pause",
            nargs="+",
            action="extend",
            type=pause,
            default=[],
            metavar="START/END",
            help="time that does not count",
        )

    def run(self, *, policy: str, milestone: str, start: datetime, complexity: str, **options: Any) -> dict[str, Any]:
        rule, starts_on, calendar = _rule(policy, milestone, complexity, start)
        try:
            due = deadlines.due_at(start, rule, calendar, options["pause"], starts_on=starts_on)
        except CalendarMissing as error:
            raise Failed(str(error)) from error
        return {
            "due_at": due.at and due.at.astimezone(SHANGHAI).isoformat(),
            "unit": str(rule.unit),
            "amount": rule.amount,
            "explain": [step.text(gettext) for step in due.explain],
            "provisional": due.provisional,
        }

    def show(self, result: dict[str, Any]) -> None:
        for line in result["explain"]:
            self.stdout.write(line)
        self.stdout.write(f"{result['amount']} {result['unit']} → {result['due_at']}")


def _rule(code: str, milestone: str, complexity: str, start: datetime) -> tuple[ClockRule, StartsOn, WorkingCalendar]:
    """The rule in force at the start and the calendar: the organisation's own where the database holds
    them, else the shipped ones."""
    on = start.astimezone(SHANGHAI).date()
    if _migrated():
        try:
            stored = clocks.policy_for(code, on=on)
        except LookupError:
            stored = None
        if stored is not None:
            rules = {rule.complexity: rule for rule in stored.rules.filter(milestone=milestone)}
            row = rules.get(complexity) or rules.get("")
            if row is None:
                raise _no_rule(code, milestone, sorted(set(stored.rules.values_list("milestone", flat=True))))
            return _clock(row), StartsOn(row.starts_on), clocks.working_calendar(stored.slots)
    profile = _shipped(code, on)
    rule = profile.rule_for(milestone, complexity)
    if rule is None:
        raise _no_rule(code, milestone, sorted({rule.milestone for rule in profile.rules}))
    calendar = (
        clocks.working_calendar([[str(a), str(b)] for a, b in profile.slots])
        if _migrated()
        else official_calendar(profile.slots)
    )
    return rule.clock(), StartsOn(rule.starts_on), calendar


def _migrated() -> bool:
    try:
        return CalendarYear.objects.exists()
    except (OperationalError, ProgrammingError):
        return False


def _shipped(code: str, on: Any) -> Profile:
    try:
        return select_profile(code, on)
    except (ProfileNotFound, ProfileNotInForce) as error:
        raise Failed(str(error)) from error


def _clock(row: PolicyRule) -> ClockRule:
    return ClockRule(
        row.amount, deadlines.Unit(row.unit), row.start_day_counts, row.roll_forward, row.after_hours_next_day
    )


def _no_rule(code: str, milestone: str, known: list[str]) -> Failed:
    return Failed(f"The policy {code} sets no limit for {milestone}; it has: {', '.join(known)}.")
