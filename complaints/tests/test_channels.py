"""No channel loses a complaint: counters, gaps, hours, who watches (IN-02, IN-03, IN-14)."""

from __future__ import annotations

import json
import re
from datetime import date, time

import pytest
from django.utils import timezone
from lxml import html

from complaints import channels
from complaints.models import ChannelCount, Complaint, DutySlot, NumberCounter, ServiceHours
from complaints.states import Channel, Status
from complaints.tests.factories import at, registered
from complaints.transitions import channels as records

URL = "/desk/channels/"
NOW = at("2026-11-20 18:00")
WEEK = channels.week_of(date(2026, 11, 18))  # Monday 16 to Sunday 22 November 2026


@pytest.fixture
def desk(client, cast):
    client.force_login(cast.intake)
    return client


def reconcile(days=WEEK) -> channels.Week:
    return channels.reconcile(days, now=NOW)


def row(channel: str, days=WEEK) -> channels.Row:
    return next(found for found in reconcile(days).rows if found.channel == channel)


def hours(channel: str = "phone", weekdays=range(5), opens: str = "08:30", closes: str = "17:30") -> None:
    for weekday in weekdays:
        ServiceHours.objects.create(
            channel=channel, weekday=weekday, opens=time.fromisoformat(opens), closes=time.fromisoformat(closes)
        )


# --- Figures ----------------------------------------------------------------------------------
def test_each_day_shows_register_and_counter(cast):
    """IN-14: the register is counted by the day of receipt in Beijing, channel by channel."""
    for moment, channel in (
        ("2026-11-16 00:00", Channel.PHONE),
        ("2026-11-16 23:59", Channel.PHONE),
        ("2026-11-17 00:00", Channel.PHONE),
        ("2026-11-16 10:00", Channel.WEB),
        ("2026-11-15 23:59", Channel.PHONE),
        ("2026-11-23 00:00", Channel.PHONE),
    ):
        registered(moment, channel=channel)
    records.set_count(channel="phone", day=date(2026, 11, 16), count=3, calls_missed=4, by=cast.intake, at=NOW)
    phone = row("phone")
    assert [cell.registered for cell in phone.cells] == [2, 1, 0, 0, 0, 0, 0]
    assert [cell.difference for cell in phone.cells] == [1, None, None, None, None, None, None]
    assert [cell.is_open_question for cell in phone.cells] == [True] + [False] * 6
    assert (phone.missed, row("web").registered) == (4, 1)


def test_a_difference_is_open_until_somebody_explains_it(cast):
    """AN-03: the register is reconciled with the counter of the channel."""
    registered("2026-11-16 10:00", channel=Channel.PHONE)
    records.set_count(channel="phone", day=date(2026, 11, 16), count=2, by=cast.intake, at=NOW)
    assert row("phone").cells[0].is_open_question
    records.set_count(
        channel="phone", day=date(2026, 11, 16), count=2, note="两通电话说同一件事", by=cast.intake, at=NOW
    )
    assert not row("phone").cells[0].is_open_question
    assert ChannelCount.objects.count() == 1


def test_cases_of_an_import_that_was_taken_back_are_not_counted(cast):
    """EX-07: the record stays, but it is no complaint."""
    from complaints.models import ImportBatch

    case = registered("2026-11-16 10:00", channel=Channel.GOVERNMENT).complaint
    batch = ImportBatch.objects.create(file_hash="x", source="x")
    Complaint.objects.filter(pk=case.pk).update(status=Status.WITHDRAWN, import_batch=batch, external_key=None)
    assert row("government").registered == 0


