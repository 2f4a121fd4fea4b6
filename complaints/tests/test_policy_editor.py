"""The editor of service policies: revisions, what is refused, and the count of past cases (SLA-01)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.errors import InvalidInput, NotAllowed, StaleVersion
from accounts.models import SecurityEvent
from accounts.tests.factories import TYPED, sign_in_anew
from complaints import clocks, policy_editing, policy_simulation, transitions
from complaints.models import ClockPause, Deadline, Extension, ServicePolicy
from complaints.states import Complexity, Milestone, PauseReason
from complaints.tests.factories import Story, at

pytestmark = pytest.mark.django_db

NOW = at("2026-11-23 09:00")
HOUSE = "house_default"


def house():
    return policy_editing.draft_of(policy_editing.newest(HOUSE))


def changed(draft, milestone="reply", complexity="", **values):
    """The draft with another rule of one milestone."""
    rules = tuple(
        replace(rule, **values) if (rule.milestone, rule.complexity) == (milestone, complexity) else rule
        for rule in draft.rules
    )
    return replace(draft, rules=rules)


def revise(draft, cast, *, is_default=True, based_on=1, when=NOW):
    return policy_editing.revise(draft, is_default=is_default, based_on=based_on, by=cast.administrator, at=when)


def posted(client, code=HOUSE, **changes):
    """What the page would send back unchanged, with some fields changed; None leaves a field out."""
    form = client.get(reverse("complaints:policy_edit", args=[code])).context["editor"]
    values = {}
    for each in [form.form, form.limits.management_form, *form.limits.forms]:
        for field in each:
            value = field.value()
            if value is not None and value is not False:
                values[field.html_name] = "on" if value is True else value
    values |= changes
    return {name: value for name, value in values.items() if value is not None}


# --- Revisions ------------------------------------------------------------------------------------
def test_sla_01_the_next_revision_ends_the_one_before_and_binds_new_cases(cast):
    old = Story(cast, "2026-11-16 09:12").case
    stored = revise(replace(changed(house(), amount=3), valid_from=date(2026, 12, 1)), cast)
    before = ServicePolicy.objects.get(code=HOUSE, revision=1)
    assert (stored.revision, stored.valid_from, stored.valid_until) == (2, date(2026, 12, 1), None)
    assert before.valid_until == date(2026, 11, 30)
    assert old.policy_id == before.pk
    assert Story(cast, "2026-11-30 09:12").case.policy_id == before.pk
    assert Story(cast, "2026-12-01 09:12").case.policy_id == stored.pk
    assert stored.rules.get(milestone="reply").amount == 3
    assert before.rules.get(milestone="reply").amount == 2
    assert SecurityEvent.objects.get(kind="policy_revised").subject == "house_default:2"


def test_sla_01_stored_clocks_are_untouched_and_later_clocks_of_the_case_follow_its_revision(cast):
    story = Story(cast, "2026-11-16 09:12").accept()
    clocks_before = list(Deadline.objects.order_by("pk").values())
    draft = changed(changed(house(), amount=9), "resolve", "simple", amount=1)
    revise(replace(draft, valid_from=date(2026, 11, 23), slots=((time(9), time(10)),)), cast)
    assert list(Deadline.objects.order_by("pk").values()) == clocks_before
    story.assign().start().submit()
    assert Deadline.objects.get(complaint=story.pk, milestone="reply").amount == 2


def test_sla_01_every_rule_survives_an_edit_as_it_was(cast):
    """A revision saved unchanged counts exactly as the one before, the steps of its reminders included."""
    before = house()
    stored = revise(replace(before, valid_from=date(2026, 11, 23)), cast)
    after = policy_editing.draft_of(stored)
    assert after.rules == before.rules
    assert after.slots == before.slots
    assert (after.remedies_zh, after.legal_basis) == (before.remedies_zh, before.legal_basis)


def test_sla_01_a_lost_edit_is_refused(cast):
    draft = replace(house(), valid_from=date(2026, 12, 1))
    revise(draft, cast)
    with pytest.raises(StaleVersion):
        revise(replace(draft, valid_from=date(2026, 12, 2)), cast)
    assert ServicePolicy.objects.filter(code=HOUSE).count() == 2


def test_sla_01_only_editors_of_the_settings_revise(cast):
    draft = replace(house(), valid_from=date(2026, 12, 1))
    with pytest.raises(NotAllowed):
        policy_editing.revise(draft, is_default=True, based_on=1, by=cast.intake, at=NOW)
    assert policy_editing.revise(draft, is_default=True, based_on=1, by=cast.coordinator, at=NOW).revision == 2


def test_sla_01_another_policy_takes_over_as_the_default_from_its_day_on(cast):
    """Every day has exactly one default, and the former one goes on as an ordinary policy."""
    other = policy_editing.draft_of(policy_editing.newest("cn_express"))
    revise(replace(other, valid_from=date(2026, 12, 1)), cast)
    assert clocks.policy_for(None, on=date(2026, 11, 30)).code == HOUSE
    assert clocks.policy_for(None, on=date(2026, 12, 1)).code == "cn_express"
    former = clocks.policy_for(HOUSE, on=date(2026, 12, 1))
    assert (former.revision, former.is_default) == (2, False)
    assert former.rules.count() == ServicePolicy.objects.get(code=HOUSE, revision=1).rules.count()


def test_sla_01_there_is_always_a_default(cast):
    with pytest.raises(InvalidInput) as refused:
        revise(replace(house(), valid_from=date(2026, 12, 1)), cast, is_default=False)
    assert refused.value.field == "is_default"


@pytest.mark.parametrize(
    ("change", "field", "mend"),
    [
        ({"valid_from": date(2026, 11, 22)}, "valid_from", "2026-11-23"),
        ({"slots": ((time(8), time(12)), (time(11), time(17)))}, "slots", "08:00-12:00"),
        ({"slots": ()}, "slots", "08:30-12:00"),
        ({"name_en": " "}, "name_en", ""),
        ({"rules": ()}, "rules", ""),
    ],
)
def test_sla_01_a_bad_policy_is_refused_at_its_field(cast, change, field, mend):
    draft = replace(house(), valid_from=date(2026, 12, 1))
    with pytest.raises(InvalidInput) as refused:
        revise(replace(draft, **change), cast)
    assert refused.value.field == field
    assert mend in str(refused.value)
    assert ServicePolicy.objects.filter(code=HOUSE).count() == 1


def test_sla_01_the_default_is_not_taken_over_before_a_revision_that_is_coming(cast):
    revise(replace(house(), valid_from=date(2026, 12, 15)), cast)
    other = policy_editing.draft_of(policy_editing.newest("cn_express"))
    with pytest.raises(InvalidInput) as refused:
        revise(replace(other, valid_from=date(2026, 12, 1)), cast)
    assert (refused.value.field, "2026-12-15" in str(refused.value)) == ("valid_from", True)


# --- The page --------------------------------------------------------------------------------------
def test_sla_01_the_page_shows_what_would_change_and_then_stores_it(client, cast):
    Story(cast, "2026-11-16 09:12").to_closed()
    client.force_login(cast.coordinator)
    url = reverse("complaints:policy_edit", args=[HOUSE])
    day = timezone.localdate() + timedelta(days=1)
    values = posted(client, valid_from=day.isoformat(), slots="09:00-12:00\n13:00-17:00")
    shown = client.post(url, values)
    assert shown.status_code == 200, [shown.context["form"].errors, shown.context["editor"].limits.errors]
    assert shown.context["simulation"].cases == 1
    assert ServicePolicy.objects.filter(code=HOUSE).count() == 1
    saved = client.post(url, values | {"save": "1"}, follow=True)
    stored = ServicePolicy.objects.get(code=HOUSE, revision=2)
    assert saved.redirect_chain[-1][0] == reverse("complaints:policy", args=[HOUSE, 2])
    assert (stored.valid_from, stored.slots[0], stored.is_default) == (day, ["09:00:00", "12:00:00"], True)
    assert stored.rules.count() == len(house().rules)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rules-1-amount": "-3"}, "whole number of at least 1"),
        ({"rules-1-amount": "99999"}, "at most 3650"),
        ({"rules-1-extension_amount": "5"}, "how often"),
        ({"rules-1-milestone": "acknowledge"}, "The rule for Acknowledge stands twice; keep one."),
        ({"rules-1-milestone": "resolve", "rules-1-complexity": "complex"}, "Handling by the department (Complex)"),
        ({"rules-1-unit": "moons"}, "moons"),
        ({"slots": "08:30-12:00\n11:00-17:30"}, "overlap"),
        ({"slots": "13:30-17:30\n08:30-12:00"}, "out of order"),
        ({"slots": "half past eight"}, "08:30-12:00"),
        ({"valid_from": "2020-01-01"}, "in the past"),
        ({"valid_from": "soon"}, "valid date"),
        ({"is_default": None}, "take over"),
        ({"rules-TOTAL_FORMS": "many"}, ""),
    ],
)
def test_sla_01_bad_input_is_answered_at_its_field_and_stores_nothing(client, cast, change, says):
    sign_in_anew(client, cast.administrator)
    client.cookies["huiyin_language"] = "en"
    answer = client.post(reverse("complaints:policy_edit", args=[HOUSE]), posted(client, **change) | {"save": "1"})
    assert answer.status_code == 422
    assert says in answer.content.decode()
    assert ServicePolicy.objects.filter(code=HOUSE).count() == 1


def test_config_an_administrator_gives_the_password_once_more_before_a_policy_is_saved(client, cast):
    """Matrix row 52: only looking at what it would mean asks for nothing, and what was filled in is not lost."""
    client.force_login(cast.administrator)
    page = reverse("complaints:policy_edit", args=[HOUSE])
    values = posted(client)
    assert client.post(page, values).status_code == 200
    asked = client.post(page, values | {"save": "1"})
    assert asked["Location"].startswith(reverse("account_reauthenticate"))
    assert ServicePolicy.objects.filter(code=HOUSE).count() == 1
    client.post(asked["Location"], {"password": TYPED, "next": page})
    assert ServicePolicy.objects.filter(code=HOUSE).count() == 2
    client.force_login(cast.coordinator)
    again = client.post(page, posted(client) | {"save": "1"})
    assert again["Location"] == reverse("complaints:policy", args=[HOUSE, 3])


def test_sla_01_a_first_day_that_is_over_is_refused_before_anything_is_counted(client, cast):
    sign_in_anew(client, cast.administrator)
    answer = client.post(reverse("complaints:policy_edit", args=[HOUSE]), posted(client, valid_from="2020-01-01"))
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"valid_from"}
    assert answer.context["simulation"] is None


def test_sla_01_a_limit_is_added_and_one_removed(client, cast):
    sign_in_anew(client, cast.administrator)
    number = len(house().rules)
    fresh = {
        "milestone": "resolve", "complexity": Complexity.EMERGENCY, "amount": "4", "unit": "working_hours",
        "starts_on": "received", "extension_amount": "0", "max_extensions": "0", "ladder": "hour",
    }  # fmt: skip
    values = posted(client, **{"rules-1-DELETE": "on"}, **{f"rules-{number}-{key}": v for key, v in fresh.items()})
    assert client.post(reverse("complaints:policy_edit", args=[HOUSE]), values | {"save": "1"}).status_code == 302
    stored = policy_editing.draft_of(policy_editing.newest(HOUSE))
    assert stored.rule_for("resolve", "emergency").amount == 4
    assert stored.rule_for("resolve", "emergency").ladder == policy_editing.LADDERS["hour"]
    assert stored.rule_for("decide_acceptance") is None
    assert len(stored.rules) == number


def test_sla_01_an_edit_of_an_older_revision_gets_409(client, cast):
    sign_in_anew(client, cast.administrator)
    values = posted(client)
    revise(replace(house(), valid_from=timezone.localdate()), cast, when=timezone.now())
    for extra in ({}, {"save": "1"}):
        assert client.post(reverse("complaints:policy_edit", args=[HOUSE]), values | extra).status_code == 409
    assert ServicePolicy.objects.filter(code=HOUSE).count() == 2


def test_sla_01_the_law_is_named_before_its_limits_are_changed(client, cast):
    sign_in_anew(client, cast.administrator)
    page = client.get(reverse("complaints:policy_edit", args=["cn_petition_2022"])).content.decode()
    assert "《信访工作条例》" in page
    assert "《信访工作条例》" not in client.get(reverse("complaints:policy_edit", args=[HOUSE])).content.decode()
    assert client.get(reverse("complaints:policy_edit", args=["nowhere"])).status_code == 404


def test_sla_01_the_editor_is_closed_to_others(client, cast):
    client.force_login(cast.intake)
    assert client.get(reverse("complaints:policy_edit", args=[HOUSE])).status_code == 403


# --- The count of past cases ----------------------------------------------------------------------
def line(found, milestone):
    return next(row for row in found.lines if row.milestone == milestone)


def test_sla_01_the_count_says_who_would_have_been_late(cast):
    """Handled from Monday 10:00 to Wednesday 15:00: in time within 15 working days, late within one."""
    story = Story(cast, "2026-11-16 09:12").to_closed()
    found = policy_simulation.simulate(house(), changed(house(), "resolve", "simple", amount=1), now=NOW)
    resolve = line(found, Milestone.RESOLVE)
    assert (resolve.before_in_time, resolve.after_in_time, resolve.after) == (1, 0, 1)
    assert (resolve.earlier, resolve.later, resolve.shift) == (1, 0, -14)
    (change,) = [row for row in found.changes if row.milestone == Milestone.RESOLVE]
    assert (change.number, change.after, change.is_late_after) == (story.case.number, date(2026, 11, 17), True)
    reply = line(found, Milestone.REPLY)
    assert (reply.before_in_time, reply.after_in_time, reply.earlier, reply.later) == (1, 1, 0, 0)


def test_sla_04_the_count_says_which_departments_would_have_been_late(cast):
    """The lead worked from Monday to Wednesday, the supporting department until Friday; two days suffice for one."""
    story = Story(cast, "2026-11-16 09:12").accept().assign().start()
    transitions.add_supporting(
        story.pk, by=cast.coordinator, department=cast.roads, task="核实路面", at=at("2026-11-16 11:00")
    )
    support = story.case.assignments.get(role="supporting")
    transitions.finish_supporting(story.pk, by=cast.roads_handler, result="已核实", at=at("2026-11-20 11:00"))
    assert support.deadlines.get().state == "met"
    before, after = house(), changed(house(), "task", "simple", amount=3)
    task = line(policy_simulation.simulate(before, before, now=NOW), Milestone.TASK)
    assert (task.before, task.before_in_time, task.after_in_time) == (2, 2, 2), "the lead still works"
    found = policy_simulation.simulate(before, after, now=NOW)
    task = line(found, Milestone.TASK)
    assert (task.before_in_time, task.after_in_time, task.shift) == (2, 0, -7)
    assert {change.department for change in found.changes} == {cast.water.name, cast.roads.name}
    assert {change.after for change in found.changes} == {date(2026, 11, 19)}


def test_sla_04_in_the_count_a_task_ends_with_its_case_and_pauses_are_not_the_departments(cast):
    """By both revisions the real date comes out: within the case, after a pause and a refused return."""
    story = Story(cast, "2026-11-16 09:12").accept().assign().start()
    transitions.request_return(story.pk, by=cast.water_handler, reason="不属本部门", at=at("2026-11-17 08:30"))
    transitions.refuse_return(story.pk, by=cast.coordinator, note="属供水", at=at("2026-11-19 08:30"))
    case = story.case
    history = policy_simulation._History([case])
    (task,) = history.tasks[case.pk]
    stored = task.deadlines.filter(state="running").get()
    assert policy_simulation._Revision(house()).due_of_task(history, case, task) == stored.due_at
    short = policy_simulation._Revision(changed(house(), "resolve", "simple", amount=5))
    assert short.due_of_task(history, case, task) == short.due(history, case, Milestone.RESOLVE)


def test_sla_04_the_count_shows_what_limits_for_departments_would_mean_where_none_are(cast):
    Story(cast, "2026-11-16 09:12").to_closed()
    none = replace(house(), rules=tuple(rule for rule in house().rules if rule.milestone != "task"))
    Deadline.objects.filter(milestone="task").delete()
    task = line(policy_simulation.simulate(none, house(), now=NOW), Milestone.TASK)
    assert (task.before, task.after, task.after_in_time) == (0, 1, 1)


def test_sla_01_the_count_leaves_out_pauses_and_adds_extensions(cast):
    """Two days of pause and a granted extension move the new date as they moved the old one."""
    story = Story(cast, "2026-11-16 09:12").accept().assign().start()
    transitions.request_extension(story.pk, by=cast.water_handler, reason="等管件", at=at("2026-11-16 14:00"))
    transitions.approve_extension(story.pk, by=cast.coordinator, approve=True, note="同意", at=at("2026-11-16 14:30"))
    transitions.request_pause(
        story.pk, by=cast.water_handler, reason=PauseReason.values[0], evidence="鉴定委托书", at=at("2026-11-16 15:00")
    )
    transitions.approve_pause(story.pk, by=cast.coordinator, approve=True, days=10, at=at("2026-11-17 08:30"))
    transitions.resume(story.pk, by=cast.water_handler, at=at("2026-11-19 08:30"))
    assert (ClockPause.objects.count(), Extension.objects.count()) == (1, 1)
    stored = Deadline.objects.get(complaint=story.pk, milestone="resolve")
    found = policy_simulation.simulate(house(), changed(house(), "resolve", "simple", amount=16), now=NOW)
    assert line(found, Milestone.RESOLVE).shifts == [1]
    history = policy_simulation._History([story.case])
    due = policy_simulation._Revision(house()).due(history, story.case, Milestone.RESOLVE)
    assert due == stored.due_at


def test_sla_01_the_count_takes_a_fixed_number_of_queries_and_stores_nothing(
    client, cast, django_assert_max_num_queries
):
    for number in range(4):
        Story(cast, f"2026-11-16 09:1{number}").to_closed()
    draft = house()
    with django_assert_max_num_queries(5):
        assert policy_simulation.simulate(draft, draft, now=NOW).cases == 4
    sign_in_anew(client, cast.administrator)
    values = posted(client, **{"rules-6-amount": "1"})
    page = client.post(reverse("complaints:policy_edit", args=[HOUSE]), values)
    assert not page.context["changes"], "the administrator sees no case"
    client.force_login(cast.coordinator)
    page = client.post(reverse("complaints:policy_edit", args=[HOUSE]), values)
    assert len(page.context["changes"]) == page.context["changing"] == 8, "four cases and the tasks on them"
    assert not ServicePolicy.objects.filter(code=HOUSE, revision=2).exists()


def test_sla_01_a_policy_without_cases_is_counted_on_the_newest_of_all(cast):
    Story(cast, "2026-11-16 09:12").to_closed()
    other = policy_editing.draft_of(policy_editing.newest("cn_express"))
    found = policy_simulation.simulate(other, changed(other, "resolve", amount=1), now=NOW)
    assert (found.own, found.cases) == (False, 1)
    assert line(found, Milestone.DECIDE_ACCEPTANCE).after == 0
