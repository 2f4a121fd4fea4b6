"""Remedies: proposed by one, approved within limits by another, given by a third (COO-11, COO-12, COO-13)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import SecurityEvent
from accounts.tests.factories import sign_in_anew
from complaints import remedies, transitions
from complaints.models import AuthorityLimit, Notification, Remedy
from complaints.states import RemedyState
from complaints.tests.factories import Story, at

WHEN = at("2026-11-16 14:00")
LATER = at("2026-11-17 09:00")


@pytest.fixture
def story(cast) -> Story:
    return Story(cast).accept().assign().start()


def propose(story, amount: str | None = "800", *, kind: str = "compensation", **changes) -> Remedy:
    values = {
        "description": "赔偿买水的费用",
        "amount": Decimal(amount) if amount else None,
        "by": story.cast.water_handler,
        "at": WHEN,
        **changes,
    }
    return transitions.add_remedy(story.pk, kind=kind, **values)


def page(story, remedy) -> str:
    return reverse("complaints:remedy_page", args=[story.case.number, remedy.pk])


def fresh(remedy) -> Remedy:
    return Remedy.objects.get(pk=remedy.pk)


# --- What needs approval ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kind", "amount", "is_owed", "state"),
    [
        ("apology", None, True, "approved"),
        ("repair", None, True, "approved"),
        ("replacement", None, True, "approved"),
        ("repair", "300", True, "proposed"),
        ("compensation", None, True, "proposed"),
        ("refund", "60", True, "proposed"),
        ("goodwill", None, True, "proposed"),
        ("apology", None, False, "proposed"),
    ],
)
def test_coo_12_money_and_goodwill_wait_and_the_rest_is_agreed_at_once(story, kind, amount, is_owed, state):
    assert propose(story, amount, kind=kind, is_owed=is_owed).state == state


def test_rows_from_before_count_as_done_or_agreed(story, cast):
    """COO-12: what was recorded before remedies were approved needs nobody to touch it."""
    row = propose(story, None, kind="apology")
    Remedy.objects.filter(pk=row.pk).update(state=RemedyState.PROPOSED)
    assert remedies.standing(fresh(row)) == RemedyState.APPROVED
    Remedy.objects.filter(pk=row.pk).update(done_at=LATER)
    assert remedies.standing(fresh(row)) == RemedyState.DONE


# --- Three people -----------------------------------------------------------------------------------
def test_coo_12_com_03_proposer_approver_and_payer_are_three_people(story, cast):
    remedy = propose(story, by=cast.water_head)
    with pytest.raises(NotAllowed):
        transitions.approve_remedy(remedy.pk, by=cast.water_head, at=LATER)
    transitions.approve_remedy(remedy.pk, by=cast.manager, note="依据充分", at=LATER)
    with pytest.raises(NotAllowed):  # the manager may pay, but not what the manager approved
        transitions.give_remedy(remedy.pk, by=cast.manager, reference="F-1", at=LATER)
    with pytest.raises(NotAllowed):
        transitions.give_remedy(remedy.pk, by=cast.water_handler, reference="F-1", at=LATER)
    transitions.give_remedy(remedy.pk, by=cast.intake, reference="F-2026-118", at=LATER)
    row = fresh(remedy)
    assert (row.state, row.approved_by, row.paid_by, row.payment_reference) == (
        "done",
        cast.manager,
        cast.intake,
        "F-2026-118",
    )
    assert row.done_at == LATER
    kinds = list(story.case.events.filter(kind__startswith="remedy").order_by("sequence").values_list("kind", "note"))
    assert kinds == [("remedy", ""), ("remedy_approved", "依据充分"), ("remedy_given", "")]


def test_a_proposer_with_the_right_to_pay_does_not_pay(story, cast):
    remedy = propose(story, by=cast.intake)
    transitions.approve_remedy(remedy.pk, by=cast.coordinator, at=LATER)
    with pytest.raises(NotAllowed):
        transitions.give_remedy(remedy.pk, by=cast.intake, reference="F-1", at=LATER)
    transitions.give_remedy(remedy.pk, by=cast.intake2, reference="F-1", at=LATER)


def test_nothing_is_given_before_it_is_approved_and_nothing_twice(story, cast):
    remedy = propose(story)
    with pytest.raises(IllegalTransition):
        transitions.give_remedy(remedy.pk, by=cast.intake, reference="F-1", at=LATER)
    transitions.approve_remedy(remedy.pk, by=cast.water_head, at=LATER)
    with pytest.raises(IllegalTransition):
        transitions.approve_remedy(remedy.pk, by=cast.manager, at=LATER)
    with pytest.raises(IllegalTransition):
        transitions.refuse_remedy(remedy.pk, by=cast.manager, reason="太多", at=LATER)
    transitions.give_remedy(remedy.pk, by=cast.intake, reference="F-1", at=LATER)
    with pytest.raises(IllegalTransition):
        transitions.give_remedy(remedy.pk, by=cast.intake2, reference="F-2", at=LATER)
    assert fresh(remedy).payment_reference == "F-1"


def test_coo_11_an_apology_says_when_and_in_which_form_it_was_made(story, cast):
    remedy = propose(story, None, kind="apology", description="就没有通知停水当面致歉")
    with pytest.raises(InvalidInput) as missing:
        transitions.give_remedy(remedy.pk, by=cast.intake, reference=" ", at=LATER)
    assert missing.value.field == "reference"
    for moment in (at("2026-11-18 09:00"), at("2026-11-15 09:00")):  # still to come; before it was agreed
        with pytest.raises(InvalidInput) as refused:
            transitions.give_remedy(remedy.pk, by=cast.intake, reference="书面", given_at=moment, at=LATER)
        assert refused.value.field == "given_at"
    transitions.give_remedy(
        remedy.pk, by=cast.intake, reference="书面致歉信，当面递交", given_at=at("2026-11-16 18:00"), at=LATER
    )
    assert fresh(remedy).done_at == at("2026-11-16 18:00")


# --- Limits -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("amount", "person", "allowed"),
    [
        ("1000", "water_head", True),
        ("1000.01", "water_head", False),
        ("5000", "coordinator", True),
        ("5000.01", "coordinator", False),
        ("80000", "manager", True),
        ("10", "water_handler2", False),
        ("10", "intake", False),
        ("10", "counsel", False),
    ],
)
def test_coo_12_each_level_approves_up_to_its_limit(story, cast, amount, person, allowed):
    remedy = propose(story, amount)
    who = getattr(cast, person)
    if allowed:
        transitions.approve_remedy(remedy.pk, by=who, at=LATER)
        assert fresh(remedy).approved_by == who
    else:
        with pytest.raises(NotAllowed):
            transitions.approve_remedy(remedy.pk, by=who, at=LATER)
        assert fresh(remedy).state == "proposed"


def test_com_06_beyond_the_limit_the_refusal_names_who_may(story, cast, client):
    remedy = propose(story, "6840")
    client.force_login(cast.water_head)
    shown = client.get(page(story, remedy)).content.decode()
    assert "1000" in shown
    assert 'name="approve"' not in shown
    assert str(remedies.LEVELS["manager"]) in shown
    answer = client.post(page(story, remedy), {"approve": "1"})
    assert answer.status_code == 403
    assert SecurityEvent.objects.filter(kind="refused", subject=story.case.number).count() == 1
    assert fresh(remedy).state == "proposed"
    assert not story.case.events.filter(kind="remedy_approved").exists()


def test_money_without_an_amount_needs_a_level_without_a_limit(story, cast):
    remedy = propose(story, None)
    for who in (cast.water_head, cast.coordinator):
        with pytest.raises(NotAllowed):
            transitions.approve_remedy(remedy.pk, by=who, at=LATER)
    transitions.approve_remedy(remedy.pk, by=cast.manager, at=LATER)


def test_the_head_of_another_department_does_not_approve(story, cast):
    transitions.reassign(
        story.pk, by=cast.coordinator, department=cast.roads, reason="道路施工", task="查明", at=at("2026-11-16 13:00")
    )
    remedy = propose(story, by=cast.intake)
    with pytest.raises(NotAllowed):
        transitions.approve_remedy(remedy.pk, by=cast.water_head, at=LATER)


def test_whom_the_case_is_about_decides_nothing(story, cast):
    remedy = propose(story)
    story.case.accused_staff.add(cast.coordinator)
    with pytest.raises(NotAllowed):
        transitions.approve_remedy(remedy.pk, by=cast.coordinator, at=LATER)


# --- The page ---------------------------------------------------------------------------------------
def test_the_page_leads_through_decision_and_giving(story, cast, client):
    remedy = propose(story, is_owed=False)
    address = page(story, remedy)
    client.force_login(cast.water_head)
    assert client.post(address, {"refuse": "1", "reason": ""}).status_code == 422
    assert client.post(address, {}).status_code == 422
    assert client.post(address, {"approve": "1", "note": "同意"}).status_code == 302
    again = client.post(address, {"approve": "1"})
    assert again.status_code == 409
    client.force_login(cast.intake)
    refused = client.post(address, {"give": "1", "reference": ""})
    assert refused.status_code == 422
    assert "reference" in refused.context["forms"]["give"].errors
    assert client.post(address, {"give": "1", "reference": "F-77"}).status_code == 302
    shown = client.get(reverse("complaints:detail", args=[story.case.number])).content.decode()
    for text in ("赔偿买水的费用", cast.water_head.display_name, cast.intake.display_name, address):
        assert text in shown
    assert "F-77" in client.get(address).content.decode()


def test_a_remedy_is_found_only_on_its_own_case_and_by_who_sees_it(story, cast, client):
    remedy = propose(story)
    other = Story(cast).accept()
    client.force_login(cast.manager)
    assert client.get(reverse("complaints:remedy_page", args=[other.case.number, remedy.pk])).status_code == 404
    client.force_login(cast.roads_handler)
    assert client.get(page(story, remedy)).status_code == 404
    client.force_login(cast.auditor)
    assert client.get(page(story, remedy)).status_code == 200
    assert client.post(page(story, remedy), {"approve": "1"}).status_code == 403


def test_a_refusal_needs_its_reason_and_tells_the_proposer(story, cast):
    remedy = propose(story)
    assert Notification.objects.filter(kind="remedy_waiting", recipient=cast.water_head).count() == 1
    with pytest.raises(InvalidInput):
        transitions.refuse_remedy(remedy.pk, by=cast.water_head, reason=" ", at=LATER)
    transitions.refuse_remedy(remedy.pk, by=cast.water_head, reason="没有依据", at=LATER)
    assert fresh(remedy).state == "refused"
    assert Notification.objects.filter(kind="remedy_refused", recipient=cast.water_handler).count() == 1


def test_nothing_changes_in_the_archive(cast):
    story = Story(cast).accept().assign().start()
    remedy = propose(story)
    story.case.__class__.objects.filter(pk=story.pk).update(status="archived")
    for act in (
        lambda: transitions.approve_remedy(remedy.pk, by=cast.coordinator, at=LATER),
        lambda: transitions.give_remedy(remedy.pk, by=cast.intake, reference="F-1", at=LATER),
    ):
        with pytest.raises(IllegalTransition):
            act()


def test_the_letter_promises_only_what_is_agreed(story, cast):
    """COO-12: nothing beyond the authority of the office reaches the complainant."""
    propose(story, None, kind="apology", description="书面致歉")
    propose(story, "700", description="待批的钱")
    refused = propose(story, "900", description="不批的钱")
    transitions.refuse_remedy(refused.pk, by=cast.water_head, reason="没有依据", at=LATER)
    approved = propose(story, "120", description="批准的钱")
    transitions.approve_remedy(approved.pk, by=cast.water_head, at=LATER)
    story.submit().reply()
    body = story.case.notices.get(kind="reply").body
    assert "书面致歉" in body
    assert "批准的钱" in body
    assert "待批的钱" not in body
    assert "不批的钱" not in body


# --- The settings -----------------------------------------------------------------------------------
def limits(**changes) -> dict:
    return {
        "based_on": 1, "department_head": "2000", "coordinator": "8000", "manager": "", "note": "按年度授权调整",
    } | changes  # fmt: skip


def test_limits_are_revised_with_a_reason_and_count_at_once(story, cast, client):
    assert remedies.limits_of(remedies.current()) == {"department_head": 1000, "coordinator": 5000, "manager": None}
    sign_in_anew(client, cast.administrator)
    address = reverse("complaints:authority_edit")
    assert client.get(address).status_code == 200
    assert client.post(address, limits(note="")).status_code == 422
    assert client.post(address, limits()).status_code == 302
    assert client.post(address, limits(department_head="3000")).status_code == 409
    stored = AuthorityLimit.objects.get(revision=2)
    assert (stored.limits, stored.by) == (
        {"department_head": 2000, "coordinator": 8000, "manager": None},
        cast.administrator,
    )
    assert "按年度授权调整" in client.get(reverse("complaints:authority")).content.decode()
    transitions.approve_remedy(propose(story, "2000").pk, by=cast.water_head, at=LATER)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"coordinator": "1000"}, "coordinator"),
        ({"department_head": ""}, "coordinator"),
        ({"manager": "9000"}, "manager"),
        ({"department_head": "-1"}, "department_head"),
        ({"department_head": "viel"}, "department_head"),
        ({"coordinator": "999999999999"}, "coordinator"),
    ],
)
def test_limits_that_make_no_sense_are_refused_at_their_field(cast, client, changes, field):
    client.force_login(cast.coordinator)
    answer = client.post(reverse("complaints:authority_edit"), limits(**changes))
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert AuthorityLimit.objects.count() == 1


def test_only_who_edits_settings_sets_limits(cast, client):
    client.force_login(cast.manager)
    assert client.get(reverse("complaints:authority")).status_code == 403
    values = {"department_head": 1, "coordinator": 2, "manager": None}
    with pytest.raises(NotAllowed):
        remedies.revise(values, note="越权", based_on=1, by=cast.manager)
    with pytest.raises(StaleVersion):
        remedies.revise(values, note="旧页", based_on=7, by=cast.coordinator)
