"""Every figure equals an independent count in plain Python over worlds told through the transitions
(AN-06, AN-08…13, AN-15, SLA-02, EX-09)."""

from collections import Counter
from datetime import date, timedelta

import pytest

from analytics import figures, selectors, sources
from analytics.cells import Group
from analytics.figures import FIGURES, Value, compute
from analytics.periods import OFFICE, parse
from analytics.scope import WHOLE, Scope
from analytics.tests.worlds import TOP_OF, World
from complaints import clocks, transitions
from complaints.models import Deadline
from complaints.tests.factories import Story, at, registered
from review import transitions as review_transitions
from review.models import ReviewCase

MONTHS = ("2026-09", "2026-10", "2026-11", "2026-12")


def month(moment):
    local = moment.astimezone(OFFICE)
    return f"{local.year}-{local.month:02}"


def working_days(came, went):
    calendar = clocks.working_calendar()
    day, last, count = came.astimezone(OFFICE).date(), went.astimezone(OFFICE).date(), 0
    while day < last:
        day += timedelta(days=1)
        count += calendar.is_working_day(day)
    return count


def nearest_rank(values, share):
    """The smallest value that at least `share` of the values do not exceed, found by trying."""
    for value in sorted(values):
        if sum(other <= value for other in values) >= share * len(values):
            return value
    return None


def share(part, of):
    return Value(part / of if of else None, part, of)


def expected(world, code):
    """All figures of a month, counted over what was told."""
    told = world.told
    of_month = [case for case in told if month(case.registered) == code]
    rows = {case.pk: world.row(case) for case in told}
    replied = [case for case in told if case.first_reply and month(case.first_reply) == code]
    days = [working_days(case.registered, case.first_reply) for case in replied]
    hours = [(case.first_reply - case.registered).total_seconds() / 3600 for case in replied]
    # The clock of a department is its own affair; what the case owes is counted.
    clocks = Deadline.objects.filter(assignment=None)
    deadlines = [row for row in clocks if row.state in ("met", "missed") and month(row.stopped_at) == code]
    main = Counter(row.state for row in deadlines if row.milestone in ("resolve", "reply"))
    every = Counter(row.state for row in deadlines)
    closed = [case for case in told if case.closed and month(case.closed[0]) == code]
    missed = {row.complaint_id for row in clocks if row.state == "missed" and row.milestone != "progress"}
    answers = Counter(answer for case in told for when, answer, _reason in case.answers if month(when) == code)
    given = sum(answers.values())
    asked = {case.pk for case in told for when in case.asked if month(when) == code}
    answering = {case.pk for case in told for when, _answer, _reason in case.answers if month(when) == code}
    return {
        "received": Value(len(of_month)),
        "handled": Value(sum(1 for case in told if case.ended and month(min(case.ended)[0]) == code)),
        "open_at_end": Value(sum(1 for case in told if is_open(case, parse(code).end))),
        "repeat_rate": share(sum(rows[case.pk].is_repeat for case in of_month), len(of_month)),
        "high_risk_share": share(sum(case.high_risk for case in of_month), len(of_month)),
        "average_days": Value(sum(days) / len(days) if days else None, of=len(days)),
        "median_days": Value(nearest_rank(days, 0.5), of=len(days)),
        "p90_days": Value(nearest_rank(days, 0.9), of=len(days)),
        "average_hours": Value(sum(hours) / len(hours) if hours else None, of=len(hours)),
        "median_hours": Value(nearest_rank(hours, 0.5), of=len(hours)),
        "p90_hours": Value(nearest_rank(hours, 0.9), of=len(hours)),
        "on_time_rate": share(main["met"], main["met"] + main["missed"]),
        "overdue_rate": share(main["missed"], main["met"] + main["missed"]),
        "milestone_rate": share(every["met"], every["met"] + every["missed"]),
        "late_share": share(sum(case.pk in missed for case in closed), len(closed)),
        "call_back_rate": share(
            sum(any(when <= case.closed[0] for when, *_rest in case.answers) for case in closed), len(closed)
        ),
        "satisfaction_rate": share(answers["satisfied"] + answers["basically"], given),
        "satisfied_share": share(answers["satisfied"], given),
        "basically_share": share(answers["basically"], given),
        "dissatisfied_share": share(answers["dissatisfied"], given),
        "response_rate": share(len(answering), len(asked)),
        "reworks": Value(sum(month(when) == code for case in told for when in case.reworks)),
        "reopenings": Value(sum(month(when) == code for case in told for when in case.reopened)),
    }


