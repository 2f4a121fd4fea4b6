"""Further remedies that a review proposes; they follow the rules of all remedies (REV-48).

Who proposes does not approve, and who approves does not hand over; the limits of the levels hold as for the case. A
change of a process is a rectification of the review, with a department and a date.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput
from accounts.models import User
from complaints import remedies
from complaints import transitions as case_transitions
from complaints.models import Remedy
from complaints.states import RemedyKind, RemedyState, Status
from review import side
from review.models import ReviewCase
from review.states import ReviewStatus

# A remedy shows on the case, so it waits for the result to be final (RI-12).
PROPOSING = (ReviewStatus.FEEDBACK, ReviewStatus.RECTIFICATION)
TEXT = 2000


@transaction.atomic
def propose(
    review_id: int,
    *,
    kind: str,
    description: str,
    amount: Decimal | None = None,
    is_owed: bool = True,
    due_on: date | None = None,
    by: User,
    version: int | None = None,
    at: datetime | None = None,
) -> Remedy:
    """Propose a further remedy in yuan or kind; money and goodwill wait for another person's approval (REV-48).

    Raises NotAllowed, StaleVersion, IllegalTransition before the decision or on an archived case, InvalidInput.
    """
    at = at or timezone.now()
    review, complaint = side.begin(review_id, "propose_remedy", by=by, version=version, statuses=PROPOSING, at=at)
    if complaint.status == Status.ARCHIVED:
        raise IllegalTransition(_("The case is archived; nothing can be added."))
    if kind not in RemedyKind.values:
        raise InvalidInput("kind", _("Choose one of the values."))
    description = side.text("description", description, limit=TEXT)
    if is_owed is None:
        raise InvalidInput("is_owed", _("Answer this question."))
    row = case_transitions.create_remedy(
        complaint, by=by, at=at, kind=kind, description=description, amount=amount, is_owed=is_owed, due_on=due_on
    )
    # The department reads that there is a remedy; an act of the review, so whoever proposes stays free to judge.
    case_transitions.add_event(complaint, "review_remedy", by=by, at=at, note=kind, reference=f"review:{review.number}")
    review.remedies.add(row)
    side.finish(review, complaint, "remedy_proposed", by=by, at=at, note=kind)
    return row


def unsettled(review: ReviewCase) -> list[Remedy]:
    """The remedies of a review that are neither given nor refused; it stays open for them."""
    settled = (RemedyState.DONE, RemedyState.REFUSED)
    return [row for row in review.remedies.all() if remedies.standing(row) not in settled]
