from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Edition(models.TextChoices):
    DATA = "data", _("Data and process")
    EXPERIENCE = "experience", _("Customer experience")
    RISK = "risk", _("Risk and compliance")


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
