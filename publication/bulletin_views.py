"""The desk page of one bulletin: whether it is public, how many were told, poster and texts (INC-07, INC-08)."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.web import StaffRequest
from complaints import bulletin_telling, incidents, messages
from complaints.desk_access import needs
from complaints.models import Bulletin
from complaints.states import BulletinState
from publication import bulletin_texts, bulletins
from publication.models import PublishedBulletin

WRITERS = (incidents.MANAGE, incidents.RELEASE)
READERS = (*WRITERS, "publication.view_publications")
POSTERS = ("a4", "a4-large")


@needs(*READERS)
@require_safe
def bulletin(request: StaffRequest, number: str, n: int) -> HttpResponse:
    """One bulletin; before it is public only who leads the response sees it."""
    row, public = _find(request, number, n)
    problem = bulletins.blocked(row) if public is None and row.state == BulletinState.RELEASED else None
    context: dict[str, Any] = {
        "bulletin": row,
        "incident": row.incident,
        "public": public,
        "problem": messages.bulletin_part(problem.part) if problem else "",
        "tone": {BulletinState.RELEASED: "ok", BulletinState.WITHDRAWN: "bad"}.get(BulletinState(row.state), "warn"),
        "may_lead": any(request.user.has_perm(name) for name in WRITERS),
    }
    if public is not None and public.withdrawn_at is None:
        total = bulletin_telling.cases_of(row).count()
        context |= {
            "address": bulletin_texts.address_of(public),
            "total": total,
            "done": 100 if row.told_all_at or not total else 100 * row.told // total,
            "missing": incidents.not_reached(row.incident).count(),
            "group_text": bulletin_texts.group_message(public),
            "message_text": bulletin_texts.short_message(public),
            "posters": POSTERS,
        }
    return render(request, "publication/bulletin.html", context)


@needs(*READERS)
@require_safe
def poster(request: StaffRequest, number: str, n: int, size: str) -> HttpResponse:
    """The sheet for notice boards; 410 once the bulletin is withdrawn."""
    _row, public = _find(request, number, n)
    if public is None or size not in POSTERS:
        raise Http404
    if public.withdrawn_at is not None:
        return render(request, "public/incidents/gone.html", {"active": "incidents"}, status=410)
    response = HttpResponse(bulletin_texts.poster(public, size), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{number}-{n}-{size}.pdf"'
    response["Cache-Control"] = "no-store"
    return response


def _find(request: StaffRequest, number: str, n: int) -> tuple[Bulletin, PublishedBulletin | None]:
    """The bulletin with what the public reads of it. Raises Http404 for one the person does not see."""
    rows = Bulletin.objects.select_related("incident", "written_by", "released_by", "withdrawn_by")
    row = get_object_or_404(rows, incident__number=number, number=n)
    public = PublishedBulletin.objects.filter(bulletin_id=row.pk).first()
    if public is None and not any(request.user.has_perm(name) for name in WRITERS):
        raise Http404
    return row, public
