"""Cases that belong together: found, shown to the desk alone, linked, merged and parted (SCR-09, CLS-18, IN-27)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from complaints import case_records, matching, prints, related, selectors, track_page, transitions
from complaints import tracking as own_page
from complaints.matching import Matter, Way
from complaints.models import Callback, CaseEvent, Complaint, Deadline, LinkKind, Merge, Notification, Reply
from complaints.states import MOVES, DeadlineState, QuestionKind, Status
from complaints.tests import public_flow
from complaints.tests.factories import Story, at, category, filing, registered
from complaints.tests.public_flow import CATEGORY, CONTACT, DETAILS, open_case

TEXT = (
    "我们是鑫园小区的居民，本小区配建的垃圾站紧靠三栋，夏天臭气熏天，蚊虫很多，"
    "物业和社区都说不归自己管，打了多次热线也没有结果，请有关部门把垃圾站迁走。"
)
OTHERS = {"name": "李明", "phone": "13900001234", "email": "li@example.cn"}
THIRD = {"name": "周海", "phone": "13700005678", "email": "zhou@example.cn"}


def numbers(found: list[matching.Candidate]) -> list[str]:
    return [row.case.number for row in found]


def case_of(receipt) -> Complaint:
    return Complaint.objects.get(pk=receipt.complaint.pk)


# --- Candidates -------------------------------------------------------------------------------
def test_scr_09_a_text_that_only_begins_alike_is_no_copy(cast):
    """The index proposes it, the comparison run by run turns it down."""
    other = "昨晚十点以后隔壁工地还在浇筑混凝土，噪声很大，老人小孩睡不着，打电话没有人接，请尽快派人到现场处理并答复。"
    alike = (TEXT[:kept] + other[:added] for kept in range(70, 40, -1) for added in range(20, len(other)))
    near = next(
        text
        for text in alike
        if set(prints.words(text)) & set(prints.words(TEXT))
        and not prints.overlap(prints.shingles(TEXT), prints.shingles(text)).is_same
    )
    registered(narrative=TEXT)
    later = case_of(registered("2026-11-17 09:00", **OTHERS, address="桃花里 9 号", place="", narrative=near))
    assert matching._similar_prints(near)
    assert not [row for row in matching.candidates(later, cast.intake) if Way.TEXT in row.reasons]


def test_the_same_person_is_found_by_each_contact_and_says_which(cast):
    new = case_of(registered("2026-11-20 09:00", narrative="路灯坏了，晚上看不清路。"))
    by_phone = registered("2026-11-16 09:00", email="", phone="138 0000 2417", narrative="一月里停水三次，没有通知。")
    by_mail = registered(
        "2026-11-17 09:00", email="ZHANG@example.cn", phone="", narrative="电梯停运，无人维修已有一周。"
    )
    registered("2026-11-18 09:00", **OTHERS, narrative="公交晚点，请增加班次。")
    found = matching.candidates(new, cast.intake)
    reasons = {row.case.number: row.reasons for row in found}
    assert reasons == {
        by_phone.complaint.number: {Way.PERSON: "电话号码相同"},
        by_mail.complaint.number: {Way.PERSON: "邮箱相同"},
    }
    assert {row.kind for row in found} == {LinkKind.SAME_PERSON}


def test_the_same_text_by_another_person_is_the_same_matter(cast):
    old = registered("2026-03-02 09:00", narrative=TEXT)  # however old
    registered("2026-11-16 09:00", narrative="公交车总是晚点，早高峰要等半个多小时，希望增加班次。")
    new = case_of(registered("2026-11-20 09:00", **OTHERS, narrative="尊敬的领导：" + TEXT.replace("三栋", "四栋")))
    (candidate,) = matching.candidates(new, cast.intake)
    assert candidate.case.number == old.complaint.number
    assert list(candidate.reasons) == [Way.TEXT]
    assert re.fullmatch(r"文字有 \d\d% 相同", candidate.reason)
    assert candidate.kind == LinkKind.SAME_MATTER


def test_the_same_person_with_the_same_text_is_a_duplicate_and_comes_first(cast):
    text = registered("2026-11-15 09:00", **OTHERS, narrative=TEXT + "谢谢！")
    both = registered("2026-11-14 09:00", narrative=TEXT)
    person = registered("2026-11-16 09:00", narrative="电梯停运，无人维修已有一周。")
    new = case_of(registered("2026-11-20 09:00", narrative=TEXT))
    found = matching.candidates(new, cast.intake)
    assert numbers(found) == [row.complaint.number for row in (both, text, person)]
    assert found[0].kind == LinkKind.DUPLICATE
    assert found[0].reason == "电话号码相同；邮箱相同；文字有 100% 相同"


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, True),
        ({"when": "2026-11-06 10:00"}, True),  # two weeks before, to the day
        ({"when": "2026-11-06 08:00"}, False),
        ({"place": "槐荫里小区二期"}, False),
        ({"category": "heating"}, False),
        ({"place": "", "outlet": "城东营业厅"}, True),
    ],
)
def test_the_same_place_and_category_within_a_fortnight(cast, changes, found):
    """IN-32: complaints about one site are found together."""
    values = {"when": "2026-11-18 09:00", "place": "槐荫里小区", "category": "water-outage", **changes}
    old = registered(
        values.pop("when"), narrative="没有水。", **OTHERS, **{**values, "category": category(values["category"])}
    )
    new = case_of(
        registered(
            "2026-11-20 09:00", place="槐荫里小区", outlet="城东营业厅", category=category(), narrative="停水两天了。"
        )
    )
    result = matching.candidates(new, cast.intake)
    assert numbers(result) == ([old.complaint.number] if found else [])
    if found:
        assert list(result[0].reasons) == [Way.PLACE]


def test_nobody_is_shown_a_case_they_may_not_see(cast):
    """A department sees candidates among its own cases alone; the accused never (S7)."""
    mine = Story(cast, "2026-11-16 09:12", narrative=TEXT).accept().assign().start()
    foreign = Story(cast, "2026-11-16 09:20", narrative=TEXT).accept().assign(department=cast.roads)
    own = Story(cast, "2026-11-16 09:30", narrative=TEXT).accept().assign()
    assert numbers(matching.candidates(mine.case, cast.water_handler)) == [own.case.number]
    assert set(numbers(matching.candidates(mine.case, cast.intake))) == {own.case.number, foreign.case.number}
    own.case.accused_staff.add(cast.intake)
    assert numbers(matching.candidates(mine.case, cast.intake)) == [foreign.case.number]


def test_a_lookup_costs_the_same_queries_and_offers_a_bounded_number(cast, django_assert_num_queries):
    values = {"place": "槐荫里小区", "outlet": "城东营业厅", "category": category(), "narrative": TEXT}
    new = case_of(registered("2026-11-20 09:00", **values))
    registered("2026-11-16 09:00", **values)
    matching.candidates(new, cast.intake)  # the person's permissions are read once
    expected = 7 + (connection.vendor == "postgresql")  # contacts, person, outlet, place, prints, visible, cases
    for count in (1, 20):
        with django_assert_num_queries(expected):
            found = matching.candidates(new, cast.intake)
        assert len(found) == min(count, matching.SHOWN)
        if count == 1:
            for minute in range(20):
                registered(f"2026-11-16 10:{minute:02d}", **values)


def test_the_closest_text_is_found_among_many_of_one_pattern(cast):
    """However many texts follow a pattern, a copy is among those compared."""
    call_command("seed_bulk", "--complaints", "400", "--seed", "2", "--json")
    planted = Complaint.objects.order_by("pk")[200]
    draft = Matter(narrative=planted.narrative.replace("我住在", "我家住"), received_at=timezone.now())
    assert matching.candidates(draft, cast.intake)[0].case.pk == planted.pk


# --- While registering --------------------------------------------------------------------------
def typed(client, **values):
    return client.post(reverse("complaints:register_matter"), {"narrative": "", "place": "", **values})


def test_the_desk_is_told_while_typing(client, cast):
    old = case_of(registered("2026-11-16 09:00", narrative=TEXT))
    client.force_login(cast.intake)
    page = typed(client, narrative=TEXT, phone="13900001234").content.decode()
    assert "有 1 件投诉可能是同一件事" in page
    assert reverse("complaints:detail", args=[old.number]) in page
    assert "文字有 100% 相同" in page
    assert typed(client, narrative="全新的事情，与别人无关，只是想问一问营业时间。").content.decode().strip() == ""
    # The same person alone is shown by the field of the number (IN-27).
    assert typed(client, narrative="", phone="13800002417").content.decode().strip() == ""


def test_the_four_surest_are_open_while_typing_and_the_form_goes_on_below(client, cast):
    for minute in range(6):
        registered(f"2026-11-16 09:{minute:02}", narrative=TEXT)
    client.force_login(cast.intake)
    page = typed(client, narrative=TEXT).content.decode()
    shown, _details, rest = page.partition("<details")
    rows = re.compile(r'<li><a [^>]*href="/desk/cases/')
    assert "有 6 件投诉可能是同一件事" in shown
    assert (len(rows.findall(shown)), len(rows.findall(rest))) == (4, 2)
    assert "再看其余 2 件" in re.sub(r"<[^>]*>", "", rest)


def test_only_who_registers_is_told(client, cast):
    assert typed(client, narrative=TEXT).status_code == 302
    client.force_login(cast.water_handler)
    assert typed(client, narrative=TEXT).status_code == 403
    assert client.get(reverse("complaints:register_matter")).status_code == 403
    client.force_login(cast.intake)
    assert client.get(reverse("complaints:register_matter")).status_code == 405
    assert typed(client, narrative="\x00" + TEXT, category="x" * 500, place="\x00").status_code == 200


def test_the_form_asks_for_what_is_compared(client, cast):
    client.force_login(cast.intake)
    page = client.get(reverse("complaints:register"), {"channel": "phone"}).content.decode()
    assert reverse("complaints:register_matter") in page


# --- Never to the public --------------------------------------------------------------------------
def test_the_public_api_gives_no_hint_of_other_cases(client, cast):
    """PI-17: filing a text that is known and one that is not give answers of the same form."""
    cache_proof = {"channel": "web", "name": "李明", "phone": "13900001234", "subject": "垃圾站太臭", "demand": "迁走"}

    def answer(narrative: str):
        response = client.post(
            "/api/v1/complaints/",
            {**cache_proof, "narrative": narrative},
            content_type="application/json",
            headers={"Idempotency-Key": f"key-{hash(narrative)}"},
        )
        return response.status_code, sorted(response.json())

    unknown = answer("公交车总是晚点，早高峰要等半个多小时，希望增加班次，也请公布时刻表。")
    known = registered("2026-11-16 09:00", narrative=TEXT).complaint
    assert answer(TEXT) == unknown
    assert unknown[0] in (201, 401, 403)
    client.force_login(cast.intake)
    response = client.post(
        "/api/v1/complaints/",
        {**cache_proof, "narrative": TEXT},
        content_type="application/json",
        headers={"Idempotency-Key": "key-staff"},
    )
    assert known.number not in response.content.decode()


def test_the_public_form_gives_no_hint_of_other_cases(client, cast):
    """PI-17: with a known text every page of the form is, but for number and code, the page with a new one."""
    pages = []
    for text in ("公交车总是晚点，早高峰要等半个多小时，希望增加班次，也请公布时刻表。", TEXT):
        visitor = Client()
        for step, data in (
            ("", CATEGORY),
            ("details/", {**DETAILS, "narrative": text}),
            ("contact/", {**CONTACT, "phone": "13900001234"}),
        ):
            assert visitor.post(f"/complain/{step}", data).status_code == 302
        check = visitor.get("/complain/check/").content.decode()
        visitor.post("/complain/check/")
        receipt = public_flow.receipt_of(visitor)
        done = visitor.get("/complain/done/").content.decode()
        assert receipt.number in done
        pages.append([_plain(page, text, receipt.number) for page in (check, done)])
        registered(narrative=TEXT)
    assert pages[0] == pages[1]


def _plain(page: str, *changing: str) -> str:
    """The words of a page without what must differ."""
    page = re.sub(r"<svg.*?</svg>|<(script|style).*?</\1>|<[^>]+>", " ", page, flags=re.S)
    for value in changing:
        page = page.replace(value, "…")
    return " ".join(re.sub(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}|HY-\d{8}-\d{4}", "…", page).split())


def test_the_tracking_page_gives_no_hint_of_other_cases(client, cast):
    """PI-17: a linked case shows its complainant nothing of the other."""
    one, other = (
        registered("2026-11-16 09:00", narrative=TEXT),
        registered("2026-11-16 10:00", **OTHERS, narrative=TEXT),
    )
    transitions.link(
        one.complaint.pk, other=other.complaint, kind=LinkKind.SAME_MATTER, reason="同一座垃圾站", by=cast.coordinator
    )
    page = tracking(client, one)
    assert one.complaint.number in page
    assert other.complaint.number not in page
    assert "同一座垃圾站" not in page


def tracking(client, receipt) -> str:
    """The page the complainant reads with number and code."""
    client.logout()
    response = client.post("/track/", {"number": receipt.complaint.number, "code": receipt.access_code}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


# --- On the case page ---------------------------------------------------------------------------
def test_the_panel_offers_what_the_person_may_do_and_fills_the_form(client, cast):
    old = case_of(registered("2026-11-16 09:00", narrative=TEXT))
    new = case_of(registered("2026-11-16 10:00", **OTHERS, narrative=TEXT))
    client.force_login(cast.coordinator)
    page = client.get(reverse("complaints:detail", args=[new.number])).content.decode()
    address = reverse("complaints:candidates", args=[new.number])
    assert f'hx-get="{address}"' in page
    assert f'<a href="{address}">' in page  # without JavaScript
    part = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    links = re.findall(rf'href="(/desk/cases/{new.number}/actions/\w+/\?[^"]+)"', part)
    assert [re.search(r"actions/(\w+)/", link)[1] for link in links] == ["link", "merge"]
    form = client.get(links[1].replace("&amp;", "&")).content.decode()
    assert f'value="{old.number}"' in form
    assert "文字有 100% 相同" in form
    whole = client.get(address).content.decode()
    assert "<html" in whole
    assert links[0] in whole
    # Who may not merge sees the candidates without buttons.
    client.force_login(cast.auditor)
    part = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert old.number in part
    assert "/actions/" not in part


@pytest.mark.parametrize(("others", "open_rows", "folded"), [(4, 4, 0), (5, 4, 1), (11, 4, 7)])
def test_the_four_surest_are_open_and_the_others_folded(client, cast, others, open_rows, folded):
    """SCR-09: without JavaScript too; the surest of all stands first."""
    same = case_of(registered("2026-11-16 08:00", **OTHERS, narrative=TEXT))
    for minute in range(others - 1):
        registered(f"2026-11-16 09:{minute:02}", narrative=f"第{minute}件别的事情，与前面说的都没有关系。")
    new = case_of(registered("2026-11-16 10:00", narrative=TEXT))
    client.force_login(cast.coordinator)
    html = client.get(reverse("complaints:candidates", args=[new.number]), headers={"HX-Request": "true"})
    shown, _details, rest = html.content.decode().partition("<details")
    rows = re.compile(r'<li><div><a href="/desk/cases/([\w-]+)/"')
    assert (len(rows.findall(shown)), len(rows.findall(rest))) == (open_rows, folded)
    assert rows.findall(shown)[0] == same.number
    assert ("<details" in html.content.decode()) is bool(folded)
    if folded:
        assert re.search(rf"</svg>\D*{folded}\b", rest.partition("</summary>")[0])


def test_candidates_of_a_case_out_of_sight_are_not_found(client, cast):
    case = case_of(registered())
    address = reverse("complaints:candidates", args=[case.number])
    assert client.get(address).status_code == 302
    client.force_login(cast.roads_handler)
    assert client.get(address).status_code == 404


def test_the_accept_page_has_the_candidates_beside_the_form(client, cast):
    """SCR-09: at acceptance."""
    case = case_of(registered())
    client.force_login(cast.intake)
    page = client.get(reverse("complaints:action", args=[case.number, "accept"])).content.decode()
    assert reverse("complaints:candidates", args=[case.number]) in page


def test_what_is_tied_stands_in_the_panel_and_is_offered_no_more(client, cast, django_assert_num_queries):
    one, two, three, four = (case_of(registered(f"2026-11-16 09:0{n}", narrative=TEXT + str(n))) for n in range(4))
    boss = cast.coordinator
    transitions.link(one.pk, other=two, kind=LinkKind.DUPLICATE, reason="同一个人", by=boss)
    transitions.merge(three.pk, primary=one, reason="同一件事", by=boss)
    incident = transitions.open_incident([one.pk, four.pk], title="鑫园垃圾站", by=boss)
    client.force_login(boss)
    page = client.get(reverse("complaints:detail", args=[one.number])).content.decode()
    panel = page[page.index('id="together"') :]
    for number in (two.number, three.number, incident.number):
        assert number.rpartition("-")[0] in panel
        assert f"<b>{number.rpartition('-')[2]}</b>" in panel
    assert "同一人同一事" in panel
    assert "已并入本件" in panel
    assert f"/actions/unlink/?other={two.number}" in panel
    part = client.get(reverse("complaints:candidates", args=[one.number]), headers={"HX-Request": "true"})
    assert re.findall(r'href="/desk/cases/([\w-]+)/"', part.content.decode()) == [four.number]
    assert Complaint.objects.get(pk=one.pk).is_repeat
    # The merged case leads to the one it is worked on in, with the way back.
    merged = client.get(reverse("complaints:detail", args=[three.number])).content.decode()
    assert "已并入另一件" in merged
    assert f"/desk/cases/{three.number}/actions/undo_merge/" in merged
    assert f'href="/desk/cases/{one.number}/"' in merged


def test_what_the_person_may_not_see_does_not_stand_in_the_panel(cast):
    mine = Story(cast, narrative=TEXT).accept().assign().start()
    foreign = Story(cast, "2026-11-16 09:20", narrative=TEXT).accept().assign(department=cast.roads)
    transitions.link(mine.pk, other=foreign.case, kind=LinkKind.SAME_MATTER, reason="同一事", by=cast.coordinator)
    assert [row.number for row in related.relations(mine.case, cast.coordinator)] == [foreign.case.number]
    assert related.relations(mine.case, cast.water_handler) == []


def test_the_relations_cost_one_query(cast, django_assert_num_queries):
    one, two, three = (case_of(registered(f"2026-11-16 09:{minute}")) for minute in (12, 20, 30))
    related.relations(one, cast.coordinator)  # the person's permissions are read once
    for count, other in enumerate((two, three)):
        with django_assert_num_queries(1):
            assert len(related.relations(one, cast.coordinator)) == count
        transitions.link(one.pk, other=other, kind=LinkKind.SAME_PERSON, reason="同一人", by=cast.coordinator)


def test_the_panel_of_a_case_tied_to_none_costs_no_query(cast, django_assert_num_queries):
    case = case_of(registered())
    case_records.load(case)
    related.panel(case, cast.coordinator)  # the person's permissions are read once
    with django_assert_num_queries(0):
        assert related.panel(case, cast.coordinator).context["relations"] == []


# --- Merging and undoing it -----------------------------------------------------------------------
def clocks_of(case: Complaint) -> list[tuple]:
    rows = Deadline.objects.filter(complaint=case).order_by("pk")
    return list(rows.values_list("milestone", "state", "due_at", "next_alert_at", "stopped_at"))


def test_undoing_a_merge_gives_back_clocks_status_and_both_logs(cast):
    primary = Story(cast, narrative=TEXT).accept().assign().start()
    merged = Story(cast, "2026-11-16 09:20", **OTHERS, narrative=TEXT).accept().assign()
    before, due = clocks_of(merged.case), merged.case.next_due_at
    transitions.merge(
        merged.pk, primary=primary.case, reason="同一座垃圾站", by=cast.coordinator, at=at("2026-11-16 14:00")
    )
    assert merged.case.status == Status.MERGED
    assert merged.case.next_due_at is None
    assert not Deadline.objects.filter(complaint=merged.pk, state=DeadlineState.RUNNING).exists()
    transitions.undo_merge(merged.pk, reason="不是同一件事", by=cast.coordinator, at=at("2026-11-17 09:00"))
    case = merged.case
    assert (case.status, case.merged_into, case.next_due_at) == (Status.ASSIGNED, None, due)
    assert clocks_of(case) == before
    row = Merge.objects.get(merged=case)
    assert (row.undone_by, row.undo_reason) == (cast.coordinator, "不是同一件事")
    kinds = {
        story.pk: list(CaseEvent.objects.filter(complaint=story.pk).order_by("sequence").values_list("kind", flat=True))
        for story in (primary, merged)
    }
    assert kinds[merged.pk][-2:] == ["merge", "undo_merge"]
    assert kinds[primary.pk][-2:] == ["merged_in", "merge_undone"]
    # It goes on where it stood.
    transitions.start(merged.pk, by=cast.water_handler, at=at("2026-11-17 10:00"))
    assert merged.case.status == Status.IN_PROGRESS


def test_a_merged_case_takes_no_other_action(cast):
    primary, merged = Story(cast).accept(), Story(cast, "2026-11-16 09:20").accept()
    transitions.merge(merged.pk, primary=primary.case, reason="同一件事", by=cast.coordinator)
    assert {name for name, move in MOVES.items() if Status.MERGED in move.sources} == {
        "link",
        "unlink",
        "undo_merge",
        "rate",
    }
    with pytest.raises(IllegalTransition):
        transitions.assign(merged.pk, department=cast.water, task="查", by=cast.coordinator)
    with pytest.raises(IllegalTransition):
        transitions.merge(merged.pk, primary=primary.case, reason="再来一次", by=cast.coordinator)
    assert Complaint.objects.get(pk=merged.pk).status == Status.MERGED


def test_fb_01_who_rang_is_told_the_reply_to_the_case_theirs_was_merged_into(client, cast):
    """The reply to one case is told to each: the task stands with the case of the own number."""
    primary = Story(cast, narrative=TEXT).accept()
    phone = Story(cast, "2026-11-16 09:20", **OTHERS, channel="phone", narrative=TEXT).accept()
    online = Story(cast, "2026-11-16 09:30", **THIRD, narrative=TEXT).accept()
    for story in (phone, online):
        transitions.merge(
            story.pk, primary=primary.case, reason="同一座垃圾站", by=cast.coordinator, at=at("2026-11-16 10:20")
        )
    told = {"direction": "out", "channel": "phone", "purpose": "reply", "summary": "已告知处理结果", "by": cast.intake}
    with pytest.raises(InvalidInput):
        transitions.add_contact(phone.pk, **told, at=at("2026-11-16 11:00"))
    primary.assign().start().submit().reply()
    tasks = Notification.objects.filter(kind="tell_reply")
    assert [(row.complaint_id, row.recipient) for row in tasks] == [(phone.pk, primary.case.coordinator)]
    client.force_login(cast.intake)
    address = reverse("complaints:detail", args=[phone.case.number])
    assert client.get(address).context["untold"].kind == "reply"
    assert client.get(reverse("complaints:detail", args=[online.case.number])).context["untold"] is None
    transitions.add_contact(phone.pk, **told, at=at("2026-11-19 16:00"))
    assert client.get(address).context["untold"] is None


def test_a_case_merged_into_one_already_answered_has_that_answer_at_once(client, cast):
    primary = Story(cast, narrative=TEXT).accept().assign().start().submit().reply()
    late = Story(cast, "2026-11-19 11:00", **OTHERS, narrative=TEXT)
    result = Reply.objects.get(complaint=primary.pk).result
    assert result not in tracking(client, late.receipt)
    transitions.merge(
        late.pk, primary=primary.case, reason="同一座垃圾站", by=cast.coordinator, at=at("2026-11-19 11:30")
    )
    assert result in tracking(client, late.receipt)
    assert late.case.events.filter(kind="replied_with_primary").count() == 1


def test_whoever_writes_and_checks_the_reply_reads_the_complaints_it_answers_too(client, cast):
    """FB-01: nobody answers what they have not read; who is accused in a merged case does not read that one."""
    primary = Story(cast, "2026-11-16 09:10", narrative=TEXT).accept()
    demands = {"李明": "每天清运两次", "周海": "处分值班人员"}
    others = [
        Story(cast, "2026-11-16 09:15", narrative=TEXT, demand=demands[person["name"]], **person).accept()
        for person in (OTHERS, THIRD)
    ]
    for other in others:
        transitions.merge(
            other.pk, primary=primary.case, reason="同一座垃圾站", by=cast.coordinator, at=at("2026-11-16 10:20")
        )
    others[1].case.accused_staff.add(cast.water_handler)
    primary.assign().start()
    address = reverse("complaints:action", args=[primary.case.number, "submit_for_check"])
    client.force_login(cast.water_handler)
    page = client.get(address).content.decode()
    assert demands["李明"] in page
    assert others[0].case.number in re.sub(r"<[^>]*>", "", page)
    assert demands["周海"] not in page
    assert not any(value in page for value in ("李明", "13900001234"))
    primary.submit()
    client.force_login(cast.checker)
    page = client.get(reverse("complaints:action", args=[primary.case.number, "pass_quality"])).content.decode()
    assert all(demand in page for demand in demands.values())
    transitions.undo_merge(others[0].pk, reason="不是一件事", by=cast.coordinator)
    page = client.get(reverse("complaints:action", args=[primary.case.number, "pass_quality"])).content.decode()
    assert demands["李明"] not in page


def test_one_reply_answers_every_merged_complainant_under_the_own_number(client, cast):
    """Each reads the answer, and learns no other number, person or merge partner (matrix row 20)."""
    people = ({}, OTHERS, THIRD)
    primary, *others = (
        Story(cast, f"2026-11-16 09:1{n}", narrative=f"{TEXT}我住在{n + 1}单元。", **person).accept()
        for n, person in enumerate(people)
    )
    for other in others:
        transitions.merge(
            other.pk, primary=primary.case, reason="同一座垃圾站", by=cast.coordinator, at=at("2026-11-16 10:20")
        )
    primary.assign().start().submit().reply()
    result = Reply.objects.get(complaint=primary.pk).result
    stories = (primary, *others)
    contacts = [("张桂芳", "13800002417"), ("李明", "13900001234"), ("周海", "13700005678")]
    for index, story in enumerate(stories):
        page = tracking(client, story.receipt)
        assert story.case.number in page
        assert result in page
        for number, other in enumerate(stories):
            if number != index:
                assert other.case.number not in page
                assert f"我住在{number + 1}单元" not in page
                assert not any(value in page for value in contacts[number])
        # The answer stands first, in the words of the letter.
        assert page.index("已答复") < page.index(result)
    # Undone in time, a case waits for its own answer.
    alone = Story(cast, "2026-11-23 09:10", narrative=TEXT).accept("2026-11-23 10:00")
    lead = Story(cast, "2026-11-23 09:20", narrative=TEXT).accept("2026-11-23 10:00")
    transitions.merge(alone.pk, primary=lead.case, reason="同一件事", by=cast.coordinator, at=at("2026-11-23 10:10"))
    transitions.undo_merge(alone.pk, reason="不同", by=cast.coordinator, at=at("2026-11-23 10:20"))
    lead.assign("2026-11-23 10:30").start("2026-11-23 11:00").submit("2026-11-25 15:00").reply("2026-11-26 10:00")
    assert result not in tracking(client, alone.receipt)


def answered_together(cast) -> tuple[Story, Story]:
    """A case answered together with the one it was merged into: (primary, merged)."""
    primary = Story(cast).accept()
    merged = Story(cast, "2026-11-16 09:20", **OTHERS).accept()
    transitions.merge(
        merged.pk, primary=primary.case, reason="同一座垃圾站", by=cast.coordinator, at=at("2026-11-16 10:20")
    )
    return primary.assign().start().submit().reply(), merged


def track(client, story: Story) -> None:
    open_case(client, story.case, story.receipt.access_code)


def test_fb_06_who_was_answered_with_another_case_rates_under_the_own_number(client, cast):
    """FB-06, SCR-09: each rates the answer once, for the own case; nobody rates before there is an answer."""
    early, waiting = Story(cast, "2026-11-16 09:30").accept(), Story(cast, "2026-11-16 09:31", **THIRD).accept()
    transitions.merge(waiting.pk, primary=early.case, reason="同一件事", by=cast.coordinator)
    with pytest.raises(IllegalTransition):
        transitions.rate(waiting.pk, by=None, satisfaction="satisfied")
    primary, merged = answered_together(cast)
    with override_settings(ROOT_URLCONF="config.urls_public"):
        for story, says in ((merged, "dissatisfied"), (primary, "satisfied")):
            visitor = Client()
            track(visitor, story)
            assert 'action="/track/case/rate/"' in visitor.get("/track/case/").content.decode()
            data = {"satisfaction": says, "reason": "not_solved" if says == "dissatisfied" else ""}
            assert visitor.post("/track/case/rate/", data).status_code == 302
            page = visitor.get("/track/case/").content.decode()
            assert 'action="/track/case/rate/"' not in page
            assert visitor.post("/track/case/rate/", data).status_code == 409
        visitor = Client()
        track(visitor, waiting)
        assert 'action="/track/case/rate/"' not in visitor.get("/track/case/").content.decode()
        assert visitor.post("/track/case/rate/", {"satisfaction": "satisfied"}).status_code == 409
    said = Callback.objects.values_list("complaint", "satisfaction", "source", "by")
    assert set(said) == {
        (primary.pk, "satisfied", "complainant", None),
        (merged.pk, "dissatisfied", "complainant", None),
    }
    # Whoever keeps the case that is worked on hears of it; there it can be reopened.
    told = Notification.objects.filter(kind="not_solved", complaint=merged.pk)
    assert [row.recipient for row in told] == [primary.case.coordinator]
    assert (merged.case.status, merged.case.merged_into) == (Status.MERGED, primary.case)


def test_fb_06_a_new_answer_to_the_primary_case_is_rated_anew_by_those_merged_into_it(cast):
    primary, merged = answered_together(cast)
    transitions.rate(merged.pk, by=None, satisfaction="dissatisfied", reason="not_solved", at=at("2026-11-19 15:00"))
    transitions.reopen(primary.pk, by=cast.coordinator, reason="又堆满了", at=at("2026-11-20 10:00"))
    transitions.submit_for_check(
        primary.pk, by=cast.water_handler, process="又去看了", result="每天清运两次", at=at("2026-11-23 10:00")
    )
    primary.reply("2026-11-23 11:00")
    page = track_page.read(merged.case, now=at("2026-11-23 12:00"))
    assert (page.can_rate, page.rating, page.answer.result) == (True, "", "每天清运两次")
    assert [answer.result for answer in page.earlier_answers] == ["主管道老化爆裂，已修复，12 月 20 日前更换"]
    transitions.rate(merged.pk, by=None, satisfaction="satisfied", at=at("2026-11-23 13:00"))
    assert track_page.read(merged.case, now=at("2026-11-23 14:00")).can_rate is False


def test_pi_11_who_was_merged_adds_and_asks_under_the_own_number(cast):
    """Facts while the other case is open, questions always; its coordinator hears of both."""
    primary, merged = answered_together(cast)
    own_page.supplement(merged.pk, text="今天又堆满了", files=(), at=at("2026-11-19 12:00"))
    own_page.ask(merged.pk, kind=QuestionKind.SUBSTANTIVE, text="什么时候清运？", at=at("2026-11-19 12:05"))
    told = Notification.objects.filter(complaint=merged.pk, kind__in=["supplement", "question"])
    assert {(row.kind, row.recipient) for row in told} == {
        ("supplement", primary.case.coordinator),
        ("question", primary.case.coordinator),
    }
    primary.deliver().call_back().close()
    page = track_page.read(merged.case, now=at("2026-11-20 17:00"))
    assert (page.can_supplement, page.can_ask, page.asked[0].text) == (False, True, "什么时候清运？")
    with pytest.raises(IllegalTransition):
        own_page.supplement(merged.pk, text="再补一句", files=(), at=at("2026-11-20 18:00"))
    own_page.ask(merged.pk, kind=QuestionKind.SUBSTANTIVE, text="垃圾站何时迁走？", at=at("2026-11-20 18:00"))
    assert merged.case.questions.count() == 2


def test_in_34_who_was_merged_reads_when_the_answer_comes(cast):
    """The date of the case it is worked on in, without how that one is counted (PI-12)."""
    primary = Story(cast).accept().assign().start()
    merged = Story(cast, narrative="同一处停水", name="李四", phone="13900001111")
    now = at("2026-11-17 10:00")
    transitions.merge(merged.pk, primary=primary.case, reason="同一处停水", by=cast.coordinator, at=now)
    page, promised = track_page.read(merged.case, now=now), track_page.read(primary.case, now=now).due
    assert page.due is not None
    assert promised is not None
    assert promised.why is not None
    assert (page.due.at, page.due.milestone, page.due.why) == (promised.at, promised.milestone, None)


def test_qua_08_a_rating_told_to_the_office_for_a_merged_case_is_entered_by_somebody_independent(cast):
    """The handling was done in the primary case: who handled it there enters no satisfaction here."""
    primary, merged = answered_together(cast)
    assert "rate" in {move.action for move in selectors.available_actions(merged.case, cast.intake2)}
    Complaint.objects.filter(pk=primary.pk).update(handler=cast.intake2)
    assert "rate" not in {move.action for move in selectors.available_actions(merged.case, cast.intake2)}
    with pytest.raises(NotAllowed):
        transitions.rate(
            merged.pk, by=cast.intake2, satisfaction="satisfied", comment="说好", at=at("2026-11-19 15:00")
        )
    assert not merged.case.callbacks.exists()
    transitions.rate(merged.pk, by=cast.intake, satisfaction="satisfied", comment="说好", at=at("2026-11-19 15:00"))
    assert merged.case.callbacks.get().contact.summary == "说好"


def test_undoing_the_merge_of_a_paused_case_keeps_the_pause(cast):
    primary = Story(cast).accept()
    paused = Story(cast, "2026-11-16 09:20").accept().assign().start()
    transitions.request_pause(
        paused.pk, reason="appraisal", evidence="送检单", by=cast.water_handler, at=at("2026-11-16 15:00")
    )
    transitions.approve_pause(paused.pk, approve=True, by=cast.coordinator, at=at("2026-11-16 15:10"))
    before = clocks_of(paused.case)
    transitions.merge(
        paused.pk, primary=primary.case, reason="同一件事", by=cast.coordinator, at=at("2026-11-16 16:00")
    )
    transitions.undo_merge(paused.pk, reason="不是", by=cast.coordinator, at=at("2026-11-16 17:00"))
    assert clocks_of(paused.case) == before


def test_register_links_a_repeat_by_the_same_person(cast):
    """CLS-18: a second complaint within 90 days is marked as a repeat, a third after that is not."""
    registered("2026-03-02 09:00")
    assert registered("2026-05-04 09:00").complaint.is_repeat
    assert not registered("2026-11-16 09:00").complaint.is_repeat
    assert transitions.register(
        filing(received_at=at("2026-11-17 09:00"), phone=""), by=None, at=at("2026-11-17 09:00") + timedelta(hours=1)
    ).complaint.is_repeat
