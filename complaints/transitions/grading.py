"""Grade the risk of a case again whenever a fact changes, and tell those it concerns (RISK-01…07, RISK-16, RISK-17)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from accounts.models import User
from complaints import notify, risk, risk_standards
from complaints.models import Complaint, RiskAssessment
from complaints.states import RiskGrade
from complaints.transitions import core, lanes


def regrade(complaint: Complaint, *, at: datetime, is_new: bool = False) -> RiskAssessment | None:
    """Compute the grade of an open case anew, inside the transaction of the change that may matter.

    1. What the standard in force computes is kept as a new RiskAssessment whenever the score, the
       grade or the factors differ from the last one. A case that is registered always gets one.
    2. While no person has graded the case, it rises to a higher computed grade by itself. It never
       falls by itself: a lower computed grade is shown, and a person lowers the case with a reason.
    3. What a person decided stands, whatever is computed. When facts that came later lift the
       computed grade above it, the higher grade is proposed, those who work on risk are told once,
       and a person decides.

    `is_new` says that nothing was added to the case yet. Returns the new row, or None.
    """
    standard = risk_standards.active()
    if standard is None or not complaint.is_open:
        return None
    facts = risk_standards.facts_told(complaint) if is_new else risk_standards.facts_of([complaint])[0]
    result = risk.assess(facts, standard)
    rows = [] if is_new else list(complaint.risk_assessments.order_by("at", "pk"))
    last = rows[-1] if rows else None
    if last and (last.score, last.proposed, _codes(last)) == (result.score, result.grade, result.codes):
        return None
    decided = next((row for row in reversed(rows) if row.by_id), None)
    before = RiskGrade(complaint.risk_grade)
    grade = before if decided or risk.rank(result.grade) < risk.rank(before) else result.grade
    row = RiskAssessment.objects.create(
        complaint=complaint, grade=grade, by=None, at=at, standard=standard, **_computed(result)
    )
    if grade != before:
        complaint.risk_grade = grade
        complaint.save(update_fields=["risk_grade"])
        core.add_event(complaint, "risk_regraded", by=None, at=at, reference=core.ref(row))
        if grade == RiskGrade.HIGH:
            alert(complaint, row, at=at)
        if not is_new:
            lanes.decide(complaint, at=at)
    elif decided and _is_news(result, decided, rows):
        core.add_event(complaint, "risk_proposed", by=None, at=at, reference=core.ref(row))
        notify.tell(
            notify.risk_people(complaint), "risk_proposed", complaint=complaint, dedupe=f"risk_proposed:{row.pk}"
        )
    _tell_of_churn(complaint, result, last)
    return row


def _codes(row: RiskAssessment) -> list[tuple[str, int]]:
    return [(factor["code"], factor["points"]) for factor in row.factors]


def _computed(result: risk.Result) -> dict[str, Any]:
    return {"proposed": result.grade, "score": result.score, "factors": result.factors}


def _is_news(result: risk.Result, decided: RiskAssessment, rows: list[RiskAssessment]) -> bool:
    """Whether facts unknown to the person who decided speak for a higher grade, and nobody was told yet."""
    if risk.rank(result.grade) <= risk.rank(decided.grade) or result.score <= decided.score:
        return False
    since = rows[rows.index(decided) + 1 :]
    return not any(row.score > decided.score and risk.rank(row.proposed) >= risk.rank(result.grade) for row in since)


def decision(complaint: Complaint, *, grade: RiskGrade, reason: str, by: User, at: datetime) -> RiskAssessment:
    """Keep a person's grade beside what the standard computes at that moment (RISK-03)."""
    standard = risk_standards.active()
    computed: dict[str, Any] = {"proposed": complaint.risk_grade, "score": 0}
    if standard is not None:
        computed = _computed(risk.assess(risk_standards.facts_of([complaint])[0], standard))
    row = RiskAssessment.objects.create(
        complaint=complaint, grade=grade, reason=reason[:300], at=at, by=by, standard=standard, **computed
    )
    complaint.risk_grade = RiskGrade(grade)
    complaint.save(update_fields=["risk_grade"])
    return row


def alert(complaint: Complaint, row: RiskAssessment, *, at: datetime) -> None:
    """Tell legal, compliance and press people of a high risk at once, once per rise (RISK-05).

    The event keeps when it was reported and to whom (RISK-17); the messages keep when each was sent.
    """
    people = list(notify.risk_people(complaint).order_by("display_name"))
    notify.tell(people, "high_risk", complaint=complaint, dedupe=f"high_risk:{row.pk}")
    names = "、".join(person.display_name for person in people)
    core.add_event(complaint, "risk_alerted", by=None, at=at, note=names)


def _tell_of_churn(complaint: Complaint, result: risk.Result, last: RiskAssessment | None) -> None:
    """A customer who may leave is taken to the coordinators the moment it shows (RISK-16)."""
    known = {factor["code"] for factor in last.factors} if last else set()
    if "churn" in known or not any(factor["code"] == "churn" for factor in result.factors):
        return
    people = [complaint.coordinator] if complaint.coordinator else notify.holders_of("complaints.adjudicate_return")
    notify.tell(people, "churn_risk", complaint=complaint, dedupe=f"churn_risk:{complaint.pk}", by_email=False)
