"""Orders, deliveries and after-sales services, reported by other systems and looked up by anybody who has the
number and four digits (IN-38)."""

from __future__ import annotations

import logging
import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client, RequestFactory
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import InvalidInput, NotAllowed
from accounts.models import SecurityEvent
from accounts.tests.factories import token as api_token
from complaints import jobs, lookup, lookup_views
from complaints.models import IdempotencyKey, LookupRecord
from complaints.tests.factories import at

pytestmark = pytest.mark.django_db
API = "/api/v1/lookups/"
PAGE = "/lookup/"
NUMBER, PHONE, DIGITS = "SF-1029 3847ab", "13800002417", "2417"
NOW = at("2026-11-21 10:00")
CSRF = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"')


def row(**changes) -> dict[str, str]:
    values = {
        "kind": "delivery",
        "number": NUMBER,
        "phone": PHONE,
        "status": "已发货",
        "detail": "从望澜分拨中心发出",
        "at": "2026-11-20T14:30:00+08:00",
    }
    return values | changes


STEPS = (
    row(kind="order", status="已付款", detail="", at="2026-11-19T20:05:00+08:00"),
    row(),
    row(status="正在派送", detail="预计今天送到", at="2026-11-21T08:10:00+08:00"),
)


def send(client, who, rows, **headers):
    headers["Authorization"] = f"Token {api_token(who)}"
    return client.post(API, {"rows": rows}, content_type="application/json", headers=headers)


def look(client, number: str = NUMBER, digits: str = DIGITS):
    return client.post(PAGE, {"number": number, "digits": digits})


@pytest.fixture
def reported(cast) -> lookup.Stored:
    return lookup.store(STEPS, by=cast.coordinator, at=NOW)


# --- Reporting ----------------------------------------------------------------------------------
def test_in_38_a_system_reports_steps_and_the_same_step_changes_nothing(client, cast):
    first, again = send(client, cast.coordinator, STEPS), send(client, cast.coordinator, [*STEPS, row(status="已签收")])
    assert (first.status_code, first.json()) == (201, {"stored": 3, "known": 0})
    assert (again.status_code, again.json()) == (201, {"stored": 1, "known": 3})
    assert LookupRecord.objects.count() == 4
    assert set(LookupRecord.objects.values_list("received_from", flat=True)) == {cast.coordinator.pk}


def test_in_38_a_step_twice_in_one_report_is_kept_once_however_it_is_written(cast):
    same = row(number="ｓｆ１０２９—3847 AB", at="2026-11-20T06:30:00Z", detail="另一句话")
    assert lookup.store([row(), same], by=cast.coordinator, at=NOW) == lookup.Stored(stored=1, known=1)
    assert LookupRecord.objects.get().detail == "从望澜分拨中心发出"


def test_i2_the_same_idempotency_key_gives_the_same_answer(client, cast):
    key = {"Idempotency-Key": "dispatch-7"}
    first, again = (send(client, cast.coordinator, STEPS, **key) for _n in range(2))
    other = send(client, cast.coordinator, [row(status="已签收")], **key)
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert LookupRecord.objects.count() == 3


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "parcel"}, "kind"),
        ({"kind": ["order"]}, "kind"),
        ({"number": ""}, "number"),
        ({"number": "A-1"}, "number"),
        ({"number": "9" * 41}, "number"),
        ({"number": "SF/10293847"}, "number"),
        ({"number": "SF1029\x003847"}, "number"),
        ({"phone": "2417"}, "phone"),
        ({"phone": "not a number"}, "phone"),
        ({"phone": {"mobile": PHONE}}, "phone"),
        ({"status": " "}, "status"),
        ({"status": "长" * 81}, "status"),
        ({"detail": "长" * 301}, "detail"),
        ({"detail": "a\x00b"}, "detail"),
        ({"at": "2026-11-20T14:30:00"}, "at"),
        ({"at": "2026-11-20"}, "at"),
        ({"at": "yesterday"}, "at"),
        ({"at": "2999-01-01T00:00:00+08:00"}, "at"),
        ({"at": "9999-12-31T23:59:59-12:00"}, "at"),
        ({"at": "0001-01-01T00:00:00+08:00"}, "at"),
        ({"at": None}, "at"),
        ({"address": "柳桥三村12幢"}, "address"),
    ],
)
def test_ap_01_a_bad_row_is_named_with_its_field_and_nothing_is_kept(client, cast, change, field):
    answer = send(client, cast.coordinator, [row(), row(status="已揽收"), row(**change)])
    assert answer.status_code == 400
    assert list(answer.json()) == [f"rows[2].{field}"]
    assert not LookupRecord.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "parcel"}, "kind"),
        ({"number": "A-1"}, "number"),
        ({"phone": "12"}, "phone"),
        ({"phone": "1" * 1000}, "phone"),
        ({"status": ""}, "status"),
        ({"status": "长" * 81}, "status"),
        ({"detail": "a\x00b"}, "detail"),
        ({"at": "2026-11-22T10:00:01+08:00"}, "at"),
        ({"at": "1999-12-31T23:59:59+00:00"}, "at"),
    ],
)
def test_in_38_the_rule_itself_names_the_row_too(cast, change, field):
    with pytest.raises(InvalidInput) as refused:
        lookup.store([row(), row(**change)], by=cast.coordinator, at=NOW)
    assert refused.value.field == f"rows[1].{field}"
    assert not LookupRecord.objects.exists()


