"""What is done about a risky case: team, meetings, media plan, settlement, lawsuit, hold, measures (RISK-06, 18…24).

Whoever works on risk and sees the case adds these records; each leaves one event. Settlement and lawsuit
are for the office, interim measures for whom may read them: departments get neither record nor event.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import User
from complaints import notify
from complaints.models import (
    CaseTeamMember,
    Complaint,
    InterimMeasure,
    Lawsuit,
    LegalHold,
    MediaPlan,
    RiskMeeting,
    SettlementStep,
    TeamRole,
)
from complaints.states import Audience, Status
from complaints.transitions import core

PERMISSION = "complaints.manage_risk"
MEASURES = "complaints.read_interim_measures"
LIMIT = 5000


def begin(complaint_id: int, *, by: User, permission: str = PERMISSION, archived: bool = False) -> Complaint:
    """Lock the case for a record about its risk. Raises NotAllowed, IllegalTransition."""
    complaint = core.lock(complaint_id)
    if not by.has_perm(permission) or not Complaint.objects.visible_to(by).filter(pk=complaint.pk).exists():
        raise NotAllowed(_("Your role does not allow this."))
    if complaint.status == Status.ARCHIVED and not archived:
        raise IllegalTransition(_("The case is archived; nothing can be added."))
    return complaint


def _text(field: str, value: str, *, limit: int = LIMIT) -> str:
    core.require(field, value)
    if len(value) > limit or "\x00" in value:
        raise InvalidInput(field, _("Please shorten this to %(limit)s characters."), limit=limit)
    return value.strip()


# --- Joint team (RISK-23) ---------------------------------------------------------------------------
@transaction.atomic
def join_team(complaint_id: int, *, user: User, role: TeamRole, by: User, at: datetime | None = None) -> CaseTeamMember:
    """Take a person into the joint team of the case and tell them; from now on they see the case.

    Raises InvalidInput for somebody in the team already, or who could not open the case even then.
    """
    at = core.moment(at)
    complaint = begin(complaint_id, by=by)
    core.require("user", user, _("Choose a person."))
    if complaint.team.filter(user=user, until=None).exists():
        raise InvalidInput("user", _("This person is in the team already."))
    row = CaseTeamMember.objects.create(complaint=complaint, user=user, role=TeamRole(role), since=at, added_by=by)
    if not Complaint.objects.visible_to(user).filter(pk=complaint.pk).exists():
        raise InvalidInput("user", _("This person could not open the case: their role does not work on risk."))
    core.add_event(complaint, "team_joined", by=by, at=at, reference=core.ref(row))
    notify.tell([user], "team_joined", complaint=complaint, dedupe=f"team_joined:{row.pk}")
    return row


@transaction.atomic
def leave_team(member_id: int, *, by: User, at: datetime | None = None) -> CaseTeamMember:
    """End somebody's part in the joint team; that they were in it is kept."""
    at = core.moment(at)
    row = CaseTeamMember.objects.select_related("complaint").get(pk=member_id)
    complaint = begin(row.complaint_id, by=by)
    row.refresh_from_db(fields=["until"])
    if row.until is not None:
        raise InvalidInput("user", _("This person has left the team already."))
    row.until = at
    row.save(update_fields=["until"])
    core.add_event(complaint, "team_left", by=by, at=at, reference=core.ref(row))
    return row


# --- Meeting and media (RISK-06, RISK-22) -------------------------------------------------------------
@transaction.atomic
def add_meeting(
    complaint_id: int, *, held_at: datetime, participants: str, strategy: str, by: User, at: datetime | None = None
) -> RiskMeeting:
    """A meeting judged the risk; its strategy stands on the case."""
    at = core.moment(at)
    complaint = begin(complaint_id, by=by)
    core.require("held_at", held_at)
    if held_at > at:
        raise InvalidInput("held_at", _("This time is in the future; record the meeting after it was held."))
    row = RiskMeeting.objects.create(
        complaint=complaint,
        held_at=held_at,
        participants=_text("participants", participants, limit=300),
        strategy=_text("strategy", strategy),
        at=at,
        by=by,
    )
    core.add_event(complaint, "risk_meeting", by=by, at=at, reference=core.ref(row))
    return row


