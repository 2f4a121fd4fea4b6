"""Targets, the year before, control limits and outside events on the page of figures (AN-02, AN-04, AN-07)."""

import threading
import time

import pytest
from django.db import connection, transaction
from django.utils import translation

from accounts.errors import NotAllowed, StaleVersion
from analytics import closing, figures, reporting, three_rates
from analytics.models import Annotation, Report, Target
from analytics.periods import parse
from analytics.scope import ANSWERED, ASKED, Formula
from analytics.tests import months
from complaints.models import Callback
from complaints.tests.factories import at, registered

NOW = at("2026-11-02 09:00")

PAGE = "/desk/figures/?period=2026-10"
TARGET = {"figure": "on_time_rate", "value": "95", "from_month": "2026-09"}
EVENT = {"text": "开学季促销", "first_day": "2026-09-28", "last_day": "2026-10-03"}


@pytest.fixture
def desk(client, cast):
    months.closed(cast)
    client.force_login(cast.manager)
    return client


def tile(client, place, address=PAGE):
    return client.get(address).context["board"].tiles[place]


def test_an_02_tiles_say_whether_the_target_is_reached(desk, cast):
    assert tile(desk, 1).target is None
    assert desk.post("/desk/figures/targets/", TARGET).status_code == 302
    assert tile(desk, 1).target.tone == "good"
    assert desk.post("/desk/figures/targets/", {**TARGET, "figure": "average_days", "value": "0.1"}).status_code == 302
    assert tile(desk, 2).target.tone == "poor"
    assert tile(desk, 1, "/desk/figures/?period=2026-08").target is None  # not in force yet
    html = desk.get("/desk/figures/targets/").content.decode()
    assert "95.0%" in html


def test_an_02_the_target_of_a_department_goes_before_the_general_one(desk, cast):
    desk.post("/desk/figures/targets/", TARGET)
    own = {**TARGET, "value": "80", "department": "water", "note": "老旧管网"}
    assert desk.post("/desk/figures/targets/", own).status_code == 302
    assert "80.0%" in tile(desk, 1, f"{PAGE}&department=water").target.text
    assert "95.0%" in tile(desk, 1).target.text


@pytest.mark.parametrize(
    "change",
    [
        {"value": "101"},
        {"value": "-1"},
        {"value": "nan"},
        {"from_month": "2026-13"},
        {"from_month": "x"},
        {"figure": "x"},
    ],
)
def test_an_02_a_target_that_cannot_be_is_refused(desk, change):
    assert desk.post("/desk/figures/targets/", {**TARGET, **change}).status_code == 422
    assert not Target.objects.exists()


def test_an_02_only_who_reports_sets_targets_and_events(client, cast):
    client.force_login(cast.coordinator)
    for address, data in (("targets", TARGET), ("annotations", EVENT)):
        assert client.post(f"/desk/figures/{address}/", data).status_code == 403
    assert not Target.objects.exists()
    assert not Annotation.objects.exists()


def test_an_04_the_same_month_a_year_before_is_compared(desk):
    assert tile(desk, 0).year is None
    for n in range(3):
        registered(f"2025-10-0{n + 1} 09:00", phone="", email="")
    year = tile(desk, 0).year
    assert (year.icon, year.tone) == ("arrow-down", "")
    assert "2" in year.text


def test_an_07_outside_events_stand_in_the_chart_and_beside_it(desk):
    assert desk.post("/desk/figures/annotations/", EVENT).status_code == 302
    page = desk.get(PAGE)
    board = page.context["board"]
    assert [text for _month, text in board.notes] == ["开学季促销"]
    assert "开学季促销" in board.trend.chart
    assert board.trend.rows[-2][3] == "开学季促销"
    row = Annotation.objects.get()
    assert desk.post(f"/desk/figures/annotations/{row.pk}/end/").status_code == 302
    ended = Annotation.objects.get().ended_at
    desk.post(f"/desk/figures/annotations/{row.pk}/end/")
    assert Annotation.objects.get().ended_at == ended
    assert not desk.get(PAGE).context["board"].notes


@pytest.mark.parametrize(
    "change", [{"last_day": "2026-09-01"}, {"text": " "}, {"last_day": "2028-01-01"}, {"first_day": ""}]
)
def test_an_07_an_event_that_cannot_be_is_refused(desk, change):
    assert desk.post("/desk/figures/annotations/", {**EVENT, **change}).status_code == 422
    assert not Annotation.objects.exists()


def test_an_04_points_outside_the_limits_are_named_for_any_charted_figure(desk):
    """Individuals chart: mean ± 2.66 moving ranges; words and table say what the ring shows."""
    for month in range(1, 10):
        registered(f"2026-0{month}-10 09:00", phone="", email="")
    for n in range(12):
        registered(f"2026-10-{n + 10} 09:00", phone="", email="")
    board = desk.get(PAGE).context["board"]
    assert board.trend.rows[-1][2]
    assert not board.trend.rows[-2][2]
    for key in ("on_time_rate", "average_days", "satisfaction_rate"):
        page = desk.get(f"{PAGE}&chart={key}")
        assert page.context["board"].charted.key == key
        assert page.context["board"].trend.finding in page.content.decode()
    assert desk.get(f"{PAGE}&chart=nonsense").context["board"].charted.key == "received"


