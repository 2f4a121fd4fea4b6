"""Work on a report until it is released: remarks, release, correction, typical cases, a killed worker (AN-19…30)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from datetime import date, timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.tests.factories import user
from analytics import building, jobs, problem_feed, projects, remarks, reporting, transitions
from analytics.models import Project, Report, ReportComment, ReportFile
from analytics.periods import parse
from analytics.registry import SMALL
from analytics.states import Edition, ReportStatus
from analytics.tests.months import accepted, closed
from analytics.tests.test_problems import plan
from analytics.tests.test_reports import NOW, fill
from complaints import jobs as case_jobs
from complaints import transitions as case_transitions
from complaints.models import Category, Complaint, Deadline, Dimension, ImprovementAction, Notification
from complaints.states import Channel, EmotionIntensity, InvestigationKind
from complaints.tests import test_import_threats
from complaints.tests.factories import Story, at, improvement_words, registered
from tests.services import ROOT

environment = test_import_threats.environment


@pytest.fixture
def month(cast):
    """A closed case of October, and a second manager."""
    closed(cast)
    cast.manager2 = user("M002", "manager", departments=[cast.root], display_name="何建国")
    return cast


@pytest.fixture
def draft(month):
    return fill(transitions.request_report("2026-10", edition="data", by=month.manager, at=NOW))


def page(client, person, report):
    client.force_login(person)
    return client.get(reverse("analytics:report", args=[report.pk])).content.decode()


def sections(report):
    return {section["key"]: section for section in report.snapshot["sections"]}


def test_imp_01_each_problem_of_a_released_report_is_taken_over_in_its_words(client, draft, month):
    points = ("重复投诉占 15.5%，按单件解决 & 仍反复出现。", "答复退回重办 7 次 <b>。")
    text = "".join(f"- {point}\n" for point in points)
    draft = transitions.edit_section(draft.pk, key="problems", text=text, by=month.manager, at=NOW)
    assert "point=" not in page(client, month.manager, draft)
    transitions.approve(draft.pk, by=month.manager2, at=NOW)
    transitions.release(draft.pk, by=month.manager2, at=NOW)
    links = re.findall(r'href="([^"]*point=[^"]*)"', page(client, month.manager, draft))
    assert len(links) == len(points)
    form = client.get(unescape(links[0])).context["form"]
    assert (form["description"].value(), form["reference"].value()) == (points[0], draft.period)
    assert "point=" not in page(client, month.auditor, draft)


def test_imp_01_the_words_of_a_report_stay_out_of_the_address(client, draft, month):
    """They would be kept in logs, and a web server refuses an address as long as such a point may be."""
    point = "重复投诉按单件解决后仍反复出现。" * 60
    transitions.edit_section(draft.pk, key="problems", text=f"- {point}", by=month.manager, at=NOW)
    transitions.approve(draft.pk, by=month.manager2, at=NOW)
    transitions.release(draft.pk, by=month.manager2, at=NOW)
    [link] = re.findall(r'href="([^"]*point=[^"]*)"', page(client, month.manager, draft))
    assert len(link) < 200
    assert client.get(unescape(link)).context["form"]["description"].value() == point
    address = reverse("analytics:problem_enter")
    for report, place in (("", 1), (draft.pk, 0), (draft.pk, 2), ("x", 1), (draft.pk, "0" * 18 + "1" * 30)):
        assert client.get(address, {"report": report, "point": place}).status_code == 404


# --- Remarks ----------------------------------------------------------------------------------------


def test_an_29_a_remark_stands_at_its_section_and_stops_the_approval_until_settled(client, draft, month):
    client.force_login(month.manager2)
    url = reverse("analytics:remark", args=[draft.pk, "problems"])
    assert reporting.text_of(sections(draft)["problems"])[:10] in client.get(url).content.decode()
    answer = client.post(url, {"text": "第二条没有数字，请补上。"})
    assert answer["Location"].endswith(f"/desk/reports/{draft.pk}/#section-problems")
    assert Notification.objects.filter(kind="report_remark", recipient=month.manager).count() == 1
    html = page(client, month.manager2, draft)
    assert "第二条没有数字" in html
    assert reverse("analytics:approve", args=[draft.pk]) not in html
    client.post(reverse("analytics:approve", args=[draft.pk]), {"version": draft.version})
    draft.refresh_from_db()
    assert draft.status == ReportStatus.DRAFT

    row = ReportComment.objects.get()
    client.force_login(month.manager)
    assert client.post(reverse("analytics:settle_remark", args=[row.pk])).status_code == 302
    row.refresh_from_db()
    assert (row.settled_by, row.section) == (month.manager, "problems")
    with pytest.raises(IllegalTransition):
        remarks.settle(row.pk, by=month.manager2, at=NOW)
    assert reverse("analytics:approve", args=[draft.pk]) in page(client, month.manager2, draft)
    transitions.approve(draft.pk, by=month.manager2, at=NOW)


def test_an_29_remarks_are_for_those_who_work_on_reports(client, draft, month):
    row = remarks.add(draft.pk, section="summary", text="太长", by=month.manager2, at=NOW)
    for person in (month.intake, month.auditor):
        client.force_login(person)
        assert client.get(reverse("analytics:remark", args=[draft.pk, "summary"])).status_code == 404
        assert client.post(reverse("analytics:settle_remark", args=[row.pk])).status_code == 404
    with pytest.raises(NotAllowed):
        remarks.add(draft.pk, section="summary", text="不行", by=month.intake, at=NOW)
    remarks.settle(row.pk, by=month.manager, at=NOW)
    transitions.approve(draft.pk, by=month.manager2, at=NOW)
    transitions.release(draft.pk, by=month.manager2, at=NOW)
    with pytest.raises(IllegalTransition):
        remarks.add(draft.pk, section="summary", text="晚了", by=month.manager, at=NOW)
    assert "太长" not in page(client, month.intake, draft)


def test_an_29_an_empty_remark_or_one_on_no_section_changes_nothing(client, draft, month):
    client.force_login(month.manager2)
    empty = client.post(reverse("analytics:remark", args=[draft.pk, "outlook"]), {"text": " "})
    assert (empty.status_code, set(empty.context["form"].errors)) == (422, {"text"})
    assert client.get(reverse("analytics:remark", args=[draft.pk, "nothing"])).status_code == 404
    for section, text, field in (("nothing", "甲", "section"), ("outlook", "长" * 2001, "text")):
        with pytest.raises(InvalidInput) as refused:
            remarks.add(draft.pk, section=section, text=text, by=month.manager2, at=NOW)
        assert refused.value.field == field
    assert not ReportComment.objects.exists()


def test_the_page_of_a_report_costs_the_same_with_remarks(client, draft, month, django_assert_num_queries):
    client.force_login(month.manager)
    url = reverse("analytics:report", args=[draft.pk])
    client.get(url)
    with django_assert_num_queries(8) as bare:
        client.get(url)
    for key in ("overall", "outlook", "problems"):
        remarks.add(draft.pk, section=key, text="请改", by=month.manager2, at=NOW)
    Notification.objects.all().delete()
    with django_assert_num_queries(len(bare)):
        client.get(url)


# --- Release ------------------------------------------------------------------------------------------


def test_an_30_a_released_report_is_brought_to_management_with_a_link(draft, month, mailoutbox):
    transitions.approve(draft.pk, by=month.manager2, at=NOW)
    transitions.release(draft.pk, by=month.manager2, at=NOW)
    case_jobs.deliver_notifications(now=timezone.now())
    told = set(Notification.objects.filter(kind="report_released").values_list("recipient__staff_number", flat=True))
    assert told >= {"M001", "M002", "W003"}
    mails = [mail for mail in mailoutbox if f"/desk/reports/{draft.pk}/" in mail.body]
    assert {"m001@example.cn", "w003@example.cn"} <= {mail.to[0] for mail in mails}
    assert all("2026-10" in mail.subject for mail in mails if mail.to[0] == "w003@example.cn")


def test_an_19_on_the_first_every_edition_is_asked_for_and_its_builders_get_the_link(month, mailoutbox):
    jobs.build_due_reports(now=at("2026-11-01 06:00"))
    found = Report.objects.order_by("pk")
    assert sorted(found.values_list("edition", flat=True)) == sorted(Edition.values)
    report = fill(found.get(edition="data"))
    case_jobs.deliver_notifications(now=timezone.now())
    [mail] = [mail for mail in mailoutbox if mail.to == ["m001@example.cn"]]
    assert f"/desk/reports/{report.pk}/" in mail.body


def test_an_19_a_period_before_the_first_complaint_is_refused_in_words(client, month):
    client.force_login(month.manager)
    with pytest.raises(InvalidInput) as refused:
        transitions.request_report("2026-08", edition="data", by=month.manager, at=NOW)
    assert (refused.value.field, Report.objects.count()) == ("period", 0)
    assert "2026" in str(refused.value)
    assert transitions.request_report("2026-10", edition="data", by=month.manager, at=NOW)


def test_an_19_an_office_without_complaints_is_asked_for_no_report(cast):
    assert jobs.build_due_reports(now=at("2026-11-01 06:00")) == {}
    assert not Report.objects.exists()


# --- Correction ---------------------------------------------------------------------------------------


def test_an_19_a_correction_says_why_and_which_figures_changed(client, draft, month):
    transitions.approve(draft.pk, by=month.manager2, at=NOW)
    transitions.release(draft.pk, by=month.manager2, at=NOW)
    registered("2026-10-25 09:00", phone="13800000077")
    client.force_login(month.manager)
    url = reverse("analytics:revise", args=[draft.pk])
    assert client.get(url).status_code == 200
    empty = client.post(url, {"by_first": "0"})
    assert (empty.status_code, set(empty.context["form"].errors), Report.objects.count()) == (422, {"reason"}, 1)
    assert client.post(url, {"by_first": "0", "reason": "补登了一件投诉"}).status_code == 302
    second = fill(Report.objects.get(revision=2))
    first = second.snapshot["sections"][0]
    assert first["key"] == "changes"
    assert "补登了一件投诉" in first["paragraphs"][0]
    rows = {row[0]: row[2:] for row in first["tables"][0]["rows"]}
    assert ["1", "2"] in rows.values()
    assert (second.step, second.steps) == (second.steps, 14)
    assert "补登了一件投诉" in page(client, month.manager, second)
    edited = transitions.edit_section(second.pk, key="outlook", text="甲", by=month.manager, at=NOW)
    assert edited.snapshot["reason"] == "补登了一件投诉"


def test_an_19_a_correction_without_a_difference_says_so(draft, month):
    second = fill(transitions.revise(draft.pk, reason="核对", by=month.manager2, at=NOW))
    assert second.snapshot["sections"][0]["tables"] == []
    assert len(second.snapshot["sections"][0]["paragraphs"]) == 2


# --- Sections -----------------------------------------------------------------------------------------


def test_an_23_typical_cases_tell_course_investigation_result_and_problems_and_nobody(cast):
    story = Story(cast, "2026-10-12 09:00").accept("2026-10-12 10:00").assign("2026-10-12 10:30")
    story.start("2026-10-12 11:00")
    for kind in (InvestigationKind.SITE, InvestigationKind.SITE, InvestigationKind.RECORDS):
        case_transitions.add_investigation_step(
            story.pk, by=cast.water_handler, kind=kind, summary="到柳桥三村现场找张桂芳核实", at=at("2026-10-13 09:00")
        )
    case_transitions.add_improvement(
        story.pk, by=cast.water_handler, department=cast.water, at=at("2026-10-13 10:00"), **improvement_words()
    )
    story.submit("2026-10-14 15:00").reply("2026-10-15 10:00").call_back("2026-10-16 10:00").close("2026-10-19 16:00")
    Complaint.objects.filter(pk=story.pk).update(late_reason="investigation", return_rounds=2, is_systemic=True)
    report = Report(period="2026-10", requested_at=NOW, figures=reporting.freeze(parse("2026-10"), at=NOW))
    section = next(section for section in reporting.draft(report).sections if section.key == "cases")
    assert len(section.points) == 4
    course, investigation, result, problems = section.points
    assert "不单列的类别" in course  # one case of the kind only
    assert "不单列的部门" in course
    assert re.search(r"2.*1", investigation)
    assert re.search(r"\d", result)
    assert "2" in problems
    text = "".join(section.points)
    assert not [word for word in ("张桂芳", "柳桥", "供水集团", "HY-", "赵启明") if word in text]


def test_an_23_a_kind_the_report_shows_with_a_number_is_named_in_its_cases(cast):
    closed(cast)
    for number in range(SMALL):
        accepted(cast, phone=f"1380000{number:04}", email="")
    report = Report(period="2026-10", requested_at=NOW, figures=reporting.freeze(parse("2026-10"), at=NOW))
    [shown] = [row for row in report.figures["breakdowns"]["category"] if row["received"]["value"]]
    section = next(section for section in reporting.draft(report).sections if section.key == "cases")
    assert shown["received"]["value"] == SMALL + 1
    assert shown["label"] in section.points[0]


def drafted(edition, period="2026-10"):
    """The sections of an edition by key, and all of it as text."""
    report = Report(period=period, edition=edition, requested_at=NOW, figures=reporting.freeze(parse(period), at=NOW))
    snapshot = reporting.draft(report)
    return {section.key: section for section in snapshot.sections}, snapshot.to_json()


def test_an_27_the_experience_edition_tells_emotions_and_cases_that_went_well(cast):
    """AN-16: the mood stands in the first section; a case with rework or an unhappy answer is no good example."""
    mood = Category.objects.filter(dimension=Dimension.EMOTION).first()
    good = closed(cast)
    Complaint.objects.filter(pk=good.pk).update(emotion_intensity=EmotionIntensity.ANGRY, channel="counter")
    Complaint.objects.get(pk=good.pk).emotions.add(mood)
    returned = closed(cast, phone="13800000001", email="")
    Complaint.objects.filter(pk=returned.pk).update(rework_rounds=1, channel="phone")
    late = closed(cast, phone="13800000002", email="")
    Deadline.objects.filter(complaint=late.pk, milestone="reply").update(state="missed")
    unhappy = Story(cast, "2026-10-12 09:00", phone="13800000003", email="").accept("2026-10-12 10:00")
    unhappy.assign("2026-10-12 10:30").start("2026-10-12 11:00").submit("2026-10-14 15:00").reply("2026-10-15 10:00")
    unhappy.call_back("2026-10-16 10:00", satisfaction="dissatisfied").close("2026-10-19 16:00", note="投诉人不接受")
    found, text = drafted("experience")
    assert "25.0%" not in found["overall"].paragraphs[-1]  # one case of four
    assert mood.label not in found["overall"].paragraphs[-1]  # noted once: too few to be told
    assert len(found["cases"].points) == 4
    assert str(Channel.COUNTER.label) in found["cases"].points[0]
    assert "angry at first" in found["cases"].points[3] or "情绪激烈" in found["cases"].points[3]
    assert len(drafted("data")[0]["cases"].points) > 4
    assert not [word for word in ("张桂芳", "柳桥", "HY-2026") if word in text]


def test_an_27_emotions_noted_often_enough_are_named(cast):
    mood = Category.objects.filter(dimension=Dimension.EMOTION).first()
    for number in range(SMALL):
        story = accepted(cast, phone=f"1380000{number:04}", email="")
        Complaint.objects.get(pk=story.pk).emotions.add(mood)
    Complaint.objects.update(emotion_intensity=EmotionIntensity.ANGRY)
    for number in range(SMALL):
        accepted(cast, phone=f"1390000{number:04}", email="")
    told = drafted("experience")[0]["overall"].paragraphs[-1]
    assert f"{mood.label} {SMALL}" in told
    assert "50.0%" in told


def test_an_28_the_risk_edition_tells_types_of_legal_risk_and_cases_of_risk(cast):
    """AN-18: types by number; an ordinary case is no risk case, however long it took."""
    legal = Category.objects.filter(dimension=Dimension.LEGAL).first()
    ordinary = closed(cast)
    Complaint.objects.filter(pk=ordinary.pk).update(channel="phone", rework_rounds=9)
    for number in range(SMALL):
        story = accepted(cast, phone=f"1380000{number:04}", email="")
        Complaint.objects.filter(pk=story.pk).update(legal_type=legal)
        accepted(cast, phone=f"1370000{number:04}", email="")
    assert drafted("risk")[0]["cases"].points == ()
    risky = closed(cast, phone="13900000001", email="")
    Complaint.objects.filter(pk=risky.pk).update(risk_grade="high", legal_type=legal, channel="counter")
    found, text = drafted("risk")
    assert [row[:2] for row in found["risks"].tables[-1].rows] == [(legal.label, SMALL + 1)]
    assert legal.label in found["risks"].paragraphs[-1]
    assert len(found["cases"].points) == 4
    assert str(Channel.COUNTER.label) in found["cases"].points[0]
    assert legal.label in found["cases"].points[0]
    assert not [word for word in ("张桂芳", "柳桥", "HY-2026") if word in text]


def test_an_22_measures_have_somebody_who_carries_them_out_and_a_date(cast):
    """AN-25: what is proposed and what is under way, by department with the next date; no word of a case."""
    story = closed(cast)
    case = Complaint.objects.get(pk=story.pk)
    problem = problem_feed.take_up(
        "case",
        f"{case.category_id}-{case.lead_department_id}",
        title="停水告知不及时",
        description="停水前没有告知。",
        is_major=False,
        by=cast.coordinator,
        at=NOW,
    )
    work = plan(cast, title="提前告知", due_on=date(2026, 12, 20))
    project = projects.start(problem.pk, by=cast.coordinator, at=NOW, **work)
    Project.objects.filter(pk=project.pk).update(created_at=at("2026-10-30 09:00"))
    Complaint.objects.filter(pk=story.pk).update(lead_department=cast.water)
    Deadline.objects.filter(complaint=story.pk, milestone__in=["reply", "resolve"]).update(state="missed")
    for number in range(2 * SMALL):  # enough on both sides for a rate that may leave the office
        other = accepted(cast, phone=f"1380000{number:04}", email="")
        clocks = Deadline.objects.filter(complaint=other.pk, milestone__in=["reply", "resolve"])
        clocks.update(state="missed" if number < SMALL else "met", stopped_at=at("2026-10-20 10:00"))
    for due_on, what in ((date(2026, 10, 20), "柳桥三村换管"), (date(2026, 11, 25), "短信提前告知")):
        ImprovementAction.objects.create(
            complaint_id=story.pk, what=what, department=cast.water, due_on=due_on, created_at=at("2026-10-13 10:00")
        )
    found, text = drafted("data")
    measures = found["measures"]
    assert "2026-11-30" in measures.points[0]  # the end of the period that follows
    projects_table, by_department = measures.tables
    assert projects_table.rows == (("提前告知", cast.water.name, "2026-12-20", 0),)
    assert by_department.rows == ((cast.water.name, 2, 1, "2026-11-25"),)
    assert "柳桥" not in text


def test_an_22_a_measure_names_the_department_that_is_worst(cast):
    for number in range(SMALL):
        story = closed(cast, phone=f"1380000{number:04}", email="")
        Deadline.objects.filter(complaint=story.pk, milestone__in=["reply", "resolve"]).update(state="missed")
    department = Complaint.objects.get(pk=story.pk).lead_department
    assert department.name in drafted("data")[0]["measures"].points[0]


@pytest.mark.parametrize(
    ("requirement", "edition", "keys"),
    [
        ("AN-20", "data", {"overall", "distribution", "timeliness", "satisfaction"}),
        ("AN-21", "data", {"problems"}),
        ("AN-22", "data", {"measures"}),
        ("AN-23", "data", {"cases"}),
        ("AN-24", "data", {"problems", "causes"}),
        ("AN-25", "data", {"measures"}),
        ("AN-26", "data", {"outlook"}),
        ("AN-27", "experience", {"satisfaction", "cases", "problems", "causes", "measures", "team", "outlook"}),
        ("AN-28", "risk", {"risks", "cases", "problems", "measures", "rules", "outlook"}),
    ],
)
def test_every_section_asked_for_is_there_to_read(client, month, requirement, edition, keys):
    report = fill(transitions.request_report("2026-10", edition=edition, by=month.manager, at=NOW))
    found = sections(report)
    assert keys <= found.keys()
    html = page(client, month.manager, report)
    for key in keys:
        assert found[key]["heading"] in html
        assert found[key]["paragraphs"]


# --- Building -----------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
import django
django.setup()
from analytics import building

save = building._Run.save

def die(self, **fields):
    save(self, **fields)
    if fields.get("step") == 7:
        os.kill(os.getpid(), signal.SIGKILL)

building._Run.save = die
building.build(int(sys.argv[1]))
"""


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_an_29_a_worker_killed_at_section_7_of_13_leaves_one_report_that_is_built_on(month, environment, client):
    """JT-03: a real process is killed; nobody sees half a report; the successor writes each section and file once."""
    report = transitions.request_report("2026-10", edition="data", by=month.manager, at=timezone.now())
    command = [sys.executable, "-c", KILLED, str(report.pk)]
    killed = subprocess.run(command, cwd=ROOT, env=environment, timeout=120)
    assert killed.returncode == -9
    report.refresh_from_db()
    assert (report.status, report.step, report.steps) == (ReportStatus.BUILDING, 7, 13)
    kept = report.snapshot["sections"]
    assert (len(kept), ReportFile.objects.count()) == (7, 0)
    client.force_login(month.intake)
    assert client.get(reverse("analytics:report", args=[report.pk])).status_code == 404
    assert not building.build(report.pk)  # its lease still runs

    Report.objects.filter(pk=report.pk).update(claimed_at=timezone.now() - transitions.LEASE - timedelta(seconds=1))
    assert jobs.sweep_reports()["builds"] == 1
    assert building.build(report.pk)
    frozen = report.figures
    report = Report.objects.get()
    assert (report.status, report.step, report.steps) == (ReportStatus.DRAFT, 13, 13)
    assert report.snapshot["sections"][:7] == kept
    assert len({section["key"] for section in report.snapshot["sections"]}) == len(report.snapshot["sections"]) == 10
    assert report.figures == frozen
    assert sorted(ReportFile.objects.values_list("format", flat=True)) == ["docx", "pdf", "xlsx"]
    assert Notification.objects.filter(kind="report_ready").count() == 1


