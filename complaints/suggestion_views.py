"""The proposals on screen: while a complaint is typed in, and the page that measures them (CLS-14)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.errors import IllegalTransition
from accounts.web import StaffRequest
from complaints import suggestion_figures, suggestion_hints, suggestions, training
from complaints.desk_access import needs
from complaints.models import Category, DepartmentModel, Dimension, JobRun, SuggestionOf, TrainedModel
from complaints.states import Channel
from complaints.text_features import MAX_TEXT

# Fewer characters say too little to propose anything while somebody is still typing.
ENOUGH_TYPED = 12


@needs("complaints.register_complaint")
@require_POST
def while_typing(request: StaffRequest) -> HttpResponse:
    """What would be proposed for the text so far; by POST, so that the text is in no log."""
    subject, narrative, place = (request.POST.get(name, "")[:MAX_TEXT] for name in ("subject", "narrative", "place"))
    chosen = _category(request.POST.get("category", ""))
    if len((subject + narrative).strip()) < ENOUGH_TYPED:
        return render(request, "complaints/register_suggestion.html")
    found = suggestions.propose_category(subject, narrative)
    proposed = found.category if found else None
    channel = request.GET.get("channel", "")
    department = suggestions.propose_department(
        channel=channel if channel in Channel.values else "",
        texts=(subject, narrative, place),
        category=chosen or proposed,
        certainty=1.0 if chosen or found is None else found.confidence,
    )
    context = {
        "category": suggestion_hints.context(found),
        "code": proposed.code if proposed and proposed != chosen else "",
        "department": suggestion_hints.context(department),
    }
    return render(request, "complaints/register_suggestion.html", context)


def _category(code: str) -> Category | None:
    code = code[:60].replace("\x00", "")
    return Category.objects.filter(dimension=Dimension.CATEGORY, code=code, is_active=True).first() if code else None


@needs(*training.EDIT)
@require_safe
def overview(request: StaffRequest) -> HttpResponse:
    """The models in use and how often people took what was proposed."""
    now = timezone.now()
    run = training.last_run()
    running = run is not None and training.is_running(run, now=now)
    context = {
        "model": TrainedModel.objects.filter(is_active=True).select_related("by").defer("weights").first(),
        "department_model": DepartmentModel.objects.select_related("trained")
        .defer("weights", "trained__weights")
        .first(),
        "months": [
            (of.label, suggestion_figures.by_month(of, now=now))
            for of in (SuggestionOf.CATEGORY, SuggestionOf.DEPARTMENT)
        ],
        "grounds": suggestion_figures.by_ground(now=now),
        "categories": suggestion_figures.by_category(now=now),
        "run": run,
        "running": running,
        "percent": round(100 * run.result.get("step", 0) / run.result["of"]) if run and running else 0,
        "lost": run is not None and run.state == JobRun.State.RUNNING and not running,
    }
    return render(request, "complaints/settings/suggestions.html", context)


@needs(*training.EDIT)
@require_POST
def train(request: StaffRequest) -> HttpResponse:
    """Have the model trained on the closed cases by a worker."""
    try:
        training.start(by=request.user)
    except IllegalTransition as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The training has started; this page shows how far it is."))
    return redirect("complaints:suggestions")
