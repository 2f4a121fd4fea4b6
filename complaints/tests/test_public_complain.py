"""Filing a complaint on the website (IN-04…06, IN-16…23, IN-34, PI-05…10, PI-14, PI-16, FL-13, I1, I2)."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from complaints import drafts, throttle, transitions
from complaints.models import Attachment, Category, Complaint, IntakeDraft
from complaints.states import Channel, Status
from complaints.tests.factories import at, filing
from complaints.tests.public_flow import CATEGORY, CONTACT, DETAILS, Elements, file, open_case, png, receipt_of, write

# The public side as it runs in a process of its own.
pytestmark = [pytest.mark.django_db, pytest.mark.urls("config.urls_public")]


# --- The whole way ----------------------------------------------------------------------------
def test_filing_makes_one_case_with_exactly_what_was_typed(client):
    """IN-04, IN-16, IN-19, IN-22, I1."""
    narrative = "  第一行\r\n第二行，<b>粗</b> & 😀 \u200f عربي\n"
    receipt = file(
        client,
        {"narrative": narrative, "place": "柳桥三村", "product": "自来水", "amount": "128.50"},
        {
            "form_of_address": "mr",
            "email": "w@example.cn",
            "is_confidential": "on",
            "needs_care": "on",
            "care_note": "听力不便",
        },
    )
    case = Complaint.objects.get()
    assert case.number == receipt.number
    assert case.narrative == narrative
    assert (case.place, case.product, str(case.amount), case.channel) == ("柳桥三村", "自来水", "128.50", Channel.WEB)
    assert (str(case.occurred_on), case.category.code, case.status) == ("2025-11-15", "utilities", Status.REGISTERED)
    assert case.subject == "第一行 第二行，<b>粗</b> & 😀 \u200f عربي"
    person = case.complainant
    assert (person.name, person.form_of_address, person.needs_care) == ("王先生", "mr", "听力不便")
    assert (person.contact("phone"), person.contact("email")) == ("138 0000 0417", "w@example.cn")
    assert case.is_confidential is True
    assert case.registered_by is None


def test_receipt_shows_number_code_dates_and_next_steps(client):
    """IN-34: number, code in groups of four, concrete dates, a QR code without the code."""
    receipt = file(client)
    page = client.get("/complain/done/?lang=en")
    html = page.content.decode()
    assert receipt.number in html
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}", receipt.grouped_code)
    assert receipt.grouped_code in html
    assert receipt.decide_by is not None
    assert receipt.reply_by is not None
    assert receipt.decide_by < receipt.reply_by
    for due in (receipt.decide_by, receipt.reply_by):
        local = timezone.localtime(due)
        assert f"{local.day} {local:%b}" in html
    assert "Within 5 working days of the answer: we ask whether you are satisfied" in html
    assert page.headers["Cache-Control"] == "no-store"
    assert receipt.code not in html.replace(receipt.grouped_code, "")


def test_draft_cookie_is_hidden_from_scripts_and_other_paths(client):
    """The token is random, httponly, Lax, below /complain/; the database knows its hash only."""
    client.post("/complain/", CATEGORY)
    cookie = client.cookies[drafts.COOKIE]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (
        "/complain/",
        True,
        "Lax",
        "",
    )
    draft = IntakeDraft.objects.get()
    assert draft.token_hash == hashlib.sha256(cookie.value.encode()).hexdigest()
    assert "sessionid" not in client.cookies


def test_answers_are_encrypted_and_wiped_after_filing(client):
    write(client, {"narrative": "暗号金丝雀"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT answers FROM complaints_intakedraft")
        assert "金丝雀" not in cursor.fetchone()[0]
    client.post("/complain/check/")
    assert IntakeDraft.objects.get().answers == "{}"


def test_going_back_shows_what_was_typed(client):
    """IN-06: back and forward keep the answers."""
    write(client, {"narrative": "停水了"}, {"needs_care": "on"})
    assert 'value="utilities"' in _checked(client.get("/complain/").content.decode())
    details = client.get("/complain/details/").content.decode()
    assert "停水了</textarea>" in details
    assert 'value="2025-11-15"' in details
    contact = client.get("/complain/contact/").content.decode()
    assert 'value="138 0000 0417"' in contact
    assert 'name="needs_care"' in _checked(contact)
    assert 'name="is_confidential"' not in _checked(contact)


def _checked(html: str) -> str:
    return " ".join(tag for tag in re.findall(r"<input[^>]*>", html) if " checked" in tag)


@pytest.mark.parametrize("path", ["/complain/details/", "/complain/contact/", "/complain/check/", "/complain/done/"])
def test_step_without_a_draft_leads_to_the_beginning(client, path):
    response = client.get(path)
    assert (response.status_code, response.headers["Location"]) == (302, "/complain/")
    assert IntakeDraft.objects.count() == 0


def test_check_leads_back_to_the_step_that_is_missing(client):
    client.post("/complain/", CATEGORY)
    assert client.get("/complain/check/").headers["Location"] == "/complain/details/"
    client.post("/complain/details/", DETAILS)
    assert client.post("/complain/check/").headers["Location"] == "/complain/contact/"
    assert Complaint.objects.count() == 0


def test_text_typed_without_a_draft_is_not_lost(client):
    """A lost cookie costs nothing: the text begins a new draft."""
    assert client.post("/complain/details/", DETAILS).headers["Location"] == "/complain/"
    client.post("/complain/", CATEGORY)
    assert DETAILS["narrative"] in client.get("/complain/details/").content.decode()


def test_language_travels_through_the_steps(client):
    assert client.post("/complain/?lang=en", CATEGORY).headers["Location"] == "/complain/details/?lang=en"


# --- Bad input --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "good", "bad", "message"),
    [
        ("/complain/", CATEGORY, {"category": ""}, "Choose a category"),
        ("/complain/", CATEGORY, {"category": "water-outage"}, "valid choice"),
        ("/complain/details/", DETAILS, {"narrative": ""}, "Tell us what happened."),
        ("/complain/details/", DETAILS, {"narrative": " \u200b\n\t"}, "Tell us what happened."),
        ("/complain/details/", DETAILS, {"narrative": "停\x00水"}, "This text holds characters that cannot be stored."),
        ("/complain/details/", DETAILS, {"narrative": "停\ufffd水"}, "This text holds characters that cannot be read."),
        ("/complain/details/", DETAILS, {"narrative": "停" * 350_000}, "Please shorten this to 20000 characters."),
        ("/complain/details/", DETAILS, {"occurred_on": ""}, "Fill in the day."),
        ("/complain/details/", DETAILS, {"occurred_on": "15.11."}, "Write the day like 2026-11-15."),
        ("/complain/details/", DETAILS, {"occurred_on": "2199-01-01"}, "This date is in the future"),
        ("/complain/details/", DETAILS, {"amount": "很多"}, "Write the amount in digits"),
        ("/complain/details/", DETAILS, {"amount": "12.345"}, "Write the amount in digits"),
        ("/complain/details/", DETAILS, {"amount": "-5"}, "Check the amount; it cannot be right."),
        ("/complain/details/", DETAILS, {"amount": "1" + "0" * 40}, "Check the amount; it cannot be right."),
        ("/complain/contact/", CONTACT, {"phone": ""}, "Give a phone number or an e-mail address"),
        ("/complain/contact/", CONTACT, {"phone": "12"}, "This is not a phone number that can be dialled"),
        ("/complain/contact/", CONTACT, {"email": "w@"}, "This is not an e-mail address"),
        ("/complain/contact/", CONTACT, {"preferred_contact": "email"}, "give your address"),
        ("/complain/contact/", CONTACT, {"name": ""}, "Tell us what to call you"),
    ],
)
def test_bad_input_is_named_at_the_field_and_keeps_the_rest(client, path, good, bad, message):
    """PI-16 and IN-06: 422 with a summary and the error at the field; nothing typed is lost."""
    client.post("/complain/", CATEGORY)
    response = client.post(f"{path}?lang=en", {**good, **bad})
    html = response.content.decode()
    assert response.status_code == 422
    assert "data-error-summary" in html
    assert 'aria-invalid="true"' in html or "has-error" in html
    assert html.count(message) == 2
    for name, value in good.items():
        if name not in bad and name != "category":
            assert value in html
    assert drafts.answers(IntakeDraft.objects.get()).keys() == {"category"}


def test_lone_surrogate_is_refused_with_a_sentence(client):
    """PI-16: bytes that are no text come as a 422, never as a 500."""
    client.post("/complain/", CATEGORY)
    body = b"narrative=%E5%81%9C%ED%A0%80&occurred_on=2025-11-15"
    response = client.post("/complain/details/?lang=en", body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 422
    assert "This text holds characters that cannot be read." in response.content.decode()


@pytest.mark.parametrize("typed", ["2025年11月15日", "2025/11/15", "2025.11.15", "２０２５－１１－１５", "2025-11-15"])
def test_date_is_understood_as_people_write_it(client, typed):
    file(client, {"occurred_on": typed})
    assert str(Complaint.objects.get().occurred_on) == "2025-11-15"


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_stored_exactly_or_refused(db, text):
    """PI-16: emoji, right-to-left, zero-width, full-width, control characters."""
    client = Client()
    client.post("/complain/", CATEGORY)
    response = client.post("/complain/details/", {**DETAILS, "narrative": text})
    if response.status_code == 302:
        client.post("/complain/contact/", CONTACT)
        client.post("/complain/check/")
        number = receipt_of(client).number
        assert Complaint.objects.get(number=number).narrative == text
    else:
        assert response.status_code == 422
        visible = any(char.isprintable() and not char.isspace() for char in text)
        assert not visible or "\x00" in text or "\ufffd" in text


# --- Once and only once -----------------------------------------------------------------------
def test_posting_again_shows_the_same_receipt(client):
    """PI-06, FI-F: double click, back button, retry."""
    first = file(client)
    for _again in range(3):
        assert client.post("/complain/check/").headers["Location"] == "/complain/done/"
    assert (
        client.post("/complain/details/", {**DETAILS, "narrative": "别的事"}).headers["Location"] == "/complain/done/"
    )
    assert client.get("/complain/contact/").headers["Location"] == "/complain/done/"
    assert receipt_of(client) == first
    assert Complaint.objects.get().narrative == DETAILS["narrative"]


def test_another_complaint_gets_a_draft_of_its_own(client):
    first = file(client)
    second = file(client, {"narrative": "第二件事"})
    assert first.number != second.number
    assert Complaint.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_twenty_parallel_posts_make_one_case(client):
    """PI-06, FI-F, I1, I2: one row, twenty equal answers."""
    client.post("/complain/", CATEGORY)
    client.post("/complain/details/", {**DETAILS, "files": [png()]})
    client.post("/complain/contact/", CONTACT)
    token = client.cookies[drafts.COOKIE].value

    def post(_n: int) -> tuple[int, str, str]:
        visitor = Client()
        visitor.cookies[drafts.COOKIE] = token
        try:
            answer = visitor.post("/complain/check/")
            shown = visitor.get("/complain/done/").content.decode()
        finally:
            connection.close()
        return answer.status_code, answer.headers["Location"], " ".join(re.findall(r'receipt-no">([^<]+)<', shown))

    with ThreadPoolExecutor(20) as pool:
        answers = set(pool.map(post, range(20)))
    case = Complaint.objects.get()
    kept = receipt_of(client)
    assert answers == {(302, "/complain/done/", f"{case.number} {kept.grouped_code}")}
    assert case.narrative == DETAILS["narrative"]
    assert [row.name for row in case.attachments.all()] == ["公告栏.png"]
    assert case.events.count() == 1


def test_refused_filing_leaves_nothing_and_keeps_the_draft(client, settings):
    """I1: an error left no case behind, and the text is still there."""
    write(client)
    visitor = "127.0.0.1"
    throttle.spend(throttle.FILED_BY_ADDRESS, visitor, at=timezone.now(), cost=throttle.FILED_BY_ADDRESS.amount)
    response = client.post("/complain/check/?lang=en")
    html = response.content.decode()
    assert response.status_code == 429
    assert response.headers["Retry-After"] == "3600"
    assert "Nothing is lost" in html
    assert DETAILS["narrative"] in html
    assert Complaint.objects.count() == 0
    assert IntakeDraft.objects.get().complaint is None


def test_limit_per_contact_holds_across_addresses(client):
    """PI-10."""
    write(client)
    throttle.spend(
        throttle.FILED_BY_CONTACT, CONTACT["phone"], at=timezone.now(), cost=throttle.FILED_BY_CONTACT.amount
    )
    assert client.post("/complain/check/", REMOTE_ADDR="203.0.113.9").status_code == 429


def test_staff_registration_is_never_limited(client, cast):
    """PI-10: the hotline works while the public form is full."""
    throttle.spend(throttle.FILED_BY_ADDRESS, "127.0.0.1", at=timezone.now(), cost=throttle.FILED_BY_ADDRESS.amount)
    receipt = transitions.register(filing(channel=Channel.PHONE), by=cast.intake, at=at("2026-11-16 09:12"))
    assert receipt.complaint.status == Status.REGISTERED


def test_budget_counts_up_to_the_amount_and_empties_with_the_window():
    limit = throttle.Limit("test", 3, 60)
    now = at("2026-11-16 09:00")
    assert [throttle.spend(limit, "a", at=now) for _n in range(4)] == [True, True, True, False]
    assert throttle.spend(limit, "b", at=now) is True
    assert throttle.spend(limit, "a", at=now + timedelta(seconds=60)) is True


# --- Shared computers ---------------------------------------------------------------------------
def test_receipt_is_for_the_browser_that_filed(client):
    """PI-08."""
    receipt = file(client)
    stranger = Client()
    response = stranger.get("/complain/done/")
    assert response.status_code == 302
    stranger.cookies[drafts.COOKIE] = "wrong"
    assert receipt.number not in stranger.get("/complain/done/", follow=True).content.decode()


def test_clearing_removes_the_receipt_but_not_the_case(client):
    """PI-08: “delete from this computer”."""
    receipt = file(client)
    token = client.cookies[drafts.COOKIE].value
    response = client.post("/complain/clear/")
    assert response.cookies[drafts.COOKIE].value == ""
    assert response.headers["Cache-Control"] == "no-store"
    assert receipt.number not in response.content.decode()
    client.cookies[drafts.COOKIE] = token  # somebody who kept the cookie
    assert client.get("/complain/done/").headers["Location"] == "/track/"
    assert IntakeDraft.objects.get().receipt == ""
    assert Complaint.objects.get().number == receipt.number


def test_clearing_an_unfiled_draft_removes_it_and_its_files(client):
    client.post("/complain/", CATEGORY)
    client.post("/complain/details/", {**DETAILS, "files": [png()]})
    client.post("/complain/clear/")
    assert (IntakeDraft.objects.count(), Attachment.objects.count()) == (0, 0)


def test_address_of_the_visitor_is_in_no_table_of_the_case(client):
    """PI-14."""
    client.defaults["REMOTE_ADDR"] = "203.0.113.77"
    receipt = file(client)
    case = Complaint.objects.get()
    assert open_case(client, case, receipt.grouped_code).status_code == 302
    for path, data in (
        ("supplement/", {"kind": "supplement", "text": "补充一句", "files": [png()]}),
        ("code/", {}),
        ("withdraw/", {"reason": "不用了"}),
    ):
        assert client.post(f"/track/case/{path}", data).status_code in (200, 302)
    assert {"contact", "replace_code", "withdraw"} <= set(case.events.values_list("kind", flat=True))
    for model in apps.get_app_config("complaints").get_models():
        assert "203.0.113.77" not in repr(list(model.objects.values())), model.__name__


# --- Files --------------------------------------------------------------------------------------
def test_files_are_kept_with_the_draft_and_go_to_the_case(client):
    """IN-23, I1: the stored content is the content sent; the client's content type is not believed."""
    picture = png()
    content = picture.read()
    picture.seek(0)
    file(client, {"files": [picture]})
    row = Complaint.objects.get().attachments.get()
    assert (row.name, row.from_complainant, row.draft) == ("公告栏.png", True, None)
    assert row.file.sha256 == hashlib.sha256(content).hexdigest()
    assert row.file.content_type == "image/png"


