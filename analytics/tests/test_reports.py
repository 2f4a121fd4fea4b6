"""Reports: frozen once, built once, resumed after a kill, approved by another person (AN-19…29, JT-03, EX-09)."""

import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.tests.factories import user
from analytics import building, jobs, reporting, transitions
from analytics.models import Report, ReportFile
from analytics.periods import parse
from analytics.states import ReportStatus
from complaints.models import JobRun, Notification
from complaints.tests.factories import Story, at, registered

NOW = at("2026-12-02 09:00")


@pytest.fixture
def month(cast):
    """November 2026 with one closed and one open case, and a second manager."""
    Story(cast).to_closed()
    registered("2026-11-20 09:00", phone="13800000009")
    cast.manager2 = user("M002", "manager", departments=[cast.root], display_name="何建国")
    return cast


@pytest.fixture
def draft(month):
    """The data edition of November as it stands after its text is drafted; documents are not written."""
    report = transitions.request_report("2026-11", edition="data", by=month.manager, at=NOW)
    fill(report)
    return report


def fill(report):
    """What the builder does before it writes documents."""
    assert transitions.claim(report.pk, at=NOW)
    run = building._Run(report.pk, claimed_at=NOW)
    run.freeze()
    run.write_sections()
    transitions.finish(report.pk, claimed_at=run.claimed_at, at=NOW)
    report.refresh_from_db()
    return report


# --- Asking for a report ------------------------------------------------------------------------


def test_asking_twice_gives_the_same_report(month):
    first = transitions.request_report("2026-11", edition="data", by=month.manager, at=NOW)
    again = transitions.request_report("2026-11", edition="data", by=month.manager2, at=NOW)
    assert (again.pk, Report.objects.count()) == (first.pk, 1)
    other = transitions.request_report("2026-11", edition="risk", by=month.manager, at=NOW)
    assert other.pk != first.pk


@pytest.mark.parametrize(
    ("period", "field"), [("2026-12", "period"), ("2027-01", "period"), ("2026-Q4", "period"), ("nonsense", "period")]
)
def test_an_unfinished_or_unreadable_period_is_refused(month, period, field):
    with pytest.raises(InvalidInput) as refused:
        transitions.request_report(period, edition="data", by=month.manager, at=NOW)
    assert (refused.value.field, Report.objects.count()) == (field, 0)


@pytest.mark.parametrize("person", ["intake", "water_head", "head_of_review", "auditor", "administrator"])
def test_only_holders_of_the_permission_build(month, person):
    with pytest.raises(NotAllowed):
        transitions.request_report("2026-11", edition="data", by=getattr(month, person), at=NOW)
    assert Report.objects.count() == 0


def test_the_month_is_reported_from_the_first_of_the_next_one(month):
    """AN-19, FB-17: three editions of the month and the feedback report, once; after a quarter the quarter too."""
    jobs.build_due_reports(now=at("2026-12-01 06:00"))
    jobs.build_due_reports(now=at("2026-12-01 07:00"))
    assert sorted(Report.objects.values_list("period", "edition")) == [
        ("2026-11", "data"),
        ("2026-11", "experience"),
        ("2026-11", "feedback"),
        ("2026-11", "risk"),
    ]
    jobs.build_due_reports(now=at("2027-01-03 06:00"))
    assert set(Report.objects.exclude(period="2026-11").values_list("period", flat=True)) == {"2026-12", "2026-Q4"}
    assert JobRun.objects.filter(job="build_report").count() == 3


# --- Building ------------------------------------------------------------------------------------


def test_only_one_worker_gets_a_build(month):
    report = transitions.request_report("2026-11", edition="data", by=month.manager, at=NOW)
    assert [transitions.claim(report.pk, at=NOW) for _ in range(3)] == [True, False, False]


