"""When the sweeps and periodic jobs start. Beat only starts them; what is due lives in the database."""

from celery.schedules import crontab

BEAT_SCHEDULE = {
    "sweep_deadlines": {"task": "complaints.sweep_deadlines", "schedule": 60.0},
    "deliver_notifications": {"task": "complaints.deliver_notifications", "schedule": 60.0},
    # Does nothing where no chat address is configured.
    "send_chat": {"task": "complaints.send_chat", "schedule": 60.0},
    # From nine on; later runs find everything sent, or try again what a mail server refused.
    "send_digests": {"task": "complaints.send_digests", "schedule": crontab(hour="9-17", minute=0)},
    "send_outreach": {"task": "complaints.send_outreach", "schedule": 60.0},
    # Does nothing where no mailbox is configured.
    "poll_mail": {"task": "complaints.poll_mail", "schedule": 120.0},
    # Does nothing where no scanner is configured.
    "scan_files": {"task": "complaints.scan_files", "schedule": 60.0},
    "suggest_missing": {"task": "complaints.suggest_missing", "schedule": 300.0},
    "tell_expired_requests": {"task": "complaints.tell_expired_requests", "schedule": crontab(hour=8, minute=0)},
    "remind_bulletins": {"task": "complaints.remind_bulletins", "schedule": 300.0},
    "watch_coordination": {"task": "complaints.watch_coordination", "schedule": 600.0},
    # In office hours of working days; later runs of a day find it told.
    "remind_requests": {"task": "complaints.remind_requests", "schedule": crontab(hour="9-17", minute=10)},
    # Not at weekends and on holidays; later runs of a day find it told.
    "remind_daily_contact": {"task": "complaints.remind_daily_contact", "schedule": crontab(hour=15, minute=0)},
    "remind_risk_meetings": {"task": "complaints.remind_risk_meetings", "schedule": crontab(hour=8, minute=25)},
    # Not at weekends and on holidays.
    "remind_calls": {"task": "complaints.remind_calls", "schedule": crontab(hour=9, minute=5)},
    "remind_stale_articles": {"task": "complaints.remind_stale_articles", "schedule": crontab(hour=8, minute=10)},
    "watch_calendar": {"task": "complaints.watch_calendar", "schedule": crontab(hour=8, minute=30)},
    # The first run of a month picks; later ones find it done.
    "sample_calls": {"task": "complaints.sample_calls", "schedule": crontab(hour=7, minute=30)},
    "sweep_imports": {"task": "complaints.sweep_imports", "schedule": 60.0},
    "check_ledger": {"task": "complaints.check_ledger", "schedule": crontab(hour=0, minute=30)},
    "file_archived": {"task": "complaints.file_archived", "schedule": crontab(hour=2, minute=10)},
    "watch_files": {"task": "complaints.watch_files", "schedule": crontab(hour=2, minute=40)},
    "purge_expired": {"task": "complaints.purge_expired", "schedule": crontab(hour=3, minute=10)},
    "purge_echo": {"task": "publication.purge_echo", "schedule": crontab(hour=3, minute=20)},
    "watch_group": {"task": "review.watch_group", "schedule": crontab(hour=8, minute=20)},
    "watch_reviews": {"task": "review.watch_reviews", "schedule": crontab(minute=25)},
    "evaluate_alerts": {"task": "review.evaluate_alerts", "schedule": crontab(minute=20)},
    "watch_problems": {"task": "analytics.watch_problems", "schedule": crontab(hour=8, minute=35)},
    "watch_follow_up": {"task": "analytics.watch_follow_up", "schedule": crontab(hour=8, minute=45)},
    "detect_outbreaks": {"task": "analytics.detect_outbreaks", "schedule": crontab(minute=40)},
    "refresh_figures": {"task": "analytics.refresh_figures", "schedule": 60.0},
    "reconcile_figures": {"task": "analytics.reconcile_figures", "schedule": crontab(hour=1, minute=30)},
    # Before the reports; the first run of a month finds, later ones settle what was mended.
    "tidy_records": {"task": "analytics.tidy_records", "schedule": crontab(hour=5, minute=30)},
    "draw_sample": {"task": "review.draw_sample", "schedule": crontab(hour=9, minute=0)},
    # The first run of a week tells; later ones find it told.
    "remind_undecided": {"task": "publication.remind_undecided", "schedule": crontab(hour=8, minute=50)},
    "publish_due": {"task": "publication.publish_due", "schedule": 60.0},
    "sweep_bulletins": {"task": "publication.sweep_bulletins", "schedule": 60.0},
    "watch_fulfilment": {"task": "publication.watch_fulfilment", "schedule": crontab(hour=8, minute=5)},
    # The first run of a week tells; later ones find it told.
    "tell_lessons": {"task": "publication.tell_lessons", "schedule": crontab(hour=8, minute=15)},
    "render_waiting": {"task": "publication.render_waiting", "schedule": 60.0},
    "sweep_reports": {"task": "analytics.sweep_reports", "schedule": 60.0},
    "build_report": {"task": "analytics.build_due_reports", "schedule": crontab(hour=6, minute=0)},
}
