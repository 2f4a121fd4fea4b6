"""The cases RI-01 to RI-15 of the threat model, each as somebody would try it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import Membership
from accounts.tests.factories import token, user
from complaints import events
from complaints import transitions as case_transitions
from complaints.models import CaseEvent, Complainant, Complaint, Notification, Substitution
from complaints.tests.factories import Story, at, category
from complaints.tests.test_races import together
from review import draws, independence, sampling, selectors, transitions
from review.models import FrameEntry, Opinion, ReviewCase, ReviewerAssignment, SampleDraw
from review.states import ReviewStatus
from review.tests.test_review_flow import OPENED, Steps

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]
COMMITTED, DRAWN = at("2026-11-20 09:00"), at("2026-12-01 09:00")
NONCE = "5f" * 32


def applied(story, when: str = OPENED) -> ReviewCase:
    return transitions.apply(story.pk, reasons=["facts"], text="不对", channel="web", at=at(when))


def as_reviewer(person):
    """The person with the role of a reviewer as well, read anew."""
    person.groups.add(Group.objects.get(name="reviewer"))
    return type(person).objects.get(pk=person.pk)


def reasons(review, person) -> set[str]:
    return set(review.conflicts.filter(user=person).values_list("reason", flat=True))


def url(review, action: str = "") -> str:
    return f"/desk/reviews/{review.number}/" + (f"actions/{action}/" if action else "")


def get(client, person, path: str):
    client.force_login(person)
    return client.get(path)


def drawn(nonce: str = NONCE, *, percent: int = 12, by=None) -> SampleDraw:
    """November committed with a nonce the test knows, and drawn."""
    draws.commit("2026-11", by=by, percent=percent, at=COMMITTED)
    row = SampleDraw.objects.get(period="2026-11")
    row.nonce, row.commitment = nonce, sampling.commitment(nonce)
    row.save()
    return draws.draw("2026-11", by=by, at=DRAWN)


def picked(row: SampleDraw) -> list[str]:
    return list(row.frame.exclude(order=None).order_by("order").values_list("number", flat=True))


# --- Who may judge --------------------------------------------------------------------------------------
def test_ri_01_nobody_judges_a_case_they_had_a_part_in(client, cast):
    """REV-05: handled, drafted, checked, noted, sued over, was named or complains: no page, no list, no assignment."""
    story = Story(cast).accept().assign().start()
    case_transitions.add_note(story.pk, by=cast.intake2, text="上次也是这样", at=at("2026-11-17 09:00"))
    case_transitions.hand_over(
        story.pk, by=cast.water_handler, handler=cast.water_handler2, reason="换班", at=at("2026-11-17 10:00")
    )
    case_transitions.submit_for_check(
        story.pk, by=cast.water_handler2, process="查了日志", result="已修复，下月更换", at=at("2026-11-18 15:00")
    )
    story.reply().call_back().close()
    with transaction.atomic():
        # What only the office may read is a part in the case as well.
        locked = case_transitions.lock(story.pk)
        case_transitions.add_event(locked, "lawsuit", by=cast.counsel, at=at("2026-11-21 09:00"), audience="office")
    story.case.accused_staff.add(cast.publisher)
    Complainant.objects.filter(pk=story.case.complainant_id).update(staff_user=cast.publisher2)
    review = applied(story)
    parts = {
        cast.intake: "took_part",
        cast.coordinator: "took_part",
        cast.water_handler: "took_part",
        cast.water_handler2: "took_part",
        cast.checker: "took_part",
        cast.intake2: "took_part",
        cast.counsel: "took_part",
        cast.publisher: "accused",
        cast.publisher2: "complainant",
    }
    Steps(review, cast).set_up()
    for person, reason in parts.items():
        reviewer = as_reviewer(person)
        assert get(client, reviewer, url(review)).status_code == 404, person
        assert review.number not in client.get("/desk/reviews/?view=screening").content.decode()
        assert get(client, cast.head_of_review, url(review)).status_code == 200
        assert reason in reasons(review, reviewer), person
        with pytest.raises(InvalidInput):
            transitions.assign_reviewers(
                review.pk, by=cast.head_of_review, author=cast.reviewer, members=[reviewer], at=at(OPENED)
            )


def test_ri_02_a_department_that_had_the_case_for_ten_minutes_is_out(client, cast):
    """Not last, not long, and nobody of it did anything: it had the case."""
    colleague = user("F010", "reviewer", departments=[cast.roads], display_name="罗借")
    other = user("F011", "reviewer", departments=[cast.press], display_name="马编")
    story = Story(cast).accept().assign(department=cast.roads)
    case_transitions.reassign(
        story.pk, by=cast.coordinator, department=cast.water, reason="查明为爆管", at=at("2026-11-16 10:40")
    )
    review = applied(story.start().submit().reply().call_back().close())
    assert get(client, colleague, url(review)).status_code == 404
    assert get(client, other, url(review)).status_code == 200


def test_ri_03_moving_somebody_out_the_day_before_the_draw_does_not_help(client, cast):
    """The membership at handling time counts, and so does one that begins after the draw."""
    mover = user("F009", "reviewer", departments=[cast.water], display_name="唐移")
    joiner = user("F012", "reviewer", departments=[cast.review_group], display_name="孙入")
    Story(cast).to_closed()
    Membership.objects.filter(user=mover).update(until=at("2026-11-30 18:00"))
    Membership.objects.create(user=mover, department=cast.review_group, since=at("2026-11-30 18:00"))
    review = ReviewCase.objects.get(pk=drawn().frame.exclude(order=None).get().review_id)
    assert reasons(review, mover) == {"department_then"}
    assert get(client, mover, url(review)).status_code == 404
    assert get(client, joiner, url(review)).status_code == 200
    # Moved into the department afterwards: out at once, also of the list, before anybody has opened the review.
    Membership.objects.create(user=joiner, department=cast.water, since=at("2026-12-02 09:00"))
    assert review.number not in get(client, joiner, "/desk/reviews/").content.decode()
    assert client.get(url(review)).status_code == 404


def test_ri_03_who_becomes_a_reviewer_later_learns_of_no_review_of_the_own_department(client, cast):
    """No conflict is stored for somebody who was no reviewer when the review was opened last."""
    review = applied(Story(cast).to_closed())
    late = as_reviewer(cast.water_head)
    assert not reasons(review, late)
    assert review.number not in get(client, late, "/desk/reviews/").content.decode()
    rows = client.get("/api/v1/reviews/", headers={"Authorization": f"Bearer {token(late)}"})
    assert review.number not in rows.content.decode()


@pytest.mark.parametrize("how", ["declared", "transfer", "merge"])
def test_ri_04_a_conflict_after_the_opinion_voids_it(client, cast, how):
    """The member loses the file, the opinion is not counted, the report goes back and another member takes part."""
    second = user("F020", "reviewer", departments=[cast.review_group, cast.roads], display_name="任审")
    third = user("F021", "reviewer", departments=[cast.review_group], display_name="柏审")
    review = applied(Story(cast).to_closed())
    steps = Steps(review, cast).set_up()
    transitions.assign_reviewers(
        review.pk, by=cast.head_of_review, author=cast.reviewer, members=[second], at=at("2026-11-23 10:10")
    )
    steps.verify().report("uphold")
    transitions.give_opinion(review.pk, by=cast.reviewer, verdict="uphold", text="充分", at=at("2026-11-25 10:00"))
    transitions.give_opinion(review.pk, by=second, verdict="uphold", text="同意", at=at("2026-11-25 10:10"))
    assert get(client, second, url(review)).status_code == 200
    noon = at("2026-11-25 12:00")
    if how == "declared":
        transitions.declare_conflict(review.complaint_id, by=second, reason="亲属", at=noon)
    else:
        case_transitions.reopen(review.complaint_id, by=cast.coordinator, reason="又停水", at=noon)
    if how == "transfer":
        case_transitions.reassign(
            review.complaint_id, by=cast.coordinator, department=cast.roads, reason="道路开挖", at=noon
        )
    if how == "merge":
        other = Story(cast, "2026-11-24 09:00", phone="13700000001")
        other.accept("2026-11-24 10:00").assign("2026-11-24 10:10", department=cast.roads)
        primary = Complaint.objects.get(pk=review.complaint_id)
        case_transitions.merge(other.pk, primary=primary, reason="同一次停水", by=cast.coordinator, at=noon)
    assert get(client, second, url(review)).status_code == 404
    with pytest.raises(NotAllowed):
        transitions.finalise(review.pk, by=second, at=at("2026-11-25 14:00"))
    with pytest.raises(IllegalTransition):
        transitions.finalise(review.pk, by=cast.head_of_review, at=at("2026-11-25 14:00"))
    page = get(client, cast.head_of_review, url(review))
    assert (page.context["given"], page.context["expected"]) == (1, 1)
    assert ReviewerAssignment.objects.get(review=review, reviewer=second).is_void
    transitions.return_report(review.pk, by=cast.head_of_review, reason="成员回避", at=at("2026-11-25 15:00"))
    with pytest.raises(InvalidInput):
        transitions.assign_reviewers(
            review.pk, by=cast.head_of_review, author=cast.reviewer, members=[second], at=at("2026-11-25 15:10")
        )
    transitions.assign_reviewers(
        review.pk, by=cast.head_of_review, author=cast.reviewer, members=[third], at=at("2026-11-25 15:10")
    )
    steps.report("uphold")
    with pytest.raises(IllegalTransition):
        transitions.finalise(review.pk, by=third, at=at("2026-11-25 16:00"))
    # The file is what it was, so the author's opinion on it stands; the other one stays on record, uncounted.
    transitions.give_opinion(review.pk, by=third, verdict="uphold", text="同意", at=at("2026-11-25 16:10"))
    transitions.finalise(review.pk, by=third, at=at("2026-11-25 17:00"))
    assert review.opinions.count() == 3
    assert {row.reviewer for row in Steps(review, cast).review.assignments.filter(is_void=False)} == {
        cast.reviewer,
        third,
    }


def test_ri_04_an_outvoted_author_does_not_win_by_the_vote_of_somebody_in_conflict(cast):
    """Three judge; one who is of the author's opinion drops out: what is left is a tie, not a majority for."""
    members = [
        user(f"F03{n}", "reviewer", departments=[cast.review_group], display_name=name)
        for n, name in enumerate(("甲审", "乙审", "丙审"))
    ]
    review = applied(Story(cast).to_closed())
    steps = Steps(review, cast).set_up()
    transitions.assign_reviewers(
        review.pk, by=cast.head_of_review, author=cast.reviewer, members=members, at=at("2026-11-23 10:10")
    )
    steps.verify().report("uphold")
    for person, verdict in zip((cast.reviewer, *members), ("uphold", "uphold", "amend", "amend"), strict=True):
        transitions.give_opinion(review.pk, by=person, verdict=verdict, text="理由", at=at("2026-11-25 10:00"))
    transitions.declare_conflict(review.complaint_id, by=members[0], reason="亲属", at=at("2026-11-25 11:00"))
    with pytest.raises(IllegalTransition):
        transitions.finalise(review.pk, by=members[1], at=at("2026-11-25 12:00"))


