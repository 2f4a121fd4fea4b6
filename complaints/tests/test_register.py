"""Registering for somebody: channels, contacts, earlier complaints, one case per form (IN-01, IN-07…IN-13, IN-27)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.errors import IllegalTransition, NotAllowed
from complaints import case_page, case_records, coordination, transitions
from complaints.calendars import SHANGHAI
from complaints.models import CareConsent, CaseTask, Category, Complaint, IdempotencyKey
from complaints.register_forms import CHANNELS
from complaints.states import Channel, CustomerTier, SpecialGroup, Status
from complaints.tests.factories import Story, category, registered
from complaints.transitions.coordination import set_reply_day
from complaints.transitions.intake import group_code

URL = "/desk/register/"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc00000030101"
    "00c9fe92ef0000000049454e44ae426082"
)
TOKEN = "t" * 32


def picture(name: str = "来信.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, PNG, content_type="image/png")


def form(**changes) -> dict:
    """A complete telephone complaint as the form sends it."""
    return {
        "token": TOKEN,
        "received_at": "2026-11-16T09:05",
        "name": "张桂芳",
        "phone": "13800002417",
        "email": "",
        "preferred_contact": "phone",
        "subject": "槐荫里小区停水超过 24 小时",
        "narrative": "昨天早上七点停水，今天九点还没来。\n没有通知。",
        "demand": "说明原因",
        "category": "water-outage",
        "persons_affected": "30",
        "amount": "",
        "severity": "moderate",
        "seen": "",
        **changes,
    }


def send(client, channel: str = "phone", **changes):
    return client.post(f"{URL}?channel={channel}", form(**changes))


@pytest.fixture
def desk(client, cast):
    client.force_login(cast.intake)
    return client


# --- Who gets in -----------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["", "?channel=phone", "earlier/", "prompts/", f"receipts/{TOKEN}/"])
def test_only_who_registers_gets_in(client, cast, path):
    assert client.get(URL + path).status_code == 302
    client.force_login(cast.water_handler)
    assert client.get(URL + path).status_code == 403
    assert client.post(URL + path, form()).status_code == 403
    assert Complaint.objects.count() == 0


# --- Channel first ---------------------------------------------------------------------------
def test_the_channel_comes_first(desk):
    html = desk.get(URL).content.decode()
    assert re.findall(r'href="\?channel=(\w+)"', html) == [str(channel) for channel in CHANNELS]
    other = desk.get(f"{URL}?channel=web").content.decode()
    assert re.findall(r'href="\?channel=(\w+)"', other) == [str(channel) for channel in CHANNELS]


@pytest.mark.parametrize(
    ("channel", "own", "absent"),
    [
        ("phone", {"channel_reference"}, {"postmarked_on", "referring_body", "referral_due_at"}),
        ("counter", {"outlet"}, {"postmarked_on", "referring_body", "channel_reference"}),
        ("letter", {"postmarked_on", "channel_reference"}, {"referring_body"}),
        ("email", set(), {"channel_reference", "postmarked_on", "referring_body"}),
        ("referral", {"referring_body", "channel_reference", "referral_due_at"}, {"postmarked_on"}),
        ("government", {"referring_body", "channel_reference", "referral_due_at"}, {"postmarked_on"}),
        ("social", {"source_url"}, {"postmarked_on", "referring_body", "channel_reference"}),
    ],
)
def test_each_channel_asks_for_its_own(desk, channel, own, absent):
    """IN-01, IN-07…IN-12."""
    names = set(re.findall(r'name="(\w+)"', desk.get(f"{URL}?channel={channel}").content.decode()))
    assert names >= own | {"received_at", "files", "name", "phone", "email", "address", "narrative"}
    assert not names & absent


@pytest.mark.parametrize(
    ("channel", "missing"),
    [
        ("counter", ["outlet"]),
        ("referral", ["referring_body", "channel_reference"]),
        ("government", ["referring_body", "channel_reference"]),
        ("email", ["files", "email"]),
        ("social", ["source_url", "files"]),
    ],
)
def test_what_a_channel_lacks_is_said_in_the_order_of_the_page(desk, channel, missing):
    """IN-08…IN-12: each says what to do, not that something is compulsory."""
    errors = desk.post(f"{URL}?channel={channel}", {"token": TOKEN, "received_at": ""}).context["form"].errors
    assert [name for name in errors if name in missing] == missing
    assert list(errors).index("received_at") < list(errors).index(missing[0])
    assert "该字段是必填项。" not in [text for name in (*missing, "received_at") for text in errors[name]]


# --- One complaint ----------------------------------------------------------------------------
def test_a_telephone_complaint_is_registered_with_receipt(desk, cast):
    """IN-01, IN-13, CASE-01: caller, time of the call, recording reference; one register, one numbering."""
    response = send(
        desk,
        channel_reference="REC-77",
        address="柳桥三村12幢",
        needs_care="听力不好",
        product="自来水",
        place="槐荫里",
    )
    complaint = Complaint.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"{URL}receipts/{TOKEN}/")
    assert (complaint.channel, complaint.channel_reference, complaint.status) == (
        Channel.PHONE,
        "REC-77",
        Status.REGISTERED,
    )
    assert re.fullmatch(r"HY-\d{8}-0001", complaint.number)
    assert (complaint.registered_by, complaint.category, complaint.persons_affected) == (cast.intake, category(), 30)
    assert complaint.received_at.isoformat() == "2026-11-16T01:05:00+00:00"
    assert complaint.narrative == "昨天早上七点停水，今天九点还没来。\r\n没有通知。".replace("\r\n", "\n")
    assert complaint.complainant.name == "张桂芳"
    assert {point.kind for point in complaint.complainant.contacts.all()} == {"phone", "address"}
    html = desk.get(response["Location"]).content.decode()
    assert complaint.number in html
    assert f"/desk/cases/{complaint.number}/" in html
    assert "data-print" in html


def test_the_access_code_is_shown_to_the_registrar_for_a_while_only(desk, client, cast):
    """IN-34, PI-02."""
    receipt = send(desk)["Location"]
    key = IdempotencyKey.objects.get()
    shown = re.search(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}", desk.get(receipt).content.decode())
    assert shown is not None
    code = shown[0].replace("-", "")
    assert group_code(code) == shown[0]
    client.force_login(cast.intake2)
    assert client.get(receipt).status_code == 404
    client.force_login(cast.intake)
    IdempotencyKey.objects.update(created_at=key.created_at - timedelta(minutes=16))
    assert shown[0] not in client.get(receipt).content.decode()
    key.refresh_from_db()
    assert code not in key.response


def test_in_34_the_printed_receipt_tells_whoever_takes_it_home_where_and_until_when(desk, settings):
    """Handed over at a counter it stands alone: who we are, both dates, where to look, and no word to the clerk."""
    response = send(desk)
    page = desk.get(f"{response['Location']}?lang=en")
    html = page.content.decode()
    on_paper = re.sub(
        r"<p class=\"[^\"]*no-print[^\"]*\">.*?</p>", "", html[html.index('class="only-print') :], flags=re.S
    )
    case = Complaint.objects.get()
    assert page.context["reply_by"] > page.context["decide_by"]
    for due in (page.context["decide_by"], page.context["reply_by"]):
        assert f"{timezone.localtime(due):%H:%M}" in on_paper
    for words in (case.number, f"{settings.PUBLIC_BASE_URL}/track/", settings.ORGANISATION["address"], "<svg"):
        assert words in on_paper
    assert "15 分钟" not in on_paper
    assert f"{timezone.localtime(page.context['until']):%H:%M}" not in on_paper


def test_sending_the_form_twice_makes_one_case(desk):
    """CC-06: a double click shows the same receipt."""
    first, second = send(desk), send(desk, subject="别的标题")
    assert first["Location"] == second["Location"]
    assert Complaint.objects.get().subject == "槐荫里小区停水超过 24 小时"


def test_a_letter_needs_its_scan_and_keeps_the_postmark(desk, cast):
    """IN-07."""
    missing = send(desk, "letter", postmarked_on="2026-11-13")
    assert missing.status_code == 422
    assert set(missing.context["form"].errors) == {"files"}
    assert Complaint.objects.count() == 0
    assert (
        send(desk, "letter", postmarked_on="2026-11-13", channel_reference="XA123", files=[picture()]).status_code
        == 302
    )
    complaint = Complaint.objects.get()
    scan = complaint.attachments.get()
    assert (complaint.postmarked_on.isoformat(), complaint.channel_reference) == ("2026-11-13", "XA123")
    assert (scan.evidence_kind, scan.name, scan.by) == ("letter", "来信.png", cast.intake)


def test_an_email_keeps_the_original_message(desk):
    """IN-08."""
    assert set(send(desk, "email").context["form"].errors) == {"files", "email"}
    assert (
        send(
            desk, "email", email="zhang@example.cn", preferred_contact="email", files=[picture("邮件.png")]
        ).status_code
        == 302
    )
    assert Complaint.objects.get().attachments.get().evidence_kind == "message"


def test_a_referral_keeps_body_number_and_due_date(desk):
    """IN-11."""
    assert set(send(desk, "referral").context["form"].errors) == {"referring_body", "channel_reference"}
    values = {
        "referring_body": "12345 政务服务便民热线",
        "channel_reference": "12345-8899",
        "referral_due_at": "2026-11-30T17:30",
    }
    assert send(desk, "referral", **values).status_code == 302
    complaint = Complaint.objects.get()
    assert (complaint.referring_body, complaint.channel_reference) == ("12345 政务服务便民热线", "12345-8899")
    assert complaint.referral_due_at.isoformat() == "2026-11-30T09:30:00+00:00"


def test_in_11_the_reply_owed_to_the_referring_body_is_a_task_until_it_was_given(desk, cast):
    """Among the office's tasks from the first day, late like any task, done with what was replied."""
    values = {
        "referring_body": "12345 政务服务便民热线",
        "channel_reference": "12345-8899",
        "referral_due_at": "2026-11-30T17:30",
    }
    send(desk, "referral", **values)
    task = CaseTask.objects.get()
    assert (str(task.due_on), task.department, task.owner, task.done_at) == ("2026-11-30", cast.office, None, None)
    assert task.what.count("12345") == 2  # the body and its number
    listed = desk.get("/desk/tasks/?view=department").content.decode()
    assert "12345-8899" in listed
    late = datetime(2026, 12, 1, 9, tzinfo=SHANGHAI)
    assert coordination.watch_coordination(now=late)["tasks"] == 1
    number = task.complaint.number
    done = desk.post(f"/desk/cases/{number}/coordination/tasks/{task.pk}/done/", {"result": "11 月 27 日已书面回复"})
    assert done.status_code == 302
    task.refresh_from_db()
    assert (task.result, task.done_by) == ("11 月 27 日已书面回复", cast.intake)
    assert "12345-8899" not in desk.get("/desk/tasks/?view=department").content.decode()


