"""Cases that belong together: link, merge and undo it, gather under an incident (SCR-09).

Every case keeps its number, its complainant and its log; merging only says where the work is done.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput, NotAllowed
from accounts.models import User
from complaints import clocks, incidents, notices, notify
from complaints.models import (
    Bulletin,
    CaseLink,
    Category,
    Complaint,
    Incident,
    IncidentResponse,
    LinkKind,
    Merge,
    Reply,
)
from complaints.numbers import next_number
from complaints.states import OPEN, BulletinKind, BulletinState, NoticeKind, Status
from complaints.timeline_words import NOTE_WORDS
from complaints.transitions import core, grading

# The note of the event is a code.
NOTE_WORDS["join_incident"] = {incidents.AFTER_CARE: _("After care of a closed incident")}


def _both(complaint_id: int, other_id: int, action: str, *, by: User, version: int | None) -> tuple[Complaint, ...]:
    """Both cases with their rows locked, the smaller key first so that two clerks do not wait for each other.

    The action is checked on the first; the other must be one the person may see.
    """
    if complaint_id == other_id:
        raise InvalidInput("other", _("Choose another case, not this one."))
    core.lock(min(complaint_id, other_id))
    complaint = core.begin(complaint_id, action, by=by, version=version)
    other = Complaint.objects.visible_to(by).filter(pk=other_id).first()
    if other is None:
        raise InvalidInput("other", _("There is no such case."))
    return complaint, core.lock(other_id)


@transaction.atomic
def link(
    complaint_id: int,
    *,
    other: Complaint,
    kind: LinkKind,
    reason: str,
    by: User,
    version: int | None = None,
    at: datetime | None = None,
) -> CaseLink:
    """Say that two cases belong together and how; both show it. Raises InvalidInput for a pair linked already."""
    at = core.moment(at)
    if other is None:
        core.begin(complaint_id, "link", by=by, version=version)
    core.require("other", other, _("Choose the other case."))
    core.require("reason", reason, _("Say what makes you think they belong together."))
    complaint, other = _both(complaint_id, other.pk, "link", by=by, version=version)
    first, second = sorted((complaint, other), key=lambda case: case.pk)
    if CaseLink.objects.filter(first=first, second=second, ended_at=None).exists():
        raise InvalidInput("other", _("These two cases are linked already."))
    row = CaseLink.objects.create(first=first, second=second, kind=kind, reason=reason[:300], at=at, by=by)
    core.finish(complaint, "link", by=by, at=at, note=reason, reference=core.ref(row))
    core.add_event(other, "linked", by=by, at=at, reference=core.ref(row))
    if kind == LinkKind.DUPLICATE and not complaint.is_repeat:
        complaint.is_repeat = True
        complaint.save(update_fields=["is_repeat"])
        grading.regrade(complaint, at=at)
    return row


@transaction.atomic
def unlink(
    complaint_id: int,
    *,
    other: Complaint,
    reason: str,
    by: User,
    version: int | None = None,
    at: datetime | None = None,
) -> CaseLink:
    """End a link that was wrong; that it stood is kept."""
    at = core.moment(at)
    if other is None:
        core.begin(complaint_id, "unlink", by=by, version=version)
    core.require("other", other, _("Choose the other case."))
    core.require("reason", reason)
    complaint, other = _both(complaint_id, other.pk, "unlink", by=by, version=version)
    first, second = sorted((complaint, other), key=lambda case: case.pk)
    row = CaseLink.objects.filter(first=first, second=second, ended_at=None).first()
    if row is None:
        raise InvalidInput("other", _("These two cases are not linked."))
    row.ended_at, row.ended_by = at, by
    row.save(update_fields=["ended_at", "ended_by"])
    core.finish(complaint, "unlink", by=by, at=at, note=reason, reference=core.ref(row))
    core.add_event(other, "unlinked", by=by, at=at, reference=core.ref(row))
    return row


@transaction.atomic
def merge(
    complaint_id: int,
    *,
    primary: Complaint,
    reason: str,
    by: User,
    version: int | None = None,
    at: datetime | None = None,
) -> Merge:
    """Work on this case within `primary`. Its clocks end, the reply to `primary` answers it too, also one given before.

    An accepted case stays in the sampling frame of the day it was merged (RI-08).
    """
    at = core.moment(at)
    if primary is None:
        core.begin(complaint_id, "merge", by=by, version=version)
    core.require("primary", primary, _("Choose the case to merge into."))
    core.require("reason", reason, _("Say why these are one matter."))
    if primary.pk == complaint_id:
        raise InvalidInput("primary", _("Choose another case, not this one."))
    complaint, primary = _both(complaint_id, primary.pk, "merge", by=by, version=version)
    if primary.status not in OPEN:
        raise InvalidInput("primary", _("That case is not open; choose the one that is being worked on."))
    if complaint.merges.filter(undone_at=None).exists():
        raise InvalidInput("primary", _("Other cases are merged into this one; undo that first."))
    row = Merge.objects.create(
        primary=primary, merged=complaint, status_before=complaint.status, reason=reason[:300], at=at, by=by
    )
    clocks.cancel(complaint, at=at)
    fields = ["merged_into"]
    complaint.merged_into = primary
    if complaint.accepted_at and complaint.first_closed_at is None:
        complaint.first_closed_at = at
        fields.append("first_closed_at")
    complaint.save(update_fields=fields)
    core.finish(complaint, "merge", by=by, at=at, fields=fields, note=reason, reference=core.ref(row))
    core.add_event(primary, "merged_in", by=by, at=at, reference=core.ref(row))
    sent = primary.replies.filter(sent_at__isnull=False).order_by("round").last()
    if primary.status == Status.REPLIED and sent is not None:
        _answer(complaint, primary, sent, by=by, at=at)
    return row


@transaction.atomic
def undo_merge(
    complaint_id: int, *, reason: str, by: User, version: int | None = None, at: datetime | None = None
) -> Merge:
    """Take a merged case out again: it stands where it stood, its clocks have run on meanwhile."""
    at = core.moment(at)
    complaint = core.begin(complaint_id, "undo_merge", by=by, version=version)
    core.require("reason", reason)
    row = Merge.objects.select_for_update().get(merged=complaint, undone_at=None)
    row.undone_at, row.undone_by, row.undo_reason = at, by, reason[:300]
    row.save(update_fields=["undone_at", "undone_by", "undo_reason"])
    fields = ["merged_into"]
    complaint.merged_into = None
    if complaint.first_closed_at == row.at:
        # Only the merge had ended it; it comes into the frame of the month in which it is really closed.
        complaint.first_closed_at = None
        fields.append("first_closed_at")
    complaint.save(update_fields=fields)
    clocks.revive(complaint, cancelled_at=row.at)
    core.finish(
        complaint,
        "undo_merge",
        by=by,
        at=at,
        target=Status(row.status_before),
        fields=fields,
        note=reason,
        reference=core.ref(row),
    )
    core.add_event(core.lock(row.primary_id), "merge_undone", by=by, at=at, reference=core.ref(row))
    return row


def reply_to_merged(primary: Complaint, reply: Reply, *, by: User, at: datetime) -> None:
    """The reply to a case answers every case merged into it, each under its own number.

    Whoever rang, wrote or came is told by a person, as with the reply itself (FB-01).
    """
    for row in primary.merges.filter(undone_at=None).select_related("merged__policy", "merged__complainant"):
        _answer(core.lock(row.merged_id), primary, reply, by=by, at=at)


def _answer(merged: Complaint, primary: Complaint, reply: Reply, *, by: User, at: datetime) -> None:
    notices.issue(
        merged,
        NoticeKind.REPLY,
        by=by,
        at=at,
        reply=reply,
        improvements=[],
        remedies_owed=[],
        review_until=clocks.date_of(merged, "review_request", since=at),
    )
    core.add_event(merged, "replied_with_primary", by=by, at=at, reference=core.ref(reply))
    notify.tell_complainant(merged, "replied", dedupe=f"replied:{merged.number}:{primary.pk}:{reply.round}")
    if notices.waits_to_be_told(merged):
        notify.tell(
            [primary.coordinator] if primary.coordinator else notify.holders_of("complaints.record_callback"),
            "tell_reply",
            complaint=merged,
            dedupe=f"tell_reply:{merged.pk}:{primary.pk}:{reply.round}",
            by_email=False,
        )


@transaction.atomic
def open_incident(
    complaint_ids: Iterable[int],
    *,
    title: str,
    by: User,
    summary: str = "",
    category: Category | None = None,
    place: str = "",
    at: datetime | None = None,
) -> Incident:
    """One incident from a group of open cases. Raises InvalidInput for an empty group or title."""
    at = core.moment(at)
    if not by.has_perm("complaints.merge_complaints"):
        raise NotAllowed(_("Your role does not allow this."))
    core.require("title", title, _("Say in one sentence what happened."))
    chosen = sorted(set(complaint_ids))
    if not chosen:
        raise InvalidInput("complaints", _("Choose at least one case."))
    incident = Incident.objects.create(
        number=next_number("SJ", at=at),
        title=title[:120],
        summary=summary,
        category=category,
        place=place[:200],
        opened_at=at,
        opened_by=by,
    )
    for complaint_id in chosen:
        join_incident(complaint_id, incident=incident, by=by, at=at)
    return incident


@transaction.atomic
def join_incident(
    complaint_id: int,
    *,
    incident: Incident,
    by: User,
    version: int | None = None,
    at: datetime | None = None,
) -> Complaint:
    """Add a case to an incident; it leaves the one it was in.

    A closed one takes cases within its after care, marked as such (INC-14).
    """
    at = core.moment(at)
    complaint = core.begin(complaint_id, "join_incident", by=by, version=version)
    core.require("incident", incident, _("Choose the incident."))
    if not Incident.objects.filter(incidents.joinable(at), pk=incident.pk).exists():
        raise InvalidInput("incident", _("This incident is closed."))
    if complaint.incident_id == incident.pk:
        raise InvalidInput("incident", _("The case is in this incident already."))
    complaint.incident = incident
    complaint.save(update_fields=["incident"])
    note = incidents.AFTER_CARE if incident.closed_at is not None else ""
    core.finish(complaint, "join_incident", by=by, at=at, fields=["incident"], note=note, reference=core.ref(incident))
    return complaint


@transaction.atomic
def leave_incident(
    complaint_id: int, *, reason: str, by: User, version: int | None = None, at: datetime | None = None
) -> Complaint:
    """Take a case out of its incident."""
    at = core.moment(at)
    complaint = core.begin(complaint_id, "leave_incident", by=by, version=version)
    core.require("reason", reason)
    if complaint.incident_id is None:
        raise InvalidInput("incident", _("The case is in no incident."))
    reference = f"incident:{complaint.incident_id}"
    complaint.incident = None
    complaint.save(update_fields=["incident"])
    core.finish(complaint, "leave_incident", by=by, at=at, fields=["incident"], note=reason, reference=reference)
    return complaint


@transaction.atomic
def close_incident(incident_id: int, *, by: User, summary: str, at: datetime | None = None) -> Incident:
    """Nothing more is added; the cases go on each by itself.

    A declared response ends first: the service is back and the closing notice released (INC-06, INC-12).
    """
    at = core.moment(at)
    if not by.has_perm("complaints.merge_complaints"):
        raise NotAllowed(_("Your role does not allow this."))
    core.require("summary", summary, _("Say how it ended."))
    incident = Incident.objects.select_for_update().get(pk=incident_id)
    if incident.closed_at is not None:
        raise InvalidInput("incident", _("This incident is closed."))
    response = IncidentResponse.objects.select_for_update().filter(pk=incident_id).first()
    if response is not None:
        if response.recovered_at is None:
            raise InvalidInput("incident", _("Record first when the service was back."))
        notices_out = Bulletin.objects.filter(incident=incident, state=BulletinState.RELEASED)
        if not notices_out.filter(kind=BulletinKind.CLOSING).exists():
            raise InvalidInput("incident", _("Release the closing notice first."))
    incident.summary, incident.closed_at, incident.closed_by = summary, at, by
    incident.save(update_fields=["summary", "closed_at", "closed_by"])
    return incident
