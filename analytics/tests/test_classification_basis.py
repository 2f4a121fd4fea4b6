"""Figures and reports count by the first or by the final classification (CLS-15)."""

import pytest
from django.urls import reverse

from accounts.errors import InvalidInput
from analytics import reporting, transitions
from analytics.periods import parse
from analytics.scope import Scope
from analytics.sources import registered as counted
from complaints import transitions as case_transitions
from complaints.tests.factories import Story, at, category

pytestmark = pytest.mark.django_db

NOVEMBER = parse("2026-11")
NOW = at("2026-12-02 09:00")


@pytest.fixture
def moved(cast):
    """Accepted as a water outage, classified again as a late delivery; and one that stayed what it was."""
    story = Story(cast).accept()
    case_transitions.classify(story.pk, by=cast.intake, category=category("late-delivery"), at=at("2026-11-17 09:00"))
    Story(cast).accept()
    return story.case


def codes(scope):
    cells = counted([NOVEMBER], scope, ("category",)).by("category", NOVEMBER)
    return {group.code: counts["cases"] for group, counts in cells.items() if counts["cases"]}


def top(code):
    row = category(code)
    return (row.parent or row).code


def test_cls_15_the_first_decision_is_kept_and_counted_when_asked_for(moved):
    assert moved.category == category("late-delivery")
    assert moved.first_category == category("water-outage")
    assert codes(Scope()) == {top("late-delivery"): 1, top("water-outage"): 1}
    assert codes(Scope(by_first=True)) == {top("water-outage"): 2}


def test_cls_15_the_filter_follows_the_basis(moved):
    late = (category("late-delivery").pk,)
    assert sum(codes(Scope(category=late)).values()) == 1
    assert codes(Scope(category=late, by_first=True)) == {}


def test_cls_15_a_case_without_a_decision_of_its_own_counts_under_the_category_it_has(moved):
    type(moved).objects.filter(pk=moved.pk).update(first_category=None)
    assert codes(Scope(by_first=True)) == {top("late-delivery"): 1, top("water-outage"): 1}


def test_cls_15_the_page_switches_and_names_a_wrong_choice(client, cast, moved):
    client.force_login(cast.manager)
    address = reverse("analytics:figures")
    page = client.get(address, {"period": "2026-11", "classification": "first"})
    assert page.context["by_first"] is True
    assert "classification=first" in page.content.decode()
    assert client.get(address, {"period": "2026-11"}).context["by_first"] is False
    assert client.get(address, {"classification": "second"}).status_code == 400


def test_cls_15_a_report_says_how_it_counts_and_is_revised_to_the_other_basis(client, cast, moved):
    report = transitions.request_report("2026-11", edition="data", by=cast.manager, at=NOW)
    with pytest.raises(InvalidInput) as refused:
        transitions.request_report("2026-11", edition="data", by=cast.manager, by_first=True, at=NOW)
    assert refused.value.field == "by_first"
    other = transitions.request_report("2026-11", edition="risk", by=cast.manager, by_first=True, at=NOW)
    final, first = (reporting.freeze(NOVEMBER, at=NOW, by_first=row.by_first) for row in (report, other))
    assert reporting.fingerprint(final) != reporting.fingerprint(first)
    other.figures = first
    assert "首次分类" in reporting.draft(other).subtitle
    client.force_login(cast.manager)
    assert (
        client.post(
            reverse("analytics:reports"), {"period": "2026-11", "edition": "data", "by_first": "on"}
        ).status_code
        == 422
    )
