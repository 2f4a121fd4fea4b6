"""Following a case with number and access code (PI-01…05, PI-09, PI-11…13, matrix rows 7–11)."""

from __future__ import annotations

import logging
import re
import time
from datetime import timedelta
from pathlib import Path
from statistics import median

import pytest
from django.contrib.sessions.models import Session
from django.db import transaction
from django.test import Client, RequestFactory
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import SecurityEvent
from complaints import clocks, files, panels, throttle, track_page, tracking, transitions
from complaints.models import CalendarDay, CalendarYear, Complaint, Notification
from complaints.states import MOVES, Audience, EvidenceKind, RefusalGround, Status
from complaints.tests.factories import Story, at, registered
from complaints.tests.public_flow import Elements, open_case, png

pytestmark = [pytest.mark.django_db, pytest.mark.urls("config.urls_public")]
CSRF = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"')


def wrong(code: str) -> str:
    return ("1" if code[0] != "1" else "2") + code[1:]


def signed_in(complaint: Complaint, code: str) -> Client:
    client = Client()
    assert open_case(client, complaint, code).status_code == 302
    return client


# --- Typing number and code ----------------------------------------------------------------------
@pytest.mark.parametrize(
    "typed",
    [
        "7KQ2-M0XV-1AB3-ZZ09",
        "7kq2m0xv1ab3zz09",
        " 7kq2 moxv iab3 zz09 ",
        "７ＫＱ２－Ｍ０ＸＶ－LAB3—ZZ O9",
        "7KQ2–M0XV−1AB3 ZZ09",
    ],
)
def test_code_is_read_however_it_is_typed(typed):
    """Full-width, lower case, spaces, dashes, O for 0, I and L for 1."""
    assert tracking.normalise_code(typed) == "7KQ2M0XV1AB3ZZ09"


@pytest.mark.parametrize(
    "typed",
    [
        "HY-20261120-0023",
        "hy-20261120-0023",
        " HY 20261120 0023",
        "ＨＹ－２０２６１１２０－００２３",
        "HY—20261120—0023",
    ],
)
def test_number_is_read_however_it_is_typed(typed):
    assert tracking.normalise_number(typed) == "HY-20261120-0023"


@given(text=st.text(max_size=80))
def test_whatever_is_no_code_is_refused_before_any_look_up(text):
    """PI-05: empty, blank, NUL, very long."""
    code = tracking.normalise_code(text)
    assert code == "" or re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{16}", code)


@pytest.mark.parametrize("bad", ["", " ", "\x00", "0" * 15, "U" * 16, "0" * 100_000])
def test_impossible_code_costs_no_query_on_cases(client, bad, django_assert_num_queries):
    """PI-05: a clear message at the field, nothing looked up."""
    with django_assert_num_queries(0):
        response = client.post("/track/", {"number": "HY-20261116-0001", "code": bad})
    assert response.status_code == 422


@pytest.mark.parametrize("bad", ["停\x00水", "1" + "0" * 99])
def test_pi_16_what_cannot_be_number_or_code_is_said_in_words_that_help(client, bad):
    html = client.post("/track/?lang=en", {"number": bad, "code": bad}).content.decode()
    assert html.count("A case number looks like HY-20261120-0023") == 2
    assert html.count("The access code has 16 letters and digits") == 2


# --- Guessing ------------------------------------------------------------------------------------
def test_unknown_number_and_wrong_code_get_the_same_answer(client):
    """PI-01: same bytes, same status."""
    receipt = registered()
    number, unknown = receipt.complaint.number, "HY-20261116-9999"
    bodies = []
    for tried in (number, unknown):
        response = client.post("/track/", {"number": tried, "code": wrong(receipt.access_code)})
        assert response.status_code == 422
        bodies.append(CSRF.sub("", response.content.decode()).replace(tried, "N"))
    assert bodies[0] == bodies[1]
    assert SecurityEvent.objects.filter(kind="tracking_failed").count() == 2


