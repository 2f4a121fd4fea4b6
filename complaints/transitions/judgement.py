"""Facts added after intake, validity, and the label "unreasonable" that takes two people (SCR-07, SCR-08, IN-24…31)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from accounts.models import User
from complaints import clocks, events, notify
from complaints.models import Complaint, OutstandingItem, UnreasonableLabel
from complaints.states import SpecialGroup, Threat
from complaints.transitions import core, grading, lanes
from complaints.transitions.intake import index

# What may be added or corrected while a case is open; what was told at intake stays as it was told.
FACTS = (
    "demand", "true_need", "consequential_loss", "product", "batch", "business_step", "place", "outlet", "occurred_on",
    "persons_affected", "amount", "customer_tier", "special_groups", "emotion_intensity", "threats", "has_injury",
    "has_damage", "involves_minors", "has_privacy_leak", "is_unmet_need",
)  # fmt: skip


@transaction.atomic
def record_facts(
    complaint_id: int, *, by: User, version: int | None = None, at: datetime | None = None, **facts: Any
) -> Complaint:
    """Add or correct facts of the matter (FACTS); every change is an event with the names of the fields.

    Raises InvalidInput for an unknown field or when nothing changes.
    """
    at = core.moment(at)
    complaint = core.begin(complaint_id, "record_facts", by=by, version=version)
    unknown = set(facts) - set(FACTS)
    if unknown:
        raise InvalidInput(sorted(unknown)[0], _("This cannot be changed here."))
    if "special_groups" in facts:
        facts["special_groups"] = core.check_codes("special_groups", facts["special_groups"], SpecialGroup)
    if "threats" in facts:
        facts["threats"] = core.check_codes("threats", facts["threats"], Threat)
    changed = [name for name, value in facts.items() if getattr(complaint, name) != value]
    if not changed:
        raise InvalidInput("true_need", _("Nothing was changed."))
    if "demand" in changed and complaint.demand:
        raise InvalidInput("demand", _("What was asked for at intake stays as it was told."))
    for name in changed:
        setattr(complaint, name, facts[name])
    complaint.full_clean(exclude=[f.name for f in complaint._meta.fields if f.name not in changed])
    complaint.save(update_fields=changed)
    if {"place", "product"} & set(changed):
        index(complaint)
    core.finish(complaint, "record_facts", by=by, at=at, fields=changed)
    grading.regrade(complaint, at=at)
    lanes.decide(complaint, at=at)
    if "customer_tier" in changed:
        lanes.greet_tier(complaint, at=at)
    return complaint


@transaction.atomic
def judge_validity(
    complaint_id: int,
    *,
    is_valid: bool,
    reason: str,
    by: User,
    version: int | None = None,
    at: datetime | None = None,
) -> Complaint:
    """Mark the complaint valid or invalid; only valid ones count as substantiated (SCR-07)."""
    at = core.moment(at)
    complaint = core.begin(complaint_id, "judge_validity", by=by, version=version)
    core.require("is_valid", is_valid, _("Choose valid or invalid."))
    core.require("reason", reason)
    complaint.is_valid = is_valid
    complaint.save(update_fields=["is_valid"])
    core.finish(complaint, "judge_validity", by=by, at=at, fields=["is_valid"], note=reason)
    return complaint


@transaction.atomic
def propose_unreasonable(
    complaint_id: int, *, reason: str, by: User, version: int | None = None, at: datetime | None = None
) -> UnreasonableLabel:
    """Propose the label; nothing changes until another person agrees (SCR-08)."""
    at = core.moment(at)
    complaint = core.begin(complaint_id, "propose_unreasonable", by=by, version=version)
    core.require("reason", reason, _("Say with facts why the demand cannot be met by anyone."))
    if complaint.is_unreasonable:
        raise InvalidInput("reason", _("The complaint carries this label already."))
    if complaint.unreasonable_labels.filter(decided_at=None).exists():
        raise InvalidInput("reason", _("A proposal waits for a second person already."))
    row = UnreasonableLabel.objects.create(complaint=complaint, reason=reason, proposed_by=by, proposed_at=at)
    core.finish(complaint, "propose_unreasonable", by=by, at=at, reference=core.ref(row))
    notify.tell(
        notify.holders_of("complaints.screen_complaint").exclude(pk=by.pk),
        "second_look",
        complaint=complaint,
        dedupe=f"second_look:{row.pk}",
        by_email=False,
    )
    return row


@transaction.atomic
def decide_unreasonable(
    complaint_id: int,
    *,
    agree: bool,
    reason: str,
    by: User,
    version: int | None = None,
    at: datetime | None = None,
) -> UnreasonableLabel:
    """The second person's decision on the proposed label (SCR-08)."""
    at = core.moment(at)
    complaint = core.begin(complaint_id, "decide_unreasonable", by=by, version=version)
    core.require("agree", agree, _("Agree or refuse."))
    core.require("reason", reason)
    row = complaint.unreasonable_labels.select_for_update().filter(decided_at=None).first()
    if row is None:
        raise InvalidInput("agree", _("No proposal waits for a decision."))
    row.agreed, row.decision_reason, row.decided_by, row.decided_at = agree, reason[:300], by, at
    row.save(update_fields=["agreed", "decision_reason", "decided_by", "decided_at"])
    complaint.is_unreasonable = agree
    complaint.save(update_fields=["is_unreasonable"])
    core.finish(
        complaint, "decide_unreasonable", by=by, at=at, fields=["is_unreasonable"], note=reason, reference=core.ref(row)
    )
    return row


