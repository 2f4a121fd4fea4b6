"""Bulletins of incidents: scanned, public, gone, on paper and in groups, told to everybody (INC-07, INC-08, INC-13)."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext
from pypdf import PdfReader

from accounts import takedowns
from complaints import bulletin_telling, events, incidents, messages, sms, transitions
from complaints.models import (
    Bulletin,
    BulletinReceipt,
    CaseEvent,
    Complaint,
    Contact,
    Incident,
    IncidentResponse,
    Notification,
)
from complaints.states import BulletinState, Channel, ContactOutcome, ContactPurpose
from complaints.tests.factories import Story, filing
from complaints.transitions import bulletins as rules
from complaints.transitions import incidents as response_rules
from publication import bulletin_texts, bulletins
from publication.models import PublishedBulletin
from publication.redaction import Known, leaks
from publication.redaction.prefilter import Letters

pytestmark = pytest.mark.django_db
WORDS = {
    "progress": "抢修队已经找到破裂的管段，正在更换。",
    "supply": "- 槐荫里东门\n- 槐荫里居委会",
    "contact": "供水服务热线 8800 0123",
    "no_advance_notice": "爆管事先无法预见。",
}


def new_case(**changes) -> Complaint:
    moment = timezone.now() - timedelta(hours=1)
    return transitions.register(filing(received_at=moment, **changes), by=None, at=moment).complaint


@pytest.fixture
def response(cast) -> IncidentResponse:
    return response_rules.declare_from_case(
        new_case().pk, title="槐荫里停水", kind="interruption", started_at=timezone.now() - timedelta(hours=2),
        by=cast.coordinator,
    )  # fmt: skip


def released(response, cast, **changes) -> Bulletin:
    values = {"kind": "progress", "expected_recovery_at": timezone.now() + timedelta(hours=5), **WORDS, **changes}
    row = rules.write_bulletin(response.pk, by=cast.coordinator, **values)
    return rules.release_bulletin(row.pk, by=cast.manager)


def public(response, cast, **changes) -> PublishedBulletin:
    found = bulletins.publish(released(response, cast, **changes).pk)
    assert found is not None
    return found


def closing(response, cast) -> PublishedBulletin:
    response.refresh_from_db()
    if response.recovered_at is None:
        response_rules.record_recovery(response.pk, recovered_at=timezone.now(), by=cast.coordinator)
    return public(
        response, cast, kind="closing", progress="已恢复供水。", after_care="请先放水五分钟再饮用。",
        contact="水质问题请拨 8800 0123", supply="", no_advance_notice="",
    )  # fmt: skip


def joined(response, count, **changes) -> list[Complaint]:
    cases = [new_case(**changes) for _n in range(count)]
    Complaint.objects.filter(pk__in=[case.pk for case in cases]).update(incident=response.pk)
    return cases


def page_of(row) -> str:
    return f"/incidents/{row.incident_public_id}/"


def text_of(response) -> str:
    return response.content.decode()


# --- Becoming public --------------------------------------------------------------------------------
def test_inc_07_a_released_bulletin_shows_every_field_to_everybody(client, cast, response):
    """INC-07: progress, expected recovery, where there is supply, contact, why no notice, and the next one."""
    row = public(response, cast)
    answer = client.get(page_of(row))
    html = text_of(answer)
    for words in ("槐荫里停水", WORDS["progress"], "槐荫里东门", WORDS["contact"], WORDS["no_advance_notice"]):
        assert words in html
    for moment in (row.expected_recovery_at, row.next_due_at):
        assert timezone.localtime(moment).strftime("%H:%M") in html
    assert (answer.status_code, answer.cookies, answer["Cache-Control"]) == (200, {}, "public, max-age=60")
    again = client.get(page_of(row), headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "Whom to turn to" in text_of(client.get(page_of(row), {"lang": "en"}))
    assert 'data-text="large"' in text_of(client.get(page_of(row), {"text": "large"}))


def test_inc_07_a_recovery_nobody_can_foresee_is_said_to_be_unknown(client, cast, response):
    """INC-07: people read that the time is not known instead of reading nothing; the closing notice says neither."""
    row = public(response, cast, expected_recovery_at=None)
    with translation.override("zh-hans"):
        unknown, label = gettext("Not known yet."), gettext("Expected back")
    assert unknown in text_of(client.get(page_of(row)))
    assert f"{label}：{unknown}" in bulletin_texts.group_message(row)
    over = closing(response, cast)
    assert label not in bulletin_texts.group_message(over)


def test_inc_07_all_bulletins_stand_newest_first(client, cast, response):
    first = public(response, cast)
    second = public(response, cast, progress="新管段已经装好，正在冲洗。")
    assert first.incident_public_id == second.incident_public_id
    html = text_of(client.get(page_of(first)))
    assert html.index("正在冲洗") < html.index("正在更换")
    listed = text_of(client.get("/incidents/"))
    assert "正在冲洗" in listed
    assert "正在更换" not in listed


def test_inc_06_a_changed_rhythm_moves_the_next_date_on_the_page(client, cast, response):
    row = public(response, cast)
    before = client.get(page_of(row))
    rules.set_rhythm(response.pk, bulletin_hours=2, by=cast.coordinator)
    bulletins.sweep_bulletins()
    row.refresh_from_db()
    assert row.next_due_at == row.released_at + timedelta(hours=2)
    assert client.get(page_of(row))["ETag"] != before["ETag"]


def test_inc_13_the_closing_notice_says_what_to_do_and_whom_to_ask(client, cast, response):
    """INC-13: after care and contact; no expected date and no next bulletin any more."""
    public(response, cast)
    row = closing(response, cast)
    html = text_of(client.get(page_of(row)))
    newest = html.split("no-1")[0]
    assert "请先放水五分钟再饮用。" in newest
    assert "水质问题请拨 8800 0123" in newest
    assert row.next_due_at is None
    assert "下次通报" not in newest
    assert "已结束" in text_of(client.get("/incidents/"))


def test_inc_08_an_incident_that_is_over_stays_for_90_days(client, cast, response):
    row = closing(response, cast)
    PublishedBulletin.objects.update(released_at=timezone.now() - timedelta(days=89))
    assert "槐荫里停水" in text_of(client.get("/incidents/"))
    PublishedBulletin.objects.update(released_at=timezone.now() - timedelta(days=91))
    assert "槐荫里停水" not in text_of(client.get("/incidents/"))
    assert client.get(page_of(row)).status_code == 410
    assert client.get("/incidents/0000000000000000/").status_code == 404


def test_inc_08_what_identifies_somebody_stops_the_bulletin_and_the_releaser_is_told(client, cast, response):
    """INC-08: a complainant whose case joined after the writing is found as well; nobody is told anything."""
    row = released(response, cast, progress="张春华家门口正在开挖。")
    case = joined(response, 1)[0]
    case.complainant.name = "张春华"
    case.complainant.save()
    assert bulletins.publish(row.pk) is None
    assert not PublishedBulletin.objects.exists()
    told = Notification.objects.get(kind="bulletin_blocked")
    assert (told.recipient, told.params["part"]) == (cast.manager, "progress")
    with translation.override("zh-hans"):
        assert "“进展”" in messages.sentence(told)
    assert "张春华" not in str(told.params)
    assert bulletins.sweep_bulletins()["published"] == 0
    assert bulletins.tell(row.pk) == {"told": 0, "left": 0}
    assert Notification.objects.filter(kind="bulletin_blocked").count() == 1
    client.force_login(cast.manager)
    html = text_of(client.get(told.url))
    assert "进展" in html
    assert "海报" not in html


@pytest.mark.parametrize(
    ("changes", "part"),
    [({"progress": "请找 0571-8765 4321。"}, "progress"), ({"supply": "寄信到 li.wei@example.com"}, "supply")],
)
def test_inc_08_patterns_are_looked_for_in_every_text(cast, response, changes, part):
    row = released(response, cast, **changes)
    assert bulletins.problem_of(row) is not None
    assert bulletins.problem_of(row).part == part


def test_inc_08_title_and_case_numbers_are_looked_at_too(cast, response):
    row = released(response, cast)
    number = Complaint.objects.filter(incident=response.pk).values_list("number", flat=True).get()
    Incident.objects.update(title=f"{number} 停水")
    row = Bulletin.objects.select_related("incident").get(pk=row.pk)
    assert bulletins.problem_of(row) == bulletins.Problem("title", "case_number")


def test_inc_08_the_office_may_name_its_own_number_and_the_place(cast, response):
    """The estate of the incident is part of everybody's address; only the house tells who lives there."""
    joined(response, 1, address="江城市槐荫里")
    joined(response, 1, address="江城市槐荫里8幢1单元202")
    row = released(response, cast, progress="槐荫里停水，请拨 8800 0123。", contact="抢修值班室 0571-8800 0456")
    assert bulletins.publish(row.pk) is not None
    assert bulletins.problem_of(released(response, cast, progress="槐荫里8幢1单元202 门前开挖。")).part == "progress"


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("name", "张春华先生", "请找张 春·华开门。"),
        ("name", "Anna Berg", "ask anna  BERG"),
        ("name", "吕春华", "请找 Chunhua Lǚ 开门"),
        ("phone", "+86 138 0000 2417", "电话一三八零零零零二四一七"),
        ("phone", "0571-88001234", "打 8800 1234 就行"),
        ("address", "江城市槐荫区柳桥三村12幢2单元401", "柳桥三村12幢2单元4O1 门口"),
        ("email", "li.wei@example.com", "LI。WEI 艾特 example 点 com"),
        ("identity", "33010619800101123x", "证件 3301 0619 8001 0112 3X"),
    ],
)
def test_inc_08_nobody_is_overlooked_because_thousands_are_concerned(kind, value, text):
    """Whatever the gate finds in any spelling passes the cheap look before it; who is not there at all does not."""
    names = {"name": "names", "phone": "phones", "address": "addresses", "email": "emails", "identity": "ids"}
    assert leaks(text, Known(**{names[kind]: [value]}))
    assert Letters(text).may_hold(kind, value)
    assert not Letters("抢修队正在更换管段。").may_hold(kind, value)


