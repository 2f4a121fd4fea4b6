"""After the reply: call-back, rating, closing, reopening, archive (FB-02…08, FB-21, QUA-08)."""

from __future__ import annotations

from copy import copy
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import after_commit
from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import User
from complaints import archive as archives
from complaints import call_backs, clocks, notify, office_terms, permissions, reopening, signals, task_clocks
from complaints.calendars import CalendarMissing
from complaints.clock_rules import StartsOn, Unit
from complaints.models import Assignment, Callback, Complaint, Contact
from complaints.states import (
    AssignmentRole,
    AssignmentState,
    Channel,
    ContactDirection,
    ContactOutcome,
    ContactPurpose,
    DissatisfactionReason,
    LateReason,
    Milestone,
    ProposalAbout,
    RatingSource,
    Satisfaction,
    Status,
)
from complaints.transitions import core, follow_up_plan, needs, proposals, risk
from complaints.transitions.checks import give_time, resolve_rule, tell_rounds
from complaints.transitions.intake import check_text


@transaction.atomic
def call_back(
    complaint_id: int,
    *,
    by: User,
    outcome: ContactOutcome,
    satisfaction: str = "",
    process_satisfaction: str = "",
    is_solved: bool | None = None,
    reason: str = "",
    comment: str = "",
    questions_answered: str = "",
    proposal: str = "",
    proposal_about: str = ProposalAbout.PROCESS,
    recording_reference: str = "",
    channel: Channel = Channel.PHONE,
    version: int | None = None,
    at: datetime | None = None,
) -> Callback:
    """An independent caller asks whether it is solved and how satisfied the complainant is (FB-06, QUA-08).

    Every call is also a contact on the file; an attempt in vain carries no rating. What the complainant
    proposes goes on the list of proposals (FB-09).
    """
    at = core.moment(at)
    complaint = core.begin(complaint_id, "call_back", by=by, version=version)
    row = _record_call(
        complaint,
        by=by,
        at=at,
        outcome=outcome,
        satisfaction=satisfaction,
        process_satisfaction=process_satisfaction,
        is_solved=is_solved,
        reason=reason,
        comment=comment,
        questions_answered=questions_answered,
        proposal=proposal,
        proposal_about=proposal_about,
        recording_reference=recording_reference,
        channel=channel,
    )
    if row.is_reached:
        if complaint.replies.filter(sent_at__isnull=False, delivered_at=None).update(delivered_at=at):
            clocks.stop(complaint, Milestone.REPLY, at=at)
        clocks.stop(complaint, Milestone.CALL_BACK, at=at)
    elif call_backs.is_out_of_reach(complaint):
        clocks.stop(complaint, Milestone.CALL_BACK, at=at)
    core.finish(complaint, "call_back", by=by, at=at, note=f"{outcome} {satisfaction}".strip(), reference=core.ref(row))
    _tell_unsolved(complaint, row)
    return row


@transaction.atomic
def survey_call(
    complaint_id: int,
    *,
    by: User,
    outcome: ContactOutcome,
    version: int | None = None,
    at: datetime | None = None,
    **answer: Any,
) -> Callback:
    """Ask the same after the case is closed, for a survey (FB-11); the case stays closed.

    The rule on who may ask is that of a call-back. Raises NotAllowed, StaleVersion, InvalidInput by field.
    """
    at = core.moment(at)
    complaint = core.lock(complaint_id)
    refusal = permissions.refusal(by, "call_back", complaint)
    if refusal or not Complaint.objects.visible_to(by).filter(pk=complaint.pk).exists():
        raise NotAllowed(refusal or _("This case is no longer yours to see."))
    if version is not None and version != complaint.version:
        raise StaleVersion(complaint.version)
    row = _record_call(complaint, by=by, at=at, outcome=outcome, **answer)
    core.add_event(complaint, "survey_call", by=by, at=at, reference=core.ref(row))
    _tell_unsolved(complaint, row)
    return row


