"""The problem list: fed, ranked, analysed, improved, measured, replicated
(IMP-01…IMP-09, IMP-13, IMP-14, IMP-15, IMP-17)."""

import re
from datetime import date, timedelta

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import Membership
from accounts.tests.factories import sign_in_anew, user
from analytics import adoptions, causes, figures, problem_feed, problem_rules, problems, projects
from analytics.models import Problem, ProblemSource, Project
from analytics.periods import Period, parse
from analytics.scope import Scope
from analytics.states import AdoptionState, CauseCode, ImprovementKind, ProblemSourceKind, ProblemState, ProjectState
from complaints import transitions as case_transitions
from complaints.models import CaseEvent, Complaint, Incident, Notification, Proposal
from complaints.tests.factories import Story, at, category, registered
from publication.models import Publication
from publication.states import PublicationStatus
from review.models import ReviewCase
from review.states import ReviewStatus

pytestmark = pytest.mark.django_db

NOW = at("2026-11-21 10:00")


@pytest.fixture
def case(cast):
    """A case closed with a systemic cause on 20 November 2026."""
    return Story(cast).to_closed().case


@pytest.fixture
def problem(cast, case):
    return problem_feed.take_up(
        "case",
        f"{case.category_id}-{case.lead_department_id}",
        title="老旧小区反复停水",
        description="只抢修，不更换老化管道。",
        is_major=True,
        by=cast.coordinator,
        at=NOW,
    )


def plan(cast, **changes):
    return {
        "owner": cast.water_handler,
        "title": "更换柳桥片区主管道",
        "kind": ImprovementKind.EQUIPMENT,
        "chain": ["production", "service"],
        "goal": "三公里铸铁管换成球墨铸铁管",
        "acceptance": "竣工验收单，三个月无爆管",
        "department": cast.water,
        "starts_on": date(2026, 11, 1),
        "due_on": date(2027, 3, 31),
        "report_every_days": 14,
        "indicator": "received",
        "before": (parse("2026-07"), parse("2026-09")),
        **changes,
    }


@pytest.fixture
def project(cast, problem):
    return projects.start(problem.pk, by=cast.coordinator, at=NOW, **plan(cast))


def workshop(**changes):
    return {
        "held_on": date(2026, 11, 20),
        "participants": [],
        "guests": "管网公司李工",
        "whys": ["管道爆裂", "管龄超过 30 年", "更换计划没有经费"],
        "fishbone": {"machine": ["管材老化", "阀门失灵"], "method": ["只抢修不更换"]},
        "root_cause": CauseCode.RIGID,
        "conclusion": "把更换列入年度计划",
        **changes,
    }


def verified(cast, project, months=("2026-10", "2026-10")):
    done = projects.finish(project.pk, text="已竣工", version=project.version, by=cast.water_handler, at=NOW)
    return projects.verify(
        project.pk,
        note="验收单齐全",
        after=tuple(map(parse, months)),
        version=done.version,
        by=cast.checker,
        at=NOW,
    )


# --- Feeding ----------------------------------------------------------------------------------------
def test_imp_01_systemic_cases_are_proposed_as_one_problem_and_linked_when_confirmed(client, cast, case):
    """IMP-16 names the cause when closing; the list proposes it, a person confirms, the case says so."""
    client.force_login(cast.coordinator)
    page = client.get(reverse("analytics:problem_proposals"))
    assert [(row.title, row.cases) for row in page.context["rows"]] == [(f"{category().label} · 供水集团", 1)]
    address = reverse("analytics:problem_proposal", args=["case", page.context["rows"][0].key])
    assert client.get(address).status_code == 200
    assert client.post(address, {"choice": "new", "name": "", "description": "只抢修"}).status_code == 422
    answer = client.post(address, {"choice": "new", "name": "反复停水", "description": "只抢修不更换"})
    row = Problem.objects.get()
    assert answer.headers["Location"] == reverse("analytics:problem", args=[row.number])
    assert (row.cases, row.department, row.category) == (1, cast.water, category())
    assert CaseEvent.objects.filter(complaint=case, kind="problem_linked").exists()
    assert case.number in client.get(answer.headers["Location"]).content.decode()
    assert client.get(reverse("analytics:problem_proposals")).context["rows"] == []
    assert client.post(address, {"choice": "new", "name": "又一次", "description": "重复"}).status_code == 302
    assert Problem.objects.count() == 1


