"""Before a result is submitted: the five questions, vague words, words that point at somebody, publish or not."""

from __future__ import annotations

import re
import time
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.errors import InvalidInput, NotAllowed, StaleVersion
from complaints.models import Complaint, InvestigationStep, Lawsuit, LegalHold, Notification
from complaints.tests.factories import Story, at
from publication import combinations, content, gate, jobs, side_records, transitions, vague_words
from publication.models import Gate, Publication, PublicationDecision, PublishedResult, VagueWord
from publication.states import ELEMENTS, GateAnswer
from publication.tests.factories import TEXTS, closed_story, draft

pytestmark = pytest.mark.django_db

CLEAR = dict.fromkeys(gate.QUESTIONS, GateAnswer.CLEAR.value)


def composed(cast, **changes) -> Publication:
    """A complete draft whose questions are not answered; `changes` are facts of the case."""
    story = closed_story(cast)
    Complaint.objects.filter(pk=story.pk).update(**changes)
    publication = transitions.compose(story.pk, by=cast.publisher)
    transitions.link_figure(publication.pk, by=cast.publisher, field="subject", figure="23 人", evidence="登记表")
    return transitions.edit(publication.pk, by=cast.publisher, **TEXTS)


def fresh(publication: Publication) -> Publication:
    return Publication.objects.get(pk=publication.pk)


def side(publication: Publication, page: str = "gate") -> str:
    return reverse("publication:side", args=[publication.number, page])


def submit(client, publication: Publication):
    address = reverse("publication:action", args=[publication.number, "submit"])
    return client.post(address, {"version": fresh(publication).version})


# --- The gate --------------------------------------------------------------------------------------


def test_pub_44_nothing_is_submitted_before_five_questions_are_answered(client, cast):
    publication = composed(cast)
    client.force_login(cast.publisher)
    assert submit(client, publication).status_code == 422
    open_one = {"version": fresh(publication).version, **CLEAR, "health": ""}
    assert client.post(side(publication), open_one).status_code == 302
    assert submit(client, publication).status_code == 422
    answered = {"version": fresh(publication).version, **CLEAR}
    assert client.post(side(publication), answered).status_code == 302
    assert submit(client, publication).status_code == 302
    assert fresh(publication).status == "first_check"


def test_pub_44_questions_are_answered_from_the_facts_and_a_milder_answer_needs_a_reason(client, cast):
    publication = composed(cast, involves_minors=True, has_injury=True, is_confidential=True)
    client.force_login(cast.publisher)
    html = client.get(side(publication)).content.decode()
    for name in ("consent", "minors", "health", "secrets"):
        assert re.search(rf'name="{name}" value="masked"[^>]*checked', html), name
    assert re.search(r'name="proceedings" value="clear"[^>]*checked', html)
    sent = {"version": fresh(publication).version, **CLEAR}
    refused = client.post(side(publication), sent)
    assert (refused.status_code, list(refused.context["form"].errors)) == (422, ["note"])
    assert not Gate.objects.exists()
    assert client.post(side(publication), sent | {"note": "监护人书面同意"}).status_code == 302
    assert Gate.objects.get().by == cast.publisher


def test_pub_44_details_left_out_means_strict_masking(cast):
    publication = composed(cast)
    side_records.confirm_gate(publication.pk, by=cast.publisher, answers=CLEAR | {"health": "masked"})
    with pytest.raises(InvalidInput) as refused:
        transitions.submit(publication.pk, by=cast.publisher)
    assert refused.value.field == "gate"
    transitions.edit(publication.pk, by=cast.publisher, profile="strict")
    assert transitions.submit(publication.pk, by=cast.publisher).status == "first_check"


