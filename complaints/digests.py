"""One e-mail a working day with everything that was not mailed at once and is not read yet (SLA-13, CASE-10)."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from complaints import clocks, messages
from complaints.calendars import CalendarMissing
from complaints.models import MailPreference, Notification
from complaints.states import MailRhythm

logger = logging.getLogger("huiyin.jobs")

SENT_AT = time(9)
PEOPLE = 200
# So many sentences a mail; the rest stands in the inbox.
LINES = 100
LONGEST = timedelta(days=14)


def cut(day: date) -> datetime:
    """The moment up to which the digest of a day reports: nine in the morning."""
    return timezone.make_aware(datetime.combine(day, SENT_AT))


def choose(user: User, rhythm: str, *, now: datetime | None = None) -> MailPreference:
    """Keep how somebody wants e-mails. A first digest begins with what came after the last nine o'clock."""
    now = now or timezone.now()
    row = MailPreference.objects.filter(user=user).first()
    if row and row.rhythm == rhythm:
        return row
    today = timezone.localdate(now)
    done = today if now >= cut(today) else today - timedelta(days=1)
    row, _made = MailPreference.objects.update_or_create(
        user=user, defaults={"rhythm": MailRhythm(rhythm), "digest_sent_on": done}
    )
    return row


def send_digests(*, now: datetime | None = None) -> dict[str, int]:
    """Send the digests of today that are due: from nine o'clock on working days, each person's once a day.

    A person is claimed before the mail goes out; where the server does not take it, the next run tries again.
    """
    now = now or timezone.now()
    today = timezone.localdate(now)
    if now < cut(today) or not _is_working_day(today):
        return {"sent": 0, "failed": 0}
    due = MailPreference.objects.filter(rhythm=MailRhythm.DIGEST, user__is_active=True).exclude(user__email="")
    due = due.filter(Q(digest_sent_on=None) | Q(digest_sent_on__lt=today)).select_related("user").order_by("pk")
    sent, failed, last = 0, 0, 0
    while batch := list(due.filter(pk__gt=last)[:PEOPLE]):
        last = batch[-1].pk
        rows = _unread(batch, today)
        for preference in batch:
            outcome = _send_one(preference, rows[preference.pk], today)
            sent, failed = sent + (outcome == 1), failed + (outcome == -1)
    return {"sent": sent, "failed": failed}


def _is_working_day(day: date) -> bool:
    calendar = clocks.working_calendar()
    try:
        return calendar.is_working_day(day)
    except CalendarMissing:
        return day.weekday() < 5


def _begins(preference: MailPreference, today: date) -> datetime:
    earliest = cut(today) - LONGEST
    return max(cut(preference.digest_sent_on), earliest) if preference.digest_sent_on else earliest


def _unread(batch: Sequence[MailPreference], today: date) -> dict[int, list[Notification]]:
    """What each person of a batch is told, oldest first; one query."""
    begins = {row.pk: _begins(row, today) for row in batch}
    found = Notification.objects.filter(
        recipient__in=list(begins),
        by_email=False,
        read_at=None,
        created_at__gte=min(begins.values()),
        created_at__lt=cut(today),
    )
    rows: dict[int, list[Notification]] = defaultdict(list)
    for row in found.select_related("complaint").order_by("created_at", "pk"):
        if row.recipient_id and row.created_at >= begins[row.recipient_id]:
            rows[row.recipient_id].append(row)
    return rows


def _send_one(preference: MailPreference, rows: Sequence[Notification], today: date) -> int:
    """1 for a mail sent, 0 for none to send, -1 when the server did not take it."""
    before = preference.digest_sent_on
    mine = MailPreference.objects.filter(pk=preference.pk, rhythm=MailRhythm.DIGEST)
    if not mine.filter(digest_sent_on=before).update(digest_sent_on=today) or not rows:
        return 0
    try:
        _mail(preference.user, rows, today).send()
    except OSError:  # SMTP errors and refused connections
        logger.warning("digest not sent", extra={"user": preference.pk})
        mine.filter(digest_sent_on=today).update(digest_sent_on=before)
        return -1
    return 1


def _mail(user: User, rows: Sequence[Notification], today: date) -> EmailMessage:
    """Sentences and links, no content of a case (AP-06)."""
    with translation.override(settings.LANGUAGE_CODE):
        count = len(rows)
        subject = ngettext("%(n)s message you have not read", "%(n)s messages you have not read", count) % {"n": count}
        parts = [messages.mail(row)[1] for row in rows[:LINES]]
        if count > LINES:
            parts.append(_("The rest is in your inbox."))
        inbox = f"{settings.PUBLIC_BASE_URL}/desk/notifications/"
        parts.append(_("All messages, and how you get them: %(url)s") % {"url": inbox})
    headers = {
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "X-Huiyin": settings.MAIL_DOMAIN,
        "Message-ID": f"<digest.{user.pk}.{today:%Y%m%d}@{settings.MAIL_DOMAIN}>",
    }
    return EmailMessage(subject=subject, body="\n".join(parts), to=[user.email], headers=headers)
