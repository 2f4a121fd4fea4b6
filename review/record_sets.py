"""The five kinds of records of the first handling, assembled from the case (REV-33…38), and its log (REV-17).

Each set lists what there is and says of itself what is missing where the system knows why: a file the virus check
still holds, a party that did not answer, a case that came by an import. Names of files and of the complainant stay
out; files go by number and kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from complaints import identity, risk_timeline, timeline
from complaints.models import CaseEvent, Complaint, Extension
from complaints.states import Audience, ContactOutcome
from review.models import ReviewCase
from review.states import MaterialKind

PAST_YEAR = timedelta(days=365)
MOST_ROWS = 300


@dataclass(frozen=True)
class Row:
    """One record: when, what it is, what it says, and a mark such as "No answer" (`is_bad`: worth a look)."""

    at: datetime
    what: str
    text: str = ""
    mark: str = ""
    is_bad: bool = False


@dataclass
class RecordSet:
    """One kind of records in the order of time; `gaps` are the missing ones with the reason the system knows."""

    kind: MaterialKind
    rows: list[Row] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)


def assemble(complaint: Complaint) -> list[RecordSet]:
    """The five sets. A fixed number of queries, however long the case is."""
    sets = [_complainant(complaint), _handler(complaint), _related(complaint), _log(complaint), _history(complaint)]
    for found in sets:
        found.rows.sort(key=lambda row: row.at)
    return sets


def known_reasons(complaint: Complaint) -> dict[MaterialKind, str]:
    """The reasons of missing records that the system knows by itself, for the checklist (REV-38)."""
    found = {
        one.kind: " ".join(one.gaps) for one in (_complainant(complaint), _handler(complaint), _related(complaint))
    }
    return {kind: text[:300] for kind, text in found.items() if text}


def _complainant(complaint: Complaint) -> RecordSet:
    """Set 1: what the complainant wrote and gave (REV-33)."""
    found = RecordSet(MaterialKind.COMPLAINANT)
    found.rows.append(Row(complaint.received_at, _("The complaint"), complaint.narrative))
    for number, row in enumerate(complaint.attachments.select_related("file"), 1):
        if not row.from_complainant:
            continue
        name = _("File %(number)s (%(ending)s)") % {"number": number, "ending": row.extension}
        held = row.file.is_quarantined
        found.rows.append(Row(row.at, name, mark=str(row.file.get_scan_state_display()) if held else "", is_bad=held))
        if held:
            found.gaps.append(
                _("%(file)s cannot be opened: %(reason)s.")
                % {"file": name, "reason": row.file.get_scan_state_display()}
            )
    for question in complaint.questions.all():
        found.rows.append(Row(question.at, str(question.get_kind_display()), question.text))
    for asked in complaint.supplement_requests.exclude(answered_at=None):
        assert asked.answered_at is not None
        found.rows.append(Row(asked.answered_at, _("Information supplied"), asked.answer))
    return found


def _handler(complaint: Complaint) -> RecordSet:
    """Set 2: contacts, failed ones included, replies, and the internal approvals (REV-34)."""
    found = RecordSet(MaterialKind.HANDLER)
    for contact in complaint.communications.all():
        failed = contact.outcome != ContactOutcome.REACHED
        what = f"{contact.get_purpose_display()} · {contact.get_channel_display()}"
        found.rows.append(Row(contact.at, what, contact.summary, str(contact.get_outcome_display()), failed))
    for reply in complaint.replies.all():
        text = f"{reply.process}\n{reply.result}"
        found.rows.append(Row(reply.sent_at or reply.drafted_at, _("Reply"), text, str(reply.get_state_display())))
    for check in complaint.quality_checks.all():
        mark = _("passed") if check.passed else _("not passed")
        found.rows.append(Row(check.at, str(check.get_stage_display()), check.comment, mark, not check.passed))
    for step in complaint.investigation_steps.exclude(kind="statement"):
        found.rows.append(Row(step.at, str(step.get_kind_display()), step.summary))
    for pause in complaint.pauses.all():
        what = _("Clock stopped: %(reason)s") % {"reason": pause.get_reason_display()}
        found.rows.append(Row(pause.requested_at, what, pause.evidence, str(pause.get_state_display())))
    for longer in Extension.objects.filter(deadline__complaint=complaint):
        state = str(longer.get_state_display())
        found.rows.append(Row(longer.requested_at, _("Longer limit"), longer.reason, state))
    for remedy in complaint.remedies.all():
        what = _("Remedy: %(kind)s") % {"kind": remedy.get_kind_display()}
        state = str(remedy.get_state_display())
        found.rows.append(Row(remedy.approved_at or remedy.proposed_at, what, remedy.description, state))
    for note in complaint.notes.filter(audience=Audience.CASE):
        found.rows.append(Row(note.at, _("Note"), note.text))
    if complaint.import_batch_id and not any(row.direction == "out" for row in complaint.communications.all()):
        found.gaps.append(_("The case came by an import that held no contacts with the complainant."))
    if complaint.merged_into:
        found.gaps.append(
            _("The case was handled in %(number)s, into which it is merged.") % {"number": complaint.merged_into.number}
        )
    return found


def _related(complaint: Complaint) -> RecordSet:
    """Set 3: what parties outside and supporting departments stated (REV-35)."""
    found = RecordSet(MaterialKind.RELATED)
    for row in complaint.party_statements.all():
        what = f"{row.get_kind_display()}: {row.party}"
        if row.received_at is not None:
            found.rows.append(Row(row.received_at, what, row.answer))
            continue
        if row.waived_reason:
            reason = _("%(party)s: done without: %(reason)s") % {"party": row.party, "reason": row.waived_reason}
        else:
            reason = _("%(party)s was asked on %(asked)s and has not answered.") % {
                "party": row.party,
                "asked": f"{timezone.localtime(row.asked_at):%Y-%m-%d}",
            }
        found.gaps.append(reason)
    for step in complaint.investigation_steps.filter(kind="statement"):
        found.rows.append(Row(step.at, str(step.get_kind_display()), step.summary))
    for task in complaint.assignments.filter(role="supporting").select_related("department"):
        if task.result:
            found.rows.append(Row(task.ended_at or task.assigned_at, task.department.name, task.result))
    return found


def _log(complaint: Complaint) -> RecordSet:
    """Set 4: the changes of state with their times (REV-36)."""
    rows = complaint.events.filter(audience=Audience.CASE).exclude(to_status="").order_by("sequence")[:MOST_ROWS]
    return RecordSet(
        MaterialKind.SYSTEM_LOG,
        [Row(event.at, str(timeline.title_of(event)), mark=str(event.get_to_status_display())) for event in rows],
    )


def _history(complaint: Complaint) -> RecordSet:
    """Set 5: the person's complaints of the past year (REV-37)."""
    earlier = identity.earlier_complaints(complaint, at=complaint.received_at, days=PAST_YEAR.days)
    rows = earlier.order_by("-received_at")[:MOST_ROWS]
    return RecordSet(
        MaterialKind.HISTORY,
        [Row(case.received_at, case.number, case.subject, str(case.get_status_display())) for case in rows],
    )


