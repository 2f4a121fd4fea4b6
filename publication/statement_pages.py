"""What the public reads of official statements: posted ones, and that one was taken down (RISK-25).

These pages read the table of statements, which results never do: a process that serves results alone needs
no right to it.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone

from complaints import keyset
from publication import results, statements
from publication.models import Statement
from publication.results import Stamp
from publication.states import StatementStatus

PAGE_SIZE = 20
_PUBLIC_ID = re.compile(r"[0-9a-f]{16}")
_NEWEST = keyset.Order(segments=(keyset.Segment(Q(), "posted_at", descending=True),), whole=("-posted_at", "-pk"))
# Nothing else leaves the table for a public page.
_PUBLIC = ("public_id", "status", "posted_at", "withdrawn_at", "signed_hash", *statements.LABELS)


def posted() -> QuerySet[Statement]:
    """What the public may read now, newest first."""
    return Statement.objects.filter(status=StatementStatus.POSTED).order_by("-posted_at", "-pk").only(*_PUBLIC)


def find(public_id: str) -> Statement | None:
    """A statement that is or was public; None for a draft and for what never was."""
    public = Statement.objects.filter(status__in=[StatementStatus.POSTED, StatementStatus.WITHDRAWN])
    return public.only(*_PUBLIC).filter(public_id=public_id).first()


def stamp_of_all(*, at: datetime) -> Stamp:
    """The state of everything that is posted, in one query."""
    state = Statement.objects.aggregate(
        posted=Max("posted_at"),
        withdrawn=Max("withdrawn_at"),
        served=Count("pk", filter=Q(status=StatementStatus.POSTED)),
    )
    return _stamp(at, state["posted"], state["withdrawn"], state["served"])


def stamp_of(statement: Statement, *, at: datetime) -> Stamp:
    """The state of one posted statement."""
    return _stamp(at, statement.signed_hash, statement.posted_at)


def _stamp(at: datetime, *parts: object) -> Stamp:
    # A new release is a new page, and at the latest a new day tells readers that go by the date alone.
    today = results.start_of(timezone.localdate(at))
    text = "|".join(map(str, ("statements", results.release(), today, *parts)))
    moments = [part for part in parts if isinstance(part, datetime)]
    return Stamp(hashlib.sha256(text.encode()).hexdigest()[:24], max([today, *moments]))


def page(*, after: str = "", before: str = "") -> keyset.Page:
    """A page of the newest statements. Positions are public ids, never row numbers (PR-07)."""
    found = keyset.page(posted(), _NEWEST, size=PAGE_SIZE, after=_position(after), before=_position(before))
    return keyset.Page(
        found.rows,
        before=found.rows[0].public_id if found.before else "",
        after=found.rows[-1].public_id if found.after else "",
    )


def _position(public_id: str) -> str:
    if not _PUBLIC_ID.fullmatch(public_id):
        return ""
    row = posted().filter(public_id=public_id).first()
    return str(keyset.Position(0, row.posted_at, row.pk)) if row and row.posted_at else ""


def article(statement: Statement) -> dict[str, Any]:
    """The context of the page of one statement; the preview of a draft uses the same."""
    return {
        "active": "statements",
        "statement": statement,
        "parts": parts(statement),
        "canonical": results.absolute(path_of(statement.public_id)),
    }


def parts(statement: Statement) -> list[tuple[Any, list[results.Block]]]:
    """The four parts with their headings, as paragraphs and lists."""
    return [(statements.LABELS[name], results.blocks(getattr(statement, name))) for name in statements.PARTS]


def path_of(public_id: str) -> str:
    """The address of a statement, also where this process does not serve the public site."""
    return f"/statements/{public_id}/"
