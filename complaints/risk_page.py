"""What the case page shows of the risk: the grade factor by factor, its history, and what is done about it.

Works on a case loaded by case_records.load. Interim measures are the one thing read beside it, and only
for people who may read them: nobody else learns even how many there are (RISK-24).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from accounts.models import User
from complaints import permissions, risk, risk_meetings, why_date
from complaints.models import CaseEvent, Complaint, InterimMeasure, LegalHold, RiskAssessment
from complaints.states import MOVES, EmotionIntensity, RiskGrade, Status, Threat
from complaints.transitions.coordination import may_coordinate
from complaints.transitions.risk import MEASURES, PERMISSION


@dataclass(frozen=True)
class Line:
    """One factor of an assessment in words."""

    name: str
    points: int
    cause: str


@dataclass(frozen=True)
class RiskBox:
    """Everything about the risk that this person may see on this case."""

    grade: str
    newest: RiskAssessment | None
    lines: list[Line]
    history: list[tuple[RiskAssessment, list[Line]]]
    # Where the computed grade differs from the one that stands: "higher", "lower" or "".
    differs: str
    reported: CaseEvent | None
    may_grade: bool
    may_write: bool
    is_open: bool
    sees_money: bool
    reads_measures: bool
    hold: LegalHold | None
    measures: list[InterimMeasure] = field(default_factory=list)
    has_records: bool = False
    next_meeting: risk_meetings.Next | None = None
    next_meeting_why: why_date.Why | None = None
    may_call: bool = False

    @property
    def shows_response(self) -> bool:
        """The section on what is done: from medium risk, or where something was done already (RISK-06)."""
        return self.has_records or self.grade != RiskGrade.ORDINARY


def box(complaint: Complaint, user: User) -> RiskBox:
    """The risk of a loaded case for one person. One query, and that only for readers of interim measures."""
    rows = list(complaint.risk_assessments.all())
    newest = rows[-1] if rows else None
    may_write = user.has_perm(PERMISSION)
    reads_measures = user.has_perm(MEASURES)
    sees_money = may_write or user.has_perm("complaints.view_all")
    measures = _measures(complaint, user) if reads_measures else []
    shown: list[Any] = [
        complaint.team,
        complaint.risk_meetings,
        complaint.media_plans,
        complaint.holds,
        complaint.signals,
    ]
    if sees_money:
        shown += [complaint.settlement_steps, complaint.lawsuits]
    meeting = risk_meetings.following(complaint, now=timezone.now())
    return RiskBox(
        grade=complaint.risk_grade,
        newest=newest,
        lines=lines(newest),
        history=[(row, lines(row)) for row in reversed(rows)],
        differs=_differs(complaint, newest),
        reported=next((event for event in reversed(complaint.events.all()) if event.kind == "risk_alerted"), None),
        may_grade=complaint.status in MOVES["grade_risk"].sources and permissions.can(user, "grade_risk", complaint),
        may_write=may_write,
        is_open=complaint.status != Status.ARCHIVED,
        sees_money=sees_money,
        reads_measures=reads_measures,
        hold=next((row for row in complaint.holds.all() if row.released_at is None), None),
        measures=measures,
        has_records=bool(measures) or any(relation.all() for relation in shown),
        next_meeting=meeting,
        next_meeting_why=why_date.of_days(meeting.why, meeting.since, meeting.day) if meeting else None,
        may_call=complaint.is_open and may_coordinate(user, complaint),
    )


def _measures(complaint: Complaint, user: User) -> list[InterimMeasure]:
    """The measures, save those about the reader."""
    rows = InterimMeasure.objects.filter(complaint=complaint).select_related("person", "by")
    return [row for row in rows if row.person_id != user.pk]


def _differs(complaint: Complaint, newest: RiskAssessment | None) -> str:
    if newest is None or newest.by_id is not None or newest.proposed == complaint.risk_grade:
        return ""
    return "higher" if risk.rank(newest.proposed) > risk.rank(complaint.risk_grade) else "lower"


def lines(row: RiskAssessment | None) -> list[Line]:
    """The factors of an assessment with what in the case caused each."""
    factors = row.factors if row else []
    return [Line(label(factor), factor["points"], cause(factor)) for factor in factors]


def label(factor: Mapping[str, Any]) -> str:
    """The name of a factor or category value in the active language."""
    return factor.get("name_en") or factor["name"] if get_language() == "en" else factor["name"]


def cause(factor: Mapping[str, Any]) -> str:
    """What made the factor apply, in words; '' where its name says it all."""
    found = [_WORDS[factor["kind"]](value) for value in factor["because"]] if factor["kind"] in _WORDS else []
    found += [_("“%(word)s”") % {"word": word} for word in factor["words"]]
    return _(", ").join(found)


def number(value: str | int) -> str:
    """62,000 for 62000.00, as people write sums."""
    return f"{Decimal(value):,.2f}".removesuffix(".00")


def _persons(value: int) -> str:
    return ngettext("%(n)s person", "%(n)s persons", value) % {"n": value}


def _signals(value: int) -> str:
    return ngettext("%(n)s signal", "%(n)s signals", value) % {"n": value}


_WORDS: dict[str, Any] = {
    "amount_from": lambda value: _("%(amount)s yuan") % {"amount": number(value)},
    "persons_from": _persons,
    "signal_from": _signals,
    "emotion_from": lambda value: str(EmotionIntensity(value).label),
    "threat": lambda value: str(Threat(value).label),
    "category": label,
}
