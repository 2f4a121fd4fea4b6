"""How a case goes where it does not go the ordinary way: the rules, the lane it has, what that shortens.

A lane shortens waits and names one person; legal limits are the same on every lane (ASG-09…11, SPG-08).
The writes stand in complaints.transitions.lanes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.models import Membership, User
from complaints import clocks, notify, risk, routing
from complaints.calendars import CalendarMissing, WorkingCalendar
from complaints.models import CareConsent, CaseLane, Complaint, Deadline, LaneRule
from complaints.states import DeadlineState, Lane, Milestone

COORDINATE = "complaints.assign_complaint"
LEAD = "complaints.lead_department"
# The waits a lane halves as a target inside the office.
SHORTENED = (Milestone.ASSIGN, Milestone.FIRST_CONTACT)


@dataclass(frozen=True)
class Conditions:
    """What a rule asks of a case; an empty condition holds always."""

    category_id: int | None
    risk_grade: str
    customer_tier: str
    special_group: str
    words: tuple[str, ...]

    @classmethod
    def of(cls, rule: LaneRule) -> Conditions:
        words = tuple(routing.plain(word) for word in routing.split_words(rule.words))
        return cls(rule.category_id, rule.risk_grade, rule.customer_tier, rule.special_group, words)


@dataclass(frozen=True)
class Facts:
    """What the rules look at. `groups`: the special groups a standing consent names, and no others (SPG-01).

    `customer_tier` is "" under a government policy, which treats everybody the same (SPG-08).
    """

    categories: frozenset[int]
    risk_grade: str
    customer_tier: str
    groups: frozenset[str]
    text: str


@dataclass(frozen=True)
class Trial:
    """What a rule would have done: cases looked at, those it matches, those of them an earlier rule takes first."""

    looked_at: int
    matched: int
    taken: int


@dataclass(frozen=True)
class Target:
    """A limit of the policy and the half of it that a lane aims at."""

    milestone: str
    aim: datetime
    due: datetime
    is_met: bool


def holds(conditions: Conditions, facts: Facts) -> bool:
    return (
        (conditions.category_id is None or conditions.category_id in facts.categories)
        and (not conditions.risk_grade or risk.rank(facts.risk_grade) >= risk.rank(conditions.risk_grade))
        and (not conditions.customer_tier or conditions.customer_tier == facts.customer_tier)
        and (not conditions.special_group or conditions.special_group in facts.groups)
        and (not conditions.words or any(word in facts.text for word in conditions.words))
    )


def active_rules() -> list[LaneRule]:
    """The rules in force, in their order."""
    return list(LaneRule.objects.filter(is_active=True).select_related("senior"))


def facts_of(complaint: Complaint, rules: Iterable[LaneRule]) -> Facts:
    """The facts of a case, as far as one of the rules asks for them."""
    rules = list(rules)
    above = routing.lineages() if any(rule.category_id for rule in rules) else {}
    categories = above.get(complaint.category_id, frozenset()) if complaint.category_id else frozenset()
    groups: list[str] = []
    if any(rule.special_group for rule in rules):
        consent = CareConsent.objects.filter(complaint=complaint, withdrawn_at=None).first()
        groups = consent.groups if consent else []
    text = routing.plain("\n".join((complaint.subject, complaint.narrative, complaint.place)))
    tier = "" if complaint.policy.is_government else complaint.customer_tier
    return Facts(categories, complaint.risk_grade, tier, frozenset(groups), text)


def first_match(complaint: Complaint, rules: Sequence[LaneRule]) -> LaneRule | None:
    """The first rule that holds for the case decides."""
    facts = facts_of(complaint, rules)
    return next((rule for rule in rules if holds(Conditions.of(rule), facts)), None)


def try_rule(conditions: Conditions, *, before: Sequence[LaneRule] = ()) -> Trial:
    """Hold a rule against the newest LOOK_BACK cases; `before` are the rules that come first. Three queries."""
    earlier = [Conditions.of(rule) for rule in before]
    above = routing.lineages()
    fields = (
        "pk",
        "category_id",
        "risk_grade",
        "customer_tier",
        "policy__is_government",
        "subject",
        "narrative",
        "place",
    )
    cases = list(Complaint.objects.order_by("-received_at", "-pk").values_list(*fields)[: routing.LOOK_BACK])
    consents = CareConsent.objects.filter(withdrawn_at=None, complaint__in=[case[0] for case in cases])
    groups = dict(consents.values_list("complaint_id", "groups"))
    matched = taken = 0
    for pk, category_id, grade, tier, is_government, subject, narrative, place in cases:
        text = routing.plain("\n".join((subject, narrative, place)))
        lineage = above.get(category_id, frozenset()) if category_id else frozenset()
        facts = Facts(lineage, grade, "" if is_government else tier, frozenset(groups.get(pk, ())), text)
        if holds(conditions, facts):
            matched += 1
            taken += any(holds(other, facts) for other in earlier)
    return Trial(len(cases), matched, taken)


# --- The lane of a case -------------------------------------------------------------------------------
def standing(complaint: Complaint) -> CaseLane | None:
    """The lane a case has now; no query where the case was read with it."""
    row: CaseLane | None = getattr(complaint, "lane", None)
    return row if row is not None and row.ended_at is None else None


def current(lane: str = "") -> Q:
    """Cases that have this lane, or any lane, now."""
    rows = CaseLane.objects.filter(ended_at=None)
    return Q(pk__in=(rows.filter(lane=lane) if lane else rows).values("complaint"))


def targets(complaint: Complaint) -> list[Target]:
    """Assignment and first contact of a case on a lane: the limit of its policy, and half of it as the aim.

    The aim is one inside the office: it stands in no clock and promises nothing to anybody.
    """
    calendar = clocks.working_calendar(complaint.policy.slots)
    rows = [row for row in complaint.deadlines.all() if row.milestone in SHORTENED and row.assignment_id is None]
    found = []
    for row in sorted(rows, key=lambda row: row.due_at):
        if row.state == DeadlineState.CANCELLED:
            continue
        found.append(Target(row.get_milestone_display(), _half(row, calendar), row.due_at, row.stopped_at is not None))
    return found


def _half(row: Deadline, calendar: WorkingCalendar) -> datetime:
    try:
        worked = calendar.working_time(row.started_at, row.due_at)
        return calendar.add_working_time(row.started_at, worked / 2) if worked else row.due_at
    except CalendarMissing:
        return row.started_at + (row.due_at - row.started_at) / 2


# --- Who can be the one senior person -----------------------------------------------------------------
def senior_people() -> QuerySet[User]:
    """Coordinators, managers and heads of departments: who may be named in a rule (ASG-09)."""
    heads = notify.holders_of(LEAD).values("pk")
    return User.objects.filter(Q(pk__in=notify.holders_of(COORDINATE).values("pk")) | Q(pk__in=heads)).order_by(
        "display_name"
    )


def seniors_for(complaint: Complaint) -> QuerySet[User]:
    """Who of them can take this case: sees it, is not concerned, shares no team with whom it is about (ASG-10).

    Heads of departments only where theirs leads the case; coordinators and managers else.
    """
    accused = list(complaint.accused_staff.values_list("pk", flat=True))
    teams = Membership.objects.current().filter(user__in=accused).values("department")
    mates = Membership.objects.current().filter(department__in=teams).values("user")
    heads = notify.heads_of([complaint.lead_department_id] if complaint.lead_department_id else [])
    people = senior_people().filter(Q(pk__in=notify.holders_of(COORDINATE).values("pk")) | Q(pk__in=heads.values("pk")))
    people = people.exclude(pk__in=notify.concerned(complaint))
    if accused:
        people = people.exclude(pk__in=mates)
    all_seeing = set(notify.holders_of("complaints.view_all").values_list("pk", flat=True))
    seeing = [
        person.pk
        for person in people
        if person.pk in all_seeing or Complaint.objects.visible_to(person).filter(pk=complaint.pk).exists()
    ]
    return User.objects.filter(pk__in=seeing).order_by("display_name")


def is_senior(row: CaseLane | None) -> bool:
    """Whether one senior person has the case throughout."""
    return row is not None and row.lane == Lane.SENIOR
