"""Replication: other departments are asked to take over a verified improvement, and answer (IMP-14)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import Department, User
from analytics import problem_rules, projects
from analytics.models import Adoption, Project, UpstreamItem
from analytics.problem_rules import required
from analytics.states import AdoptionState, ProjectState
from complaints import notify

ANSWER = 2000


@transaction.atomic
def ask(
    project_id: int, *, departments: Iterable[Department], due_on: date, by: User, at: datetime | None = None
) -> list[Adoption]:
    """Ask departments to take over a verified improvement; their heads are told.

    Raises NotAllowed, IllegalTransition before it is verified, InvalidInput naming `departments` or `due_on`.
    """
    problem_rules.require_manager(by)
    at = at or timezone.now()
    project = projects.lock(project_id)
    if project.state != ProjectState.VERIFIED:
        raise IllegalTransition(_("Only a verified improvement is handed on."))
    if due_on < timezone.localdate(at):
        raise InvalidInput("due_on", _("This date lies in the past."))
    known = {project.department_id, *project.adoptions.values_list("department", flat=True)}
    new = [department for department in departments if department.pk not in known]
    if not new:
        raise InvalidInput("departments", _("Choose a department that was not asked yet."))
    rows = [
        Adoption.objects.create(project=project, department=department, due_on=due_on, asked_at=at, asked_by=by)
        for department in new
    ]
    for row in rows:
        notify.tell(
            notify.heads_of([row.department_id]),
            "adoption_asked",
            dedupe=f"adoption_asked:{row.pk}",
            url=projects.page_url(project),
            project=project.number,
            day=due_on.isoformat(),
        )
    return rows


def may_answer(user: User, adoption: Adoption | UpstreamItem) -> bool:
    """Whoever heads the department that was asked."""
    return user.is_active and (
        (user.has_perm("complaints.lead_department") and adoption.department_id in user.department_ids)
        or adoption.department_id in user.headed_department_ids()
    )


@transaction.atomic
def answer(adoption_id: int, *, is_adopted: bool, text: str, by: User, at: datetime | None = None) -> Adoption:
    """Take the improvement over or say why not; whoever asked is told.

    Raises NotAllowed, IllegalTransition when it is answered, InvalidInput("text").
    """
    row = Adoption.objects.select_for_update(of=("self",)).select_related("project", "asked_by").get(pk=adoption_id)
    if not may_answer(by, row):
        raise NotAllowed(_("Whoever heads the department answers."))
    if row.state != AdoptionState.ASKED:
        raise IllegalTransition(_("This is answered: %(state)s."), state=row.get_state_display())
    row.answer = required("text", text, ANSWER, _("Say what your department does, or why not."))
    row.state = AdoptionState.ADOPTED if is_adopted else AdoptionState.DECLINED
    row.answered_at, row.answered_by = at or timezone.now(), by
    row.save(update_fields=["answer", "state", "answered_at", "answered_by"])
    notify.tell(
        [row.asked_by],
        "adoption_answered",
        dedupe=f"adoption_answered:{row.pk}",
        url=projects.page_url(row.project),
        project=row.project.number,
    )
    return row


def rate(rows: Iterable[Adoption]) -> tuple[int, int]:
    """(departments that took it over, departments asked)."""
    states = [row.state for row in rows]
    return states.count(AdoptionState.ADOPTED), len(states)


def rows_of(project: Project) -> list[Adoption]:
    """Who was asked, with names, in the order they were asked."""
    return list(project.adoptions.select_related("department", "asked_by", "answered_by"))
