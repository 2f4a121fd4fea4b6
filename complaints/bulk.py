"""Store many whole cases at once: COPY on PostgreSQL, multi-row INSERT on SQLite.

Used by the import of historical cases and by the benchmark data. What the transitions guarantee one
case at a time holds here too: gapless numbers, hash-chained events whose last version and status are
the case's own, and clocks with the due dates of the policy.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import chain, repeat
from types import NoneType, SimpleNamespace
from typing import Any, Self, cast

from django.db import connection, models, transaction

from complaints import clocks, deadlines, events
from complaints.calendars import SHANGHAI, CalendarMissing, WorkingCalendar
from complaints.deadlines import ClockRule
from complaints.models import (
    Assignment,
    Callback,
    CaseEvent,
    Classification,
    Complainant,
    Complaint,
    ComplaintSearch,
    Contact,
    ContactPoint,
    Deadline,
    NumberCounter,
    PolicyRule,
    QualityCheck,
    Reply,
    ServicePolicy,
    TextPrint,
)
from complaints.states import Audience, DeadlineState

_json = json.JSONEncoder(ensure_ascii=False).encode
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_COPY_BLOCK = 1 << 20
# Counters taken in one statement.
_AT_ONCE = 1000
# After this long no warning ladder has a step left.
LADDER_REACH = timedelta(days=60)
# Every table a case may fill, the ones other rows point at first.
TABLES: tuple[type[models.Model], ...] = (
    Complainant,
    ContactPoint,
    Complaint,
    ComplaintSearch,
    TextPrint,
    Classification,
    Assignment,
    Reply,
    QualityCheck,
    Contact,
    Callback,
    Deadline,
    CaseEvent,
)


# A statement with its lines for COPY, or with the parameters of each row.
Part = tuple[str, bytes | list[tuple[Any, ...]]]


class Rows:
    """Rows of one table, collected and then stored together. Values are what the column holds."""

    def __init__(self, model: type[models.Model]) -> None:
        self.model = model
        self.table = model._meta.db_table
        self._rows: list[dict[str, Any]] = []

    def add(self, **values: Any) -> None:
        """One row; attributes left out hold their defaults. Give `id` in every row or in none."""
        self._rows.append(values)

    def store(self, cursor: Any) -> int:
        """Write the rows through a cursor and forget them. Returns how many."""
        count = len(self._rows)
        _write(cursor, self.take())
        return count

    def take(self) -> list[Part]:
        """The rows as they are written, forgotten here; nothing if there are none."""
        rows, self._rows = self._rows, []
        if not rows:
            return []
        fields = {field.attname: field for field in self.model._meta.concrete_fields}
        given = list(dict.fromkeys(chain.from_iterable(rows)))
        left_out = [name for name in fields if name not in given and name != "id"]
        columns = ", ".join(f'"{fields[name].column}"' for name in (*given, *left_out))
        blank = {name: _default(field) for name, field in fields.items()}
        # Column by column: a thousand values of one kind are converted in one go, not one by one.
        converted = _as_copy_text if connection.vendor == "postgresql" else _as_parameters
        cells = [converted([row.get(name, blank[name]) for row in rows]) for name in given]
        cells += [repeat(value, len(rows)) for name in left_out for value in converted([blank[name]])]
        if converted is _as_copy_text:
            lines = "\n".join(map("\t".join, zip(*cells, strict=True))) + "\n"
            return [(f'COPY "{self.table}" ({columns}) FROM STDIN', lines.encode())]
        marks = ", ".join(["%s"] * len(cells))
        statement = f'INSERT INTO "{self.table}" ({columns}) VALUES ({marks})'  # noqa: S608 - names of our models
        return [(statement, list(zip(*cells, strict=True)))]


def _write(cursor: Any, parts: Iterable[Part]) -> None:
    for statement, content in parts:
        if isinstance(content, bytes):
            cursor.copy_expert(statement, io.BytesIO(content), _COPY_BLOCK)
        else:
            cursor.executemany(statement, content)


def _default(field: models.Field) -> Any:
    return field.get_default() if field.has_default() or not field.null else None


def _as_copy_text(values: list[Any]) -> Iterable[str]:
    """Values of one column in the text format of COPY."""
    kinds = set(map(type, values))
    if kinds == {str} and not _needs_escapes("".join(values)):
        return values
    if len(kinds) == 1:
        return map(_COPY_TEXT.get(kinds.pop(), _as_text), values)
    writers = {kind: _COPY_TEXT.get(kind, _as_text) for kind in kinds}
    return [writers[type(value)](value) for value in values]


def _as_text(value: Any) -> str:
    return _escaped(_json(value) if isinstance(value, (list, dict)) else str(value))


def _needs_escapes(text: str) -> bool:
    return "\\" in text or "\n" in text or "\t" in text or "\r" in text


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES) if _needs_escapes(text) else text


_COPY_TEXT: dict[type, Callable[[Any], str]] = {
    str: _escaped,
    int: str,
    NoneType: lambda _none: r"\N",
    datetime: lru_cache(maxsize=8192)(datetime.isoformat),  # a case names few moments, each many times
    date: date.isoformat,
    bool: lambda value: "t" if value else "f",
    list: lambda value: _escaped(_json(value)) if value else "[]",
}


def _as_parameters(values: list[Any]) -> Iterable[Any]:
    """Values of one column as parameters of SQLite."""
    return map(_as_parameter, values)


def _as_parameter(value: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, (list, dict)):
        return _json(value)
    return str(value) if isinstance(value, (str, date)) else value


def reserve_ids(model: type[models.Model], count: int) -> list[int]:
    """Primary keys nobody else gets. Inside the transaction that stores the rows."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count]
            )
            return [row[0] for row in cursor.fetchall()]
        cursor.execute("UPDATE sqlite_sequence SET seq = seq + %s WHERE name = %s RETURNING seq", [count, table])
        row = cursor.fetchone()
        if row is None:  # no row was ever stored
            cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, count])
        last = row[0] if row else count
    return list(range(last - count + 1, last + 1))


