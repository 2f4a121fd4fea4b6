"""Clocks of a case: started, stopped, paused and extended by the transitions, stored as `Deadline`.

The arithmetic is in deadlines.py; here it meets the tables. A year without calendar data marks the
case and raises an alarm, it is never guessed (SLA-12, JT-07).
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from django.core.cache import caches
from django.db.models import Min, prefetch_related_objects

from complaints import deadlines
from complaints.calendars import SHANGHAI, CalendarMissing, WorkingCalendar
from complaints.deadlines import ClockRule, Due, LadderStep, Pause
from complaints.models import Assignment, CalendarDay, CalendarYear, Complaint, Deadline, PolicyRule, ServicePolicy
from complaints.states import DeadlineState, Milestone, RequestState

CACHE_SECONDS = 60
EMERGENCY = "emergency"
# A message that fell due in office hours still goes out when the sweep comes this much later.
LATE_SWEEP = timedelta(minutes=30)


def working_calendar(slots: list[list[str]] | None = None) -> WorkingCalendar:
    """The working calendar with the given slots; the table is re-read at least once a minute."""
    cache = caches["local"]
    stored = cache.get("calendar")
    if stored is None:
        days = list(CalendarDay.objects.values_list("day", "is_working", "name"))
        years = list(CalendarYear.objects.values_list("year", "is_provisional"))
        stored = (
            {day: working for day, working, _name in days},
            {day: name for day, _working, name in days},
            frozenset(year for year, _provisional in years),
            frozenset(year for year, provisional in years if provisional),
        )
        cache.set("calendar", stored, CACHE_SECONDS)
    exceptions, names, known, provisional = stored
    hours = {"slots": tuple((_time(a), _time(b)) for a, b in slots)} if slots else {}
    return WorkingCalendar(
        exceptions=exceptions, years=known, provisional=provisional, names=names, tz=SHANGHAI, **hours
    )


def _time(text: str) -> time:
    return time.fromisoformat(text)


def forget_calendar() -> None:
    """Make the next reader load the calendar table again."""
    caches["local"].delete("calendar")


def rule_of(deadline: Deadline) -> ClockRule:
    """The rule of a deadline as it was when the clock started, with its extensions."""
    rule = ClockRule(
        amount=deadline.amount,
        unit=deadlines.Unit(deadline.unit),
        start_day_counts=deadline.start_day_counts,
        roll_forward=deadline.roll_forward,
        after_hours_next_day=deadline.after_hours_next_day,
    )
    return rule.extended(deadline.extra_amount) if deadline.extra_amount else rule


def pauses_of(complaint: Complaint, clock: Deadline | None = None) -> list[Pause]:
    """The approved pauses of a case; a page that loaded them with the case asks nothing more.

    Of one clock only those that began before it ended: what came later moves nothing of it.
    """
    end = clock.stopped_at if clock else None
    return [
        Pause(start=row.started_at, end=row.ended_at)
        for row in complaint.pauses.all()
        if row.started_at and row.state != RequestState.REFUSED and (end is None or row.started_at < end)
    ]


def compute(deadline: Deadline, calendar: WorkingCalendar, pauses: list[Pause]) -> Due:
    """Due date with its explanation, from stored data alone (I13)."""
    return deadlines.due_at(
        deadline.started_at, rule_of(deadline), calendar, pauses, starts_on=deadlines.StartsOn(deadline.starts_on)
    )


def policy_for(code: str | None, *, on) -> ServicePolicy:
    """The stored revision of a policy in force on a day; the default policy when no code is given."""
    policies = ServicePolicy.objects.filter(code=code) if code else ServicePolicy.objects.filter(is_default=True)
    for policy in policies.order_by("-revision"):
        if policy.valid_from <= on and (policy.valid_until is None or on <= policy.valid_until):
            return policy
    raise LookupError(f"no policy {code or 'marked as default'} in force on {on}")


def begin(complaint: Complaint, event: deadlines.StartsOn, *, at: datetime) -> None:
    """Start every clock that the case's policy starts on this event (received, accepted, replied …).

    A clock that already runs goes on: being assigned a second time gives nobody new time.
    """
    going = {row.milestone for row in running(complaint) if row.assignment_id is None}
    by_milestone: dict[str, PolicyRule] = {}
    for rule in complaint.policy.rules.filter(starts_on=str(event)):
        if rule.complexity == complaint.complexity or (not rule.complexity and rule.milestone not in by_milestone):
            by_milestone[rule.milestone] = rule
    for rule in by_milestone.values():
        if rule.milestone in going or rule.milestone.startswith("review") or rule.milestone == Milestone.TASK:
            continue  # reviews keep their own dates, departments have clocks of their own (task_clocks.py)
        start(complaint, rule, at=at)


def start(
    complaint: Complaint,
    rule: PolicyRule,
    *,
    at: datetime,
    assignment: Assignment | None = None,
    amount: int | None = None,
) -> Deadline | None:
    """Start one clock; None and a mark on the case when the calendar has no data for the year."""
    deadline = Deadline(
        complaint=complaint,
        assignment=assignment,
        milestone=rule.milestone,
        amount=amount or rule.amount,
        unit=rule.unit,
        starts_on=rule.starts_on,
        start_day_counts=rule.start_day_counts,
        roll_forward=rule.roll_forward,
        after_hours_next_day=rule.after_hours_next_day,
        ladder=rule.ladder,
        started_at=at,
    )
    calendar = working_calendar(complaint.policy.slots)
    try:
        due = compute(deadline, calendar, [])
    except CalendarMissing:
        Complaint.objects.filter(pk=complaint.pk).update(calendar_missing=True)
        complaint.calendar_missing = True
        return None
    assert due.at is not None  # no pause was given
    deadline.due_at, deadline.is_provisional = due.at, due.provisional
    deadline.next_alert_at = next_alert(deadline, calendar)
    if stands_still(complaint):
        # Begun while the case is paused; it runs with the others.
        deadline.state, deadline.next_alert_at = DeadlineState.PAUSED, None
    deadline.save()
    return deadline


def stands_still(complaint: Complaint) -> bool:
    """Whether an approved pause of the case lasts."""
    return complaint.pauses.filter(state=RequestState.APPROVED, ended_at=None).exists()


def ladder_of(deadline: Deadline) -> list[LadderStep]:
    """The warning ladder stored with the deadline."""
    return [
        LadderStep(
            offset_kind=deadlines.OffsetKind(step["offset_kind"]),
            value=step["value"],
            recipients=tuple(deadlines.Recipient(r) for r in step["recipients"]),
            kind=deadlines.NoticeKind(step["kind"]),
        )
        for step in deadline.ladder
    ]


def alert_points(deadline: Deadline, calendar: WorkingCalendar) -> list[tuple[datetime, LadderStep]]:
    """When which reminder, breach or escalation of this deadline is due."""
    return deadlines.warning_points(
        deadline.started_at, deadline.due_at, calendar, ladder_of(deadline), unit=deadlines.Unit(deadline.unit)
    )


def next_alert(deadline: Deadline, calendar: WorkingCalendar) -> datetime | None:
    """The time of the first step of the ladder that was not sent yet."""
    points = alert_points(deadline, calendar)
    return points[deadline.alerts_sent][0].astimezone(UTC) if deadline.alerts_sent < len(points) else None


def held_until(
    deadline: Deadline, complaint: Complaint, calendar: WorkingCalendar, at: datetime, *, now: datetime
) -> datetime | None:
    """Until when a message of this clock that fell due at `at` is held; None when it goes out now (SLA-13).

    Messages go out in office hours, or within half an hour of a moment in them, such as the close of business.
    The clocks of an emergency that count hours day and night keep going; a year without calendar data holds nothing.
    """
    if deadline.unit == deadlines.Unit.HOURS and complaint.complexity == EMERGENCY:
        return None
    try:
        if now - at <= LATE_SWEEP and calendar.is_open(at):
            return None
        opening = calendar.working_instant(now)
    except CalendarMissing:
        return None
    return opening if opening > now else None


def running(complaint: Complaint, *milestones: str) -> list[Deadline]:
    """Running and paused clocks of a case, of the given milestones or all."""
    rows = Deadline.objects.filter(complaint=complaint, state__in=[DeadlineState.RUNNING, DeadlineState.PAUSED])
    return list(rows.filter(milestone__in=milestones) if milestones else rows)


def rule_for(complaint: Complaint, milestone: str) -> PolicyRule | None:
    """The rule of the case's policy for a milestone: that of its complexity, else the one for every other.

    The rules are read once for a loaded case; a stored revision never changes.
    """
    prefetch_related_objects([complaint.policy], "rules")
    rules = {rule.complexity: rule for rule in complaint.policy.rules.all() if rule.milestone == milestone}
    return rules.get(complaint.complexity) or rules.get("")


def extendable(complaint: Complaint) -> list[Deadline]:
    """The running limits of a case that its policy extends, as often as it does, and of which none is asked for yet.

    Those of departments follow the limit for handling (SLA-13). A page that loaded clocks and rules asks nothing more.
    """
    found = []
    for row in complaint.deadlines.all():
        if row.assignment_id is not None or row.state != DeadlineState.RUNNING or row.breached_at is not None:
            continue
        rule = rule_for(complaint, row.milestone)
        if rule is None or not rule.max_extensions:
            continue
        states = [extension.state for extension in row.extensions.all()]
        if RequestState.REQUESTED not in states and states.count(RequestState.APPROVED) < rule.max_extensions:
            found.append(row)
    return found


def resettable(complaint: Complaint) -> list[Deadline]:
    """The clocks that run and whose rule lets them begin anew, those of the case before those of departments."""
    found = []
    for deadline in running(complaint):
        rule = rule_for(complaint, deadline.milestone)
        if rule is not None and rule.resets:
            found.append(deadline)
    return sorted(found, key=lambda deadline: deadline.assignment_id is not None)


def stop(complaint: Complaint, *milestones: str, at: datetime, assignment: Assignment | None = None) -> None:
    """Stop the clocks of these milestones: met when in time, else missed. Being late stays recorded."""
    for deadline in running(complaint, *milestones):
        if assignment is not None and deadline.assignment_id != assignment.pk:
            continue
        late = deadline.state == DeadlineState.RUNNING and at > deadline.due_at
        deadline.state = DeadlineState.MISSED if late or deadline.breached_at else DeadlineState.MET
        deadline.breached_at = deadline.breached_at or (deadline.due_at if late else None)
        deadline.stopped_at, deadline.next_alert_at = at, None
        deadline.save(update_fields=["state", "breached_at", "stopped_at", "next_alert_at"])


def cancel(complaint: Complaint, *milestones: str, at: datetime, assignment: Assignment | None = None) -> None:
    """End clocks that lost their meaning (withdrawal, refusal, rework)."""
    for deadline in running(complaint, *milestones):
        if assignment is not None and deadline.assignment_id != assignment.pk:
            continue
        deadline.state, deadline.stopped_at, deadline.next_alert_at = DeadlineState.CANCELLED, at, None
        deadline.save(update_fields=["state", "stopped_at", "next_alert_at"])


def revive(complaint: Complaint, *, cancelled_at: datetime) -> None:
    """Let the clocks run on that were cancelled at this moment, as if it had not been: their dates are the old ones.

    Where a pause lasts still, they are held as they were.
    """
    for deadline in Deadline.objects.filter(
        complaint=complaint, state=DeadlineState.CANCELLED, stopped_at=cancelled_at
    ):
        deadline.state, deadline.stopped_at = DeadlineState.RUNNING, None
        deadline.save(update_fields=["state", "stopped_at"])
        run_on(deadline, complaint)


def pause_all(complaint: Complaint, *, at: datetime) -> None:
    """Hold every running clock; their due dates are set again on resuming.

    A limit that is over is over: no pause un-makes the lateness, and its reminders go on (SLA-13, I13).
    """
    for deadline in running(complaint):
        if deadline.state == DeadlineState.RUNNING and at <= deadline.due_at:
            deadline.state, deadline.next_alert_at = DeadlineState.PAUSED, None
            deadline.save(update_fields=["state", "next_alert_at"])


def resume_all(complaint: Complaint, *, at: datetime) -> None:
    """Let the held clocks run on; each is later by exactly the working time of the pause."""
    for deadline in running(complaint):
        if deadline.state == DeadlineState.PAUSED:
            deadline.state = DeadlineState.RUNNING
            run_on(deadline, complaint, at=at)


def run_on(deadline: Deadline, complaint: Complaint, *, at: datetime | None = None) -> None:
    """Set the date of a clock that runs again or has another limit.

    Where the calendar ends before it, the case is marked and the clock neither warns nor breaks its limit until the
    year is there (JT-07, SLA-12).
    """
    try:
        set_due(deadline, complaint, at=at)
    except CalendarMissing:
        Complaint.objects.filter(pk=complaint.pk).update(calendar_missing=True)
        complaint.calendar_missing, deadline.next_alert_at = True, None
        deadline.save(update_fields=["state", "next_alert_at"])


def set_due(deadline: Deadline, complaint: Complaint, *, at: datetime | None = None) -> None:
    """Compute and store the due date again after a resume, an extension or a calendar correction.

    Where `at` says when, a later date has the reminders that still lie ahead for it. While a pause lasts the clock is
    held with the date it had; the resume sets the new one. Raises CalendarMissing, with nothing stored.
    """
    calendar = working_calendar(complaint.policy.slots)
    due = compute(deadline, calendar, pauses_of(complaint))
    if due.at is None:
        deadline.state, deadline.next_alert_at = DeadlineState.PAUSED, None
    else:
        is_later = due.at > deadline.due_at
        deadline.due_at, deadline.is_provisional = due.at, due.provisional
        if at is not None and is_later:
            over = sum(point <= at for point, _step in alert_points(deadline, calendar))
            deadline.alerts_sent = min(deadline.alerts_sent, over)
        deadline.next_alert_at = next_alert(deadline, calendar)
    deadline.save(update_fields=["state", "due_at", "is_provisional", "next_alert_at", "extra_amount", "alerts_sent"])


def refresh(complaint: Complaint) -> None:
    """Keep the queue's columns: earliest running due date, whether all is paused."""
    clocks = Deadline.objects.filter(complaint=complaint)
    complaint.next_due_at = clocks.filter(state=DeadlineState.RUNNING).aggregate(due=Min("due_at"))["due"]
    complaint.is_paused = clocks.filter(state=DeadlineState.PAUSED).exists() and complaint.next_due_at is None
    if complaint.is_paused:
        # A paused case keeps its place in the queue by the date it had.
        complaint.next_due_at = clocks.filter(state=DeadlineState.PAUSED).aggregate(due=Min("due_at"))["due"]
    complaint.save(update_fields=["next_due_at", "is_paused"])


def date_of(complaint: Complaint, milestone: str, *, since: datetime) -> datetime | None:
    """The last moment of a limit that is not a clock of the desk, such as the complainant's window to
    apply for a review; None when the policy has no such limit or the calendar no data."""
    rule = rule_for(complaint, milestone)
    if rule is None:
        return None
    clock = ClockRule(
        rule.amount, deadlines.Unit(rule.unit), rule.start_day_counts, rule.roll_forward, rule.after_hours_next_day
    )
    try:
        return deadlines.due_at(since, clock, working_calendar(complaint.policy.slots)).at
    except CalendarMissing:
        return None


def was_late(complaint: Complaint) -> bool:
    """Some milestone of the case was done late (SLA-03 asks for the reason at closing); a department late on its
    own clock while the case was in time stands in the time ledger."""
    late = complaint.deadlines.filter(state=DeadlineState.MISSED, assignment=None)
    return late.exclude(milestone=Milestone.PROGRESS).exists()


def working_day(complaint: Complaint) -> timedelta:
    """Length of a working day under the case's policy."""
    return working_calendar(complaint.policy.slots).day_length
