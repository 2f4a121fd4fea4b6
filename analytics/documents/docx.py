"""The report as DOCX, filled into a template the organisation may restyle in Word (AN-19, AN-29)."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from xml.sax.saxutils import escape, quoteattr

import resvg_py
from django.utils import translation
from docx.oxml.ns import qn
from docx.shared import Cm, Length
from docxtpl import DocxTemplate, InlineImage
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from . import fonts
from .snapshot import ChartSpec, Column, ReportSnapshot, Section, Table
from .steps import OnStep, Target, TemplateUnfit, sections_in_steps
from .wording import HEAT_FILLS, cell_text, facts, labels, section_numbers

TEMPLATE = Path(__file__).with_name("templates") / "report.docx"

# Twice the drawn size prints at about 200 dots per inch.
CHART_ZOOM = 2.0


def render_docx(
    snapshot: ReportSnapshot,
    path: Target | IO[bytes],
    *,
    on_step: OnStep | None = None,
    template: bytes | None = None,
) -> None:
    """Write the report to `path`, filled into `template`, the content of a Word file; None is the shipped one.

    Texts are escaped and never read as template tags; the template itself runs in a sandbox, since people edit it.
    Raises OSError, and TemplateUnfit for a template with a wrong tag.
    """
    report = DocxTemplate(io.BytesIO(template) if template else str(TEMPLATE))
    with translation.override(snapshot.language):
        words = labels(snapshot)
        filler = _Filler(report)
        numbers = section_numbers(snapshot.sections, snapshot.language)
        sections = [filler.section(index, section) for index, section in sections_in_steps(snapshot, on_step)]
        definitions = filler.definitions(snapshot, words)
    contents = [
        _Link(index, number + section.heading, section.level)
        for index, (number, section) in enumerate(zip(numbers, snapshot.sections, strict=True))
        if section.level <= 2
    ]
    if definitions["rows"]:
        contents.append(_Link(len(sections), words["definitions"], 1))
    context = {
        "title": snapshot.title,
        "subtitle": snapshot.subtitle,
        "organisation": snapshot.organisation,
        "status": snapshot.status,
        "facts": facts(snapshot, words),
        "words": words,
        "summary": _lines(snapshot.summary),
        "contents": contents,
        "sections": sections,
        "definitions": definitions,
    }
    environment = SandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
    try:
        report.render(context, environment)
    except TemplateError as error:
        raise TemplateUnfit(str(error.message or error)[:200]) from error
    _tidy(report)
    if not snapshot.language.startswith("zh"):
        _number_in_digits(report)
    _properties(report, snapshot)
    report.save(str(path) if isinstance(path, str | Path) else path)


def _number_in_digits(report: DocxTemplate) -> None:
    """Number the headings 1. 1.1 1.1.1 where the template has the Chinese numerals of official documents."""
    for scheme in report.docx.part.numbering_part.element.iter(qn("w:abstractNum")):
        levels = list(scheme.iter(qn("w:lvl")))
        if levels[0].find(qn("w:numFmt")).get(qn("w:val")) != "chineseCountingThousand":
            continue
        for level, text in zip(levels, ("%1. ", "%1.%2 ", "%1.%2.%3 "), strict=False):
            level.find(qn("w:numFmt")).set(qn("w:val"), "decimal")
            level.find(qn("w:lvlText")).set(qn("w:val"), text)


class _Filler:
    """Turns sections into template values, counting figures and tables through the whole report."""

    def __init__(self, report: DocxTemplate) -> None:
        self.report = report
        self.charts = self.tables = 0

    def section(self, index: int, section: Section) -> dict[str, Any]:
        return {
            "heading": _Bookmarked(index, section.heading),
            "level": section.level,
            "paragraphs": _lines(section.paragraphs),
            "points": section.points,
            "charts": [self._chart(chart) for chart in section.charts],
            "tables": [self._table(table) for table in section.tables],
        }

    def definitions(self, snapshot: ReportSnapshot, words: dict[str, str]) -> dict[str, Any]:
        columns = (Column(words["definition_figure"]), Column(words["definition"]))
        rows = tuple((entry.figure, entry.definition) for entry in snapshot.definitions)
        heading = _Bookmarked(len(snapshot.sections), words["definitions"])
        return {**_grid(Table("", columns, rows)), "heading": heading}

    def _chart(self, chart: ChartSpec) -> dict[str, Any]:
        picture = resvg_py.svg_to_bytes(
            svg_string=chart.svg(),
            skip_system_fonts=True,
            font_files=[str(file) for file in fonts.FILES],
            zoom=CHART_ZOOM,
            background="#FFFFFF",
        )
        self.charts += 1
        width = Cm(16) if chart.kind in ("control", "pareto") else Cm(11)
        return {
            "image": _DescribedImage(self.report, picture, width, chart.finding or chart.title),
            "number": self.charts,
            "title": chart.title,
            "finding": chart.finding,
        }

    def _table(self, table: Table) -> dict[str, Any]:
        self.tables += 1
        return {**_grid(table), "number": self.tables, "caption": table.caption, "note": table.note}


def _grid(table: Table) -> dict[str, Any]:
    return {
        "columns": [{"name": column.name, "numeric": column.numeric} for column in table.columns],
        "rows": [
            [
                {
                    "text": cell_text(column, cell),
                    "numeric": column.numeric,
                    "fill": "auto" if level is None else HEAT_FILLS[level].lstrip("#"),
                }
                for column, cell, level in zip(table.columns, row, levels, strict=True)
            ]
            for row, levels in zip(table.rows, table.levels(), strict=True)
        ],
    }


class _DescribedImage(InlineImage):
    """A picture with alternative text, which docxtpl does not offer."""

    def __init__(self, report: DocxTemplate, picture: bytes, width: Length, description: str) -> None:
        super().__init__(report, io.BytesIO(picture), width=width)
        self.description = description

    def _insert_image(self) -> str:
        return super()._insert_image().replace("<wp:docPr ", f"<wp:docPr descr={quoteattr(self.description)} ", 1)


@dataclass(frozen=True)
class _Bookmarked:
    """A heading as a run between bookmarks, which the table of contents points to."""

    index: int
    text: str

    def __html__(self) -> str:
        mark = f'w:id="{self.index}"'
        return (
            f'</w:t></w:r><w:bookmarkStart {mark} w:name="{_anchor(self.index)}"/><w:r><w:t xml:space="preserve">'
            f'{escape(self.text)}</w:t></w:r><w:bookmarkEnd {mark}/><w:r><w:t xml:space="preserve">'
        )


@dataclass(frozen=True)
class _Link:
    """An entry of the table of contents: a link to a heading."""

    index: int
    text: str
    level: int

    def __html__(self) -> str:
        return (
            f'</w:t></w:r><w:hyperlink w:anchor="{_anchor(self.index)}" w:history="1"><w:r><w:t xml:space="preserve">'
            f'{escape(self.text)}</w:t></w:r></w:hyperlink><w:r><w:t xml:space="preserve">'
        )


def _anchor(index: int) -> str:
    return f"_Toc{index + 1:06}"


def _tidy(report: DocxTemplate) -> None:
    """Ask Word to fill in the page numbers of the contents, and put cell shading where the schema wants it."""
    body = report.docx.element.body
    for code in body.iter(qn("w:instrText")):
        if code.text.strip().startswith("TOC"):
            next(code.getparent().getparent().iter(qn("w:fldChar"))).set(qn("w:dirty"), "true")
    for shading in list(body.iter(qn("w:shd"))):
        holder = shading.getparent()
        if holder.tag != qn("w:tcPr"):
            continue
        holder.remove(shading)
        if shading.get(qn("w:fill")) != "auto":
            holder.insert_element_before(shading, "w:noWrap", "w:tcMar", "w:textDirection", "w:vAlign", "w:hideMark")


def _properties(report: DocxTemplate, snapshot: ReportSnapshot) -> None:
    properties = report.docx.core_properties
    properties.title, properties.subject = snapshot.title[:255], snapshot.subtitle[:255]
    properties.author = properties.last_modified_by = snapshot.organisation[:255]
    properties.created = properties.modified = snapshot.generated_at
    properties.revision = max(snapshot.revision, 1)
    properties.comments = ""


def _lines(texts: tuple[str, ...]) -> list[str]:
    """A line break in a text starts a new paragraph."""
    return [line for text in texts for line in text.splitlines() if line.strip()]
