"""Who complained. Contact data is encrypted; hashes find repeat complainants without reading it."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.crypto import EncryptedTextField


class ContactKind(models.TextChoices):
    PHONE = "phone", _("Phone")
    EMAIL = "email", _("E-mail address")
    ADDRESS = "address", _("Address")
    IDENTITY = "identity", _("Identity card")


class Complainant(models.Model):
    """The person or organisation behind one case, as they gave their data then (IN-16, IN-17)."""

    name = EncryptedTextField(_("name"), blank=True, default="")
    form_of_address = models.CharField(
        _("form of address"), max_length=4, blank=True, choices=[("mr", _("Mr")), ("ms", _("Ms"))]
    )
    is_organisation = models.BooleanField(_("organisation"), default=False)
    preferred_contact = models.CharField(
        _("preferred contact"), max_length=8, choices=ContactKind.choices, default=ContactKind.PHONE
    )
    contact_note = models.CharField(_("when to call"), max_length=120, blank=True)
    needs_care = models.CharField(_("help needed"), max_length=200, blank=True)
    staff_user = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")

    def __str__(self) -> str:
        return f"complainant {self.pk}"

    def contact(self, kind: str) -> str:
        """The first contact of this kind in clear, or ''. Uses the prefetched rows."""
        return next((point.value for point in self.contacts.all() if point.kind == kind), "")


class ContactPoint(models.Model):
    """One phone number, address … of a complainant. `match_hash` is keyed and normalised."""

    complainant = models.ForeignKey(Complainant, models.CASCADE, related_name="contacts")
    kind = models.CharField(max_length=8, choices=ContactKind.choices)
    value = EncryptedTextField()
    match_hash = models.CharField(max_length=64, blank=True, db_index=True)
    is_preferred = models.BooleanField(default=False)

    class Meta:
        ordering = ["-is_preferred", "id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
