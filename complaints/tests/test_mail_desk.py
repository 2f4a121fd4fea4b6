"""The clerk's page of e-mails: what waits, why, and the three decisions (IN-08, AZ-01, AZ-06, PI-09)."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import SecurityEvent
from complaints import mail_intake
from complaints.models import CaseEvent, Complaint, InboundMail, Mailbox, MailState
from complaints.tests.factories import at, registered
from complaints.tests.mail_services import message

pytestmark = pytest.mark.django_db
LIST = "/desk/mails/"


@pytest.fixture(autouse=True)
def _clerk_first(settings):
    settings.MAIL_INTAKE = "clerk"


@pytest.fixture
def clerk(client, cast):
    client.force_login(cast.intake)
    return client


def taken(text="水表坏了三个月没人来修，请处理。", *, whole=True, **changes) -> InboundMail:
    box, _created = Mailbox.objects.get_or_create(name="tousu")
    now = timezone.now()
    raw = message(text, **changes).as_bytes()
    mail_intake.take_in(raw, mailbox=box, received_at=now, at=now, whole=whole)
    return InboundMail.objects.latest("pk")


def page(row: InboundMail) -> str:
    return reverse("complaints:mail", args=[row.pk])


def test_in_08_the_list_shows_what_waits_oldest_first_with_the_sender_masked(clerk):
    first, second = taken(message_id="<1@x.cn>"), taken(message_id="<2@x.cn>", subject="第二封")
    InboundMail.objects.filter(pk=first.pk).update(received_at=at("2026-11-01 09:00"))
    html = clerk.get(LIST).content.decode()
    assert html.index(page(first)) < html.index(page(second))
    assert "z***@example.cn" in html
    assert "zhang@example.cn" not in html
    assert str(mail_intake.REASONS["clerk"]) in html


def test_the_list_costs_the_same_for_one_and_three(clerk, django_assert_num_queries):
    taken()
    clerk.get(LIST)
    with django_assert_num_queries(6):
        clerk.get(LIST)
    for n in range(2, 4):
        taken(message_id=f"<{n}@x.cn>")
    with django_assert_num_queries(6):
        clerk.get(LIST)


@pytest.mark.parametrize(
    ("error", "words"),
    [("LoginError", "服务器不接受用户名或密码"), ("IMAPClientAbortError", "IMAPClientAbortError"), ("", None)],
)
def test_in_08_a_mailbox_that_could_not_be_read_says_why(clerk, error, words):
    Mailbox.objects.create(name="tousu", polled_at=timezone.now(), error=error)
    html = clerk.get(LIST).content.decode()
    assert ("邮箱无法读取" in html) == bool(words)
    assert not words or f"tousu：{words}（" in html


def test_the_list_is_paged_by_position(clerk):
    rows = [taken(message_id=f"<{n}@x.cn>", subject=f"第{n}封") for n in range(32)]
    first = clerk.get(LIST)
    assert len(first.context["items"]) == 30
    second = clerk.get(LIST + first.context["next_url"])
    assert [row.pk for row, *_rest in second.context["items"]] == [rows[30].pk, rows[31].pk]


def test_the_tabs_show_what_became_of_the_others(clerk, cast):
    taken(message_id="<1@x.cn>", Auto_Submitted="auto-replied")
    assert [row.state for row, *_rest in clerk.get(LIST + "?tab=automatic").context["items"]] == ["automatic"]
    assert clerk.get(LIST).context["items"] == []
    assert clerk.get(LIST + "?tab=nonsense").context["tab"] == "waiting"


def test_az_06_the_sender_is_shown_on_demand_and_who_looked_is_written_down(clerk, cast):
    row = taken()
    assert "zhang@example.cn" not in clerk.get(page(row)).content.decode()
    assert "zhang@example.cn" in clerk.post(page(row) + "sender/").content.decode()
    event = SecurityEvent.objects.get(kind="mail_sender_shown")
    assert (event.user, event.subject) == (cast.intake, f"mail:{row.pk}")


def test_pi_09_a_hostile_message_is_text(clerk):
    row = taken(
        "<script>alert(1)</script> 停水了请处理", subject='<img src=x onerror="alert(1)">', sender='"<b>x" <a@b.cn>'
    )
    for address in (LIST, page(row)):
        html = clerk.get(address).content.decode()
        assert "<script>alert" not in html
        assert "<img src=x" not in html


def test_in_08_a_clerk_makes_a_complaint_of_it(clerk, cast):
    row = taken()
    form = clerk.get(page(row)).context["register_form"]
    assert form["narrative"].value() == "水表坏了三个月没人来修，请处理。"
    answer = clerk.post(
        page(row) + "register/",
        {"subject": "水表坏了", "narrative": form["narrative"].value(), "phone": "13800002417", "demand": "修好"},
    )
    case = Complaint.objects.get()
    assert answer.url == f"/desk/cases/{case.number}/"
    assert (case.channel, case.subject, case.registered_by) == ("email", "水表坏了", cast.intake)
    assert (case.complainant.name, case.complainant.contact("email")) == ("张桂芳", "zhang@example.cn")
    assert [a.evidence_kind for a in case.attachments.all()] == ["message"]
    row.refresh_from_db()
    assert (row.state, row.complaint, row.decided_by) == (MailState.COMPLAINT, case, cast.intake)


def test_cc_06_the_second_of_two_clerks_makes_no_second_case(clerk, cast):
    row = taken()
    data = {"subject": "水表坏了", "narrative": "水表坏了三个月"}
    clerk.post(page(row) + "register/", data)
    answer = clerk.post(page(row) + "register/", data)
    assert answer.url == page(row)
    assert Complaint.objects.count() == 1
    clerk.post(page(row) + "dismiss/", {"reason": "广告邮件"})
    row.refresh_from_db()
    assert row.state == MailState.COMPLAINT


def test_an_incomplete_form_keeps_what_was_typed_and_names_the_field(clerk):
    row = taken()
    answer = clerk.post(page(row) + "register/", {"subject": "", "narrative": "写好的话", "phone": "12"})
    assert answer.status_code == 422
    assert set(answer.context["register_form"].errors) == {"subject", "phone"}
    assert "写好的话" in answer.content.decode()
    assert not Complaint.objects.exists()


def test_in_08_a_clerk_joins_it_to_a_case(clerk, cast):
    case = registered().complaint
    row = taken(subject=f"Re: {case.number}")
    assert clerk.get(page(row)).context["join_form"]["number"].value() == case.number
    answer = clerk.post(page(row) + "join/", {"number": case.number.lower()})
    assert answer.url == f"/desk/cases/{case.number}/"
    row.refresh_from_db()
    assert (row.state, row.complaint, row.decided_by) == (MailState.JOINED, case, cast.intake)
    assert CaseEvent.objects.get(complaint=case, kind="mail_joined").actor == cast.intake
    assert case.communications.get().summary == "水表坏了三个月没人来修，请处理。"
    assert clerk.get(f"/desk/cases/{case.number}/").status_code == 200


@pytest.mark.parametrize("number", ["", "HY-20261116-9999", "nonsense"])
def test_an_unknown_number_joins_nothing(clerk, number):
    row = taken()
    answer = clerk.post(page(row) + "join/", {"number": number})
    assert (answer.status_code, set(answer.context["join_form"].errors)) == (422, {"number"})
    row.refresh_from_db()
    assert row.state == MailState.WAITING


def test_in_08_a_clerk_puts_it_aside_with_a_reason_and_may_think_again(clerk, cast):
    row = taken()
    assert clerk.post(page(row) + "dismiss/", {"reason": " "}).status_code == 422
    assert clerk.post(page(row) + "dismiss/", {"reason": "广告邮件"}).url == LIST
    row.refresh_from_db()
    assert (row.state, row.reason, row.decided_by) == (MailState.DISMISSED, "广告邮件", cast.intake)
    clerk.post(page(row) + "register/", {"subject": "水表坏了", "narrative": "水表坏了三个月"})
    row.refresh_from_db()
    assert row.state == MailState.COMPLAINT


def test_a_message_too_large_is_registered_by_hand_and_named(clerk, cast):
    row = taken(whole=False)
    assert clerk.post(page(row) + "register/", {"subject": "a", "narrative": "b"}).status_code == 404
    assert clerk.get(page(row) + "original/").status_code == 404
    case = registered().complaint
    clerk.post(page(row) + "join/", {"number": case.number})
    row.refresh_from_db()
    assert (row.state, row.complaint, case.communications.count()) == (MailState.JOINED, case, 0)


def test_fl_01_the_original_is_a_download_that_nothing_opens(clerk):
    row = taken()
    answer = clerk.get(page(row) + "original/")
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert b"".join(answer.streaming_content) == message("水表坏了三个月没人来修，请处理。").as_bytes()


@pytest.mark.parametrize("who", ["water_handler", "reviewer", "administrator", "auditor"])
def test_others_do_not_reach_the_mails(client, cast, who):
    row = taken()
    client.force_login(getattr(cast, who))
    for address in (LIST, page(row), page(row) + "original/"):
        assert client.get(address).status_code == 403
    for action in ("register", "join", "dismiss", "sender"):
        assert client.post(f"{page(row)}{action}/", {"reason": "x"}).status_code == 403
    row.refresh_from_db()
    assert row.state == MailState.WAITING


def test_the_number_of_waiting_mails_stands_in_the_navigation(clerk):
    taken()
    html = clerk.get(LIST).content.decode()
    assert f'href="{LIST}"' in html
    assert clerk.get(LIST).context["nav_counts"]["mails"] == 1
