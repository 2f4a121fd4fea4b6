"""The file of a case: what belongs in it, what lacks, and its index with a hash of each item (ARC-01…05, ARC-12).

The index is written in Chinese whatever language the person who archives reads, and it names people by unit and
staff number. It holds no contact data: hashes cover the records of the case, not what is kept encrypted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.db import models, transaction
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.crypto import EncryptedTextField
from accounts.errors import InvalidInput
from accounts.models import Department, DepartmentKind, Membership, User
from complaints import call_backs, numbers, retention
from complaints.models import Attachment, CaseFile, Complaint, Extension, RetentionClass
from complaints.states import EvidenceKind, NoticeKind, Status

# Cases archived without a file that one run of the job takes up.
FILED_PER_RUN = 2000

Content = dict[str, Any]
canonical = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


@dataclass(frozen=True)
class Piece:
    """One item of the file. `row` holds its content; an attachment stands for its stored bytes (`sha256`)."""

    kind: str
    title: str
    at: datetime
    row: models.Model
    by: User | None = None
    from_complainant: bool = False
    sha256: str = ""


# Kind of item → its name on pages. The apps above add theirs in `AppConfig.ready()`.
KINDS: dict[str, Promise | str] = {
    "registration": _("Registration form"),
    "attachment": _("Material"),
    "notice": _("Notice to the complainant"),
    "contact": _("Communication"),
    "external": _("Record of another system"),
    "question": _("Question of the complainant"),
    "request": _("Request for information"),
    "assignment": _("Assignment order"),
    "step": _("Investigation record"),
    "statement": _("Statement of a third party"),
    "meeting": _("Meeting"),
    "task": _("Task"),
    "promise": _("Promise to the complainant"),
    "need": _("Individual need and what was found for it"),
    "finding": _("Finding on a point"),
    "responsibility": _("Finding on responsibility"),
    "note": _("Internal note"),
    "reply": _("Reply"),
    "check": _("Check of the reply"),
    "callback": _("Call-back and satisfaction"),
    "follow_up": _("Later call"),
    "proposal": _("Proposal of the complainant"),
    "explanation": _("Explanation of the cause"),
    "remedy": _("Remedy"),
    "improvement": _("Improvement"),
    "pause": _("Pause of the clock"),
    "extension": _("Extension"),
    "reset": _("New start of the clock"),
    "owed": _("Material the complainant still owes"),
    "key_change": _("Correction of key data"),
    "unreasonable": _("Decision whether it is unreasonable"),
    "risk_meeting": _("Risk meeting"),
    "media_plan": _("Media plan"),
    "settlement": _("Step towards a settlement"),
    "lawsuit": _("Lawsuit"),
    "hold": _("Legal hold"),
}
_RISK = {"risk_meeting", "media_plan", "settlement", "lawsuit", "hold"}


@dataclass(frozen=True)
class _Table:
    """Where the items of a kind are, which columns say when and by whom, and what the title is made of."""

    kind: str
    relation: str
    at: str
    by: str
    title: Callable[[Any], Iterable[Any]]
    # A row nobody of the staff wrote came from the complainant.
    may_be_own: bool = False


_TABLES = (
    _Table("notice", "notices", "issued_at", "issued_by", lambda row: (row.get_kind_display(),)),
    _Table(
        "contact",
        "communications",
        "at",
        "by",
        lambda row: (
            row.get_direction_display(),
            row.get_channel_display(),
            row.get_purpose_display(),
            row.get_outcome_display(),
        ),
        may_be_own=True,
    ),
    # Evidence by reference: system, kind, key and time stand in the title, who attached it in the signature (CASE-09).
    _Table(
        "external",
        "external_records",
        "at",
        "by",
        lambda row: (
            row.system.name,
            row.system.get_kind_display(),
            row.reference,
            row.what,
            f"{timezone.localtime(row.occurred_at):%Y-%m-%d %H:%M}" if row.occurred_at else "",
            f"SHA-256 {row.sha256}" if row.sha256 else "",
        ),
    ),
    _Table("question", "questions", "at", "recorded_by", lambda row: (row.get_kind_display(),), may_be_own=True),
    _Table("request", "supplement_requests", "asked_at", "asked_by", lambda row: (row.get_state_display(),)),
    _Table(
        "assignment",
        "assignments",
        "assigned_at",
        "assigned_by",
        lambda row: (row.get_role_display(), row.department.name),
    ),
    _Table("step", "investigation_steps", "at", "by", lambda row: (row.get_kind_display(),)),
    _Table("statement", "party_statements", "asked_at", "asked_by", lambda row: (row.get_kind_display(), row.party)),
    _Table("meeting", "meetings", "called_at", "called_by", lambda row: (row.get_kind_display(), row.title)),
    _Table("task", "tasks", "created_at", "created_by", lambda row: (row.get_kind_display(), row.department.name)),
    _Table("promise", "promises", "made_at", "made_by", lambda row: ()),
    _Table("need", "special_needs", "recorded_at", "recorded_by", lambda row: (row.get_outcome_display(),)),
    _Table("finding", "allegations", "found_at", "found_by", lambda row: (row.order, row.get_finding_display())),
    _Table("responsibility", "responsibilities", "at", "by", lambda row: (row.department.name, row.post)),
    _Table("note", "notes", "at", "by", lambda row: (row.get_audience_display(),)),
    _Table(
        "reply",
        "replies",
        "drafted_at",
        "drafted_by",
        lambda row: (gettext("round %(n)s") % {"n": row.round}, row.get_state_display()),
    ),
    _Table(
        "check",
        "quality_checks",
        "at",
        "by",
        lambda row: (row.get_stage_display(), gettext("passed") if row.passed else gettext("given back")),
    ),
    _Table("callback", "callbacks", "at", "by", lambda row: (row.get_satisfaction_display(),), may_be_own=True),
    _Table("follow_up", "follow_ups", "planned_at", "planned_by", lambda row: (row.get_kind_display(),)),
    _Table("proposal", "proposals", "at", "recorded_by", lambda row: (row.get_about_display(),), may_be_own=True),
    _Table("explanation", "explanations", "at", "by", lambda row: ()),
    _Table("remedy", "remedies", "proposed_at", "proposed_by", lambda row: (row.get_kind_display(),)),
    _Table("improvement", "improvements", "created_at", "created_by", lambda row: (row.department.name,)),
    _Table(
        "pause",
        "pauses",
        "requested_at",
        "requested_by",
        lambda row: (row.get_reason_display(), row.get_state_display()),
    ),
    _Table("reset", "clock_resets", "requested_at", "requested_by", lambda row: (row.get_state_display(),)),
    _Table("owed", "outstanding_items", "asked_at", "asked_by", lambda row: ()),
    _Table(
        "key_change",
        "key_changes",
        "requested_at",
        "requested_by",
        lambda row: (row.get_field_display(), row.get_state_display()),
    ),
    _Table("unreasonable", "unreasonable_labels", "proposed_at", "proposed_by", lambda row: ()),
    _Table("risk_meeting", "risk_meetings", "at", "by", lambda row: ()),
    _Table("media_plan", "media_plans", "at", "by", lambda row: ()),
    _Table("settlement", "settlement_steps", "at", "by", lambda row: (row.get_kind_display(),)),
    _Table("lawsuit", "lawsuits", "at", "by", lambda row: (row.court, row.docket)),
    _Table("hold", "holds", "placed_at", "placed_by", lambda row: ()),
)
# What the registration form says; what changes later stands in the other items.
_REGISTRATION = (
    "number",
    "channel",
    "channel_reference",
    "referring_body",
    "received_at",
    "registered_at",
    "registered_by_id",
    "subject",
    "narrative",
    "demand",
    "true_need",
    "consequential_loss",
    "product",
    "batch",
    "business_step",
    "place",
    "outlet",
    "occurred_on",
    "persons_affected",
    "amount",
)

Contributor = Callable[[Complaint], Iterable[Piece]]
_contributors: list[Contributor] = []


def register_contributor(function: Contributor) -> Contributor:
    """An app above adds its items to the files of cases (ARC-03)."""
    _contributors.append(function)
    return function


# --- The index ----------------------------------------------------------------------------------
def pieces(complaint: Complaint) -> list[Piece]:
    """Everything that belongs in the file, the registration first, then in the order of time (ARC-03, ARC-05).

    Titles are in the active language.
    """
    first = Piece(
        "registration",
        str(complaint.get_channel_display()),
        complaint.registered_at,
        complaint,
        complaint.registered_by,
        from_complainant=complaint.registered_by_id is None,
    )
    found = [_material(row) for row in complaint.attachments.select_related("file", "by")]
    for table in _TABLES:
        shown = [table.by]
        if any(field.name == "department" for field in getattr(complaint, table.relation).model._meta.fields):
            shown.append("department")
        if table.kind == "external":
            shown.append("system")
        found += [
            _piece(table, row, complaint) for row in getattr(complaint, table.relation).select_related(*shown).all()
        ]
    extensions = Extension.objects.filter(deadline__complaint=complaint).select_related("deadline", "requested_by")
    found += [
        Piece(
            "extension",
            _joined(row.deadline.get_milestone_display(), row.get_state_display()),
            row.requested_at,
            row,
            row.requested_by,
        )
        for row in extensions
    ]
    for contributor in _contributors:
        found += contributor(complaint)
    order = list(KINDS)
    return [first, *sorted(found, key=lambda piece: (piece.at, order.index(piece.kind), piece.row.pk))]


def _material(row: Attachment) -> Piece:
    # The name of a file may tell who complained; the index says what it is and where it comes from (ARC-07).
    title = _joined(row.get_evidence_kind_display(), row.extension, row.source)
    return Piece(
        "attachment", title, row.at, row, row.by, from_complainant=row.from_complainant, sha256=row.file.sha256
    )


def _piece(table: _Table, row: Any, complaint: Complaint) -> Piece:
    by = getattr(row, table.by)
    at = getattr(row, table.at) or complaint.registered_at
    return Piece(table.kind, _joined(*table.title(row)), at, row, by, from_complainant=table.may_be_own and by is None)


def _joined(*parts: Any) -> str:
    return gettext(" · ").join(str(part) for part in parts if part)


def content(piece: Piece) -> Content:
    """The record as plain values: every column that says something, nothing that is kept encrypted.

    Empty columns are left out, so a column that a later release adds does not change the hash of what is filed.
    """
    if piece.kind == "registration":
        names = list(_REGISTRATION)
    else:
        fields = piece.row._meta.concrete_fields
        names = [field.attname for field in fields if not isinstance(field, EncryptedTextField)]
    values = {name: _plain(getattr(piece.row, name)) for name in names}
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def record_bytes(piece: Piece) -> bytes:
    """The record as it stands in a dossier and under its hash."""
    return canonical(content(piece)).encode()


def build_index(complaint: Complaint, found: Iterable[Piece] | None = None) -> list[Content]:
    """The entries {no, kind, title, date, by, sha256, source} of the file, as it would be filed now (ARC-01…03)."""
    with translation.override("zh-hans"):
        listed = list(found) if found is not None else pieces(complaint)
        units = _units(listed)
        return [
            {
                "no": number,
                "kind": piece.kind,
                "title": piece.title,
                "date": piece.at.astimezone(UTC).isoformat(timespec="seconds"),
                "by": signature(piece, units),
                "sha256": piece.sha256 or hashlib.sha256(record_bytes(piece)).hexdigest(),
                "source": f"{piece.row._meta.label_lower}:{piece.row.pk}",
            }
            for number, piece in enumerate(listed, start=1)
        ]


def _units(found: Iterable[Piece]) -> dict[int, list[Membership]]:
    people = {piece.by.pk for piece in found if piece.by is not None}
    rows: dict[int, list[Membership]] = {}
    for row in Membership.objects.filter(user__in=people).select_related("department").order_by("since", "pk"):
        rows.setdefault(row.user_id, []).append(row)
    return rows


def signature(piece: Piece, units: dict[int, list[Membership]]) -> str:
    """Whose act it was: unit at that time and staff number, the complainant, or the system."""
    if piece.by is None:
        return gettext("Complainant") if piece.from_complainant else gettext("System")
    held = next(
        (
            row.department.name
            for row in units.get(piece.by.pk, [])
            if row.since <= piece.at and (row.until is None or piece.at < row.until)
        ),
        "",
    )
    return f"{held} {piece.by.staff_number}".strip()


def index_hash(index: list[Content]) -> str:
    """SHA-256 of an index as canonical JSON."""
    return hashlib.sha256(canonical(index).encode()).hexdigest()


def readable(index: Iterable[Content], user: User) -> list[Content]:
    """The entries of an index that this person may read: notes and risk stay with who works on them (S17)."""
    hidden: set[str] = set() if user.has_perm("complaints.view_notes") else {"note"}
    if not (user.has_perm("complaints.view_all") or user.has_perm("complaints.manage_risk")):
        hidden |= _RISK
    return [entry for entry in index if entry["kind"] not in hidden]


# --- What has to be in it -----------------------------------------------------------------------
# Proof that a valid complaint of these kinds needs (ARC-12): category or legal type → kind of evidence.
PROOF = {"water-quality": EvidenceKind.TEST_REPORT, "product-safety": EvidenceKind.TEST_REPORT}
MANDATORY: dict[str, Promise | str] = {
    "registration": _("the registration with what happened"),
    "decision": _("the decision on acceptance"),
    "investigation": _("a record of the investigation"),
    "test_report": _("a test report"),
    "reply": _("the reply that was sent"),
    "callback": _("the call-back, or three attempts in vain"),
}


def missing(complaint: Complaint) -> list[str]:
    """The codes of the mandatory documents the file lacks, in the order of MANDATORY (ARC-12).

    Reads the relations of a loaded case without asking again.
    """
    ended_early = not any(reply.sent_at for reply in complaint.replies.all()) and (
        complaint.status in (Status.NOT_ACCEPTED, Status.WITHDRAWN)
    )
    lacks = {
        "registration": not complaint.narrative.strip(),
        "decision": not _has_decision(complaint) and complaint.status != Status.WITHDRAWN,
    }
    if not ended_early:
        types = {row.code for row in (complaint.category, complaint.legal_type) if row is not None}
        proof = {PROOF[code] for code in types if code in PROOF}
        held = {row.evidence_kind for row in complaint.attachments.all()} if proof and complaint.is_valid else set()
        lacks |= {
            "investigation": bool(complaint.is_valid) and not complaint.investigation_steps.all(),
            "test_report": bool(complaint.is_valid) and not proof <= held,
            "reply": not any(reply.sent_at for reply in complaint.replies.all()),
            "callback": not _was_called(complaint),
        }
    return [code for code in MANDATORY if lacks.get(code)]


def _has_decision(complaint: Complaint) -> bool:
    decisions = (NoticeKind.ACCEPTANCE, NoticeKind.NON_ACCEPTANCE)
    return complaint.accepted_at is not None or any(row.kind in decisions for row in complaint.notices.all())


def _was_called(complaint: Complaint) -> bool:
    return bool(call_backs.answers(complaint)) or call_backs.is_out_of_reach(complaint)


def explained(complaint: Complaint, explanation: str) -> list[Content]:
    """What lacks as [{code, reason}]. Raises InvalidInput when something does and nobody says why (ARC-12)."""
    lacks = missing(complaint)
    if lacks and not explanation.strip():
        names = gettext(", ").join(str(MANDATORY[code]) for code in lacks)
        raise InvalidInput("explanation", _("The file lacks %(names)s. Add it, or say why it is missing."), names=names)
    return [{"code": code, "reason": explanation.strip()[:500]} for code in lacks]


# --- The file -----------------------------------------------------------------------------------
def file_case(complaint: Complaint, *, by: User | None, at: datetime, lacks: list[Content]) -> CaseFile:
    """Make the file of a case that is being archived: number, class, index (ARC-01, ARC-02).

    The caller holds the row lock of the case.
    """
    held = RetentionClass.objects.get(code=retention.class_of(complaint))
    index = build_index(complaint)
    department = complaint.lead_department or Department.objects.filter(kind=DepartmentKind.OFFICE).first()
    return CaseFile.objects.create(
        complaint=complaint,
        number=numbers.file_number(department.code if department else "", at=at),
        retention=held,
        filed_at=at,
        filed_by=by,
        keep_until=retention.kept_until(held, timezone.localdate(at)),
        index=index,
        index_hash=index_hash(index),
        missing=lacks,
    )


@transaction.atomic
def ensure_file(complaint_id: int) -> CaseFile | None:
    """The file of an archived case; one that was archived before files were made gets it now. None: not archived."""
    complaint = Complaint.objects.select_for_update(of=("self",)).get(pk=complaint_id)
    known = CaseFile.objects.filter(complaint=complaint).select_related("retention").first()
    if known is not None or complaint.status != Status.ARCHIVED:
        return known
    lacks = [{"code": code, "reason": ""} for code in missing(complaint)]
    return file_case(complaint, by=None, at=complaint.status_since, lacks=lacks)


def file_archived(*, now: datetime | None = None) -> dict[str, int]:
    """Make the files of cases that were archived without one, at most FILED_PER_RUN a run."""
    waiting = Complaint.objects.filter(status=Status.ARCHIVED, archive_file=None).order_by("pk")
    keys = list(waiting.values_list("pk", flat=True)[:FILED_PER_RUN])
    for pk in keys:
        ensure_file(pk)
    return {"filed": len(keys)}
