"""What the editor's page shows of one publication: elements, remarks with fixes, redactions, signatures."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.forms import BoundField
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from publication import content, content_files, findings, gate, permissions, vague_words
from publication.models import Publication, PublishedFile, PublishedResult, RedactionSpan, VagueWord
from publication.states import ELEMENTS, MOVES, PublicationStatus, SpanDecision

P = PublicationStatus

# The words of the office; the public reads its own (publication.states.Element).
LABELS: dict[str, Promise] = {
    "title": gettext_lazy("Title"),
    "summary": gettext_lazy("Answer in one sentence"),
    "subject": gettext_lazy("Subject of the complaint"),
    "cause": gettext_lazy("Cause of the complaint"),
    "investigation": gettext_lazy("Investigation and key evidence"),
    "responsibility": gettext_lazy("Finding of responsibility"),
    "result": gettext_lazy("Result of the handling"),
    "improvement": gettext_lazy("Improvement measures"),
}
# What else may stand between a publication and the public.
BESIDE: dict[str, Promise] = {
    "files": gettext_lazy("Attachments"),
    "gate": gettext_lazy("Questions before publication"),
}
# What the button sends that drafts empty elements from the records.
FROM_RECORDS = "records"
# Which of the six marks of the style sheet shows a type; what staff call it stands in `findings`.
_MARKS: dict[str, str] = {
    "person": "name",
    **dict.fromkeys(("phone", "landline", "email", "qq", "wechat", "handle"), "phone"),
    **dict.fromkeys(("id_number", "passport", "permit", "birth_date"), "id"),
    **dict.fromkeys(("bank_card", "account", "license_plate"), "org"),
    **dict.fromkeys(("address", "coordinates"), "addr"),
    **dict.fromkeys(("manual", "combination"), "health"),
}
# Each mark once, called as the first type it shows.
LEGEND = tuple({mark: (mark, findings.LABELS[kind]) for kind, mark in reversed(_MARKS.items())}.values())[::-1]


# --- Elements -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fix:
    """A word that promises nothing and what could stand there instead; `value` is what the button sends."""

    word: str
    replacements: tuple[tuple[str, str], ...]
    question: str


@dataclass(frozen=True)
class Piece:
    """A stretch of a text; `mark` is "" (plain), "lint", "fig" (no evidence) or "fig-ok"."""

    text: str
    mark: str = ""


@dataclass(frozen=True)
class ElementRow:
    """One text as the editor sees it."""

    name: str
    number: int
    label: str
    text: str
    tone: str
    verdict: str
    pieces: list[Piece]
    fixes: list[Fix]
    unlinked: list[str]
    linked: list[tuple[str, str]]
    offers: list[tuple[str, str]]  # each figure without evidence and the record that states it, "" where none does
    problem: str = ""
    bound: BoundField | None = None


def elements(publication: Publication, form: Any = None, problems: dict[str, str] | None = None) -> list[ElementRow]:
    """The six elements in the order of the public, each with its remarks (PUB-03…10, PUB-13)."""
    evidence = {(row.field, row.figure): row.evidence for row in publication.figures.all()}
    suggestions, words = _suggestions(publication), vague_words.active()
    stated = content.evidence_offered(publication) if publication.status == P.DRAFT else {}
    masked = {span.field for span in publication.spans.all() if span.decision != SpanDecision.KEPT}
    pending = {span.field for span in publication.spans.all() if span.decision == SpanDecision.PENDING}
    rows = []
    for number, name in enumerate(ELEMENTS, start=1):
        text = getattr(publication, name)
        rows_found = vague_words.found_in(text, words)
        vague = [row.word for row in rows_found]
        figures = content.figures(text, name)
        unlinked = [figure for figure in figures if (name, figure) not in evidence]
        undated = name == "improvement" and not (publication.improvements.all() and vague_words.is_definite(text))
        tone, verdict = _verdict(text, vague, unlinked, undated=undated, masked=name in masked, pending=name in pending)
        rows.append(
            ElementRow(
                name=name,
                number=number,
                label=str(LABELS[name]),
                text=text,
                tone=tone,
                verdict=verdict,
                pieces=_pieces(text, vague, figures, unlinked),
                fixes=[_fix(name, row, suggestions) for row in rows_found],
                unlinked=unlinked,
                linked=[(figure, evidence[name, figure]) for figure in figures if (name, figure) in evidence],
                offers=[(figure, stated.get(content.bare(figure), "")) for figure in unlinked],
                problem=(problems or {}).get(name, ""),
                bound=form[name] if form else None,
            )
        )
    return rows


def _verdict(
    text: str, vague: list[str], unlinked: list[str], *, undated: bool, masked: bool, pending: bool
) -> tuple[str, str]:
    if not text.strip():
        return "bad", _("empty")
    if vague:
        return "bad", _("vague words")
    if undated:
        return "bad", _("no improvement with a date")
    if pending:
        return "warn", _("redaction to be decided")
    if unlinked:
        return "warn", _("%(n)s figure(s) without evidence") % {"n": len(unlinked)}
    return "ok", _("masked") if masked else _("complete")


def _suggestions(publication: Publication) -> dict[str, list[str]]:
    """Concrete dates and departments from the records of the case."""
    measures = list(publication.improvements.all())
    departments = [publication.department, *(row.department for row in measures)]
    departments += [row.department for row in publication.complaint.responsibilities.select_related("department")]
    days = sorted({row.due_on for row in measures})
    return {
        "dates": [vague_words.written(day) for day in days][:2] + vague_words.dates(timezone.localdate()),
        "departments": list(dict.fromkeys(row.name for row in departments if row))[:3],
    }


def _fix(name: str, row: VagueWord, suggestions: dict[str, list[str]]) -> Fix:
    if row.asks_date:
        found = suggestions["dates"]
    else:
        found = suggestions["departments"] if vague_words.names_nobody(row) else []
    return Fix(row.word, tuple((text, f"{name}|{row.word}|{text}") for text in found), row.advice)


def replacement(publication: Publication, value: str) -> tuple[str, str, str] | None:
    """(field, word, new words) of a fix button; None for anything the page did not offer."""
    name, _bar, rest = value.partition("|")
    word = rest.partition("|")[0]
    row = next((row for row in vague_words.active() if row.word == word), None)
    if name not in ELEMENTS or row is None:
        return None
    offered = {sent: text for text, sent in _fix(name, row, _suggestions(publication)).replacements}
    return (name, word, offered[value]) if value in offered else None


def _pieces(text: str, vague: list[str], figures: list[str], unlinked: list[str]) -> list[Piece]:
    marks = {**dict.fromkeys(figures, "fig-ok"), **dict.fromkeys(unlinked, "fig"), **dict.fromkeys(vague, "lint")}
    if not marks:
        return [Piece(text)]
    longest = sorted(marks, key=len, reverse=True)
    parts = re.split("(" + "|".join(map(re.escape, longest)) + ")", text)
    return [Piece(part, marks.get(part, "") if number % 2 else "") for number, part in enumerate(parts) if part]


@dataclass(frozen=True)
class Meter:
    """How complete the six elements are."""

    done: int
    parts: list[str]
    label: str
    words: str


def meter(rows: list[ElementRow]) -> Meter:
    done = sum(row.tone == "ok" for row in rows)
    bad, warn = sum(row.tone == "bad" for row in rows), sum(len(row.unlinked) for row in rows)
    words = []
    if bad:
        words.append(_("%(n)s to mend") % {"n": bad})
    if warn:
        words.append(_("%(n)s without evidence") % {"n": warn})
    parts = ["on" if row.tone == "ok" else "half" if row.text.strip() else "" for row in rows]
    return Meter(done, parts, _("%(done)s of 6 elements are complete") % {"done": done}, _(", ").join(words))


# --- Redactions ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mark:
    """A span with its place in the list, its original words and how it is drawn."""

    span: RedactionSpan
    number: int
    words: str
    mark: str
    type_label: str
    may_keep: bool
    error: str = ""

    @property
    def percent(self) -> int:
        return round(self.span.confidence * 100)


@dataclass(frozen=True)
class MaskedText:
    """One text twice: with its spans, and as the public reads it."""

    name: str
    label: str
    original: list[tuple[str, Mark | None]]
    shown: list[tuple[str, bool]] = field(default_factory=list)


def marks(publication: Publication, errors: dict[int, str] | None = None) -> list[Mark]:
    """Every span, in the order of the texts."""
    order = {name: position for position, name in enumerate(content.TEXT_FIELDS)}
    spans = sorted(publication.spans.all(), key=lambda span: (order.get(span.field, 99), span.start))
    return [
        Mark(
            span,
            number,
            getattr(publication, span.field)[span.start : span.end],
            *_look(span.type),
            may_keep=span.source != "identity",
            error=(errors or {}).get(span.pk, ""),
        )
        for number, span in enumerate(spans, start=1)
    ]


def _look(kind: str) -> tuple[str, str]:
    return _MARKS.get(kind, "health"), findings.label(kind)


def masked_texts(publication: Publication, found: list[Mark]) -> list[MaskedText]:
    """Original and public version of every text that is not empty."""
    texts = []
    for name in content.TEXT_FIELDS:
        text = getattr(publication, name)
        if not text.strip():
            continue
        original: list[tuple[str, Mark | None]] = []
        shown: list[tuple[str, bool]] = []
        position = 0
        for mark in (mark for mark in found if mark.span.field == name):
            span = mark.span
            if span.start < position:
                continue
            plain = text[position : span.start]
            kept = span.decision == SpanDecision.KEPT
            original += [(plain, None), (mark.words, mark)]
            shown += [(plain, False), (mark.words if kept else span.replacement, not kept)]
            position = span.end
        original.append((text[position:], None))
        shown.append((text[position:], False))
        texts.append(
            MaskedText(
                name, str(LABELS[name]), [part for part in original if part[0]], [part for part in shown if part[0]]
            )
        )
    return texts


def places(text: str, words: str, taken: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Where the words stand in the text, in code points, outside what is marked already."""
    marked = list(taken)
    found = [(match.start(), match.end()) for match in re.finditer(re.escape(words), text)] if words else []
    return [(start, end) for start, end in found if not any(start < stop and begin < end for begin, stop in marked)]


