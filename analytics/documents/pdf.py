"""The report as a PDF: PDF/UA-1 and PDF/A-2a, with bookmarks, embedded fonts and described charts (AN-19, AN-31).

Typst starts threads. A process that has rendered must not fork afterwards: the child's next rendering would wait for
threads it does not have. Celery's prefork children are safe, since their parent never renders.
"""

import json
from pathlib import Path
from typing import Any

import typst
from django.utils import translation

from analytics.charts.canvas import width_in_ems

from . import fonts
from .snapshot import ChartSpec, Column, ReportSnapshot, Section, Table
from .steps import OnStep, Target, sections_in_steps
from .wording import HEAT_FILLS, cell_text, facts, labels

# Headings of figures longer than this together leave too little room for the names beside them.
_ROOM = 28
TEMPLATE = Path(__file__).with_name("templates") / "report.typ"


def render_pdf(snapshot: ReportSnapshot, path: Target, *, on_step: OnStep | None = None) -> None:
    """Write the report to `path`. The same snapshot gives the same bytes. Raises OSError and typst.TypstError."""
    with translation.override(snapshot.language):
        words = labels(snapshot)
        content = {
            "font": fonts.FAMILY,
            "lang": snapshot.language.partition("-")[0],
            "title": snapshot.title,
            "subtitle": snapshot.subtitle,
            "organisation": snapshot.organisation,
            "status": snapshot.status,
            "facts": facts(snapshot, words),
            "words": words,
            "heat": HEAT_FILLS,
            "summary": _lines(snapshot.summary),
            "sections": [_section(section) for _index, section in sections_in_steps(snapshot, on_step)],
            "definitions": _definitions(snapshot, words),
        }
    compiler = typst.Compiler(
        TEMPLATE.read_bytes(),
        # The template may read nothing but its own folder; the content comes in as text.
        root=str(TEMPLATE.parent),
        font_paths=typst.Fonts(
            include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(fonts.FOLDER)]
        ),
        sys_inputs={"data": json.dumps(_printable(content), ensure_ascii=False)},
    )
    compiler.compile(output=str(path), format="pdf", pdf_standards=["a-2a", "ua-1"], timestamp=snapshot.generated_at)


def _section(section: Section) -> dict[str, Any]:
    return {
        "heading": section.heading,
        "level": section.level,
        "paragraphs": _lines(section.paragraphs),
        "points": section.points,
        "charts": [_chart(chart) for chart in section.charts],
        "tables": [_table(table) for table in section.tables],
    }


def _chart(chart: ChartSpec) -> dict[str, Any]:
    return {
        "svg": chart.svg(),
        "title": chart.title,
        "finding": chart.finding,
        "alt": chart.finding or chart.title,
        "width": 100 if chart.kind in ("control", "pareto") else 68,
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "caption": table.caption,
        "note": table.note,
        "columns": [
            {"name": column.name, "numeric": column.numeric, "wide": column.type == "text"} for column in table.columns
        ],
        "rows": [
            [cell_text(column, cell) for column, cell in zip(table.columns, row, strict=True)] for row in table.rows
        ],
        "levels": table.levels(),
        "crowded": sum(width_in_ems(column.name) for column in table.columns if column.numeric) > _ROOM,
    }


def _definitions(snapshot: ReportSnapshot, words: dict[str, str]) -> dict[str, Any]:
    columns = (Column(words["definition_figure"]), Column(words["definition"]))
    return _table(Table("", columns, tuple((entry.figure, entry.definition) for entry in snapshot.definitions)))


def _lines(texts: tuple[str, ...]) -> list[str]:
    """A line break in a text starts a new paragraph."""
    return [line for text in texts for line in text.splitlines() if line.strip()]


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return fonts.printable(value)
    if isinstance(value, dict):
        return {key: _printable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(item) for item in value]
    return value
