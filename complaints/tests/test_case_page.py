"""The case page: what it shows to whom, at what cost, in which state (AZ-06, AZ-08, SLA-15, S17)."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import SecurityEvent
from complaints import case_records, clocks, panels, permissions, record_views, selectors, timeline, transitions
from complaints.models import Category, Complaint
from complaints.states import Audience, Channel, ContactDirection, ContactOutcome, ContactPurpose
from complaints.tests.factories import Story, at, registered


def page_of(client, who, story, name="detail", **query) -> str:
    client.force_login(who)
    response = client.get(reverse(f"complaints:{name}", args=[story.case.number]), query)
    assert response.status_code == 200
    return response.content.decode()


def rich(cast, **changes) -> Story:
    """A case with rows in every table the page shows."""
    story = Story(cast, place="槐荫里小区", **changes).high_risk().accept().assign(supporting=[cast.roads]).start()
    case, water = story.pk, cast.water_handler
    when = at("2026-11-16 14:00")
    for text in ("停水没有通知", "热线说不清"):
        point = transitions.add_allegation(case, by=water, text=text, at=when)
        transitions.set_finding(point.pk, by=water, finding="substantiated", reason="有记录", at=when)
        transitions.add_investigation_step(case, by=water, kind="site", summary="三处老化", at=when)
        transitions.add_responsibility(
            case, by=water, department=cast.water, post="主任", person=cast.water_head, summary="没换管", at=when
        )
        transitions.add_remedy(case, by=water, kind="refund", description="减免水费", amount=60, at=when)
        item = transitions.add_improvement(
            case, by=water, what="换管", department=cast.water, due_on=at("2031-03-31 00:00").date(), at=when
        )
        transitions.report_improvement(item.pk, by=water, percent=50, note="已招标", at=when)
        asked = transitions.add_question(
            case, kind="reminder", text="几时答复", channel=Channel.PHONE, by=cast.intake, at=when
        )
        transitions.answer_question(asked.pk, answer="12 月 7 日前", clearly=True, by=cast.intake, at=when)
        transitions.add_note(case, by=cast.intake, text="内部提醒", at=when)
        transitions.add_contact(
            case,
            by=cast.intake,
            direction=ContactDirection.OUT,
            channel=Channel.PHONE,
            purpose=ContactPurpose.PROGRESS,
            summary="告知进展",
            at=when,
        )
        transitions.reveal(case, by=cast.intake, reason="电话核实", fields=["phone"], at=timezone.now())
    transitions.request_pause(case, by=water, reason="appraisal", evidence="送检单", at=at("2026-11-16 15:00"))
    transitions.approve_pause(case, by=cast.coordinator, approve=True, at=at("2026-11-16 15:10"))
    transitions.resume(case, by=water, at=at("2026-11-16 16:00"))
    transitions.request_extension(case, by=water, reason="要评审", at=at("2026-11-16 16:10"))
    return story


@pytest.mark.parametrize("person", ["intake", "coordinator", "water_handler"])
def test_the_page_costs_the_same_whatever_the_case_holds(person, cast, client, monkeypatch, django_assert_num_queries):
    """Small and rich case, the same literal number of queries; boxes of the apps above count for themselves."""
    monkeypatch.setattr(panels, "_case_panels", [])
    small, full = (
        Story(cast).accept().assign().start(),
        rich(cast, name="李明", phone="13900001234", email="li@example.cn"),
    )
    clocks.working_calendar()
    for story in (small, full):
        page_of(client, getattr(cast, person), story)
        url = reverse("complaints:detail", args=[story.case.number])
        with django_assert_num_queries(QUERIES[person]):
            client.get(url)


# Session, user, permissions, departments, the case, its records, earlier complaints, unread
# messages; a handler's rules read the person's memberships too.
QUERIES = {"intake": 8, "coordinator": 8, "water_handler": 8}


def test_records_are_read_as_the_tables_hold_them(cast):
    """One query instead of two dozen gives the same rows, values and order."""
    story = rich(cast)
    loaded = Complaint.objects.select_related("complainant", "policy").get(pk=story.pk)
    case_records.load(loaded)
    plain = Complaint.objects.get(pk=story.pk)
    relations = [name for path, name in case_records._TABLES.values() if path == "complaint"]
    for relation in relations:
        rows, others = list(getattr(loaded, relation).all()), list(getattr(plain, relation).all())
        assert rows == others, relation
        for row, other in zip(rows, others, strict=True):
            kept = {name: value for name, value in other.__dict__.items() if name in row.__dict__ and name[0] != "_"}
            assert {name: row.__dict__[name] for name in kept} == kept, relation
    assert loaded.complainant.contact("phone") == "13800002417"


def test_what_a_record_points_at_keeps_its_names_apart(cast):
    """The history of the classification is in the reader's language (CLS-01)."""
    story = rich(cast)
    loaded = Complaint.objects.select_related("complainant", "policy").get(pk=story.pk)
    case_records.load(loaded)
    rows = loaded.classifications.all()
    assert rows
    for row in rows:
        stored = Category.objects.get(pk=row.category_id)
        shown = (row.category.dimension, row.category.name, row.category.name_en)
        assert shown == (stored.dimension, stored.name, stored.name_en)


