"""Pages of the problem list: the list, proposals, a problem, its workshops, projects and replication."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import NotAllowed
from accounts.models import User
from accounts.web import StaffRequest
from analytics import adoptions, causes, charts, outbreaks, permissions, problem_feed, problem_rules, problems, projects
from analytics import problem_forms as forms
from analytics.models import Adoption, CauseAnalysis, Problem, ProblemSource, Project
from analytics.rule_pages import data, take
from analytics.states import AdoptionState, CauseCode, ProblemSourceKind, ProjectState
from analytics.views import visible_report
from complaints import case_access, case_page
from complaints.desk_access import needs
from complaints.models import Complaint

PAGE_ROWS = 50
SHOWN = 20
EXAMPLES = 5


# --- The list ---------------------------------------------------------------------------------------
@needs(permissions.SEE)
@require_safe
def problem_list(request: StaffRequest) -> HttpResponse:
    """The problems of the person's scope, the worst first, narrowed by state, department and category."""
    now = timezone.now()
    by = problems.read_filters(request.GET)
    visible = problems.visible_to(request.user)
    rows = problems.narrow(problems.for_list(visible, now=now), by)
    cursor = request.GET.get("after", "")
    if cursor:
        behind = problems.after(rows, cursor)
        if behind is None:
            raise Http404
        rows = behind
    found = list(rows[: PAGE_ROWS + 1])
    query = {"state": by.state, "department": by.department, "category": by.category}
    more = len(found) > PAGE_ROWS
    choices = problems.choices(visible, by)
    context = {
        "lines": problems.lines(found[:PAGE_ROWS], today=timezone.localdate(now)),
        "by": by,
        "choices": choices,
        "next_url": f"?{urlencode({**query, 'after': problems.place_of(found[PAGE_ROWS - 1])})}" if more else "",
        "first_url": f"?{urlencode(query)}" if cursor else "",
        "state_links": [(choice, f"?{urlencode({**query, 'state': choice.code})}") for choice in choices["state"]],
        "may_manage": request.user.has_perm(problems.MANAGE),
    }
    return render(request, "analytics/problem_list.html", context)


@needs(problems.MANAGE)
@require_safe
def proposals(request: StaffRequest) -> HttpResponse:
    """What may be a problem, by kind of source."""
    kinds = problem_feed.kinds()
    kind = request.GET.get("kind", "")
    chosen = ProblemSourceKind(kind) if kind in kinds else kinds[0]
    found = problem_feed.candidates(chosen, now=timezone.now())
    context = {
        "kind": chosen,
        "kinds": kinds,
        "rows": found[:PAGE_ROWS],
        "more": len(found) - PAGE_ROWS,
        "may_manage": True,
    }
    return render(request, "analytics/problem_proposals.html", context)


