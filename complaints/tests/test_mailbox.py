"""E-mail as a channel, with a real IMAP server: taken in once, joined by token, never answered by a machine.

IN-08, AP-07, PI-15, RFC 3834.
"""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.core.management import call_command
from django.db import connection
from django.utils import timezone, translation
from django.utils.translation import gettext

from accounts.errors import IllegalTransition
from complaints import files, jobs, mail_intake, mail_tokens, mailbox, tracking
from complaints import transitions as t
from complaints.models import (
    Complaint,
    ContactPoint,
    InboundMail,
    IntakeDraft,
    JobRun,
    Mailbox,
    MailState,
    Notification,
    StoredFile,
)
from complaints.tests.factories import Story, registered
from complaints.tests.mail_services import imap_server, message

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def imap():
    with imap_server() as server:
        yield server


@pytest.fixture
def box(imap, settings):
    """An empty folder that is read; addresses on a domain of our own."""
    imap.fresh("Tousu")
    settings.IMAP_ACCOUNT = imap.account()
    settings.DEFAULT_FROM_EMAIL = "投诉办 <huiyin@ours.example>"
    settings.MAIL_ADDRESS, settings.MAIL_DOMAIN = "huiyin@ours.example", "ours.example"
    settings.MAIL_REPLY_TO = "reply+TOKEN@ours.example"
    return imap


@pytest.fixture
def deliver(box):
    """Put messages into the mailbox and read it; returns what the job says."""

    def work(*messages, at=None):
        for item in messages:
            box.put(item if isinstance(item, bytes) else item.as_bytes(), at=at or timezone.now())
        return mailbox.poll()

    return work


def only_row() -> InboundMail:
    (row,) = InboundMail.objects.all()
    return row


def waits(reason: str) -> bool:
    row = only_row()
    return (row.state, row.reason, row.complaint) == (MailState.WAITING, reason, None)


# --- New mail ---------------------------------------------------------------------------------
def test_in_08_new_mail_becomes_a_case_with_its_original_and_attachments(deliver, box):
    item = message()
    item.add_attachment(b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + b"\0\0\0\2\0\0\0\2" + bytes(9), maintype="image",
                        subtype="png", filename="水表.png")  # fmt: skip
    item.add_attachment(b"MZ\x90", maintype="application", subtype="octet-stream", filename="查看.exe")
    assert deliver(item) == {"ok": True, "complaint": 1}
    case = Complaint.objects.get()
    assert (case.channel, case.subject) == ("email", "槐荫里小区停水超过 24 小时")
    assert case.narrative == "11 月 15 日早上 7 点停水，到现在还没来水，请查明原因。"
    assert (case.complainant.name, case.complainant.contact("email")) == ("张桂芳", "zhang@example.cn")
    kept = [(row.name, row.evidence_kind) for row in case.attachments.order_by("pk")]
    assert kept == [("槐荫里小区停水超过 24 小时.eml", "message"), ("水表.png", "complainant")]
    with files.open_file(case.attachments.get(evidence_kind="message").file) as original:
        assert original.read().replace(b"\r\n", b"\n") == item.as_bytes()
    assert (only_row().state, only_row().complaint) == (MailState.COMPLAINT, case)
    assert b"\\Seen" not in {flag for flags in box.flags().values() for flag in flags}


def test_in_08_the_sender_gets_number_code_and_dates_once(deliver):
    deliver(message())
    case = Complaint.objects.get()
    assert jobs.deliver_notifications()["sent"] == 1
    (answer,) = outbox.outbox
    code = re.search(r"(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}", answer.body.replace(case.number, ""))[0]
    assert case.number in answer.body
    assert tracking.find(case.number, tracking.normalise_code(code)) == case
    assert IntakeDraft.objects.get(complaint=case).receipt == ""
    assert "停水" not in answer.subject + answer.body


def test_rfc_3834_the_receipt_names_the_message_it_answers(deliver):
    """The sender's program shows both together; later news of the case answer nothing."""
    deliver(message(message_id="<CAF+x=1@mail.example.cn>"))
    jobs.deliver_notifications()
    headers = outbox.outbox[0].extra_headers
    assert [headers[name] for name in ("Auto-Submitted", "In-Reply-To", "References")] == [
        "auto-replied",
        "<CAF+x=1@mail.example.cn>",
        "<CAF+x=1@mail.example.cn>",
    ]


@pytest.mark.parametrize("given", ["<" + "x" * 300 + "@mail.example.cn>", "none"])
def test_rfc_3834_an_id_that_is_not_whole_goes_into_no_header(deliver, given):
    deliver(message(message_id=given))
    assert jobs.deliver_notifications()["sent"] == 1
    headers = outbox.outbox[0].extra_headers
    assert ("In-Reply-To" in headers, headers["Auto-Submitted"]) == (False, "auto-generated")


