"""Backup, restore and what must stay gone (DL-03, DL-04, DL-06, I8, FI-X), on whole installations of their own."""

from __future__ import annotations

import gzip
import io
import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import zlib
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import psycopg2
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from accounts import takedowns
from accounts.takedowns import Entry, What
from complaints import files
from complaints.tests.factories import at
from config import startup
from config.settings import environment
from tests import services
from tests import settings as test_settings

# The marker keeps them in the round on PostgreSQL; the work is done by processes with databases of their own.
pytestmark = [pytest.mark.django_db, pytest.mark.slow]

KEY = "dGVzdC1maWVsZC1rZXktb2YtaHVpeWluLTMyLWJ5dGU="
OTHER_KEY = "YW5vdGhlci1maWVsZC1rZXktb2YtaHVpeWluLTMyYnk="
PHONE = "13900007788"
PRELUDE = """
import hashlib, json, os
from pathlib import Path
import django
django.setup()
from datetime import timedelta
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken
from accounts import people, takedowns, tokens
from accounts.models import User
from complaints import drafts, events, files, jobs, numbers, triggers
from complaints.models import CaseEvent, Complaint, IntakeDraft, NumberCounter, StoredFile
from complaints.tests.factories import Story, registered
from config import dumps
from publication import comments, statements, transitions
from publication.models import Comment, Publication, PublishedResult, Statement
LEFT_BEHIND = ("accounts_securityevent", "complaints_numbercounter")
now = timezone.now()
person = lambda number: User.objects.get(staff_number=number)
def tell(**values):
    print(json.dumps(values, default=str))
def digest():
    # Every row of every table, but for what a restore itself leaves behind.
    whole = hashlib.sha256()
    with connection.cursor() as cursor:
        for name in sorted(dumps.tables(dumps.live)):
            if name in (*dumps.PASSING, *LEFT_BEHIND):
                continue
            cursor.execute(f'SELECT * FROM "{name}"')
            whole.update("".join([name, *sorted(map(repr, cursor.fetchall()))]).encode())
    return whole.hexdigest()
def refused(*arguments):
    try:
        call_command(*arguments)
    except CommandError as error:
        return str(error), error.returncode
    return "", 0
"""
BUILD = """
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]
from complaints import transitions as case_transitions
from tests.cast import cast as fixture
from publication.tests.factories import approved, closed_story, draft, posted, published
from publication.tests.test_statements import TEXTS
cast = fixture._get_wrapped_function()(None)
with_file = closed_story(cast)
stored = files.store(SimpleUploadedFile("a.pdf", b"%PDF-1.7\\n" + b"report " * 60), at=now)
other = Story(cast).accept().assign().start()
case_transitions.add_attachment(
    other.pk, by=cast.intake, file=stored, name="水质检测.pdf", source="市疾控中心", evidence_kind="test_report", at=now
)
shown = posted(draft(cast, with_file), cast)
waiting = approved(draft(cast), cast)
remark = comments.leave(published(9).pk, text="要装备用泵")
comments.show(remark.pk, by=cast.publisher, seen="waiting", shown_text="要装备用泵")
said = statements.draft([other.pk], by=cast.coordinator, **TEXTS)
statements.submit(said.pk, by=cast.coordinator)
statements.check(said.pk, by=cast.checker)
statements.pass_legal(said.pk, by=cast.counsel)
statements.publish(said.pk, by=cast.publisher)
unfiled, _token = drafts.begin(at=now - timedelta(days=1))
drafts.keep(unfiled.pk, "contact", {"phone": "PHONE"})
tokens.issue(cast.intake, days=30)
events.anchor(day=timezone.localdate())
""".replace("PHONE", PHONE)


@dataclass(frozen=True)
class Site:
    """An installation: its data folder, its database and the backup the test made of it."""

    data: Path
    url: str
    keys: str = KEY

    @property
    def file(self) -> Path:
        return self.data.parent / "copies" / "huiyin.tar.gz"

    def environment(self) -> dict[str, str]:
        extra = {"HUIYIN_FIELD_KEYS": self.keys, "SECRET_KEY": "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz"}
        found = services.find_postgres()
        extra["PATH"] = f"{found}{os.pathsep}{os.environ['PATH']}" if found else os.environ["PATH"]
        if self.url:
            extra["DATABASE_URL"] = self.url
        return services.django_environment(self.data, **extra)

    def manage(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return self._process("manage.py", *map(str, arguments))

    def done(self, *arguments: object) -> dict[str, Any]:
        answer = self.manage(*arguments, "--json")
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)

    def python(self, code: str, **values: object) -> dict[str, Any]:
        """What `tell` said last in code that runs inside this installation."""
        given = "".join(f"{name} = {value!r}\n" for name, value in values.items())
        answer = self._process("-c", PRELUDE + given + dedent(code))
        assert answer.returncode == 0, answer.stderr
        said = answer.stdout.strip().splitlines()
        return json.loads(said[-1]) if said else {}

    def _process(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command], cwd=services.ROOT, env=self.environment(), capture_output=True, text=True
        )


