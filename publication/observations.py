"""What the public reads of volunteers' reports about a result, and taking it back (PUB-38, PUB-39).

As with comments, nothing is shown before a person let it pass, and only in masked words. Neither who reported nor the
words as they were sent leave the office; the volunteer counts among those whom the text may not show.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import takedowns
from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import User
from complaints.transitions.intake import check_text
from publication import comments, masking
from publication.models import PublishedReport, PublishedResult, VolunteerReport
from publication.redaction import Known, redact
from publication.states import CommentState

MODERATE = comments.MODERATE
# Masking writes some words longer.
LONGEST = 4000
LONGEST_ANSWER = 2000
LONGEST_REASON = 200


# --- What the office decides --------------------------------------------------------------------------
def known_of(report: VolunteerReport) -> Known:
    """Whom the text may not show: the people of the cases behind the result, and the volunteer."""
    known = (report.result and comments.known_of(report.result)) or Known()
    volunteer = report.volunteer
    return replace(
        known,
        names=[*known.names, *filter(None, [volunteer.name])],
        phones=[*known.phones, *filter(None, [volunteer.phone])],
    )


def proposed(report: VolunteerReport) -> tuple[str, str]:
    """Report and answer as the masking would show them, with names of other people left out too."""
    known = known_of(report)
    rows = masking.rows_now("strict")
    return redact(report.text, known, profile=rows).output, redact(report.answer, known, profile=rows).output


def state_of(report: VolunteerReport) -> str:
    """The state the public part of a report is in: waiting until somebody decided."""
    row = PublishedReport.objects.filter(report=report).first()
    return row.state if row else CommentState.WAITING.value


@transaction.atomic
def show(
    report_id: int, *, by: User, seen: str, shown_text: str, answer: str = "", at: datetime | None = None
) -> PublishedReport:
    """Show a report with its result: exactly `shown_text`, and `answer` below it where there is one.

    `seen` is the state the person decided on. Raises InvalidInput("shown_text") or ("answer") for what is empty, too
    long or still shows what identifies somebody; IllegalTransition when somebody else decided meanwhile, the report is
    about no result, or the result is gone.
    """
    at = at or timezone.now()
    report, row = _lock(report_id, by=by, seen=seen)
    result = report.result
    if result is None:
        raise IllegalTransition(_("This report is about no notice, so there is no page to show it on."))
    if not PublishedResult.objects.served(at=at).filter(pk=result.pk).exists():
        raise IllegalTransition(_("This result is no longer shown."))
    known = known_of(report)
    comments.check_public("shown_text", shown_text, known, limit=LONGEST)
    if answer.strip():
        comments.check_public("answer", answer, known, limit=LONGEST_ANSWER)
    row = row or PublishedReport(report=report, result=result, fulfilled=report.fulfilled, at=report.at)
    row.shown_text, row.answer, row.state, row.reason = shown_text.strip(), answer.strip(), CommentState.SHOWN, ""
    return _decided(row, by=by, at=at)


@transaction.atomic
def hide(report_id: int, *, by: User, seen: str, reason: str, at: datetime | None = None) -> PublishedReport:
    """Show a report no longer; the public learns nothing of the reason, and of the report no word is kept for it.

    Raises InvalidInput("reason"), IllegalTransition when it is not shown or somebody else decided meanwhile.
    """
    at = at or timezone.now()
    _report, row = _lock(report_id, by=by, seen=seen)
    if row is None or row.state != CommentState.SHOWN:
        raise IllegalTransition(_("This report is not shown."))
    if not reason.strip():
        raise InvalidInput("reason", _("Give the reason."))
    takedowns.note(takedowns.What.REPORT, row.public_id, at=at)
    row.state, row.shown_text, row.answer = CommentState.HIDDEN, "", ""
    row.reason = check_text("reason", reason.strip(), limit=LONGEST_REASON)
    return _decided(row, by=by, at=at)


def _lock(report_id: int, *, by: User, seen: str) -> tuple[VolunteerReport, PublishedReport | None]:
    if not by.is_active or not by.has_perm(MODERATE):
        raise NotAllowed(_("Your role does not allow this."))
    # The report first: while nothing is shown yet there is no other row to lock.
    reports = VolunteerReport.objects.select_for_update(of=("self",)).select_related("result", "volunteer")
    report = reports.get(pk=report_id)
    row = PublishedReport.objects.select_for_update(of=("self",)).filter(report=report).first()
    if (row.state if row else CommentState.WAITING) != seen:
        raise IllegalTransition(_("Somebody else decided on this report meanwhile."))
    return report, row


def _decided(row: PublishedReport, *, by: User, at: datetime) -> PublishedReport:
    row.moderated_by, row.moderated_at = by, at
    row.save()
    comments.renew_page(row.result_id, at=at)
    return row


# --- Reading ------------------------------------------------------------------------------------------
def shown_with(result: PublishedResult) -> list[PublishedReport]:
    """The newest reports that stand with a result, one more than its page shows."""
    return list(_shown(result).order_by("-pk")[: comments.ON_PAGE + 1])


def shown_after(result: PublishedResult, public_id: str, *, size: int) -> tuple[list[PublishedReport], str]:
    """Shown reports that follow the one with this public id, and where the next page begins ("" on the last)."""
    return comments.following(_shown(result), public_id, size=size)


def _shown(result: PublishedResult) -> QuerySet[PublishedReport]:
    # The database role of public results reads these columns and no others.
    shown = PublishedReport.objects.filter(result=result, state=CommentState.SHOWN)
    return shown.only("public_id", "result", "shown_text", "answer", "fulfilled", "at")


# --- Keeping no longer than needed ----------------------------------------------------------------------
def purge(*, now: datetime) -> int:
    """Erase the words of reports whose result has been gone for 180 days; from how many (PUB-39, PIPL art. 19)."""
    before = now - comments.KEPT
    gone = Q(result__withdrawn_at__lt=before) | Q(result__published_until__lt=before)
    rows = PublishedReport.objects.filter(gone).exclude(shown_text="", answer="").order_by()
    return PublishedReport.objects.filter(pk__in=list(rows.values_list("pk", flat=True))).update(
        shown_text="", answer=""
    )
