"""Taking the next case: due first, once, and none that the person may not handle (ASG-04, ASG-13)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.errors import NotAllowed
from complaints import transitions
from complaints.models import CaseEvent, Complaint
from complaints.states import Status
from complaints.tests.factories import Story, at, category
from complaints.tests.test_races import together

NOON = at("2026-11-17 10:00")


def waiting(cast, due: str, **changes) -> Complaint:
    story = Story(cast).accept().assign(**changes)
    Complaint.objects.filter(pk=story.pk).update(next_due_at=at(due))
    return story.case


def numbers(*cases: Complaint | None) -> list[str]:
    return [case.number if case else "" for case in cases]


@pytest.mark.django_db
def test_asg_13_the_case_due_first_is_taken_over(cast):
    later, first = waiting(cast, "2026-11-25 17:30"), waiting(cast, "2026-11-20 17:30")
    waiting(cast, "2026-11-18 17:30", department=cast.roads)
    taken = transitions.take_next(by=cast.water_handler, at=NOON)
    first.refresh_from_db()
    assert numbers(taken) == numbers(first)
    assert (first.status, first.handler) == (Status.IN_PROGRESS, cast.water_handler)
    assert CaseEvent.objects.filter(complaint=first, kind="start", actor=cast.water_handler).count() == 1
    assert numbers(transitions.take_next(by=cast.water_handler2, at=NOON)) == numbers(later)
    assert transitions.take_next(by=cast.water_handler2, at=NOON + timedelta(minutes=1)) is None


@pytest.mark.django_db
def test_asg_13_one_press_twice_takes_one_case(cast):
    cases = [waiting(cast, "2026-11-20 17:30"), waiting(cast, "2026-11-20 17:30")]
    taken = [
        transitions.take_next(by=cast.water_handler, at=NOON + timedelta(seconds=seconds)) for seconds in (0, 1, 10)
    ]
    assert numbers(*taken) == numbers(cases[0], cases[0], cases[1])


@pytest.mark.django_db
def test_asg_12_a_case_about_or_from_the_person_goes_to_somebody_else(cast):
    accused, own = waiting(cast, "2026-11-18 17:30"), waiting(cast, "2026-11-19 17:30")
    accused.accused_staff.add(cast.water_handler)
    own.complainant.staff_user = cast.water_handler
    own.complainant.save()
    assert transitions.take_next(by=cast.water_handler, at=NOON) is None
    assert numbers(transitions.take_next(by=cast.water_handler2, at=NOON)) == numbers(accused)


@pytest.mark.django_db
def test_asg_06_a_case_somebody_gave_back_is_not_given_to_them_again(cast):
    case = waiting(cast, "2026-11-18 17:30")
    transitions.request_return(case.pk, by=cast.water_handler, reason="不属于本部门", at=at("2026-11-16 11:00"))
    assert transitions.take_next(by=cast.water_handler2, at=NOON) is None  # the decision is open
    transitions.refuse_return(case.pk, by=cast.coordinator, note="属于本部门", at=at("2026-11-16 12:00"))
    assert transitions.take_next(by=cast.water_handler, at=NOON) is None
    assert numbers(transitions.take_next(by=cast.water_handler2, at=NOON)) == numbers(case)


@pytest.mark.django_db
def test_asg_04_a_case_given_to_a_person_by_name_is_left_to_them(cast):
    waiting(cast, "2026-11-18 17:30", handler=cast.water_handler2)
    assert transitions.take_next(by=cast.water_handler, at=NOON) is None


@pytest.mark.django_db
def test_asg_13_only_handlers_take_cases(client, cast):
    with pytest.raises(NotAllowed):
        transitions.take_next(by=cast.intake, at=NOON)
    client.force_login(cast.intake)
    assert client.post("/desk/queue/next/").status_code == 403
    assert "/desk/queue/next/" not in client.get("/desk/queue/").content.decode()


@pytest.mark.django_db
def test_asg_13_the_button_opens_the_case_or_says_that_none_is_left(client, cast):
    case = waiting(cast, "2026-11-18 17:30")
    client.force_login(cast.water_handler)
    assert 'action="/desk/queue/next/"' in client.get("/desk/queue/").content.decode()
    assert client.get("/desk/queue/next/").status_code == 405
    response = client.post("/desk/queue/next/")
    assert (response.status_code, response["Location"]) == (302, f"/desk/cases/{case.number}/")
    client.force_login(cast.water_handler2)
    response = client.post("/desk/queue/next/", follow=True)
    assert response.redirect_chain[0][0] == "/desk/queue/"
    assert [str(message.level_tag) for message in response.context["messages"]][-1:] == ["info"]


@pytest.mark.django_db(transaction=True)
def test_asg_13_two_people_at_the_same_moment_get_two_cases(cast):
    cases = [waiting(cast, "2026-11-20 17:30") for _n in range(2)]
    taken: list[Complaint | None] = []

    def take(who):
        taken.append(transitions.take_next(by=who, at=NOON))

    assert together(lambda: take(cast.water_handler), lambda: take(cast.water_handler2)) == ["ok", "ok"]
    assert sorted(numbers(*taken)) == sorted(numbers(*cases))
    assert set(Complaint.objects.values_list("handler", flat=True)) == {cast.water_handler.pk, cast.water_handler2.pk}


# --- Screening ------------------------------------------------------------------------------------
def to_screen(cast, due: str) -> Complaint:
    story = Story(cast)
    Complaint.objects.filter(pk=story.pk).update(next_due_at=at(due))
    return story.case


@pytest.mark.django_db
def test_asg_13_the_registered_case_due_first_is_taken_to_screen(cast):
    later, first = to_screen(cast, "2026-11-19 17:30"), to_screen(cast, "2026-11-18 17:30")
    assert numbers(transitions.take_next_screening(by=cast.intake, at=NOON)) == numbers(first)
    first.refresh_from_db()
    assert (first.status, first.coordinator) == (Status.REGISTERED, cast.intake)
    assert numbers(transitions.take_next_screening(by=cast.intake, at=NOON)) == numbers(first)  # one press twice
    assert numbers(transitions.take_next_screening(by=cast.intake2, at=NOON)) == numbers(later)
    assert transitions.take_next_screening(by=cast.intake, at=NOON + timedelta(minutes=1)) is None
    transitions.accept(first.pk, by=cast.intake, rule="在受理范围内", category=category(), at=NOON)


@pytest.mark.django_db
def test_pi_18_nobody_screens_a_case_that_comes_from_them(cast):
    own = to_screen(cast, "2026-11-18 17:30")
    own.complainant.staff_user = cast.intake
    own.complainant.save()
    assert transitions.take_next_screening(by=cast.intake, at=NOON) is None
    assert numbers(transitions.take_next_screening(by=cast.intake2, at=NOON)) == numbers(own)


@pytest.mark.django_db
def test_asg_13_the_button_to_screen_is_for_whoever_screens(client, cast):
    case = to_screen(cast, "2026-11-18 17:30")
    client.force_login(cast.water_handler)
    assert client.post("/desk/queue/next-screening/").status_code == 403
    client.force_login(cast.intake)
    assert 'action="/desk/queue/next-screening/"' in client.get("/desk/queue/").content.decode()
    response = client.post("/desk/queue/next-screening/")
    assert (response.status_code, response["Location"]) == (302, f"/desk/cases/{case.number}/")
    client.force_login(cast.intake2)
    assert client.post("/desk/queue/next-screening/")["Location"] == "/desk/queue/"


@pytest.mark.django_db(transaction=True)
def test_asg_13_two_people_screening_at_the_same_moment_get_two_cases(cast):
    cases = [to_screen(cast, "2026-11-18 17:30") for _n in range(2)]
    taken: list[Complaint | None] = []

    def take(who):
        taken.append(transitions.take_next_screening(by=who, at=NOON))

    assert together(lambda: take(cast.intake), lambda: take(cast.intake2)) == ["ok", "ok"]
    assert sorted(numbers(*taken)) == sorted(numbers(*cases))
