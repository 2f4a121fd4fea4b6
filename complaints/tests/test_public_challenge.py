"""The question before filing when very many complaints come in (PI-10)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone, translation

from accounts.tests.factories import token as api_token
from complaints import challenge, drafts, throttle
from complaints.models import Complaint, IntakeDraft
from complaints.tests.factories import at, registered
from complaints.tests.public_flow import DETAILS, Elements, file, receipt_of, write
from complaints.tests.test_register import form

pytestmark = pytest.mark.django_db
NOW = at("2026-11-16 09:00")
_WORDS = {word: value for value, word in enumerate(challenge._ENGLISH)}


@pytest.fixture
def always(settings) -> None:
    """Every complaint of the public form takes an answer."""
    settings.CHALLENGE_PER_ADDRESS = 0


def solve(text: str) -> int:
    first, sign, second = re.search(r"What is (\w+) (plus|minus) (\w+)\?", text).groups()
    return _WORDS[first] + _WORDS[second] * (1 if sign == "plus" else -1)


def asked(html: str) -> tuple[str, int]:
    """The token of the question on a page and its right answer."""
    tokens = [attrs for tag, attrs in Elements(html).found if tag == "input" and attrs.get("name") == "question"]
    return tokens[0]["value"], solve(html)


def question(client: Client) -> tuple[str, int]:
    return asked(client.get("/complain/check/?lang=en").content.decode())


def answer(client: Client, token: str, text: object) -> tuple[int, str]:
    response = client.post("/complain/check/?lang=en", {"question": token, "answer": str(text)})
    return response.status_code, response.content.decode()


# --- When it is asked -------------------------------------------------------------------------
def test_pi_10_nobody_is_asked_on_an_ordinary_day(client):
    write(client)
    assert 'name="answer"' not in client.get("/complain/check/").content.decode()
    assert client.post("/complain/check/").headers["Location"] == "/complain/done/"


def test_pi_10_the_third_of_two_free_ones_from_one_address_is_asked(settings):
    """Another address goes on without a question."""
    settings.CHALLENGE_PER_ADDRESS = 2
    settings.TRUSTED_PROXIES = 1
    busy = {"HTTP_X_FORWARDED_FOR": "192.0.2.7"}
    for _n in range(2):
        file(Client(**busy))
    third, other = Client(**busy), Client(HTTP_X_FORWARDED_FOR="192.0.2.8")
    write(third)
    assert "What is" in third.get("/complain/check/?lang=en").content.decode()
    assert third.post("/complain/check/").status_code == 422
    file(other)
    assert Complaint.objects.count() == 3


def test_pi_10_everybody_is_asked_when_the_site_gets_more_than_its_number(settings):
    settings.CHALLENGE_PER_SITE = 1
    settings.TRUSTED_PROXIES = 1
    file(Client(HTTP_X_FORWARDED_FOR="192.0.2.7"))
    other = Client(HTTP_X_FORWARDED_FOR="192.0.2.8")
    write(other)
    assert other.post("/complain/check/").status_code == 422


def test_pi_10_the_next_hour_is_free_again(settings):
    settings.CHALLENGE_PER_ADDRESS = 1
    challenge.note_filing("192.0.2.7", at=NOW)
    assert challenge.is_needed("192.0.2.7", at=NOW + timedelta(minutes=59))
    assert not challenge.is_needed("192.0.2.7", at=NOW + timedelta(minutes=60))


def test_pi_10_staff_and_programs_with_a_token_are_never_asked(client, cast, always, settings):
    """The phone clerk's path does not meet the question, whatever the public form does."""
    settings.CHALLENGE_PER_SITE = 0
    client.force_login(cast.intake)
    page = client.get("/desk/register/")
    assert page.status_code == 200
    assert 'name="question"' not in page.content.decode()
    # The desk registers without a question too.
    sent = client.post("/desk/register/?channel=phone", form())
    assert (sent.status_code, Complaint.objects.count()) == (302, 1)
    body = {"subject": "停水", "narrative": "停水两天", "channel": "phone", "name": "王先生", "phone": "13800000417"}
    token = api_token(cast.intake)
    response = Client().post(
        "/api/v1/complaints/", body, content_type="application/json", headers={"authorization": f"Token {token}"}
    )
    assert response.status_code == 201, response.content


def test_pi_10_a_program_without_a_token_is_no_way_round_the_question(client, db, settings):
    """Where the form would ask, such a program is sent there; before that it counts like a person."""
    settings.CHALLENGE_PER_ADDRESS = 2
    body = {"subject": "停水", "narrative": "停水两天", "name": "王先生", "phone": "13800000417"}
    codes = [client.post("/api/v1/complaints/", body, content_type="application/json").status_code for _n in range(3)]
    assert codes == [201, 201, 429]
    assert Complaint.objects.count() == 2
    write(client)
    assert "What is" in client.get("/complain/check/?lang=en").content.decode()


