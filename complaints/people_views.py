"""The pages about people: who they are, what they may do, how they sign in (COM-04, COM-17).

Whoever changes something there has given the password once more within the last minutes: an open session at an empty
desk gives nobody rights (AU-09).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Prefetch, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import people
from accounts.errors import DomainError, InvalidInput
from accounts.models import AccessChange, AccessKind, AccessState, Membership, User
from accounts.roles import ROLE_BY_KEY
from accounts.web import StaffRequest
from complaints.desk_access import needs
from complaints.models import Complaint
from complaints.people_forms import AccessForm, JoinForm, NewPersonForm, PeopleFilter, PersonForm, RolesForm
from complaints.reference_forms import SettingForm
from complaints.states import OPEN

PAGE_SIZE = 50
CHANGES_SHOWN = 20
ASK = {
    AccessKind.PASSWORD: people.ask_password,
    AccessKind.SECOND_STEP: people.ask_second_step,
    AccessKind.CLOSED: people.close,
    AccessKind.OPENED: people.reopen,
}


def _named(keys: Any) -> list[str]:
    return [ROLE_BY_KEY[key].name for key in keys if key in ROLE_BY_KEY]


# --- The list -------------------------------------------------------------------------------------------
@needs(people.PERMISSION)
@require_safe
def people_list(request: StaffRequest) -> HttpResponse:
    """Everybody by staff number, and the changes that wait for a second person."""
    form = PeopleFilter(request.GET)
    form.is_valid()
    chosen = form.cleaned_data
    found = User.objects.prefetch_related(
        "groups", Prefetch("memberships", Membership.objects.current().select_related("department"), to_attr="now_in")
    )
    if words := chosen.get("q"):
        found = found.filter(Q(staff_number__icontains=words) | Q(display_name__icontains=words))
    if role := chosen.get("role"):
        found = found.filter(groups__name=role)
    if department := chosen.get("department"):
        found = found.filter(pk__in=Membership.objects.current().filter(department=department).values("user"))
    found = found.filter(is_active=chosen.get("state") != "closed")
    page = Paginator(found.order_by("staff_number"), PAGE_SIZE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "page": page,
        "lines": [(row, _named(group.name for group in row.groups.all())) for row in page.object_list],
        "waiting": _waiting(),
        "form": form,
        "query": query.urlencode(),
    }
    return render(request, "complaints/people/list.html", context, status=200 if form.is_valid() else 422)


def _waiting() -> list[AccessChange]:
    rows = AccessChange.objects.filter(state=AccessState.PROPOSED).select_related("person", "proposed_by")
    return list(rows.order_by("proposed_at", "pk")[:PAGE_SIZE])


# --- One person -----------------------------------------------------------------------------------------
@needs(people.PERMISSION)
@require_safe
def person(request: StaffRequest, pk: int) -> HttpResponse:
    """All about one person that concerns work."""
    return _page(request, _find(pk))


@needs(people.PERMISSION, all_anew=True)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: StaffRequest) -> HttpResponse:
    """Enter a person."""
    form = NewPersonForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            entered = people.enter(by=request.user, **form.cleaned_data)
        except InvalidInput as error:
            form.show(error)
        else:
            messages.success(request, _("Entered. Now make the link by which the person chooses a password."))
            return redirect("complaints:person", entered.pk)
    context = {"form": form, "title": _("Enter a member of staff"), "back_url": "complaints:people"}
    return render(request, "complaints/settings/form.html", context, status=422 if form.is_bound else 200)


@needs(people.PERMISSION, all_anew=True)
@require_POST
def correct(request: StaffRequest, pk: int) -> HttpResponse:
    """Correct name, address, post and the beginning of front-line service."""
    row = _find(pk)
    form = PersonForm(request.POST, person=row)
    return _try(request, row, "about", form, lambda: people.correct(pk, by=request.user, **form.cleaned_data))


@needs(people.PERMISSION, all_anew=True)
@require_POST
def roles(request: StaffRequest, pk: int) -> HttpResponse:
    """Give roles and take them away."""
    row = _find(pk)
    form = RolesForm(request.POST, person=row)
    return _try(request, row, "roles", form, lambda: people.set_roles(pk, by=request.user, **form.cleaned_data))


@needs(people.PERMISSION, all_anew=True)
@require_POST
def join(request: StaffRequest, pk: int) -> HttpResponse:
    """Another department."""
    row = _find(pk)
    form = JoinForm(request.POST)
    return _try(request, row, "join", form, lambda: people.join(pk, by=request.user, **form.cleaned_data))


@needs(people.PERMISSION, all_anew=True)
@require_POST
def membership(request: StaffRequest, pk: int) -> HttpResponse:
    """End a membership, or make the member the head of the department, or no longer."""
    row = get_object_or_404(Membership, pk=pk)
    steps: dict[str, Callable[[], object]] = {
        "leave": lambda: people.leave(pk, by=request.user),
        "head": lambda: people.lead(pk, is_head=True, by=request.user),
        "member": lambda: people.lead(pk, is_head=False, by=request.user),
    }
    return _step(request, row.user_id, steps.get(request.POST.get("step", "")))


@needs(people.PERMISSION, all_anew=True)
@require_POST
def access(request: StaffRequest, pk: int) -> HttpResponse:
    """Close or open the account, take the password or the second step away."""
    row = _find(pk)
    form = AccessForm(request.POST, person=row)

    def save() -> object:
        return ASK[AccessKind(form.cleaned_data["kind"])](pk, reason=form.cleaned_data["reason"], by=request.user)

    return _try(request, row, "access", form, save)


@needs(people.PERMISSION, all_anew=True)
@require_POST
def decide(request: StaffRequest, pk: int) -> HttpResponse:
    """Approve or decline what somebody else proposed, or take one's own proposal back."""
    row = get_object_or_404(AccessChange, pk=pk)
    steps: dict[str, Callable[[], object]] = {
        "approve": lambda: people.decide(pk, approve=True, by=request.user),
        "decline": lambda: people.decide(pk, approve=False, by=request.user),
        "take_back": lambda: people.take_back(pk, by=request.user),
    }
    return _step(request, row.person_id, steps.get(request.POST.get("step", "")))


