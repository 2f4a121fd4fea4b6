"""A draw leaves the system as a document and is repeated from it alone (REV-23, RI-09)."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from complaints.tests.factories import Story, at
from review import draws
from review.models import SampleDraw


@pytest.fixture
def document(cast, tmp_path, capsys, db):
    for _case in range(8):
        Story(cast).to_closed()
    draws.commit("2026-11", by=None, at=at("2026-11-10 09:00"))
    draws.draw("2026-11", by=None, at=at("2026-12-01 09:00"))
    call_command("export_sample", "2026-11", "--json")
    path = tmp_path / "draw.json"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    return path


def test_the_document_repeats_the_draw(document, capsys):
    call_command("verify_sample", str(document), "--json")
    assert json.loads(capsys.readouterr().out) == {
        "ok": True,
        "problems": [],
        "period": "2026-11",
        "frame": 8,
        "picks": 1,
    }


def test_an_exchanged_pick_shows(document, capsys):
    content = json.loads(document.read_text(encoding="utf-8"))
    drawn = content["picks"][0]["number"]
    content["picks"][0]["number"] = next(row[0] for row in content["frame"] if row[0] != drawn)
    document.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(CommandError) as caught:
        call_command("verify_sample", str(document), "--json")
    assert caught.value.returncode == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False
    # The whole line is in the language of the commands.
    assert str(caught.value).isascii()


@pytest.mark.django_db
def test_what_was_not_drawn_cannot_be_exported(cast):
    with pytest.raises(CommandError, match="2026-09"):
        call_command("export_sample", "2026-09")
    draws.commit("2026-11", by=None, at=at("2026-11-10 09:00"))
    with pytest.raises(CommandError, match="There is no draw of 2026-11; drawn periods are: none yet"):
        call_command("export_sample", "2026-11", "--json")


def test_other_files_are_refused(tmp_path):
    other = tmp_path / "x.json"
    other.write_text("not json")
    with pytest.raises(CommandError, match="not JSON"):
        call_command("verify_sample", str(other))
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("verify_sample", str(tmp_path / "none.json"))


@pytest.mark.django_db
def test_ri_15_a_month_nobody_committed_is_not_drawn_by_the_job_and_a_drawn_one_stays(cast, capsys):
    """The job at a later time: a late commitment is none, and a second run finds the draw as it is."""
    Story(cast).to_closed()
    call_command("run_job", "draw_sample", "--now", "2026-12-01T09:00:00+08:00", "--json")
    assert json.loads(capsys.readouterr().out)["drawn"] == []
    assert not SampleDraw.objects.filter(period="2026-11").exists()
    draws.commit("2026-11", by=None, at=at("2026-11-10 09:00"))
    drawn = []
    for day in ("01", "02"):
        call_command("run_job", "draw_sample", "--now", f"2026-12-{day}T10:00:00+08:00", "--json")
        drawn.append(json.loads(capsys.readouterr().out)["drawn"])
    assert drawn == [["2026-11"], []]
    assert SampleDraw.objects.get(period="2026-11").drawn_at == at("2026-12-01 10:00")


@pytest.mark.parametrize("period", ["2026-13", "2026-Q3", "11-2026"])
def test_a_period_that_is_no_month_is_named(period, db):
    with pytest.raises(CommandError, match=period):
        call_command("run_job", "draw_sample", period=period)
    with pytest.raises(CommandError, match="2026-10"):  # what a month looks like
        call_command("run_job", "draw_sample", period=period)
