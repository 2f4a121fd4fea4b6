"""Closed months keep their figures; records are tidied before (AN-03, AN-34)."""

from datetime import timedelta

import pytest
from django.utils import translation

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from analytics import closing, dashboard, figures, finals, jobs, reporting, tidying
from analytics.models import ClosedPeriod, Tidying
from analytics.periods import parse
from analytics.scope import WHOLE, Scope
from analytics.tests import months
from complaints import transitions
from complaints.models import Callback, Complaint
from complaints.models.matching import LinkKind
from complaints.states import RatingSource
from complaints.tests.factories import at, registered

OCTOBER = parse("2026-10")
NOW = at("2026-11-02 09:00")
PAGE = "/desk/figures/?period=2026-10"


@pytest.fixture
def told(cast):
    months.closed(cast)
    registered("2026-10-20 09:00", phone="13800000009", email="")
    return cast


def late_case():
    """A complaint brought in after the month was closed, dated into it."""
    return registered("2026-10-21 09:00", phone="13800000010", email="")


def test_an_03_a_closed_month_shows_what_it_showed(client, told):
    client.force_login(told.manager)
    before = client.get(PAGE).context["board"]
    assert not before.is_final
    row = closing.close("2026-10", by=told.manager, at=NOW)
    assert closing.is_intact(row)
    late_case()
    page = client.get(PAGE)
    board = page.context["board"]
    assert board.is_final
    assert [tile.value for tile in board.tiles] == [tile.value for tile in before.tiles]
    assert board.heat == before.heat
    assert board.channels.rows == before.channels.rows
    assert board.categories.rows == before.categories.rows
    (difference,) = board.differences
    assert (difference.figure, difference.final, difference.now) == (figures.received, "2", "3")
    assert "2" in page.content.decode()
    # The month after compares itself with the final figure.
    assert client.get("/desk/figures/?period=2026-11").context["board"].trend.rows[-2][1] == "2"


def test_an_03_labels_of_final_figures_follow_the_language(told):
    closing.close("2026-10", by=told.manager, at=NOW)
    shown = {}
    for language in ("zh-hans", "en"):
        with translation.override(language):
            shown[language] = [row[0] for row in dashboard.build(OCTOBER, WHOLE, links=False).channels.rows]
    assert shown["zh-hans"] == ["官网"]
    assert shown["en"] != shown["zh-hans"]


def test_an_03_a_department_reads_its_part_of_the_final_figures(client, told):
    closing.close("2026-10", by=told.manager, at=NOW)
    Complaint.objects.update(lead_department=told.roads)
    client.force_login(told.water_handler)
    assert client.get(PAGE).context["board"].tiles[0].value == "1"
    scope = Scope(departments=frozenset([told.roads.pk]))
    cells = finals.Finals([OCTOBER], scope).over(figures.compute((figures.received,), [OCTOBER], scope))
    assert cells.value(figures.received, OCTOBER).value == 0


def test_an_03_api_and_reports_say_final(client, told):
    """EX-09: the answer of the API and the figures of a report are the kept ones."""
    client.force_login(told.manager)
    assert client.get("/api/v1/figures/?period=2026-10").json()["final"] is False
    assert reporting.freeze(OCTOBER, at=NOW)["final"] is False
    closing.close("2026-10", by=told.manager, at=NOW)
    late_case()
    answer = client.get("/api/v1/figures/?period=2026-10").json()
    assert (answer["final"], answer["figures"]["received"]["value"]) == (True, 2)
    frozen = reporting.freeze(OCTOBER, at=NOW)
    assert (frozen["final"], frozen["figures"]["received"]["value"]) == (True, 2)
    following = closing.bundle(parse("2026-11"), WHOLE, at=at("2026-12-01 09:00"), outside=False)
    assert following["figures"]["received"]["previous"] == 2
    narrowed = client.get("/api/v1/figures/?period=2026-10&channel=web").json()
    assert narrowed["final"] is False


def test_an_03_opening_again_needs_a_reason_and_keeps_the_row(client, told):
    client.force_login(told.manager)
    assert client.post("/desk/figures/closing/2026-10/close/").status_code == 302
    assert client.post("/desk/figures/closing/2026-10/close/").status_code == 409
    assert client.post("/desk/figures/closing/2026-10/open/", {"reason": ""}).status_code == 422
    assert client.get("/desk/figures/closing/2026-10/open/").context["is_intact"]
    assert client.post("/desk/figures/closing/2026-10/open/", {"reason": "漏录一件"}).status_code == 302
    late_case()
    assert client.get(PAGE).context["board"].tiles[0].value == "3"
    assert client.post("/desk/figures/closing/2026-10/close/").status_code == 302
    assert client.get(PAGE).context["board"].tiles[0].value == "3"
    page = client.get("/desk/figures/closing/")
    assert "漏录一件" in page.content.decode()
    assert ClosedPeriod.objects.count() == 2


