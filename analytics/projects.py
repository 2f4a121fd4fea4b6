"""Improvement projects: planned, reported on, done, verified by another person, measured before and after
(IMP-04, IMP-05, IMP-06, IMP-13, IMP-15).

The indicator is a figure of the registry, computed for whole months by the same function as on the page of figures,
for the category and department of the problem.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import Department, User
from analytics import charts, problem_rules, problems
from analytics.figures import FIGURES, UNIT_LABELS, Figure, Unit
from analytics.models import Adoption, Problem, Project, ProjectProgress
from analytics.periods import OFFICE, Period
from analytics.problem_rules import required
from analytics.scope import Scope
from analytics.states import AdoptionState, ImprovementKind, ProblemState, ProjectState
from complaints import filters, notify, numbers

VERIFY = "complaints.verify_improvement"
TITLE, TEXT, NOTE = 120, 4000, 300
EVERY_DAYS = (1, 92)
MOST_MONTHS = 24
# Where along the way from the drawing board to the customer something changes (IMP-04).
CHAIN = {
    "design": gettext_lazy("Design"),
    "production": gettext_lazy("Production"),
    "sales": gettext_lazy("Sales"),
    "service": gettext_lazy("Service"),
}
Span = tuple[Period, Period]

STATE_TONES = {
    ProjectState.OPEN: "info",
    ProjectState.DONE: "warn",
    ProjectState.VERIFIED: "ok",
    ProjectState.GIVEN_UP: "",
}


def visible_to(user: User) -> QuerySet[Project]:
    """The projects of the problems a person may read."""
    return Project.objects.filter(problem__in=problems.visible_to(user).values("pk"))


def may_report(user: User, project: Project) -> bool:
    """Its owner, who heads its department, and whoever keeps the problem list."""
    return (
        user.pk == project.owner_id
        or user.has_perm(problems.MANAGE)
        or (user.has_perm("complaints.lead_department") and project.department_id in user.department_ids)
    )


def may_verify(user: User, project: Project) -> bool:
    """Another person than the owner and than whoever reported it done."""
    return (user.has_perm(problems.MANAGE) or user.has_perm(VERIFY)) and user.pk not in (
        project.owner_id,
        project.done_by_id,
    )


# --- Planning ---------------------------------------------------------------------------------------
@transaction.atomic
def start(problem_id: int, *, owner: User, by: User, at: datetime | None = None, **plan: Any) -> Project:
    """Open a project for a problem and tell its owner (IMP-05).

    `plan`: title, kind, chain (codes of `CHAIN`), goal, acceptance, department, starts_on, due_on,
    report_every_days, indicator (key of `FIGURES`), before (first and last month). Raises NotAllowed,
    IllegalTransition for a settled problem, InvalidInput by field.
    """
    problem_rules.require_manager(by)
    at = at or timezone.now()
    problem = problem_rules.lock(problem_id)
    if problem.state not in problems.UNSETTLED:
        raise IllegalTransition(_("This problem is closed: %(state)s."), state=problem.get_state_display())
    project = Project(problem=problem, owner=owner, created_at=at, created_by=by)
    _plan(project, at=at, **plan)
    project.number = numbers.next_number("GJ", at=at, monthly=True)
    project.save()
    problem_rules.follow(problem)
    _tell([owner], "project_given", project)
    return project


@transaction.atomic
def change(project_id: int, *, owner: User, version: int, by: User, at: datetime | None = None, **plan: Any) -> Project:
    """Change the plan of a project under way; a new owner is told. Raises as `start` does, and StaleVersion."""
    problem_rules.require_manager(by)
    project = _begin(project_id, version=version)
    is_new = project.owner_id != owner.pk
    project.owner = owner
    _plan(project, at=at or timezone.now(), **plan)
    project.version += 1
    project.save()
    if is_new:
        _tell([owner], "project_given", project)
    return project


def _plan(
    project: Project,
    *,
    title: str,
    kind: str,
    chain: Iterable[str],
    goal: str,
    acceptance: str,
    department: Department,
    starts_on: date,
    due_on: date,
    report_every_days: int,
    indicator: str,
    before: Span,
    at: datetime,
) -> None:
    project.title = required("title", title, TITLE, _("Name the project."))
    project.goal = required("goal", goal, TEXT, _("Say what will be different."))
    project.acceptance = required("acceptance", acceptance, TEXT, _("Say how it will be judged."))
    if kind not in ImprovementKind.values:
        raise InvalidInput("kind", _("Choose the kind of improvement."))
    places = set(chain)
    if not places or places - CHAIN.keys():
        raise InvalidInput("chain", _("Choose where something changes."))
    if due_on < starts_on:
        raise InvalidInput("due_on", _("The end lies before the beginning."))
    least, most = EVERY_DAYS
    if not least <= report_every_days <= most:
        raise InvalidInput(
            "report_every_days", _("Give a whole number from %(least)s to %(most)s."), least=least, most=most
        )
    if indicator not in FIGURES:
        raise InvalidInput("indicator", _("Choose a figure."))
    months = span("before", before, at=at)
    project.kind, project.chain, project.department = kind, [code for code in CHAIN if code in places], department
    project.starts_on, project.due_on, project.report_every_days = starts_on, due_on, report_every_days
    project.indicator = indicator
    project.before_from, project.before_until = _days(months)
    project.before_value = value(indicator, months, project.problem)


# --- Before and after -------------------------------------------------------------------------------
def span(field: str, months: Span, *, at: datetime) -> Period:
    """The months from the first to the last as one period. Raises InvalidInput at `<field>_from` or `<field>_until`."""
    first, last = months
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    if count < 1:
        raise InvalidInput(f"{field}_until", _("The end lies before the beginning."))
    if count > MOST_MONTHS:
        raise InvalidInput(f"{field}_until", _("At most %(most)s months."), most=MOST_MONTHS)
    if not last.is_over(at):
        raise InvalidInput(f"{field}_until", _("This month is not over yet."))
    return Period(first.year, first.month, count)


def _days(months: Period) -> tuple[date, date]:
    """The first and the last day of a period."""
    return months.start.date(), (months.end.astimezone(OFFICE) - timedelta(days=1)).date()


def scope_of(problem: Problem) -> Scope:
    """The cases of the problem's category, subcategories included, and department; all where it has none."""
    return Scope(category=_pks("category", problem.category_id), department=_pks("department", problem.department_id))


