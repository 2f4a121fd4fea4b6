"""Asking another system of the organisation over HTTP, bounded in every way (CASE-06…09, KB-08).

The host is looked up once and judged; the connection goes to the very address that was judged. No proxy, no
redirect, three seconds for everything together, 64 kB, one JSON object.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from threading import Timer
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from complaints.addresses import is_public

SECONDS = 3.0
MOST_BYTES = 64 * 1024
MARK = "{reference}"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
WHY: dict[str, Promise | str] = {
    "refused": _("The address leads into a network that may not be asked."),
    "unreachable": _("The other system could not be reached."),
    "slow": _("The other system did not answer within 3 seconds."),
    "unknown": _("The other system does not know this key."),
    "denied": _("The other system did not accept the access token."),
    "moved": _("The other system sent us to another address; that is not followed."),
    "failed": _("The other system answered with an error."),
    "large": _("The answer was too large."),
    "shape": _("The answer was not in the agreed form."),
    "training": _("In the training mode no other system is asked."),
}


class NotAnswered(OSError):
    """No usable answer; `code` is a key of WHY. Never holds the address, the key or the answer."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    @property
    def words(self) -> str:
        return str(WHY[self.code])


# --- Addresses ----------------------------------------------------------------------------------------
def check_address(field: str, url: str, *, needs_mark: bool = False) -> str:
    """An address of another system as it may be kept. Raises InvalidInput naming `field`.

    https only, or http to this machine in development. A private address has to be allowed by the operator.
    """
    url = url.strip()
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        parts, host, port = None, "", None
    plain = url.isascii() and url.isprintable() and " " not in url and "\\" not in url
    if parts is None or not plain or not host or "@" in parts.netloc or port == 0 or "{" in parts.netloc:
        raise InvalidInput(field, _("Write a complete address, like https://crm.example.cn/records/{reference}."))
    is_local = parts.scheme == "http" and host in LOOPBACK and not settings.PRODUCTION
    if parts.scheme != "https" and not is_local:
        raise InvalidInput(field, _("Write an address that begins with https://."))
    if parts.fragment or url.count(MARK) > 1 or (needs_mark and MARK not in url):
        raise InvalidInput(field, _("Write {reference} once, at the place where the key belongs."))
    if "{" in url.replace(MARK, "") or "}" in url.replace(MARK, ""):
        raise InvalidInput(field, _("Write {reference} once, at the place where the key belongs."))
    if _is_number(host) and not _allows(host, host):
        raise InvalidInput(field, _("This address is private; the operator has to allow the host first."))
    return url


def filled(url: str, reference: str) -> str:
    """The address with the key in it, quoted so that it stays one part."""
    return url.replace(MARK, quote(reference, safe=""))


def _is_number(host: str) -> bool:
    try:
        is_public(host)
    except ValueError:
        return False
    return True


def _allows(host: str, address: str) -> bool:
    """Whether this network address may be asked under this name of a host."""
    if host in settings.CONNECTOR_HOSTS or is_public(address):
        return True
    return host in LOOPBACK and not settings.PRODUCTION


# --- Asking -------------------------------------------------------------------------------------------
def ask(url: str, *, token: str = "", body: dict[str, Any] | None = None, trusted: bool = False) -> dict[str, Any]:
    """The JSON object at `url`; with a `body` it is posted. `trusted`: an address from the operator's own settings.

    Raises NotAnswered. At most SECONDS and MOST_BYTES.
    """
    if settings.TRAINING:
        raise NotAnswered("training")
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".").lower()
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = _judged(host, port, trusted=trusted)
    headers = {"Accept": "application/json", "User-Agent": "huiyin", "Connection": "close"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    content = None
    if body is not None:
        content = json.dumps(body, ensure_ascii=False).encode()
        headers["Content-Type"] = "application/json"
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    connection = _Pinned(host, port, address, secure=parts.scheme == "https")
    late: list[bool] = []
    timer = Timer(SECONDS, _cut, (connection, late))
    timer.daemon = True
    timer.start()
    try:
        connection.request("POST" if content is not None else "GET", target, content, headers)
        answer = connection.getresponse()
        _check_status(answer.status)
        read = answer.read(MOST_BYTES + 1)
    except NotAnswered:
        raise
    except (OSError, http.client.HTTPException) as error:
        code = "slow" if late or isinstance(error, TimeoutError) else "unreachable"
        raise NotAnswered(code) from None
    finally:
        timer.cancel()
        connection.close()
    if late:
        raise NotAnswered("slow")
    return _object(read)


def _judged(host: str, port: int, *, trusted: bool) -> str:
    """The one network address that is asked."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotAnswered("unreachable") from None
    addresses = [str(row[4][0]) for row in found]
    if not addresses or not (trusted or all(_allows(host, address) for address in addresses)):
        raise NotAnswered("refused")
    return addresses[0]


class _Pinned(http.client.HTTPConnection):
    """A connection to the address that was judged; the certificate is checked against the name of the host."""

    def __init__(self, host: str, port: int, address: str, *, secure: bool) -> None:
        super().__init__(host, port, timeout=SECONDS)
        self.address = address
        self.secure = secure
        if secure:
            self.default_port = 443

    def connect(self) -> None:
        self.sock = socket.create_connection((self.address, self.port), self.timeout)
        if self.secure:
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)


def _cut(connection: http.client.HTTPConnection, late: list[bool]) -> None:
    """End a connection that takes too long altogether: each single wait may stay below its limit."""
    late.append(True)
    found = connection.sock
    if found is not None:
        try:
            found.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def _check_status(status: int) -> None:
    if 300 <= status < 400:
        raise NotAnswered("moved")
    if status in (401, 403):
        raise NotAnswered("denied")
    if status in (404, 410):
        raise NotAnswered("unknown")
    if not 200 <= status < 300:
        raise NotAnswered("failed")


def _object(content: bytes) -> dict[str, Any]:
    if len(content) > MOST_BYTES:
        raise NotAnswered("large")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise NotAnswered("shape") from None
    if not isinstance(found, dict):
        raise NotAnswered("shape")
    return found
