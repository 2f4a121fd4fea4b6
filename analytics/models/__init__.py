"""The tables of figures, reports and problems, split by noun."""

from analytics.models.measures import Annotation, ClosedPeriod, DayFigure, ReportComment, StaleDay, Target, Tidying
from analytics.models.problems import (
    Adoption,
    CauseAnalysis,
    Problem,
    ProblemSource,
    Project,
    ProjectProgress,
    Resolution,
    StaffIdea,
    Supplier,
    SupplierCase,
    SupplierRound,
    SupplierScore,
    TransferMeeting,
    UpstreamItem,
)
from analytics.models.reports import Outbreak, OutbreakStandard, Report, ReportFile

__all__ = [
    "Adoption",
    "Annotation",
    "CauseAnalysis",
    "ClosedPeriod",
    "DayFigure",
    "Outbreak",
    "OutbreakStandard",
    "Problem",
    "ProblemSource",
    "Project",
    "ProjectProgress",
    "Report",
    "ReportComment",
    "ReportFile",
    "Resolution",
    "StaffIdea",
    "StaleDay",
    "Supplier",
    "SupplierCase",
    "SupplierRound",
    "SupplierScore",
    "Target",
    "Tidying",
    "TransferMeeting",
    "UpstreamItem",
]
