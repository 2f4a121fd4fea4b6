"""Outbreaks in daily counts: the days on which one kind of complaint came in conspicuously often (RISK-13).

Pure functions: no database, no clock. The flag of a day follows from that day and earlier days alone, so a list
made today never changes yesterday's flags.

Method: a negative binomial regression chart with short scan windows.

* Expected value and dispersion as in the quasi-Poisson alarms of Farrington et al. (1996) and Noufaily et al. (2013),
  kept up to date by exponential weights instead of a yearly regression: level x weekday.
* Threshold from the negative binomial distribution (mid-p), as in Höhle and Paul (2008).
* Scan: the sums of the last one, two and three days are each compared with their expectation, and the smallest
  p-value counts (temporal scan statistic, Naus 1965), so that a weak outbreak shows on its second or third day.
  A flag resets the scan: the day after an outbreak does not inherit its cases.
* The baseline learns from counts cut off at a few standard deviations, and the dispersion skips the clearest outliers,
  so an outbreak raises its own threshold little, yet a lasting new level is learned within weeks.
* A level that stays flagged for more than a week is taken as the new one at once, so a category that begins or is
  redrawn is told as one outbreak and not for a month on end.
* Many series on one day: Benjamini and Hochberg (1995).

References: Farrington, Andrews, Beale, Catchpole, J. R. Stat. Soc. A 159 (1996) 547; Noufaily et al., Stat. Med. 32
(2013) 1206; Höhle, Paul, Comput. Stat. Data Anal. 52 (2008) 4357; Naus, J. Am. Stat. Assoc. 60 (1965) 532;
Benjamini, Hochberg, J. R. Stat. Soc. B 57 (1995) 289. `docs/outbreaks.md` has parameters, figures and limits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Marks = NDArray[np.bool_]

ALPHA = 0.022  # chosen on the first half of the measured years: one false alarm per series and month
FALSE_SHARE = 0.25  # of the flags of one day; leaves a family of up to a dozen series as sensitive as one alone
LEAST = 2  # complaints within three days: a single one is never an outbreak
MIN_HISTORY = 28  # days; four of each weekday
MOST_DAYS = 50 * 366

WINDOWS = 3  # days
LEVEL_DAYS = 24.0  # memory of the level: short enough to follow the seasons
WEEKDAY_WEEKS = 26.0  # memory of the weekday pattern
WEEKDAY_PRIOR = 7.0  # complaints per weekday that speak for "no pattern" before the series does
DISPERSION_DAYS = 365.0
DISPERSION_PRIOR = 14.0  # days without over-dispersion
DRIFT = 0.08  # squared relative error of the level, of which a series of hundreds a day has most
SETTLING = 7  # days before residuals are trusted
CUT = 2.5  # standard deviations
CERTAIN = 0.005  # a day less probable than this says nothing about ordinary dispersion
LOWEST_MEAN = 0.02  # per day
LOWEST_FACTOR = 0.2  # of a weekday, where counts are divided by it
NEW_LEVEL_FLAGS = 7  # flagged days, more than an outbreak has, ...
NEW_LEVEL_DAYS = 10  # ... within so many days: the mean of the last week is the level from then on


@dataclass(frozen=True)
class Flag:
    """A conspicuous day.

    `expected`: complaints to be expected on that day. `lower` and `upper`: the ordinary range of that day; `upper` is
    the largest count that would not have been flagged after the days before. `p`: how probable so many or more are
    without an outbreak, for the most telling of the sums of one, two and three days. `earlier`: where the day does not
    stand out by itself, the one or two days before it that do together with it, each with count and expected value.
    """

    day: date
    count: int
    expected: float
    lower: int
    upper: int
    p: float
    series: str = ""
    earlier: tuple[tuple[date, int, float], ...] = ()


def detect(days: Sequence[date], counts: Sequence[int], *, alpha: float = ALPHA, least: int = LEAST) -> list[Flag]:
    """The flagged days of one series, oldest first.

    Days in any order; a day that is missing between the first and the last counts as zero. Nothing is flagged in the
    first MIN_HISTORY days. Raises ValueError on a negative count, a day given twice and a span above MOST_DAYS.
    """
    history = dict(zip(days, counts, strict=True))
    if len(history) < len(days):
        raise ValueError("a day is given twice")
    return flags({"": history}, alpha=alpha, least=least)


def flags(
    series: Mapping[str, Mapping[date, int]],
    *,
    alpha: float = ALPHA,
    false_share: float = FALSE_SHARE,
    least: int = LEAST,
) -> list[Flag]:
    """The flagged days of many series, by day and name.

    A series begins with its first day and ends with the last day of all; missing days count as zero. A flag needs a
    p-value of at most `alpha` and must pass Benjamini-Hochberg at `false_share` among the series old enough on that
    day. Raises ValueError as `detect` does.
    """
    names = sorted(name for name, history in series.items() if history)
    if not names:
        return []
    first, days = _span(series)
    counts = np.zeros((days, len(names)))
    begins = np.array([(min(series[name]) - first).days for name in names])
    for place, name in enumerate(names):
        for day, count in series[name].items():
            if count < 0 or count != int(count):
                raise ValueError(f"{name or 'the series'}, {day}: {count} is not a count")
            counts[(day - first).days, place] = count
    chart = _Chart(begins, alpha, least)
    p = np.array([chart.step((first.weekday() + at) % 7, today) for at, today in enumerate(counts)])
    judged = np.arange(days)[:, None] - begins >= MIN_HISTORY
    found = (p <= alpha) & _discoveries(p, judged, false_share)
    at, column = np.nonzero(found)
    if not len(at):
        return []
    situation = _Situation.joined(
        [at_that_time.of(found[day]) for day, at_that_time in chart.alarms.items() if found[day].any()]
    )
    lower, upper = situation.range(counts[at, column], alpha)
    windows = situation.windows(counts[at, column], alpha)
    return [
        Flag(
            day=first + timedelta(days=int(day)),
            count=int(counts[day, which]),
            expected=float(situation.means[0, i]),
            lower=int(lower[i]),
            upper=int(upper[i]),
            p=float(p[day, which]),
            series=names[which],
            earlier=situation.earlier(i, int(windows[i]), first + timedelta(days=int(day))),
        )
        for i, (day, which) in enumerate(zip(at, column, strict=True))
    ]


def too_short(series: Mapping[str, Mapping[date, int]]) -> list[str]:
    """Names of the series whose history ends before anything could be flagged."""
    if not any(series.values()):
        return sorted(series)
    first, days = _span(series)
    last = first + timedelta(days=days - 1)
    return sorted(name for name, history in series.items() if not history or (last - min(history)).days < MIN_HISTORY)


def tail(count: Numbers, mean: Numbers, dispersion: Numbers) -> Numbers:
    """P(X >= count) of a negative binomial with this mean (> 0) and variance dispersion x mean."""
    from scipy.special import betainc  # takes a tenth of a second to load; most processes never count

    excess = np.maximum(dispersion - 1, 1e-3)  # the Poisson distribution within a thousandth
    found: Numbers = np.where(
        count <= 0, 1.0, betainc(np.maximum(count, 1), mean / excess, excess / (1 + excess), dtype=float)
    )
    return found


def quantile(share: float, mean: Numbers, dispersion: Numbers) -> Numbers:
    """The smallest count c with P(X <= c) >= share of the same distribution."""
    low = np.full_like(mean, -1.0)
    high = np.ceil(mean + 40 * np.sqrt(dispersion * mean) + 40)
    while np.any(high - low > 1):
        middle = np.floor((low + high) / 2)
        enough = 1 - tail(middle + 1, mean, dispersion) >= share
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high


def _span(series: Mapping[str, Mapping[date, int]]) -> tuple[date, int]:
    """The first day of all, and the number of days to the last."""
    first = min(min(history) for history in series.values() if history)
    days = (max(max(history) for history in series.values() if history) - first).days + 1
    if days > MOST_DAYS:
        raise ValueError(f"the days from {first} on span more than {MOST_DAYS} days")
    return first, days


def _discoveries(p: Numbers, judged: Marks, share: float) -> Marks:
    """Benjamini-Hochberg day by day, among the series judged on that day."""
    p = np.where(judged, p, 1.0)
    ordered = np.sort(p, axis=1)
    ranks = np.arange(1, p.shape[1] + 1)
    passing = ordered * np.maximum(judged.sum(axis=1, keepdims=True), 1) <= share * ranks
    limit = np.where(passing, ordered, -1.0).max(axis=1, keepdims=True)
    return judged & (p <= limit)


@dataclass(frozen=True)
class _Situation:
    """All that decides a day except its count. First axis: the sums of one, two and three days up to it."""

    before: Numbers  # complaints of the sum before the day
    means: Numbers
    dispersions: Numbers
    usable: Marks
    least: int

    def of(self, chosen: Marks) -> _Situation:
        """The same for some of the series."""
        return _Situation(
            self.before[:, chosen],
            self.means[:, chosen],
            self.dispersions[:, chosen],
            self.usable[:, chosen],
            self.least,
        )

    @classmethod
    def joined(cls, parts: Sequence[_Situation]) -> _Situation:
        """Several days side by side."""
        return cls(
            np.hstack([part.before for part in parts]),
            np.hstack([part.means for part in parts]),
            np.hstack([part.dispersions for part in parts]),
            np.hstack([part.usable for part in parts]),
            parts[0].least,
        )

    def p(self, count: Numbers) -> Numbers:
        """The p-value of this count; never grows with the count."""
        found: Numbers = self._each(count).min(axis=0)
        return found

    def windows(self, count: Numbers, alpha: float) -> NDArray[np.int_]:
        """How many earlier days the shortest sum takes in that stands out with this count."""
        found: NDArray[np.int_] = (self._each(count) <= alpha).argmax(axis=0)
        return found

    def earlier(self, series: int, days: int, day: date) -> tuple[tuple[date, int, float], ...]:
        """Date, count and expected value of so many days before the day, the oldest first."""
        counts, means = np.diff(self.before[:, series]), np.diff(self.means[:, series])
        return tuple(
            (day - timedelta(days=back), int(counts[back - 1]), float(means[back - 1])) for back in range(days, 0, -1)
        )

    def _each(self, count: Numbers) -> Numbers:
        """The p-values of the sums of one, two and three days; 1 where a sum does not count."""
        sums = self.before + count
        # A sum tells of today only where today takes part in the surplus.
        usable = self.usable & (sums >= self.least) & (count > self.means[0])
        found: Numbers = np.where(usable, _mid_p(sums, self.means, self.dispersions), 1.0)
        return found

    def range(self, count: Numbers, alpha: float) -> tuple[Numbers, Numbers]:
        """The ordinary range below the flagged counts."""
        low, high = np.full_like(count, -1.0), count
        while np.any(high - low > 1):
            middle = np.floor((low + high) / 2)
            flagged = self.p(middle) <= alpha
            low, high = np.where(flagged, low, middle), np.where(flagged, middle, high)
        upper = high - 1
        return np.minimum(quantile(alpha, self.means[0], self.dispersions[0]), upper), upper


def _mid_p(count: Numbers, mean: Numbers, dispersion: Numbers) -> Numbers:
    # Half of the probability of the count itself: without it sparse series would hardly ever be flagged.
    return (tail(count, mean, dispersion) + tail(count + 1, mean, dispersion)) / 2


class _Chart:
    """The state of all series at the end of a day, and the situations in which any had its alarm."""

    def __init__(self, begins: NDArray[np.int_], alpha: float, least: int) -> None:
        series = len(begins)
        self.begins, self.alpha, self.least = begins, alpha, least
        self.age = -begins  # days of history before today; negative: has not begun
        self.quiet = np.zeros(series, dtype=int)  # days since the last flag or the beginning
        self.level = _Average(series, LEVEL_DAYS)
        self.seen, self.awaited = np.zeros((7, series)), np.zeros((7, series))
        self.spread = _Average(series, DISPERSION_DAYS, prior=DISPERSION_PRIOR)
        self.recent: deque[tuple[Numbers, Numbers]] = deque(maxlen=WINDOWS - 1)  # (count, mean), newest first
        self.flagged: deque[Marks] = deque(maxlen=NEW_LEVEL_DAYS)
        self.levels: deque[Numbers] = deque(maxlen=7)  # counts of the last week without their weekday
        self.days = 0
        self.alarms: dict[int, _Situation] = {}

    def step(self, weekday: int, count: Numbers) -> Numbers:
        """The p-values of today, which then becomes part of the history."""
        weekdays = (self.seen + WEEKDAY_PRIOR) / (self.awaited + WEEKDAY_PRIOR)
        factor = weekdays[weekday] / weekdays.mean(axis=0)
        mean = np.maximum(self.level.value() * factor, LOWEST_MEAN)
        today = self._situation(mean)
        p = np.where(self.age >= MIN_HISTORY, today.p(count), 1.0)
        self._learn(weekday, count, mean, factor, today.dispersions[0])
        alarm = p <= self.alpha
        if alarm.any():
            self.alarms[self.days] = today
        self._begin_anew(alarm, count / np.maximum(factor, LOWEST_FACTOR))
        self.quiet = np.where(alarm | (self.age < 0), 0, self.quiet + 1)
        self.age = self.age + 1
        self.days += 1
        self.recent.appendleft((count, mean))
        return p

    def _situation(self, mean: Numbers) -> _Situation:
        before, means = [np.zeros_like(mean)], [mean]
        for count, expected_then in self.recent:
            before.append(before[-1] + count)
            means.append(means[-1] + expected_then)
        expected = np.array(means)
        return _Situation(
            before=np.array(before),
            means=expected,
            dispersions=np.maximum(self.spread.value(), 1.0) + DRIFT * expected,
            usable=np.arange(len(means))[:, None] <= self.quiet,
            least=self.least,
        )

    def _begin_anew(self, alarm: Marks, level: Numbers) -> None:
        """Forget the old level of a series that is flagged for longer than an outbreak lasts."""
        self.flagged.append(alarm.copy())
        self.levels.append(level)
        lasting = alarm & (np.sum(self.flagged, axis=0) >= NEW_LEVEL_FLAGS)
        if lasting.any():
            self.level.restart(np.sum(self.levels, axis=0), len(self.levels), lasting)
            for marks in self.flagged:
                marks &= ~lasting

    def _learn(self, weekday: int, count: Numbers, mean: Numbers, factor: Numbers, dispersion: Numbers) -> None:
        begun, settled = self.age >= 0, self.age >= SETTLING
        highest = mean + CUT * np.sqrt(dispersion * mean) + 0.5
        cut = np.where(self.age >= 2 * SETTLING, np.minimum(count, highest), count)
        self.level.add(cut / np.maximum(factor, LOWEST_FACTOR), begun)
        fade = np.where(begun, 1 - 1 / WEEKDAY_WEEKS, 1.0)
        self.seen[weekday] = fade * self.seen[weekday] + np.where(settled, cut, 0)
        self.awaited[weekday] = fade * self.awaited[weekday] + np.where(settled, mean / factor, 0)
        ordinary = settled & (_mid_p(count, mean, dispersion) > CERTAIN)
        self.spread.add(np.maximum((cut - mean) ** 2 / mean - DRIFT * mean, 0), ordinary)


class _Average:
    """Exponentially weighted means, one per series; `prior` observations of the value 1 stand at the beginning."""

    def __init__(self, series: int, memory: float, prior: float = 0.0) -> None:
        self.fade, self.prior = 1 - 1 / memory, prior
        self.total, self.weight = np.zeros(series), np.zeros(series)

    def value(self) -> Numbers:
        found: Numbers = (self.total + self.prior) / np.maximum(self.weight + self.prior, 1e-9)
        return found

    def add(self, value: Numbers, where: Marks) -> None:
        self.total = np.where(where, self.fade * self.total + value, self.total)
        self.weight = np.where(where, self.fade * self.weight + 1, self.weight)

    def restart(self, total: Numbers, weight: float, where: Marks) -> None:
        """Know nothing but this sum of so many values."""
        self.total = np.where(where, total, self.total)
        self.weight = np.where(where, weight, self.weight)
