"""Outbreaks among stored cases: found, continued, settled; and the outlook (RISK-13, RISK-14, RISK-27, RISK-30)."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from analytics import outbreak_standard, outbreaks, outlook
from analytics.models import Outbreak, OutbreakStandard
from analytics.outbreak_standard import SHIPPED
from analytics.states import Attribution, OutbreakState, SeriesKind
from complaints import transitions
from complaints.models import Complainant, Complaint, Notification
from complaints.tests.factories import Story, at, category

pytestmark = pytest.mark.django_db

DAY = date(2026, 11, 20)
NOW = at("2026-11-20 18:00")


@pytest.fixture
def received(cast):
    """Stores copies of one case: received(day, count, **fields)."""
    model = Story(cast, "2026-11-20 09:00").accept().case
    numbers = iter(range(1, 100_000))

    def copies(day, count, **fields):
        people = Complainant.objects.bulk_create(Complainant() for _n in range(count))
        rows = []
        for person in people:
            row = Complaint.objects.get(pk=model.pk)
            row.pk, row.number, row.complainant = None, f"HY-20260101-{next(numbers):05d}", person
            row.received_at = row.registered_at = at(f"{day} 10:00")
            for name, value in fields.items():
                setattr(row, name, value)
            rows.append(row)
        return Complaint.objects.bulk_create(rows)

    return copies


@pytest.fixture
def steady(received):
    """Ten weeks with three complaints on each working day and one on each other day, up to yesterday."""
    for n in range(1, 71):
        day = DAY - timedelta(days=n)
        received(day, 3 if day.weekday() < 5 else 1)


def found(kind=SeriesKind.CATEGORY):
    return Outbreak.objects.filter(kind=kind)


def test_risk_13_a_burst_of_one_category_is_found_the_same_day_and_once(cast, steady, received):
    """An ordinary day raises nothing; the burst does, while the day still runs, and whoever works on risk hears."""
    received(DAY, 2)
    assert outbreaks.detect(now=NOW)["outbreaks"] == 0
    received(DAY, 14)
    assert outbreaks.detect(now=NOW)["outbreaks"] >= 1
    row = found().get()
    assert (row.first_day, row.count, row.state) == (DAY, 17, OutbreakState.FOUND)
    assert 1 < row.expected < 5
    told = Notification.objects.filter(kind="outbreak_found", url=f"/desk/outbreaks/{row.pk}/")
    assert cast.counsel in {message.recipient for message in told}
    assert outbreaks.detect(now=NOW + timedelta(hours=1))["outbreaks"] == 0


def test_risk_13_the_next_days_belong_to_the_same_outbreak(steady, received):
    """A quiet day in between does not begin another; the count is the sum of the days that stand out."""
    received(DAY, 15)
    outbreaks.detect(now=NOW)
    received(DAY + timedelta(days=1), 12)
    outbreaks.detect(now=NOW + timedelta(days=1))
    row = found().get()
    assert (row.first_day, row.last_day, row.count) == (DAY, DAY + timedelta(days=1), 16 + 12)


def test_risk_13_what_stands_out_over_three_days_is_counted_over_three_days(client, cast, received):
    """No day by itself is out of the ordinary: page, list and cases hold all that made it one."""
    for n in range(7, 71, 14):
        received(DAY - timedelta(days=n), 1)
    for n, count in ((2, 2), (1, 1), (0, 1)):
        received(DAY - timedelta(days=n), count, outlet=f"网点{n}")
    outbreaks.detect(now=NOW)
    row = found().get()
    assert (row.first_day, row.last_day, row.count) == (DAY - timedelta(days=2), DAY, 5)
    assert [line["count"] for line in row.days] == [2, 1, 2]
    assert outbreaks.cases_of(row).count() == 5
    client.force_login(cast.counsel)
    assert "共 5 件" in client.get(reverse("analytics:outbreak", args=[row.pk])).content.decode()
    assert outbreaks.detect(now=NOW + timedelta(hours=1))["outbreaks"] == 0
    received(DAY + timedelta(days=1), 9)
    assert outbreaks.detect(now=NOW + timedelta(days=1))["outbreaks"] == 0
    row.refresh_from_db()
    assert (row.first_day, row.count) == (DAY - timedelta(days=2), 14)


def test_risk_13_one_place_stands_out_even_where_the_category_does_not(steady, received):
    """The place is counted by itself, and the cases behind it are those of the place."""
    for n in range(10, 60, 10):
        received(DAY - timedelta(days=n), 1, outlet="滨河营业厅")
    cases = received(DAY, 5, outlet="滨河营业厅")
    outbreaks.detect(now=NOW)
    row = found(SeriesKind.PLACE).get()
    assert row.value == "滨河营业厅"
    assert set(outbreaks.cases_of(row).values_list("pk", flat=True)) == {case.pk for case in cases}


def test_risk_14_five_complaints_about_one_batch_within_a_week(cast, received):
    """No past is needed; an old product without a batch is no emergency; management hears of the batch."""
    received(DAY - timedelta(days=200), 1, product="旧水表")
    received(DAY, 6, product="旧水表")
    received(DAY - timedelta(days=3), 2, product="智能水表", batch="2026-09")
    received(DAY, 2, product="智能水表", batch="2026-09")
    outbreaks.detect(now=NOW)
    assert not found(SeriesKind.BATCH).exists()
    received(DAY, 1, product="智能水表", batch="2026-09")
    outbreaks.detect(now=NOW)
    row = found(SeriesKind.BATCH).get()
    assert (row.value, row.count) == ("智能水表 2026-09", 5)
    assert outbreaks.cases_of(row).count() == 5
    told = Notification.objects.filter(kind="batch_outbreak")
    assert cast.manager in {message.recipient for message in told}


def test_risk_14_a_product_new_to_the_register_needs_no_batch(received):
    received(DAY, 5, product="新款净水器")
    outbreaks.detect(now=NOW)
    assert found(SeriesKind.BATCH).get().value == "新款净水器"


@pytest.fixture
def outbreak(steady, received):
    received(DAY, 15)
    outbreaks.detect(now=NOW)
    return found().get()


def test_risk_30_settled_only_with_an_attribution_and_a_reason(cast, outbreak):
    with pytest.raises(InvalidInput) as refused:
        outbreaks.attribute(outbreak.pk, by=cast.counsel, attribution="", reason="管道老化")
    assert refused.value.field == "attribution"
    with pytest.raises(InvalidInput) as refused:
        outbreaks.attribute(outbreak.pk, by=cast.counsel, attribution=Attribution.PRODUCT, reason=" ")
    assert refused.value.field == "reason"
    with pytest.raises(NotAllowed):
        outbreaks.dismiss(outbreak.pk, by=cast.water_handler, reason="没有")
    outbreaks.attribute(outbreak.pk, by=cast.counsel, attribution=Attribution.PRODUCT, reason="同一批次阀门开裂")
    with pytest.raises(IllegalTransition):
        outbreaks.dismiss(outbreak.pk, by=cast.coordinator, reason="没有")
    assert Outbreak.objects.get(pk=outbreak.pk).settled_by == cast.counsel


def test_a_settled_outbreak_stays_settled_and_the_next_one_is_new(cast, outbreak, received):
    outbreaks.attribute(outbreak.pk, by=cast.counsel, attribution=Attribution.EVENT, reason="寒潮")
    assert outbreaks.detect(now=NOW + timedelta(hours=2))["outbreaks"] == 0
    received(DAY + timedelta(days=1), 14)
    outbreaks.detect(now=NOW + timedelta(days=1))
    assert sorted(found().values_list("state", "first_day")) == [
        ("attributed", DAY),
        ("found", DAY + timedelta(days=1)),
    ]


def test_the_pages_lead_from_the_burst_to_an_incident_and_an_attribution(client, cast, outbreak):
    client.force_login(cast.coordinator)
    assert category().label in client.get(reverse("analytics:outbreaks")).content.decode()
    address = reverse("analytics:outbreak", args=[outbreak.pk])
    page = client.get(address)
    case = outbreaks.cases_of(outbreak).first()
    assert reverse("complaints:incident_new") in page.content.decode()
    assert f"case={case.number}" in page.context["declare"]
    assert client.post(address, {"attribution": "product", "reason": ""}).status_code == 422
    assert client.post(address, {"reason": "无"}).status_code == 422
    assert client.post(address, {"attribution": "product", "reason": "阀门开裂"}).status_code == 302
    assert client.post(address, {"attribution": "none", "reason": "误报"}).status_code == 409
    assert "阀门开裂" in client.get(reverse("analytics:outbreaks"), {"state": "attributed"}).content.decode()
    client.force_login(cast.water_handler)
    assert client.get(address).status_code == 403


def test_risk_13_an_incident_counts_as_declared_only_when_most_of_the_cases_belong_to_it(client, cast, outbreak):
    """One case of sixteen in another incident: the others can still be declared, and that one is not torn out."""
    client.force_login(cast.coordinator)
    address = reverse("analytics:outbreak", args=[outbreak.pk])
    first, *others = outbreaks.cases_of(outbreak).order_by("pk")
    incident = transitions.open_incident([first.pk], title="槐荫里停水", by=cast.coordinator)
    page = client.get(address)
    assert page.context["incident"] is None
    assert first.number not in page.context["declare"]
    assert others[0].number in page.context["declare"]
    Complaint.objects.filter(pk__in=[case.pk for case in others]).update(incident=incident)
    page = client.get(address)
    assert page.context["incident"] == incident
    assert reverse("complaints:incident", args=[incident.number]) in page.content.decode()


def test_who_sees_no_case_sees_the_counts_only(client, cast, outbreak):
    """Press and compliance work on risk without reading every case."""
    client.force_login(cast.counsel)
    page = client.get(reverse("analytics:outbreak", args=[outbreak.pk])).content.decode()
    assert outbreaks.cases_of(outbreak).first().number not in page


def test_risk_27_the_outlook_ranks_what_is_coming_by_volume_and_risk(client, cast, steady, received):
    """The rarer category comes first when its complaints are graded high; the place where they gather is named."""
    other = category("water-quality")
    for n in range(1, 71):
        received(DAY - timedelta(days=n), 1, category=other, risk_grade="high", outlet="滨河营业厅")
    cache.clear()
    points = {point.category_id: point for point in outlook.outlook(now=NOW).points}
    common, rare = points[category().pk], points[other.pk]
    assert common.expected > 1.5 * rare.expected
    assert rare.score > common.score
    assert rare.spots == (("滨河营业厅", 28),)
    client.force_login(cast.manager)
    page = client.get(reverse("analytics:outlook")).content.decode()
    assert page.index(other.label) < page.index(category().label)
    assert "滨河营业厅" in page


def test_asg_14_the_outlook_says_which_days_are_holidays(client, cast, steady, monkeypatch):
    """ASG-14: whoever plans shifts sees why the day brings fewer."""
    cache.clear()
    monkeypatch.setattr(outlook, "day_kind", lambda day: "holiday" if day.day == 1 else "")
    client.force_login(cast.manager)
    page = client.get(reverse("analytics:outlook"))
    expected = [kind for day, kind in page.context["days"] if day.day.day == 1]
    assert expected
    assert page.content.decode().count("节假日") == len(expected)


def test_the_outlook_of_a_young_register_says_so(client, cast):
    cache.clear()
    client.force_login(cast.manager)
    assert "至少" in client.get(reverse("analytics:outlook")).content.decode()


def test_lists_cost_the_same_for_one_and_many(client, cast, outbreak, django_assert_max_num_queries):
    for n in range(5):
        Outbreak.objects.create(
            series=f"category:{n}", kind="category", category=category(), department=cast.water, first_day=DAY,
            last_day=DAY, count=9, expected=2, upper=6, found_at=NOW,
        )  # fmt: skip
    client.force_login(cast.manager)
    client.get(reverse("analytics:outbreaks"))
    with django_assert_max_num_queries(8):
        client.get(reverse("analytics:outbreaks"))


# --- The thresholds ----------------------------------------------------------------------------------
EDIT = "/desk/outbreaks/standard/edit/"


def revised(by, based_on=1, **changes):
    limits = replace(SHIPPED, **changes)
    return outbreak_standard.revise(limits, note="按去年的经验", based_on=based_on, by=by)


def sparse(received):
    """Five complaints in three days, the copied one included, of a category that hardly ever has one."""
    for n in range(7, 71, 14):
        received(DAY - timedelta(days=n), 1)
    for n, count in ((2, 2), (1, 1), (0, 1)):
        received(DAY - timedelta(days=n), count)


@pytest.mark.parametrize(("least", "told"), [(5, 1), (6, 0)])
def test_risk_12_13_the_floor_of_five_within_three_days_is_a_threshold_of_the_office(cast, received, least, told):
    """With six instead of five the same days are no outbreak; an outbreak knows the revision it was found by."""
    sparse(received)
    if least != SHIPPED.least:
        revised(cast.coordinator, least=least)
    assert outbreaks.preview(replace(SHIPPED, least=least), now=NOW)[SeriesKind.CATEGORY] == told
    outbreaks.detect(now=NOW)
    assert found().count() == told
    assert [row.standard.revision for row in found()] == [1] * told


def test_risk_12_13_places_and_chance_are_thresholds_too(cast, steady, received):
    """A place below its threshold is not looked at; a stricter chance leaves only the clearest day."""
    for n in range(10, 60, 10):
        received(DAY - timedelta(days=n), 1, outlet="滨河营业厅")
    received(DAY, 5, outlet="滨河营业厅")
    strict = replace(SHIPPED, chance="0.1")
    assert outbreaks.preview(SHIPPED, now=NOW)[SeriesKind.PLACE] == 1
    assert outbreaks.preview(replace(SHIPPED, least=6, place_from=6), now=NOW)[SeriesKind.PLACE] == 0
    received(DAY, 2)
    assert outbreaks.preview(SHIPPED, now=NOW)[SeriesKind.CATEGORY] == 1
    assert outbreaks.preview(strict, now=NOW)[SeriesKind.CATEGORY] == 0
    assert not Outbreak.objects.exists()


def test_risk_14_from_how_many_complaints_a_batch_is_told_is_a_threshold(cast, received):
    received(DAY, 3, product="智能水表", batch="2026-09")
    received(DAY - timedelta(days=40), 1, product="新款净水器")
    received(DAY, 4, product="新款净水器")
    outbreaks.detect(now=NOW)
    assert not found(SeriesKind.BATCH).exists()
    revised(cast.coordinator, batch_from=3, new_days=30)
    outbreaks.detect(now=NOW)
    assert [row.value for row in found(SeriesKind.BATCH)] == ["智能水表 2026-09"]
    assert found(SeriesKind.BATCH).get().upper == 2


def test_risk_12_outbreaks_found_before_keep_their_revision(cast, steady, received):
    """A new revision settles nothing and removes nothing; what it finds names it."""
    received(DAY, 15)
    outbreaks.detect(now=NOW)
    revised(cast.coordinator, least=20)
    outbreaks.detect(now=NOW)
    assert found().get().standard.revision == 1
    received(DAY + timedelta(days=5), 25)
    outbreaks.detect(now=NOW + timedelta(days=5))
    assert [row.standard.revision for row in found().order_by("first_day")] == [1, 2]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("least", 1), ("least", 10**40), ("least", "5.5"), ("least", "x\x00"), ("least", None), ("least", "NaN"),
        ("place_from", 6), ("batch_from", "-3"), ("new_days", 366), ("chance", "0"), ("chance", "2.25"),
        ("chance", "Infinity"), ("false_share", 51),
    ],
)  # fmt: skip
def test_risk_12_a_threshold_that_makes_no_sense_is_refused_at_its_field(cast, field, value):
    with pytest.raises(InvalidInput) as refused:
        revised(cast.coordinator, **{field: value})
    assert refused.value.field == field
    assert OutbreakStandard.objects.count() <= 1


def test_risk_12_nobody_overwrites_a_revision_they_did_not_see(cast):
    revised(cast.coordinator, least=6)
    with pytest.raises(StaleVersion):
        revised(cast.coordinator, least=7)
    with pytest.raises(NotAllowed):
        revised(cast.counsel, based_on=2, least=7)
    with pytest.raises(InvalidInput):
        outbreak_standard.revise(SHIPPED, note=" ", based_on=2, by=cast.coordinator)
    assert outbreak_standard.limits_of(outbreak_standard.current()).least == 6


def test_risk_12_the_thresholds_are_edited_on_their_page_after_a_look_at_the_effect(client, cast, received):
    """First what would stand out, then the revision; whoever works on risk reads it, others never reach it."""
    sparse(received)
    outbreaks.detect(now=NOW)
    client.force_login(cast.coordinator)
    sent = {
        "based_on": 1, "note": "小厅不再提示", "least": 6, "place_from": 3, "batch_from": 5, "new_days": 90,
        "chance": "2.2", "false_share": 25,
    }  # fmt: skip
    page = client.post(EDIT, {**sent, "preview": "1"})
    assert (page.status_code, len(page.context["counts"]), OutbreakStandard.objects.count()) == (200, 4, 1)
    assert client.post(EDIT, {**sent, "least": "9" * 40}).status_code == 422
    assert client.post(EDIT, {**sent, "place_from": 7, "save": "1"}).context["form"].errors.keys() == {"place_from"}
    assert client.post(EDIT, {**sent, "save": "1"}).url == reverse("analytics:outbreak_standard")
    assert client.post(EDIT, {**sent, "save": "1"}).status_code == 409
    client.force_login(cast.counsel)
    page = client.get(reverse("analytics:outbreak_standard"))
    assert (page.status_code, page.context["may_edit"], page.context["standard"].revision) == (200, False, 2)
    assert "小厅不再提示" in page.content.decode()
    assert client.post(EDIT, {**sent, "based_on": 2, "save": "1"}).status_code == 403
    assert (
        reverse("analytics:outbreak_standard")
        in client.get(reverse("analytics:outbreak", args=[found().get().pk])).content.decode()
    )
    client.force_login(cast.water_handler)
    assert client.get(reverse("analytics:outbreak_standard")).status_code == 403
