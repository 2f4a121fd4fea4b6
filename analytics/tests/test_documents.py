"""Report documents: AN-19 monthly reports, AN-29 《投诉工作总结》, AN-31 readable with explained charts, AN-32 data."""

import dataclasses
import json
import os
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime, timedelta

import openpyxl
import pypdf
import pytest
from django.utils.translation import gettext as _
from docx import Document
from docx.oxml.ns import qn
from docx.shared import Pt
from PIL import Image

from analytics.documents import docx_template
from analytics.documents.docx import render_docx
from analytics.documents.fonts import printable
from analytics.documents.pdf import render_pdf
from analytics.documents.snapshot import ChartSpec, Column, Definition, ReportSnapshot, Section, Table
from analytics.documents.wording import cell_text, section_numbers
from analytics.documents.xlsx import render_xlsx

SENTENCE = "本期共受理投诉3,618件，按时答复率96.4%。"
FINDING = "8月受理4,217件，超出控制上限，主要是供水供热。"
HOSTILE = ["=1+1", "<b>", '#eval("x")', "@SUM(A1)", "{{ 7*7 }}", "{% if %}", "+1|cmd", "*_`$~\\[link]", "&amp;", "🚰"]
RENDERERS = {"docx": render_docx, "xlsx": render_xlsx, "pdf": render_pdf}

MONTHS = ["11月", "12月", "1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月"]
VOLUME = [3274, 3312, 3480, 2905, 3391, 3455, 3528, 3602, 3846, 4217, 3574, 3618]


def make_table(rows=3, *, caption="各部门办理情况"):
    columns = (
        Column("部门"),
        Column("受理", "int", graded=True),
        Column("超时率", "percent"),
        Column("平均用时", "duration"),
        Column("平均天数", "number"),
        Column("完成日期", "date"),
    )
    cells = tuple((f"第 {i} 处", 1800 - i, 0.012 * i, 93_600.0, 3.25, "2026-11-30") for i in range(1, rows + 1))
    return Table(caption, columns, (*cells, ("未评", None, None, None, None, None)))


def make_charts():
    shares = [["热线电话", 1592], ["网上", 1121], ["窗口", 434]]
    return (
        ChartSpec(
            "control", "受理量与控制限", {"points": [list(p) for p in zip(MONTHS, VOLUME, strict=True)]}, FINDING
        ),
        ChartSpec("shares", "渠道占比", {"points": shares, "unit": "件"}, "热线电话过半。"),
        ChartSpec("pareto", "投诉类别", {"points": shares, "other": "网上"}, "两类占八成。"),
        ChartSpec("satisfaction", "回访满意度", {"points": shares}, "过半满意。"),
        ChartSpec("before_after", "重复投诉", {"points": [["9月", 18], ["10月", 7]], "cut": 1}, "降到 7 件。"),
    )


def make_snapshot(**changes):
    snapshot = ReportSnapshot(
        title="2026年10月投诉工作总结",
        subtitle="以数据分析与流程优化为核心",
        organisation="望澜市投诉受理中心",
        period_label="2026年10月1日至10月31日",
        edition="数据与流程版",
        revision=2,
        status="已批准",
        approval="何建国 2026年11月12日批准",
        generated_at=datetime(2026, 11, 12, 1, 30, tzinfo=UTC),
        summary=("总体平稳，8月除外。",),
        sections=(
            Section("overview", "总体情况", (SENTENCE,), ("每周三核对在办件。",), make_charts()[:1], (make_table(),)),
            Section("channels", "渠道与满意度", ("热线仍是主要途径。",), (), make_charts()[1:], (), level=2),
            Section("outlook", "展望与结语", ("下月继续核对。",)),
        ),
        definitions=(Definition("按时答复率", "到期案件中按时答复的比例。"),),
    )
    return dataclasses.replace(snapshot, **changes)


def pdf_text(path):
    return "".join("".join(page.extract_text() for page in pypdf.PdfReader(path).pages).split())


def test_snapshot_survives_its_stored_form():
    """AN-29: the frozen report is what is printed later."""
    stored = ReportSnapshot.from_json(make_snapshot().to_json())
    assert stored.to_json() == make_snapshot().to_json()
    assert stored.sections[0].tables == make_snapshot().sections[0].tables