def create_database(template: str = "") -> str:
    """A database of its own on the server of this run; its URL."""
    name = f"huiyin_backup_{secrets.token_hex(6)}"
    with closing(psycopg2.connect(os.environ["HUIYIN_TEST_DATABASE_URL"])) as server:
        server.autocommit = True
        with server.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))
    return os.environ["HUIYIN_TEST_DATABASE_URL"].rpartition("/")[0] + f"/{name}"


def drop_database(url: str) -> None:
    with closing(psycopg2.connect(os.environ["HUIYIN_TEST_DATABASE_URL"])) as server:
        server.autocommit = True
        with server.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{url.rpartition("/")[2]}" WITH (FORCE)')


@pytest.fixture(scope="module")
def built(tmp_path_factory, django_db_setup, django_db_blocker):
    """An installation with cases, files, results and statements; made once, copied for each test."""
    data = tmp_path_factory.mktemp("built") / "data"
    data.mkdir()
    with django_db_blocker.unblock():
        connection.close()  # PostgreSQL copies only what nobody is connected to
    migrated = connection.settings_dict["NAME"]
    if test_settings.ON_SQLITE:
        with closing(sqlite3.connect(migrated)) as old, closing(sqlite3.connect(data / "huiyin.sqlite3")) as new:
            old.backup(new)
    site = Site(data, "" if test_settings.ON_SQLITE else create_database(migrated))
    site.python(BUILD)
    yield site
    if site.url:
        drop_database(site.url)


@pytest.fixture
def fresh(tmp_path):
    """Makes installations without anything in them."""
    made = []

    def make(name: str = "fresh", template: str = "") -> Site:
        url = "" if test_settings.ON_SQLITE else create_database(template)
        made.append(url)
        data = tmp_path / name
        data.mkdir()
        (tmp_path / "copies").mkdir(exist_ok=True)
        return Site(data, url)

    yield make
    for url in filter(None, made):
        drop_database(url)


@pytest.fixture
def site(built, fresh):
    copy = fresh("data", built.url.rpartition("/")[2])
    shutil.copytree(built.data, copy.data, dirs_exist_ok=True)
    return copy


def repacked(source: Path, target: Path, change) -> Path:
    """The same backup with another manifest."""
    with tarfile.open(source) as old, tarfile.open(target, "w:gz") as new:
        for info in old:
            content = old.extractfile(info).read()
            if info.name == "manifest.json":
                manifest = json.loads(content)
                change(manifest)
                content = json.dumps(manifest).encode()
                info.size = len(content)
            new.addfile(info, io.BytesIO(content))
    return target


# --- There and back -------------------------------------------------------------------------------
def test_dl_03_a_restore_brings_back_exactly_what_was_saved(site):
    """Rows, files and log are those of the backup; later cases are named as lost, their numbers not given again."""
    before = site.python("tell(digest=digest())")["digest"]
    made = site.done("backup", site.file)
    assert (made["cases"], made["bytes"]) == (3, site.file.stat().st_size)
    assert site.file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in site.file.parent.iterdir()] == [site.file.name]
    with tarfile.open(site.file) as packed:
        content = b"".join(packed.extractfile(info).read() for info in packed)
    assert KEY.encode() not in content
    assert KEY.encode() not in gzip.decompress(site.file.read_bytes())
    changed = site.python(
        """
        late = registered(timezone.localtime().strftime("%Y-%m-%d %H:%M")).complaint
        Complaint.objects.update(subject="改过的")
        files.path_of(StoredFile.objects.get().sha256).unlink()
        events.anchor(day=timezone.localdate() + timedelta(days=1))
        tell(number=late.number, digest=digest())
        """
    )
    assert changed["digest"] != before
    refusal = site.manage("restore", site.file)
    assert (refusal.returncode, refusal.stdout) == (1, "")
    assert "holds 4 cases; add --overwrite" in refusal.stderr
    restored = site.done("restore", site.file, "--overwrite")
    assert (restored["lost"], restored["journal"], restored["migrated"]) == ([changed["number"]], "read", False)
    after = site.python(
        """
        again = registered(timezone.localtime().strftime("%Y-%m-%d %H:%M"))
        number = again.complaint.number
        tell(number=number)
        """
    )
    assert int(after["number"][-4:]) == int(changed["number"][-4:]) + 1
    assert site.done("restore", site.file, "--overwrite")["lost"] == [after["number"]]
    assert site.python("tell(digest=digest())")["digest"] == before
    whole = site.done("restore_check", "--backup", site.file)
    assert (whole["ok"], whole["files"]) == (True, 1)
    assert whole["keys"] > 3
    assert len(list((site.data / "anchors").glob("before-restore-*/*.json"))) >= 2


