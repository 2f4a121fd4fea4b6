"""What a complainant reads about the own case: an allow-list, sentence by sentence (PI-12, PI-13).

The page receives a `TrackPage` and never the case itself. A status or event without an entry here
shows nothing, so a new internal step can reveal nothing by itself. Departments, persons, notes and
internal checks have no words in these tables; acceptance to legal check read the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from complaints import call_backs, incidents, why_date
from complaints.models import Attachment, CaseEvent, Complaint, Notice, Question, Reply, SupplementRequest
from complaints.states import (
    MOVES,
    OPEN,
    Audience,
    DeadlineState,
    Milestone,
    NoticeKind,
    ReplyState,
    Satisfaction,
    Status,
)

S = Status


@dataclass(frozen=True)
class PublicStatus:
    """One sentence for where the case stands, what comes next (with its icon), which limits are
    promised for it, and the kind of letter that says why."""

    headline: Promise
    tone: str = "info"
    icon: str = ""
    next: Promise | str = ""
    milestones: tuple[Milestone, ...] = ()
    letter: NoticeKind | None = None


_IN_WORK = PublicStatus(
    _("We are dealing with it"),
    icon="search",
    next=_("Finding out what happened"),
    milestones=(Milestone.RESOLVE, Milestone.REPLY),
)
_CHECKING = PublicStatus(
    _("We are dealing with it"), icon="list-checks", next=_("Checking the result"), milestones=(Milestone.REPLY,)
)
_OVER = PublicStatus(_("This case is closed"), "ok")

# Answered, and the complainant has said what they think of it, or could not be reached: no call is to come.
_ASKED = PublicStatus(_("We have answered"), "ok", "check", next=_("Closing your case"))
# Merged into another case and answered with it.
_ANSWERED_TOGETHER = PublicStatus(_("We have answered"), "ok")

PUBLIC_STATUS: dict[Status, PublicStatus] = {
    S.REGISTERED: PublicStatus(
        _("We have received your complaint"),
        icon="inbox",
        next=_("Deciding whether we accept it"),
        milestones=(Milestone.DECIDE_ACCEPTANCE,),
    ),
    S.AWAITING_INFORMATION: PublicStatus(
        _("We need something more from you"), "warn", "hourglass", next=_("Waiting for your information")
    ),
    S.ACCEPTED: _IN_WORK,
    S.ASSIGNED: _IN_WORK,
    S.IN_PROGRESS: _IN_WORK,
    S.QUALITY_CHECK: _CHECKING,
    S.LEGAL_CHECK: _CHECKING,
    S.REPLIED: PublicStatus(
        _("We have answered"), "ok", "phone", next=_("Waiting for our call-back"), milestones=(Milestone.CALL_BACK,)
    ),
    S.CLOSED: _OVER,
    S.ARCHIVED: _OVER,
    S.NOT_ACCEPTED: PublicStatus(_("We have not accepted this complaint"), "warn", letter=NoticeKind.NON_ACCEPTANCE),
    S.WITHDRAWN: PublicStatus(_("You have withdrawn this complaint")),
    S.MERGED: PublicStatus(_("We deal with it together with other complaints about the same matter")),
}

# Something was asked for, and the policy of the case lets its clocks run on meanwhile (SLA-13).
_ASKED_IN_TIME = replace(
    PUBLIC_STATUS[S.AWAITING_INFORMATION],
    next=_("Waiting for your information while our time counts"),
    milestones=(Milestone.DECIDE_ACCEPTANCE, Milestone.RESOLVE, Milestone.REPLY),
)
# The time to answer is over: the dates count again, and the person hears them (screening.go_on).
_GOING_ON = replace(
    _ASKED_IN_TIME,
    headline=_("We go on with what we have"),
    tone="info",
    icon="search",
    next=_("Looking at what we have"),
)

# Every kind of event on a case: its public sentence, or None for what stays inside.
PUBLIC_EVENTS: dict[str, Promise | None] = {
    "register": _("We received your complaint"),
    "request_information": _("We asked you for more information"),
    "receive_information": _("Your information arrived"),
    "waiting_over": _("The time to answer is over; we go on with what we have"),
    "accept": _("We accepted your complaint"),
    "refuse": _("We did not accept your complaint"),
    "rescreen": _("We look at your complaint again"),
    "withdraw": _("You withdrew your complaint"),
    "accused_named": None,
    "mail_joined": None,
    "file_infected": None,
    "file_too_large": None,
    "mail_bounced": None,
    "record_facts": None,
    "judge_validity": None,
    "propose_unreasonable": None,
    "decide_unreasonable": None,
    "link": None,
    "linked": None,
    "unlink": None,
    "unlinked": None,
    "merge": _("We deal with it together with other complaints about the same matter"),
    "merged_in": None,
    "undo_merge": _("We deal with it on its own again"),
    "merge_undone": None,
    "replied_with_primary": _("We sent you the answer"),
    "join_incident": None,
    "bulletin_told": _("We told you how far we are with the incident"),
    "incident_feedback": _("You told us how the incident was handled"),
    "leave_incident": None,
    "outstanding_settled": _("We updated the list of what you still owe us"),
    "undo_import": None,
    "start": _("We began to find out what happened"),
    "submit_for_check": _("There is a result; we are checking it"),
    "pass_quality": _("We sent you the answer"),
    "pass_legal": _("We sent you the answer"),
    "approve_pause": None,  # a stopped clock is told by its notice, a refused request by nobody
    "approve_extension": None,
    "approve_reset": None,  # its notice tells it
    "call_back": None,
    "rate": _("You rated the result"),
    "close": _("We closed the case"),
    "reopen": _("We deal with it again"),
    "question": _("You wrote to us"),
    "answer_question": _("We answered your question"),
    "contact": _("You added information"),
    "replace_code": _("You replaced your access code"),
    "give_code": _("You were given a new access code"),
    **dict.fromkeys(
        (
            "classify",
            "grade_risk",
            "risk_regraded",
            "risk_proposed",
            "problem_linked",
            "supplier_recorded",
            "supplier_demanded",
            "supplier_answered",
            "supplier_judged",
            "upstream_sent",
            "upstream_answered",
            "risk_alerted",
            "team_joined",
            "team_left",
            "risk_meeting",
            "media_plan",
            "settlement",
            "lawsuit",
            "judgment",
            "hold_placed",
            "hold_released",
            "interim_measure",
            "interim_measure_ended",
            "signal_linked",
            "signal_unlinked",
            "signal_answered",
            "assign",
            "reassign",
            "add_supporting",
            "request_return",
            "grant_return",
            "refuse_return",
            "hand_over",
            "receive_task",
            "finish_supporting",
            "return_for_rework",
            "return_from_legal",
            "request_pause",
            "resume",
            "request_extension",
            "request_reset",
            "archive",
            "retention_extended",
            "cause_explained",
            "screening_taken",
            "destruction_stopped",
            "file_destroyed",
            "consultation_requested",
            "consultation_decided",
            "dossier_exported",
            "note",
            "contact_point",
            "attachment",
            "investigation",
            "allegation",
            "finding",
            "responsibility",
            "remedy",
            "remedy_approved",
            "remedy_refused",
            "remedy_given",
            "improvement",
            "improvement_progress",
            "improvement_verified",
            "promise_made",
            "promise_kept",
            "promise_ended",
            "statement_asked",
            "statement_received",
            "statement_waived",
            "meeting_called",
            "meeting_held",
            "meeting_cancelled",
            "task_given",
            "task_dated",
            "task_done",
            "lane_set",
            "lane_ended",
            "care_consent",
            "care_withdrawn",
            "need_recorded",
            "need_settled",
            "need_forwarded",
            "praise",
            "consequence",
            "call_scored",
            "survey_call",
            "proposal",
            "proposal_judged",
            "proposal_answered",
            "follow_up_planned",
            "follow_up_done",
            "follow_up_cancelled",
            "external_added",
            "external_updated",
            "external_fetched",
            "reveal",
            "overdue",
            "calendar_corrected",
        )
    ),
}
# Sending is only one of the ends of a quality check; the other one stays inside.
_ONLY_TO = {"pass_quality": (S.REPLIED,)}
# A second round of the same step would tell that the first one was returned.
_ONCE = ("start", "submit_for_check")
# Shown only when the complainant did it on the tracking page.
_OWN = ("contact",)


@dataclass(frozen=True)
class Step:
    title: Promise
    at: datetime


@dataclass(frozen=True)
class Due:
    """A promised date: what for (the page has a sentence for each), and whether it has passed."""

    milestone: str
    at: datetime
    is_past: bool
    why: why_date.Why | None = None


@dataclass(frozen=True)
class Answer:
    """A reply that was sent."""

    process: str
    result: str
    sent_at: datetime


@dataclass(frozen=True)
class Letter:
    label: str
    body: str
    at: datetime


@dataclass(frozen=True)
class Asked:
    """What the complainant wrote on this page, and the answer to it."""

    text: str
    at: datetime
    answer: str
    answered_at: datetime | None


@dataclass(frozen=True)
class Owed:
    """Something the complainant may still bring, although the case was accepted (IN-37)."""

    text: str
    due_on: date | None


@dataclass(frozen=True)
class OwnFile:
    pk: int
    name: str
    extension: str
    size: int


@dataclass
class TrackPage:
    """Everything the tracking page shows."""

    number: str
    subject: str
    status: PublicStatus
    due: Due | None = None
    # The calendar of that year is not loaded: no day can be named yet, and none is guessed (FI-U).
    is_day_unknown: bool = False
    missing: str = ""
    # Until when the answer is asked for; where no day was named, until when the clocks stand still; and whether that
    # has passed.
    answer_by: datetime | None = None
    waits_until: datetime | None = None
    is_late: bool = False
    owed: list[Owed] = field(default_factory=list)
    answer: Answer | None = None
    earlier_answers: list[Answer] = field(default_factory=list)
    explanation: Letter | None = None
    letters: list[Letter] = field(default_factory=list)
    history: list[Step] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    files: list[OwnFile] = field(default_factory=list)
    rating: str = ""
    # The own rating says so; the page then points at the review (FB-19).
    is_dissatisfied: bool = False
    can_answer: bool = False
    can_supplement: bool = False
    can_ask: bool = False
    can_withdraw: bool = False
    can_rate: bool = False
    # The answer about the incident the case belongs to, and whether it is asked for (INC-16).
    incident_rating: str = ""
    can_rate_incident: bool = False

    @property
    def tone(self) -> str:
        """The colour of the status; a promised date that has passed is a warning."""
        return "warn" if self.due and self.due.is_past and not self.answer else self.status.tone


def read(complaint: Complaint, *, now: datetime) -> TrackPage:
    """The page of one case as its complainant may see it now."""
    ended_as = _ended_as(complaint)
    status = PUBLIC_STATUS[ended_as]
    answers = [_answer(row) for row in complaint.replies.filter(state=ReplyState.SENT).order_by("-round")]
    together = _answers_with_primary(complaint)
    if together:
        answers, status = [*together, *answers], _ANSWERED_TOGETHER
    elif ended_as == S.REPLIED and not call_backs.is_wanted(complaint):
        status = _ASKED
    is_answered = bool(together) or ended_as in (S.REPLIED, S.CLOSED, S.ARCHIVED)
    rated = call_backs.own_rating(complaint)
    request = complaint.supplement_requests.filter(answered_at=None).order_by("-asked_at").first()
    page = TrackPage(number=complaint.number, subject=complaint.subject, status=status)
    page.can_answer = complaint.status == S.AWAITING_INFORMATION
    if request and page.can_answer:
        _tell_wait(page, complaint, request, now=now)
    page.due = _due(complaint, page.status, now=now)
    page.is_day_unknown = page.due is None and _lacks_calendar(complaint, page.status)
    page.answer = answers[0] if answers and is_answered else None
    page.earlier_answers = answers[1:] if page.answer else answers
    notices = list(complaint.notices.order_by("-issued_at", "-id"))
    page.letters = [_letter(row) for row in notices]
    page.explanation = next((_letter(row) for row in notices if row.kind == page.status.letter), None)
    page.history = _history(complaint)
    page.asked = [_asked(row) for row in complaint.questions.order_by("-at", "-id")]
    page.files = [_file(row) for row in complaint.attachments.filter(from_complainant=True).select_related("file")]
    page.rating = rated.get_satisfaction_display() if rated else ""
    page.is_dissatisfied = rated is not None and rated.satisfaction == Satisfaction.DISSATISFIED
    page.owed = _owed(complaint)
    page.can_supplement = may_supplement(complaint)
    page.can_ask = may_ask(complaint)
    page.can_withdraw = complaint.status in MOVES["withdraw"].sources
    about_incident = incidents.own_feedback(complaint)
    page.incident_rating = about_incident.get_satisfaction_display() if about_incident else ""
    page.can_rate_incident = incidents.asks_feedback(complaint)
    page.can_rate = complaint.status in MOVES["rate"].sources and call_backs.has_answer(complaint) and rated is None
    return page


def _tell_wait(page: TrackPage, complaint: Complaint, request: SupplementRequest, *, now: datetime) -> None:
    """What was asked for, until when, and whether the time stands still meanwhile (SCR-06, SLA-13)."""
    pause = complaint.pauses.filter(started_at=request.asked_at).first()
    went_on = complaint.events.filter(kind="waiting_over", at__gte=request.asked_at).exists()
    page.missing, page.answer_by = request.items, request.due_at
    page.waits_until = pause.max_until if pause and request.due_at is None else None
    page.is_late = went_on or request.is_expired(now)
    if page.is_late:
        page.status = _GOING_ON
    elif not complaint.pause_reason:
        page.status = _ASKED_IN_TIME


def _answers_with_primary(complaint: Complaint) -> list[Answer]:
    """The answers sent together with the case this one is merged into, newest first: the words the own letters hold,
    and nothing else of that case (SCR-09, PI-12)."""
    if call_backs.answered_with_primary(complaint) is None:
        return []
    events = complaint.events.filter(kind=call_backs.WITH_PRIMARY).order_by("-sequence")
    keys = [int(event.reference.partition(":")[2]) for event in events]
    sent = Reply.objects.in_bulk(keys)
    return [_answer(sent[key]) for key in keys]


def _owed(complaint: Complaint) -> list[Owed]:
    """What is still to come while the case is open."""
    if complaint.status not in OPEN:
        return []
    return [Owed(row.text, row.due_on) for row in complaint.outstanding_items.filter(received_at=None)]


def may_supplement(complaint: Complaint) -> bool:
    """Facts and files can be added while the case is open and nothing was asked for (PI-11), to a merged one as long
    as the case it is worked on in is open."""
    if complaint.status == S.MERGED and complaint.merged_into:
        return complaint.merged_into.is_open
    return complaint.status in OPEN and complaint.status != S.AWAITING_INFORMATION


def may_ask(complaint: Complaint) -> bool:
    """A question is taken about a case that is over too, unless it was taken back or put away (CC-04)."""
    if complaint.status == S.MERGED:
        return not may_supplement(complaint)
    return complaint.status in (S.CLOSED, S.NOT_ACCEPTED)


def _ended_as(complaint: Complaint) -> Status:
    """The status; for an archived case the one it had before, which is what the person knows."""
    if complaint.status != S.ARCHIVED:
        return Status(complaint.status)
    before = complaint.events.filter(kind="archive").order_by("-sequence").values_list("from_status", flat=True).first()
    return Status(before or S.CLOSED)


def _due(complaint: Complaint, status: PublicStatus, *, now: datetime) -> Due | None:
    """The nearest promised date. A merged case has that of the case it is worked on in, without how it is counted:
    that would tell of the other person's case (PI-12)."""
    primary = complaint.merged_into if status is PUBLIC_STATUS[S.MERGED] else None
    milestones = _IN_WORK.milestones if primary else status.milestones
    running = (
        (primary or complaint)
        .deadlines.filter(state=DeadlineState.RUNNING, milestone__in=milestones)
        .order_by("due_at")
        .first()
    )
    if running is None:
        return None
    if primary:
        return Due(running.milestone, running.due_at, running.due_at < now)
    return Due(running.milestone, running.due_at, running.due_at < now, why_date.of_clock(running, complaint, now=now))


