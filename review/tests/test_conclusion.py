"""The report of a review, the notice of a refusal, corrections, further remedies, weak spots and figures."""

import csv
import io
import json
import re
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction
from django.utils.html import strip_tags
from docx import Document

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from complaints import transitions as case_transitions
from complaints.models import CaseEvent, Category, Reply
from complaints.states import NoticeKind, RemedyState
from complaints.tests.factories import Story, at
from review import (
    corrections,
    dossier,
    extra_remedy,
    refusal,
    report,
    report_document,
    review_figures,
    selectors,
    transitions,
)
from review.models import Correction, ReviewCase, SampleDraw
from review.states import Conclusion, ReviewStatus
from review.tests.test_review_flow import OPENED, Steps

pytestmark = pytest.mark.django_db

WRITTEN = at("2026-11-25 12:00")
AFTER = at("2026-11-25 15:00")
ANSWERS = {"within_responsibility": True, "measures_exhausted": True, "demand_reasonable": False}


@pytest.fixture
def story(cast):
    return Story(cast).to_closed()


@pytest.fixture
def steps(story, cast):
    return Steps(applied(story), cast)


@pytest.fixture
def verified(steps):
    return steps.set_up().assign().verify()


@pytest.fixture
def decided(verified):
    return verified.report().opinions().finalise()


def applied(story, channel="web"):
    return transitions.apply(
        story.pk, reasons=["not_solved"], text="停水的原因没有说清", channel=channel, at=at(OPENED)
    )


def url(steps, page=""):
    return f"/desk/reviews/{steps.review.number}/{page}"


def write(steps, by, words, based_on=0, section="evidence", when=WRITTEN):
    return report.save(steps.pk, sections={section: words}, based_on=based_on, by=by, at=when)


# --- The report (REV-42, REV-43) ----------------------------------------------------------------------
def test_rev_43_the_report_is_drafted_from_the_records_without_the_name(verified):
    drafted = report.draft(verified.review)
    assert set(drafted) == set(report.SECTIONS)
    assert "主管道老化爆裂" in drafted["original"]
    assert "停水的原因没有说清" in drafted["triggers"]
    assert "没有录音" in drafted["evidence"]
    assert [(row.original, row.found, row.judgement) for row in report.compared(verified.review)] == [
        ("管道老化", "未查调度记录", "different")
    ]
    assert "张桂芳" not in "".join(drafted.values())


def test_rev_43_a_signed_report_keeps_telling_the_first_handling_and_is_no_draft(client, cast, decided):
    """The decision reopens the case; its new answer is not what was reviewed."""
    case = decided.review.complaint
    assert case.is_open
    before = report.draft(decided.review)["original"]
    assert str(case.get_status_display()) not in before
    Reply.objects.create(
        complaint=case, round=9, process="重新查了调度记录", result="再补偿", sent_at=AFTER, drafted_at=AFTER,
        drafted_by=cast.water_handler,
    )  # fmt: skip
    assert report.draft(decided.review)["original"] == before
    client.force_login(cast.reviewer)
    assert "根据记录生成的草稿" not in client.get(url(decided, "report/")).content.decode()
    assert not any("草稿" in text for _name, text in report_document.sheet(decided.review).facts)


