"""The department that handled first delivers its original records, unconditionally (REV-16).

The department reads the number of the case, what is asked for and until when; it reads neither who asked nor why.
There is no way to refuse. What is not delivered in time is logged for the review and counted for the department.

A request tells a department that its case is looked at again. Of the monthly sample a department must learn nothing
before the result is final (RI-12), so a review that only the draw brought about asks no department before it is
signed; until then it works with what the system holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import Department, User
from complaints import clocks as case_clocks
from complaints import notify
from complaints import transitions as case_transitions
from complaints.models import Attachment, StoredFile
from complaints.states import EvidenceKind
from review import clocks, side
from review.models import MaterialRequest, ReviewCase
from review.states import ReviewStatus, TriggerKind

DELIVER = ("complaints.handle_complaint", "complaints.write_note")
ASKING = (ReviewStatus.RETRIEVAL, ReviewStatus.VERIFICATION, ReviewStatus.FEEDBACK, ReviewStatus.RECTIFICATION)
SETTLING = (*ASKING, ReviewStatus.CONCLUSION)
TEXT, REASON = 5000, 300
MOST_FILES = 20
FAILED_PER_RUN = 500
# Neither delivered nor waived.
OPEN = Q(delivered_at__isnull=True, waived_reason="")
# Accepted or waived: nothing is to be done any more.
SETTLED = Q(accepted_at__isnull=False) | ~Q(waived_reason="")


def not_yet(review: ReviewCase) -> str:
    """Why no department may be asked now, or '' (RI-12)."""
    if review.finalised_at is not None or review.triggers.exclude(kind=TriggerKind.SAMPLE).exists():
        return ""
    return str(
        _(
            "This review comes from the monthly sample alone. The department must not learn of it before the result "
            "is final; work with the records in the system until then."
        )
    )


def departments_of(review: ReviewCase) -> QuerySet[Department]:
    """The departments that had the case at any time."""
    return Department.objects.filter(
        pk__in=review.complaint.assignments.order_by().values("department").distinct()
    ).order_by("name")


@transaction.atomic
def request(
    review_id: int,
    *,
    department: Department,
    what: str,
    due_on: date,
    by: User,
    version: int | None = None,
    at: datetime | None = None,
) -> MaterialRequest:
    """Ask a department that handled the case for its original records until the end of a day (REV-16).

    Raises NotAllowed, StaleVersion, IllegalTransition, InvalidInput naming department, what or due_on.
    """
    at = at or timezone.now()
    review, complaint = side.begin(review_id, "request_material", by=by, version=version, statuses=ASKING, at=at)
    refused = not_yet(review)
    if refused:
        raise IllegalTransition(refused)
    if not departments_of(review).filter(pk=department.pk).exists():
        raise InvalidInput("department", _("This department never had the case."))
    row = _create(review, department, side.text("what", what, limit=TEXT), due_on, by=by, at=at)
    side.finish(review, complaint, "request_material", by=by, at=at, note=department.name)
    return row


def _create(
    review: ReviewCase, department: Department, what: str, due_on: date, *, by: User, at: datetime
) -> MaterialRequest:
    if due_on is None or due_on <= timezone.localdate(at):
        raise InvalidInput("due_on", _("Give a day to come."))
    closing = case_clocks.working_calendar(review.complaint.policy.slots).closing(due_on)
    row = MaterialRequest.objects.create(
        review=review, department=department, what=what, due_at=closing, requested_by=by, requested_at=at
    )
    _tell(row, "material_requested", department_people(department))
    return row


def department_people(department: Department) -> list[User]:
    """Who hears of a request: whoever heads the department, else everybody in it who may deliver."""
    units = [department.pk]
    return list(notify.heads_of(units)) or list(notify.members_with("complaints.write_note", units))


def _tell(row: MaterialRequest, kind: str, recipients: Iterable[User]) -> None:
    notify.tell(
        recipients,
        kind,
        complaint=row.review.complaint,
        dedupe=f"{kind}:{row.pk}",
        url=f"/desk/reviews/material/{row.pk}/",
        day=f"{timezone.localtime(row.due_at):%Y-%m-%d}",
    )


# --- The department -----------------------------------------------------------------------------------
def of_departments(user: User) -> QuerySet[MaterialRequest]:
    """What this person's departments have to deliver. Never a case the person is named in or filed (S6, S7)."""
    if not any(user.has_perm(name) for name in DELIVER):
        return MaterialRequest.objects.none()
    return (
        MaterialRequest.objects.filter(OPEN, department__in=user.department_ids)
        .exclude(review__complaint__accused_staff=user)
        .exclude(review__complaint__complainant__staff_user=user)
    )


@transaction.atomic
def deliver(
    request_id: int,
    *,
    answer: str,
    files: Iterable[tuple[StoredFile, str]] = (),
    by: User,
    at: datetime | None = None,
) -> MaterialRequest:
    """Deliver the records: what was delivered in words, and files with their names, kept as evidence of the case.

    Also after the date; it stays in the figures that it was late. Raises NotAllowed, IllegalTransition, InvalidInput.
    """
    at = at or timezone.now()
    complaint_id = MaterialRequest.objects.values_list("review__complaint", flat=True).get(pk=request_id)
    complaint = case_transitions.lock(complaint_id)
    row = MaterialRequest.objects.select_for_update().select_related("review", "department").get(pk=request_id)
    if not of_departments(by).filter(pk=row.pk).exists():
        if row.department_id in by.department_ids and (row.delivered_at or row.waived_reason):
            raise IllegalTransition(_("Nothing is asked for any more."))
        raise NotAllowed(_("Only the department that was asked delivers."))
    row.answer = side.text("answer", answer, limit=TEXT)
    given = list(files)
    if len(given) > MOST_FILES:
        raise InvalidInput("files", _("At most %(limit)s files at once."), limit=MOST_FILES)
    row.delivered_at, row.delivered_by = at, by
    row.save(update_fields=["answer", "delivered_at", "delivered_by"])
    row.files.set(
        [
            Attachment.objects.create(
                complaint=complaint,
                file=stored,
                name=name,
                evidence_kind=EvidenceKind.SYSTEM_RECORD,
                source=row.department.name[:120],
                from_complainant=False,
                at=at,
                by=by,
            )
            for stored, name in given
        ]
    )
    side.event(row.review, complaint, "material_delivered", by=by, at=at, note=row.department.name)
    notify.tell(
        clocks.people(row.review, at=at),
        "material_delivered",
        dedupe=f"material_delivered:{row.pk}",
        url=f"/desk/reviews/{row.review.number}/records/",
        review=row.review.number,
    )
    return row


