"""The shipped templates of printed notices, built in the look of an official letter (SCR-10).

Meant to be downloaded, restyled in Word and uploaded again; the words in double braces are the placeholders
of complaints/notice_templates.py.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from docx import Document
from docx.document import Document as DocumentType
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Cm, Pt, RGBColor

from complaints.states import NoticeKind

# The typefaces of official Chinese documents (GB/T 9704): 黑体 for the title, 仿宋 for the text.
_TITLE, _BODY, _LATIN = "黑体", "仿宋", "Times New Roman"
_TITLES = {
    NoticeKind.ACCEPTANCE: "受理告知书",
    NoticeKind.NON_ACCEPTANCE: "不予受理告知书",
    NoticeKind.SUPPLEMENT: "补正通知",
    NoticeKind.REVIEW_REFUSAL: "不予复查告知书",
    NoticeKind.REPLY: "投诉答复书",
}
# (kind of paragraph, text): "if …" and "for …" open a part that "end" closes.
_TEXTS: dict[NoticeKind, tuple[tuple[str, str], ...]] = {
    NoticeKind.ACCEPTANCE: (
        ("text", "您于{{ received_on }}提出的投诉“{{ subject }}”（案件号 {{ number }}），已于{{ issued_on }}受理。"),
        ("text", "受理依据：{{ rule }}"),
        ("if", "due_on"),
        (
            "text",
            "{{ due_on }}前，由责任部门办结并给您答复；需要延长的，会提前说明原因和新的日期。",
        ),
        ("endif", ""),
        ("if", "outstanding"),
        ("text", "以下材料可以后补，不影响受理，请在{{ outstanding_due }}前补齐："),
        ("for", "item in outstanding"),
        ("item", "{{ item }}"),
        ("endfor", ""),
        ("endif", ""),
        ("text", "办理期间您可以随时查询进度、补充材料或撤回投诉。"),
    ),
    NoticeKind.NON_ACCEPTANCE: (
        ("text", "您于{{ received_on }}提出的投诉“{{ subject }}”（案件号 {{ number }}），经审核，不予受理。"),
        ("text", "依据：{{ ground }}"),
        ("text", "理由：{{ reason }}"),
        ("if", "body"),
        ("text", "负责这件事的单位是：{{ body }}。"),
        ("endif", ""),
        ("if", "suggestion"),
        ("text", "您还可以：{{ suggestion }}"),
        ("endif", ""),
        ("if", "remedies"),
        ("text", "对本决定不服的，您可以："),
        ("for", "remedy in remedies"),
        ("item", "{{ remedy }}"),
        ("endfor", ""),
        ("endif", ""),
    ),
    NoticeKind.SUPPLEMENT: (
        (
            "text",
            "办理您于{{ received_on }}提出的投诉“{{ subject }}”（案件号 {{ number }}），还需要以下材料，请一次补齐：",
        ),
        ("for", "item in items"),
        ("item", "{{ item }}"),
        ("endfor", ""),
        (
            "text",
            "{{ counting }}您可以在查询页面直接补充，也可以打电话、寄信或到窗口提交。",
        ),
        ("if", "due_on"),
        ("text", "请在{{ due_on }}前（含当日）补齐。到期没有收到的，我们按已有的材料继续办理。"),
        ("endif", ""),
    ),
    NoticeKind.REVIEW_REFUSAL: (
        ("text", "您对投诉“{{ subject }}”（案件号 {{ number }}）提出的复查申请，经筛查，不予复查。"),
        ("text", "理由：{{ reason }}"),
        ("text", "复查的规则："),
        ("for", "rule in rules"),
        ("text", "{{ rule }}"),
        ("endfor", ""),
        ("if", "remedies"),
        ("text", "对本决定不服的，您可以："),
        ("for", "remedy in remedies"),
        ("item", "{{ remedy }}"),
        ("endfor", ""),
        ("endif", ""),
    ),
    NoticeKind.REPLY: (
        ("text", "您于{{ received_on }}提出的投诉“{{ subject }}”（案件号 {{ number }}），现答复如下。"),
        ("text", "一、办理经过"),
        ("for", "line in process"),
        ("text", "{{ line }}"),
        ("endfor", ""),
        ("text", "二、处理结果"),
        ("for", "line in result"),
        ("text", "{{ line }}"),
        ("endfor", ""),
    ),
}


@lru_cache(maxsize=len(_TITLES))
def build(kind: NoticeKind) -> bytes:
    """The shipped template of this kind as a DOCX file. KeyError for a kind that is not printed."""
    parts = [
        ("Issuer", "{{ organisation }}"),
        ("Title", _TITLES[kind]),
        ("Number", "编号：{{ number }}"),
        ("Addressee", "{{ salutation }}："),
    ]
    for what, text in _TEXTS[kind]:
        if what in ("text", "item"):
            parts.append(("Body Text" if what == "text" else "List Number", text))
        else:
            parts.append(("", "{%p " + f"{what} {text}".strip() + " %}"))
    parts += [
        ("Signature", "{{ organisation }}"),
        ("Signature", "{{ issued_on }}"),
        ("Contact", "电话：{{ phone }}　地址：{{ address }}　办公时间：{{ hours }}"),
        ("Receipt", "收件人签名：＿＿＿＿＿＿＿　日期：＿＿＿＿＿＿　送达方式：＿＿＿＿＿＿"),
    ]
    return letter(_TITLES[kind], parts)


def letter(title: str, parts: Iterable[tuple[str, str]]) -> bytes:
    """A letter in the look of the notices as a DOCX file. `parts`: style and text of each paragraph, in their order.

    Styles: Issuer, Title, Number, Addressee, Body Text, List Number, Signature, Contact, Receipt; "" is plain.
    """
    document = Document()
    _page(document)
    _styles(document)
    for style, text in parts:
        if style:
            _paragraph(document, style, text)
        else:
            document.add_paragraph(text)
    properties = document.core_properties
    properties.author = properties.comments = ""
    properties.title = title
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def _page(document: DocumentType) -> None:
    page = document.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin, page.right_margin = Cm(2.8), Cm(2.6)
    page.top_margin, page.bottom_margin = Cm(3), Cm(2.4)


def _styles(document: DocumentType) -> None:
    language = document.styles.element.find(f".//{qn('w:rPrDefault')}//{qn('w:lang')}")
    language.set(qn("w:eastAsia"), "zh-CN")
    centre, right = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.RIGHT
    _style(document, "Normal", size=16)
    _style(document, "Issuer", size=18, align=centre, after=6)
    _style(document, "Title", font=_TITLE, size=22, align=centre, after=6)
    _style(document, "Number", size=14, align=right, after=6)
    _style(document, "Addressee", size=16, after=6)
    _style(document, "Body Text", size=16, indent=True)
    _style(document, "List Number", size=16)
    _style(document, "Signature", size=16, align=right, before=9)
    # Who signs, when, and how to reach them stay on one page.
    document.styles["Signature"].paragraph_format.keep_with_next = True
    _style(document, "Contact", size=10.5, before=14)
    _style(document, "Receipt", size=12, before=16)


def _style(
    document: DocumentType,
    name: str,
    *,
    size: float,
    font: str = _BODY,
    align: WD_ALIGN_PARAGRAPH | None = None,
    before: float = 0,
    after: float = 0,
    indent: bool = False,
) -> None:
    styles = document.styles
    style: Any = styles[name] if name in styles else styles.add_style(name, 1)
    style.font.name, style.font.size = _LATIN, Pt(size)
    style.font.bold, style.font.color.rgb = False, RGBColor(0, 0, 0)
    properties = style.element.get_or_add_rPr()
    fonts = properties.get_or_add_rFonts()
    # The stock styles name theme fonts, which would win over the names set here.
    for attribute in [key for key in fonts.attrib if "heme" in key]:
        del fonts.attrib[attribute]
    for script in ("w:ascii", "w:hAnsi", "w:cs"):
        fonts.set(qn(script), _LATIN)
    fonts.set(qn("w:eastAsia"), font)
    borders = style.element.get_or_add_pPr().find(qn("w:pBdr"))
    if borders is not None:
        borders.getparent().remove(borders)
    form = style.paragraph_format
    # 28 points at 16 (GB/T 9704), the same whatever typeface a computer has instead.
    form.alignment, form.line_spacing = align, Pt(round(size * 1.75))
    form.space_before, form.space_after = Pt(before), Pt(after)
    if name == "List Number":
        form.left_indent, form.first_line_indent = Pt(3.25 * size), Pt(-1.25 * size)
    elif indent:
        # Two characters; the length is for programs that do not count in characters.
        form.first_line_indent = Pt(2 * size)
        style.element.get_or_add_pPr().get_or_add_ind().set(qn("w:firstLineChars"), "200")


def _paragraph(document: DocumentType, style: str, text: str) -> None:
    paragraph = document.add_paragraph(text, style)
    if style == "Receipt":
        rule = f'<w:pBdr {nsdecls("w")}><w:top w:val="dashed" w:sz="6" w:space="12" w:color="808080"/></w:pBdr>'
        paragraph._p.get_or_add_pPr().insert_element_before(parse_xml(rule), "w:shd", "w:spacing", "w:ind", "w:jc")
