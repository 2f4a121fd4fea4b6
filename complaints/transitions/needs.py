"""Individual needs: each gets a solution of its own or an alternative, never a refusal (SPG-05, SPG-06)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import Department, User
from complaints import care, notify
from complaints.models import Complaint, Proposal, SpecialNeed
from complaints.states import NeedOutcome, ProposalAbout
from complaints.transitions import core, proposals
from complaints.transitions.intake import check_text

TEXT = proposals.TEXT


@transaction.atomic
def record_need(complaint_id: int, *, need: str, by: User, at: datetime | None = None) -> SpecialNeed:
    """Write down a need the ordinary service does not meet. Raises NotAllowed, InvalidInput("need")."""
    at = core.moment(at)
    complaint = _begin(complaint_id, by=by)
    core.require("need", need, _("Write down what this person needs."))
    check_text("need", need, limit=TEXT)
    row = SpecialNeed.objects.create(complaint=complaint, need=need.strip(), recorded_at=at, recorded_by=by)
    core.add_event(complaint, "need_recorded", by=by, at=at, reference=core.ref(row))
    return row


@transaction.atomic
def settle_need(need_id: int, *, outcome: str, solution: str, by: User, at: datetime | None = None) -> SpecialNeed:
    """Say what was found: a solution of its own, or an alternative. A need cannot be refused (SPG-05).

    Raises NotAllowed, InvalidInput by field, IllegalTransition once it is settled.
    """
    at = core.moment(at)
    complaint, row = _lock(need_id, by=by)
    if row.outcome:
        raise IllegalTransition(_("Something was found for this need already."))
    if outcome not in NeedOutcome.values:
        raise InvalidInput("outcome", _("Choose a solution or an alternative; a need is not refused."))
    core.require("solution", solution, _("Say what was found."))
    check_text("solution", solution, limit=TEXT)
    row.outcome, row.solution, row.settled_at, row.settled_by = outcome, solution.strip(), at, by
    row.save(update_fields=["outcome", "solution", "settled_at", "settled_by"])
    core.add_event(complaint, "need_settled", by=by, at=at, reference=core.ref(row))
    return row


@transaction.atomic
def forward_need(need_id: int, *, department: Department, by: User, at: datetime | None = None) -> Proposal:
    """Carry a need to those who make the product, as a proposal the department answers (SPG-06).

    Names and numbers of the complainant are taken out of it. Raises NotAllowed, InvalidInput("department"),
    IllegalTransition once it was carried there.
    """
    at = core.moment(at)
    complaint, row = _lock(need_id, by=by)
    if row.proposal_id is not None:
        raise IllegalTransition(_("This need was passed on already."))
    if not department.is_active:
        raise InvalidInput("department", _("This department is no longer active."))
    proposal = proposals.add_proposal(complaint, by=by, about=ProposalAbout.PRODUCT, text=row.need, at=at)
    proposal.is_valuable, proposal.judged_by, proposal.judged_at, proposal.department = True, by, at, department
    proposal.save(update_fields=["is_valuable", "judged_by", "judged_at", "department"])
    row.proposal = proposal
    row.save(update_fields=["proposal"])
    core.add_event(complaint, "need_forwarded", by=by, at=at, reference=core.ref(row))
    notify.tell(
        notify.heads_of([department.pk]),
        "proposal_routed",
        url=f"/desk/proposals/{proposal.pk}/",
        dedupe=f"proposal:{proposal.pk}",
        by_email=False,
    )
    return proposal


def require_settled(complaint: Complaint) -> None:
    """Before the case is closed every need has its solution. Raises IllegalTransition (SPG-05)."""
    if SpecialNeed.objects.filter(complaint=complaint, outcome="").exists():
        raise IllegalTransition(
            _("An individual need of the complainant has no solution yet; find one, or an alternative, first.")
        )


def _begin(complaint_id: int, *, by: User) -> Complaint:
    complaint = core.lock(complaint_id)
    if not Complaint.objects.visible_to(by).filter(pk=complaint.pk).exists():
        raise NotAllowed(_("This case is no longer yours to see."))
    if not complaint.is_open:
        raise IllegalTransition(_("The case is over; nothing can be added to it."))
    if not care.may_work_on_needs(by, complaint):
        raise NotAllowed(_("Only who handles or coordinates the case may do this."))
    return complaint


def _lock(need_id: int, *, by: User) -> tuple[Complaint, SpecialNeed]:
    complaint = _begin(SpecialNeed.objects.values_list("complaint", flat=True).get(pk=need_id), by=by)
    return complaint, SpecialNeed.objects.select_for_update().get(pk=need_id)