def test_rev_43_sections_are_edited_one_by_one_and_a_stale_revision_is_refused(client, cast, verified):
    client.force_login(cast.reviewer)
    page = url(verified, "report/evidence/")
    sent = {"version": verified.review.version, "based_on": 0, "text": "调度日志第 3 页"}
    assert client.post(page, {**sent, "text": " "}).status_code == 422
    assert client.post(page, sent).status_code == 302
    late = client.post(page, {**sent, "text": "另一份"})
    assert late.status_code == 409
    assert "调度日志第 3 页" in late.content.decode()
    row = report.newest(verified.review)
    assert (row.revision, row.sections["evidence"]) == (1, "调度日志第 3 页")
    assert set(row.sections) == {"evidence"}
    assert "主管道老化爆裂" in report.texts(verified.review, row)["original"]
    again = re.search(r'name="based_on" value="(\d+)"', late.content.decode())
    assert again
    assert client.post(page, {**sent, "based_on": again[1], "text": "另一份"}).status_code == 302
    assert report.newest(verified.review).revision == 2
    assert "另一份" in client.get(url(verified, "report/")).content.decode()
    with pytest.raises(StaleVersion):
        write(verified, cast.reviewer, "第三份", based_on=1)
    with pytest.raises(InvalidInput):
        write(verified, cast.reviewer, "另一份", based_on=2)


def test_rev_43_a_change_after_an_opinion_voids_it(cast, verified):
    write(verified, cast.reviewer, "调度日志第 3 页")
    verified.report().opinions()
    before = verified.review.dossier_hash
    write(verified, cast.reviewer, "调度日志第 4 页", based_on=1)
    assert verified.review.dossier_hash == dossier.dossier_hash(verified.review) != before
    assert not dossier.opinions_complete(verified.review)
    with pytest.raises(IllegalTransition):
        verified.finalise()
    verified.opinions().finalise()
    with pytest.raises(IllegalTransition):
        write(verified, cast.reviewer, "签署之后", based_on=2)


def test_rev_44_who_wrote_part_of_the_report_does_not_sign_it(cast, verified):
    write(verified, cast.reviewer2, "调度日志")
    verified.report().opinions()
    with pytest.raises(NotAllowed):
        verified.finalise()
    transitions.finalise(verified.pk, by=cast.head_of_review, at=AFTER)
    assert verified.review.finalised_by == cast.head_of_review


def test_rev_44_the_head_signs_a_major_conclusion(cast, verified):
    ReviewCase.objects.filter(pk=verified.pk).update(is_major=True)
    verified.report().opinions()
    with pytest.raises(NotAllowed):
        verified.finalise()
    transitions.finalise(verified.pk, by=cast.head_of_review, at=AFTER)


def test_rev_42_43_the_report_as_word_and_pdf(client, cast, verified):
    write(verified, cast.reviewer, "调度日志\x0b第 3 页，投诉人张桂芳 13800002417")
    verified.report()
    client.force_login(cast.reviewer2)
    answer = client.get(url(verified, "report/file/docx/"))
    assert f'filename="{verified.review.number}-report.docx"' in answer["Content-Disposition"]
    document = Document(io.BytesIO(answer.content))
    headings = [p.text for p in document.paragraphs if p.style.name == "Heading 1"]
    words = "\n".join(p.text for p in document.paragraphs)
    assert len(headings) == 7
    assert "未查调度记录" in [cell.text for row in document.tables[1].rows for cell in row.cells]
    assert "如果我是用户，这样的处理能接受吗？不能" in words
    assert "原处理部分不当" in words
    assert "张桂芳" not in words
    assert "13800002417" not in words
    assert "PAGE" in document.sections[0].footer._element.xml
    pdf = client.get(url(verified, "report/file/pdf/"))
    assert pdf.content.startswith(b"%PDF")
    assert b"/FontFile2" in pdf.content or b"/FontFile3" in pdf.content
    assert client.get(url(verified, "report/file/odt/")).status_code == 404


def test_rev_43_only_who_may_read_the_review_reads_the_report(client, cast, verified):
    for person, status in ((cast.water_handler, 403), (cast.intake, 403), (cast.publisher, 403)):
        client.force_login(person)
        for page in ("report/", "report/file/pdf/", "report/evidence/", "result/"):
            assert client.get(url(verified, page)).status_code == status
    with pytest.raises(NotAllowed):
        write(verified, cast.head_of_review, "不是成员")
    client.force_login(cast.auditor)
    assert client.get(url(verified, "report/")).status_code == 200
    assert client.get(url(verified, "report/evidence/")).status_code == 403


