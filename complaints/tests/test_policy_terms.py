"""Pauses and returns as data of the service policy (SLA-01, SLA-13, ASG-06)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.errors import IllegalTransition, InvalidInput
from accounts.tests.factories import sign_in_anew
from complaints import jobs, policy_editing, policy_terms, profiles
from complaints import transitions as t
from complaints.models import ClockPause, Complaint, Notice, Notification, PolicyRule, ServicePolicy
from complaints.reference import load_policies
from complaints.states import PauseReason
from complaints.tests.factories import Story, at
from complaints.tests.test_policy_editor import HOUSE, posted

pytestmark = pytest.mark.django_db


def terms(**values) -> None:
    ServicePolicy.objects.filter(code=HOUSE).update(**values)


@pytest.fixture
def started(cast) -> Story:
    return Story(cast).accept().assign().start()


# --- The rules ------------------------------------------------------------------------------------
def test_sla_13_a_pause_needs_a_reason_the_policy_lists(started, cast, client):
    terms(pause_reasons=["mediation"])
    with pytest.raises(InvalidInput) as refused:
        t.request_pause(
            started.pk, by=cast.water_handler, reason="appraisal", evidence="委托书", at=at("2026-11-17 10:00")
        )
    assert refused.value.field == "reason"
    assert str(PauseReason.MEDIATION.label) in str(refused.value)
    client.force_login(cast.water_handler)
    page = client.get(reverse("complaints:action", args=[started.case.number, "request_pause"]))
    assert [value for value, _label in page.context["form"].fields["reason"].choices] == ["", "mediation"]
    assert not ClockPause.objects.exists()


def test_sla_13_a_pause_lasts_no_longer_than_the_policy_says(started, cast, client):
    terms(pause_days=7)
    moment = at("2026-11-17 10:00")
    t.request_pause(started.pk, by=cast.water_handler, reason="appraisal", evidence="委托书", at=moment)
    client.force_login(cast.coordinator)
    url = reverse("complaints:action", args=[started.case.number, "approve_pause"])
    assert client.get(url).context["form"].initial["days"] == 7
    for days in (8, 0, -1):
        with pytest.raises(InvalidInput) as refused:
            t.approve_pause(started.pk, by=cast.coordinator, approve=True, days=days, at=moment)
        assert (refused.value.field, "7" in str(refused.value)) == ("days", True)
    api = reverse("api-complaint-action", args=[started.case.number, "approve_pause"])
    told = client.post(api, {"approve": "true", "days": 8}, content_type="application/json")
    assert (told.status_code, "days" in told.content.decode()) == (400, True)
    t.approve_pause(started.pk, by=cast.coordinator, approve=True, at=moment)
    assert ClockPause.objects.get().max_until == moment + timedelta(days=7)


def test_asg_06_a_case_is_returned_within_the_window_of_its_policy(started, cast, client):
    """Assigned on Monday 16 November: with two working days until Wednesday evening."""
    terms(return_days=2)
    client.force_login(cast.water_handler)
    page = client.get(reverse("complaints:action", args=[started.case.number, "request_return"]))
    with pytest.raises(IllegalTransition) as refused:
        t.request_return(started.pk, by=cast.water_handler, reason="不属本部门", at=at("2026-11-18 17:31"))
    assert "2026-11-18 17:30" in str(refused.value)
    assert "18" in str(page.context["form"].fields["reason"].help_text)
    t.request_return(started.pk, by=cast.water_handler, reason="不属本部门", at=at("2026-11-18 17:29"))


def test_sla_13_clocks_run_on_where_waiting_for_an_answer_is_no_reason(cast):
    """The complainant is asked all the same and reads that the time counts; the answer ends the waiting."""
    terms(pause_reasons=["appraisal"])
    story = Story(cast)
    before = story.case.deadlines.get(milestone="decide_acceptance").due_at
    t.request_information(story.pk, by=cast.intake, items="付款凭证", at=at("2026-11-16 10:00"))
    assert (story.case.status, story.case.is_paused, story.case.pause_reason) == ("awaiting_information", False, "")
    body = Notice.objects.get(kind="supplement").body
    assert ("照常计算" in body, "停止计算" in body) == (True, False)
    jobs.sweep_deadlines(now=at("2026-11-18 17:31"))
    assert story.case.is_overdue
    t.receive_information(story.pk, by=cast.intake, answer="凭证", at=at("2026-11-19 10:00"))
    clock = story.case.deadlines.get(milestone="decide_acceptance")
    assert (story.case.status, clock.due_at, clock.state) == ("registered", before, "running")


@pytest.mark.parametrize(("reasons", "stands"), [(["appraisal"], False), (None, True)])
def test_sla_13_the_page_of_a_waiting_case_says_whether_its_clocks_stand(cast, client, reasons, stands):
    terms(pause_reasons=reasons)
    story = Story(cast)
    t.request_information(story.pk, by=cast.intake, items="付款凭证", at=at("2026-11-16 10:00"))
    client.force_login(cast.intake)
    page = client.get(reverse("complaints:detail", args=[story.case.number])).content.decode()
    asked = page[page.index("付款凭证") :].partition("</div>")[0]
    assert ("停表" in asked) is stands


@pytest.mark.parametrize(("reasons", "kind"), [(["appraisal"], "supplement_expired"), (None, "pause_over")])
def test_scr_06_a_request_without_a_day_is_told_of_once_whether_or_not_it_stops_the_clocks(cast, reasons, kind):
    terms(pause_reasons=reasons)
    story = Story(cast)
    t.request_information(story.pk, by=cast.intake, items="付款凭证", at=at("2026-11-16 10:00"))
    jobs.tell_expired_requests(now=at("2026-12-16 09:00"))
    rows = Notification.objects.filter(kind__in=["supplement_expired", "pause_over"])
    assert not rows.exists()
    for _n in range(2):
        jobs.sweep_deadlines(now=at("2026-12-16 10:01"))
        jobs.tell_expired_requests(now=at("2026-12-17 08:00"))
    assert set(rows.values_list("kind", flat=True)) == {kind}
    assert rows.values("recipient").distinct().count() == rows.count()


def test_sla_01_a_policy_that_names_nothing_has_the_usual(started, cast):
    policy = ServicePolicy.objects.filter(code=HOUSE).latest("revision")
    assert (policy.return_days, policy.pause_days, policy.pause_reasons) == (None, None, None)
    assert (policy_terms.return_days(policy), policy_terms.pause_days(policy)) == (5, 30)
    assert policy_terms.pause_reasons(policy) == list(PauseReason)


# --- The editor -----------------------------------------------------------------------------------
def test_sla_01_the_editor_keeps_pauses_and_returns_as_a_revision(client, cast):
    sign_in_anew(client, cast.administrator)
    case = Story(cast, "2026-11-16 09:12").case
    url = reverse("complaints:policy_edit", args=[HOUSE])
    changes = {"return_days": "3", "pause_days": "12", "pause_reasons": ["appraisal", "mediation"], "save": "1"}
    assert client.post(url, posted(client, **changes)).status_code == 302
    stored = policy_editing.newest(HOUSE)
    assert (stored.return_days, stored.pause_days, stored.pause_reasons) == (3, 12, ["appraisal", "mediation"])
    assert policy_terms.return_days(Complaint.objects.get(pk=case.pk).policy) == 5
    page = client.get(reverse("complaints:policy", args=[HOUSE, stored.revision])).content.decode()
    for line in policy_terms.in_words(stored):
        assert line in page
    shown = client.get(url).context["editor"].form
    assert (shown["return_days"].value(), shown["pause_days"].value()) == (3, 12)
    assert shown["pause_reasons"].value() == ["appraisal", "mediation"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("return_days", "0"),
        ("return_days", "-5"),
        ("return_days", "366"),
        ("return_days", "fünf"),
        ("return_days", None),
        ("pause_days", "0"),
        ("pause_days", "99999999999999999999"),
        ("pause_reasons", None),
        ("pause_reasons", ["holiday"]),
    ],
)
def test_sla_01_bad_pauses_and_returns_are_refused_with_their_field(client, cast, field, value):
    sign_in_anew(client, cast.administrator)
    data = posted(client, **{field: value, "save": "1"})
    answer = client.post(reverse("complaints:policy_edit", args=[HOUSE]), data)
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert ServicePolicy.objects.filter(code=HOUSE).count() == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"return_days": 0}, "return_days"),
        ({"pause_days": 366}, "pause_days"),
        ({"pause_reasons": ()}, "pause_reasons"),
        ({"pause_reasons": ("holiday", "appraisal")}, "pause_reasons"),
    ],
)
def test_sla_01_the_rule_refuses_them_below_the_form_too(cast, values, field):
    draft = replace(policy_editing.draft_of(policy_editing.newest(HOUSE)), **values)
    with pytest.raises(InvalidInput) as refused:
        policy_editing.revise(
            replace(draft, valid_from=timezone.localdate()), is_default=True, based_on=1, by=cast.administrator
        )
    assert refused.value.field == field


# --- What the shipped profiles say -----------------------------------------------------------------
def test_sla_01_the_profiles_name_what_their_source_does_not_count():
    on = timezone.localdate()
    said = {
        code: profiles.select_profile(code, on).pause_reasons
        for code in ("cn_bank_insurance_2020", "cn_samr_2026", "cn_gov_info", "house_default", "cn_12345_5wd")
    }
    assert said == {
        "cn_bank_insurance_2020": ("appraisal", "mediation"),
        "cn_samr_2026": ("information", "appraisal"),
        "cn_gov_info": ("information", "third_party"),
        "house_default": None,
        "cn_12345_5wd": None,
    }
    assert profiles.select_profile("cn_petition_2022", on).return_days == 5


def test_sla_13_an_untouched_older_policy_gets_a_revision_with_them_once(cast):
    code = "cn_bank_insurance_2020"
    PolicyRule.objects.filter(policy__code=code, policy__revision__gt=1).delete()
    ServicePolicy.objects.filter(code=code, revision__gt=1).delete()
    ServicePolicy.objects.filter(code=code).update(pause_reasons=None, valid_until=None)
    load_policies()
    load_policies()
    old, new = ServicePolicy.objects.filter(code=code).order_by("revision")
    assert (old.pause_reasons, new.pause_reasons) == (None, ["appraisal", "mediation"])
    assert new.rules.count() == old.rules.count()


# --- Why this date --------------------------------------------------------------------------------
def test_sla_12_the_page_of_a_clock_says_what_may_stop_it_and_what_did(started, cast, client):
    terms(pause_reasons=["appraisal"], pause_days=9, return_days=4)
    moment = timezone.now()
    t.request_pause(started.pk, by=cast.water_handler, reason="appraisal", evidence="委托书", at=moment)
    t.approve_pause(started.pk, by=cast.coordinator, approve=True, days=9, at=moment)
    client.force_login(cast.water_handler)
    task = started.case.deadlines.get(milestone="task")
    page = client.get(reverse("complaints:deadline", args=[started.case.number, task.pk])).content.decode()
    policy = started.case.policy
    for line in policy_terms.in_words(policy):
        assert line in page
    assert page.count(str(PauseReason.APPRAISAL.label)) == 2
