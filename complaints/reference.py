"""Reference data every installation starts with: categories, policies, the working calendar.

Runs after each migrate and adds only what is missing, so an organisation's own edits stay.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from complaints import quality, remedies, reply_templates, schemes
from complaints.retention import load_retention
from complaints.risk_standards import load_standard

if TYPE_CHECKING:
    from complaints.models import Category
    from complaints.profiles import Profile


def load_reference(sender=None, using="default", **kwargs) -> None:
    """Add missing reference rows. Safe to run again and again."""
    load_schemes(using=using)
    load_rules(using=using)
    load_calendar(using=using)
    load_policies(using=using)
    load_standard(using=using)
    load_retention(using=using)
    remedies.load_limits(using=using)
    quality.load_quality(using=using)
    reply_templates.load_templates(using=using)


def load_schemes(using: str = "default") -> None:
    """Add the shipped values that are missing; give untouched older ones what a later release knows of them.

    A value somebody has edited has a revision and stays as it is, even where it was emptied.
    """
    from complaints.models import Category, LegalReference

    rows = {(row.dimension, row.code): row for row in Category.objects.using(using)}
    edited = set(Category.objects.using(using).exclude(revisions=None).values_list("pk", flat=True))
    _store(_on_top(), rows, edited, using=using)
    _store(_below(rows), rows, edited, using=using)
    told = set(LegalReference.objects.using(using).values_list("category", flat=True))
    LegalReference.objects.using(using).bulk_create(
        LegalReference(
            category=rows["legal", law.category],
            statutes=law.statutes,
            reputation=law.reputation,
            valid_from=law.valid_from,
            valid_until=law.valid_until,
        )
        for law in schemes.LEGAL_REFERENCES
        if rows["legal", law.category].pk not in told
    )


# What the first installations did not know of their values.
_LATER = ("prompts", "materials", "is_soft")


def _complete(stored: Category, shipped: Category) -> bool:
    """Fill what is still empty from the shipped value. True when something was."""
    changed = False
    for name in _LATER:
        if not getattr(stored, name) and getattr(shipped, name):
            setattr(stored, name, getattr(shipped, name))
            changed = True
    return changed


def _store(values: list[Category], rows: dict[tuple[str, str], Category], edited: set[int], *, using: str) -> None:
    """Store the values that are missing and complete the others; `rows` holds what is stored, before and after."""
    from complaints.models import Category

    missing = [row for row in values if (row.dimension, row.code) not in rows]
    completed = [
        stored
        for row in values
        if (stored := rows.get((row.dimension, row.code))) and stored.pk not in edited and _complete(stored, row)
    ]
    Category.objects.using(using).bulk_create(missing)
    Category.objects.using(using).bulk_update(completed, _LATER)
    rows |= {(row.dimension, row.code): row for row in missing}


def _on_top() -> list[Category]:
    return [
        _category(dimension, value, order=value.order)
        for dimension, values in schemes.DIMENSIONS.items()
        for value in values
    ]


def _below(rows: dict[tuple[str, str], Category]) -> list[Category]:
    """The sub-types, once the values above them are stored; they are for the desk."""
    found = []
    for dimension, values in schemes.DIMENSIONS.items():
        for place, value in enumerate(values):
            for number, child in enumerate(value.children):
                row = _category(dimension, child, order=100 + place * 10 + number)
                row.parent, row.is_public = rows[dimension, value.code], False
                found.append(row)
    return found


def _category(dimension: str, value: schemes.Value, *, order: int) -> Category:
    from complaints.models import Category

    return Category(
        dimension=dimension,
        code=value.code,
        name=value.name,
        name_en=value.name_en,
        hint=value.hint,
        hint_en=value.hint_en,
        order=order,
        is_soft=value.is_soft,
        prompts=[asdict(prompt) for prompt in value.prompts],
        materials=[asdict(material) for material in value.materials],
    )


def load_rules(using: str = "default") -> None:
    """Add the bodies and the acceptance rules that are not stored yet (SCR-02, SCR-04)."""
    from complaints.models import AcceptanceRule, ExternalBody

    directory = ExternalBody.objects.using(using)
    if not directory.exists():  # a body has no code, so one that was renamed would come back under its old name
        directory.bulk_create(
            ExternalBody(name=name, responsible_for=task, phone=phone) for name, task, phone in schemes.BODIES
        )
    known = set(AcceptanceRule.objects.using(using).values_list("code", flat=True))
    bodies = {body.name: body for body in ExternalBody.objects.using(using)}
    AcceptanceRule.objects.using(using).bulk_create(
        AcceptanceRule(
            code=rule.code, text=rule.text, in_scope=rule.in_scope, body=bodies.get(rule.body), order=(number + 1) * 10
        )
        for number, rule in enumerate(schemes.RULES)
        if rule.code not in known
    )


def load_calendar(using: str = "default") -> None:
    """Add the official years that are not in the calendar table yet (SLA-12)."""
    from complaints import holiday_data
    from complaints.models import CalendarDay, CalendarYear

    known = set(CalendarYear.objects.using(using).values_list("year", flat=True))
    provisional = set(holiday_data.provisional_years())
    now = timezone.now()
    for year in sorted(set(holiday_data.official_years()) | provisional):
        if year in known:
            continue
        days = [
            CalendarDay(day=day, is_working=working, name=name)
            for day, (working, name) in holiday_data.official_exceptions(year).items()
        ]
        CalendarDay.objects.using(using).bulk_create(days, ignore_conflicts=True)
        CalendarYear.objects.using(using).create(year=year, is_provisional=year in provisional, loaded_at=now)


# What a policy says about pauses and returns, where its source does (complaints/policy_terms.py).
_TERMS = ("return_days", "pause_days", "pause_reasons")


def load_policies(using: str = "default") -> None:
    """Add the shipped policy profiles that are not stored yet, and what older stored ones lack (SLA-01)."""
    from complaints.models import ServicePolicy
    from complaints.profiles import PROFILES

    known = set(ServicePolicy.objects.using(using).values_list("code", "revision"))
    for profile in PROFILES:
        if (profile.code, profile.version) not in known:
            _store_policy(profile, using=using)
    _complete_policies(using=using)


def _complete_policies(*, using: str) -> None:
    """Give each shipped policy nobody has revised a next revision, from today on, with what a later release knows.

    That is the limit for the tasks of departments, the rules on reopening, and what the source says about pauses and
    returns (SLA-04, CASE-03, SLA-13, ASG-06). Cases keep the revision they have; a policy the organisation revised
    stays as it is, its page offers the same.
    """
    from complaints.models import ServicePolicy
    from complaints.profiles import PROFILES
    from complaints.states import Milestone

    today = timezone.localdate()
    for profile in PROFILES:
        newest = ServicePolicy.objects.using(using).filter(code=profile.code).order_by("revision").last()
        if newest is None or newest.revision != profile.version or newest.valid_from >= today:
            continue
        if newest.valid_until is not None and newest.valid_until < today:
            continue
        silent = any(getattr(profile, name) is not None and getattr(newest, name) is None for name in _TERMS)
        if newest.reopening and not silent and newest.rules.filter(milestone=Milestone.TASK).exists():
            continue
        ends = newest.valid_until
        newest.valid_until = today - timedelta(days=1)
        newest.save(update_fields=["valid_until"])
        complete = replace(profile, version=newest.revision + 1, valid_from=today, valid_until=ends)
        _store_policy(complete, using=using, is_default=newest.is_default)


def _store_policy(profile: Profile, *, using: str, is_default: bool | None = None) -> None:
    from complaints.models import PolicyRule, ServicePolicy

    policy = ServicePolicy.objects.using(using).create(
        code=profile.code,
        revision=profile.version,
        name=profile.name_zh,
        name_en=profile.name_en,
        legal_basis=profile.legal_basis,
        valid_from=profile.valid_from,
        valid_until=profile.valid_until,
        is_government=profile.government,
        is_default=profile.code == "house_default" if is_default is None else is_default,
        slots=[[str(a), str(b)] for a, b in profile.slots],
        remedies={"zh-hans": list(profile.remedies_zh), "en": list(profile.remedies_en)},
        reopening=dict(profile.reopening),
        return_days=profile.return_days,
        pause_days=profile.pause_days,
        pause_reasons=None if profile.pause_reasons is None else list(profile.pause_reasons),
    )
    PolicyRule.objects.using(using).bulk_create(
        PolicyRule(
            policy=policy,
            milestone=rule.milestone,
            complexity=rule.complexity,
            amount=rule.amount,
            unit=str(rule.unit),
            starts_on=rule.starts_on,
            start_day_counts=rule.start_day_counts,
            extension_amount=rule.extension_amount,
            max_extensions=rule.max_extensions,
            roll_forward=rule.roll_forward,
            after_hours_next_day=rule.after_hours_next_day,
            ladder=[asdict(step) for step in rule.ladder],
            resets=rule.resets,
        )
        for rule in profile.rules
    )
