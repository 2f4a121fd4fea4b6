"""Who may do what on a review; the transitions ask again under the lock."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from review import group, independence
from review.models import ReviewCase
from review.states import MOVES

# Done by whoever leads the group for this review.
_LEADING = {"assign_reviewers"}
# Screening may be done by any free member; everything else by the members assigned.
_SCREENING = {"set_up", "refuse", "deliver_notice"}


def refusal(user: User, action: str, review: ReviewCase, *, at: datetime | None = None) -> str:
    """Why the user may not; '' when they may. Conflicts are read from the stored rows."""
    at = at or timezone.now()
    if not user.is_active or not user.has_perm("review.review_case"):
        return _("Your role does not allow this.")
    if review.conflicts.filter(user=user).exists():
        return _("You took part in this matter or your department did; you cannot judge it.")
    missing = group.refusal(user, at=at)
    if missing:
        return missing
    head = independence.acting_head(review, at=at)
    leads = head is not None and head.pk == user.pk
    assigned = review.assignments.filter(reviewer=user, is_void=False).exists()
    if action in _LEADING and not leads:
        return _("The head of the review group decides this.")
    if action not in _LEADING and action not in _SCREENING and not (assigned or leads):
        return _("This review is assigned to other members.")
    if action == "give_opinion" and not assigned:
        return _("Only the members assigned give an opinion.")
    if action == "finalise" and review.report_revisions.filter(by=user).exists():
        return _("You wrote part of the report; another member signs it.")
    if action in ("finalise", "return_report"):
        if review.report_by_id == user.pk:
            return _("You wrote the report; another member signs it.")
        if review.is_major and not leads:
            return _("The conclusion on a major complaint is signed by the head of the review group.")
    return ""


def can(user: User, action: str, review: ReviewCase) -> bool:
    return not refusal(user, action, review)


def available_actions(review: ReviewCase, user: User) -> list:
    """The moves this person can make on this review now; an opinion is given once on a dossier (RI-11)."""
    moves = [move for move in MOVES.values() if review.status in move.sources and can(user, move.action, review)]
    given = any(move.action == "give_opinion" for move in moves) and has_opined(review, user)
    return [move for move in moves if move.action != "give_opinion" or not given]


def has_opined(review: ReviewCase, user: User) -> bool:
    """Whether the person has given an opinion on the dossier as it is."""
    return review.opinions.filter(reviewer=user, dossier_hash=review.dossier_hash).exists()


def may_see_opinions(user: User, review: ReviewCase) -> bool:
    """Opinions are blind until everybody assigned has given one (RI-10), for the head too."""
    from review.dossier import opinions_complete

    return opinions_complete(review)
