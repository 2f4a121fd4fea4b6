"""All figures with their filters, files, lists of cases, the appraisal page and the stars
(AN-01, AN-16…18, SPG-09, QUA-11, QUA-13, QUA-14, KB-17, FB-20, PUB-42, EX-09)."""

import csv
import io
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse

from accounts.models import SecurityEvent
from analytics import (
    appraisal,
    awards,
    drill,
    figure_views,
    figures,
    matters,
    selectors,
    suppression,
    tables,
    time_views,
)
from analytics.figures import FIGURES, SMALL, Value
from analytics.periods import parse
from analytics.scope import WHOLE, Scope
from complaints import department_hours, transitions
from complaints import filters as case_filters
from complaints.department_hours import Hours
from complaints.models import Callback, Category, Complaint, Praise
from complaints.tests.factories import Story, at, filing, registered
from publication.models import Publication, RevisedDocument
from review.models import Alert, AlertStandard

NOVEMBER = parse("2026-11")
ALL = "/desk/figures/all/"
BEHIND = "/desk/figures/behind/received/"


@pytest.fixture
def month(cast):
    """November: one closed case of the water department, one just registered."""
    Story(cast, outlet="城东营业厅", special_groups=["elderly"], emotion_intensity=2, customer_tier="vip").to_closed()
    registered("2026-11-20 09:00", phone="13800000009", email="", channel="phone")
    return cast


def page(client, person, url, **query):
    client.force_login(person)
    return client.get(url, query)


def lines_of(answer):
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))


# --- One set of numbers -----------------------------------------------------------------------------


def test_an_02_page_file_and_api_say_the_same(client, month):
    """AN-01, EX-09: the numbers of the page, of both files and of the API are one set."""
    query = {"period": "2026-11", "department": "water"}
    shown = {line.figure.key: line.cell.text for line in page(client, month.manager, ALL, **query).context["lines"]}
    answer = client.get("/api/v1/figures/", query).json()
    rows = lines_of(client.get(f"{ALL}csv/", query))
    for row in rows:
        entry = (
            answer["figures"][row["figure"]]
            if row["table"] == "total"
            else next(found for found in answer["breakdowns"][row["table"]] if found["code"] == row["code"])[
                row["figure"]
            ]
        )
        assert row["value"] == ("" if entry["value"] is None else str(entry["value"])), row
    totals = {row["figure"]: row for row in rows if row["table"] == "total"}
    assert totals.keys() == FIGURES.keys() == shown.keys()
    assert shown["received"] == totals["received"]["value"] == "1"
    assert shown["satisfaction_rate"] == "100.0%"
    book = client.get(f"{ALL}xlsx/", query)
    assert book["Content-Disposition"].endswith('filename="figures-2026-11.xlsx"')


def test_an_02_filters_combine_and_a_wrong_one_is_explained(client, month):
    found = page(
        client, month.manager, ALL, period="2026-11", care="elderly", emotion="2", tier="vip", outlet="城东营业厅"
    )
    assert next(line.cell.text for line in found.context["lines"] if line.figure is figures.received) == "1"
    found = client.get(ALL, {"period": "2026-11", "care": "elderly", "channel": "phone"})
    assert next(line.cell.text for line in found.context["lines"] if line.figure is figures.received) == "0"
    for name in ("care", "tier", "risk", "emotion", "legal", "base", "basically"):
        assert client.get(ALL, {name: "nonsense"}).status_code == 400
        assert list(client.get("/api/v1/figures/", {name: "nonsense"}).json()) == [name]


def test_an_02_result_and_place_are_told_apart_and_combined(client, month):
    """One case closed and judged valid, one not judged, one still open, one refused."""
    closed = Complaint.objects.get(outlet="城东营业厅")
    Complaint.objects.filter(pk=closed.pk).update(is_valid=True)
    unjudged = Story(month, phone="13800000003", email="", outlet="城西营业厅").to_closed()
    refused = registered("2026-11-21 09:00", phone="13800000004", email="", channel="phone").complaint
    Complaint.objects.filter(pk=refused.pk).update(status="not_accepted")
    rows = page(client, month.manager, ALL, period="2026-11").context["tables"]
    shown = {entry["table"].key: entry["rows"] for entry in rows}
    assert {row.code: (row.cells[0].text, cells[0][1] != "") for row, cells in shown["result"]} == {
        "valid": ("1", True), "closed": ("1", True), "open": ("1", True), "not_accepted": ("1", True),
    }  # fmt: skip
    behind = client.get(next(cells[0][1] for row, cells in shown["result"] if row.code == "closed"))
    assert [case.pk for case, _url, _times in behind.context["rows"]] == [unjudged.pk]

    def received(**query):
        lines = client.get(ALL, {"period": "2026-11", **query}).context["lines"]
        return next(line.cell.text for line in lines if line.figure is figures.received)

    assert received(result="valid") == received(result="closed") == received(result="open") == "1"
    assert received(result="invalid") == received(result="withdrawn") == received(result="merged") == "0"
    assert received(result="not_accepted", channel="phone") == "1"
    assert received(result="not_accepted", channel="web") == "0"
    Complaint.objects.filter(pk=closed.pk).update(place="槐荫里 12 号")
    assert received(place="槐荫里 12 号") == received(place="槐荫里 12 号", result="valid") == "1"
    assert received(place="槐荫里 12 号", result="open") == "0"
    assert client.get(ALL, {"result": "nonsense"}).status_code == 400
    assert "槐荫里 12 号" not in client.get(ALL, {"period": "2026-11"}).content.decode()  # a rare place is not named
    for number in range(SMALL):
        registered("2026-11-21 09:00", phone=f"1390000{number:04}", email="", place="市民广场")
    assert "市民广场" in client.get(ALL, {"period": "2026-11"}).content.decode()


