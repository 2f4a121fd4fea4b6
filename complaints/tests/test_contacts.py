"""Which clock a communication stops, and which times it can have (SLA-06, SLA-17, AT-08, COO-05, COO-06)."""

from __future__ import annotations

import pytest

from accounts.errors import IllegalTransition, InvalidInput
from complaints import transitions as t
from complaints.models import Contact
from complaints.states import Channel, ContactOutcome, ContactPurpose
from complaints.tests.factories import Story, at

pytestmark = pytest.mark.django_db


def told(story: Story, by, purpose: str, when: str, *, outcome: str = "reached", contacted: str = "") -> Contact:
    return t.add_contact(
        story.pk,
        by=by,
        direction="out",
        channel=Channel.PHONE,
        purpose=ContactPurpose(purpose),
        outcome=ContactOutcome(outcome),
        summary="已说明情况",
        contacted_at=at(contacted) if contacted else None,
        at=at(when),
    )


def state_of(story: Story, milestone: str) -> str:
    return story.case.deadlines.filter(milestone=milestone).latest("pk").state


def test_at_08_a_contact_is_not_before_the_complaint(cast, client):
    story = Story(cast).accept().assign()
    with pytest.raises(InvalidInput, match="2026-11-16 09:12") as refused:
        told(story, cast.water_handler, "first_contact", "2026-11-25 16:00", contacted="2026-11-16 09:11")
    assert refused.value.field == "contacted_at"
    assert not Contact.objects.exists()
    assert state_of(story, "first_contact") == "running"


def test_sla_17_what_was_said_before_the_assignment_is_not_the_first_contact_of_the_department(cast):
    """It is kept as a communication; the clock of the first contact begins with the assignment."""
    story = Story(cast).accept().assign("2026-11-16 10:30")
    told(story, cast.intake, "information", "2026-11-16 14:00", contacted="2026-11-16 09:30")
    assert state_of(story, "first_contact") == "running"
    told(story, cast.water_handler, "first_contact", "2026-11-16 14:05", contacted="2026-11-16 10:30")
    assert state_of(story, "first_contact") == "met"


def test_sla_06_only_a_reply_that_was_sent_can_be_given(cast):
    """Else a call before the quality check would stop the clock of the reply."""
    story = Story(cast, channel=Channel.PHONE).accept().assign().start().submit()
    with pytest.raises(InvalidInput) as refused:
        told(story, cast.water_handler, "reply", "2026-11-18 16:00")
    assert refused.value.field == "purpose"
    assert state_of(story, "reply") == "running"
    story.reply("2026-11-19 10:00")
    with pytest.raises(InvalidInput, match="2026-11-19 10:00") as refused:
        told(story, cast.water_handler, "reply", "2026-11-19 11:00", contacted="2026-11-18 16:00")
    assert refused.value.field == "contacted_at"
    told(story, cast.intake, "reply", "2026-11-19 11:00", contacted="2026-11-19 10:30")
    assert state_of(story, "reply") == "met"
    assert story.case.replies.get().delivered_at == at("2026-11-19 10:30")


def test_sla_06_a_reply_read_online_stops_the_clock_when_it_is_sent(cast):
    """Not when it was written and not when it was read."""
    story = Story(cast).accept().assign().start().submit("2026-11-18 15:00")
    assert state_of(story, "reply") == "running"
    story.reply("2026-11-19 10:00")
    stopped = story.case.deadlines.filter(milestone="reply").latest("pk")
    assert (stopped.state, stopped.stopped_at) == ("met", at("2026-11-19 10:00"))


def test_coo_06_attempts_in_vain_count_for_the_reply_they_were_made_for(cast):
    """Three for the first reply say nothing about the second: the case is not closed on it."""
    story = Story(cast, channel=Channel.PHONE).to_reply()
    for day in (19, 20, 23):
        told(story, cast.intake, "reply", f"2026-11-{day} 16:00", outcome="no_answer")
    assert story.case.replies.get().delivered_at == at("2026-11-23 16:00")
    t.reopen(story.pk, by=cast.coordinator, reason="仍未解决", ground="not_solved", at=at("2026-11-24 10:00"))
    story.submit("2026-11-25 15:00").reply("2026-11-26 10:00")
    told(story, cast.intake, "reply", "2026-11-27 10:00", outcome="no_answer")
    assert story.case.replies.get(round=2).delivered_at is None
    assert state_of(story, "reply") == "running"
    story.call_back("2026-11-27 11:00")
    assert story.case.replies.get(round=2).delivered_at == at("2026-11-27 11:00")
    assert state_of(story, "reply") == "met"


def test_sla_06_a_case_is_not_closed_on_the_reply_before(cast):
    story = Story(cast, channel=Channel.PHONE).to_reply().deliver().call_back()
    t.reopen(story.pk, by=cast.coordinator, reason="仍未解决", ground="not_solved", at=at("2026-11-24 10:00"))
    story.submit("2026-11-25 15:00").reply("2026-11-26 10:00")
    with pytest.raises(IllegalTransition):
        story.close("2026-11-26 16:00")


def test_fb_01_calls_in_vain_do_not_close_a_case_whose_reply_nobody_was_told(client, cast):
    """Whoever cannot be reached by telephone is still owed the answer: by letter, or three attempts to tell it."""
    story = Story(cast, channel=Channel.LETTER).to_reply()
    for day in (19, 20, 23):
        t.call_back(story.pk, by=cast.intake, outcome="no_answer", at=at(f"2026-11-{day} 15:00"))
    with pytest.raises(IllegalTransition, match="答复还没有告诉投诉人"):
        story.close("2026-11-23 16:00", late_reason="other")
    t.add_contact(
        story.pk, by=cast.intake, direction="out", channel=Channel.LETTER, purpose="reply",
        summary="挂号信寄出", recording_reference="XA00000001CN", at=at("2026-11-23 16:30"),
    )  # fmt: skip
    story.close("2026-11-23 16:40", late_reason="other")
    assert story.case.status == "closed"
    client.force_login(cast.coordinator)
    page = client.get(f"/desk/cases/{story.case.number}/").content.decode()
    assert "XA00000001CN" in page
    assert "录音 XA00000001CN" not in page  # a letter has no recording


@pytest.mark.parametrize(("called", "state"), [(True, "met"), (False, "cancelled")])
def test_sla_07_a_case_reopened_without_a_call_has_not_kept_the_limit_of_the_call(cast, called, state):
    story = Story(cast).to_reply()
    if called:
        story.call_back("2026-11-20 10:00", satisfaction="dissatisfied")
    t.reopen(story.pk, by=cast.coordinator, reason="仍未解决", ground="not_solved", at=at("2026-11-20 15:00"))
    assert state_of(story, "call_back") == state


def test_at_08_the_form_names_the_field(cast, client):
    story = Story(cast).accept().assign().start()
    client.force_login(cast.water_handler)
    page = client.post(
        f"/desk/cases/{story.case.number}/contacts/",
        {
            "direction": "out",
            "channel": "phone",
            "purpose": "progress",
            "outcome": "reached",
            "summary": "已说明情况",
            "contacted_at": "2026-11-10T09:00",
        },
    )
    assert page.status_code == 422
    assert "2026-11-16 09:12" in page.content.decode()
