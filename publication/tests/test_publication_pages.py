"""The publication desk: who sees what, the composer, signatures, refusals that keep what was typed."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from accounts.models import SecurityEvent
from complaints import panels
from complaints.tests.factories import Story
from publication import content, transitions
from publication.models import FigureEvidence, Publication, PublicationDecision, PublishedResult
from publication.tests.factories import TEXTS, approved, closed_story, draft, posted

pytestmark = pytest.mark.django_db


def page(client, user, name: str, *args, **query):
    client.force_login(user)
    return client.get(reverse(f"publication:{name}", args=args), query)


def post(client, user, name: str, *args, **data):
    client.force_login(user)
    return client.post(reverse(f"publication:{name}", args=args), data)


def texts(publication: Publication, **changes) -> dict:
    """What the composer's form would send."""
    values = {name: getattr(publication, name) for name in content.TEXT_FIELDS}
    measures = [row.pk for row in publication.improvements.all()]
    return values | {"version": publication.version, "profile": "standard", "improvements": measures} | changes


def fresh(publication: Publication) -> Publication:
    return Publication.objects.get(pk=publication.pk)


# --- Who sees what ------------------------------------------------------------------------------


def test_originals_are_for_who_sees_publications(client, cast):
    """Outsiders get 404 with the body of an unknown number; anonymous visitors are sent to sign in (PR-19)."""
    publication = draft(cast, cause="投诉人张桂芳反映停水。")
    names = ("detail", "preview", "preview_poster")
    for name in names:
        assert client.get(reverse(f"publication:{name}", args=[publication.number])).status_code == 302
    for user in (cast.intake, cast.water_handler, cast.reviewer, cast.administrator):
        for name in names:
            answer = page(client, user, name, publication.number)
            unknown = page(client, user, name, "GS-209901-0001")
            assert (answer.status_code, unknown.status_code) == (404, 404)
            clean = [
                re.sub(
                    r"E-\d{8}-\d{6}-[0-9A-F]{4}|csrfmiddlewaretoken[^>]+|X-CSRFToken[^>]+|/desk/[^\"]*",
                    "",
                    each.content.decode(),
                )
                for each in (answer, unknown)
            ]
            assert clean[0] == clean[1]
    html = page(client, cast.publication_checker, "detail", publication.number).content.decode()
    assert "张桂芳" in html
    assert "张某" in html


def test_row_46_the_administrator_takes_down_without_reading_drafts(client, cast):
    publication = draft(cast, title="张桂芳家停水")
    assert page(client, cast.administrator, "action", publication.number, "take_down").status_code == 404
    result = posted(publication, cast)
    listed = page(client, cast.administrator, "list").content.decode()
    form = page(client, cast.administrator, "action", publication.number, "take_down").content.decode()
    assert result.title in listed
    assert "张桂芳" not in listed + form
    answer = post(
        client,
        cast.administrator,
        "action",
        publication.number,
        "take_down",
        version=fresh(publication).version,
        reason="泄露",
    )
    assert (answer.status_code, answer["Location"]) == (302, reverse("publication:list"))
    assert PublishedResult.objects.get().withdrawn_at is not None


def test_the_list_is_refused_with_a_row_in_the_security_log(client, cast):
    assert page(client, cast.water_handler, "list").status_code == 403
    assert [row.kind for row in SecurityEvent.objects.filter(kind="refused")] == ["refused"]


@pytest.mark.parametrize(("view", "queries"), [("", 8), ("waiting", 8)])
def test_lists_cost_the_same_for_one_and_three_rows(client, cast, view, queries, django_assert_num_queries):
    def add():
        draft(cast)
        Story(cast).to_closed()

    add()
    page(client, cast.publisher, "list", view=view)
    with django_assert_num_queries(queries):
        client.get(reverse("publication:list"), {"view": view})
    add()
    add()
    with django_assert_num_queries(queries):
        html = client.get(reverse("publication:list"), {"view": view}).content.decode()
    assert html.count("<tr>") == 4


