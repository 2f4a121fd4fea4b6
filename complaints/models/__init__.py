"""The tables of a case, split by noun."""

from complaints.models.assignment import Assignment
from complaints.models.case import Complaint, ComplaintSearch, NumberCounter
from complaints.models.classification import Category, Classification, Dimension, RiskAssessment
from complaints.models.clocks import (
    CalendarDay,
    CalendarYear,
    ClockPause,
    Deadline,
    Extension,
    PolicyRule,
    ServicePolicy,
)
from complaints.models.communication import (
    Contact,
    Notice,
    Notification,
    Question,
    Reply,
    ReplyTemplate,
    SupplementRequest,
)
from complaints.models.feedback import Callback, QualityCheck
from complaints.models.files import Attachment, StoredFile
from complaints.models.handling import (
    Allegation,
    ImprovementAction,
    InvestigationStep,
    Note,
    Remedy,
    ResponsibilityFinding,
)
from complaints.models.intake import ExternalBody, IdempotencyKey, ImportBatch, IntakeDraft
from complaints.models.log import CaseEvent, JobRun, LedgerAnchor
from complaints.models.people import Complainant, ContactPoint

__all__ = [
    "Allegation",
    "Assignment",
    "Attachment",
    "CalendarDay",
    "CalendarYear",
    "Callback",
    "CaseEvent",
    "Category",
    "Classification",
    "ClockPause",
    "Complainant",
    "Complaint",
    "ComplaintSearch",
    "Contact",
    "ContactPoint",
    "Deadline",
    "Dimension",
    "Extension",
    "ExternalBody",
    "IdempotencyKey",
    "ImportBatch",
    "ImprovementAction",
    "IntakeDraft",
    "InvestigationStep",
    "JobRun",
    "LedgerAnchor",
    "Note",
    "Notice",
    "Notification",
    "NumberCounter",
    "PolicyRule",
    "QualityCheck",
    "Question",
    "Remedy",
    "Reply",
    "ReplyTemplate",
    "ResponsibilityFinding",
    "RiskAssessment",
    "ServicePolicy",
    "StoredFile",
    "SupplementRequest",
]
