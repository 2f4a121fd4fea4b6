"""What people call what a search for identities finds. Leaf."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

LABELS: dict[str, Promise] = {
    "person": _("Name"),
    "phone": _("Telephone"),
    "landline": _("Telephone"),
    "email": _("E-mail address"),
    "qq": _("Online account"),
    "wechat": _("Online account"),
    "handle": _("Online account"),
    "id_number": _("Identity document"),
    "passport": _("Identity document"),
    "permit": _("Identity document"),
    "birth_date": _("Date of birth"),
    "bank_card": _("Account number"),
    "account": _("Account number"),
    "license_plate": _("Number plate"),
    "address": _("Address"),
    "coordinates": _("Address"),
    "case_number": _("Case number"),
    "manual": _("Marked by hand"),
    "combination": _("Age or occupation"),
}
_OTHER = _("Other")


def label(kind: str) -> str:
    """The words for a type of finding, in the language of the reader."""
    return str(LABELS.get(kind, _OTHER))
