"""The effect of publications, corrections, leaks and lessons (PUB-20, PUB-34…37, PUB-46)."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from complaints.models import CaseLink, Complaint, Notification
from complaints.models.handling import ImprovementAction
from complaints.tests.factories import at, category, registered
from publication import breaches, comments, effects, helpful, lessons, transitions
from publication.models import (
    Breach,
    Channel,
    Posting,
    PostingCount,
    Publication,
    PublishedCorrection,
    PublishedResult,
    ResultDay,
)
from publication.tests.factories import days_ago, draft, posted, published

pytestmark = pytest.mark.django_db
POSTED_AT = at("2026-05-15 10:00")


@pytest.fixture
def publication(cast) -> Publication:
    """Posted on 15 May 2026."""
    made = draft(cast)
    result = posted(made, cast)
    Publication.objects.filter(pk=made.pk).update(posted_at=POSTED_AT)
    PublishedResult.objects.filter(pk=result.pk).update(published_at=POSTED_AT)
    return Publication.objects.get(pk=made.pk)


def case(cast, received: datetime, *, repeat: bool = False, **changes) -> Complaint:
    """A complaint about the published problem: the same category and department."""
    row = registered(received.strftime("%Y-%m-%d %H:%M")).complaint
    values = {"category": category(), "lead_department": cast.water, "is_repeat": repeat, **changes}
    Complaint.objects.filter(pk=row.pk).update(**values)
    return Complaint.objects.get(pk=row.pk)


def around(days: float) -> datetime:
    return POSTED_AT + timedelta(days=days)


# --- Repeated complaints (PUB-35) ---------------------------------------------------------------------
def test_pub_35_share_of_repeats_180_days_before_and_after_with_its_n(client, cast, publication):
    """3 of 6 before, 1 of 5 after; other departments and other times are not counted."""
    for n in range(6):
        case(cast, around(-10 - n), repeat=n < 3)
    for n in range(5):
        case(cast, around(10 + n), repeat=n < 1)
    case(cast, around(20), repeat=True, lead_department=cast.roads)
    case(cast, around(-181), repeat=True)
    case(cast, around(181), repeat=True)
    found = effects.repeat(publication, at=around(190))
    assert (found.before, found.after) == (effects.Share(3, 6), effects.Share(1, 5))
    assert (found.before.percent, found.after.percent, found.is_conclusive) == (50, 20, True)
    assert not effects.repeat(publication, at=around(90)).is_conclusive
    client.force_login(cast.publisher)
    page = client.get(reverse("publication:effect", args=[publication.number])).content.decode()
    assert "50 %" in page
    assert "n = 6" in page


def test_pub_35_the_first_and_the_last_minute_of_the_180_days_count(cast, publication):
    minute = timedelta(minutes=1)
    for moment in (around(-180), POSTED_AT - minute, POSTED_AT, around(180) - minute):
        case(cast, moment)
    for moment in (around(-180) - minute, around(180)):
        case(cast, moment)
    found = effects.repeat(publication, at=around(190))
    assert (found.before.total, found.after.total) == (2, 2)
    assert (effects.repeat(publication, at=around(179)).is_complete, found.is_complete) == (False, True)


def test_pub_35_nothing_is_concluded_from_fewer_than_five(client, cast, publication):
    for n in range(6):
        case(cast, around(-10 - n), repeat=True)
    for n in range(4):
        case(cast, around(10 + n))
    found = effects.repeat(publication, at=around(190))
    assert (found.after.total, found.after.percent, found.is_conclusive) == (4, None, False)


def test_pub_35_a_linked_case_counts_once_whatever_its_category(cast, publication):
    other = case(cast, around(5), category=None, lead_department=cast.roads)
    first, second = sorted((publication.complaint, other), key=lambda row: row.pk)
    CaseLink.objects.create(first=first, second=second, kind="same_matter", reason="同一根管道", at=around(6))
    found = effects.repeat(publication, at=around(190))
    assert found.after == effects.Share(1, 1)
    CaseLink.objects.update(ended_at=around(7))
    assert effects.repeat(publication, at=around(190)).after.total == 0


# --- The category over half a year (PUB-36) -----------------------------------------------------------
def test_pub_36_half_a_year_before_and_after_month_by_month(client, cast, publication):
    """Any department of the category counts; a month that is not over has no number yet."""
    for days in (-175, -100, -5, 5, 40, 100):
        case(cast, around(days), lead_department=cast.roads)
    running = effects.volume(publication, at=at("2026-08-01 09:00"))
    assert [row.count for row in running.months] == [1, 0, 1, 0, 0, 1, 1, 1, None, None, None, None]
    assert (running.months[0].start, running.months[6].start) == (date(2025, 11, 15), date(2026, 5, 15))
    assert (running.over, running.before, running.after, running.change) == (2, 1, 2, None)
    client.force_login(cast.publisher)
    assert client.get(reverse("publication:effect", args=[publication.number])).status_code == 200


def test_pub_36_the_months_count_what_the_register_holds_by_the_local_day(cast, publication):
    """A month runs from midnight of the day of publication to that of the next month's: no case falls between two,
    none counts twice, and what came in before the notice went up that day stands with the month it begins."""
    moments = ("2026-05-14 23:59", "2026-05-15 00:00", "2026-06-14 23:59", "2026-06-15 00:00", "2026-11-14 23:59")
    for moment in (*moments, "2025-11-14 23:59", "2026-11-15 00:00"):
        case(cast, at(moment))
    months = effects.volume(publication, at=at("2026-11-15 00:00")).months
    assert {row.start.isoformat(): row.count for row in months if row.count} == {
        "2026-04-15": 1, "2026-05-15": 2, "2026-06-15": 1, "2026-10-15": 1,
    }  # fmt: skip
    for row, following in zip(months, [*(row.start for row in months[1:]), date(2026, 11, 15)], strict=True):
        register = Complaint.objects.filter(category=category(), received_at__date__gte=row.start)
        assert row.count == register.filter(received_at__date__lt=following).count()


def test_pub_36_a_change_of_two_thirds_is_computed(cast, publication):
    for n in range(9):
        case(cast, around(-30 - n))
    for n in range(3):
        case(cast, around(30 + n))
    done = effects.volume(publication, at=at("2026-11-16 09:00"))
    assert (done.before, done.after, done.change) == (9, 3, -67)


def test_pub_36_too_few_cases_conclude_nothing(cast, publication):
    for n in range(4):
        case(cast, around(-30 - n))
    assert effects.volume(publication, at=at("2026-11-16 09:00")).change is None


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2026, 8, 31), 1, date(2026, 9, 30)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2026, 8, 31), -6, date(2026, 2, 28)),
        (date(2026, 1, 15), -1, date(2025, 12, 15)),
    ],
)
def test_pub_36_months_from_the_day_of_publication(day, months, expected):
    assert effects._months_from(day, months) == expected


# --- Reach per channel (PUB-34) -----------------------------------------------------------------------
def test_pub_34_figures_of_website_and_other_channels_stand_together(
    client, cast, publication, django_assert_max_num_queries
):
    result = PublishedResult.objects.get(publication_number=publication.number)
    board, _made = Channel.objects.get_or_create(code="board", defaults={"name": "公告栏", "kind": "board"})
    ResultDay.objects.create(result=result, day=date(2026, 5, 16), channel="board", views=7)
    ResultDay.objects.create(result=result, day=date(2026, 5, 16), views=30, helpful=4, unhelpful=1)
    posting = Posting.objects.create(
        publication=publication, channel=board, planned_by=cast.publisher, planned_at=POSTED_AT
    )
    PostingCount.objects.create(posting=posting, day=date(2026, 5, 17), views=100, comments=2, enquiries=3)
    row = comments.leave(result.pk, text="好", at=POSTED_AT + timedelta(days=1))
    comments.show(row.pk, by=cast.publisher, seen="waiting", shown_text="好")
    reach = effects.reach_of([publication])[publication.number]
    assert (reach.views, reach.helpful, reach.unhelpful, reach.comments, reach.enquiries) == (137, 4, 1, 3, 3)
    client.force_login(cast.publisher)
    client.get(reverse("publication:effects"))
    with django_assert_max_num_queries(9):
        page = client.get(reverse("publication:effects")).content.decode()
    assert publication.number in page
    own = client.get(reverse("publication:effect", args=[publication.number])).content.decode()
    assert board.name in own
    ways = {way.name: (way.online, way.views, way.comments, way.enquiries) for way in effects.ways_of(publication)}
    assert (ways["公告栏"], ways[""]) == ((7, 100, 2, 3), (30, 0, 0, 0))
    assert sum(way[2] for way in ways.values()) == reach.comments  # those on the website too
    client.force_login(cast.water_handler)
    assert client.get(reverse("publication:effects")).status_code == 403


# --- What was promised (PUB-37, PUB-43) ---------------------------------------------------------------
def test_pub_37_43_the_public_page_says_when_an_improvement_was_verified(client, cast):
    publication = draft(cast)
    result = posted(publication, cast)
    ImprovementAction.objects.filter(complaint=publication.complaint).update(
        state="verified", done_at=at("2026-12-03 10:00"), verified_at=at("2026-12-09 10:00"), percent=100
    )
    desk = Client()
    desk.force_login(cast.publisher)
    assert desk.get(reverse("publication:effect", args=[publication.number])).context["is_behind"]
    transitions.update_progress(publication.pk, by=cast.publisher)
    page = client.get(f"/results/{result.public_id}/?lang=en").content.decode()
    assert "verified on" in page
    assert not desk.get(reverse("publication:effect", args=[publication.number])).context["is_behind"]


def test_pub_37_who_publishes_is_told_once_of_what_is_late_or_not_shown(cast):
    publication = draft(cast)
    posted(publication, cast)
    now = at("2027-04-02 08:05")
    for _run in range(2):
        effects.watch_fulfilment(now=now)
    late = Notification.objects.filter(kind="published_improvement_late")
    assert set(late.values_list("recipient", flat=True)) == {cast.publisher.pk, cast.publisher2.pk}
    assert not Notification.objects.filter(kind="fulfilment_to_publish").exists()
    ImprovementAction.objects.filter(complaint=publication.complaint).update(state="done", done_at=now)
    for _run in range(2):
        effects.watch_fulfilment(now=now + timedelta(days=1))
    assert late.count() == 2
    assert Notification.objects.filter(kind="fulfilment_to_publish").count() == 2
    promises = effects.promises_of([publication], at=now)[publication.pk]
    assert (promises.total, promises.done, promises.verified, promises.late) == (1, 1, 0, 0)


def test_pub_36_the_public_page_says_what_the_months_brought(client, cast, publication):
    """Sums over as many months before as are over after; a person's hand, and nothing from too few cases."""
    for n in range(12):
        case(cast, at("2026-04-10 09:00") + timedelta(days=n))
    case(cast, at("2026-05-20 09:00"))  # the month of publication counts neither before nor after
    address = PublishedResult.objects.get(withdrawn_at=None).public_id
    assert effects.of_public(publication, at=at("2026-06-30 23:00")) is None  # no month is over
    for n in range(4):
        case(cast, at("2026-06-05 09:00") + timedelta(days=n))
    now = at("2026-07-01 09:00")
    page = f"/results/{address}/"
    assert "投诉少了吗" not in client.get(page).content.decode()
    assert effects.of_public(publication, at=now) == {"until": "2026-07-01", "months": 1, "before": "12.0", "after": ""}
    transitions.update_progress(publication.pk, by=cast.publisher, at=now)
    few = client.get(page).content.decode()
    assert "投诉少了吗" in few
    assert "不足 5 件" in few
    case(cast, at("2026-06-25 09:00"))
    told = effects.of_public(publication, at=now)
    assert told is not None
    assert told["after"] == "5.0"
    client.force_login(cast.publisher)
    assert "还没有写明" in client.get(reverse("publication:effect", args=[publication.number])).content.decode()
    transitions.update_progress(publication.pk, by=cast.publisher, at=now + timedelta(hours=1))
    assert "每月 5.0 件" in client.get(page).content.decode()


