"""A number or address that becomes known after intake (IN-17)."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.errors import InvalidInput, NotAllowed
from complaints import transitions
from complaints.models import CaseEvent, ContactPoint
from complaints.tests.factories import Story, registered

pytestmark = pytest.mark.django_db
NEW = "13911112222"


def url(story) -> str:
    return reverse("complaints:contact_point", args=[story.case.number])


def send(client, who, story, **changes):
    client.force_login(who)
    return client.post(url(story), {"contact_kind": "phone", "value": NEW, "is_preferred": "on", **changes})


def test_in_17_a_number_that_was_misheard_is_replaced_by_the_right_one(cast, client):
    """The new one is used from then on; the one given before stays, and the log holds neither."""
    story = Story(cast)
    assert send(client, cast.intake, story).status_code == 302
    person = story.case.complainant
    assert person.contact("phone") == NEW
    assert set(person.contacts.filter(kind="phone").values_list("is_preferred", flat=True)) == {True, False}
    event = CaseEvent.objects.get(kind="contact_point")
    assert (event.note, event.actor) == ("phone", cast.intake)
    page = client.get(reverse("complaints:detail", args=[story.case.number])).content.decode()
    assert "139****2222、138****2417" in page
    assert NEW not in page
    shown = transitions.reveal(story.pk, by=cast.intake, reason="核对电话", fields=["phone"])
    assert shown == {"phone": f"{NEW}、13800002417"}


def test_in_17_another_address_is_kept_beside_the_preferred_one(cast, client):
    story = Story(cast)
    before = story.case.complainant.preferred_contact
    assert (
        send(client, cast.intake, story, contact_kind="email", value="second@example.cn", is_preferred="").status_code
        == 302
    )
    person = story.case.complainant
    assert person.contacts.filter(kind="email", is_preferred=False).count() >= 1
    assert (person.preferred_contact, person.contact("phone")) == (before, "13800002417")


@pytest.mark.parametrize(
    "changes",
    [
        {"value": ""},
        {"value": "12"},
        {"value": "+86 138-0000-2417"},
        {"contact_kind": "email", "value": "keine Adresse"},
        {"contact_kind": "address", "value": "路" * 201},
    ],
)
def test_in_17_what_cannot_be_reached_or_is_known_is_refused_at_its_field(cast, client, changes):
    story = Story(cast)
    before = ContactPoint.objects.count()
    refused = send(client, cast.intake, story, **changes)
    assert refused.status_code == 422
    assert 'id="contact_point_value_error"' in refused.content.decode()
    assert ContactPoint.objects.count() == before


def test_in_17_only_the_office_adds_it_and_nobody_to_an_archived_case(cast, client):
    story = Story(cast).accept().assign()
    assert client.get(url(story)).status_code == 302
    assert send(client, cast.water_handler, story).status_code == 403
    assert send(client, cast.roads_handler, story).status_code == 404
    with pytest.raises(NotAllowed):
        transitions.add_contact_point(story.pk, kind="phone", value=NEW, is_preferred=True, by=cast.water_handler)
    with pytest.raises(InvalidInput):
        transitions.add_contact_point(story.pk, kind="identity", value="1", is_preferred=True, by=cast.intake)
    assert not CaseEvent.objects.filter(kind="contact_point").exists()


def test_risk_07_a_number_that_complained_before_makes_the_case_a_repeat(cast):
    """Found by the keyed hash, graded again with the factor of a repeat."""
    registered("2026-11-10 09:00", phone=NEW, email="")
    story = Story(cast)
    assert not story.case.is_repeat
    transitions.add_contact_point(story.pk, kind="phone", value=NEW, is_preferred=False, by=cast.intake)
    story.case.refresh_from_db()
    assert story.case.is_repeat
    codes = [factor["code"] for factor in story.case.risk_assessments.latest("pk").factors]
    assert "repeat" in codes