@pytest.fixture
def everything(cast, case):
    """One thing of each kind that may be a problem."""
    review = ReviewCase.objects.create(
        number="FC-202611-0001",
        complaint=case,
        status=ReviewStatus.CLOSED,
        opened_at=NOW,
        screening_due_at=NOW,
        finalised_at=NOW - timedelta(days=1),
        systemic_cause="答复没有说明原因",
    )
    publication = Publication.objects.create(
        number="GS-202611-0001",
        complaint=case,
        status=PublicationStatus.POSTED,
        title="停水致歉",
        improvement="更换管道",
        author=cast.publisher,
        first_checker=cast.publication_checker,
        second_checker=cast.publication_checker2,
        masking_reviewer=cast.counsel,
        signed_hash="0" * 64,
        department=cast.water,
        created_at=NOW,
        updated_at=NOW,
        posted_at=NOW - timedelta(days=1),
    )
    incident = Incident.objects.create(
        number="SJ-202611-0001", title="柳桥大面积停水", opened_at=NOW - timedelta(days=3), opened_by=cast.coordinator
    )
    Complaint.objects.filter(pk=case.pk).update(incident=incident)
    incident.improvements.create(
        origin="incident", what="建立备用水源", department=cast.water, due_on=date(2027, 1, 1), created_at=NOW
    )
    idea = Proposal.objects.create(complaint=case, about="process", text="提前一天通知停水", at=NOW, is_valuable=True)
    return {"review": review.number, "publication": publication.number, "incident": incident.number,
            "feedback": str(idea.pk)}  # fmt: skip


@pytest.mark.parametrize("kind", ["review", "publication", "incident", "feedback"])
def test_imp_01_reviews_publications_incidents_and_feedback_feed_the_list(client, cast, case, everything, kind):
    key = everything[kind]
    assert [row.key for row in problem_feed.candidates(kind, now=NOW)] == [key]
    row = problem_feed.take_up(
        kind, key, title="反复停水", description="原因没有查到底", is_major=False, by=cast.checker, at=NOW
    )
    assert set(row.sources.values_list("kind", "reference", "complaint")) == {(kind, key, None), (kind, key, case.pk)}
    assert problem_feed.candidates(kind, now=NOW) == []
    client.force_login(cast.coordinator)
    assert key in client.get(reverse("analytics:problem", args=[row.number])).content.decode()
    with pytest.raises(IllegalTransition):
        problem_feed.merge(kind, key, problem_id=row.pk, by=cast.coordinator, at=NOW)


def test_imp_01_a_proposal_joins_a_problem_or_is_left_out_with_the_reason(cast, case, everything):
    first = problem_feed.take_up(
        "review", everything["review"], title="答复避重就轻", description="没有说明原因", is_major=False,
        by=cast.coordinator, at=NOW,
    )  # fmt: skip
    problem_feed.merge("publication", everything["publication"], problem_id=first.pk, by=cast.coordinator, at=NOW)
    assert (first.sources.count(), Problem.objects.get().cases) == (3, 1)
    with pytest.raises(InvalidInput) as refused:
        problem_feed.leave_out("feedback", everything["feedback"], reason=" ", by=cast.coordinator, at=NOW)
    assert (refused.value.field, Problem.objects.count()) == ("reason", 1)
    problem_feed.leave_out("feedback", everything["feedback"], reason="已在办理", by=cast.coordinator, at=NOW)
    aside = Problem.objects.get(state=ProblemState.SET_ASIDE)
    assert aside.settled_note == "已在办理"
    assert problem_feed.candidates("feedback", now=NOW) == []


def test_imp_01_only_who_keeps_the_list_writes_on_it(client, cast, problem, project):
    row = Problem.objects.get()
    pages = [
        reverse("analytics:problem_enter"),
        reverse("analytics:problem_proposals"),
        reverse("analytics:problem_proposal", args=["case", "1-1"]),
        *(reverse(f"analytics:{name}", args=[row.number]) for name in ("problem_edit", "analysis_new", "project_new")),
        reverse("analytics:problem_decide", args=[row.number, "set-aside"]),
        reverse("analytics:project_edit", args=[project.number]),
    ]
    client.force_login(cast.water_handler)
    assert [client.get(page).status_code for page in pages] == [403] * len(pages)
    assert client.post(reverse("analytics:problem", args=[row.number]), {"case": "x"}).status_code == 403
    for action in ("give-up", "verify"):
        page = reverse("analytics:project_step", args=[project.number, action])
        data = {"note": "无", "version": project.version, "is_met": "false"}
        assert client.post(page, data).status_code == 403
    sign_in_anew(client, cast.administrator)
    assert client.get(reverse("analytics:problems")).status_code == 403
    with pytest.raises(NotAllowed):
        problem_rules.enter(title="无", description="无", by=cast.water_head)


def test_a_department_reads_its_own_problems(client, cast, problem):
    """AN-33: others find neither the entry on the list nor its page."""
    address = reverse("analytics:problem", args=[problem.number])
    client.force_login(cast.water_handler)
    assert client.get(address).status_code == 200
    assert problem.title in client.get(reverse("analytics:problems")).content.decode()
    client.force_login(cast.roads_handler)
    assert client.get(address).status_code == 404
    assert problem.title not in client.get(reverse("analytics:problems")).content.decode()
    assert problem.title not in client.get("/desk/figures/?period=2026-11").content.decode()


