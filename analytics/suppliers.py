"""Suppliers behind complaints: their cases, what is demanded of them, and their evaluation (IMP-12).

A supplier that did not improve can be asked again, as often as it takes: the record then holds the new demand, and
every earlier one is a round of its own with its answer and the finding.

The points of a period, 100 at most, are drafted by `draft` and confirmed by a person:

- improvement, 40 points: the share of the demands judged in the period that ended in an improvement;
- punctuality, 30 points: the share of the demands due in the period that were answered by their date;
- frequency, 30 points: 3 points less for every case recorded in the period.

A part with nothing to count gives its points in full. Every round of a case counts.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime, time

from django.db import IntegrityError, transaction
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import User
from analytics import problems, unversioned
from analytics.models import Supplier, SupplierCase, SupplierRound, SupplierScore
from analytics.periods import Period
from analytics.problem_rules import require_manager, required
from analytics.states import SupplierDemandState
from complaints import identity, notify
from complaints import transitions as case_transitions
from complaints.models import CaseEvent, Complaint

NAME, LINE, TEXT, NOTE = 120, 200, 2000, 300
IMPROVED_POINTS, ON_TIME_POINTS, FEW_POINTS, POINTS_PER_CASE = 40, 30, 30, 3
FIELDS = ("name", "supplies", "contact", "is_active")
JUDGED = (SupplierDemandState.IMPROVED, SupplierDemandState.NOT_IMPROVED)
TONES = {
    SupplierDemandState.RECORDED: "",
    SupplierDemandState.DEMANDED: "warn",
    SupplierDemandState.ANSWERED: "info",
    SupplierDemandState.IMPROVED: "ok",
    SupplierDemandState.NOT_IMPROVED: "bad",
}


# --- The register -----------------------------------------------------------------------------------
@transaction.atomic
def register(*, name: str, supplies: str, contact: str, by: User, at: datetime | None = None) -> Supplier:
    """Enter a supplier. Raises NotAllowed, InvalidInput naming the field; a name stands once."""
    require_manager(by)
    supplier = Supplier(at=at or timezone.now(), by=by)
    return _save(supplier, name, supplies, contact)


@transaction.atomic
def change(
    supplier_id: int, *, name: str, supplies: str, contact: str, is_active: bool, seen: str, by: User
) -> Supplier:
    """Change the entry of a supplier; one that is not active takes no new cases. `seen`: its mark as it was read.

    Raises NotAllowed, InvalidInput naming the field, IllegalTransition when somebody was faster.
    """
    require_manager(by)
    supplier = Supplier.objects.select_for_update().get(pk=supplier_id)
    unversioned.check(supplier, seen, *FIELDS)
    supplier.is_active = is_active
    return _save(supplier, name, supplies, contact)


def _save(supplier: Supplier, name: str, supplies: str, contact: str) -> Supplier:
    supplier.name = " ".join(required("name", name, NAME, _("Give the name of the supplier.")).split())
    for field, text in (("supplies", supplies), ("contact", contact)):
        if len(text.strip()) > LINE:
            raise InvalidInput(field, _("At most %(most)s characters."), most=LINE)
        setattr(supplier, field, text.strip())
    try:
        with transaction.atomic():
            supplier.save()
    except IntegrityError:
        raise InvalidInput("name", _("This supplier is in the register already.")) from None
    return supplier


def for_list() -> QuerySet[Supplier]:
    """Every supplier with `found` cases, `waiting` ones that are not judged, and its `latest` points. One query."""
    latest = SupplierScore.objects.filter(supplier=OuterRef("pk")).order_by("-period", "-pk")
    return Supplier.objects.annotate(
        found=Count("cases"),
        waiting=Count("cases", filter=~Q(cases__state__in=JUDGED)),
        latest=Subquery(latest.values("score")[:1]),
        latest_period=Subquery(latest.values("period")[:1]),
    )


# --- A case -----------------------------------------------------------------------------------------
@transaction.atomic
def record_case(supplier_id: int, *, case: Complaint, share: str, by: User, at: datetime | None = None) -> SupplierCase:
    """Record that a supplier caused a complaint, and how.

    Raises NotAllowed, IllegalTransition for a supplier that is not active, InvalidInput naming `case` or `share`.
    """
    require_manager(by)
    at = at or timezone.now()
    complaint = _lock_case(case.pk, by)
    supplier = Supplier.objects.get(pk=supplier_id)
    if not supplier.is_active:
        raise IllegalTransition(_("This supplier is no longer active."))
    share = _nameless("share", required("share", share, TEXT, _("Say what the supplier did.")), complaint)
    if SupplierCase.objects.filter(supplier=supplier, complaint=complaint).exists():
        raise InvalidInput("case", _("This case is recorded for the supplier already."))
    row = SupplierCase.objects.create(supplier=supplier, complaint=complaint, share=share, at=at, by=by)
    case_transitions.add_event(complaint, "supplier_recorded", by=by, at=at, reference=_reference(row))
    return row


@transaction.atomic
def demand(row_id: int, *, text: str, due_on: date, by: User, at: datetime | None = None) -> SupplierCase:
    """Demand an improvement by a day; again where the supplier did not improve.

    The round before is kept with its answer and the finding. Raises NotAllowed, IllegalTransition, InvalidInput
    `text` or `due_on`.
    """
    at = at or timezone.now()
    row, complaint = _begin(row_id, SupplierDemandState.RECORDED, SupplierDemandState.NOT_IMPROVED, by=by)
    text = _nameless("text", required("text", text, TEXT, _("Say what the supplier has to mend.")), complaint)
    if due_on < timezone.localdate(at):
        raise InvalidInput("due_on", _("This date lies in the past."))
    if row.state == SupplierDemandState.NOT_IMPROVED:
        _end_round(row)
        row.answer, row.answered_at, row.checked_at, row.checked_by = "", None, None, None
    row.demand, row.due_on, row.state = text, due_on, SupplierDemandState.DEMANDED
    row.save(update_fields=["demand", "due_on", "state", "answer", "answered_at", "checked_at", "checked_by"])
    case_transitions.add_event(complaint, "supplier_demanded", by=by, at=at, reference=_reference(row))
    return row


def _end_round(row: SupplierCase) -> SupplierRound:
    """Keep the demand that is over as a round of its own."""
    assert row.due_on is not None
    assert row.checked_at is not None
    return SupplierRound.objects.create(
        case=row,
        number=row.rounds.count() + 1,
        demand=row.demand,
        due_on=row.due_on,
        answer=row.answer,
        answered_at=row.answered_at,
        checked_at=row.checked_at,
        checked_by=row.checked_by,
    )


@transaction.atomic
def answer(row_id: int, *, text: str, received_on: date, by: User, at: datetime | None = None) -> SupplierCase:
    """Enter what the supplier answered and the day it came. Raises as `demand` does, naming `received_on`."""
    at = at or timezone.now()
    row, complaint = _begin(row_id, SupplierDemandState.DEMANDED, by=by)
    row.answer = required("text", text, TEXT, _("Write down what the supplier answered."))
    if not _asked_on(row) <= received_on <= timezone.localdate(at):
        raise InvalidInput("received_on", _("The answer came between the day the case was recorded and today."))
    row.answered_at = timezone.make_aware(datetime.combine(received_on, time.min))
    row.state = SupplierDemandState.ANSWERED
    row.save(update_fields=["answer", "answered_at", "state"])
    case_transitions.add_event(complaint, "supplier_answered", by=by, at=at, reference=_reference(row))
    return row


@transaction.atomic
def judge(row_id: int, *, is_improved: bool, by: User, at: datetime | None = None) -> SupplierCase:
    """Another person than those who wrote the record checks whether the supplier improved.

    Without an answer the date has to be over, and nothing is improved. Raises NotAllowed, IllegalTransition,
    InvalidInput("is_improved").
    """
    at = at or timezone.now()
    row, complaint = _begin(row_id, SupplierDemandState.ANSWERED, SupplierDemandState.DEMANDED, by=by)
    if by.pk in authors(row):
        raise NotAllowed(_("You wrote part of this record; another person checks it."))
    if row.state == SupplierDemandState.DEMANDED:
        if row.due_on is None or row.due_on >= timezone.localdate(at):
            raise IllegalTransition(_("The supplier still has time to answer."))
        if is_improved:
            raise InvalidInput("is_improved", _("Without an answer nothing is improved."))
    row.state = SupplierDemandState.IMPROVED if is_improved else SupplierDemandState.NOT_IMPROVED
    row.checked_at, row.checked_by = at, by
    row.save(update_fields=["state", "checked_at", "checked_by"])
    case_transitions.add_event(complaint, "supplier_judged", by=by, at=at, reference=_reference(row))
    return row


def authors(row: SupplierCase) -> set[int]:
    """Who recorded the case, demanded or entered the answer, in any round."""
    events = CaseEvent.objects.filter(complaint=row.complaint_id, reference=_reference(row), actor__isnull=False)
    return {row.by_id, *events.exclude(kind="supplier_judged").values_list("actor", flat=True)}


def _asked_on(row: SupplierCase) -> date:
    """The day an answer can have come at the earliest: of the record, or of the check that led to another demand."""
    last = row.rounds.first()
    return timezone.localdate(last.checked_at if last else row.at)


def readable(rows: list[SupplierCase], user: User) -> set[int]:
    """The keys of the cases among `rows` that the person may read. One query."""
    keys = [row.complaint_id for row in rows]
    return set(Complaint.objects.visible_to(user).filter(pk__in=keys).values_list("pk", flat=True))


def _begin(row_id: int, *states: SupplierDemandState, by: User) -> tuple[SupplierCase, Complaint]:
    """The record and its case, both locked, the case first."""
    require_manager(by)
    complaint = _lock_case(SupplierCase.objects.values_list("complaint", flat=True).get(pk=row_id), by)
    row = SupplierCase.objects.select_for_update().get(pk=row_id)
    if row.state not in states:
        raise IllegalTransition(_("This is not possible now: %(state)s."), state=row.get_state_display())
    return row, complaint


def _lock_case(complaint_id: int, by: User) -> Complaint:
    complaint = case_transitions.lock(complaint_id)
    if not Complaint.objects.visible_to(by).filter(pk=complaint_id).exists():
        raise NotAllowed(_("This case is no longer yours to see."))
    return complaint


def _nameless(field: str, text: str, complaint: Complaint) -> str:
    """The text, which leaves the office in a letter. Raises InvalidInput when it names who complained."""
    if identity.scrub(text, complaint.complainant) != text:
        raise InvalidInput(field, _("Take out the name, telephone and identity number of who complained."))
    return text


def _reference(row: SupplierCase) -> str:
    return f"suppliercase:{row.pk}"


# --- The evaluation ---------------------------------------------------------------------------------
@dataclass(frozen=True)
class Draft:
    """What a period shows of a supplier, in cases, and the points that follow."""

    cases: int
    due: int
    on_time: int
    judged: int
    improved: int

    @property
    def points(self) -> int:
        """0 to 100, by the formula above; a half counts up."""
        improved = self.improved / self.judged if self.judged else 1
        on_time = self.on_time / self.due if self.due else 1
        few = max(0, FEW_POINTS - POINTS_PER_CASE * self.cases)
        return int(IMPROVED_POINTS * improved + ON_TIME_POINTS * on_time + few + 0.5)


def formula() -> str:
    """The formula of the points in one paragraph, for whoever confirms them."""
    words = _(
        "%(improved)s points times the share of judged demands that ended in an improvement, %(on_time)s points times "
        "the share of due demands answered in time, and %(few)s points less %(per_case)s for every case recorded in "
        "the period. A part with nothing to count gives its points in full."
    )
    values = {
        "improved": IMPROVED_POINTS,
        "on_time": ON_TIME_POINTS,
        "few": FEW_POINTS,
        "per_case": POINTS_PER_CASE,
    }
    return str(words) % values


@dataclass(frozen=True)
class Demand:
    """One demand with the days it was due, answered and checked on."""

    due_on: date
    answered_on: date | None
    checked_on: date | None
    is_improved: bool


def demands(rows: list[SupplierCase]) -> list[Demand]:
    """Every demand of these records, the earlier ones from their rounds. One query."""
    latest = [row for row in rows if row.due_on]
    earlier = SupplierRound.objects.filter(case__in=[row.pk for row in rows])
    return [
        *(_demand(row, is_improved=row.state == SupplierDemandState.IMPROVED) for row in latest),
        *(_demand(row, is_improved=False) for row in earlier),
    ]


def _demand(row: SupplierCase | SupplierRound, *, is_improved: bool) -> Demand:
    assert row.due_on is not None
    return Demand(
        row.due_on,
        timezone.localdate(row.answered_at) if row.answered_at else None,
        timezone.localdate(row.checked_at) if row.checked_at else None,
        is_improved,
    )


def draft(supplier: Supplier, period: Period) -> Draft:
    """Count the cases of a supplier in a period. Two queries."""
    first, last = period.start.date(), period.end.date()
    rows = list(supplier.cases.all())
    every = demands(rows)
    due = [one for one in every if first <= one.due_on < last]
    judged = [one for one in every if one.checked_on and first <= one.checked_on < last]
    return Draft(
        cases=sum(period.start <= row.at < period.end for row in rows),
        due=len(due),
        on_time=sum(one.answered_on is not None and one.answered_on <= one.due_on for one in due),
        judged=len(judged),
        improved=sum(one.is_improved for one in judged),
    )


@transaction.atomic
def confirm(
    supplier_id: int, *, period: Period, score: int, seen: int, note: str, by: User, at: datetime | None = None
) -> SupplierScore:
    """Confirm the evaluation of a period that is over. `seen`: the drafted points the person read.

    Other points than the drafted ones need a reason. Raises NotAllowed, IllegalTransition when the cases changed
    meanwhile, InvalidInput naming `period`, `score` or `note`.
    """
    require_manager(by)
    at = at or timezone.now()
    supplier = Supplier.objects.select_for_update().get(pk=supplier_id)
    if not period.is_over(at):
        raise InvalidInput("period", _("This period is not over yet."))
    if supplier.scores.filter(period=period.code).exists():
        raise InvalidInput("period", _("The evaluation of this period is confirmed already."))
    drafted = draft(supplier, period)
    if drafted.points != seen:
        raise IllegalTransition(_("The cases changed meanwhile. Reload the page and look at the points again."))
    if not 0 <= score <= 100:
        raise InvalidInput("score", _("Give a whole number from 0 to 100."))
    if score != drafted.points:
        required("note", note, NOTE, _("Say why the points differ from the draft."))
    if len(note.strip()) > NOTE:
        raise InvalidInput("note", _("At most %(most)s characters."), most=NOTE)
    facts = {**asdict(drafted), "points": drafted.points}
    return SupplierScore.objects.create(
        supplier=supplier, period=period.code, score=score, facts=facts, note=note.strip(), at=at, by=by
    )


# --- The daily round --------------------------------------------------------------------------------
def remind(*, now: datetime) -> int:
    """Tell whoever keeps the problem list, once a demand, that a supplier let its date pass without an answer."""
    late = SupplierCase.objects.filter(state=SupplierDemandState.DEMANDED, due_on__lt=timezone.localdate(now))
    people = list(notify.holders_of(problems.MANAGE)) if late.exists() else []
    return sum(
        notify.tell(
            people,
            "supplier_late",
            dedupe=f"supplier_late:{row.pk}:{row.due_on}",
            url=page_url(row.supplier_id),
            supplier=row.supplier.name,
        )
        for row in late.select_related("supplier")
    )


def page_url(supplier_id: int) -> str:
    """Where the supplier stands on the desk."""
    return f"/desk/problems/suppliers/{supplier_id}/"
