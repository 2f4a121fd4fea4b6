"""The tables of the review, split by noun."""

from review.models.alerts import Alert, AlertStandard, DurationBenchmark
from review.models.group import (
    DutyTurn,
    GroupMember,
    LimitStandard,
    MajorStandard,
    ReviewPlan,
    TopReport,
    WeightStandard,
)
from review.models.reviews import (
    DeclaredConflict,
    FrameEntry,
    Material,
    Opinion,
    ReviewCase,
    ReviewConflict,
    ReviewerAssignment,
    ReviewFinding,
    ReviewTrigger,
    SampleDraw,
    SampleReplacement,
)
from review.models.steps import Correction, FieldCheck, MaterialRequest, OutcomeCheck, ReportRevision, StepClock

__all__ = [
    "Alert",
    "AlertStandard",
    "Correction",
    "DeclaredConflict",
    "DurationBenchmark",
    "DutyTurn",
    "FieldCheck",
    "FrameEntry",
    "GroupMember",
    "LimitStandard",
    "MajorStandard",
    "Material",
    "MaterialRequest",
    "Opinion",
    "OutcomeCheck",
    "ReportRevision",
    "ReviewCase",
    "ReviewConflict",
    "ReviewFinding",
    "ReviewPlan",
    "ReviewTrigger",
    "ReviewerAssignment",
    "SampleDraw",
    "SampleReplacement",
    "StepClock",
    "TopReport",
    "WeightStandard",
]
