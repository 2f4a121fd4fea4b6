"""Notices to the complainant, written in plain words from the case's own data and kept on the file (SCR-10)."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation

from accounts.models import User
from complaints.models import Complaint, Notice
from complaints.states import SELF_SERVICE, NoticeKind


def issue(complaint: Complaint, kind: NoticeKind, *, by: User | None, at: datetime, **context) -> Notice:
    """Write and store a notice. On self-service channels it counts as sent at once: the tracking page shows it."""
    return Notice.objects.create(
        complaint=complaint,
        kind=kind,
        body=compose(complaint, kind, at=at, **context),
        channel=complaint.channel,
        issued_at=at,
        issued_by=by,
        sent_at=at if complaint.channel in SELF_SERVICE else None,
    )


def compose(complaint: Complaint, kind: NoticeKind, *, at: datetime, **context) -> str:
    """The text of a notice in Chinese, the language of the organisation's letters."""
    with translation.override("zh-hans"):
        dates = {row.milestone: row.due_at for row in complaint.deadlines.all()}
        body = render_to_string(
            f"complaints/notices/{kind}.txt",
            {
                "complaint": complaint,
                "organisation": settings.ORGANISATION,
                "dates": dates,
                "at": at,
                "remedies": complaint.policy.remedies.get("zh-hans", []),
                **context,
            },
        )
    return body.strip() + "\n"
