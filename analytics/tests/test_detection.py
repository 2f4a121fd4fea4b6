"""Outbreaks in daily counts: what is flagged and what is not, and the command that says so (RISK-13)."""

import csv
import json
import random
from datetime import date, timedelta
from io import BytesIO, StringIO, TextIOWrapper

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from analytics import detection
from analytics.detection import detect, flags

FIRST = date(2026, 1, 5)  # a Monday
MEANS = (0.1, 0.3, 1, 3, 10, 40)


def days(count, first=FIRST):
    return [first + timedelta(days=at) for at in range(count)]


def poisson(mean, length, seed=1):
    return [int(count) for count in np.random.default_rng(seed).poisson(mean, length)]


def flagged(counts, **options):
    """Positions of the flagged days."""
    return [(flag.day - FIRST).days for flag in detect(days(len(counts)), counts, **options)]


# --- One series ---------------------------------------------------------------------------------
@pytest.mark.parametrize("mean", [1, 3, 10, 100, 3000])
def test_risk_13_a_day_of_five_times_the_usual_is_flagged(mean):
    counts = poisson(mean, 120)
    counts[100] = 5 * mean + 1
    (flag,) = [flag for flag in detect(days(120), counts) if flag.day == FIRST + timedelta(days=100)]
    assert flag.count == 5 * mean + 1
    assert flag.p <= detection.ALPHA
    assert flag.lower <= flag.expected <= flag.upper < flag.count


def test_risk_13_a_weak_outbreak_shows_on_its_second_or_third_day():
    counts = [5] * 112
    counts[100:103] = [10, 10, 10]
    assert 100 not in flagged(counts)
    assert {101, 102} & set(flagged(counts))


def test_a_flag_names_the_days_that_made_it_one():
    """Three days of one each: the last is flagged, with the two before it; a burst needs no other day."""
    (flag,) = detect(days(63), [*[0] * 60, 1, 1, 1], least=3)
    assert ((flag.day - FIRST).days, flag.count) == (62, 1)
    assert [((day - FIRST).days, count) for day, count, _mean in flag.earlier] == [(60, 1), (61, 1)]
    assert all(mean > 0 for *_rest, mean in flag.earlier)
    assert detect(days(61), [*[0] * 60, 9])[0].earlier == ()


def test_the_day_after_an_outbreak_does_not_inherit_its_cases():
    counts = [5] * 120
    counts[100], counts[101] = 40, 6
    assert flagged(counts) == [100]


@pytest.mark.parametrize("count", [0, 1, 7, 500])
def test_a_steady_series_has_no_flag(count):
    assert flagged([count] * 200) == []


def test_one_complaint_after_a_silent_year_is_no_outbreak():
    """A single complaint never is; two within three days of a kind that never came are."""
    assert flagged([0] * 365 + [1]) == []
    assert flagged([0] * 365 + [1, 1]) == [366]


def test_a_busy_weekday_is_no_outbreak():
    week = [30, 12, 12, 12, 12, 3, 3]
    assert [at for at in flagged(week * 30) if at >= 56] == []
    busy_sunday = week * 30
    busy_sunday[202] = 30
    assert 202 in flagged(busy_sunday)


def test_an_outbreak_does_not_hide_the_next_one():
    counts = poisson(5, 160, seed=3)
    for start in (80, 100, 120):
        counts[start : start + 4] = [25] * 4
    assert {80, 100, 120} <= set(flagged(counts))


def test_a_lasting_new_level_becomes_the_ordinary_one():
    counts = poisson(5, 100, seed=4) + poisson(15, 150, seed=5)
    assert {at for at in flagged(counts) if 100 <= at < 103}
    assert len([at for at in flagged(counts) if at >= 150]) <= 4


def test_risk_13_a_kind_of_complaint_that_begins_is_not_told_for_weeks():
    """A category new to the office is conspicuous at first; after about a week its level is the ordinary one."""
    counts = [0] * 280 + poisson(5, 120, seed=6)
    found = flagged(counts)
    assert 280 in found
    assert len([at for at in found if at < 295]) <= 9
    assert len([at for at in found if at >= 295]) <= 4
    counts[390] = 25
    assert 390 in flagged(counts)


