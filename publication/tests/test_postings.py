"""Postings: planned, up with proof, out of date, taken down; and the reminders until they are."""

from __future__ import annotations

import io
from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from accounts.errors import IllegalTransition, InvalidInput
from complaints import files, notify
from complaints.models import CaseEvent, Notification
from publication import channels, jobs, posters, postings, transitions, typeset
from publication.models import Channel, Posting, PostingCount, Publication, PublishedResult
from publication.tests.factories import approved, draft, posted

pytestmark = pytest.mark.django_db


def channel(code: str) -> Channel:
    channels.register()
    return Channel.objects.get(code=code)


def photograph() -> SimpleUploadedFile:
    """A JPEG that tells where and with what it was taken."""
    exif = Image.Exif()
    exif[0x010F] = "SECRETCAM"
    content = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(content, "JPEG", exif=exif, comment=b"SECRETPLACE")
    return SimpleUploadedFile("IMG_2026.jpg", content.getvalue(), "image/jpeg")


@pytest.fixture
def published(cast) -> Publication:
    publication = draft(cast)
    posted(publication, cast)
    return Publication.objects.get(pk=publication.pk)


def planned(publication: Publication, cast, code: str = "notice-board") -> Posting:
    standing = [row.channel for row in publication.postings.filter(up_on=None)]
    postings.choose(publication.pk, [*standing, channel(code)], by=cast.publisher)
    return publication.postings.get(channel__code=code, down_on=None)


def hung(publication: Publication, cast, code: str = "notice-board", **changes) -> Posting:
    values = {"up_on": timezone.localdate(), "place": "滨河路服务大厅东墙"} | changes
    return postings.put_up(planned(publication, cast, code).pk, by=cast.publisher, **values)


def page(publication: Publication, *, row: Posting | None = None) -> str:
    if row:
        return reverse("publication:posting", args=[publication.number, row.pk])
    return reverse("publication:channels_of", args=[publication.number])


# --- Planning -----------------------------------------------------------------------------------
def test_pub_23_30_channels_are_chosen_before_posting_and_each_is_tracked(client, cast):
    publication = draft(cast)
    chosen = [channel("notice-board"), channel("wechat")]
    client.force_login(cast.publisher)
    answer = client.post(page(publication), {"channels": [row.pk for row in chosen]})
    assert answer.status_code == 302
    assert {row.channel for row in publication.postings.all()} == set(chosen)
    client.post(page(publication), {"channels": [chosen[0].pk]})
    assert [row.channel.code for row in publication.postings.all()] == ["notice-board"]
    first = publication.postings.get()
    with pytest.raises(IllegalTransition):  # nothing is up before the result is public
        postings.put_up(first.pk, by=cast.publisher, up_on=timezone.localdate(), place="大厅")
    website = client.post(page(publication), {"channels": [channel("website").pk]})
    assert website.status_code == 422
    client.force_login(cast.publication_checker)
    assert client.post(page(publication), {"channels": []}).status_code == 403


def test_pub_30_a_case_closed_for_good_plans_nothing(client, cast, published):
    transitions.take_down(published.pk, by=cast.publisher, reason="更正")
    client.force_login(cast.publisher)
    answer = client.post(page(published), {"channels": [channel("wechat").pk]})
    assert answer.status_code == 409
    assert not Posting.objects.exists()


