"""The tables of the review, split by noun."""

from review.models.alerts import Alert, AlertStandard, DurationBenchmark
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
)

__all__ = [
    "Alert",
    "AlertStandard",
    "DeclaredConflict",
    "DurationBenchmark",
    "FrameEntry",
    "Material",
    "Opinion",
    "ReviewCase",
    "ReviewConflict",
    "ReviewFinding",
    "ReviewTrigger",
    "ReviewerAssignment",
    "SampleDraw",
]
