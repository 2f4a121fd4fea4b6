"""A notice of a case as a Word document for paper (SCR-10), the reply too: a letter is answered by a letter (FB-01).

The values come from the notice as it was issued, not from the case as it is now: a limit that moved later
does not change a letter that was sent. complaints/notices.py writes the letter, this module reads it back.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.table import Table
from jinja2 import TemplateError

from accounts.errors import IllegalTransition
from complaints import identity, notice_templates
from complaints.models import Notice
from complaints.states import NoticeKind

# Where the values stand in the letters of templates/complaints/notices/.
_LETTERS = {
    NoticeKind.ACCEPTANCE: re.compile(
        r"\n受理依据：(?P<rule>.*?)\n+"
        r"(?:(?P<due_on>\d+年\d+月\d+日 \d\d:\d\d) 前，由责任部门办结[^\n]*\n+)?"
        r"(?:以下材料可以后补，不影响受理，请在 (?P<outstanding_due>\S+) 前补齐：\n(?P<outstanding>.*?)\n+)?"
        r"办理期间您可以随时查询进度",
        re.DOTALL,
    ),
    NoticeKind.NON_ACCEPTANCE: re.compile(
        r"\n依据：(?P<ground>.*?)\n理由：(?P<reason>.*?)\n+"
        r"(?:负责这件事的单位是：(?P<body>[^\n]*)。\n+)?"
        r"(?:您还可以：(?P<suggestion>.*?)\n+)?"
        r"(?:对本决定不服的，您可以：\n(?P<remedies>.*?)\n+)?"
        r"[^\n]+\n电话：[^\n]*\n[^\n]+\n?\Z",
        re.DOTALL,
    ),
    NoticeKind.SUPPLEMENT: re.compile(
        r"请一次补齐：\n(?P<items>.*?)\n+(?P<counting>补齐(?:前停止|期间照常)计算办理时限，[^。\n]*。)[^\n]*"
        r"(?:\n请在(?P<due_on>\d+年\d+月\d+日)前（含当日）补齐)?",
        re.DOTALL,
    ),
    NoticeKind.REVIEW_REFUSAL: re.compile(
        r"\n理由：(?P<reason>.*?)\n+复查的规则：\n(?P<rules>.*?)\n+"
        r"(?:对本决定不服的，您可以：\n(?P<remedies>.*?)\n+)?"
        r"[^\n]+\n电话：[^\n]*\n[^\n]+\n?\Z",
        re.DOTALL,
    ),
    # The result is all that follows: remedies, improvements, what the complainant may do next.
    NoticeKind.REPLY: re.compile(
        r"一、办理经过\n(?P<process>.*?)\n+二、处理结果\n(?P<result>.*?)\n+[^\n]+\n电话：[^\n]*\n[^\n]+\n?\Z", re.DOTALL
    ),
}
# Their lines are printed as somebody wrote them, with their own numbers.
_AS_WRITTEN = ("process", "result")
_SIGNATURE = re.compile(r"\n+[^\n]+\n电话：[^\n]*(?:\n[^\n]+)?\s*\Z")
_NUMBERED = re.compile(r"^\d+\. ")
# Characters that cannot stand in a Word document, and those its template engine would read as commands.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")


def is_printed(notice: Notice) -> bool:
    """Whether there is a document for this kind of notice."""
    return notice.kind in notice_templates.PRINTED


def file_name(notice: Notice) -> str:
    """Case number and kind, nothing about the person."""
    return f"{notice.complaint.number}-{notice.kind.replace('_', '-')}.docx"


def document(notice: Notice, *, salutation: str = "") -> bytes:
    """The notice as a DOCX file; without a salutation the name stands masked.

    Raises IllegalTransition with the fault when the organisation's template can no longer be filled.
    """
    template = notice_templates.document_for(NoticeKind(notice.kind))
    try:
        return notice_templates.fill(template, values(notice, salutation=salutation))
    except TemplateError as error:
        raise IllegalTransition(
            _("The template of this notice cannot be filled: %(fault)s"),
            fault=str(error.message or error)[:200],
        ) from None


def values(notice: Notice, *, salutation: str = "") -> dict[str, Any]:
    """What the placeholders of this notice stand for, in Chinese like the letters of the organisation."""
    complaint, kind = notice.complaint, NoticeKind(notice.kind)
    organisation = settings.ORGANISATION
    title, _sep, rest = notice.body.strip().partition("\n")
    found = {
        "title": title,
        "number": complaint.number,
        "subject": complaint.subject,
        "salutation": salutation or identity.mask("name", complaint.complainant.name) or "投诉人",
        "received_on": _day(complaint.received_at),
        "issued_on": _day(notice.issued_at),
        "organisation": organisation["name"],
        "phone": organisation["phone"],
        "address": organisation["address"],
        "hours": organisation["hours"],
        "text": notice.body.strip(),
        "lines": _list(_SIGNATURE.sub("", rest)),
    }
    match = _LETTERS[kind].search(notice.body)
    told = match.groupdict() if match else {}
    for name in notice_templates.PLACEHOLDERS[kind]:
        if name not in found:
            text = told.get(name) or ""
            if name in _AS_WRITTEN:
                found[name] = [line.strip() for line in text.splitlines() if line.strip()]
            else:
                found[name] = _list(text) if name in notice_templates.LISTS else text.strip()
    return {name: _clean(value) for name, value in found.items()}


def _day(moment: Any) -> str:
    day = timezone.localtime(moment)
    return f"{day.year}年{day.month}月{day.day}日"


def _list(text: str) -> list[str]:
    """The lines of a part, without the numbers the letter gives them."""
    return [_NUMBERED.sub("", line).strip() for line in text.splitlines() if line.strip()]


def _clean(value: Any) -> Any:
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return _UNPRINTABLE.sub("", str(value))


# --- Looking at a document without Word ---------------------------------------------------------
@dataclass(frozen=True)
class Block:
    """One paragraph (`rows` empty) or one table of a document. `align` is "", "center" or "end"."""

    text: str = ""
    align: str = ""
    rows: tuple[tuple[str, ...], ...] = ()


_ALIGN = {WD_ALIGN_PARAGRAPH.CENTER: "center", WD_ALIGN_PARAGRAPH.RIGHT: "end"}


def blocks(docx: bytes) -> list[Block]:
    """The words of a document in their order, for the preview on a page."""
    found, numbered = [], 0
    for item in Document(io.BytesIO(docx)).iter_inner_content():
        if isinstance(item, Table):
            found.append(Block(rows=tuple(tuple(cell.text for cell in row.cells) for row in item.rows)))
        elif item.text.strip():
            style = item.style
            align = style.paragraph_format.alignment if item.alignment is None and style else item.alignment
            name = str(style.name) if style else ""
            # A numbered list counts on from paragraph to paragraph, as it does on paper.
            numbered = numbered + 1 if name.startswith("List Number") else 0
            mark = f"{numbered}. " if numbered else "· " if name.startswith("List") else ""
            found.append(Block(mark + item.text, _ALIGN.get(align, "") if align is not None else ""))
    return found
