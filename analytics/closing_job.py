"""Closing a month as a job: counting takes too long for a page, which shows the step instead (AN-03).

One row of the ledger of jobs per month says who asked, how far it is and how it ended. A worker that was killed leaves
nothing behind, since all is kept at the end or nothing; the sweep finds the row and another worker begins anew.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts import after_commit
from accounts.errors import DomainError, IllegalTransition, NotAllowed
from accounts.models import User
from analytics import closing, finals, periods, tasks
from complaints import notify
from complaints.models import JobRun

logger = logging.getLogger("huiyin.jobs")

JOB = "close_month"
# A worker that was not heard of for so long is gone; a message not taken up for so long was lost.
LEASE, WAIT = timedelta(minutes=5), timedelta(minutes=1)

# What stopped it, by code. The codes are stored, the words are shown.
REFUSED, UNEXPECTED = "refused", "unexpected"
ERRORS: dict[str, Promise] = {
    REFUSED: _("The month was not closed: records of it wait to be tidied, or closing is no longer allowed."),
    UNEXPECTED: _("Something went wrong while closing. Close it again; if it fails again, call the administrator."),
}


class TakenOver(Exception):
    """Another worker closes this month now; stop without a word."""


@transaction.atomic
def request(code: str, *, by: User, at: datetime | None = None) -> JobRun:
    """Have a worker close a month. Raises what closing.closable raises, and IllegalTransition while one is at it."""
    at = at or timezone.now()
    period = closing.closable(code, by=by, at=at)
    JobRun.objects.get_or_create(
        job=JOB, period=period.code, defaults={"state": JobRun.State.FAILED, "started_at": at, "attempts": 0}
    )
    run = JobRun.objects.select_for_update().get(job=JOB, period=period.code)
    if run.state == JobRun.State.RUNNING and run.started_at > at - LEASE:
        raise IllegalTransition(_("This month is being closed already."))
    run.state, run.started_at, run.finished_at, run.error = JobRun.State.RUNNING, at, None, ""
    run.attempts += 1
    run.result = {"by": by.pk, "asked": at.isoformat(), "taken": False, "step": 0, "of": 0}
    run.save()
    after_commit.enqueue(tasks.close_month, period=period.code)
    return run


def left(*, now: datetime) -> list[str]:
    """The months whose message was lost or whose worker is gone."""
    waiting = JobRun.objects.filter(job=JOB, state=JobRun.State.RUNNING, started_at__lt=now - WAIT)
    return [run.period for run in waiting if not run.result["taken"] or run.started_at < now - LEASE]


def work(code: str, *, now: datetime | None = None) -> bool:
    """Close the month that was asked for; False when there is nothing to do, or it could not be closed.

    Raises what went wrong unexpectedly, after the row says so.
    """
    run = _take(code, at=now or timezone.now())
    if run is None:
        return False

    def progress(step: int, of: int) -> None:
        at = timezone.now()
        mine = JobRun.objects.filter(pk=run.pk, state=JobRun.State.RUNNING, started_at=run.started_at)
        if not mine.update(started_at=at, result={**run.result, "step": step, "of": of}):
            raise TakenOver
        run.started_at = at

    try:
        if not finals.closed_among([periods.parse(code)]):  # a worker killed after the last step had closed it
            closing.close(code, by=User.objects.get(pk=run.result["by"]), progress=progress)
    except TakenOver:
        return False
    except (DomainError, NotAllowed):
        _end(run, REFUSED)
        return False
    except Exception:
        _end(run, UNEXPECTED)
        logger.exception("closing failed", extra={"period": code})
        raise
    _end(run)
    return True


@transaction.atomic
def _take(code: str, *, at: datetime) -> JobRun | None:
    """The row, if it waits or its worker is gone. Exactly one of many callers gets it."""
    run = JobRun.objects.select_for_update().filter(job=JOB, period=code, state=JobRun.State.RUNNING).first()
    if run is None or (run.result["taken"] and run.started_at > at - LEASE):
        return None
    run.started_at, run.result = at, {**run.result, "taken": True}
    run.save(update_fields=["started_at", "result"])
    return run


@transaction.atomic
def _end(run: JobRun, error: str = "") -> None:
    """Say how it ended, and tell whoever asked."""
    state = JobRun.State.FAILED if error else JobRun.State.DONE
    JobRun.objects.filter(pk=run.pk).update(state=state, error=error, finished_at=timezone.now())
    notify.tell(
        User.objects.filter(pk=run.result["by"]),
        "month_not_closed" if error else "month_closed",
        dedupe=f"{JOB}:{run.period}:{run.result['asked']}",
        url="/desk/figures/closing/",
        period=run.period,
    )


def shown(run: JobRun | None) -> dict[str, object]:
    """What a page says of a closing: `running` with its step, or why the last one failed."""
    if run is None:
        return {}
    step, of = run.result.get("step", 0), run.result.get("of", 0)
    return {
        "running": run.state == JobRun.State.RUNNING,
        "step": step,
        "of": of,
        "percent": round(100 * step / of) if of else 0,
        "problem": ERRORS.get(run.error, "") if run.state == JobRun.State.FAILED else "",
    }
