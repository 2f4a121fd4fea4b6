"""Records added to a case, downloads of originals, and looking at the complainant's data."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts import security
from accounts.errors import InvalidInput
from accounts.models import User
from accounts.web import StaffRequest
from complaints import case_access, case_page, case_views, files, permissions, transitions, uploads
from complaints.messages import track_url
from complaints.models import CaseEvent, Complaint
from complaints.record_forms import FORMS, AccessCodeForm, RevealForm
from complaints.timeline_words import DATA_WORDS

# Records about another record of the case: the relation it is looked up in.
_ABOUT = {
    "copy": "attachments",
    "finding": "allegations",
    "improvement_report": "improvements",
    "improvement_verify": "improvements",
    "question_answer": "questions",
    "outstanding": "outstanding_items",
}

# Looking up many people at once is no daily work (AZ-06).
REVEALS_PER_HOUR = 20
REVEALS_PER_DAY = 50
REVEAL_SECONDS = 300


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def record(request: StaffRequest, number: str, kind: str, pk: int | None = None) -> HttpResponse:
    """The form of one kind of record, and adding it."""
    complaint = case_access.visible_case(request.user, number)
    row = case_access.child(getattr(complaint, _ABOUT[kind]).all(), pk) if pk is not None else None
    bound = (request.POST, request.FILES) if request.method == "POST" else ()
    form = FORMS[kind](*bound, complaint=complaint, user=request.user, row=row)
    case_access.require_record(request, complaint, kind)
    for item in uploads.refused(request) if "files" in form.fields else ():
        form.add_error("files", str(files.too_large(item.name)))
    return case_page.take_record(request, form, kind, back="complaints:detail", needs_open=True)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def access_code(request: StaffRequest, number: str) -> HttpResponse:
    """A new access code for whoever lost theirs: sent, or shown this once to be printed or read out."""
    complaint = case_access.visible_case(request.user, number)
    case_access.require_record(request, complaint, "access_code")
    form = AccessCodeForm(request.POST if request.method == "POST" else None, complaint=complaint, user=request.user)
    code = form.save() if form.is_bound and form.is_valid() else None
    if code is None:
        return case_page.render_record(request, form, status=422 if form.is_bound else 200)
    if not code:
        messages.success(request, str(form.done))
        return redirect("complaints:detail", complaint.number)
    context = {
        "complaint": complaint,
        "code": transitions.group_code(code),
        "track_url": track_url(),
        "active": "cases",
        "badge": case_page.badge(complaint),
    }
    return render(request, "complaints/access_code.html", context)


@login_required
@require_safe
def download(request: StaffRequest, number: str, pk: int) -> HttpResponseBase:
    """An original of the case, to whoever may open originals (matrix, orig)."""
    complaint = case_access.visible_case(request.user, number)
    attachment = case_access.openable_file(request, complaint, pk)
    try:
        return files.download_response(attachment)
    except FileNotFoundError:
        raise Http404 from None


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def reveal(request: StaffRequest, number: str) -> HttpResponse:
    """Identity and contact in clear for five minutes, with the reason in the log (matrix, ident; AZ-06)."""
    complaint = case_access.visible_case(request.user, number)
    refusal = permissions.reveal_refusal(request.user, complaint)
    if refusal:
        case_access.refuse(request, complaint, "reveal", refusal)
    form = RevealForm(request.POST if request.method == "POST" else None, complaint=complaint)
    if not form.is_bound:
        return _reveal_page(request, complaint, form, status=200)
    now = timezone.now()
    if reveals_since(request.user, now - timedelta(hours=1)) >= REVEALS_PER_HOUR:
        problem = _("You looked at %(count)s complainants within an hour; go on later.") % {"count": REVEALS_PER_HOUR}
        return _reveal_page(request, complaint, form, status=429, problem=problem)
    if not form.is_valid():
        return _reveal_page(request, complaint, form, status=422)
    try:
        values = transitions.reveal(
            complaint.pk,
            by=request.user,
            reason=form.cleaned_data["reason"],
            fields=form.cleaned_data["fields_shown"],
            at=now,
        )
    except InvalidInput as error:
        form.add_error(error.field, str(error))
        return _reveal_page(request, complaint, form, status=422)
    if reveals_since(request.user, now - timedelta(days=1)) == REVEALS_PER_DAY + 1:
        security.record(
            "many_reveals", user=request.user, request=request, subject=complaint.number, count=REVEALS_PER_DAY + 1
        )
    shown = [(DATA_WORDS[key], value) for key, value in values.items() if value]
    return case_views.render_case(
        request,
        complaint,
        revealed=shown,
        revealed_until=now + timedelta(seconds=REVEAL_SECONDS),
        reveal_seconds=REVEAL_SECONDS,
    )


def reveals_since(user: User, since: datetime) -> int:
    """How often the person looked at complainants; looking up many at once is no daily work (AZ-06)."""
    return CaseEvent.objects.filter(kind="reveal", at__gte=since, actor=user).count()


def _reveal_page(
    request: StaffRequest, complaint: Complaint, form: RevealForm, *, status: int, problem: str = ""
) -> HttpResponse:
    values = {
        "complaint": complaint,
        "form": form,
        "active": "cases",
        "badge": case_page.badge(complaint),
        "problem": problem,
    }
    return render(request, "complaints/actions/reveal.html", values, status=status)
