"""Alerts: raised by the rules, opened as a review, or dismissed with a reason (RISK-08…15, REV-20, REV-21, REV-25).

The job may run twice, late or on two workers: an alert is one row per rule, case and level, and a review
opens once per case whoever opens it.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import User
from complaints import notify
from complaints import transitions as case_transitions
from complaints.models import Complaint, JobRun
from review import alert_standard, independence, transitions
from review.alert_rules import RULES, WITH_RESULT, Found, Span
from review.models import Alert, AlertStandard, DeclaredConflict
from review.querysets import handled_by
from review.states import AlertState

JOB = "evaluate_alerts"
# How far back the first evaluation and the first one after a change of thresholds looks.
LOOK_BACK = timedelta(days=92)
# Looked at again each time, for what was written with an earlier moment.
OVERLAP = timedelta(days=1)
BATCH = 1000
# A first evaluation may find thousands: the rest is opened by the next runs.
OPENED_PER_RUN = 200


def evaluate(*, now: datetime | None = None) -> dict[str, Any]:
    """Raise what the rules find and open the reviews that follow by themselves.

    Looks only at what changed since the last finished run by the same revision of the thresholds.
    """
    now = now or timezone.now()
    standard = alert_standard.current()
    span = Span(_since(standard, now), now)
    raised: dict[str, int] = {}
    for code, settings in alert_standard.settings_of(standard).items():
        if settings["enabled"]:
            count = _raise(code, RULES[code].find(settings, span), standard=standard, now=now)
            raised |= {code: count} if count else {}
    opened = _open_waiting(alert_standard.settings_of(standard), now=now)
    JobRun.objects.update_or_create(
        job=JOB,
        period="latest",
        defaults={
            "state": JobRun.State.DONE,
            "started_at": now,
            "finished_at": timezone.now(),
            "result": {"revision": standard.revision, "until": now.isoformat()},
        },
    )
    return {"raised": raised, "in_review": opened, "since": span.since.isoformat(timespec="seconds")}


def _since(standard: AlertStandard, now: datetime) -> datetime:
    last = JobRun.objects.filter(job=JOB, period="latest").first()
    if last is None or last.result.get("revision") != standard.revision:
        return now - LOOK_BACK
    return min(parse_datetime(last.result["until"]) or now - LOOK_BACK, now) - OVERLAP


def _raise(code: str, found: Any, *, standard: AlertStandard, now: datetime) -> int:
    """Store what is new, in batches; returns how many are."""
    total = 0
    rows = iter(found)
    while batch := list(islice(rows, BATCH)):
        total += _store(code, batch, standard=standard, now=now)
    return total


def _store(code: str, batch: list[Found], *, standard: AlertStandard, now: datetime) -> int:
    keys = [item.complaint_id for item in batch]
    known = set(Alert.objects.filter(rule=code, complaint__in=keys).values_list("complaint", "level"))
    new = [item for item in batch if (item.complaint_id, item.level) not in known]
    if not new:
        return 0
    with transaction.atomic():
        Alert.objects.bulk_create(
            (
                Alert(
                    rule=code,
                    complaint_id=item.complaint_id,
                    level=item.level,
                    facts=item.facts,
                    standard=standard,
                    raised_at=now,
                )
                for item in new
            ),
            ignore_conflicts=True,
        )
        _warn(code, [item.complaint_id for item in new])
    return len(new)


def _warn(code: str, complaint_ids: list[int]) -> None:
    """Tell who coordinates the open cases; the handling departments learn nothing of a review to come."""
    rows = Complaint.objects.filter(pk__in=complaint_ids, coordinator__is_active=True).exclude(
        status__in=[str(status) for status in WITH_RESULT]
    )
    for complaint in rows.select_related("coordinator", "complainant"):
        if complaint.coordinator is not None and complaint.is_open:
            notify.tell(
                [complaint.coordinator],
                "alert_raised",
                complaint=complaint,
                dedupe=f"alert:{code}:{complaint.pk}",
                rule=code,
            )


def _open_waiting(settings: dict[str, dict[str, Any]], *, now: datetime) -> int:
    """Open the reviews of alerts whose rule says so, once the case has its first result."""
    opening = [code for code, own in settings.items() if own["enabled"] and own["opens_review"]]
    waiting = Alert.objects.filter(
        state=AlertState.RAISED, rule__in=opening, complaint__status__in=[str(status) for status in WITH_RESULT]
    )
    return sum(
        _open(pk, by=None, at=now) for pk in list(waiting.order_by("pk").values_list("pk", flat=True)[:OPENED_PER_RUN])
    )


@transaction.atomic
def _open(alert_id: int, *, by: User | None, at: datetime) -> bool:
    case_transitions.lock(Alert.objects.values_list("complaint", flat=True).get(pk=alert_id))
    alert = Alert.objects.select_for_update().get(pk=alert_id)
    if alert.state != AlertState.RAISED:
        return False
    alert.review = transitions.open_for_alert(alert.complaint_id, rule=alert.rule, text=explain(alert), at=at)
    alert.state, alert.settled_at, alert.settled_by = AlertState.IN_REVIEW, at, by
    alert.save(update_fields=["review", "state", "settled_at", "settled_by"])
    return True


def open_review(alert_id: int, *, by: User, at: datetime | None = None) -> Alert:
    """A member of the review group turns an alert into a review (REV-20, REV-25).

    Raises NotAllowed for whoever took part in the case, IllegalTransition when it is settled or has no result yet.
    """
    at = at or timezone.now()
    with transaction.atomic():
        alert = _begin(alert_id, by=by, at=at)
        if alert.complaint.status not in WITH_RESULT:
            raise IllegalTransition(_("The case has no result yet; it can be reviewed after the reply."))
        _open(alert_id, by=by, at=at)
    return Alert.objects.select_related("review").get(pk=alert_id)


@transaction.atomic
def dismiss(alert_id: int, *, by: User, reason: str, at: datetime | None = None) -> Alert:
    """No review comes of it, and the record says why.

    Raises NotAllowed for whoever took part in the case, InvalidInput without a reason, IllegalTransition when settled.
    """
    at = at or timezone.now()
    alert = _begin(alert_id, by=by, at=at)
    if not reason.strip():
        raise InvalidInput("reason", _("Give the reason."))
    alert.state, alert.reason, alert.settled_at, alert.settled_by = (
        AlertState.DISMISSED,
        reason.strip()[:300],
        at,
        by,
    )
    alert.save(update_fields=["state", "reason", "settled_at", "settled_by"])
    case_transitions.add_event(
        alert.complaint, "review_alert_dismissed", by=by, at=at, note=alert.reason, reference=f"alert:{alert.pk}",
        audience="review",
    )  # fmt: skip
    return alert


def _begin(alert_id: int, *, by: User, at: datetime) -> Alert:
    """Lock case and alert; check that the person may judge the case and that nobody was faster."""
    complaint = case_transitions.lock(Alert.objects.values_list("complaint", flat=True).get(pk=alert_id))
    alert = Alert.objects.select_for_update().get(pk=alert_id)
    if not by.has_perm("review.review_case"):
        raise NotAllowed(_("Your role does not allow this."))
    if independence.conflicts(complaint, User.objects.filter(pk=by.pk), at=at):
        raise NotAllowed(_("You took part in this matter or your department did; you cannot judge it."))
    if alert.state != AlertState.RAISED:
        raise IllegalTransition(_("This alert is settled: %(state)s."), state=alert.get_state_display())
    alert.complaint = complaint
    return alert


def visible_to(user: User) -> QuerySet[Alert]:
    """The alerts a member of the review group may read: none about a case that a department had while the person
    belonged to it, or that one has to which they belong now; none about oneself, or one declared to be partial about.

    Who took part otherwise is refused when they decide.
    """
    return (
        Alert.objects.exclude(handled_by(user))
        .exclude(complaint__in=DeclaredConflict.objects.filter(user=user).values("complaint"))
        .exclude(complaint__accused_staff=user)
        .exclude(complaint__complainant__staff_user=user)
        .select_related("complaint__lead_department", "review", "settled_by")
    )


def explain(alert: Alert) -> str:
    """The alert in one sentence, in the active language."""
    rule = RULES.get(alert.rule)
    if rule is None:
        return alert.rule
    # An alert raised before the rule told a number shows a dash for it.
    return str(rule.sentence) % defaultdict(lambda: "—", {key: _shown(value) for key, value in alert.facts.items()})


def _shown(value: Any) -> Any:
    moment = parse_datetime(value) if isinstance(value, str) and "T" in value else None
    return timezone.localtime(moment).strftime("%Y-%m-%d") if moment else value
