"""Cases over the API: same sight, same rules, clear refusals (AP-01, AP-02, AP-08, I2)."""

from __future__ import annotations

import hashlib
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.tests.factories import token as api_token
from complaints.models import Attachment, CaseEvent, Complaint
from complaints.tests.factories import Story, registered
from complaints.tests.test_register import PNG, picture

pytestmark = pytest.mark.django_db
BODY = {"subject": "停水", "narrative": "从早上停到现在", "phone": "13800002417", "name": "张桂芳"}


def api(client, user=None, **headers):
    """Headers for a caller, by token."""
    if user is not None:
        headers["Authorization"] = f"Token {api_token(user)}"
    return {"headers": headers, "content_type": "application/json"}


def test_in_05_anybody_files_and_gets_a_receipt(client, db):
    answer = client.post("/api/v1/complaints/", BODY, **api(client))
    assert answer.status_code == 201
    case = Complaint.objects.get(number=answer.json()["number"])
    assert (case.narrative, case.channel) == (BODY["narrative"], "app")
    assert len(answer.json()["access_code"].replace("-", "")) == 16
    # IN-34: both dates, as the form of the website shows them.
    assert answer.json()["decide_by"] < answer.json()["reply_by"]
    assert {answer.json()[name][-6:] for name in ("decide_by", "reply_by")} == {"+08:00"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"subject": ""}, "subject"),
        ({"narrative": " "}, "narrative"),
        ({"phone": "", "email": ""}, "phone"),
        ({"phone": "12"}, "phone"),
        ({"status": "closed"}, "status"),
        ({"lead_department": "water"}, "lead_department"),
        ({"narrative": "a\x00b"}, "narrative"),
        ({"category": "nothing"}, "category"),
        ({"amount": "-1"}, "amount"),
    ],
)
def test_ap_01_bad_input_names_the_field_and_stores_nothing(client, change, field):
    answer = client.post("/api/v1/complaints/", {**BODY, **change}, **api(client))
    assert answer.status_code == 400
    assert field in answer.json()
    assert not Complaint.objects.exists()


def test_in_23_an_app_sends_files_with_the_complaint(client, db):
    """Kept unchanged under their hash, given by the complainant; the same key files once with the same files only."""
    headers = {"Idempotency-Key": "app-1"}
    first = client.post("/api/v1/complaints/", {**BODY, "files": [picture("停水.png")]}, headers=headers)
    again = client.post("/api/v1/complaints/", {**BODY, "files": [picture("停水.png")]}, headers=headers)
    other = client.post("/api/v1/complaints/", {**BODY, "files": [picture("别的.png")]}, headers=headers)
    assert (first.status_code, again.json(), other.status_code) == (201, first.json(), 409)
    [row] = Complaint.objects.get().attachments.all()
    assert (row.name, row.from_complainant, row.by, row.file.content_type) == ("停水.png", True, None, "image/png")
    assert row.file.sha256 == hashlib.sha256(PNG).hexdigest()
    without = client.post("/api/v1/complaints/", BODY)
    assert (without.status_code, Complaint.objects.latest("pk").attachments.count()) == (201, 0)


@pytest.mark.parametrize("content", [b"", b"MZ\x90\x00 a program", b"<html><script>1</script></html>"])
def test_fl_02_a_file_of_another_kind_is_refused_and_nothing_is_filed(client, db, content):
    bad = SimpleUploadedFile("a.png", content, content_type="image/png")
    answer = client.post("/api/v1/complaints/", {**BODY, "files": [picture(), bad]})
    assert (answer.status_code, list(answer.json())) == (400, ["files"])
    assert "a.png" in answer.json()["files"][0]
    assert (Complaint.objects.count(), Attachment.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("channel", "\ud800"),
        ("special_groups", ["\ud800"]),
        ("category", "\ud800"),
        ("email", "\ud800@example.cn"),
        ("received_at", "0001-01-01T00:00:00"),
        ("received_at", "1999-12-31T23:00:00+08:00"),
        ("received_at", "2099-01-01T00:00:00+08:00"),
        ("amount", "NaN"),
        ("persons_affected", 10**40),
    ],
)
def test_pi_16_ap_01_what_no_database_holds_is_refused_at_its_field(client, cast, field, value):
    """Halves of characters, moments no zone can hold, numbers that are none: a sentence, never a 500."""
    body = json.dumps({**BODY, field: value})
    answer = client.post("/api/v1/complaints/", body, **api(client, cast.intake))
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert not Complaint.objects.exists()


