"""What stands in the letter of a reply: one place for sending it and for showing it beforehand (FB-04, COO-12)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from complaints import clocks, contradictions, notices, record_differences, remedies
from complaints.models import Complaint, Reply
from complaints.states import ImprovementState, Milestone, NoticeKind, ReplyState


def values(complaint: Complaint, reply: Reply, *, at: datetime) -> dict[str, Any]:
    """What the letter is written from. Only remedies that are agreed are promised to the complainant."""
    return {
        "reply": reply,
        "improvements": complaint.improvements.exclude(state=ImprovementState.VERIFIED).select_related("department"),
        "remedies_owed": remedies.agreed(complaint.remedies.all()),
        "review_until": clocks.date_of(complaint, Milestone.REVIEW_REQUEST, since=at),
    }


def preview(complaint: Complaint, reply: Reply, *, at: datetime) -> str:
    """The letter as it would be sent at this moment, although nothing is stored.

    The call-back is promised from the day of sending, so its clock does not exist yet.
    """
    dates: dict[str, datetime | None] = {row.milestone: row.due_at for row in complaint.deadlines.all()}
    dates[Milestone.CALL_BACK] = clocks.date_of(complaint, Milestone.CALL_BACK, since=at)
    return notices.compose(complaint, NoticeKind.REPLY, at=at, dates=dates, **values(complaint, reply, at=at))


def sent_replies(complaint: Complaint) -> list[Reply]:
    """The replies the complainant has been sent, oldest first."""
    return sorted((row for row in complaint.replies.all() if row.state == ReplyState.SENT), key=lambda row: row.round)


def last_sent(complaint: Complaint) -> Reply | None:
    """The newest reply the complainant has been sent."""
    return next(reversed(sent_replies(complaint)), None)


def differences(complaint: Complaint, *, process: str, result: str) -> list[tuple[Reply, contradictions.Difference]]:
    """What the text says otherwise than the replies sent before, each with the one it differs from (COO-09)."""
    sent = sent_replies(complaint)
    texts = [f"{row.process}\n{row.result}" for row in sent]
    return [(sent[place], item) for place, item in contradictions.compare_all(texts, f"{process}\n{result}")]


def off_record(complaint: Complaint, *, process: str, result: str) -> list[record_differences.RecordDifference]:
    """What the text says otherwise than the findings and the remedies decided (COO-09)."""
    return record_differences.of(complaint, f"{process}\n{result}")


def waits_to_be_told(complaint: Complaint) -> Reply | None:
    """The newest reply sent that a person has yet to tell, by telephone, letter or at the counter (FB-01)."""
    sent = last_sent(complaint)
    return sent if sent is not None and sent.delivered_at is None else None
