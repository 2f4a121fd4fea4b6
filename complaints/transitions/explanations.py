"""The cause as it was explained to the complainant, and the head of the unit who rings in person (COO-17, COO-18)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import User
from complaints import clocks, notify
from complaints.calendars import CalendarMissing
from complaints.models import CaseTask, CauseExplanation, Complaint, Contact
from complaints.states import ContactOutcome, Status, TaskKind
from complaints.transitions import coordination, core
from complaints.transitions.intake import check_text

TEXT = 5000


@transaction.atomic
def explain_cause(
    complaint_id: int, *, cause: str, by: User, contact: Contact | None = None, at: datetime | None = None
) -> CauseExplanation:
    """Keep the cause as it was explained, with the contact in which it was told; without one it was told in writing.

    Raises NotAllowed, IllegalTransition for an archived case, and InvalidInput for a contact of another case or one
    that reached nobody (COO-18).
    """
    at = core.moment(at)
    complaint = _begin(complaint_id, by=by)
    core.require("cause", cause, _("Write down the cause as it was explained."))
    check_text("cause", cause, limit=TEXT)
    if contact is not None and (contact.complaint_id != complaint.pk or contact.outcome != ContactOutcome.REACHED):  # type: ignore[attr-defined]
        raise InvalidInput("contact", _("Choose a contact of this case in which the complainant was reached."))
    row = CauseExplanation.objects.create(complaint=complaint, cause=cause.strip(), contact=contact, at=at, by=by)
    core.add_event(complaint, "cause_explained", by=by, at=at, reference=core.ref(row))
    return row


@transaction.atomic
def ask_head(complaint_id: int, *, by: User, at: datetime | None = None) -> CaseTask:
    """Give the head of the lead department the task to ring the complainant in person by the next working day.

    Raises NotAllowed, and IllegalTransition when the department has no head or was asked already (COO-17).
    """
    at = core.moment(at)
    complaint = _begin(complaint_id, by=by)
    head = notify.heads_of([complaint.lead_department_id] if complaint.lead_department_id else []).first()
    if complaint.lead_department is None or head is None:
        raise IllegalTransition(_("No department with a head has this case."))
    with translation.override(settings.LANGUAGE_CODE):
        what = gettext("Ring the complainant in person as head of the unit, and record the contact")
    if complaint.tasks.filter(owner=head, what=what, done_at=None).exists():
        raise IllegalTransition(_("The head was asked to ring already."))
    return coordination.give_task(
        complaint.pk,
        what=what,
        department=complaint.lead_department,
        due_on=_next_working_day(complaint, at),
        owner=head,
        task_kind=TaskKind.OTHER,
        by=by,
        at=at,
    )


def _begin(complaint_id: int, *, by: User) -> Complaint:
    complaint = core.lock(complaint_id)
    if not Complaint.objects.visible_to(by).filter(pk=complaint.pk).exists():
        raise NotAllowed(_("This case is no longer yours to see."))
    if complaint.status == Status.ARCHIVED:
        raise IllegalTransition(_("The case is archived; nothing can be added."))
    if not coordination.may_coordinate(by, complaint):
        raise NotAllowed(_("Only who handles or coordinates the case may do this."))
    return complaint


def _next_working_day(complaint: Complaint, at: datetime) -> date:
    calendar = clocks.working_calendar(complaint.policy.slots)
    try:
        return timezone.localdate(calendar.add_working_time(at, calendar.day_length))
    except CalendarMissing:
        return timezone.localdate(at) + timedelta(days=1)
