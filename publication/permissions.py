"""Who may compose, check, pass and post; one person never does two of these on one publication (PUB-12, AZ-09)."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.models import User
from complaints.models import CaseEvent
from publication.models import Publication
from publication.states import MOVES

_RETURNING = ("publication.first_check", "publication.second_check", "publication.review_masking")


def contributors(publication: Publication) -> set[int]:
    """Everybody who wrote or masked a part of it; none of them may check it."""
    kinds = ("publication_composed", "publication_edit", "publication_decide_span")
    rows = CaseEvent.objects.filter(
        complaint=publication.complaint_id, kind__in=kinds, reference=f"publication:{publication.number}"
    )
    return {publication.author_id, *rows.exclude(actor=None).values_list("actor", flat=True)}


def refusal(user: User, action: str, publication: Publication) -> str:
    """Why the user may not; '' when they may. Compares persons, not roles."""
    if not user.is_active or (not user.has_perm("publication.view_publications") and action != "take_down"):
        return _("Your role does not allow this.")
    if action == "return_to_author":
        return "" if any(user.has_perm(name) for name in _RETURNING) else _("Your role does not allow this.")
    if not user.has_perm(MOVES[action].permission):
        return _("Your role does not allow this.")
    if action not in ("first_check", "second_check", "pass_masking", "publish"):
        return ""
    if user.pk in contributors(publication):
        return _("You wrote a part of this; another person signs and posts it.")
    if action == "second_check" and user.pk == publication.first_checker_id:
        return _("You made the first check; a third person makes the second one.")
    if action == "pass_masking" and user.pk in (publication.first_checker_id, publication.second_checker_id):
        return _("You already signed this; another counsel reviews the masking.")
    return ""


def may_not_look(user: User, publication: Publication) -> str:
    """Why this person may not confirm that the copies of the attachments show nobody; '' when they may (PUB-21)."""
    if not user.is_active or not any(user.has_perm(name) for name in _RETURNING):
        return _("Your role does not allow this.")
    if user.pk in contributors(publication):
        return _("You wrote a part of this; another person looks at the copies.")
    return ""


def can(user: User, action: str, publication: Publication) -> bool:
    return not refusal(user, action, publication)


def available_actions(publication: Publication, user: User) -> list:
    """The moves this person can make on this publication now."""
    return [
        move for move in MOVES.values() if publication.status in move.sources and can(user, move.action, publication)
    ]