def kind_label(kind: str) -> str:
    """What staff call a type of finding."""
    return _look(kind)[1]


# --- Signatures and what is missing ----------------------------------------------------------------


@dataclass(frozen=True)
class Sign:
    """One of the three signatures: who and when, or why it cannot be given now."""

    action: str
    label: str
    name: str
    at: datetime | None
    note: str
    ready: bool


_SIGNS = (
    ("first_check", gettext_lazy("First check"), "first_checker", "first_checked_at", P.FIRST_CHECK),
    ("second_check", gettext_lazy("Second check"), "second_checker", "second_checked_at", P.SECOND_CHECK),
    (
        "pass_masking",
        gettext_lazy("Legal: masking and wording"),
        "masking_reviewer",
        "masking_reviewed_at",
        P.MASKING_REVIEW,
    ),
)


def signs(publication: Publication, user: User) -> list[Sign]:
    """The signatures in their order, with the reason why this person cannot give one (PUB-12, PUB-18)."""
    found = []
    for action, label, person, moment, status in _SIGNS:
        signer = getattr(publication, person)
        refusal = permissions.refusal(user, action, publication)
        turn = publication.status == status
        note = "" if signer else refusal or ("" if turn else _("It is not the turn of this step yet."))
        found.append(
            Sign(
                action,
                str(label),
                signer.display_name if signer else "",
                getattr(publication, moment),
                note,
                turn and not refusal,
            )
        )
    return found


