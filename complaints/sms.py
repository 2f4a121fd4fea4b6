"""The organisation's gateway for short messages: one POST per message (RISK-28, CASE-10)."""

from __future__ import annotations

import json
import re
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from django.conf import settings

from complaints import identity
from complaints.models import Complainant
from complaints.models.people import ContactKind

_SECONDS = 10
# Landlines take no short messages.
MOBILE = re.compile(r"\+861[3-9]\d{9}", re.ASCII)


class Refused(OSError):
    """The gateway answered and did not take the message."""


class Unreachable(OSError):
    """No gateway answered."""


class _NoRedirect(HTTPRedirectHandler):
    """A number goes to the address in the settings and nowhere else."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def number_of(complainant: Complainant) -> str:
    """The mobile number, as +86…, at which a complainant can be told something; '' without one or without a gateway."""
    number = identity.normalise(ContactKind.PHONE, complainant.contact(ContactKind.PHONE)) if settings.SMS_URL else ""
    return number if MOBILE.fullmatch(number) else ""


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
