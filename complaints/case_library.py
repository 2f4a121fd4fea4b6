"""Drafts of typical cases from the records of a closed case, for an editor to finish (IMP-18, IMP-19).

Two outlines: course, investigation, result and problems exposed; or background, handling, result and insight. What
the complainant wrote is never copied. Texts of the office come without the complainant's name, numbers and address
and with the surnames only of the staff concerned; the editor reads them again, and saving looks for names once more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from complaints import identity
from complaints.models import Complaint
from complaints.states import ArticleKind, ReplyState, Status

EXPOSED, INSIGHT = "exposed", "insight"
OUTLINES = {
    EXPOSED: gettext_lazy("Course, investigation, result, problems exposed"),
    INSIGHT: gettext_lazy("Background, handling, result, insight"),
}
OVER = (Status.CLOSED, Status.ARCHIVED)
LONGEST = 1000
# How the office calls somebody by the surname alone.
_CALLED = "先生|女士|小姐|同志|师傅|老师|大爷|大妈|阿姨|奶奶|爷爷"


def drawable(user: User) -> Any:
    """The closed cases the person may read, of which a typical case can be made."""
    return Complaint.objects.visible_to(user).filter(status__in=OVER)


def initial(user: User, asked: Mapping[str, str]) -> dict[str, str]:
    """What the form of a new article begins with when the address names a `case` and an `outline`; else nothing."""
    if asked.get("outline") not in OUTLINES:
        return {}
    case = drawable(user).select_related("category", "lead_department").filter(number=asked.get("case")).first()
    return draft(case, asked["outline"]) if case else {}


@dataclass(frozen=True)
class _Source:
    case: Complaint
    names: frozenset[str]

    def text(self, words: str) -> str:
        """Words of the office without whom they are about, in one paragraph."""
        found = identity.scrub(" ".join(words.split()), self.case.complainant)
        name = self.case.complainant.name
        if name:
            found = re.sub(f"{re.escape(name[0])}(?:{_CALLED})", identity.mask("name", name), found)
        for name in sorted(self.names, key=len, reverse=True):
            found = found.replace(name, identity.mask("name", name))
        return found[:LONGEST]


def draft(case: Complaint, outline: str) -> dict[str, str]:
    """`kind`, `title`, `body`, `category` and `case_numbers` of the form for a new article, in the active language.

    Raises KeyError for an outline that does not exist.
    """
    sections = _OUTLINES[outline]
    source = _Source(case, frozenset(_staff(case)))
    parts = []
    for number, (heading, writers) in enumerate(sections, 1):
        lines = [line for write in writers for line in write(source)]
        parts.append("\n".join([f"{number}. {heading}", *(lines or [_("(to be written)")])]))
    return {
        "kind": ArticleKind.TYPICAL_CASE,
        "title": _title(case),
        "body": "\n\n".join(parts),
        "category": case.category.code if case.category else "",
        "case_numbers": case.number,
    }


def _staff(case: Complaint) -> list[str]:
    """Who worked on the case or is concerned by it."""
    people = [case.handler, case.coordinator, *case.accused_staff.all()]
    people += [row.person for row in case.responsibilities.select_related("person")]
    return [person.display_name for person in people if person and len(person.display_name) > 1]


def _title(case: Complaint) -> str:
    category = case.category.label if case.category else _("Complaint")
    department = case.lead_department.name if case.lead_department else ""
    if not department:
        return category[:120]
    return (_("%(category)s (%(department)s)") % {"category": category, "department": department})[:120]


def _day(moment: Any) -> str:
    return date_format(timezone.localdate(moment), "DATE_FORMAT")


# --- What a section is drafted from -----------------------------------------------------------------
def _arrival(source: _Source) -> list[str]:
    case = source.case
    about = case.category.label if case.category else _("a matter not classified")
    lines = [
        _("On %(day)s a complaint about “%(about)s” came in by this channel: %(channel)s.")
        % {"day": _day(case.received_at), "about": about, "channel": case.get_channel_display()}
    ]
    facts = [
        (_("Product or service"), source.text(case.product)),
        (_("Business step"), source.text(case.business_step)),
        (_("Persons affected"), str(case.persons_affected) if case.persons_affected > 1 else ""),
        (_("Severity"), case.get_severity_display()),
        (_("Risk"), case.get_risk_grade_display()),
    ]
    return [*lines, *(_("%(name)s: %(text)s") % {"name": name, "text": text} for name, text in facts if text)]


def _course(source: _Source) -> list[str]:
    case = source.case
    department = case.lead_department.name if case.lead_department else ""
    steps = [
        (case.accepted_at, _("the complaint was accepted")),
        (
            case.replied_at,
            _("%(name)s answered") % {"name": department} if department else _("the complainant was answered"),
        ),
        (case.closed_at, _("the case was closed")),
    ]
    lines = [_("%(day)s: %(text)s") % {"day": _day(moment), "text": text} for moment, text in steps if moment]
    if case.rework_rounds:
        lines.append(_("It went back to the department %(count)s times.") % {"count": case.rework_rounds})
    return lines


def _investigation(source: _Source) -> list[str]:
    lines = [
        _("%(day)s, %(name)s: %(text)s")
        % {"day": _day(row.at), "name": row.get_kind_display(), "text": source.text(row.summary)}
        for row in source.case.investigation_steps.all()
    ]
    for row in source.case.allegations.exclude(finding=""):
        lines.append(
            _("Point %(number)s: %(finding)s. %(reason)s")
            % {"number": row.order, "finding": row.get_finding_display(), "reason": source.text(row.finding_reason)}
        )
    return lines


def _result(source: _Source) -> list[str]:
    sent = source.case.replies.filter(state=ReplyState.SENT).order_by("round").last()
    lines = [source.text(sent.result)] if sent else []
    for remedy in source.case.remedies.all():
        lines.append(
            _("%(name)s: %(text)s") % {"name": remedy.get_kind_display(), "text": source.text(remedy.description)}
        )
    last = source.case.callbacks.exclude(satisfaction="").order_by("at").last()
    if last:
        lines.append(_("When called back, the complainant was: %(word)s.") % {"word": last.get_satisfaction_display()})
    return lines


def _causes(source: _Source) -> list[str]:
    lines = [source.text(row.cause) for row in source.case.explanations.all()]
    for row in source.case.responsibilities.select_related("department"):
        whose = " ".join(filter(None, (row.department.name, row.post)))
        lines.append(_("%(name)s: %(text)s") % {"name": whose, "text": source.text(row.summary)})
    if source.case.is_systemic:
        lines.append(_("The cause is a systemic one."))
    return lines


def _lessons(source: _Source) -> list[str]:
    return [
        _("%(name)s: %(text)s (%(state)s)")
        % {"name": row.department.name, "text": source.text(row.what), "state": row.get_state_display()}
        for row in source.case.improvements.select_related("department")
    ]


_Writer = Callable[[_Source], list[str]]
_OUTLINES: dict[str, tuple[tuple[Any, tuple[_Writer, ...]], ...]] = {
    EXPOSED: (
        (gettext_lazy("Course of the complaint"), (_arrival, _course)),
        (gettext_lazy("Course of the investigation"), (_investigation,)),
        (gettext_lazy("Result of the handling"), (_result,)),
        (gettext_lazy("Problems exposed"), (_causes, _lessons)),
    ),
    INSIGHT: (
        (gettext_lazy("Background"), (_arrival,)),
        (gettext_lazy("Course of the handling"), (_course, _investigation)),
        (gettext_lazy("Result of the handling"), (_result,)),
        (gettext_lazy("Insight"), (_causes, _lessons)),
    ),
}
