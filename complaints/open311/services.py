"""What can be reported: the public categories as services, their required fields as attributes."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.errors import InvalidInput
from complaints.models import Category, Complaint, Dimension

# Fields a category may require of whoever files, with the data type of the standard.
DATATYPES = {
    "place": "string",
    "outlet": "string",
    "product": "string",
    "batch": "string",
    "business_step": "string",
    "demand": "text",
    "occurred_on": "datetime",
    "amount": "number",
    "persons_affected": "number",
}


def offered() -> QuerySet[Category]:
    """The categories shown to the public, in their order."""
    return Category.objects.filter(dimension=Dimension.CATEGORY, is_active=True, is_public=True).select_related(
        "parent"
    )


def service(category: Category) -> dict[str, Any]:
    return {
        "service_code": category.code,
        "service_name": category.label,
        "description": category.public_hint or None,
        "metadata": bool(attributes(category)),
        "type": "realtime",
        "keywords": None,
        "group": category.parent.label if category.parent else None,
    }


def attributes(category: Category) -> list[dict[str, Any]]:
    """What the category asks for beyond the description."""
    return [
        {
            "variable": True,
            "code": name,
            "datatype": DATATYPES[name],
            "required": True,
            "datatype_description": None,
            "order": order,
            "description": str(getattr(Complaint._meta.get_field(name), "verbose_name", name)),
        }
        for order, name in enumerate((name for name in category.required_fields if name in DATATYPES), start=1)
    ]


def read_attributes(category: Category, given: dict[str, str]) -> dict[str, Any]:
    """The attribute values as the complaint keeps them. Raises InvalidInput for an unknown, missing or bad one."""
    known = {row["code"]: row["datatype"] for row in attributes(category)}
    for name in given:
        if name not in known:
            raise InvalidInput(f"attribute[{name}]", _("This service has no such attribute."))
    values = {}
    for name, datatype in known.items():
        text = given.get(name, "").strip()
        if not text:
            raise InvalidInput(f"attribute[{name}]", _("This service requires a value here."))
        values[name] = _value(name, datatype, text)
    return values


def _value(name: str, datatype: str, text: str) -> str | int | date | Decimal:
    try:
        if datatype == "datetime":
            return _day(text)
        if name == "persons_affected":
            return int(text)
        if datatype == "number":
            return Decimal(text)
    except (ValueError, OverflowError, InvalidOperation) as error:
        raise InvalidInput(f"attribute[{name}]", _("“%(value)s” is not a valid value."), value=text[:40]) from error
    return text


def _day(text: str) -> date:
    moment = datetime.fromisoformat(text)
    return timezone.localdate(moment) if timezone.is_aware(moment) else moment.date()
