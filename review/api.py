"""Reviews over HTTP: the same sight, forms and transitions as the pages."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import NotAllowed
from accounts.rest import Pages, caller
from complaints.idempotency import idempotent
from complaints.models import Complaint
from review import independence, permissions, review_figures
from review.dossier import counted_opinions, opinions_complete
from review.forms import FORMS
from review.models import ReviewCase


class ReviewRow(serializers.ModelSerializer):
    complaint: serializers.SlugRelatedField[Complaint] = serializers.SlugRelatedField("number", read_only=True)
    triggers = serializers.SerializerMethodField()
    allowed_actions = serializers.SerializerMethodField()

    class Meta:
        model = ReviewCase
        fields = [
            "number",
            "complaint",
            "status",
            "version",
            "is_priority",
            "is_major",
            "opened_at",
            "screening_due_at",
            "decision_due_at",
            "triggers",
            "conclusion",
            "finalised_at",
            "closed_at",
            "allowed_actions",
        ]
        read_only_fields = fields

    def get_triggers(self, review: ReviewCase) -> list[str]:
        return [row.kind for row in review.triggers.all()]

    def get_allowed_actions(self, review: ReviewCase) -> list[str]:
        if not self.context.get("detail"):
            return []
        return [move.action for move in permissions.available_actions(review, self.context["request"].user)]


class ReviewDetail(ReviewRow):
    """With the report and, once all are in, the opinions (RI-10)."""

    opinions = serializers.SerializerMethodField()

    class Meta(ReviewRow.Meta):
        fields = [*ReviewRow.Meta.fields, "report", "remedy", "dossier_hash", "opinions"]
        read_only_fields = fields

    def get_opinions(self, review: ReviewCase) -> list[dict[str, Any]]:
        if not opinions_complete(review):
            return []
        rows = counted_opinions(review).select_related("reviewer")
        return [{"reviewer": row.reviewer.staff_number, "verdict": row.verdict, "text": row.text} for row in rows]


def _member(request: Request) -> None:
    if not (request.user.has_perm("review.review_case") or request.user.has_perm("review.view_sample")):
        raise NotAllowed


class Reviews(APIView):
    """The reviews the caller may see."""

    @extend_schema(responses=ReviewRow(many=True))
    def get(self, request: Request) -> Response:
        _member(request)
        pages = Pages()
        rows = pages.paginate_queryset(ReviewCase.objects.visible_to(caller(request)).for_list(), request, view=self)
        return pages.get_paginated_response(ReviewRow(rows, many=True, context={"request": request}).data)


def visible_or_404(request: Request, number: str) -> ReviewCase:
    """The review after looking for new conflicts; 404 for whoever may not judge it."""
    _member(request)
    visible = ReviewCase.objects.visible_to(caller(request))
    review = get_object_or_404(visible, number=number)
    independence.refresh(review, at=timezone.now())
    return get_object_or_404(visible.select_related("complaint"), number=number)


class ReviewView(APIView):
    @extend_schema(responses=ReviewDetail)
    def get(self, request: Request, number: str) -> Response:
        review = visible_or_404(request, number)
        return Response(ReviewDetail(review, context={"request": request, "detail": True}).data)


class ReviewFigures(APIView):
    """The figures of the reviews that began in the last twelve months, as on the page and in its file (REV-50).

    Shares of fewer than five decided reviews are null.
    """

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        if not any(request.user.has_perm(name) for name in review_figures.SEE):
            raise NotAllowed
        if request.query_params:
            raise ValidationError({name: [_("This parameter is not known.")] for name in request.query_params})
        return Response(review_figures.as_data(review_figures.compute(now=timezone.now())))


class ReviewAction(APIView):
    """Do one action; a stale `version` gets 409."""

    @extend_schema(request=OpenApiTypes.OBJECT, responses=ReviewDetail)
    @idempotent
    def post(self, request: Request, number: str, action: str) -> Response:
        review = visible_or_404(request, number)
        if action not in FORMS:
            raise Http404
        reason = permissions.refusal(caller(request), action, review)
        if reason:
            raise NotAllowed(reason)
        if not isinstance(request.data, dict):
            raise ValidationError({"body": [_("Send a JSON object.")]})
        data = {
            name: ("true" if value else "false") if isinstance(value, bool) else value
            for name, value in request.data.items()
        }
        form = FORMS[action]({"version": review.version, **data}, review=review, user=caller(request))
        unknown = sorted(set(data) - set(form.fields))
        if unknown:
            raise ValidationError({name: [_("This field is not known or cannot be set.")] for name in unknown})
        if form.is_valid():
            form.apply()
        if form.errors:
            raise ValidationError({name: [str(error) for error in errors] for name, errors in form.errors.items()})
        review.refresh_from_db()
        return Response(ReviewDetail(review, context={"request": request, "detail": True}).data)
