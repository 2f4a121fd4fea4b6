"""An import is taken back as a whole, or not at all (EX-07, IN-14)."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages

from complaints import events, import_jobs, import_undo, jobs, transitions
from complaints.models import CaseEvent, Complaint, Deadline, ImportState, NumberCounter
from complaints.states import DeadlineState, Status
from complaints.tests.factories import at, category, registered
from complaints.tests.import_page import NOW, URL, imported, line
from complaints.transitions import suggestion

LATER = at("2026-11-21 10:00")
ROWS = [line("1"), line("2", 答复内容="已整改", 答复时间="2026-11-18"), line("3")]


@pytest.fixture
def desk(client, cast):
    client.force_login(cast.intake)
    return client


def undo(client, batch, reason: str = "导错了文件"):
    """Ask for it on the page and do the worker's part."""
    answer = client.post(f"{URL}{batch.pk}/undo/", {"reason": reason})
    import_jobs.undo(batch.pk, at=LATER)
    batch.refresh_from_db()
    return answer


def test_every_case_leaves_the_work_and_keeps_number_and_record(desk, cast):
    batch = imported(desk, ROWS)
    numbers = set(batch.complaints.values_list("number", flat=True))
    assert undo(desk, batch).status_code == 302
    assert (batch.state, batch.undone_by, batch.undone_at) == (ImportState.UNDONE, cast.intake, LATER)
    assert set(batch.complaints.values_list("number", flat=True)) == numbers
    assert set(batch.complaints.values_list("status", "is_valid", "external_key", "closed_at", "next_due_at")) == {
        (Status.WITHDRAWN, False, None, LATER, None)
    }
    assert not Deadline.objects.filter(state__in=[DeadlineState.RUNNING, DeadlineState.PAUSED]).exists()
    assert events.verify()[1] is None


def test_the_same_file_can_be_imported_again(desk):
    """EX-07: new cases with new numbers; the ones taken back are no earlier complaints of the person."""
    batch = imported(desk, ROWS)
    undo(desk, batch)
    again = imported(desk, [{**row, "投诉时间": "2026-11-17 10:00"} for row in ROWS if not row["答复内容"]])
    assert again.created == 2
    whole = imported(desk, ROWS)
    assert (whole.created, whole.duplicates) == (1, 2)
    assert not again.complaints.filter(is_repeat=True).exists()
    assert NumberCounter.objects.get(scope="HY-20261116").last == 4
    assert events.verify()[1] is None


def test_cases_taken_back_are_no_earlier_complaints(desk, cast):
    """RISK-12: who rings after a mistaken import is no repeat complainant."""
    batch = imported(desk, [{**ROWS[0], "投诉时间": "2026-11-17 10:00"}])
    phone = batch.complaints.get().complainant.contact("phone")
    assert phone
    undo(desk, batch)
    assert not registered("2026-11-22 09:00", phone=phone).complaint.is_repeat


def test_one_case_that_was_worked_on_keeps_the_whole_import(desk, cast):
    """All or nothing: the refusal names how many, nothing is changed."""
    batch = imported(desk, ROWS)
    touched = batch.complaints.filter(status=Status.REGISTERED).first()
    transitions.classify(touched.pk, by=cast.intake, category=category(), at=LATER)
    answer = desk.post(f"{URL}{batch.pk}/undo/", {"reason": "导错了文件"})
    (message,) = get_messages(answer.wsgi_request)
    assert "1" in str(message)
    assert not import_jobs.undo(batch.pk, at=LATER)
    batch.refresh_from_db()
    assert batch.state == ImportState.DONE
    assert not batch.complaints.filter(status=Status.WITHDRAWN).exists()


def test_work_between_asking_and_doing_keeps_the_import_too(desk, cast):
    """The job looks again under its locks."""
    batch = imported(desk, ROWS)
    desk.post(f"{URL}{batch.pk}/undo/", {"reason": "导错了文件"})
    touched = batch.complaints.filter(status=Status.REGISTERED).last()
    transitions.classify(touched.pk, by=cast.intake, category=category(), at=LATER)
    import_jobs.undo(batch.pk, at=LATER)
    batch.refresh_from_db()
    assert (batch.state, batch.options["phase"], bool(batch.options["problem"])) == (ImportState.DONE, "", True)
    assert set(batch.complaints.values_list("status", flat=True)) == {Status.REGISTERED, Status.CLOSED}
    assert not CaseEvent.objects.filter(kind="undo_import").exists()


def test_a_limit_that_passed_by_itself_is_nobodys_work(desk):
    batch = imported(desk, [line("1", 投诉时间="2026-11-20 16:00")])
    jobs.sweep_deadlines(now=at("2026-12-25 10:00"))
    assert CaseEvent.objects.filter(kind="overdue").exists()
    undo(desk, batch)
    assert batch.state == ImportState.UNDONE


def test_the_first_grade_is_nobodys_work_and_a_grade_by_a_person_is(desk, cast):
    """RISK-01, EX-07: what the system does with an imported case by itself keeps no import from being undone."""
    dangerous = "设备爆炸伤人，孩子住院，再不处理就找记者曝光，还要起诉。"
    batch = imported(desk, [line("1", 内容=dangerous)])
    case = Complaint.objects.get()
    suggestion.store_suggestions(case.pk)
    assert CaseEvent.objects.filter(kind="risk_regraded", complaint=case).exists()
    assert not import_undo.touched(batch).exists()
    transitions.grade_risk(case.pk, by=cast.intake, grade="medium", reason="已电话核实，无人受伤")
    assert import_undo.touched(batch).exists()


def test_undoing_needs_a_reason_and_happens_once(desk, cast):
    batch = imported(desk, ROWS)
    refused = desk.post(f"{URL}{batch.pk}/undo/", {"reason": " "})
    assert (refused.status_code, set(refused.context["undo_form"].errors)) == (422, {"reason"})
    undo(desk, batch, "张桂芳 13800002417 的文件")
    assert not import_jobs.undo(batch.pk, at=LATER)
    desk.post(f"{URL}{batch.pk}/undo/", {"reason": "再来一次"})
    assert CaseEvent.objects.filter(kind="undo_import").count() == 3
    assert "13800002417" not in CaseEvent.objects.filter(kind="undo_import").first().note  # AT-05


def test_rights_are_looked_at_again_when_the_job_runs(desk, cast):
    batch = imported(desk, ROWS)
    desk.post(f"{URL}{batch.pk}/undo/", {"reason": "导错了文件"})
    cast.intake.groups.clear()
    import_jobs.undo(batch.pk, at=LATER)
    batch.refresh_from_db()
    assert (batch.state, Complaint.objects.filter(status=Status.WITHDRAWN).count()) == (ImportState.DONE, 0)


def test_undoing_all_is_undoing_each(desk, cast):
    """The case and its log end as the transition for one case leaves them; only clocks are ended besides."""
    one, other = imported(desk, [line("1")]), imported(desk, [line("2")])
    undo(desk, other, "导错了文件")
    alone = one.complaints.get()
    transitions.undo_import(alone.pk, by=cast.intake, reason="导错了文件", at=LATER)
    fields = ("status", "status_since", "version", "is_valid", "external_key", "closed_at", "first_closed_at")
    assert one.complaints.values_list(*fields).get() == other.complaints.values_list(*fields).get()
    shape = ("sequence", "kind", "version", "from_status", "to_status", "fields", "note", "actor", "at")
    first, second = (list(batch.complaints.get().events.values_list(*shape)) for batch in (one, other))
    assert first[-1] == second[-1]
    assert NOW < LATER
