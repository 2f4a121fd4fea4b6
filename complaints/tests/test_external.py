"""Other systems: their settings, their records on a case, asking them, and what they write (CASE-06…CASE-09)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest
from django.urls import reverse

from accounts import tokens
from accounts.errors import InvalidInput, NotAllowed
from accounts.models import SecurityEvent
from accounts.tests.factories import sign_in_anew
from complaints import archive, connect, dossier, external
from complaints.models import CaseEvent, ExternalRecord, ExternalSystem
from complaints.tests.factories import Story, at

pytestmark = pytest.mark.django_db
HASH = "a" * 64


class _Other(BaseHTTPRequestHandler):
    """A customer system in miniature; the key says how it behaves."""

    def do_GET(self) -> None:
        seen = self.server.seen  # type: ignore[attr-defined]
        seen.append((self.path, self.headers.get("Authorization", "")))
        key = self.path.rpartition("/")[2]
        if key == "slow":
            time.sleep(1.5)
        if key == "gone":
            self.send_error(404)
            return
        if key == "moved":
            self.send_response(302)
            self.send_header("Location", "/records/C-1")
            self.end_headers()
            return
        body = {
            "large": b'{"x": "' + b"y" * 70_000 + b'"}',
            "words": b"<html>hello</html>",
            "list": b"[1]",
            "nested": b'{"orders": [{"number": 1}]}',
        }.get(key) or json.dumps(
            {
                "customer_name": "张桂芳", "phone": "13800002417", "level": "gold", "orders": 3, "vip": True,
                "remark": "打 13900001111 找张桂芳", "opened": "2026-01-05",
            }
        ).encode()  # fmt: skip
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def other() -> Iterator[SimpleNamespace]:
    server = HTTPServer(("127.0.0.1", 0), _Other)
    server.seen = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}/records/{{reference}}", seen=server.seen)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def story(cast) -> Story:
    return Story(cast).accept().assign().start()


def system(cast, **changes) -> ExternalSystem:
    values = {"code": "crm", "name": "客户系统", "kind": "customers", **changes}
    return external.save_system(None, by=cast.administrator, **values)


def attach(story, row, reference="C-1", **changes) -> ExternalRecord:
    return external.attach(story.pk, system=row, reference=reference, by=story.cast.intake, **changes)


# --- Settings ---------------------------------------------------------------------------------------
def test_case_06_the_administrator_adds_a_system_and_its_token_never_comes_out(cast, client):
    sign_in_anew(client, cast.administrator)
    answer = client.post(
        reverse("complaints:external_system_add"),
        {"code": "crm", "name": "客户系统", "kind": "customers", "token": "sesame-42", "is_active": "on",
         "lookup_url": "https://crm.example.cn/records/{reference}"},
    )  # fmt: skip
    assert answer.status_code == 302
    row = ExternalSystem.objects.get()
    assert (row.token, row.changed_by) == ("sesame-42", cast.administrator)
    pages = [client.get(reverse("complaints:external_systems")), client.get(_page(row))]
    assert all("客户系统" in page.content.decode() for page in pages)
    assert not any("sesame-42" in page.content.decode() for page in pages)
    assert "sesame-42" not in str(list(SecurityEvent.objects.values()))
    # An empty field keeps the token; it goes only when somebody says so.
    values = {"name": "新名字", "kind": "customers", "is_active": "on", "seen": external.stamp(row)}
    assert client.post(_page(row), values).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.token) == ("新名字", "sesame-42")
    assert client.post(_page(row), values).status_code == 409, "read before somebody changed it"
    assert client.post(_page(row), {**values, "seen": "", "forget_token": "on"}).status_code == 302
    row.refresh_from_db()
    assert row.token == ""


def _page(row) -> str:
    return reverse("complaints:external_system", args=[row.pk])


@pytest.mark.parametrize(
    "url",
    [
        "http://crm.example.cn/{reference}", "ftp://crm.example.cn/{reference}", "https://10.0.0.8/{reference}",
        "https://169.254.169.254/{reference}", "https://[::ffff:10.0.0.1]/{reference}", "https://u:p@a.cn/{reference}",
        "https://crm.example.cn/", "https://{reference}.example.cn/", "https://a.cn/{reference}/{other}", "crm",
        "https://a.cn/{reference}#x", "https://a.cn:99999/{reference}",
    ],
)  # fmt: skip
def test_case_06_an_address_that_could_lead_inside_is_refused_at_its_field(cast, client, url):
    sign_in_anew(client, cast.administrator)
    values = {"code": "crm", "name": "客户系统", "kind": "customers", "lookup_url": url}
    answer = client.post(reverse("complaints:external_system_add"), values)
    assert answer.status_code == 422
    assert "lookup_url" in answer.context["form"].errors
    assert not ExternalSystem.objects.exists()


def test_case_06_the_operator_may_allow_a_host_of_the_own_network(cast, settings):
    settings.CONNECTOR_HOSTS = frozenset({"10.0.0.8"})
    assert system(cast, lookup_url="https://10.0.0.8/{reference}").lookup_url


def test_case_06_a_name_that_leads_inside_is_refused_when_it_is_asked(cast, story, monkeypatch, settings):
    settings.PRODUCTION = True
    row = attach(story, system(cast, lookup_url="https://crm.example.cn/{reference}"))
    inside = [(2, 1, 6, "", ("8.8.8.8", 443)), (2, 1, 6, "", ("127.0.0.1", 443))]
    monkeypatch.setattr(connect.socket, "getaddrinfo", lambda *args, **kwargs: inside)
    with pytest.raises(connect.NotAnswered) as refused:
        external.fetch(row.pk, by=cast.intake)
    assert refused.value.code == "refused"


def test_case_06_nobody_else_opens_the_settings(cast, client):
    for user in (cast.intake, cast.coordinator, cast.manager):
        client.force_login(user)
        assert client.get(reverse("complaints:external_systems")).status_code == 403
    with pytest.raises(NotAllowed):
        external.save_system(None, by=cast.coordinator, code="x", name="x", kind="other")


# --- On a case --------------------------------------------------------------------------------------
def records(story) -> str:
    return reverse("complaints:external_records", args=[story.case.number])


def fetch(client, story, row):
    return client.post(reverse("complaints:external_fetch", args=[story.case.number, row.pk]))


def test_case_06_a_record_is_attached_by_its_key_and_fetched_with_people_masked(
    cast, story, client, other, django_assert_max_num_queries
):
    row = system(cast, lookup_url=other.url, page_url="https://crm.example.cn/show?id={reference}", token="sesame-42")
    client.force_login(cast.intake)
    answer = client.post(records(story), {"system": "crm", "reference": "C/1 甲", "what": "客户档案"})
    assert answer.status_code == 302
    record = ExternalRecord.objects.get()
    assert fetch(client, story, record).status_code == 302
    assert other.seen == [("/records/C%2F1%20%E7%94%B2", "Bearer sesame-42")]
    with django_assert_max_num_queries(20):
        shown = client.get(records(story)).content.decode()
    assert "https://crm.example.cn/show?id=C%2F1%20%E7%94%B2" in shown
    assert "gold" in shown
    assert "2026-01-05" in shown
    for private in ("张桂芳", "13800002417", "13900001111", "sesame-42"):
        assert private not in shown
    assert "138****2417" in shown
    assert "13800002417" not in ExternalRecord.objects.extra(select={"raw": "facts"}).values_list("raw", flat=True)[0]
    kinds = list(CaseEvent.objects.filter(complaint=story.pk).values_list("kind", flat=True))
    assert kinds[-2:] == ["external_added", "external_fetched"]
    assert row.name in shown


def test_case_06_facts_in_clear_take_a_reason_and_leave_a_trace(cast, story, client, other):
    record = attach(story, system(cast, lookup_url=other.url))
    external.fetch(record.pk, by=cast.intake)
    client.force_login(cast.intake)
    address = reverse("complaints:external_reveal", args=[story.case.number, record.pk])
    assert "13800002417" not in client.get(address).content.decode()
    assert client.post(address, {"reason": "x"}).status_code == 422
    assert "13800002417" in client.post(address, {"reason": "核对联系方式"}).content.decode()
    event = CaseEvent.objects.filter(complaint=story.pk).order_by("sequence").last()
    assert (event.kind, event.actor, event.note) == ("reveal", cast.intake, "external: 核对联系方式")


@pytest.mark.parametrize(
    ("key", "code"),
    [("gone", "unknown"), ("moved", "moved"), ("large", "large"), ("words", "shape"), ("list", "shape"),
     ("nested", "shape"), ("slow", "slow")],
)  # fmt: skip
def test_case_07_a_failure_is_told_in_words_and_nothing_is_lost(cast, story, client, other, monkeypatch, key, code):
    monkeypatch.setattr(connect, "SECONDS", 0.4)
    row = system(cast, code="products", kind="products", name="产品库", lookup_url=other.url)
    external.report(story.pk, system=row, reference=key, facts={"name": "净水器"}, by=cast.intake)
    record = ExternalRecord.objects.get()
    client.force_login(cast.intake)
    answer = fetch(client, story, record)
    assert answer.status_code == 502
    text = answer.content.decode()
    assert str(connect.WHY[code]) in text
    assert "净水器" in text, "a product's name is nobody's; what was known stays"
    assert len(other.seen) == 1, "a redirect is not followed"


def test_case_07_a_silent_machine_and_the_training_mode_are_told_apart(cast, story, settings, other):
    record = attach(story, system(cast, lookup_url="http://127.0.0.1:9/{reference}"))
    with pytest.raises(connect.NotAnswered) as silent:
        external.fetch(record.pk, by=cast.intake)
    settings.TRAINING = True
    with pytest.raises(connect.NotAnswered) as practice:
        external.fetch(record.pk, by=cast.intake)
    assert (silent.value.code, practice.value.code) == ("unreachable", "training")
    assert other.seen == []


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"system": "crm", "reference": "13800002417"}, "reference"),
        ({"system": "crm", "reference": ""}, "reference"),
        ({"system": "nobody", "reference": "C-1"}, "system"),
        ({"system": "crm", "reference": "C-1", "sha256": "abc"}, "sha256"),
        ({"system": "crm", "reference": "C-1", "occurred_at": "2099-01-01T00:00"}, "occurred_at"),
        ({"system": "calls", "reference": "R-1"}, "occurred_at"),
    ],
)
def test_case_09_what_is_wrong_is_said_at_its_field(cast, story, client, values, field):
    system(cast)
    system(cast, code="calls", name="录音", kind="recording")
    client.force_login(cast.intake)
    answer = client.post(records(story), values)
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not ExternalRecord.objects.exists()


def test_case_09_a_recording_is_evidence_by_reference_in_file_index_and_dossier(cast, story, client, tmp_path):
    row = system(cast, code="calls", name="录音系统", kind="recording")
    client.force_login(cast.intake)
    values = {"system": "calls", "reference": "REC-77", "occurred_at": "2026-11-16T09:00", "sha256": HASH.upper()}
    assert client.post(records(story), values).status_code == 302
    shown = client.get(records(story)).content.decode()
    assert HASH in shown
    assert cast.intake.display_name in shown
    entry = next(entry for entry in archive.build_index(story.case) if entry["kind"] == "external")
    for part in ("录音系统", "REC-77", "2026-11-16 09:00", HASH):
        assert part in entry["title"]
    assert entry["by"]
    with (tmp_path / "case.zip").open("wb+") as target:
        dossier.write(story.pk, target)
    assert "REC-77" in _index_of(tmp_path / "case.zip")
    with pytest.raises(InvalidInput) as refused:
        external.report(story.pk, system=row, reference="REC-77", sha256="b" * 64, by=cast.intake)
    assert refused.value.field == "sha256", "the hash of an original is never replaced"


def _index_of(path) -> str:
    import zipfile

    with zipfile.ZipFile(path) as packed:
        return packed.read("index.json").decode()


def test_case_09_only_whoever_works_on_the_case_attaches(cast, story, client):
    system(cast)
    for user, status in ((cast.roads_handler, 404), (cast.auditor, 403), (cast.water_handler, 302)):
        client.force_login(user)
        assert client.post(records(story), {"system": "crm", "reference": "C-1"}).status_code == status
    assert client.post(records(story), {"system": "crm", "reference": "C-1"}).status_code == 422, "attached already"


# --- The API ----------------------------------------------------------------------------------------
def api(client, story, user, body, **headers):
    headers["authorization"] = f"Token {tokens.issue(user, days=30)}"
    address = f"/api/v1/complaints/{story.case.number}/records/"
    if body is None:
        return client.get(address, headers=headers)
    return client.post(address, json.dumps(body), content_type="application/json", headers=headers)


def test_case_08_a_logistics_system_writes_in_real_time(cast, story, client):
    system(cast, code="parcels", name="物流", kind="logistics")
    body = {"system": "parcels", "reference": "SF-1", "what": "包裹", "occurred_at": "2026-11-16T08:00:00+08:00",
            "facts": {"state": "在途", "receiver": "张桂芳"}}  # fmt: skip
    first = api(client, story, cast.intake, body, **{"idempotency-key": "k1"})
    again = api(client, story, cast.intake, body, **{"idempotency-key": "k1"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["facts"] == {"state": "在途", "receiver": "张**"}
    same = api(client, story, cast.intake, body)
    assert same.status_code == 200
    assert CaseEvent.objects.filter(complaint=story.pk, kind__startswith="external").count() == 1, "nothing new"
    later = api(client, story, cast.intake, {**body, "facts": {"state": "已签收"}})
    assert (later.status_code, later.json()["facts"]) == (200, {"state": "已签收"})
    listed = api(client, story, cast.intake, None).json()
    assert [row["reference"] for row in listed] == ["SF-1"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"system": "nobody"}, "system"), ({"reference": ""}, "reference"), ({"reference": "13800002417"}, "reference"),
        ({"facts": [1]}, "facts"), ({"facts": {"a": {"b": 1}}}, "facts"), ({"facts": {"a": "x" * 600}}, "facts"),
        ({"occurred_at": "yesterday"}, "occurred_at"), ({"sha256": "zz"}, "sha256"), ({"by": "me"}, "by"),
        ({"reference": "a\x00b"}, "reference"),
    ],
)  # fmt: skip
def test_case_08_a_wrong_report_is_refused_by_field(cast, story, client, changes, field):
    system(cast, code="parcels", name="物流", kind="logistics")
    answer = api(client, story, cast.intake, {"system": "parcels", "reference": "SF-1", **changes})
    assert answer.status_code == 400
    assert field in answer.content.decode()
    assert not ExternalRecord.objects.exists()


def test_case_08_a_program_needs_the_rights_of_its_account(cast, story, client):
    system(cast, code="parcels", name="物流", kind="logistics")
    body = {"system": "parcels", "reference": "SF-1"}
    assert api(client, story, cast.roads_handler, body).status_code == 404
    assert api(client, story, cast.auditor, body).status_code == 403
    assert api(client, story, cast.water_handler, body).status_code == 201


def test_case_06_masking_knows_names_shapes_and_what_the_case_knows():
    facts = {
        "联系人": "王小明", "tel": "010-62288899", "地址": "柳桥三村12幢2单元401", "单号": "SF1020304050",
        "备注": "张桂芳 的卡 6222020200112233445", "product_name": "净水器",
        "created": "2026-11-16 09:00:00", "bank": "6222020200",
    }  # fmt: skip
    masked = external.masked_facts(facts, ["张桂芳"])
    assert masked["联系人"] == "王**"
    assert "62288899" not in masked["tel"]
    assert "401" not in masked["地址"]
    assert (masked["单号"], masked["product_name"], masked["created"]) == (
        "SF1020304050",
        "净水器",
        "2026-11-16 09:00:00",
    )
    assert "张桂芳" not in masked["备注"]
    assert "6222" not in masked["备注"] + masked["bank"]


def test_archived_case_takes_no_more_records(cast, story):
    from complaints.models import Complaint

    row = system(cast)
    record = attach(story, row, at=at("2026-11-16 12:00"))
    Complaint.objects.filter(pk=story.pk).update(status="archived")
    with pytest.raises(Exception, match=r"archived|归档"):
        external.report(story.pk, system=row, reference=record.reference, facts={"a": "b"}, by=cast.intake)
