"""The organisation's gateway for short messages: one POST per message (RISK-28)."""

from __future__ import annotations

import json
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

_SECONDS = 10


class Refused(OSError):
    """The gateway answered and did not take the message."""


class Unreachable(OSError):
    """No gateway answered."""


class _NoRedirect(HTTPRedirectHandler):
    """A number goes to the address in the settings and nowhere else."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def send(url: str, *, to: str, text: str, id: str) -> None:
    """Hand one message over. `to` is a number as +86…; the same `id` is the same message, however often it comes.

    Any 2xx means taken. Raises Refused and Unreachable, neither with the number or the address of the gateway.
    """
    body = json.dumps({"to": to, "text": text, "id": id}).encode()
    request = Request(url, body, {"Content-Type": "application/json"}, method="POST")  # noqa: S310 — checked at start
    try:
        with build_opener(ProxyHandler({}), _NoRedirect).open(request, timeout=_SECONDS):
            pass
    except HTTPError as error:
        error.close()
        raise Refused(f"status {error.code}") from None
    except (OSError, HTTPException) as error:
        raise Unreachable(type(error).__name__) from None
