"""Who reaches which case and which record on it, for the pages (matrix, rows 13 to 27, 39, 47).

Guards raise and never return a response (AZ-15): Http404 for a case the person may not see, with the
same page as an unknown number; NotAllowed for what they see but may not do, with one row in the
security log.
"""

from __future__ import annotations

from typing import NoReturn, TypeVar

from django.db.models import Model, QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from accounts import security
from accounts.errors import IllegalTransition, NotAllowed
from accounts.models import User
from accounts.web import StaffRequest
from complaints import case_files, permissions, risk_standards
from complaints.models import Attachment, Complaint
from complaints.states import Status

_Row = TypeVar("_Row", bound=Model)
# The single records a case page names.
_NAMED = (
    "complainant",
    "policy",
    "category__parent__parent",
    "nature",
    "kind",
    "legal_type",
    "lead_department",
    "handler",
    "coordinator",
    "registered_by",
    "closed_by",
    "lane__senior",
)
# What a person needs for each kind of record that is added to a case.
RECORD_PERMISSIONS: dict[str, tuple[str, ...]] = {
    "note": ("complaints.write_note",),
    "contact": ("complaints.record_contact",),
    "contact_point": ("complaints.record_for_complainant",),
    "access_code": ("complaints.record_for_complainant",),
    "attachment": ("complaints.write_note",),
    "copy": (case_files.COPIES,),
    "step": ("complaints.write_note",),
    "allegation": ("complaints.write_note",),
    "finding": ("complaints.draft_reply",),
    "responsibility": ("complaints.draft_reply",),
    "remedy": ("complaints.draft_reply",),
    "improvement": ("complaints.draft_reply",),
    "improvement_report": ("complaints.draft_reply",),
    "improvement_verify": ("complaints.verify_improvement",),
    "question_add": ("complaints.record_for_complainant", "complaints.record_contact"),
    "question_answer": ("complaints.record_contact",),
    "outstanding": ("complaints.screen_complaint", "complaints.record_contact"),
}


def visible_case(user: User, number: str) -> Complaint:
    """The case with everything its page names, in one query. Raises Http404."""
    cases = risk_standards.with_meetings(Complaint.objects.visible_to(user).select_related(*_NAMED))
    return get_object_or_404(cases, number=number)


def child(rows: QuerySet[_Row], pk: int) -> _Row:
    """A record of a visible case; `rows` is the relation of that case, so no other case's record is found (AZ-01)."""
    return get_object_or_404(rows, pk=pk)


def record_refusal(user: User, complaint: Complaint, kind: str) -> str:
    """Why the person may not add this kind of record here; '' when they may."""
    if not any(user.has_perm(name) for name in RECORD_PERMISSIONS[kind]):
        return _("Your role does not allow this.")
    if not user.has_perm("complaints.view_all") and not permissions.holds_case(user, complaint):
        return _("The case is not with your department.")
    return ""


def require_record(request: StaffRequest, complaint: Complaint, kind: str) -> None:
    """Raises NotAllowed."""
    reason = record_refusal(request.user, complaint, kind)
    if reason:
        refuse(request, complaint, kind, reason)


def openable_file(request: StaffRequest, complaint: Complaint, pk: int) -> Attachment:
    """A file of the case that this person may open (matrix, orig). Raises Http404 and NotAllowed."""
    attachment = child(complaint.attachments.select_related("file"), pk)
    require_permission(request, complaint, "complaints.view_original")
    if case_files.withheld_from(request.user, complaint, [attachment]):
        reason = _("The complainant asked the office to withhold the identity from departments.")
        refuse(request, complaint, "complaints.view_original", reason)
    return attachment


def require_permission(request: StaffRequest, complaint: Complaint, permission: str) -> None:
    """Raises NotAllowed."""
    if not request.user.has_perm(permission):
        refuse(request, complaint, permission, _("Your role does not allow this."))


def require_open(complaint: Complaint) -> None:
    """Raises IllegalTransition for a case in the archive, where nothing is added any more."""
    if complaint.status == Status.ARCHIVED:
        raise IllegalTransition(_("The case is archived; nothing can be added."))


def refuse(request: StaffRequest, complaint: Complaint, what: str, reason: str) -> NoReturn:
    """Log the refusal once and raise NotAllowed with the reason."""
    security.record("refused", user=request.user, request=request, subject=complaint.number, action=what)
    raise NotAllowed(reason)
