"""Check this dossier without Huiyin: python check.py [FOLDER]. Needs Python 3.9 or later and nothing else.

Prints "intact" (exit 0) or every fault (exit 1): a changed, missing or added file, a changed or missing event.
"""

import hashlib
import json
import sys
from pathlib import Path

FIELDS = ["complaint", "sequence", "at", "actor", "kind", "version", "from_status", "to_status"]
FIELDS += ["fields", "note", "reference", "audience", "previous_hash"]
UNREADABLE = (OSError, KeyError, TypeError, ValueError)
PLAIN: dict = {"ensure_ascii": False, "separators": (",", ":"), "sort_keys": True}


def sha256(path):
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def log_faults(folder, manifest):
    count, previous = 0, ""
    for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines():
        count, event = count + 1, json.loads(line)
        skipped, count = event["sequence"] != count, event["sequence"]
        if skipped:
            yield f"log.jsonl: what stood before event {count} is missing"
        content = json.dumps([event[name] for name in FIELDS], **PLAIN)
        if hashlib.sha256(content.encode()).hexdigest() != event["hash"]:
            yield f"log.jsonl: event {count} was changed"
        if event["previous_hash"] != previous and not skipped:
            yield f"log.jsonl: event {count} does not follow the one before it"
        previous = event["hash"]
    if (count, previous) != (manifest["events"], manifest["head"]):
        yield f"log.jsonl: ends with event {count}, the manifest names {manifest['events']}; the end differs"


def faults(folder):
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    try:
        yield from log_faults(folder, manifest)
    except UNREADABLE as error:
        yield f"log.jsonl: cannot be read: {type(error).__name__}: {error}"
    for name, known in sorted(manifest["files"].items()):
        path = folder / name
        if not path.is_file():
            yield f"{name}: is missing"
        elif path.stat().st_size != known["size"] or sha256(path) != known["sha256"]:
            yield f"{name}: was changed"
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or path.is_file()}
    for name in sorted(present - {"manifest.json", *manifest["files"]}):
        yield f"{name}: is not in the manifest"
    for entry in json.loads((folder / "index.json").read_text(encoding="utf-8"))["entries"]:
        if entry["documents"] and manifest["files"][entry["documents"][0]]["sha256"] != entry["sha256"]:
            yield f"index.json: entry {entry['no']} does not name its document"


if __name__ == "__main__":
    found = []
    try:
        found.extend(faults(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)))
    except UNREADABLE as error:
        found.append(f"The dossier cannot be read: {type(error).__name__}: {error}")
    # Bytes, because a name may be in a language the console does not know.
    sys.stdout.buffer.write(("\n".join(found or ["intact"]) + "\n").encode("utf-8", "backslashreplace"))
    sys.exit(1 if found else 0)
