"""Several people and jobs on one case at once: the cases CC of the threat model that no other file holds."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection, transaction

from accounts.errors import NotAllowed
from accounts.tests.factories import token
from complaints import clocks, events, jobs
from complaints import transitions as t
from complaints.models import CaseEvent, Complaint, Deadline, Note, Notification, NumberCounter
from complaints.states import QuestionKind, Status
from complaints.tests.factories import Story, at, category, registered
from complaints.tests.test_races import together
from complaints.tests.test_take_next import waiting
from complaints.transitions import core

pytestmark = pytest.mark.django_db(transaction=True)

BODY = {"subject": "停水", "narrative": "从早上停到现在", "phone": "13800002417", "email": "zhang@example.cn"}
NOON = at("2026-11-17 10:00")


@pytest.mark.slow
def test_cc_01_in_fifty_rounds_one_of_two_transitions_wins(cast):
    """The other hears of it, and there is one event for the move (also FI-G)."""
    for number in range(50):
        case = registered(phone=f"1390000{number:04d}").complaint

        def accept(case=case):
            t.accept(
                case.pk, by=cast.intake, rule="在范围内", category=category(), version=case.version,
                at=at("2026-11-16 10:00"),
            )  # fmt: skip

        def refuse(case=case):
            t.refuse(
                case.pk, by=cast.intake2, ground="other_proceedings", reason="法院已受理", version=case.version,
                at=at("2026-11-16 10:00"),
            )  # fmt: skip

        assert sorted(together(accept, refuse)) == ["ok", "stale_version"]
        assert CaseEvent.objects.filter(complaint=case, version=case.version + 1).count() == 1
    assert events.verify()[1] is None


@pytest.mark.parametrize("close_first", [True, False])
def test_cc_04_fi_g_a_question_before_or_after_the_closing_is_kept(cast, close_first):
    story = Story(cast).to_reply().call_back()
    steps = [
        lambda: t.add_question(
            story.pk, kind=QuestionKind.SUBSTANTIVE, text="水什么时候来？", channel="web", by=None,
            at=at("2026-11-20 16:00"),
        ),
        lambda: t.close(story.pk, by=cast.coordinator, is_systemic=False, is_cured=True, at=at("2026-11-20 16:00")),
    ]  # fmt: skip
    for step in reversed(steps) if close_first else steps:
        step()
    assert story.case.status == Status.CLOSED
    assert story.case.questions.get().text == "水什么时候来？"
    assert events.verify([story.case.number])[1] is None


def move_to_roads(story: Story, cast) -> None:
    t.grant_return(story.pk, by=cast.coordinator, at=at("2026-11-16 14:00"))
    t.assign(story.pk, by=cast.coordinator, department=cast.roads, task="查明原因", at=at("2026-11-16 15:00"))


def asked_back(cast) -> Story:
    story = Story(cast).accept().assign()
    t.request_return(story.pk, by=cast.water_handler, reason="不属于本部门", at=at("2026-11-16 11:00"))
    return story


def test_cc_05_a_note_written_while_the_case_moves_belongs_to_the_department_before_or_is_refused(cast):
    for _round in range(5):
        story, refused = asked_back(cast), []

        def note(story=story, refused=refused) -> None:
            try:
                t.add_note(story.pk, by=cast.water_handler, text="阀门已查", at=at("2026-11-16 14:00"))
            except NotAllowed as error:
                refused.append(error)

        assert together(lambda story=story: move_to_roads(story, cast), note) == ["ok", "ok"]
        notes = list(Note.objects.filter(complaint=story.pk))
        assert [row.department for row in notes] == ([] if refused else [cast.water])
        assert not Complaint.objects.visible_to(cast.water_handler).filter(pk=story.pk).exists()


def test_cc_06_numbers_are_unique_when_two_hundred_are_filed_and_some_fail(cast):
    class Fails(Exception):
        pass

    def file(worker: int) -> None:
        for place in range(25):
            try:
                with transaction.atomic():
                    registered(phone=f"13{worker:01d}{place:08d}")
                    if place % 5 == 4:
                        raise Fails
            except Fails:
                continue

    assert together(*(lambda worker=worker: file(worker) for worker in range(8))) == ["ok"] * 8
    numbers = list(Complaint.objects.order_by("number").values_list("number", flat=True))
    assert len(numbers) == len(set(numbers)) == 160
    assert NumberCounter.objects.get(scope__contains="20261116").last == 160  # what failed gave its number back


def test_cc_07_a_sweep_and_people_on_the_same_cases_never_wait_for_each_other_in_a_circle(cast):
    stories = [Story(cast, phone=f"1390000{n:04d}").accept().assign().start() for n in range(4)]

    def work() -> None:
        for story in reversed(stories):
            with transaction.atomic():  # two clocks, then the case again: the order of the transitions
                case = core.lock(story.pk)
                clocks.stop(case, "resolve", at=at("2026-12-07 17:31"))
                clocks.refresh(case)

    def sweep() -> None:
        for _round in range(3):
            jobs.sweep_deadlines(now=at("2026-12-07 17:31"))

    assert together(work, sweep, work) == ["ok"] * 3
    jobs.sweep_deadlines(now=at("2026-12-07 17:32"))
    assert not Deadline.objects.alert_due(at=at("2026-12-07 17:32")).exists()
    told = list(Notification.objects.values_list("complaint", "kind", "params__milestone", "recipient"))
    assert len(told) == len(set(told))


def test_cc_08_eight_writers_wait_for_each_other(cast):
    stories = [Story(cast, phone=f"1390000{n:04d}").accept().assign() for n in range(8)]

    def write(story: Story) -> None:
        for _round in range(3):
            t.add_note(story.pk, by=cast.coordinator, text="已核对", at=at("2026-11-16 14:00"))

    assert together(*(lambda story=story: write(story) for story in stories)) == ["ok"] * 8
    assert Note.objects.count() == 24
    assert events.verify()[1] is None


def test_cc_09_who_lost_the_case_while_pressing_the_button_changes_nothing(cast, monkeypatch):
    """The check looks at the locked row, not at the page (also FI-S)."""
    story = asked_back(cast)
    lock = core.lock

    def moved_meanwhile(complaint_id: int) -> Complaint:
        monkeypatch.setattr(core, "lock", lock)
        move_to_roads(story, cast)
        return lock(complaint_id)

    monkeypatch.setattr(core, "lock", moved_meanwhile)
    with pytest.raises(NotAllowed):
        t.start(story.pk, by=cast.water_handler, at=at("2026-11-16 15:00"))
    assert story.case.handler is None
    assert not CaseEvent.objects.filter(complaint=story.pk, kind="start").exists()


@contextmanager
def holding(story: Story) -> Iterator[None]:
    """Somebody else holds the row of this case, on a connection of their own."""
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            core.lock(story.pk)
            locked.set()
            done.wait(60)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert locked.wait(10)
        yield
    finally:
        done.set()
        holder.join()


@pytest.mark.postgres
def test_cc_10_a_case_held_for_long_stops_neither_intake_nor_the_sweep(cast):
    held, free = (Story(cast, phone=f"1390000{n:04d}").accept().assign().start() for n in range(2))
    Deadline.objects.exclude(milestone="resolve").update(next_alert_at=None)
    with holding(held):
        began = time.monotonic()
        registered(phone="13900009999")
        jobs.sweep_deadlines(now=at("2026-12-07 17:31"))
        assert time.monotonic() - began < 3  # neither waits for the lock
        assert set(Notification.objects.filter(kind="breach").values_list("complaint", flat=True)) == {free.pk}
        with pytest.raises(OperationalError, match="lock timeout"):
            t.add_note(held.pk, by=cast.coordinator, text="已核对", at=at("2026-12-07 17:31"))
        assert time.monotonic() - began < 10
    jobs.sweep_deadlines(now=at("2026-12-07 17:32"))
    assert set(Notification.objects.filter(kind="breach").values_list("complaint", flat=True)) == {free.pk, held.pk}


def wait_at_most(milliseconds: int) -> None:
    """For this connection; by the settings a person waits 3 seconds on PostgreSQL and 20 on SQLite."""
    word = "PRAGMA busy_timeout =" if connection.vendor == "sqlite" else "SET lock_timeout ="
    with connection.cursor() as cursor:
        cursor.execute(f"{word} {milliseconds}")


def test_cc_10_while_a_case_is_written_for_long_reading_goes_on_and_who_writes_is_asked_to_come_again(cast, client):
    """On SQLite one transaction writes at a time, so whoever writes waits; on PostgreSQL whoever needs that case."""
    held = Story(cast).accept().assign()
    url = f"/api/v1/complaints/{held.case.number}/"
    authorization = {"Authorization": f"Token {token(cast.water_handler)}"}
    client.force_login(cast.coordinator)
    before = CaseEvent.objects.count()
    with holding(held):
        wait_at_most(500)
        began = time.monotonic()
        assert client.get("/desk/queue/").status_code == 200
        assert client.get(url).status_code == 200
        assert time.monotonic() - began < 10
        answer = client.post(f"{url}actions/start/", {}, content_type="application/json", headers=authorization)
        assert (answer.status_code, answer["Retry-After"]) == (503, "2")
        if connection.vendor == "sqlite":
            assert client.post("/api/v1/complaints/", BODY, content_type="application/json").status_code == 503
    assert CaseEvent.objects.count() == before
    answer = client.post(f"{url}actions/start/", {}, content_type="application/json", headers=authorization)
    assert answer.status_code == 200
    assert client.post("/api/v1/complaints/", BODY, content_type="application/json").status_code == 201


def test_cc_10_a_report_that_reads_for_long_stops_nobody_and_sees_one_state(cast, client):
    reading, filed = threading.Event(), threading.Event()
    seen: list[int] = []

    def report() -> None:
        word = "BEGIN" if connection.vendor == "sqlite" else "BEGIN ISOLATION LEVEL REPEATABLE READ"
        with connection.cursor() as cursor:
            cursor.execute(word)
            for step in (reading.set, lambda: None):
                cursor.execute("SELECT count(*) FROM complaints_complaint")
                seen.append(cursor.fetchone()[0])
                step()
                filed.wait(60)
            cursor.execute("ROLLBACK")
        connection.close()

    reader = threading.Thread(target=report)
    reader.start()
    try:
        assert reading.wait(10)
        wait_at_most(500)
        assert client.post("/api/v1/complaints/", BODY, content_type="application/json").status_code == 201
        jobs.sweep_deadlines(now=at("2026-12-07 17:31"))
    finally:
        filed.set()
        reader.join()
    assert seen == [0, 0]
    assert Complaint.objects.count() == 1


# --- Take the next case ----------------------------------------------------------------------------
def test_asg_13_cc_03_four_people_take_twenty_cases_each_one_once(cast):
    """Every case goes to exactly one person, and none is taken before one that was due earlier and free."""
    cases = [waiting(cast, f"2026-11-{20 + n % 5} 17:30") for n in range(20)]
    people = [cast.water_handler, cast.water_handler2] * 2
    taken: list[tuple[int, int]] = []

    def take(number: int) -> None:
        for turn in range(20):
            # Presses of one person lie further apart than those that count as one.
            case = t.take_next(
                by=people[number], at=at("2026-11-17 10:00").replace(minute=2 * turn, second=30 * (number // 2))
            )
            if case is not None:
                taken.append((case.pk, people[number].pk))

    assert together(*(lambda number=number: take(number) for number in range(4))) == ["ok"] * 4
    assert {case for case, _who in taken} == {case.pk for case in cases}
    starts = CaseEvent.objects.filter(kind="start")
    assert starts.count() == starts.values("complaint").distinct().count() == 20
    assert dict(taken) == dict(Complaint.objects.values_list("pk", "handler"))


@pytest.mark.postgres
def test_asg_13_nobody_waits_for_a_case_that_somebody_else_is_taking(cast):
    first, second = waiting(cast, "2026-11-20 17:30"), waiting(cast, "2026-11-21 17:30")
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            core.lock(first.pk)
            locked.set()
            done.wait(60)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert locked.wait(10)
        began = time.monotonic()
        assert t.take_next(by=cast.water_handler, at=NOON).pk == second.pk
        assert time.monotonic() - began < 3
    finally:
        done.set()
        holder.join()