def test_numbers_without_a_case_are_named(cast):
    """IN-14: a hole, a missing beginning and a number given out last that no case has."""
    registered("2026-11-17 10:00")
    assert reconcile().gaps == []
    NumberCounter.objects.create(scope="HY-20261116", last=1)
    registered("2026-11-16 10:00")
    NumberCounter.objects.filter(scope="HY-20261116").update(last=4)
    registered("2026-11-16 10:01")
    NumberCounter.objects.filter(scope="HY-20261117").update(last=3)
    NumberCounter.objects.create(scope="HY-20261118", last=1)
    assert [str(gap) for gap in reconcile().gaps] == [
        "HY-20261116-0001",
        "HY-20261116-0003 … HY-20261116-0004",
        "HY-20261117-0002 … HY-20261117-0003",
        "HY-20261118-0001",
    ]


def test_more_than_9999_cases_of_a_day_are_no_gap(cast):
    NumberCounter.objects.create(scope="HY-20261116", last=9998)
    for minute in range(2):
        registered(f"2026-11-16 10:0{minute}")
    assert [str(gap) for gap in reconcile().gaps] == ["HY-20261116-0001 … HY-20261116-9998"]


# --- Hours (IN-02) -------------------------------------------------------------------------------
def test_complaints_outside_the_service_hours_are_counted(cast):
    """Both ends belong to the hours; a weekend without hours is closed."""
    hours()
    for moment in ("2026-11-16 08:30", "2026-11-16 17:30", "2026-11-16 17:31", "2026-11-16 08:29", "2026-11-21 10:00"):
        registered(moment, channel=Channel.PHONE)
    registered("2026-11-16 23:00", channel=Channel.WEB)  # without hours: always open
    phone = row("phone")
    assert [cell.outside for cell in phone.cells] == [2, 0, 0, 0, 0, 1, 0]
    assert row("web").outside == 0


def test_a_holiday_is_closed_and_a_makeup_day_works_like_a_monday(cast):
    """IN-02 on the working calendar: 1 October 2026 is a holiday, Saturday 10 October a working day."""
    hours(weekdays=[0, 3])
    registered("2026-10-01 10:00", channel=Channel.PHONE)  # a Thursday
    registered("2026-10-10 10:00", channel=Channel.PHONE)
    assert row("phone", channels.week_of(date(2026, 10, 1))).outside == 1
    assert row("phone", channels.week_of(date(2026, 10, 10))).outside == 0


def test_a_year_without_calendar_data_is_said(cast):
    """SLA-12, JT-07."""
    assert channels.reconcile(channels.week_of(date(2031, 5, 5)), now=NOW).calendar_missing
    assert not reconcile().calendar_missing


def test_hours_that_nobody_watches_are_listed(cast):
    """IN-03."""
    hours(weekdays=[0])
    day = "2026-11-16"
    for start, end in (("08:00", "10:00"), ("12:00", "13:30"), ("13:00", "17:00")):
        records.add_duty(
            channel="phone",
            person=cast.intake2 if start == "13:00" else cast.intake,
            starts_at=at(f"{day} {start}"),
            ends_at=at(f"{day} {end}"),
            by=cast.intake,
        )
    assert row("phone").uncovered == [
        (at(f"{day} 10:00"), at(f"{day} 12:00")),
        (at(f"{day} 17:00"), at(f"{day} 17:30")),
    ]


# --- The page ------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["", "counts/", "hours/", "duty/", "hours/1/remove/", "duty/1/remove/"])
def test_only_who_screens_gets_in(client, cast, path):
    assert client.post(URL + path).status_code == 302
    client.force_login(cast.water_handler)
    assert client.get(URL + path).status_code == client.post(URL + path).status_code == 403


def test_a_counter_is_entered_and_corrected_on_the_page(desk, cast):
    today = timezone.localdate().isoformat()
    for number in ("5", "6"):
        answer = desk.post(f"{URL}counts/", {"channel": "phone", "day": today, "count": number, "week": today})
        assert answer.status_code == 303
        assert answer["Location"].startswith(f"{URL}?week=")
    row_ = ChannelCount.objects.get()
    assert (row_.count, row_.by, row_.calls_missed) == (6, cast.intake, None)
    page = desk.get(f"{URL}?week={today}").content.decode()
    assert re.search(r"0 / 6", page)


