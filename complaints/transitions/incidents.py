"""The response to an incident: declared, surveyed, people called out, over, looked after (INC-02…04, INC-10…20).

Whoever leads the response writes everything here; a record of the whole response is guarded by its version.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import security
from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import Department, User
from complaints import identity, incidents, notify, office_terms
from complaints.models import (
    AfterAction,
    CallOut,
    Complaint,
    HomeHelp,
    ImprovementAction,
    Incident,
    IncidentFeedback,
    IncidentResponse,
    OpinionSignal,
)
from complaints.states import CallOutKind, IncidentKind, RatingSource, Satisfaction
from complaints.transitions import core, matching
from complaints.transitions.intake import check_text

# The longest texts, in characters.
SHORT, PLACE, COMMENT, TEXT = 200, 300, 2000, 5000
SECTIONS = ("initial_response", "information", "care", "recovery", "result", "lessons")


def require_lead(by: User) -> None:
    """Raises NotAllowed for who does not lead responses."""
    if not by.has_perm(incidents.MANAGE):
        raise NotAllowed(_("Your role does not allow this."))


def begin(
    incident_id: int, *, by: User, version: int | None = None, closed_too: bool = False
) -> tuple[Incident, IncidentResponse]:
    """Lock an incident and its response, always in this order. Raises NotAllowed, StaleVersion, IllegalTransition."""
    require_lead(by)
    incident = Incident.objects.select_for_update().get(pk=incident_id)
    response = IncidentResponse.objects.select_for_update().filter(pk=incident_id).first()
    if response is None:
        raise IllegalTransition(_("No response was declared for this incident."))
    if version is not None and version != response.version:
        raise StaleVersion(response.version)
    if incident.closed_at is not None and not closed_too:
        raise IllegalTransition(_("This incident is closed."))
    return incident, response


def text_of(field: str, value: str, *, limit: int, required: bool = True) -> str:
    """The text without blanks at its ends. Raises InvalidInput for one that is missing, too long or unstorable."""
    if required:
        core.require(field, value)
    return check_text(field, value, limit=limit).strip()


def save(response: IncidentResponse, **changes: Any) -> None:
    """Write changes of a locked response under its next version."""
    for name, value in changes.items():
        setattr(response, name, value)
    response.version += 1
    response.save(update_fields=[*changes, "version"])


def _require_past(field: str, value: datetime, at: datetime) -> None:
    core.require(field, value)
    if value > at:
        raise InvalidInput(field, _("This time has not come yet."))


# --- Declaring (INC-02) -------------------------------------------------------------------------------
@transaction.atomic
def declare_response(
    incident_id: int,
    *,
    kind: str,
    started_at: datetime,
    is_high_level: bool = False,
    by: User,
    at: datetime | None = None,
) -> IncidentResponse:
    """Start the response; the clocks of the first contact and of the bulletins run from its beginning (INC-02).

    Raises NotAllowed, InvalidInput, IllegalTransition when the incident is closed or has a response already.
    """
    at = core.moment(at)
    require_lead(by)
    core.check_codes("kind", [kind], IncidentKind)
    _require_past("started_at", started_at, at)
    incident = Incident.objects.select_for_update().get(pk=incident_id)
    if incident.closed_at is not None:
        raise IllegalTransition(_("This incident is closed."))
    if IncidentResponse.objects.filter(pk=incident_id).exists():
        raise IllegalTransition(_("The response to this incident was declared already."))
    terms = office_terms.all_of(office_terms.current())
    response = IncidentResponse.objects.create(
        incident=incident,
        kind=kind,
        is_high_level=is_high_level,
        started_at=started_at,
        declared_at=at,
        declared_by=by,
        bulletin_hours=terms["bulletin"],
        next_bulletin_due_at=started_at + timedelta(hours=terms["bulletin"]),
        first_contact_due_at=started_at + timedelta(hours=terms["first_contact"]),
    )
    notify.tell(
        notify.holders_of(incidents.MANAGE),
        "incident_declared",
        dedupe=f"incident_declared:{incident.pk}",
        url=incidents.page_url(incident.number),
        incident=incident.number,
    )
    return response


@transaction.atomic
def declare_from_case(
    complaint_id: int,
    *,
    title: str,
    place: str = "",
    kind: str,
    started_at: datetime,
    is_high_level: bool = False,
    by: User,
    at: datetime | None = None,
) -> IncidentResponse:
    """Open an incident with its first case and start the response at once (INC-02).

    Raises NotAllowed, InvalidInput, IllegalTransition when the case is over or belongs to an incident.
    """
    at = core.moment(at)
    require_lead(by)
    complaint = core.begin(complaint_id, "join_incident", by=by)
    if complaint.incident_id is not None:
        raise IllegalTransition(_("The case belongs to an incident already; declare the response there."))
    row = matching.open_incident(
        [complaint_id],
        title=check_text("title", title, limit=120),
        place=check_text("place", place, limit=SHORT),
        category=complaint.category,
        by=by,
        at=at,
    )
    return declare_response(row.pk, kind=kind, started_at=started_at, is_high_level=is_high_level, by=by, at=at)


# --- Survey and call-outs (INC-03, INC-04, INC-11) ----------------------------------------------------
@transaction.atomic
def record_survey(
    incident_id: int,
    *,
    location: str,
    cause: str,
    extent: str,
    households: int | None = None,
    version: int | None = None,
    by: User,
    at: datetime | None = None,
) -> IncidentResponse:
    """What was found on site; a later survey replaces it (INC-03). `cause` may still be unknown.

    Raises NotAllowed, InvalidInput, StaleVersion, IllegalTransition.
    """
    at = core.moment(at)
    _row, response = begin(incident_id, by=by, version=version)
    if households is not None and not 0 <= households <= 10_000_000:
        raise InvalidInput("households", _("Give a number of households."))
    save(
        response,
        location=text_of("location", location, limit=PLACE),
        cause=text_of("cause", cause, limit=TEXT, required=False),
        extent=text_of("extent", extent, limit=TEXT),
        households=households,
        surveyed_at=at,
        surveyed_by=by,
    )
    return response


@transaction.atomic
def call_out(
    incident_id: int,
    *,
    kind: str,
    what: str,
    called_at: datetime,
    people: int = 1,
    person: User | None = None,
    note: str = "",
    by: User,
    at: datetime | None = None,
) -> CallOut:
    """Log that staff, material or more people for the hotline were called; a named person is told (INC-04, INC-11).

    Raises NotAllowed, InvalidInput, IllegalTransition.
    """
    at = core.moment(at)
    incident, _response = begin(incident_id, by=by)
    core.check_codes("kind", [kind], CallOutKind)
    _require_past("called_at", called_at, at)
    if not 1 <= people <= 1000:
        raise InvalidInput("people", _("Give a number from 1 to 1000."))
    if person is not None and not person.is_active:
        raise InvalidInput("person", _("This person no longer works here."))
    row = CallOut.objects.create(
        incident=incident,
        kind=kind,
        person=person,
        what=text_of("what", what, limit=SHORT),
        people=people,
        called_at=called_at,
        note=text_of("note", note, limit=PLACE, required=False),
        at=at,
        by=by,
    )
    if person is not None:
        url = incidents.page_url(incident.number) if person.has_perm(incidents.MANAGE) else ""
        notify.tell([person], "called_out", dedupe=f"called_out:{row.pk}", url=url, incident=incident.number)
    return row


@transaction.atomic
def follow_call_out(
    call_out_id: int,
    *,
    arrived_at: datetime | None = None,
    until: datetime | None = None,
    by: User,
    at: datetime | None = None,
) -> CallOut:
    """When those called were there, and until when they stay. Raises NotAllowed, InvalidInput, IllegalTransition."""
    at = core.moment(at)
    begin(CallOut.objects.values_list("incident", flat=True).get(pk=call_out_id), by=by)
    row = CallOut.objects.select_for_update().get(pk=call_out_id)
    if arrived_at is None and until is None:
        raise InvalidInput("arrived_at", _("Give at least one of the two times."))
    if arrived_at is not None:
        _require_past("arrived_at", arrived_at, at)
        if arrived_at < row.called_at:
            raise InvalidInput("arrived_at", _("This is before they were called."))
    if until is not None and until < (arrived_at or row.called_at):
        raise InvalidInput("until", _("This is before they were there."))
    row.arrived_at, row.until = arrived_at, until
    row.save(update_fields=["arrived_at", "until"])
    return row


# --- Recovery and after care (INC-12, INC-14) ---------------------------------------------------------
@transaction.atomic
def record_recovery(
    incident_id: int, *, recovered_at: datetime, version: int | None = None, by: User, at: datetime | None = None
) -> IncidentResponse:
    """The service is back since then; can be corrected until the incident is closed (INC-12).

    Raises NotAllowed, InvalidInput, StaleVersion, IllegalTransition.
    """
    at = core.moment(at)
    _row, response = begin(incident_id, by=by, version=version)
    _require_past("recovered_at", recovered_at, at)
    if recovered_at < response.started_at:
        raise InvalidInput("recovered_at", _("This is before the incident began."))
    save(response, recovered_at=recovered_at, recovered_by=by)
    return response


@transaction.atomic
def plan_after_care(
    incident_id: int,
    *,
    after_care: str,
    after_care_contact: str,
    after_care_until: date,
    version: int | None = None,
    by: User,
    at: datetime | None = None,
) -> IncidentResponse:
    """Until when, and where, people find help with what follows; may be extended after closing (INC-14).

    Raises NotAllowed, InvalidInput for a day that is over, StaleVersion, IllegalTransition.
    """
    at = core.moment(at)
    _row, response = begin(incident_id, by=by, version=version, closed_too=True)
    core.require("after_care_until", after_care_until, _("Give a definite date."))
    if after_care_until < timezone.localdate(at):
        raise InvalidInput("after_care_until", _("This date is over; give a day to come."))
    save(
        response,
        after_care=text_of("after_care", after_care, limit=TEXT),
        after_care_contact=text_of("after_care_contact", after_care_contact, limit=SHORT),
        after_care_until=after_care_until,
    )
    return response


# --- Afterwards (INC-15, INC-16, INC-19, INC-20) ------------------------------------------------------
@transaction.atomic
def add_feedback(
    incident_id: int, *, satisfaction: str, comment: str = "", by: User, at: datetime | None = None
) -> IncidentFeedback:
    """What somebody concerned told us about how the incident was handled, without a name (INC-16).

    Raises NotAllowed, InvalidInput, IllegalTransition before the service is back.
    """
    at = core.moment(at)
    incident, response = begin(incident_id, by=by, closed_too=True)
    if response.recovered_at is None:
        raise IllegalTransition(_("Feedback is collected once the service is back."))
    core.check_codes("satisfaction", [satisfaction], Satisfaction)
    return IncidentFeedback.objects.create(
        incident=incident,
        source=RatingSource.CALLER,
        satisfaction=satisfaction,
        comment=text_of("comment", comment, limit=TEXT, required=False),
        at=at,
        by=by,
    )


@transaction.atomic
def give_feedback(
    complaint_id: int, *, satisfaction: str, comment: str = "", at: datetime | None = None
) -> IncidentFeedback:
    """The answer of the complainant of a linked case, given on the tracking page, once for each incident (INC-16).

    Names and numbers of the complainant are taken out: who leads the response may not know whose case it is.
    Raises InvalidInput, IllegalTransition where nothing is asked.
    """
    at = core.moment(at)
    complaint = core.lock(complaint_id)
    if not incidents.asks_feedback(complaint) or complaint.incident is None:
        raise IllegalTransition(_("Your feedback on the incident is here already, or nothing is asked at the moment."))
    core.check_codes("satisfaction", [satisfaction], Satisfaction)
    comment = text_of("comment", comment, limit=COMMENT, required=False)
    row = IncidentFeedback.objects.create(
        incident=complaint.incident,
        source=RatingSource.COMPLAINANT,
        satisfaction=satisfaction,
        comment=identity.scrub(comment, complaint.complainant),
        at=at,
    )
    core.add_event(
        complaint, "incident_feedback", by=None, at=at, note=complaint.incident.number, reference=core.ref(row)
    )
    return row


@transaction.atomic
def link_signal_to_incident(
    incident_id: int, *, signal: OpinionSignal, by: User, at: datetime | None = None
) -> OpinionSignal:
    """Say that something said in public is about this incident (INC-19). Raises NotAllowed, InvalidInput."""
    core.require("signal", signal, _("Choose what was said."))
    incident, _response = begin(incident_id, by=by, closed_too=True)
    row = OpinionSignal.objects.select_for_update().get(pk=signal.pk)
    if row.incident_id is not None:
        raise InvalidInput("signal", _("This signal is linked to an incident already."))
    row.incident = incident
    row.save(update_fields=["incident"])
    security.record("signal_to_incident", user=by, subject=incident.number, signal=row.pk)
    return row


@transaction.atomic
def write_after_action(
    incident_id: int, *, based_on: int = 0, by: User, at: datetime | None = None, **sections: str
) -> AfterAction:
    """A new revision of what is learned, in six sections; `based_on` is the revision the writer saw (INC-20).

    Raises NotAllowed, InvalidInput, StaleVersion, IllegalTransition.
    """
    at = core.moment(at)
    incident, _response = begin(incident_id, by=by, closed_too=True)
    last = AfterAction.objects.filter(incident=incident).order_by("-revision").values_list("revision", flat=True)
    current = last.first() or 0
    if based_on != current:
        raise StaleVersion(current)
    texts = {name: text_of(name, sections.get(name, ""), limit=TEXT) for name in SECTIONS}
    return AfterAction.objects.create(incident=incident, revision=current + 1, at=at, by=by, **texts)


@transaction.atomic
def add_incident_improvement(
    incident_id: int,
    *,
    what: str,
    department: Department,
    due_on: date,
    owner: User | None = None,
    acceptance_test: str = "",
    by: User,
    at: datetime | None = None,
) -> ImprovementAction:
    """What will be improved because of the incident, by whom and until when (INC-15).

    Raises NotAllowed, InvalidInput for a day that is over, IllegalTransition.
    """
    at = core.moment(at)
    incident, _response = begin(incident_id, by=by, closed_too=True)
    core.require("department", department)
    core.require("due_on", due_on, _("Give a definite date."))
    if due_on < timezone.localdate(at):
        raise InvalidInput("due_on", _("This date is over; give a day to come."))
    return ImprovementAction.objects.create(
        incident=incident,
        origin=ImprovementAction.Origin.INCIDENT,
        what=text_of("what", what, limit=TEXT),
        department=department,
        owner=owner,
        due_on=due_on,
        acceptance_test=text_of("acceptance_test", acceptance_test, limit=TEXT, required=False),
        created_by=by,
        created_at=at,
    )


# --- Help at home (INC-10) ----------------------------------------------------------------------------
@transaction.atomic
def list_for_help(
    incident_id: int,
    *,
    name: str,
    address: str,
    need: str,
    due_at: datetime,
    phone: str = "",
    owner: User | None = None,
    complaint: Complaint | None = None,
    by: User,
    at: datetime | None = None,
) -> HomeHelp:
    """Somebody needs help at home until then; `owner` goes there and is told, without the name (INC-10).

    Raises NotAllowed, InvalidInput, IllegalTransition.
    """
    at = core.moment(at)
    incident, _response = begin(incident_id, by=by)
    core.require("due_at", due_at)
    if due_at <= at:
        raise InvalidInput("due_at", _("This time has passed; give a time to come."))
    if complaint is not None and complaint.incident_id != incident.pk:
        raise InvalidInput("complaint", _("This case does not belong to the incident."))
    row = HomeHelp.objects.create(
        incident=incident,
        name=text_of("name", name, limit=80),
        address=text_of("address", address, limit=SHORT),
        phone=text_of("phone", phone, limit=40, required=False),
        need=text_of("need", need, limit=SHORT),
        owner=owner,
        complaint=complaint,
        due_at=due_at,
        listed_at=at,
        listed_by=by,
    )
    _tell_visitor(row)
    return row


@transaction.atomic
def give_help(help_id: int, *, owner: User, by: User) -> HomeHelp:
    """Send somebody, or somebody else, to a visit that is open; who goes there is told (INC-10).

    Raises NotAllowed, InvalidInput, IllegalTransition when it is done already.
    """
    begin(HomeHelp.objects.values_list("incident", flat=True).get(pk=help_id), by=by, closed_too=True)
    row = HomeHelp.objects.select_for_update(of=("self",)).select_related("incident").get(pk=help_id)
    if row.done_at is not None:
        raise IllegalTransition(_("This visit is done already."))
    core.require("owner", owner, _("Choose who goes there."))
    if not owner.is_active:
        raise InvalidInput("owner", _("This person no longer works here."))
    row.owner = owner
    row.save(update_fields=["owner"])
    _tell_visitor(row)
    return row


def _tell_visitor(row: HomeHelp) -> None:
    """Without the name of who needs the help."""
    if row.owner is None:
        return
    notify.tell(
        [row.owner],
        "home_help",
        dedupe=f"home_help:{row.pk}",
        url=f"/desk/incidents/{row.incident.number}/help/",
        incident=row.incident.number,
        due=timezone.localtime(row.due_at).isoformat(timespec="minutes"),
    )


@transaction.atomic
def finish_help(help_id: int, *, result: str, by: User, at: datetime | None = None) -> HomeHelp:
    """The visit is over, and what was done there. Who has the task may say so too.

    Raises NotAllowed, InvalidInput, IllegalTransition when it is done already.
    """
    at = core.moment(at)
    row = HomeHelp.objects.select_for_update().get(pk=help_id)
    if row.owner_id != by.pk:
        require_lead(by)
    if row.done_at is not None:
        raise IllegalTransition(_("This visit is done already."))
    row.result, row.done_at, row.done_by = text_of("result", result, limit=PLACE), at, by
    row.save(update_fields=["result", "done_at", "done_by"])
    return row


def reveal_help(help_id: int, *, by: User) -> HomeHelp:
    """The name and address of a visit in clear; that it was read stands in the security log.

    Raises NotAllowed for who neither leads the response nor has the task.
    """
    row = HomeHelp.objects.select_related("incident").get(pk=help_id)
    if row.owner_id != by.pk:
        require_lead(by)
    security.record("home_help_shown", user=by, subject=row.incident.number, help=row.pk)
    return row
