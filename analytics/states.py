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
