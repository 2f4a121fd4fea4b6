"""Pause and extension: asked for by one person, decided by another, told to the complainant (SLA-13)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput
from accounts.models import User
from complaints import clocks, notices, notify
from complaints.models import ClockPause, Complaint, Deadline, Extension, PolicyRule
from complaints.states import DeadlineState, Milestone, NoticeKind, PauseReason, RequestState
from complaints.transitions import core
from complaints.transitions.screening import end_pause

# The longest pause that can be approved at once, in days; it ends by itself then.
MAX_PAUSE_DAYS = 30


@transaction.atomic
def request_pause(
    complaint_id: int,
    *,
    by: User,
    reason: PauseReason,
    evidence: str,
    version: int | None = None,
    at: datetime | None = None,
) -> ClockPause:
    """Ask to stop the clock for a listed reason, with the evidence."""
    at = core.moment(at)
    complaint = core.begin(complaint_id, "request_pause", by=by, version=version)
    if reason not in PauseReason.values:
        raise InvalidInput("reason", _("Choose one of the reasons."))
    core.require("evidence", evidence, _("Name the evidence for the reason."))
    if ClockPause.objects.filter(
        complaint=complaint, state__in=[RequestState.REQUESTED, RequestState.APPROVED]
    ).exists():
        raise IllegalTransition(_("A pause was already asked for or is running."))
    if not clocks.running(complaint):
        raise IllegalTransition(_("No clock is running on this case."))
    row = ClockPause.objects.create(
        complaint=complaint, reason=reason, evidence=evidence[:300], requested_by=by, requested_at=at
    )
    core.finish(complaint, "request_pause", by=by, at=at, reference=core.ref(row), note=str(reason))
    notify.tell(
        notify.holders_of("complaints.approve_clock"),
        "clock_request",
        complaint=complaint,
        dedupe=f"pause:{row.pk}",
        by_email=False,
    )
    return row


@transaction.atomic
def approve_pause(
    complaint_id: int,
    *,
    by: User,
    approve: bool,
    days: int = 10,
    version: int | None = None,
    at: datetime | None = None,
) -> ClockPause:
    """Decide on the pause asked for; approved, the clocks stand still from now on, at most `days` days."""
    at = core.moment(at)
    complaint = core.begin(complaint_id, "approve_pause", by=by, version=version)
    row = ClockPause.objects.filter(complaint=complaint, state=RequestState.REQUESTED).first()
    if row is None:
        raise IllegalTransition(_("No pause was asked for."))
    if approve and not 1 <= days <= MAX_PAUSE_DAYS:
        raise InvalidInput("days", _("Give 1 to %(days)s days."), days=MAX_PAUSE_DAYS)
    row.decided_by, row.decided_at = by, at
    if approve:
        row.state, row.started_at, row.max_until = RequestState.APPROVED, at, at + timedelta(days=days)
        complaint.pause_reason = row.reason
        complaint.save(update_fields=["pause_reason"])
        clocks.pause_all(complaint)
        notices.issue(complaint, NoticeKind.PAUSE, by=by, at=at, pause=row)
    else:
        row.state = RequestState.REFUSED
    row.save(update_fields=["decided_by", "decided_at", "state", "started_at", "max_until"])
    core.finish(complaint, "approve_pause", by=by, at=at, reference=core.ref(row), note=row.state)
    return row


@transaction.atomic
def resume(complaint_id: int, *, by: User | None, version: int | None = None, at: datetime | None = None) -> Complaint:
    """Let the clocks run on; by=None when the longest pause is over."""
    at = core.moment(at)
    complaint = core.begin(complaint_id, "resume", by=by, version=version)
    if not ClockPause.objects.filter(complaint=complaint, state=RequestState.APPROVED).exists():
        raise IllegalTransition(_("The clock is not stopped."))
    end_pause(complaint, at=at)
    core.finish(complaint, "resume", by=by, at=at, fields=["pause_reason"])
    return complaint


@transaction.atomic
def request_extension(
    complaint_id: int,
    *,
    by: User,
    reason: str,
    milestone: str = Milestone.RESOLVE,
    version: int | None = None,
    at: datetime | None = None,
) -> Extension:
    """Ask for more time once, before the limit is over, as long as the policy allows."""
    at = core.moment(at)
    complaint = core.begin(complaint_id, "request_extension", by=by, version=version)
    core.require("reason", reason, _("Give the reason for the extension."))
    deadline = Deadline.objects.filter(complaint=complaint, milestone=milestone, state=DeadlineState.RUNNING).first()
    if deadline is None:
        raise IllegalTransition(_("This clock is not running."))
    if at > deadline.due_at:
        raise IllegalTransition(_("The limit is already over; it cannot be extended any more."))
    amount, allowed = _extension_of(complaint, deadline)
    used = Extension.objects.filter(deadline=deadline, state=RequestState.APPROVED).count()
    if used >= allowed:
        raise IllegalTransition(_("The policy allows %(count)s extension(s) of this limit."), count=allowed)
    if Extension.objects.filter(deadline=deadline, state=RequestState.REQUESTED).exists():
        raise IllegalTransition(_("An extension was already asked for."))
    row = Extension.objects.create(
        deadline=deadline,
        reason=reason[:300],
        amount=amount,
        requested_by=by,
        requested_at=at,
        old_due_at=deadline.due_at,
    )
    core.finish(complaint, "request_extension", by=by, at=at, reference=core.ref(row), note=reason)
    notify.tell(
        notify.holders_of("complaints.approve_clock"),
        "clock_request",
        complaint=complaint,
        dedupe=f"extension:{row.pk}",
        by_email=False,
    )
    return row


def _extension_of(complaint: Complaint, deadline: Deadline) -> tuple[int, int]:
    rules: dict[str, PolicyRule] = {
        rule.complexity: rule for rule in complaint.policy.rules.filter(milestone=deadline.milestone)
    }
    rule = rules.get(complaint.complexity) or rules.get("")
    return (rule.extension_amount, rule.max_extensions) if rule else (0, 0)


@transaction.atomic
def approve_extension(
    complaint_id: int, *, by: User, approve: bool, note: str, version: int | None = None, at: datetime | None = None
) -> Extension:
    """Decide on the extension; the complainant is told the reason and the new date."""
    at = core.moment(at)
    complaint = core.begin(complaint_id, "approve_extension", by=by, version=version)
    core.require("note", note, _("Give the reason for the decision."))
    row = (
        Extension.objects.filter(deadline__complaint=complaint, state=RequestState.REQUESTED)
        .select_related("deadline")
        .first()
    )
    if row is None:
        raise IllegalTransition(_("No extension was asked for."))
    row.decided_by, row.decided_at, row.decision_note = by, at, note[:300]
    row.state = RequestState.APPROVED if approve else RequestState.REFUSED
    if approve:
        deadline = row.deadline
        if deadline.state != DeadlineState.RUNNING:
            raise IllegalTransition(_("This clock is not running."))
        deadline.extra_amount += row.amount
        clocks.set_due(deadline, complaint)
        row.new_due_at = deadline.due_at
        notices.issue(complaint, NoticeKind.EXTENSION, by=by, at=at, extension=row)
        notify.tell_complainant(complaint, "extended", dedupe=f"extended:{row.pk}")
    row.save(update_fields=["decided_by", "decided_at", "decision_note", "state", "new_due_at"])
    core.finish(complaint, "approve_extension", by=by, at=at, reference=core.ref(row), note=f"{row.state}: {note}")
    return row