def test_the_page_names_only_cases_the_person_may_read(client, cast, problem, case):
    case_transitions.name_accused(case.pk, people=[cast.checker], reason="投诉人点名", by=cast.coordinator, at=NOW)
    client.force_login(cast.checker)
    page = client.get(reverse("analytics:problem", args=[problem.number])).content.decode()
    assert case.number not in page
    client.force_login(cast.coordinator)
    assert case.number in client.get(reverse("analytics:problem", args=[problem.number])).content.decode()


# --- Rank -------------------------------------------------------------------------------------------
def test_imp_02_ranked_by_frequency_and_risk(client, cast):
    """Two ordinary cases weigh less than one graded high; a later grade counts after the daily round."""
    rows = {}
    for name, count in (("两件普通", 2), ("一件高风险", 1)):
        rows[name] = problem_rules.enter(title=name, description="说明", by=cast.coordinator, at=NOW)
        for n in range(count):
            receipt = registered(phone=f"1390000{len(name)}{n:03}", email="")
            problem_rules.add_case(rows[name].pk, case=receipt.complaint, by=cast.coordinator, at=NOW)
    client.force_login(cast.manager)
    order = [line.problem.title for line in client.get(reverse("analytics:problems")).context["lines"]]
    assert order == ["两件普通", "一件高风险"]
    case = Complaint.objects.get(pk=rows["一件高风险"].sources.get().complaint_id)
    case_transitions.accept(case.pk, by=cast.intake, rule="范围内", category=category(), at=NOW)
    case_transitions.grade_risk(case.pk, by=cast.intake, grade="high", reason="可能见报", at=NOW)
    projects.watch(now=NOW)
    found = client.get(reverse("analytics:problems")).context["lines"]
    assert [(line.problem.title, line.problem.cases, line.problem.score) for line in found] == [
        ("一件高风险", 1, 3),
        ("两件普通", 2, 2),
    ]


def test_the_list_is_narrowed_with_counts_and_paged(client, cast, problem, monkeypatch):
    for n in range(3):
        problem_rules.enter(title=f"路面{n}", description="说明", department=cast.roads, by=cast.coordinator, at=NOW)
    client.force_login(cast.manager)
    page = client.get(reverse("analytics:problems"), {"department": "roads"})
    assert [line.problem.title for line in page.context["lines"]] == ["路面2", "路面1", "路面0"]
    counts = {choice.label: choice.count for choice in page.context["choices"]["department"]}
    assert counts == {"供水集团": 1, "城管局": 3}
    assert page.context["choices"]["state"][0].count == 3
    assert client.get(reverse("analytics:problems"), {"state": "settled"}).context["lines"] == []
    monkeypatch.setattr("analytics.problem_views.PAGE_ROWS", 3)
    first = client.get(reverse("analytics:problems"))
    second = client.get(f"/desk/problems/{first.context['next_url']}")
    shown = [[line.problem.title for line in part.context["lines"]] for part in (first, second)]
    assert shown == [["老旧小区反复停水", "路面2", "路面1"], ["路面0"]]
    assert client.get(reverse("analytics:problems"), {"after": "x"}).status_code == 404


def test_lists_cost_the_same_for_one_and_many(client, cast, problem, project, django_assert_max_num_queries):
    for n in range(4):
        problem_rules.enter(title=f"问题{n}", description="说明", department=cast.water, by=cast.coordinator, at=NOW)
    client.force_login(cast.coordinator)
    for name in ("problems", "problem_proposals"):
        client.get(reverse(f"analytics:{name}"))
        with django_assert_max_num_queries(8):
            client.get(reverse(f"analytics:{name}"))


def test_a_stale_change_is_refused_and_nothing_is_lost(client, cast, problem):
    client.force_login(cast.coordinator)
    address = reverse("analytics:problem_edit", args=[problem.number])
    data = {"name": "新的标题", "description": "新的说明", "category": "water-outage", "department": "water",
            "is_major": "on", "version": problem.version}  # fmt: skip
    assert client.post(address, data).status_code == 302
    answer = client.post(address, {**data, "name": "另一个标题"})
    assert (answer.status_code, Problem.objects.get().title) == (409, "新的标题")
    assert "另一个标题" in answer.content.decode()
    assert client.post(address, {**data, "name": ""}).status_code == 422