# --- Up -----------------------------------------------------------------------------------------
def test_pub_24_a_poster_is_up_with_place_dates_and_a_photograph_without_its_secrets(
    client, cast, published, django_capture_on_commit_callbacks
):
    row = planned(published, cast)
    client.force_login(cast.publisher)
    today = timezone.localdate()
    refused = client.post(page(published, row=row), {"action": "up", "up_on": today, "place": ""})
    assert refused.status_code == 422
    with django_capture_on_commit_callbacks(execute=True):
        sent = {"action": "up", "up_on": today, "place": "滨河路服务大厅东墙", "proof": photograph()}
        assert client.post(page(published, row=row), sent).status_code == 302
    row.refresh_from_db()
    assert (row.up_on, row.place, row.up_by) == (today, "滨河路服务大厅东墙", cast.publisher)
    assert row.until == min(today + timedelta(days=30), timezone.localdate(timezone.now() + timedelta(days=30)))
    with files.open_file(row.proof) as stored:
        content = stored.read()
    assert b"SECRET" not in content
    shown = client.get(reverse("publication:posting_proof", args=[published.number, row.pk]))
    assert (shown.content, shown["Content-Type"]) == (content, "image/jpeg")
    assert CaseEvent.objects.filter(kind="posting_up", reference=f"publication:{published.number}").count() == 1
    assert client.post(page(published, row=row), sent | {"proof": ""}).status_code == 409


def test_pub_24_what_is_no_picture_is_refused_and_nothing_is_stored(client, cast, published):
    row = planned(published, cast)
    client.force_login(cast.publisher)
    bad = SimpleUploadedFile("a.jpg", b"\xff\xd8\xff\xe0 not a picture", "image/jpeg")
    sent = {"action": "up", "up_on": timezone.localdate(), "place": "大厅", "proof": bad}
    assert client.post(page(published, row=row), sent).status_code == 422
    row.refresh_from_db()
    assert (row.up_on, row.proof) == (None, None)


def test_pub_24_dates_lie_within_the_time_the_result_is_public(cast, published):
    row = planned(published, cast)
    today = timezone.localdate()
    for field, changes in {
        "up_on": {"up_on": today + timedelta(days=1)},
        "until": {"up_on": today, "until": today + timedelta(days=400)},
        "place": {"up_on": today, "place": " "},
    }.items():
        with pytest.raises(InvalidInput) as refused:
            postings.put_up(row.pk, by=cast.publisher, **{"place": "大厅"} | changes)
        assert refused.value.field == field


def test_pub_26_a_short_film_needs_its_link_and_its_script(client, cast, published):
    row = planned(published, cast, "short-film")
    client.force_login(cast.publisher)
    offered = client.get(page(published, row=row)).content.decode()
    assert "打热线问不到几点来水" in offered
    sent = {"action": "up", "up_on": timezone.localdate(), "link": "", "script": "第一幕"}
    assert client.post(page(published, row=row), sent).status_code == 422
    answer = client.post(page(published, row=row), sent | {"link": "https://video.example.cn/1"})
    assert answer.status_code == 302
    row.refresh_from_db()
    assert (row.link, row.script, row.proof) == ("https://video.example.cn/1", "第一幕", None)


# --- Out of date, and taken down ------------------------------------------------------------------
def test_pub_30_43_postings_of_a_result_that_went_on_are_out_of_date_until_renewed(client, cast, published):
    """Improvement results reach every channel: the progress of a measure makes what hangs out of date."""
    row = hung(published, cast)
    client.force_login(cast.publisher)
    assert "内容已过时" not in client.get(page(published)).content.decode()
    result = PublishedResult.objects.get()
    result.improvements[0]["state"], result.improvements[0]["done_on"] = "done", "2026-12-01"
    result.save()
    assert "内容已过时" in client.get(page(published)).content.decode()
    assert "内容已过时" in client.get(reverse("publication:postings"), {"view": "up"}).content.decode()
    assert client.post(page(published, row=row), {"action": "renew"}).status_code == 302
    assert "内容已过时" not in client.get(page(published)).content.decode()


