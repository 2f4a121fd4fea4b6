"""Contact data nobody has checked: what goes to them, and what staff see beside them (PI-15)."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.utils import timezone

from complaints import drafts, notify, outgoing, transitions, verification
from complaints.models import Notification
from complaints.states import Channel, ContactDirection, ContactOutcome, ContactPurpose
from complaints.tests.factories import Story, at, registered

pytestmark = pytest.mark.django_db

# Every kind that is sent to a complainant, and one that has no sentence of its own.
KINDS = ["received", "accepted", "not_accepted", "information_wanted", "extended", "replied", "review", "new_kind"]
SECRETS = {
    "subject": "机密主题甲",
    "narrative": "机密经过乙",
    "demand": "机密诉求丙",
    "place": "机密地点丁",
    "name": "机密姓名戊",
    "phone": "13899998888",
    "address": "机密住址己",
}


def contact(story: Story, *, by=None, channel=Channel.PHONE, outcome=ContactOutcome.REACHED) -> None:
    transitions.add_contact(
        story.pk,
        by=by,
        direction=ContactDirection.OUT,
        channel=channel,
        purpose=ContactPurpose.FIRST_CONTACT,
        outcome=outcome,
        summary="核实",
        at=at("2026-11-16 11:00"),
    )


def kinds(story: Story) -> list[str]:
    return [str(kind) for kind in verification.unverified(story.case)]


# --- What is sent -------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", KINDS)
def test_pi_15_a_mail_holds_the_number_and_the_address_of_the_site_only(kind, mailoutbox):
    """Somebody filed with another person's address: the mail tells that person nothing of the matter."""
    receipt = registered(email="somebody.else@example.cn", **SECRETS)
    case = receipt.complaint
    Notification.objects.all().delete()
    notify.tell_complainant(case, kind, dedupe=f"{kind}:1")
    assert outgoing.send(Notification.objects.get()) == 1
    mail = mailoutbox[-1]
    assert mail.to == ["somebody.else@example.cn"]
    text = f"{mail.subject}\n{mail.body}"
    assert case.number in text
    assert f"{settings.PUBLIC_BASE_URL}/track/" in text
    for secret in (*SECRETS.values(), receipt.access_code, drafts.transitions.group_code(receipt.access_code)):
        assert secret not in text
    assert mail.attachments == []
    links = re.findall(r"https?://\S+", text)
    assert links == [f"{settings.PUBLIC_BASE_URL}/track/"]


def test_pi_15_two_complaints_get_the_same_words(mailoutbox):
    """Nothing of a case but its number reaches the mail: exchanged, the mails are equal."""
    texts = []
    for changes in ({}, {"subject": "别的事", "narrative": "别的经过", "name": "李四"}):
        case = registered(**changes).complaint
        Notification.objects.all().delete()
        notify.tell_complainant(case, "replied", dedupe=f"replied:{case.number}")
        outgoing.send(Notification.objects.get())
        texts.append((mailoutbox[-1].subject + mailoutbox[-1].body).replace(case.number, "N"))
    assert texts[0] == texts[1]


def test_pi_15_the_row_of_a_message_holds_the_number_only(cast):
    """COO-04: the complainant is told of receipt, acceptance and reply."""
    story = Story(cast, **SECRETS).to_reply()
    rows = Notification.objects.filter(to_complainant=True)
    assert {row.kind for row in rows} >= {"received", "accepted", "replied"}
    assert all(row.params == {"number": story.case.number} for row in rows)


# --- What staff see -------------------------------------------------------------------------------
def test_pi_15_contacts_of_the_form_are_unverified_until_somebody_was_reached_there(cast):
    """One channel proves nothing about the other; a failed call proves nothing."""
    story = Story(cast)
    assert kinds(story) == ["phone", "email", "address"]
    contact(story, by=cast.intake, outcome=ContactOutcome.NO_ANSWER)
    contact(story, by=cast.intake, outcome=ContactOutcome.WRONG_NUMBER)
    assert kinds(story) == ["phone", "email", "address"]
    contact(story, by=cast.intake)
    assert kinds(story) == ["email", "address"]


def test_pi_15_what_the_complainant_writes_on_the_tracking_page_proves_nothing(cast):
    story = Story(cast)
    contact(story, by=None, channel=Channel.EMAIL)
    assert "email" in kinds(story)


def test_pi_15_a_complaint_taken_down_by_the_hotline_is_not_marked(cast):
    assert kinds(Story(cast, channel=Channel.PHONE)) == []


def test_pi_15_the_case_page_says_so_beside_the_contact(client, cast):
    story = Story(cast, email="", address="")
    client.force_login(cast.intake)
    url = f"/desk/cases/{story.case.number}/"
    mark = re.compile(r"138\*\*\*\*2417</span> <span class=\"tag[^>]*>(?:未核实|not verified)<")
    assert mark.search(client.get(url).content.decode())
    contact(story, by=cast.intake)
    html = client.get(url).content.decode()
    assert "138****2417" in html
    assert not mark.search(html)


def test_pi_15_the_mark_stays_when_the_number_is_shown_in_clear(client, cast):
    """Whoever is about to ring is warned as well."""
    story = Story(cast, email="", address="", when=timezone.localtime().strftime("%Y-%m-%d 00:00"))
    client.force_login(cast.intake)
    data = {"reason": "电话核实", "fields_shown": ["phone"]}
    html = client.post(f"/desk/cases/{story.case.number}/reveal/", data).content.decode()
    assert re.search(r"13800002417 <span class=\"tag[^>]*>(?:未核实|not verified)<", html)
