"""What people propose to do better, and what becomes of it (FB-09, FB-10)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import Department, User
from complaints import identity, notify
from complaints.models import Complaint, Proposal
from complaints.states import ProposalAbout
from complaints.transitions import core
from complaints.transitions.intake import check_text

# Who writes down what a person proposes, who judges it, who answers it for the department.
RECORD = ("complaints.record_for_complainant", "complaints.record_contact", "complaints.record_callback")
JUDGES = ("complaints.check_quality", "complaints.adjudicate_return")
ANSWER = "complaints.draft_reply"
TEXT = 2000


@transaction.atomic
def record_proposal(complaint_id: int, *, by: User, about: str, text: str, at: datetime | None = None) -> Proposal:
    """A member of staff writes down what somebody proposed. Raises NotAllowed, InvalidInput by field."""
    at = core.moment(at)
    complaint = core.lock(complaint_id)
    if not by.is_active or not any(by.has_perm(name) for name in RECORD):
        raise NotAllowed(_("Your role does not allow this."))
    _require_visible(complaint, by)
    core.require("text", text, _("Write down what is proposed."))
    return add_proposal(complaint, by=by, about=about, text=text, at=at)


def add_proposal(
    complaint: Complaint, *, by: User | None, about: str, text: str, at: datetime, field: str = "text"
) -> Proposal:
    """Store a proposal on a case whose row is locked; `by=None` is the complainant on the tracking page.

    The text leaves the case for other departments, so names and numbers of this person are taken out.
    Raises InvalidInput at `field`.
    """
    if about not in ProposalAbout.values:
        raise InvalidInput("about", _("Choose one."))
    check_text(field, text, limit=TEXT)
    row = Proposal.objects.create(
        complaint=complaint, about=about, text=identity.scrub(text.strip(), complaint.complainant), at=at,
        recorded_by=by,
    )  # fmt: skip
    core.add_event(complaint, "proposal", by=by, at=at, reference=core.ref(row))
    return row


@transaction.atomic
def judge_proposal(
    proposal_id: int,
    *,
    by: User,
    is_valuable: bool,
    about: str = "",
    department: Department | None = None,
    at: datetime | None = None,
) -> Proposal:
    """Say what a proposal is about and whether it is worth taking up; a valuable one goes to a department,
    whose heads are told (FB-10).

    Raises NotAllowed, InvalidInput by field, IllegalTransition once it is judged.
    """
    at = core.moment(at)
    complaint, row = _lock(proposal_id)
    if not by.is_active or not any(by.has_perm(name) for name in JUDGES):
        raise NotAllowed(_("Your role does not allow this."))
    _require_visible(complaint, by)
    if row.is_valuable is not None:
        raise IllegalTransition(_("This proposal was judged already."))
    if is_valuable and department is None:
        raise InvalidInput("department", _("Choose the department that takes it up."))
    if about and about not in ProposalAbout.values:
        raise InvalidInput("about", _("Choose one."))
    row.about = about or row.about
    row.is_valuable, row.judged_by, row.judged_at = is_valuable, by, at
    row.department = department if is_valuable else None
    row.save(update_fields=["about", "is_valuable", "judged_by", "judged_at", "department"])
    core.add_event(complaint, "proposal_judged", by=by, at=at, reference=core.ref(row))
    if row.department:
        notify.tell(
            notify.heads_of([row.department.pk]),
            "proposal_routed",
            url=f"/desk/proposals/{row.pk}/",
            dedupe=f"proposal:{row.pk}",
            by_email=False,
        )
    return row


@transaction.atomic
def answer_proposal(
    proposal_id: int, *, by: User, is_adopted: bool, answer: str, at: datetime | None = None
) -> Proposal:
    """The department says whether it adopts the proposal, and why (FB-10).

    Raises NotAllowed, InvalidInput("answer"), IllegalTransition while it is with no department or once answered.
    """
    at = core.moment(at)
    complaint, row = _lock(proposal_id)
    if not by.is_active or not may_answer(by, row):
        raise NotAllowed(_("Only the department that has the proposal answers it."))
    if row.answered_at is not None:
        raise IllegalTransition(_("This proposal was answered already."))
    core.require("answer", answer, _("Say why, and what is done."))
    check_text("answer", answer, limit=TEXT)
    row.is_adopted, row.answer, row.answered_by, row.answered_at = is_adopted, answer.strip(), by, at
    row.save(update_fields=["is_adopted", "answer", "answered_by", "answered_at"])
    core.add_event(complaint, "proposal_answered", by=by, at=at, reference=core.ref(row))
    return row


def may_answer(user: User, row: Proposal) -> bool:
    """Members of the department that has the proposal, if they may write replies."""
    return row.department_id is not None and row.department_id in user.department_ids and user.has_perm(ANSWER)


def _lock(proposal_id: int) -> tuple[Complaint, Proposal]:
    complaint = core.lock(Proposal.objects.values_list("complaint", flat=True).get(pk=proposal_id))
    return complaint, Proposal.objects.select_for_update().get(pk=proposal_id)


def _require_visible(complaint: Complaint, user: User) -> None:
    if not Complaint.objects.visible_to(user).filter(pk=complaint.pk).exists():
        raise NotAllowed(_("This case is no longer yours to see."))