# --- The notice that there will be no review (REV-31, REV-32) ------------------------------------------
def test_rev_31_32_the_notice_is_shown_before_it_is_sent_and_explains_the_rules(client, cast, steps):
    client.force_login(cast.head_of_review)
    sent = {"version": steps.review.version, "reason": "请求超出法律规定"}
    sent |= {name: str(value).lower() for name, value in ANSWERS.items()}
    shown = client.post(url(steps, "actions/refuse/"), {**sent, "preview": "1"})
    assert shown.status_code == 200
    assert steps.review.status == "requested"
    page = shown.content.decode()
    for words in ("不予复查告知书", "请求超出法律规定", "没有参与过原处理", "没有新的事实或者理由", "不合理或者超出"):
        assert words in page
    _own, *others = steps.review.complaint.policy.remedies["zh-hans"]
    assert len(others) >= 3
    for remedy in others:
        assert remedy in page
    # With answers that ask for a review no notice is shown, and the reason why not is.
    for_review = {"measures_exhausted": "false", "demand_reasonable": "true"}
    refused = client.post(url(steps, "actions/refuse/"), {**sent, **for_review, "preview": "1"})
    assert (refused.status_code, refused.context["letter"]) == (409, "")
    assert "应当立项" in refused.content.decode() or "应当复查" in refused.content.decode()
    assert client.post(url(steps, "actions/refuse/"), sent).status_code == 302
    notice = steps.review.complaint.notices.get(kind=NoticeKind.REVIEW_REFUSAL)
    assert "没有新的事实或者理由" in notice.body
    assert notice.sent_at is not None  # self-service: the tracking page shows it at once
    assert "不予复查告知书" in client.get(url(steps, "result/")).content.decode()


def test_rev_31_delivery_on_paper_is_proved(client, cast):
    story = Story(cast, channel="letter").to_reply().deliver().call_back().close()
    steps = Steps(applied(story, channel="letter"), cast)
    transitions.refuse(steps.pk, by=cast.head_of_review, reason="超出法律规定", at=at("2026-11-23 10:00:30"), **ANSWERS)
    client.force_login(cast.head_of_review)
    page = url(steps, "result/delivery/")
    sent = {"version": steps.review.version, "sent_at": "2026-11-20T10:00", "how": "挂号信 XA123"}
    early = client.post(page, sent)
    assert early.status_code == 422
    with pytest.raises(InvalidInput) as refused:
        refusal.record_delivery(
            steps.pk, sent_at=at("2026-11-26 09:00"), how="挂号信", by=cast.head_of_review, at=AFTER
        )
    assert refused.value.field == "sent_at"
    row = refusal.record_delivery(
        steps.pk, sent_at=at("2026-11-24 09:00"), how="挂号信 XA123", by=cast.head_of_review, at=AFTER
    )
    assert row.sent_at == at("2026-11-24 09:00")
    with pytest.raises(IllegalTransition):
        refusal.record_delivery(steps.pk, sent_at=at("2026-11-24 09:00"), how="x", by=cast.head_of_review, at=AFTER)


# --- The result to the complainant (REV-45) -------------------------------------------------------------
def test_rev_31_a_review_nobody_applied_for_promises_no_letter(client, cast, story):
    review = transitions.open_for_alert(story.pk, rule="slow", text="", at=at(OPENED))
    client.force_login(cast.head_of_review)
    page = client.get(f"/desk/reviews/{review.number}/actions/refuse/").content.decode()
    assert "不发告知书" in page
    assert "投诉人会收到告知书" not in page


