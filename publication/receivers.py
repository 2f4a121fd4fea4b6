"""Answers to what the apps below announce; the sweep of this app is the guarantee."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from accounts import after_commit
from complaints import signals
from publication import bulletins, tasks


@receiver(signals.bulletin_released)
def publish_bulletin(sender: Any, *, bulletin_id: int, **_kwargs: Any) -> None:
    """Publish it in the background; a big incident has thousands of people to look out for (INC-08)."""
    after_commit.enqueue(tasks.publish_bulletin, bulletin_id=bulletin_id)


@receiver(signals.bulletin_withdrawn)
def take_bulletin_down(sender: Any, *, bulletin_id: int, **_kwargs: Any) -> None:
    """It is gone from the public pages at once."""
    bulletins.take_down(bulletin_id)
