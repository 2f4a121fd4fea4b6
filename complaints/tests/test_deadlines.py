"""Due dates, what is left, and whom to warn (SLA-01, SLA-13, I13, FI-U, JT-06, JT-09)."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from complaints.calendars import SHANGHAI, CalendarMissing, InvalidSetting, WorkingCalendar
from complaints.deadlines import (
    ClockRule,
    LadderStep,
    NoticeKind,
    OffsetKind,
    Pause,
    Recipient,
    Remaining,
    StartsOn,
    State,
    StepKind,
    Unit,
    due_at,
    elapsed_fraction,
    explain_sentence,
    remaining,
    warning_points,
    working_duration,
)
from complaints.holiday_data import official_calendar

CALENDAR = official_calendar()
WD, WH, H, D = Unit.WORKING_DAYS, Unit.WORKING_HOURS, Unit.HOURS, Unit.CALENDAR_DAYS


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def due(start, amount, unit, *pauses, **options):
    return due_at(at(start), ClockRule(amount, unit, **options), CALENDAR, [pause(*ends) for ends in pauses])


def pause(start, end=None):
    return Pause(at(start), at(end) if end else None)


# Dates in, date out. Office hours 08:30-12:00 and 13:30-17:30; the starting day is not counted.

WORKING_DAY_TABLE = [
    # An ordinary week
    ("2026-11-20T16:05", 1, "2026-11-23T17:30"),
    ("2026-11-20T16:05", 2, "2026-11-24T17:30"),
    ("2026-11-20T23:59:59.999999", 1, "2026-11-23T17:30"),
    ("2026-11-21T00:00", 1, "2026-11-23T17:30"),
    ("2026-11-22T12:00", 2, "2026-11-24T17:30"),
    ("2026-11-23T00:00", 1, "2026-11-24T17:30"),
    ("2026-03-31T09:00", 1, "2026-04-01T17:30"),
    # Spring Festival 2026: Saturdays 14 and 28 February are worked, 15-23 are off
    ("2026-02-13T16:00", 1, "2026-02-14T17:30"),
    ("2026-02-13T16:00", 2, "2026-02-24T17:30"),
    ("2026-02-14T09:00", 1, "2026-02-24T17:30"),
    ("2026-02-16T10:00", 1, "2026-02-24T17:30"),
    ("2026-02-24T10:00", 4, "2026-02-28T17:30"),
    ("2026-02-24T10:00", 5, "2026-03-02T17:30"),
    ("2026-02-13T16:00", 15, "2026-03-12T17:30"),
    # National Day 2025: Sunday 28 September and Saturday 11 October are worked
    ("2025-09-26T10:00", 1, "2025-09-28T17:30"),
    ("2025-09-30T17:00", 1, "2025-10-09T17:30"),
    ("2025-09-30T17:00", 3, "2025-10-11T17:30"),
    ("2025-09-30T17:00", 4, "2025-10-13T17:30"),
    ("2025-10-05T10:00", 2, "2025-10-10T17:30"),
    # Mid-Autumn and National Day 2026: Sunday 20 September and Saturday 10 October are worked
    ("2026-09-18T15:00", 1, "2026-09-20T17:30"),
    ("2026-09-24T15:00", 1, "2026-09-28T17:30"),
    ("2026-09-30T17:29", 1, "2026-10-08T17:30"),
    ("2026-09-30T17:29", 3, "2026-10-10T17:30"),
    ("2026-09-30T17:29", 4, "2026-10-12T17:30"),
    # Labour Day, Qingming, Dragon Boat; the extended Spring Festival of 2020
    ("2026-04-30T10:00", 1, "2026-05-06T17:30"),
    ("2026-04-30T10:00", 4, "2026-05-09T17:30"),
    ("2026-04-03T10:00", 1, "2026-04-07T17:30"),
    ("2025-05-30T10:00", 1, "2025-06-03T17:30"),
    ("2020-01-23T10:00", 1, "2020-02-03T17:30"),
    # Year ends and leap days
    ("2025-12-31T10:00", 1, "2026-01-04T17:30"),
    ("2025-12-31T10:00", 2, "2026-01-05T17:30"),
    ("2026-12-30T10:00", 2, "2027-01-04T17:30"),
    ("2026-12-31T23:59:59.999999", 1, "2027-01-04T17:30"),
    ("2024-02-28T10:00", 1, "2024-02-29T17:30"),
    ("2024-02-29T10:00", 1, "2024-03-01T17:30"),
    ("2024-02-09T10:00", 1, "2024-02-18T17:30"),
]
WORKING_HOUR_TABLE = [
    ("2026-11-20T08:30", 4, "2026-11-20T14:00"),
    ("2026-11-20T10:00", 2, "2026-11-20T12:00"),
    ("2026-11-20T11:30", 1, "2026-11-20T14:00"),
    ("2026-11-20T12:30", 1, "2026-11-20T14:30"),
    ("2026-11-20T06:00", 1, "2026-11-20T09:30"),
    ("2026-11-20T16:05", 3, "2026-11-23T10:05"),
    ("2026-11-20T17:30", 1, "2026-11-23T09:30"),
    ("2026-11-20T17:29:59.999999", 1, "2026-11-23T09:29:59.999999"),
    ("2026-11-20T20:05", 3, "2026-11-23T11:30"),
    ("2026-02-13T17:00", 1, "2026-02-14T09:00"),
    ("2026-02-14T17:00", 1, "2026-02-24T09:00"),
]
HOUR_TABLE = [
    ("2026-11-20T23:00", 2, "2026-11-21T01:00"),
    ("2026-12-31T23:30", 24, "2027-01-01T23:30"),
    ("2024-02-28T12:00", 24, "2024-02-29T12:00"),
]
CALENDAR_DAY_TABLE = [
    ("2026-11-16T09:00", 15, "2026-12-01T17:30"),
    ("2026-11-16T09:00", 5, "2026-11-23T17:30"),  # a Saturday
    ("2026-02-01T09:00", 15, "2026-02-24T17:30"),  # New Year's Eve
    ("2026-02-01T09:00", 13, "2026-02-14T17:30"),  # a make-up Saturday is a working day
    ("2026-09-01T09:00", 30, "2026-10-08T17:30"),  # National Day
    ("2026-12-02T09:00", 30, "2027-01-04T17:30"),  # New Year's Day
    ("2026-08-31T09:00", 60, "2026-10-30T17:30"),
    ("2026-01-31T09:00", 30, "2026-03-02T17:30"),
    ("2024-01-30T09:00", 30, "2024-02-29T17:30"),
]


@pytest.mark.parametrize(
    ("unit", "start", "amount", "end"),
    [
        *((WD, *row) for row in WORKING_DAY_TABLE),
        *((WH, *row) for row in WORKING_HOUR_TABLE),
        *((H, *row) for row in HOUR_TABLE),
        *((D, *row) for row in CALENDAR_DAY_TABLE),
    ],
)
def test_due_table(unit, start, amount, end):
    assert due(start, amount, unit).at == at(end)


@pytest.mark.parametrize(
    ("start", "amount", "unit", "end"),
    [
        ("2026-11-20T10:00", 1, WD, "2026-11-20T17:30"),
        ("2026-11-20T10:00", 2, WD, "2026-11-23T17:30"),
        ("2026-11-20T17:30", 1, WD, "2026-11-23T17:30"),  # nothing is left of the day
        ("2026-11-21T10:00", 2, WD, "2026-11-24T17:30"),
        ("2026-11-16T10:00", 5, D, "2026-11-20T17:30"),
        ("2026-11-16T18:00", 1, D, "2026-11-17T17:30"),
    ],
)
def test_starting_day_counted(start, amount, unit, end):
    assert due(start, amount, unit, start_day_counts=True).at == at(end)


def test_last_day_stays_where_the_rule_does_not_roll_forward():
    """Civil Code art. 203 may be set aside by the rule."""
    assert due("2026-11-16T09:00", 5, D, roll_forward=False).at == at("2026-11-21T17:30")


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-11-20T17:30", "2026-11-25T17:30"),
        ("2026-11-20T18:00", "2026-11-26T17:30"),
        ("2026-11-21T10:00", "2026-11-26T17:30"),
        ("2026-11-23T07:00", "2026-11-26T17:30"),
    ],
)
def test_start_after_hours_counts_as_the_next_working_day(start, end):
    assert due(start, 3, WD, after_hours_next_day=True).at == at(end)


def test_extension_counts_from_the_same_start():
    rule = ClockRule(15, WD).extended(5)
    assert due_at(at("2026-11-02T10:00"), rule, CALENDAR).at == at("2026-11-30T17:30")


def test_moments_of_other_zones_mean_the_same():
    """JT-05: the local date of the office decides."""
    utc = datetime(2026, 11, 20, 16, 30, tzinfo=ZoneInfo("UTC"))
    assert due_at(utc, ClockRule(1, WD), CALENDAR).at == at("2026-11-23T17:30")
    assert str(due_at(utc, ClockRule(1, H), CALENDAR).at) == "2026-11-21 01:30:00+08:00"


# Years without data


@pytest.mark.parametrize(("amount", "unit"), [(2, WD), (200, WH), (30, D)])
def test_a_missing_year_is_named(amount, unit):
    """JT-07, FI-U: never a guess."""
    with pytest.raises(CalendarMissing, match="2035"):
        due("2035-03-01T09:00", amount, unit)
    with pytest.raises(CalendarMissing, match="2028"):
        due("2027-12-31T17:00", amount, unit)


def test_hours_need_no_calendar():
    assert due("2035-03-01T09:00", 24, H).at == at("2035-03-02T09:00")


@pytest.mark.parametrize(
    ("start", "amount", "unit", "provisional"),
    [
        ("2026-12-29T10:00", 2, WD, False),
        ("2026-12-30T10:00", 2, WD, True),
        ("2026-12-31T17:00", 1, WH, True),
        ("2026-12-30T10:00", 1, D, False),
        ("2026-12-30T10:00", 10, D, True),
        ("2026-12-31T23:00", 24, H, False),
    ],
)
def test_count_into_an_unannounced_year_is_provisional(start, amount, unit, provisional):
    result = due(start, amount, unit)
    assert result.provisional is provisional
    assert (result.explain[-1].kind is StepKind.PROVISIONAL) is provisional


def test_a_corrected_calendar_gives_another_date():
    """FI-U, I13: the date is a function of the calendar given."""
    corrected = replace(CALENDAR, exceptions={**CALENDAR.exceptions, date(2026, 11, 23): False})
    assert due_at(at("2026-11-20T16:05"), ClockRule(2, WD), corrected).at == at("2026-11-25T17:30")


# Pauses


@pytest.mark.parametrize(
    ("pauses", "end"),
    [
        ([], "2026-11-23T17:30"),
        ([("2026-11-17T09:00", "2026-11-17T11:00")], "2026-11-24T10:30"),
        ([("2026-11-21T00:00", "2026-11-22T23:00")], "2026-11-23T17:30"),  # a weekend costs nothing
        ([("2026-11-20T17:00", "2026-11-23T09:00")], "2026-11-24T09:30"),
        # Overlapping, nested and unordered pauses count once
        ([("2026-11-17T10:00", "2026-11-17T11:00"), ("2026-11-17T09:00", "2026-11-17T10:30")], "2026-11-24T10:30"),
        ([("2026-11-17T09:00", "2026-11-17T11:00"), ("2026-11-17T09:30", "2026-11-17T10:00")], "2026-11-24T10:30"),
        # Before the start, and after the deadline
        ([("2026-11-10T09:00", "2026-11-16T11:00")], "2026-11-24T09:30"),
        ([("2026-11-10T09:00", "2026-11-11T11:00")], "2026-11-23T17:30"),
        ([("2026-11-24T09:00", "2026-11-24T11:00")], "2026-11-23T17:30"),
        ([("2026-11-24T09:00", None)], "2026-11-23T17:30"),
        # The first pause moves the deadline into reach of the second
        (
            [("2026-11-17T09:00", "2026-11-17T11:00"), ("2026-11-24T09:00", "2026-11-24T10:00")],
            "2026-11-24T11:30",
        ),
    ],
)
def test_working_days_with_pauses(pauses, end):
    """JT-09: five working days from Monday 16 November 10:00."""
    assert due("2026-11-16T10:00", 5, WD, *pauses).at == at(end)


def test_pause_over_spring_festival():
    """FI-U: suspended on make-up Saturday 14 February, resumed on the first day back."""
    result = due("2026-02-10T10:00", 3, WD, ("2026-02-13T16:30", "2026-02-24T09:30"))
    # One of the three days' hours was left on the 13th; it runs from the resumption
    assert result.at == at("2026-02-24T10:30")


def test_pause_over_the_year_end():
    result = due("2026-12-29T10:00", 2, WD, ("2026-12-31T16:30", "2027-01-04T09:30"))
    assert result.at == at("2027-01-04T10:30")
    assert result.provisional


@pytest.mark.parametrize(
    ("unit", "amount", "pauses", "end"),
    [
        (H, 24, [("2026-11-16T12:00", "2026-11-17T12:00")], "2026-11-18T10:00"),
        (WH, 3, [("2026-11-16T11:00", "2026-11-16T14:00")], "2026-11-16T16:00"),
        (D, 15, [("2026-11-20T10:00", "2026-11-22T09:00")], "2026-12-03T17:30"),  # 47 h: two days
        (D, 15, [("2026-11-20T10:00", "2026-11-22T10:00")], "2026-12-03T17:30"),  # 48 h: two days
        (D, 15, [("2026-11-20T10:00", "2026-11-22T10:01")], "2026-12-04T17:30"),
        (D, 10, [("2026-11-25T10:00", "2026-11-27T10:00")], "2026-11-30T17:30"),  # to Saturday, rolled
    ],
)
def test_other_units_with_pauses(unit, amount, pauses, end):
    assert due("2026-11-16T10:00", amount, unit, *pauses).at == at(end)


@pytest.mark.parametrize(
    ("unit", "amount", "left"),
    [
        (WD, 2, timedelta(hours=19)),
        (WH, 4, timedelta(hours=2)),
        (H, 24, timedelta(hours=20, minutes=30)),
        (D, 2, timedelta(hours=52)),
    ],
)
def test_an_open_pause_leaves_no_date(unit, amount, left):
    """JT-09: the clock stands since 13:30 on the first day."""
    result = due("2026-11-16T10:00", amount, unit, ("2026-11-16T13:30",))
    assert result.paused
    assert result.at is None
    assert result.remaining == left


def test_resuming_before_suspending_is_refused():
    """JT-09."""
    with pytest.raises(
        InvalidSetting, match="end: The pause ends before it starts; give an end after 2026-11-16T10:00"
    ):
        pause("2026-11-16T10:00", "2026-11-16T09:00")


def test_working_duration_leaves_pauses_out():
    """SLA-02."""
    pauses = [pause("2026-11-20T16:00", "2026-11-23T09:00"), pause("2026-11-23T08:45", "2026-11-23T10:00")]
    span = at("2026-11-20T15:00"), at("2026-11-23T11:00")
    assert working_duration(*span, CALENDAR) == timedelta(hours=5)
    assert working_duration(*span, CALENDAR, pauses) == timedelta(hours=2)
    assert working_duration(*span, CALENDAR, [pause("2026-11-20T16:00")]) == timedelta(hours=1)
    assert working_duration(*reversed(span), CALENDAR, pauses) == timedelta(0)


# Why this deadline


def test_sentence_tells_the_whole_count():
    assert explain_sentence(due("2026-11-20T16:05", 2, WD)) == (
        "Received Fri 20 Nov 2026 16:05; the starting day is not counted; working days to count: 2; "
        "Sat 21 Nov 2026 to Sun 22 Nov 2026 skipped: weekend; due Tue 24 Nov 2026 17:30."
    )


def test_sentence_names_holidays_makeup_days_and_pauses():
    result = due("2026-02-13T16:00", 2, WD, ("2026-02-14T08:30", "2026-02-14T10:00"))
    assert explain_sentence(result) == (
        "Received Fri 13 Feb 2026 16:00; the starting day is not counted; working days to count: 2; "
        "Sat 14 Feb 2026 counted: make-up working day; Sun 15 Feb 2026 skipped: weekend; "
        "Mon 16 Feb 2026 to Fri 20 Feb 2026 skipped: holiday (农历除夕、春节、调休放假); "
        "Sat 21 Feb 2026 to Sun 22 Feb 2026 skipped: weekend; Mon 23 Feb 2026 skipped: holiday (调休放假); "
        "paused Sat 14 Feb 2026 08:30 to Sat 14 Feb 2026 10:00 (1 h 30 min not counted); due Wed 25 Feb 2026 10:00."
    )


def test_sentence_of_a_rolled_provisional_date():
    assert explain_sentence(due("2026-12-02T09:00", 30, D)) == (
        "Received Wed 2 Dec 2026 09:00; the starting day is not counted; calendar days to count: 30; "
        "Fri 1 Jan 2027 is not a working day, so the last day moves to Mon 4 Jan 2027; due Mon 4 Jan 2027 17:30; "
        "make-up working days of 2027 are not announced yet, so the date may change."
    )


def test_sentence_of_a_night_start_and_a_standing_clock():
    rule = ClockRule(3, WH)
    result = due_at(at("2026-11-20T20:05"), rule, CALENDAR, [pause("2026-11-23T09:30")], starts_on=StartsOn.ASSIGNED)
    assert explain_sentence(result) == (
        "Assigned Fri 20 Nov 2026 20:05; outside office hours, so the clock starts Mon 23 Nov 2026 08:30; "
        "3 h of office time; Sat 21 Nov 2026 to Sun 22 Nov 2026 skipped: weekend; "
        "paused since Mon 23 Nov 2026 09:30 (2 h left)."
    )


def test_sentence_is_translated_word_by_word():
    chinese = {
        "Received %(at)s": "%(at)s 收到",
        "%(date)s %(time)s": "%(date)s %(time)s",
        "%(weekday)s %(day)s %(month)s %(year)s": "%(year)s年%(month)s%(day)s日 %(weekday)s",
        "Fri": "周五",
        "Sat": "周六",
        "Nov": "11月",
        "%(amount)s h, day and night": "昼夜计时 %(amount)s 小时",
        "due %(at)s": "%(at)s 到期",
        "; ": "；",
        "%(steps)s.": "%(steps)s。",
    }
    assert explain_sentence(due("2026-11-20T23:00", 2, H), chinese.__getitem__) == (
        "2026年11月20日 周五 23:00 收到；昼夜计时 2 小时；2026年11月21日 周六 01:00 到期。"
    )


def test_steps_number_the_counted_days():
    steps = [(step.kind, step.first, step.last, step.text()) for step in due("2026-11-19T10:00", 3, WD).explain]
    assert [(kind, first.day, last.day) for kind, first, last, _ in steps] == [
        (StepKind.START, 19, 19),
        (StepKind.START_DAY_EXCLUDED, 19, 19),
        (StepKind.AMOUNT, 19, 19),
        (StepKind.WORKING_DAY, 20, 20),
        (StepKind.WEEKEND, 21, 22),
        (StepKind.WORKING_DAY, 23, 24),
        (StepKind.DUE, 24, 24),
    ]
    assert steps[3][3] == "Fri 20 Nov 2026 counted (1 of 3)"
    assert steps[5][3] == "Mon 23 Nov 2026 to Tue 24 Nov 2026 counted (3 of 3)"


# What is left


@pytest.mark.parametrize(
    ("now", "state", "text"),
    [
        ("2026-11-18T14:30", State.NORMAL, "3 wd 3 h left"),
        ("2026-11-19T17:30", State.NORMAL, "2 wd left"),
        ("2026-11-20T08:31", State.SOON, "1 wd 7 h left"),
        ("2026-11-20T14:30", State.SOON, "1 wd 3 h left"),
        ("2026-11-21T14:30", State.SOON, "1 wd left"),
        ("2026-11-23T10:00", State.SOON, "6 h left"),
        ("2026-11-23T16:32", State.SOON, "58 min left"),
        ("2026-11-23T17:29:30", State.SOON, "less than 1 min left"),
        ("2026-11-23T17:30", State.OVERDUE, "less than 1 min over"),
        ("2026-11-23T22:00", State.OVERDUE, "less than 1 min over"),
        ("2026-11-24T09:16", State.OVERDUE, "46 min over"),
        ("2026-11-25T09:30", State.OVERDUE, "1 wd 1 h over"),
    ],
)
def test_chip_counts_office_time(now, state, text):
    """SLA-13: due Monday 23 November 17:30."""
    reading = remaining(at(now), at("2026-11-23T17:30"), CALENDAR, WD)
    assert (reading.state, reading.text()) == (state, text)


def test_chip_breaks_the_time_down():
    reading = remaining(at("2026-11-20T14:15"), at("2026-11-23T17:30"), CALENDAR, D)
    assert reading == Remaining(State.SOON, 1, 3, 15, timedelta(hours=10, minutes=45))


def test_chip_of_hours_runs_day_and_night():
    reading = remaining(at("2026-11-20T20:00"), at("2026-11-22T02:30"), CALENDAR, H)
    assert (reading.state, reading.text()) == (State.NORMAL, "30 h 30 min left")
    assert remaining(at("2026-11-21T23:00"), at("2026-11-22T02:30"), CALENDAR, H).state is State.SOON


def test_chip_threshold_can_be_given():
    reading = remaining(at("2026-11-23T10:00"), at("2026-11-23T17:30"), CALENDAR, WD, soon=timedelta(hours=1))
    assert reading.state is State.NORMAL


def test_chip_paused_met_and_late():
    deadline = at("2026-11-23T17:30")
    now = at("2026-12-01T10:00")
    assert remaining(now, None, CALENDAR, WD).text() == "Paused"
    assert remaining(now, deadline, CALENDAR, WD, met_at=deadline).text() == "On time"
    late = remaining(now, deadline, CALENDAR, WD, met_at=at("2026-11-24T09:16"))
    assert (late.state, late.text()) == (State.OVERDUE, "46 min over")


@pytest.mark.parametrize(
    ("now", "unit", "pauses", "share"),
    [
        ("2026-11-16T08:00", WD, [], 0),
        ("2026-11-16T12:00", WD, [], 3.5 / 15),
        ("2026-11-17T17:30", WD, [], 1),
        ("2026-12-01T17:30", WD, [], 1),
        ("2026-11-17T12:00", WD, [("2026-11-16T13:30", "2026-11-16T17:30")], 7 / 11),
        ("2026-11-16T20:30", H, [], 12 / 33),
    ],
)
def test_elapsed_fraction(now, unit, pauses, share):
    span = at("2026-11-16T08:30"), at("2026-11-17T17:30")
    assert elapsed_fraction(*span, at(now), CALENDAR, unit, [pause(*p) for p in pauses]) == pytest.approx(share)


def test_elapsed_fraction_of_a_clock_without_office_time():
    night = at("2026-11-20T20:00"), at("2026-11-20T22:00")
    assert elapsed_fraction(*night, at("2026-11-20T21:00"), CALENDAR) == 0
    assert elapsed_fraction(*night, at("2026-11-20T22:00"), CALENDAR) == 1


# The ladder


def rung(kind, value):
    return LadderStep(kind, value, (Recipient.OWNER,), NoticeKind.REMINDER)


def test_ladder_in_order_and_inside_office_hours():
    """SLA-13: five working days from Friday 13 to Friday 20 November."""
    ladder = [
        rung(OffsetKind.WORKING_DAYS_AFTER, 1),
        rung(OffsetKind.FRACTION, 1),
        rung(OffsetKind.WORKING_HOURS_BEFORE, 4),
        rung(OffsetKind.WORKING_HOURS_AFTER, 2),
        rung(OffsetKind.WORKING_DAYS_BEFORE, 1),
        rung(OffsetKind.FRACTION, 0.5),
    ]
    points = warning_points(at("2026-11-13T17:30"), at("2026-11-20T17:30"), CALENDAR, ladder)
    assert [(moment, step.offset_kind, step.value) for moment, step in points] == [
        (at("2026-11-18T13:45"), OffsetKind.FRACTION, 0.5),
        (at("2026-11-20T08:30"), OffsetKind.WORKING_DAYS_BEFORE, 1),
        (at("2026-11-20T13:30"), OffsetKind.WORKING_HOURS_BEFORE, 4),
        (at("2026-11-20T17:30"), OffsetKind.FRACTION, 1),
        (at("2026-11-23T10:30"), OffsetKind.WORKING_HOURS_AFTER, 2),
        (at("2026-11-23T17:30"), OffsetKind.WORKING_DAYS_AFTER, 1),
    ]


def test_ladder_point_at_night_waits_for_the_opening():
    deadline = at("2026-11-20T22:00")
    points = warning_points(at("2026-11-20T08:30"), deadline, CALENDAR, [rung(OffsetKind.FRACTION, 1)])
    assert [moment for moment, _ in points] == [at("2026-11-23T08:30")]
    points = warning_points(at("2026-11-20T21:00"), deadline, CALENDAR, [rung(OffsetKind.FRACTION, 0.5)], H)
    assert [moment for moment, _ in points] == [at("2026-11-20T21:30")]


def test_ladder_leaves_out_what_the_clock_is_too_short_for():
    ladder = [rung(OffsetKind.WORKING_DAYS_BEFORE, 2), rung(OffsetKind.FRACTION, 1)]
    points = warning_points(at("2026-11-20T09:00"), at("2026-11-20T11:00"), CALENDAR, ladder)
    assert [step.offset_kind for _, step in points] == [OffsetKind.FRACTION]


def test_rung_read_from_storage_equals_the_shipped_one():
    stored = LadderStep("fraction", 0.75, ["owner", "coordinator"], "reminder")
    assert stored == LadderStep(
        OffsetKind.FRACTION, 0.75, (Recipient.OWNER, Recipient.COORDINATOR), NoticeKind.REMINDER
    )


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (("fraction", 1.5, (), "breach"), "value: 1.5 is out of range; give a share between 0 and 1"),
        (("working_hours_before", -1, (), "breach"), "value: -1 is out of range"),
        (
            ("hours", 1, (), "breach"),
            "offset_kind: hours is not a choice; choose one of: fraction, working_hours_before",
        ),
        (("fraction", 1, ("boss",), "breach"), "recipients: boss is not a choice; choose one of: owner"),
    ],
)
def test_bad_rungs_are_refused(values, text):
    with pytest.raises(InvalidSetting, match=text.replace("(", r"\(")):
        LadderStep(*values)


@pytest.mark.parametrize(
    ("amount", "unit", "text"),
    [
        (0, WD, "amount: 0 is no length of time; give a whole number of at least 1."),
        (-3, WD, "amount: -3 is no length of time; give a whole number of at least 1."),
        (1.5, WD, "amount: 1.5 is no length of time; give a whole number of at least 1."),
        (
            2,
            "weeks",
            "unit: weeks is not a choice; choose one of: hours, working_hours, working_days, calendar_days.",
        ),
    ],
)
def test_bad_rules_name_the_field_and_the_mend(amount, unit, text):
    with pytest.raises(InvalidSetting) as raised:
        ClockRule(amount, unit)
    assert str(raised.value) == text


def test_a_rule_read_from_storage_counts_the_same():
    assert due("2026-11-20T16:05", 2, "working_days") == due("2026-11-20T16:05", 2, WD)


def test_another_zone_keeps_its_own_clock_changes():
    """JT-14: 24 hours are 24 hours when London's clocks go back; office time follows the wall."""
    london = WorkingCalendar(exceptions={}, years=frozenset({2026}), tz=ZoneInfo("Europe/London"))
    start = datetime(2026, 10, 24, 12, 0, tzinfo=london.tz)
    end = due_at(start, ClockRule(24, H), london).at
    assert str(end) == "2026-10-25 11:00:00+00:00"
    assert remaining(start, end, london, H).total == timedelta(hours=24)
    assert str(due_at(start, ClockRule(1, WD), london).at) == "2026-10-26 17:30:00+00:00"
