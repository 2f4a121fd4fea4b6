"""What the head of the review group plans, reports and sets: plans, rectification plans, major complaints, weights."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from complaints.models import Assignment, Complaint, MediaPlan, Notification
from complaints.tests.factories import Story, at, category
from review import draws, major, plans, selectors, top_reports, transitions, weights
from review.models import MajorStandard, ReviewCase, ReviewPlan, SampleDraw, TopReport
from review.states import ReviewStatus
from review.tests.test_review_flow import OPENED, Steps

pytestmark = pytest.mark.django_db

NOW = at("2026-11-23 09:00")


def apply(story):
    return transitions.apply(story.pk, reasons=["not_solved"], text="没有说清", channel="web", at=at(OPENED))


@pytest.fixture
def steps(cast):
    return Steps(apply(Story(cast).to_closed()), cast)


# --- Which complaints, and in which order -------------------------------------------------------------
def test_rev_02_valid_complaints_are_reviewed_others_refused_with_the_reason(client, cast):
    """Any official channel; what was found not to be valid is not reviewed on application (SCR-07)."""
    for n, channel in enumerate(["phone", "counter", "government"]):
        story = Story(cast, channel=channel, phone=f"1380000400{n}").to_closed()
        assert apply(story).pk
    story = Story(cast).to_closed()
    Complaint.objects.filter(pk=story.pk).update(is_valid=False)
    with pytest.raises(IllegalTransition) as refused:
        apply(story)
    assert str(refused.value)
    client.post("/track/", {"number": story.receipt.complaint.number, "code": story.receipt.access_code})
    page = client.get("/track/case/").content.decode()
    assert str(refused.value) in page
    assert "/track/case/review/" not in page


def test_ri_08_a_judgement_after_the_closing_takes_no_case_out_of_the_draw(client, cast):
    """REV-22 draws from the closed cases. SCR-07 keeps those judged not valid out of applications and alerts; here one
    person's judgement would keep a case from being drawn. Whoever reviews it reads the judgement."""
    story = Story(cast).to_closed()
    draws.commit("2026-11", by=cast.head_of_review, at=at("2026-11-20 09:00"))
    Complaint.objects.filter(pk=story.pk).update(is_valid=False)
    drawn = draws.draw("2026-11", by=cast.head_of_review, at=at("2026-12-01 09:00"))
    assert list(drawn.frame.values_list("complaint", flat=True)) == [story.pk]
    client.force_login(cast.head_of_review)
    page = client.get(f"/desk/reviews/{ReviewCase.objects.get(complaint=story.pk).number}/").content.decode()
    assert "无效" in page


def test_rev_03_an_application_goes_before_alerts_and_samples(client, cast):
    """Marked, and first in the list on every page of it, although it came last."""
    for n in range(2):
        story = Story(cast, phone=f"1380000500{n}").to_closed()
        transitions.open_for_alert(story.pk, rule="slow", text="", at=at(OPENED))
    applied = apply(Story(cast).to_closed())
    client.force_login(cast.head_of_review)
    shown = [row[0] for row in client.get("/desk/reviews/").context["rows"]]
    assert [row.is_priority for row in shown] == [True, False, False]
    first, place = selectors.by_priority(selectors.lists(cast.head_of_review), "", size=1)
    assert first == [applied]
    second, place = selectors.by_priority(selectors.lists(cast.head_of_review), place, size=1)
    third, place = selectors.by_priority(selectors.lists(cast.head_of_review), place, size=1)
    assert [second[0], third[0], place] == [*shown[1:], ""]


@pytest.mark.parametrize("how", ["supporting", "passed on", "returned", "plain"])
def test_rev_04_a_case_of_several_departments_or_one_that_was_returned_has_priority(cast, how):
    """Cross-department work and a responsibility in dispute go first, also where only the draw asked for the review."""
    story = Story(cast).to_closed()
    if how in ("supporting", "passed on"):
        role = "supporting" if how == "supporting" else "lead"
        moved = {"is_current": False, "state": "moved"}
        moments = {"assigned_at": at("2026-11-16 12:00"), "ended_at": at("2026-11-17 12:00")}
        Assignment.objects.create(
            complaint_id=story.pk, department=cast.roads, role=role, task="查", **moved, **moments
        )
    if how == "returned":
        Complaint.objects.filter(pk=story.pk).update(return_rounds=1)
    review = transitions.open_for_alert(story.pk, rule="slow", text="", at=at(OPENED))
    assert review.is_priority is (how != "plain")


