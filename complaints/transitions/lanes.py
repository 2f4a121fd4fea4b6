"""A case is put on a lane, by rule, by a person or because of its customer tier, and taken off it (ASG-09…11, SPG-07).

Nothing here touches a clock: legal limits never depend on a lane (SPG-08). Events name the lane, not the reason.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import User
from complaints import lanes, notify, tiers
from complaints.models import Assignment, CaseEvent, CaseLane, Complaint, LaneRule
from complaints.states import AssignmentRole, Lane, LaneReason
from complaints.timeline_words import NOTE_WORDS
from complaints.transitions import core, rule_lists

EDIT_RULES = ("complaints.edit_reference",)
REASON = 300
# A case on a lane changes hands once; after that a coordinator says why (ASG-11).
TRANSFERS = ("hand_over", "reassign", "grant_return")

NOTE_WORDS["lane_set"] = dict(Lane.choices)


# --- By rule and by tier ------------------------------------------------------------------------------
def decide(complaint: Complaint, *, at: datetime) -> CaseLane | None:
    """Put an open case, whose row is locked, on the lane its facts ask for (ASG-09, ASG-11, SPG-07).

    The first rule that holds decides, then the customer tier. A lane that stands is only ever raised, from the
    fast lane to one senior person; what a person took off stays off. Returns the lane when it is new.
    """
    if not complaint.is_open:
        return None
    rules = lanes.active_rules()
    service = tiers.service_of(complaint)
    if not rules and service is None:
        return None
    row = CaseLane.objects.filter(complaint=complaint).first()
    if row is not None and (row.ended_reason or (row.ended_at is None and not _may_rise(row))):
        return None
    rule = lanes.first_match(complaint, rules)
    if row is not None and row.ended_at is None and (rule is None or rule.lane != Lane.SENIOR):
        return None
    if rule is not None:
        return _by_rule(complaint, rule, at=at)
    if service is not None and service.fast_lane:
        return _set(complaint, lane=Lane.FAST, reason=LaneReason.TIER, at=at, by=None)
    return None


def greet_tier(complaint: Complaint, *, at: datetime) -> None:
    """Tell the dedicated manager of the customer's tier of the case, once (SPG-07)."""
    service = tiers.service_of(complaint)
    if service is None or service.manager is None or not _sees(service.manager, complaint):
        return
    notify.tell([service.manager], "tier_manager", complaint=complaint, dedupe=f"tier:{complaint.pk}")


def _may_rise(row: CaseLane) -> bool:
    return row.lane == Lane.FAST and row.reason in (LaneReason.RULE, LaneReason.TIER)


def _sees(user: User, complaint: Complaint) -> bool:
    return Complaint.objects.visible_to(user).filter(pk=complaint.pk).exists()


def _by_rule(complaint: Complaint, rule: LaneRule, *, at: datetime) -> CaseLane:
    senior = rule.senior
    if senior is not None and not lanes.seniors_for(complaint).filter(pk=senior.pk).exists():
        senior = None
    row = _set(
        complaint,
        lane=rule.lane,
        reason=LaneReason.RULE,
        at=at,
        by=None,
        senior=senior,
        rule=rule,
        daily_contact=rule.daily_contact,
    )
    if rule.lane == Lane.SENIOR and senior is None:
        # The person of the rule may not take this case: the coordinators name somebody else.
        notify.tell(
            notify.holders_of("complaints.adjudicate_return"),
            "lane_unmanned",
            complaint=complaint,
            url=page_url(complaint),
            dedupe=f"lane_unmanned:{complaint.pk}:{at:%Y%m%d%H%M%S}",
        )
    return row


def page_url(complaint: Complaint) -> str:
    """The address of the page about the lane of a case."""
    return f"/desk/cases/{complaint.number}/lane/"


def _set(
    complaint: Complaint,
    *,
    lane: str,
    reason: str,
    at: datetime,
    by: User | None,
    senior: User | None = None,
    rule: LaneRule | None = None,
    daily_contact: bool = False,
    note: str = "",
) -> CaseLane:
    values = {
        "lane": lane, "reason": reason, "rule": rule, "senior": senior, "daily_contact": daily_contact, "note": note,
        "at": at, "by": by, "reminded_on": None, "ended_at": None, "ended_reason": "",
    }  # fmt: skip
    row, _created = CaseLane.objects.update_or_create(complaint=complaint, defaults=values)
    if lane == Lane.SENIOR and senior is not None:
        _hand_to(complaint, senior)
    core.add_event(complaint, "lane_set", by=by, at=at, note=lane)
    if senior is not None:
        notify.tell(
            [senior],
            "lane_senior" if lane == Lane.SENIOR else "lane_fast",
            complaint=complaint,
            url=page_url(complaint),
            dedupe=f"lane:{complaint.pk}:{at:%Y%m%d%H%M%S%f}",
        )
    return row


def _hand_to(complaint: Complaint, senior: User) -> None:
    """Make the senior person responsible from here to the end: as coordinator, or as handler of the own department."""
    if senior.has_perm(lanes.COORDINATE):
        complaint.coordinator = senior
        complaint.save(update_fields=["coordinator"])
        return
    lead = Assignment.objects.filter(complaint=complaint, role=AssignmentRole.LEAD, is_current=True)
    lead.update(handler=senior)
    complaint.handler = senior
    complaint.save(update_fields=["handler"])


