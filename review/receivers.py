"""Answers to what the apps below announce; the sweep of this app is the guarantee."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from complaints.models import Complaint, MediaPlan, OpinionSignal
from review import major


@receiver(post_save, sender=Complaint)
def case_saved(instance: Complaint, created: bool, update_fields: frozenset[str] | None, **_: Any) -> None:
    """A fact that makes a complaint a major one may have changed; each step of a review looks again (REV-51)."""
    if not created and (update_fields is None or major.FACTS & set(update_fields)):
        major.facts_changed(instance.pk)


@receiver(post_save, sender=OpinionSignal)
@receiver(post_save, sender=MediaPlan)
def media_involved(instance: OpinionSignal | MediaPlan, **_: Any) -> None:
    """Something was said in public about a case, or a media plan was agreed on (REV-51)."""
    if instance.complaint_id:
        major.facts_changed(instance.complaint_id)