def test_upload_button_keeps_text_and_stays_on_the_step(client):
    client.post("/complain/", CATEGORY)
    response = client.post("/complain/details/upload/", {"narrative": "写了一半", "files": [png()]})
    assert response.headers["Location"] == "/complain/details/#files"
    html = client.get("/complain/details/").content.decode()
    assert "写了一半</textarea>" in html
    assert "公告栏.png" in html
    assert "data-error-summary" not in html


@pytest.mark.parametrize("step", ["upload/", "remove/1/"])
def test_form_address_leads_back_to_its_step(client, step):
    """An address that only takes the form leads, reloaded or in English, to the page of the form."""
    client.post("/complain/", CATEGORY)
    assert client.get(f"/complain/details/{step}?lang=en").headers["Location"] == "/complain/details/?lang=en#files"


def test_refused_file_is_named_and_everything_else_stays(client):
    """FL-02: a program is refused, the picture beside it and the text are kept."""
    client.post("/complain/", CATEGORY)
    program = SimpleUploadedFile("照片.jpg", b"MZ\x90\x00" + bytes(200), content_type="image/jpeg")
    response = client.post("/complain/details/?lang=en", {**DETAILS, "files": [program, png()]})
    html = response.content.decode()
    assert response.status_code == 422
    assert html.count("“照片.jpg” is not a kind of file we take.") == 2
    assert DETAILS["narrative"] in html
    assert [row.name for row in IntakeDraft.objects.get().attachments.all()] == ["公告栏.png"]


