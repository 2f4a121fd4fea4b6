"""Which pauses a service policy allows and how long a department may return a case, as data of it (SLA-13, ASG-06).

A policy that names nothing of this (None, as stored before it could) has the usual: every listed reason, thirty days
at once, and five working days for a return.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from django.utils.translation import gettext, ngettext

from complaints.states import PauseReason

# Working days after the assignment in which a department may ask to return the case.
RETURN_DAYS = 5
# Calendar days a pause may be approved for at once; it ends by itself then.
PAUSE_DAYS = 30
# Beyond it a figure is a slip of the pen.
MOST_DAYS = 365


class Terms(Protocol):
    """A stored revision of a policy, or one that is being edited."""

    @property
    def return_days(self) -> int | None: ...

    @property
    def pause_days(self) -> int | None: ...

    @property
    def pause_reasons(self) -> Iterable[str] | None: ...


def return_days(policy: Terms) -> int:
    """How many working days after the assignment a department may ask to return a case (ASG-06)."""
    return RETURN_DAYS if policy.return_days is None else policy.return_days


def pause_days(policy: Terms) -> int:
    """How many calendar days a pause may be approved for at once (SLA-13)."""
    return PAUSE_DAYS if policy.pause_days is None else policy.pause_days


def pause_reasons(policy: Terms) -> list[PauseReason]:
    """The reasons for which the clocks of a case may stand still, in the order of the list (SLA-13)."""
    return [reason for reason in PauseReason if policy.pause_reasons is None or reason in policy.pause_reasons]


def faults(policy: Terms) -> list[tuple[str, str]]:
    """What is wrong with these terms: pairs of a field and a sentence with the mend."""
    found = [
        (name, gettext("Give 1 to %(most)s.") % {"most": MOST_DAYS})
        for name, days in (("return_days", return_days(policy)), ("pause_days", pause_days(policy)))
        if not 1 <= days <= MOST_DAYS
    ]
    unknown = sorted(set(policy.pause_reasons or ()) - set(PauseReason.values))
    if unknown:
        sentence = gettext("“%(value)s” is not one of the choices.") % {"value": unknown[0]}
        found.append(("pause_reasons", sentence))
    elif not pause_reasons(policy):
        found.append(("pause_reasons", gettext("Choose at least one reason.")))
    return found


def names_of_reasons(policy: Terms) -> str:
    """The reasons for a pause in words."""
    return gettext(", ").join(str(reason.label) for reason in pause_reasons(policy))


def pauses_in_words(policy: Terms) -> list[str]:
    """What the policy says about pauses, a sentence each."""
    days = pause_days(policy)
    found = [
        gettext("The clocks of a case may stand still for: %(names)s.") % {"names": names_of_reasons(policy)},
        ngettext(
            "A pause is approved for at most %(n)s day and ends by itself then.",
            "A pause is approved for at most %(n)s days and ends by itself then.",
            days,
        )
        % {"n": days},
    ]
    if PauseReason.INFORMATION not in pause_reasons(policy):
        found.append(gettext("While an answer of the complainant is waited for, the clocks run on."))
    return found


def returns_in_words(policy: Terms) -> str:
    """What the policy says about returning a case, as a sentence."""
    days = return_days(policy)
    return ngettext(
        "A department may ask to return a case for %(n)s working day after the assignment.",
        "A department may ask to return a case for %(n)s working days after the assignment.",
        days,
    ) % {"n": days}


def in_words(policy: Terms) -> list[str]:
    """Pauses and returns by this policy, a sentence each."""
    return [*pauses_in_words(policy), returns_in_words(policy)]
