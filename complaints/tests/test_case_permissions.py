"""Role × action over the pages (guarantees, matrix rows 13 to 27, 39, 47; AZ-01, AZ-13, AZ-15).

Every cell is a direct POST without the page before: 302 to the sign-in for nobody, 404 for who does
not see the case, 403 with one row in the security log for who may not act, and for the others a form
that asks for what is missing (422) or a move (302). Refusals change nothing.
"""

from __future__ import annotations

import pytest
from django.db import transaction
from django.urls import reverse

from accounts.models import SecurityEvent
from complaints import transitions
from complaints.action_forms import FORMS
from complaints.models import CaseEvent, Complaint, ImportBatch, OutstandingItem
from complaints.record_forms import FORMS as RECORDS
from complaints.states import MOVES, Channel
from complaints.tests.factories import Story, at

PEOPLE = (
    *("intake", "coordinator", "checker", "water_handler", "water_head", "roads_handler", "counsel", "reviewer"),
    *("head_of_review", "publisher", "publication_checker", "manager", "auditor", "administrator"),
)
OFFICE = {"intake", "coordinator", "checker", "auditor"}
WATER = {"water_handler", "water_head"}
AT_WORK = OFFICE | WATER | {"roads_handler", "manager"}


# --- Cases in every state an action starts from -----------------------------------------------
def accepted(cast) -> Story:
    return Story(cast).accept()


def assigned(cast) -> Story:
    return Story(cast).accept().assign(supporting=[cast.roads])


def working(cast) -> Story:
    return assigned(cast).start()


def waiting(cast) -> Story:
    story = Story(cast)
    transitions.request_information(story.pk, by=cast.intake, items="缴费凭证", at=at("2026-11-16 10:00"))
    return story


def refused(cast) -> Story:
    story = Story(cast)
    transitions.refuse(story.pk, by=cast.intake, ground="no_matter", reason="没有具体事项", at=at("2026-11-16 10:00"))
    return story


def returning(cast) -> Story:
    story = working(cast)
    transitions.request_return(story.pk, by=cast.water_handler, reason="属于物业", at=at("2026-11-16 12:00"))
    return story


def pausing(cast) -> Story:
    story = working(cast)
    transitions.request_pause(
        story.pk, by=cast.water_handler, reason="appraisal", evidence="送检单", at=at("2026-11-16 12:00")
    )
    return story


def paused(cast) -> Story:
    story = pausing(cast)
    transitions.approve_pause(story.pk, by=cast.coordinator2, approve=True, at=at("2026-11-16 14:00"))
    return story


def extending(cast) -> Story:
    story = working(cast)
    transitions.request_extension(story.pk, by=cast.water_handler, reason="要评审", at=at("2026-11-16 12:00"))
    return story


def resetting(cast) -> Story:
    story = working(cast)
    transitions.request_reset(
        story.pk, by=cast.water_handler, facts="另一栋楼也停水", evidence="居民来电", at=at("2026-11-16 12:00")
    )
    return story


def checking(cast) -> Story:
    return Story(cast).accept().assign().start().submit()


def legal(cast) -> Story:
    return Story(cast).high_risk().accept().assign().start().submit().reply()


def replied(cast) -> Story:
    return Story(cast).to_reply()


def rated(cast) -> Story:
    return replied(cast).call_back()


def closed(cast) -> Story:
    return rated(cast).close(late_reason="coordination")


def proposed(cast) -> Story:
    story = Story(cast)
    transitions.propose_unreasonable(story.pk, by=cast.intake2, reason="要求赔偿一百万", at=at("2026-11-16 12:00"))
    return story


def linked(cast) -> Story:
    story = Story(cast)
    other, noon = Story(cast).case, at("2026-11-16 12:00")
    transitions.link(story.pk, other=other, kind="same_person", reason="同一电话", by=cast.coordinator2, at=noon)
    return story


def merged(cast) -> Story:
    story = Story(cast)
    primary, noon = Story(cast).case, at("2026-11-16 12:00")
    transitions.merge(story.pk, primary=primary, reason="同一次停水", by=cast.coordinator2, at=noon)
    return story


def gathered(cast) -> Story:
    story = Story(cast)
    transitions.open_incident([story.pk], title="城东停水", by=cast.coordinator2, at=at("2026-11-16 12:00"))
    return story


