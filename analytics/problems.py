"""The problem list as one person reads it: rank, filters, recurrence, and how far a case is really done.

A problem is ranked by frequency and risk (IMP-02): its score is the sum over its cases of the weight of their risk
(`outlook.WEIGHTS`: ordinary 1, medium 1.5, high 3), rounded up.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Case, Count, Exists, F, FloatField, OuterRef, Q, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import JSONObject, TruncMonth
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.models import User
from analytics import charts, outlook, permissions
from analytics.models import Adoption, Problem, ProblemSource, Project
from analytics.periods import OFFICE, Period, month_of
from analytics.scope import Scope
from analytics.states import CauseCode, ProblemState, ProjectState
from complaints import filters
from complaints.models import Complaint
from complaints.states import ImprovementState

MANAGE = "analytics.manage_problems"
UNSETTLED = (ProblemState.OPEN, ProblemState.ANALYSED, ProblemState.IMPROVING)
UNDER_WAY = (ProjectState.OPEN, ProjectState.DONE)
# What counts as "lately" on the list.
LATELY = timedelta(days=92)
# The small line of the list: equal spans up to now, so the last one is not short of days as a month under way would be.
SPAN = timedelta(days=30)
SPANS = 8
MONTHS = 12

STATE_TONES = {
    ProblemState.OPEN: "bad",
    ProblemState.ANALYSED: "warn",
    ProblemState.IMPROVING: "info",
    ProblemState.SETTLED: "ok",
    ProblemState.SET_ASIDE: "",
}


# --- Who sees what ----------------------------------------------------------------------------------
def visible_to(user: User) -> QuerySet[Problem]:
    """The problems a person may read. Raises NotAllowed for whoever may not see figures."""
    return within(Problem.objects.all(), permissions.scope_for(user), user)


def within(rows: QuerySet[Problem], scope: Scope, user: User) -> QuerySet[Problem]:
    """Those of `rows` in the person's scope: a department reads its own problems, and those whose projects it or
    the person carries out or is asked to take over."""
    if scope.departments is not None:
        own = sorted(scope.departments)
        projects = Project.objects.filter(Q(department__in=own) | Q(owner=user), problem=OuterRef("pk"))
        asked = Adoption.objects.filter(department__in=own, project__problem=OuterRef("pk"))
        rows = rows.filter(Q(department__in=own) | Exists(projects) | Exists(asked))
    if scope.department:
        rows = rows.filter(department__in=scope.department)
    return rows.filter(category__in=scope.category) if scope.category else rows


# --- The list ---------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Line:
    """A problem as the list shows it. `project`: the one that ends next, `lately`: its cases of three months.

    `trend`: its cases of each thirty days up to now as a small line and in words, oldest first; None without any.
    """

    problem: Problem
    state: str
    tone: str
    causes: str
    lately: int
    trend: tuple[SafeString, str] | None
    project: dict[str, Any]
    project_tone: str
    lacks_project: bool


def for_list(rows: QuerySet[Problem], *, now: datetime) -> QuerySet[Problem]:
    """Everything a line shows, in one query, the worst first."""
    projects = Project.objects.filter(problem=OuterRef("pk")).exclude(state=ProjectState.GIVEN_UP)
    next_due = projects.order_by(Case(When(state=ProjectState.VERIFIED, then=1), default=0), "due_on", "pk")
    columns = {
        "number": F("number"),
        "title": F("title"),
        "owner": F("owner__display_name"),
        "department": F("department__name"),
        "due_on": F("due_on"),
        "percent": F("percent"),
        "state": F("state"),
    }
    spans = {
        f"span_{n}": Count(
            "pk", filter=Q(complaint__received_at__gt=now - (n + 1) * SPAN, complaint__received_at__lte=now - n * SPAN)
        )
        for n in range(SPANS)
    }
    counts = {"lately": Count("pk", filter=Q(complaint__received_at__gte=now - LATELY)), **spans}
    sources = ProblemSource.objects.filter(problem=OuterRef("pk"), complaint__received_at__gt=now - SPANS * SPAN)
    counted = sources.order_by().values("problem").annotate(**counts)
    return (
        rows.select_related("category", "department")
        .annotate(
            project=Subquery(next_due.annotate(line=JSONObject(**columns)).values("line")[:1]),
            counts=Subquery(counted.annotate(line=JSONObject(**{name: F(name) for name in counts})).values("line")),
        )
        .order_by("-score", "-pk")
    )


def lines(rows: Iterable[Problem], *, today: date) -> list[Line]:
    """The rows of `for_list` as lines; no query."""
    return [_line(row, today) for row in rows]


def _line(row: Problem, today: date) -> Line:
    project, counts = getattr(row, "project", None) or {}, getattr(row, "counts", None) or {}
    late = project and project["state"] in UNDER_WAY and project["due_on"] < today.isoformat()
    return Line(
        problem=row,
        state=row.get_state_display(),
        tone=STATE_TONES[ProblemState(row.state)],
        causes=cause_words(row.causes),
        lately=counts.get("lately", 0),
        trend=_trend([counts.get(f"span_{n}", 0) for n in reversed(range(SPANS))]),
        project=project,
        project_tone="bad" if late else "ok" if project and project["state"] != ProjectState.OPEN else "",
        lacks_project=row.is_major and not project and row.state in UNSETTLED,
    )


def _trend(counts: list[int]) -> tuple[SafeString, str] | None:
    if not any(counts):
        return None
    numbers = {"list": _(", ").join(charts.show(n) for n in counts)}
    return charts.sparkline(counts), _("Cases in each 30 days up to today, oldest first: %(list)s") % numbers


def cause_words(codes: Iterable[str]) -> str:
    """Cause codes in words, as a list."""
    return _(", ").join(str(CauseCode(code).label) for code in codes if code in CauseCode.values)


def after(rows: QuerySet[Problem], cursor: str) -> QuerySet[Problem] | None:
    """The rows behind a place such as 214.17 (score and key); None when it is no such place."""
    score, _dot, key = cursor.partition(".")
    if not all(part.isascii() and part.isdecimal() and len(part) < 10 for part in (score, key)):
        return None
    return rows.filter(Q(score__lt=int(score)) | Q(score=int(score), pk__lt=int(key)))


def place_of(row: Problem) -> str:
    """The place behind which the next page begins."""
    return f"{row.score}.{row.pk}"


@dataclass(frozen=True)
class Choice:
    """One value of a filter with the number of problems it would show."""

    code: str
    label: str
    count: int


@dataclass(frozen=True)
class Narrowed:
    """What the list is narrowed by; an unknown value is none."""

    state: str
    department: str
    category: str

    def pks(self, kind: str) -> frozenset[int]:
        """The keys behind the chosen department or category, subcategories included; empty: not narrowed."""
        return frozenset(next((option.pks for option in filters.options()[kind] if option.code == self[kind]), ()))

    def __getitem__(self, kind: str) -> str:
        return str(getattr(self, kind))


CURRENT = "current"


def read_filters(parameters: Any) -> Narrowed:
    """The filters of an address; by default everything that is not settled."""
    state = parameters.get("state", "")
    known = {kind: {option.code for option in filters.options()[kind]} for kind in ("department", "category")}
    codes = {kind: parameters.get(kind, "") for kind in known}
    return Narrowed(
        state if state in ProblemState.values else CURRENT,
        **{kind: code if code in known[kind] else "" for kind, code in codes.items()},
    )


def narrow(rows: QuerySet[Problem], by: Narrowed) -> QuerySet[Problem]:
    """The rows that meet every filter."""
    rows = rows.filter(state__in=_states(by.state))
    for kind in ("department", "category"):
        if by[kind]:
            rows = rows.filter(**{f"{kind}__in": by.pks(kind)})
    return rows


def _states(code: str) -> list[str]:
    return [str(state) for state in UNSETTLED] if code == CURRENT else [code]


def choices(rows: QuerySet[Problem], by: Narrowed) -> dict[str, list[Choice]]:
    """The values of each filter with their counts while the other filters stay. One query."""
    cells = list(rows.order_by().values_list("state", "department", "category").annotate(n=Count("pk")))
    pks = {"department": by.pks("department"), "category": by.pks("category")}

    def tally(kind: str) -> Counter:
        found: Counter = Counter()
        for state, department, category, n in cells:
            meets = {
                "state": state in _states(by.state),
                "department": not pks["department"] or department in pks["department"],
                "category": not pks["category"] or category in pks["category"],
            }
            if all(meets[other] for other in meets if other != kind):
                found[{"state": state, "department": department, "category": category}[kind]] += n
        return found

    states = tally("state")
    found = {
        "state": [
            Choice(CURRENT, _("Not settled"), sum(states[state] for state in _states(CURRENT))),
            *(Choice(state, str(state.label), states[state]) for state in ProblemState),
        ]
    }
    for kind in ("department", "category"):
        counts = tally(kind)
        shown = (
            Choice(option.code, option.label, sum(counts[pk] for pk in option.pks))
            for option in filters.options()[kind]
        )
        found[kind] = [choice for choice in shown if choice.count or choice.code == by[kind]]
    return found


# --- One problem ------------------------------------------------------------------------------------
def weigh(problem_id: int) -> tuple[int, int]:
    """(cases, score) of a problem now (IMP-02, IMP-07). One query."""
    weights = [When(complaint__risk_grade=grade, then=Value(weight)) for grade, weight in outlook.WEIGHTS.items()]
    weight = Case(*weights, default=Value(1.0), output_field=FloatField())
    rows = ProblemSource.objects.filter(problem=problem_id, complaint__isnull=False)
    found = rows.aggregate(cases=Count("complaint"), score=Sum(weight))
    return found["cases"], math.ceil(found["score"] or 0)


def recurrence(problem: Problem, *, now: datetime) -> list[tuple[Period, int]]:
    """Its cases by the month they were received, the last twelve months, oldest first (IMP-07). One query."""
    months = month_of(now).last_months(MONTHS)
    rows = ProblemSource.objects.filter(
        problem=problem, complaint__received_at__gte=months[0].start, complaint__received_at__lt=months[-1].end
    )
    counts = {
        (row["month"].year, row["month"].month): row["n"]
        for row in rows.order_by()
        .annotate(month=TruncMonth("complaint__received_at", tzinfo=OFFICE))
        .values("month")
        .annotate(n=Count("pk"))
    }
    return [(month, counts.get((month.year, month.month), 0)) for month in months]


def per_month(series: list[tuple[Period, int]], opened: datetime) -> tuple[int, float | None, float | None]:
    """Where the month of the entry stands in the series, and the cases a month before it and from it on; None where
    the series holds no such month."""
    cut = next((place for place, (month, _n) in enumerate(series) if opened < month.end), len(series))

    def mean(part: list[tuple[Period, int]]) -> float | None:
        return round(sum(n for _month, n in part) / len(part), 1) if part else None

    return cut, mean(series[:cut]), mean(series[cut:])


def cases_of(problem: Problem, user: User) -> QuerySet[Complaint]:
    """The cases behind a problem that this person may read, the latest first."""
    linked = ProblemSource.objects.filter(problem=problem, complaint__isnull=False)
    return Complaint.objects.visible_to(user).filter(pk__in=linked.values("complaint")).order_by("-received_at", "-pk")


# --- One case ---------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Part:
    """One of the three things a finished case has: done or not, and why one says so."""

    label: str
    is_done: bool
    reason: str


def of_case(complaint: Complaint, user: User) -> list[Problem]:
    """The problems a case belongs to, as far as the person may read them."""
    linked = ProblemSource.objects.filter(complaint=complaint)
    return list(for_list(visible_to(user).filter(pk__in=linked.values("problem")), now=timezone.now()))


def standing(complaint: Complaint) -> list[Part]:
    """Solution, rectification and feedback: a complaint is really closed only when all three are done (IMP-17)."""
    answered = complaint.callbacks.exclude(satisfaction="").order_by("-at").first()
    unsolved = answered is not None and answered.is_solved is False and complaint.closed_at is None
    delivered = complaint.replies.filter(delivered_at__isnull=False).exists()
    return [
        Part(
            _("Solution"),
            complaint.replied_at is not None and not unsolved,
            _("The complainant says it is not solved.")
            if unsolved
            else _("There is a result.")
            if complaint.replied_at
            else _("There is no result yet."),
        ),
        _rectification(complaint),
        Part(
            _("Feedback"),
            delivered and (answered is not None or complaint.closed_at is not None),
            _("The complainant was told the result and asked about it.")
            if delivered and answered
            else _("The complainant was told the result and could not be reached about it.")
            if delivered and complaint.closed_at
            else _("The complainant was told the result and is still to be asked about it.")
            if delivered
            else _("The complainant was not told the result yet."),
        ),
    ]


def _rectification(complaint: Complaint) -> Part:
    measures = complaint.improvements.exclude(state=ImprovementState.VERIFIED).count()
    states = list(Problem.objects.filter(sources__complaint=complaint).values_list("state", flat=True))
    pending = sum(state in UNSETTLED for state in states)
    label = _("Rectification")
    if pending or measures:
        words = _("%(problems)s problems are not settled, %(measures)s improvements not verified.")
        return Part(label, False, words % {"problems": pending, "measures": measures})
    if complaint.is_systemic and not states:
        return Part(label, False, _("A systemic cause was named and is on no problem list yet."))
    if states or complaint.improvements.exists():
        return Part(label, True, _("What was to be put right is verified."))
    if complaint.is_systemic is None:
        return Part(label, False, _("Whether there is a systemic cause is not answered yet."))
    return Part(label, True, _("There was nothing beyond this case to put right."))
