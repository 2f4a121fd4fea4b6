"""Pages about where a result appears: previews of every channel, postings with proof and counts (PUB-24…30, PUB-33)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import Sum
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import IllegalTransition, InvalidInput
from accounts.web import StaffRequest
from complaints import files, keyset, previews
from complaints.desk_access import needs
from publication import briefing, channels, composer, posters, postings, results, typeset, wechat
from publication.channel_forms import ChooseForm, CountForm, DownForm, RenewForm, UpForm
from publication.models import Channel, Posting, Publication, PublishedResult
from publication.states import ChannelKind, PublicationStatus
from publication.views import refuse, result_of, visible

PAGE_SIZE = 50
READ = "publication.view_publications"
_ENDED = (PublicationStatus.WITHDRAWN, PublicationStatus.ABANDONED)
ACTIONS = ("up", "renew", "down", "count")
_HTML = "text/html; charset=utf-8"
Made = Callable[[PublishedResult, datetime, str], bytes]


def _poster(size: str, format: str, found: PublishedResult, at: datetime, channel: str) -> bytes:
    return posters.render(found, size, format=format, at=at, channel=channel or posters.CHANNEL)


def _briefing(format: str, found: PublishedResult, at: datetime, channel: str) -> bytes:
    return briefing.render(found, format=format, at=at)


def _article(found: PublishedResult, at: datetime, channel: str) -> bytes:
    return wechat.article(found, at=at, channel=channel or wechat.CHANNEL).html.encode()


# Name of a file → its content type and what makes its bytes.
MEDIA: dict[str, tuple[str, Made]] = {
    **{
        f"poster-{size}.{format}": (typeset.TYPES[format], partial(_poster, size, format))
        for size in posters.PAPERS
        for format in typeset.TYPES
    },
    **{f"briefing.{format}": (typeset.TYPES[format], partial(_briefing, format)) for format in typeset.TYPES},
    "wechat.html": (_HTML, _article),
}


def shown(publication: Publication, *, at: datetime) -> PublishedResult | None:
    """What channels show: the posted snapshot, or exactly what posting now would store; None once it is over."""
    if publication.status in _ENDED:
        return None
    if publication.status != PublicationStatus.POSTED:
        return composer.as_published(publication, at=at)
    found = result_of(publication)
    return found if found and not results.gone_reason(found, at=at) else None


# --- One publication --------------------------------------------------------------------------------
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def channels_of(request: StaffRequest, number: str) -> HttpResponse:
    """Where a result appears: the channels with what speaks for them, its postings, the preview of every channel."""
    publication = visible(request, number)
    may_plan = request.user.has_perm(postings.PLAN)
    if request.method == "POST" and not may_plan:
        refuse(request, publication.number, "channels", _("Your role does not allow this."))
    now = timezone.now()
    rows = list(publication.postings.select_related("channel", "up_by"))
    standing = [row for row in rows if row.down_on is None]
    advice = channels.advise(publication)
    form = ChooseForm(request.POST if request.method == "POST" else None, advice=advice, standing=standing)
    status, problem = 200, ""
    if form.is_bound and form.is_valid():
        try:
            postings.choose(publication.pk, form.cleaned_data["channels"], by=request.user)
            messages.success(request, _("The channels are planned."))
            return redirect("publication:channels_of", publication.number)
        except IllegalTransition as error:
            status, problem = 409, str(error)
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
    found = shown(publication, at=now)
    context = {
        "publication": publication,
        "found": found,
        "address": typeset.public_address(found) if found else "",
        "form": form,
        "problem": problem,
        "may_plan": may_plan and publication.status not in _ENDED,
        "offers": [(row, channels.label(row.channel), ticked, is_up) for row, ticked, is_up in form.rows],
        "postings": _listed(publication, rows, found, at=now),
        "hanging": sum(postings.must_come_down(row, at=now) for row in rows),
        "posters": list(posters.PAPERS),
        "article": wechat.article(found, at=now) if found else None,
        "script": briefing.script(found, at=now) if found else "",
    }
    return render(request, "publication/channels_of.html", context, status=422 if form.errors else status)


def _listed(
    publication: Publication, rows: list[Posting], found: PublishedResult | None, *, at: datetime
) -> list[dict[str, Any]]:
    """The postings with what a reader has to know of each; sums of what was counted."""
    counted = publication.postings.annotate(
        views=Sum("counts__views"), comments=Sum("counts__comments"), enquiries=Sum("counts__enquiries")
    )
    sums = {row["pk"]: row for row in counted.values("pk", "views", "comments", "enquiries")}
    listed = []
    for row in rows:
        row.publication = publication
        listed.append(_words(row, found, at=at) | {"sums": sums.get(row.pk)})
    return listed


def _words(row: Posting, found: PublishedResult | None, *, at: datetime) -> dict[str, Any]:
    return {
        "row": row,
        "name": channels.label(row.channel),
        "hangs": postings.must_come_down(row, at=at),
        "outdated": postings.is_outdated(row, found),
        "needs_proof": row.up_on is not None and row.proof_id is None and row.channel.kind in postings.PROVEN,
    }


@login_required
@require_safe
def media(request: StaffRequest, number: str, kind: str, format: str) -> HttpResponse:
    """One file of a channel: from the posted snapshot, or from what would be posted, marked as a preview.

    ?c=CODE makes it for another channel of the register, whose readers are then counted for it.
    """
    publication = visible(request, number)
    now = timezone.now()
    name = f"{kind}.{format}"
    found = shown(publication, at=now)
    if name not in MEDIA or found is None:
        raise Http404
    content_type, make = MEDIA[name]
    code = Channel.objects.filter(code=request.GET.get("c", "")[:40]).values_list("code", flat=True).first()
    response = HttpResponse(make(found, now, code or ""), content_type=content_type)
    is_file = "download" in request.GET or name.endswith(".pdf")
    how = "attachment" if is_file else "inline"
    response["Content-Disposition"] = f'{how}; filename="{publication.number}-{name}"'
    # The article brings its styles on its elements and runs nothing.
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    return response


# --- One posting ------------------------------------------------------------------------------------
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def posting(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    """One posting with its forms: it is up, it was renewed, it came down, what was counted on a day."""
    publication = visible(request, number)
    row = get_object_or_404(publication.postings.select_related("channel", "planned_by", "up_by", "down_by"), pk=pk)
    row.publication = publication
    now = timezone.now()
    found = shown(publication, at=now)
    forms = _forms(request, row, found, at=now)
    action = request.POST.get("action", "")
    status, problem = 200, ""
    if request.method == "POST":
        if action not in ACTIONS:
            raise Http404
        form = forms.get(action)
        if form is None:
            refuse(request, publication.number, action, _("Your role does not allow this."))
        status = 422
        if form.is_valid():
            try:
                _do(request, action, row, dict(form.cleaned_data), at=now)
                messages.success(request, _("Recorded."))
                return redirect("publication:posting", publication.number, row.pk)
            except IllegalTransition as error:
                status, problem = 409, str(error)
            except (InvalidInput, files.StorageFull) as error:
                name = getattr(error, "field", "proof")
                form.add_error(name if name in form.fields else None, str(error))
    context = {
        "publication": publication,
        "forms": forms,
        "sent": forms.get(action),
        "problem": problem,
        "address": f"{typeset.public_address(found)}?c={row.channel.code}" if found and found.pk else "",
        "posters": list(posters.PAPERS) if row.channel.kind == ChannelKind.BOARD else [],
        "counts": list(row.counts.select_related("by").order_by("-day")[:PAGE_SIZE]),
        **_words(row, found, at=now),
    }
    return render(request, "publication/posting.html", context, status=status)


def _forms(request: StaffRequest, row: Posting, found: PublishedResult | None, *, at: datetime) -> dict[str, Any]:
    """The forms this person may use, by action; the one that was sent is bound whatever became of the posting."""
    sent = request.POST.get("action", "") if request.method == "POST" else ""
    today = timezone.localdate(at)
    may_plan = request.user.has_perm(postings.PLAN)
    may_remove = any(request.user.has_perm(name) for name in postings.REMOVE)
    is_up = row.up_on is not None and row.down_on is None
    is_public = found is not None and found.pk is not None

    def bound(action: str) -> tuple[Any, Any]:
        return (request.POST, request.FILES) if sent == action else (None, None)

    forms: dict[str, Any] = {}
    if may_plan and ((row.up_on is None and is_public) or sent == "up"):
        forms["up"] = UpForm(*bound("up"), posting=row, found=found, at=at, auto_id="up_%s", initial={"up_on": today})
    if may_plan and ((is_up and is_public) or sent == "renew"):
        forms["renew"] = RenewForm(*bound("renew"), posting=row, auto_id="renew_%s")
    if may_remove and (is_up or sent == "down"):
        forms["down"] = DownForm(*bound("down"), auto_id="down_%s", initial={"down_on": today})
    if may_plan and (row.up_on is not None or sent == "count"):
        forms["count"] = CountForm(*bound("count"), auto_id="count_%s", initial={"day": today})
    return forms


@transaction.atomic
def _do(request: StaffRequest, action: str, row: Posting, values: dict[str, Any], *, at: datetime) -> None:
    """Carry out what one of the forms says. Raises what the rules raise."""
    if "proof" in values:
        upload = values["proof"]
        values["proof"] = postings.keep_proof(upload, at=at) if upload else None
    if action == "up":
        postings.put_up(row.pk, by=request.user, **values)
    elif action == "renew":
        postings.renew(row.pk, by=request.user, **values)
    elif action == "down":
        postings.take_down(row.pk, by=request.user, on=values["down_on"])
    else:
        postings.count(row.pk, by=request.user, **values)


@login_required
@require_safe
def proof(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    """The photograph that proves a posting, as it was painted anew."""
    publication = visible(request, number)
    row = get_object_or_404(publication.postings.select_related("proof"), pk=pk, proof__isnull=False)
    assert row.proof is not None
    try:
        files.require_released(row.proof)
        with files.open_file(row.proof) as picture:
            content = picture.read()
    except FileNotFoundError:
        raise Http404 from None
    except files.Quarantined as error:
        messages.warning(request, str(error))
        return redirect("publication:posting", publication.number, row.pk)
    return previews.response(content, "proof.jpg")


# --- All postings -----------------------------------------------------------------------------------
@needs(READ)
@require_safe
def index(request: StaffRequest) -> HttpResponse:
    """Postings of all publications: those that have to come down first of all."""
    now = timezone.now()
    waiting = Posting.objects.filter(up_on__isnull=True).exclude(publication__status__in=_ENDED)
    views = {
        "hanging": (_("To take down"), postings.hanging(at=now)),
        "up": (_("Up"), postings.up()),
        "planned": (_("Planned"), waiting),
        "down": (_("Taken down"), Posting.objects.filter(down_on__isnull=False)),
    }
    view = request.GET.get("view", "")
    view = view if view in views else "hanging"
    rows = views[view][1].select_related("channel", "publication")
    found, following = keyset.by_key(rows, request.GET.get("after", ""), size=PAGE_SIZE)
    posted = postings.results_of(found)
    hanging = postings.hanging(at=now).count()
    context = {
        "view": view,
        "views": [(key, label, hanging if key == "hanging" else None) for key, (label, _rows) in views.items()],
        "rows": [_words(row, posted.get(row.publication.number), at=now) for row in found],
        "next": following,
        "after": request.GET.get("after", ""),
    }
    return render(request, "publication/postings.html", context)
