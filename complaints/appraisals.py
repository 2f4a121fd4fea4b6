"""Files whose time is over: looked at, kept longer or destroyed, by several people one after another (ARC-04).

One person opens a list and somebody judges each file; another approves exactly this list; two carry it out, of whom
one stands as witness first. Any change after the approval makes it void. Files are destroyed one by one, each in a
transaction of its own, so that a run that broke off goes on where it stopped. A hold, a lawsuit, a review or a
publication that comes in between stops the file it concerns; it then needs an appraisal of its own.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.deletion import ProtectedError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import after_commit, takedowns
from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import User
from complaints import destruction, notify, numbers
from complaints.models import Appraisal, AppraisalItem, CaseFile, Complaint, LegalHold
from complaints.states import AppraisalOutcome, AppraisalState, Audience
from complaints.transitions import core

APPRAISE = "complaints.appraise_files"
# So many files one list may hold; so many are destroyed while somebody waits for the answer.
MOST_FILES = 500
AT_ONCE = 50
MOST_YEARS = 100
REASON = 300

logger = logging.getLogger("huiyin.archive")
_canonical = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode
# To be destroyed and neither done nor stopped.
PENDING = Q(
    appraisal__state=AppraisalState.CARRIED_OUT,
    outcome=AppraisalOutcome.DESTROY,
    destroyed_at=None,
    keep_until=None,
)
_BUSY = PENDING | Q(destroyed_at__isnull=False) | Q(appraisal__state__in=[AppraisalState.OPEN, AppraisalState.APPROVED])


def due(*, today: date) -> QuerySet[CaseFile]:
    """The files whose time is over and on which no hold stands, that are on no list and not destroyed."""
    held = LegalHold.objects.filter(complaint=OuterRef("complaint"), released_at=None)
    listed = AppraisalItem.objects.filter(_BUSY, file=OuterRef("pk"))
    return CaseFile.objects.filter(~Exists(held), ~Exists(listed), keep_until__lt=today)


def destroyed() -> QuerySet[AppraisalItem]:
    """The register of what was destroyed; it is kept for ever."""
    return AppraisalItem.objects.filter(destroyed_at__isnull=False)


def destroyed_item(complaint: Complaint) -> AppraisalItem | None:
    """The row of the register about the file of this case, or None while it is kept."""
    return destroyed().filter(file__complaint=complaint).select_related("appraisal").first()


def stopped_on(item: AppraisalItem) -> date | None:
    """The day on which something stopped a destruction that was carried out otherwise, or None.

    It stands in `keep_until`, which a file that is to be destroyed does not use else.
    """
    return item.keep_until if item.outcome == AppraisalOutcome.DESTROY else None


def list_hash(items: Iterable[AppraisalItem]) -> str:
    """SHA-256 of what is decided about each file, in the order of the list; the files are loaded."""
    rows = [
        [
            item.file.number,
            item.index_hash,
            item.outcome,
            item.keep_until.isoformat() if item.keep_until and item.outcome == AppraisalOutcome.KEEP else "",
            item.reason,
        ]
        for item in items
    ]
    return hashlib.sha256(_canonical(rows).encode()).hexdigest()


# --- Judging --------------------------------------------------------------------------------------
@transaction.atomic
def open_list(files: Iterable[int], *, by: User, at: datetime | None = None) -> Appraisal:
    """Put files whose time is over on a list (ARC-04).

    Raises NotAllowed, and InvalidInput("files") for none, for more than MOST_FILES and for files that are not due or
    may not be destroyed: under review, in publication, in a lawsuit.
    """
    at = core.moment(at)
    _require(by)
    keys = sorted(set(files))
    if not keys:
        raise InvalidInput("files", _("Choose at least one file."))
    if len(keys) > MOST_FILES:
        raise InvalidInput("files", _("Choose at most %(limit)s files."), limit=MOST_FILES)
    found = list(due(today=timezone.localdate(at)).filter(pk__in=keys).select_for_update(of=("self",)).order_by("pk"))
    if len(found) < len(keys):
        raise InvalidInput("files", _("Some of these files are not due any more, or on another list. Choose again."))
    _refuse_concerned([file.complaint_id for file in found], by)
    hindered = destruction.hindered(file.complaint_id for file in found)
    if hindered:
        first = next(file for file in found if file.complaint_id in hindered)
        raise InvalidInput(
            "files",
            _("%(number)s cannot be appraised: %(reason)s."),
            number=first.number,
            reason=destruction.hindrance_words(hindered[first.complaint_id]),
        )
    row = Appraisal.objects.create(number=numbers.next_number("JD", at=at, monthly=True), opened_by=by, opened_at=at)
    AppraisalItem.objects.bulk_create(
        AppraisalItem(appraisal=row, file=file, index_hash=file.index_hash) for file in found
    )
    return row


@transaction.atomic
def judge(
    appraisal_id: int,
    items: Iterable[int],
    *,
    outcome: str,
    reason: str,
    by: User,
    version: int,
    keep_until: date | None = None,
    at: datetime | None = None,
) -> Appraisal:
    """Say of files on a list whether they are kept longer, until when, or destroyed, and why. Voids an approval.

    Raises NotAllowed, StaleVersion, IllegalTransition, InvalidInput.
    """
    at = core.moment(at)
    row = _lock(appraisal_id, by=by, version=version)
    core.check_codes("outcome", [outcome], AppraisalOutcome)
    core.require("reason", reason, _("Give the reason."))
    if len(reason) > REASON:
        raise InvalidInput("reason", _("Write at most %(limit)s characters."), limit=REASON)
    today = timezone.localdate(at)
    if outcome == AppraisalOutcome.DESTROY:
        keep_until = None
    elif keep_until is None:
        raise InvalidInput("keep_until", _("Give the day until which it is kept."))
    elif not today < keep_until <= today.replace(year=today.year + MOST_YEARS, day=1):
        raise InvalidInput("keep_until", _("Give a day to come, at most %(years)s years ahead."), years=MOST_YEARS)
    keys = set(items)
    chosen = row.items.filter(pk__in=keys)
    if not keys or chosen.count() < len(keys):
        raise InvalidInput("items", _("Choose at least one file of this list."))
    _refuse_concerned(chosen.values_list("file__complaint", flat=True), by)
    chosen.update(outcome=outcome, keep_until=keep_until, reason=reason.strip(), by=by, at=at)
    _changed(row)
    return row


@transaction.atomic
def approve(appraisal_id: int, *, by: User, version: int, at: datetime | None = None) -> Appraisal:
    """Approve the list as it stands; the hash of what is decided about each file is kept with the approval.

    Raises NotAllowed for who opened the list or judged a file on it, StaleVersion, IllegalTransition.
    """
    at = core.moment(at)
    row = _lock(appraisal_id, by=by, version=version)
    if row.state != AppraisalState.OPEN:
        raise IllegalTransition(_("This list is approved already."))
    items = list(row.items.select_related("file"))
    if by.pk == row.opened_by_id or any(item.by_id == by.pk for item in items):
        raise NotAllowed(_("You opened this list or judged a file on it; another person approves it."))
    if any(not item.outcome for item in items):
        raise IllegalTransition(_("Some files on this list are not judged yet."))
    _refuse_concerned([item.file.complaint_id for item in items], by)
    row.state, row.approved_by, row.approved_at, row.list_hash = AppraisalState.APPROVED, by, at, list_hash(items)
    row.version += 1
    row.save(update_fields=["state", "approved_by", "approved_at", "list_hash", "version"])
    _tell(row, "appraisal_approved", at=at)
    return row


@transaction.atomic
def cancel(appraisal_id: int, *, reason: str, by: User, version: int) -> Appraisal:
    """Give the list up; its files are due again. Raises NotAllowed, StaleVersion, IllegalTransition, InvalidInput."""
    row = _lock(appraisal_id, by=by, version=version)
    core.require("reason", reason, _("Give the reason."))
    row.state, row.cancelled_reason = AppraisalState.CANCELLED, reason.strip()[:REASON]
    row.version += 1
    row.save(update_fields=["state", "cancelled_reason", "version"])
    return row


def _require(by: User) -> None:
    if not by.is_active or not by.has_perm(APPRAISE):
        raise NotAllowed(_("Your role does not allow this."))


def _lock(appraisal_id: int, *, by: User, version: int) -> Appraisal:
    """A list that is not finished, locked. Raises NotAllowed, StaleVersion, IllegalTransition."""
    _require(by)
    row = Appraisal.objects.select_for_update().get(pk=appraisal_id)
    if row.version != version:
        raise StaleVersion(row.version)
    if row.state not in (AppraisalState.OPEN, AppraisalState.APPROVED):
        raise IllegalTransition(_("This list is finished."))
    return row


def _changed(row: Appraisal) -> None:
    """What was approved is no longer what stands there."""
    row.state, row.approved_by, row.approved_at, row.list_hash, row.witness = AppraisalState.OPEN, None, None, "", None
    row.version += 1
    row.save(update_fields=["state", "approved_by", "approved_at", "list_hash", "witness", "version"])


def _refuse_concerned(cases: Iterable[int], by: User) -> None:
    """Whom a case is about or comes from takes no part in destroying its file (PI-18)."""
    about = Complaint.objects.filter(pk__in=list(cases)).filter(Q(accused_staff=by) | Q(complainant__staff_user=by))
    if about.exists():
        raise NotAllowed(_("The list holds the file of a case that is about you or comes from you."))


# --- Carrying it out ------------------------------------------------------------------------------
@transaction.atomic
def stand_as_witness(appraisal_id: int, *, by: User, version: int) -> Appraisal:
    """The first of two: be there when another person carries the list out.

    Raises NotAllowed, StaleVersion, IllegalTransition before the approval or when there is a witness already.
    """
    row = _approved(appraisal_id, by=by, version=version)
    if row.witness_id is not None:
        raise IllegalTransition(_("There is a witness already; another person carries it out now."))
    row.witness = by
    row.version += 1
    row.save(update_fields=["witness", "version"])
    return row


def carry_out(appraisal_id: int, *, by: User, version: int, at: datetime | None = None) -> Appraisal:
    """The second of two: give the files that are kept their new date, and destroy the others for good.

    Few files are destroyed at once, many by a worker. Raises NotAllowed for the witness, StaleVersion, and
    IllegalTransition without approval or witness or when the list is not the one that was approved.
    """
    at = core.moment(at)
    row = _carry_out(appraisal_id, by=by, version=version, at=at)
    if row.items.filter(outcome=AppraisalOutcome.DESTROY).count() > AT_ONCE:
        from complaints import tasks

        after_commit.enqueue(tasks.destroy_files, appraisal_id=row.pk)
    else:
        work(row.pk, now=at)
    return row


@transaction.atomic
def _carry_out(appraisal_id: int, *, by: User, version: int, at: datetime) -> Appraisal:
    row = _approved(appraisal_id, by=by, version=version)
    if row.witness_id is None:
        raise IllegalTransition(_("Two people carry this out: first one of them stands as witness."))
    if row.witness_id == by.pk:
        raise NotAllowed(_("You are the witness; another person carries it out."))
    items = list(row.items.select_related("file"))
    if list_hash(items) != row.list_hash:
        raise IllegalTransition(_("This list is not the one that was approved. Judge and approve it again."))
    row.state, row.carried_out_by, row.carried_out_at = AppraisalState.CARRIED_OUT, by, at
    row.version += 1
    row.save(update_fields=["state", "carried_out_by", "carried_out_at", "version"])
    for item in items:
        if item.outcome == AppraisalOutcome.KEEP and item.keep_until is not None:
            CaseFile.objects.filter(pk=item.file_id).update(keep_until=item.keep_until)
            core.add_event(
                core.lock(item.file.complaint_id),
                "retention_extended",
                by=by,
                at=at,
                note=item.keep_until.isoformat(),
                reference=core.ref(item.file),
                audience=Audience.OFFICE,
            )
    return row


def _approved(appraisal_id: int, *, by: User, version: int) -> Appraisal:
    row = _lock(appraisal_id, by=by, version=version)
    if row.state != AppraisalState.APPROVED:
        raise IllegalTransition(_("This list is not approved yet."))
    _refuse_concerned(row.items.values_list("file__complaint", flat=True), by)
    return row


def work(appraisal_id: int, *, now: datetime | None = None) -> dict[str, int]:
    """Destroy what is left of a list that was carried out; harmless twice and on two workers."""
    now = now or timezone.now()
    done = stopped = 0
    keys = list(AppraisalItem.objects.filter(PENDING, appraisal=appraisal_id).values_list("pk", flat=True))
    for key in keys:
        try:
            result = _destroy(key, at=now)
        except ProtectedError:
            logger.exception("file not destroyed", extra={"item": key})
            continue
        done += result is True
        stopped += result is False
    return {"destroyed": done, "stopped": stopped}


@transaction.atomic
def _destroy(item_id: int, *, at: datetime) -> bool | None:
    """One file: True when it is gone, False when something stopped it, None when there was nothing left to do."""
    key = AppraisalItem.objects.values_list("file__complaint", flat=True).get(pk=item_id)
    complaint = core.lock(key)
    item = (
        AppraisalItem.objects.select_for_update(of=("self",))
        .filter(PENDING, pk=item_id)
        .select_related("file", "appraisal__carried_out_by", "appraisal__witness")
        .first()
    )
    if item is None:
        return None
    row = item.appraisal
    reason = destruction.hindered([complaint.pk], since=row.approved_at).get(complaint.pk, "")
    event: dict[str, Any] = {"by": row.carried_out_by, "at": at, "reference": core.ref(item.file)}
    if reason:
        item.keep_until = timezone.localdate(at)
        item.save(update_fields=["keep_until"])
        core.add_event(complaint, "destruction_stopped", note=reason, audience=Audience.OFFICE, **event)
        people = [user for user in (row.carried_out_by, row.witness) if user is not None]
        notify.tell(
            people,
            "destruction_stopped",
            dedupe=f"destruction_stopped:{item.pk}",
            url=page_url(row),
            file=item.file.number,
        )
        return False
    core.add_event(complaint, "file_destroyed", note=row.number, audience=Audience.OFFICE, **event)
    destruction.destroy(complaint.pk)
    item.destroyed_at = at
    item.save(update_fields=["destroyed_at"])
    takedowns.note(takedowns.What.DESTROYED, complaint.number, at=at)
    return True


@transaction.atomic
def keep_destroyed(number: str, *, at: datetime) -> bool:
    """Destroy again the file of a case that a restored backup brought back; whether there was anything to do (I8).

    `at` is when it was destroyed first. Where the backup knows the list, the register says so too.
    """
    key = Complaint.objects.filter(number=number).exclude(narrative="").values_list("pk", flat=True).first()
    if key is None:
        return False
    complaint = core.lock(key)
    core.add_event(complaint, "file_destroyed", by=None, at=timezone.now(), audience=Audience.OFFICE)
    destruction.destroy(key)
    listed = AppraisalItem.objects.filter(file__complaint=key, outcome=AppraisalOutcome.DESTROY, destroyed_at=None)
    item = listed.order_by("-pk").first()
    if item is not None:
        item.destroyed_at = at
        item.save(update_fields=["destroyed_at"])
    return True


# --- What the pages show --------------------------------------------------------------------------
@dataclass(frozen=True)
class Progress:
    """How far a list that was carried out has come, in files."""

    to_destroy: int
    destroyed: int
    stopped: int

    @property
    def left(self) -> int:
        return self.to_destroy - self.destroyed - self.stopped

    @property
    def percent(self) -> int:
        return round(100 * (self.destroyed + self.stopped) / self.to_destroy) if self.to_destroy else 100


def progress(row: Appraisal) -> Progress:
    """One query."""
    destroy = Q(outcome=AppraisalOutcome.DESTROY)
    return Progress(
        **row.items.aggregate(
            to_destroy=Count("pk", filter=destroy),
            destroyed=Count("pk", filter=Q(destroyed_at__isnull=False)),
            stopped=Count("pk", filter=destroy & Q(destroyed_at=None, keep_until__isnull=False)),
        )
    )


def page_url(row: Appraisal) -> str:
    """The address of the page of a list, for notifications."""
    return f"/desk/archive/appraisals/{row.number}/"


def _tell(row: Appraisal, kind: str, *, at: datetime) -> None:
    people = [user for user in notify.holders_of(APPRAISE) if user != row.approved_by]
    notify.tell(people, kind, dedupe=f"{kind}:{row.pk}:{at.isoformat()}", url=page_url(row), list=row.number)


# --- Every night ----------------------------------------------------------------------------------
def watch_files(*, now: datetime | None = None) -> dict[str, int]:
    """Finish what a worker left, and tell once a month whoever appraises that the time of files is over (ARC-04)."""
    now = now or timezone.now()
    left = AppraisalItem.objects.filter(PENDING).order_by("appraisal").values_list("appraisal", flat=True).distinct()
    gone = sum(work(key, now=now)["destroyed"] for key in list(left))
    count, told = due(today=timezone.localdate(now)).count(), 0
    if count:
        told = notify.tell(
            notify.holders_of(APPRAISE),
            "files_due",
            dedupe=f"files_due:{timezone.localdate(now):%Y-%m}",
            url="/desk/archive/appraisals/",
            count=count,
        )
    return {"destroyed": gone, "due": count, "told": told}


def register_rows() -> Iterable[list[Any]]:
    """The register as lines of a table, oldest first; read in pieces."""
    rows = destroyed().order_by("destroyed_at", "pk").select_related(
        "appraisal__approved_by",
        "appraisal__carried_out_by",
        "appraisal__witness",
        "by",
        "file__complaint__lead_department",
        "file__retention",
    ).annotate(case=F("file__complaint__number"))  # fmt: skip
    for row in rows.defer("file__index").iterator(chunk_size=500):
        department = row.file.complaint.lead_department
        yield [
            row.file.number,
            row.case,
            department.name if department else "",
            row.file.retention.name,
            row.file.filed_at.astimezone(timezone.get_current_timezone()).strftime("%Y-%m-%d"),
            row.file.keep_until.isoformat() if row.file.keep_until else "",
            row.index_hash,
            row.reason,
            _person(row.by),
            row.appraisal.number,
            _person(row.appraisal.approved_by),
            _moment(row.appraisal.approved_at),
            row.appraisal.list_hash,
            _person(row.appraisal.carried_out_by),
            _person(row.appraisal.witness),
            _moment(row.destroyed_at),
        ]


REGISTER_HEADING = (
    _("File number"),
    _("Case"),
    _("Department"),
    _("Retention class"),
    _("Filed"),
    _("Kept until"),
    _("SHA-256 of the index"),
    _("Reason"),
    _("Judged by"),
    _("List"),
    _("Approved by"),
    _("Approved at"),
    _("SHA-256 of the list"),
    _("Carried out by"),
    _("Witness"),
    _("Destroyed at"),
)


def _person(user: User | None) -> str:
    return f"{user.display_name} {user.staff_number}" if user else ""


def _moment(at: datetime | None) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M") if at else ""
