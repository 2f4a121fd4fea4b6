"""What the public says about a result: comments, helpful or not, volunteers (PUB-34, PUB-38, PUB-39).

Reading needs no cookie and no script; sending needs neither. The pages of forms are kept by no cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from accounts.errors import IllegalTransition
from complaints import throttle
from complaints.public_views import form_page
from publication import comments, helpful, observations, public_posts, public_views, results, volunteers
from publication.echo_forms import CommentForm, VolunteerReportForm
from publication.models import PublishedResult, Volunteer

PAGE_SIZE = 50
# What the question of the page of volunteers is asked for; results have their own numbers.
_VOLUNTEERS = 0


# --- Comments -----------------------------------------------------------------------------------------
@csrf_exempt  # no cookie is read and nobody is recognised; forms of other sites are refused
@form_page
def comment(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Write a comment on a result; a person reads it before anybody else does (PUB-38)."""
    return public_views.one(request, public_id, _comment, keep=False)


def _comment(request: HttpRequest, found: PublishedResult, at: datetime) -> HttpResponse:
    # Draft keys of the public form are positive: no question fits both.
    subject = -found.pk
    context: dict[str, Any] = {"result": found, "form": CommentForm(), "is_sent": "sent" in request.GET}
    if request.method != "POST":
        return public_posts.page(request, "public/results/comment.html", context, subject=subject)
    form = CommentForm(request.POST)
    try:
        outcome = public_posts.take(
            request,
            form,
            subject=subject,
            limit=comments.SENT_BY_ADDRESS,
            act=lambda text: comments.leave(found.pk, text=text, at=at),
            at=at,
        )
    except IllegalTransition:  # taken down while it was being written
        return public_posts.unlisted(render(request, "410.html", {"number": found.publication_number}, status=410))
    if outcome.done:
        path = reverse("public:comment", args=[found.public_id])
        return HttpResponseRedirect(f"{path}?{urlencode({'sent': 1, **public_views.reading_of(request)})}")
    context |= {"form": form, "is_sent": False}
    return public_posts.page(request, "public/results/comment.html", context, subject=subject, outcome=outcome)


@require_safe
def comment_list(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Every comment that is shown with a result, newest first."""
    return public_views.one(request, public_id, _comment_list)


def _comment_list(request: HttpRequest, found: PublishedResult, at: datetime) -> HttpResponse:
    rows, after = comments.shown_after(found, request.GET.get("after", ""), size=PAGE_SIZE)
    heading, nothing = _("What people say"), _("No comment yet.")
    return _said(request, found, rows, after, page="comments", heading=heading, nothing=nothing)


@require_safe
def report_list(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Every report of a volunteer supervisor that is shown with a result, newest first (PUB-39)."""
    return public_views.one(request, public_id, _report_list)


def _report_list(request: HttpRequest, found: PublishedResult, at: datetime) -> HttpResponse:
    rows, after = observations.shown_after(found, request.GET.get("after", ""), size=PAGE_SIZE)
    heading, nothing = _("What volunteer supervisors saw"), _("No report yet.")
    return _said(request, found, rows, after, page="reports", heading=heading, nothing=nothing)


def _said(
    request: HttpRequest, found: PublishedResult, rows: Sequence[Any], after: str, *, page: str, **words: str
) -> HttpResponse:
    context = {
        **words,
        "result": found,
        "rows": rows,
        "next_url": "?" + urlencode({**public_views.reading_of(request), "after": after}) if after else "",
        "canonical": results.absolute(reverse(f"public:{page}", args=[found.public_id])),
    }
    return render(request, "public/results/comments.html", context)


# --- Helpful or not -----------------------------------------------------------------------------------
@csrf_exempt  # as above
@require_POST
def vote(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Helpful or not, once per address and day; the answer is a page that says thank you (PUB-34)."""
    public_posts.refuse_other_sites(request)
    return public_views.one(request, public_id, _vote, keep=False)


def _vote(request: HttpRequest, found: PublishedResult, at: datetime) -> HttpResponse:
    answer = request.POST.get("helpful", "")
    context: dict[str, Any] = {"result": found, "is_unclear": answer not in ("yes", "no")}
    if not context["is_unclear"]:
        address = throttle.address_of(request)
        context["is_counted"] = helpful.vote(found, is_helpful=answer == "yes", address=address, at=at)
    status = 422 if context["is_unclear"] else 200
    return public_posts.unlisted(render(request, "public/results/voted.html", context, status=status))


# --- Volunteers ---------------------------------------------------------------------------------------
@csrf_exempt  # as above; the code comes in the body
@form_page
def volunteer(request: HttpRequest) -> HttpResponse:
    """Report what was seen of an improvement, or read the answers, with a code of one's own (PUB-39)."""
    if request.method != "POST":
        return _volunteer_page(request, VolunteerReportForm())
    is_reading = "read" in request.POST
    form = VolunteerReportForm(request.POST, is_reading=is_reading)
    at, address = timezone.now(), throttle.address_of(request)
    if seconds := throttle.wait(volunteers.WRONG, address, at=at):
        return _volunteer_page(request, form, seconds=seconds)
    outcome = public_posts.take(
        request,
        form,
        subject=_VOLUNTEERS,
        limit=volunteers.SENT_BY_ADDRESS,
        act=_try(address, is_reading=is_reading, at=at),
        at=at,
    )
    if outcome.done:
        rows = volunteers.own_reports(outcome.done, at=at)
        return _volunteer_page(request, VolunteerReportForm(), rows=rows, is_known=True, is_sent=not is_reading)
    return _volunteer_page(request, form, outcome=outcome)


def _try(address: str, *, is_reading: bool, at: datetime) -> Callable[..., Volunteer]:
    """What the form asks for, counting wrong codes."""

    def act(**values: Any) -> Volunteer:
        try:
            return volunteers.find(values["code"], at=at) if is_reading else volunteers.report(**values, at=at)
        except volunteers.WrongCode:
            throttle.failed(volunteers.WRONG, address, free=volunteers.FREE_TRIES, at=at)
            raise

    return act


def _volunteer_page(
    request: HttpRequest,
    form: VolunteerReportForm,
    *,
    seconds: int = 0,
    outcome: public_posts.Outcome | None = None,
    **context: Any,
) -> HttpResponse:
    if seconds:
        outcome = public_posts.Outcome(429)
    context = {"form": form, "seconds": seconds, **context}
    return public_posts.page(request, "public/volunteers.html", context, subject=_VOLUNTEERS, outcome=outcome)
