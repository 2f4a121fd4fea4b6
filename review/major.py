"""What makes a complaint a major one, kept as revisions (REV-51). Its conclusion is signed by the head (REV-13).

During a review it only rises: a complaint that was major when the review opened stays so until the end, or whoever
handled it could take it from the head by changing a fact.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput, NotAllowed
from accounts.models import User
from complaints import revisions
from complaints.models import Complaint, MediaPlan, OpinionSignal
from complaints.states import RiskGrade
from review.models import MajorStandard, ReviewCase
from review.states import OPEN_REVIEW

EDIT = "review.lead_review"
PREVIEW_OVER = 1000
# The facts of a case that the conditions look at.
FACTS = frozenset({"risk_grade", "amount", "persons_affected"})
MOST_AMOUNT = Decimal(10) ** 12


@dataclass(frozen=True)
class Conditions:
    """One set of conditions; None or False does not count, any one that holds is enough."""

    risk_grade: str = ""
    amount: Decimal | None = None
    persons: int | None = None
    media: bool = False

    @property
    def grades(self) -> list[str]:
        """The grades from `risk_grade` up."""
        order = list(RiskGrade.values)
        return order[order.index(self.risk_grade) :] if self.risk_grade else []

    def as_query(self) -> Q:
        """The conditions on the cases, annotated with `in_media` where the media count."""
        found = Q(pk__in=[])
        if self.grades:
            found |= Q(risk_grade__in=self.grades)
        if self.amount is not None:
            found |= Q(amount__gte=self.amount)
        if self.persons is not None:
            found |= Q(persons_affected__gte=self.persons)
        if self.media:
            found |= Q(in_media=True)
        return found


SHIPPED = Conditions(risk_grade=RiskGrade.HIGH, amount=Decimal(10_000), persons=20, media=True)


def current() -> MajorStandard:
    """The revision in force; the shipped one is stored at the first call."""
    newest = MajorStandard.objects.order_by("-revision").first()
    if newest is None:
        newest, _created = MajorStandard.objects.get_or_create(
            revision=1,
            defaults={
                "risk_grade": SHIPPED.risk_grade,
                "amount": SHIPPED.amount,
                "persons": SHIPPED.persons,
                "media": SHIPPED.media,
            },
        )
    return newest


def conditions_of(standard: MajorStandard) -> Conditions:
    """The conditions of a stored revision."""
    return Conditions(standard.risk_grade, standard.amount, standard.persons, standard.media)


def reasons(complaint: Complaint) -> list[str]:
    """Why the case is a major one by the revision in force, in sentences; empty when it is not."""
    conditions, found = conditions_of(current()), []
    if complaint.risk_grade in conditions.grades:
        found.append(str(complaint.get_risk_grade_display()))
    if conditions.amount is not None and (complaint.amount or 0) >= conditions.amount:
        found.append(str(_("the amount reaches %(amount)s yuan")) % {"amount": f"{conditions.amount:,.0f}"})
    if conditions.persons is not None and complaint.persons_affected >= conditions.persons:
        found.append(str(_("%(count)s persons or more are affected")) % {"count": conditions.persons})
    if conditions.media and _in_media(complaint):
        found.append(str(_("the media are involved")))
    return found


def _in_media(complaint: Complaint) -> bool:
    """Something was said in public about the case, or a media plan was agreed on."""
    return (
        OpinionSignal.objects.filter(complaint=complaint).exists()
        or MediaPlan.objects.filter(complaint=complaint).exists()
    )


def is_major(complaint: Complaint) -> bool:
    """Whether any condition of the revision in force holds (REV-51)."""
    return bool(reasons(complaint))


def refresh(review: ReviewCase, complaint: Complaint) -> None:
    """Facts may have changed: what has become major is marked so, inside the transaction of the act."""
    if not review.is_major and is_major(complaint):
        review.is_major = True
        review.save(update_fields=["is_major"])


def facts_changed(complaint_id: int) -> None:
    """Mark the open review of a case whose facts changed."""
    review = ReviewCase.objects.filter(
        complaint=complaint_id, is_major=False, status__in=[str(status) for status in OPEN_REVIEW]
    ).first()
    if review is not None:
        refresh(review, Complaint.objects.get(pk=complaint_id))


# --- Revisions ----------------------------------------------------------------------------------------
def check(conditions: Conditions) -> None:
    """Raises InvalidInput naming the field of the first condition that makes no sense."""
    if conditions.risk_grade and conditions.risk_grade not in RiskGrade.values:
        raise InvalidInput("risk_grade", _("Choose one of the values."))
    if conditions.risk_grade == RiskGrade.ORDINARY:
        raise InvalidInput("risk_grade", _("Every complaint would be a major one."))
    if conditions.amount is not None and not 0 < conditions.amount < MOST_AMOUNT:
        raise InvalidInput("amount", _("Give an amount above 0."))
    if conditions.persons is not None and not 2 <= conditions.persons <= 1_000_000:
        raise InvalidInput("persons", _("Give a number of persons from 2 on."))
    if conditions == Conditions():
        raise InvalidInput("risk_grade", _("Give at least one condition."))


def preview(conditions: Conditions) -> tuple[int, int]:
    """How many of the newest 1,000 cases would be major, and how many were looked at. Stores nothing."""
    check(conditions)
    newest = list(Complaint.objects.order_by("-pk").values_list("pk", flat=True)[:PREVIEW_OVER])
    cases = Complaint.objects.filter(pk__in=newest)
    if conditions.media:
        said = OpinionSignal.objects.filter(complaint=OuterRef("pk"))
        planned = MediaPlan.objects.filter(complaint=OuterRef("pk"))
        cases = cases.annotate(in_media=Exists(said) | Exists(planned))
    return cases.filter(conditions.as_query()).count(), len(newest)


@transaction.atomic
def revise(conditions: Conditions, *, note: str, based_on: int, by: User, at: datetime | None = None) -> MajorStandard:
    """Store the next revision; open reviews are looked at again at their next step.

    `based_on` is the revision the person edited. Raises NotAllowed, InvalidInput by field, StaleVersion.
    """
    if not by.has_perm(EDIT):
        raise NotAllowed(_("Your role does not allow this."))
    note = revisions.why(note)
    check(conditions)
    current()  # stores the shipped one as the first
    return MajorStandard.objects.create(
        revision=revisions.following(MajorStandard, based_on=based_on),
        risk_grade=conditions.risk_grade,
        amount=conditions.amount,
        persons=conditions.persons,
        media=conditions.media,
        note=note,
        at=at or timezone.now(),
        by=by,
    )
