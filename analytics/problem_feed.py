"""What feeds the problem list: proposals from closed cases, reviews, publications, incidents, proposals of
complainants and outbreaks, each confirmed by a person (IMP-01).

A proposal is not stored: it is whatever of the last year belongs to no problem yet. Confirming makes it a source of a
new problem, of an existing one, or of an entry that is set aside with the reason; then it is proposed no more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import models, transaction
from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.errors import IllegalTransition
from accounts.models import User
from analytics import outbreaks, problem_rules, problems
from analytics.models import Outbreak, Problem, ProblemSource
from analytics.states import OutbreakState, ProblemSourceKind
from complaints import keyset, references
from complaints.models import AfterAction, Complaint, ImprovementAction, Incident, Proposal
from publication.models import Publication
from publication.states import PublicationStatus
from review.models import ReviewCase
from review.selectors import weak_spots

LOOK_BACK = timedelta(days=365)
GONE = gettext_lazy("This candidate is decided on: somebody was faster.")


@dataclass(frozen=True)
class Candidate:
    """Something that may be a problem. `key` names it within its kind; `cases` is how many cases stand behind it."""

    kind: ProblemSourceKind
    key: str
    title: str
    text: str
    cases: int = 1
    day: date | None = None
    category_id: int | None = None
    department_id: int | None = None
    complaint_id: int | None = None


def candidates(kind: str, *, now: datetime) -> list[Candidate]:
    """Everything of one kind that is on no problem list yet; the most frequent or the newest first. One or two
    queries whatever there is. Raises KeyError for a kind that feeds nothing."""
    return _FEEDS[ProblemSourceKind(kind)](now - LOOK_BACK)


def kinds() -> list[ProblemSourceKind]:
    """The kinds of sources that make proposals, in the order shown."""
    return list(_FEEDS)


def find(kind: str, key: str, *, now: datetime) -> Candidate | None:
    """One proposal, None when it is settled or unknown."""
    if kind not in _FEEDS:
        return None
    return next((row for row in candidates(kind, now=now) if row.key == key), None)


def similar(candidate: Candidate) -> QuerySet[Problem]:
    """Unsettled problems it may belong to, those of the same category and department first."""
    same = Q(category=candidate.category_id) if candidate.category_id else Q(pk__in=[])
    rows = Problem.objects.filter(state__in=problems.UNSETTLED)
    fits = models.Case(
        models.When(same & Q(department=candidate.department_id), then=0), models.When(same, then=1), default=2
    )
    return rows.annotate(fits=fits).order_by("fits", "-score", "-pk")


def _place(category_id: int | None, department_id: int | None) -> str:
    known = references.known()
    category = known.categories.get(category_id or 0)
    return " · ".join(filter(None, (category.label if category else "", known.departments.get(department_id or 0, ""))))


def _used(kind: ProblemSourceKind) -> QuerySet[ProblemSource]:
    return ProblemSource.objects.filter(kind=kind)


# --- The kinds --------------------------------------------------------------------------------------
def _systemic(since: datetime) -> QuerySet[Complaint]:
    """Cases closed with a systemic cause (IMP-16) that belong to no problem."""
    linked = ProblemSource.objects.filter(complaint=OuterRef("pk"))
    return Complaint.objects.filter(~Exists(linked), is_systemic=True, closed_at__gte=since).order_by()


def _cases(since: datetime) -> list[Candidate]:
    rows = _systemic(since).values("category", "lead_department").annotate(n=Count("pk"), last=Max("closed_at"))
    found = []
    for row in rows.order_by("-n", "category", "lead_department"):
        category, department = row["category"], row["lead_department"]
        found.append(
            Candidate(
                ProblemSourceKind.CASE,
                f"{category or 0}-{department or 0}",
                _place(category, department) or _("Not classified yet"),
                _("Closed with a systemic cause"),
                row["n"],
                timezone.localdate(row["last"]),
                category,
                department,
            )
        )
    return found


def _reviews(since: datetime) -> list[Candidate]:
    used = set(_used(ProblemSourceKind.REVIEW).values_list("reference", flat=True))
    return [
        Candidate(
            ProblemSourceKind.REVIEW,
            spot.number,
            _place(spot.category_id, spot.department_id) or spot.number,
            spot.text,
            day=spot.date,
            category_id=spot.category_id,
            department_id=spot.department_id,
            complaint_id=spot.complaint_id,
        )
        for spot in reversed(weak_spots(since))
        if spot.number not in used
    ]


def _publications(since: datetime) -> list[Candidate]:
    used = _used(ProblemSourceKind.PUBLICATION).filter(reference=OuterRef("number"))
    rows = Publication.objects.filter(~Exists(used), status=PublicationStatus.POSTED, posted_at__gte=since)
    return [
        Candidate(
            ProblemSourceKind.PUBLICATION,
            row.number,
            row.title,
            row.improvement or row.summary,
            day=timezone.localdate(row.posted_at),
            category_id=row.category_id,
            department_id=row.department_id,
            complaint_id=row.complaint_id,
        )
        for row in rows.order_by("-posted_at", "-pk")
    ]


def _incidents(since: datetime) -> list[Candidate]:
    """Incidents with lessons learned or improvements decided."""
    used = _used(ProblemSourceKind.INCIDENT).filter(reference=OuterRef("number"))
    lessons = AfterAction.objects.filter(incident=OuterRef("pk")).order_by("-revision")
    measures = ImprovementAction.objects.filter(incident=OuterRef("pk")).order_by("pk")
    rows = Incident.objects.filter(~Exists(used), Exists(lessons) | Exists(measures), opened_at__gte=since).annotate(
        lessons=Subquery(lessons.values("lessons")[:1]),
        measure=Subquery(measures.values("what")[:1]),
        found=Count("complaints", distinct=True),
    )
    return [
        Candidate(
            ProblemSourceKind.INCIDENT,
            row.number,
            row.title,
            row.lessons or row.measure or "",
            row.found,
            timezone.localdate(row.opened_at),
            row.category_id,
        )
        for row in rows.order_by("-opened_at", "-pk")
    ]


def _feedback(since: datetime) -> list[Candidate]:
    """Proposals of complainants that were judged valuable."""
    taken = set(_used(ProblemSourceKind.FEEDBACK).values_list("reference", flat=True))
    rows = Proposal.objects.filter(is_valuable=True, at__gte=since).select_related("complaint")
    return [
        Candidate(
            ProblemSourceKind.FEEDBACK,
            str(row.pk),
            _place(row.complaint.category_id, row.complaint.lead_department_id) or row.get_about_display(),
            row.text,
            day=timezone.localdate(row.at),
            category_id=row.complaint.category_id,
            department_id=row.complaint.lead_department_id,
            complaint_id=row.complaint_id,
        )
        for row in rows
        if str(row.pk) not in taken
    ]


def _outbreaks(since: datetime) -> list[Candidate]:
    """Unusual increases that a person attributed (RISK-30)."""
    taken = set(_used(ProblemSourceKind.OUTBREAK).values_list("reference", flat=True))
    rows = Outbreak.objects.filter(state=OutbreakState.ATTRIBUTED, settled_at__gte=since)
    return [
        Candidate(
            ProblemSourceKind.OUTBREAK,
            str(row.pk),
            outbreaks.title_of(row),
            f"{row.get_attribution_display()}: {row.reason}",
            row.count,
            row.first_day,
            row.category_id,
            row.department_id,
        )
        for row in rows.select_related("category", "department").order_by("-last_day", "-pk")
        if str(row.pk) not in taken
    ]


_FEEDS: dict[ProblemSourceKind, Callable[[datetime], list[Candidate]]] = {
    ProblemSourceKind.CASE: _cases,
    ProblemSourceKind.REVIEW: _reviews,
    ProblemSourceKind.PUBLICATION: _publications,
    ProblemSourceKind.INCIDENT: _incidents,
    ProblemSourceKind.FEEDBACK: _feedback,
    ProblemSourceKind.OUTBREAK: _outbreaks,
}
# Whose row is held while a proposal is settled, so that two people do not settle it twice.
_HELD: dict[ProblemSourceKind, tuple[type[models.Model], str]] = {
    ProblemSourceKind.REVIEW: (ReviewCase, "number"),
    ProblemSourceKind.PUBLICATION: (Publication, "number"),
    ProblemSourceKind.INCIDENT: (Incident, "number"),
    ProblemSourceKind.FEEDBACK: (Proposal, "pk"),
    ProblemSourceKind.OUTBREAK: (Outbreak, "pk"),
}


# --- Confirming -------------------------------------------------------------------------------------
@transaction.atomic
def take_up(
    kind: str, key: str, *, title: str, description: str, is_major: bool, by: User, at: datetime | None = None
) -> Problem:
    """Make a proposal a new problem. Raises NotAllowed, IllegalTransition when it is settled, InvalidInput."""
    at = at or timezone.now()
    candidate = _hold(kind, key, by=by, at=at)
    problem = problem_rules.enter(title=title, description=description, is_major=is_major, by=by, at=at)
    problem.category_id, problem.department_id = candidate.category_id, candidate.department_id
    problem.save(update_fields=["category", "department"])
    _feed(problem, candidate, by=by, at=at)
    return problem


@transaction.atomic
def merge(kind: str, key: str, *, problem_id: int, by: User, at: datetime | None = None) -> Problem:
    """Add a proposal to a problem that is on the list. Raises as `take_up` does."""
    at = at or timezone.now()
    problem_rules.require_manager(by)
    problem = problem_rules.lock(problem_id)
    _feed(problem, _hold(kind, key, by=by, at=at), by=by, at=at)
    return problem


@transaction.atomic
def leave_out(kind: str, key: str, *, reason: str, by: User, at: datetime | None = None) -> Problem:
    """It is no problem to follow up: kept as an entry that is set aside with the reason. Raises as `take_up` does."""
    at = at or timezone.now()
    candidate = _hold(kind, key, by=by, at=at)
    problem = take_up(
        kind,
        key,
        title=candidate.title[:120],
        description=candidate.text or candidate.title,
        is_major=False,
        by=by,
        at=at,
    )
    return problem_rules.set_aside(problem.pk, reason=reason, version=problem.version, by=by, at=at)


def _hold(kind: str, key: str, *, by: User, at: datetime) -> Candidate:
    """The proposal, with the row it is about held until the end of the transaction."""
    problem_rules.require_manager(by)
    if kind in _HELD:
        table, field = _HELD[ProblemSourceKind(kind)]
        if field == "pk" and keyset.key_of(key) is None:
            raise IllegalTransition(GONE)
        table._default_manager.select_for_update().filter(**{field: key}).first()
    candidate = find(kind, key, now=at)
    if candidate is None:
        raise IllegalTransition(GONE)
    return candidate


def _feed(problem: Problem, candidate: Candidate, *, by: User, at: datetime) -> None:
    reference = "" if candidate.kind == ProblemSourceKind.CASE else candidate.key
    if reference:
        words = " ".join(candidate.text.split())
        problem_rules.add_reference(problem, candidate.kind, reference, by=by, at=at, note=words)
    linked = problem_rules.link_cases(
        problem,
        cases_behind(candidate, at=at),
        kind=candidate.kind,
        reference=reference,
        # A case that somebody linked meanwhile stays where it is; a report about a case may name it again.
        only_free=not reference,
        by=by,
        at=at,
    )
    if not reference and not linked:
        raise IllegalTransition(GONE)


def cases_behind(candidate: Candidate, *, at: datetime) -> list[int]:
    """The keys of the cases behind a proposal, the latest first, no more than one step links."""
    if candidate.complaint_id:
        return [candidate.complaint_id]
    if candidate.kind == ProblemSourceKind.CASE:
        rows = _systemic(at - LOOK_BACK).filter(category=candidate.category_id, lead_department=candidate.department_id)
    elif candidate.kind == ProblemSourceKind.INCIDENT:
        rows = Complaint.objects.filter(incident__number=candidate.key)
    else:
        rows = outbreaks.cases_of(Outbreak.objects.get(pk=candidate.key))
    return list(rows.order_by("-pk").values_list("pk", flat=True)[: problem_rules.LINKED_AT_ONCE])