def add_outstanding(
    complaint: Complaint, texts: list[str], *, due_on: date | None, by: User | None, at: datetime
) -> list[OutstandingItem]:
    """What the complainant still owes although the case is accepted (IN-37); called inside a transition."""
    return OutstandingItem.objects.bulk_create(
        OutstandingItem(complaint=complaint, text=text[:200], due_on=due_on, asked_at=at, asked_by=by) for text in texts
    )


@transaction.atomic
def settle_outstanding(
    item_id: int, *, by: User, waived_reason: str = "", at: datetime | None = None
) -> OutstandingItem:
    """An owed item came in, or is no longer needed for a reason (IN-37)."""
    at = core.moment(at)
    item = OutstandingItem.objects.select_related("complaint").get(pk=item_id)
    complaint = core.lock(item.complaint_id)
    item.refresh_from_db(fields=["received_at"])
    if item.received_at is not None:
        raise InvalidInput("item", _("This item is settled already."))
    item.received_at, item.received_by, item.waived_reason = at, by, waived_reason[:200]
    item.save(update_fields=["received_at", "received_by", "waived_reason"])
    core.add_event(complaint, "outstanding_settled", by=by, at=at, reference=core.ref(item))
    return item


@transaction.atomic
def undo_import(
    complaint_id: int, *, reason: str, by: User, version: int | None = None, at: datetime | None = None
) -> Complaint:
    """Take an imported case that nobody has touched out of the work; its number and record stay (IN-14).

    Raises InvalidInput when the case was not imported or something happened to it since.
    """
    at = core.moment(at)
    complaint = core.begin(complaint_id, "undo_import", by=by, version=version)
    core.require("reason", reason)
    if complaint.import_batch_id is None:
        raise InvalidInput("reason", _("This case was not imported."))
    if not events.is_untouched_since_import(complaint):
        raise InvalidInput("reason", _("Somebody has worked on this case since; it stays."))
    clocks.cancel(complaint, at=at)
    complaint.external_key, complaint.is_valid, complaint.closed_at = None, False, at
    complaint.first_closed_at = None
    complaint.save(update_fields=["external_key", "is_valid", "closed_at", "first_closed_at"])
    core.finish(complaint, "undo_import", by=by, at=at, fields=["external_key", "is_valid", "closed_at"], note=reason)
    return complaint
