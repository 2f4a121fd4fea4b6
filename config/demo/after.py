"""What follows the closing in the demo story: reviews, monthly draws, publications, reports."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial

from django.utils import timezone

from accounts.errors import DomainError
from accounts.models import User
from analytics import building, outbreaks
from analytics import transitions as reporting
from analytics.states import Edition
from complaints import transitions as case_transitions
from complaints.models import Complaint, ImprovementAction
from complaints.states import Satisfaction, Status
from config.demo import echo, handling, improvement, knowledge, outage, review_group, reviews, warned
from config.demo.story import Teller, TimeIsUp, attempt
from publication import gate, side_records
from publication import transitions as publishing
from publication.content import figures
from publication.models import Publication, RedactionSpan
from publication.states import ELEMENTS, GateAnswer
from review import alert_standard, alerts, draws
from review import transitions as reviewing
from review.models import Alert, ReviewCase
from review.sampling import period_bounds
from review.states import AlertState, Conclusion


def tell(teller: Teller) -> dict[str, int]:
    """Applications, draws of every finished month, improvements, publications. Returns how many of each."""
    review_group.tell(teller)
    applied = _applications(teller)
    drawn, sampled = _draws(teller)
    warned.tell(teller)
    _warnings(teller)
    _improvements(teller)
    knowledge.tell(teller)
    improvement.tell(teller)
    standing = reviews.standing(teller)
    published = _publications(teller)
    echo.tell(teller)
    outage.tell(teller)
    handling.tell(teller)
    return {"reviews": applied + sampled + standing, "draws": drawn, "published": published}


def _applications(teller: Teller) -> int:
    """Dissatisfied complainants apply; the review goes as far as the story's present."""
    unhappy = (
        Complaint.objects.filter(
            callbacks__satisfaction=Satisfaction.DISSATISFIED, status__in=[Status.CLOSED, Status.REPLIED]
        )
        .distinct()
        .order_by("pk")
    )
    count = 0
    for complaint in unhappy[:14]:
        answered = complaint.callbacks.order_by("-at").values_list("at", flat=True)[0]
        try:
            at = teller.later(max(answered, complaint.closed_at or answered), days=2)
            review = reviewing.apply(
                complaint.pk,
                reasons=["not_solved"],
                text="答复只说了结果，没有说清为什么反复发生。",
                channel=complaint.channel,
                at=at,
            )
        except TimeIsUp:
            continue
        except DomainError:
            continue
        count += 1
        reviews.walk(
            teller, review, at, conclusion=teller.dice.choice([Conclusion.UPHOLD, Conclusion.AMEND, Conclusion.AMEND])
        )
    return count


def _warnings(teller: Teller) -> None:
    """Early warnings by the shipped rules and two figures of the industry; one of them was looked into."""
    head = teller.people.role("head_of_review")[0]
    for code, days in (("water-outage", 6), ("late-delivery", 8)):
        if code in teller.categories:
            alert_standard.set_benchmark(
                teller.categories[code],
                days=Decimal(days),
                source="行业协会年度服务报告",
                dated_on=timezone.localdate(teller.now - timedelta(days=200)),
                by=head,
                at=teller.now - timedelta(days=120),
            )
    alerts.evaluate(now=teller.now - timedelta(days=1))
    outbreaks.detect(now=teller.now)
    for row in Alert.objects.filter(rule="many_departments", state=AlertState.RAISED)[:3]:
        if attempt(partial(alerts.dismiss, row.pk, by=head, reason="退单理由成立，已由督办裁定，各部门分工清楚。")):
            break


def _draws(teller: Teller) -> tuple[int, int]:
    """Commit and draw every month that is over; commit the present one."""
    first = Complaint.objects.order_by("received_at").values_list("received_at", flat=True)[0]
    month = timezone.localdate(first).replace(day=1)
    present = timezone.localdate(teller.now).replace(day=1)
    head = teller.people.role("head_of_review")[0]
    drawn = sampled = 0
    while month <= present:
        period = month.strftime("%Y-%m")
        start, end = period_bounds(period)
        draws.commit(period, by=head, percent=12, at=min(start + timedelta(days=9, hours=9), teller.now))
        if month < present:
            at = teller.calendar.working_instant(end + timedelta(hours=9))
            if at <= teller.now:
                row = draws.draw(period, by=head, at=at)
                drawn += 1
                for review in ReviewCase.objects.filter(triggers__draw=row).order_by("pk"):
                    sampled += 1
                    if review.status == "requested":
                        reviews.walk(
                            teller,
                            review,
                            at,
                            conclusion=teller.dice.choices([Conclusion.UPHOLD, Conclusion.AMEND], [9, 1])[0],
                        )
        month = _next_month(month)
    return drawn, sampled


def _next_month(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)


