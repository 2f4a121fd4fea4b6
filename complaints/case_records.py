"""Everything recorded on one case, read with a single query.

A case page shows rows of two dozen tables. One query per table would make the page slow wherever the
database is another machine, so the rows are read as one UNION ALL of JSON objects and put where
`prefetch_related` would put them: `complaint.notes.all()` and its like then ask nothing more. People,
departments, categories and stored files that the rows point at come along by name.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any

from django.db import connection, models
from django.db.models import F, Value
from django.db.models.functions import JSONObject
from django.utils import timezone

from accounts.models import Department, User
from complaints.models import (
    Allegation,
    Assignment,
    Attachment,
    Callback,
    CareConsent,
    CaseEvent,
    CaseTask,
    CaseTeamMember,
    Category,
    CauseExplanation,
    Classification,
    ClockPause,
    ClockReset,
    Complaint,
    Contact,
    ContactPoint,
    Deadline,
    Extension,
    ImprovementAction,
    InvestigationStep,
    Lawsuit,
    LegalHold,
    MediaPlan,
    Meeting,
    Note,
    Notice,
    OpinionSignal,
    OutstandingItem,
    PartyStatement,
    PolicyRule,
    Promise,
    QualityCheck,
    Question,
    Remedy,
    Reply,
    ResponsibilityFinding,
    RiskAssessment,
    RiskMeeting,
    RiskStandard,
    SettlementStep,
    SpecialNeed,
    StoredFile,
    Suggestion,
    SupplementRequest,
    UnreasonableLabel,
)

# Table → the look-up that leads to the case or its policy, and where its rows belong on the loaded case.
_TABLES: dict[type[models.Model], tuple[str, str]] = {
    Allegation: ("complaint", "allegations"),
    Assignment: ("complaint", "assignments"),
    Attachment: ("complaint", "attachments"),
    Callback: ("complaint", "callbacks"),
    CareConsent: ("complaint", "care_consents"),
    CaseTask: ("complaint", "tasks"),
    CaseTeamMember: ("complaint", "team"),
    CauseExplanation: ("complaint", "explanations"),
    CaseEvent: ("complaint", "events"),
    Complaint.accused_staff.through: ("complaint", "accused_staff"),
    Complaint.emotions.through: ("complaint", "emotions"),
    Classification: ("complaint", "classifications"),
    ClockPause: ("complaint", "pauses"),
    ClockReset: ("complaint", "clock_resets"),
    Contact: ("complaint", "communications"),
    ContactPoint: ("complainant__complaint", "contacts"),
    Deadline: ("complaint", "deadlines"),
    Extension: ("deadline__complaint", "extensions"),
    ImprovementAction: ("complaint", "improvements"),
    InvestigationStep: ("complaint", "investigation_steps"),
    Lawsuit: ("complaint", "lawsuits"),
    LegalHold: ("complaint", "holds"),
    MediaPlan: ("complaint", "media_plans"),
    Meeting: ("complaint", "meetings"),
    Note: ("complaint", "notes"),
    OpinionSignal: ("complaint", "signals"),
    Notice: ("complaint", "notices"),
    PartyStatement: ("complaint", "party_statements"),
    PolicyRule: ("policy__in", "rules"),
    Promise: ("complaint", "promises"),
    QualityCheck: ("complaint", "quality_checks"),
    OutstandingItem: ("complaint", "outstanding_items"),
    Question: ("complaint", "questions"),
    Remedy: ("complaint", "remedies"),
    Reply: ("complaint", "replies"),
    ResponsibilityFinding: ("complaint", "responsibilities"),
    RiskAssessment: ("complaint", "risk_assessments"),
    RiskMeeting: ("complaint", "risk_meetings"),
    SettlementStep: ("complaint", "settlement_steps"),
    SpecialNeed: ("complaint", "special_needs"),
    Suggestion: ("complaint", "suggestions"),
    SupplementRequest: ("complaint", "supplement_requests"),
    UnreasonableLabel: ("complaint", "unreasonable_labels"),
}
# What a row shows of the records it points at.
_SHOWN: dict[type[models.Model], tuple[str, ...]] = {
    User: ("display_name",),
    Department: ("name",),
    Category: ("name", "name_en", "dimension", "order"),
    RiskStandard: ("revision",),
    StoredFile: ("size", "content_type", "scan_state"),
}
_HEAVY = {"hash", "previous_hash", "match_hash", "ladder"}


# Stands for the case in the query that is kept; no case has this number.
_ANY_CASE = -(2**62)


def load(complaint: Complaint) -> None:
    """Fill the relations of `complaint` named in the table above. One query, whatever the case holds."""
    rows: dict[type[models.Model], list[models.Model]] = {table: [] for table in _TABLES}
    tables = {table._meta.model_name: table for table in _TABLES}
    sql, parameters = _union(connection.vendor)
    with connection.cursor() as cursor:
        cursor.execute(sql, [complaint.pk if value == _ANY_CASE else value for value in parameters])
        found = cursor.fetchall()
    for name, values in found:
        values = json.loads(values) if isinstance(values, str) else values
        rows[tables[name]].append(_instance(tables[name], values))
    for table, found in rows.items():
        for key in map(str, reversed(table._meta.ordering or ())):
            found.sort(key=attrgetter(key.lstrip("-")), reverse=key.startswith("-"))
    _link(complaint, rows)


@cache
def _union(vendor: str) -> tuple[str, tuple[Any, ...]]:
    """The query for any case: writing its thirty-odd arms anew for every page costs more than running it."""
    first, *others = [_arm(table) for table in _TABLES]
    sql, parameters = first.union(*others, all=True).query.sql_with_params()
    return sql, tuple(parameters)


def _arm(table: type[models.Model]) -> models.QuerySet:
    columns: dict[str, Any] = {}
    for field in table._meta.concrete_fields:
        if field.name in _HEAVY:
            continue
        columns[field.attname] = F(field.attname)
        if isinstance(field, models.ForeignKey):
            for shown in _SHOWN.get(field.related_model, ()):
                columns[f"{field.name}.{shown}"] = F(f"{field.name}__{shown}")
    path, _relation = _TABLES[table]
    own = Complaint.objects.filter(pk=_ANY_CASE).values("policy") if path == "policy__in" else _ANY_CASE
    rows = table._default_manager.filter(**{path: own}).order_by()
    return rows.values_list(Value(table._meta.model_name), JSONObject(**columns))


def _instance(table: type[models.Model], values: dict[str, Any]) -> models.Model:
    names, cells = [], []
    for field in table._meta.concrete_fields:
        if field.attname in values:
            names.append(field.attname)
            cells.append(_value(field, values[field.attname]))
    row = table.from_db(connection.alias, names, cells)
    for field in table._meta.concrete_fields:
        if isinstance(field, models.ForeignKey) and field.related_model in _SHOWN:
            setattr(row, field.name, _pointed_at(field, row, values))
    return row


def _pointed_at(field: models.ForeignKey, row: models.Model, values: dict[str, Any]) -> models.Model | None:
    key = getattr(row, field.attname)
    if key is None:
        return None
    target = field.related_model
    # from_db takes the cells in the order of the columns, whatever order the names come in.
    columns = [column.attname for column in target._meta.concrete_fields if column.attname in _SHOWN[target]]
    return target.from_db(
        connection.alias,
        [target._meta.pk.attname, *columns],
        [key, *(values[f"{field.name}.{name}"] for name in columns)],
    )


def _value(field: models.Field, value: Any) -> Any:
    """A JSON value as the field would have read it from its own column."""
    if value is None:
        return None
    if isinstance(field, models.ForeignKey):
        return value
    if isinstance(field, models.JSONField):
        return json.loads(value) if isinstance(value, str) else value  # SQLite keeps JSON as text
    if hasattr(field, "from_db_value"):
        return field.from_db_value(value, None, connection)
    value = field.to_python(value)
    if isinstance(value, datetime) and timezone.is_naive(value):
        value = value.replace(tzinfo=connection.timezone)
    return value


def _link(complaint: Complaint, rows: dict[type[models.Model], list[models.Model]]) -> None:
    """Hang the rows on the case and on each other, as prefetching would."""
    for table, (path, relation) in _TABLES.items():
        if path == "complaint":
            for row in rows[table]:
                row.complaint = complaint  # type: ignore[attr-defined]  # every table of _TABLES has it
            _attach(complaint, relation, rows[table])
    felt = [row.category for row in rows[Complaint.emotions.through]]  # type: ignore[attr-defined]  # the link's other end
    _attach(complaint, "emotions", sorted(felt, key=attrgetter("order", "pk")))
    accused = [row.user for row in rows[Complaint.accused_staff.through]]  # type: ignore[attr-defined]  # its other end
    _attach(complaint, "accused_staff", sorted(accused, key=attrgetter("display_name")))
    _attach(complaint.complainant, "contacts", rows[ContactPoint])
    if Complaint.policy.is_cached(complaint):  # type: ignore[attr-defined]  # the descriptor of the key
        _attach(complaint.policy, "rules", rows[PolicyRule])
    _hang(rows, Deadline, Extension, "deadline", "extensions")
    _hang(rows, Assignment, Deadline, "assignment", "deadlines")
    _hang(rows, Reply, QualityCheck, "reply", "checks")
    _hang(rows, Attachment, InvestigationStep, "evidence", "")
    _hang(rows, Contact, Callback, "contact", "")
    _hang(rows, Contact, CauseExplanation, "contact", "")
    _hang(rows, Attachment, PartyStatement, "evidence", "")
    _hang(rows, Meeting, CaseTask, "meeting", "")


def _hang(rows: dict, parent: type[models.Model], child: type[models.Model], name: str, relation: str) -> None:
    known = {row.pk: row for row in rows[parent]}
    children = defaultdict(list)
    for row in rows[child]:
        key = getattr(row, f"{name}_id")
        if key is not None:
            setattr(row, name, known[key])
            children[key].append(row)
    if relation:
        for row in rows[parent]:
            _attach(row, relation, children[row.pk])


def _attach(owner: models.Model, relation: str, rows: list) -> None:
    """Make `owner.<relation>.all()` answer with these rows."""
    result = getattr(owner, relation).get_queryset()
    result._result_cache = rows
    result._prefetch_done = True
    owner.__dict__.setdefault("_prefetched_objects_cache", {})[relation] = result