def test_an_05_business_steps_are_compared_and_chosen(client, month):
    """Each step that five or more cases name is told apart, leads to its cases, and narrows every other figure."""
    steps = {"开户": 6, "缴费": 5, "销户": 2}
    number = 0
    for step, cases in steps.items():
        for _n in range(cases):
            number += 1
            registered("2026-11-21 09:00", phone=f"1390000{number:04}", email="", business_step=step, channel="phone")
    found = page(client, month.coordinator, ALL, period="2026-11")
    [rows] = [entry["rows"] for entry in found.context["tables"] if entry["table"].key == "step"]
    named = {row.code: (row.label, row.cells[0].text) for row, _cells in rows}
    assert named["开户"] == ("开户", "6")
    assert named["缴费"] == ("缴费", "5")
    assert "销户" not in named  # too few to be named
    assert named["*"][1] == "2"
    behind = client.get(next(cells[0][1] for row, cells in rows if row.code == "开户"))
    assert len(behind.context["rows"]) == 6
    chosen = client.get(ALL, {"period": "2026-11", "step": "缴费", "channel": "phone"})
    assert next(line.cell.text for line in chosen.context["lines"] if line.figure is figures.received) == "5"
    answer = client.get("/api/v1/figures/", {"period": "2026-11", "step": "缴费"}).json()
    assert answer["figures"]["received"]["value"] == 5


def test_sla_04_the_time_ledger_of_any_period_is_shown_and_taken_as_a_file(client, month):
    """AN-10: months and quarters alike; a period that cannot be is told in words."""
    shown = page(client, month.manager, "/desk/figures/time/", period="2026-Q4")
    [line] = shown.context["lines"]
    assert (line.code, line.hours.lead) == ("water", 1)
    assert page(client, month.manager, "/desk/figures/time/", period="2026-10").context["lines"] == []
    [row] = lines_of(client.get("/desk/figures/time/", {"period": "2026-11", "format": "csv"}))
    assert list(row.values())[:4] == ["water", month.water.name, "1", "0"]
    wrong = client.get("/desk/figures/time/", {"period": "2099-01"})
    assert (wrong.status_code, "2099" in wrong.content.decode()) == (400, True)
    assert client.get("/desk/figures/time/", {"period": "x", "format": "csv"}).status_code == 400


def test_sla_04_while_a_worker_measures_the_page_says_so(client, month, monkeypatch):
    """Neither an empty table nor a page that never comes."""
    cache.clear()
    monkeypatch.setattr(department_hours, "IN_REQUEST", 0)
    for query in ({"period": "2026-11"}, {"period": "2026-11", "format": "csv"}):
        shown = page(client, month.manager, "/desk/figures/time/", **query).content.decode()
        assert "正在计算用时" in shown
        assert "本期没有" not in shown


def test_sla_04_the_percentage_of_tasks_in_time_is_exact(client, month, monkeypatch):
    """29 of 100 are 29 %, and 100 % stands for all of them alone."""
    rows = [Hours(month.water.pk, lead=100, limited=100, in_time=29), Hours(month.roads.pk, limited=300, in_time=299)]
    monkeypatch.setattr(time_views.department_hours, "kept", lambda *_span: {row.department: row for row in rows})
    html = page(client, month.manager, "/desk/figures/time/").content.decode()
    assert ">29%<" in html
    assert ">99%<" in html


