"""Typical cases drafted from the records of a closed case, without names (IMP-18, IMP-19)."""

import pytest
from django.urls import reverse
from django.utils import translation

from complaints import case_library
from complaints.models import Article, CauseExplanation, ImprovementAction, InvestigationStep, ResponsibilityFinding
from complaints.states import ArticleKind, ArticleState
from complaints.tests.factories import Story, at, improvement_words

pytestmark = pytest.mark.django_db

NOW = at("2026-11-21 10:00")


@pytest.fixture
def case(cast):
    """A closed case with an investigation that names whom it should not."""
    case = Story(cast).to_closed().case
    InvestigationStep.objects.create(
        complaint=case,
        kind="site",
        summary="张女士家中查看，电话 13912345678，赵启明到场",
        at=NOW,
        by=cast.water_handler,
    )
    ResponsibilityFinding.objects.create(
        complaint=case, department=cast.water, post="巡线员", person=cast.water_handler2, summary="吴越漏检",
        at=NOW, by=cast.coordinator,
    )  # fmt: skip
    CauseExplanation.objects.create(complaint=case, cause="主管道老化", at=NOW, by=cast.coordinator)
    ImprovementAction.objects.create(
        complaint=case, department=cast.water, created_by=cast.coordinator, created_at=NOW, **improvement_words()
    )
    return case


def posted(client, outline, case):
    client.get(reverse("complaints:case_draft"))
    answer = client.post(reverse("complaints:case_draft"), {"case": case.number, "outline": outline})
    assert answer.status_code == 302
    return client.get(answer.headers["Location"]).context["form"]


@pytest.mark.parametrize(
    ("outline", "headings"),
    [
        ("exposed", ("投诉经过", "调查过程", "处理结果", "问题暴露")),
        ("insight", ("背景", "处理过程", "处理结果", "启示")),
    ],
)
def test_imp_18_imp_19_both_outlines_are_drafted_from_records_without_names(client, cast, case, outline, headings):
    client.force_login(cast.coordinator)
    client.cookies["huiyin_language"] = "zh-hans"
    with translation.override("zh-hans"):
        form = posted(client, outline, case)
        body = case_library.draft(case, outline)["body"]
    text = form["body"].value()
    assert text == body
    places = [text.index(f"{number}. {heading}") for number, heading in enumerate(headings, 1)]
    assert places == sorted(places)
    for part in ("主管道老化爆裂", "主管道老化", "更换 1.8 公里老旧管道", "巡线员", "现场"):
        assert part in text, part
    for private in ("张桂芳", "张女士", "13912345678", "13800002417", "赵启明", "吴越", "柳桥三村", case.number):
        assert private not in text, private
    for raw in (case.subject, case.narrative, case.demand):
        assert raw not in text
    assert form["case_numbers"].value() == case.number
    assert form["kind"].value() == ArticleKind.TYPICAL_CASE
    assert case.subject not in form["title"].value()


def test_imp_18_the_editor_saves_the_draft_and_another_person_puts_it_into_use(client, cast, case):
    client.force_login(cast.coordinator)
    form = posted(client, "exposed", case)
    names = ("kind", "title", "body", "case_numbers", "category", "owner", "review_months")
    data = {name: form[name].value() for name in names} | {"valid_until": "2099-01-01"}
    new = reverse("complaints:article_new")
    assert client.post(new, {**data, "body": data["body"] + "\n张桂芳很生气"}).status_code == 422
    assert client.post(new, data).status_code == 302
    article = Article.objects.get()
    assert (article.kind, article.state, article.category) == ("typical_case", ArticleState.DRAFT, case.category)
    publish = reverse("complaints:article_publish", args=[article.number])
    assert client.post(publish, {"version": article.version}).status_code == 403
    client.force_login(cast.checker)
    assert client.post(publish, {"version": article.version}).status_code == 302
    assert article.title in client.get(reverse("complaints:typical_cases")).content.decode()


def test_imp_18_only_closed_cases_the_editor_may_read(client, cast, case):
    client.force_login(cast.coordinator)
    address = reverse("complaints:case_draft")
    under_way = Story(cast, "2026-11-17 09:12").accept().case
    for number in (under_way.number, "HY-20200101-0001", ""):
        answer = client.post(address, {"case": number, "outline": "exposed"})
        assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["case"])
    assert client.post(address, {"case": case.number, "outline": "poem"}).status_code == 422
    new = reverse("complaints:article_new")
    blank = client.get(f"{new}?case={under_way.number}&outline=exposed").context["form"]
    assert not blank["body"].value()
    case.accused_staff.add(cast.coordinator)
    assert not client.get(f"{new}?case={case.number}&outline=exposed").context["form"]["body"].value()
    client.force_login(cast.intake)
    assert client.get(address).status_code == 403
