"""Pause, extension and a new start on new facts: asked for by one person, decided by another, told to the
complainant (SLA-13)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput
from accounts.models import User
from complaints import clocks, notices, notify, office_terms, policy_terms, task_clocks
from complaints.calendars import CalendarMissing
from complaints.clock_rules import StartsOn
from complaints.models import ClockPause, ClockReset, Complaint, Deadline, Extension, PolicyRule
from complaints.states import DeadlineState, Milestone, NoticeKind, PauseReason, RequestState
from complaints.transitions import core
from complaints.transitions.intake import check_text
from complaints.transitions.screening import end_pause

_NONE_BEGINS_ANEW = _("The policy lets no running clock of this case begin anew; ask for an extension.")


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
    """Ask to stop the clock for a reason the policy of the case lists, with the evidence (SLA-13).

    Raises InvalidInput("reason" or "evidence"), IllegalTransition when a pause waits or runs, or no clock does.
    """
    at = core.moment(at)
    complaint = core.begin(complaint_id, "request_pause", by=by, version=version)
    allowed = policy_terms.pause_reasons(complaint.policy)
    if reason not in allowed:
        raise InvalidInput(
            "reason",
            _("The policy of this case stops the clock for these reasons only: %(names)s."),
            names=policy_terms.names_of_reasons(complaint.policy),
        )
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
    days: int | None = None,
    version: int | None = None,
    at: datetime | None = None,
) -> ClockPause:
    """Decide on the pause asked for; approved, the clocks stand still from now on, at most `days` days (SLA-13).

    Raises InvalidInput("days") beyond what the policy of the case allows at once.
    """
    at = core.moment(at)
    complaint = core.begin(complaint_id, "approve_pause", by=by, version=version)
    row = ClockPause.objects.filter(complaint=complaint, state=RequestState.REQUESTED).first()
    if row is None:
        raise IllegalTransition(_("No pause was asked for."))
    most = policy_terms.pause_days(complaint.policy)
    days = min(office_terms.of("pause"), most) if days is None else days
    if approve and not 1 <= days <= most:
        raise InvalidInput("days", _("Give 1 to %(days)s days."), days=most)
    if approve:
        _check_order(complaint, at)
    row.decided_by, row.decided_at = by, at
    if approve:
        row.state, row.started_at, row.max_until = RequestState.APPROVED, at, at + timedelta(days=days)
        complaint.pause_reason = row.reason
        complaint.save(update_fields=["pause_reason"])
        clocks.pause_all(complaint, at=at)
        notices.issue(complaint, NoticeKind.PAUSE, by=by, at=at, pause=row)
    else:
        row.state = RequestState.REFUSED
    row.save(update_fields=["decided_by", "decided_at", "state", "started_at", "max_until"])
    core.finish(complaint, "approve_pause", by=by, at=at, reference=core.ref(row), note=row.state)
    _tell_decided(complaint, row)
    return row


def _check_order(complaint: Complaint, at: datetime) -> None:
    """A pause begins and ends after the receipt and after the pauses before it; a clock set back shows here (JT-09)."""
    edges = [edge for row in complaint.pauses.all() for edge in (row.started_at, row.ended_at) if edge]
    latest = max([complaint.received_at, *edges])
    if at < latest:
        raise InvalidInput(
            "at",
            _("This lies before %(moment)s, when the case came in or was last paused; check the date and time."),
            moment=f"{timezone.localtime(latest):%Y-%m-%d %H:%M}",
        )


@transaction.atomic
def resume(complaint_id: int, *, by: User | None, version: int | None = None, at: datetime | None = None) -> Complaint:
    """Let the clocks run on; by=None when the longest pause is over."""
    at = core.moment(at)
    complaint = core.begin(complaint_id, "resume", by=by, version=version)
    pause = ClockPause.objects.filter(complaint=complaint, state=RequestState.APPROVED).first()
    if pause is None:
        raise IllegalTransition(_("The clock is not stopped; it needs no restart."))
    _check_order(complaint, at)
    end_pause(complaint, at=at)
    core.finish(complaint, "resume", by=by, at=at, fields=["pause_reason"])
    if by is None:
        notify.tell(notify.keepers(complaint), "pause_over", complaint=complaint, dedupe=f"pause_over:{pause.pk}")
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
    """Ask for more time before the limit is over, as often as the policy allows (SLA-13).

    Raises InvalidInput("milestone") for a limit that does not run, is over or is not extended by the policy, and
    InvalidInput("reason"); IllegalTransition when it was extended or an extension was asked for already.
    """
    at = core.moment(at)
    complaint = core.begin(complaint_id, "request_extension", by=by, version=version)
    core.require("reason", reason, _("Give the reason for the extension."))
    deadline = Deadline.objects.filter(
        complaint=complaint, milestone=milestone, state=DeadlineState.RUNNING, assignment=None
    ).first()
    if deadline is None:
        raise InvalidInput("milestone", _("This limit is not running. %(mend)s"), mend=_what_is_extended(complaint))
    if deadline.breached_at or at > deadline.due_at:
        raise InvalidInput(
            "milestone",
            _(
                "The limit was over on %(moment)s and cannot be extended any more. The reason for the lateness is "
                "recorded at closing."
            ),
            moment=f"{timezone.localtime(deadline.due_at):%Y-%m-%d %H:%M}",
        )
    rule = clocks.rule_for(complaint, deadline.milestone)
    if rule is None or not rule.max_extensions:
        raise InvalidInput(
            "milestone",
            _("The policy of this case does not extend this limit. %(mend)s"),
            mend=_what_is_extended(complaint),
        )
    used = Extension.objects.filter(deadline=deadline, state=RequestState.APPROVED).count()
    if used >= rule.max_extensions:
        words = ngettext(
            "The policy allows %(count)s extension of this limit.",
            "The policy allows %(count)s extensions of this limit.",
            rule.max_extensions,
        )
        raise IllegalTransition(words, count=rule.max_extensions)
    if Extension.objects.filter(deadline=deadline, state=RequestState.REQUESTED).exists():
        raise IllegalTransition(_("An extension was already asked for."))
    row = Extension.objects.create(
        deadline=deadline,
        reason=reason[:300],
        amount=rule.extension_amount,
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


def _what_is_extended(complaint: Complaint) -> str:
    """Which limits can be chosen instead, as a sentence."""
    names = [row.get_milestone_display() for row in clocks.extendable(complaint)]
    if not names:
        return gettext("No limit of this case can be extended now.")
    return gettext("Choose one that can be extended: %(names)s.") % {"names": gettext(", ").join(names)}


@transaction.atomic
def approve_extension(
    complaint_id: int, *, by: User, approve: bool, note: str, version: int | None = None, at: datetime | None = None
) -> Extension:
    """Decide on the extension; the complainant is told the reason and the new date (SLA-13).

    Raises InvalidInput("approve") when the limit is over: only a refusal is left.
    """
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
        if deadline.breached_at or at > deadline.due_at:
            raise InvalidInput(
                "approve",
                _(
                    "The limit was over on %(moment)s, before the decision; refuse the extension. The reason for the "
                    "lateness is recorded at closing."
                ),
                moment=f"{timezone.localtime(deadline.due_at):%Y-%m-%d %H:%M}",
            )
        deadline.extra_amount += row.amount
        try:
            clocks.set_due(deadline, complaint, at=at)
            if deadline.milestone == Milestone.RESOLVE:
                task_clocks.extend_lead(complaint, deadline, amount=row.amount, at=at)
        except CalendarMissing as error:
            raise IllegalTransition(
                _("The new date lies in %(year)s, whose calendar is missing; add that year, then decide."),
                year=error.year,
            ) from error
        row.new_due_at = deadline.due_at
        notices.issue(complaint, NoticeKind.EXTENSION, by=by, at=at, extension=row)
        notify.tell_complainant(complaint, "extended", dedupe=f"extended:{row.pk}")
    row.save(update_fields=["decided_by", "decided_at", "decision_note", "state", "new_due_at"])
    core.finish(complaint, "approve_extension", by=by, at=at, reference=core.ref(row), note=f"{row.state}: {note}")
    _tell_decided(complaint, row)
    return row


@transaction.atomic
def request_reset(
    complaint_id: int,
    *,
    by: User,
    facts: str,
    evidence: str,
    version: int | None = None,
    at: datetime | None = None,
) -> ClockReset:
    """Ask to let the clocks begin anew because of new facts, which are named with their evidence (SLA-13).

    Only clocks whose rule says so begin anew. Raises InvalidInput by field, IllegalTransition when none does.
    """
    at = core.moment(at)
    complaint = core.begin(complaint_id, "request_reset", by=by, version=version)
    core.require("facts", facts, _("Say which facts are new."))
    check_text("facts", facts, limit=2000)
    core.require("evidence", evidence, _("Name the evidence for the new facts."))
    if ClockReset.objects.filter(complaint=complaint, state=RequestState.REQUESTED).exists():
        raise IllegalTransition(_("A new start of the clocks was already asked for."))
    if not clocks.resettable(complaint):
        raise IllegalTransition(_NONE_BEGINS_ANEW)
    row = ClockReset.objects.create(
        complaint=complaint, facts=facts, evidence=evidence[:300], requested_by=by, requested_at=at
    )
    core.finish(complaint, "request_reset", by=by, at=at, reference=core.ref(row))
    notify.tell(
        notify.holders_of("complaints.approve_clock"),
        "clock_request",
        complaint=complaint,
        dedupe=f"reset:{row.pk}",
        by_email=False,
    )
    return row


@transaction.atomic
def approve_reset(
    complaint_id: int, *, by: User, approve: bool, note: str, version: int | None = None, at: datetime | None = None
) -> ClockReset:
    """Decide on the new start; the clocks concerned begin anew now, and the complainant is told the new date."""
    at = core.moment(at)
    complaint = core.begin(complaint_id, "approve_reset", by=by, version=version)
    core.require("note", note, _("Give the reason for the decision."))
    row = ClockReset.objects.filter(complaint=complaint, state=RequestState.REQUESTED).first()
    if row is None:
        raise IllegalTransition(_("No new start of the clocks was asked for."))
    row.decided_by, row.decided_at, row.decision_note = by, at, note[:300]
    row.state = RequestState.APPROVED if approve else RequestState.REFUSED
    if approve:
        row.changes = _begin_anew(complaint, at=at)
        if not row.changes:
            raise IllegalTransition(_NONE_BEGINS_ANEW)
        _tell_new_date(complaint, row, by=by, at=at)
    row.save(update_fields=["decided_by", "decided_at", "decision_note", "state", "changes"])
    core.finish(complaint, "approve_reset", by=by, at=at, reference=core.ref(row), note=row.state)
    _tell_decided(complaint, row)
    return row


def _tell_decided(complaint: Complaint, row: ClockPause | Extension | ClockReset) -> None:
    """Whoever asked hears that it is decided: work planned on the other answer is work done late."""
    if row.requested_by is not None:
        notify.tell([row.requested_by], "clock_decided", complaint=complaint, dedupe=f"decided:{core.ref(row)}")


def lapse_requests(complaint: Complaint) -> None:
    """End what was asked for the clocks of the handling and waits for a decision: the handling is done."""
    waits = {"state": RequestState.REQUESTED}
    ClockPause.objects.filter(complaint=complaint, **waits).update(state=RequestState.ENDED)
    Extension.objects.filter(deadline__complaint=complaint, **waits).update(state=RequestState.ENDED)
    ClockReset.objects.filter(complaint=complaint, **waits).update(state=RequestState.ENDED)


def _begin_anew(complaint: Complaint, *, at: datetime) -> dict[str, list[str]]:
    """End the clocks concerned and start them again with their whole limit. A limit already missed stays missed.

    Returns by milestone, and for a department by "task:<assignment>", the date before and after in ISO form.
    """
    changes: dict[str, list[str]] = {}
    for deadline in clocks.resettable(complaint):
        late = deadline.breached_at or (deadline.state == DeadlineState.RUNNING and at > deadline.due_at)
        end = clocks.stop if late else clocks.cancel
        task = deadline.assignment
        if task is None:
            names = ("amount", "unit", "start_day_counts", "roll_forward", "after_hours_next_day", "ladder")
            rule = PolicyRule(
                policy=complaint.policy,
                milestone=deadline.milestone,
                starts_on=StartsOn.NEW_FACTS.value,
                **{name: getattr(deadline, name) for name in names},
            )
            # Departments have clocks of the same milestones only as tasks, so this ends the one of the case.
            end(complaint, deadline.milestone, at=at)
            begun = clocks.start(complaint, rule, at=at)
        else:
            end(complaint, deadline.milestone, at=at, assignment=task)
            begun = task_clocks.begin_anew(deadline, complaint, at=at)
        key = deadline.milestone if task is None else f"{deadline.milestone}:{task.pk}"
        changes[key] = [deadline.due_at.isoformat(), begun.due_at.isoformat() if begun else ""]
    return changes


def _tell_new_date(complaint: Complaint, row: ClockReset, *, by: User, at: datetime) -> None:
    """As with an extension: the complainant is told when the date of the handling is another one now."""
    before, after = row.changes.get(Milestone.RESOLVE, ["", ""])
    if not after or after == before:
        return
    notices.issue(
        complaint,
        NoticeKind.EXTENSION,
        by=by,
        at=at,
        reset=row,
        old_due_at=datetime.fromisoformat(before),
        new_due_at=datetime.fromisoformat(after),
    )
    notify.tell_complainant(complaint, "extended", dedupe=f"reset:{row.pk}")
