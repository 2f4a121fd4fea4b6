"""Early warnings: what each rule finds, that nothing is raised twice, and who may do what with them."""

from datetime import datetime, timedelta

import pytest
from django.urls import reverse

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import Membership
from complaints import transitions as case_transitions
from complaints.models import Attachment, Complaint, Contact, Notification, Question, StoredFile
from complaints.states import ContactOutcome, RefusalGround
from complaints.tests.factories import Story, at, category
from complaints.transitions import feedback
from review import alert_standard, alerts, transitions
from review.alert_rules import RULES, Span
from review.models import Alert, AlertStandard, DurationBenchmark, ReviewCase
from review.states import AlertState, TriggerKind

pytestmark = pytest.mark.django_db

NOW = at("2026-11-23 09:00")
SINCE = at("2026-09-01 00:00")


def found(code, *, now=NOW, since=SINCE, **numbers):
    """What one rule finds: case → (facts, level)."""
    settings = alert_standard.shipped()[code] | numbers
    return {row.complaint_id: (row.facts, row.level) for row in RULES[code].find(settings, Span(since, now))}


def ask(story, count, *, answered=None, when="2026-11-20 12:00"):
    for n in range(count):
        Question.objects.create(
            complaint_id=story.pk,
            kind="substantive",
            channel="phone",
            text="什么时候修好",
            at=at(when) + timedelta(minutes=n),
            is_clearly_answered=answered,
        )


def benchmark(cast, days=2, code="water-outage"):
    return alert_standard.set_benchmark(
        category(code),
        days=days,
        source="供水行业协会年报",
        dated_on=at("2026-03-01 00:00").date(),
        by=cast.head_of_review,
        at=at("2026-11-01 09:00"),
    )


# --- The rules --------------------------------------------------------------------------------------
def test_risk_08_09_three_times_the_industry_figure_with_its_source(cast):
    """REV-20: at three times exactly nothing is raised; beyond it the alert names both figures and the source."""
    benchmark(cast, days=2)
    story = Story(cast, "2026-11-16 09:00").accept()
    assert not found("slow", now=at("2026-11-22 09:00"))
    facts, level = found("slow", now=at("2026-11-22 10:00"))[story.pk]
    assert (facts["usual"], facts["times"], level) == (2.0, 3.0, 1)
    assert facts["source"] == "供水行业协会年报 (2026-03-01)"
    assert found("slow", now=at("2026-11-28 12:00"))[story.pk][1] == 2


def test_risk_09_without_an_industry_figure_the_own_average_counts(cast):
    """The own average needs twenty closed cases; ended figures no longer count."""
    stories = [Story(cast, "2026-11-16 09:00").to_closed() for _ in range(3)]
    Complaint.objects.filter(pk__in=[story.pk for story in stories]).update(first_closed_at=at("2026-11-17 09:00"))
    slow = Story(cast, "2026-11-16 09:00").accept()
    assert not found("slow")
    original = Complaint.objects.get(pk=stories[0].pk)
    for n in range(20):
        person = original.complainant
        person.pk = None
        person.save()
        original.pk, original.number, original.complainant = None, f"HY-20261116-9{n:03d}", person
        original.save()
    facts, _level = found("slow")[slow.pk]
    assert (facts["usual"], facts["source"]) == (1.0, "")
    row = benchmark(cast, days=30)
    assert slow.pk not in found("slow")
    alert_standard.end_benchmark(row.pk, by=cast.head_of_review)
    assert slow.pk in found("slow")


def test_risk_09_the_figure_of_a_group_holds_for_what_is_below_it(cast):
    child = category()
    parent = child.parent or category("water-quality")
    type(child).objects.filter(pk=child.pk).update(parent=parent)
    benchmark(cast, days=1, code=parent.code)
    story = Story(cast, "2026-11-16 09:00").accept()
    assert story.pk in found("slow")


def test_risk_10_11_five_questions_without_a_clear_answer(cast):
    """REV-21: answered questions do not count, the fifth open one raises, ten raise again."""
    story = Story(cast).to_reply()
    ask(story, 4)
    ask(story, 3, answered=True)
    assert not found("asked_again")
    ask(story, 1, answered=False, when="2026-11-21 09:00")
    assert found("asked_again")[story.pk] == ({"count": 5}, 1)
    ask(story, 5, when="2026-11-22 09:00")
    assert found("asked_again")[story.pk] == ({"count": 10}, 2)