# --- Causes -----------------------------------------------------------------------------------------
def test_imp_03_a_workshop_is_kept_and_drawn_with_its_words_as_a_table(client, cast, problem):
    client.force_login(cast.coordinator)
    address = reverse("analytics:analysis_new", args=[problem.number])
    assert cast.water_handler.display_name in client.get(address).content.decode()
    data = {
        "held_on": "2026-11-20",
        "participants": [cast.water_handler.staff_number, cast.checker.staff_number],
        "guests": "",
        "why_1": "管道爆裂",
        "why_2": "管龄超过 30 年",
        "bone_machine": "管材老化\n阀门失灵",
        "bone_method": "只抢修不更换",
        "root_cause": "rigid",
        "conclusion": "把更换列入年度计划",
    }
    assert client.post(address, data).status_code == 302
    page = client.get(reverse("analytics:problem", args=[problem.number])).content.decode()
    assert page.count('role="img"') == 3
    for words in ("管龄超过 30 年", "阀门失灵", cast.checker.display_name, "把更换列入年度计划"):
        assert words in page
    row = Problem.objects.get()
    assert (row.state, row.causes) == (ProblemState.ANALYSED, ["rigid"])
    analysis = row.analyses.get()
    change = reverse("analytics:analysis_edit", args=[problem.number, analysis.pk])
    changed = {**data, "why_3": "没有经费", "version": analysis.version}
    assert client.post(change, changed).status_code == 302
    assert client.post(change, changed).status_code == 409
    assert row.analyses.get().whys == ["管道爆裂", "管龄超过 30 年", "没有经费"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"whys": []}, "why_1"),
        ({"whys": ["一", "", "三"]}, "why_2"),
        ({"whys": ["x"] * 8}, "why_7"),
        ({"fishbone": {"machine": ["x"] * 7}}, "bone_machine"),
        ({"fishbone": {"luck": ["x"]}}, "bone_luck"),
        ({"guests": " "}, "participants"),
        ({"root_cause": "bad luck"}, "root_cause"),
        ({"conclusion": ""}, "conclusion"),
        ({"held_on": date(2099, 1, 1)}, "held_on"),
    ],
)
def test_imp_03_what_a_workshop_must_hold(cast, problem, changes, field):
    with pytest.raises(InvalidInput) as refused:
        causes.record(problem.pk, by=cast.coordinator, at=NOW, **workshop(**changes))
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("requirement", "codes"),
    [
        ("IMP-08", ["test_gap", "late_information", "emergency", "training_lack", "supervision", "crisis"]),
        ("IMP-09", ["knowledge_stale", "training_off", "long_path", "staff", "rigid", "responsibility"]),
    ],
)
def test_imp_08_imp_09_the_causes_of_the_sources_can_be_chosen_and_stand_on_the_list(
    client, cast, problem, requirement, codes
):
    client.force_login(cast.manager)
    form = client.get(reverse("analytics:analysis_new", args=[problem.number])).content.decode()
    for code in codes:
        assert f'value="{code}"' in form
        causes.record(problem.pk, by=cast.coordinator, at=NOW, **workshop(root_cause=code))
    with translation.override("zh-hans"):
        page = client.get(reverse("analytics:problems")).content.decode()
        assert all(str(CauseCode(code).label) in page for code in codes)


# --- Recurrence -------------------------------------------------------------------------------------
def test_imp_07_cases_give_counts_and_recurrence(client, cast, problem):
    """The entry divides the months; each linked case counts in the month it was received."""
    for n, day in enumerate(("2026-06-05", "2026-08-07", "2026-08-09")):
        receipt = registered(f"{day} 09:00", phone=f"1380000{n:04}", email="")
        problem_rules.add_case(problem.pk, case=receipt.complaint, by=cast.coordinator, at=NOW)
    row = Problem.objects.get()
    series = problems.recurrence(row, now=NOW)
    assert [(month.code, n) for month, n in series if n] == [("2026-06", 1), ("2026-08", 2), ("2026-11", 1)]
    assert problems.per_month(series, row.opened_at) == (11, 0.3, 1.0)
    assert (row.cases, row.score) == (4, 4)
    with pytest.raises(InvalidInput) as refused:
        problem_rules.add_case(row.pk, case=receipt.complaint, by=cast.coordinator, at=NOW)
    assert (refused.value.field, row.sources.count()) == ("case", 4)
    client.force_login(cast.coordinator)
    address = reverse("analytics:problem", args=[row.number])
    assert client.post(address, {"case": receipt.complaint.number}).status_code == 422
    assert client.post(address, {"case": "HY-20200101-0001"}).status_code == 422


