"""The feedback report as an edition of the periodic report (FB-17, FB-18)."""

import pytest
from django.urls import reverse
from django.utils import translation

from analytics import building, closing, narrative, reporting, transitions
from analytics.facts import Facts
from analytics.models import Report
from analytics.periods import parse
from analytics.scope import WHOLE
from analytics.tests.test_reports import NOW, fill
from complaints.models import Callback, Proposal
from complaints.tests.factories import Story, at, registered


@pytest.fixture
def month(cast):
    """One satisfied and one dissatisfied complainant, and six suggestions of which one was adopted."""
    Story(cast).to_closed()
    unhappy = Story(cast, phone="13800000009", email="").to_reply().call_back(satisfaction="dissatisfied")
    Callback.objects.update(process_satisfaction="satisfied")
    for n in range(6):
        Proposal.objects.create(
            complaint=unhappy.case,
            about="process",
            text="张桂芳说：窗口多开一个",
            at=at("2026-11-21 09:00"),
            is_valuable=True if n == 0 else None,
            is_adopted=True if n == 0 else None,
            answered_by=cast.coordinator if n == 0 else None,
            answered_at=at("2026-11-22 09:00") if n == 0 else None,
        )
    return cast


def drafted(month, period="2026-11"):
    return Report(period=period, edition="feedback", requested_at=NOW, figures=reporting.freeze(parse(period), at=NOW))


def test_fb_17_satisfaction_opinions_suggestions_and_problems(month):
    """FB-17: satisfaction with its response rate, opinions by reason, suggestions, trouble in the handling."""
    report = drafted(month)
    snapshot = reporting.draft(report)
    sections = {section.key: section for section in snapshot.sections}
    assert list(sections) == ["satisfaction", "opinions", "handling", "lessons"]
    # Both who were asked answered; that it was two of two is not told outside.
    answered = report.figures["figures"]["response_rate"]
    assert (answered["suppressed"], answered["of"]) == (True, 2)
    assert closing.bundle(parse("2026-11"), WHOLE, at=NOW, outside=False)["figures"]["response_rate"]["value"] == 1.0
    with translation.override(reporting.LANGUAGE):
        untold = narrative.briefly(Facts(report.figures), "response_rate")
    assert any(untold in text for text in sections["satisfaction"].paragraphs)
    assert "6" in sections["opinions"].paragraphs[1]
    row = sections["opinions"].tables[0].rows[0]
    assert row[1:] == (6, None, None, 5)  # one valuable, one adopted: too few to be told apart
    assert "张桂芳" not in snapshot.to_json()
    assert "窗口多开一个" not in snapshot.to_json()


def test_fb_18_lessons_are_drafted_and_edited_by_a_person(client, month):
    report = transitions.request_report("2026-11", edition="feedback", by=month.manager, at=NOW)
    fill(report)
    lessons = next(section for section in report.snapshot["sections"] if section["key"] == "lessons")
    assert lessons["points"]
    client.force_login(month.manager)
    url = reverse("analytics:edit_section", args=[report.pk, "lessons"])
    assert client.get(url).status_code == 200
    saved = client.post(url, {"version": report.version, "text": "受理时先问清诉求，再答复。"})
    assert saved.status_code == 302
    report.refresh_from_db()
    lessons = next(section for section in report.snapshot["sections"] if section["key"] == "lessons")
    assert lessons["paragraphs"] == ["受理时先问清诉求，再答复。"]
    assert "受理时先问清诉求" in client.get(reverse("analytics:report", args=[report.pk])).content.decode()


def test_fb_17_it_is_written_as_a_document_for_months_and_quarters(month, tmp_path):
    report = drafted(month)
    report.snapshot = reporting.draft(report).to_dict()
    target = tmp_path / "feedback.docx"
    building.renderer("docx")(reporting.printed(report), target)
    assert target.read_bytes()[:2] == b"PK"
    quarter = drafted(month, "2026-Q4")
    assert all(section.paragraphs for section in reporting.draft(quarter).sections)


def test_fb_17_the_edition_is_offered_and_asked_for(client, month):
    registered("2026-10-20 09:00", phone="13800000031")
    client.force_login(month.manager)
    form = client.get(reverse("analytics:reports")).context["form"]
    assert "feedback" in dict(form.fields["edition"].choices)
    answer = client.post(
        "/api/v1/reports/", {"period": "2026-10", "edition": "feedback"}, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["edition"]) == (202, "feedback")
