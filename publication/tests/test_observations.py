"""What volunteer supervisors reported stands with the notice, once a person let it pass (PUB-38, PUB-39)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import takedowns
from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from publication import comments, jobs, observations, transitions, volunteers
from publication.models import PublishedReport, PublishedResult, VolunteerReport
from publication.states import CommentState
from publication.tests.factories import draft, posted, published
from publication.tests.test_echo import path, send

pytestmark = pytest.mark.django_db
SEEN = "新管道已经装好，水压正常。"


@pytest.fixture(autouse=True)
def _nothing_remembered():
    cache.clear()


@pytest.fixture
def moderator(cast):
    return cast.publisher


@pytest.fixture
def code(moderator) -> str:
    since = timezone.localdate() - timedelta(days=40)
    return volunteers.register(by=moderator, name="李秀兰", phone="13900001234", since=since).code


def reported(code: str, result: PublishedResult | None, text: str = SEEN) -> VolunteerReport:
    notice = result.publication_number if result else ""
    volunteers.report(code=code, text=text, notice=notice, fulfilled=True)
    return VolunteerReport.objects.order_by("-pk")[0]


def show(row: VolunteerReport, by, *, seen: str = "waiting", text: str = SEEN, answer: str = "") -> PublishedReport:
    return observations.show(row.pk, by=by, seen=seen, shown_text=text, answer=answer)


def test_pub_39_a_report_stands_with_its_notice_once_a_person_let_it_pass(client, cast, moderator, code):
    """Masked by proposal, with the office's answer; who reported is nowhere, and caches notice the change."""
    result = posted(draft(cast), cast)
    PublishedResult.objects.filter(pk=result.pk).update(updated_at=timezone.now() - timedelta(hours=1))
    row = reported(code, result, "我是李秀兰，张桂芳家的电话 13800002417 打不通，但新管道已经装好。")
    before = client.get(path(result))
    assert "新管道已经装好" not in before.content.decode()

    desk = Client()
    desk.force_login(moderator)
    page = reverse("publication:volunteer_report", args=[row.pk])
    assert desk.post(page, {"do": "answer", "answer": "谢谢，已请供水集团复核。"}).status_code == 302
    form = desk.get(page).context["forms"]["show"]
    proposed = form["shown_text"].value()
    assert "新管道已经装好" in proposed
    assert not [word for word in ("李秀兰", "张桂芳", "13800002417") if word in proposed]
    assert form["answer"].value() == "谢谢，已请供水集团复核。"
    values = {"do": "show", "seen": "waiting", "shown_text": proposed, "answer": form["answer"].value()}
    assert desk.post(page, values).status_code == 302
    assert desk.post(page, values).status_code == 409  # sent a second time

    after = client.get(path(result))
    text = after.content.decode()
    assert "新管道已经装好" in text
    assert "谢谢，已请供水集团复核。" in text
    assert "李秀兰" not in text
    assert (after["ETag"] != before["ETag"], after.cookies) == (True, {})
    assert "新管道已经装好" in client.get(path(result, "reports/")).content.decode()
    assert "shown with the notice" in send(client, "/volunteers/", code=code, read="1").content.decode()


@pytest.mark.parametrize(
    "text", ["张桂芳家里也停了。", "李秀兰看到的。", "请打 13900001234。", "  ", "长" * 4001, "坏\x00字"]
)
def test_pub_38_a_report_that_names_a_person_or_cannot_be_kept_is_refused_at_its_field(
    client, cast, moderator, code, text
):
    """The people of the case and the volunteer alike; nothing is half saved."""
    row = reported(code, posted(draft(cast), cast))
    client.force_login(moderator)
    page = reverse("publication:volunteer_report", args=[row.pk])
    answer = client.post(page, {"do": "show", "seen": "waiting", "shown_text": text})
    assert (answer.status_code, list(answer.context["forms"]["show"].errors)) == (422, ["shown_text"])
    answer = client.post(page, {"do": "show", "seen": "waiting", "shown_text": SEEN, "answer": "请找张桂芳。"})
    assert (answer.status_code, list(answer.context["forms"]["show"].errors)) == (422, ["answer"])
    assert not PublishedReport.objects.exists()