def is_open(case, moment):
    """The state of a case at a moment, replayed from what was told."""
    steps = [(case.registered, True)]
    steps += [(when, kind == "replied") for when, kind in case.ended]
    steps += [(when, False) for when in case.closed] + [(when, True) for when in case.reopened]
    before = [state for when, state in sorted(steps) if when < moment]
    return bool(before) and before[-1]


def about(values):
    return {key: (pytest.approx(value.value), value.part, value.of) for key, value in values.items()}


def check_every_figure_equals_a_count_by_hand(world):
    for code in MONTHS:
        wanted = expected(world, code)
        found = {key: FIGURES[key](parse(code), WHOLE) for key in wanted}
        assert {key: (value.value, value.part, value.of) for key, value in found.items()} == about(wanted), code


def check_one_query_for_many_months_gives_the_same_figures(world):
    """Batched reading for a page and single reading give equal figures (EX-09)."""
    months = [parse(code) for code in MONTHS]
    batched = compute([FIGURES[key] for key in ("received", "on_time_rate", "average_days")], months, WHOLE)
    for figure in (figures.received, figures.on_time_rate, figures.average_days):
        assert [batched.value(figure, period) for period in months] == [figure(period, WHOLE) for period in months]


def check_breakdowns_add_up_to_the_counts_by_hand(world):
    for code in MONTHS:
        of_month = [case for case in world.told if month(case.registered) == code]
        period = parse(code)
        channels = Counter(str(case.channel) for case in of_month)
        categories = Counter(TOP_OF.get(case.category, "") for case in of_month)
        departments = Counter(case.department for case in of_month)
        for axis, wanted in (("channel", channels), ("category", categories), ("department", departments)):
            found = figures.received.by(axis, period, WHOLE)
            assert {group.code: value.value for group, value in found.items()} == dict(wanted), (axis, code)


def check_the_months_of_a_quarter_add_up(world):
    quarter = parse("2026-Q4")
    for figure in (figures.received, figures.reworks, figures.handled):
        assert figure(quarter, WHOLE).value == sum(figure(period, WHOLE).value for period in quarter.last_months(3))
    cells = sources.registered(quarter.last_months(3), WHOLE, ("channel",))
    assert cells.total(quarter)["cases"] == figures.received(quarter, WHOLE).value


def check_a_department_counts_its_own_cases_only(world):
    """AN-33: a scope limited to a department equals the cases of that department."""
    own = Scope(departments=frozenset([world.cast.water.pk]))
    for code in MONTHS:
        wanted = sum(month(case.registered) == code and case.department == "water" for case in world.told)
        assert figures.received(parse(code), own).value == wanted


def check_filters_narrow_within_the_rights(world):
    """A filter for a foreign department gives nothing, never the foreign figures."""
    scope = Scope(departments=frozenset([world.cast.water.pk]), department=(world.cast.roads.pk,))
    assert figures.received(parse("2026-10"), scope).value == 0


