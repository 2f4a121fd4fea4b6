"""The database as one file, of one moment: written for a backup, put back by a restore (DL-03, DL-06).

SQLite goes through its own online backup, PostgreSQL through pg_dump, pg_restore and psql. Passwords travel in the
environment of those programs, never on their command line.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

# Sessions and caches end with a restore anyway, and a copy of them would let a thief in.
PASSING = ("django_session", "huiyin_cache")
_DEBIAN = Path("/usr/lib/postgresql")
# Everything of ours in the schema goes before the copy comes, in the same transaction: a table that a newer
# release added would otherwise stand in the way.
_EMPTY = """\
SET lock_timeout = '30s';
SET client_min_messages = warning;
DO $$
DECLARE found text[]; command text;
BEGIN
  SELECT coalesce(array_agg(format('DROP %s IF EXISTS %I.%I CASCADE',
      CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
        WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END, current_schema(), relname)), '{}') INTO found
    FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype IN ('a', 'e', 'i'));
  SELECT found || coalesce(array_agg(format('DROP ROUTINE IF EXISTS %s CASCADE', pg_proc.oid::regprocedure)), '{}')
    INTO found FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e');
  FOREACH command IN ARRAY found LOOP EXECUTE command; END LOOP;
END $$;
"""

Fetch = Callable[[str], list[tuple[Any, ...]]]


class DumpFailed(Exception):
    """The database could not be copied or put back; says why and how to mend it. Nothing was changed."""


@dataclass(frozen=True)
class Snapshot:
    """The database of one moment: `fetch` reads from it, `file` is its copy, `tools` the version that wrote it."""

    at: datetime
    file: Path
    fetch: Fetch
    tools: int


@contextmanager
def snapshot(file: Path) -> Iterator[Snapshot]:
    """Copy the database into `file` and read from exactly this copy. Raises DumpFailed."""
    with (_postgres_snapshot if connection.vendor == "postgresql" else _sqlite_snapshot)(file) as made:
        yield made


def tables(fetch: Fetch) -> list[str]:
    """Every table of the installation."""
    if connection.vendor == "postgresql":
        return [name for (name,) in fetch("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")]
    return [
        name for (name,) in fetch("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'sqlite_sequence'")
    ]


def count(fetch: Fetch) -> dict[str, int]:
    """The number of rows of each table; what a copy leaves out counts as none."""
    query = 'SELECT count(*) FROM "{}"'
    return {name: 0 if name in PASSING else fetch(query.format(name))[0][0] for name in sorted(tables(fetch))}


def live(query: str) -> list[tuple[Any, ...]]:
    """Read from the database in use, however long it takes."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET statement_timeout = 0")
        cursor.execute(query)
        return cursor.fetchall()


def put_back(file: Path, *, folder: Path, tools: int) -> None:
    """Replace the database in use by the copy, whole or not at all. Raises DumpFailed, then nothing was changed."""
    if connection.vendor == "postgresql":
        _put_back_postgres(file, folder, tools)
    else:
        _put_back_sqlite(file)