def test_pub_44_pending_proceedings_forbid_publication_and_a_later_lawsuit_asks_again(cast):
    publication = composed(cast)
    side_records.confirm_gate(publication.pk, by=cast.publisher, answers=CLEAR, at=at("2026-11-21 10:00"))
    Lawsuit.objects.create(
        complaint=publication.complaint, court="望澜市人民法院", filed_on=date(2026, 11, 21),
        at=at("2026-11-21 12:00"), by=cast.counsel,
    )  # fmt: skip
    with pytest.raises(InvalidInput) as refused:
        transitions.submit(publication.pk, by=cast.publisher)
    assert refused.value.field == "gate"
    assert gate.suggestions(publication)["proceedings"].answer == "forbids"
    side_records.confirm_gate(publication.pk, by=cast.publisher, answers=CLEAR | {"proceedings": "forbids"})
    with pytest.raises(InvalidInput):
        transitions.submit(publication.pk, by=cast.publisher)
    assert transitions.abandon(publication.pk, by=cast.publisher, reason="pending").status == "abandoned"
    assert PublicationDecision.objects.get().reason == "pending"


STEPS = {
    "first_check": lambda pk, cast: transitions.first_check(pk, by=cast.publication_checker),
    "second_check": lambda pk, cast: transitions.second_check(pk, by=cast.publication_checker2),
    "masking_review": lambda pk, cast: transitions.pass_masking(pk, by=cast.counsel),
    "approved": lambda pk, cast: transitions.publish(pk, by=cast.publisher2),
}


def _sue(case: Complaint, cast) -> None:
    Lawsuit.objects.create(
        complaint=case, court="望澜市人民法院", filed_on=date(2026, 11, 21), at=timezone.now(), by=cast.counsel
    )


def _hold(case: Complaint, cast) -> None:
    LegalHold.objects.create(complaint=case, reason="诉讼", placed_at=timezone.now(), placed_by=cast.counsel)


def _mark_minors(case: Complaint, cast) -> None:
    Complaint.objects.filter(pk=case.pk).update(involves_minors=True)


def _lose_answers(case: Complaint, cast) -> None:
    Gate.objects.all().delete()


@pytest.mark.parametrize(
    ("status", "change"),
    [
        ("first_check", _sue),
        ("second_check", _hold),
        ("masking_review", _mark_minors),
        ("approved", _sue),
        ("approved", _lose_answers),
    ],
)
def test_pr_16_what_is_recorded_after_submission_stops_every_signature_and_the_posting(client, cast, status, change):
    """PR-16: the five questions are asked again at every step; the author answers them in the draft."""
    publication = composed(cast)
    side_records.confirm_gate(publication.pk, by=cast.publisher, answers=CLEAR)
    transitions.submit(publication.pk, by=cast.publisher)
    for name, step in STEPS.items():
        if name == status:
            break
        step(publication.pk, cast)
    change(publication.complaint, cast)
    with pytest.raises(InvalidInput) as refused:
        STEPS[status](publication.pk, cast)
    assert refused.value.field == "gate"
    assert fresh(publication).status == status
    assert not PublishedResult.objects.exists()
    client.force_login(cast.publisher)
    page = client.get(reverse("publication:detail", args=[publication.number]))
    assert [row.text for row in page.context["todo"] if row.target == "element-gate"] == [
        gate.problem(fresh(publication))
    ]


def scheduled(cast):
    """A publication signed by all, with the moment two days from now at which it is to be posted."""
    publication = composed(cast)
    start = timezone.now() + timedelta(days=2)
    transitions.edit(publication.pk, by=cast.publisher, publish_at=start, publish_until=start + timedelta(days=90))
    side_records.confirm_gate(publication.pk, by=cast.publisher, answers=CLEAR)
    transitions.submit(publication.pk, by=cast.publisher)
    for name in ("first_check", "second_check", "masking_review"):
        STEPS[name](publication.pk, cast)
    return publication, start


def test_pub_24_a_scheduled_posting_that_is_refused_is_told_once(cast):
    """PR-16: a legal hold placed after the last signature stops the posting at its time; the publishers hear of it."""
    publication, start = scheduled(cast)
    _hold(publication.complaint, cast)
    for hours in (1, 2):
        assert jobs.publish_due(now=start + timedelta(hours=hours))["refused"] == 1
    told = Notification.objects.filter(kind="posting_refused")
    assert set(told.values_list("recipient", flat=True)) == {cast.publisher.pk, cast.publisher2.pk}
    assert told.count() == 2
    assert not PublishedResult.objects.exists()


