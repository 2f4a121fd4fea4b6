"""The API of publications: results for everybody, publications for staff (contract, Web)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import QuerySet, prefetch_related_objects
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import http_date, quote_etag
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import departments
from accounts.errors import NotAllowed
from accounts.rest import Pages, StrictSerializer, caller
from complaints.idempotency import idempotent
from complaints.models import ImprovementAction
from publication import content, open_data, permissions, results, transitions
from publication.models import Publication, PublishedResult
from publication.results import Filters, Stamp
from publication.states import NotPublishedReason, PublicationStatus

_FILTERS = [
    OpenApiParameter("q", str, description="Words that all occur in the result."),
    OpenApiParameter("category", str, many=True, description="Category code."),
    OpenApiParameter("department", str, many=True, description="Department code."),
    OpenApiParameter("month", str, description="Month of publication, 2026-11."),
    OpenApiParameter("after", str, description="Public id of the last result of the page before."),
]


# --- For everybody --------------------------------------------------------------------------------


class PublicView(APIView):
    """Read by anybody, the same for everybody: no session, no token, kept for a minute (matrix, pub_search)."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    pagination_class = None

    def cached(self, request: Request, stamp: Stamp, data: Any) -> Response:
        """The answer of `data()`, or 304 when the caller has it."""
        etag = quote_etag(f"{stamp.tag}-api{departments.mark(in_every_language=True)}")
        modified = int(stamp.changed.timestamp())
        response = get_conditional_response(request._request, etag=etag) or Response(data())
        response["ETag"] = etag
        response["Last-Modified"] = http_date(modified)
        return _public(response)


def _public(response: Any) -> Any:
    response["Cache-Control"] = "public, max-age=60"
    response["X-Robots-Tag"] = "noindex"
    return response


class ResultList(PublicView):
    @extend_schema(operation_id="results_list", parameters=_FILTERS, responses={200: dict})
    def get(self, request: Request) -> Response:
        """The published results, newest first, 20 at a time."""
        now = timezone.now()

        def data() -> dict[str, Any]:
            filters = Filters.parse(request.query_params)
            page = results.page(filters, at=now, after=request.query_params.get("after", ""))
            prefetch_related_objects(page.rows, "corrections")
            following = request.query_params.copy()
            following["after"] = page.after
            here = settings.PUBLIC_BASE_URL.rstrip("/") + request.path
            return {
                "count": results.narrowed(filters, at=now).count(),
                "next": f"{here}?{following.urlencode()}" if page.after else None,
                "results": [{"id": found.public_id, **open_data.as_data(found)} for found in page.rows],
            }

        return self.cached(request, results.stamp_of_all(at=now), data)


class ResultDetail(PublicView):
    @extend_schema(operation_id="results_retrieve", responses={200: dict, 404: dict, 410: dict})
    def get(self, request: Request, public_id: str) -> Response:
        """One result; 410 once it was taken down or its term is over."""
        now = timezone.now()
        found = PublishedResult.objects.filter(public_id=public_id, published_at__lte=now).first()
        if found is None:
            raise Http404
        reason = results.gone_reason(found, at=now)
        if reason:
            return _public(Response({"code": "gone", "message": reason}, status=410))
        return self.cached(
            request, results.stamp_of(found, at=now), lambda: {"id": found.public_id, **open_data.as_data(found)}
        )


# --- For staff ------------------------------------------------------------------------------------


class PublicationRow(serializers.ModelSerializer):
    case = serializers.CharField(source="complaint.number")
    author = serializers.CharField(source="author.display_name")
    department = serializers.CharField(source="department.code", default="")
    category = serializers.CharField(source="category.code", default="")

    class Meta:
        model = Publication
        fields: tuple[str, ...] = (
            "number",
            "status",
            "version",
            "title",
            "case",
            "author",
            "department",
            "category",
            "updated_at",
        )


class PublicationDetail(PublicationRow):
    """Everything the composer shows. Original texts: only for who may see publications."""

    improvements = serializers.SerializerMethodField()
    spans = serializers.SerializerMethodField()
    remarks = serializers.SerializerMethodField()
    signatures = serializers.SerializerMethodField()
    content_hash = serializers.SerializerMethodField()
    allowed_actions = serializers.SerializerMethodField()

    class Meta(PublicationRow.Meta):
        fields = (
            *PublicationRow.Meta.fields,
            *content.TEXT_FIELDS[1:],
            "profile",
            "publish_at",
            "publish_until",
            "posted_at",
            "withdrawn_at",
            "improvements",
            "spans",
            "remarks",
            "signatures",
            "content_hash",
            "allowed_actions",
        )

    def get_improvements(self, publication: Publication) -> list[int]:
        return [row.pk for row in publication.improvements.all()]

    def get_spans(self, publication: Publication) -> list[dict[str, Any]]:
        names = ("id", "field", "start", "end", "type", "source", "confidence", "replacement", "decision", "reason")
        return [{name: getattr(span, name) for name in names} for span in publication.spans.all()]

    def get_remarks(self, publication: Publication) -> list[dict[str, Any]]:
        found = content.remarks(publication)
        return [{"field": row.field, "kind": row.kind, "text": str(row.text), "blocks": row.blocks} for row in found]

    def get_signatures(self, publication: Publication) -> list[dict[str, Any]]:
        return [
            {
                "kind": row.kind,
                "passed": row.passed,
                "by": row.by.display_name,
                "at": row.at,
                "content_hash": row.content_hash,
            }
            for row in publication.sign_offs.all()
        ]

    def get_content_hash(self, publication: Publication) -> str:
        return content.content_hash(publication)

    def get_allowed_actions(self, publication: Publication) -> list[str]:
        user = self.context["request"].user
        return [move.action for move in permissions.available_actions(publication, user)]