def test_rev_45_46_the_complainant_reads_conclusion_reasons_and_remedy(cast, decided):
    transitions.add_rectification(
        decided.pk,
        by=cast.reviewer,
        what="登记表增加原因一栏",
        department=cast.water,
        due_on=at("2026-12-11 00:00").date(),
        acceptance_test="抽查 30 件",
        at=AFTER,
    )
    # No post is named: nothing stands between the department and the date.
    assert "登记表增加原因一栏（供水集团，2026-12-11 前完成）" in report.draft(decided.review)["improvements"]
    transitions.notify_complainant(decided.pk, by=cast.reviewer, at=at("2026-11-25 16:00"))
    notice = decided.review.complaint.notices.get(kind=NoticeKind.REVIEW_RESULT)
    assert notice.channel == decided.review.complaint.channel
    for words in ("变更原处理", "原处理部分不当", "补偿 100 元", "登记表增加原因一栏"):
        assert words in notice.body
    with pytest.raises(IllegalTransition):
        transitions.close(decided.pk, by=cast.head_of_review, at=at("2026-12-01 09:00"))


def test_rev_45_the_letter_names_what_else_is_open_and_claims_no_application_that_was_not_made(cast):
    """REV-31: neither letter sends the complainant back to the review that is over."""
    story = Story(cast).to_closed()
    own, other = story.case.policy.remedies["zh-hans"][:2]
    assert own.endswith("申请复查")
    opened = transitions.open_for_alert(story.pk, rule="slow", text="", at=at(OPENED))
    Steps(opened, cast).set_up().assign().verify().report("amend").opinions("amend", "amend").finalise()
    transitions.notify_complainant(opened.pk, by=cast.reviewer, at=at("2026-11-25 16:00"))
    body = story.case.notices.get(kind=NoticeKind.REVIEW_RESULT).body
    assert other in body
    assert own not in body
    assert "您对案件" not in body
    assert "作了复查" in body
    refused = applied(Story(cast, phone="13800009999").to_closed())
    transitions.refuse(refused.pk, by=cast.head_of_review, reason="超出法律规定", at=at("2026-11-23 10:00"), **ANSWERS)
    letter = refused.complaint.notices.get(kind=NoticeKind.REVIEW_REFUSAL).body
    assert (other in letter, own in letter) == (True, False)


def test_rev_45_who_asked_for_nothing_gets_no_letter_when_the_outcome_stands(cast):
    """Upheld after an alert: the complainant never heard of the review; upheld after an application: they are told."""
    opened = transitions.open_for_alert(Story(cast).to_closed().pk, rule="slow", text="", at=at(OPENED))
    asked = applied(Story(cast, phone="13800009999").to_closed())
    for review, letters in ((opened, 0), (asked, 1)):
        Steps(review, cast).set_up().assign().verify().report("uphold").opinions("uphold", "uphold").finalise()
        transitions.notify_complainant(review.pk, by=cast.reviewer, at=at("2026-11-25 16:00"))
        assert review.complaint.notices.filter(kind=NoticeKind.REVIEW_RESULT).count() == letters


def test_rev_45_the_delivery_of_a_result_on_paper_is_proved(client, cast):
    story = Story(cast, channel="letter").to_reply().deliver().call_back().close()
    steps = Steps(applied(story, channel="letter"), cast).set_up().assign().verify().report("uphold")
    steps.opinions("uphold", "uphold").finalise()
    client.force_login(cast.reviewer)
    page = url(steps, "result/delivery/")
    assert client.get(url(steps, "result/")).context["notice"] is None
    transitions.notify_complainant(steps.pk, by=cast.reviewer, at=at("2026-11-20 16:00"))
    shown = client.get(url(steps, "result/"))
    assert (shown.context["notice"].sent_at, shown.context["may_deliver"]) == (None, True)
    sent = {"version": steps.review.version, "sent_at": "2026-11-21T10:00", "how": "挂号信 XA123"}
    assert client.post(page, sent).status_code == 302
    delivered = client.get(url(steps, "result/"))
    assert delivered.context["notice"].sent_at == at("2026-11-21 10:00")
    # A letter is delivered to a person; what a department hands in is another word.
    assert "已送达" in delivered.content.decode()
    assert "已提交" not in delivered.content.decode()
    assert client.post(page, {**sent, "version": steps.review.version}).status_code == 409


