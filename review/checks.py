"""Talks with the complainant, visits on site, and the record held against the evidence (REV-15, REV-40, REV-41).

The case may say "satisfied" while the recording of the call says otherwise. So no report is submitted before somebody
held the recorded outcome against the evidence and wrote down what follows where the two differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from accounts.models import User
from complaints.models import Attachment, Complaint, Contact, StoredFile
from complaints.states import Channel, EvidenceKind
from review import side
from review.models import FieldCheck, OutcomeCheck, ReviewCase
from review.states import CheckPlace, ReviewStatus

CHECKING = (ReviewStatus.RETRIEVAL, ReviewStatus.VERIFICATION)
WHERE, TEXT = 200, 5000
# There is nothing to hold the record against: that in itself is a difference.
NO_EVIDENCE = "none"


@transaction.atomic
def record_visit(
    review_id: int,
    *,
    place: str,
    where: str,
    found: str,
    done_at: datetime,
    reached: bool = True,
    present: str = "",
    file: StoredFile | None = None,
    name: str = "",
    by: User,
    version: int | None = None,
    at: datetime | None = None,
) -> FieldCheck:
    """Record a talk with the complainant, also one that failed, or a visit on site, with its evidence (REV-41).

    Raises NotAllowed, StaleVersion, IllegalTransition, InvalidInput by field.
    """
    at = at or timezone.now()
    review, complaint = side.begin(review_id, "field_check", by=by, version=version, statuses=CHECKING, at=at)
    if place not in CheckPlace.values:
        raise InvalidInput("place", _("Choose one of the values."))
    if done_at is None or done_at > at:
        raise InvalidInput("done_at", _("This time lies in the future; record it afterwards."))
    if len(present) > WHERE:
        raise InvalidInput("present", _("Please shorten this to %(limit)s characters."), limit=WHERE)
    row = FieldCheck(
        review=review,
        place=place,
        where=side.text("where", where, limit=WHERE),
        present=present.strip(),
        found=side.text("found", found, limit=TEXT),
        reached=reached,
        done_at=done_at,
        at=at,
        by=by,
    )
    if file is not None:
        row.evidence = Attachment.objects.create(
            complaint=complaint,
            file=file,
            name=name,
            evidence_kind=EvidenceKind.OTHER,
            from_complainant=False,
            at=at,
            by=by,
        )
    row.save()
    side.finish(review, complaint, "field_check", by=by, at=at, note=place)
    return row


# --- The recorded outcome and the evidence --------------------------------------------------------------
@dataclass(frozen=True)
class Source:
    """A piece of primary evidence: its code as stored, how it is called, and its file where it can be opened here."""

    code: str
    label: str
    file: int | None = None


def _reference_words(row: Contact) -> str:
    return str(_("Registered letter: %(reference)s") if row.channel == Channel.LETTER else _("Recording %(reference)s"))


def sources(review: ReviewCase) -> list[Source]:
    """The primary evidence of the case: recordings, files, what departments delivered, what the review saw itself.

    Names of files may tell who complained, so files go by number and kind.
    """
    case = review.complaint
    found = [
        Source(f"contact:{row.pk}", _reference_words(row) % {"reference": row.recording_reference})
        for row in case.communications.exclude(recording_reference="")
    ]
    opened = files_of(review)
    for number, row in enumerate(case.attachments.all(), 1):
        label = str(_("File %(number)s (%(ending)s, %(kind)s)")) % {
            "number": number,
            "ending": row.extension,
            "kind": row.get_evidence_kind_display(),
        }
        found.append(Source(f"file:{row.pk}", label, row.pk if row.pk in opened else None))
    for visit in review.field_checks.all():
        label = str(_("%(place)s of %(day)s")) % {
            "place": visit.get_place_display(),
            "day": f"{timezone.localtime(visit.done_at):%Y-%m-%d}",
        }
        found.append(Source(f"visit:{visit.pk}", label))
    return found


def files_of(review: ReviewCase) -> set[int]:
    """The files the review collected itself; its members open these and no originals of the case (matrix, orig)."""
    delivered = review.material_requests.values_list("files", flat=True)
    seen = review.field_checks.values_list("evidence", flat=True)
    return {pk for pk in (*delivered, *seen) if pk}


@transaction.atomic
def check_outcome(
    review_id: int,
    *,
    recorded: str,
    source: str,
    evidence: str,
    agrees: bool,
    explanation: str = "",
    by: User,
    version: int | None = None,
    at: datetime | None = None,
) -> OutcomeCheck:
    """Hold what the record says against a piece of primary evidence (REV-40).

    Where they differ, or there is no evidence at all, it says what follows. Raises NotAllowed, StaleVersion,
    IllegalTransition, InvalidInput by field.
    """
    at = at or timezone.now()
    review, complaint = side.begin(review_id, "outcome_check", by=by, version=version, statuses=CHECKING, at=at)
    known = {item.code: item.label for item in sources(review)} | {NO_EVIDENCE: str(_("There is no primary evidence"))}
    if source not in known:
        raise InvalidInput("source", _("Choose a piece of evidence of this case."))
    if agrees is None:
        raise InvalidInput("agrees", _("Answer this question."))
    if agrees and source == NO_EVIDENCE:
        raise InvalidInput("agrees", _("Without evidence nothing can agree with the record."))
    if not agrees or explanation.strip():
        explanation = side.text("explanation", explanation, limit=TEXT, message=_("Say what follows from it."))
    row = OutcomeCheck.objects.create(
        review=review,
        recorded=side.text("recorded", recorded, limit=TEXT),
        # The first line names the piece of evidence, with its code in brackets; the rest is what it says.
        evidence=f"{known[source]} [{source}]\n{side.text('evidence', evidence, limit=TEXT)}",
        agrees=agrees,
        explanation=explanation.strip(),
        at=at,
        by=by,
    )
    side.finish(review, complaint, "outcome_check", by=by, at=at)
    return row


@dataclass(frozen=True)
class Checked:
    """A check for the page: the row, the piece of evidence it names, and what that says."""

    row: OutcomeCheck
    source: Source | None
    said: str


def checked(review: ReviewCase, known: list[Source]) -> list[Checked]:
    """The checks of a review in order, with their evidence."""
    by_code = {item.code: item for item in known}
    found = []
    for row in review.outcome_checks.select_related("by"):
        first, _newline, said = row.evidence.partition("\n")
        code = first.rpartition("[")[2].rstrip("]")
        found.append(Checked(row, by_code.get(code), said))
    return found


def recorded_outcome(complaint: Complaint) -> str:
    """What the record of the case says came out of it, to begin the check with."""
    last = complaint.callbacks.order_by("-at", "-pk").first()
    parts = [str(complaint.get_status_display())]
    if last is not None and last.satisfaction:
        parts.append(str(last.get_satisfaction_display()))
    parts += [
        _("%(name)s: %(text)s") % {"name": row.text, "text": row.get_finding_display()}
        for row in complaint.allegations.exclude(finding="")
    ]
    return "\n".join(parts)


def missing_for_report(review: ReviewCase) -> str:
    """Why no report can be submitted yet, or '' (REV-40)."""
    if review.outcome_checks.exists():
        return ""
    return str(
        _("Hold the recorded outcome against the primary evidence first; the report cannot be submitted without it.")
    )
