"""Later calls that are planned by themselves: a week after a rectification, and out of care (SLA-08, FB-14, FB-16)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone, translation
from django.utils.translation import gettext

from accounts.models import User
from complaints import office_terms
from complaints.models import CareConsent, Complaint, FollowUp
from complaints.states import Audience, FollowUpKind, Status
from complaints.transitions import core


def plan_second_contact(
    complaint: Complaint, *, by: User | None, at: datetime, audience: str = Audience.CASE
) -> FollowUp | None:
    """Plan a call usually one week from now, in which the complainant hears what was put right (SLA-08, FB-14).

    Takes the case with its row locked. None where a second contact waits already, or the case is archived.
    """
    waiting = FollowUp.objects.filter(
        complaint=complaint, kind=FollowUpKind.SECOND_CONTACT, done_at=None, cancelled_reason=""
    )
    if complaint.status == Status.ARCHIVED or waiting.exists():
        return None
    row = FollowUp.objects.create(
        complaint=complaint,
        kind=FollowUpKind.SECOND_CONTACT,
        due_on=timezone.localdate(at) + timedelta(days=office_terms.of("second_contact")),
        planned_at=at,
        planned_by=by,
    )
    core.add_event(complaint, "follow_up_planned", by=by, at=at, reference=core.ref(row), audience=audience)
    return row


def plan_care_calls(complaint: Complaint, *, by: User | None, at: datetime) -> list[FollowUp]:
    """Plan the calls for a complainant who needs special care, usually three, thirty days apart (FB-16).

    Takes the case with its row locked. A case gets them once, however often it is closed, and only while a consent
    stands: a call out of care tells of the need (SPG-01).
    """
    if not CareConsent.objects.filter(complaint=complaint, withdrawn_at=None).exists():
        return []
    if FollowUp.objects.filter(complaint=complaint, kind=FollowUpKind.CARE_CALL).exists():
        return []
    terms = office_terms.all_of(office_terms.current())
    every, calls = timedelta(days=terms["care_every"]), terms["care_calls"]
    if not calls:
        return []
    first = timezone.localdate(at)
    rows = [
        FollowUp.objects.create(
            complaint=complaint,
            kind=FollowUpKind.CARE_CALL,
            due_on=first + every * number,
            planned_at=at,
            planned_by=by,
        )
        for number in range(1, calls + 1)
    ]
    core.add_event(complaint, "follow_up_planned", by=by, at=at, reference=core.ref(rows[0]))
    return rows


def end_care_calls(complaint: Complaint) -> None:
    """The consent is taken back: the calls out of care that wait are not made (SPG-01). Takes the case locked."""
    waiting = FollowUp.objects.filter(
        complaint=complaint, kind=FollowUpKind.CARE_CALL, done_at=None, cancelled_reason=""
    )
    # Records of the office are kept in Chinese, whoever takes the consent back.
    with translation.override("zh-hans"):
        waiting.update(cancelled_reason=gettext("The consent was taken back."))
