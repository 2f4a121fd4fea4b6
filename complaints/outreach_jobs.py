"""Notices go out: e-mails through our mail server, short messages through the gateway (RISK-28).

A recipient is claimed before anything is sent, so two workers never write to one person. A run that died
while sending leaves its claim: nobody knows whether that message went out, so it is not sent again.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from smtplib import SMTPAuthenticationError, SMTPConnectError, SMTPException, SMTPServerDisconnected

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from complaints import clocks, identity, outreach, sms
from complaints.calendars import CalendarMissing
from complaints.models import Outreach, OutreachRecipient
from complaints.models.people import ContactKind
from complaints.states import OutreachState, OutreachWay, RecipientState

logger = logging.getLogger("huiyin.jobs")

# The most messages of one run, and the seconds after which it leaves the rest to the next one.
BATCH = 500
MAX_SECONDS = 300
# Longer than any task may run: whoever claimed a message then is gone.
LOST = timedelta(minutes=30)


def send_outreach(*, now: datetime | None = None) -> dict[str, int]:
    """Send what approved notices still have to send, at most 500 messages; end what is finished.

    Returns how many were sent, failed for now or for good, and were given up because their run died.
    """
    now = now or timezone.now()
    lost = _give_up_lost(now)
    sent = failed = 0
    until = time.monotonic() + MAX_SECONDS
    kinds = [ContactKind.EMAIL, ContactKind.PHONE] if settings.SMS_URL else [ContactKind.EMAIL]
    for kind in kinds:
        for pk in _waiting(kind, now)[: BATCH - sent - failed]:
            if time.monotonic() > until:
                break
            row = _claim(pk, now)
            if row is None:
                continue
            try:
                _send(row)
            except OSError as error:
                _give_back(row, error, now)
                failed += 1
                if _is_down(error):
                    break  # the others keep their attempts
                continue
            with transaction.atomic():
                outreach.told(row, by=None, at=now)
            sent += 1
    waits = OutreachRecipient.objects.filter(outreach=OuterRef("pk"), state=RecipientState.WAITING)
    for pk in Outreach.objects.filter(~Exists(waits), state=OutreachState.RUNNING).values_list("pk", flat=True):
        outreach.finish(pk, at=now)
    return {"sent": sent, "failed": failed, "lost": lost}


def _waiting(kind: str, now: datetime) -> list[int]:
    rows = OutreachRecipient.objects.filter(
        outreach__state=OutreachState.RUNNING, outreach__way=OutreachWay.NOTICE, state=RecipientState.WAITING, kind=kind
    )
    return list(rows.filter(outreach.free(now)).order_by("attempts", "pk").values_list("pk", flat=True)[:BATCH])


def _claim(pk: int, now: datetime) -> OutreachRecipient | None:
    """The recipient, now ours alone; None when another run or a caller was faster, or it was cancelled.

    The condition names columns of this table only: a joined one would not be looked at again after waiting
    for the other worker's lock.
    """
    own = OutreachRecipient.objects.filter(outreach.free(now), pk=pk, state=RecipientState.WAITING)
    if not own.update(at=now, by=None, attempts=F("attempts") + 1):
        return None
    row = OutreachRecipient.objects.select_related("outreach").get(pk=pk)
    if row.outreach.state != OutreachState.RUNNING:
        OutreachRecipient.objects.filter(pk=pk).update(at=None, attempts=F("attempts") - 1)
        return None
    return row


def _send(row: OutreachRecipient) -> None:
    """Raises OSError when the message was not taken."""
    if row.kind == ContactKind.EMAIL:
        _mail(row)
    else:
        sms.send(
            settings.SMS_URL,
            to=identity.normalise(row.kind, row.value),
            text=row.outreach.text,
            id=f"{row.outreach.number}-{row.pk}",
        )


def _mail(row: OutreachRecipient) -> None:
    organisation = settings.ORGANISATION
    with translation.override(settings.LANGUAGE_CODE):
        phone = _("Phone: %(phone)s") % {"phone": organisation["phone"]}
    headers = {
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "X-Huiyin": settings.MAIL_DOMAIN,
        "Message-ID": f"<{row.outreach.number.lower()}.{row.pk}@{settings.MAIL_DOMAIN}>",
    }
    body = f"{row.outreach.text}\n\n{organisation['name']}\n{phone}\n"
    EmailMessage(subject=row.outreach.title, body=body, to=[row.value], headers=headers).send()


def _is_down(error: OSError) -> bool:
    """Whether the server is at fault, not the one recipient."""
    if isinstance(error, (SMTPConnectError, SMTPServerDisconnected, SMTPAuthenticationError)):
        return True
    return not isinstance(error, (SMTPException, sms.Refused))


def _give_back(row: OutreachRecipient, error: OSError, now: datetime) -> None:
    """Let a later run try again, three times altogether."""
    logger.warning("precaution not sent", extra={"recipient": row.pk, "reason": type(error).__name__})
    is_last = row.attempts >= outreach.MAX_ATTEMPTS
    OutreachRecipient.objects.filter(pk=row.pk).update(
        state=RecipientState.FAILED if is_last else RecipientState.WAITING, at=now if is_last else None
    )


def _give_up_lost(now: datetime) -> int:
    """Close the messages whose run died while sending."""
    with translation.override(settings.LANGUAGE_CODE):
        note = _("The sending was interrupted; whether it arrived is not known.")
    rows = OutreachRecipient.objects.filter(state=RecipientState.WAITING, by=None, at__lt=now - LOST)
    return rows.update(state=RecipientState.FAILED, note=note)


def remind_calls(*, now: datetime | None = None) -> dict[str, int]:
    """On working days: tell of calls still to make when their last working day has come, and when it is over.

    The callers are told of both, whoever wrote and approved the precaution of the second too; each once for each
    day the calls were promised for, however often this runs (RISK-29). Other days and years without a calendar:
    nothing. Returns how many people heard of either.
    """
    now = now or timezone.now()
    today = timezone.localdate(now)
    calendar = clocks.working_calendar()
    try:
        if not calendar.is_working_day(today):
            return {"near": 0, "late": 0}
        following = today + timedelta(days=1)
        while not calendar.is_working_day(following):
            following += timedelta(days=1)
    except CalendarMissing:
        return {"near": 0, "late": 0}
    to_call = Q(recipients__state=RecipientState.WAITING, recipients__kind=ContactKind.PHONE)
    rows = (
        Outreach.objects.filter(state=OutreachState.RUNNING, way=OutreachWay.CALL, call_by__lt=following)
        .annotate(waiting=Count("recipients", filter=to_call))
        .filter(waiting__gt=0)
        .select_related("drafted_by", "approved_by")
    )
    told = {"near": 0, "late": 0}
    for row in rows.order_by("pk"):
        if row.call_by is not None and row.call_by < today:
            also = [user for user in (row.drafted_by, row.approved_by) if user]
            told["late"] += outreach.tell_callers(row, "calls_late", waiting=row.waiting, also=also)
        else:
            told["near"] += outreach.tell_callers(row, "calls_near", waiting=row.waiting)
    return told
