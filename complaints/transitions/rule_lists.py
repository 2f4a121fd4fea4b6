"""Lists of rules of which the first that fits wins: add, change, move, switch (ASG-02, ASG-11)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, NotAllowed
from accounts.models import User
from complaints.models import LaneRule, RoutingRule

Rule = TypeVar("Rule", RoutingRule, LaneRule)


def locked(table: type[Rule], *, by: User, permissions: Iterable[str]) -> list[Rule]:
    """The rules in their order, held until the end of the transaction. Raises NotAllowed."""
    if not by.is_active or not any(by.has_perm(name) for name in permissions):
        raise NotAllowed(_("Your role does not change these rules."))
    return list(table.objects.select_for_update())


def store(rules: list[Rule], rule: Rule, values: dict[str, Any], *, by: User, at: datetime) -> Rule:
    """Give a rule new values; a new one goes to the end."""
    if rule.pk is None:
        rule.order = max((row.order for row in rules), default=0) + 1
    for name, value in values.items():
        setattr(rule, name, value)
    rule.changed_at, rule.changed_by = at, by
    rule.save()
    return rule


def move(rules: list[Rule], rule_id: int, *, up: bool, by: User, at: datetime) -> None:
    """Let a rule change places with its neighbour; at the end of the list nothing happens."""
    rule = one(rules, rule_id)
    place = rules.index(rule)
    other = place - 1 if up else place + 1
    if not 0 <= other < len(rules):
        return
    rules[place], rules[other] = rules[other], rules[place]
    rule.changed_at, rule.changed_by = at, by
    for order, row in enumerate(rules, start=1):
        row.order = order
    type(rule).objects.bulk_update(rules, ["order", "changed_at", "changed_by"])


def switch(rule: Rule, *, on: bool, by: User, at: datetime) -> None:
    """Put a rule in force or out of it; it is never deleted, records point at it."""
    rule.is_active, rule.changed_at, rule.changed_by = on, at, by
    rule.save(update_fields=["is_active", "changed_at", "changed_by"])


def one(rules: list[Rule], pk: int) -> Rule:
    """Raises IllegalTransition when the rule is gone."""
    for rule in rules:
        if rule.pk == pk:
            return rule
    raise IllegalTransition(_("This rule no longer exists. Open the list again."))
