"""Pages of figures in a real browser: what a narrow screen shows first."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from analytics.models import Outbreak
from analytics.states import SeriesKind
from complaints.tests.factories import Story, category


@pytest.mark.parametrize("javascript", [True, False])
def test_risk_13_on_a_narrow_screen_the_chart_of_an_outbreak_opens_at_today(cast, browser, live_server, javascript):
    """The newest day is in view; the month before is scrolled to."""
    today = timezone.localdate()
    row = Outbreak.objects.create(
        series="category:1", kind=SeriesKind.CATEGORY, category=category(), first_day=today - timedelta(days=1),
        last_day=today, count=9, expected=1.0, upper=2, found_at=timezone.now(),
        days=[{"day": today.isoformat(), "count": 9, "expected": 1.0}],
    )  # fmt: skip
    client = Client()
    client.force_login(cast.counsel)
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=javascript)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    context.add_cookies([cookie])
    page = context.new_page()
    page.goto(f"{live_server.url}/desk/outbreaks/{row.pk}/")
    labels = page.locator(".chart text")
    places = [(box["x"], text) for box, text in zip(map(_box, labels.all()), labels.all_text_contents(), strict=True)]
    days = sorted(place for place in places if re.fullmatch(r"\d\d-\d\d", place[1]))
    assert days[0][0] < 0
    assert (0 < days[-1][0] < 390, days[-1][1]) == (True, f"{today:%m-%d}")
    assert 0 < _box(page.locator("details.panel-foot summary"))["x"] < 390
    context.close()


def test_qua_11_the_name_of_a_department_stays_on_one_line_beside_many_columns(cast, browser, live_server):
    Story(cast).to_reply().call_back().close()
    client = Client()
    client.force_login(cast.manager)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{live_server.url}/desk/figures/appraisal/?period={timezone.localdate():%Y-%m}")
    name = page.get_by_role("rowheader", name=cast.water.name)
    assert _box(name)["width"] > 8 * 13
    context.close()


def _box(locator):
    return locator.bounding_box()