def test_ri_04_a_report_whose_author_is_in_conflict_is_not_signed(cast):
    third = user("F021", "reviewer", departments=[cast.review_group], display_name="柏审")
    review = applied(Story(cast).to_closed())
    steps = Steps(review, cast).set_up()
    transitions.assign_reviewers(
        review.pk,
        by=cast.head_of_review,
        author=cast.reviewer,
        members=[cast.reviewer2, third],
        at=at("2026-11-23 10:10"),
    )
    steps.verify().report().opinions()
    transitions.give_opinion(review.pk, by=third, verdict="amend", text="同意", at=at("2026-11-25 11:30"))
    transitions.declare_conflict(review.complaint_id, by=cast.reviewer, reason="亲属", at=at("2026-11-25 12:00"))
    with pytest.raises(IllegalTransition):
        transitions.finalise(review.pk, by=third, at=at("2026-11-25 14:00"))
    transitions.return_report(review.pk, by=third, reason="撰写人回避", at=at("2026-11-25 15:00"))
    assert steps.review.status == ReviewStatus.VERIFICATION


def test_rev_05_who_stood_in_for_a_handler_or_supervises_the_case_is_out(client, cast):
    """A substitute got the handler's pressing messages, and whoever coordinates supervised: neither judges (RI-01)."""
    story = Story(cast).to_closed()
    away = {"user": cast.water_handler, "by": cast.water_head, "at": at("2026-11-15 09:00")}
    Substitution.objects.create(
        substitute=cast.reviewer, since=at("2026-11-17 09:00"), until=at("2026-11-18 09:00"), **away
    )
    # Ended before it began, and after the case was closed: both never stood in for anybody on this case.
    Substitution.objects.create(
        substitute=cast.reviewer2,
        since=at("2026-11-19 09:00"),
        until=at("2026-11-20 09:00"),
        ended_at=at("2026-11-18 09:00"),
        **away,
    )
    Substitution.objects.create(
        substitute=cast.reviewer2, since=at("2026-11-21 09:00"), until=at("2026-11-30 09:00"), **away
    )
    review = applied(story)
    assert reasons(review, cast.reviewer) == {"stood_in"}
    assert not reasons(review, cast.reviewer2)
    assert get(client, cast.reviewer, url(review)).status_code == 404
    people = {person.user: person.reasons for person in get(client, cast.head_of_review, url(review)).context["people"]}
    assert people[cast.reviewer] == [selectors.reason_text("stood_in")]

    other = Story(cast, phone="13900000009").to_closed()
    Complaint.objects.filter(pk=other.pk).update(coordinator=cast.reviewer2)
    assert reasons(applied(other), cast.reviewer2) == {"took_part"}


