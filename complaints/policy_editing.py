"""Edit a service policy as its next revision (SLA-01).

A revision is a full set of limits from a day on; the one before ends the day before. Cases keep the
revision they were bound to at receipt, so no stored clock is touched by an edit.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import security
from accounts.errors import InvalidInput, NotAllowed, StaleVersion
from accounts.models import User
from complaints import policy_terms, reopening
from complaints.calendars import InvalidSetting, Slot
from complaints.clock_rules import LadderStep, NoticeKind, OffsetKind, Recipient, StartsOn, Unit
from complaints.models import PolicyRule, ServicePolicy
from complaints.profiles import (
    DAY_LADDER,
    HOUR_LADDER,
    PROFILE_RULE_TWICE,
    TASK_HOUR_LADDER,
    TASK_LADDER,
    WINDOW_LADDER,
    Profile,
    ProfileInvalid,
    ProfileRule,
    check_profile,
)
from complaints.risk_standards import EDITORS
from complaints.states import Complexity, Milestone

LADDERS: dict[str, tuple[LadderStep, ...]] = {
    "day": DAY_LADDER,
    "hour": HOUR_LADDER,
    "window": WINDOW_LADDER,
    "task": TASK_LADDER,
    "task_hour": TASK_HOUR_LADDER,
}
# Whom the clock of a department may tell: its own people (SLA-04).
OF_DEPARTMENT = (Recipient.OWNER, Recipient.DEPARTMENT_HEAD)
# The longest limit and extension in any unit: beyond it a figure is a slip of the pen.
MAX_AMOUNT = 3650
MAX_EXTENSIONS = 9
_MOST = {"amount": MAX_AMOUNT, "extension_amount": MAX_AMOUNT, "max_extensions": MAX_EXTENSIONS}
_LENGTHS = {"name_zh": 120, "name_en": 120, "legal_basis": 300}


def newest(code: str) -> ServicePolicy | None:
    """The last revision of a policy with its rules: the one an edit is based on. Two queries."""
    found = ServicePolicy.objects.filter(code=code).order_by("-revision").prefetch_related("rules")
    return found.first()


def draft_of(policy: ServicePolicy) -> Profile:
    """A stored revision as plain data, its rules in the order of the work."""
    order = list(Milestone)
    rules = sorted(policy.rules.all(), key=lambda rule: (order.index(Milestone(rule.milestone)), rule.complexity))
    return Profile(
        code=policy.code,
        version=policy.revision,
        name_zh=policy.name,
        name_en=policy.name_en,
        valid_from=policy.valid_from,
        valid_until=policy.valid_until,
        legal_basis=policy.legal_basis,
        government=policy.is_government,
        slots=tuple((time.fromisoformat(start), time.fromisoformat(end)) for start, end in policy.slots),
        remedies_zh=tuple(policy.remedies.get("zh-hans", ())),
        remedies_en=tuple(policy.remedies.get("en", ())),
        rules=tuple(
            ProfileRule(
                rule.milestone,
                rule.amount,
                Unit(rule.unit),
                StartsOn(rule.starts_on),
                rule.complexity,
                rule.start_day_counts,
                rule.roll_forward,
                rule.after_hours_next_day,
                rule.extension_amount,
                rule.max_extensions,
                ladder_from(rule.ladder),
                rule.resets,
            )
            for rule in rules
        ),
        reopening=policy.reopening,
        return_days=policy.return_days,
        pause_days=policy.pause_days,
        pause_reasons=None if policy.pause_reasons is None else tuple(policy.pause_reasons),
    )


def lacks_tasks(draft: Profile) -> bool:
    """Whether departments get no clock of their own by this policy (SLA-04)."""
    return not any(rule.milestone == Milestone.TASK for rule in draft.rules)


def ladder_from(stored: list[dict[str, Any]]) -> tuple[LadderStep, ...]:
    """The steps of a stored ladder."""
    return tuple(
        LadderStep(
            OffsetKind(step["offset_kind"]),
            step["value"],
            tuple(Recipient(recipient) for recipient in step["recipients"]),
            NoticeKind(step["kind"]),
        )
        for step in stored
    )


def ladder_name(ladder: tuple[LadderStep, ...]) -> str:
    """The shipped ladder these steps are, or "own" for steps of the office's own."""
    return next((name for name, steps in LADDERS.items() if steps == ladder), "own")


