"""Looks at and copies what is to be published: a program of its own, run by publication.rendering alone (PR-05, FL-10).

Standard input is a PDF, or a picture that complaints.previews has painted anew. The arguments say what is wanted:

    pages             JSON: how many pages the PDF has
    told              JSON: what the PDF says of itself, then the text of each page
    words PAGE        JSON: [[character, x, y, width, height], …] of one page, in fractions of the page
    page PAGE         a JPEG of one page of the PDF
    copy BOXES        the PDF again: every page a picture with the boxes burned in, no text, nothing about itself;
                      NO_FONT instead where words of it would not be seen
    picture BOXES     the JPEG again with the boxes burned in

Pages are counted from 1; BOXES is JSON: [{page, x, y, width, height}, …]. Once the libraries are loaded the
program can open nothing more: no file and no connection.

Fonts of the machine are never used. Where a PDF brings no font for its Chinese, the one that travels with the program
is used; a page with words that still cannot be drawn is not copied, so that nobody takes a gap for a redaction.
"""

from __future__ import annotations

import ctypes
import json
import resource
import struct
import sys
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image, ImageDraw

# Points of the longer side of a page, and the quality of its JPEG.
SIDE = 1600
QUALITY = 80
# The most points of a picture inside a page: above every telephone camera.
MOST_POINTS = 120_000_000
# Characters looked at on one page.
MOST_CHARACTERS = 20_000
_GRID = 100_000
# The answer for a document with words that cannot be drawn.
NO_FONT = b"no font"
_FONT = Path(__file__).resolve().parents[1] / "static" / "fonts" / "NotoSansSC-Regular.ttf"
# Character sets that PDFium asks fonts for: Japanese, Korean, simplified and traditional Chinese.
_CHINESE = frozenset({128, 129, 134, 136})
_SYMBOL = 2
# A character whose font holds no glyph of it has a box without height; the share of a line that counts as none.
_NO_HEIGHT = 0.005
_UNSEEN = frozenset({pdfium.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium.FPDF_TEXTRENDERMODE_CLIP})
Box = dict[str, Any]


