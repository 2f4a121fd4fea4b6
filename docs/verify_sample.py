"""Repeat a monthly sample from its exported document alone: python verify_sample.py DOCUMENT.json

Needs Python 3.11 or later and nothing else; the rule is written out at the top of review/sampling.py.
Prints "match" (exit 0) or the first difference (exit 1).
"""

import json
import sys
from collections import Counter
from datetime import datetime
from decimal import Context, Decimal
from hashlib import sha256
from hmac import digest


def hashed(purpose, *parts):
    return sha256("\n".join([f"huiyin-sample-1 {purpose}", *parts]).encode()).hexdigest()


def differences(doc):
    yield "format", doc["format"], "huiyin-sample-1"
    period, nonce, weights, percent = doc["period"], doc["nonce"], doc["weights"], doc["percent"]
    frame = sorted((number, stratum) for number, stratum in doc["frame"])
    yield "duplicate case numbers", len(dict(frame)), len(frame)
    lines = "".join(f"{number}\t{stratum}\t{weights[stratum]}\n" for number, stratum in frame)
    frame_hash = hashed("frame", lines)
    yield "frame_hash", doc["frame_hash"], frame_hash
    yield "commitment", doc["commitment"], hashed("commitment", nonce)
    year, month = int(period[:4]), int(period[5:])
    end = datetime.fromisoformat(f"{year + month // 12}-{month % 12 + 1:02}-01T00:00:00+08:00")
    yield "committed before the period's end", datetime.fromisoformat(doc["committed_at"]) < end, True
    yield "drawn after the period's end", datetime.fromisoformat(doc["drawn_at"]) >= end, True
    seed = hashed("seed", frame_hash, period, nonce)
    yield "seed", doc["seed"], seed
    yield "percent from 10 to 15", type(percent) is int and 10 <= percent <= 15, True
    low, high, wanted = (-(-len(frame) * 10 // 100), len(frame) * 15 // 100, -(-len(frame) * percent // 100))
    size, exact, ranked = min(wanted, max(low, high)), Context(prec=34, rounding="ROUND_HALF_EVEN"), []
    for number, stratum in frame:
        bits = digest(bytes.fromhex(seed), number.encode(), "sha256")
        u = exact.divide(Decimal(int.from_bytes(bits, "big") + 1), Decimal(2**256 + 1))
        ranked.append((exact.divide(exact.ln(u), Decimal(weights[stratum])), bits, number, stratum))
    ranked.sort(reverse=True)
    strata = Counter(row[3] for row in ranked)

    def seated(aside):
        left = [row for row in ranked if row[2] not in aside]
        firsts = {row[3]: row for row in reversed(left) if strata[row[3]] >= 5}
        seats = sorted(firsts.values(), reverse=True)[:size]
        seats += [row for row in left if row not in seats][: size - len(seats)]
        return [{"number": row[2], "stratum": row[3], "key": str(row[0])} for row in sorted(seats, reverse=True)]

    picks, aside = seated([]), []
    yield "number of picks", len(doc["picks"]), size
    for order, pick in enumerate(picks, start=1):
        yield f"pick {order}", doc["picks"][order - 1], {"order": order, **pick}
    for order, given in enumerate(doc.get("replacements", []), start=size + 1):
        yield (
            "case set aside",
            given["aside"] in [pick["number"] for pick in picks if pick["number"] not in aside],
            True,
        )
        aside.append(given["aside"])
        picks += [pick for pick in seated(aside) if pick not in picks]
        yield f"replacement {order}", given, {"aside": aside[-1], "order": order, **picks[-1]}
    content = json.dumps({k: v for k, v in doc.items() if k != "checksum"}, sort_keys=True, separators=(",", ":"))
    yield "checksum", doc["checksum"], hashed("document", content)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        with open(sys.argv[1], encoding="utf-8") as file:
            first = next(((n, a, b) for n, a, b in differences(json.load(file)) if a != b), None)
    except (OSError, KeyError, TypeError, ValueError, ArithmeticError) as error:
        sys.exit(f"cannot be read as a sample document: {error!r}")
    if first:
        print("difference in {}: recorded {}, repeated {}".format(*first))
        sys.exit(1)
    print("match")
