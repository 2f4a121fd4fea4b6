"""From the draft to the reply: another person checks, legal decides on high risk (QUA-02…05, COM-01)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput
from accounts.models import User
from complaints import clocks, notices, notify, office_terms, quality, reply_letter, reply_templates
from complaints.deadlines import StartsOn
from complaints.models import Assignment, Complaint, PolicyRule, QualityCheck, Reply
from complaints.states import (
    SELF_SERVICE,
    AssignmentRole,
    AssignmentState,
    CheckStage,
    Complexity,
    Milestone,
    NoticeKind,
    ReplyState,
    RiskGrade,
    Status,
)
from complaints.transitions import core, matching
from complaints.transitions.clock import lapse_requests
from complaints.transitions.intake import check_text


@transaction.atomic
def submit_for_check(
    complaint_id: int,
    *,
    by: User,
    process: str,
    result: str,
    legal_basis: str = "",
    differs_knowingly: bool = False,
    version: int | None = None,
    at: datetime | None = None,
) -> Reply:
    """Submit the drafted reply: what was done and the result (FB-04). Every allegation needs a finding first.

    Raises InvalidInput by field, also for a text with open placeholders or one taken word for word from a
    template (COO-10), and, unless `differs_knowingly`, for one that says something else than the replies sent before
    or than the findings and remedies recorded (COO-09). What was asked for the clocks and not decided has lost its
    meaning. Raises IllegalTransition while a pause lasts.
    """
    at = core.moment(at)
    complaint = core.begin(complaint_id, "submit_for_check", by=by, version=version)
    core.require("process", process, _("Say what was done."))
    core.require("result", result, _("Say what the result is."))
    check_text("process", process, limit=20_000)
    check_text("result", result, limit=20_000)
    reply_templates.require_personal(complaint, process=process, result=result, at=at)
    if not differs_knowingly and reply_letter.differences(complaint, process=process, result=result):
        raise InvalidInput(
            "differs_knowingly",
            _("A reply sent before says something else. Compare the two, then tick this or correct the text."),
        )
    if not differs_knowingly and reply_letter.off_record(complaint, process=process, result=result):
        raise InvalidInput(
            "differs_knowingly",
            _("The record of the case says something else. Compare the two, then correct one of them or tick this."),
        )
    if complaint.allegations.filter(finding="").exists():
        raise InvalidInput("finding", _("Record a finding on every allegation first."))
    waiting = (
        Assignment.objects.filter(complaint=complaint, role=AssignmentRole.SUPPORTING, is_current=True, ended_at=None)
        .select_related("department")
        .first()
    )
    if waiting:
        raise IllegalTransition(
            _("The task of %(department)s is not finished yet."), department=waiting.department.name
        )
    if Assignment.objects.filter(complaint=complaint, is_current=True, state=AssignmentState.RETURN_REQUESTED).exists():
        raise IllegalTransition(_("A return of this case is being decided; wait for the decision."))
    if clocks.stands_still(complaint):
        raise IllegalTransition(_("The clock is stopped; restart it, then submit the reply."))
    reply = Reply.objects.create(
        complaint=complaint,
        round=complaint.replies.count() + 1,
        state=ReplyState.SUBMITTED,
        process=process,
        result=result,
        legal_basis=legal_basis,
        drafted_by=by,
        drafted_at=at,
    )
    complaint.resolved_at = at
    complaint.save(update_fields=["resolved_at"])
    lapse_requests(complaint)
    clocks.stop(complaint, Milestone.RESOLVE, Milestone.PROGRESS, Milestone.TASK, at=at)
    clocks.begin(complaint, StartsOn.RESOLVED, at=at)
    core.finish(complaint, "submit_for_check", by=by, at=at, fields=["resolved_at"], reference=core.ref(reply))
    notify.tell(
        notify.holders_of("complaints.check_quality"),
        "to_check",
        complaint=complaint,
        dedupe=f"to_check:{complaint.pk}:{complaint.version}",
        by_email=False,
    )
    return reply


@transaction.atomic
def pass_quality(
    complaint_id: int,
    *,
    by: User,
    lawful: bool = True,
    meets_demand: bool = True,
    comment: str = "",
    points: Mapping[str, int] | None = None,
    version: int | None = None,
    at: datetime | None = None,
) -> Complaint:
    """Pass the quality check. A high risk goes on to legal, everything else is sent (COM-02).

    `points` by criterion, 0 to 100, are weighed by the standard in force; below its pass mark the reply is
    not passed (QUA-01, QUA-02). Raises InvalidInput("points_<code>").
    """
    at = core.moment(at)
    complaint = core.begin(complaint_id, "pass_quality", by=by, version=version)
    if not lawful:
        raise InvalidInput("lawful", _("A reply that does not conform to the law is returned, not passed."))
    reply = _current_reply(complaint)
    check = _check(
        complaint,
        reply,
        CheckStage.QUALITY,
        True,
        by=by,
        at=at,
        lawful=lawful,
        meets_demand=meets_demand,
        comment=comment,
        **_measured(points, must_pass=True),
    )
    if complaint.risk_grade == RiskGrade.HIGH:
        core.finish(complaint, "pass_quality", by=by, at=at, target=Status.LEGAL_CHECK, reference=core.ref(check))
        notify.tell(
            notify.holders_of("complaints.check_legal"),
            "to_legal",
            complaint=complaint,
            dedupe=f"to_legal:{complaint.pk}:{complaint.version}",
        )
        return complaint
    _send(complaint, reply, by=by, at=at)
    core.finish(
        complaint, "pass_quality", by=by, at=at, target=Status.REPLIED, fields=["replied_at"], reference=core.ref(check)
    )
    return complaint


@transaction.atomic
def pass_legal(
    complaint_id: int, *, by: User, comment: str, version: int | None = None, at: datetime | None = None
) -> Complaint:
    """Legal approves the solution of a high-risk case; only now the reply is sent (COM-01)."""
    at = core.moment(at)
    complaint = core.begin(complaint_id, "pass_legal", by=by, version=version)
    core.require("comment", comment, _("Write the legal opinion."))
    reply = _current_reply(complaint)
    if complaint.quality_checks.filter(reply=reply, stage=CheckStage.QUALITY, by=by).exists():
        raise InvalidInput("by", _("You made the quality check; another counsel decides."))
    check = _check(complaint, reply, CheckStage.LEGAL, True, by=by, at=at, comment=comment)
    _send(complaint, reply, by=by, at=at)
    core.finish(complaint, "pass_legal", by=by, at=at, fields=["replied_at"], reference=core.ref(check))
    return complaint


@transaction.atomic
def return_for_rework(
    complaint_id: int,
    *,
    by: User,
    comment: str,
    days: int | None = None,
    points: Mapping[str, int] | None = None,
    version: int | None = None,
    at: datetime | None = None,
) -> Complaint:
    """Return the case with reasons and a new limit in working days (QUA-05).

    `points` by criterion are kept with the check. Raises InvalidInput by field.
    """
    return _return(
        complaint_id,
        "return_for_rework",
        CheckStage.QUALITY,
        by=by,
        comment=comment,
        days=days,
        version=version,
        at=at,
        points=points,
    )


@transaction.atomic
def return_from_legal(
    complaint_id: int,
    *,
    by: User,
    comment: str,
    days: int | None = None,
    version: int | None = None,
    at: datetime | None = None,
) -> Complaint:
    """Legal returns the case with its opinion and a new limit in working days."""
    return _return(
        complaint_id, "return_from_legal", CheckStage.LEGAL, by=by, comment=comment, days=days, version=version, at=at
    )


def _return(
    complaint_id: int,
    action: str,
    stage: CheckStage,
    *,
    by: User,
    comment: str,
    days: int | None,
    version: int | None,
    at: datetime | None,
    points: Mapping[str, int] | None = None,
) -> Complaint:
    at = core.moment(at)
    complaint = core.begin(complaint_id, action, by=by, version=version)
    core.require("comment", comment, _("Say what has to be corrected."))
    days = office_terms.of("rework") if days is None else days
    if not 1 <= days <= 30:
        raise InvalidInput("days", _("Give 1 to 30 working days."))
    reply = _current_reply(complaint)
    reply.state = ReplyState.RETURNED
    reply.save(update_fields=["state"])
    check = _check(complaint, reply, stage, False, by=by, at=at, comment=comment, **_measured(points, must_pass=False))
    complaint.rework_rounds += 1
    complaint.resolved_at = None
    complaint.save(update_fields=["rework_rounds", "resolved_at"])
    clocks.cancel(complaint, Milestone.REPLY, at=at)
    give_time(complaint, days=days, at=at)
    core.finish(
        complaint,
        action,
        by=by,
        at=at,
        fields=["rework_rounds", "resolved_at"],
        note=comment,
        reference=core.ref(check),
    )
    if complaint.handler:
        notify.tell(
            [complaint.handler], "returned", complaint=complaint, dedupe=f"returned:{complaint.pk}:{complaint.version}"
        )
    tell_rounds(complaint)
    return complaint


def _measured(points: Mapping[str, int] | None, *, must_pass: bool) -> dict[str, Any]:
    """What a check keeps of the points; nothing where none were given. Raises InvalidInput by field."""
    if not points:
        return {}
    standard = quality.current()
    total = quality.total(standard.criteria, points)
    if must_pass and total < standard.pass_mark:
        raise InvalidInput(
            f"points_{quality.lowest(standard.criteria, points)}",
            _("The total is %(total)s, below the pass mark of %(mark)s. Return the case for rework instead."),
            total=total,
            mark=standard.pass_mark,
        )
    return {"standard": standard, "points": dict(points), "total": total}


def tell_rounds(complaint: Complaint) -> None:
    """Tell coordinator and management, once, that a case goes round and round: returned or reopened (QUA-06)."""
    most = quality.current().most_rounds
    if complaint.rework_rounds < most:
        return
    coordinators = (
        [complaint.coordinator] if complaint.coordinator else notify.holders_of("complaints.adjudicate_return")
    )
    notify.tell(
        [*coordinators, *notify.managers(complaint)],
        "rework_rounds",
        complaint=complaint,
        dedupe=f"rework_rounds:{complaint.pk}",
        count=most,
    )


def give_time(complaint: Complaint, *, days: int, at: datetime) -> None:
    """A new handling limit of so many working days from now, on the ladder of the policy."""
    rule = resolve_rule(complaint)
    if rule:
        clocks.start(
            complaint,
            PolicyRule(
                policy=rule.policy,
                milestone=Milestone.RESOLVE,
                amount=days,
                unit="working_days",
                starts_on=StartsOn.ASSIGNED,
                ladder=rule.ladder,
            ),
            at=at,
        )


def resolve_rule(complaint: Complaint) -> PolicyRule | None:
    """The handling limit the case's policy sets for its complexity."""
    rules = {rule.complexity: rule for rule in complaint.policy.rules.filter(milestone=Milestone.RESOLVE)}
    return rules.get(complaint.complexity) or rules.get("") or rules.get(Complexity.SIMPLE)


