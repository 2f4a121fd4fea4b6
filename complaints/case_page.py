"""What the case page and its printed form show; both are built from the same values (AZ-08)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.errors import DomainError, NotAllowed
from accounts.models import User
from accounts.web import StaffRequest
from complaints import (
    archive,
    call_backs,
    care,
    case_access,
    case_files,
    case_records,
    case_screening,
    category_words,
    clocks,
    coordination,
    identity,
    lanes,
    office_terms,
    permissions,
    remedies,
    risk_page,
    selectors,
    task_clocks,
    tiers,
    timeline,
    timeline_words,
    verification,
)
from complaints.action_forms import FORMS, ActionForm
from complaints.models import Callback, CaseEvent, Category, Complaint, Deadline
from complaints.record_forms import RevealForm
from complaints.states import (
    ENDED,
    STAGE,
    AssignmentRole,
    AssignmentState,
    Channel,
    DeadlineState,
    Milestone,
    Move,
    Status,
)

EARLIER_SHOWN = 20
REVEALS_SHOWN_DAYS = 30

# Actions that stand beside what they change instead of in the action bar.
_CLOCK = (
    "request_pause",
    "approve_pause",
    "resume",
    "request_extension",
    "approve_extension",
    "request_reset",
    "approve_reset",
)
_MATCHING = ("link", "unlink", "merge", "join_incident", "leave_incident")
_JUDGEMENT = ("record_facts", "judge_validity", "propose_unreasonable", "undo_import")
_BESIDE = {"classify", "grade_risk", "reassign", "add_supporting", *_CLOCK, *_MATCHING, *_JUDGEMENT}
# What a person most likely came for, first match wins.
_PRIMARY = (
    "receive_information",
    "grant_return",
    "undo_merge",
    "decide_unreasonable",
    "accept",
    "assign",
    "start",
    "submit_for_check",
    "receive_task",
    "finish_supporting",
    "pass_quality",
    "pass_legal",
    "call_back",
    "close",
    "archive",
)


@dataclass(frozen=True)
class Action:
    """One thing this person can do now: its page and, for short forms, the form of its dialog."""

    move: Move
    url: str
    form: ActionForm | None
    danger: bool

    @property
    def dialog(self) -> str:
        return f"do-{self.move.action}" if self.form else ""


def context(complaint: Complaint, user: User, *, now: datetime, show: str = "all") -> dict[str, Any]:
    """Everything the page shows to this person. Loads the records of the case."""
    case_records.load(complaint)
    actions = _actions(complaint, user)
    files = case_files.rows(complaint, user)  # before the timeline, which reads the names too
    viewer = timeline.Viewer.of(user)
    record = timeline.entries(complaint, viewer)
    readings = clock_readings(complaint, now=now)
    return {
        "complaint": complaint,
        "active": "cases",
        "badge": badge(complaint),
        "risk": {"ordinary": "low", "medium": "mid", "high": "high"}[complaint.risk_grade],
        "category_path": category_path(complaint.category),
        "channel_icon": CHANNEL_ICONS[Channel(complaint.channel)],
        "steps": steps(complaint),
        "current_step": _current_step(complaint),
        "earlier": earlier(complaint, user),
        "files": files,
        "not_copied": sum(file.may_copy for file in files),
        "may_download": user.has_perm("complaints.view_original"),
        "clocks": readings,
        "lead_clock": _lead_clock(readings),
        "clock_actions": [action for action in actions if action.move.action in _CLOCK],
        "matching_actions": [action for action in actions if action.move.action in _MATCHING],
        "judgement_actions": [action for action in actions if action.move.action in _JUDGEMENT],
        **case_screening.context(complaint, now=now),
        "tasks": tasks(complaint),
        "replies": list(reversed(complaint.replies.all())),
        "questions": complaint.questions.all(),
        "remedies": remedies.lines(complaint, user),
        "risk_box": risk_page.box(complaint, user),
        "service": {
            "lane": lanes.standing(complaint),
            "tier": tiers.service_of(complaint),
            **care.badge(complaint, user),
        },
        "coordination": coordination.summary(complaint, user, now=now),
        "entries": [entry for entry in record if entry.belongs_to(show)],
        "filters": filters(complaint, record, show),
        "show": show,
        "may": _may_add(complaint, user),
        "may_set_audience": viewer.sees_all,
        "reads_notes": viewer.reads_notes,
        "actions": {action.move.action: action for action in actions},
        **_bar(complaint, actions),
        **person(complaint, user, now=now),
        "ended": complaint.status in ENDED,
        "now": now,
    }


def _may_add(complaint: Complaint, user: User) -> dict[str, bool]:
    """Which records the person may add."""
    open_for_records = complaint.status != Status.ARCHIVED
    return {
        kind: open_for_records and not case_access.record_refusal(user, complaint, kind)
        for kind in case_access.RECORD_PERMISSIONS
    }


def badge(complaint: Complaint) -> dict[str, Any]:
    """Stage and tone of the status badge."""
    tone = "hold" if complaint.status == Status.AWAITING_INFORMATION else "done" if complaint.status in ENDED else ""
    return {"stage": STAGE[Status(complaint.status)], "label": complaint.get_status_display(), "tone": tone}


def take_record(
    request: StaffRequest,
    form: Any,
    kind: str,
    *,
    back: str,
    needs_open: bool = False,
    template: str = "complaints/actions/record.html",
) -> HttpResponse:
    """Save the form of one record of a case and go on to the page `back`, or show the form, with what is wrong."""
    try:
        if needs_open:
            case_access.require_open(form.complaint)
        if form.is_bound and form.is_valid():
            form.save()
    except NotAllowed as error:
        case_access.refuse(request, form.complaint, kind, str(error))
    except DomainError as error:
        return render_record(request, form, status=409, problem=str(error), template=template)
    if not form.is_bound or form.errors:
        return render_record(request, form, status=422 if form.is_bound else 200, template=template)
    messages.success(request, str(form.done))
    return redirect(back, form.complaint.number)


def render_record(
    request: HttpRequest,
    form: Any,
    *,
    status: int,
    problem: str = "",
    template: str = "complaints/actions/record.html",
) -> HttpResponse:
    """The page with the form of one record of a case."""
    values = {
        "complaint": form.complaint,
        "form": form,
        "active": "cases",
        "badge": badge(form.complaint),
        "problem": problem,
    }
    return render(request, template, values, status=status)


CHANNEL_ICONS = {
    Channel.PHONE: "phone",
    Channel.WEB: "globe",
    Channel.APP: "globe",
    Channel.EMAIL: "mail",
    Channel.LETTER: "mail",
    Channel.COUNTER: "building-2",
    Channel.REFERRAL: "arrow-right-left",
    Channel.GOVERNMENT: "building-2",
    Channel.SOCIAL: "message-square-text",
}


def category_path(category: Category | None) -> str:
    """供水 › 停水."""
    names: list[str] = []
    while category is not None:
        names.append(category.label)
        category = category.parent
    return " › ".join(reversed(names))


# --- Steps ------------------------------------------------------------------------------------
def steps(complaint: Complaint) -> list[tuple[str, str]]:
    """The life of the case as (name, small text): real times for what happened, due dates for what is to come."""
    reached = _reached(complaint)
    if complaint.status in (Status.NOT_ACCEPTED, Status.WITHDRAWN, Status.MERGED):
        done = [(name, reached[key]) for key, name in _step_names() if key in reached and key != "closed"]
        return [*done, (complaint.get_status_display(), _short(complaint.status_since))]
    due = {row.milestone: row.due_at for row in complaint.deadlines.all() if row.state == DeadlineState.RUNNING}
    awaited = {
        "accepted": Milestone.DECIDE_ACCEPTANCE,
        "assigned": Milestone.ASSIGN,
        "checked": Milestone.RESOLVE,
        "replied": Milestone.REPLY,
        "called": Milestone.CALL_BACK,
    }
    found = []
    for key, name in _step_names():
        note = reached.get(key, "")
        if not note and awaited.get(key) in due:
            note = _("by %(day)s") % {"day": _short(due[awaited[key]], hour=False)}
        found.append((name, note))
    return found


def _step_names() -> list[tuple[str, str]]:
    return [
        ("registered", _("Registration")),
        ("accepted", _("Acceptance")),
        ("assigned", _("Assignment")),
        ("started", _("Handling")),
        ("checked", _("Quality check")),
        ("replied", _("Reply")),
        ("called", _("Call-back")),
        ("closed", _("Closing")),
    ]


def _reached(complaint: Complaint) -> dict[str, str]:
    """Small text of the steps that happened. A reopened case starts again at the handling."""
    last = {event.kind: event.at for event in complaint.events.all() if event.version is not None}
    stage = _current_step(complaint)
    times = {
        "registered": complaint.registered_at,
        "accepted": complaint.accepted_at,
        "assigned": last.get("reassign") or last.get("assign"),
        "started": last.get("start"),
        "checked": complaint.resolved_at,
        "replied": complaint.replied_at,
        "called": max((row.at for row in complaint.callbacks.all() if row.satisfaction), default=None),
        "closed": complaint.closed_at,
    }
    keys = [key for key, _name in _step_names()]
    return {key: _short(at) for key, at in times.items() if at and keys.index(key) < stage}


def _current_step(complaint: Complaint) -> int:
    """The step the case is at, from 1; one past the last when it has ended."""
    if complaint.status in ENDED:
        return 9
    if complaint.status == Status.REPLIED:
        return 7 if call_backs.is_wanted(complaint) else 8
    return STAGE[Status(complaint.status)]


def _short(at: datetime, *, hour: bool = True) -> str:
    return timezone.localtime(at).strftime("%m-%d %H:%M" if hour else "%m-%d")


# --- Repeat complaints ----------------------------------------------------------------------
def earlier(complaint: Complaint, user: User) -> list[Complaint]:
    """Complaints of the same person in the days before this one that make it a repeat, newest first, at most
    EARLIER_SHOWN, as far as the user may see them (SCR-09, AZ-03)."""
    rated = Callback.objects.filter(complaint=OuterRef("pk")).exclude(satisfaction="").order_by("-at")
    same = identity.earlier_complaints(complaint, at=complaint.received_at, days=office_terms.recent("repeat"))
    rows = Complaint.objects.visible_to(user).filter(pk__in=same.values("pk"))
    fields = ("number", "subject", "status", "received_at")
    return list(
        rows.annotate(satisfaction=Subquery(rated.values("satisfaction")[:1]))
        .only(*fields)
        .order_by("-received_at")[:EARLIER_SHOWN]
    )


# --- Tasks and clocks -----------------------------------------------------------------------
def tasks(complaint: Complaint) -> list[Any]:
    """The departments that have the case, lead first, then those that had it."""
    rows = complaint.assignments.all()
    return sorted(rows, key=lambda row: (not row.is_current, row.role != AssignmentRole.LEAD, row.assigned_at))


@dataclass(frozen=True)
class Clock:
    """One clock with what the page says beside it."""

    deadline: Deadline
    state: str
    text: str
    percent: int | None
    why: str

    @property
    def name(self) -> str:
        """Its milestone, and the department where it belongs to one."""
        return task_clocks.name_of(self.deadline)

    @property
    def tone(self) -> str:
        """Colour of the bar."""
        return {"soon": "warn", "overdue": "bad", "met": "ok"}.get(self.state, "")

    @property
    def is_over(self) -> bool:
        return self.deadline.state not in (DeadlineState.RUNNING, DeadlineState.PAUSED)


def clock_readings(complaint: Complaint, *, now: datetime) -> list[Clock]:
    """Every clock of the case with its reading; a cancelled one says only that it ended."""
    calendar = clocks.working_calendar(complaint.policy.slots)
    found = []
    for deadline in complaint.deadlines.all():
        if deadline.state == DeadlineState.CANCELLED:
            found.append(Clock(deadline, "met", _("Ended without being needed"), None, ""))
            continue
        reading = selectors.read_clock(deadline, complaint, now=now, calendar=calendar)
        over = deadline.state in (DeadlineState.MET, DeadlineState.MISSED)
        found.append(
            Clock(deadline, reading.state, reading.text, None if over else reading.percent, reading.explanation)
        )
    return found


def _lead_clock(readings: Iterable[Clock]) -> Clock | None:
    """The handling limit of the lead department while it runs."""
    return next((row for row in readings if row.deadline.milestone == Milestone.RESOLVE and not row.is_over), None)


# --- The complainant --------------------------------------------------------------------------
def person(complaint: Complaint, user: User, *, now: datetime) -> dict[str, Any]:
    """The masked data of the complainant, whether they may be revealed, and who looked lately (AZ-06)."""
    refusal = permissions.reveal_refusal(user, complaint)
    withheld = complaint.is_confidential and not user.has_perm("complaints.view_all")
    values = {} if withheld else identity.masked(complaint.complainant)
    return {
        "masked": [(timeline_words.DATA_WORDS[key], value) for key, value in values.items() if value],
        "unverified": [timeline_words.DATA_WORDS[kind] for kind in verification.unverified(complaint)],
        "withheld": withheld,
        "reveal_refusal": refusal,
        "reveal_form": None if refusal else RevealForm(complaint=complaint),
        "reveals": _reveals(complaint, now=now),
    }


def _reveals(complaint: Complaint, *, now: datetime) -> list[CaseEvent]:
    since = now - timedelta(days=REVEALS_SHOWN_DAYS)
    return [event for event in complaint.events.all() if event.kind == "reveal" and event.at >= since]


# --- The record -------------------------------------------------------------------------------
def filters(complaint: Complaint, record: list[timeline.Entry], show: str) -> list[dict[str, Any]]:
    """The links above the record, each with its number of entries."""
    number = timeline.counts(record)
    url = reverse("complaints:detail", args=[complaint.number])
    return [
        {"key": key, "label": label, "count": number[key], "url": f"{url}?show={key}#timeline", "on": key == show}
        for key, label in timeline.FILTER_LABELS.items()
        # Offered where there is one: most cases have none.
        if key != "head" or number[key] or key == show
    ]


# --- Actions ------------------------------------------------------------------------------------
def _actions(complaint: Complaint, user: User) -> list[Action]:
    return [
        Action(
            move=move,
            url=reverse("complaints:action", args=[complaint.number, move.action]),
            form=FORMS[move.action](complaint=complaint, user=user) if FORMS[move.action].in_dialog else None,
            danger=FORMS[move.action].danger,
        )
        for move in selectors.available_actions(complaint, user)
    ]


def _bar(complaint: Complaint, actions: Iterable[Action]) -> dict[str, Any]:
    """The action bar: the primary action first, then the others, what cannot be undone last."""
    actions = list(actions)
    here = {action.move.action: action for action in actions if action.move.action not in _BESIDE}
    order = [name for name in _PRIMARY if name != "call_back" or call_backs.is_wanted(complaint)]
    primary = next((here.pop(name) for name in order if name in here), None)
    return {
        "primary": primary,
        "others": [action for action in here.values() if not action.danger],
        "dangers": [action for action in here.values() if action.danger],
        "dialogs": [action for action in actions if action.form],
        "missing": missing(complaint, primary.move.action) if primary else [],
    }


def missing(complaint: Complaint, action: str) -> list[str]:
    """What still has to be there before the action is accepted, in words."""
    return [text for text in _MISSING[action](complaint) if text] if action in _MISSING else []


def _missing_to_accept(complaint: Complaint) -> list[str]:
    if complaint.category is None:
        return [_("the category")]
    return category_words.field_labels(category_words.unfilled(complaint, complaint.category))


def _missing_to_submit(complaint: Complaint) -> list[str]:
    open_points = sum(1 for row in complaint.allegations.all() if not row.finding)
    active = [row for row in complaint.assignments.all() if row.is_current]
    waiting = [row.department.name for row in active if row.role == AssignmentRole.SUPPORTING and row.ended_at is None]
    return [
        ngettext("a finding on %(count)s point", "a finding on %(count)s points", open_points) % {"count": open_points}
        if open_points
        else "",
        *(_("the result of %(department)s") % {"department": name} for name in waiting),
        _("the decision on the return") if any(row.state == AssignmentState.RETURN_REQUESTED for row in active) else "",
    ]


def _missing_to_close(complaint: Complaint) -> list[str]:
    told = any(reply.delivered_at for reply in complaint.replies.all())
    return [
        "" if told else _("telling the reply to the complainant"),
        _("the call-back") if call_backs.is_wanted(complaint) else "",
        _("the explanation of the cause, kept with the case")
        if complaint.is_valid and not complaint.explanations.all()
        else "",
        _("a solution for every individual need") if care.open_needs(complaint) else "",
        *(
            _("a task that is not done: %(task)s") % {"task": row.what}
            for row in complaint.tasks.all()
            if not row.done_at
        ),
        *(str(archive.MANDATORY[code]) for code in archive.missing(complaint) if code not in ("reply", "callback")),
    ]


def _missing_to_archive(complaint: Complaint) -> list[str]:
    held = any(row.released_at is None for row in complaint.holds.all())
    lacks = [str(archive.MANDATORY[code]) for code in archive.missing(complaint)]
    return [*([_("the release of the legal hold")] if held else []), *lacks]


_MISSING = {
    "accept": _missing_to_accept,
    "submit_for_check": _missing_to_submit,
    "close": _missing_to_close,
    "archive": _missing_to_archive,
}
