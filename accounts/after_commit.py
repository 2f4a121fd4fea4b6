"""Do something once the current transaction has committed, without hurting what was saved."""

from __future__ import annotations

from typing import Any

from django.core.cache import caches
from django.db import transaction
from django.dispatch import Signal
from kombu.exceptions import OperationalError as BrokerDown

# A broker that is up but silent costs every try two seconds, and one click may leave several tasks. So after a
# failure this process leaves the broker alone for so many seconds: only who came first has waited (DS-03, FI-C).
REST_SECONDS = 30
_RESTS = "broker-rests"


def enqueue(task: Any, **kwargs: Any) -> None:
    """Send a Celery task after commit, ids only. A broker that is down is logged, not raised:
    a sweep finds what was left (architecture, Running)."""

    # A nested function, not functools.partial: before Django 6.1 a failing partial
    # with robust=True crashes while its failure is being logged (django #36487).
    def send() -> None:
        resting = caches["local"]
        if resting.get(_RESTS):
            return
        try:
            task.apply_async(kwargs=kwargs, retry=False)
        except (BrokerDown, OSError):
            resting.set(_RESTS, True, REST_SECONDS)
            raise

    transaction.on_commit(send, robust=True)


def announce(signal: Signal, sender: Any, **payload: Any) -> None:
    """Tell the apps above after commit. Payload: ids, enums, datetimes only."""

    def send() -> None:
        signal.send_robust(sender=sender, **payload)

    transaction.on_commit(send, robust=True)
