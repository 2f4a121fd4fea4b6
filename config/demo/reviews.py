"""The reviews of the demo story: most are walked through to the end, and one stands at each of the seven steps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import Department
from complaints import transitions as case_transitions
from complaints.models import Complaint
from complaints.states import Satisfaction, Status
from config.demo import review_group
from config.demo.story import Teller, TimeIsUp
from review import checks, materials
from review import transitions as reviewing
from review.models import ReviewCase
from review.states import CheckPlace, Comparison, Conclusion, MaterialKind, ReviewStatus, TriggerKind

# Where an open review stands, and how many working days ago it was asked for: time enough for the steps before it.
STANDING = (
    (ReviewStatus.RECTIFICATION, 14),
    (ReviewStatus.FEEDBACK, 12),
    (ReviewStatus.CONCLUSION, 10),
    (ReviewStatus.VERIFICATION, 7),
    (ReviewStatus.RETRIEVAL, 6),
    (ReviewStatus.RETRIEVAL, 4),
    (ReviewStatus.SET_UP, 2),
    (ReviewStatus.REQUESTED, 1),
)
# Both reviews that collect records asked the department for some; the first waits for them past the date.
ASKED = {4: 1, 5: 12}
APPLICATIONS = (
    ("not_solved", "答复说已经处理好了，可是同样的问题上周又出现了两次，没有真正解决。"),
    ("contradictory", "电话里说的原因和书面答复写的不一样，前后说法对不上。"),
    ("facts", "答复里写的经过和实际不符，当时的情况可以再核实。"),
    ("unfair", "别人遇到同样的情况，处理结果和我的不一样，希望说明理由。"),
)


def standing(teller: Teller) -> int:
    """Leave a review at each of the seven steps, each on an application of its own. Returns how many."""
    told = 0
    for place, (step, days) in enumerate(STANDING):
        latest = teller.calendar.subtract_working_time(teller.now, teller.calendar.day_length * days)
        found = _applicant(latest)
        if found is None:
            continue
        case, at = found
        reason, text = APPLICATIONS[place % len(APPLICATIONS)]
        review = reviewing.apply(case.pk, reasons=[reason], text=text, channel=case.channel, at=at)
        told += 1
        conclusion = Conclusion.UPHOLD if step == ReviewStatus.CONCLUSION else Conclusion.AMEND
        if step != ReviewStatus.REQUESTED:
            next((reached for reached in _steps(teller, review, at, conclusion=conclusion) if reached == step), None)
        if place in ASKED:
            _ask(teller, review, days=ASKED[place])
    materials.watch(now=teller.now)
    return told


def waiting() -> list[int]:
    """The cases whose complainants wait for a review."""
    rows = ReviewCase.objects.filter(closed_at=None, triggers__kind=TriggerKind.APPLICATION)
    return list(rows.values_list("complaint", flat=True))


def _applicant(latest: datetime) -> tuple[Complaint, datetime] | None:
    """A case never reviewed whose complainant may apply by this moment, and when; the discontented first."""
    cases = (
        Complaint.objects.filter(
            status__in=[Status.REPLIED, Status.CLOSED], replied_at__lt=latest, lead_department__isnull=False
        )
        .exclude(pk__in=ReviewCase.objects.values("complaint"))
        .order_by("-replied_at", "-pk")
    )
    found = []
    for case in cases[:80]:
        until = reviewing.window(case)
        at = min(latest, until - timedelta(hours=8)) if until else latest
        called = case.callbacks.order_by("-at", "-pk").first()
        done = max(moment for moment in (case.replied_at, case.closed_at, called.at if called else None) if moment)
        mood = called.satisfaction if called else ""
        if done < at:
            order = {Satisfaction.DISSATISFIED: 0, "": 1, Satisfaction.BASICALLY: 2}.get(mood, 3)
            found.append((latest - at, order, -case.pk, case, at))
    return min(found)[3:] if found else None


def _ask(teller: Teller, review: ReviewCase, *, days: int) -> None:
    """Ask the department for its own records, to be there so many days later."""
    collected = review.materials.order_by("-collected_at")[0].collected_at
    author = review.assignments.get(is_author=True, is_void=False).reviewer
    materials.request(
        review.pk,
        department=_lead_of(review.complaint),
        what="现场处理的原始记录、派工单和照片；与投诉人通话的录音或者通话记录。",
        due_on=timezone.localdate(collected) + timedelta(days=days),
        by=author,
        at=collected + timedelta(minutes=10),
    )


def walk(teller: Teller, review: ReviewCase, at: datetime, *, conclusion: Conclusion) -> None:
    """All seven steps, as far as time allows; about every eighth application is refused."""
    if review.complaint.lead_department is None:
        conclusion = Conclusion.UPHOLD  # withdrawn before any department had it: nothing to rectify
    for _reached in _steps(teller, review, at, conclusion=conclusion, refusable=True):
        pass


def _steps(
    teller: Teller, review: ReviewCase, at: datetime, *, conclusion: Conclusion, refusable: bool = False
) -> Iterator[ReviewStatus]:
    """Walk the steps, pausing in the middle of each; ends where the time is up."""
    try:
        yield from _walk(teller, review, at, conclusion=conclusion, refusable=refusable)
    except TimeIsUp:
        return


def _walk(
    teller: Teller, review: ReviewCase, at: datetime, *, conclusion: Conclusion, refusable: bool
) -> Iterator[ReviewStatus]:
    head = teller.people.role("head_of_review")[0]
    pk, case = review.pk, review.complaint
    at = teller.later(at, hours=6)
    if refusable and teller.dice.random() < 0.12 and review.triggers.filter(kind=TriggerKind.APPLICATION).exists():
        reviewing.refuse(
            pk,
            by=head,
            within_responsibility=True,
            measures_exhausted=True,
            demand_reasonable=False,
            reason="请求超出法律规定的赔偿范围，依据已说明。",
            at=at,
        )
        return
    reviewing.set_up(
        pk,
        by=head,
        within_responsibility=True,
        measures_exhausted=False,
        demand_reasonable=True,
        reason="原处理没有说清原因，应当复查。",
        at=at,
    )
    author, second = review_group.pick(teller, review, at)
    reviewing.assign_reviewers(
        pk, by=head, author=author, members=[second], reason="本月轮值安排，兼顾业务熟悉程度", at=at
    )
    yield ReviewStatus.SET_UP
    at = teller.later(at, hours=5)
    reviewing.collect(pk, by=author, at=at)
    yield ReviewStatus.RETRIEVAL
    for row in review.materials.all():
        if row.count < row.expected:
            reviewing.explain_gap(
                pk,
                by=author,
                kind=MaterialKind(row.kind),
                reason="协办部门以系统记录代替书面说明，已核对一致。",
                at=at,
            )
    at = teller.later(at, days=1)
    reviewing.start_verification(pk, by=author, at=at)
    at = teller.later(at, days=2)
    allegation = case.allegations.order_by("pk").first()
    reviewing.record_finding(
        pk,
        by=author,
        allegation=allegation,
        subject="" if allegation else "事实认定",
        original="" if allegation else "按记录认定",
        found="与原始记录一致",
        comparison=Comparison.SAME,
        at=at,
    )
    if conclusion != Conclusion.UPHOLD:
        reviewing.record_finding(
            pk,
            by=author,
            subject="原因说明",
            original="只写处理结果",
            found="原始记录显示原因没有查到底",
            comparison=Comparison.DIFFERENT,
            at=at,
        )
    yield ReviewStatus.VERIFICATION
    at = teller.later(at, days=1)
    report = (
        "原处理认定事实清楚，结论成立。"
        if conclusion == Conclusion.UPHOLD
        else "原处理部分不当：原因没有查到底，答复没有说清，应予纠正。"
    )
    visit = checks.record_visit(
        pk,
        place=CheckPlace.CONTACT,
        where="电话",
        found="投诉人说明了办理经过和现在的情况。",
        done_at=at - timedelta(hours=2),
        by=author,
        at=at,
    )
    checks.check_outcome(
        pk,
        recorded=checks.recorded_outcome(case),
        source=f"visit:{visit.pk}",
        evidence="投诉人所说与案卷记录一致。"
        if conclusion == Conclusion.UPHOLD
        else "投诉人说原因一直没有讲清，与案卷记录不符。",
        agrees=conclusion == Conclusion.UPHOLD,
        explanation="" if conclusion == Conclusion.UPHOLD else "原结论要变更，并重新答复。",
        by=author,
        at=at,
    )
    reviewing.submit_report(
        pk,
        by=author,
        report=report,
        conclusion=conclusion,
        acceptable_to_user=conclusion == Conclusion.UPHOLD,
        remedy="" if conclusion == Conclusion.UPHOLD else "书面更正原因说明并道歉",
        at=at,
    )
    at = teller.later(at, hours=4)
    reviewing.give_opinion(pk, by=author, verdict=conclusion, text="材料充分，同意结论。", at=at)
    yield ReviewStatus.CONCLUSION
    reviewing.give_opinion(pk, by=second, verdict=conclusion, text="材料充分，同意结论。", at=at)
    at = teller.later(at, hours=3)
    review.refresh_from_db()
    reviewing.finalise(pk, by=head if review.is_major else second, at=at)
    if conclusion != Conclusion.UPHOLD:
        lead = _lead_of(case)
        rectification = reviewing.add_rectification(
            pk,
            by=author,
            what="答复模板增加原因说明一栏，并抽查三个月",
            department=lead,
            due_on=timezone.localdate(at) + timedelta(days=30),
            post="负责人",
            acceptance_test="抽查 30 件，原因说明齐全",
            at=at,
        )
    yield ReviewStatus.FEEDBACK
    at = teller.later(at, hours=5)
    reviewing.notify_complainant(pk, by=author, at=at)
    yield ReviewStatus.RECTIFICATION
    if conclusion != Conclusion.UPHOLD:
        at = teller.later(at, days=8)
        case_transitions.report_improvement(
            rectification.pk,
            by=teller.one_of("case_handler", lead.code),
            percent=100,
            note="已完成并抽查",
            at=at,
        )
        at = teller.later(at, days=1)
        case_transitions.verify_improvement(rectification.pk, by=second, at=at)
    reviewing.close(pk, by=head, at=teller.later(at, hours=2))


def _lead_of(complaint: Complaint) -> Department:
    """The department that handled a case whose handling was found wanting."""
    assert complaint.lead_department is not None
    return complaint.lead_department
