"""What employees suggest on process, training and tools, and the answers (IMP-20)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import User
from analytics import problems
from analytics.models import Problem, StaffIdea
from analytics.problem_rules import require_manager, required
from complaints import notify

SUGGEST = "complaints.use_desk"
TEXT, ANSWER = 2000, 2000
ABOUT = dict(StaffIdea._meta.get_field("about").choices or ())
URL = "/desk/problems/ideas/"


@transaction.atomic
def suggest(*, about: str, text: str, by: User, at: datetime | None = None) -> StaffIdea:
    """Make a suggestion; whoever keeps the problem list is told. Raises NotAllowed, InvalidInput by field."""
    if not by.is_active or not by.has_perm(SUGGEST):
        raise NotAllowed(_("Your role does not allow this."))
    if about not in ABOUT:
        raise InvalidInput("about", _("Choose one."))
    text = required("text", text, TEXT, _("Say what you suggest."))
    idea = StaffIdea.objects.create(about=about, text=text, by=by, at=at or timezone.now())
    people = notify.holders_of(problems.MANAGE).exclude(pk=by.pk)
    notify.tell(people, "idea_made", dedupe=f"idea_made:{idea.pk}", url=URL, by_email=False)
    return idea


@transaction.atomic
def answer(
    idea_id: int, *, is_adopted: bool, text: str, by: User, problem: Problem | None = None, at: datetime | None = None
) -> StaffIdea:
    """Answer a suggestion of somebody else, with the problem it belongs to; whoever made it is told.

    Raises NotAllowed, IllegalTransition when it is answered, InvalidInput("text").
    """
    require_manager(by)
    idea = StaffIdea.objects.select_for_update(of=("self",)).select_related("by").get(pk=idea_id)
    if idea.answered_at is not None:
        raise IllegalTransition(_("This is answered already."))
    if idea.by_id == by.pk:
        raise NotAllowed(_("You made this suggestion; another person answers it."))
    idea.answer = required("text", text, ANSWER, _("Write the answer."))
    idea.is_adopted, idea.problem = is_adopted, problem
    idea.answered_at, idea.answered_by = at or timezone.now(), by
    idea.save(update_fields=["answer", "is_adopted", "problem", "answered_at", "answered_by"])
    notify.tell([idea.by], "idea_answered", dedupe=f"idea_answered:{idea.pk}", url=URL)
    return idea


def shares() -> dict[str, int]:
    """Suggestions `made`, `answered` and `adopted` by the whole office. One query."""
    return StaffIdea.objects.order_by().aggregate(
        made=Count("pk"),
        answered=Count("pk", filter=Q(answered_at__isnull=False)),
        adopted=Count("pk", filter=Q(is_adopted=True)),
    )
