"""What an e-mail says and what sent it, from its bytes alone (IN-08, RFC 5322, RFC 3834). Pure: no models, no settings.

Nothing is trusted: structure is counted before it is parsed, so that a message made to exhaust memory
or time is refused (`TooComplex`); unknown or wrong charsets never lose a message.
"""

from __future__ import annotations

import codecs
import contextlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from email.utils import collapse_rfc2231_value, getaddresses, parsedate_to_datetime
from enum import StrEnum

from complaints.mail_html import html_text

# Far above any real message of 25 MB: base64 has 350,000 lines, long threads some dozen parts.
MAX_LINES = 600_000
MAX_BOUNDARIES = 1_500
MAX_NESTED = 60
MAX_HEADER_BYTES = 256 * 1024
MAX_HEADERS = 1_000
# Of one field about content: the standard library takes the cube of the parameters' number to read them.
MAX_FIELD = 4_096
MAX_PARAMETERS = 50
# What is kept of one header, of the text, and how many attachments are looked at.
MAX_VALUE = 2_000
MAX_TEXT = 100_000
MAX_HTML = 2_000_000
MAX_FILES = 50

_LINE = re.compile(rb"\r\n|\r|\n")
_BOUNDARY = re.compile(rb"(?:^|[\r\n])--")
_NESTED = re.compile(rb"multipart/|message/", re.I)
_FIELD = re.compile(rb"^content-[a-z-]{1,40}:", re.I | re.M)
_FIELD_END = re.compile(rb"(?>\r\n|\r|\n)(?![ \t])")
_BLANK_LINE = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_ACTION = re.compile(rb"^action:[ \t]*([a-z-]+)", re.I | re.M)
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\ud800-\udfff\u2028\u2029]")
# Every character of GB 2312: two bytes, both in the upper half.
_GB2312_PAIR = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")
_UTF8_CHINESE = re.compile(rb"[\xe4-\xe9][\x80-\xbf]{2}")
# Mailers say gb2312 and send characters that only its successor has.
_GB = {"gb2312", "gbk", "gb18030", "hz"}
_LATIN = {"iso8859-1", "cp1252", "iso8859-15"}
_KNOWN_CHARSETS = {
    "utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-16-le", "utf-7", "big5", "big5hkscs", "cp950", "shift_jis",
    "cp932", "euc_jp", "iso2022_jp", "euc_kr", "cp949", "koi8-r", "koi8-u",
    *_GB, *_LATIN, *(f"iso8859-{n}" for n in range(2, 17)), *(f"cp125{n}" for n in range(10)),
}  # fmt: skip


class TooComplex(ValueError):
    """The message has more lines, parts or nesting than any that a person sends."""


class Kind(StrEnum):
    """What sent a message: a person, a robot, a mail server that could not deliver, or this system."""

    NORMAL = "normal"
    AUTOMATIC = "automatic"
    BOUNCE = "bounce"
    LOOP = "loop"


