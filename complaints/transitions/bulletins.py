"""Bulletins of an incident: written by one person, released by another, withdrawn (INC-05, INC-06, INC-09)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from accounts import after_commit
from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import User
from complaints import incidents, signals
from complaints.models import Bulletin, Incident, IncidentResponse
from complaints.states import BulletinKind, BulletinState, IncidentKind
from complaints.transitions import core
from complaints.transitions.incidents import PLACE, SHORT, TEXT, begin, save, text_of

LEAST_HOURS, MOST_HOURS = 1, 48
# The parts the public reads, each scanned for personal data.
PUBLIC_PARTS = {
    "progress": _("How far we are"),
    "supply": _("Where supply is available meanwhile"),
    "contact": _("Whom to turn to"),
    "no_advance_notice": _("Why no advance notice was possible"),
    "after_care": _("What people should do now"),
}


@transaction.atomic
def set_rhythm(
    incident_id: int, *, bulletin_hours: int, version: int | None = None, by: User, at: datetime | None = None
) -> IncidentResponse:
    """Change the hours between two bulletins of this incident, 1 to 48; the next one moves with it (INC-06).

    Raises NotAllowed, InvalidInput, StaleVersion, IllegalTransition.
    """
    incident, response = begin(incident_id, by=by, version=version)
    if not LEAST_HOURS <= bulletin_hours <= MOST_HOURS:
        raise InvalidInput("bulletin_hours", _("Give %(least)s to %(most)s hours."), least=LEAST_HOURS, most=MOST_HOURS)
    response.bulletin_hours = bulletin_hours
    save(response, bulletin_hours=bulletin_hours, **_due(incident, response))
    return response


@transaction.atomic
def write_bulletin(
    incident_id: int,
    *,
    kind: str,
    progress: str,
    contact: str,
    expected_recovery_at: datetime | None = None,
    supply: str = "",
    no_advance_notice: str = "",
    after_care: str = "",
    by: User,
    at: datetime | None = None,
) -> Bulletin:
    """Write the next bulletin as a draft; the first that stands is the first notice (INC-05, INC-06, INC-09).

    Raises NotAllowed, InvalidInput, also for a personal detail in a text, IllegalTransition while a draft waits.
    """
    at = core.moment(at)
    incident, response = begin(incident_id, by=by, closed_too=True)
    require_writable(incident)
    row = Bulletin(incident=incident, number=_next_number(incident), due_at=response.next_bulletin_due_at)
    _fill(
        row,
        response,
        kind=kind,
        progress=progress,
        contact=contact,
        expected_recovery_at=expected_recovery_at,
        supply=supply,
        no_advance_notice=no_advance_notice,
        after_care=after_care,
    )
    row.written_by, row.written_at = by, at
    row.save()
    return row


@transaction.atomic
def edit_bulletin(
    bulletin_id: int,
    *,
    kind: str,
    progress: str,
    contact: str,
    expected_recovery_at: datetime | None = None,
    supply: str = "",
    no_advance_notice: str = "",
    after_care: str = "",
    version: int | None = None,
    by: User,
    at: datetime | None = None,
) -> Bulletin:
    """Change a draft; whoever changed it last counts as its writer.

    Raises NotAllowed, InvalidInput, StaleVersion, IllegalTransition for one that was released.
    """
    at = core.moment(at)
    incident, response, row = _begin(bulletin_id, by=by, version=version)
    require_editable(row, incident)
    _fill(
        row,
        response,
        kind=kind,
        progress=progress,
        contact=contact,
        expected_recovery_at=expected_recovery_at,
        supply=supply,
        no_advance_notice=no_advance_notice,
        after_care=after_care,
    )
    row.written_by, row.written_at, row.version = by, at, row.version + 1
    row.save()
    return row


def require_writable(incident: Incident) -> None:
    """Raises IllegalTransition when no bulletin is written now: the incident is over, or a draft waits."""
    _require_going_on(incident)
    if Bulletin.objects.filter(incident=incident, state=BulletinState.DRAFT).exists():
        raise IllegalTransition(_("A draft waits already; change that one or have it released."))


def require_editable(row: Bulletin, incident: Incident) -> None:
    """Raises IllegalTransition for a bulletin that nobody changes any more."""
    _require_going_on(incident)
    _require_draft(row)


def require_releasable(row: Bulletin, incident: Incident, *, by: User) -> None:
    """Raises NotAllowed for who wrote it, IllegalTransition for one that was released, or after the incident."""
    require_editable(row, incident)
    if row.written_by_id == by.pk:
        raise NotAllowed(_("Somebody else releases what you wrote."))


def require_released(row: Bulletin) -> None:
    """Raises IllegalTransition for one that cannot be withdrawn."""
    if row.state != BulletinState.RELEASED:
        raise IllegalTransition(_("Only a released bulletin can be withdrawn."))


@transaction.atomic
def release_bulletin(bulletin_id: int, *, version: int | None = None, by: User, at: datetime | None = None) -> Bulletin:
    """Somebody other than the writer releases the bulletin; the next one is due from now on (INC-06).

    Raises NotAllowed, InvalidInput for a personal detail that became known, StaleVersion, IllegalTransition.
    """
    at = core.moment(at)
    _require_release(by)
    incident, response, row = _begin(bulletin_id, by=by, version=version)
    require_releasable(row, incident, by=by)
    _require_closing(row, response)
    _require_impersonal(row, incident)
    row.state, row.released_by, row.released_at = BulletinState.RELEASED, by, at
    row.due_at, row.version = response.next_bulletin_due_at, row.version + 1
    row.save(update_fields=["state", "released_by", "released_at", "due_at", "version"])
    if response.first_notice_at is None:
        response.first_notice_at = at
    save(response, first_notice_at=response.first_notice_at, **_due(incident, response))
    after_commit.announce(signals.bulletin_released, Bulletin, bulletin_id=row.pk)
    return row


@transaction.atomic
def withdraw_bulletin(
    bulletin_id: int, *, reason: str, version: int | None = None, by: User, at: datetime | None = None
) -> Bulletin:
    """A released bulletin is wrong: it keeps its number, the correction is a new one; also of a closed incident.

    The next bulletin is due again as if this one had not been. Raises NotAllowed, InvalidInput, StaleVersion,
    IllegalTransition.
    """
    at = core.moment(at)
    _require_release(by)
    incident, response, row = _begin(bulletin_id, by=by, version=version)
    require_released(row)
    row.withdrawal_reason = text_of("reason", reason, limit=PLACE)
    row.state, row.withdrawn_at, row.withdrawn_by, row.version = BulletinState.WITHDRAWN, at, by, row.version + 1
    row.save(update_fields=["withdrawal_reason", "state", "withdrawn_at", "withdrawn_by", "version"])
    save(response, **_due(incident, response))
    after_commit.announce(signals.bulletin_withdrawn, Bulletin, bulletin_id=row.pk)
    return row


# --- Shared -------------------------------------------------------------------------------------------
def _begin(bulletin_id: int, *, by: User, version: int | None) -> tuple[Incident, IncidentResponse, Bulletin]:
    """Lock a bulletin behind its incident and response, also of an incident that is closed."""
    incident_id = Bulletin.objects.values_list("incident", flat=True).get(pk=bulletin_id)
    incident, response = begin(incident_id, by=by, closed_too=True)
    row = Bulletin.objects.select_for_update().get(pk=bulletin_id)
    if version is not None and version != row.version:
        raise StaleVersion(row.version)
    return incident, response, row


def _require_release(by: User) -> None:
    if not by.has_perm(incidents.RELEASE):
        raise NotAllowed(_("Your role does not allow this."))


def _require_going_on(incident: Incident) -> None:
    """Of a closed incident only a closing notice that was withdrawn is written anew."""
    if not incidents.may_write(incident):
        raise IllegalTransition(_("This incident is closed."))


def _require_draft(row: Bulletin) -> None:
    if row.state != BulletinState.DRAFT:
        raise IllegalTransition(_("This bulletin is no draft any more; withdraw it and write a new one."))


def _require_closing(row: Bulletin, response: IncidentResponse) -> None:
    if row.kind == BulletinKind.CLOSING and response.recovered_at is None:
        raise InvalidInput("kind", _("Record first when the service was back."))


def _require_impersonal(row: Bulletin, incident: Incident) -> None:
    found = incidents.personal_in(incident, {name: getattr(row, name) for name in PUBLIC_PARTS})
    if found:
        field, detail = found
        raise InvalidInput(
            field,
            _("“%(part)s” holds a personal detail: %(detail)s. Take it out; everybody reads a bulletin."),
            part=PUBLIC_PARTS[field],
            detail=detail,
        )


def _fill(row: Bulletin, response: IncidentResponse, *, kind: str, **parts: str | datetime | None) -> None:
    """Set and check the content of a draft."""
    core.check_codes("kind", [kind], BulletinKind)
    if row.incident.closed_at is not None and kind != BulletinKind.CLOSING:
        raise InvalidInput("kind", _("This incident is closed; only its closing notice is written anew."))
    standing = Bulletin.objects.filter(incident=row.incident).exclude(state=BulletinState.WITHDRAWN).exclude(pk=row.pk)
    if kind != BulletinKind.CLOSING:
        kind = BulletinKind.PROGRESS if standing.exists() else BulletinKind.FIRST
    row.kind = kind
    _require_closing(row, response)
    row.expected_recovery_at = parts.pop("expected_recovery_at")  # type: ignore[assignment]
    required = {"progress", "contact"}
    if kind == BulletinKind.CLOSING:
        required.add("after_care")
    elif response.kind == IncidentKind.INTERRUPTION and response.recovered_at is None:
        # People without water ask first where there is some; "nowhere so far" is an answer too (INC-07).
        required.add("supply")
    for name, value in parts.items():
        limit = SHORT if name == "contact" else TEXT
        setattr(row, name, text_of(name, str(value), limit=limit, required=name in required))
    _require_impersonal(row, row.incident)


def _next_number(incident: Incident) -> int:
    return (Bulletin.objects.filter(incident=incident).aggregate(last=Max("number"))["last"] or 0) + 1


def _due(incident: Incident, response: IncidentResponse) -> dict[str, datetime | None]:
    """When the next bulletin is due: so many hours after the last that stands; never after the end of the incident."""
    rows = Bulletin.objects.filter(incident=incident, state=BulletinState.RELEASED)
    last = rows.order_by("-released_at", "-number").first()
    if incident.closed_at is not None or (last is not None and last.kind == BulletinKind.CLOSING):
        due = None
    else:
        since = last.released_at if last is not None and last.released_at else response.started_at
        due = since + timedelta(hours=response.bulletin_hours)
    if due == response.next_bulletin_due_at:
        return {}
    return {"next_bulletin_due_at": due, "overdue_told_at": None}
