"""What complaints do when something below announces it: a change of somebody's rights is told to those it needs."""

from __future__ import annotations

from django.dispatch import receiver
from django.urls import reverse

from accounts import people
from accounts.models import AccessChange, AccessState
from complaints import notify


@receiver(people.access_changed, dispatch_uid="complaints.receivers.access_changed")
def access_changed(sender: object, change: AccessChange, **kwargs: object) -> None:
    """A second person hears that one is needed, the proposer what was decided, the person what was done."""
    page = reverse("complaints:person", args=[change.person_id])
    if change.state == AccessState.PROPOSED:
        deciders = notify.holders_of(people.PERMISSION).exclude(pk__in=[change.proposed_by_id, change.person_id])
        notify.tell(deciders, "access_waits", dedupe=f"access_waits:{change.pk}", url=page)
        return
    if change.decided_by_id and change.proposed_by:
        notify.tell([change.proposed_by], "access_decided", dedupe=f"access_decided:{change.pk}", url=page)
    if change.state == AccessState.DONE and change.person.is_active:
        own = reverse("accounts:profile")
        notify.tell([change.person], "access_done", dedupe=f"access_done:{change.pk}", url=own)