@needs(people.PERMISSION, all_anew=True)
@require_POST
def link(request: StaffRequest, pk: int) -> HttpResponse:
    """The link by which the person chooses a password, shown this once."""
    row = _find(pk)
    try:
        path = people.password_link(row, by=request.user)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("complaints:person", pk)
    return _page(request, row, link=request.build_absolute_uri(path))


# --- Shared ---------------------------------------------------------------------------------------------
def _find(pk: int) -> User:
    return get_object_or_404(User, pk=pk)


def _step(request: StaffRequest, person_id: int, step: Callable[[], object] | None) -> HttpResponse:
    """A step without anything to fill in; what is refused is said on the page."""
    try:
        if step:
            step()
            messages.success(request, _("Saved."))
    except DomainError as error:
        messages.error(request, str(error))
    return redirect("complaints:person", person_id)


def _try(request: StaffRequest, row: User, name: str, form: SettingForm, save: Callable[[], object]) -> HttpResponse:
    """Save a form of the page; with what is wrong it is shown again as it was filled in."""
    problem = ""
    if form.is_valid():
        try:
            change = save()
        except InvalidInput as error:
            form.show(error)
        except DomainError as error:
            problem = str(error)
        else:
            waits = isinstance(change, AccessChange) and change.state == AccessState.PROPOSED
            messages.success(
                request, _("Proposed. It waits for the decision of another person.") if waits else _("Saved.")
            )
            return redirect("complaints:person", row.pk)
    return _page(request, row, status=409 if problem else 422, problem=problem, bound=(name, form))


def _page(
    request: StaffRequest,
    row: User,
    *,
    status: int = 200,
    problem: str = "",
    link: str = "",
    bound: tuple[str, SettingForm] | None = None,
) -> HttpResponse:
    row.refresh_from_db()  # a form that was refused may have touched it
    may = people.may_change_access(request.user, row)
    held = people.roles_of(row)
    forms: dict[str, SettingForm] = {"about": PersonForm(person=row)}
    if may:
        forms |= {"roles": RolesForm(person=row), "join": JoinForm(), "access": AccessForm(person=row)}
    if bound:
        forms[bound[0]] = bound[1]
    changes = AccessChange.objects.filter(person=row).select_related("proposed_by", "decided_by")
    context = {
        "person": row,
        "forms": forms,
        "bound": bound[1] if bound else None,
        "problem": problem,
        "link": link,
        "may": may,
        "may_link": may and row.is_active and not row.has_usable_password(),
        "held": _named(key for key in ROLE_BY_KEY if key in held),
        "memberships": row.memberships.select_related("department").order_by("-since", "-pk"),
        "in_hand": Complaint.objects.filter(handler=row, status__in=OPEN).count(),
        "changes": [
            (change, _named(change.added), _named(change.removed), people.may_decide(request.user, change))
            for change in changes.order_by("-proposed_at", "-pk")[:CHANGES_SHOWN]
        ],
    }
    return render(request, "complaints/people/person.html", context, status=status)