def test_ri_04_a_substitute_of_a_substitute_is_out_too(cast):
    story = Story(cast).to_closed()
    span = {"since": at("2026-11-17 09:00"), "until": at("2026-11-18 09:00"), "by": cast.water_head}
    Substitution.objects.create(user=cast.water_handler, substitute=cast.reviewer2, **span)
    Substitution.objects.create(user=cast.reviewer2, substitute=cast.reviewer, **span)
    found = independence.stood_in(story.case, independence.acted(story.case), at=at("2026-12-01 09:00"))
    assert found == {cast.reviewer.pk, cast.reviewer2.pk}


@pytest.mark.parametrize("action", ["set_up", "refuse"])
def test_ri_04_a_member_in_conflict_does_not_screen_the_review(cast, action):
    """Screening is open to every free member, so nothing but the conflict keeps somebody from it."""
    review = applied(Story(cast).to_closed())
    transitions.declare_conflict(review.complaint_id, by=cast.reviewer, reason="亲属", at=at(OPENED))
    answers = {"within_responsibility": action == "set_up", "measures_exhausted": False, "demand_reasonable": True}
    step, values = transitions.ACTIONS[action], {**answers, "reason": "理由", "at": at("2026-11-23 10:00")}
    with pytest.raises(NotAllowed):
        step(review.pk, by=cast.reviewer, **values)
    review.refresh_from_db()
    assert review.status == ReviewStatus.REQUESTED
    assert step(review.pk, by=cast.reviewer2, **values).screened_by == cast.reviewer2


