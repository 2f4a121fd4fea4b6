"""The report of a test, the head who rings in person, the cause as it was explained (COO-16, COO-17, COO-18)."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from complaints import archive, transitions
from complaints.models import Attachment, CaseTask, CauseExplanation, Complaint, InvestigationStep
from complaints.states import Channel, ContactDirection, ContactOutcome, ContactPurpose, EvidenceKind, InvestigationKind
from complaints.tests.factories import Story, at
from complaints.transitions import explanations

pytestmark = pytest.mark.django_db

WHEN = at("2026-11-17 09:00")
CAUSE = "主管道老化爆裂，抢修备件不足，因此停水超过 24 小时"


@pytest.fixture
def story(cast) -> Story:
    """A case that the water department handles."""
    return Story(cast).accept().assign().start()


def page(client, story, name="coordination", **query) -> str:
    return client.get(reverse(f"complaints:{name}", args=[story.case.number]), query).content.decode()


def ring(story, by, **changes):
    values = {
        "direction": ContactDirection.OUT,
        "channel": Channel.PHONE,
        "purpose": ContactPurpose.PROGRESS,
        "summary": "向投诉人当面致歉并说明抢修安排",
        "at": WHEN,
        **changes,
    }
    return transitions.add_contact(story.pk, by=by, **values)


# --- The report of a technical inspection ---------------------------------------------------------
def test_coo_16_a_technical_inspection_comes_with_its_report(client, cast, story, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    client.force_login(cast.water_handler)
    address = reverse("complaints:step", args=[story.case.number])
    data = {"investigated": "inspection", "summary": "水样浊度 0.3 NTU，合格"}
    answer = client.post(address, data)
    assert answer.status_code == 422
    assert "技术检测的报告" in answer.content.decode()
    assert not InvestigationStep.objects.exists()
    report = SimpleUploadedFile("检测报告.pdf", b"%PDF-1.7\n" + b" " * 300)
    assert client.post(address, {**data, "files": report}).status_code == 302
    row = InvestigationStep.objects.get()
    assert row.evidence == Attachment.objects.get()
    assert row.evidence.evidence_kind == EvidenceKind.TEST_REPORT
    client.force_login(cast.coordinator)
    text = page(client, story, "detail")
    assert "检测报告.pdf" in text
    assert reverse("complaints:download", args=[story.case.number, row.evidence_id]) in text


def test_coo_16_the_report_is_one_of_this_case_and_nothing_is_half_saved(client, cast, story, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    with pytest.raises(InvalidInput) as refused:
        transitions.add_investigation_step(
            story.pk, by=cast.water_handler, kind=InvestigationKind.INSPECTION, summary="合格", at=WHEN
        )
    assert refused.value.field == "evidence"
    client.force_login(cast.water_handler)
    report = SimpleUploadedFile("检测报告.pdf", b"%PDF-1.7\n" + b" " * 300)
    data = {"investigated": "inspection", "summary": " ", "files": report}
    assert client.post(reverse("complaints:step", args=[story.case.number]), data).status_code == 422
    assert not Attachment.objects.exists()


# --- The head in person ---------------------------------------------------------------------------
def test_coo_17_a_contact_by_the_head_of_the_department_is_marked_as_such(client, cast, story):
    ring(story, cast.water_handler, summary="例行告知")
    ring(story, cast.water_head)
    client.force_login(cast.coordinator)
    assert page(client, story, "detail").count("负责人亲自联系") >= 1
    shown = page(client, story, "detail", show="head")
    assert "向投诉人当面致歉" in shown
    assert "例行告知" not in shown
    text = page(client, story)
    assert "向投诉人当面致歉" in text
    assert "例行告知" not in text


def test_coo_17_an_attempt_in_vain_or_by_another_department_is_not_the_head_in_person(client, cast, story):
    ring(story, cast.water_head, outcome=ContactOutcome.NO_ANSWER, summary="")
    client.force_login(cast.coordinator)
    assert "负责人尚未" in page(client, story)


def test_coo_17_one_press_asks_the_head_to_ring(client, cast, story):
    client.force_login(cast.coordinator)
    assert "请负责人致电" in page(client, story)
    address = reverse("complaints:head_call", args=[story.case.number])
    assert client.post(address).status_code == 302
    task = CaseTask.objects.get()
    assert (task.owner, task.department) == (cast.water_head, cast.water)
    assert client.post(address).status_code == 409
    assert CaseTask.objects.count() == 1
    client.force_login(cast.roads_handler)
    assert client.post(address).status_code == 404


def test_coo_17_a_department_without_a_head_cannot_be_asked(cast):
    story = Story(cast).accept().assign(department=cast.roads)
    with pytest.raises(IllegalTransition):
        explanations.ask_head(story.pk, by=cast.coordinator, at=WHEN)


# --- The cause ------------------------------------------------------------------------------------
def test_coo_18_the_cause_is_kept_with_the_contact_in_which_it_was_told(client, cast, story):
    contact = ring(story, cast.water_handler)
    client.force_login(cast.water_handler)
    address = reverse("complaints:explanation", args=[story.case.number])
    assert client.post(address, {"cause": " "}).status_code == 422
    assert client.post(address, {"cause": CAUSE, "contact": contact.pk}).status_code == 302
    row = CauseExplanation.objects.get()
    assert (row.cause, row.contact, row.by) == (CAUSE, contact, cast.water_handler)
    assert CAUSE in page(client, story)
    client.force_login(cast.coordinator)
    assert CAUSE in page(client, story, "detail")


def test_coo_18_only_a_contact_of_this_case_that_reached_somebody(cast, story):
    other = ring(Story(cast).accept().assign().start(), cast.water_handler)
    vain = ring(story, cast.water_handler, outcome=ContactOutcome.NO_ANSWER, summary="")
    for contact in (other, vain):
        with pytest.raises(InvalidInput) as refused:
            explanations.explain_cause(story.pk, cause=CAUSE, contact=contact, by=cast.water_handler, at=WHEN)
        assert refused.value.field == "contact"
    with pytest.raises(NotAllowed):
        explanations.explain_cause(story.pk, cause=CAUSE, by=cast.roads_handler, at=WHEN)


def test_coo_18_the_reply_editor_offers_the_explanation(client, cast, story):
    explanations.explain_cause(story.pk, cause=CAUSE, by=cast.water_handler, at=WHEN)
    client.force_login(cast.water_handler)
    address = reverse("complaints:action", args=[story.case.number, "submit_for_check"])
    plain = client.get(address)
    assert CAUSE in plain.content.decode()
    assert CAUSE not in str(plain.context["form"]["process"])
    assert CAUSE in str(client.get(address, {"explanation": "1"}).context["form"]["process"])


def test_coo_18_closing_a_valid_complaint_without_an_explanation_warns(client, cast):
    story = Story(cast).to_reply().call_back()
    Complaint.objects.filter(pk=story.pk).update(is_valid=True)
    client.force_login(cast.coordinator)
    address = reverse("complaints:action", args=[story.case.number, "close"])
    assert "对原因的解释" in client.get(address).content.decode()
    explanations.explain_cause(story.pk, cause=CAUSE, by=cast.water_handler, at=at("2026-11-20 11:00"))
    assert "对原因的解释" not in client.get(address).content.decode()


def test_coo_18_the_explanation_belongs_in_the_file_of_the_case(cast, story):
    explanations.explain_cause(story.pk, cause=CAUSE, by=cast.water_handler, at=WHEN)
    assert "explanation" in [entry["kind"] for entry in archive.build_index(story.case)]
