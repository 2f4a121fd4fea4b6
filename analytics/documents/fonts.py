"""The typeface that travels with the program: Noto Sans SC, embedded in PDF files and drawn into charts.

The system's own fonts are never used, so a report looks the same wherever it is made.
"""

import struct
from functools import lru_cache
from pathlib import Path

FAMILY = "Noto Sans SC"
FOLDER = Path(__file__).resolve().parents[2] / "static" / "fonts"
FILES = (FOLDER / "NotoSansSC-Regular.ttf", FOLDER / "NotoSansSC-Bold.ttf")

MISSING = "□"


def printable(text: str) -> str:
    """Replace what the typeface lacks (emoji, some scripts) by □: the archival PDF standards refuse missing glyphs."""
    covered = _covered()
    return "".join(char if char in "\n\t" or ord(char) in covered else MISSING for char in text)


@lru_cache(maxsize=1)
def _covered() -> frozenset[int]:
    """The code points the regular face has a glyph for, read from the `cmap` table of the font file (format 12)."""
    font = FILES[0].read_bytes()
    (tables,) = struct.unpack_from(">H", font, 4)
    records = [struct.unpack_from(">4sIII", font, 12 + 16 * i) for i in range(tables)]
    cmap = next(offset for tag, _checksum, offset, _length in records if tag == b"cmap")
    (count,) = struct.unpack_from(">H", font, cmap + 2)
    for i in range(count):
        _platform, _encoding, offset = struct.unpack_from(">HHI", font, cmap + 4 + 8 * i)
        (form,) = struct.unpack_from(">H", font, cmap + offset)
        if form == 12:
            (groups,) = struct.unpack_from(">I", font, cmap + offset + 12)
            ranges = (struct.unpack_from(">III", font, cmap + offset + 16 + 12 * g) for g in range(groups))
            return frozenset(point for first, last, _glyph in ranges for point in range(first, last + 1))
    raise ValueError(f"{FILES[0].name}: no full Unicode character map")
