from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Edition(models.TextChoices):
    DATA = "data", _("Data and process")
    EXPERIENCE = "experience", _("Customer experience")
    RISK = "risk", _("Risk and compliance")
    FEEDBACK = "feedback", _("Feedback")  # built beside the three of the summary, in the same way (FB-17)


class ReportStatus(models.TextChoices):
    QUEUED = "queued", _("Queued")
    BUILDING = "building", _("Being built")
    DRAFT = "draft", _("Draft")
    APPROVED = "approved", _("Approved")
    RELEASED = "released", _("Released")
    FAILED = "failed", _("Failed")


REPORT_MOVES = {
    "approve": ((ReportStatus.DRAFT,), ReportStatus.APPROVED),
    "release": ((ReportStatus.APPROVED,), ReportStatus.RELEASED),
    "rebuild": ((ReportStatus.FAILED,), ReportStatus.QUEUED),
}


class Result(models.TextChoices):
    """What became of a case so far (AN-02)."""

    OPEN = "open", _("Being handled")
    VALID = "valid", _("Closed, complaint valid")
    INVALID = "invalid", _("Closed, complaint not valid")
    CLOSED = "closed", _("Closed, validity not judged")
    NOT_ACCEPTED = "not_accepted", _("Not accepted")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    MERGED = "merged", _("Merged into another case")


class SeriesKind(models.TextChoices):
    """What daily counts are kept of."""

    CATEGORY = "category", _("Category")
    DEPARTMENT = "department", _("Category and department")
    PLACE = "place", _("Category and place")
    BATCH = "batch", _("Product and batch")


class OutbreakState(models.TextChoices):
    FOUND = "found", _("To be attributed")
    ATTRIBUTED = "attributed", _("Attributed")
    DISMISSED = "dismissed", _("No outbreak")


class Attribution(models.TextChoices):
    """Where the trouble lies (RISK-30)."""

    PROCESS = "process", _("Business process")
    PRODUCT = "product", _("Product quality")
    SERVICE = "service", _("Service level")
    EVENT = "event", _("Outside event")


class ProblemState(models.TextChoices):
    OPEN = "open", _("To be analysed")
    ANALYSED = "analysed", _("Cause found")
    IMPROVING = "improving", _("Being improved")
    SETTLED = "settled", _("Settled")
    SET_ASIDE = "set_aside", _("Set aside")


class ProblemSourceKind(models.TextChoices):
    CASE = "case", _("Case")
    REPORT = "report", _("Report")
    REVIEW = "review", _("Review")
    PUBLICATION = "publication", _("Publication")
    INCIDENT = "incident", _("Incident")
    FEEDBACK = "feedback", _("Feedback")
    OUTBREAK = "outbreak", _("Unusual increase")


class CauseCode(models.TextChoices):
    """Causes named in the sources (IMP-08, IMP-09)."""

    TEST_GAP = "test_gap", _("Gap in the test process")
    LATE_INFORMATION = "late_information", _("Information shared late")
    EMERGENCY = "emergency", _("Weak emergency response")
    TRAINING_LACK = "training_lack", _("Lack of training")
    SUPERVISION = "supervision", _("Lack of supervision")
    CRISIS = "crisis", _("Weak awareness of a crisis")
    KNOWLEDGE_STALE = "knowledge_stale", _("Knowledge base out of date")
    TRAINING_OFF = "training_off", _("Training off target")
    LONG_PATH = "long_path", _("Long way of information")
    STAFF = "staff", _("Too few people")
    RIGID = "rigid", _("Rigid process")
    RESPONSIBILITY = "responsibility", _("Weak sense of responsibility")
    DESIGN = "design", _("Design of the product")
    SUPPLIER = "supplier", _("Supplier")
    OTHER = "other", _("Other cause")


class ImprovementKind(models.TextChoices):
    """Kinds of improvement named in the sources (IMP-15)."""

    PROCESS = "process", _("Simpler process")
    TRAINING = "training", _("Training")
    EQUIPMENT = "equipment", _("Layout or equipment")
    GUIDANCE = "guidance", _("Guidance desk")
    MANUAL = "manual", _("Revised manual")
    PLAN = "plan", _("Taken into a plan")
    PRODUCT = "product", _("Change of the product")
    OTHER = "other", _("Other improvement")


class ProjectState(models.TextChoices):
    OPEN = "open", _("Under way")
    DONE = "done", _("Reported as done")
    VERIFIED = "verified", _("Verified")
    GIVEN_UP = "given_up", _("Given up")


class AdoptionState(models.TextChoices):
    ASKED = "asked", _("Asked")
    ADOPTED = "adopted", _("Adopted")
    DECLINED = "declined", _("Declined")


class SupplierDemandState(models.TextChoices):
    RECORDED = "recorded", _("Recorded")
    DEMANDED = "demanded", _("Improvement demanded")
    ANSWERED = "answered", pgettext_lazy("supplier", "Answered")
    IMPROVED = "improved", _("Improved")
    NOT_IMPROVED = "not_improved", _("Not improved")