def test_an_older_backup_is_brought_up_to_date(site):
    site.python("call_command('migrate', 'mfa', '0002', verbosity=0)")
    site.done("backup", site.file)
    site.python("call_command('migrate', verbosity=0)")
    assert site.done("restore", site.file, "--overwrite")["migrated"] is True
    assert site.manage("migrate", "--check").returncode == 0
    assert site.done("restore_check")["ok"] is True


# --- What must stay gone --------------------------------------------------------------------------
TAKE_DOWN = """
    shown = PublishedResult.objects.exclude(publication_number="GS-202611-0009").get()
    transitions.take_down(Publication.objects.get(status="posted").pk, by=person("M001"), reason="张桂芳要求")
    later = transitions.publish(Publication.objects.get(status="approved").pk, by=person("P002"))
    transitions.take_down(Publication.objects.get(status="posted").pk, by=person("M001"), reason="有误")
    said = Statement.objects.get()
    statements.take_down(said.pk, by=person("M001"), reason="有误")
    remark = Comment.objects.get()
    comments.hide(remark.pk, by=person("P002"), seen="shown", reason="重复")
    tokens.revoke(person("A001"))
    people.close(person("A002").pk, reason="离职", by=person("M001"))
    jobs.purge_expired(now=now + timedelta(days=2))
    tell(shown=shown.public_id, later=later.public_id, said=said.public_id, about=remark.result.public_id)
"""
LOOK = """
    client = Client(HTTP_HOST="127.0.0.1")
    def status(path):
        return client.get(path).status_code
    tell(
        shown=status(f"/results/{shown}/"), later=status(f"/results/{later}/"), said=status(f"/statements/{said}/"),
        remark=client.get(f"/results/{about}/").content.decode().count("备用泵"),
        file=status(f"/results/{later}/files/{later}"), never=status(f"/results/{later[::-1]}/"),
        listed=client.get("/open-data/results.json").getvalue().decode().count(shown),
        drafts=IntakeDraft.objects.count(),
        tokens=AuthToken.objects.count(), open=person("A002").is_active,
        states=sorted(Publication.objects.values_list("status", flat=True)),
        result=CaseEvent.objects.filter(kind="publication_take_down", actor=None).count(),
    )
"""


def test_dl_04_take_downs_and_erasures_after_the_backup_stay(site):
    """I8: 410 stays 410, an erased telephone number stays erased, what waited to be posted waits for its author."""
    site.done("backup", site.file)
    gone = site.python(TAKE_DOWN)
    journal = (site.data / "takedowns.jsonl").read_text(encoding="utf-8")
    assert [json.loads(line)["what"] for line in journal.splitlines()] == [
        "result", "result", "statement", "comment", "token", "access", "purge",
    ]  # fmt: skip
    assert "张桂芳" not in journal
    assert PHONE not in journal
    assert (site.data / "takedowns.jsonl").stat().st_mode & 0o777 == 0o600
    assert site.done("restore", site.file, "--overwrite")["applied"] == 6
    expected = {
        "shown": 410, "later": 410, "said": 410, "remark": 0, "file": 410, "never": 404,
        "listed": 0, "drafts": 0, "tokens": 0, "open": False, "states": ["draft", "withdrawn"], "result": 1,
    }  # fmt: skip
    assert site.python(LOOK, **gone) == expected
    assert site.done("restore_check")["takedowns"] >= 6
    assert site.done("restore", site.file, "--overwrite")["applied"] == 6
    assert site.python(LOOK, **gone) == expected


