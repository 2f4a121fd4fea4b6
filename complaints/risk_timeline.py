"""How the record of a case tells what was done about its risk. Imported by timeline; knows no page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

# The relations of a case whose records these events point at.
RECORDS = (
    "risk_assessments", "team", "risk_meetings", "media_plans", "settlement_steps", "lawsuits", "holds", "signals",
)  # fmt: skip
# Kinds that are told to nobody but whom may read interim measures, not even that there are any (RISK-24).
SECRET = ("interim_measure", "interim_measure_ended")


def _regraded(row: Any) -> tuple[str, ...]:
    return (_("%(grade)s, %(score)s points") % {"grade": row.get_proposed_display(), "score": row.score},)


def _member(row: Any) -> tuple[str, ...]:
    return (_(" · ").join([row.user.display_name, str(row.get_role_display())]),)


def _settlement(row: Any) -> tuple[str, ...]:
    amount = _("%(amount)s yuan") % {"amount": row.amount} if row.amount is not None else ""
    return (_(" · ").join(filter(None, [str(row.get_kind_display()), amount])), row.text)


BODIES: dict[str, Callable[[Any], tuple[str, ...]]] = {
    "grade_risk": lambda row: (str(row.get_grade_display()), row.reason),
    "risk_regraded": _regraded,
    "risk_proposed": _regraded,
    "team_joined": _member,
    "team_left": _member,
    "risk_meeting": lambda row: (row.participants, row.strategy),
    "media_plan": lambda row: (_(" · ").join([row.spokesperson, row.release_channel]), row.wording),
    "settlement": _settlement,
    "lawsuit": lambda row: (_(" · ").join(filter(None, [row.court, row.docket])),),
    "judgment": lambda row: (row.judgment,),
    "hold_placed": lambda row: (row.reason,),
    "hold_released": lambda row: (row.release_reason,),
    "signal_linked": lambda row: (row.source, row.text),
    "signal_answered": lambda row: (row.source, row.response),
}
