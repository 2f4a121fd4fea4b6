"""A complaint about members of staff, or about the complaints office itself (PI-18, S7, RI-01)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.errors import NotAllowed
from complaints import accused, case_records, jobs, notify, transitions
from complaints.models import Complaint, Notification
from complaints.states import Status
from complaints.tests.factories import Story, at, registered
from complaints.tests.public_flow import file, open_case

pytestmark = pytest.mark.django_db


def inbox(kind: str) -> set[str]:
    return set(Notification.objects.filter(kind=kind).values_list("recipient__staff_number", flat=True))


def sees(user, case: Complaint) -> bool:
    """Through the page itself, as that person would try."""
    client = Client()
    client.force_login(user)
    return client.get(f"/desk/cases/{case.number}/").status_code == 200


def name(client: Client, case: Complaint, **data) -> int:
    return client.post(f"/desk/cases/{case.number}/accused/", {"reason": "投诉人点名", **data}).status_code


# --- Naming somebody --------------------------------------------------------------------------
def test_asg_12_whoever_is_named_is_not_offered_as_the_next_handler(client, cast):
    story = Story(cast).accept().assign().start()
    url = reverse("complaints:action", args=[story.case.number, "hand_over"])
    client.force_login(cast.water_head)
    assert cast.water_handler2.display_name in client.get(url).content.decode()
    story.case.accused_staff.add(cast.water_handler2)
    assert cast.water_handler2.display_name not in client.get(url).content.decode()


def test_pi_18_whoever_is_named_loses_the_case_and_what_they_held_on_it(client, cast):
    story = Story(cast).accept().assign().start()
    Complaint.objects.filter(pk=story.pk).update(coordinator=cast.coordinator)
    client.force_login(cast.intake)
    assert name(client, story.case, person="W001") == 302
    case = story.case
    assert name(client, case, named=["W001"], person="A003") == 302
    case = story.case
    assert {person.staff_number for person in case.accused_staff.all()} == {"W001", "A003"}
    assert (case.handler, case.coordinator) == (None, None)
    assert case.assignments.get(is_current=True).handler is None
    assert not sees(cast.water_handler, case)
    assert not sees(cast.coordinator, case)
    assert sees(cast.water_handler2, case)
    assert sees(cast.coordinator2, case)


def test_pi_18_taking_the_tick_away_gives_the_case_back(client, cast):
    story = Story(cast)
    client.force_login(cast.intake)
    name(client, story.case, person="A003")
    assert not sees(cast.coordinator, story.case)
    name(client, story.case, person="")
    assert sees(cast.coordinator, story.case)
    notes = list(story.case.events.filter(kind="accused_named").values_list("note", flat=True))
    assert notes == ["+周明远；投诉人点名", "−周明远；投诉人点名"]


def test_pi_18_naming_oneself_ends_on_the_workbench(client, cast):
    story = Story(cast)
    client.force_login(cast.intake)
    response = client.post(f"/desk/cases/{story.case.number}/accused/", {"person": "A001", "reason": "是我"})
    assert response.headers["Location"] == "/desk/queue/"
    assert client.get(f"/desk/cases/{story.case.number}/").status_code == 404


@pytest.mark.parametrize("who", ["water_handler", "checker", "auditor"])
def test_pi_18_others_may_not_say_whom_it_is_about(client, cast, who):
    story = Story(cast).accept().assign().start()
    client.force_login(getattr(cast, who))
    assert name(client, story.case, person="A003") == 403
    with pytest.raises(NotAllowed):
        transitions.name_accused(story.pk, people=[cast.coordinator], reason="x", by=getattr(cast, who))
    assert not story.case.accused_staff.exists()


def test_pi_18_an_error_names_the_field_and_keeps_the_text(client, cast):
    story = Story(cast)
    client.force_login(cast.intake)
    response = client.post(f"/desk/cases/{story.case.number}/accused/", {"person": "", "reason": "留着的话"})
    html = response.content.decode()
    assert response.status_code == 422
    assert 'href="#accused_person"' in html
    assert "留着的话" in html


def test_pi_18_the_case_page_names_them_to_the_office_only(client, cast):
    """A handling department reads the case without the names of whom it is about."""
    story = Story(cast).accept().assign()
    transitions.name_accused(story.pk, people=[cast.roads_handler], reason="投诉人点名", by=cast.intake)
    client.force_login(cast.coordinator)
    assert "许岩" in client.get(f"/desk/cases/{story.case.number}/").content.decode()
    client.force_login(cast.water_handler)
    assert "许岩" not in client.get(f"/desk/cases/{story.case.number}/").content.decode()


def test_pi_18_the_box_on_the_case_page_costs_no_query(cast, django_assert_num_queries):
    story = Story(cast)
    story.case.accused_staff.set([cast.coordinator, cast.checker])
    case = story.case
    case_records.load(case)
    cast.intake.has_perm("complaints.view_all")
    with django_assert_num_queries(0):
        box = accused.panel(case, cast.intake)
    assert box.context["accused"] == ["周明远", "高磊"]


def test_pi_18_the_complainant_reads_nothing_of_it(cast):
    story = Story(cast)
    visitor = Client()
    open_case(visitor, story.case, story.receipt.access_code)
    before = visitor.get("/track/case/").content
    transitions.name_accused(story.pk, people=[cast.coordinator], reason="投诉人点名", by=cast.intake)
    after = visitor.get("/track/case/").content
    assert _without_tokens(before) == _without_tokens(after)


def _without_tokens(page: bytes) -> bytes:
    return b"\n".join(line for line in page.splitlines() if b"csrfmiddlewaretoken" not in line)


# --- Messages ----------------------------------------------------------------------------------
def test_pi_18_no_message_reaches_whom_it_is_about(cast):
    """Reminders and escalations go past them; when nobody else is left, to management."""
    story = Story(cast)
    Complaint.objects.filter(pk=story.pk).update(coordinator=cast.coordinator)
    story.case.accused_staff.set([cast.coordinator])
    Notification.objects.all().delete()
    notify.tell([cast.coordinator], "supplement", complaint=story.case, dedupe="one")
    assert inbox("supplement") == {"M001"}
    notify.tell([cast.coordinator, cast.intake], "question", complaint=story.case, dedupe="two")
    assert inbox("question") == {"A001"}
    jobs.sweep_deadlines(now=at("2026-12-07 17:31"))
    assert not Notification.objects.filter(recipient=cast.coordinator).exists()


# --- About the office itself --------------------------------------------------------------------
@pytest.fixture
def about_office(client, cast) -> Complaint:
    """Filed on the website with the tick at “about the complaints office itself”."""
    receipt = file(client, {"about_office": "on"})
    return Complaint.objects.get(number=receipt.number)


OFFICE = ("intake", "intake2", "coordinator", "coordinator2", "checker", "checker2")


def test_pi_18_a_complaint_about_the_office_goes_to_management_and_past_the_office(about_office, cast):
    for who in OFFICE:
        assert not sees(getattr(cast, who), about_office), who
    assert sees(cast.manager, about_office)
    assert inbox("about_office") == {"M001"}
    client = Client()
    client.force_login(cast.intake)
    assert about_office.number not in client.get("/desk/queue/?view=all").content.decode()


def test_pi_18_management_names_who_is_meant_and_the_others_take_it_up(about_office, cast):
    """Scenario: from the tick on the website to acceptance by somebody it does not concern."""
    client = Client()
    client.force_login(cast.manager)
    assert name(client, about_office, named=["A001", "A003"]) == 302
    assert not sees(cast.intake, about_office)
    assert not sees(cast.coordinator, about_office)
    assert sees(cast.intake2, about_office)
    client.force_login(cast.intake2)
    data = {"version": Complaint.objects.get().version, "category": "utilities", "rule": "属于受理范围"}
    form = client.get(f"/desk/cases/{about_office.number}/actions/accept/")
    assert form.status_code == 200
    transitions.accept(
        about_office.pk, by=cast.intake2, rule=data["rule"], category=about_office.category, at=timezone.now()
    )
    assert Complaint.objects.get().status == Status.ACCEPTED
    # From now on messages about it pass those who are named.
    assert not Notification.objects.filter(recipient__in=[cast.intake, cast.coordinator]).exists()


def test_pi_18_the_complainant_sees_the_tick_before_filing(client, cast):
    from complaints.tests.public_flow import write

    write(client, {"about_office": "on"})
    html = client.get("/complain/check/?lang=en").content.decode()
    assert "About the complaints office itself" in html
    assert "the staff of the complaints office do not get to see it" in html
    assert "checked" in client.get("/complain/details/").content.decode().split('name="about_office"')[1].split(">")[0]


def test_pi_18_without_a_manager_it_is_not_hidden_from_everybody(client, cast):
    """A case that nobody sees would be worse than one the office sees."""
    cast.manager.is_active = False
    cast.manager.save()
    receipt = file(client, {"about_office": "on"})
    assert sees(cast.intake, Complaint.objects.get(number=receipt.number))


def test_pi_18_an_ordinary_complaint_is_seen_by_the_office(client, cast):
    receipt = file(client)
    case = Complaint.objects.get(number=receipt.number)
    assert sees(cast.intake, case)
    assert not case.accused_staff.exists()
    assert inbox("about_office") == set()


def test_pi_18_members_of_the_past_are_not_counted(client, cast):
    cast.intake2.memberships.update(until=timezone.now() - timedelta(days=1))
    case = registered().complaint
    assert transitions.route_past_office(case.pk, at=timezone.now())
    assert not case.accused_staff.filter(pk=cast.intake2.pk).exists()
    assert case.accused_staff.filter(pk=cast.intake.pk).exists()
