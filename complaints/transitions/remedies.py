"""Deciding on a remedy and recording that it was given: three people, one after the other (COO-12, COO-13)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import User
from complaints import notify, remedies
from complaints.models import Complaint, Remedy
from complaints.states import RemedyState, Status
from complaints.transitions import core
from complaints.transitions.intake import check_text

# The columns of a decision note and of a payment reference.
NOTE_LENGTH = 300
REFERENCE_LENGTH = 80


@transaction.atomic
def approve_remedy(remedy_id: int, *, by: User, note: str = "", at: datetime | None = None) -> Remedy:
    """Approve a proposed remedy within the own limit (COO-12), which holds for all remedies of a case (COM-05).

    Raises NotAllowed for the proposer and beyond the limit (naming who may), IllegalTransition once decided.
    """
    at = core.moment(at)
    complaint, remedy = _begin(remedy_id, by=by)
    refusal = remedies.approval_refusal(by, complaint, remedy, remedies.limits_of(remedies.current()))
    if refusal:
        raise NotAllowed(refusal)
    _require(remedy, RemedyState.PROPOSED)
    check_text("note", note, limit=NOTE_LENGTH)
    _decide(remedy, RemedyState.APPROVED, note, by=by, at=at)
    core.add_event(
        complaint, "remedy_approved", by=by, at=at, note=remedy.decision_note, reference=core.ref(remedy)
    )  # fmt: skip
    notify.tell(
        notify.holders_of(remedies.GIVE).exclude(pk__in=[by.pk, remedy.proposed_by_id]),
        "remedy_approved",
        complaint=complaint,
        url=_url(complaint, remedy),
        dedupe=f"remedy_approved:{remedy.pk}",
        by_email=False,
    )
    return remedy


@transaction.atomic
def refuse_remedy(remedy_id: int, *, by: User, reason: str, at: datetime | None = None) -> Remedy:
    """Refuse a proposed remedy with a reason; another one can then be proposed.

    Raises NotAllowed, InvalidInput("reason"), IllegalTransition once decided.
    """
    at = core.moment(at)
    complaint, remedy = _begin(remedy_id, by=by)
    refusal = remedies.decision_refusal(by, complaint, remedy)
    if refusal:
        raise NotAllowed(refusal)
    _require(remedy, RemedyState.PROPOSED)
    core.require("reason", reason, _("Give the reason."))
    check_text("reason", reason, limit=NOTE_LENGTH)
    _decide(remedy, RemedyState.REFUSED, reason, by=by, at=at)
    core.add_event(complaint, "remedy_refused", by=by, at=at, note=remedy.decision_note, reference=core.ref(remedy))
    notify.tell(
        [remedy.proposed_by],
        "remedy_refused",
        complaint=complaint,
        url=_url(complaint, remedy),
        dedupe=f"remedy_refused:{remedy.pk}",
    )
    return remedy


@transaction.atomic
def give_remedy(
    remedy_id: int, *, by: User, reference: str, given_at: datetime | None = None, at: datetime | None = None
) -> Remedy:
    """Record that the complainant got it: when, and the payment or the form it took (COO-11, COO-12).

    Raises NotAllowed for the proposer and the approver, InvalidInput by field, IllegalTransition unless approved.
    """
    at = core.moment(at)
    given_at = given_at or at
    complaint, remedy = _begin(remedy_id, by=by)
    refusal = remedies.give_refusal(by, remedy)
    if refusal:
        raise NotAllowed(refusal)
    _require(remedy, RemedyState.APPROVED)
    core.require("reference", reference, _("Give the reference of the payment, or how it was given."))
    check_text("reference", reference, limit=REFERENCE_LENGTH)
    if given_at > at:
        raise InvalidInput("given_at", _("This time is in the future; give the time it was given."))
    # A page gives whole minutes.
    if given_at < (remedy.approved_at or remedy.proposed_at).replace(second=0, microsecond=0):
        raise InvalidInput("given_at", _("The remedy was agreed only later; give the time it was given."))
    remedy.state, remedy.done_at, remedy.paid_by = RemedyState.DONE, given_at, by
    remedy.payment_reference = reference.strip()
    remedy.save(update_fields=["state", "done_at", "paid_by", "payment_reference"])
    # The reference may be an account: it stays on the record and out of the log.
    core.add_event(complaint, "remedy_given", by=by, at=at, reference=core.ref(remedy))
    return remedy


def ask_approval(complaint: Complaint, remedy: Remedy) -> None:
    """Tell the smallest level that may approve a new remedy that it waits."""
    notify.tell(
        approvers(complaint, remedy),
        "remedy_waiting",
        complaint=complaint,
        url=_url(complaint, remedy),
        dedupe=f"remedy_waiting:{remedy.pk}",
    )


def approvers(complaint: Complaint, remedy: Remedy) -> list[User]:
    """The people of the smallest level that may approve a remedy, save who proposed it."""
    limits = remedies.limits_of(remedies.current())
    for level in remedies.levels_for(remedy, limits):
        people = [user for user in _people_at(level, complaint) if user.pk != remedy.proposed_by_id]
        if people:
            return people
    return []


def _people_at(level: str, complaint: Complaint) -> list[User]:
    if level == "department_head":
        return list(notify.heads_of([complaint.lead_department_id] if complaint.lead_department_id else []))
    if level == "coordinator":
        own = complaint.coordinator
        may_approve = own and own.is_active and own.has_perm("complaints.approve_remedy")
        return [own] if own and may_approve else list(notify.holders_of("complaints.adjudicate_return"))
    return list(notify.managers(complaint))


def _begin(remedy_id: int, *, by: User) -> tuple[Complaint, Remedy]:
    """Lock case and remedy; the actor must see the case, and it must not be in the archive."""
    complaint = core.lock(Remedy.objects.values_list("complaint", flat=True).get(pk=remedy_id))
    if not Complaint.objects.visible_to(by).filter(pk=complaint.pk).exists():
        raise NotAllowed(_("This case is no longer yours to see."))
    if complaint.status == Status.ARCHIVED:
        raise IllegalTransition(_("The case is archived; nothing can be added."))
    remedy = Remedy.objects.select_for_update(of=("self",)).select_related("proposed_by").get(pk=remedy_id)
    return complaint, remedy


def _require(remedy: Remedy, wanted: RemedyState) -> None:
    state = remedies.standing(remedy)
    if state != wanted:
        raise IllegalTransition(_("This remedy is “%(state)s”; this is not possible now."), state=state.label)


def _decide(remedy: Remedy, state: RemedyState, note: str, *, by: User, at: datetime) -> None:
    remedy.state, remedy.approved_by, remedy.approved_at, remedy.decision_note = state, by, at, note.strip()
    remedy.save(update_fields=["state", "approved_by", "approved_at", "decision_note"])


def _url(complaint: Complaint, remedy: Remedy) -> str:
    return f"/desk/cases/{complaint.number}/remedies/{remedy.pk}/"
