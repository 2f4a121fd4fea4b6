"""Every write that moves a review (REV-18…47). Lock order: case, then review.

Events go into the case's own chain with audience "review", so a department learns nothing before
the result is final (RI-12).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import Department, User
from complaints import call_backs, clocks, deadlines, notices, notify, why_date
from complaints import transitions as case_transitions
from complaints.models import Allegation, Complaint, Contact, ImprovementAction
from complaints.numbers import next_number
from complaints.states import (
    Audience,
    Channel,
    ContactDirection,
    ContactOutcome,
    ContactPurpose,
    ImprovementState,
    Milestone,
    NoticeKind,
    Status,
)
from review import checks, dossier, duty, extra_remedy, group, independence, major, permissions, refusal, step_limits
from review import clocks as step_clocks
from review.models import (
    DeclaredConflict,
    Material,
    Opinion,
    ReviewCase,
    ReviewerAssignment,
    ReviewFinding,
    ReviewTrigger,
    SampleDraw,
)
from review.states import (
    MOVES,
    OPEN_REVIEW,
    ApplicationReason,
    Comparison,
    Conclusion,
    MaterialKind,
    ReviewStatus,
    ReviewStep,
    TriggerKind,
)

# Who writes down what a complainant says who does not do so online.
WRITE_DOWN = "complaints.record_for_complainant"
# The cases a review can be applied for: those with a first result.
WITH_RESULT = (Status.REPLIED, Status.CLOSED, Status.ARCHIVED, Status.NOT_ACCEPTED)


@transaction.atomic
def apply(
    complaint_id: int,
    *,
    reasons: list[str],
    text: str,
    channel: str,
    by: User | None = None,
    at: datetime | None = None,
) -> ReviewCase:
    """The complainant applies for a review on the original channel, with coded and free reasons (REV-18, REV-19).

    `by` wrote it down for a complainant who rang, wrote or came (FB-19); it is a communication on the case then.
    Only after the first result and inside the window of the policy; a second application joins the review that is
    open. Raises NotAllowed, IllegalTransition, InvalidInput by field.
    """
    at = at or timezone.now()
    complaint = case_transitions.lock(complaint_id)
    if by is not None and not may_write_down(by, complaint):
        raise NotAllowed(_("Your role does not allow this."))
    if channel not in Channel.values:
        raise InvalidInput("channel", _("Choose one."))
    if not has_result(complaint):
        raise IllegalTransition(_("A review can be applied for after you have received the result."))
    refused = not_reviewable(complaint)
    if refused:
        raise IllegalTransition(refused)
    if not reasons or any(reason not in ApplicationReason.values for reason in reasons):
        raise InvalidInput("reasons", _("Choose at least one reason."))
    if not text.strip():
        raise InvalidInput("text", _("Say in your own words why you are not satisfied."))
    if len(text) > 5000 or "\x00" in text:
        raise InvalidInput("text", _("Please shorten this to %(limit)s characters."), limit=5000)
    until = window(complaint)
    if until and at > until:
        raise IllegalTransition(
            _("The time to apply for a review ended on %(date)s."), date=timezone.localtime(until).strftime("%Y-%m-%d")
        )
    if ReviewCase.objects.filter(
        complaint=complaint,
        status__in=[ReviewStatus.RECTIFICATION, ReviewStatus.CLOSED],
        triggers__kind=TriggerKind.APPLICATION,
    ).exists():
        raise IllegalTransition(_("This case has already been reviewed on your application."))
    if by is not None and complaint.status != Status.ARCHIVED:
        contact = Contact.objects.create(
            complaint=complaint,
            direction=ContactDirection.IN,
            channel=channel,
            purpose=ContactPurpose.OTHER,
            outcome=ContactOutcome.REACHED,
            summary=f"{TriggerKind.APPLICATION.label}: {text.strip()}",
            at=at,
            by=by,
        )
        case_transitions.add_event(complaint, "contact", by=by, at=at, reference=f"contact:{contact.pk}")
    return _open(complaint, TriggerKind.APPLICATION, at=at, by=by, reasons=reasons, text=text, channel=channel)


def has_result(complaint: Complaint) -> bool:
    """Whether there is a result to review: its own, or the answer to the case it is merged into (SCR-09)."""
    return complaint.status in WITH_RESULT or call_backs.answered_with_primary(complaint) is not None


def may_write_down(user: User, complaint: Complaint) -> bool:
    """Whether this person writes down what the complainants of this case say, an application too (FB-19)."""
    return (
        user.is_active
        and user.has_perm(WRITE_DOWN)
        and Complaint.objects.visible_to(user).filter(pk=complaint.pk).exists()
    )


def not_reviewable(complaint: Complaint) -> str:
    """Why no review can be applied for on this case at all, or ''. Every channel a case can have is an official one, so
    only the judgement on validity keeps a case out (REV-02)."""
    return (
        str(_("Only valid complaints are reviewed; this one was found not to be valid."))
        if (complaint.is_valid is False)
        else ""
    )


def window(complaint: Complaint) -> datetime | None:
    """Until when the complainant may apply, or None when the policy sets no limit."""
    since = call_backs.answered_at(complaint) or complaint.status_since
    return clocks.date_of(complaint, Milestone.REVIEW_REQUEST, since=since)


def why_window(complaint: Complaint, *, now: datetime) -> why_date.Why | None:
    """Why the complainant may apply until that day; None without a limit (SLA-12)."""
    answered = call_backs.answered_at(complaint)
    since = answered or complaint.status_since
    starts_on = deadlines.StartsOn.REPLIED if answered else deadlines.StartsOn.FIRST_RESULT
    return why_date.of_limit(complaint, Milestone.REVIEW_REQUEST, since=since, starts_on=starts_on, now=now)


@transaction.atomic
def open_for_sample(complaint_id: int, *, draw: SampleDraw, at: datetime) -> ReviewCase:
    """A case was drawn: it is reviewed like any other (REV-22)."""
    return _open(case_transitions.lock(complaint_id), TriggerKind.SAMPLE, at=at, by=None, draw=draw)


@transaction.atomic
def set_aside(review: ReviewCase, *, by: User, at: datetime) -> None:
    """End the review of a drawn case that nobody is free to judge, if nothing but the draw asked for it (RI-06).

    The complainant is not told: they did not ask, and the case stays as it was decided.
    """
    complaint = case_transitions.lock(review.complaint_id)
    review = ReviewCase.objects.select_for_update().get(pk=review.pk)
    if review.triggers.exclude(kind=TriggerKind.SAMPLE).exists():
        return
    review.status, review.closed_at, review.version = ReviewStatus.REFUSED, at, review.version + 1
    review.screening_reason = str(_("Nobody in the group is free to judge this case; another one was drawn for it."))
    review.save(update_fields=["status", "closed_at", "version", "screening_reason"])
    step_clocks.follow(review, complaint, at=at)
    _event(complaint, review, "set_aside", by=by, at=at)


@transaction.atomic
def open_for_alert(complaint_id: int, *, rule: str, text: str, at: datetime) -> ReviewCase:
    """An alert found an anomaly (REV-20, REV-21, REV-25)."""
    return _open(case_transitions.lock(complaint_id), TriggerKind.ALERT, at=at, by=None, rule=rule, text=text)


def _open(complaint: Complaint, kind: TriggerKind, *, at: datetime, by: User | None, **trigger: Any) -> ReviewCase:
    review = (
        ReviewCase.objects.select_for_update()
        .filter(complaint=complaint, status__in=[str(s) for s in OPEN_REVIEW])
        .first()
    )
    if review is None:
        review = ReviewCase.objects.create(
            number=next_number("FC", at=at, monthly=True),
            complaint=complaint,
            opened_at=at,
            version=1,
            screening_due_at=_due(complaint, ReviewStep.SCREENING, since=at),
            is_major=major.is_major(complaint),
        )
        independence.refresh(review, at=at)
        step_clocks.follow(review, complaint, at=at)
        _event(complaint, review, "opened", by=by, at=at, note=str(kind))
    review.is_priority = review.is_priority or kind == TriggerKind.APPLICATION or _was_complex(complaint)
    review.save(update_fields=["is_priority"])
    if (
        not review.triggers.filter(kind=kind, draw=trigger.get("draw"), rule=trigger.get("rule", "")).exists()
        or kind == TriggerKind.APPLICATION
    ):
        ReviewTrigger.objects.create(review=review, kind=kind, at=at, **trigger)
    if kind == TriggerKind.APPLICATION:
        head = independence.acting_head(review)
        notify.tell(
            [head] if head else [],
            "review_requested",
            dedupe=f"review_requested:{review.pk}",
            url=f"/desk/reviews/{review.number}/",
            review=review.number,
        )
    return review


def _was_complex(complaint: Complaint) -> bool:
    """Whether several departments worked on the case, or one returned it as not its own (REV-04)."""
    departments = complaint.assignments.order_by().values("department").distinct().count()
    return departments > 1 or complaint.return_rounds > 0


def _due(complaint: Complaint, step: ReviewStep, *, since: datetime) -> datetime | None:
    return step_limits.date_of(complaint, step, step_limits.own_of(step_limits.newest()), since=since)


def _begin(review_id: int, action: str, *, by: User, version: int | None, at: datetime) -> tuple[ReviewCase, Complaint]:
    """Lock case and review, look for new conflicts, then check person, version and step."""
    complaint_id, primary = ReviewCase.objects.values_list("complaint", "complaint__merged_into").get(pk=review_id)
    if primary:  # a reply locks it before the cases merged into it; a decision that reopens it must not cross that
        case_transitions.lock(primary)
    complaint = case_transitions.lock(complaint_id)
    review = ReviewCase.objects.select_for_update().get(pk=review_id)
    independence.refresh(review, at=at)
    major.refresh(review, complaint)
    reason = permissions.refusal(by, action, review, at=at)
    if reason:
        raise NotAllowed(reason)
    if version is not None and version != review.version:
        raise StaleVersion(review.version)
    if review.status not in MOVES[action].sources:
        raise IllegalTransition(
            _("“%(action)s” is not possible: the review is at “%(status)s”."),
            action=MOVES[action].label,
            status=review.get_status_display(),
        )
    return review, complaint


def _finish(
    review: ReviewCase,
    complaint: Complaint,
    action: str,
    *,
    by: User,
    at: datetime,
    fields: list[str] | None = None,
    note: str = "",
) -> None:
    review.status = MOVES[action].target or review.status
    review.version += 1
    review.save(update_fields=["status", "version", *(fields or [])])
    step_clocks.follow(review, complaint, at=at)
    _event(complaint, review, action, by=by, at=at, note=note)


def _event(
    complaint: Complaint,
    review: ReviewCase,
    action: str,
    *,
    by: User | None,
    at: datetime,
    note: str = "",
    audience: str = Audience.REVIEW,
) -> None:
    case_transitions.add_event(
        complaint, f"review_{action}", by=by, at=at, note=note, reference=f"review:{review.number}", audience=audience
    )


def _need(field: str, value: Any, message: Any = _("Fill this in.")) -> None:
    if value is None or (isinstance(value, str) and not value.strip()):
        raise InvalidInput(field, message)


@transaction.atomic
def set_up(
    review_id: int,
    *,
    by: User,
    within_responsibility: bool,
    measures_exhausted: bool,
    demand_reasonable: bool,
    reason: str,
    version: int | None = None,
    at: datetime | None = None,
) -> ReviewCase:
    """Answer the three screening questions and set the review up (REV-26…30)."""
    at = at or timezone.now()
    review, complaint = _begin(review_id, "set_up", by=by, version=version, at=at)
    _answers(review, within_responsibility, measures_exhausted, demand_reasonable, reason, by=by, at=at)
    if not (within_responsibility and demand_reasonable):
        raise IllegalTransition(_("By your answers there is no review; refuse it with a notice."))
    review.decision_due_at = _due(complaint, ReviewStep.CONCLUSION, since=step_limits.asked_at(review))
    _finish(review, complaint, "set_up", by=by, at=at, fields=[*_SCREENED, "decision_due_at"], note=reason)
    return review


_SCREENED = [
    "within_responsibility",
    "measures_exhausted",
    "demand_reasonable",
    "screening_reason",
    "screened_by",
    "screened_at",
]


def _answers(
    review: ReviewCase, responsibility: bool, exhausted: bool, reasonable: bool, reason: str, *, by: User, at: datetime
) -> None:
    for field, value in (
        ("within_responsibility", responsibility),
        ("measures_exhausted", exhausted),
        ("demand_reasonable", reasonable),
    ):
        _need(field, value, _("Answer this question."))
    _need("reason", reason, _("Give the reason."))
    review.within_responsibility, review.measures_exhausted, review.demand_reasonable = (
        responsibility,
        exhausted,
        reasonable,
    )
    review.screening_reason, review.screened_by, review.screened_at = reason, by, at


def check_refusable(within_responsibility: bool, measures_exhausted: bool, demand_reasonable: bool) -> None:
    """Raises IllegalTransition where the three answers leave no ground for a refusal (REV-27…29)."""
    if within_responsibility and demand_reasonable and not measures_exhausted:
        raise IllegalTransition(_("By your answers there has to be a review; set it up."))


@transaction.atomic
def refuse(
    review_id: int,
    *,
    by: User,
    within_responsibility: bool,
    measures_exhausted: bool,
    demand_reasonable: bool,
    reason: str,
    version: int | None = None,
    at: datetime | None = None,
) -> ReviewCase:
    """No review, with a reasoned notice that names the rules and the remedies (REV-31, REV-32)."""
    at = at or timezone.now()
    review, complaint = _begin(review_id, "refuse", by=by, version=version, at=at)
    _answers(review, within_responsibility, measures_exhausted, demand_reasonable, reason, by=by, at=at)
    check_refusable(within_responsibility, measures_exhausted, demand_reasonable)
    review.closed_at = at
    _finish(review, complaint, "refuse", by=by, at=at, fields=[*_SCREENED, "closed_at"], note=reason)
    if review.triggers.filter(kind=TriggerKind.APPLICATION).exists():
        answers = refusal.values(
            complaint,
            reason=reason,
            within_responsibility=within_responsibility,
            measures_exhausted=measures_exhausted,
            demand_reasonable=demand_reasonable,
        )
        notices.issue(complaint, NoticeKind.REVIEW_REFUSAL, by=by, at=at, **answers)
        notify.tell_complainant(complaint, "review", dedupe=f"review_refused:{review.pk}")
    return review


@transaction.atomic
def assign_reviewers(
    review_id: int,
    *,
    by: User,
    author: User,
    members: list[User],
    reason: str = "",
    version: int | None = None,
    at: datetime | None = None,
) -> ReviewCase:
    """The head names who writes the report and who else opines; all of them free of conflict (REV-30, REV-05),
    in the register and on duty (REV-07, REV-11). Passing over somebody less busy needs a reason."""
    at = at or timezone.now()
    review, complaint = _begin(review_id, "assign_reviewers", by=by, version=version, at=at)
    others = [member for member in members if member.pk != author.pk]
    if not others:
        raise InvalidInput("members", _("At least one more member than the author is needed."))
    blocked = set(review.conflicts.values_list("user", flat=True))
    for field, person in [("author", author), *(("members", member) for member in others)]:
        if not person.is_active or not person.has_perm("review.review_case"):
            raise InvalidInput(field, _("%(name)s is not in the review group."), name=person.display_name)
        if person.pk in blocked:
            raise InvalidInput(
                field, _("%(name)s cannot judge this case because of a conflict."), name=person.display_name
            )
        missing = group.refusal(person, at=at)
        if missing:
            raise InvalidInput(field, _("%(name)s: %(reason)s"), name=person.display_name, reason=missing)
    passed = duty.passed_over(review, {author.pk, *(member.pk for member in others)}, at=at)
    if passed and not reason.strip():
        raise InvalidInput(
            "reason",
            _("Less busy and free: %(names)s. Say why you choose otherwise."),
            names="、".join(person.display_name for person in passed),
        )
    ReviewerAssignment.objects.filter(review=review, is_void=False).update(is_void=True, void_reason="replaced")
    for person in [author, *others]:
        ReviewerAssignment.objects.create(
            review=review, reviewer=person, assigned_by=by, at=at, is_author=person.pk == author.pk
        )
    notify.tell(
        [author, *others],
        "review_assigned",
        dedupe=f"review:{review.pk}:{review.version}",
        url=f"/desk/reviews/{review.number}/",
        review=review.number,
    )
    _finish(review, complaint, "assign_reviewers", by=by, at=at, note=reason.strip()[:300])
    return review


@transaction.atomic
def collect(review_id: int, *, by: User, version: int | None = None, at: datetime | None = None) -> ReviewCase:
    """Assemble the five kinds of records; what is missing shows and must be explained (REV-33…38)."""
    at = at or timezone.now()
    review, complaint = _begin(review_id, "collect", by=by, version=version, at=at)
    if not review.assignments.filter(is_void=False).exists():
        raise IllegalTransition(_("Assign the reviewers first."))
    for found in dossier.collect(complaint):
        Material.objects.update_or_create(
            review=review,
            kind=found.kind,
            defaults={
                "count": found.count,
                "expected": found.expected,
                "content_hash": found.content_hash,
                "missing_reason": found.reason,
                "collected_at": at,
            },
        )
    _finish(review, complaint, "collect", by=by, at=at)
    return review


@transaction.atomic
def explain_gap(
    review_id: int, *, by: User, kind: MaterialKind, reason: str, version: int | None = None, at: datetime | None = None
) -> Material:
    """Say why a record is missing (REV-38)."""
    at = at or timezone.now()
    review, complaint = _begin(review_id, "explain_gap", by=by, version=version, at=at)
    _need("reason", reason, _("Say why it is missing and what was done to get it."))
    row = review.materials.filter(kind=kind).first()
    if row is None:
        raise InvalidInput("kind", _("Choose one of the five kinds."))
    row.missing_reason = reason[:300]
    row.save(update_fields=["missing_reason"])
    _finish(review, complaint, "explain_gap", by=by, at=at, note=str(kind))
    return row


@transaction.atomic
def start_verification(
    review_id: int, *, by: User, version: int | None = None, at: datetime | None = None
) -> ReviewCase:
    """Go on to verifying once every gap is explained."""
    at = at or timezone.now()
    review, complaint = _begin(review_id, "start_verification", by=by, version=version, at=at)
    missing = dossier.gaps(review)
    if missing:
        raise IllegalTransition(
            _("Explain first what is missing: %(kinds)s."),
            kinds="、".join(str(row.get_kind_display()) for row in missing),
        )
    _finish(review, complaint, "start_verification", by=by, at=at)
    return review


@transaction.atomic
def record_finding(
    review_id: int,
    *,
    by: User,
    found: str,
    comparison: Comparison,
    allegation: Allegation | None = None,
    subject: str = "",
    original: str = "",
    version: int | None = None,
    at: datetime | None = None,
) -> ReviewFinding:
    """One row of the comparison between the first handling and what the review found (REV-40, REV-41).

    Of an allegation of the case the point and the first finding are taken from the record where they are left empty;
    any other point is named by `subject`.
    """
    at = at or timezone.now()
    review, complaint = _begin(review_id, "record_finding", by=by, version=version, at=at)
    if allegation is not None:
        if allegation.complaint_id != complaint.pk:
            raise InvalidInput("allegation", _("Choose an allegation of this case."))
        subject = subject.strip() or allegation.text
        original = original.strip() or first_finding(allegation)
    _need("subject", subject)
    _need("found", found)
    if comparison not in Comparison.values:
        raise InvalidInput("comparison", _("Choose one of the values."))
    row = ReviewFinding.objects.create(
        review=review,
        allegation=allegation,
        subject=subject[:120],
        original=original,
        found=found,
        comparison=comparison,
        by=by,
        at=at,
    )
    _finish(review, complaint, "record_finding", by=by, at=at)
    return row


def first_finding(allegation: Allegation) -> str:
    """What the first handling found on an allegation, and why."""
    return " ".join(filter(None, [str(allegation.get_finding_display()), allegation.finding_reason]))


@transaction.atomic
def submit_report(
    review_id: int,
    *,
    by: User,
    report: str,
    conclusion: Conclusion,
    acceptable_to_user: bool,
    remedy: str = "",
    systemic_cause: str = "",
    version: int | None = None,
    at: datetime | None = None,
) -> ReviewCase:
    """Submit the report with its conclusion; from here on the dossier has a hash that opinions bind to (REV-43)."""
    at = at or timezone.now()
    review, complaint = _begin(review_id, "submit_report", by=by, version=version, at=at)
    _need("report", report, _("Write the report."))
    _need("acceptable_to_user", acceptable_to_user, _("Answer the question from the complainant's point of view."))
    if conclusion not in Conclusion.values:
        raise InvalidInput("conclusion", _("Choose the conclusion."))
    if not review.findings.exists():
        raise IllegalTransition(_("Record at least one finding first."))
    unchecked = checks.missing_for_report(review)
    if unchecked:
        raise IllegalTransition(unchecked)
    review.report, review.conclusion, review.acceptable_to_user = report, conclusion, acceptable_to_user
    review.remedy, review.systemic_cause, review.report_by, review.report_at = remedy, systemic_cause, by, at
    review.dossier_hash = dossier.dossier_hash(review)
    _finish(
        review,
        complaint,
        "submit_report",
        by=by,
        at=at,
        fields=[
            "report",
            "conclusion",
            "acceptable_to_user",
            "remedy",
            "systemic_cause",
            "report_by",
            "report_at",
            "dossier_hash",
        ],
    )
    return review


@transaction.atomic
def give_opinion(
    review_id: int, *, by: User, verdict: Conclusion, text: str, version: int | None = None, at: datetime | None = None
) -> Opinion:
    """Opine once on this dossier; nobody sees it until all opinions are in (RI-10, RI-11)."""
    at = at or timezone.now()
    review, complaint = _begin(review_id, "give_opinion", by=by, version=version, at=at)
    _need("text", text, _("Give the reasons for your opinion."))
    if verdict not in Conclusion.values:
        raise InvalidInput("verdict", _("Choose the conclusion."))
    if permissions.has_opined(review, by):
        raise IllegalTransition(_("You have already given your opinion."))
    row = Opinion.objects.create(
        review=review, reviewer=by, verdict=verdict, text=text, dossier_hash=review.dossier_hash, at=at
    )
    _finish(review, complaint, "give_opinion", by=by, at=at)
    return row


@transaction.atomic
def return_report(
    review_id: int, *, by: User, reason: str, version: int | None = None, at: datetime | None = None
) -> ReviewCase:
    """Send the report back to be corrected; opinions on the old dossier no longer count."""
    at = at or timezone.now()
    review, complaint = _begin(review_id, "return_report", by=by, version=version, at=at)
    _need("reason", reason, _("Say what has to be corrected."))
    review.dossier_hash, review.report_by = "", None
    _finish(review, complaint, "return_report", by=by, at=at, fields=["dossier_hash", "report_by"], note=reason)
    return review


@transaction.atomic
def finalise(review_id: int, *, by: User, version: int | None = None, at: datetime | None = None) -> ReviewCase:
    """Sign the conclusion (REV-44): all opinions in, the dossier unchanged since they were given.

    Amending or setting aside corrects the original record by an appended event and reopens the case
    (REV-47). From now on the department sees the result.
    """
    at = at or timezone.now()
    review, complaint = _begin(review_id, "finalise", by=by, version=version, at=at)
    if review.assignments.filter(is_void=False).count() < independence.QUORUM:
        raise IllegalTransition(
            _("A conflict has come up and too few members are left; return the report and assign others.")
        )
    if review.conflicts.filter(user=review.report_by).exists():
        raise IllegalTransition(
            _("Whoever wrote the report must not judge this case; return it so that another member writes it.")
        )
    if not dossier.opinions_complete(review):
        raise IllegalTransition(_("Not every member has given an opinion yet."))
    if dossier.dossier_hash(review) != review.dossier_hash:
        raise IllegalTransition(_("The file changed after the opinions were given; return the report."))
    verdicts = dossier.counted_opinions(review)
    against = verdicts.exclude(verdict=review.conclusion).count()
    if against * 2 > verdicts.count():
        raise IllegalTransition(_("Most members are of another opinion; return the report."))
    review.finalised_by, review.finalised_at = by, at
    _finish(
        review, complaint, "finalise", by=by, at=at, fields=["finalised_by", "finalised_at"], note=review.conclusion
    )
    _event(complaint, review, "result", by=by, at=at, note=review.conclusion, audience=Audience.CASE)
    if review.conclusion in (Conclusion.AMEND, Conclusion.SET_ASIDE):
        reason = str(_("Review %(number)s: %(conclusion)s")) % {
            "number": review.number,
            "conclusion": review.get_conclusion_display(),
        }
        if complaint.status in (Status.REPLIED, Status.CLOSED):
            case_transitions.reopen(complaint.pk, by=None, reason=reason, at=at)
        elif complaint.merged_into and complaint.merged_into.status in (Status.REPLIED, Status.CLOSED):
            # The work was done there; the new answer goes to everybody merged into it.
            case_transitions.reopen(complaint.merged_into.pk, by=None, reason=reason, at=at)
        elif complaint.status == Status.NOT_ACCEPTED:
            case_transitions.rescreen(complaint.pk, by=None, reason=reason, at=at)
    return review


@transaction.atomic
def notify_complainant(
    review_id: int, *, by: User, version: int | None = None, at: datetime | None = None
) -> ReviewCase:
    """Tell the complainant the conclusion with reasons and remedies, on the original channel (REV-45).

    A sampled case that is upheld needs no notice: the complainant asked nothing.
    """
    at = at or timezone.now()
    review, complaint = _begin(review_id, "notify", by=by, version=version, at=at)
    review.notified_at = at
    applied = review.triggers.filter(kind=TriggerKind.APPLICATION).exists()
    if applied or review.conclusion != Conclusion.UPHOLD:
        notices.issue(
            complaint,
            NoticeKind.REVIEW_RESULT,
            by=by,
            at=at,
            conclusion=Conclusion(review.conclusion).label,
            reason=review.report,
            remedy=review.remedy,
            rectifications=review.rectifications.select_related("department"),
            applied=applied,
            remedies=refusal.other_ways(complaint),
        )
        notify.tell_complainant(complaint, "review", dedupe=f"review_result:{review.pk}")
    _finish(review, complaint, "notify", by=by, at=at, fields=["notified_at"])
    return review


@transaction.atomic
def add_rectification(
    review_id: int,
    *,
    by: User,
    what: str,
    department: Department,
    due_on: date,
    post: str = "",
    acceptance_test: str = "",
    version: int | None = None,
    at: datetime | None = None,
) -> ImprovementAction:
    """Open a rectification with department, definite date and the test it will be verified by (REV-46)."""
    at = at or timezone.now()
    review, complaint = _begin(review_id, "add_rectification", by=by, version=version, at=at)
    _need("acceptance_test", acceptance_test, _("Say how it will be verified."))
    row = case_transitions.create_improvement(
        complaint,
        by=by,
        at=at,
        what=what,
        department=department,
        due_on=due_on,
        post=post,
        acceptance_test=acceptance_test,
        origin=ImprovementAction.Origin.REVIEW,
    )
    review.rectifications.add(row)
    _finish(review, complaint, "add_rectification", by=by, at=at)
    return row


@transaction.atomic
def close(review_id: int, *, by: User, version: int | None = None, at: datetime | None = None) -> ReviewCase:
    """Close only when every rectification is verified by somebody else (REV-46) and every remedy settled (REV-48)."""
    at = at or timezone.now()
    review, complaint = _begin(review_id, "close", by=by, version=version, at=at)
    open_rows = review.rectifications.exclude(state=ImprovementState.VERIFIED).count()
    if open_rows:
        raise IllegalTransition(_("%(count)s rectification(s) are not verified yet."), count=open_rows)
    if review.conclusion != Conclusion.UPHOLD and not review.rectifications.exists():
        raise IllegalTransition(_("A changed result needs at least one rectification."))
    promised = extra_remedy.unsettled(review)
    if promised:
        raise IllegalTransition(_("%(count)s remedies are neither given nor refused yet."), count=len(promised))
    review.closed_at = at
    _finish(review, complaint, "close", by=by, at=at, fields=["closed_at"])
    return review


@transaction.atomic
def declare_conflict(complaint_id: int, *, by: User, reason: str, at: datetime | None = None) -> DeclaredConflict:
    """Anybody may say at any time that they are not impartial; effective at once, for good (matrix, recuse)."""
    at = at or timezone.now()
    _need("reason", reason, _("Say what connects you with the matter."))
    complaint = case_transitions.lock(complaint_id)
    row, created = DeclaredConflict.objects.get_or_create(
        complaint=complaint, user=by, defaults={"reason": reason[:200], "at": at}
    )
    if created:
        case_transitions.add_event(complaint, "conflict_declared", by=by, at=at, audience=Audience.REVIEW)
        for review in ReviewCase.objects.filter(complaint=complaint, status__in=[str(s) for s in OPEN_REVIEW]):
            independence.refresh(review, at=at)
    return row


ACTIONS: dict[str, Callable[..., Any]] = {
    "set_up": set_up,
    "refuse": refuse,
    "assign_reviewers": assign_reviewers,
    "collect": collect,
    "explain_gap": explain_gap,
    "start_verification": start_verification,
    "record_finding": record_finding,
    "submit_report": submit_report,
    "give_opinion": give_opinion,
    "return_report": return_report,
    "finalise": finalise,
    "notify": notify_complainant,
    "add_rectification": add_rectification,
    "close": close,
}