# --- Corrections (REV-47) -------------------------------------------------------------------------------
def test_rev_47_a_correction_stands_beside_the_record(client, cast, decided):
    case = decided.review.complaint
    client.force_login(cast.reviewer)
    sent = {"version": decided.review.version, "corrected": "dissatisfied", "reason": "录音里说没有解决"}
    form = " ".join(strip_tags(client.get(url(decided, "result/correct/satisfaction/")).content.decode()).split())
    assert "更正满意度" in form
    assert "记录显示满意" in form
    assert client.post(url(decided, "result/correct/satisfaction/"), sent).status_code == 302
    assert client.post(url(decided, "result/correct/satisfaction/"), sent).status_code == 409
    row = Correction.objects.get()
    assert (row.recorded, row.corrected) == ("satisfied", "dissatisfied")
    assert case.callbacks.get(satisfaction="satisfied")  # the original is untouched
    assert CaseEvent.objects.filter(complaint=case, kind="review_corrected", audience="case").exists()
    client.force_login(cast.water_handler)
    page = client.get(f"/desk/cases/{case.number}/corrections/").content.decode()
    assert "录音里说没有解决" in page
    assert f"/desk/cases/{case.number}/corrections/" in client.get(f"/desk/cases/{case.number}/").content.decode()
    client.force_login(cast.roads_handler)
    assert client.get(f"/desk/cases/{case.number}/corrections/").status_code == 404


def test_rev_47_corrections_are_only_added_and_the_last_one_counts(cast, decided):
    def correct(value, field="satisfaction", **changes):
        return corrections.correct(
            decided.pk, field=field, corrected=value, reason="见录音", by=cast.reviewer, at=AFTER, **changes
        )

    first = correct("dissatisfied")
    correct("basically")
    other = Category.objects.filter(dimension="category", is_active=True).exclude(code="water-outage").first()
    correct(other.code, field="classification")
    lines = corrections.lines(corrections.of_case(decided.review.complaint))
    assert [line.counts for line in lines] == [False, True, True]
    for value, field in (
        ("basically", "satisfaction"),
        ("happy", "satisfaction"),
        ("x", "classification"),
        ("", "outcome"),
    ):
        with pytest.raises(InvalidInput):
            correct(value, field=field)
    with pytest.raises(InvalidInput):
        correct("partly", field="finding")
    first.corrected = "satisfied"
    with pytest.raises(DatabaseError), transaction.atomic():
        first.save()
    with pytest.raises(DatabaseError), transaction.atomic():
        Correction.objects.filter(pk=first.pk).delete()


def test_rev_47_no_correction_before_the_decision_or_by_others(cast, verified):
    values = {"field": "outcome", "corrected": "未修复", "reason": "现场核查"}
    with pytest.raises(IllegalTransition):
        corrections.correct(verified.pk, by=cast.reviewer, at=WRITTEN, **values)
    with pytest.raises(NotAllowed):
        corrections.correct(verified.pk, by=cast.water_handler, at=WRITTEN, **values)


def test_rev_47_the_marker_costs_the_case_page_no_query(client, cast, decided, django_assert_max_num_queries):
    corrections.correct(decided.pk, field="outcome", corrected="未修复", reason="现场核查", by=cast.reviewer, at=AFTER)
    client.force_login(cast.coordinator)
    page = f"/desk/cases/{decided.review.complaint.number}/"
    client.get(page)
    with django_assert_max_num_queries(12):
        client.get(page)


