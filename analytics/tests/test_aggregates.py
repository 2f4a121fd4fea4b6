"""Counts made ahead equal the cases, whatever happens to them (AN-02, AN-03, AN-04, AN-05)."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from analytics import aggregates, dashboard, figures, sources, tasks
from analytics.models import DayFigure, StaleDay
from analytics.periods import OFFICE, parse
from analytics.scope import WHOLE, Scope
from analytics.tests import months
from analytics.tests.worlds import World
from complaints import transitions
from complaints.models import CaseEvent, Complaint, JobRun
from complaints.states import RiskGrade
from complaints.tests.factories import Story, at, category, registered

MONTHS = [parse(code) for code in ("2026-08", "2026-09", "2026-10", "2026-11", "2026-12", "2027-01", "2027-02")]
NOW = at("2027-02-28 09:00")
READ = (
    figures.received,
    figures.repeat_rate,
    figures.high_risk_share,
    figures.on_time_rate,
    figures.overdue_rate,
    figures.satisfaction_rate,
    figures.dissatisfied_share,
    figures.average_days,
    figures.median_days,
    figures.p90_days,
)


def same_everywhere(scope=WHOLE):
    """Every figure, month and group: the stored counts say what the cases say."""
    by_department = dict.fromkeys({figure.source for figure in READ}, ("department",))
    found, wanted = (read(READ, MONTHS, scope, by_department) for read in (aggregates.compute, figures.compute))
    for month in MONTHS:
        for figure in READ:
            assert found.value(figure, month) == wanted.value(figure, month), (figure.key, month.code)
            shown = {g: (v, g.label) for g, v in found.by(figure, "department", month).items() if v.of or v.value}
            real = {g: (v, g.label) for g, v in wanted.by(figure, "department", month).items() if v.of or v.value}
            assert shown == real, (figure.key, month.code)
    axes = {sources.registered: ("channel", "category", "risk")}
    found, wanted = (read((figures.received,), MONTHS, scope, axes) for read in (aggregates.compute, figures.compute))
    for month in MONTHS:
        for axis in axes[sources.registered]:
            assert found.by(figures.received, axis, month) == wanted.by(figures.received, axis, month)


def closings():
    return sum(DayFigure.objects.values_list("closed", flat=True))


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_an_03_stored_counts_equal_the_cases_through_changes(cast, seed):
    world = World(cast, seed, cases=8)
    aggregates.refresh(now=NOW)
    assert sum(DayFigure.objects.values_list("received", flat=True)) == Complaint.objects.count()
    same_everywhere()
    same_everywhere(Scope(departments=frozenset([cast.water.pk])))
    same_everywhere(Scope(department=(cast.roads.pk,)))
    # Reclassified, graded, handed on, reopened, and more cases told: only the log says so.
    fresh = registered("2026-11-29 10:00", phone="13900000002", email="").complaint
    transitions.grade_risk(fresh.pk, by=cast.intake, grade=RiskGrade.HIGH, reason="可能见报", at=at("2026-12-01 10:00"))
    told = next((told for told in world.told if told.closed and not told.reopened), None)
    if told is not None:
        later = told.closed[0] + timedelta(days=10)
        transitions.reopen(told.pk, by=cast.coordinator, reason="没有解决", at=later)
    Story(cast, "2026-10-31 23:59", phone="13900000001", email="").to_reply()
    done = aggregates.refresh(now=NOW + timedelta(minutes=2))
    assert done["changed"] <= 3
    same_everywhere()
    assert aggregates.refresh(now=NOW + timedelta(minutes=4)) == {"changed": 0, "days": 0}


def test_an_03_a_day_is_a_day_of_the_office(cast):
    """Midnight in the office lies at 16:00 of the day before in the clock of the database."""
    for when in ("2026-10-31 23:59", "2026-11-01 00:00", "2026-11-01 07:59"):
        registered(when, phone="", email="")
    aggregates.refresh(now=NOW)
    rows = DayFigure.objects.filter(received__gt=0).order_by("day").values_list("day", "received")
    assert list(rows) == [(date(2026, 10, 31), 1), (date(2026, 11, 1), 2)]
    same_everywhere()


def test_an_03_a_merge_and_its_undoing_are_followed(cast):
    first = months.accepted(cast, "2026-10-12 09:00", phone="13900000001", email="")
    second = months.accepted(cast, "2026-10-13 09:00", phone="13900000002", email="")
    aggregates.refresh(now=NOW)
    merged, undone = at("2026-10-14 09:00"), at("2026-10-15 09:00")
    transitions.merge(second.pk, primary=first.case, reason="同一件事", by=cast.coordinator, at=merged)
    assert closings() == 0
    aggregates.refresh(now=NOW)
    same_everywhere()
    assert closings() == 1
    transitions.undo_merge(second.pk, reason="是两件事", by=cast.coordinator, at=undone)
    aggregates.refresh(now=NOW)
    same_everywhere()
    assert closings() == 0


def test_an_03_what_appears_late_in_the_log_is_found(cast):
    """A number of the log given out earlier may appear after a larger one was read."""
    story = months.accepted(cast)
    aggregates.refresh(now=NOW)
    run = JobRun.objects.get(job=aggregates.JOB)
    top = CaseEvent.objects.order_by("-pk").values_list("pk", flat=True).first()
    Complaint.objects.filter(pk=story.pk).update(risk_grade=RiskGrade.HIGH)
    DayFigure.objects.update(risk_grade=RiskGrade.ORDINARY)
    run.result = {"through": top, "gaps": [[top, top, NOW.isoformat()]]}
    run.save()
    assert aggregates.refresh(now=NOW + timedelta(minutes=1))["changed"] == 1
    same_everywhere()
    assert JobRun.objects.get(job=aggregates.JOB).result["gaps"] == []


def test_an_03_gaps_of_the_log_are_remembered():
    since = NOW.isoformat()
    assert list(aggregates._gaps([(5, 6, since), (10, 14, since)], [6, 10, 13])) == [
        (5, 5, since),
        (11, 12, since),
        (14, 14, since),
    ]


def test_an_03_the_nightly_comparison_mends_what_went_round_the_log(cast, caplog):
    story = months.closed(cast)
    aggregates.refresh(now=NOW)
    assert aggregates.reconcile(now=NOW) == {"days": 0}
    Complaint.objects.filter(pk=story.pk).update(channel="letter")
    replies = JobRun.objects.filter(job=aggregates.REPLIES).first()
    replies.result = {"water": {"99": 7}}
    replies.save()
    assert aggregates.reconcile(now=NOW)["days"] >= 3
    assert "stored figures differed from the cases" in caplog.text
    same_everywhere()
    assert aggregates.reconcile(now=NOW) == {"days": 0}


def test_an_03_days_that_only_the_log_remembers_are_counted_anew(cast):
    """An import that is undone takes the day of closing out of its cases; the day has to be counted without them."""
    told = months.closed(cast)
    aggregates.refresh(now=NOW)
    closed = Complaint.objects.get(pk=told.pk).first_closed_at.astimezone(OFFICE).date()
    Complaint.objects.filter(pk=told.pk).update(first_closed_at=None)
    # The columns have forgotten the day; the log has not.
    assert closed not in aggregates.days_of([told.pk])
    assert closed in aggregates.days_of([told.pk], forgotten=[told.pk])


def test_an_04_a_page_catches_up_by_itself_and_leaves_much_to_the_job(client, cast, monkeypatch):
    client.force_login(cast.manager)
    months.closed(cast)
    assert aggregates.as_of(now=timezone.now()) is None  # nothing is stored yet: the cases are counted
    before = client.get("/desk/figures/?period=2026-10").context["board"]
    aggregates.refresh()
    stored = client.get("/desk/figures/?period=2026-10").context["board"]
    assert [(tile.value, tile.unit) for tile in stored.tiles] == [(tile.value, tile.unit) for tile in before.tiles]
    assert [row.cells for row in stored.heat] == [row.cells for row in before.heat]
    registered("2026-10-06 09:00", phone="", email="")
    later = timezone.now() + timedelta(minutes=5)
    assert aggregates.as_of(now=later) == later
    assert sum(DayFigure.objects.values_list("received", flat=True)) == 2
    registered("2026-10-07 09:00", phone="", email="")
    monkeypatch.setattr(aggregates, "INLINE_EVENTS", 0)
    assert aggregates.as_of(now=later + timedelta(minutes=5)) is None


def test_an_04_the_dashboard_reads_stored_counts_in_ten_queries(cast, django_assert_max_num_queries):
    months.closed(cast)
    aggregates.refresh()
    with django_assert_max_num_queries(10):
        board = dashboard.build(parse("2026-10"), WHOLE, links=True)
    assert board.tiles[0].value == "1"
    assert not StaleDay.objects.exists()


def test_an_02_other_filters_count_the_cases(cast):
    for scope in (Scope(channel="web"), Scope(by_first=True), Scope(risk="high"), Scope(category=(category().pk,))):
        assert not aggregates.serves(scope)
    assert aggregates.serves(Scope(departments=frozenset([1]), sees_reviews=False))


def test_an_03_the_jobs_may_run_twice_and_late(cast):
    """JT-01: the second run finds everything done."""
    months.closed(cast)
    assert tasks.refresh_figures() > 0
    assert tasks.refresh_figures() == tasks.reconcile_figures() == 0
    assert tasks.tidy_records() == tasks.tidy_records()
