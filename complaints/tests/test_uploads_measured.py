"""Files made to exhaust us, measured; uploads whose process is killed (FL-04, FL-07)."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import zipfile
import zlib
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.utils import timezone

from complaints import drafts, files
from complaints.models import Attachment, StoredFile
from complaints.tests.test_files import ROOT, _empty_folder, jpeg_header, office, png_header  # noqa: F401
from tests.services import web

MEGABYTE = 1024 * 1024
# What one look at a file may take on top of the process it happens in.
MOST_MEMORY = 8 * MEGABYTE
MOST_SECONDS = 3


def deflated(size: int) -> bytes:
    """A part of an office file that says nothing of its size: so many zeros, packed."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", b"<Types/>")
        with archive.open("word/document.xml", "w", force_zip64=True) as part:
            for _ in range(size // MEGABYTE):
                part.write(bytes(MEGABYTE))
    return out.getvalue()


def nested(levels: int, part: bytes = b"<x/>", parts: int = 1) -> bytes:
    """A document in ten documents, and so on; each part of the innermost is small enough to be no bomb itself."""
    content = office("word/document.xml", {f"word/{n}.xml": part for n in range(parts)})
    for _ in range(levels):
        content = office("word/document.xml", {f"word/embeddings/{n}.docx": content for n in range(10)})
    return content


def packed() -> bytes:
    """A document that holds one archive, which holds another of a kind that is not looked into."""
    return office("word/document.xml", {"word/a.bin": office("a.txt", {"b.rar": b"Rar!\x1a\x07\x00" + bytes(100)})})


def entities() -> bytes:
    """A thousand million words out of ten definitions, where the types and the text of an office file stand."""
    steps = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "ha">{steps}]><x>&a9;</x>'.encode()
    return office("xl/workbook.xml", {"[Content_Types].xml": bomb, "xl/sharedStrings.xml": bomb})


def pages(count: int) -> bytes:
    """A PDF that says of itself that it has so many pages."""
    kids = " ".join(f"{n + 3} 0 R" for n in range(count))
    head = f"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Count {count}/Kids[{kids}]>>endobj\n"
    each = [f"{n + 3} 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\n" for n in range(count)]
    return (head + "".join(each) + "trailer<</Root 1 0 R>>\n%%EOF\n").encode()


# Name → content, and whether it is refused. A PDF of many pages is kept as it is: nothing opens it here.
BOMBS = {
    "unpacks": (lambda: deflated(300 * MEGABYTE), True),
    "nested": (lambda: nested(2), True),
    "packed": (packed, True),
    "inside": (lambda: nested(1, bytes(MEGABYTE), 40), True),
    "a few tables": (lambda: nested(1), False),
    "entries": (lambda: office("word/document.xml", {f"word/{n}.xml": b"" for n in range(100_000)}), True),
    "entities": (entities, True),
    "parts": (lambda: office("word/document.xml", {f"word/{n}.xml": b"<x/>" for n in range(4900)}), False),
    "png": (lambda: png_header(50_000, 50_000) + zlib.compress(bytes(MEGABYTE)), True),
    "jpeg": (lambda: jpeg_header(50_000, 50_000), True),
    "pages": (lambda: pages(10_000), False),
    "text": (lambda: b"\x00" * (19 * MEGABYTE), True),
}
# Each file is looked at by a child, so that its peak is its own; the first child looks at nothing.
LOOK = """
import json, os, resource, sys
import django
django.setup()
from django.core.files import File
from complaints import files
from accounts.errors import InvalidInput

def child(path):
    code = 0
    if path:
        with open(path, "rb") as content:
            try:
                files.check(File(content, os.path.basename(path)))
            except InvalidInput:
                code = 1
    os._exit(code)

found = []
for path in ["", *sys.argv[1:]]:
    pid = os.fork() or child(path)
    _, status, used = os.wait4(pid, 0)
    found.append((os.waitstatus_to_exitcode(status), used.ru_maxrss * 1024, used.ru_utime + used.ru_stime))
print(json.dumps(found))
"""