@transaction.atomic
def add_media_plan(
    complaint_id: int,
    *,
    spokesperson: str,
    wording: str,
    release_channel: str,
    by: User,
    at: datetime | None = None,
) -> MediaPlan:
    """Agree who speaks with which words; the newest plan counts, the earlier ones are kept."""
    at = core.moment(at)
    complaint = begin(complaint_id, by=by)
    row = MediaPlan.objects.create(
        complaint=complaint,
        spokesperson=_text("spokesperson", spokesperson, limit=80),
        wording=_text("wording", wording),
        release_channel=_text("release_channel", release_channel, limit=120),
        at=at,
        by=by,
    )
    core.add_event(complaint, "media_plan", by=by, at=at, reference=core.ref(row))
    return row


# --- Settlement and lawsuit (RISK-18, RISK-19) --------------------------------------------------------
@transaction.atomic
def add_settlement_step(
    complaint_id: int,
    *,
    step: SettlementStep.Kind,
    text: str,
    amount: Decimal | None = None,
    by: User,
    at: datetime | None = None,
) -> SettlementStep:
    """One step towards a settlement. Nobody offers or agrees to more than the newest authority covers."""
    at = core.moment(at)
    complaint = begin(complaint_id, by=by)
    kinds = SettlementStep.Kind
    if step == kinds.AUTHORITY:
        core.require("amount", amount, _("Give the amount the authority covers."))
    elif step in (kinds.OFFER, kinds.AGREED):
        core.require("amount", amount, _("Give the amount; 0 when it is about no money."))
        authority = complaint.settlement_steps.filter(kind=kinds.AUTHORITY).order_by("at", "pk").last()
        if authority is None or authority.amount is None:
            raise InvalidInput("step", _("Nobody gave authority to settle yet; record it first."))
        if amount is not None and amount > authority.amount:
            raise InvalidInput(
                "amount", _("The authority covers %(amount)s yuan; get a higher one first."), amount=authority.amount
            )
    row = SettlementStep.objects.create(
        complaint=complaint, kind=kinds(step), amount=amount, text=_text("text", text), at=at, by=by
    )
    core.add_event(complaint, "settlement", by=by, at=at, reference=core.ref(row), audience=Audience.OFFICE)
    return row


@transaction.atomic
def add_lawsuit(
    complaint_id: int, *, court: str, filed_on: date, docket: str = "", by: User, at: datetime | None = None
) -> Lawsuit:
    """The complaint has become a lawsuit."""
    at = core.moment(at)
    complaint = begin(complaint_id, by=by)
    core.require("filed_on", filed_on)
    _require_past("filed_on", filed_on, at)
    row = Lawsuit.objects.create(
        complaint=complaint,
        court=_text("court", court, limit=120),
        docket=docket.strip()[:80],
        filed_on=filed_on,
        at=at,
        by=by,
    )
    core.add_event(complaint, "lawsuit", by=by, at=at, reference=core.ref(row), audience=Audience.OFFICE)
    return row


@transaction.atomic
def record_judgment(
    lawsuit_id: int,
    *,
    judgment: str,
    judged_on: date,
    compensation: Decimal | None = None,
    legal_cost: Decimal | None = None,
    by: User,
    at: datetime | None = None,
) -> Lawsuit:
    """How the lawsuit ended and what it cost."""
    at = core.moment(at)
    row = Lawsuit.objects.get(pk=lawsuit_id)
    complaint = begin(row.complaint_id, by=by)
    row.refresh_from_db()
    core.require("judged_on", judged_on)
    _require_past("judged_on", judged_on, at)
    if judged_on < row.filed_on:
        raise InvalidInput("judged_on", _("This date is before the lawsuit was filed."))
    row.judgment, row.judged_on = _text("judgment", judgment), judged_on
    row.compensation, row.legal_cost = compensation, legal_cost
    row.save(update_fields=["judgment", "judged_on", "compensation", "legal_cost"])
    core.add_event(complaint, "judgment", by=by, at=at, reference=core.ref(row), audience=Audience.OFFICE)
    return row