def test_pub_36_the_public_page_draws_the_months_one_by_one_where_none_has_few_cases(client, cast, publication):
    """As far back as each month has five; a month with fewer that the sums are made of leaves only the sums."""
    for month, number in (("02", 4), ("03", 9), ("04", 12), ("06", 6)):
        for _n in range(number):
            case(cast, at(f"2026-{month}-20 09:00"))
    now = at("2026-07-10 09:00")
    told = effects.of_public(publication, at=now)
    assert told is not None
    assert [(row["count"], row["after"]) for row in told["bars"]] == [(9, False), (12, False), (6, True)]
    transitions.update_progress(publication.pk, by=cast.publisher, at=now)
    page = client.get(f"/results/{PublishedResult.objects.get(withdrawn_at=None).public_id}/").content.decode()
    assert re.findall(r'chart-value">(\d+)<', page) == ["9", "12", "6"]
    assert "日起：6 件" in page
    for _n in range(2):
        case(cast, at("2026-07-20 09:00"))
    later = effects.of_public(publication, at=at("2026-08-01 09:00"))
    assert later is not None
    assert (later["after"], "bars" in later) == ("4.0", False)


def test_pr_15_results_of_one_category_tell_the_same_months_whatever_their_day(client, cast, publication):
    """A day's complaints cannot be worked out from two results published a day apart."""
    for month in ("04", "06"):
        for day in range(1, 13):
            case(cast, at(f"2026-{month}-{day:02} 09:00"))
    now = at("2026-07-10 09:00")
    told = effects.of_public(publication, at=now)
    for moment in ("2026-05-01 00:00", "2026-05-16 10:00", "2026-05-31 23:59"):
        publication.posted_at = at(moment)
        assert effects.of_public(publication, at=now) == told
    shown = PublishedResult.objects.get(withdrawn_at=None)
    shown.effect = {"until": "2026-06-15", "months": 1, "before": "12.0", "after": "6.0"}  # as it was stored before
    shown.save(update_fields=["effect"])
    assert "投诉少了吗" not in client.get(f"/results/{shown.public_id}/").content.decode()


