"""The channels of an office, which categories go where, and what suits the people concerned."""

from __future__ import annotations

import pytest
from django.urls import reverse

from complaints.models import Complaint
from complaints.tests.factories import category, registered
from publication import channels
from publication.models import Channel, ChannelMapping
from publication.tests.factories import closed_story, draft

pytestmark = pytest.mark.django_db


def values(**changes) -> dict:
    return {
        "code": "hospital-app",
        "name": "医院 App 投诉专区",
        "name_en": "Hospital app",
        "kind": "vertical",
        "audience": "field",
        "place": "",
        "days": 60,
        "order": 70,
        "is_active": "on",
    } | changes


def channel(code: str) -> Channel:
    channels.register()
    return Channel.objects.get(code=code)


def reasons(publication, code: str) -> list[str]:
    return next(row.reasons for row in channels.advise(publication) if row.channel.code == code)


def test_pub_23_the_register_ships_online_and_offline_channels_and_takes_new_ones(client, cast):
    """Website, notice board, WeChat, mini-program, short film, lobby manager (PUB-25, PUB-26)."""
    client.force_login(cast.publisher)
    html = client.get(reverse("publication:channels")).content.decode()
    for name in ("官网", "公告栏", "微信公众号", "小程序", "短视频", "大堂经理讲解"):
        assert name in html
    assert client.post(reverse("publication:channel_new"), values()).status_code == 302
    assert Channel.objects.get(code="hospital-app").days == 60
    refused = client.post(reverse("publication:channel_new"), values(name="另一个"))
    assert (refused.status_code, "另一个" in refused.content.decode()) == (422, True)
    assert Channel.objects.count() == 7


def test_pub_23_a_channel_changed_meanwhile_is_not_overwritten(client, cast):
    board = channel("notice-board")
    seen = channels.state_of(board)
    client.force_login(cast.publisher)
    address = reverse("publication:channel", args=[board.pk])
    sent = values(name="社区公示墙", kind="board", audience="elderly", seen=seen)
    assert client.post(address, sent).status_code == 302
    assert client.post(address, sent | {"name": "旧页面"}).status_code == 409
    board.refresh_from_db()
    assert board.name == "社区公示墙"


def test_pub_23_the_page_of_a_channel_tells_who_changed_what(client, cast):
    client.force_login(cast.publisher)
    assert client.post(reverse("publication:channel_new"), values()).status_code == 302
    app = Channel.objects.get(code="hospital-app")
    address = reverse("publication:channel", args=[app.pk])
    same = values(seen=channels.state_of(app))
    assert client.post(address, same).status_code == 302
    assert len(channels.history(app)) == 1  # saved without a change
    assert client.post(address, same | {"days": 90, "audience": ""}).status_code == 302
    newest, first = channels.history(app)
    assert (newest.by, first.is_new, newest.is_new) == (cast.publisher.display_name, True, False)
    assert [(name, before, after) for name, before, after in newest.values if name == "days"] == [("days", "60", "90")]
    html = client.get(address).content.decode()
    assert "60 → 90" in html
    refused = client.post(address, values(seen=channels.state_of(Channel.objects.get(pk=app.pk)), days=0))
    assert refused.status_code == 422
    assert len(channels.history(app)) == 2


def test_pub_23_the_website_cannot_be_switched_off(client, cast):
    website = channel("website")
    client.force_login(cast.coordinator)
    sent = values(name="官网", kind="website", audience="", seen=channels.state_of(website))
    del sent["is_active"]
    assert client.post(reverse("publication:channel", args=[website.pk]), sent).status_code == 422
    website.refresh_from_db()
    assert website.is_active


def test_pub_23_only_who_keeps_the_settings_changes_channels(client, cast):
    channels.register()
    client.force_login(cast.publication_checker)
    assert client.get(reverse("publication:channels")).status_code == 200
    assert client.post(reverse("publication:channels"), {}).status_code == 403
    assert client.get(reverse("publication:channel_new")).status_code == 403
    client.force_login(cast.water_handler)
    assert client.get(reverse("publication:channels")).status_code == 403


def test_pub_27_results_of_a_category_are_proposed_for_its_own_channel(client, cast):
    client.force_login(cast.publisher)
    client.post(reverse("publication:channel_new"), values())
    app = Channel.objects.get(code="hospital-app")
    publication = draft(cast)
    assert reasons(publication, "hospital-app") == []
    sent = {"category": publication.category.code, "channel": app.pk, "note": "居民都在用"}
    assert client.post(reverse("publication:channels"), sent).status_code == 302
    assert client.post(reverse("publication:channels"), sent).status_code == 302
    mapping = ChannelMapping.objects.get()
    assert mapping.changed_by == cast.publisher
    assert "居民都在用" in reasons(publication, "hospital-app")[0]
    website = client.post(reverse("publication:channels"), sent | {"channel": channel("website").pk})
    assert website.status_code == 422
    client.post(reverse("publication:channel_unmap", args=[mapping.pk]))
    assert reasons(publication, "hospital-app") == []


def test_pub_28_older_people_and_people_off_line_are_reached_on_paper(cast):
    """Shares are told in words; with few cases nothing is said about their people."""
    publication = draft(cast)
    assert reasons(publication, "notice-board") == reasons(publication, "wechat") == []
    for number in range(channels.FEWEST):
        filed = registered(channel="counter" if number % 2 else "phone").complaint
        groups = ["elderly"] if number < 4 else []
        Complaint.objects.filter(pk=filed.pk).update(category=category(), special_groups=groups)
    told = " ".join(reasons(publication, "notice-board"))
    assert "36 %" in told
    assert "91 %" in told
    assert reasons(publication, "lobby")
    assert reasons(publication, "wechat") == []


def test_pub_28_a_category_read_online_goes_online(cast):
    publication = draft(cast)
    for _number in range(channels.FEWEST):
        filed = registered(channel="app").complaint
        Complaint.objects.filter(pk=filed.pk).update(category=category())
    assert "100 %" in reasons(publication, "wechat")[0]
    assert reasons(publication, "notice-board") == []


def test_pub_28_special_needs_and_many_neighbours_of_the_case_count_too(cast):
    story = closed_story(cast)
    Complaint.objects.filter(pk=story.pk).update(special_groups=["disabled"], persons_affected=23, complexity="complex")
    publication = draft(cast, story)
    assert len(reasons(publication, "notice-board")) == 2
    assert len(reasons(publication, "lobby")) == 1
    assert reasons(publication, "short-film")