def _require_past(field: str, day: date, at: datetime) -> None:
    if day > timezone.localdate(at):
        raise InvalidInput(field, _("This date is in the future."))


# --- Legal hold -----------------------------------------------------------------------------------------
@transaction.atomic
def place_hold(complaint_id: int, *, reason: str, by: User, at: datetime | None = None) -> LegalHold:
    """From now on nothing of the case is archived, stripped or destroyed. Possible in every state."""
    at = core.moment(at)
    complaint = begin(complaint_id, by=by, archived=True)
    reason = _text("reason", reason, limit=300)
    if standing_hold(complaint):
        raise InvalidInput("reason", _("A legal hold stands on this case already."))
    row = LegalHold.objects.create(complaint=complaint, reason=reason, placed_at=at, placed_by=by)
    core.add_event(complaint, "hold_placed", by=by, at=at, reference=core.ref(row))
    return row


@transaction.atomic
def release_hold(complaint_id: int, *, reason: str, by: User, at: datetime | None = None) -> LegalHold:
    """End the standing hold, with the reason."""
    at = core.moment(at)
    complaint = begin(complaint_id, by=by, archived=True)
    row = standing_hold(complaint)
    if row is None:
        raise InvalidInput("reason", _("No legal hold stands on this case."))
    row.release_reason, row.released_at, row.released_by = _text("reason", reason, limit=300), at, by
    row.save(update_fields=["release_reason", "released_at", "released_by"])
    core.add_event(complaint, "hold_released", by=by, at=at, reference=core.ref(row))
    return row


def standing_hold(complaint: Complaint) -> LegalHold | None:
    """The hold that stands now, read from the table."""
    return LegalHold.objects.filter(complaint=complaint, released_at=None).select_related("placed_by").first()


def require_no_hold(complaint: Complaint) -> None:
    """Before anything of the case is archived, stripped or destroyed. Raises IllegalTransition."""
    row = standing_hold(complaint)
    if row is not None:
        raise IllegalTransition(
            _("A legal hold stands since %(day)s (%(reason)s). Release it first; until then the case stays as it is."),
            day=timezone.localtime(row.placed_at).strftime("%Y-%m-%d"),
            reason=row.reason,
        )


# --- Interim measures about staff (RISK-24) ---------------------------------------------------------------
@transaction.atomic
def add_interim_measure(
    complaint_id: int,
    *,
    measure: str,
    from_on: date,
    until_on: date | None = None,
    person: User | None = None,
    by: User,
    at: datetime | None = None,
) -> InterimMeasure:
    """What was done for the time being about staff involved. Only whom may read such measures records one."""
    at = core.moment(at)
    complaint = begin(complaint_id, by=by, permission=MEASURES)
    core.require("from_on", from_on)
    _require_order(from_on, until_on)
    if person == by:
        raise InvalidInput("person", _("Nobody records a measure about themselves."))
    row = InterimMeasure.objects.create(
        complaint=complaint,
        person=person,
        measure=_text("measure", measure, limit=200),
        from_on=from_on,
        until_on=until_on,
        at=at,
        by=by,
    )
    core.add_event(complaint, "interim_measure", by=by, at=at, reference=core.ref(row), audience=Audience.OFFICE)
    return row


@transaction.atomic
def end_interim_measure(measure_id: int, *, until_on: date, by: User, at: datetime | None = None) -> InterimMeasure:
    """Say until when the measure held."""
    at = core.moment(at)
    row = InterimMeasure.objects.get(pk=measure_id)
    complaint = begin(row.complaint_id, by=by, permission=MEASURES)
    core.require("until_on", until_on)
    _require_order(row.from_on, until_on)
    row.until_on = until_on
    row.save(update_fields=["until_on"])
    core.add_event(complaint, "interim_measure_ended", by=by, at=at, reference=core.ref(row), audience=Audience.OFFICE)
    return row


def _require_order(from_on: date, until_on: date | None) -> None:
    if until_on is not None and until_on < from_on:
        raise InvalidInput("until_on", _("The measure cannot end before it begins."))