# --- By a person --------------------------------------------------------------------------------------
@transaction.atomic
def put_on_lane(
    complaint_id: int,
    *,
    lane: str,
    reason: str,
    by: User,
    senior: User | None = None,
    daily_contact: bool = False,
    is_about_conduct: bool = False,
    at: datetime | None = None,
) -> CaseLane:
    """A coordinator puts a case on a lane, or on another one, and says why (ASG-09…11).

    `is_about_conduct`: a senior person takes it because of how the first handler behaved; somebody of the staff
    has to be named in the complaint (ASG-10). Raises NotAllowed, IllegalTransition, InvalidInput by field.
    """
    at = core.moment(at)
    complaint = _begin(complaint_id, by=by)
    if not complaint.is_open:
        raise IllegalTransition(_("The case is over; it needs no lane any more."))
    if lane not in Lane.values:
        raise InvalidInput("lane", _("Choose one."))
    _require_reason(reason)
    if is_about_conduct and not complaint.accused_staff.exists():
        raise InvalidInput("is_about_conduct", _("Say first whom the complaint is about."))
    if is_about_conduct and lane != Lane.SENIOR:
        raise InvalidInput("lane", _("With a complaint about conduct one senior person takes the case."))
    if lane == Lane.SENIOR and senior is None:
        raise InvalidInput("senior", _("Choose the person who takes the case."))
    if senior is not None and not lanes.seniors_for(complaint).filter(pk=senior.pk).exists():
        raise InvalidInput("senior", _("This person cannot take the case; choose somebody from the list."))
    row = CaseLane.objects.filter(complaint=complaint, ended_at=None).first()
    wanted = (lane, senior.pk if senior else None, daily_contact)
    if row is not None and (row.lane, row.senior_id, row.daily_contact) == wanted:
        raise InvalidInput("lane", _("Nothing was changed."))
    return _set(
        complaint,
        lane=lane,
        reason=LaneReason.CONDUCT if is_about_conduct else LaneReason.PERSON,
        at=at,
        by=by,
        senior=senior,
        daily_contact=daily_contact,
        note=reason.strip(),
    )


@transaction.atomic
def take_off_lane(complaint_id: int, *, reason: str, by: User, at: datetime | None = None) -> CaseLane:
    """A coordinator lets the case go the ordinary way again; no rule puts it back. Raises as put_on_lane."""
    at = core.moment(at)
    complaint = _begin(complaint_id, by=by)
    _require_reason(reason)
    row = CaseLane.objects.filter(complaint=complaint, ended_at=None).first()
    if row is None:
        raise IllegalTransition(_("The case goes the ordinary way already."))
    row.ended_at, row.ended_reason = at, reason.strip()
    row.save(update_fields=["ended_at", "ended_reason"])
    core.add_event(complaint, "lane_ended", by=by, at=at, note=row.lane)
    return row


def _require_reason(reason: str) -> None:
    core.require("reason", reason, _("Say why."))
    if len(reason) > REASON:
        raise InvalidInput("reason", _("Please shorten this to %(limit)s characters."), limit=REASON)


def _begin(complaint_id: int, *, by: User) -> Complaint:
    complaint = core.lock(complaint_id)
    if not by.is_active or not by.has_perm(lanes.COORDINATE):
        raise NotAllowed(_("Your role does not allow this."))
    if not _sees(by, complaint):
        raise NotAllowed(_("This case is no longer yours to see."))
    return complaint


def end_for_care(complaint: Complaint, *, at: datetime) -> None:
    """The consent is withdrawn: a lane that a rule gave for a special group would still tell of it (SPG-01)."""
    row = CaseLane.objects.filter(complaint=complaint, ended_at=None).exclude(rule__special_group="").first()
    if row is None or row.rule_id is None:
        return
    row.ended_at, row.rule = at, None
    row.save(update_fields=["ended_at", "rule"])
    core.add_event(complaint, "lane_ended", by=None, at=at, note=row.lane)


def require_first_transfer(complaint: Complaint, *, by: User) -> None:
    """On a lane a case changes hands once. Raises IllegalTransition for a second time without a coordinator."""
    row = CaseLane.objects.filter(complaint=complaint, ended_at=None).first()
    if row is None or by.has_perm(lanes.COORDINATE):
        return
    if CaseEvent.objects.filter(complaint=complaint, kind__in=TRANSFERS, at__gte=row.at).exists():
        raise IllegalTransition(
            _("This case is on a lane and changed hands once already; ask a coordinator to move it, with the reason.")
        )


# --- The rules ----------------------------------------------------------------------------------------
@transaction.atomic
def save_lane_rule(rule_id: int | None, *, by: User, at: datetime | None = None, **values: Any) -> LaneRule:
    """Add a rule at the end, or change one in its place. Raises NotAllowed, IllegalTransition, InvalidInput."""
    rules = rule_lists.locked(LaneRule, by=by, permissions=EDIT_RULES)
    if values["lane"] == Lane.SENIOR and values.get("senior") is None:
        raise InvalidInput("senior", _("Choose the person who takes these cases."))
    rule = LaneRule() if rule_id is None else rule_lists.one(rules, rule_id)
    return rule_lists.store(rules, rule, values, by=by, at=core.moment(at))


@transaction.atomic
def move_lane_rule(rule_id: int, *, by: User, up: bool, at: datetime | None = None) -> None:
    """Let a rule change places with its neighbour; at the end of the list nothing happens."""
    rules = rule_lists.locked(LaneRule, by=by, permissions=EDIT_RULES)
    rule_lists.move(rules, rule_id, up=up, by=by, at=core.moment(at))


@transaction.atomic
def switch_lane_rule(rule_id: int, *, by: User, on: bool, at: datetime | None = None) -> None:
    """Put a rule in force or out of it; it is never deleted, cases point at it."""
    rules = rule_lists.locked(LaneRule, by=by, permissions=EDIT_RULES)
    rule_lists.switch(rule_lists.one(rules, rule_id), on=on, by=by, at=core.moment(at))
