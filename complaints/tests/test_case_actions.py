"""What a person meets while acting on a case: the whole way, conflicts, errors (AZ-13, CC-02, SCR, FB)."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.errors import InvalidInput
from complaints import transitions
from complaints.models import Complaint
from complaints.tests.factories import Story, at, registered


def post(client, who, story_or_number, action, **fields):
    """Sign in as `who`, open the action's page, and send its form back with these fields."""
    number = story_or_number if isinstance(story_or_number, str) else story_or_number.case.number
    client.force_login(who)
    url = reverse("complaints:action", args=[number, action])
    shown = client.get(url)
    assert shown.status_code == 200, (action, shown.status_code)
    version = re.search(r'name="version" value="(\d+)"', shown.content.decode()).group(1)
    return client.post(url, {"version": version, **fields})


def test_the_whole_way_on_the_page(cast, client):
    """Sequence rule 1: intake to closing, each step by the person whose work it is (CLS-19, IMP-16)."""
    receipt = registered()
    number = receipt.complaint.number
    page = reverse("complaints:detail", args=[number])
    accepted = {
        "rule": "供水服务在受理范围内",
        "category": "water-outage",
        "severity": "moderate",
        "complexity": "simple",
    }
    called = {"outcome": "reached", "is_solved": "true", "satisfaction": "satisfied"}
    # Some limits are over by the time this test runs, so the closing names a reason.
    closing = {"is_systemic": "true", "is_cured": "false", "late_reason": "other"}
    points = dict.fromkeys(("lawful", "demand", "investigation", "clear", "timely"), "80")
    points = {f"points_{code}": value for code, value in points.items()}
    walk = [
        (cast.intake, "accept", accepted, "accepted"),
        (cast.intake, "grade_risk", {"grade": "high", "reason": "可能见报"}, "accepted"),
        (cast.coordinator, "assign", {"department": "water", "supporting": ["roads"], "task": "查明原因"}, "assigned"),
        (cast.water_handler, "start", {}, "in_progress"),
        (cast.roads_handler, "finish_supporting", {"result": "已核实"}, "in_progress"),
        (
            cast.water_handler,
            "submit_for_check",
            {"process": "查了日志", "result": "12 月 20 日前换管"},
            "quality_check",
        ),
        (cast.checker, "return_for_rework", {"comment": "没答第二项", "days": 3}, "in_progress"),
        (cast.water_handler, "submit_for_check", {"process": "查了日志", "result": "两项都答"}, "quality_check"),
        (cast.checker, "pass_quality", {"lawful": "true", "meets_demand": "true", **points}, "legal_check"),
        (cast.counsel, "pass_legal", {"comment": "同意"}, "replied"),
        (cast.intake, "call_back", called, "replied"),
        (cast.coordinator, "close", closing, "closed"),
    ]
    for who, action, fields, status in walk:
        response = post(client, who, number, action, **fields)
        assert (response.status_code, response.headers.get("Location")) == (302, page), action
        assert Complaint.objects.get(number=number).status == status, action
    case = Complaint.objects.get(number=number)
    assert (case.is_systemic, case.is_cured, case.closed_by) == (True, False, cast.coordinator)
    assert [reply.state for reply in case.replies.all()] == ["returned", "sent"]
    kinds = list(case.events.exclude(version=None).values_list("kind", flat=True))
    assert kinds == ["register", *(action for _who, action, _fields, _status in walk)]
    client.force_login(cast.coordinator)
    assert client.get(page).status_code == 200


def test_unknown_action_is_not_found(cast, client):
    story = Story(cast)
    client.force_login(cast.intake)
    for action in ("delete", "set_due", "edit"):
        url = reverse("complaints:action", args=[story.case.number, action])
        assert (client.get(url).status_code, client.post(url).status_code) == (404, 404)


def test_stale_page_keeps_the_text_and_shows_what_changed(cast, client):
    """CC-02, S13: the loser of two tabs gets 409, keeps the text, sees who did what, and can decide again."""
    story = Story(cast)
    seen = story.case.version
    transitions.grade_risk(story.pk, by=cast.coordinator, grade="high", reason="可能见报", at=at("2026-11-16 09:30"))
    client.force_login(cast.intake)
    url = reverse("complaints:action", args=[story.case.number, "accept"])
    typed = {"rule": "我写的受理依据", "category": "water-outage", "severity": "moderate", "complexity": "simple"}
    response = client.post(url, {"version": seen, **typed})
    page = response.content.decode()
    assert response.status_code == 409
    assert "我写的受理依据" in page
    assert "周明远" in page
    assert f'name="version" value="{seen + 1}"' in page
    assert story.case.status == "registered"
    again = client.post(url, {"version": seen + 1, **typed})
    assert again.status_code == 302
    assert story.case.status == "accepted"


def test_a_form_without_a_version_is_not_taken(cast, client):
    """CC-02: no version, no write."""
    story = Story(cast).accept().assign()
    client.force_login(cast.water_handler)
    url = reverse("complaints:action", args=[story.case.number, "start"])
    assert client.post(url).status_code == 422
    assert story.case.status == "assigned"