# --- Further remedies (REV-48) --------------------------------------------------------------------------
def test_rev_48_a_further_remedy_keeps_three_people_apart_and_holds_the_review_open(client, cast, decided):
    client.force_login(cast.reviewer)
    sent = {
        "version": decided.review.version,
        "remedy": "compensation",
        "description": "补偿停水损失",
        "is_owed": "true",
    }
    assert client.post(url(decided, "result/remedy/"), {**sent, "amount": "-1"}).status_code == 422
    assert client.post(url(decided, "result/remedy/"), {**sent, "amount": "100"}).status_code == 302
    row = decided.review.remedies.get()
    assert (row.state, row.amount, row.proposed_by) == (RemedyState.PROPOSED, Decimal(100), cast.reviewer)
    assert "补偿停水损失" in client.get(url(decided, "result/")).content.decode()
    with pytest.raises(NotAllowed):
        case_transitions.approve_remedy(row.pk, by=cast.reviewer)
    assert extra_remedy.unsettled(decided.review) == [row]
    rectification = transitions.add_rectification(
        decided.pk,
        by=cast.reviewer,
        what="停水超 12 小时先问延误原因",
        department=cast.water,
        due_on=at("2026-12-11 00:00").date(),
        acceptance_test="抽查 30 件",
        at=AFTER,
    )
    transitions.notify_complainant(decided.pk, by=cast.reviewer, at=at("2026-11-25 16:00"))
    case_transitions.report_improvement(
        rectification.pk, by=cast.water_handler, percent=100, note="已上线", at=at("2026-12-08 09:00")
    )
    case_transitions.verify_improvement(rectification.pk, by=cast.reviewer2, at=at("2026-12-09 09:00"))
    with pytest.raises(IllegalTransition):
        transitions.close(decided.pk, by=cast.head_of_review, at=at("2026-12-09 10:00"))
    case_transitions.refuse_remedy(row.pk, by=cast.coordinator, reason="损失已由保险赔付")
    transitions.close(decided.pk, by=cast.head_of_review, at=at("2026-12-09 11:00"))


def test_rev_48_no_remedy_before_the_result_is_final(cast, verified):
    with pytest.raises(IllegalTransition):
        extra_remedy.propose(verified.pk, kind="apology", description="道歉", by=cast.reviewer, at=WRITTEN)


# --- Weak spots (REV-49) --------------------------------------------------------------------------------
def test_rev_49_a_named_cause_is_open_until_it_is_put_right(cast, verified):
    transitions.submit_report(
        verified.pk,
        by=cast.reviewer,
        report="原处理部分不当",
        conclusion="amend",
        acceptable_to_user=False,
        systemic_cause="管网巡检周期过长",
        at=at("2026-11-25 09:00"),
    )
    since = at("2026-11-01 00:00")
    assert selectors.weak_spots(since) == []
    verified.opinions().finalise()
    [spot] = selectors.weak_spots(since)
    case = verified.review.complaint
    assert (spot.number, spot.text, spot.date) == (verified.review.number, "管网巡检周期过长", AFTER.date())
    assert (spot.complaint_id, spot.category_id, spot.department_id) == (
        case.pk,
        case.category_id,
        case.lead_department_id,
    )
    row = transitions.add_rectification(
        verified.pk,
        by=cast.reviewer,
        what="巡检改为每月一次",
        department=cast.water,
        due_on=at("2026-12-11 00:00").date(),
        acceptance_test="查巡检记录",
        at=AFTER,
    )
    assert len(selectors.weak_spots(since)) == 1
    case_transitions.report_improvement(row.pk, by=cast.water_handler, percent=100, note="已改", at=AFTER)
    case_transitions.verify_improvement(row.pk, by=cast.reviewer2, at=AFTER)
    assert selectors.weak_spots(since) == []