def test_inc_08_the_release_is_heard_and_a_missed_one_is_caught_up_with_once(
    client, cast, response, django_capture_on_commit_callbacks, monkeypatch
):
    asked = []
    monkeypatch.setattr("publication.tasks.publish_bulletin.apply_async", lambda kwargs, retry: asked.append(kwargs))
    with django_capture_on_commit_callbacks(execute=True):
        row = released(response, cast)
    assert asked == [{"bulletin_id": row.pk}]
    call_command("run_job", "sweep_bulletins", "--json")
    assert PublishedBulletin.objects.get().bulletin_id == row.pk
    assert bulletins.publish(row.pk) == PublishedBulletin.objects.get()
    assert bulletins.sweep_bulletins() == {"published": 0, "taken_down": 0, "told": 0}
    told = Notification.objects.filter(kind="bulletin_published")
    assert set(told.values_list("recipient", flat=True)) >= {cast.publisher.pk}
    client.force_login(cast.publisher)
    assert client.get(told.get(recipient=cast.publisher).url).status_code == 200


# --- Gone -------------------------------------------------------------------------------------------
def test_inc_08_a_withdrawn_bulletin_is_gone_everywhere(client, cast, response, django_capture_on_commit_callbacks):
    row = public(response, cast)
    staff = reverse("publication:bulletin", args=[response.incident.number, 1])
    sheet = reverse("publication:bulletin_poster", args=[response.incident.number, 1, "a4"])
    client.force_login(cast.manager)
    assert client.get(sheet).status_code == 200
    assert "槐荫里停水" in text_of(client.get("/"))
    with django_capture_on_commit_callbacks(execute=True):
        rules.withdraw_bulletin(row.bulletin_id, reason="地点写错了", by=cast.manager)
    gone = client.get(page_of(row))
    assert (gone.status_code, gone["Cache-Control"]) == (410, "public, max-age=60")
    assert client.get(sheet).status_code == 410
    for path in ("/", "/incidents/", "/incidents/feed.atom", "/incidents/sitemap.xml", "/complain/"):
        assert "槐荫里停水" not in text_of(client.get(path))
        assert row.incident_public_id not in text_of(client.get(path))
    assert "公告栏上张贴的也要取下" in text_of(client.get(staff))
    later = public(response, cast, progress="更正：停水的是槐荫里二区。")
    assert later.incident_public_id == row.incident_public_id
    assert client.get(page_of(row)).status_code == 200
    assert WORDS["progress"] not in text_of(client.get(page_of(row)))


