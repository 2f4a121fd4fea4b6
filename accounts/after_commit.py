"""Do something once the current transaction has committed, without hurting what was saved."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.dispatch import Signal


def enqueue(task: Any, **kwargs: Any) -> None:
    """Send a Celery task after commit, ids only. A broker that is down is logged, not raised:
    a sweep finds what was left (architecture, Running)."""

    # A nested function, not functools.partial: before Django 6.1 a failing partial
    # with robust=True crashes while its failure is being logged (django #36487).
    def send() -> None:
        task.apply_async(kwargs=kwargs, retry=False)

    transaction.on_commit(send, robust=True)


def announce(signal: Signal, sender: Any, **payload: Any) -> None:
    """Tell the apps above after commit. Payload: ids, enums, datetimes only."""

    def send() -> None:
        signal.send_robust(sender=sender, **payload)

    transaction.on_commit(send, robust=True)