# --- Projects ---------------------------------------------------------------------------------------
def test_imp_05_a_major_problem_needs_a_project_with_owner_timetable_and_criteria(client, cast, problem):
    client.force_login(cast.coordinator)
    with translation.override("zh-hans"):
        assert (
            reverse("analytics:project_new", args=[problem.number])
            in client.get(reverse("analytics:problem", args=[problem.number])).content.decode()
        )
    assert client.get(reverse("analytics:problems")).context["lines"][0].lacks_project
    data = {
        "name": "更换主管道", "kind": "equipment", "chain": ["production", "service"], "goal": "换管",
        "acceptance": "验收单", "department": "water", "owner": "W001", "starts_on": "2026-11-01",
        "due_on": "2027-03-31", "report_every_days": "14", "indicator": "received", "before_from": "2026-08",
        "before_until": "2026-10",
    }  # fmt: skip
    address = reverse("analytics:project_new", args=[problem.number])
    assert client.get(address).status_code == 200
    for name in ("owner", "acceptance", "due_on", "chain", "indicator"):
        answer = client.post(address, {key: value for key, value in data.items() if key != name})
        assert (answer.status_code, list(answer.context["form"].errors)) == (422, [name])
    answer = client.post(address, {**data, "due_on": "2026-10-01"})
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["due_on"])
    assert client.post(address, data).status_code == 302
    row = Project.objects.get()
    assert Notification.objects.filter(kind="project_given", recipient=cast.water_handler).exists()
    assert Problem.objects.get().state == ProblemState.IMPROVING
    line = client.get(reverse("analytics:problems")).context["lines"][0]
    assert (line.project["number"], line.lacks_project) == (row.number, False)
    edit = reverse("analytics:project_edit", args=[row.number])
    assert client.post(edit, {**data, "name": "更换管道", "version": row.version}).status_code == 302
    assert client.post(edit, {**data, "name": "再改", "version": row.version}).status_code == 409


def test_imp_04_imp_15_the_chain_and_the_kinds_of_improvement(client, cast, problem):
    """Design, production, sales, service; and the six kinds the sources name."""
    client.force_login(cast.coordinator)
    form = client.get(reverse("analytics:project_new", args=[problem.number])).content.decode()
    for code in ("design", "production", "sales", "service"):
        assert f'value="{code}"' in form
    for code in ("process", "training", "equipment", "guidance", "manual", "plan"):
        assert f'value="{code}"' in form
    row = projects.start(
        problem.pk, by=cast.coordinator, at=NOW, **plan(cast, chain=["service", "design"], kind="guidance")
    )
    assert row.chain == ["design", "service"]
    page = client.get(reverse("analytics:project", args=[row.number])).content.decode()
    with translation.override("zh-hans"):
        assert str(ImprovementKind.GUIDANCE.label) in page


def test_imp_06_reports_at_the_interval_then_verified_by_another_person(client, cast, project):
    """The owner reports; the owner cannot verify; sent back it goes on; only then the problem can be settled."""
    client.force_login(cast.water_handler)
    step = lambda action: reverse("analytics:project_step", args=[project.number, action])  # noqa: E731
    assert client.post(step("report"), {"percent": "100", "text": "好了"}).status_code == 422
    assert client.post(step("report"), {"percent": "40", "text": "已完成一公里"}).status_code == 302
    row = Project.objects.get()
    assert (row.percent, row.progress.get().text) == (40, "已完成一公里")
    with pytest.raises(IllegalTransition):
        problem_rules.settle(row.problem_id, reason="好了", version=row.problem.version, by=cast.coordinator)
    done = {"text": "全部更换", "version": row.version}
    assert client.post(step("done"), {**done, "version": 0}).status_code == 409
    assert client.post(step("done"), done).status_code == 302
    assert client.post(step("report"), {"percent": "50", "text": "再报"}).status_code == 409
    assert Notification.objects.filter(kind="project_to_verify", recipient=cast.coordinator).exists()
    row.refresh_from_db()
    assert client.post(step("verify"), {"is_met": "true", "note": "好", "version": row.version}).status_code == 403
    client.force_login(cast.coordinator)
    sent_back = {"is_met": "false", "note": "缺验收单", "version": row.version}
    assert client.post(step("verify"), sent_back).status_code == 302
    row.refresh_from_db()
    assert (row.state, row.percent, row.done_by) == (ProjectState.OPEN, 40, None)
    assert Notification.objects.filter(kind="project_returned", recipient=cast.water_handler).exists()
    verified(cast, row)
    page = client.get(reverse("analytics:problem", args=[row.problem.number]))
    assert page.context["may_settle"]
    row.problem.refresh_from_db()
    address = reverse("analytics:problem_decide", args=[row.problem.number, "settle"])
    assert client.post(address, {"reason": "", "version": row.problem.version}).status_code == 422
    assert client.post(address, {"reason": "已根治", "version": row.problem.version}).status_code == 302
    assert client.post(address, {"reason": "已根治", "version": row.problem.version + 1}).status_code == 409
    assert Problem.objects.get().state == ProblemState.SETTLED