def _pks(kind: str, key: int | None) -> tuple[int, ...]:
    if key is None:
        return ()
    return next((option.pks for option in filters.options()[kind] if option.pks[0] == key), (key,))


def value(indicator: str, months: Period, problem: Problem) -> float | None:
    """The figure over these months for the problem's cases; None where nothing was counted (IMP-13).

    Counts are given for an average month, so that periods of different length compare.
    """
    figure = FIGURES[indicator]
    found = figure(months, scope_of(problem)).value
    return found / months.months if found is not None and figure.unit == Unit.CASES else found


@dataclass(frozen=True)
class Effect:
    """An indicator before and after a project; `is_better` None while it is not measured or means neither."""

    figure: Figure
    unit: str
    before: str
    after: str
    months_before: str
    months_after: str
    finding: str
    is_better: bool | None
    chart: SafeString | None

    @property
    def heading(self) -> str:
        return self.figure.headed(self.unit)


def effect(project: Project) -> Effect | None:
    """The indicator before and after, as text and drawing; None for a figure that is no longer computed. No query."""
    figure = FIGURES.get(project.indicator)
    if figure is None:
        return None
    before, now = project.before_value, project.after_value
    fmt = "percent" if figure.unit == Unit.RATIO else "number"
    texts = (charts.show(before, fmt), charts.show(now, fmt))
    known: dict[str, Any] = {
        "figure": figure,
        "unit": _("a month") if figure.unit == Unit.CASES else str(UNIT_LABELS[figure.unit]),
        "before": texts[0],
        "after": texts[1],
        "months_before": _months(project.before_from, project.before_until),
        "months_after": _months(project.after_from, project.after_until),
    }
    if project.after_from is None:
        finding = _("The effect is measured when the project is verified.")
        return Effect(**known, finding=finding, is_better=None, chart=None)
    is_better, finding = _compare(figure, before, now, texts)
    chart = charts.before_after(
        [(_("Before the project"), before), (_("After the project"), now)],
        title=_("%(figure)s before and after the project") % {"figure": figure.name},
        finding=finding,
        cut=1,
        fmt=fmt,
    )
    return Effect(**known, finding=finding, is_better=is_better, chart=chart)


def _compare(
    figure: Figure, before: float | None, now: float | None, texts: tuple[str, str]
) -> tuple[bool | None, str]:
    if before is None or now is None:
        return None, _("In one of the two periods nothing was counted.")
    words = {"before": texts[0], "after": texts[1]}
    if texts[0] == texts[1]:
        return None, _("Unchanged at %(after)s.") % words
    if before:
        words["change"] = charts.show(abs(now - before) / abs(before), "percent", 0)
        text = (
            _("From %(before)s to %(after)s: up by %(change)s.")
            if now > before
            else _("From %(before)s to %(after)s: down by %(change)s.")
        )
    else:
        text = _("From %(before)s to %(after)s.")
    return None if figure.rising is None else (now > before) == figure.rising, text % words


