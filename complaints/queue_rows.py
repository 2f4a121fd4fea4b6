"""What one row of the queue and the preview show, in words and states the components understand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from complaints import clocks, identity, office_terms, references, selectors
from complaints.calendars import WorkingCalendar
from complaints.models import Complaint
from complaints.querysets import ComplaintQuerySet
from complaints.states import (
    ENDED,
    STAGE,
    AssignmentRole,
    Audience,
    DeadlineState,
    Lane,
    Move,
    PauseReason,
    RiskGrade,
    Status,
)
from complaints.timeline_words import TITLES

RISK_LEVEL = {RiskGrade.ORDINARY: "low", RiskGrade.MEDIUM: "mid", RiskGrade.HIGH: "high"}
_NUMBER = "HY-00000000-0000"  # stands for any case number in an address
EXCERPT = 220
ACTIONS_SHOWN = 3
# What usually comes next on a case; the pane offers these before all others.
_NEXT = (
    "accept", "refuse", "receive_information", "assign", "start", "submit_for_check", "pass_quality", "pass_legal",
    "call_back", "close", "grant_return", "approve_pause", "approve_extension", "approve_reset", "receive_task",
    "finish_supporting", "return_for_rework", "return_from_legal", "resume", "request_information",
    "reassign", "grade_risk",
)  # fmt: skip


def case_url(number: str) -> str:
    """The case page."""
    return _address().replace(_NUMBER, number)


@lru_cache(maxsize=1)
def _address() -> str:
    return reverse("complaints:detail", args=[_NUMBER])


@lru_cache(maxsize=1024)
def _drawn(language: str, **values: str | int) -> SafeString:
    """One cell of the list. A page repeats few different ones, and drawing a component takes long."""
    return render_to_string("complaints/queue_cell.html", values)


def _cell(**values: str | int) -> SafeString:
    return _drawn(get_language() or "", **values)


@dataclass(frozen=True)
class Row:
    """A case in the list. `who` has it: its handler, else its coordinator."""

    complaint: Complaint
    url: str
    department: str
    category: str
    chip_state: str
    chip_text: str
    status: str
    stage: int
    tone: str
    risk: str
    who: str
    own_state: str = ""
    own_text: str = ""

    @property
    def chip(self) -> SafeString:
        """What is left of the deadline; '' without one."""
        return _cell(chip=self.chip_text, state=self.chip_state)

    @property
    def own_chip(self) -> SafeString:
        """What is left to the department of the person, where that is not what the case has left; '' otherwise."""
        return _cell(chip=self.own_text, state=self.own_state) if self.own_text else SafeString("")

    @property
    def status_badge(self) -> SafeString:
        return _cell(status=self.status, stage=self.stage, tone=self.tone)

    @property
    def risk_badge(self) -> SafeString:
        return _cell(risk=self.risk)

    @property
    def repeat_tag(self) -> SafeString:
        """Marks a repeat complaint."""
        return _cell(repeat="repeat") if self.complaint.is_repeat else SafeString("")

    @property
    def lane_tag(self) -> SafeString:
        """Marks a case on a lane (ASG-11); '' in places that did not ask for it."""
        lane = getattr(self.complaint, "on_lane", None)
        return _cell(lane=str(Lane(lane).label)) if lane else SafeString("")


def make_rows(complaints: list[Any], *, now: datetime) -> list[Row]:
    """Rows of a page: complaints with the annotations of `queue.rows`, so without a query per row."""
    known = references.known(complaints)
    calendars = Calendars()
    return [
        _row(complaint, known, calendars.of(complaint.slots), now=now, who=complaint.who) for complaint in complaints
    ]


class Calendars:
    """The working calendar of each policy on a page, built once per office hours."""

    def __init__(self) -> None:
        self._by_slots: dict[str, WorkingCalendar] = {}

    def of(self, slots: list[list[str]]) -> WorkingCalendar:
        key = str(slots)
        if key not in self._by_slots:
            self._by_slots[key] = clocks.working_calendar(slots)
        return self._by_slots[key]


def _row(
    complaint: Complaint, known: references.References, calendar: WorkingCalendar, *, now: datetime, who: str | None
) -> Row:
    state, text = selectors.chip(complaint, now=now, calendar=calendar)
    if state == "paused" and complaint.pause_reason:
        text = f"{text} · {PauseReason(complaint.pause_reason).label}"
    status = Status(complaint.status)
    own_due = getattr(complaint, "own_due", None)
    own = ("", "") if own_due in (None, complaint.next_due_at) else selectors.own_chip(own_due, calendar, now=now)
    return Row(
        complaint=complaint,
        url=case_url(complaint.number),
        department=known.department(complaint),
        category=known.category(complaint),
        chip_state=state,
        chip_text=text,
        status=str(status.label),
        stage=STAGE[status],
        tone=status_tone(complaint),
        risk=RISK_LEVEL[RiskGrade(complaint.risk_grade)],
        who=who or "",
        own_state=own[0],
        own_text=own[1],
    )


def status_tone(complaint: Complaint) -> str:
    if complaint.status in ENDED:
        return "done"
    if complaint.is_paused or complaint.status == Status.AWAITING_INFORMATION:
        return "hold"
    return "new" if complaint.status == Status.REGISTERED else ""


@dataclass(frozen=True)
class Preview:
    """The pane beside the list: what a person needs to decide whether to open the case."""

    complaint: Complaint
    row: Row
    clocks: list[selectors.ClockReading]
    complainant: str
    earlier: int
    repeat_days: int
    lead: Any
    supporting: list[Any]
    excerpt: str
    events: list[tuple[str, datetime]]
    actions: list[Move]


def make_preview(visible: ComplaintQuerySet, number: str, user: User, *, now: datetime) -> Preview | None:
    """The preview of a visible case; None for any other number (AZ-03)."""
    complaint = (
        visible.filter(number=number)
        .select_related("policy", "complainant", "category", "lead_department", "handler", "coordinator")
        .first()
    )
    if complaint is None:
        return None
    known = references.known([complaint])
    calendar = Calendars().of(complaint.policy.slots)
    person = complaint.handler or complaint.coordinator
    running = (
        complaint.deadlines.filter(state__in=[DeadlineState.RUNNING, DeadlineState.PAUSED])
        .select_related("assignment__department")
        .order_by("due_at")
    )
    tasks = list(complaint.assignments.filter(is_current=True).select_related("department", "handler"))
    log = complaint.events.filter(audience=Audience.CASE).order_by("-sequence")[:3]
    hidden = complaint.is_confidential and not user.has_perm("complaints.view_all")
    repeat_days = office_terms.recent("repeat")
    earlier = identity.earlier_complaints(complaint, at=now, days=repeat_days).filter(
        received_at__lt=complaint.received_at
    )
    return Preview(
        complaint=complaint,
        row=_row(complaint, known, calendar, now=now, who=person and person.display_name),
        clocks=[selectors.read_clock(deadline, complaint, now=now, calendar=calendar) for deadline in running],
        complainant=str(_("Withheld")) if hidden else identity.mask("name", complaint.complainant.name),
        earlier=earlier.visible_to(user).count(),
        repeat_days=repeat_days,
        lead=next((task for task in tasks if task.role == AssignmentRole.LEAD), None),
        supporting=[task.department for task in tasks if task.role == AssignmentRole.SUPPORTING],
        excerpt=complaint.narrative[:EXCERPT] + ("……" if len(complaint.narrative) > EXCERPT else ""),
        events=[(str(TITLES.get(event.kind, _("Entry in the record"))), event.at) for event in log],
        actions=sorted(selectors.available_actions(complaint, user), key=_rank)[:ACTIONS_SHOWN],
    )


def _rank(move: Move) -> int:
    return _NEXT.index(move.action) if move.action in _NEXT else len(_NEXT)