def limit_key(milestone: str, complexity: str) -> str:
    """How an address names one limit of a policy: resolve-simple, reply."""
    return f"{milestone}-{complexity}" if complexity else milestone


def read_slots(text: str) -> tuple[Slot, ...]:
    """Office hours written one slot a line, such as 08:30-12:00. Raises InvalidInput naming the line."""
    found = []
    for line in filter(None, (line.strip() for line in text.splitlines())):
        start, _dash, end = line.replace("–", "-").replace("—", "-").replace("：", ":").partition("-")
        try:
            slot = time.fromisoformat(start.strip()), time.fromisoformat(end.strip())
        except ValueError:
            raise InvalidInput(
                "slots", _("“%(line)s” is no slot; write it like 08:30-12:00, one a line."), line=line[:40]
            ) from None
        found.append(slot)
    return tuple(found)


def faults(draft: Profile) -> list[tuple[str, str]]:
    """Everything that is wrong with a draft by itself: pairs of a field and a sentence with the mend.

    A field of a rule is named `rules[<place>].<name>`.
    """
    found = [
        (name, gettext("Give at most %(most)s characters.") % {"most": most})
        for name, most in _LENGTHS.items()
        if len(getattr(draft, name)) > most
    ]
    found += [(name, gettext("Fill this in.")) for name in ("name_zh", "name_en") if not getattr(draft, name).strip()]
    try:
        check_profile(draft)
    except ProfileInvalid as error:
        found += [(fault.field, _said(fault)) for fault in error.errors]
    for place, rule in enumerate(draft.rules):
        found += [
            (f"rules[{place}].{name}", gettext("Give at most %(most)s.") % {"most": most})
            for name, most in _MOST.items()
            if getattr(rule, name) > most
        ]
        found += [
            (f"rules[{place}].ladder", sentence) for _step, sentence in ladder_faults(rule.milestone, rule.ladder)
        ]
    found += [(f"reopening.{name}", str(sentence)) for name, sentence in reopening.faults(draft.reopening)]
    found += policy_terms.faults(draft)
    if not any(rule.milestone == Milestone.RESOLVE for rule in draft.rules):
        found.append(("rules", gettext("Give a limit for the handling by the department; every case needs one.")))
    return found


def _said(fault: InvalidSetting) -> str:
    """The sentence of a fault; a limit that stands twice is called as the form calls it."""
    if fault.message != PROFILE_RULE_TWICE:
        return fault.text(gettext)
    milestone, _space, complexity = str(fault.params["value"]).partition(" ")
    if milestone not in Milestone.values or (complexity and complexity not in Complexity.values):
        return fault.text(gettext)
    name = str(Milestone(milestone).label)
    if complexity:
        name = f"{name} ({Complexity(complexity).label})"
    return gettext(PROFILE_RULE_TWICE) % {"value": name}


def ladder_faults(milestone: str, ladder: tuple[LadderStep, ...]) -> list[tuple[int, str]]:
    """What is wrong with the steps of a limit's reminders: the place of the step and a sentence with the mend (SLA-13).

    A value out of range is refused by the step itself.
    """
    found = []
    seen: set[tuple[OffsetKind, float, NoticeKind]] = set()
    for place, step in enumerate(ladder):
        if not step.recipients:
            found.append((place, gettext("Choose whom this step tells.")))
        if (step.offset_kind, step.value, step.kind) in seen:
            found.append((place, gettext("This step stands twice; keep one.")))
        seen.add((step.offset_kind, step.value, step.kind))
        if milestone == Milestone.TASK and set(step.recipients) - set(OF_DEPARTMENT):
            found.append((place, gettext("The limit of a department tells only its own people and its head.")))
    return found