def test_ri_05_the_deputy_leads_and_the_head_sees_nothing(client, cast):
    """S8: the longest-serving free member takes the head's place in everything, also in signing a major case."""
    type(cast.reviewer2).objects.filter(pk=cast.reviewer2.pk).update(frontline_since=at("2019-01-01 00:00").date())
    third = user("F021", "reviewer", departments=[cast.review_group], display_name="柏审")
    story = Story(cast).to_closed()
    review = applied(story)
    transitions.declare_conflict(story.pk, by=cast.head_of_review, reason="亲属", at=at("2026-11-23 09:30"))
    assert independence.acting_head(review) == cast.reviewer2
    assert get(client, cast.head_of_review, url(review)).status_code == 404
    assert review.number not in client.get("/desk/reviews/").content.decode()
    assert client.post(url(review, "set_up"), {"version": 1}).status_code == 404
    ReviewCase.objects.filter(pk=review.pk).update(is_major=True)
    answers = {"within_responsibility": True, "measures_exhausted": False, "demand_reasonable": True, "reason": "要查"}
    transitions.set_up(review.pk, by=cast.reviewer2, at=at("2026-11-23 10:00"), **answers)
    # Nobody is assigned yet: the deputy goes on with it on the pages, the other members do not see it any more.
    assert get(client, cast.reviewer2, url(review, "assign_reviewers")).status_code == 200
    assert review.number in client.get("/desk/reviews/").content.decode()
    assert get(client, third, url(review)).status_code == 404
    names = {"author": cast.reviewer, "members": [third], "at": at("2026-11-23 10:10")}
    with pytest.raises(NotAllowed):
        transitions.assign_reviewers(review.pk, by=cast.head_of_review, **names)
    with pytest.raises(NotAllowed):
        transitions.assign_reviewers(review.pk, by=cast.reviewer, **names)
    transitions.assign_reviewers(review.pk, by=cast.reviewer2, **names)
    Steps(review, cast).verify().report("uphold")
    for person in (cast.reviewer, third):
        transitions.give_opinion(review.pk, by=person, verdict="uphold", text="充分", at=at("2026-11-25 10:00"))
    for person in (cast.head_of_review, third):
        with pytest.raises(NotAllowed):
            transitions.finalise(review.pk, by=person, at=at("2026-11-25 14:00"))
    assert get(client, cast.reviewer2, url(review, "finalise")).status_code == 200
    transitions.finalise(review.pk, by=cast.reviewer2, at=at("2026-11-25 14:00"))
    assert get(client, cast.reviewer2, url(review)).status_code == 200
    assert get(client, cast.head_of_review, url(review)).status_code == 404


