"""From figures to a report: freeze once, draft the text, keep it as plain data (AN-19, AN-29, EX-09)."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from analytics import closing, feedback_report
from analytics.cells import Cells, Group
from analytics.documents.snapshot import Definition, ReportSnapshot
from analytics.editions import SECTIONS
from analytics.facts import Facts
from analytics.figures import FIGURES, SMALL, UNIT_LABELS
from analytics.models import Report
from analytics.narrative import summary
from analytics.periods import Period, parse
from analytics.scope import WHOLE, Scope
from analytics.sources import days_to_reply, registered
from analytics.states import FEEDBACK, ReportStatus, edition_label
from complaints.models import Callback, Complaint, ImprovementAction
from complaints.states import Channel, LateReason, Satisfaction

LANGUAGE = settings.LANGUAGE_CODE


def freeze(period: Period, *, at: datetime, by_first: bool = False) -> dict[str, Any]:
    """Everything a report of the whole organisation says about a period, as plain data in the report's language.

    `by_first`: cases count under the category they were given first (CLS-15).
    """
    with override(LANGUAGE):
        data = closing.bundle(period, Scope(by_first=by_first), at=at, outside=True)
        data["cases"] = _typical_cases(period)
        data["improvements"] = _improvements(period)
        data["feedback"] = feedback_report.collect(period)
    return json.loads(json.dumps(data))


def fingerprint(data: dict[str, Any]) -> str:
    """SHA-256 of frozen figures; when they were computed is left out, so equal figures have equal hashes."""
    content = {key: value for key, value in data.items() if key not in ("computed_at", "is_over", "final")}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _improvements(period: Period) -> dict[str, int]:
    """Improvements decided before the period's end and not verified by then, and those past their date."""
    rows = ImprovementAction.objects.filter(created_at__lt=period.end).exclude(verified_at__lt=period.end)
    return {"open": rows.count(), "overdue": rows.filter(due_on__lt=timezone.localdate(period.end)).count()}


def _typical_cases(period: Period) -> list[dict[str, Any]]:
    """Up to three telling cases, by facts that name nobody (AN-23).

    Category and department are told only where the period has at least five of the kind.
    """
    closed = Complaint.objects.closed_in(period.start, period.end)
    unhappy = Callback.objects.filter(satisfaction=Satisfaction.DISSATISFIED, complaint__in=closed).values("complaint")
    told = closed.filter(replied_at__isnull=False).select_related("category__parent", "lead_department")
    picks: dict[int, Complaint] = {}
    for rows in (
        told.order_by(F("registered_at") - F("first_closed_at"), "pk"),
        told.filter(Q(rework_rounds__gt=0) | Q(return_rounds__gt=0)).order_by("-rework_rounds", "-return_rounds", "pk"),
        told.filter(pk__in=unhappy).order_by("pk"),
    ):
        case = rows.exclude(pk__in=picks).first()
        if case:
            picks[case.pk] = case
    common = registered([period], WHOLE, ("category", "department"))
    return [_told(case, period, common) for case in picks.values()]


def _told(case: Complaint, period: Period, common: Cells) -> dict[str, Any]:
    def name(axis: str, code: str, label: str) -> str:
        return (
            label
            if common.by(axis, period).get(Group(code), Counter())["cases"] >= SMALL
            else str(_("a kind not told apart"))
        )

    top = (case.category.parent or case.category) if case.category else None
    department = case.lead_department
    rating = case.callbacks.exclude(satisfaction="").order_by("-at", "-pk").first()
    return {
        "category": name("category", top.code, top.label) if top else str(_("a kind not told apart")),
        "department": name("department", department.code, department.name)
        if department
        else str(_("a kind not told apart")),
        "channel": str(Channel(case.channel).label),
        "days": days_to_reply(case),
        "rounds": case.rework_rounds + case.return_rounds,
        "late_reason": str(LateReason(case.late_reason).label) if case.late_reason else "",
        "satisfaction": str(Satisfaction(rating.satisfaction).label) if rating else "",
    }


def _subtitle(report: Report) -> str:
    label = edition_label(report.edition)
    return _("%(edition)s, counted by the first classification") % {"edition": label} if report.by_first else label


def draft(report: Report) -> ReportSnapshot:
    """The report as it would be printed, drafted from its frozen figures alone."""
    facts = Facts(report.figures)
    with override(LANGUAGE):
        return ReportSnapshot(
            title=title_of(parse(report.period), report.edition),
            subtitle=_subtitle(report),
            organisation=str(settings.ORGANISATION["name"]),
            period_label=facts.period,
            edition=edition_label(report.edition),
            revision=report.revision,
            status=str(ReportStatus.DRAFT.label),
            approval="",
            generated_at=datetime.fromisoformat(report.figures["computed_at"]).replace(microsecond=0),
            summary=summary(facts),
            sections=tuple(SECTIONS[report.edition](facts)),
            definitions=tuple(
                Definition(f"{figure.name}（{UNIT_LABELS[figure.unit]}）", str(figure.definition))
                for figure in FIGURES.values()
            ),
            language=LANGUAGE,
        )


def title_of(period: Period, edition: str) -> str:
    """《2026 年 10 月投诉工作总结》; a quarter is an analysis, the feedback report is called by its own name."""
    if edition == FEEDBACK:
        return _("Feedback report, %(period)s") % {"period": period.label}
    if period.months == 3:
        return _("Complaints analysis, %(period)s") % {"period": period.label}
    return _("Summary of complaints work, %(period)s") % {"period": period.label}


def printed(report: Report) -> ReportSnapshot:
    """The kept snapshot with the state the report is in now. Raises ValueError when it does not fit."""
    approval = ""
    with override(LANGUAGE):
        if report.approved_by and report.approved_at:
            approval = _("%(name)s, %(day)s") % {
                "name": report.approved_by.display_name,
                "day": f"{timezone.localtime(report.approved_at):%Y-%m-%d}",
            }
        unfinished = report.status in (ReportStatus.QUEUED, ReportStatus.BUILDING, ReportStatus.FAILED)
        status = str(ReportStatus.DRAFT.label if unfinished else report.get_status_display())
        if "final" in report.figures:
            status += " · " + (_("final figures") if report.figures["final"] else _("provisional figures"))
    return ReportSnapshot.from_dict({**report.snapshot, "status": status, "approval": approval})


# --- Editing: a section as lines of text ----------------------------------------------------------

BULLET = "- "


def text_of(section: dict[str, Any]) -> str:
    """A section as a person edits it: a paragraph per line, list items begin with "- "."""
    return "\n".join([*section["paragraphs"], *(BULLET + point for point in section["points"])])


def lines_of(text: str) -> tuple[list[str], list[str]]:
    """Paragraphs and list items of an edited text; empty lines are dropped."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    marks = ("- ", "• ", "· ")
    return [line for line in lines if not line.startswith(marks)], [
        line[2:].strip() for line in lines if line.startswith(marks)
    ]