def _current_reply(complaint: Complaint) -> Reply:
    reply = complaint.replies.order_by("-round").first()
    if reply is None or reply.state != ReplyState.SUBMITTED:
        raise IllegalTransition(_("There is no submitted reply."))
    return reply


def _check(
    complaint: Complaint, reply: Reply, stage: CheckStage, passed: bool, *, by: User, at: datetime, **fields
) -> QualityCheck:
    check_text("comment", fields.get("comment", ""), limit=core.LONGEST)
    return QualityCheck.objects.create(
        complaint=complaint, reply=reply, stage=stage, passed=passed, by=by, at=at, **fields
    )


def _send(complaint: Complaint, reply: Reply, *, by: User, at: datetime) -> None:
    """The reply goes out: at once where the complainant reads it online, else a person tells it (FB-01…03)."""
    reply.state, reply.approved_by, reply.sent_at = ReplyState.SENT, by, at
    online = complaint.channel in SELF_SERVICE
    if online:
        reply.delivered_at = at
    reply.save(update_fields=["state", "approved_by", "sent_at", "delivered_at"])
    complaint.replied_at = at
    complaint.save(update_fields=["replied_at"])
    if online:
        clocks.stop(complaint, Milestone.REPLY, Milestone.FIRST_CONTACT, at=at)
    clocks.begin(complaint, StartsOn.REPLIED, at=at)
    clocks.begin(complaint, StartsOn.FIRST_RESULT, at=at)
    letter = reply_letter.values(complaint, reply, at=at)
    notices.issue(complaint, NoticeKind.REPLY, by=by, at=at, **letter)
    notify.tell_complainant(complaint, "replied", dedupe=f"replied:{complaint.number}:{reply.round}")
    matching.reply_to_merged(complaint, reply, by=by, at=at)
    if not online:
        notify.tell(
            [complaint.coordinator] if complaint.coordinator else notify.holders_of("complaints.record_callback"),
            "tell_reply",
            complaint=complaint,
            dedupe=f"tell_reply:{complaint.pk}:{reply.round}",
            by_email=False,
        )