def test_ri_06_without_enough_free_members_nobody_in_conflict_fills_in(client, cast):
    """The daily job names the review until somebody is free; the draw itself is made."""
    story = Story(cast).to_closed()
    for person in (cast.reviewer, cast.head_of_review):
        transitions.declare_conflict(story.pk, by=person, reason="亲属", at=at("2026-11-21 09:00"))
    draws.keep_up(now=COMMITTED)
    result = draws.keep_up(now=DRAWN)
    review = ReviewCase.objects.get()
    assert result == {"drawn": ["2026-11"], "short_of_members": [review.number]}
    assert independence.acting_head(review) == cast.reviewer2
    answers = {"within_responsibility": True, "measures_exhausted": False, "demand_reasonable": True, "reason": "要查"}
    transitions.set_up(review.pk, by=cast.reviewer2, at=DRAWN, **answers)
    for members in ([], [cast.reviewer2], [cast.reviewer], [cast.head_of_review]):
        with pytest.raises(InvalidInput):
            transitions.assign_reviewers(review.pk, by=cast.reviewer2, author=cast.reviewer2, members=members, at=DRAWN)
    assert not ReviewerAssignment.objects.exists()
    transitions.declare_conflict(story.pk, by=cast.reviewer2, reason="亲属", at=at("2026-12-02 08:00"))
    assert independence.acting_head(review) is None
    for person in (cast.reviewer, cast.reviewer2, cast.head_of_review):
        assert get(client, person, url(review)).status_code == 404
    assert draws.keep_up(now=at("2026-12-02 09:00"))["short_of_members"] == [review.number]
    for n in range(2):
        user(f"F03{n}", "reviewer", departments=[cast.review_group], display_name=f"新{n}")
    assert "short_of_members" not in draws.keep_up(now=at("2026-12-03 09:00"))


# --- What is drawn --------------------------------------------------------------------------------------
@pytest.fixture
def november(cast) -> list[Story]:
    """Twelve closed cases with numbers that are always the same."""
    return [Story(cast, phone=f"1380000{n:04d}").to_closed() for n in range(12)]


# What the documented rule gives for these twelve cases; the same on every database and machine.
KNOWN_PICKS = ["HY-20261116-0011", "HY-20261116-0009"]


def test_ri_07_the_same_month_gives_the_same_cases_on_both_databases(november):
    assert picked(drawn()) == KNOWN_PICKS


def test_ri_07_the_same_month_gives_the_same_cases_after_a_restart(november, tmp_path):
    """Another process, with its own hash seed, repeats the draw from the stored rows."""
    row = drawn()
    path = tmp_path / "draw.json"
    path.write_text(json.dumps(draws.document(row)), encoding="utf-8")
    code = (
        "import json, sys; from review import sampling as s; d = json.load(open(sys.argv[1]));"
        "e = {s.FrameEntry(n, t, d['weights'][t]) for n, t in d['frame']};"
        "seed = s.seed(s.frame_hash(e), d['period'], d['nonce']);"
        "print(json.dumps([p.number for p in s.draw(e, percent=d['percent'], seed=seed)]))"
    )
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code, path],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(done.stdout) == picked(row)


def test_ri_07_a_month_cannot_be_drawn_again_until_it_looks_good(client, cast, november):
    """By the button, by the job, by another commitment or past the rules: the month keeps its one draw."""
    first = picked(drawn(by=cast.head_of_review))
    client.force_login(cast.head_of_review)
    client.post("/desk/sampling/2026-11/draw/")
    draws.keep_up(now=at("2026-12-05 09:00"))
    draws.commit("2026-11", by=cast.head_of_review, percent=15, at=at("2026-11-21 09:00"))
    row = SampleDraw.objects.get(period="2026-11")
    assert (picked(draws.draw("2026-11", by=cast.head_of_review, at=DRAWN)), row.percent) == (first, 12)
    assert ReviewCase.objects.count() == len(first)
    with pytest.raises(IntegrityError), transaction.atomic():
        SampleDraw.objects.create(
            period="2026-11", commitment=row.commitment, nonce=NONCE, committed_at=COMMITTED, weights=row.weights
        )