def test_pub_45_closed_cases_wait_until_somebody_decides(client, cast):
    story = closed_story(cast)
    Story(cast).to_reply()
    html = page(client, cast.publisher, "list", view="waiting").content.decode()
    assert re.findall(r"/desk/publications/cases/([^/]+)/", html) == [story.case.number]
    refused = post(client, cast.publisher, "decide", story.case.number, publish="no", note="待定")
    assert refused.status_code == 422
    assert "待定" in refused.content.decode()
    answer = post(client, cast.publisher, "decide", story.case.number, publish="no", reason="secrecy")
    assert answer.status_code == 302
    assert PublicationDecision.objects.get().reason == "secrecy"
    assert "/desk/publications/cases/" not in page(client, cast.publisher, "list", view="waiting").content.decode()
    answer = post(client, cast.publisher, "decide", story.case.number, publish="yes")
    assert answer["Location"] == reverse("publication:detail", args=[Publication.objects.get().number])


def test_pub_45_only_composers_decide_and_only_on_cases_they_see(client, cast):
    story, open_story = closed_story(cast), Story(cast).accept()
    assert post(client, cast.coordinator, "decide", story.case.number, publish="yes").status_code == 403
    assert post(client, cast.publisher, "decide", open_story.case.number, publish="yes").status_code == 404
    assert not Publication.objects.exists()


def test_pub_45_the_case_page_asks_and_then_leads_to_the_publication(cast, client):
    story = closed_story(cast)
    asked = [
        panel
        for panel in panels.case_panels(story.case, cast.publisher)
        if panel.template == "publication/case_panel.html"
    ]
    assert asked[0].context["decide_form"] is not None
    assert [
        panel for panel in panels.case_panels(story.case, cast.water_handler) if "publication/" in panel.template
    ] == []
    publication = draft(cast, story)
    client.force_login(cast.publisher)
    html = client.get(f"/desk/cases/{story.case.number}/").content.decode()
    assert reverse("publication:detail", args=[publication.number]) in html


# --- The composer -------------------------------------------------------------------------------


def test_pub_03_10_13_remarks_stand_at_their_element_with_fixes(client, cast):
    publication = draft(cast, improvement="尽快更换老旧管道。有关部门每月巡查。", result="水费减免 986 户。", cause="")
    html = page(client, cast.publisher, "detail", publication.number).content.decode()
    part = dict(re.findall(r'id="element-(\w+)"(.*?)(?=id="element-|<section)', html, re.S))
    assert 'value="improvement|尽快|2027 年 3 月 31 日前"' in part["improvement"]
    assert 'value="improvement|有关部门|供水集团"' in part["improvement"]
    assert "“986 户”" in part["result"]
    assert re.search("tag-bad", part["cause"])
    assert html.count('class="on"') == 3


def test_pub_10_a_fix_writes_the_date_and_keeps_what_was_typed(client, cast):
    publication = draft(cast, improvement="尽快更换老旧管道。")
    data = texts(
        publication,
        result="刚写的字",
        improvement="我们尽快更换老旧管道。",
        fix="improvement|尽快|2027 年 3 月 31 日前",
    )
    assert post(client, cast.publisher, "fix", publication.number, **data).status_code == 302
    saved = fresh(publication)
    assert (saved.improvement, saved.result) == ("我们2027 年 3 月 31 日前更换老旧管道。", "刚写的字")


def test_pub_02_empty_elements_are_drafted_again_from_the_records_and_what_is_written_stays(client, cast):
    publication = draft(cast, improvement="", subject="")
    data = texts(publication, cause="改过的事由。", fix="records")
    assert post(client, cast.publisher, "fix", publication.number, **data).status_code == 302
    saved = fresh(publication)
    measure = saved.improvements.get()
    assert measure.what in saved.improvement
    assert measure.department.name in saved.improvement
    assert saved.subject == "张某"
    assert (saved.cause, saved.result) == ("改过的事由。", publication.result)


def test_a_fix_that_was_not_offered_changes_no_word(client, cast):
    publication = draft(cast, improvement="尽快更换老旧管道。")
    post(client, cast.publisher, "fix", publication.number, **texts(publication, fix="improvement|尽快|明天"))
    assert fresh(publication).improvement == "尽快更换老旧管道。"


