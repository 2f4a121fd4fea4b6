"""Who complained, as far as it is added to after intake: another number or address (IN-17)."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import User
from complaints import identity, office_terms
from complaints.models import Complaint, ContactPoint
from complaints.models.people import ContactKind
from complaints.states import Status
from complaints.timeline_words import NOTE_WORDS
from complaints.transitions import core, grading
from complaints.transitions.intake import check_text

PERMISSION = "complaints.record_for_complainant"
KINDS = (ContactKind.PHONE, ContactKind.EMAIL, ContactKind.ADDRESS)
LIMIT = 200

# The note of the event is the kind; the number itself stands in no event.
NOTE_WORDS["contact_point"] = dict(ContactKind.choices)


@transaction.atomic
def add_contact_point(
    complaint_id: int, *, kind: str, value: str, is_preferred: bool, by: User, at: datetime | None = None
) -> ContactPoint:
    """Add a number or address of the complainant; what was given before stays (IN-17).

    The preferred one comes first wherever one is used, and so corrects one that was misheard. A person who complained
    before under it makes the case a repeat, which is graded again (RISK-07).
    Raises NotAllowed, IllegalTransition, and InvalidInput for what cannot be reached or is known already.
    """
    at = core.moment(at)
    complaint = core.lock(complaint_id)
    if not by.has_perm(PERMISSION) or not Complaint.objects.visible_to(by).filter(pk=complaint.pk).exists():
        raise NotAllowed(_("Your role does not allow this."))
    if complaint.status == Status.ARCHIVED:
        raise IllegalTransition(_("The case is archived; nothing can be added."))
    core.require("value", value)
    value = check_text("value", value.strip(), limit=LIMIT)
    _check(kind, value)
    person = complaint.complainant
    hashed = identity.match_hash(kind, value)
    if any(
        point.value == value or (hashed and point.match_hash == hashed) for point in person.contacts.filter(kind=kind)
    ):
        raise InvalidInput("value", _("This is known already."))
    if is_preferred:
        person.contacts.update(is_preferred=False)
        person.preferred_contact = kind
        person.save(update_fields=["preferred_contact"])
    row = ContactPoint.objects.create(
        complainant=person, kind=kind, value=value, match_hash=hashed, is_preferred=is_preferred
    )
    core.add_event(complaint, "contact_point", by=by, at=at, note=kind)
    if not complaint.is_repeat and hashed:
        earlier = identity.earlier_complaints(complaint, at=complaint.received_at, days=office_terms.of("repeat"))
        if earlier.exists():
            complaint.is_repeat = True
            complaint.save(update_fields=["is_repeat"])
            grading.regrade(complaint, at=at)
    return row


def _check(kind: str, value: str) -> None:
    if kind not in KINDS:
        raise InvalidInput("kind", _("“%(value)s” is not one of the choices."), value=kind[:20])
    if kind == ContactKind.PHONE and not identity.plausible_phone(value):
        raise InvalidInput("value", _("This is not a phone number that can be dialled; check the digits."))
    if kind == ContactKind.EMAIL:
        try:
            validate_email(value)
        except ValidationError as error:
            raise InvalidInput("value", error.messages[0]) from error
