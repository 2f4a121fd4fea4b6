"""Where each remedy stands, and who may approve or hand over which one (COO-12, COO-13).

What is owed and what is goodwill stay apart, and so do three people: who proposes, who approves within the
own limit, who hands it over. An apology, a repair or an explanation costs no money that a limit could be
about, so it needs no approval.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput, NotAllowed
from accounts.models import User
from complaints import revisions
from complaints.models import AuthorityLimit, Complaint, Remedy
from complaints.states import RemedyKind, RemedyState

APPROVE = "complaints.approve_remedy"
GIVE = "complaints.pay_remedy"
EDITORS = ("complaints.edit_reference", "accounts.configure_system")
# From the smallest authority to the largest.
LEVELS: dict[str, Any] = {
    "department_head": _("Head of the lead department"),
    "coordinator": _("Coordinator of the complaints office"),
    "manager": _("Management"),
}
# Yuan for all the remedies of one case together; None is without a limit.
DEFAULT_LIMITS: dict[str, int | None] = {"department_head": 1000, "coordinator": 5000, "manager": None}
HIGHEST_LIMIT = 100_000_000
# Remedies of these kinds are money: without an amount nobody knows how much was agreed.
_MONEY = (RemedyKind.REFUND, RemedyKind.COMPENSATION)
_TONES = {
    RemedyState.PROPOSED: "warn",
    RemedyState.APPROVED: "info",
    RemedyState.REFUSED: "bad",
    RemedyState.DONE: "ok",
}


# --- Where a remedy stands ------------------------------------------------------------------------
def is_goodwill(kind: str, *, is_owed: bool) -> bool:
    """Given without owing it (COO-13)."""
    return not is_owed or kind == RemedyKind.GOODWILL


def needs_approval(kind: str, amount: Decimal | None, *, is_owed: bool) -> bool:
    """Whether a second person has to agree: to money of any kind, and to every goodwill gesture."""
    return amount is not None or kind in _MONEY or is_goodwill(kind, is_owed=is_owed)


def standing(remedy: Remedy) -> RemedyState:
    """The state of a remedy. Rows written before remedies were approved count as done when they have the
    day they were done, and as approved when they need no approval."""
    if remedy.done_at is not None:
        return RemedyState.DONE
    state = RemedyState(remedy.state)
    needed = needs_approval(remedy.kind, remedy.amount, is_owed=remedy.is_owed)
    return RemedyState.APPROVED if state == RemedyState.PROPOSED and not needed else state


def agreed(rows: Iterable[Remedy]) -> list[Remedy]:
    """The remedies the complainant can be promised: approved or already given."""
    return [row for row in rows if standing(row) in (RemedyState.APPROVED, RemedyState.DONE)]


def waiting(rows: Iterable[Remedy]) -> list[Remedy]:
    """The remedies nobody has decided on yet."""
    return [row for row in rows if standing(row) == RemedyState.PROPOSED]


@dataclass(frozen=True)
class Line:
    """One remedy as pages show it. `link` says what the person can do about it now."""

    remedy: Remedy
    state: RemedyState
    is_goodwill: bool
    link: Any

    @property
    def tone(self) -> str:
        return _TONES[self.state]


def lines(complaint: Complaint, user: User) -> list[Line]:
    """The remedies of a case whose records are loaded. No query but the person's permissions."""
    return [line(row, user) for row in complaint.remedies.all()]


def line(remedy: Remedy, user: User) -> Line:
    state = standing(remedy)
    link: Any = _("Details")
    if state == RemedyState.PROPOSED and user.has_perm(APPROVE) and remedy.proposed_by_id != user.pk:
        link = _("Decide")
    elif state == RemedyState.APPROVED and not give_refusal(user, remedy):
        link = _("Record that it was given")
    return Line(remedy, state, is_goodwill(remedy.kind, is_owed=remedy.is_owed), link)


# --- Who may do what ------------------------------------------------------------------------------
def level_of(user: User, complaint: Complaint) -> str:
    """The level at which the person approves on this case; '' for none."""
    if not user.is_active or not user.has_perm(APPROVE):
        return ""
    if user.has_perm("analytics.approve_report"):
        return "manager"
    if user.has_perm("complaints.adjudicate_return"):
        return "coordinator"
    now = timezone.now()
    heads = [row.department_id for row in user.all_memberships if row.is_head and row.covers(now)]
    return "department_head" if complaint.lead_department_id in heads else ""


def agreed_before(remedy: Remedy) -> Decimal:
    """Yuan already approved or given on the case of this remedy, itself left out (COM-05)."""
    others = Remedy.objects.filter(complaint=remedy.complaint_id).exclude(pk=remedy.pk)
    return sum((row.amount for row in agreed(others) if row.amount is not None), Decimal(0))


