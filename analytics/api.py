"""Figures and reports over HTTP: the same figures, scopes and transitions as the pages (EX-09, AP-02)."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import NotAllowed
from accounts.models import User
from accounts.rest import Pages, StrictSerializer, caller
from analytics import building, closing, filters, permissions, problems, transitions
from analytics.models import Problem, Report
from analytics.querysets import for_list, reports_visible_to
from analytics.states import Edition
from complaints.idempotency import idempotent


class Figures(APIView):
    """All figures of a period with the period before, twelve months and the breakdowns.

    Cells that rest on fewer than five cases are left empty (`suppressed`), and with them what would tell them by
    subtraction from the total, except for management.
    """

    @extend_schema(parameters=[OpenApiParameter(name, str) for name in filters.NAMES], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        unknown = sorted(set(request.query_params) - set(filters.NAMES))
        if unknown:
            raise ValidationError({name: [_("This parameter is not known.")] for name in unknown})
        now = timezone.now()
        chosen = filters.select(request.query_params, caller(request), at=now)
        return Response(closing.bundle(chosen.period, chosen.scope, at=now, outside=not chosen.scope.sees_small_cells))


class ProblemRow(serializers.ModelSerializer):
    category: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField("code", read_only=True)
    department: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField("code", read_only=True)

    class Meta:
        model = Problem
        fields = [
            "number",
            "title",
            "description",
            "category",
            "department",
            "state",
            "is_major",
            "cases",
            "score",
            "causes",
            "opened_at",
            "settled_at",
        ]
        read_only_fields = fields


class ProblemPages(Pages):
    ordering = ("-score", "-id")


class Problems(APIView):
    """The problem list as the caller may read it, the worst first (IMP-01, IMP-02)."""

    @extend_schema(responses=ProblemRow(many=True))
    def get(self, request: Request) -> Response:
        pages = ProblemPages()
        rows = problems.visible_to(caller(request)).select_related("category", "department")
        return pages.get_paginated_response(
            ProblemRow(pages.paginate_queryset(rows, request, view=self), many=True).data
        )


class ReportRow(serializers.ModelSerializer):
    requested_by: serializers.SlugRelatedField[User] = serializers.SlugRelatedField("staff_number", read_only=True)
    approved_by: serializers.SlugRelatedField[User] = serializers.SlugRelatedField("staff_number", read_only=True)

    class Meta:
        model = Report
        fields = [
            "id",
            "period",
            "edition",
            "revision",
            "status",
            "version",
            "step",
            "steps",
            "error",
            "requested_by",
            "requested_at",
            "built_at",
            "approved_by",
            "approved_at",
            "released_at",
            "downloads",
        ]
        read_only_fields = fields


class ReportDetail(ReportRow):
    """With the text, the frozen figures and their hash, the documents and what the caller may do."""

    summary = serializers.SerializerMethodField()
    sections = serializers.SerializerMethodField()
    files = serializers.SerializerMethodField()
    allowed_actions = serializers.SerializerMethodField()

    class Meta(ReportRow.Meta):
        fields = [*ReportRow.Meta.fields, "inputs_hash", "figures", "summary", "sections", "files", "allowed_actions"]
        read_only_fields = fields

    def get_summary(self, report: Report) -> list[str]:
        return list(report.snapshot.get("summary", ()))

    def get_sections(self, report: Report) -> list[dict[str, Any]]:
        return [
            {name: section[name] for name in ("key", "heading", "level", "paragraphs", "points", "tables")}
            for section in report.snapshot.get("sections", ())
        ]

    def get_files(self, report: Report) -> list[dict[str, Any]]:
        files = building.current_files(report, report.files.all())
        return [{"format": row.format, "size": row.size, "sha256": row.sha256} for row in files.values()]

    def get_allowed_actions(self, report: Report) -> list[str]:
        return permissions.allowed_actions(self.context["request"].user, report)


class ReportInput(StrictSerializer):
    period = serializers.CharField(max_length=7)
    edition = serializers.ChoiceField(choices=Edition.choices, default=Edition.DATA)
    by_first = serializers.BooleanField(default=False)


class ActionInput(StrictSerializer):
    version = serializers.IntegerField(required=False)


class ReportPages(Pages):
    ordering = ("-requested_at", "-id")


class Reports(APIView):
    """The reports the caller may see; asking for one."""

    @extend_schema(responses=ReportRow(many=True))
    def get(self, request: Request) -> Response:
        permissions.require(caller(request), permissions.SEE)
        pages = ReportPages()
        rows = pages.paginate_queryset(for_list(reports_visible_to(caller(request))), request, view=self)
        return pages.get_paginated_response(ReportRow(rows, many=True).data)

    @extend_schema(request=ReportInput, responses={202: ReportRow})
    @idempotent
    def post(self, request: Request) -> Response:
        permissions.require(caller(request), permissions.BUILD)
        data = ReportInput(data=request.data)
        data.is_valid(raise_exception=True)
        report = transitions.request_report(
            data.validated_data["period"],
            edition=data.validated_data["edition"],
            by_first=data.validated_data["by_first"],
            by=caller(request),
        )
        return Response(ReportRow(report).data, status=status.HTTP_202_ACCEPTED)


def visible_or_404(request: Request, pk: int) -> Report:
    permissions.require(caller(request), permissions.SEE)
    rows = reports_visible_to(caller(request)).select_related("requested_by", "approved_by").prefetch_related("files")
    return get_object_or_404(rows, pk=pk)


class ReportView(APIView):
    """One report."""

    @extend_schema(responses=ReportDetail)
    def get(self, request: Request, pk: int) -> Response:
        return Response(ReportDetail(visible_or_404(request, pk), context={"request": request}).data)


class ReportAction(APIView):
    """approve, release or rebuild; the body may name the `version` that was read."""

    @extend_schema(request=ActionInput, responses=ReportDetail)
    @idempotent
    def post(self, request: Request, pk: int, action: str) -> Response:
        report = visible_or_404(request, pk)
        if action not in transitions.ACTIONS:
            raise Http404
        reason = permissions.report_refusal(caller(request), action, report)
        if reason:
            raise NotAllowed(reason)
        data = ActionInput(data=request.data)
        data.is_valid(raise_exception=True)
        transitions.ACTIONS[action](report.pk, by=caller(request), version=data.validated_data.get("version"))
        return Response(ReportDetail(visible_or_404(request, pk), context={"request": request}).data)
