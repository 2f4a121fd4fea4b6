"""Messages to the office's chat groups about what presses: one for each thing and address (SLA-13, CASE-10, AP-06).

A row of the ledger of jobs stands for one message to one address. It is written with the notification, in the
same transaction; a worker claims it by moving `started_at`, before which nobody tries it again.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac

from accounts import after_commit
from complaints import messages, tasks
from complaints.models import JobRun, Notification

logger = logging.getLogger("huiyin.jobs")

JOB = "chat"
ATTEMPTS = 3
BATCH = 100
# A worker that died with a message in its hands is waited for as long as this, then the message goes again.
LEASE = timedelta(minutes=10)
AGAIN_AFTER = timedelta(minutes=2)
# What could not be sent for so long, or reminds of a clock that has stopped, is no news any more.
STALE_AFTER = timedelta(days=1)
KEEP = timedelta(days=90)


def queue(row: Notification, *, dedupe: str, now: datetime) -> None:
    """Note one message for every chat address if `row` presses; `dedupe` is its key without the recipient.

    However many people hear of one thing, a group hears of it once.
    """
    if row.kind not in messages.PRESSING or not settings.NOTIFY_URLS:
        return
    about = {"dedupe": dedupe, "notification": row.dedupe_key}
    JobRun.objects.bulk_create(
        [
            JobRun(job=JOB, period=_key(dedupe, url), started_at=now, attempts=0, result=about)
            for url in settings.NOTIFY_URLS
        ],
        ignore_conflicts=True,
    )
    after_commit.enqueue(tasks.send_chat)


def _key(dedupe: str, url: str) -> str:
    """A name for one message to one address that gives neither away."""
    return salted_hmac("complaints.chat", f"{dedupe}\n{url}", algorithm="sha256").hexdigest()[:40]


def send_chat(*, now: datetime | None = None) -> dict[str, int]:
    """Send what waits; safe to run twice or on two workers. An address that fails rests until the next run."""
    now = now or timezone.now()
    waiting = JobRun.objects.filter(job=JOB, state=JobRun.State.RUNNING, started_at__lte=now)
    waiting.filter(attempts__gte=ATTEMPTS).update(
        state=JobRun.State.FAILED, error="Interrupted", finished_at=now
    )  # its last worker died
    sent = failed = 0
    resting: set[str] = set()
    for run in list(waiting.order_by("pk")[:BATCH]):
        url = next((url for url in settings.NOTIFY_URLS if _key(run.result["dedupe"], url) == run.period), "")
        if url in resting or not _claim(run, now=now):
            continue
        error = _deliver(run, url, now=now)
        if not error:
            JobRun.objects.filter(pk=run.pk).update(state=JobRun.State.DONE, error="", finished_at=timezone.now())
            sent += 1
            continue
        failed += 1
        resting.add(url)
        _put_back(run, error, now=now)
        logger.warning("chat message not sent", extra={"run": run.pk, "error": error})
    return {"sent": sent, "failed": failed}


def _claim(run: JobRun, *, now: datetime) -> bool:
    mine = JobRun.objects.filter(pk=run.pk, state=JobRun.State.RUNNING, started_at=run.started_at)
    return bool(mine.update(started_at=now + LEASE, attempts=F("attempts") + 1))


def _put_back(run: JobRun, error: str, *, now: datetime) -> None:
    is_over = run.attempts + 1 >= ATTEMPTS or error in ("Gone", "Stale")
    JobRun.objects.filter(pk=run.pk).update(
        state=JobRun.State.FAILED if is_over else JobRun.State.RUNNING,
        started_at=now if is_over else now + AGAIN_AFTER,
        finished_at=now if is_over else None,
        error=error,
    )


def _deliver(run: JobRun, url: str, *, now: datetime) -> str:
    """Send one message: '' when it was taken, else what was in the way."""
    from complaints import chat_targets  # apprise takes a moment to load and is needed with addresses only

    row = Notification.objects.select_related("complaint").filter(dedupe_key=run.result["notification"]).first()
    if row is None or not url:
        return "Gone"  # the address was taken out of the settings
    if row.created_at < now - STALE_AFTER or row.is_moot():
        return "Stale"
    try:
        chat_targets.send(
            url, text_of(row), internal=settings.NOTIFY_INTERNAL, is_private_allowed=not settings.PRODUCTION
        )
    except (OSError, ValueError) as error:
        return type(error).__name__
    return ""


def text_of(row: Notification) -> str:
    """What a group reads: the sentence of the inbox and a link, so numbers only (AP-06)."""
    with translation.override(settings.LANGUAGE_CODE):
        line = messages.plain_sentence(row)
    return f"{line}\n{settings.PUBLIC_BASE_URL}{row.url}" if row.url else line


def purge(*, now: datetime) -> int:
    """Forget messages settled 90 days ago. Returns how many."""
    settled = JobRun.objects.filter(job=JOB, finished_at__lt=now - KEEP).exclude(state=JobRun.State.RUNNING)
    return settled.delete()[0]
