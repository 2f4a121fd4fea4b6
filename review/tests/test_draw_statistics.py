"""The draw keeps its promises over thousands of seeds and any size of frame (REV-22, REV-23, I12, RI-07, RI-13).

The chances compared with are worked out exactly, from the plain reading of the rule and without drawing anything.
"""

from collections import Counter, defaultdict
from fractions import Fraction
from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from review import sampling
from review.sampling import FrameEntry

PERIOD = "2026-10"
MONTHS = 2000
WEIGHTS = {"frequent": "2", "special": "1.5", "cross_department": "1.5", "other": "1"}


def frame_of(counts: dict[str, int]) -> list[FrameEntry]:
    """So many cases of each stratum, numbered without a pattern by stratum."""
    rows = [name for name, count in counts.items() for _n in range(count)]
    return [FrameEntry(f"HY-202610{i * 7 % 28 + 1:02}-{i:04}", name, WEIGHTS[name]) for i, name in enumerate(rows, 1)]


def seed_of(entries: list[FrameEntry], turn: int) -> bytes:
    """The seed of one month as the system makes it, from frame, period and nonce."""
    return sampling.seed(sampling.frame_hash(entries), PERIOD, f"{turn:064x}")


def exact_chances(counts: dict[str, int], seats: int) -> dict[str, Fraction]:
    """Chance of each case of a stratum to be drawn, exact.

    Drawn one after the other in proportion to the weights, the strata come in an order that is a Markov chain over
    how many of each have come. A stratum of five has its first case in; all other cases share the seats that are left.
    """
    names = list(counts)
    guaranteed = {name for name in names if counts[name] >= 5}
    free = seats - len(guaranteed)
    assert free >= 0
    states = {((0,) * len(names), free): Fraction(1)}
    taken: defaultdict[str, Fraction] = defaultdict(Fraction)
    while states:
        following: defaultdict[tuple[tuple[int, ...], int], Fraction] = defaultdict(Fraction)
        for (come, left), chance in states.items():
            pools = [Fraction(WEIGHTS[name]) * (counts[name] - come[place]) for place, name in enumerate(names)]
            total = sum(pools)
            for place, name in enumerate(names):
                if not pools[place]:
                    continue
                own = chance * pools[place] / total
                seated = name in guaranteed and not come[place]
                if seated or left:
                    taken[name] += own
                after = (tuple(n + (at == place) for at, n in enumerate(come)), left if seated else max(left - 1, 0))
                waiting = any(name in guaranteed and not after[0][at] for at, name in enumerate(names))
                if after[1] or waiting:
                    following[after] += own
        states = following
    return {name: taken[name] / counts[name] for name in names}


FRAMES = {
    "one stratum": {"other": 40},
    "three strata that are too small for a seat": {"frequent": 4, "special": 4, "other": 4},
    "two strata with a seat and one without": {"frequent": 6, "special": 3, "other": 21},
    "four strata with a seat each": {"frequent": 5, "special": 6, "cross_department": 5, "other": 24},
}


@pytest.mark.parametrize("name", FRAMES)
def test_rev_22_23_every_case_is_drawn_as_often_as_its_weight_promises(name):
    """2,000 months of fixed nonces: each row within three standard deviations, all rows together by chi-square.

    The nonces are fixed, so the outcome is always the same; rows of a stratum have the same chance.
    """
    counts = FRAMES[name]
    entries = frame_of(counts)
    seats = sampling.sample_size(len(entries), percent=15)
    chances = exact_chances(counts, seats)
    assert sum(counts[stratum] * chance for stratum, chance in chances.items()) == seats
    hits = Counter(
        pick.number
        for turn in range(MONTHS)
        for pick in sampling.draw(entries, percent=15, seed=seed_of(entries, turn))
    )
    assert hits.total() == MONTHS * seats
    surprise = 0.0
    for entry in entries:
        chance = float(chances[entry.stratum])
        sigma = sqrt(MONTHS * chance * (1 - chance))
        distance = (hits[entry.number] - MONTHS * chance) / sigma
        assert abs(distance) < 3, (entry, hits[entry.number], MONTHS * chance)
        surprise += distance**2
    # The sum of n squares has mean n and variance 2n, less for seats that are shared out.
    assert surprise < len(entries) + 3 * sqrt(2 * len(entries))


def test_rev_23_the_exact_chances_are_those_of_drawing_one_after_the_other():
    """The yardstick itself, by hand: a frequent case (weight 2) beside two others (weight 1), one seat."""
    assert exact_chances({"frequent": 1, "other": 2}, 1) == {"frequent": Fraction(1, 2), "other": Fraction(1, 4)}
    # Five of one weight have a seat of their own: the first of them is in, the second seat is open to all others.
    chances = exact_chances({"special": 5, "frequent": 1}, 2)
    assert 5 * chances["special"] + chances["frequent"] == 2
    # The frequent case loses its seat only when two special ones come before it: 7.5/9.5 · 6/8.
    assert chances["frequent"] == 1 - Fraction(15, 19) * Fraction(3, 4)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    counts=st.fixed_dictionaries(
        {
            "frequent": st.integers(0, 300),
            "special": st.integers(0, 300),
            "cross_department": st.integers(0, 400),
            "other": st.integers(0, 4000),
        }
    ),
    percent=st.integers(10, 15),
    turn=st.integers(0, 2**200),
    order=st.randoms(use_true_random=False),
)
def test_ri_13_any_frame_up_to_5000_cases(counts, percent, turn, order):
    """I12, RI-07: size inside the range, a seat for each stratum, nothing twice, the same whatever the order."""
    entries = frame_of(counts)
    seed = seed_of(entries, turn)
    picks = sampling.draw(entries, percent=percent, seed=seed)
    total = len(entries)
    whole = [size for size in range(total + 1) if 10 * total <= 100 * size <= 15 * total]
    if whole:
        assert len(picks) in whole
    else:
        assert 100 * len(picks) >= 10 * total > 100 * (len(picks) - 1)
    assert bool(picks) == bool(total)
    numbers = [pick.number for pick in picks]
    assert len(set(numbers)) == len(numbers)
    assert {(pick.number, pick.stratum) for pick in picks} <= {(entry.number, entry.stratum) for entry in entries}
    large = [name for name, count in counts.items() if count >= 5]
    if len(large) <= len(picks):
        assert set(large) <= {pick.stratum for pick in picks}
    shuffled = order.sample(entries, total)
    assert seed_of(shuffled, turn) == seed
    assert sampling.draw(iter(shuffled), percent=percent, seed=seed) == picks


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    size=st.integers(20, 3000),
    turn=st.integers(0, 2**200),
    conflicts=st.randoms(use_true_random=False),
    times=st.integers(1, 6),
)
def test_ri_04_replacements_continue_the_stream_of_the_draw(size, turn, conflicts, times):
    """Picks and replacements are always the first so many cases of one list that the seed alone decides."""
    entries = frame_of({"other": size})
    seed = seed_of(entries, turn)
    ranked = sorted(entries, key=lambda entry: sampling.key(seed, entry.number, entry.weight), reverse=True)
    stream = [entry.number for entry in ranked]
    picks = sampling.draw(entries, percent=10, seed=seed)
    first = len(picks)
    aside: list[str] = []
    for _turn in range(times):
        conflicted = conflicts.choice([pick.number for pick in picks if pick.number not in aside])
        instead = sampling.replacement(entries, picks, conflicted, seed=seed, earlier=aside)
        aside.append(conflicted)
        assert instead is not None
        picks.append(instead)
        assert [pick.number for pick in picks] == stream[: len(picks)]
    assert len(picks) - len(aside) == first
