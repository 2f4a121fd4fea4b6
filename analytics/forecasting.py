"""How many complaints the coming days will bring, with an interval (ASG-14, RISK-27, AN-04).

Pure functions: no database, no clock. Counts are explained as level x trend x weekday x season of the year x kind of
day (holiday, make-up working day) by a Poisson regression with a ridge penalty, fitted by iteratively reweighted least
squares on all of the history, recent years counting more (McCullagh and Nelder, Generalized Linear Models, 1989). The
level is then corrected by the last weeks, exponentially weighted; the trend fades out into the future (Gardner and
McKenzie, Manag. Sci. 31, 1985, 1237). The interval is that of a negative binomial distribution whose variance holds
the scatter of single days, the wandering of the level, and what a short history leaves open.

What a history cannot show is left out: the season of the year needs a year and a half, an effect of a kind of day
needs days of that kind. `docs/outbreaks.md` has measured figures and limits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from analytics.detection import MOST_DAYS, quantile

Numbers = NDArray[np.float64]

MIN_HISTORY = 14  # days; two of each weekday
ORDINARY = ""  # the kind of day that needs no effect of its own
COVERAGE = 0.8

YEAR = 365.2425
SEASON_FROM = 548  # days of history; in less a season cannot be told from a trend
HARMONICS = 2
MEMORY_DAYS = YEAR  # recent years count more
LEVEL_DAYS = 21.0  # memory of the level's correction
LEVEL_PRIOR = 5.0  # complaints that speak for the regression's own level
TREND_FADES = 30.0  # days in which a trend loses two thirds of its slope
PENALTY = {"weekday": 5.0, "season": 5.0, "kind": 2.0, "trend": 500.0}  # complaints that speak for "no effect"
BLOCK = 28  # days over which the wandering of the level is measured
LOWEST_MEAN = 0.01  # per day


@dataclass(frozen=True)
class Forecast:
    """One coming day.

    `expected`: the mean; means of several days add up. `low` and `high`: the ends of the interval, both included.
    `median`: as likely more as fewer; of a rare kind of complaint it is 0 although some will come.
    """

    day: date
    expected: float
    low: int
    high: int
    median: int


class TooShort(ValueError):
    """The history has fewer than MIN_HISTORY days."""


def forecast(
    history: Mapping[date, int],
    *,
    horizon: int,
    day_kind: Callable[[date], str] | None = None,
    coverage: float = COVERAGE,
) -> list[Forecast]:
    """The `horizon` days after the last day of the history.

    Days missing inside the history count as zero. `day_kind` names the kind of any day, "" for an ordinary one;
    the weekday of a day of another kind does not count. `coverage` is the share of days whose count the interval
    shall hold.

    Raises TooShort, and ValueError on a negative count, a horizon below one, a coverage outside 0..1 and a history
    above MOST_DAYS.
    """
    if horizon < 1:
        raise ValueError("the horizon must be at least one day")
    if not 0 < coverage < 1:
        raise ValueError("the coverage must lie between 0 and 1")
    first, counts = _counts(history)
    past = len(counts)
    days = [first + timedelta(days=at) for at in range(past + horizon)]
    kinds = [day_kind(day) if day_kind else ORDINARY for day in days]
    columns, penalty = _columns(days, kinds, past)
    weights = np.exp((np.arange(past) - past + 1) / MEMORY_DAYS)
    fitted = np.exp(columns @ _fit(columns[:past], counts, weights, penalty))
    means = np.maximum(fitted, LOWEST_MEAN)

    recent = np.exp((np.arange(past) - past + 1) / LEVEL_DAYS)
    level = (recent @ counts + LEVEL_PRIOR) / (recent @ means[:past] + LEVEL_PRIOR)
    scatter, wander = _spread(counts, means[:past], weights)
    expected = means[past:] * level
    known = recent @ means[:past] * level + LEVEL_PRIOR  # complaints that the level rests on
    dispersion = scatter + (wander + scatter / known) * expected
    shares = ((1 - coverage) / 2, (1 + coverage) / 2, 0.5)
    ranges = np.array([quantile(share, expected, dispersion) for share in shares], dtype=int).T.tolist()
    return [Forecast(day, float(mean), *ends) for day, mean, ends in zip(days[past:], expected, ranges, strict=True)]


def _counts(history: Mapping[date, int]) -> tuple[date, Numbers]:
    if not history:
        raise TooShort("the history is empty")
    first = min(history)
    days = (max(history) - first).days + 1
    if days < MIN_HISTORY:
        raise TooShort(f"the history has {days} days; a forecast needs {MIN_HISTORY}")
    if days > MOST_DAYS:
        raise ValueError(f"the history spans more than {MOST_DAYS} days")
    counts = np.zeros(days)
    for day, count in history.items():
        if count < 0 or count != int(count):
            raise ValueError(f"{day}: {count} is not a count")
        counts[(day - first).days] = count
    return first, counts


def _columns(days: list[date], kinds: list[str], past: int) -> tuple[Numbers, Numbers]:
    """The regressors of all days, side by side, and the ridge penalty of each."""
    at = np.arange(len(days), dtype=float)
    columns, penalty = [np.ones_like(at)], [0.0]

    def add(name: str, column: Numbers) -> None:
        columns.append(column)
        penalty.append(PENALTY[name])

    ordinary = np.array([kind == ORDINARY for kind in kinds])
    weekdays = np.array([day.weekday() for day in days])
    for weekday in range(7):
        add("weekday", (ordinary & (weekdays == weekday)).astype(float))
    for name in sorted(set(kinds[:past]) - {ORDINARY}):
        add("kind", np.array([kind == name for kind in kinds], dtype=float))
    # Years before the last day; what lies ahead is reached with a fading slope.
    ahead = np.maximum(at - past + 1, 0)
    add("trend", (np.minimum(at - past + 1, 0) + TREND_FADES * (1 - np.exp(-ahead / TREND_FADES))) / YEAR)
    if past >= SEASON_FROM:
        angle = 2 * np.pi * np.array([day.toordinal() for day in days]) / YEAR
        for harmonic in range(1, HARMONICS + 1):
            add("season", np.sin(harmonic * angle))
            add("season", np.cos(harmonic * angle))
    return np.column_stack(columns), np.array(penalty)


def _fit(columns: Numbers, counts: Numbers, weights: Numbers, penalty: Numbers) -> Numbers:
    """Penalised Poisson regression with logarithmic link; scoring in steps that stay small enough to converge."""
    found = np.zeros(columns.shape[1])
    found[0] = np.log(max(float(weights @ counts / weights.sum()), LOWEST_MEAN))
    ridge = np.diag(penalty + 1e-9)
    for _round in range(25):
        mean = np.exp(np.clip(columns @ found, -12, 18))
        slope = columns.T @ (weights * (counts - mean)) - penalty * found
        step = np.linalg.solve(columns.T @ (columns * (weights * mean)[:, None]) + ridge, slope)
        found += step * min(1.0, 1.0 / max(float(np.abs(step).max()), 1e-12))
        if float(np.abs(step).max()) < 1e-6:
            break
    result: Numbers = found
    return result


def _spread(counts: Numbers, means: Numbers, weights: Numbers) -> tuple[float, float]:
    """Variance of single days over their mean (at least 1), and squared relative wandering of the level."""
    scatter = max(1.0, float(weights @ ((counts - means) ** 2 / means) / weights.sum()))
    blocks = len(counts) // BLOCK
    if blocks < 3:
        return scatter, 0.0
    seen, awaited = (series[-blocks * BLOCK :].reshape(blocks, BLOCK).sum(axis=1) for series in (counts, means))
    surplus = (seen - awaited) ** 2 - scatter * awaited
    return scatter, max(0.0, float(surplus.sum() / (awaited**2).sum()))
