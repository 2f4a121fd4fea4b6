"""Closed months keep their figures; records are tidied before (AN-03, AN-34)."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import translation
from django.utils.translation import gettext

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import Membership
from analytics import closing, closing_job, composing, dashboard, figures, finals, jobs, reporting, selectors, tidying
from analytics.models import ClosedPeriod, Report, Tidying
from analytics.periods import parse
from analytics.scope import WHOLE, Scope
from analytics.states import Edition
from analytics.tests import months
from complaints import transitions
from complaints.models import Assignment, Callback, Complaint, JobRun, Notification, Praise
from complaints.models.matching import LinkKind
from complaints.states import LateReason, RatingSource
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


def close_by_page(client):
    """Ask on the page; the worker takes it up."""
    answer = client.post("/desk/figures/closing/2026-10/close/")
    closing_job.work("2026-10")
    return answer.status_code


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


ALL = "/desk/figures/all/?period=2026-10"


def shown(client, address=ALL):
    return {line.figure.key: line.cell.text for line in client.get(address).context["lines"]}


def test_an_03_a_department_reads_final_figures_on_every_page_and_in_every_file(client, told):
    """EX-09: page, file and API of one department give what was kept, to the department and to who looks at it."""
    Complaint.objects.update(lead_department=told.water)
    readers = {told.water_handler: "", told.manager: "&department=water"}
    before = {}
    for person, narrowed in readers.items():
        client.force_login(person)
        before[person] = (
            shown(client, ALL + narrowed),
            client.get(f"/api/v1/figures/?period=2026-10{narrowed}").json(),
        )
    row = closing.close("2026-10", by=told.manager, at=NOW)
    assert closing.is_intact(row)
    late_case()
    Complaint.objects.update(lead_department=told.water)
    for person, narrowed in readers.items():
        client.force_login(person)
        page = client.get(ALL + narrowed)
        assert page.context["is_final"]
        assert {line.figure.key: line.cell.text for line in page.context["lines"]} == before[person][0]
        answer = client.get(f"/api/v1/figures/?period=2026-10{narrowed}").json()
        assert answer["final"]
        for part in ("figures", "breakdowns"):
            assert answer[part] == before[person][1][part]
        text = client.get(f"/desk/figures/all/csv/?period=2026-10{narrowed}").getvalue().decode()
        assert page.context["lines"][0].cell.text == "2"
        assert "total,,,received," in text
    behind = "/desk/figures/behind/received/?period="
    assert [client.get(behind + code).context["is_closed"] for code in ("2026-10", "2026-11")] == [True, False]
    client.force_login(told.roads_handler)  # a department that had no case
    assert shown(client)["received"] == "0"
    part = JobRun.objects.get(job=closing.PARTS, period=f"{row.pk}/{told.water.pk}")
    part.result["inside"]["figures"]["received"]["value"] = 99
    part.save()
    assert not closing.is_intact(row)


def test_an_03_what_is_kept_beside_the_figures_is_sealed_too(told):
    """Lengths, contacts and the time of the departments: whoever changes or removes one of them is found out."""
    Complaint.objects.update(lead_department=told.water)
    row = closing.close("2026-10", by=told.manager, at=NOW)
    places = [f"{row.pk}/{told.water.pk}/single", f"{row.pk}/{closing.HOURS}"]
    for place in places:
        part = JobRun.objects.get(job=closing.PARTS, period=place)
        JobRun.objects.filter(pk=part.pk).update(result={**part.result, "x": 1})
        assert not closing.is_intact(row)
        JobRun.objects.filter(pk=part.pk).update(result=part.result)
        assert closing.is_intact(row)
    JobRun.objects.filter(period__in=places).delete()
    assert not closing.is_intact(row)


@pytest.fixture
def two_departments(told):
    """Cases of two departments: one person complained of both, and one counter is named often enough to be shown."""
    own = months.closed(told, phone="13800000003", email="", outlet="城东营业厅", special_groups=["elderly"])
    Complaint.objects.filter(pk=own.pk).update(lead_department=told.roads, late_reason="other")
    for n, department in enumerate([told.water, told.roads] * 3):
        case = registered("2026-10-22 09:00", phone="13800000003" if n < 3 else f"1380000010{n}", email="").complaint
        Complaint.objects.filter(pk=case.pk).update(lead_department=department, outlet="城东营业厅", product=f"水表{n}")
    return Scope(departments=frozenset([told.water.pk, told.roads.pk]))


def change_everything(told):
    """What happens to the cases after a month was closed."""
    months.closed(told, phone="13800000003", email="")
    Callback.objects.all().delete()
    Complaint.objects.update(
        emotion_intensity=3, customer_tier="vip", late_reason="", outlet="城西营业厅", place="城西"
    )


def test_an_03_several_departments_read_final_figures_put_together(client, told, two_departments):
    """Of a closed month: what adds up and what does not, such as a median or the persons who complained of both."""
    both = two_departments
    before, outside = (selectors.bundle(OCTOBER, both, at=NOW, outside=side) for side in (False, True))
    assert before["figures"]["received"]["value"] == 8
    assert before["figures"]["frequent_cases"]["value"] == 4  # two of each department
    assert before["figures"]["median_hours"]["value"] is not None
    assert {row["label"] for row in before["breakdowns"]["outlet"]} >= {"城东营业厅"}
    assert closing.bundle(OCTOBER, both, at=NOW, outside=False)["final"] is False  # the month is open
    closing.close("2026-10", by=told.manager, at=NOW)
    change_everything(told)
    found = closing.bundle(OCTOBER, both, at=NOW, outside=False)
    assert (found["final"], found["recounted"]) == (True, {"figures": [], "breakdowns": []})
    assert found["figures"] == before["figures"]
    assert found["breakdowns"] == before["breakdowns"]
    left = closing.bundle(OCTOBER, both, at=NOW, outside=True)
    assert left["breakdowns"] == outside["breakdowns"]
    now = selectors.bundle(OCTOBER, both, at=NOW, outside=False)
    for key in ("call_back_rate", "frequent_cases"):
        assert now["figures"][key] != found["figures"][key]
    assert now["breakdowns"]["outlet"] != found["breakdowns"]["outlet"]
    Membership.objects.create(user=told.water_head, department=told.roads, is_head=True, since=at("2026-01-01 00:00"))
    client.force_login(told.water_head)
    page = client.get(ALL)
    assert page.context["is_final"]
    assert [line.figure.key for line in page.context["lines"] if line.is_anew] == []
    kept = JobRun.objects.get(job=closing.PARTS, period__endswith=f"/{told.water.pk}/single").result
    assert "13800000003" not in str(kept)
    assert set(kept["typed"]["product"]) <= {""}  # each product was named once: nobody can be known by it


QUARTER = parse("2026-Q4")
JANUARY = at("2027-01-05 09:00")
NOT_ADDED = {
    "response_rate", "perfunctory", "missing_evidence", "repeat_complainants", "frequent_complainants",
    "frequent_cases", "median_hours", "p90_hours", "median_work_hours", "p90_work_hours",
}  # fmt: skip


def test_an_03_a_quarter_of_three_closed_months_is_final_as_a_whole(client, told):
    """Everything that adds up; what does not is counted anew and named, on the page beside the figure."""
    registered("2026-11-20 09:00", phone="13800000019", email="")
    registered("2026-12-20 09:00", phone="13800000029", email="")
    before = closing.bundle(QUARTER, WHOLE, at=JANUARY, outside=False)
    assert before["figures"]["received"]["value"] == 4
    assert before["figures"]["open_at_end"]["value"] == 3
    assert before["figures"]["satisfaction_rate"]["of"] == 1
    for code in ("2026-10", "2026-11"):
        closing.close(code, by=told.manager, at=JANUARY)
    counted = closing.bundle(QUARTER, WHOLE, at=JANUARY, outside=False)
    assert (counted["final"], counted["figures"]) == (False, before["figures"])
    closing.close("2026-12", by=told.manager, at=JANUARY)
    found = closing.bundle(QUARTER, WHOLE, at=JANUARY, outside=False)
    assert found["final"] is True
    assert set(found["recounted"]["figures"]) == NOT_ADDED
    assert {key: row for key, row in found["figures"].items() if row != before["figures"][key]} == {}
    assert found["breakdowns"] == before["breakdowns"]
    change_everything(told)
    registered("2026-12-21 09:00", phone="13800000039", email="")
    later = closing.bundle(QUARTER, WHOLE, at=JANUARY, outside=False)
    changed = {key for key, row in later["figures"].items() if row != found["figures"][key]}
    assert changed <= NOT_ADDED
    assert changed
    assert {axis for axis, rows in later["breakdowns"].items() if rows != found["breakdowns"][axis]} <= set(
        later["recounted"]["breakdowns"]
    )
    client.force_login(told.manager)
    page = client.get("/desk/figures/all/?period=2026-Q4")
    assert page.context["is_final"]
    assert {line.figure.key for line in page.context["lines"] if line.is_anew} == NOT_ADDED
    drafted = reporting.draft(
        Report(period="2026-Q4", edition=Edition.DATA, revision=1, figures=reporting.freeze(QUARTER, at=JANUARY))
    )
    with translation.override(reporting.LANGUAGE):
        words = gettext("Counted anew from the cases, not final.")
    assert sum(words in definition.definition for definition in drafted.definitions) == len(NOT_ADDED)
    closing.reopen("2026-11", reason="漏登一件", by=told.manager, at=JANUARY)
    assert closing.bundle(QUARTER, WHOLE, at=JANUARY, outside=False)["final"] is False


def test_an_03_of_a_month_an_older_release_closed_the_rest_is_counted_anew_and_named(client, told, two_departments):
    """It kept nothing that does not add up; the page says so beside each figure."""
    row = closing.close("2026-10", by=told.manager, at=NOW)
    JobRun.objects.filter(job=closing.PARTS, period__in=[f"{row.pk}/{name}" for name in row.figures["more"]]).delete()
    change_everything(told)
    anew = closing.bundle(OCTOBER, two_departments, at=NOW, outside=False)["recounted"]
    assert set(anew["figures"]) == {
        "repeat_complainants", "frequent_complainants", "frequent_cases", "median_hours", "p90_hours",
        "median_work_hours", "p90_work_hours",
    }  # fmt: skip
    assert "outlet" in anew["breakdowns"]
    Membership.objects.create(user=told.water_head, department=told.roads, is_head=True, since=at("2026-01-01 00:00"))
    client.force_login(told.water_head)
    page = client.get(ALL)
    assert {line.figure.key for line in page.context["lines"] if line.is_anew} == set(anew["figures"])
    assert page.content.decode().count("counted anew") + page.content.decode().count("重新统计") >= len(anew["figures"])


TIME = "/desk/figures/time/?period="


def test_an_03_sla_04_the_time_of_the_departments_is_final_with_the_month(client, told):
    """A task that ends differently later changes the open month alone; a quarter adds closed and open months up."""
    client.force_login(told.manager)
    before = client.get(TIME + "2026-10").context["lines"]
    assert before[0].hours.lead == 1
    closing.close("2026-10", by=told.manager, at=NOW)
    Assignment.objects.update(department=told.roads, role="supporting")
    cache.clear()
    page = client.get(TIME + "2026-10")
    assert page.context["lines"] == before
    assert page.context["is_final"]
    assert client.get(TIME + "2026-Q4").context["lines"] == before
    assert client.get(TIME + "2026-10&format=csv").getvalue().decode().count("\n") == len(before) + 1
    closing.reopen("2026-10", reason="更正", by=told.manager)
    page = client.get(TIME + "2026-10")
    assert page.context["lines"] != before
    assert not page.context["is_final"]


def test_an_03_ex_09_the_same_cells_are_hidden_in_whatever_order_the_figures_were_kept(cast):
    """Two exports that hide different cells of a row would tell both."""
    counts = {"none": 3, **dict.fromkeys(LateReason.values, 6)}
    cells = {reason: {"value": n} for reason, n in counts.items()}
    rows = [{"code": "reply", "label": "reply", **dict(order)} for order in (cells.items(), reversed(cells.items()))]
    whole = [{"code": "reply", "label": "reply"}]
    first, second = (composing._missed([{"breakdowns": {"missed": [row]}}], whole, True) for row in rows)
    assert first == second
    assert sum("suppressed" in cell for cell in first[0].values() if isinstance(cell, dict)) == 2


def test_an_03_what_a_newer_release_adds_to_a_closed_month_is_named(client, told):
    """It was not kept, so the page does not pass it off as final."""
    row = closing.close("2026-10", by=told.manager, at=NOW)
    kept = row.figures
    del kept["bundles"]["inside"]["figures"]["praises"]
    del kept["bundles"]["inside"]["breakdowns"]["step"]
    ClosedPeriod.objects.filter(pk=row.pk).update(figures=kept)
    found = closing.bundle(OCTOBER, WHOLE, at=NOW, outside=False)
    assert (found["final"], found["recounted"]) == (True, {"figures": ["praises"], "breakdowns": ["step"]})
    client.force_login(told.manager)
    assert [line.figure.key for line in client.get(ALL).context["lines"] if line.is_anew] == ["praises"]


def test_an_03_praise_of_a_department_without_a_case_is_final_too(told):
    """It is counted with its department, alone and among several."""
    Praise.objects.create(department=told.roads, text="耐心", received_on="2026-10-21", by=told.intake)
    closing.close("2026-10", by=told.manager, at=NOW)
    for departments in ([told.roads.pk], [told.water.pk, told.roads.pk]):
        found = closing.bundle(OCTOBER, Scope(departments=frozenset(departments)), at=NOW, outside=False)
        assert (found["final"], found["figures"]["praises"]["value"]) == (True, 1)


def test_an_03_final_figures_tell_a_department_nothing_of_open_reviews(client, told):
    """RI-12: what was kept for the office is not shown to the department concerned."""
    Complaint.objects.update(lead_department=told.water)
    row = closing.close("2026-10", by=told.manager, at=NOW)
    part = JobRun.objects.get(job=closing.PARTS, period=f"{row.pk}/{told.water.pk}")
    for side in ("inside", "outside"):
        part.result[side]["figures"]["reviews_opened"]["value"] = 7
        part.result[side]["breakdowns"]["trigger"] = [{"code": "x", "label": "x", "reviews_opened": {"value": 7}}]
    part.save()
    client.force_login(told.water_handler)
    answer = client.get("/api/v1/figures/?period=2026-10").json()
    assert (answer["figures"]["reviews_opened"]["value"], answer["breakdowns"]["trigger"]) == (0, [])
    client.force_login(told.manager)
    assert (
        client.get("/api/v1/figures/?period=2026-10&department=water").json()["figures"]["reviews_opened"]["value"] == 7
    )


# --- The job ----------------------------------------------------------------------------------------


def test_an_03_a_month_is_closed_by_a_worker_and_the_page_shows_the_step(
    client, told, monkeypatch, django_capture_on_commit_callbacks
):
    """Asked for once, however often the button is pressed; the page says how far it is and who asked is told."""
    client.force_login(told.manager)
    with django_capture_on_commit_callbacks() as sent:
        assert client.post("/desk/figures/closing/2026-10/close/").status_code == 302
    assert len(sent) == 1
    assert not ClosedPeriod.objects.exists()
    assert client.post("/desk/figures/closing/2026-10/close/").status_code == 409
    state = "/desk/figures/closing/2026-10/progress/"
    waiting = client.get(state)
    assert waiting.status_code == 200
    assert "hx-get" in waiting.content.decode()
    seen, real = [], closing.finals.freeze

    def freeze(period):
        seen.append(closing_job.shown(JobRun.objects.get(job=closing_job.JOB)))
        assert client.get(state).context["row"]["closing"]["of"] > 0
        assert not closing_job.work("2026-10")  # a second worker finds it taken
        return real(period)

    monkeypatch.setattr(closing.finals, "freeze", freeze)
    assert closing_job.work("2026-10")
    assert [(step["running"], step["step"]) for step in seen] == [(True, 0)]
    assert client.get(state).status_code == 286
    assert ClosedPeriod.objects.count() == 1
    run = JobRun.objects.get(job=closing_job.JOB)
    assert run.result["step"] == run.result["of"] >= 3
    assert Notification.objects.get(kind="month_closed").recipient == told.manager
    assert not closing_job.work("2026-10")
    client.force_login(told.intake)
    assert client.get(state).status_code == 403
    client.force_login(told.manager)
    assert client.get("/desk/figures/closing/2026-09/progress/").status_code == 404


def test_an_03_a_worker_killed_while_closing_leaves_nothing_and_is_followed(told, monkeypatch):
    closing_job.request("2026-10", by=told.manager, at=NOW)
    later = NOW + timedelta(minutes=2)
    assert closing_job.left(now=NOW) == []
    assert closing_job.left(now=later) == ["2026-10"]  # its message was lost

    class Killed(BaseException):
        pass

    def die(*_args, **_more):
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr(closing.selectors, "bundle", die)
        with pytest.raises(Killed):
            closing_job.work("2026-10", now=later)
    assert not ClosedPeriod.objects.exists()
    run = JobRun.objects.get(job=closing_job.JOB)
    assert run.state == JobRun.State.RUNNING
    assert jobs.sweep_reports(now=run.started_at + timedelta(minutes=4))["closings"] == 0
    gone = run.started_at + timedelta(minutes=6)
    assert jobs.sweep_reports(now=gone)["closings"] == 1
    assert closing_job.work("2026-10", now=gone)
    assert ClosedPeriod.objects.count() == 1


def test_an_03_a_closing_that_fails_says_so_on_the_page(client, told, monkeypatch):
    client.force_login(told.manager)
    client.post("/desk/figures/closing/2026-10/close/")
    with monkeypatch.context() as broken:
        broken.setattr(closing.selectors, "bundle", lambda *_args, **_more: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            closing_job.work("2026-10")
    page = client.get("/desk/figures/closing/")
    assert page.context["rows"][0]["closing"]["problem"] == closing_job.ERRORS["unexpected"]
    assert Notification.objects.filter(kind="month_not_closed", recipient=told.manager).count() == 1
    assert close_by_page(client) == 302
    assert ClosedPeriod.objects.count() == 1


def test_an_03_who_may_close_no_longer_closes_nothing(told):
    """The right is asked for again when the worker begins."""
    closing_job.request("2026-10", by=told.manager, at=NOW)
    told.manager.groups.clear()
    assert not closing_job.work("2026-10")
    assert not ClosedPeriod.objects.exists()
    assert JobRun.objects.get(job=closing_job.JOB).error == "refused"


def test_an_34_records_found_by_the_worker_stop_the_closing(client, cast):
    unfit(cast)
    client.force_login(cast.manager)
    assert close_by_page(client) == 302
    assert not ClosedPeriod.objects.exists()
    assert (
        client.get("/desk/figures/closing/").context["rows"][0]["closing"]["problem"] == closing_job.ERRORS["refused"]
    )
    assert close_by_page(client) == 409


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
    assert close_by_page(client) == 302
    assert close_by_page(client) == 409
    assert client.post("/desk/figures/closing/2026-10/open/", {"reason": ""}).status_code == 422
    assert client.get("/desk/figures/closing/2026-10/open/").context["is_intact"]
    assert client.post("/desk/figures/closing/2026-10/open/", {"reason": "漏录一件"}).status_code == 302
    late_case()
    assert client.get(PAGE).context["board"].tiles[0].value == "3"
    assert close_by_page(client) == 302
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
    assert close_by_page(client) == 302
    assert not ClosedPeriod.objects.exists()
    page = client.get("/desk/figures/tidying/?period=2026-10")
    assert len(page.context["rows"]) == 5
    assert Complaint.objects.get(pk=wanted["uncoded"]).number in page.content.decode()
    for row in tidying.open_in("2026-10"):
        url = f"/desk/figures/tidying/{row.pk}/"
        assert client.post(url, {"note": " "}).status_code == 422
        assert client.post(url, {"note": "已核对，属实"}).status_code == 302
        assert client.post(url, {"note": "再次"}).status_code == 409
    assert close_by_page(client) == 302
    assert ClosedPeriod.objects.exists()


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
