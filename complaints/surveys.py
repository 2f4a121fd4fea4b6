"""A random sample of closed cases whose complainants are called (FB-11), with every important case (FB-12)."""

from __future__ import annotations

import hashlib
import math
import secrets
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import User
from complaints.models import Complaint, SurveyCall, SurveyRound
from complaints.months import bounds, is_month
from complaints.states import RiskGrade, Severity, Status

DRAW = ("complaints.check_quality", "complaints.adjudicate_return")
CALL = "complaints.record_callback"
LEAST_PERCENT, MOST_PERCENT, USUAL_PERCENT = 5, 30, 10
# Cases whose complainants are all called: of high risk, or serious.
IMPORTANT = Q(risk_grade=RiskGrade.HIGH) | Q(severity=Severity.SERIOUS)


@transaction.atomic
def draw(period: str, *, percent: int, by: User, at: datetime | None = None) -> SurveyRound:
    """Draw the survey of a month that is over: every important case closed in it, and `percent` of the others.

    The others are ordered by the hash of the stored seed and their key, and the first of them are taken, so
    anybody can repeat the draw. Archived cases are left out: nothing can be added to them.
    Raises NotAllowed, InvalidInput by field, IllegalTransition when the month was drawn already.
    """
    at = at or timezone.now()
    if not by.is_active or not any(by.has_perm(name) for name in DRAW):
        raise NotAllowed(_("Your role does not allow this."))
    if not is_month(period):
        raise InvalidInput("period", _("Write the month as 2026-10."))
    if not LEAST_PERCENT <= percent <= MOST_PERCENT:
        raise InvalidInput("percent", _("Give 5 to 30 percent."))
    start, end = bounds(period)
    if end > at:
        raise InvalidInput("period", _("This month is not over yet."))
    closed = Complaint.objects.closed_in(start, end).filter(status=Status.CLOSED).order_by("pk")
    frame = list(closed.values_list("pk", flat=True))
    if not frame:
        raise InvalidInput("period", _("No case was closed in this month."))
    important = set(closed.filter(IMPORTANT).values_list("pk", flat=True))
    seed = secrets.token_hex(32)
    others = ranked([pk for pk in frame if pk not in important], seed)
    taken = important | set(others[: math.ceil(len(others) * percent / 100)])
    # Two people may press the button at once; the second finds the draw of the first.
    values = {"percent": percent, "seed": seed, "frame_size": len(frame), "drawn_at": at, "drawn_by": by}
    row, is_new = SurveyRound.objects.get_or_create(period=period, defaults=values)
    if not is_new:
        raise IllegalTransition(_("The survey of this month was drawn already."))
    SurveyCall.objects.bulk_create(SurveyCall(round=row, complaint_id=pk) for pk in sorted(taken))
    return row


def ranked(keys: list[int], seed: str) -> list[int]:
    """The keys in the order the seed gives them; the same for everybody who has the seed."""
    return sorted(keys, key=lambda pk: hashlib.sha256(f"{seed}:{pk}".encode()).digest())


def rounds() -> QuerySet[SurveyRound]:
    """The surveys, newest first, with calls, calls that are over, answers, and the same of important cases."""
    return SurveyRound.objects.select_related("drawn_by").annotate(
        size=Count("calls"),
        over=Count("calls__ended_at"),
        answered=Count("calls__callback"),
        important=Count("calls", filter=Q(calls__complaint__in=Complaint.objects.filter(IMPORTANT))),
        important_answered=Count("calls__callback", filter=Q(calls__complaint__in=Complaint.objects.filter(IMPORTANT))),
    )


def calls_for(user: User, *, over: bool) -> QuerySet[SurveyCall]:
    """The calls of cases the person sees: those that wait, or those that are over. Newest survey first."""
    rows = SurveyCall.objects.filter(complaint__in=Complaint.objects.visible_to(user)).exclude(
        complaint__status=Status.ARCHIVED, ended_at=None
    )
    return rows.filter(ended_at__isnull=not over).select_related("round", "complaint__lead_department", "callback")


def is_important(complaint: Complaint) -> bool:
    """Whether the complainant is called in any case (FB-12)."""
    return complaint.risk_grade == RiskGrade.HIGH or complaint.severity == Severity.SERIOUS


def rate(part: int, whole: int) -> int | None:
    """Whole percent, or None of nothing."""
    return round(100 * part / whole) if whole else None


def lines(rows: list[Any]) -> list[dict[str, Any]]:
    """Each survey with its response rates in percent: of the random sample and of the important cases."""
    return [
        {
            "round": row,
            "rate": rate(row.answered - row.important_answered, row.size - row.important),
            "important_rate": rate(row.important_answered, row.important),
        }
        for row in rows
    ]
