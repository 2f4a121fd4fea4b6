"""Templates a reply starts from, and the check that it was made personal (COO-10, KB-16).

A template holds placeholders in braces. The system fills {number}, {subject}, {department} and {date};
any other brace says in words what the author has to write there. Each change of a template is a version of
its own: the one before stays as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import security
from accounts.errors import InvalidInput, NotAllowed, StaleVersion
from accounts.models import User
from complaints.models import Category, Complaint, ReplyTemplate
from complaints.reply_stock import STOCK
from complaints.states import NoticeKind

EDITORS = ("complaints.edit_reference", "accounts.configure_system")
FILLED = ("number", "subject", "department", "date")
MAX_LENGTH = 20_000
_CODE_LENGTH = 60
_BRACES = re.compile(r"[{｛]\s*([^{}｛｝]{1,120}?)\s*[}｝]")
_DATE = r"\d{4}年\d{1,2}月\d{1,2}日"
_VERSION = re.compile(r"-v(\d+)$")


def load_templates(using: str = "default") -> None:
    """Add the shipped templates that are not stored yet."""
    known = set(ReplyTemplate.objects.using(using).values_list("code", flat=True))
    ReplyTemplate.objects.using(using).bulk_create(
        ReplyTemplate(code=row.code, name=row.name, process=row.process, result=row.result)
        for row in STOCK
        if row.code not in known
    )


# --- Filling and checking -------------------------------------------------------------------------
def values_for(complaint: Complaint, *, at: datetime) -> dict[str, str]:
    """What the system fills in, in Chinese: a reply is written in the language of the organisation."""
    day = timezone.localdate(at)
    return {
        "number": complaint.number,
        "subject": complaint.subject,
        "department": complaint.lead_department.name if complaint.lead_department else "我单位",
        "date": f"{day.year}年{day.month}月{day.day}日",
    }


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with what the system knows; other braces stay for the author."""
    return _BRACES.sub(lambda match: values.get(match.group(1), match.group()), text)


def placeholders(text: str) -> list[str]:
    """The braces of a text in order, each once, as they stand there."""
    return list(dict.fromkeys(match.group() for match in _BRACES.finditer(text)))


def offered(complaint: Complaint) -> list[ReplyTemplate]:
    """The templates in use that fit the category of the case, those for the very category first. One query."""
    keys = list(_path(complaint.category))
    rows = ReplyTemplate.objects.filter(is_active=True, kind=NoticeKind.REPLY)
    rows = rows.filter(Q(category=None) | Q(category__in=keys))
    return sorted(rows, key=lambda row: (row.category_id is None, row.name))


def _path(category: Category | None) -> Iterator[int]:
    while category is not None:
        yield category.pk
        category = category.parent


def require_personal(complaint: Complaint, *, process: str, result: str, at: datetime) -> None:
    """Refuse a text that still has a placeholder or is a template word for word, whatever its version (COO-10).

    Raises InvalidInput("process" or "result").
    """
    texts = {"process": process, "result": result}
    for field, text in texts.items():
        left = placeholders(text)
        if left:
            raise InvalidInput(field, _("Write what belongs here: %(what)s"), what=" ".join(left[:5]))
    values = values_for(complaint, at=at)
    for row in ReplyTemplate.objects.filter(kind=NoticeKind.REPLY):
        for field, text in texts.items():
            stored = getattr(row, field)
            if stored.strip() and _is_same(stored, text, values):
                raise InvalidInput(
                    field,
                    _("This is the template “%(name)s” word for word; write what holds for this case."),
                    name=row.name,
                )


def _is_same(template: str, text: str, values: Mapping[str, str]) -> bool:
    """Whether a text is the template with nothing of one's own, spaces and the day it was filled aside."""
    pattern, end = "", 0
    for match in _BRACES.finditer(template):
        pattern += re.escape(_squeeze(template[end : match.start()]))
        name = match.group(1)
        if name == "date":
            pattern += _DATE
        else:  # braces taken away from around a hint leave the hint
            pattern += re.escape(_squeeze(values.get(name, name)))
        end = match.end()
    pattern += re.escape(_squeeze(template[end:]))
    return re.fullmatch(pattern, _squeeze(text)) is not None


