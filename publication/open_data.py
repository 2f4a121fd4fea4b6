"""The published results as data: one list of fields for CSV, JSON and the API (PUB-25, EX-01)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts import departments
from complaints import table_files
from publication import results
from publication.models import PublishedResult

# Name and meaning, in the order of the CSV columns. The Chinese words are the interface's own language.
FIELDS: dict[str, str] = {
    "number": "公示号",
    "url": "固定网址",
    "title": "标题",
    "summary": "一句话回答",
    "category_code": "类别代码",
    "category": "类别",
    "category_en": "类别（英文）",
    "department_code": "责任部门代码",
    "department": "责任部门",
    "department_en": "责任部门（英文）；空为没有英文名",
    "published_at": "公布时间（ISO 8601，含时区）",
    "published_until": "公示到（ISO 8601）；空为不限",
    "updated_at": "最近更新时间（ISO 8601）",
    "subject": "谁反映的（已隐去个人信息）",
    "cause": "反映了什么",
    "investigation": "怎么查的",
    "responsibility": "谁的责任",
    "result": "怎么处理的",
    "improvement": "怎么改，什么时候改完",
    "improvements_total": "改进事项数",
    "improvements_done": "其中已完成",
    "signed_on": "初核、复核、法务审看的日期（ISO 8601）",
    "content_hash": "核对人签字时内容的 SHA-256",
}
# Only in JSON: the measures one by one, what the months brought, what was corrected.
IMPROVEMENT_FIELDS: dict[str, str] = {
    "what": "措施",
    "department": "负责部门",
    "post": "负责岗位",
    "due_on": "完成期限（日期）",
    "state": "open 进行中、done 已完成、verified 已验收",
    "percent": "进度（百分数，整数）",
    "note": "进展说明",
    "done_on": "完成日期；空为未完成",
    "verified_on": "验收日期；空为未验收，或公布时还没有这一项",
}
EFFECT_FIELDS: dict[str, str] = {
    "until": "统计截至（日期）",
    "months": "公布后已满的月数；公布前取同样多的月",
    "before": "公布前平均每月同类投诉件数",
    "after": "公布后平均每月同类投诉件数；null 为件数太少，不作结论",
    "by_month": "逐月件数：start 起算日期、count 件数、after 是否在公布之后；件数太少时为空",
}
CORRECTION_FIELDS: dict[str, str] = {"at": "更正时间（ISO 8601）", "note": "更正说明"}
# What the JSON has beside `FIELDS`.
PARTS: dict[str, dict[str, str]] = {
    "improvements": IMPROVEMENT_FIELDS,
    "effect": EFFECT_FIELDS,
    "corrections": CORRECTION_FIELDS,
}


def as_data(found: PublishedResult) -> dict[str, Any]:
    """One result with the names of `FIELDS` and `PARTS`; its corrections come from the database or were prefetched."""
    values = {name: getattr(found, name) for name in FIELDS if hasattr(found, name)}
    return {
        **dict.fromkeys(FIELDS),  # keeps the order
        **values,
        "number": found.publication_number,
        "department_en": departments.english_names().get(found.department, ""),
        "url": results.absolute(results.path_of(found.public_id)),
        "published_at": _moment(found.published_at),
        "published_until": _moment(found.published_until),
        "updated_at": _moment(found.updated_at),
        "improvements_total": len(found.improvements),
        "improvements_done": results.done_of(found.improvements),
        "signed_on": found.signatures,
        # What was posted before a measure could say when it was verified does not have that.
        "improvements": [{name: row.get(name, "") for name in IMPROVEMENT_FIELDS} for row in found.improvements],
        "effect": _effect(found.effect),
        "corrections": [{"at": _moment(row.at), "note": row.note} for row in found.corrections.all()]
        if found.pk
        else [],
    }


def _effect(kept: dict[str, Any] | None) -> dict[str, Any] | None:
    """What the page says of the months before and after, as numbers; None while it says nothing."""
    if not kept:
        return None
    return {
        "until": kept["until"],
        "months": kept["months"],
        "before": float(kept["before"]),
        "after": float(kept["after"]) if kept["after"] else None,
        "by_month": kept.get("bars", []),
    }


def _moment(value: datetime | None) -> str:
    return timezone.localtime(value).isoformat(timespec="seconds") if value else ""


def csv_lines(*, at: datetime) -> Iterator[str]:
    """The lines of the CSV, newest first."""
    return csv_of(_served(at))


def csv_of(published: Iterable[PublishedResult]) -> Iterator[str]:
    """The lines of the CSV of these results."""
    rows = (as_data(found) | {"signed_on": " ".join(found.signatures)} for found in published)
    return table_files.csv_lines(tuple(FIELDS), ([row[name] for name in FIELDS] for row in rows))


def json_parts(*, at: datetime, changed: datetime) -> Iterator[str]:
    """The JSON document in parts: who publishes, what the fields mean, then the results."""
    head = {
        "title": "投诉处理结果公示",
        "publisher": settings.ORGANISATION["name"],
        "updated_at": _moment(changed),
        "fields": FIELDS | PARTS,
    }
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "results": ['
    separator = "\n"
    for found in _served(at):
        yield separator + json.dumps(as_data(found), ensure_ascii=False)
        separator = ",\n"
    yield "\n]}\n"


def _served(at: datetime) -> Iterator[PublishedResult]:
    served = PublishedResult.objects.served(at=at).order_by("-published_at", "-pk")
    return served.prefetch_related("corrections").iterator(chunk_size=500)