# --- SQLite ---------------------------------------------------------------------------------------
@contextmanager
def _sqlite_snapshot(file: Path) -> Iterator[Snapshot]:
    at = timezone.now()
    place = Path(connection.settings_dict["NAME"]).absolute().as_uri()
    try:
        with (
            closing(sqlite3.connect(f"{place}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(file)) as copy,
        ):
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
            known = {name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            for name in sorted(known.intersection(PASSING)):
                copy.execute(f'DELETE FROM "{name}"')  # noqa: S608 - a fixed name
            copy.commit()
            copy.execute("VACUUM")
            yield Snapshot(at, file, lambda query: copy.execute(query).fetchall(), sqlite3.sqlite_version_info[0])
    except sqlite3.Error as error:
        raise DumpFailed(f"The database cannot be copied: {error}.") from error


def _put_back_sqlite(file: Path) -> None:
    place = Path(connection.settings_dict["NAME"])
    connection.close()
    try:
        with closing(sqlite3.connect(file)) as copy:
            answer = copy.execute("PRAGMA quick_check").fetchone()[0]
    except sqlite3.Error as error:
        answer = str(error)
    if answer != "ok":
        raise DumpFailed(f"The database in this backup is damaged: {answer}.")
    if place.exists():
        _leave(place)
    with file.open("rb") as content:
        os.fsync(content.fileno())
    file.chmod(0o600)
    os.replace(file, place)
    _sync(place.parent)


def _leave(place: Path) -> None:
    """Have everything of the old database in its one file, so that nothing of it is read into the new one."""
    try:
        with closing(sqlite3.connect(place, timeout=2)) as old:
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            mode = old.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    except sqlite3.OperationalError:
        mode = "wal"
    except sqlite3.DatabaseError:  # it is broken, which may be why it is replaced
        for ending in ("-wal", "-shm"):
            place.with_name(place.name + ending).unlink(missing_ok=True)
        return
    if mode != "delete":
        raise DumpFailed("The database is in use; stop bin/serve, web, worker and beat first.")


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# --- PostgreSQL -----------------------------------------------------------------------------------
@contextmanager
def _postgres_snapshot(file: Path) -> Iterator[Snapshot]:
    connection.ensure_connection()
    program, tools = find_program("pg_dump", at_least=_server_version())
    at = timezone.now()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SELECT pg_export_snapshot()")
            name = cursor.fetchone()[0]
        # Uncompressed: the backup around it is compressed. Owners and grants belong to the server, not to the data.
        _run(
            program, "--format=custom", "--compress=0", "--no-owner", "--no-privileges", "--no-comments",
            f"--snapshot={name}", f"--file={file}", *(f"--exclude-table-data={table}" for table in PASSING),
        )  # fmt: skip
        yield Snapshot(at, file, live, tools)


def _put_back_postgres(file: Path, folder: Path, tools: int) -> None:
    connection.ensure_connection()
    others = live(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user "
        "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )[0][0]
    if others:
        raise DumpFailed(f"The database is in use by {others} other connections; stop web, worker and beat first.")
    program, _version = find_program("pg_restore", at_least=max(tools, _server_version()))
    connection.close()
    # First whole on the disk, then into the database: half a script would be a half restored database.
    before, script = folder / "before.sql", folder / "restore.sql"
    before.write_text(_EMPTY, encoding="utf-8")
    _run(program, "--no-owner", "--no-privileges", f"--file={script}", str(file))
    _run(
        str(Path(program).with_name("psql")), "--no-psqlrc", "--quiet", "--single-transaction", "--output=/dev/null",
        "--set=ON_ERROR_STOP=1", f"--file={before}", f"--file={script}",
    )  # fmt: skip


def find_program(name: str, *, at_least: int) -> tuple[str, int]:
    """The oldest sufficient program of PostgreSQL, in PATH or where Debian puts it, and its version.

    Not the newest: what it writes may use settings that the server does not know. Raises DumpFailed.
    """
    places = [shutil.which(name), *map(str, _DEBIAN.glob(f"*/bin/{name}"))]
    found = [(version, place) for place in places if place and (version := _version_of(place)) >= at_least]
    if not found:
        raise DumpFailed(
            f"There is no {name} of PostgreSQL {at_least} or later; install postgresql-client-{at_least} "
            "or put it into PATH."
        )
    version, place = min(found)
    return place, version


def _version_of(place: str) -> int:
    done = subprocess.run([place, "--version"], capture_output=True, text=True)  # noqa: S603
    number = re.search(r"\) (\d+)", done.stdout)
    return int(number[1]) if number else 0


def _server_version() -> int:
    return connection.pg_version // 10000  # type: ignore[attr-defined]


def _run(*command: str) -> None:
    done = subprocess.run(command, env=_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        said = next((line for line in done.stderr.splitlines() if "rror" in line or "FATAL" in line), done.stderr)
        raise DumpFailed(f"{Path(command[0]).name} failed: {said.strip()[:300]}")


def _environment() -> dict[str, str]:
    parameters = connection.get_connection_params()
    known = {
        "PGHOST": parameters.get("host"),
        "PGPORT": parameters.get("port"),
        "PGUSER": parameters.get("user"),
        "PGPASSWORD": parameters.get("password"),
        "PGDATABASE": parameters.get("dbname") or parameters.get("database"),
        "PGOPTIONS": "-c statement_timeout=0",
    }
    return {**os.environ, **{name: str(value) for name, value in known.items() if value}}
