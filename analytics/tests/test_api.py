"""Figures and reports over HTTP: the same numbers, rights and rules as the pages (EX-09, AP-01, AP-02)."""

import pytest

from accounts.tests.factories import user
from analytics import figures, transitions
from analytics.models import Report
from analytics.periods import parse
from analytics.scope import WHOLE
from analytics.states import ReportStatus
from analytics.tests.test_reports import NOW, fill
from complaints.tests.factories import Story, registered

FIGURES = "/api/v1/figures/"
REPORTS = "/api/v1/reports/"


@pytest.fixture
def month(cast):
    Story(cast).to_closed()
    registered("2026-10-20 09:00", phone="13800000009", email="")
    cast.manager2 = user("M002", "manager", departments=[cast.root])
    return cast


def send(client, url, body=None, **headers):
    return client.post(url, body or {}, content_type="application/json", headers=headers)


def test_the_answer_holds_the_figures(client, month):
    client.force_login(month.manager)
    body = client.get(FIGURES, {"period": "2026-11"}).json()
    assert body["period"] == "2026-11"
    for key in ("received", "handled", "average_days", "on_time_rate", "satisfaction_rate"):
        assert body["figures"][key]["value"] == getattr(figures, key)(parse("2026-11"), WHOLE).value
    assert body["breakdowns"]["department"][0]["code"] == "water"


def test_small_cells_are_for_management_only(client, month):
    client.force_login(month.manager)
    assert client.get(FIGURES, {"period": "2026-11"}).json()["breakdowns"]["channel"][0]["received"] == {"value": 1}
    client.force_login(month.intake)
    assert client.get(FIGURES, {"period": "2026-11"}).json()["breakdowns"]["channel"][0]["received"] == {
        "value": None,
        "suppressed": True,
    }
    narrowed = client.get(FIGURES, {"period": "2026-11", "channel": "web"}).json()
    assert narrowed["figures"]["received"]["value"] is None
    assert narrowed["series"]["received"][-1] == ["2026-11", None]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"period": "2026-99"}, "period"),
        ({"period": "2098-01"}, "period"),
        ({"department": "nowhere"}, "department"),
        ({"channel": "pigeon"}, "channel"),
        ({"category": "x"}, "category"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_wrong_parameters_are_refused_by_field(client, month, query, field):
    client.force_login(month.intake)
    answer = client.get(FIGURES, query)
    assert (answer.status_code, list(answer.json())) == (400, [field])


def test_rights(client, month):
    assert client.get(FIGURES).status_code == 401
    client.force_login(month.administrator)
    for url in (FIGURES, REPORTS, f"{REPORTS}1/"):
        assert client.get(url).status_code == 403
    client.force_login(month.intake)
    assert send(client, REPORTS, {"period": "2026-10"}).status_code == 403
    report = fill(transitions.request_report("2026-10", edition="data", by=month.manager, at=NOW))
    assert client.get(f"{REPORTS}{report.pk}/").status_code == 404
    assert client.get(REPORTS).json()["results"] == []
    assert send(client, f"{REPORTS}{report.pk}/actions/approve/").status_code == 404


def test_asking_for_a_report_once_per_key(client, month):
    client.force_login(month.manager)
    first = send(client, REPORTS, {"period": "2026-10", "edition": "risk"}, **{"Idempotency-Key": "k1"})
    again = send(client, REPORTS, {"period": "2026-10", "edition": "risk"}, **{"Idempotency-Key": "k1"})
    other = send(client, REPORTS, {"period": "2026-10", "edition": "data"}, **{"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 409)
    assert (first.json(), Report.objects.count()) == (again.json(), 1)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"period": "2098-01"}, "period"),
        ({}, "period"),
        ({"period": "2026-10", "edition": "x"}, "edition"),
        ({"period": "2026-10", "status": "released"}, "status"),
    ],
)
def test_a_wrong_body_is_refused_by_field(client, month, body, field):
    """AP-01: an unknown field is an error, never ignored."""
    client.force_login(month.manager)
    answer = send(client, REPORTS, body)
    assert (answer.status_code, list(answer.json()), Report.objects.count()) == (400, [field], 0)


def test_approve_and_release(client, month):
    report = fill(transitions.request_report("2026-10", edition="data", by=month.manager, at=NOW))
    client.force_login(month.manager)
    assert send(client, f"{REPORTS}{report.pk}/actions/approve/", {"version": report.version}).status_code == 403
    assert client.get(f"{REPORTS}{report.pk}/").json()["allowed_actions"] == ["edit", "revise"]
    client.force_login(month.manager2)
    stale = send(client, f"{REPORTS}{report.pk}/actions/approve/", {"version": 99})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    early = send(client, f"{REPORTS}{report.pk}/actions/release/")
    assert (early.status_code, early.json()["code"]) == (409, "illegal_transition")
    assert (
        send(client, f"{REPORTS}{report.pk}/actions/approve/", {"version": report.version}).json()["status"]
        == "approved"
    )
    released = send(client, f"{REPORTS}{report.pk}/actions/release/")
    assert (released.json()["status"], released.json()["allowed_actions"]) == (ReportStatus.RELEASED, ["revise"])
    assert send(client, f"{REPORTS}{report.pk}/actions/burn/").status_code == 404
    client.force_login(month.intake)
    assert client.get(f"{REPORTS}{report.pk}/").json()["figures"] == report.figures


@pytest.mark.parametrize("extra", [0, 2])
def test_the_list_costs_the_same(client, month, extra, django_assert_num_queries):
    for edition in ("data", "risk", "experience")[: 1 + extra]:
        transitions.request_report("2026-10", edition=edition, by=month.manager, at=NOW)
    client.force_login(month.manager)
    client.get(REPORTS)
    with django_assert_num_queries(4):
        assert len(client.get(REPORTS).json()["results"]) == 1 + extra
