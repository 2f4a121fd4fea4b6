"""Which cases may belong together with a case or with what is being registered (SCR-09, CLS-18, IN-27, IN-32).

Three ways lead to a candidate: the same person (equal hashes of telephone number, e-mail address or
identity number), nearly the same text (complaints/prints.py), the same place and category within
`NEAR`. Each is bounded, so a look-up costs the same with a thousand cases and with a million. The
result is for the desk alone: whoever files a complaint learns nothing of other cases (PI-17).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

from django.db import connection
from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User
from complaints import prints
from complaints.models import Complaint, ContactPoint, LinkKind, TextPrint
from complaints.models.people import ContactKind
from complaints.querysets import ComplaintQuerySet

NEAR = timedelta(days=14)
SHOWN = 12
# How many each way proposes; of the texts the most alike are compared word by word.
PER_PERSON = 40
PER_PLACE = 20
PROPOSED = 150
PER_BAND = 12
TRIPLES_STEP = 6  # every sixth of all triples
COMPARED = 30
# A word of a band that more texts hold says little: PostgreSQL reads about so many of them, drawn at random.
THINNED = 300
_IN_NO_TEXT = "none0"  # the words of texts have seven letters


class Way(TextChoices):
    """What makes two cases look as if they belonged together."""

    PERSON = "person", gettext_lazy("Same person")
    TEXT = "text", gettext_lazy("Same text")
    PLACE = "place", gettext_lazy("Same place")


@dataclass(frozen=True)
class Matter:
    """What is compared: of a case, or of a complaint that is being registered."""

    narrative: str = ""
    place: str = ""
    outlet: str = ""
    category: int | None = None
    received_at: datetime | None = None
    hashes: tuple[str, ...] = ()
    pk: int | None = None

    @classmethod
    def of(cls, complaint: Complaint) -> Matter:
        """The matter of a case. One query."""
        points = ContactPoint.objects.filter(complainant=complaint.complainant_id).exclude(match_hash="")
        return cls(
            narrative=complaint.narrative,
            place=complaint.place,
            outlet=complaint.outlet,
            category=complaint.category_id,
            received_at=complaint.received_at,
            hashes=tuple(points.values_list("match_hash", flat=True)),
            pk=complaint.pk,
        )


@dataclass
class Candidate:
    """Another case, the ways that led to it with a sentence each, and how sure they are (0 to 1)."""

    case: Complaint
    reasons: dict[Way, str] = field(default_factory=dict)
    score: float = 0.0

    def add(self, way: Way, reason: str, score: float) -> None:
        """Independent reasons make each other more certain."""
        self.reasons[way] = reason
        self.score = 1 - (1 - self.score) * (1 - score)

    @property
    def kind(self) -> LinkKind:
        """How the two cases would be linked."""
        if Way.PERSON not in self.reasons:
            return LinkKind.SAME_MATTER
        return LinkKind.DUPLICATE if len(self.reasons) > 1 else LinkKind.SAME_PERSON

    @property
    def reason(self) -> str:
        """All reasons in one line."""
        return _("; ").join(self.reasons.values())


def candidates(subject: Complaint | Matter, user: User, *, without: Iterable[int] = ()) -> list[Candidate]:
    """Cases the person may see that may belong to this one, the surest first; never itself nor one of `without`.

    At most seven queries, however many cases there are and match; on PostgreSQL, within a transaction, eight.
    """
    matter = Matter.of(subject) if isinstance(subject, Complaint) else subject
    people = _same_person(matter)
    near = _same_place(matter)
    texts = _similar_prints(matter.narrative)
    kept_out = {matter.pk, *without}
    ids = {pk for pk in (*people, *near, *texts) if pk not in kept_out}
    if not ids:
        return []
    visible = Complaint.objects.visible_to(user)
    seen = set(visible.filter(pk__in=ids).values_list("pk", flat=True))
    closest = sorted((pk for pk in texts if pk in seen), key=lambda pk: (texts[pk], pk), reverse=True)[:COMPARED]
    wanted = {pk for pk in (*people, *near) if pk in seen} | set(closest)
    found = {case.pk: Candidate(case) for case in _rows(visible).filter(pk__in=wanted)}
    for pk, candidate in found.items():
        if pk in people:
            candidate.add(Way.PERSON, people[pk], 0.6)
        if pk in near:
            candidate.add(Way.PLACE, *_place_reason(matter, candidate.case, near[pk]))
    _compare(matter.narrative, [found[pk] for pk in closest if pk in found])
    shown = [candidate for candidate in found.values() if candidate.reasons]
    shown.sort(key=lambda row: (row.score, row.case.is_open, row.case.received_at), reverse=True)
    return shown[:SHOWN]


def _rows(cases: ComplaintQuerySet) -> ComplaintQuerySet:
    return cases.select_related("incident").only(
        "number",
        "subject",
        "narrative",
        "status",
        "received_at",
        "merged_into_id",
        "incident__number",
        "incident__closed_at",
    )


# --- The same person --------------------------------------------------------------------------
def _same_person(matter: Matter) -> dict[int, str]:
    """Case → which contact is the same, of the newest cases."""
    hashes = [value for value in matter.hashes if value]
    if not hashes:
        return {}
    points = ContactPoint.objects.filter(match_hash__in=hashes, complainant__complaint__isnull=False)
    shared: dict[int, set[str]] = {}
    for pk, kind in points.order_by("-complainant").values_list("complainant__complaint", "kind")[:PER_PERSON]:
        shared.setdefault(pk, set()).add(kind)
    words = {
        ContactKind.PHONE: _("Same telephone number"),
        ContactKind.EMAIL: _("Same e-mail address"),
        ContactKind.IDENTITY: _("Same identity card"),
    }
    return {pk: _("; ").join(word for kind, word in words.items() if kind in kinds) for pk, kinds in shared.items()}


# --- The same place ---------------------------------------------------------------------------
def _same_place(matter: Matter) -> dict[int, str]:
    """Case → the place both name, of cases of the same category received within `NEAR` of each other."""
    if matter.received_at is None or matter.category is None:
        return {}
    found: dict[int, str] = {}
    for name, value in (("outlet", matter.outlet.strip()), ("place", matter.place.strip())):
        if not value:
            continue
        # Indexes outlet_received and place_received.
        rows = Complaint.objects.filter(
            **{name: value},
            category=matter.category,
            received_at__gte=matter.received_at - NEAR,
            received_at__lte=matter.received_at + NEAR,
        ).order_by("-received_at")
        found.update(dict.fromkeys(rows.values_list("pk", flat=True)[:PER_PLACE], value))
    return found


def _place_reason(matter: Matter, case: Complaint, place: str) -> tuple[str, float]:
    """The sentence, and a score that falls with the days between."""
    assert matter.received_at is not None  # else nothing is near
    days = abs((case.received_at - matter.received_at).days)
    if not days:
        return _("Same place (%(place)s) and category, less than a day apart") % {"place": place}, 0.5
    words = ngettext(
        "Same place (%(place)s) and category, %(days)s day apart",
        "Same place (%(place)s) and category, %(days)s days apart",
        days,
    )
    return words % {"place": place, "days": days}, 0.5 - 0.3 * days / NEAR.days


# --- The same text ----------------------------------------------------------------------------
def _similar_prints(text: str) -> dict[int, tuple[int, int]]:
    """Case → how many words of pairs of bands and of bands its text shares with this one."""
    bands, pairs = prints.split(prints.words(text))
    if not bands:
        return {}
    statement, values = lookup(*arms(bands, pairs))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Set for this statement alone: outside a transaction the two are one; within one it is taken back.
            cursor.execute(f"SET LOCAL gin_fuzzy_search_limit = {THINNED}; {statement}", values)
        else:
            cursor.execute(statement, values)
        rows = cursor.fetchall()
        if connection.vendor == "postgresql" and connection.in_atomic_block:
            cursor.execute("SET LOCAL gin_fuzzy_search_limit = 0")
    found: dict[int, tuple[int, int]] = {}
    for pk, tokens in rows:
        known = set(tokens.split())
        found[pk] = sum(word in known for word in pairs), sum(word in known for word in bands)
    return found


def arms(bands: list[str], pairs: list[str]) -> tuple[list[tuple[str, ...]], ...]:
    """What is asked for: texts that share three words of pairs at once, one of pairs, one of a band.

    Where thousands of texts follow one pattern, the first still finds the few that are copies.
    """
    triples: list[tuple[str, ...]] = list(combinations(pairs, 3))
    return triples[::TRIPLES_STEP], [(word,) for word in pairs], [(word,) for word in bands]


def lookup(*arms: Sequence[tuple[str, ...]]) -> tuple[str, list[Any]]:
    """Statement and parameters: for each arm up to `PROPOSED` rows (case, tokens) that hold all words of any tuple.

    On PostgreSQL the third arm, of single words, gives up to `PER_BAND` rows for each word instead: a word that
    few texts hold is heard beside one that thousands hold, and no word costs more than `THINNED` lets it.
    """
    table = TextPrint._meta.db_table
    values: list[Any] = []
    parts: list[str] = []
    if connection.vendor != "postgresql":
        hits = f"SELECT rowid FROM {table}_fts WHERE {table}_fts MATCH %s ORDER BY rowid DESC LIMIT %s"  # noqa: S608
        for tuples in arms:
            parts.append(f"SELECT complaint_id, tokens FROM {table} WHERE complaint_id IN ({hits})")  # noqa: S608
            values += [" OR ".join(f"({' AND '.join(words)})" for words in tuples), PROPOSED]
        return " UNION ALL ".join(parts), values
    exact, each = _holding("(SELECT %s::tsquery)"), _holding("word.query")
    for tuples in arms[:2]:
        parts.append(f"({exact})")
        # Beside a word that no text holds PostgreSQL leaves none of the others out.
        values += [" | ".join([_IN_NO_TEXT, *(f"({' & '.join(words)})" for words in tuples)]), PROPOSED]
    for tuples in arms[2:]:
        parts.append(f"(SELECT t.* FROM unnest(%s::tsquery[]) AS word (query) CROSS JOIN LATERAL ({each}) t)")  # noqa: S608
        values += [[word for (word,) in tuples], PER_BAND]
    return " UNION ALL ".join(parts), values


def _holding(query: str) -> str:
    """Some texts that match; the planner sees neither words nor limit: expecting many rows it would walk the table."""
    found = f"SELECT complaint_id, tokens FROM {TextPrint._meta.db_table} WHERE vector @@ {query}"  # noqa: S608
    return f"WITH hits AS MATERIALIZED ({found}) SELECT complaint_id, tokens FROM hits LIMIT %s"  # noqa: S608


def _compare(text: str, closest: list[Candidate]) -> None:
    """Give the reason to those whose text is nearly the same."""
    own = prints.shingles(text)
    for candidate in closest:
        found = prints.overlap(own, prints.shingles(candidate.case.narrative))
        if not found.is_same:
            continue
        if found.of_both >= prints.SAME:
            share, words = found.of_both, _("%(percent)s %% of the text is the same")
        else:
            share, words = found.of_shorter, _("%(percent)s %% of the shorter text stands in the longer one")
        candidate.add(Way.TEXT, words % {"percent": round(100 * share)}, 0.95 * share)
