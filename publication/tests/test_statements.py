"""Official statements (RISK-25): who writes, checks, passes, posts; what never gets out; what the public reads."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from complaints.models import CaseEvent, Complaint
from complaints.states import Audience
from complaints.tests.factories import Story, at
from publication import statements
from publication.models import Statement
from publication.states import StatementStatus

pytestmark = pytest.mark.django_db
TEXTS = {
    "title": "关于槐荫里停水的说明",
    "facts": "11 月 15 日早上主管道爆裂，槐荫里小区停水 26 小时。\n- 16 日上午 9 点恢复供水。",
    "apology": "停水前后没有及时告知居民，我们向大家道歉。",
    "cause": "管道使用 28 年，接口老化。",
    "remedy": "2026 年 12 月 20 日前更换这段管道，由管网运行部负责。",
    "contact": "投诉受理办公室，电话 8800 0123，邮箱 office@wanglan.example",
    "channels": "望澜市政务公众号",
}
NARRATIVE = "我家住在那里的孩子连着两天没水洗澡，独一句 QXNARRATIVEQX"


@pytest.fixture
def story(cast):
    return Story(cast, narrative=NARRATIVE).accept().assign().start()


@pytest.fixture
def draft(cast, story):
    return statements.draft([story.pk], by=cast.coordinator, **TEXTS)


def approved(draft, cast):
    statements.submit(draft.pk, by=cast.coordinator)
    statements.check(draft.pk, by=cast.checker)
    return statements.pass_legal(draft.pk, by=cast.counsel)


def posted(draft, cast):
    approved(draft, cast)
    return statements.publish(draft.pk, by=cast.publisher)


def public_path(statement):
    return f"/statements/{statement.public_id}/"


def signed_in(person):
    client = Client()
    client.force_login(person)
    return client


def act(person, statement, action, **data):
    version = Statement.objects.get(pk=statement.pk).version
    address = reverse("publication:statement_action", args=[statement.public_id, action])
    return signed_in(person).post(address, {"version": version, **data})


# --- The whole way --------------------------------------------------------------------------------


def test_risk_25_the_whole_way_through_the_pages(cast, story):
    """Written from the case, checked by a second, signed by legal, posted, read by everybody, taken down."""
    number = story.case.number
    writer = signed_in(cast.coordinator)
    case_page = writer.get(reverse("complaints:detail", args=[number])).content.decode()
    address = reverse("publication:statement_new") + f"?case={number}"
    assert address in case_page
    assert f'value="{number}"' in writer.get(address).content.decode()
    answer = writer.post(address, TEXTS | {"cases": number})
    statement = Statement.objects.get()
    assert answer.url == reverse("publication:statement", args=[statement.public_id])
    assert Client().get(public_path(statement)).status_code == 404
    for person, action in (
        (cast.coordinator, "submit"),
        (cast.checker, "check"),
        (cast.counsel, "pass_legal"),
        (cast.publisher, "publish"),
    ):
        assert act(person, statement, action).status_code == 302, action
    page = Client().get(public_path(statement)).content.decode()
    assert all(text in page for name, text in TEXTS.items() if name != "facts")
    assert "<li>16 日上午 9 点恢复供水。</li>" in page
    assert TEXTS["title"] in writer.get(reverse("complaints:detail", args=[number])).content.decode()
    assert act(cast.manager, statement, "take_down", reason="内容有误").status_code == 302
    assert Client().get(public_path(statement)).status_code == 410
    kinds = list(story.case.events.filter(kind__startswith="statement_").values_list("kind", "audience"))
    names = ("draft", "submit", "check", "pass_legal", "publish", "take_down")
    assert kinds == [(f"statement_{name}", Audience.OFFICE) for name in names]


def test_each_linked_case_has_one_row_of_what_was_posted_and_taken_down(cast, story):
    """The reason stands in both logs without the name of either complainant."""
    other = Story(cast, name="欧阳若兰", phone="13900007788")
    statement = statements.draft([story.pk, other.pk], by=cast.coordinator, **TEXTS)
    posted(statement, cast)
    statements.take_down(statement.pk, by=cast.manager, reason="欧阳若兰来电指出时间有误", at=at("2026-11-20 09:00"))
    for pk in (story.pk, other.pk):
        rows = CaseEvent.objects.filter(complaint=pk, reference=f"statement:{statement.public_id}")
        assert rows.filter(kind="statement_publish").count() == 1
        assert rows.get(kind="statement_take_down").note == "***来电指出时间有误"


# --- Separation of duties -----------------------------------------------------------------------


def test_the_author_neither_checks_nor_signs_nor_posts(cast, story):
    """Every right of the house is no help to whoever wrote it."""
    Complaint.objects.filter(pk=story.pk).update(risk_grade="high")
    statement = statements.draft([story.pk], by=cast.counsel, **TEXTS)
    statements.submit(statement.pk, by=cast.counsel)
    with pytest.raises(NotAllowed):
        statements.check(statement.pk, by=cast.counsel)
    statements.check(statement.pk, by=cast.checker)
    with pytest.raises(NotAllowed):
        statements.pass_legal(statement.pk, by=cast.counsel)
    statements.pass_legal(statement.pk, by=cast.counsel2)
    with pytest.raises(NotAllowed):
        statements.publish(statement.pk, by=cast.counsel)
    assert act(cast.counsel, statement, "publish").status_code == 403
    assert statements.publish(statement.pk, by=cast.manager).status == StatementStatus.POSTED


def test_whoever_checked_does_not_sign_for_legal(cast, draft):
    statements.submit(draft.pk, by=cast.coordinator)
    statements.check(draft.pk, by=cast.counsel)
    with pytest.raises(NotAllowed):
        statements.pass_legal(draft.pk, by=cast.counsel)
    assert statements.pass_legal(draft.pk, by=cast.counsel2).legal == cast.counsel2


def test_whoever_edited_it_counts_as_an_author(cast, draft):
    statements.edit(draft.pk, by=cast.publisher, cause="接口老化，又遇低温。")
    statements.submit(draft.pk, by=cast.coordinator)
    with pytest.raises(NotAllowed):
        statements.check(draft.pk, by=cast.publisher)
    statements.check(draft.pk, by=cast.publication_checker)
    statements.pass_legal(draft.pk, by=cast.counsel)
    with pytest.raises(NotAllowed):
        statements.publish(draft.pk, by=cast.publisher)
    statements.publish(draft.pk, by=cast.publisher2)


@pytest.mark.parametrize(
    ("person", "action"),
    [("intake", "submit"), ("reviewer", "check"), ("publisher", "pass_legal"), ("checker", "publish")],
)
def test_each_step_needs_its_right(cast, draft, person, action):
    with pytest.raises(NotAllowed):
        statements.ACTIONS[action](draft.pk, by=getattr(cast, person))


def test_the_table_itself_refuses_two_duties_of_one_person(cast, draft):
    for changes in ({"checker": cast.coordinator}, {"legal": cast.coordinator}, {"status": "posted"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Statement.objects.filter(pk=draft.pk).update(**changes)
    with pytest.raises(IntegrityError), transaction.atomic():
        Statement.objects.filter(pk=draft.pk).update(checker=cast.counsel, legal=cast.counsel)


def test_written_only_about_cases_the_person_sees(cast, story):
    """A publisher does not see an open case, a handler may not write at all."""
    with pytest.raises(InvalidInput) as refused:
        statements.draft([story.pk], by=cast.publisher, **TEXTS)
    assert refused.value.field == "cases"
    with pytest.raises(NotAllowed):
        statements.draft([story.pk], by=cast.water_handler, **TEXTS)
    with pytest.raises(InvalidInput):
        statements.draft([], by=cast.coordinator, **TEXTS)
    client = signed_in(cast.publisher)
    number = story.case.number
    assert client.get(reverse("publication:statement_new"), {"case": number}).status_code == 404
    answer = client.post(reverse("publication:statement_new"), TEXTS | {"cases": number})
    assert answer.status_code == 422
    assert "cases" in answer.context["form"].errors
    assert not Statement.objects.exists()


# --- Signatures ---------------------------------------------------------------------------------


def test_an_edit_voids_both_signatures(cast, draft):
    approved(draft, cast)
    row = statements.edit(draft.pk, by=cast.coordinator, remedy="2027 年 1 月 20 日前更换。")
    assert (row.status, row.checker, row.legal, row.signed_hash) == (StatementStatus.DRAFT, None, None, "")
    with pytest.raises(IllegalTransition):
        statements.publish(draft.pk, by=cast.publisher)


def test_words_changed_behind_the_signatures_are_not_posted(cast, draft):
    approved(draft, cast)
    Statement.objects.filter(pk=draft.pk).update(remedy="别的措施。")
    answer = act(cast.publisher, draft, "publish")
    assert answer.status_code == 409
    assert Client().get(public_path(draft)).status_code == 404


def test_given_back_with_a_reason_that_the_author_reads(cast, draft):
    approved(draft, cast)
    assert act(cast.counsel, draft, "give_back", reason=" ").status_code == 422
    assert act(cast.counsel, draft, "give_back", reason="措施没有日期").status_code == 302
    row = Statement.objects.get(pk=draft.pk)
    assert (row.status, row.checker, row.legal, row.signed_hash) == (StatementStatus.DRAFT, None, None, "")
    page = signed_in(cast.coordinator).get(reverse("publication:statement", args=[draft.public_id])).content.decode()
    assert "措施没有日期" in page


def test_a_stale_page_changes_nothing_and_keeps_what_was_typed(cast, draft):
    address = reverse("publication:statement_edit", args=[draft.public_id])
    client = signed_in(cast.coordinator)
    values = TEXTS | {"version": draft.version, "cases": ""}
    assert client.post(address, values | {"cause": "第一次改"}).status_code == 302
    answer = client.post(address, values | {"cause": "第二次改"})
    assert answer.status_code == 409
    assert "第二次改" in answer.content.decode()
    assert Statement.objects.get(pk=draft.pk).cause == "第一次改"
    with pytest.raises(StaleVersion):
        statements.submit(draft.pk, by=cast.coordinator, version=1)
    assert client.post(address, values | {"cause": "第二次改", "version": 2}).status_code == 302


def test_the_wrong_state_answers_409_on_every_page(cast, draft):
    assert act(cast.publisher, draft, "publish").status_code == 409
    posted(draft, cast)
    for action in ("submit", "check", "give_back"):
        person = cast.coordinator2 if action == "submit" else cast.publication_checker
        assert act(person, draft, action, reason="晚了").status_code == 409, action
    address = reverse("publication:statement_edit", args=[draft.public_id])
    assert signed_in(cast.coordinator).get(address).status_code == 409
    assert act(cast.coordinator, draft, "unknown").status_code == 404


# --- What must not get out ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "words", "secret"),
    [
        ("facts", "有位居民（电话１３８０００Ｏ２４１７）反映停水。", "１３８０００Ｏ２４１７"),
        ("apology", "我们向张 桂 芳道歉。", "张 桂 芳"),
        ("cause", "柳桥三村12幢2单元401的水表坏了。", "12幢2单元401"),
        ("contact", "zhang@example.cn", "zhang@example.cn"),
        ("remedy", "详情请打 13912345678。", "13912345678"),
        ("channels", "身份证 11010519491231002X", "11010519491231002X"),
    ],
)
def test_risk_25_what_identifies_somebody_is_refused_at_its_field(cast, story, field, words, secret):
    """PR-09: known identities in any spelling and unmasked patterns; the message says the kind, never the value."""
    statement = statements.draft([story.pk], by=cast.coordinator, **TEXTS | {field: words})
    with pytest.raises(InvalidInput) as refused:
        statements.submit(statement.pk, by=cast.coordinator)
    assert refused.value.field == field
    assert secret not in str(refused.value)
    answer = act(cast.coordinator, statement, "submit")
    assert answer.status_code == 422
    name, label, message = answer.context["found"]
    assert (name, secret in message) == (field, False)
    assert str(label) in answer.content.decode()
    assert Statement.objects.get(pk=statement.pk).status == StatementStatus.DRAFT


def test_the_number_of_the_case_does_not_get_out(cast, story):
    statement = statements.draft([story.pk], by=cast.coordinator, **TEXTS | {"title": f"关于 {story.case.number}"})
    with pytest.raises(InvalidInput) as refused:
        statements.submit(statement.pk, by=cast.coordinator)
    assert refused.value.field == "title"


def test_the_gate_closes_again_before_posting(cast, draft, story):
    """A name that became known after the signatures stops the posting too."""
    person = story.case.complainant
    approved(draft, cast)
    person.name = "管网运行"
    person.save()
    answer = act(cast.publisher, draft, "publish")
    assert answer.status_code == 422
    assert answer.context["found"][0] == "remedy"
    assert Statement.objects.get(pk=draft.pk).status == StatementStatus.APPROVED


def test_a_further_case_is_linked_and_its_complainant_is_known_too(cast, draft):
    other = Story(cast, name="接口老化", phone="13900007788")
    statements.edit(draft.pk, by=cast.coordinator, complaint_ids=[other.pk])
    with pytest.raises(InvalidInput) as refused:
        statements.submit(draft.pk, by=cast.coordinator)
    assert refused.value.field == "cause"


@pytest.mark.parametrize(
    ("field", "value"), [("title", ""), ("facts", " \n"), ("title", "长" * 81), ("contact", ""), ("cause", "坏\x00")]
)
def test_a_missing_or_bad_text_is_named_and_nothing_is_saved(cast, story, field, value):
    with pytest.raises(InvalidInput) as refused:
        statements.draft([story.pk], by=cast.coordinator, **TEXTS | {field: value})
    assert refused.value.field == field
    values = TEXTS | {"cases": story.case.number, field: value}
    answer = signed_in(cast.coordinator).post(reverse("publication:statement_new"), values)
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not Statement.objects.exists()


# --- What the public reads ----------------------------------------------------------------------


def test_drafts_are_nowhere_in_public(cast, draft):
    approved(draft, cast)
    assert Client().get(public_path(draft)).status_code == 404
    for path in ("/", "/statements/", "/statements/feed.atom", "/statements/sitemap.xml"):
        page = Client().get(path).content.decode()
        assert TEXTS["title"] not in page
        assert draft.public_id not in page


@pytest.mark.parametrize(
    "path", ["/statements/", "{one}", "{one}?lang=en", "/statements/feed.atom", "/statements/sitemap.xml"]
)
def test_public_pages_are_the_same_for_everybody_and_kept_for_a_minute(
    client, cast, draft, path, django_assert_num_queries
):
    """No cookie, ETag, 304 for one query, no narrative and no number of the case."""
    path = path.format(one=public_path(posted(draft, cast)))
    first, second = client.get(path), signed_in(cast.coordinator).get(path)
    body = first.content.decode()
    assert first.content == second.content
    assert (first.status_code, first.cookies, second.cookies) == (200, {}, {})
    assert first["Cache-Control"] == "public, max-age=60"
    assert "Cookie" not in first.get("Vary", "")
    case = draft.complaints.get()
    secrets = ("QXNARRATIVEQX", case.number, case.subject, "张桂芳", "13800002417", cast.coordinator.display_name)
    assert [secret for secret in secrets if secret in body] == []
    assert "csrfmiddlewaretoken" not in body
    with django_assert_num_queries(1):
        again = client.get(path, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_gone_everywhere_after_it_was_taken_down(client, cast, draft):
    """410 without a word of it, and without the reason; the list changes its tag."""
    posted(draft, cast)
    tags = {path: client.get(path)["ETag"] for path in ("/statements/", "/statements/feed.atom")}
    statements.take_down(draft.pk, by=cast.administrator, reason="数字有误")
    answer = client.get(public_path(draft))
    page = answer.content.decode()
    assert answer.status_code == 410
    assert "max-age=60" in answer["Cache-Control"]
    assert [text for text in (*TEXTS.values(), "数字有误") if text in page] == []
    for path, tag in tags.items():
        again = client.get(path, headers={"If-None-Match": tag})
        assert again.status_code == 200
        assert TEXTS["title"] not in again.content.decode()


def test_markup_in_a_text_stays_text(client, cast, story):
    texts = dict.fromkeys(TEXTS, "<script>alert(1)</script>")
    statement = posted(statements.draft([story.pk], by=cast.coordinator, **texts), cast)
    for path in (public_path(statement), "/statements/"):
        assert "<script>alert" not in client.get(path).content.decode()


def test_the_list_pages_by_public_ids(client, cast, story):
    """PR-07: newest first, twenty to a page."""
    titles = [f"说明{n}" for n in range(22)]
    for n, title in enumerate(titles):
        row = statements.draft([story.pk], by=cast.coordinator, **TEXTS | {"title": title})
        moment = at("2026-11-18 09:00").replace(minute=n)
        Statement.objects.filter(pk=row.pk).update(
            status="posted", checker=cast.checker, legal=cast.counsel, signed_hash="0" * 64, posted_at=moment
        )
    first = client.get("/statements/")
    assert [row.title for row, _opening in first.context["rows"]] == titles[:1:-1]
    second = client.get("/statements/" + first.context["next_url"])
    assert [row.title for row, _opening in second.context["rows"]] == ["说明1", "说明0"]
    assert client.get("/statements/", {"after": "0" * 16}).context["rows"] == first.context["rows"]


def test_feed_and_sitemap_name_what_is_posted(client, cast, draft, settings):
    settings.PUBLIC_BASE_URL = "https://results.example"
    posted(draft, cast)
    address = f"https://results.example{public_path(draft)}"
    feed = ElementTree.fromstring(client.get("/statements/feed.atom").content)
    (entry,) = feed.findall("{http://www.w3.org/2005/Atom}entry")
    assert entry.find("{http://www.w3.org/2005/Atom}id").text == address
    assert address in client.get("/statements/sitemap.xml").content.decode()
    assert "Sitemap: https://results.example/statements/sitemap.xml" in client.get("/robots.txt").content.decode()
    assert 'href="/statements/"' in client.get("/").content.decode()


# --- The desk -------------------------------------------------------------------------------------


def test_the_preview_is_the_public_page_and_nobody_keeps_it(cast, draft):
    answer = signed_in(cast.checker).get(reverse("publication:statement_preview", args=[draft.public_id]))
    assert all(text in answer.content.decode() for text in (TEXTS["title"], TEXTS["contact"]))
    assert (answer["Cache-Control"], "noindex" in answer["X-Robots-Tag"]) == ("no-store", True)


def test_who_reads_the_statements(cast, draft, story):
    """Others get 403; who may only take down sees what is posted; the handling department sees no box."""
    address = reverse("publication:statement", args=[draft.public_id])
    listed = reverse("publication:statements")
    assert signed_in(cast.water_handler).get(address).status_code == 403
    assert signed_in(cast.intake).get(listed).status_code == 403
    keeper = signed_in(cast.administrator)
    assert keeper.get(address).status_code == 404
    posted(draft, cast)
    page = keeper.get(address).content.decode()
    assert "take_down" in page
    assert story.case.number not in page
    case = reverse("complaints:detail", args=[story.case.number])
    assert TEXTS["title"] in signed_in(cast.coordinator).get(case).content.decode()
    assert TEXTS["title"] not in signed_in(cast.water_handler).get(case).content.decode()


def test_the_list_costs_the_same_for_one_and_many(cast, draft, story, django_assert_max_num_queries):
    client = signed_in(cast.coordinator)
    for n in range(3):
        statements.draft([story.pk], by=cast.coordinator, **TEXTS | {"title": f"说明{n}"})
    client.get(reverse("publication:statements"))
    with django_assert_max_num_queries(8):
        page = client.get(reverse("publication:statements")).content.decode()
    assert all(f"说明{n}" in page for n in range(3))
    assert "说明2" not in client.get(reverse("publication:statements"), {"state": "posted"}).content.decode()


def test_the_case_page_reads_its_statements_in_one_query(cast, draft, story, django_assert_num_queries):
    from publication.panels import statements_on_case

    case = story.case
    cast.coordinator.get_all_permissions()
    with django_assert_num_queries(1):
        panel = statements_on_case(case, cast.coordinator)
    assert panel is not None
    assert panel.context["statements"] == [draft]


# --- After a restore --------------------------------------------------------------------------------


def test_dl_04_pr_06_a_statement_that_only_the_journal_knows_stays_gone(client):
    """Written, posted and taken down after the backup: the address answers 410, not 404."""
    address = "/statements/0123456789abcdef/"
    assert client.get(address).status_code == 404
    assert statements.keep_down("0123456789abcdef", at=at("2026-11-20 09:00"))
    assert not statements.keep_down("0123456789abcdef", at=at("2026-11-20 09:00"))
    assert client.get(address).status_code == 410


def test_dl_04_a_statement_that_was_a_draft_at_the_backup_is_gone_until_it_is_posted_anew(client, cast, draft):
    approved(draft, cast)
    assert statements.keep_down(draft.public_id, at=at("2026-11-20 09:00"))
    draft.refresh_from_db()
    assert draft.status == StatementStatus.DRAFT
    assert client.get(public_path(draft)).status_code == 410
    posted(draft, cast)
    assert client.get(public_path(draft)).status_code == 200