def _months(first: date | None, last: date | None) -> str:
    if first is None or last is None:
        return ""
    return f"{first:%Y-%m}" if (first.year, first.month) == (last.year, last.month) else f"{first:%Y-%m} – {last:%Y-%m}"


# --- Under way --------------------------------------------------------------------------------------
@transaction.atomic
def report(project_id: int, *, percent: int, text: str, by: User, at: datetime | None = None) -> ProjectProgress:
    """Say how far the project is (IMP-06). Raises NotAllowed, IllegalTransition, InvalidInput by field."""
    at = at or timezone.now()
    project = _begin(project_id)
    _require(may_report(by, project))
    if not 0 <= percent < 100:
        raise InvalidInput("percent", _("Give a number from 0 to 99; a project that is finished is reported as done."))
    return _note(project, percent, required("text", text, TEXT, _("Say what happened.")), by=by, at=at)


@transaction.atomic
def finish(project_id: int, *, text: str, version: int, by: User, at: datetime | None = None) -> Project:
    """Report the project as done; another person verifies it. Raises as `report` does, and StaleVersion."""
    at = at or timezone.now()
    project = _begin(project_id, version=version)
    _require(may_report(by, project))
    _note(project, 100, required("text", text, TEXT, _("Say what was done.")), by=by, at=at)
    project.state, project.done_at, project.done_by = ProjectState.DONE, at, by
    project.save(update_fields=["state", "done_at", "done_by"])
    people = notify.holders_of(problems.MANAGE).exclude(pk__in=[by.pk, project.owner_id])
    _tell(people, "project_to_verify", project, again=str(project.version))
    return project


@transaction.atomic
def verify(project_id: int, *, note: str, after: Span, version: int, by: User, at: datetime | None = None) -> Project:
    """Judge the project by its acceptance criteria and measure its effect (IMP-06, IMP-13).

    Raises NotAllowed for its owner and whoever reported it done, IllegalTransition, StaleVersion, InvalidInput.
    """
    at = at or timezone.now()
    project = _to_judge(project_id, version=version, by=by)
    months = span("after", after, at=at)
    if project.before_until and months.start.date() <= project.before_until:
        raise InvalidInput("after_from", _("The months after the project begin behind the months before it."))
    project.after_from, project.after_until = _days(months)
    project.before_value = _before(project)
    project.after_value = value(project.indicator, months, project.problem)
    project.verified_note = required("note", note, NOTE, _("Say how the criteria are met."))
    project.state, project.verified_at, project.verified_by = ProjectState.VERIFIED, at, by
    project.version += 1
    project.save()
    problem_rules.follow(problem_rules.lock(project.problem_id))
    _tell([project.owner], "project_verified", project)
    return project


def _before(project: Project) -> float | None:
    """Computed again beside the months after it: a case that was classified anew counts alike in both."""
    if project.before_from is None or project.before_until is None:
        return project.before_value
    first, last = project.before_from, project.before_until
    months = Period(first.year, first.month, (last.year - first.year) * 12 + last.month - first.month + 1)
    return value(project.indicator, months, project.problem)


@transaction.atomic
def send_back(project_id: int, *, note: str, version: int, by: User, at: datetime | None = None) -> Project:
    """The criteria are not met: the project goes on. Raises as `verify` does."""
    at = at or timezone.now()
    project = _to_judge(project_id, version=version, by=by)
    words = required("note", note, NOTE, _("Say which criteria are not met."))
    reached = project.progress.filter(percent__lt=100).values_list("percent", flat=True).first() or 0
    project.state, project.done_at, project.done_by = ProjectState.OPEN, None, None
    project.save(update_fields=["state", "done_at", "done_by"])
    _note(project, reached, words, by=by, at=at)
    _tell([project.owner], "project_returned", project, again=str(project.version))
    return project


@transaction.atomic
def give_up(project_id: int, *, note: str, version: int, by: User, at: datetime | None = None) -> Project:
    """End a project without a result; the problem stays. Raises NotAllowed, IllegalTransition, StaleVersion."""
    problem_rules.require_manager(by)
    project = _begin(project_id, version=version)
    _note(project, project.percent, required("note", note, NOTE, _("Give the reason.")), by=by, at=at or timezone.now())
    project.state = ProjectState.GIVEN_UP
    project.save(update_fields=["state"])
    problem_rules.follow(problem_rules.lock(project.problem_id))
    return project