def _visible(request: Request) -> QuerySet[Publication]:
    return Publication.objects.visible_to(caller(request)).for_list()


class PublicationPages(Pages):
    ordering = ("-updated_at", "-id")


class PublicationList(APIView):
    @extend_schema(
        operation_id="publications_list",
        parameters=[OpenApiParameter("status", str, enum=PublicationStatus.values)],
        responses=PublicationRow(many=True),
    )
    def get(self, request: Request) -> Response:
        """The publications, last changed first."""
        if not request.user.has_perm("publication.view_publications"):
            raise NotAllowed(_("Your role does not allow this."))
        found = _visible(request)
        status = request.query_params.get("status", "")
        if status:
            if status not in PublicationStatus.values:
                raise serializers.ValidationError({"status": [_("There is no such status.")]})
            found = found.filter(status=status)
        pages = PublicationPages()
        rows = pages.paginate_queryset(found, request, view=self)
        return pages.get_paginated_response(PublicationRow(rows, many=True).data)


class PublicationDetailView(APIView):
    @extend_schema(operation_id="publications_retrieve", responses=PublicationDetail)
    def get(self, request: Request, number: str) -> Response:
        """One publication with `allowed_actions`."""
        publication = get_object_or_404(_visible(request), number=number)
        return Response(PublicationDetail(publication, context={"request": request}).data)


class VersionSerializer(StrictSerializer):
    version = serializers.IntegerField(required=False, min_value=0)


class SignSerializer(VersionSerializer):
    """A signature must name the hash of what was read (S13)."""

    content_hash = serializers.CharField(max_length=64)
    note = serializers.CharField(max_length=300, required=False, allow_blank=True)


class ReasonSerializer(VersionSerializer):
    reason = serializers.CharField(max_length=300)


class AbandonSerializer(VersionSerializer):
    reason = serializers.ChoiceField(choices=NotPublishedReason.choices)


class SpanSerializer(VersionSerializer):
    span_id = serializers.IntegerField()
    keep = serializers.BooleanField()
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True)


class OwnMeasures(serializers.PrimaryKeyRelatedField):
    """Only the measures of the publication's own case can be named."""

    def get_queryset(self) -> QuerySet[ImprovementAction]:
        return self.context["publication"].complaint.improvements.all()


class EditSerializer(VersionSerializer):
    title = serializers.CharField(max_length=80, required=False, allow_blank=True)
    summary = serializers.CharField(max_length=240, required=False, allow_blank=True)
    subject = serializers.CharField(max_length=5000, required=False, allow_blank=True)
    cause = serializers.CharField(max_length=5000, required=False, allow_blank=True)
    investigation = serializers.CharField(max_length=5000, required=False, allow_blank=True)
    responsibility = serializers.CharField(max_length=5000, required=False, allow_blank=True)
    result = serializers.CharField(max_length=5000, required=False, allow_blank=True)
    improvement = serializers.CharField(max_length=5000, required=False, allow_blank=True)
    improvements = OwnMeasures(many=True, required=False)
    profile = serializers.ChoiceField(choices=["standard", "strict"], required=False)
    publish_at = serializers.DateTimeField(required=False, allow_null=True)
    publish_until = serializers.DateTimeField(required=False, allow_null=True)


class ComposeAgainSerializer(StrictSerializer):
    pass


ACTION_SERIALIZERS: dict[str, type[StrictSerializer]] = {
    "edit": EditSerializer,
    "decide_span": SpanSerializer,
    "submit": VersionSerializer,
    "first_check": SignSerializer,
    "second_check": SignSerializer,
    "pass_masking": SignSerializer,
    "return_to_author": ReasonSerializer,
    "publish": VersionSerializer,
    "update_progress": VersionSerializer,
    "take_down": ReasonSerializer,
    "abandon": AbandonSerializer,
    "compose_again": ComposeAgainSerializer,
}


class PublicationAction(APIView):
    @extend_schema(
        operation_id="publications_action",
        parameters=[OpenApiParameter("action", str, OpenApiParameter.PATH, enum=list(ACTION_SERIALIZERS))],
        request=dict,
        responses={200: PublicationDetail, 409: dict},
    )
    @idempotent
    def post(self, request: Request, number: str, action: str) -> Response:
        """Do one action; a stale `version` or content answers 409."""
        if action not in ACTION_SERIALIZERS:
            raise Http404
        publication = get_object_or_404(self._found(request, action), number=number)
        reason = permissions.refusal(caller(request), action, publication)
        if reason:
            raise NotAllowed(reason)
        form = ACTION_SERIALIZERS[action](data=request.data, context={"publication": publication})
        form.is_valid(raise_exception=True)
        done = transitions.ACTIONS[action](publication.pk, by=caller(request), **form.validated_data)
        if not request.user.has_perm("publication.view_publications"):
            return Response({"number": number, "status": PublicationStatus.WITHDRAWN})
        shown = done.number if isinstance(done, Publication) else number
        current = _visible(request).get(number=shown)
        return Response(PublicationDetail(current, context={"request": request}).data)

    def _found(self, request: Request, action: str) -> QuerySet[Publication]:
        """Taking down is open to more people than reading drafts (matrix, takedown)."""
        user = request.user
        reads_drafts = user.has_perm("publication.view_publications")
        if action == "take_down" and not reads_drafts and user.has_perm("publication.takedown"):
            return Publication.objects.filter(status=PublicationStatus.POSTED)
        return _visible(request)
