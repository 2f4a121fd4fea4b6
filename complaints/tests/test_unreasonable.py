"""Valid or not, and the label "unreasonable" that takes a reason and a second person (SCR-07, SCR-08)."""

from __future__ import annotations

import re

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts.errors import InvalidInput, NotAllowed
from complaints import track_page, transitions
from complaints.models import Notification, UnreasonableLabel
from complaints.tests.factories import Story, at
from complaints.tests.test_case_actions import post

REASON = "要求把小区整体搬迁，任何部门都无法做到"


def shown_to(client, who, story, name="detail", *args) -> str:
    client.force_login(who)
    response = client.get(reverse(f"complaints:{name}", args=[story.case.number, *args]))
    assert response.status_code == 200
    return response.content.decode()


def proposed(cast) -> Story:
    story = Story(cast).accept()
    transitions.propose_unreasonable(story.pk, reason=REASON, by=cast.intake, at=at("2026-11-16 11:00"))
    return story


# --- Validity (SCR-07) ------------------------------------------------------------------------------
@pytest.mark.parametrize(("answer", "stored"), [("true", True), ("false", False)])
def test_scr07_valid_or_not_with_a_reason(answer, stored, cast, client):
    story = Story(cast).accept()
    assert story.case.is_valid is None
    assert post(client, cast.intake, story, "judge_validity", verdict=answer).status_code == 422
    assert story.case.is_valid is None
    done = post(client, cast.intake, story, "judge_validity", verdict=answer, reason="有抢修记录")
    assert done.status_code == 302
    assert story.case.is_valid is stored
    event = story.case.events.get(kind="judge_validity")
    assert (event.actor, event.note, event.fields) == (cast.intake, "有抢修记录", ["is_valid"])
    panel = re.search(r'id="judgement".*?</section>', shown_to(client, cast.intake, story), re.DOTALL)[0]
    assert ("tag-ok" in panel) is stored


# --- The label (SCR-08) -----------------------------------------------------------------------------
def test_scr08_the_repeat_alert_stands_beside_the_control(cast, client):
    """What looks unreasonable may be a problem that was never solved: the earlier cases are read first."""
    earlier = Story(cast, "2026-10-20 09:00", subject="十月就停过一次水")
    story = Story(cast).accept()
    page = shown_to(client, cast.intake, story, "action", "propose_unreasonable")
    assert page.index("十月就停过一次水") < page.index('name="reason"')
    assert reverse("complaints:detail", args=[earlier.case.number]) in page
    panel = re.search(r'id="judgement".*?</section>', shown_to(client, cast.intake, story), re.DOTALL)[0]
    assert 'href="#repeat-title"' in panel
    alone = Story(cast, phone="13900009999", email="", name="李明").accept()
    assert "十月就停过一次水" not in shown_to(client, cast.intake, alone, "action", "propose_unreasonable")


def test_scr08_whoever_decides_reads_the_earlier_complaints_too(cast, client):
    earlier = Story(cast, "2026-10-20 09:00", subject="十月就停过一次水")
    story = proposed(cast)
    page = shown_to(client, cast.coordinator, story, "action", "decide_unreasonable")
    assert page.index("十月就停过一次水") < page.index('name="reason"')
    assert reverse("complaints:detail", args=[earlier.case.number]) in page
    assert "这位投诉人以前投诉过" in page
    panel = re.search(r'id="judgement".*?</section>', shown_to(client, cast.coordinator, story), re.DOTALL)[0]
    assert 'href="#repeat-title"' in panel


def test_scr08_whoever_decides_reads_that_there_was_none(cast, client):
    page = shown_to(client, cast.coordinator, proposed(cast), "action", "decide_unreasonable")
    assert "在算作重复投诉的天数内，这位投诉人没有别的投诉" in page


