"""What exactly would be posted: the redacted snapshot, its hash, and whether anything leaks (I8, PR-02…04)."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, fields
from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import User
from complaints import permissions as case_permissions
from complaints import remedies
from complaints.models import Complaint, Remedy
from publication import charts, content_files, vague_words
from publication.models import Publication, RedactionSpan
from publication.redaction import ENGINE_VERSION, Known, Span, leaks, redact
from publication.states import ELEMENTS, Element, SpanDecision

# Every text the public would read, in order. Improvements are texts too.
TEXT_FIELDS = ("title", "summary", *ELEMENTS)
# Numbers that may be an organisation's; whose they are a person confirms.
OFFICE_NUMBER = ("landline",)


def known_identity(complaint: Complaint) -> Known:
    """Everything that identifies the people of this case: the complainant's data and the staff's names."""
    complainant = complaint.complainant
    values: dict[str, list[str]] = {"name": [], "phone": [], "email": [], "address": [], "identity": []}
    if complainant.name and not complainant.is_organisation:
        values["name"].append(complainant.name)
    for point in complainant.contacts.all():
        values[point.kind].append(point.value)
    told = _told(complaint)
    staff = User.objects.filter(pk__in=case_permissions.took_part(complaint)).values_list("display_name", flat=True)
    persons = complaint.responsibilities.exclude(person=None).values_list("person__display_name", flat=True)
    return Known(
        names=[*values["name"], *sorted({*staff, *persons})],
        phones=[*values["phone"], *told["phones"]],
        ids=[*values["identity"], *told["ids"]],
        emails=[*values["email"], *told["emails"]],
        addresses=values["address"],
        plates=told["plates"],
        accounts=told["accounts"],
        wechat=told["wechat"],
    )


# Where a number that the complainant wrote down belongs. Landlines are left out: most are an office's.
_TOLD = {
    "phone": "phones",
    "id_number": "ids",
    "passport": "ids",
    "permit": "ids",
    "bank_card": "accounts",
    "account": "accounts",
    "license_plate": "plates",
    "email": "emails",
    "wechat": "wechat",
    "qq": "wechat",
    "handle": "wechat",
}
# A shorter account name could be any word.
_SHORTEST_HANDLE = 6


def _told(complaint: Complaint) -> dict[str, list[str]]:
    """Numbers and accounts in the complainant's own words: no field of the case holds plates, cards or WeChat."""
    words = "\n".join((complaint.subject, complaint.narrative, complaint.demand, complaint.consequential_loss))
    found: dict[str, list[str]] = {name: [] for name in _TOLD.values()}
    for span in leaks(words):
        name, value = _TOLD.get(span.type, ""), words[span.start : span.end]
        if name and (name != "wechat" or len(value) >= _SHORTEST_HANDLE):
            found[name].append(value)
    return found


def known_of(publication: Publication) -> Known:
    """What identifies the people of every case the publication answers (PUB-01, PR-09)."""
    cases = [publication.complaint]
    if publication.pk:
        cases += publication.also_about.select_related("complainant")
    found = [known_identity(case) for case in cases]
    return Known(
        **{part.name: [value for each in found for value in getattr(each, part.name)] for part in fields(Known)}
    )


def suggest(text: str, known: Known, profile: str) -> list[Span]:
    """The places of one text that may identify somebody."""
    return list(redact(text, known, profile=profile).spans)


def masked(text: str, spans: list[RedactionSpan]) -> str:
    """The text with every span replaced that was not explicitly kept; offsets are code points."""
    parts, position = [], 0
    for span in sorted(spans, key=lambda row: row.start):
        if span.decision == SpanDecision.KEPT or span.start < position:
            continue
        parts += [text[position : span.start], span.replacement]
        position = span.end
    return "".join(parts) + text[position:]


def snapshot(publication: Publication) -> dict[str, Any]:
    """Exactly what the public would read, as data."""
    by_field: dict[str, list[RedactionSpan]] = {}
    for span in publication.spans.all():
        by_field.setdefault(span.field, []).append(span)
    texts = {name: masked(getattr(publication, name), by_field.get(name, [])) for name in TEXT_FIELDS}
    improvements = [
        {
            "what": row.what,
            "department": row.department.name,
            "post": row.post,
            "due_on": row.due_on.isoformat(),
            "state": row.state,
            "percent": row.percent,
            "note": row.progress_note,
            "done_on": timezone.localdate(row.done_at).isoformat() if row.done_at else "",
            "verified_on": timezone.localdate(row.verified_at).isoformat() if row.verified_at else "",
        }
        for row in publication.improvements.select_related("department").order_by("due_on", "pk")
    ]
    category, department = publication.category, publication.department
    return {
        **texts,
        "improvements": improvements,
        "category_code": category.code if category else "",
        "category": category.name if category else "",
        "category_en": category.name_en if category else "",
        "department_code": department.code if department else "",
        "department": department.name if department else "",
        "published_until": publication.publish_until.isoformat() if publication.publish_until else "",
        "engine_version": ENGINE_VERSION,
    }


