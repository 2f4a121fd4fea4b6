"""What complaints say goes upstream to whoever owns the product or the process, and they answer (IMP-11, SPG-06)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import Department, User
from analytics import adoptions, problems
from analytics.models import Problem, UpstreamItem
from analytics.problem_rules import require_manager, required
from complaints import identity, notify
from complaints import transitions as case_transitions
from complaints.models import Complaint, SpecialNeed

# A department that never looks at figures may own a product too.
READ = "complaints.use_desk"
TEXT, ANSWER = 2000, 2000
OPEN = Q(answered_at__isnull=True)


@transaction.atomic
def send(
    *,
    text: str,
    department: Department,
    due_on: date,
    by: User,
    problem: Problem | None = None,
    case: Complaint | None = None,
    at: datetime | None = None,
) -> UpstreamItem:
    """Tell a department what a problem or a case says about its product or process; its heads are told.

    Raises NotAllowed, InvalidInput naming `text`, `department`, `due_on`, `problem` (neither is named) or `case`.
    """
    require_manager(by)
    at = at or timezone.now()
    if problem is None and case is None:
        raise InvalidInput("problem", _("Name the problem or the case it comes from."))
    complaint = case_transitions.lock(case.pk) if case else None
    text = required("text", text, TEXT, _("Say what they should know."))
    if complaint is not None and not Complaint.objects.visible_to(by).filter(pk=complaint.pk).exists():
        raise InvalidInput("case", _("There is no such case."))
    if identity.scrub(text, complaint.complainant if complaint else None) != text:
        raise InvalidInput("text", _("Take out the name, telephone and identity number of who complained."))
    if not department.is_active:
        raise InvalidInput("department", _("This department is no longer active."))
    if due_on < timezone.localdate(at):
        raise InvalidInput("due_on", _("This date lies in the past."))
    item = UpstreamItem.objects.create(
        problem=problem, complaint=complaint, department=department, text=text, due_on=due_on, at=at, by=by
    )
    if complaint is not None:
        case_transitions.add_event(complaint, "upstream_sent", by=by, at=at, reference=_reference(item))
    _tell(item, "upstream_sent", day=due_on.isoformat())
    return item


def needs_of(case: Complaint) -> str:
    """The individual needs of a case in one text without names, as a beginning of what the makers should know."""
    rows = SpecialNeed.objects.filter(complaint=case).order_by("pk").values_list("need", flat=True)
    return identity.scrub("\n".join(rows), case.complainant)


def may_answer(user: User, item: UpstreamItem) -> bool:
    """Whoever heads the department, while it has not answered."""
    return item.answered_at is None and adoptions.may_answer(user, item)


@transaction.atomic
def answer(item_id: int, *, is_adopted: bool, text: str, by: User, at: datetime | None = None) -> UpstreamItem:
    """Say what the department changes, or why nothing; whoever sent it is told.

    Raises NotAllowed, IllegalTransition when it is answered, InvalidInput("text").
    """
    at = at or timezone.now()
    case_id = UpstreamItem.objects.values_list("complaint", flat=True).get(pk=item_id)
    complaint = case_transitions.lock(case_id) if case_id else None
    item = UpstreamItem.objects.select_for_update(of=("self",)).select_related("by", "department").get(pk=item_id)
    if item.answered_at is not None:
        raise IllegalTransition(_("This is answered already."))
    if not may_answer(by, item):
        raise NotAllowed(_("Whoever heads the department answers."))
    item.answer = required("text", text, ANSWER, _("Say what your department does, or why not."))
    item.is_adopted, item.answered_at, item.answered_by = is_adopted, at, by
    item.save(update_fields=["answer", "is_adopted", "answered_at", "answered_by"])
    if complaint is not None:
        case_transitions.add_event(complaint, "upstream_answered", by=by, at=at, reference=_reference(item))
    notify.tell(
        [item.by],
        "upstream_answered",
        dedupe=f"upstream_answered:{item.pk}",
        url=page_url(item),
        department=item.department.name,
    )
    return item


# --- Reading ----------------------------------------------------------------------------------------
def visible_to(user: User) -> QuerySet[UpstreamItem]:
    """Everything for whoever keeps the problem list; a department's own for its people."""
    rows = UpstreamItem.objects.all()
    return rows if user.has_perm(problems.MANAGE) else rows.filter(department__in=user.department_ids)


@dataclass(frozen=True)
class Figures:
    """How the departments answer. `due`: answered, or its date is over; `in_time`: answered by its date;
    `answered` and `adopted`: answers, and those that change something."""

    due: int
    in_time: int
    answered: int
    adopted: int


def figures(rows: QuerySet[UpstreamItem], *, today: date) -> Figures:
    """Count the items of `rows`. One query."""
    in_time = Q(answered_at__date__lte=F("due_on"))
    return Figures(
        **rows.order_by().aggregate(
            due=Count("pk", filter=~OPEN | Q(due_on__lt=today)),
            in_time=Count("pk", filter=in_time),
            answered=Count("pk", filter=~OPEN),
            adopted=Count("pk", filter=Q(is_adopted=True)),
        )
    )


# --- The daily round --------------------------------------------------------------------------------
def remind(*, now: datetime) -> int:
    """Tell the heads of a department, once, that it let the date of an item pass."""
    late = UpstreamItem.objects.filter(OPEN, due_on__lt=timezone.localdate(now))
    return sum(_tell(item, "upstream_late", day=item.due_on.isoformat()) for item in late)


def _tell(item: UpstreamItem, kind: str, *, day: str) -> int:
    heads = notify.heads_of([item.department_id])
    return notify.tell(heads, kind, dedupe=f"{kind}:{item.pk}", url=page_url(item), day=day)


def _reference(item: UpstreamItem) -> str:
    return f"upstreamitem:{item.pk}"


def page_url(item: UpstreamItem) -> str:
    """Where the item stands on the desk."""
    return f"/desk/problems/upstream/{item.pk}/"
