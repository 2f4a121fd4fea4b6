"""The masking profiles the office keeps: proposed by one person, approved by another, from a day on (PR-08).

A publication keeps the revision it was begun with; another profile takes the revision in force then. What was written
before there were revisions is masked by the shipped rows and names none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.db import OperationalError, ProgrammingError, connection, transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import security
from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import User
from complaints import notify, revisions
from publication.models import MaskingRevision, Publication
from publication.redaction import PROFILES, TYPES, Row, masks
from publication.states import MaskingState

# Who changes the rules of redaction: the management and the administrators, always two of them.
ADMINISTRATOR = "accounts.configure_system"
EDITORS = ("analytics.approve_report", ADMINISTRATOR)
READERS = (*EDITORS, "publication.view_publications")


def load(using: str = "default", **_kwargs: object) -> None:
    """Add the shipped rows as the first revision where it is missing, after every migrate."""
    for profile, rows in PROFILES.items():
        MaskingRevision.objects.using(using).get_or_create(
            profile=profile,
            revision=1,
            defaults={"rows": masks.stored(rows), "state": MaskingState.APPROVED, "proposed_at": timezone.now()},
        )


# --- Reading ----------------------------------------------------------------------------------------


def in_force(profile: str, *, at: datetime | None = None) -> MaskingRevision | None:
    """The revision that masks on the day of `at`; one query."""
    today = timezone.localdate(at)
    found = MaskingRevision.objects.filter(
        Q(applies_from=None) | Q(applies_from__lte=today), profile=profile, state=MaskingState.APPROVED
    )
    return found.order_by(F("applies_from").desc(nulls_last=True), "-revision").first()


def rows_of(revision: MaskingRevision | None, profile: str) -> Mapping[str, Row]:
    """What a revision writes for every type; the shipped rows where there is none."""
    return masks.read(profile, revision.rows) if revision else PROFILES[profile]


def rows_now(profile: str) -> Mapping[str, Row]:
    """What the profile writes today."""
    return rows_of(in_force(profile), profile)


def rows_reachable(profile: str) -> Mapping[str, Row]:
    """What the profile writes today; the shipped rows where no database can be asked, so that masking never waits."""
    if connection.vendor == "sqlite" and not Path(connection.settings_dict["NAME"]).exists():
        return PROFILES[profile]  # asking would make an empty file
    try:
        return rows_now(profile)
    except (OperationalError, ProgrammingError):
        return PROFILES[profile]


def rows_for(publication: Publication) -> Mapping[str, Row]:
    """What the texts of a publication are masked with: its own revision, whatever came after."""
    return rows_of(publication.masking, publication.profile)


def named(revision: MaskingRevision | None) -> dict[str, Any] | None:
    """How a snapshot names the revision it was masked by."""
    return {"profile": revision.profile, "revision": revision.revision} if revision else None


# --- Changing ---------------------------------------------------------------------------------------


def may_edit(user: User) -> bool:
    return any(user.has_perm(name) for name in EDITORS)


def may_decide(user: User, revision: MaskingRevision) -> bool:
    """Whether this person may approve or decline it: never the one who proposed it."""
    return may_edit(user) and revision.state == MaskingState.PROPOSED and revision.proposed_by_id != user.pk


def check(profile: str, rows: Mapping[str, Row]) -> None:
    """Raises InvalidInput at `token_<type>` or `manner_<type>`."""
    for kind in TYPES:
        if rows[kind].manner not in masks.manners(profile, kind):
            raise InvalidInput(f"manner_{kind}", _("This would show more than the profile as shipped."))
        if not masks.allowed(rows[kind].token):
            message = _(
                "Write it between 〔 and 〕, from the words listed on this page only, and say that it is hidden."
            )
            raise InvalidInput(f"token_{kind}", message)


@transaction.atomic
def propose(
    profile: str,
    rows: Mapping[str, Row],
    *,
    applies_from: date,
    reason: str,
    based_on: int,
    by: User,
    at: datetime | None = None,
) -> MaskingRevision:
    """The next revision of a profile, for somebody else to decide on.

    `based_on` is the newest revision the person saw. Raises NotAllowed, InvalidInput by field, StaleVersion,
    IllegalTransition while another proposal is open.
    """
    at = at or timezone.now()
    if not may_edit(by):
        raise NotAllowed(_("Your role does not allow this."))
    if profile not in PROFILES:
        raise InvalidInput("profile", _("There is no such profile."))
    check(profile, rows)
    if not reason.strip() or "\x00" in reason:
        raise InvalidInput("reason", _("Say what changed and why."))
    # The first revision is always there: whoever holds it is the only one to propose.
    of_profile = MaskingRevision.objects.filter(profile=profile)
    of_profile.select_for_update(of=("self",)).get(revision=1)
    known = list(of_profile.order_by("-revision"))
    if any(row.state == MaskingState.PROPOSED for row in known):
        raise IllegalTransition(_("A change of this profile waits for a decision already."))
    if known[0].revision != based_on:
        raise StaleVersion(known[0].revision)
    _check_day(applies_from, known, today=timezone.localdate(at))
    approved = next(row for row in known if row.state == MaskingState.APPROVED)
    if masks.read(profile, approved.rows) == dict(rows):
        raise InvalidInput("reason", _("Nothing is different from revision %(revision)s."), revision=approved.revision)
    row = MaskingRevision.objects.create(
        profile=profile,
        revision=known[0].revision + 1,
        rows=masks.stored(rows),
        applies_from=applies_from,
        reason=reason.strip()[: revisions.NOTE],
        proposed_by=by,
        proposed_at=at,
    )
    _record("masking_proposed", row, by)
    deciders = (notify.holders_of(EDITORS[0]) | notify.holders_of(EDITORS[1])).exclude(pk=by.pk).distinct()
    notify.tell(deciders, "masking_waits", dedupe=f"masking_waits:{row.pk}", url=_page(row))
    return row


def _check_day(day: date, known: list[MaskingRevision], *, today: date) -> None:
    if day < today:
        raise InvalidInput(
            "applies_from",
            _("%(day)s is in the past; give %(today)s or a later day."),
            day=day.isoformat(),
            today=today.isoformat(),
        )
    for row in known:
        if row.state == MaskingState.APPROVED and row.applies_from and row.applies_from > day:
            raise InvalidInput(
                "applies_from",
                _("Revision %(revision)s begins on %(day)s; give that day or a later one."),
                revision=row.revision,
                day=row.applies_from.isoformat(),
            )


@transaction.atomic
def decide(pk: int, *, approve: bool, note: str = "", by: User, at: datetime | None = None) -> MaskingRevision:
    """Approve or decline what somebody else proposed.

    It masks from the day asked for, and never before it is approved. Raises NotAllowed for the proposer and without
    the right, IllegalTransition once decided, InvalidInput at `note` when it is declined without a reason, or at the
    field of a wording that may no longer stand.
    """
    at = at or timezone.now()
    row = _open(pk, by=by)
    if row.proposed_by_id == by.pk:
        raise NotAllowed(_("You proposed this; another person decides."))
    if "\x00" in note or not (approve or note.strip()):
        raise InvalidInput("note", _("Say why it is declined."))
    if approve:
        check(row.profile, masks.read(row.profile, row.rows))
        row.applies_from = max(row.applies_from or timezone.localdate(at), timezone.localdate(at))
    row.state = MaskingState.APPROVED if approve else MaskingState.DECLINED
    row.decided_by, row.decided_at, row.decision_note = by, at, note.strip()[: revisions.NOTE]
    row.save(update_fields=["state", "applies_from", "decided_by", "decided_at", "decision_note"])
    _record("masking_approved" if approve else "masking_declined", row, by)
    if row.proposed_by:
        notify.tell([row.proposed_by], "masking_decided", dedupe=f"masking_decided:{row.pk}", url=_page(row))
    return row


@transaction.atomic
def take_back(pk: int, *, by: User) -> MaskingRevision:
    """Withdraw one's own proposal. Raises NotAllowed, IllegalTransition once decided."""
    row = _open(pk, by=by)
    if row.proposed_by_id != by.pk:
        raise NotAllowed(_("Only who proposed it takes it back."))
    row.state = MaskingState.WITHDRAWN
    row.save(update_fields=["state"])
    _record("masking_taken_back", row, by)
    return row


def _open(pk: int, *, by: User) -> MaskingRevision:
    if not may_edit(by):
        raise NotAllowed(_("Your role does not allow this."))
    row = MaskingRevision.objects.select_for_update(of=("self",)).get(pk=pk)
    if row.state != MaskingState.PROPOSED:
        raise IllegalTransition(_("This was decided already: %(state)s."), state=row.get_state_display())
    return row


def _page(row: MaskingRevision) -> str:
    return reverse("publication:masking_revision", args=[row.pk])


def _record(kind: str, row: MaskingRevision, by: User) -> None:
    day = row.applies_from.isoformat() if row.applies_from else ""
    security.record(kind, user=by, subject=f"{row.profile}:{row.revision}", applies_from=day)
