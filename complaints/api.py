"""Cases over HTTP: the same visible sets, forms and transitions as the pages (AP-02)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import Throttled, ValidationError
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import NotAllowed
from accounts.models import User
from accounts.rest import Pages, caller
from complaints import challenge, drafts, files, permissions, throttle, transitions, uploads
from complaints.action_forms import FORMS
from complaints.filters import ComplaintFilter
from complaints.idempotency import idempotent
from complaints.models import Attachment, Complaint
from complaints.serializers import ComplaintDetail, ComplaintRow, FilingInput
from complaints.transitions import Filing, Receipt


class ComplaintPages(Pages):
    ordering = ("-received_at", "-id")


class Complaints(APIView):
    """List the cases the caller may see, or file a complaint."""

    def get_permissions(self) -> list:
        # Everybody may file (matrix, file); only staff with cases of their own list them.
        return [AllowAny()] if self.request.method == "POST" else [IsAuthenticated()]

    @extend_schema(responses=ComplaintRow(many=True))
    def get(self, request: Request) -> Response:
        if not request.user.has_perm("complaints.use_desk"):
            raise NotAllowed
        visible = Complaint.objects.visible_to(caller(request)).for_list()
        found = ComplaintFilter(request.query_params, queryset=visible, request=request)
        if not found.is_valid():
            raise ValidationError(found.errors)
        pages = ComplaintPages()
        rows: list[Complaint] | None = pages.paginate_queryset(found.qs, request, view=self)
        return pages.get_paginated_response(ComplaintRow(rows, many=True).data)

    @extend_schema(request=FilingInput, responses={201: OpenApiTypes.OBJECT})
    @idempotent
    def post(self, request: Request) -> Response:
        user = request.user if request.user.is_authenticated else None
        data = FilingInput(data=request.data, context={"request": request})
        data.is_valid(raise_exception=True)
        filing = data.filing()
        if user is None:
            _spend_public_budget(throttle.address_of(request), filing.phone or filing.email, at=timezone.now())
        given = data.validated_data["files"]
        receipt = _register(request, filing, given, by=user)
        body = {
            "number": receipt.complaint.number,
            "access_code": transitions.group_code(receipt.access_code),
            "status": receipt.complaint.status,
            "decide_by": _local(receipt.decide_by),
            "reply_by": _local(drafts.reply_by(receipt)),
        }
        return Response(body, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})


def _local(moment: datetime | None) -> datetime | None:
    """The moment in the office's time, as every other date of the API is given."""
    return moment and timezone.localtime(moment)


def _register(request: Request, filing: Filing, given: list[UploadedFile], *, by: User | None) -> Receipt:
    """Keep the files under the rules of the web form, then register with them (IN-23, FL-05).

    Raises InvalidInput naming the file that is not taken; then nothing is registered.
    """
    now = timezone.now()
    for item in uploads.refused(request._request):
        raise files.too_many(item.name) if item.reason == "count" else files.too_large(item.name)
    if by is None and not throttle.spend(
        throttle.SENT_BY_ADDRESS, throttle.address_of(request), at=now, cost=sum(item.size or 0 for item in given)
    ):
        raise Throttled(wait=throttle.HOUR, detail=_("Very much was sent from your network just now."))
    stored = [(item, files.store(item, at=now)) for item in given]
    with transaction.atomic():
        attachments = [
            Attachment.objects.create(
                file=file, name=files.clean_name(item.name or "", file.content_type), at=now, by=by
            )
            for item, file in stored
        ]
        return transitions.register(replace(filing, attachments=attachments), by=by)


def _spend_public_budget(address: str, contact: str, *, at: datetime) -> None:
    """Count a complaint of somebody unknown against the budgets of the public form. Raises Throttled (PI-10).

    Where the form would ask its question first, a program is sent there: otherwise it would be the way round it.
    """
    if challenge.is_needed(address, at=at):
        message = _("Very many complaints are coming in. Please use the form on our website, or ring us.")
        raise Throttled(wait=throttle.HOUR, detail=message)
    if not throttle.spend_filing(address, contact, at=at):
        message = _("Too many complaints from this address or with this contact. Please ring us instead.")
        raise Throttled(wait=throttle.HOUR, detail=message)
    challenge.note_filing(address, at=at)


def visible_or_404(request: Request, number: str) -> Complaint:
    """The case when the caller may see it; the same 404 as for an unknown number otherwise."""
    cases = Complaint.objects.visible_to(caller(request)).select_related(
        "category", "lead_department", "handler", "complainant", "policy", "lane__senior"
    )
    related = ("deadlines", "complainant__contacts", "care_consents")
    return get_object_or_404(cases.prefetch_related(*related), number=number)


class ComplaintView(APIView):
    """One case with its deadlines and the actions the caller may take now."""

    @extend_schema(responses=ComplaintDetail)
    def get(self, request: Request, number: str) -> Response:
        complaint = visible_or_404(request, number)
        return Response(ComplaintDetail(complaint, context={"request": request}).data)


class ComplaintAction(APIView):
    """Do one action. The body holds its fields and the `version` that was read; a stale one gets 409."""

    @extend_schema(request=OpenApiTypes.OBJECT, responses=ComplaintDetail)
    @idempotent
    def post(self, request: Request, number: str, action: str) -> Response:
        complaint = visible_or_404(request, number)
        if action not in FORMS:
            raise Http404
        reason = permissions.refusal(caller(request), action, complaint)
        if reason:
            raise NotAllowed(reason)
        run_form(FORMS[action], request, complaint)
        fresh = visible_after(request, complaint)
        return Response(fresh)


def run_form(form_class: Any, request: Request, complaint: Complaint) -> Any:
    """Check a JSON body with the page's form and run it. Raises ValidationError by field."""
    if not isinstance(request.data, dict):
        raise ValidationError({"body": [_("Send a JSON object.")]})
    data = dict(request.data.items())
    form = form_class({"version": complaint.version, **data}, complaint=complaint, user=caller(request))
    unknown = sorted(set(data) - set(form.fields))
    if unknown:
        raise ValidationError({name: [_("This field is not known or cannot be set.")] for name in unknown})
    if not form.is_valid():
        raise ValidationError(form.errors)
    result = form.apply()
    if form.errors:
        raise ValidationError(form.errors)
    return result


def visible_after(request: Request, complaint: Complaint) -> dict[str, Any]:
    """The case after the action, or its number and status when it left the caller's sight by it."""
    try:
        fresh = visible_or_404(request, complaint.number)
    except Http404:
        complaint.refresh_from_db(fields=["status", "version"])
        return {
            "number": complaint.number,
            "status": complaint.status,
            "version": complaint.version,
            "allowed_actions": [],
        }
    return ComplaintDetail(fresh, context={"request": request}).data