def test_risk_12_the_fourth_complaint_of_one_person_within_three_months(cast):
    """Found by the hash of the number in any spelling; the newest case is named; what is older does not count."""
    Story(cast, "2026-07-01 09:00", phone="13800138000")
    for day, phone in (("2026-10-01", "138 0013 8000"), ("2026-10-20", "13800138000"), ("2026-11-10", "13800138000")):
        Story(cast, f"{day} 09:00", phone=phone)
    assert not found("frequent_person")
    newest = Story(cast, "2026-11-20 09:00", phone="+8613800138000")
    assert found("frequent_person") == {newest.pk: ({"count": 4, "days": 92}, 1)}


def test_risk_15_two_in_a_row_about_one_outlet(cast):
    """Another category in between breaks the row; another outlet is another row."""
    other = category("water-quality")
    rows = [
        ("2026-11-01 09:00", "营业厅一", None),
        ("2026-11-02 09:00", "营业厅一", other),
        ("2026-11-03 09:00", "营业厅一", None),
        ("2026-11-04 09:00", "营业厅二", None),
        ("2026-11-05 09:00", "营业厅一", None),
    ]
    stories = []
    for when, outlet, kind in rows:
        story = Story(cast, when)
        Complaint.objects.filter(pk=story.pk).update(outlet=outlet, category=kind or category())
        stories.append(story)
    assert list(found("outlet_in_row")) == [stories[4].pk]
    assert not found("outlet_in_row", count=3)


def test_qua_09_satisfied_and_yet_back(cast):
    story = Story(cast).to_closed()
    assert not found("satisfaction")
    ask(story, 1, when="2026-11-21 09:00")
    alert_facts, _level = found("satisfaction")[story.pk]
    assert alert_facts["rated"] < alert_facts["back"]


@pytest.mark.parametrize("said", [{"satisfaction": "dissatisfied", "is_solved": False}, {"is_solved": False}])
def test_qua_09_satisfied_and_said_otherwise_in_a_later_call(cast, said):
    """A rating before the satisfied one is no contradiction; a later call that finds it unsolved is."""
    story = Story(cast).to_reply().call_back("2026-11-19 12:00", satisfaction="dissatisfied").call_back()
    story.close()
    assert not found("satisfaction")
    answer = {"satisfaction": "basically", "reason": "not_solved", "comment": "又停水了", **said}
    feedback.survey_call(story.pk, by=cast.intake, outcome=ContactOutcome.REACHED, at=at("2026-11-22 10:00"), **answer)
    facts, _level = found("satisfaction")[story.pk]
    assert (facts["rated"][:10], facts["back"][:10]) == ("2026-11-20", "2026-11-22")


def test_qua_09_satisfied_and_yet_in_touch_again(cast):
    """A contact from the complainant contradicts the mark; a call to them, or one before it, does not."""
    story = Story(cast).to_closed()
    contact = {"complaint_id": story.pk, "channel": "phone", "purpose": "other", "summary": "又停水了"}
    Contact.objects.create(direction="in", at=at("2026-11-20 09:00"), **contact)
    Contact.objects.create(direction="out", at=at("2026-11-21 09:00"), **contact)
    assert not found("satisfaction")
    Contact.objects.create(direction="in", at=at("2026-11-22 09:00"), **contact)
    ask(story, 1, when="2026-11-21 09:00")
    back = found("satisfaction")[story.pk][0]["back"]
    assert datetime.fromisoformat(back) == at("2026-11-22 09:00")


@pytest.mark.parametrize("wrong", [{"outcome": "no_answer"}, {"direction": "in"}])
def test_qua_09_satisfied_without_a_call_that_reached_anybody(cast, wrong):
    """REV-40: entered for the complainant by a caller; what complainants enter themselves needs no call."""
    story = Story(cast).to_closed()
    assert not found("satisfied_uncalled")
    rated = story.case.callbacks.get()
    Contact.objects.filter(pk=rated.contact_id).update(**wrong)
    assert found("satisfied_uncalled")[story.pk][0] == {"rated": rated.at.isoformat()}
    story.case.callbacks.update(source="complainant")
    assert not found("satisfied_uncalled")