def test_at_most_ten_files(client):
    client.post("/complain/", CATEGORY)
    pictures = [png(f"{n}.png", (n + 1, 1)) for n in range(12)]
    response = client.post("/complain/details/upload/?lang=en", {"files": pictures})
    html = response.content.decode()
    assert response.status_code == 422
    assert html.count("“10.png” was not added: at most 10 files.") == 2
    assert html.count("“11.png” was not added: at most 10 files.") == 2
    assert IntakeDraft.objects.get().attachments.count() == 10
    again = client.post("/complain/details/upload/?lang=en", {"files": [png("neu.png")]})
    assert "“neu.png” was not added" in again.content.decode()
    # None fits any more: named in the order in which they were chosen.
    more = client.post(
        "/complain/details/upload/?lang=en", {"files": [png(f"{n}.png") for n in range(12)]}
    ).content.decode()
    named = re.findall(r"“(\d+)\.png” was not added", more)
    assert named == [str(n) for n in range(12)] * 2


def test_file_of_another_draft_cannot_be_removed(client):
    """FL-13: ids of other people's files mean nothing here."""
    client.post("/complain/", CATEGORY)
    client.post("/complain/details/upload/", {"files": [png()]})
    attachment = Attachment.objects.get()
    stranger = Client()
    stranger.post("/complain/", CATEGORY)
    stranger.post(f"/complain/details/remove/{attachment.pk}/", DETAILS)
    assert Attachment.objects.filter(pk=attachment.pk, draft__isnull=False).exists()
    assert attachment.name not in stranger.get("/complain/details/").content.decode()
    client.post(f"/complain/details/remove/{attachment.pk}/", {**DETAILS, "narrative": "还在"})
    assert Attachment.objects.count() == 0
    assert "还在</textarea>" in client.get("/complain/details/").content.decode()