def content_hash(publication: Publication, *, engine_version: str = "") -> str:
    """SHA-256 of text, masks, dates and copies of files; progress of improvements is left out, it may go on.

    `engine_version` is that of the masking, "" for the present one: what was posted keeps its own.
    """
    content = snapshot(publication)
    content["engine_version"] = engine_version or content["engine_version"]
    content["improvements"] = [
        {key: row[key] for key in ("what", "department", "post", "due_on")} for row in content["improvements"]
    ]
    files = content_files.data_of(publication)
    if files:
        content["files"] = files
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def leaking(publication: Publication, content: dict[str, Any] | None = None) -> list[tuple[str, Span]]:
    """Anything in the snapshot that identifies somebody, as (field, span). Not empty: nothing is posted (PUB-19)."""
    content = content or snapshot(publication)
    known, confirmed = known_of(publication), office_numbers(publication)
    found = [
        (name, span)
        for name in TEXT_FIELDS
        for span in leaks(content[name], known)
        if span.source != "pattern" or (name, span.type, content[name][span.start : span.end]) not in confirmed
    ]
    for row in content["improvements"]:
        for key in ("what", "post", "note"):
            found += [("improvement", span) for span in leaks(row[key], known)]
    for file in content_files.data_of(publication):
        for key in ("title", "description"):
            found += [("files", span) for span in leaks(file[key], known)]
    if any(number in json.dumps(content, ensure_ascii=False) for number in case_numbers(publication)):
        found.append(("title", Span(0, 0, "case_number", "identity", 1.0, "")))
    return found


def case_numbers(publication: Publication) -> list[str]:
    """The numbers of every case the publication answers; the public reads none of them."""
    return [publication.complaint.number, *publication.also_about.values_list("number", flat=True)]


def office_numbers(publication: Publication) -> set[tuple[str, str, str]]:
    """Landlines that a person confirmed to be an organisation's, as (field, type, words) (PUB-31)."""
    return {
        (span.field, span.type, getattr(publication, span.field)[span.start : span.end])
        for span in publication.spans.all()
        if span.decision == SpanDecision.KEPT and span.source == "pattern" and span.type in OFFICE_NUMBER
    }


# --- Completeness and wording -----------------------------------------------------------------

# A number and one of the units people count in; the longest unit wins. Dates, times and ordinals count nothing.
_UNITS = (
    *(
        "个工作日",
        "个小时",
        "工作日",
        "平方米",
        "立方米",
        "小时",
        "分钟",
        "个月",
        "公里",
        "公斤",
        "千克",
        "毫克",
        "分贝",
    ),
    *(
        "万元",
        "亿元",
        "分(?!钟)",
        "秒",
        "户",
        "人",
        "名",
        "位",
        "件",
        "起",
        "次",
        "天",
        "日内",
        "周",
        "元",
        "块",
    ),
    *(
        "吨",
        "米",
        "升",
        "克",
        "度",
        "只",
        "台",
        "辆",
        "间",
        "套",
        "份",
        "条",
        "处",
        "项",
        "个",
        "倍",
        "%",
        "％",
        "‰",
        "㎡",
    ),
)
_COUNT = re.compile(r"（共 \d+ 件投诉）")
_FIGURE = re.compile(
    rf"(?<![\d.第])(?<!第 )(?:\d[\d,]*(?:\.\d+)?|(?<![一二三四五六七八九十百千万])[一二三四五六七八九十百千万]{{2,8}})"
    rf"\s*(?:多|余)?\s*(?:{'|'.join(_UNITS)})(?!月)"
)
# Texts whose figures are tied to evidence one by one, and those that may only repeat such a figure.
FIGURE_FIELDS = ("cause", "investigation", "result")
_REPEATING = ("title", "summary")


@dataclass(frozen=True)
class Remark:
    """Something to mend; `blocks` says whether submitting is refused."""

    field: str
    kind: str
    text: str
    blocks: bool