def test_the_actions_are_the_same_on_a_loaded_case(cast):
    """The page and the API never disagree with the transitions about what may be done."""
    story = rich(cast)
    plain = story.case
    loaded = Complaint.objects.select_related("complainant", "policy").get(pk=story.pk)
    case_records.load(loaded)
    for person in (
        cast.intake,
        cast.coordinator,
        cast.coordinator2,
        cast.water_handler,
        cast.roads_handler,
        cast.checker,
        cast.manager,
    ):
        expected = [move.action for move in selectors.available_actions(plain, person)]
        assert [move.action for move in selectors.available_actions(loaded, person)] == expected, person
        assert permissions.handled_case(person, loaded) == permissions.handled_case(person, plain), person


# --- Identity -----------------------------------------------------------------------------------
CLEAR = ("张桂芳", "13800002417", "zhang@example.cn", "柳桥三村12幢2单元401")


def test_identity_is_masked_until_revealed_with_a_reason(cast, client):
    """Matrix, ident; AZ-06, COM-07: the look shows for five minutes, is an event, and is listed for 30 days."""
    story = Story(cast).accept().assign().start()
    text = page_of(client, cast.water_handler, story)
    assert [value for value in CLEAR if value in text] == []
    assert "138****2417" in text
    url = reverse("complaints:reveal", args=[story.case.number])
    assert client.post(url, {"reason": "看", "fields_shown": ["phone"]}).status_code == 422
    assert client.post(url, {"reason": "电话核实情况"}).status_code == 422
    shown = client.post(url, {"reason": "电话核实情况", "fields_shown": ["phone"]})
    body = shown.content.decode()
    assert shown.status_code == 200
    assert shown["Cache-Control"] == "no-store"
    assert [value for value in CLEAR if value in body] == ["13800002417"]
    assert f'<meta http-equiv="refresh" content="300; url=/desk/cases/{story.case.number}/">' in body
    event = story.case.events.get(kind="reveal")
    assert (event.actor, event.note) == (cast.water_handler, "phone: 电话核实情况")
    after = page_of(client, cast.intake, story)
    assert "13800002417" not in after
    assert re.search(r"赵启明 \d\d-\d\d", after)


def test_confidential_identity_is_withheld_from_departments(cast, client):
    """The department gets neither masked values nor the reveal; the office does."""
    story = Story(cast, is_confidential=True).accept().assign().start()
    assert "138****2417" not in page_of(client, cast.water_handler, story)
    url = reverse("complaints:reveal", args=[story.case.number])
    assert client.post(url, {"reason": "电话核实情况", "fields_shown": ["phone"]}).status_code == 403
    assert SecurityEvent.objects.filter(kind="refused", subject=story.case.number).count() == 1
    assert "138****2417" in page_of(client, cast.intake, story)


def test_looking_up_many_people_is_stopped(cast, client, monkeypatch):
    """AZ-06: a limit per hour, an alert row per day."""
    monkeypatch.setattr(record_views, "REVEALS_PER_HOUR", 3)
    monkeypatch.setattr(record_views, "REVEALS_PER_DAY", 2)
    story = Story(cast)
    client.force_login(cast.intake)
    url = reverse("complaints:reveal", args=[story.case.number])
    answers = [client.post(url, {"reason": "电话核实情况", "fields_shown": ["phone"]}).status_code for _ in range(4)]
    assert answers == [200, 200, 200, 429]
    assert SecurityEvent.objects.filter(kind="many_reveals", user=cast.intake).count() == 1


# --- The record ---------------------------------------------------------------------------------
def texts(who, story) -> list[str]:
    case = Complaint.objects.select_related("complainant", "policy").get(pk=story.pk)
    case_records.load(case)
    return [line for entry in timeline.entries(case, timeline.Viewer.of(who)) for line in entry.lines]


