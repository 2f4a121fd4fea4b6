"""The dossier for court and regulator: complete, the same each time, checkable without Huiyin (ARC-11, ARC-05)."""

import hashlib
import json
import subprocess
import sys
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from accounts.models import SecurityEvent
from complaints import archive, files, transitions
from complaints.models import CaseFile, Complaint, ScanState, StoredFile
from complaints.states import EvidenceKind, Status
from complaints.tests.factories import Story, at

pytestmark = pytest.mark.django_db

PDF = b"%PDF-1.7\n" + b"report " * 60


@pytest.fixture
def story(cast, settings, tmp_path):
    """A closed case with an original, a note and an attempt in vain."""
    settings.DATA_DIR = tmp_path / "data"
    story = Story(cast).to_reply()
    stored = files.store(SimpleUploadedFile("a.pdf", PDF), at=at("2026-11-19 12:00"))
    transitions.add_attachment(
        story.pk,
        by=cast.intake,
        file=stored,
        name="水质检测.pdf",
        evidence_kind=EvidenceKind.TEST_REPORT,
        source="市疾控中心",
        at=at("2026-11-19 12:00"),
    )
    transitions.add_note(story.pk, by=cast.coordinator, text="等竣工资料", at=at("2026-11-19 12:10"))
    transitions.call_back(story.pk, by=cast.intake, outcome="no_answer", at=at("2026-11-19 18:00"))
    return story.call_back().close()


def export(story, out):
    call_command("export_dossier", story.case.number, str(out), "--json")
    return out


def unpacked(out, folder):
    with zipfile.ZipFile(out) as packed:
        packed.extractall(folder)
    return folder


