"""Telling people before they complain: drafted by one person, approved by another, then written or called.

Rules of RISK-28 and RISK-29. Recipients come in through complaints.outreach_recipients, notices go out
through complaints.outreach_jobs. A waiting recipient with a moment in `at` is taken: by a run that is just
sending (`by` is empty) or by the colleague who has the number on the screen.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import User
from complaints import identity, notify, transitions
from complaints.models import Outreach, OutreachRecipient, RecallUnit
from complaints.models.people import ContactKind
from complaints.numbers import next_number
from complaints.states import OutreachState, OutreachWay, RecipientState
from complaints.timeline_words import ICONS, TITLES
from complaints.transitions.intake import check_text

PERMISSION = "complaints.manage_risk"
CALLERS = ("complaints.record_callback", PERMISSION)
EVENT = "outreach_told"
MAX_ATTEMPTS = 3
# How long somebody keeps a number to themselves before the next colleague gets it.
HELD = timedelta(minutes=15)
MAX_REASON = 2000
# A short message of most gateways ends at 500 characters; what is said on the telephone may be longer.
MAX_TEXT = {OutreachWay.NOTICE: 500, OutreachWay.CALL: 2000}
MATCHED = ("product", "batch", "business_step", "place")
_LIMITS = {"title": 120, "product": 120, "batch": 60, "business_step": 120, "place": 200}

TITLES |= {EVENT: _("The complainant was told of a precaution")}
ICONS |= {EVENT: "megaphone"}


# --- Drafting ---------------------------------------------------------------------------------------
@transaction.atomic
def draft(*, by: User, at: datetime | None = None, **values: Any) -> Outreach:
    """Begin an outreach; nobody hears of it before another person approves it (RISK-28).

    `values`: title, reason, text, way, call_by, and what the affected people have in common (MATCHED).
    Raises NotAllowed, InvalidInput naming the field.
    """
    at = at or timezone.now()
    _may_manage(by)
    checked = _check(values, at=at)
    return Outreach.objects.create(
        number=next_number("YF", at=at, monthly=True), drafted_by=by, drafted_at=at, **checked
    )


@transaction.atomic
def edit(outreach_id: int, *, version: int, by: User, at: datetime | None = None, **values: Any) -> Outreach:
    """Change a draft; whoever changed it last cannot approve it.

    Raises NotAllowed, InvalidInput, StaleVersion, IllegalTransition once it is no draft.
    """
    at = at or timezone.now()
    outreach = begin(outreach_id, OutreachState.DRAFT, by=by, version=version)
    checked = _check(values, at=at)
    if checked["way"] != outreach.way and outreach.recipients.exists():
        raise InvalidInput("way", _("The recipients were chosen for the other way; remove them first."))
    for name, value in checked.items():
        setattr(outreach, name, value)
    changed(outreach, by=by, fields=checked)
    return outreach


def _check(values: dict[str, Any], *, at: datetime) -> dict[str, Any]:
    """The values as they are stored. Titles are subjects of e-mails, so they are one line."""
    way = values["way"]
    if way not in OutreachWay.values:
        raise InvalidInput("way", _("Choose one."))
    found: dict[str, Any] = {"way": OutreachWay(way)}
    for name, limit in _LIMITS.items():
        found[name] = " ".join(check_text(name, values.get(name, ""), limit=limit).split())
    found["reason"] = check_text("reason", values["reason"], limit=MAX_REASON).strip()
    found["text"] = check_text("text", values["text"], limit=MAX_TEXT[found["way"]]).strip()
    for name in ("title", "reason", "text"):
        if not found[name]:
            raise InvalidInput(name, _("Fill this in."))
    found["call_by"] = values.get("call_by") if way == OutreachWay.CALL else None
    if way == OutreachWay.CALL:
        _check_day(found["call_by"], at=at)
    return found


def _check_day(call_by: date | None, *, at: datetime) -> None:
    if call_by is None:
        raise InvalidInput("call_by", _("Say by when the calls are to be done."))
    if call_by < timezone.localdate(at):
        raise InvalidInput("call_by", _("This date is in the past; give the calls more time."))


@transaction.atomic
def remove(outreach_id: int, *, by: User, recipient_id: int | None = None) -> int:
    """Take one recipient out of a draft, or all of them; returns how many were there.

    Raises NotAllowed, IllegalTransition once it is no draft.
    """
    outreach = begin(outreach_id, OutreachState.DRAFT, by=by)
    rows = outreach.recipients.all() if recipient_id is None else outreach.recipients.filter(pk=recipient_id)
    count, _rows = rows.delete()
    if count:
        changed(outreach, by=by)
    return count


# --- Deciding ---------------------------------------------------------------------------------------
@transaction.atomic
def approve(outreach_id: int, *, version: int, by: User, at: datetime | None = None) -> Outreach:
    """A second person lets it go out, exactly as they read it (RISK-28, RISK-29).

    Raises NotAllowed for whoever drafted or changed it last, InvalidInput without recipients or when the day for
    the calls is over, StaleVersion, IllegalTransition.
    """
    at = at or timezone.now()
    outreach = begin(outreach_id, OutreachState.DRAFT, by=by, version=version)
    if outreach.drafted_by_id == by.pk:
        raise NotAllowed(_("You wrote this yourself; somebody else has to approve it."))
    if outreach.way == OutreachWay.CALL:
        _check_day(outreach.call_by, at=at)
    if not outreach.recipients.exists():
        raise InvalidInput("recipients", _("There is nobody to tell yet; add recipients first."))
    outreach.state, outreach.approved_by, outreach.approved_at = OutreachState.RUNNING, by, at
    outreach.version += 1
    outreach.save(update_fields=["state", "approved_by", "approved_at", "version"])
    if outreach.way == OutreachWay.CALL:
        tell_callers(outreach, "calls_waiting", waiting=outreach.recipients.count())
    return outreach


@transaction.atomic
def cancel(outreach_id: int, *, reason: str, by: User, at: datetime | None = None) -> Outreach:
    """Stop a draft or what is under way; who was told stays recorded, nobody else is told.

    Raises NotAllowed, InvalidInput without a reason, IllegalTransition when it is over.
    """
    at = at or timezone.now()
    outreach = begin(outreach_id, OutreachState.DRAFT, OutreachState.RUNNING, by=by)
    reason = check_text("reason", reason, limit=300).strip()
    if not reason:
        raise InvalidInput("reason", _("Give the reason."))
    outreach.state, outreach.cancelled_by, outreach.cancel_reason = OutreachState.CANCELLED, by, reason
    outreach.finished_at = at
    outreach.version += 1
    outreach.save(update_fields=["state", "cancelled_by", "cancel_reason", "finished_at", "version"])
    return outreach


# --- Calling ----------------------------------------------------------------------------------------
def has_calls(outreach: Outreach) -> bool:
    """Whether people call: always for calls; for notices only where no gateway takes short messages."""
    return outreach.way == OutreachWay.CALL or not settings.SMS_URL


def free(at: datetime) -> Q:
    """Waiting recipients nobody is just writing to or calling."""
    return Q(at=None) | Q(by__isnull=False, at__lt=at - HELD)


def visible_to(outreach: Outreach, user: User) -> QuerySet[OutreachRecipient]:
    """Recipients without those whose case is about this person, or is their own."""
    return outreach.recipients.exclude(complaint__accused_staff=user).exclude(complaint__complainant__staff_user=user)


def next_call(outreach: Outreach, *, by: User, at: datetime) -> OutreachRecipient | None:
    """Whom to call now: the number this person has taken, else the one tried least (RISK-29)."""
    if outreach.state != OutreachState.RUNNING or not has_calls(outreach):
        return None
    waiting = visible_to(outreach, by).filter(state=RecipientState.WAITING, kind=ContactKind.PHONE)
    held = waiting.filter(by=by, at__isnull=False).order_by("pk").first()
    return held or waiting.filter(free(at)).order_by("attempts", "pk").first()


@transaction.atomic
def take(recipient_id: int, *, by: User, at: datetime | None = None) -> OutreachRecipient:
    """Keep a recipient for this caller for a quarter of an hour, to show the number (RISK-29).

    Raises NotAllowed, IllegalTransition when the person was told already or a colleague is calling.
    """
    at = at or timezone.now()
    row = _begin_call(recipient_id, by=by, at=at)
    row.at, row.by = at, by
    row.save(update_fields=["at", "by"])
    return row


@transaction.atomic
def record_call(
    recipient_id: int, *, reached: bool, by: User, note: str = "", at: datetime | None = None
) -> OutreachRecipient:
    """What came of one call; after the third without an answer the person counts as not reached (RISK-29).

    Numbers in the note are taken out. Raises NotAllowed, InvalidInput, IllegalTransition.
    """
    at = at or timezone.now()
    row = _begin_call(recipient_id, by=by, at=at)
    row.note = identity.scrub(check_text("note", note, limit=300).strip(), None)
    row.attempts += 1
    row.by = by
    if reached:
        row.save(update_fields=["note", "attempts"])
        told(row, by=by, at=at)
    else:
        is_last = row.attempts >= MAX_ATTEMPTS
        row.state = RecipientState.FAILED if is_last else RecipientState.WAITING
        row.at = at if is_last else None
        row.save(update_fields=["note", "attempts", "by", "state", "at"])
    finish(row.outreach_id, at=at)
    return row


def _begin_call(recipient_id: int, *, by: User, at: datetime) -> OutreachRecipient:
    if not any(by.has_perm(name) for name in CALLERS):
        raise NotAllowed(_("Your role does not allow this."))
    outreach = lock(OutreachRecipient.objects.values_list("outreach", flat=True).get(pk=recipient_id))
    if not visible_to(outreach, by).filter(pk=recipient_id).exists():
        raise NotAllowed(_("This person's case concerns you; a colleague has to call."))
    if outreach.state != OutreachState.RUNNING:
        raise IllegalTransition(_("Nobody is called now: it is “%(state)s”."), state=outreach.get_state_display())
    row = OutreachRecipient.objects.select_for_update().get(pk=recipient_id)
    if not has_calls(outreach) or row.kind != ContactKind.PHONE:
        raise IllegalTransition(_("This person gets a message; nobody has to call."))
    if row.state != RecipientState.WAITING:
        raise IllegalTransition(_("This person was dealt with already."))
    if row.at is not None and row.by_id != by.pk and (row.by_id is None or row.at >= at - HELD):
        raise IllegalTransition(_("A colleague is just calling this person; take the next one."))
    row.outreach = outreach
    return row


def tell_callers(outreach: Outreach, kind: str, *, waiting: int, also: Iterable[User] = ()) -> int:
    """Tell whoever makes calls, once for each kind and day, how many people wait; returns how many heard of it now.

    The message names no recipient; whose case it is about them sees that person neither on the page (RISK-29).
    """
    assert outreach.call_by is not None
    return notify.tell(
        {user.pk: user for user in [*notify.holders_of(CALLERS[0]), *also]}.values(),
        kind,
        dedupe=f"{kind}:{outreach.pk}:{outreach.call_by}",
        url=f"/desk/outreach/{outreach.number}/calls/",
        precaution=outreach.number,
        count=waiting,
        day=outreach.call_by.isoformat(),
    )


# --- Shared -----------------------------------------------------------------------------------------
def told(row: OutreachRecipient, *, by: User | None, at: datetime) -> None:
    """Record that the person was reached, on their case too. The caller is in a transaction."""
    row.state, row.at, row.by = RecipientState.REACHED, at, by
    row.save(update_fields=["state", "at", "by"])
    if row.complaint_id:
        transitions.add_event(
            transitions.lock(row.complaint_id),
            EVENT,
            by=by,
            at=at,
            note=row.outreach.number,
            reference=transitions.ref(row),
        )


@transaction.atomic
def finish(outreach_id: int, *, at: datetime) -> bool:
    """End what is under way once nobody waits any more; whether it ended now."""
    outreach = lock(outreach_id)
    waits = outreach.recipients.filter(state=RecipientState.WAITING).exists()
    if outreach.state != OutreachState.RUNNING or waits:
        return False
    outreach.state, outreach.finished_at = OutreachState.DONE, at
    outreach.save(update_fields=["state", "finished_at"])
    _mark_units(outreach, at=at)
    return True


def recalled_units(outreach: Outreach) -> QuerySet[RecallUnit]:
    """Units of recalls under way of this product, and batch where one is given; none where steps or places are."""
    if not outreach.product or outreach.business_step or outreach.place:
        return RecallUnit.objects.none()
    units = RecallUnit.objects.filter(recall__product=outreach.product, recall__ended_at=None)
    return units.filter(batch=outreach.batch) if outreach.batch else units


def _mark_units(outreach: Outreach, *, at: datetime) -> None:
    """Holders of recalled units who were reached count as told in the recall (INC-17)."""
    untold = recalled_units(outreach).filter(told_at=None)
    reached = set(outreach.recipients.filter(state=RecipientState.REACHED).values_list("match_hash", flat=True))
    keys = [row.pk for row in untold.iterator() if identity.match_hash(ContactKind.PHONE, row.phone) in reached]
    untold.filter(pk__in=keys).update(told_at=at)


def lock(outreach_id: int) -> Outreach:
    """The outreach with its row locked until the end of the transaction."""
    return Outreach.objects.select_for_update().get(pk=outreach_id)


def begin(outreach_id: int, *states: OutreachState, by: User, version: int | None = None) -> Outreach:
    """Lock an outreach and check person, version and state. Raises NotAllowed, StaleVersion, IllegalTransition."""
    _may_manage(by)
    outreach = lock(outreach_id)
    if version is not None and version != outreach.version:
        raise StaleVersion(outreach.version)
    if outreach.state not in states:
        raise IllegalTransition(_("This is no longer possible: it is “%(state)s”."), state=outreach.get_state_display())
    return outreach


def changed(outreach: Outreach, *, by: User, fields: Any = ()) -> None:
    """Save a changed draft as its next version. Whoever changed it last counts as its author: nobody approves
    words or recipients of their own."""
    outreach.drafted_by = by
    outreach.version += 1
    outreach.save(update_fields=[*fields, "drafted_by", "version"])


def _may_manage(by: User) -> None:
    if not by.has_perm(PERMISSION):
        raise NotAllowed(_("Your role does not allow this."))