# --- Figures (REV-50) -----------------------------------------------------------------------------------
def test_rev_50_the_figures_count_and_hide_small_groups(client, cast, decided):
    corrections.correct(
        decided.pk, field="satisfaction", corrected="dissatisfied", reason="见录音", by=cast.reviewer, at=AFTER
    )
    found = review_figures.compute(now=at("2026-11-30 09:00"))
    assert (found.total.opened, found.total.in_time, found.total.decided, found.total.overturned) == (1, 1, 1, 1)
    assert [line.name for line in found.months] == ["2026-11"]
    [department] = found.departments
    assert (department.name, department.share) == ("供水集团", None)
    assert {(person.name, person.opinions, person.agreed) for person in found.reviewers} == {
        ("沈知行", 1, 1),
        ("许雯", 1, 1),
    }
    assert found.changes[0].count == 1
    rows = list(review_figures.csv_rows(found))
    assert ("department", "供水集团", "overturned", "") in rows
    assert ("trigger", found.triggers[0].name, "opened", 1) in rows


def test_rev_50_every_figure_against_a_story_counted_by_hand(cast, verified):
    """Four reviews: decided with a dissenting member, refused, screened late, and begun by three and still waiting."""
    decided = verified.report().opinions("amend", "uphold").finalise()
    others = [applied(Story(cast, phone=f"1380000300{n}").to_closed()) for n in range(2)]
    transitions.refuse(
        others[0].pk, by=cast.head_of_review, reason="超出法定范围", at=at("2026-11-23 10:00"), **ANSWERS
    )
    answers = {**ANSWERS, "demand_reasonable": True, "measures_exhausted": False}
    transitions.set_up(others[1].pk, by=cast.head_of_review, reason="迟了", at=at("2026-11-27 10:00"), **answers)
    Steps(others[1], cast).assign()
    transitions.declare_conflict(others[1].complaint_id, by=cast.reviewer2, reason="邻居", at=at("2026-11-27 11:00"))
    drawn = Story(cast, phone="13800003009").to_closed()
    draw = SampleDraw.objects.create(period="2026-10", commitment="0" * 64, nonce="0", committed_at=at(OPENED))
    third = transitions.open_for_sample(drawn.pk, draw=draw, at=at(OPENED))
    transitions.open_for_alert(drawn.pk, rule="slow", text="超过通常时长", at=at("2026-11-23 11:00"))
    assert applied(drawn) == applied(drawn) == third
    assert sorted(row.kind for row in third.triggers.all()) == ["alert", "application", "application", "sample"]
    # Given: 100 yuan; refused: 30; not settled: an apology.
    owed = {"by": cast.reviewer, "at": AFTER}
    paid, turned_down = (
        extra_remedy.propose(decided.pk, kind="compensation", description="补偿", amount=Decimal(yuan), **owed)
        for yuan in (100, 30)
    )
    extra_remedy.propose(decided.pk, kind="apology", description="书面道歉", **owed)
    case_transitions.approve_remedy(paid.pk, by=cast.coordinator, at=AFTER)
    case_transitions.refuse_remedy(turned_down.pk, by=cast.coordinator, reason="已由保险赔付")
    case_transitions.give_remedy(paid.pk, by=cast.intake, reference="转账凭证 1", at=AFTER)
    due = {"department": cast.water, "acceptance_test": "抽查 30 件", **owed}
    done = transitions.add_rectification(decided.pk, what="登记表", due_on=at("2026-11-27 00:00").date(), **due)
    transitions.add_rectification(decided.pk, what="培训", due_on=at("2026-11-27 00:00").date(), **due)
    case_transitions.report_improvement(done.pk, by=cast.water_handler, percent=100, note="已上线", at=AFTER)
    case_transitions.verify_improvement(done.pk, by=cast.reviewer2, at=AFTER)

    found = review_figures.compute(now=at("2026-11-30 09:00"))
    total = found.total
    assert (total.opened, total.in_time, total.late, total.refused) == (4, 2, 2, 1)
    assert (total.decided, total.overturned) == (1, 1)
    kinds = {line.name: (line.opened, line.refused, line.decided) for line in found.triggers}
    assert kinds == {"用户申请": (4, 1, 1), "系统预警": (1, 0, 0), "每月抽查": (1, 0, 0)}
    assert found.remedies == {"proposed": 3, "given": 1, "refused": 1}
    assert found.money == 100
    assert found.improvements == {"opened": 2, "closed": 1, "overdue": 1}
    people = {person.name: (person.open, person.done, person.opinions, person.agreed) for person in found.reviewers}
    assert people == {"沈知行": (2, 0, 1, 1), "许雯": (1, 0, 1, 0)}
    ReviewCase.objects.filter(pk=decided.pk).update(status=ReviewStatus.CLOSED, conclusion=Conclusion.UPHOLD)
    found = review_figures.compute(now=at("2026-11-30 09:00"))
    assert (found.total.decided, found.total.overturned) == (1, 0)
    people = {person.name: (person.open, person.done, person.opinions, person.agreed) for person in found.reviewers}
    assert people == {"沈知行": (1, 1, 1, 0), "许雯": (0, 1, 1, 1)}


