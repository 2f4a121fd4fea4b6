"""Care on a case: the consent, individual needs, and letters in large type (SPG-01, SPG-03, SPG-05, SPG-06)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import DomainError
from accounts.web import StaffRequest
from complaints import care, case_access, case_page, case_records, permissions, uploads
from complaints.care_forms import FORMS
from complaints.models import Complaint
from complaints.public_views import form_of, go
from complaints.states import DeadlineState, Milestone, ReplyState, Status
from complaints.track_views import of_case
from complaints.transitions import care as consents


@login_required
@require_safe
def overview(request: StaffRequest, number: str) -> HttpResponse:
    """What the complainant allowed to be noted, and the individual needs with what was found for them."""
    complaint = case_access.visible_case(request.user, number)
    case_records.load(complaint)
    consent = care.standing(complaint)
    user = request.user
    asks = care.asks_for_consent(user)
    noted = bool(complaint.special_groups or complaint.complainant.needs_care)
    context = {
        "complaint": complaint,
        "active": "cases",
        "badge": case_page.badge(complaint),
        "consent": consent,
        "groups": care.group_labels(consent.groups) if consent else (),
        "unasked": consent is None and asks and noted,
        "unasked_groups": care.group_labels(complaint.special_groups),
        "past": [row for row in complaint.care_consents.all() if row.withdrawn_at],
        "needs": complaint.special_needs.select_related("proposal__department", "recorded_by", "settled_by"),
        "may_record": care.may_record(user, complaint) and complaint.status != Status.ARCHIVED,
        "may_erase": care.may_record(user, complaint),
        "may_work": care.may_work_on_needs(user, complaint),
        "may_reveal": not permissions.reveal_refusal(user, complaint),
    }
    return render(request, "complaints/care/case.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def record(request: StaffRequest, number: str, kind: str, pk: int | None = None) -> HttpResponse:
    """The form of one kind of record, and adding or settling it."""
    complaint = case_access.visible_case(request.user, number)
    form_class = FORMS[kind]
    row = case_access.child(getattr(complaint, form_class.relation).all(), pk) if pk is not None else None
    if not form_class.allows(request.user, complaint):
        case_access.refuse(request, complaint, kind, _("Your role does not allow this."))
    form = form_class(
        request.POST if request.method == "POST" else None, complaint=complaint, user=request.user, row=row
    )
    return case_page.take_record(request, form, kind, back="complaints:care")


# --- Large type ---------------------------------------------------------------------------------------
@login_required
@require_safe
def large_print(request: StaffRequest, number: str) -> HttpResponse:
    """Receipt, letters and answer of a case in 18-point type, to be handed over or sent by post (SPG-03).

    `?what=` chooses one of them; the receipt stands without the access code, which nobody can read again.
    """
    complaint = case_access.visible_case(request.user, number)
    case_records.load(complaint)
    sheets = _sheets(complaint)
    wanted = request.GET.get("what", "")
    shown = next((sheet for sheet in sheets if sheet["key"] == wanted), sheets[0])
    context = {
        "complaint": complaint,
        "sheets": sheets,
        "sheet": shown,
        "now": timezone.now(),
    }
    return render(request, "complaints/large_print.html", context)


def _sheets(complaint: Complaint) -> list[dict[str, Any]]:
    """What can be printed: the receipt, each notice with the newest first, and the answer that was sent."""
    due = {row.milestone: row.due_at for row in complaint.deadlines.all() if row.state != DeadlineState.CANCELLED}
    sheets: list[dict[str, Any]] = [
        {
            "key": "receipt",
            "label": _("Receipt"),
            "decide_by": due.get(Milestone.DECIDE_ACCEPTANCE),
            "reply_by": due.get(Milestone.RESOLVE),
        }
    ]
    for notice in sorted(complaint.notices.all(), key=lambda row: (row.issued_at, row.pk), reverse=True):
        sheets.append(
            {
                "key": f"notice-{notice.pk}",
                "label": notice.get_kind_display(),
                "body": notice.body,
                "at": notice.issued_at,
            }
        )
    sent = [row for row in complaint.replies.all() if row.state == ReplyState.SENT]
    for reply in sorted(sent, key=lambda row: row.round, reverse=True)[:1]:
        sheets.append(
            {"key": "reply", "label": _("Our answer"), "process": reply.process, "result": reply.result,
             "at": reply.sent_at}
        )  # fmt: skip
    return sheets


# --- The complainant ----------------------------------------------------------------------------------
@form_of("public:track_case", "#care")
@uploads.guarded
@of_case
def take_back(request: HttpRequest, complaint: Complaint) -> HttpResponse:
    """The complainant takes the consent back; what was noted is erased at once."""
    try:
        consents.withdraw_consent(complaint.pk, by=None)
    except DomainError:
        messages.info(request, _("Nothing is noted any more."))
    else:
        messages.success(request, _("It is erased. Nobody who deals with your complaint sees it any more."))
    return go(request, "public:track_case")