def check_the_bundle_says_what_the_figures_say(world):
    """API, export and report read the bundle; the page reads the figures (EX-09)."""
    period = parse("2026-10")
    found = selectors.bundle(period, WHOLE, at=at("2026-12-31 09:00"), outside=False)
    for key, figure in FIGURES.items():
        assert found["figures"][key]["value"] == figure(period, WHOLE).value, key
        assert found["figures"][key]["previous"] == figure(period.previous, WHOLE).value, key
    assert {row["code"]: row["received"]["value"] for row in found["breakdowns"]["channel"]} == {
        group.code: value.value for group, value in figures.received.by("channel", period, WHOLE).items()
    }
    assert found["series"]["received"][-1] == ["2026-10", figures.received(period, WHOLE).value]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_figures_equal_counts_by_hand(cast, seed):
    """One world per seed, looked at from every side: telling a world costs far more than counting it.

    The call-back rate is among them (FB-13)."""
    world = World(cast, seed)
    for check in (
        check_every_figure_equals_a_count_by_hand,
        check_one_query_for_many_months_gives_the_same_figures,
        check_breakdowns_add_up_to_the_counts_by_hand,
        check_the_months_of_a_quarter_add_up,
        check_a_department_counts_its_own_cases_only,
        check_filters_narrow_within_the_rights,
        check_the_bundle_says_what_the_figures_say,
    ):
        check(world)


def test_midnight_divides_the_months(cast):
    registered("2026-10-31 23:59", phone="13800000001")
    registered("2026-11-01 00:00", phone="13800000002")
    assert [figures.received(parse(code), WHOLE).value for code in ("2026-10", "2026-11")] == [1, 1]
    both = [parse("2026-10"), parse("2026-11")]
    batched = compute([figures.received], both, WHOLE)
    assert [batched.value(figures.received, period).value for period in both] == [1, 1]
    found = figures.received.by("channel", parse("2026-11"), WHOLE)
    assert [(group.code, value.value) for group, value in found.items()] == [("web", 1)]


def test_a_reopened_case_counts_once_by_its_first_closing(cast):
    """FB-21: reopening and closing again in the next month moves nothing."""
    story = Story(cast).to_closed()  # first closed on 2026-11-20
    transitions.reopen(story.pk, by=cast.coordinator, reason="没有解决", at=at("2026-11-25 09:00"))
    story.submit("2026-12-01 10:00").reply("2026-12-02 10:00").call_back("2026-12-03 10:00").close(
        "2026-12-03 16:00", late_reason="other"
    )
    november, december = parse("2026-11"), parse("2026-12")
    assert (figures.late_share(november, WHOLE).of, figures.late_share(december, WHOLE).of) == (1, 0)
    assert (figures.handled(november, WHOLE).value, figures.handled(december, WHOLE).value) == (1, 0)
    assert (figures.average_days(november, WHOLE).of, figures.average_days(december, WHOLE).of) == (1, 0)
    assert (figures.open_at_end(november, WHOLE).value, figures.open_at_end(december, WHOLE).value) == (1, 0)


def test_working_days_skip_weekends_and_holidays(cast):
    """SLA-12: Thursday 2026-09-24 to Monday 2026-10-12, across Mid-Autumn and the National Day week."""
    story = (
        Story(cast, "2026-09-24 09:00").accept("2026-09-24 10:00").assign("2026-09-24 10:30").start("2026-09-24 11:00")
    )
    story.submit("2026-10-12 10:00").reply("2026-10-12 11:00")
    calendar = clocks.working_calendar()
    wanted = sum(calendar.is_working_day(date(2026, 9, 24) + timedelta(days=n)) for n in range(1, 19))
    value = figures.average_days(parse("2026-10"), WHOLE)
    assert (value.value, value.of) == (wanted, 1)
    assert wanted < 12