def test_in_08_a_message_offered_twice_or_under_new_numbers_is_one_case(deliver, box):
    item = message()
    deliver(item)
    assert deliver(item) == {"ok": True, "known": 1}
    before = Mailbox.objects.get()
    box.fresh("Tousu")
    assert deliver(item) == {"ok": True, "known": 1}
    after = Mailbox.objects.get()
    assert before.uid_validity != after.uid_validity
    assert (Complaint.objects.count(), InboundMail.objects.count()) == (1, 1)
    assert mailbox.poll() == {"ok": True}


def test_a_copy_that_came_another_way_is_the_same_message(deliver):
    raw = message().as_bytes()
    assert deliver(raw, b"Received: from mx2.example.cn\n" + raw) == {"ok": True, "complaint": 1, "known": 1}


def test_in_08_gb18030_text_labelled_gb2312_is_read(deliver):
    raw = (
        b"From: =?gb2312?B?1cW58LfS?= <zhang@example.cn>\r\nSubject: " + "投诉物业".encode("gb18030")
        + b"\r\nContent-Type: text/plain; charset=gb2312\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        + "龘字小区的镕经理态度恶劣，多次推诿。".encode("gb18030")
    )  # fmt: skip
    deliver(raw)
    case = Complaint.objects.get()
    assert (case.subject, case.narrative) == ("投诉物业", "龘字小区的镕经理态度恶劣，多次推诿。")
    assert case.complainant.name == "张桂芬"


def test_pi_16_line_breaks_in_the_subject_and_nul_in_the_text_do_no_harm(deliver):
    raw = (
        b"From: zhang@example.cn\r\nSubject: =?utf-8?Q?stop=0D=0ABcc:_victim@example.cn?=\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + "停水\x00超过二十四小时了。".encode()
    )
    deliver(raw)
    case = Complaint.objects.get()
    assert (case.subject, case.narrative) == ("stop Bcc: victim@example.cn", "停水超过二十四小时了。")
    jobs.deliver_notifications()
    assert [item.recipients() for item in outbox.outbox] == [["zhang@example.cn"]]


def test_a_text_longer_than_the_register_takes_is_shortened_and_says_so(deliver):
    deliver(message("停水。" * 10_000))
    narrative = Complaint.objects.get().narrative
    assert len(narrative) == 20_000
    with translation.override("zh-hans"):
        assert narrative.endswith(gettext("(Shortened. The whole e-mail is attached as the original.)"))


# --- What waits -------------------------------------------------------------------------------
def test_fl_05_a_message_of_30_megabytes_waits_with_its_reason_and_is_not_fetched(deliver):
    raw = message().as_bytes() + b"x" * 76 * 1 + (b"y" * 76 + b"\n") * 390_000
    assert len(raw) > 30_000_000
    assert deliver(raw) == {"ok": True, "waiting": 1}
    assert waits("too_large")
    assert (only_row().subject, only_row().sender) == ("槐荫里小区停水超过 24 小时", "zhang@example.cn")
    assert only_row().original is None
    assert not StoredFile.objects.exists()
    assert deliver(raw) == {"ok": True, "known": 1}


def test_fl_04_a_message_too_complex_to_read_waits_with_its_original(deliver):
    raw = b"From: a@example.cn\r\n\r\n" + b"multipart/ message/" * 200
    deliver(raw)
    assert waits("unreadable")
    with files.open_file(only_row().original) as original:
        assert original.read() == raw


def test_a_short_text_waits(deliver):
    deliver(message("你好"))
    assert waits("short")


def test_a_message_without_a_sender_waits(deliver):
    deliver(b"From: nobody\r\n\r\n" + "小区停水超过二十四小时".encode())
    assert waits("no_sender")


def test_old_messages_of_a_mailbox_read_for_the_first_time_wait(deliver):
    deliver(message(), at=timezone.now() - timedelta(days=8))
    assert waits("old")


def test_every_message_waits_where_the_office_wants_to_look_first(deliver, settings):
    settings.MAIL_INTAKE = "clerk"
    deliver(message())
    assert waits("clerk")


def test_pi_10_one_sender_files_so_many_a_day_and_then_waits(deliver):
    many = [message(f"第 {n} 次投诉小区停水的问题", message_id=f"<{n}@example.cn>") for n in range(11)]
    assert deliver(*many) == {"ok": True, "complaint": 10, "waiting": 1}
    assert InboundMail.objects.get(state="waiting").reason == "many"


# --- Answers ------------------------------------------------------------------------------------
@pytest.fixture
def case(cast):
    return registered().complaint


def reply(complaint, text="补充：昨天下午又停水两小时。", **changes):
    return message(text, to=mail_tokens.reply_address(complaint.pk), subject="回复", **changes)