# --- The plan of a month ------------------------------------------------------------------------------
def test_rev_12_a_plan_beside_what_is_coming(client, cast, steps):
    """Saved as revisions; a stale page is refused and keeps what was written."""
    for n in range(10):
        story = Story(cast, phone=f"1380000600{n}").to_closed()
        Complaint.objects.filter(pk=story.pk).update(first_closed_at=at("2026-10-20 16:00"))
    coming = plans.outlook("2026-11", at=NOW)
    assert (coming.open, coming.sample, coming.other, coming.total) == (1, 1, 0, 2)
    period = plans.this_month(at("2026-11-23 09:00"))
    values = {"text": "先复查申请", "focus": [category()], "capacity": 2, "by": cast.head_of_review, "at": NOW}
    plan = plans.save(period, based_on=0, **values)
    assert plans.focus_counts(plan) == [(category(), 1)]
    with pytest.raises(StaleVersion):
        plans.save(period, based_on=0, **values)
    with pytest.raises(NotAllowed):
        plans.save(period, based_on=1, **values | {"by": cast.reviewer})
    with pytest.raises(IllegalTransition):
        plans.save("2026-10", based_on=0, **values)
    for changes, field in (({"text": " "}, "text"), ({"capacity": -1}, "capacity")):
        with pytest.raises(InvalidInput) as refused:
            plans.save(period, based_on=1, **values | changes)
        assert refused.value.field == field
    assert plans.month_before("2026-01") == "2025-12"


def test_rev_12_the_page_of_the_plan(client, cast, steps):
    client.force_login(cast.head_of_review)
    data = {"based_on": 0, "text": "先复查申请", "capacity": 0}
    assert client.post("/desk/reviews/plan/", data).status_code == 302
    page = client.get("/desk/reviews/plan/")
    assert page.context["over"] == page.context["coming"].total > 0
    stale = client.post("/desk/reviews/plan/", data | {"text": "另一个计划"})
    assert (stale.status_code, "另一个计划" in stale.content.decode()) == (409, True)
    assert client.post("/desk/reviews/plan/", data | {"text": "", "based_on": 1}).status_code == 422
    assert client.post("/desk/reviews/plan/2020-01/", data).status_code == 409
    assert client.get("/desk/reviews/plan/1999-01/").status_code == 404
    assert ReviewPlan.objects.count() == 1
    client.force_login(cast.reviewer)
    assert client.get("/desk/reviews/plan/").context["may_edit"] is False
    assert client.post("/desk/reviews/plan/", data | {"based_on": 1}).status_code == 403


# --- Rectification plans ------------------------------------------------------------------------------
def test_rev_14_the_manager_is_told_and_decides_once(client, cast, steps):
    steps.set_up().assign().verify().report().opinions().finalise()
    client.force_login(cast.head_of_review)
    data = {
        "title": "抢修登记整改",
        "text": "登记表增加原因一栏，年底前完成",
        "reviews": [steps.review.number],
        "to": "M001",
    }
    assert client.post("/desk/rectification-plans/new/", data | {"reviews": []}).status_code == 422
    assert client.post("/desk/rectification-plans/new/", data | {"to": "A003"}).status_code == 422
    assert client.post("/desk/rectification-plans/new/", data).status_code == 302
    report = TopReport.objects.get()
    page = f"/desk/rectification-plans/{report.pk}/"
    assert client.post(page, {"decision": "我自己同意"}).status_code == 403
    told = Notification.objects.get(kind="top_report")
    assert (told.recipient, told.url) == (cast.manager, page)
    client.force_login(cast.manager)
    assert "抢修登记整改" in client.get("/desk/rectification-plans/").content.decode()
    assert steps.review.number in client.get(page).content.decode()
    assert client.post(page, {"decision": " "}).status_code == 422
    assert client.post(page, {"decision": "同意，由分管副主任督办"}).status_code == 302
    assert client.post(page, {"decision": "改主意了"}).status_code == 409
    report.refresh_from_db()
    assert report.decision == "同意，由分管副主任督办"
    assert Notification.objects.get(kind="top_report_decided").recipient == cast.head_of_review


