"""Who sees which figures and who may do what with a report (guarantees, matrix; AN-33)."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.errors import InvalidInput, NotAllowed
from accounts.models import Department, User
from analytics.models import Report
from analytics.scope import ANSWERED, ASKED, REACHED, Formula, Scope
from analytics.states import REPORT_MOVES, ReportStatus, Result
from complaints import filters
from complaints.models import Category, Dimension
from complaints.states import Channel, CustomerTier, EmotionIntensity, RiskGrade, SpecialGroup

FIRST, FINAL = "first", "final"
SEE = "analytics.view_figures"
BUILD = "analytics.build_report"
APPROVE = "analytics.approve_report"


def require(user: User, permission: str) -> None:
    """Raises NotAllowed."""
    if not user.is_active or not user.has_perm(permission):
        raise NotAllowed(_("Your role does not allow this."))


def scope_for(
    user: User,
    *,
    department: str = "",
    channel: str = "",
    category: str = "",
    classification: str = "",
    risk: str = "",
    tier: str = "",
    legal: str = "",
    care: str = "",
    emotion: str = "",
    product: str = "",
    outlet: str = "",
    place: str = "",
    step: str = "",
    result: str = "",
    basically: str = "",
    base: str = "",
) -> Scope:
    """What this person may count, narrowed by the filters (codes). Raises NotAllowed, InvalidInput.

    `classification` is "first" or "final": by which category a case counts that was classified again (CLS-15).
    `product`, `outlet`, `place` and `step` are compared whole. `basically` and `base` choose the formula of the three
    rates.

    A department counts its own cases, a manager the departments managed, everybody else with the
    permission the whole organisation.
    """
    require(user, SEE)
    departments = _departments_of(user)
    department_ids = _option("department", department, _("There is no such department."))
    if departments is not None and department_ids and not departments.issuperset(department_ids):
        raise InvalidInput("department", _("There is no such department."))
    if channel and channel not in Channel.values:
        raise InvalidInput("channel", _("There is no such channel."))
    if classification not in ("", FIRST, FINAL):
        raise InvalidInput("classification", _("Choose “first” or “final”."))
    for name, value, choices in (
        ("risk", risk, RiskGrade.values),
        ("tier", tier, CustomerTier.values),
        ("care", care, SpecialGroup.values),
        ("emotion", emotion, [str(number) for number in EmotionIntensity.values]),
        ("basically", basically, ("yes", "no")),
        ("result", result, Result.values),
        ("base", base, (ANSWERED, REACHED, ASKED)),
    ):
        if value and value not in choices:
            raise InvalidInput(name, _("This choice does not exist."))
    return Scope(
        departments=departments,
        by_first=classification == FIRST,
        sees_reviews=not user.has_perm("complaints.view_department") or user.has_perm("complaints.view_all"),
        sees_small_cells=user.has_perm(APPROVE),
        department=department_ids,
        channel=channel,
        category=_option("category", category, _("There is no such category.")),
        risk=risk,
        tier=tier,
        legal=_legal_types(legal),
        care=care,
        emotion=int(emotion) if emotion else None,
        product=product,
        outlet=outlet,
        place=place,
        step=step,
        result=result,
        formula=Formula({"yes": True, "no": False}.get(basically), base),
    )


def _legal_types(code: str) -> tuple[int, ...]:
    if not code:
        return ()
    found = tuple(Category.objects.filter(dimension=Dimension.LEGAL, code=code).values_list("pk", flat=True))
    if not found:
        raise InvalidInput("legal", _("This choice does not exist."))
    return found


def _option(kind: str, code: str, message: str) -> tuple[int, ...]:
    if not code:
        return ()
    for option in filters.options()[kind]:
        if option.code == code:
            return option.pks
    raise InvalidInput(kind, message)


def _departments_of(user: User) -> frozenset[int] | None:
    if user.has_perm("complaints.view_all"):
        return None
    if user.has_perm("complaints.view_managed"):
        managed = Department.objects.filter(pk__in=user.department_ids)
        if any(department.parent_id is None for department in managed):
            return None  # the top of the tree: also the cases that no department has yet
        return frozenset(
            Department.objects.within([department.path for department in managed]).values_list("pk", flat=True)
        )
    if user.has_perm("complaints.view_department"):
        return frozenset(user.department_ids)
    return None


def sees_cases(user: User) -> bool:
    """Whether a figure may lead this person to the list of cases behind it."""
    return any(user.has_perm(f"complaints.{name}") for name in ("view_all", "view_department", "view_managed"))


def sees_staff(user: User) -> bool:
    """Whether this person may read figures by member of staff: heads of departments and management (QUA-13)."""
    return user.has_perm(SEE) and (user.has_perm("complaints.lead_department") or user.has_perm(APPROVE))


def report_refusal(user: User, action: str, report: Report) -> str:
    """Why this person may not approve, release, edit, rebuild or revise this report; '' when they may."""
    needed = {"approve": APPROVE, "release": APPROVE}.get(action, BUILD)
    if not user.is_active or not user.has_perm(needed):
        return _("Your role does not allow this.")
    if action == "approve" and user.pk == report.requested_by_id:
        return _("You asked for this report; another person approves it.")
    if action == "approve" and user.pk in editors(report):
        return _("You edited this report; another person approves it.")
    return ""


def editors(report: Report) -> set[int]:
    """Everybody who changed a text of this revision."""
    return {edit["by"] for edit in report.snapshot.get("edits", {}).values()}


def possible(report: Report, action: str) -> bool:
    """Whether the state of the report allows the action."""
    if action == "edit":
        return report.status == ReportStatus.DRAFT
    if action == "revise":
        return report.status in (ReportStatus.DRAFT, ReportStatus.APPROVED, ReportStatus.RELEASED)
    return report.status in REPORT_MOVES[action][0]


def allowed_actions(user: User, report: Report) -> list[str]:
    """What this person can do with this report now; buttons and API read this list."""
    found = [
        action
        for action in ("edit", "approve", "release", "rebuild", "revise")
        if possible(report, action) and not report_refusal(user, action, report)
    ]
    return [action for action in found if action != "approve" or not has_open_remarks(report)]


def has_open_remarks(report: Report) -> bool:
    """Whether a remark waits to be settled. One query."""
    return report.comments.filter(settled_at=None).exists()


def may_remark(user: User, report: Report) -> bool:
    """Whether this person may remark on the text now: who builds or approves reports, while it is a draft."""
    return possible(report, "edit") and works_on_reports(user)


def works_on_reports(user: User) -> bool:
    """Whether this person builds or approves reports, and so reads drafts and remarks."""
    return user.is_active and (user.has_perm(BUILD) or user.has_perm(APPROVE))