def broken(path, value):
    data = json.loads(make_snapshot().to_json())
    place = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["title"], "题" * 1_000_000, "title: 1,000,000 characters, at most 300 are allowed"),
        (["title"], " ", "title: must not be empty"),
        (["sections", 1, "heading"], "\x00\n", "sections[1].heading: must not be empty"),
        (["sections", 0, "paragraphs"], ["长" * 20_001], "sections[0].paragraphs[0]: 20,001 characters"),
        (["sections", 0, "level"], 4, "sections[0].level: expected a whole number from 1 to 3"),
        (["language"], "../x", "language: expected a language code"),
        (["revision"], True, "revision: expected a whole number"),
        (["generated_at"], "2026-11-12T09:30:00", "generated_at: a time zone is missing"),
        (["sections", 0, "tables", 0, "rows", 1], ["a"], "sections[0].tables[0].rows[1]: expected 6 cells"),
        (
            ["sections", 0, "tables", 0, "rows"],
            [["a", 1.5, 0, 0, 0, None]],
            "rows[0][1]: expected a figure of type int",
        ),
        (["sections", 0, "tables", 0, "rows"], [["a", 1, float("nan"), 0, 0, None]], "rows[0][2]: expected a figure"),
        (["sections", 0, "tables", 0, "rows"], [["a", 1, 0, 0, 0, "soon"]], "rows[0][5]: expected a date in ISO form"),
        (["sections", 0, "tables", 0, "columns", 0, "type"], "money", "columns[0].type: expected one of"),
        (["sections", 0, "tables", 0, "columns", 0, "graded"], True, "columns[0].graded: only figures can be graded"),
        (["sections", 0, "charts", 0, "kind"], "pie", "sections[0].charts[0].data: unknown chart kind 'pie'"),
        (
            ["sections", 0, "charts", 0, "data"],
            {"points": [["a", "b"]]},
            "data.points[0]: expected a label and a figure",
        ),
        (
            ["sections", 1, "charts", 0, "data"],
            {"points": [], "wide": 1},
            "sections[1].charts[0].data: data of a shares",
        ),
    ],
)
def test_snapshot_names_the_field_that_does_not_fit(path, value, message):
    with pytest.raises(ValueError) as error:
        ReportSnapshot.from_dict(broken(path, value))
    assert message in str(error.value)


def test_snapshot_names_a_missing_field():
    data = json.loads(make_snapshot().to_json())
    del data["sections"][0]["heading"]
    with pytest.raises(ValueError, match=r"sections\[0\]\.heading: missing"):
        ReportSnapshot.from_dict(data)


def test_snapshot_drops_control_characters():
    data = broken(["sections", 0, "paragraphs"], ["一\x00二\u202e三\r\n四"])
    assert ReportSnapshot.from_dict(data).sections[0].paragraphs == ("一二三\n四",)


def test_headings_are_numbered_as_in_official_documents():
    levels = [1, 2, 2, 3, 1, 2, *([1] * 9)]
    sections = [Section("s", "标题", level=level) for level in levels]
    numbers = section_numbers(sections, "zh-hans")
    assert numbers[:7] == ["一、", "（一）", "（二）", "1.", "二、", "（一）", "三、"]
    assert numbers[-2:] == ["十、", "十一、"]
    assert section_numbers(sections, "en")[:6] == ["1. ", "1.1 ", "1.2 ", "1.2.1 ", "2. ", "2.1 "]


@pytest.mark.parametrize(
    ("seconds", "days", "hours", "minutes"),
    [(500_400, 5, 19, 0), (172_800, 2, 0, 0), (12_000, 0, 3, 20), (720, 0, 0, 12)],
)
def test_durations_are_written_in_their_two_largest_units(seconds, days, hours, minutes):
    shape = {
        (True, True): _("%(days)s d %(hours)s h"),
        (True, False): _("%(days)s d"),
        (False, True): _("%(hours)s h %(minutes)s min"),
        (False, False): _("%(minutes)s min"),
    }[days > 0, hours > 0]
    assert cell_text(Column("用时", "duration"), seconds) == shape % {"days": days, "hours": hours, "minutes": minutes}


@pytest.mark.parametrize("kind", RENDERERS)
def test_progress_is_told_in_order(kind, tmp_path):
    steps = []
    RENDERERS[kind](make_snapshot(), tmp_path / f"r.{kind}", on_step=lambda *step: steps.append(step))
    assert steps == [(1, 4, "总体情况"), (2, 4, "渠道与满意度"), (3, 4, "展望与结语"), (4, 4, _("Writing the file"))]


