"""The thresholds of the alerts as revisions, and what a new one would have raised (RISK-12, REV-51)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput, NotAllowed
from accounts.models import User
from complaints import revisions
from complaints.models import Category
from review.alert_rules import RULES, Span
from review.models import AlertStandard, DurationBenchmark

EDIT = "review.lead_review"
PREVIEW_OVER = timedelta(days=31)
MOST_DAYS = Decimal(3650)


def shipped() -> dict[str, dict[str, Any]]:
    """The settings of every rule before anybody edits them."""
    return {
        rule.code: {
            "enabled": True,
            "opens_review": rule.opens_review,
            **{threshold.key: threshold.default for threshold in rule.thresholds},
        }
        for rule in RULES.values()
    }


def current() -> AlertStandard:
    """The revision in force; the shipped one is stored at the first call."""
    newest = AlertStandard.objects.order_by("-revision").first()
    if newest is None:
        newest, _created = AlertStandard.objects.get_or_create(revision=1, defaults={"rules": shipped()})
    return newest


def settings_of(standard: AlertStandard) -> dict[str, dict[str, Any]]:
    """The settings of every rule, with the shipped ones for rules the revision does not know yet."""
    return {code: own | standard.rules.get(code, {}) for code, own in shipped().items()}


def check(rules: Mapping[str, Mapping[str, Any]]) -> None:
    """Raises InvalidInput naming the field (`<rule>_<threshold>`) of the first number out of its bounds."""
    for code, settings in rules.items():
        if code not in RULES:
            raise InvalidInput(code, _("There is no such rule."))
        for threshold in RULES[code].thresholds:
            value = settings.get(threshold.key)
            if not isinstance(value, int) or not threshold.least <= value <= threshold.most:
                raise InvalidInput(
                    f"{code}_{threshold.key}",
                    _("Give a whole number from %(least)s to %(most)s."),
                    least=threshold.least,
                    most=threshold.most,
                )


def preview(rules: Mapping[str, Mapping[str, Any]], *, now: datetime) -> dict[str, int]:
    """How many cases each rule that is on would have found in the last 31 days. Stores nothing."""
    check(rules)
    span = Span(now - PREVIEW_OVER, now)
    return {
        code: len({found.complaint_id for found in RULES[code].find(settings, span)})
        for code, settings in rules.items()
        if settings["enabled"]
    }


@transaction.atomic
def revise(
    rules: Mapping[str, Mapping[str, Any]], *, note: str, based_on: int, by: User, at: datetime | None = None
) -> AlertStandard:
    """Store the next revision; alerts raised before stay as they are.

    `based_on` is the revision the person edited. Raises NotAllowed, InvalidInput by field, StaleVersion.
    """
    _may_edit(by)
    note = revisions.why(note)
    check(rules)
    current()  # stores the shipped one as the first
    return AlertStandard.objects.create(
        revision=revisions.following(AlertStandard, based_on=based_on),
        rules=dict(rules),
        note=note,
        by=by,
        at=at or timezone.now(),
    )


@transaction.atomic
def set_benchmark(
    category: Category, *, days: Decimal, source: str, dated_on: date, by: User, at: datetime | None = None
) -> DurationBenchmark:
    """The industry's average duration of a category from now on; an earlier figure is ended and kept (RISK-09).

    Raises NotAllowed, or InvalidInput naming `days`, `source` or `dated_on`.
    """
    _may_edit(by)
    at = at or timezone.now()
    if not 0 < days <= MOST_DAYS:
        raise InvalidInput("days", _("Give a number of days above 0 and up to %(most)s."), most=MOST_DAYS)
    if not source.strip():
        raise InvalidInput("source", _("Say where the figure is from."))
    if dated_on > timezone.localdate(at):
        raise InvalidInput("dated_on", _("This date lies in the future."))
    Category.objects.select_for_update().get(pk=category.pk)
    _end(category, by=by, at=at)
    return DurationBenchmark.objects.create(
        category=category, days=days, source=source.strip()[:200], dated_on=dated_on, at=at, by=by
    )


@transaction.atomic
def end_benchmark(benchmark_id: int, *, by: User, at: datetime | None = None) -> None:
    """From now on the own average counts for this category again. A second call changes nothing."""
    _may_edit(by)
    row = DurationBenchmark.objects.select_related("category").get(pk=benchmark_id)
    if row.ended_at is None:
        _end(row.category, by=by, at=at or timezone.now())


def _end(category: Category, *, by: User, at: datetime) -> None:
    DurationBenchmark.objects.filter(category=category, ended_at=None).update(ended_at=at, ended_by=by)


def _may_edit(by: User) -> None:
    if not by.has_perm(EDIT):
        raise NotAllowed(_("Your role does not allow this."))