def test_ex_09_of_many_typed_values_the_leading_ones_are_named(month):
    """Equally frequent ones by their characters, the rest in one group; nothing is lost and nothing counted twice."""
    number = 0
    for value in range(22):
        for _n in range(6 if value == 21 else 5):
            number += 1
            registered("2026-11-21 09:00", phone=f"1390000{number:04}", email="", product=f"p{value:02}")
    found = selectors.bundle(parse("2026-11"), WHOLE, at=at("2026-12-01 09:00"), outside=False)
    rows = found["breakdowns"]["product"]
    assert [row["code"] for row in rows] == ["p21", *(f"p{n:02}" for n in range(19)), "*"]
    assert rows[-1]["received"]["value"] == found["figures"]["received"]["value"] - 6 - 19 * 5


def test_ex_09_who_types_the_mark_of_the_rest_is_counted_with_the_rest(month):
    for n in range(5):
        registered("2026-11-21 09:00", phone=f"1390000{n:04}", email="", product="*")
    registered("2026-11-21 09:00", phone="13900000009", email="", product="路灯")
    found = selectors.bundle(parse("2026-11"), WHOLE, at=at("2026-12-01 09:00"), outside=False)
    rows = found["breakdowns"]["product"]
    assert sum(row["received"]["value"] for row in rows) == found["figures"]["received"]["value"]


def test_the_list_behind_a_very_large_number_is_read_in_parts(client, month, monkeypatch):
    """No database takes a hundred thousand keys in one query."""
    for number in range(4):
        registered("2026-11-21 09:00", phone=f"1390000{number:04}", email="", channel="phone")
    whole = [row[0].pk for row in page(client, month.coordinator, BEHIND, period="2026-11").context["rows"]]
    monkeypatch.setattr(drill, "AT_ONCE", 2)
    monkeypatch.setattr(figure_views, "PAGE_ROWS", 3)
    first = client.get(BEHIND, {"period": "2026-11"})
    second = client.get(f"{BEHIND}{first.context['next_url']}")
    found = [row[0].pk for answer in (first, second) for row in answer.context["rows"]]
    assert (found, len(whole)) == (whole, 6)


def test_an_32_the_cases_behind_a_number_are_exported_masked(client, month, monkeypatch):
    """As many lines as the person may see cases, with nothing that anybody wrote; who took the file is logged."""
    for number in range(SMALL):
        registered("2026-11-21 09:00", phone=f"1390000{number:04}", email="", product="水表", outlet="=1+1")
    Complaint.objects.filter(outlet="城东营业厅").update(product="张桂芳家的水管", rework_rounds=2)
    monkeypatch.setattr(drill, "AT_ONCE", 3)
    answer = page(client, month.coordinator, f"{BEHIND}csv/", period="2026-11")
    text = answer.getvalue().decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == 1 + len(drill.behind(figures.received, NOVEMBER, WHOLE)) == 1 + SMALL + 2
    closed = next(row for row in rows if row[0] == Complaint.objects.get(rework_rounds=2).number)
    assert closed[rows[0].index("Returned for rework") if "Returned for rework" in rows[0] else 13] == "2"
    assert sum("水表" in row for row in rows) == sum("'=1+1" in row for row in rows) == SMALL
    assert not [word for word in ("张桂芳", "1380000", "柳桥", "槐荫里", filing().subject) if word in text]
    assert SecurityEvent.objects.filter(kind="cases_exported", user=month.coordinator).count() == 1
    book = client.get(f"{BEHIND}xlsx/", {"period": "2026-11"})
    assert book["Content-Disposition"].endswith('filename="cases-received-2026-11.xlsx"')
    own = page(client, month.roads_handler, f"{BEHIND}csv/", period="2026-11").getvalue().decode()
    assert len(own.splitlines()) == 1
    assert client.get(f"{BEHIND}pdf/").status_code == 404
    assert page(client, month.reviewer, f"{BEHIND}csv/").status_code == 403
    assert client.get("/desk/figures/behind/repeat_complainants/csv/").status_code in (403, 404)


def test_the_formula_of_the_three_rates_is_chosen_and_printed(client, month):
    html = page(client, month.manager, ALL, period="2026-11", basically="no", base="asked").content.decode()
    chosen = client.get(ALL, {"period": "2026-11"}).context["formula"]
    assert "只有“满意”" in html or "only “satisfied” counts" in html
    assert chosen not in html


def test_who_sees_all_figures(client, month):
    """AN-33: a department reads its own figures; somebody without the permission nothing."""
    assert page(client, month.administrator, ALL).status_code == 403
    found = page(client, month.roads_handler, ALL, period="2026-11")
    assert next(line.cell.text for line in found.context["lines"] if line.figure is figures.received) == "0"
    assert client.get(ALL, {"department": "water"}).status_code == 400
    assert client.get(f"{ALL}pdf/").status_code == 404


