"""Every write on the problem list: entered, fed by cases and reports, settled by verified projects (IMP-01, IMP-02).

Locks are taken in one order: the problem, then its cases by key.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import Department, User
from analytics import problems
from analytics.models import Problem, ProblemSource
from analytics.states import ProblemSourceKind, ProblemState, ProjectState
from complaints import numbers
from complaints import transitions as case_transitions
from complaints.models import Category, Complaint

TITLE, TEXT, NOTE, REASON = 120, 9000, 200, 300
# One step links so many cases: each gets an event of its own.
LINKED_AT_ONCE = 200


def require_manager(by: User) -> None:
    """Raises NotAllowed."""
    if not by.is_active or not by.has_perm(problems.MANAGE):
        raise NotAllowed(_("Your role does not allow this."))


def required(field: str, text: str, most: int, message: Any = _("Fill this in.")) -> str:
    """The text as it is stored. Raises InvalidInput when it is empty or too long."""
    if not text.strip():
        raise InvalidInput(field, message)
    if len(text.strip()) > most:
        raise InvalidInput(field, _("At most %(most)s characters."), most=most)
    return text.strip()


def lock(problem_id: int, *, version: int | None = None) -> Problem:
    """The problem with its row locked. Raises StaleVersion when the caller read an older version."""
    problem = Problem.objects.select_for_update().get(pk=problem_id)
    if version is not None and version != problem.version:
        raise StaleVersion(problem.version)
    return problem


def save(problem: Problem, *fields: str) -> Problem:
    """Save a change as the next version."""
    problem.version += 1
    problem.save(update_fields=[*fields, "version"])
    return problem


@transaction.atomic
def enter(
    *,
    title: str,
    description: str,
    by: User,
    category: Category | None = None,
    department: Department | None = None,
    is_major: bool = False,
    case: Complaint | None = None,
    reference: str = "",
    at: datetime | None = None,
) -> Problem:
    """Put a problem on the list, with the case or the report (`reference`, its period) that showed it.

    Raises NotAllowed, InvalidInput naming `title` or `description`.
    """
    require_manager(by)
    at = at or timezone.now()
    title = required("title", title, TITLE, _("Name the problem in one line."))
    description = required("description", description, TEXT, _("Say what is wrong."))
    problem = Problem.objects.create(
        number=numbers.next_number("WT", at=at, monthly=True),
        title=title,
        description=description,
        category=category,
        department=department,
        is_major=is_major,
        opened_at=at,
        opened_by=by,
    )
    if case is not None:
        link_cases(problem, [case.pk], kind=ProblemSourceKind.CASE, by=by, at=at)
    if reference:
        add_reference(problem, ProblemSourceKind.REPORT, reference, by=by, at=at)
    return problem


@transaction.atomic
def edit(
    problem_id: int,
    *,
    title: str,
    description: str,
    category: Category | None,
    department: Department | None,
    is_major: bool,
    version: int,
    by: User,
) -> Problem:
    """Change the words and the place of a problem. Raises NotAllowed, StaleVersion, InvalidInput by field."""
    require_manager(by)
    problem = lock(problem_id, version=version)
    problem.title = required("title", title, TITLE, _("Name the problem in one line."))
    problem.description = required("description", description, TEXT, _("Say what is wrong."))
    problem.category, problem.department, problem.is_major = category, department, is_major
    return save(problem, "title", "description", "category", "department", "is_major")


# --- Sources ----------------------------------------------------------------------------------------
@transaction.atomic
def add_case(
    problem_id: int, *, case: Complaint, by: User, note: str = "", at: datetime | None = None
) -> ProblemSource:
    """Add a case by hand. Raises NotAllowed, InvalidInput("case") when it is a source already."""
    require_manager(by)
    problem = lock(problem_id)
    if not link_cases(problem, [case.pk], kind=ProblemSourceKind.CASE, note=note, by=by, at=at or timezone.now()):
        raise InvalidInput("case", _("This case belongs to the problem already."))
    return ProblemSource.objects.get(problem=problem, complaint=case)


def link_cases(
    problem: Problem,
    keys: Iterable[int],
    *,
    kind: ProblemSourceKind,
    by: User,
    at: datetime,
    reference: str = "",
    note: str = "",
    only_free: bool = False,
) -> int:
    """Add cases as sources, at most `LINKED_AT_ONCE`, with an event on each; returns how many are new.

    The caller holds the problem. `only_free`: cases that belong to another problem are left out.
    """
    wanted = sorted(set(keys))[:LINKED_AT_ONCE]
    locked = {pk: case_transitions.lock(pk) for pk in wanted}
    taken = ProblemSource.objects.filter(complaint__in=wanted)
    if not only_free:
        taken = taken.filter(problem=problem)
    known = set(taken.values_list("complaint", flat=True))
    new = [locked[pk] for pk in wanted if pk not in known]
    ProblemSource.objects.bulk_create(
        ProblemSource(
            problem=problem, kind=kind, complaint=case, reference=reference[:40], note=note[:NOTE], at=at, by=by
        )
        for case in new
    )
    for case in new:
        case_transitions.note_problem(case, problem.number, by=by, at=at)
    if new:
        reweigh(problem)
    return len(new)


def add_reference(
    problem: Problem, kind: ProblemSourceKind, reference: str, *, by: User, at: datetime, note: str = ""
) -> None:
    """Add a report, review, publication, incident or another record by its number; a second time changes nothing."""
    ProblemSource.objects.get_or_create(
        problem=problem,
        kind=kind,
        reference=reference[:40],
        complaint=None,
        defaults={"note": note[:NOTE], "at": at, "by": by},
    )


def reweigh(problem: Problem) -> None:
    """Bring the rank up to date; the version stays, nobody edited anything."""
    problem.cases, problem.score = problems.weigh(problem.pk)
    problem.save(update_fields=["cases", "score"])


# --- States -----------------------------------------------------------------------------------------
def follow(problem: Problem) -> None:
    """Bring the state up to what was done: a cause found, a project under way. Settled ones stay settled."""
    if problem.state not in problems.UNSETTLED:
        return
    problem.state = _reached(problem)
    problem.save(update_fields=["state"])


def _reached(problem: Problem) -> ProblemState:
    if problem.projects.exclude(state=ProjectState.GIVEN_UP).exists():
        return ProblemState.IMPROVING
    return ProblemState.ANALYSED if problem.analyses.exists() else ProblemState.OPEN


def may_settle(problem: Problem, states: Iterable[str]) -> bool:
    """Whether projects in these states settle the problem: one verified, none under way."""
    found = set(states)
    return problem.state in problems.UNSETTLED and ProjectState.VERIFIED in found and not found & {*problems.UNDER_WAY}


@transaction.atomic
def settle(problem_id: int, *, reason: str, version: int, by: User, at: datetime | None = None) -> Problem:
    """The problem is solved: a project was verified and none is under way (IMP-06).

    Raises NotAllowed, StaleVersion, InvalidInput("reason"), IllegalTransition.
    """
    problem = _begin(problem_id, version=version, by=by)
    states = list(problem.projects.values_list("state", flat=True))
    if set(states) & {*problems.UNDER_WAY}:
        raise IllegalTransition(_("A project of this problem is not verified yet."))
    if not may_settle(problem, states):
        raise IllegalTransition(_("Only a verified project settles a problem; open one, or set the problem aside."))
    return _end(problem, ProblemState.SETTLED, reason, by=by, at=at)


@transaction.atomic
def set_aside(problem_id: int, *, reason: str, version: int, by: User, at: datetime | None = None) -> Problem:
    """Nothing will be done about it, and the record says why. Raises as `settle` does."""
    problem = _begin(problem_id, version=version, by=by)
    if problem.projects.filter(state__in=problems.UNDER_WAY).exists():
        raise IllegalTransition(_("A project of this problem is under way; give it up first."))
    return _end(problem, ProblemState.SET_ASIDE, reason, by=by, at=at)


@transaction.atomic
def reopen(problem_id: int, *, reason: str, version: int, by: User, at: datetime | None = None) -> Problem:
    """It came back, or was set aside too early. Raises as `settle` does."""
    require_manager(by)
    problem = lock(problem_id, version=version)
    if problem.state in problems.UNSETTLED:
        raise IllegalTransition(_("This problem is on the list already."))
    problem.settled_note = required("reason", reason, REASON, _("Give the reason."))
    problem.settled_at = problem.settled_by = None
    problem.state = _reached(problem)
    return save(problem, "state", "settled_at", "settled_by", "settled_note")


def _begin(problem_id: int, *, version: int, by: User) -> Problem:
    require_manager(by)
    problem = lock(problem_id, version=version)
    if problem.state not in problems.UNSETTLED:
        raise IllegalTransition(_("This problem is closed: %(state)s."), state=problem.get_state_display())
    return problem


def _end(problem: Problem, state: ProblemState, reason: str, *, by: User, at: datetime | None) -> Problem:
    problem.settled_note = required("reason", reason, REASON, _("Give the reason."))
    problem.state, problem.settled_at, problem.settled_by = state, at or timezone.now(), by
    return save(problem, "state", "settled_at", "settled_by", "settled_note")