def test_scr08_a_proposal_alone_changes_nothing(cast, client):
    story = Story(cast).accept()
    assert post(client, cast.intake, story, "propose_unreasonable", reason="").status_code == 422
    assert post(client, cast.intake, story, "propose_unreasonable", reason=REASON).status_code == 302
    assert story.case.is_unreasonable is False
    told = set(Notification.objects.filter(kind="second_look").values_list("recipient__staff_number", flat=True))
    assert told == {"A002", "A003", "A004"}
    again = post(client, cast.intake2, story, "propose_unreasonable", reason="再提一次")
    assert again.status_code == 422
    assert UnreasonableLabel.objects.count() == 1


@pytest.mark.parametrize(("answer", "stored"), [("true", True), ("false", False)])
def test_scr08_a_second_person_decides(answer, stored, cast, client):
    story = proposed(cast)
    page = shown_to(client, cast.coordinator, story, "action", "decide_unreasonable")
    assert REASON in page
    assert "林若溪" in page
    done = post(client, cast.coordinator, story, "decide_unreasonable", agree=answer, reason="已核对以往三件投诉")
    assert done.status_code == 302
    assert story.case.is_unreasonable is stored
    label = UnreasonableLabel.objects.get()
    assert (label.agreed, label.decided_by, label.decision_reason) == (stored, cast.coordinator, "已核对以往三件投诉")
    assert "已核对以往三件投诉" in shown_to(client, cast.intake, story)


def test_scr08_nobody_decides_on_the_own_proposal(cast, client):
    story = proposed(cast)
    url = reverse("complaints:action", args=[story.case.number, "decide_unreasonable"])
    client.force_login(cast.intake)
    assert client.get(url).status_code == 403
    fields = {"version": story.case.version, "agree": "true", "reason": "同意"}
    assert client.post(url, fields).status_code == 403
    with pytest.raises(NotAllowed):
        transitions.decide_unreasonable(story.pk, agree=True, reason="同意", by=cast.intake)
    assert story.case.is_unreasonable is False
    assert url not in shown_to(client, cast.intake, story)
    assert url in shown_to(client, cast.coordinator, story)


def test_scr08_the_database_refuses_one_person_in_both_roles(cast):
    label = UnreasonableLabel.objects.filter(complaint=proposed(cast).pk).get()
    with pytest.raises(IntegrityError, match="label_second_person"), transaction.atomic():
        UnreasonableLabel.objects.filter(pk=label.pk).update(
            decided_by=label.proposed_by, decided_at=at("2026-11-16 12:00"), agreed=True
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        UnreasonableLabel.objects.create(
            complaint=label.complaint, reason="x", proposed_by=cast.intake2, proposed_at=at("2026-11-16 12:00")
        )


def test_scr08_departments_neither_propose_nor_decide(cast, client):
    story = proposed(cast).assign().start()
    for action in ("propose_unreasonable", "decide_unreasonable", "judge_validity"):
        client.force_login(cast.water_handler)
        url = reverse("complaints:action", args=[story.case.number, action])
        assert (client.get(url).status_code, client.post(url).status_code) == (403, 403)


def test_scr08_a_label_that_fell_can_be_proposed_anew_and_one_that_stands_cannot(cast):
    story = proposed(cast)
    transitions.decide_unreasonable(story.pk, agree=False, reason="诉求合理", by=cast.coordinator)
    transitions.propose_unreasonable(story.pk, reason=REASON, by=cast.intake)
    transitions.decide_unreasonable(story.pk, agree=True, reason="三次答复后仍重复", by=cast.coordinator)
    with pytest.raises(InvalidInput):
        transitions.propose_unreasonable(story.pk, reason=REASON, by=cast.intake2)
    assert story.case.is_unreasonable is True


def test_scr08_the_complainant_reads_nothing_of_it(cast, client):
    story = proposed(cast)
    transitions.decide_unreasonable(story.pk, agree=True, reason="三次答复后仍重复", by=cast.coordinator)
    page = track_page.read(story.case, now=at("2026-11-17 09:00"))
    assert [step.title for step in page.history] == [
        track_page.PUBLIC_EVENTS["accept"],
        track_page.PUBLIC_EVENTS["register"],
    ]
    assert REASON not in repr(page)
