"""Which closed cases are drawn for review: 10-15 % of the month, repeatable by anyone (REV-22, REV-23, I12).

Pure functions: no database, no clock, and no randomness but `new_nonce`. The same frame, period, nonce and percent
give the same picks on any machine and in any language. `docs/verify_sample.py` repeats a draw independently of this
module; `docs/adr/0005-verifiable-sampling.md` says why it is built so. The rule `huiyin-sample-1`:

* text is UTF-8; order of text is order of code points; hashes and nonces are written in lower-case hexadecimal;
* frame: the line `huiyin-sample-1 frame`, then one line `number TAB stratum TAB weight` per case, sorted by number,
  each ending in LF; a weight is a plain decimal without needless zeros (`2`, `1.5`), one per stratum;
* commitment = SHA-256 of `huiyin-sample-1 commitment LF nonce`;
* seed = SHA-256 of `huiyin-sample-1 seed LF frame hash LF period LF nonce`;
* a case's digest = HMAC-SHA256(seed, number), read as a big-endian integer n; u = (n + 1) / (2^256 + 1);
  key = ln(u) / weight, which orders cases as u^(1/weight) does. Quotient, logarithm and quotient are each correctly
  rounded, half to even, to the 34 digits of IEEE 754 decimal128; no binary floating point takes part;
* order: larger key first; on equal keys the larger digest, then the later number;
* seats: every stratum of at least five cases gets its first case in (the first such strata, if there are more of them
  than seats); the remaining seats go to the first of all other cases;
* fingerprint = SHA-256 of `huiyin-sample-1 fingerprint LF seed`, public from the draw on; it takes no part in it;
* replacement: the same seats are given again, passing over every case set aside so far; the one case that was not
  drawn before is the replacement;
* result = SHA-256 of `huiyin-sample-1 result LF seed` and, each after a LF, the numbers of the picks that were not set
  aside, in the order above. It is published once every review is over. The document alone cannot show that a seat given
  on was left out of it, for without that seat it is a sound draw: only what was published elsewhere can.
"""

import hmac
import re
import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from hashlib import sha256
from heapq import merge, nlargest
from itertools import islice, zip_longest
from json import dumps
from math import expm1
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

RULE = "huiyin-sample-1"
LOWEST_PERCENT, HIGHEST_PERCENT = 10, 15  # REV-22
SMALLEST_GUARANTEED_STRATUM = 5  # a smaller stratum's guaranteed pick would be a chance of one in four or more
CHINA = timezone(timedelta(hours=8))  # months begin and end at midnight in Beijing, which keeps no summer time

_DECIMAL128 = Context(prec=34, rounding=ROUND_HALF_EVEN)
_DIGEST_RANGE = Decimal(2**256 + 1)
_DIGEST_BYTES = 32
_WEIGHT = re.compile(r"([0-9]{1,3})(?:\.([0-9]{1,3})0*)?")
_PERIOD = re.compile(r"(2[0-9]{3})-(0[1-9]|1[0-2])")
_NONCE = re.compile(r"[0-9a-f]{32,128}")  # at least 128 bits


class FrameEntry(NamedTuple):
    """One case that may be drawn. All cases of a stratum carry the same weight."""

    number: str
    stratum: str
    weight: Decimal | str


class Pick(NamedTuple):
    """One drawn case; `order` counts from 1 and `key_text` is its key, ln(u) / weight."""

    order: int
    number: str
    stratum: str
    key_text: str


class StratumRow(NamedTuple):
    """One line of the table shown beside a draw; `expected` is in cases, `share` is drawn / frame (0 to 1)."""

    stratum: str
    frame: int
    weight: str
    expected: float
    drawn: int
    share: float


@dataclass(frozen=True)
class Verification:
    """What repeating a draw found; `problems` are sentences for people, the root cause first."""

    problems: list[str]

    @property
    def ok(self) -> bool:
        return not self.problems


def period_bounds(period: str) -> tuple[datetime, datetime]:
    """Start and end of a month such as `2026-10`, half-open (start <= t < end). Raises ValueError."""
    match = _PERIOD.fullmatch(period)
    if not match:
        raise ValueError(_("period must be a month such as 2026-10, not “%(value)s”") % {"value": period})
    start = datetime(int(match[1]), int(match[2]), 1, tzinfo=CHINA)
    return start, (start + timedelta(days=31)).replace(day=1)