@pytest.mark.parametrize("kind", RENDERERS)
def test_a_report_without_content_is_still_a_document(kind, tmp_path):
    path = tmp_path / f"r.{kind}"
    RENDERERS[kind](make_snapshot(summary=(), sections=(), definitions=(), subtitle="", approval=""), path)
    assert path.stat().st_size > 3000


def test_pdf_can_be_read_out_and_searched(tmp_path):
    """AN-31."""
    render_pdf(make_snapshot(), tmp_path / "r.pdf")
    text = pdf_text(tmp_path / "r.pdf")
    for sentence in (
        SENTENCE,
        FINDING,
        "每周三核对在办件。",
        "一、总体情况",
        "（一）渠道与满意度",
        "到期案件中按时答复的比例。",
    ):
        assert sentence in text
    assert "1,799" in text
    assert "1.2%" in text


def test_pdf_embeds_only_our_typeface_and_only_the_characters_used(tmp_path):
    render_pdf(make_snapshot(), tmp_path / "r.pdf")
    names = set()
    for page in pypdf.PdfReader(tmp_path / "r.pdf").pages:
        for font in page["/Resources"]["/Font"].values():
            inner = font.get_object()["/DescendantFonts"][0].get_object()
            names.add(inner["/BaseFont"])
            assert inner["/FontDescriptor"].get_object().keys() & {"/FontFile2", "/FontFile3"}
    assert {name.split("+")[1] for name in names} == {"NotoSansSC-Regular", "NotoSansSC-Bold"}
    assert (tmp_path / "r.pdf").stat().st_size < 400_000  # the two full faces are 21 MB


def test_pdf_is_archival_and_accessible(tmp_path):
    """PDF/A-2a and PDF/UA-1, bookmarks, and every chart described by its finding (AN-31)."""
    render_pdf(make_snapshot(), tmp_path / "r.pdf")
    reader = pypdf.PdfReader(tmp_path / "r.pdf")
    xmp = reader.trailer["/Root"]["/Metadata"].get_object().get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in xmp
    assert "<pdfuaid:part>1</pdfuaid:part>" in xmp
    assert reader.metadata.title == "2026年10月投诉工作总结"
    root = reader.trailer["/Root"]
    assert root["/Lang"].startswith("zh")
    assert bool(root["/MarkInfo"]["/Marked"])
    # The writer puts a space between a heading and its number.
    bookmarks = [entry.title.replace(" ", "") for entry in reader.outline if not isinstance(entry, list)]
    assert ["一、总体情况", "二、展望与结语", _("Definitions of the figures").replace(" ", "")] == bookmarks[-3:]

    described, queue = [], [reader.trailer["/Root"]["/StructTreeRoot"]]
    while queue:
        node = queue.pop().get_object()
        if isinstance(node, list):
            queue.extend(child for child in node if not isinstance(child, int))
        elif isinstance(node, dict):
            if node.get("/S") == "/Figure" and "/Alt" in node:
                described.append(str(node["/Alt"]))
            if "/K" in node and not isinstance(node["/K"], int):
                queue.append(node["/K"])
    assert sorted(described) == sorted(chart.finding for chart in make_charts())


def test_pdf_of_the_same_snapshot_is_the_same_file(tmp_path):
    for name in ("a.pdf", "b.pdf"):
        render_pdf(make_snapshot(), tmp_path / name)
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def test_characters_outside_the_typeface_become_a_box():
    assert printable("停水🚰㛃\n") == "停水□㛃\n"


def docx_headings(document):
    return [(p.style.name, p.text) for p in document.paragraphs if p.style.name.startswith("Heading")]


def test_docx_has_real_headings_captions_and_lists(tmp_path):
    render_docx(make_snapshot(), tmp_path / "r.docx")
    document = Document(str(tmp_path / "r.docx"))
    assert docx_headings(document) == [
        ("Heading 1", "总体情况"),
        ("Heading 2", "渠道与满意度"),
        ("Heading 1", "展望与结语"),
        ("Heading 1", _("Definitions of the figures")),
    ]
    captions = [p.text for p in document.paragraphs if p.style.name == "Caption"]
    assert captions[:2] == [f"{_('Figure')} 1　受理量与控制限", f"{_('Table')} 1　各部门办理情况"]
    assert captions[-1] == f"{_('Figure')} 5　重复投诉"
    assert [p.text for p in document.paragraphs if p.style.name == "List Bullet"] == ["每周三核对在办件。"]
    assert [p.text for p in document.paragraphs if p.style.name.lower() == "toc 2"] == ["（一）渠道与满意度"]