def test_arc_12_a_valid_case_closed_without_its_mandatory_evidence(cast):
    """A complaint about the quality of water needs a test report, and any other file does not stand in for it."""
    story = Story(cast).accept().assign().start()
    case_transitions.add_investigation_step(
        story.pk, by=cast.water_handler, kind="records", summary="查了调度记录", at=at("2026-11-17 09:00")
    )
    story.submit().reply().call_back().close()
    Complaint.objects.filter(pk=story.pk).update(is_valid=True)
    assert not found("no_evidence")
    Complaint.objects.filter(pk=story.pk).update(category=category("water-quality"))
    assert found("no_evidence")[story.pk][0]["lacking"] == 1
    stored = StoredFile.objects.create(sha256="0" * 64, size=1, content_type="text/plain", stored_at=NOW)
    photo = Attachment.objects.create(
        complaint_id=story.pk, file=stored, name="a.txt", evidence_kind="other", at=at("2026-11-18 09:00")
    )
    assert found("no_evidence")[story.pk][0]["lacking"] == 1
    photo.evidence_kind = "test_report"
    photo.save()
    assert not found("no_evidence")


def test_closed_without_a_call_back_several_departments_and_returns(cast):
    """REV-04: what passed between departments is pointed out once it is finished."""
    story = Story(cast, channel="phone").to_closed()
    assert not found("no_callback")
    assert not found("many_departments")
    story.case.callbacks.all().delete()
    Complaint.objects.filter(pk=story.pk).update(return_rounds=2)
    assert list(found("no_callback")) == [story.pk]
    assert found("many_departments")[story.pk][0] == {"departments": 1, "returns": 2}


def test_qua_10_a_reply_of_a_few_words_or_sent_again_and_again(cast):
    story = Story(cast).to_reply()
    assert not found("perfunctory")
    assert found("perfunctory", length=200)[story.pk][0]["same"] == 1
    twin = Story(cast).to_reply()
    assert set(found("perfunctory", same=2)) == {story.pk, twin.pk}


def test_qua_10_a_valid_case_closed_without_an_investigation(cast):
    """Contacts, steps and evidence are counted apart, whatever the number of each."""
    story = Story(cast).to_closed()
    Complaint.objects.filter(pk=story.pk).update(is_valid=True)
    contacts = story.case.communications.count()
    assert found("no_evidence")[story.pk][0] == {"contacts": contacts, "steps": 0, "files": 0, "lacking": 0}
    assert contacts > 1
    assert story.pk in found("no_evidence", steps=0, contacts=contacts + 1)
    assert not found("no_evidence", steps=0)


def test_rev_25_refused_twice(cast):
    story = Story(cast)
    refusal = {
        "by": cast.intake,
        "reason": "不属于受理范围",
        "ground": RefusalGround.values[0],
        "rule": "属于政府部门管理的事项",
        "suggestion": "请向街道反映",
    }
    case_transitions.refuse(story.pk, at=at("2026-11-16 10:00"), **refusal)
    assert not found("refused_twice")
    case_transitions.rescreen(story.pk, by=cast.coordinator, reason="补充了材料", at=at("2026-11-17 10:00"))
    case_transitions.refuse(story.pk, at=at("2026-11-17 11:00"), **refusal)
    assert found("refused_twice")[story.pk] == ({"count": 2}, 1)


def test_rev_25_risk_12_the_fourth_complaint_opens_a_review_although_it_was_judged_unreasonable(cast):
    """The first handling found nothing in it, and the warning leads to a review all the same."""
    for day in (16, 17, 18):
        Story(cast, f"2026-11-{day} 09:00")
    story = Story(cast, "2026-11-19 09:00").accept("2026-11-19 09:30").assign("2026-11-19 09:40")
    story.start("2026-11-19 09:50").submit("2026-11-19 10:00").reply("2026-11-19 11:00")
    story.call_back("2026-11-20 10:00").close("2026-11-20 16:00")
    Complaint.objects.filter(pk=story.pk).update(is_valid=False)
    alerts.evaluate(now=NOW)
    review = ReviewCase.objects.get(complaint=story.pk)
    assert list(review.triggers.values_list("kind", "rule")) == [(TriggerKind.ALERT, "frequent_person")]
    assert "4" in review.triggers.get().text