@pytest.mark.django_db(transaction=True)
def test_ri_07_two_workers_at_once_draw_once(cast, november):
    draws.commit("2026-11", by=None, at=COMMITTED)
    results = together(
        lambda: draws.keep_up(now=DRAWN),
        lambda: draws.keep_up(now=DRAWN),
        lambda: draws.draw("2026-11", by=cast.head_of_review, at=DRAWN),
    )
    assert results == ["ok"] * 3
    row = SampleDraw.objects.get(period="2026-11")
    assert (row.frame.count(), len(picked(row)), ReviewCase.objects.count()) == (12, row.size, row.size)
    assert SampleDraw.objects.filter(period="2026-12").count() == 1
    assert sampling.verify(draws.document(row)).ok
    opened = CaseEvent.objects.filter(kind="review_opened").values_list("complaint", flat=True)
    assert len(opened) == len(set(opened)) == row.size


def test_ri_08_no_case_is_talked_out_of_the_frame(cast):
    """Closed in the month is closed in the month: what is done to a case before the draw does not take it out."""
    stories = [Story(cast, phone=f"1380000{n:04d}") for n in range(8)]
    reopened, renamed, merged, primary, withdrawn, in_time, too_late, unaccepted = stories
    for story in (reopened, renamed):
        story.to_closed()
    case_transitions.reopen(reopened.pk, by=cast.coordinator, reason="未解决", at=at("2026-11-30 22:00"))
    case_transitions.reopen(renamed.pk, by=cast.coordinator, reason="未解决", at=at("2026-11-30 22:00"))
    other = category("water-quality")
    case_transitions.classify(renamed.pk, by=cast.coordinator, category=other, at=at("2026-11-30 22:30"))
    merged.accept()
    primary.accept()
    case_transitions.merge(
        merged.pk, primary=primary.case, reason="同一次停水", by=cast.coordinator, at=at("2026-11-30 23:00")
    )
    withdrawn.accept()
    case_transitions.withdraw(withdrawn.pk, by=cast.coordinator, reason="来电撤回", at=at("2026-11-30 23:30"))
    in_time.to_reply().call_back().close("2026-11-30 23:59", late_reason="other")
    too_late.to_reply().call_back().close("2026-12-01 00:00", late_reason="other")
    case_transitions.withdraw(unaccepted.pk, by=cast.coordinator, reason="来电撤回", at=at("2026-11-30 23:30"))
    row = drawn()
    frame = set(row.frame.values_list("number", flat=True))
    assert frame == {story.case.number for story in (reopened, renamed, merged, withdrawn, in_time)}
    assert (row.frame_size, row.excluded) == (5, 0)
    draws.commit("2026-12", by=None, at=at("2026-12-02 09:00"))
    december = draws.draw("2026-12", by=None, at=at("2027-01-01 09:00"))
    assert list(december.frame.values_list("number", flat=True)) == [too_late.case.number]


def test_ri_09_nobody_can_work_out_the_sample_in_advance(client, cast, november):
    """The nonce is on no page, in no document and readable in no table before the draw; the frame is missing too."""
    draws.commit("2026-11", by=cast.head_of_review, at=COMMITTED)
    nonce = SampleDraw.objects.get().nonce
    for person in (cast.head_of_review, cast.manager, cast.auditor):
        for path in ("/desk/sampling/", "/desk/sampling/2026-11/"):
            page = get(client, person, path)
            assert nonce not in page.content.decode()
        assert client.get("/desk/sampling/2026-11/document/").status_code in (403, 404)
    assert get(client, cast.water_head, "/desk/sampling/").status_code == 403
    with pytest.raises(IllegalTransition):
        draws.document(SampleDraw.objects.get())
    with pytest.raises(IllegalTransition):
        draws.draw("2026-11", by=cast.head_of_review, at=at("2026-11-30 23:59"))
    assert not FrameEntry.objects.exists()
    entries = [sampling.FrameEntry(story.case.number, "other", "1") for story in november]
    before = sampling.frame_hash(entries[:-1])
    assert sampling.seed(before, "2026-11", nonce) != sampling.seed(sampling.frame_hash(entries), "2026-11", nonce)


