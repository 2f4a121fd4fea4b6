"""The review report in seven sections, drafted from the records and kept as revisions (REV-43).

The newest revision is part of the dossier's hash. So when the report changes after opinions were given, those opinions
no longer count, and every member reads it again and gives a new one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput, NotAllowed, StaleVersion
from accounts.models import User
from complaints import identity
from complaints import remedies as remedy_rules
from complaints.states import AssignmentRole
from review import checks, dossier, independence, permissions, side, transitions
from review.models import ReportRevision, ReviewCase
from review.states import Comparison, ReviewStatus

SECTIONS: dict[str, Promise] = {
    "original": _("Original handling"),
    "triggers": _("Why it was reviewed"),
    "evidence": _("Evidence"),
    "findings": _("Findings"),
    "conclusion": _("Conclusion and reasons"),
    "remedy": _("Remedy"),
    "improvements": _("Proposals for improvement"),
}
WRITING = (ReviewStatus.VERIFICATION, ReviewStatus.CONCLUSION)
TEXT = 20_000


def newest(review: ReviewCase) -> ReportRevision | None:
    """The revision that counts, or None while the report is only a draft from the records."""
    return review.report_revisions.select_related("by").first()


def texts(review: ReviewCase, revision: ReportRevision | None) -> dict[str, str]:
    """The seven sections by code: as last written, and from the records where nobody has written."""
    written = revision.sections if revision else {}
    drafted = draft(review) if len(written) < len(SECTIONS) else {}
    return {code: written.get(code) or drafted[code] for code in SECTIONS}


# --- Writing ------------------------------------------------------------------------------------------
def writing_refusal(user: User, review: ReviewCase) -> str:
    """Why the person may not write on the report; '' when they may. Who signs a major conclusion does not write it."""
    refused = permissions.refusal(user, "write_report", review)
    if refused:
        return refused
    if not review.assignments.filter(reviewer=user, is_void=False).exists():
        return gettext("Only the members assigned write the report.")
    head = independence.acting_head(review)
    if review.is_major and head is not None and head.pk == user.pk:
        return gettext("You sign the conclusion of this major complaint; another member writes the report.")
    return ""


@transaction.atomic
def save(
    review_id: int, *, sections: Mapping[str, str], based_on: int, by: User, at: datetime | None = None
) -> ReportRevision:
    """Store the next revision with these sections changed; the others stay as they are (REV-43).

    A section nobody has written follows the records, so that it names the conclusion and the remedies as decided.
    `based_on` is the revision the person read, 0 for the draft. While opinions are being given the dossier gets its
    new hash at once, so that the opinions on the old one no longer count. Raises NotAllowed, IllegalTransition,
    StaleVersion, InvalidInput("text").
    """
    at = at or timezone.now()
    review, complaint = side.begin(review_id, "write_report", by=by, version=None, statuses=WRITING, at=at)
    refused = writing_refusal(by, review)
    if refused:
        raise NotAllowed(refused)
    before = newest(review)
    number = before.revision if before else 0
    if based_on != number:
        raise StaleVersion(number)
    if not set(sections) <= set(SECTIONS):
        raise InvalidInput("text", _("Choose one of the sections."))
    written = {code: side.text("text", words, limit=TEXT) for code, words in sections.items()}
    content = {**(before.sections if before else {}), **written}
    if before is not None and content == before.sections:
        raise InvalidInput("text", _("Nothing has changed."))
    row = ReportRevision.objects.create(review=review, revision=number + 1, sections=content, at=at, by=by)
    if review.dossier_hash:
        review.dossier_hash = dossier.dossier_hash(review)
        review.save(update_fields=["dossier_hash"])
    side.finish(review, complaint, "report_written", by=by, at=at, note=str(row.revision))
    return row


# --- Drafting -----------------------------------------------------------------------------------------
def draft(review: ReviewCase) -> dict[str, str]:
    """Every section as the records say it now, in Chinese like all documents, without the complainant's identity."""
    with translation.override("zh-hans"):
        return {
            code: clean(review, "\n".join(_DRAFTS[code](review))) or gettext("None on record.") for code in SECTIONS
        }


def clean(review: ReviewCase, words: str) -> str:
    """A text without the name and the numbers of the complainant."""
    return identity.scrub(words.strip(), review.complaint.complainant)


def _day(moment: datetime) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%d}"


def _original(review: ReviewCase) -> list[str]:
    """The first handling as it was when the review began: a decision that changes it reopens the case, and what is
    done and answered then is not what was reviewed."""
    case = review.complaint
    leads = case.assignments.filter(role=AssignmentRole.LEAD, assigned_at__lte=review.opened_at)
    lead = leads.select_related("department").order_by("assigned_at", "pk").last()
    department = lead.department if lead else case.lead_department
    lines = [
        gettext("Case %(number)s, received on %(day)s; handled by %(department)s.")
        % {
            "number": case.number,
            "day": _day(case.received_at),
            "department": department.name if department else "—",
        },
        gettext("Demand: %(text)s") % {"text": case.demand or "—"},
    ]
    reply = case.replies.filter(sent_at__lte=review.opened_at).order_by("-round").first()
    if reply is not None and reply.sent_at is not None:
        words = {"day": _day(reply.sent_at), "process": reply.process.strip(" 。."), "result": reply.result}
        lines.append(gettext("Reply of %(day)s. What was done: %(process)s. Result: %(result)s") % words)
    held = review.outcome_checks.order_by("pk").first()
    outcome = held.recorded if held else checks.recorded_outcome(case)
    return [*lines, gettext("Recorded outcome: %(text)s") % {"text": " / ".join(outcome.splitlines())}]