def test_pub_24_what_was_changed_after_its_signatures_is_not_posted_at_its_time_and_that_is_told_once(cast):
    publication, start = scheduled(cast)
    transitions.edit(publication.pk, by=cast.publisher, result=publication.result + "已复查。")
    told = Notification.objects.filter(kind="posting_refused")
    jobs.publish_due(now=start - timedelta(hours=1))
    assert not told.exists()
    for hours in (1, 2):
        assert jobs.publish_due(now=start + timedelta(hours=hours))["posted"] == 0
    assert sorted(told.values_list("recipient", flat=True)) == sorted([cast.publisher.pk, cast.publisher2.pk])
    assert not PublishedResult.objects.exists()


def test_pr_16_after_it_went_back_the_questions_are_answered_again_and_it_goes_on(cast):
    publication = composed(cast)
    side_records.confirm_gate(publication.pk, by=cast.publisher, answers=CLEAR)
    transitions.submit(publication.pk, by=cast.publisher)
    _mark_minors(publication.complaint, cast)
    transitions.return_to_author(publication.pk, by=cast.publication_checker, reason="涉及未成年人")
    transitions.edit(publication.pk, by=cast.publisher, profile="strict")
    side_records.confirm_gate(publication.pk, by=cast.publisher, answers=CLEAR | {"minors": "masked"})
    transitions.submit(publication.pk, by=cast.publisher)
    assert transitions.first_check(publication.pk, by=cast.publication_checker).status == "second_check"


@pytest.mark.parametrize("question", list(gate.QUESTIONS))
@pytest.mark.parametrize(
    ("answer", "profile", "passes"),
    [
        ("clear", "standard", True),
        ("masked", "standard", False),
        ("masked", "strict", True),
        ("forbids", "strict", False),
        ("", "strict", False),
    ],
)
def test_pr_16_consent_minors_health_secrets_and_proceedings_each_block(cast, question, answer, profile, passes):
    """PR-16: whichever question is open or forbids stops the publication; details left out need strict masking."""
    publication = composed(cast)
    transitions.edit(publication.pk, by=cast.publisher, profile=profile)
    side_records.confirm_gate(publication.pk, by=cast.publisher, answers=CLEAR | {question: answer})
    if passes:
        assert transitions.submit(publication.pk, by=cast.publisher).status == "first_check"
        return
    with pytest.raises(InvalidInput) as refused:
        transitions.submit(publication.pk, by=cast.publisher)
    assert refused.value.field == "gate"
    assert fresh(publication).status == "draft"


def test_pub_44_the_gate_is_for_who_composes_and_refuses_an_old_page(client, cast):
    publication = composed(cast)
    client.force_login(cast.publication_checker)
    assert client.get(side(publication)).status_code == 403
    client.force_login(cast.intake)
    assert client.get(side(publication)).status_code == 404
    client.force_login(cast.publisher)
    stale = {"version": fresh(publication).version - 1, **CLEAR}
    assert client.post(side(publication), stale).status_code == 409
    wrong = {"version": fresh(publication).version, **CLEAR, "health": "maybe"}
    assert client.post(side(publication), wrong).status_code == 422
    assert client.get(side(publication, "nothing")).status_code == 404
    assert not Gate.objects.exists()
    event = composed_event(publication, cast)
    assert event.actor == cast.publisher


def composed_event(publication: Publication, cast):
    side_records.confirm_gate(publication.pk, by=cast.publisher, answers=CLEAR)
    return publication.complaint.events.get(kind="publication_gate")


# --- Vague words ------------------------------------------------------------------------------------


def test_pub_10_a_click_writes_a_date_counted_in_working_days(client, cast, monkeypatch):
    publication = draft(cast, improvement="尽快更换老旧管道。")
    monkeypatch.setattr(vague_words, "OFFERED", (15,))
    offered = vague_words.dates(date(2026, 11, 24))
    assert offered == ["2026 年 12 月 15 日前（15 个工作日内）"]
    monkeypatch.setattr(vague_words, "dates", lambda today: offered)
    client.force_login(cast.publisher)
    page = client.get(reverse("publication:detail", args=[publication.number])).content.decode()
    assert offered[0] in page
    data = {name: getattr(publication, name) for name in TEXTS}
    data |= {"version": fresh(publication).version, "profile": "standard", "fix": f"improvement|尽快|{offered[0]}"}
    client.post(reverse("publication:fix", args=[publication.number]), data)
    assert fresh(publication).improvement == f"{offered[0]}更换老旧管道。"