def reserve_numbers(prefix: str, per_day: Mapping[date, int]) -> dict[date, int]:
    """Take so many numbers of each day; returns the first one. Gives them back on rollback (CC-06)."""
    table = NumberCounter._meta.db_table
    days, first = sorted(per_day.items()), {}
    with connection.cursor() as cursor:
        for begin in range(0, len(days), _AT_ONCE):
            some = days[begin : begin + _AT_ONCE]
            scopes = {f"{prefix}-{day:%Y%m%d}": (day, count) for day, count in some}
            cursor.execute(
                f"INSERT INTO {table} (scope, last) VALUES {', '.join(['(%s, %s)'] * len(scopes))}"  # noqa: S608
                f" ON CONFLICT (scope) DO UPDATE SET last = {table}.last + excluded.last RETURNING scope, last",
                [value for scope, (_day, count) in scopes.items() for value in (scope, count)],
            )
            for scope, last in cursor.fetchall():
                day, count = scopes[scope]
                first[day] = last - count + 1
    return first


def number_of(prefix: str, day: date, position: int) -> str:
    """The number of a case, e.g. HY-20261121-0042."""
    return f"{prefix}-{day:%Y%m%d}-{position:04d}"


class Batch:
    """The rows of some hundred or thousand cases, all tables together."""

    def __init__(self) -> None:
        self.tables: dict[type[models.Model], Rows] = {model: Rows(model) for model in TABLES}

    def __getitem__(self, model: type[models.Model]) -> Rows:
        return self.tables[model]

    @transaction.atomic
    def store(self) -> dict[str, int]:
        """Write everything; what points nowhere is refused here. Returns rows per table."""
        with connection.cursor() as cursor:
            counts = {rows.model._meta.model_name or "": rows.store(cursor) for rows in self.tables.values()}
            if connection.vendor == "postgresql":
                _check(cursor)
        return counts

    def take(self) -> list[Part]:
        """Everything as it is written, the rows others point at first."""
        return [part for rows in self.tables.values() for part in rows.take()]


