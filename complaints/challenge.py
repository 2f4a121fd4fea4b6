"""An arithmetic question in words before a complaint is filed, when very many are being filed (PI-10).

It is text, so a screen reader speaks it and nothing has to run in the browser; nobody outside is asked.
What the browser carries is signed and holds no answer: a random number, the draft the question belongs
to, the time, and a keyed hash of the right answer. It lasts an hour and can be answered once.

Only the public form asks; a program without a token is sent to it. Staff registering for somebody and
programs with a token are never asked.
"""

from __future__ import annotations

import hmac
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.crypto import keyed_hash
from accounts.errors import DomainError
from complaints import throttle
from complaints.throttle import Limit

LIFETIME = throttle.HOUR
# More wrong answers than a person gives, fewer than guessing needs.
WRONG_BY_ADDRESS = Limit("challenge-wrong", 60, throttle.HOUR)
_SALT = "complaints.challenge"
_ENGLISH = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
)  # fmt: skip
_CHINESE = (
    "零", "一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二", "十三", "十四", "十五", "十六",
    "十七", "十八",
)  # fmt: skip
# Other ways to write the same.
_ALSO = {"〇": 0, "两": 2, "nought": 0, "none": 0, **{f"一{_CHINESE[n]}": n for n in range(10, 19)}}
_VALUES = {word: value for words in (_ENGLISH, _CHINESE) for value, word in enumerate(words)} | _ALSO


@dataclass(frozen=True)
class Question:
    """What is shown, and what the form carries to recognise the answer."""

    text: str
    token: str


class Unanswered(DomainError):
    """The question has to be answered before the complaint is taken. `was_wrong`: an answer was given."""

    code = "question"

    def __init__(self, message: str = "", *, was_wrong: bool = False) -> None:
        super().__init__(message or _("Please answer the question at the end of this page."))
        self.was_wrong = was_wrong


# --- When -----------------------------------------------------------------------------------
def _budgets(address: str) -> tuple[tuple[Limit, str], ...]:
    """How many complaints an hour need no question: from one address, and from everybody together."""
    return (
        (Limit("unasked-address", settings.CHALLENGE_PER_ADDRESS, throttle.HOUR), address),
        (Limit("unasked-site", settings.CHALLENGE_PER_SITE, throttle.HOUR), "everybody"),
    )


def is_needed(address: str, *, at: datetime) -> bool:
    """Whether the next complaint from this address takes an answer."""
    return any(throttle.is_spent(limit, who, at=at) for limit, who in _budgets(address))


def note_filing(address: str, *, at: datetime) -> None:
    """Count a complaint of somebody unknown, by the form or by a program."""
    for limit, who in _budgets(address):
        throttle.spend(limit, who, at=at)


# --- Question and answer ----------------------------------------------------------------------
def ask(draft_id: int, *, at: datetime) -> Question:
    """A new question for this draft, in the active language."""
    first, second = secrets.randbelow(8) + 2, secrets.randbelow(8) + 2
    words = _ENGLISH if get_language() == "en" else _CHINESE
    if secrets.randbelow(2):
        answer, text = first + second, _("What is %(first)s plus %(second)s?")
    else:
        first, second = max(first, second), min(first, second)
        answer, text = first - second, _("What is %(first)s minus %(second)s?")
    nonce = secrets.token_urlsafe(12)
    content = {"n": nonce, "d": draft_id, "t": int(at.timestamp()), "a": _mark(nonce, answer)}
    return Question(text % {"first": words[first], "second": words[second]}, signing.dumps(content, salt=_SALT))


def require(draft_id: int, token: str, answer: str, *, at: datetime) -> None:
    """Raises Unanswered unless `answer` is the right one to a question this draft was asked within the hour."""
    if not token:
        raise Unanswered
    content = _content(token)
    if content is None or content["d"] != draft_id or not 0 <= at.timestamp() - content["t"] < LIFETIME:
        raise Unanswered(_("This question is out of date; please answer the new one."))
    if cache.get(_used(content["n"])):
        raise Unanswered(_("This question was used before; please answer the new one."))
    value = number(answer)
    if value is None:
        raise Unanswered(_("Write the answer as a number, for example 12."), was_wrong=True)
    if not hmac.compare_digest(content["a"], _mark(content["n"], value)):
        raise Unanswered(_("This is not the right answer. Here is another question."), was_wrong=True)


def use_up(token: str) -> None:
    """Take a question out of use; called outside the transaction that a wrong answer rolls back."""
    if content := _content(token):
        cache.set(_used(content["n"]), True, LIFETIME)


def number(text: str) -> int | None:
    """The number a person wrote, in digits of any script or in Chinese or English words; None for anything else."""
    text = unicodedata.normalize("NFKC", text).rstrip("。.! ").lower().strip()
    if text in _VALUES:
        return _VALUES[text]
    return int(text) if text.isdecimal() and len(text) <= 4 else None


def _content(token: str) -> dict | None:
    try:
        return signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        return None


def _mark(nonce: str, answer: int) -> str:
    return keyed_hash(_SALT, f"{nonce}:{answer}")


def _used(nonce: str) -> str:
    return f"challenge:{keyed_hash(_SALT, nonce)}"
