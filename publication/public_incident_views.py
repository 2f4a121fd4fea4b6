"""Public pages of incidents: the list, one incident with its bulletins, feed and sitemap (INC-07, INC-08, INC-13)."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from publication import feeds, gone, incident_pages, results
from publication.public_views import cached, for_programs, public, reading_of
from publication.states import GoneKind


@require_safe
def incidents(request: HttpRequest) -> HttpResponseBase:
    """The incidents under way with their newest bulletin, then those that ended in the last 90 days."""
    now = timezone.now()
    found = incident_pages.page(at=now, after=request.GET.get("after", ""), before=request.GET.get("before", ""))
    # Later pages go on with those that are over.
    running = [] if found.before else list(incident_pages.running(at=now)[: incident_pages.MOST_RUNNING])

    def build() -> HttpResponse:
        reading = reading_of(request)
        context = {
            "active": "incidents",
            "running": running,
            "ended": found.rows,
            "previous_url": "?" + urlencode({**reading, "before": found.before}) if found.before else "",
            "next_url": "?" + urlencode({**reading, "after": found.after}) if found.after else "",
            "canonical": results.absolute(reverse("public:incidents")),
        }
        return render(request, "public/incidents/list.html", context)

    return cached(request, incident_pages.stamp_of([*running, *found.rows], at=now), at=now, build=build)


@require_safe
def incident(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """One incident; 410 once all bulletins are withdrawn or its time is over, 404 for what never was public."""
    now = timezone.now()
    rows = incident_pages.bulletins_of(public_id)
    if not rows and not gone.is_known(GoneKind.INCIDENT, public_id):
        raise Http404
    if incident_pages.is_gone(rows, at=now):
        return public(render(request, "public/incidents/gone.html", {"active": "incidents"}, status=410))
    rows = [row for row in rows if row.withdrawn_at is None]

    def build() -> HttpResponse:
        return render(request, "public/incidents/detail.html", incident_pages.article(rows))

    return cached(request, incident_pages.stamp_of(rows, at=now), at=now, build=build)


@require_safe
def incident_feed(request: HttpRequest, form: feeds.Format = feeds.ATOM) -> HttpResponseBase:
    """The newest bulletins as an Atom or RSS feed."""
    return for_programs(
        request,
        form.content_type,
        lambda stamp, at: feeds.bulletins(form, at=at, changed=stamp.changed),
        stamp_of=incident_pages.stamp_of_all,
    )


@require_safe
def incident_sitemap(request: HttpRequest) -> HttpResponseBase:
    """The incidents that search engines may list."""
    return for_programs(
        request,
        "application/xml; charset=utf-8",
        lambda stamp, at: feeds.incidents_sitemap(at=at),
        stamp_of=incident_pages.stamp_of_all,
    )
