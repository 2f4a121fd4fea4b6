"""Official statements: written, checked by a second person, passed by legal as a third, posted (RISK-25).

A signature names the hash of exactly the words that would be shown: any edit voids both signatures, and posting
compares the hash once more under the lock. Lock order: the linked cases by number of row, then the statement.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import takedowns
from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import User
from complaints import identity
from complaints import transitions as case_transitions
from complaints.models import CaseEvent, Complaint
from complaints.states import Audience
from publication import content, findings, gone
from publication.models import Statement
from publication.redaction import leaks
from publication.states import GoneKind, StatementStatus

WRITERS = ("publication.compose", "complaints.manage_risk")
READERS = ("publication.view_publications", *WRITERS)
TAKE_DOWN = "publication.takedown"

# What the public reads, in this order, and what each text is called. Only the channels may stay empty.
LABELS: dict[str, Any] = {
    "title": _("Title"),
    "facts": _("What happened"),
    "apology": _("Apology"),
    "cause": _("How it came about"),
    "remedy": _("What we do about it"),
    "contact": _("Whom to turn to"),
    "channels": _("Also released through"),
}
PARTS = ("facts", "apology", "cause", "remedy")
LIMITS = {"title": 80, "contact": 200, "channels": 200}
LONGEST = 5000
MAX_CASES = 20
# An office names its own number and mailbox where it says whom to turn to; known identities are refused there too.
OFFICE_CONTACT = ("landline", "email")
_WRITING = ("statement_draft", "statement_edit")


@dataclass(frozen=True)
class Move:
    """What may be done from which statuses, by holders of one of the permissions.

    `by_writer` says whether somebody who wrote a part of the statement may do it.
    """

    action: str
    sources: tuple[StatementStatus, ...]
    target: StatementStatus
    permissions: tuple[str, ...]
    label: Any
    by_writer: bool = True


_S = StatementStatus
_WITH_CHECKERS = (_S.CHECK, _S.LEGAL, _S.APPROVED)
MOVES: dict[str, Move] = {
    move.action: move
    for move in (
        Move("edit", (_S.DRAFT, *_WITH_CHECKERS), _S.DRAFT, WRITERS, _("Edit")),
        Move("submit", (_S.DRAFT,), _S.CHECK, WRITERS, _("Submit for the check")),
        Move("check", (_S.CHECK,), _S.LEGAL, ("publication.first_check",), _("Sign the check"), by_writer=False),
        Move(
            "pass_legal", (_S.LEGAL,), _S.APPROVED, ("publication.review_masking",), _("Sign for legal"),
            by_writer=False,
        ),
        Move(
            "give_back", _WITH_CHECKERS, _S.DRAFT,
            ("publication.first_check", "publication.review_masking", "publication.publish"), _("Give back"),
        ),
        Move(
            "publish", (_S.APPROVED,), _S.POSTED, ("publication.publish", "complaints.manage_risk"), _("Publish"),
            by_writer=False,
        ),
        Move("take_down", (_S.POSTED,), _S.WITHDRAWN, (TAKE_DOWN,), _("Take down")),
    )
}  # fmt: skip


def visible_to(user: User) -> QuerySet[Statement]:
    """Who writes, checks or approves reads every statement; who may only take down reads what is posted."""
    if user.is_active and any(user.has_perm(name) for name in READERS):
        return Statement.objects.all()
    if user.is_active and user.has_perm(TAKE_DOWN):
        return Statement.objects.filter(status=StatementStatus.POSTED)
    return Statement.objects.none()


def linked(statement_id: int) -> list[int]:
    """The keys of the cases a statement is about."""
    links = Statement.complaints.through.objects.filter(statement=statement_id)
    return sorted(links.values_list("complaint", flat=True))


def events_of(statement: Statement) -> list[CaseEvent]:
    """What was done with the statement, oldest first. Every linked case has a row of it; each act is told once."""
    rows = CaseEvent.objects.filter(complaint__in=linked(statement.pk), reference=_reference(statement))
    acts = {(row.at, row.kind): row for row in rows.select_related("actor").order_by("at", "pk")}
    return list(acts.values())


def writers(statement: Statement) -> set[int]:
    """Everybody who wrote a part of it; none of them checks, passes or publishes it."""
    rows = CaseEvent.objects.filter(
        complaint__in=linked(statement.pk), kind__in=_WRITING, reference=_reference(statement)
    ).exclude(actor=None)
    return {statement.author_id, *rows.values_list("actor", flat=True)}


def refusal(user: User, action: str, statement: Statement, *, wrote: set[int] | None = None) -> Any:
    """Why the person may not; "" when they may. `wrote` spares reading the writers again."""
    move = MOVES[action]
    if not user.is_active or not any(user.has_perm(name) for name in move.permissions):
        return _("Your role does not allow this.")
    if move.by_writer:
        return ""
    if user.pk in (writers(statement) if wrote is None else wrote):
        return _("You wrote a part of this; another person signs and posts it.")
    if action == "pass_legal" and user.pk == statement.checker_id:
        return _("You made the check; a third person signs for legal.")
    return ""


def available(statement: Statement, user: User) -> list[Move]:
    """What this person can do with the statement now."""
    wrote = writers(statement)
    return [
        move
        for move in MOVES.values()
        if statement.status in move.sources and not refusal(user, move.action, statement, wrote=wrote)
    ]


def text_hash(statement: Statement) -> str:
    """SHA-256 of the words the public would read, as canonical JSON; this is what a signature names."""
    shown = {name: getattr(statement, name) for name in LABELS}
    return hashlib.sha256(json.dumps(shown, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def leaking(statement: Statement, cases: Iterable[Complaint]) -> list[tuple[str, str]]:
    """What identifies somebody, as (field, kind of finding): known identities of the cases in any spelling, patterns.

    Not empty: the statement is neither submitted nor posted.
    """
    found = []
    for complaint in cases:
        known = content.known_identity(complaint)
        for name in LABELS:
            text = getattr(statement, name)
            found += [
                (name, span.type)
                for span in leaks(text, known)
                if not (name == "contact" and span.source == "pattern" and span.type in OFFICE_CONTACT)
            ]
            if complaint.number in text:
                found.append((name, "case_number"))
    return found


# --- Writing --------------------------------------------------------------------------------------


@transaction.atomic
def draft(complaint_ids: Iterable[int], *, by: User, at: datetime | None = None, **texts: str) -> Statement:
    """Write a statement about one or more cases (RISK-25).

    Raises NotAllowed without the right to write, InvalidInput at `cases` or at the text that is missing or too long.
    """
    at = at or timezone.now()
    if not any(by.has_perm(name) for name in WRITERS):
        raise NotAllowed(_("Your role does not allow this."))
    values = _clean({name: texts.pop(name, "") for name in LABELS} | texts)
    cases = [case_transitions.lock(pk) for pk in _visible(complaint_ids, by)]
    if not cases:
        raise InvalidInput("cases", _("Name at least one case."))
    statement = Statement.objects.create(version=1, author=by, created_at=at, **values)
    statement.complaints.set(cases)
    _log(statement, cases, "draft", by=by, at=at)
    return statement


@transaction.atomic
def edit(
    statement_id: int,
    *,
    by: User,
    complaint_ids: Iterable[int] = (),
    version: int | None = None,
    at: datetime | None = None,
    **texts: str,
) -> Statement:
    """Change texts or link further cases: a draft again, both signatures void.

    Cases are added and never taken off: their logs say who wrote. Raises NotAllowed, StaleVersion,
    IllegalTransition, InvalidInput as `draft` does.
    """
    at = at or timezone.now()
    added = _visible(complaint_ids, by)
    statement, cases = _begin(statement_id, "edit", by=by, version=version, added=added)
    for name, value in _clean(texts).items():
        setattr(statement, name, value)
    _void_signatures(statement)
    statement.complaints.add(*added)
    return _finish(statement, cases, "edit", by=by, at=at)


def _visible(complaint_ids: Iterable[int], user: User) -> list[int]:
    wanted = set(complaint_ids)
    if len(wanted) > MAX_CASES:
        raise InvalidInput("cases", _("Link at most %(limit)s cases."), limit=MAX_CASES)
    seen = set(Complaint.objects.visible_to(user).filter(pk__in=wanted).values_list("pk", flat=True)) if wanted else ()
    if len(seen) < len(wanted):
        raise InvalidInput("cases", _("One of these cases does not exist or is not yours to see."))
    return sorted(wanted)


def _clean(texts: dict[str, str]) -> dict[str, str]:
    values = {}
    for name, value in texts.items():
        if name not in LABELS:
            raise InvalidInput(name, _("This field cannot be set."))
        # Line ends as one character, so that the same words have the same hash everywhere.
        values[name] = value.replace("\r\n", "\n").strip()
        limit = LIMITS.get(name, LONGEST)
        if "\x00" in value or len(values[name]) > limit:
            raise InvalidInput(name, _("Please shorten this to %(limit)s characters."), limit=limit)
        if not values[name] and name != "channels":
            raise InvalidInput(name, _("Fill this in."))
    return values


# --- Signing and posting --------------------------------------------------------------------------


@transaction.atomic
def submit(statement_id: int, *, by: User, version: int | None = None, at: datetime | None = None) -> Statement:
    """Hand the draft to a second person. Raises InvalidInput at the text that still identifies somebody."""
    at = at or timezone.now()
    statement, cases = _begin(statement_id, "submit", by=by, version=version)
    _refuse_leak(statement, cases)
    return _finish(statement, cases, "submit", by=by, at=at)


@transaction.atomic
def check(statement_id: int, *, by: User, version: int | None = None, at: datetime | None = None) -> Statement:
    """A second person, who wrote nothing of it, signs the words. Raises NotAllowed, StaleVersion, IllegalTransition."""
    at = at or timezone.now()
    statement, cases = _begin(statement_id, "check", by=by, version=version)
    statement.checker, statement.checked_at, statement.signed_hash = by, at, text_hash(statement)
    return _finish(statement, cases, "check", by=by, at=at)


@transaction.atomic
def pass_legal(statement_id: int, *, by: User, version: int | None = None, at: datetime | None = None) -> Statement:
    """Legal, a third person, signs the same words. Raises StaleVersion when they are not the words checked before."""
    at = at or timezone.now()
    statement, cases = _begin(statement_id, "pass_legal", by=by, version=version)
    _require_signed_words(statement)
    statement.legal, statement.legal_at = by, at
    return _finish(statement, cases, "pass_legal", by=by, at=at)


@transaction.atomic
def give_back(
    statement_id: int, *, by: User, reason: str, version: int | None = None, at: datetime | None = None
) -> Statement:
    """Back to a draft with the reason; the signatures are void. Raises InvalidInput without a reason."""
    at = at or timezone.now()
    statement, cases = _begin(statement_id, "give_back", by=by, version=version)
    note = _reason(reason, _("Say what has to be corrected."))
    _void_signatures(statement)
    return _finish(statement, cases, "give_back", by=by, at=at, note=note)


@transaction.atomic
def publish(statement_id: int, *, by: User, version: int | None = None, at: datetime | None = None) -> Statement:
    """Post exactly the words that both signed, unless anything in them identifies somebody (RISK-25).

    Raises StaleVersion when the words are not those signed, InvalidInput at the text that identifies somebody.
    """
    at = at or timezone.now()
    statement, cases = _begin(statement_id, "publish", by=by, version=version)
    _require_signed_words(statement)
    _refuse_leak(statement, cases)
    statement.posted_by, statement.posted_at = by, at
    return _finish(statement, cases, "publish", by=by, at=at)


@transaction.atomic
def take_down(
    statement_id: int, *, by: User | None, reason: str, version: int | None = None, at: datetime | None = None
) -> Statement:
    """Take a posted statement down for good; one person is enough. Raises InvalidInput without a reason.

    by=None repeats a take-down after a restore.
    """
    at = at or timezone.now()
    statement, cases = _begin(statement_id, "take_down", by=by, version=version)
    note = _reason(reason, _("Give the reason for taking it down."))
    statement.withdrawn_by, statement.withdrawn_at, statement.withdrawal_reason = by, at, note
    if by is not None:  # what a restore repeats stands in the journal already
        takedowns.note(takedowns.What.STATEMENT, statement.public_id, at=at)
    return _finish(statement, cases, "take_down", by=by, at=at, note=note)


@transaction.atomic
def keep_down(public_id: str, *, at: datetime) -> bool:
    """Repeat a take-down that a restored database does not know of (DL-04, I8). False when there is nothing to do.

    What is still being checked becomes a draft again, so that nobody posts it without being told. An address
    that was given after the backup stays gone (410).
    """
    statement = Statement.objects.filter(public_id=public_id).first()
    reason = gettext("Taken down on %(date)s; a restore repeated it.") % {"date": timezone.localdate(at).isoformat()}
    if statement and statement.status == StatementStatus.POSTED:
        take_down(statement.pk, by=None, reason=reason, at=at)
        return True
    if statement and statement.status == StatementStatus.WITHDRAWN:
        return False
    was_unknown = gone.leave(GoneKind.STATEMENT, public_id, at=at)
    if statement and statement.status in _WITH_CHECKERS:
        statement, cases = _begin(statement.pk, "give_back", by=None, version=None)
        _void_signatures(statement)
        _finish(statement, cases, "give_back", by=None, at=at, note=reason)
        return True
    return was_unknown


ACTIONS: dict[str, Callable[..., Statement]] = {
    "submit": submit,
    "check": check,
    "pass_legal": pass_legal,
    "give_back": give_back,
    "publish": publish,
    "take_down": take_down,
}
# Actions that ask for a reason.
REASONED = ("give_back", "take_down")


def _begin(
    statement_id: int, action: str, *, by: User | None, version: int | None, added: Iterable[int] = ()
) -> tuple[Statement, list[Complaint]]:
    """Lock the cases and the statement; check person, version and status."""
    before = linked(statement_id)
    cases = [case_transitions.lock(pk) for pk in sorted({*before, *added})]
    statement = Statement.objects.select_for_update(of=("self",)).get(pk=statement_id)
    reason = refusal(by, action, statement) if by is not None else ""
    if reason:
        raise NotAllowed(reason)
    # A case that was linked between the two locks is not locked itself.
    if version not in (None, statement.version) or linked(statement.pk) != before:
        raise StaleVersion(statement.version)
    move = MOVES[action]
    if statement.status not in move.sources:
        raise IllegalTransition(
            _("“%(action)s” is not possible: the statement is “%(status)s”."),
            action=move.label,
            status=statement.get_status_display(),
        )
    if len(cases) > MAX_CASES:
        raise InvalidInput("cases", _("Link at most %(limit)s cases."), limit=MAX_CASES)
    return statement, cases


def _finish(
    statement: Statement, cases: list[Complaint], action: str, *, by: User | None, at: datetime, note: str = ""
) -> Statement:
    statement.status = MOVES[action].target
    statement.version += 1
    statement.save()
    _log(statement, cases, action, by=by, at=at, note=note)
    return statement


def _log(
    statement: Statement, cases: list[Complaint], action: str, *, by: User | None, at: datetime, note: str = ""
) -> None:
    # The reason stands in the log of every case, so nobody of any of them may be named in it.
    for complaint in cases:
        note = identity.scrub(note, complaint.complainant)
    for complaint in cases:
        case_transitions.add_event(
            complaint, f"statement_{action}", by=by, at=at, note=note, reference=_reference(statement),
            audience=Audience.OFFICE,
        )  # fmt: skip


def _reference(statement: Statement) -> str:
    return f"statement:{statement.public_id}"


def _reason(text: str, message: Any) -> str:
    if not text.strip():
        raise InvalidInput("reason", message)
    if "\x00" in text:
        raise InvalidInput("reason", _("Please shorten this to %(limit)s characters."), limit=300)
    return text.strip()[:300]


def _void_signatures(statement: Statement) -> None:
    statement.checker = statement.checked_at = statement.legal = statement.legal_at = None
    statement.signed_hash = ""


def _require_signed_words(statement: Statement) -> None:
    if text_hash(statement) != statement.signed_hash:
        raise StaleVersion(statement.version)


def _refuse_leak(statement: Statement, cases: list[Complaint]) -> None:
    found = leaking(statement, cases)
    if found:
        name, kind = found[0]
        raise InvalidInput(
            name,
            _("The text still shows something that identifies a person (%(kind)s). Write it without."),
            kind=findings.label(kind),
        )
