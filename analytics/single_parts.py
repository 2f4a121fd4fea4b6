"""What does not add up, kept of every department of a closed month, so that several of them are final, too (AN-03).

A median needs the lengths themselves, a count of persons needs to know who is the same one, and the most frequent of
what is typed by hand needs every value that may be among them. Contacts are kept as numbers made for the month, and a
value only when the whole month has enough cases with it that nobody could be known by it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db.models import Count

from analytics import complainants, selectors, work_hours
from analytics.cells import Group, Source
from analytics.periods import Period
from analytics.registry import SMALL, Value
from complaints.models import Complaint

# The parts of one department as plain data: "lengths", "office" and "contacts", and "typed" by axis.
Parts = dict[str, Any]


def gather(period: Period, departments: Sequence[int]) -> dict[int, Parts]:
    """The parts of each of these departments in a month."""
    lengths, contacts = work_hours.by_department(period), complainants.shared(period)
    typed = {axis: _typed(column, period) for axis, column in selectors.TYPED.items()}
    found = {}
    for pk in departments:
        by_clock, office = lengths.get(pk, ([], []))
        found[pk] = {
            "lengths": sorted(by_clock),
            "office": sorted(office),
            "contacts": contacts.get(pk, []),
            "typed": {axis: values.get(pk, {}) for axis, values in typed.items()},
        }
    return found


def _typed(column: str, period: Period) -> dict[int, dict[str, int]]:
    """Per department the cases with each value; "" is no value and always told."""
    cases = Complaint.objects.filter(registered_at__gte=period.start, registered_at__lt=period.end).order_by()
    known = cases.values(column).annotate(cases=Count("pk")).filter(cases__gte=SMALL).values_list(column, flat=True)
    wanted = {"", *known} - {selectors.OTHERS}
    found: dict[int, dict[str, int]] = {}
    rows = cases.filter(lead_department__isnull=False).values_list("lead_department", column)
    for department, value, count in rows.annotate(cases=Count("pk")):
        if value in wanted:
            found.setdefault(department, {})[value] = count
    return found


def counters(parts: Sequence[Parts]) -> dict[Source, Counter]:
    """What the sources that do not add up would have counted for these departments together."""
    lengths = sorted(length for part in parts for length in part["lengths"])
    office = sorted(length for part in parts for length in part["office"])
    took = work_hours.spreads(lengths, office) if lengths else {}
    persons = complainants.among(pair for part in parts for pair in part["contacts"])
    return {work_hours.replied: Counter(took), complainants.persons: Counter(persons)}


def most_frequent(axis: str, parts: Sequence[Parts], everything: int) -> dict[Group, Value]:
    """The most frequent values of what is typed by hand, among `everything` cases of these departments."""
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(part["typed"][axis])
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    return selectors.most_frequent(axis, rows[: selectors.TYPED_SHOWN], everything)