def test_an_03_who_may_close_and_what(client, told):
    with pytest.raises(NotAllowed):
        closing.close("2026-10", by=told.coordinator, at=NOW)
    for period in ("2026-11", "2026-Q3", "x"):
        with pytest.raises(InvalidInput):
            closing.close(period, by=told.manager, at=NOW)
    with pytest.raises(IllegalTransition):
        closing.reopen("2026-10", reason="x", by=told.manager)
    client.force_login(told.intake)
    assert client.get("/desk/figures/closing/").status_code == 403
    client.force_login(told.manager)
    assert client.post("/desk/figures/closing/2099-01/close/").status_code == 422
    assert client.get("/desk/figures/closing/2026-01/open/").status_code == 404
    assert not ClosedPeriod.objects.exists()


def test_an_03_changed_keeping_shows(told):
    row = closing.close("2026-10", by=told.manager, at=NOW)
    row.figures["bundles"]["inside"]["figures"]["received"]["value"] = 99
    assert not closing.is_intact(row)


# --- Tidying --------------------------------------------------------------------------------------


def unfit(cast):
    """One case for each way to be unfit; returns kind → case."""
    uncoded = months.accepted(cast, "2026-10-02 09:00", phone="13900000001", email="").pk
    Complaint.objects.filter(pk=uncoded).update(category=None)
    bare = months.closed(cast, phone="13900000002", email="").pk
    Complaint.objects.filter(pk=bare).update(replied_at=None)
    months.accepted(cast, "2026-10-04 09:00", phone="13900000003", email="")
    again = months.accepted(cast, "2026-10-04 10:00", phone="13900000003", email="").pk
    early = registered("2026-10-05 09:00", phone="", email="").complaint.pk
    Complaint.objects.filter(pk=early).update(accepted_at=at("2026-10-04 09:00"))
    rated = registered("2026-10-06 09:00", phone="", email="").complaint.pk
    Callback.objects.create(
        complaint_id=rated, at=at("2026-10-07 09:00"), source=RatingSource.COMPLAINANT, is_reached=False,
        satisfaction="satisfied",
    )  # fmt: skip
    return {"uncoded": uncoded, "no_result": bare, "duplicate": again, "dates": early, "unmet_rating": rated}


def test_an_34_records_are_found_before_the_month_is_reported(cast):
    wanted = unfit(cast)
    assert jobs.tidy_records(now=NOW)["found"] == 5
    assert dict(Tidying.objects.values_list("kind", "complaint")) == wanted
    assert jobs.tidy_records(now=NOW + timedelta(days=1))["mended"] == 0
    assert Tidying.objects.count() == 5


def test_an_34_what_is_mended_leaves_by_itself(cast):
    wanted = unfit(cast)
    jobs.tidy_records(now=NOW)
    Complaint.objects.filter(pk=wanted["dates"]).update(accepted_at=None)
    assert jobs.tidy_records(now=NOW + timedelta(days=1))["mended"] == 1
    row = Tidying.objects.get(kind="dates")
    assert (row.settled_by, row.settled_at) == (None, NOW + timedelta(days=1))


def test_an_34_linked_cases_are_no_duplicates(cast):
    first = months.accepted(cast, "2026-10-04 09:00", phone="13900000003", email="")
    second = months.accepted(cast, "2026-10-04 10:00", phone="13900000003", email="")
    assert tidying.KINDS["duplicate"].find(OCTOBER) == {second.pk}
    transitions.link(
        second.pk, other=first.case, kind=LinkKind.DUPLICATE, reason="同一人两件事", by=cast.coordinator,
        at=at("2026-10-06 09:00"),
    )  # fmt: skip
    assert tidying.KINDS["duplicate"].find(OCTOBER) == set()


def test_an_34_a_month_is_closed_after_tidying(client, cast):
    """Closing looks by itself where the job has not run, and waits for whoever settles."""
    wanted = unfit(cast)
    client.force_login(cast.manager)
    assert client.post("/desk/figures/closing/2026-10/close/").status_code == 409
    page = client.get("/desk/figures/tidying/?period=2026-10")
    assert len(page.context["rows"]) == 5
    assert Complaint.objects.get(pk=wanted["uncoded"]).number in page.content.decode()
    for row in tidying.open_in("2026-10"):
        url = f"/desk/figures/tidying/{row.pk}/"
        assert client.post(url, {"note": " "}).status_code == 422
        assert client.post(url, {"note": "已核对，属实"}).status_code == 302
        assert client.post(url, {"note": "再次"}).status_code == 409
    assert client.post("/desk/figures/closing/2026-10/close/").status_code == 302


def test_an_34_the_list_is_for_those_who_report(client, cast, django_assert_max_num_queries):
    unfit(cast)
    jobs.tidy_records(now=NOW)
    row = Tidying.objects.first()
    client.force_login(cast.intake)
    assert client.get("/desk/figures/tidying/").status_code == 403
    assert client.post(f"/desk/figures/tidying/{row.pk}/", {"note": "x"}).status_code == 403
    client.force_login(cast.manager)
    assert client.get("/desk/figures/tidying/?period=2099-01").status_code == 400
    client.get("/desk/figures/tidying/?period=2026-10")
    with django_assert_max_num_queries(8):
        assert client.get("/desk/figures/tidying/?period=2026-10&kind=dates").status_code == 200