def _improvements(teller: Teller) -> None:
    """Departments report on what they promised; most of what is due is done and verified."""
    verifier = teller.people.role("coordinator")[0]
    for row in (
        ImprovementAction.objects.filter(state="open", origin="case")
        .select_related("department")
        .order_by("due_on", "pk")
    ):
        left = (row.due_on - timezone.localdate(teller.now)).days
        handlers = teller.people.role("case_handler", row.department.code)
        if left < 10 and teller.dice.random() < 0.85:
            case_transitions.report_improvement(
                row.pk, by=handlers[0], percent=100, note="已完成，记录已归档", at=teller.now - timedelta(days=3)
            )
            case_transitions.verify_improvement(row.pk, by=verifier, at=teller.now - timedelta(days=1))
        elif teller.dice.random() < 0.5:
            case_transitions.report_improvement(
                row.pk,
                by=handlers[0],
                percent=teller.dice.choice([20, 40, 60, 80]),
                note="按计划推进",
                at=teller.now - timedelta(days=2),
            )


def _publications(teller: Teller) -> int:
    """About every sixth closed case is published; the newest stand at every stage."""
    people = teller.people
    cases = (
        Complaint.objects.filter(
            # Old enough for every step to have happened by now.
            closed_at__lt=teller.now - timedelta(days=9),
            status=Status.CLOSED,
            remedies__isnull=False,
            improvements__isnull=False,
        )
        .exclude(pk__in=reviews.waiting())
        .distinct()
        .order_by("-closed_at")
    )
    posted = 0
    newest = list(cases[: max(8, cases.count() // 6)])
    # A few from three months ago, of the kind most complain about: what became of them can be told by now.
    before = cases.filter(closed_at__lt=teller.now - timedelta(days=95), lead_department__code="water")
    before = before.exclude(pk__in=[row.pk for row in newest])
    for index, complaint in enumerate([*newest, *before[:3]]):
        author, publisher = people.role("publisher")[index % 2], people.role("publisher")[1 - index % 2]
        first, second = people.role("publication_checker")
        counsel = people.role("legal_counsel")[index % 2]
        try:
            assert complaint.closed_at is not None  # its status is closed
            at = teller.later(complaint.closed_at, days=1)
            publication = publishing.compose(complaint.pk, by=author, at=at)
            complete(publication, author, at)
            if index == 0:
                continue
            at = teller.later(at, hours=3)
            publishing.submit(publication.pk, by=author, at=at)
            if index == 1:
                continue
            at = teller.later(at, hours=4)
            publishing.first_check(publication.pk, by=first, at=at)
            if index == 2:
                continue
            at = teller.later(at, hours=3)
            publishing.second_check(publication.pk, by=second, at=at)
            if index == 3:
                continue
            at = teller.later(at, hours=5)
            if not attempt(partial(publishing.pass_masking, publication.pk, by=counsel, at=at)):
                continue
            if index == 4:
                continue
            publishing.publish(publication.pk, by=publisher, at=teller.later(at, hours=2))
            posted += 1
            if index == 9:
                publishing.take_down(publication.pk, by=counsel, reason="投诉人要求撤下", at=teller.later(at, days=2))
        except TimeIsUp:
            continue
    for complaint in cases.order_by("closed_at")[:6]:
        attempt(
            partial(
                publishing.decide,
                complaint.pk,
                by=people.role("publisher")[0],
                publish=False,
                reason="not_suitable",
                at=teller.now,
            )
        )
    return posted


def complete(publication: Publication, author: User, at: datetime) -> None:
    """Write the sentence in front, keep the notice up for a year, link figures, decide what is open."""
    assert publication.department is not None  # composed from a case with a lead department
    summary = f"责任在{publication.department.name}。{publication.result}"[:230]
    publishing.edit(publication.pk, by=author, at=at, summary=summary, publish_until=at + timedelta(days=365))
    side_records.confirm_gate(
        publication.pk,
        by=author,
        answers={name: found.answer or GateAnswer.CLEAR for name, found in gate.suggestions(publication).items()}
        | {"proceedings": GateAnswer.CLEAR},
        note="已向投诉人和法务核实",
        at=at,
    )
    if GateAnswer.MASKED in {row.answer for row in gate.suggestions(publication).values()}:
        publishing.edit(publication.pk, by=author, at=at, profile=gate.STRICT)
    for span in RedactionSpan.objects.filter(publication=publication, decision="pending"):
        publishing.decide_span(
            publication.pk, by=author, span_id=span.pk, keep=True, reason="小区名或事由，不指向个人", at=at
        )
    publication.refresh_from_db()
    proved = set(publication.figures.values_list("field", "figure"))
    for name in ELEMENTS:
        for figure in figures(getattr(publication, name), name):
            if (name, figure) not in proved:
                publishing.link_figure(
                    publication.pk, by=author, field=name, figure=figure, evidence="案卷调查记录第 1 项", at=at
                )


def build_reports(teller: Teller) -> None:
    """The months that are over, in every edition: the newest stays a draft, the others are released."""
    author, approver = teller.people.role("manager")
    first = Complaint.objects.order_by("registered_at").values_list("registered_at", flat=True)[0]
    month = timezone.localdate(first).replace(day=1)
    newest = timezone.localdate(teller.now).replace(day=1) - timedelta(days=1)
    while month <= newest:
        period = month.strftime("%Y-%m")
        for edition in Edition if period == newest.strftime("%Y-%m") else [Edition.DATA]:
            report = reporting.request_report(period, edition=edition, by=author)
            building.build(report.pk)
            if period != newest.strftime("%Y-%m") or edition == Edition.DATA:
                reporting.approve(report.pk, by=approver)
                reporting.release(report.pk, by=approver)
                building.render(report.pk)
        month = _next_month(month)