@transaction.atomic
def revise(draft: Profile, *, is_default: bool, based_on: int, by: User, at: datetime | None = None) -> ServicePolicy:
    """Store a draft as the next revision of its policy, in force from `draft.valid_from` (SLA-01).

    `based_on` is the revision the person edited. Taking over as the default gives the former default a
    revision of its own that no longer is one, so that every day has exactly one default. Raises
    NotAllowed, StaleVersion, InvalidInput by field.
    """
    at = at or timezone.now()
    if not any(by.has_perm(name) for name in EDITORS):
        raise NotAllowed(_("Your role does not allow this."))
    rows = list(ServicePolicy.objects.select_for_update().prefetch_related("rules").order_by("revision"))
    last = next((row for row in reversed(rows) if row.code == draft.code), None)
    if last is None:
        raise InvalidInput("code", _("There is no such policy."))
    if last.revision != based_on:
        raise StaleVersion(last.revision)
    for field, sentence in faults(draft):
        raise InvalidInput(field, sentence)
    check_start(draft.valid_from, last, today=timezone.localdate(at))
    if last.is_default and not is_default:
        raise InvalidInput(
            "is_default", _("New cases need a default policy; edit the policy that should take over instead.")
        )
    if is_default:
        _take_over(rows, draft)
    stored = _store(draft, last, is_default=is_default)
    security.record(
        "policy_revised",
        user=by,
        subject=f"{stored.code}:{stored.revision}",
        valid_from=stored.valid_from.isoformat(),
        is_default=is_default,
    )
    return stored


def check_start(day: date, last: ServicePolicy, *, today: date) -> None:
    """Raises InvalidInput for a first day that is over or does not come after that of the last revision."""
    if day < today:
        raise InvalidInput(
            "valid_from",
            _("%(day)s is in the past; give %(today)s or a later day."),
            day=day.isoformat(),
            today=today.isoformat(),
        )
    if day <= last.valid_from:
        raise InvalidInput(
            "valid_from",
            _("Revision %(revision)s begins on %(day)s; give a later day."),
            revision=last.revision,
            day=last.valid_from.isoformat(),
        )


def _take_over(rows: list[ServicePolicy], draft: Profile) -> None:
    """End the default of every other policy the day before the draft begins."""
    others = [row for row in rows if row.code != draft.code and row.is_default]
    for row in others:
        if row.valid_from >= draft.valid_from:
            raise InvalidInput(
                "valid_from",
                _("“%(name)s” is the default from %(day)s on; give a later day."),
                name=row.label,
                day=row.valid_from.isoformat(),
            )
    for row in others:
        if row.valid_until is None or row.valid_until >= draft.valid_from:
            _store(_moved(row, draft.valid_from), row, is_default=False)


def _moved(policy: ServicePolicy, day: date) -> Profile:
    """The same policy from another day on."""
    return replace(draft_of(policy), valid_from=day)


def _store(draft: Profile, last: ServicePolicy, *, is_default: bool) -> ServicePolicy:
    """Write the next revision after `last` and end `last` the day before."""
    ends = last.valid_until if last.valid_until and last.valid_until >= draft.valid_from else None
    if last.valid_until is None or last.valid_until >= draft.valid_from:
        ServicePolicy.objects.filter(pk=last.pk).update(valid_until=draft.valid_from - timedelta(days=1))
    policy = ServicePolicy.objects.create(
        code=last.code,
        revision=last.revision + 1,
        name=draft.name_zh,
        name_en=draft.name_en,
        legal_basis=draft.legal_basis,
        valid_from=draft.valid_from,
        valid_until=ends,
        is_government=last.is_government,
        is_default=is_default,
        slots=[[str(start), str(end)] for start, end in draft.slots],
        remedies=last.remedies,
        reopening=dict(draft.reopening),
        return_days=draft.return_days,
        pause_days=draft.pause_days,
        pause_reasons=None if draft.pause_reasons is None else list(draft.pause_reasons),
    )
    PolicyRule.objects.bulk_create(_row(policy, rule) for rule in draft.rules)
    return policy


def _row(policy: ServicePolicy, rule: ProfileRule) -> PolicyRule:
    return PolicyRule(
        policy=policy,
        milestone=rule.milestone,
        complexity=rule.complexity,
        amount=rule.amount,
        unit=str(rule.unit),
        starts_on=str(rule.starts_on),
        start_day_counts=rule.start_day_counts,
        roll_forward=rule.roll_forward,
        after_hours_next_day=rule.after_hours_next_day,
        extension_amount=rule.extension_amount,
        max_extensions=rule.max_extensions,
        resets=rule.resets,
        ladder=json.loads(json.dumps([asdict(step) for step in rule.ladder])),
    )
