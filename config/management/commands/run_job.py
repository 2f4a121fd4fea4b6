"""Run a scheduled job by hand, with an injected clock if wanted (JT-01…05)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from django.core.management.base import CommandParser
from django.db.models import Max
from django.utils import timezone

from accounts import security
from accounts.errors import DomainError
from accounts.management.base import ActionCommand, Failed, moment
from analytics import jobs, periods
from complaints.models import JobRun
from review import draws

# A clock that went back by more than this, or ahead by more than AHEAD, is an accident: the job
# refuses and says so in the security log (JT-04). An outage of weeks may still be caught up.
BACK = timedelta(days=1)
AHEAD = timedelta(days=35)


def _draw(period: str, now: datetime) -> dict[str, Any]:
    row = draws.draw(period, by=None, at=now)
    return {"period": row.period, "frame": row.frame_size, "picks": row.size}


def _report(period: str, now: datetime) -> dict[str, Any]:
    return {period: jobs.request_all(periods.parse(period), now=now)}


@dataclass(frozen=True)
class Job:
    """Where a job lives: a function of `now`. `of_period` does the same for one period by name;
    `keeps_ledger`: a run in the wrong month cannot be taken back."""

    path: str
    of_period: Callable[[str, datetime], dict[str, Any]] | None = None
    keeps_ledger: bool = False
    # Asks by itself whether the machine's time can be believed, unless a time was given by hand (JT-04).
    judges_clock: bool = False


JOBS = {
    "sweep_deadlines": Job("complaints.jobs.sweep_deadlines", judges_clock=True),
    "evaluate_alerts": Job("review.alerts.evaluate"),
    "watch_group": Job("review.group.watch"),
    "watch_reviews": Job("review.step_jobs.watch"),
    "draw_sample": Job("review.draws.keep_up", of_period=_draw, keeps_ledger=True),
    "build_report": Job("analytics.jobs.build_due_reports", of_period=_report, keeps_ledger=True),
    "publish_due": Job("publication.jobs.publish_due"),
    "sweep_bulletins": Job("publication.bulletins.sweep_bulletins"),
    "watch_fulfilment": Job("publication.effects.watch_fulfilment"),
    "tell_lessons": Job("publication.lessons.tell_weekly"),
    "remind_undecided": Job("publication.jobs.remind_undecided"),
    "render_waiting": Job("publication.attachments.render_waiting"),
    "remind_bulletins": Job("complaints.incident_jobs.remind_bulletins"),
    "tell_expired_requests": Job("complaints.jobs.tell_expired_requests"),
    "watch_coordination": Job("complaints.coordination.watch_coordination"),
    "remind_requests": Job("complaints.request_jobs.remind_requests"),
    "remind_daily_contact": Job("complaints.lane_jobs.remind_daily_contact"),
    "remind_risk_meetings": Job("complaints.risk_meetings.remind"),
    "remind_calls": Job("complaints.outreach_jobs.remind_calls"),
    "remind_stale_articles": Job("complaints.knowledge.remind_stale"),
    "sample_calls": Job("complaints.call_samples.sample_calls", keeps_ledger=True),
    "deliver_notifications": Job("complaints.jobs.deliver_notifications"),
    "send_chat": Job("complaints.chat.send_chat"),
    "send_digests": Job("complaints.digests.send_digests"),
    "send_outreach": Job("complaints.outreach_jobs.send_outreach"),
    "poll_mail": Job("complaints.mailbox.poll"),
    "sweep_outbox": Job("analytics.jobs.sweep_reports"),
    "watch_calendar": Job("complaints.calendar_jobs.watch_calendar"),
    "check_ledger": Job("complaints.jobs.check_ledger", keeps_ledger=True, judges_clock=True),
    "file_archived": Job("complaints.archive.file_archived"),
    "watch_files": Job("complaints.appraisals.watch_files"),
    "purge_expired": Job("complaints.jobs.purge_expired", judges_clock=True),
    "purge_echo": Job("publication.jobs.purge_echo", judges_clock=True),
    "watch_problems": Job("analytics.projects.watch"),
    "watch_follow_up": Job("analytics.follow_up.watch"),
    "refresh_figures": Job("analytics.jobs.refresh_figures"),
    "reconcile_figures": Job("analytics.jobs.reconcile_figures"),
    "tidy_records": Job("analytics.jobs.tidy_records"),
    "detect_outbreaks": Job("analytics.jobs.detect_outbreaks"),
}


class Command(ActionCommand):
    help = "Runs one scheduled job now and prints what it did."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", choices=JOBS, metavar="NAME", help=", ".join(JOBS))
        parser.add_argument("--period", default="", help="for jobs that work on a period: 2026-10 or 2026-Q3")
        parser.add_argument("--now", type=moment, help="run as if it were this moment, e.g. 2026-12-01T09:00+08:00")

    def run(self, *, name: str, period: str, now: datetime | None, **options: Any) -> dict[str, Any]:
        job = JOBS[name]
        if period and not job.of_period:
            raise Failed(f"{name} does not work on a period; leave --period out.", returncode=2)
        if now is not None and job.keeps_ledger:
            _check_clock(name, now)
        work = find(job.path)
        if work is None:
            available = ", ".join(key for key, other in JOBS.items() if find(other.path))
            raise Failed(f"{name} is not part of this installation; available: {available}.")
        at = now or timezone.now()
        try:
            if period and job.of_period:
                result = job.of_period(period, at)
            else:
                result = work(now=now if job.judges_clock else at)
        except (DomainError, ValueError) as error:
            raise Failed(str(error)) from error
        except Exception as error:  # one line for the operator; --traceback shows the rest
            raise Failed(f"{name} failed: {type(error).__name__}: {error}") from error
        if result.get("ok") is False:
            raise Failed(f"{name} found a fault: {result}", {"job": name, **result})
        return {"job": name, **result}


def find(path: str) -> Callable[..., Any] | None:
    """The function at a dotted path, or None where this installation has none."""
    module, _dot, function = path.rpartition(".")
    try:
        return getattr(import_module(module), function, None)
    except ModuleNotFoundError as error:
        if error.name and module.startswith(error.name):
            return None
        raise


def _check_clock(name: str, now: datetime) -> None:
    last = JobRun.objects.filter(job=name).aggregate(at=Max("started_at"))["at"]
    latest = max(filter(None, (last, timezone.now())))
    back, ahead = last is not None and now < last - BACK, now > latest + AHEAD
    if back or ahead:
        security.record("clock_jump", subject=name, now=now.isoformat(), last=last.isoformat() if last else "")
        where = (
            f"before its last run at {timezone.localtime(last):%Y-%m-%d %H:%M}"
            if back and last
            else f"more than {AHEAD.days} days ahead"
        )
        raise Failed(f"{name} was not run: {now.isoformat()} lies {where}. Check the clock, or give another --now.")
