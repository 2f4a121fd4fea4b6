"""Builds the stock DOCX template: `python -m analytics.documents.docx_template`.

The result, `templates/report.docx`, is meant to be opened in Word and restyled by the organisation: the styles carry
the look, the tags in braces (docxtpl, Jinja) mark where the content goes. Tags stand in text only, never in attributes,
so that Word can open the template.
"""

from pathlib import Path
from typing import Any

from docx import Document
from docx.document import Document as DocumentType
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT, WD_TAB_LEADER
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Cm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.table import _Cell
from docx.text.paragraph import Paragraph

PATH = Path(__file__).with_name("templates") / "report.docx"

# The typefaces of official Chinese documents (GB/T 9704): 黑体 for headings, 楷体 below them, 仿宋 for the text.
HEADING, SECOND, BODY, LATIN = "黑体", "楷体", "仿宋", "Times New Roman"
TEXT_WIDTH = Cm(16)


def build(path: Path = PATH) -> None:
    """Write the template to `path`."""
    document = Document()
    _page(document)
    _styles(document)
    _number_headings(document)
    _header_and_footer(document)
    _front_matter(document)
    _sections(document)
    _definitions(document)
    document.save(str(path))


def _page(document: DocumentType) -> None:
    page = document.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin = page.right_margin = Cm(2.5)
    page.top_margin, page.bottom_margin = Cm(2.8), Cm(2.4)
    page.different_first_page_header_footer = True


def _styles(document: DocumentType) -> None:
    language = document.styles.element.find(f".//{qn('w:rPrDefault')}//{qn('w:lang')}")
    language.set(qn("w:eastAsia"), "zh-CN")
    centre = WD_ALIGN_PARAGRAPH.CENTER
    _style(document, "Normal", BODY, 12)
    _style(document, "Title", HEADING, 22, align=centre, after=6)
    _style(document, "Subtitle", SECOND, 14, align=centre, after=12)
    _style(document, "Heading 1", HEADING, 15, before=18, after=8, keep=True)
    _style(document, "Heading 2", SECOND, 14, before=12, after=6, keep=True, bold=True)
    _style(document, "Heading 3", BODY, 12, before=8, after=4, keep=True, bold=True)
    _style(document, "Caption", HEADING, 10.5, align=centre, before=6, after=6)
    _style(document, "List Bullet", BODY, 12, spacing=1.5)
    body = _style(document, "Body Text", BODY, 12, align=WD_ALIGN_PARAGRAPH.JUSTIFY, spacing=1.5)
    body.element.get_or_add_pPr().get_or_add_ind().set(qn("w:firstLineChars"), "200")
    _style(document, "Issuer", BODY, 12, align=centre, before=12, after=6)
    _style(document, "Front Heading", HEADING, 15, before=18, after=8, keep=True)
    _style(document, "Figure", BODY, 12, align=centre, before=8, keep=True)
    _style(document, "Note", BODY, 10.5, after=10, grey=True)
    _style(document, "Table Head", HEADING, 10.5)
    _style(document, "Table Text", "宋体", 10.5)
    _style(document, "Table Figure", "宋体", 10.5, align=WD_ALIGN_PARAGRAPH.RIGHT)
    for level in (1, 2):
        entry = _style(document, f"toc {level}", BODY, 12, after=2)
        entry.paragraph_format.left_indent = Cm(0.8 * (level - 1))
        entry.paragraph_format.tab_stops.add_tab_stop(TEXT_WIDTH, WD_TAB_ALIGNMENT.RIGHT, WD_TAB_LEADER.DOTS)


def _style(
    document: DocumentType,
    name: str,
    font: str,
    size: float,
    *,
    align: WD_ALIGN_PARAGRAPH | None = None,
    before: float = 0,
    after: float = 0,
    spacing: float = 1.0,
    keep: bool = False,
    bold: bool = False,
    grey: bool = False,
) -> ParagraphStyle:
    styles = document.styles
    style: Any = (
        styles[name]
        if name in styles
        else styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH, builtin=name.startswith("toc"))
    )
    style.font.name, style.font.size = LATIN, Pt(size)
    style.font.bold, style.font.italic = bold, False
    style.font.color.rgb = RGBColor(0x5A, 0x68, 0x6F) if grey else RGBColor(0, 0, 0)
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    # The stock styles name theme fonts, which would win over the names set here.
    for attribute in [key for key in fonts.attrib if "heme" in key]:
        del fonts.attrib[attribute]
    for script in ("w:ascii", "w:hAnsi", "w:cs"):
        fonts.set(qn(script), LATIN)
    fonts.set(qn("w:eastAsia"), font)
    borders = style.element.get_or_add_pPr().find(qn("w:pBdr"))
    if borders is not None:
        borders.getparent().remove(borders)
    form = style.paragraph_format
    form.alignment, form.keep_with_next, form.line_spacing = align, keep, spacing
    form.space_before, form.space_after = Pt(before), Pt(after)
    return style


