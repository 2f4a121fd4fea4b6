"""What a corrected report says first: why it was corrected and which figures changed (AN-19, EX-09)."""

from __future__ import annotations

from django.utils.translation import gettext as _

from analytics.documents.snapshot import Column, Section, Table
from analytics.facts import Facts
from analytics.figures import FIGURES, UNIT_LABELS
from analytics.models import Report

KEY = "changes"


def before(report: Report) -> Report | None:
    """The revision a correction takes the place of; None for the first one, or when it never had figures."""
    if report.revision == 1:
        return None
    earlier = Report.objects.filter(period=report.period, edition=report.edition, revision__lt=report.revision)
    return earlier.exclude(figures={}).order_by("-revision").first()


def section(earlier: Report, facts: Facts, reason: str) -> Section:
    """The figures that differ from the earlier revision, side by side."""
    old = Facts(earlier.figures)
    rows = changed(old, facts)
    paragraphs = [_("Reason for the correction: %(reason)s") % {"reason": reason}] if reason else []
    paragraphs.append(
        _("%(n)s figures differ from revision %(number)s.") % {"n": len(rows), "number": earlier.revision}
        if rows
        else _("No figure differs from revision %(number)s.") % {"number": earlier.revision}
    )
    columns = (
        Column(_("Measure")),
        Column(_("Unit")),
        Column(_("Revision %(number)s") % {"number": earlier.revision}),
        Column(_("This revision")),
    )
    heading = _("What changed since revision %(number)s") % {"number": earlier.revision}
    tables = (Table(_("Changed figures"), columns, tuple(rows)),) if rows else ()
    return Section(KEY, heading, paragraphs=tuple(paragraphs), tables=tables)


def changed(old: Facts, new: Facts) -> list[tuple[str, str, str, str]]:
    """Measure, unit, figure before, figure now: every figure both revisions have and write differently."""
    both = [key for key in FIGURES if key in old.data["figures"] and key in new.data["figures"]]
    return [
        (str(FIGURES[key].name), str(UNIT_LABELS[FIGURES[key].unit]), old.text(key), new.text(key))
        for key in both
        if old.text(key) != new.text(key)
    ]
