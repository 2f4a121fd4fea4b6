"""Typical cases of a period by facts that name nobody: course, investigation, result, problems exposed (AN-23).

Nothing that anybody wrote is taken over, only what was chosen from lists, and counts. A person adds what a case
teaches. Category and department are told only where the report itself shows a number of five or more for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics.charts import show
from analytics.facts import joined
from analytics.periods import Period
from analytics.registry import SMALL
from analytics.sources import days_to_reply
from complaints.models import Callback, Complaint, Deadline
from complaints.states import (
    Channel,
    DeadlineState,
    DissatisfactionReason,
    EmotionIntensity,
    FindingResult,
    InvestigationKind,
    LateReason,
    RiskGrade,
    Satisfaction,
)


def collect(period: Period, shown: dict[str, list[dict[str, Any]]], *, by_first: bool = False) -> list[dict[str, Any]]:
    """Up to three telling cases: the longest, the one most often returned, one that left somebody dissatisfied.

    `shown` are the breakdowns of the report: only what stands there with a number is named. `by_first`: they count by
    the first classification.
    """
    told = _replied(period)
    unhappy = Callback.objects.filter(satisfaction=Satisfaction.DISSATISFIED, complaint__in=told).values("complaint")
    return _chosen(
        (
            told.order_by(F("registered_at") - F("first_closed_at"), "pk"),
            told.filter(Q(rework_rounds__gt=0) | Q(return_rounds__gt=0)).order_by(
                "-rework_rounds", "-return_rounds", "pk"
            ),
            told.filter(pk__in=unhappy).order_by("pk"),
        ),
        shown,
        by_first=by_first,
    )


def good(period: Period, shown: dict[str, list[dict[str, Any]]], *, by_first: bool = False) -> list[dict[str, Any]]:
    """Up to three cases that went well: of the angriest complainant, with an improvement, the quickest (AN-27).

    No limit missed, no reply or task sent back, and every answer that was given is “satisfied”.
    """
    rows = _replied(period).filter(rework_rounds=0, return_rounds=0, late_reason="")
    rated = Callback.objects.filter(complaint=OuterRef("pk")).exclude(satisfaction="")
    missed = Deadline.objects.filter(complaint=OuterRef("pk"), state=DeadlineState.MISSED, assignment=None)
    rows = rows.filter(Exists(rated), ~Exists(rated.exclude(satisfaction=Satisfaction.SATISFIED)), ~Exists(missed))
    return _chosen(
        (
            rows.filter(emotion_intensity__gte=EmotionIntensity.ANGRY).order_by("-emotion_intensity", "pk"),
            rows.filter(improvements__isnull=False).distinct().order_by("pk"),
            rows.order_by(F("first_closed_at") - F("registered_at"), "pk"),
        ),
        shown,
        by_first=by_first,
    )


def risky(period: Period, shown: dict[str, list[dict[str, Any]]], *, by_first: bool = False) -> list[dict[str, Any]]:
    """Up to three cases of high or legal risk: the longest, the one of most points, the latest (AN-28)."""
    rows = _replied(period).filter(Q(risk_grade=RiskGrade.HIGH) | Q(legal_type__isnull=False))
    return _chosen(
        (
            rows.filter(risk_grade=RiskGrade.HIGH).order_by(F("registered_at") - F("first_closed_at"), "pk"),
            rows.filter(legal_type__isnull=False).order_by(F("registered_at") - F("first_closed_at"), "pk"),
            rows.order_by("-first_closed_at", "pk"),
        ),
        shown,
        by_first=by_first,
    )


def _replied(period: Period) -> QuerySet[Complaint]:
    """Cases closed in a period that were replied to."""
    closed: QuerySet[Complaint] = Complaint.objects.closed_in(period.start, period.end)
    return closed.filter(replied_at__isnull=False).select_related(
        "category__parent", "first_category__parent", "lead_department", "legal_type"
    )


def _chosen(
    choices: Iterable[QuerySet[Complaint]], shown: dict[str, list[dict[str, Any]]], *, by_first: bool
) -> list[dict[str, Any]]:
    """The first case of each choice that was not taken before, told without names."""
    picks: dict[int, Complaint] = {}
    for rows in choices:
        case = rows.exclude(pk__in=picks).first()
        if case:
            picks[case.pk] = case
    named = {
        axis: {row["code"] for row in shown[axis] if (row["received"]["value"] or 0) >= SMALL}
        for axis in ("category", "department", "legal_type")
    }
    return [_told(case, named, by_first=by_first) for case in picks.values()]


def _told(case: Complaint, named: dict[str, set[str]], *, by_first: bool) -> dict[str, Any]:
    category = case.first_category if by_first else case.category
    top = (category.parent or category) if category else None
    department = case.lead_department
    rating = case.callbacks.exclude(satisfaction="").order_by("-at", "-pk").first()
    return {
        "category": top.label if top and top.code in named["category"] else _("a kind not told apart"),
        "department": department.name
        if department and department.code in named["department"]
        else _("a department not told apart"),
        "channel": str(Channel(case.channel).label),
        "risk": str(RiskGrade(case.risk_grade).label),
        "is_high_risk": case.risk_grade == RiskGrade.HIGH,
        "legal": case.legal_type.label if case.legal_type and case.legal_type.code in named["legal_type"] else "",
        "was_upset": case.emotion_intensity >= EmotionIntensity.ANGRY,
        "days": days_to_reply(case),
        "departments": case.assignments.values("department").distinct().count(),
        "checks": _counted(case.investigation_steps.values_list("kind", flat=True), InvestigationKind),
        "findings": _counted(case.allegations.exclude(finding="").values_list("finding", flat=True), FindingResult),
        "rounds": case.rework_rounds + case.return_rounds,
        "late_reason": str(LateReason(case.late_reason).label) if case.late_reason else "",
        "satisfaction": str(Satisfaction(rating.satisfaction).label) if rating else "",
        "dissatisfaction": str(DissatisfactionReason(rating.reason).label) if rating and rating.reason else "",
        "is_systemic": bool(case.is_systemic),
        "improvements": case.improvements.count(),
    }


def _counted(codes: Iterable[str], labels: Any) -> list[list[Any]]:
    """How many of each choice: [label, count], the most frequent first."""
    return [[str(labels(code).label), n] for code, n in Counter(sorted(codes)).most_common()]


def lines(number: int, case: dict[str, Any]) -> list[str]:
    """One case as four lines of the report."""
    parts = (
        (_("course"), _course(case)),
        (_("investigation"), _investigation(case)),
        (_("result reached"), _result(case)),
        (_("problems exposed"), _problems(case)),
    )
    return [_("Case %(number)s, %(part)s: %(text)s") % {"number": number, "part": p, "text": t} for p, t in parts]


def good_lines(number: int, case: dict[str, Any]) -> list[str]:
    """One case that went well as four lines of the report."""
    parts = (
        (_("course"), _course(case)),
        (_("investigation"), _investigation(case)),
        (_("result reached"), _result(case)),
        (_("worth taking over"), _worth(case)),
    )
    return [_("Case %(number)s, %(part)s: %(text)s") % {"number": number, "part": p, "text": t} for p, t in parts]


def _worth(case: dict[str, Any]) -> str:
    parts = [_("no limit was missed and no reply came back; how it was done is to be completed by hand.")]
    if case["was_upset"]:
        parts.insert(0, _("the complainant was angry at first and satisfied in the end."))
    return joined(*parts)


def _course(case: dict[str, Any]) -> str:
    parts = [
        _("a complaint on %(category)s, received by %(channel)s, handled by %(department)s.")
        % {"category": case["category"], "channel": case["channel"], "department": case["department"]}
    ]
    if case.get("is_high_risk"):
        parts.append(_("Risk: %(risk)s.") % {"risk": case["risk"]})
    if case.get("legal"):
        parts.append(_("Type of legal risk: %(type)s.") % {"type": case["legal"]})
    return joined(*parts)


def _investigation(case: dict[str, Any]) -> str:
    checks = case.get("checks", ())
    found = (
        _("steps on record: %(list)s.") % {"list": _listed(checks)}
        if checks
        else _("no separate step of investigation is on record.")
    )
    if case.get("departments", 1) < 2:
        return found
    return joined(found, _("%(n)s departments took part.") % {"n": show(case["departments"])})


def _result(case: dict[str, Any]) -> str:
    parts = [_("first reply after %(days)s working days.") % {"days": show(case["days"])}]
    if case.get("findings"):
        parts.append(_("Findings on its points: %(list)s.") % {"list": _listed(case["findings"])})
    if case["satisfaction"]:
        parts.append(_("The complainant was asked: %(answer)s.") % {"answer": case["satisfaction"]})
    if case.get("improvements"):
        count = case["improvements"]
        words = ngettext("%(n)s improvement was decided.", "%(n)s improvements were decided.", count)
        parts.append(words % {"n": show(count)})
    return joined(*parts)


def _problems(case: dict[str, Any]) -> str:
    parts = []
    if case["rounds"]:
        parts.append(_("returned or sent back %(n)s times.") % {"n": show(case["rounds"])})
    if case["late_reason"]:
        parts.append(_("Reason for lateness: %(reason)s.") % {"reason": case["late_reason"]})
    if case.get("dissatisfaction"):
        parts.append(_("Reason for being dissatisfied: %(reason)s.") % {"reason": case["dissatisfaction"]})
    if case.get("is_systemic"):
        parts.append(_("The cause is systemic: other cases have it too."))
    return joined(*parts) if parts else _("none by its figures; to be completed by hand.")


def _listed(counts: Iterable[Iterable[Any]]) -> str:
    return _(", ").join(_("%(name)s %(n)s") % {"name": name, "n": show(n)} for name, n in counts)