def test_the_page_costs_the_same_with_more_cases(client, month, django_assert_max_num_queries):
    page(client, month.manager, ALL, period="2026-11")
    for n in range(3):
        Story(month, phone=f"1390000{n:04}", email="", outlet=f"{n}", product=f"{n}").to_reply()
        case_filters.options()
        with django_assert_max_num_queries(62):
            client.get(ALL, {"period": "2026-11"})


# --- What leaves the office ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "left"),
    [
        ([20, 6, 3], [20, None, None]),  # the total would tell the single small one
        ([20, 3, 3], [20, None, None]),  # two of them rest on six cases
        ([20, 9, 2, 2], [20, None, None, None]),  # together four: still too few
        ([20, 9, 0], [20, 9, 0]),
        ([3], [None]),
        ([], []),
    ],
)
def test_ex_09_no_small_cell_can_be_worked_out(sizes, left):
    """PR-15: what the total and the other cells give away is hidden with it."""
    assert [value.value for value in suppression.outside([Value(n) for n in sizes])] == left


def test_ex_09_files_of_others_hold_no_small_cell(client, month):
    for n in range(6):
        registered("2026-11-10 09:00", phone=f"1380001{n:04}", email="")
    query = {"period": "2026-11"}
    rows = lines_of(page(client, month.intake, f"{ALL}csv/", **query))
    channels = {row["code"]: (row["value"], row["suppressed"]) for row in rows if row["table"] == "channel"}
    assert channels == {"web": ("", "1"), "phone": ("", "1")}  # seven and one: the total stands beside them
    rows = lines_of(page(client, month.manager, f"{ALL}csv/", **query))
    assert {row["code"]: row["value"] for row in rows if row["table"] == "channel"} == {"web": "7", "phone": "1"}


def test_rare_places_are_not_named(month):
    """A place or product typed once could name a person: only what occurs five times is told by name."""
    for n in range(5):
        registered("2026-11-10 09:00", phone=f"1380001{n:04}", email="", outlet="城西营业厅")
    rows = selectors.bundle(NOVEMBER, WHOLE, at=at("2026-12-01 09:00"), outside=False)["breakdowns"]["outlet"]
    assert [(row["code"], row["received"]["value"]) for row in rows] == [("城西营业厅", 5), ("", 1), ("*", 1)]


# --- From a number to its cases -----------------------------------------------------------------------


def test_an_33_a_number_leads_to_exactly_its_cases(client, month):
    found = page(client, month.coordinator, ALL, period="2026-11")
    url = next(line.url for line in found.context["lines"] if line.figure is figures.call_back_rate)
    listed = client.get(url)
    assert [case.outlet for case, _url, _times in listed.context["rows"]] == ["城东营业厅"]
    table = next(entry for entry in found.context["tables"] if entry["table"].key == "channel")
    phone = next(cells[0][1] for row, cells in table["rows"] if row.code == "phone")
    assert [case.channel for case, _url, _times in client.get(phone).context["rows"]] == ["phone"]


def test_an_33_the_list_keeps_to_the_rights_of_the_viewer(client, month):
    """A handler sees the own cases, management no case without a department; the person named in a case never sees
    it; who sees no case gets no list."""
    url = reverse("analytics:behind", args=["received"])
    case = Complaint.objects.get(outlet="城东营业厅")
    assert len(page(client, month.coordinator, url, period="2026-11").context["rows"]) == 2
    found = page(client, month.manager, url, period="2026-11").context
    assert ([row[0] for row in found["rows"]], found["total"]) == ([case], 2)
    assert [row[0] for row in page(client, month.water_handler, url, period="2026-11").context["rows"]] == [case]
    case.accused_staff.add(month.coordinator)
    named = page(client, month.coordinator, url, period="2026-11")
    assert case not in [row[0] for row in named.context["rows"]]
    assert page(client, month.reviewer, url, period="2026-11").status_code == 403
    for wrong in ("nothing", "frequent_complainants", "publication_echo"):
        assert page(client, month.manager, reverse("analytics:behind", args=[wrong])).status_code == 404
    assert client.get(url, {"axis": "milestone", "group": "reply"}).status_code == 404
    assert client.get(url, {"after": "x"}).status_code == 404


