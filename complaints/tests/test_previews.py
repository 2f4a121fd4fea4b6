"""Files that are two things at once, converters that misbehave, what pictures carry along (FL-03, FL-10, FL-11)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image, PngImagePlugin

from complaints import confined, files, pixel_worker, previews, transitions
from complaints.models import Attachment, StoredFile
from complaints.states import EvidenceKind
from complaints.tests.factories import Story, at
from complaints.tests.processes import children
from complaints.tests.public_flow import open_case

NOW = at("2026-11-16 09:00")
SCRIPT = b"<script>alert(document.domain)</script>"
CANARIES = (b"CANARY-GPS-31.2304N", b"CANARY-AUTHOR", b"CANARY-COMMENT", b"CANARY-XMP", SCRIPT, b"PK\x03\x04", b"<html")


def picture(kind: str, size: tuple[int, int] = (60, 40), **extra) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, kind, **extra)
    return out.getvalue()


def archive() -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("run.sh", "echo CANARY-COMMENT")
    return out.getvalue()


def exif() -> Image.Exif:
    """Where and with what the picture was taken, as a telephone writes it."""
    made = Image.Exif()
    made[0x013B] = "CANARY-AUTHOR"
    made[0x010E] = "CANARY-GPS-31.2304N"
    made.get_ifd(0x8825)[29] = "2026:11:15"
    return made


def png_with_texts() -> bytes:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", "CANARY-AUTHOR")
    texts.add_text("Comment", SCRIPT.decode())
    texts.add_itxt("XML:com.adobe.xmp", "CANARY-XMP")
    return picture("PNG", pnginfo=texts)


SAMPLES = {
    "jpeg with place": picture("JPEG", exif=exif(), comment=b"CANARY-COMMENT", xmp=b"CANARY-XMP"),
    "jpeg and zip": picture("JPEG") + archive(),
    "png and page": png_with_texts() + b"<html>" + SCRIPT,
    "gif and script": picture("GIF", comment=SCRIPT + b"CANARY-COMMENT"),
    "webp with place": picture("WEBP", exif=exif(), xmp=b"CANARY-XMP"),
}


def store(content: bytes, name: str = "照片.jpg", content_type: str = "text/html") -> StoredFile:
    return files.store(SimpleUploadedFile(name, content, content_type=content_type), at=NOW)


def attach(story: Story, content: bytes, name: str = "照片.jpg") -> Attachment:
    stored = store(content, name)
    clean = files.clean_name(name, stored.content_type)
    return transitions.add_attachment(
        story.pk, by=None, file=stored, name=clean, evidence_kind=EvidenceKind.COMPLAINANT, at=NOW
    )


def body(response) -> bytes:
    return b"".join(response) if response.streaming else response.content


# --- What a preview is --------------------------------------------------------------------------
@pytest.mark.django_db
@pytest.mark.parametrize("content", SAMPLES.values(), ids=SAMPLES)
def test_fl_03_fl_11_a_preview_is_the_pixels_and_nothing_else(content):
    """Place, author, comments and the second file behind the first are gone; the picture is the same."""
    assert any(canary in content for canary in CANARIES)
    shown = previews.render(store(content))
    assert shown is not None
    assert shown.startswith(b"\xff\xd8\xff")
    assert shown.endswith(b"\xff\xd9")
    for canary in CANARIES:
        assert canary not in shown
    with Image.open(BytesIO(shown)) as image:
        assert (image.format, image.size) == ("JPEG", (60, 40))
        assert not image.getexif()
        assert "comment" not in image.info
        red, green, blue = image.convert("RGB").getpixel((30, 20))
    assert abs(red - 200) < 12
    assert abs(green - 30) < 12
    assert abs(blue - 30) < 12


@pytest.mark.django_db
def test_fl_11_a_picture_taken_sideways_stands_upright_without_its_mark():
    sideways = Image.Exif()
    sideways[0x0112] = 6
    with Image.open(BytesIO(previews.render(store(picture("JPEG", exif=sideways))))) as image:
        assert image.size == (40, 60)


@pytest.mark.django_db
def test_fl_03_a_large_picture_is_shown_smaller():
    shown = previews.render(store(picture("PNG", (4000, 1000))))
    with Image.open(BytesIO(shown)) as image:
        assert image.size == (1600, 400)


@pytest.mark.django_db
@pytest.mark.parametrize("content", [b"%PDF-1.7\n" + b" " * 100, SAMPLES["jpeg with place"][:400]], ids=["pdf", "cut"])
def test_fl_10_what_cannot_be_painted_has_no_preview(content):
    """A document has none; a damaged picture ends the program and nothing else."""
    stored = StoredFile(sha256="0" * 64, content_type="application/pdf" if content[:4] == b"%PDF" else "image/jpeg")
    real = store(picture("PNG") if content[:4] == b"%PDF" else picture("JPEG"))
    stored.sha256 = real.sha256
    if content[:4] != b"%PDF":
        files.path_of(real.sha256).parent.mkdir(parents=True, exist_ok=True)
        files.path_of(real.sha256).write_bytes(content)
    assert previews.render(stored) is None
    files.path_of(real.sha256).unlink(missing_ok=True)


# --- Who gets what -------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("content", SAMPLES.values(), ids=SAMPLES)
def test_fl_03_the_original_leaves_only_as_a_download(client, cast, content):
    """Whatever the sender called it; on the case page and on the tracking page alike."""
    story = Story(cast)
    row = attach(story, content, "照片.html")
    client.force_login(cast.intake)
    visitor = Client()
    open_case(visitor, story.case, story.receipt.access_code)
    for response in (
        client.get(f"/desk/cases/{story.case.number}/files/{row.pk}/"),
        visitor.get(f"/track/case/files/{row.pk}/"),
    ):
        assert response.status_code == 200
        assert response.headers["Content-Type"] == "application/octet-stream"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert response.headers["Content-Disposition"].startswith("attachment; ")
        assert ".html." in response.headers["Content-Disposition"]
        assert body(response) == content


@pytest.mark.django_db(transaction=True)
def test_fl_03_the_preview_is_served_as_a_picture_that_runs_nothing(client, cast):
    story = Story(cast)
    row = attach(story, SAMPLES["png and page"])
    client.force_login(cast.intake)
    page = client.get(f"/desk/cases/{story.case.number}/").content.decode()
    url = f"/desk/cases/{story.case.number}/files/{row.pk}/preview/"
    assert f'href="{url}"' in page
    response = client.get(url)
    assert response.headers["Content-Type"] == "image/jpeg"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response.headers["Cache-Control"] == "no-store"
    assert SCRIPT not in response.content


@pytest.mark.django_db(transaction=True)
def test_fl_11_reviewers_publishers_and_the_public_get_no_original(client, cast):
    """PDF author, DOCX comments, hidden sheets and places stay in originals, which these never reach."""
    story = Story(cast).to_closed()
    row = attach(story, SAMPLES["jpeg with place"])
    tail = f"/desk/cases/{story.case.number}/files/{row.pk}/"
    for who in ("reviewer", "head_of_review", "publication_checker"):
        client.force_login(getattr(cast, who))
        assert {client.get(tail).status_code, client.get(f"{tail}preview/").status_code} == {404}, who
    client.force_login(cast.auditor)
    assert {client.get(tail).status_code, client.get(f"{tail}preview/").status_code} == {403}
    assert Client().get(f"/track/case/files/{row.pk}/").status_code in (302, 403)


@pytest.mark.django_db(transaction=True)
def test_fl_10_without_a_preview_the_case_page_says_so(client, cast):
    story = Story(cast)
    row = attach(story, picture("JPEG"))
    files.path_of(row.file_id).write_bytes(b"\xff\xd8\xff\xe0 broken")
    client.force_login(cast.intake)
    response = client.get(f"/desk/cases/{story.case.number}/files/{row.pk}/preview/", follow=True)
    assert response.redirect_chain == [(f"/desk/cases/{story.case.number}/", 302)]
    assert "照片.jpg" in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "content",
    [b"<html>" + SCRIPT, b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", archive(), SCRIPT],
    ids=["page", "svg", "zip", "script"],
)
def test_fl_03_a_false_content_type_does_not_help(content):
    """Judged by content: what says it is a picture and is none is refused."""
    with pytest.raises(files.InvalidInput):
        store(content, "照片.png", content_type="image/png")


# --- The confined program --------------------------------------------------------------------------
PYTHON = [sys.executable, "-I", "-c"]
# So many seconds after its time a program that nobody ended is ended here: then the test fails instead of hanging.
BOUND = 13


def confine(program: list[str], *, seconds: int = 20, megabytes: int = 512, tmp_path: Path) -> bytes:
    source = tmp_path / "source"
    source.write_bytes(b"input")
    known = children()
    bound = threading.Timer(seconds + BOUND, lambda: [os.kill(pid, signal.SIGKILL) for pid in children() - known])
    bound.start()
    try:
        with source.open("rb") as opened:
            return confined.run(program, opened, seconds=seconds, megabytes=megabytes)
    finally:
        bound.cancel()


def test_fl_10_the_program_reads_its_input_and_knows_no_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "CANARY-SECRET")
    code = "import os, sys; print(sys.stdin.read(), sorted(set(os.environ) - {'PWD', 'LC_CTYPE'}), os.getcwd())"
    assert confine([*PYTHON, code], tmp_path=tmp_path) == b"input [] /\n"


@pytest.mark.parametrize(
    "program",
    [["/bin/sh", "-c", "kill -STOP $$; echo late"], [*PYTHON, "import time; time.sleep(600)"]],
    ids=["stopped", "asleep"],
)
def test_fl_10_a_program_that_hangs_is_killed(tmp_path, program):
    """kill -STOP on the converter: the answer is no preview, soon."""
    began = time.monotonic()
    with pytest.raises(confined.Failed):
        confine(program, seconds=2, tmp_path=tmp_path)
    assert time.monotonic() - began < BOUND


@pytest.mark.parametrize(
    "code",
    [
        "bytearray(2 * 1024 ** 3); print('done')",
        "open('/tmp/huiyin-confined-test', 'wb', buffering=0).write(b'x'); print('done')",
        "import sys; sys.stdout.buffer.write(bytes(9 * 1024 * 1024))",
        "import os; print('done', flush=True); os.abort()",
        "pass",
    ],
    ids=["memory", "file", "output", "crash", "silent"],
)
def test_fl_10_a_program_beyond_its_limits_gives_no_answer(tmp_path, code):
    with pytest.raises(confined.Failed):
        confine([*PYTHON, code], tmp_path=tmp_path)
    written = Path("/tmp/huiyin-confined-test")
    assert not written.exists() or written.stat().st_size == 0
    written.unlink(missing_ok=True)


def test_fl_10_a_program_that_only_computes_is_ended(tmp_path):
    began = time.monotonic()
    with pytest.raises(confined.Failed):
        confine([*PYTHON, "while True: pass"], seconds=1, tmp_path=tmp_path)
    assert time.monotonic() - began < BOUND


@pytest.mark.parametrize("code", ["import socket; socket.socket()", "open('/etc/hostname')"], ids=["network", "file"])
def test_fl_10_the_painter_can_open_nothing_more(code):
    """Once shut in, neither a connection nor a file."""
    start = f"import runpy; runpy.run_path({pixel_worker.__file__!r})['shut_in']()"
    tried = subprocess.run(
        [*PYTHON, f"{start}\ntry:\n    {code}\nexcept OSError as error:\n    print(error.errno)"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert tried.stdout.strip() == "24", tried.stderr
