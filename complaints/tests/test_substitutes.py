"""Absence and who stands in: entered by the right people, heard by the right people (SLA-12, SLA-13, PI-18, RI-01)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from accounts.errors import InvalidInput, NotAllowed
from accounts.models import Membership, User
from accounts.tests.factories import LONG_AGO
from complaints import absence_views, notify, permissions, substitutes
from complaints import transitions as t
from complaints.models import Complaint, DutySlot, Notification, Substitution
from complaints.states import ContactDirection, ContactOutcome, ContactPurpose
from complaints.tests.factories import Story

pytestmark = pytest.mark.django_db
LIST, ADD = "/desk/substitutes/", "/desk/substitutes/add/"


@pytest.fixture
def now():
    return timezone.now()


def away(user, substitute, *, by=None, since=timedelta(hours=-1), until=timedelta(days=3), **values) -> Substitution:
    now = timezone.now()
    return substitutes.add(
        user=user, substitute=substitute, since=now + since, until=now + until, by=by or user, **values
    )


def heard(kind: str) -> set[str]:
    return set(Notification.objects.filter(kind=kind).values_list("recipient__staff_number", flat=True))


def breach(people, complaint=None, dedupe="one") -> None:
    notify.tell(people, "breach", complaint=complaint, dedupe=dedupe, milestone="reply", due="2026-12-07T17:30+08:00")


# --- Who hears it ------------------------------------------------------------------------------
def test_sla_13_what_presses_reaches_the_substitute_too(cast):
    away(cast.water_handler, cast.water_handler2)
    case = Story(cast).case
    breach([cast.water_handler], case)
    assert heard("breach") == {"W001", "W002"}
    notify.tell([cast.water_handler], "assigned", complaint=case, dedupe="two")
    assert heard("assigned") == {"W001"}


def test_sla_13_before_and_after_the_absence_nobody_stands_in(cast):
    away(cast.water_handler, cast.water_handler2, since=timedelta(days=1))
    breach([cast.water_handler])
    row = away(cast.coordinator, cast.coordinator2)
    substitutes.end(row.pk, by=cast.coordinator)
    breach([cast.coordinator], dedupe="two")
    assert heard("breach") == {"W001", "A003"}


def test_sla_13_a_substitute_who_hears_it_anyway_hears_it_once(cast):
    away(cast.water_handler, cast.water_handler2)
    breach([cast.water_handler, cast.water_handler2])
    row = Notification.objects.get(recipient=cast.water_handler2)
    assert "instead_of" not in row.params


def test_sla_13_a_substitute_who_is_away_passes_it_on(cast):
    away(cast.water_handler, cast.water_handler2)
    away(cast.water_handler2, cast.water_head)
    breach([cast.water_handler])
    assert heard("breach") == {"W001", "W003"}


def test_sla_13_two_who_stand_in_for_each_other_and_are_both_away_end_nowhere(cast):
    away(cast.water_handler, cast.water_handler2)
    away(cast.water_handler2, cast.water_handler)
    breach([cast.water_handler])
    assert heard("breach") == {"W001"}


def test_pi_18_a_substitute_whom_the_case_is_about_hears_nothing(cast):
    away(cast.water_handler, cast.water_handler2)
    story = Story(cast)
    story.case.accused_staff.set([cast.water_handler2])
    breach([cast.water_handler], story.case)
    assert heard("breach") == {"W001"}


def test_pi_18_who_stands_in_for_the_person_complained_of_hears_nothing_in_their_place(cast):
    away(cast.water_handler, cast.water_handler2)
    story = Story(cast)
    story.case.accused_staff.set([cast.water_handler])
    breach([cast.water_handler, cast.water_head], story.case)
    assert heard("breach") == {"W003"}


def test_the_inbox_says_in_whose_place(client, cast):
    away(cast.water_handler, cast.water_handler2)
    breach([cast.water_handler], Story(cast).accept().assign().case)
    client.force_login(cast.water_handler2)
    client.cookies["huiyin_language"] = "en"
    page = client.get("/desk/notifications/").content.decode()
    assert "In place of 赵启明" in page
    assert LIST in page


def test_ri_01_a_substitute_who_acted_took_part(cast):
    """Independence is judged by what was done, so a substitute counts as soon as they act."""
    away(cast.water_handler, cast.water_handler2)
    story = Story(cast).accept().assign().start()
    assert cast.water_handler2.pk not in permissions.took_part(story.case)
    t.add_contact(
        story.pk,
        by=cast.water_handler2,
        direction=ContactDirection.OUT,
        channel="phone",
        purpose=ContactPurpose.PROGRESS,
        outcome=ContactOutcome.REACHED,
        summary="代班期间联系投诉人",
    )
    assert cast.water_handler2.pk in permissions.took_part(story.case)


# --- Who may enter it, and whom ------------------------------------------------------------------
def test_sla_12_heads_enter_for_their_people_and_coordinators_for_all(cast):
    away(cast.water_handler, cast.water_handler2, by=cast.water_head)
    away(cast.intake, cast.intake2, by=cast.coordinator)
    with pytest.raises(NotAllowed):
        away(cast.intake2, cast.intake, by=cast.water_head)
    with pytest.raises(NotAllowed):
        away(cast.water_handler2, cast.water_handler, by=cast.water_handler)
    assert Substitution.objects.count() == 2


def test_sla_12_a_substitute_of_another_department_is_refused(cast):
    with pytest.raises(InvalidInput) as refused:
        away(cast.water_handler, cast.roads_handler)
    assert refused.value.field == "substitute"


def test_sla_12_a_substitute_without_the_duties_is_refused(cast):
    for substitute in (cast.intake, cast.checker):
        with pytest.raises(InvalidInput) as refused:
            away(cast.coordinator, substitute)
        assert refused.value.field == "substitute"
    away(cast.coordinator, cast.coordinator2)


def test_sla_12_somebody_who_left_or_moved_cannot_stand_in(cast, now):
    Membership.objects.filter(user=cast.water_handler2).update(until=now)
    User.objects.filter(pk=cast.water_head.pk).update(is_active=False)
    assert not substitutes.candidates(cast.water_handler).exists()


def test_pi_18_the_person_complained_of_in_an_own_case_is_not_offered(cast):
    story = Story(cast).accept().assign().start()
    story.case.accused_staff.set([cast.water_handler2])
    assert set(substitutes.candidates(cast.water_handler)) == {cast.water_head}
    Complaint.objects.filter(pk=story.pk).update(status="closed")
    assert cast.water_handler2 in substitutes.candidates(cast.water_handler)


@pytest.mark.parametrize(
    ("since", "until", "field"),
    [
        (timedelta(days=2), timedelta(days=1), "until"),
        (timedelta(days=-2), timedelta(days=-1), "until"),
        (timedelta(days=0), timedelta(days=400), "until"),
    ],
)
def test_sla_12_a_time_that_cannot_be_is_named(cast, since, until, field):
    with pytest.raises(InvalidInput) as refused:
        away(cast.water_handler, cast.water_handler2, since=since, until=until)
    assert refused.value.field == field
    assert not Substitution.objects.exists()


def test_sla_12_two_absences_of_one_person_do_not_overlap(cast):
    row = away(cast.water_handler, cast.water_handler2)
    with pytest.raises(InvalidInput) as refused:
        away(cast.water_handler, cast.water_head, since=timedelta(days=1), until=timedelta(days=5))
    assert refused.value.field == "since"
    substitutes.end(row.pk, by=cast.water_handler)
    away(cast.water_handler, cast.water_head, since=timedelta(days=1), until=timedelta(days=5))


def test_ending_twice_changes_nothing_and_strangers_may_not(cast):
    row = away(cast.water_handler, cast.water_handler2)
    with pytest.raises(NotAllowed):
        substitutes.end(row.pk, by=cast.water_handler2)
    assert substitutes.end(row.pk, by=cast.water_handler)
    assert not substitutes.end(row.pk, by=cast.water_handler)


# --- Pages --------------------------------------------------------------------------------------
def entered(client, **values):
    data = {"since": "2027-01-04T08:30", "until": "2027-01-08T17:30", "reason": "年假", **values}
    return client.post(ADD, data)


def test_an_absence_is_entered_seen_and_ended(client, cast):
    client.force_login(cast.water_handler)
    assert client.get(ADD).status_code == 200
    assert entered(client, substitute=cast.water_handler2.pk)["Location"] == LIST
    row = Substitution.objects.get()
    assert (row.user, row.substitute, row.by) == (cast.water_handler, cast.water_handler2, cast.water_handler)
    assert "年假" in client.get(LIST).content.decode()
    assert client.post(f"{LIST}{row.pk}/end/")["Location"] == LIST
    row.refresh_from_db()
    assert row.ended_at


@pytest.mark.parametrize(
    ("change", "field"),
    [({"since": "soon"}, "since"), ({"until": "2027-01-01T08:00"}, "until"), ({"substitute": ""}, "substitute")],
)
def test_wrong_values_are_named_and_nothing_is_kept(client, cast, change, field):
    client.force_login(cast.water_handler)
    response = entered(client, **{"substitute": cast.water_handler2.pk, **change})
    assert (response.status_code, list(response.context["form"].errors)) == (422, [field])
    assert not Substitution.objects.exists()


@pytest.mark.parametrize("person", ["x", "0", "99999999999999999999", "-1", "١"])
def test_somebody_who_is_not_ones_to_enter_does_not_exist(client, cast, person):
    client.force_login(cast.water_handler)
    assert client.get(ADD, {"person": person}).status_code == 404
    assert client.get(ADD, {"person": cast.intake.pk}).status_code == 404


def test_a_head_chooses_among_the_own_people(client, cast):
    client.force_login(cast.water_head)
    people = set(client.get(ADD).context["people"])
    assert people == {cast.water_head, cast.water_handler, cast.water_handler2}
    assert entered(client, person=cast.water_handler.pk, substitute=cast.water_handler2.pk).status_code == 302


def test_the_list_shows_own_people_and_whom_one_stands_in_for_only(client, cast):
    away(cast.water_handler, cast.water_handler2)
    away(cast.coordinator, cast.coordinator2)
    for user, seen in ((cast.water_handler2, 1), (cast.roads_handler, 0), (cast.water_head, 1), (cast.coordinator2, 2)):
        client.force_login(user)
        assert len(client.get(LIST).context["rows"]) == seen
    client.force_login(cast.water_handler2)
    assert [may_end for _row, _lasts, may_end in client.get(LIST).context["rows"]] == [False]
    assert client.post(f"{LIST}{Substitution.objects.get(user=cast.water_handler).pk}/end/").status_code == 404


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_costs_the_same_queries(client, cast, count, django_assert_max_num_queries):
    for number in range(count):
        away(
            cast.water_handler,
            cast.water_handler2,
            since=timedelta(days=number * 2),
            until=timedelta(days=number * 2 + 1),
        )
    client.force_login(cast.water_head)
    client.get(LIST)
    with django_assert_max_num_queries(8):
        client.get(LIST)


def test_the_list_is_paged_by_key(client, cast, monkeypatch):
    monkeypatch.setattr(absence_views, "PAGE_SIZE", 2)
    for number in range(3):
        away(
            cast.water_handler,
            cast.water_handler2,
            since=timedelta(days=number * 2),
            until=timedelta(days=number * 2 + 1),
        )
    client.force_login(cast.water_handler)
    first = client.get(LIST).context
    second = client.get(LIST, {"after": first["next"]}).context
    assert [len(first["rows"]), len(second["rows"]), second["next"]] == [2, 1, ""]
    assert client.get(LIST, {"after": "x"}).status_code == 200


def test_sla_12_who_is_away_now_stands_before_who_will_be(client, cast):
    """Whatever the order they were entered in; those to come by their beginning."""
    away(cast.coordinator, cast.coordinator2, since=timedelta(days=9), until=timedelta(days=10))
    away(cast.water_handler, cast.water_handler2)
    away(cast.water_head, cast.water_handler, since=timedelta(days=3), until=timedelta(days=4))
    client.force_login(cast.coordinator)
    rows = client.get(LIST).context["rows"]
    assert [(row.user, lasts) for row, lasts, _may_end in rows] == [
        (cast.water_handler, True),
        (cast.water_head, False),
        (cast.coordinator, False),
    ]


def test_without_anybody_fit_the_page_says_so(client, cast):
    client.force_login(cast.manager)
    assert client.get(ADD).context["has_candidates"] is False
    another = User.objects.create_user("M002", display_name="副总")
    another.groups.add(Group.objects.get(name="manager"))
    Membership.objects.create(user=another, department=cast.root, since=LONG_AGO)
    assert client.get(ADD).context["has_candidates"] is True


def test_sla_12_the_settings_page_says_who_watches_now(client, cast, now):
    DutySlot.objects.create(
        channel="phone", person=cast.intake2, starts_at=now - timedelta(hours=1), ends_at=now + timedelta(hours=1)
    )
    client.force_login(cast.intake)
    assert "陈嘉怡" in client.get("/desk/notifications/settings/").content.decode()