def test_docx_begins_on_a_new_page_and_leaves_none_empty(tmp_path):
    """A break of its own behind the contents would, where these fill their page, stand alone on the next one."""
    render_docx(make_snapshot(), tmp_path / "r.docx")
    document = Document(str(tmp_path / "r.docx"))
    assert [p.text for p in document.paragraphs if p.paragraph_format.page_break_before] == ["总体情况"]
    assert 'w:type="page"' not in document.element.xml
    closing = [p for p in document.paragraphs if p.style.name.lower() == "toc 1" and not p.text][-1]
    assert closing.paragraph_format.line_spacing == Pt(1)


def test_docx_tables_are_native_and_repeat_their_head(tmp_path):
    render_docx(make_snapshot(), tmp_path / "r.docx")
    table = Document(str(tmp_path / "r.docx")).tables[1]
    assert [cell.text for cell in table.rows[0].cells] == ["部门", "受理", "超时率", "平均用时", "平均天数", "完成日期"]
    assert [cell.text for cell in table.rows[1].cells][:3] == ["第 1 处", "1,799", "1.2%"]
    assert [cell.text for cell in table.rows[4].cells] == ["未评", "—", "—", "—", "—", "—"]
    assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
    shades = [row.cells[1]._tc.tcPr.find(qn("w:shd")) for row in table.rows[1:]]
    assert [shade.get(qn("w:fill")) if shade is not None else None for shade in shades] == [
        "7FB3C3",
        "CFE2E8",
        "F2F5F6",
        None,
    ]


def test_docx_charts_are_sharp_pictures_with_their_finding_as_description(tmp_path):
    """AN-31."""
    render_docx(make_snapshot(), tmp_path / "r.docx")
    document = Document(str(tmp_path / "r.docx"))
    described = [element.get("descr") for element in document.element.body.iter(qn("wp:docPr"))]
    assert described == [chart.finding for chart in make_charts()]
    with zipfile.ZipFile(tmp_path / "r.docx") as archive:
        pictures = [name for name in archive.namelist() if name.startswith("word/media/") and name.endswith(".png")]
        widths = sorted(Image.open(archive.open(name)).width for name in pictures)
    assert widths == [800, 840, 840, 1040, 1280]


def test_docx_names_chinese_typefaces_and_numbers_pages(tmp_path):
    render_docx(make_snapshot(), tmp_path / "r.docx")
    document = Document(str(tmp_path / "r.docx"))
    faces = {
        name: document.styles[name].element.rPr.rFonts.get(qn("w:eastAsia"))
        for name in ("Heading 1", "Body Text", "Table Text")
    }
    assert faces == {"Heading 1": "黑体", "Body Text": "仿宋", "Table Text": "宋体"}
    codes = [code.text.split()[0] for code in document.element.body.iter(qn("w:instrText"))]
    footer = [code.text.strip() for code in document.sections[0].footer._element.iter(qn("w:instrText"))]
    assert codes == ["TOC", "SEQ", "SEQ", "SEQ", "SEQ", "SEQ", "SEQ"]
    assert footer == ["PAGE", "NUMPAGES"]
    assert document.core_properties.author == "望澜市投诉受理中心"


def test_docx_uses_the_template_of_the_organisation(tmp_path):
    """AN-29: the form is theirs."""
    template = Document(str(docx_template.PATH))
    template.add_paragraph("内部资料 {{ organisation }}")
    template.save(str(tmp_path / "own.docx"))
    render_docx(make_snapshot(), tmp_path / "r.docx", template=(tmp_path / "own.docx").read_bytes())
    assert Document(str(tmp_path / "r.docx")).paragraphs[-1].text == "内部资料 望澜市投诉受理中心"


def test_docx_template_cannot_run_code(tmp_path):
    template = Document(str(docx_template.PATH))
    template.add_paragraph("{{ title.__class__.__mro__[1].__subclasses__() }}")
    template.save(str(tmp_path / "own.docx"))
    with pytest.raises(Exception, match="unsafe"):
        render_docx(make_snapshot(), tmp_path / "r.docx", template=(tmp_path / "own.docx").read_bytes())


def test_docx_stock_template_is_the_one_the_program_builds(tmp_path):
    docx_template.build(tmp_path / "built.docx")
    for part in ("word/document.xml", "word/styles.xml", "word/numbering.xml"):
        with zipfile.ZipFile(tmp_path / "built.docx") as built, zipfile.ZipFile(docx_template.PATH) as stock:
            assert built.read(part) == stock.read(part)


