"""What the system proposes and what people chose: trained models, suggestions, routing rules (CLS-14)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class TrainedModel(models.Model):
    """A category model as plain numbers (no code is loaded), with the figures of its hold-out."""

    version = models.PositiveIntegerField(unique=True)
    source = models.CharField(max_length=120)
    weights = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    rows = models.PositiveIntegerField()
    classes = models.PositiveIntegerField()
    macro_f1 = models.FloatField(null=True)
    micro_f1 = models.FloatField(null=True)
    seconds = models.FloatField()
    is_active = models.BooleanField(default=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["is_active"], condition=Q(is_active=True), name="one_active_model")
        ]

    def __str__(self) -> str:
        return f"model {self.version}"


class DepartmentModel(models.Model):
    """A department model as plain numbers, learned in the same training as a category model.

    A table of its own: a training from a file knows no departments, and the last one learned stays in use then.
    """

    trained = models.OneToOneField(TrainedModel, models.PROTECT, related_name="department_model")
    weights = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    rows = models.PositiveIntegerField()
    classes = models.PositiveIntegerField()
    macro_f1 = models.FloatField()
    micro_f1 = models.FloatField()

    class Meta:
        ordering = ["-trained__version"]

    def __str__(self) -> str:
        return f"department model {self.trained_id}"


class SuggestionOf(models.TextChoices):
    CATEGORY = "category", _("Category")
    DEPARTMENT = "department", _("Department")


class Suggestion(models.Model):
    """One proposal for a case, with confidence and grounds, and what a person then chose.

    `category` or `department` is empty when the system abstained. `model` is the training it came from, also for a
    department that its department model named.
    """

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="suggestions", db_index=False)
    of = models.CharField(max_length=12, choices=SuggestionOf.choices)
    category = models.ForeignKey("complaints.Category", models.PROTECT, null=True, related_name="+")
    department = models.ForeignKey("accounts.Department", models.PROTECT, null=True, related_name="+")
    confidence = models.FloatField()
    reasons = models.JSONField(default=list)
    model = models.ForeignKey(TrainedModel, models.PROTECT, null=True, related_name="+")
    rule = models.ForeignKey("complaints.RoutingRule", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    chosen_category = models.ForeignKey("complaints.Category", models.PROTECT, null=True, related_name="+")
    chosen_department = models.ForeignKey("accounts.Department", models.PROTECT, null=True, related_name="+")
    chosen_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+", db_index=False)
    chosen_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["at", "id"]
        constraints = [models.UniqueConstraint(fields=["complaint", "of"], name="one_suggestion_of_each")]
        indexes = [
            models.Index(fields=["chosen_at"], name="suggestion_chosen", condition=Q(chosen_at__isnull=False)),
            models.Index(fields=["at"], name="suggestion_at"),
        ]

    def __str__(self) -> str:
        return f"{self.of} {self.confidence:.2f}"


class RoutingRule(models.Model):
    """The first active rule whose conditions all hold names the department (ASG-02).

    An empty condition holds always; `words` hold when any of them (one a line) occurs in the text or place.
    """

    name = models.CharField(_("name"), max_length=120)
    order = models.PositiveSmallIntegerField(default=100)
    category = models.ForeignKey("complaints.Category", models.PROTECT, null=True, blank=True, related_name="+")
    channel = models.CharField(_("channel"), max_length=12, blank=True)
    words = models.TextField(_("words"), blank=True)
    department = models.ForeignKey("accounts.Department", models.PROTECT, related_name="+")
    person = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    is_active = models.BooleanField(default=True)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["order", "id"]

    def __str__(self) -> str:
        return self.name
