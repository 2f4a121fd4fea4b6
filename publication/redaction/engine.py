"""Redaction: find what identifies a person, write what the profile allows, judge the result (PUB-14 to PUB-19).

The order is the order of trust: the identities of this very case first, then validated patterns, then the
recognisers of names and addresses; a person decides last. What must never be posted is decided by ``leaks``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from publication.redaction import identity
from publication.redaction.detectors import accounts, addresses, contacts, documents, moments, names, phones, vehicles
from publication.redaction.normalise import View, plain
from publication.redaction.profiles import profile_named, write
from publication.redaction.spans import Hit, Known, Redaction, Source, Span, Verdict, merge

ENGINE_VERSION = "1"

_PATTERNS = (phones, documents, accounts, vehicles, contacts, moments)
# Below this a finding is a guess that a person should look at.
CERTAIN = 0.8
_FORM_AFTER = re.compile(r"[ ]?(先生|女士|小姐|太太)|[ ]?[(,、][ ]?(男|女)(?=[,、)。;0-9 ]|性|$)")
_FORMS = {"男": "先生", "女": "女士", "小姐": "女士", "太太": "女士"}
_PARTIAL_LEFT = re.compile(r"(?<![0-9])1[0-9]{2}\*{4}[0-9]{4}(?![0-9])|\*{6,}[0-9]{3}[0-9Xx]")


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
    return _leaks(view, known)


def _leaks(view: View, known: Known | None) -> list[Span]:
    certain = (hit for hit in _patterns(view) if hit.confidence >= CERTAIN)
    found = [*_spans(view, identity.find(view, known), "identity"), *_spans(view, certain, "pattern")]
    return list(merge(found))


def find(text: str, known: Known | None = None) -> list[Span]:
    """Every secret in the text, without replacements."""
    view = View.of(text)
    return list(_find(view, list(identity.find(view, known)), list(names.find(view))))


def _find(view: View, identities: list[Hit], persons: list[Hit]) -> Iterator[Span]:
    return merge(
        [
            *_spans(view, identities, "identity"),
            *_spans(view, _patterns(view), "pattern"),
            *_spans(view, persons, "name"),
            *_spans(view, addresses.find(view), "address"),
        ]
    )


def redact(text: str, known: Known | None = None, profile: str = "standard") -> Redaction:
    """Mask a text under a profile. Accepts any string; raises only UnknownProfile."""
    rows = profile_named(profile)
    view = View.of(text)
    identities, persons = list(identity.find(view, known)), list(names.find(view))
    forms = _forms_of_address(view, [*identities, *persons], known)
    spans: list[Span] = []
    pieces: list[str] = []
    reasons: set[str] = set()
    at = 0
    for span in _find(view, identities, persons):
        secret = text[span.start : span.end]
        replacement, partial = write(
            rows[span.type],
            secret,
            after=text[span.end : span.end + 4],
            form=forms.get(plain(secret), ""),
        )
        spans.append(replace(span, replacement=replacement))
        pieces += [text[at : span.start], replacement]
        at = span.end
        if partial:
            reasons.add(f"partial:{span.type}")
        if span.confidence < CERTAIN:
            reasons.add(f"low_confidence:{span.type}")
    output = "".join([*pieces, text[at:]])
    if _PARTIAL_LEFT.search(output):
        reasons.add("partial:number")
    verdict: Verdict = "warn" if reasons else "pass"
    left = leaks(output, known)
    if left:
        verdict = "block"
        reasons |= {f"leak:{span.type}" for span in left}
    return Redaction(spans, output, verdict, sorted(reasons))


def _forms_of_address(view: View, hits: list[Hit], known: Known | None) -> dict[str, str]:
    """Names of this text whose bearer is called 先生 or 女士 somewhere in the text or in the recorded identity."""
    forms: dict[str, str] = {}
    for hit in hits:
        if hit.type != "person":
            continue
        match = _FORM_AFTER.match(view.text, hit.end)
        if match:
            word = match.group(1) or match.group(2)
            forms[view.text[hit.start : hit.end]] = _FORMS.get(word, word)
    for value in known.names if known else ():
        for word in ("先生", "女士"):
            if value.endswith(word):
                forms[plain(value).removesuffix(word).strip()] = word
    return forms
