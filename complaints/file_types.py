"""What a file is, judged by its content alone (FL-02, FL-04). Pure: no models, no settings.

Only kinds that people send as evidence are known; everything else (programs, HTML, SVG, scripts,
archives) has no name here and is refused. Sizes are the declared ones, read from headers. Of an office
document the first bytes of each part are unpacked, and the documents it holds (a table behind a chart),
so that they count too; one that holds another in its turn is refused.
"""

from __future__ import annotations

import re
import shutil
import struct
import zlib
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO
from zipfile import BadZipFile, ZipFile, ZipInfo

import filetype

# Content type → endings, the usual one first.
ENDINGS: dict[str, tuple[str, ...]] = {
    "image/jpeg": ("jpg", "jpeg", "jpe", "jfif"),
    "image/png": ("png",),
    "image/gif": ("gif",),
    "image/webp": ("webp",),
    "image/heic": ("heic", "heif"),
    "video/mp4": ("mp4", "m4v"),
    "video/quicktime": ("mov", "qt"),
    "video/3gpp": ("3gp", "3gpp"),
    "audio/mp4": ("m4a",),
    "audio/mpeg": ("mp3",),
    "audio/amr": ("amr",),
    "audio/wav": ("wav",),
    "application/pdf": ("pdf",),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ("docx",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ("xlsx",),
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ("pptx",),
    "message/rfc822": ("eml",),
}
# What a file chooser offers; the content decides all the same.
ACCEPT = ",".join(f".{ending}" for endings in ENDINGS.values() for ending in endings)

# The most points an image may have: above every phone camera in its usual mode.
MAX_PIXELS = 120_000_000
# Office documents: entries, bytes of the directory, unpacked bytes, and how much one entry may grow.
MAX_ENTRIES = 5000
MAX_DIRECTORY = 1024 * 1024
MAX_UNPACKED = 300 * 1024 * 1024
MAX_RATIO = 200
SMALL_ENTRY = 1024 * 1024
# Documents inside an office document: bytes of all of them together, kept in memory up to a megabyte.
MAX_INSIDE = 64 * 1024 * 1024
_IN_MEMORY = 1024 * 1024

_HEAD = 8192
_HEADER_FIELD = re.compile(rb"([!-9;-~]{1,76}):")
_JPEG_SEARCH = 4 * 1024 * 1024
_HEIC_SEARCH = 256 * 1024
_PART_HEAD = 1024
_ARCHIVE = b"PK\x03\x04"
# What unpacks into more again. Not GZIP: drawings of office documents are packed with it.
_PACKED = (
    _ARCHIVE,
    b"PK\x05\x06",
    b"Rar!",
    b"7z\xbc\xaf\x27\x1c",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"\x28\xb5\x2f\xfd",
)
# Office formats declare no types and no entities (ECMA-376); a part that does is made to grow while it is read.
DECLARATIONS = [word.encode(code) for word in ("<!DOCTYPE", "<!ENTITY") for code in ("ascii", "utf-16-le", "utf-16-be")]
_MAIN_PARTS = {
    "word/document.xml": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xl/workbook.xml": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt/presentation.xml": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "image/heic"),
    **dict.fromkeys((b"M4A ", b"M4B "), "audio/mp4"),
    **dict.fromkeys((b"3gp4", b"3gp5", b"3gp6", b"3gp7", b"3ge6", b"3gg6", b"3g2a"), "video/3gpp"),
    **dict.fromkeys(
        (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"MSNV", b"M4V "), "video/mp4"
    ),
    b"qt  ": "video/quicktime",
}
_SAME = {"image/apng": "image/png", "audio/x-wav": "audio/wav"}


class TooComplex(ValueError):
    """The file says it unpacks into far more than any document or photo needs."""


def sniff(stream: BinaryIO) -> str | None:
    """The content type of a file, or None when it is not a kind we take. Leaves the stream at its start.

    Raises TooComplex for bombs: declared sizes, numbers of entries or points beyond the limits.
    """
    stream.seek(0)
    head = stream.read(_HEAD)
    try:
        return _kind(head, stream)
    finally:
        stream.seek(0)


def _kind(head: bytes, stream: BinaryIO) -> str | None:
    if head.startswith(_ARCHIVE):
        return _office(stream)
    if head[4:8] == b"ftyp":
        kind = _BRANDS.get(head[8:12])
    else:
        guess = filetype.guess(head)
        kind = _SAME.get(guess.mime, guess.mime) if guess else _message(head)
    if kind not in ENDINGS:
        return None
    if kind.startswith("image/"):
        size = _DIMENSIONS[kind](head, stream)
        if size is None:
            return None  # a picture without a size is damaged or none
        if size[0] * size[1] > MAX_PIXELS:
            raise TooComplex
    return kind


# --- E-mails --------------------------------------------------------------------------------
def _message(head: bytes) -> str | None:
    """Whether a file begins with the header of an e-mail: nothing but fields, among them who wrote it and when."""
    lines = re.split(rb"\r\n|\n", head)
    end = lines.index(b"") if b"" in lines else len(lines) - 1  # the last line may be cut
    names = set()
    for number, line in enumerate(lines[:end]):
        field = _HEADER_FIELD.match(line)
        if field:
            names.add(field[1].lower())
        elif not (number and line[:1] in (b" ", b"\t")) and not (number == 0 and line.startswith(b"From ")):
            return None
    return "message/rfc822" if b"from" in names and names & {b"date", b"message-id", b"received"} else None