def test_s13_saving_over_somebody_elses_change_shows_both_and_saves_nothing(client, cast):
    publication = draft(cast)
    old = texts(publication, result="我写的结果")
    transitions.edit(publication.pk, by=cast.publisher2, result="别人写的结果")
    answer = post(client, cast.publisher, "save", publication.number, **old)
    html = answer.content.decode()
    assert answer.status_code == 409
    assert re.search(r'<textarea[^>]*name="result"[^>]*>\s*我写的结果</textarea>', html)
    assert "<dd>别人写的结果</dd>" in html
    assert fresh(publication).result == "别人写的结果"
    version = re.search(r'name="version" value="(\d+)"', html)[1]
    assert post(client, cast.publisher, "save", publication.number, **old | {"version": version}).status_code == 302
    assert fresh(publication).result == "我写的结果"


def test_wrong_input_is_told_at_the_field_and_nothing_typed_is_lost(client, cast):
    publication = draft(cast)
    data = texts(publication, title="长" * 81, publish_until="2020-01-01T09:00", cause="新写的事由")
    answer = post(client, cast.publisher, "save", publication.number, **data)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "新写的事由" in html
    assert 'href="#id_title"' in html
    answer = post(client, cast.publisher, "save", publication.number, **data | {"title": "短"})
    assert answer.status_code == 422
    assert 'href="#id_publish_until"' in answer.content.decode()
    assert fresh(publication).cause == TEXTS["cause"]


def test_only_measures_of_the_own_case_can_be_chosen(client, cast):
    publication, other = draft(cast), draft(cast)
    data = texts(publication, improvements=[other.improvements.get().pk])
    assert post(client, cast.publisher, "save", publication.number, **data).status_code == 422


def test_row_42_checkers_read_and_do_not_write(client, cast):
    publication = draft(cast)
    html = page(client, cast.publication_checker, "detail", publication.number).content.decode()
    assert "<textarea" not in html
    assert post(client, cast.publication_checker, "save", publication.number, **texts(publication)).status_code == 403
    assert (
        post(
            client,
            cast.publication_checker,
            "mask",
            publication.number,
            version=publication.version,
            field="cause",
            words="停水",
        ).status_code
        == 403
    )
    assert SecurityEvent.objects.filter(kind="refused").count() == 2
    assert fresh(publication).version == publication.version


# --- Redactions -----------------------------------------------------------------------------------


def test_pub_14_16_original_and_public_version_stand_side_by_side(client, cast):
    publication = draft(cast, cause="投诉人张桂芳来电 13800002417。")
    html = page(client, cast.publisher, "detail", publication.number).content.decode()
    assert re.search(r'data-type="name" data-number="\d+">张桂芳</span>', html)
    assert '<b class="rd-out">138****2417</b>' in html


def test_pr_10_words_after_an_emoji_are_masked_at_their_code_points(client, cast):
    publication = draft(cast, cause="😀😀病人王小二住院，王小二的邻居也停水。")
    known = {(span.start, span.end) for span in publication.spans.filter(field="cause")}
    words = "住院"
    assert (
        post(
            client, cast.publisher, "mask", publication.number, version=publication.version, field="cause", words=words
        ).status_code
        == 302
    )
    added = {(span.start, span.end) for span in publication.spans.filter(field="cause")} - known
    assert added == {(7, 9)}
    assert content.snapshot(fresh(publication))["cause"].startswith("😀😀病人")
    assert words not in content.snapshot(fresh(publication))["cause"]


def test_typed_words_are_masked_everywhere_and_a_selection_only_there(client, cast):
    publication = draft(cast, cause="老年病停水，老年病缺药，老年病住院。")
    first = {
        "version": publication.version,
        "field": "cause",
        "words": "老年病",
        "start": 6,
        "end": 9,
        "replacement": "困难",
    }
    post(client, cast.publisher, "mask", publication.number, **first)
    assert content.snapshot(fresh(publication))["cause"] == "老年病停水，困难缺药，老年病住院。"
    post(
        client,
        cast.publisher,
        "mask",
        publication.number,
        version=fresh(publication).version,
        field="cause",
        words="老年病",
    )
    assert content.snapshot(fresh(publication))["cause"] == "〔已隐去〕停水，困难缺药，〔已隐去〕住院。"


