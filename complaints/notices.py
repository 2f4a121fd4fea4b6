"""Notices to the complainant, written in plain words from the case's own data and kept on the file (SCR-10)."""

from __future__ import annotations

import re
from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation

from accounts.models import User
from complaints.models import Complaint, Contact, Notice
from complaints.models.people import ContactKind
from complaints.states import (
    SELF_SERVICE,
    ContactDirection,
    ContactOutcome,
    ContactPurpose,
    NoticeKind,
    Status,
)

# How the policies count the time of a remedy: from the reply or the decision, followed by the number of days.
_FROM_REPLY = re.compile(r"收到(?:书面)?(?:答复|处理决定)(?:之日起)?(?= ?\d)")
# What a person tells whoever rang, wrote or came: the communication that does it, and the state it explains.
_TOLD_BY = {
    ContactPurpose.REFUSAL: (NoticeKind.NON_ACCEPTANCE, Status.NOT_ACCEPTED),
    ContactPurpose.INFORMATION: (NoticeKind.SUPPLEMENT, Status.AWAITING_INFORMATION),
    ContactPurpose.REPLY: (NoticeKind.REPLY, Status.MERGED),
}
# After so many recorded attempts in vain nobody has to try again.
ATTEMPTS = 3


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
                "remedies": _remedies(complaint, kind),
                **context,
            },
        )
    return body.strip() + "\n"


def _remedies(complaint: Complaint, kind: NoticeKind) -> list[str]:
    """Where the complainant may turn, as the policy words it.

    The policy counts from the reply. Who is refused gets none: the time begins with the notice in their hands.
    """
    ways = complaint.policy.remedies.get("zh-hans", [])
    return [_FROM_REPLY.sub("收到本告知书之日起", way) for way in ways] if kind == NoticeKind.NON_ACCEPTANCE else ways


def waits_to_be_told(complaint: Complaint) -> Notice | None:
    """The notice a person has yet to tell by telephone, letter or at the counter (SCR-03, SCR-06, FB-01).

    It says that the complaint is not accepted and where to turn, what is missing, or how the case was answered into
    which this one was merged. None where the complainant reads it online, or left nothing to be reached by.
    """
    kinds = [kind for kind, status in _TOLD_BY.values() if status == complaint.status]
    if not kinds:
        return None
    reachable = any(point.kind != ContactKind.IDENTITY for point in complaint.complainant.contacts.all())
    rows = [row for row in complaint.notices.all() if row.kind in kinds]
    newest = rows[-1] if rows else None
    return newest if reachable and newest is not None and newest.sent_at is None else None


def purpose_of(notice: Notice) -> ContactPurpose:
    """The purpose under which the communication that tells this notice is recorded."""
    return next(purpose for purpose, (kind, _status) in _TOLD_BY.items() if kind == notice.kind)


def told(complaint: Complaint, contact: Contact) -> None:
    """A communication tells the notice that waits for it: the complainant was reached, or tried for the last time.

    `sent_at` is when the complainant heard it.
    """
    notice = waits_to_be_told(complaint)
    if notice is None or contact.direction != ContactDirection.OUT or contact.purpose != purpose_of(notice):
        return
    begin = notice.issued_at.replace(second=0, microsecond=0)  # a page gives whole minutes
    if contact.at < begin:
        return
    tries = complaint.communications.filter(direction=ContactDirection.OUT, purpose=contact.purpose, at__gte=begin)
    if contact.outcome == ContactOutcome.REACHED or tries.count() >= ATTEMPTS:
        notice.sent_at = contact.at
        notice.save(update_fields=["sent_at"])
