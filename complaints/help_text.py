"""The time limits of a policy in words for the public (IN-34, IN-06)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from complaints import clocks
from complaints.deadlines import Unit
from complaints.models import PolicyRule, ServicePolicy
from complaints.states import Complexity, Milestone


def amount(rule: PolicyRule) -> str:
    """“2 working days”."""
    words = {
        Unit.HOURS: ngettext("%(n)s hour", "%(n)s hours", rule.amount),
        Unit.WORKING_HOURS: ngettext("%(n)s working hour", "%(n)s working hours", rule.amount),
        Unit.WORKING_DAYS: ngettext("%(n)s working day", "%(n)s working days", rule.amount),
        Unit.CALENDAR_DAYS: ngettext("%(n)s day", "%(n)s days", rule.amount),
    }
    return words[Unit(rule.unit)] % {"n": rule.amount}


def limit_of(policy: ServicePolicy, milestone: str, complexity: str = Complexity.SIMPLE) -> str:
    """The limit of a milestone in words; "" when the policy has none."""
    rules = {rule.complexity: rule for rule in policy.rules.all() if rule.milestone == milestone}
    rule = rules.get(complexity) or rules.get("")
    return amount(rule) if rule else ""


def screening_limit(policy: ServicePolicy) -> str:
    """How soon an applicant hears whether there is a review: by the policy, else two working days (SLA-05)."""
    days = 2
    house = ngettext("%(n)s working day", "%(n)s working days", days) % {"n": days}
    return limit_of(policy, Milestone.REVIEW_SCREENING) or house


def context(*, now: datetime) -> dict[str, Any]:
    """The limits and routes of the policy in force, for the help page."""
    policy = clocks.policy_for(None, on=timezone.localdate(now))
    limits = {milestone.value: limit_of(policy, milestone) for milestone in Milestone}
    complex_limit = limit_of(policy, Milestone.RESOLVE, Complexity.COMPLEX)
    language = "en" if get_language() == "en" else "zh-hans"
    return {
        "policy": policy.label,
        "legal_basis": policy.legal_basis,
        "limits": limits,
        "resolve_complex": complex_limit if complex_limit != limits[Milestone.RESOLVE] else "",
        "remedies": policy.remedies.get(language, []),
        "max_files": settings.ATTACHMENT_MAX_COUNT,
        "max_megabytes": settings.ATTACHMENT_MAX_BYTES // (1024 * 1024),
        "parts": [
            _("Who complained"),
            _("What was complained of"),
            _("How we investigated"),
            _("Who is responsible"),
            _("What was done about it"),
            _("What will change, and by when"),
        ],
    }