def cells(page: str) -> dict[str, list[str]]:
    """The rows of the table as they are read: channel → its cells."""
    rows = html.document_fromstring(page).xpath("//table//tr[th[@scope='row']]")
    return {row[0].text_content(): [" ".join(cell.text_content().split()) for cell in row[1:]] for row in rows}


def test_in_14_every_channel_stands_in_the_week_that_has_ended_with_zero_too(desk, cast, monkeypatch):
    """Opened on a Monday, the page shows the week before; a channel that got nothing is no gap in the table."""
    registered("2026-11-17 10:00", channel=Channel.PHONE)
    registered("2026-11-17 11:00", channel=Channel.WEB)
    registered("2026-11-23 08:00", channel=Channel.WEB)
    records.set_count(channel="phone", day=date(2026, 11, 17), count=3, by=cast.intake, at=NOW)
    monkeypatch.setattr("django.utils.timezone.now", lambda: at("2026-11-23 09:00"))
    found = cells(desk.get(URL).content.decode())
    assert len(found) == len(Channel) + 1
    assert found["热线电话"] == ["0", "1 / 3 +2 未说明", "0", "0", "0", "0", "0", "1 / 3", "—", "0"]
    assert found[str(Channel.LETTER.label)] == ["0"] * 8 + ["—", "0"]
    assert found["全部渠道"] == ["0", "2", "0", "0", "0", "0", "0", "2", "", ""]
    running = cells(desk.get(URL, {"week": "2026-11-23"}).content.decode())
    assert running["全部渠道"] == ["1", *["—"] * 6, "1", "", ""]


def test_in_03_the_roster_of_the_weeks_to_come_can_be_read(desk, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: at("2026-11-18 09:00"))
    assert desk.get(URL, {"week": "2026-11-16"}).context["after"] == "2026-11-23"
    assert desk.get(URL, {"week": "2026-12-14"}).context["after"] == ""
    assert desk.get(URL, {"week": "2026-11-16"}).context["this_week"] == ""
    assert desk.get(URL).context["this_week"] == "2026-11-16"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"count": "-1"}, "count"),
        ({"day": "2099-01-01"}, "day"),
        ({"day": "0001-01-01"}, "day"),
        ({"channel": "pigeon"}, "channel"),
        ({"note": "长" * 301}, "note"),
    ],
)
def test_a_counter_that_cannot_be_is_refused_at_its_field(desk, changes, field):
    answer = desk.post(f"{URL}counts/", {"channel": "phone", "day": "2026-11-16", "count": "1", **changes})
    assert answer.status_code == 422
    assert set(answer.context["count_form"].errors) == {field}
    assert not ChannelCount.objects.exists()


def test_the_roster_takes_and_drops_turns(desk, cast):
    """IN-03: who, which channel, from when to when."""
    turn = {
        "channel": "phone",
        "person": cast.intake2.pk,
        "starts_at": "2026-11-16T08:30",
        "ends_at": "2026-11-16T12:00",
    }
    assert desk.post(f"{URL}duty/", turn).status_code == 303
    again = desk.post(f"{URL}duty/", turn)
    assert set(again.context["duty_form"].errors) == {"starts_at"}
    backwards = desk.post(f"{URL}duty/", {**turn, "ends_at": "2026-11-16T08:00"})
    assert set(backwards.context["duty_form"].errors) == {"ends_at"}
    outsider = desk.post(f"{URL}duty/", {**turn, "person": cast.water_handler.pk})
    assert set(outsider.context["duty_form"].errors) == {"person"}
    slot = DutySlot.objects.get()
    assert "陈嘉怡" in desk.get(f"{URL}?week=2026-11-16").content.decode()
    for _twice in range(2):
        assert desk.post(f"{URL}duty/{slot.pk}/remove/").status_code == 303
    assert not DutySlot.objects.exists()