def test_imp_06_neither_owner_nor_who_reported_it_done_verifies_whatever_their_role(cast, problem):
    """Both keep the problem list and may verify any other project."""
    row = projects.start(problem.pk, by=cast.coordinator, at=NOW, **plan(cast, owner=cast.coordinator))
    row = projects.finish(row.pk, text="已竣工", version=row.version, by=cast.manager, at=NOW)
    months = (parse("2026-10"), parse("2026-10"))
    for person in (cast.coordinator, cast.manager):
        assert not projects.may_verify(person, row)
        with pytest.raises(NotAllowed):
            projects.verify(row.pk, note="好", after=months, version=row.version, by=person, at=NOW)
        with pytest.raises(NotAllowed):
            projects.send_back(row.pk, note="不好", version=row.version, by=person, at=NOW)
    assert projects.verify(row.pk, note="好", after=months, version=row.version, by=cast.checker, at=NOW).verified_at


def test_imp_06_only_a_verified_project_settles_and_a_closed_problem_can_be_taken_up_again(cast, problem):
    with pytest.raises(IllegalTransition):
        problem_rules.settle(problem.pk, reason="好了", version=problem.version, by=cast.coordinator, at=NOW)
    row = projects.start(problem.pk, by=cast.coordinator, at=NOW, **plan(cast))
    with pytest.raises(IllegalTransition):
        problem_rules.set_aside(problem.pk, reason="不做", version=problem.version, by=cast.coordinator, at=NOW)
    projects.give_up(row.pk, note="没有经费", version=row.version, by=cast.coordinator, at=NOW)
    assert Problem.objects.get().state == ProblemState.OPEN
    aside = problem_rules.set_aside(problem.pk, reason="不做", version=problem.version, by=cast.coordinator, at=NOW)
    with pytest.raises(IllegalTransition):
        projects.start(problem.pk, by=cast.coordinator, at=NOW, **plan(cast))
    again = problem_rules.reopen(problem.pk, reason="又来了", version=aside.version, by=cast.coordinator, at=NOW)
    assert (again.state, again.settled_at, again.settled_note) == (ProblemState.OPEN, None, "又来了")
    with pytest.raises(StaleVersion):
        problem_rules.set_aside(problem.pk, reason="不做", version=aside.version, by=cast.coordinator, at=NOW)


def told(kind):
    return {row.recipient.staff_number for row in Notification.objects.filter(kind=kind)}


def test_imp_06_the_owner_is_reminded_first_then_the_head_each_once(cast, project):
    """Reported every 14 days from 1 November: due after the 15th, silent after the 29th."""
    assert projects.watch(now=at("2026-11-15 08:00"))["told"] == 0
    assert projects.watch(now=at("2026-11-16 08:00"))["told"] == 1
    assert projects.watch(now=at("2026-11-17 08:00"))["told"] == 0
    assert (told("project_report"), told("project_silent")) == ({"W001"}, set())
    projects.watch(now=at("2026-11-30 08:00"))
    assert told("project_silent") == {"W003"}
    projects.report(project.pk, percent=20, text="开工", by=cast.water_handler, at=at("2026-12-01 08:00"))
    assert projects.watch(now=at("2026-12-10 08:00"))["told"] == 0
    projects.watch(now=at("2027-04-01 08:00"))
    assert told("project_overdue") == {"W001", "W003"}


def test_imp_05_a_major_problem_left_without_a_project_is_pointed_out_once(cast, problem):
    assert projects.watch(now=NOW + timedelta(days=13))["told"] == 0
    assert projects.watch(now=NOW + timedelta(days=15))["told"] > 0
    assert {"A003", "M001"} <= told("major_problem")
    assert projects.watch(now=NOW + timedelta(days=16))["told"] == 0


# --- Before and after -------------------------------------------------------------------------------
def test_imp_13_the_effect_is_the_figure_of_the_same_cases_before_and_after(client, cast, project):
    """Two complaints a month before, one after; others' complaints do not count."""
    for n, day in enumerate(("07-05", "08-07", "08-08", "08-09", "09-01", "09-09", "10-09")):
        receipt = registered(f"2026-{day} 09:00", phone=f"1380000{n:04}", email="")
        moment = at(f"2026-{day} 10:00")
        case_transitions.accept(receipt.complaint.pk, by=cast.intake, rule="内", category=category(), at=moment)
        case_transitions.assign(
            receipt.complaint.pk, by=cast.coordinator, department=cast.water, task="查明", at=moment
        )
    registered("2026-10-12 09:00", phone="13900009999", email="")
    row = verified(cast, project)
    scope = Scope(category=(category().pk,), department=(cast.water.pk,))
    assert row.before_value * 3 == figures.received(Period(2026, 7, 3), scope).value == 6
    assert row.after_value == figures.received(parse("2026-10"), scope).value == 1
    client.force_login(cast.manager)
    with translation.override("en"):
        found = projects.effect(row)
    assert (found.before, found.after, found.is_better) == ("2.0", "1.0", None)
    assert found.finding == "From 2.0 to 1.0: down by 50%."
    page = client.get(reverse("analytics:project", args=[row.number])).content.decode()
    assert 'role="img"' in page
    assert "2026-07 – 2026-09" in page


