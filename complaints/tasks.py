"""Worker entry points of the complaints app: fetch ids, call one function, log counts."""

from __future__ import annotations

import logging
from datetime import datetime
from smtplib import SMTPException

from celery import shared_task

logger = logging.getLogger("huiyin.jobs")


@shared_task(
    name="complaints.deliver_notifications",
    autoretry_for=(SMTPException, ConnectionError),
    retry_backoff=True,
    max_retries=5,
)
def deliver_notifications() -> int:
    """Send the mails that wait; safe to run twice or beside itself."""
    from complaints import jobs  # leaf

    return jobs.deliver_notifications()["sent"]


@shared_task(name="complaints.work_out_hours")
def work_out_hours(start: str, end: str) -> int:
    """Measure the time of the departments in a period; a second run measures the same again."""
    from complaints import department_hours  # leaf

    return len(department_hours.work_out(datetime.fromisoformat(start), datetime.fromisoformat(end)))


@shared_task(name="complaints.send_chat")
def send_chat() -> int:
    """Send what presses to the chat groups; safe to run twice or beside itself."""
    from complaints import chat  # leaf

    return chat.send_chat()["sent"]


@shared_task(name="complaints.send_digests")
def send_digests() -> int:
    """Send the digests of today, each once."""
    from complaints import digests  # leaf

    return digests.send_digests()["sent"]


@shared_task(name="complaints.send_outreach")
def send_outreach() -> int:
    """Send the notices of approved precautions; safe to run twice or beside itself."""
    from complaints import outreach_jobs  # leaf

    return outreach_jobs.send_outreach()["sent"]


@shared_task(name="complaints.poll_mail")
def poll_mail() -> bool:
    """Read the mailbox, where there is one."""
    from complaints import mailbox  # leaf

    return mailbox.poll().get("ok", True)


@shared_task(name="complaints.scan_files")
def scan_files() -> bool:
    """Look through the files that wait, where there is a scanner."""
    from complaints import scanning  # leaf

    return bool(scanning.scan_waiting().get("reachable", True))


@shared_task(name="complaints.sweep_deadlines")
def sweep_deadlines() -> int:
    """Remind, record breaches and escalate whatever is due now."""
    from complaints import jobs  # leaf

    result = jobs.sweep_deadlines()
    if result["alerts"]:
        logger.info("swept deadlines", extra={"alerts": result["alerts"]})
    return result["alerts"]


@shared_task(name="complaints.tell_expired_requests")
def tell_expired_requests() -> int:
    """Tell the office whose time to answer is over."""
    from complaints import jobs  # leaf

    return jobs.tell_expired_requests()["told"]


@shared_task(name="complaints.remind_bulletins")
def remind_bulletins() -> int:
    """Tell of bulletins and first contacts that are due in an incident."""
    from complaints import incident_jobs  # leaf

    return sum(incident_jobs.remind_bulletins().values())


@shared_task(name="complaints.watch_coordination")
def watch_coordination() -> int:
    """Tell of promises, statements and tasks that are late."""
    from complaints import coordination  # leaf

    return sum(coordination.watch_coordination().values())


@shared_task(name="complaints.remind_requests")
def remind_requests() -> int:
    """Remind who decides of what waits for a decision."""
    from complaints import request_jobs  # leaf

    return request_jobs.remind_requests()["told"]


@shared_task(name="complaints.remind_daily_contact")
def remind_daily_contact() -> int:
    """Tell the senior people whose complainants have not heard from us since the last working day."""
    from complaints import lane_jobs  # leaf

    return lane_jobs.remind_daily_contact()["told"]


@shared_task(name="complaints.remind_risk_meetings")
def remind_risk_meetings() -> int:
    """Tell whose risky case is due for a meeting, once a week at most."""
    from complaints import risk_meetings  # leaf

    return risk_meetings.remind()["told"]


@shared_task(name="complaints.remind_calls")
def remind_calls() -> int:
    """Tell the callers of precautions whose day for the calls comes near or is over."""
    from complaints import outreach_jobs  # leaf

    return sum(outreach_jobs.remind_calls().values())


