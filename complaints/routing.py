"""Which department a case belongs to by the organisation's own rules: the first that holds decides (ASG-01, ASG-02)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from complaints.models import Category, Complaint, Dimension, RoutingRule

# A rule is shown with what it would have done to so many cases before it is saved.
LOOK_BACK = 1000


@dataclass(frozen=True)
class Conditions:
    """What a rule asks of a case; an empty condition holds always."""

    category_id: int | None
    channel: str
    words: tuple[str, ...]

    @classmethod
    def of(cls, rule: RoutingRule) -> Conditions:
        return cls(rule.category_id, rule.channel, tuple(plain(word) for word in split_words(rule.words)))


@dataclass(frozen=True)
class Facts:
    """What the rules look at: the category with all above it, the channel, the text with the place."""

    categories: frozenset[int]
    channel: str
    text: str


@dataclass(frozen=True)
class Trial:
    """What a rule would have done: cases looked at, those it matches, those of them an earlier rule takes
    first, and those of the rest that people gave to the same department."""

    looked_at: int
    matched: int
    taken: int
    agreed: int

    @property
    def decided(self) -> int:
        return self.matched - self.taken


def plain(text: str) -> str:
    """Width and case do not count."""
    return unicodedata.normalize("NFKC", text).casefold()


def split_words(text: str) -> list[str]:
    """The words of a rule, one a line, each once."""
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def holds(conditions: Conditions, facts: Facts) -> bool:
    return (
        (conditions.category_id is None or conditions.category_id in facts.categories)
        and (not conditions.channel or conditions.channel == facts.channel)
        and (not conditions.words or any(word in facts.text for word in conditions.words))
    )


def facts_of(*, categories: Iterable[int], channel: str, texts: Iterable[str]) -> Facts:
    return Facts(frozenset(categories), channel, plain("\n".join(texts)))


def active_rules() -> list[RoutingRule]:
    """The rules in force, in their order, without those of a department that is no more."""
    rules = RoutingRule.objects.filter(is_active=True, department__is_active=True)
    return list(rules.select_related("department", "person"))


def first_match(rules: Sequence[RoutingRule], facts: Facts) -> RoutingRule | None:
    return next((rule for rule in rules if holds(Conditions.of(rule), facts)), None)


def lineages() -> dict[int, frozenset[int]]:
    """Every category with itself and all above it: a rule for a category holds for those below."""
    parents = dict(Category.objects.filter(dimension=Dimension.CATEGORY).values_list("pk", "parent_id"))

    def climb(pk: int) -> frozenset[int]:
        above: set[int] = set()
        at: int | None = pk
        while at is not None and at not in above:
            above.add(at)
            at = parents.get(at)
        return frozenset(above)

    return {pk: climb(pk) for pk in parents}


def try_rule(conditions: Conditions, *, department_id: int | None, before: Sequence[RoutingRule] = ()) -> Trial:
    """Hold a rule against the newest LOOK_BACK cases; `before` are the rules that come first. Three queries."""
    earlier = [Conditions.of(rule) for rule in before]
    above = lineages()
    cases = Complaint.objects.order_by("-received_at", "-pk").values_list(
        "category_id", "channel", "subject", "narrative", "place", "lead_department_id"
    )
    looked_at = matched = taken = agreed = 0
    for category_id, channel, subject, narrative, place, lead in cases[:LOOK_BACK]:
        looked_at += 1
        facts = facts_of(categories=above.get(category_id, ()), channel=channel, texts=(subject, narrative, place))
        if not holds(conditions, facts):
            continue
        matched += 1
        if any(holds(other, facts) for other in earlier):
            taken += 1
        elif department_id is not None and lead == department_id:
            agreed += 1
    return Trial(looked_at, matched, taken, agreed)
