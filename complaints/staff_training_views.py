"""Pages of the training register: the list, one entry, the sheet of one person (KB-09…KB-12, KB-14)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Avg, Count, Q, Sum
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.errors import InvalidInput, NotAllowed
from accounts.models import User
from accounts.web import StaffRequest
from complaints import keyset, knowledge, staff_training, typical_case_views
from complaints.desk_access import needs
from complaints.models import ArticleReceipt, Training, TrainingAttendance
from complaints.staff_training_forms import PeopleForm, TrainingForm
from complaints.states import ArticleState, TrainingKind

PAGE_SIZE = 50


@needs(knowledge.READ)
@require_safe
def trainings(request: StaffRequest) -> HttpResponse:
    """What was held and what is planned, the last entered first."""
    kind = request.GET.get("kind", "")
    kind = kind if kind in TrainingKind.values else ""
    after = request.GET.get("after", "")
    rows = Training.objects.annotate(people=Count("attendances"))
    if kind:
        rows = rows.filter(kind=kind)
    found, following = keyset.by_key(rows, after, size=PAGE_SIZE)
    context = {
        "rows": found,
        "next": following,
        "after": after,
        "kind": kind,
        "kinds": TrainingKind.choices,
        "today": timezone.localdate(),
        "may_edit": request.user.has_perm(staff_training.EDIT),
    }
    return render(request, "complaints/knowledge/trainings.html", context)


@needs(staff_training.EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: StaffRequest) -> HttpResponse:
    """Enter one, with who took part."""
    form = TrainingForm(request.POST if request.method == "POST" else None, initial={"held_on": timezone.localdate()})
    if form.is_bound and form.is_valid():
        try:
            row = staff_training.record(by=request.user, **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("complaints:training", row.pk)
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
    return render(
        request, "complaints/knowledge/training_form.html", {"form": form}, status=422 if form.errors else 200
    )


@needs(knowledge.READ)
@require_http_methods(["GET", "HEAD", "POST"])
def training(request: StaffRequest, pk: int) -> HttpResponse:
    """One entry; who took part and how it went is for whoever keeps the register, and for oneself."""
    row = get_object_or_404(Training.objects.select_related("article", "by"), pk=pk)
    may_edit = request.user.has_perm(staff_training.EDIT)
    form = PeopleForm()
    problem = ""
    if request.method == "POST":
        if not may_edit:
            raise NotAllowed(_("Your role does not allow this."))
        if "remove" in request.POST:
            key = keyset.key_of(request.POST["remove"])
            if key is None:
                problem = _("Choose whom to take out.")
            else:
                staff_training.remove_person(row.pk, user_id=key, by=request.user)
                messages.success(request, _("Saved."))
                return redirect("complaints:training", row.pk)
        else:
            form = PeopleForm(request.POST)
            if form.is_valid():
                try:
                    count = staff_training.add_people(row.pk, by=request.user, **form.cleaned_data)
                    text = ngettext("%(n)s person entered.", "%(n)s people entered.", count)
                    messages.success(request, text % {"n": count})
                    return redirect("complaints:training", row.pk)
                except InvalidInput as error:
                    form.add_error(error.field if error.field in form.fields else None, str(error))
    return _page(request, row, form=form, may_edit=may_edit, problem=problem)


def _page(request: StaffRequest, row: Training, *, form: PeopleForm, may_edit: bool, problem: str) -> HttpResponse:
    after = request.GET.get("after", "")
    shown = row.attendances.all() if may_edit else row.attendances.filter(user=request.user)
    found, following = keyset.by_key(shown.select_related("user"), after, size=PAGE_SIZE, newest_first=False)
    figures = row.attendances.aggregate(
        people=Count("pk"), examined=Count("score"), mean=Avg("score"), passed=Count("pk", filter=Q(has_passed=True))
    )
    context = {
        "row": row,
        "people": found,
        "next": following,
        "after": keyset.key_of(after) or "",
        "figures": figures,
        "mean": round(figures["mean"]) if figures["mean"] is not None else None,
        "is_plan": row.held_on > timezone.localdate(),
        "article": row.article if row.article and (may_edit or row.article.state == ArticleState.PUBLISHED) else None,
        "cases": typical_case_views.cases_of(row),
        "may_edit": may_edit,
        "form": form,
        "problem": problem,
    }
    status = 422 if form.errors or problem else 200
    return render(request, "complaints/knowledge/training.html", context, status=status)


@needs(knowledge.READ)
@require_safe
def person(request: StaffRequest, pk: int) -> HttpResponse:
    """Everything one person took part in and confirmed having read; the own one, or anybody's for the register."""
    someone = get_object_or_404(User, pk=pk)
    if not staff_training.may_read_sheet(request.user, someone):
        raise NotAllowed(_("You can open your own sheet only."))
    after = request.GET.get("after", "")
    rows = TrainingAttendance.objects.filter(user=someone).select_related("training")
    found, following = keyset.by_key(rows, after, size=PAGE_SIZE)
    receipts = ArticleReceipt.objects.filter(user=someone).select_related("article")
    context: dict[str, Any] = {
        "person": someone,
        "rows": found,
        "next": following,
        "after": keyset.key_of(after) or "",
        "figures": rows.filter(training__held_on__lte=timezone.localdate()).aggregate(
            count=Count("pk"), hours=Sum("training__hours")
        ),
        "receipts": receipts.order_by("-pk")[:PAGE_SIZE],
        "today": timezone.localdate(),
    }
    return render(request, "complaints/knowledge/training_person.html", context)
