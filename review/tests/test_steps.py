"""Inside a review: clocks of the steps, records asked of departments, the five sets, the process, the checks."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from complaints import clocks as case_clocks
from complaints import transitions as case_transitions
from complaints.models import (
    Allegation,
    Attachment,
    CalendarDay,
    CalendarYear,
    Contact,
    InvestigationStep,
    Note,
    Notification,
    PartyStatement,
    PolicyRule,
    Promise,
    Question,
    ScanState,
    StoredFile,
    SupplementRequest,
)
from complaints.states import EvidenceKind
from complaints.tests.factories import Story, at, registered
from review import (
    alert_standard,
    checks,
    clocks,
    dossier,
    materials,
    process_timeline,
    record_sets,
    report,
    review_figures,
    step_jobs,
    step_limits,
    transitions,
)
from review.models import AlertStandard, LimitStandard, MaterialRequest, ReviewCase, StepClock
from review.states import MaterialKind, ReviewStep
from review.tests.test_review_flow import OPENED, Steps

pytestmark = pytest.mark.django_db

ASKED = at("2026-11-24 09:30")
PDF = b"%PDF-1.4\n%%EOF"
WORDS = {
    "recorded": "用户已满意",
    "source": checks.NO_EVIDENCE,
    "evidence": "没有录音",
    "agrees": False,
    "explanation": "另行回访",
}


@pytest.fixture
def story(cast):
    return Story(cast).to_closed()


def applied(cast, phone):
    """The steps of a review somebody has just applied for."""
    story = Story(cast, phone=phone).to_closed()
    return Steps(
        transitions.apply(story.pk, reasons=["not_solved"], text="没有说清", channel="web", at=at(OPENED)), cast
    )


@pytest.fixture
def steps(story, cast):
    review = transitions.apply(
        story.pk, reasons=["not_solved"], text="停水的原因没有说清", channel="web", at=at(OPENED)
    )
    return Steps(review, cast)


@pytest.fixture
def verifying(steps, cast):
    """Records collected, the check has begun."""
    steps.set_up().assign()
    transitions.collect(steps.pk, by=cast.reviewer, at=at("2026-11-23 11:00"))
    transitions.start_verification(steps.pk, by=cast.reviewer, at=at("2026-11-24 09:00"))
    return steps


def stored(name="a", state=ScanState.UNCHECKED):
    return StoredFile.objects.create(
        sha256=name * 64, size=3, content_type="image/png", stored_at=at(OPENED), scan_state=state
    )


def asked(steps, cast, **changes):
    values = {
        "department": cast.water,
        "what": "首次联系的通话录音",
        "due_on": at("2026-11-26 00:00").date(),
        **changes,
    }
    return materials.request(steps.pk, by=cast.reviewer, at=ASKED, **values)


def url(steps, page=""):
    return f"/desk/reviews/{steps.review.number}/{page}"


# --- The clocks of the seven steps --------------------------------------------------------------------
def test_rev_01_each_step_has_a_clock_that_stops_when_the_next_begins(steps):
    steps.set_up().assign().verify().report().opinions().finalise()
    rows = {row.step: row for row in StepClock.objects.filter(review=steps.pk)}
    assert set(rows) == set(ReviewStep.values) - {"rectification"}
    assert rows["screening"].due_at == steps.review.screening_due_at == at("2026-11-25 17:30")
    assert rows["screening"].stopped_at == rows["material"].started_at == at("2026-11-23 10:00")
    assert rows["material"].due_at == at("2026-11-30 17:30")
    assert rows["conclusion"].due_at == steps.review.decision_due_at
    assert rows["notice"].stopped_at is None


def test_rev_01_a_step_the_review_returns_to_runs_again(steps, cast):
    steps.set_up().assign().verify().report()
    before = StepClock.objects.get(review=steps.pk, step="check")
    transitions.return_report(steps.pk, by=cast.reviewer2, reason="补充调度日志", at=at("2026-12-01 09:00"))
    after = StepClock.objects.get(review=steps.pk, step="check")
    assert before.stopped_at is not None
    assert (after.stopped_at, after.started_at) == (None, before.started_at)
    assert after.due_at > before.due_at
    assert StepClock.objects.get(review=steps.pk, step="conclusion").stopped_at == at("2026-12-01 09:00")


def test_rev_01_the_page_shows_what_is_late_and_the_job_tells_once(client, cast, steps):
    steps.set_up().assign()
    late = at("2026-12-02 09:25")
    assert step_jobs.watch(now=at("2026-11-30 17:00"))["steps"] == 0
    assert step_jobs.watch(now=late)["steps"] == 1
    assert step_jobs.watch(now=late + timedelta(hours=1))["steps"] == 0
    told = Notification.objects.filter(kind="review_step_late")
    assert set(told.values_list("recipient", flat=True)) == {
        cast.reviewer.pk,
        cast.reviewer2.pk,
        cast.head_of_review.pk,
    }
    line = next(row for row in clocks.lines(steps.review, now=late) if row.is_current)
    assert (line.label, line.is_late) == (str(ReviewStep.MATERIAL.label), True)
    figure = clocks.figures(now=late)[2]
    assert (figure.begun, figure.running, figure.overdue, figure.ended_late) == (1, 1, 1, 0)
    client.force_login(cast.reviewer)
    assert str(ReviewStep.MATERIAL.label) in client.get(url(steps)).content.decode()
    assert client.get("/desk/reviews/steps/").status_code == 200


def test_rev_01_the_limits_can_be_set(settings, steps):
    settings.REVIEW_STEP_DAYS = {"material": 1}
    steps.set_up()
    assert StepClock.objects.get(review=steps.pk, step="material").due_at == at("2026-11-24 17:30")


def test_rev_26_a_setting_for_screening_or_conclusion_stands_beside_the_policy_too(client, settings, cast):
    """Until the head edits the limits: an empty field on the page then leaves the step to the policy again."""
    settings.REVIEW_STEP_DAYS = {"screening": 1, "conclusion": 10}
    steps = applied(cast, "13811111111")
    assert steps.review.screening_due_at == at("2026-11-24 17:30")
    assert steps.set_up().review.decision_due_at == at("2026-12-07 17:30")
    client.force_login(cast.head_of_review)
    values = {"material": 5, "check": 7, "notice": 3, "rectification": 30, "note": "照旧", "based_on": 1, "save": "1"}
    assert client.get("/desk/reviews/limits/edit/").context["form"]["screening"].value() == 1
    assert client.post("/desk/reviews/limits/edit/", values).status_code == 302
    assert applied(cast, "13811112222").review.screening_due_at == at("2026-11-25 17:30")


def test_sla_12_without_a_calendar_a_review_has_no_date_and_says_so_until_the_year_is_there(client, cast, steps):
    """Nothing fails and nothing is guessed; each date then counts from when it would have."""
    year = CalendarYear.objects.get(year=2026)
    days = list(CalendarDay.objects.filter(day__year=2026))
    CalendarDay.objects.filter(day__year=2026).delete()
    CalendarYear.objects.filter(pk=year.pk).delete()
    case_clocks.forget_calendar()
    undated = applied(cast, "13811112222")
    assert undated.review.screening_due_at is None
    assert not undated.review.clocks.exists()
    client.force_login(cast.head_of_review)
    for page in ("/desk/reviews/", url(undated)):
        assert "缺工作日历" in strip_tags(client.get(page).content.decode())
    assert client.get(f"/api/v1/reviews/{undated.review.number}/").json()["screening_due_at"] is None
    undated.set_up()
    assert undated.review.decision_due_at is None
    assert review_figures.compute(now=at("2026-12-30 09:00")).total.late == 1  # the one that has a date
    assert step_jobs.watch(now=at("2026-11-24 09:25"))["dated"] == 0
    year.save(force_insert=True)
    CalendarDay.objects.bulk_create(days)
    case_clocks.forget_calendar()
    for dated in (1, 0):
        assert step_jobs.watch(now=at("2026-11-24 10:25"))["dated"] == dated
    undated.review.refresh_from_db()
    assert undated.review.screening_due_at == at("2026-11-25 17:30")
    assert undated.review.decision_due_at == at("2026-12-14 17:30")
    [clock] = undated.review.clocks.all()
    assert (clock.step, clock.started_at, clock.due_at) == (
        "material",
        undated.review.screened_at,
        at("2026-11-30 17:30"),
    )


def test_rev_01_the_head_edits_the_limits_as_a_revision_after_a_look_at_the_last_year(client, cast, steps):
    """Running clocks keep their date, the next step takes the new one; the alerts have revisions of their own."""
    steps.set_up().assign()
    before = StepClock.objects.get(review=steps.pk, step="material").due_at
    client.force_login(cast.head_of_review)
    values = {"material": 1, "check": 2, "notice": 2, "rectification": 40, "note": "按季度总结调整", "based_on": 1}
    look = client.post("/desk/reviews/limits/edit/", values)
    screening, material = look.context["lines"][:2]
    assert (screening.looked_at, screening.late_then) == (1, 0)
    assert (material.looked_at, material.late_then) == (1, 0)
    assert LimitStandard.objects.count() == 1
    assert client.post("/desk/reviews/limits/edit/", {**values, "save": "1"}).status_code == 302
    assert AlertStandard.objects.count() == 0
    assert StepClock.objects.get(review=steps.pk, step="material").due_at == before
    transitions.collect(steps.pk, by=cast.reviewer, at=at("2026-11-23 11:00"))
    transitions.start_verification(steps.pk, by=cast.reviewer, at=at("2026-11-24 09:00"))
    assert StepClock.objects.get(review=steps.pk, step="check").due_at == at("2026-11-26 17:30")
    page = client.get("/desk/reviews/limits/")
    assert [[days for _label, days in kept] for _row, kept in page.context["revisions"]] == [
        [None, 1, 2, None, 2, 40],
        [None, 5, 7, None, 3, 30],
    ]
    rules = alert_standard.settings_of(alert_standard.current())
    alert_standard.revise(rules, note="照旧", based_on=1, by=cast.head_of_review)
    assert step_limits.current()["check"] == 2
    assert len(client.get("/desk/reviews/limits/").context["revisions"]) == 2
    stale = client.post("/desk/reviews/limits/edit/", {**values, "save": "1", "based_on": 1})
    assert stale.status_code == 409
    assert LimitStandard.objects.count() == 2


def test_rev_26_a_stricter_limit_of_screening_and_conclusion_stands_beside_the_policy(client, cast):
    """The earlier date holds; what is running keeps its date, and an empty field gives the step back to the policy."""
    client.force_login(cast.head_of_review)
    values = {"material": 5, "check": 7, "notice": 3, "rectification": 30, "note": "从严", "based_on": 1, "save": "1"}
    before = applied(cast, "13811111111")
    strict = {**values, "screening": 1, "conclusion": 10}
    assert client.post("/desk/reviews/limits/edit/", strict).status_code == 302
    after = applied(cast, "13811112222")
    assert before.review.screening_due_at == at("2026-11-25 17:30")
    assert after.review.screening_due_at == at("2026-11-24 17:30")
    before.set_up()
    after.set_up()
    # Both were applied for on 23 November; the policy of the house gives fifteen working days from the application.
    assert after.review.decision_due_at == at("2026-12-07 17:30")
    assert StepClock.objects.get(review=after.pk, step="screening").due_at == at("2026-11-24 17:30")
    lines = {str(label): (days, fixed) for label, days, fixed in client.get("/desk/reviews/limits/").context["lines"]}
    assert lines[str(ReviewStep.SCREENING.label)] == (1, 2)
    assert lines[str(ReviewStep.CONCLUSION.label)] == (10, 15)
    assert lines[str(ReviewStep.CHECK.label)] == (7, None)
    assert client.post("/desk/reviews/limits/edit/", {**values, "based_on": 2}).status_code == 302
    third = applied(cast, "13811113333")
    assert third.review.screening_due_at == at("2026-11-25 17:30")
    assert third.set_up().review.decision_due_at == at("2026-12-14 17:30")


def test_rev_26_the_preview_counts_the_screenings_a_stricter_limit_would_have_made_late(client, cast):
    transitions.set_up(
        applied(cast, "13811111111").pk,
        by=cast.head_of_review,
        within_responsibility=True,
        measures_exhausted=False,
        demand_reasonable=True,
        reason="原处理没有查明原因",
        at=at("2026-11-25 09:00"),
    )
    client.force_login(cast.head_of_review)
    values = {"material": 5, "check": 7, "notice": 3, "rectification": 30, "note": "从严", "based_on": 1}
    for days, late in ((1, 1), (2, 0), ("", 0)):
        look = client.post("/desk/reviews/limits/edit/", {**values, "screening": days})
        line = look.context["lines"][0]
        assert (line.looked_at, line.late, line.late_then) == (1, 0, late)


def test_rev_26_the_preview_asks_the_same_for_few_reviews_and_many(cast, django_assert_num_queries):
    own = step_limits.own_of(None)
    step_limits.preview(own, now=at("2026-11-25 09:00"))  # the calendar is kept from here on
    applied(cast, "13811111111")
    with CaptureQueriesContext(connection) as few:
        step_limits.preview(own, now=at("2026-11-25 09:00"))
    for n in range(2, 5):
        applied(cast, f"1381111111{n}")
    with django_assert_num_queries(len(few)):
        step_limits.preview(own, now=at("2026-11-25 09:00"))


def test_rev_26_no_policy_gives_a_screening_more_than_two_working_days(cast):
    rules = PolicyRule.objects.filter(milestone="review_screening")
    assert rules
    rules.update(amount=9)
    assert applied(cast, "13811111111").review.screening_due_at == at("2026-11-25 17:30")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("check", "0"), ("check", "366"), ("check", "x"), ("check", ""), ("note", ""),
        ("screening", "3"), ("screening", "0"), ("conclusion", "16"), ("conclusion", "1.5"),
    ],
)  # fmt: skip
def test_rev_01_a_limit_out_of_its_bounds_is_refused_at_its_field(client, cast, field, value):
    client.force_login(cast.head_of_review)
    values = {"material": 1, "check": 2, "notice": 2, "rectification": 40, "note": "调整", "based_on": 1, "save": "1"}
    answer = client.post("/desk/reviews/limits/edit/", {**values, field: value})
    assert answer.status_code == 422
    assert answer.context["form"].errors[field]
    assert LimitStandard.objects.count() <= 1
    with pytest.raises(InvalidInput):
        step_limits.revise({**values, "check": 0}, note="调整", based_on=1, by=cast.head_of_review)
    with pytest.raises(InvalidInput):
        step_limits.revise({**values, "screening": 3}, note="调整", based_on=1, by=cast.head_of_review)
    for person, read, write in ((cast.reviewer, 200, 403), (cast.auditor, 200, 403), (cast.water_handler, 403, 403)):
        client.force_login(person)
        assert client.get("/desk/reviews/limits/").status_code == read
        assert client.get("/desk/reviews/limits/edit/").status_code == write


def test_rev_01_a_form_opened_at_the_wrong_step_says_why_it_cannot_be_sent(client, cast, steps):
    steps.set_up().assign()
    client.force_login(cast.reviewer)
    pages = (
        "records/visit/",
        "records/outcome/",
        "result/correct/outcome/",
        "result/remedy/",
        "actions/submit_report/",
    )
    for page in pages:
        answer = client.get(url(steps, page))
        told = answer.context["problem"]
        assert answer.status_code == 200
        assert steps.review.get_status_display() in told
        assert told in strip_tags(answer.content.decode())


# --- Records asked of the department (REV-16) ---------------------------------------------------------
def test_rev_16_the_department_reads_what_and_until_when_but_not_why(client, cast, verifying):
    row = asked(verifying, cast)
    client.force_login(cast.water_handler)
    texts = client.get("/desk/reviews/material/").content.decode()
    texts += client.get(f"/desk/reviews/material/{row.pk}/").content.decode()
    assert verifying.review.complaint.number in texts
    assert "首次联系的通话录音" in texts
    for secret in (
        verifying.review.number,
        "停水的原因没有说清",
        cast.reviewer.display_name,
        verifying.review.complaint.subject,
        "张桂芳",
    ):
        assert secret not in texts
    for person in (cast.roads_handler, cast.coordinator):
        client.force_login(person)
        assert row.what not in client.get("/desk/reviews/material/").content.decode()
        assert client.get(f"/desk/reviews/material/{row.pk}/").status_code == 404
    # Nothing about it in the log that the department reads.
    audiences = verifying.review.complaint.events.filter(kind="review_request_material").values_list(
        "audience", flat=True
    )
    assert set(audiences) == {"review"}
    told = Notification.objects.get(kind="material_requested")
    assert told.recipient == cast.water_head
    assert "复查" not in str(told.params)


def test_rev_16_delivered_with_files_and_accepted(client, cast, verifying, settings, tmp_path):
    row = asked(verifying, cast)
    client.force_login(cast.water_handler)
    address = f"/desk/reviews/material/{row.pk}/"
    assert client.post(address, {"answer": " "}).status_code == 422
    upload = SimpleUploadedFile("记录.pdf", PDF, content_type="application/pdf")
    answer = client.post(address, {"answer": "工单和录音目录见附件", "files": [upload]})
    assert answer.status_code == 302
    row = MaterialRequest.objects.get(pk=row.pk)
    assert (row.delivered_by, row.files.count()) == (cast.water_handler, 1)
    assert not row.files.get().from_complainant
    assert client.post(address, {"answer": "再来一次"}).status_code == 404
    client.force_login(cast.reviewer)
    page = client.get(url(verifying, "records/")).content.decode()
    assert "工单和录音目录见附件" in page
    got = client.get(url(verifying, f"files/{row.files.get().pk}/"))
    assert b"".join(got.streaming_content) == PDF
    version = verifying.review.version
    assert (
        client.post(url(verifying, f"records/settle/{row.pk}/"), {"decision": "accept", "version": version}).status_code
        == 302
    )
    assert MaterialRequest.objects.get(pk=row.pk).accepted_by == cast.reviewer
    assert client.get(url(verifying, f"records/settle/{row.pk}/")).status_code == 404


def test_rev_16_not_delivered_in_time_is_logged_once_and_counted_for_the_department(cast, verifying):
    row = asked(verifying, cast)
    late = at("2026-11-27 09:25")
    assert step_jobs.watch(now=at("2026-11-26 17:00"))["materials"] == 0
    assert step_jobs.watch(now=late)["materials"] == 1
    assert step_jobs.watch(now=late + timedelta(hours=1))["materials"] == 0
    event = verifying.review.complaint.events.get(kind="review_material_failed")
    assert (event.audience, event.note) == ("review", cast.water.name)
    assert Notification.objects.filter(kind="material_overdue", recipient=cast.water_head).count() == 1
    materials.deliver(row.pk, answer="补交", by=cast.water_handler, at=late + timedelta(days=1))
    (figure,) = materials.figures(now=late)
    assert (figure.name, figure.asked, figure.in_time, figure.failed) == (cast.water.name, 1, 0, 1)


def test_rev_44_records_delivered_after_the_opinions_are_judged_before_the_signature(cast, verifying):
    """The approval is bound to the hash of the file, and what the department delivered belongs to the file."""
    row = asked(verifying, cast)
    transitions.record_finding(
        verifying.pk, by=cast.reviewer, subject="原因", found="未查到底", comparison="different", at=ASKED
    )
    verifying.check().report().opinions()
    before = verifying.review.dossier_hash
    materials.deliver(row.pk, answer="通话录音一份", by=cast.water_handler, at=at("2026-11-25 12:00"))
    with pytest.raises(IllegalTransition):
        verifying.finalise()
    assert verifying.review.finalised_at is None
    transitions.return_report(verifying.pk, by=cast.reviewer2, reason="补交了录音", at=at("2026-11-25 13:00"))
    verifying.report()
    assert verifying.review.dossier_hash != before
    verifying.opinions().finalise()


def test_rev_16_asked_again_or_done_without_needs_the_reason(cast, verifying):
    row = asked(verifying, cast)
    with pytest.raises(InvalidInput) as refused:
        materials.waive(row.pk, reason=" ", by=cast.reviewer, at=ASKED)
    assert refused.value.field == "reason"
    with pytest.raises(IllegalTransition):
        materials.accept(row.pk, by=cast.reviewer, at=ASKED)
    materials.deliver(row.pk, answer="见系统", by=cast.water_handler, at=ASKED)
    again = materials.ask_again(
        row.pk, reason="缺录音", due_on=at("2026-11-27 00:00").date(), by=cast.reviewer, at=ASKED
    )
    assert (again.what, again.department) == ("缺录音", cast.water)
    materials.waive(again.pk, reason="录音只存三十天，已过期", by=cast.reviewer, at=ASKED)
    with pytest.raises(IllegalTransition):
        materials.deliver(again.pk, answer="找到了", by=cast.water_handler, at=ASKED)


def test_rev_16_only_a_department_that_had_the_case_and_only_by_the_members(cast, verifying):
    with pytest.raises(InvalidInput) as refused:
        asked(verifying, cast, department=cast.roads)
    assert refused.value.field == "department"
    with pytest.raises(InvalidInput) as refused:
        asked(verifying, cast, due_on=ASKED.date())
    assert refused.value.field == "due_on"
    with pytest.raises(NotAllowed):
        materials.request(
            verifying.pk,
            department=cast.water,
            what="录音",
            due_on=at("2026-11-27 00:00").date(),
            by=cast.checker,
            at=ASKED,
        )


def test_rev_16_who_is_named_in_the_complaint_does_not_deliver(cast, verifying):
    row = asked(verifying, cast)
    verifying.review.complaint.accused_staff.add(cast.water_handler)
    assert not materials.of_departments(cast.water_handler).exists()
    with pytest.raises(NotAllowed):
        materials.deliver(row.pk, answer="没有", by=cast.water_handler, at=ASKED)


def test_ri_12_a_review_that_only_the_sample_brought_about_asks_no_department_before_the_result(
    client, cast, verifying
):
    verifying.review.triggers.update(kind="sample")
    with pytest.raises(IllegalTransition):
        asked(verifying, cast)
    client.force_login(cast.reviewer)
    assert client.get(url(verifying, "records/")).status_code == 200
    data = {
        "department": "water",
        "what": "录音",
        "due_on": "2030-01-02",
        "version": verifying.review.version,
    }
    assert client.post(url(verifying, "records/material/"), data).status_code == 409
    assert not MaterialRequest.objects.exists()
    assert not Notification.objects.filter(kind="material_requested").exists()
    ReviewCase.objects.filter(pk=verifying.pk).update(finalised_at=ASKED)
    assert asked(verifying, cast).pk


def test_the_list_of_the_department_costs_the_same_for_many_requests(
    client, cast, verifying, django_assert_max_num_queries
):
    for _number in range(12):
        asked(verifying, cast)
    client.force_login(cast.water_handler)
    client.get("/desk/reviews/material/")
    with django_assert_max_num_queries(8):
        client.get("/desk/reviews/material/")


# --- The five sets (REV-33…38) and the log (REV-17) ---------------------------------------------------
def test_rev_33_34_35_36_37_the_five_sets_are_assembled(client, cast, steps):
    case = steps.review.complaint
    Contact.objects.create(
        complaint=case, direction="out", channel="phone", purpose="information", outcome="no_answer",
        at=at("2026-11-17 09:00"), by=cast.water_handler,
    )  # fmt: skip
    PartyStatement.objects.create(
        complaint=case, kind="contractor", party="某管网公司", question="为何", due_on=at("2026-11-18 00:00").date(),
        asked_by=cast.water_handler, asked_at=at("2026-11-17 09:00"), answer="工期延误",
        received_at=at("2026-11-18 09:00"),
    )  # fmt: skip
    earlier = registered("2026-05-04 09:00", subject="水压不足").complaint
    sets = {one.kind: one for one in record_sets.assemble(case)}
    assert case.narrative in [row.text for row in sets[MaterialKind.COMPLAINANT].rows]
    assert any(row.is_bad for row in sets[MaterialKind.HANDLER].rows)
    assert any("某管网公司" in row.what for row in sets[MaterialKind.RELATED].rows)
    assert len(sets[MaterialKind.SYSTEM_LOG].rows) >= 5
    assert [row.what for row in sets[MaterialKind.HISTORY].rows] == [earlier.number]
    client.force_login(cast.head_of_review)
    page = client.get(url(steps, "records/")).content.decode()
    assert "某管网公司" in page
    assert earlier.number in page
    assert "张桂芳" not in page


def test_rev_38_the_checklist_counts_what_the_page_of_the_records_lists(cast, story, steps):
    """A note of the office alone and a statement of a third party are in neither of the sets of the handling side;
    what the complainant asked and supplied later is in theirs, what a supporting department answered in the third."""
    by = {"complaint": story.case, "by": cast.water_handler, "at": at("2026-11-17 10:00")}
    InvestigationStep.objects.create(kind="site", summary="到现场看过", **by)
    InvestigationStep.objects.create(kind="statement", summary="承运商说明", **by)
    Note.objects.create(text="内部备注", audience="office", **by)
    asked = {"complaint": story.case, "at": at("2026-11-17 10:00"), "channel": "phone"}
    Question.objects.create(kind="reminder", text="办到哪一步了？", **asked)
    SupplementRequest.objects.create(
        complaint=story.case, items="照片", asked_by=cast.water_handler, asked_at=at("2026-11-17 09:00"),
        answered_at=at("2026-11-17 11:00"), answer="已补充照片",
    )  # fmt: skip
    story.case.assignments.create(
        department=cast.roads, role="supporting", assigned_by=cast.intake, assigned_at=at("2026-11-16 09:00"),
        ended_at=at("2026-11-17 12:00"), result="已核实，路面已恢复",
    )  # fmt: skip
    counted = {row.kind: row.count for row in dossier.collect(story.case)}
    listed = {one.kind: len(one.rows) for one in record_sets.assemble(story.case)}
    assert counted == listed
    assert counted[MaterialKind.COMPLAINANT] == 3
    assert counted[MaterialKind.HANDLER] > 3
    assert counted[MaterialKind.RELATED] == 2


def test_rev_34_a_case_nobody_got_in_touch_about_has_a_gap_on_the_handling_side(cast):
    found = {row.kind: row for row in dossier.collect(Story(cast).case)}
    handler = found[MaterialKind.HANDLER]
    assert (handler.expected - handler.count, handler.reason) == (1, "")


def test_the_page_of_a_review_counts_findings_and_records_and_names_who_has_not_delivered(client, cast, verifying):
    """REV-16, REV-38, REV-41: what is missing or differs is seen without opening another page."""
    for subject, comparison in (("原因", "different"), ("答复", "different"), ("时限", "same")):
        transitions.record_finding(
            verifying.pk, by=cast.reviewer, subject=subject, found="见记录", comparison=comparison, at=ASKED
        )
    asked(verifying, cast)
    client.force_login(cast.reviewer)
    page = " ".join(strip_tags(client.get(url(verifying)).content.decode()).split())
    sizes = [(max(row.count, row.expected), row.count) for row in verifying.review.materials.all()]
    assert f"五类材料 {sum(row[1] for row in sizes)} / {sum(row[0] for row in sizes)}" in page
    assert "不一致 2" in page
    assert "一致 1" in page
    assert "遗漏" not in page
    assert f"{cast.water.name}等待中" in page
    step_jobs.watch(now=at("2026-11-27 09:25"))
    page = " ".join(strip_tags(client.get(url(verifying)).content.decode()).split())
    assert f"{cast.water.name}未按时提交" in page


def test_rev_38_a_gap_whose_reason_the_system_knows_needs_no_words(cast, steps):
    case = steps.review.complaint
    Attachment.objects.create(
        complaint=case, file=stored(state=ScanState.WAITING), name="照片.png",
        evidence_kind=EvidenceKind.COMPLAINANT, at=at(OPENED),
    )  # fmt: skip
    PartyStatement.objects.create(
        complaint=case, kind="contractor", party="某管网公司", question="为何", due_on=at("2026-11-18 00:00").date(),
        asked_by=cast.water_handler, asked_at=at("2026-11-17 09:00"), waived_reason="公司已注销",
    )  # fmt: skip
    steps.set_up().assign()
    transitions.collect(steps.pk, by=cast.reviewer, at=at("2026-11-23 11:00"))
    rows = {row.kind: row for row in steps.review.materials.all()}
    assert (rows["complainant"].count, rows["complainant"].expected) == (1, 2)
    assert rows["complainant"].missing_reason
    assert "公司已注销" in rows["related"].missing_reason
    transitions.start_verification(steps.pk, by=cast.reviewer, at=at("2026-11-24 09:00"))


def test_rev_17_the_log_of_the_case_is_exported_with_its_number(client, cast, steps):
    case = steps.review.complaint
    case_transitions.add_event(case, "secret_step", by=None, at=at(OPENED), audience="office", note="只给投诉办")
    client.force_login(cast.head_of_review)
    body = json.loads(client.get(url(steps, "log/json/")).content)
    assert (body["review"], body["complaint"]) == (steps.review.number, case.number)
    kinds = [row["kind"] for row in body["events"]]
    assert {"register", "accept", "assign", "review_opened"} <= set(kinds)
    assert "secret_step" not in kinds
    answer = client.get(url(steps, "log/csv/"))
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["complaint"] for row in rows} == {case.number}
    assert len(rows) == len(kinds)
    client.force_login(cast.water_handler)
    assert client.get(url(steps, "log/csv/")).status_code == 404


# --- The process (REV-39) -----------------------------------------------------------------------------
def test_rev_39_phases_waiting_and_gaps_of_the_first_handling(client, cast):
    story = Story(cast).accept().assign().start("2026-11-17 11:00").submit("2026-11-27 15:00")
    story.reply("2026-11-30 10:00").call_back("2026-12-01 10:00").close("2026-12-01 16:00")
    review = transitions.apply(story.pk, reasons=["facts"], text="不对", channel="web", at=at("2026-12-02 09:00"))
    found = process_timeline.of_review(review)
    tones = [(row.lane, row.tone) for row in found.phases]
    assert (cast.water.name, "waiting") in tones
    assert (cast.water.name, "work") in tones
    (gap,) = found.gaps
    assert (gap.start, gap.end, gap.days) == (at("2026-11-17 11:00"), at("2026-11-27 15:00"), 8)
    client.force_login(cast.head_of_review)
    page = client.get(f"/desk/reviews/{review.number}/process/").content.decode()
    assert '<svg class="chart"' in page
    assert str(gap) in page
    assert "<table" in page


def test_rev_39_contradictions_are_named(steps, cast):
    case = steps.review.complaint
    case.callbacks.get().contact.__class__.objects.filter(pk=case.callbacks.get().contact_id).update(
        outcome="no_answer"
    )
    Allegation.objects.create(
        complaint=case, order=1, text="停水", finding="true", found_by=cast.coordinator, found_at=at("2026-11-19 15:00")
    )
    Promise.objects.create(
        complaint=case, text="来电说明", due_at=at("2026-11-18 17:00"), made_by=cast.water_handler,
        made_at=at("2026-11-17 09:00"),
    )  # fmt: skip
    texts = list(process_timeline.find_contradictions(case, until=at(OPENED)))
    assert len(texts) == 4
    assert any("2026-11-20" in text for text in texts)  # satisfied, and nobody was reached
    assert any("2026-11-18" in text for text in texts)  # the promise
    case.callbacks.get().contact.__class__.objects.filter(pk=case.callbacks.get().contact_id).update(
        outcome="reached", recording_reference=""
    )
    unrecorded = list(process_timeline.find_contradictions(case, until=at(OPENED)))
    assert len(unrecorded) == 4
    assert set(unrecorded) - set(texts) == {"2026-11-20 记为“满意”，但没有注明通话录音。"}


def test_rev_39_coo_09_replies_that_contradict_each_other_are_quoted(client, steps, cast):
    case = steps.review.complaint
    first = case.replies.get()
    case.replies.create(
        round=2, process="再次核对了水表", result="应退还水费 90 元。另，12月31日前更换水表。", state="sent",
        drafted_by=first.drafted_by, drafted_at=first.drafted_at, sent_at=at("2026-11-19 16:00"),
    )  # fmt: skip
    case.replies.create(
        round=3, process="又核对了一次", result="退还水费 60 元。", state="sent",
        drafted_by=first.drafted_by, drafted_at=first.drafted_at, sent_at=at("2026-11-19 17:00"),
    )  # fmt: skip
    (found,) = [text for text in process_timeline.find_contradictions(case, until=at(OPENED)) if "90 元" in text]
    for words in ("2026-11-19", "“退还水费 60 元。”", "“应退还水费 90 元。”"):
        assert words in found


def test_rev_39_coo_09_a_reply_that_says_otherwise_than_the_record_is_quoted(steps, cast):
    case = steps.review.complaint
    row = Allegation.objects.create(
        complaint=case, text="多收水费", finding="substantiated", found_by=cast.coordinator,
        found_at=at("2026-11-17 15:00"),
    )  # fmt: skip
    first = case.replies.get()
    case.replies.create(
        round=2, process="再次核对了水表", result="多收水费的问题经核实不属实。", state="sent",
        drafted_by=first.drafted_by, drafted_at=first.drafted_at, sent_at=at("2026-11-19 16:00"),
    )  # fmt: skip
    (found,) = [text for text in process_timeline.find_contradictions(case, until=at(OPENED)) if "不属实" in text]
    for words in ("2026-11-19", "“多收水费的问题经核实不属实。”", "“属实”", "多收水费"):
        assert words in found
    row.finding = "unsubstantiated"
    row.save()
    assert not [text for text in process_timeline.find_contradictions(case, until=at(OPENED)) if "问题经核实" in text]


# --- Talks, visits, and the outcome against the evidence -----------------------------------------------
def test_rev_15_41_talks_and_visits_are_recorded_with_their_evidence(client, cast, verifying):
    client.force_login(cast.reviewer)
    upload = SimpleUploadedFile("谈话.pdf", PDF, content_type="application/pdf")
    data = {
        "place": "contact", "where": "电话", "found": "投诉人说只是先这样", "reached": "true", "evidence": upload,
        "done_at": "2020-11-24T09:10", "version": verifying.review.version,
    }  # fmt: skip
    assert client.post(url(verifying, "records/visit/"), data).status_code == 302
    row = verifying.review.field_checks.get()
    assert (row.place, row.by, row.reached) == ("contact", cast.reviewer, True)
    page = client.get(url(verifying, "records/")).content.decode()
    assert "投诉人说只是先这样" in page
    got = client.get(url(verifying, f"files/{row.evidence_id}/"))
    assert b"".join(got.streaming_content) == PDF
    other = Attachment.objects.create(
        complaint=verifying.review.complaint, file=stored("b"), name="原件.png", at=at(OPENED)
    )
    assert client.get(url(verifying, f"files/{other.pk}/")).status_code == 404
    with pytest.raises(InvalidInput) as refused:
        checks.record_visit(
            verifying.pk, place="site", where="泵房", found="无人", done_at=ASKED, by=cast.reviewer,
            at=ASKED - timedelta(hours=1),
        )  # fmt: skip
    assert refused.value.field == "done_at"


def test_rev_41_a_finding_names_the_allegation_and_stands_beside_the_first_finding(client, cast, verifying):
    """Point and first finding come from the record; an allegation of another case and an empty point are refused."""
    case = verifying.review.complaint
    allegation = Allegation.objects.create(
        complaint=case, text="停水没有通知", finding="unsubstantiated", finding_reason="已张贴通知", order=1
    )
    other = Allegation.objects.create(complaint_id=Story(cast, phone="13700001111").pk, text="收费不对", order=1)
    client.force_login(cast.reviewer)
    page = url(verifying, "actions/record_finding/")
    assert "停水没有通知" in client.get(page).content.decode()

    def post(**values):
        sent = {"found": "没有张贴记录", "comparison": "different", "version": verifying.review.version, **values}
        return client.post(page, sent)

    assert post(allegation=other.pk).status_code == 422
    assert post().context["form"].errors["subject"]
    assert post(allegation=allegation.pk).status_code == 302
    row = verifying.review.findings.get()
    assert (row.allegation, row.subject) == (allegation, "停水没有通知")
    assert row.original == f"{allegation.get_finding_display()} 已张贴通知"
    [compared] = report.compared(verifying.review)
    assert (compared.original, compared.found, compared.judgement) == (row.original, "没有张贴记录", "different")
    assert post(subject="通知方式").status_code == 302
    with pytest.raises(InvalidInput) as refused:
        transitions.record_finding(
            verifying.pk, by=cast.reviewer, allegation=other, found="无", comparison="same", at=ASKED
        )
    assert refused.value.field == "allegation"


def test_rev_40_no_report_before_the_record_was_held_against_the_evidence(cast, verifying):
    transitions.record_finding(
        verifying.pk,
        by=cast.reviewer,
        subject="满意度",
        original="满意",
        found="未见录音",
        comparison="different",
        at=ASKED,
    )
    with pytest.raises(IllegalTransition):
        verifying.report()
    checks.check_outcome(verifying.pk, by=cast.reviewer, at=ASKED, **WORDS)
    verifying.report()
    assert verifying.review.status == "conclusion"
    with pytest.raises(IntegrityError), transaction.atomic():
        verifying.review.outcome_checks.update(evidence="后来改了")


def test_rev_40_a_difference_needs_what_follows_and_no_evidence_is_a_difference(cast, verifying):
    for changes, field in (
        ({"explanation": " "}, "explanation"),
        ({"agrees": True}, "agrees"),
        ({"source": "file:99999"}, "source"),
        ({"evidence": ""}, "evidence"),
    ):
        with pytest.raises(InvalidInput) as refused:
            checks.check_outcome(verifying.pk, by=cast.reviewer, at=ASKED, **{**WORDS, **changes})
        assert refused.value.field == field
    assert not verifying.review.outcome_checks.exists()


def test_rev_40_the_recording_is_named_as_evidence(client, cast, verifying):
    contact = Contact.objects.filter(complaint=verifying.review.complaint, purpose="call_back").get()
    Contact.objects.filter(pk=contact.pk).update(recording_reference="REC-20261120-1")
    checks.check_outcome(
        verifying.pk, by=cast.reviewer, at=ASKED, **{**WORDS, "source": f"contact:{contact.pk}", "evidence": "先这样"}
    )
    client.force_login(cast.reviewer)
    page = client.get(url(verifying, "records/")).content.decode()
    assert "REC-20261120-1" in page
    assert "先这样" in page
    assert client.get(url(verifying, "records/outcome/")).status_code == 200


def test_ri_01_who_took_part_opens_none_of_these_pages(client, cast, steps):
    someone = cast.water_handler
    someone.groups.add(*cast.reviewer.groups.all())
    for page in ("records/", "process/", "records/outcome/", "log/json/"):
        client.force_login(type(someone).objects.get(pk=someone.pk))
        assert client.get(url(steps, page)).status_code == 404, page


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Complaints office", "Complaints office"), ("供水集团", "供水集团"), ("望澜市住房和城乡建设" * 6, "…")],
)
def test_rev_39_the_name_of_a_lane_is_written_out_and_never_runs_into_the_bars(name, shown):
    start, end = at("2026-11-16 09:00"), at("2026-11-20 09:00")
    phase = process_timeline.Phase(name, "at work", start, end, "work")
    found = process_timeline.draw(process_timeline.Process(start=start, end=end, phases=[phase]))
    (lane, *_rest), bar = found.lanes, found.bars[0]
    assert lane.shown == shown if shown != "…" else lane.shown.endswith("…")
    assert process_timeline._width(lane.shown) < float(bar.x)
    assert lane.name == name
