"""The last look before posting: everything the public could fetch is made and searched, byte for byte (PUB-19, PR-04).

Looked for are the people of the case in any spelling, what validated patterns find, and what may never stand there,
such as the number of the case. What a page says about an empty result as well (addresses of the office, names of
files) is not counted. A hit stops the posting; the place is named, the words are not.
"""

from __future__ import annotations

import html
import json
import logging
import re
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from django.http import HttpRequest, QueryDict
from django.template.loader import render_to_string
from django.urls import get_urlconf, set_urlconf
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from complaints import files
from complaints.models import StoredFile
from publication import feeds, open_data, public_views, rendering, results
from publication.models import PublishedFile, PublishedResult
from publication.redaction import Known, leaks

logger = logging.getLogger("huiyin.publication")

# Makes what one renderer would post: names of places, each with its bytes.
Surface = Callable[[PublishedResult, datetime], Iterable[tuple[str, bytes]]]

# The addresses of the public side, also where this process serves only the desk or none.
_PUBLIC_ADDRESSES = "config.urls_public"
_TAG = re.compile(r"<!--|-->|<[^>]*>")
# Addresses are random: one in three hundred holds digits that read like a telephone number.
_ADDRESS = re.compile(r"(/(?:results|files)/)[0-9a-f]{16}(?![0-9a-f])")
_ATTRIBUTE = re.compile(r"=\s*\"([^\"]*)\"|=\s*'([^']*)'")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\n?endstream", re.DOTALL)
_STRING = re.compile(rb"\(((?:\\.|[^\\()])*)\)", re.DOTALL)
_HEX = re.compile(rb"<([0-9A-Fa-f\s]{4,})>")
# What of a result is not its own words.
_FURNITURE = (
    "public_id",
    "publication_number",
    "category_code",
    "category",
    "category_en",
    "department_code",
    "department",
    "signatures",
    "published_at",
    "published_until",
    "updated_at",
    "content_hash",
    "engine_version",
    "masking",
)
_MOST_UNPACKED = 8 * 1024 * 1024


@dataclass(frozen=True)
class Hit:
    """Where something private was found, and of which kind; never the words themselves."""

    place: str
    kind: str


def refuse(
    result: PublishedResult,
    known: Known,
    *,
    never: Iterable[str] = (),
    allowed: Collection[str] = (),
    at: datetime,
) -> None:
    """Raises InvalidInput, naming the place, when anything of the posting shows who is behind the case.

    `allowed` are numbers that a person confirmed to be an organisation's; a number of somebody of the case never is.
    """
    hits = scan(result, known, never=never, allowed=allowed, at=at)
    if not hits:
        return
    places = sorted({hit.place for hit in hits})
    kinds = sorted({hit.kind for hit in hits})
    logger.error("posting stopped", extra={"publication": result.publication_number, "places": places, "kinds": kinds})
    message = _("Posting was stopped: “%(place)s” shows something that identifies a person or the case (%(kind)s).")
    raise InvalidInput("publication", message, place=hits[0].place, kind=hits[0].kind)


def scan(
    result: PublishedResult,
    known: Known,
    *,
    never: Iterable[str] = (),
    allowed: Collection[str] = (),
    at: datetime,
) -> list[Hit]:
    """Everything private in what the posting of this result would make public."""
    empty = _empty(result)
    hits: list[Hit] = []
    for surface in SURFACES:
        found = {place: _found(content, known, never, allowed) for place, content in surface(result, at)}
        if not any(found.values()):
            continue
        furniture = {
            place: _found(content, known, never, allowed) for place, content in surface(empty, at) if found.get(place)
        }
        for place, words in found.items():
            hits += [Hit(place, kind) for kind, _words in words - furniture.get(place, Counter())]
    return hits


def _empty(result: PublishedResult) -> PublishedResult:
    """The same posting without a word of its own: what a page says about it stands there anyway."""
    return PublishedResult(**{name: getattr(result, name) for name in _FURNITURE})


def _found(
    content: bytes, known: Known, never: Iterable[str], allowed: Collection[str] = ()
) -> Counter[tuple[str, str]]:
    text = _ADDRESS.sub(r"\1", reading(content))
    found = Counter(
        (span.type, words)
        for span in leaks(text, known)
        for words in (text[span.start : span.end],)
        if span.source != "pattern" or words not in allowed
    )
    for secret in never:
        if secret and secret in text:
            found["case", secret] += text.count(secret)
    return found


def reading(content: bytes) -> str:
    """What a page, feed or data file says, in its text and in its attributes, with every encoding undone."""
    text = content.decode("utf-8", "replace")
    attributes = dict.fromkeys(one or other for one, other in _ATTRIBUTE.findall(text))
    # Digits of one attribute and of the next are not one number.
    joined = "。\n".join([_TAG.sub(" ", text), *attributes])
    plain = unquote(html.unescape(joined))
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), plain)