def test_dl_04_a_bulletin_withdrawn_after_a_backup_stays_gone(
    client, cast, response, django_capture_on_commit_callbacks
):
    """I8: the journal outside the database names it, and what is restored is taken down again."""
    row = public(response, cast)
    rules.withdraw_bulletin(row.bulletin_id, reason="地点写错了", by=cast.manager)
    with django_capture_on_commit_callbacks(execute=True):
        bulletins.take_down(row.bulletin_id)
    entry = next(one for one in reversed(takedowns.read().entries) if one.what == takedowns.What.BULLETIN)
    # As the backup knew it.
    PublishedBulletin.objects.update(withdrawn_at=None)
    Bulletin.objects.update(state=BulletinState.RELEASED, withdrawn_at=None, withdrawn_by=None)
    assert bulletins.is_back(entry.key, at=entry.at)
    assert bulletins.keep_down(entry.key, at=entry.at)
    assert not bulletins.keep_down(entry.key, at=entry.at)
    assert client.get(page_of(row)).status_code == 410
    bulletins.sweep_bulletins()
    assert not bulletins.is_back(entry.key, at=entry.at)
    PublishedBulletin.objects.update(withdrawn_at=None, released_at=entry.at + timedelta(days=1))
    assert not bulletins.keep_down(entry.key, at=entry.at)  # another one, written after the restore


