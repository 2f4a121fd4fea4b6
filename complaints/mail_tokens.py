"""Addresses and Message-IDs that say which case or which message an e-mail answers (AP-07).

Both carry a number and a keyed hash of it, so they cannot be made up or moved to another case. They
survive mail servers that change the case of letters.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings

from accounts.crypto import keyed_hash

# 80 bits: nobody guesses it, and the local part of an address stays far below its 64 characters.
_HASH_LENGTH = 20
_SIGNED = r"([cn])(\d{1,18})-([0-9a-f]{20})"
PLACEHOLDER = "TOKEN"


def _sign(kind: str, number: int) -> str:
    return f"{kind}{number}-{keyed_hash(f'mail-{kind}', str(number))[:_HASH_LENGTH]}"


def _read(token: re.Match[str]) -> int | None:
    """The number of a token, or None when it is forged."""
    kind, number = token[1].lower(), int(token[2])
    return number if hmac.compare_digest(_sign(kind, number), token[0].lower()) else None


def reply_address(complaint_id: int) -> str:
    """Where an answer to a mail about this case goes; '' when no mailbox is read."""
    return settings.MAIL_REPLY_TO.replace(PLACEHOLDER, _sign("c", complaint_id)) if settings.IMAP_ACCOUNT else ""


def message_id(notification_id: int) -> str:
    """The Message-ID of the mail of a notification: the same however often it is sent."""
    return f"<huiyin.{_sign('n', notification_id)}@{settings.MAIL_DOMAIN}>"


def own_ids() -> re.Pattern[str]:
    """Matches the Message-IDs this system makes, right or forged."""
    return re.compile(rf"huiyin\.({_SIGNED})@{re.escape(settings.MAIL_DOMAIN)}", re.I)


def own_addresses() -> set[str]:
    """Where this system sends from, and the address of its mailbox without a token."""
    plain = settings.MAIL_REPLY_TO.replace(f"+{PLACEHOLDER}", "")
    return {settings.MAIL_ADDRESS.casefold(), plain.casefold()}


@dataclass(frozen=True)
class Answers:
    """What a message answers: cases by address, our messages by Message-ID, and whether a token was forged."""

    complaints: frozenset[int]
    notifications: frozenset[int]
    forged: bool


def answers(recipients: Iterable[str], references: Iterable[str]) -> Answers:
    """Read the tokens in the addresses of a message and in the messages it refers to."""
    local, _at, domain = settings.MAIL_REPLY_TO.partition("@")
    before, placeholder, after = local.partition(PLACEHOLDER)
    # Without a place for a token in the address nothing matches.
    token = "([^@]*)" if placeholder else "(?!)()"
    address = re.compile(f"{re.escape(before)}{token}{re.escape(after)}@{re.escape(domain)}", re.I)
    ids = own_ids()
    cases = [_number(found[1], "c") for recipient in recipients if (found := address.fullmatch(recipient))]
    sent = [_number(found[1], "n") for reference in references if (found := ids.search(reference))]
    return Answers(
        frozenset(number for number in cases if number is not None),
        frozenset(number for number in sent if number is not None),
        forged=None in cases or None in sent,
    )


def notifications_in(raw: bytes) -> set[int]:
    """Notifications whose mails a bounce quotes, by their signed Message-IDs."""
    text = raw[:1_000_000].decode("ascii", "replace")
    return {number for found in own_ids().finditer(text) if (number := _number(found[1], "n")) is not None}


def _number(token: str, kind: str) -> int | None:
    found = re.fullmatch(_SIGNED, token, re.I | re.A)
    return _read(found) if found and found[1].lower() == kind else None