def test_in_38_a_clock_may_be_a_day_ahead(cast):
    assert lookup.store([row(at="2026-11-22T10:00:00+08:00")], by=cast.coordinator, at=NOW).stored == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "rows"),
        ({"rows": []}, "rows"),
        ({"rows": "all"}, "rows"),
        ({"rows": [row()] * 501}, "rows"),
        ({"rows": [row()], "shop": "A"}, "shop"),
        ({"rows": [row(), "second"]}, "rows[1]"),
        ([], "non_field_errors"),
    ],
)
def test_ap_01_a_report_of_the_wrong_shape_is_refused(client, cast, body, field):
    headers = {"Authorization": f"Token {api_token(cast.coordinator)}"}
    answer = client.post(API, body, content_type="application/json", headers=headers)
    assert (answer.status_code, list(answer.json())) == (400, [field])


def test_in_38_five_hundred_rows_cost_few_queries(cast, django_assert_max_num_queries):
    rows = [row(number=f"A{n:06d}") for n in range(lookup.MOST_ROWS)]
    with django_assert_max_num_queries(12):
        assert lookup.store(rows, by=cast.coordinator, at=NOW).stored == 500
    for wrong in ([], [*rows, row()]):
        with pytest.raises(InvalidInput):
            lookup.store(wrong, by=cast.coordinator, at=NOW)


def test_az_01_only_those_who_import_report_steps(client, cast):
    assert client.post(API, {"rows": [row()]}, content_type="application/json").status_code == 401
    answer = send(client, cast.water_handler, [row()])
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    with pytest.raises(NotAllowed):
        lookup.store([row()], by=cast.water_handler, at=NOW)
    client.force_login(cast.coordinator)
    assert client.post(API, {"rows": [row()]}, content_type="application/json").status_code == 201
    assert LookupRecord.objects.count() == 1


def test_ap_01_the_interface_is_described(client, cast):
    client.force_login(cast.coordinator)
    schema = client.get("/api/schema/", {"format": "json"}).json()
    operation = schema["paths"][API]["post"]
    assert operation["responses"]["201"]["content"]["application/json"]["schema"]["$ref"].endswith("/LookupStored")
    described = schema["components"]["schemas"]["LookupRow"]
    assert described["properties"]["at"]["format"] == "date-time"
    assert set(described["required"]) == {"kind", "number", "phone", "status", "at"}


# --- The page -------------------------------------------------------------------------------------
@pytest.mark.parametrize("digits", [DIGITS, " ２４１７ ", PHONE, "+86 138-0000-2417"])
@pytest.mark.parametrize("number", [NUMBER, "sf10293847ab", " ＳＦ—１０２９ 3847 AB "])
def test_in_38_number_and_digits_show_the_steps_however_they_are_typed(client, reported, number, digits):
    page = look(client, number, digits)
    assert page.status_code == 200
    text = page.content.decode()
    assert [text.index(words) for words in ("已付款", "已发货", "正在派送")] == sorted(
        text.index(words) for words in ("已付款", "已发货", "正在派送")
    )
    assert [(str(group.kind), len(group.steps)) for group in page.context["found"]] == [("order", 1), ("delivery", 2)]
    assert "预计今天送到" in text
    assert "<strong>SF10293847AB</strong>" in text
    assert f'value="{digits}"' not in text
    assert re.search(r'<li class="is-now"[^>]*>.*?正在派送', text, re.S)


