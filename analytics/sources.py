"""What is counted, one query per function: counters per period and group, in SQL.

Every source takes consecutive periods, a scope and the axes to group by, and gives `Cells`. figures.py
turns the counters into figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Collate, TruncDate

from analytics import three_rates
from analytics.cells import Cells, Group, grouped, tally
from analytics.periods import OFFICE, Period
from analytics.scope import ANSWERED, ASKED, REACHED, Scope
from complaints import clocks
from complaints.calendars import CalendarMissing
from complaints.models import Callback, CaseEvent, Complaint, Deadline, ImprovementAction, Praise, Question
from complaints.states import (
    OPEN,
    DeadlineState,
    DissatisfactionReason,
    EmotionIntensity,
    Milestone,
    QuestionKind,
    RiskGrade,
    Satisfaction,
    Status,
)
from publication.models import Publication, RevisedDocument
from review.models import Alert, ReviewCase, ReviewTrigger
from review.states import AlertState, Conclusion

# How long is watched what follows a closing or a publication.
WATCH = timedelta(days=90)

# --- Cases --------------------------------------------------------------------------------------


def registered(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """Complaints by registration: cases, and how many of them repeat, are risky, upset or of a special group."""
    return tally(
        Complaint.objects.all(),
        "registered_at",
        periods,
        scope,
        axes,
        "",
        cases=Count("pk"),
        repeats=Count("pk", filter=Q(is_repeat=True)),
        high_risk=Count("pk", filter=Q(risk_grade=RiskGrade.HIGH)),
        medium_risk=Count("pk", filter=Q(risk_grade=RiskGrade.MEDIUM)),
        legal_risk=Count("pk", filter=Q(legal_type__isnull=False)),
        upset=Count("pk", filter=Q(emotion_intensity__gte=EmotionIntensity.ANGRY)),
        special=Count("pk", filter=~Q(special_groups=[])),
    )


def leading(column: str, period: Period, scope: Scope, *, most: int) -> list[tuple[str, int]]:
    """The most frequent values of a column typed by hand among the cases registered: (value, cases).

    As many values may be typed as there are cases, so the database sorts them; equal ones stand by their characters.
    """
    by_characters = "C" if connection.vendor == "postgresql" else "BINARY"
    cases = Complaint.objects.filter(scope.cases(), registered_at__gte=period.start, registered_at__lt=period.end)
    counted = cases.order_by().values_list(column).annotate(cases=Count("pk"))
    return list(counted.order_by("-cases", Collate(column, by_characters))[:most])


def emotions(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """Emotions noted in the cases registered: marks. A case may carry several."""
    rows = Complaint.emotions.through.objects.all()
    return tally(rows, "complaint__registered_at", periods, scope, axes, "complaint__", marks=Count("pk"))


def _first_events(kinds: Sequence[str], targets: Sequence[Status]) -> QuerySet:
    """The first event of each case that brought it to one of the statuses (index event_kind_at)."""
    events = CaseEvent.objects.filter(kind__in=kinds, to_status__in=targets)
    earlier = events.filter(complaint=OuterRef("complaint"), sequence__lt=OuterRef("sequence"))
    return events.filter(~Exists(earlier))


_ANSWERING = ("pass_quality", "pass_legal")
_ENDING = (*_ANSWERING, "refuse", "withdraw")
_REWORK = ("return_for_rework", "return_from_legal")
_RETURN = ("grant_return",)


def first_replies() -> QuerySet[CaseEvent]:
    """The first reply of each case, as the event that sent it."""
    return _first_events(_ANSWERING, (Status.REPLIED,))


def handled(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """Cases by their first reply, refusal or withdrawal: cases."""
    rows = _first_events(_ENDING, (Status.REPLIED, Status.NOT_ACCEPTED, Status.WITHDRAWN))
    return tally(rows, "at", periods, scope, axes, "complaint__", cases=Count("pk"))


def open_at_end(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """Cases that were open at the end of each period: cases. One query per period; no axes.

    A case that changed later is judged by its last event before the end. Of the axes it knows only "case".
    """
    cells = Cells(tuple(axes))
    for period in periods:
        earlier = CaseEvent.objects.filter(complaint=OuterRef("pk"), version__isnull=False, at__lt=period.end)
        rows = (
            Complaint.objects.filter(scope.cases(), registered_at__lt=period.end)
            .filter(Q(status__in=OPEN) | Q(status_since__gte=period.end))
            .annotate(then=Subquery(earlier.order_by("-version").values("to_status")[:1]))
            .filter(Q(status__in=OPEN, status_since__lt=period.end) | Q(status_since__gte=period.end, then__in=OPEN))
        )
        if axes:
            for pk in rows.values_list("pk", flat=True):
                cells.add(period, (Group(str(pk)),), {"cases": 1})
        else:
            cells.add(period, (), {"cases": rows.count()})
    return cells


def answered(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """Cases by first reply: ("days", n) → how many took n working days.

    The database counts per pair of days, however many cases there are; the working days between the
    two are added here. Pairs in a year without a calendar are left out.
    """
    cells = Cells(tuple(axes))
    rows = _first_events(_ANSWERING, (Status.REPLIED,)).annotate(
        came=TruncDate("complaint__registered_at", tzinfo=OFFICE), went=TruncDate("at", tzinfo=OFFICE)
    )
    found = list(grouped(rows, "at", periods, scope, axes, "complaint__", ["came", "went"], {"cases": Count("pk")}))
    days = _working_days({(row["came"], row["went"]) for _period, _groups, row in found})
    for period, groups, row in found:
        if (row["came"], row["went"]) in days:
            cells.add(period, groups, {("days", days[row["came"], row["went"]]): row["cases"]})
    return cells


def _working_days(pairs: Iterable[tuple[date, date]]) -> dict[tuple[date, date], int]:
    """Working days after the first day up to and including the second, for many pairs at once."""
    pairs = list(pairs)
    if not pairs:
        return {}
    calendar, total, until = clocks.working_calendar(), 0, {}
    day, last = min(map(min, pairs)), max(map(max, pairs))
    while day <= last:
        try:
            total += calendar.is_working_day(day)
            until[day] = total
        except CalendarMissing:
            pass
        day += timedelta(days=1)
    return {(came, went): max(0, until[went] - until[came]) for came, went in pairs if came in until and went in until}


def days_to_reply(case: Complaint) -> int | None:
    """Working days to the first reply of one case, counted as in `answered`; None without a reply or calendar."""
    first = (
        CaseEvent.objects.filter(complaint=case, kind__in=_ANSWERING, to_status=Status.REPLIED)
        .order_by("sequence")
        .first()
    )
    if first is None:
        return None
    pair = (case.registered_at.astimezone(OFFICE).date(), first.at.astimezone(OFFICE).date())
    return _working_days([pair]).get(pair)


def spread_of(lengths: list[float]) -> dict[str, float]:
    """Sum, median and nine in ten of lengths in ascending order, in seconds."""
    return {
        "cases": len(lengths),
        "seconds": sum(lengths),
        "median_seconds": rank(lengths, 0.5),
        "p90_seconds": rank(lengths, 0.9),
    }


def rank(ordered: Sequence[float], share: float) -> float:
    """Nearest rank: the smallest value that at least `share` of the values do not exceed."""
    return ordered[max(0, -(-len(ordered) * round(share * 100) // 100) - 1)]


def clocks_stopped(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """Clocks by the moment they stopped: met, missed, and for handling and reply main_met, main_missed."""
    rows = Deadline.objects.filter(state__in=[DeadlineState.MET, DeadlineState.MISSED], assignment=None)
    main = Q(milestone__in=[Milestone.RESOLVE, Milestone.REPLY])
    met, missed = Q(state=DeadlineState.MET), Q(state=DeadlineState.MISSED)
    return tally(
        rows,
        "stopped_at",
        periods,
        scope,
        axes,
        "complaint__",
        met=Count("pk", filter=met),
        missed=Count("pk", filter=missed),
        main_met=Count("pk", filter=main & met),
        main_missed=Count("pk", filter=main & missed),
    )


def closed(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """Cases by their first closing: cases, late, called, reworked (a reply came back), returned (by a department)."""
    missed = Deadline.objects.filter(complaint=OuterRef("pk"), state=DeadlineState.MISSED, assignment=None).exclude(
        milestone=Milestone.PROGRESS
    )
    called = Callback.objects.filter(complaint=OuterRef("pk"), is_reached=True, at__lte=OuterRef("first_closed_at"))
    before = CaseEvent.objects.filter(complaint=OuterRef("pk"), at__lte=OuterRef("first_closed_at"))
    rows = Complaint.objects.annotate(
        was_late=Exists(missed),
        was_called=Exists(called),
        was_reworked=Exists(before.filter(kind__in=_REWORK)),
        was_returned=Exists(before.filter(kind__in=_RETURN)),
    )
    return tally(
        rows,
        "first_closed_at",
        periods,
        scope,
        axes,
        "",
        cases=Count("pk"),
        late=Count("pk", filter=Q(was_late=True)),
        called=Count("pk", filter=Q(was_called=True)),
        reworked=Count("pk", filter=Q(was_reworked=True)),
        returned=Count("pk", filter=Q(was_returned=True)),
    )


def moves(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """Steps back in the log: reworks, reopenings, returns."""
    kinds = {
        "reworks": _REWORK,
        "reopenings": ("reopen",),
        "returns": _RETURN,
    }
    rows = CaseEvent.objects.filter(kind__in=[kind for names in kinds.values() for kind in names])
    counts = {name: Count("pk", filter=Q(kind__in=names)) for name, names in kinds.items()}
    return tally(rows, "at", periods, scope, axes, "complaint__", **counts)


def ratings(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """What complainants answered: satisfied, basically, dissatisfied, a count per reason, asked, answering."""
    counts: dict[str, Any] = {str(value): Count("pk", filter=Q(satisfaction=value)) for value in Satisfaction}
    counts |= {
        f"reason_{value}": Count("pk", filter=Q(satisfaction=Satisfaction.DISSATISFIED, reason=value))
        for value in DissatisfactionReason
    }
    counts["asked"] = Count("complaint", distinct=True)
    counts["answering"] = Count("complaint", distinct=True, filter=~Q(satisfaction=""))
    return tally(Callback.objects.all(), "at", periods, scope, axes, "complaint__", **counts)


def questions(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """What complainants asked in between: reminders, substantive."""
    return tally(
        Question.objects.all(),
        "at",
        periods,
        scope,
        axes,
        "complaint__",
        reminders=Count("pk", filter=Q(kind=QuestionKind.REMINDER)),
        substantive=Count("pk", filter=Q(kind=QuestionKind.SUBSTANTIVE)),
    )


def calls(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """Call-backs by the formula of the scope: contact_late of contact_known, solved of solved_base, pleased of
    pleased_base."""
    formula = three_rates.resolve(scope.formula)
    clocks_of = Deadline.objects.filter(complaint=OuterRef("complaint"), milestone=Milestone.FIRST_CONTACT)
    # Each of the two is looked up once for the whole period, so none is asked for twice.
    rows = Callback.objects.annotate(
        known=Exists(clocks_of.filter(state__in=[DeadlineState.MET, DeadlineState.MISSED])),
        too_late=Exists(clocks_of.filter(state=DeadlineState.MISSED)),
    )
    reached, everything = Q(is_reached=True), Q(pk__isnull=False)
    bases = {
        ANSWERED: (reached & Q(is_solved__isnull=False), ~Q(satisfaction="")),
        REACHED: (reached, reached),
        ASKED: (everything, everything),
    }
    solved_base, pleased_base = bases[formula.base]
    pleased = [Satisfaction.SATISFIED, *([Satisfaction.BASICALLY] if formula.basically else [])]
    return tally(
        rows,
        "at",
        periods,
        scope,
        axes,
        "complaint__",
        contact_late=Count("pk", filter=reached & Q(too_late=True)),
        contact_known=Count("pk", filter=reached & Q(known=True)),
        solved=Count("pk", filter=reached & Q(is_solved=True)),
        solved_base=Count("pk", filter=solved_base),
        pleased=Count("pk", filter=Q(satisfaction__in=pleased)),
        pleased_base=Count("pk", filter=pleased_base),
    )


def praise(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """Praise by the day it came: praises. It belongs to the department and person it names, with a case or without."""
    rows = Praise.objects.all()
    for departments in (scope.departments, scope.department or None):
        if departments is not None:
            rows = rows.filter(department__in=sorted(departments))
    rest = replace(scope, departments=None, department=())
    own = [f"praised_{axis}" if axis in ("department", "handler") else axis for axis in axes]
    cells = tally(rows, "received_on", periods, rest, own, "complaint__", praises=Count("pk"))
    cells.axes = tuple(axes)
    return cells


# --- Reviews, publications, improvements ----------------------------------------------------------


def reviews_opened(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """Triggers of reviews by the moment of the signal: triggers."""
    if not scope.sees_reviews:
        return Cells(tuple(axes))
    return tally(ReviewTrigger.objects.all(), "at", periods, scope, axes, "review__complaint__", triggers=Count("pk"))


def reviews_screened(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """Reviews by the moment of their screening: screened, in_time."""
    if not scope.sees_reviews:
        return Cells(tuple(axes))
    return tally(
        ReviewCase.objects.all(),
        "screened_at",
        periods,
        scope,
        axes,
        "complaint__",
        screened=Count("pk"),
        in_time=Count("pk", filter=Q(screened_at__lte=F("screening_due_at"))),
    )


def reviews_final(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """Reviews by the moment their conclusion was signed: finalised, overturned."""
    changed = Q(conclusion__in=[Conclusion.AMEND, Conclusion.SET_ASIDE])
    return tally(
        ReviewCase.objects.all(),
        "finalised_at",
        periods,
        scope,
        axes,
        "complaint__",
        finalised=Count("pk"),
        overturned=Count("pk", filter=changed),
    )


def marks(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """Early warnings that nobody dismissed, by the moment they were raised: perfunctory, no_evidence (QUA-10)."""
    if not scope.sees_reviews:
        return Cells(tuple(axes))
    rows = Alert.objects.exclude(state=AlertState.DISMISSED)
    counts = {rule: Count("complaint", distinct=True, filter=Q(rule=rule)) for rule in ("perfunctory", "no_evidence")}
    return tally(rows.filter(rule__in=counts), "raised_at", periods, scope, axes, "complaint__", **counts)


def posted(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """Publications by the moment they were posted: publications."""
    return tally(Publication.objects.all(), "posted_at", periods, scope, axes, "complaint__", publications=Count("pk"))


def improvements_verified(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """Improvements by the moment somebody else verified them: improvements."""
    return tally(
        ImprovementAction.objects.all(), "verified_at", periods, scope, axes, "complaint__", improvements=Count("pk")
    )


def documents(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """Manuals and rules by the day they were revised because of a published problem: documents (PUB-42)."""
    rows = RevisedDocument.objects.all()
    return tally(rows, "revised_on", periods, scope, axes, "publication__complaint__", documents=Count("pk"))


def echo(periods: Sequence[Period], scope: Scope, axes: Sequence[str] = ()) -> Cells:
    """Complaints of the category of a published result in the 90 days before and after its posting: before, after.

    A result counts in the period in which the 90 days after it end. Knows no axes.
    """
    cells = Cells()
    of_category = Complaint.objects.filter(category=OuterRef("category")).order_by().values("category")
    for period in periods:
        rows = (
            Publication.objects.filter(scope.cases("complaint__"), category__isnull=False)
            .filter(posted_at__gte=period.start - WATCH, posted_at__lt=period.end - WATCH)
            .annotate(watch_from=F("posted_at") - WATCH, watch_until=F("posted_at") + WATCH)
        )
        spans = {
            "before": Q(registered_at__gte=OuterRef("watch_from"), registered_at__lt=OuterRef("posted_at")),
            "after": Q(registered_at__gte=OuterRef("posted_at"), registered_at__lt=OuterRef("watch_until")),
        }
        found = rows.annotate(
            **{
                name: Subquery(of_category.filter(span).annotate(n=Count("pk")).values("n"))
                for name, span in spans.items()
            }
        )
        for before, after in found.values_list("before", "after"):
            cells.add(period, (), {"before": before or 0, "after": after or 0})
    return cells
