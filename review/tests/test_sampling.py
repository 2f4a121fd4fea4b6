"""The monthly draw: its size, its fairness, and that anyone can repeat it (REV-22, REV-23, RI-06…RI-15, I12)."""

import ast
import hmac
import json
import random
import subprocess
import sys
import tokenize
import tracemalloc
from collections import Counter
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from itertools import permutations
from math import log, sqrt
from pathlib import Path

import pytest
from django.utils import translation
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from review import sampling
from review.sampling import FrameEntry

SCRIPT = Path(__file__).parents[2] / "docs" / "verify_sample.py"
PERIOD = "2026-10"
PERIOD_END = datetime(2026, 10, 31, 16, 0, tzinfo=UTC)  # midnight in Beijing
COMMITTED = PERIOD_END - timedelta(days=30)
DRAWN = PERIOD_END + timedelta(hours=33)
NONCE = "5f" * 32
WEIGHTS = {"frequent": "2", "cross_department": "1.5", "vulnerable": "1.5", "other": "1", "none_this_month": "0.75"}


@pytest.fixture(autouse=True)
def in_english():
    with translation.override("en"):
        yield


def stream(name: object) -> bytes:
    return sha256(str(name).encode()).digest()


def frame_of(size: int, *, weights: dict[str, str] | None = None, mix: int = 0) -> list[FrameEntry]:
    """A frame whose strata have very different sizes."""
    weights = weights or {name: WEIGHTS[name] for name in ("other", "vulnerable", "cross_department", "frequent")}
    rng = random.Random(mix)
    shares = [4**-place for place in range(len(weights))]
    strata = rng.choices(list(weights), shares, k=size)
    return [FrameEntry(f"HY-20261003-{i:04}", name, weights[name]) for i, name in enumerate(strata, start=1)]


def exported(entries: list[FrameEntry], *, percent: int = 12, **changes) -> dict:
    """A month drawn by the rule, as JSON would carry it; `changes` are recorded instead of what happened."""
    nonce = changes.pop("nonce", NONCE)
    hashed = sampling.frame_hash(entries)
    seed = sampling.seed(hashed, PERIOD, nonce)
    recorded = {
        "period": PERIOD,
        "percent": percent,
        "commitment": sampling.commitment(nonce),
        "committed_at": COMMITTED,
        "nonce": nonce,
        "drawn_at": DRAWN,
        "rule_version": "3",
        "weights": WEIGHTS,
        "entries": entries,
        "picks": sampling.draw(entries, percent=percent, seed=seed),
        "frame_hash": hashed,
        "seed_hex": seed.hex(),
    }
    return json.loads(json.dumps(sampling.document(**(recorded | changes))))