def test_pub_36_a_month_that_is_over_is_told_to_the_publishers_once(cast, publication):
    told = Notification.objects.filter(kind="effect_to_publish")
    for moment in ("2026-06-30 09:00", "2026-07-01 09:00", "2026-07-02 09:00"):
        effects.watch_fulfilment(now=at(moment))
    assert told.count() == 2  # two publishers, one month
    effects.watch_fulfilment(now=at("2026-08-01 09:00"))
    assert told.count() == 4
    effects.watch_fulfilment(now=around(400))
    assert told.count() == 4


# --- Corrections and leaks (PUB-20) -------------------------------------------------------------------
def test_pub_20_a_leak_takes_the_notice_down_and_is_closed_by_another_person(client, cast):
    publication = draft(cast)
    result = posted(publication, cast)
    helpful._add(result.pk, timezone.localdate(), "", views=12)
    client.force_login(cast.publisher)
    address = reverse("publication:breach_new", args=[publication.number])
    assert client.post(address, {"kinds": "", "what": ""}).status_code == 422
    assert client.get(f"/results/{result.public_id}/").status_code == 200
    answer = client.post(address, {"kinds": "电话", "what": "改进事项的备注里留了电话。"})
    breach = Breach.objects.get()
    assert answer["Location"] == reverse("publication:breach", args=[breach.pk])
    assert client.get(f"/results/{result.public_id}/").status_code == 410
    assert (breach.views, breach.found_by, breach.taken_down_at is not None) == (12, cast.publisher, True)
    told = Notification.objects.filter(kind="publication_leak").values_list("recipient", flat=True)
    assert {cast.counsel.pk, cast.manager.pk} <= set(told)
    assert client.post(address, {"kinds": "电话", "what": "又一次"}).status_code == 409

    closing = {"measures": "已删除缓存，通知了当事人。", "persons_told": "true"}
    page = reverse("publication:breach", args=[breach.pk])
    assert "measures" not in client.get(page).content.decode()
    with pytest.raises(NotAllowed):
        breaches.close(breach.pk, by=cast.publisher, measures="自己关闭", persons_told=True)
    client.force_login(cast.counsel)
    assert client.post(page, {"measures": " ", "persons_told": "true"}).status_code == 422
    assert client.post(page, closing).status_code == 302
    assert client.post(page, closing).status_code == 409
    breach.refresh_from_db()
    assert (breach.closed_by, breach.persons_told_at is not None) == (cast.counsel, True)
    assert publication.number in client.get(reverse("publication:breaches")).content.decode()
    kinds = set(publication.complaint.events.values_list("kind", flat=True))
    assert {"publication_breach", "publication_breach_closed", "publication_take_down"} <= kinds