def test_in_11_a_reply_owed_without_a_day_is_listed_and_named_but_never_late(desk, cast):
    """The body named no day: the task is there all the same, and closing names it; no alarm is raised about it."""
    assert send(desk, "referral", referring_body="市信访局", channel_reference="7").status_code == 302
    task = CaseTask.objects.get()
    assert not task.has_day
    listed = desk.get("/desk/tasks/?view=department").content.decode()
    assert "市信访局" in listed
    assert "9999" not in listed
    page = desk.get(f"/desk/cases/{task.complaint.number}/coordination/").content.decode()
    assert "市信访局" in page
    assert "9999" not in page
    assert coordination.watch_coordination(now=datetime(2036, 12, 1, 9, tzinfo=SHANGHAI))["tasks"] == 0
    case_records.load(task.complaint)
    assert any("市信访局" in item for item in case_page._missing_to_close(task.complaint))


def test_in_11_the_day_of_a_reply_owed_is_added_once_it_is_known(desk, cast):
    """From then on the task is late like any other; a day that is over and a second day are refused."""
    send(desk, "referral", referring_body="市信访局", channel_reference="7")
    task = CaseTask.objects.get()
    address = f"/desk/cases/{task.complaint.number}/coordination/tasks/{task.pk}/day/"
    over = desk.post(address, {"due_at": "2020-01-01T09:00"})
    assert (over.status_code, set(over.context["form"].errors)) == (422, {"due_at"})
    assert desk.post(address, {"due_at": "2099-11-30T17:30"}).status_code == 302
    task.refresh_from_db()
    assert (str(task.due_on), task.has_day) == ("2099-11-30", True)
    case = Complaint.objects.get()
    assert case.referral_due_at.isoformat() == "2099-11-30T09:30:00+00:00"
    assert case.events.filter(kind="task_dated", actor=cast.intake).exists()
    assert desk.post(address, {"due_at": "2099-12-30T17:30"}).status_code == 409
    with pytest.raises(IllegalTransition):
        set_reply_day(task.pk, due_at=datetime(2099, 12, 30, tzinfo=SHANGHAI), by=cast.intake)
    assert coordination.watch_coordination(now=datetime(2099, 12, 1, 9, tzinfo=SHANGHAI))["tasks"] == 1


