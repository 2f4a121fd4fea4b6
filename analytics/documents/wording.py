"""How the three documents number, word and shade what they print, in the language of the snapshot."""

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from analytics import charts

from .snapshot import Cell, Column, ReportSnapshot, Section

# Grades of a heat table, lowest to highest: lighter than on the page, so that black figures stay readable in print.
HEAT_FILLS = ("#F2F5F6", "#E3EEF1", "#CFE2E8", "#B5D4DD", "#9AC4D0", "#7FB3C3")

_NUMERALS = "零一二三四五六七八九"

MINUTE, HOUR, DAY = 60, 3600, 86_400


def cell_text(column: Column, value: Cell) -> str:
    """A cell as printed in DOCX and PDF; XLSX keeps the figure itself."""
    if value is None:
        return charts.show(None)
    if isinstance(value, str):
        return value
    if column.type == "duration":
        return duration_text(value)
    return charts.show(value, column.type, column.digits)


def duration_text(seconds: float) -> str:
    """The two largest units: 5 天 19 小时, 3 小时 20 分钟, 12 分钟."""
    minutes = round(abs(seconds) / MINUTE)
    days, minutes = divmod(minutes, DAY // MINUTE)
    hours, minutes = divmod(minutes, HOUR // MINUTE)
    if days:
        words = _("%(days)s d %(hours)s h") if hours else _("%(days)s d")
    elif hours:
        words = _("%(hours)s h %(minutes)s min") if minutes else _("%(hours)s h")
    else:
        words = _("%(minutes)s min")
    return ("-" if seconds < 0 else "") + words % {"days": f"{days:,}", "hours": hours, "minutes": minutes}


def section_numbers(sections: Sequence[Section], language: str) -> list[str]:
    """The printed numbers of the headings, as official documents have them: 一、 then （一） then 1.

    In any language but Chinese 1. then 1.1 then 1.1.1.
    """
    is_chinese = language.startswith("zh")
    counts = [0, 0, 0]
    numbers = []
    for section in sections:
        counts[section.level - 1] += 1
        counts[section.level :] = [0] * (3 - section.level)
        count = counts[section.level - 1]
        if not is_chinese:
            whole = ".".join(str(above) for above in counts[: section.level] if above)
            numbers.append(f"{whole}. " if section.level == 1 else f"{whole} ")
            continue
        numbers.append((f"{_numeral(count)}、", f"（{_numeral(count)}）", f"{count}.")[section.level - 1])
    return numbers


def _numeral(number: int) -> str:
    """A Chinese numeral from 1 to 99."""
    tens, units = divmod(number, 10)
    return (_NUMERALS[tens] if tens > 1 else "") + ("十" if tens else "") + (_NUMERALS[units] if units else "")


def moment_text(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "DATETIME_FORMAT")


def labels(snapshot: ReportSnapshot) -> dict[str, str]:
    """The fixed words of a report document."""
    return {
        "contents": _("Contents"),
        "summary": _("Summary"),
        "figure": _("Figure"),
        "table": _("Table"),
        "note": _("Note"),
        "definitions": _("Definitions of the figures"),
        "definition_figure": _("Measure"),
        "definition": _("Definition"),
        "period": _("Period"),
        "edition": _("Edition"),
        "revision": _("Revision"),
        "status": _("Status"),
        "approval": _("Approval"),
        "generated": _("Drawn up"),
        "organisation": _("Organisation"),
        "revision_text": _("Revision %(number)s") % {"number": snapshot.revision},
        "generated_text": moment_text(snapshot.generated_at),
    }


def facts(snapshot: ReportSnapshot, words: dict[str, str]) -> list[tuple[str, str]]:
    """The lines of the title block; those without content are left out."""
    lines = [
        (words["period"], snapshot.period_label),
        (words["edition"], snapshot.edition),
        (words["revision"], words["revision_text"]),
        (words["status"], snapshot.status),
        (words["approval"], snapshot.approval),
        (words["generated"], words["generated_text"]),
    ]
    return [(name, text) for name, text in lines if text]