def checked(folder):
    """The exit code and the words of check.py, run without anything of this installation or of site-packages."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "check.py")], capture_output=True, text=True, encoding="utf-8"
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.strip()


def said(folder) -> list[str]:
    """The faults check.py names, one a line."""
    code, words = checked(folder)
    assert code == 1
    return words.splitlines()


@pytest.fixture
def folder(story, tmp_path):
    return unpacked(export(story, tmp_path / "out.zip"), tmp_path / "unpacked")


# --- What is in it ------------------------------------------------------------------------------------
def test_arc_11_the_dossier_holds_index_documents_log_and_manifest(cast, story, folder):
    index = json.loads((folder / "index.json").read_text())
    kinds = {entry["kind"] for entry in index["entries"]}
    assert {"registration", "attachment", "contact", "note", "reply", "check", "callback", "notice"} <= kinds
    for entry in index["entries"]:
        content = (folder / entry["documents"][0]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"], entry
    material = next(entry for entry in index["entries"] if entry["kind"] == "attachment")
    assert material["name"] == "水质检测.pdf"
    assert (folder / material["documents"][0]).read_bytes() == PDF
    reply = next(entry for entry in index["entries"] if entry["kind"] == "reply")
    assert "主管道老化爆裂" in (folder / reply["documents"][1]).read_text()
    page = (folder / "index.html").read_text()
    for text in ("张桂芳", "13800002417", "11 月 15 日早上", "等竣工资料", "登记表", "主管道老化爆裂"):
        assert text in page
    assert (folder / "style.css").exists()
    assert "<script" not in page
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [event["sequence"] for event in log] == list(range(1, story.case.events.count() + 1))
    assert checked(folder) == (0, "intact")


def test_arc_11_the_same_case_gives_the_same_manifest_apart_from_its_time(story, tmp_path):
    manifests = []
    for name in ("one", "two"):
        out = unpacked(export(story, tmp_path / f"{name}.zip"), tmp_path / name)
        manifests.append(json.loads((out / "manifest.json").read_text()))
        manifests[-1].pop("made_at")
    assert manifests[0] == manifests[1]
    assert manifests[0]["case"] == story.case.number


def test_arc_01_the_filed_index_is_in_it_and_matches_its_hash(cast, story, tmp_path):
    """A case that was archived without a file gets it at the export."""
    Complaint.objects.filter(pk=story.pk).update(status=Status.ARCHIVED, status_since=at("2026-11-21 09:00"))
    folder = unpacked(export(story, tmp_path / "out.zip"), tmp_path / "unpacked")
    filed = json.loads((folder / "index.json").read_text())["file"]
    assert filed["number"] == CaseFile.objects.get().number
    assert archive.index_hash(filed["index"]) == filed["index_hash"]
    assert filed["number"] in (folder / "index.html").read_text()


def test_what_the_virus_check_holds_back_is_named_and_not_included(story, tmp_path, capsys):
    StoredFile.objects.update(scan_state=ScanState.INFECTED)
    folder = unpacked(export(story, tmp_path / "out.zip"), tmp_path / "unpacked")
    entries = json.loads((folder / "index.json").read_text())["entries"]
    material = next(entry for entry in entries if entry["kind"] == "attachment")
    assert (material["documents"], material["left_out"]) == ([], "发现病毒")
    assert "Not included" in capsys.readouterr().err
    assert checked(folder) == (0, "intact")


# --- check.py -------------------------------------------------------------------------------------------
def test_check_is_short_and_needs_nothing_but_python(folder):
    lines = (folder / "check.py").read_text().splitlines()
    assert len(lines) <= 70
    assert "django" not in "\n".join(lines).lower()


def test_arc_11_one_byte_of_a_document_is_found(folder):
    name = next(path for path in sorted((folder / "documents").iterdir()) if path.suffix == ".pdf")
    content = bytearray(name.read_bytes())
    content[40] ^= 1
    name.write_bytes(content)
    assert checked(folder) == (1, f"documents/{name.name}: was changed")


def test_arc_11_a_dropped_line_of_the_log_is_found(folder):
    log = folder / "log.jsonl"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:3] + lines[4:]))
    assert said(folder) == ["log.jsonl: what stood before event 5 is missing", "log.jsonl: was changed"]
    log.write_text("".join(lines[:-1]))
    code, fault = checked(folder)
    assert code == 1
    assert f"ends with event {len(lines) - 1}," in fault


def test_arc_11_a_changed_event_is_found(folder):
    log = folder / "log.jsonl"
    lines = log.read_text().splitlines()
    event = json.loads(lines[4])
    event["actor"] = 999
    lines[4] = json.dumps(event, ensure_ascii=False)
    log.write_text("\n".join(lines) + "\n")
    assert said(folder) == ["log.jsonl: event 5 was changed", "log.jsonl: was changed"]


def test_arc_11_a_missing_and_an_added_document_are_found(folder):
    first = sorted((folder / "documents").iterdir())[0]
    content = first.read_bytes()
    first.unlink()
    assert checked(folder) == (1, f"documents/{first.name}: is missing")
    first.write_bytes(content)
    (folder / "documents" / "zzz.pdf").write_bytes(b"%PDF")
    assert checked(folder) == (1, "documents/zzz.pdf: is not in the manifest")
    (folder / "documents" / "zzz.pdf").unlink()
    assert checked(folder) == (0, "intact")


def test_arc_11_every_fault_is_said_at_once_by_python_alone(folder):
    """One document changed by a byte, one taken out, one put in: who reads the answer needs no second run."""
    changed, gone = sorted((folder / "documents").glob("*.json"))[:2]
    content = bytearray(changed.read_bytes())
    content[0] ^= 1
    changed.write_bytes(content)
    gone.unlink()
    (folder / "documents" / "后补的材料.pdf").write_bytes(b"%PDF")
    assert said(folder) == [
        f"documents/{changed.name}: was changed",
        f"documents/{gone.name}: is missing",
        "documents/后补的材料.pdf: is not in the manifest",
    ]


def test_arc_11_a_log_that_is_gone_or_cut_hides_no_fault_of_a_document(folder):
    gone = sorted((folder / "documents").glob("*.json"))[0]
    gone.unlink()
    for spoil in (lambda log: log.write_text('{"cut'), lambda log: log.unlink()):
        spoil(folder / "log.jsonl")
        first, *rest = said(folder)
        assert first.startswith("log.jsonl: cannot be read")
        assert f"documents/{gone.name}: is missing" in rest


@pytest.mark.parametrize("name", ["added.pdf", ".hidden", "annex/letter.docx", "documents/deep/er.txt"])
def test_arc_11_a_file_added_anywhere_is_named(folder, name):
    """Not only among the documents: beside the index and in folders of its own, too."""
    place = folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"added")
    assert checked(folder) == (1, f"{name}: is not in the manifest")


def test_an_unreadable_manifest_is_a_fault_and_no_crash(folder):
    (folder / "manifest.json").write_text("{")
    code, fault = checked(folder)
    assert code == 1
    assert fault.startswith("The dossier cannot be read")


# --- The command ----------------------------------------------------------------------------------------
def test_the_command_prints_number_files_and_hash_warns_and_leaves_a_trace(story, tmp_path, capsys):
    out = tmp_path / "out.zip"
    call_command("export_dossier", story.case.number, str(out), "--json")
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    with zipfile.ZipFile(out) as packed:
        assert result == {
            "number": story.case.number,
            "files": len(packed.namelist()),
            "sha256": hashlib.sha256(out.read_bytes()).hexdigest(),
        }
    assert "contact data" in printed.err
    row = SecurityEvent.objects.get(kind="dossier_exported")
    assert (row.subject, row.detail["sha256"]) == (story.case.number, result["sha256"])
    assert out.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("case", ["unknown", "exists", "no folder"])
def test_the_command_refuses_and_leaves_nothing_behind(story, tmp_path, case):
    out = tmp_path / "out.zip"
    number = story.case.number
    if case == "unknown":
        number = "HY-20990101-0001"
    elif case == "exists":
        out.write_bytes(b"kept")
    else:
        out = tmp_path / "nowhere" / "out.zip"
    with pytest.raises(CommandError) as refused:
        call_command("export_dossier", number, str(out))
    assert refused.value.returncode == 1
    assert [path.name for path in tmp_path.glob("*.part")] == []
    assert not out.exists() or out.read_bytes() == b"kept"
    assert not SecurityEvent.objects.filter(kind="dossier_exported").exists()


def test_arc_06_an_original_that_was_changed_on_disk_stops_the_export(story, tmp_path, settings):
    digest = story.case.attachments.get().file_id
    for place in (settings.DATA_DIR / "files").rglob(f"{digest}*"):
        place.write_bytes(PDF + b"!")
    out = tmp_path / "out.zip"
    with pytest.raises(CommandError, match=r"was changed|改动"):
        call_command("export_dossier", story.case.number, str(out))
    assert list(tmp_path.glob("out.zip*")) == []
