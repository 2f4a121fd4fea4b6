"""What comes back from the public: comments, helpful or not, views, volunteers (PUB-34, PUB-38, PUB-39)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import takedowns
from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import SecurityEvent
from complaints import challenge
from complaints.models import Complaint, Notification, Proposal
from publication import comments, helpful, jobs, volunteers
from publication.models import Channel, Comment, PublishedResult, ResultDay, Volunteer, VolunteerReport
from publication.states import CommentRoute, CommentState
from publication.tests.factories import draft, posted, published

pytestmark = pytest.mark.django_db
WORDS = {word: value for value, word in enumerate(challenge._ENGLISH)}
READER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0"}


@pytest.fixture(autouse=True)
def _nothing_collected(monkeypatch):
    monkeypatch.setattr(helpful, "_collected", helpful._Collected())
    cache.clear()


@pytest.fixture
def moderator(cast):
    return cast.publisher


def path(result: PublishedResult, part: str = "") -> str:
    return f"/results/{result.public_id}/{part}"


def solved(html: str) -> dict[str, str]:
    """The question on a page in English, answered."""
    token = re.search(r'name="question" value="([^"]+)"', html).group(1)
    first, sign, second = re.search(r"What is (\w+) (plus|minus) (\w+)\?", html).groups()
    return {"question": token, "answer": str(WORDS[first] + WORDS[second] * (1 if sign == "plus" else -1))}


def send(client: Client, address: str, **values: str):
    """Fill in a public form like a person who reads the question."""
    question = solved(client.get(f"{address}?lang=en").content.decode())
    return client.post(f"{address}?lang=en", question | values)


def said(result: PublishedResult, text: str = "还要装一个备用泵。") -> Comment:
    return comments.leave(result.pk, text=text)


# --- Comments (PUB-38) --------------------------------------------------------------------------------
def test_pub_38_a_comment_is_shown_only_after_a_person_let_it_pass(client, cast, moderator):
    """No cookie is needed; the page of the result changes for caches the moment it is shown."""
    result = posted(draft(cast), cast)
    PublishedResult.objects.filter(pk=result.pk).update(updated_at=timezone.now() - timedelta(hours=1))
    before = client.get(path(result))
    answer = send(client, path(result, "comment/"), text="张桂芳说，电话 13800002417 打不通，还要装一个备用泵。")
    assert (answer.status_code, answer.cookies, client.cookies) == (302, {}, {})
    assert "person of the office reads it first" in client.get(answer["Location"]).content.decode()
    assert "备用泵" not in client.get(path(result)).content.decode()
    row = Comment.objects.get()
    assert "13800002417" in row.text
    assert Notification.objects.filter(kind="comments_waiting", recipient=moderator).count() == 1

    desk = Client()
    desk.force_login(moderator)
    assert "13800002417" not in desk.get(reverse("publication:comments")).content.decode()
    page = desk.get(reverse("publication:comment", args=[row.pk]))
    proposed = page.context["forms"]["show"]["shown_text"].value()
    assert "备用泵" in proposed
    assert "张桂芳" not in proposed
    assert "2417" not in proposed or "****" in proposed
    shown = desk.post(
        reverse("publication:comment", args=[row.pk]), {"do": "show", "seen": "waiting", "shown_text": proposed}
    )
    assert shown.status_code == 302
    after = client.get(path(result))
    assert "备用泵" in after.content.decode()
    assert "13800002417" not in after.content.decode()
    assert after["ETag"] != before["ETag"]
    assert "csrfmiddlewaretoken" not in after.content.decode()


def test_pub_38_nothing_that_names_a_person_of_the_case_passes(client, cast, moderator):
    result = posted(draft(cast), cast)
    row = said(result)
    for text in ("张桂芳家里也停了。", "请打 13800002417。", "  "):
        with pytest.raises(InvalidInput) as refused:
            comments.show(row.pk, by=moderator, seen="waiting", shown_text=text)
        assert refused.value.field == "shown_text"
    client.force_login(moderator)
    answer = client.post(
        reverse("publication:comment", args=[row.pk]), {"do": "show", "seen": "waiting", "shown_text": "张桂芳"}
    )
    assert answer.status_code == 422
    row.refresh_from_db()
    assert (row.state, row.shown_text) == (CommentState.WAITING, "")


def test_pub_38_the_question_is_asked_and_one_address_sends_so_many(client, monkeypatch):
    result = published()
    address = path(result, "comment/")
    assert client.post(address, {"text": "好"}).status_code == 422
    wrong = solved(client.get(f"{address}?lang=en").content.decode()) | {"answer": "99", "text": "好"}
    assert client.post(address, wrong).status_code == 422
    assert not Comment.objects.exists()
    monkeypatch.setattr(comments, "SENT_BY_ADDRESS", comments.Limit("commented-test", 1, comments.HOUR))
    assert send(client, address, text="好").status_code == 302
    late = send(client, address, text="再说一句")
    assert (late.status_code, late["Retry-After"]) == (429, "3600")
    assert "再说一句" in late.content.decode()
    assert Comment.objects.count() == 1


@pytest.mark.parametrize("text", ["", "   ", "长" * 1001, "坏\x00字"])
def test_pub_38_what_cannot_be_kept_is_said_at_the_field(client, text):
    answer = send(client, path(published(), "comment/"), text=text)
    assert answer.status_code == 422
    assert "text" in answer.context["form"].errors
    assert not Comment.objects.exists()


def test_pub_38_a_form_of_another_site_is_refused(client):
    result = published()
    question = solved(client.get(f"{path(result, 'comment/')}?lang=en").content.decode())
    answer = client.post(path(result, "comment/"), question | {"text": "好"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert (
        client.post(path(result, "helpful/"), {"helpful": "yes"}, headers={"Sec-Fetch-Site": "cross-site"}).status_code
        == 403
    )
    assert not Comment.objects.exists()


def test_pub_38_comments_go_with_the_result(client, moderator):
    """What is taken down is gone with everything that was said about it."""
    result = published()
    comments.show(said(result).pk, by=moderator, seen="waiting", shown_text="还要装一个备用泵。")
    assert "备用泵" in client.get(path(result, "comments/")).content.decode()
    waiting = said(result, "第二条")
    PublishedResult.objects.filter(pk=result.pk).update(withdrawn_at=timezone.now())
    for part in ("", "comment/", "comments/"):
        gone = client.get(path(result, part))
        assert (gone.status_code, "备用泵" in gone.content.decode()) == (410, False)
    assert client.post(path(result, "helpful/"), {"helpful": "yes"}).status_code == 410
    with pytest.raises(IllegalTransition):
        said(result)
    with pytest.raises(IllegalTransition):
        comments.show(waiting.pk, by=moderator, seen="waiting", shown_text="第二条")


def test_pub_38_the_office_answers_and_takes_back(client, moderator):
    result = published()
    row = comments.show(said(result).pk, by=moderator, seen="waiting", shown_text="还要装一个备用泵。")
    comments.answer(row.pk, by=moderator, answer="备用泵 12 月安装。")
    assert "备用泵 12 月安装。" in client.get(path(result)).content.decode()
    comments.hide(row.pk, by=moderator, seen="shown", reason="重复")
    page = client.get(path(result)).content.decode()
    assert ("备用泵" in page, "重复" in page) == (False, False)
    with pytest.raises(IllegalTransition):
        comments.show(row.pk, by=moderator, seen="waiting", shown_text="两个人同时看")
    with pytest.raises(IllegalTransition):
        comments.answer(row.pk, by=moderator, answer="不该出现")
    # An answer may quote what had to go: shown again, the comment stands alone until it is answered anew.
    comments.show(row.pk, by=moderator, seen="hidden", shown_text="还要装一个备用泵。")
    page = client.get(path(result)).content.decode()
    assert ("还要装一个备用泵" in page, "12 月安装" in page) == (True, False)


@pytest.mark.parametrize("change", ["withdrawn_at", "published_until"])
def test_pub_38_pr_06_nothing_is_shown_or_linked_where_the_notice_is_gone(client, moderator, change):
    result = published()
    row = said(result)
    client.force_login(moderator)
    desk = reverse("publication:comment", args=[row.pk])
    assert path(result) in client.get(desk).content.decode()
    PublishedResult.objects.filter(pk=result.pk).update(**{change: timezone.now()})
    page = client.get(desk).content.decode()
    assert path(result) not in page
    assert "公示已不再展示" in page
    assert 'value="show"' not in page
    answer = client.post(desk, {"do": "show", "seen": "waiting", "shown_text": "还要装一个备用泵。"})
    assert answer.status_code == 409
    assert "这条公示已不再展示。" in answer.content.decode()
    row.refresh_from_db()
    assert (row.state, row.shown_text) == ("waiting", "")


def test_dl_04_a_comment_hidden_after_a_backup_stays_hidden(client, moderator, django_capture_on_commit_callbacks):
    """I8: the journal outside the database names it; what a person let pass later is shown."""
    result = published()
    row = comments.show(said(result).pk, by=moderator, seen="waiting", shown_text="还要装一个备用泵。")
    known = Comment.objects.filter(pk=row.pk).values("state", "shown_text", "moderated_at").get()
    with django_capture_on_commit_callbacks(execute=True):
        comments.hide(row.pk, by=moderator, seen="shown", reason="重复")
    entry = next(one for one in reversed(takedowns.read().entries) if one.what == takedowns.What.COMMENT)
    assert entry.key == row.public_id
    before = client.get(path(result))
    Comment.objects.update(**known)  # as the backup knew it
    assert comments.standing(Comment, entry.key, at=entry.at).exists()
    assert comments.keep_hidden(Comment, entry.key, at=entry.at)
    assert not comments.keep_hidden(Comment, entry.key, at=entry.at)
    client.force_login(moderator)
    assert Comment.objects.get().reason in client.get(reverse("publication:comment", args=[row.pk])).content.decode()
    assert "备用泵" not in client.get(path(result)).content.decode()
    assert client.get(path(result))["ETag"] != before["ETag"]
    comments.show(row.pk, by=moderator, seen="hidden", shown_text="还要装一个备用泵。")
    assert not comments.keep_hidden(Comment, entry.key, at=entry.at)
    assert "备用泵" in client.get(path(result)).content.decode()


def test_pub_38_as_feedback_it_becomes_a_masked_proposal_on_the_case(cast, moderator):
    publication = draft(cast)
    result = posted(publication, cast)
    row = said(result, "张桂芳建议装备用泵，电话 13800002417。")
    comments.pass_on(row.pk, by=moderator, route=CommentRoute.FEEDBACK)
    proposal = Proposal.objects.get(complaint=publication.complaint)
    assert result.publication_number in proposal.text
    assert "备用泵" in proposal.text
    assert "张桂芳" not in proposal.text
    assert "13800002417" not in proposal.text
    with pytest.raises(IllegalTransition):
        comments.pass_on(row.pk, by=moderator, route=CommentRoute.NONE)


def test_pub_38_a_new_problem_becomes_a_complaint_of_the_web(client, cast, moderator):
    result = published()
    row = said(result, "我们楼的电梯也停了三天。")
    client.force_login(moderator)
    page = reverse("publication:comment", args=[row.pk])
    assert client.post(page, {"do": "route", "route": "complaint"}).status_code == 302
    row.refresh_from_db()
    case = Complaint.objects.get(pk=row.complaint_id)
    assert (case.channel, case.narrative, case.channel_reference) == ("web", row.text, result.publication_number)
    assert case.number in client.get(page).content.decode()
    assert client.post(page, {"do": "route", "route": "complaint"}).status_code == 409
    assert Complaint.objects.count() == 1


def test_pub_38_only_moderators_decide(client, cast):
    row = said(published())
    with pytest.raises(NotAllowed):
        comments.show(row.pk, by=cast.intake, seen="waiting", shown_text="好")
    client.force_login(cast.intake)
    assert client.get(reverse("publication:comments")).status_code == 403
    assert client.get(reverse("publication:comment", args=[row.pk])).status_code == 403


def test_pub_38_lists_cost_the_same_for_few_and_many(client, moderator, django_assert_max_num_queries):
    result = published()
    Comment.objects.bulk_create(
        Comment(result=result, text=f"第 {n} 条", shown_text=f"第 {n} 条", state="shown", at=timezone.now())
        for n in range(60)
    )
    page = client.get(path(result)).content.decode()
    assert ("第 59 条" in page, "第 49 条" in page) == (True, False)
    with django_assert_max_num_queries(4):
        listed = client.get(path(result, "comments/")).content.decode()
    assert "第 10 条" in listed
    assert "第 9 条" not in listed
    after = re.search(r"after=([0-9a-f]{16})", listed).group(1)
    assert "第 9 条" in client.get(path(result, "comments/"), {"after": after}).content.decode()
    client.force_login(moderator)
    client.get("/desk/comments/")  # the navigation counts once a minute
    with django_assert_max_num_queries(8):
        client.get("/desk/comments/", {"state": "shown"})


def test_pub_38_words_as_they_were_sent_are_erased_180_days_after_the_decision(client, moderator):
    """What is shown stays with its result; how many there were stays in any case."""
    result = published(published_until=None)
    shown = comments.show(said(result, "请打 13800002417。").pk, by=moderator, seen="waiting", shown_text="请打电话。")
    hidden = comments.hide(said(result, "广告").pk, by=moderator, seen="waiting", reason="无关")
    waiting = said(result, "还没有人看")

    def stored() -> list[str]:
        return [Comment.objects.get(pk=row.pk).text for row in (shown, hidden, waiting)]

    assert jobs.purge_echo(now=timezone.now() + timedelta(days=179))["comments"] == 0
    assert stored() == ["请打 13800002417。", "广告", "还没有人看"]
    late = timezone.now() + timedelta(days=181)
    assert jobs.purge_echo(now=late) == {"comments": 2, "volunteers": 0}
    assert stored() == ["", "", "还没有人看"]
    assert jobs.purge_echo(now=late)["comments"] == 0
    assert "请打电话。" in client.get(path(result)).content.decode()
    client.force_login(moderator)
    for row in (shown, hidden):
        assert client.get(reverse("publication:comment", args=[row.pk])).status_code == 200
    assert client.get("/desk/comments/", {"state": "hidden"}).status_code == 200
    with pytest.raises(IllegalTransition):
        comments.pass_on(hidden.pk, by=moderator, route=CommentRoute.COMPLAINT)
    assert not Complaint.objects.exists()


@pytest.mark.parametrize("change", ["withdrawn_at", "published_until"])
def test_pub_38_everything_said_about_a_result_is_erased_180_days_after_it_is_gone(moderator, change):
    result = published(published_until=None)
    comments.show(said(result).pk, by=moderator, seen="waiting", shown_text="还要装一个备用泵。")
    comments.answer(Comment.objects.get().pk, by=moderator, answer="12 月安装。")
    said(result, "还没有人看")
    PublishedResult.objects.filter(pk=result.pk).update(**{change: timezone.now()})
    assert jobs.purge_echo(now=timezone.now() + timedelta(days=179))["comments"] == 0
    assert jobs.purge_echo(now=timezone.now() + timedelta(days=181))["comments"] == 2
    left = {(row.text, row.shown_text, row.answer) for row in Comment.objects.all()}
    assert (Comment.objects.count(), left) == (2, {("", "", "")})


# --- Helpful, views (PUB-34) --------------------------------------------------------------------------
_ANSWERS = r'value="(yes|no)"[^<]*(?:<(?!/button)[^<]*)*?<span class="muted">(\d+)</span></button>'


def test_pub_34_everybody_reads_how_many_found_it_helpful(client, django_assert_num_queries):
    """Sums of all days and ways in; an answer makes the page another one for caches, in the same one query."""
    result = published()
    PublishedResult.objects.update(updated_at=timezone.now() - timedelta(hours=1))
    page = client.get(path(result))
    assert "<button" in page.content.decode()
    assert re.findall(_ANSWERS, page.content.decode()) == []
    today = timezone.localdate()
    ResultDay.objects.create(result=result, day=today - timedelta(days=9), channel="poster", helpful=185, unhelpful=9)
    Client(REMOTE_ADDR="192.0.2.9").post(path(result, "helpful/"), {"helpful": "yes"})
    after = client.get(path(result), headers={"If-None-Match": page["ETag"]})
    assert after.status_code == 200
    counts = re.findall(_ANSWERS, after.content.decode())
    assert counts == [("yes", "186"), ("no", "9")]
    with django_assert_num_queries(1):
        assert client.get(path(result), headers={"If-None-Match": after["ETag"]}).status_code == 304


def test_pub_34_helpful_once_per_address_and_day_without_a_cookie(client):
    result = published()
    first = client.post(path(result, "helpful/"), {"helpful": "yes"})
    assert (first.status_code, first.cookies, first["Cache-Control"]) == (200, {}, "no-store")
    client.post(path(result, "helpful/"), {"helpful": "no"})
    Client(REMOTE_ADDR="192.0.2.9").post(path(result, "helpful/"), {"helpful": "no"})
    assert client.post(path(result, "helpful/"), {"helpful": "?"}).status_code == 422
    assert client.get(path(result, "helpful/")).status_code == 405
    row = ResultDay.objects.get()
    assert (row.helpful, row.unhelpful, row.day) == (1, 1, timezone.localdate())
    tomorrow = timezone.now() + timedelta(days=1)
    assert helpful.vote(result, is_helpful=True, address="127.0.0.1", at=tomorrow)


def test_pub_34_views_are_counted_per_channel_and_not_for_robots(client, monkeypatch):
    """The address of a QR code names its channel; the page names none in its own address."""
    Channel.objects.get_or_create(code="board", defaults={"name": "公告栏", "kind": "board"})
    result = published()
    page = client.get(path(result), {"c": "board"}, headers=READER)
    assert "c=board" not in re.search(r'rel="canonical" href="([^"]+)"', page.content.decode()).group(1)
    client.get(path(result), headers=READER)
    client.get(path(result), {"c": "invented"}, headers=READER)
    client.head(path(result), headers=READER)
    client.get(path(result), headers={"User-Agent": "Mozilla/5.0 (compatible; Baiduspider/2.0)"})
    client.get(path(result))
    known = client.get(path(result), headers=READER | {"If-None-Match": page["ETag"]})
    assert known.status_code == 304
    helpful.write_views()
    assert dict(ResultDay.objects.values_list("channel", "views")) == {"board": 1, "": 2}


def test_pub_34_a_busy_page_writes_once_in_half_a_minute(client, django_assert_max_num_queries):
    result = published()
    for _n in range(3):
        client.get(path(result), headers=READER)
    with django_assert_max_num_queries(5):
        client.get(path(result), headers=READER)
    assert ResultDay.objects.get().views == 1
    assert helpful.write_views() == 3
    assert ResultDay.objects.get().views == 4


def test_pub_34_views_of_a_result_that_is_no_more_break_nothing(client):
    helpful.note_view(999999, channel="", agent="Firefox", at=timezone.now())
    assert helpful.write_views() == 0
    assert not ResultDay.objects.exists()


# --- Volunteers (PUB-39) ------------------------------------------------------------------------------
@pytest.fixture
def registered(moderator) -> volunteers.Registered:
    return volunteers.register(
        by=moderator,
        name="李秀兰",
        phone="13900001234",
        unit="柳桥三村",
        since=timezone.localdate() - timedelta(days=40),
    )


def test_pub_39_a_volunteer_reports_with_the_code_and_reads_the_answer(client, cast, moderator, registered):
    result = published()
    sent = send(
        client, "/volunteers/", code=registered.code.lower(), notice=result.publication_number,
        text="新管道已经装好，水压正常。", fulfilled="yes",
    )  # fmt: skip
    assert (sent.status_code, sent["Cache-Control"], sent.cookies) == (200, "no-store", {})
    row = VolunteerReport.objects.get()
    assert (row.result, row.fulfilled, row.text) == (result, True, "新管道已经装好，水压正常。")
    assert Notification.objects.filter(kind="volunteer_report", recipient=moderator).exists()
    desk = Client()
    desk.force_login(moderator)
    page = reverse("publication:volunteer_report", args=[row.pk])
    assert desk.post(page, {"answer": "谢谢，已转告供水集团。"}).status_code == 302
    assert desk.post(page, {"answer": "再答一次"}).status_code == 409
    read = send(client, "/volunteers/", code=registered.code, read="1")
    assert "谢谢，已转告供水集团。" in read.content.decode()
    assert VolunteerReport.objects.count() == 1


def test_pub_39_a_report_sent_twice_is_one_and_other_words_are_another(registered):
    now = timezone.now()
    for text, after in (("水压正常。", 0), ("水压正常。 ", 1), ("水压又低了。", 2), ("水压正常。", 60 * 25)):
        volunteers.report(code=registered.code, text=text, at=now + timedelta(minutes=after))
    assert [row.text for row in VolunteerReport.objects.order_by("pk")] == ["水压正常。", "水压又低了。", "水压正常。"]


def test_pub_39_the_code_stands_nowhere_and_a_lost_one_is_replaced(client, moderator, registered):
    stored = Volunteer.objects.get()
    assert registered.code.replace("-", "") not in stored.code_hash
    client.force_login(moderator)
    do = reverse("publication:volunteer_do", args=[stored.pk])
    fresh = client.post(do, {"do": "code"})
    assert fresh["Cache-Control"] == "no-store"
    code = re.search(r"(?:[0-9A-Z]{4}-){3}[0-9A-Z]{4}", fresh.content.decode()).group()
    assert volunteers.find(code, at=timezone.now()) == stored
    with pytest.raises(volunteers.WrongCode):
        volunteers.find(registered.code, at=timezone.now())
    assert SecurityEvent.objects.filter(kind="volunteer_code", subject=str(stored)).count() == 1


def test_pub_39_wrong_codes_wait_and_an_ended_one_is_answered_alike(client, moderator, registered, monkeypatch):
    monkeypatch.setattr(volunteers, "FREE_TRIES", 1)
    Volunteer.objects.update(until=timezone.localdate() - timedelta(days=1))
    ended = send(client, "/volunteers/", code=registered.code, text="看到了")
    unknown = send(client, "/volunteers/", code="0000-0000-0000-0000", text="看到了")
    assert (ended.status_code, unknown.status_code) == (422, 422)
    assert ended.context["form"].errors["code"] == unknown.context["form"].errors["code"]
    waiting = client.post("/volunteers/", {"code": "0", "text": "x"})
    assert (waiting.status_code, "Retry-After" in waiting) == (429, True)
    assert not VolunteerReport.objects.exists()


def test_pub_39_the_register_is_masked_shows_who_is_due_and_the_code_once(client, moderator, registered):
    client.force_login(moderator)
    address = reverse("publication:volunteers")
    due = client.get(address, {"view": "due"}).content.decode()
    assert "李**" in due
    assert "李秀兰" not in due
    assert "13900001234" not in due
    volunteers.report(code=registered.code, text="都在")
    assert "李**" not in client.get(address, {"view": "due"}).content.decode()
    shown = client.post(reverse("publication:volunteer_do", args=[registered.volunteer.pk]), {"do": "reveal"})
    assert "13900001234" in shown.content.decode()
    assert SecurityEvent.objects.filter(kind="volunteer_revealed").count() == 1
    values = {"name": "王大爷", "phone": "12", "since": "2026-11-01", "report_every_days": "30"}
    assert client.post(address, values).status_code == 422
    made = client.post(address, values | {"phone": ""})
    assert (made.status_code, made["Cache-Control"]) == (200, "no-store")
    assert Volunteer.objects.count() == 2


def test_pub_39_an_ended_volunteer_is_not_due(client, moderator, registered):
    client.force_login(moderator)
    do = reverse("publication:volunteer_do", args=[registered.volunteer.pk])
    assert client.post(do, {"do": "end"}).status_code == 302
    assert client.post(do, {"do": "end"}).status_code == 409
    assert client.post(do, {"do": "fly"}).status_code == 422
    tomorrow = timezone.now() + timedelta(days=1)
    assert not volunteers.due(volunteers.listed(), at=tomorrow).exists()


def test_pub_39_lists_of_the_desk_cost_the_same(client, moderator, registered, django_assert_max_num_queries):
    VolunteerReport.objects.bulk_create(
        VolunteerReport(volunteer=registered.volunteer, text=f"{n}", at=timezone.now()) for n in range(55)
    )
    client.force_login(moderator)
    client.get("/desk/volunteers/")  # the navigation counts once a minute
    for name, args in (("volunteers", []), ("volunteer_reports", []), ("volunteer", [registered.volunteer.pk])):
        with django_assert_max_num_queries(8):
            assert client.get(reverse(f"publication:{name}", args=args)).status_code == 200
    client.logout()
    assert client.get(reverse("publication:volunteers")).status_code == 302


def test_pub_39_names_are_erased_180_days_after_the_last_day_and_reports_after_two_years(client, moderator, registered):
    """When somebody reported and whether the improvement was there stays."""
    volunteers.report(code=registered.code, text="水压正常。", fulfilled=True)
    volunteers.answer(VolunteerReport.objects.get().pk, by=moderator, answer="谢谢")
    assert jobs.purge_echo(now=timezone.now() + timedelta(days=729))["volunteers"] == 0
    ended = volunteers.end(registered.volunteer.pk, by=moderator)
    assert jobs.purge_echo(now=timezone.now() + timedelta(days=180))["volunteers"] == 0
    assert jobs.purge_echo(now=timezone.now() + timedelta(days=182))["volunteers"] == 1
    ended.refresh_from_db()
    assert (ended.name, ended.phone, ended.unit) == ("", "", "")
    assert VolunteerReport.objects.get().text == "水压正常。"
    assert jobs.purge_echo(now=timezone.now() + timedelta(days=731))["volunteers"] == 1
    row = VolunteerReport.objects.get()
    assert (row.text, row.answer, row.fulfilled) == ("", "", True)
    client.force_login(moderator)
    for name, args in (("volunteers", []), ("volunteer", [ended.pk]), ("volunteer_report", [row.pk])):
        assert client.get(reverse(f"publication:{name}", args=args)).status_code == 200
