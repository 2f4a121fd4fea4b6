"""From figures to a report: freeze once, draft the text, keep it as plain data (AN-19, AN-29, EX-09)."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from analytics import closing, corrections, feedback_report, sources, three_rates, typical_cases
from analytics.documents.snapshot import Definition, ReportSnapshot
from analytics.editions import SECTIONS
from analytics.facts import Facts, joined
from analytics.figures import FIGURES, UNIT_LABELS, Figure
from analytics.models import Project, Report
from analytics.narrative import summary
from analytics.periods import Period, parse
from analytics.scope import Formula, Scope
from analytics.states import Edition, ProjectState, ReportStatus
from complaints.models import ImprovementAction

LANGUAGE = settings.LANGUAGE_CODE
# Under which name the snapshot of a correction keeps why it was asked for.
REASON = "reason"
# Improvement projects a report lists.
PROJECTS = 20


def freeze(period: Period, *, at: datetime, by_first: bool = False) -> dict[str, Any]:
    """Everything a report of the whole organisation says about a period, as plain data in the report's language.

    `by_first`: cases count under the category they were given first (CLS-15).
    """
    with override(LANGUAGE):
        data = closing.bundle(period, Scope(by_first=by_first), at=at, outside=True)
        data["cases"] = typical_cases.collect(period, data["breakdowns"], by_first=by_first)
        data["good_cases"] = typical_cases.good(period, data["breakdowns"], by_first=by_first)
        data["risk_cases"] = typical_cases.risky(period, data["breakdowns"], by_first=by_first)
        data["projects"] = _projects(period)
        data["improvements"] = _improvements(period)
        data["feedback"] = feedback_report.collect(period)
    return json.loads(json.dumps(data))


def fingerprint(data: dict[str, Any]) -> str:
    """SHA-256 of frozen figures; when and how they were computed is left out, so equal figures have equal hashes."""
    left_out = ("computed_at", "is_over", "final", "recounted")
    content = {key: value for key, value in data.items() if key not in left_out}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _improvements(period: Period) -> dict[str, Any]:
    """Improvements decided before the period's end and not verified by then, and those past their date.

    By department with the next date; what is to be done is told of nothing that comes from a single case.
    """
    rows = ImprovementAction.objects.filter(created_at__lt=period.end).exclude(verified_at__lt=period.end)
    end = timezone.localdate(period.end)
    counts = {
        "open": Count("pk"),
        "overdue": Count("pk", filter=Q(due_on__lt=end)),
        "next": Min("due_on", filter=Q(due_on__gte=end)),
    }
    found: Any = rows.order_by().values("department__code", "department__name").annotate(**counts)
    departments = [
        {
            "department": row["department__name"],
            "open": row["open"],
            "overdue": row["overdue"],
            "next": row["next"].isoformat() if row["next"] else None,
        }
        for row in sorted(found, key=lambda row: (-row["overdue"], -row["open"], row["department__code"]))
    ]
    whole = {name: sum(row[name] for row in departments) for name in ("open", "overdue")}
    return {**whole, "departments": departments}


def _projects(period: Period) -> list[dict[str, Any]]:
    """Improvement projects begun before the period's end and not verified by then, the next due first."""
    rows = Project.objects.filter(created_at__lt=period.end).exclude(verified_at__lt=period.end)
    found = rows.exclude(state=ProjectState.GIVEN_UP).select_related("department").order_by("due_on", "pk")
    return [
        {
            "title": row.title,
            "department": row.department.name,
            "due_on": row.due_on.isoformat(),
            "percent": row.percent,
        }
        for row in found[:PROJECTS]
    ]


def _subtitle(report: Report) -> str:
    label = report.get_edition_display()
    return _("%(edition)s, counted by the first classification") % {"edition": label} if report.by_first else label


def draft(report: Report) -> ReportSnapshot:
    """The report as it would be printed, drafted from its frozen figures; a correction says first what changed."""
    facts = Facts(report.figures)
    earlier = corrections.before(report)
    with override(LANGUAGE):
        changes = [corrections.section(earlier, facts, report.snapshot.get(REASON, ""))] if earlier else []
        return ReportSnapshot(
            title=title_of(parse(report.period), report.edition),
            subtitle=_subtitle(report),
            organisation=str(settings.ORGANISATION["name"]),
            period_label=facts.period,
            edition=report.get_edition_display(),
            revision=report.revision,
            status=str(ReportStatus.DRAFT.label),
            approval="",
            generated_at=datetime.fromisoformat(report.figures["computed_at"]).replace(microsecond=0),
            summary=summary(facts),
            sections=(*changes, *SECTIONS[report.edition](facts)),
            definitions=tuple(
                Definition(figure.headed(str(UNIT_LABELS[figure.unit])), _defined(figure, report.figures))
                for figure in FIGURES.values()
            ),
            language=LANGUAGE,
        )


def _defined(figure: Figure, figures: dict[str, Any]) -> str:
    """The definition of a figure; the three rates with the formula they were counted by. What is not final says so."""
    if figures.get("final") and figure.key in figures.get("recounted", {}).get("figures", ()):
        return joined(_formula(figure, figures), _("Counted anew from the cases, not final."))
    return _formula(figure, figures)


def _formula(figure: Figure, figures: dict[str, Any]) -> str:
    if figure.source is not sources.calls or "formula" not in figures:
        return figure.explained
    return joined(figure.explained, three_rates.words(Formula(**figures["formula"])))


def title_of(period: Period, edition: str) -> str:
    """《2026 年 10 月投诉工作总结》; a quarter is an analysis, the feedback report is called by its own name."""
    if edition == Edition.FEEDBACK:
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
