"""Keep what the system proposed and what people chose (CLS-14); change the routing rules (ASG-02)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts.models import Department, User
from complaints import suggestions
from complaints.models import (
    Assignment,
    Category,
    Classification,
    Complaint,
    Dimension,
    RoutingRule,
    Suggestion,
    SuggestionOf,
)
from complaints.states import AssignmentRole, Status
from complaints.suggestions import Proposal
from complaints.transitions import core, grading, rule_lists

# The sweep looks so far back and takes so many cases at once.
SWEPT, BATCH = timedelta(days=2), 500
EDIT_RULES = ("complaints.edit_reference", "accounts.configure_system")


@transaction.atomic
def store_suggestions(complaint_id: int, *, at: datetime | None = None) -> int:
    """Propose a category and a department for a case. Returns how many rows it added; a second run adds none.

    A person may have been faster: what they chose is filled in from the record of the case. A case that came by an
    import, where nothing was graded, gets its first risk grade here (RISK-01).
    """
    at = core.moment(at)
    complaint = core.lock(complaint_id)
    there = set(complaint.suggestions.values_list("of", flat=True))
    made = []
    category, certainty = complaint.category, 1.0
    if SuggestionOf.CATEGORY not in there:
        found = suggestions.propose_category(complaint.subject, complaint.narrative)
        if found is not None:
            made.append(_row(complaint, found, at=at, **_chosen_category(complaint)))
            if category is None:
                category, certainty = found.category, found.confidence
    if SuggestionOf.DEPARTMENT not in there:
        found = _department(complaint, category, certainty)
        made.append(_row(complaint, found, at=at, **_chosen_department(complaint)))
    Suggestion.objects.bulk_create(made)
    if complaint.import_batch_id and not complaint.risk_assessments.exists():
        grading.regrade(complaint, at=at)
    return len(made)


def without_suggestion(*, now: datetime | None = None) -> list[int]:
    """New cases that nothing was proposed for yet: their task was lost, or they were imported."""
    since = core.moment(now) - SWEPT
    rows = Complaint.objects.filter(registered_at__gte=since, status=Status.REGISTERED)  # index registered_in_period
    there = Suggestion.objects.filter(complaint=OuterRef("pk"))
    return list(rows.filter(~Exists(there)).order_by("registered_at").values_list("pk", flat=True)[:BATCH])


def _department(complaint: Complaint, category: Category | None, certainty: float = 1.0) -> Proposal:
    texts = (complaint.subject, complaint.narrative, complaint.place)
    return suggestions.propose_department(
        channel=complaint.channel, texts=texts, category=category, certainty=certainty
    )


def _row(complaint: Complaint, found: Proposal, *, at: datetime, **chosen: Any) -> Suggestion:
    return Suggestion(
        complaint=complaint,
        of=found.of,
        category=found.category,
        department=found.department,
        confidence=round(found.confidence, 4),
        reasons=found.reasons,
        model=found.model,
        rule=found.rule,
        at=at,
        **chosen,
    )


def _chosen_category(complaint: Complaint) -> dict[str, Any]:
    """What a member of staff decided already; the complainant's own choice is none."""
    last = (
        Classification.objects.filter(complaint=complaint, dimension=Dimension.CATEGORY)
        .exclude(by=None)
        .order_by("-at", "-pk")
        .first()
    )
    if last is not None:
        return {"chosen_category_id": last.category_id, "chosen_by_id": last.by_id, "chosen_at": last.at}
    if complaint.accepted_at and complaint.category_id:
        return {
            "chosen_category_id": complaint.category_id,
            "chosen_by_id": complaint.coordinator_id,
            "chosen_at": complaint.accepted_at,
        }
    return {}


def _chosen_department(complaint: Complaint) -> dict[str, Any]:
    lead = Assignment.objects.filter(complaint=complaint, role=AssignmentRole.LEAD).order_by("-assigned_at").first()
    if lead is None:
        return {}
    return {
        "chosen_department_id": lead.department_id,
        "chosen_by_id": lead.assigned_by_id,
        "chosen_at": lead.assigned_at,
    }


def note_category(complaint: Complaint, *, by: User | None, at: datetime) -> None:
    """A person decided on the category. What is proposed for the department follows the decision."""
    if complaint.category is None:
        return
    _choose(complaint, SuggestionOf.CATEGORY, by=by, at=at, chosen_category=complaint.category)
    waiting = Suggestion.objects.filter(complaint=complaint, of=SuggestionOf.DEPARTMENT, chosen_at=None)
    if waiting.exists():
        found = _department(complaint, complaint.category)
        waiting.update(
            department=found.department,
            confidence=round(found.confidence, 4),
            reasons=found.reasons,
            model=found.model,
            rule=found.rule,
        )


def note_department(complaint: Complaint, department: Department, *, by: User | None, at: datetime) -> None:
    """A person gave the case to this lead department."""
    _choose(complaint, SuggestionOf.DEPARTMENT, by=by, at=at, chosen_department=department)


def _choose(
    complaint: Complaint, of: SuggestionOf, *, by: User | None, at: datetime, **chosen: Category | Department
) -> None:
    Suggestion.objects.filter(complaint=complaint, of=of).update(chosen_by=by, chosen_at=at, **chosen)


# --- Routing rules --------------------------------------------------------------------------


@transaction.atomic
def save_routing_rule(rule_id: int | None, *, by: User, at: datetime | None = None, **values: Any) -> RoutingRule:
    """Add a rule at the end, or change one in its place. Raises NotAllowed."""
    rules = rule_lists.locked(RoutingRule, by=by, permissions=EDIT_RULES)
    rule = RoutingRule() if rule_id is None else rule_lists.one(rules, rule_id)
    return rule_lists.store(rules, rule, values, by=by, at=core.moment(at))


@transaction.atomic
def move_routing_rule(rule_id: int, *, by: User, up: bool, at: datetime | None = None) -> None:
    """Let a rule change places with its neighbour; at the end of the list nothing happens."""
    rules = rule_lists.locked(RoutingRule, by=by, permissions=EDIT_RULES)
    rule_lists.move(rules, rule_id, up=up, by=by, at=core.moment(at))


@transaction.atomic
def switch_routing_rule(rule_id: int, *, by: User, on: bool, at: datetime | None = None) -> None:
    """Put a rule in force or out of it; it is never deleted, suggestions point at it."""
    rules = rule_lists.locked(RoutingRule, by=by, permissions=EDIT_RULES)
    rule_lists.switch(rule_lists.one(rules, rule_id), on=on, by=by, at=core.moment(at))
