"""Storing originals (IN-23, FL-01…08, I14, I15)."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import struct
import zipfile
import zlib
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import SkipFile, StopUpload
from django.db import transaction
from django.test import RequestFactory
from django.utils import timezone
from PIL import Image

from accounts.errors import InvalidInput
from complaints import drafts, file_types, files, uploads
from complaints.models import Attachment, StoredFile
from complaints.tests.factories import at

NOW = at("2026-11-16 09:00")
ROOT = Path(django_settings.DATA_DIR) / "files"


@pytest.fixture(autouse=True)
def _empty_folder():
    _remove_all()
    yield
    _remove_all()


def _remove_all() -> None:
    for path in sorted(ROOT.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def upload(content: bytes, name: str = "file") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="text/html")


def picture(kind: str) -> bytes:
    out = BytesIO()
    Image.new("RGB", (6, 4)).save(out, kind)
    return out.getvalue()


def office(part: str, extra: dict[str, bytes] | None = None) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"[Content_Types].xml": b"<Types/>", part: b"<x/>", **(extra or {})}.items():
            archive.writestr(name, content)
    return out.getvalue()


def encrypted(content: bytes) -> bytes:
    """The same archive, each part of which says that it is locked with a password (FL-12)."""
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content = re.sub(
            re.escape(mark) + b"." * (flags - 4) + b"(.)", lambda found: found[0][:-1] + b"\x01", content, flags=re.S
        )
    return content


def ftyp(brand: bytes) -> bytes:
    return struct.pack(">I", 24) + b"ftyp" + brand + bytes(12) + bytes(64)


def heic(width: int = 4000, height: int = 3000) -> bytes:
    return ftyp(b"heic") + struct.pack(">I4sIII", 20, b"ispe", 0, width, height) + bytes(32)


def png_header(width: int, height: int) -> bytes:
    data = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + data
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


def jpeg_header(width: int, height: int) -> bytes:
    exif = b"\xff\xe1" + struct.pack(">H", 60_000) + bytes(59_998)
    return b"\xff\xd8" + exif + b"\xff\xc2" + struct.pack(">HBHH", 17, 8, height, width) + bytes(20)


DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"


# --- What is taken ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (picture("JPEG"), "image/jpeg"),
        (picture("PNG"), "image/png"),
        (picture("GIF"), "image/gif"),
        (picture("WEBP"), "image/webp"),
        (heic(), "image/heic"),
        (ftyp(b"isom"), "video/mp4"),
        (ftyp(b"mp42"), "video/mp4"),
        (ftyp(b"qt  "), "video/quicktime"),
        (ftyp(b"3gp5"), "video/3gpp"),
        (ftyp(b"M4A "), "audio/mp4"),
        (b"ID3\x04" + bytes(200), "audio/mpeg"),
        (b"#!AMR\n" + bytes(200), "audio/amr"),
        (b"RIFF" + bytes(4) + b"WAVEfmt " + bytes(100), "audio/wav"),
        (b"%PDF-1.7\n" + bytes(100), "application/pdf"),
        (office("word/document.xml"), DOCX),
        (office("xl/workbook.xml"), XLSX),
        (office("ppt/presentation.xml"), PPTX),
        (office("ppt/presentation.xml", {"ppt/embeddings/table.xlsx": office("xl/workbook.xml")}), PPTX),
    ],
)
def test_kind_is_told_by_content_alone(content, kind):
    assert files.check(upload(content, "anything.html")) == kind


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"MZ\x90\x00" + bytes(300), "照片.jpg"),
        (b"\x7fELF" + bytes(300), "video.mp4"),
        (b"<!doctype html><script>alert(1)</script>", "page.pdf"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image.png"),
        (b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "a.docx"),
        (b"#!/bin/sh\nrm -rf /\n", "record.amr"),
        (b"Options +ExecCGI\n", ".htaccess"),
        (b"L\x00\x00\x00\x01\x14\x02\x00" + bytes(100), "photo.jpg.lnk"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000), "old.doc"),
        (b"plain words", "notes.txt"),
        (b"\xff\xd8\xff\xe0", "cut.jpg"),
        (b"GIF89a", "cut.gif"),
        (b"PK\x03\x04broken", "a.docx"),
        (office("readme.txt"), "archive.zip"),
        (office("word/document.xml", {"word/vbaProject.bin": b"macro"}), "macro.docx"),
        (
            office("word/document.xml", {"word/a.xml": b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><x/>"}),
            "a.docx",
        ),
        (office("xl/workbook.xml", {"xl/a.xml": "<!DOCTYPE x [<!ENTITY a 'b'>]><x/>".encode("utf-16")}), "a.xlsx"),
        (encrypted(office("word/document.xml")), "locked.docx"),
        (b"\x1f\x8b\x08" + bytes(50), "a.gz"),
        (b"Rar!\x1a\x07\x00" + bytes(50), "a.rar"),
    ],
)
def test_other_kinds_are_refused_by_name(content, name):
    """FL-02: programs, pages, scripts, archives, macros; whatever the ending says."""
    with pytest.raises(InvalidInput) as refusal:
        files.check(upload(content, name))
    assert refusal.value.field == "files"
    assert name.strip(".") in str(refusal.value)


def test_empty_and_oversized_files_are_refused(settings):
    settings.ATTACHMENT_MAX_BYTES = 1024 * 1024
    for content, code in ((b"", "empty"), (b"%PDF-" + bytes(1024 * 1024), "larger")):
        with pytest.raises(InvalidInput) as refusal:
            files.check(upload(content, "a.pdf"))
        assert ("empty" in str(refusal.value) or "空" in str(refusal.value)) == (code == "empty")


@pytest.mark.parametrize(
    "content",
    [
        office("xl/workbook.xml", {"xl/worksheets/sheet1.xml": bytes(50 * 1024 * 1024)}),
        office("word/document.xml", {f"word/{n}.xml": b"" for n in range(6000)}),
        png_header(50_000, 50_000),
        jpeg_header(50_000, 50_000),
        b"GIF89a" + struct.pack("<HH", 65_000, 65_000) + bytes(20),
        heic(50_000, 50_000),
        b"RIFF" + bytes(4) + b"WEBPVP8X" + bytes(8) + (49_999).to_bytes(3, "little") * 2 + bytes(8),
    ],
    ids=["unpacks", "entries", "png", "jpeg", "gif", "heic", "webp"],
)
def test_bombs_are_refused_by_their_declared_size(content):
    """FL-04: 50 MB in 48 kB, thousands of entries, 2,500 million points; nothing is unpacked."""
    with pytest.raises(file_types.TooComplex):
        file_types.sniff(BytesIO(content))
    with pytest.raises(InvalidInput):
        files.check(upload(content, "bomb"))


def test_directory_of_a_container_is_measured_before_it_is_read():
    """FL-04: a directory of 40 MB is refused although it claims few entries."""
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 3, 3, 40 * 1024 * 1024, 0, 0)
    with pytest.raises(file_types.TooComplex):
        file_types.sniff(BytesIO(b"PK\x03\x04" + bytes(100) + end))


@pytest.mark.parametrize(
    ("name", "kind", "clean"),
    [
        ("公告栏.jpg", "image/jpeg", "公告栏.jpg"),
        ("公告栏.JPG", "image/jpeg", "公告栏.JPG"),
        ("photo.exe", "image/jpeg", "photo.exe.jpg"),
        ("../../etc/passwd", "application/pdf", "passwd.pdf"),
        ("C:\\windows\\a.pdf", "application/pdf", "a.pdf"),
        ("exe.\u202egpj", "image/jpeg", "exe.gpj.jpg"),
        ("a\x00b\r\nc.png. .", "image/png", "abc.png"),
        ("", "audio/amr", "file.amr"),
        ("..", "audio/amr", "file.amr"),
        ("停" * 300 + ".png", "image/png", "停" * 116 + ".png"),
        ("照片.png", "image/jpeg", "照片.png.jpg"),
    ],
)
def test_name_is_data_and_tells_the_truth(name, kind, clean):
    """FL-02, FL-08: no path, no control or reversing characters, the ending of the content."""
    assert files.clean_name(name, kind) == clean


# --- Where it goes -----------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_content_is_stored_once_under_its_hash_and_unchanged():
    """IN-23, ARC-08, I15, FL-08: two files of one name are two contents; one content is one file."""
    content = picture("PNG")
    stored = files.store(upload(content, "a.png"), at=NOW)
    again = files.store(upload(content, "b.png"), at=NOW)
    other = files.store(upload(picture("GIF"), "a.png"), at=NOW)
    digest = hashlib.sha256(content).hexdigest()
    assert (stored.pk, again.pk) == (digest, digest)
    assert StoredFile.objects.get(pk=digest).size == len(content)
    assert files.path_of(digest) == ROOT / digest[:2] / digest[2:4] / digest
    assert files.path_of(digest).stat().st_mode & 0o777 == 0o600
    with files.open_file(stored) as kept:
        assert kept.read() == content
    assert sorted(path.name for path in ROOT.rglob("*") if path.is_file()) == sorted([digest, other.pk])


@pytest.mark.django_db(transaction=True)
def test_rollback_leaves_no_row_and_the_waiting_copy_goes_after_an_hour():
    """FL-07: nothing takes its place before the commit."""
    with transaction.atomic():
        files.store(upload(picture("PNG")), at=NOW)
        transaction.set_rollback(True)
    assert StoredFile.objects.count() == 0
    assert [path.parent.name for path in ROOT.rglob("*") if path.is_file()] == ["tmp"]
    assert files.sweep(timezone.now()).waiting_removed == 0
    assert files.sweep(timezone.now() + timedelta(minutes=61)).waiting_removed == 1
    assert [path for path in ROOT.rglob("*") if path.is_file()] == []


@pytest.mark.django_db(transaction=True)
def test_crash_between_commit_and_move_is_finished_by_the_sweep():
    """FL-07, I14: until then the file can be read already."""
    content = picture("PNG")
    stored = files.store(upload(content), at=NOW)
    place = files.path_of(stored.pk)
    (ROOT / "tmp").mkdir(exist_ok=True)
    place.rename(ROOT / "tmp" / f"{stored.pk}.0123")
    Attachment.objects.create(file=stored, name="a.png", at=NOW, draft=drafts.begin(at=NOW)[0])
    with files.open_file(stored) as waiting:
        assert waiting.read() == content
    result = files.sweep(NOW)
    assert (result.finished, result.rows_without_files, result.files_without_rows) == (1, [], [])
    assert place.read_bytes() == content


@pytest.mark.django_db(transaction=True)
def test_sweep_reports_what_does_not_fit():
    """I14: a row without its file, a file without its row; the file is left alone."""
    stored = files.store(upload(picture("PNG")), at=NOW)
    Attachment.objects.create(file=stored, name="a.png", at=NOW, draft=drafts.begin(at=NOW)[0])
    files.path_of(stored.pk).unlink()
    stray = hashlib.sha256(b"stray").hexdigest()
    files.path_of(stray).parent.mkdir(parents=True)
    files.path_of(stray).write_bytes(b"stray")
    result = files.sweep(NOW)
    assert (result.rows_without_files, result.files_without_rows) == ([stored.pk], [stray])
    assert files.path_of(stray).exists()
    with pytest.raises(FileNotFoundError):
        files.open_file(stored)


@pytest.mark.django_db(transaction=True)
def test_files_of_a_draft_that_was_purged_are_removed():
    """Nothing of what was never filed stays behind."""
    draft, _token = drafts.begin(at=NOW)
    stored = files.store(upload(picture("PNG")), at=NOW)
    drafts.add_file(draft.pk, stored, name="a.png", at=NOW)
    assert files.sweep(NOW + timedelta(hours=2)).abandoned_removed == 0
    draft.delete()
    assert files.sweep(NOW + timedelta(hours=2)).abandoned_removed == 1
    assert (Attachment.objects.count(), StoredFile.objects.count()) == (0, 0)
    assert not files.path_of(stored.pk).exists()


@pytest.mark.django_db
def test_full_disk_is_said_plainly_and_leaves_nothing():
    """FL-06."""

    class Full(SimpleUploadedFile):
        def chunks(self, chunk_size=None):
            yield b"\x89PNG"
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(files.StorageFull):
        files.store(Full("a.png", picture("PNG")), at=NOW)
    assert StoredFile.objects.count() == 0
    assert [path for path in ROOT.rglob("*") if path.is_file()] == []


@pytest.mark.django_db
def test_download_cannot_be_opened_in_place():
    """FL-01…03: attachment, octet-stream, nosniff, sandbox, no-store, name by RFC 6266."""
    stored = files.store(upload(picture("PNG"), "公告栏.png"), at=NOW)
    row = Attachment(file=stored, name="公告栏.png", at=NOW)
    response = files.download_response(row)
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Disposition"] == "attachment; filename*=utf-8''%E5%85%AC%E5%91%8A%E6%A0%8F.png"
    assert b"".join(response) == picture("PNG")
    response.close()


# --- While it arrives ------------------------------------------------------------------------------
def handler(settings) -> uploads.LimitedUploadHandler:
    settings.ATTACHMENT_MAX_BYTES, settings.ATTACHMENT_MAX_COUNT = 100, 2
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 50
    return uploads.LimitedUploadHandler(RequestFactory().post("/"))


def test_file_is_dropped_at_its_limit(settings):
    """FL-05: not one byte more is passed on; the name is remembered for the form."""
    limited = handler(settings)
    limited.new_file("files", "big.mp4", "video/mp4", None)
    assert limited.receive_data_chunk(bytes(100), 0) == bytes(100)
    with pytest.raises(SkipFile):
        limited.receive_data_chunk(b"1", 100)
    assert limited.refused == [uploads.Refused("big.mp4", "size")]


def test_third_file_is_dropped_when_two_are_allowed(settings):
    limited = handler(settings)
    for name in ("a", "b"):
        limited.new_file("files", name, "", None)
        limited.receive_data_chunk(b"1", 0)
    limited.new_file("files", "c", "", None)
    with pytest.raises(SkipFile):
        limited.receive_data_chunk(b"1", 0)
    assert limited.refused == [uploads.Refused("c", "count")]


def test_reading_stops_when_the_whole_request_is_too_large(settings):
    limited = handler(settings)
    limited.new_file("files", "a", "", None)
    with pytest.raises(StopUpload) as stop:
        limited.receive_data_chunk(bytes(251), 0)
    assert stop.value.connection_reset is True


@pytest.mark.django_db
@pytest.mark.urls("config.urls_public")
def test_oversized_file_leaves_nothing_on_the_disk(client, settings, tmp_path):
    """FL-05: as much on the disk after the request as before; the small file beside it is kept."""
    settings.ATTACHMENT_MAX_BYTES = 200_000
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 0
    client.post("/complain/", {"category": "utilities"})
    big = SimpleUploadedFile("现场视频.mp4", ftyp(b"isom") + bytes(900_000))
    small = SimpleUploadedFile("a.png", picture("PNG"))
    data = {"narrative": "停水", "occurred_on": "2025-11-15", "files": [big, small]}
    response = client.post("/complain/details/?lang=en", data)
    html = response.content.decode()
    assert response.status_code == 422
    assert html.count("“现场视频.mp4” is larger than 0 MB; choose a smaller one.") == 2
    assert "停水</textarea>" in html
    assert list(tmp_path.iterdir()) == []
    assert [row.name for row in Attachment.objects.all()] == ["a.png"]
