"""The record of a case as one list: what happened, who did it, what was said (COO-05, COO-06, SLA-15).

Works on a case loaded by case_records.load and runs no query. Who may read what:

- entries for the review group only with a review permission, entries for the office only with sight
  of all cases;
- notes only with the permission to read notes. A department reads its own notes, and those for
  everybody that were written by the office or while the case was with the department (S17).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from complaints import reopening, risk_timeline
from complaints.models import Attachment, Callback, CaseEvent, Complaint, Contact, Note, Notice, Question
from complaints.states import (
    MOVES,
    Audience,
    Channel,
    CheckStage,
    CodeWay,
    Complexity,
    ContactDirection,
    ContactOutcome,
    Milestone,
    RefusalGround,
    RequestState,
    Severity,
)
from complaints.timeline_words import BY_HEAD, DATA_WORDS, ICONS, NOTE_WORDS, TITLES

GROUPS = ("all", "calls", "mail", "status", "internal")
_REVIEW = ("review.review_case", "review.lead_review", "review.view_sample")


@dataclass(frozen=True)
class Viewer:
    """What decides which entries a person reads."""

    sees_all: bool
    sees_review: bool
    reads_notes: bool
    reads_trail: bool
    departments: frozenset[int]
    reads_measures: bool = False

    @classmethod
    def of(cls, user: User) -> Viewer:
        return cls(
            sees_all=user.has_perm("complaints.view_all"),
            sees_review=any(user.has_perm(name) for name in _REVIEW),
            reads_notes=user.has_perm("complaints.view_notes"),
            reads_trail=user.has_perm("complaints.read_trail"),
            departments=frozenset(user.department_ids),
            reads_measures=user.has_perm("complaints.read_interim_measures"),
        )

    def may_read(self, audience: str) -> bool:
        """The rule on audiences, for entries that are no notes."""
        if audience == Audience.REVIEW:
            return self.sees_review
        return audience == Audience.CASE or self.sees_all

    def may_read_note(self, note: Note, complaint: Complaint) -> bool:
        if not self.reads_notes:
            return False
        if note.department_id in self.departments:
            return True
        if not self.may_read(note.audience):
            return False
        return self.sees_all or note.department_id is None or self._held_at(note.at, complaint)

    def _held_at(self, at: datetime, complaint: Complaint) -> bool:
        """One of the person's departments had the case then. Whoever has no department (legal counsel,
        a manager of departments) reads by permission alone."""
        own = [row for row in complaint.assignments.all() if row.department_id in self.departments]
        if not own:
            return True
        return any(
            row.assigned_at <= at and (row.is_current or row.ended_at is None or at <= row.ended_at) for row in own
        )


@dataclass(frozen=True)
class Entry:
    """One line of the record. `group` is the filter it belongs to; `lines` is the text."""

    at: datetime
    group: str
    icon: str
    title: str
    kind: str = ""
    actor: str = ""
    tag: str = ""
    tone: str = ""
    lines: tuple[str, ...] = ()
    # A whole letter, folded up until somebody wants to read it.
    is_letter: bool = False
    order: int = 0
    # The head of the department reached the complainant in person (COO-17).
    by_head: bool = False

    def belongs_to(self, show: str) -> bool:
        """Whether a filter shows the entry."""
        return show in ("all", self.group) or (show == "head" and self.by_head)


def entries(complaint: Complaint, viewer: Viewer) -> list[Entry]:
    """Everything the person may read, newest first."""
    records = _records(complaint)
    hidden = {_ref(note) for note in complaint.notes.all() if not viewer.may_read_note(note, complaint)}
    found: list[Entry] = []
    told: set[str] = set()
    heads = by_head(complaint)
    if viewer.reads_trail:
        for event in complaint.events.all():
            if event.reference in hidden or not viewer.may_read(event.audience):
                continue
            if event.kind in risk_timeline.SECRET and not viewer.reads_measures:
                continue
            row = records.get(event.reference)
            entry = _of_event(event, row)
            found.append(_marked(entry) if event.kind == "contact" and event.reference in heads else entry)
            told.add(event.reference)
            if event.kind in ("call_back", "rate") and row is not None and row.contact_id:
                told.add(f"contact:{row.contact_id}")
    for reference, row in records.items():
        if reference not in told and reference not in hidden and type(row) in _ALONE:
            entry = _ALONE[type(row)](row)
            found.append(_marked(entry) if reference in heads else entry)
    return sorted(found, key=lambda entry: (entry.at, entry.order), reverse=True)


def counts(found: Sequence[Entry]) -> dict[str, int]:
    """How many entries each filter shows."""
    by_group = Counter(entry.group for entry in found)
    in_person = sum(entry.by_head for entry in found)
    return {"all": len(found), **{name: by_group[name] for name in GROUPS[1:]}, "head": in_person}


def by_head(complaint: Complaint) -> set[str]:
    """The contacts in which the head of the department reached the complainant, as events name them (COO-17)."""
    return {
        event.reference for event in complaint.events.all() if event.kind == "contact" and event.note.endswith(BY_HEAD)
    }


def _marked(entry: Entry) -> Entry:
    return replace(entry, tag=_("The head in person"), tone="ok", by_head=True)


def _ref(row: Any) -> str:
    return f"{row._meta.model_name}:{row.pk}"


# The relations of a case whose records events point at.
_RECORDS = (
    "notes",
    "clock_resets",
    "communications",
    "replies",
    "quality_checks",
    "callbacks",
    "questions",
    "notices",
    "attachments",
    "assignments",
    "investigation_steps",
    "allegations",
    "responsibilities",
    "remedies",
    "explanations",
    "improvements",
    "pauses",
    "supplement_requests",
    "outstanding_items",
    "unreasonable_labels",
    "deadlines",
    *risk_timeline.RECORDS,
)


def _records(complaint: Complaint) -> dict[str, Any]:
    """The records that events point at, by reference."""
    rows = [row for name in _RECORDS for row in getattr(complaint, name).all()]
    rows += [row for deadline in complaint.deadlines.all() for row in deadline.extensions.all()]
    return {_ref(row): row for row in rows}


# --- Events ---------------------------------------------------------------------------------
def _of_event(event: CaseEvent, row: Any) -> Entry:
    group, kind = ("status", "") if event.version is not None else ("internal", "")
    icon = ICONS.get(event.kind, "circle-dot-dashed")
    tag = tone = ""
    lines: tuple[str, ...] = ()
    if event.kind in ("contact", "call_back", "rate") and row is not None:
        contact = row if event.kind == "contact" else row.contact
        group, kind, icon, tag, tone = _contact_looks(contact) if contact else ("calls", "call", icon, "", "")
    elif event.kind == "note":
        kind, tag, tone = "note", _("internal"), "warn"
    elif event.kind in ("question", "answer_question"):
        group, kind = "mail", "mail"
    elif event.kind in ("overdue", "return_for_rework", "return_from_legal", "refuse"):
        kind = "alert"
    elif event.kind in ("accept", "pass_quality", "pass_legal", "close", "resume", "receive_information"):
        kind = "ok"
    if event.audience != Audience.CASE:
        tag, tone = str(Audience(event.audience).label), "warn"
    describe = _BODIES.get(event.kind)
    if row is not None and describe:
        lines = tuple(line for line in describe(row) if line)
    elif event.note:
        lines = tuple(line for line in _note_words(event) if line)
    return Entry(
        at=event.at,
        group=group,
        icon=icon,
        kind=kind,
        actor=event.actor.display_name if event.actor else _system(event),
        title=title_of(event),
        tag=tag,
        tone=tone,
        lines=lines,
        order=event.sequence,
    )


def title_of(event: CaseEvent) -> str:
    """What happened, in words."""
    if event.kind in TITLES:
        return str(TITLES[event.kind])
    if event.kind in MOVES:
        return str(MOVES[event.kind].label)
    if event.kind.startswith("review_"):
        return _("Review of the case")
    return _("Other record")


def _system(event: CaseEvent) -> str:
    """Who acted when no member of staff did: the complainant through the access code, or the clock."""
    by_complainant = event.kind in ("register", "rate", "incident_feedback", "question") or (
        event.kind in MOVES and MOVES[event.kind].by_complainant
    )
    return _("Complainant") if by_complainant else _("System")


def _note_words(event: CaseEvent) -> tuple[str, ...]:
    """The remark of an event in words; codes are shown by their names."""
    note = event.note
    if note in NOTE_WORDS.get(event.kind, {}):
        return (str(NOTE_WORDS[event.kind][note]),)
    match event.kind:
        case "register" if note in Channel.values:
            return (str(Channel(note).label),)
        case "classify":
            return tuple(_graded(part) for part in note.split("; ") if part)
        case "refuse":
            ground, _sep, reason = note.partition(": ")
            return (str(RefusalGround(ground).label) if ground in RefusalGround.values else ground, reason)
        case "reopen":
            ground, _sep, reason = note.partition(": ")
            return (reopening.label(ground), reason) if ground in reopening.REASONS else (note,)
        case "give_code":
            way, _sep, checked = note.partition(": ")
            return (str(CodeWay(way).label) if way in CodeWay.values else way, checked)
        case "overdue" if note in Milestone.values:
            return (str(Milestone(note).label),)
        case "reveal":
            names, _sep, reason = note.partition(": ")
            return (_list(str(DATA_WORDS.get(name, name)) for name in names.split(", ")), reason)
    return (note,)


def _graded(part: str) -> str:
    """A severity or complexity that was changed: "severity: minor > serious" in words."""
    name, _sep, values = part.partition(": ")
    kind, title = (Severity, _("Severity")) if name == "severity" else (Complexity, _("Complexity"))
    words = (str(kind(value).label) if value in kind.values else value for value in values.split(" > "))
    return title + _(": ") + " → ".join(words)


def _list(words: Iterable[str]) -> str:
    return _(", ").join(words)


def _contact_looks(contact: Any) -> tuple[str, str, str, str, str]:
    """Group, kind, icon, tag and tone of a communication; an attempt in vain says so (COO-06)."""
    tag, tone = ("", "") if contact.outcome == ContactOutcome.REACHED else (contact.get_outcome_display(), "bad")
    if contact.channel in (Channel.PHONE, Channel.COUNTER):
        icon = "phone-incoming" if contact.direction == ContactDirection.IN else "phone-outgoing"
        return "calls", "call", icon, str(tag), tone
    return "mail", "mail", "mail", str(tag), tone


# --- What the records say ---------------------------------------------------------------------
def _contact_lines(row: Any) -> tuple[str, ...]:
    words = _("Registered letter: %(reference)s") if row.channel == Channel.LETTER else _("Recording: %(reference)s")
    recording = words % {"reference": row.recording_reference} if row.recording_reference else ""
    head = _(" · ").join([row.get_channel_display(), row.get_direction_display(), row.get_purpose_display()])
    return (head, row.summary, recording)


def _rating_lines(row: Any) -> tuple[str, ...]:
    solved = {True: _("Solved"), False: _("Not solved"), None: ""}[row.is_solved]
    head = _(" · ").join(filter(None, [solved, row.get_satisfaction_display(), row.get_reason_display()]))
    return (head, row.comment, row.questions_answered)


def _check_lines(row: Any) -> tuple[str, ...]:
    passed = _("Passed") if row.passed else _("Returned")
    doubts = (
        []
        if row.stage == CheckStage.LEGAL or not row.passed or row.meets_demand
        else [_("Does not meet the whole demand")]
    )
    points = [] if row.total is None else [_("%(total)s of 100 points") % {"total": row.total}]
    return (_(" · ").join([row.get_stage_display(), passed, *points, *doubts]), row.comment)


def _pause_lines(row: Any) -> tuple[str, ...]:
    return (_(" · ").join([str(row.get_reason_display()), str(RequestState(row.state).label)]), _plain(row.evidence))


def _outstanding_lines(row: Any) -> tuple[str, ...]:
    if row.waived_reason:
        return (_("No longer needed: %(item)s") % {"item": row.text}, row.waived_reason)
    return (_("Received: %(item)s") % {"item": row.text},)


def _plain(evidence: str) -> str:
    # The pause that waits for information names the request as its evidence; people need not read that.
    return "" if evidence.startswith("supplementrequest:") else evidence


def _improvement_lines(row: Any) -> tuple[str, ...]:
    state = _("%(state)s, %(percent)s%%") % {"state": row.get_state_display(), "percent": row.percent}
    return (row.what, _(" · ").join(filter(None, [row.department.name, row.post, state])), row.progress_note)


_BODIES: dict[str, Callable[[Any], tuple[str, ...]]] = {
    "note": lambda row: (row.text,),
    "contact": _contact_lines,
    "call_back": _rating_lines,
    "rate": _rating_lines,
    "question": lambda row: (_(" · ").join([row.get_kind_display(), row.get_channel_display()]), row.text),
    "answer_question": lambda row: (row.answer,),
    "submit_for_check": lambda row: (row.process, row.result),
    "pass_quality": _check_lines,
    "pass_legal": _check_lines,
    "return_for_rework": _check_lines,
    "return_from_legal": _check_lines,
    "attachment": lambda row: (row.name, row.source),
    "investigation": lambda row: (row.get_kind_display(), row.summary),
    "allegation": lambda row: (row.text,),
    "finding": lambda row: (row.text, row.get_finding_display(), row.finding_reason),
    "responsibility": lambda row: (_(" · ").join(filter(None, [row.department.name, row.post])), row.summary),
    "remedy": lambda row: (row.get_kind_display(), row.description),
    "cause_explained": lambda row: (row.cause,),
    "improvement": _improvement_lines,
    "improvement_progress": _improvement_lines,
    "improvement_verified": _improvement_lines,
    "request_information": lambda row: (row.items,),
    "outstanding_settled": _outstanding_lines,
    "propose_unreasonable": lambda row: (row.reason,),
    "decide_unreasonable": lambda row: (_("Agree") if row.agreed else _("Refuse"), row.decision_reason),
    "request_pause": _pause_lines,
    "approve_pause": _pause_lines,
    "request_extension": lambda row: (row.reason,),
    "approve_extension": lambda row: (str(row.get_state_display()), row.decision_note),
    "request_reset": lambda row: (row.facts, row.evidence),
    "approve_reset": lambda row: (str(row.get_state_display()), row.decision_note),
    "add_supporting": lambda row: (row.department.name, row.task),
    "receive_task": lambda row: (row.department.name,),
    "finish_supporting": lambda row: (row.department.name, row.result),
    "request_return": lambda row: (row.department.name, row.return_reason),
    "overdue": lambda row: (row.get_milestone_display(),),
    **risk_timeline.BODIES,
}


# --- Records that no visible event points at ------------------------------------------------------
def _contact_alone(row: Any) -> Entry:
    group, kind, icon, tag, tone = _contact_looks(row)
    lines = tuple(filter(None, _contact_lines(row)))
    return Entry(row.at, group, icon, str(TITLES["contact"]), kind, _name(row.by), tag, tone, lines)


def _notice_alone(row: Any) -> Entry:
    tag, tone = (_("sent"), "ok") if row.sent_at else (_("to be told"), "warn")
    title, actor = str(row.get_kind_display()), _name(row.issued_by)
    return Entry(row.issued_at, "mail", "mail", title, "mail", actor, tag, tone, lines=(row.body,), is_letter=True)


def _attachment_alone(row: Any) -> Entry:
    actor = _("Complainant") if row.from_complainant else _name(row.by)
    return Entry(row.at, "status", "paperclip", str(TITLES["attachment"]), "", actor, lines=(row.name,))


def _note_alone(row: Any) -> Entry:
    return Entry(
        row.at, "internal", "lock", str(TITLES["note"]), "note", _name(row.by), _("internal"), "warn", (row.text,)
    )


def _question_alone(row: Any) -> Entry:
    lines = tuple(filter(None, (*_BODIES["question"](row), row.answer)))
    return Entry(row.at, "mail", ICONS["question"], str(TITLES["question"]), "mail", _("Complainant"), lines=lines)


def _rating_alone(row: Any) -> Entry:
    title = str(MOVES["call_back"].label)
    actor = _name(row.by) or _("Complainant")
    return Entry(
        row.at, "calls", ICONS["call_back"], title, "call", actor, lines=tuple(filter(None, _rating_lines(row)))
    )


def _name(user: User | None) -> str:
    return user.display_name if user else ""


_ALONE: dict[type, Callable[[Any], Entry]] = {
    Contact: _contact_alone,
    Notice: _notice_alone,
    Attachment: _attachment_alone,
    Note: _note_alone,
    Question: _question_alone,
    Callback: _rating_alone,
}
FILTER_LABELS = {
    "all": gettext_lazy("All"),
    "calls": gettext_lazy("Calls"),
    "mail": gettext_lazy("Letters and messages"),
    "status": gettext_lazy("Status"),
    "internal": gettext_lazy("Internal"),
    "head": gettext_lazy("Head in person"),
}
