"""Pages of the channel register: the channels of this office and which categories go where (PUB-23, PUB-27)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.errors import InvalidInput, StaleVersion
from accounts.web import StaffRequest
from complaints.desk_access import needs
from publication import channels
from publication.channel_forms import ChannelForm, MappingForm
from publication.models import Channel, ChannelMapping


@needs(*channels.READERS)
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: StaffRequest) -> HttpResponseBase:
    """The channels, and the mapping of categories to them with the form to add one."""
    may_edit = any(request.user.has_perm(name) for name in channels.EDITORS)
    if request.method == "POST" and not may_edit:
        return _refused(request)
    rows = [(row, channels.label(row)) for row in channels.register()]
    form = MappingForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            channels.map_category(by=request.user, **form.cleaned_data)
            messages.success(request, _("Saved: %(name)s") % {"name": form.cleaned_data["category"].label})
            return redirect("publication:channels")
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
    mappings = ChannelMapping.objects.select_related("category", "channel", "changed_by")
    context = {
        "rows": rows,
        "mappings": [(row, channels.label(row.channel)) for row in mappings],
        "form": form,
        "may_edit": may_edit,
    }
    return render(request, "publication/channels.html", context, status=422 if form.errors else 200)


def _refused(request: StaffRequest) -> HttpResponseBase:
    return needs(*channels.EDITORS)(index)(request)


@needs(*channels.EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Add a channel or change one."""
    channel = get_object_or_404(Channel, pk=pk) if pk is not None else None
    form = ChannelForm(request.POST if request.method == "POST" else None, channel=channel)
    status, problem = 200, ""
    if form.is_bound:
        status = 422
        if form.is_valid():
            try:
                saved = channels.save(pk, by=request.user, **form.cleaned_data)
                messages.success(request, _("Saved: %(name)s") % {"name": channels.label(saved)})
                return redirect("publication:channels")
            except StaleVersion:
                status, problem = 409, _("Somebody else changed this channel meanwhile. Open it again.")
            except InvalidInput as error:
                form.add_error(error.field if error.field in form.fields else None, str(error))
    title = channels.label(channel) if channel else _("New channel")
    context = {"form": form, "title": title, "problem": problem, "history": _history(channel, form)}
    return render(request, "publication/channel_edit.html", context, status=status)


def _history(channel: Channel | None, form: ChannelForm) -> list[tuple[channels.Change, list[tuple[str, str, str]]]]:
    """The changes with the words of the form for their fields."""
    rows = channels.history(channel) if channel else []
    return [(row, [(str(form.fields[name].label), old, new) for name, old, new in row.values]) for row in rows]


@needs(*channels.EDITORS)
@require_POST
def unmap(request: StaffRequest, pk: int) -> HttpResponse:
    """Results of a category no longer go to a channel."""
    channels.unmap(pk, by=request.user)
    messages.success(request, _("The results of this category no longer go there."))
    return redirect("publication:channels")
