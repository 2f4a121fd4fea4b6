"""Precautions before complaints: who drafts, who approves, who is told, by which way, and that nothing leaks."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import threading
from datetime import date, timedelta
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import SecurityEvent
from complaints import outreach, outreach_jobs, outreach_recipients, table_files
from complaints.models import CaseEvent, Complaint, Notification, Outreach, OutreachRecipient
from complaints.outreach_recipients import BadTable
from complaints.states import OutreachState, RecipientState
from complaints.tests.factories import Story, at
from complaints.tests.mail_services import smtp_server
from tests import services

pytestmark = pytest.mark.django_db

NOW = at("2026-11-23 09:00")
PHONE, EMAIL = "13800002417", "zhang@example.cn"
TEXT = "您购买的净水滤芯（批次 B7）可能漏水，请停用并拨打我们的电话更换。"
VALUES = {"title": "B7 批次滤芯更换", "reason": "两周内 9 件投诉指向同一批次", "text": TEXT, "batch": "B7"}


def draft(cast, *, way="notice", **changes):
    values = {**VALUES, "way": way, "call_by": date(2026, 12, 1) if way == "call" else None, **changes}
    return outreach.draft(by=cast.coordinator, at=NOW, **values)


def csv(text, name="people.csv"):
    return SimpleUploadedFile(name, text.encode())


def add(cast, row, text):
    return outreach_recipients.add_from_table(row.pk, csv(text), by=cast.coordinator)


def approve(cast, row, *, by=None):
    row.refresh_from_db()
    return outreach.approve(row.pk, version=row.version, by=by or cast.counsel, at=NOW)


def running(cast, text, *, way="notice"):
    row = draft(cast, way=way)
    add(cast, row, text)
    return approve(cast, row)


def batch_case(cast, phone=PHONE, email=EMAIL, batch="B7", when="2026-11-16 09:12", **changes):
    story = Story(cast, when, phone=phone, email=email, **changes)
    Complaint.objects.filter(pk=story.pk).update(batch=batch)
    return story


def states(row):
    return list(row.recipients.order_by("pk").values_list("state", "attempts"))


# --- Servers ------------------------------------------------------------------------------------------
@pytest.fixture
def smtp(settings):
    with smtp_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.MAIL_DOMAIN = "ours.example"
        yield server


class Gateway:
    """What a gateway for short messages was sent; it answers `status`, and sends redirects to itself."""

    def __init__(self):
        self.status, self.messages, self.asked = 200, [], 0

    @contextlib.contextmanager
    def running(self):
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                gateway.asked += 1
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if gateway.status == 200:
                    gateway.messages.append(json.loads(body))
                self.send_response(gateway.status)
                if gateway.status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *arguments):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}/send?token=geheim"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join(5)


@pytest.fixture
def gateway(settings):
    with Gateway().running() as server:
        settings.SMS_URL = server.url
        yield server


# --- Drafting and approving ---------------------------------------------------------------------------
def test_risk_28_drafted_by_one_person_and_approved_by_another(cast):
    row = draft(cast)
    assert row.number == "YF-202611-0001"
    add(cast, row, "phone\n13800002417\n")
    with pytest.raises(NotAllowed):
        approve(cast, row, by=cast.coordinator)
    with pytest.raises(NotAllowed):
        approve(cast, row, by=cast.intake)
    done = approve(cast, row)
    assert (done.state, done.approved_by, done.approved_at) == (OutreachState.RUNNING, cast.counsel, NOW)
    with pytest.raises(IllegalTransition):
        approve(cast, row)


def test_risk_28_who_changed_it_last_cannot_approve_and_a_change_unread_is_stale(cast):
    row = draft(cast)
    add(cast, row, "phone\n13800002417\n")
    row.refresh_from_db()
    read = row.version
    values = {**VALUES, "text": "请停用。", "way": "notice", "call_by": None}
    outreach.edit(row.pk, version=read, by=cast.counsel, at=NOW, **values)
    with pytest.raises(StaleVersion):
        outreach.approve(row.pk, version=read, by=cast.coordinator2, at=NOW)
    with pytest.raises(StaleVersion):
        outreach.edit(row.pk, version=read, by=cast.coordinator, at=NOW, **values)
    with pytest.raises(NotAllowed):
        approve(cast, row, by=cast.counsel)
    assert approve(cast, row, by=cast.coordinator).state == OutreachState.RUNNING


def test_risk_28_only_who_works_on_risk_drafts(cast):
    for person in (cast.intake, cast.water_handler, cast.publisher):
        with pytest.raises(NotAllowed):
            outreach.draft(by=person, at=NOW, way="notice", **VALUES)
    assert not Outreach.objects.exists()


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("title", {"title": "  "}),
        ("title", {"title": "字" * 121}),
        ("reason", {"reason": ""}),
        ("text", {"text": ""}),
        ("text", {"text": "字" * 501}),
        ("way", {"way": "pigeon"}),
        ("place", {"place": "柳桥\x00"}),
        ("call_by", {"way": "call", "call_by": None}),
        ("call_by", {"way": "call", "call_by": date(2026, 11, 22)}),
    ],
)
def test_bad_values_are_refused_at_their_field(cast, field, changes):
    with pytest.raises(InvalidInput) as refused:
        draft(cast, **changes)
    assert refused.value.field == field
    assert not Outreach.objects.exists()


def test_risk_29_calls_are_approved_only_while_their_day_is_to_come(cast):
    row = draft(cast, way="call")
    add(cast, row, "phone\n13800002417\n")
    row.refresh_from_db()
    with pytest.raises(InvalidInput) as refused:
        outreach.approve(row.pk, version=row.version, by=cast.counsel, at=at("2026-12-02 09:00"))
    assert refused.value.field == "call_by"
    assert approve(cast, row).state == OutreachState.RUNNING


def test_nobody_is_approved_without_recipients_and_the_way_stays_with_them(cast):
    row = draft(cast)
    with pytest.raises(InvalidInput) as refused:
        approve(cast, row)
    assert refused.value.field == "recipients"
    add(cast, row, "phone\n13800002417\n")
    row.refresh_from_db()
    values = {**VALUES, "way": "call", "call_by": date(2026, 12, 1)}
    with pytest.raises(InvalidInput) as refused:
        outreach.edit(row.pk, version=row.version, by=cast.coordinator, at=NOW, **values)
    assert refused.value.field == "way"


def test_recipients_leave_a_draft_only(cast):
    row = draft(cast)
    add(cast, row, "phone\n13800002417\n13800002418\n13800002419\n")
    assert outreach.remove(row.pk, by=cast.coordinator, recipient_id=row.recipients.first().pk) == 1
    assert outreach.remove(row.pk, by=cast.coordinator) == 2
    add(cast, row, "phone\n13800002417\n")
    approve(cast, row)
    with pytest.raises(IllegalTransition):
        outreach.remove(row.pk, by=cast.coordinator)
    with pytest.raises(IllegalTransition):
        add(cast, row, "phone\n13800002418\n")


def test_cancelled_with_a_reason_nobody_else_is_told(cast, mailoutbox):
    row = running(cast, f"email\n{EMAIL}\n")
    with pytest.raises(InvalidInput) as refused:
        outreach.cancel(row.pk, reason=" ", by=cast.coordinator)
    assert refused.value.field == "reason"
    outreach.cancel(row.pk, reason="批次号有误", by=cast.coordinator, at=NOW)
    assert outreach_jobs.send_outreach(now=NOW) == {"sent": 0, "failed": 0, "lost": 0}
    assert (mailoutbox, states(row)) == ([], [("waiting", 0)])
    with pytest.raises(IllegalTransition):
        outreach.cancel(row.pk, reason="再次", by=cast.coordinator)


# --- Recipients from cases ----------------------------------------------------------------------------
def test_risk_28_complainants_of_like_cases_each_once(cast):
    """E-mail before phone for a notice; another batch, an old, a withdrawn case and no contact are left out."""
    first = batch_case(cast)
    batch_case(cast, phone="138 0000 2417", email="ZHANG@example.cn")
    only_phone = batch_case(cast, phone="13911112222", email="")
    batch_case(cast, phone="13911113333", batch="B8")
    batch_case(cast, phone="13911114444", email="old@example.cn", when="2025-11-01 09:00")
    withdrawn = batch_case(cast, phone="13911115555", email="w@example.cn")
    Complaint.objects.filter(pk=withdrawn.pk).update(status="withdrawn")
    anonymous = batch_case(cast)
    anonymous.case.complainant.contacts.all().delete()
    row = draft(cast)
    assert outreach_recipients.add_from_cases(row.pk, by=cast.coordinator, at=NOW) == (2, 1, 1)
    people = [(person.kind, person.value, person.complaint_id) for person in row.recipients.all()]
    assert people == [("email", EMAIL, first.pk), ("phone", "13911112222", only_phone.pk)]
    assert outreach_recipients.add_from_cases(row.pk, by=cast.coordinator, at=NOW) == (0, 3, 1)


def test_risk_29_calls_need_a_phone(cast):
    batch_case(cast)
    batch_case(cast, phone="", email="nur@example.cn")
    row = draft(cast, way="call")
    assert outreach_recipients.add_from_cases(row.pk, by=cast.coordinator, at=NOW) == (1, 0, 1)
    assert row.recipients.get().kind == "phone"


def test_every_given_word_has_to_match_and_one_has_to_be_given(cast):
    story = batch_case(cast)
    row = draft(cast, place="柳桥三村")
    assert outreach_recipients.add_from_cases(row.pk, by=cast.coordinator, at=NOW).added == 0
    Complaint.objects.filter(pk=story.pk).update(place="柳桥三村")
    assert outreach_recipients.add_from_cases(row.pk, by=cast.coordinator, at=NOW).added == 1
    with pytest.raises(InvalidInput) as refused:
        outreach_recipients.add_from_cases(draft(cast, batch="").pk, by=cast.coordinator, at=NOW)
    assert refused.value.field == "product"


# --- Recipients from a table --------------------------------------------------------------------------
def test_risk_28_a_table_with_chinese_headings_below_a_title(cast):
    row = draft(cast)
    text = (
        "B7 批次购买名单,,,\n"
        "姓名,手机号,电子邮箱,门店\n"
        "张桂芳,13800002417,,一店\n"
        "王五,,wang@example.cn,二店\n"
        "张桂芳,138-0000-2417,,一店\n"
    )
    assert add(cast, row, text) == (2, 1, 0)
    assert [(person.name, person.kind, person.value) for person in row.recipients.all()] == [
        ("张桂芳", "phone", "13800002417"),
        ("王五", "email", "wang@example.cn"),
    ]


def test_risk_28_a_workbook_keeps_numbers_as_numbers(cast):
    row = draft(cast, way="call")
    book = table_files.xlsx_file(["Name", "Phone"], [["张桂芳", 13800002417], ["王五", "13911112222"]])
    upload = SimpleUploadedFile("people.xlsx", io.BytesIO(book.getvalue()).read())
    assert outreach_recipients.add_from_table(row.pk, upload, by=cast.coordinator).added == 2
    assert row.recipients.first().value == "13800002417"


def test_risk_28_bad_cells_are_named_by_row_and_column_and_nobody_is_added(cast):
    row = draft(cast)
    text = (
        "name,phone,email\n"
        "张桂芳,13800002417,\n"
        "王五,123,\n"
        "李四,1.38E+10,li@example.cn\n"
        "赵六,,no-address\n"
        "孙七,,\n"
        f"{'长' * 81},13800002418,\n"
    )
    with pytest.raises(BadTable) as refused:
        add(cast, row, text)
    found = [(fault.row, fault.column) for fault in refused.value.faults]
    assert found == [(3, "phone"), (4, "phone"), (5, "email"), (6, "phone"), (7, "name")]
    assert not any("123" in str(fault.message) or "no-address" in str(fault.message) for fault in refused.value.faults)
    assert not row.recipients.exists()


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("", "notice"),
        ("name,city\n张桂芳,望澜\n", "notice"),
        ("name,email\n张桂芳,z@example.cn\n", "call"),
        ("phone,电话\n13800002417,13800002418\n", "notice"),
        ("phone\n", "notice"),
        ("PK\x03\x04 no workbook", "notice"),
    ],
)
def test_what_is_no_such_table_is_refused(cast, text, way):
    row = draft(cast, way=way)
    with pytest.raises(InvalidInput) as refused:
        add(cast, row, text)
    assert refused.value.field == "file"
    assert not isinstance(refused.value, BadTable)


def test_risk_28_at_most_twenty_thousand_rows(cast, monkeypatch):
    monkeypatch.setattr(outreach_recipients, "MAX_ROWS", 2)
    row = draft(cast)
    assert add(cast, row, "phone\n13800002417\n13800002418\n").added == 2
    with pytest.raises(InvalidInput) as refused:
        add(cast, row, "phone\n13800002411\n13800002412\n13800002413\n")
    assert refused.value.field == "file"
    assert row.recipients.count() == 2


def test_com_07_names_and_numbers_are_encrypted_in_the_database(cast):
    from django.db import connection

    row = draft(cast)
    add(cast, row, "name,phone\n张桂芳,13800002417\n")
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, value, match_hash FROM complaints_outreachrecipient")
        stored = "".join(cursor.fetchone())
    assert "张" not in stored
    assert PHONE not in stored


# --- Sending ------------------------------------------------------------------------------------------
def test_risk_28_an_approved_notice_is_mailed_once_however_often_the_job_runs(cast, smtp):
    story = batch_case(cast)
    row = draft(cast)
    outreach_recipients.add_from_cases(row.pk, by=cast.coordinator, at=NOW)
    assert outreach_jobs.send_outreach(now=NOW)["sent"] == 0
    approve(cast, row)
    assert outreach_jobs.send_outreach(now=NOW) == {"sent": 1, "failed": 0, "lost": 0}
    assert outreach_jobs.send_outreach(now=NOW) == {"sent": 0, "failed": 0, "lost": 0}
    ((to, raw),) = smtp.messages
    mail = message_from_bytes(raw, policy=policy.default)
    body = mail.get_content()
    assert (to, mail["Subject"], mail["Auto-Submitted"]) == ([EMAIL], "B7 批次滤芯更换", "auto-generated")
    assert mail["Message-ID"].endswith("@ours.example>")
    assert TEXT in body
    assert "望澜市公共服务投诉受理中心" in body
    assert "张桂芳" not in body
    row.refresh_from_db()
    assert (row.state, row.finished_at) == (OutreachState.DONE, NOW)
    event = story.case.events.get(kind="outreach_told")
    assert (event.note, event.actor, event.reference) == (
        row.number,
        None,
        f"outreachrecipient:{row.recipients.get().pk}",
    )


def test_risk_28_a_refused_address_is_tried_three_times_and_holds_nobody_up(cast, smtp):
    row = running(cast, f"email\n{EMAIL}\nwang@example.cn\n")
    smtp.refuse = {EMAIL}
    results = [outreach_jobs.send_outreach(now=NOW) for _n in range(4)]
    assert [(result["sent"], result["failed"]) for result in results] == [(1, 1), (0, 1), (0, 1), (0, 0)]
    assert states(row) == [("failed", 3), ("reached", 1)]
    assert [to for to, _raw in smtp.messages] == [["wang@example.cn"]]
    row.refresh_from_db()
    assert row.state == OutreachState.DONE


def test_a_mail_server_that_is_down_costs_the_others_no_try(cast, settings, smtp):
    row = running(cast, "email\na@example.cn\nb@example.cn\nc@example.cn\n")
    settings.EMAIL_PORT = services.free_port()
    assert outreach_jobs.send_outreach(now=NOW)["failed"] == 1
    assert sorted(states(row)) == [("waiting", 0), ("waiting", 0), ("waiting", 1)]
    settings.EMAIL_PORT = smtp.port
    assert outreach_jobs.send_outreach(now=NOW)["sent"] == 3
    assert {state for state, _attempts in states(row)} == {"reached"}


def test_risk_28_phones_go_to_the_gateway_as_agreed(cast, gateway):
    row = running(cast, "phone\n138 0000 2417\n")
    assert outreach_jobs.send_outreach(now=NOW)["sent"] == 1
    person = row.recipients.get()
    assert gateway.messages == [{"to": "+8613800002417", "text": TEXT, "id": f"{row.number}-{person.pk}"}]
    assert person.state == RecipientState.REACHED


@pytest.mark.parametrize("status", [500, 302])
def test_a_gateway_that_refuses_or_redirects_is_asked_three_times(cast, gateway, status):
    """A redirect is not followed: the number goes to the address in the settings and nowhere else."""
    row = running(cast, "phone\n13800002417\n13800002418\n")
    gateway.status = status
    for _n in range(4):
        outreach_jobs.send_outreach(now=NOW)
    assert states(row) == [("failed", 3), ("failed", 3)]
    assert gateway.asked == 6


def test_a_gateway_that_is_gone_costs_the_others_no_try_and_mails_go_on(cast, settings, smtp):
    row = running(cast, f"phone,email\n13800002417,\n13800002418,\n,{EMAIL}\n")
    settings.SMS_URL = f"http://127.0.0.1:{services.free_port()}/send"
    assert outreach_jobs.send_outreach(now=NOW) == {"sent": 1, "failed": 1, "lost": 0}
    assert states(row) == [("waiting", 1), ("waiting", 0), ("reached", 1)]


def test_without_a_gateway_phones_wait_and_are_called(cast, client, smtp):
    row = running(cast, f"phone,email\n13800002417,\n,{EMAIL}\n")
    assert outreach_jobs.send_outreach(now=NOW)["sent"] == 1
    row.refresh_from_db()
    assert (row.state, states(row)) == (OutreachState.RUNNING, [("waiting", 0), ("reached", 1)])
    client.force_login(cast.coordinator)
    page = client.get(reverse("complaints:outreach_detail", args=[row.number])).content.decode()
    assert "未配置短信网关" in page
    outreach.record_call(row.recipients.first().pk, reached=True, by=cast.intake, at=NOW)
    row.refresh_from_db()
    assert row.state == OutreachState.DONE


def test_two_workers_write_to_nobody_twice(cast, mailoutbox, monkeypatch):
    """The second worker starts while the first is about to send, and after both have read who waits."""
    row = running(cast, f"email\n{EMAIL}\nwang@example.cn\n")
    send = outreach_jobs._mail
    inner = []

    def meanwhile(person):
        if not inner:
            inner.append(None)
            inner.append(outreach_jobs.send_outreach(now=NOW)["sent"])
        send(person)

    monkeypatch.setattr(outreach_jobs, "_mail", meanwhile)
    assert outreach_jobs.send_outreach(now=NOW)["sent"] == 1
    assert inner[1] == 1
    assert sorted(mail.to[0] for mail in mailoutbox) == ["wang@example.cn", EMAIL]
    assert states(row) == [("reached", 1), ("reached", 1)]


def test_i7_what_a_dead_worker_was_sending_is_not_sent_again(cast, mailoutbox):
    row = running(cast, f"email\n{EMAIL}\n")
    person = row.recipients.get()
    assert outreach_jobs._claim(person.pk, NOW)
    assert outreach_jobs._claim(person.pk, NOW) is None
    assert outreach_jobs.send_outreach(now=NOW + timedelta(minutes=20))["sent"] == 0
    assert outreach_jobs.send_outreach(now=NOW + timedelta(minutes=31))["lost"] == 1
    person.refresh_from_db()
    assert (person.state, bool(person.note), mailoutbox) == (RecipientState.FAILED, True, [])
    row.refresh_from_db()
    assert row.state == OutreachState.DONE


def test_a_precaution_stopped_after_it_was_read_is_not_sent(cast, mailoutbox, monkeypatch):
    row = running(cast, f"email\n{EMAIL}\n")
    key = row.recipients.get().pk
    monkeypatch.setattr(outreach_jobs, "_waiting", lambda kind, now: [key])
    outreach.cancel(row.pk, reason="批次号有误", by=cast.coordinator, at=NOW)
    assert outreach_jobs.send_outreach(now=NOW)["sent"] == 0
    assert (mailoutbox, states(row)) == ([], [("waiting", 0)])


def test_a_run_takes_five_hundred_at_most(cast, mailoutbox, monkeypatch):
    monkeypatch.setattr(outreach_jobs, "BATCH", 2)
    running(cast, "email\na@example.cn\nb@example.cn\nc@example.cn\n")
    assert [outreach_jobs.send_outreach(now=NOW)["sent"] for _n in range(3)] == [2, 1, 0]


def test_nothing_personal_in_logs_and_events(cast, smtp, gateway, caplog):
    batch_case(cast)
    batch_case(cast, phone="13911112222", email="")
    row = draft(cast)
    outreach_recipients.add_from_cases(row.pk, by=cast.coordinator, at=NOW)
    approve(cast, row)
    smtp.refuse, gateway.status = {EMAIL}, 500
    with caplog.at_level(logging.DEBUG):
        outreach_jobs.send_outreach(now=NOW)
        smtp.refuse, gateway.status = set(), 200
        outreach_jobs.send_outreach(now=NOW)
    written = " ".join(
        f"{record.getMessage()} {record.__dict__}" for record in caplog.records if "huiyin" in record.name
    )
    assert "precaution not sent" in written
    notes = " ".join(CaseEvent.objects.filter(kind="outreach_told").values_list("note", flat=True))
    assert CaseEvent.objects.filter(kind="outreach_told").count() == 2
    for secret in (EMAIL, PHONE, "13911112222", "张桂芳", "geheim", "滤芯"):
        assert secret not in written + notes


# --- Calling ------------------------------------------------------------------------------------------
def test_risk_29_calls_are_recorded_and_the_last_one_ends_it(cast):
    story = batch_case(cast)
    row = draft(cast, way="call")
    outreach_recipients.add_from_cases(row.pk, by=cast.coordinator, at=NOW)
    add(cast, row, "phone\n13911112222\n")
    row = approve(cast, row)
    first = outreach.next_call(row, by=cast.intake, at=NOW)
    outreach.record_call(first.pk, reached=False, by=cast.intake, at=NOW)
    second = outreach.next_call(row, by=cast.intake, at=NOW)
    assert second != first
    outreach.record_call(second.pk, reached=True, note="已停用，回拨 13911112222", by=cast.intake, at=NOW)
    second.refresh_from_db()
    assert (second.state, second.by, second.note) == (RecipientState.REACHED, cast.intake, "已停用，回拨 ***")
    for _n in range(2):
        outreach.record_call(first.pk, reached=False, by=cast.coordinator, at=NOW)
    assert states(row) == [("failed", 3), ("reached", 1)]
    row.refresh_from_db()
    assert row.state == OutreachState.DONE
    assert not story.case.events.filter(kind="outreach_told").exists()
    with pytest.raises(IllegalTransition):
        outreach.record_call(first.pk, reached=True, by=cast.intake, at=NOW)


def test_risk_29_two_callers_do_not_ring_the_same_person(cast):
    row = running(cast, "phone\n13800002417\n13911112222\n", way="call")
    first = outreach.next_call(row, by=cast.intake, at=NOW)
    outreach.take(first.pk, by=cast.intake, at=NOW)
    assert outreach.next_call(row, by=cast.intake, at=NOW) == first
    other = outreach.next_call(row, by=cast.intake2, at=NOW)
    assert other != first
    for write in (
        lambda: outreach.take(first.pk, by=cast.intake2, at=NOW),
        lambda: outreach.record_call(first.pk, reached=True, by=cast.intake2, at=NOW),
    ):
        with pytest.raises(IllegalTransition):
            write()
    later = NOW + timedelta(minutes=16)
    outreach.record_call(first.pk, reached=True, by=cast.intake2, at=later)


def heard(kind):
    return set(Notification.objects.filter(kind=kind).values_list("recipient__staff_number", flat=True))


def test_risk_29_calls_not_made_are_reminded_of_on_their_last_day_and_when_it_is_over(cast, client):
    """Approval, the last working day and the day after it each reach the callers, once however often the job runs."""
    row = draft(cast, way="call", call_by=date(2026, 11, 29))  # a Sunday: Friday is the last working day
    add(cast, row, "phone\n13800002417\n13911112222\n")
    approve(cast, row)
    callers = {cast.intake.staff_number, cast.intake2.staff_number}
    assert callers <= heard("calls_waiting")
    assert cast.publisher.staff_number not in heard("calls_waiting")
    nothing = {"near": 0, "late": 0}
    assert outreach_jobs.remind_calls(now=at("2026-11-26 09:05")) == nothing
    assert outreach_jobs.remind_calls(now=at("2026-11-27 09:05"))["near"] >= 2
    assert outreach_jobs.remind_calls(now=at("2026-11-27 09:06")) == nothing
    assert callers <= heard("calls_near")
    assert outreach_jobs.remind_calls(now=at("2026-11-28 09:05")) == nothing  # a Saturday
    assert outreach_jobs.remind_calls(now=at("2026-11-30 09:05"))["late"] >= 4
    assert callers | {cast.coordinator.staff_number, cast.counsel.staff_number} <= heard("calls_late")
    assert outreach_jobs.remind_calls(now=at("2026-12-01 09:05")) == nothing
    client.force_login(cast.intake)
    page = client.get("/desk/notifications/").content.decode()
    assert row.number in page
    assert PHONE not in page
    (message,) = Notification.objects.filter(kind="calls_late", recipient=cast.intake)
    assert client.get(message.url).status_code == 200


def test_risk_29_nobody_is_reminded_of_calls_that_were_made_or_stopped(cast):
    done = running(cast, "phone\n13800002417\n", way="call")
    outreach.record_call(done.recipients.get().pk, reached=True, by=cast.intake, at=NOW)
    stopped = running(cast, "phone\n13800002417\n", way="call")
    outreach.cancel(stopped.pk, reason="批次写错", by=cast.coordinator, at=NOW)
    assert outreach_jobs.remind_calls(now=at("2026-12-02 09:05")) == {"near": 0, "late": 0}


def test_who_may_call_and_whose_case_it_is_about_may_not(cast):
    """S7: nobody gets the number of a person who complained about them."""
    story = batch_case(cast)
    row = draft(cast, way="call")
    outreach_recipients.add_from_cases(row.pk, by=cast.coordinator, at=NOW)
    approve(cast, row)
    person = row.recipients.get()
    with pytest.raises(NotAllowed):
        outreach.record_call(person.pk, reached=True, by=cast.water_handler, at=NOW)
    story.case.accused_staff.add(cast.intake)
    assert outreach.next_call(row, by=cast.intake, at=NOW) is None
    with pytest.raises(NotAllowed):
        outreach.take(person.pk, by=cast.intake, at=NOW)
    outreach.record_call(person.pk, reached=True, by=cast.intake2, at=NOW)


def test_with_a_gateway_nobody_is_called_for_a_notice(cast, gateway):
    row = running(cast, "phone\n13800002417\n")
    assert outreach.next_call(row, by=cast.intake, at=NOW) is None
    with pytest.raises(IllegalTransition):
        outreach.record_call(row.recipients.get().pk, reached=True, by=cast.intake, at=NOW)


# --- Pages --------------------------------------------------------------------------------------------
FORM = {**VALUES, "way": "notice", "product": "", "business_step": "", "place": "", "call_by": ""}


def test_risk_28_the_whole_way_through_the_pages(client, cast, mailoutbox):
    batch_case(cast)
    client.force_login(cast.coordinator)
    assert reverse("complaints:outreach") in client.get(reverse("complaints:signals")).content.decode()
    bad = client.post(reverse("complaints:outreach_new"), {**FORM, "text": ""})
    assert (bad.status_code, list(bad.context["form"].errors)) == (422, ["text"])
    answer = client.post(reverse("complaints:outreach_new"), FORM)
    row = Outreach.objects.get()
    page = reverse("complaints:outreach_detail", args=[row.number])
    assert answer.url == page
    assert "近 365 天有 1 件案件" in client.get(page).content.decode()
    client.post(reverse("complaints:outreach_from_cases", args=[row.number]))
    upload = {"file": csv("姓名,电话\n王五,13911112222\n")}
    assert client.post(reverse("complaints:outreach_table", args=[row.number]), upload).status_code == 302
    shown = client.get(page).content.decode()
    assert "z***@example.cn" in shown
    assert "139****2222" in shown
    assert not any(secret in shown for secret in (EMAIL, "13911112222", "王五", "张桂芳"))
    row.refresh_from_db()
    own = client.post(reverse("complaints:outreach_approve", args=[row.number]), {"version": row.version})
    assert own.status_code == 403
    client.force_login(cast.counsel)
    address = reverse("complaints:outreach_approve", args=[row.number])
    assert client.post(address, {"version": row.version - 1}).status_code == 409
    assert client.post(address, {"version": row.version}).status_code == 302
    assert client.post(address, {"version": row.version + 1}).status_code == 409
    outreach_jobs.send_outreach(now=NOW)
    assert len(mailoutbox) == 1
    assert row.title in client.get(reverse("complaints:outreach"), {"state": "running"}).content.decode()


def test_a_bad_table_is_shown_by_row_and_column(client, cast):
    row = draft(cast)
    client.force_login(cast.coordinator)
    address = reverse("complaints:outreach_table", args=[row.number])
    answer = client.post(address, {"file": csv("phone,email\n123,\n,x\n")})
    assert answer.status_code == 422
    assert "file" in answer.context["table_form"].errors
    shown = [(number, str(column)) for number, column, _message in answer.context["faults"]]
    assert shown == [(2, "电话"), (3, "电子邮箱")]
    assert client.post(address, {}).status_code == 422
    assert (
        client.post(reverse("complaints:outreach_from_cases", args=[draft(cast, batch="").number])).status_code == 422
    )


def test_edit_page_refuses_the_stale_and_the_running(client, cast):
    row = draft(cast)
    client.force_login(cast.counsel)
    address = reverse("complaints:outreach_edit", args=[row.number])
    assert client.get(address).status_code == 200
    assert client.post(address, {**FORM, "version": 7}).status_code == 409
    assert client.post(address, {**FORM, "version": ""}).status_code == 422
    assert client.post(address, {**FORM, "title": "新标题", "version": 0}).status_code == 302
    row.refresh_from_db()
    assert (row.title, row.drafted_by) == ("新标题", cast.counsel)
    client.post(reverse("complaints:outreach_cancel", args=[row.number]), {"reason": "不需要了"})
    assert client.get(address).status_code == 302
    assert client.post(reverse("complaints:outreach_cancel", args=[row.number]), {"reason": "x"}).status_code == 409
    assert client.post(reverse("complaints:outreach_cancel", args=[row.number]), {"reason": ""}).status_code == 422


def test_az_06_a_number_is_shown_on_demand_and_that_is_recorded(client, cast):
    row = running(cast, "name,phone\n王五,13911112222\n", way="call")
    person = row.recipients.get()
    client.force_login(cast.intake)
    page = reverse("complaints:outreach_calls", args=[row.number])
    assert "13911112222" not in client.get(page).content.decode()
    address = reverse("complaints:outreach_number", args=[row.number])
    shown = client.post(address, {"recipient": person.pk}).content.decode()
    assert "13911112222" in shown
    assert "王五" in shown
    seen = SecurityEvent.objects.get(kind="outreach_number_shown")
    assert (seen.user, seen.subject) == (cast.intake, f"outreachrecipient:{person.pk}")
    assert "13911112222" not in str(seen.__dict__)
    for wrong in ("", "x", "9" * 30, "999999"):
        assert client.post(address, {"recipient": wrong}).status_code == 404
    assert client.post(page, {"recipient": person.pk, "note": "无人接听"}).status_code == 422
    assert client.post(page, {"recipient": person.pk, "reached": "true"}).status_code == 302
    assert client.post(page, {"recipient": person.pk, "reached": "true"}).status_code == 409
    assert OutreachRecipient.objects.get().state == RecipientState.REACHED


def test_only_risk_and_callers_see_the_pages(client, cast):
    row = draft(cast)
    client.force_login(cast.water_handler)
    for name in ("outreach_detail", "outreach_calls"):
        assert client.get(reverse(f"complaints:{name}", args=[row.number])).status_code == 403
    client.force_login(cast.intake)
    assert client.get(reverse("complaints:outreach_detail", args=[row.number])).status_code == 200
    assert client.get(reverse("complaints:outreach_edit", args=[row.number])).status_code == 403
    for name in ("from_cases", "table", "remove", "approve", "cancel"):
        assert client.post(reverse(f"complaints:outreach_{name}", args=[row.number])).status_code == 403


def test_recipients_are_taken_out_on_the_page(client, cast):
    row = draft(cast)
    add(cast, row, "phone\n13800002417\n13800002418\n13800002419\n")
    client.force_login(cast.coordinator)
    address = reverse("complaints:outreach_remove", args=[row.number])
    assert client.post(address, {}).status_code == 422
    assert client.post(address, {"recipient": row.recipients.first().pk}).status_code == 302
    assert row.recipients.count() == 2
    assert client.post(address, {"recipient": "all"}).status_code == 302
    assert not row.recipients.exists()


def test_the_pages_ask_few_queries_for_many_rows(client, cast, django_assert_max_num_queries):
    for _n in range(3):
        row = draft(cast)
    numbers = "".join(f"138000{n:05d}\n" for n in range(120))
    add(cast, row, f"phone\n{numbers}")
    client.force_login(cast.counsel)
    for address in (reverse("complaints:outreach"), reverse("complaints:outreach_detail", args=[row.number])):
        client.get(address)
        with django_assert_max_num_queries(8):
            client.get(address)
    first = client.get(reverse("complaints:outreach_detail", args=[row.number])).context
    second = client.get(reverse("complaints:outreach_detail", args=[row.number]), {"after": first["next"]}).context
    assert [len(page["people"]) for page in (first, second)] == [50, 50]
    assert client.get(reverse("complaints:outreach"), {"after": "x", "state": "y"}).status_code == 200


def test_the_case_says_that_its_complainant_was_told(client, cast, mailoutbox):
    story = batch_case(cast)
    row = draft(cast)
    outreach_recipients.add_from_cases(row.pk, by=cast.coordinator, at=NOW)
    approve(cast, row)
    outreach_jobs.send_outreach(now=NOW)
    client.force_login(cast.coordinator)
    page = client.get(reverse("complaints:detail", args=[story.case.number])).content.decode()
    assert "已向投诉人作预防性告知" in page
    assert row.number in page
