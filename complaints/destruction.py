"""Taking the content out of the file of a case for good, and what stands against it (ARC-04).

What goes: every text, name, number and file about the case and who complained. What stays: that there was a case,
its file number with the hash of the index, its dates and codes, so that figures of past years stand as they were;
and the log of the case, whose rows cannot change without breaking the chain. Texts in the log are struck of the
complainant's data when they are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Any

from django.apps import apps
from django.db import connection, models, transaction
from django.db.models import Case, ProtectedError, Q, Value, When
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.crypto import EncryptedTextField
from complaints import files
from complaints.models import (
    Attachment,
    CaseFile,
    Complaint,
    ComplaintSearch,
    ContactPoint,
    InboundMail,
    IntakeDraft,
    Lawsuit,
    LegalHold,
    Notification,
    ServiceRequest,
    StoredFile,
    TextPrint,
)

# Columns of characters from this length on hold words; shorter ones hold codes.
WORDS = 60
# Stands where a check of the table asks for a word.
GONE = "—"

Hindrance = Callable[[Iterable[int], datetime | None], set[int]]


@dataclass(frozen=True)
class Contents:
    """What an app keeps about cases: `stays` names tables, or columns ("table.column"), that are left alone."""

    app: str
    stays: frozenset[str] = frozenset()


_contents: dict[str, Contents] = {
    "complaints": Contents(
        "complaints",
        frozenset(
            {
                # The log and the registers of the archive are what remains.
                "caseevent",
                "casefile",
                "consultation",
                "appraisalitem",
                # Codes and dates that figures and pages compute from.
                "deadline",
                "clockreset.changes",
                "callsample.points",
                "riskassessment.factors",
                "qualitycheck.points",
                "complaint.number",
                # Registers of the organisation that only point at a case.
                "auditfinding",
                "dataincident",
                "improvementaction",
            }
        ),
    )
}
_hindrances: dict[str, tuple[Promise | str, Hindrance]] = {}


def register_contents(app: str, *, stays: Iterable[str] = ()) -> None:
    """An app above has its tables that point at a case emptied with it, save those it names."""
    _contents[app] = Contents(app, frozenset(stays))


def register_hindrance(code: str, words: Promise | str, function: Hindrance) -> None:
    """An app above says which of some cases may not be destroyed: now, or because of what began since a moment."""
    _hindrances[code] = (words, function)


# --- What stands against it -----------------------------------------------------------------------
def _held(cases: Iterable[int], since: datetime | None) -> set[int]:
    stands = Q(released_at=None)
    if since is not None:
        stands |= Q(released_at__gte=since)
    return set(LegalHold.objects.filter(stands, complaint__in=cases).values_list("complaint", flat=True))


def _sued(cases: Iterable[int], since: datetime | None) -> set[int]:
    return set(Lawsuit.objects.filter(complaint__in=cases).values_list("complaint", flat=True))


register_hindrance("hold", _("A legal hold stands"), _held)
register_hindrance("lawsuit", _("There is a lawsuit"), _sued)


def hindered(cases: Iterable[int], *, since: datetime | None = None) -> dict[int, str]:
    """Which of these cases may not be destroyed, and the code of why: a hold, a lawsuit, a review, a publication.

    With `since`, what began or still stood after that moment counts too: it stops a destruction agreed before.
    """
    cases = list(cases)
    found: dict[int, str] = {}
    for code, (_words, function) in _hindrances.items():
        for pk in function(cases, since) if cases else ():
            found.setdefault(pk, code)
    return found


def hindrance_words(code: str) -> str:
    """The reason in words."""
    return str(_hindrances[code][0])


# --- Taking the content out -----------------------------------------------------------------------
# Rows that hold nothing else than content: they go altogether, in this order.
_REMOVED: tuple[tuple[type[models.Model], str], ...] = (
    (ComplaintSearch, "complaint"),
    (TextPrint, "complaint"),
    (Notification, "complaint"),
    (ServiceRequest, "complaint"),
    (ContactPoint, "complainant__complaint"),
)


@dataclass(frozen=True)
class _Table:
    """The columns of a table to be emptied, and the look-ups that lead from its rows to the case."""

    model: type[models.Model]
    paths: tuple[str, ...]
    empty: dict[str, Any]


@transaction.atomic
def destroy(complaint_id: int) -> None:
    """Empty everything recorded on a case. The caller has locked its row and looked for hindrances; harmless twice.

    Raises ProtectedError when a record of another kind still needs one of its files; nothing is changed then.
    """
    # The archive is kept in Chinese, whoever works in it.
    with translation.override("zh-hans"):
        subject = gettext("(destroyed)")
    _remove_files(complaint_id)
    for model, path in _REMOVED:
        model._default_manager.filter(**{path: complaint_id}).delete()
    Complaint.accused_staff.through.objects.filter(complaint=complaint_id).delete()
    tables = _tables()
    with _changeable(table.model._meta.db_table for table in tables):
        for table in tables:
            where = Q()
            for path in table.paths:
                where |= Q(**{path: complaint_id})
            keys = list(table.model._default_manager.filter(where).values_list("pk", flat=True))
            if keys:
                table.model._default_manager.filter(pk__in=keys).update(**table.empty)
        Complaint.objects.filter(pk=complaint_id).update(subject=subject)
    CaseFile.objects.filter(complaint=complaint_id).update(index=[], missing=[])


def _remove_files(complaint_id: int) -> None:
    """Attachments, mails and drafts of the case, and every stored content that nothing else refers to."""
    attachments = Attachment.objects.filter(Q(complaint=complaint_id) | Q(draft__complaint=complaint_id))
    mails = InboundMail.objects.filter(complaint=complaint_id)
    stored = set(attachments.values_list("file", flat=True)) | set(
        mails.exclude(original=None).values_list("original", flat=True)
    )
    keys = list(attachments.values_list("pk", flat=True))
    # Also those that the attachment itself does not know of (related_name="+").
    for relation in Attachment._meta.get_fields(include_hidden=True):
        if not isinstance(relation, models.ManyToOneRel):
            continue
        model: type[models.Model] = relation.related_model  # type: ignore[assignment]  # a class once all is loaded
        rows = model._default_manager.filter(**{f"{relation.field.name}__in": keys})
        if relation.field.null:
            rows.update(**{relation.field.name: None})
        else:
            stored |= _stored_by(rows)
            rows.delete()
    Attachment.objects.filter(pk__in=keys).delete()
    mails.delete()
    IntakeDraft.objects.filter(complaint=complaint_id).delete()
    for row in StoredFile.objects.filter(pk__in=stored):
        place = files.path_of(row.sha256)
        try:
            row.delete()
        except ProtectedError:
            continue  # the same content belongs to another case
        transaction.on_commit(partial(place.unlink, missing_ok=True))


def _stored_by(rows: models.QuerySet) -> set[str]:
    names = [field.name for field in rows.model._meta.concrete_fields if field.related_model is StoredFile]
    return {key for name in names for key in rows.values_list(name, flat=True) if key}


@cache
def _tables() -> list[_Table]:
    """Every table with words about a case, found by its columns: one that a later release adds is emptied too."""
    return [table for contents in _contents.values() for table in _tables_of(contents)]


def _tables_of(contents: Contents) -> Iterator[_Table]:
    known = [model for model in apps.get_app_config(contents.app).get_models() if model not in dict(_REMOVED)]
    direct = {model: _links(model, Complaint) for model in known}
    direct = {model: paths for model, paths in direct.items() if paths and model is not Complaint}
    for model in known:
        paths = direct.get(model) or _paths_by_way_of(model, direct)
        if model is Complaint:
            paths = ("pk",)
        elif model._meta.model_name == "complainant":
            paths = ("complaint",)
        empty = _emptied(model, contents)
        if paths and empty and model._meta.model_name not in contents.stays:
            yield _Table(model, paths, empty)


def _links(model: type[models.Model], target: type[models.Model]) -> tuple[str, ...]:
    return tuple(field.name for field in model._meta.concrete_fields if field.related_model is target)


def _paths_by_way_of(model: type[models.Model], direct: dict[type[models.Model], tuple[str, ...]]) -> tuple[str, ...]:
    """Through a record of the case, such as an extension through its deadline."""
    return tuple(
        f"{field.name}__{path}"
        for field in model._meta.concrete_fields
        if field.related_model in direct and not field.null
        for path in direct[field.related_model]
    )


def _emptied(model: type[models.Model], contents: Contents) -> dict[str, Any]:
    name = model._meta.model_name
    checked = _checked(model)
    found: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        if f"{name}.{field.name}" in contents.stays or not _holds_words(field):
            continue
        if field.null:
            found[field.name] = None
        elif isinstance(field, models.JSONField):
            found[field.name] = field.get_default() or []
        elif field.name in checked:
            found[field.name] = Case(When(**{field.name: ""}, then=Value("")), default=Value(GONE))
        else:
            found[field.name] = ""
    if model is Complaint:
        found |= {"occurred_on": None, "amount": None}
    if name == "complainant":
        found["staff_user"] = None
    return found


def _checked(model: type[models.Model]) -> set[str]:
    """Columns a check of the table asks for: "dismissed only with a reason" must hold after the reason is gone."""

    def names(condition: Any) -> Iterator[str]:
        for child in condition.children:
            if isinstance(child, Q):
                yield from names(child)
            else:
                yield child[0].split("__")[0]

    checks = [check for check in model._meta.constraints if isinstance(check, models.CheckConstraint)]
    return {name for check in checks for name in names(check.condition)}


def _holds_words(field: models.Field) -> bool:
    if field.choices or field.unique:
        return False
    if isinstance(field, (models.TextField, EncryptedTextField, models.JSONField, models.URLField)):
        return True
    if not isinstance(field, models.CharField):
        return False
    # Hashes prove what there was; those that find a person or let one in do not.
    if field.name in ("match_hash", "access_code_hash"):
        return True
    is_hash = field.name.endswith("hash") or field.name == "sha256"
    return not is_hash and (field.max_length or 0) >= WORDS


# --- Triggers -------------------------------------------------------------------------------------
@contextmanager
def _changeable(tables: Iterable[str]) -> Iterator[None]:
    """Take away, until the end of the block, the triggers that refuse a change; nobody else sees them gone.

    The transaction holds the tables meanwhile: SQLite has one writer, PostgreSQL locks them against other writers.
    """
    found = [item for table in tables for item in _guards(table)]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # A table with checks still to be made cannot be altered.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table, name, _sql in found:
            if connection.vendor == "postgresql":
                cursor.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER "{name}"')
            else:
                cursor.execute(f'DROP TRIGGER "{name}"')
    yield
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table, name, sql in found:
            if connection.vendor == "postgresql":
                cursor.execute(f'ALTER TABLE "{table}" ENABLE TRIGGER "{name}"')
            else:
                cursor.execute(sql)


def _guards(table: str) -> list[tuple[str, str, str]]:
    """(table, name, statement) of the triggers that complaints.triggers put on a table against changes."""
    names = [f"{table}_immutable", f"{table}_append_only", f"{table}_no_update"]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT tgname, '' FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname = ANY(%s)", [table, names]
            )
        else:
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s AND name IN (%s, %s, %s)",
                [table, *names],
            )
        return [(table, name, sql) for name, sql in cursor.fetchall()]