def test_pub_38_hostile_words_of_a_report_are_shown_as_words(client, moderator, code):
    result = published()
    show(reported(code, result), moderator, text="<script>alert(1)</script> {{7*7}} =cmd 😀")
    text = client.get(path(result)).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {{7*7}} =cmd 😀" in text


def test_pub_38_words_that_name_a_telephone_are_refused_in_the_language_of_the_desk(client, moderator, code):
    row = reported(code, published())
    client.force_login(moderator)
    values = {"do": "show", "seen": "waiting", "shown_text": "电话 13812345678"}
    page = client.post(reverse("publication:volunteer_report", args=[row.pk]), values)
    assert page.status_code == 422
    text = page.content.decode()
    assert ("（电话）" in text, "（phone）" in text) == (True, False)


def test_pub_38_a_report_is_taken_back_and_its_reason_stays_inside(client, moderator, code):
    result = published()
    row = reported(code, result)
    show(row, moderator, answer="谢谢")
    with pytest.raises(InvalidInput):
        observations.hide(row.pk, by=moderator, seen="shown", reason=" ")
    client.force_login(moderator)
    page = reverse("publication:volunteer_report", args=[row.pk])
    assert client.post(page, {"do": "hide", "seen": "shown", "reason": "重复"}).status_code == 302
    assert client.post(page, {"do": "hide", "seen": "shown", "reason": "重复"}).status_code == 409
    assert client.post(page, {"do": "hide", "seen": "hidden", "reason": "重复"}).status_code == 409
    assert client.post(page, {"do": "fly"}).status_code == 422
    text = Client().get(path(result)).content.decode()
    assert ("水压" in text, "重复" in text) == (False, False)
    assert "重复" in client.get(page).content.decode()
    show(row, moderator, seen="hidden", text="水压正常。")
    assert "水压正常。" in Client().get(path(result)).content.decode()


def test_pub_38_only_what_is_about_a_notice_that_is_served_is_shown(client, moderator, code):
    general, result = reported(code, None), published()
    about = reported(code, result)
    PublishedResult.objects.update(withdrawn_at=timezone.now())
    client.force_login(moderator)
    for row in (general, about):
        with pytest.raises(IllegalTransition):
            show(row, moderator)
        page = client.get(reverse("publication:volunteer_report", args=[row.pk]))
        assert 'value="show"' not in page.content.decode()
    assert client.get(path(result, "reports/")).status_code == 410
    assert client.get("/results/0123456789abcdef/reports/").status_code == 404


def test_pub_38_only_moderators_decide_on_reports(client, cast, code):
    row = reported(code, published())
    with pytest.raises(NotAllowed):
        show(row, cast.intake)
    with pytest.raises(NotAllowed):
        observations.hide(row.pk, by=cast.water_handler, seen="shown", reason="重复")
    client.force_login(cast.intake)
    values = {"do": "show", "seen": "waiting", "shown_text": SEEN}
    assert client.post(reverse("publication:volunteer_report", args=[row.pk]), values).status_code == 403


def test_pub_39_pages_with_reports_cost_the_same_for_few_and_many(
    client, moderator, code, django_assert_max_num_queries
):
    result = published()
    rows = [reported(code, result, f"第 {n} 次") for n in range(2)]
    volunteer, now = rows[0].volunteer, timezone.now()
    more = VolunteerReport.objects.bulk_create(
        VolunteerReport(volunteer=volunteer, result=result, text="看到了", at=now) for n in range(60)
    )
    PublishedReport.objects.bulk_create(
        PublishedReport(report=row, result=result, shown_text=f"第 {n} 次", state=CommentState.SHOWN, at=now)
        for n, row in enumerate([*rows, *more])
    )
    with django_assert_max_num_queries(6):
        page = client.get(path(result)).content.decode()
    assert ("第 61 次" in page, "第 51 次" in page) == (True, False)
    assert path(result, "reports/") in page
    with django_assert_max_num_queries(4):
        listed = client.get(path(result, "reports/"))
    assert ("第 12 次" in listed.content.decode(), "第 11 次" in listed.content.decode()) == (True, False)
    following = client.get(path(result, "reports/") + listed.context["next_url"]).content.decode()
    assert "第 11 次" in following
    assert client.get(path(result, "reports/"), headers={"If-None-Match": listed["ETag"]}).status_code == 304