def test_missing_fields_are_named_where_they_are(cast, client):
    """SCR-03, SCR-04: the reason and where to turn; what was typed stays."""
    story = Story(cast)
    response = post(
        client, cast.intake, story, "refuse", ground="out_of_scope", rule="市政管理事项", reason="不归我们管"
    )
    page = response.content.decode()
    assert response.status_code == 422
    assert "不归我们管" in page
    # The transition's refusal stands at the field it names.
    assert 'id="refuse_body_error"' in page
    assert story.case.status == "registered"


def test_wrong_state_is_a_conflict(cast, client):
    """Sequence rule 1: a skipped step answers 409 and says what the state is."""
    story = Story(cast)
    client.force_login(cast.coordinator)
    url = reverse("complaints:action", args=[story.case.number, "assign"])
    for response in (
        client.get(url),
        client.post(url, {"version": story.case.version, "department": "water", "task": "x"}),
    ):
        assert response.status_code == 409
        assert 'class="callout callout-bad"' in response.content.decode()
    assert story.case.status == "registered"


def test_closing_too_early_says_what_is_missing(cast, client):
    """FB-06, SLA-03: first the call-back; a missed limit needs its reason."""
    story = Story(cast).to_reply()
    response = post(client, cast.coordinator, story, "close", is_systemic="true", is_cured="true", late_reason="other")
    assert response.status_code == 409
    story.call_back()
    Complaint.objects.get(pk=story.pk).deadlines.filter(milestone="resolve").update(state="missed")
    late = post(client, cast.coordinator, story, "close", is_systemic="true", is_cured="true")
    assert late.status_code == 422
    assert 'id="close_late_reason_error"' in late.content.decode()
    assert story.case.status == "replied"


def test_dissatisfied_needs_a_reason(cast, client):
    """FB-07, FB-08."""
    story = Story(cast).to_reply()
    fields = {"outcome": "reached", "is_solved": "false", "satisfaction": "dissatisfied"}
    response = post(client, cast.intake, story, "call_back", **fields)
    assert response.status_code == 422
    assert 'id="call_back_reason_error"' in response.content.decode()
    assert post(client, cast.intake, story, "call_back", reason="waited", **fields).status_code == 302
    row = story.case.callbacks.get()
    assert (row.satisfaction, row.reason, row.is_solved) == ("dissatisfied", "waited", False)


def test_an_attempt_in_vain_is_recorded(cast, client):
    """COO-06: no answer, no rating, but a communication on the file."""
    story = Story(cast).to_reply()
    assert post(client, cast.intake, story, "call_back", outcome="no_answer").status_code == 302
    assert story.case.callbacks.get().satisfaction == ""
    assert story.case.communications.filter(purpose="call_back").get().outcome == "no_answer"


def test_return_is_asked_for_and_decided(cast, client):
    """ASG-06: a department asks, the office decides; designated, there is no second time."""
    story = Story(cast).accept().assign().start()
    story.case.assignments.update(assigned_at=timezone.now())
    assert post(client, cast.water_handler, story, "request_return", reason="属于物业").status_code == 302
    assert post(client, cast.coordinator, story, "refuse_return", note="管网是你们的").status_code == 302
    again = post(client, cast.water_handler, story, "request_return", reason="还是属于物业")
    assert again.status_code == 409
    lead = story.case.assignments.get()
    assert (lead.is_designated, lead.return_reason) == (True, "属于物业")


@pytest.mark.parametrize(("approve", "state"), [("true", "approved"), ("false", "refused")])
def test_pause_is_decided_by_another(approve, state, cast, client):
    """SLA-13: asked for by one, decided by another."""
    story = Story(cast).accept().assign().start()
    assert (
        post(client, cast.coordinator, story, "request_pause", reason="appraisal", evidence="送检单").status_code == 302
    )
    url = reverse("complaints:action", args=[story.case.number, "approve_pause"])
    assert client.post(url, {"version": story.case.version, "approve": "true", "days": 5}).status_code == 403
    assert post(client, cast.coordinator2, story, "approve_pause", approve=approve).status_code == 302
    assert story.case.pauses.get().state == state


def test_load_of_the_departments_stands_beside_their_names(cast, client):
    """ASG-13: the person who assigns sees how many open cases each department has."""
    Story(cast).accept().assign()
    story = Story(cast).accept()
    client.force_login(cast.coordinator)
    page = client.get(reverse("complaints:action", args=[story.case.number, "assign"])).content.decode()
    options = dict(re.findall(r'<option value="(water|roads)">([^<]+)</option>', page))
    assert {code: re.search(r"\d+", text).group() for code, text in options.items()} == {"water": "1", "roads": "0"}