# --- Raising -----------------------------------------------------------------------------------------
def test_rev_20_an_alert_becomes_one_review_however_often_the_job_runs(cast):
    story = Story(cast).to_closed()
    ask(story, 5)
    first = alerts.evaluate(now=NOW)
    assert (first["raised"], first["in_review"]) == ({"asked_again": 1, "satisfaction": 1}, 2)
    again = alerts.evaluate(now=NOW + timedelta(hours=1))
    assert (again["raised"], again["in_review"]) == ({}, 0)
    review = ReviewCase.objects.get(complaint=story.pk)
    triggers = review.triggers.filter(kind=TriggerKind.ALERT)
    assert {trigger.rule for trigger in triggers} == {"asked_again", "satisfaction"}
    assert "5" in triggers.get(rule="asked_again").text
    assert set(Alert.objects.filter(complaint=story.pk, review=review).values_list("state", flat=True)) == {"in_review"}


def test_rev_20_a_second_worker_leaves_an_alert_that_is_settled_alone(cast, alert):
    """Both workers read the alert as waiting; the one who comes second changes nothing."""
    assert alerts._open(alert.pk, by=None, at=NOW)
    assert not alerts._open(alert.pk, by=None, at=NOW + timedelta(minutes=1))
    alert.refresh_from_db()
    assert (alert.settled_at, alert.review.triggers.count()) == (NOW, 1)


def test_risk_08_an_open_case_warns_its_coordinator_and_waits_for_the_result(cast):
    """RI-12: the department learns nothing; the review opens after the reply."""
    benchmark(cast, days=1)
    story = Story(cast).accept().assign().start().submit()
    alerts.evaluate(now=NOW)
    assert not ReviewCase.objects.exists()
    told = Notification.objects.filter(kind="alert_raised", complaint=story.pk)
    assert [row.recipient for row in told] == [story.case.coordinator]
    story.reply("2026-11-23 10:00")
    alerts.evaluate(now=at("2026-11-23 11:00"))
    assert ReviewCase.objects.get().complaint_id == story.pk


def test_a_rule_that_is_off_or_only_warns_opens_nothing(cast):
    story = Story(cast).to_closed()
    ask(story, 5)
    rules = alert_standard.shipped()
    rules["asked_again"]["opens_review"] = rules["satisfaction"]["enabled"] = False
    alert_standard.revise(rules, note="试行", based_on=1, by=cast.head_of_review)
    result = alerts.evaluate(now=NOW)
    assert result["raised"]["asked_again"] == 1
    assert "satisfaction" not in result["raised"]
    assert not ReviewCase.objects.exists()


def test_each_run_looks_only_at_what_changed_and_a_new_revision_looks_back_again(cast):
    story = Story(cast).to_closed()
    ask(story, 3)
    alerts.evaluate(now=NOW)
    later = NOW + timedelta(days=10)
    alerts.evaluate(now=later)
    assert alerts.evaluate(now=later + timedelta(hours=1))["since"] > (later - timedelta(days=2)).isoformat()
    rules = alert_standard.shipped()
    rules["asked_again"]["count"] = 3
    alert_standard.revise(rules, note="降低门槛", based_on=1, by=cast.head_of_review)
    assert alerts.evaluate(now=later + timedelta(hours=2))["raised"] == {"asked_again": 1}


# --- Deciding ----------------------------------------------------------------------------------------
@pytest.fixture
def alert(cast):
    story = Story(cast).to_closed()
    Complaint.objects.filter(pk=story.pk).update(return_rounds=2)
    alerts.evaluate(now=NOW)
    return Alert.objects.get(rule="many_departments")


