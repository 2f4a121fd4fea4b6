"""Looking up an order, a delivery or an after-sales service without an account (IN-38).

Number and digits come in the body and stand in no address; no session is opened and nothing is kept.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from complaints import lookup, self_service, uploads
from complaints.lookup_forms import LookupForm
from complaints.public_views import form_page

# Up to here a wait is told in seconds, beyond by the time it ends.
SECONDS_TOLD = 120


@form_page
@uploads.guarded
def look_up(request: HttpRequest) -> HttpResponse:
    """Ask for number and digits, show the steps. One answer for an unknown number and wrong digits (PI-01)."""
    if request.method != "POST":
        return _page(request, form=LookupForm())
    form = LookupForm(request.POST)
    if not form.is_valid():
        return _page(request, status=422, form=form)
    number, at = form.cleaned_data["number"], timezone.now()
    try:
        with self_service.timed("lookup", at=at) as result:
            found = lookup.ask(request, number, form.cleaned_data["digits"], at=at)
            result.answered = bool(found)
    except lookup.TooOften as error:
        until = at + timedelta(seconds=error.seconds) if error.seconds > SECONDS_TOLD else None
        response = _page(request, status=429, form=form, seconds=error.seconds, until=until)
        response["Retry-After"] = str(error.seconds)
        return response
    if found:
        return _page(request, form=LookupForm(), found=found, number=number)
    return _page(request, form=form, is_answer=True)


def _page(request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
    response = render(request, "public/lookup/lookup.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response
