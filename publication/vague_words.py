"""Words that promise nothing, as a list the office edits, and the definite dates offered instead (PUB-10)."""

from __future__ import annotations

import re
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput, NotAllowed, StaleVersion
from accounts.models import User
from complaints import clocks
from complaints.calendars import CalendarMissing
from publication import wording
from publication.models import VagueWord

EDIT = "publication.compose"
# Working days that a click offers as a date.
OFFERED = (5, 15, 30)
# A day, a number of working days, or how often: what makes a deadline definite.
_DEFINITE = re.compile(
    r"\d{1,2}\s*月\s*\d{1,2}\s*日|\d{4}\s*年\s*\d{1,2}\s*月|\d{4}-\d{2}-\d{2}|(?<!\d)\d++\s*+个?(?:工作日|自然日|小时|天)"
    r"|[每当]\s*[0-9一二三两]?\s*(?:个)?\s*[日天周月季年]"
)
_BODY = ("部门", "单位", "方面", "人员")


def load(using: str = "default", **_kwargs: object) -> None:
    """Add the shipped words that are missing, after every migrate. What the office changed or switched off stays."""
    rows = [
        VagueWord(word=word, advice=wording.VAGUE[f"{kind}_advice"], asks_date=kind == "dates")
        for kind in ("dates", "bodies", "empty")
        for word in wording.VAGUE[kind].split()
    ]
    VagueWord.objects.using(using).bulk_create(rows, ignore_conflicts=True)


def active() -> list[VagueWord]:
    """The words that are looked for, longest first; one query."""
    return sorted(VagueWord.objects.filter(is_active=True), key=lambda row: (-len(row.word), row.word))


def found_in(text: str, words: list[VagueWord]) -> list[VagueWord]:
    """Those of the words that stand in the text, in the order of the text."""
    return sorted((row for row in words if row.word in text), key=lambda row: text.index(row.word))


def names_nobody(row: VagueWord) -> bool:
    """Whether a department should stand there instead."""
    return not row.asks_date and row.word.endswith(_BODY)


def is_definite(text: str) -> bool:
    """Whether the text names a day, a number of days or how often."""
    return bool(_DEFINITE.search(text))


def written(day: date) -> str:
    """A deadline as the public reads it."""
    return f"{day.year} 年 {day.month} 月 {day.day} 日前"


def dates(today: date) -> list[str]:
    """Deadlines in working days after `today`; nothing where the working calendar is missing."""
    calendar = clocks.working_calendar()
    try:
        return [f"{written(calendar.add_working_days(today, days))}（{days} 个工作日内）" for days in OFFERED]
    except CalendarMissing:
        return []


# --- Editing ----------------------------------------------------------------------------------------


@transaction.atomic
def add(*, word: str, advice: str, asks_date: bool, by: User, at: datetime | None = None) -> VagueWord:
    """One more word. Raises NotAllowed, InvalidInput at `word` or `advice`."""
    _may_edit(by)
    word, advice = _checked(word, "word", least=2, most=40), _checked(advice, "advice", least=2, most=200)
    row, created = VagueWord.objects.get_or_create(
        word=word,
        defaults={"advice": advice, "asks_date": asks_date, "changed_at": at or timezone.now(), "changed_by": by},
    )
    if not created:
        raise InvalidInput("word", _("This word is in the list already."))
    return row


@transaction.atomic
def change(
    pk: int, *, advice: str, asks_date: bool, is_active: bool, seen: str, by: User, at: datetime | None = None
) -> VagueWord:
    """Change what is advised, or switch the word off or on; the word itself stays.

    `seen` is when the row was changed last, as the person saw it. Raises NotAllowed, InvalidInput at `advice`,
    StaleVersion when somebody else changed it since.
    """
    _may_edit(by)
    advice = _checked(advice, "advice", least=2, most=200)
    row = VagueWord.objects.select_for_update(of=("self",)).get(pk=pk)
    if row.changed_at.isoformat() != seen:
        raise StaleVersion(row.pk)
    row.advice, row.asks_date, row.is_active = advice, asks_date, is_active
    row.changed_at, row.changed_by = at or timezone.now(), by
    row.save(update_fields=["advice", "asks_date", "is_active", "changed_at", "changed_by"])
    return row


def _may_edit(by: User) -> None:
    if not by.has_perm(EDIT):
        raise NotAllowed(_("Your role does not allow this."))


def _checked(text: str, field: str, *, least: int, most: int) -> str:
    text = text.strip()
    if not least <= len(text) <= most or "|" in text or "\x00" in text:
        raise InvalidInput(field, _("Write %(least)s to %(most)s characters, without “|”."), least=least, most=most)
    return text
