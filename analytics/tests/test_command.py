"""build_report PERIOD: files, exit codes, one line of advice on stderr (contract, AN-19)."""

import subprocess
import sys
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from analytics.models import Report
from complaints.tests.factories import Story
from tests.services import ROOT, django_environment


@pytest.mark.slow
def test_it_writes_the_documents_asked_for(cast, tmp_path):
    Story(cast, "2026-08-17 09:12").accept("2026-08-17 10:00")
    out = StringIO()
    call_command(
        "build_report",
        "2026-08",
        "--edition",
        "risk",
        "--format",
        "xlsx,docx",
        "--out",
        str(tmp_path / "a" / "b"),
        stdout=out,
    )
    written = sorted(path.name for path in (tmp_path / "a" / "b").iterdir())
    assert written == ["2026-08-risk-r1.docx", "2026-08-risk-r1.xlsx"]
    assert out.getvalue().split() == [
        str(tmp_path / "a" / "b" / name) for name in ("2026-08-risk-r1.xlsx", "2026-08-risk-r1.docx")
    ]
    assert Report.objects.count() == 0


@pytest.mark.parametrize(
    ("period", "extra", "code"),
    [
        ("2026-13", [], 2),
        ("soon", [], 2),
        ("2026-08", ["--format", "html"], 2),
        ("2026-08", ["--format", ""], 2),
        ("2098-01", [], 1),
    ],
)
def test_a_refusal_says_why_and_has_its_exit_code(db, tmp_path, period, extra, code):
    with pytest.raises(CommandError) as refused:
        call_command("build_report", period, "--out", str(tmp_path / "out"), *extra)
    assert refused.value.returncode == code
    assert str(refused.value).strip()
    assert "\n" not in str(refused.value)


@pytest.mark.slow
def test_wrong_arguments_end_with_2(tmp_path):
    for arguments in (["2026-08"], ["2026-08", "--out", "x", "--edition", "short"]):
        ended = subprocess.run(
            [sys.executable, "manage.py", "build_report", *arguments],
            cwd=ROOT,
            env=django_environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ended.returncode == 2