def test_in_11_only_the_office_gives_the_reply_its_day(desk, cast, client):
    send(desk, "referral", referring_body="市信访局", channel_reference="7")
    task = CaseTask.objects.get()
    client.force_login(cast.water_handler)
    address = f"/desk/cases/{task.complaint.number}/coordination/tasks/{task.pk}/day/"
    assert client.post(address, {"due_at": "2099-11-30T17:30"}).status_code == 404
    with pytest.raises(NotAllowed):
        set_reply_day(task.pk, due_at=datetime(2099, 12, 30, tzinfo=SHANGHAI), by=cast.water_handler)
    task.refresh_from_db()
    assert not task.has_day


def test_a_post_keeps_link_and_screenshot(desk):
    """IN-10."""
    assert set(send(desk, "social", source_url="微博").context["form"].errors) == {"source_url", "files"}
    assert set(send(desk, "social", source_url="javascript:alert(1)").context["form"].errors) == {"source_url", "files"}
    link = "https://example.cn/p/1"
    assert send(desk, "social", source_url=link, files=[picture()]).status_code == 302
    assert Complaint.objects.get().source_url == link


# --- What is refused, and how --------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"subject": ""}, "subject"),
        ({"narrative": " \n "}, "narrative"),
        ({"narrative": "有\x00空字符"}, "narrative"),
        ({"narrative": "长" * 20_001}, "narrative"),
        ({"phone": "12"}, "phone"),
        ({"email": "not-an-address"}, "email"),
        ({"preferred_contact": "address"}, "address"),
        ({"received_at": "2099-01-01T09:00"}, "received_at"),
        ({"received_at": "0001-01-01T00:00"}, "received_at"),
        ({"received_at": "昨天"}, "received_at"),
        ({"occurred_on": "2099-01-01"}, "occurred_on"),
        ({"persons_affected": "0"}, "persons_affected"),
        ({"amount": "1e9999"}, "amount"),
        ({"category": "bogus"}, "category"),
        ({"severity": "bogus"}, "severity"),
    ],
)
def test_a_refused_form_names_the_field_and_keeps_the_text(desk, changes, field):
    response = send(desk, demand="说明原因并道歉", **changes)
    assert response.status_code == 422
    assert set(response.context["form"].errors) == {field}
    assert "说明原因并道歉" in response.content.decode()
    assert Complaint.objects.count() == 0