def test_pub_10_the_office_edits_the_list_of_vague_words(client, cast):
    assert VagueWord.objects.filter(word="有关部门", is_active=True).exists()
    client.force_login(cast.publisher)
    address = reverse("publication:vague_words")
    assert client.post(address, {"word": "年内", "advice": "写明月份。", "asks_date": "on"}).status_code == 302
    assert client.post(address, {"word": "年内", "advice": "写明月份。"}).status_code == 422
    assert client.post(address, {"word": "", "advice": ""}).status_code == 422
    publication = draft(cast, improvement="年内更换老旧管道，2027 年 3 月 31 日前公布结果。")
    with pytest.raises(InvalidInput) as refused:
        transitions.submit(publication.pk, by=cast.publisher)
    assert "年内" in str(refused.value)
    row = VagueWord.objects.get(word="年内")
    one = reverse("publication:vague_word", args=[row.pk])
    seen = row.changed_at.isoformat()
    assert client.post(one, {"advice": "写明月份。", "seen": seen}).status_code == 302
    assert client.post(one, {"advice": "又改", "seen": seen}).status_code == 409
    assert transitions.submit(publication.pk, by=cast.publisher).status == "first_check"
    vague_words.load()
    assert not VagueWord.objects.get(word="年内").is_active
    client.force_login(cast.publication_checker)
    assert client.get(address).status_code == 403
    with pytest.raises(NotAllowed):
        vague_words.add(word="择日", advice="写明日期。", asks_date=True, by=cast.intake)
    with pytest.raises(StaleVersion):
        vague_words.change(row.pk, advice="写明", asks_date=True, is_active=True, seen=seen, by=cast.publisher)


def test_pub_10_improvements_without_any_day_are_refused(cast):
    publication = draft(cast, improvement="更换老旧管道，由管网运行部负责。")
    with pytest.raises(InvalidInput) as refused:
        transitions.submit(publication.pk, by=cast.publisher)
    assert refused.value.field == "improvement"


# --- Words that point at somebody together -------------------------------------------------------------


def test_pr_14_age_and_occupation_with_place_and_date_are_decided_while_few_cases_share_them(client, cast):
    """PR-14, PUB-19: what together points at one person is generalised or kept with a reason."""
    publication = draft(cast, cause="10 月 10 日早晨柳桥三村停水，68 岁的退休教师打热线问不到几点来水。")
    spans = publication.spans.filter(type=combinations.TYPE)
    assert [(span.replacement, span.decision) for span in spans] == [("60 多岁", "pending"), ("退休人员", "pending")]
    warning = combinations.warning(publication)
    assert warning is not None
    assert (warning.count, warning.words) == (1, ["68 岁", "退休教师"])
    client.force_login(cast.publisher)
    assert "退休教师" in client.get(reverse("publication:detail", args=[publication.number])).content.decode()
    with pytest.raises(InvalidInput):
        transitions.submit(publication.pk, by=cast.publisher)
    age, job = spans
    with pytest.raises(InvalidInput) as refused:
        transitions.decide_span(publication.pk, by=cast.publisher, span_id=age.pk, keep=True)
    assert refused.value.field == "reason"
    transitions.decide_span(publication.pk, by=cast.publisher, span_id=age.pk, keep=True, reason="本人要求写明")
    transitions.decide_span(publication.pk, by=cast.publisher, span_id=job.pk, keep=False)
    assert transitions.submit(publication.pk, by=cast.publisher).status == "first_check"
    edited = transitions.edit(publication.pk, by=cast.publisher, result="已修复。")
    assert {span.decision for span in edited.spans.filter(type=combinations.TYPE)} == {"kept", "accepted"}