def check_committed(committed_at: datetime, *, period: str) -> None:
    """Raise ValueError unless the nonce was committed before the period's end (RI-09, RI-15)."""
    if committed_at.tzinfo is None:
        raise ValueError(_("committed_at must carry a time zone"))
    if committed_at >= period_bounds(period)[1]:
        raise ValueError(_("the nonce was committed after %(period)s had ended") % {"period": period})


def sample_size(frame: int, *, percent: int) -> int:
    """Whole cases inside 10-15 % where such a number exists, else the smallest that reaches 10 % (REV-22, RI-13).

    Raises ValueError if `percent` lies outside 10 to 15.
    """
    if type(percent) is not int or not LOWEST_PERCENT <= percent <= HIGHEST_PERCENT:
        raise ValueError(
            _("percent must be a whole number from 10 to 15, not %(value)s: choose one in that range")
            % {"value": percent}
        )
    low, high, wanted = -(-frame * LOWEST_PERCENT // 100), frame * HIGHEST_PERCENT // 100, -(-frame * percent // 100)
    return min(wanted, max(low, high))


def new_nonce() -> str:
    """A secret of 256 bits. Keep it until the draw; publish its `commitment` before the period ends."""
    return secrets.token_hex(32)


def commitment(nonce: str) -> str:
    """The hash that binds a nonce without showing it. Raises ValueError if the nonce is malformed."""
    return _hash("commitment", _checked_nonce(nonce))


def canonical_frame(entries: Iterable[FrameEntry]) -> bytes:
    """The frame as the bytes that are hashed (format: module docstring).

    Raises ValueError for a number that occurs twice, text that would break the line format, a malformed weight or two
    weights in one stratum.
    """
    return b"".join(_frame_lines(entries))


def frame_hash(entries: Iterable[FrameEntry]) -> str:
    """SHA-256 of `canonical_frame`, without holding all of it in memory. Raises as that does."""
    running = sha256()
    for line in _frame_lines(entries):
        running.update(line)
    return running.hexdigest()


def seed(frame_hash: str, period: str, nonce: str) -> bytes:
    """What decides the draw: known only once the frame is frozen and the nonce shown (RI-07, RI-15)."""
    period_bounds(period)
    return bytes.fromhex(_hash("seed", frame_hash, period, _checked_nonce(nonce)))


def fingerprint(seed_hex: str) -> str:
    """The hash that binds a draw from its day on without letting anybody work out a key (RI-12)."""
    return _hash("fingerprint", seed_hex)


def result_hash(seed_hex: str, standing: Iterable[Pick]) -> str:
    """The hash that binds which cases were looked at in the end; `standing` are the picks not set aside (RI-04)."""
    seed = bytes.fromhex(seed_hex)
    keyed = sorted(
        ((Decimal(pick.key_text), _digest(seed, pick.number), pick.number) for pick in standing), reverse=True
    )
    return _hash("result", seed_hex, *(number for _key, _digest, number in keyed))


def key(seed: bytes, number: str, weight: Decimal | str) -> Decimal:
    """The case's place in the stream, never positive: the largest keys are drawn."""
    return _key(_digest(seed, number), Decimal(_weight_text(weight)))


def draw(entries: Iterable[FrameEntry], *, percent: int, seed: bytes) -> list[Pick]:
    """The picks in drawing order; the order of `entries` does not matter and one pass over them suffices.

    Raises ValueError as `sample_size` does, for two weights in one stratum and for a number drawn twice (`frame_hash`,
    which the seed needs, has refused any duplicate before).
    """
    return _choose(entries, seed, lambda frame: sample_size(frame, percent=percent))


def replacement(
    entries: Iterable[FrameEntry],
    picks: Iterable[Pick],
    conflicted_number: str,
    *,
    seed: bytes,
    earlier: Collection[str] = (),
) -> Pick | None:
    """The case that takes the seat of a pick nobody may review, from the same stream (RI-04, RI-06).

    It is the case that would have been drawn had the set-aside cases been passed over, so it cannot be chosen.
    `picks` are all picks so far, replacements included; `earlier` the numbers set aside before. None: no case is left.
    """
    taken = {pick.number for pick in picks}
    aside = {*earlier, conflicted_number}
    if not aside <= taken or conflicted_number in earlier:
        raise ValueError(_("case %(number)s is not a standing pick of this draw") % {"number": conflicted_number})
    standing = len(taken) - len(aside)
    again = _choose(entries, seed, lambda frame: standing + 1, aside)
    fresh = [pick for pick in again if pick.number not in taken]
    return fresh[0]._replace(order=len(taken) + 1) if fresh else None


def strata_table(entries: Iterable[FrameEntry], picks: Iterable[Pick]) -> list[StratumRow]:
    """Per stratum what the rule leads one to expect and what was drawn, heaviest first (REV-23).

    `expected` is the mean over all seeds to a close approximation: the keys are exponential waiting times, so a case
    is in with probability 1 - exp(-weight * t), with t such that the whole sample comes out. It leaves aside the seat
    guaranteed to a stratum, which matters only to strata of a handful of cases.
    """
    frame: Counter[str] = Counter()
    weights: dict[str, str] = {}
    for entry in entries:
        frame[entry.stratum] += 1
        weights[entry.stratum] = _weight_text(entry.weight)
    drawn = Counter(pick.stratum for pick in picks)
    expected = _expected(frame, {name: float(weight) for name, weight in weights.items()}, drawn.total())
    return [
        StratumRow(name, frame[name], weights[name], expected[name], drawn[name], drawn[name] / frame[name])
        for name in sorted(frame, key=lambda name: (-Decimal(weights[name]), name))
    ]


def document(
    *,
    period: str,
    percent: int,
    commitment: str,
    committed_at: datetime,
    nonce: str,
    drawn_at: datetime,
    rule_version: str,
    weights: Mapping[str, Decimal | str],
    entries: Iterable[FrameEntry],
    picks: Iterable[Pick],
    frame_hash: str,
    seed_hex: str,
    replacements: Iterable[tuple[str, Pick]] = (),
) -> dict[str, Any]:
    """The draw as recorded, ready for JSON: all that anyone needs to repeat it.

    `replacements` are pairs of the number set aside and the case that took its seat, in the order they were made.

    It states and does not judge: a bad draw is exported as it is, and `verify` says what is wrong with it.
    `rule_version` names the organisation's approved strata and weights, `format` the rule of this module. Raises
    ValueError where the entries contradict `weights`.
    """
    weight_texts = {stratum: _weight_text(weight) for stratum, weight in weights.items()}
    frame = []
    for number, stratum, weight in sorted(entries, key=lambda entry: entry.number):
        if weight_texts.get(stratum) != _weight_text(weight):
            raise ValueError(_("stratum “%(stratum)s” has no weight or two of them") % {"stratum": stratum})
        frame.append([number, stratum])
    content: dict[str, Any] = {
        "format": RULE,
        "period": period,
        "percent": percent,
        "rule_version": rule_version,
        "weights": weight_texts,
        "commitment": commitment,
        "committed_at": committed_at.isoformat(),
        "nonce": nonce,
        "drawn_at": drawn_at.isoformat(),
        "frame": frame,
        "frame_hash": frame_hash,
        "seed": seed_hex,
        "picks": _pick_rows(picks),
    }
    if rows := [{"aside": aside, **_pick_rows([pick])[0]} for aside, pick in replacements]:
        content["replacements"] = rows
    return {**content, "checksum": _checksum(content)}


def verify(document: object, *, result: str = "") -> Verification:
    """Repeat the draw from its document alone and report every difference. Never raises on a malformed document.

    `result` is the published hash of the result, for whoever has it: the document must be the one it was made of.
    """
    try:
        if not isinstance(document, dict) or document.get("format") != RULE:
            return Verification([_("this is not a sample document of format %(format)s") % {"format": RULE}])
        return Verification([*_problems(document), *(_result_problems(document, result) if result else ())])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return Verification([_("the document cannot be read: %(error)s") % {"error": error}])


def _problems(document: dict[str, Any]) -> Iterator[str]:
    period, nonce, weights = document["period"], document["nonce"], document["weights"]

    def entries() -> Iterator[FrameEntry]:
        # Anew for each pass: a list of a million entries would stand beside the document in memory.
        return (FrameEntry(number, stratum, weights[stratum]) for number, stratum in document["frame"])

    hashed = frame_hash(entries())
    if hashed != document["frame_hash"]:
        yield _("the frame does not have the recorded hash")
    if commitment(nonce) != document["commitment"]:
        yield _("the nonce is not the one that was committed")
    committed_at, drawn_at = (datetime.fromisoformat(document[name]) for name in ("committed_at", "drawn_at"))
    try:
        check_committed(committed_at, period=period)
    except ValueError as late:
        yield str(late)
    if drawn_at < period_bounds(period)[1]:
        yield _("the draw was made before %(period)s had ended") % {"period": period}
    seeded = seed(hashed, period, nonce)
    if seeded.hex() != document["seed"]:
        yield _("the seed does not follow from frame, period and nonce")
    picks = draw(entries(), percent=document["percent"], seed=seeded)
    repeated = _pick_rows(picks)
    recorded = document["picks"]
    if len(recorded) != len(repeated):
        yield _("%(recorded)s cases are recorded as drawn; the rule draws %(repeated)s") % {
            "recorded": len(recorded),
            "repeated": len(repeated),
        }
    for place, (row, expected) in enumerate(zip_longest(recorded, repeated), start=1):
        if row != expected:
            yield _("pick %(place)s differs: recorded %(recorded)s, repeated %(repeated)s") % {
                "place": place,
                "recorded": row["number"] if row else "–",
                "repeated": expected["number"] if expected else "–",
            }
            break
    yield from _replacement_problems(document.get("replacements", []), entries, picks, seeded)
    if document["checksum"] != _checksum({name: value for name, value in document.items() if name != "checksum"}):
        yield _("the document was changed after it was written: its checksum differs")


def _result_problems(document: dict[str, Any], published: str) -> Iterator[str]:
    """Whether a seat that was given on is left out, or another document was published."""
    replaced = document.get("replacements", [])
    aside = {row["aside"] for row in replaced}
    rows = [row for row in [*document["picks"], *replaced] if row["number"] not in aside]
    standing = [Pick(row["order"], row["number"], row["stratum"], row["key"]) for row in rows]
    if result_hash(document["seed"], standing) != published:
        yield _(
            "the result is not the published one: a seat given to another case is left out, or another draw is meant"
        )


def _replacement_problems(
    recorded: list[dict[str, Any]], entries: Callable[[], Iterator[FrameEntry]], picks: list[Pick], seed: bytes
) -> Iterator[str]:
    """The first seat that was not given to the next case of the stream."""
    earlier: list[str] = []
    for row in recorded:
        fresh = replacement(entries(), picks, row["aside"], seed=seed, earlier=earlier)
        if fresh is None or row != {"aside": row["aside"], **_pick_rows([fresh])[0]}:
            yield _("the replacement of %(aside)s differs: recorded %(recorded)s, repeated %(repeated)s") % {
                "aside": row["aside"],
                "recorded": row["number"],
                "repeated": fresh.number if fresh else "–",
            }
            return
        earlier.append(row["aside"])
        picks = [*picks, fresh]


def _choose(
    entries: Iterable[FrameEntry], seed: bytes, size: Callable[[int], int], aside: Collection[str] = ()
) -> list[Pick]:
    """The picks of a frame of n cases with `size(n)` seats, passing over the numbers in `aside`."""
    # Inside a stratum the order by digest is the order by key, so a logarithm (slow) is taken only of the cases that
    # the merged stream reaches. A ticket is digest + number in one bytes object: that keeps a million of them small.
    tickets: dict[str, list[bytes]] = {}
    weights: dict[str, str] = {}
    for number, stratum, weight in entries:
        _one_weight(weights, stratum, weight)
        tickets.setdefault(stratum, []).append(_digest(seed, number) + number.encode())
    seats = size(sum(map(len, tickets.values())))
    streams = {name: _stream(name, Decimal(weights[name]), own, aside) for name, own in tickets.items()}
    guaranteed = (streams[name] for name, own in tickets.items() if len(own) >= SMALLEST_GUARANTEED_STRATUM)
    chosen = nlargest(seats, (first for stream in guaranteed for first in islice(stream, 1)))
    chosen += islice(merge(*streams.values(), reverse=True), seats - len(chosen))
    chosen.sort(reverse=True)
    picks = [
        Pick(order, ticket[_DIGEST_BYTES:].decode(), stratum, str(key))
        for order, (key, ticket, stratum) in enumerate(chosen, start=1)
    ]
    if len({pick.number for pick in picks}) != len(picks):
        raise ValueError(_("a case number occurs twice in the frame"))
    return picks


def _stream(
    stratum: str, weight: Decimal, tickets: list[bytes], aside: Collection[str]
) -> Iterator[tuple[Decimal, bytes, str]]:
    """The stratum's cases in drawing order as (key, ticket, stratum); keys are worked out as they are asked for."""
    tickets.sort(reverse=True)
    passed_over = {number.encode() for number in aside}
    for ticket in tickets:
        if ticket[_DIGEST_BYTES:] not in passed_over:
            yield _key(ticket[:_DIGEST_BYTES], weight), ticket, stratum


def _digest(seed: bytes, number: str) -> bytes:
    return hmac.digest(seed, number.encode(), "sha256")


def _key(digest: bytes, weight: Decimal) -> Decimal:
    u = _DECIMAL128.divide(Decimal(int.from_bytes(digest, "big") + 1), _DIGEST_RANGE)
    return _DECIMAL128.divide(_DECIMAL128.ln(u), weight)


def _frame_lines(entries: Iterable[FrameEntry]) -> Iterator[bytes]:
    # Bytes are held, not entries: half the memory. They sort as code points do.
    lines: list[bytes] = []
    weights: dict[str, str] = {}
    for number, stratum, weight in entries:
        for text in (number, stratum):
            if not text or "\t" in text or "\n" in text:
                raise ValueError(_("a case number and a stratum must be text without tabs and line breaks"))
        lines.append(f"{number}\t{stratum}\t{_one_weight(weights, stratum, weight)}\n".encode())
    lines.sort(key=_number_of)
    yield f"{RULE} frame\n".encode()
    previous = b""
    for line in lines:
        number_bytes = _number_of(line)
        if number_bytes == previous:
            raise ValueError(_("case %(number)s occurs twice in the frame") % {"number": number_bytes.decode()})
        previous = number_bytes
        yield line


def _number_of(line: bytes) -> bytes:
    return line.partition(b"\t")[0]


def _one_weight(weights: dict[str, str], stratum: str, weight: Decimal | str) -> str:
    """The weight's canonical text; ValueError if the stratum was seen with another one."""
    text = _weight_text(weight)
    if weights.setdefault(stratum, text) != text:
        raise ValueError(_("stratum “%(stratum)s” has no weight or two of them") % {"stratum": stratum})
    return text


@lru_cache(maxsize=256)
def _weight_text(weight: Decimal | str) -> str:
    match = _WEIGHT.fullmatch(f"{weight:f}" if isinstance(weight, Decimal) else weight)
    text = f"{int(match[1])}.{match[2] or ''}".rstrip("0").rstrip(".") if match else "0"
    if text == "0":
        raise ValueError(
            _("weight must be above 0 and below 1000 with at most three decimals, not “%(value)s”") % {"value": weight}
        )
    return text


def _checked_nonce(nonce: str) -> str:
    if not _NONCE.fullmatch(nonce):
        raise ValueError(_("the nonce must be 32 to 128 lower-case hexadecimal digits"))
    return nonce


def _expected(frame: Counter[str], weights: dict[str, float], seats: int) -> dict[str, float]:
    """Expected picks per stratum: 1 - exp(-weight * t) of each, with t found by halving so that they add up."""

    def at(t: float) -> dict[str, float]:
        return {name: count * -expm1(-weights[name] * t) for name, count in frame.items()}

    if seats >= frame.total():
        return {name: float(count) for name, count in frame.items()}
    low, high = 0.0, 1.0
    while sum(at(high).values()) < seats:
        high *= 2
    for _step in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(at(middle).values()) < seats else (low, middle)
    return at(high)


def _pick_rows(picks: Iterable[Pick]) -> list[dict[str, Any]]:
    return [{"order": p.order, "number": p.number, "stratum": p.stratum, "key": p.key_text} for p in picks]


def _hash(purpose: str, *parts: str) -> str:
    return sha256("\n".join([f"{RULE} {purpose}", *parts]).encode()).hexdigest()


def _checksum(content: dict[str, Any]) -> str:
    """Ties the fields that the draw does not depend on (rule version, times) to the rest."""
    return _hash("document", dumps(content, sort_keys=True, separators=(",", ":")))