def test_a_build_whose_worker_died_is_taken_over_and_the_old_one_stops(month):
    """JT-03: after the lease another worker goes on; the first one's next step is refused."""
    report = transitions.request_report("2026-11", edition="data", by=month.manager, at=NOW)
    transitions.claim(report.pk, at=NOW)
    late = NOW + transitions.LEASE + timedelta(seconds=1)
    assert not transitions.claim(report.pk, at=NOW + timedelta(minutes=1))
    assert transitions.claim(report.pk, at=late)
    assert not transitions.advance(report.pk, claimed_at=NOW, at=late, step=5)
    assert transitions.advance(report.pk, claimed_at=late, at=late, step=1)


def test_the_sweep_finds_lost_and_abandoned_builds(month, django_capture_on_commit_callbacks):
    report = transitions.request_report("2026-11", edition="data", by=month.manager, at=NOW)
    with django_capture_on_commit_callbacks():
        assert jobs.sweep_reports(now=NOW + timedelta(seconds=30))["builds"] == 0
        assert jobs.sweep_reports(now=NOW + timedelta(minutes=2))["builds"] == 1
        transitions.claim(report.pk, at=NOW)
        assert jobs.sweep_reports(now=NOW + timedelta(minutes=2))["builds"] == 0
        assert jobs.sweep_reports(now=NOW + timedelta(minutes=6))["builds"] == 1


def test_a_killed_build_goes_on_where_it_stopped(month):
    """JT-03: frozen figures and finished sections are kept although the tables changed in between."""
    report = transitions.request_report("2026-11", edition="data", by=month.manager, at=NOW)
    transitions.claim(report.pk, at=NOW)
    run = building._Run(report.pk, claimed_at=NOW)
    run.freeze()
    drafted = reporting.draft(run.report).to_dict()
    first = {**drafted["sections"][0], "paragraphs": ["由第一个工作进程写成。"]}
    run.save(snapshot={**drafted, "sections": [first]}, step=1, steps=13)
    frozen = Report.objects.get(pk=report.pk).figures
    registered("2026-11-25 09:00", phone="13800000077")

    Report.objects.filter(pk=report.pk).update(claimed_at=NOW - timedelta(hours=1))
    assert transitions.claim(report.pk, at=NOW)
    successor = building._Run(report.pk, claimed_at=NOW)
    successor.freeze()
    successor.write_sections()
    report.refresh_from_db()
    assert report.figures == frozen
    assert report.snapshot["sections"][0]["paragraphs"] == ["由第一个工作进程写成。"]
    assert (report.step, report.steps, len(report.snapshot["sections"])) == (10, 13, 10)


def test_figures_are_frozen_and_hashed(draft):
    """EX-09: the hash covers the figures and not the time of computing."""
    again = reporting.freeze(parse("2026-11"), at=NOW + timedelta(days=3))
    assert reporting.fingerprint(again) == draft.inputs_hash == reporting.fingerprint(draft.figures)
    registered("2026-11-25 09:00", phone="13800000077")
    changed = reporting.freeze(parse("2026-11"), at=NOW)
    assert reporting.fingerprint(changed) != draft.inputs_hash
    assert draft.figures["figures"]["received"]["value"] == 2


@pytest.mark.slow
def test_a_report_is_written_as_three_documents(month):
    """The whole build: DOCX, XLSX and PDF of the same snapshot, told to whoever asked."""
    at_once = timezone.now()
    report = transitions.request_report("2026-11", edition="data", by=month.manager, at=max(NOW, at_once))
    assert building.build(report.pk)
    report.refresh_from_db()
    assert (report.status, report.step, report.steps) == (ReportStatus.DRAFT, 13, 13)
    files = {row.format: row for row in report.files.all()}
    assert sorted(files) == ["docx", "pdf", "xlsx"]
    for format, magic in (("docx", b"PK"), ("xlsx", b"PK"), ("pdf", b"%PDF")):
        path = building.folder() / files[format].path
        assert path.read_bytes()[: len(magic)] == magic
        assert path.stat().st_size == files[format].size
    assert list((building.folder() / "2026-11").glob("*.part")) == []
    with zipfile.ZipFile(building.folder() / files["docx"].path) as archive:
        text = archive.read("word/document.xml").decode()
    assert "2026 年 11 月" in text or "2026, month 11" in text
    assert Notification.objects.filter(kind="report_ready", recipient=month.manager).count() == 1
    assert not building.build(report.pk)  # nothing left to do
    assert building.render(report.pk) == 0