@needs(problems.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def proposal(request: StaffRequest, kind: str, key: str) -> HttpResponse:
    """One proposal: a new problem, part of one on the list, or nothing."""
    row = problem_feed.find(kind, key, now=timezone.now())
    if row is None:
        messages.info(request, str(problem_feed.GONE))
        return redirect("analytics:problem_proposals")
    form = forms.ProposalForm(data(request), user=request.user, row=row)
    about = [
        (_("Source"), row.kind.label),
        (_("Number of cases"), row.cases),
        *([(_("What it says"), row.text)] if row.text else []),
    ]
    crumbs = [(reverse("analytics:problem_proposals"), _("Candidates"))]
    return take(request, form, _url, heading=row.title, about=about, crumbs=crumbs, cases=_examples(row, request.user))


def _examples(row: problem_feed.Candidate, user: User) -> list[Complaint]:
    """The latest cases behind a candidate that the person may read."""
    keys = problem_feed.cases_behind(row, at=timezone.now())
    return list(Complaint.objects.visible_to(user).filter(pk__in=keys).order_by("-pk")[:EXAMPLES])


@needs(problems.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def enter(request: StaffRequest) -> HttpResponse:
    """Put a problem on the list; the address may name the case, period, category or department it comes from, or
    the point of a report whose words say what is wrong."""
    names = ("case", "category", "department")
    initial = {name: request.GET[name] for name in names if name in request.GET}
    initial |= {"reference": request.GET["period"]} if "period" in request.GET else {}
    initial |= {"description": _point(request)} if "point" in request.GET else {}
    form = forms.EnterForm(data(request), user=request.user, initial=initial)
    return take(request, form, _url)


def _point(request: StaffRequest) -> str:
    """The words of a problem in a report this person may see, by its place there. Raises NotAllowed, Http404.

    The words themselves stay out of the address: it is kept in logs, and long ones do not fit into it.
    """
    report, place = request.GET.get("report", ""), request.GET["point"]
    if not all(number.isascii() and number.isdigit() and len(number) < 10 for number in (report, place)):
        raise Http404
    sections = visible_report(request, int(report)).snapshot.get("sections", ())
    points = [point for section in sections if section["key"] == "problems" for point in section["points"]]
    if not 1 <= int(place) <= len(points):
        raise Http404
    return str(points[int(place) - 1])


def _url(row: Problem) -> str:
    return reverse("analytics:problem", args=[row.number])


# --- One problem ------------------------------------------------------------------------------------
def _problem(request: StaffRequest, number: str) -> Problem:
    rows = problems.visible_to(request.user)
    return get_object_or_404(rows.select_related("category", "department", "opened_by", "settled_by"), number=number)


@needs(permissions.SEE)
@require_http_methods(["GET", "HEAD", "POST"])
def problem(request: StaffRequest, number: str) -> HttpResponse:
    """A problem with its sources, causes, projects and recurrence; adding a case by hand."""
    row = _problem(request, number)
    form, status = None, 200
    if request.user.has_perm(problems.MANAGE):
        form = forms.CaseSourceForm(data(request), user=request.user, row=row)
        if form.is_bound:
            if form.is_valid() and form.save():
                messages.success(request, str(form.done))
                return redirect(f"{_url(row)}#sources")
            status = 422
    elif request.method == "POST":
        raise NotAllowed(_("Your role does not allow this."))
    return render(request, "analytics/problem.html", _page(request, row) | {"form": form}, status=status)


def _page(request: StaffRequest, row: Problem) -> dict[str, Any]:
    now = timezone.now()
    user = request.user
    found = list(row.projects.select_related("owner", "department"))
    analyses = list(row.analyses.select_related("by").prefetch_related("participants"))
    cases = problems.cases_of(row, user)
    shown = list(cases.select_related("lead_department")[:SHOWN])
    readable = cases.count() if len(shown) == SHOWN else len(shown)
    may_manage = user.has_perm(problems.MANAGE)
    is_current = row.state in problems.UNSETTLED
    return {
        "row": row,
        "line": problems.lines([row], today=timezone.localdate(now))[0],
        "recurrence": _recurrence(row, now),
        "analyses": [drawn(analysis) for analysis in analyses],
        "projects": [(project, projects.STATE_TONES[ProjectState(project.state)]) for project in found],
        "needs_project": row.is_major and is_current and all(p.state == ProjectState.GIVEN_UP for p in found),
        "cases": shown,
        "hidden": row.cases - readable,
        "more": readable - len(shown),
        "references": [(source, _source_url(source, user)) for source in _references(row)],
        "may_manage": may_manage,
        "is_current": is_current,
        "may_settle": may_manage and problem_rules.may_settle(row, [project.state for project in found]),
    }


def _references(row: Problem) -> Any:
    """Everything but cases, the latest first."""
    rows = ProblemSource.objects.filter(problem=row, complaint__isnull=True)
    return rows.select_related("by").order_by("-at", "-pk")[:SHOWN]


# Kind of source → the page of the record and the permission to open it.
_PAGES = {
    ProblemSourceKind.REVIEW: ("review:detail", ("review.review_case",)),
    ProblemSourceKind.PUBLICATION: ("publication:detail", ("publication.view_publications",)),
    ProblemSourceKind.INCIDENT: ("complaints:incident", ("complaints.merge_complaints", "complaints.manage_risk")),
    ProblemSourceKind.OUTBREAK: ("analytics:outbreak", (outbreaks.PERMISSION,)),
    ProblemSourceKind.REPORT: ("analytics:figures", (permissions.SEE,)),
}


def _source_url(source: ProblemSource, user: User) -> str:
    """Where the record stands, '' for who may not open it."""
    name, wanted = _PAGES.get(ProblemSourceKind(source.kind), ("", ()))
    if not any(user.has_perm(permission) for permission in wanted):
        return ""
    try:
        if source.kind == ProblemSourceKind.REPORT:
            return f"{reverse(name)}?{urlencode({'period': source.reference})}"
        return reverse(name, args=[source.reference])
    except NoReverseMatch:
        return ""


def _recurrence(row: Problem, now: Any) -> dict[str, Any]:
    series = problems.recurrence(row, now=now)
    cut, before, since = problems.per_month(series, row.opened_at)
    if before is None or since is None:
        finding = _("%(count)s cases in the last twelve months") % {"count": sum(n for _month, n in series)}
    else:
        finding = _("%(before)s cases a month before it was entered, %(since)s since") % {
            "before": charts.show(before, "number"),
            "since": charts.show(since, "number"),
        }
    return {
        "series": [(month.label, n) for month, n in series],
        "finding": finding,
        "chart": charts.before_after(
            [(month.short_label, float(n)) for month, n in series],
            title=_("Cases of this problem by month"),
            finding=finding,
            cut=cut,
            cut_label=_("entered"),
            unit=_("cases"),
        ),
    }


def drawn(analysis: CauseAnalysis) -> dict[str, Any]:
    """An analysis with its two drawings, the same content as tables, and who took part."""
    root = str(CauseCode(analysis.root_cause).label)
    bones = [(str(label), analysis.fishbone.get(bone, [])) for bone, label in causes.BONES.items()]
    named = [(label, texts) for label, texts in bones if texts]
    people = [person.display_name for person in analysis.participants.all()]
    return {
        "row": analysis,
        "root": root,
        "people": _(", ").join([*people, *([analysis.guests] if analysis.guests else [])]),
        "bones": named,
        "whys": charts.why_chain(
            analysis.whys,
            root=root,
            title=_("Chain of whys"),
            finding=_("%(count)s whys lead to: %(root)s") % {"count": len(analysis.whys), "root": root},
        ),
        "fishbone": charts.fishbone(
            named,
            head=analysis.problem.title,
            title=_("Fishbone diagram"),
            finding=_("%(count)s possible causes on %(bones)s bones")
            % {"count": sum(len(texts) for _label, texts in named), "bones": len(named)},
        )
        if named
        else "",
    }


@needs(problems.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest, number: str) -> HttpResponse:
    """Change the words and the place of a problem."""
    row = _problem(request, number)
    form = forms.EditForm(data(request), user=request.user, row=row)
    return take(request, form, _url, crumbs=[(_url(row), row.number)])


@needs(problems.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def decide(request: StaffRequest, number: str, action: str) -> HttpResponse:
    """Settle a problem, set it aside or take it up again."""
    row = _problem(request, number)
    if action not in forms.DECISIONS:
        raise Http404
    form = forms.DECISIONS[action](data(request), user=request.user, row=row)
    return take(request, form, _url, crumbs=[(_url(row), row.number)])


@needs(problems.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def analysis(request: StaffRequest, number: str, pk: int | None = None) -> HttpResponse:
    """Record a root-cause workshop, or change what was recorded."""
    row = _problem(request, number)
    old = get_object_or_404(row.analyses.select_related("problem"), pk=pk) if pk else None
    form = forms.AnalysisForm(data(request), user=request.user, row=old or row)
    template = "analytics/problem_analysis.html"
    back = f"{_url(row)}#causes"
    return take(request, form, lambda _saved: back, crumbs=[(_url(row), row.number)], template=template)


# --- Projects ---------------------------------------------------------------------------------------
@needs(problems.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def project_new(request: StaffRequest, number: str) -> HttpResponse:
    """Open an improvement project for a problem."""
    row = _problem(request, number)
    form = forms.ProjectForm(data(request), user=request.user, row=row)
    return take(request, form, projects.page_url, crumbs=[(_url(row), row.number)])


def _project(request: StaffRequest, number: str) -> Project:
    rows = projects.visible_to(request.user)
    return get_object_or_404(
        rows.select_related("problem", "owner", "department", "created_by", "done_by", "verified_by"), number=number
    )


@needs(permissions.SEE)
@require_safe
def project(request: StaffRequest, number: str) -> HttpResponse:
    """A project: plan, progress, effect, and who takes it over."""
    row = _project(request, number)
    user = request.user
    state = ProjectState(row.state)
    asked = adoptions.rows_of(row)
    adopted, of = adoptions.rate(asked)
    may_manage = user.has_perm(problems.MANAGE)
    is_open = state == ProjectState.OPEN
    context = {
        "row": row,
        "tone": projects.STATE_TONES[state],
        "is_late": state in problems.UNDER_WAY and row.due_on < timezone.localdate(),
        "chain": [(label, code in row.chain) for code, label in projects.CHAIN.items()],
        "progress": row.progress.select_related("by"),
        "effect": projects.effect(row),
        "adoptions": [(item, item.state == AdoptionState.ASKED and adoptions.may_answer(user, item)) for item in asked],
        "adopted": adopted,
        "asked": of,
        "may_change": may_manage and is_open,
        "may_report": is_open and projects.may_report(user, row),
        "may_verify": state == ProjectState.DONE and projects.may_verify(user, row),
        "may_ask": may_manage and state == ProjectState.VERIFIED,
    }
    return render(request, "analytics/project.html", context)


@needs(problems.MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def project_edit(request: StaffRequest, number: str) -> HttpResponse:
    """Change the plan of a project under way."""
    row = _project(request, number)
    form = forms.ProjectForm(data(request), user=request.user, row=row)
    return take(request, form, projects.page_url, crumbs=_project_crumbs(row))


def _may_manage(user: User, row: Project) -> bool:
    return user.has_perm(problems.MANAGE)


# Who opens which form; the rules ask again.
_MAY: dict[str, Callable[[User, Project], bool]] = {
    "report": projects.may_report,
    "done": projects.may_report,
    "verify": projects.may_verify,
    "give-up": _may_manage,
    "adoption": _may_manage,
}


@needs(permissions.SEE)
@require_http_methods(["GET", "HEAD", "POST"])
def project_step(request: StaffRequest, number: str, action: str) -> HttpResponse:
    """Report, finish, verify, give up or hand on a project; the rule says who may."""
    row = _project(request, number)
    if action not in forms.STEPS:
        raise Http404
    if not _MAY[action](request.user, row):
        raise NotAllowed(_("Your role does not allow this."))
    form = forms.STEPS[action](data(request), user=request.user, row=row)
    about = [(_("Acceptance criteria"), row.acceptance)] if action in ("done", "verify") else []
    return take(request, form, lambda _saved: projects.page_url(row), crumbs=_project_crumbs(row), about=about)


@needs(permissions.SEE)
@require_http_methods(["GET", "HEAD", "POST"])
def adoption(request: StaffRequest, pk: int) -> HttpResponse:
    """The answer of a department that is asked to take an improvement over."""
    item = get_object_or_404(Adoption.objects.select_related("project", "department"), pk=pk)
    row = _project(request, item.project.number)
    if not adoptions.may_answer(request.user, item):
        raise NotAllowed(_("Whoever heads the department answers."))
    form = forms.AnswerForm(data(request), user=request.user, row=item)
    about = [(_("Project"), row.title), (_("What will be different"), row.goal)]
    return take(request, form, lambda _saved: projects.page_url(row), crumbs=_project_crumbs(row), about=about)


def _project_crumbs(row: Project) -> list[tuple[str, str]]:
    return [(_url(row.problem), row.problem.number), (projects.page_url(row), row.number)]


# --- A case -----------------------------------------------------------------------------------------
@needs(permissions.SEE)
@require_http_methods(["GET", "HEAD", "POST"])
def of_case(request: StaffRequest, number: str) -> HttpResponse:
    """The problems a case belongs to, whether solution, rectification and feedback are done, and adding it to one."""
    complaint = case_access.visible_case(request.user, number)
    may_manage = request.user.has_perm(problems.MANAGE)
    form, status = None, 200
    if may_manage:
        form = forms.JoinForm(data(request), user=request.user, row=complaint)
        if form.is_bound:
            if form.is_valid() and form.save():
                messages.success(request, str(form.done))
                return redirect("analytics:case_problems", number)
            status = 422
    elif request.method == "POST":
        raise NotAllowed(_("Your role does not allow this."))
    parts = problems.standing(complaint)
    context = {
        "complaint": complaint,
        "active": "cases",
        "badge": case_page.badge(complaint),
        "lines": problems.lines(problems.of_case(complaint, request.user), today=timezone.localdate()),
        "parts": parts,
        "is_done": all(part.is_done for part in parts),
        "form": form,
        "may_manage": may_manage,
    }
    return render(request, "analytics/case_problems.html", context, status=status)