def test_a_file_of_another_kind_is_refused_at_its_field(desk):
    """FL-02."""
    bad = SimpleUploadedFile("a.png", b"MZ" + b"\0" * 600, content_type="image/png")
    response = send(desk, files=[bad])
    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"files"}
    assert Complaint.objects.count() == 0


def test_a_category_may_need_more(desk):
    """SCR-05: asked while the complainant is still there."""
    Category.objects.filter(code="water-outage").update(required_fields=["place", "product"])
    assert set(send(desk).context["form"].errors) == {"place", "product"}
    hint = desk.get(f"{URL}prompts/?category=water-outage").content.decode()
    assert "<strong>" in hint
    assert desk.get(f"{URL}prompts/?category=%00").status_code == 200
    assert send(desk, place="槐荫里", product="自来水").status_code == 302


def test_in_25_a_finer_category_without_questions_of_its_own_asks_those_above_it(desk):
    """Who sorts more exactly is asked no less; own questions stand in place of the general ones."""
    finer, above = (Category.objects.get(dimension="category", code=code) for code in ("heating", "utilities"))
    assert finer.prompts == []
    hint = desk.get(f"{URL}prompts/?category=heating").content.decode()
    assert all(entry["text"] in hint for entry in above.prompts)
    finer.prompts = [{"text": "室温多少度？"}]
    finer.save(update_fields=["prompts"])
    hint = desk.get(f"{URL}prompts/?category=heating").content.decode()
    assert "室温多少度？" in hint
    assert above.prompts[0]["text"] not in hint


