"""The review group: its register and duty, and that only who stands in it, with a valid certificate, judges."""

from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import SecurityEvent
from accounts.tests.factories import token as api_token
from accounts.tests.factories import user
from complaints.models import Notification
from complaints.tests.factories import Story, at
from review import duty, group, independence, transitions
from review.models import DutyTurn, GroupMember, ReviewCase, ReviewConflict, ReviewerAssignment
from review.states import ReviewStatus
from review.tests.test_review_flow import OPENED, Steps

pytestmark = pytest.mark.django_db

ENTERED = at("2026-11-02 09:00")
NOW = at("2026-11-23 10:10")


def enter(cast, person, *, role="member", on=None, **changes):
    """Enter somebody; on duty from October to March unless other days (or none) are given."""
    values = {
        "role": role,
        "experience_since": date(2018, 3, 1),
        "certificate_kind": "internal",
        "certificate": "服务质量认证",
        "certificate_until": date(2028, 12, 31),
        **changes,
    }
    row = group.enter(person, by=cast.head_of_review, at=ENTERED, **values)
    for since, until in [(date(2026, 10, 1), date(2027, 3, 31))] if on is None and role == "member" else on or []:
        duty.add_turn(row.pk, since=since, until=until, by=cast.head_of_review, at=ENTERED)
    return row


@pytest.fixture
def members(cast):
    """The head, the two reviewers and a third one, all with a valid entry."""
    cast.reviewer3 = user("F009", "reviewer", "吕行")
    return {
        "head": enter(cast, cast.head_of_review, role="leader"),
        "first": enter(cast, cast.reviewer),
        "second": enter(cast, cast.reviewer2),
        "third": enter(cast, cast.reviewer3),
    }


@pytest.fixture
def steps(cast):
    story = Story(cast).to_closed()
    review = transitions.apply(story.pk, reasons=["not_solved"], text="没有说清", channel="web", at=at(OPENED))
    return Steps(review, cast).set_up()


def assign(steps, author, *others, **changes):
    return transitions.assign_reviewers(
        steps.pk, by=steps.cast.head_of_review, author=author, members=list(others), **{"at": NOW, **changes}
    )


# --- The conditions -----------------------------------------------------------------------------------
def test_rev_07_three_years_of_experience_to_the_day(cast):
    """Refused with the day from which it holds; that day itself is enough, and 29 February has one too."""
    with pytest.raises(InvalidInput) as refused:
        enter(cast, cast.reviewer, experience_since=date(2023, 11, 3))
    assert refused.value.field == "experience_since"
    assert "2026-11-03" in str(refused.value)
    with pytest.raises(InvalidInput):
        enter(cast, cast.reviewer, experience_since=date(2026, 11, 3))
    assert group.holds_from(date(2024, 2, 29)) == date(2027, 3, 1)
    assert enter(cast, cast.reviewer, experience_since=date(2023, 11, 2)).pk


def test_rev_08_the_certificate_must_be_valid_beyond_today(cast):
    for changes, field in (
        ({"certificate_until": date(2026, 11, 2)}, "certificate_until"),
        ({"certificate": "  "}, "certificate"),
        ({"certificate_kind": "diploma"}, "certificate_kind"),
    ):
        with pytest.raises(InvalidInput) as refused:
            enter(cast, cast.reviewer, **changes)
        assert refused.value.field == field
    assert not GroupMember.objects.exists()


def test_rev_09_the_assessment_is_words_of_somebody_else(cast, members):
    for person, text in (("first", "95"), ("head", "我自己很细致")):
        with pytest.raises(InvalidInput) as refused:
            group.assess(members[person].pk, assessment=text, by=cast.head_of_review)
        assert refused.value.field == "assessment"
    with pytest.raises(InvalidInput):
        enter(cast, user("F010", "head_of_review"), role="member", assessment="12 / 20")
    row = group.assess(members["first"].pk, assessment="能听出没说出口的诉求", by=cast.head_of_review, version=0)
    assert (row.assessed_by, row.version) == (cast.head_of_review, 1)
    with pytest.raises(StaleVersion):
        group.assess(members["first"].pk, assessment="又改", by=cast.head_of_review, version=0)