@pytest.mark.parametrize(
    ("months", "field"),
    [
        (("2026-09", "2026-10"), "after_from"),
        (("2026-10", "2026-11"), "after_until"),
        (("2026-10", "2026-09"), "after_until"),
    ],
)
def test_imp_13_the_months_after_are_over_and_lie_behind_those_before(cast, project, months, field):
    with pytest.raises(InvalidInput) as refused:
        verified(cast, project, months)
    assert refused.value.field == field
    assert Project.objects.get().state == ProjectState.DONE


def test_imp_13_a_rate_says_whether_it_became_better():
    row = Project(indicator="average_days", before_value=10.0, after_value=6.0, after_from=date(2026, 10, 1))
    with translation.override("en"):
        found = projects.effect(row)
        assert (found.finding, found.is_better) == ("From 10.0 to 6.0: down by 40%.", True)
        row.after_value = None
        assert projects.effect(row).is_better is None


def test_imp_13_the_unit_stands_once_beside_the_figure():
    with translation.override("en"):
        assert projects.effect(Project(indicator="average_days")).heading == "Average handling (working days)"
        assert projects.effect(Project(indicator="median_hours")).heading == "Median hours to the reply"


# --- Replication ------------------------------------------------------------------------------------
def test_imp_14_other_departments_are_asked_answer_and_are_counted(client, cast, project):
    roads_head = user("R003", "department_head", display_name="石工")
    Membership.objects.create(user=roads_head, department=cast.roads, since=NOW - timedelta(days=900), is_head=True)
    ask = reverse("analytics:project_step", args=[project.number, "adoption"])
    client.force_login(cast.coordinator)
    data = {"departments": ["roads"], "due_on": "2099-01-01"}
    assert client.post(ask, data).status_code == 409
    verified(cast, project)
    assert client.post(ask, {"departments": [], "due_on": "2099-01-01"}).status_code == 422
    assert client.post(ask, {**data, "due_on": "2020-01-01"}).status_code == 422
    assert client.post(ask, data).status_code == 302
    assert told("adoption_asked") == {"R003"}
    row = project.adoptions.get()
    answer = reverse("analytics:adoption", args=[row.pk])
    words = {"is_adopted": "true", "text": "我局照此更换"}
    client.force_login(cast.water_head)
    assert client.post(answer, words).status_code == 403
    client.force_login(roads_head)
    assert client.get(reverse("analytics:project", args=[project.number])).status_code == 200
    assert client.post(answer, {**words, "text": ""}).status_code == 422
    assert client.post(answer, words).status_code == 302
    assert client.post(answer, words).status_code == 409
    row.refresh_from_db()
    assert row.state == AdoptionState.ADOPTED
    assert adoptions.rate(adoptions.rows_of(project)) == (1, 1)
    assert told("adoption_answered") == {"A003"}


def test_imp_14_who_has_not_answered_in_time_is_reminded_once(cast, project):
    verified(cast, project)
    roads_head = user("R003", "department_head")
    Membership.objects.create(user=roads_head, department=cast.roads, since=NOW - timedelta(days=900), is_head=True)
    adoptions.ask(project.pk, departments=[cast.roads], due_on=date(2026, 12, 1), by=cast.coordinator, at=NOW)
    projects.watch(now=at("2026-12-01 08:00"))
    assert told("adoption_late") == set()
    projects.watch(now=at("2026-12-02 08:00"))
    projects.watch(now=at("2026-12-03 08:00"))
    assert (told("adoption_late"), Notification.objects.filter(kind="adoption_late").count()) == ({"R003"}, 1)


# --- The case ---------------------------------------------------------------------------------------
def states(client, case):
    page = client.get(reverse("analytics:case_problems", args=[case.number]))
    return [part.is_done for part in page.context["parts"]], page.context["is_done"]


def test_imp_17_a_case_is_done_only_when_solved_put_right_and_told(client, cast, case):
    """Closed with a systemic cause: solved and told, but its rectification is open until the problem is settled."""
    client.force_login(cast.coordinator)
    assert states(client, case) == ([True, False, True], False)
    row = problem_rules.enter(title="反复停水", description="只抢修", case=case, by=cast.coordinator, at=NOW)
    assert states(client, case) == ([True, False, True], False)
    project = projects.start(row.pk, by=cast.coordinator, at=NOW, **plan(cast))
    verified(cast, project)
    row.refresh_from_db()
    problem_rules.settle(row.pk, reason="已根治", version=row.version, by=cast.coordinator, at=NOW)
    assert states(client, case) == ([True, True, True], True)
    fresh = Story(cast, phone="13900000001", email="").accept().case
    assert states(client, fresh) == ([False, False, False], False)