def test_rev_14_only_final_reviews_and_nobody_about_themselves(cast, steps):
    values = {"title": "整改", "text": "方案", "to": cast.manager, "by": cast.head_of_review}
    with pytest.raises(InvalidInput) as refused:
        top_reports.send(reviews=[steps.review], **values)
    assert refused.value.field == "reviews"
    steps.set_up().assign().verify().report().opinions().finalise()
    steps.review.complaint.accused_staff.add(cast.manager)
    with pytest.raises(InvalidInput) as refused:
        top_reports.send(reviews=[steps.review], **values)
    assert refused.value.field == "to"
    with pytest.raises(NotAllowed):
        top_reports.send(reviews=[steps.review], **values | {"by": cast.reviewer})
    assert not TopReport.objects.exists()


def test_rev_14_others_do_not_read_it(client, cast, steps):
    steps.set_up().assign().verify().report().opinions().finalise()
    report = top_reports.send(
        title="整改", text="方案", reviews=[steps.review], to=cast.manager, by=cast.head_of_review
    )
    for person in (cast.reviewer, cast.coordinator, cast.water_head):
        client.force_login(person)
        assert client.get("/desk/rectification-plans/").status_code == 403
        assert client.get(f"/desk/rectification-plans/{report.pk}/").status_code == 403


# --- Major complaints ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "facts", [{"risk_grade": "high"}, {"amount": Decimal("10000.00")}, {"persons_affected": 20}, {}]
)
def test_rev_51_any_one_condition_makes_it_major_when_the_review_opens(cast, facts):
    story = Story(cast).to_closed()
    Complaint.objects.filter(pk=story.pk).update(**facts)
    assert apply(story).is_major is bool(facts)
    assert bool(major.reasons(story.case)) is bool(facts)


def test_rev_51_a_changed_fact_raises_an_open_review_and_nothing_lowers_it(client, cast, steps):
    """REV-13: then the head signs, nobody else."""
    assert not steps.review.is_major
    case = steps.review.complaint
    case.persons_affected = 20
    case.save(update_fields=["persons_affected"])
    assert steps.review.is_major
    client.force_login(cast.head_of_review)
    assert "20" in str(client.get(f"/desk/reviews/{steps.review.number}/").context["major_reasons"])
    case.persons_affected = 1
    case.save(update_fields=["persons_affected"])
    assert steps.review.is_major
    steps.set_up().assign().verify().report().opinions()
    with pytest.raises(NotAllowed):
        steps.finalise()
    transitions.finalise(steps.pk, by=cast.head_of_review, at=at("2026-11-25 14:00"))
    assert steps.review.status == ReviewStatus.FEEDBACK


def test_rev_51_the_media_and_facts_changed_behind_the_back(cast, steps):
    """What no signal told is found at the next step of the review."""
    MediaPlan.objects.create(
        complaint=steps.review.complaint, spokesperson="温晓", wording="说明", release_channel="官网",
        at=NOW, by=cast.manager,
    )  # fmt: skip
    assert steps.review.is_major
    other = Steps(apply(Story(cast, phone="13800007001").to_closed()), cast)
    Complaint.objects.filter(pk=other.review.complaint_id).update(amount=Decimal(20_000))
    assert not other.review.is_major
    assert other.set_up().review.is_major


def test_rev_51_the_standard_is_edited_with_a_look_at_the_last_thousand(client, cast):
    for n in range(3):
        story = Story(cast, phone=f"1380000800{n}")
        Complaint.objects.filter(pk=story.pk).update(persons_affected=5 + n)
    client.force_login(cast.head_of_review)
    data = {"based_on": 1, "risk_grade": "", "amount": "", "persons": 6, "note": "群体件从 6 人起"}
    seen = client.post("/desk/reviews/major/edit/", data | {"preview": "1"})
    assert (seen.context["counts"], MajorStandard.objects.count()) == ((0, 2, 3), 1)
    assert client.post("/desk/reviews/major/edit/", data | {"save": "1"}).status_code == 302
    assert client.post("/desk/reviews/major/edit/", data | {"save": "1"}).status_code == 409
    for changes in ({"persons": ""}, {"persons": 1}, {"note": ""}, {"risk_grade": "ordinary"}, {"amount": "-1"}):
        answer = client.post("/desk/reviews/major/edit/", data | {"based_on": 2, "save": "1"} | changes)
        assert answer.status_code == 422, changes
    assert client.get("/desk/reviews/major/").context["count"] == 2
    client.force_login(cast.reviewer)
    assert client.get("/desk/reviews/major/").status_code == 200
    assert client.get("/desk/reviews/major/edit/").status_code == 403


