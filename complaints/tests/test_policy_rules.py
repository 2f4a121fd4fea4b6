"""Rules of a policy an office sets itself: reopening, steps of reminders; and the rules that watch a case whole.

CASE-03: until when, how often and why a case is opened again; SLA-13: the ladder; COM-05: remedies added up; COO-09.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.tests.factories import sign_in_anew
from complaints import clocks, policy_editing, remedies, transitions
from complaints.clock_rules import LadderStep, NoticeKind, OffsetKind, Recipient
from complaints.models import Complaint, Deadline, Remedy, ServicePolicy
from complaints.reference import load_policies
from complaints.states import RemedyState
from complaints.tests.factories import Story, at, registered
from complaints.transitions.remedies import ask_approval

pytestmark = pytest.mark.django_db
HOUSE = "house_default"


def rules(**values) -> None:
    ServicePolicy.objects.filter(code=HOUSE).update(reopening=values)


def reopen(story, when: str = "2026-11-23 10:00", **changes):
    values = {"by": story.cast.coordinator, "reason": "又停水了", **changes}
    return transitions.reopen(story.pk, at=at(when), **values)


def resolve_of(story) -> Deadline:
    return Deadline.objects.filter(complaint=story.pk, milestone="resolve").latest("pk")


# --- Reopening ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("unit", "until", "over"), [("days", "11-30", "12-01"), ("working_days", "12-04", "12-05")])
def test_case_03_a_closed_case_is_opened_again_within_the_window_of_its_policy(cast, unit, until, over):
    """Closed on Friday 20 November; ten days later is Monday 30 November, the tenth working day Friday 4 December."""
    rules(within_days=10, unit=unit)
    late = Story(cast).to_closed()
    with pytest.raises(IllegalTransition) as refused:
        reopen(late, f"2026-{over} 09:00")
    assert f"2026-{until}" in str(refused.value)
    assert late.case.policy.label in str(refused.value)
    assert "review" in str(refused.value) or "复查" in str(refused.value)
    reopen(late, f"2026-{until} 09:00")
    assert late.case.status == "in_progress"


def test_case_03_the_number_of_reopenings_is_limited_and_reviews_are_not_bound(cast):
    rules(within_days=10, unit="days", most=1)
    story = Story(cast).to_closed()
    reopen(story)
    story.submit("2026-11-24 10:00").reply("2026-11-24 11:00").call_back("2026-11-24 12:00").close("2026-11-24 15:00")
    with pytest.raises(IllegalTransition):
        reopen(story, "2026-11-25 10:00")
    assert story.case.status == "closed"
    reopen(story, "2027-02-25 10:00", by=None)
    assert story.case.status == "in_progress"


def test_case_03_the_reason_comes_from_the_list_of_the_policy(client, cast):
    rules(reasons=["again", "promise_broken"])
    story = Story(cast).to_closed()
    for ground in ("", "not_solved"):
        with pytest.raises(InvalidInput) as refused:
            reopen(story, ground=ground)
        assert refused.value.field == "ground"
    client.force_login(cast.coordinator)
    client.cookies["huiyin_language"] = "en"
    url = reverse("complaints:action", args=[story.case.number, "reopen"])
    page = client.get(url).content.decode()
    assert "What the reply promised was not done" in page
    assert "The problem is not solved" not in page
    values = {"version": story.case.version, "reason": "12 月的更换没有做"}
    answer = client.post(url, values)
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["ground"])
    assert client.post(url, values | {"ground": "promise_broken"}).status_code == 302
    record = client.get(reverse("complaints:detail", args=[story.case.number])).content.decode()
    assert "What the reply promised was not done" in record


def test_case_03_the_limit_after_reopening_follows_the_policy(cast):
    """Fifteen working days anew, what was left of them (thirteen), or what the person gives."""
    found = {}
    for wanted in ("new", "remaining", ""):
        rules(clocks=wanted)
        story = Story(cast).to_closed()
        reopen(story, days=4)
        clock = resolve_of(story)
        found[wanted] = (clock.amount, clock.due_at)
    assert found == {
        "new": (15, at("2026-12-14 17:30")),
        "remaining": (13, at("2026-12-10 17:30")),
        "": (4, at("2026-11-27 17:30")),
    }


def test_case_03_what_is_left_is_at_least_one_working_day(cast):
    rules(clocks="remaining")
    story = Story(cast).accept().assign().start().submit("2026-12-09 10:00").reply("2026-12-09 11:00")
    story.call_back("2026-12-10 10:00").close("2026-12-10 16:00", late_reason="investigation")
    reopen(story, "2026-12-14 10:00")
    assert (resolve_of(story).amount, resolve_of(story).due_at) == (1, at("2026-12-15 17:30"))


def test_case_03_the_shipped_policies_set_a_window_and_a_number(cast):
    """A house default; an emptied policy leaves all of it to judgement."""
    story = Story(cast).to_closed()
    assert story.case.policy.reopening == {"within_days": 90, "unit": "days", "most": 2}
    with pytest.raises(IllegalTransition):
        reopen(story, "2027-02-22 10:00")
    rules()
    reopen(story, "2027-02-22 10:00")


# --- The policy editor ---------------------------------------------------------------------------------
def posted(client, url, **changes):
    """What a page of forms would send back unchanged, with some fields changed; None leaves a field out."""
    editor = client.get(url).context["editor"]
    formset = getattr(editor, "limits", None) or editor.steps
    values = {}
    for form in [editor.form, formset.management_form, *formset.forms]:
        for field in form:
            value = field.value()
            if value is not None and value is not False:
                values[field.html_name] = "on" if value is True else value
    values |= changes
    return {name: value for name, value in values.items() if value is not None}


def test_case_03_the_editor_keeps_rules_on_reopening_and_the_tick_for_new_facts(client, cast):
    sign_in_anew(client, cast.administrator)
    url = reverse("complaints:policy_edit", args=[HOUSE])
    names = [rule.milestone for rule in policy_editing.draft_of(policy_editing.newest(HOUSE)).rules]
    changes = {
        "reopen_within_days": "30",
        "reopen_unit": "working_days",
        "reopen_most": "1",
        "reopen_reasons": ["again", "new_facts"],
        "reopen_clocks": "remaining",
        f"rules-{names.index('reply')}-resets": "on",
    }
    answer = client.post(url, posted(client, url, **changes) | {"save": "1"})
    assert answer.status_code == 302
    stored = policy_editing.newest(HOUSE)
    assert stored.reopening == {
        "within_days": 30, "unit": "working_days", "most": 1, "reasons": ["again", "new_facts"], "clocks": "remaining"
    }  # fmt: skip
    assert stored.rules.get(milestone="reply").resets
    assert stored.rules.get(milestone="resolve", complexity="simple").resets
    assert not stored.rules.get(milestone="progress").resets
    client.cookies["huiyin_language"] = "en"
    page = client.get(answer.url).content.decode()
    assert "A closed case may be opened again for 30 working days." in page
    assert "A case may be opened again 1 time." in page


@pytest.mark.parametrize(
    "change",
    [
        {"reopen_within_days": "-1"},
        {"reopen_within_days": "many"},
        {"reopen_most": "0"},
        {"reopen_reasons": ["because"]},
        {"reopen_clocks": "slow"},
        {"reopen_unit": "moons"},
    ],
)
def test_case_03_bad_rules_on_reopening_are_answered_at_their_field(client, cast, change):
    sign_in_anew(client, cast.administrator)
    url = reverse("complaints:policy_edit", args=[HOUSE])
    answer = client.post(url, posted(client, url, **change) | {"save": "1"})
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, list(change))
    assert ServicePolicy.objects.filter(code=HOUSE).count() == 1


# --- The steps of reminders ---------------------------------------------------------------------------
def steps_page(limit: str = "resolve-simple") -> str:
    return reverse("complaints:policy_ladder", args=[HOUSE, limit])


def test_sla_13_steps_are_changed_added_and_removed_without_script(client, cast):
    sign_in_anew(client, cast.administrator)
    fresh = {"value": "2", "offset_kind": "working_days_before", "kind": "reminder", "recipients": ["coordinator"]}
    values = posted(
        client,
        steps_page(),
        **{"steps-0-value": "50", "steps-4-DELETE": "on"},
        **{f"steps-5-{name}": value for name, value in fresh.items()},
    )
    assert client.post(steps_page(), values).status_code == 302
    stored = policy_editing.draft_of(policy_editing.newest(HOUSE))
    ladder = stored.rule_for("resolve", "simple").ladder
    assert len(ladder) == 5
    assert ladder[0] == LadderStep(OffsetKind.FRACTION, 0.5, (Recipient.OWNER,), NoticeKind.REMINDER)
    assert ladder[4] == LadderStep(OffsetKind.WORKING_DAYS_BEFORE, 2, (Recipient.COORDINATOR,), NoticeKind.REMINDER)
    before = policy_editing.draft_of(ServicePolicy.objects.get(code=HOUSE, revision=1))
    others = [rule for rule in stored.rules if (rule.milestone, rule.complexity) != ("resolve", "simple")]
    assert all(rule in before.rules for rule in others), "the other limits stay as they were"
    assert (stored.reopening, stored.remedies_zh) == (before.reopening, before.remedies_zh)
    client.cookies["huiyin_language"] = "en"
    assert "own steps" in client.get(reverse("complaints:policy_edit", args=[HOUSE])).content.decode()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"steps-1-value": "-4"}, "Give 0 or more."),
        ({"steps-0-value": "150"}, "Give 0 to 100 per cent."),
        ({"steps-0-value": "nan"}, "Enter a number."),
        ({"steps-0-recipients": None}, "Choose whom this step tells."),
        ({"steps-4-value": "1", "steps-4-recipients": ["coordinator"]}, "This step stands twice; keep one."),
        ({"steps-0-offset_kind": "moons"}, "moons"),
        ({"steps-0-recipients": ["mayor"]}, "mayor"),
        ({"valid_from": "2020-01-01"}, "in the past"),
        ({"steps-TOTAL_FORMS": "many"}, ""),
    ],
)
def test_sla_13_a_step_that_cannot_be_sent_is_refused_at_its_field(client, cast, change, says):
    sign_in_anew(client, cast.administrator)
    client.cookies["huiyin_language"] = "en"
    answer = client.post(steps_page(), posted(client, steps_page(), **change))
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert ServicePolicy.objects.filter(code=HOUSE).count() == 1


def test_sla_13_an_older_revision_and_other_people_change_no_step(client, cast):
    sign_in_anew(client, cast.administrator)
    values = posted(client, steps_page())
    later = timezone.localdate() + timedelta(days=1)
    draft = replace(policy_editing.draft_of(policy_editing.newest(HOUSE)), valid_from=later)
    policy_editing.revise(draft, is_default=True, based_on=1, by=cast.administrator)
    assert client.post(steps_page(), values | {"valid_from": str(later + timedelta(days=3))}).status_code == 409
    assert client.get(steps_page("nothing")).status_code == 404
    assert client.get(reverse("complaints:policy_ladder", args=["nowhere", "reply"])).status_code == 404
    client.force_login(cast.intake)
    assert client.get(steps_page()).status_code == 403


def test_sla_04_the_limit_of_a_department_tells_only_its_own_people(client, cast):
    sign_in_anew(client, cast.administrator)
    page = client.get(steps_page("task-simple"))
    assert {value for value, _label in page.context["editor"].steps.forms[0]["recipients"].field.choices} == {
        "owner", "department_head"
    }  # fmt: skip
    values = posted(client, steps_page("task-simple"), **{"steps-0-recipients": ["manager"]})
    assert client.post(steps_page("task-simple"), values).status_code == 422
    url = reverse("complaints:policy_edit", args=[HOUSE])
    names = [rule.milestone for rule in policy_editing.draft_of(policy_editing.newest(HOUSE)).rules]
    values = posted(client, url, **{f"rules-{names.index('task')}-ladder": "day"})
    assert client.post(url, values | {"save": "1"}).status_code == 422


# --- Remedies of one case together ----------------------------------------------------------------------
def propose(story, amount: str, **changes) -> Remedy:
    values = {
        "kind": "compensation", "description": "赔偿", "amount": Decimal(amount), "by": story.cast.water_handler,
        "at": at("2026-11-16 14:00"), **changes,
    }  # fmt: skip
    return transitions.add_remedy(story.pk, **values)


def test_com_05_several_small_remedies_need_the_level_of_their_sum(client, cast):
    """The head approves up to 1,000 yuan, the coordinator up to 5,000: 900 and 200 make 1,100, 4,000 more 5,100."""
    story = Story(cast).accept().assign().start()
    first, second, third = propose(story, "900"), propose(story, "200"), propose(story, "4000")
    when = {"at": at("2026-11-17 09:00")}
    transitions.approve_remedy(first.pk, by=cast.water_head, **when)
    with pytest.raises(NotAllowed) as refused:
        transitions.approve_remedy(second.pk, by=cast.water_head, **when)
    assert "1100" in str(refused.value)
    client.force_login(cast.water_head)
    page = client.get(reverse("complaints:remedy_page", args=[story.case.number, second.pk]))
    assert not page.context["may_approve"]
    assert len(page.context["approvers"]) == 2
    transitions.approve_remedy(second.pk, by=cast.coordinator, **when)
    transitions.give_remedy(first.pk, by=cast.manager, reference="F-1", at=at("2026-11-18 09:00"))
    with pytest.raises(NotAllowed):
        transitions.approve_remedy(third.pk, by=cast.coordinator, at=at("2026-11-18 10:00"))
    transitions.approve_remedy(third.pk, by=cast.manager, at=at("2026-11-18 10:00"))
    third.refresh_from_db()
    assert third.state == RemedyState.APPROVED


def test_com_05_refused_remedies_and_those_of_other_cases_do_not_count(cast):
    story, other = Story(cast).accept().assign().start(), Story(cast).accept().assign().start()
    transitions.refuse_remedy(propose(story, "900").pk, by=cast.water_head, reason="无依据", at=at("2026-11-17 09:00"))
    transitions.approve_remedy(propose(other, "900").pk, by=cast.water_head, at=at("2026-11-17 09:00"))
    small = propose(story, "200")
    assert remedies.agreed_before(small) == 0
    transitions.approve_remedy(small.pk, by=cast.water_head, at=at("2026-11-17 10:00"))


def test_com_05_the_level_of_the_sum_is_told_that_a_remedy_waits(cast):
    story = Story(cast).accept().assign().start()
    transitions.approve_remedy(propose(story, "900").pk, by=cast.water_head, at=at("2026-11-17 09:00"))
    second = propose(story, "200")
    ask_approval(story.case, second)
    told = {row.recipient for row in cast.coordinator.notifications.model.objects.filter(kind="remedy_waiting")}
    assert {cast.coordinator, cast.coordinator2} <= told
    # Whoever took the case in coordinates it and may not approve.
    assert story.case.coordinator not in told


# --- What contradicts the reply sent before --------------------------------------------------------------
@pytest.fixture
def answered(cast) -> Story:
    """Answered once with twelve tonnes, and open again."""
    story = Story(cast).accept().assign().start()
    text = {"process": "查了抢修日志", "result": "经核实属实，减免 12 吨水费"}
    transitions.submit_for_check(story.pk, by=cast.water_handler, at=at("2026-11-18 15:00"), **text)
    story.reply().call_back(satisfaction="dissatisfied")
    transitions.reopen(story.pk, by=cast.coordinator, reason="没有解决", at=at("2026-11-20 11:00"))
    return story


OTHERWISE = {"process": "再次查了日志", "result": "经核实不属实，减免 5 吨水费"}


def test_coo_09_a_contradiction_is_refused_by_the_rule_itself_until_it_was_looked_at(answered, cast):
    """Whoever calls the rule, by page or program."""
    with pytest.raises(InvalidInput) as refused:
        transitions.submit_for_check(answered.pk, by=cast.water_handler, at=at("2026-11-20 14:00"), **OTHERWISE)
    assert refused.value.field == "differs_knowingly"
    assert answered.case.replies.count() == 1
    transitions.submit_for_check(
        answered.pk, by=cast.water_handler, at=at("2026-11-20 14:00"), differs_knowingly=True, **OTHERWISE
    )
    assert answered.case.status == "quality_check"


def test_coo_09_the_interface_for_programs_asks_for_the_same_tick(client, answered, cast):
    client.force_login(cast.water_handler)
    url = reverse("api-complaint-action", args=[answered.case.number, "submit_for_check"])
    refused = client.post(url, OTHERWISE, content_type="application/json")
    assert (refused.status_code, "differs_knowingly" in refused.content.decode()) == (400, True)
    told = client.post(url, {**OTHERWISE, "differs_knowingly": True}, content_type="application/json")
    assert (told.status_code, answered.case.status) == (200, "quality_check")


# --- What older stored policies lack ------------------------------------------------------------------
def older(code: str) -> ServicePolicy:
    """A policy as it was stored before departments had limits and reopening had rules."""
    policy = ServicePolicy.objects.get(code=code, revision=1)
    policy.rules.filter(milestone="task").delete()
    ServicePolicy.objects.filter(pk=policy.pk).update(reopening={})
    return ServicePolicy.objects.get(pk=policy.pk)


def test_sla_04_case_03_an_untouched_older_policy_gets_a_revision_with_what_it_lacks(cast):
    """With the next upgrade, from its day on, once; cases keep the revision they have."""
    before = older("house_default")
    limits = set(before.rules.values_list("milestone", "complexity", "amount"))
    case = registered().complaint
    load_policies()
    load_policies()
    stored = ServicePolicy.objects.get(code="house_default", revision=2)
    today = timezone.localdate()
    assert (stored.valid_from, stored.valid_until, stored.is_default) == (today, None, True)
    assert ServicePolicy.objects.get(pk=before.pk).valid_until == today - timedelta(days=1)
    assert stored.reopening == {"within_days": 90, "unit": "days", "most": 2}
    assert {row for row in stored.rules.values_list("milestone", "complexity", "amount") if row[0] != "task"} == limits
    assert stored.rules.get(milestone="task", complexity="simple").amount == 10
    assert Complaint.objects.get(pk=case.pk).policy == before
    assert clocks.policy_for(None, on=today) == stored
    assert ServicePolicy.objects.filter(code="house_default").count() == 2


def test_sla_01_a_policy_the_organisation_revised_is_left_and_its_page_offers_the_limits(client, cast):
    older("house_default")
    draft = policy_editing.draft_of(policy_editing.newest("house_default"))
    stored = policy_editing.revise(
        replace(draft, valid_from=timezone.localdate()), is_default=True, based_on=1, by=cast.coordinator
    )
    load_policies()
    assert policy_editing.newest("house_default") == stored
    client.force_login(cast.coordinator)
    page = client.get(f"/desk/settings/policies/house_default/{stored.revision}/").content.decode()
    assert "/desk/settings/policies/house_default/edit/?tasks=1" in page
    editor = client.get("/desk/settings/policies/house_default/edit/?tasks=1").context["editor"]
    proposed = [form.initial for form in editor.limits if form.initial.get("milestone") == "task"]
    assert {(form["complexity"], form["amount"], form["ladder"]) for form in proposed} == {
        ("simple", 10, "task"),
        ("complex", 20, "task"),
    }
    plain = client.get("/desk/settings/policies/house_default/edit/").context["editor"]
    assert not any(form.initial.get("milestone") == "task" for form in plain.limits)


def test_sla_01_a_repealed_policy_is_left_as_it_is(cast):
    before = older("cn_samr_2020")
    load_policies()
    assert ServicePolicy.objects.filter(code="cn_samr_2020").count() == 2
    assert ServicePolicy.objects.get(pk=before.pk).reopening == {}