def test_risk_13_an_outbreak_of_five_days_is_not_taken_for_a_new_level():
    counts = poisson(5, 160, seed=3)
    counts[100:105] = [20] * 5
    counts[115] = 16
    assert {100, 101, 115} <= set(flagged(counts))


def test_false_alarms_stay_within_one_a_month():
    """RISK-13: on counts without any outbreak, sparse and dense, scattering half as much again as Poisson."""
    rng = np.random.default_rng(7)
    found = [len(flagged([int(count) for count in rng.negative_binomial(mean * 2, 2 / 3, 1500)])) for mean in MEANS]
    assert sum(found) / len(MEANS) / 1500 * 30.4 <= 1


def test_nothing_is_flagged_before_four_weeks_have_passed():
    counts = [2] * detection.MIN_HISTORY
    counts[-1] = 1000
    assert flagged(counts) == []
    assert flagged([2] * detection.MIN_HISTORY + [1000]) == [detection.MIN_HISTORY]


def test_a_missing_day_counts_as_zero_and_order_does_not_matter():
    counts = [0 if at % 3 else 4 for at in range(120)]
    counts[99] = 30
    pairs = [(day, count) for day, count in zip(days(120), counts, strict=True) if count]
    random.Random(2).shuffle(pairs)
    assert detect(*zip(*pairs, strict=True)) == detect(days(118), counts[:118])


@pytest.mark.parametrize("counts", [[1, -1], [1, 1.5]])
def test_what_is_no_count_is_refused(counts):
    with pytest.raises(ValueError, match="2026-01-06"):
        detect(days(2), counts)


def test_a_day_given_twice_and_an_endless_span_are_refused():
    with pytest.raises(ValueError, match="twice"):
        detect([FIRST, FIRST], [1, 1])
    with pytest.raises(ValueError, match="span"):
        detect([date(202, 1, 1), FIRST], [1, 1])
    assert detect([], []) == []


@given(
    counts=st.lists(st.integers(0, 12), min_size=40, max_size=70),
    future=st.lists(st.integers(0, 1000), min_size=1, max_size=10),
)
def test_the_future_never_changes_past_flags(counts, future):
    """RISK-13: a flag follows from its day and the days before."""
    before = detect(days(len(counts)), counts)
    after = detect(days(len(counts) + len(future)), counts + future)
    assert [flag for flag in after if flag.day < FIRST + timedelta(days=len(counts))] == before


# --- Many series --------------------------------------------------------------------------------
def family(size, length=150):
    return {f"s{number}": dict(zip(days(length), poisson(4, length, number), strict=True)) for number in range(size)}


def test_many_series_bring_fewer_flags_each_and_keep_the_clear_ones():
    """Benjamini-Hochberg: of many series some are always high by chance."""
    series = family(60)
    series["s7"][FIRST + timedelta(days=120)] = 25
    corrected, plain = flags(series), flags(series, false_share=60)
    assert len(corrected) < len(plain) / 3
    assert ("s7", FIRST + timedelta(days=120)) in {(flag.series, flag.day) for flag in corrected}


def test_a_series_alone_is_judged_as_in_company():
    """The range and p-value of a series do not depend on the others."""
    series = family(5)
    alone = {(flag.day, flag.upper, flag.p) for flag in flags({"s2": series["s2"]})}
    together = {(flag.day, flag.upper, flag.p) for flag in flags(series) if flag.series == "s2"}
    assert together <= alone


def test_a_young_series_waits_and_is_named():
    series = family(1)
    series["new"] = dict.fromkeys(days(150)[-20:], 3)
    series["new"][FIRST + timedelta(days=149)] = 90
    assert {flag.series for flag in flags(series)} <= {"s0"}
    assert detection.too_short(series) == ["new"]


# --- The command --------------------------------------------------------------------------------
def run(monkeypatch, text, *options):
    data = text if isinstance(text, bytes) else text.encode()
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(data), encoding="ascii"))
    out = StringIO()
    call_command("detect_outbreaks", *options, stdout=out)
    return out.getvalue()


def table(counts, name="供水"):
    return "".join(f"{day},{name},{count}\n" for day, count in zip(days(len(counts)), counts, strict=True))


