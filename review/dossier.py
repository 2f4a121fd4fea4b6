"""The file a review rests on: the five kinds of records, its hash, and who has opined on it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace

from django.db.models import QuerySet

from complaints import identity
from complaints.models import Complaint
from complaints.states import Audience
from review import record_sets
from review.models import Material, Opinion, ReviewCase
from review.states import MaterialKind


@dataclass(frozen=True)
class Collected:
    """What was found of one kind: how many, how many there should be, the hash of the list, and why some are missing
    where the system knows it (REV-38)."""

    kind: MaterialKind
    count: int
    expected: int
    content_hash: str
    reason: str = ""


def collect(complaint: Complaint) -> list[Collected]:
    """Assemble the five kinds of records from the case (REV-33…38).

    Expected counts: at least the complainant's own text, one communication, the statements that were
    asked for, the log, and the look into the past year. Approvals, pauses, longer limits and remedies belong to the
    handling side. The counts are those of the sets that the page of the records lists (record_sets.py).
    """
    handler = [
        *(f"contact:{row.pk}" for row in complaint.communications.all()),
        *(f"reply:{row.pk}" for row in complaint.replies.all()),
        *(f"check:{row.pk}" for row in complaint.quality_checks.all()),
        *(f"step:{row.pk}" for row in complaint.investigation_steps.exclude(kind="statement")),
        *(f"note:{row.pk}" for row in complaint.notes.filter(audience=Audience.CASE)),
        *(f"pause:{row.pk}" for row in complaint.pauses.all()),
        *(
            f"extension:{pk}"
            for pk in complaint.deadlines.filter(extensions__isnull=False).values_list("extensions", flat=True)
        ),
        *(f"remedy:{row.pk}" for row in complaint.remedies.all()),
    ]
    outgoing = complaint.communications.filter(direction="out").count()
    statements = [f"step:{row.pk}" for row in complaint.investigation_steps.filter(kind="statement")]
    parties = list(complaint.party_statements.all())
    statements += [f"party:{row.pk}" for row in parties if row.received_at is not None]
    asked = len(statements) + sum(row.received_at is None for row in parties)
    tasks = complaint.assignments.filter(role="supporting")
    supporting = tasks.count()
    # What a department beside the lead wrote at the end of its task is one record more; it stands for no statement.
    results = [f"task:{pk}" for pk in tasks.exclude(result="").values_list("pk", flat=True)]
    files = list(complaint.attachments.filter(from_complainant=True).select_related("file"))
    held = sum(row.file.is_quarantined for row in files)
    events = complaint.events.filter(audience=Audience.CASE).order_by("sequence")
    log = list(events.values_list("hash", flat=True))
    changes = events.exclude(to_status="").count()
    history = list(
        identity.earlier_complaints(complaint, at=complaint.received_at, days=365).values_list("number", flat=True)
    )
    mine = [
        "narrative",
        *(f"file:{row.file_id}" for row in files if not row.file.is_quarantined),
        *(f"question:{row.pk}" for row in complaint.questions.all()),
        *(f"supplement:{row.pk}" for row in complaint.supplement_requests.exclude(answered_at=None)),
    ]
    reasons = record_sets.known_reasons(complaint)
    if supporting > len(statements):
        # Why a department beside the lead wrote no statement is for the reviewer to find out.
        reasons.pop(MaterialKind.RELATED, None)
    found = [
        _collected(MaterialKind.COMPLAINANT, mine, len(mine) + held),
        _collected(MaterialKind.HANDLER, handler, len(handler) if outgoing else len(handler) + 1),
        _collected(MaterialKind.RELATED, statements + results, max(supporting, asked) + len(results)),
        # Counted are the changes of state, as the page lists them; the hash binds the whole log.
        replace(_collected(MaterialKind.SYSTEM_LOG, log, 1), count=changes),
        _collected(MaterialKind.HISTORY, history, len(history)),
    ]
    return [replace(row, reason=reasons.get(row.kind, "")) if row.count < row.expected else row for row in found]


def _collected(kind: MaterialKind, items: list[str], expected: int) -> Collected:
    digest = hashlib.sha256(json.dumps(sorted(items)).encode()).hexdigest()
    return Collected(kind, len(items), expected, digest)


def gaps(review: ReviewCase) -> list[Material]:
    """Kinds that are incomplete and not yet explained."""
    return [row for row in review.materials.all() if row.count < row.expected and not row.missing_reason]


def dossier_hash(review: ReviewCase) -> str:
    """SHA-256 of exactly what is judged: records, what departments delivered, findings, report, conclusion, remedy."""
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
    # Left out while there are none, so that a hash made before they were kept still holds.
    checks = list(review.outcome_checks.values_list("recorded", "evidence", "agrees", "explanation"))
    visits = list(
        review.field_checks.order_by("pk").values_list("place", "where", "found", "reached", "evidence__file")
    )
    delivered = list(
        review.material_requests.filter(delivered_at__isnull=False)
        .order_by("pk", "files__file")
        .values_list("pk", "answer", "files__file")
    )
    content |= ({"outcome_checks": checks} if checks else {}) | ({"field_checks": visits} if visits else {})
    content |= {"delivered": delivered} if delivered else {}
    written = review.report_revisions.first()
    content |= {"written": {"revision": written.revision, **written.sections}} if written else {}
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def counted_opinions(review: ReviewCase) -> QuerySet[Opinion]:
    """The opinions on this very dossier of those who are assigned still: a conflict takes them out (RI-04)."""
    standing = review.assignments.filter(is_void=False).values("reviewer")
    return review.opinions.filter(dossier_hash=review.dossier_hash, reviewer__in=standing)


def opinions_complete(review: ReviewCase) -> bool:
    """Every member assigned has given an opinion on this very dossier."""
    assigned = set(review.assignments.filter(is_void=False).values_list("reviewer", flat=True))
    given = set(counted_opinions(review).values_list("reviewer", flat=True))
    return bool(assigned) and assigned <= given
