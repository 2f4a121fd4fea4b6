"""Every figure equals an independent count in plain Python over worlds told through the transitions
(AN-06, AN-08…13, AN-15, SLA-02, EX-09)."""

from collections import Counter
from datetime import date, datetime, timedelta

import pytest

from analytics import appraisal, drill, figures, selectors, sources, work_hours
from analytics.cells import Group
from analytics.figures import FIGURES, Value, compute
from analytics.periods import OFFICE, parse
from analytics.scope import ASKED, WHOLE, Formula, Scope
from analytics.tests.worlds import TOP_OF, World
from complaints import clocks, transitions
from complaints.models import Deadline
from complaints.tests.factories import Story, at, registered
from review import transitions as review_transitions
from review.models import ReviewCase

MONTHS = ("2026-09", "2026-10", "2026-11", "2026-12")
LATER = ("2027-01", "2027-02", "2027-03")


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
    worked = [office_hours(case.registered, case.first_reply) for case in replied]
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
        "average_work_hours": Value(sum(worked) / len(worked) if worked else None, of=len(worked)),
        "median_work_hours": Value(nearest_rank(worked, 0.5), of=len(worked)),
        "p90_work_hours": Value(nearest_rank(worked, 0.9), of=len(worked)),
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
        "rework_share": share(
            sum(any(when <= case.closed[0] for when in case.reworks) for case in closed), len(closed)
        ),
        "legal_risk_share": share(sum(bool(case.legal) for case in of_month), len(of_month)),
        "upset_share": share(sum(case.intensity >= 2 for case in of_month), len(of_month)),
        "emotions_noted": Value(sum(case.emotions for case in of_month)),
        "special_share": share(sum(bool(case.groups) for case in of_month), len(of_month)),
        **persons(of_month),
        **three_rates(world, code),
        "praises": Value(sum(month(day) == code for day, _department, _person in world.praised)),
        "recurrence_rate": recurrence(world, code),
        "revised_documents": Value(0),
        "publication_echo": Value(None, 0, 0),
        "reworks": Value(sum(month(when) == code for case in told for when in case.reworks)),
        "reopenings": Value(sum(month(when) == code for case in told for when in case.reopened)),
    }


def persons(cases):
    """AN-17: who shares a telephone number or an address with whom, by comparing everybody with everybody."""
    groups = []
    for case in cases:
        near = [group for group in groups if any(case.contacts & other.contacts for other in group)]
        groups = [group for group in groups if group not in near] + [[case, *(one for group in near for one in group)]]
    frequent = [len(group) for group in groups if len(group) >= 3]
    return {
        "repeat_complainants": Value(sum(len(group) >= 2 for group in groups)),
        "frequent_complainants": Value(len(frequent)),
        "frequent_cases": Value(sum(frequent)),
    }


def three_rates(world, code):
    answers = [(case, answer) for case in world.told for when, answer, _reason in case.answers if month(when) == code]
    contact = {row.complaint_id: row.state for row in Deadline.objects.filter(milestone="first_contact")}
    known = [contact[case.pk] for case, _answer in answers if contact.get(case.pk) in ("met", "missed")]
    good = sum(answer != "dissatisfied" for _case, answer in answers)
    return {
        "contact_rate": share(known.count("met"), len(known)),
        "resolution_rate": share(good, len(answers)),
        "pleased_rate": share(good, len(answers)),
    }


def recurrence(world, code):
    """FB-20: solved cases whose 90 days ended in the month, and those that came again within them."""
    watch = timedelta(days=90)
    solved, again = 0, 0
    for case in world.told:
        if not case.closed or month(case.closed[0] + watch) != code:
            continue
        before = [answer for when, answer, _reason in sorted(case.answers) if when <= case.closed[0]]
        if before[-1] == "dissatisfied":
            continue
        solved += 1
        later = [other for other in world.told if case.closed[0] < other.registered <= case.closed[0] + watch]
        again += any(
            case.contacts & other.contacts
            or (case.outlet and (case.outlet, case.category) == (other.outlet, other.category))
            for other in later
        )
    return share(again, solved)


