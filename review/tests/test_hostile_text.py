"""PI-09 in the documents of a review: what the complainant wrote is text in the PDF, the Word file and on the page."""

from __future__ import annotations

import io

import pytest
from docx import Document

from complaints.tests.factories import Story, at
from complaints.tests.test_hostile_text import (
    PAYLOADS,
    became_markup,
    shown,
    text_of,
    text_of_pdf,
    xml_that_became_markup,
)
from review import transitions
from review.tests.test_review_flow import OPENED, Steps

pytestmark = [pytest.mark.django_db, pytest.mark.urls("config.urls")]
WORDS = "\n".join(f"{number:02} {payload}" for number, payload in enumerate(PAYLOADS))


def test_pi_09_the_application_is_text_in_every_form_of_the_report(client, cast):
    story = Story(cast, demand=" ".join(PAYLOADS[:20])).to_closed()
    review = transitions.apply(story.pk, reasons=["not_solved"], text=WORDS[:2000], channel="web", at=at(OPENED))
    steps = Steps(review, cast).set_up().assign().verify().report()
    client.force_login(cast.reviewer2)
    at_review = f"/desk/reviews/{steps.review.number}/"
    whole = WORDS[:2000].splitlines()[:-1]
    assert len(whole) >= 55
    pdf = text_of_pdf(client.get(f"{at_review}report/file/pdf/").content)
    word = client.get(f"{at_review}report/file/docx/").content
    assert xml_that_became_markup(word) == []
    text = shown("\n".join(each.text for each in Document(io.BytesIO(word)).paragraphs))
    for line in whole:
        assert "".join(line.split()) in pdf, line
        assert shown(line) in text, line
    for path in ("", "report/"):
        page = client.get(f"{at_review}{path}").content.decode()
        assert became_markup(page) == [], path
    assert shown(whole[0]) in text_of(page)