def test_a_department_reads_its_own_notes_and_those_of_its_time(cast):
    """S17: the case went to roads and back; what roads wrote meanwhile stays with roads and the office."""
    story = Story(cast).accept().assign().start()
    transitions.add_note(story.pk, by=cast.water_handler, text="供水先前写的", at=at("2026-11-16 12:00"))
    transitions.reassign(story.pk, by=cast.coordinator, department=cast.roads, reason="路面", at=at("2026-11-17 09:00"))
    transitions.add_note(story.pk, by=cast.roads_handler, text="城管期间写的", at=at("2026-11-17 10:00"))
    transitions.add_note(story.pk, by=cast.intake, text="投诉办写给大家", at=at("2026-11-17 11:00"))
    transitions.add_note(
        story.pk, by=cast.intake, text="投诉办自己看", audience=Audience.OFFICE, at=at("2026-11-17 11:01")
    )
    transitions.reassign(
        story.pk, by=cast.coordinator, department=cast.water, reason="还是供水", at=at("2026-11-18 09:00")
    )
    notes = {"供水先前写的", "城管期间写的", "投诉办写给大家", "投诉办自己看"}
    assert notes & set(texts(cast.water_handler, story)) == {"供水先前写的", "投诉办写给大家"}
    assert notes & set(texts(cast.intake, story)) == notes


def test_entries_of_the_review_group_stay_there(cast):
    """Audience: only people with a review permission read them (matrix, sample)."""
    story = Story(cast).accept().assign().start()
    transitions.add_event(
        story.case,
        "review_open",
        by=cast.reviewer,
        at=at("2026-11-17 09:00"),
        note="抽中复查",
        audience=Audience.REVIEW,
    )
    assert "抽中复查" not in texts(cast.water_handler, story)
    assert "抽中复查" not in texts(cast.coordinator, story)
    assert "抽中复查" in texts(cast.auditor, story)


def test_a_publisher_reads_no_internal_note(cast):
    """Matrix, notes."""
    story = Story(cast).to_reply().call_back().close(late_reason="coordination")
    transitions.add_note(story.pk, by=cast.intake, text="只给内部", at=at("2026-11-20 17:00"))
    assert "只给内部" not in texts(cast.publisher, story)
    assert "只给内部" in texts(cast.manager, story)


def test_the_record_is_filtered_by_plain_links(cast, client):
    """COO-05, COO-06: calls alone, failed attempts among them; every number is what the link shows."""
    story = Story(cast)
    transitions.add_contact(
        story.pk,
        by=cast.intake,
        direction=ContactDirection.OUT,
        channel=Channel.PHONE,
        purpose=ContactPurpose.FIRST_CONTACT,
        outcome=ContactOutcome.NO_ANSWER,
        at=at("2026-11-16 10:00"),
    )
    transitions.add_note(story.pk, by=cast.intake, text="下午再打", at=at("2026-11-16 10:05"))
    everything = page_of(client, cast.intake, story)
    counts = {
        key: everything.count(f'href="/desk/cases/{story.case.number}/?show={key}#timeline"') for key in timeline.GROUPS
    }
    assert counts == dict.fromkeys(timeline.GROUPS, 1)
    for key, number in (("all", 4), ("calls", 1), ("mail", 1), ("status", 1), ("internal", 1)):
        assert page_of(client, cast.intake, story, show=key).count('<article class="tl"') == number, key
    assert page_of(client, cast.intake, story, show="nonsense").count('<article class="tl"') == 4


def test_only_visible_earlier_complaints_are_shown(cast, client):
    """SCR-09, AZ-03: the department learns nothing of a case of another department."""
    hidden = Story(cast, "2026-11-02 09:12", subject="别的部门的旧投诉").accept("2026-11-02 10:00")
    shown = (
        Story(cast, "2026-11-03 09:12", subject="本部门的旧投诉").accept("2026-11-03 10:00").assign("2026-11-03 10:30")
    )
    old = registered("2026-07-01 09:12", subject="很久以前的投诉")
    story = Story(cast).accept().assign()
    office = page_of(client, cast.intake, story)
    department = page_of(client, cast.water_handler, story)
    numbers = [hidden.case.number, shown.case.number, old.complaint.number]
    assert [f"/desk/cases/{number}/" in office for number in numbers] == [True, True, False]
    assert [f"/desk/cases/{number}/" in department for number in numbers] == [False, True, False]


