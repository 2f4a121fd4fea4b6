"""Service or function month by month: whether complaints about service rise (CLS-12, CLS-16)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from analytics import charts, selectors, sources
from analytics.cells import Group
from analytics.facts import joined
from analytics.periods import Period
from analytics.scope import Scope

SERVICE, FUNCTION = "service", "function"
# In the order of the columns; labels come with the counts, these serve for groups nobody complained in.
_LABELS = {
    SERVICE: lambda: _("About service"),
    FUNCTION: lambda: _("About function"),
    "unmet_need": lambda: _("Unmet special need"),
    "": lambda: _("Not classified yet"),
}


@dataclass(frozen=True)
class Month:
    """Complaints registered in one month: by group in the order of the columns, and the share about service."""

    month: Period
    counts: dict[str, int]

    @property
    def share(self) -> float | None:
        """Those about service among those about service or function; None in a month without either."""
        both = self.counts[SERVICE] + self.counts[FUNCTION]
        return self.counts[SERVICE] / both if both else None


@dataclass(frozen=True)
class Trend:
    """Twelve months with their two charts and what each of them says."""

    months: list[Month]
    groups: list[tuple[str, str]]
    counted: SafeString
    counted_finding: str
    shared: SafeString
    shared_finding: str


def trend(period: Period, scope: Scope, *, at: datetime) -> Trend:
    """The twelve months up to the end of a period, as the cases are classified now. One query.

    A month that is not over is drawn and left out of what is said about the trend. Months before the first complaint
    and months to come have no figure rather than 0.
    """
    months = period.last_months(selectors.SERIES_MONTHS)
    cells = sources.registered(months, scope, ("matter",))
    rows = []
    for month in months:
        found = cells.by("matter", month)
        rows.append(Month(month, {code: found.get(Group(code), Counter())["cases"] for code in _LABELS}))
    first = next((place for place, row in enumerate(rows) if any(row.counts.values())), len(rows))
    counts = [
        (row.month.short_label, float(row.counts[SERVICE]) if place >= first and row.month.has_begun(at) else None)
        for place, row in enumerate(rows)
    ]
    shares = [(row.month.short_label, row.share) for row in rows]
    over = sum(row.month.is_over(at) for row in rows)
    counted_finding, shared_finding = _finding(counts[:over], "int"), _finding(shares[:over], "percent")
    return Trend(
        rows,
        [(code, label()) for code, label in _LABELS.items()],
        charts.control_chart(
            counts,
            title=_("Complaints about service in the last 12 months and control limits"),
            finding=counted_finding,
            unit=_("cases"),
        ),
        counted_finding,
        charts.control_chart(
            shares,
            title=_("Share of complaints about service in the last 12 months and control limits"),
            finding=shared_finding,
            fmt="percent",
        ),
        shared_finding,
    )


def _finding(series: list[tuple[str, float | None]], form: str) -> str:
    """The last three months against the three before, and months outside the limits; words that need no drawing."""
    values = [value for _label, value in series]
    limits = charts.control_limits(values, ceiling=1.0 if form == "percent" else None)
    if limits is None:
        return _("There are too few months to judge the trend.")
    before, last = _mean(values[-6:-3]), _mean(values[-3:])
    text = ""
    if before is not None and last is not None:
        numbers = {"before": charts.show(before, _PLAIN[form]), "last": charts.show(last, _PLAIN[form])}
        words = (
            _("Rising: %(last)s a month on average in the last three months, %(before)s in the three before.")
            if numbers["last"] != numbers["before"] and last > before
            else _("Falling: %(last)s a month on average in the last three months, %(before)s in the three before.")
            if numbers["last"] != numbers["before"]
            else _("Steady: %(last)s a month on average in the last three months, as in the three before.")
        )
        text = words % numbers
    outside = [label for label, value in series if limits.outside(value)]
    beyond = _("Outside the control limits: %(months)s.") % {"months": _(", ").join(outside)} if outside else ""
    return joined(*filter(None, (text, beyond))) or _("There are too few months to judge the trend.")


_PLAIN = {"int": "number", "percent": "percent"}


def _mean(values: list[float | None]) -> float | None:
    present = [value for value in values if value is not None]
    return sum(present) / len(present) if present else None