def test_an_19_two_workers_at_once_make_one_report(month, monkeypatch):
    """The second one starts while the first computes; it finds the build taken and writes nothing."""
    report = transitions.request_report("2026-10", edition="data", by=month.manager, at=timezone.now())
    written, answers = [], []
    freeze = reporting.freeze

    def computing(*args, **values):
        answers.append(building.build(report.pk))
        return freeze(*args, **values)

    monkeypatch.setattr(reporting, "freeze", computing)
    monkeypatch.setattr(building, "write", lambda report, format: written.append(format) or True)
    assert building.build(report.pk)
    assert (answers, written) == ([False], ["docx", "xlsx", "pdf"])
    assert Notification.objects.filter(kind="report_ready").count() == 1


def test_an_29_what_a_killed_worker_left_half_written_is_cleared_away(draft, monkeypatch):
    place = building.folder() / draft.period
    place.mkdir(parents=True, exist_ok=True)
    left, fresh = place / "old.1.part", place / "new.2.part"
    for part in (left, fresh):
        part.write_bytes(b"half")
    long_ago = time.time() - building.HALF_WRITTEN - 1
    os.utime(left, (long_ago, long_ago))
    monkeypatch.setattr(building, "renderer", lambda format: lambda snapshot, path: path.write_bytes(b"whole"))
    assert building.write(draft, "pdf")
    assert (left.exists(), fresh.exists()) == (False, True)
    fresh.unlink()
    (building.folder() / building.path_of(draft, "pdf")).unlink()