def covers(limit: int | None, remedy: Remedy, *, before: Decimal = Decimal(0)) -> bool:
    """Whether a limit reaches as far as this remedy with the yuan agreed `before` on its case (COM-05).

    Several small remedies so need the level of the whole sum. Money without an amount needs a level without a limit.
    """
    if limit is None:
        return True
    if remedy.amount is None:
        return remedy.kind not in _MONEY
    return before + remedy.amount <= limit


def levels_for(remedy: Remedy, limits: Mapping[str, int | None]) -> list[str]:
    """The levels that may approve this remedy, smallest first. One query."""
    before = agreed_before(remedy)
    return [level for level in LEVELS if covers(limits[level], remedy, before=before)]


def decision_refusal(user: User, complaint: Complaint, remedy: Remedy) -> str:
    """Why the person may not decide on this remedy at all; '' when they may."""
    if not user.is_active or not user.has_perm(APPROVE):
        return str(_("Your role does not allow this."))
    if remedy.proposed_by_id == user.pk:
        return str(_("You proposed this remedy; another person decides."))
    if not level_of(user, complaint):
        return str(_("On this case the head of the lead department, a coordinator or management decides."))
    return ""


def approval_refusal(user: User, complaint: Complaint, remedy: Remedy, limits: Mapping[str, int | None]) -> str:
    """Why the person may not approve this remedy, naming who may beyond the own limit; '' when they may."""
    refusal = decision_refusal(user, complaint, remedy)
    if refusal:
        return refusal
    limit = limits[level_of(user, complaint)]
    before = agreed_before(remedy)
    if covers(limit, remedy, before=before):
        return ""
    who = str(_(", ")).join(str(LEVELS[level]) for level in levels_for(remedy, limits))
    if remedy.amount is None:
        return str(_("Money without an amount is approved by: %(who)s.") % {"who": who})
    if before:
        return str(
            _(
                "You approve up to %(limit)s yuan on one case. With the %(before)s yuan agreed before, this remedy "
                "makes %(sum)s yuan and is approved by: %(who)s."
            )
            % {"limit": limit, "before": f"{before:f}", "sum": f"{before + remedy.amount:f}", "who": who}
        )
    return str(
        _("You approve up to %(limit)s yuan. This remedy is approved by: %(who)s.") % {"limit": limit, "who": who}
    )


def give_refusal(user: User, remedy: Remedy) -> str:
    """Why the person may not record that the remedy was given; '' when they may."""
    if not user.is_active or not user.has_perm(GIVE):
        return str(_("Your role does not allow this."))
    if remedy.proposed_by_id == user.pk:
        return str(_("You proposed this remedy; a third person hands it over."))
    if remedy.approved_by_id == user.pk:
        return str(_("You approved this remedy; a third person hands it over."))
    return ""


# --- The limits -----------------------------------------------------------------------------------
def load_limits(using: str = "default") -> None:
    """Add the shipped limits where none are stored."""
    AuthorityLimit.objects.using(using).get_or_create(revision=1, defaults={"limits": DEFAULT_LIMITS})


def current() -> AuthorityLimit:
    """The revision in force: the newest."""
    found = AuthorityLimit.objects.select_related("by").order_by("-revision").first()
    return found or AuthorityLimit(revision=0, limits=dict(DEFAULT_LIMITS))


def limits_of(revision: AuthorityLimit) -> dict[str, int | None]:
    """Yuan by level; a level a revision does not name may approve nothing."""
    return {level: revision.limits.get(level, 0) for level in LEVELS}


@transaction.atomic
def revise(
    limits: Mapping[str, int | None], *, note: str, based_on: int, by: User, at: datetime | None = None
) -> AuthorityLimit:
    """Store the next revision of the limits; it counts for every remedy approved from now on.

    `based_on` is the revision the person edited. Raises NotAllowed, InvalidInput by level, StaleVersion.
    """
    if not by.is_active or not any(by.has_perm(name) for name in EDITORS):
        raise NotAllowed(_("Your role does not allow this."))
    note = revisions.why(note)
    check(limits)
    return AuthorityLimit.objects.create(
        revision=revisions.following(AuthorityLimit, based_on=based_on),
        limits={level: limits[level] for level in LEVELS},
        note=note,
        at=at or timezone.now(),
        by=by,
    )


def check(limits: Mapping[str, int | None]) -> None:
    """Raises InvalidInput at the first level that is wrong: each reaches at least as far as the one below."""
    below: int | None = 0
    for level in LEVELS:
        limit = limits.get(level, 0)
        if limit is not None and not 0 <= limit <= HIGHEST_LIMIT:
            raise InvalidInput(level, _("Give whole yuan from 0 to %(most)s."), most=HIGHEST_LIMIT)
        if limit is not None and (below is None or limit < below):
            raise InvalidInput(level, _("This level must reach at least as far as the one below it."))
        below = limit
    if below is not None:
        raise InvalidInput("manager", _("One level has to be without a limit, or nobody could approve beyond it."))