# --- Earlier complaints (IN-27) ---------------------------------------------------------------------
def test_earlier_complaints_of_the_same_number_are_shown(desk, cast):
    earlier = Story(cast).accept().case
    html = desk.post(f"{URL}earlier/", {"phone": "+86 138-0000-2417", "email": ""}).content.decode()
    assert earlier.number in html
    assert earlier.get_status_display() in html
    assert f'name="seen" value="{earlier.number}"' in html
    assert earlier.number in desk.post(f"{URL}earlier/", {"phone": "", "email": "ZHANG@example.cn"}).content.decode()
    assert "HY-" not in desk.post(f"{URL}earlier/", {"phone": "13900000000", "email": ""}).content.decode()
    assert "HY-" not in desk.post(f"{URL}earlier/", {"phone": "", "email": ""}).content.decode()


def test_in_27_open_complaints_come_first_with_what_is_known_of_the_person(desk, cast):
    """The tier, how and when to be reached, and of care only what a standing consent names (SPG-01)."""
    facts = {"customer_tier": "vip", "contact_note": "晚上七点后", "special_groups": ("elderly",)}
    is_open = registered("2026-11-02 09:00", **facts, care_given_how="电话中同意").complaint
    for day in range(12):
        transitions.withdraw(registered(f"2026-11-{day + 3:02} 09:00").complaint.pk, by=None)
    html = desk.post(f"{URL}earlier/", {"phone": "13800002417", "email": ""}).content.decode()
    numbers = list(dict.fromkeys(re.findall(r"HY-\d{8}-\d{4}", html)))
    assert (numbers[0], len(numbers)) == (is_open.number, 10)
    assert str(CustomerTier.VIP.label) in html
    assert str(SpecialGroup.ELDERLY.label) in html
    CareConsent.objects.update(withdrawn_at=timezone.now())
    unasked = desk.post(f"{URL}earlier/", {"phone": "13800002417", "email": ""}).content.decode()
    assert str(SpecialGroup.ELDERLY.label) not in unasked


def test_without_javascript_the_first_click_shows_them_and_the_second_registers(desk):
    earlier = registered("2026-11-10 09:00").complaint
    first = send(desk)
    assert first.status_code == 422
    assert earlier.number in first.content.decode()
    assert Complaint.objects.count() == 1
    assert send(desk, seen=earlier.number).status_code == 302
    assert Complaint.objects.latest("pk").is_repeat


def test_earlier_complaints_the_person_may_not_see_do_not_exist(desk, cast):
    """AZ-03, S7: a case against oneself."""
    hidden = registered("2026-11-10 09:00").complaint
    hidden.accused_staff.add(cast.intake)
    assert "HY-" not in desk.post(f"{URL}earlier/", {"phone": "13800002417", "email": ""}).content.decode()
    assert send(desk).status_code == 302


@pytest.mark.parametrize("number", [1, 3])
def test_earlier_complaints_cost_the_same_queries(desk, django_assert_num_queries, number):
    for day in range(number):
        registered(f"2026-11-1{day} 09:00")
    with django_assert_num_queries(6):  # session, person, permissions, list, what the person told, consents
        desk.post(f"{URL}earlier/", {"phone": "13800002417", "email": ""})