def test_rev_50_page_file_and_api_tell_the_same_figures(client, cast, decided):
    client.force_login(cast.head_of_review)
    answer = client.get("/api/v1/figures/reviews/")
    assert answer.status_code == 200
    data = answer.json()
    page = client.get("/desk/reviews/figures/").context["figures"]
    assert data == json.loads(json.dumps(review_figures.as_data(page)))
    assert data["total"]["opened"] == 1
    [department] = data["tables"]["department"]
    assert (department["decided"], department["overturned"], department["overturned_percent"]) == (1, None, None)
    file = client.get("/desk/reviews/figures/csv/").getvalue().decode("utf-8-sig")
    told = {tuple(row[:3]): row[3] for row in csv.reader(io.StringIO(file))}
    for table, lines in data["tables"].items():
        for line in lines:
            for key in ("opened", "in_time", "late", "refused", "decided", "overturned"):
                assert told[table, line["name"], key] == ("" if line[key] is None else str(line[key]))
    assert client.get("/api/v1/figures/reviews/?period=2026").status_code == 400
    for person, status in ((cast.manager, 200), (cast.auditor, 200), (cast.reviewer, 403), (cast.water_handler, 403)):
        client.force_login(person)
        assert client.get("/api/v1/figures/reviews/").status_code == status


@pytest.mark.parametrize(("conclusion", "letters"), [("uphold", 0), ("amend", 1)])
def test_rev_45_an_upheld_sample_writes_no_letter_and_an_amended_one_does(cast, story, conclusion, letters):
    """Who asked for nothing is told only what changes for them."""
    draw = SampleDraw.objects.create(period="2026-10", commitment="0" * 64, nonce="0", committed_at=at(OPENED))
    steps = Steps(transitions.open_for_sample(story.pk, draw=draw, at=at(OPENED)), cast).set_up().assign().verify()
    steps.report(conclusion).opinions(conclusion, conclusion).finalise()
    transitions.notify_complainant(steps.pk, by=cast.reviewer, at=at("2026-11-25 16:00"))
    assert story.case.notices.filter(kind=NoticeKind.REVIEW_RESULT).count() == letters


def test_rev_50_a_share_needs_five():
    line = review_figures.Line("a", 9, 9, 0, 0, 5, 2)
    assert (line.share, review_figures.Line("a", 9, 9, 0, 0, 4, 2).share) == (40, None)


def test_rev_50_who_sees_the_figures(client, cast, steps, django_assert_max_num_queries):
    for person, status in (
        (cast.head_of_review, 200),
        (cast.manager, 200),
        (cast.auditor, 200),
        (cast.reviewer, 403),
        (cast.water_handler, 403),
    ):
        client.force_login(person)
        assert client.get("/desk/reviews/figures/").status_code == status
        assert client.get("/desk/reviews/figures/csv/").status_code == status
    client.force_login(cast.head_of_review)
    with django_assert_max_num_queries(22):
        client.get("/desk/reviews/figures/")
