"""What waits for a decision reminds who decides, once each working day (SLA-13, ASG-06, COO-12, FB-10)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, Permission

from complaints import request_jobs
from complaints import transitions as t
from complaints.messages import plain_sentence
from complaints.models import Complaint, Notification, Proposal
from complaints.tests.factories import Story, at
from complaints.transitions import consultation, proposals

pytestmark = pytest.mark.django_db


@pytest.fixture
def started(cast) -> Story:
    story = Story(cast).accept().assign().start()
    Complaint.objects.filter(pk=story.pk).update(coordinator=cast.coordinator)
    return story


def run(when: str) -> int:
    return request_jobs.remind_requests(now=at(when))["told"]


def told(kind: str) -> list[str]:
    rows = Notification.objects.filter(kind=kind).order_by("pk")
    return list(rows.values_list("recipient__staff_number", flat=True))


def ask_pause(story: Story, cast) -> None:
    t.request_pause(story.pk, by=cast.water_handler, reason="appraisal", evidence="委托书", at=at("2026-11-16 14:00"))


def test_sla_13_the_coordinator_is_reminded_first_then_everybody_who_may_decide(started, cast):
    ask_pause(started, cast)
    assert run("2026-11-16 16:10") == 0, "asked today"
    assert run("2026-11-17 09:10") == 1
    assert run("2026-11-17 10:10") == 0, "once a day"
    assert told("clock_request_waits") == [cast.coordinator.staff_number]
    assert run("2026-11-18 09:10") >= 2
    assert {cast.coordinator.staff_number, cast.coordinator2.staff_number} <= set(told("clock_request_waits")[1:])
    words = plain_sentence(Notification.objects.filter(kind="clock_request_waits").first())
    assert started.case.number in words
    assert "11-16" in words


@pytest.mark.parametrize("moment", ["2026-11-17 08:00", "2026-11-17 19:10", "2026-11-21 10:10", "2031-11-18 10:10"])
def test_sla_13_reminders_wait_for_office_hours(started, cast, moment):
    """Before and after hours, on a Saturday, in a year without calendar."""
    ask_pause(started, cast)
    assert run(moment) == 0


def test_sla_13_what_is_decided_reminds_nobody(started, cast):
    ask_pause(started, cast)
    t.request_extension(started.pk, by=cast.water_handler, reason="待检测", at=at("2026-11-16 15:00"))
    assert run("2026-11-17 09:10") == 2
    t.approve_pause(started.pk, by=cast.coordinator, approve=False, at=at("2026-11-17 11:00"))
    t.approve_extension(started.pk, by=cast.coordinator, approve=True, note="同意", at=at("2026-11-17 11:00"))
    assert run("2026-11-18 09:10") == 0


def test_sla_13_nobody_is_reminded_of_what_nobody_can_decide_any_more(started, cast):
    """A case that is withdrawn, or waits for the complainant, takes no decision on clocks and returns."""
    t.request_extension(started.pk, by=cast.water_handler, reason="待检测", at=at("2026-11-16 15:00"))
    t.request_reset(started.pk, by=cast.water_handler, facts="又爆管", evidence="照片", at=at("2026-11-16 15:00"))
    t.request_return(started.pk, by=cast.water_handler, reason="不属本部门", at=at("2026-11-16 15:00"))
    t.request_information(started.pk, by=cast.coordinator, items="水表照片", at=at("2026-11-16 16:00"))
    assert run("2026-11-17 09:10") == 0
    t.receive_information(started.pk, by=cast.coordinator, answer="见照片", at=at("2026-11-17 10:00"))
    assert run("2026-11-17 10:10") >= 3, "they can be decided again"
    t.withdraw(started.pk, by=None, at=at("2026-11-17 11:00"))
    assert run("2026-11-18 09:10") == 0


def test_sla_13_who_asked_is_not_reminded_to_decide(started, cast):
    t.request_extension(started.pk, by=cast.coordinator, reason="待检测", at=at("2026-11-16 15:00"))
    assert run("2026-11-17 09:10") >= 1
    assert cast.coordinator.staff_number not in told("clock_request_waits")
    assert cast.coordinator2.staff_number in told("clock_request_waits")


def test_sla_13_a_new_start_of_the_clocks_is_reminded_of_too(started, cast):
    t.request_reset(started.pk, by=cast.water_handler, facts="又爆管", evidence="照片", at=at("2026-11-16 15:00"))
    assert run("2026-11-17 09:10") == 1


def test_asg_06_a_return_that_waits_is_reminded_of(started, cast):
    t.request_return(started.pk, by=cast.water_handler, reason="不属本部门", at=at("2026-11-16 15:00"))
    assert run("2026-11-17 09:10") == 1
    assert told("return_waits") == [cast.coordinator.staff_number]
    t.refuse_return(started.pk, by=cast.coordinator, note="属供水", at=at("2026-11-17 10:00"))
    assert run("2026-11-18 09:10") == 0


def test_coo_12_a_remedy_that_waits_reminds_who_may_approve_it(started, cast):
    row = t.add_remedy(
        started.pk, kind="compensation", description="赔偿", amount=Decimal(800), by=cast.water_handler,
        at=at("2026-11-16 15:00"),
    )  # fmt: skip
    assert run("2026-11-17 09:10") == 1
    (message,) = Notification.objects.filter(kind="remedy_waits")
    assert (message.recipient, message.url) == (
        cast.water_head,
        f"/desk/cases/{started.case.number}/remedies/{row.pk}/",
    )
    t.refuse_remedy(row.pk, by=cast.water_head, reason="无依据", at=at("2026-11-17 10:00"))
    assert run("2026-11-18 09:10") == 0


def test_jt_01_a_run_that_dies_half_way_is_made_up_for_without_telling_twice(started, cast, monkeypatch):
    ask_pause(started, cast)
    t.request_extension(started.pk, by=cast.water_handler, reason="待检测", at=at("2026-11-16 15:00"))
    remind, calls = request_jobs._remind, []

    def dies(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise SystemExit
        return remind(*args, **kwargs)

    monkeypatch.setattr(request_jobs, "_remind", dies)
    with pytest.raises(SystemExit):
        run("2026-11-17 09:10")
    assert len(told("clock_request_waits")) == 1
    monkeypatch.setattr(request_jobs, "_remind", remind)
    assert run("2026-11-17 10:10") == 1
    assert len(told("clock_request_waits")) == 2


def test_fb_10_a_proposal_without_an_answer_reminds_the_department_once_a_week(started, cast):
    when = at("2026-11-16 15:00")
    row = proposals.record_proposal(started.pk, by=cast.intake, about="process", text="停水前发短信", at=when)
    assert run("2026-11-20 09:10") == 0
    assert run("2026-11-23 09:10") >= 1
    assert cast.coordinator.staff_number in told("proposals_to_judge")
    assert run("2026-11-24 09:10") == 0
    proposals.judge_proposal(row.pk, by=cast.coordinator, is_valuable=True, department=cast.water, at=when)
    assert run("2026-11-25 09:10") == 1
    assert told("proposal_waits") == [cast.water_head.staff_number]
    assert run("2026-12-01 09:10") == 1
    Proposal.objects.update(answered_at=at("2026-12-01 10:00"))
    assert run("2026-12-08 09:10") == 0


def test_scr_08_a_second_look_that_waits_is_reminded_of_and_never_who_proposed_it(started, cast):
    t.propose_unreasonable(started.pk, reason="要求改变自来水管网走向", by=cast.coordinator, at=at("2026-11-16 14:00"))
    assert run("2026-11-16 16:10") == 0, "asked today"
    assert run("2026-11-17 09:10") >= 1
    assert run("2026-11-17 10:10") == 0, "once a day"
    assert cast.coordinator.staff_number not in told("second_look_waits")
    assert started.case.number in plain_sentence(Notification.objects.filter(kind="second_look_waits").first())
    t.decide_unreasonable(started.pk, agree=False, reason="可以部分办理", by=cast.intake, at=at("2026-11-17 11:00"))
    assert run("2026-11-18 09:10") == 0


def test_arc_04_a_request_to_read_an_archived_file_is_reminded_of_at_its_page(cast):
    story = Story(cast).to_closed()
    t.archive(story.pk, by=cast.coordinator, at=at("2026-11-20 16:30"))
    row = consultation.request_consultation(
        story.pk, reader="供水公司法务", purpose="应诉", by=cast.coordinator, at=at("2026-11-20 17:00")
    )
    assert run("2026-11-20 17:10") == 0, "asked today"
    assert run("2026-11-23 09:10") >= 1
    rows = Notification.objects.filter(kind="consultation_waits")
    assert cast.coordinator.staff_number not in told("consultation_waits")
    assert set(rows.values_list("url", flat=True)) == {f"/desk/cases/{story.case.number}/file/"}
    decider = rows.first().recipient
    consultation.decide_consultation(row.pk, approve=False, note="已有判决", by=decider, at=at("2026-11-23 10:00"))
    assert run("2026-11-24 09:10") == 0


def test_arc_04_who_does_not_see_the_case_is_not_told_that_its_file_is_asked_for(cast):
    story = Story(cast).to_closed()
    t.archive(story.pk, by=cast.coordinator, at=at("2026-11-20 16:30"))
    consultation.request_consultation(
        story.pk, reader="法务", purpose="应诉", by=cast.coordinator, at=at("2026-11-20 17:00")
    )
    # Of another department; may lend the files that he sees.
    lenders = Group.objects.create(name="借阅")
    lenders.permissions.add(Permission.objects.get(codename="approve_consultation"))
    cast.roads_handler.groups.add(lenders)
    assert run("2026-11-24 09:10") >= 1
    assert cast.roads_handler.staff_number not in told("consultation_waits")
    assert cast.coordinator2.staff_number in told("consultation_waits")
