"""Praise, what followed for staff, scored calls, survey calls: records about the quality of the work (QUA-07, QUA-12,
QUA-15, FB-11)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import Department, Membership, User
from complaints import quality
from complaints.models import CallSample, Complaint, Consequence, Praise, SurveyCall
from complaints.states import MOVES, Audience, ConsequenceKind, ContactOutcome, Status
from complaints.transitions import core, feedback
from complaints.transitions.intake import check_text

PRAISE = "complaints.write_note"
CONSEQUENCES = "complaints.read_consequences"
TEXT = 5000
# Attempts after which a person counts as not reached for a survey.
SURVEY_TRIES = 3


# --- Praise ---------------------------------------------------------------------------------------
@transaction.atomic
def record_praise(
    *,
    by: User,
    department: Department,
    text: str,
    received_on: date,
    person: User | None = None,
    complaint: Complaint | None = None,
    at: datetime | None = None,
) -> Praise:
    """Write down praise for a department, and for a person of it where one was named (QUA-12).

    Nobody records praise for themselves. Raises NotAllowed, InvalidInput by field.
    """
    at = core.moment(at)
    if not by.is_active or not by.has_perm(PRAISE):
        raise NotAllowed(_("Your role does not allow this."))
    core.require("text", text, _("Write down what was praised."))
    check_text("text", text, limit=TEXT)
    if received_on > timezone.localdate(at):
        raise InvalidInput("received_on", _("This day is still to come."))
    if person is not None:
        if person.pk == by.pk:
            raise InvalidInput("person", _("Praise for you is recorded by somebody else."))
        if not Membership.objects.current(at=at).filter(user=person, department=department).exists():
            raise InvalidInput("person", _("This person does not belong to the department."))
    locked = None
    if complaint is not None:
        locked = core.lock(complaint.pk)
        if not Complaint.objects.visible_to(by).filter(pk=locked.pk).exists():
            raise InvalidInput("complaint", _("There is no such case."))
    row = Praise.objects.create(
        complaint=locked,
        department=department,
        person=person,
        text=text.strip(),
        received_on=received_on,
        at=at,
        by=by,
    )
    if locked is not None:
        core.add_event(locked, "praise", by=by, at=at, reference=core.ref(row))
    return row


# --- Consequences ---------------------------------------------------------------------------------
@transaction.atomic
def record_consequence(
    complaint_id: int,
    *,
    by: User,
    person: User,
    kind: str,
    text: str,
    decided_on: date,
    at: datetime | None = None,
) -> Consequence:
    """Record what followed for a member of staff; the event names neither the person nor the words (QUA-15).

    Raises NotAllowed, also for whom it concerns, and InvalidInput by field.
    """
    at = core.moment(at)
    complaint = core.lock(complaint_id)
    if not by.is_active or not by.has_perm(CONSEQUENCES):
        raise NotAllowed(_("Your role does not allow this."))
    if not Complaint.objects.visible_to(by).filter(pk=complaint.pk).exists():
        raise NotAllowed(_("This case is no longer yours to see."))
    if person.pk == by.pk:
        raise InvalidInput("person", _("What concerns you is recorded by somebody else."))
    if kind not in ConsequenceKind.values:
        raise InvalidInput("kind", _("Choose one."))
    core.require("text", text, _("Write down what was decided."))
    check_text("text", text, limit=TEXT)
    if decided_on > timezone.localdate(at):
        raise InvalidInput("decided_on", _("This day is still to come."))
    row = Consequence.objects.create(
        complaint=complaint, person=person, kind=kind, text=text.strip(), decided_on=decided_on, at=at, by=by
    )
    core.add_event(complaint, "consequence", by=by, at=at, reference=core.ref(row), audience=Audience.OFFICE)
    return row


# --- Sampled calls --------------------------------------------------------------------------------
@transaction.atomic
def score_call(
    sample_id: int, *, by: User, points: Mapping[str, int], comment: str = "", at: datetime | None = None
) -> CallSample:
    """Score a sampled call by the standard in force; the caller never scores the own call (QUA-07).

    Points go from 0 to 100 for each criterion. Raises NotAllowed, InvalidInput("points_<code>"),
    IllegalTransition once it is scored.
    """
    at = core.moment(at)
    complaint_id = CallSample.objects.values_list("contact__complaint", flat=True).get(pk=sample_id)
    complaint = core.lock(complaint_id)
    sample = CallSample.objects.select_for_update(of=("self",)).select_related("contact").get(pk=sample_id)
    if not by.is_active or not by.has_perm(quality.CHECK):
        raise NotAllowed(_("Your role does not allow this."))
    if sample.contact.by_id == by.pk:
        raise NotAllowed(_("You made this call; another person scores it."))
    if not Complaint.objects.visible_to(by).filter(pk=complaint.pk).exists():
        raise NotAllowed(_("This case is no longer yours to see."))
    if sample.scored_at is not None:
        raise IllegalTransition(_("This call was scored already."))
    check_text("comment", comment, limit=TEXT)
    standard = quality.current()
    sample.total = quality.total(standard.call_criteria, points)
    sample.standard, sample.points, sample.comment = standard, dict(points), comment.strip()
    sample.scored_by, sample.scored_at = by, at
    sample.save(update_fields=["standard", "points", "total", "comment", "scored_by", "scored_at"])
    core.add_event(complaint, "call_scored", by=by, at=at, reference=core.ref(sample), audience=Audience.OFFICE)
    return sample


# --- Survey calls ---------------------------------------------------------------------------------
@transaction.atomic
def record_survey_call(
    call_id: int,
    *,
    by: User,
    outcome: ContactOutcome,
    version: int | None = None,
    at: datetime | None = None,
    **answer: object,
) -> SurveyCall:
    """Record one call of a survey; the answer is a call-back by somebody independent of the handling (FB-11, FB-12).

    `answer` holds the fields of a call-back. Three attempts in vain, or a refusal, end the call without an answer.
    Raises NotAllowed, InvalidInput by field, IllegalTransition once it is over.
    """
    at = core.moment(at)
    complaint = core.lock(SurveyCall.objects.values_list("complaint", flat=True).get(pk=call_id))
    call = SurveyCall.objects.select_for_update().get(pk=call_id)
    if call.ended_at is not None:
        raise IllegalTransition(_("This survey call is over."))
    if complaint.status == Status.ARCHIVED:
        raise IllegalTransition(_("The case is archived; nothing can be added."))
    record = feedback.call_back if complaint.status in MOVES["call_back"].sources else feedback.survey_call
    row = record(complaint.pk, by=by, outcome=outcome, version=version, at=at, **answer)  # type: ignore[arg-type]
    call.tries += 1
    if row.is_reached:
        call.callback = row
    if row.is_reached or outcome == ContactOutcome.REFUSED or call.tries >= SURVEY_TRIES:
        call.ended_at = at
    call.save(update_fields=["callback", "tries", "ended_at"])
    return call
