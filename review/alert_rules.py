"""The rules that raise alerts: what each looks for, its thresholds, and the sentence that explains it (RISK-08…15).

Each rule asks the database once or twice, whatever the number of cases. It reports cases, how far they are
past the threshold, and the numbers for its sentence; it decides nothing and stores nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    Avg,
    Case,
    Count,
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    IntegerField,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
    Window,
)
from django.db.models.functions import Lag, Length, Trim
from django.utils.translation import gettext_lazy as _

from complaints import archive, identity
from complaints.models import (
    Attachment,
    Callback,
    CaseEvent,
    Category,
    Complaint,
    Contact,
    ContactPoint,
    Dimension,
    Question,
    Reply,
)
from complaints.states import OPEN, Channel, ContactDirection, ContactOutcome, RatingSource, Satisfaction, Status
from review.models import DurationBenchmark

# Cases that have their first result: only these can be reviewed.
WITH_RESULT = (Status.REPLIED, Status.CLOSED, Status.ARCHIVED, Status.NOT_ACCEPTED)
# The own average counts cases closed in this time, and needs so many of them.
AVERAGE_OVER = timedelta(days=365)
AVERAGE_FROM = 20
DAY = timedelta(days=1)

Numbers = Mapping[str, int]


@dataclass(frozen=True)
class Span:
    """What to look at: the state of things at `now`, and only what changed after `since`."""

    since: datetime
    now: datetime


@dataclass(frozen=True)
class Found:
    """A case that a rule found. `level` counts how many times the threshold was reached."""

    complaint_id: int
    facts: dict[str, Any]
    level: int = 1


@dataclass(frozen=True)
class Threshold:
    """A number a rule asks for, with the bounds in which it makes sense."""

    key: str
    label: Any
    default: int
    least: int
    most: int


@dataclass(frozen=True)
class Rule:
    """One rule of the registry. `sentence` is filled with the facts of an alert."""

    code: str
    name: Any
    sentence: Any
    thresholds: tuple[Threshold, ...]
    find: Callable[[Numbers, Span], Iterable[Found]]
    opens_review: bool = True


RULES: dict[str, Rule] = {}


def _rule(code: str, name: Any, sentence: Any, *thresholds: Threshold, opens_review: bool = True) -> Callable:
    def register(find: Callable[[Numbers, Span], Iterable[Found]]) -> Callable:
        RULES[code] = Rule(code, name, sentence, thresholds, find, opens_review)
        return find

    return register


# --- Time ------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Benchmark:
    """How long cases of a category take, in calendar days, and where the figure is from."""

    days: float
    source: str


def benchmarks(*, now: datetime) -> tuple[dict[int, Benchmark], Benchmark | None]:
    """Per category the industry's figure or the own average of the last year; and the own average of all (RISK-09).

    A figure for a group holds for the categories under it that have none. Three queries.
    """
    duration = ExpressionWrapper(F("first_closed_at") - F("received_at"), output_field=DurationField())
    closed = (
        Complaint.objects.filter(first_closed_at__gt=now - AVERAGE_OVER, first_closed_at__lte=now)
        .exclude(status=Status.MERGED)
        .order_by()
        .values("category")
        .annotate(cases=Count("pk"), mean=Avg(duration))
    )
    found: dict[int, Benchmark] = {}
    cases, total = 0, timedelta()
    for row in closed:
        cases, total = cases + row["cases"], total + row["mean"] * row["cases"]
        if row["category"] and row["cases"] >= AVERAGE_FROM:
            found[row["category"]] = Benchmark(row["mean"] / DAY, "")
    industry = {row.category_id: row for row in DurationBenchmark.objects.filter(ended_at=None)}
    parents = dict(Category.objects.filter(dimension=Dimension.CATEGORY).values_list("pk", "parent"))
    for category in parents:
        at: int | None = category
        while at is not None and at not in industry:
            at = parents.get(at)
        if at is not None:
            figure = industry[at]
            found[category] = Benchmark(float(figure.days), f"{figure.source} ({figure.dated_on:%Y-%m-%d})")
    own = Benchmark(total / cases / DAY, "") if cases >= AVERAGE_FROM else None
    return found, own


@_rule(
    "slow",
    _("Took far longer than usual"),
    _("Handled for %(days)s days; %(times)s times the usual %(usual)s days."),
    Threshold("times", _("Times the usual duration"), 3, 2, 20),
)
def slow(numbers: Numbers, span: Span) -> Iterator[Found]:
    """Handled, or still open, longer than so many times the benchmark of its category (RISK-08, REV-20)."""
    known, own = benchmarks(now=span.now)
    if not known and own is None:
        return
    times = numbers["times"]
    begun = [
        When(category=category, then=Value(span.now - times * mark.days * DAY, output_field=DateTimeField()))
        for category, mark in known.items()
    ]
    longest = [
        When(category=category, then=Value(times * mark.days * DAY, output_field=DurationField()))
        for category, mark in known.items()
    ]
    open_since = Case(
        *begun, default=Value(span.now - times * own.days * DAY if own else None), output_field=DateTimeField()
    )
    allowed = Case(*longest, default=Value(times * own.days * DAY if own else None), output_field=DurationField())
    took = ExpressionWrapper(F("first_closed_at") - F("received_at"), output_field=DurationField())
    still_open = Complaint.objects.filter(status__in=[str(status) for status in OPEN]).filter(
        received_at__lt=open_since
    )
    closed = Complaint.objects.filter(first_closed_at__gt=span.since, first_closed_at__lte=span.now).filter(
        import_batch=None
    )
    for rows, end in ((still_open, None), (closed.annotate(took=took).filter(took__gt=allowed), "first_closed_at")):
        for pk, category, begin, *ended in rows.order_by().values_list(
            "pk", "category", "received_at", *([end] if end else [])
        ):
            mark = known.get(category) or own
            if mark is None:
                continue
            days = ((ended[0] if ended else span.now) - begin) / DAY
            ratio = days / mark.days if mark.days else times
            facts = {"days": round(days, 1), "times": round(ratio, 1), "usual": round(mark.days, 1)}
            yield Found(pk, facts | {"source": mark.source}, level=max(1, int(ratio // times)))


# --- What the complainant did ---------------------------------------------------------------------
@_rule(
    "asked_again",
    _("Asked again without a clear answer"),
    _("The complainant asked again %(count)s times and had no clear answer."),
    Threshold("count", _("Times asked without a clear answer"), 5, 2, 50),
)
def asked_again(numbers: Numbers, span: Span) -> Iterator[Found]:
    """So many follow-ups of one case that were not clearly answered (RISK-10, RISK-11, REV-21)."""
    lately = Question.objects.filter(at__gt=span.since, at__lte=span.now).values("complaint")
    rows = (
        Question.objects.filter(complaint__in=lately, at__lte=span.now)
        .exclude(is_clearly_answered=True)
        .order_by()
        .values("complaint")
        .annotate(count=Count("pk"))
        .filter(count__gte=numbers["count"])
    )
    for row in rows:
        yield Found(row["complaint"], {"count": row["count"]}, level=row["count"] // numbers["count"])


@_rule(
    "frequent_person",
    _("The same person complained again and again"),
    _("One person complained %(count)s times within %(days)s days."),
    Threshold("count", _("Complaints of one person"), 4, 2, 50),
    Threshold("days", _("Within so many days"), 92, 7, 366),
)
def frequent_person(numbers: Numbers, span: Span) -> Iterator[Found]:
    """One person reached so many complaints; the newest case is named (RISK-12, REV-25). Found by keyed hashes."""
    window = Q(
        complainant__complaint__received_at__gt=span.now - numbers["days"] * DAY,
        complainant__complaint__received_at__lte=span.now,
    )
    counted = (
        ContactPoint.objects.filter(window)
        .exclude(match_hash="")
        .exclude(complainant__complaint__status=Status.MERGED)
        .exclude(identity.undone_import("complainant__complaint__"))
    )
    rows = (
        counted.order_by()
        .values("match_hash")
        .annotate(
            count=Count("complainant__complaint", distinct=True),
            newest=Max("complainant__complaint"),
            at=Max("complainant__complaint__received_at"),
        )
        .filter(count__gte=numbers["count"], at__gt=span.since)
    )
    most: dict[int, int] = {}
    for row in rows:
        most[row["newest"]] = max(row["count"], most.get(row["newest"], 0))
    for complaint_id, count in most.items():
        yield Found(complaint_id, {"count": count, "days": numbers["days"]})


@_rule(
    "satisfaction",
    _("“Satisfied” does not fit the record"),
    _("Recorded as satisfied on %(rated)s, but the complainant came back or said otherwise on %(back)s."),
)
def satisfaction(numbers: Numbers, span: Span) -> Iterator[Found]:
    """Recorded as satisfied, and afterwards the complainant asked or got in touch again, or said in a later call or
    rating that it is not solved or not satisfying (QUA-09, REV-40)."""
    before = Callback.objects.filter(
        complaint=OuterRef("complaint"), satisfaction=Satisfaction.SATISFIED, at__lt=OuterRef("at")
    )
    came: tuple[QuerySet[Any], ...] = (
        Question.objects.all(),
        Contact.objects.filter(direction=ContactDirection.IN),
        Callback.objects.filter(Q(satisfaction=Satisfaction.DISSATISFIED) | Q(is_solved=False)),
    )
    back: dict[int, datetime] = {}
    for said in came:
        lately = said.filter(Exists(before), at__gt=span.since, at__lte=span.now).order_by()
        for complaint, at in lately.values_list("complaint").annotate(Max("at")):
            back[complaint] = max(at, back.get(complaint, at))
    rated: dict[int, datetime] = {}
    marks = Callback.objects.filter(complaint__in=back, satisfaction=Satisfaction.SATISFIED)
    for complaint, at in marks.order_by("at").values_list("complaint", "at"):
        if at < back[complaint]:
            rated[complaint] = at
    for complaint, at in rated.items():
        yield Found(complaint, {"rated": at.isoformat(), "back": back[complaint].isoformat()})


@_rule(
    "satisfied_uncalled",
    _("“Satisfied” without a call on record"),
    _("Recorded as satisfied on %(rated)s, but no call that reached the complainant is on record."),
)
def satisfied_uncalled(numbers: Numbers, span: Span) -> Iterator[Found]:
    """Entered as satisfied for the complainant by a caller whose call reached nobody (QUA-09, REV-40)."""
    rows = (
        Callback.objects.filter(at__gt=span.since, at__lte=span.now)
        .filter(satisfaction=Satisfaction.SATISFIED, source=RatingSource.CALLER)
        .exclude(is_reached=True, contact__direction=ContactDirection.OUT, contact__outcome=ContactOutcome.REACHED)
        .order_by()
        .values("complaint")
        .annotate(rated=Max("at"))
    )
    for row in rows:
        yield Found(row["complaint"], {"rated": row["rated"].isoformat()})


@_rule(
    "no_callback",
    _("Closed without a call-back"),
    _("Received by telephone and closed without a record that the complainant was called back."),
    opens_review=False,
)
def no_callback(numbers: Numbers, span: Span) -> Iterator[Found]:
    """A telephone case that was closed without a call-back record (FB-02)."""
    rows = _closed(span).filter(channel=Channel.PHONE, status__in=[Status.CLOSED, Status.ARCHIVED])
    for pk in rows.exclude(Exists(Callback.objects.filter(complaint=OuterRef("pk")))).values_list("pk", flat=True):
        yield Found(pk, {})


# --- Where it happened and who worked on it --------------------------------------------------------
_MOST_IN_A_ROW = 5


@_rule(
    "outlet_in_row",
    _("The same outlet, the same complaint again"),
    _("%(count)s complaints in a row about this outlet were of the same category."),
    Threshold("count", _("Complaints in a row"), 2, 2, _MOST_IN_A_ROW),
    Threshold("days", _("Within so many days"), 30, 1, 366),
    opens_review=False,
)
def outlet_in_row(numbers: Numbers, span: Span) -> Iterator[Found]:
    """Consecutive complaints of one category about one outlet; the newest case is named (RISK-15)."""
    count = numbers["count"]
    before = {
        f"before_{n}": Window(
            Lag("category", n), partition_by="outlet", order_by=[F("received_at").asc(), F("pk").asc()]
        )
        for n in range(1, count)
    }
    rows = (
        Complaint.objects.filter(received_at__gt=span.now - numbers["days"] * DAY, received_at__lte=span.now)
        .exclude(outlet="")
        .exclude(status=Status.MERGED)
        .order_by()
        .annotate(**before)
        .filter(category__isnull=False, **{f"{name}": F("category") for name in before})
        .values_list("pk", "received_at")
    )
    for pk, received_at in rows:
        if received_at > span.since:
            yield Found(pk, {"count": count, "days": numbers["days"]})


@_rule(
    "many_departments",
    _("Passed between departments"),
    _("%(departments)s departments worked on it; it was returned %(returns)s times."),
    Threshold("departments", _("From so many departments"), 3, 2, 20),
    Threshold("returns", _("From so many returns"), 2, 1, 20),
    opens_review=False,
)
def many_departments(numbers: Numbers, span: Span) -> Iterator[Found]:
    """Finished with several departments or after returns between them (REV-04)."""
    rows = (
        _closed(span)
        .annotate(departments=Count("assignments__department", distinct=True))
        .filter(Q(departments__gte=numbers["departments"]) | Q(return_rounds__gte=numbers["returns"]))
        .values_list("pk", "departments", "return_rounds")
    )
    for pk, departments, returns in rows:
        yield Found(pk, {"departments": departments, "returns": returns})


# --- How it was done -------------------------------------------------------------------------------
@_rule(
    "perfunctory",
    _("Perfunctory reply"),
    _("The result told to the complainant has %(length)s characters; times it was sent word for word: %(same)s."),
    Threshold("length", _("Shorter than so many characters"), 10, 1, 500),
    Threshold("same", _("Or sent word for word so many times"), 30, 2, 1000),
    Threshold("days", _("Within so many days"), 92, 7, 366),
    opens_review=False,
)
def perfunctory(numbers: Numbers, span: Span) -> Iterator[Found]:
    """A result that is a few words, or the same words that many others were sent (QUA-10)."""
    sent = Reply.objects.filter(sent_at__gt=span.now - numbers["days"] * DAY, sent_at__lte=span.now)
    copied = (
        sent.order_by()
        .values("result")
        .annotate(same=Count("complaint", distinct=True), at=Max("sent_at"))
        .filter(same__gte=numbers["same"], at__gt=span.since)
    )
    same = {row["result"]: row["same"] for row in copied}
    rows = sent.filter(sent_at__gt=span.since).annotate(length=Length(Trim("result")))
    for pk, length, result in rows.filter(Q(length__lt=numbers["length"]) | Q(result__in=same)).values_list(
        "complaint", "length", "result"
    ):
        yield Found(pk, {"length": length, "same": same.get(result, 1)})


@_rule(
    "no_evidence",
    _("Closed without an investigation or mandatory evidence"),
    _(
        "Closed as valid with %(contacts)s contacts and %(steps)s investigation steps on record, "
        "%(files)s of them with evidence; kinds of mandatory evidence missing: %(lacking)s."
    ),
    Threshold("contacts", _("At least so many contacts with the complainant"), 1, 0, 20),
    Threshold("steps", _("At least so many investigation steps"), 1, 0, 20),
    Threshold("files", _("At least so many with evidence attached"), 0, 0, 20),
    opens_review=False,
)
def no_evidence(numbers: Numbers, span: Span) -> Iterator[Found]:
    """A valid case that was closed with too few contacts, investigation steps or pieces of evidence, or without the
    evidence that cases of its category or legal type must have (QUA-10, ARC-12)."""
    rows = (
        _closed(span)
        .filter(is_valid=True)
        .annotate(lacking=_lacking())
        .annotate(
            contacts=Count("communications", distinct=True),
            steps=Count("investigation_steps", distinct=True),
            files=Count("investigation_steps__evidence", distinct=True),
        )
        .filter(
            Q(contacts__lt=numbers["contacts"])
            | Q(steps__lt=numbers["steps"])
            | Q(files__lt=numbers["files"])
            | Q(lacking__gt=0)
        )
        .values_list("pk", "contacts", "steps", "files", "lacking")
    )
    for pk, contacts, steps, files, lacking in rows:
        yield Found(pk, {"contacts": contacts, "steps": steps, "files": files, "lacking": lacking})


def _lacking() -> Any:
    """How many kinds of mandatory evidence a case does not hold."""
    missing: Any = Value(0)
    for kind in sorted(set(archive.PROOF.values())):
        codes = [code for code, needed in archive.PROOF.items() if needed == kind]
        wanted = Q(category__code__in=codes) | Q(legal_type__code__in=codes)
        held = Exists(Attachment.objects.filter(complaint=OuterRef("pk"), evidence_kind=kind))
        missing += Case(When(wanted & ~held, then=Value(1)), default=Value(0), output_field=IntegerField())
    return missing


@_rule(
    "refused_twice",
    _("Refused twice"),
    _("Not accepted %(count)s times."),
    Threshold("count", _("Times not accepted"), 2, 2, 10),
)
def refused_twice(numbers: Numbers, span: Span) -> Iterator[Found]:
    """A case that was not accepted, taken up again, and not accepted again (REV-25)."""
    rows = (
        CaseEvent.objects.filter(
            kind="refuse",
            at__lte=span.now,
            complaint__status=Status.NOT_ACCEPTED,
            complaint__status_since__gt=span.since,
        )
        .order_by()
        .values("complaint")
        .annotate(count=Count("pk"))
        .filter(count__gte=numbers["count"])
    )
    for row in rows:
        yield Found(row["complaint"], {"count": row["count"]}, level=row["count"] // numbers["count"])


def _closed(span: Span) -> QuerySet[Complaint]:
    """Cases closed here, not imported as closed, since the last look."""
    return Complaint.objects.filter(
        first_closed_at__gt=span.since, first_closed_at__lte=span.now, import_batch=None
    ).order_by()