def test_dismissed_only_with_a_reason_by_someone_who_took_no_part(cast, alert):
    for person in (cast.coordinator, cast.water_head, cast.intake):
        with pytest.raises(NotAllowed):
            alerts.dismiss(alert.pk, by=person, reason="没有问题")
    with pytest.raises(InvalidInput) as refused:
        alerts.dismiss(alert.pk, by=cast.reviewer, reason="  ")
    assert refused.value.field == "reason"
    alerts.dismiss(alert.pk, by=cast.reviewer, reason="退单有据，已由督办裁定", at=NOW)
    row = Alert.objects.get(pk=alert.pk)
    assert (row.state, row.settled_by) == (AlertState.DISMISSED, cast.reviewer)
    event = alert.complaint.events.get(kind="review_alert_dismissed")
    assert (event.note, event.audience) == ("退单有据，已由督办裁定", "review")
    with pytest.raises(IllegalTransition):
        alerts.open_review(alert.pk, by=cast.reviewer)
    assert alerts.evaluate(now=NOW + timedelta(days=1))["raised"] == {}


def test_rev_05_a_reviewer_who_belonged_to_the_department_cannot_decide(cast, alert):
    Membership.objects.filter(user=cast.reviewer).delete()
    Membership.objects.create(user=cast.reviewer, department=cast.water, since=at("2020-01-01 00:00"))
    with pytest.raises(NotAllowed):
        alerts.dismiss(alert.pk, by=cast.reviewer, reason="没有问题")
    assert not alerts.visible_to(cast.reviewer).exists()
    assert alerts.visible_to(cast.reviewer2).get() == alert


def test_ri_03_who_left_the_department_yesterday_or_declared_reads_no_alert_about_its_case(client, cast, alert):
    """Moving out of the department does not open its warnings, and a declared conflict closes them."""
    since, until = at("2026-11-01 09:00"), at("2026-11-22 18:00")
    Membership.objects.create(user=cast.reviewer, department=cast.water, since=since, until=until)
    case_id = alert.complaint_id
    transitions.declare_conflict(case_id, by=cast.reviewer2, reason="亲属", at=NOW)
    for person, count in ((cast.reviewer, 0), (cast.reviewer2, 0), (cast.head_of_review, 1)):
        client.force_login(person)
        assert len(client.get("/desk/reviews/alerts/").context["rows"]) == count
        assert client.get(f"/desk/reviews/alerts/{alert.pk}/").status_code == (200 if count else 404)


def test_the_pages_of_an_alert(client, cast, alert):
    """The list explains each alert; deciding opens the review and leads to it."""
    client.force_login(cast.reviewer)
    page = client.get(reverse("review:alerts")).content.decode()
    assert alert.complaint.number in page
    assert "退回 2 次" in page
    address = reverse("review:alert", args=[alert.pk])
    assert client.post(address, {"dismiss": "1", "reason": ""}).status_code == 422
    answer = client.post(address, {"open": "1"})
    review = ReviewCase.objects.get(complaint=alert.complaint)
    assert answer.url == reverse("review:detail", args=[review.number])
    assert client.post(address, {"dismiss": "1", "reason": "晚了"}).status_code == 409
    assert review.number in client.get(reverse("review:alerts"), {"state": "in_review"}).content.decode()


def test_the_list_asks_the_same_number_of_queries_for_one_alert_as_for_many(
    client, cast, alert, django_assert_max_num_queries
):
    for _n in range(5):
        story = Story(cast).to_closed()
        Alert.objects.create(
            rule="no_evidence", complaint_id=story.pk, facts={"steps": 0, "files": 0}, standard=alert.standard,
            raised_at=NOW,
        )  # fmt: skip
    client.force_login(cast.reviewer)
    client.get(reverse("review:alerts"))
    with django_assert_max_num_queries(8):
        client.get(reverse("review:alerts"))


def test_the_case_page_shows_the_warning_to_the_office_and_not_to_the_department(client, cast, alert):
    """RI-12."""
    case = reverse("complaints:detail", args=[alert.complaint.number])
    client.force_login(cast.coordinator)
    assert "退回 2 次" in client.get(case).content.decode()
    client.force_login(cast.water_handler)
    assert "退回 2 次" not in client.get(case).content.decode()


# --- Thresholds ----------------------------------------------------------------------------------------
def edited(**changes):
    """The edit form filled in as shipped, with changes."""
    data = {"based_on": 1, "note": "按季度评估调整"}
    for code, settings in alert_standard.shipped().items():
        data |= {
            f"{code}_{key}": "on" if value is True else value for key, value in settings.items() if value is not False
        }
    return data | changes


