"""Repeat a monthly sample from its exported document alone: python verify_sample.py DOCUMENT.json [RESULT]

RESULT is the hash of the result on the public page; with it the document must also be the one that was published, with
every seat that was given to another case. Without it a document that left such a seat out would still be a sound draw.
Needs Python 3.11 or later and nothing else; the rule is written out at the top of review/sampling.py.
Prints "match" (exit 0) or the first difference (exit 1).
"""

import json
import sys
from datetime import datetime, timedelta
from decimal import Context, Decimal
from hashlib import sha256
from hmac import digest


def hashed(purpose, *parts):
    return sha256("\n".join([f"huiyin-sample-1 {purpose}", *parts]).encode()).hexdigest()


# ln(u) / weight, each step rounded to 34 digits; of two equal keys the larger n comes first.
def key(seed, number, weight):
    exact, n = Context(prec=34), int.from_bytes(digest(bytes.fromhex(seed), number.encode(), "sha256"))
    return exact.divide(exact.ln(exact.divide(Decimal(n + 1), Decimal(2**256 + 1))), Decimal(weight)), n


# Every fact as (name, as recorded, as it follows from the frame, weights, percent, period and nonce).
def compared(doc):
    frame, weights, percent, drawn = sorted(dict(doc["frame"]).items()), doc["weights"], int(doc["percent"]), {}
    frame_hash = hashed("frame", "".join(f"{number}\t{stratum}\t{weights[stratum]}\n" for number, stratum in frame))
    seed = hashed("seed", frame_hash, doc["period"], doc["nonce"])
    expected = doc | {"format": "huiyin-sample-1", "frame": [*map(list, frame)], "frame_hash": frame_hash, "seed": seed}
    expected |= {"commitment": hashed("commitment", doc["nonce"]), "percent": min(max(percent, 10), 15)}

    end = (datetime.fromisoformat(f"{doc['period']}-01T00:00:00+08:00") + timedelta(days=31)).replace(day=1)
    yield "commitment made before the month ended", datetime.fromisoformat(doc["committed_at"]) < end, True
    yield "draw made after the month ended", datetime.fromisoformat(doc["drawn_at"]) >= end, True

    size = min(-(-len(frame) * percent // 100), max(-(-len(frame) * 10 // 100), len(frame) * 15 // 100))
    rows = sorted(((*key(seed, number, weights[stratum]), number, stratum) for number, stratum in frame), reverse=True)
    large = [name for name in weights if sum(stratum == name for _, stratum in frame) >= 5]
    # The first round is the draw; each other one repeats it without a case set aside, so one case is new in it.
    for gone in [{}, *({"aside": given["aside"]} for given in doc.get("replacements", []))]:
        rows = [row for row in rows if row[2] != gone.get("aside")]
        firsts = sorted({row[3]: row for row in rows[::-1] if row[3] in large}.values(), reverse=True)
        drawn |= {row: gone for row in sorted([*dict.fromkeys(firsts + rows)][:size])[::-1] if row not in drawn}
    for n, (row, gone) in enumerate(drawn.items(), start=1):
        expected[f"pick {n}"] = gone | {"order": n, "number": row[2], "stratum": row[3], "key": str(row[0])}
    # Nothing follows the last pick, whatever else a document calls a pick.
    recorded = doc | {f"pick {n}": row for n, row in enumerate(doc["picks"] + doc.get("replacements", []) + [None], 1)}
    yield from ((name, recorded.get(name), expected.get(name)) for name in expected | recorded)
    # Of the cases that are left in the draw, in the order of their keys.
    yield from (("result", told, hashed("result", seed, *(r[2] for r in rows if r in drawn))) for told in sys.argv[2:])
    yield "checksum", doc.pop("checksum"), hashed("document", json.dumps(doc, sort_keys=True, separators=(",", ":")))


try:
    with open(sys.argv[1], encoding="utf-8") as file:
        # The numbers of a sample are whole: one with a decimal point is refused.
        first = next((fact for fact in compared(json.load(file, parse_float=int)) if fact[1] != fact[2]), None)
except (OSError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
    raise SystemExit(f"cannot be read as a sample document: {error!r}; {__doc__.splitlines()[0]}") from None
print("difference in {}: recorded {:.300}, repeated {:.300}".format(*map(str, first)) if first else "match")
raise SystemExit(first is not None)
