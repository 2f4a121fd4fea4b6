"""Independent classification dimensions as data, with history (CLS-01, CLS-13, CLS-15)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from complaints.states import RiskGrade


class Dimension(models.TextChoices):
    CATEGORY = "category", _("Category")
    NATURE = "nature", _("Nature")
    KIND = "kind", _("Type of complaint")
    LEGAL = "legal", _("Legal risk")
    EMOTION = "emotion", _("Emotion")


class Category(models.Model):
    """One value of a dimension; categories form a tree and may carry required fields (SCR-05)."""

    dimension = models.CharField(max_length=12, choices=Dimension.choices, default=Dimension.CATEGORY)
    code = models.SlugField(max_length=60)
    name = models.CharField(_("name"), max_length=80)
    name_en = models.CharField(_("English name"), max_length=80, blank=True)
    hint = models.CharField(_("examples shown to the public"), max_length=120, blank=True)
    hint_en = models.CharField(max_length=120, blank=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    default_department = models.ForeignKey(
        "accounts.Department", models.PROTECT, null=True, blank=True, related_name="+"
    )
    required_fields = models.JSONField(default=list, blank=True)
    # Asked of everybody who complains about this (IN-25): [{"text", "text_en"}].
    prompts = models.JSONField(default=list, blank=True)
    # What the complainant should supply (IN-36, IN-37): [{"text", "text_en", "is_essential"}].
    materials = models.JSONField(default=list, blank=True)
    is_soft = models.BooleanField(_("about service, not about function"), default=False)
    order = models.PositiveSmallIntegerField(default=100)
    is_active = models.BooleanField(default=True)
    is_public = models.BooleanField(_("offered to the public"), default=True)

    class Meta:
        ordering = ["dimension", "order", "id"]
        constraints = [models.UniqueConstraint(fields=["dimension", "code"], name="category_code_unique")]

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """Name in the active language."""
        return self.name_en if self.name_en and get_language() == "en" else self.name

    @property
    def public_hint(self) -> str:
        return self.hint_en if self.hint_en and get_language() == "en" else self.hint


class CategoryRevision(models.Model):
    """What a value of a dimension said before and after somebody changed it."""

    category = models.ForeignKey(Category, models.PROTECT, related_name="revisions")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.category_id} {self.at:%Y-%m-%d}"


class LegalReference(models.Model):
    """Statutes and reputational risk of a legal-risk type, with the dates they hold (CLS-09)."""

    category = models.ForeignKey(Category, models.PROTECT, related_name="legal_references")
    statutes = models.TextField(_("statutes"))
    reputation = models.TextField(_("risk to reputation"), blank=True)
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"), null=True, blank=True)

    class Meta:
        ordering = ["category", "-valid_from"]

    def __str__(self) -> str:
        return f"{self.category_id} {self.valid_from}"


class Classification(models.Model):
    """One decision on one dimension of a case; the newest row counts, the first one is kept."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="classifications")
    dimension = models.CharField(max_length=12, choices=Dimension.choices)
    category = models.ForeignKey(Category, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+", db_index=False)

    class Meta:
        ordering = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.dimension}: {self.category_id}"


class RiskAssessment(models.Model):
    """A risk grade with its factors and, where a person overrode it, the reason (RISK-03, RISK-07)."""

    complaint = models.ForeignKey("complaints.Complaint", models.PROTECT, related_name="risk_assessments")
    grade = models.CharField(max_length=8, choices=RiskGrade.choices)
    proposed = models.CharField(max_length=8, choices=RiskGrade.choices)
    score = models.PositiveSmallIntegerField()
    factors = models.JSONField(default=list)
    standard = models.ForeignKey("complaints.RiskStandard", models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["at", "id"]
        indexes = [
            # Whoever may manage risk sees a case that was high once: the list asks it of every row.
            models.Index(fields=["complaint"], name="risk_ever_high", condition=Q(grade="high") | Q(proposed="high")),
        ]

    def __str__(self) -> str:
        return self.grade