def _squeeze(text: str) -> str:
    return "".join(text.split())


# --- Versions -------------------------------------------------------------------------------------
def base_of(code: str) -> str:
    """What the versions of one template share: `money-back` of `money-back-v3`."""
    return _VERSION.sub("", code)


def version_of(code: str) -> int:
    found = _VERSION.search(code)
    return int(found.group(1)) if found else 1


def versions(row: ReplyTemplate) -> list[ReplyTemplate]:
    """Every version of a template, newest first."""
    base = base_of(row.code)
    rows = ReplyTemplate.objects.filter(Q(code=base) | Q(code__startswith=f"{base}-v")).select_related("category")
    return sorted((each for each in rows if base_of(each.code) == base), key=lambda each: -version_of(each.code))


@transaction.atomic
def add(*, code: str, by: User, **values: Any) -> ReplyTemplate:
    """A new template. Raises NotAllowed, InvalidInput by field."""
    _permit(by)
    if _VERSION.search(code) or len(code) > _CODE_LENGTH - 5:
        raise InvalidInput("code", _("Choose a shorter identifier that does not end in a version."))
    _check(values)
    return _store(ReplyTemplate(code=code, **values), by=by, before=None)


@transaction.atomic
def revise(template_id: int, *, by: User, **values: Any) -> ReplyTemplate:
    """Store a changed template as its next version; the one before is switched off and stays as it was.

    Raises NotAllowed, InvalidInput by field, StaleVersion when a newer version exists.
    """
    _permit(by)
    old = ReplyTemplate.objects.select_for_update().get(pk=template_id)
    newest = version_of(versions(old)[0].code)
    if newest != version_of(old.code):
        raise StaleVersion(newest)
    _check(values)
    if all(getattr(old, name) == value for name, value in values.items()):
        raise InvalidInput("name", _("Nothing was changed."))
    new = ReplyTemplate(code=f"{base_of(old.code)}-v{newest + 1}", is_active=old.is_active, **values)
    old.is_active = False
    old.save(update_fields=["is_active"])
    return _store(new, by=by, before=old)


@transaction.atomic
def switch(template_id: int, *, active: bool, by: User) -> ReplyTemplate:
    """Offer a template to authors, or no longer. Only the newest version can be offered: StaleVersion else."""
    _permit(by)
    row = ReplyTemplate.objects.select_for_update().get(pk=template_id)
    newest = version_of(versions(row)[0].code)
    if newest != version_of(row.code):
        raise StaleVersion(newest)
    if row.is_active != active:
        row.is_active = active
        row.save(update_fields=["is_active"])
        security.record(
            "reference_changed", user=by, subject=f"replytemplate:{row.pk}", before={"is_active": not active},
            after={"is_active": active},
        )  # fmt: skip
    return row


def _store(row: ReplyTemplate, *, by: User, before: ReplyTemplate | None) -> ReplyTemplate:
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise InvalidInput("code", _("Another template has this identifier; choose one of its own.")) from None
    security.record(
        "reference_changed",
        user=by,
        subject=f"replytemplate:{row.pk}",
        before={"code": before.code} if before else {},
        after={"code": row.code, "name": row.name},
    )
    return row


def _check(values: Mapping[str, Any]) -> None:
    if not values["name"].strip():
        raise InvalidInput("name", _("Fill this in."))
    if not values["process"].strip() and not values["result"].strip():
        raise InvalidInput("result", _("Write at least one of the two texts."))
    for field in ("process", "result"):
        if len(values[field]) > MAX_LENGTH:
            raise InvalidInput(field, _("Please shorten this to %(limit)s characters."), limit=MAX_LENGTH)


def _permit(by: User) -> None:
    if not by.is_active or not any(by.has_perm(name) for name in EDITORS):
        raise NotAllowed(_("Your role does not allow this."))