def test_dl_04_pr_06_an_incident_that_only_the_journal_knows_stays_gone(client, cast, response):
    """Published and withdrawn after the backup: the address answers 410, not 404. One that is known goes on."""
    unknown, at = "0123456789abcdef", timezone.now()
    assert client.get(f"/incidents/{unknown}/").status_code == 404
    assert bulletins.keep_down(bulletins.key_of(unknown, 1), at=at)
    assert not bulletins.keep_down(bulletins.key_of(unknown, 1), at=at)
    assert client.get(f"/incidents/{unknown}/").status_code == 410
    row = public(response, cast)
    assert not bulletins.keep_down(bulletins.key_of(row.incident_public_id, 7), at=at)
    assert client.get(page_of(row)).status_code == 200


def test_inc_08_a_missed_withdrawal_is_caught_up_with(client, cast, response):
    row = public(response, cast)
    Bulletin.objects.update(state=BulletinState.WITHDRAWN, withdrawn_at=timezone.now(), withdrawn_by=cast.manager)
    assert bulletins.sweep_bulletins()["taken_down"] == 1
    assert client.get(page_of(row)).status_code == 410


# --- The site around it -----------------------------------------------------------------------------
def test_inc_08_a_banner_says_that_it_is_known_while_it_goes_on(client, cast, response):
    """INC-08: on the start page and before a complaint; over when the closing notice is out."""
    before = client.get("/")
    assert before["Cache-Control"] == "public, max-age=60"
    row = public(response, cast)
    for path in ("/", "/complain/"):
        html = text_of(client.get(path))
        assert page_of(row) in html
        assert "槐荫里停水" in html
    shown = client.get("/")
    assert (shown["ETag"] != before["ETag"], shown["Cache-Control"]) == (True, "public, max-age=45")
    assert "We know of this" in text_of(client.get("/", {"lang": "en"}))
    closing(response, cast)
    for path in ("/", "/complain/"):
        assert page_of(row) not in text_of(client.get(path))


def test_inc_08_the_banner_costs_nothing_once_remembered(client, cast, response, django_assert_num_queries):
    public(response, cast)
    first = client.get("/")
    with django_assert_num_queries(1):
        assert client.get("/", headers={"If-None-Match": first["ETag"]}).status_code == 304


