"""The inbox and the bell (SLA-13, I7); the pages that only show settings."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.tests.factories import sign_in_anew
from complaints import notification_views
from complaints.models import Notification, PolicyRule, ServicePolicy
from complaints.tests.factories import Story

URL = "/desk/notifications/"


def tell(user, number: int = 0, *, complaint=None, read: bool = False, **values) -> Notification:
    moment = timezone.now() - timedelta(minutes=number)
    return Notification.objects.create(
        recipient=user,
        complaint=complaint,
        kind="assigned",
        url=f"/desk/cases/{complaint.number}/" if complaint else "",
        dedupe_key=f"{user.pk}:{number}:{read}",
        created_at=moment,
        read_at=moment if read else None,
        **values,
    )


def shown(response) -> list[int]:
    return [row.pk for row, _text, _leads in response.context["items"]]


def test_anonymous_visitor_is_sent_to_sign_in(client, db):
    assert client.get(URL).status_code == 302


def test_unread_come_first_then_the_newest_and_nobody_elses(client, cast):
    read, old, new = tell(cast.intake, 0, read=True), tell(cast.intake, 5), tell(cast.intake, 1)
    tell(cast.intake2, 2)
    client.force_login(cast.intake)
    assert shown(client.get(URL)) == [new.pk, old.pk, read.pk]


def test_opening_a_message_marks_it_read_and_goes_to_the_case(client, cast):
    case = Story(cast).case
    row = tell(cast.intake, complaint=case)
    client.force_login(cast.intake)
    response = client.post(f"{URL}{row.pk}/")
    assert response["Location"] == f"/desk/cases/{case.number}/"
    row.refresh_from_db()
    assert row.read_at is not None


def test_ticking_off_stays_in_the_inbox(client, cast):
    row = tell(cast.intake, complaint=Story(cast).case)
    client.force_login(cast.intake)
    assert client.post(f"{URL}{row.pk}/", {"stay": "1"})["Location"] == URL
    row.refresh_from_db()
    assert row.read_at is not None


def test_a_message_never_leads_away_from_the_site(client, cast):
    row = tell(cast.intake)
    Notification.objects.update(url="https://example.org/")
    client.force_login(cast.intake)
    assert client.post(f"{URL}{row.pk}/")["Location"] == URL


def test_somebody_elses_message_does_not_exist(client, cast):
    row = tell(cast.intake)
    client.force_login(cast.intake2)
    assert client.post(f"{URL}{row.pk}/").status_code == 404
    row.refresh_from_db()
    assert row.read_at is None


def test_mark_all_read_spares_what_came_after_the_page(client, cast):
    tell(cast.intake, 1)
    client.force_login(cast.intake)
    newest = client.get(URL).context["newest"]
    later = tell(cast.intake, 0)
    other = tell(cast.intake2, 2)
    assert client.post(f"{URL}read/", {"newest": newest}).status_code == 302
    unread = set(Notification.objects.filter(read_at=None).values_list("pk", flat=True))
    assert unread == {later.pk, other.pk}


def test_a_message_about_a_case_no_longer_visible_keeps_words_without_link(client, cast):
    """ASG-05: after a move to another department."""
    case = Story(cast).accept().assign(department=cast.roads).case
    tell(cast.water_handler, complaint=case)
    client.force_login(cast.water_handler)
    assert [leads for _row, _text, leads in client.get(URL).context["items"]] == [False]


def test_paging_meets_each_message_once_both_ways(client, cast, monkeypatch):
    monkeypatch.setattr(notification_views, "PAGE_SIZE", 2)
    rows = [tell(cast.intake, n) for n in range(3)] + [tell(cast.intake, n, read=True) for n in range(2)]
    client.force_login(cast.intake)
    pages, url = [], URL
    while url:
        last, response = url, client.get(url)
        pages += shown(response)
        url = response.context["next_url"]
    assert pages == [row.pk for row in rows]
    back, url = [], last
    while url:
        response = client.get(url)
        back = shown(response) + back
        url = response.context["previous_url"]
    assert list(dict.fromkeys(back)) == pages
    assert client.get(f"{URL}?after=1-x&before=%00").status_code == 200


@pytest.mark.parametrize("number", [1, 3])
def test_inbox_costs_the_same_queries(client, cast, django_assert_num_queries, number):
    case = Story(cast).case
    for n in range(number):
        tell(cast.intake, n, complaint=case)
    client.force_login(cast.intake)
    # session, person, permissions, unread, read, visible cases, newest, office's terms, counts, bell
    with django_assert_num_queries(11):
        client.get(URL)


# --- Settings ------------------------------------------------------------------------------------
SETTINGS = [
    "", "policies/", "policies/house_default/1/", "calendar/", "calendar/2026/", "categories/", "bodies/", "roles/",
]  # fmt: skip


@pytest.mark.parametrize("path", SETTINGS)
def test_settings_are_for_administrators_and_coordinators(client, cast, path):
    assert client.get(f"/desk/settings/{path}").status_code == 302
    for person, status in ((cast.intake, 403), (cast.manager, 403), (cast.coordinator, 200), (cast.administrator, 200)):
        client.force_login(person)
        assert client.get(f"/desk/settings/{path}").status_code == status


def test_a_policy_page_shows_every_rule(client, cast):
    """SLA-01."""
    sign_in_anew(client, cast.administrator)
    for policy in ServicePolicy.objects.all():
        response = client.get(f"/desk/settings/policies/{policy.code}/{policy.revision}/")
        assert len(response.context["lines"]) == PolicyRule.objects.filter(policy=policy).count() > 0
    assert client.get("/desk/settings/policies/house_default/99/").status_code == 404


def test_the_calendar_shows_holidays_and_make_up_days(client, cast):
    """SLA-12."""
    client.force_login(cast.coordinator)
    days = {day.day.isoformat(): day.is_working for day in client.get("/desk/settings/calendar/2025/").context["days"]}
    assert days["2025-10-01"] is False
    assert days["2025-09-28"] is True
    assert client.get("/desk/settings/calendar/1900/").status_code == 404
    first = client.get("/desk/settings/calendar/").context
    today = timezone.localdate().year
    assert first["year"] == (today if today in first["years"] else max(first["years"]))


def test_the_component_sheet_is_reached(client, cast):
    client.force_login(cast.intake)
    assert client.get("/desk/components/").status_code == 200