def imported(cast) -> Story:
    story = Story(cast)
    batch = ImportBatch.objects.create(file_hash="0" * 64, source="old.csv")
    Complaint.objects.filter(pk=story.pk).update(import_batch=batch)
    with transaction.atomic():
        transitions.add_event(transitions.lock(story.pk), "import", by=cast.intake, at=at("2026-11-16 12:00"))
    return story


# action → (case, who sees it, who may act)
TABLE = {
    "request_information": (Story, OFFICE, {"intake", "coordinator"}),
    "receive_information": (waiting, OFFICE, {"intake", "coordinator"}),
    "accept": (Story, OFFICE, {"intake", "coordinator"}),
    "refuse": (Story, OFFICE, {"intake", "coordinator"}),
    "rescreen": (refused, OFFICE, {"coordinator"}),
    "withdraw": (Story, OFFICE, {"intake", "coordinator"}),
    "classify": (Story, OFFICE, {"intake", "coordinator"}),
    "grade_risk": (Story, OFFICE, {"intake", "coordinator"}),
    "record_facts": (Story, OFFICE, {"intake", "coordinator"}),
    "judge_validity": (Story, OFFICE, {"intake", "coordinator"}),
    "propose_unreasonable": (Story, OFFICE, {"intake", "coordinator"}),
    "decide_unreasonable": (proposed, OFFICE, {"intake", "coordinator"}),
    "link": (Story, OFFICE, {"coordinator"}),
    "unlink": (linked, OFFICE, {"coordinator"}),
    "merge": (Story, OFFICE, {"coordinator"}),
    "undo_merge": (merged, OFFICE, {"coordinator"}),
    "join_incident": (Story, OFFICE, {"coordinator"}),
    "leave_incident": (gathered, OFFICE, {"coordinator"}),
    "undo_import": (imported, OFFICE, {"intake", "coordinator"}),
    "assign": (accepted, OFFICE, {"coordinator"}),
    "reassign": (working, AT_WORK, {"coordinator", "manager"}),
    "add_supporting": (working, AT_WORK, {"coordinator", "manager"}),
    "request_return": (working, AT_WORK, WATER),
    "grant_return": (returning, AT_WORK, {"coordinator"}),
    "refuse_return": (returning, AT_WORK, {"coordinator"}),
    "start": (assigned, AT_WORK, WATER),
    "hand_over": (working, AT_WORK, WATER),
    "receive_task": (working, AT_WORK, {"roads_handler"}),
    "finish_supporting": (working, AT_WORK, {"roads_handler"}),
    "submit_for_check": (working, AT_WORK, WATER | {"intake"}),
    "return_for_rework": (checking, AT_WORK - {"roads_handler"}, {"checker"}),
    "pass_quality": (checking, AT_WORK - {"roads_handler"}, {"checker"}),
    "pass_legal": (legal, AT_WORK - {"roads_handler"} | {"counsel"}, {"counsel"}),
    "return_from_legal": (legal, AT_WORK - {"roads_handler"} | {"counsel"}, {"counsel"}),
    "request_pause": (working, AT_WORK, WATER | {"roads_handler", "coordinator"}),
    "approve_pause": (pausing, AT_WORK, {"coordinator", "manager"}),
    "resume": (paused, AT_WORK, WATER | {"roads_handler", "coordinator"}),
    "request_extension": (working, AT_WORK, WATER | {"roads_handler", "coordinator"}),
    "approve_extension": (extending, AT_WORK, {"coordinator", "manager"}),
    "request_reset": (working, AT_WORK, WATER | {"roads_handler", "coordinator"}),
    "approve_reset": (resetting, AT_WORK, {"coordinator", "manager"}),
    "call_back": (replied, AT_WORK - {"roads_handler"}, {"intake"}),
    "rate": (replied, AT_WORK - {"roads_handler"}, {"intake", "coordinator"}),
    "close": (rated, AT_WORK - {"roads_handler"}, {"coordinator", "manager"}),
    "reopen": (replied, AT_WORK - {"roads_handler"}, {"coordinator"}),
    "archive": (closed, AT_WORK - {"roads_handler"} | {"publisher"}, {"coordinator"}),
}
# Actions without a field: a POST with the version alone is complete.
COMPLETE = {"start", "receive_task", "resume", "archive", "grant_return"}