def test_pub_39_pr_06_the_volunteer_is_led_to_notices_that_are_shown_and_to_no_others(client, moderator, code):
    now = timezone.now()
    kept, down, over, early = (published(n) for n in range(1, 5))
    for result in (kept, down, over):
        show(reported(code, result), moderator)
    waiting = published(5)
    reported(code, waiting)
    PublishedResult.objects.filter(pk=down.pk).update(withdrawn_at=now)
    PublishedResult.objects.filter(pk=over.pk).update(published_until=now)
    PublishedResult.objects.filter(pk=early.pk).update(published_at=now + timedelta(days=1))
    with pytest.raises(InvalidInput):  # what is not out yet is as unknown as what never was
        reported(code, early)
    page = send(client, "/volunteers/", read="1", code=code).content.decode()
    assert f'<a href="{path(kept)}?lang=en">shown with the notice</a>' in page
    assert f'<a href="{path(waiting)}?lang=en">to the notice</a>' in page
    assert path(down) not in page
    assert path(over) not in page
    assert page.count("notice no longer shown") == 2
    assert down.publication_number in page


def test_dl_04_a_report_taken_back_after_a_backup_stays_so(client, moderator, code, django_capture_on_commit_callbacks):
    """I8: the journal outside the database names it; what a person let pass later is shown."""
    result = published()
    row = reported(code, result)
    public_id = show(row, moderator, answer="谢谢").public_id
    known = PublishedReport.objects.values("state", "shown_text", "answer", "moderated_at").get()
    with django_capture_on_commit_callbacks(execute=True):
        observations.hide(row.pk, by=moderator, seen="shown", reason="重复")
    entry = next(one for one in reversed(takedowns.read().entries) if one.what == takedowns.What.REPORT)
    assert entry.key == public_id
    PublishedReport.objects.update(**known)  # as the backup knew it
    assert comments.standing(PublishedReport, entry.key, at=entry.at).exists()
    assert comments.keep_hidden(PublishedReport, entry.key, at=entry.at)
    assert not comments.keep_hidden(PublishedReport, entry.key, at=entry.at)
    assert "水压" not in client.get(path(result)).content.decode()
    client.force_login(moderator)
    desk = client.get(reverse("publication:volunteer_report", args=[row.pk])).content.decode()
    assert PublishedReport.objects.get().reason in desk
    assert (
        entry.at.astimezone(timezone.get_current_timezone()).date().isoformat() in PublishedReport.objects.get().reason
    )
    show(row, moderator, seen="hidden")
    assert not comments.keep_hidden(PublishedReport, entry.key, at=entry.at)
    assert "水压" in client.get(path(result)).content.decode()


def test_pub_39_words_that_were_shown_are_erased_180_days_after_the_notice_is_gone(cast, moderator, code):
    publication = draft(cast)
    result = posted(publication, cast)
    show(reported(code, result), moderator, answer="谢谢")
    assert jobs.purge_echo(now=timezone.now() + timedelta(days=181))["volunteers"] == 0
    transitions.take_down(publication.pk, by=cast.manager, reason="有误")
    assert jobs.purge_echo(now=timezone.now() + timedelta(days=179))["volunteers"] == 0
    assert jobs.purge_echo(now=timezone.now() + timedelta(days=181))["volunteers"] == 1
    row = PublishedReport.objects.get()
    assert (row.shown_text, row.answer, row.state) == ("", "", CommentState.SHOWN)
