"""The JSON Schema of the open data, so that a program can check what it reads (PUB-25)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from publication.open_data import CORRECTION_FIELDS, EFFECT_FIELDS, FIELDS, IMPROVEMENT_FIELDS, PARTS

_MOMENT = {"type": "string", "format": "date-time"}
_DAY = {"type": "string", "format": "date"}
_NUMBER = {"type": "integer", "minimum": 0}


def _or_empty(kind: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [kind, {"const": ""}]}


# What is more than a text; everything else is a string.
_KINDS: dict[str, dict[str, Any]] = {
    "number": {"type": "string", "pattern": r"^GS-\d{6}-\d{4,8}$"},
    "url": {"type": "string", "format": "uri"},
    "published_at": _MOMENT,
    "published_until": _or_empty(_MOMENT),
    "updated_at": _MOMENT,
    "improvements_total": _NUMBER,
    "improvements_done": _NUMBER,
    "signed_on": {"type": "array", "items": _DAY},
    "content_hash": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
}
_IMPROVEMENT_KINDS: dict[str, dict[str, Any]] = {
    "due_on": _DAY,
    "done_on": _or_empty(_DAY),
    "verified_on": _or_empty(_DAY),
    "state": {"enum": ["open", "done", "verified"]},
    "percent": {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 100}, {"type": "null"}]},
}
_BAR = {
    "type": "object",
    "properties": {"start": _DAY, "count": _NUMBER, "after": {"type": "boolean"}},
    "required": ["start", "count", "after"],
    "additionalProperties": False,
}
_EFFECT_KINDS: dict[str, dict[str, Any]] = {
    "until": _DAY,
    "months": {"type": "integer", "minimum": 1, "maximum": 6},
    "before": {"type": "number", "minimum": 0},
    "after": {"anyOf": [{"type": "number", "minimum": 0}, {"type": "null"}]},
    "by_month": {"type": "array", "items": _BAR},
}


def schema() -> dict[str, Any]:
    """The document as JSON Schema 2020-12, from the same list of fields that the data are written from."""
    improvement = _object(IMPROVEMENT_FIELDS, _IMPROVEMENT_KINDS)
    result = _object(FIELDS, _KINDS)
    effect = {"anyOf": [_object(EFFECT_FIELDS, _EFFECT_KINDS), {"type": "null"}]}
    result["properties"] |= {
        "improvements": {"type": "array", "items": improvement, "description": "改进措施，逐项"},
        "effect": effect | {"description": "公布前后的同类投诉；null 为尚无可说"},
        "corrections": {
            "type": "array",
            "items": _object(CORRECTION_FIELDS, {"at": _MOMENT}),
            "description": "更正说明，最新的在前",
        },
    }
    result["required"] = [*FIELDS, *PARTS]
    head = {"title": "标题", "publisher": "公布单位", "updated_at": "最近更新时间（ISO 8601）"}
    document = _object(head, {"updated_at": _MOMENT})
    document["properties"] |= {
        "fields": {"type": "object", "description": "字段说明"},
        "results": {"type": "array", "items": result, "description": "公示结果，最新的在前"},
    }
    document["required"] = [*head, "fields", "results"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **document}


def _object(fields: dict[str, str], kinds: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """An object with exactly these fields, each with its meaning."""
    properties = {
        name: {**kinds.get(name, {"type": "string"}), "description": meaning} for name, meaning in fields.items()
    }
    return {"type": "object", "properties": properties, "required": list(fields), "additionalProperties": False}


def text() -> str:
    """The schema as it is served."""
    return json.dumps(schema(), ensure_ascii=False, indent=2) + "\n"


def tag() -> str:
    """Changes with every byte of the schema."""
    return hashlib.sha256(text().encode()).hexdigest()[:24]