def test_unknown_number_costs_as_much_as_a_wrong_code(settings):
    """PI-01: a hash is checked either way (processor time, so a busy machine does not matter)."""
    settings.PASSWORD_HASHERS = [*settings.PASSWORD_HASHERS, "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    settings.ACCESS_CODE_HASHER = "pbkdf2_sha256"
    receipt = registered()
    wrong_code = wrong(receipt.access_code)

    def cost(number: str) -> float:
        start = time.process_time()
        assert tracking.find(number, wrong_code) is None
        return time.process_time() - start

    cost("HY-20261116-9999")
    pairs = [(cost(receipt.complaint.number), cost("HY-20261116-9999")) for _n in range(7)]
    known, unknown = median(a for a, _b in pairs), median(b for _a, b in pairs)
    assert 0.8 < unknown / known < 1.25


def test_wrong_tries_wait_longer_and_longer_and_keep_nobody_else_out(client):
    """PI-02: the sixth try waits; another address and, after the wait, the same one get in."""
    receipt = registered()
    number, code = receipt.complaint.number, receipt.access_code
    answers = [open_case(client, receipt.complaint, wrong(code)) for _n in range(20)]
    assert [answer.status_code for answer in answers[:6]] == [422] * 6
    assert {answer.status_code for answer in answers[6:]} <= {422, 429}
    blocked = next(answer for answer in answers if answer.status_code == 429)
    assert int(blocked.headers["Retry-After"]) >= 1
    other = Client(REMOTE_ADDR="203.0.113.5")
    assert open_case(other, receipt.complaint, code).status_code == 302
    request = RequestFactory().post("/track/")
    assert tracking.wait(request, number, at=timezone.now() + timedelta(seconds=throttle.LONGEST_WAIT + 1)) == 0
    assert tracking.wait(request, "HY-20261116-0777", at=timezone.now()) == 0


def test_each_wait_is_twice_the_last_up_to_a_minute():
    now = at("2026-11-16 09:00")
    waits = []
    for _n in range(14):
        throttle.failed("t", "a", free=5, at=now)
        waits.append(throttle.wait("t", "a", at=now))
    assert waits == [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    throttle.forgive("t", "a")
    assert throttle.wait("t", "a", at=now) == 0


def test_one_address_that_tries_many_cases_waits_too(client):
    """PI-02: enumeration over numbers."""
    for n in range(tracking.FREE_TRIES_OF_ADDRESS + 1):
        assert client.post("/track/", {"number": f"HY-20261116-{n:04d}", "code": "0" * 16}).status_code == 422
    assert client.post("/track/", {"number": "HY-20261116-7777", "code": "0" * 16}).status_code == 429


def test_many_wrong_tries_on_one_case_are_an_alarm():
    """PI-02: from many addresses."""
    receipt = registered()
    for n in range(tracking.ALARM_AFTER):
        open_case(Client(REMOTE_ADDR=f"203.0.113.{n}"), receipt.complaint, wrong(receipt.access_code))
    assert (
        SecurityEvent.objects.filter(kind="tracking_alarm").values_list("subject", flat=True).get()
        == receipt.complaint.number
    )


def test_one_household_of_ipv6_counts_as_one_address():
    ask = RequestFactory()
    first, second, other = (
        throttle.address_of(ask.get("/", REMOTE_ADDR=a))
        for a in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1")
    )
    assert first == second != other


def test_case_without_an_access_code_cannot_be_opened(client):
    """Imported cases have none; an empty hash matches nothing."""
    receipt = registered()
    Complaint.objects.update(access_code_hash="")
    assert open_case(client, receipt.complaint, receipt.access_code).status_code == 422


def test_code_appears_in_no_address_log_or_table(client, caplog):
    """PI-03: only in the body of the request."""
    caplog.set_level(logging.DEBUG)
    receipt = registered()
    code, grouped = receipt.access_code, transitions.group_code(receipt.access_code)
    open_case(client, receipt.complaint, wrong(code))
    response = open_case(client, receipt.complaint, grouped)
    page = client.get("/track/case/")
    client.post("/track/leave/")
    seen = [
        response.headers["Location"],
        page.content.decode(),
        caplog.text,
        repr(list(SecurityEvent.objects.values())),
        repr([session.get_decoded() for session in Session.objects.all()]),
        repr(Complaint.objects.values().get()),
    ]
    assert not [text for text in seen if code in text or grouped in text]
    assert page.headers["Referrer-Policy"] == "same-origin"


# --- The session ------------------------------------------------------------------------------------
def test_session_is_bound_to_the_path_and_has_a_new_key_each_time(client):
    receipt = registered()
    open_case(client, receipt.complaint, receipt.access_code)
    cookie = client.cookies[tracking.COOKIE]
    first = cookie.value
    assert (cookie["path"], cookie["httponly"], cookie["samesite"], cookie["max-age"]) == ("/track/", True, "Lax", "")
    open_case(client, receipt.complaint, receipt.access_code)
    assert client.cookies[tracking.COOKIE].value != first
    assert "sessionid" not in client.cookies


def test_staff_session_gives_no_right_here(client, cast):
    """Matrix row 7: the code, not a staff session, gives this right."""
    registered()
    client.force_login(cast.coordinator)
    assert client.get("/track/case/").headers["Location"] == "/track/"


def test_session_ends_after_half_an_hour_and_keeps_what_was_typed(client):
    receipt = registered()
    open_case(client, receipt.complaint, receipt.access_code)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert client.get("/track/case/").headers["Location"] == "/track/"
    response = client.post("/track/case/supplement/", {"kind": "supplement", "text": "长长的补充"})
    assert response.status_code == 403
    assert "长长的补充" in response.content.decode()
    assert Complaint.objects.get().communications.count() == 0


def test_new_code_keeps_the_case_open_in_this_browser(client):
    """The new session's cookie must not carry the end of the old one, or a browser drops it."""
    receipt = registered()
    open_case(client, receipt.complaint, receipt.access_code)
    cookie = client.post("/track/case/code/").cookies[tracking.COOKIE]
    assert cookie.value
    assert (cookie["max-age"], cookie["expires"]) == ("", "")


@pytest.mark.parametrize("step", ["answer", "supplement", "ask", "rate"])
def test_form_address_leads_back_to_the_case(client, step):
    """A form shown with its errors stands under its own address; reloading it or reading it in English works."""
    receipt = registered()
    open_case(client, receipt.complaint, receipt.access_code)
    location = client.get(f"/track/case/{step}/?lang=en").headers["Location"]
    assert location == f"/track/case/?lang=en#{step}"


def test_leaving_by_its_address_closes_nothing(client):
    receipt = registered()
    open_case(client, receipt.complaint, receipt.access_code)
    assert client.get("/track/leave/").headers["Location"] == "/track/"
    assert client.get("/track/case/").status_code == 200


def test_refusal_is_explained_at_the_top(cast, client):
    """The letter with the reason, who is responsible and the ways to object stands before the history (PI-12)."""
    receipt = registered()
    transitions.refuse(
        receipt.complaint.pk, by=cast.intake, ground=RefusalGround.NO_MATTER, reason="说的是哪一天，问不到。"
    )
    open_case(client, receipt.complaint, receipt.access_code)
    html = client.get("/track/case/").content.decode()
    assert html.index("说的是哪一天，问不到。") < html.index("办理经过")


def test_session_lasts_thirty_minutes_from_the_last_page(client):
    receipt = registered()
    open_case(client, receipt.complaint, receipt.access_code)
    client.get("/track/case/")
    left = Session.objects.get().expire_date - timezone.now()
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)


def test_leaving_ends_the_session(client):
    receipt = registered()
    open_case(client, receipt.complaint, receipt.access_code)
    key = client.cookies[tracking.COOKIE].value
    client.post("/track/leave/")
    client.cookies[tracking.COOKIE] = key
    assert client.get("/track/case/").headers["Location"] == "/track/"


def test_pages_are_kept_by_no_cache(client):
    receipt = registered()
    open_case(client, receipt.complaint, receipt.access_code)
    for path in ("/track/", "/track/case/", "/track/case/withdraw/", "/track/case/code/"):
        assert client.get(path).headers["Cache-Control"] == "no-store", path


def test_code_of_one_case_opens_nothing_of_another(cast, django_capture_on_commit_callbacks):
    """PI-04, FL-01: every address below /track/case/, with the ids of the other case."""
    mine, other = registered(), registered("2026-11-16 09:30", subject="另一件", narrative="另一件事的经过")
    with django_capture_on_commit_callbacks(execute=True):
        stored = files.store(png(), at=at("2026-11-16 09:40"))
        foreign = transitions.add_attachment(
            other.complaint.pk, by=None, file=stored, name="别人的.png", evidence_kind=EvidenceKind.COMPLAINANT
        )
    internal = transitions.add_attachment(
        mine.complaint.pk, by=cast.intake, file=stored, name="内部.png", evidence_kind=EvidenceKind.OTHER
    )
    client = signed_in(mine.complaint, mine.access_code)
    assert client.get(f"/track/case/files/{foreign.pk}/").status_code == 404
    assert client.get(f"/track/case/files/{internal.pk}/").status_code == 404
    assert "另一件" not in client.get("/track/case/").content.decode()
    assert "内部.png" not in client.get("/track/case/").content.decode()
    owner = signed_in(other.complaint, other.access_code)
    response = owner.get(f"/track/case/files/{foreign.pk}/")
    assert response.headers["Content-Disposition"].startswith("attachment; filename*=utf-8''")
    assert b"".join(response.streaming_content) == png().read()
    response.close()


@pytest.mark.parametrize(
    "path",
    ["/track/case/", "/track/case/files/1/", "/track/case/withdraw/", "/track/case/code/"],
)
def test_without_a_session_every_page_asks_for_the_code(client, path):
    registered()
    assert client.get(path).headers["Location"] == "/track/"


def test_replacing_the_code_ends_the_old_code_and_its_sessions():
    """Matrix row 11 (rotate)."""
    receipt = registered()
    mine, thief = (signed_in(receipt.complaint, receipt.access_code) for _n in range(2))
    page = mine.post("/track/case/code/").content.decode()
    new = re.search(r'receipt-no">((?:\w{4}-){3}\w{4})<', page)[1]
    assert thief.get("/track/case/").status_code == 302
    assert mine.get("/track/case/").status_code == 200
    assert open_case(Client(), receipt.complaint, receipt.access_code).status_code == 422
    assert open_case(Client(), receipt.complaint, new).status_code == 302
    assert Complaint.objects.get().events.filter(kind="replace_code").count() == 1


# --- What the page says -------------------------------------------------------------------------------
def test_every_status_has_a_public_sentence_and_work_inside_looks_the_same():
    """PI-13: from acceptance to the legal check one sentence, whatever the route."""
    assert set(track_page.PUBLIC_STATUS) == set(Status)
    inside = (Status.ACCEPTED, Status.ASSIGNED, Status.IN_PROGRESS, Status.QUALITY_CHECK, Status.LEGAL_CHECK)
    assert {track_page.PUBLIC_STATUS[status].headline for status in inside} == {"We are dealing with it"} or len(
        {str(track_page.PUBLIC_STATUS[status].headline) for status in inside}
    ) == 1
    assert track_page.PUBLIC_STATUS[Status.QUALITY_CHECK] == track_page.PUBLIC_STATUS[Status.LEGAL_CHECK]
    accepted = track_page.PUBLIC_STATUS[Status.ACCEPTED]
    assert all(track_page.PUBLIC_STATUS[status] == accepted for status in (Status.ASSIGNED, Status.IN_PROGRESS))


def test_every_kind_of_event_has_a_decision():
    """PI-12: the table names each action and each record of the code base; what it does not name is hidden."""
    folder = Path(transitions.__file__).parent
    kinds = set(MOVES)
    analytics = folder.parents[1] / "analytics"
    for source in [*folder.glob("*.py"), *folder.parent.glob("*.py"), *analytics.glob("*.py")]:
        kinds |= set(
            re.findall(r'(?:add_event\([^"]*?|chains\[\w+\]\.add\()"(\w+)"', source.read_text(encoding="utf-8"))
        )
    assert {"note", "reveal", "question", "overdue", "replace_code"} <= kinds
    assert kinds | {"register"} == set(track_page.PUBLIC_EVENTS)


def test_page_of_a_replied_case_shows_the_answer_first(cast):
    """FB-04, COM-16: the result, then what happened, in plain words with dates."""
    story = Story(cast).to_reply()
    client = signed_in(story.case, story.receipt.access_code)
    html = client.get("/track/case/?lang=en").content.decode()
    assert html.index("We have answered") < html.index("主管道老化爆裂") < html.index("What has happened")
    titles = [
        re.sub(r"<.*", "", text) for text in re.findall(r'<strong>([^<]+)(?:<span class="vh">|</strong><small>)', html)
    ]
    expected = [
        "Waiting for our call-back",
        "We sent you the answer",
        "There is a result; we are checking it",
        "We began to find out what happened",
        "We accepted your complaint",
        "We received your complaint",
    ]
    assert [title for title in titles if title in expected] == expected
    assert "查了抢修调度日志" in html


def test_nothing_internal_is_on_the_page(cast):
    """PI-12, PI-13: names, departments of the route, notes, reasons, risk, contacts of the staff."""
    story = Story(cast).high_risk()
    transitions.grade_risk(story.pk, by=cast.intake, grade="high", reason="金丝雀风险", at=at("2026-11-16 10:06"))
    story.accept("2026-11-16 10:10").assign(task="金丝雀任务").start()
    transitions.add_note(story.pk, by=cast.water_handler, text="金丝雀备注", at=at("2026-11-17 10:00"))
    transitions.add_note(story.pk, by=cast.coordinator, text="金丝雀办公室", audience=Audience.OFFICE)
    story.submit()
    transitions.return_for_rework(story.pk, by=cast.checker, comment="金丝雀退回", at=at("2026-11-18 16:00"))
    story.submit("2026-11-19 09:00").reply("2026-11-19 10:00")
    assert story.case.status == Status.LEGAL_CHECK
    client = signed_in(story.case, story.receipt.access_code)
    html = client.get("/track/case/").content.decode()
    people = [
        user.display_name for user in (cast.intake, cast.coordinator, cast.checker, cast.water_handler, cast.water_head)
    ]
    with translation.override("zh-hans"):
        inside = [str(Status.LEGAL_CHECK.label), str(Status.QUALITY_CHECK.label)]
    for word in ["金丝雀", "供水集团", "法务", "张桂芳", "13800002417", "主管道老化爆裂", *people, *inside]:
        assert word not in html, word
    with translation.override("en"):
        history = [str(step.title) for step in track_page.read(story.case, now=timezone.now()).history]
    assert history == [
        "There is a result; we are checking it",
        "We began to find out what happened",
        "We accepted your complaint",
        "We received your complaint",
    ]


def test_promised_date_is_shown_and_said_to_have_passed(cast):
    story = Story(cast, "2026-11-16 09:12")
    page = track_page.read(story.case, now=at("2026-11-17 09:00"))
    assert (page.due.milestone, page.due.at, page.due.is_past) == ("decide_acceptance", at("2026-11-18 17:30"), False)
    assert track_page.read(story.case, now=at("2026-11-18 17:31")).due.is_past is True


def test_who_has_rated_is_not_told_to_wait_for_a_call(cast):
    """The rating ends the clock of the call-back; where the call is made all the same, its date stays (FB-06)."""
    story = Story(cast).accept().assign().start().submit().reply()
    waiting = track_page.read(story.case, now=at("2026-11-19 12:00"))
    assert (str(waiting.status.next), waiting.due.milestone) == ("等待回访", "call_back")
    transitions.rate(story.pk, by=None, satisfaction="satisfied", at=at("2026-11-19 13:00"))
    rated = track_page.read(story.case, now=at("2026-11-19 14:00"))
    assert (str(rated.status.next), rated.due) == ("等待结案", None)
    assert rated.status.headline == waiting.status.headline


def test_archived_case_reads_as_it_ended(cast):
    story = Story(cast)
    transitions.withdraw(story.pk, by=None, at=at("2026-11-16 12:00"))
    transitions.archive(story.pk, by=None, at=at("2026-11-17 12:00"))
    assert track_page.read(story.case, now=timezone.now()).status == track_page.PUBLIC_STATUS[Status.WITHDRAWN]


def test_apps_above_show_their_panel(client):
    """The review app fills the slot on the tracking page."""
    receipt = registered()

    @panels.register_track_panel
    def panel(complaint):
        return panels.Panel(
            "components/callout.html", {"tone": "info", "icon": "info", "title": f"复查 {complaint.number}"}
        )

    try:
        open_case(client, receipt.complaint, receipt.access_code)
        assert f"复查 {receipt.complaint.number}" in client.get("/track/case/").content.decode()
    finally:
        panels._track_panels.remove(panel)


# --- What the complainant can do -------------------------------------------------------------------------
def merged_into_open(story: Story, cast) -> None:
    """The case it is worked on in has no answer yet."""
    primary = Story(cast, "2026-11-16 09:20").accept()
    transitions.merge(story.pk, primary=primary.case, reason="同一件事", by=cast.coordinator)


def stories(cast):
    """A case in every status."""
    water = {"by": cast.intake, "at": at("2026-11-16 10:00")}
    yield Status.REGISTERED, lambda s: s
    yield Status.AWAITING_INFORMATION, lambda s: transitions.request_information(s.pk, items="购买凭证", **water)
    yield Status.ACCEPTED, lambda s: s.accept()
    yield Status.ASSIGNED, lambda s: s.accept().assign()
    yield Status.IN_PROGRESS, lambda s: s.accept().assign().start()
    yield Status.QUALITY_CHECK, lambda s: s.accept().assign().start().submit()
    yield Status.LEGAL_CHECK, lambda s: s.high_risk().accept("2026-11-16 10:10").assign().start().submit().reply()
    yield Status.REPLIED, lambda s: s.to_reply()
    yield Status.CLOSED, lambda s: s.to_closed()
    yield (
        Status.NOT_ACCEPTED,
        lambda s: transitions.refuse(
            s.pk,
            ground=RefusalGround.OUT_OF_SCOPE,
            rule="属于政府部门管理的事项",
            reason="不归我们管",
            suggestion="打 12345",
            **water,
        ),
    )
    yield Status.WITHDRAWN, lambda s: transitions.withdraw(s.pk, by=None, at=at("2026-11-16 10:00"))
    yield Status.MERGED, lambda s: merged_into_open(s, cast)
    yield Status.ARCHIVED, lambda s: transitions.archive(s.to_closed().pk, by=None, at=at("2026-11-30 10:00"))


BEFORE_REPLY = {
    Status.REGISTERED,
    Status.AWAITING_INFORMATION,
    Status.ACCEPTED,
    Status.ASSIGNED,
    Status.IN_PROGRESS,
    Status.QUALITY_CHECK,
    Status.LEGAL_CHECK,
}
ACTIONS = {
    "answer": ({"text": "补充"}, {Status.AWAITING_INFORMATION}),
    "supplement": (
        {"kind": "supplement", "text": "补充"},
        (BEFORE_REPLY | {Status.REPLIED, Status.MERGED}) - {Status.AWAITING_INFORMATION},
    ),
    "ask": ({"text": "请问"}, BEFORE_REPLY | {Status.REPLIED, Status.MERGED, Status.CLOSED, Status.NOT_ACCEPTED}),
    "withdraw": ({"reason": ""}, BEFORE_REPLY),
    "rate": ({"satisfaction": "satisfied"}, {Status.REPLIED, Status.CLOSED}),
}


def test_state_decides_what_the_complainant_can_do(cast):
    """PI-11: every status × action; what is refused answers 409, says why and changes nothing."""
    for status, bring in stories(cast):
        with transaction.atomic():
            story = Story(cast)
            bring(story)
            assert story.case.status == status
            client = signed_in(story.case, story.receipt.access_code)
            for action, (data, allowed) in ACTIONS.items():
                point = transaction.savepoint()
                before = (story.case.version, story.case.events.count())
                response = client.post(f"/track/case/{action}/", data)
                assert response.status_code == (302 if status in allowed else 409), (status, action)
                if status not in allowed:
                    assert 'role="alert"' in response.content.decode()
                    assert (story.case.version, story.case.events.count()) == before
                transaction.savepoint_rollback(point)
            transaction.set_rollback(True)


def test_supplement_is_kept_beside_the_text_that_was_filed(cast):
    """I15, IN-23: text as an incoming contact, the file as evidence, the owner is told."""
    story = Story(cast).accept().assign().start()
    before = story.case.narrative
    client = signed_in(story.case, story.receipt.access_code)
    data = {"kind": "supplement", "text": "17 日又停了", "files": [png()]}
    assert client.post("/track/case/supplement/", data).headers["Location"] == "/track/case/"
    contact = story.case.communications.get(by=None)
    assert (contact.summary, contact.direction, contact.by) == ("17 日又停了", "in", None)
    row = story.case.attachments.get()
    assert (row.name, row.from_complainant) == ("公告栏.png", True)
    assert story.case.narrative == before
    told = Notification.objects.filter(kind="supplement").values_list("recipient__staff_number", flat=True)
    assert set(told) == {story.case.coordinator.staff_number, story.case.handler.staff_number}
    html = client.get("/track/case/?lang=en").content.decode()
    assert "You added information" in html
    assert "公告栏.png" in html


@pytest.mark.parametrize("kind", ["substantive", "reminder"])
def test_question_and_reminder_are_recorded_as_such(cast, kind):
    """RISK-11; COO-04: whoever asks reads the answer on the same page."""
    story = Story(cast)
    client = signed_in(story.case, story.receipt.access_code)
    client.post("/track/case/supplement/", {"kind": kind, "text": "什么时候来水"})
    question = story.case.questions.get()
    assert (question.kind, question.text, question.channel, question.recorded_by) == (kind, "什么时候来水", "web", None)
    transitions.answer_question(question.pk, answer="今晚八点", clearly=True, by=cast.intake)
    assert "今晚八点" in client.get("/track/case/").content.decode()


def test_answer_lets_the_clocks_run_on(cast):
    """SCR-06: what was asked is on the page; after the answer the case is where it was."""
    story = Story(cast)
    transitions.request_information(story.pk, by=cast.intake, items="购买凭证、门牌号", at=at("2026-11-16 10:00"))
    client = signed_in(story.case, story.receipt.access_code)
    assert "购买凭证、门牌号" in client.get("/track/case/").content.decode()
    client.post("/track/case/answer/", {"text": "门牌 12 号", "files": [png()]})
    case = story.case
    assert (case.status, case.is_paused) == (Status.REGISTERED, False)
    assert case.supplement_requests.get().answer == "门牌 12 号"
    assert case.attachments.count() == 1


def test_refused_file_keeps_the_text_and_sends_nothing(cast):
    story = Story(cast)
    client = signed_in(story.case, story.receipt.access_code)
    bad = png("a.png")
    bad.file.write(b"MZ")
    bad.file.seek(0)
    response = client.post(
        "/track/case/supplement/?lang=en", {"kind": "supplement", "text": "补充的话", "files": [bad]}
    )
    html = response.content.decode()
    assert response.status_code == 422
    assert "补充的话</textarea>" in html
    assert "is not a kind of file we take" in html
    assert story.case.communications.count() == 0


def test_withdrawing_asks_first(cast):
    story = Story(cast).accept()
    client = signed_in(story.case, story.receipt.access_code)
    page = client.get("/track/case/withdraw/?lang=en").content.decode()
    assert "Withdraw the complaint?" in page
    assert story.case.status == Status.ACCEPTED
    client.post("/track/case/withdraw/", {"reason": "已经解决"})
    assert story.case.status == Status.WITHDRAWN
    assert story.case.first_closed_at is not None


@pytest.mark.parametrize("form", ["rate", "ask", "incident"])
def test_a_file_that_is_too_large_sent_to_a_form_without_files_is_left_out(cast, settings, form):
    """A page that somebody changed, or a program: what the form does not take breaks nothing."""
    story = Story(cast).to_closed()
    client = Client()
    open_case(client, story.case, story.receipt.access_code)
    settings.ATTACHMENT_MAX_BYTES = 20
    data = {"satisfaction": "satisfied", "is_solved": "yes", "text": "为什么？", "files": [png()]}
    assert client.post(f"/track/case/{form}/", data).status_code in (302, 409)
    assert not story.case.attachments.exists()


def test_fb_02_no_call_is_announced_to_whoever_has_said_it_all(cast):
    """Once rated on the page or called, nobody waits for a call; an important case is called all the same."""
    rated, called, important = (Story(cast).to_reply() for _n in range(3))

    def coming(story):
        return str(track_page.read(story.case, now=at("2026-11-19 18:00")).status.next)

    call = coming(rated)
    for story in (rated, important):
        transitions.rate(story.pk, by=None, satisfaction="satisfied", at=at("2026-11-19 17:00"))
    called.call_back("2026-11-19 17:00")
    assert coming(rated) == coming(called) != call
    Complaint.objects.filter(pk=important.pk).update(risk_grade="high")
    assert coming(important) == call


def test_rating_needs_a_reason_when_dissatisfied_and_is_given_once(cast):
    """FB-06, FB-07."""
    story = Story(cast).to_reply()
    client = signed_in(story.case, story.receipt.access_code)
    response = client.post("/track/case/rate/?lang=en", {"satisfaction": "dissatisfied", "comment": "还是没水"})
    assert response.status_code == 422
    assert response.content.decode().count("Choose the reason for being dissatisfied.") == 2
    assert "还是没水</textarea>" in response.content.decode()
    client.post(
        "/track/case/rate/",
        {"satisfaction": "dissatisfied", "reason": "not_solved", "is_solved": "no", "comment": "还是没水"},
    )
    row = story.case.callbacks.get()
    assert (row.satisfaction, row.reason, row.is_solved, row.by, row.source) == (
        "dissatisfied",
        "not_solved",
        False,
        None,
        "complainant",
    )
    again = client.post("/track/case/rate/", {"satisfaction": "satisfied"})
    assert again.status_code == 409
    assert story.case.callbacks.count() == 1


def test_one_case_can_only_say_so_much_a_day(cast):
    """PI-10."""
    story = Story(cast)
    client = signed_in(story.case, story.receipt.access_code)
    throttle.spend(throttle.SAID_ON_CASE, story.case.number, at=timezone.now(), cost=throttle.SAID_ON_CASE.amount)
    response = client.post("/track/case/supplement/", {"kind": "supplement", "text": "再说一次"})
    assert response.status_code == 429
    assert "再说一次</textarea>" in response.content.decode()
    assert story.case.communications.count() == 0


def test_page_has_one_heading_and_no_inline_code(cast):
    story = Story(cast).to_reply()
    html = signed_in(story.case, story.receipt.access_code).get("/track/case/").content.decode()
    found = Elements(html).found
    assert [tag for tag, _attributes in found].count("h1") == 1
    assert not [tag for tag, attributes in found if "style" in attributes or "onclick" in attributes]


def test_sla_12_the_complainant_reads_why_the_answer_comes_by_that_day(cast):
    """The sentence of the date that is shown; none where the date kept is not that of today's calendar (JT-08)."""
    story = Story(cast).accept().assign().start()
    client = signed_in(story.case, story.receipt.access_code)
    page = client.get("/track/case/")
    why = page.context["page"].due.why.sentence
    assert "2026年11月16日" in why
    assert why in page.content.decode()
    day = timezone.localtime(page.context["page"].due.at).date()
    CalendarDay.objects.create(day=day, is_working=False, name="停电")
    clocks.forget_calendar()
    page = client.get("/track/case/")
    assert page.context["page"].due.why is None
    assert why not in page.content.decode()


def test_fi_u_the_complainant_reads_that_the_day_is_not_known_until_the_calendar_is_loaded(cast):
    story = Story(cast)
    CalendarYear.objects.filter(year=2026).delete()
    clocks.forget_calendar()
    story.accept()
    assert story.case.calendar_missing
    client = signed_in(story.case, story.receipt.access_code)
    words = "the public holidays of that year are not known"
    assert words in client.get("/track/case/?lang=en").content.decode()
    # A reply that was sent promises nothing more.
    Complaint.objects.filter(pk=story.pk).update(status="closed")
    assert words not in client.get("/track/case/?lang=en").content.decode()


def test_rev_18_sla_12_the_complainant_reads_why_a_review_can_be_asked_for_until_that_day(cast, monkeypatch):
    story = Story(cast).to_reply()
    until = clocks.date_of(story.case, "review_request", since=story.case.replied_at)
    monkeypatch.setattr("django.utils.timezone.now", lambda: at("2026-11-20 10:00"))
    html = signed_in(story.case, story.receipt.access_code).get("/track/case/").content.decode()
    assert f"{timezone.localtime(until):%Y年%-m月%-d日}" in html
    assert "2026年11月19日 周四 10:00 答复" in html


def test_page_costs_the_same_queries_for_one_and_three_of_each(cast, django_assert_num_queries, monkeypatch):
    monkeypatch.setattr(panels, "_track_panels", [])  # their queries are counted where they live
    story = Story(cast)
    client = signed_in(story.case, story.receipt.access_code)

    def say(times: int) -> None:
        for _n in range(times):
            client.post("/track/case/supplement/", {"kind": "substantive", "text": "请问", "files": [png()]})

    for times in (1, 2):
        say(times)
        client.get("/track/case/")  # the messages of the posts are shown once
        with django_assert_num_queries(16):
            client.get("/track/case/")