def test_i2_the_same_key_and_body_give_the_same_answer_another_body_409(client, db):
    first = client.post("/api/v1/complaints/", BODY, **api(client, **{"Idempotency-Key": "k-1"}))
    again = client.post("/api/v1/complaints/", BODY, **api(client, **{"Idempotency-Key": "k-1"}))
    other = client.post("/api/v1/complaints/", {**BODY, "subject": "停电"}, **api(client, **{"Idempotency-Key": "k-1"}))
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert Complaint.objects.count() == 1


def test_a_refused_write_may_be_tried_again_with_the_same_key(client, db):
    bad = client.post("/api/v1/complaints/", {**BODY, "subject": ""}, **api(client, **{"Idempotency-Key": "k-2"}))
    assert bad.status_code == 400
    good = client.post("/api/v1/complaints/", BODY, **api(client, **{"Idempotency-Key": "k-2"}))
    assert good.status_code == 201


def test_lists_hold_what_the_caller_may_see_and_no_person(client, cast):
    """COM-07."""
    Story(cast).accept().assign()
    registered(phone="13911112222", name="罗满堂")
    office = client.get("/api/v1/complaints/", **api(client, cast.intake))
    water = client.get("/api/v1/complaints/", **api(client, cast.water_handler))
    roads = client.get("/api/v1/complaints/", **api(client, cast.roads_handler))
    assert [len(answer.json()["results"]) for answer in (office, water, roads)] == [2, 1, 0]
    assert "张桂芳" not in office.content.decode()
    assert client.get("/api/v1/complaints/").status_code == 401
    assert client.get("/api/v1/complaints/", **api(client, cast.administrator)).status_code == 403


def test_a_case_of_another_department_is_as_unknown_as_an_invented_number(client, cast):
    story = Story(cast).accept().assign()
    hidden = client.get(f"/api/v1/complaints/{story.case.number}/", **api(client, cast.roads_handler))
    invented = client.get("/api/v1/complaints/HY-20261116-9999/", **api(client, cast.roads_handler))
    assert (hidden.status_code, hidden.json()) == (404, invented.json())


def test_the_detail_is_masked_and_lists_the_actions(client, cast):
    story = Story(cast).accept()
    body = client.get(f"/api/v1/complaints/{story.case.number}/", **api(client, cast.coordinator)).json()
    assert body["complainant"]["phone"] == "138****2417"
    assert "assign" in body["allowed_actions"]
    assert "start" not in body["allowed_actions"]


def test_actions_run_the_transition_and_refuse_by_403_409_400(client, cast):
    story = Story(cast).accept()
    url = f"/api/v1/complaints/{story.case.number}/actions"
    body = {"department": "water", "task": "查明原因", "version": story.case.version}
    events = CaseEvent.objects.count()
    assert client.post(f"{url}/assign/", body, **api(client, cast.checker)).status_code == 403
    assert client.post(
        f"{url}/assign/", {**body, "department": "nowhere"}, **api(client, cast.coordinator)
    ).json().keys() == {"department"}
    assert client.post(f"{url}/assign/", {**body, "owner": "x"}, **api(client, cast.coordinator)).json().keys() == {
        "owner"
    }
    stale = client.post(f"{url}/assign/", {**body, "version": 1}, **api(client, cast.coordinator))
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    assert (
        client.post(f"{url}/close/", {"is_systemic": True, "is_cured": True}, **api(client, cast.coordinator)).json()[
            "code"
        ]
        == "illegal_transition"
    )
    assert CaseEvent.objects.count() == events
    done = client.post(f"{url}/assign/", body, **api(client, cast.coordinator))
    assert (done.status_code, done.json()["status"], done.json()["department"]) == (200, "assigned", "water")
    again = client.post(f"{url}/assign/", body, **api(client, cast.coordinator))
    assert again.status_code == 409
    assert client.post(f"{url}/fly/", {}, **api(client, cast.coordinator)).status_code == 404


@pytest.mark.parametrize(
    "query", ["page_size=1000000", "cursor=%00", "q=%25%25%25", "q=" + "a" * 10_000, "status=closed&status=x"]
)
def test_ap_09_odd_queries_never_break(client, cast, query):
    answer = client.get(f"/api/v1/complaints/?{query}", **api(client, cast.intake))
    assert answer.status_code in (200, 400, 404)