def test_words_that_are_not_there_are_refused_at_the_field(client, cast):
    publication = draft(cast)
    answer = post(
        client, cast.publisher, "mask", publication.number, version=publication.version, field="cause", words="没有的词"
    )
    assert answer.status_code == 422
    assert 'value="没有的词"' in answer.content.decode()


def test_pr_13_keeping_needs_a_reason_and_known_identity_is_never_kept(client, cast):
    publication = draft(cast, cause="投诉人张桂芳来电。张大妈说停水。来电 13912345678。")
    identity = publication.spans.filter(field="cause", source="identity").first()
    other = publication.spans.filter(field="cause", source="pattern").first()
    data = {"version": publication.version, "keep": "1"}
    refused = post(client, cast.publisher, "span", publication.number, other.pk, **data)
    assert refused.status_code == 422
    assert f'id="error-{other.pk}"' in refused.content.decode()
    refused = post(client, cast.publisher, "span", publication.number, identity.pk, **data, reason="可以")
    assert refused.status_code == 422
    assert (
        post(client, cast.publisher, "span", publication.number, other.pk, **data, reason="单位电话").status_code == 302
    )
    assert "13912345678" in content.snapshot(fresh(publication))["cause"]
    stale = post(client, cast.publisher, "span", publication.number, other.pk, version=publication.version, keep="0")
    assert stale.status_code == 409


def test_pub_13_a_figure_is_tied_to_its_record(client, cast):
    publication = draft(cast, result="水费减免 986 户。")
    data = {"version": publication.version, "field": "result", "figure": "986 户"}
    assert post(client, cast.publisher, "figure", publication.number, **data).status_code == 422
    assert (
        post(
            client, cast.publisher, "figure", publication.number, **data | {"figure": "1 户", "evidence": "x"}
        ).status_code
        == 404
    )
    assert post(client, cast.publisher, "figure", publication.number, **data, evidence="10 月账单").status_code == 302
    assert FigureEvidence.objects.get(field="result").evidence == "10 月账单"
    assert "10 月账单" in page(client, cast.publisher, "detail", publication.number).content.decode()


# --- Signatures and actions -----------------------------------------------------------------------


def act(client, user, publication: Publication, action: str, **data):
    return post(client, user, "action", publication.number, action, **{"version": fresh(publication).version} | data)


def test_pub_12_18_from_draft_to_public_through_the_pages(client, cast):
    publication = draft(cast)
    signed = content.content_hash(publication)
    steps = [
        (cast.publisher, "submit", {}),
        (cast.publication_checker, "first_check", {"content_hash": signed}),
        (cast.publication_checker2, "second_check", {"content_hash": signed}),
        (cast.counsel, "pass_masking", {"content_hash": signed}),
        (cast.publisher2, "publish", {}),
    ]
    for user, action, data in steps:
        assert page(client, user, "action", publication.number, action).status_code == 200
        assert act(client, user, publication, action, **data).status_code == 302
    result = PublishedResult.objects.get()
    assert result.content_hash == signed
    html = page(client, cast.publisher, "detail", publication.number).content.decode()
    assert [name in html for name in ("罗晴", "章宁", "梁静怡")] == [True] * 3
    public = client.get(f"/results/{result.public_id}/").content.decode()
    assert [name in public for name in ("罗晴", "章宁", "梁静怡")] == [False] * 3


def test_pub_12_the_page_says_why_one_cannot_sign(client, cast):
    publication = draft(cast)
    transitions.submit(publication.pk, by=cast.publisher)
    transitions.first_check(publication.pk, by=cast.publication_checker)
    html = page(client, cast.publication_checker, "detail", publication.number).content.decode()
    assert re.search("不能再做复核|third person", html)
    assert "actions/second_check/" not in html
    assert (
        "actions/second_check/"
        in page(client, cast.publication_checker2, "detail", publication.number).content.decode()
    )
    refused = act(
        client, cast.publication_checker, publication, "second_check", content_hash=content.content_hash(publication)
    )
    assert refused.status_code == 403
    assert re.search("不能再做复核|third person", refused.content.decode())
    assert fresh(publication).second_checker is None