class Fonts(pypdfium2.PdfSysfontBase):
    """What PDFium gets for fonts that a PDF names and does not bring: one for Chinese, its own for Latin."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data = data
        # A font was asked for by the numbers of its glyphs alone: any other draws other characters.
        self.is_lost = False

    def EnumFonts(self, _: Any, mapper: Any) -> None:
        """The machine has none."""

    def MapFont(self, _: Any, weight: int, italic: int, charset: int, pitch: int, face: Any, unused: Any) -> int | None:
        self.is_lost |= charset == _SYMBOL
        return 1 if charset in _CHINESE else None

    def GetFont(self, _: Any, face: Any) -> None:
        return None

    def GetFontData(self, _: Any, font: Any, table: int, buffer: Any, size: int) -> int:
        part = self._table(table) if table else self._data
        if buffer and size >= len(part):
            ctypes.memmove(buffer, part, len(part))
        return len(part)

    def _table(self, name: int) -> bytes:
        for number in range(struct.unpack_from(">H", self._data, 4)[0]):
            tag, _sum, start, size = struct.unpack_from(">IIII", self._data, 12 + 16 * number)
            if tag == name:
                return self._data[start : start + size]
        return b""

    def GetFaceName(self, _: Any, font: Any, buffer: Any, size: int) -> int:
        return 0

    def GetFontCharset(self, _: Any, font: Any) -> int:
        return 134

    def DeleteFont(self, _: Any, font: Any) -> None:
        """The bytes stay until the program ends."""


def shut_in() -> Fonts:
    """From here on no file, socket or pipe can be opened besides the three that are open."""
    fonts = Fonts(_FONT.read_bytes())
    fonts.setup()
    blank = Image.new("RGB", (8, 8), "white")
    jpeg = as_jpeg(blank)
    covered(Image.open(BytesIO(jpeg), formats=["JPEG"]), [{"x": 0, "y": 0, "width": 1, "height": 1}])
    document = pypdfium2.PdfDocument(bound([blank, blank]))
    painted(document[0])
    words(document[0])
    document.get_metadata_dict()
    "".encode("utf-16-le").decode("utf-16-le")  # how PDFium hands texts over
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    return fonts


def painted(page: pypdfium2.PdfPage) -> Image.Image:
    """The page as pixels, whatever size it says it has. Raises ValueError for a picture that unpacks into too much."""
    for each in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE]):
        width, height = each.get_px_size()
        if width * height > MOST_POINTS:
            raise ValueError("too many points")
    longest = max(page.get_size())
    return page.render(scale=SIDE / max(longest, 1)).to_pil().convert("RGB")


def covered(picture: Image.Image, boxes: Iterable[Box]) -> Image.Image:
    """The picture with black boxes in its pixels; at least a point wide and rounded outwards."""
    picture = picture.convert("RGB")
    draw = ImageDraw.Draw(picture)
    for box in boxes:
        left, top = int(box["x"] * picture.width), int(box["y"] * picture.height)
        right, bottom = (box["x"] + box["width"]) * picture.width, (box["y"] + box["height"]) * picture.height
        draw.rectangle((left, top, int(right) + 1, int(bottom) + 1), fill="black")
    return picture


def as_jpeg(picture: Image.Image) -> bytes:
    out = BytesIO()
    picture.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def bound(pages: list[Image.Image]) -> bytes:
    """Pictures as a PDF without a date, so that the same pages give the same bytes."""
    out = BytesIO()
    pages[0].save(
        out,
        "PDF",
        save_all=True,
        append_images=pages[1:],
        resolution=144,
        quality=QUALITY,
        creationDate=None,
        modDate=None,
    )
    return out.getvalue()


def words(page: pypdfium2.PdfPage) -> list[tuple[str, float, float, float, float]]:
    """The characters of the page in reading order, each with its place as the reader sees the page."""
    text = page.get_textpage()
    found = []
    for number in range(min(text.count_chars(), MOST_CHARACTERS)):
        code = pdfium.FPDFText_GetUnicode(text, number)
        character = chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else " "
        left, bottom, right, top = _place(text, number)
        corners = [seen(page, left, bottom), seen(page, right, top)]
        x, y = min(corner[0] for corner in corners), min(corner[1] for corner in corners)
        wide, high = (abs(corners[0][axis] - corners[1][axis]) for axis in (0, 1))
        found.append((character, x, y, wide, high))
    return found


def _place(text: pypdfium2.PdfTextPage, number: int) -> tuple[float, float, float, float]:
    """Where the character stands, with the height of its line: a box of nothing but the glyph may leave a rim."""
    tight, loose = text.get_charbox(number), text.get_charbox(number, loose=True)
    return min(tight[0], loose[0]), min(tight[1], loose[1]), max(tight[2], loose[2]), max(tight[3], loose[3])


def hides_words(page: pypdfium2.PdfPage) -> bool:
    """Whether a character of the page that should be seen has no glyph, because the PDF does not bring its font."""
    text = page.get_textpage()
    for number in range(text.count_chars()):
        code = pdfium.FPDFText_GetUnicode(text, number)
        if code < 0x21 or chr(code).isspace() or pdfium.FPDFText_IsGenerated(text, number):
            continue
        part = pdfium.FPDFText_GetTextObject(text, number)
        if not part or pdfium.FPDFTextObj_GetTextRenderMode(part) in _UNSEEN:
            continue
        font = pdfium.FPDFTextObj_GetFont(part)
        if font and not pdfium.FPDFFont_GetIsEmbedded(font) and _is_empty(text, number):
            return True
    return False


def _is_empty(text: pypdfium2.PdfTextPage, number: int) -> bool:
    left, bottom, right, top = text.get_charbox(number)
    line = text.get_charbox(number, loose=True)
    return min(right - left, top - bottom) < _NO_HEIGHT * max(line[2] - line[0], line[3] - line[1])


def told(document: pypdfium2.PdfDocument) -> list[str]:
    """Every text of the PDF that is no pixel: what it says of itself, and its pages."""
    described = document.get_metadata_dict(skip_empty=True)
    return [*described.values(), *("".join(row[0] for row in words(page)) for page in document)]


def seen(page: pypdfium2.PdfPage, x: float, y: float) -> tuple[float, float]:
    """A point of the page in fractions from its upper left corner, turned and cut as it is shown."""
    across, down = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDF_PageToDevice(page, 0, 0, _GRID, _GRID, 0, x, y, across, down)
    return across.value / _GRID, down.value / _GRID


def answer(what: str, argument: str, source: bytes, fonts: Fonts) -> bytes:
    """What is asked for. Raises OSError, ValueError and PdfiumError for anything that cannot be read."""
    if what == "picture":
        picture = Image.open(BytesIO(source), formats=["JPEG"])
        return as_jpeg(covered(picture, json.loads(argument)))
    document = pypdfium2.PdfDocument(source)
    if what == "pages":
        return json.dumps(len(document)).encode()
    if what == "told":
        return json.dumps(told(document)).encode()
    if what == "words":
        return json.dumps(words(document[int(argument) - 1])).encode()
    if what == "page":
        return as_jpeg(painted(document[int(argument) - 1]))
    boxes = json.loads(argument)
    pages = range(1, len(document) + 1)
    made = [covered(painted(document[n - 1]), [box for box in boxes if box["page"] == n]) for n in pages]
    if fonts.is_lost or any(hides_words(page) for page in document):
        return NO_FONT
    return bound(made)


if __name__ == "__main__":
    asked, about = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    limited = shut_in()
    Image.MAX_IMAGE_PIXELS = None  # bounded by the memory this process may have
    sys.stdout.buffer.write(answer(asked, about, sys.stdin.buffer.read(), limited))