@shared_task(name="complaints.remind_stale_articles")
def remind_stale_articles() -> int:
    """Tell who has to look at an article again, once a week at most."""
    from complaints import knowledge  # leaf

    return knowledge.remind_stale()["articles"]


@shared_task(name="complaints.file_archived")
def file_archived() -> int:
    """Make the files of cases that were archived without one."""
    from complaints import archive  # leaf

    return archive.file_archived()["filed"]


@shared_task(name="complaints.recalculate_clocks")
def recalculate_clocks(run_id: int) -> None:
    """Compute the running clocks by a changed calendar; a second run finds them right."""
    from complaints import calendar_jobs  # leaf

    calendar_jobs.work(run_id)


@shared_task(name="complaints.watch_calendar")
def watch_calendar() -> int:
    """Warn while this year or the next one has no calendar, once a week."""
    from complaints import calendar_jobs  # leaf

    return calendar_jobs.watch_calendar()["told"]


@shared_task(name="complaints.sample_calls")
def sample_calls() -> int:
    """Pick the calls of last month that are scored; a second run picks none."""
    from complaints import call_samples  # leaf

    return call_samples.sample_calls()["picked"]


@shared_task(name="complaints.check_ledger")
def check_ledger() -> bool:
    """Anchor yesterday's events and verify the whole ledger."""
    from complaints import jobs  # leaf

    return jobs.check_ledger()["ok"]


@shared_task(name="complaints.destroy_files")
def destroy_files(appraisal_id: int) -> int:
    """Destroy the files of a list that was carried out; a second run finds them gone."""
    from complaints import appraisals  # leaf

    return appraisals.work(appraisal_id)["destroyed"]


@shared_task(name="complaints.watch_files")
def watch_files() -> int:
    """Finish destructions that were left; say once a month that the time of files is over."""
    from complaints import appraisals  # leaf

    return appraisals.watch_files()["destroyed"]


@shared_task(name="complaints.purge_expired")
def purge_expired() -> int:
    """Remove drafts that were never filed and answers kept for retries."""
    from complaints import jobs  # leaf

    return jobs.purge_expired()["removed"]


@shared_task(name="complaints.suggest")
def suggest(complaint_id: int) -> int:
    """Propose category and department for one case and grade an imported one; a second run adds nothing."""
    from complaints.transitions import suggestion  # leaf

    return suggestion.store_suggestions(complaint_id)


@shared_task(name="complaints.suggest_missing")
def suggest_missing() -> int:
    """Find the new cases without a proposal, one small task for each."""
    from complaints.transitions import suggestion  # leaf

    waiting = suggestion.without_suggestion()
    for complaint_id in waiting:
        suggest.delay(complaint_id=complaint_id)
    return len(waiting)


@shared_task(name="complaints.train_classifier")
def train_classifier(run_id: int, user_id: int) -> None:
    """Train the category model on the closed cases, as somebody asked for."""
    from complaints import training  # leaf

    training.work(run_id, user_id)


@shared_task(name="complaints.check_import")
def check_import(batch_id: int) -> bool:
    """Check an uploaded file; a second run finds it checked."""
    from complaints import import_jobs  # leaf

    return import_jobs.check(batch_id)


@shared_task(name="complaints.store_import")
def store_import(batch_id: int) -> bool:
    """Store the rows of a checked file, all or none; a second worker finds it taken or done."""
    from complaints import import_jobs  # leaf

    return import_jobs.store(batch_id)


@shared_task(name="complaints.merge_text_indexes")
def merge_text_indexes() -> int:
    """Take the rows of an import into the full-text indexes."""
    from complaints import search  # leaf
    from complaints.models import ComplaintSearch, TextPrint

    return search.merge_waiting(ComplaintSearch._meta.db_table, TextPrint._meta.db_table)


@shared_task(name="complaints.undo_import")
def undo_import(batch_id: int) -> bool:
    """Take an import back, all cases or none."""
    from complaints import import_jobs  # leaf

    return import_jobs.undo(batch_id)


@shared_task(name="complaints.sweep_imports")
def sweep_imports() -> int:
    """Find imports that were left by a lost message or a dead worker."""
    from complaints import import_jobs  # leaf

    return import_jobs.sweep()["imports"]