def test_a_broken_disk_is_told_and_the_build_can_go_on(month):
    """FI-J: the report shows the reason, keeps its text and is built on afterwards."""
    blocker = building.folder()
    blocker.parent.mkdir(parents=True, exist_ok=True)
    kept = blocker.with_name("reports-aside")
    if blocker.exists():
        blocker.rename(kept)
    blocker.write_text("no folder")
    try:
        report = transitions.request_report("2026-11", edition="data", by=month.manager, at=NOW)
        assert not building.build(report.pk)
        report.refresh_from_db()
        assert (report.status, report.error, len(report.snapshot["sections"])) == (ReportStatus.FAILED, "storage", 10)
        assert Notification.objects.filter(kind="report_failed", recipient=month.manager).count() == 1
    finally:
        blocker.unlink()
        if kept.exists():
            kept.rename(blocker)
    figures = report.figures
    transitions.rebuild(report.pk, by=month.manager, at=NOW)
    report.refresh_from_db()
    assert (report.status, report.error, report.figures) == (ReportStatus.QUEUED, "", figures)


# --- The text --------------------------------------------------------------------------------------


@pytest.mark.parametrize("edition", ["data", "experience", "risk"])
def test_every_edition_has_its_sections_and_names_nobody(month, edition):
    """AN-20…28; the draft holds no name, number or text of a case (COM-07)."""
    report = Report(
        period="2026-11", edition=edition, requested_at=NOW, figures=reporting.freeze(parse("2026-11"), at=NOW)
    )
    snapshot = reporting.draft(report)
    keys = [section.key for section in snapshot.sections]
    assert keys[0] == "overall"
    assert keys[-1] == "outlook"
    assert {"timeliness", "cases", "problems", "causes", "measures"} <= set(keys)
    assert len(keys) == len(set(keys)) == 10
    text = snapshot.to_json()
    for private in (
        "张桂芳",
        "13800002417",
        "zhang@example.cn",
        "柳桥三村",
        "槐荫里",
        "HY-2026",
        "停水，到 16 日",
        "赵启明",
    ):
        assert private not in text, private


def test_an_empty_month_still_makes_a_readable_report(cast):
    report = Report(
        period="2026-11", edition="data", requested_at=NOW, figures=reporting.freeze(parse("2026-11"), at=NOW)
    )
    report.snapshot = reporting.draft(report).to_dict()
    assert all(section.paragraphs for section in reporting.printed(report).sections)


def test_small_cells_are_left_empty_in_documents(draft):
    """Fewer than five cases of a department: the cell is empty, the total stays."""
    row = draft.figures["breakdowns"]["department"][0]
    assert (row["received"]["value"], row["received"]["suppressed"]) == (None, True)
    assert draft.figures["figures"]["received"]["value"] == 2


def test_shares_of_charts_and_text_agree_when_cells_are_empty(cast):
    """EX-09: what is left empty is one group of the chart, so no share grows by leaving cells out."""
    for n in range(15):
        channel = "web" if n < 7 else "phone" if n < 13 else "counter"
        registered("2026-11-10 09:00", phone=f"1380000{n:04}", email="", channel=channel)
    report = Report(period="2026-11", requested_at=NOW, figures=reporting.freeze(parse("2026-11"), at=NOW))
    section = next(section for section in reporting.draft(report).sections if section.key == "distribution")
    # Two from the counter would show beside seven, six and the total.
    assert [count for _label, count in section.charts[0].data["points"]] == [7, 8]
    assert "46.7%" in section.paragraphs[0]


# --- Editing, approval, release -----------------------------------------------------------------------


