"""Database triggers that keep what must never change, as SQL for migrations on both databases."""

from __future__ import annotations


def append_only(vendor: str, table: str) -> tuple[list[str], list[str]]:
    """Refuse UPDATE and DELETE on `table`."""
    if vendor == "postgresql":
        create = [
            _pg_function(),
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION huiyin_refuse_change()",
        ]
        return create, [f"DROP TRIGGER {table}_append_only ON {table}"]
    create = [
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ]
    return create, [f"DROP TRIGGER {table}_no_{verb}" for verb in ("update", "delete")]


def immutable_columns(vendor: str, table: str, columns: list[str]) -> tuple[list[str], list[str]]:
    """Refuse an UPDATE that changes one of `columns` of `table`."""
    operator = "IS DISTINCT FROM" if vendor == "postgresql" else "IS NOT"
    changed = " OR ".join(f"NEW.{column} {operator} OLD.{column}" for column in columns)
    if vendor == "postgresql":
        create = [
            _pg_function(),
            f"CREATE TRIGGER {table}_immutable BEFORE UPDATE ON {table} "
            f"FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION huiyin_refuse_change()",
        ]
        return create, [f"DROP TRIGGER {table}_immutable ON {table}"]
    create = [
        f"CREATE TRIGGER {table}_immutable BEFORE UPDATE ON {table} WHEN {changed} "
        f"BEGIN SELECT RAISE(ABORT, '{table}: {', '.join(columns)} cannot be changed'); END"
    ]
    return create, [f"DROP TRIGGER {table}_immutable"]


def refused_rows(vendor: str, table: str, name: str, condition: str) -> tuple[list[str], list[str]]:
    """Refuse every INSERT and UPDATE whose new row (NEW) meets `condition`.

    For a rule added to a table that has triggers: SQLite adds a CHECK only by making the table anew, without them.
    """
    if vendor == "postgresql":
        create = [
            _pg_function(),
            f"CREATE TRIGGER {name} BEFORE INSERT OR UPDATE ON {table} "
            f"FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION huiyin_refuse_change()",
        ]
        return create, [f"DROP TRIGGER {name} ON {table}"]
    create = [
        f"CREATE TRIGGER {name}_{verb.lower()} BEFORE {verb} ON {table} WHEN {condition} "
        f"BEGIN SELECT RAISE(ABORT, '{table}: {name}'); END"
        for verb in ("INSERT", "UPDATE")
    ]
    return create, [f"DROP TRIGGER {name}_{verb}" for verb in ("insert", "update")]


def _pg_function() -> str:
    return (
        "CREATE OR REPLACE FUNCTION huiyin_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION '% cannot be changed', TG_TABLE_NAME "
        "USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )


def run_both_ways(statements):
    """Make (forwards, backwards) for RunPython from a function vendor → (create, drop)."""

    def forwards(apps, schema_editor):
        for statement in statements(schema_editor.connection.vendor)[0]:
            schema_editor.execute(statement, params=None)

    def backwards(apps, schema_editor):
        for statement in statements(schema_editor.connection.vendor)[1]:
            schema_editor.execute(statement, params=None)

    return forwards, backwards
