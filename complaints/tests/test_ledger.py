"""The log of a case cannot be changed unseen (COM-02, ARC-10, AT-02…04, FI-R)."""

from __future__ import annotations

import json

import pytest
from django.db import IntegrityError, connection, transaction

from complaints import events, jobs, triggers
from complaints.models import CaseEvent, Complaint, JobRun, Notification
from complaints.tests.factories import Story, at

pytestmark = pytest.mark.django_db


@pytest.fixture
def two_cases(cast, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return Story(cast).to_closed(), Story(cast, phone="13900001111").accept()


@pytest.fixture
def unlocked(db):
    """What a thief with the database's password could do: the triggers are gone."""
    for statement in triggers.append_only(connection.vendor, "complaints_caseevent")[1]:
        with connection.cursor() as cursor:
            cursor.execute(statement)


def test_rows_can_be_neither_changed_nor_deleted(two_cases):
    for change in (lambda: CaseEvent.objects.update(note="x"), lambda: CaseEvent.objects.all().delete()):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_the_narrative_can_never_be_changed(two_cases):
    with pytest.raises(IntegrityError), transaction.atomic():
        Complaint.objects.update(narrative="什么都没有发生")
    Complaint.objects.update(subject="可以改的字段")


def test_an_untouched_ledger_verifies(two_cases):
    events.anchor(day=at("2026-11-21 00:00").date())
    checked, problem = events.verify()
    assert (checked, problem) == (CaseEvent.objects.count(), None)


@pytest.mark.parametrize("damage", ["change", "delete_middle", "swap", "cut_tail", "forge"])
def test_fi_r_every_kind_of_tampering_shows(two_cases, unlocked, damage):
    """AN-03: whatever is changed behind the log is found, with its row."""
    events.anchor(day=at("2026-11-21 00:00").date())
    case = two_cases[0].case
    rows = list(CaseEvent.objects.filter(complaint=case).order_by("sequence"))
    if damage == "change":
        CaseEvent.objects.filter(pk=rows[3].pk).update(note="另一个理由")
        expected = f"{case.number} #4"
    elif damage == "delete_middle":
        rows[3].delete()
        expected = f"{case.number} #5"
    elif damage == "swap":
        for row, sequence in ((rows[2], 900), (rows[3], 3), (rows[2], 4)):
            CaseEvent.objects.filter(pk=row.pk).update(sequence=sequence)
        expected = f"{case.number} #3"
    elif damage == "cut_tail":
        last = rows[-1]
        last.delete()
        Complaint.objects.filter(pk=case.pk).update(status=rows[-2].to_status, version=rows[-2].version)
        expected = "anchor 2026-11-21"
    else:
        forged = CaseEvent.objects.get(pk=rows[-1].pk)
        forged.note = "重写的一行"
        CaseEvent.objects.filter(pk=forged.pk).update(note=forged.note, hash=events.event_hash(forged))
        expected = "anchor 2026-11-21"
    _checked, problem = events.verify()
    assert problem is not None
    assert problem.row == expected


def test_a_status_changed_behind_the_log_shows(two_cases):
    case = two_cases[1].case
    Complaint.objects.filter(pk=case.pk).update(status="closed")
    assert events.verify()[1] == events.Problem(case.number, "the case says closed v2, its log says accepted v2")


def test_an_anchor_lives_outside_the_database_too(two_cases, tmp_path):
    made = events.anchor(day=at("2026-11-21 00:00").date())
    kept = json.loads((tmp_path / "anchors" / "2026-11-21.json").read_text(encoding="utf-8"))
    assert kept["head_hash"] == made.head_hash
    made.delete()
    assert events.verify()[1].row == "anchor 2026-11-21"


def test_at_10_the_daily_check_anchors_once_and_tells_when_broken(two_cases, unlocked, cast):
    now = at("2026-11-22 00:30")
    assert jobs.check_ledger(now=now)["ok"] is True
    assert jobs.check_ledger(now=now)["ok"] is True
    assert JobRun.objects.filter(job="check_ledger").count() == 1
    CaseEvent.objects.filter(sequence=1).update(note="x")
    assert jobs.check_ledger(now=at("2026-11-23 00:30"))["ok"] is False
    assert set(Notification.objects.filter(kind="ledger_broken").values_list("recipient__staff_number", flat=True)) == {
        "M001",
        "U001",
    }


def test_at_05_a_reason_with_the_complainants_number_is_masked_in_the_log(cast):
    from complaints import transitions

    story = Story(cast).accept().assign().start()
    transitions.hand_over(
        story.pk,
        by=cast.water_handler,
        handler=cast.water_handler2,
        reason="张桂芳 13800002417 要求换人",
        at=at("2026-11-17 09:00"),
    )
    assert CaseEvent.objects.get(complaint=story.pk, kind="hand_over").note == "*** *** 要求换人"