# --- The log of the case as a file (REV-17) -------------------------------------------------------------
LOG_COLUMNS = (
    "complaint", "sequence", "at", "actor", "kind", "title", "from_status", "to_status", "fields", "note",
    "reference", "hash",
)  # fmt: skip


def log_rows(review: ReviewCase) -> Iterator[dict[str, Any]]:
    """Every operation logged under the number of the case that the review group may read, in order.

    Not among them: what only the office reads, and interim measures, of which nobody outside learns (RISK-24).
    """
    number = review.complaint.number
    rows = (
        CaseEvent.objects.filter(complaint=review.complaint_id, audience__in=[Audience.CASE, Audience.REVIEW])
        .exclude(kind__in=risk_timeline.SECRET)
        .select_related("actor")
        .order_by("sequence")
    )
    for event in rows.iterator(chunk_size=500):
        yield {
            "complaint": number,
            "sequence": event.sequence,
            "at": timezone.localtime(event.at).isoformat(timespec="seconds"),
            "actor": event.actor.staff_number if event.actor else "",
            "kind": event.kind,
            "title": str(timeline.title_of(event)),
            "from_status": event.from_status,
            "to_status": event.to_status,
            "fields": event.fields,
            "note": event.note,
            "reference": event.reference,
            "hash": event.hash,
        }