def _signed(review: ReviewCase, rows: Any, moment: str) -> Any:
    """The rows there were when the report was signed; all of them until then."""
    return rows.filter(**{f"{moment}__lte": review.finalised_at}) if review.finalised_at else rows


def _triggers(review: ReviewCase) -> list[str]:
    return [
        " ".join(filter(None, [_day(row.at), str(row.get_kind_display()), *row.reason_labels(), row.text]))
        for row in _signed(review, review.triggers.all(), "at")
    ]


def _evidence(review: ReviewCase) -> list[str]:
    lines = []
    for row in review.materials.all():
        # How many there should be is worth a word only where some are missing.
        text = (
            gettext("%(kind)s: %(count)s of %(expected)s.")
            if row.count < row.expected
            else gettext("%(kind)s: %(count)s.")
        )
        words = text % {"kind": row.get_kind_display(), "count": row.count, "expected": row.expected}
        lines.append(" ".join(filter(None, [words, row.missing_reason])))
    lines += [
        gettext("Asked of %(department)s: %(what)s. Delivered: %(answer)s")
        % {"department": row.department.name, "what": row.what, "answer": row.answer or row.waived_reason or "—"}
        for row in _signed(review, review.material_requests, "requested_at").select_related("department")
    ]
    lines += [
        gettext("%(name)s: %(text)s")
        % {"name": f"{_day(row.done_at)} {row.get_place_display()} {row.where}", "text": row.found}
        for row in review.field_checks.all()
    ]
    for item in checks.checked(review, checks.sources(review)):
        said = {"recorded": item.row.recorded.strip(" 。."), "said": item.said.strip(" 。.")}
        lines.append(gettext("The record says: %(recorded)s. The evidence says: %(said)s.") % said)
        if item.row.explanation:
            lines.append(gettext("What follows: %(follows)s") % {"follows": item.row.explanation})
    return lines


def _findings(review: ReviewCase) -> list[str]:
    known = list(review.findings.values_list("comparison", flat=True))
    return [
        gettext("%(name)s: %(text)s") % {"name": Comparison(kind).label, "text": known.count(kind)}
        for kind in Comparison.values
        if kind in known
    ]


def _conclusion(review: ReviewCase) -> list[str]:
    return [review.report] if review.report else []


def _remedy(review: ReviewCase) -> list[str]:
    lines = [review.remedy] if review.remedy else []
    for row in remedy_rules.agreed(review.remedies.all()):
        words = {"name": row.get_kind_display(), "text": row.description}
        if row.amount is None:
            lines.append(gettext("%(name)s: %(text)s") % words)
        else:
            words["state"] = gettext("%(amount)s yuan") % {"amount": f"{row.amount:f}"}
            lines.append(gettext("%(name)s: %(text)s (%(state)s)") % words)
    return lines


def _improvements(review: ReviewCase) -> list[str]:
    lines = [gettext("Systemic cause: %(text)s") % {"text": review.systemic_cause}] if review.systemic_cause else []
    return lines + [
        gettext("%(what)s: %(who)s, by %(day)s")
        % {"what": row.what, "who": " ".join(filter(None, [row.department.name, row.post])), "day": row.due_on}
        for row in review.rectifications.select_related("department")
    ]


_DRAFTS: dict[str, Callable[[ReviewCase], list[str]]] = {
    "original": _original,
    "triggers": _triggers,
    "evidence": _evidence,
    "findings": _findings,
    "conclusion": _conclusion,
    "remedy": _remedy,
    "improvements": _improvements,
}


# --- Side by side -------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Compared:
    """One point of the case: what the first handling said, what the review found; `judgement` is a Comparison or ''."""

    subject: str
    original: str
    found: str
    judgement: str = ""

    @property
    def label(self) -> str:
        return str(Comparison(self.judgement).label) if self.judgement else ""


def compared(review: ReviewCase) -> list[Compared]:
    """Every finding of the review beside the first handling, and the allegations no finding is about. Two queries."""
    rows = list(review.findings.all())
    found = [Compared(row.subject, row.original, row.found, row.comparison) for row in rows]
    named = {row.allegation_id for row in rows} | {row.subject for row in rows}
    for allegation in review.complaint.allegations.all():
        if allegation.pk not in named and allegation.text[:120] not in named:
            found.append(Compared(allegation.text, transitions.first_finding(allegation), ""))
    return found