@pytest.mark.parametrize("path", ["/incidents/", "{page}", "/incidents/feed.atom", "/incidents/sitemap.xml"])
def test_inc_08_public_pages_read_one_table_and_cost_the_same_for_many(client, cast, response, path):
    row = public(response, cast)
    path = path.format(page=page_of(row))

    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(path).status_code == 200
        return [query["sql"] for query in seen]

    few = queries()
    public(response, cast)
    PublishedBulletin.objects.create(
        incident_public_id="ab" * 8, bulletin_id=99_999, title="另一处", number=1, kind="first", progress="抢修中。",
        contact="热线", released_at=timezone.now(),
    )  # fmt: skip
    many = queries()
    assert len(few) == len(many) <= 2
    assert {name for sql in many for name in re.findall(r'FROM "(\w+)"', sql)} == {"publication_publishedbulletin"}


def test_inc_08_the_list_is_paged_and_says_what_is_under_way_first(client, cast, response):
    now = timezone.now()
    PublishedBulletin.objects.bulk_create(
        PublishedBulletin(
            incident_public_id=f"{n:016x}", bulletin_id=1000 + n, title=f"第{n}处停水", number=1,
            kind="closing" if n % 2 else "first", progress="抢修中。", contact="热线",
            released_at=now - timedelta(hours=n),
        )
        for n in range(1, 46)
    )  # fmt: skip
    seen, url = [], "/incidents/"
    while url:
        html = text_of(client.get(url))
        seen += [int(n) for n in re.findall(r">第(\d+)处停水</a>", html)]
        following = re.search(r'href="(\?after=[0-9a-f]{16})" rel="next"', html)
        url = "/incidents/" + following[1] if following else ""
    assert seen == [*range(2, 46, 2), *range(1, 46, 2)]


def test_inc_08_feed_and_sitemap_name_the_bulletins(client, cast, response):
    row = public(response, cast)
    feed = ElementTree.fromstring(client.get("/incidents/feed.atom").content)
    entries = feed.findall("{http://www.w3.org/2005/Atom}entry")
    assert [entry.findtext("{http://www.w3.org/2005/Atom}summary") for entry in entries] == [WORDS["progress"]]
    assert page_of(row) in text_of(client.get("/incidents/sitemap.xml"))
    assert "/incidents/sitemap.xml" in text_of(client.get("/robots.txt"))


# --- Paper, groups, short message -------------------------------------------------------------------
def test_inc_08_poster_and_texts_stand_ready_for_the_other_channels(client, cast, response):
    """INC-08: notice board, community group and short message, from the page of the bulletin."""
    row = public(response, cast)
    client.force_login(cast.coordinator)
    html = text_of(client.get(reverse("publication:bulletin", args=[response.incident.number, 1])))
    group, short = bulletin_texts.group_message(row), bulletin_texts.short_message(row)
    for words in (WORDS["progress"], "槐荫里居委会", WORDS["contact"], page_of(row)):
        assert words in group
    assert short in html
    assert "data-copy" in html
    assert "8800 0123" in short
    for size in ("a4", "a4-large"):
        answer = client.get(reverse("publication:bulletin_poster", args=[response.incident.number, 1, size]))
        assert answer["Content-Type"] == "application/pdf"
        (sheet,) = PdfReader(io.BytesIO(answer.content)).pages
        assert WORDS["contact"].replace(" ", "") in re.sub(r"\s", "", sheet.extract_text())
        # In large print too the labels stand on one line each.
        assert {"下一次通报", "预计恢复时间"} <= set(sheet.extract_text().split())
    other = reverse("publication:bulletin_poster", args=[response.incident.number, 1, "a0"])
    assert client.get(other).status_code == 404


@pytest.mark.parametrize("length", [10, 400, 5000])
def test_inc_08_texts_keep_to_their_length_and_posters_to_a_page(cast, response, length):
    words = dict.fromkeys(("progress", "supply", "no_advance_notice"), ("停水抢修。" * length)[:length])
    row = public(response, cast, **words, contact="热" * min(length, 190))
    row.title = "槐" * 120
    assert len(bulletin_texts.short_message(row)) <= 70
    assert len(bulletin_texts.group_message(row)) <= 500
    assert page_of(row) in bulletin_texts.group_message(row)
    assert len(PdfReader(io.BytesIO(bulletin_texts.poster(row, "a4-large"))).pages) == 1