def test_in_38_the_newest_steps_are_shown_of_a_number_with_very_many(client, cast):
    first = at("2026-11-01 08:00")
    rows = [row(status=f"第{n}步", at=(first + timedelta(hours=n)).isoformat()) for n in range(lookup.MOST_STEPS + 5)]
    lookup.store(rows, by=cast.coordinator, at=NOW)
    steps = look(client).context["found"][0].steps
    assert [step.status for step in steps] == [f"第{n}步" for n in range(5, lookup.MOST_STEPS + 5)]


def test_pi_01_unknown_number_and_wrong_digits_get_the_same_answer(client, reported, django_assert_num_queries):
    """Same bytes, same status, same number of queries; what to check, whom to call, where to go on."""
    bodies = []
    look(client, "ZZ99999998", "0000")  # the first of a day begins its count
    for number, digits in ((NUMBER, "0000"), ("ZZ99999999", "0000")):
        with django_assert_num_queries(2):
            page = look(client, number, digits)
        assert page.status_code == 200
        bodies.append(CSRF.sub("", page.content.decode()).replace(number, "N"))
    assert bodies[0] == bodies[1]
    assert "没有查到" in bodies[0]
    assert "已发货" not in bodies[0]
    assert 'href="/complain/"' in bodies[0]
    assert 'href="/track/"' in bodies[0]


def test_in_38_the_digits_of_one_number_open_no_other(client, cast, reported):
    lookup.store([row(number="ZZ99999999", phone="13911110417")], by=cast.coordinator, at=NOW)
    assert "found" not in look(client, "ZZ99999999", DIGITS).context
    assert len(look(client, "ZZ99999999", "0417").context["found"]) == 1
    hashes = set(LookupRecord.objects.values_list("reference_hash", "phone_hash"))
    lookup.store([row(number="QQ11112222")], by=cast.coordinator, at=NOW)
    ours = LookupRecord.objects.latest("pk")
    assert ours.phone_hash not in {phone for _number, phone in hashes}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "number"),
        ({"number": "", "digits": DIGITS}, "number"),
        ({"number": "A-1", "digits": DIGITS}, "number"),
        ({"number": "a\x00bcdef", "digits": DIGITS}, "number"),
        ({"number": "9" * 100_000, "digits": DIGITS}, "number"),
        ({"number": NUMBER, "digits": ""}, "digits"),
        ({"number": NUMBER, "digits": "241"}, "digits"),
        ({"number": NUMBER, "digits": "24l7"}, "digits"),
        ({"number": NUMBER, "digits": "٢٤١٧"}, "digits"),
    ],
)
def test_pi_05_what_cannot_be_right_is_told_at_the_field_and_costs_no_query(
    client, reported, values, field, django_assert_num_queries
):
    with django_assert_num_queries(0):
        page = client.post(PAGE, values)
    assert page.status_code == 422
    assert field in page.context["form"].errors


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"number": "x" * 5000, "digits": DIGITS}, "A number has 4 to 40 letters and digits; check it."),
        ({"number": NUMBER, "digits": "1" * 50}, "Write the last four digits, for example 0417."),
    ],
)
def test_pi_05_what_is_far_too_long_is_told_in_the_same_words(client, reported, values, told):
    """Not in those of the machine, which speak of a value and its characters."""
    html = client.post(f"{PAGE}?lang=en", values).content.decode()
    assert html.count(told) == 2  # above the form and at the field
    assert "Ensure this value" not in html


@given(text=st.text(max_size=60))
def test_pi_05_any_text_is_a_number_or_none(text):
    number = lookup.normalise_number(text)
    assert number == "" or (4 <= len(number) <= 40 and number.isalnum())
    assert lookup.normalise_number(number) == number or number != number.upper()
    assert re.fullmatch(r"(\d{4})?", lookup.last_four(text), re.ASCII)


