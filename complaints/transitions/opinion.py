"""What is said about us in public, what we did about it, and rehearsals of a crisis (RISK-20, RISK-21, RISK-26)."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import DomainError, InvalidInput, NotAllowed
from accounts.models import User
from complaints.models import Complaint, Drill, OpinionSignal
from complaints.transitions import core, grading
from complaints.transitions.risk import PERMISSION

MAX_TEXT = 10_000


class KeyTaken(DomainError):
    """The key of the monitoring tool stands on another signal."""

    code = "external_key_reused"


def _require(by: User) -> None:
    if not by.has_perm(PERMISSION):
        raise NotAllowed(_("Your role does not allow this."))


@transaction.atomic
def add_signal(
    *,
    source: str,
    text: str,
    seen_at: datetime,
    by: User,
    link: str = "",
    external_key: str | None = None,
    complaint: Complaint | None = None,
    at: datetime | None = None,
) -> tuple[OpinionSignal, bool]:
    """Register a signal; returns it and whether it is new.

    The same `external_key` with the same content gives the signal that is there, with another content
    KeyTaken. A signal about a known case is linked at once and the case is graded again.
    """
    at = core.moment(at)
    _require(by)
    core.require("source", source)
    core.require("text", text, _("Write down what is said."))
    for name, value, limit in (("source", source, 80), ("text", text, MAX_TEXT)):
        if len(value) > limit or "\x00" in value:
            raise InvalidInput(name, _("Please shorten this to %(limit)s characters."), limit=limit)
    core.require("seen_at", seen_at)
    if seen_at > at:
        raise InvalidInput("seen_at", _("This time is in the future; give the time it was seen."))
    content = {"source": source.strip(), "text": text.strip(), "link": link, "seen_at": seen_at}
    if external_key:
        row, is_new = OpinionSignal.objects.get_or_create(
            external_key=external_key, defaults={**content, "created_at": at}
        )
        if not is_new:
            if {name: getattr(row, name) for name in content} != content:
                raise KeyTaken(_("This external_key stands on a signal with another content. Use a new key."))
            return row, False
    else:
        row = OpinionSignal.objects.create(**content, created_at=at)
    if complaint is not None:
        link_signal(row.pk, complaint=complaint, by=by, at=at)
        row.refresh_from_db()
    return row, True


@transaction.atomic
def link_signal(signal_id: int, *, complaint: Complaint, by: User, at: datetime | None = None) -> OpinionSignal:
    """Say which case a signal is about, or correct it. An open case is graded again (RISK-07, RISK-20)."""
    at = core.moment(at)
    _require(by)
    core.require("complaint", complaint, _("Give the number of the case."))
    row = OpinionSignal.objects.select_for_update().get(pk=signal_id)
    if row.complaint_id == complaint.pk:
        raise InvalidInput("complaint", _("The signal is linked to this case already."))
    if not Complaint.objects.visible_to(by).filter(pk=complaint.pk).exists():
        raise InvalidInput("complaint", _("There is no such case."))
    before, row.complaint = row.complaint_id, complaint
    row.save(update_fields=["complaint"])
    # The smaller key first, so that two people who link crosswise do not wait for each other.
    for pk in sorted(filter(None, (before, complaint.pk))):
        case = core.lock(pk)
        if pk == complaint.pk:
            core.add_event(case, "signal_linked", by=by, at=at, reference=core.ref(row))
        else:
            core.add_event(case, "signal_unlinked", by=by, at=at, reference=core.ref(row))
        grading.regrade(case, at=at)
    return row


@transaction.atomic
def answer_signal(signal_id: int, *, response: str, by: User, at: datetime | None = None) -> OpinionSignal:
    """Record what was done about a signal; the first answer stops its clock, later ones replace the words."""
    at = core.moment(at)
    _require(by)
    core.require("response", response, _("Write down what was done."))
    if len(response) > MAX_TEXT or "\x00" in response:
        raise InvalidInput("response", _("Please shorten this to %(limit)s characters."), limit=MAX_TEXT)
    row = OpinionSignal.objects.select_for_update().get(pk=signal_id)
    row.response = response.strip()
    if row.responded_at is None:
        row.responded_at, row.responded_by = max(at, row.seen_at), by
    row.save(update_fields=["response", "responded_at", "responded_by"])
    if row.complaint_id:
        core.add_event(core.lock(row.complaint_id), "signal_answered", by=by, at=at, reference=core.ref(row))
    return row


@transaction.atomic
def add_drill(
    *, held_on: date, scenario: str, participants: str, findings: str, by: User, at: datetime | None = None
) -> Drill:
    """Record a rehearsal of a crisis (RISK-26)."""
    at = core.moment(at)
    _require(by)
    core.require("held_on", held_on)
    if held_on > timezone.localdate(at):
        raise InvalidInput("held_on", _("This date is in the future; record the drill after it was held."))
    for name, value in (("scenario", scenario), ("participants", participants), ("findings", findings)):
        core.require(name, value)
    return Drill.objects.create(
        held_on=held_on, scenario=scenario, participants=participants[:300], findings=findings, at=at, by=by
    )