def test_notes_contacts_and_evidence_reach_the_record(cast, client):
    """COO-05, CLS-17, COO-13, COO-15, CASE-04, SLA-11: what is added shows on the page."""
    story = Story(cast).accept().assign().start()
    number = story.case.number
    client.force_login(cast.water_handler)
    added = {
        "note": {"text": "现场已看过"},
        "contact": {
            "direction": "out",
            "channel": "phone",
            "purpose": "progress",
            "outcome": "reached",
            "summary": "告知正在换管",
        },
        "step": {"investigated": "site", "summary": "三处老化"},
        "allegation": {"text": "停水没有通知"},
        "responsibility": {"department": "water", "post": "管网主任", "summary": "没有安排换管"},
        "remedy": {"remedy": "compensation", "description": "减免水费", "amount": "60.00", "is_owed": "false"},
        "improvement": {"what": "更换管道", "department": "water", "post": "管网主任", "due_on": "2031-03-31"},
        "question_add": {"question": "reminder", "channel": "phone", "text": "几时答复"},
    }
    for kind, fields in added.items():
        response = client.post(reverse(f"complaints:{kind}", args=[number]), fields)
        assert response.status_code == 302, (kind, response.content.decode()[:500])
    point = story.case.allegations.get()
    finding = {"finding": "substantiated", "reason": "公告栏没有通知"}
    assert client.post(reverse("complaints:finding", args=[number, point.pk]), finding).status_code == 302
    page = client.get(reverse("complaints:detail", args=[number])).content.decode()
    for text in (
        "现场已看过",
        "告知正在换管",
        "三处老化",
        "停水没有通知",
        "没有安排换管",
        "减免水费",
        "更换管道",
        "几时答复",
        "公告栏没有通知",
    ):
        assert text in page, text
    assert story.case.remedies.get().is_owed is False
    # The complainant hears nothing of a note: its reader is the staff.
    assert story.case.notes.get().department == cast.water


def test_a_file_is_kept_with_its_source(cast, client):
    """ARC-06; a file that is none is refused at its field, and the archive takes nothing."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    story = Story(cast).accept().assign().start()
    client.force_login(cast.water_handler)
    url = reverse("complaints:attachment", args=[story.case.number])
    pdf = SimpleUploadedFile("../调度单.pdf", b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF", "application/pdf")
    response = client.post(url, {"files": pdf, "evidence_kind": "system_record", "source": "供水集团"})
    assert response.status_code == 302, re.findall(r'class="error-summary.*?</div>', response.content.decode(), re.S)
    row = story.case.attachments.get()
    assert (row.name, row.source, row.from_complainant) == ("调度单.pdf", "供水集团", False)
    download = client.get(reverse("complaints:download", args=[story.case.number, row.pk]))
    assert b"".join(download.streaming_content).startswith(b"%PDF")
    assert download["Content-Disposition"].startswith("attachment")
    bad = client.post(
        url, {"files": SimpleUploadedFile("x.exe", b"MZ\x90\x00"), "evidence_kind": "other", "source": "供水集团"}
    )
    assert bad.status_code == 422
    assert story.case.attachments.count() == 1


def test_nothing_is_added_to_the_archive(cast, client):
    story = Story(cast).to_reply().call_back().close(late_reason="coordination")
    transitions.archive(story.pk, by=cast.coordinator, at=at("2026-11-21 09:00"))
    client.force_login(cast.coordinator)
    response = client.post(reverse("complaints:note", args=[story.case.number]), {"text": "迟到的记录"})
    assert response.status_code == 409
    assert "迟到的记录" in response.content.decode()
    assert story.case.notes.count() == 0


# --- Texts nobody could read ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "field", "rest"),
    [
        ("remedies", "description", {"remedy": "apology", "is_owed": "True"}),
        ("steps", "summary", {"investigated": "site"}),
        ("points", "text", {}),
        ("responsibilities", "summary", {}),
        ("improvements", "what", {"due_on": "2027-01-15"}),
        ("improvements", "acceptance_test", {"what": "换管道", "due_on": "2027-01-15"}),
    ],
)
def test_a_megabyte_is_refused_at_its_field_and_what_a_letter_can_hold_is_kept(client, cast, path, field, rest):
    """A text of hundreds of thousands of characters would stand on the case page and in the letter for ever."""
    story = Story(cast).accept().assign().start()
    client.force_login(cast.water_handler)
    address = f"/desk/cases/{story.case.number}/{path}/"
    values = {"department": cast.water.code, "post": "班长", **rest}
    answer = client.post(address, values | {field: "长" * 20_001})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert "20000" in str(answer.context["form"].errors[field])
    assert client.post(address, values | {field: "长" * 2000}).status_code == 302


@pytest.mark.parametrize("field", ["comment", "questions_answered"])
def test_what_is_said_in_a_call_back_is_bounded_too(cast, field):
    story = Story(cast).to_reply()
    with pytest.raises(InvalidInput) as refused:
        story.call_back(**{field: "说" * 20_001})
    assert refused.value.field == field
    assert not story.case.callbacks.exists()