def became(row):
    """The result of a case that went through handling, as its row has it."""
    if row.status not in ("closed", "archived"):
        return "open"
    return {True: "valid", False: "invalid", None: "closed"}[row.is_valid]


def office_hours(came, went):
    """Hours between two moments that fall into the office's slots, day by day."""
    calendar = clocks.working_calendar()
    total, day = timedelta(), came.astimezone(OFFICE).date()
    while day <= went.astimezone(OFFICE).date():
        if calendar.is_working_day(day):
            for start, end in calendar.slots:
                opens, closes = (datetime.combine(day, clock, OFFICE) for clock in (start, end))
                total += max(timedelta(), min(went, closes) - max(came, opens))
        day += timedelta(days=1)
    return total.total_seconds() / 3600


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
    months = [parse(code) for code in (*MONTHS, *LATER)]
    batched = compute(FIGURES.values(), months, WHOLE)
    for period in months:
        code, wanted = period.code, expected(world, period.code)
        found = {key: batched.value(FIGURES[key], period) for key in wanted}
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


def check_breakdowns_by_who_complained_add_up(world):
    """AN-16, AN-17, AN-18, SPG-09: groups equal counts by hand; a case of two special groups counts in both."""
    period = parse("2026-10")
    of_month = [case for case in world.told if month(case.registered) == "2026-10"]
    found = selectors.bundle(period, WHOLE, at=at("2026-12-31 09:00"), outside=False)["breakdowns"]
    wanted = {
        "intensity": Counter(str(case.intensity) for case in of_month),
        "legal_type": Counter(case.legal for case in of_month),
        "tier": Counter(case.tier for case in of_month),
        "care": Counter(group for case in of_month for group in case.groups or ("",)),
        "result": Counter(
            "open" if not case.ended else "withdrawn" if case.ended[0][1] == "withdrawn" else became(world.row(case))
            for case in of_month
        ),
    }
    for axis, counts in wanted.items():
        assert {row["code"]: row["received"]["value"] for row in found[axis] if row["received"]["value"]} == counts, (
            axis
        )
    marks = sum(row["emotions_noted"]["value"] for row in found["emotion"])
    assert marks == sum(case.emotions for case in of_month)
    answers = Counter(
        (group, answer)
        for case in world.told
        for when, answer, _reason in case.answers
        if month(when) == "2026-10"
        for group in case.groups or ("",)
    )
    for row in found["care"]:
        given = sum(answers[row["code"], answer] for answer in ("satisfied", "basically", "dissatisfied"))
        assert row["satisfaction_rate"].get("of", 0) == given
        assert row["satisfaction_rate"].get("part", 0) == given - answers[row["code"], "dissatisfied"]
    for axis, trait in (("product", "product"), ("outlet", "outlet")):
        by_value = Counter(getattr(case, trait) for case in of_month)
        for row in found[axis]:
            rare = sum(n for value, n in by_value.items() if value and n < 5)
            assert row["received"]["value"] == (rare if row["code"] == "*" else by_value[row["code"]])


def check_every_filter_equals_a_count_by_hand(world):
    """AN-02: filters may be combined freely."""

    def counted(**wanted):
        return sum(
            month(case.registered) == "2026-10" and all(test(case) for test in wanted.values()) for case in world.told
        )

    period = parse("2026-10")
    elderly = counted(group=lambda case: "elderly" in case.groups)
    assert figures.received(period, Scope(care="elderly")).value == elderly
    both = counted(group=lambda case: "elderly" in case.groups, outlet=lambda case: case.outlet == "城东营业厅")
    assert figures.received(period, Scope(care="elderly", outlet="城东营业厅")).value == both
    calm = counted(emotion=lambda case: case.intensity == 0, tier=lambda case: case.tier == "vip")
    assert figures.received(period, Scope(emotion=0, tier="vip")).value == calm
    assert figures.received(period, Scope(product="水表", channel="web")).value == counted(
        product=lambda case: case.product == "水表", channel=lambda case: case.channel == "web"
    )