def _check(cursor: Any) -> None:
    """Check now what points where, so that a large import does not pile up pending checks."""
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    cursor.execute("SET CONSTRAINTS ALL DEFERRED")


class Writer:
    """Stores one batch after the other inside the caller's transaction.

    On PostgreSQL a batch is sent by a second thread while the caller composes the next one, which halves
    the time: the caller must not use the connection before `wait` or the end of the block.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1) if connection.vendor == "postgresql" else None
        self._sending: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        if self._thread is not None:
            self._thread.shutdown()
        if kind is None:
            self.wait()

    def store(self, batch: Batch) -> None:
        """Write a batch, at the latest when the block ends. Raises what went wrong with the one before."""
        if self._thread is None:
            batch.store()
            return
        parts = batch.take()
        self.wait()
        self._sending = self._thread.submit(self._send, connection.connection, parts)

    @staticmethod
    def _send(plain: Any, parts: list[Part]) -> None:
        with plain.cursor() as cursor:  # the driver's own: Django's connection belongs to the caller's thread
            _write(cursor, parts)
            _check(cursor)

    def wait(self) -> None:
        """Until the last batch is written and the connection is free. Raises what went wrong with it."""
        sending, self._sending = self._sending, None
        if sending is not None:
            with connection.wrap_database_errors:
                sending.result()


class Chain:
    """The log of one case, oldest event first; `sequence` and `head` of the last event stored already go on it."""

    def __init__(
        self, rows: Rows, complaint_id: int, *, sequence: int = 0, head: str = "", version: int = 0, status: str = ""
    ) -> None:
        self._rows = rows
        self._complaint_id = complaint_id
        self._sequence = sequence
        self._hash = head
        self.version = version
        self.status = status

    def move(
        self,
        kind: str,
        *,
        to: str,
        at: datetime,
        by: int | None,
        fields: Iterable[str] = (),
        note: str = "",
        reference: str = "",
    ) -> None:
        """A transition: the next version, from the status before to `to`."""
        self.version += 1
        self._append(
            kind,
            at,
            by,
            version=self.version,
            from_status=self.status,
            to_status=str(to),
            fields=sorted(fields),
            note=note,
            reference=reference,
        )
        self.status = str(to)

    def add(self, kind: str, *, at: datetime, by: int | None, note: str = "", reference: str = "") -> None:
        """An event that moves nothing."""
        self._append(
            kind, at, by, version=None, from_status="", to_status="", fields=[], note=note, reference=reference
        )

    def _append(self, kind: str, at: datetime, by: int | None, **values: Any) -> None:
        self._sequence += 1
        row = {
            "complaint_id": self._complaint_id,
            "sequence": self._sequence,
            "at": at,
            "actor_id": by,
            "kind": kind,
            "audience": Audience.CASE.value,
            "previous_hash": self._hash,
            **values,
        }
        # The hash reads attributes only; building a whole model instance per event would take most of the time.
        self._hash = events.event_hash(cast(CaseEvent, SimpleNamespace(**row)))
        self._rows.add(hash=self._hash, **row)


class Policies:
    """The stored default policy of any day with its rules and calendar, read once and at once."""

    def __init__(self) -> None:
        self._policies = list(
            ServicePolicy.objects.filter(is_default=True).order_by("-revision").prefetch_related("rules")
        )
        self._calendars = {policy.pk: clocks.working_calendar(policy.slots) for policy in self._policies}
        self._due: dict[tuple[int, date], tuple[datetime, bool] | None] = {}
        self._rules: dict[tuple[int, str, str], PolicyRule | None] = {}
        self._alerts: dict[tuple[int, datetime], list[datetime]] = {}

    def on(self, day: date) -> ServicePolicy:
        """The default policy in force on a day. Raises LookupError."""
        for policy in self._policies:
            if policy.valid_from <= day and (policy.valid_until is None or day <= policy.valid_until):
                return policy
        raise LookupError(f"no default policy in force on {day}")

    def rule(self, policy: ServicePolicy, milestone: str, complexity: str) -> PolicyRule | None:
        """The rule of this complexity, else the one for all."""
        key = (policy.pk, str(milestone), str(complexity))
        if key not in self._rules:
            rules = {rule.complexity: rule for rule in policy.rules.all() if rule.milestone == milestone}
            self._rules[key] = rules.get(complexity) or rules.get("")
        return self._rules[key]

    def calendar(self, policy: ServicePolicy) -> WorkingCalendar:
        return self._calendars[policy.pk]

    def due(self, policy: ServicePolicy, rule: PolicyRule, start: datetime) -> tuple[datetime, bool] | None:
        """Due date and whether it is provisional; None when the calendar holds nothing for the year.

        A limit in days depends on the day it starts alone, so each day is counted once.
        """
        by_day = (
            rule.unit in (deadlines.Unit.WORKING_DAYS, deadlines.Unit.CALENDAR_DAYS) and not rule.after_hours_next_day
        )
        key = (rule.pk, start.astimezone(SHANGHAI).date())
        if by_day and key in self._due:
            return self._due[key]
        clock = ClockRule(
            rule.amount, deadlines.Unit(rule.unit), rule.start_day_counts, rule.roll_forward, rule.after_hours_next_day
        )
        found: tuple[datetime, bool] | None
        try:
            due = deadlines.due_at(start, clock, self.calendar(policy))
            assert due.at is not None  # no pause was given
            found = (due.at.astimezone(UTC), due.provisional)
        except CalendarMissing:
            found = None
        if by_day:
            self._due[key] = found
        return found

    def alerts(self, policy: ServicePolicy, rule: PolicyRule, start: datetime, due_at: datetime) -> list[datetime]:
        """When the warning ladder of a clock announces something; remembered for the last start only."""
        key = (rule.pk, start)
        if key not in self._alerts:
            clock = Deadline(started_at=start, due_at=due_at, unit=rule.unit, ladder=rule.ladder)
            if len(self._alerts) > len(self._rules):
                self._alerts.clear()
            self._alerts[key] = [at for at, _step in clocks.alert_points(clock, self.calendar(policy))]
        return self._alerts[key]


def add_clock(
    batch: Batch,
    policies: Policies,
    policy: ServicePolicy,
    rule: PolicyRule,
    *,
    complaint_id: int,
    start: datetime,
    stop: datetime | None,
    now: datetime,
) -> datetime | None:
    """One clock of a case, finished at `stop` or still running. Returns its due date, None without a calendar.

    A finished clock keeps no warning ladder. A running one that is already late says so and is not
    announced again for the steps that lie behind.
    """
    found = policies.due(policy, rule, start)
    if found is None:
        return None
    due_at, provisional = found
    values: dict[str, Any] = {
        "complaint_id": complaint_id,
        "milestone": rule.milestone,
        "amount": rule.amount,
        "unit": rule.unit,
        "starts_on": rule.starts_on,
        "start_day_counts": rule.start_day_counts,
        "roll_forward": rule.roll_forward,
        "after_hours_next_day": rule.after_hours_next_day,
        "started_at": start,
        "due_at": due_at,
        "is_provisional": provisional,
    }
    if stop is not None:
        late = stop > due_at
        values.update(
            state=str(DeadlineState.MISSED if late else DeadlineState.MET),
            stopped_at=stop,
            breached_at=due_at if late else None,
        )
    else:
        passed, coming = len(rule.ladder), None
        if now < due_at + LADDER_REACH:
            points = policies.alerts(policy, rule, start, due_at)
            ahead = [at for at in points if at > now]
            passed, coming = len(points) - len(ahead), ahead[0].astimezone(UTC) if ahead else None
        values.update(
            ladder=rule.ladder, breached_at=due_at if now > due_at else None, alerts_sent=passed, next_alert_at=coming
        )
    batch[Deadline].add(**values)
    return due_at
