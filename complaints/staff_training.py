"""The register of courses, exercises and examinations, and of who took part (KB-09…KB-12, KB-14)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput, NotAllowed
from accounts.models import User
from complaints import knowledge
from complaints.models import Article, Training, TrainingAttendance
from complaints.states import ArticleKind, ArticleState, TrainingKind
from complaints.transitions.intake import check_text

EDIT = knowledge.EDIT
MAX_PEOPLE = 1000
MAX_CONTENT = 4000
MAX_CASES = 20
MAX_HOURS = Decimal(1000)
PASS_FROM = 60
_LIMITS = {"title": 120, "trainer": 80}
_POINTS = re.compile(r"100|[1-9]?\d", re.ASCII)
_PARTS = re.compile(r"[\s,，;；:：]+")


@dataclass(frozen=True)
class Line:
    """One line of a list of people: who took part and, after an examination, with how many points of 100."""

    user: User
    score: int | None


@transaction.atomic
def record(
    *, by: User, at: datetime | None = None, people: str = "", pass_from: int = PASS_FROM, **values: Any
) -> Training:
    """Enter a course, exercise or examination, or plan one, with who took part (KB-09…KB-12, KB-14).

    `values`: kind, title, held_on, hours, trainer (the mentor of a pairing), content, article (a number).
    Raises NotAllowed, InvalidInput naming the field.
    """
    at = at or timezone.now()
    _may_edit(by)
    row = Training.objects.create(at=at, by=by, **_check(values))
    if people.strip():
        _store(row, people, pass_from=pass_from, at=at)
    return row


@transaction.atomic
def add_people(
    training_id: int, *, people: str, by: User, pass_from: int = PASS_FROM, at: datetime | None = None
) -> int:
    """Enter who took part, one line each: staff number and, after an examination, the points of 100.

    Whoever is entered already gets the new points. All lines or none. Returns how many people.
    Raises NotAllowed, InvalidInput naming `people` and the line.
    """
    row = Training.objects.select_for_update().get(pk=training_id)
    _may_edit(by)
    return _store(row, people, pass_from=pass_from, at=at or timezone.now())


@transaction.atomic
def remove_person(training_id: int, *, user_id: int, by: User) -> int:
    """Take out somebody entered by mistake; returns how many were there. Raises NotAllowed."""
    row = Training.objects.select_for_update().get(pk=training_id)
    _may_edit(by)
    return row.attendances.filter(user=user_id).delete()[0]


def _check(values: dict[str, Any]) -> dict[str, Any]:
    kind = values["kind"]
    if kind not in TrainingKind.values:
        raise InvalidInput("kind", _("Choose one."))
    found: dict[str, Any] = {"kind": TrainingKind(kind)}
    for name, limit in _LIMITS.items():
        found[name] = " ".join(check_text(name, values.get(name, ""), limit=limit).split())
    if not found["title"]:
        raise InvalidInput("title", _("Fill this in."))
    if kind == TrainingKind.MENTORING and not found["trainer"]:
        raise InvalidInput("trainer", _("Say who the mentor is."))
    found["content"] = check_text("content", values.get("content", ""), limit=MAX_CONTENT).strip()
    found["content"] = _with_cases(found["content"], values.get("cases", ""))
    held_on: date = values["held_on"]
    if not 2000 <= held_on.year <= 2100:
        raise InvalidInput("held_on", _("Give a day between 2000 and 2100."))
    found["held_on"] = held_on
    found["hours"] = values["hours"]
    if not 0 <= found["hours"] <= MAX_HOURS:
        raise InvalidInput("hours", _("Give a number of hours up to %(most)s."), most=MAX_HOURS)
    number = values.get("article", "").strip().upper()
    found["article"] = Article.objects.filter(number=number).first() if number else None
    if number and found["article"] is None:
        raise InvalidInput("article", _("There is no article %(number)s."), number=number)
    return found


def _with_cases(content: str, typed: str) -> str:
    """The content with a line that names the typical cases used; the register finds them by their numbers (KB-13).

    Raises InvalidInput naming `cases` for a number that is no typical case in use.
    """
    numbers = knowledge.split_numbers(check_text("cases", typed, limit=600))
    if not numbers:
        return content
    if len(numbers) > MAX_CASES:
        raise InvalidInput("cases", _("At most %(most)s typical cases."), most=MAX_CASES)
    in_use = Article.objects.filter(
        number__in=numbers, kind=ArticleKind.TYPICAL_CASE, state=ArticleState.PUBLISHED
    ).values_list("number", flat=True)
    known = set(in_use)
    for number in numbers:
        if number not in known:
            raise InvalidInput("cases", _("There is no typical case %(number)s in use."), number=number)
    line = f"典型案例：{'、'.join(numbers)}"
    return f"{content}\n{line}" if content else line


def _store(row: Training, people: str, *, pass_from: int, at: datetime) -> int:
    lines = read_people(people)
    if any(line.score is not None for line in lines) and row.held_on > timezone.localdate(at):
        raise InvalidInput("people", _("It has not taken place yet, so there are no points."))
    if not 1 <= pass_from <= 100:
        raise InvalidInput("pass_from", _("Give a whole number from %(least)s to %(most)s."), least=1, most=100)
    for line in lines:
        passed = None if line.score is None else line.score >= pass_from
        TrainingAttendance.objects.update_or_create(
            training=row, user=line.user, defaults={"score": line.score, "has_passed": passed}
        )
    return len(lines)


def read_people(text: str) -> list[Line]:
    """The people of a list. Raises InvalidInput naming `people` with the number of the first wrong line."""
    lines = [(n, _PARTS.split(line.strip())) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise InvalidInput("people", _("Write one person per line."))
    if len(lines) > MAX_PEOPLE:
        raise InvalidInput("people", _("At most %(most)s people at once."), most=MAX_PEOPLE)
    numbers = {parts[0].upper() for _n, parts in lines}
    known = {user.staff_number.upper(): user for user in User.objects.filter(staff_number__in=numbers)}
    found: dict[int, Line] = {}
    for n, (number, *rest) in lines:
        user = known.get(number.upper())
        if user is None:
            raise InvalidInput("people", _("Line %(line)s: nobody has this staff number."), line=n)
        if len(rest) > 1 or any(not _POINTS.fullmatch(part) for part in rest):
            raise InvalidInput("people", _("Line %(line)s: points are a whole number from 0 to 100."), line=n)
        if user.pk in found:
            raise InvalidInput("people", _("Line %(line)s: this person stands here twice."), line=n)
        found[user.pk] = Line(user, int(rest[0]) if rest else None)
    return list(found.values())


def may_read_sheet(reader: User, person: User) -> bool:
    """The own sheet is open to everybody, those of others to whoever keeps the register."""
    return reader.pk == person.pk or reader.has_perm(EDIT)


def _may_edit(by: User) -> None:
    if not by.has_perm(EDIT):
        raise NotAllowed(_("Your role does not allow this."))
