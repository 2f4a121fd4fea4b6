"""People move, cases are passed on, conflicts come up in any order: nobody ever judges their own work.

Hypothesis tries sequences of real transitions on the database. After every step the history is read anew by rules
written here, from the tables alone (REV-05, RI-01…RI-06, FI-T, I10, S2, S3, S8).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group
from django.core.cache import caches
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from accounts.errors import DomainError, NotAllowed
from accounts.models import Membership, User
from complaints import substitutes
from complaints import transitions as case_transitions
from complaints.models import CaseEvent, Complaint, Contact, Merge, Substitution
from complaints.tests.factories import Story, at
from review import checks, draws, independence, transitions
from review.models import DeclaredConflict, Opinion, ReviewCase, ReviewerAssignment
from review.states import ReviewStatus

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

GROUP = ("reviewer", "reviewer2", "head_of_review", "water_handler2", "roads_handler", "counsel")
UNITS = ("water", "roads", "office", "review_group")
VERDICTS = st.sampled_from(["uphold", "amend"])
ANSWERS = {"within_responsibility": True, "measures_exhausted": False, "demand_reasonable": True, "reason": "要查"}
REPORT = {"report": "部分不当", "conclusion": "amend", "acceptable_to_user": False}
STEPS: dict[str, tuple[Callable[..., object], dict]] = {
    "set_up": (transitions.set_up, ANSWERS),
    "collect": (transitions.collect, {}),
    "start_verification": (transitions.start_verification, {}),
    "record_finding": (
        transitions.record_finding,
        {"subject": "原因", "found": "未查到底", "comparison": "different"},
    ),
    "check_outcome": (
        checks.check_outcome,
        {
            "recorded": "已办结",
            "source": checks.NO_EVIDENCE,
            "evidence": "没有录音",
            "agrees": False,
            "explanation": "另行回访",
        },
    ),
    "submit_report": (transitions.submit_report, REPORT),
    "give_opinion": (transitions.give_opinion, {"verdict": "amend", "text": "理由"}),
    "return_report": (transitions.return_report, {"reason": "再查"}),
    "finalise": (transitions.finalise, {}),
}
SIGNED: list[int] = []  # the reviews that came to a conclusion: the machine must get that far


def touched_by(complaint: Complaint, now: datetime) -> set[int]:
    """Everybody who may not judge the case at `now`: the reading of REV-05 that the application is held against."""
    together = {complaint.pk}
    for primary, merged in Merge.objects.values_list("primary", "merged"):
        if complaint.pk in (primary, merged):
            together |= {primary, merged}
    out: set[int] = set()
    for case in Complaint.objects.filter(pk__in=together).select_related("complainant"):
        acts = CaseEvent.objects.filter(complaint=case).exclude(audience="review").exclude(actor=None)
        people = set(acts.exclude(kind__startswith="review_").values_list("actor", flat=True))
        people |= set(Contact.objects.filter(complaint=case).values_list("by", flat=True)) | {case.coordinator_id}
        out |= people | {case.complainant.staff_user_id}
        out |= set(case.accused_staff.values_list("pk", flat=True))
        out |= set(DeclaredConflict.objects.filter(complaint=case).values_list("user", flat=True))
        end = case.closed_at or now
        stood_in = set(people)
        absences = [
            row
            for row in Substitution.objects.all()
            if row.since <= end and min(row.until, row.ended_at or row.until) > max(case.registered_at, row.since)
        ]
        for _passed_on in absences:
            stood_in |= {row.substitute_id for row in absences if row.user_id in stood_in}
        out |= stood_in
        parts = [(row.department_id, row.assigned_at, row.ended_at or end) for row in case.assignments.all()]
        for member in Membership.objects.filter(user__in=people - {None}, department__kind__in=("handling", "office")):
            if member.since <= end and (member.until is None or member.until > case.registered_at):
                parts.append((member.department_id, case.registered_at, end))
        for member in Membership.objects.filter(department__in={department for department, _start, _until in parts}):
            for department, start, until in parts:
                gone = member.until is not None and member.until <= now
                there_then = member.since <= max(start, until) and (member.until is None or member.until >= start)
                if member.department_id == department and (there_then or not gone):
                    out.add(member.user_id)
    return out - {None}


class Independence(RuleBasedStateMachine):
    """One office, a handful of people who are reviewers, too, and the reviews of a month."""

    # Set by the test: the people, two closed cases, and one that is being worked on.
    cast: SimpleNamespace
    cases: list[int]
    open_case: int

    def __init__(self) -> None:
        super().__init__()
        self.start = transaction.savepoint()

    def teardown(self) -> None:
        """Every sequence begins with the same tables."""
        transaction.savepoint_rollback(self.start)
        caches["default"].clear()

    @initialize(drawn=st.booleans(), moved=st.booleans(), far=st.integers(0, 7))
    def begin(self, drawn: bool, moved: bool, far: int) -> None:
        """Two closed cases, drawn for review or applied for, one of them so many steps on."""
        cast = self.cast
        self.now = at("2026-11-23 09:00")
        self.clients = {name: self._client(getattr(cast, name)) for name in GROUP}
        if moved:
            # The day before the draw somebody is taken out of the department that handled the cases.
            self._move(cast.water_handler2, cast.water, cast.review_group, at("2026-11-22 09:00"))
        if drawn:
            draws.commit("2026-11", by=None, at=at("2026-11-20 09:00"))
            self.now = at("2026-12-01 09:00")
            draws.draw("2026-11", by=None, at=self.now)
        for pk in self.cases:
            self._try(transitions.apply, pk, reasons=["facts"], text="不对", channel="web", at=at("2026-12-01 09:00"))
        self.signed: set[int] = set()
        for _step in range(far):
            if review := self._review(0):
                self._next(review, 0, "amend")

    # --- Helpers ---
    def _client(self, person: User) -> Client:
        client = Client(raise_request_exception=True)
        client.force_login(person)
        return client

    def _try(self, step, *arguments, **named) -> bool:
        """Do it if the rules let it be done."""
        try:
            step(*arguments, **named)
        except (DomainError, NotAllowed):
            return False
        return True

    def _tick(self) -> datetime:
        self.now += timedelta(minutes=10)
        return self.now

    def _move(self, person: User, old, new, when: datetime) -> None:
        if old is not None:
            Membership.objects.filter(user=person, department=old, until=None, since__lt=when).update(until=when)
        if new is not None and not Membership.objects.filter(user=person, department=new, until=None).exists():
            Membership.objects.create(user=person, department=new, since=when)

    def _review(self, which: int) -> ReviewCase | None:
        return ReviewCase.objects.filter(complaint=self.cases[which]).order_by("pk").last()

    def _person(self, name: str) -> User:
        return User.objects.get(pk=getattr(self.cast, name).pk)

    def _doer(self, review: ReviewCase, place: int) -> User:
        """Somebody who could do the next step: those assigned, then whoever leads, then the others."""
        assigned = [row.reviewer for row in review.assignments.filter(is_void=False)]
        head = independence.acting_head(review)
        people = [*assigned, *([head] if head else []), *(self._person(name) for name in GROUP)]
        return people[place % len(people)]

    # --- What happens outside the review ---
    @rule(name=st.sampled_from(GROUP), old=st.sampled_from([None, *UNITS]), new=st.sampled_from([None, *UNITS]))
    def move(self, name: str, old: str | None, new: str | None) -> None:
        units = [getattr(self.cast, unit) if unit else None for unit in (old, new)]
        self._move(self._person(name), *units, self._tick())

    @rule(name=st.sampled_from(GROUP), which=st.integers(0, 1))
    def declare(self, name: str, which: int) -> None:
        transitions.declare_conflict(self.cases[which], by=self._person(name), reason="亲属", at=self._tick())

    @rule(which=st.integers(0, 1), unit=st.sampled_from(["water", "roads"]))
    def transfer(self, which: int, unit: str) -> None:
        """The closed case is reopened where that is possible and goes to another department."""
        pk, by = self.cases[which], self.cast.coordinator
        self._try(case_transitions.reopen, pk, by=by, reason="又停水", at=self._tick())
        department = getattr(self.cast, unit)
        self._try(case_transitions.reassign, pk, by=by, department=department, reason="属其职责", at=self._tick())

    @rule(which=st.integers(0, 1), unit=st.sampled_from(["water", "roads"]))
    def merge(self, which: int, unit: str) -> None:
        """The third case, in the hands of some department, is merged into a reopened one."""
        pk, by, department = self.open_case, self.cast.coordinator, getattr(self.cast, unit)
        self._try(case_transitions.reopen, self.cases[which], by=by, reason="又停水", at=self._tick())
        self._try(case_transitions.assign, pk, by=by, department=department, task="查", at=self._tick())
        primary = Complaint.objects.get(pk=self.cases[which])
        self._try(case_transitions.merge, pk, primary=primary, reason="同一次停水", by=by, at=self._tick())

    @rule(name=st.sampled_from(GROUP), which=st.integers(0, 1))
    def note(self, name: str, which: int) -> None:
        """Somebody with two roles works on the case after all."""
        self._try(case_transitions.add_note, self.cases[which], by=self._person(name), text="看过", at=self._tick())

    @rule(name=st.sampled_from(GROUP), other=st.sampled_from(GROUP))
    def substitute(self, name: str, other: str) -> None:
        """Standing in for somebody who is away gives nobody the other's reviews."""
        now = self._tick()
        self._try(
            substitutes.add,
            user=self._person(name),
            substitute=self._person(other),
            since=now,
            until=now + timedelta(days=3),
            by=self._person(name),
            at=now,
        )

    # --- What happens in the review ---
    @rule(which=st.integers(0, 1), steps=st.integers(1, 5), place=st.integers(0, 8), verdict=VERDICTS)
    def advance(self, which: int, steps: int, place: int, verdict: str) -> None:
        """The review goes on by the people it is in the hands of."""
        for _step in range(steps):
            if review := self._review(which):
                self._next(review, place, verdict)

    @rule(which=st.integers(0, 1), people=st.permutations(GROUP), size=st.integers(2, 4))
    def assign_anybody(self, which: int, people: list[str], size: int) -> None:
        """Whoever leads names any people, in conflict or not."""
        if (review := self._review(which)) and (head := independence.acting_head(review)):
            self._assign(review, head, [self._person(name) for name in people[:size]])

    @rule(which=st.integers(0, 1), name=st.sampled_from(GROUP), action=st.sampled_from(sorted(STEPS)))
    def intrude(self, which: int, name: str, action: str) -> None:
        """Anybody tries any step at any time."""
        if review := self._review(which):
            self._checked(review, self._person(name), *STEPS[action])

    def _next(self, review: ReviewCase, place: int, verdict: str) -> None:
        doer = self._doer(review, place)
        members = [row.reviewer for row in review.assignments.filter(is_void=False)]
        head = independence.acting_head(review)
        if review.status in (ReviewStatus.SET_UP, ReviewStatus.VERIFICATION) and len(members) < 2 and head:
            barred = touched_by(review.complaint, self.now)
            self._assign(review, head, [person for person in map(self._person, GROUP) if person.pk not in barred][:3])
        elif review.status == ReviewStatus.RETRIEVAL:
            for row in review.materials.filter(missing_reason=""):
                self._checked(review, doer, transitions.explain_gap, {"kind": row.kind, "reason": "无"})
            self._checked(review, doer, *STEPS["start_verification"])
        elif review.status == ReviewStatus.VERIFICATION:
            self._checked(review, doer, *STEPS["record_finding"])
            self._checked(review, doer, *STEPS["check_outcome"])
            step, values = STEPS["submit_report"]
            self._checked(review, doer, step, values | {"conclusion": verdict})
        elif review.status == ReviewStatus.CONCLUSION:
            for member in members:
                step, values = STEPS["give_opinion"]
                self._checked(review, member, step, values | {"verdict": verdict})
            if not self._checked(review, doer, *STEPS["finalise"]):
                self._checked(review, members[-1] if members else doer, *STEPS["finalise"])
            if review.conflicts.exists():
                self._checked(review, head or doer, *STEPS["return_report"])
        elif review.status == ReviewStatus.REQUESTED:
            self._checked(review, doer, *STEPS["set_up"])
        elif review.status == ReviewStatus.SET_UP:
            self._checked(review, doer, *STEPS["collect"])

    def _assign(self, review: ReviewCase, head: User, people: list[User]) -> None:
        if len(people) > 1:
            now = self.now
            values = {"author": people[0], "members": people[1:]}
            if self._checked(review, head, transitions.assign_reviewers, values):
                assert not {person.pk for person in people} & touched_by(review.complaint, now)

    def _signed(self, pk: int) -> None:
        """The conclusion rests on votes of people who are free at this moment, and on no others."""
        review = ReviewCase.objects.get(pk=pk)
        barred = touched_by(Complaint.objects.get(pk=review.complaint_id), self.now)
        members = set(review.assignments.filter(is_void=False).values_list("reviewer", flat=True))
        votes = Opinion.objects.filter(review=review, dossier_hash=review.dossier_hash, reviewer__in=members)
        assert not members & barred
        assert len(members) >= 2
        assert {row.reviewer_id for row in votes} == members
        assert {review.report_by_id, review.finalised_by_id}.isdisjoint(barred)
        assert 2 * sum(row.verdict == review.conclusion for row in votes) >= len(votes)
        self.signed.add(pk)
        SIGNED.append(pk)

    @rule(name=st.sampled_from(GROUP), which=st.integers(0, 1))
    def open_file(self, name: str, which: int) -> None:
        """The page of the review: never for somebody in conflict, and afterwards their assignment is void."""
        if (review := self._review(which)) is None:
            return
        barred = touched_by(review.complaint, self.now)
        person = self._person(name)
        answer = self.clients[name].get(f"/desk/reviews/{review.number}/")
        if person.pk in barred:
            assert answer.status_code == 404
        listed = self.clients[name].get("/desk/reviews/").content.decode()
        if answer.status_code == 404:
            assert review.number not in listed

    def _checked(self, review: ReviewCase, doer: User, step: Callable[..., object], values: dict) -> bool:
        """Do a step of the review; whoever is let through is not in conflict."""
        now = self._tick()
        barred = touched_by(Complaint.objects.get(pk=review.complaint_id), now)
        done = self._try(step, review.pk, by=doer, at=now, **values)
        assert not (done and doer.pk in barred), (step.__name__, doer)
        if done and step is transitions.finalise:
            self._signed(review.pk)
        return done

    # --- After every step ---
    @invariant()
    def nobody_judges_their_own_work(self) -> None:
        """Once the application has looked again, as it does before every act: no assignment, no lead, no sight."""
        for review in ReviewCase.objects.open().select_related("complaint"):
            if review.pk in self.signed:
                continue
            barred = touched_by(review.complaint, self.now)
            independence.refresh(review, at=self.now)
            standing = ReviewerAssignment.objects.filter(review=review, is_void=False)
            assert not set(standing.values_list("reviewer", flat=True)) & barred
            visible = ReviewCase.objects.filter(pk=review.pk)
            for name in GROUP:
                if getattr(self.cast, name).pk in barred:
                    assert not visible.visible_to(self._person(name)).exists(), name
            head = independence.acting_head(review)
            free = set(independence.candidates().values_list("pk", flat=True)) - barred
            stored = set(review.conflicts.values_list("user", flat=True))
            # A conflict is never taken back, so somebody free by now may have been barred before.
            assert head is None or (head.pk in free and head.pk not in stored)
            leader = self.cast.head_of_review.pk
            if leader in free - stored:
                assert head is not None
                assert head.pk == leader
            elif free - stored:
                assert head is not None  # the deputy leads


def test_ri_01_to_06_nobody_ever_judges_their_own_work(cast):
    """At least three reviews come to a conclusion on the way, so the votes are judged, too."""
    for name in GROUP:
        getattr(cast, name).groups.add(Group.objects.get(name="reviewer"))

    class Machine(Independence):
        pass

    Machine.cast = cast
    Machine.cases = [Story(cast, phone=f"1380000{n:04d}").to_closed().pk for n in range(2)]
    Machine.open_case = Story(cast, "2026-11-17 09:00", phone="13900000001").accept("2026-11-17 10:00").pk
    SIGNED.clear()
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=8,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert len(SIGNED) >= 3