# --- The formula of the three rates ---------------------------------------------------------------

FORMULA = {"basically": "no", "base": "asked", "note": "按集团口径", "based_on": "0"}
SETTING = "/desk/figures/formula/"


def rates(client, **query):
    """Part and whole of the satisfied rate as the API gives it, and the formula printed on the page."""
    query = {"period": "2026-10", **query}
    entry = client.get("/api/v1/figures/", query).json()["figures"]["pleased_rate"]
    return (entry["part"], entry["of"]), client.get("/desk/figures/all/", query).context["formula"]


def test_an_12_the_formula_set_by_the_office_counts_everywhere(desk, cast):
    """Page, API and report count by it; an address may still choose another one; a closed month keeps its own."""
    story = months.closed(cast, phone="13800000001", email="")
    Callback.objects.filter(complaint=story.pk).update(satisfaction="basically")
    shipped, words = rates(desk)
    assert shipped == (2, 2)
    closing.close("2026-10", by=cast.manager, at=NOW)
    assert desk.post(SETTING, FORMULA).status_code == 302
    assert rates(desk) == (shipped, words)  # the closed month says what it said
    closing.reopen("2026-10", reason="改口径", by=cast.manager)
    strict, printed = rates(desk)
    assert strict == (1, 2)
    assert printed != words
    assert rates(desk, basically="yes")[0] == (2, 2)
    report = Report(period="2026-10", requested_at=NOW, figures=reporting.freeze(parse("2026-10"), at=NOW))
    annex = {row.figure: row.definition for row in reporting.draft(report).definitions}
    [told] = [text for name, text in annex.items() if str(figures.pleased_rate.name) in name]
    with translation.override(reporting.LANGUAGE):
        assert told.endswith(three_rates.words(Formula(basically=False, base=ASKED)))


def test_an_12_the_formula_is_kept_as_revisions(desk, cast):
    first = desk.get(SETTING)
    assert first.context["form"]["based_on"].value() == 0
    assert desk.post(SETTING, {**FORMULA, "note": " "}).status_code == 422
    assert desk.post(SETTING, {**FORMULA, "base": "x"}).status_code == 422
    assert desk.post(SETTING, {**FORMULA, "based_on": "x"}).status_code == 422
    assert three_rates.in_force() == Formula(basically=True, base=ANSWERED)
    assert desk.post(SETTING, FORMULA).status_code == 302
    stale = desk.post(SETTING, {**FORMULA, "basically": "yes", "note": "另一人"})
    assert stale.status_code == 409
    assert "另一人" in stale.content.decode()
    row = Target.objects.get()
    assert desk.post(SETTING, {**FORMULA, "basically": "yes", "based_on": str(row.pk)}).status_code == 302
    page = desk.get(SETTING)
    assert [row.note for row, _words in page.context["rows"]] == ["按集团口径", "按集团口径"]
    assert page.context["rows"][0][1] == page.context["words"]
    assert desk.get("/desk/figures/targets/").context["rows"] == []  # a formula is no target
    assert tile(desk, 3).target is None
    desk.force_login(cast.coordinator)
    assert desk.post(SETTING, FORMULA).status_code == 403
    with pytest.raises(NotAllowed):
        three_rates.put(basically=True, base=ANSWERED, note="x", based_on=0, by=cast.coordinator)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("earlier", [0, 1])
def test_an_12_of_two_people_who_set_the_formula_at_once_the_second_is_told(cast, earlier):
    """The first revision too: the second person does not overwrite what they did not see."""
    seen = 0
    for _number in range(earlier):
        seen = three_rates.put(basically=True, base=ASKED, note="先前", based_on=0, by=cast.manager).pk
    saved, outcomes = threading.Event(), []

    def first():
        with transaction.atomic():
            outcomes.append(three_rates.put(basically=False, base=ASKED, note="甲", based_on=seen, by=cast.manager))
            saved.set()
            time.sleep(0.5)
        connection.close()

    def second():
        saved.wait(10)
        try:
            outcomes.append(three_rates.put(basically=True, base=ANSWERED, note="乙", based_on=seen, by=cast.manager))
        except StaleVersion as error:
            outcomes.append(error)
        connection.close()

    workers = [threading.Thread(target=work) for work in (first, second)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert [type(outcome) for outcome in outcomes] == [Target, StaleVersion]
    assert three_rates.in_force() == Formula(basically=False, base=ASKED)


def test_an_12_what_a_stored_formula_means_never_changes():
    """The number in the table is the place in this list: whoever reorders it changes what was decided."""
    assert [(row.basically, row.base) for row in three_rates.FORMULAS] == [
        (True, "answered"), (False, "answered"), (True, "reached"), (False, "reached"), (True, "asked"),
        (False, "asked"),
    ]  # fmt: skip