def test_the_list_behind_a_number_is_paged_by_position(client, month, monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr("analytics.figure_views.PAGE_ROWS", 1)
    url = reverse("analytics:behind", args=["received"])
    first = page(client, month.coordinator, url, period="2026-11")
    with django_assert_max_num_queries(8):
        second = client.get(url + first.context["next_url"])
    pks = [found.context["rows"][0][0].pk for found in (first, second)]
    assert pks == sorted(pks, reverse=True)
    assert len(set(pks)) == 2
    assert not second.context["next_url"]


# --- Who complained, and how ---------------------------------------------------------------------------


def test_an_16_emotions_and_their_intensity(month):
    case = Complaint.objects.get(outlet="城东营业厅")
    case.emotions.set(Category.objects.filter(dimension="emotion")[:2])
    assert figures.upset_share(NOVEMBER, WHOLE) == Value(0.5, 1, 2)
    assert figures.emotions_noted(NOVEMBER, WHOLE).value == 2
    rows = selectors.bundle(NOVEMBER, WHOLE, at=at("2026-12-01 09:00"), outside=False)["breakdowns"]
    assert sorted(row["code"] for row in rows["intensity"]) == ["0", "2"]
    assert {row["emotions_noted"]["value"] for row in rows["emotion"]} == {1}


def test_cls_12_cls_16_service_and_function_and_neither(cast):
    """Of any period, so that how both develop can be seen; an unmet special need is no failure of a product."""
    service = Category.objects.filter(dimension="category", is_soft=True).first()
    function = Category.objects.filter(dimension="category", is_soft=False).first()
    registered("2026-10-12 09:00", category=service)
    for day, category in ((2, service), (3, service), (4, function), (5, function), (6, None)):
        registered(f"2026-11-0{day} 09:00", category=category)
    Complaint.objects.filter(registered_at__date="2026-11-05").update(is_unmet_need=True)
    rows = selectors.bundle(NOVEMBER, WHOLE, at=at("2026-12-01 09:00"), outside=False)["breakdowns"]["matter"]
    counts = {row["code"]: row["received"]["value"] for row in rows}
    assert counts == {"service": 2, "function": 1, "unmet_need": 1, "": 1}
    october = figures.received.by("matter", parse("2026-10"), WHOLE)
    assert {group.code: value.value for group, value in october.items()} == {"service": 1}
    assert len(drill.behind(figures.received, NOVEMBER, WHOLE, axis="matter", group="unmet_need")) == 1


def test_cls_12_the_trend_of_service_complaints_over_twelve_months(cast, client):
    """Chart and table month by month; every number opens its cases, an unmet special need is in neither share."""
    service = Category.objects.filter(dimension="category", is_soft=True).first()
    function = Category.objects.filter(dimension="category", is_soft=False).first()
    for month, soft in ((6, 1), (7, 1), (8, 1), (9, 2), (10, 3), (11, 4)):
        for day in range(1, soft + 1):
            registered(f"2026-{month:02}-0{day} 09:00", category=service)
        registered(f"2026-{month:02}-08 09:00", category=function)
    registered("2026-11-09 09:00", category=function)
    Complaint.objects.filter(registered_at__date="2026-11-09").update(is_unmet_need=True)
    found = matters.trend(NOVEMBER, WHOLE, at=at("2026-12-01 09:00"))
    assert [row.counts["service"] for row in found.months] == [0] * 6 + [1, 1, 1, 2, 3, 4]
    assert found.months[-1].counts == {"service": 4, "function": 1, "unmet_need": 1, "": 0}
    assert (found.months[-1].share, found.months[0].share) == (0.8, None)
    shown = page(client, cast.manager, "/desk/figures/matters/", period="2026-11")
    html = shown.content.decode()
    assert (shown.status_code, html.count('<svg xmlns="http://www.w3.org/2000/svg" class="chart')) == (200, 2)
    link = next(url for _label, _count, url in shown.context["rows"][0][1] if "group=service" in url)
    assert client.get(link).context["total"] == 4
    assert "/desk/figures/matters/?" in page(client, cast.manager, ALL, period="2026-11").content.decode()


def test_cls_12_the_trend_is_counted_in_one_query(cast, django_assert_num_queries):
    registered("2026-11-09 09:00")
    with django_assert_num_queries(1):
        matters.trend(NOVEMBER, WHOLE, at=at("2026-12-01 09:00"))


def test_cls_12_an_office_that_has_just_begun_is_not_told_of_a_rise_from_nothing(cast):
    """Months before the first complaint, and months to come of a quarter, are gaps in the chart, not zeros."""
    for month in (9, 10, 11):
        for day in (1, 2, 3):
            registered(f"2026-{month:02}-0{day} 09:00", category=Category.objects.filter(is_soft=True).first())
    found = matters.trend(NOVEMBER, WHOLE, at=at("2026-12-01 09:00"))
    assert found.counted_finding == "月份太少，还不能判断趋势。"
    assert found.counted.count("<circle") == 3
    quarter = matters.trend(parse("2026-Q4"), WHOLE, at=at("2026-11-15 09:00"))
    assert quarter.counted.count("<circle") == 3


def test_cls_12_a_wrong_period_is_named_above_the_trend_of_the_last_month(cast, client):
    assert page(client, cast.manager, "/desk/figures/matters/", period="1234-99").status_code == 400


def test_an_17_people_are_counted_by_hash_and_never_named(client, month):
    """Three complaints, linked by telephone and by e-mail, are one person; a page names nobody."""
    registered("2026-11-05 09:00", phone="13700000001", email="one@example.cn", name="李木子")
    registered("2026-11-06 09:00", phone="13700000001", email="two@example.cn", name="李木子")
    registered("2026-11-07 09:00", phone="13700000002", email="two@example.cn", name="李木子")
    registered("2026-12-01 00:00", phone="13700000001", email="", name="李木子")
    assert figures.repeat_complainants(NOVEMBER, WHOLE).value == 1
    assert figures.frequent_complainants(NOVEMBER, WHOLE).value == 1
    assert figures.frequent_cases(NOVEMBER, WHOLE).value == 3
    assert figures.repeat_complainants(parse("2026-Q4"), WHOLE).value == 1
    assert figures.frequent_cases(parse("2026-Q4"), WHOLE).value == 4
    html = page(client, month.manager, ALL, period="2026-11").content.decode()
    assert not [text for text in ("李木子", "13700000001", "one@example.cn") if text in html]


def test_an_17_complaints_per_customer_tier(month):
    found = figures.received.by("tier", NOVEMBER, WHOLE)
    assert {group.code: value.value for group, value in found.items()} == {"vip": 1, "": 1}


def test_an_18_risk_grade_and_type_of_legal_risk(month):
    legal = Category.objects.filter(dimension="legal").first()
    Complaint.objects.filter(outlet="城东营业厅").update(legal_type=legal, risk_grade="high")
    assert figures.legal_risk_share(NOVEMBER, WHOLE) == Value(0.5, 1, 2)
    rows = selectors.bundle(NOVEMBER, WHOLE, at=at("2026-12-01 09:00"), outside=False)["breakdowns"]
    assert {row["code"]: row["received"]["value"] for row in rows["legal_type"]} == {legal.code: 1, "": 1}
    assert {row["code"]: row["received"]["value"] for row in rows["risk"]} == {"high": 1, "ordinary": 1}
    assert figures.received(NOVEMBER, Scope(legal=(legal.pk,), risk="high")).value == 1


def test_spg_09_special_groups_have_their_own_count_time_and_satisfaction(client, month):
    """A case of two groups counts in both; the page shows each group with all three figures."""
    Complaint.objects.filter(outlet="城东营业厅").update(special_groups=["elderly", "disabled"])
    found = page(client, month.manager, ALL, period="2026-11")
    table = next(entry["table"] for entry in found.context["tables"] if entry["table"].key == "care")
    rows = {row.code: [cell.text for cell in row.cells] for row in table.rows}
    assert rows["elderly"] == rows["disabled"] == ["1", "100.0%", "100.0%"]
    assert rows[""][0] == "1"
    assert figures.special_share(NOVEMBER, WHOLE) == Value(0.5, 1, 2)


def test_an_11_missed_limits_by_reason(month):
    late = Story(month, phone="13800000077", email="").accept("2026-11-27 10:00").pk
    Complaint.objects.filter(pk=late).update(late_reason="coordination")
    rows = selectors.bundle(NOVEMBER, WHOLE, at=at("2026-12-01 09:00"), outside=False)["breakdowns"]["missed"]
    found = {row["code"]: row["coordination"]["value"] for row in rows}
    assert found["decide_acceptance"] == 1


# --- Does it last -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "changes", "again"),
    [
        (0, {"phone": "13800002417", "email": ""}, 1),  # the same person on the last moment of the 90 days
        (1, {"phone": "13800002417", "email": ""}, 0),
        (-60, {"phone": "13900000001", "email": "", "outlet": "城东营业厅"}, 1),
        (-60, {"phone": "13900000001", "email": "", "outlet": "城西营业厅"}, 0),
    ],
)
def test_fb_20_recurrence_within_ninety_days(month, minutes, changes, again):
    """FB-20: the same person, or the same outlet with the same category, within 90 days after the first closing."""
    closed = Complaint.objects.get(outlet="城东营业厅")
    moment = closed.first_closed_at + timedelta(days=90, minutes=minutes)
    receipt = transitions.register(filing(received_at=moment, category=closed.category, **changes), by=None, at=moment)
    assert receipt.complaint.category == closed.category
    assert figures.recurrence_rate(parse("2027-02"), WHOLE) == Value(float(again), again, 1)
    assert figures.recurrence_rate(parse("2027-01"), WHOLE).of == 0
    by_department = figures.recurrence_rate.by("department", parse("2027-02"), WHOLE)
    assert [(group.code, value.part) for group, value in by_department.items()] == [("water", again)]


