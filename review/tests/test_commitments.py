"""The proof of the monthly draws that everybody can read (REV-23, RI-09, RI-12, RI-15)."""

from __future__ import annotations

from hashlib import sha256

import pytest

from accounts.models import Membership
from complaints.tests.factories import Story, at
from review import draws
from review.models import ReviewCase, SampleDraw
from review.tests.test_review_flow import Steps

pytestmark = pytest.mark.django_db
COMMITTED, DRAWN = at("2026-11-20 09:00"), at("2026-12-01 09:00")


def page(client) -> str:
    answer = client.get("/sampling/")
    assert answer.status_code == 200
    assert not answer.cookies
    return answer.content.decode()


def test_rev_23_the_commitment_is_public_before_the_month_ends(client, cast):
    assert client.get("/sampling/").context["proofs"] == []
    row = draws.commit("2026-11", by=cast.head_of_review, at=COMMITTED)
    shown = page(client)
    assert row.commitment in shown
    assert row.nonce not in shown
    client.force_login(cast.head_of_review)
    assert "/sampling/#m2026-11" in client.get("/desk/sampling/2026-11/").content.decode()


def test_ri_12_what_a_draw_follows_from_is_public_only_after_the_last_review(client, cast):
    """Seed and number tell a department which of its cases were drawn; until the results a fingerprint binds them."""
    stories = [Story(cast, phone=f"1380000{n:04d}").to_closed() for n in range(3)]
    draws.commit("2026-11", by=cast.head_of_review, at=COMMITTED)
    row = draws.draw("2026-11", by=cast.head_of_review, at=DRAWN)
    during = page(client)
    fingerprint = sha256(f"huiyin-sample-1 fingerprint\n{row.seed}".encode()).hexdigest()
    assert fingerprint in during
    for secret in (row.nonce, row.seed, row.frame_hash, *(story.case.number for story in stories)):
        assert secret not in during
    steps = Steps(ReviewCase.objects.get(), cast)
    steps.set_up().assign().verify().report("uphold").opinions("uphold", "uphold")
    assert row.nonce not in page(client)
    steps.finalise()
    after = page(client)
    assert all(value in after for value in (row.nonce, row.seed, row.frame_hash, fingerprint))
    assert not any(story.case.number in after for story in stories)


def test_ri_12_who_belongs_to_a_handling_department_takes_the_document_after_the_results(client, cast):
    """The document names every drawn case; a member of the group who works in a department waits for the results."""
    Story(cast).to_closed()
    draws.commit("2026-11", by=cast.head_of_review, at=COMMITTED)
    seed = draws.draw("2026-11", by=cast.head_of_review, at=DRAWN).seed
    # The department has nothing to do with the drawn case, so the refusal tells nothing about the draw.
    Membership.objects.create(user=cast.reviewer2, department=cast.roads, since=at("2026-01-01 09:00"))
    path = "/desk/sampling/2026-11/"

    def takes(person) -> tuple[int, bool]:
        client.force_login(person)
        page = client.get(path)
        assert page.context["may_take"] is (seed in page.content.decode())
        return client.get(f"{path}document/").status_code, page.context["may_take"]

    assert takes(cast.reviewer2) == (403, False)
    assert takes(cast.auditor) == (200, True)
    steps = Steps(ReviewCase.objects.get(), cast)
    steps.set_up().assign().verify().report("uphold").opinions("uphold", "uphold").finalise()
    assert takes(cast.reviewer2) == (200, True)


def test_the_page_of_the_draws_costs_the_same_for_many_and_pages_by_key(client, cast, django_assert_max_num_queries):
    for n in range(30):
        period = f"20{30 + n // 12}-{n % 12 + 1:02d}"
        SampleDraw.objects.create(period=period, commitment=f"{n:064x}", nonce=f"{n:032x}", committed_at=COMMITTED)
    with django_assert_max_num_queries(3):
        first = page(client)
    assert f"{29:064x}" in first
    assert f"{5:064x}" not in first
    following = client.get("/sampling/").context["next_url"]
    assert f"{5:064x}" in client.get(f"/sampling/{following}").content.decode()
    assert client.get("/sampling/?after=%00x").status_code == 200
