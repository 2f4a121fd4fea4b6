"""The monthly draw on the tables: committed in time, drawn once, repeatable from its document."""

import pytest

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from complaints.tests.factories import Story, at
from review import draws, sampling, transitions
from review.models import FrameEntry, ReviewCase, SampleDraw

pytestmark = pytest.mark.django_db


@pytest.fixture
def closed(cast):
    """Twelve cases closed in November 2026, one of them on the last minute of the month."""
    stories = [Story(cast, phone=f"1380000{n:04d}").to_closed() for n in range(11)]
    late = Story(cast, phone="13900009999").to_reply().call_back()
    late.close("2026-11-30 23:59", late_reason="other")
    return [*stories, late]


def test_rev_22_23_one_draw_inside_10_to_15_percent(cast, closed):
    draws.commit("2026-11", by=cast.head_of_review, percent=12, at=at("2026-11-20 09:00"))
    row = draws.draw("2026-11", by=cast.head_of_review, at=at("2026-12-01 09:00"))
    assert (row.frame_size, row.size) == (12, 2)
    assert ReviewCase.objects.filter(triggers__draw=row).count() == 2
    assert sampling.verify(draws.document(row)).ok


def test_ri_07_a_second_draw_changes_nothing(cast, closed):
    draws.commit("2026-11", by=cast.head_of_review, at=at("2026-11-20 09:00"))
    first = draws.draw("2026-11", by=None, at=at("2026-12-01 09:00"))
    picks = list(first.frame.filter(order__isnull=False).values_list("number", "order"))
    Story(cast, phone="13711112222").to_closed()
    again = draws.draw("2026-11", by=cast.head_of_review, at=at("2026-12-02 09:00"))
    assert again.pk == first.pk
    assert list(again.frame.filter(order__isnull=False).values_list("number", "order")) == picks
    assert SampleDraw.objects.count() == 1


def test_ri_15_a_nonce_committed_late_is_refused_and_without_one_nothing_is_drawn(cast, closed):
    with pytest.raises(InvalidInput):
        draws.commit("2026-11", by=cast.head_of_review, at=at("2026-12-01 00:00"))
    with pytest.raises(IllegalTransition):
        draws.draw("2026-11", by=cast.head_of_review, at=at("2026-12-01 09:00"))
    assert not FrameEntry.objects.exists()


def test_the_percent_is_fixed_with_the_commitment(cast):
    draws.commit("2026-11", by=cast.head_of_review, percent=15, at=at("2026-11-20 09:00"))
    assert draws.commit("2026-11", by=cast.head_of_review, percent=10, at=at("2026-11-21 09:00")).percent == 15
    with pytest.raises(InvalidInput) as refused:
        draws.commit("2026-12", by=cast.head_of_review, percent=16, at=at("2026-12-02 09:00"))
    assert refused.value.field == "percent"


def test_only_the_head_draws_and_only_after_the_period(cast, closed):
    draws.commit("2026-11", by=cast.head_of_review, at=at("2026-11-20 09:00"))
    with pytest.raises(NotAllowed):
        draws.draw("2026-11", by=cast.reviewer, at=at("2026-12-01 09:00"))
    with pytest.raises(IllegalTransition):
        draws.draw("2026-11", by=cast.head_of_review, at=at("2026-11-30 23:59"))


def test_ri_08_the_frame_ends_at_midnight_and_leaves_out_cases_under_review(cast, closed):
    from review import transitions

    transitions.apply(closed[0].pk, reasons=["facts"], text="不对", channel="web", at=at("2026-11-24 09:00"))
    next_month = Story(cast, phone="13600001111").to_reply().call_back()
    next_month.close("2026-12-01 00:00", late_reason="other")
    draws.commit("2026-11", by=cast.head_of_review, at=at("2026-11-20 09:00"))
    row = draws.draw("2026-11", by=None, at=at("2026-12-01 09:00"))
    numbers = set(row.frame.values_list("number", flat=True))
    assert closed[-1].case.number in numbers
    assert closed[0].case.number not in numbers
    assert next_month.case.number not in numbers
    assert (row.frame_size, row.excluded) == (11, 1)


def test_jt_02_missed_months_are_drawn_later_in_order(cast, closed):
    assert draws.keep_up(now=at("2026-11-03 09:00")) == {"drawn": []}
    assert draws.keep_up(now=at("2026-12-03 09:00")) == {"drawn": ["2026-11"]}
    assert draws.keep_up(now=at("2026-12-03 09:01")) == {"drawn": []}
    assert set(SampleDraw.objects.values_list("period", "state")) == {("2026-11", "drawn"), ("2026-12", "committed")}


def test_a_large_draw_opens_its_reviews_bit_by_bit_and_goes_on_after_an_interruption(cast, closed, monkeypatch):
    """FI-A: the picks stand at once; whatever stops the opening, the job opens the rest, each once."""
    draws.commit("2026-11", by=cast.head_of_review, percent=15, at=at("2026-11-20 09:00"))
    monkeypatch.setattr(draws, "OPENED_AT_ONCE", 0)
    row = draws.draw("2026-11", by=cast.head_of_review, at=at("2026-12-01 09:00"))
    picks = list(row.frame.filter(order__isnull=False).order_by("order"))
    assert (len(picks), ReviewCase.objects.count()) == (row.size, 0)
    opening = transitions.open_for_sample

    def stop_at_the_second(complaint_id, **values):
        if complaint_id == picks[1].complaint_id:
            raise RuntimeError("the power went off")
        return opening(complaint_id, **values)

    monkeypatch.setattr(transitions, "open_for_sample", stop_at_the_second)
    with pytest.raises(RuntimeError):
        draws.keep_up(now=at("2026-12-01 10:00"))
    assert ReviewCase.objects.count() == 1
    monkeypatch.setattr(transitions, "open_for_sample", opening)
    for _again in range(2):
        draws.keep_up(now=at("2026-12-02 10:00"))
    assert sorted(ReviewCase.objects.values_list("complaint", flat=True)) == sorted(p.complaint_id for p in picks)
    assert not row.frame.filter(order__isnull=False, review=None).exists()