def _lacks_calendar(complaint: Complaint, status: PublicStatus) -> bool:
    """Whether a date is promised at this point and could not be computed; one that stands still is known."""
    if not complaint.calendar_missing or not status.milestones:
        return False
    return not complaint.deadlines.filter(state=DeadlineState.PAUSED, milestone__in=status.milestones).exists()


def _history(complaint: Complaint) -> list[Step]:
    """What happened, newest first, as far as the table has a sentence for it."""
    steps: list[Step] = []
    seen: set[str] = set()
    events = complaint.events.filter(
        audience=Audience.CASE, kind__in=[kind for kind, text in PUBLIC_EVENTS.items() if text]
    )
    for event in events.only("complaint", "kind", "at", "to_status", "actor", "sequence").order_by("sequence"):
        if not _is_shown(event) or (event.kind in _ONCE and event.kind in seen):
            continue
        seen.add(event.kind)
        steps.append(Step(PUBLIC_EVENTS[event.kind], event.at))  # type: ignore[arg-type]  # kinds without text are not asked for
    return steps[::-1]


def _is_shown(event: CaseEvent) -> bool:
    if event.kind in _OWN and event.actor_id is not None:
        return False
    return event.to_status in _ONLY_TO.get(event.kind, (event.to_status,))


def _answer(row: Reply) -> Answer:
    return Answer(row.process, row.result, row.sent_at)  # type: ignore[arg-type]  # only sent replies come here


def _letter(row: Notice) -> Letter:
    return Letter(str(NoticeKind(row.kind).label), row.body, row.issued_at)


def _asked(row: Question) -> Asked:
    return Asked(row.text, row.at, row.answer, row.answered_at)


def _file(row: Attachment) -> OwnFile:
    return OwnFile(row.pk, row.name, row.extension, row.file.size)