def test_every_action_has_a_form_and_a_row_in_the_table():
    """AZ-14 in small: no action without a page, no page without a rule."""
    assert set(FORMS) == set(MOVES) == set(TABLE) == set(transitions.ACTIONS)


def _state(pk: int) -> tuple:
    case = Complaint.objects.get(pk=pk)
    return case.version, case.status, CaseEvent.objects.filter(complaint=pk).count()


@pytest.mark.parametrize("action", TABLE)
def test_direct_post_is_answered_by_role(action, cast, client):
    """QUA-02, QUA-08: among others, a handler and their head neither check, nor call back, nor rate."""
    make, seers, actors = TABLE[action]
    story = make(cast)
    url = reverse("complaints:action", args=[story.case.number, action])
    before = _state(story.pk)
    client.logout()
    assert client.post(url, {"version": before[0]}).status_code == 302
    assert client.post(url).url.startswith("/accounts/login/")
    answers, logged = {}, {}
    for name in [name for name in PEOPLE if name not in actors]:
        rows = SecurityEvent.objects.filter(kind="refused").count()
        client.force_login(getattr(cast, name))
        answers[name] = client.post(url, {"version": before[0]}).status_code
        logged[name] = SecurityEvent.objects.filter(kind="refused").count() - rows
    assert answers == {name: 403 if name in seers else 404 for name in answers}
    assert logged == {name: 1 if name in seers else 0 for name in logged}
    assert _state(story.pk) == before  # refusals changed nothing
    for name in sorted(actors):
        client.force_login(getattr(cast, name))
        assert client.get(url).status_code == 200, name
        if action not in COMPLETE:
            assert client.post(url, {"version": before[0]}).status_code == 422, name
            assert _state(story.pk) == before
    if action in COMPLETE:
        assert client.post(url, {"version": before[0]}).status_code == 302
        assert _state(story.pk)[0] == before[0] + 1


# kind of record → who may add it to a case being handled by water with roads supporting
ADDERS = {
    "note": {"intake", "coordinator", "checker", "roads_handler"} | WATER,
    "contact": {"intake", "coordinator", "roads_handler"} | WATER,
    "contact_point": {"intake", "coordinator"},
    "attachment": {"intake", "coordinator", "checker", "roads_handler"} | WATER,
    "step": {"intake", "coordinator", "checker", "roads_handler"} | WATER,
    "allegation": {"intake", "coordinator", "checker", "roads_handler"} | WATER,
    "responsibility": {"intake", "roads_handler"} | WATER,
    "remedy": {"intake", "roads_handler"} | WATER,
    "improvement": {"intake", "roads_handler"} | WATER,
    "question_add": {"intake", "coordinator", "roads_handler"} | WATER,
    "finding": {"intake", "roads_handler"} | WATER,
    "improvement_report": {"intake", "roads_handler"} | WATER,
    "improvement_verify": {"coordinator", "checker"},
    "question_answer": {"intake", "coordinator", "roads_handler"} | WATER,
    "outstanding": {"intake", "coordinator", "roads_handler"} | WATER,
}


def _record_urls(story: Story, cast) -> dict[str, str]:
    number = story.case.number
    point = transitions.add_allegation(story.pk, by=cast.water_handler, text="停水没有通知", at=at("2026-11-16 12:00"))
    item = transitions.add_improvement(
        story.pk,
        by=cast.water_handler,
        what="换管",
        department=cast.water,
        due_on=at("2027-03-31 00:00").date(),
        at=at("2026-11-16 12:00"),
    )
    asked = transitions.add_question(
        story.pk, by=cast.intake, kind="reminder", text="几时答复", channel=Channel.PHONE, at=at("2026-11-16 12:00")
    )
    owed = OutstandingItem.objects.create(complaint=story.case, text="户号", asked_at=at("2026-11-16 12:00"))
    about = {
        "finding": point.pk,
        "improvement_report": item.pk,
        "improvement_verify": item.pk,
        "question_answer": asked.pk,
        "outstanding": owed.pk,
    }
    return {
        kind: reverse(f"complaints:{kind}", args=[number, *([about[kind]] if kind in about else [])]) for kind in ADDERS
    }


