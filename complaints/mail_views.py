"""The e-mails of the office: those that wait for a clerk, and what became of the others (IN-08)."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.core.cache import caches
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts import security
from accounts.errors import DomainError, InvalidInput
from accounts.models import User
from accounts.web import StaffRequest
from complaints import files, identity, keyset, mail_intake, queue, transitions
from complaints.desk_access import needs
from complaints.mail_forms import MailComplaintForm, MailDismissForm, MailJoinForm
from complaints.models import Attachment, Complaint, InboundMail, Mailbox, MailState

PERMISSION = "complaints.register_complaint"
PAGE_SIZE = 30
# More than this is shown as so many and a plus.
MOST_COUNTED = 99
COUNT_KEY = "mails-waiting"
_OLDEST_FIRST = keyset.Order(segments=(keyset.Segment(Q(), "received_at"),))
_NEWEST_FIRST = keyset.Order(segments=(keyset.Segment(Q(), "received_at", descending=True),))
# The tabs: address, label, states.
TABS = {
    "waiting": (gettext_lazy("Waiting"), (MailState.WAITING,)),
    "taken": (gettext_lazy("Became a case or part of one"), (MailState.COMPLAINT, MailState.JOINED)),
    "automatic": (
        gettext_lazy("Automatic or undeliverable"),
        (MailState.AUTOMATIC, MailState.BOUNCE, MailState.LOOP),
    ),
    "dismissed": (gettext_lazy("Not a complaint"), (MailState.DISMISSED,)),
}
# What kept the mailbox from being read, by the class of the failure.
FAILURES = {
    "LoginError": gettext_lazy("the server does not accept the user name or the password"),
    "gaierror": gettext_lazy("there is no server of this name"),
    "ConnectionRefusedError": gettext_lazy("the server cannot be reached"),
    "SSLCertVerificationError": gettext_lazy("the certificate of the server is not valid"),
    "TimeoutError": gettext_lazy("the server does not answer"),
    "StorageFull": gettext_lazy("there is no room left for files"),
}


def waiting(user: User) -> int:
    """How many messages wait for a clerk, for the navigation: at most a minute old (partial index mail_waiting)."""
    found: int | None = caches["local"].get(COUNT_KEY)
    if found is None:
        found = InboundMail.objects.filter(state=MailState.WAITING)[: MOST_COUNTED + 1].count()
        caches["local"].set(COUNT_KEY, found, queue.COUNT_SECONDS)
    return found


@needs(PERMISSION)
@require_safe
def mails(request: StaffRequest) -> HttpResponse:
    """One tab of messages; those that wait begin with the oldest."""
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else "waiting"
    found = keyset.page(
        _visible(request.user).filter(state__in=TABS[tab][1]).select_related("complaint", "decided_by").defer("body"),
        _OLDEST_FIRST if tab == "waiting" else _NEWEST_FIRST,
        size=PAGE_SIZE,
        after=request.GET.get("after", ""),
        before=request.GET.get("before", ""),
    )
    context = {
        "tab": tab,
        "tabs": [(key, label) for key, (label, _states) in TABS.items()],
        "items": [(row, identity.mask("email", row.sender), reason(row)) for row in found.rows],
        "previous_url": f"?tab={tab}&before={found.before}" if found.before else "",
        "next_url": f"?tab={tab}&after={found.after}" if found.after else "",
        "unread": [(box, FAILURES.get(box.error, box.error)) for box in Mailbox.objects.exclude(error="")],
    }
    return render(request, "complaints/mails/list.html", context)


@needs(PERMISSION)
@require_safe
def mail(request: StaffRequest, pk: int) -> HttpResponse:
    """One message with what can be done about it."""
    return _page(request, _find(request.user, pk))


@needs(PERMISSION)
@require_POST
def show_sender(request: StaffRequest, pk: int) -> HttpResponse:
    """The sender in clear; who looked is in the security log. Once there is a case, its page shows it (AZ-06)."""
    row = _find(request.user, pk)
    if row.complaint_id:
        raise Http404
    security.record("mail_sender_shown", user=request.user, request=request, subject=f"mail:{row.pk}")
    return _page(request, row, sender=row.sender)


@needs(PERMISSION)
@require_POST
def register(request: StaffRequest, pk: int) -> HttpResponse:
    """Make a complaint of it. The receipt with the access code goes to the sender by e-mail."""
    row = _find(request.user, pk)
    form = MailComplaintForm(request.POST)
    if row.original is None:
        raise Http404
    if not form.is_valid():
        return _page(request, row, status=422, register_form=form)
    message = mail_intake.load(row)
    details = form.details(name=message.sender_name[:80] if message else "")
    try:
        receipt = mail_intake.make_complaint(row.pk, details, by=request.user, at=timezone.now())
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return _page(request, row, status=422, register_form=form)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("complaints:mail", row.pk)
    queue.forget_counts(request.user)
    caches["local"].delete(COUNT_KEY)
    messages.success(request, _("Registered as %(number)s.") % {"number": receipt.complaint.number})
    return redirect("complaints:detail", receipt.complaint.number)


@needs(PERMISSION)
@require_POST
def join(request: StaffRequest, pk: int) -> HttpResponse:
    """Add it to a case."""
    row = _find(request.user, pk)
    form = MailJoinForm(request.POST, user=request.user)
    if not form.is_valid():
        return _page(request, row, status=422, join_form=form)
    complaint = form.cleaned_data["number"]
    try:
        mail_intake.join(row.pk, complaint, by=request.user, at=timezone.now())
    except DomainError as error:
        form.add_error("number", str(error))
        return _page(request, _find(request.user, pk), status=409, join_form=form)
    caches["local"].delete(COUNT_KEY)
    messages.success(request, _("The e-mail now belongs to %(number)s.") % {"number": complaint.number})
    return redirect("complaints:detail", complaint.number)


@needs(PERMISSION)
@require_POST
def dismiss(request: StaffRequest, pk: int) -> HttpResponse:
    """Say that it is no complaint, and why; it stays here."""
    row = _find(request.user, pk)
    form = MailDismissForm(request.POST)
    if not form.is_valid():
        return _page(request, row, status=422, dismiss_form=form)
    try:
        transitions.settle_mail(
            row.pk, state=MailState.DISMISSED, by=request.user, reason=form.cleaned_data["reason"], at=timezone.now()
        )
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("complaints:mail", row.pk)
    caches["local"].delete(COUNT_KEY)
    messages.success(request, _("The e-mail is put aside; the reason is kept with it."))
    return redirect("complaints:mails")


@needs(PERMISSION)
@require_safe
def original(request: StaffRequest, pk: int) -> HttpResponse:
    """The message as it came, as a download that nothing opens in place (FL-01)."""
    row = _find(request.user, pk)
    if row.original is None:
        raise Http404
    try:
        response = files.download_response(Attachment(file=row.original, name=f"e-mail-{row.pk}.eml"))
    except FileNotFoundError:
        raise Http404 from None
    return cast(HttpResponse, response)  # the guard hands any response on


def reason(row: InboundMail) -> str:
    """Why a message waits or was put aside, in words."""
    return str(mail_intake.REASONS.get(row.reason, row.reason))


def _visible(user: User) -> QuerySet[InboundMail]:
    """Messages without a case, and those whose case the person may see."""
    return InboundMail.objects.filter(Q(complaint=None) | Q(complaint__in=Complaint.objects.visible_to(user)))


def _find(user: User, pk: int) -> InboundMail:
    return get_object_or_404(_visible(user).select_related("complaint", "original", "decided_by"), pk=pk)


def _page(
    request: StaffRequest,
    row: InboundMail,
    *,
    status: int = 200,
    sender: str = "",
    register_form: MailComplaintForm | None = None,
    join_form: MailJoinForm | None = None,
    dismiss_form: MailDismissForm | None = None,
) -> HttpResponse:
    try:
        message = mail_intake.load(row)
    except FileNotFoundError:
        message = None
    initial = {"subject": row.subject[:120], "narrative": mail_intake.narrative_of(row.body)}
    numbers = mail_intake.NUMBER.findall(row.subject)
    context = {
        "row": row,
        "active": "mails",
        "open": row.complaint_id is None,
        "sender": sender or identity.mask("email", row.sender),
        "is_shown": bool(sender),
        "reason": reason(row),
        "files": [(item.name, len(item.content)) for item in message.files] if message else [],
        "register_form": register_form or MailComplaintForm(initial=initial),
        "join_form": join_form or MailJoinForm(user=request.user, initial={"number": numbers[0] if numbers else ""}),
        "dismiss_form": dismiss_form or MailDismissForm(),
        "errors": [form for form in (register_form, join_form, dismiss_form) if form],
    }
    return render(request, "complaints/mails/detail.html", context, status=status)
