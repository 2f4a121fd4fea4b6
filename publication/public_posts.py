"""What the public sends in without a cookie: a question against robots, and a limit for each address (PI-10).

No cookie is set or read and nobody is recognised, so there is no token of the page to check either; a form
that another site sends is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.errors import InvalidInput
from complaints import challenge, throttle
from complaints.public_forms import ChallengeForm


@dataclass(frozen=True)
class Outcome:
    """What became of a form: the status of the page, what the rule returned, what was wrong with the answer."""

    status: int
    done: Any = None
    problem: str = ""


def refuse_other_sites(request: HttpRequest) -> None:
    """Raises PermissionDenied for a form that stands on another site."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise PermissionDenied


def take(
    request: HttpRequest,
    form: forms.Form,
    *,
    subject: int,
    limit: throttle.Limit,
    act: Callable[..., Any],
    at: datetime,
) -> Outcome:
    """Check form, limit and answer, in this order, and do what is asked: 200, 422 or 429.

    `subject` is the number the question was asked for. Errors of the rule stand at their field.
    """
    refuse_other_sites(request)
    if not form.is_valid():
        return Outcome(422)
    address = throttle.address_of(request)
    if throttle.is_spent(limit, address, at=at) or throttle.is_spent(challenge.WRONG_BY_ADDRESS, address, at=at):
        return Outcome(429)
    token = request.POST.get("question", "")
    try:
        challenge.require(subject, token, request.POST.get("answer", ""), at=at)
    except challenge.Unanswered as error:
        if error.was_wrong:
            throttle.spend(challenge.WRONG_BY_ADDRESS, address, at=at)
        return Outcome(422, problem=str(error))
    finally:
        challenge.use_up(token)
    throttle.spend(limit, address, at=at)
    try:
        return Outcome(200, done=act(**form.cleaned_data))
    except InvalidInput as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return Outcome(422)


def page(
    request: HttpRequest, template: str, context: dict[str, Any], *, subject: int, outcome: Outcome | None = None
) -> HttpResponse:
    """The page of a form with a new question; kept by no cache and listed by no search engine."""
    outcome = outcome or Outcome(200)
    question = ChallengeForm.ask(challenge.ask(subject, at=timezone.now()), problem=outcome.problem)
    context = {**context, "question_form": question, "is_too_often": outcome.status == 429}
    response = unlisted(render(request, template, context, status=outcome.status))
    if outcome.status == 429:
        response["Retry-After"] = str(throttle.HOUR)
    return response


def unlisted(response: HttpResponse) -> HttpResponse:
    """Kept by no cache, listed by no search engine."""
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex, noarchive"
    return response