@dataclass(frozen=True)
class Todo:
    """Something between this publication and the public."""

    tone: str  # bad, warn, todo, ok
    text: str
    target: str = ""


def todo(publication: Publication, rows: list[ElementRow], found: list[Mark], given: list[Sign]) -> list[Todo]:
    """What is still missing before it can be published, with where to mend it."""
    if publication.status not in (P.DRAFT, P.FIRST_CHECK, P.SECOND_CHECK, P.MASKING_REVIEW, P.APPROVED):
        return []
    items = [
        Todo("bad", _("%(element)s: %(what)s") % {"element": row.label, "what": row.verdict}, f"element-{row.name}")
        for row in rows
        if row.tone == "bad"
    ]
    if not publication.title.strip():
        items.insert(0, Todo("bad", _("The title is missing."), "id_title"))
    items += [
        Todo("warn", _("Link evidence to “%(figure)s”") % {"figure": figure}, f"element-{row.name}")
        for row in rows
        for figure in (row.unlinked if publication.status == P.DRAFT else ())
    ]
    items += [
        Todo("bad" if publication.status == P.DRAFT else "warn", remark.text, f"id_{remark.field}")
        for remark in content.remarks(publication)
        if remark.kind == "figure" and remark.field in content.REPEATING
    ]
    closed = gate.problem(publication)
    if closed:
        items.append(Todo("bad", closed, "element-gate"))
    items += [Todo("bad", words, "element-files") for _row, words in content_files.problems(publication)]
    unseen = len(content_files.unseen(publication))
    if unseen:
        items.append(Todo("todo", _("Copies a second person has to look at: %(n)s") % {"n": unseen}, "element-files"))
    undecided = sum(mark.span.decision == SpanDecision.PENDING for mark in found)
    if undecided:
        items.append(Todo("todo", _("%(n)s redactions to be decided") % {"n": undecided}, "redactions"))
    unsigned = [sign.label for sign in given if not sign.name]
    if unsigned:
        items.append(Todo("todo", _("Signatures: %(names)s") % {"names": _(", ").join(unsigned)}, "signatures"))
    return items


# --- As the public would read it -------------------------------------------------------------------


def as_published(publication: Publication, *, at: datetime) -> PublishedResult:
    """The row that publishing now would post, not saved."""
    data = content.snapshot(publication)
    signed = (publication.first_checked_at, publication.second_checked_at, publication.masking_reviewed_at)
    shown = PublishedResult(
        publication_number=publication.number,
        published_at=publication.publish_at or at,
        updated_at=publication.publish_at or at,
        published_until=publication.publish_until,
        content_hash=content.content_hash(publication),
        signatures=[timezone.localdate(moment).isoformat() for moment in signed if moment],
        **{name: value for name, value in data.items() if name != "published_until"},
    )
    shown.copies = [  # type: ignore[attr-defined]  # what `public_views.article` takes for files not yet posted
        PublishedFile(
            title=row.title,
            description=row.description,
            sha256=row.rendered_id or "",
            size=row.rendered.size if row.rendered else 0,
            content_type=row.rendered.content_type if row.rendered else "",
            pages=row.pages,
        )
        for row in publication.files.select_related("rendered")
    ]
    return shown


def shown_actions(publication: Publication, user: User) -> list[str]:
    """Actions for the bar at the foot of the page; the others have their own place."""
    beside = ("edit", "decide_span", "first_check", "second_check", "pass_masking")
    return [move.action for move in permissions.available_actions(publication, user) if move.action not in beside]


def label_of(action: str) -> str:
    return str(MOVES[action].label)
