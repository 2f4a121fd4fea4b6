"""Addresses of chat systems in the notation of apprise: which are accepted and where they may lead (AP-05).

DingTalk, Feishu, Lark and WeCom have one host each, reached by TLS with its certificate checked. `json://`
and `jsons://` name a host of the operator's: it is looked up and judged before every message. What goes to
`json://` connects to the very address that was judged; with `jsons://` the certificate does the same work, an
address that changes in between cannot show the right one. Redirects are never followed.
"""

from __future__ import annotations

import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from apprise import AppriseAsset
from apprise.plugins.base import NotifyBase
from apprise.plugins.custom_json import NotifyJSON
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.feishu import NotifyFeishu
from apprise.plugins.lark import NotifyLark
from apprise.plugins.wecombot import NotifyWeComBot

from complaints.addresses import is_public

SERVICES: dict[str, type[NotifyBase]] = {
    "dingtalk": NotifyDingTalk,
    "feishu": NotifyFeishu,
    "lark": NotifyLark,
    "wecombot": NotifyWeComBot,
    "json": NotifyJSON,
    "jsons": NotifyJSON,
}
_SECONDS = 8


class Refused(OSError):
    """The address may not be used from here."""


class NotTaken(OSError):
    """Nobody answered, or the answer was no."""


def read(url: str) -> NotifyBase:
    """An address ready for use. Raises ValueError, never with the address: it holds a token."""
    try:
        service = SERVICES[urlsplit(url).scheme]
        values = service.parse_url(url)
        if not values:
            raise ValueError
        values["asset"] = AppriseAsset(http_redirects=False)
        target = service(**values)
    except (KeyError, TypeError, ValueError):
        raise ValueError("not an address of DingTalk, Feishu, Lark or WeCom, nor json:// or jsons://") from None
    # Whatever the address itself asks for: no redirect, no certificate left unchecked, no waiting.
    target.redirects, target.verify_certificate = False, True
    target.socket_connect_timeout = target.socket_read_timeout = _SECONDS
    return target


def send(url: str, text: str, *, internal: Collection[str], is_private_allowed: bool) -> None:
    """Hand one message over. `internal`: hosts of the own network that may get messages.

    Raises Refused for a host in a private or loopback network that is not among them, NotTaken, and
    ValueError for an address that cannot be read; none of them holds the address.
    """
    target = read(url)
    if isinstance(target, NotifyJSON):
        _fix(target, is_free=is_private_allowed or _bare(target.host) in internal)
    if not target.notify(body=text, title=""):
        raise NotTaken


def _fix(target: NotifyJSON, *, is_free: bool) -> None:
    """Judge where a host leads, and let a plain connection lead nowhere else."""
    host = _bare(target.host)
    try:
        found = socket.getaddrinfo(host, target.port or (443 if target.secure else 80), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotTaken from None
    addresses = [str(row[4][0]) for row in found]
    if not is_free and not all(is_public(address) for address in addresses):
        raise Refused
    if not target.secure:
        target.headers.setdefault("Host", f"{target.host}:{target.port}" if target.port else target.host)
        target.host = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]


def _bare(host: str) -> str:
    return host.strip("[]").lower().rstrip(".")