def test_s13_signing_what_changed_meanwhile_is_refused_and_shows_the_new_text(client, cast):
    publication = draft(cast)
    transitions.submit(publication.pk, by=cast.publisher)
    seen = {
        "version": fresh(publication).version,
        "content_hash": content.content_hash(fresh(publication)),
        "note": "核对过日志",
    }
    transitions.edit(publication.pk, by=cast.publisher, result="改过的结果。")
    transitions.submit(publication.pk, by=cast.publisher)
    answer = act(client, cast.publication_checker, publication, "first_check", **seen)
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "改过的结果。" in html
    assert "核对过日志" in html
    assert fresh(publication).first_checker is None
    again = dict(re.findall(r'name="(version|content_hash)" value="([^"]+)"', html))
    assert (
        act(client, cast.publication_checker, publication, "first_check", **again, note="核对过日志").status_code == 302
    )


def test_a_signature_without_the_content_it_signs_is_refused(client, cast):
    publication = draft(cast)
    transitions.submit(publication.pk, by=cast.publisher)
    assert act(client, cast.publication_checker, publication, "first_check").status_code == 422


def test_an_incomplete_draft_is_sent_back_to_its_fields(client, cast):
    publication = draft(cast, improvement="尽快改。")
    answer = act(client, cast.publisher, publication, "submit")
    assert answer.status_code == 422
    assert 'href="#element-improvement"' in answer.content.decode()
    assert fresh(publication).status == "draft"


@pytest.mark.parametrize(("action", "field"), [("return_to_author", "reason"), ("take_down", "reason")])
def test_a_reason_is_asked_for(client, cast, action, field):
    publication = draft(cast)
    approved(publication, cast) if action == "return_to_author" else posted(publication, cast)
    answer = act(client, cast.counsel2, publication, action)
    assert answer.status_code == 422
    assert f'href="#id_{field}"' in answer.content.decode()
    assert act(client, cast.counsel2, publication, action, reason="写错了部门").status_code == 302


def test_a_step_out_of_order_is_refused(client, cast):
    publication = draft(cast)
    assert act(client, cast.publisher2, publication, "publish").status_code == 409
    assert page(client, cast.publisher, "action", publication.number, "nonsense").status_code == 404
    assert not PublishedResult.objects.exists()


def test_pr_18_composing_again_opens_a_new_draft(client, cast):
    publication = draft(cast)
    posted(publication, cast)
    transitions.take_down(publication.pk, by=cast.publisher, reason="投诉人要求")
    answer = act(client, cast.publisher, publication, "compose_again")
    new = Publication.objects.exclude(pk=publication.pk).get()
    assert (answer["Location"], new.status) == (reverse("publication:detail", args=[new.number]), "draft")


def test_pr_19_preview_is_the_public_page_and_kept_by_nobody(client, cast):
    publication = draft(cast, cause="投诉人张桂芳来电，停水。")
    answer = page(client, cast.publisher, "preview", publication.number)
    preview = answer.content.decode()
    assert (answer["Cache-Control"], answer["X-Robots-Tag"]) == ("no-store", "noindex, nofollow, noarchive")
    assert "张桂芳" not in preview
    result = posted(publication, cast)
    public = client.get(f"/results/{result.public_id}/").content.decode()
    sections = [re.findall(r'<section class="elem">.*?</section>', html, re.S) for html in (preview, public)]
    assert sections[0] == sections[1]
    assert len(sections[0]) == 6
    poster = page(client, cast.publisher, "preview_poster", publication.number, size="a3")
    assert ('data-size="a3"' in poster.content.decode(), poster["Cache-Control"]) == (True, "no-store")


# --- The API ----------------------------------------------------------------------------------------


def api(client, user, method: str, path: str, data=None, **headers):
    client.force_login(user)
    return getattr(client, method)(
        f"/api/v1/publications/{path}", data, content_type="application/json", headers=headers
    )