def test_rev_09_only_the_head_and_the_person_read_it(client, cast, members):
    group.assess(members["first"].pk, assessment="能听出没说出口的诉求", by=cast.head_of_review)
    page = reverse("review:group_member", args=[members["first"].pk])
    for person, reads in ((cast.head_of_review, True), (cast.reviewer, True), (cast.reviewer2, False)):
        client.force_login(person)
        assert ("没说出口" in client.get(page).content.decode()) is reads


def test_rev_10_one_head_and_three_to_five_members(cast, members):
    """Outside these numbers the register warns; a second head is refused."""
    with pytest.raises(InvalidInput) as refused:
        enter(cast, user("F011", "head_of_review"), role="leader")
    assert refused.value.field == "role"
    with pytest.raises(InvalidInput):
        enter(cast, cast.reviewer)  # twice

    def warned():
        return group.warnings(list(group.entries(day=date(2026, 11, 23))), day=date(2026, 11, 23))

    assert warned() == []
    group.end(members["third"].pk, reason="回原单位", by=cast.head_of_review)
    assert len(warned()) == 1
    group.end(members["head"].pk, reason="调任", by=cast.head_of_review)
    assert len(warned()) == 2


def test_a_reviewer_role_is_needed_and_the_head_keeps_the_register(cast):
    with pytest.raises(InvalidInput) as refused:
        enter(cast, cast.intake)
    assert refused.value.field == "user"
    with pytest.raises(InvalidInput):
        enter(cast, cast.reviewer, role="leader")
    with pytest.raises(NotAllowed):
        group.enter(
            cast.reviewer,
            role="member",
            experience_since=date(2018, 3, 1),
            certificate_kind="internal",
            certificate="认证",
            certificate_until=date(2028, 1, 1),
            by=cast.manager,
        )


# --- Who may judge ------------------------------------------------------------------------------------
def test_an_empty_register_leaves_it_to_the_roles(cast, steps):
    assert group.refusal(cast.reviewer, at=NOW) == ""
    assert assign(steps, cast.reviewer, cast.reviewer2).assignments.count() == 2


@pytest.mark.parametrize("why", ["expired", "ended", "no_entry", "off_duty"])
def test_rev_08_10_11_who_has_no_valid_entry_is_not_assigned(cast, members, steps, why):
    """A reviewer with an expired certificate, whose membership ended, without an entry, or not on duty."""
    person, row = cast.reviewer, members["first"]
    if why == "expired":
        GroupMember.objects.filter(pk=row.pk).update(certificate_until=date(2026, 11, 22))
    elif why == "ended":
        group.end(row.pk, reason="回原单位", by=cast.head_of_review)
    elif why == "no_entry":
        person = user("F012", "reviewer")
    else:
        row.turns.update(until=date(2026, 11, 22))
    for field, chosen in (("author", (person, cast.reviewer2)), ("members", (cast.reviewer2, person))):
        with pytest.raises(InvalidInput) as refused:
            assign(steps, *chosen)
        assert refused.value.field == field
    assert not ReviewerAssignment.objects.exists()
    assert assign(steps, cast.reviewer2, cast.reviewer3).pk


def test_rev_08_an_expired_certificate_stops_opinion_and_signature(cast, members, steps):
    """Nothing is saved; with the renewed certificate the same act goes through."""
    steps.assign().verify().report()
    day = date(2026, 11, 24)
    GroupMember.objects.filter(pk=members["second"].pk).update(certificate_until=day)
    opinion = {"by": cast.reviewer2, "verdict": "amend", "text": "同意", "at": at("2026-11-25 11:00")}
    with pytest.raises(NotAllowed) as refused:
        transitions.give_opinion(steps.pk, **opinion)
    assert "2026-11-24" in str(refused.value)
    assert not steps.review.opinions.exists()
    group.renew(
        members["second"].pk,
        certificate_kind="external",
        certificate="客户体验管理师",
        certificate_until=date(2029, 1, 1),
        by=cast.head_of_review,
    )
    steps.opinions()
    members["second"].turns.update(until=day)
    with pytest.raises(NotAllowed):
        steps.finalise()
    members["second"].turns.update(until=date(2027, 3, 31))
    assert steps.finalise().review.status == ReviewStatus.FEEDBACK


