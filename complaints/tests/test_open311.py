"""Open311 GeoReport v2 as a client of the standard meets it (IN-05, IN-12; AP-01, AP-04, PI-17)."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest
from django.utils import timezone
from jsonschema import Draft7Validator

from accounts.models import User
from accounts.tests.factories import token as api_token
from complaints.models import Category, Complaint, ServiceRequest
from complaints.tests.factories import Story
from complaints.tests.public_flow import open_case
from tests import services

pytestmark = pytest.mark.django_db
BASE = "/open311/v2"
STORY = "昨晚八点起槐荫里小区停水。到今早还没有恢复，老人没法做饭。"
SERVICE = {
    "type": "object",
    "required": ["service_code", "service_name", "metadata", "type"],
    "properties": {
        "service_code": {"type": "string"},
        "service_name": {"type": "string"},
        "description": {"type": ["string", "null"]},
        "metadata": {"type": "boolean"},
        "type": {"enum": ["realtime", "batch", "blackbox"]},
        "keywords": {"type": ["string", "null"]},
        "group": {"type": ["string", "null"]},
    },
}
REQUEST = {
    "type": "object",
    "required": ["service_request_id", "status", "service_code", "requested_datetime"],
    "properties": {
        "service_request_id": {"type": "string"},
        "status": {"enum": ["open", "closed"]},
        "description": {"type": ["string", "null"]},
        "requested_datetime": {"type": "string", "format": "date-time"},
        "updated_datetime": {"type": ["string", "null"], "format": "date-time"},
        "expected_datetime": {"type": ["string", "null"], "format": "date-time"},
    },
}


@pytest.fixture
def key(cast) -> str:
    return api_token(cast.intake)


def params(**extra: str) -> dict[str, str]:
    return {
        "service_code": "utilities",
        "description": STORY,
        "phone": "13800002417",
        "last_name": "王",
        "first_name": "秀兰",
        "address_string": "槐荫里小区 3 号楼",
    } | extra


def valid(schema: dict, data: object) -> None:
    errors = [error.message for error in Draft7Validator(schema).iter_errors(data)]
    assert errors == []


def schema_of(name: str, own: dict) -> dict:
    """The published schema where the collection lies beside the checkout, else what we ask of it."""
    data = services.find_data()
    path = data / "open311" / f"schema_{name}.json" if data else None
    return json.loads(path.read_text(encoding="utf-8")) if path and path.exists() else own


def test_services_are_the_public_categories(client, django_assert_max_num_queries):
    with django_assert_max_num_queries(2):
        response = client.get(f"{BASE}/services.json")
    found = response.json()
    assert response["Content-Type"].startswith("application/json")
    assert [row["service_code"] for row in found] == list(
        Category.objects.filter(dimension="category", is_public=True, is_active=True).values_list("code", flat=True)
    )
    for row in found:
        valid(schema_of("service", SERVICE), row)


def test_required_fields_become_attributes(client, key):
    Category.objects.filter(code="utilities").update(required_fields=["place", "occurred_on", "persons_affected"])
    definition = client.get(f"{BASE}/services/utilities.json").json()
    assert [(row["code"], row["datatype"]) for row in definition["attributes"]] == [
        ("place", "string"),
        ("occurred_on", "datetime"),
        ("persons_affected", "number"),
    ]
    missing = client.post(f"{BASE}/requests.json", params(api_key=key, **{"attribute[place]": "槐荫里"}))
    assert (missing.status_code, missing.json()[0]["code"]) == (400, 400)
    assert missing.json()[0]["description"].startswith("attribute[occurred_on]: ")
    wrong = {"attribute[place]": "槐荫里", "attribute[occurred_on]": "昨天", "attribute[persons_affected]": "40"}
    refused = client.post(f"{BASE}/requests.json", params(api_key=key, **wrong))
    assert refused.json()[0]["description"].startswith("attribute[occurred_on]: “昨天”")
    assert Complaint.objects.count() == 0
    right = wrong | {"attribute[occurred_on]": "2026-11-02T08:00:00+08:00"}
    assert client.post(f"{BASE}/requests.json", params(api_key=key, **right)).status_code == 201
    case = Complaint.objects.get()
    assert (str(case.occurred_on), case.persons_affected, case.place) == ("2026-11-02", 40, "槐荫里")


def test_filing_makes_a_case_with_a_random_public_id(client, key):
    response = client.post(f"{BASE}/requests.json", params(api_key=key))
    assert response.status_code == 201
    [answer] = response.json()
    case = Complaint.objects.get()
    assert (case.subject, case.channel, case.category.code) == ("昨晚八点起槐荫里小区停水。", "app", "utilities")
    assert case.complainant.name == "王秀兰"
    assert case.complainant.contact("phone") == "13800002417"
    assert re.fullmatch(r"[0-9a-f]{24}", answer["service_request_id"])
    assert re.fullmatch(r"[0-9a-f]{48}", answer["token"])
    [found] = client.get(f"{BASE}/tokens/{answer['token']}.json").json()
    assert found == {"token": answer["token"], "service_request_id": answer["service_request_id"]}


def test_in_34_the_notice_is_the_receipt(client, key):
    """Number and code open the case on the tracking page; the same call sent again gives the same ones."""
    again = {"HTTP_IDEMPOTENCY_KEY": "one"}
    first, second = (client.post(f"{BASE}/requests.json", params(api_key=key), **again).json()[0] for _n in range(2))
    assert first == second
    case = Complaint.objects.get()
    notice = first["service_notice"]
    code = re.search(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}", notice)
    assert code is not None
    assert open_case(client, case, code[0]).status_code == 302
    assert case.number in notice
    assert "/track/" in notice
    due = timezone.localtime(case.deadlines.get(milestone="decide_acceptance").due_at)
    named = re.findall(r"\d{4}年\d{1,2}月\d{1,2}日", notice)
    assert named[0] == f"{due.year}年{due.month}月{due.day}日"
    assert len(named) == 2  # and when the answer comes
    assert code[0] not in client.get(f"{BASE}/requests/{first['service_request_id']}.json").content.decode()


def test_a_body_that_cannot_be_read_is_one_error(client, key):
    answer = client.post(f"{BASE}/requests.json", "[1,2", content_type="application/json")
    assert answer.status_code == 400
    assert len(answer.json()) == 1
    assert "JSON" in answer.json()[0]["description"]


@pytest.mark.parametrize("suffix", ["json", "xml"])
def test_nobody_reads_text_place_or_person(client, key, suffix):
    """PI-17, PUB: what is public is the service, the dates and whether it is open."""
    client.post(f"{BASE}/requests.json", params(api_key=key))
    public_id = ServiceRequest.objects.get().public_id
    for path in (f"requests.{suffix}", f"requests/{public_id}.{suffix}"):
        text = client.get(f"{BASE}/{path}").content.decode()
        assert public_id in text
        for secret in ("槐荫里", "停水", "13800002417", "王秀兰", Complaint.objects.get().number):
            assert secret not in text, path


def test_requests_are_valid_and_follow_the_case(client, cast, key):
    client.post(f"{BASE}/requests.json", params(api_key=key))
    row = ServiceRequest.objects.get()
    [before] = client.get(f"{BASE}/requests.json?status=open").json()
    valid(schema_of("request", REQUEST), before)
    assert (before["status"], before["service_code"]) == ("open", "utilities")
    from complaints import transitions

    transitions.withdraw(row.complaint_id, by=None)
    assert client.get(f"{BASE}/requests.json?status=open").json() == []
    [after] = client.get(f"{BASE}/requests/{row.public_id}.json").json()
    assert (after["status"], after["expected_datetime"]) == ("closed", None)


def test_cases_of_other_channels_are_not_listed(client, cast):
    Story(cast)
    assert client.get(f"{BASE}/requests.json").json() == []


def test_xml_is_nested_as_the_standard_says(client, key):
    client.post(f"{BASE}/requests.json", params(api_key=key))
    root = ElementTree.fromstring(client.get(f"{BASE}/services.xml").content)
    assert root.tag == "services"
    assert {child.tag for child in root} == {"service"}
    assert root.find("service/metadata").text in ("true", "false")
    listed = ElementTree.fromstring(client.get(f"{BASE}/requests.xml").content)
    assert listed.find("request/status").text == "open"
    filed = client.post(f"{BASE}/requests.xml", params(api_key=key))
    assert filed["Content-Type"].startswith("text/xml")
    assert ElementTree.fromstring(filed.content).find("request/token").text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"service_code": ""}, "service_code: "),
        ({"service_code": "nowhere"}, "service_code: "),
        ({"description": "  "}, "description: "),
        ({"description": "停" * 4001}, "description: "),
        ({"phone": ""}, "phone: "),
        ({"phone": "12"}, "phone: "),
        ({"lat": "39.9", "address_string": ""}, "lat: "),
        ({"lat": "139.9", "long": "116.4", "address_string": ""}, "lat: "),
        ({"media_url": "file:///etc/passwd"}, "media_url: "),
        ({"status": "closed"}, "status: "),
        ({"attribute[is_published]": "1"}, "attribute[is_published]: "),
        ({"account_id": "a\x00b"}, "account_id: "),
        ({"media_url": "https://a\x00"}, "media_url: "),
        ({"service_code": "\x00"}, "service_code: "),
        ({"email": "\ud800@example.cn"}, "email: "),
        ({"account_id": "7" * 121}, "account_id: "),
        ({"email": "wang.example.cn"}, "email: "),
    ],
)
def test_a_bad_parameter_is_named_and_nothing_is_stored(client, key, change, says):
    """AP-01: unknown parameters are refused, too."""
    body = json.dumps(params(api_key=key, **change))
    response = client.post(f"{BASE}/requests.json", body, content_type="application/json")
    assert response.status_code == 400
    assert response.json()[0]["description"].startswith(says)
    assert Complaint.objects.count() == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amount", "NaN"),
        ("amount", "Infinity"),
        ("amount", "1e30"),
        ("amount", "-1"),
        ("persons_affected", "0"),
        ("persons_affected", "9" * 40),
        ("occurred_on", "9999-12-31T23:59:59-12:00"),
        ("occurred_on", "2999-01-01"),
        ("place", "槐\ud800"),
    ],
)
def test_pi_16_an_attribute_no_case_can_hold_is_named(client, key, name, value):
    Category.objects.filter(code="utilities").update(required_fields=[name])
    body = json.dumps(params(api_key=key, **{f"attribute[{name}]": value}))
    response = client.post(f"{BASE}/requests.json", body, content_type="application/json")
    assert response.status_code == 400
    assert response.json()[0]["description"].startswith(f"attribute[{name}]: ")
    assert Complaint.objects.count() == 0


def test_a_key_is_needed_and_never_read_from_the_address(client, key):
    """AP-04: a key in the address would end up in logs."""
    for path, extra in ((f"requests.json?api_key={key}", {}), ("requests.json", {"api_key": "0" * 40})):
        response = client.post(f"{BASE}/{path}", params(**extra))
        assert (response.status_code, response.json()[0]["code"]) == (403, 403), path
    header = {"Authorization": f"Token {key}"}
    assert client.post(f"{BASE}/requests.json", params(), headers=header).status_code == 201
    User.objects.update(is_active=False)
    assert client.post(f"{BASE}/requests.json", params(api_key=key)).status_code == 403


def test_the_same_idempotency_key_files_once(client, key):
    """PI-06, PI-07."""
    headers = {"Authorization": f"Token {key}", "Idempotency-Key": "a-1"}
    first = client.post(f"{BASE}/requests.json", params(), headers=headers)
    again = client.post(f"{BASE}/requests.json", params(), headers=headers)
    assert again.json() == first.json()
    assert Complaint.objects.count() == 1
    assert client.post(f"{BASE}/requests.json", params(lat="1"), headers=headers).status_code == 409


@pytest.mark.parametrize("query", [
    "page=0", "page_size=x", "start_date=yesterday", "status=lost", "end_date=0001-01-01", "start_date=2100-01-01",
    "end_date=9999-12-31T23:59:59-12:00", "service_request_id=%00", "service_code=%00",
])  # fmt: skip
def test_a_bad_filter_is_named(client, query):
    response = client.get(f"{BASE}/requests.json?{query}")
    assert response.status_code == 400
    assert response.json()[0]["description"].startswith(query.split("=")[0])


def test_unknown_things_are_404_in_the_shape_of_the_standard(client):
    for path in ("services/nowhere", "requests/0123", "tokens/0123"):
        response = client.get(f"{BASE}/{path}.json")
        assert (response.status_code, response.json()[0]["code"]) == (404, 404)


def test_a_page_of_requests_costs_the_same_however_many(client, key, django_assert_num_queries):
    for _n in range(3):
        client.post(f"{BASE}/requests.json", params(api_key=key))
    with django_assert_num_queries(1):
        assert len(client.get(f"{BASE}/requests.json?page_size=2").json()) == 2
    assert len(client.get(f"{BASE}/requests.json?page_size=2&page=2").json()) == 1