def test_pub_30_a_withdrawn_result_raises_the_alarm_until_every_posting_is_down(client, cast, published):
    board, wechat = hung(published, cast), hung(published, cast, "wechat")
    client.force_login(cast.publisher)
    transitions.take_down(published.pk, by=cast.administrator, reason="泄露")
    now = timezone.now()
    listed = client.get(reverse("publication:postings")).content.decode()
    assert listed.count(published.number) >= 2
    assert jobs.publish_due(now=now)["hanging"] == 2
    assert jobs.publish_due(now=now)["hanging"] == 0
    told = Notification.objects.filter(kind="posting_withdrawn")
    people = notify.holders_of("publication.compose").count()
    assert told.count() == 2 * people
    assert jobs.publish_due(now=now + timedelta(days=1))["hanging"] == 2  # again the next day
    postings.take_down(wechat.pk, by=cast.publisher, on=timezone.localdate())
    client.force_login(cast.publisher)
    assert (
        client.post(page(published, row=board), {"action": "down", "down_on": timezone.localdate()}).status_code == 302
    )
    assert jobs.publish_due(now=now + timedelta(days=2))["hanging"] == 0
    board.refresh_from_db()
    assert (board.down_on, board.down_by) == (timezone.localdate(), cast.publisher)
    assert (
        client.post(page(published, row=board), {"action": "down", "down_on": timezone.localdate()}).status_code == 409
    )


def test_pub_24_the_end_of_the_term_is_told_once(cast, published):
    row = hung(published, cast, until=timezone.localdate() + timedelta(days=3))
    now = timezone.now()
    assert jobs.publish_due(now=now + timedelta(days=3))["hanging"] == 0
    assert jobs.publish_due(now=now + timedelta(days=4))["hanging"] == 1
    assert jobs.publish_due(now=now + timedelta(days=5))["hanging"] == 0
    told = Notification.objects.filter(kind="posting_over")
    assert told.count() == notify.holders_of("publication.compose").count()
    assert row.place not in str(list(told.values_list("params", "url")))


def test_pub_24_scheduled_posting_and_the_end_of_the_term_by_an_injected_clock(client, cast, capsys):
    """`run_job publish_due --now …` twice posts once; after its term the result is gone from the list, its page 410."""
    publication = draft(cast)
    start = timezone.now() + timedelta(days=2)
    transitions.edit(publication.pk, by=cast.publisher, publish_at=start, publish_until=start + timedelta(days=5))
    approved(Publication.objects.get(pk=publication.pk), cast)
    assert jobs.publish_due() == {"posted": 0, "refused": 0, "hanging": 0}
    assert not PublishedResult.objects.exists()
    with pytest.raises(IllegalTransition):
        transitions.publish(publication.pk, by=cast.publisher2)
    for _run in range(2):
        call_command("run_job", "publish_due", "--now", (start + timedelta(minutes=1)).isoformat(), "--json")
        assert PublishedResult.objects.count() == 1
    result = PublishedResult.objects.get()
    assert PublishedResult.objects.served(at=start + timedelta(days=4)).exists()
    assert not PublishedResult.objects.served(at=start + timedelta(days=6)).exists()
    PublishedResult.objects.update(published_at=start - timedelta(days=9), published_until=timezone.now())
    assert client.get(f"/results/{result.public_id}/").status_code == 410
    assert result.title not in client.get("/").content.decode()


# --- Counts -------------------------------------------------------------------------------------
def test_pub_30_counts_of_a_day_are_entered_and_corrected_by_people(client, cast, published):
    """Views, comments and enquiries per posting and day; the website counts by itself (PUB-34)."""
    row = hung(published, cast, "wechat")
    client.force_login(cast.publisher)
    today = timezone.localdate()
    sent = {"action": "count", "day": today, "views": 1200, "comments": 3, "enquiries": 1}
    assert client.post(page(published, row=row), sent).status_code == 302
    assert client.post(page(published, row=row), sent | {"views": 1250}).status_code == 302
    assert PostingCount.objects.get().views == 1250
    assert client.post(page(published, row=row), sent | {"views": -1}).status_code == 422
    tomorrow = sent | {"day": today + timedelta(days=1)}
    assert client.post(page(published, row=row), tomorrow).status_code == 422
    assert "1,250" in client.get(page(published)).content.decode().replace(" ", ",")
    client.force_login(cast.publication_checker)
    assert client.post(page(published, row=row), sent).status_code == 403