def test_rev_08_a_certificate_that_ran_out_since_the_assignment_is_refused_on_every_way_and_another_member_takes_over(
    client, cast, members, steps
):
    """By page and by API the reason is named and nothing changes; the head returns the report and names another one."""
    steps.assign().verify().report()
    ended = date(2026, 11, 20)
    GroupMember.objects.filter(pk=members["second"].pk).update(certificate_until=ended)
    before = ReviewCase.objects.values().get(pk=steps.pk)
    opinion = {"verdict": "amend", "text": "同意", "version": steps.review.version}
    client.force_login(cast.reviewer2)
    page = client.post(f"/desk/reviews/{steps.review.number}/actions/give_opinion/", opinion)
    path = f"/api/v1/reviews/{steps.review.number}/actions/give_opinion/"
    told = client.post(
        path, opinion, "application/json", headers={"Authorization": f"Token {api_token(cast.reviewer2)}"}
    )
    assert (page.status_code, told.status_code) == (403, 403)
    assert "2026-11-20" in page.content.decode()
    assert "2026-11-20" in told.content.decode()
    assert not steps.review.opinions.exists()
    assert ReviewCase.objects.values().get(pk=steps.pk) == before
    client.force_login(cast.head_of_review)
    assert "2026-11-20" in client.get(f"/desk/reviews/{steps.review.number}/").content.decode()
    transitions.return_report(steps.pk, by=cast.head_of_review, reason="另行指派", at=at("2026-11-25 10:00"))
    assign(steps, cast.reviewer, cast.reviewer3, reason="证书到期", at=at("2026-11-25 10:30"))
    steps.report()
    for person in (cast.reviewer, cast.reviewer3):
        transitions.give_opinion(steps.pk, by=person, verdict="amend", text="同意", at=at("2026-11-25 13:00"))
    transitions.finalise(steps.pk, by=cast.reviewer3, at=at("2026-11-25 14:00"))
    assert steps.review.status == ReviewStatus.FEEDBACK


def test_rev_44_an_opinion_after_the_decision_is_refused_by_page_and_api_and_changes_nothing(
    client, cast, members, steps
):
    steps.assign().verify().report().opinions().finalise()
    before = ReviewCase.objects.values().get(pk=steps.pk), list(steps.review.opinions.values())
    opinion = {"verdict": "uphold", "text": "改变意见", "version": steps.review.version}
    client.force_login(cast.reviewer)
    page = client.post(f"/desk/reviews/{steps.review.number}/actions/give_opinion/", opinion)
    path = f"/api/v1/reviews/{steps.review.number}/actions/give_opinion/"
    told = client.post(
        path, opinion, "application/json", headers={"Authorization": f"Token {api_token(cast.reviewer)}"}
    )
    assert (page.status_code, told.status_code) == (409, 409)
    for answer in (page.context["problem"], told.json()["message"]):
        assert steps.review.get_status_display() in answer
    assert (ReviewCase.objects.values().get(pk=steps.pk), list(steps.review.opinions.values())) == before


def test_the_page_says_why_a_reviewer_is_kept_out(client, cast, members, steps):
    """The form does not offer the person and the independence list names the reason."""
    GroupMember.objects.filter(pk=members["first"].pk).update(certificate_until=date(2020, 1, 1))
    client.force_login(cast.head_of_review)
    page = client.get(f"/desk/reviews/{steps.review.number}/actions/assign_reviewers/")
    offered = set(page.context["form"].fields["author"].queryset)
    assert cast.reviewer not in offered
    assert "2020-01-01" in page.content.decode()
    answer = client.post(
        f"/desk/reviews/{steps.review.number}/actions/assign_reviewers/",
        {"version": steps.review.version, "author": "F001", "members": ["F002"]},
    )
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"author"}


def test_rev_13_the_deputy_leads_when_the_head_is_in_conflict(cast, members, steps):
    """Before the longest-serving member; an expired deputy does not."""
    row = members["third"]
    GroupMember.objects.filter(pk=row.pk).update(role="deputy")
    review = steps.review
    assert independence.acting_head(review, at=NOW) == cast.head_of_review
    ReviewConflict.objects.create(review=review, user=cast.head_of_review, reason="declared", at=NOW)
    assert independence.acting_head(review, at=NOW) == cast.reviewer3
    GroupMember.objects.filter(pk=row.pk).update(certificate_until=date(2026, 11, 1))
    assert independence.acting_head(review, at=NOW) == cast.reviewer


def test_rev_11_whoever_is_lent_judges_nothing_of_that_department(cast, members, steps):
    GroupMember.objects.filter(pk=members["first"].pk).update(lent_by=cast.water)
    found = independence.conflicts(steps.review.complaint, independence.candidates(), at=NOW)
    assert (cast.reviewer.pk, "department_now") in {(row.user_id, row.reason) for row in found}