def test_hours_are_added_for_several_weekdays_and_removed(desk):
    form = {"channel": "phone", "weekdays": ["0", "1"], "opens": "08:30", "closes": "17:30"}
    assert desk.post(f"{URL}hours/", form).status_code == 303
    assert desk.post(f"{URL}hours/", form).status_code == 422
    assert set(desk.post(f"{URL}hours/", {**form, "closes": "08:00"}).context["hours_form"].errors) == {"closes"}
    assert list(ServiceHours.objects.values_list("weekday", flat=True)) == [0, 1]
    assert desk.post(f"{URL}hours/{ServiceHours.objects.first().pk}/remove/").status_code == 303
    assert ServiceHours.objects.count() == 1


@pytest.mark.parametrize("week", ["", "gestern", "9999-12-31", "0001-01-01", "2026-11-16"])
def test_any_week_in_the_address_opens(desk, week):
    assert desk.get(URL, {"week": week}).status_code == 200


def test_a_difference_reads_in_the_language_of_the_page(desk, cast):
    records.set_count(channel="phone", day=date(2026, 11, 16), count=9, by=cast.intake, at=NOW)
    hours(weekdays=[0])
    desk.cookies["huiyin_language"] = "en"
    html = desk.get(f"{URL}?week=2026-11-16").content.decode()
    assert "Hotline: 0 / 9" in html
    assert "：" not in html[html.index("<main") : html.index("</main>")]


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_costs_the_same_queries(desk, cast, django_assert_num_queries, number):
    hours()
    for n in range(number):
        registered(f"2026-11-1{6 + n} 10:00", channel=Channel.PHONE)
        records.set_count(channel="phone", day=date(2026, 11, 16 + n), count=9, by=cast.intake, at=NOW)
        records.add_duty(
            channel="phone",
            person=cast.intake2,
            starts_at=at(f"2026-11-1{6 + n} 08:00"),
            ends_at=at(f"2026-11-1{6 + n} 09:00"),
            by=cast.intake,
        )
    desk.get(f"{URL}?week=2026-11-16")  # the working calendar is read once a minute
    with django_assert_num_queries(QUERIES):
        desk.get(f"{URL}?week=2026-11-16")


# session, person, permissions, hours, cases, counters, roster, gaps (3), people to choose, and what
# the navigation counts
QUERIES = 12


# --- Over HTTP ------------------------------------------------------------------------------------
def post(client, body: dict, **headers):
    return client.post("/api/v1/channel-counts/", json.dumps(body), content_type="application/json", headers=headers)


def test_a_telephone_system_enters_its_counter(desk, cast):
    """IN-14: entered again it replaces the figure; the same key makes one entry."""
    body = {"channel": "phone", "day": "2026-11-16", "count": 12, "calls_missed": 2}
    first, again = post(desk, body, idempotency_key="k1"), post(desk, body, idempotency_key="k1")
    assert (first.status_code, first.json()) == (201, {**body, "note": ""})
    assert again.json() == first.json()
    assert post(desk, {**body, "count": 13}).status_code == 201
    assert ChannelCount.objects.get().count == 13


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"count": -1}, "count"), ({"channel": "pigeon"}, "channel"), ({"day": "2099-01-01"}, "day"), ({"by": 1}, "by")],
)
def test_the_interface_refuses_by_field(desk, changes, field):
    """AP-01: unknown fields too."""
    answer = post(desk, {"channel": "phone", "day": "2026-11-16", "count": 1, **changes})
    assert answer.status_code == 400
    assert set(answer.json()) == {field}


def test_the_interface_is_for_who_screens(client, cast):
    body = {"channel": "phone", "day": "2026-11-16", "count": 1}
    assert post(client, body).status_code == 401
    client.force_login(cast.water_handler)
    assert post(client, body).status_code == 403
    assert not ChannelCount.objects.exists()
