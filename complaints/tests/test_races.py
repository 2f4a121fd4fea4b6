"""Two people at the same moment: one wins, the other hears it, nothing is lost (CC-01, CC-03, CC-04, CC-06, RI-14)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

import pytest
from django.db import OperationalError, connection

from accounts import people
from accounts.errors import DomainError
from accounts.models import User
from complaints import events, jobs, remedies, risk_standards
from complaints import transitions as t
from complaints.models import AuthorityLimit, CaseEvent, Complaint, Deadline, Notification, RiskStandard
from complaints.states import QuestionKind
from complaints.tests.factories import Story, at, category, registered

pytestmark = pytest.mark.django_db(transaction=True)


def together(*steps: Callable[[], object]) -> list[str]:
    """Run the steps at the same moment in threads of their own; "ok" or the code of the refusal, in order."""
    barrier = threading.Barrier(len(steps))
    results = [""] * len(steps)

    def run(index: int, step: Callable[[], object]) -> None:
        barrier.wait()
        for _attempt in range(3):
            try:
                step()
                results[index] = "ok"
            except DomainError as error:
                results[index] = error.code
            except OperationalError:
                continue  # "somebody else is working on this record": a person tries again
            break
        connection.close()

    threads = [threading.Thread(target=run, args=(index, step)) for index, step in enumerate(steps)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_cc_01_two_different_transitions_on_one_case_one_wins(cast):
    story = Story(cast)
    version = story.case.version

    def accept():
        t.accept(
            story.pk, by=cast.intake, rule="在范围内", category=category(), version=version, at=at("2026-11-16 10:00")
        )

    def refuse():
        t.refuse(
            story.pk,
            by=cast.intake2,
            ground="other_proceedings",
            reason="法院已受理",
            version=version,
            at=at("2026-11-16 10:00"),
        )

    assert sorted(together(accept, refuse)) == ["ok", "stale_version"]
    assert CaseEvent.objects.filter(complaint=story.pk, version=version + 1).count() == 1
    assert events.verify([story.case.number])[1] is None


def test_cc_03_of_ten_handlers_one_takes_the_case(cast):
    story = Story(cast).accept().assign()
    people = [cast.water_handler, cast.water_handler2] * 5
    results = together(*(lambda who=who: t.start(story.pk, by=who, at=at("2026-11-16 11:00")) for who in people))
    assert sorted(results) == ["illegal_transition"] * 9 + ["ok"]
    assert story.case.version == 4


def test_fi_f_of_twenty_presses_of_one_button_one_counts(cast):
    """A double click or a retry after a time-out: the version that was read makes the others stale, with one event."""
    case = registered().complaint

    def accept() -> None:
        t.accept(
            case.pk, by=cast.intake, rule="在范围内", category=category(), version=case.version,
            at=at("2026-11-16 10:00"),
        )  # fmt: skip

    assert sorted(together(*[accept] * 20)) == ["ok"] + ["stale_version"] * 19
    assert CaseEvent.objects.filter(complaint=case, kind="accept").count() == 1
    assert events.verify([case.number])[1] is None


def test_cc_04_a_question_that_arrives_while_the_case_closes_is_kept(cast):
    story = Story(cast).to_reply().call_back()

    def close():
        t.close(story.pk, by=cast.coordinator, is_systemic=False, is_cured=True, at=at("2026-11-20 16:00"))

    def ask():
        t.add_question(
            story.pk,
            kind=QuestionKind.SUBSTANTIVE,
            text="水什么时候来？",
            channel="web",
            by=None,
            at=at("2026-11-20 16:00"),
        )

    assert together(close, ask) == ["ok", "ok"]
    assert story.case.questions.count() == 1
    assert events.verify([story.case.number])[1] is None


def test_cc_06_numbers_of_twenty_parallel_filings_have_no_gap(cast):
    """CASE-01: one case per complaint, each with its own number."""
    results = together(*(lambda n=n: registered(phone=f"1380000{n:04d}") for n in range(20)))
    assert results == ["ok"] * 20
    assert sorted(Complaint.objects.values_list("number", flat=True)) == [f"HY-20261116-{n:04d}" for n in range(1, 21)]


def test_jt_01_two_sweeps_at_once_send_each_reminder_once(cast):
    stories = [Story(cast, phone=f"1390000{n:04d}").accept().assign().start() for n in range(3)]
    due = Deadline.objects.filter(complaint__in=[story.pk for story in stories], milestone="resolve")
    Deadline.objects.exclude(pk__in=due).update(next_alert_at=None)
    results = together(*(lambda: jobs.sweep_deadlines(now=at("2026-12-07 17:31")) for _n in range(2)))
    assert results == ["ok", "ok"]
    breaches = Notification.objects.filter(kind="breach").values_list("complaint", "recipient")
    assert len(breaches) == len(set(breaches)) == 9
    assert CaseEvent.objects.filter(kind="overdue").count() == 3


def test_cc_01_of_two_changes_of_the_same_settings_one_wins(cast):
    """Both saw the same revision: one is told that there is a newer one, and its change does not bury the other."""
    remedies.load_limits()
    risk_standards.load_standard()
    limits = remedies.limits_of(remedies.current())
    standard = RiskStandard.objects.get()
    columns = ("factors", "medium_from", "high_from", "meetings")
    values = {name: getattr(standard, name) for name in columns}
    when = at("2026-11-16 10:00")
    people = (cast.coordinator, cast.coordinator2)
    changes = [
        [partial(remedies.revise, limits, note="一", based_on=1, by=person) for person in people],
        [partial(risk_standards.revise, **values, note="一", based_on=1, by=person, at=when) for person in people],
    ]
    for steps in changes:
        assert sorted(together(*steps)) == ["ok", "stale_version"]
    assert AuthorityLimit.objects.count() == RiskStandard.objects.count() == 2


def test_com_17_the_last_two_who_give_roles_do_not_close_each_other(cast, monkeypatch):
    """Each looks for another one left before the other has gone: the second look has to wait."""
    shut = people._shut
    monkeypatch.setattr(people, "_shut", lambda person: (time.sleep(0.5), shut(person)))
    results = together(
        lambda: people.close(cast.manager.pk, reason="离职", by=cast.administrator),
        lambda: people.close(cast.administrator.pk, reason="离职", by=cast.manager),
    )
    assert sorted(results) == ["illegal_transition", "ok"]
    assert User.objects.filter(pk__in=[cast.manager.pk, cast.administrator.pk], is_active=True).count() == 1


def test_com_04_a_proposal_is_decided_once(cast):
    third = people.enter(staff_number="N001", name="第三人", reason="新入职", by=cast.manager)
    third.groups.set(cast.manager.groups.all())
    change = people.set_roles(cast.intake.pk, roles=["auditor"], reason="转岗", by=cast.manager)
    results = together(
        lambda: people.decide(change.pk, approve=True, by=cast.administrator),
        lambda: people.decide(change.pk, approve=False, by=third),
    )
    assert sorted(results) == ["illegal_transition", "ok"]
    change.refresh_from_db()
    assert (change.state == "done") == (people.roles_of(cast.intake) == {"auditor"})