# --- Office documents -----------------------------------------------------------------------
def _office(stream: BinaryIO) -> str | None:
    """Which office document a ZIP container holds; macros, encryption, declarations and bombs are refused."""
    try:
        entries = _entries(stream)
        names = {entry.filename for entry in entries}
        kind = next((kind for part, kind in _MAIN_PARTS.items() if part in names), None)
        if kind is None or "[Content_Types].xml" not in names:
            return None
        if any(name.lower().endswith("vbaproject.bin") for name in names) or any(e.flag_bits & 1 for e in entries):
            return None
        _measure(entries, unpacked=0)
        return kind if _parts_are_plain(stream, entries) else None
    except (BadZipFile, OSError, EOFError, RuntimeError, ValueError, struct.error, zlib.error) as error:
        if isinstance(error, TooComplex):
            raise
        return None


def _entries(stream: IO[bytes]) -> list[ZipInfo]:
    """The directory of a ZIP file. Raises TooComplex when it is larger than any document needs."""
    if not _small_directory(stream):
        raise TooComplex
    with ZipFile(stream) as archive:
        return archive.infolist()


def _measure(entries: list[ZipInfo], *, unpacked: int) -> int:
    """`unpacked` and the bytes these entries say they unpack into. Raises TooComplex beyond the limits."""
    unpacked += sum(entry.file_size for entry in entries)
    grows = any(e.file_size > SMALL_ENTRY and e.file_size > MAX_RATIO * max(1, e.compress_size) for e in entries)
    if grows or unpacked > MAX_UNPACKED:
        raise TooComplex
    return unpacked


def _parts_are_plain(stream: BinaryIO, entries: list[ZipInfo]) -> bool:
    """Whether no part declares entities. Raises TooComplex for archives that only unpack further inside."""
    inside, unpacked = 0, sum(entry.file_size for entry in entries)
    with ZipFile(stream) as archive:
        for entry in entries:
            with archive.open(entry) as part:
                head = part.read(_PART_HEAD)
                if entry.filename.lower().endswith((".xml", ".rels")) and any(mark in head for mark in DECLARATIONS):
                    return False
                if not head.startswith(_ARCHIVE):
                    continue
                inside += entry.file_size
                if inside > MAX_INSIDE:
                    raise TooComplex
                with SpooledTemporaryFile(_IN_MEMORY) as copy:
                    copy.write(head)
                    shutil.copyfileobj(part, copy)
                    unpacked = _measure_inside(copy, unpacked)
    return True


def _measure_inside(stream: IO[bytes], unpacked: int) -> int:
    """The same of a document inside a document, which may hold none itself."""
    entries = _entries(stream)
    unpacked = _measure(entries, unpacked=unpacked)
    with ZipFile(stream) as archive:
        for entry in entries:
            with archive.open(entry) as part:
                if part.read(8).startswith(_PACKED):
                    raise TooComplex
    return unpacked


def _small_directory(stream: IO[bytes]) -> bool:
    """Whether the directory of a ZIP file is small enough to be read at all."""
    end = stream.seek(0, 2)
    stream.seek(max(0, end - 65_557))
    tail = stream.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:
        return True  # no directory: ZipFile will say so
    entries, size = struct.unpack_from("<HI", tail, at + 10)
    return entries <= MAX_ENTRIES and size <= MAX_DIRECTORY


# --- Pictures -------------------------------------------------------------------------------
Size = tuple[int, int] | None


def _png(head: bytes, stream: BinaryIO) -> Size:
    return struct.unpack(">II", head[16:24]) if len(head) >= 24 else None  # type: ignore[return-value]  # two numbers


def _gif(head: bytes, stream: BinaryIO) -> Size:
    return struct.unpack("<HH", head[6:10]) if len(head) >= 10 else None  # type: ignore[return-value]  # two numbers


def _webp(head: bytes, stream: BinaryIO) -> Size:
    if len(head) < 30:
        return None
    if head[12:16] == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack("<HH", head[26:30])
    return width & 0x3FFF, height & 0x3FFF


def _jpeg(head: bytes, stream: BinaryIO) -> Size:
    """Walk the segments to the frame header; pictures inside EXIF data are skipped with it."""
    at = 2
    while at < _JPEG_SEARCH:
        stream.seek(at)
        segment = stream.read(9)
        if len(segment) < 9 or segment[0] != 0xFF:
            return None
        marker = segment[1]
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 1 if marker == 0xFF else 2
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", segment[5:9])
            return width, height
        at += 2 + int.from_bytes(segment[2:4], "big")
    return None


def _heic(head: bytes, stream: BinaryIO) -> Size:
    """The largest picture the container declares (property "ispe")."""
    stream.seek(0)
    data = stream.read(_HEIC_SEARCH)
    sizes = []
    at = data.find(b"ispe")
    while at >= 0 and at + 16 <= len(data):
        sizes.append(struct.unpack_from(">II", data, at + 8))
        at = data.find(b"ispe", at + 4)
    return max(sizes, key=lambda size: size[0] * size[1]) if sizes else None


_DIMENSIONS = {"image/png": _png, "image/gif": _gif, "image/webp": _webp, "image/jpeg": _jpeg, "image/heic": _heic}