def _record_call(
    complaint: Complaint,
    *,
    by: User,
    at: datetime,
    outcome: ContactOutcome,
    satisfaction: str = "",
    process_satisfaction: str = "",
    is_solved: bool | None = None,
    reason: str = "",
    comment: str = "",
    questions_answered: str = "",
    proposal: str = "",
    proposal_about: str = ProposalAbout.PROCESS,
    recording_reference: str = "",
    channel: Channel = Channel.PHONE,
) -> Callback:
    """The contact, the rating and the proposal of one call. Raises InvalidInput by field."""
    core.check_codes("outcome", [outcome], ContactOutcome)
    core.check_codes("channel", [channel], Channel)
    for name, text in (("comment", comment), ("questions_answered", questions_answered)):
        check_text(name, text, limit=core.LONGEST)
    reached = outcome == ContactOutcome.REACHED
    if reached:
        core.require("satisfaction", satisfaction, _("Ask how satisfied the complainant is."))
        core.require("is_solved", is_solved, _("Ask whether the problem is solved."))
        _check_rating(satisfaction, reason)
    elif satisfaction:
        raise InvalidInput("satisfaction", _("Nobody was reached, so no satisfaction can be entered."))
    elif process_satisfaction or proposal.strip():
        field = "process_satisfaction" if process_satisfaction else "proposal"
        raise InvalidInput(field, _("Nobody was reached, so nothing can be entered here."))
    contact = Contact.objects.create(
        complaint=complaint,
        direction=ContactDirection.OUT,
        channel=channel,
        purpose=ContactPurpose.CALL_BACK,
        outcome=outcome,
        summary=comment,
        recording_reference=recording_reference,
        at=at,
        by=by,
    )
    row = Callback.objects.create(
        complaint=complaint,
        at=at,
        by=by,
        source=RatingSource.CALLER,
        contact=contact,
        is_reached=reached,
        is_solved=is_solved if reached else None,
        satisfaction=satisfaction,
        process_satisfaction=_level(process_satisfaction),
        reason=reason,
        comment=comment,
        questions_answered=questions_answered,
    )
    _propose(complaint, proposal, proposal_about, by=by, at=at)
    return row


def _tell_unsolved(complaint: Complaint, row: Callback) -> None:
    """Whoever can reopen the case, or the one it is worked on in, learns that it is not solved, or that the
    complainant is dissatisfied (FB-21)."""
    if row.is_solved is not False and row.satisfaction != Satisfaction.DISSATISFIED:
        return
    keeper = (complaint.merged_into or complaint).coordinator
    people = [keeper] if keeper else notify.holders_of("complaints.reopen_complaint")
    notify.tell(people, "not_solved", complaint=complaint, dedupe=f"not_solved:{row.pk}")


def _level(value: str) -> str:
    """How satisfied somebody is with the handling; '' where it was not asked. Raises InvalidInput."""
    if value and value not in Satisfaction.values:
        raise InvalidInput("process_satisfaction", _("Choose one."))
    return value


def _propose(complaint: Complaint, text: str, about: str, *, by: User | None, at: datetime) -> None:
    if text.strip():
        proposals.add_proposal(
            complaint, by=by, about=about or ProposalAbout.PROCESS, text=text, at=at, field="proposal"
        )


@transaction.atomic
def rate(
    complaint_id: int,
    *,
    by: User | None,
    satisfaction: Satisfaction,
    process_satisfaction: str = "",
    is_solved: bool | None = None,
    reason: str = "",
    comment: str = "",
    proposal: str = "",
    proposal_about: str = ProposalAbout.OTHER,
    version: int | None = None,
    at: datetime | None = None,
) -> Callback:
    """The complainant rates the result: on the tracking page (by=None), or told to the office unasked.

    Each reply is rated once on the page: a case that was reopened and answered anew takes another rating (FB-06).
    Whoever was answered together with the case theirs is merged into rates under the own number (SCR-09).
    """
    at = core.moment(at)
    complaint = core.begin(complaint_id, "rate", by=by, version=version)
    core.require("satisfaction", satisfaction, _("Choose how satisfied you are."))
    _check_rating(satisfaction, reason)
    check_text("comment", comment, limit=2000)
    if not call_backs.has_answer(complaint):
        raise IllegalTransition(_("The case this one is merged into has not been answered yet."))
    if by is None and call_backs.own_rating(complaint) is not None:
        raise IllegalTransition(_("You have already rated this result. Thank you."))
    contact = None
    if by is not None:
        core.require("comment", comment, _("Write down what the complainant said."))
        contact = Contact.objects.create(
            complaint=complaint,
            direction=ContactDirection.IN,
            channel=Channel.PHONE,
            purpose=ContactPurpose.CALL_BACK,
            outcome=ContactOutcome.REACHED,
            summary=comment,
            at=at,
            by=by,
        )
    row = Callback.objects.create(
        complaint=complaint,
        at=at,
        by=by,
        source=RatingSource.CALLER if by else RatingSource.COMPLAINANT,
        contact=contact,
        is_solved=is_solved,
        satisfaction=satisfaction,
        process_satisfaction=_level(process_satisfaction),
        reason=reason,
        comment=comment,
    )
    _propose(complaint, proposal, proposal_about, by=by, at=at)
    if not call_backs.is_wanted(complaint):
        clocks.stop(complaint, Milestone.CALL_BACK, at=at)
    core.finish(complaint, "rate", by=by, at=at, note=str(satisfaction), reference=core.ref(row))
    _tell_unsolved(complaint, row)
    return row


