"""What holds for every clock, whatever the dates (I13, JT-05, JT-06, JT-09)."""

import os
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from time import tzset

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from complaints.calendars import SHANGHAI
from complaints.deadlines import ClockRule, Pause, Unit, due_at, elapsed_fraction, working_duration
from complaints.holiday_data import official_calendar

CALENDAR = official_calendar()


def for_all(*strategies):
    """A property without a time limit per example: a busy machine is no counter-example."""
    return lambda test: settings(deadline=None)(given(*strategies)(test))


WORKING_UNITS = (Unit.WORKING_HOURS, Unit.WORKING_DAYS)

# A year's margin on both sides keeps every count inside the official calendar.
FIRST, LAST = datetime(2008, 1, 1), datetime(2025, 12, 31)
EDGES = [time.min, time.max, time(8, 30), time(12), time(13, 30), time(17, 30)]
moments = st.one_of(
    st.datetimes(FIRST, LAST, timezones=st.just(SHANGHAI)),
    st.builds(datetime.combine, st.dates(FIRST.date(), LAST.date()), st.sampled_from(EDGES), st.just(SHANGHAI)),
)
spans = st.one_of(
    st.timedeltas(timedelta(0), timedelta(days=12)),
    st.builds(timedelta, days=st.integers(0, 12), minutes=st.integers(0, 48).map(lambda n: n * 30)),
)
gaps = spans.filter(bool)
rules = st.builds(
    ClockRule,
    amount=st.integers(1, 60),
    unit=st.sampled_from(Unit),
    start_day_counts=st.booleans(),
    roll_forward=st.booleans(),
    after_hours_next_day=st.booleans(),
)
working_rules = st.builds(
    ClockRule,
    amount=st.integers(1, 60),
    unit=st.sampled_from(WORKING_UNITS),
    start_day_counts=st.booleans(),
    after_hours_next_day=st.booleans(),
)


@st.composite
def pauses_after(draw, start):
    """Up to four pauses after `start`, overlapping or not, in any order."""
    pauses = []
    for _ in range(draw(st.integers(0, 4))):
        begin = start + draw(gaps)
        pauses.append(Pause(begin, begin + draw(spans)))
    return pauses


@st.composite
def paused_clocks(draw):
    start = draw(moments)
    return start, draw(pauses_after(start))


def seconds_covered(pauses):
    """The length of the union by counting covered ground between all edges; a second opinion."""
    edges = sorted({edge for pause in pauses for edge in (pause.start, pause.end)})
    return sum(
        (
            later - earlier
            for earlier, later in pairwise(edges)
            if any(pause.start <= earlier and later <= pause.end for pause in pauses)
        ),
        timedelta(0),
    )


@for_all(moments, rules)
def test_due_lies_after_the_start(start, rule):
    """JT-06."""
    assert due_at(start, rule, CALENDAR).at > start


@for_all(moments, gaps, rules, st.data())
def test_a_later_start_is_never_due_earlier(start, gap, rule, data):
    """JT-06: monotone in the start, for the same pauses."""
    later = start + gap
    pauses = data.draw(pauses_after(later))
    assert due_at(start, rule, CALENDAR, pauses).at <= due_at(later, rule, CALENDAR, pauses).at


@for_all(paused_clocks(), working_rules)
def test_office_clocks_are_due_in_office_time(clock, rule):
    start, pauses = clock
    assert CALENDAR.is_open(due_at(start, rule, CALENDAR, pauses).at)


@for_all(moments, rules.filter(lambda rule: rule.unit is Unit.CALENDAR_DAYS))
def test_a_rolled_day_is_a_working_day_at_its_close(start, rule):
    at = due_at(start, rule, CALENDAR).at
    assert at == CALENDAR.closing(at.date())
    assert CALENDAR.is_working_day(at.date()) or not rule.roll_forward


@for_all(paused_clocks(), working_rules)
def test_pauses_shift_by_the_office_time_they_took(clock, rule):
    """JT-09: what was paused before the new deadline is added to the old one, and nothing else."""
    start, pauses = clock
    plain = due_at(start, rule, CALENDAR).at
    moved = due_at(start, rule, CALENDAR, pauses).at
    assert working_duration(start, moved, CALENDAR, pauses) == CALENDAR.working_time(start, plain)
    paused = CALENDAR.working_time(start, moved) - working_duration(start, moved, CALENDAR, pauses)
    assert moved == CALENDAR.add_working_time(plain, paused) if paused else moved == plain