def test_pub_20_the_database_too_refuses_that_the_finder_closes(cast):
    publication = draft(cast)
    posted(publication, cast)
    breach = breaches.record(publication.pk, by=cast.publisher, kinds="姓名", what="标题里有姓名")
    with pytest.raises(IntegrityError), transaction.atomic():
        Breach.objects.filter(pk=breach.pk).update(closed_by=cast.publisher)


def test_pub_20_leaks_are_for_who_takes_down_or_deals_with_data(client, cast):
    publication = draft(cast)
    with pytest.raises(IllegalTransition):
        breaches.record(publication.pk, by=cast.publisher, kinds="姓名", what="还没公布")
    posted(publication, cast)
    with pytest.raises(NotAllowed):
        breaches.record(publication.pk, by=cast.water_handler, kinds="姓名", what="看到了")
    client.force_login(cast.water_handler)
    assert client.get(reverse("publication:breaches")).status_code == 403
    assert client.get(reverse("publication:breach_new", args=[publication.number])).status_code == 403


def test_pr_14_pub_20_a_correction_stands_with_the_result_without_the_old_words(client, cast):
    publication = draft(cast)
    result = posted(publication, cast)
    PublishedResult.objects.filter(pk=result.pk).update(updated_at=days_ago(1))
    before = client.get(f"/results/{result.public_id}/")
    desk = Client()
    desk.force_login(cast.publisher2)
    address = reverse("publication:correction", args=[publication.number])
    assert desk.post(address, {"note": ""}).status_code == 422
    assert desk.post(address, {"note": "张桂芳家的停水时间更正为 28 小时。"}).status_code == 422
    assert not PublishedCorrection.objects.exists()
    assert desk.post(address, {"note": "停水时间更正为 28 小时。"}).status_code == 302
    after = client.get(f"/results/{result.public_id}/")
    assert "停水时间更正为 28 小时。" in after.content.decode()
    assert after["ETag"] != before["ETag"]
    with pytest.raises(NotAllowed):  # who wrote it does not correct it alone
        breaches.correct(publication.pk, by=cast.publisher, note="作者自己改")
    transitions.take_down(publication.pk, by=cast.publisher2, reason="撤下")
    with pytest.raises(IllegalTransition):
        breaches.correct(publication.pk, by=cast.publisher2, note="已撤下")
    with pytest.raises(InvalidInput):
        breaches.correct(publication.pk, by=cast.publisher2, note="长" * 201)


