"""What a review puts right in the record of its case, written beside the original and never over it (REV-47).

The rows can only be added; a second correction of the same thing counts instead of the first, and both stay. Figures of
the cases keep the original record; the figures of the review show beside them what was corrected into what.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from accounts.models import User
from complaints import transitions as case_transitions
from complaints.models import Allegation, Category, Complaint
from complaints.models.classification import Dimension
from complaints.states import Audience, FindingResult, Satisfaction
from review import side
from review.models import Correction, ReviewCase
from review.states import CorrectedField, ReviewStatus

# After the decision: until then the record stands as it is.
DECIDED = (ReviewStatus.FEEDBACK, ReviewStatus.RECTIFICATION, ReviewStatus.CLOSED)
TEXT = 2000


def recorded(complaint: Complaint, field: str, allegation: Allegation | None = None) -> str:
    """What the record says now: a text for the outcome, otherwise the stored code; '' for nothing."""
    if field == CorrectedField.FINDING:
        return allegation.finding if allegation else ""
    if field == CorrectedField.CLASSIFICATION:
        return complaint.category.code if complaint.category else ""
    if field == CorrectedField.SATISFACTION:
        rated = complaint.callbacks.exclude(satisfaction="").order_by("at", "pk").last()
        return rated.satisfaction if rated else ""
    reply = complaint.replies.filter(sent_at__isnull=False).order_by("-round").first()
    return reply.result if reply else str(complaint.get_status_display())


@transaction.atomic
def correct(
    review_id: int,
    *,
    field: str,
    corrected: str,
    reason: str,
    allegation: Allegation | None = None,
    by: User,
    version: int | None = None,
    at: datetime | None = None,
) -> Correction:
    """Append a correction of outcome, finding, satisfaction or classification, with one event on the case (REV-47).

    Coded values are given by their code. Raises NotAllowed, StaleVersion, IllegalTransition before the decision,
    InvalidInput by field.
    """
    at = at or timezone.now()
    review, complaint = side.begin(review_id, "correct", by=by, version=version, statuses=DECIDED, at=at)
    if field not in CorrectedField.values:
        raise InvalidInput("field", _("Choose one of the values."))
    if field == CorrectedField.FINDING:
        if allegation is None or allegation.complaint_id != complaint.pk:
            raise InvalidInput("allegation", _("Choose an allegation of this case."))
    else:
        allegation = None
    corrected = side.text("corrected", corrected, limit=TEXT)
    reason = side.text("reason", reason, limit=TEXT, message=_("Give the reason."))
    _check(field, corrected)
    before = recorded(complaint, field, allegation)
    last = review.corrections.filter(field=field, allegation=allegation).last()
    if corrected == (last.corrected if last else before):
        raise InvalidInput("corrected", _("This is what stands already."))
    row = Correction.objects.create(
        review=review,
        field=field,
        allegation=allegation,
        recorded=before,
        corrected=corrected,
        reason=reason,
        at=at,
        by=by,
    )
    side.finish(review, complaint, "correction", by=by, at=at, note=field)
    case_transitions.add_event(
        complaint,
        "review_corrected",
        by=by,
        at=at,
        note=field,
        reference=f"review:{review.number}",
        audience=Audience.CASE,
    )
    return row


def _check(field: str, value: str) -> None:
    """Raises InvalidInput("corrected") for a code that does not exist."""
    known = (
        field == CorrectedField.OUTCOME
        or (field == CorrectedField.FINDING and value in FindingResult.values)
        or (field == CorrectedField.SATISFACTION and value in Satisfaction.values)
        or (
            field == CorrectedField.CLASSIFICATION
            and Category.objects.filter(dimension=Dimension.CATEGORY, code=value, is_active=True).exists()
        )
    )
    if not known:
        raise InvalidInput("corrected", _("Choose one of the values."))


# --- Reading ------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Line:
    """A correction in words, beside what the record says. `counts` is False once a later one replaced it."""

    row: Correction
    label: str
    subject: str
    recorded: str
    corrected: str
    counts: bool


def of_case(complaint: Complaint) -> QuerySet[Correction]:
    """The corrections of a case by all its reviews, oldest first."""
    return Correction.objects.filter(review__complaint=complaint).select_related("review", "allegation", "by")


def lines(rows: Iterable[Correction]) -> list[Line]:
    """The corrections for a page; one query for the names of categories, where there are any."""
    rows = list(rows)
    newest = {(row.field, row.allegation_id): row.pk for row in rows}
    names = labels(rows)
    return [
        Line(
            row=row,
            label=str(row.get_field_display()),
            subject=row.allegation.text if row.allegation else "",
            recorded=names.get((row.field, row.recorded), row.recorded),
            corrected=names.get((row.field, row.corrected), row.corrected),
            counts=newest[row.field, row.allegation_id] == row.pk,
        )
        for row in rows
    ]


def labels(rows: Iterable[Correction]) -> dict[tuple[str, str], str]:
    """The words for the codes these rows hold, by field and code."""
    codes = {
        code for row in rows if row.field == CorrectedField.CLASSIFICATION for code in (row.recorded, row.corrected)
    }
    found = {(str(CorrectedField.FINDING), code): str(label) for code, label in FindingResult.choices}
    found |= {(str(CorrectedField.SATISFACTION), code): str(label) for code, label in Satisfaction.choices}
    found |= {(str(field), ""): gettext("nothing recorded") for field in CorrectedField.values}
    if codes:
        known = Category.objects.filter(dimension=Dimension.CATEGORY, code__in=codes)
        found |= {(str(CorrectedField.CLASSIFICATION), row.code): row.label for row in known}
    return found


def recorded_words(complaint: Complaint, field: str) -> str:
    """What the record says now, in words."""
    now = recorded(complaint, field)
    return labels([Correction(field=field, recorded=now, corrected=now)]).get((field, now), now)


def may_correct(review: ReviewCase) -> bool:
    """Whether the review is at a step at which the record can be corrected."""
    return review.status in DECIDED