@pytest.mark.parametrize(
    ("recorded", "told"),
    [
        ("西林坊", "西林坊一位 83 岁的老人，退休教师"),
        ("朝阳里 18 号院", "家住朝阳里，83 岁，退休教师"),
        ("望澜市滨河区文汇苑东门附近", "文汇苑的退休教师，83 岁"),
    ],
)
def test_pr_14_the_recorded_place_narrows_it_down_whatever_it_is_called(recorded, told, cast):
    publication = draft(cast)
    Complaint.objects.filter(pk=publication.complaint_id).update(place=recorded)
    # Nothing else of it names a place or a day.
    texts = dict.fromkeys(combinations.FIELDS, "停水没有通知。") | {"subject": told}
    transitions.edit(publication.pk, by=cast.publisher, **texts)
    spans = Publication.objects.get(pk=publication.pk).spans.filter(type=combinations.TYPE)
    assert {span.replacement for span in spans} == {"80 岁以上", "退休人员"}


def test_pub_19_words_that_many_cases_share_point_at_nobody(cast):
    publication = draft(cast)
    for _n in range(4):
        Story(cast).to_closed()
    edited = transitions.edit(
        publication.pk, by=cast.publisher, title="停水未通知", subject="68 岁的居民", cause="10 月 10 日停水。"
    )
    assert not edited.spans.filter(type=combinations.TYPE).exists()
    assert combinations.warning(edited) is None


# --- Publish or not -------------------------------------------------------------------------------------


def test_pub_45_every_closed_case_is_asked_about_and_who_composes_hears_of_it_once_a_week(client, cast):
    story = closed_story(cast)
    client.force_login(cast.publisher)
    page = client.get(reverse("publication:list"), {"view": "waiting"})
    assert story.case.number in page.content.decode()
    assert [view.count for view in page.context["views"] if view.key == "waiting"] == [1]
    assert jobs.remind_undecided(now=at("2026-11-23 08:50"))["told"] == 2
    assert jobs.remind_undecided(now=at("2026-11-27 08:50"))["told"] == 0
    assert jobs.remind_undecided(now=at("2026-11-30 08:50"))["told"] == 2
    row = Notification.objects.filter(recipient=cast.publisher, kind="publish_or_not").first()
    assert row is not None
    assert row.params == {"count": 1}
    decide = reverse("publication:decide", args=[story.case.number])
    assert client.post(decide, {"publish": "no", "reason": ""}).status_code == 422
    assert client.post(decide, {"publish": "no", "reason": "consent_refused"}).status_code == 302
    assert jobs.remind_undecided(now=at("2026-12-07 08:50"))["told"] == 0


def test_pr_16_a_reason_given_for_one_fact_does_not_cover_one_recorded_later(cast):
    publication = composed(cast, has_injury=True)
    reason = "伤者已痊愈，并书面同意。"
    side_records.confirm_gate(publication.pk, by=cast.publisher, answers=CLEAR, note=reason)
    assert gate.problem(fresh(publication)) == ""
    Complaint.objects.filter(pk=publication.complaint_id).update(involves_minors=True)
    assert str(gate.QUESTIONS["minors"]) in gate.problem(fresh(publication))
    with pytest.raises(InvalidInput):
        transitions.submit(publication.pk, by=cast.publisher)
    side_records.confirm_gate(publication.pk, by=cast.publisher, answers=CLEAR, note=reason)
    assert gate.problem(fresh(publication)) == ""
    Gate.objects.update(suggested=None)  # answered before the record was kept with it
    assert gate.problem(fresh(publication)) == ""


# --- Figures and their evidence ---------------------------------------------------------------------------


@pytest.mark.parametrize("field", ELEMENTS)
def test_pub_13_a_figure_without_evidence_is_not_submitted(cast, field):
    figure = "30 小时"
    publication = draft(cast, **{field: f"经核对，共 {figure}。" + TEXTS["improvement"]})
    with pytest.raises(InvalidInput) as refused:
        transitions.submit(publication.pk, by=cast.publisher)
    assert refused.value.field == field
    transitions.link_figure(publication.pk, by=cast.publisher, field=field, figure=figure, evidence="调度日志")
    assert transitions.submit(publication.pk, by=cast.publisher).status == "first_check"


