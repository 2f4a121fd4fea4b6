"""What followed for staff: read by few, each reading logged, nothing of it in the record of the case (QUA-15)."""

import pytest

from accounts.errors import InvalidInput
from accounts.models import SecurityEvent
from complaints.models import Consequence
from complaints.states import Audience
from complaints.tests.factories import Story, at
from complaints.transitions import quality as transitions

pytestmark = pytest.mark.django_db


def values(cast, **changes):
    words = {"kind": "criticism", "text": "当面批评教育", "decided_on": "2026-11-20"}
    return {"person": cast.water_handler.staff_number, **words, **changes}


@pytest.fixture
def story(cast):
    return Story(cast, "2026-11-16 09:12").accept().assign()


def test_qua_15_management_records_it_and_each_reading_is_logged(cast, story, client):
    client.force_login(cast.manager)
    url = f"/desk/cases/{story.case.number}/consequences/"
    assert client.get(url).status_code == 200
    assert client.post(url, values(cast)).status_code == 302
    assert "当面批评教育" in client.get(url).content.decode()
    read = SecurityEvent.objects.filter(kind="consequences_read", user=cast.manager, subject=story.case.number)
    assert read.count() == 3
    event = story.case.events.get(kind="consequence")
    assert (event.note, event.audience) == ("", Audience.OFFICE)
    assert Consequence.objects.get().by == cast.manager


@pytest.mark.parametrize("person", ["intake", "coordinator", "checker", "water_handler", "auditor", "administrator"])
def test_qua_15_for_everybody_else_the_page_does_not_exist(person, cast, story, client):
    client.force_login(getattr(cast, person))
    url = f"/desk/cases/{story.case.number}/consequences/"
    assert client.get(url).status_code == 404
    assert client.post(url, values(cast)).status_code == 404
    assert SecurityEvent.objects.filter(kind="refused", subject=story.case.number).count() == 2
    assert not Consequence.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"text": ""}, "text"),
        ({"person": "M001"}, "person"),
        ({"decided_on": "2099-01-01"}, "decided_on"),
        ({"kind": "x"}, "kind"),
    ],
)
def test_qua_15_bad_input_names_the_field(change, field, cast, story, client):
    client.force_login(cast.manager)
    answer = client.post(f"/desk/cases/{story.case.number}/consequences/", values(cast, **change))
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert not Consequence.objects.exists()


def test_qua_15_what_concerns_oneself_is_recorded_by_somebody_else(cast, story):
    """The rule itself, not only the list the form offers."""
    with pytest.raises(InvalidInput) as refused:
        transitions.record_consequence(
            story.pk,
            by=cast.manager,
            person=cast.manager,
            kind="criticism",
            text="自我批评",
            decided_on=at("2026-11-20 09:00").date(),
            at=at("2026-11-21 09:00"),
        )
    assert refused.value.field == "person"
    assert not Consequence.objects.exists()