def test_in_08_an_answer_with_a_token_joins_its_case(deliver, case):
    assert deliver(reply(case, "补充：昨天下午又停水两小时。\n\n> 您的投诉已登记")) == {"ok": True, "joined": 1}
    assert (only_row().state, only_row().complaint) == (MailState.JOINED, case)
    (contact,) = case.communications.all()
    assert (contact.channel, contact.summary) == ("email", "补充：昨天下午又停水两小时。")
    assert [row.evidence_kind for row in case.attachments.all()] == ["message"]
    assert case.events.filter(kind="mail_joined").count() == 1
    assert Complaint.objects.count() == 1


def test_an_answer_that_asks_becomes_a_question(deliver, case):
    deliver(reply(case, "什么时候能来水？"))
    (question,) = case.questions.all()
    assert (question.channel, question.text) == ("email", "什么时候能来水？")


def test_an_answer_in_capitals_to_a_mail_server_that_changes_case_still_joins(deliver, case):
    deliver(message(to=mail_tokens.reply_address(case.pk).upper()))
    assert only_row().complaint == case


def test_an_answer_gives_the_information_that_was_asked_for(deliver, case, cast):
    t.request_information(case.pk, by=cast.intake, items="水表照片", at=case.registered_at)
    deliver(reply(case, "照片见附件。"))
    case.refresh_from_db()
    assert case.status == "registered"
    assert case.supplement_requests.get().answer == "照片见附件。"


def test_in_08_an_answer_is_found_by_the_message_it_refers_to(deliver, case):
    sent = Notification.objects.get(complaint=case, to_complainant=True)
    deliver(message(In_Reply_To=mail_tokens.message_id(sent.pk)))
    assert only_row().complaint == case


def test_ap_07_a_forged_token_waits(deliver, case):
    address = mail_tokens.reply_address(case.pk)
    other = registered().complaint
    forged = address.replace(f"+c{case.pk}-", f"+c{other.pk}-")
    deliver(message(to=forged))
    assert waits("forged")
    assert not other.communications.exists()


@pytest.mark.parametrize("token", ["", "c1", "c1-0123456789abcdef0123", "n1-0123456789abcdef0123", "x" * 60])
def test_ap_07_no_made_up_token_joins(deliver, case, token):
    deliver(message(to=f"reply+{token}@ours.example"))
    assert waits("forged")


def test_ap_07_a_token_for_a_message_opens_no_case(deliver, case):
    token = mail_tokens.message_id(case.pk).removeprefix("<huiyin.").partition("@")[0]
    deliver(message(to=f"reply+{token}@ours.example"))
    assert waits("forged")


def test_ap_07_an_answer_that_names_two_cases_waits(deliver, case):
    other = registered().complaint
    deliver(reply(case, message_id="<a@example.cn>"))
    item = message(to=f"{mail_tokens.reply_address(case.pk)}, {mail_tokens.reply_address(other.pk)}")
    deliver(item)
    item = message("说的是另一件事情的进展。", to=mail_tokens.reply_address(case.pk), subject=f"关于 {other.number}")
    deliver(item)
    assert [row.reason for row in InboundMail.objects.filter(state="waiting")] == ["two_cases", "two_cases"]


def test_ap_07_a_number_in_the_subject_alone_joins_nothing(deliver, case):
    deliver(message(subject=f"Re: {case.number}"))
    assert waits("number_only")


def test_ap_07_a_stranger_with_the_token_waits(deliver, case):
    deliver(reply(case, sender="stranger@example.cn"))
    assert waits("other_sender")


def test_an_answer_to_a_case_taken_back_waits(deliver, case):
    t.withdraw(case.pk, by=None, at=timezone.now())
    deliver(reply(case))
    assert waits("refused")


def test_an_answer_to_a_message_to_staff_waits(deliver, case, cast):
    row = Notification.objects.create(recipient=cast.intake, kind="assigned", complaint=case, dedupe_key="x")
    deliver(message(In_Reply_To=mail_tokens.message_id(row.pk)))
    assert waits("to_staff")


# --- Robots ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("headers", "state"),
    [
        ({"Auto_Submitted": "auto-replied"}, MailState.AUTOMATIC),
        ({"Precedence": "bulk"}, MailState.AUTOMATIC),
        ({"List_Id": "<l.example.cn>"}, MailState.AUTOMATIC),
        ({"Return_Path": "<>"}, MailState.BOUNCE),
        ({"X_Huiyin": "ours.example"}, MailState.LOOP),
    ],
)
def test_rfc_3834_what_a_machine_sent_is_recorded_and_never_answered(deliver, case, headers, state):
    jobs.deliver_notifications()
    outbox.outbox.clear()
    deliver(message(to=mail_tokens.reply_address(case.pk), **headers))
    assert only_row().state == state
    jobs.deliver_notifications()
    assert (Complaint.objects.count(), outbox.outbox) == (1, [])