@for_all(paused_clocks(), st.integers(1, 200))
def test_pauses_shift_a_clock_of_hours_by_their_length(clock, hours):
    start, pauses = clock
    rule = ClockRule(hours, Unit.HOURS)
    moved = due_at(start, rule, CALENDAR, pauses).at
    before = [Pause(p.start, min(p.end, moved)) for p in pauses if p.start < moved]
    assert moved - start == timedelta(hours=hours) + seconds_covered(before)


@for_all(paused_clocks(), rules)
def test_joined_pauses_count_once(clock, rule):
    """JT-09: a pause told twice, or in two halves, or in another order, changes nothing."""
    start, pauses = clock
    halves = [
        half
        for pause in pauses
        for middle in [pause.start + (pause.end - pause.start) / 2]
        for half in (Pause(middle, pause.end), Pause(pause.start, middle))
    ]
    expected = due_at(start, rule, CALENDAR, pauses).at
    assert due_at(start, rule, CALENDAR, halves).at == expected
    assert due_at(start, rule, CALENDAR, [*reversed(pauses), *pauses]).at == expected


@for_all(paused_clocks(), rules)
def test_a_pause_after_the_deadline_changes_nothing(clock, rule):
    start, pauses = clock
    at = due_at(start, rule, CALENDAR, pauses).at
    assert due_at(start, rule, CALENDAR, [*pauses, Pause(at)]).at == at


@for_all(moments, gaps, rules)
def test_an_open_pause_stands_or_came_too_late(start, gap, rule):
    plain = due_at(start, rule, CALENDAR).at
    result = due_at(start, rule, CALENDAR, [Pause(start + gap)])
    if result.paused:
        assert result.remaining > timedelta(0)
        assert start + gap <= plain
    else:
        assert result.at == plain


@for_all(paused_clocks(), rules, st.floats(0, 1))
def test_the_elapsed_share_grows_from_nothing_to_the_whole(clock, rule, share):
    start, pauses = clock
    due = due_at(start, rule, CALENDAR, pauses).at
    now = start + (due - start) * share
    shares = [elapsed_fraction(start, due, at, CALENDAR, rule.unit, pauses) for at in (start, now, due)]
    assert 0 == shares[0] <= shares[1] <= shares[2] == 1


@for_all(moments, st.timedeltas(timedelta(microseconds=1), timedelta(days=40)))
def test_adding_and_taking_office_time_agree(start, amount):
    """The time added is the time found between, to the microsecond."""
    end = CALENDAR.add_working_time(start, amount)
    assert CALENDAR.working_time(start, end) == amount
    back = CALENDAR.subtract_working_time(end, amount)
    assert CALENDAR.working_time(back, end) == amount
    assert back >= CALENDAR.working_instant(start) or not CALENDAR.working_time(start, back)


@for_all(moments, gaps, gaps)
def test_office_time_adds_up(start, first, second):
    middle, end = start + first, start + first + second
    parts = CALENDAR.working_time(start, middle) + CALENDAR.working_time(middle, end)
    assert parts == CALENDAR.working_time(start, end)


@pytest.fixture
def system_zone():
    """Set the machine's time zone, and put it back."""
    before = os.environ.get("TZ")

    def switch(zone):
        os.environ["TZ"] = zone
        tzset()

    yield switch
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    tzset()


def test_the_machines_time_zone_plays_no_part(system_zone):
    """JT-05: three machines, one answer, also for moments stored in UTC."""
    starts = [datetime(2026, 1, 1, tzinfo=SHANGHAI) + timedelta(hours=7 * n, minutes=n) for n in range(400)]
    answers = {}
    for zone in ("Asia/Shanghai", "America/Los_Angeles", "Pacific/Kiritimati"):
        system_zone(zone)
        answers[zone] = [
            due_at(start, ClockRule(7, unit), CALENDAR, [Pause(start + timedelta(days=1), start + timedelta(days=2))])
            for start in starts
            for unit in Unit
        ]
    assert answers["Asia/Shanghai"] == answers["America/Los_Angeles"] == answers["Pacific/Kiritimati"]
    week = ClockRule(7, Unit.WORKING_DAYS)
    stored = [start.astimezone(UTC) for start in starts]
    assert [due_at(start, week, CALENDAR) for start in stored] == [due_at(start, week, CALENDAR) for start in starts]