def test_ri_13_months_of_no_one_and_a_few_cases(cast):
    """Never none of some, never more than there are, and a month without cases is drawn, too."""
    draws.commit("2026-10", by=None, at=at("2026-10-20 09:00"))
    empty = draws.draw("2026-10", by=None, at=at("2026-11-01 09:00"))
    assert (empty.state, empty.frame_size, empty.size) == ("drawn", 0, 0)
    assert sampling.verify(draws.document(empty)).ok
    Story(cast).to_closed()
    row = drawn(percent=10)
    assert (row.frame_size, row.size, len(picked(row))) == (1, 1, 1)
    assert sampling.verify(draws.document(row)).ok


def test_ri_15_adding_a_case_to_move_the_draw_is_a_blind_shot(client, cast, november):
    """Without the nonce one frame says as little as the other, and nobody commits a nonce when the frame is known."""
    numbers = [story.case.number for story in november]
    frames = [[sampling.FrameEntry(number, "other", "1") for number in numbers[:length]] for length in (11, 12)]
    seeds = {
        sampling.seed(sampling.frame_hash(frame), "2026-11", nonce)
        for frame in frames
        for nonce in (NONCE, sampling.new_nonce(), sampling.new_nonce())
    }
    assert len(seeds) == 6
    client.force_login(cast.head_of_review)
    for late in ("2026-12-01 00:00", "2026-12-24 09:00"):
        with pytest.raises(InvalidInput) as refused:
            draws.commit("2026-11", by=cast.head_of_review, at=at(late))
        assert refused.value.field == "period"
        draws.keep_up(now=at(late))
    assert not SampleDraw.objects.filter(period="2026-11").exists()
    client.post("/desk/sampling/2026-11/draw/")
    assert not FrameEntry.objects.exists()
    draws.commit("2026-11", by=cast.head_of_review, at=at("2026-11-30 23:59"))
    row = draws.draw("2026-11", by=None, at=DRAWN)
    # Whoever swaps the nonce or a row of the stored frame afterwards is found out.
    for change in ({"nonce": NONCE}, {"frame": [[n, "other"] for n in numbers[:-1]]}):
        assert not sampling.verify(draws.document(row) | change).ok


# --- What is seen, and when -----------------------------------------------------------------------------
def test_ri_10_nobody_reads_an_opinion_before_all_are_in(client, cast):
    """Neither the other member nor the head nor the auditor, on the page or over the interface."""
    steps = Steps(applied(Story(cast).to_closed()), cast)
    steps.set_up().assign().verify().report()
    words = "这一条只有我知道"
    transitions.give_opinion(steps.pk, by=cast.reviewer, verdict="amend", text=words, at=at("2026-11-25 10:00"))

    def readers() -> list[str]:
        found = []
        for name in ("reviewer", "reviewer2", "head_of_review", "manager", "auditor", "water_head", "intake"):
            person = getattr(cast, name)
            bearer = {"Authorization": f"Bearer {token(person)}"}
            number, case = steps.review.number, steps.review.complaint.number
            pages = [get(client, person, path) for path in (url(steps.review), f"/desk/cases/{case}/")]
            pages += [client.get(f"/desk/cases/{case}/timeline/")]
            client.logout()
            pages += [client.get(f"/api/v1/reviews/{number}/", headers=bearer)]
            if any(words in page.content.decode() for page in pages):
                found.append(name)
        return found

    assert readers() == []
    transitions.give_opinion(steps.pk, by=cast.reviewer2, verdict="amend", text="同意", at=at("2026-11-25 11:00"))
    assert set(readers()) >= {"reviewer", "reviewer2", "head_of_review"}
    assert not {"water_head", "intake"} & set(readers())


