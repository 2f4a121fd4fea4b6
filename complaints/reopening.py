"""When a closed case may be opened again, as data of its service policy (CASE-03, SLA-01).

`ServicePolicy.reopening` holds `within_days` since closing, counted in `unit`, at `most` how often, for which
`reasons`, and which limit the department then has (`clocks`). What is left out is for the person who decides; an
empty policy leaves all of it. A review that sets the handling aside is not bound by any of this.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput
from complaints import clocks, deadlines
from complaints.calendars import CalendarMissing
from complaints.clock_rules import ClockRule, Unit
from complaints.models import Complaint
from complaints.states import Status

REASONS: dict[str, Any] = {
    "not_solved": _("The problem is not solved"),
    "again": _("The same problem came back"),
    "promise_broken": _("What the reply promised was not done"),
    "new_facts": _("New facts came in"),
    "wrong_facts": _("The reply rests on wrong facts"),
}
UNITS: dict[str, Any] = {"days": _("calendar days"), "working_days": _("working days")}
NEW, REMAINING = "new", "remaining"
CLOCKS: dict[str, Any] = {
    "": _("what the person who reopens gives"),
    NEW: _("the whole handling limit again"),
    REMAINING: _("what was left of it, at least one working day"),
}
MOST_DAYS = 3650
MOST_TIMES = 9


def label(reason: str) -> str:
    """A reason in words."""
    return str(REASONS.get(reason, reason))


def faults(rules: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What is wrong with the rules of a policy: pairs of a key and a sentence with the mend."""
    found: list[tuple[str, Any]] = []
    for name, most in (("within_days", MOST_DAYS), ("most", MOST_TIMES)):
        if name in rules and not 1 <= rules[name] <= most:
            found.append((name, _("Give 1 to %(most)s, or nothing.") % {"most": most}))
    for name, known in (("unit", UNITS), ("clocks", CLOCKS)):
        if rules.get(name, next(iter(known))) not in known:
            found.append((name, _("Choose one.")))
    if set(rules.get("reasons", ())) - set(REASONS):
        found.append(("reasons", _("Choose one of the reasons.")))
    return found


def last_day(complaint: Complaint) -> datetime | None:
    """Until when a closed case may be opened again; None without a window, or where the calendar ends."""
    rules = complaint.policy.reopening
    if "within_days" not in rules or complaint.closed_at is None:
        return None
    unit = Unit.WORKING_DAYS if rules.get("unit") == "working_days" else Unit.CALENDAR_DAYS
    calendar = clocks.working_calendar(complaint.policy.slots)
    try:
        return deadlines.due_at(complaint.closed_at, ClockRule(rules["within_days"], unit), calendar).at
    except CalendarMissing:
        return None


def in_words(rules: Mapping[str, Any]) -> list[str]:
    """The rules of a policy, a sentence each; what they leave open is not said."""
    found = []
    if "within_days" in rules:
        found.append(
            gettext("A closed case may be opened again for %(number)s %(unit)s.")
            % {"number": rules["within_days"], "unit": UNITS[rules.get("unit", "days")]}
        )
    if "most" in rules:
        sentence = ngettext(
            "A case may be opened again %(most)s time.", "A case may be opened again %(most)s times.", rules["most"]
        )
        found.append(sentence % {"most": rules["most"]})
    if rules.get("reasons"):
        names = gettext(", ").join(label(reason) for reason in rules["reasons"])
        found.append(gettext("Reasons: %(names)s") % {"names": names})
    if rules.get("clocks"):
        found.append(gettext("The department then has %(limit)s.") % {"limit": CLOCKS[rules["clocks"]]})
    return found


def told(complaint: Complaint) -> list[str]:
    """The rules of a case's policy in words, with the last day where the case is closed."""
    until = last_day(complaint)
    day = [gettext("The last day is %(day)s.") % {"day": timezone.localtime(until).date().isoformat()}] if until else []
    return [*in_words(complaint.policy.reopening), *day]


def require_allowed(complaint: Complaint, *, ground: str, at: datetime) -> None:
    """Refuse a person what the policy of the case does not allow, naming the rule and the way left.

    Raises IllegalTransition past the window or the number, InvalidInput("ground") for a reason not on the list.
    """
    rules = complaint.policy.reopening
    until = last_day(complaint) if complaint.status == Status.CLOSED else None
    if until is not None and at > until:
        raise IllegalTransition(
            _(
                "The policy “%(policy)s” allows reopening until %(day)s, %(number)s %(unit)s after closing. What is "
                "left is a review: the complainant applies for it, or the review group opens it."
            ),
            policy=complaint.policy.label,
            day=timezone.localtime(until).date().isoformat(),
            number=rules["within_days"],
            unit=UNITS[rules.get("unit", "days")],
        )
    done = complaint.events.filter(kind="reopen").exclude(actor=None).count()
    if "most" in rules and done >= rules["most"]:
        raise IllegalTransition(
            _(
                "The policy “%(policy)s” allows %(most)s reopening(s) of a case. What is left is a review: the "
                "complainant applies for it, or the review group opens it."
            ),
            policy=complaint.policy.label,
            most=rules["most"],
        )
    if rules.get("reasons") and ground not in rules["reasons"]:
        raise InvalidInput("ground", _("Choose one of the reasons the policy of this case names."))