def test_file_of_a_filed_case_cannot_be_removed(client):
    file(client, {"files": [png()]})
    row = Attachment.objects.get()
    assert client.post(f"/complain/details/remove/{row.pk}/").headers["Location"] == "/complain/done/"
    assert Complaint.objects.get().attachments.get() == row


# --- Script in every field -----------------------------------------------------------------------
PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    '" autofocus onfocus="alert(1)',
    '<a hx-get="/x" hx-trigger="load">',
    "{{ 7*7 }}{% debug %}",
    "</textarea><iframe src=javascript:alert(1)>",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_script_in_any_field_is_shown_as_text(client, payload):
    """PI-09: no element and no attribute is made from what was typed, on any public page."""
    picture = png(f"{payload.replace('/', '')}.png")
    write(
        client,
        {"narrative": payload, "demand": payload, "place": payload, "product": payload, "files": [picture]},
        {"name": payload[:80], "contact_note": payload, "care_note": payload, "needs_care": "on"},
    )
    pages = [
        client.get(path).content.decode() for path in ("/complain/details/", "/complain/contact/", "/complain/check/")
    ]
    client.post("/complain/check/")
    receipt = receipt_of(client)
    client.post("/track/", {"number": receipt.number, "code": receipt.code})
    client.post("/track/case/supplement/", {"kind": "substantive", "text": payload})
    pages.append(client.get("/track/case/").content.decode())
    pages.append(client.post("/track/", {"number": payload, "code": payload}).content.decode())
    for html in pages:
        for tag, attributes in Elements(html).found:
            assert tag not in ("iframe", "svg/onload")
            assert not [name for name in attributes if name.startswith(("on", "hx-"))]
            assert tag != "script" or (attributes.get("src") or "").startswith("/static/")
            assert tag != "img"
        assert "49" not in re.findall(r"\{?\d*7\*7\}?|>49<", html)


