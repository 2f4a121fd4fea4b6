"""Answers without a person, tips for the public, suggested replies, typical cases (KB-05, 07, 08, 13; SLA-16)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.errors import InvalidInput
from complaints import knowledge, reply_suggestions, self_service, throttle, transitions
from complaints.models import Article, ArticleReceipt, Complaint, ReplyTemplate, SelfServiceDay, Training
from complaints.states import ArticleKind
from complaints.tests.factories import Story, category

pytestmark = pytest.mark.django_db


def in_use(cast, **changes) -> Article:
    """An article of today, written by the coordinator and approved by the quality checker."""
    values = {
        "kind": ArticleKind.FAQ, "title": "小区停水怎么办", "body": "先查停水公告，再拨打抢修电话。",
        "category": category(),
        "owner": cast.coordinator, "valid_until": timezone.localdate() + timedelta(days=365), "is_public": True,
        **changes,
    }  # fmt: skip
    row = knowledge.create(by=cast.coordinator, **values)
    knowledge.publish(row.pk, version=row.version, by=cast.checker)
    knowledge.forget()
    return Article.objects.get(pk=row.pk)


def tip(cast, **changes) -> Article:
    values = {"kind": ArticleKind.EDUCATION, "title": "冬季怎样防水管冻裂", "body": "夜里关上总阀，放空水管。"}
    return in_use(cast, **{**values, **changes})


# --- Tips for the public (KB-07) ----------------------------------------------------------------------
def test_kb_07_tips_stand_on_the_help_page_and_in_the_sitemap_once_approved_and_public(cast, client):
    row = tip(cast)
    hidden = tip(cast, title="内部提示", is_public=False)
    page = client.get(reverse("public:help"))
    assert row.title in page.content.decode()
    assert hidden.title not in page.content.decode()
    shown = client.get(reverse("public:help_article", args=[row.number]))
    assert "夜里关上总阀" in shown.content.decode()
    assert shown["Cache-Control"] == "public, max-age=60"
    assert not shown.cookies
    assert client.get(reverse("public:help_article", args=[hidden.number])).status_code == 404
    listed = client.get(reverse("public:help_sitemap")).content.decode()
    assert row.number in listed
    assert hidden.number not in listed
    assert reverse("public:help_sitemap") in client.get("/robots.txt").content.decode()
    assert not client.get(reverse("public:help")).cookies, "the same for every reader"


def test_kb_07_only_questions_and_tips_can_be_public(cast):
    with pytest.raises(InvalidInput) as refused:
        in_use(cast, kind=ArticleKind.GUIDE)
    assert refused.value.field == "is_public"


# --- Asking (KB-08, SLA-16) ---------------------------------------------------------------------------
class _Assistant(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append(asked)  # type: ignore[attr-defined]
        links = [{"title": "公告", "url": "https://water.example.cn/"}, {"title": "坏", "url": "javascript:alert(1)"}]
        body = json.dumps({"answer": "<b>明早</b>恢复供水", "links": links}).encode()
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def assistant(settings) -> Iterator[SimpleNamespace]:
    server = HTTPServer(("127.0.0.1", 0), _Assistant)
    server.seen, server.status = [], 200  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings.ASSISTANT_URL = f"http://127.0.0.1:{server.server_port}/ask"
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def ask(client, question, **changes):
    return client.post(reverse("public:help_ask"), f"question={question}", **{
        "content_type": "application/x-www-form-urlencoded", **changes,
    })  # fmt: skip


def test_sla_16_a_question_is_answered_from_the_articles_and_counted_apart_from_cases(cast, client):
    in_use(cast)
    answer = ask(client, "我家小区停水了")
    assert "先查停水公告" in answer.content.decode()
    assert (answer["Cache-Control"], answer["X-Robots-Tag"]) == ("no-store", "noindex")
    assert not answer.cookies
    ask(client, "怎样申请护照")
    row = SelfServiceDay.objects.get(source="faq")
    assert (row.asked, row.answered, row.day) == (2, 1, timezone.localdate())
    assert not Complaint.objects.exists()
    client.force_login(cast.intake)
    page = client.get(reverse("complaints:self_service"))
    figure = page.context["figures"][0]
    assert (figure.asked, figure.answered, figure.share) == (2, 1, 50)
    assert figure.seconds is not None
    assert figure.seconds < 2, "in seconds"


def test_kb_08_without_an_address_there_is_no_assistant_and_a_person_is_always_named(cast, client):
    text = ask(client, "停水").content.decode()
    assert reverse("public:complain") in text
    assert not SelfServiceDay.objects.filter(source="assistant").exists()
    assert 'name="question"' in client.get(reverse("public:help")).content.decode()


def test_kb_08_the_assistant_gets_no_numbers_and_its_words_are_marked_and_plain(cast, client, assistant):
    answer = ask(client, "我的电话 13800002417 邮箱 a@b.cn 身份证 11010519491231002X，停水多久")
    sent = assistant.seen[0]["question"]
    for private in ("13800002417", "a@b.cn", "11010519491231002X"):
        assert private not in sent
    assert "停水多久" in sent
    text = answer.content.decode()
    assert "&lt;b&gt;明早&lt;/b&gt;恢复供水" in text
    assert "https://water.example.cn/" in text
    assert "javascript:alert" not in text
    assert 'id="assistant"' in text
    row = SelfServiceDay.objects.get(source="assistant")
    assert (row.asked, row.answered) == (1, 1)


def test_kb_08_a_broken_assistant_takes_nothing_away(cast, client, assistant):
    in_use(cast)
    assistant.status = 500
    text = ask(client, "小区停水").content.decode()
    assert "先查停水公告" in text
    assert SelfServiceDay.objects.get(source="assistant").answered == 0


def test_kb_08_bad_input_other_sites_and_floods_are_refused(client, monkeypatch):
    assert ask(client, "").status_code == 422
    assert ask(client, "x" * 400).status_code == 422
    assert ask(client, "停水", content_type="text/plain").status_code == 422
    assert ask(client, "停水", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    monkeypatch.setattr(self_service, "ASKED_BY_ADDRESS", throttle.Limit("asked-address", 1, throttle.HOUR))
    assert [ask(client, "停水").status_code for _ in range(2)] == [200, 429]
    assert client.get(reverse("public:help_ask"), {"question": "停水"}).status_code == 200, "an address asks nothing"


def test_sla_16_the_look_up_counts_too(client):
    client.post(reverse("public:lookup"), {"number": "AB-1234", "digits": "0417"})
    row = SelfServiceDay.objects.get(source="lookup")
    assert (row.asked, row.answered) == (1, 0)


# --- Suggested replies (KB-05) ------------------------------------------------------------------------
RESULT = "张桂芳女士：已于11月17日修复，订单 20261116001 已退款，电话 13800002417 已回访。"


@pytest.fixture
def open_case(cast) -> Story:
    done = Story(cast).accept().assign().start()
    transitions.submit_for_check(
        done.pk, by=cast.water_handler, process=f"查了 {done.case.number} 的抢修日志", result=RESULT
    )
    done.reply().call_back().close()
    unhappy = Story(cast, subject="槐荫里小区停水超过两天").accept().assign().start().submit().reply()
    unhappy.call_back(satisfaction="dissatisfied")
    return Story(cast, name="李四", phone="13900001111", email="").accept().assign().start()


def test_kb_05_like_cases_are_proposed_without_their_people_and_never_inserted_unasked(open_case, cast, client):
    ReplyTemplate.objects.create(code="own", name="停水答复", category=category(), result="您好，{number}：{写明结果}")
    client.force_login(cast.water_handler)
    number = open_case.case.number
    form_page = client.get(reverse("complaints:action", args=[number, "submit_for_check"]))
    assert form_page.context["form"]["result"].value() in (None, "")
    page = client.get(reverse("complaints:reply_suggestions", args=[number]))
    proposed = page.context["proposed"]
    assert [row.is_case for row in proposed] == [False, True]
    text = page.content.decode()
    for private in ("张桂芳", "13800002417", "20261116001", "11月17日"):
        assert private not in text.replace(proposed[1].source, "")
    chosen = client.get(
        reverse("complaints:action", args=[number, "submit_for_check"]), {"suggestion": proposed[1].key}
    )
    filled = chosen.context["form"]
    assert filled["result"].value().startswith(reply_suggestions.CHECK)
    assert number in filled["process"].value(), "the own number, not that of the other case"
    unknown = client.get(reverse("complaints:action", args=[number, "submit_for_check"]), {"suggestion": "case:x"})
    assert unknown.context["form"]["result"].value() in (None, "")


def test_kb_05_an_untouched_suggestion_cannot_be_sent(open_case, cast, client):
    client.force_login(cast.water_handler)
    found = reply_suggestions.for_case(open_case.case, cast.water_handler, at=timezone.now())[0]
    answer = client.post(
        reverse("complaints:action", args=[open_case.case.number, "submit_for_check"]),
        {"version": open_case.case.version, "process": found.process, "result": found.result},
    )
    assert answer.status_code == 422
    assert not open_case.case.replies.exists()


def test_kb_05_only_who_may_draft_and_see_the_other_case_gets_it(open_case, cast, client):
    client.force_login(cast.auditor)
    address = reverse("complaints:reply_suggestions", args=[open_case.case.number])
    assert client.get(address).status_code == 403
    client.force_login(cast.roads_handler)
    assert client.get(address).status_code == 404


# --- Typical cases (KB-13) ----------------------------------------------------------------------------
def test_kb_13_typical_cases_by_category_with_receipts_and_the_courses_that_used_them(cast, client):
    case = Story(cast).case
    row = in_use(
        cast, kind=ArticleKind.TYPICAL_CASE, title="停水答复拖延", body="值班人未回电，投诉升级。", is_public=False,
        case_numbers=case.number,
    )  # fmt: skip
    client.force_login(cast.intake)
    page = client.get(reverse("complaints:typical_cases"))
    assert row.title in page.content.decode()
    assert not page.context["groups"][0][1][0][0].is_read
    assert client.post(reverse("complaints:article_read", args=[row.number]), {"revision": 1}).status_code == 302
    assert ArticleReceipt.objects.get().user == cast.intake
    client.force_login(cast.coordinator)
    values = {"kind": "course", "title": "以案说法", "held_on": date(2026, 11, 20), "hours": "1.5", "pass_from": "60"}
    address = reverse("complaints:training_new")
    assert client.post(address, {**values, "cases": "ZS-209901-0001"}).status_code == 422
    assert client.post(address, {**values, "cases": row.number}).status_code == 302
    course = Training.objects.get()
    assert row.title in client.get(reverse("complaints:training", args=[course.pk])).content.decode()
    client.force_login(cast.intake)
    again = client.get(reverse("complaints:typical_cases"), {"category": category().code})
    article, courses = again.context["groups"][0][1][0]
    assert (article.is_read, article.readers, courses) == (True, 1, [course])