def test_inc_08_the_page_of_a_bulletin_is_not_for_everybody(client, cast, response):
    row = rules.write_bulletin(response.pk, by=cast.coordinator, kind="progress", **WORDS)
    address = reverse("publication:bulletin", args=[response.incident.number, row.number])
    for user, status in ((cast.coordinator, 200), (cast.publisher, 404), (cast.water_handler, 403)):
        client.force_login(user)
        assert client.get(address).status_code == status


# --- Telling the people concerned -------------------------------------------------------------------
@pytest.fixture
def messages_sent(monkeypatch, settings) -> list[dict[str, str]]:
    """A gateway for short messages that remembers what it was given."""
    settings.SMS_URL = "https://sms.example/send"
    taken: list[dict[str, str]] = []
    monkeypatch.setattr(sms, "send", lambda url, **message: taken.append(message))
    return taken


def test_inc_08_every_linked_complainant_is_told_once_on_the_own_way(cast, response, messages_sent, mailoutbox):
    """INC-08: e-mail, short message, tracking page; open and closed cases; however often the job runs."""
    Complaint.objects.filter(incident=response.pk).update(incident=None)
    story = Story(cast, channel=Channel.WEB, email="a@example.com", phone="").to_closed()
    Complaint.objects.filter(pk=story.pk).update(incident=response.pk)
    by_mail = story.case
    by_phone = joined(response, 1, channel=Channel.PHONE, phone="13800002417", email="")[0]
    online = joined(response, 1, channel=Channel.WEB, phone="0571-88001234", email="")[0]
    by_letter = joined(response, 1, channel=Channel.LETTER, phone="", email="", address="槐荫里1号")[0]
    row = public(response, cast)
    assert bulletins.tell(row.bulletin_id) == {"told": 4, "left": 0}
    assert bulletins.tell(row.bulletin_id) == {"told": 0, "left": 0}
    bulletins.sweep_bulletins()
    bulletin = Bulletin.objects.get()
    assert (bulletin.told, bulletin.told_all_at is not None, BulletinReceipt.objects.count()) == (4, True, 4)
    talks = {talk.complaint_id: talk for talk in Contact.objects.filter(purpose=ContactPurpose.PROGRESS, by=None)}
    assert {pk: talk.channel for pk, talk in talks.items()} == {
        by_mail.pk: Channel.EMAIL, by_phone.pk: Channel.PHONE, online.pk: Channel.WEB
    }  # fmt: skip
    assert {talk.outcome for talk in talks.values()} == {ContactOutcome.REACHED}
    assert [message["to"] for message in messages_sent] == ["+8613800002417"]
    assert len(messages_sent[0]["text"]) <= 70
    mail = Notification.objects.get(to_complainant=True, kind="bulletin")
    subject, body = messages.mail(mail)
    assert by_mail.number in subject
    assert "槐荫里" not in subject + body
    # The 24 hours count them; who got nothing stays to be rung.
    assert list(incidents.not_reached(response.incident)) == [by_letter]
    assert CaseEvent.objects.filter(kind="bulletin_told").count() == 3
    assert events.verify()[1] is None


def test_inc_08_who_joins_late_is_told_the_newest_bulletin_within_a_minute(cast, response, messages_sent):
    """INC-08, INC-14: once, and nothing of what was before; in the after care it is the closing notice."""
    first = public(response, cast)
    second = public(response, cast, progress="新管段已经装好，正在冲洗。")
    bulletins.sweep_bulletins()
    late = joined(response, 1, channel=Channel.PHONE, phone="13800002417", email="")[0]
    assert bulletins.sweep_bulletins()["told"] == 1
    assert bulletins.sweep_bulletins()["told"] == 0
    assert [row.bulletin_id for row in BulletinReceipt.objects.filter(complaint=late)] == [second.bulletin_id]
    assert "正在冲洗" in messages_sent[-1]["text"]
    rules.withdraw_bulletin(second.bulletin_id, reason="地点写错了", by=cast.manager)
    assert bulletins.sweep_bulletins()["told"] == 1
    assert BulletinReceipt.objects.filter(complaint=late, bulletin=first.bulletin_id).exists()
    last = closing(response, cast)
    bulletins.sweep_bulletins()
    transitions.close_incident(response.pk, summary="已恢复", by=cast.coordinator)
    response_rules.plan_after_care(
        response.pk, after_care="请先放水。", after_care_contact="8800 0123",
        after_care_until=timezone.localdate() + timedelta(days=7), by=cast.coordinator,
    )  # fmt: skip
    after = joined(response, 1, channel=Channel.WEB)[0]
    assert bulletins.sweep_bulletins()["told"] == 1
    assert [row.bulletin_id for row in BulletinReceipt.objects.filter(complaint=after)] == [last.bulletin_id]
    joined(response, 1, channel=Channel.WEB)
    assert bulletins.sweep_bulletins(now=timezone.now() + timedelta(days=8))["told"] == 0


