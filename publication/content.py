"""What exactly would be posted: the redacted snapshot, its hash, and whether anything leaks (I8, PR-02…04)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import User
from complaints import permissions as case_permissions
from complaints import remedies
from complaints.models import Complaint, Remedy
from publication import charts, content_files, masking, vague_words
from publication.models import FigureEvidence, Publication, RedactionSpan
from publication.redaction import EARLIER_VERSIONS, ENGINE_VERSION, Known, Row, Span, leaks, redact
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


def suggest(text: str, known: Known, rows: Mapping[str, Row]) -> list[Span]:
    """The places of one text that may identify somebody, with what `rows` write there."""
    return list(redact(text, known, profile=rows).spans)


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
        "masking": masking.named(publication.masking),
    }


def content_hash(publication: Publication, *, engine_version: str = "") -> str:
    """SHA-256 of text, masks, dates and copies of files; progress of improvements is left out, it may go on.

    `engine_version` is that of the masking, "" for the one that what is signed was masked with: what was signed or
    posted keeps its own.
    """
    content = _hashed(publication)
    return _hash(content, engine_version or _engine(content, publication.signed_hash))


def engine_of(publication: Publication) -> str:
    """The version of the engine that what is signed was masked with; the present one where nothing is signed.

    The signatures of a text that did not change stand when a new version looks at it; what the new one finds to leak
    is still not posted.
    """
    return _engine(_hashed(publication), publication.signed_hash)


def _hashed(publication: Publication) -> dict[str, Any]:
    content = snapshot(publication)
    content["improvements"] = [
        {key: row[key] for key in ("what", "department", "post", "due_on")} for row in content["improvements"]
    ]
    # What was written before masking had revisions is signed without one.
    if content["masking"] is None:
        del content["masking"]
    files = content_files.data_of(publication)
    return content | {"files": files} if files else content


def _hash(content: dict[str, Any], engine_version: str) -> str:
    words = json.dumps(content | {"engine_version": engine_version}, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(words.encode()).hexdigest()


def _engine(content: dict[str, Any], signed_hash: str) -> str:
    signed = (version for version in EARLIER_VERSIONS if signed_hash and _hash(content, version) == signed_hash)
    return next(signed, ENGINE_VERSION)


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

# A number and one of the units people count in; the longest unit wins.
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
        "笔",
        "家(?![属庭长人])",
        "个",
        "倍",
        "%",
        "％",
        "‰",
        "㎡",
    ),
)
_COUNT = re.compile(r"（共 \d+ 件投诉）")
# A number is read from its first digit only and its digits are never given back: each is looked at a few times,
# however long the row. So are the lists of ordinals below, which end somewhere.
_NUMBER = r"(?:(?<!\d,)\d[\d,]*+(?:\.\d++)?+|(?<![一二三四五六七八九十百千万])[一二三四五六七八九十百千万]{2,8})"
_FIGURE = re.compile(
    rf"(?<![\d.第])(?<!第 )(?:{_NUMBER}\s*(?:天|个?小时|分钟?)(?:\s*\d+\s*(?:个?小时|分钟?|秒))+"
    # Blanks belong to what follows them: where two parts could take the same blanks, a long gap costs minutes.
    rf"|{_NUMBER}(?:\s*[多余])?(?:\s*[万亿])?\s*(?:{'|'.join(_UNITS)})(?!月))"
)
_ORDINAL = r"(?<![\d一二三四五六七八九十百])[\d一二三四五六七八九十百]++"
_LONGEST_LIST = 60
_TERM = (
    r"(?<![\d一二两三四五六七八九十])[\d一二两三四五六七八九十]++"
    r"\s*+个?(?:工作日|自然日|小时|分钟|季度|半年|[日天周月年])"
)
# What counts nothing: articles of the law, the time of day, deadlines.
_COUNTS_NOTHING = re.compile(
    rf"第\s*+{_ORDINAL}(?:\s*+[、，,至到和及或\-~—]\s*+(?:第\s*+)?{_ORDINAL}){{0,{_LONGEST_LIST}}}+"
    r"\s*+[条款项章节编目次期批]"
    rf"|\d{{1,2}}\s*[时点]\s*\d{{1,2}}\s*分(?!钟)"
    rf"|{_TERM}\s*(?:以|之)?内|提前\s*(?:至少\s*)?{_TERM}"
)
# How often something is done: a fact in an investigation, a rule or a promise in these elements.
_OFTEN = re.compile(
    rf"每\s*(?:{_TERM}|个?(?:工作日|小时|季度|半年|[日天周月年]))(?:(?:\s*(?:至少|不少于))?\s*{_ORDINAL}\s*次)?"
)
_PROMISING = ("responsibility", "improvement")
# Every element ties its figures to evidence one by one; these texts may only repeat such a figure (PUB-13).
REPEATING = ("title", "summary")


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
    linked = {(row.field, row.figure) for row in proved_figures(publication)}
    for name in ELEMENTS:
        for figure in figures(getattr(publication, name), name):
            if (name, figure) not in linked:
                found.append(
                    Remark(name, "figure", _("“%(figure)s” has no evidence linked.") % {"figure": figure}, True)
                )
    proved = {bare(figure) for _field, figure in linked}
    for name in REPEATING:
        for figure in figures(getattr(publication, name)):
            if bare(figure) not in proved:
                told = _("“%(figure)s”: no element has this figure with evidence.") % {"figure": figure}
                found.append(Remark(name, "figure", told, True))
    chart = charts.of_text(publication.result)
    if chart and not all(("result", figure) in linked for figure in chart.figures):
        told = _("The chart shows a figure that has no evidence linked.")
        found.append(Remark("result", "chart", told, True))
    return found


def with_count(subject: str, cases: int) -> str:
    """Who complained, with the number of complaints the result answers where there are several (PUB-01)."""
    bare = _COUNT.sub("", subject).rstrip()
    return f"{bare}（共 {cases} 件投诉）" if cases > 1 else bare


def bare(figure: str) -> str:
    """A figure without blanks, for comparing."""
    return re.sub(r"\s", "", figure)


def figures(text: str, field: str = "") -> list[str]:
    """Numbers with their unit in a text: "30 小时", "5 小时 20 分", "986 户", "12%", "三十小时" (PUB-13).

    Left out is what counts nothing: dates, times, ordinals, articles of the law, deadlines ("5 个工作日内"), and how
    often something is done where the element `field` states rules and promises ("每月 2 次").
    """
    counting = _COUNTS_NOTHING.sub("；", text)
    if field in _PROMISING:
        counting = _OFTEN.sub("；", counting)
    return list(dict.fromkeys(match.group().strip() for match in _FIGURE.finditer(counting)))


@dataclass(frozen=True)
class Source:
    """One record of a case: the element it goes into, its words there, what it is called as evidence of a figure."""

    field: str
    text: str
    evidence: str


def proved_figures(publication: Publication) -> list[FigureEvidence]:
    """The figures with evidence that still stand in their text, in the order in which they were linked."""
    rows = publication.figures.order_by("pk")
    standing = {name: figures(getattr(publication, name), name) for name in ELEMENTS}
    return [row for row in rows if row.figure in standing.get(row.field, ())]


# What the texts of a notice are drafted from.
_RECORDS = (
    "allegations",
    "investigation_steps",
    "responsibilities__department",
    "remedies",
    "improvements__department",
)


def evidence_offered(publication: Publication) -> dict[str, str]:
    """Figures without blanks, each with the record that states it: what one click ties to the text (PUB-13)."""
    others = publication.also_about.order_by("pk").values_list("pk", flat=True)
    with translation.override("zh-hans"):
        sources = _sources(publication.complaint_id, *others)
    stated = {bare(row.figure): row.evidence for row in proved_figures(publication)}
    for source in sources:
        for figure in figures(source.text):
            stated.setdefault(bare(figure), source.evidence)
    return stated


def drafted_figures(publication: Publication) -> dict[tuple[str, str], str]:
    """(element, figure) of every element that stands as drafted, with the record the figure was taken from (PUB-13)."""
    found: dict[tuple[str, str], str] = {}
    with translation.override("zh-hans"):
        sources, cases = _sources(publication.complaint_id), 1 + publication.also_about.count()
        subject = _COUNT.sub("", publication.subject).rstrip()
        if cases > 1 and publication.subject == with_count(subject, cases):
            found["subject", f"{cases} 件"] = _("The complaints answered together")
    for name, words in _joined(sources).items():
        if words == (subject if name == "subject" else getattr(publication, name)):
            of_element = [source for source in sources if source.field == name]
            found |= {(name, figure): source.evidence for source in of_element for figure in figures(source.text, name)}
    return found


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
    return {"title": complaint.subject[:80], **dict.fromkeys(ELEMENTS, ""), **_joined(_sources(complaint.pk))}


def _joined(sources: list[Source]) -> dict[str, str]:
    """The words of each element that has a record."""
    names = dict.fromkeys(source.field for source in sources)
    return {name: "；".join(source.text for source in sources if source.field == name) for name in names}


def _sources(*cases: int) -> list[Source]:
    """The structured records of these cases, one case after the other; as many queries for one as for fifty."""
    found = Complaint.objects.select_related("complainant").prefetch_related(*_RECORDS).in_bulk(cases)
    return [source for pk in cases for source in _of_case(found[pk])]


def _of_case(complaint: Complaint) -> list[Source]:
    """The records of one case in the order of the elements; the points stand for the registered subject."""
    registered = _("Registration of the case")
    found = [Source("subject", _who(complaint), registered)]
    found += [
        Source("cause", row.text, _("Point %(n)s of the complaint") % {"n": number})
        for number, row in enumerate(complaint.allegations.all(), start=1)
    ] or [Source("cause", complaint.subject, registered)]
    found += [
        Source(
            "investigation",
            f"{row.get_kind_display()}：{row.summary}",
            _("Investigation record: %(kind)s, %(date)s")
            % {"kind": row.get_kind_display(), "date": timezone.localdate(row.at).isoformat()},
        )
        for row in complaint.investigation_steps.all()
    ]
    found += [
        Source(
            "responsibility",
            f"{row.department.name}{row.post}：{row.summary}",
            _("Finding of responsibility, %(date)s") % {"date": timezone.localdate(row.at).isoformat()},
        )
        for row in complaint.responsibilities.all()
    ]
    found += [
        Source(
            "result",
            f"{row.get_kind_display()}：{row.description}{_amount(row)}",
            _("Remedy agreed: %(kind)s") % {"kind": row.get_kind_display()},
        )
        for row in remedies.agreed(complaint.remedies.all())
    ]
    found += [
        Source(
            "improvement",
            f"{row.what}（{row.department.name}{row.post}，"
            f"{row.due_on.year} 年 {row.due_on.month} 月 {row.due_on.day} 日前）",
            _("Improvement measure due on %(date)s") % {"date": row.due_on.isoformat()},
        )
        for row in complaint.improvements.all()
    ]
    return found


def _who(complaint: Complaint) -> str:
    """The complainant without a name that could be recognised, with how many others are affected."""
    complainant = complaint.complainant
    title = {"mr": "先生", "ms": "女士"}.get(complainant.form_of_address, "某")
    who = (
        "一家单位"
        if complainant.is_organisation
        else f"{complainant.name[:1]}{title}"
        if complainant.name
        else "一位市民"
    )
    return f"{who}等 {complaint.persons_affected} 人" if complaint.persons_affected > 1 else who
