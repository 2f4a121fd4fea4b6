"""What the system proposes for a case: a category by the trained model, a department by rule, else by the model.

A person decides (CLS-14, ASG-02); the system abstains where it is not sure enough. Proposals are computed here and
stored by complaints/transitions/suggestion.py.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from django.db.models import Q

from accounts.models import Department
from complaints import classifier, routing
from complaints.models import (
    Category,
    Complaint,
    DepartmentModel,
    Dimension,
    RoutingRule,
    SuggestionOf,
    TrainedModel,
)

logger = logging.getLogger("huiyin.jobs")

# What departments had cases of a category: looked at the newest so many, convincing from so many and this share on.
PAST_CASES = 200
PAST_ENOUGH = 5
PAST_SHARE = 0.6
# How a department came about when no rule named it; stored as the first reason.
BY_MODEL, BY_CATEGORY, BY_PAST_CASES = "text", "category", "past"


@dataclass(frozen=True)
class Proposal:
    """One proposal. Neither `category` nor `department` means that the system abstains."""

    of: SuggestionOf
    confidence: float = 0.0
    category: Category | None = None
    department: Department | None = None
    reasons: list[str] = field(default_factory=list)
    model: TrainedModel | None = None
    rule: RoutingRule | None = None


def active_model() -> tuple[TrainedModel, classifier.Model] | None:
    """The model in use, or None before the first training. Raises DamagedModel."""
    row = TrainedModel.objects.filter(is_active=True).defer("weights").first()
    return (row, _loaded(TrainedModel, row.pk, row.sha256)) if row else None


def department_model() -> tuple[DepartmentModel, classifier.Model] | None:
    """The department model learned last, or None before the first. Raises DamagedModel."""
    row = DepartmentModel.objects.select_related("trained").defer("weights", "trained__weights").first()
    return (row, _loaded(DepartmentModel, row.pk, row.sha256)) if row else None


# One of each kind.
@lru_cache(maxsize=2)
def _loaded(stored: type[TrainedModel] | type[DepartmentModel], pk: int, sha256: str) -> classifier.Model:
    blob = stored.objects.values_list("weights", flat=True).get(pk=pk)
    return classifier.load(bytes(blob), sha256)


def text_of(subject: str, narrative: str) -> str:
    """What the model reads of a case, in training and later."""
    return f"{subject}\n{narrative}"


def routing_text_of(texts: Iterable[str]) -> str:
    """What the department model reads: subject, narrative and place, in training and later."""
    return "\n".join(texts)


def propose_category(subject: str, narrative: str) -> Proposal | None:
    """The category by the model; None where there is no usable model."""
    try:
        active = active_model()
    except classifier.DamagedModel:
        logger.exception("the category model cannot be used")
        return None
    if active is None:
        return None
    row, model = active
    found = model.predict([text_of(subject, narrative)])[0]
    category = _category(found.label) if found.confidence >= model.threshold else None
    return Proposal(SuggestionOf.CATEGORY, found.confidence, category=category, reasons=list(found.reasons), model=row)


def _category(label: str) -> Category | None:
    """The category a label stands for: by code, else by name."""
    known = Category.objects.filter(Q(code=label) | Q(name=label), dimension=Dimension.CATEGORY, is_active=True)
    return max(known, key=lambda category: category.code == label, default=None)


def propose_department(
    *, channel: str, texts: Iterable[str], category: Category | None, certainty: float = 1.0
) -> Proposal:
    """The department by the first rule that holds, else by the model, else the usual one of the category.

    `texts` are subject, narrative and place; `certainty` is how sure the category is: 1 when a person chose it.
    """
    texts = tuple(texts)
    above = routing.lineages().get(category.pk, frozenset()) if category else frozenset()
    facts = routing.facts_of(categories=above, channel=channel, texts=texts)
    rule = routing.first_match(routing.active_rules(), facts)
    if rule is not None:
        sure = certainty if rule.category_id else 1.0
        return Proposal(SuggestionOf.DEPARTMENT, sure, department=rule.department, rule=rule)
    by_model = _by_model(texts)
    if by_model is not None:
        return by_model
    if category is None:
        return Proposal(SuggestionOf.DEPARTMENT)
    if category.default_department and category.default_department.is_active:
        return Proposal(
            SuggestionOf.DEPARTMENT, certainty, department=category.default_department, reasons=[BY_CATEGORY]
        )
    return _by_past_cases(category, certainty)


def _by_model(texts: Iterable[str]) -> Proposal | None:
    """The department the model names; None where there is no usable model, or it is not sure enough."""
    try:
        learned = department_model()
    except classifier.DamagedModel:
        logger.exception("the department model cannot be used")
        return None
    if learned is None:
        return None
    row, model = learned
    found = model.predict([routing_text_of(texts)])[0]
    if found.confidence < model.threshold:
        return None
    department = Department.objects.filter(code=found.label, is_active=True).first()
    if department is None:
        return None
    return Proposal(
        SuggestionOf.DEPARTMENT,
        found.confidence,
        department=department,
        reasons=[BY_MODEL, *found.reasons],
        model=row.trained,
    )


def _by_past_cases(category: Category, certainty: float) -> Proposal:
    newest = Complaint.objects.filter(category=category).order_by("-received_at", "-pk")
    leads = newest.exclude(lead_department=None).values_list("lead_department", flat=True)[:PAST_CASES]
    counted = Counter(leads)
    if not counted:
        return Proposal(SuggestionOf.DEPARTMENT)
    pk, times = counted.most_common(1)[0]
    total = counted.total()
    if total < PAST_ENOUGH or times / total < PAST_SHARE:
        return Proposal(SuggestionOf.DEPARTMENT, certainty * times / total)
    return Proposal(
        SuggestionOf.DEPARTMENT,
        certainty * times / total,
        department=Department.objects.filter(pk=pk, is_active=True).first(),
        reasons=[BY_PAST_CASES, str(times), str(total)],
    )