def test_inc_08_the_tracking_page_shows_the_bulletins(client, cast, response):
    filed = transitions.register(filing(channel=Channel.WEB), by=None, at=timezone.now())
    Complaint.objects.filter(pk=filed.complaint.pk).update(incident=response.pk)
    row = public(response, cast)
    bulletins.tell(row.bulletin_id)
    client.post("/track/", {"number": filed.complaint.number, "code": filed.access_code})
    html = text_of(client.get("/track/case/"))
    assert WORDS["progress"] in html
    assert page_of(row) in html
    assert "我们告知了您事件的处理进展" in html


def test_inc_08_a_run_that_died_goes_on_where_it_stopped(cast, response, messages_sent, monkeypatch):
    joined(response, 5, channel=Channel.PHONE, phone="13800002417", email="")
    row = public(response, cast)
    monkeypatch.setattr(bulletin_telling, "BATCH", 2)
    record, calls = bulletin_telling._record, []

    def dies(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError
        return record(*args, **kwargs)

    monkeypatch.setattr(bulletin_telling, "_record", dies)
    with pytest.raises(RuntimeError):
        bulletins.tell(row.bulletin_id)
    assert BulletinReceipt.objects.count() == 2
    assert bulletins.tell(row.bulletin_id)["left"] == 0
    assert BulletinReceipt.objects.count() == 6
    # What was sent before the crash goes out again under the same id, which the gateway knows.
    assert (len(messages_sent), len({message["id"] for message in messages_sent})) == (8, 6)
    assert Contact.objects.values("complaint").distinct().count() == Contact.objects.count()


def test_inc_08_a_silent_gateway_is_tried_again_and_a_refusal_is_not(cast, response, messages_sent, monkeypatch):
    Complaint.objects.filter(incident=response.pk).update(incident=None)
    joined(response, 3, channel=Channel.PHONE, phone="13800002417", email="")
    row = public(response, cast)

    def silent(url, **message):
        raise sms.Unreachable("TimeoutError")

    def refuses(url, **message):
        raise sms.Refused("status 400")

    monkeypatch.setattr(sms, "send", silent)
    assert bulletins.tell(row.bulletin_id) == {"told": 0, "left": 3}
    monkeypatch.setattr(sms, "send", refuses)
    assert bulletins.tell(row.bulletin_id) == {"told": 3, "left": 0}
    assert not Contact.objects.exists()
    assert incidents.not_reached(response.incident).count() == 3


def test_inc_08_a_withdrawn_bulletin_is_told_to_nobody_any_more(cast, response):
    joined(response, 2)
    row = public(response, cast)
    rules.withdraw_bulletin(row.bulletin_id, reason="地点写错了", by=cast.manager)
    assert bulletin_telling.tell(row.bulletin_id, text="") == {"told": 0, "left": 0}
    assert not BulletinReceipt.objects.exists()


def test_inc_08_a_batch_costs_the_same_however_many_cases(cast, response):
    """INC-08: thousands of cases are told in the background, many at the price of one."""

    def cost(count: int) -> int:
        joined(response, count, channel=Channel.WEB, email="a@example.com", phone="")
        row = public(response, cast)
        with CaptureQueriesContext(connection) as seen:
            bulletins.tell(row.bulletin_id)
        return len(seen)

    assert cost(1) == cost(20)