def test_fb_20_a_case_said_to_be_unsolved_is_not_watched(month):
    Callback.objects.update(is_solved=False)
    assert figures.recurrence_rate(parse("2027-02"), WHOLE) == Value(None, 0, 0)


def test_pub_42_documents_revised_because_of_a_published_problem(month):
    """PUB-42: counted by the day of the revision; and what followed the publication."""
    case = Complaint.objects.get(outlet="城东营业厅")
    posted = at("2026-11-21 00:00")
    result = Publication.objects.create(
        number="GS-1", complaint=case, title="停水", author=month.publisher, created_at=posted, updated_at=posted,
        posted_at=posted, category=case.category,
    )  # fmt: skip
    for day in ("2026-11-30", "2026-12-01"):
        RevisedDocument.objects.create(
            publication=result, title="抢修手册", revised_on=day, at=posted, by=month.publisher
        )
    assert figures.revised_documents(NOVEMBER, WHOLE).value == 1
    for n in range(3):
        pk = registered(f"2026-12-0{n + 1} 09:00", phone=f"1390000{n:04}", email="").complaint.pk
        Complaint.objects.filter(pk=pk).update(category=case.category)
    assert figures.publication_echo(parse("2027-02"), WHOLE) == Value(3.0, 3, 1)


# --- Appraisal and stars ------------------------------------------------------------------------------