# --- States, actions, print -------------------------------------------------------------------------
def test_every_state_is_readable(cast, client):
    """The page works for its readers in every state of a case."""
    ended = [
        Story(cast),
        Story(cast).accept().assign().start().submit(),
        Story(cast).high_risk().accept().assign().start().submit().reply(),
        Story(cast).to_reply(),
        Story(cast).to_reply().call_back().close(late_reason="coordination"),
    ]
    withdrawn, refused, archived = (
        Story(cast),
        Story(cast),
        Story(cast).to_reply().call_back().close(late_reason="other"),
    )
    transitions.withdraw(withdrawn.pk, by=None, at=at("2026-11-16 12:00"))
    transitions.refuse(refused.pk, by=cast.intake, ground="no_matter", reason="没有具体事项", at=at("2026-11-16 12:00"))
    transitions.archive(archived.pk, by=cast.coordinator, at=at("2026-11-21 09:00"))
    stories = [*ended, withdrawn, refused, archived]
    steps = []
    for story in stories:
        text = page_of(client, cast.coordinator, story)
        assert story.case.subject in text
        bar = text[text.index('class="stepper"') : text.index("</ol>", text.index('class="stepper"'))]
        steps.append((bar.count('class="is-done"'), bar.count('aria-current="step"')))
    assert steps == [(0, 1), (4, 1), (4, 1), (6, 1), (8, 0), (2, 0), (2, 0), (8, 0)]


def test_the_primary_action_comes_first_and_says_what_is_missing(cast, client):
    """The bar of the handler: submit first, and a point without finding is named."""
    story = Story(cast).accept().assign(supporting=[cast.roads]).start()
    transitions.add_allegation(story.pk, by=cast.water_handler, text="停水没有通知", at=at("2026-11-16 12:00"))
    text = page_of(client, cast.water_handler, story)
    bar = text[text.index('class="action-bar"') :]
    first = re.search(r'<a class="btn[^"]*" href="([^"]+)"', bar)
    assert first.group(1) == f"/desk/cases/{story.case.number}/actions/submit_for_check/"
    assert "btn-primary" in first.group(0)
    assert cast.roads.name in bar[: bar.index("</div>")]


class Facts(HTMLParser):
    """The label and value pairs and the texts of a page's main part."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.facts: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag in ("dt", "dd"):
            self.open.append("")

    def handle_data(self, data):
        if self.open:
            self.open[-1] += data

    def handle_endtag(self, tag):
        if tag in ("dt", "dd") and self.open:
            self.facts.append(" ".join(self.open.pop().split()))


def _facts(text: str) -> list[str]:
    parser = Facts()
    parser.feed(text)
    return sorted(parser.facts)


def test_the_print_holds_what_the_screen_holds(cast, client):
    """AZ-08: the same facts and the same record, no form and no hidden value more."""
    story = rich(cast, is_confidential=True)
    for person in (cast.intake, cast.water_handler, cast.auditor):
        screen, paper = page_of(client, person, story), page_of(client, person, story, "print")
        assert _facts(screen) == _facts(paper)
        assert screen.count('<article class="tl"') == paper.count('<article class="tl"') > 10
        assert [value for value in CLEAR if value in paper] == []
        assert "textarea" not in paper


def test_every_clock_explains_itself(cast, client):
    """SLA-13: the due date and why, the extension asked for, and the pause with who decided."""
    story = rich(cast)
    text = page_of(client, cast.coordinator, story, "detail")
    panel = text[text.index('id="clocks"') : text.index('id="complainant"')]
    assert panel.count("<details") == story.case.deadlines.exclude(state="cancelled").count() > 3
    assert "要评审" in panel
    assert "周明远" in panel
    live = client.get(
        reverse("complaints:clocks", args=[story.case.number]), headers={"HX-Request": "true"}
    ).content.decode()
    assert live.lstrip().startswith('<section class="panel" id="clocks"')
    assert client.get(reverse("complaints:clocks", args=[story.case.number])).status_code == 302


# --- Browser ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("width", [1440, 390])
def test_the_page_in_a_browser(width, cast, client, live_server, page):
    """No accessibility fault, no sideways scrolling, no console error; a dialog opens and closes by keyboard."""
    from axe_playwright_python.sync_playwright import Axe

    story = rich(cast)
    client.force_login(cast.water_handler)
    page.set_viewport_size({"width": width, "height": 900})
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    page.goto(f"{live_server.url}/desk/cases/{story.case.number}/")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    results = Axe().run(page)
    found = [(fault["id"], fault["nodes"][0]["html"][:120]) for fault in results.response["violations"]]
    assert found == []
    opener = page.locator('a[data-dialog="#reveal"]')
    opener.click()
    assert page.locator("#reveal").is_visible()
    assert Axe().run(page).response["violations"] == []
    page.keyboard.press("Escape")
    assert not page.locator("#reveal").is_visible()
    assert faults == []