def test_editing_changes_the_text_and_outdates_the_documents(draft, month):
    old = building.path_of(draft, "pdf")
    ReportFile.objects.create(report=draft, format="pdf", path=old, size=1, sha256="0" * 64, at=NOW)
    assert set(building.current_files(draft, draft.files.all())) == {"pdf"}
    report = transitions.edit_section(
        draft.pk, key="problems", text="第一段。\n\n- 第一条\n- 第二条", by=month.manager, version=draft.version, at=NOW
    )
    section = next(section for section in report.snapshot["sections"] if section["key"] == "problems")
    assert (section["paragraphs"], section["points"]) == (["第一段。"], ["第一条", "第二条"])
    assert reporting.text_of(section) == "第一段。\n- 第一条\n- 第二条"
    assert building.current_files(report, report.files.all()) == {}
    assert report.figures == draft.figures


def test_a_stale_or_empty_edit_changes_nothing(draft, month):
    transitions.edit_section(draft.pk, key="outlook", text="甲", by=month.manager, version=draft.version, at=NOW)
    with pytest.raises(StaleVersion):
        transitions.edit_section(draft.pk, key="outlook", text="乙", by=month.manager2, version=draft.version, at=NOW)
    for key, text, field in (("outlook", " \n ", "text"), ("nothing", "丙", "key"), ("outlook", "长" * 20_001, "text")):
        with pytest.raises(InvalidInput) as refused:
            transitions.edit_section(draft.pk, key=key, text=text, by=month.manager, at=NOW)
        assert refused.value.field == field
    draft.refresh_from_db()
    assert next(s for s in draft.snapshot["sections"] if s["key"] == "outlook")["paragraphs"] == ["甲"]


def test_neither_the_requester_nor_an_editor_approves(draft, month):
    """AN-29: approval is another person's; release follows approval and closes the text."""
    with pytest.raises(NotAllowed):
        transitions.approve(draft.pk, by=month.manager, at=NOW)
    with pytest.raises(IllegalTransition):
        transitions.release(draft.pk, by=month.manager2, at=NOW)
    transitions.edit_section(draft.pk, key="outlook", text="甲", by=month.manager2, at=NOW)
    with pytest.raises(NotAllowed):
        transitions.approve(draft.pk, by=month.manager2, at=NOW)
    third = user("M003", "manager", departments=[month.root])
    transitions.approve(draft.pk, by=third, at=NOW)
    with pytest.raises(IllegalTransition):
        transitions.edit_section(draft.pk, key="outlook", text="乙", by=month.manager, at=NOW)
    report = transitions.release(draft.pk, by=third, at=NOW)
    assert (report.status, report.approved_by, report.released_at) == (ReportStatus.RELEASED, third, NOW)
    assert reporting.printed(report).approval.startswith("M003")


def test_a_correction_is_a_new_revision(draft, month):
    """AN-03: the released revision keeps its figures; the new one counts what came later."""
    transitions.approve(draft.pk, by=month.manager2, at=NOW)
    transitions.release(draft.pk, by=month.manager2, at=NOW)
    registered("2026-11-25 09:00", phone="13800000077")
    second = transitions.revise(draft.pk, reason="补登一件", by=month.manager, at=NOW)
    assert (second.revision, second.status) == (2, ReportStatus.QUEUED)
    fill(second)
    draft.refresh_from_db()
    assert (draft.figures["figures"]["received"]["value"], second.figures["figures"]["received"]["value"]) == (2, 3)
    with pytest.raises(IllegalTransition):
        transitions.revise(draft.pk, reason="再次更正", by=month.manager, at=NOW)
    assert transitions.request_report("2026-11", edition="data", by=month.manager, at=NOW).pk == second.pk


def test_the_documents_lie_below_the_data_folder_and_name_nobody(draft):
    path = building.path_of(draft, "pdf")
    assert path == "2026-11/2026-11-data-r1-v0.pdf"
    assert building.folder() == Path(settings.DATA_DIR) / "reports"


def test_an_old_rendering_is_never_recorded_for_a_new_text(draft, month):
    """Two renderings race: the one of the older version is dropped."""
    transitions.edit_section(draft.pk, key="outlook", text="甲", by=month.manager, at=NOW)
    dropped = transitions.store_file(
        draft.pk, version=draft.version, format="pdf", path="2026-11/old.pdf", size=1, sha256="0" * 64, at=NOW
    )
    assert (dropped, ReportFile.objects.count()) == ("2026-11/old.pdf", 0)