def test_pi_03_number_and_digits_stand_in_no_address_and_no_page_is_kept(client, reported):
    for page in (client.get(PAGE), look(client), look(client, digits="0000"), look(client, digits="x")):
        assert page.headers["Cache-Control"] == "no-store"
    form = re.search(r'<form method="(\w+)" action="([^"]+)"', look(client).content.decode())
    assert form
    assert form.groups() == ("post", PAGE)
    asked = client.get(PAGE, {"number": NUMBER, "digits": DIGITS})
    assert (asked.status_code, "found" in asked.context) == (200, False)
    assert client.put(PAGE).status_code == 405


def test_pi_03_no_session_and_no_cookie_but_that_of_the_form(client, reported):
    """The token against forged forms, as on every public form; nothing that knows who asked."""
    client.get(PAGE)
    look(client)
    look(client, digits="0000")
    assert set(client.cookies) <= {"csrftoken"}
    assert client.cookies["csrftoken"]["max-age"] == ""


def test_sc_04_the_form_asks_for_its_token_like_every_public_form(reported):
    strict = Client(enforce_csrf_checks=True)
    assert look(strict).status_code == 403
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', strict.get(PAGE).content.decode())
    assert token
    page = strict.post(PAGE, {"number": NUMBER, "digits": DIGITS, "csrfmiddlewaretoken": token[1]})
    assert len(page.context["found"]) == 2


def test_in_38_pages_point_at_the_look_up_once_there_is_something(client, reported):
    for page in ("/help/", "/track/"):
        assert 'href="/lookup/"' in client.get(page).content.decode()


def test_in_38_where_no_system_reports_no_page_points_at_the_look_up(client):
    for page in ("/help/", "/track/"):
        assert "/lookup/" not in client.get(page).content.decode()
    assert client.get(PAGE).status_code == 200


def test_in_38_whether_there_is_something_is_asked_once_a_minute(django_assert_num_queries):
    with django_assert_num_queries(1):
        assert [lookup.is_offered() for _n in range(3)] == [False] * 3


@pytest.mark.parametrize("address", ["/lookup/?lang=en", "/lookup/?lang=en&text=large"])
def test_in_38_the_page_keeps_language_and_text_size(client, reported, address):
    page = client.post(address, {"number": NUMBER, "digits": DIGITS}).content.decode()
    assert "The delivery" in page
    assert f'action="{address}"'.replace("&", "&amp;") in page or f'action="{address}"' in page


# --- Guessing ---------------------------------------------------------------------------------------
def test_pi_02_wrong_tries_wait_and_keep_nobody_else_out(client, reported):
    answers = [look(client, digits=f"{n:04d}") for n in range(lookup.FREE_TRIES + 2)]
    assert [answer.status_code for answer in answers] == [200] * (lookup.FREE_TRIES + 1) + [429]
    blocked = answers[-1]
    assert int(blocked.headers["Retry-After"]) >= 1
    assert "秒后再试" in blocked.content.decode()
    assert look(client).status_code == 429  # the right digits wait too
    assert len(look(Client(REMOTE_ADDR="203.0.113.5")).context["found"]) == 2


def test_pi_02_the_right_digits_forget_the_wrong_ones(client, reported):
    for n in range(lookup.FREE_TRIES):
        look(client, digits=f"{n:04d}")
    look(client)
    assert [look(client, digits=f"{n:04d}").status_code for n in range(lookup.FREE_TRIES)] == [200] * lookup.FREE_TRIES


def test_pi_02_one_address_that_tries_many_numbers_waits(client, reported):
    """Four digits known, numbers in a row."""
    for n in range(lookup.FREE_TRIES_OF_ADDRESS + 1):
        assert look(client, f"SF{n:08d}").status_code == 200
    assert look(client, "SF99999999").status_code == 429