def test_a_case_is_added_from_its_own_page(client, cast, case):
    row = problem_rules.enter(title="反复停水", description="只抢修", by=cast.coordinator, at=NOW)
    address = reverse("analytics:case_problems", args=[case.number])
    client.force_login(cast.coordinator)
    assert address in client.get(reverse("complaints:detail", args=[case.number])).content.decode()
    assert client.post(address, {"problem": "WT-0"}).status_code == 422
    assert client.post(address, {"problem": row.number}).status_code == 302
    assert client.post(address, {"problem": row.number}).status_code == 422
    assert row.title in client.get(address).content.decode()
    enter = client.get(f"{reverse('analytics:problem_enter')}?case={case.number}&period=2026-10")
    assert case.number in enter.content.decode()
    data = {"name": "另一问题", "description": "说明", "case": case.number, "reference": "2026-10"}
    assert client.post(reverse("analytics:problem_enter"), {**data, "reference": "Oct"}).status_code == 422
    assert client.post(reverse("analytics:problem_enter"), data).status_code == 302
    kinds = Problem.objects.get(title="另一问题").sources.values_list("kind", flat=True)
    assert set(kinds) == {ProblemSourceKind.CASE, ProblemSourceKind.REPORT}
    client.force_login(cast.roads_handler)
    assert client.get(address).status_code == 404
    client.force_login(cast.water_handler)
    assert client.get(address).status_code == 200
    assert client.post(address, {"problem": row.number}).status_code == 403


# --- Figures and API --------------------------------------------------------------------------------
def test_imp_02_the_worst_problems_stand_under_the_figures(client, cast, problem, project):
    client.force_login(cast.manager)
    page = client.get("/desk/figures/?period=2026-11")
    assert [line.problem.title for line in page.context["lines"]] == [problem.title]
    assert project.title in page.content.decode()


def test_imp_07_the_list_draws_the_trend_in_equal_spans_up_to_now(client, cast, problem):
    """Thirty days each, so the span under way is as long as the others; what is older is left out."""
    ProblemSource.objects.all().delete()
    (line,) = problems.lines(problems.for_list(Problem.objects.all(), now=NOW), today=NOW.date())
    assert (line.lately, line.trend) == (0, None)
    moments = ("11-21 09:00", "10-22 12:00", "10-22 09:00", "08-22 10:00", "03-26 12:00", "03-26 09:00")
    for n, moment in enumerate(moments):
        receipt = registered(f"2026-{moment}", phone=f"1390000{n:04}", email="")
        problem_rules.add_case(problem.pk, case=receipt.complaint, by=cast.coordinator, at=NOW)
    (line,) = problems.lines(problems.for_list(Problem.objects.all(), now=NOW), today=NOW.date())
    assert line.lately == 4
    drawing, words = line.trend
    assert re.findall(r"\d+", words.partition("30")[2]) == ["1", "0", "0", "0", "1", "0", "1", "2"]
    assert drawing.startswith("<svg")


def test_imp_07_the_trend_stands_in_the_list_and_under_the_figures(client, cast, problem):
    """As a line and, for who does not see it, in words; without another query."""
    client.force_login(cast.coordinator)
    row = registered(f"{timezone.localdate()} 00:01", phone="13900000001", email="").complaint
    problem_rules.add_case(problem.pk, case=row, by=cast.coordinator, at=NOW)
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    for address in (reverse("analytics:problems"), reverse("analytics:figures")):
        html = client.get(address).content.decode()
        assert "Cases in each 30 days up to today, oldest first: " in html, address


def test_imp_01_the_list_over_http_is_the_list_of_the_page(client, cast, problem):
    client.force_login(cast.manager)
    rows = client.get("/api/v1/problems/").json()["results"]
    assert [(row["number"], row["cases"], row["score"]) for row in rows] == [(problem.number, 1, 1)]
    client.force_login(cast.roads_handler)
    assert client.get("/api/v1/problems/").json()["results"] == []
    sign_in_anew(client, cast.administrator)
    assert client.get("/api/v1/problems/").status_code == 403


def test_a_source_never_counts_twice(cast, problem, case):
    assert problem_rules.link_cases(problem, [case.pk], kind=ProblemSourceKind.CASE, by=cast.coordinator, at=NOW) == 0
    problem_rules.add_reference(problem, ProblemSourceKind.REPORT, "2026-10", by=cast.coordinator, at=NOW)
    problem_rules.add_reference(problem, ProblemSourceKind.REPORT, "2026-10", by=cast.coordinator, at=NOW)
    assert ProblemSource.objects.filter(problem=problem).count() == 2