def test_pi_10_a_program_meets_the_limit_of_a_contact_too(client, db):
    contact = {"subject": "停水", "narrative": "停水两天", "name": "王先生", "phone": "13800000417"}
    throttle.spend(
        throttle.FILED_BY_CONTACT, contact["phone"], at=timezone.now(), cost=throttle.FILED_BY_CONTACT.amount
    )
    refused = client.post("/api/v1/complaints/", contact, content_type="application/json")
    assert (refused.status_code, refused["Retry-After"], Complaint.objects.count()) == (429, "3600", 0)
    other = client.post("/api/v1/complaints/", contact | {"phone": "13800000418"}, content_type="application/json")
    assert other.status_code == 201


# --- Answering ----------------------------------------------------------------------------------
def test_pi_10_a_right_answer_files_the_complaint(client, always):
    write(client)
    token, right = question(client)
    assert answer(client, token, right)[0] == 302
    assert Complaint.objects.get().number == receipt_of(client).number


def test_pi_10_a_wrong_answer_keeps_everything_typed_and_asks_anew(client, always):
    """IN-06: summary and error at the field; the answers are still on the page, the draft is open."""
    write(client)
    token, right = question(client)
    status, html = answer(client, token, right + 1)
    assert status == 422
    assert html.count("This is not the right answer. Here is another question.") == 2
    assert 'aria-invalid="true"' in html
    assert DETAILS["narrative"] in html
    assert Complaint.objects.count() == 0
    fresh, right = asked(html)
    assert fresh != token
    assert answer(client, fresh, right)[0] == 302


def test_pi_10_a_question_takes_one_answer_only(client, always):
    """A robot cannot try all numbers on one question."""
    write(client)
    token, right = question(client)
    answer(client, token, right + 1)
    status, html = answer(client, token, right)
    assert (status, Complaint.objects.count()) == (422, 0)
    assert "This question was used before" in html


def test_pi_10_the_question_of_another_draft_does_not_count(client, always):
    other = Client()
    write(other)
    token, right = question(other)
    write(client)
    assert answer(client, token, right)[0] == 422
    assert Complaint.objects.count() == 0


def test_pi_10_a_question_lasts_an_hour_and_cannot_be_forged(db):
    with translation.override("en"):
        asked_at = challenge.ask(7, at=NOW)
    right = str(solve(asked_at.text))
    challenge.require(7, asked_at.token, right, at=NOW + timedelta(minutes=59))
    for token, moment in ((asked_at.token, NOW + timedelta(minutes=60)), (f"{asked_at.token}x", NOW), ("x", NOW)):
        with pytest.raises(challenge.Unanswered):
            challenge.require(7, token, right, at=moment)


def test_pi_10_many_wrong_answers_end_for_the_hour(client, always):
    write(client)
    for _n in range(challenge.WRONG_BY_ADDRESS.amount):
        token, right = question(client)
        assert answer(client, token, right + 1)[0] == 422
    token, right = question(client)
    status, html = answer(client, token, right + 1)
    assert status == 429
    assert "Nothing is lost" in html
    assert drafts.answers(IntakeDraft.objects.get())["details"]["narrative"] == DETAILS["narrative"]


def test_pi_10_double_click_with_a_right_answer_makes_one_case(client, always):
    """PI-06: the second post of the same answer shows the same receipt."""
    write(client)
    token, right = question(client)
    for _n in range(2):
        response = client.post("/complain/check/", {"question": token, "answer": right})
        assert response.headers["Location"] == "/complain/done/"
    assert Complaint.objects.count() == 1


@pytest.mark.parametrize(
    ("typed", "value"),
    [("12", 12), (" 12 。", 12), ("１２", 12), ("十二", 12), ("一十二", 12), ("两", 2), ("〇", 0), ("Twelve", 12),
     ("١٢", 12), ("", None), ("12a", None), ("twenty", None), ("99999", None), ("-3", None)],
)  # fmt: skip
def test_pi_10_numbers_are_understood_as_people_write_them(typed, value):
    assert challenge.number(typed) == value


# --- For everybody --------------------------------------------------------------------------------
def test_pi_10_the_question_is_text_with_a_label_and_no_picture(client, always):
    """Works with a screen reader and without JavaScript: a labelled field, nothing to see or hear."""
    write(client)
    html = client.get("/complain/check/?lang=en").content.decode()
    label = re.search(r'<label class="label" for="([^"]+)">What is \w+ (?:plus|minus) \w+\?</label>', html)
    fields = [attrs for tag, attrs in Elements(html).found if tag == "input" and attrs.get("name") == "answer"]
    assert [field["id"] for field in fields] == [label[1]]
    assert fields[0]["type"] == "text"
    form = html[html.index("<h1") : html.index("</main>")]
    assert "<img" not in form
    assert "<script" not in form


def test_pi_10_the_token_holds_no_answer():
    """Two questions with the same answer carry different marks."""
    with translation.override("en"):
        questions = [challenge.ask(1, at=NOW) for _n in range(40)]
    marks = [challenge._content(item.token)["a"] for item in questions]
    assert len(set(marks)) == 40
    assert len({solve(item.text) for item in questions}) < 40


def test_pi_10_a_case_filed_by_a_member_of_staff_spends_no_budget(settings):
    settings.CHALLENGE_PER_SITE = 1
    registered()
    assert not challenge.is_needed("127.0.0.1", at=NOW)
