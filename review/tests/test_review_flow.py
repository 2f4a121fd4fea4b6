"""A review through its seven steps, and everybody who must be kept out of it."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import Membership
from accounts.tests.factories import user
from complaints import events, panels
from complaints import transitions as case_transitions
from complaints.models import CaseEvent, Complaint, ImprovementAction
from complaints.states import NoticeKind, Status
from complaints.tests.factories import Story, at
from review import checks, independence, transitions
from review.models import Opinion, ReviewCase
from review.states import MaterialKind, ReviewStatus

pytestmark = pytest.mark.django_db

OPENED = "2026-11-23 09:00"


@pytest.fixture
def review(cast) -> ReviewCase:
    """The complainant of a closed case has applied."""
    story = Story(cast).to_closed()
    return transitions.apply(story.pk, reasons=["not_solved"], text="停水的原因没有说清", channel="web", at=at(OPENED))


class Steps:
    """Walks one review forward."""

    def __init__(self, review, cast):
        self.pk, self.cast = review.pk, cast

    @property
    def review(self) -> ReviewCase:
        return ReviewCase.objects.get(pk=self.pk)

    def set_up(self):
        transitions.set_up(
            self.pk,
            by=self.cast.head_of_review,
            within_responsibility=True,
            measures_exhausted=False,
            demand_reasonable=True,
            reason="原处理没有查明原因",
            at=at("2026-11-23 10:00"),
        )
        return self

    def assign(self):
        transitions.assign_reviewers(
            self.pk,
            by=self.cast.head_of_review,
            author=self.cast.reviewer,
            members=[self.cast.reviewer2],
            at=at("2026-11-23 10:10"),
        )
        return self

    def verify(self):
        transitions.collect(self.pk, by=self.cast.reviewer, at=at("2026-11-23 11:00"))
        transitions.start_verification(self.pk, by=self.cast.reviewer, at=at("2026-11-24 09:00"))
        transitions.record_finding(
            self.pk,
            by=self.cast.reviewer,
            subject="停水原因",
            original="管道老化",
            found="未查调度记录",
            comparison="different",
            at=at("2026-11-24 10:00"),
        )
        return self.check()

    def check(self):
        """The recorded outcome held against the evidence; no report without it (REV-40)."""
        checks.check_outcome(
            self.pk,
            by=self.cast.reviewer,
            recorded="用户已满意",
            source=checks.NO_EVIDENCE,
            evidence="没有录音",
            agrees=False,
            explanation="以复查时的回访为准",
            at=at("2026-11-24 11:00"),
        )
        return self

    def report(self, conclusion="amend"):
        transitions.submit_report(
            self.pk,
            by=self.cast.reviewer,
            report="原处理部分不当，应予纠正。",
            conclusion=conclusion,
            acceptable_to_user=False,
            remedy="补偿 100 元",
            at=at("2026-11-25 09:00"),
        )
        return self

    def opinions(self, first="amend", second="amend"):
        transitions.give_opinion(
            self.pk, by=self.cast.reviewer, verdict=first, text="材料充分", at=at("2026-11-25 10:00")
        )
        transitions.give_opinion(
            self.pk, by=self.cast.reviewer2, verdict=second, text="同意", at=at("2026-11-25 11:00")
        )
        return self

    def finalise(self):
        transitions.finalise(self.pk, by=self.cast.reviewer2, at=at("2026-11-25 14:00"))
        return self


@pytest.fixture
def steps(review, cast) -> Steps:
    return Steps(review, cast)


def test_rev_01_43_46_all_seven_steps(steps, cast):
    """IMP-06: the department reports, somebody outside it verifies; until then the review stays open."""
    steps.set_up().assign().verify().report().opinions().finalise()
    case = steps.review.complaint
    assert (case.status, steps.review.status) == (Status.IN_PROGRESS, ReviewStatus.FEEDBACK)
    row = transitions.add_rectification(
        steps.pk,
        by=cast.reviewer,
        what="登记表增加原因一栏",
        department=cast.water,
        due_on=at("2026-12-11 00:00").date(),
        acceptance_test="抽查 30 件",
        at=at("2026-11-25 15:00"),
    )
    transitions.notify_complainant(steps.pk, by=cast.reviewer, at=at("2026-11-25 16:00"))
    assert NoticeKind.REVIEW_RESULT in set(case.notices.values_list("kind", flat=True))
    with pytest.raises(IllegalTransition):
        transitions.close(steps.pk, by=cast.head_of_review, at=at("2026-12-01 09:00"))
    case_transitions.report_improvement(
        row.pk, by=cast.water_handler, percent=100, note="已上线", at=at("2026-12-08 09:00")
    )
    with pytest.raises(NotAllowed):
        case_transitions.verify_improvement(row.pk, by=cast.water_handler2, at=at("2026-12-08 10:00"))
    case_transitions.verify_improvement(row.pk, by=cast.reviewer2, at=at("2026-12-09 09:00"))
    transitions.close(steps.pk, by=cast.head_of_review, at=at("2026-12-09 10:00"))
    assert steps.review.status == ReviewStatus.CLOSED
    assert Complaint.objects.get(pk=case.pk).first_closed_at == at("2026-11-20 16:00")
    assert events.verify()[1] is None


def test_rev_19_an_application_needs_coded_and_free_reasons(cast):
    story = Story(cast).to_closed()
    for reasons, text, field in (
        ([], "不满意", "reasons"),
        (["mood"], "不满意", "reasons"),
        (["not_solved"], " ", "text"),
    ):
        with pytest.raises(InvalidInput) as refused:
            transitions.apply(story.pk, reasons=reasons, text=text, channel="web", at=at(OPENED))
        assert refused.value.field == field
    assert not ReviewCase.objects.exists()


def test_rev_18_who_was_answered_with_another_case_applies_for_the_own_one(cast):
    """SCR-09: no application before that answer, the window runs from it; what a review sets right is done where the
    work was done, and answers everybody merged into it."""
    primary, merged = Story(cast).accept(), Story(cast, name="李明", phone="13900001234").accept()
    case_transitions.merge(
        merged.pk, primary=primary.case, reason="同一件事", by=cast.coordinator, at=at("2026-11-16 10:20")
    )
    words = {"reasons": ["not_solved"], "text": "还是停水", "channel": "web"}
    with pytest.raises(IllegalTransition):
        transitions.apply(merged.pk, **words, at=at("2026-11-17 09:00"))
    primary.assign().start().submit().reply()
    assert transitions.window(merged.case) == transitions.window(primary.case)
    assert [panel.is_way_on for panel in panels.track_panels(merged.case)].count(True) == 1
    primary.deliver().call_back().close()
    steps = Steps(transitions.apply(merged.pk, **words, at=at(OPENED)), cast)
    steps.set_up().assign().verify()
    assert primary.case.number in steps.review.materials.get(kind=MaterialKind.HANDLER).missing_reason
    steps.report().opinions().finalise()
    assert (primary.case.status, merged.case.status) == (Status.IN_PROGRESS, Status.MERGED)
    assert primary.case.first_closed_at == at("2026-11-20 16:00")


def test_rev_18_no_application_before_the_result_or_after_the_window(cast):
    story = Story(cast).accept()
    with pytest.raises(IllegalTransition):
        transitions.apply(story.pk, reasons=["facts"], text="不对", channel="web", at=at("2026-11-17 09:00"))
    closed = Story(cast).to_closed()
    last = transitions.window(closed.case)
    assert last == at("2026-12-10 17:30")
    with pytest.raises(IllegalTransition):
        transitions.apply(closed.pk, reasons=["facts"], text="不对", channel="web", at=last + timedelta(minutes=1))
    transitions.apply(closed.pk, reasons=["facts"], text="不对", channel="web", at=last)


def test_rev_26_screening_is_due_in_two_working_days(review):
    assert review.screening_due_at == at("2026-11-25 17:30")


def test_rev_27_29_31_refusal_needs_a_reason_and_sends_the_notice(steps, cast):
    answers = {"within_responsibility": True, "measures_exhausted": False, "demand_reasonable": True}
    with pytest.raises(IllegalTransition):
        transitions.refuse(steps.pk, by=cast.head_of_review, reason="没有理由", at=at("2026-11-23 10:00"), **answers)
    transitions.refuse(
        steps.pk,
        by=cast.head_of_review,
        reason="请求超出法律规定的赔偿",
        at=at("2026-11-23 10:00"),
        **{**answers, "demand_reasonable": False},
    )
    notice = steps.review.complaint.notices.get(kind=NoticeKind.REVIEW_REFUSAL)
    assert "不予复查告知书" in notice.body
    assert "请求超出法律规定的赔偿" in notice.body
    assert steps.review.status == ReviewStatus.REFUSED


@pytest.mark.parametrize("person", ["intake", "coordinator", "checker", "water_handler"])
def test_ri_01_whoever_took_part_is_kept_out(steps, cast, person):
    """REV-05: who registered, assigned, checked or handled the case neither joins nor sees its review."""
    someone = getattr(cast, person)
    someone.groups.add(*cast.reviewer.groups.all())
    steps.set_up()
    with pytest.raises(InvalidInput):
        transitions.assign_reviewers(
            steps.pk,
            by=cast.head_of_review,
            author=cast.reviewer,
            members=[type(someone).objects.get(pk=someone.pk)],
            at=at("2026-11-23 10:10"),
        )
    assert not ReviewCase.objects.visible_to(type(someone).objects.get(pk=someone.pk)).exists()


def test_ri_02_03_a_member_of_a_department_at_handling_time_is_kept_out_after_moving(cast):
    mover = user("F009", "reviewer", departments=[cast.water], display_name="唐移")
    story = Story(cast).to_closed()
    Membership.objects.filter(user=mover).update(until=at("2026-11-22 00:00"))
    Membership.objects.create(user=mover, department=cast.review_group, since=at("2026-11-22 00:00"))
    review = transitions.apply(story.pk, reasons=["facts"], text="不对", channel="web", at=at(OPENED))
    assert {(row.user_id, row.reason) for row in review.conflicts.filter(user=mover)} == {(mover.pk, "department_then")}


def test_ri_02_a_department_that_only_once_had_the_case_counts(cast):
    seconded = user("F010", "reviewer", departments=[cast.roads], display_name="罗借")
    story = Story(cast).accept().assign()
    case_transitions.reassign(
        story.pk, by=cast.coordinator, department=cast.roads, reason="道路开挖引起", at=at("2026-11-16 10:40")
    )
    case_transitions.reassign(
        story.pk, by=cast.coordinator, department=cast.water, reason="查明为爆管", at=at("2026-11-16 10:50")
    )
    story.start().submit().reply().call_back().close()
    review = transitions.apply(story.pk, reasons=["facts"], text="不对", channel="web", at=at(OPENED))
    assert review.conflicts.filter(user=seconded).exists()


def test_ri_04_a_conflict_after_assignment_voids_it_and_the_opinion_does_not_count(steps, cast):
    steps.set_up().assign().verify().report()
    transitions.give_opinion(steps.pk, by=cast.reviewer2, verdict="amend", text="同意", at=at("2026-11-25 10:00"))
    transitions.declare_conflict(
        steps.review.complaint_id, by=cast.reviewer2, reason="与投诉人是亲属", at=at("2026-11-25 10:30")
    )
    assert steps.review.assignments.get(reviewer=cast.reviewer2).is_void
    with pytest.raises(NotAllowed):
        transitions.finalise(steps.pk, by=cast.reviewer2, at=at("2026-11-25 14:00"))
    assert not ReviewCase.objects.visible_to(cast.reviewer2).exists()


def test_ri_05_the_deputy_leads_when_the_head_is_in_conflict(review, cast):
    transitions.declare_conflict(review.complaint_id, by=cast.head_of_review, reason="亲属", at=at("2026-11-23 09:30"))
    assert independence.acting_head(review) == cast.reviewer
    with pytest.raises(NotAllowed):
        transitions.set_up(
            review.pk,
            by=cast.head_of_review,
            within_responsibility=True,
            measures_exhausted=False,
            demand_reasonable=True,
            reason="要查",
            at=at("2026-11-23 10:00"),
        )


def test_rev_44_the_author_never_signs_and_a_major_case_needs_the_head(steps, cast):
    """REV-13: on a major complaint only the head signs the conclusion."""
    steps.set_up().assign().verify().report().opinions()
    with pytest.raises(NotAllowed):
        transitions.finalise(steps.pk, by=cast.reviewer, at=at("2026-11-25 14:00"))
    ReviewCase.objects.filter(pk=steps.pk).update(is_major=True)
    with pytest.raises(NotAllowed):
        transitions.finalise(steps.pk, by=cast.reviewer2, at=at("2026-11-25 14:00"))
    transitions.finalise(steps.pk, by=cast.head_of_review, at=at("2026-11-25 14:00"))
    with pytest.raises(IntegrityError), transaction.atomic():
        ReviewCase.objects.filter(pk=steps.pk).update(finalised_by=cast.reviewer)


def test_ri_10_11_opinions_are_needed_once_and_cannot_be_changed(steps, cast):
    steps.set_up().assign().verify().report()
    transitions.give_opinion(steps.pk, by=cast.reviewer, verdict="amend", text="材料充分", at=at("2026-11-25 10:00"))
    with pytest.raises(IllegalTransition):
        transitions.finalise(steps.pk, by=cast.reviewer2, at=at("2026-11-25 10:30"))
    with pytest.raises(IllegalTransition):
        transitions.give_opinion(steps.pk, by=cast.reviewer, verdict="uphold", text="改主意", at=at("2026-11-25 10:40"))
    with pytest.raises(IntegrityError), transaction.atomic():
        Opinion.objects.update(verdict="uphold")


def test_rev_46_neither_who_reported_an_improvement_nor_the_own_department_verifies_it(steps, cast):
    """Whoever may verify in general may not where the work was the own one or that of the own department."""
    steps.set_up().assign().verify().report().opinions().finalise()
    row = transitions.add_rectification(
        steps.pk,
        by=cast.reviewer,
        what="登记表增加原因一栏",
        department=cast.water,
        due_on=at("2026-12-11 00:00").date(),
        acceptance_test="抽查 30 件",
        at=at("2026-11-25 15:00"),
    )
    case_transitions.report_improvement(
        row.pk, by=cast.water_handler, percent=100, note="已上线", at=at("2026-12-08 09:00")
    )
    stored = ImprovementAction.objects.filter(pk=row.pk)
    own = next(iter(cast.reviewer2.department_ids))
    for changed, back in (
        ({"done_by": cast.reviewer2}, {"done_by": cast.water_handler}),
        ({"department": own}, {"department": cast.water}),
    ):
        stored.update(**changed)
        with pytest.raises(NotAllowed):
            case_transitions.verify_improvement(row.pk, by=cast.reviewer2, at=at("2026-12-08 10:00"))
        stored.update(**back)
    assert case_transitions.verify_improvement(row.pk, by=cast.reviewer2, at=at("2026-12-09 09:00")).verified_at


def test_judging_and_following_up_are_no_conflict_with_the_case_judged(steps, cast):
    ReviewCase.objects.filter(pk=steps.pk).update(is_major=True)
    steps.set_up().assign().verify().report().opinions()
    transitions.finalise(steps.pk, by=cast.head_of_review, at=at("2026-11-25 14:00"))
    row = transitions.add_rectification(
        steps.pk,
        by=cast.reviewer,
        what="登记表增加原因一栏",
        department=cast.water,
        due_on=at("2026-12-11 00:00").date(),
        acceptance_test="抽查",
        at=at("2026-11-25 15:00"),
    )
    transitions.notify_complainant(steps.pk, by=cast.reviewer, at=at("2026-11-25 16:00"))
    case_transitions.report_improvement(
        row.pk, by=cast.water_handler, percent=100, note="已上线", at=at("2026-12-08 09:00")
    )
    case_transitions.verify_improvement(row.pk, by=cast.reviewer, at=at("2026-12-09 09:00"))
    transitions.close(steps.pk, by=cast.reviewer, at=at("2026-12-09 10:00"))
    assert not steps.review.assignments.filter(is_void=True).exists()


def test_a_report_most_members_disagree_with_is_not_signed(steps, cast):
    steps.set_up().assign().verify().report().opinions("uphold", "uphold")
    with pytest.raises(IllegalTransition):
        steps.finalise()
    transitions.return_report(steps.pk, by=cast.reviewer2, reason="结论与材料不符", at=at("2026-11-25 15:00"))
    assert steps.review.status == ReviewStatus.VERIFICATION


def test_a_file_changed_after_the_opinions_is_not_signed(steps, cast):
    steps.set_up().assign().verify().report().opinions()
    ReviewCase.objects.filter(pk=steps.pk).update(remedy="补偿 10 元")
    with pytest.raises(IllegalTransition):
        steps.finalise()


def test_rev_38_a_gap_has_to_be_explained(cast):
    story = Story(cast).accept().assign(supporting=[cast.roads]).start()
    case_transitions.finish_supporting(story.pk, by=cast.roads_handler, result="已核实", at=at("2026-11-17 09:00"))
    story.submit().reply().call_back().close()
    steps = (
        Steps(transitions.apply(story.pk, reasons=["facts"], text="不对", channel="web", at=at(OPENED)), cast)
        .set_up()
        .assign()
    )
    transitions.collect(steps.pk, by=cast.reviewer, at=at("2026-11-23 11:00"))
    with pytest.raises(IllegalTransition):
        transitions.start_verification(steps.pk, by=cast.reviewer, at=at("2026-11-24 09:00"))
    transitions.explain_gap(
        steps.pk, by=cast.reviewer, kind="related", reason="城管局已书面说明，未单独出具", at=at("2026-11-24 09:10")
    )
    transitions.start_verification(steps.pk, by=cast.reviewer, at=at("2026-11-24 09:20"))


def test_ri_12_events_of_a_review_are_not_for_the_department(steps):
    steps.set_up().assign().verify().report().opinions()
    rows = CaseEvent.objects.filter(complaint=steps.review.complaint, kind__startswith="review_")
    assert {row.audience for row in rows} == {"review"}
    steps.finalise()
    assert set(CaseEvent.objects.filter(kind="review_result").values_list("audience", flat=True)) == {"case"}


def test_one_open_review_lists_every_trigger(review, cast):
    again = transitions.open_for_alert(
        review.complaint_id, rule="follow_ups", text="追问 6 次", at=at("2026-11-23 12:00")
    )
    assert again.pk == review.pk
    assert [row.kind for row in review.triggers.all()] == ["application", "alert"]