# --- The list -----------------------------------------------------------------------------------
def test_the_list_of_postings_costs_the_same_for_one_and_four(client, cast, published, django_assert_max_num_queries):
    client.force_login(cast.publisher)
    hung(published, cast)
    for code in ("wechat", "mini-program", "lobby"):
        hung(published, cast, code)
    client.get(reverse("publication:postings"), {"view": "up"})
    with django_assert_max_num_queries(8):
        html = client.get(reverse("publication:postings"), {"view": "up"}).content.decode()
    assert html.count("<tr>") == 5
    client.force_login(cast.water_handler)
    assert client.get(reverse("publication:postings")).status_code == 403


def test_pub_24_nothing_hangs_before_its_day_is_over():
    assert not postings.must_come_down(Posting(up_on=None), at=timezone.now())
    assert not postings.must_come_down(Posting(up_on=date(2026, 1, 1), down_on=date(2026, 1, 2)), at=timezone.now())


def test_pub_27_34_an_own_channel_has_an_address_and_a_poster_that_count_its_readers(client, cast, published):
    values = {"name_en": "", "audience": "neighbours", "place": "", "days": 30, "order": 90, "is_active": True}
    channels.save(None, by=cast.publisher, code="east-wall", name="东门公示墙", kind="board", **values)
    channels.save(None, by=cast.publisher, code="parents", name="家长群", kind="vertical", **values)
    client.force_login(cast.publisher)
    result = PublishedResult.objects.get()
    for code in ("east-wall", "parents"):
        html = client.get(page(published, row=planned(published, cast, code))).content.decode()
        assert f"/results/{result.public_id}/?c={code}" in html
        assert ("poster-a4" in html) == (code == "east-wall")
    made = posters.sheet(result, "a4", at=timezone.now(), channel="east-wall")
    assert typeset.content(made, result, posters.PAPERS["a4"])["target"].endswith("?c=east-wall")
    file = reverse("publication:channel_file", args=[published.number, "wechat", "html"])
    for code, counted in (("parents", "parents"), ("invented", "wechat"), ("", "wechat")):
        assert f"?c={counted}" in client.get(file, {"c": code}).content.decode()


def test_dl_04_pr_06_an_address_given_after_the_backup_stays_gone_after_a_restore(client, published):
    """410 for the page, the poster, the comments and any file, without a word of the old text."""
    lost = PublishedResult.objects.get()
    address, moment = f"/results/{lost.public_id}/", timezone.now()
    PublishedResult.objects.all().delete()  # as the backup knew it: not posted yet
    Publication.objects.update(status="draft", updated_at=moment - timedelta(days=1))
    assert client.get(address).status_code == 404
    assert transitions.keep_down(lost.public_id, number=lost.publication_number, at=moment)
    assert not transitions.keep_down(lost.public_id, number=lost.publication_number, at=moment)
    for part in ("", "poster/", "comment/", "comments/", f"files/{lost.public_id}"):
        gone = client.get(address + part)
        assert (gone.status_code, lost.title in gone.content.decode()) == (410, False)
    assert client.get(f"/api/v1{address}").status_code == 410
    assert lost.public_id not in client.get("/sitemap.xml").getvalue().decode()
    assert client.get("/").status_code == 200


def test_dl_04_what_was_posted_anew_after_a_take_down_is_not_taken_down_by_a_later_restore(published):
    result = PublishedResult.objects.get()
    before = timezone.now() - timedelta(days=2)
    transitions.keep_down("0" * 16, number=result.publication_number, at=before)
    published.refresh_from_db()
    result.refresh_from_db()
    assert (published.status, result.withdrawn_at) == ("posted", None)
    assert transitions.keep_down(result.public_id, number=result.publication_number, at=timezone.now())
    published.refresh_from_db()
    assert published.status == "withdrawn"
