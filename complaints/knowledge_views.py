"""Pages of the knowledge articles: list, article, revisions, what helps with a case, the public questions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.errors import IllegalTransition, InvalidInput, StaleVersion
from accounts.models import Membership, User
from accounts.web import StaffRequest
from complaints import case_access, case_library, case_page, keyset, knowledge, knowledge_suggestions, office_terms
from complaints.desk_access import needs
from complaints.knowledge_forms import ArticleForm, ConfirmForm, ReadForm, VersionForm
from complaints.models import Article, ArticleReceipt, Category, Dimension
from complaints.states import ArticleKind, ArticleState

PAGE_SIZE = 50
TONES = {ArticleState.DRAFT: "warn", ArticleState.PUBLISHED: "ok", ArticleState.RETIRED: ""}
# What a person may look at; the second row is for editors.
SHOWS = {"": gettext_lazy("Articles in use"), "unread": gettext_lazy("To confirm")}
EDITOR_SHOWS = {
    "waiting": gettext_lazy("To approve"),
    "stale": gettext_lazy("Out of date or soon"),
    "retired": gettext_lazy("Retired"),
}


# --- The list ---------------------------------------------------------------------------------------
@needs(knowledge.READ)
@require_safe
def articles(request: StaffRequest) -> HttpResponse:
    """Articles in use, or what an editor has to look after; by words, kind and category, newest first (KB-01)."""
    today = timezone.localdate()
    soon = knowledge.soon(today)
    may_edit = request.user.has_perm(knowledge.EDIT)
    shows = SHOWS | (EDITOR_SHOWS if may_edit else {})
    show = request.GET.get("show", "")
    show = show if show in shows else ""
    kind = request.GET.get("kind", "")
    kind = kind if kind in ArticleKind.values else ""
    words = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:60]
    code = request.GET.get("category", "").replace("\x00", "")[:60]
    categories = list(Category.objects.filter(dimension=Dimension.CATEGORY, is_active=True))
    category = next((row for row in categories if row.code == code), None)
    after = request.GET.get("after", "")

    rows = _shown(request.user, show, today, soon)
    if kind:
        rows = rows.filter(kind=kind)
    if category:
        rows = knowledge.in_category(rows, category)
    rows = knowledge.matching_words(rows, words)
    shown = rows.defer("body").select_related("category", "owner")
    found, following = keyset.by_key(shown, after, size=PAGE_SIZE)
    unread = knowledge.to_read(request.user).count()
    context = {
        "rows": [(row, marks(row, today, soon)) for row in found],
        "next": following,
        "after": after,
        "show": show,
        "shows": [(value, label, unread if value == "unread" else 0) for value, label in shows.items()],
        "kind": kind,
        "kinds": ArticleKind.choices,
        "category": category.code if category else "",
        "categories": _tree(categories),
        "q": words,
        "narrowed": bool(kind or category or words),
        "may_edit": may_edit,
    }
    return render(request, "complaints/knowledge/list.html", context)


def _shown(user: User, show: str, today: date, soon: date) -> Any:
    if show == "unread":
        return knowledge.to_read(user)
    if show == "waiting":
        return knowledge.waiting(Article.objects.all())
    if show == "stale":
        return knowledge.stale(today=today, until=soon)
    state = ArticleState.RETIRED if show == "retired" else ArticleState.PUBLISHED
    return Article.objects.filter(state=state)


def _tree(rows: list[Category]) -> list[tuple[str, str]]:
    """Code and path of every category, each below its parent."""
    known = {row.pk: row for row in rows}

    def path(row: Category) -> str:
        parent = known.get(row.parent_id) if row.parent_id else None
        return f"{path(parent)} › {row.label}" if parent else row.label

    return sorted(((row.code, path(row)) for row in rows), key=lambda pair: pair[1])


def marks(article: Article, today: date, until: date) -> list[tuple[str, str, str]]:
    """What is said beside a title: label, tone and icon (KB-02)."""
    found = []
    if article.state != ArticleState.PUBLISHED:
        found.append((str(article.get_state_display()), TONES[ArticleState(article.state)], ""))
    elif knowledge.is_due(article, today=today):
        over = article.valid_until < today
        found.append((_("Out of date") if over else _("Due to be looked at again"), "bad" if over else "warn", "clock"))
    elif knowledge.ends_soon(article, today=today, until=until):
        found.append((_("Validity ends soon"), "warn", "hourglass"))
    if article.is_public:
        found.append((_("Public"), "info", "globe"))
    return found


# --- One article --------------------------------------------------------------------------------------
def _find(request: StaffRequest, number: str) -> Article:
    rows = knowledge.visible_to(request.user).select_related("category", "owner", "changed_by", "published_by")
    return get_object_or_404(rows, number=number)


@needs(knowledge.READ)
@require_safe
def article(request: StaffRequest, number: str) -> HttpResponse:
    """The text in use with its revisions and neighbours, and what may be done with it."""
    return _page(request, _find(request, number))


def _page(
    request: StaffRequest,
    row: Article,
    *,
    status: int = 200,
    problem: str = "",
    confirm_form: ConfirmForm | None = None,
) -> HttpResponse:
    today = timezone.localdate()
    soon = knowledge.soon(today)
    may_edit = request.user.has_perm(knowledge.EDIT)
    revisions = list(row.revisions.select_related("by").defer("body"))
    newest = revisions[0]
    is_waiting = row.state == ArticleState.DRAFT or newest.revision > row.revision
    wrote = newest.by_id == request.user.pk or (
        row.state == ArticleState.DRAFT and row.changed_by_id == request.user.pk
    )
    receipt = None
    if knowledge.asks_receipt(row) and row.state == ArticleState.PUBLISHED:
        receipt = ArticleReceipt.objects.filter(article=row, revision=row.revision, user=request.user).first()
    in_use = row.state == ArticleState.PUBLISHED
    context = {
        "row": row,
        "marks": marks(row, today, soon),
        "is_due": knowledge.is_due(row, today=today),
        "revisions": revisions if may_edit else [item for item in revisions if item.revision <= row.revision],
        "newest": knowledge.newest_revision(row) if may_edit and is_waiting and in_use else None,
        "neighbours": [(item, marks(item, today, soon)) for item in knowledge.neighbours(row, request.user)],
        "may_edit": may_edit,
        "may_change": may_edit and row.state != ArticleState.RETIRED,
        "is_waiting": may_edit and is_waiting and row.state != ArticleState.RETIRED,
        "may_publish": may_edit and is_waiting and row.state != ArticleState.RETIRED and not wrote,
        "in_use": in_use,
        "receipt": receipt,
        "asks_receipt": in_use and knowledge.asks_receipt(row) and receipt is None,
        "unread": knowledge.not_read_by(row).count() if may_edit and in_use and row.needs_receipt else None,
        "version_form": VersionForm(initial={"version": row.version}, auto_id=False),
        "confirm_form": confirm_form
        or ConfirmForm(initial={"version": row.version, "valid_until": max(row.valid_until, _offered_validity())}),
        "read_form": ReadForm(initial={"revision": row.revision}, auto_id=False),
        "problem": problem,
    }
    return render(request, "complaints/knowledge/article.html", context, status=status)


@needs(knowledge.READ)
@require_safe
def revision(request: StaffRequest, number: str, revision: int) -> HttpResponse:
    """The text as it was, or as it waits; readers without the right to edit see those that were in use."""
    row = _find(request, number)
    texts = row.revisions.select_related("by")
    if not request.user.has_perm(knowledge.EDIT):
        texts = texts.filter(revision__lte=row.revision)
    text = get_object_or_404(texts, revision=revision)
    return render(request, "complaints/knowledge/revision.html", {"row": row, "text": text})


@needs(knowledge.EDIT)
@require_safe
def readers(request: StaffRequest, number: str) -> HttpResponse:
    """Who has not yet confirmed the text in use, by department (KB-12)."""
    row = _find(request, number)
    after = request.GET.get("after", "")
    people = knowledge.not_read_by(row) if row.needs_receipt else User.objects.none()
    found, following = keyset.by_key(people.prefetch_related(_memberships()), after, size=PAGE_SIZE, newest_first=False)
    done = ArticleReceipt.objects.filter(article=row, revision=row.revision).select_related("user")
    context = {
        "row": row,
        "total": people.count(),
        "people": [(user, [item.department.name for item in user.memberships.all()]) for user in found],
        "next": following,
        "after": keyset.key_of(after) or "",
        "done": done.count(),
        "latest": done[:PAGE_SIZE],
    }
    return render(request, "complaints/knowledge/readers.html", context)


def _memberships() -> Prefetch:
    return Prefetch("memberships", Membership.objects.filter(until=None).select_related("department"))


def _offered_validity() -> date:
    """Until when a form offers an article to be valid (KB-02)."""
    return timezone.localdate() + timedelta(days=office_terms.of("article_valid"))


@needs(knowledge.EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: StaffRequest) -> HttpResponse:
    """Write a draft."""
    if request.method != "POST":
        kind = request.GET.get("kind", "")
        initial = {
            "kind": kind if kind in ArticleKind.values else ArticleKind.GUIDE,
            "owner": request.user.staff_number,
            "valid_until": _offered_validity(),
            **case_library.initial(request.user, request.GET),
        }
        return _form_page(request, ArticleForm(initial=initial), None)
    form = ArticleForm(request.POST)
    if form.is_valid():
        try:
            row = knowledge.create(by=request.user, **form.cleaned_data)
            messages.success(request, _("The draft is saved; another person puts it into use."))
            return redirect("complaints:article", row.number)
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
    return _form_page(request, form, None)


@needs(knowledge.EDIT)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest, number: str) -> HttpResponse:
    """Change an article; what is in use stays until the new text is approved."""
    row = _find(request, number)
    form = ArticleForm(request.POST if request.method == "POST" else None, article=row)
    if form.is_bound and form.is_valid():
        try:
            knowledge.edit(row.pk, by=request.user, **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("complaints:article", number)
        except InvalidInput as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        except (StaleVersion, IllegalTransition) as error:
            return _form_page(request, form, row, problem=str(error))
    elif not form.is_bound and row.state == ArticleState.RETIRED:
        return redirect("complaints:article", number)
    return _form_page(request, form, row)


def _form_page(request: StaffRequest, form: ArticleForm, row: Article | None, problem: str = "") -> HttpResponse:
    status = 409 if problem else 422 if form.errors else 200
    return render(
        request, "complaints/knowledge/form.html", {"form": form, "row": row, "problem": problem}, status=status
    )


def _decide(request: StaffRequest, number: str, write: Callable[..., Any], done: str) -> HttpResponse:
    row = _find(request, number)
    form = VersionForm(request.POST)
    if not form.is_valid():
        return _page(request, row, status=422, problem=_("Reload the page and decide again."))
    return _act(request, row, lambda: write(row.pk, by=request.user, **form.cleaned_data), done)


def _act(
    request: StaffRequest,
    row: Article,
    write: Callable[[], Any],
    done: str,
    *,
    then: HttpResponse | None = None,
    **shown: Any,
) -> HttpResponse:
    """Do it and go back to the page, or `then`; or show the page again with what is wrong."""
    try:
        write()
    except InvalidInput as error:
        problem, status = str(error), 422
        if form := shown.get("confirm_form"):
            form.add_error(error.field, problem)
            problem = ""
    except (StaleVersion, IllegalTransition) as error:
        problem, status = str(error), 409
    else:
        messages.success(request, done)
        return then or redirect("complaints:article", row.number)
    return _page(request, _find(request, row.number), status=status, problem=problem, **shown)


@needs(knowledge.EDIT)
@require_POST
def publish(request: StaffRequest, number: str) -> HttpResponse:
    """Put it into use as it was read."""
    return _decide(request, number, knowledge.publish, _("It is in use now."))


@needs(knowledge.EDIT)
@require_POST
def retire(request: StaffRequest, number: str) -> HttpResponse:
    """Take it out of use."""
    return _decide(request, number, knowledge.retire, _("It is no longer in use."))


@needs(knowledge.EDIT)
@require_POST
def take_back(request: StaffRequest, number: str) -> HttpResponse:
    """Make a draft of it again."""
    return _decide(request, number, knowledge.take_back, _("It is a draft again."))


@needs(knowledge.EDIT)
@require_POST
def confirm(request: StaffRequest, number: str) -> HttpResponse:
    """It was looked at and still holds."""
    row = _find(request, number)
    form = ConfirmForm(request.POST)
    if not form.is_valid():
        return _page(request, row, status=422, confirm_form=form)
    return _act(
        request,
        row,
        lambda: knowledge.confirm(row.pk, by=request.user, **form.cleaned_data),
        _("Confirmed; the next look is due later."),
        confirm_form=form,
    )


@needs(knowledge.READ)
@require_POST
def read(request: StaffRequest, number: str) -> HttpResponse:
    """“I have read this.”; from the workbench it leads back there."""
    row = _find(request, number)
    form = ReadForm(request.POST)
    if not form.is_valid():
        return _page(request, row, status=422, problem=_("Reload the page and decide again."))
    return _act(
        request,
        row,
        lambda: knowledge.confirm_read(row.pk, by=request.user, **form.cleaned_data),
        _("Thank you, noted."),
        then=redirect("complaints:queue") if "queue" in request.POST else None,
    )


# --- Beside a case and in public ----------------------------------------------------------------------
@login_required
@require_safe
def for_case(request: StaffRequest, number: str) -> HttpResponse:
    """Articles and closed cases that may help with this one (KB-04)."""
    complaint = case_access.visible_case(request.user, number)
    case_access.require_permission(request, complaint, knowledge.READ)
    today = timezone.localdate()
    soon = knowledge.soon(today)
    proposals = knowledge_suggestions.articles(complaint, today=today)
    context = {
        "complaint": complaint,
        "active": "cases",
        "badge": case_page.badge(complaint),
        "category_path": case_page.category_path(complaint.category),
        "proposals": [(row, marks(row.article, today, soon)) for row in proposals],
        "past": knowledge_suggestions.past_cases(complaint, request.user),
    }
    return render(request, "complaints/knowledge/case.html", context)


@require_safe
def public_questions(request: HttpRequest) -> HttpResponse:
    """Common questions with their answers, the same for every reader; no cookie, no session (KB-06)."""
    groups: dict[str, list[knowledge.PublicArticle]] = {}
    for question in knowledge.public_questions():
        name = question.category_en if get_language() == "en" else question.category
        groups.setdefault(name, []).append(question)
    response = render(request, "public/faq.html", {"groups": list(groups.items())})
    response["Cache-Control"] = f"public, max-age={knowledge.CACHE_SECONDS}"
    return response