def test_docx_template_keeps_its_tags_out_of_attributes():
    """Word refuses to open a file whose attributes hold tags."""
    with zipfile.ZipFile(docx_template.PATH) as stock:
        assert b'="{' not in stock.read("word/document.xml")


def test_xlsx_has_typed_cells_and_frozen_heads(tmp_path):
    """AN-32."""
    render_xlsx(make_snapshot(), tmp_path / "r.xlsx")
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    assert book.sheetnames == [_("Summary"), "一、总体情况", "（一）渠道与满意度", _("Definitions of the figures")]
    sheet = book["一、总体情况"]
    assert sheet.freeze_panes == "B5"
    assert [cell.value for cell in sheet[4]][:3] == ["部门", "受理", "超时率"]
    values = [cell.value for cell in sheet[5]][:6]
    assert values == ["第 1 处", 1799, 0.012, timedelta(hours=26), 3.25, datetime(2026, 11, 30)]
    assert values[5].date() == date(2026, 11, 30)
    assert [cell.number_format for cell in sheet[5]][1:6] == ["#,##0", "0.0%", "[h]:mm", "#,##0.0", "yyyy-mm-dd"]
    assert [cell.value for cell in sheet[8]][:6] == ["未评", None, None, None, None, None]
    assert sheet.conditional_formatting
    links = [cell.hyperlink.location for row in book[_("Summary")] for cell in row if cell.hyperlink]
    assert links == ["'一、总体情况'!A1", "'（一）渠道与满意度'!A1"]


def test_xlsx_charts_are_native_and_point_at_their_cells(tmp_path):
    render_xlsx(make_snapshot(), tmp_path / "r.xlsx")
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    trend = book["一、总体情况"]
    (chart,) = trend._charts
    assert type(chart).__name__ == "LineChart"
    assert [series.val.numRef.f for series in chart.series] == [f"'一、总体情况'!${x}$5:${x}$16" for x in "IJKL"]
    assert [trend["I5"].value, round(trend["J5"].value), round(trend["K5"].value), round(trend["L5"].value)] == [
        3274,
        3517,
        4189,
        2845,
    ]
    kinds = [type(chart).__name__ for chart in book["（一）渠道与满意度"]._charts]
    assert kinds == ["BarChart", "BarChart", "BarChart", "BarChart"]


def test_pdf_in_english_keeps_names_on_one_line_and_numbers_its_headings_in_its_own_way(tmp_path):
    """AN-31: long headings of figures leave room for the name of a department."""
    names = ["Complaints received", "Overdue rate", "Average handling", "Dissatisfied", "Repeat rate", "Overturned"]
    columns = (Column("Department"), *(Column(name, "int") for name in names))
    table = Table("Departments", columns, (("政务服务中心", *range(10, 16)),))
    section = Section("s", "What they complained of", tables=(table,))
    snapshot = make_snapshot(language="en", sections=(section, Section("t", "Where", level=2)))
    render_pdf(snapshot, tmp_path / "r.pdf")
    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(tmp_path / "r.pdf").pages)
    assert "政务服务中心" in text
    assert "1. What they complained of" in text
    assert "1.1 Where" in text
    render_docx(snapshot, tmp_path / "r.docx")
    with zipfile.ZipFile(tmp_path / "r.docx") as archive:
        numbering = archive.read("word/numbering.xml").decode()
    assert "chineseCounting" not in numbering
    assert 'w:val="%1.%2 "' in numbering


def test_xlsx_sentences_can_be_read_to_their_end(tmp_path):
    """AN-31: a long definition has a row high enough for it, and what a chart says stands below the drawing."""
    long = Definition("平均办理", "从登记到首次答复的工作日数的平均值，登记当日不计，答复当日计入。" * 4)
    render_xlsx(make_snapshot(definitions=(*make_snapshot().definitions, long)), tmp_path / "r.xlsx")
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    heights = book[_("Definitions of the figures")].row_dimensions
    assert (heights[2].height or 15, heights[3].height) == (15, 45)
    trend = book["一、总体情况"]
    (chart,) = trend._charts
    rows_of_chart = chart.anchor.to.row
    finding = make_charts()[0].finding
    (row,) = [cell.row for cells in trend for cell in cells if cell.value == finding]
    assert row > rows_of_chart