def test_risk_13_the_command_names_day_series_and_range(monkeypatch):
    rows = table([5] * 60 + [30]).splitlines(keepends=True)
    random.Random(1).shuffle(rows)
    answer = json.loads(run(monkeypatch, "\ufeffdate,series,count\r\n\n" + "".join(rows) + "\n", "--json"))
    (flag,) = answer.pop("flags")
    assert (flag["date"], flag["series"], flag["count"], flag["expected"]) == ("2026-03-06", "供水", 30, 5.0)
    assert flag["lower"] <= 5 <= flag["upper"] < 30
    assert flag["p"] < 0.001
    assert answer == {"series": 1, "days": 61, "too_short": []}


def test_the_table_for_people(monkeypatch, tmp_path):
    file = tmp_path / "counts.csv"
    file.write_text("date,series,count\n" + table([5] * 60 + [30]) + table([1, 1], "新"), encoding="utf-8")
    out = run(monkeypatch, "", "--input", str(file)).splitlines()
    assert out[0].startswith("2026-03-06      30  ordinary ")
    assert out[1] == "1 flagged days; 2 series, 61 days."
    assert "新" not in "".join(out[2:])  # its zeros up to the last day of all are history


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "There are no rows"),
        ("date,series,count\n\n", "There are no rows"),
        ("2026-01-05,a,1\n", "row 1: the header is not date,series,count"),
        ("day,series,count\n2026-01-05,a,1\n", "row 1: the header"),
        ("date,series,count\n2026-01-05,a,1\n2026-02-30,a,1\n", "row 3: '2026-02-30' is not a date"),
        ("date,series,count\n20260105,a,1\n", "row 2: '20260105' is not a date; write it like 2026-11-16"),
        ("date,series,count\n\n2026-01-05,a,-1\n", "row 3: the count '-1'"),
        ("date,series,count\n2026-01-05,a,1.5\n", "row 2: the count '1.5'"),
        ("date,series,count\n2026-01-05,a,\n", "row 2: the count ''"),
        ("date,series,count\n2026-01-05,,1\n", "row 2: the series is empty"),
        ("date,series,count\n2026-01-05,a,b,1\n", "row 2: 4 cells instead of 3"),
        ("date,series,count\n2026-01-05,a,1\n2026-01-05,a,2\n", "row 3: 'a' has 2026-01-05 twice"),
        ('date,series,count\n2026-01-05,"a"b,1\n', "row 2: not valid CSV"),
        (b"date,series,count\n2026-01-05,\xb9\xa9,1\n", "row 2: not UTF-8"),
        ("date,series,count\n0202-01-05,a,1\n2026-01-05,a,1\n", "span more than"),
    ],
)
def test_bad_input_is_refused_with_its_row(monkeypatch, text, said):
    """RISK-13: exit 1, one line that names the row and the mend."""
    with pytest.raises(CommandError) as refused:
        run(monkeypatch, text, "--json")
    assert refused.value.returncode == 1
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_is_refused(monkeypatch, tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        run(monkeypatch, "", "--input", str(tmp_path / "none.csv"))


# --- On real series -----------------------------------------------------------------------------
@pytest.mark.data
def test_risk_13_outbreaks_in_real_daily_counts(shared_data):
    """Found within two days in nine of ten cases, at one false alarm a month, on the sum of the series."""
    with (shared_data / "outbreak" / "boston_animal_daily_2013_2016.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    counts = {date.fromisoformat(day): sum(map(int, cells)) for day, *cells in rows}
    first, length = min(counts), (max(counts) - min(counts)).days + 1
    mean = sum(counts.values()) / length
    rng, starts, ill = random.Random(21), [], set()
    for start in range(60, length - 10, 65):
        begin = first + timedelta(days=start + rng.randrange(40) % (length - 10 - start))
        hit = days(rng.randint(1, 5), begin)
        for day in hit:
            counts[day] = counts.get(day, 0) + round(rng.uniform(2, 5) * mean)
        starts.append(begin)
        ill |= set(hit)
    found = {flag.day for flag in flags({"all": counts})}
    hits = [any(begin + timedelta(days=wait) in found for wait in range(3)) for begin in starts]
    assert sum(hits) / len(hits) >= 0.9
    assert len(found - ill) / (length - len(ill)) * 30.4 <= 1.0
