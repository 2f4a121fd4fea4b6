"""Remarks on the sections of a draft; all are settled before it is approved (AN-29)."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import User
from analytics import permissions
from analytics.models import Report, ReportComment
from complaints import notify

LENGTH = 2000


@transaction.atomic
def add(report_id: int, *, section: str, text: str, by: User, at: datetime | None = None) -> ReportComment:
    """Remark on a section of a draft (`summary` for the summary); whoever asked for or edited it is told.

    Raises NotAllowed, InvalidInput("section" or "text"), IllegalTransition when the text is no draft any more.
    """
    report = _draft(report_id, by=by)
    if section not in sections_of(report):
        raise InvalidInput("section", _("There is no such section."))
    if not text.strip():
        raise InvalidInput("text", _("Write what should be changed, and why."))
    if len(text) > LENGTH:
        raise InvalidInput("text", _("A remark has at most %(most)s characters."), most=LENGTH)
    row = ReportComment.objects.create(
        report=report, section=section, text=text.strip(), at=at or timezone.now(), by=by
    )
    authors = {pk for pk in (report.requested_by_id, *permissions.editors(report)) if pk and pk != by.pk}
    people = User.objects.filter(pk__in=authors)
    notify.tell(
        people or notify.holders_of(permissions.BUILD).exclude(pk=by.pk),
        "report_remark",
        dedupe=f"report_remark:{row.pk}",
        url=f"/desk/reports/{report.pk}/#section-{section}",
        period=report.period,
    )
    return row


@transaction.atomic
def settle(remark_id: int, *, by: User, at: datetime | None = None) -> ReportComment:
    """Say that a remark is dealt with. Raises NotAllowed, IllegalTransition when it was settled already."""
    found = ReportComment.objects.get(pk=remark_id)
    _draft(found.report_id, by=by)
    row = ReportComment.objects.select_for_update().get(pk=remark_id)
    if row.settled_at:
        raise IllegalTransition(_("This remark is settled already."))
    row.settled_at, row.settled_by = at or timezone.now(), by
    row.save(update_fields=["settled_at", "settled_by"])
    return row


def sections_of(report: Report) -> list[str]:
    """The keys of what can be remarked on: the summary and every section."""
    return ["summary", *(section["key"] for section in report.snapshot.get("sections", ()))]


def by_section(report: Report) -> dict[str, list[ReportComment]]:
    """The remarks of a report under their sections, oldest first. One query."""
    found: dict[str, list[ReportComment]] = defaultdict(list)
    for row in report.comments.select_related("by", "settled_by"):
        found[row.section].append(row)
    return dict(found)


def _draft(report_id: int, *, by: User) -> Report:
    """The report, held until the end of the transaction, so that nobody approves it meanwhile."""
    report = Report.objects.select_for_update(of=("self",)).get(pk=report_id)
    if not permissions.works_on_reports(by):
        raise NotAllowed(_("Your role does not allow this."))
    if not permissions.may_remark(by, report):
        raise IllegalTransition(_("Remarks are made and settled while the report is a draft."))
    return report
