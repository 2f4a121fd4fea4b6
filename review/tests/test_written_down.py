"""An application for a review that came by telephone, letter or at the counter (FB-19, REV-18)."""

from __future__ import annotations

import pytest

from accounts.errors import InvalidInput, NotAllowed
from complaints.models import Complaint
from complaints.tests.factories import Story, at
from review import transitions
from review.models import ReviewCase
from review.states import ReviewStatus, TriggerKind

pytestmark = pytest.mark.django_db

FORM = {"channel": "phone", "reasons": ["not_solved"], "text": "又停水了，答复说的没有做到"}


@pytest.fixture
def clock(monkeypatch):
    """Sets the time of this machine."""
    return lambda text: monkeypatch.setattr("django.utils.timezone.now", lambda: at(text))


@pytest.fixture
def story(cast, clock):
    """Answered and called back: dissatisfied."""
    clock("2026-11-23 09:00")
    return Story(cast, channel="phone").to_reply().deliver().call_back(satisfaction="dissatisfied")


def page(story) -> str:
    return f"/desk/cases/{story.case.number}/review/apply/"


def test_fb_19_the_office_writes_the_application_down_and_the_review_group_has_it(cast, client, story):
    client.force_login(cast.intake)
    assert page(story) in client.get(f"/desk/cases/{story.case.number}/").content.decode()
    assert client.get(page(story)).status_code == 200
    empty = client.post(page(story), {**FORM, "text": ""})
    assert empty.status_code == 422
    # To a member of staff, not to the complainant.
    assert "请写下投诉人怎么说" in empty.content.decode()
    assert "请用您自己的话" not in empty.content.decode()
    assert client.post(page(story), {**FORM, "channel": "pigeon"}).status_code == 422
    assert not ReviewCase.objects.exists()
    assert client.post(page(story), FORM)["Location"] == f"/desk/cases/{story.case.number}/"
    review = ReviewCase.objects.get(complaint=story.pk)
    trigger = review.triggers.get(kind=TriggerKind.APPLICATION)
    assert (review.status, trigger.channel, trigger.reasons) == (ReviewStatus.REQUESTED, "phone", ["not_solved"])
    heard = story.case.communications.latest("pk")
    assert (heard.direction, heard.channel, heard.by) == ("in", "phone", cast.intake)
    assert FORM["text"] in heard.summary


def test_fb_19_only_whoever_writes_down_what_complainants_say(cast, client, story):
    client.force_login(cast.water_handler)
    assert page(story) not in client.get(f"/desk/cases/{story.case.number}/").content.decode()
    assert client.get(page(story)).status_code == 403
    with pytest.raises(NotAllowed):
        transitions.apply(story.pk, by=cast.water_handler, at=at("2026-11-23 10:00"), **FORM)
    story.case.accused_staff.add(cast.intake)
    with pytest.raises(NotAllowed):
        transitions.apply(story.pk, by=cast.intake, at=at("2026-11-23 10:00"), **FORM)
    with pytest.raises(InvalidInput) as caught:
        transitions.apply(story.pk, by=cast.intake2, at=at("2026-11-23 10:00"), **{**FORM, "channel": "pigeon"})
    assert caught.value.field == "channel"


def test_fb_19_past_the_time_and_for_an_unfounded_case_the_page_says_why(cast, client, story, clock):
    client.force_login(cast.intake)
    Complaint.objects.filter(pk=story.pk).update(is_valid=False)
    assert client.post(page(story), FORM).status_code == 409
    Complaint.objects.filter(pk=story.pk).update(is_valid=None)
    clock("2027-03-01 09:00")
    client.force_login(cast.intake)
    late = client.post(page(story), FORM)
    assert (late.status_code, FORM["text"] in late.content.decode()) == (409, True)
    assert not ReviewCase.objects.exists()
