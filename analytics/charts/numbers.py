"""How figures are written: thousands separators, ratios as percentages, an em dash where there is no figure."""

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

NO_FIGURE = "—"

_DIGITS = {"int": 0, "number": 1, "percent": 1}


def show(value: float | None, fmt: str = "int", digits: int | None = None) -> str:
    """Write a figure: `int`, `number` or `percent` (of a ratio: 0.964 → 96.4%); `digits` overrides the decimals."""
    if value is None:
        return NO_FIGURE
    places = _DIGITS[fmt] if digits is None else digits
    return f"{value:,.{places}%}" if fmt == "percent" else f"{value:,.{places}f}"


def show_with_unit(value: float | None, unit: str, fmt: str = "int", digits: int | None = None) -> str:
    """A figure and its unit, separated by a space as our typography asks; one case stands in the singular."""
    if value == 1 and unit == _("cases"):
        unit = pgettext("unit", "case")
    return f"{show(value, fmt, digits)} {unit}".strip()