def test_api_lists_details_and_actions_follow_the_pages(client, cast):
    publication = draft(cast)
    rows = api(client, cast.publisher, "get", "").json()["results"]
    assert [(row["number"], row["status"]) for row in rows] == [(publication.number, "draft")]
    detail = api(client, cast.publisher, "get", f"{publication.number}/").json()
    assert detail["allowed_actions"] == ["edit", "decide_span", "submit", "abandon"]
    assert detail["content_hash"] == content.content_hash(publication)
    done = api(
        client, cast.publisher, "post", f"{publication.number}/actions/submit/", {"version": publication.version}
    )
    assert (done.status_code, done.json()["status"]) == (200, "first_check")
    stale = api(
        client,
        cast.publication_checker,
        "post",
        f"{publication.number}/actions/first_check/",
        {"version": publication.version, "content_hash": detail["content_hash"]},
    )
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")


def test_api_refuses_like_the_pages(client, cast):
    publication = draft(cast)
    path = f"{publication.number}/actions/"
    assert client.get("/api/v1/publications/").status_code == 401
    assert api(client, cast.intake, "get", "").status_code == 403
    assert api(client, cast.intake, "get", f"{publication.number}/").status_code == 404
    assert api(client, cast.publication_checker, "post", f"{path}submit/", {}).status_code == 403
    assert api(client, cast.publisher, "post", f"{path}nonsense/", {}).status_code == 404
    unknown = api(client, cast.publisher, "post", f"{path}edit/", {"status": "posted"})
    assert (unknown.status_code, list(unknown.json())) == (400, ["status"])
    incomplete = api(client, cast.publisher, "post", f"{path}edit/", {"improvement": "尽快改。"})
    assert incomplete.status_code == 200
    assert list(api(client, cast.publisher, "post", f"{path}submit/", {}).json()) == ["improvement"]
    assert fresh(publication).status == "draft"


def test_api_same_idempotency_key_acts_once(client, cast):
    publication = draft(cast)
    path, body = f"{publication.number}/actions/edit/", {"result": "罚款。"}
    answers = [api(client, cast.publisher, "post", path, body, **{"Idempotency-Key": "k1"}) for _ in range(3)]
    assert [answer.json() for answer in answers] == [answers[0].json()] * 3
    assert fresh(publication).version == publication.version + 1
    other = api(client, cast.publisher, "post", path, {"result": "别的。"}, **{"Idempotency-Key": "k1"})
    assert other.status_code == 409


@pytest.mark.django_db(transaction=True)
def test_selected_words_reach_the_server_in_code_points(live_server, page, cast):
    """PR-10: the browser counts UTF-16 units, the server code points."""
    from django.test import Client

    publication = draft(cast, cause="😀老年病停水，老年病缺药。")
    client = Client()
    client.force_login(cast.publisher)
    session = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page.goto(live_server.url + reverse("publication:detail", args=[publication.number]))
    page.evaluate(
        """() => {
          const text = document.querySelector('[data-mask-text="cause"]').lastChild;
          const at = text.data.lastIndexOf('老年病');
          document.getSelection().setBaseAndExtent(text, at, text, at + 3);
        }"""
    )
    page.wait_for_function("document.querySelector('[data-mask-form]').elements.start.value !== ''")
    page.locator("[data-mask-form] button").click()
    page.wait_for_url("**#redactions")
    added = publication.spans.get(source="person")
    assert (added.start, added.end) == (7, 10)  # 8 and 11 in UTF-16 units


@pytest.mark.django_db(transaction=True)
def test_redactions_are_decided_with_the_keyboard_alone(live_server, page, cast):
    """J goes to the next place, Enter masks it, X asks why the words stay; the next J goes on from there (PUB-19)."""
    from django.test import Client

    publication = draft(cast, cause="住在文三路的住户说，江南大道也停水，人民路没有停水。")
    spans = list(publication.spans.filter(field="cause", decision="pending"))
    assert len(spans) == 3
    client = Client()
    client.force_login(cast.publisher)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    page.goto(live_server.url + reverse("publication:detail", args=[publication.number]))
    rows = page.locator("#redactions tbody tr")
    first = [rows.nth(place).get_attribute("id") for place in range(rows.count())].index(f"span-{spans[0].pk}")
    for _ in range(first + 1):
        page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**#span-{spans[0].pk}")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**#span-{spans[1].pk}")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.locator(f"#reason-{spans[2].pk}").fill("道路名，不指向个人")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**#span-{spans[2].pk}")
    decided = dict(publication.spans.filter(field="cause").values_list("pk", "decision"))
    assert [decided[span.pk] for span in spans] == ["accepted", "accepted", "kept"]