def resealed(document: dict) -> dict:
    """The document with a fresh checksum, as a forger who knows the format would write it."""
    content = {name: value for name, value in document.items() if name != "checksum"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return content | {"checksum": sha256(f"huiyin-sample-1 document\n{text}".encode()).hexdigest()}


def run_script(document: object, folder: Path) -> tuple[int, str]:
    path = folder / "sample.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    done = subprocess.run([sys.executable, "-I", SCRIPT, path], capture_output=True, text=True, check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


@pytest.mark.parametrize("percent", range(10, 16))
def test_size_is_a_whole_number_inside_the_range_wherever_one_fits(percent):
    """REV-22, RI-13: never 0 of n > 0, never more than n, and exactly rounded up when that stays inside 15 %."""
    for frame in range(5001):
        size = sampling.sample_size(frame, percent=percent)
        fitting = [k for k in range(frame // 10, frame * 15 // 100 + 1) if frame * 10 <= k * 100 <= frame * 15]
        if fitting:
            assert size in fitting
            assert size == min(-(-frame * percent // 100), fitting[-1])
        else:
            assert size == -(-frame // 10)
        assert min(frame, 1) <= size <= frame


@pytest.mark.parametrize(
    ("frame", "percent", "size"), [(0, 12, 0), (1, 15, 1), (11, 15, 2), (7, 10, 1), (3482, 12, 418)]
)
def test_size_examples(frame, percent, size):
    assert sampling.sample_size(frame, percent=percent) == size


@pytest.mark.parametrize("percent", [9, 16, 0, -1, 12.5, True, "12"])
def test_percent_outside_the_rule_is_refused_naming_the_field_and_the_range(percent):
    with pytest.raises(ValueError, match=r"percent must be a whole number from 10 to 15.*choose one"):
        sampling.sample_size(100, percent=percent)


def test_frame_bytes_are_the_documented_lines_sorted_by_number():
    entries = [FrameEntry("B", "其他", Decimal("1.500")), FrameEntry("A", "other", "2.0"), FrameEntry("C", "ten", "10")]
    expected = "huiyin-sample-1 frame\nA\tother\t2\nB\t其他\t1.5\nC\tten\t10\n".encode()
    assert sampling.canonical_frame(entries) == expected
    assert sampling.frame_hash(iter(entries)) == sha256(expected).hexdigest()


@pytest.mark.parametrize(
    "entries",
    [
        [("A", "x", "1"), ("B", "x", "1"), ("A", "x", "1")],
        [("A", "x", "1"), ("A", "y", "1")],
        [("A", "x", "1"), ("B", "x", "2")],
        [("A\tx", "1", "1")],
        [("A", "x\n", "1")],
        [("", "x", "1")],
        [("A", "x", "0")],
        [("A", "x", "-1")],
        [("A", "x", "1.0001")],
        [("A", "x", "1e3")],
        [("A", "x", Decimal("NaN"))],
        [("A", "x", Decimal(1000))],
    ],
    ids=str,
)
def test_a_frame_that_could_be_read_in_two_ways_is_refused(entries):
    """RI-13: no duplicates; a line cannot be forged by a tab or line break inside a field."""
    with pytest.raises(ValueError):
        sampling.canonical_frame([FrameEntry(*entry) for entry in entries])


def test_draw_refuses_duplicates_among_the_picks_and_two_weights_in_a_stratum():
    with pytest.raises(ValueError, match="twice"):
        sampling.draw([FrameEntry("A", "x", "1")] * 20, percent=10, seed=stream(1))
    with pytest.raises(ValueError, match="two of them"):
        sampling.draw([FrameEntry("A", "x", "1"), FrameEntry("B", "x", "2")], percent=10, seed=stream(1))


def test_commitment_and_seed_are_the_documented_hashes():
    assert sampling.commitment(NONCE) == sha256(f"huiyin-sample-1 commitment\n{NONCE}".encode()).hexdigest()
    expected = sha256(f"huiyin-sample-1 seed\n{'a' * 64}\n{PERIOD}\n{NONCE}".encode()).digest()
    assert sampling.seed("a" * 64, PERIOD, NONCE) == expected


def test_every_part_changes_the_seed():
    """RI-15: without the nonce nobody can compute the seed, whatever they do to the frame."""
    parts = [
        ("a" * 64, PERIOD, NONCE),
        ("b" * 64, PERIOD, NONCE),
        ("a" * 64, "2026-11", NONCE),
        ("a" * 64, PERIOD, "0" * 64),
    ]
    assert len({sampling.seed(*part) for part in parts}) == 4


def test_new_nonces_differ_and_carry_256_bits():
    nonces = {sampling.new_nonce() for _ in range(100)}
    assert len(nonces) == 100
    assert {len(bytes.fromhex(nonce)) for nonce in nonces} == {32}


@pytest.mark.parametrize("nonce", ["", "1234", "F" * 64, "5f" * 15, f"{NONCE}\n"])
def test_a_guessable_or_ambiguous_nonce_is_refused(nonce):
    with pytest.raises(ValueError, match="nonce"):
        sampling.commitment(nonce)


def test_late_nonce_is_refused_to_the_second():
    """RI-09, RI-15: committed in the last second is in time, at the period's end is late."""
    sampling.check_committed(PERIOD_END - timedelta(seconds=1), period=PERIOD)
    for late in (PERIOD_END, PERIOD_END + timedelta(days=1)):
        with pytest.raises(ValueError, match=r"after 2026-10 had ended"):
            sampling.check_committed(late, period=PERIOD)
    with pytest.raises(ValueError, match="time zone"):
        sampling.check_committed(datetime(2026, 10, 1), period=PERIOD)


def test_months_begin_and_end_at_midnight_in_beijing():
    """RI-08: half-open, so a case closed at 00:00 belongs to exactly one month."""
    assert sampling.period_bounds(PERIOD) == (datetime(2026, 9, 30, 16, tzinfo=UTC), PERIOD_END)
    assert sampling.period_bounds("2026-12")[1] == sampling.period_bounds("2027-01")[0]
    for wrong in ("2026-13", "2026-00", "2026-Q3", "26-10", "2026-10 ", "２０２６-10"):
        with pytest.raises(ValueError, match="period must be a month"):
            sampling.period_bounds(wrong)


def test_a_known_draw_never_changes():
    """I12: worked out once with another decimal library; a change of any bit of the rule, or of the platform, shows."""
    entries = [FrameEntry(f"HY-20261003-{i:04}", "other", "1") for i in range(1, 19)]
    entries += [FrameEntry("HY-20261004-0001", "frequent", "2"), FrameEntry("HY-20261004-0002", "frequent", "2")]
    seed = sampling.seed(sampling.frame_hash(entries), PERIOD, NONCE)
    assert sampling.draw(entries, percent=12, seed=seed) == [
        (1, "HY-20261003-0018", "other", "-0.009567780235372977987081310843923953"),
        (2, "HY-20261003-0017", "other", "-0.09188579507829185575536604290616211"),
        (3, "HY-20261003-0006", "other", "-0.1424003898403623733848085380446112"),
    ]


def test_key_is_the_documented_logarithm():
    """ln(u) / weight with u from the HMAC of the number, compared with binary floating point."""
    for number in ("HY-20261003-0001", "案件"):
        bits = hmac.new(stream("seed"), number.encode(), "sha256").hexdigest()
        expected = log(int(bits, 16) / 2**256) / 1.5
        assert float(sampling.key(stream("seed"), number, "1.5")) == pytest.approx(expected, rel=1e-13)


@settings(max_examples=60, deadline=None)
@given(
    size=st.integers(0, 5000),
    percent=st.integers(10, 15),
    mix=st.integers(0, 2**32),
    shuffle=st.randoms(use_true_random=False),
)
def test_draw_is_repeatable_and_ignores_the_order_of_the_frame(size, percent, mix, shuffle):
    """I12, RI-07, RI-13: same frame and seed, same picks; right size; no duplicates; all from the frame."""
    entries = frame_of(size, mix=mix)
    picks = sampling.draw(entries, percent=percent, seed=stream(mix))
    shuffled = shuffle.sample(entries, size)
    assert sampling.draw(iter(shuffled), percent=percent, seed=stream(mix)) == picks
    assert sampling.frame_hash(shuffled) == sampling.frame_hash(entries)

    assert len(picks) == sampling.sample_size(size, percent=percent)
    assert [pick.order for pick in picks] == list(range(1, len(picks) + 1))
    assert len({pick.number for pick in picks}) == len(picks)
    assert {(p.number, p.stratum) for p in picks} <= {(e.number, e.stratum) for e in entries}
    keys = [Decimal(pick.key_text) for pick in picks]
    assert keys == sorted(keys, reverse=True)


@settings(max_examples=60, deadline=None)
@given(counts=st.lists(st.integers(1, 40), min_size=1, max_size=12), percent=st.integers(10, 15), salt=st.integers())
def test_strata_of_five_get_a_seat_and_the_rest_goes_by_key(counts, percent, salt):
    """REV-23, RI-13: the guarantee, and beyond it the largest keys, compared with the plain reading of the rule."""
    weights = {f"s{place}": str(Decimal(1 + place) / 4) for place in range(len(counts))}
    entries = [
        FrameEntry(f"{name}-{i}", name, weights[name])
        for name, n in zip(weights, counts, strict=True)
        for i in range(n)
    ]
    seed = stream(salt)
    ranked = sorted(entries, key=lambda e: sampling.key(seed, e.number, e.weight), reverse=True)
    size = sampling.sample_size(len(entries), percent=percent)
    firsts = [next(e for e in ranked if e.stratum == s) for s, n in zip(weights, counts, strict=True) if n >= 5]
    seated = [e for e in ranked if e in firsts][:size]
    seated += [e for e in ranked if e not in seated][: size - len(seated)]

    picks = sampling.draw(entries, percent=percent, seed=seed)
    assert [p.number for p in picks] == [e.number for e in ranked if e in seated]
    if len(firsts) <= size:
        assert {e.stratum for e in firsts} <= {p.stratum for p in picks}


def test_every_case_of_one_stratum_has_the_same_chance():
    """REV-22: 2,000 draws of 5 out of 40: 250 hits expected of each, within three standard deviations."""
    entries = [FrameEntry(f"HY-20261003-{i:04}", "other", "1") for i in range(40)]
    hits = Counter(p.number for turn in range(2000) for p in sampling.draw(entries, percent=12, seed=stream(turn)))
    assert hits.total() == 2000 * 5
    sigma = sqrt(2000 * 0.125 * 0.875)
    for entry in entries:
        assert abs(hits[entry.number] - 250) < 3 * sigma, entry


def test_chances_follow_the_weights():
    """REV-23: 2,000 draws of 3 out of 20 weighted cases against the exact chances of drawing one after the other."""
    weights = {"a": "0.5", "b": "1", "c": "1.5", "d": "2", "e": "4"}
    entries = [FrameEntry(f"{name}{i}", name, weight) for name, weight in weights.items() for i in range(4)]
    total = sum(float(e.weight) for e in entries)
    chance: Counter[str] = Counter()
    for first, second, third in permutations(entries, 3):
        one, two, three = float(first.weight), float(second.weight), float(third.weight)
        likelihood = one / total * two / (total - one) * three / (total - one - two)
        for entry in (first, second, third):
            chance[entry.number] += likelihood
    hits = Counter(p.number for turn in range(2000) for p in sampling.draw(entries, percent=15, seed=stream(turn)))
    assert hits.total() == 6000
    for entry in entries:
        p = chance[entry.number]
        assert abs(hits[entry.number] - 2000 * p) < 3 * sqrt(2000 * p * (1 - p)), entry


@settings(max_examples=40, deadline=None)
@given(size=st.integers(1, 120), mix=st.integers(0, 2**32), conflicts=st.randoms(use_true_random=False))
def test_replacement_is_what_a_draw_without_the_conflicted_cases_gives(size, mix, conflicts):
    """RI-04: next in the same stream, whatever the order in which conflicts come up; the other picks stay."""
    entries, seed = frame_of(size, mix=mix), stream(mix)
    picks = sampling.draw(entries, percent=12, seed=seed)
    first_draw, aside = list(picks), []
    for _ in range(min(5, size)):
        standing = sorted({pick.number for pick in picks} - set(aside))
        if not standing:
            break
        conflicted = conflicts.choice(standing)
        fresh = sampling.replacement(entries, picks, conflicted, seed=seed, earlier=aside)
        aside.append(conflicted)
        if fresh is None:
            assert len(picks) == size
            break
        assert fresh.number not in {pick.number for pick in picks}
        assert fresh.order == len(picks) + 1
        picks.append(fresh)

    strata = Counter(entry.stratum for entry in entries)
    left = [entry for entry in entries if entry.number not in aside]
    keys = {entry.number: sampling.key(seed, entry.number, entry.weight) for entry in left}
    ranked = sorted(left, key=lambda e: keys[e.number], reverse=True)
    seats = min(len(first_draw), len(left))
    firsts = {next(e for e in ranked if e.stratum == s) for s in {e.stratum for e in ranked} if strata[s] >= 5}
    expected = {e.number for e in [e for e in ranked if e in firsts][:seats]}
    expected |= {e.number for e in [e for e in ranked if e.number not in expected][: seats - len(expected)]}
    assert {pick.number for pick in picks} - set(aside) == expected


def test_replacement_of_a_case_that_was_not_drawn_is_refused_and_an_empty_frame_has_none():
    """RI-06: no silent fallback when nothing is left."""
    entries = frame_of(30)
    picks = sampling.draw(entries, percent=10, seed=stream(1))
    outsider = next(e.number for e in entries if e.number not in {p.number for p in picks})
    with pytest.raises(ValueError, match="not a standing pick"):
        sampling.replacement(entries, picks, outsider, seed=stream(1))
    with pytest.raises(ValueError, match="not a standing pick"):
        sampling.replacement(entries, picks, picks[0].number, seed=stream(1), earlier=[picks[0].number])
    only = [FrameEntry("A", "other", "1")]
    assert sampling.replacement(only, sampling.draw(only, percent=10, seed=stream(1)), "A", seed=stream(1)) is None


def test_strata_table_counts_and_expects_what_many_draws_show():
    """REV-23: expected figures add up to the sample and lie where the mean of 300 draws lies."""
    sizes = {"frequent": 42, "vulnerable": 71, "cross_department": 102, "other": 480}
    entries = [FrameEntry(f"{name}-{i}", name, WEIGHTS[name]) for name, n in sizes.items() for i in range(n)]
    picks = sampling.draw(entries, percent=12, seed=stream(0))
    rows = sampling.strata_table(entries, picks)
    assert [(row.stratum, row.frame, row.weight) for row in rows] == [
        ("frequent", 42, "2"),
        ("cross_department", 102, "1.5"),
        ("vulnerable", 71, "1.5"),
        ("other", 480, "1"),
    ]
    assert sum(row.drawn for row in rows) == 84
    assert sum(row.expected for row in rows) == pytest.approx(84)
    for row in rows:
        assert row.drawn == sum(pick.stratum == row.stratum for pick in picks)
        assert row.share == row.drawn / row.frame
    drawn = Counter(p.stratum for turn in range(300) for p in sampling.draw(entries, percent=12, seed=stream(turn)))
    for row in rows:
        chance = row.expected / row.frame
        tolerance = 3 * sqrt(row.frame * chance * (1 - chance) / 300)
        assert abs(drawn[row.stratum] / 300 - row.expected) < tolerance, row


def test_strata_table_of_small_and_empty_frames():
    assert sampling.strata_table([], []) == []
    entries = [FrameEntry("A", "other", "1")]
    assert sampling.strata_table(entries, sampling.draw(entries, percent=10, seed=stream(1))) == [
        ("other", 1, "1", 1.0, 1, 1.0)
    ]
    assert sampling.strata_table(entries, []) == [("other", 1, "1", pytest.approx(0), 0, 0.0)]


@pytest.mark.parametrize("size", [0, 1, 4, 5, 63, 1000])
def test_an_honest_document_verifies(size, tmp_path):
    document = exported(frame_of(size))
    assert sampling.verify(document) == sampling.Verification([])
    assert sampling.verify(document).ok
    assert run_script(document, tmp_path) == (0, "match")


def test_document_refuses_entries_that_contradict_its_weights():
    with pytest.raises(ValueError, match="frequent"):
        exported(frame_of(200), weights=WEIGHTS | {"frequent": "3"})
    with pytest.raises(ValueError, match="other"):
        exported([FrameEntry("A", "other", "1")], weights={"frequent": "2"})


def tamperings() -> dict[str, dict]:
    """One forged document per field and way; `resealed` ones have a matching checksum."""
    honest = exported(frame_of(200))
    spare = next(n for n, _ in honest["frame"] if n not in {p["number"] for p in honest["picks"]})
    plain = {name: {name: "0" * 64} for name in ("commitment", "nonce", "frame_hash", "seed", "checksum")}
    plain |= {
        name: {name: "x"} for name in ("format", "period", "committed_at", "drawn_at", "frame", "picks", "weights")
    }
    plain |= {"percent 13": {"percent": 13}, "rule": {"rule_version": "4"}, "added": {"remark": "approved"}}
    plain |= {"committed earlier": {"committed_at": "2026-09-01T08:00:00+08:00"}}
    forged = {
        "period": {"period": "2026-09"},
        "percent": {"percent": 15},
        "percent outside": {"percent": 20},
        "weight": {"weights": honest["weights"] | {"frequent": "1"}},
        "stratum without weight": {"weights": {"other": "1"}},
        "nonce chosen afterwards": exported(frame_of(200), nonce="ab" * 32, commitment=honest["commitment"]),
        "frame hash": {"frame_hash": "0" * 64},
        "late commitment": {"committed_at": "2026-11-01T00:00:00+08:00"},
        "no time zone": {"committed_at": "2026-10-01T00:00:00"},
        "early draw": {"drawn_at": "2026-10-31T23:59:59+08:00"},
        "case left out": {"frame": honest["frame"][1:]},
        "case added": {"frame": [*honest["frame"], ["HY-20261031-0001", "other"]]},
        "case twice": {"frame": [*honest["frame"], honest["frame"][0]]},
        "case moved to another stratum": {"frame": [[honest["frame"][0][0], "none_this_month"], *honest["frame"][1:]]},
        "another seed": {"seed": sampling.seed(honest["frame_hash"], "2026-11", NONCE).hex()},
        "another nonce with its commitment": {"nonce": "ab" * 32, "commitment": sampling.commitment("ab" * 32)},
        "pick left out": {"picks": honest["picks"][:-1]},
        "pick beside the list": {"picks": honest["picks"][:-1], f"pick {len(honest['picks'])}": honest["picks"][-1]},
        "pick added": {"picks": [*honest["picks"], honest["picks"][0] | {"order": 25}]},
        "pick exchanged": {"picks": [honest["picks"][0] | {"number": spare}, *honest["picks"][1:]]},
        "picks reordered": {"picks": honest["picks"][::-1]},
        "key": {"picks": [honest["picks"][0] | {"key": "-0.001"}, *honest["picks"][1:]]},
    }
    made = {f"{name} changed": deepcopy(honest) | change for name, change in plain.items()}
    made |= {f"{name} removed": {k: v for k, v in honest.items() if k != name} for name in honest}
    return made | {f"{name} forged": resealed(deepcopy(honest) | change) for name, change in forged.items()}


SMALL, TAMPERED = exported(frame_of(12)), tamperings()


@pytest.mark.parametrize("name", TAMPERED)
def test_a_tampered_document_fails(name):
    """I12, RI-07, RI-15: each field; with the checksum made to fit, every field that decides the draw."""
    verification = sampling.verify(TAMPERED[name])
    assert not verification.ok
    assert all(verification.problems)


@pytest.mark.parametrize("junk", [None, [], "x", 7, {}, {"format": "huiyin-sample-1"}, {"format": "huiyin-sample-2"}])
def test_junk_is_reported_not_raised(junk):
    assert len(sampling.verify(junk).problems) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), value=JSON)
def test_any_json_in_any_field_is_reported_not_raised(data, value):
    """A document comes from outside: whatever stands in a field, the answer is a list of problems."""
    document = deepcopy(SMALL)
    name = data.draw(st.sampled_from(sorted(document)))
    if name in ("frame", "picks") and data.draw(st.booleans()):
        document[name][0] = value
    else:
        document[name] = value
    assume(document != SMALL)
    assert not sampling.verify(document).ok


def test_the_problem_says_what_is_wrong():
    assert sampling.verify(TAMPERED["late commitment forged"]).problems == [
        "the nonce was committed after 2026-10 had ended"
    ]
    assert sampling.verify(TAMPERED["nonce chosen afterwards forged"]).problems == [
        "the nonce is not the one that was committed"
    ]
    assert sampling.verify(TAMPERED["frame hash forged"]).problems == ["the frame does not have the recorded hash"]
    assert sampling.verify(TAMPERED["pick left out forged"]).problems[0] == (
        "23 cases are recorded as drawn; the rule draws 24"
    )
    assert sampling.verify(TAMPERED["pick exchanged forged"]).problems[0].startswith("pick 1 differs: recorded HY-")


def test_stand_alone_script_agrees_on_seeded_documents(tmp_path):
    """I12: twenty honest months and every forgery are judged alike by a program that shares no code with ours."""
    forgeries = [name for name in TAMPERED if name.endswith("forged")]
    for turn in range(20):
        entries = frame_of(40 + 37 * turn, mix=turn)
        document = exported(entries, percent=10 + turn % 6, nonce=f"{turn:064x}")
        assert sampling.verify(document).ok
        assert run_script(document, tmp_path) == (0, "match")
    for name in forgeries:
        code, said = run_script(TAMPERED[name], tmp_path)
        assert (code, "Traceback" in said) == (1, False)
        assert said.startswith(("difference in ", "cannot be read"))


NAMED_BY_THE_SCRIPT = {
    "period": "commitment made before the month ended",
    "percent": "pick 25",
    "percent outside": "percent: recorded 20",
    "weight": "frame_hash",
    "nonce chosen afterwards": "commitment",
    "frame hash": "frame_hash",
    "late commitment": "commitment made before the month ended",
    "early draw": "draw made after the month ended",
    "case left out": "frame_hash",
    "case added": "frame_hash",
    "case twice": "frame: recorded",
    "case moved to another stratum": "frame_hash",
    "another seed": "seed",
    "another nonce with its commitment": "seed",
    "pick left out": "pick 24",
    "pick beside the list": "pick 24: recorded None",
    "pick added": "pick 25",
    "pick exchanged": "pick 1: recorded {'order': 1",
    "picks reordered": "pick 1: recorded {'order': 24",
    "key": "pick 1",
}


@pytest.mark.parametrize("kind", NAMED_BY_THE_SCRIPT)
def test_rev_23_the_stand_alone_script_names_what_was_forged(kind, tmp_path):
    code, said = run_script(TAMPERED[f"{kind} forged"], tmp_path)
    assert code == 1
    assert said.startswith(f"difference in {NAMED_BY_THE_SCRIPT[kind]}")
    assert len(said) < 800  # a forged list of a million cases does not flood the terminal


def test_rev_23_the_stand_alone_script_fits_on_a_page_and_needs_nothing_but_python():
    """Whoever is to trust it reads it first: at most 40 lines of code, none over-long, none with two statements."""
    text = SCRIPT.read_text(encoding="utf-8")
    tree = ast.parse(text)
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= sys.stdlib_module_names
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    with SCRIPT.open("rb") as file:
        tokens = [token for token in tokenize.tokenize(file.readline) if token.type != tokenize.ENCODING]
    assert ";" not in {token.string for token in tokens}
    introduction = tree.body[0].end_lineno
    code = {
        line
        for token in tokens
        if token.type not in silent and token.start[0] > introduction
        for line in range(token.start[0], token.end[0] + 1)
    }
    assert len(code) <= 40
    assert max(map(len, text.splitlines())) <= 120


def test_a_hundred_thousand_cases_are_drawn_in_a_few_dozen_bytes_each():
    """A large city's month must not need more memory than a worker has: below 200 bytes per case."""
    entries = frame_of(100_000)
    tracemalloc.start()
    try:
        picks = sampling.draw(entries, percent=12, seed=stream(1))
        assert tracemalloc.get_traced_memory()[1] < 200 * 100_000
    finally:
        tracemalloc.stop()
    assert len(picks) == 12_000