@pytest.mark.parametrize("number", [NUMBER, "ZZ99999999"])
def test_pi_02_a_number_guessed_from_many_addresses_is_closed_until_the_morning(reported, number):
    """Known or not: the page says when, an alarm is written once, and nothing of the number with it."""
    for n in range(lookup.WRONG_BY_NUMBER.amount):
        assert look(Client(REMOTE_ADDR=f"203.0.113.{n}"), number, f"{n:04d}").status_code == 200
    blocked = look(Client(REMOTE_ADDR="198.51.100.7"), number)
    assert blocked.status_code == 429
    assert 1 <= int(blocked.headers["Retry-After"]) <= 86_400
    seconds = blocked.context["seconds"]
    assert ("08:00" if seconds > lookup_views.SECONDS_TOLD else f"{seconds} 秒") in blocked.content.decode()
    alarm = SecurityEvent.objects.get()
    assert (alarm.kind, lookup.normalise_number(number) in repr(vars(alarm))) == ("lookup_alarm", False)


def test_pi_02_the_next_day_a_number_is_open_again(reported):
    number = lookup.normalise_number(NUMBER)
    evening, morning = at("2026-11-22 07:59"), at("2026-11-22 08:00")
    for n in range(lookup.WRONG_BY_NUMBER.amount):
        request = RequestFactory().post(PAGE, REMOTE_ADDR=f"203.0.113.{n}")
        assert lookup.ask(request, number, f"{n:04d}", at=evening) == []
    other = RequestFactory().post(PAGE, REMOTE_ADDR="198.51.100.7")
    with pytest.raises(lookup.TooOften) as refused:
        lookup.ask(other, number, DIGITS, at=evening)
    assert refused.value.seconds == 60
    assert len(lookup.ask(other, number, DIGITS, at=morning)) == 2


def test_pi_02_tries_at_one_moment_wait_for_each_other(reported, monkeypatch):
    """Else many at once would count as one."""
    number, request = lookup.normalise_number(NUMBER), RequestFactory().post(PAGE)
    inner: list[int] = []
    real = lookup.find

    def slow(*args):
        with pytest.raises(lookup.TooOften) as refused:
            lookup.ask(request, number, "0000", at=NOW)
        inner.append(refused.value.seconds)
        return real(*args)

    monkeypatch.setattr(lookup, "find", slow)
    assert len(lookup.ask(request, number, DIGITS, at=NOW)) == 2
    assert inner == [1]


# --- Personal data --------------------------------------------------------------------------------------
def test_com_07_nothing_of_number_or_phone_is_readable_in_tables_cache_or_logs(client, cast, caplog):
    """Not even where a system writes them into the words of a step."""
    caplog.set_level(logging.DEBUG)
    words = {"status": "运单 SF-1029 3847ab 已发货", "detail": "sf10293847AB 由 13911110417 派送，收件人 13800002417"}
    assert send(client, cast.coordinator, [row(**words)], **{"Idempotency-Key": "k-1"}).status_code == 201
    look(client, digits="0000")
    look(client, digits=DIGITS)
    step = LookupRecord.objects.get()
    assert (step.status, step.detail) == ("运单 *** 已发货", "*** 由 *** 派送，收件人 ***")
    seen = [
        caplog.text,
        repr([*LookupRecord.objects.values(), *IdempotencyKey.objects.values(), *SecurityEvent.objects.values()]),
        repr(getattr(cache, "_cache", {})),
    ]
    for secret in ("SF10293847AB", "sf10293847ab", NUMBER, "10293847", PHONE, "13911110417", f"'{DIGITS}'"):
        assert not [text for text in seen if secret in text], secret


# --- Purge --------------------------------------------------------------------------------------------------
def test_in_38_steps_of_more_than_a_year_ago_are_removed(cast):
    now = timezone.now()
    ages = (lookup.KEPT_FOR + timedelta(hours=1), lookup.KEPT_FOR - timedelta(hours=1), timedelta(0))
    rows = [row(status=f"第{n}步", at=(now - age).isoformat()) for n, age in enumerate(ages)]
    lookup.store(rows, by=cast.coordinator, at=now)
    assert jobs.purge_expired(now=now)["removed"] == 1
    assert jobs.purge_expired(now=now)["removed"] == 0
    assert list(LookupRecord.objects.values_list("status", flat=True)) == ["第1步", "第2步"]
