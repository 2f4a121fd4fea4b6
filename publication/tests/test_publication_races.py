"""An edit at the very moment of a signature or of the posting: what is signed and posted is what stands (PR-03)."""

from __future__ import annotations

import pytest
from django.utils import timezone

from complaints.tests.test_races import together
from publication import content, observations, transitions, volunteers
from publication.models import Publication, PublishedReport, PublishedResult, VolunteerReport
from publication.tests.factories import approved, draft, published

pytestmark = pytest.mark.django_db(transaction=True)


def test_pr_03_publishing_races_with_an_edit_and_never_posts_what_nobody_signed(cast):
    publication = approved(draft(cast), cast)
    done = together(
        lambda: transitions.publish(publication.pk, by=cast.publisher2),
        lambda: transitions.edit(publication.pk, by=cast.publisher, result="没有人签过的字。"),
    )
    assert done.count("ok") == 1
    now = Publication.objects.get(pk=publication.pk)
    if done[0] == "ok":
        assert (now.status, now.result) == ("posted", publication.result)
        assert PublishedResult.objects.get().content_hash == now.signed_hash == content.content_hash(now)
    else:
        assert (now.status, now.signed_hash) == ("draft", "")
        assert not PublishedResult.objects.exists()


def test_pr_03_a_check_races_with_an_edit_and_signs_only_what_stands(cast):
    publication = draft(cast)
    transitions.submit(publication.pk, by=cast.publisher)
    done = together(
        lambda: transitions.first_check(publication.pk, by=cast.publication_checker),
        lambda: transitions.edit(publication.pk, by=cast.publisher, result="刚改的字。"),
    )
    assert done[1] == "ok"  # the author may always change the text; a signature is void then
    now = Publication.objects.get(pk=publication.pk)
    assert (now.status, now.first_checker, now.signed_hash, now.result) == ("draft", None, "", "刚改的字。")


def test_pub_38_two_people_decide_on_one_report_at_once_and_one_is_told(cast):
    """Whichever comes second reads that somebody else decided; one row and one wording stand."""
    since = timezone.localdate()
    code = volunteers.register(by=cast.publisher, name="李秀兰", since=since).code
    volunteers.report(code=code, text="水压正常。", notice=published().publication_number)
    pk = VolunteerReport.objects.get().pk
    done = together(
        lambda: observations.show(pk, by=cast.publisher, seen="waiting", shown_text="甲的文字。"),
        lambda: observations.show(pk, by=cast.publisher2, seen="waiting", shown_text="乙的文字。"),
    )
    assert done.count("ok") == 1
    assert PublishedReport.objects.get().shown_text == ("甲的文字。" if done[0] == "ok" else "乙的文字。")
