"""Composing beside the texts: several cases, community lines, chart, how it reads, documents revised."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.errors import IllegalTransition, InvalidInput
from complaints.models import Category, ImprovementAction
from complaints.tests.factories import at
from publication import (
    channels,
    charts,
    content,
    gate,
    lists,
    panels,
    readability,
    selectors,
    side_records,
    transitions,
)
from publication.models import Channel, Gate, Publication, PublicationDecision
from publication.states import PublicationStatus
from publication.tests.factories import TEXTS, closed_story, draft, open_gate, posted

pytestmark = pytest.mark.django_db


def fresh(publication: Publication) -> Publication:
    return Publication.objects.get(pk=publication.pk)


def side(publication: Publication, page: str) -> str:
    return reverse("publication:side", args=[publication.number, page])


# --- Several cases -------------------------------------------------------------------------------------


@pytest.fixture
def three(cast):
    """A draft, and two more closed cases of the same matter with other people."""
    publication = draft(cast, cause="李秀兰和王建国都反映停水，没有通知。")
    others = [
        closed_story(cast, name="李秀兰", phone="13700001111"),
        closed_story(cast, name="王建国", phone="13700002222"),
    ]
    return publication, others


def test_pub_01_one_result_answers_several_cases_and_masks_the_people_of_each(client, cast, three):
    publication, others = three
    before = content.snapshot(publication)
    client.force_login(cast.publisher)
    page = client.get(side(publication, "cases"))
    assert all(story.case.number in page.content.decode() for story in others)
    sent = {"version": fresh(publication).version, "cases": [story.pk for story in others]}
    assert client.post(side(publication, "cases"), sent).status_code == 302
    joined = fresh(publication)
    assert joined.subject == f"{TEXTS['subject']}（共 3 件投诉）"
    identity = joined.spans.filter(field="cause", source="identity")
    assert identity.count() == 2
    text = content.snapshot(joined)["cause"]
    assert "秀兰" not in text
    assert "建国" not in text
    assert before["title"] == content.snapshot(joined)["title"]
    assert not lists.waiting(cast.publisher).exists()
    assert not Gate.objects.exists()  # the questions are asked anew for all of them
    with pytest.raises(InvalidInput):
        transitions.submit(publication.pk, by=cast.publisher)
    open_gate(joined, cast.publisher)
    assert transitions.submit(publication.pk, by=cast.publisher).status == "first_check"


def test_pub_01_the_name_of_a_further_case_typed_past_the_machine_blocks(cast, three):
    publication, others = three
    side_records.set_cases(publication.pk, by=cast.publisher, cases=[others[0].pk])
    joined = fresh(publication)
    joined.spans.all().delete()
    found = content.leaking(fresh(publication))
    assert [(name, span.source) for name, span in found] == [("cause", "identity")]


def test_pub_01_only_closed_cases_of_the_same_matter_that_nobody_publishes(client, cast, three):
    publication, (first, second) = three
    other = Category.objects.filter(dimension="category", parent=None).exclude(pk=publication.category_id).first()
    type(first.case).objects.filter(pk=first.pk).update(category=other)
    transitions.decide(second.pk, by=cast.publisher, publish=False, reason="secrecy")
    client.force_login(cast.publisher)
    sent = {"version": fresh(publication).version, "cases": [second.pk]}
    assert client.post(side(publication, "cases"), sent).status_code == 422
    for pk in (first.pk, second.pk, 10**9):
        with pytest.raises(InvalidInput) as refused:
            side_records.set_cases(publication.pk, by=cast.publisher, cases=[pk])
        assert refused.value.field == "cases"
    assert not fresh(publication).also_about.exists()


def test_pub_01_a_case_taken_out_waits_for_a_decision_again_and_a_joined_one_has_no_result_of_its_own(cast, three):
    publication, (first, second) = three
    side_records.set_cases(publication.pk, by=cast.publisher, cases=[first.pk, second.pk])
    with pytest.raises(IllegalTransition):
        transitions.compose(first.pk, by=cast.publisher)
    assert panels._in_publication([first.pk], None) == {first.pk}
    edited = side_records.set_cases(publication.pk, by=cast.publisher, cases=[])
    assert edited.subject == TEXTS["subject"]
    assert set(lists.waiting(cast.publisher)) == {first.case, second.case}
    assert PublicationDecision.objects.get().complaint_id == publication.complaint_id


def test_pub_01_a_draft_given_up_decides_for_every_case_and_a_new_one_answers_them_all_again(cast, three):
    publication, (first, _second) = three
    transitions.edit(publication.pk, by=cast.publisher, cause="停水前没有通知。")
    side_records.set_cases(publication.pk, by=cast.publisher, cases=[first.pk])
    open_gate(publication, cast.publisher)
    posted(publication, cast)
    transitions.take_down(publication.pk, by=cast.counsel, reason="要补充事实")
    again = transitions.compose_again(publication.pk, by=cast.publisher)
    assert list(again.also_about.all()) == [first.case]
    assert again.subject.endswith("（共 2 件投诉）")
    transitions.abandon(again.pk, by=cast.publisher, reason="not_suitable")
    decided = PublicationDecision.objects.filter(reason="not_suitable").values_list("complaint_id", flat=True)
    assert set(decided) == {publication.complaint_id, first.pk}


# --- Composed, not copied; answered in the text -----------------------------------------------------------


def test_pub_02_11_the_draft_answers_from_the_records_what_who_and_what_changes(cast):
    """PUB-02, PUB-11: complaint, evidence, responsibility and improvement come from the records, not the narrative."""
    story = closed_story(cast)
    publication = transitions.compose(story.pk, by=cast.publisher)
    improvement = ImprovementAction.objects.get(complaint=story.pk)
    assert improvement.what in publication.improvement
    assert story.case.narrative not in "".join(getattr(publication, name) for name in content.TEXT_FIELDS)
    missing = {remark.field for remark in content.remarks(publication) if remark.kind == "missing"}
    assert "investigation" in missing  # what no record says, the author is asked for


# --- Chart ---------------------------------------------------------------------------------------------


def test_pub_22_a_chart_of_two_proved_figures_stands_in_the_signed_text(client, cast):
    publication = draft(cast, subject="柳桥三村居民", result="首次通知从停水后 30 小时缩短到 1 小时。")
    client.force_login(cast.publisher)
    html = client.get(side(publication, "chart")).content.decode()
    assert "<select" not in html  # no figure has evidence yet
    for figure in ("30 小时", "1 小时"):
        transitions.link_figure(publication.pk, by=cast.publisher, field="result", figure=figure, evidence="调度日志")
    first, second = content.proved_figures(fresh(publication))
    sent = {"version": fresh(publication).version, "caption": "停水后多久通知", "before": first.pk, "after": second.pk}
    assert client.post(side(publication, "chart"), sent | {"after": first.pk}).status_code == 422
    assert client.post(side(publication, "chart"), sent | {"caption": ""}).status_code == 422
    assert client.post(side(publication, "chart"), sent).status_code == 302
    assert fresh(publication).result.endswith("对比图：停水后多久通知｜整改前 30 小时｜整改后 1 小时")
    result = posted(publication, cast)
    page = client.get(f"/results/{result.public_id}/").content.decode()
    assert page.count('<svg class="result-chart"') == 1
    assert "停水后多久通知" in page
    assert "整改前 30 小时，整改后 1 小时" in page  # for who does not see the bars
    assert 'width="260"' in page


def test_pub_22_a_chart_without_evidence_is_not_submitted_and_can_be_taken_out(client, cast):
    publication = draft(cast, result="已修复。\n对比图：停水时长｜整改前 30 小时｜整改后 2 小时")
    with pytest.raises(InvalidInput) as refused:
        transitions.submit(publication.pk, by=cast.publisher)
    assert refused.value.field == "result"
    side_records.remove_chart(publication.pk, by=cast.publisher)
    assert fresh(publication).result == "已修复。"


def test_pub_22_only_numbers_make_a_picture():
    assert charts.parse("对比图：户数｜整改前 1,986 户｜整改后 0 户") is not None
    for line in ("对比图：户数｜整改前 很多 户｜整改后 0 户", "对比图：x｜整改前 3 户｜整改后 3 人", "普通的一行"):
        assert charts.parse(line) is None
    drawn = charts.Chart("<b>", "3", "2", "<i>").svg
    assert "<i>" not in drawn
    assert "<b>" not in drawn


# --- Community matters -------------------------------------------------------------------------------------


def community(publication: Publication, **changes) -> dict:
    soon = timezone.localdate() + timedelta(days=20)
    return {
        "version": fresh(publication).version,
        "contractor": "洁城清运公司",
        "plan": "每天清运两次，增加一台车",
        "phone": "0571-85120000",
        "owner": "柳桥街道办",
        "is_office": "on",
        "inspection": "街道每周五巡查",
        "inspection_on": soon.isoformat(),
        **changes,
    }


def test_pub_31_a_community_matter_names_plan_telephone_and_inspection(client, cast):
    publication = draft(cast)
    Publication.objects.filter(pk=publication.pk).update(category=Category.objects.get(code="housing"))
    client.force_login(cast.publisher)
    detail = reverse("publication:detail", args=[publication.number])
    assert client.get(detail).context["beside"]["is_community"]
    for field, value in (
        ("is_office", ""),
        ("phone", "13900002222"),
        ("phone", "abc"),
        ("inspection_on", "2020-01-01"),
    ):
        refused = client.post(side(publication, "community"), community(publication, **{field: value}))
        assert (refused.status_code, list(refused.context["form"].errors)) == (422, [field])
    assert client.post(side(publication, "community"), community(publication)).status_code == 302
    text = content.snapshot(fresh(publication))["improvement"]
    assert "整改方案：洁城清运公司，每天清运两次，增加一台车" in text
    assert "监督电话：0571-85120000（柳桥街道办）" in text
    assert "后续巡查：街道每周五巡查，" in text
    again = community(publication, phone="0571-85120001")
    assert client.post(side(publication, "community"), again).status_code == 302
    assert fresh(publication).improvement.count("监督电话") == 1
    Publication.objects.filter(pk=publication.pk).update(category=publication.category)
    result = posted(publication, cast)
    assert "0571-85120001" in client.get(f"/results/{result.public_id}/").content.decode()


def test_pub_31_the_office_says_which_categories_are_community_matters(cast):
    """Those it sends to a channel for the neighbourhood; before it says so, housing."""
    publication = draft(cast)
    housing = Category.objects.get(code="housing")

    def is_community(category: Category) -> bool:
        Publication.objects.filter(pk=publication.pk).update(category=category)
        return side_records.is_community(fresh(publication))

    assert (is_community(publication.category), is_community(housing)) == (False, True)
    channels.register()
    wall = Channel.objects.get(code="notice-board")
    channels.map_category(publication.category, wall, by=cast.publisher)
    assert not is_community(publication.category)  # a board in the hall is for elderly people
    Channel.objects.filter(pk=wall.pk).update(audience="neighbours")
    assert (is_community(publication.category), is_community(housing)) == (True, False)
    Channel.objects.filter(pk=wall.pk).update(is_active=False)
    assert (is_community(publication.category), is_community(housing)) == (False, True)


def test_pub_31_the_number_of_somebody_of_the_case_is_never_the_supervision_telephone(cast):
    story = closed_story(cast, phone="0571-85127788")
    publication = draft(cast, story)
    values = community(publication) | {
        "phone": "0571-85127788",
        "is_office": True,
        "inspection_on": timezone.localdate() + timedelta(days=5),
    }
    with pytest.raises(InvalidInput) as refused:
        side_records.set_community(publication.pk, by=cast.publisher, **values)
    assert refused.value.field == "phone"


def test_pub_31_a_landline_nobody_confirmed_stays_masked(cast):
    publication = draft(cast, improvement="2027 年 3 月 31 日前改完，电话 0571-85120000。")
    assert "85120000" not in content.snapshot(publication)["improvement"]
    publication.spans.all().delete()
    assert [span.type for _name, span in content.leaking(fresh(publication))] == ["landline"]


# --- How it reads -----------------------------------------------------------------------------------------


def test_pub_32_plain_sentences_score_high_and_office_language_costs(client, cast):
    plain = {
        "summary": "供水集团负责，明年 3 月改完。",
        "cause": "小区停水，没有人通知。",
        "result": "我们修好了管道。",
    }
    stiff = {
        "cause": "经查，上述情况系因相关管道老化所致，鉴于该单位未能及时予以处置，我司已进行了妥善研判，"
        "并将届时开展了全面的系统的深入的细致的彻底的长期的管控，共计 12，特此说明。",
    }
    good, bad = readability.read(plain), readability.read(stiff)
    assert good.score == 100
    assert good.costly == []
    assert bad.score < 30
    assert bad.jargon == 100
    assert bad.summary
    reasons = " ".join(bad.costly[0].reasons)
    assert all(word in reasons for word in ("经查", "予以", "12"))
    publication = draft(cast, result=stiff["cause"])
    client.force_login(cast.publisher)
    page = client.get(reverse("publication:detail", args=[publication.number]))
    assert page.context["reading"].costly[0].field == "result"
    assert transitions.submit(publication.pk, by=cast.publisher).status == "first_check"  # advice, never a bar


def test_pub_32_dates_and_decimals_are_no_bare_numbers():
    for text in ("2027 年 3 月 31 日前改完。", "6:40 爆管。", "换 1.8 公里管道。", "影响 986 户。"):
        assert readability.read({"summary": "好。", "result": text}).score == 100


# --- Documents and the problem list --------------------------------------------------------------------------


def test_pub_42_documents_revised_because_of_a_problem_are_counted(client, cast, django_assert_max_num_queries):
    publication = draft(cast)
    client.force_login(cast.publisher)
    today = timezone.localdate()
    sent = {"document": "停水通知操作手册", "revision": "第 3 版", "revised_on": today.isoformat()}
    address = side(publication, "documents")
    assert client.post(address, sent | {"version": fresh(publication).version, "document": ""}).status_code == 422
    tomorrow = (today + timedelta(days=1)).isoformat()
    late = client.post(address, sent | {"version": fresh(publication).version, "revised_on": tomorrow})
    assert list(late.context["form"].errors) == ["revised_on"]
    assert client.post(address, sent | {"version": fresh(publication).version}).status_code == 302
    twice = client.post(address, sent | {"version": fresh(publication).version})
    assert list(twice.context["form"].errors) == ["document"]
    assert "停水通知操作手册" in client.get(address).content.decode()
    year = SimpleNamespace(start=at(f"{today.year}-01-01 00:00"), end=at(f"{today.year + 1}-01-01 00:00"))
    before = SimpleNamespace(start=at("2020-01-01 00:00"), end=at("2021-01-01 00:00"))
    assert [row.title for row in selectors.revised_documents(year)] == ["停水通知操作手册"]
    assert not selectors.revised_documents(before).exists()
    client.get(reverse("publication:list"))
    with django_assert_max_num_queries(8):
        page = client.get(reverse("publication:list"))
    assert page.context["documents"] == 1


def test_pub_41_the_problem_list_reads_the_gaps_that_publications_show(cast, three):
    publication, others = three
    transitions.edit(publication.pk, by=cast.publisher, cause="停水前没有通知。")
    side_records.set_cases(publication.pk, by=cast.publisher, cases=[story.pk for story in others])
    open_gate(publication, cast.publisher)
    since = timezone.now() - timedelta(days=1)
    assert selectors.gaps(since) == []
    posted(publication, cast)
    side_records.add_document(publication.pk, by=cast.publisher, title="手册", revised_on=timezone.localdate())
    ImprovementAction.objects.filter(complaint=publication.complaint_id).update(
        due_on=timezone.localdate() - timedelta(1)
    )
    (gap,) = selectors.gaps(since)
    assert (gap.numbers, gap.cases, gap.open, gap.late, gap.documents) == ([publication.number], 3, 1, 1, 1)
    assert (gap.category_code, gap.department_code) == (publication.category.code, publication.department.code)
    assert selectors.gaps(timezone.now() + timedelta(days=1)) == []
    assert fresh(publication).status == PublicationStatus.POSTED
    assert gate.problem(publication) == ""
