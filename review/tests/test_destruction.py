"""What a review kept of a case goes with the file of the case (ARC-04)."""

from __future__ import annotations

import pytest

from complaints import destruction
from complaints.tests.factories import Story, at
from review import alert_standard
from review.models import Alert, OutcomeCheck, ReviewCase
from review.states import AlertState

pytestmark = pytest.mark.django_db
WHEN = at("2026-11-20 09:00")


def test_arc_04_reasons_and_explanations_go_where_a_check_wants_a_word(cast):
    story = Story(cast).to_closed()
    review = ReviewCase.objects.create(
        number="FC-1", complaint=story.case, opened_at=WHEN, screening_due_at=WHEN, screening_reason="张先生说不满意"
    )
    OutcomeCheck.objects.create(
        review=review, recorded="满意", evidence="录音里说先这样吧", agrees=False, explanation="张先生并不满意",
        at=WHEN, by=cast.reviewer,
    )  # fmt: skip
    Alert.objects.create(
        rule="slow", complaint=story.case, standard=alert_standard.current(), raised_at=WHEN,
        state=AlertState.DISMISSED, reason="张先生已撤诉", settled_at=WHEN, settled_by=cast.head_of_review,
    )  # fmt: skip
    destruction.destroy(story.pk)
    row = OutcomeCheck.objects.get()
    assert (row.recorded, row.evidence, row.explanation, row.agrees) == ("", "", "—", False)
    assert Alert.objects.get().reason == "—"
    assert ReviewCase.objects.get().screening_reason == ""
