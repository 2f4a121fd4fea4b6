"""The complainant's application for a review (REV-18, REV-19, FB-19), and the proof of the monthly draws (REV-23)."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import DomainError, InvalidInput
from complaints import help_text, keyset, tracking
from review import commitments, transitions
from review.forms import ApplicationForm
from review.models import SampleDraw

DRAWS_SHOWN = 24


@require_http_methods(["GET", "HEAD", "POST"])
def apply(request: HttpRequest) -> HttpResponse:
    """Apply for a review of the one case this browser is bound to (PI-04)."""
    complaint = tracking.current_case(request)
    if complaint is None:
        return redirect("public:track")
    form = ApplicationForm(request.POST if request.method == "POST" else None)
    problem, status = "", 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                transitions.apply(complaint.pk, channel=complaint.channel, **form.cleaned_data)
            except InvalidInput as error:
                form.add_error(error.field if error.field in form.fields else None, str(error))
            except DomainError as error:
                problem, status = str(error), 409
            else:
                messages.success(
                    request,
                    _("We have your application. You will hear within %(limit)s whether there is a review.")
                    % {"limit": help_text.screening_limit(complaint.policy)},
                )
                return redirect("public:track_case")
    context = {
        "form": form,
        "complaint": complaint,
        "problem": problem,
        "until": transitions.window(complaint),
        "why": transitions.why_window(complaint, now=timezone.now()),
        "active": "track",
    }
    return render(request, "public/track/review_apply.html", context, status=status)


@require_safe
def sampling_proof(request: HttpRequest) -> HttpResponse:
    """Every draw with what is public of it so far, newest first; no case and no department (RI-09, RI-12)."""
    found, following = keyset.by_key(SampleDraw.objects.all(), request.GET.get("after", ""), size=DRAWS_SHOWN)
    reading = {name: request.GET[name] for name in ("lang", "text") if name in request.GET}
    context = {
        "proofs": commitments.public(found),
        "next_url": "?" + urlencode({**reading, "after": following}) if following else "",
        "active": "help",
    }
    response = render(request, "public/sampling.html", context)
    response["Cache-Control"] = "public, max-age=60"
    return response