# --- Duty ---------------------------------------------------------------------------------------------
def test_rev_11_turns_do_not_overlap(cast, members):
    pk = members["first"].pk
    for since, until, field in (
        (date(2027, 3, 31), date(2027, 4, 30), "since"),
        (date(2027, 5, 2), date(2027, 5, 1), "until"),
        (date(2026, 1, 1), date(2026, 2, 1), "until"),
        (date(2027, 4, 1), date(2028, 5, 1), "until"),
    ):
        with pytest.raises(InvalidInput) as refused:
            duty.add_turn(pk, since=since, until=until, by=cast.head_of_review, at=ENTERED)
        assert refused.value.field == field
    assert duty.add_turn(pk, since=date(2027, 4, 1), until=date(2027, 4, 1), by=cast.head_of_review, at=ENTERED).pk
    with pytest.raises(NotAllowed):
        duty.add_turn(pk, since=date(2027, 5, 1), until=date(2027, 5, 2), by=cast.reviewer, at=ENTERED)


def test_rev_11_a_turn_ends_today_or_is_taken_back(cast, members):
    running = members["first"].turns.get()
    duty.end_turn(running.pk, by=cast.head_of_review, at=NOW)
    running.refresh_from_db()
    assert running.until == date(2026, 11, 23)
    assert group.refusal(cast.reviewer, at=NOW) == ""
    assert group.refusal(cast.reviewer, at=NOW + timedelta(days=1))
    with pytest.raises(IllegalTransition):
        duty.end_turn(running.pk, by=cast.head_of_review, at=NOW + timedelta(days=1))
    coming = duty.add_turn(
        members["first"].pk, since=date(2027, 1, 1), until=date(2027, 1, 31), by=cast.head_of_review, at=NOW
    )
    duty.end_turn(coming.pk, by=cast.head_of_review, at=NOW)
    assert not DutyTurn.objects.filter(pk=coming.pk).exists()


def test_rev_11_the_calendar_shows_this_and_the_next_quarter_with_its_gaps(cast, members):
    members["first"].turns.update(until=date(2027, 1, 10))
    members["second"].turns.update(until=date(2027, 1, 20))
    members["third"].turns.update(since=date(2027, 1, 16))
    months, lines, gaps = duty.calendar(date(2026, 11, 23))
    assert (months[0], months[-1]) == (date(2026, 10, 1), date(2027, 3, 1))
    first = next(cells for row, cells in lines if row.pk == members["first"].pk)
    assert (first[0].whole, first[3].spans, first[4].spans) == (True, [(1, 10)], [])
    assert [(gap.since, gap.until, gap.count) for gap in gaps] == [
        (date(2027, 1, 11), date(2027, 1, 15), 1),
        (date(2027, 1, 21), date(2027, 3, 31), 1),
    ]


def test_rev_11_the_least_busy_are_proposed_and_another_choice_needs_a_reason(client, cast, members, steps):
    for n in range(2):
        story = Story(cast, phone=f"1380000300{n}").to_closed()
        other = transitions.apply(story.pk, reasons=["facts"], text="不对", channel="web", at=at(OPENED))
        ReviewerAssignment.objects.create(review=other, reviewer=cast.reviewer, at=NOW)
    order = [person for person, _load in duty.free(steps.review, at=NOW)]
    assert order == [cast.reviewer2, cast.reviewer3, cast.reviewer, cast.head_of_review]
    client.force_login(cast.head_of_review)
    url = f"/desk/reviews/{steps.review.number}/actions/assign_reviewers/"
    form = client.get(url).context["form"]
    assert (form.initial["author"], form.initial["members"]) == ("F002", ["F009"])
    with pytest.raises(InvalidInput) as refused:
        assign(steps, cast.reviewer, cast.reviewer2)
    assert (refused.value.field, cast.reviewer3.display_name in str(refused.value)) == ("reason", True)
    assign(steps, cast.reviewer, cast.reviewer2, reason="熟悉供水业务")
    event = steps.review.complaint.events.get(kind="review_assign_reviewers")
    assert (event.note, event.audience) == ("熟悉供水业务", "review")


