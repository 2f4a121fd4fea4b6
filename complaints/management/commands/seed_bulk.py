"""Fill the database with realistic cases for benchmarks."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management.base import CommandParser
from django.db import connection, connections, transaction
from django.utils import timezone
from tqdm import tqdm

from accounts.management.base import SHANGHAI, ActionCommand, Failed
from accounts.models import Department, DepartmentKind, Membership, User
from complaints import bulk
from complaints.bulk_cases import PREFIX, Maker
from complaints.bulk_plan import Desk, Plan
from complaints.bulk_texts import THEMES
from complaints.models import Category, Dimension

SINCE = datetime(2020, 1, 6, 9, tzinfo=SHANGHAI)
DEPARTMENTS = (
    ("water", "供水集团"),
    ("roads", "城管局"),
    ("heat", "热力公司"),
    ("post", "邮政管理局"),
    ("housing", "住建局"),
    ("market", "市场监管局"),
)
OFFICE = (("intake_officer", 4), ("coordinator", 3), ("quality_checker", 3))
# From this many cases on the indexes are built once at the end instead of row by row.
REBUILD_FROM = 20_000

_maker: Maker | None = None


class Command(ActionCommand):
    help = "Stores N realistic cases of three years by bulk insert, for benchmarks. Not in production."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--complaints", type=int, required=True, metavar="N")
        parser.add_argument("--seed", type=int, default=1, metavar="S", help="the same seed gives the same cases")
        parser.add_argument("--jobs", type=int, default=1, metavar="K", help="processes; SQLite always uses one")

    def run(self, *, complaints: int, seed: int, jobs: int, **options: Any) -> dict[str, Any]:
        if settings.PRODUCTION:
            raise Failed("Invented cases are refused in production (HUIYIN_ENV=production); use another database.")
        if complaints < 1 or jobs < 1:
            raise Failed("Give at least one case and one process.", returncode=2)
        began = time.monotonic()
        plan = Plan(complaints, seed, timezone.now(), desk())
        with transaction.atomic():
            plan.first_numbers = bulk.reserve_numbers(PREFIX, plan.per_day())
        with (
            _indexes_at_the_end(complaints),
            tqdm(total=complaints, unit=" cases", disable=not sys.stderr.isatty(), leave=False) as bar,
        ):
            for done in _store(plan, jobs):
                bar.update(done)
        stored = time.monotonic() - began
        if connection.vendor == "postgresql" and not connection.in_atomic_block:
            with connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = 0")
                cursor.execute("VACUUM (ANALYZE)")
        return {"complaints": complaints, "seconds": round(stored, 1), "rows_per_second": round(complaints / stored)}

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(f"{result['complaints']} cases in {result['seconds']} s: {result['rows_per_second']} rows/s")


def _store(plan: Plan, jobs: int) -> Iterator[int]:
    if jobs == 1 or connection.vendor != "postgresql":
        maker = Maker(plan)  # on the caller's connection, within its transaction if it has one
        for first, end in plan.chunks():
            yield maker.store(first, end)
        return
    connections.close_all()  # a connection cannot be shared with a child
    with multiprocessing.get_context("fork").Pool(jobs, _begin, (plan,)) as pool:
        yield from pool.imap_unordered(_chunk, plan.chunks())


def _begin(plan: Plan) -> None:
    global _maker
    _trust_the_rows()
    _maker = Maker(plan)


def _chunk(bounds: tuple[int, int]) -> int:
    assert _maker is not None
    return _maker.store(*bounds)


@contextmanager
def _indexes_at_the_end(complaints: int) -> Iterator[None]:
    """On PostgreSQL build the indexes once at the end instead of row by row."""
    if connection.vendor != "postgresql" or complaints < REBUILD_FROM:
        yield
        return
    tables = [model._meta.db_table for model in bulk.TABLES]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = ANY(%s)"
            " AND indexname NOT IN (SELECT conname FROM pg_constraint)",
            [tables],
        )
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
            cursor.execute("SET maintenance_work_mem = '512MB'")
            for _name, definition in indexes:
                cursor.execute(definition)


def _trust_the_rows() -> None:
    """Skip the check of every reference where the database allows it: the rows come from `Maker`, which
    takes every key from the tables themselves."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if cursor.fetchone()[0]:
            cursor.execute("SET session_replication_role = replica")


@transaction.atomic
def desk() -> Desk:
    """The people and departments of the invented cases; nobody can sign in as them."""
    root = Department.objects.get_or_create(
        code="org", defaults={"name": "公共服务投诉受理中心", "kind": DepartmentKind.MANAGEMENT}
    )[0]
    office = Department.objects.get_or_create(
        code="office", defaults={"name": "投诉办", "kind": DepartmentKind.OFFICE, "parent": root}
    )[0]
    people = {
        role: tuple(_user(f"BULK-{role}-{n}", role, office) for n in range(1, count + 1)) for role, count in OFFICE
    }
    handlers = {}
    for code, name in DEPARTMENTS:
        department = Department.objects.get_or_create(code=code, defaults={"name": name, "parent": root})[0]
        handlers[department.pk] = tuple(_user(f"BULK-{code}-{n}", "case_handler", department) for n in range(1, 5))
    codes = [theme.category for theme in THEMES]
    categories = dict(Category.objects.filter(dimension=Dimension.CATEGORY, code__in=codes).values_list("code", "pk"))
    return Desk(
        people["intake_officer"],
        people["coordinator"],
        people["quality_checker"],
        tuple(handlers),
        handlers,
        categories,
    )


def _user(staff_number: str, role: str, department: Department) -> int:
    user = User.objects.filter(staff_number=staff_number).first()
    if user is None:
        user = User.objects.create_user(staff_number, display_name=staff_number, is_demo=True)
        user.groups.set([Group.objects.get(name=role)])
        Membership.objects.create(user=user, department=department, since=SINCE)
    return user.pk
