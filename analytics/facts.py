"""Reads the frozen figures of a report and puts them into words. Pure: no tables, no clock.

Every number printed in a report comes through here, so text, tables and charts agree (EX-09).
"""

from __future__ import annotations

from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from analytics.charts import control_limits, show
from analytics.periods import parse

# Below or above which a report names something as a problem.
ON_TIME_GOAL = 0.95
REPEAT_LIMIT = 0.10
OVERTURNED_LIMIT = 0.05
DISSATISFIED_LIMIT = 0.10


class Facts:
    """`data` is the bundle of selectors.bundle, with `cases` and `improvements` added by reporting."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    @property
    def period(self) -> str:
        return str(self.data["label"])

    def value(self, key: str) -> float | None:
        return self.data["figures"][key]["value"]

    def previous(self, key: str) -> float | None:
        return self.data["figures"][key]["previous"]

    def part(self, key: str) -> int:
        return int(self.data["figures"][key].get("part") or 0)

    def of(self, key: str) -> int:
        return int(self.data["figures"][key].get("of") or 0)

    def is_hidden(self, key: str) -> bool:
        """Whether the figure is left empty since it rests on too few cases."""
        return bool(self.data["figures"][key].get("suppressed"))

    def text(self, key: str) -> str:
        """The figure as it is written, without its unit; of one that is left empty, what it is at least or at most."""
        entry = self.data["figures"][key]
        if (least := entry.get("least")) is not None:
            return _("at least %(n)s") % {"n": written(least, entry["unit"])}
        if (most := entry.get("most")) is not None:
            return _("at most %(n)s") % {"n": written(most, entry["unit"])}
        return written(entry["value"], entry["unit"])

    def previous_text(self, key: str) -> str:
        return written(self.previous(key), self.data["figures"][key]["unit"])

    def rows(self, axis: str) -> list[dict[str, Any]]:
        return self.data["breakdowns"][axis]

    def counts(self, axis: str, key: str = "received") -> list[tuple[str, int]]:
        """(label, count) per group, the largest first; cells left empty are not listed."""
        found = [(row["label"], row[key].get("part", row[key]["value"])) for row in self.rows(axis)]
        return [(str(label), int(n)) for label, n in found if n]

    def points(self, axis: str) -> list[tuple[str, int]]:
        """The counts of a chart; what is left empty as too small is one group, so shares agree with the text."""
        shown = self.counts(axis)
        rest = int(self.value("received") or 0) - sum(n for _name, n in shown)
        return [*shown, (self.rest_label, rest)] if rest > 0 else shown

    @property
    def rest_label(self) -> str:
        return _("All others")

    def series(self, key: str) -> list[tuple[str, float | None]]:
        return [(parse(code).short_label, value) for code, value in self.data["series"][key]]

    # --- Phrases ----------------------------------------------------------------------------

    def change(self, key: str) -> str:
        """How a count moved against the period before, by how much and by what share."""
        now, before = self.value(key), self.previous(key)
        if now is None or not before:
            return _("no figure to compare with in the previous period")
        difference = int(now - before)
        values = {"n": show(abs(difference)), "share": show(abs(difference) / before, "percent")}
        if difference > 0:
            return _("%(n)s (%(share)s) more than in the previous period") % values
        if difference < 0:
            return _("%(n)s (%(share)s) fewer than in the previous period") % values
        return _("the same as in the previous period")

    def movement(self, key: str) -> str:
        """How a rate moved against the period before, in percentage points."""
        now, before = self.value(key), self.previous(key)
        if now is None or before is None:
            return _("no figure to compare with in the previous period")
        difference = round((now - before) * 100, 1)
        if difference > 0:
            return _("up %(n)s percentage points on the previous period") % {"n": show(difference, "number")}
        if difference < 0:
            return _("down %(n)s percentage points on the previous period") % {"n": show(-difference, "number")}
        return _("the same as in the previous period")

    def shares(self, axis: str, most: int) -> str:
        """The leading groups with count and share of all, as one phrase."""
        total = self.value("received") or 0
        return _(", ").join(
            _("%(name)s %(n)s cases (%(share)s)") % {"name": name, "n": show(n), "share": show(n / total, "percent")}
            for name, n in self.counts(axis)[:most]
        )

    def leading_share(self, axis: str, most: int) -> str:
        total = self.value("received") or 0
        return show(sum(n for _name, n in self.counts(axis)[:most]) / total if total else None, "percent")

    def limits_sentence(self) -> str:
        """Where the month stands among the last twelve."""
        values = [value for _label, value in self.series("received")]
        limits = control_limits(values)
        if limits is None:
            return _("There are too few months to judge the trend.")
        last = values[-1]
        known = {"mean": show(limits.mean), "upper": show(limits.upper), "lower": show(limits.lower), "n": show(last)}
        side = limits.outside(last)
        if side > 0:
            return (
                _(
                    "The average of the last 12 months is %(mean)s a month; the latest month with %(n)s lies above "
                    "the control limit of %(upper)s, so there is a cause to find."
                )
                % known
            )
        if side < 0:
            return (
                _(
                    "The average of the last 12 months is %(mean)s a month; the latest month with %(n)s lies below "
                    "the control limit of %(lower)s, so there is a cause to find."
                )
                % known
            )
        return (
            _(
                "The average of the last 12 months is %(mean)s a month; the latest month with %(n)s lies within the "
                "control limits, which is ordinary variation."
            )
            % known
        )

    def worst(self, key: str) -> tuple[str, float, int] | None:
        """The department with the highest rate that rests on shown cases: (name, rate, cases)."""
        found = [
            (str(row["label"]), float(row[key]["value"]), int(row[key].get("part", 0)))
            for row in self.rows("department")
            if row["code"] and row[key]["value"]
        ]
        return max(found, key=lambda entry: (entry[1], entry[2])) if found else None


def written(value: float | None, unit: str) -> str:
    """A figure in its unit's form: 3,618 / 96.4% / 5.8."""
    return show(value, {"cases": "int", "ratio": "percent"}.get(unit, "number"))


def joined(*sentences: str) -> str:
    """Sentences one after the other; Chinese puts no space between them."""
    return ("" if (get_language() or "").startswith("zh") else " ").join(sentences)