# --- Lessons (PUB-46) ---------------------------------------------------------------------------------
def test_pub_46_the_front_line_sees_the_results_of_its_own_kind_of_work(client, cast, django_assert_max_num_queries):
    published(1, title="水务的事", department_code="water")
    published(2, title="道路的事", department_code="roads", department="城管局", category_code="roads", category="道路")
    published(3, title="撤下的事", withdrawn_at=timezone.now())
    client.force_login(cast.water_handler)
    address = reverse("publication:lessons")
    client.get(address)
    with django_assert_max_num_queries(9):
        page = client.get(address).content.decode()
    assert ("水务的事" in page, "道路的事" in page, "撤下的事" in page) == (True, False, False)
    everything = client.get(address, {"all": "1"}).content.decode()
    assert "道路的事" in everything
    chosen = client.get(address, {"category": "roads"}).content.decode()
    assert ("水务的事" in chosen, "道路的事" in chosen) == (False, True)


def test_pub_46_steps_of_work_that_led_to_complaints_are_named(client, cast):
    publication = draft(cast)
    Complaint.objects.filter(pk=publication.complaint_id).update(business_step="停水通知")
    posted(publication, cast)
    client.force_login(cast.water_handler)
    assert "停水通知" in client.get(reverse("publication:lessons")).content.decode()
    assert lessons.steps(("roads",)) == []


def test_pub_46_a_department_is_told_once_a_week_of_its_new_results(cast):
    """Of the whole week before, from Monday; also when the run of a Monday was missed."""
    monday = at("2026-11-16 00:00")
    week = {"first": at("2026-11-09 00:00"), "last": at("2026-11-15 23:59")}
    for number, moment in enumerate((*week.values(), monday, week["first"] - timedelta(seconds=1)), 1):
        published(number, department_code="water", published_at=moment)
    published(9, department_code="roads", published_at=week["first"], withdrawn_at=week["last"])
    for run in ("2026-11-17 08:15", "2026-11-18 08:15", "2026-11-22 08:15"):
        lessons.tell_weekly(now=at(run))
    rows = Notification.objects.filter(kind="lessons")
    people = {cast.water_handler.pk, cast.water_handler2.pk, cast.water_head.pk}
    assert set(rows.values_list("recipient", flat=True)) == people
    assert rows.count() == 3
    assert {row.params["count"] for row in rows} == {2}
    assert not any(row.by_email for row in rows)
    lessons.tell_weekly(now=at("2026-11-23 08:15"))
    assert [row.params["count"] for row in rows.order_by("-pk")[:3]] == [1, 1, 1]
    assert lessons.tell_weekly(now=at("2026-11-30 08:15")) == {"told": 0}