def check_the_strict_formula(world):
    """The three rates by another formula: only “satisfied” counts, divided by everything tried."""
    strict = Scope(formula=Formula(basically=False, base=ASKED))
    for code in MONTHS:
        asked = sum(month(when) == code for case in world.told for when in case.asked)
        pleased = sum(
            answer == "satisfied" and month(when) == code for case in world.told for when, answer, _ in case.answers
        )
        assert figures.pleased_rate(parse(code), strict) == share(pleased, asked)


def check_the_cases_behind_a_number_are_as_many_as_it_says(world):
    """AN-33: the list behind a figure holds exactly the cases that were counted."""
    period = parse("2026-10")
    of_month = {case.pk for case in world.told if month(case.registered) == "2026-10"}
    assert set(drill.behind(figures.received, period, WHOLE)) == of_month
    for figure in FIGURES.values():
        if not drill.leads_to_cases(figure) or figure is figures.praises:
            continue
        value, found = figure(period, WHOLE), drill.behind(figure, period, WHOLE)
        assert sum(found.values()) == (value.of if value.of is not None else value.value), figure.key
        if value.part is not None:
            above = drill.behind(figure, period, WHOLE, counted=True)
            assert sum(above.values()) == value.part, figure.key
    late = drill.behind(figures.received, period, WHOLE, axis="department", group="water")
    assert set(late) == {case.pk for case in world.told if case.pk in of_month and case.department == "water"}


def check_the_appraisal_says_what_the_figures_say(world):
    """QUA-11, QUA-14: every indicator of a department is its figure."""
    period = parse("2026-10")
    for line in appraisal.lines(period, WHOLE, "department", by="satisfaction_rate"):
        own = Scope(departments=frozenset([getattr(world.cast, line.code).pk]))
        for cell in line.cells:
            if cell.figure in FIGURES and not cell.is_few:
                assert cell.value == FIGURES[cell.figure](period, own).value, cell.figure
        praised = sum(month(day) == "2026-10" and code == line.code for day, code, _person in world.praised)
        assert next(cell.value for cell in line.cells if cell.figure == "praises") == praised


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


@pytest.mark.parametrize("seed", range(1, 21))
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
        check_breakdowns_by_who_complained_add_up,
        check_every_filter_equals_a_count_by_hand,
        check_the_strict_formula,
        check_the_cases_behind_a_number_are_as_many_as_it_says,
        check_the_appraisal_says_what_the_figures_say,
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


@pytest.mark.parametrize(
    ("came", "went", "hours"),
    [
        ("2026-11-16 10:00", "2026-11-16 11:30", 1.5),
        ("2026-11-16 08:00", "2026-11-16 23:00", 7.5),  # a whole day, the break at noon left out
        ("2026-11-20 16:00", "2026-11-23 10:00", None),  # over a weekend
        ("2026-11-21 10:00", "2026-11-22 15:00", 0),  # a weekend
        ("2026-09-30 16:00", "2026-10-09 10:00", None),  # over the October holiday
    ],
)
def test_an_10_office_hours_leave_out_nights_breaks_and_holidays(db, came, went, hours):
    found = work_hours.Hours().between(at(came), at(went)) / 3600
    assert found == pytest.approx(office_hours(at(came), at(went)))
    if hours is not None:
        assert found == hours
    assert found < 24


def test_an_10_a_year_without_a_calendar_is_left_out(db):
    assert work_hours.Hours().between(at("2026-12-30 10:00"), at("2035-01-04 10:00")) is None


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
    for figure in FIGURES.values():  # and says where it comes from
        assert figure.explained.startswith(str(figure.definition))
        assert len(figure.explained) > len(str(figure.definition)) + 5


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