def _number_headings(document: DocumentType) -> None:
    """Tie 一、 （一） 1. to the heading styles, so that Word renumbers when someone moves a part."""
    numbering = document.part.numbering_part.element
    levels = (("chineseCountingThousand", "%1、"), ("chineseCountingThousand", "（%2）"), ("decimal", "%3."))
    body = "".join(
        f'<w:lvl w:ilvl="{i}"><w:start w:val="1"/><w:numFmt w:val="{form}"/><w:pStyle w:val="Heading{i + 1}"/>'
        f'<w:suff w:val="nothing"/><w:lvlText w:val="{text}"/><w:lvlJc w:val="left"/>'
        '<w:pPr><w:ind w:left="0" w:firstLine="0"/></w:pPr></w:lvl>'
        for i, (form, text) in enumerate(levels)
    )
    abstract = parse_xml(
        f'<w:abstractNum {nsdecls("w")} w:abstractNumId="90">'
        f'<w:multiLevelType w:val="multilevel"/>{body}</w:abstractNum>'
    )
    numbering.insert(0, abstract)
    numbering.append(parse_xml(f'<w:num {nsdecls("w")} w:numId="90"><w:abstractNumId w:val="90"/></w:num>'))
    for i in range(3):
        _set_numbering(document.styles[f"Heading {i + 1}"].element, i, 90)


def _set_numbering(element: Any, level: int, number: int) -> None:
    numbered = element.get_or_add_pPr().get_or_add_numPr()
    numbered.get_or_add_ilvl().val = level
    numbered.get_or_add_numId().val = number


def _header_and_footer(document: DocumentType) -> None:
    page = document.sections[0]
    header = page.header.paragraphs[0]
    header.text = "{{ title }}\t{{ organisation }}　{{ status }}"
    for stop in list(header.style.paragraph_format.tab_stops):
        stop._tab.getparent().remove(stop._tab)
    header.paragraph_format.tab_stops.add_tab_stop(TEXT_WIDTH, WD_TAB_ALIGNMENT.RIGHT)
    for footer in (page.footer.paragraphs[0], page.first_page_footer.paragraphs[0]):
        footer.alignment = WD_ALIGN_PARAGRAPH.CENTER
        _field(footer, "PAGE", "1")
        footer.add_run(" / ")
        _field(footer, "NUMPAGES", "1")


def _front_matter(document: DocumentType) -> None:
    _add(document, "Issuer", "{{ organisation }}")
    _add(document, "Title", "{{ title }}")
    _add(document, "Subtitle", "{{ subtitle }}")
    facts = document.add_table(rows=3, cols=2)
    _fill(facts.rows[0].cells[0], "{%tr for name, text in facts %}")
    _fill(facts.rows[1].cells[0], "{{ name }}", "Table Head")
    _fill(facts.rows[1].cells[1], "{{ text }}", "Table Text")
    _fill(facts.rows[2].cells[0], "{%tr endfor %}")
    for row in facts.rows:
        row.cells[0].width, row.cells[1].width = Cm(3), Cm(13)
    _borders(facts, inside="nil")

    _tag(document, "if summary")
    _add(document, "Front Heading", "{{ words.summary }}")
    _loop(document, "for line in summary", "Body Text", "{{ line }}")
    _tag(document, "endif")

    _add(document, "Front Heading", "{{ words.contents }}")
    opening = _add(document, "toc 1", "")
    _field_start(opening, r'TOC \o "1-2" \h \z \u')
    # Until Word fills in the page numbers, the field shows the headings themselves.
    _tag(document, "for entry in contents")
    for condition, style in (("if entry.level == 1", "toc 1"), ("else", "toc 2")):
        _tag(document, condition)
        _add(document, style, "{{ entry }}")
    _tag(document, "endif")
    _tag(document, "endfor")
    # Next to no height: a line of its own could be the one that no longer fits below the contents.
    closing = _add(document, "toc 1", "")
    closing.paragraph_format.space_before = closing.paragraph_format.space_after = Pt(0)
    closing.paragraph_format.line_spacing = Pt(1)
    _field_mark(closing, "end")


def _sections(document: DocumentType) -> None:
    _tag(document, "for section in sections")
    # The report begins on a page of its own. The heading itself says so: a break behind the contents would leave a page
    # empty wherever these fill theirs.
    _tag(document, "if loop.first and section.level == 1")
    _add(document, "Heading 1", "{{ section.heading }}").paragraph_format.page_break_before = True
    for level, condition in ((1, "elif section.level == 1"), (2, "elif section.level == 2"), (3, "else")):
        _tag(document, condition)
        _add(document, f"Heading {level}", "{{ section.heading }}")
    _tag(document, "endif")
    _loop(document, "for line in section.paragraphs", "Body Text", "{{ line }}")
    _loop(document, "for line in section.points", "List Bullet", "{{ line }}")

    _tag(document, "for chart in section.charts")
    _add(document, "Figure", "{{ chart.image }}")
    _caption(document, "figure", "chart.number", "{{ chart.title }}")
    _loop(document, "if chart.finding", "Note", "{{ chart.finding }}", end="endif")
    _tag(document, "endfor")

    _tag(document, "for table in section.tables")
    _caption(document, "table", "table.number", "{{ table.caption }}").paragraph_format.keep_with_next = True
    _data_table(document, "table")
    _add(document, "Note", "{{ table.note }}")
    _tag(document, "endfor")
    _tag(document, "endfor")


