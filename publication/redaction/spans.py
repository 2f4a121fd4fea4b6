"""What redaction speaks about: spans of the original text, the identities of a case, the result.

All offsets are code points of the text that was handed in, never of a normalised copy (PR-10, PR-11).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

Source = Literal["identity", "pattern", "name", "address"]
Verdict = Literal["pass", "warn", "block"]

# Which finding gives a merged span its type; the extent is always the union.
RANK: dict[str, int] = {"identity": 3, "pattern": 2, "name": 1, "address": 0}


@dataclass(frozen=True, slots=True)
class Hit:
    """A finding in the coordinates of the normalised copy."""

    start: int
    end: int
    type: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Span:
    """One secret in the original text and what is written in its place."""

    start: int
    end: int
    type: str
    source: Source
    confidence: float
    replacement: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """The identities recorded with one case. Values too short to mean anything are ignored by the gate."""

    names: Sequence[str] = ()
    phones: Sequence[str] = ()
    ids: Sequence[str] = ()
    emails: Sequence[str] = ()
    addresses: Sequence[str] = ()
    plates: Sequence[str] = ()
    accounts: Sequence[str] = ()
    wechat: Sequence[str] = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, tuple(getattr(self, field.name)))

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any]) -> Known:
        """Read the JSON form. Raises ValueError naming the field that is unknown or not a list of strings."""
        allowed = {field.name for field in fields(cls)}
        for key, values in data.items():
            if key not in allowed:
                raise ValueError(f"known.{key}: unknown field, expected one of {', '.join(sorted(allowed))}")
            if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
                raise ValueError(f"known.{key}: expected a list of strings")
        return cls(**{key: tuple(values) for key, values in data.items()})


@dataclass(frozen=True, slots=True)
class Redaction:
    """The masked text, how it came about, and whether it may go out (PUB-19)."""

    spans: list[Span]
    output: str
    verdict: Verdict
    reasons: list[str]


def merge(spans: Iterable[Span]) -> Iterator[Span]:
    """Sorted, disjoint spans covering every character that any finding covers."""
    current: Span | None = None
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        if current is None:
            current = span
        elif span.start >= current.end:
            yield current
            current = span
        else:
            lead = max(current, span, key=lambda s: (RANK[s.source], s.end - s.start, s.confidence))
            current = replace(lead, start=current.start, end=max(current.end, span.end))
    if current is not None:
        yield current
