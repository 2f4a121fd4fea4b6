"""The working calendar (SLA-12, JT-05, JT-07)."""

import subprocess
import sys
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import chinese_calendar
import pytest

from complaints.calendars import SHANGHAI, CalendarMissing, DayKind, InvalidSetting, WorkingCalendar, check_slots
from complaints.holiday_data import official_calendar, official_exceptions, official_years, provisional_years

CALENDAR = official_calendar()
ROOT = Path(__file__).resolve().parents[2]


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def days_of(year):
    day = date(year, 1, 1)
    while day.year == year:
        yield day
        day += timedelta(days=1)


def holidays_of(names):
    return {f"{day:%m-%d}": name for day, (worked, name) in names.items() if not worked}


# Official data


@pytest.mark.parametrize("year", range(2007, 2027))
def test_every_day_agrees_with_an_independent_calendar(year):
    """SLA-12: the two sources of the official notices name the same working days."""
    ours = {day: CALENDAR.is_working_day(day) for day in days_of(year)}
    assert ours == {day: chinese_calendar.is_workday(day) for day in days_of(year)}


def test_official_years_are_those_with_a_notice():
    assert official_years() == frozenset(range(2007, 2027))
    assert provisional_years() == {2027}


def test_2026_holidays_and_makeup_days():
    """State Council notice for 2026: Spring Festival to 23 February, six make-up days."""
    exceptions = official_exceptions(2026)
    assert {day for day, (worked, _) in exceptions.items() if worked} == {
        date(2026, 1, 4),
        date(2026, 2, 14),
        date(2026, 2, 28),
        date(2026, 5, 9),
        date(2026, 9, 20),
        date(2026, 10, 10),
    }
    assert {name for worked, name in exceptions.values() if worked} == {"调休上班"}
    february = {day: name for day, name in holidays_of(exceptions).items() if day.startswith("02")}
    assert february == {
        "02-16": "农历除夕",
        "02-17": "春节",
        "02-18": "春节",
        "02-19": "春节",
        "02-20": "调休放假",
        "02-23": "调休放假",
    }


def test_year_end_makeup_day_belongs_to_its_own_year():
    """The 2012 notice made Saturday 31 December 2011 a working day."""
    assert official_exceptions(2011)[date(2011, 12, 31)] == (True, "调休上班")
    assert date(2011, 12, 31) not in official_exceptions(2012)


def test_coming_year_has_statutory_days_only():
    exceptions = official_exceptions(2027)
    assert exceptions[date(2027, 1, 1)] == (False, "元旦")
    assert exceptions[date(2027, 10, 1)] == (False, "国庆节")
    assert not any(worked for worked, _ in exceptions.values())
    assert CALENDAR.provisional_between(date(2026, 12, 31), date(2027, 1, 1))
    assert not CALENDAR.provisional_between(date(2026, 1, 1), date(2026, 12, 31))


@pytest.mark.parametrize("year", [2006, 2028, 2035])
def test_year_without_data_is_never_guessed(year):
    """JT-07."""
    with pytest.raises(CalendarMissing, match=f"no data for {year}; load the holidays of {year}") as raised:
        CALENDAR.is_working_day(date(year, 3, 4))
    assert raised.value.year == year
    with pytest.raises(CalendarMissing):
        official_exceptions(year)


# Days


def test_kinds_of_days():
    kinds = {day: CALENDAR.kind(date(2026, 2, day)) for day in (13, 14, 15, 16, 17, 21, 24, 28)}
    assert kinds == {
        13: DayKind.WORKING,
        14: DayKind.MAKEUP,
        15: DayKind.WEEKEND,
        16: DayKind.HOLIDAY,
        17: DayKind.HOLIDAY,
        21: DayKind.WEEKEND,
        24: DayKind.WORKING,
        28: DayKind.MAKEUP,
    }
    assert CALENDAR.name(date(2026, 2, 17)) == "春节"
    assert CALENDAR.name(date(2026, 2, 13)) == ""


def test_an_office_may_override_any_day():
    """SLA-12: a local flood holiday, and a Saturday on duty."""
    office = WorkingCalendar(
        exceptions={date(2026, 7, 1): False, date(2026, 7, 4): True}, years=frozenset({2026}), names={}
    )
    assert [day for day in range(1, 7) if office.is_working_day(date(2026, 7, day))] == [2, 3, 4, 6]


def test_counting_days_over_national_day_2026():
    assert CALENDAR.next_working_day(date(2026, 9, 30)) == date(2026, 10, 8)
    assert CALENDAR.working_day_on_or_after(date(2026, 9, 30)) == date(2026, 9, 30)
    assert CALENDAR.add_working_days(date(2026, 9, 30), 3) == date(2026, 10, 10)
    assert CALENDAR.working_days_between(date(2026, 9, 30), date(2026, 10, 10)) == 3
    assert CALENDAR.working_days_between(date(2026, 10, 10), date(2026, 9, 30)) == 0


# Office time