@pytest.mark.django_db(transaction=True)
def test_a_decision_is_turned_round_words_are_chosen_and_the_draft_is_submitted_by_keyboard(live_server, page, cast):
    """From place to place, masked, kept after all, an emoji and one of two equal words chosen, submitted: no mouse."""
    from django.test import Client

    publication = draft(cast, cause="😀老年病停水，老年病缺药，江南大道也停水。")
    road = publication.spans.filter(field="cause", decision="pending").get()
    transitions.decide_span(publication.pk, by=cast.publisher, span_id=road.pk, keep=True, reason="路名")
    client = Client()
    client.force_login(cast.publisher)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    page.goto(live_server.url + reverse("publication:detail", args=[publication.number]) + f"#span-{road.pk}")
    keys = page.keyboard

    def until(selector: str) -> None:
        for _ in range(200):
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
            keys.press("Tab")
        raise AssertionError(f"the keyboard does not reach {selector}")

    rows = page.locator("#redactions tbody tr")
    place = [rows.nth(at).get_attribute("id") for at in range(rows.count())].index(f"span-{road.pk}")
    # The row of the address is the one from which J and K go on.
    keys.press("k" if place else "j")
    if place:
        keys.press("j")
    with page.expect_navigation():
        keys.press("Enter")
    road.refresh_from_db()
    assert road.decision == "accepted"
    keys.press("k" if place else "j")
    if place:
        keys.press("j")
    keys.press("x")
    until(f"#reason-{road.pk}")
    keys.type("道路名，不指向个人")
    with page.expect_navigation():
        keys.press("Enter")
    road.refresh_from_db()
    assert (road.decision, road.reason) == ("kept", "道路名，不指向个人")

    until('[data-mask-text="cause"]')
    for _ in range(8):
        keys.press("ArrowRight")  # the emoji is one of them
    for _ in range(2):
        keys.press("Shift+ArrowRight")
    page.wait_for_function("document.querySelector('[data-mask-form]').elements.words.value === '老年病'")
    keys.press("Enter")
    with page.expect_navigation():
        keys.press("Enter")
    added = publication.spans.get(source="person")
    assert (added.field, added.start, added.end) == ("cause", 7, 10)
    assert page.locator("#redactions").inner_text().count("〔已隐去〕") >= 1

    until(f'a[href$="/{publication.number}/actions/submit/"]')
    with page.expect_navigation():
        keys.press("Enter")
    until("main .form-actions button")
    with page.expect_navigation():
        keys.press("Enter")
    assert fresh(publication).status == "first_check"


@pytest.mark.django_db(transaction=True)
def test_the_keyboard_never_leaves_nor_changes_an_original(live_server, page, cast):
    """Its first and last characters are walls, and letters typed over a choice do nothing (PR-02)."""
    from django.test import Client

    publication = draft(cast, cause="停水两天。")
    client = Client()
    client.force_login(cast.publisher)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    page.goto(live_server.url + reverse("publication:detail", args=[publication.number]))
    text = page.locator('[data-mask-text="cause"]')
    text.focus()
    chosen = "document.getSelection().toString()"
    for key, words in [
        ("ArrowRight", "停"),
        ("ArrowLeft", "停"),
        ("End", "。"),
        ("ArrowRight", "。"),
        ("Shift+ArrowRight", "。"),
        ("Home", "停"),
        ("Shift+End", "停水两天。"),
        ("ArrowLeft", "停"),
        ("Backspace", "停"),
        ("y", "停"),
    ]:
        page.keyboard.press(key)
        assert page.evaluate(chosen) == words, key
    assert text.inner_text() == "停水两天。"
