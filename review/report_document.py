"""The review report as a Word document and as a PDF (REV-43).

Both show the same sheet: the facts from the record, then the seven sections with the comparison as a table. The
documents are Chinese like all documents of the organisation and carry no name of the complainant.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext
from docx import Document
from docx.document import Document as DocumentType
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Cm, Pt, RGBColor

from review import report
from review.models import ReviewCase

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
TYPES = {"docx": DOCX, "pdf": "application/pdf"}
_TEMPLATE = Path(__file__).with_name("typst") / "report.typ"
_FONTS = Path(__file__).resolve().parents[1] / "static" / "fonts"
_FONT = "Noto Sans SC"
# The typefaces of official Chinese documents (GB/T 9704): 黑体 for headings, 仿宋 for the text.
_HEADING, _BODY, _LATIN = "黑体", "仿宋", "Times New Roman"
# Characters that cannot stand in a Word document.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_NUMERALS = "一二三四五六七"


@dataclass(frozen=True)
class Part:
    """One section: its heading, its paragraphs, and the rows of its table, the first of them the heads."""

    heading: str
    paragraphs: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Sheet:
    """Everything a document of the report holds, as text."""

    title: str
    subtitle: str
    organisation: str
    facts: list[tuple[str, str]]
    parts: list[Part]


def file_name(review: ReviewCase, format: str) -> str:
    """Number of the review only, nothing about a person."""
    return f"{review.number}-report.{format}"


def build(review: ReviewCase, format: str) -> bytes:
    """The report as a file of this format, "docx" or "pdf"."""
    content = sheet(review)
    return _docx(content) if format == "docx" else _pdf(content)


def sheet(review: ReviewCase) -> Sheet:
    """The content of both documents, from the newest revision and the record."""
    revision = report.newest(review)
    texts = report.texts(review, revision)
    with translation.override("zh-hans"):
        return Sheet(
            title=gettext("Review report"),
            subtitle=review.number,
            organisation=str(settings.ORGANISATION["name"]),
            facts=[(name, _plain(text)) for name, text in _facts(review, revision)],
            parts=[_part(review, code, str(heading), texts[code]) for code, heading in report.SECTIONS.items()],
        )


def _facts(review: ReviewCase, revision: Any) -> list[tuple[str, str]]:
    draft = gettext("as signed, from the records") if review.finalised_at else gettext("draft from the records")
    state = gettext("revision %(number)s") % {"number": revision.revision} if revision else draft
    found = [
        (gettext("Case"), review.complaint.number),
        (gettext("State"), str(review.get_status_display())),
        (gettext("Report"), state),
    ]
    if review.report_by is not None and review.report_at is not None:
        found.append((gettext("Written by"), f"{review.report_by.display_name} {_day(review.report_at)}"))
    if review.finalised_by is not None and review.finalised_at is not None:
        found.append((gettext("Signed by"), f"{review.finalised_by.display_name} {_day(review.finalised_at)}"))
    if review.dossier_hash:
        found.append((gettext("Fingerprint of the file"), review.dossier_hash[:16]))
    return found


def _part(review: ReviewCase, code: str, heading: str, words: str) -> Part:
    lines = [line.strip() for line in report.clean(review, words).splitlines() if line.strip()]
    rows: list[list[str]] = []
    if code == "conclusion":
        lines = [*verdict(review), *lines]
    if code == "findings":
        found = [
            [report.clean(review, cell) or "—" for cell in (row.subject, row.original, row.found, row.label)]
            for row in report.compared(review)
        ]
        heads = [gettext("Point"), gettext("First handling"), gettext("Found by the review"), gettext("Judgement")]
        rows = [heads, *found] if found else []
    return Part(heading, [_plain(line) for line in lines], [[_plain(cell) for cell in row] for row in rows])


def verdict(review: ReviewCase) -> list[str]:
    """The conclusion as recorded, and the answer to the question every review asks (REV-42)."""
    if not review.conclusion:
        return []
    accepts = gettext("If I were the complainant, could I accept this handling? Yes.")
    rejects = gettext("If I were the complainant, could I accept this handling? No.")
    return [
        gettext("Conclusion: %(conclusion)s") % {"conclusion": review.get_conclusion_display()},
        accepts if review.acceptable_to_user else rejects,
    ]


def _day(moment: Any) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d}"


def _plain(text: Any) -> str:
    return _UNPRINTABLE.sub("", str(text))


# --- PDF ----------------------------------------------------------------------------------------------
def _pdf(content: Sheet) -> bytes:
    """Typst starts threads: a process that has made a PDF must not fork afterwards."""
    import typst  # only this download needs it; loading it takes time at every start

    data = {
        "font": _FONT,
        "title": content.title,
        "subtitle": content.subtitle,
        "organisation": content.organisation,
        "facts": content.facts,
        "parts": [
            {"heading": part.heading, "paragraphs": part.paragraphs, "rows": part.rows} for part in content.parts
        ],
    }
    compiler = typst.Compiler(
        _TEMPLATE.read_bytes(),
        # The template may read nothing but its own folder; the content comes in as text.
        root=str(_TEMPLATE.parent),
        font_paths=typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(_FONTS)]),
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
    )
    return cast(bytes, compiler.compile(format="pdf"))


# --- Word ---------------------------------------------------------------------------------------------
def _docx(content: Sheet) -> bytes:
    document = Document()
    page = document.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin = page.right_margin = Cm(2.6)
    _styles(document)
    _page_numbers(document)
    document.add_paragraph(content.organisation, "Subtitle")
    document.add_paragraph(content.title, "Title")
    document.add_paragraph(content.subtitle, "Subtitle")
    _table(document, [list(fact) for fact in content.facts], head=False)
    for number, part in zip(_NUMERALS, content.parts, strict=True):
        document.add_heading(f"{number}、{part.heading}", 1)
        for line in part.paragraphs:
            document.add_paragraph(line, "Body Text")
        if part.rows:
            _table(document, part.rows, head=True)
    properties = document.core_properties
    properties.author, properties.comments, properties.title = content.organisation, "", content.title
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def _styles(document: DocumentType) -> None:
    language = document.styles.element.find(f".//{qn('w:rPrDefault')}//{qn('w:lang')}")
    language.set(qn("w:eastAsia"), "zh-CN")
    for name, font, size in (
        ("Normal", _BODY, 11),
        ("Body Text", _BODY, 12),
        ("Title", _HEADING, 22),
        ("Subtitle", _BODY, 13),
        ("Heading 1", _HEADING, 15),
    ):
        style: Any = document.styles[name]
        style.font.name, style.font.size, style.font.italic = _LATIN, Pt(size), False
        style.font.color.rgb = RGBColor(0, 0, 0)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        # The stock styles name theme fonts, which would win over the names set here.
        for attribute in [key for key in fonts.attrib if "heme" in key]:
            del fonts.attrib[attribute]
        fonts.set(qn("w:eastAsia"), font)
        if name in ("Title", "Subtitle"):
            style.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
        borders = style.element.get_or_add_pPr().find(qn("w:pBdr"))
        if borders is not None:
            borders.getparent().remove(borders)
    document.styles["Body Text"].element.get_or_add_pPr().get_or_add_ind().set(qn("w:firstLineChars"), "200")


def _page_numbers(document: DocumentType) -> None:
    footer = document.sections[0].footer.paragraphs[0]
    footer.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _field(footer, "PAGE")
    footer.add_run(" / ")
    _field(footer, "NUMPAGES")


def _field(paragraph: Any, instruction: str) -> None:
    for mark in ("begin", "separate", "end"):
        paragraph.add_run()._r.append(parse_xml(f'<w:fldChar {nsdecls("w")} w:fldCharType="{mark}"/>'))
        if mark == "begin":
            code = f'<w:instrText {nsdecls("w")} xml:space="preserve"> {instruction} </w:instrText>'
            paragraph.add_run()._r.append(parse_xml(code))
        elif mark == "separate":
            paragraph.add_run("1")


def _table(document: DocumentType, rows: list[list[str]], *, head: bool) -> None:
    """A table with lines; its head repeats on every page and no row is cut by the end of a page."""
    if not rows:
        return
    grid = document.add_table(rows=len(rows), cols=len(rows[0]), style="Table Grid")
    for number, (line, cells) in enumerate(zip(grid.rows, rows, strict=True)):
        properties = line._tr.get_or_add_trPr()
        properties.append(parse_xml(f"<w:cantSplit {nsdecls('w')}/>"))
        if head and number == 0:
            properties.append(parse_xml(f"<w:tblHeader {nsdecls('w')}/>"))
        for place, (cell, text) in enumerate(zip(line.cells, cells, strict=True)):
            paragraph = cell.paragraphs[0]
            run = paragraph.add_run(text)
            run.bold = (head and number == 0) or (not head and place == 0)