def remarks(publication: Publication) -> list[Remark]:
    """What is missing or vague, in the order of the elements (PUB-03…10, PUB-13)."""
    found = []
    labels = dict(Element.choices)
    vague = vague_words.active()
    if not publication.title.strip():
        found.append(Remark("title", "missing", _("The title is missing."), True))
    for name in ELEMENTS:
        text = getattr(publication, name)
        if not text.strip():
            found.append(Remark(name, "missing", _("“%(element)s” is empty.") % {"element": labels[name]}, True))
        for row in vague_words.found_in(text, vague):
            told = _("“%(word)s”: write the date or name the department.") % {"word": row.word}
            found.append(Remark(name, "vague", told, True))
    if publication.improvement.strip() and not vague_words.is_definite(publication.improvement):
        told = _("The improvement measures name no day: say until when.")
        found.append(Remark("improvement", "undated", told, True))
    improvements = list(publication.improvements.all())
    if not improvements:
        found.append(
            Remark(
                "improvement",
                "missing",
                _("Add at least one improvement with a date and a responsible department."),
                True,
            )
        )
    for span in publication.spans.filter(decision=SpanDecision.PENDING):
        found.append(Remark(span.field, "span", _("A suggested redaction is not decided yet."), True))
    found += [Remark("files", "file", words, True) for _row, words in content_files.problems(publication)]
    linked = set(publication.figures.values_list("field", "figure"))
    for name in FIGURE_FIELDS:
        for figure in figures(getattr(publication, name)):
            if (name, figure) not in linked:
                found.append(
                    Remark(name, "figure", _("“%(figure)s” has no evidence linked.") % {"figure": figure}, True)
                )
    proved = {_bare(figure) for _field, figure in linked}
    for name in _REPEATING:
        for figure in figures(getattr(publication, name)):
            if _bare(figure) not in proved:
                told = _("“%(figure)s”: no element has this figure with evidence.") % {"figure": figure}
                found.append(Remark(name, "figure", told, False))
    chart = charts.of_text(publication.result)
    if chart and not all(("result", figure) in linked for figure in chart.figures):
        told = _("The chart shows a figure that has no evidence linked.")
        found.append(Remark("result", "chart", told, True))
    return found


def with_count(subject: str, cases: int) -> str:
    """Who complained, with the number of complaints the result answers where there are several (PUB-01)."""
    bare = _COUNT.sub("", subject).rstrip()
    return f"{bare}（共 {cases} 件投诉）" if cases > 1 else bare


def _bare(figure: str) -> str:
    return re.sub(r"\s", "", figure)


def figures(text: str) -> list[str]:
    """Numbers with their unit in a text: "30 小时", "986 户", "12%", "三十小时"; dates, times and ordinals left out."""
    return list(dict.fromkeys(match.group().strip() for match in _FIGURE.finditer(text)))


def draft_from(complaint: Complaint) -> dict[str, str]:
    """First texts of the six elements from the case's structured records, never its raw narrative (PUB-02).

    In Chinese whatever language the author works in: that is what the public reads.
    """
    with translation.override("zh-hans"):
        return _draft(complaint)


def _amount(remedy: Remedy) -> str:
    """The sum in brackets, unless the description already says it."""
    if not remedy.amount or f"{remedy.amount:.0f}" in remedy.description:
        return ""
    return f"（{remedy.amount} 元）"


def _draft(complaint: Complaint) -> dict[str, str]:
    steps = "；".join(f"{row.get_kind_display()}：{row.summary}" for row in complaint.investigation_steps.all())
    responsible = "；".join(
        f"{row.department.name}{row.post}：{row.summary}"
        for row in complaint.responsibilities.select_related("department")
    )
    given = "；".join(
        f"{row.get_kind_display()}：{row.description}{_amount(row)}"
        for row in remedies.agreed(complaint.remedies.all())
    )
    improvements = "；".join(
        f"{row.what}（{row.department.name}{row.post}，"
        f"{row.due_on.year} 年 {row.due_on.month} 月 {row.due_on.day} 日前）"
        for row in complaint.improvements.select_related("department")
    )
    allegations = "；".join(row.text for row in complaint.allegations.all())
    complainant = complaint.complainant
    title = {"mr": "先生", "ms": "女士"}.get(complainant.form_of_address, "某")
    who = (
        "一家单位"
        if complainant.is_organisation
        else f"{complainant.name[:1]}{title}"
        if complainant.name
        else "一位市民"
    )
    if complaint.persons_affected > 1:
        who += f"等 {complaint.persons_affected} 人"
    return {
        "title": complaint.subject[:80],
        "subject": who,
        "cause": allegations or complaint.subject,
        "investigation": steps,
        "responsibility": responsible,
        "result": given,
        "improvement": improvements,
    }