def _check_rating(satisfaction: str, reason: str) -> None:
    """One of the three levels, and the coded reason with the lowest (FB-07, FB-08). Raises InvalidInput by field."""
    core.check_codes("satisfaction", [satisfaction], Satisfaction)
    if satisfaction == Satisfaction.DISSATISFIED:
        core.require("reason", reason, _("Choose the reason for being dissatisfied."))
        if reason not in DissatisfactionReason.values:
            raise InvalidInput("reason", _("Choose one of the reasons."))


@transaction.atomic
def close(
    complaint_id: int,
    *,
    by: User,
    is_systemic: bool,
    is_cured: bool,
    late_reason: str = "",
    note: str = "",
    version: int | None = None,
    at: datetime | None = None,
) -> Complaint:
    """Close the case: the reply was delivered, the complainant was asked about it or cannot be reached, and the
    questions on systemic cause and lateness are answered (IMP-16, CLS-19, SLA-03, IMP-17).

    What was said about an earlier reply does not count; an important case needs a call (complaints/call_backs.py).
    """
    at = core.moment(at)
    complaint = core.begin(complaint_id, "close", by=by, version=version)
    newest = complaint.replies.filter(sent_at__isnull=False).order_by("-round").first()
    if newest is None or newest.delivered_at is None:
        raise IllegalTransition(
            _("The reply was not yet given to the complainant; record the call or handing over first.")
        )
    if call_backs.is_wanted(complaint):
        if call_backs.answers(complaint):
            raise IllegalTransition(
                _(
                    "This case is important: call the complainant and ask whether the problem is really solved, or "
                    "record three attempts in vain."
                )
            )
        raise IllegalTransition(_("Call the complainant back first, or record three attempts in vain."))
    answered = max(call_backs.answers(complaint), key=lambda row: (row.at, row.pk), default=None)
    if answered and answered.is_solved is False:
        note_required = _("The complainant says it is not solved. Reopen the case, or explain why it is closed.")
        core.require("note", note, note_required)
    check_text("note", note, limit=core.LONGEST)
    needs.require_settled(complaint)
    core.require("is_systemic", is_systemic, _("Say whether there is a systemic cause."))
    core.require("is_cured", is_cured, _("Say whether the problem is cured or only fixed for now."))
    if clocks.was_late(complaint):
        core.require("late_reason", late_reason, _("A limit was missed; choose the reason."))
        if late_reason not in LateReason.values:
            raise InvalidInput("late_reason", _("Choose one of the reasons."))
    complaint.is_systemic, complaint.is_cured, complaint.late_reason = is_systemic, is_cured, late_reason
    complaint.closed_at, complaint.closed_by = at, by
    complaint.first_closed_at = complaint.first_closed_at or at
    fields = ["is_systemic", "is_cured", "late_reason", "closed_at", "closed_by", "first_closed_at"]
    complaint.save(update_fields=fields)
    Assignment.objects.filter(complaint=complaint, is_current=True, ended_at=None).update(
        state=AssignmentState.DONE, ended_at=at
    )
    end_clocks(complaint, at=at)
    follow_up_plan.plan_care_calls(complaint, by=by, at=at)
    core.finish(complaint, "close", by=by, at=at, fields=fields, note=note)
    after_commit.announce(signals.complaint_closed, Complaint, complaint_id=complaint.pk, at=at)
    return complaint