def answered(cast, count, satisfaction="satisfied", **changes):
    for n in range(count):
        story = Story(cast, phone=f"1860000{n:04}", email="", **changes).to_reply()
        story.call_back(satisfaction=satisfaction).close()


def test_qua_11_volume_and_speed_never_stand_alone(client, month):
    """QUA-11, QUA-13: each line also holds satisfaction, call-back, praise, compliance and risk control."""
    Praise.objects.create(department=month.water, text="耐心", received_on="2026-11-21", by=month.intake)
    found = page(client, month.manager, reverse("analytics:appraisal"), period="2026-11")
    ((line, cells),) = found.context["lines"]
    keys = {cell.figure for cell, _url in cells}
    assert {"handled", "average_days"} < keys
    assert {"satisfaction_rate", "call_back_rate", "praises"} < keys
    assert {"late_share", "returns", "reworks", "perfunctory", "missing_evidence"} < keys
    assert {"risk_in_time", "overturned_rate", "recurrence_rate"} < keys
    assert next(cell.text for cell, _url in cells if cell.figure == "praises") == "1"
    assert set(appraisal.ORDERS).isdisjoint(appraisal.GROUPS[0][1])
    assert line.rank is None


def test_qua_13_marks_and_risks_count(month):
    standard = AlertStandard.objects.create(revision=1)
    case = Complaint.objects.get(outlet="城东营业厅")
    Complaint.objects.filter(pk=case.pk).update(risk_grade="high")
    for rule, state, reason in (("perfunctory", "raised", ""), ("no_evidence", "dismissed", "有照片")):
        Alert.objects.create(
            rule=rule, complaint=case, standard=standard, state=state, reason=reason, raised_at=at("2026-11-22 09:00")
        )
    (line,) = appraisal.lines(NOVEMBER, WHOLE, "department", by="satisfaction_rate")
    cells = {cell.figure: cell for cell in line.cells}
    assert (cells["perfunctory"].value, cells["missing_evidence"].value) == (1, 0)
    assert cells["risk_in_time"].size > 0
    own = Scope(departments=frozenset([month.water.pk]), sees_reviews=False)
    (line,) = appraisal.lines(NOVEMBER, own, "department", by="satisfaction_rate")
    assert next(cell.value for cell in line.cells if cell.figure == "perfunctory") is None  # RI-12


def test_sla_04_each_department_is_appraised_by_the_limits_of_its_own_tasks(cast):
    """Lead and supporting alike: the first is late, the last is not late for it, whoever leads at the end."""
    story = Story(cast).accept().assign(supporting=[cast.roads], limit=3)
    transitions.reassign(
        story.pk, by=cast.coordinator, department=cast.roads, reason="属于道路", limit=5, at=at("2026-11-24 10:00")
    )
    transitions.start(story.pk, by=cast.roads_handler, at=at("2026-11-24 11:00"))
    transitions.submit_for_check(
        story.pk, by=cast.roads_handler, process="查了现场", result="路面已恢复", at=at("2026-11-26 15:00")
    )
    found = appraisal._tasks_in_time(NOVEMBER, WHOLE, "department")
    assert {group.code: (value.part, value.of) for group, value in found.items()} == {"water": (0, 1), "roads": (1, 2)}
    own = Scope(departments=frozenset([cast.water.pk]))
    assert [group.code for group in appraisal._tasks_in_time(NOVEMBER, own, "department")] == ["water"]
    people = appraisal._tasks_in_time(NOVEMBER, WHOLE, "handler")
    assert {group.code: (value.part, value.of) for group, value in people.items()} == {"R001": (1, 1)}
    names = {
        cell.name for line in appraisal.lines(NOVEMBER, WHOLE, "department", by="on_time_rate") for cell in line.cells
    }
    assert appraisal.name_of("tasks_in_time") in names