def lock(project_id: int, *, version: int | None = None) -> Project:
    """The project with its row locked, after its problem. Raises StaleVersion."""
    problem_rules.lock(Project.objects.values_list("problem", flat=True).get(pk=project_id))
    rows = Project.objects.select_for_update(of=("self",)).select_related("problem", "owner", "department")
    project = rows.get(pk=project_id)
    if version is not None and project.version != version:
        raise StaleVersion(project.version)
    return project


def _begin(project_id: int, *, version: int | None = None) -> Project:
    project = lock(project_id, version=version)
    if project.state != ProjectState.OPEN:
        raise IllegalTransition(_("This project is not under way: %(state)s."), state=project.get_state_display())
    return project


def _to_judge(project_id: int, *, version: int, by: User) -> Project:
    project = lock(project_id, version=version)
    if not may_verify(by, project):
        raise NotAllowed(_("Another person than the owner verifies a project."))
    if project.state != ProjectState.DONE:
        raise IllegalTransition(_("Only a project that is reported as done can be verified."))
    return project


def _require(allowed: bool) -> None:
    if not allowed:
        raise NotAllowed(_("Your role does not allow this."))


def _note(project: Project, percent: int, text: str, *, by: User, at: datetime) -> ProjectProgress:
    project.percent, project.reported_on = percent, timezone.localdate(at)
    project.version += 1
    project.save(update_fields=["percent", "reported_on", "version"])
    return ProjectProgress.objects.create(project=project, percent=percent, text=text, at=at, by=by)


def _tell(people: Iterable[User], kind: str, project: Project, *, again: str = "") -> None:
    notify.tell(
        people,
        kind,
        dedupe=":".join(filter(None, (kind, project.number, again))),
        url=page_url(project),
        project=project.number,
    )


def page_url(project: Project) -> str:
    """Where the project stands on the desk."""
    return f"/desk/problems/projects/{project.number}/"


# --- The daily round --------------------------------------------------------------------------------
def watch(*, now: datetime | None = None) -> dict[str, int]:
    """The daily round; each thing is told once.

    The owner hears of a progress report that is due, the head of the department of one that stayed out for another
    interval, both of a project beyond its date (IMP-06); heads of departments that have not answered whether they
    take an improvement over (IMP-14); whoever keeps the list of a major problem without a project after two weeks
    (IMP-05). Brings the ranks up to date with the grades of risk (IMP-02).
    """
    now = now or timezone.now()
    today = timezone.localdate(now)
    told = 0
    rows = Project.objects.filter(state=ProjectState.OPEN, starts_on__lte=today)
    for project in rows.select_related("owner").order_by("pk"):
        told += _remind(project, today)
    idle = Problem.objects.filter(
        is_major=True, state__in=[ProblemState.OPEN, ProblemState.ANALYSED], opened_at__lte=now - timedelta(days=14)
    )
    for problem in idle:
        told += notify.tell(
            notify.holders_of(problems.MANAGE),
            "major_problem",
            dedupe=f"major_problem:{problem.number}",
            url=f"/desk/problems/{problem.number}/",
            problem=problem.number,
        )
    told += _remind_asked(today)
    for pk in Problem.objects.filter(state__in=problems.UNSETTLED).values_list("pk", flat=True):
        with transaction.atomic():
            problem_rules.reweigh(problem_rules.lock(pk))
    return {"told": told}


def _remind_asked(today: date) -> int:
    rows = Adoption.objects.filter(state=AdoptionState.ASKED, due_on__lt=today).select_related("project")
    return sum(
        notify.tell(
            notify.heads_of([row.department_id]),
            "adoption_late",
            dedupe=f"adoption_late:{row.pk}",
            url=page_url(row.project),
            project=row.project.number,
        )
        for row in rows
    )


def _remind(project: Project, today: date) -> int:
    last = project.reported_on or project.starts_on
    every = timedelta(days=project.report_every_days)
    what: dict[str, Any] = {"url": page_url(project), "project": project.number}
    heads = notify.heads_of([project.department_id])
    told = 0
    if today > last + every:
        told += notify.tell([project.owner], "project_report", dedupe=f"project_report:{project.number}:{last}", **what)
    if today > last + 2 * every:
        told += notify.tell(heads, "project_silent", dedupe=f"project_silent:{project.number}:{last}", **what)
    if today > project.due_on:
        key = f"project_overdue:{project.number}:{project.due_on}"
        told += notify.tell(
            [*heads, project.owner], "project_overdue", dedupe=key, day=project.due_on.isoformat(), **what
        )
    if told:
        Project.objects.filter(pk=project.pk).update(reminded_on=today)
    return told
