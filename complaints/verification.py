"""Whether the contact data of a case belong to the person who gave them (PI-15).

Whoever files by themselves types any name and number they like, and nobody checks it. A contact counts
as verified once a member of staff reached the complainant on it; that is read from the communications
on the case, so it cannot be set by hand. Complaints taken down in person or on the phone are not asked.
"""

from __future__ import annotations

from complaints.models import Complaint
from complaints.models.people import ContactKind
from complaints.states import SELF_SERVICE, Channel, ContactOutcome

# On which channel somebody is reached through which contact.
_REACHED_ON: dict[ContactKind, tuple[Channel, ...]] = {
    ContactKind.PHONE: (Channel.PHONE,),
    ContactKind.EMAIL: (Channel.EMAIL,),
    ContactKind.ADDRESS: (Channel.LETTER,),
    ContactKind.IDENTITY: (Channel.COUNTER,),
}


def unverified(complaint: Complaint) -> list[ContactKind]:
    """The kinds of contact given on this case that nobody was reached on yet. Uses loaded rows."""
    if complaint.channel not in SELF_SERVICE:
        return []
    reached = {
        row.channel
        for row in complaint.communications.all()
        if row.outcome == ContactOutcome.REACHED and row.by_id is not None
    }
    given = {point.kind for point in complaint.complainant.contacts.all()}
    return [kind for kind, channels in _REACHED_ON.items() if kind in given and not reached.intersection(channels)]
