"""Who sat in a meeting on a case took part in it, and does not judge it later (REV-05, RI-01)."""

from __future__ import annotations

import pytest

from accounts.models import User
from complaints import permissions
from complaints.models import Meeting
from complaints.tests.factories import Story, at
from complaints.transitions import coordination
from review import independence

pytestmark = pytest.mark.django_db

CALLED = at("2026-11-16 14:00")
PLANNED = at("2026-11-17 09:00")


def reasons(story, person) -> set[str]:
    found = independence.conflicts(story.case, User.objects.filter(pk=person.pk), at=at("2026-11-23 09:00"))
    return {row.reason for row in found}


@pytest.fixture
def story(cast) -> Story:
    return Story(cast).accept().assign().start()


def meeting(story, cast) -> Meeting:
    """A meeting on the case in which the reviewer sits."""
    row = coordination.call_meeting(
        story.pk,
        subject="抢修协调",
        planned_at=PLANNED,
        agenda="原因与时限",
        participants=[cast.coordinator],
        by=cast.water_handler,
        at=CALLED,
    )
    row.participants.add(cast.reviewer)
    return row


def minutes(row, cast) -> None:
    coordination.record_minutes(row.pk, minutes="查明原因", by=cast.water_handler, at=at("2026-11-17 10:00"))


def test_rev_05_a_reviewer_who_sat_in_a_meeting_on_the_case_is_kept_out(cast, story):
    row = meeting(story, cast)
    assert reasons(story, cast.reviewer) == set()  # not held yet
    minutes(row, cast)
    assert reasons(story, cast.reviewer) == {"took_part"}
    assert reasons(story, cast.reviewer2) == set()
    assert cast.reviewer.pk in permissions.took_part(story.case)


def test_ri_01_a_meeting_that_was_called_off_makes_nobody_part_of_the_case(cast, story):
    row = meeting(story, cast)
    coordination.cancel_meeting(row.pk, reason="改为书面", by=cast.water_handler, at=CALLED)
    assert reasons(story, cast.reviewer) == set()
