"""Somebody lost the access code, and the office gives a new one (matrix, rotate; AP-06)."""

from __future__ import annotations

import re

import pytest
from django.core import mail as outbox
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.errors import InvalidInput, NotAllowed
from accounts.tests.factories import user
from complaints import jobs, tracking
from complaints.models import ContactPoint, Notification
from complaints.states import CodeWay
from complaints.tests.factories import Story, registered
from complaints.tests.public_flow import open_case
from complaints.tests.test_outgoing import gateway  # noqa: F401 - a fixture

CHECKED = "回拨案件上的电话，核对了姓名和事发地点"
CODE = re.compile(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}")


def page(complaint) -> str:
    return reverse("complaints:access_code", args=[complaint.number])


def opens(complaint, code: str) -> bool:
    return open_case(Client(), complaint, code).status_code == 302


def give(complaint, by, way=CodeWay.SENT, checked=CHECKED) -> str:
    return tracking.give_code(complaint.pk, way=way, checked=checked, by=by)


def test_a_new_code_goes_to_the_address_on_the_case_and_nobody_here_reads_it(client, cast):
    receipt = registered()
    jobs.deliver_notifications()
    outbox.outbox.clear()
    client.force_login(cast.intake)
    assert page(receipt.complaint) in client.get(f"/desk/cases/{receipt.complaint.number}/").content.decode()
    answer = client.post(page(receipt.complaint), {"way": "sent", "checked": CHECKED}, follow=True)
    shown = answer.content.decode()
    assert "原查询码已失效" in shown
    assert not opens(receipt.complaint, receipt.access_code)
    jobs.deliver_notifications()
    (letter,) = outbox.outbox
    (code,) = CODE.findall(letter.body)
    assert letter.to == ["zhang@example.cn"]
    assert opens(receipt.complaint, code)
    assert code not in shown
    seen = client.get(f"/desk/cases/{receipt.complaint.number}/").content.decode()
    assert ("补发查询码" in seen, CHECKED in seen, code in seen) == (True, True, False)
    row = Notification.objects.get(kind="new_code")
    assert code.replace("-", "") not in str(row.params)


def test_without_an_e_mail_address_it_goes_to_the_mobile_number(gateway, cast):  # noqa: F811
    receipt = registered(email="", channel="phone")
    jobs.deliver_notifications()
    gateway.messages.clear()
    assert give(receipt.complaint, cast.intake) == ""
    gateway.status = 500
    jobs.deliver_notifications()
    gateway.status = 200
    jobs.deliver_notifications()
    (code,) = CODE.findall(gateway.messages[-1]["text"])
    assert gateway.messages[-1]["to"] == "+8613800002417"
    assert opens(receipt.complaint, code)


def test_on_paper_it_is_shown_this_once(client, cast):
    receipt = registered(email="", channel="phone")
    client.force_login(cast.coordinator)
    offered = client.get(page(receipt.complaint)).content.decode()
    assert ('value="paper"' in offered, 'value="sent"' in offered) == (True, False)
    answer = client.post(page(receipt.complaint), {"way": "paper", "checked": CHECKED})
    (code,) = set(CODE.findall(answer.content.decode()))
    assert "no-store" in answer["Cache-Control"]
    assert (opens(receipt.complaint, code), opens(receipt.complaint, receipt.access_code)) == (True, False)
    assert not Notification.objects.filter(kind="new_code").exists()
    assert code not in client.get(page(receipt.complaint)).content.decode()


def test_the_open_session_of_whoever_found_the_old_code_ends(cast):
    receipt = registered()
    finder = Client()
    open_case(finder, receipt.complaint, receipt.access_code)
    assert finder.get("/track/case/").status_code == 200
    give(receipt.complaint, cast.intake)
    assert finder.get("/track/case/").status_code != 200


def test_pi_nobody_known_gets_none(client, cast):
    receipt = registered(channel="letter", name="", phone="", email="", address="")
    ContactPoint.objects.filter(complainant=receipt.complaint.complainant).delete()
    assert tracking.ways(receipt.complaint) == []
    client.force_login(cast.intake)
    answer = client.post(page(receipt.complaint), {"way": "paper", "checked": CHECKED})
    assert answer.status_code == 422
    assert opens(receipt.complaint, receipt.access_code)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [("checked", {"checked": " "}), ("checked", {"checked": "长" * 301}), ("checked", {"checked": "a\x00"}),
     ("way", {"way": "pigeon"})],
)  # fmt: skip
def test_what_is_missing_is_named_and_the_old_code_still_works(client, cast, field, wrong):
    receipt = registered()
    client.force_login(cast.intake)
    answer = client.post(page(receipt.complaint), {"way": "paper", "checked": CHECKED} | wrong)
    assert (answer.status_code, set(answer.context["form"].errors)) == (422, {field})
    with pytest.raises(InvalidInput):
        tracking.give_code(receipt.complaint.pk, by=cast.intake, **{"way": "paper", "checked": CHECKED} | wrong)
    assert opens(receipt.complaint, receipt.access_code)


def test_az_the_office_gives_it_and_nobody_else(client, cast):
    story = Story(cast).accept().assign().start()
    outsider = user("X001", "intake_officer")
    outsider.groups.clear()
    for person in (cast.water_handler, cast.water_head, cast.reviewer, cast.publisher, cast.administrator, outsider):
        client.force_login(person)
        assert client.post(page(story.case), {"way": "paper", "checked": CHECKED}).status_code in (403, 404)
        with pytest.raises(NotAllowed):
            give(story.case, person, way=CodeWay.PAPER)
    assert not story.case.events.filter(kind="give_code").exists()


def test_the_complainant_reads_that_the_code_was_renewed(cast):
    receipt = registered()
    code = give(receipt.complaint, cast.intake, way=CodeWay.PAPER)
    reader = Client()
    open_case(reader, receipt.complaint, code)
    html = reader.get("/track/case/").content.decode()
    assert ("我们给您换了新查询码" in html, CHECKED in html) == (True, False)
    assert receipt.complaint.events.get(kind="give_code").at <= timezone.now()
