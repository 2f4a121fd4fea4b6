"""Read the mailbox of the office by IMAP (IN-08, DS-04). Nothing in it is changed: read, marked or deleted by us.

What was read is remembered as UIDVALIDITY and last UID; when the server numbers its messages anew,
everything is offered again and known messages are recognised. One worker reads at a time.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone
from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError

from complaints import mail_intake
from complaints.files import StorageFull
from complaints.models import JobRun, Mailbox, MailState

logger = logging.getLogger("huiyin.jobs")

JOB = "poll_mail"
# Messages taken in one run; the next run goes on. A run that has not ended after the lease is taken over.
BATCH = 200
LEASE = timedelta(minutes=15)
# Of a message that is too large only so much is read: enough for its sender and subject.
HEADER_BYTES = 64 * 1024
_TIMEOUT = SocketTimeout(connect=10, read=60)


def poll(*, now: datetime | None = None) -> dict[str, Any]:
    """Take in what has arrived. Safe to run twice, late, or beside itself.

    Returns how many messages became what; {"configured": False} without a mailbox, {"running": True}
    when another worker reads, {"ok": False, "error": …} when the server cannot be reached or refuses.
    """
    account = settings.IMAP_ACCOUNT
    if account is None:
        return {"configured": False}
    now = now or timezone.now()
    if not _claim(now):
        return {"running": True}
    mailbox, _created = Mailbox.objects.get_or_create(name=account.name)
    taken: dict[str, int] = {}
    error = ""
    try:
        with _connect(account) as client:
            for outcome in _read(client, mailbox, account.folder, now=now):
                taken[outcome] = taken.get(outcome, 0) + 1
    except (IMAPClientError, OSError, StorageFull) as failure:
        # The class says enough; the words of a server may repeat the user's name.
        error = type(failure).__name__
        logger.warning("mailbox not read", extra={"error": error})
    finally:
        Mailbox.objects.filter(pk=mailbox.pk).update(polled_at=now, error=error)
        JobRun.objects.filter(job=JOB, period=JOB).update(state=JobRun.State.DONE, finished_at=timezone.now())
    return {"ok": not error, **({"error": error} if error else {}), **taken}


def _claim(now: datetime) -> bool:
    """Whether this worker may read now: one row says who does, a dead reader's claim runs out."""
    try:
        with transaction.atomic():
            JobRun.objects.create(job=JOB, period=JOB, started_at=now)
        return True
    except IntegrityError:
        free = JobRun.objects.filter(job=JOB, period=JOB)
        done = free.exclude(state=JobRun.State.RUNNING).update(state=JobRun.State.RUNNING, started_at=now)
        return bool(done or free.filter(started_at__lte=now - LEASE).update(started_at=now))


@contextmanager
def _connect(account: Any) -> Iterator[IMAPClient]:
    secure = account.scheme == "imaps"
    context = ssl.create_default_context() if secure else None
    with IMAPClient(account.host, account.port, ssl=secure, ssl_context=context, timeout=_TIMEOUT) as client:
        if account.scheme == "imap+tls":
            client.starttls(ssl.create_default_context())
        client.normalise_times = False  # arrival times with their time zone
        client.login(account.user, account.password)
        yield client


def _read(client: IMAPClient, mailbox: Mailbox, folder: str, *, now: datetime) -> Iterator[str]:
    """Take in the next messages, one after the other; yields what each became."""
    validity = int(client.select_folder(folder, readonly=True)[b"UIDVALIDITY"])
    if validity != mailbox.uid_validity:
        mailbox.uid_validity, mailbox.last_uid = validity, 0
        mailbox.save(update_fields=["uid_validity", "last_uid"])
    # "n:*" always names the last message, also when its number is lower.
    new = sorted(uid for uid in client.search(["UID", f"{mailbox.last_uid + 1}:*"]) if uid > mailbox.last_uid)
    for uid in new[:BATCH]:
        outcome = _take(client, uid, mailbox, now=now)
        mailbox.last_uid = uid
        mailbox.save(update_fields=["last_uid"])
        yield outcome


def _take(client: IMAPClient, uid: int, mailbox: Mailbox, *, now: datetime) -> str:
    """Fetch one message and take it in. One that breaks something is kept for a clerk and stops no other."""
    about = client.fetch([uid], ["RFC822.SIZE", "INTERNALDATE"]).get(uid)
    if about is None:
        return "gone"
    whole = about[b"RFC822.SIZE"] <= settings.MAIL_MAX_BYTES
    part = b"BODY[]" if whole else b"BODY[HEADER]"
    asked = "BODY.PEEK[]" if whole else f"BODY.PEEK[HEADER]<0.{HEADER_BYTES}>"
    fetched = client.fetch([uid], [asked]).get(uid, {})
    raw = next((value for key, value in fetched.items() if key.startswith(part)), b"") or b""
    received_at = min(about[b"INTERNALDATE"], now)
    try:
        state = mail_intake.take_in(raw, mailbox=mailbox, received_at=received_at, at=now, whole=whole)
    except (DatabaseError, StorageFull):
        raise  # nothing can be kept: the message is fetched again
    except Exception:
        logger.exception("mail could not be taken in", extra={"uid": uid})
        state = mail_intake.put_aside(raw, "unreadable", mailbox=mailbox, received_at=received_at, at=now)
    return MailState(state).value if state else "known"
