"""Chinese search without a dictionary: overlapping pairs of characters, the same on both databases.

A run of Chinese characters becomes its pairs plus its last character, other runs become lower-case
words, so one-, two- and n-character queries all find exactly the texts that contain them.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from operator import add
from typing import TypeVar

from django.core.cache import caches
from django.db import connection, models
from django.db.models.expressions import RawSQL

_RUN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+|[a-z0-9]+")
# Nearly every Chinese text holds these; a text without any that NFKC changes is left alone twenty times as fast.
_FULL_WIDTH = [(mark, unicodedata.normalize("NFKC", mark)) for mark in "，：；！？（）"]
MAX_QUERY = 60
# What is longer than any query is found by its beginning.
LONGEST_WORD = 100
FEW_HITS = 4000
COUNT_SECONDS = 60
_Rows = TypeVar("_Rows", bound=models.QuerySet)


def folded(text: str) -> str:
    """A text as it is compared: NFKC, lower case."""
    for mark, plain in _FULL_WIDTH:
        text = text.replace(mark, plain)
    return unicodedata.normalize("NFKC", text).lower()


def _runs(text: str) -> list[str]:
    return _RUN.findall(folded(text))


def tokens(*texts: str) -> str:
    """The search tokens of the texts, each once, separated by blanks."""
    found: list[str] = []
    for text in texts:
        for run in _runs(text):
            if run[0] < "\u3400":
                found.append(run[:LONGEST_WORD])
            else:
                found.extend(map(add, run, run[1:]))
                found.append(run[-1])
    return " ".join(dict.fromkeys(found))


def _terms(query: str) -> list[tuple[str, bool]]:
    """(token, is_prefix) pairs that all must occur."""
    terms: dict[tuple[str, bool], None] = {}
    for run in _runs(query[:MAX_QUERY]):
        if run[0] < "\u3400" or len(run) == 1:
            terms[run, True] = None
        else:
            terms.update({(run[i : i + 2], False): None for i in range(len(run) - 1)})
    return list(terms)


def search(queryset: _Rows, query: str, *, relation: str, table: str, is_large: bool = False) -> _Rows:
    """Rows of `queryset` whose token table (`relation`, stored in `table`) holds every term.

    An empty or purely punctuating query finds nothing. `is_large` spends a query on how many hits there
    are before it chooses the way to them (PostgreSQL).
    """
    terms = _terms(query)
    if not terms:
        return queryset.none()
    key = queryset.model._meta.get_field(relation).related_model._meta.pk.column
    match = _match_sqlite
    if connection.vendor == "postgresql":
        match = _match_large if is_large else _match_postgresql
    # Table and key are constants of our models; what was typed goes in as a parameter.
    return queryset.filter(pk__in=RawSQL(*match(terms, table, key)))  # noqa: S611 - the terms are parameters


def _match_sqlite(terms: list[tuple[str, bool]], table: str, key: str) -> tuple[str, list[str]]:
    """Statement and parameters that select the keys of the rows that hold every term."""
    words = " AND ".join(f'"{term}"' + ("*" if prefix else "") for term, prefix in terms)
    return f"SELECT rowid FROM {table}_fts WHERE {table}_fts MATCH %s", [words]  # noqa: S608 - constant name


def _match_postgresql(terms: list[tuple[str, bool]], table: str, key: str) -> tuple[str, list[str]]:
    words = " & ".join(f"'{term}'" + (":*" if prefix else "") for term, prefix in terms)
    return f"SELECT {key} FROM {table} WHERE vector @@ to_tsquery('simple', %s)", [words]  # noqa: S608 - constants


def _match_large(terms: list[tuple[str, bool]], table: str, key: str) -> tuple[str, list[str]]:
    """The same for a large table on PostgreSQL, which cannot tell a rare term from a frequent one beforehand.

    Few hits are fetched through the index and sorted. Many are met soon by walking the rows in the order
    of the page, so there the index is kept out; walking in search of a rare term would read every row.
    """
    whole = [f"'{term}'" for term, prefix in terms if not prefix]
    begun = [f"'{term}':*" for term, prefix in terms if prefix]
    # Beginnings of words match long lists in the index: where a whole term narrows, they are only checked.
    # A condition inside CASE is neither looked up in an index nor taken for a rare one.
    parts = [words for words in (whole, begun) if words]
    indexed = "vector @@ to_tsquery('simple', %s)"
    checked = f"CASE WHEN {indexed} THEN TRUE END"
    words = [" & ".join(part) for part in parts]
    hits = f"SELECT {key} FROM {table} WHERE {' AND '.join([indexed, checked][: len(parts)])}"  # noqa: S608 - constants
    if _count(f"{hits} LIMIT {FEW_HITS + 1}", words) <= FEW_HITS:
        # The limit holds the planner to fetching the hits first; more than twice as many do not come in a minute.
        return f"{hits} LIMIT {2 * FEW_HITS}", words
    return f"SELECT {key} FROM {table} WHERE {checked}", [" & ".join(words)]  # noqa: S608 - constants


def _count(hits: str, words: list[str]) -> int:
    """How many rows a statement finds; kept for a minute, so that paging does not count again."""
    name = f"search-hits:{hashlib.sha256(repr((hits, words)).encode()).hexdigest()}"
    found: int | None = caches["local"].get(name)
    if found is None:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM ({hits}) AS hits", words)  # noqa: S608 - made above
            found = int(cursor.fetchone()[0])
        caches["local"].set(name, found, COUNT_SECONDS)
    return found


def put_off_merging() -> None:
    """In this transaction new rows wait beside the full-text indexes instead of being merged in bit by bit.

    They are found all the same; merge_waiting() takes them in afterwards, all at once. For many rows (PostgreSQL).
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL gin_pending_list_limit = '256MB'")


def merge_waiting(*tables: str) -> int:
    """Merge what waits beside the indexes of these token tables; how many pages that were. Safe to run at any time."""
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        pages = 0
        for table in tables:
            cursor.execute("SELECT gin_clean_pending_list(%s::regclass)", [f"{table}_gin"])
            pages += cursor.fetchone()[0]
    return pages


def index_sql(vendor: str, table: str, key: str) -> tuple[list[str], list[str]]:
    """Statements that create and drop the full-text index of a token table, for a migration."""
    if vendor == "postgresql":
        # Stored: a search that walks the newest cases would otherwise parse the tokens of each again.
        # The tokens are words already: made into a vector as they are, which takes less than parsing them.
        column = "vector tsvector GENERATED ALWAYS AS (array_to_tsvector(string_to_array(tokens, ' '))) STORED"
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
