"""Files whose time is over: judged, approved, destroyed by two, in the register for ever (ARC-04)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from accounts import takedowns
from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from complaints import appraisals, destruction, events, files, transitions
from complaints.messages import sentence
from complaints.models import (
    Appraisal,
    AppraisalItem,
    Attachment,
    CaseEvent,
    CaseFile,
    Complaint,
    ComplaintSearch,
    ContactPoint,
    Note,
    Notification,
    StoredFile,
)
from complaints.states import AppraisalOutcome, AppraisalState, EvidenceKind
from complaints.tests.factories import Story, at
from complaints.transitions import consultation
from complaints.transitions import risk as risk_rules

pytestmark = pytest.mark.django_db

ARCHIVED = at("2026-11-21 09:00")
OVER = at("2037-01-04 09:00")
DESTROY, KEEP = AppraisalOutcome.DESTROY, AppraisalOutcome.KEEP


def filed(cast, **changes) -> CaseFile:
    """A file that is kept for ten years."""
    story = Story(cast, **changes).to_closed()
    transitions.archive(story.pk, by=cast.coordinator, at=ARCHIVED)
    return CaseFile.objects.get(complaint=story.pk)


def overdue(file: CaseFile) -> CaseFile:
    """The time of the file was over yesterday, for pages that look at today."""
    CaseFile.objects.filter(pk=file.pk).update(keep_until=timezone.localdate() - timedelta(days=1))
    return CaseFile.objects.get(pk=file.pk)


def listed(cast, *found: CaseFile, outcome=DESTROY, when=OVER, **changes) -> Appraisal:
    row = appraisals.open_list([file.pk for file in found], by=cast.coordinator, at=when)
    items = row.items.values_list("pk", flat=True)
    values = {"reason": "已过保管期限，无继续保存价值", "by": cast.coordinator, "version": 0, "at": when, **changes}
    return appraisals.judge(row.pk, items, outcome=outcome, **values)


def approved(cast, *found: CaseFile, **changes) -> Appraisal:
    row = listed(cast, *found, **changes)
    return appraisals.approve(row.pk, by=cast.coordinator2, version=row.version, at=changes.get("when", OVER))


def carried_out(cast, *found: CaseFile, when=OVER, **changes) -> Appraisal:
    row = approved(cast, *found, when=when, **changes)
    row = appraisals.stand_as_witness(row.pk, by=cast.coordinator2, version=row.version)
    return appraisals.carry_out(row.pk, by=cast.coordinator, version=row.version, at=when)


# --- What is due ----------------------------------------------------------------------------------
def test_arc_04_a_file_is_due_when_its_time_is_over_and_nothing_stands_against_it(cast):
    file = filed(cast)
    assert not appraisals.due(today=date(2036, 12, 31))
    assert list(appraisals.due(today=date(2037, 1, 1))) == [file]
    hold = risk_rules.place_hold(file.complaint_id, reason="诉讼可能", by=cast.coordinator, at=OVER)
    assert not appraisals.due(today=OVER.date())
    risk_rules.release_hold(file.complaint_id, reason="已结案", by=cast.coordinator, at=OVER)
    assert list(appraisals.due(today=OVER.date())) == [file]
    assert hold.pk
    listed(cast, file)
    assert not appraisals.due(today=OVER.date())


def test_arc_04_a_case_in_a_lawsuit_is_not_put_on_a_list(client, cast):
    file = overdue(filed(cast))
    Complaint.objects.get(pk=file.complaint_id).lawsuits.create(
        court="望澜区人民法院", filed_on=date(2026, 12, 1), at=OVER, by=cast.counsel
    )
    with pytest.raises(InvalidInput) as refused:
        appraisals.open_list([file.pk], by=cast.coordinator, at=OVER)
    assert refused.value.field == "files"
    client.force_login(cast.coordinator)
    page = client.get(reverse("complaints:appraisals")).content.decode()
    assert file.number in page
    assert f'value="{file.pk}"' not in page


def test_arc_04_the_app_above_says_what_may_not_be_destroyed(cast, monkeypatch):
    file = filed(cast)
    monkeypatch.setattr(destruction, "_hindrances", {**destruction._hindrances})
    destruction.register_hindrance("other", "另有需要", lambda cases, since: {file.complaint_id})
    with pytest.raises(InvalidInput, match="另有需要"):
        appraisals.open_list([file.pk], by=cast.coordinator, at=OVER)


# --- Judging and approving ------------------------------------------------------------------------
def test_arc_04_keeping_longer_needs_a_day_and_both_need_a_reason(cast):
    row = appraisals.open_list([filed(cast).pk], by=cast.coordinator, at=OVER)
    key = row.items.get().pk
    for values, field in (
        ({"outcome": KEEP, "reason": "仍有查考价值"}, "keep_until"),
        ({"outcome": KEEP, "reason": "仍有查考价值", "keep_until": OVER.date()}, "keep_until"),
        ({"outcome": DESTROY, "reason": " "}, "reason"),
        ({"outcome": "burn", "reason": "x"}, "outcome"),
    ):
        with pytest.raises(InvalidInput) as refused:
            appraisals.judge(row.pk, [key], by=cast.coordinator, version=0, at=OVER, **values)
        assert refused.value.field == field
    with pytest.raises(InvalidInput) as refused:
        appraisals.judge(row.pk, [key + 1], outcome=DESTROY, reason="x", by=cast.coordinator, version=0, at=OVER)
    assert refused.value.field == "items"
    assert AppraisalItem.objects.get().outcome == ""


def test_arc_04_another_person_approves_exactly_what_stands_there(cast):
    first, second = filed(cast), filed(cast)
    row = appraisals.open_list([first.pk, second.pk], by=cast.coordinator, at=OVER)
    with pytest.raises(IllegalTransition):
        appraisals.approve(row.pk, by=cast.coordinator2, version=0, at=OVER)
    row = appraisals.judge(
        row.pk,
        row.items.values_list("pk", flat=True),
        outcome=DESTROY,
        reason="已过保管期限",
        by=cast.manager,
        version=0,
        at=OVER,
    )
    for person in (cast.coordinator, cast.manager, cast.intake):
        with pytest.raises(NotAllowed):
            appraisals.approve(row.pk, by=person, version=row.version, at=OVER)
    with pytest.raises(StaleVersion):
        appraisals.approve(row.pk, by=cast.coordinator2, version=0, at=OVER)
    row = appraisals.approve(row.pk, by=cast.coordinator2, version=row.version, at=OVER)
    assert row.list_hash == appraisals.list_hash(row.items.select_related("file"))
    told = Notification.objects.filter(kind="appraisal_approved")
    assert cast.coordinator2.pk not in told.values_list("recipient", flat=True)
    assert row.number in sentence(told.first())


def test_arc_04_any_change_after_the_approval_makes_it_void(cast):
    row = approved(cast, filed(cast))
    row = appraisals.stand_as_witness(row.pk, by=cast.coordinator2, version=row.version)
    row = appraisals.judge(
        row.pk,
        [row.items.get().pk],
        outcome=KEEP,
        reason="改为延期",
        keep_until=date(2047, 1, 1),
        by=cast.manager,
        version=row.version,
        at=OVER,
    )
    assert (row.state, row.approved_by, row.list_hash, row.witness) == (AppraisalState.OPEN, None, "", None)
    with pytest.raises(IllegalTransition):
        appraisals.carry_out(row.pk, by=cast.coordinator, version=row.version, at=OVER)


def test_arc_04_a_list_changed_behind_the_approval_is_not_carried_out(cast):
    file, other = filed(cast), filed(cast)
    row = approved(cast, file)
    row = appraisals.stand_as_witness(row.pk, by=cast.coordinator2, version=row.version)
    AppraisalItem.objects.filter(appraisal=row).update(file=other)
    with pytest.raises(IllegalTransition):
        appraisals.carry_out(row.pk, by=cast.coordinator, version=row.version, at=OVER)
    assert Complaint.objects.get(pk=other.complaint_id).narrative


def test_arc_04_files_that_are_kept_get_their_new_date(cast):
    file = filed(cast)
    row = carried_out(cast, file, outcome=KEEP, keep_until=date(2047, 12, 31))
    file.refresh_from_db()
    assert (row.state, file.keep_until) == (AppraisalState.CARRIED_OUT, date(2047, 12, 31))
    assert Complaint.objects.get(pk=file.complaint_id).narrative
    assert CaseEvent.objects.filter(complaint=file.complaint_id, kind="retention_extended").count() == 1


def test_arc_04_pi_18_nobody_destroys_the_file_of_a_case_about_themselves(cast):
    file = filed(cast)
    Complaint.objects.get(pk=file.complaint_id).accused_staff.add(cast.coordinator)
    with pytest.raises(NotAllowed):
        appraisals.open_list([file.pk], by=cast.coordinator, at=OVER)


# --- Carrying it out ------------------------------------------------------------------------------
def test_arc_04_two_people_carry_it_out_never_the_same(cast):
    row = approved(cast, filed(cast))
    with pytest.raises(IllegalTransition):
        appraisals.carry_out(row.pk, by=cast.coordinator, version=row.version, at=OVER)
    row = appraisals.stand_as_witness(row.pk, by=cast.coordinator, version=row.version)
    with pytest.raises(NotAllowed):
        appraisals.carry_out(row.pk, by=cast.coordinator, version=row.version, at=OVER)
    with pytest.raises(IllegalTransition):
        appraisals.stand_as_witness(row.pk, by=cast.manager, version=row.version)
    row = appraisals.carry_out(row.pk, by=cast.manager, version=row.version, at=OVER)
    assert (row.carried_out_by, row.witness) == (cast.manager, cast.coordinator)


def test_arc_04_what_is_destroyed_is_gone_and_the_ledger_still_verifies(
    cast, settings, tmp_path, django_capture_on_commit_callbacks
):
    settings.DATA_DIR = tmp_path
    events.anchor(day=date(2026, 11, 1))
    story = Story(cast).accept().assign().start()
    transitions.add_note(story.pk, by=cast.water_handler, text="张桂芳家在柳桥三村", at=at("2026-11-17 10:00"))
    own = SimpleUploadedFile("水样.pdf", b"%PDF-1.7\n" + b"1" * 300)
    shared = SimpleUploadedFile("通知.pdf", b"%PDF-1.7\n" + b"2" * 300)
    other = Story(cast)
    with django_capture_on_commit_callbacks(execute=True):
        for pk, upload in ((story.pk, own), (story.pk, shared), (other.pk, shared)):
            transitions.add_attachment(
                pk,
                by=cast.intake,
                file=files.store(upload, at=at("2026-11-17 11:00")),
                name=upload.name,
                evidence_kind=EvidenceKind.TEST_REPORT,
                at=at("2026-11-17 11:00"),
            )
    transitions.add_investigation_step(
        story.pk,
        by=cast.water_handler,
        kind="inspection",
        summary="水样检测",
        evidence=Attachment.objects.filter(complaint=story.pk).first(),
        at=at("2026-11-17 12:00"),
    )
    story.submit().reply().call_back().close()
    transitions.archive(story.pk, by=cast.coordinator, at=ARCHIVED)
    file = CaseFile.objects.get(complaint=story.pk)
    held = {row.file_id for row in Attachment.objects.filter(complaint=story.pk)}
    kept = Attachment.objects.get(complaint=other.pk).file_id
    before = Complaint.objects.values("status", "category", "received_at", "closed_at", "is_valid").get(pk=story.pk)
    with django_capture_on_commit_callbacks(execute=True):
        row = carried_out(cast, file)
    case = Complaint.objects.get(pk=story.pk)
    assert (case.narrative, case.demand, case.place, case.access_code_hash) == ("", "", "", "")
    assert case.subject == "（已销毁）"
    assert case.complainant.name == ""
    assert not ContactPoint.objects.filter(complainant=case.complainant).exists()
    assert not ComplaintSearch.objects.filter(complaint=case).exists()
    assert not Note.objects.filter(complaint=case).exclude(text="").exists()
    assert [reply.result for reply in case.replies.all()] == [""]
    assert not Attachment.objects.filter(complaint=case).exists()
    assert not Notification.objects.filter(complaint=case).exists()
    (gone,) = held - {kept}
    assert not StoredFile.objects.filter(pk=gone).exists()
    assert not files.path_of(gone).exists()
    assert files.path_of(kept).exists()
    assert StoredFile.objects.filter(pk=kept).exists()
    # What figures compute from stands as it was, and the log is whole.
    assert Complaint.objects.values(*before).get(pk=story.pk) == before
    assert events.verify()[1] is None
    call_command("verify_ledger")
    item = AppraisalItem.objects.get()
    assert (item.destroyed_at, item.index_hash, item.file.number) == (OVER, file.index_hash, file.number)
    assert CaseFile.objects.get().index == []
    event = CaseEvent.objects.get(complaint=case, kind="file_destroyed")
    assert (event.actor, event.note) == (cast.coordinator, row.number)
    # The narrative is as unchangeable again as before.
    with pytest.raises(Exception, match="cannot be changed"):
        Complaint.objects.filter(pk=story.pk).update(narrative="别的")


def test_arc_04_every_column_with_words_about_a_case_is_emptied(cast):
    tables = {table.model._meta.label: set(table.empty) for table in destruction._tables()}
    assert {"name", "contact_note", "needs_care", "staff_user"} == tables["complaints.Complainant"]
    assert {"reason", "decision_note"} == tables["complaints.Extension"]  # by way of its deadline
    assert "complaints.CaseEvent" not in tables
    assert "complaints.Consultation" not in tables
    assert "number" not in tables["complaints.Complaint"]
    # A table on the list is one that leads to a case; the look-ups work.
    for table in destruction._tables():
        for path in table.paths:
            assert not table.model._default_manager.filter(**{path: 0}).exists()


def test_arc_04_i8_a_destruction_stays_done_after_a_restore(
    cast, settings, tmp_path, django_capture_on_commit_callbacks
):
    settings.DATA_DIR = tmp_path
    file = filed(cast)
    number = file.complaint.number
    with django_capture_on_commit_callbacks(execute=True):
        carried_out(cast, file)
    entry = takedowns.read().entries[-1]
    assert (entry.what, entry.key) == (takedowns.What.DESTROYED, number)
    assert not appraisals.keep_destroyed(number, at=OVER)
    again = filed(cast)
    assert appraisals.keep_destroyed(again.complaint.number, at=OVER)
    assert Complaint.objects.get(pk=again.complaint_id).narrative == ""
    assert events.verify()[1] is None


def test_arc_04_risk_29_a_hold_placed_meanwhile_stops_it_for_good(cast):
    file, other = filed(cast), filed(cast)
    row = approved(cast, file, other)
    row = appraisals.stand_as_witness(row.pk, by=cast.coordinator2, version=row.version)
    risk_rules.place_hold(file.complaint_id, reason="收到律师函", by=cast.coordinator, at=OVER + timedelta(minutes=1))
    later = OVER + timedelta(hours=1)
    row = appraisals.carry_out(row.pk, by=cast.coordinator, version=row.version, at=later)
    assert Complaint.objects.get(pk=file.complaint_id).narrative
    assert not Complaint.objects.get(pk=other.complaint_id).narrative
    done = appraisals.progress(row)
    assert (done.to_destroy, done.destroyed, done.stopped, done.left) == (2, 1, 1, 0)
    # Released later it waits for an appraisal of its own.
    risk_rules.release_hold(file.complaint_id, reason="纠纷已了结", by=cast.coordinator, at=later)
    assert appraisals.watch_files(now=later + timedelta(days=1))["destroyed"] == 0
    assert Complaint.objects.get(pk=file.complaint_id).narrative
    assert list(appraisals.due(today=later.date())) == [CaseFile.objects.get(pk=file.pk)]
    told = Notification.objects.filter(kind="destruction_stopped")
    assert set(told.values_list("recipient", flat=True)) == {cast.coordinator.pk, cast.coordinator2.pk}
    assert file.number in sentence(told.first())


def test_arc_04_many_files_are_left_to_a_worker_and_the_night_finishes_them(cast, monkeypatch):
    monkeypatch.setattr(appraisals, "AT_ONCE", 1)
    first, second = filed(cast), filed(cast)
    row = carried_out(cast, first, second)
    assert appraisals.progress(row).left == 2
    assert appraisals.watch_files(now=OVER)["destroyed"] == 2
    assert appraisals.work(row.pk, now=OVER) == {"destroyed": 0, "stopped": 0}
    assert CaseEvent.objects.filter(kind="file_destroyed").count() == 2


def test_arc_04_who_appraises_is_told_once_a_month_that_files_are_due(cast):
    filed(cast)
    assert appraisals.watch_files(now=ARCHIVED)["told"] == 0
    assert appraisals.watch_files(now=OVER)["told"] > 0
    assert appraisals.watch_files(now=OVER + timedelta(days=1))["told"] == 0
    assert appraisals.watch_files(now=OVER + timedelta(days=31))["told"] > 0
    row = Notification.objects.filter(kind="files_due", recipient=cast.coordinator).first()
    assert "1" in sentence(row)
    assert row.url == reverse("complaints:appraisals")


# --- Pages ----------------------------------------------------------------------------------------
def test_arc_04_the_whole_way_through_the_pages(client, cast):
    file = overdue(filed(cast))
    client.force_login(cast.coordinator)
    page = client.get(reverse("complaints:appraisals"))
    assert file.number in page.content.decode()
    assert client.post(reverse("complaints:appraisal_open")).status_code == 422
    answer = client.post(reverse("complaints:appraisal_open"), {"file": [file.pk]})
    row = Appraisal.objects.get()
    assert answer["Location"] == reverse("complaints:appraisal", args=[row.number])

    def act(who, action, **data):
        client.force_login(who)
        row.refresh_from_db()
        values = {"version": row.version, **data}
        return client.post(reverse("complaints:appraisal_act", args=[row.number, action]), values)

    item = row.items.get().pk
    assert act(cast.coordinator, "judge", item=item, outcome="keep", reason="x").status_code == 422
    assert act(cast.coordinator, "judge", outcome="destroy", reason="x").status_code == 422
    assert act(cast.coordinator, "judge", item=item, outcome="destroy", reason="已过保管期限").status_code == 302
    assert act(cast.coordinator, "approve").status_code == 403
    assert act(cast.coordinator2, "approve", version=0).status_code == 409
    assert act(cast.coordinator2, "approve").status_code == 302
    assert act(cast.coordinator2, "carry-out").status_code == 409
    assert act(cast.coordinator2, "witness").status_code == 302
    assert "再次批准" not in client.get(reverse("complaints:appraisal", args=[row.number])).content.decode()
    assert act(cast.coordinator, "carry-out").status_code == 302
    for view in ("lists", "destroyed"):
        text = client.get(reverse("complaints:appraisals"), {"view": view}).content.decode()
        assert row.number in text
    lines = b"".join(client.get(reverse("complaints:destruction_register")).streaming_content).decode().splitlines()
    assert len(lines) == 2
    assert {file.number, file.index_hash, "已过保管期限"} <= set(lines[1].split(","))
    assert "张桂芳" not in lines[1]
    page = client.get(reverse("complaints:case_file", args=[file.complaint.number])).content.decode()
    assert "已销毁" in page
    assert client.get(reverse("complaints:detail", args=[file.complaint.number])).status_code == 200


def test_arc_04_a_list_may_be_given_up_with_a_reason_and_its_files_are_due_again(client, cast):
    file = overdue(filed(cast))
    row = appraisals.open_list([file.pk], by=cast.coordinator)
    client.force_login(cast.coordinator2)
    address = reverse("complaints:appraisal_act", args=[row.number, "cancel"])
    assert client.post(address, {"version": 0}).status_code == 422
    assert client.post(address, {"version": 0, "reason": "清单有误"}).status_code == 302
    assert client.post(address, {"version": 1, "reason": "清单有误"}).status_code == 409
    assert list(appraisals.due(today=timezone.localdate())) == [file]


def test_arc_04_others_see_nothing_of_the_appraisal(client, cast):
    row = approved(cast, filed(cast))
    client.force_login(cast.water_handler)
    for name, args in (("appraisals", []), ("appraisal", [row.number]), ("destruction_register", [])):
        assert client.get(reverse(f"complaints:{name}", args=args)).status_code == 403
    client.force_login(cast.coordinator)
    assert reverse("complaints:appraisals") in client.get(reverse("complaints:archive")).content.decode()
    client.force_login(cast.intake)
    assert reverse("complaints:appraisals") not in client.get(reverse("complaints:archive")).content.decode()


def test_arc_04_a_destroyed_file_is_lent_to_nobody(cast):
    file = filed(cast)
    carried_out(cast, file)
    with pytest.raises(IllegalTransition):
        consultation.request_consultation(
            file.complaint_id, reader="法院", purpose="调卷", by=cast.coordinator, at=OVER
        )


def test_arc_04_the_pages_ask_the_same_number_of_questions_however_many_files(
    client, cast, django_assert_max_num_queries
):
    client.force_login(cast.coordinator)
    for _ in range(3):
        overdue(filed(cast))
    address = reverse("complaints:appraisals")
    client.get(address)
    with django_assert_max_num_queries(12) as few:
        client.get(address)
    overdue(filed(cast))
    with django_assert_max_num_queries(len(few)):
        client.get(address)
