"""The complainant allows, or takes back, that a special need is noted and shown to handlers (SPG-01).

What was noted is erased the moment the consent ends; that there was one stays. Events hold no content.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import User
from complaints import care
from complaints.models import CareConsent, Complaint
from complaints.states import SpecialGroup, Status
from complaints.transitions import core, follow_up_plan, lanes

NEEDS, HOW, REASON = 1000, 200, 300
# Stands where the need used to stand in clear: draws of samples only ask whether there is one.
NOTED = "✓"


@transaction.atomic
def record_consent(
    complaint_id: int,
    *,
    groups: Iterable[str],
    needs: str,
    given_how: str,
    by: User,
    at: datetime | None = None,
) -> CareConsent:
    """Write down the consent and what it covers; a consent that stands is replaced, its content erased.

    Raises NotAllowed, IllegalTransition for an archived case, InvalidInput by field.
    """
    at = core.moment(at)
    complaint = core.lock(complaint_id)
    if not Complaint.objects.visible_to(by).filter(pk=complaint.pk).exists():
        raise NotAllowed(_("This case is no longer yours to see."))
    if not care.may_record(by, complaint):
        raise NotAllowed(_("Your role does not allow this."))
    if complaint.status == Status.ARCHIVED:
        raise IllegalTransition(_("The case is archived; nothing can be added."))
    return store(complaint, groups=groups, needs=needs, given_how=given_how, by=by, at=at)


def store(
    complaint: Complaint, *, groups: Iterable[str], needs: str, given_how: str, by: User | None, at: datetime
) -> CareConsent:
    """Keep a consent on a case whose row is locked; `by=None` is the complainant. Raises InvalidInput by field."""
    chosen = core.check_codes("special_groups", groups, SpecialGroup)
    if not chosen and not needs.strip():
        raise InvalidInput("special_groups", _("Say which group, or what help is needed; the consent is about that."))
    core.require("given_how", given_how, _("Say how the consent was given."))
    for name, value, limit in (("needs", needs, NEEDS), ("given_how", given_how, HOW)):
        if len(value) > limit:
            raise InvalidInput(name, _("Please shorten this to %(limit)s characters."), limit=limit)
    _end(complaint, by=by, at=at)
    row = CareConsent.objects.create(
        complaint=complaint,
        groups=chosen,
        needs=needs.strip(),
        given_how=given_how.strip(),
        given_at=at,
        recorded_by=by,
    )
    _note(complaint, chosen, NOTED if needs.strip() else "")
    core.add_event(complaint, "care_consent", by=by, at=at, reference=core.ref(row))
    lanes.decide(complaint, at=at)
    if complaint.status == Status.CLOSED:
        follow_up_plan.plan_care_calls(complaint, by=by, at=at)
    return row


@transaction.atomic
def withdraw_consent(complaint_id: int, *, by: User | None, reason: str = "", at: datetime | None = None) -> None:
    """Take the consent back: marker and needs are gone at once, from the archive too.

    `by=None` is the complainant on the tracking page; a member of staff says how the complainant said so. Raises
    NotAllowed, InvalidInput("reason"), IllegalTransition when nothing is noted. What was noted without a consent
    goes the same way.
    """
    at = core.moment(at)
    complaint = core.lock(complaint_id)
    if by is not None:
        if not care.may_record(by, complaint) or not Complaint.objects.visible_to(by).filter(pk=complaint.pk).exists():
            raise NotAllowed(_("Your role does not allow this."))
        core.require("reason", reason, _("Say how the complainant took it back."))
        if len(reason) > REASON:
            raise InvalidInput("reason", _("Please shorten this to %(limit)s characters."), limit=REASON)
    row = _end(complaint, by=by, at=at)
    if row is None and not (complaint.special_groups or complaint.complainant.needs_care):
        raise IllegalTransition(_("There is no consent to take back."))
    _note(complaint, [], "")
    lanes.end_for_care(complaint, at=at)
    follow_up_plan.end_care_calls(complaint)
    core.add_event(complaint, "care_withdrawn", by=by, at=at, note=reason, reference=core.ref(row) if row else "")


def _end(complaint: Complaint, *, by: User | None, at: datetime) -> CareConsent | None:
    """End the consent that stands and erase what it covered."""
    row = CareConsent.objects.select_for_update().filter(complaint=complaint, withdrawn_at=None).first()
    if row is None:
        return None
    row.groups, row.needs, row.withdrawn_at, row.withdrawn_by = [], "", at, by
    row.save(update_fields=["groups", "needs", "withdrawn_at", "withdrawn_by"])
    return row


def _note(complaint: Complaint, groups: list[str], mark: str) -> None:
    complaint.special_groups = groups
    complaint.save(update_fields=["special_groups"])
    complaint.complainant.needs_care = mark
    complaint.complainant.save(update_fields=["needs_care"])