def test_ri_11_an_opinion_is_never_edited_only_followed_by_a_new_one(cast):
    """Returned and opined again, both opinions stand, each with the file it was given on."""
    steps = Steps(applied(Story(cast).to_closed()), cast)
    steps.set_up().assign().verify().report().opinions("uphold", "uphold")
    for change in ({"verdict": "amend"}, {"text": "改"}, {"dossier_hash": "0" * 64}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Opinion.objects.update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        Opinion.objects.all().delete()
    transitions.return_report(steps.pk, by=cast.reviewer2, reason="结论与材料不符", at=at("2026-11-25 15:00"))
    transitions.record_finding(
        steps.pk,
        by=cast.reviewer,
        subject="调度记录",
        found="已补查",
        comparison="different",
        at=at("2026-11-25 15:30"),
    )
    steps.report("amend").opinions("amend", "amend")
    rows = list(Opinion.objects.order_by("pk").values_list("verdict", flat=True))
    assert rows == ["uphold", "uphold", "amend", "amend"]
    assert Opinion.objects.values("dossier_hash").distinct().count() == 2


def test_ri_12_the_department_cannot_tell_that_its_case_was_drawn(client, cast):
    """Two worlds, before and during the review: every page and answer of the department's people is the same."""
    story = Story(cast).to_closed()
    case = story.case.number
    paths = [
        "/desk/",
        "/desk/queue/",
        "/desk/queue/?view=closed",
        "/desk/notifications/",
        "/desk/load/",
        "/desk/reviews/",
        "/desk/sampling/",
        f"/desk/cases/{case}/",
        f"/desk/cases/{case}/timeline/",
        f"/desk/cases/{case}/clocks/",
        f"/desk/cases/{case}/file/",
        f"/desk/cases/{case}/ledger/",
        f"/desk/cases/{case}/print/",
        f"/desk/cases/{case}/actions/reopen/",
        "/api/v1/complaints/",
        f"/api/v1/complaints/{case}/",
        "/api/v1/reviews/",
    ]
    noise = re.compile(
        r'csrfmiddlewaretoken" value="[^"]+|X-CSRFToken[^,}]+|E-\d{8}-\d{6}-[0-9A-F]{4}|(?<!\d)\d\d:\d\d(:\d\d)?(?!\d)'
    )

    def world(person) -> dict[str, tuple[int, str]]:
        client.force_login(person)
        answers = {path: client.get(path) for path in paths}
        return {path: (answer.status_code, noise.sub("", answer.content.decode())) for path, answer in answers.items()}

    people = [cast.water_handler, cast.water_handler2, cast.water_head]
    before = [world(person) for person in people]
    told = Notification.objects.filter(recipient__in=people).count()
    assert before[0][f"/desk/cases/{case}/"][0] == 200
    row = drawn()
    assert picked(row) == [case]
    steps = Steps(ReviewCase.objects.get(), cast)
    steps.set_up().assign().verify().report("uphold").opinions("uphold", "uphold")
    during = [world(person) for person in people]
    for earlier, later in zip(before, during, strict=True):
        for path in paths:
            assert later[path] == earlier[path], path
    assert Notification.objects.filter(recipient__in=people).count() == told
    steps.finalise()
    assert "复查" in world(cast.water_handler)[f"/desk/cases/{case}/"][1]


# --- Counting votes --------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_ri_14_five_opinions_and_the_signature_at_the_same_moment(cast):
    """The votes are exact, the conclusion is signed once, and never before the last vote is in."""
    members = [user(f"F04{n}", "reviewer", departments=[cast.review_group], display_name=f"审{n}") for n in range(4)]
    review = applied(Story(cast).to_closed())
    steps = Steps(review, cast).set_up()
    transitions.assign_reviewers(
        review.pk, by=cast.head_of_review, author=cast.reviewer, members=members, at=at("2026-11-23 10:10")
    )
    steps.verify().report("uphold")

    def opine(person):
        return lambda: transitions.give_opinion(
            review.pk, by=person, verdict="uphold", text="充分", at=at("2026-11-25 10:00")
        )

    def sign():
        transitions.finalise(review.pk, by=cast.head_of_review, at=at("2026-11-25 10:00"))

    judges = [cast.reviewer, *members]
    results = together(*map(opine, judges), *map(opine, judges), sign)
    given = Opinion.objects.filter(review=review).values_list("reviewer", flat=True)
    assert sorted(given) == sorted(person.pk for person in judges)
    assert sorted(results[:10]) == ["illegal_transition"] * 5 + ["ok"] * 5
    signed = results[10] == "ok"
    again = together(sign, sign, sign)
    assert again.count("ok") + signed == 1
    assert CaseEvent.objects.filter(complaint=review.complaint, kind="review_finalise").count() == 1
    assert CaseEvent.objects.filter(complaint=review.complaint, kind="review_give_opinion").count() == 5
    assert steps.review.finalised_by == cast.head_of_review
    assert events.verify()[1] is None
