"""A public complaint while it is being written, and the one case it becomes (PI-06, PI-08, FL-13).

The visitor's browser keeps a random token, the database its SHA-256 and the encrypted answers.
Whoever holds the token holds the draft, its files and, once filed, the receipt.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.errors import DomainError
from complaints import clocks, files, transitions
from complaints.models import Attachment, Complaint, IntakeDraft, StoredFile
from complaints.states import EvidenceKind, Milestone

COOKIE = "huiyin_draft"
COOKIE_PATH = "/complain/"
_TOKEN_BYTES = 32

Answers = dict[str, dict[str, str]]


class AlreadyFiled(DomainError):
    """The draft has become a case; it can no longer be changed."""

    code = "already_filed"

    def __init__(self) -> None:
        super().__init__(_("This complaint has already been filed. To add something, use “Check progress”."))


@dataclass(frozen=True)
class KeptReceipt:
    """The receipt as it is shown again to the holder of the token, and to nobody else."""

    number: str
    code: str
    filed_at: datetime
    decide_by: datetime | None
    reply_by: datetime | None

    @property
    def grouped_code(self) -> str:
        return transitions.group_code(self.code)

    def to_json(self) -> str:
        moments = {
            name: value and value.isoformat() for name, value in vars(self).items() if name not in ("number", "code")
        }
        return json.dumps({"number": self.number, "code": self.code, **moments})

    @classmethod
    def from_json(cls, text: str) -> KeptReceipt:
        values = json.loads(text)
        moments = {
            name: values[name] and datetime.fromisoformat(values[name])
            for name in ("filed_at", "decide_by", "reply_by")
        }
        return cls(number=values["number"], code=values["code"], **moments)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def begin(*, at: datetime) -> tuple[IntakeDraft, str]:
    """A new, empty draft and the token that opens it."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    return IntakeDraft.objects.create(token_hash=_hash(token), created_at=at), token


def find(token: str) -> IntakeDraft | None:
    """The draft this token opens."""
    return IntakeDraft.objects.filter(token_hash=_hash(token)).first() if token else None


def answers(draft: IntakeDraft) -> Answers:
    """What was typed so far, by step."""
    return json.loads(draft.answers or "{}")


@transaction.atomic
def keep(draft_id: int, step: str, values: Mapping[str, str]) -> None:
    """Save the answers of one step as typed. Raises AlreadyFiled."""
    draft = _open(draft_id)
    draft.answers = json.dumps({**answers(draft), step: dict(values)})
    draft.save(update_fields=["answers"])


@transaction.atomic
def add_file(draft_id: int, stored: StoredFile, *, name: str, at: datetime) -> Attachment:
    """Put a stored file into the draft. Raises AlreadyFiled, and InvalidInput when there are too many."""
    draft = _open(draft_id)
    if draft.attachments.count() >= settings.ATTACHMENT_MAX_COUNT:
        raise files.too_many(name)
    return Attachment.objects.create(draft=draft, file=stored, name=name, evidence_kind=EvidenceKind.COMPLAINANT, at=at)


@transaction.atomic
def remove_file(draft_id: int, attachment_id: int) -> bool:
    """Take a file out of the draft it belongs to; False when this draft has no such file (FL-13)."""
    draft = _open(draft_id)
    removed, _rows = draft.attachments.filter(pk=attachment_id).delete()
    return bool(removed)


def _open(draft_id: int) -> IntakeDraft:
    """The draft with its row locked, so that nothing slips in beside a filing."""
    draft = IntakeDraft.objects.select_for_update().get(pk=draft_id)
    if draft.complaint_id:
        raise AlreadyFiled
    return draft


def receipt(draft: IntakeDraft) -> KeptReceipt | None:
    """The receipt of a filed draft; None once it was cleared."""
    return KeptReceipt.from_json(draft.receipt) if draft.receipt else None


@transaction.atomic
def file(
    draft_id: int,
    build: Callable[[Answers], transitions.Filing],
    *,
    after: Callable[[Complaint, Answers], None] = lambda complaint, answers: None,
    at: datetime,
) -> IntakeDraft:
    """Register the complaint the draft describes. However often and however parallel this is called,
    there is one case, and the draft carries its receipt (PI-06, I1, I2).

    `build` turns the answers, read under the lock, into a filing; what it raises leaves the draft as
    it was. `after` is called with the new case, in the same transaction. The answers are wiped: from here
    on the case holds them.
    """
    draft = IntakeDraft.objects.select_for_update().get(pk=draft_id)
    if draft.complaint_id:
        return draft
    told = answers(draft)
    filing = replace(build(told), attachments=list(draft.attachments.all()))
    given = transitions.register(filing, by=None, at=at)
    after(given.complaint, told)
    draft.complaint, draft.receipt, draft.answers = given.complaint, _kept(given, at=at).to_json(), "{}"
    draft.save(update_fields=["complaint", "receipt", "answers"])
    return draft


def keep_receipt(given: transitions.Receipt, *, at: datetime) -> None:
    """Keep the receipt of a complaint that came without a form until it was sent, at most two days (IN-08)."""
    IntakeDraft.objects.create(
        token_hash=_hash(secrets.token_urlsafe(_TOKEN_BYTES)),
        complaint=given.complaint,
        receipt=_kept(given, at=at).to_json(),
        created_at=at,
    )


def _kept(given: transitions.Receipt, *, at: datetime) -> KeptReceipt:
    return KeptReceipt(given.complaint.number, given.access_code, at, given.decide_by, reply_by(given))


def reply_by(given: transitions.Receipt) -> datetime | None:
    """The latest day of the answer: the limit itself, or counted from the last day for accepting."""
    if given.reply_by or not given.decide_by:
        return given.reply_by
    handled = clocks.date_of(given.complaint, Milestone.RESOLVE, since=given.decide_by)
    return handled and (clocks.date_of(given.complaint, Milestone.REPLY, since=handled) or handled)


@transaction.atomic
def clear(draft_id: int) -> None:
    """Remove what the browser could show again: the receipt of a filed draft, all of an unfiled one (PI-08)."""
    draft = IntakeDraft.objects.select_for_update().get(pk=draft_id)
    if draft.complaint_id:
        draft.receipt, draft.answers = "", "{}"
        draft.save(update_fields=["receipt", "answers"])
    else:
        draft.attachments.all().delete()
        draft.delete()
