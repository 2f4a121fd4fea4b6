"""The demo shows what became of files: one result stands with its copies, one was taken down (PUB-21, PR-06)."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from complaints import transitions as case_transitions
from complaints.models import Complaint
from complaints.tests.factories import Story, at, improvement_words
from config.demo import shown_files
from publication.models import Publication, PublishedFile, PublishedResult

pytestmark = pytest.mark.django_db


def closed(cast: SimpleNamespace) -> Complaint:
    """A closed case whose records fill all six elements."""
    story = Story(cast).accept().assign().start()
    moment = at("2026-11-17 10:00")
    case_transitions.add_remedy(
        story.pk, by=cast.water_handler, kind="apology", description="当面道歉并说明原因", at=moment
    )
    case_transitions.add_investigation_step(
        story.pk, by=cast.water_handler, kind="records", summary="查看抢修调度日志", at=moment
    )
    for allegation in Complaint.objects.get(pk=story.pk).allegations.all():
        case_transitions.set_finding(
            allegation.pk, by=cast.water_handler, finding="substantiated", reason="日志没有通知记录", at=moment
        )
    case_transitions.add_responsibility(
        story.pk, by=cast.water_handler, department=cast.water, post="负责人", summary="没有按规定通知居民", at=moment
    )
    case_transitions.add_improvement(
        story.pk, by=cast.water_handler, department=cast.water, at=moment, **improvement_words()
    )
    return Complaint.objects.get(pk=story.submit().reply().call_back().close().pk)


def test_one_result_stands_with_a_photograph_and_a_record_and_one_is_gone(cast):
    for _ in range(2):
        closed(cast)
    roles = {
        "publisher": [cast.publisher, cast.publisher2],
        "publication_checker": [cast.publication_checker, cast.publication_checker2],
        "legal_counsel": [cast.counsel],
    }
    teller = SimpleNamespace(
        people=SimpleNamespace(role=roles.__getitem__),
        now=at("2026-12-20 12:00"),
        later=lambda moment, **span: moment + timedelta(**span),
    )
    assert shown_files.tell(teller) == 2
    for result in PublishedResult.objects.all():
        assert set(result.files.values_list("content_type", flat=True)) == {"image/jpeg", "application/pdf"}
    assert PublishedResult.objects.filter(withdrawn_at=None).count() == 1
    assert sorted(Publication.objects.values_list("status", flat=True)) == ["posted", "withdrawn"]
    assert PublishedFile.objects.count() == 4