def test_a_working_day_lasts_seven_and_a_half_hours():
    assert CALENDAR.day_length == timedelta(hours=7, minutes=30)
    assert CALENDAR.opening(date(2026, 11, 20)) == at("2026-11-20T08:30")
    assert CALENDAR.closing(date(2026, 11, 20)) == at("2026-11-20T17:30")


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-11-20T08:30", "2026-11-20T17:30", 7.5),
        ("2026-11-20T00:00", "2026-11-21T00:00", 7.5),
        ("2026-11-20T11:00", "2026-11-20T14:00", 1.5),
        ("2026-11-20T12:00", "2026-11-20T13:30", 0),
        ("2026-11-20T17:00", "2026-11-23T09:00", 1),
        ("2026-11-21T00:00", "2026-11-22T23:59:59.999999", 0),
        ("2026-11-20T17:00", "2026-11-20T16:00", 0),
        ("2026-02-13T17:00", "2026-02-24T08:30", 8),
        ("2025-12-31T17:00", "2026-01-05T09:00", 8.5),
    ],
)
def test_working_time(start, end, hours):
    assert CALENDAR.working_time(at(start), at(end)) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-11-20T08:30", 3.5, "2026-11-20T12:00"),
        ("2026-11-20T12:30", 0, "2026-11-20T13:30"),
        ("2026-11-20T17:30", 0, "2026-11-20T17:30"),
        ("2026-11-20T17:31", 0, "2026-11-23T08:30"),
        ("2026-11-20T16:30", 1, "2026-11-20T17:30"),
        ("2026-11-20T16:30", 9, "2026-11-24T09:00"),
        ("2026-11-21T10:00", 7.5, "2026-11-23T17:30"),
    ],
)
def test_add_working_time(start, hours, end):
    assert CALENDAR.add_working_time(at(start), timedelta(hours=hours)) == at(end)


@pytest.mark.parametrize(
    ("end", "hours", "start"),
    [
        ("2026-11-20T17:30", 7.5, "2026-11-20T08:30"),
        ("2026-11-20T17:30", 4, "2026-11-20T13:30"),
        ("2026-11-23T09:00", 1, "2026-11-20T17:00"),
        ("2026-11-22T09:00", 1, "2026-11-20T16:30"),
        ("2026-02-24T09:00", 1, "2026-02-14T17:00"),
        ("2026-11-20T07:00", 0, "2026-11-20T07:00"),
    ],
)
def test_subtract_working_time(end, hours, start):
    assert CALENDAR.subtract_working_time(at(end), timedelta(hours=hours)) == at(start)


def test_negative_working_time_is_refused():
    with pytest.raises(ValueError, match="use subtract_working_time"):
        CALENDAR.add_working_time(at("2026-11-20T10:00"), timedelta(hours=-1))
    with pytest.raises(ValueError, match="use add_working_time"):
        CALENDAR.subtract_working_time(at("2026-11-20T10:00"), timedelta(hours=-1))


def test_the_local_date_decides_the_weekday():
    """JT-05: Sunday evening in UTC is Monday morning in Shanghai."""
    monday = datetime(2026, 11, 23, 1, 0, tzinfo=ZoneInfo("UTC"))
    assert CALENDAR.is_open(monday)
    assert CALENDAR.is_open(datetime(2026, 11, 22, 20, 0, tzinfo=ZoneInfo("America/New_York")))
    assert not CALENDAR.is_open(datetime(2026, 11, 22, 20, 0, tzinfo=SHANGHAI))


def test_a_naive_moment_is_refused():
    """JT-05."""
    with pytest.raises(ValueError, match=r"2026-11-20T10:00:00 has no time zone; add one"):
        CALENDAR.is_open(datetime(2026, 11, 20, 10, 0))


# Office hours


@pytest.mark.parametrize(
    ("slots", "text"),
    [
        ((), "slots: There are no working hours; give at least one slot such as 08:30-12:00."),
        (
            ((time(12, 0), time(8, 30)),),
            "slots: The slot 12:00-08:30 ends before it starts; give the earlier time first.",
        ),
        (
            ((time(9, 0), time(9, 0)),),
            "slots: The slot 09:00-09:00 ends before it starts; give the earlier time first.",
        ),
        (
            ((time(8, 0), time(12, 0)), (time(11, 0), time(17, 0))),
            "slots: The slots 08:00-12:00 and 11:00-17:00 overlap or are out of order; separate them, earliest first.",
        ),
        (
            ((time(9, 0, tzinfo=SHANGHAI), time(17, 0)),),
            "slots: The slot 09:00-17:00 carries a time zone; give plain times of day.",
        ),
    ],
)
def test_bad_office_hours_name_the_field_and_the_mend(slots, text):
    with pytest.raises(InvalidSetting) as raised:
        WorkingCalendar(exceptions={}, years=frozenset({2026}), slots=slots)
    assert str(raised.value) == text


def test_touching_slots_are_one_office_day():
    slots = ((time(9, 0), time(12, 0)), (time(12, 0), time(17, 0)))
    check_slots(slots)
    office = WorkingCalendar(exceptions={}, years=frozenset({2026}), slots=slots)
    assert office.day_length == timedelta(hours=8)
    assert office.add_working_time(at("2026-11-20T11:00"), timedelta(hours=2)) == at("2026-11-20T13:00")


def test_engine_needs_no_settings():
    code = (
        "import complaints.calendars, complaints.holiday_data, complaints.deadlines, complaints.profiles, sys;"
        "sys.exit('django' in sys.modules)"
    )
    clean = {"PATH": "/usr/bin:/bin"}
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=clean, check=False).returncode == 0
