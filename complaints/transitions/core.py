"""What every transition shares: lock, check, move, log, tell.

A transition is one database transaction: the case's row is locked, then permission, version and
status are checked on the locked row, then everything is written together with one `CaseEvent`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import User
from complaints import clocks, events, identity, permissions
from complaints.models import CaseEvent, Complaint
from complaints.states import MOVES, Audience, Status

# Characters of any one text; where less is right, the rule of the record says so.
LONGEST = 20_000
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

# Named in the event like a field, but written to a table of its own.
_MANY = {"emotions"}


def lock(complaint_id: int) -> Complaint:
    """The case with its row locked until the end of the transaction."""
    return (
        Complaint.objects.select_for_update(of=("self",)).select_related("policy", "complainant").get(pk=complaint_id)
    )


def begin(complaint_id: int, action: str, *, by: User | None, version: int | None = None) -> Complaint:
    """Lock the case and check that `by` may do `action` on it now.

    `by=None` is the system or the complainant through the access code. Raises NotAllowed,
    StaleVersion, IllegalTransition.
    """
    complaint = lock(complaint_id)
    if by is not None:
        if not Complaint.objects.visible_to(by).filter(pk=complaint.pk).exists():
            raise NotAllowed(_("This case is no longer yours to see."))
        reason = permissions.refusal(by, action, complaint)
        if reason:
            raise NotAllowed(reason)
    if version is not None and version != complaint.version:
        raise StaleVersion(complaint.version)
    if complaint.status not in MOVES[action].sources:
        raise IllegalTransition(
            _("“%(action)s” is not possible: the case is “%(status)s”."),
            action=MOVES[action].label,
            status=complaint.get_status_display(),
        )
    return complaint


def finish(
    complaint: Complaint,
    action: str,
    *,
    by: User | None,
    at: datetime,
    target: Status | None = None,
    fields: Iterable[str] = (),
    note: str = "",
    reference: str = "",
) -> CaseEvent:
    """Save the case in its new status with the next version, refresh its clocks, append the event."""
    before = complaint.status
    complaint.status = target or MOVES[action].target or before
    if complaint.status != before:
        complaint.status_since = at
    complaint.version += 1
    changed = {*fields, "status", "status_since", "version"} - _MANY
    complaint.save(update_fields=changed)
    clocks.refresh(complaint)
    return events.append(
        complaint,
        action,
        by=by,
        at=at,
        version=complaint.version,
        from_status=before,
        to_status=complaint.status,
        fields=fields,
        note=identity.scrub(note, complaint.complainant),
        reference=reference,
    )


def add_event(
    complaint: Complaint,
    kind: str,
    *,
    by: User | None,
    at: datetime,
    note: str = "",
    reference: str = "",
    audience: str = Audience.CASE,
) -> CaseEvent:
    """Append an event that is no transition (a note, a contact, a reveal): the version stays."""
    return events.append(
        complaint,
        kind,
        by=by,
        at=at,
        note=identity.scrub(note, complaint.complainant),
        reference=reference,
        audience=audience,
    )


def moment(at: datetime | None) -> datetime:
    """The time of the operation, read once."""
    return at or timezone.now()


def require(field: str, value: Any, message: Any = _("Fill this in.")) -> None:
    """Refuse an empty value by field name, and a text no page or letter could show. Raises InvalidInput."""
    if value is None or (isinstance(value, str) and not value.strip()):
        raise InvalidInput(field, message)
    if isinstance(value, str):
        check_text(field, value, limit=LONGEST)


def check_text(field_name: str, value: str, *, limit: int) -> str:
    """Text as given, or InvalidInput: NUL and lone surrogates cannot be stored, length is bounded."""
    if _UNSTORABLE.search(value):
        raise InvalidInput(
            field_name, _("This text holds characters that cannot be stored. Remove them and try again.")
        )
    if len(value) > limit:
        raise InvalidInput(field_name, _("Please shorten this to %(limit)s characters."), limit=limit)
    return value


def check_codes(field: str, values: Iterable[str], known: Any) -> list[str]:
    """The values, each once, in the order of the enum; InvalidInput for one the enum lacks."""
    values = list(values)
    unknown = set(values) - set(known.values)
    if unknown:
        raise InvalidInput(field, _("“%(value)s” is not one of the choices."), value=sorted(unknown)[0])
    return [value for value in known.values if value in values]


def ref(row: Model) -> str:
    """How an event points at the record that holds the content: "contact:17"."""
    return f"{row._meta.model_name}:{row.pk}"
