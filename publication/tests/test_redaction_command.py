"""The command ``redact`` keeps to its contract (PUB-19)."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]


def run(data: str | bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "manage.py", "redact", "--json", *arguments],
        input=data if isinstance(data, bytes) else data.encode(),
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=60,
    )


def test_each_line_is_answered_by_one_line_and_nothing_else() -> None:
    lines = [
        {"id": "a", "text": "😀张桂芳电话13812345678", "known": {"names": ["张桂芳"]}},
        {"id": 2, "text": "没有隐私"},
        {"id": "c", "text": "\ud800x"},
    ]
    done = run("\n".join(json.dumps(line) for line in lines) + "\n\n")
    assert (done.returncode, done.stderr) == (0, b"")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {
            "id": "a",
            "spans": [[1, 4, "person"], [6, 17, "phone"]],
            "output": "😀张某电话138****5678",
            "verdict": "warn",
            "reasons": ["partial:person", "partial:phone"],
        },
        {"id": 2, "spans": [], "output": "没有隐私", "verdict": "pass", "reasons": []},
        {"id": "c", "spans": [], "output": "\ud800x", "verdict": "pass", "reasons": []},
    ]


def in_process(data: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> io.BytesIO:
    """The command without a new interpreter; the returned buffer receives what it prints."""
    printed = io.BytesIO()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data.encode())))
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(printed))
    call_command("redact", "--json", *arguments)
    return printed


def test_the_strict_profile_writes_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = in_process('{"id": 1, "text": "电话13812345678"}', monkeypatch, "--profile", "strict")
    assert json.loads(printed.getvalue())["output"] == "电话〔电话已隐去〕"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: not valid JSON"),
        ("[]", "line 2: expected an object"),
        ('{"id": 1}', "line 2: text: missing"),
        ('{"text": ""}', "line 2: id: missing"),
        ('{"id": 1, "text": 5}', "line 2: text: expected a string"),
        ('{"id": 1, "text": "", "known": {"names": "x"}}', "line 2: known.names: expected a list of strings"),
        ('{"id": 1, "text": "", "known": {"mail": []}}', "line 2: known.mail: unknown field"),
        ('{"id": 1, "text": "", "knwon": {}}', "line 2: knwon: unknown field"),
    ],
)
def test_a_bad_line_is_named_with_its_field(line: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError) as refused:
        in_process('{"id": 0, "text": "好"}\n' + line, monkeypatch)
    assert str(refused.value).startswith(message)


def test_a_refused_run_exits_with_1_and_one_line() -> None:
    """The lines before the bad one are answered."""
    done = run('{"id": 0, "text": "好"}\n{"id": 1}')
    assert (done.returncode, len(done.stdout.splitlines())) == (1, 1)
    assert done.stderr.decode().strip() == "CommandError: line 2: text: missing"


def test_an_unknown_profile_is_a_wrong_argument() -> None:
    assert run("", "--profile", "lenient").returncode == 2


def test_a_reader_who_leaves_early_is_told_in_one_line() -> None:
    with subprocess.Popen(
        [sys.executable, "manage.py", "redact", "--json"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        process.stdout.close()
        process.stdout = None
        _, told = process.communicate(b'{"id": 1, "text": "x"}\n', timeout=60)
    assert process.returncode == 1
    assert told.decode().strip() == "CommandError: the output was closed before the last line; read all of it"
