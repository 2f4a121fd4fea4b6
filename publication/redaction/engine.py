"""Redaction: find what identifies a person, write what the profile allows, judge the result (PUB-14 to PUB-19).

The order is the order of trust: the identities of this very case first, then validated patterns, then the
recognisers of names and addresses; a person decides last. What must never be posted is decided by ``leaks``.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from publication.redaction import identity
from publication.redaction.detectors import accounts, addresses, contacts, documents, moments, names, phones, vehicles
from publication.redaction.normalise import View, plain
from publication.redaction.profiles import Row, profile_named, write
from publication.redaction.spans import Hit, Known, Redaction, Source, Span, Verdict, merge

ENGINE_VERSION = "5"
# What texts that are signed or posted may have been masked with.
EARLIER_VERSIONS = ("1", "2", "3", "4")

_PATTERNS = (phones, documents, accounts, vehicles, contacts, moments)
# Below this a finding is a guess that a person should look at.
CERTAIN = 0.8
_FORM_AFTER = re.compile(r"[ ]?(先生|女士|小姐|太太)|[ ]?[(,、][ ]?(男|女)(?=[,、)。;0-9 ]|性|$)")
_FORMS = {"男": "先生", "女": "女士", "小姐": "女士", "太太": "女士"}
_PARTIAL_LEFT = {
    "partial:phone": re.compile(r"(?<![0-9])1[0-9]{2}\*{4}[0-9]{4}(?![0-9])"),
    "partial:id_number": re.compile(r"\*{6,}[0-9]{3}[0-9Xx](?![0-9A-Za-z])"),
}
# Masking can bring words together that were apart; a few rounds settle it.
_ROUNDS = 4


def _spans(view: View, hits: Iterable[Hit], source: Source) -> Iterator[Span]:
    for hit in hits:
        start, end = view.locate(hit.start, hit.end)
        yield Span(start, end, hit.type, source, hit.confidence)


def _patterns(view: View) -> Iterator[Hit]:
    for detector in _PATTERNS:
        yield from detector.find(view)


def leaks(text: str, known: Known | None = None) -> list[Span]:
    """What must not be posted: known identities in any spelling, and validated patterns that are not masked.

    An empty list is the condition for posting (PUB-19, PR-09).
    """
    view = View.of(text)
    return list(merge(_certain(view, _patterns(view), identity.find(view, known))))


def find(text: str, known: Known | None = None) -> list[Span]:
    """Every secret in the text, without replacements."""
    return _Findings(text, known).spans


def redact(text: str, known: Known | None = None, profile: str | Mapping[str, Row] = "standard") -> Redaction:
    """Mask a text under a shipped profile, or under rows of one's own. Accepts any string; raises only UnknownProfile.

    The output is stable (masking it again changes nothing), and ``block`` means that it must not be posted.
    """
    rows = profile_named(profile) if isinstance(profile, str) else profile
    found = _Findings(text, known)
    forms = _forms_of_address(found, known)
    spans = [_written(span, text, rows, forms) for span in found.spans]
    output, left = _apply(text, spans), found
    for _ in range(_ROUNDS if spans else 0):
        left = _Findings(output, known)
        again = [_written(span, output, rows, forms) for span in left.spans]
        fresh = [span for span in again if output[span.start : span.end] != span.replacement]
        if not fresh:
            break
        merged = merge([*spans, *_traced_back(fresh, spans)])
        spans = [_written(span, text, rows, forms) for span in merged]
        output = _apply(text, spans)
    blocking = list(merge(left.certain))
    reasons = {f"leak:{span.type}" for span in blocking}
    reasons |= {f"low_confidence:{span.type}" for span in spans if span.confidence < CERTAIN}
    reasons |= {f"partial:{span.type}" for span in spans if span.replacement != rows[span.type].token}
    reasons |= {reason for reason, pattern in _PARTIAL_LEFT.items() if pattern.search(output)}
    verdict: Verdict = "block" if blocking else "warn" if reasons else "pass"
    return Redaction(spans, output, verdict, sorted(reasons))


class _Findings:
    """Everything found in one text."""

    def __init__(self, text: str, known: Known | None) -> None:
        self.view = view = View.of(text)
        patterns = list(_patterns(view))
        self.identities = list(identity.find(view, known))
        self.persons = list(names.find(view))
        self.certain = list(_certain(view, patterns, self.identities))
        self.spans = list(
            merge(
                [
                    *_spans(view, self.identities, "identity"),
                    *_spans(view, patterns, "pattern"),
                    *_spans(view, self.persons, "name"),
                    *_spans(view, addresses.find(view), "address"),
                ]
            )
        )


def _certain(view: View, patterns: Iterable[Hit], identities: Iterable[Hit]) -> Iterator[Span]:
    """The findings that block: any known identity, and patterns beyond guessing."""
    yield from _spans(view, identities, "identity")
    yield from _spans(view, (hit for hit in patterns if hit.confidence >= CERTAIN), "pattern")


def _written(span: Span, text: str, rows: Mapping[str, Row], forms: Mapping[str, str]) -> Span:
    secret = text[span.start : span.end]
    after = text[span.end : span.end + 4]
    return replace(span, replacement=write(rows[span.type], secret, after=after, form=forms.get(plain(secret), "")))


def _apply(text: str, spans: Iterable[Span]) -> str:
    pieces: list[str] = []
    at = 0
    for span in spans:
        pieces += [text[at : span.start], span.replacement]
        at = span.end
    return "".join([*pieces, text[at:]])


def _traced_back(fresh: Iterable[Span], spans: list[Span]) -> Iterator[Span]:
    """Findings in the output, in the coordinates of the text it was made from; a replacement counts as its secret."""
    firsts: list[int] = []
    lasts: list[int] = []
    shift = 0
    for span in spans:
        firsts.append(span.start + shift)
        shift += len(span.replacement) - (span.end - span.start)
        lasts.append(span.end + shift)

    def origin(position: int, *, end: bool) -> int:
        index = (bisect_left if end else bisect_right)(firsts, position) - 1
        if index < 0:
            return position
        if position < lasts[index] or (end and position == lasts[index]):
            return spans[index].end if end else spans[index].start
        return position - lasts[index] + spans[index].end

    for span in fresh:
        yield replace(span, start=origin(span.start, end=False), end=origin(span.end, end=True))


def _forms_of_address(found: _Findings, known: Known | None) -> dict[str, str]:
    """Names of this text whose bearer is called 先生 or 女士 somewhere in the text or in the recorded identity."""
    forms: dict[str, str] = {}
    text = found.view.text
    for hit in [*found.identities, *found.persons]:
        match = _FORM_AFTER.match(text, hit.end) if hit.type == "person" else None
        if match:
            word = match.group(1) or match.group(2)
            forms[text[hit.start : hit.end]] = _FORMS.get(word, word)
    for value in known.names if known else ():
        for word in ("先生", "女士"):
            if value.endswith(word):
                forms[plain(value).removesuffix(word).strip()] = word
    return forms
