"""Every write that moves a report (AN-19, AN-29, JT-03).

The figures of a revision are frozen once; texts may be edited until approval; a correction is a new
revision. `version` grows with every change of the content or the state, and a rendered file belongs
to exactly one version, so an old document can never be taken for the present one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import after_commit
from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import User
from analytics import periods, permissions, reporting, tasks
from analytics.documents.snapshot import ReportSnapshot
from analytics.models import Report, ReportFile
from analytics.states import REPORT_MOVES, Edition, ReportStatus
from complaints import notify
from complaints.models import Complaint

# A build that was not heard of for so long lost its worker.
LEASE = timedelta(minutes=5)

REASON_LENGTH = 500

# What went wrong, by code. The codes are stored, the words are shown.
ERRORS = {
    "calendar": _("The working calendar has no data for a year of this period. Add the year, then build on."),
    "storage": _("The files could not be written. Check the disk, then build on."),
    "template": _("The Word template of the reports cannot be filled any more. Switch it off, then build on."),
    "content": _("A text or figure does not fit into the document. Edit the section, then build on."),
    "unexpected": _("Something went wrong while building. Build on; if it fails again, call the administrator."),
}


@transaction.atomic
def request_report(
    period: str, *, edition: str, by: User | None, by_first: bool = False, at: datetime | None = None
) -> Report:
    """Ask for the report of a finished month or quarter; asking again gives the same report.

    `by_first`: count by the first classification (CLS-15); a report that exists by the other one is changed by a
    revision. A failed build is taken up again. Raises InvalidInput (period, edition, by_first), NotAllowed.
    """
    at = at or timezone.now()
    if by is not None:
        permissions.require(by, permissions.BUILD)
    wanted = periods.finished(period, at=at)
    if not has_cases(wanted):
        raise InvalidInput(
            "period",
            _("No complaint was registered by the end of %(period)s; there is nothing to report."),
            period=wanted.label,
        )
    if edition not in Edition.values:
        raise InvalidInput(
            "edition", _("Choose one of the editions: %(editions)s."), editions=", ".join(Edition.values)
        )
    latest = (
        Report.objects.select_for_update().filter(period=wanted.code, edition=edition).order_by("-revision").first()
    )
    if latest is None:
        return _create(wanted.code, edition, 1, by=by, by_first=by_first, at=at)
    if by_first and not latest.by_first:
        raise InvalidInput(
            "by_first", _("This report exists by the final classification; revise it to count by the first one.")
        )
    if latest.status == ReportStatus.FAILED:
        return _queue_again(latest, at=at)
    return latest


def has_cases(period: periods.Period) -> bool:
    """Whether anything was registered until then; a quiet month of a working office has a report all the same."""
    return Complaint.objects.filter(registered_at__lt=period.end).exists()


def _create(
    period: str, edition: str, revision: int, *, by: User | None, by_first: bool, at: datetime, reason: str = ""
) -> Report:
    try:
        with transaction.atomic():
            report = Report.objects.create(
                period=period,
                edition=edition,
                revision=revision,
                by_first=by_first,
                snapshot={reporting.REASON: reason} if reason else {},
                requested_by=by,
                requested_at=at,
            )
    except IntegrityError:  # somebody else asked at the same moment
        return Report.objects.get(period=period, edition=edition, revision=revision)
    after_commit.enqueue(tasks.build_report, report_id=report.pk)
    return report


def _queue_again(report: Report, *, at: datetime) -> Report:
    report.status, report.error, report.claimed_at = ReportStatus.QUEUED, "", None
    # The version stays: nothing in the text changed, so documents already written are still good.
    report.requested_at = at
    report.save(update_fields=["status", "error", "claimed_at", "requested_at"])
    after_commit.enqueue(tasks.build_report, report_id=report.pk)
    return report


# --- Building: called by the worker -----------------------------------------------------------------


def claim(report_id: int, *, at: datetime) -> bool:
    """Take the build, if it waits or its worker is gone. Exactly one of many callers gets it."""
    free = Q(status=ReportStatus.QUEUED) | Q(status=ReportStatus.BUILDING, claimed_at__lt=at - LEASE)
    return bool(Report.objects.filter(free, pk=report_id).update(status=ReportStatus.BUILDING, claimed_at=at, error=""))


def advance(report_id: int, *, claimed_at: datetime, at: datetime, **fields: Any) -> bool:
    """Save a finished step and stay alive; False when somebody else has taken the build over."""
    mine = Report.objects.filter(pk=report_id, status=ReportStatus.BUILDING, claimed_at=claimed_at)
    return bool(mine.update(claimed_at=at, **fields))


@transaction.atomic
def finish(report_id: int, *, claimed_at: datetime, at: datetime) -> bool:
    """The draft is complete: tell whoever asked for it."""
    if not advance(
        report_id, claimed_at=claimed_at, at=at, status=ReportStatus.DRAFT, built_at=at, step=F("steps"), step_label=""
    ):
        return False
    report = Report.objects.get(pk=report_id)
    _tell(report, "report_ready")
    return True


@transaction.atomic
def fail(report_id: int, *, claimed_at: datetime, at: datetime, error: str) -> bool:
    """Keep what is done, show the reason, tell whoever asked for it."""
    if not advance(report_id, claimed_at=claimed_at, at=at, status=ReportStatus.FAILED, error=error):
        return False
    _tell(Report.objects.get(pk=report_id), "report_failed")
    return True


def _tell(report: Report, kind: str, people: Iterable[User] = ()) -> None:
    """Told with a link to the page; whoever asked for the report, or everybody who builds, where nobody is named."""
    people = people or ([report.requested_by] if report.requested_by else notify.holders_of(permissions.BUILD))
    notify.tell(
        people,
        kind,
        dedupe=f"{kind}:{report.pk}:{report.requested_at:%Y%m%d%H%M%S%f}",
        url=f"/desk/reports/{report.pk}/",
        period=periods.parse(report.period).code,
    )


@transaction.atomic
def store_file(report_id: int, *, version: int, format: str, path: str, size: int, sha256: str, at: datetime) -> str:
    """Record a rendered document of the present version; returns the path it replaces, '' for none.

    A document of an older version is not recorded.
    """
    report = Report.objects.select_for_update().get(pk=report_id)
    if report.version != version:
        return path
    old = ReportFile.objects.filter(report=report, format=format).first()
    ReportFile.objects.update_or_create(
        report=report, format=format, defaults={"path": path, "size": size, "sha256": sha256, "at": at}
    )
    return old.path if old and old.path != path else ""


# --- People ----------------------------------------------------------------------------------------


def _begin(report_id: int, action: str, *, by: User, version: int | None) -> Report:
    report = Report.objects.select_for_update(of=("self",)).select_related("requested_by").get(pk=report_id)
    reason = permissions.report_refusal(by, action, report)
    if reason:
        raise NotAllowed(reason)
    if version is not None and version != report.version:
        raise StaleVersion(report.version)
    if not permissions.possible(report, action):
        raise IllegalTransition(
            _("This is not possible: the report is at “%(status)s”."), status=report.get_status_display()
        )
    return report


def _save(report: Report, *fields: str) -> Report:
    """Save a change of what the documents say; they are written anew for the new version."""
    report.version += 1
    report.save(update_fields=[*fields, "version"])
    after_commit.enqueue(tasks.render_report, report_id=report.pk)
    return report


@transaction.atomic
def edit_section(
    report_id: int, *, key: str, text: str, by: User, version: int | None = None, at: datetime | None = None
) -> Report:
    """Change the text of one section, or of the summary, before approval; figures and charts stay.

    Raises InvalidInput("text") when it is empty or does not fit into a document.
    """
    at = at or timezone.now()
    report = _begin(report_id, "edit", by=by, version=version)
    paragraphs, points = reporting.lines_of(text)
    if not paragraphs and not points:
        raise InvalidInput("text", _("A section needs at least one sentence."))
    snapshot = dict(report.snapshot)
    if key == "summary":
        snapshot["summary"] = [*paragraphs, *points]
    else:
        if key not in {section["key"] for section in snapshot["sections"]}:
            raise InvalidInput("key", _("There is no such section."))
        snapshot["sections"] = [
            {**section, "paragraphs": paragraphs, "points": points} if section["key"] == key else section
            for section in snapshot["sections"]
        ]
    try:
        checked = json.loads(ReportSnapshot.from_dict(snapshot).to_json())
    except ValueError as error:
        raise InvalidInput(
            "text", _("This text does not fit into the document: %(problem)s"), problem=str(error)
        ) from error
    edits = {**snapshot.get("edits", {}), key: {"by": by.pk, "at": at.isoformat()}}
    reason = {name: value for name, value in snapshot.items() if name == reporting.REASON}
    report.snapshot = {**checked, **reason, "edits": edits}
    return _save(report, "snapshot")


@transaction.atomic
def approve(report_id: int, *, by: User, version: int | None = None, at: datetime | None = None) -> Report:
    """Approve the text; not by whoever asked for the report or edited it, and not while remarks are open (AN-29)."""
    report = _begin(report_id, "approve", by=by, version=version)
    if permissions.has_open_remarks(report):
        raise IllegalTransition(_("Remarks on this report are open. Settle them, then approve."))
    report.status, report.approved_by, report.approved_at = REPORT_MOVES["approve"][1], by, at or timezone.now()
    return _save(report, "status", "approved_by", "approved_at")


@transaction.atomic
def release(report_id: int, *, by: User, version: int | None = None, at: datetime | None = None) -> Report:
    """Show the approved report to everybody who may see figures, and bring it to management (AN-30).

    Management, heads of departments and whoever builds reports get a message with the link.
    """
    report = _begin(report_id, "release", by=by, version=version)
    report.status, report.released_at = REPORT_MOVES["release"][1], at or timezone.now()
    readers = (permissions.APPROVE, permissions.BUILD, "complaints.lead_department")
    _tell(report, "report_released", {user for name in readers for user in notify.holders_of(name)})
    return _save(report, "status", "released_at")


@transaction.atomic
def rebuild(report_id: int, *, by: User, version: int | None = None, at: datetime | None = None) -> Report:
    """Go on with a failed build; what is done stays."""
    return _queue_again(_begin(report_id, "rebuild", by=by, version=version), at=at or timezone.now())


@transaction.atomic
def revise(report_id: int, *, reason: str, by: User, by_first: bool = False, at: datetime | None = None) -> Report:
    """A correction: the next revision with fresh figures; the earlier one stays as it is (EX-09).

    Its first section says why and what changed. `by_first`: count by the first classification from this revision on
    (CLS-15). Raises InvalidInput("reason").
    """
    report = _begin(report_id, "revise", by=by, version=None)
    if not reason.strip():
        raise InvalidInput("reason", _("Say why the report is corrected."))
    latest = Report.objects.filter(period=report.period, edition=report.edition).order_by("-revision").first()
    assert latest is not None  # the report itself is one
    if latest.pk != report.pk:
        raise IllegalTransition(_("There is already a later revision of this report."))
    return _create(
        report.period,
        report.edition,
        report.revision + 1,
        by=by,
        by_first=by_first,
        at=at or timezone.now(),
        reason=reason.strip()[:REASON_LENGTH],
    )


def count_download(report_id: int) -> None:
    """One more download; no lock, nothing else changes."""
    Report.objects.filter(pk=report_id).update(downloads=F("downloads") + 1)


ACTIONS = {"approve": approve, "release": release, "rebuild": rebuild}