# --- The job and the pages ----------------------------------------------------------------------------
def test_rev_08_the_job_tells_once_and_anew_after_a_renewal(cast, members):
    GroupMember.objects.filter(pk=members["first"].pk).update(certificate_until=date(2027, 1, 22))
    assert group.watch(now=at("2026-11-22 08:20")) == {"told": 0}
    assert group.watch(now=at("2026-11-23 08:20")) == {"told": 1}
    assert group.watch(now=at("2026-11-24 08:20")) == {"told": 0}
    told = Notification.objects.filter(kind="certificate_ends")
    assert {row.recipient for row in told} == {cast.reviewer, cast.head_of_review}
    renewal = {"certificate_kind": "internal", "certificate": "服务质量认证", "by": cast.head_of_review}
    group.renew(members["first"].pk, certificate_until=date(2027, 6, 1), at=NOW, **renewal)
    assert group.watch(now=at("2027-04-02 08:20")) == {"told": 1}


def test_the_register_on_the_pages(client, cast):
    """Entered, put on duty, renewed, ended with a reason: each change leaves one row in the security log."""
    client.force_login(cast.head_of_review)
    data = {
        "user": "F001",
        "role": "member",
        "lent_by": "water",
        "experience_since": "2018-03-01",
        "certificate_kind": "internal",
        "certificate": "服务质量认证",
        "certificate_until": "2020-01-01",
    }
    answer = client.post("/desk/reviews/group/enter/", data)
    assert (answer.status_code, set(answer.context["form"].errors)) == (422, {"certificate_until"})
    until = timezone.localdate() + timedelta(days=400)
    assert client.post("/desk/reviews/group/enter/", data | {"certificate_until": until}).status_code == 302
    row = GroupMember.objects.get()
    page = f"/desk/reviews/group/{row.pk}/"
    turn = {"do": "turn", "version": 0, "since": timezone.localdate(), "until": until - timedelta(days=100)}
    assert client.post(page, turn).status_code == 302
    assert client.post(page, turn).status_code == 422
    assert client.post(page, {"do": "else"}).status_code == 422
    renewal = {
        "do": "renew",
        "version": 0,
        "certificate_kind": "internal",
        "certificate": "新证",
        "certificate_until": until,
    }
    assert client.post(page, renewal).status_code == 302
    stale = client.post(page, renewal)
    assert (stale.status_code, "新证" in stale.content.decode()) == (409, True)
    assert client.post(page, {"do": "end", "version": 1, "reason": ""}).status_code == 422
    assert client.post(page, {"do": "end", "version": 1, "reason": "回原单位"}).status_code == 302
    assert "回原单位" in client.get("/desk/reviews/group/").content.decode()
    assert client.post(page, {"do": "end", "version": 2, "reason": "再来"}).status_code == 409
    kinds = SecurityEvent.objects.filter(subject="F001").values_list("kind", flat=True)
    assert sorted(kinds) == [
        "review_duty_added", "review_group_ended", "review_group_entered", "review_group_renewed",
    ]  # fmt: skip


def test_who_reads_and_who_writes(client, cast, members):
    pages = ("/desk/reviews/group/", "/desk/reviews/group/duty/", f"/desk/reviews/group/{members['first'].pk}/")
    for person, status in ((cast.reviewer, 200), (cast.auditor, 200), (cast.intake, 403), (cast.water_head, 403)):
        client.force_login(person)
        assert {client.get(page).status_code for page in pages} == {status}
        assert client.get("/desk/reviews/group/enter/").status_code == 403
    client.force_login(cast.reviewer)
    assert client.post(pages[2], {"do": "end", "version": 0, "reason": "不想干了"}).status_code == 403
    assert client.post(reverse("review:group_turn_end", args=[members["first"].turns.get().pk])).status_code == 403
    assert GroupMember.objects.filter(ended_at=None).count() == 4


def test_the_register_costs_the_same_for_any_number(client, cast, members, django_assert_max_num_queries):
    client.force_login(cast.head_of_review)
    client.get("/desk/reviews/group/")
    with django_assert_max_num_queries(8):
        client.get("/desk/reviews/group/")
    with django_assert_max_num_queries(8):
        client.get("/desk/reviews/group/duty/")


def test_rev_52_the_pages_say_what_a_review_is_for(client, cast, steps):
    client.force_login(cast.head_of_review)
    for page in ("/desk/reviews/", f"/desk/reviews/{steps.review.number}/", "/desk/reviews/group/"):
        assert "review/_aim.html" in [template.name for template in client.get(page).templates]
    assert ReviewCase.objects.count() == 1