# --- What is posted -------------------------------------------------------------------------------
@contextmanager
def _as_the_public() -> Iterator[None]:
    before = get_urlconf()
    set_urlconf(_PUBLIC_ADDRESSES)
    try:
        yield
    finally:
        set_urlconf(before)


def _request(result: PublishedResult, language: str) -> HttpRequest:
    request = HttpRequest()
    request.method, request.path = "GET", results.path_of(result.public_id)
    request.GET = QueryDict("lang=en" if language == "en" else "")
    request.META = {"SERVER_NAME": "localhost", "SERVER_PORT": "80"}
    return request


def pages(result: PublishedResult, at: datetime) -> Iterator[tuple[str, bytes]]:
    """The page and the sheets for the notice board, in both languages."""
    for language in ("zh-hans", "en"):
        with _as_the_public(), translation.override(language):
            request = _request(result, language)
            context = public_views.article(result, at=at)
            page = render_to_string("public/results/detail.html", context, request)
            sheet = public_views.sheet(result, size="a4", at=at)
            poster = render_to_string("public/results/poster.html", sheet, request)
        yield f"page {language}", page.encode()
        yield f"poster {language}", poster.encode()


def entries(result: PublishedResult, at: datetime) -> Iterator[tuple[str, bytes]]:
    """The entry of the feeds and the row of the open data."""
    with _as_the_public():
        yield "feed", feeds.of(feeds.ATOM, [result], changed=at)
        yield "RSS", feeds.of(feeds.RSS, [result], changed=at)
    yield "JSON", json.dumps(open_data.as_data(result), ensure_ascii=False).encode()
    yield "CSV", "".join(open_data.csv_of([result])).encode()


def copies(result: PublishedResult, at: datetime) -> Iterator[tuple[str, bytes]]:
    """The copies of attachments: their names, what they say about themselves and any text hidden in them.

    Raises InvalidInput when one cannot be read: what was not searched is not posted.
    """
    if result.pk is None:
        return
    for row in PublishedFile.objects.filter(result=result):
        try:
            with files.open_file(StoredFile(sha256=row.sha256)) as opened:
                texts = texts_of(opened.read())
        except (rendering.Impossible, FileNotFoundError):
            message = _("The copy of “%(title)s” could not be searched; nothing was posted. Try again.")
            raise InvalidInput("files", message, title=row.title) from None
        yield f"file {row.position}", "\n".join([row.title, row.description, *texts]).encode()


# Renderers of other channels add themselves here.
SURFACES: list[Surface] = [pages, entries, copies]


# --- Text hidden in files -------------------------------------------------------------------------
def texts_of(content: bytes) -> list[str]:
    """Every text a copy holds besides its pixels: EXIF, XMP, comments, data of a PDF, its text, what follows the end.

    Raises rendering.Impossible for a PDF that cannot be opened again.
    """
    if content.startswith(b"%PDF"):
        return [*rendering.told_by(content), *_pdf_texts(content)]
    return _jpeg_texts(content)


def _jpeg_texts(content: bytes) -> list[str]:
    found, position = [], 2
    while position + 4 <= len(content) and content[position] == 0xFF:
        marker, size = content[position + 1], int.from_bytes(content[position + 2 : position + 4])
        if marker == 0xD9:
            break
        if 0xE0 <= marker <= 0xEF or marker == 0xFE:
            found += _decoded(content[position + 4 : position + 2 + size])
        position += 2 + size
        if marker == 0xDA:  # the pixels: no marker can stand in them but restarts and the next segment
            following = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL).search(content, position)
            position = following.start() if following else len(content)
    return found + _decoded(content[position + 2 :])


def _pdf_texts(content: bytes) -> list[str]:
    found = []
    for match in _STREAM.finditer(content):
        stream = match[1]
        if stream.startswith(b"\xff\xd8"):
            found += _jpeg_texts(stream)
            continue
        try:
            stream = zlib.decompressobj().decompress(stream, _MOST_UNPACKED)
        except zlib.error:
            pass
        found += _strings(stream)
        if b"<" in stream:  # XMP
            found += _decoded(stream)
    return found + _strings(_STREAM.sub(b"", content))


def _strings(structure: bytes) -> list[str]:
    found = []
    for match in _STRING.finditer(structure):
        found += _decoded(match[1])
    for match in _HEX.finditer(structure):
        digits = re.sub(rb"\s", b"", match[1])
        found += _decoded(bytes.fromhex(digits[: len(digits) // 2 * 2].decode()))
    return found


def _decoded(data: bytes) -> list[str]:
    """The bytes as text in each way a program may have written it."""
    return [data.decode(name, "ignore") for name in ("utf-8", "utf-16-le", "utf-16-be") if data]