@dataclass(frozen=True)
class MailFile:
    """An attachment: its name as given (data, never a path) and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Mail:
    """A message as read. `recipients` are the addresses it was sent or delivered to, `references` the
    messages it answers; `failed` is True for a bounce that says the message will never arrive."""

    kind: Kind
    sender: str
    sender_name: str
    subject: str
    text: str
    files: tuple[MailFile, ...]
    sent_at: datetime | None
    message_id: str
    date: str
    recipients: tuple[str, ...]
    references: tuple[str, ...]
    failed: bool


def read(raw: bytes, *, mark: str, own_ids: re.Pattern[str], own_addresses: Iterable[str] = ()) -> Mail:
    """Read a whole message, or its header alone. Raises TooComplex.

    `mark` is what our own messages carry in X-Huiyin, `own_ids` matches the Message-IDs we make and
    `own_addresses` are those we send from: any of them means that our own message came back.
    """
    _check_structure(raw)
    try:
        message = BytesParser(policy=compat32).parsebytes(raw)
        if len(message.keys()) > MAX_HEADERS:
            raise TooComplex
        parts = _Parts()
        parts.collect(message)
    except (RecursionError, MessageError) as error:
        raise TooComplex from error
    sender_name, sender = next(iter(_addresses(message, "From", "Sender")), ("", ""))
    message_id = next(iter(_ids(message, "Message-ID")), "")
    loop = (
        mark in (value.strip() for value in _values(message, "X-Huiyin"))
        or bool(own_ids.search(message_id))
        or sender.casefold() in {address.casefold() for address in own_addresses}
    )
    kind = Kind.LOOP if loop else _kind(message, sender)
    delivered = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To")
    return Mail(
        kind=kind,
        sender=sender,
        sender_name="" if sender_name.casefold() == sender.casefold() else sender_name,
        subject=one_line(next(_values(message, "Subject"), "")),
        text=parts.text(),
        files=tuple(parts.files),
        sent_at=_moment(next(_values(message, "Date"), "")),
        message_id=message_id,
        date=one_line(next(_values(message, "Date"), "")),
        recipients=tuple(dict.fromkeys(address for _name, address in _addresses(message, *delivered))),
        references=tuple(dict.fromkeys(_ids(message, "In-Reply-To", "References"))),
        failed=kind == Kind.BOUNCE and _is_final(raw),
    )


def split(raw: bytes) -> tuple[bytes, bytes]:
    """Header and body of a message, without parsing either."""
    found = _BLANK_LINE.search(raw)
    return (raw[: found.start()], raw[found.end() :]) if found else (raw, b"")


def _check_structure(raw: bytes) -> None:
    """Count what makes parsing dear before parsing. Raises TooComplex."""
    header, _body = split(raw)
    if len(header) > MAX_HEADER_BYTES:
        raise TooComplex
    for pattern, limit in ((_LINE, MAX_LINES), (_BOUNDARY, MAX_BOUNDARIES), (_NESTED, MAX_NESTED)):
        if any(count >= limit for count, _found in enumerate(pattern.finditer(raw))):
            raise TooComplex
    for field in _FIELD.finditer(raw.replace(b"\r", b"\n")):
        end = _FIELD_END.search(raw, field.end())
        stop = end.start() if end else len(raw)
        if stop - field.start() > MAX_FIELD or raw.count(b";", field.start(), stop) > MAX_PARAMETERS:
            raise TooComplex


# --- Who sent it (RFC 3834, RFC 3464) ---------------------------------------------------------
def _kind(message: Message, sender: str) -> Kind:
    """A delivery report first, then what says of itself that no person wrote it, then mail without a way back."""
    report = _parameter(message, "report-type")
    if message.get_content_type() == "multipart/report" and report in ("", "delivery-status"):
        return Kind.BOUNCE
    if message.get_content_type() == "multipart/report" or _is_automatic(message):
        return Kind.AUTOMATIC
    no_way_back = any(value.strip() in ("<>", "") for value in _values(message, "Return-Path"))
    if no_way_back or sender.partition("@")[0].casefold() in ("mailer-daemon", "postmaster"):
        return Kind.BOUNCE
    return Kind.NORMAL


def _is_automatic(message: Message) -> bool:
    submitted = next(_values(message, "Auto-Submitted"), "no").partition(";")[0].strip().lower()
    precedence = next(_values(message, "Precedence"), "").strip().lower()
    return (
        submitted not in ("no", "")
        or precedence in ("bulk", "junk", "list", "auto_reply")
        or any(name in message for name in ("X-Autoreply", "X-Autorespond", "List-Id", "List-Unsubscribe"))
    )


def _is_final(raw: bytes) -> bool:
    """Whether a bounce says that delivery failed, not only that it is late. One that says nothing failed."""
    actions = {found[1].lower() for found in _ACTION.finditer(raw[:1_000_000])}
    return not actions or b"failed" in actions


def _parameter(message: Message, name: str) -> str:
    value = message.get_param(name, "")
    return collapse_rfc2231_value(value).strip().lower() if value else ""


# --- Headers ----------------------------------------------------------------------------------
def _values(message: Message, name: str) -> Iterator[str]:
    """The values of a header as text: encoded words decoded, raw bytes guessed, bounded."""
    for key, value in message.raw_items():
        if key.lower() == name.lower():
            yield _decode_value(str(value)[:MAX_VALUE])


def _decode_value(value: str) -> str:
    raw = value.encode("ascii", "surrogateescape") if value.isascii() or _has_raw_bytes(value) else value.encode()
    text = decode(raw, "") if any(byte > 127 for byte in raw) else raw.decode("ascii")
    try:
        words = decode_header(text)
    except (MessageError, ValueError):  # base64 that is none
        return text
    return "".join(word if isinstance(word, str) else decode(word, charset or "") for word, charset in words)


def _has_raw_bytes(value: str) -> bool:
    return all(char < "\x80" or "\udc80" <= char <= "\udcff" for char in value)


def _addresses(message: Message, *names: str) -> list[tuple[str, str]]:
    """Display names and addresses of these headers; what is no address is left out."""
    found = []
    for name in names:
        for key, value in message.raw_items():
            if key.lower() == name.lower():
                # Addresses first, encoded words after: a decoded name may hold commas and brackets.
                pairs = getaddresses([_ascii(str(value)[:MAX_VALUE])])
                found += [(one_line(_decode_value(label)), one_line(address)) for label, address in pairs]
    return [(label, address) for label, address in found if "@" in address and " " not in address]


def _ascii(value: str) -> str:
    """Raw bytes as text, so that getaddresses reads them."""
    return decode(value.encode("ascii", "surrogateescape"), "") if _has_raw_bytes(value) else value


def _ids(message: Message, *names: str) -> list[str]:
    return [found for name in names for value in _values(message, name) for found in _MESSAGE_ID.findall(value)]


def _moment(value: str) -> datetime | None:
    """The Date header, or None when it is none or lies far outside the time there is e-mail."""
    try:
        moment = parsedate_to_datetime(value)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return moment if 1990 <= moment.year < 2100 else None


def one_line(text: str) -> str:
    """Text of a header as one line: an encoded line break cannot begin another header."""
    return " ".join(clean(text).split())


def clean(text: str) -> str:
    """Text without characters that cannot be stored or shown; line breaks become \\n."""
    return _UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).lstrip("\ufeff")


# --- Charsets ---------------------------------------------------------------------------------
def decode(content: bytes, charset: str) -> str:
    """Text in the charset the sender meant: gb2312 stands for all of GB 18030, wrong names are seen through.

    Half a character at the end is left out; without any charset that fits, the least damage is chosen.
    """
    declared = _codec(charset)
    if declared in _GB and declared != "hz":
        looks_utf8 = len(_UTF8_CHINESE.findall(content[:20_000])) >= 4
        candidates = ["utf-8", "gb18030"] if looks_utf8 else ["gb18030", "utf-8"]
    elif declared in _LATIN:
        only_pairs = not re.search(rb"[\x80-\xff]", _GB2312_PAIR.sub(b"", content[:20_000]))
        candidates = ["utf-8", "gb18030", declared] if only_pairs else ["utf-8", declared]
    else:
        candidates = list(dict.fromkeys(filter(None, [declared, "utf-8", "gb18030"])))
    for name in candidates:
        with contextlib.suppress(UnicodeError):
            return codecs.getincrementaldecoder(name)().decode(content)
    return min((content.decode(name, "replace") for name in candidates), key=lambda text: text.count("\ufffd"))


def _codec(charset: str) -> str:
    """Python's name of a charset a mail may have; '' for ASCII, which needs none, and for others: some codecs
    are no charsets and some are slow."""
    try:
        name = codecs.lookup(charset.strip().strip("\"'")[:40].lower() or "?").name
    except (LookupError, ValueError):
        return "gb18030" if charset.lower().startswith(("gb", "x-gb")) else ""
    return name if name in _KNOWN_CHARSETS else ""


# --- Text and attachments -----------------------------------------------------------------------
class _Parts:
    """Collects the texts to read and the attachments of a message, in their order."""

    def __init__(self) -> None:
        self.files: list[MailFile] = []
        self._texts: list[str] = []

    def text(self) -> str:
        return "\n\n".join(filter(None, self._texts))[:MAX_TEXT]

    def collect(self, part: Message) -> None:
        kind = part.get_content_type()
        if kind == "multipart/alternative" and part.is_multipart():
            self._best(_children(part))
        elif kind == "message/rfc822" and part.is_multipart():
            self._attached_message(part)
        elif kind.startswith("message/"):
            return  # delivery reports, parts of messages: they stay in the original
        elif part.is_multipart():
            for child in _children(part):
                self.collect(child)
        elif kind in ("text/plain", "text/html") and not self._is_file(part):
            self._texts.append(_text(part))
        else:
            self._file(part)

    def _best(self, versions: list[Message]) -> None:
        """The same text in several forms: the plain one, else the last that has any."""
        plain = [part for part in versions if part.get_content_type() == "text/plain" and _text(part)]
        for part in versions:
            if not part.is_multipart() and not part.get_content_type().startswith("text/"):
                self._file(part)  # an invitation or a picture among the versions
        readable = [part for part in versions if part.is_multipart() or part.get_content_type().startswith("text/")]
        before = len(self._texts)
        if plain:
            self._texts.append(_text(plain[0]))
            for part in versions:
                if part.is_multipart():  # pictures and files that only the other version shows
                    extra = _Parts()
                    extra.collect(part)
                    self.files += extra.files
            return
        for part in reversed(readable):
            self.collect(part)
            if any(self._texts[before:]):
                return

    def _is_file(self, part: Message) -> bool:
        return part.get_content_disposition() == "attachment" or bool(_file_name(part))

    def _file(self, part: Message) -> None:
        if len(self.files) < MAX_FILES:
            content = part.get_payload(decode=True)
            if isinstance(content, bytes) and content:
                self.files.append(MailFile(_file_name(part) or "file", content))

    def _attached_message(self, part: Message) -> None:
        inner = next(iter(_children(part)), None)
        if inner is None or len(self.files) >= MAX_FILES:
            return
        with contextlib.suppress(ValueError, LookupError, TypeError):  # a message that cannot be written again
            name = _file_name(part) or next(_values(inner, "Subject"), "") or "message"
            self.files.append(MailFile(f"{one_line(name)[:60].removesuffix('.eml')}.eml", inner.as_bytes()))


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []


def _file_name(part: Message) -> str:
    with contextlib.suppress(ValueError, LookupError, TypeError):  # RFC 2231 with a charset there is not
        return one_line(_decode_value((part.get_filename() or "")[:MAX_VALUE]))
    return "file"


def _text(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    html = part.get_content_type() == "text/html"
    charset = part.get_param("charset", "")
    text = decode(content[: MAX_HTML if html else 4 * MAX_TEXT], collapse_rfc2231_value(charset) if charset else "")
    text = html_text(clean(text)) if html else clean(text)
    return "\n".join(line.rstrip() for line in text.split("\n")).strip()[:MAX_TEXT]


# --- Quotations -----------------------------------------------------------------------------------
_QUOTED_FROM_HERE = re.compile(
    r"^\s*(?:-{2,}\s*(?:原始邮件|原邮件|回复的原邮件|转发的邮件|Original Message|Original)\s*-{2,}"
    r"|(?:在\s*)?.{4,80}(?:写道|寫道)[:：]"
    r"|On .{6,200} wrote:"
    r"|(?:发件人|From)[:：].{1,200})\s*$",
    re.I,
)


def own_words(text: str) -> str:
    """A reply without the message it quotes; the whole text when nothing else is left."""
    kept: list[str] = []
    for line in text.split("\n"):
        if _QUOTED_FROM_HERE.match(line[:400]) and any(kept):
            break
        if not line.lstrip().startswith(">"):
            kept.append(line)
    return "\n".join(kept).strip() or text.strip()