@pytest.mark.urls("config.urls")
@pytest.mark.parametrize("payload", PAYLOADS)
def test_pi_09_staff_read_as_text_what_the_public_typed(client, cast, payload):
    """List, case and its print: no element and no attribute comes from the complainant."""
    picture = png(f"{payload.replace('/', '')}.png")
    write(
        client,
        {"narrative": payload, "demand": payload, "place": payload, "product": payload, "files": [picture]},
        {"name": payload[:80], "contact_note": payload, "care_note": payload, "needs_care": "on"},
    )
    client.post("/complain/check/")
    number = receipt_of(client).number
    case = Complaint.objects.get()
    transitions.add_question(case.pk, kind="substantive", text=payload, channel=Channel.WEB, by=None)
    client.force_login(cast.intake)
    addresses = ["/desk/queue/?view=all", *(f"/desk/cases/{number}/{tail}" for tail in ("", "print/"))]
    for address in addresses:
        response = client.get(address)
        assert response.status_code == 200, address
        for tag, attributes in Elements(response.content.decode()).found:
            assert tag not in ("iframe", "svg/onload")
            assert not [name for name in attributes if name.startswith("on")]
            assert attributes.get("hx-get") != "/x"
            assert tag != "script" or (attributes.get("src") or "").startswith("/static/")
            assert tag != "img" or (attributes.get("src") or "").startswith("/")