def test_reviews_count_by_trigger_time_and_result(cast):
    """REV-50: opened by trigger, screened in time, overturned: each in the month of its own moment."""
    cases = [Story(cast, phone=f"1390000000{n}").to_closed().pk for n in range(3)]
    reviews = [
        review_transitions.open_for_alert(cases[0], rule="rule", text="", at=at("2026-11-23 10:00")),
        review_transitions.open_for_alert(cases[1], rule="rule", text="", at=at("2026-11-23 10:00")),
        review_transitions.apply(
            cases[2], reasons=["facts"], text="事实不对", channel="web", at=at("2026-11-24 10:00")
        ),
    ]
    answers = {
        "within_responsibility": True,
        "measures_exhausted": False,
        "demand_reasonable": True,
        "reason": "需要复查",
    }
    for review, moment in zip(reviews, ("2026-11-24 10:00", "2026-11-30 10:00", "2026-12-01 09:00"), strict=True):
        review_transitions.set_up(review.pk, by=cast.reviewer, at=at(moment), **answers)
    for review, conclusion in zip(reviews, ("amend", "uphold", "set_aside"), strict=True):
        ReviewCase.objects.filter(pk=review.pk).update(
            conclusion=conclusion,
            finalised_at=at("2026-12-10 10:00"),
            finalised_by=cast.head_of_review,
            report_by=cast.reviewer,
        )
    november, december = parse("2026-11"), parse("2026-12")
    opened = figures.reviews_opened.by("trigger", november, WHOLE)
    assert {group.code: value.value for group, value in opened.items()} == {"alert": 2, "application": 1}
    assert figures.screening_rate(november, WHOLE) == Value(0.5, 1, 2)
    assert figures.screening_rate(december, WHOLE).of == 1
    assert figures.overturned_rate(december, WHOLE) == Value(2 / 3, 2, 3)
    assert figures.overturned_rate(november, WHOLE) == Value(None, 0, 0)


def test_a_department_learns_nothing_of_reviews_that_are_not_final(cast):
    """RI-12: signals and screenings are not counted for a handling department."""
    review_transitions.open_for_alert(Story(cast).to_closed().pk, rule="rule", text="", at=at("2026-11-23 10:00"))
    department = Scope(departments=frozenset([cast.water.pk]), sees_reviews=False)
    assert figures.reviews_opened(parse("2026-11"), WHOLE).value == 1
    assert figures.reviews_opened(parse("2026-11"), department).value == 0


@pytest.mark.parametrize(
    ("value", "hidden"),
    [
        (Value(0), False),
        (Value(1), True),
        (Value(4), True),
        (Value(5), False),
        (Value(0.5, 2, 4), True),
        (Value(0.0, 0, 4), True),
        (Value(0.5, 3, 6), False),
        (Value(None, 0, 0), False),
        (Value(7.0, of=3), True),
    ],
)
def test_cells_on_fewer_than_five_cases_do_not_leave_the_office(value, hidden):
    assert value.outside().hidden is hidden
    assert (value.outside().value is None) is (hidden or value.value is None)


def test_every_figure_prints_its_definition(db):
    assert all(str(figure.definition).endswith(".") or "。" in str(figure.definition) for figure in FIGURES.values())
    assert len({str(figure.name) for figure in FIGURES.values()}) == len(FIGURES)


def test_a_milestone_that_was_never_kept_is_listed(cast):
    """AN-11: all missed is a row with 0 %, not a missing row."""
    Story(cast).accept("2026-11-27 10:00")  # accepted nine days after the limit of two working days
    rows = selectors.bundle(parse("2026-11"), WHOLE, at=at("2026-12-01 09:00"), outside=False)["breakdowns"][
        "milestone"
    ]
    found = {row["code"]: row["milestone_rate"] for row in rows}
    assert found["decide_acceptance"] == {"value": 0.0, "part": 0, "of": 1}


def test_months_before_the_first_complaint_have_no_figure(cast):
    """A control chart must not take the time before the start for months without complaints."""
    registered("2026-09-10 09:00", phone="13800000001")
    series = selectors.bundle(parse("2026-10"), WHOLE, at=at("2026-11-01 09:00"), outside=False)["series"]["received"]
    assert [value for _code, value in series] == [None] * 10 + [1, 0]


def test_groups_are_equal_by_code():
    assert Group("water", "供水") == Group("water", "Water") != Group("roads", "供水")
