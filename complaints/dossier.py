"""The case file as one ZIP that a court, a regulator or a reviewer can check without Huiyin (ARC-11).

    index.html       everything to read, in Chinese, in any browser
    index.json       the index; the hash of each entry is the hash of the first document it names
    log.jsonl        every event in order, with what its hash is made of
    documents/       the records, the originals of the attachments, notices and replies as text
    check.py         checks all of it with Python alone
    manifest.json    size and SHA-256 of every other file, number of events and hash of the last one

The dossier holds names and contact data in clear. The same case twice gives the same files; only the time in
the manifest differs.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.errors import DomainError
from complaints import archive, case_records, external, files, timeline
from complaints.models import Attachment, CaseEvent, CaseFile, Complaint, ExternalRecord, Notice, Reply
from complaints.transitions import core

FORMAT = 1
_CHECK = Path(__file__).with_name("dossier_check.py")
# Every entry carries the same moment: the time of writing is no content.
_MOMENT = (1980, 1, 1, 0, 0, 0)
_CHUNK = 1024 * 1024
# What a reader of the dossier sees of the record: everything but interim measures about staff, which only few may
# read (RISK-24); the log names that there were some.
_READER = timeline.Viewer(
    sees_all=True, sees_review=True, reads_notes=True, reads_trail=True, departments=frozenset(), reads_measures=False
)
_STYLE = """body{font:16px/1.7 "Noto Serif CJK SC",SimSun,serif;margin:2rem auto;max-width:60rem;padding:0 1rem}
h1,h2,h3{font-family:"Noto Sans CJK SC","Microsoft YaHei",sans-serif;line-height:1.3}
table{border-collapse:collapse;width:100%}
th,td{border:1px solid;padding:.3rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
dt{font-weight:bold}dd{margin:0 0 .5rem}.text{white-space:pre-wrap;overflow-wrap:anywhere}
code{font-size:.8rem;overflow-wrap:anywhere}
"""


class Damaged(DomainError):
    """The stored content of an attachment is not the one its record names."""

    code = "damaged"


@dataclass(frozen=True)
class Made:
    """What was written: the number of files, and the entries whose document is not included, with the reason."""

    files: int
    left_out: tuple[str, ...] = ()


@dataclass
class _Pack:
    """The ZIP being written, and what the manifest will say of it."""

    target: zipfile.ZipFile
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, name: str, content: bytes) -> None:
        self._store(name, io.BytesIO(content), zipfile.ZIP_DEFLATED)

    def add_original(self, name: str, source: BinaryIO) -> str:
        """Copy the bytes as they are; returns their SHA-256."""
        return self._store(name, source, zipfile.ZIP_STORED)

    def _store(self, name: str, source: BinaryIO, method: int) -> str:
        info = zipfile.ZipInfo(name, _MOMENT)
        info.compress_type, info.external_attr = method, 0o600 << 16
        digest, size = hashlib.sha256(), 0
        with self.target.open(info, "w", force_zip64=True) as out:
            while chunk := source.read(_CHUNK):
                out.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        self.files[name] = {"sha256": digest.hexdigest(), "size": size}
        return digest.hexdigest()


@dataclass
class _Read:
    """The case as it was at one moment."""

    complaint: Complaint
    file: CaseFile | None
    pieces: list[archive.Piece]
    entries: list[dict[str, Any]]
    events: list[CaseEvent]
    contacts: list[tuple[str, str]]
    record: list[timeline.Entry]


def write(complaint_id: int, target: BinaryIO, *, at: datetime | None = None) -> Made:
    """Write the dossier of a case (ARC-11). Whoever calls has checked the right to it and logs the export.

    Raises Damaged when the content of an attachment is not the one its record names.
    """
    with translation.override("zh-hans"):
        case = _read(complaint_id)
        with zipfile.ZipFile(target, "w") as packed:
            return _write(case, _Pack(packed), at=at or timezone.now())


@transaction.atomic
def _read(complaint_id: int) -> _Read:
    """Under the row lock, so that nothing is added while index and log are read."""
    core.lock(complaint_id)
    file = archive.ensure_file(complaint_id)
    named = ("complainant", "policy", "category", "nature", "kind", "legal_type", "lead_department", "handler")
    complaint = Complaint.objects.select_related(*named, "coordinator", "registered_by", "closed_by").get(
        pk=complaint_id
    )
    found = archive.pieces(complaint)
    entries = archive.build_index(complaint, found)
    events = list(complaint.events.select_related("actor").order_by("sequence"))
    person = complaint.complainant
    contacts = [(gettext("Name"), person.name)] if person.name else []
    contacts += [(str(point.get_kind_display()), point.value) for point in person.contacts.all()]
    case_records.load(complaint)
    return _Read(complaint, file, found, entries, events, contacts, timeline.entries(complaint, _READER)[::-1])


def _write(case: _Read, pack: _Pack, *, at: datetime) -> Made:
    left_out = []
    for piece, entry in zip(case.pieces, case.entries, strict=True):
        entry["documents"] = []
        if isinstance(piece.row, Attachment):
            entry["name"] = piece.row.name
            entry["left_out"] = _add_original(pack, piece.row, entry)
            if entry["left_out"]:
                left_out.append(f"{entry['no']}: {entry['left_out']}")
        else:
            _add(pack, entry, f"documents/{entry['no']:03d}.json", archive.record_bytes(piece))
            if text := _text_of(piece.row):
                _add(pack, entry, f"documents/{entry['no']:03d}.txt", text.encode())
    pack.add("documents/complainant.json", _json(dict(case.contacts)))
    pack.add("index.json", _json(_index(case)))
    pack.add("log.jsonl", b"".join(archive.canonical(_line(event)).encode() + b"\n" for event in case.events))
    pack.add("index.html", _page(case).encode())
    pack.add("style.css", _STYLE.encode())
    pack.add("check.py", _CHECK.read_bytes())
    manifest = {
        "format": FORMAT,
        "case": case.complaint.number,
        "made_at": at.astimezone(UTC).isoformat(timespec="seconds"),
        "events": len(case.events),
        "head": case.events[-1].hash if case.events else "",
        "files": dict(sorted(pack.files.items())),
    }
    count = len(pack.files) + 1
    pack.add("manifest.json", _json(manifest))
    return Made(count, tuple(left_out))


def _add(pack: _Pack, entry: dict[str, Any], name: str, content: bytes) -> None:
    pack.add(name, content)
    entry["documents"].append(name)


def _add_original(pack: _Pack, row: Attachment, entry: dict[str, Any]) -> str:
    """Add the original of an attachment; returns why it is not included, "" when it is."""
    if row.file.is_quarantined:
        return str(row.file.get_scan_state_display())
    ending = files.clean_name(row.name, row.file.content_type).rpartition(".")[2].lower()
    ending = ending if ending.isascii() and ending.isalnum() else "bin"
    name = f"documents/{entry['no']:03d}.{ending}"
    try:
        with files.open_file(row.file) as source:
            if pack.add_original(name, source) != row.file.sha256:
                raise Damaged(_("The stored file of entry %(no)s was changed; restore it first."), no=entry["no"])
    except FileNotFoundError:
        return gettext("The file is lost")
    entry["documents"].append(name)
    return ""


def _text_of(row: Any) -> str:
    if isinstance(row, Notice):
        return row.body
    if isinstance(row, Reply):
        return "\n\n".join(part for part in (row.process, row.result, row.legal_basis) if part)
    if isinstance(row, ExternalRecord):
        return "\n".join(f"{name}: {value}" for name, value in external.facts_of(row).items())
    return ""


def _index(case: _Read) -> dict[str, Any]:
    filed = None
    if case.file is not None:
        filed = {
            "number": case.file.number,
            "retention": case.file.retention.name,
            "filed_at": case.file.filed_at.astimezone(UTC).isoformat(timespec="seconds"),
            "keep_until": case.file.keep_until.isoformat() if case.file.keep_until else "",
            "missing": case.file.missing,
            "index_hash": case.file.index_hash,
            "index": case.file.index,
        }
    return {"format": FORMAT, "case": case.complaint.number, "file": filed, "entries": case.entries}


def _line(event: CaseEvent) -> dict[str, Any]:
    """An event with everything its hash covers (complaints/events.py), and who it was."""
    return {
        "complaint": event.complaint_id,
        "sequence": event.sequence,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": event.actor_id,
        "staff_number": event.actor.staff_number if event.actor else "",
        "kind": event.kind,
        "version": event.version,
        "from_status": event.from_status,
        "to_status": event.to_status,
        "fields": event.fields,
        "note": event.note,
        "reference": event.reference,
        "audience": event.audience,
        "previous_hash": event.previous_hash,
        "hash": event.hash,
    }


def _json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=1).encode()


def _page(case: _Read) -> str:
    context = {
        "complaint": case.complaint,
        "file": case.file,
        "organisation": settings.ORGANISATION["name"],
        "contacts": case.contacts,
        "rows": rows(case.entries),
        "missing": shown_missing(case.file),
        "record": case.record,
    }
    return render_to_string("complaints/dossier.html", context)


def rows(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries of an index for a page: the kind in words, the date as a moment."""
    return [
        {**entry, "label": archive.KINDS.get(entry["kind"], entry["kind"]), "at": parse_datetime(entry["date"])}
        for entry in entries
    ]


def shown_missing(file: CaseFile | None) -> list[tuple[Any, str]]:
    """What a file lacks, in words, each with the reason given."""
    lacks = file.missing if file is not None else []
    return [(archive.MANDATORY.get(row["code"], row["code"]), row["reason"]) for row in lacks]
