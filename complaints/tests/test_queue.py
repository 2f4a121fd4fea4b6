"""The work queue: views, filters, search, paging, preview, assigning several (ASG-13, AZ-03, AZ-04, DS-02)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.cache import caches
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import SecurityEvent
from accounts.tests.factories import sign_in_anew
from accounts.tests.factories import user as make_user
from complaints import clocks, filters, knowledge, office_terms, queue, transitions
from complaints.models import CaseEvent, Complaint
from complaints.states import Status
from complaints.tests.factories import Story, at, registered

URL = "/desk/queue/"


def listed(response) -> list[str]:
    """The case numbers of the rows, in order."""
    return [row.complaint.number for row in response.context["rows"]]


def numbers(response) -> dict[str, int]:
    return {view.key: number for view, number, _url in response.context["views"]}


@pytest.fixture
def desk(client, cast):
    client.force_login(cast.intake)
    return client


def case(when: str = "2026-11-16 09:12", **changes) -> Complaint:
    return registered(when, **changes).complaint


def set_due(complaint: Complaint, moment) -> None:
    Complaint.objects.filter(pk=complaint.pk).update(next_due_at=moment)


# --- Who gets in ----------------------------------------------------------------------------
def test_anonymous_visitor_is_sent_to_sign_in(client, db):
    response = client.get(URL + "?view=all")
    assert response.status_code == 302
    assert response["Location"] == "/accounts/login/?next=/desk/queue/%3Fview%3Dall"


def test_role_without_the_desk_is_refused_and_logged(client, cast):
    """AT-06: the administrator has no case content."""
    sign_in_anew(client, cast.administrator)
    assert client.get(URL).status_code == 403
    assert SecurityEvent.objects.filter(kind="refused", user=cast.administrator, subject="queue_page").count() == 1


def test_department_sees_its_own_cases_only(client, cast):
    ours, theirs = Story(cast).accept().assign(), Story(cast).accept().assign(department=cast.roads)
    client.force_login(cast.water_handler)
    response = client.get(URL + "?view=all")
    assert listed(response) == [ours.case.number]
    assert theirs.case.number not in response.content.decode()


# --- Views ------------------------------------------------------------------------------------
def test_each_view_holds_its_cases_and_counts_them(desk, cast):
    """ASG-13: views with counts."""
    now = timezone.now()
    new = case()
    soon, late, paused = (Story(cast).accept().assign().start() for _n in range(3))
    set_due(soon.case, now + timedelta(minutes=1))
    set_due(late.case, now - timedelta(hours=1))
    Complaint.objects.filter(pk=paused.pk).update(next_due_at=now - timedelta(hours=1), is_paused=True)
    for other in Complaint.objects.exclude(pk__in=[soon.pk, late.pk, paused.pk]):
        set_due(other, now + timedelta(days=60))
    waiting = case()
    transitions.request_information(waiting.pk, by=cast.intake, items="请补充照片", at=at("2026-11-16 10:00"))
    set_due(waiting, now + timedelta(days=60))
    set_due(new, now + timedelta(days=60))
    joint = Story(cast).accept().assign(supporting=[cast.roads])
    risky = Story(cast).accept().high_risk()
    closed = Story(cast).to_closed()
    for story in (joint, risky):
        set_due(story.case, now + timedelta(days=60))
    expected = {
        "mine": {new, soon.case, late.case, paused.case, joint.case, risky.case},
        "soon": {soon.case},
        "overdue": {late.case},
        "awaiting": {waiting},
        "joint": {joint.case},
        "high": {risky.case},
        "unassigned": {risky.case},
        "all": set(Complaint.objects.all()),
        "closed": {closed.case},
    }
    found = {key: set(listed(desk.get(URL, {"view": key}))) for key in expected}
    assert found == {key: {each.number for each in cases} for key, cases in expected.items()}
    assert numbers(desk.get(URL)) == {key: len(cases) for key, cases in found.items()}


def test_a_handler_finds_own_and_untaken_cases_of_the_department_as_work(client, cast):
    taken, untaken = Story(cast).accept().assign().start(), Story(cast).accept().assign()
    other = Story(cast).accept().assign()
    transitions.start(other.pk, by=cast.water_handler2, at=at("2026-11-16 11:30"))
    client.force_login(cast.water_handler)
    assert set(listed(client.get(URL))) == {taken.case.number, untaken.case.number}


def test_a_quality_checker_finds_what_waits_for_the_check(client, cast):
    waiting = Story(cast).accept().assign().start().submit()
    Story(cast).accept()
    client.force_login(cast.checker)
    assert listed(client.get(URL)) == [waiting.case.number]


def test_an_empty_view_says_so_and_offers_one_way_out(client, cast):
    client.force_login(cast.roads_handler)
    html = client.get(URL).content.decode()
    assert str(queue.VIEWS["mine"].empty) in html
    assert 'href="/desk/queue/?view=all"' in html


def test_counts_are_kept_for_a_minute(desk, cast):
    assert numbers(desk.get(URL))["all"] == 0
    case()
    assert numbers(desk.get(URL))["all"] == 0
    caches["local"].clear()
    assert numbers(desk.get(URL))["all"] == 1


# --- Filters ------------------------------------------------------------------------------------
def test_filters_narrow_and_combine(desk, cast):
    water, roads = Story(cast).accept().assign(), Story(cast).accept().assign(department=cast.roads)
    high = Story(cast).accept().high_risk()
    letter = case("2026-11-10 09:00", channel="letter")
    everything = {"view": "all"}
    assert listed(desk.get(URL, {**everything, "department": "water"})) == [water.case.number]
    assert set(listed(desk.get(URL, {**everything, "department": ["water", "roads"]}))) == {
        water.case.number,
        roads.case.number,
    }
    assert listed(desk.get(URL, {**everything, "risk": "high"})) == [high.case.number]
    assert listed(desk.get(URL, {**everything, "channel": "letter"})) == [letter.number]
    assert listed(desk.get(URL, {**everything, "status": "registered"})) == [letter.number]
    assert listed(desk.get(URL, {**everything, "status": "assigned", "department": "roads"})) == [roads.case.number]
    # The parent category finds the cases of its subcategories.
    assert len(listed(desk.get(URL, {**everything, "category": "utilities"}))) == 3
    assert listed(desk.get(URL, {**everything, "category": "logistics"})) == []
    assert listed(desk.get(URL, {**everything, "received_to": "2026-11-10"})) == [letter.number]
    assert len(listed(desk.get(URL, {**everything, "received_from": "2026-11-11"}))) == 3


@pytest.mark.parametrize(
    "query",
    [
        "complainant__contacts__match_hash__startswith=a",
        "complainant__name=x&order_by=complainant__name",
        "sort=access_code_hash",
        "sort=-complainant",
        "view=%00&sort=%00&after=%00&before=%00&preview=%00",
        "status=bogus&category=bogus&department=%27%3B--&risk=9&channel=%00",
        "received_from=0001-01-01&received_to=9999-12-31",
        "received_from=abc&date=0001-01-01",
        "date=9999-12-31",
        "after=0-99999999999999999999-1&before=-1",
        "after=9-1-1",
        "after=1-0-999999999999999999",
        "q=%",
        "q=%25%27%22%5C_*()%3A%26%7C%21",
        "q=%00",
        "q=AND OR NOT NEAR(",
        "preview=HY-99999999-9999",
    ],
)
def test_unknown_keys_and_hostile_values_change_nothing_and_never_break(desk, cast, query):
    """AZ-04, DS-02."""
    only = case()
    response = desk.get(f"{URL}?view=all&{query}" if "view=" not in query else f"{URL}?{query}")
    assert response.status_code == 200
    assert listed(response) in ([only.number], [])
    if "q=" not in query and "after=1" not in query and "date=" not in query:
        assert listed(response) == [only.number]


def test_a_ten_kilobyte_search_answers(desk, cast):
    """DS-02."""
    case()
    assert desk.get(URL, {"view": "all", "q": "停" * 10_000}).status_code == 200


# --- Search ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("words", ["槐", "荫里", "槐荫里", "停水", "24", "0001", "槐荫里 停水"])
def test_search_finds_one_two_and_three_characters(desk, cast, words):
    found = case()
    case(subject="公交 17 路末班车提前发车", narrative="末班车提前 12 分钟。")
    assert listed(desk.get(URL, {"view": "all", "q": words})) == [found.number]


@pytest.mark.parametrize("words", ["荫槐", "停气", "槐荫里停气", "2417", "张桂芳", "柳桥"])
def test_search_finds_no_other_text_and_no_identity(desk, cast, words):
    """Contact data is encrypted: neither name nor address nor the end of a number can be searched."""
    case()
    assert listed(desk.get(URL, {"view": "all", "q": words})) == []


def test_exact_number_opens_the_case(desk, cast):
    found = case()
    response = desk.get(URL, {"view": "overdue", "q": f" {found.number.lower()} "})
    assert (response.status_code, response["Location"]) == (302, f"/desk/cases/{found.number}/")


def test_whole_phone_number_finds_the_case_for_whoever_sees_all(client, cast):
    story = Story(cast).accept().assign()
    client.force_login(cast.intake)
    assert listed(client.get(URL, {"view": "all", "q": "138 0000 2417"})) == [story.case.number]
    client.force_login(cast.water_handler)
    assert listed(client.get(URL, {"view": "all"})) == [story.case.number]
    assert listed(client.get(URL, {"view": "all", "q": "138 0000 2417"})) == []


# --- Order and paging -------------------------------------------------------------------------------
def walk(client, query: str) -> tuple[list[list[str]], str]:
    """Every page forward from the first one, and the address of the last."""
    pages, url = [], URL + query
    while True:
        response = client.get(url)
        pages.append(listed(response))
        if not response.context["next_url"]:
            return pages, url
        url = response.context["next_url"]


@pytest.mark.parametrize(
    "query", ["?view=mine", "?view=all", "?view=mine&sort=received", "?view=all&status=registered&sort=due"]
)
def test_walking_all_pages_forward_and_back_meets_each_case_once(desk, cast, monkeypatch, query):
    """Also with equal due times and without any (NULL last)."""
    monkeypatch.setattr(queue, "PAGE_SIZE", 3)
    due = timezone.now().replace(microsecond=123456)
    made = [case(f"2026-11-16 09:{minute:02}") for minute in (5, 5, 5, 6, 7, 7, 8, 9, 9, 9, 9)]
    for index, each in enumerate(made):
        set_due(each, [due, due + timedelta(hours=1), None][min(index // 4, 2)])
    forward, last = walk(desk, query)
    flat = [number for page in forward for number in page]
    order = Complaint.objects.order_by("-received_at", "-pk") if "received" in query or query == "?view=all" else None
    expected = [row.number for row in order] if order else [each.number for each in made]
    assert flat == expected
    backward, url = [], last
    while url:
        response = desk.get(url)
        backward.insert(0, listed(response))
        url = response.context["previous_url"]
    back = [number for page in backward for number in page]
    assert list(dict.fromkeys(back)) == expected


def test_due_order_puts_the_most_urgent_first_and_no_date_last(desk, cast):
    now = timezone.now()
    none, late, soon = case(), case(), case()
    set_due(none, None)
    set_due(late, now - timedelta(days=1))
    set_due(soon, now + timedelta(days=1))
    assert listed(desk.get(URL)) == [late.number, soon.number, none.number]


def test_jump_to_a_day(desk, cast):
    days = [case(f"2026-11-{day} 09:00") for day in (10, 11, 12)]
    for each, day in zip(days, (24, 25, 26), strict=True):
        set_due(each, at(f"2026-11-{day} 17:30"))
    assert listed(desk.get(URL, {"view": "mine", "date": "2026-11-25"})) == [days[1].number, days[2].number]
    assert listed(desk.get(URL, {"view": "all", "date": "2026-11-11"})) == [days[1].number, days[0].number]


def test_a_deep_page_is_an_index_condition_and_no_offset(desk, cast, monkeypatch):
    """A page deep in the list costs what the first costs: a row comparison, never OFFSET."""
    monkeypatch.setattr(queue, "PAGE_SIZE", 1)
    for minute in range(3):
        case(f"2026-11-16 09:{minute:02}")
    second = desk.get(URL + "?view=mine").context["next_url"]
    with CaptureQueriesContext(connection) as queries:
        desk.get(second)
    sql = next(query["sql"] for query in queries if "has_news" in query["sql"])
    assert re.search(r'\("?\w+"?\."next_due_at", "?\w+"?\."id"\) > \(', sql)
    assert "OFFSET" not in sql


# --- Cost ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("who", "expected"), [("intake", 7), ("water_handler", 7)])
@pytest.mark.parametrize("number", [1, 3])
def test_page_costs_the_same_queries_for_one_and_three_rows(client, cast, number, who, expected):
    """Session, person, permissions, departments of a handler, list, counts (cold), bell: at most 8.

    Calendar, filter options, terms of the office and known issues are reference data each process reads once a minute.
    """
    for _n in range(number):
        Story(cast).accept().assign().start()
    client.force_login(getattr(cast, who))
    clocks.working_calendar()
    filters.options()
    office_terms.recent("soon")
    knowledge.known_issues()
    with CaptureQueriesContext(connection) as queries:
        response = client.get(URL)
    assert len(listed(response)) == number
    assert len(queries) == expected


# --- Two worlds (AZ-03) -----------------------------------------------------------------------------------
def visible_part(response) -> str:
    """The page without its CSRF tokens and the number of an error page."""
    text = re.sub(r'(csrfmiddlewaretoken" value="|X-CSRFToken": ")[^"]+', "", response.content.decode())
    return re.sub(r"E-\d{8}-\d{6}-[0-9A-F]{4}", "", text)


QUERIES = [
    "?view=all",
    "?view=mine",
    "?view=joint",
    "?view=high",
    "?view=all&q=停水",
    "?view=all&q=HY-20261116-0002",
    "?view=all&q=13800002417",
    "?view=all&preview=HY-20261116-0001",
    "?view=all&preview=HY-20261116-0002",
    "?view=all&department=roads",
    "?view=all&status=assigned",
    "?view=all&date=2026-11-16",
]


def test_a_case_the_person_may_not_see_changes_nothing(client, cast, monkeypatch):
    """AZ-03: rows, counts, search, facets, preview and next page are those of a world without it."""
    monkeypatch.setattr(queue, "PAGE_SIZE", 1)
    monkeypatch.setattr(timezone, "now", lambda: at("2026-11-17 10:00"))
    Story(cast).accept().assign().start()
    client.force_login(cast.water_handler)
    before = {query: visible_part(client.get(URL + query)) for query in QUERIES}
    hidden = Story(cast).accept().high_risk().assign(department=cast.roads, supporting=[])
    assert hidden.case.number == "HY-20261116-0002"
    caches["local"].clear()
    for query in QUERIES:
        assert visible_part(client.get(URL + query)) == before[query], query
    response = client.get(
        URL + "?view=all&preview=HY-20261116-0002", headers={"HX-Request": "true", "HX-Target": "preview"}
    )
    unknown = client.get(
        URL + "?view=all&preview=HY-20261116-9999", headers={"HX-Request": "true", "HX-Target": "preview"}
    )
    assert (response.status_code, unknown.status_code) == (404, 404)
    assert visible_part(response).replace("0002", "9999") == visible_part(unknown)


# --- Preview -------------------------------------------------------------------------------------------------
def test_preview_shows_the_case_masked_and_links_what_may_be_done(desk, cast):
    story = Story(cast)
    response = desk.get(URL, {"view": "mine", "preview": story.case.number})
    html = response.content.decode()
    pane = html[html.index('id="preview"') :]
    assert 'class="workbench-preview is-open"' in html
    assert "张**" in pane
    assert "张桂芳" not in html
    assert "13800002417" not in html
    assert f"/desk/cases/{story.case.number}/actions/accept/" in pane


def test_preview_alone_for_the_pane(desk, cast):
    story = Story(cast)
    response = desk.get(URL, {"preview": story.case.number}, headers={"HX-Request": "true", "HX-Target": "preview"})
    html = response.content.decode()
    assert response.status_code == 200
    assert "<html" not in html
    assert story.case.subject in html


def test_preview_withholds_a_confidential_name_from_the_department(client, cast):
    story = Story(cast, is_confidential=True).accept().assign()
    client.force_login(cast.water_handler)
    html = client.get(URL, {"preview": story.case.number}).content.decode()
    assert story.case.number in html
    assert "张**" not in html


def test_preview_counts_earlier_complaints_of_the_person(desk, cast):
    """IN-27, RISK-10."""
    case("2026-11-10 09:00")
    again = case("2026-11-16 09:12")
    assert again.is_repeat
    response = desk.get(URL, {"preview": again.number})
    assert response.context["pane"].earlier == 1


# --- Assigning several (ASG-01) ---------------------------------------------------------------------------------
def assign(client, *cases: Complaint, **data):
    pairs = [f"{each.number}:{each.version}" for each in cases]
    return client.post("/desk/queue/assign/", {"case": pairs, "task": "查明原因，答复投诉人", **data})


def test_coordinator_assigns_several_cases_each_with_its_own_result(client, cast):
    first, second = Story(cast).accept(), Story(cast).accept()
    too_early, changed = Story(cast), Story(cast).accept()
    stale = changed.case
    changed.high_risk()
    client.force_login(cast.coordinator)
    listing = client.get("/desk/queue/assign/", {"case": [first.case.number, too_early.case.number]})
    assert [item.ready for item in listing.context["candidates"]] == [True, False]
    response = assign(client, first.case, too_early.case, second.case, stale, department=cast.water.pk)
    assert response.status_code == 200
    assert [result.done for result in response.context["results"]] == [True, False, True, False]
    assert {first.case.status, second.case.status} == {Status.ASSIGNED}
    assert (too_early.case.status, changed.case.status) == (Status.REGISTERED, Status.ACCEPTED)
    assert CaseEvent.objects.filter(kind="assign").count() == 2
    again = assign(client, first.case, department=cast.roads.pk)
    assert [result.done for result in again.context["results"]] == [False]
    assert first.case.lead_department == cast.water


def test_bulk_assignment_keeps_what_was_typed_when_something_is_missing(client, cast):
    story = Story(cast).accept()
    client.force_login(cast.coordinator)
    response = assign(client, story.case, department="", task="先核实再答复")
    assert response.status_code == 422
    assert "先核实再答复" in response.content.decode()
    assert story.case.status == Status.ACCEPTED


def test_bulk_assignment_is_refused_to_others(client, cast):
    story = Story(cast).accept()
    client.force_login(cast.intake)
    assert assign(client, story.case, department=cast.water.pk).status_code == 403
    assert "data-bulk-bar" not in client.get(URL).content.decode()
    assert story.case.status == Status.ACCEPTED


def test_bulk_assignment_ignores_cases_the_person_does_not_see(client, cast):
    """AZ-03: a manager of the roads department gets the same answer as for a number that does not exist."""
    story = Story(cast).accept().assign()
    chief = make_user("M002", "manager", departments=[cast.roads])
    client.force_login(chief)
    response = assign(client, story.case, department=cast.roads.pk)
    assert (response.status_code, response["Location"]) == (302, URL)


def test_rows_with_unread_news_are_marked(desk, cast):
    story = Story(cast)
    cast.intake.notifications.create(complaint=story.case, kind="question", dedupe_key="x")
    response = desk.get(URL)
    assert [row.complaint.has_news for row in response.context["rows"]] == [True]
    assert 'class="is-unread"' in response.content.decode()


def test_navigation_counts_my_work_and_the_bell(desk, cast):
    story = Story(cast)
    cast.intake.notifications.create(complaint=story.case, kind="question", dedupe_key="x")
    html = desk.get("/accounts/profile/").content.decode()
    assert '<span class="nav-count">1</span>' in html
    assert "notice-dot" in html
