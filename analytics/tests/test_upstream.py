"""What complaints say goes upstream and is answered; employees' suggestions (IMP-11, IMP-20, SPG-06)."""

from datetime import date

import pytest
from django.urls import reverse

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from analytics import follow_up, ideas, problem_rules, upstream
from analytics.models import StaffIdea, UpstreamItem
from complaints.models import CaseEvent, Notification, SpecialNeed
from complaints.tests.factories import Story, at

pytestmark = pytest.mark.django_db

NOW = at("2026-11-21 10:00")


@pytest.fixture
def problem(cast):
    return problem_rules.enter(title="反复停水", description="只抢修不更换", by=cast.coordinator, at=NOW)


def sent(cast, problem, **changes):
    told = {"text": "管材三年内就锈穿", "department": cast.water, "due_on": date(2026, 12, 1), "at": NOW, **changes}
    return upstream.send(problem=problem, by=cast.coordinator, **told)


def test_imp_11_a_problem_goes_upstream_and_the_head_answers_on_the_desk(client, cast, problem):
    client.force_login(cast.coordinator)
    address = reverse("analytics:upstream_new")
    assert (
        f"?problem={problem.number}" in client.get(reverse("analytics:problem", args=[problem.number])).content.decode()
    )
    assert client.get(f"{address}?problem={problem.number}").context["form"]["problem"].value() == problem.number
    data = {
        "problem": problem.number,
        "case": "",
        "text": "管材三年内就锈穿",
        "department": "water",
        "due_on": "2099-12-01",
    }
    for name in ("text", "department", "due_on", "problem"):
        answer = client.post(address, {**data, name: ""})
        assert (answer.status_code, list(answer.context["form"].errors)) == (422, [name])
    assert client.post(address, {**data, "due_on": "2020-01-01"}).status_code == 422
    assert client.post(address, data).status_code == 302
    item = UpstreamItem.objects.get()
    told = Notification.objects.get(kind="upstream_sent")
    assert (told.recipient, told.url) == (cast.water_head, f"/desk/problems/upstream/{item.pk}/")

    client.force_login(cast.roads_handler)
    assert client.get(told.url).status_code == 404
    assert client.get(address).status_code == 403
    client.force_login(cast.water_handler)
    assert client.get(told.url).context["form"] is None
    assert client.post(told.url, {"is_adopted": "true", "text": "好"}).status_code == 403
    client.force_login(cast.water_head)
    assert [row.pk for row, _late in client.get(reverse("analytics:upstream")).context["rows"]] == [item.pk]
    assert client.post(told.url, {"is_adopted": "true", "text": ""}).status_code == 422
    assert client.post(told.url, {"is_adopted": "true", "text": "改用球墨铸铁管"}).status_code == 302
    assert client.post(told.url, {"is_adopted": "false", "text": "不改了"}).status_code == 409
    item.refresh_from_db()
    assert (item.is_adopted, item.answer, item.answered_by) == (True, "改用球墨铸铁管", cast.water_head)
    assert Notification.objects.filter(kind="upstream_answered", recipient=cast.coordinator).count() == 1
    assert client.get(reverse("analytics:upstream")).context["rows"] == []
    assert len(client.get(f"{reverse('analytics:upstream')}?show=answered").context["rows"]) == 1


def test_imp_11_a_case_goes_upstream_without_the_name_of_who_complained(cast):
    case = Story(cast).to_reply().case
    with pytest.raises(InvalidInput) as refused:
        sent(cast, None, case=case, text="张桂芳说水管漏水")
    assert refused.value.field == "text"
    with pytest.raises(InvalidInput):
        sent(cast, problem_rules.enter(title="漏水", description="漏水", by=cast.coordinator), text="问 13912345678")
    case.accused_staff.add(cast.coordinator)
    with pytest.raises(InvalidInput) as refused:
        sent(cast, None, case=case)
    assert refused.value.field == "case"
    assert not UpstreamItem.objects.exists()


def test_spg_06_a_special_need_goes_to_those_who_make_the_product_and_their_answer_is_seen(client, cast):
    case = Story(cast).to_reply().case
    need = "张桂芳需要大字号的水表"
    SpecialNeed.objects.create(complaint=case, need=need, recorded_at=NOW, recorded_by=cast.coordinator)
    client.force_login(cast.coordinator)
    form = client.get(f"{reverse('analytics:upstream_new')}?case={case.number}").context["form"]
    assert form["text"].value() == "***需要大字号的水表"
    item = sent(cast, None, case=case, text="需要大字号的水表")
    upstream.answer(item.pk, is_adopted=True, text="明年的水表改为大字号", by=cast.water_head, at=NOW)
    kinds = CaseEvent.objects.filter(complaint=case, kind__startswith="upstream_").values_list("kind", flat=True)
    assert sorted(kinds) == ["upstream_answered", "upstream_sent"]
    page = client.get(f"{reverse('analytics:upstream')}?case={case.number}").content.decode()
    assert "明年的水表改为大字号" in page
    assert "?case=" in client.get(reverse("analytics:case_problems", args=[case.number])).content.decode()