def test_pub_13_dates_times_ordinals_and_numbers_of_houses_are_no_figures():
    text = "2026 年 10 月 10 日 6:40，10 月 15 日前，依第 55 条第 3 次到 3 号楼 2 单元，12345 热线，一次，一个。"
    assert content.figures(text) == []
    for words in (
        "依《条例》第 26、27 条和第二十八条至第三十条",
        "案件 TS-202611-0012，公示 GS-202611-0003，国办发〔2026〕12 号",
        "15 日内退款，2027 年 3 月 31 日前（30 个工作日内）换完，30 天以内答复",
        "按规定 1 小时内通知，提前 24 小时通知，二十四小时之内恢复",
        "上午 8 时 30 分到 15 点 20 分",
        "3 家庭院",
    ):
        assert content.figures(words) == [], words
    for figure in (
        "3 名",
        "12 起",
        "5 小时 20 分",
        "20 分钟",
        "3 万人",
        "8 家",
        "100 余户",
        "三十小时",
        "1,986 户",
        "5‰",
        "6.9 元",
        "120 平方米",
        "5 个小时",
    ):
        assert content.figures(f"共 {figure}。") == [figure]


@pytest.mark.parametrize("field", ["result", "improvement"])
def test_pub_13_long_gaps_in_a_text_do_not_hold_up_the_page(field):
    """As many blanks as a text may hold, after a number and after how often something is done."""
    started = time.process_time()
    assert content.figures("1" + " " * 4990, field) == []
    assert content.figures("每月" + " " * 4990, field) == []
    assert content.figures("共 3  余  万  人", field) == ["3  余  万  人"]
    assert time.process_time() - started < 2


