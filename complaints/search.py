"""Chinese search without a dictionary: overlapping pairs of characters, the same on both databases.

A run of Chinese characters becomes its pairs plus its last character, other runs become lower-case
words, so one-, two- and n-character queries all find exactly the texts that contain them.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TypeVar

from django.db import connection, models
from django.db.models.expressions import RawSQL

_RUN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+|[a-z0-9]+")
MAX_QUERY = 60
_Rows = TypeVar("_Rows", bound=models.QuerySet)


def _runs(text: str) -> list[str]:
    return _RUN.findall(unicodedata.normalize("NFKC", text).lower())


def tokens(*texts: str) -> str:
    """The search tokens of the texts, each once, separated by blanks."""
    found: dict[str, None] = {}
    for text in texts:
        for run in _runs(text):
            if run[0] < "\u3400":
                found[run] = None
            else:
                found.update(dict.fromkeys(run[i : i + 2] for i in range(len(run))))
    return " ".join(found)


def _terms(query: str) -> list[tuple[str, bool]]:
    """(token, is_prefix) pairs that all must occur."""
    terms: dict[tuple[str, bool], None] = {}
    for run in _runs(query[:MAX_QUERY]):
        if run[0] < "\u3400" or len(run) == 1:
            terms[run, True] = None
        else:
            terms.update({(run[i : i + 2], False): None for i in range(len(run) - 1)})
    return list(terms)


def search(queryset: _Rows, query: str, *, relation: str, table: str) -> _Rows:
    """Rows of `queryset` whose token table (`relation`, stored in `table`) holds every term.

    An empty or purely punctuating query finds nothing.
    """
    terms = _terms(query)
    if not terms:
        return queryset.none()
    if connection.vendor == "postgresql":
        raw = " & ".join(f"'{term}'" + (":*" if prefix else "") for term, prefix in terms)
        key = queryset.model._meta.get_field(relation).related_model._meta.pk.column
        match = f"SELECT {key} FROM {table} WHERE vector @@ to_tsquery('simple', %s)"  # noqa: S608 - constant names
    else:
        raw = " AND ".join(f'"{term}"' + ("*" if prefix else "") for term, prefix in terms)
        match = f"SELECT rowid FROM {table}_fts WHERE {table}_fts MATCH %s"  # noqa: S608 - constant name
    # Table and key are constants of our models; what was typed goes in as a parameter.
    return queryset.filter(pk__in=RawSQL(match, [raw]))  # noqa: S611 - the terms are a parameter


def index_sql(vendor: str, table: str, key: str) -> tuple[list[str], list[str]]:
    """Statements that create and drop the full-text index of a token table, for a migration."""
    if vendor == "postgresql":
        # Stored: a search that walks the newest cases would otherwise parse the tokens of each again.
        column = "vector tsvector GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, tokens)) STORED"
        create = [f"ALTER TABLE {table} ADD COLUMN {column}", f"CREATE INDEX {table}_gin ON {table} USING gin (vector)"]
        return create, [f"ALTER TABLE {table} DROP COLUMN vector"]
    fts = f"{table}_fts"
    # Table and key are constants of our migrations.
    add = f"INSERT INTO {fts}(rowid, tokens) VALUES (new.{key}, new.tokens);"  # noqa: S608 - constant names
    remove = f"INSERT INTO {fts}({fts}, rowid, tokens) VALUES ('delete', old.{key}, old.tokens);"  # noqa: S608 - same
    create = [
        f"CREATE VIRTUAL TABLE {fts} USING fts5(tokens, content='{table}', content_rowid='{key}', "
        "tokenize='unicode61 remove_diacritics 0')",
        f"CREATE TRIGGER {fts}_ai AFTER INSERT ON {table} BEGIN {add} END",
        f"CREATE TRIGGER {fts}_ad AFTER DELETE ON {table} BEGIN {remove} END",
        f"CREATE TRIGGER {fts}_au AFTER UPDATE ON {table} BEGIN {remove} {add} END",
    ]
    drop = [f"DROP TRIGGER {fts}_{suffix}" for suffix in ("ai", "ad", "au")] + [f"DROP TABLE {fts}"]
    return create, drop
