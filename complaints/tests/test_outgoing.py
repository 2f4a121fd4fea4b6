"""What our mails tell mail robots and people, through a real SMTP server (RFC 3834, AP-06, I7, IN-08)."""

from __future__ import annotations

from email import message_from_bytes, policy

import pytest
from django.core.mail import EmailMessage

from complaints import jobs, mail_tokens, notify
from complaints.models import Notification
from complaints.tests.factories import registered
from complaints.tests.mail_services import smtp_server
from complaints.tests.test_outreach import Gateway

pytestmark = pytest.mark.django_db


@pytest.fixture
def smtp(settings):
    with smtp_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.DEFAULT_FROM_EMAIL = "投诉受理中心 <tousu@ours.example>"
        settings.MAIL_ADDRESS, settings.MAIL_DOMAIN = "tousu@ours.example", "ours.example"
        settings.MAIL_REPLY_TO = "reply+TOKEN@ours.example"
        settings.IMAP_ACCOUNT = object()  # a mailbox is read
        yield server


def only(smtp) -> EmailMessage:
    ((_recipients, raw),) = smtp.messages
    return message_from_bytes(raw, policy=policy.default)


def test_rfc_3834_a_mail_to_a_complainant_carries_the_headers_and_the_way_back(smtp, cast):
    case = registered().complaint
    row = Notification.objects.get(to_complainant=True)
    assert jobs.deliver_notifications() == {"sent": 1, "failed": 0}
    mail = only(smtp)
    assert smtp.messages[0][0] == ["zhang@example.cn"]
    assert (mail["Auto-Submitted"], mail["X-Huiyin"]) == ("auto-generated", "ours.example")
    assert mail["Message-ID"] == mail_tokens.message_id(row.pk)
    assert mail["Message-ID"].endswith("@ours.example>")
    assert mail["Reply-To"] == mail_tokens.reply_address(case.pk)
    assert mail["From"] == "投诉受理中心 <tousu@ours.example>"
    assert case.number in mail.get_content()


def test_ap_06_the_receipt_of_the_web_form_is_not_mailed(smtp, cast):
    receipt = registered()
    jobs.deliver_notifications()
    text = only(smtp).get_content()
    assert receipt.access_code not in text.replace("-", "")
    assert "停水" not in text + only(smtp)["Subject"]


def test_without_a_mailbox_there_is_no_way_back(smtp, cast, settings):
    settings.IMAP_ACCOUNT = None
    registered()
    jobs.deliver_notifications()
    assert only(smtp)["Reply-To"] is None


def test_an_address_without_a_place_for_the_token_is_used_as_it_is(smtp, cast, settings):
    settings.MAIL_REPLY_TO = "tousu@ours.example"
    case = registered().complaint
    jobs.deliver_notifications()
    assert only(smtp)["Reply-To"] == "tousu@ours.example"
    sent = Notification.objects.get(to_complainant=True)
    answers = mail_tokens.answers(["tousu@ours.example"], [mail_tokens.message_id(sent.pk)])
    assert (answers.complaints, answers.notifications, answers.forged) == (frozenset(), {sent.pk}, False)
    assert sent.complaint == case


def test_a_mail_to_staff_is_marked_too_but_has_no_token(smtp, cast):
    notify.tell([cast.intake], "assigned", dedupe="x")
    jobs.deliver_notifications()
    mail = only(smtp)
    assert (mail["Auto-Submitted"], mail["X-Huiyin"], mail["Reply-To"]) == ("auto-generated", "ours.example", None)


def test_i7_a_refused_recipient_is_tried_five_times_and_then_marked(smtp, cast):
    registered()
    smtp.refuse = {"zhang@example.cn"}
    for _n in range(6):
        jobs.deliver_notifications()
    row = Notification.objects.get(to_complainant=True)
    assert (row.attempts, row.sent_at, row.failed_at is not None, smtp.messages) == (5, None, True, [])
    smtp.refuse = set()
    assert jobs.deliver_notifications() == {"sent": 0, "failed": 0}


@pytest.fixture
def gateway(settings):
    with Gateway().running() as server:
        settings.SMS_URL = server.url
        yield server


def test_case_10_coo_04_without_an_e_mail_address_the_news_come_as_a_short_message(gateway, cast):
    """Number and link, nothing of the matter; what the gateway refused is tried again under the same id."""
    receipt = registered(email="", channel="phone")
    gateway.status = 500
    assert jobs.deliver_notifications() == {"sent": 0, "failed": 1}
    gateway.status = 200
    assert jobs.deliver_notifications() == {"sent": 1, "failed": 0}
    assert jobs.deliver_notifications() == {"sent": 0, "failed": 0}
    (message,) = gateway.messages
    row = Notification.objects.get(to_complainant=True)
    assert (message["to"], message["id"]) == ("+8613800002417", f"news-{row.pk}")
    assert receipt.complaint.number in message["text"]
    assert receipt.access_code not in message["text"].replace("-", "")
    assert "停水" not in message["text"]


@pytest.mark.parametrize("phone", ["", "010-66551234"])
def test_case_10_a_landline_or_no_gateway_gets_no_message(gateway, cast, settings, phone):
    registered(email="", phone=phone)
    settings.SMS_URL = ""
    registered(email="", phone="13800002418")
    assert not Notification.objects.filter(to_complainant=True).exists()


def test_case_10_an_e_mail_address_is_enough(gateway, smtp, cast):
    registered()
    assert jobs.deliver_notifications() == {"sent": 1, "failed": 0}
    assert gateway.messages == []