def test_records_are_added_by_role(cast, client):
    """Matrix rows note and draft; the auditor and the manager read and add nothing."""
    story = working(cast)
    urls = _record_urls(story, cast)
    assert set(ADDERS) | {"copy"} == set(RECORDS)  # copies exist on confidential cases: test_case_files.py
    before = _state(story.pk)
    for name in PEOPLE:
        client.force_login(getattr(cast, name))
        got = {kind: client.get(url).status_code for kind, url in urls.items()}
        expected = {kind: 404 if name not in AT_WORK else 200 if name in ADDERS[kind] else 403 for kind in urls}
        assert got == expected, name
        posts = {kind: client.post(url).status_code for kind, url in urls.items() if expected[kind] != 200}
        assert posts == {kind: expected[kind] for kind in posts}, name
    assert _state(story.pk) == before


def test_a_record_of_another_case_is_not_found(cast, client):
    """AZ-01: a child's number works only under its own case."""
    mine, other = working(cast), accepted(cast)
    foreign = transitions.add_allegation(other.pk, by=cast.intake, text="别人的投诉点", at=at("2026-11-16 12:00"))
    client.force_login(cast.water_handler)
    url = reverse("complaints:finding", args=[mine.case.number, foreign.pk])
    assert client.post(url, {"finding": "substantiated", "reason": "x"}).status_code == 404
    foreign.refresh_from_db()
    assert foreign.finding == ""


def test_outsider_and_unknown_number_get_the_same_page(cast, client):
    """AZ-01: nothing tells an outsider that the case exists."""
    story = Story(cast)
    client.force_login(cast.roads_handler)
    bodies = []
    for number in (story.case.number, "HY-20261116-9999"):
        response = client.get(reverse("complaints:detail", args=[number]))
        assert response.status_code == 404
        text = response.content.decode()
        bodies.append(text[: text.index("E-2")] + text[text.index("E-2") + 22 :])
    assert bodies[0] == bodies[1]
    for name in ("print", "clocks", "timeline", "reveal", "note", "contact"):
        assert client.get(reverse(f"complaints:{name}", args=[story.case.number])).status_code == 404, name


def test_complainant_and_accused_never_see_the_case(cast, client):
    """S6, S7, COM-15: not even with the sight of all cases."""
    story = Story(cast)
    case = story.case
    case.accused_staff.add(cast.coordinator)
    case.complainant.staff_user = cast.intake
    case.complainant.save(update_fields=["staff_user"])
    for name in ("coordinator", "intake"):
        client.force_login(getattr(cast, name))
        assert client.get(reverse("complaints:detail", args=[case.number])).status_code == 404
        url = reverse("complaints:action", args=[case.number, "accept"])
        assert client.post(url, {"version": case.version}).status_code == 404


def test_access_ends_when_the_case_moves_away(cast, client):
    """AZ-02: the open session of the earlier department gets 404 at its next request."""
    story = working(cast)
    client.force_login(cast.water_handler)
    url = reverse("complaints:detail", args=[story.case.number])
    assert client.get(url).status_code == 200
    other = cast.legal_department
    transitions.reassign(story.pk, by=cast.coordinator, department=other, reason="属于法务", at=at("2026-11-17 09:00"))
    assert client.get(url).status_code == 404
    assert client.post(reverse("complaints:note", args=[story.case.number]), {"text": "迟到的记录"}).status_code == 404
    assert story.case.notes.count() == 0


def test_originals_need_the_permission(cast, client):
    """Matrix, orig: the auditor reads the case and opens no original."""
    from complaints.models import Attachment, StoredFile

    story = working(cast)
    file = StoredFile.objects.create(
        sha256="a" * 64, size=3, content_type="image/jpeg", stored_at=at("2026-11-16 09:12")
    )
    row = Attachment.objects.create(complaint=story.case, file=file, name="现场.jpg", at=at("2026-11-16 09:12"))
    url = reverse("complaints:download", args=[story.case.number, row.pk])
    client.force_login(cast.auditor)
    assert client.get(url).status_code == 403
    client.force_login(cast.reviewer)
    assert client.get(url).status_code == 404
    page = reverse("complaints:detail", args=[story.case.number])
    client.force_login(cast.auditor)
    assert url not in client.get(page).content.decode()
    client.force_login(cast.water_handler)
    assert url in client.get(page).content.decode()