def test_risk_12_thresholds_are_previewed_and_stored_as_a_revision(client, cast):
    story = Story(cast, "2026-11-16 09:12").to_closed()
    ask(story, 3, when="2026-11-20 12:00")
    client.force_login(cast.head_of_review)
    address = reverse("review:alert_rules_edit")
    Question.objects.update(at=at("2026-11-20 12:00"))
    page = client.post(address, edited(asked_again_count=3, preview="1"))
    assert page.status_code == 200
    assert not AlertStandard.objects.filter(revision=2).exists()
    assert client.post(address, edited(asked_again_count=3, save="1")).status_code == 302
    assert AlertStandard.objects.get(revision=2).rules["asked_again"]["count"] == 3
    assert client.post(address, edited(asked_again_count=4, save="1")).status_code == 409
    assert "按季度评估调整" in client.get(reverse("review:alert_rules")).content.decode()


def test_the_preview_counts_last_month_and_stores_nothing(cast):
    story = Story(cast).to_closed()
    ask(story, 3)
    rules = alert_standard.shipped()
    assert alert_standard.preview(rules, now=NOW)["asked_again"] == 0
    rules["asked_again"]["count"] = 3
    assert alert_standard.preview(rules, now=NOW)["asked_again"] == 1
    assert not Alert.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"), [("slow_times", 1), ("frequent_person_days", 0), ("perfunctory_same", "x")]
)
def test_a_number_out_of_its_bounds_is_refused_at_its_field(client, cast, field, value):
    client.force_login(cast.head_of_review)
    answer = client.post(reverse("review:alert_rules_edit"), edited(**{field: value, "save": "1"}))
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert AlertStandard.objects.count() == 1


def test_bad_settings_are_refused_by_the_rule_too(cast):
    rules = alert_standard.shipped()
    rules["slow"]["times"] = 1
    with pytest.raises(InvalidInput) as refused:
        alert_standard.revise(rules, note="错", based_on=1, by=cast.head_of_review)
    assert refused.value.field == "slow_times"
    with pytest.raises(NotAllowed):
        alert_standard.revise(alert_standard.shipped(), note="越权", based_on=1, by=cast.reviewer)
    with pytest.raises(StaleVersion):
        alert_standard.revise(alert_standard.shipped(), note="旧页", based_on=7, by=cast.head_of_review)


def test_risk_09_figures_carry_source_and_date_and_stay_as_history(client, cast):
    client.force_login(cast.head_of_review)
    address = reverse("review:alert_benchmarks")
    values = {"category": "water-outage", "days": "5", "source": "行业协会", "dated_on": "2026-03-01"}
    assert client.post(address, values | {"dated_on": "2999-01-01"}).status_code == 422
    assert client.post(address, values | {"days": "0"}).status_code == 422
    assert client.post(address, values | {"source": ""}).status_code == 422
    assert not DurationBenchmark.objects.exists()
    assert client.post(address, values).status_code == 302
    assert client.post(address, values | {"days": "7"}).status_code == 302
    assert [(row.days, row.ended_at is None) for row in DurationBenchmark.objects.order_by("pk")] == [
        (5, False),
        (7, True),
    ]
    client.force_login(cast.reviewer)
    assert client.post(address, values).status_code == 403


def test_every_rule_explains_itself_in_both_languages(cast, alert):
    """No sentence lacks a number, and none is left in the other language."""
    from django.utils import translation

    samples = {
        "days": 1, "times": 3, "usual": 2, "count": 5, "rated": "2026-11-20T09:00:00+08:00",
        "back": "2026-11-21T09:00:00+08:00", "departments": 3, "returns": 2, "length": 4, "same": 9, "steps": 0,
        "files": 0, "contacts": 0, "lacking": 1,
    }  # fmt: skip
    for code in RULES:
        row = Alert(rule=code, complaint=alert.complaint, facts=samples)
        with translation.override("en"):
            english = alerts.explain(row)
        with translation.override("zh-hans"):
            chinese = alerts.explain(row)
        assert english != chinese
        assert "%" not in english + chinese
