"""Changes to what the office works by: values of the dimensions, rules of scope, other bodies, notice templates.

Every function here needs one of EDITORS, refuses a change made on an old reading, and leaves who changed what.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from django.db import IntegrityError, models, transaction
from django.db.models import Max, ProtectedError
from django.utils.translation import gettext_lazy as _

from accounts import departments, security
from accounts.errors import InvalidInput, NotAllowed, StaleVersion
from accounts.models import Department, User
from complaints import schemes
from complaints.models import (
    AcceptanceRule,
    Assignment,
    Category,
    CategoryRevision,
    Complaint,
    Dimension,
    ExternalBody,
    LegalReference,
    NoticeTemplate,
)
from complaints.states import OPEN, NoticeKind
from complaints.transitions import core

Row = TypeVar("Row", bound=models.Model)

EDITORS = ("complaints.edit_reference", "accounts.configure_system")
# What of a value may be changed; its identifier and dimension are for ever.
VALUE_FIELDS = (
    "name", "name_en", "hint", "hint_en", "parent", "default_department", "required_fields", "prompts",
    "materials", "is_soft", "order", "is_active", "is_public",
)  # fmt: skip
# What a category may ask for before a complaint is accepted (SCR-05).
REQUIRABLE = (
    "demand", "place", "outlet", "product", "batch", "business_step", "occurred_on", "amount", "consequential_loss",
)  # fmt: skip


def _permit(by: User) -> None:
    if not by.is_active or not any(by.has_perm(name) for name in EDITORS):
        raise NotAllowed(_("Your role does not allow this."))


# --- Values of the dimensions -----------------------------------------------------------------
@transaction.atomic
def add_category(*, dimension: str, code: str, by: User, at: datetime | None = None, **values: Any) -> Category:
    """A new value at the end of its dimension (CLS-01). Raises InvalidInput for an identifier that is taken."""
    _permit(by)
    at = core.moment(at)
    if dimension not in Dimension.values:
        raise InvalidInput("dimension", _("Choose a dimension."))
    if Category.objects.filter(dimension=dimension, code=code).exists():
        raise InvalidInput("code", _("Another value has this identifier; choose one of its own."))
    category = Category(dimension=dimension, code=code)
    siblings = Category.objects.filter(dimension=dimension, parent=values.get("parent"))
    category.order = (siblings.aggregate(last=Max("order"))["last"] or 0) + 1
    _set(category, values)
    category.save()
    CategoryRevision.objects.create(category=category, before={}, after=_snapshot(category), at=at, by=by)
    return category


@transaction.atomic
def change_category(
    category_id: int, *, by: User, seen: int | None = None, at: datetime | None = None, **values: Any
) -> Category:
    """Change a value; the revision holds what it said before and after.

    `seen` is the number of revisions the person saw. Raises StaleVersion, InvalidInput by field.
    """
    _permit(by)
    at = core.moment(at)
    category = Category.objects.select_for_update().get(pk=category_id)
    number = category.revisions.count()
    if seen is not None and seen != number:
        raise StaleVersion(number)
    before = _snapshot(category)
    _set(category, values)
    after = _snapshot(category)
    changed = [name for name in VALUE_FIELDS if before[name] != after[name]]
    if not changed:
        raise InvalidInput("name", _("Nothing was changed."))
    category.save(update_fields=changed)
    CategoryRevision.objects.create(
        category=category,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
        at=at,
        by=by,
    )
    return category


@transaction.atomic
def move_category(category_id: int, *, up: bool, by: User, at: datetime | None = None) -> None:
    """One place up or down among its siblings; nothing happens at the end of the list."""
    _permit(by)
    category = Category.objects.get(pk=category_id)
    siblings = list(
        Category.objects.select_for_update().filter(dimension=category.dimension, parent=category.parent_id)
    )
    place = siblings.index(category)
    other = place - 1 if up else place + 1
    if not 0 <= other < len(siblings):
        return
    siblings[place], siblings[other] = siblings[other], siblings[place]
    for number, row in enumerate(siblings):
        before, row.order = row.order, (number + 1) * 10
        if row.pk == category.pk:
            CategoryRevision.objects.create(
                category=row, before={"order": before}, after={"order": row.order}, at=core.moment(at), by=by
            )
    Category.objects.bulk_update(siblings, ["order"])


@transaction.atomic
def delete_category(category_id: int, *, by: User) -> None:
    """Remove a value that was never used. Raises InvalidInput for one in use or shipped: switch it off."""
    _permit(by)
    category = Category.objects.select_for_update().get(pk=category_id)
    if (category.dimension, category.code) in _shipped():
        raise InvalidInput("name", _("This value is shipped and would come back; switch it off instead."))
    in_use = InvalidInput("name", _("This value is in use; switch it off instead."))
    if Complaint.objects.filter(emotions=category).exists():
        raise in_use
    category.revisions.all().delete()
    try:
        category.delete()
    except ProtectedError:
        raise in_use from None
    security.record("reference_deleted", user=by, subject=f"{category.dimension}:{category.code}")


def _shipped() -> set[tuple[str, str]]:
    return {
        (dimension, value.code)
        for dimension, values in schemes.DIMENSIONS.items()
        for top in values
        for value in (top, *top.children)
    }


def _set(category: Category, values: dict[str, Any]) -> None:
    """Take over what may be changed. Raises InvalidInput by field."""
    unknown = set(values) - set(VALUE_FIELDS)
    if unknown:
        raise InvalidInput(sorted(unknown)[0], _("This cannot be changed here."))
    for name, value in values.items():
        setattr(category, name, value)
    core.require("name", category.name, _("Give the value a name."))
    if set(category.required_fields) - set(REQUIRABLE):
        raise InvalidInput("required_fields", _("Choose among the fields of the list."))
    parent = category.parent
    if parent is None:
        return
    if parent.dimension != category.dimension or parent.pk == category.pk or parent.parent_id is not None:
        raise InvalidInput("parent", _("Choose a value on top of the same dimension."))
    if category.pk and category.children.exists():
        raise InvalidInput("parent", _("This value has values below it, so it stays on top."))


def _snapshot(category: Category) -> dict[str, Any]:
    """What a value says, fit for JSON: other records by their codes."""
    found = {name: getattr(category, name) for name in VALUE_FIELDS}
    found["parent"] = category.parent.code if category.parent else ""
    found["default_department"] = category.default_department.code if category.default_department else ""
    return found


@transaction.atomic
def add_legal_reference(
    category_id: int, *, statutes: str, reputation: str, valid_from: date, by: User, at: datetime | None = None
) -> LegalReference:
    """The law of a legal-risk type from a day on; what held until then ends the day before (CLS-09)."""
    _permit(by)
    category = Category.objects.select_for_update().get(pk=category_id)
    if category.dimension != Dimension.LEGAL:
        raise InvalidInput("statutes", _("Only a type of legal risk has statutes."))
    core.require("statutes", statutes, _("Name the statutes."))
    newest = category.legal_references.first()
    if newest and newest.valid_from >= valid_from:
        raise InvalidInput("valid_from", _("Choose a day after %(day)s."), day=newest.valid_from.isoformat())
    if newest and newest.valid_until is None:
        newest.valid_until = valid_from - timedelta(days=1)
        newest.save(update_fields=["valid_until"])
    row = LegalReference.objects.create(
        category=category, statutes=statutes, reputation=reputation, valid_from=valid_from
    )
    CategoryRevision.objects.create(
        category=category,
        before={"statutes": newest.statutes if newest else ""},
        after={"statutes": statutes},
        at=core.moment(at),
        by=by,
    )
    return row


# --- Rules and bodies -------------------------------------------------------------------------
@transaction.atomic
def save_rule(rule_id: int | None, *, by: User, **values: Any) -> AcceptanceRule:
    """Add or change a rule that decisions on acceptance rely on (SCR-02)."""
    return _save(AcceptanceRule, rule_id, by=by, values=values)


@transaction.atomic
def save_body(body_id: int | None, *, by: User, **values: Any) -> ExternalBody:
    """Add or change a body of the directory (SCR-04)."""
    return _save(ExternalBody, body_id, by=by, values=values)


@transaction.atomic
def save_department(department_id: int | None, *, by: User, **values: Any) -> Department:
    """Add or change a department; one that still has cases is not closed."""
    if department_id and not values["is_active"]:
        still = Assignment.objects.filter(department=department_id, is_current=True, complaint__status__in=OPEN).count()
        if still:
            raise InvalidInput("is_active", _("It still has %(count)s open cases; reassign them first."), count=still)
    return departments.save(department_id, by=by, **values)


def _save(table: type[Row], row_id: int | None, *, by: User, values: dict[str, Any]) -> Row:
    """Store the row; the security log holds what it said before and after, since these tables have no revisions."""
    _permit(by)
    row = table._default_manager.select_for_update().get(pk=row_id) if row_id else table()
    before = _plain(row, values) if row_id else {}
    for name, value in values.items():
        setattr(row, name, value)
    after = _plain(row, values)
    if before == after:
        raise InvalidInput(next(iter(values)), _("Nothing was changed."))
    row.save()
    security.record(
        "reference_changed",
        user=by,
        subject=core.ref(row),
        before={name: value for name, value in before.items() if value != after[name]},
        after={name: value for name, value in after.items() if value != before.get(name)},
    )
    return row


def _plain(row: models.Model, names: dict[str, Any]) -> dict[str, Any]:
    """The values fit for JSON: other records by their identifiers."""
    found = {name: getattr(row, name) for name in names}
    return {name: str(value.pk) if isinstance(value, models.Model) else value for name, value in found.items()}


# --- Templates of notices -----------------------------------------------------------------------
@transaction.atomic
def add_notice_template(
    kind: NoticeKind, *, document: bytes, file_name: str, by: User, at: datetime | None = None
) -> NoticeTemplate:
    """A new revision of the organisation's own template, used from now on (SCR-10).

    Raises InvalidInput("document") naming what is wrong with it.
    """
    from complaints import notice_templates  # leaf: reading Word documents takes long to load

    _permit(by)
    notice_templates.check(document, kind)
    return keep_template(kind, document=document, file_name=file_name, by=by, at=at)


@transaction.atomic
def keep_template(
    kind: str, *, document: bytes, file_name: str, by: User, at: datetime | None = None
) -> NoticeTemplate:
    """Store a checked Word template as the next revision of its kind, which may be another than a notice's (SCR-10).

    Raises NotAllowed, InvalidInput("document") when somebody else stored one at the same moment.
    """
    _permit(by)
    last = NoticeTemplate.objects.filter(kind=kind).aggregate(last=Max("revision"))["last"] or 0
    row = NoticeTemplate(
        kind=kind,
        revision=last + 1,
        document=document,
        file_name=file_name[:120],
        sha256=hashlib.sha256(document).hexdigest(),
        at=core.moment(at),
        by=by,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:  # the constraint lets one of two revisions of the same number in
        raise InvalidInput("document", _("Somebody uploaded a template just now. Look at it, then decide.")) from None
    return row


@transaction.atomic
def use_notice_template(template_id: int, *, active: bool, by: User) -> NoticeTemplate:
    """Switch a revision off or on again; the newest one that is on is used, else the shipped template."""
    _permit(by)
    row = NoticeTemplate.objects.select_for_update().defer("document").get(pk=template_id)
    row.is_active = active
    row.save(update_fields=["is_active"])
    security.record("reference_changed", user=by, subject=core.ref(row), after={"is_active": active})
    return row