# --- The weights of the draw --------------------------------------------------------------------------
def test_rev_23_a_committed_draw_keeps_its_weights(cast):
    for n in range(11):
        Story(cast, phone=f"1380000900{n}").to_closed()
    row = draws.commit("2026-11", by=cast.head_of_review, at=at("2026-11-20 09:00"))
    assert (row.rule_version, row.weights["frequent"]) == ("1", "2")
    edited = weights.weights_of(weights.current()) | {"frequent": Decimal("3.50"), "special": Decimal(10)}
    weights.revise(edited, note="高频投诉人加权", based_on=1, by=cast.head_of_review)
    drawn = draws.draw("2026-11", by=cast.head_of_review, at=at("2026-12-01 09:00"))
    assert (drawn.rule_version, drawn.weights["frequent"]) == ("1", "2")
    assert draws.verify(drawn).ok
    following = draws.commit("2026-12", by=cast.head_of_review, at=at("2026-12-02 09:00"))
    assert (following.rule_version, following.weights) == (
        "2", {"frequent": "3.5", "high_value": "2", "special": "10", "cross_department": "1.5", "other": "1"},
    )  # fmt: skip
    table = {name: expected for name, _frame, expected in weights.preview(edited)}
    assert sum(table.values()) == pytest.approx(drawn.size)


def test_rev_23_the_weights_on_the_pages(client, cast):
    client.force_login(cast.head_of_review)
    url = "/desk/sampling/weights/edit/"
    weighing = {"frequent": "3", "high_value": "2", "special": "1.5", "cross_department": "1.5", "other": "1"}
    data = {"based_on": 1, "note": "加权"} | weighing
    assert client.post(url, data | {"preview": "1"}).status_code == 200
    for field, value in (("frequent", "0"), ("special", "11"), ("other", "x"), ("special", "0.5"), ("note", "")):
        answer = client.post(url, data | {"save": "1", field: value})
        assert (answer.status_code, set(answer.context["form"].errors)) == (422, {field})
    assert client.post(url, data | {"save": "1"}).status_code == 302
    assert client.post(url, data | {"save": "1"}).status_code == 409
    assert "× 3" in client.get("/desk/sampling/weights/").content.decode()
    client.force_login(cast.reviewer)
    assert client.get(url).status_code == 403


def test_the_lists_cost_the_same_for_any_number(client, cast, steps, django_assert_max_num_queries):
    steps.set_up().assign().verify().report().opinions().finalise()
    for n in range(3):
        top_reports.send(
            title=f"整改 {n}", text="方案", reviews=[steps.review], to=cast.manager, by=cast.head_of_review,
            at=NOW + timedelta(minutes=n),
        )  # fmt: skip
    client.force_login(cast.manager)
    client.get("/desk/rectification-plans/")
    with django_assert_max_num_queries(8):
        client.get("/desk/rectification-plans/")
    assert ReviewCase.objects.count() + SampleDraw.objects.count() == 1


def test_rev_23_high_value_customers_are_a_group_of_their_own(cast):
    """Looked at more often than others, whatever care they need or departments took part."""
    valued = Story(cast, phone="13800009100", customer_tier="high_value").to_closed()
    ordinary = Story(cast, phone="13800009101").to_closed()
    draws.commit("2026-11", by=cast.head_of_review, at=at("2026-11-20 09:00"))
    drawn = draws.draw("2026-11", by=cast.head_of_review, at=at("2026-12-01 09:00"))
    strata = dict(drawn.frame.values_list("complaint", "stratum"))
    assert (strata[valued.pk], strata[ordinary.pk]) == ("high_value", "other")