@pytest.mark.parametrize("row", ["1", "1,", "一", "第1、", "1 ", "1.", "每1", "提前1", "1小时1", "第 ", "1点"])
def test_pub_13_rows_of_digits_cost_what_they_are_long(row):
    """Ten times what a text may hold: nothing looks at a row of digits again from every digit of it (PR-17)."""
    text = row * (50_000 // len(row))
    started = time.process_time()
    content.figures(text, "improvement")
    vague_words.is_definite(text)
    assert time.process_time() - started < 3  # took minutes


def test_pub_13_a_long_list_of_articles_counts_nothing():
    articles = "、".join(str(number) for number in range(1, 41))
    assert content.figures(f"依第 {articles} 条退还 1,200 元") == ["1,200 元"]


def test_pub_13_a_draft_from_the_records_ties_its_figures_itself(cast):
    """Composed again from the records or answered together with another case: nothing is asked of the author."""
    story = closed_story(cast, persons_affected=23)
    InvestigationStep.objects.create(
        complaint=story.case, kind="site", summary="现场查看，停水 30 小时，影响 986 户。", at=at("2026-11-16 10:00"),
        by=cast.water_handler,
    )  # fmt: skip
    publication = transitions.compose(story.pk, by=cast.publisher)
    tied = {(row.field, row.figure): row.evidence for row in publication.figures.all()}
    assert tied["subject", "23 人"]
    assert "2026-11-16" in tied["investigation", "30 小时"]
    assert "2026-11-16" in tied["investigation", "986 户"]
    assert not [row for row in content.remarks(publication) if row.kind == "figure" and row.field in ELEMENTS]
    other = closed_story(cast)
    side_records.set_cases(publication.pk, by=cast.publisher, cases=[other.pk])
    publication.refresh_from_db()
    assert publication.subject.endswith("（共 2 件投诉）")
    assert not [row for row in content.remarks(publication) if row.kind == "figure" and row.field == "subject"]


def test_pub_13_a_figure_that_a_record_states_is_tied_with_one_click(client, cast):
    story = closed_story(cast)
    InvestigationStep.objects.create(
        complaint=story.case, kind="site", summary="影响 986 户。", at=at("2026-11-16 10:00"), by=cast.water_handler
    )
    publication = draft(cast, story, result="水费减免 986户，另有 12 户未减。")
    client.force_login(cast.publisher)
    html = client.get(reverse("publication:detail", args=[publication.number])).content.decode()
    forms = re.findall(r'name="figure" value="([^"]+)".*?name="evidence" maxlength="200" value="([^"]*)"', html)
    offered = dict(forms)
    assert "2026-11-16" in offered["986户"]
    assert offered["12 户"] == ""  # no record says so: the author names what proves it


def test_pub_13_figures_of_many_cases_are_looked_up_like_those_of_one(cast, django_assert_num_queries):
    publication = draft(cast)
    with CaptureQueriesContext(connection) as one:
        content.evidence_offered(publication)
    for n in (1, 2):
        other = closed_story(cast, phone=f"1380000333{n}")
        InvestigationStep.objects.create(
            complaint=other.case,
            kind="site",
            summary=f"影响 98{n} 户。",
            at=at("2026-11-16 10:00"),
            by=cast.water_handler,
        )
        publication.also_about.add(other.pk)
    with django_assert_num_queries(len(one)):
        offered = content.evidence_offered(publication)
    assert "2026-11-16" in offered["981户"]
    assert "2026-11-16" in offered["982户"]


def test_pub_13_a_text_signed_before_stays_signed(client, cast):
    """What was submitted when figures of these elements were not asked for is checked and posted as it is."""
    publication = draft(cast)
    transitions.submit(publication.pk, by=cast.publisher)
    publication.figures.all().delete()
    client.force_login(cast.publisher)
    todo = client.get(reverse("publication:detail", args=[publication.number])).context["todo"]
    assert not [row for row in todo if "23 人" in row.text]
    assert transitions.first_check(publication.pk, by=cast.publication_checker).status == "second_check"


def test_pub_13_a_figure_that_became_part_of_another_one_proves_nothing(cast):
    publication = draft(cast, subject="柳桥三村居民", title="影响 12 户", result="水费减免 12 户。")
    transitions.link_figure(publication.pk, by=cast.publisher, field="result", figure="12 户", evidence="账单")
    assert [row.figure for row in content.proved_figures(fresh(publication))] == ["12 户"]
    publication = transitions.edit(publication.pk, by=cast.publisher, result="水费减免 312 户。")
    assert content.proved_figures(publication) == []
    assert [row.field for row in content.remarks(publication) if "12 户" in row.text] == ["result", "title"]


def test_pub_13_how_often_is_a_fact_of_the_investigation_and_a_promise_of_the_improvement():
    words = "每 6 小时通报一次，每月 2 次巡查，每周至少 3 次"
    assert content.figures(words, "investigation") == ["6 小时", "2 次", "3 次"]
    assert content.figures(words, "improvement") == content.figures(words, "responsibility") == []


def test_pub_13_a_figure_of_the_title_or_the_answer_that_no_evidence_proves_stops_the_submission(client, cast):
    publication = draft(cast, title="停水 30 小时", summary="影响 986户。", cause="停水 30小时。")
    transitions.link_figure(publication.pk, by=cast.publisher, field="cause", figure="30小时", evidence="调度日志")
    client.force_login(cast.publisher)
    todo = client.get(reverse("publication:detail", args=[publication.number])).context["todo"]
    assert [(row.target, row.tone) for row in todo if "986户" in row.text] == [("id_summary", "bad")]
    assert not [row for row in todo if "30" in row.text]
    with pytest.raises(InvalidInput) as refused:
        transitions.submit(publication.pk, by=cast.publisher)
    assert refused.value.field == "summary"
    assert fresh(publication).status == "draft"
    transitions.edit(publication.pk, by=cast.publisher, summary="影响很大。", title="停水三天内 31 小时")
    with pytest.raises(InvalidInput) as refused:
        transitions.submit(publication.pk, by=cast.publisher)
    assert refused.value.field == "title"
    transitions.edit(publication.pk, by=cast.publisher, title="停水 30 小时")
    assert transitions.submit(publication.pk, by=cast.publisher).status == "first_check"