def _definitions(document: DocumentType) -> None:
    _tag(document, "if definitions.rows")
    _set_numbering(_add(document, "Heading 1", "{{ definitions.heading }}")._p, 0, 0)
    _data_table(document, "definitions")
    _add(document, "Note", "")
    _tag(document, "endif")


def _data_table(document: DocumentType, name: str) -> None:
    """A table whose columns and rows both come from the report; its head repeats on every page."""
    grid = document.add_table(rows=4, cols=3)
    head, opening, row, closing = grid.rows
    for cells, loop in ((head.cells, f"for column in {name}.columns"), (row.cells, "for cell in row")):
        _fill(cells[0], "{%tc " + loop + " %}")
        _fill(cells[2], "{%tc endfor %}")
    _fill_by_kind(head.cells[1], "column.numeric", "{{ column.name }}", "Table Head", "Table Head")
    _fill_by_kind(row.cells[1], "cell.numeric", "{{ cell.text }}", "Table Figure", "Table Text")
    # Shading of a heat table. The tag shares a paragraph that leaves no trace.
    row.cells[1].paragraphs[0].add_run("{% cellbg cell.fill %}")
    _fill(opening.cells[0], "{%tr for row in " + name + ".rows %}")
    _fill(closing.cells[0], "{%tr endfor %}")
    for line in (head, row):
        line._tr.get_or_add_trPr().append(parse_xml(f"<w:cantSplit {nsdecls('w')}/>"))
    head._tr.get_or_add_trPr().append(parse_xml(f"<w:tblHeader {nsdecls('w')}/>"))
    rule = f'<w:tcBorders {nsdecls("w")}><w:bottom w:val="single" w:sz="6" w:color="000000"/></w:tcBorders>'
    head.cells[1]._tc.get_or_add_tcPr().append(parse_xml(rule))
    for cell in grid._cells:
        width = cell._tc.get_or_add_tcPr().get_or_add_tcW()  # columns as wide as what they hold
        width.set(qn("w:type"), "auto")
        width.set(qn("w:w"), "0")
    _borders(grid, inside="single")


def _fill_by_kind(cell: _Cell, numeric: str, text: str, figure_style: str, text_style: str) -> None:
    _fill(cell, "{%p if " + numeric + " %}")
    figure = cell.add_paragraph(text, figure_style)
    figure.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    cell.add_paragraph("{%p else %}")
    cell.add_paragraph(text, text_style)
    cell.add_paragraph("{%p endif %}")


def _borders(table: Any, *, inside: str) -> None:
    """Three-line table: strong rules above and below, hairlines (or none) between rows, nothing upright."""
    rules = {"top": ("single", 8, "000000"), "bottom": ("single", 8, "000000"), "insideH": (inside, 4, "CDD5D8")}
    lines = "".join(
        f'<w:{edge} w:val="{kind}" w:sz="{size}" w:color="{colour}"/>' for edge, (kind, size, colour) in rules.items()
    )
    width = table._tbl.tblPr.find(qn("w:tblW"))
    width.set(qn("w:type"), "pct")
    width.set(qn("w:w"), "5000")
    width.addnext(parse_xml(f"<w:tblBorders {nsdecls('w')}>{lines}</w:tblBorders>"))


def _add(document: DocumentType, style: str, text: str) -> Paragraph:
    return document.add_paragraph(text, style)


def _tag(document: DocumentType, statement: str) -> None:
    """A paragraph that only holds a statement; it leaves no trace in the report."""
    document.add_paragraph("{%p " + statement + " %}")


def _loop(document: DocumentType, statement: str, style: str, text: str, *, end: str = "endfor") -> None:
    _tag(document, statement)
    _add(document, style, text)
    _tag(document, end)


def _fill(cell: _Cell, text: str, style: str = "Table Text") -> None:
    cell.paragraphs[0].text = text
    cell.paragraphs[0].style = style


def _caption(document: DocumentType, kind: str, number: str, text: str) -> Paragraph:
    label = "{{ words." + kind + " }}"
    caption = _add(document, "Caption", label + " ")
    _field(caption, "SEQ " + label + r" \* ARABIC", "{{ " + number + " }}")
    caption.add_run("　" + text)
    return caption


def _field(paragraph: Paragraph, instruction: str, shown: str) -> None:
    _field_start(paragraph, instruction)
    paragraph.add_run(shown)
    _field_mark(paragraph, "end")


def _field_start(paragraph: Paragraph, instruction: str) -> None:
    _field_mark(paragraph, "begin")
    code = parse_xml(f'<w:instrText {nsdecls("w")} xml:space="preserve"> {instruction} </w:instrText>')
    paragraph.add_run()._r.append(code)
    _field_mark(paragraph, "separate")


def _field_mark(paragraph: Paragraph, kind: str) -> None:
    paragraph.add_run()._r.append(parse_xml(f'<w:fldChar {nsdecls("w")} w:fldCharType="{kind}"/>'))


if __name__ == "__main__":
    build()