def test_imp_11_answers_in_time_and_adopted_ones_are_counted(cast, problem):
    rows = [sent(cast, problem, text=f"第 {n} 点") for n in range(4)]
    head = cast.water_head
    upstream.answer(rows[0].pk, is_adopted=True, text="改", by=head, at=at("2026-12-01 20:00"))
    upstream.answer(rows[1].pk, is_adopted=False, text="不改", by=head, at=at("2026-12-02 08:00"))
    sent(cast, problem, text="期限在后", due_on=date(2026, 12, 20))
    found = upstream.figures(UpstreamItem.objects.all(), today=date(2026, 12, 5))
    assert (found.due, found.in_time, found.answered, found.adopted) == (4, 1, 2, 1)


def test_imp_11_a_department_that_lets_the_date_pass_is_reminded_once(cast, problem):
    item = sent(cast, problem)
    follow_up.watch(now=at("2026-12-01 10:00"))
    assert not Notification.objects.filter(kind="upstream_late").exists()
    follow_up.watch(now=at("2026-12-02 10:00"))
    follow_up.watch(now=at("2026-12-03 10:00"))
    assert [row.recipient for row in Notification.objects.filter(kind="upstream_late")] == [cast.water_head]
    upstream.answer(item.pk, is_adopted=False, text="不改", by=cast.water_head)
    with pytest.raises(IllegalTransition):
        upstream.answer(item.pk, is_adopted=True, text="改", by=cast.water_head)


def test_imp_11_lists_cost_the_same_however_long_they_are(client, cast, problem, django_assert_max_num_queries):
    for n in range(12):
        sent(cast, problem, text=f"第 {n} 点")
        ideas.suggest(about="tools", text=f"建议 {n}", by=cast.intake)
    client.force_login(cast.coordinator)
    for name in ("upstream", "ideas"):
        client.get(reverse(f"analytics:{name}"))
        with django_assert_max_num_queries(8):
            client.get(reverse(f"analytics:{name}"))


# --- Suggestions ------------------------------------------------------------------------------------
def test_imp_20_everybody_at_the_desk_suggests_and_reads_the_own_answers(client, cast, problem):
    client.force_login(cast.intake)
    address = reverse("analytics:ideas")
    assert client.get(address).status_code == 200
    for data, field in (({"about": "", "text": "加一台打印机"}, "about"), ({"about": "tools", "text": " "}, "text")):
        answer = client.post(address, data)
        assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert client.post(address, {"about": "lunch", "text": "好"}).status_code == 422
    assert client.post(address, {"about": "tools", "text": "加一台打印机"}).status_code == 302
    idea = StaffIdea.objects.get()
    assert Notification.objects.filter(kind="idea_made", recipient=cast.coordinator).exists()
    client.force_login(cast.water_handler)
    assert client.get(f"{address}?show=open").context["rows"] == []
    answer_it = reverse("analytics:idea_answer", args=[idea.pk])
    assert client.get(answer_it).status_code == 403

    client.force_login(cast.coordinator)
    assert [row.pk for row, may in client.get(f"{address}?show=open").context["rows"] if may] == [idea.pk]
    assert client.post(answer_it, {"is_adopted": "true", "text": ""}).status_code == 422
    data = {"is_adopted": "true", "text": "下周到货", "problem": problem.number}
    assert client.post(answer_it, data).status_code == 302
    assert client.post(answer_it, data).status_code == 409
    assert Notification.objects.filter(kind="idea_answered", recipient=cast.intake).count() == 1
    client.force_login(cast.intake)
    assert "下周到货" in client.get(address).content.decode()
    assert ideas.shares() == {"made": 1, "answered": 1, "adopted": 1}


def test_imp_20_nobody_answers_the_own_suggestion(client, cast):
    idea = ideas.suggest(about="process", text="少一张表", by=cast.coordinator)
    with pytest.raises(NotAllowed):
        ideas.answer(idea.pk, is_adopted=True, text="好主意", by=cast.coordinator)
    client.force_login(cast.coordinator)
    assert client.get(reverse("analytics:idea_answer", args=[idea.pk])).status_code == 403
    assert not Notification.objects.filter(kind="idea_made", recipient=cast.coordinator).exists()
    ideas.answer(idea.pk, is_adopted=False, text="法规要求", by=cast.manager)
    assert ideas.shares()["adopted"] == 0