def test_qua_14_few_cases_are_neither_ranked_nor_shown(month):
    """QUA-14: a rate of fewer than five is empty, a rank comes with ten; equal rates share it."""
    answered(month, 3)
    (line,) = appraisal.lines(NOVEMBER, WHOLE, "department", by="satisfaction_rate")
    cell = next(cell for cell in line.cells if cell.figure == "satisfaction_rate")
    assert (cell.value, cell.size, cell.is_few, line.rank) == (None, 4, True, None)
    answered(month, 6)
    (line,) = appraisal.lines(NOVEMBER, WHOLE, "department", by="satisfaction_rate")
    cell = next(cell for cell in line.cells if cell.figure == "satisfaction_rate")
    assert (cell.value, cell.size, line.rank) == (1.0, 10, 1)


def test_qua_14_staff_are_compared_by_heads_and_management_only(client, month):
    url = reverse("analytics:appraisal")
    for person in (month.intake, month.water_handler, month.coordinator, month.auditor):
        assert page(client, person, url, period="2026-11", view="handler").status_code == 403
        assert page(client, person, url, period="2026-11").status_code == 200
        assert page(client, person, reverse("analytics:awards")).status_code == 403
        behind = reverse("analytics:behind", args=["received"])
        refused = client.get(behind, {"period": "2026-11", "axis": "handler", "group": "W001"})
        assert refused.status_code == 403
    for person in (month.manager, month.water_head):
        found = page(client, person, url, period="2026-11", view="handler")
        assert [line.name for line, _cells in found.context["lines"]] == ["赵启明"]
    head_of_others = page(client, month.water_head, url, period="2026-11")
    assert [line.code for line, _cells in head_of_others.context["lines"]] == ["water"]


def test_qua_14_the_file_holds_what_the_page_shows(client, month):
    url = reverse("analytics:appraisal")
    found = page(client, month.manager, url, period="2026-11")
    ((_line, cells),) = found.context["lines"]
    text = client.get(url, {"period": "2026-11", "format": "csv"}).getvalue().decode("utf-8-sig")
    heading, row = list(csv.reader(io.StringIO(text)))
    shown = dict(zip(heading, row, strict=True))
    for cell, _url in cells:
        assert shown[cell.name] == ("" if cell.value is None else str(cell.value))
    others = page(client, month.coordinator, url, period="2026-11", format="csv")
    hidden = dict(zip(heading, list(csv.reader(io.StringIO(others.getvalue().decode("utf-8-sig"))))[1], strict=True))
    assert hidden[appraisal.name_of("handled")] == ""  # one case


def test_kb_17_candidates_meet_the_rules(client, month):
    """KB-17: enough answers, satisfied, no limit missed and no perfunctory mark; praise for the service star."""
    answered(month, 9)
    Praise.objects.create(
        department=month.water, person=month.water_handler, text="耐心", received_on="2026-11-21", by=month.intake
    )
    result = awards.candidates(NOVEMBER, WHOLE, awards.Rules())
    assert [(row.number, row.answers, row.percent) for row in result.satisfaction] == [("W001", 10, 100.0)]
    assert [(row.number, row.praises) for row in result.service] == [("W001", 1)]
    assert awards.candidates(NOVEMBER, WHOLE, awards.Rules(answers=11)).satisfaction == []
    found = page(client, month.manager, reverse("analytics:awards"), period="2026-11")
    assert "赵启明" in found.content.decode()
    assert client.get(reverse("analytics:awards"), {"period": "2099-01"}).status_code == 400
    wrong = client.get(reverse("analytics:awards"), {"period": "2026-11", "satisfied": "101"})
    assert (wrong.status_code, list(wrong.context["form"].errors)) == (422, ["satisfied"])
    Story(month, phone="13800000088", email="").accept("2026-11-27 10:00").assign("2026-11-27 11:00").start(
        "2026-11-27 12:00"
    )  # accepted late
    assert awards.candidates(NOVEMBER, WHOLE, awards.Rules()).satisfaction == []


def test_the_case_count_behind_a_pooled_row_is_no_link():
    assert not tables.is_group("outlet", "*")
    assert tables.is_group("outlet", "城东营业厅")
    assert not drill.leads_to_cases(figures.open_at_end, "department")
