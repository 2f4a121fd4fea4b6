"""Is it ours, and is it complete? Accept, refuse, ask for what is missing (SCR-01…06, SCR-10, SCR-11)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from accounts.models import User
from complaints import category_words, clocks, notices, notify, office_terms, policy_terms, task_clocks
from complaints.deadlines import StartsOn
from complaints.models import (
    Category,
    Classification,
    ClockPause,
    Complaint,
    Dimension,
    ExternalBody,
    SupplementRequest,
)
from complaints.states import (
    Complexity,
    Milestone,
    NoticeKind,
    PauseReason,
    RefusalGround,
    RequestState,
    RiskGrade,
    Severity,
    Status,
)
from complaints.transitions import core, grading, lanes, suggestion
from complaints.transitions.judgement import add_outstanding

# Dimensions whose column on the case has another name.
_COLUMNS = {"legal": "legal_type"}
# Dimensions in which a case may have no value: one chosen by mistake is taken away again.
_OPTIONAL = (Dimension.NATURE, Dimension.KIND, Dimension.LEGAL)


@transaction.atomic
def accept(
    complaint_id: int,
    *,
    by: User,
    rule: str,
    category: Category | None = None,
    nature: Category | None = None,
    kind: Category | None = None,
    legal: Category | None = None,
    emotions: Iterable[Category] | None = None,
    cleared: Iterable[str] = (),
    severity: str = "",
    complexity: str = "",
    outstanding: Iterable[str] = (),
    outstanding_due: date | None = None,
    version: int | None = None,
    at: datetime | None = None,
) -> Complaint:
    """Accept the complaint, relying on `rule`, and bind its limits to the complexity (SCR-02, SCR-05, SCR-11).

    The required fields of the category must be filled: InvalidInput names all that are missing, at the first of them.
    `outstanding` is what the complainant may still bring until `outstanding_due`; the notice lists it (IN-37).
    """
    at = core.moment(at)
    complaint = core.begin(complaint_id, "accept", by=by, version=version)
    core.require("rule", rule, _("Name the rule or duty the decision relies on."))
    owed = [text.strip() for text in outstanding if text.strip()]
    if owed and outstanding_due is None:
        raise InvalidInput("outstanding_due", _("Say until when the outstanding items are needed."))
    before = _grades(complaint)
    fields = _classify(
        complaint,
        by=by,
        at=at,
        emotions=emotions,
        cleared=cleared,
        severity=severity,
        complexity=complexity,
        category=category,
        nature=nature,
        kind=kind,
        legal=legal,
    )
    if complaint.category is None:
        raise InvalidInput("category", _("Choose a category before accepting."))
    suggestion.note_category(complaint, by=by, at=at)
    if empty := category_words.unfilled(complaint, complaint.category):
        raise InvalidInput(
            empty[0],
            _("Complaints of this category need: %(fields)s. Add them to the facts, or ask the complainant for them."),
            fields="、".join(category_words.field_labels(empty)),
        )
    complaint.accepted_at = at
    complaint.coordinator = complaint.coordinator or by
    complaint.save(update_fields=["accepted_at", "coordinator"])
    if complexity:
        _restart_resolve(complaint)
    clocks.stop(complaint, Milestone.DECIDE_ACCEPTANCE, at=at)
    clocks.begin(complaint, StartsOn.ACCEPTED, at=at)
    if changed := _changed_grades(complaint, before):
        core.add_event(complaint, "classify", by=by, at=at, note=changed)
    core.finish(complaint, "accept", by=by, at=at, fields=[*fields, "accepted_at", "coordinator"], note=rule)
    grading.regrade(complaint, at=at)
    lanes.decide(complaint, at=at)
    add_outstanding(complaint, owed, due_on=outstanding_due, by=by, at=at)
    notices.issue(
        complaint, NoticeKind.ACCEPTANCE, by=by, at=at, rule=rule, outstanding=owed, outstanding_due=outstanding_due
    )
    notify.tell_complainant(complaint, "accepted", dedupe=f"accepted:{complaint.number}:{complaint.version}")
    notify.tell(
        notify.holders_of("complaints.assign_complaint").filter(groups__name="coordinator"),
        "to_assign",
        complaint=complaint,
        dedupe=f"to_assign:{complaint.pk}:{complaint.version}",
        by_email=False,
    )
    return complaint


def _restart_resolve(complaint: Complaint) -> None:
    """Limits that depend on the complexity run from the same start with the other amount."""
    rules = {rule.milestone: rule for rule in complaint.policy.rules.filter(complexity=complaint.complexity)}
    going = sorted(clocks.running(complaint), key=lambda row: row.assignment_id is not None)
    for deadline in going:  # those of the case first: the ones of departments stay within them
        rule = rules.get(deadline.milestone)
        if deadline.assignment_id is not None:
            task_clocks.follow_complexity(deadline, complaint)
        elif rule and (rule.amount, rule.unit) != (deadline.amount, deadline.unit):
            deadline.amount, deadline.unit, deadline.ladder = rule.amount, rule.unit, rule.ladder
            deadline.save(update_fields=["amount", "unit", "ladder"])
            clocks.run_on(deadline, complaint)


@transaction.atomic
def refuse(
    complaint_id: int,
    *,
    by: User,
    ground: RefusalGround,
    reason: str,
    rule: str = "",
    body: ExternalBody | None = None,
    suggestion: str = "",
    version: int | None = None,
    at: datetime | None = None,
) -> Complaint:
    """Do not accept, with the ground, the reason in plain words and where to turn instead (SCR-03, SCR-04, SCR-10).

    Out of scope is a decision by a rule, and the rule stands in the notice and the record (SCR-02).
    """
    at = core.moment(at)
    complaint = core.begin(complaint_id, "refuse", by=by, version=version)
    core.require("ground", ground, _("Choose the ground for not accepting."))
    core.require("reason", reason, _("Explain the reason to the complainant."))
    rule = " ".join(rule.split())
    if ground == RefusalGround.OUT_OF_SCOPE:
        core.require("rule", rule, _("Name the rule or duty the decision relies on."))
    if ground == RefusalGround.OUT_OF_SCOPE and body is None and not suggestion.strip():
        raise InvalidInput("body", _("Name the body that is responsible, or say what the complainant can do."))
    clocks.stop(complaint, Milestone.DECIDE_ACCEPTANCE, at=at)
    clocks.cancel(complaint, at=at)
    rule = "" if rule in reason else rule  # not said twice
    note = f"{ground}: {rule}\n{reason}" if rule else f"{ground}: {reason}"
    event = core.finish(complaint, "refuse", by=by, at=at, target=Status.NOT_ACCEPTED, note=note)
    notices.issue(
        complaint,
        NoticeKind.NON_ACCEPTANCE,
        by=by,
        at=at,
        ground=RefusalGround(ground).label,
        rule=rule,
        reason=reason,
        body=body,
        suggestion=suggestion,
    )
    notify.tell_complainant(complaint, "not_accepted", dedupe=f"refused:{event.hash[:16]}")
    _have_told(complaint, "tell_refusal", by=by)
    return complaint


def _have_told(complaint: Complaint, kind: str, *, by: User) -> None:
    """Whoever rang, wrote or came reads no tracking page: who decided tells them (SCR-03)."""
    notice = notices.waits_to_be_told(complaint)
    if notice is not None:
        notify.tell([by], kind, complaint=complaint, dedupe=f"{kind}:{notice.pk}", by_email=False)


@transaction.atomic
def rescreen(
    complaint_id: int, *, by: User | None, reason: str, version: int | None = None, at: datetime | None = None
) -> Complaint:
    """Take a refused complaint up again, after an objection or a review."""
    at = core.moment(at)
    complaint = core.begin(complaint_id, "rescreen", by=by, version=version)
    core.require("reason", reason)
    core.finish(complaint, "rescreen", by=by, at=at, note=reason)
    clocks.begin(complaint, StartsOn.RECEIVED, at=at)
    clocks.stop(complaint, Milestone.ACKNOWLEDGE, at=at)
    clocks.refresh(complaint)
    return complaint


@transaction.atomic
def request_information(
    complaint_id: int,
    *,
    by: User,
    items: str,
    due_at: datetime | None = None,
    version: int | None = None,
    at: datetime | None = None,
) -> SupplementRequest:
    """Ask the complainant for everything that is missing, at once (SCR-06, IN-36).

    The clocks stand still, unless the policy of the case does not list this reason (SLA-13).
    `due_at` is until when the answer is asked for; afterwards the office goes on without it (`go_on`).
    """
    at = core.moment(at)
    complaint = core.begin(complaint_id, "request_information", by=by, version=version)
    core.require("items", items, _("List everything that is missing."))
    if due_at is not None and due_at <= at:
        raise InvalidInput("due_on", _("Choose today or a later day."))
    terms = office_terms.all_of(office_terms.current())
    # The clocks stand until the day the answer is asked for, so that day lies within bounds.
    if due_at is not None and due_at > at + timedelta(days=terms["information_most"]):
        raise InvalidInput("due_on", _("Choose a day within %(days)s days."), days=terms["information_most"])
    if ClockPause.objects.filter(
        complaint=complaint, state__in=[RequestState.REQUESTED, RequestState.APPROVED]
    ).exists():
        raise InvalidInput("items", _("The clock is already stopped; restart it first."))
    request = SupplementRequest.objects.create(
        complaint=complaint, items=items, due_at=due_at, asked_by=by, asked_at=at
    )
    stops = PauseReason.INFORMATION in policy_terms.pause_reasons(complaint.policy)
    if stops:
        ClockPause.objects.create(
            complaint=complaint,
            reason=PauseReason.INFORMATION,
            evidence=core.ref(request),
            state=RequestState.APPROVED,
            requested_by=by,
            requested_at=at,
            started_at=at,
            max_until=due_at or at + timedelta(days=terms["information_wait"]),
        )
        clocks.pause_all(complaint, at=at)
        complaint.pause_reason = PauseReason.INFORMATION
    complaint.awaiting_from = complaint.status
    complaint.save(update_fields=["awaiting_from", "pause_reason"])
    core.finish(complaint, "request_information", by=by, at=at, fields=["awaiting_from"], reference=core.ref(request))
    notices.issue(complaint, NoticeKind.SUPPLEMENT, by=by, at=at, items=items, due_at=due_at, stops=stops)
    notify.tell_complainant(complaint, "information_wanted", dedupe=f"information:{request.pk}")
    _have_told(complaint, "tell_request", by=by)
    return request


@transaction.atomic
def receive_information(
    complaint_id: int, *, by: User | None, answer: str, version: int | None = None, at: datetime | None = None
) -> Complaint:
    """The answer came (from the complainant, or recorded by the office): the clocks run on."""
    at = core.moment(at)
    complaint = core.begin(complaint_id, "receive_information", by=by, version=version)
    core.require("answer", answer, _("Write down what was supplied."))
    complaint.supplement_requests.filter(answered_at=None).update(
        answer=answer, answered_at=at, state=RequestState.ENDED
    )
    back_to = Status(complaint.awaiting_from)
    end_pause(complaint, at=at)
    complaint.awaiting_from = ""
    complaint.save(update_fields=["awaiting_from"])
    core.finish(complaint, "receive_information", by=by, at=at, target=back_to, fields=["awaiting_from"])
    return complaint


@transaction.atomic
def go_on(complaint_id: int, *, at: datetime) -> bool:
    """No answer came in the time for it: the clocks run on, the answer is still taken (SCR-06, SLA-13).

    Who looks after the case hears it: here where no day was named, else the next morning
    (complaints/information_requests.py). False when the clocks run already.
    """
    complaint = core.lock(complaint_id)
    pause = complaint.pauses.filter(state=RequestState.APPROVED, max_until__lte=at).first()
    if complaint.status != Status.AWAITING_INFORMATION or pause is None:
        return False
    end_pause(complaint, at=at)
    clocks.refresh(complaint)
    core.add_event(complaint, "waiting_over", by=None, at=at)
    if not complaint.supplement_requests.filter(answered_at=None, due_at__lte=at).exists():
        notify.tell(notify.keepers(complaint), "pause_over", complaint=complaint, dedupe=f"pause_over:{pause.pk}")
    return True


def end_pause(complaint: Complaint, *, at: datetime) -> None:
    """End the running pause; every clock is later by its working time."""
    ClockPause.objects.filter(complaint=complaint, state=RequestState.APPROVED).update(
        ended_at=at, state=RequestState.ENDED
    )
    complaint.pause_reason = ""
    complaint.save(update_fields=["pause_reason"])
    clocks.resume_all(complaint, at=at)


@transaction.atomic
def withdraw(
    complaint_id: int, *, by: User | None, reason: str = "", version: int | None = None, at: datetime | None = None
) -> Complaint:
    """The complainant takes the complaint back; the record stays (matrix, withdraw). Ends the same day."""
    at = core.moment(at)
    complaint = core.begin(complaint_id, "withdraw", by=by, version=version)
    if by is not None:
        core.require("reason", reason, _("Say how and when the complainant withdrew."))
    ClockPause.objects.filter(complaint=complaint, state__in=[RequestState.REQUESTED, RequestState.APPROVED]).update(
        state=RequestState.ENDED, ended_at=at
    )
    clocks.cancel(complaint, at=at)
    fields = ["closed_at"]
    complaint.closed_at = at
    if complaint.accepted_at and complaint.first_closed_at is None:
        # Accepted complaints stay in the sampling frame although withdrawn.
        complaint.first_closed_at = at
        fields.append("first_closed_at")
    complaint.save(update_fields=fields)
    core.finish(complaint, "withdraw", by=by, at=at, fields=fields, note=reason)
    notices.issue(complaint, NoticeKind.WITHDRAWAL, by=by, at=at)
    return complaint


@transaction.atomic
def classify(
    complaint_id: int,
    *,
    by: User,
    category: Category | None = None,
    nature: Category | None = None,
    kind: Category | None = None,
    legal: Category | None = None,
    emotions: Iterable[Category] | None = None,
    cleared: Iterable[str] = (),
    severity: str = "",
    complexity: str = "",
    version: int | None = None,
    at: datetime | None = None,
) -> Complaint:
    """Change one or more dimensions; every decision is kept (CLS-01, CLS-15).

    `cleared` names the dimensions whose value is taken away; a value of None leaves the one there is. `emotions`
    replaces the emotions of the case; None leaves them (CLS-11).
    """
    at = core.moment(at)
    complaint = core.begin(complaint_id, "classify", by=by, version=version)
    before = _grades(complaint)
    fields = _classify(
        complaint,
        by=by,
        at=at,
        emotions=emotions,
        cleared=cleared,
        severity=severity,
        complexity=complexity,
        category=category,
        nature=nature,
        kind=kind,
        legal=legal,
    )
    if not fields:
        raise InvalidInput("category", _("Nothing was changed."))
    if "category" in fields:
        suggestion.note_category(complaint, by=by, at=at)
    if "complexity" in fields:
        _restart_resolve(complaint)
    core.finish(complaint, "classify", by=by, at=at, fields=fields, note=_changed_grades(complaint, before))
    grading.regrade(complaint, at=at)
    lanes.decide(complaint, at=at)
    return complaint


def _grades(complaint: Complaint) -> dict[str, str]:
    return {name: getattr(complaint, name) for name in ("severity", "complexity")}


def _changed_grades(complaint: Complaint, before: dict[str, str]) -> str:
    """What severity and complexity were and are now, where they differ: the dimensions keep rows of their own, these
    two stand in the log (CLS-15)."""
    return "; ".join(
        f"{name}: {before[name]} > {now}" for name, now in _grades(complaint).items() if now != before[name]
    )


def _classify(
    complaint: Complaint,
    *,
    by: User | None,
    at: datetime,
    emotions: Iterable[Category] | None,
    cleared: Iterable[str],
    severity: str,
    complexity: str,
    **dimensions: Category | None,
) -> list[str]:
    fields = []
    for name, category in dimensions.items():
        field = _COLUMNS.get(name, name)
        if category is None or getattr(complaint, f"{field}_id") == category.pk:
            continue
        if category.dimension != name:
            raise InvalidInput(name, _("This value belongs to another dimension."))
        setattr(complaint, field, category)
        if name == Dimension.CATEGORY and complaint.first_category_id is None:
            complaint.first_category = category
            complaint.save(update_fields=["first_category"])
        Classification.objects.create(complaint=complaint, dimension=name, category=category, at=at, by=by)
        fields.append(field)
    for field in (_COLUMNS.get(name, name) for name in cleared if name in _OPTIONAL):
        if getattr(complaint, f"{field}_id") is not None:
            setattr(complaint, field, None)
            fields.append(field)
    if severity and severity != complaint.severity:
        complaint.severity = Severity(severity)
        fields.append("severity")
    if complexity and complexity != complaint.complexity:
        complaint.complexity = Complexity(complexity)
        fields.append("complexity")
    if fields:
        complaint.save(update_fields=fields)
    if emotions is not None and _set_emotions(complaint, list(emotions), by=by, at=at):
        fields.append("emotions")
    return fields


def _set_emotions(complaint: Complaint, emotions: list[Category], *, by: User | None, at: datetime) -> bool:
    """Make these the emotions of the case; each new one is a decision that is kept. True when anything changed."""
    if any(emotion.dimension != Dimension.EMOTION for emotion in emotions):
        raise InvalidInput("emotions", _("This value belongs to another dimension."))
    known = set(complaint.emotions.values_list("pk", flat=True))
    added = [emotion for emotion in emotions if emotion.pk not in known]
    if not added and len(known) == len({emotion.pk for emotion in emotions}):
        return False
    complaint.emotions.set(emotions)
    Classification.objects.bulk_create(
        Classification(complaint=complaint, dimension=Dimension.EMOTION, category=emotion, at=at, by=by)
        for emotion in added
    )
    return True


@transaction.atomic
def grade_risk(
    complaint_id: int,
    *,
    by: User,
    grade: RiskGrade,
    reason: str,
    version: int | None = None,
    at: datetime | None = None,
) -> Complaint:
    """Set the risk grade with a reason; a high risk makes the legal check unavoidable (RISK-01, COM-01)."""
    at = core.moment(at)
    complaint = core.begin(complaint_id, "grade_risk", by=by, version=version)
    core.require("reason", reason, _("Give the reason for the grade."))
    is_rise = grade == RiskGrade.HIGH and complaint.risk_grade != RiskGrade.HIGH
    row = grading.decision(complaint, grade=RiskGrade(grade), reason=reason, by=by, at=at)
    core.finish(complaint, "grade_risk", by=by, at=at, fields=["risk_grade"], note=reason, reference=core.ref(row))
    if is_rise:
        grading.alert(complaint, row, at=at)
    lanes.decide(complaint, at=at)
    return complaint
