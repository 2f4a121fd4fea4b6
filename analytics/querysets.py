from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import QuerySet

from analytics.models import Report
from analytics.states import ReportStatus

if TYPE_CHECKING:
    from accounts.models import User


def reports_visible_to(user: User) -> QuerySet[Report]:
    """Released reports for everybody who may see figures; the others for those who build or approve them."""
    if not user.is_active:
        return Report.objects.none()
    if user.has_perm("analytics.build_report") or user.has_perm("analytics.approve_report"):
        return Report.objects.all()
    if user.has_perm("analytics.view_figures"):
        return Report.objects.filter(status=ReportStatus.RELEASED)
    return Report.objects.none()


def for_list(reports: QuerySet[Report]) -> QuerySet[Report]:
    """Everything a card shows, in one query; the long texts stay in the database."""
    return reports.select_related("requested_by", "approved_by").defer("figures", "snapshot")