def bounce_of(sent):
    """What a mail server sends back when there is no such user."""
    return (
        b"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.cn\r\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nno such user\r\n"
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\nAction: failed\r\n"
        b"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: %s\r\n\r\n--b--\r\n"
    ) % mail_tokens.message_id(sent.pk).encode()


def test_fb_03_a_reply_that_came_back_is_not_told_yet(deliver, cast):
    """Who complained by e-mail reads the reply nowhere else: the case closes only once it was told another way."""
    story = Story(cast, channel="email").to_reply()
    jobs.deliver_notifications()
    sent = Notification.objects.get(complaint=story.pk, kind="replied", to_complainant=True)
    assert story.case.replies.get().delivered_at is not None
    deliver(bounce_of(sent))
    assert story.case.replies.get().delivered_at is None
    with pytest.raises(IllegalTransition):
        story.close()
    story.call_back().close()


def test_a_bounce_marks_the_message_and_tells_who_has_the_case(deliver, cast):
    case = Story(cast).accept().assign().case
    jobs.deliver_notifications()
    sent = Notification.objects.get(complaint=case, kind="received", to_complainant=True)
    bounce = bounce_of(sent)
    deliver(bounce.replace(b"Action: failed", b"Action: delayed"))
    sent.refresh_from_db()
    assert sent.failed_at is None
    deliver(bounce, bounce + b"\r\n")
    sent.refresh_from_db()
    assert sent.failed_at is not None
    assert set(InboundMail.objects.values_list("state", flat=True)) == {"bounce"}
    assert case.events.filter(kind="mail_bounced").count() == 1
    told = Notification.objects.filter(kind="mail_bounced").values_list("recipient__staff_number", flat=True)
    assert set(told) == {"A001"}


def test_a_forged_bounce_marks_nothing(deliver, case):
    sent = Notification.objects.get(complaint=case, to_complainant=True)
    deliver(
        b"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.cn\r\n\r\n"
        b"Message-ID: <huiyin.n%d-0123456789abcdef0123@ours.example>" % sent.pk
    )
    sent.refresh_from_db()
    assert (only_row().state, sent.failed_at) == (MailState.BOUNCE, None)


# --- The job ----------------------------------------------------------------------------------------
def test_without_a_mailbox_the_job_does_nothing(db, settings):
    settings.IMAP_ACCOUNT = None
    assert mailbox.poll() == {"configured": False}
    assert not Mailbox.objects.exists()


def test_one_worker_reads_and_a_dead_one_is_relieved(box):
    now = timezone.now()
    JobRun.objects.create(job="poll_mail", period="poll_mail", started_at=now)
    assert mailbox.poll(now=now + timedelta(minutes=14)) == {"running": True}
    assert mailbox.poll(now=now + timedelta(minutes=15)) == {"ok": True}
    assert mailbox.poll(now=now + timedelta(minutes=15)) == {"ok": True}


def test_ds_04_a_server_that_refuses_is_named_without_any_secret(box, settings, caplog):
    settings.IMAP_ACCOUNT = box.account(password="wrong-secret")
    assert mailbox.poll() == {"ok": False, "error": "LoginError"}
    assert Mailbox.objects.get().error == "LoginError"
    assert "wrong-secret" not in caplog.text + Mailbox.objects.get().name
    settings.IMAP_ACCOUNT = box.account()
    assert mailbox.poll() == {"ok": True}
    assert Mailbox.objects.get().error == ""


def test_one_message_that_breaks_something_stops_no_other(deliver, monkeypatch):
    def broken(mail):
        raise RuntimeError

    monkeypatch.setattr(mail_intake, "subject_of", broken)
    assert deliver(message()) == {"ok": True, "waiting": 1}
    monkeypatch.undo()
    assert deliver(message("第二封：小区又停水了，请处理。", message_id="<2@x.cn>")) == {"ok": True, "complaint": 1}


def test_run_job_reads_the_mailbox(box, capsys):
    box.put(message().as_bytes(), at=timezone.now())
    call_command("run_job", "poll_mail", "--json")
    assert '"complaint": 1' in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_two_workers_with_the_same_message_make_one_case(box):
    """The ledger of jobs aside: `message_key` decides, and the loser leaves nothing behind."""
    raw, now = message().as_bytes(), timezone.now()
    row = Mailbox.objects.create(name="race")
    barrier, outcomes = threading.Barrier(2), []

    def work():
        try:
            barrier.wait(10)
            outcomes.append(mail_intake.take_in(raw, mailbox=row, received_at=now, at=now))
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _n in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert sorted(str(outcome) for outcome in outcomes) == ["None", "complaint"]
    assert (Complaint.objects.count(), InboundMail.objects.count(), ContactPoint.objects.count()) == (1, 1, 1)