@pytest.mark.slow
def test_fl_04_a_file_made_to_exhaust_us_costs_little_memory_and_time(tmp_path, process_environment):
    """Peak memory and processor time of a process that looks at it, over one that looks at nothing."""
    for name, (make, _) in BOMBS.items():
        (tmp_path / name).write_bytes(make())
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *(str(tmp_path / name) for name in BOMBS)],
        env=process_environment, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    (_, plain, _), *found = json.loads(done.stdout)
    for (name, (_, is_refused)), (code, peak, seconds) in zip(BOMBS.items(), found, strict=True):
        assert code == int(is_refused), name
        assert peak - plain < MOST_MEMORY, f"{name}: {(peak - plain) / MEGABYTE:.0f} MB"
        assert seconds < MOST_SECONDS, f"{name}: {seconds:.1f} s"


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_fl_04_while_such_files_come_in_others_are_served(process_environment):
    """A real web process gets all of them at once from programs; every page that is read meanwhile is answered."""
    call_command("createcachetable", "huiyin_cache", verbosity=0)
    body = {"subject": "停水", "narrative": "从早上停到现在", "phone": "13800002417", "name": "张桂芳"}
    told: dict[str, int] = {}

    def send(url: str, name: str, content: bytes) -> None:
        posted = encode_multipart(BOUNDARY, body | {"files": [SimpleUploadedFile(name, content)]})
        headers = {"Content-Type": MULTIPART_CONTENT}
        request = urllib.request.Request(f"{url}/api/v1/complaints/", posted, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                told[name] = answer.status
        except urllib.error.HTTPError as error:
            told[name] = error.code

    contents = {name: make() for name, (make, _) in BOMBS.items()}
    pages = 0
    with web(process_environment) as url:
        senders = [threading.Thread(target=send, args=(url, *each)) for each in contents.items()]
        for sender in senders:
            sender.start()
        while any(sender.is_alive() for sender in senders) or not pages:
            with urllib.request.urlopen(f"{url}/track/", timeout=30) as answer:
                assert answer.status == 200
            pages += 1
    assert told == {name: 400 if is_refused else 201 for name, (_, is_refused) in BOMBS.items()}
    assert Attachment.objects.count() == list(told.values()).count(201)


# --- Killed between the steps of storing (FL-07) -----------------------------------------------------
# Where the process is killed, in order, and whether the complaint had the file by then. Each step has a child of its
# own, which attaches one file to the draft named on the command line, as a request does.
STEPS = {"writing": False, "written": False, "waiting": False, "row": False, "committed": True, "moved": True}
STORE = r"""
import os, signal, sys
import django
django.setup()
from datetime import datetime
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from complaints import files
from complaints.models import Attachment, IntakeDraft, StoredFile

def die(*_arguments, **_options):
    os.kill(os.getpid(), signal.SIGKILL)

def then(function, *, times=1):
    seen = []
    def run(*arguments, **options):
        value = function(*arguments, **options)
        seen.append(1)
        if len(seen) == times:
            die()
        return value
    return run

class Cut(SimpleUploadedFile):
    def chunks(self, chunk_size=None):
        yield self.read(10)
        die()

def child(step, draft, at):
    kind = Cut if step == "writing" else SimpleUploadedFile
    if step == "written":
        files.os.fsync = then(os.fsync)
    if step == "waiting":
        StoredFile.objects.get_or_create = die
    if step == "committed":
        files._move = die
    if step == "moved":
        files.os.fsync = then(os.fsync, times=2)
    with transaction.atomic():
        stored = files.store(kind(step, b"%PDF-1.7\n" + step.encode() * 40), at=at)
        Attachment.objects.create(file=stored, name=step, at=at, draft=IntakeDraft.objects.get(pk=draft))
        if step == "row":
            die()
    os._exit(0)

at = datetime.fromisoformat(sys.argv[2])
for step in sys.argv[3:]:
    pid = os.fork() or child(step, sys.argv[1], at)
    print(step, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_fl_07_a_process_killed_at_any_step_leaves_a_whole_file_or_none(process_environment):
    """Whatever a row names can be read at once, the sweep finishes or removes the rest, nothing is reported."""
    at = timezone.now()
    draft, _key = drafts.begin(at=at)
    done = subprocess.run(
        [sys.executable, "-c", STORE, str(draft.pk), at.isoformat(), *STEPS],
        env=process_environment, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert done.stdout.split("\n")[:-1] == [f"{step} -9" for step in STEPS]
    contents = {step: b"%PDF-1.7\n" + step.encode() * 40 for step in STEPS}
    kept = {step for step, is_kept in STEPS.items() if is_kept}
    assert set(Attachment.objects.values_list("name", flat=True)) == kept
    assert StoredFile.objects.count() == len(kept)
    for row in Attachment.objects.select_related("file"):
        with files.open_file(row.file) as content:
            assert content.read() == contents[row.name]
    result = files.sweep(at)
    assert (result.finished, result.rows_without_files, result.files_without_rows) == (1, [], [])
    for step in kept:
        assert files.path_of(hashlib.sha256(contents[step]).hexdigest()).read_bytes() == contents[step]
    assert files.sweep(timezone.now() + timedelta(minutes=61)).waiting_removed == len(STEPS) - len(kept)
    names = {path.name for path in Path(ROOT).rglob("*") if path.is_file()}
    assert names == {hashlib.sha256(contents[step]).hexdigest() for step in kept}
