"""The file a review rests on: the five kinds of records, its hash, and who has opined on it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from complaints import identity
from complaints.models import Complaint
from review.models import Material, ReviewCase
from review.states import MaterialKind


@dataclass(frozen=True)
class Collected:
    """What was found of one kind: how many, how many there should be, and the hash of the list."""

    kind: MaterialKind
    count: int
    expected: int
    content_hash: str


def collect(complaint: Complaint) -> list[Collected]:
    """Assemble the five kinds of records from the case (REV-33…38).

    Expected counts: at least the complainant's own text, one communication, the statements that were
    asked for, the log, and the look into the past year.
    """
    attachments = complaint.attachments.filter(from_complainant=True)
    handler = [
        *(f"contact:{row.pk}" for row in complaint.communications.all()),
        *(f"reply:{row.pk}" for row in complaint.replies.all()),
        *(f"check:{row.pk}" for row in complaint.quality_checks.all()),
        *(f"note:{row.pk}" for row in complaint.notes.all()),
    ]
    outgoing = complaint.communications.filter(direction="out").count()
    statements = [f"step:{row.pk}" for row in complaint.investigation_steps.filter(kind="statement")]
    wanted = complaint.assignments.filter(role="supporting").count()
    log = list(complaint.events.filter(audience="case").order_by("sequence").values_list("hash", flat=True))
    history = list(
        identity.earlier_complaints(complaint, at=complaint.received_at, days=365).values_list("number", flat=True)
    )
    mine = ["narrative", *(f"file:{row.file_id}" for row in attachments)]
    return [
        _collected(MaterialKind.COMPLAINANT, mine, 1),
        _collected(MaterialKind.HANDLER, handler, len(handler) if outgoing else len(handler) + 1),
        _collected(MaterialKind.RELATED, statements, max(wanted, len(statements))),
        _collected(MaterialKind.SYSTEM_LOG, log, 1),
        _collected(MaterialKind.HISTORY, history, len(history)),
    ]


def _collected(kind: MaterialKind, items: list[str], expected: int) -> Collected:
    digest = hashlib.sha256(json.dumps(sorted(items)).encode()).hexdigest()
    return Collected(kind, len(items), expected, digest)


def gaps(review: ReviewCase) -> list[Material]:
    """Kinds that are incomplete and not yet explained."""
    return [row for row in review.materials.all() if row.count < row.expected and not row.missing_reason]


def dossier_hash(review: ReviewCase) -> str:
    """SHA-256 of exactly what is judged: records, findings, report, conclusion, remedy."""
    content = {
        "materials": list(
            review.materials.order_by("kind").values_list("kind", "count", "expected", "missing_reason", "content_hash")
        ),
        "findings": list(review.findings.order_by("pk").values_list("subject", "original", "found", "comparison")),
        "report": review.report,
        "conclusion": review.conclusion,
        "remedy": review.remedy,
        "systemic_cause": review.systemic_cause,
        "acceptable": review.acceptable_to_user,
    }
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def opinions_complete(review: ReviewCase) -> bool:
    """Every member assigned has given an opinion on this very dossier."""
    assigned = set(review.assignments.filter(is_void=False).values_list("reviewer", flat=True))
    given = set(review.opinions.filter(dossier_hash=review.dossier_hash).values_list("reviewer", flat=True))
    return bool(assigned) and assigned <= given
