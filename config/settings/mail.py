"""What the variables about e-mail mean: the mailbox that is read, and the addresses that are written from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

# imaps: TLS from the start; imap+tls: STARTTLS; imap: none, for a server on this machine.
_PORTS = {"imaps": 993, "imap+tls": 143, "imap": 143}
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")


@dataclass(frozen=True)
class ImapAccount:
    """A mailbox to read. The password is never shown."""

    scheme: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    folder: str

    @property
    def name(self) -> str:
        """What identifies the mailbox without giving anything away."""
        return f"{self.user}@{self.host}/{self.folder}"[:120]


def parse_imap(url: str) -> ImapAccount:
    """Read imaps://user:password@host:993/INBOX. Raises ValueError with what is wrong, never with the password."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS:
        raise ValueError("unknown scheme")
    if not (parts.hostname and parts.username and parts.password):
        raise ValueError("user, password or host is missing")
    if parts.scheme == "imap" and parts.hostname not in LOOPBACK:
        raise ValueError("imap:// sends the password in clear; write imaps:// or imap+tls://")
    try:
        port = parts.port or _PORTS[parts.scheme]
    except ValueError:
        raise ValueError("the port is no number") from None
    return ImapAccount(
        parts.scheme, parts.hostname, port, unquote(parts.username), unquote(parts.password),
        unquote(parts.path.strip("/")) or "INBOX",
    )  # fmt: skip


def address_of(text: str) -> str:
    """The bare address of "Name <address>". Raises ValueError when it is none."""
    if any(char in text for char in "\r\n"):
        raise ValueError("it has more than one line")
    _name, address = parseaddr(text)
    if not _ADDRESS.fullmatch(address):
        raise ValueError("it holds no address")
    return address


def default_sender(public_url: str) -> str:
    """Where mails come from unless said otherwise: huiyin at the host of the public site."""
    host = urlsplit(public_url).hostname or ""
    return f"huiyin@{host if re.search('[a-z]', host) and ':' not in host else 'localhost'}"