def test_dl_04_on_another_machine_the_journal_has_to_come_along(site, fresh):
    """Without it the command says so; with it a second restore takes down again. Nobody knows the last numbers."""
    site.done("backup", site.file)
    gone = site.python(TAKE_DOWN)
    there = fresh("elsewhere")
    answer = there.manage("restore", site.file, "--json")
    assert answer.returncode == 0
    assert "takedowns.jsonl) was missing" in answer.stderr
    restored = json.loads(answer.stdout)
    assert (restored["journal"], restored["lost"]) == ("missing", None)
    assert there.python(LOOK, **gone)["shown"] == 200
    jumped = there.python('tell(number=registered(timezone.localtime().strftime("%Y-%m-%d %H:%M")).complaint.number)')
    assert jumped["number"].endswith("-1001")
    shutil.copy(site.data / "takedowns.jsonl", there.data)
    missed = there.manage("restore_check", "--json")
    assert missed.returncode == 1
    assert "is back" in json.loads(missed.stdout)["what"]
    assert there.done("restore", site.file, "--overwrite")["applied"] == 6
    assert there.python(LOOK, **gone)["shown"] == 410
    assert there.done("restore_check")["ok"] is True


def test_dl_04_a_take_down_the_journal_missed_is_read_from_the_database(site):
    """A crash between the commit and the line, or a journal somebody deleted, brings nothing back."""
    site.done("backup", site.file)
    gone = site.python(TAKE_DOWN)
    (site.data / "takedowns.jsonl").unlink()
    site.done("restore", site.file, "--overwrite")
    found = site.python(LOOK, **gone)
    assert (found["shown"], found["said"], found["states"]) == (410, 410, ["draft", "withdrawn"])


# --- Refused --------------------------------------------------------------------------------------
def flipped(packed: bytes, place: int) -> bytes:
    """The file with one bit turned over, at the next place from there where that changes what it holds."""
    content = gzip.decompress(packed)
    while True:
        damaged = bytearray(packed)
        damaged[place] ^= 1
        try:
            if gzip.decompress(damaged) != content:
                return bytes(damaged)
        except (OSError, EOFError, zlib.error):
            return bytes(damaged)
        place += 1