def test_xlsx_sheet_names_are_legal_and_unique(tmp_path):
    long = "很长的标题[a]:*?/\\'" * 4
    sections = tuple(Section(str(i), long, tables=(make_table(1),), level=3) for i in range(3))
    render_xlsx(make_snapshot(sections=(Section("t", "总体"), *sections)), tmp_path / "r.xlsx")
    names = openpyxl.load_workbook(tmp_path / "r.xlsx").sheetnames[1:4]
    assert len(set(names)) == 3
    assert all(len(name) <= 31 and not set(name) & set("[]:*?/\\'") for name in names)


def hostile_snapshot():
    data = json.loads(make_snapshot().to_json())
    text = " ".join(HOSTILE)
    data |= {"title": text, "subtitle": text, "organisation": text, "status": text, "summary": HOSTILE}
    section = data["sections"][0]
    section |= {"heading": "=1+1 " + text, "paragraphs": HOSTILE, "points": HOSTILE}
    section["tables"][0] |= {
        "caption": text,
        "note": text,
        "columns": [{"name": HOSTILE[i % 2]} for i in range(2)],
        "rows": [[words, words] for words in HOSTILE],
    }
    section["charts"][0] |= {
        "title": "=1+1",
        "finding": text,
        "data": {"points": [[words, 3] for words in HOSTILE], "unit": "=1+1", "annotations": [["<b>", '#eval("x")']]},
    }
    data["definitions"] = [{"figure": words, "definition": words} for words in HOSTILE]
    return ReportSnapshot.from_dict(data)


def test_hostile_text_is_inert_in_pdf(tmp_path):
    render_pdf(hostile_snapshot(), tmp_path / "r.pdf")
    text = pdf_text(tmp_path / "r.pdf")
    for words in HOSTILE:
        assert printable(words).replace(" ", "") in text
    assert "49" not in text
    assert "/JavaScript" not in str(pypdf.PdfReader(tmp_path / "r.pdf").trailer["/Root"])


def test_hostile_text_is_inert_in_docx(tmp_path):
    render_docx(hostile_snapshot(), tmp_path / "r.docx")
    document = Document(str(tmp_path / "r.docx"))
    assert [p.text for p in document.paragraphs if p.style.name == "List Bullet"] == HOSTILE
    assert [row.cells[0].text for row in document.tables[1].rows][1:] == HOSTILE
    assert docx_headings(document)[0] == ("Heading 1", "=1+1 " + " ".join(HOSTILE))
    assert document.core_properties.title == " ".join(HOSTILE)


def test_hostile_text_is_inert_in_xlsx(tmp_path):
    render_xlsx(hostile_snapshot(), tmp_path / "r.xlsx")
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    cells = [cell for sheet in book for row in sheet for cell in row if cell.value is not None]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert [row[0].value for row in book.worksheets[1].iter_rows(min_row=5, max_row=14)] == HOSTILE
    with zipfile.ZipFile(tmp_path / "r.xlsx") as archive:
        external = [name for name in archive.namelist() if "externalLink" in name]
        targets = [archive.read(name) for name in archive.namelist() if name.endswith(".rels")]
    assert external == []
    assert not [target for target in targets if b'TargetMode="External"' in target]


CHILD = """
import os, pathlib, sys
import django
from django.conf import settings
settings.configure(USE_I18N=True, USE_TZ=True, LANGUAGE_CODE="zh-hans", TIME_ZONE="Asia/Shanghai")
django.setup()
from analytics.documents.docx import render_docx
from analytics.documents.pdf import render_pdf
from analytics.documents.snapshot import ReportSnapshot
from analytics.documents.xlsx import render_xlsx
snapshot = ReportSnapshot.from_json(pathlib.Path("snapshot.json").read_text())
child = os.fork()
if not child:
    for _again in range(2):
        render_docx(snapshot, "r.docx"), render_xlsx(snapshot, "r.xlsx"), render_pdf(snapshot, "r.pdf")
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_all_three_render_in_a_forked_worker(tmp_path):
    """Celery's prefork pool: loaded in the parent, rendered again and again in the child."""
    (tmp_path / "snapshot.json").write_text(make_snapshot().to_json())
    environment = {**os.environ, "PYTHONPATH": os.fspath(docx_template.PATH.parents[3])}
    subprocess.run([sys.executable, "-W", "ignore", "-c", CHILD], cwd=tmp_path, env=environment, check=True, timeout=60)
    assert {path.name for path in tmp_path.iterdir()} == {"snapshot.json", "r.docx", "r.xlsx", "r.pdf"}