def test_fl_06_a_full_disk_costs_the_file_and_not_the_text(client, monkeypatch):
    """The page says so at the field; what was written is still there and goes on without the file."""
    client.post("/complain/", CATEGORY)

    def full(*_args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as broken:
        broken.setattr("complaints.files.os.fsync", full)
        answer = client.post("/complain/details/upload/", DETAILS | {"files": [png()]})
    assert (answer.status_code, set(answer.context["form"].errors)) == (422, {"files"})
    assert not Attachment.objects.exists()
    assert DETAILS["narrative"] in answer.content.decode()
    assert client.post("/complain/details/", DETAILS).status_code == 302


# --- Too much at once ------------------------------------------------------------------------------
def test_request_that_says_it_is_too_large_is_refused_unread(client):
    """FL-05: 413 by the declared length; the page says what to do."""
    response = client.post("/complain/details/?lang=en", DETAILS, CONTENT_LENGTH=str(600 * 1024 * 1024))
    assert response.status_code == 413
    assert "At most 10 files of up to 50 MB each can be sent at a time." in response.content.decode()
    assert IntakeDraft.objects.count() == 0


def test_too_much_text_gets_the_same_page(client):
    response = client.post("/complain/details/", {**DETAILS, "narrative": "a" * (6 * 1024 * 1024)})
    assert response.status_code == 413


def test_too_many_files_get_the_same_page(client, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 3
    client.post("/complain/", CATEGORY)
    response = client.post("/complain/details/", {"files": [png(f"{n}.png") for n in range(5)]})
    assert response.status_code == 413


def test_forms_without_a_token_are_refused():
    """The wrapper that reads the body first does not switch the CSRF check off."""
    strict = Client(enforce_csrf_checks=True)
    for path in (
        "/complain/",
        "/complain/check/",
        "/complain/clear/",
        "/track/",
        "/track/case/withdraw/",
        "/track/leave/",
    ):
        assert strict.post(path, {}).status_code == 403, path


# --- Help -------------------------------------------------------------------------------------------
def test_help_names_the_limits_in_force_and_sets_no_cookie(client):
    response = client.get("/help/?lang=en")
    html = response.content.decode()
    assert response.cookies == {}
    assert "Within 2 working days: we tell you whether we accept it" in html
    assert "Then within 15 working days: the department finds out what happened and puts it right" in html
    assert "Complex matters: 30 working days" in html
    assert "Not satisfied? Apply for a review within 15 working days of the answer" in html
    for anchor in ("rules", "privacy", "accessibility", "code"):
        assert f'id="{anchor}"' in html


def test_form_page_works_for_many_categories_with_the_same_queries(client, django_assert_num_queries):
    client.get("/complain/")  # from then on it is known for a while which incidents go on
    with django_assert_num_queries(2):
        client.get("/complain/")


# --- Saved as you go ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "typed", "before", "step"),
    [
        (
            "/complain/details/",
            {"narrative": "写到一半", "occurred_on": "", "place": "柳桥三村"},
            "/complain/",
            "details",
        ),
        ("/complain/contact/", {"name": "", "phone": "138", "care_note": "听力不便"}, "/complain/details/", "contact"),
    ],
)
def test_going_back_keeps_a_step_that_is_not_finished(client, path, typed, before, step):
    """IN-06: without JavaScript; what is missing or wrong in it is said only when going on."""
    client.post("/complain/", CATEGORY)
    client.post("/complain/details/", DETAILS)
    response = client.post(path, {**typed, "back": "1"})
    assert (response.status_code, response.headers["Location"]) == (302, before)
    html = client.get(path).content.decode()
    for value in filter(None, typed.values()):
        assert value in html
    assert client.post("/complain/check/").headers["Location"] == path
    assert client.post(path, typed).status_code == 422


def test_going_back_keeps_the_chosen_files_too(client):
    client.post("/complain/", CATEGORY)
    client.post("/complain/details/", {"narrative": "写到一半", "files": [png()], "back": "1"})
    assert [row.name for row in Attachment.objects.all()] == ["公告栏.png"]


@pytest.mark.parametrize("path", ["/complain/details/", "/complain/contact/"])
def test_the_way_back_is_a_button_of_the_form_and_not_its_first(client, path):
    """A link would drop what was typed; the first button is what the Enter key presses."""
    client.post("/complain/", CATEGORY)
    client.post("/complain/details/", DETAILS)
    found = Elements(client.get(path).content.decode()).found
    buttons = [attrs for tag, attrs in found if tag == "button" and attrs.get("type") == "submit"]
    names = [attrs.get("name") for attrs in buttons]
    assert "back" in names
    assert names[0] is None


def test_a_step_is_kept_while_it_is_being_written(client):
    """IN-06: what JavaScript sends on the way, complete or not, is there after the browser was closed."""
    client.post("/complain/", CATEGORY)
    client.post("/complain/details/", DETAILS)
    half = {"name": "王", "phone": "1380", "email": "", "needs_care": "on"}
    assert client.post("/complain/keep/contact/", half).status_code == 204
    html = client.get("/complain/contact/").content.decode()
    assert 'value="1380"' in html
    assert 'name="needs_care"' in _checked(html)
    assert client.post("/complain/check/").headers["Location"] == "/complain/contact/"


def test_keeping_needs_an_open_draft_of_this_browser(client):
    """Nothing is begun, and a filed complaint is not touched."""
    assert client.post("/complain/keep/contact/", CONTACT).status_code == 409
    assert IntakeDraft.objects.count() == 0
    file(client)
    assert client.post("/complain/keep/details/", {"narrative": "别的"}).status_code == 409
    assert Complaint.objects.get().narrative == DETAILS["narrative"]
    assert client.get("/complain/keep/contact/").status_code == 405
    client.post("/complain/", CATEGORY)
    assert client.post("/complain/keep/nothing/", {}).status_code == 404
    assert client.post("/complain/keep/details/", {"narrative": "停" * 100_001}).status_code == 409


def test_keeping_takes_the_token_of_the_form():
    """Another site cannot write into the draft (CSRF)."""
    strict = Client(enforce_csrf_checks=True)
    page = strict.get("/complain/").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
    strict.post("/complain/", {**CATEGORY, "csrfmiddlewaretoken": token})
    assert strict.post("/complain/keep/contact/", CONTACT).status_code == 403
    assert strict.post("/complain/keep/contact/", {**CONTACT, "csrfmiddlewaretoken": token}).status_code == 204


@pytest.mark.django_db
def test_in_25_36_the_second_step_asks_what_the_chosen_category_needs(client):
    """Questions and materials of the category, in the language of the page; nothing of them is compulsory."""
    category = Category.objects.get(dimension="category", code="utilities")
    category.required_fields = ["place"]
    category.save(update_fields=["required_fields"])
    client.post("/complain/", CATEGORY)
    html = client.get("/complain/details/").content.decode()
    for text in ("家里有老人、病人或婴儿吗？", "户号", "现场照片或视频", '<details class="more" open>'):
        assert text in html
    english = client.get("/complain/details/?lang=en").content.decode()
    assert "Customer number" in english
    assert "户号" not in english
    client.post("/complain/?lang=zh", {"category": "other"})
    assert "现场照片或视频" not in client.get("/complain/details/?lang=zh").content.decode()
    assert client.post("/complain/details/", DETAILS).status_code == 302


@pytest.mark.django_db
def test_in_25_a_category_that_is_gone_asks_nothing(client):
    client.post("/complain/", CATEGORY)
    Category.objects.filter(code="utilities").update(code="renamed")
    assert client.get("/complain/details/").status_code == 200