def test_dl_03_a_backup_that_is_not_whole_or_does_not_fit_changes_nothing(site, tmp_path):
    site.done("backup", site.file)
    whole = site.file.read_bytes()
    bad = {}
    for place in (len(whole) // 7, len(whole) // 2, len(whole) - 6):
        bad[tmp_path / f"flip-{place}"] = flipped(whole, place)
    bad[tmp_path / "cut"] = whole[: len(whole) // 2]
    bad[tmp_path / "empty"] = b""
    for path, content in bad.items():
        path.write_bytes(content)
    newer = repacked(site.file, tmp_path / "newer", lambda row: row["migrations"].append("complaints.9999_later"))
    other = repacked(site.file, tmp_path / "other", lambda row: row.update(database="oracle"))
    short = repacked(site.file, tmp_path / "short", lambda row: row["members"].pop())
    said = site.python(
        """
        before = digest()
        answers = {name: refused("restore", path, "--overwrite") for name, path in paths.items()}
        tell(answers=answers, same=digest() == before, left=sorted(os.listdir(settings.DATA_DIR)))
        """,
        paths={path.name: str(path) for path in (*bad, newer, other, short, tmp_path / "nowhere")},
    )
    assert said["same"] is True
    assert [name for name in said["left"] if name.startswith((".restore", "restore"))] == []
    answers = said["answers"]
    assert {code for _text, code in answers.values()} == {1}
    assert "complaints.9999_later" in answers["newer"][0]
    assert "is of oracle" in answers["other"][0]
    assert "does not name" in answers["short"][0]
    assert "There is no" in answers["nowhere"][0]
    assert all("\n" not in text for text, _code in answers.values())
    wrong = replace(site, keys=OTHER_KEY).manage("restore", site.file, "--overwrite")
    assert wrong.returncode == 1
    assert "other keys" in wrong.stderr
    swapped = replace(site, keys=f"{KEY},{OTHER_KEY}").manage("restore", site.file, "--overwrite")
    assert "The last of HUIYIN_FIELD_KEYS" in swapped.stderr
    assert site.python("tell(ok=Complaint.objects.count())") == {"ok": 3}


def test_a_site_that_runs_is_not_restored(site):
    site.done("backup", site.file)
    if test_settings.ON_SQLITE:
        running: Any = sqlite3.connect(site.data / "huiyin.sqlite3")
        running.execute("SELECT count(*) FROM complaints_complaint").fetchall()
    else:
        running = psycopg2.connect(site.url)
    with closing(running):
        answer = site.manage("restore", site.file, "--overwrite")
    assert answer.returncode == 1
    assert "is in use" in answer.stderr
    assert not (site.data / startup.UNFINISHED).exists()
    assert site.done("restore", site.file, "--overwrite")["lost"] == []


def test_dl_03_no_backup_lacks_a_file_and_none_is_half_written(site):
    """A file that vanished or was changed is named; the place of the backup stays empty."""
    said = site.python(
        """
        digest = StoredFile.objects.get().sha256
        place = files.path_of(digest)
        content = place.read_bytes()
        answers = []
        for damage in (b"", content[:-1], content + b"x", content[:-1] + b"x"):
            place.unlink(missing_ok=True)
            if damage:
                place.write_bytes(damage)
            answers.append(refused("backup", target))
            answers.append(refused("restore_check"))
        left = os.listdir(Path(target).parent)
        place.write_bytes(content)
        whole = refused("backup", target)
        again = refused("backup", target)
        nowhere = refused("backup", target + "/x/y")
        tell(digest=digest, answers=answers, left=left, whole=whole, again=again, nowhere=nowhere)
        """,
        target=str(site.file),
    )
    assert {code for _text, code in said["answers"]} == {1}
    assert all(said["digest"] in text for text, _code in said["answers"])
    assert said["left"] == []
    assert said["whole"] == ["", 0]
    assert "exists already" in said["again"][0]
    assert said["nowhere"][1] == 1


def test_dl_03_restore_check_names_what_is_wrong(site):
    said = site.python(
        """
        before = refused("restore_check")
        PublishedResult.objects.update(withdrawn_at=None)
        posted = Publication.objects.filter(status="posted")
        posted.update(status="withdrawn")
        visible = refused("restore_check")
        Publication.objects.filter(status="withdrawn").update(status="posted")
        settings.FIELD_KEYS = [other]
        keys = refused("restore_check")
        settings.FIELD_KEYS = [key]
        for statement in triggers.append_only(connection.vendor, "complaints_caseevent")[1]:
            with connection.cursor() as cursor:
                cursor.execute(statement)
        row = CaseEvent.objects.order_by("pk")[2]
        CaseEvent.objects.filter(pk=row.pk).update(note="别的理由")
        tell(before=before, visible=visible, keys=keys, broken=refused("restore_check"), row=row.sequence)
        """,
        key=KEY, other=OTHER_KEY,
    )  # fmt: skip
    assert said["before"] == ["", 0]
    assert "is visible" in said["visible"][0]
    assert "HUIYIN_FIELD_KEYS" in said["keys"][0]
    assert f"#{said['row']}" in said["broken"][0]
    (site.data / startup.UNFINISHED).write_text("{}")
    assert "did not finish" in site.manage("restore_check").stderr


# --- Small parts ----------------------------------------------------------------------------------
def test_a_restore_that_broke_off_keeps_the_site_from_starting(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    startup.refuse_bad_start()
    (tmp_path / startup.UNFINISHED).write_text("{}")
    with pytest.raises(ImproperlyConfigured, match="A restore did not finish"):
        startup.refuse_bad_start()


def test_a_line_of_the_journal_that_a_crash_cut_harms_no_other(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    assert not takedowns.read().is_there
    first, second = (Entry(What.RESULT, key, at("2026-11-20 09:00"), "GS-202611-0001") for key in "ab")
    takedowns.append([first])
    with takedowns.path().open("a") as out:
        out.write('{"at": "2026-')
    takedowns.append([second])
    assert takedowns.read() == takedowns.Journal(True, (first, second), damaged=1)


def test_storage_lives_where_the_address_says(monkeypatch, settings, tmp_path):
    monkeypatch.setenv("HUIYIN_STORAGE_URL", f"file://{tmp_path}/with%20space")
    settings.STORAGE_DIR = environment.read().storage
    assert files.path_of("ab" * 32) == tmp_path / "with space" / "ab" / "ab" / ("ab" * 32)
    monkeypatch.setenv("HUIYIN_STORAGE_URL", "")
    assert environment.read().storage is None


@pytest.mark.parametrize(
    "url", ["s3://id:very-secret@bucket/x", "files", "file://host/x", "file:///", f"file://{__file__}", "file:///x?y=1"]
)
def test_another_kind_of_storage_stops_the_start(monkeypatch, url):
    """The address may hold a key, so it is not repeated."""
    monkeypatch.setenv("HUIYIN_STORAGE_URL", url)
    with pytest.raises(ImproperlyConfigured, match="HUIYIN_STORAGE_URL") as refused:
        environment.read()
    assert "very-secret" not in str(refused.value)