# --- The reviewer -------------------------------------------------------------------------------------
@transaction.atomic
def accept(request_id: int, *, by: User, version: int | None = None, at: datetime | None = None) -> MaterialRequest:
    """What was delivered is what was asked for. Raises NotAllowed, StaleVersion, IllegalTransition."""
    at = at or timezone.now()
    row = _unsettled(request_id, by=by, version=version, at=at)
    if row.delivered_at is None:
        raise IllegalTransition(_("Nothing was delivered yet."))
    row.accepted_at, row.accepted_by = at, by
    row.save(update_fields=["accepted_at", "accepted_by"])
    side.finish(row.review, row.review.complaint, "material_accepted", by=by, at=at, note=row.department.name)
    return row


@transaction.atomic
def ask_again(
    request_id: int, *, reason: str, due_on: date, by: User, version: int | None = None, at: datetime | None = None
) -> MaterialRequest:
    """What was delivered is not enough: a new request with what is missing. Raises as `request`."""
    at = at or timezone.now()
    row = _unsettled(request_id, by=by, version=version, at=at)
    if row.delivered_at is None:
        raise IllegalTransition(_("Nothing was delivered yet."))
    reason = side.text("reason", reason, limit=REASON, message=_("Say what is missing."))
    row.waived_reason = reason
    row.save(update_fields=["waived_reason"])
    new = _create(row.review, row.department, reason, due_on, by=by, at=at)
    side.finish(row.review, row.review.complaint, "request_material", by=by, at=at, note=row.department.name)
    return new


@transaction.atomic
def waive(
    request_id: int, *, reason: str, by: User, version: int | None = None, at: datetime | None = None
) -> MaterialRequest:
    """Go on without these records and say why; that they were late stays logged. Raises as `accept`, InvalidInput."""
    at = at or timezone.now()
    row = _unsettled(request_id, by=by, version=version, at=at)
    row.waived_reason = side.text("reason", reason, limit=REASON, message=_("Give the reason."))
    row.save(update_fields=["waived_reason"])
    side.finish(row.review, row.review.complaint, "material_waived", by=by, at=at, note=row.department.name)
    return row


def _unsettled(request_id: int, *, by: User, version: int | None, at: datetime) -> MaterialRequest:
    review_id = MaterialRequest.objects.values_list("review", flat=True).get(pk=request_id)
    review, complaint = side.begin(review_id, "settle_material", by=by, version=version, statuses=SETTLING, at=at)
    row = MaterialRequest.objects.select_for_update().select_related("department").get(pk=request_id)
    review.complaint = complaint
    row.review = review
    if row.accepted_at is not None or row.waived_reason:
        raise IllegalTransition(_("This request is settled already."))
    return row


def unsettled(review: ReviewCase) -> QuerySet[MaterialRequest]:
    """The requests that are neither accepted nor waived."""
    return review.material_requests.exclude(SETTLED)


# --- Not delivered ------------------------------------------------------------------------------------
def watch(*, now: datetime) -> int:
    """Log, once each, what was not delivered in time, and tell the review and the department. Returns how many."""
    late = MaterialRequest.objects.filter(OPEN, failed_at__isnull=True, due_at__lt=now)
    failed = 0
    for row in late.select_related("review__complaint", "department").order_by("due_at")[:FAILED_PER_RUN]:
        with transaction.atomic():
            complaint = case_transitions.lock(row.review.complaint_id)
            if not late.filter(pk=row.pk).update(failed_at=now):
                continue
            side.event(row.review, complaint, "material_failed", by=None, at=now, note=row.department.name)
            _tell(row, "material_overdue", department_people(row.department))
            notify.tell(
                clocks.people(row.review, at=now),
                "material_failed",
                dedupe=f"material_failed:{row.pk}",
                url=f"/desk/reviews/{row.review.number}/records/",
                review=row.review.number,
            )
            failed += 1
    return failed


@dataclass(frozen=True)
class DepartmentFigure:
    """How a department delivered in the last 365 days, in numbers of requests."""

    name: str
    asked: int
    in_time: int
    failed: int
    open: int


def figures(*, now: datetime) -> list[DepartmentFigure]:
    """The departments that were asked in the last 365 days, those that failed most often first; one query."""
    rows = (
        MaterialRequest.objects.filter(requested_at__gte=now - timedelta(days=365))
        .order_by()
        .values("department__name")
        .annotate(
            asked=Count("pk"),
            in_time=Count("pk", filter=Q(delivered_at__lte=F("due_at"))),
            failed=Count("pk", filter=Q(failed_at__isnull=False) | Q(delivered_at__gt=F("due_at"))),
            open=Count("pk", filter=OPEN),
        )
        .order_by("-failed", "-asked", "department__name")[:200]
    )
    return [
        DepartmentFigure(row["department__name"], row["asked"], row["in_time"], row["failed"], row["open"])
        for row in rows
    ]