def end_clocks(complaint: Complaint, *, at: datetime, is_answered: bool = True) -> None:
    """At the end no clock runs on. What was missed by then is recorded as missed, the rest is over.

    `is_answered`: the complainant was called back; a case reopened without that has not kept the limit (SLA-07).
    """
    for deadline in clocks.running(complaint):
        if (is_answered and deadline.milestone == Milestone.CALL_BACK) or at > deadline.due_at:
            clocks.stop(complaint, deadline.milestone, at=at)
        else:
            clocks.cancel(complaint, deadline.milestone, at=at)


@transaction.atomic
def reopen(
    complaint_id: int,
    *,
    by: User | None,
    reason: str,
    ground: str = "",
    days: int | None = None,
    version: int | None = None,
    at: datetime | None = None,
) -> Complaint:
    """The matter is not solved, or a review set the handling aside: back to the lead department.

    The first closing date stays for the statistics (FB-21). The policy of the case says until when, how often and for
    which `ground` a person may (complaints/reopening.py), and whether its limit begins anew; `days` counts only where
    it leaves that open. A review (by=None) is not bound by it. Raises IllegalTransition, InvalidInput by field.
    """
    at = core.moment(at)
    complaint = core.begin(complaint_id, "reopen", by=by, version=version)
    core.require("reason", reason, _("Give the reason for reopening."))
    if by is not None:
        reopening.require_allowed(complaint, ground=ground, at=at)
    complaint.closed_at = complaint.closed_by = complaint.resolved_at = None
    complaint.rework_rounds += 1
    complaint.save(update_fields=["closed_at", "closed_by", "resolved_at", "rework_rounds"])
    Assignment.objects.filter(complaint=complaint, role=AssignmentRole.LEAD, is_current=True).update(
        state=AssignmentState.WORKING, ended_at=None
    )
    end_clocks(complaint, at=at, is_answered=False)
    if not _clock_by_policy(complaint, at=at):
        give_time(complaint, days=office_terms.of("rework") if days is None else days, at=at)
    note = f"{ground}: {reason}" if ground else reason
    core.finish(complaint, "reopen", by=by, at=at, fields=["closed_at", "rework_rounds"], note=note)
    people = [user for user in (complaint.handler, complaint.coordinator) if user]
    notify.tell(people, "reopened", complaint=complaint, dedupe=f"reopened:{complaint.pk}:{complaint.version}")
    tell_rounds(complaint)
    return complaint


def _clock_by_policy(complaint: Complaint, *, at: datetime) -> bool:
    """Start the handling limit of a reopened case as its policy says; False where it says nothing."""
    rule = resolve_rule(complaint)
    wanted = complaint.policy.reopening.get("clocks", "")
    if rule is None or not wanted:
        return False
    given = copy(rule)
    given.starts_on = StartsOn.REOPENED.value
    last = complaint.deadlines.filter(milestone=Milestone.RESOLVE, assignment=None, stopped_at__isnull=False).last()
    if wanted == reopening.REMAINING and last is not None and last.stopped_at is not None:
        try:
            left = task_clocks.units_left(last, complaint, at=last.stopped_at)
        except CalendarMissing:
            left = 0
        given.amount, given.unit = (left, last.unit) if left else (1, Unit.WORKING_DAYS.value)
    clocks.start(complaint, given, at=at)
    return True


@transaction.atomic
def archive(
    complaint_id: int,
    *,
    by: User | None,
    explanation: str = "",
    version: int | None = None,
    at: datetime | None = None,
) -> Complaint:
    """Put the case file away (ARC-01). Departments no longer hold the case.

    `explanation` says why mandatory documents are missing; without it they refuse the archiving (ARC-12).
    """
    at = core.moment(at)
    complaint = core.begin(complaint_id, "archive", by=by, version=version)
    risk.require_no_hold(complaint)
    lacks = archives.explained(complaint, explanation)
    Assignment.objects.filter(complaint=complaint, is_current=True).update(is_current=False)
    core.finish(complaint, "archive", by=by, at=at, target=Status.ARCHIVED, note=explanation if lacks else "")
    archives.file_case(complaint, by=by, at=at, lacks=lacks)
    return complaint
