"""Help for the public: asking a question, one article, the list for search engines; and the figures of it."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from accounts.web import StaffRequest
from complaints import knowledge, self_service, throttle
from complaints.desk_access import needs
from complaints.public_views import form_page

PERIODS = (7, 30, 365)


class QuestionForm(forms.Form):
    """One question in the words of whoever asks."""

    question = forms.CharField(
        label=_("Your question"),
        max_length=self_service.MAX_QUESTION,
        help_text=_("No names or numbers, please; what you type is not kept."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Write your question.")},
    )


@csrf_exempt  # nothing is changed for anybody and no cookie is read, so the help page stays the same for every reader
@form_page
def ask(request: HttpRequest) -> HttpResponse:
    """Answer a question from the public articles, and by the assistant where one is set (KB-08, SLA-16).

    The question comes in the body, stands in no address and is kept nowhere.
    """
    if request.method != "POST":
        return _ask_page(request, form=QuestionForm())
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise PermissionDenied
    if request.content_type != "application/x-www-form-urlencoded":
        return _ask_page(request, status=422, form=QuestionForm({}))
    form = QuestionForm(request.POST)
    if not form.is_valid():
        return _ask_page(request, status=422, form=form)
    now = timezone.now()
    if not throttle.spend(self_service.ASKED_BY_ADDRESS, throttle.address_of(request), at=now):
        response = _ask_page(request, status=429, form=form, is_too_often=True)
        response["Retry-After"] = str(throttle.HOUR)
        return response
    return _ask_page(request, form=form, answer=self_service.answer(form.cleaned_data["question"], at=now))


def _ask_page(request: HttpRequest, *, status: int = 200, **context: Any) -> HttpResponse:
    response = render(request, "public/ask.html", context, status=status)
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex"
    return response


@require_safe
def article(request: HttpRequest, number: str) -> HttpResponse:
    """One public article; the same for every reader, no cookie, no session (KB-07)."""
    found = next((row for row in knowledge.public_articles() if row.number == number), None)
    if found is None:
        raise Http404
    response = render(request, "public/help_article.html", {"article": found})
    response["Cache-Control"] = f"public, max-age={knowledge.CACHE_SECONDS}"
    return response


@require_safe
def sitemap(request: HttpRequest) -> HttpResponse:
    """The pages of help that search engines may list (KB-07)."""
    root = ElementTree.Element("urlset", xmlns="http://www.sitemaps.org/schemas/sitemap/0.9")
    for name in ("public:help", "public:faq"):
        _add(root, reverse(name), "")
    for row in knowledge.public_education():
        since = timezone.localtime(row.published_at).isoformat(timespec="seconds") if row.published_at else ""
        _add(root, reverse("public:help_article", args=[row.number]), since)
    content = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    response = HttpResponse(content, content_type="application/xml; charset=utf-8")
    response["Cache-Control"] = f"public, max-age={knowledge.CACHE_SECONDS}"
    return response


def _add(root: ElementTree.Element, path: str, changed: str) -> None:
    url = ElementTree.SubElement(root, "url")
    ElementTree.SubElement(url, "loc").text = f"{settings.PUBLIC_BASE_URL}{path}"
    if changed:
        ElementTree.SubElement(url, "lastmod").text = changed


# --- Figures ------------------------------------------------------------------------------------------
@needs(knowledge.READ)
@require_safe
def figures(request: StaffRequest) -> HttpResponse:
    """How many questions were answered without a person, and how fast; no part of the limits of cases (SLA-16)."""
    wanted = request.GET.get("days", "")
    days = int(wanted) if wanted in {str(number) for number in PERIODS} else 30
    today = timezone.localdate()
    context = {
        "figures": self_service.figures(since=self_service.first_of(today, days), until=today),
        "days": days,
        "periods": PERIODS,
        "has_assistant": bool(settings.ASSISTANT_URL),
    }
    return render(request, "complaints/knowledge/self_service.html", context)
