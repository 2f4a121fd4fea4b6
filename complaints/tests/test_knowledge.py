"""Knowledge: four eyes, validity, known issues, what helps with a case, public questions (KB-01…KB-13, INC-18)."""

from datetime import date, timedelta

import pytest
from django.core.cache import caches
from django.urls import reverse
from django.utils import timezone

from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from complaints import knowledge, knowledge_suggestions
from complaints.models import Article, ArticleReceipt, Complaint, Notification
from complaints.states import ArticleKind, ArticleState
from complaints.tests.factories import Story, at, category

pytestmark = pytest.mark.django_db

NOW = at("2026-11-23 09:00")
TODAY = NOW.date()


def words(by, **changes):
    """A complete article, ready for create."""
    return {
        "kind": ArticleKind.GUIDE,
        "title": "小区停水怎么办",
        "body": "先查停水公告，再报供水集团抢修。",
        "category": category(),
        "owner": by,
        "valid_until": date(2027, 11, 23),
        **changes,
    }


def draft(cast, by=None, **changes):
    by = by or cast.coordinator
    return knowledge.create(by=by, at=NOW, **words(by, **changes))


def in_use(cast, **changes):
    """An article written by the coordinator and approved by the quality checker."""
    row = draft(cast, **changes)
    knowledge.publish(row.pk, version=row.version, by=cast.checker, at=NOW)
    return Article.objects.get(pk=row.pk)


def change(row, by, *, at=NOW, **changes):
    row.refresh_from_db()
    values = words(row.owner, kind=row.kind, is_public=row.is_public, broadcast_until=row.broadcast_until) | changes
    return knowledge.edit(row.pk, version=row.version, by=by, at=at, **{"note": "", **values})


@pytest.fixture(autouse=True)
def nothing_kept():
    caches["local"].clear()


# --- Four eyes and revisions ----------------------------------------------------------------------------
def test_kb_02_only_another_editor_puts_a_draft_into_use(cast):
    row = draft(cast)
    assert row.number.startswith("ZS-202611-")
    assert not knowledge.visible_to(cast.intake).exists()
    with pytest.raises(NotAllowed):
        knowledge.publish(row.pk, version=1, by=cast.coordinator, at=NOW)
    with pytest.raises(NotAllowed):
        knowledge.publish(row.pk, version=1, by=cast.intake, at=NOW)
    with pytest.raises(StaleVersion):
        knowledge.publish(row.pk, version=7, by=cast.checker, at=NOW)
    knowledge.publish(row.pk, version=1, by=cast.checker, at=NOW)
    assert knowledge.visible_to(cast.intake).get().published_by == cast.checker
    with pytest.raises(IllegalTransition):
        knowledge.publish(row.pk, version=2, by=cast.checker, at=NOW)


def test_kb_02_whoever_changed_the_draft_last_cannot_approve_it(cast):
    row = draft(cast)
    change(row, cast.checker, body="先查停水公告。", note="删去第二句")
    row.refresh_from_db()
    with pytest.raises(NotAllowed):
        knowledge.publish(row.pk, version=row.version, by=cast.checker, at=NOW)
    knowledge.publish(row.pk, version=row.version, by=cast.coordinator, at=NOW)


def test_kb_02_the_text_in_use_stays_until_the_new_one_is_approved(cast):
    row = in_use(cast)
    with pytest.raises(InvalidInput) as refused:
        change(row, cast.coordinator, body="改用新电话报修。")
    assert refused.value.field == "note"
    change(row, cast.coordinator, body="改用新电话报修。", note="电话换了")
    row.refresh_from_db()
    assert (row.body, row.revision) == ("先查停水公告，再报供水集团抢修。", 1)
    assert knowledge.waiting(Article.objects.all()).get() == row
    with pytest.raises(NotAllowed):
        knowledge.publish(row.pk, version=row.version, by=cast.coordinator, at=NOW)
    knowledge.publish(row.pk, version=row.version, by=cast.checker, at=NOW)
    row.refresh_from_db()
    assert (row.body, row.revision) == ("改用新电话报修。", 2)
    assert [item.note for item in row.revisions.all()] == ["电话换了", ""]
    assert not knowledge.waiting(Article.objects.all()).exists()


def test_what_one_person_may_not_widen_alone(cast):
    """INC-18, KB-06: the public and all clerks see only what two people have let pass."""
    question = in_use(cast, kind=ArticleKind.FAQ)
    issue = in_use(cast, kind=ArticleKind.KNOWN_ISSUE, title="系统短信延迟", broadcast_until=NOW + timedelta(days=1))
    for row, changes in (
        (question, {"is_public": True}),
        (question, {"kind": ArticleKind.GUIDE}),
        (issue, {"title": issue.title, "broadcast_until": NOW + timedelta(days=9)}),
    ):
        with pytest.raises(InvalidInput) as refused:
            change(row, cast.coordinator, **changes)
        assert refused.value.field in changes
    knowledge.take_back(question.pk, version=question.version, by=cast.coordinator, at=NOW)
    change(question, cast.coordinator, is_public=True)
    question.refresh_from_db()
    with pytest.raises(NotAllowed):
        knowledge.publish(question.pk, version=question.version, by=cast.coordinator, at=NOW)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("title", {"title": "  "}),
        ("body", {"body": ""}),
        ("body", {"body": "a\x00b"}),
        ("valid_until", {"valid_until": date(2026, 11, 22)}),
        ("review_months", {"review_months": 61}),
        ("is_public", {"is_public": True}),
        ("broadcast_until", {"broadcast_until": NOW}),
        ("related", {"related": "ZS-202611-9999"}),
        ("kind", {"kind": "poem"}),
    ],
)
def test_a_wrong_value_is_refused_by_its_name_and_nothing_is_stored(cast, field, changes):
    with pytest.raises(InvalidInput) as refused:
        draft(cast, **changes)
    assert refused.value.field == field
    assert not Article.objects.exists()


def test_the_owner_is_somebody_who_can_mend_it(cast):
    with pytest.raises(InvalidInput) as refused:
        draft(cast, owner=cast.intake)
    assert refused.value.field == "owner"
    with pytest.raises(NotAllowed):
        draft(cast, by=cast.intake)


def test_retired_articles_leave_the_desk_and_can_come_back_as_a_draft(cast):
    row = in_use(cast)
    knowledge.retire(row.pk, version=row.version, by=cast.coordinator, at=NOW)
    assert not knowledge.visible_to(cast.intake).exists()
    row.refresh_from_db()
    with pytest.raises(IllegalTransition):
        change(row, cast.coordinator, body="x", note="y")
    knowledge.take_back(row.pk, version=row.version, by=cast.coordinator, at=NOW)
    row.refresh_from_db()
    assert row.state == ArticleState.DRAFT


# --- Typical cases --------------------------------------------------------------------------------------
def test_kb_13_a_typical_case_names_nobody(cast):
    story = Story(cast).to_closed()
    number = story.case.number

    def typical(**changes):
        return draft(cast, kind=ArticleKind.TYPICAL_CASE, **{"case_numbers": number, **changes})

    for field, changes in (
        ("case_numbers", {"case_numbers": ""}),
        ("case_numbers", {"case_numbers": f"{number} HY-20200101-0001"}),
        ("body", {"body": "张桂芳反映停水。"}),
        ("body", {"body": "来电 13912345678 反映停水。"}),
        ("body", {"body": "来电 139 1234 5678 反映停水。"}),
        ("body", {"body": "来电１３９１２３４５６７８反映停水。"}),
        ("body", {"body": "身份证 110101199003070011。"}),
        ("title", {"title": "张桂芳投诉停水"}),
    ):
        with pytest.raises(InvalidInput) as refused:
            typical(**changes)
        assert refused.value.field == field, changes
    row = typical(body="某小区居民反映 2026-11-16 停水 26 小时。")
    assert number not in f"{row.title}{row.body}{row.words}"


def test_kb_13_a_case_the_editor_may_not_see_does_not_exist(cast):
    story = Story(cast).to_closed()
    story.case.accused_staff.add(cast.coordinator)
    with pytest.raises(InvalidInput) as refused:
        draft(cast, kind=ArticleKind.TYPICAL_CASE, case_numbers=story.case.number)
    assert refused.value.field == "case_numbers"


# --- Validity -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("valid_until", "months", "due", "soon"),
    [
        (date(2026, 12, 8), 12, False, False),
        (date(2026, 12, 7), 12, False, True),
        (date(2026, 11, 23), 12, False, True),
        (date(2027, 11, 23), 1, False, False),
    ],
)
def test_kb_02_what_is_out_of_date_or_will_be(cast, valid_until, months, due, soon):
    row = in_use(cast, valid_until=valid_until, review_months=months)
    assert (knowledge.is_due(row, today=TODAY), knowledge.ends_soon(row, today=TODAY, until=knowledge.soon(TODAY))) == (
        due,
        soon,
    )
    assert knowledge.stale(today=TODAY).exists() is (due or soon)
    later = valid_until + timedelta(days=1)
    assert knowledge.is_due(row, today=later)
    assert knowledge.stale(today=later).exists()


def test_kb_02_the_review_cycle_runs_in_months_and_begins_anew_when_confirmed(cast):
    row = in_use(cast, review_months=3)
    assert not knowledge.stale(today=date(2027, 2, 22)).exists()
    assert knowledge.stale(today=date(2027, 2, 23)).get() == row
    assert knowledge.is_due(row, today=date(2027, 2, 23))
    knowledge.confirm(
        row.pk, version=row.version, valid_until=date(2028, 1, 1), by=cast.checker, at=at("2027-02-23 10:00")
    )
    assert not knowledge.stale(today=date(2027, 2, 24)).exists()
    assert knowledge.months_before(date(2027, 3, 31), 1) == date(2027, 2, 28)
    assert knowledge.months_before(date(2027, 1, 15), 13) == date(2025, 12, 15)


def test_kb_02_owner_and_editors_are_told_once_a_week(cast):
    row = in_use(cast, valid_until=date(2026, 12, 1))
    draft(cast, title="草稿不提醒", valid_until=date(2026, 12, 1))
    assert knowledge.remind_stale(now=NOW) == {"articles": 1}
    told = Notification.objects.filter(kind="article_stale")
    assert told.filter(recipient=cast.coordinator).count() == 1
    assert told.filter(recipient=cast.counsel).exists()
    assert not told.filter(recipient=cast.intake).exists()
    count = told.count()
    for later in (NOW, NOW + timedelta(days=6)):
        assert knowledge.remind_stale(now=later) == {"articles": 0}
    assert knowledge.remind_stale(now=NOW + timedelta(days=7)) == {"articles": 1}
    assert told.count() == 2 * count
    from complaints import messages

    assert row.number in messages.sentence(told.first())


# --- Reading and searching --------------------------------------------------------------------------------
def test_kb_01_every_desk_user_finds_an_article_by_a_word_of_two_characters(client, cast):
    row = in_use(cast, words="断水 没水")
    other = in_use(cast, title="快递迟到怎么答", body="先道歉。", category=category("late-delivery"))
    client.force_login(cast.water_handler)
    page = reverse("complaints:knowledge")
    for text in ("停水", "没水", "抢修", "停水 抢修"):
        answer = client.get(page, {"q": text}).content.decode()
        assert row.number in answer
        assert other.number not in answer
    assert row.number not in client.get(page, {"q": "停水 快递"}).content.decode()
    assert row.number not in client.get(page, {"category": "late-delivery"}).content.decode()
    assert other.number in client.get(page, {"kind": "guide", "q": "道歉"}).content.decode()
    parent = category().parent
    if parent:
        assert row.number in client.get(page, {"category": parent.code}).content.decode()
    for odd in ({"q": "%_\x00"}, {"after": "9" * 30}, {"kind": "x", "show": "retired", "category": "\x00"}):
        assert client.get(page, odd).status_code == 200


def test_kb_03_articles_of_the_same_product_and_those_named_are_tied(cast):
    row = in_use(cast, product="智能水表")
    same = in_use(cast, title="水表读数", product="智能水表", category=None)
    named = in_use(cast, title="计量规则", category=None, related=row.number)
    in_use(cast, title="无关", category=category("late-delivery"))
    assert knowledge.neighbours(row, cast.intake) == [named, same]


def test_the_list_is_paged_and_costs_the_same_for_many(client, cast, django_assert_max_num_queries):
    row = in_use(cast)
    client.force_login(cast.coordinator)
    page = reverse("complaints:knowledge")
    client.get(page)
    for n in range(55):
        row.pk, row.number, row.title = None, f"ZS-202610-{n:04d}", f"第 {n} 篇"
        row.save()
    with django_assert_max_num_queries(9):
        first = client.get(page)
    assert len(first.context["rows"]) == 50
    assert len(client.get(page, {"after": first.context["next"]}).context["rows"]) == 6
    with django_assert_max_num_queries(9):
        client.get(page, {"show": "stale"})


def test_readers_see_neither_drafts_nor_texts_that_wait(client, cast):
    hidden = draft(cast)
    row = in_use(cast, title="用中的")
    change(row, cast.coordinator, title="用中的", body="还没批准的话。", note="改")
    client.force_login(cast.intake)
    assert client.get(reverse("complaints:article", args=[hidden.number])).status_code == 404
    page = client.get(reverse("complaints:article", args=[row.number]))
    assert "还没批准的话" not in page.content.decode()
    assert client.get(reverse("complaints:article_revision", args=[row.number, 2])).status_code == 404
    assert client.get(reverse("complaints:article_revision", args=[row.number, 1])).status_code == 200
    for name in ("article_edit", "article_new", "article_readers"):
        args = [] if name == "article_new" else [row.number]
        assert client.get(reverse(f"complaints:{name}", args=args)).status_code == 403


def test_the_pages_of_an_article_from_draft_to_use(client, cast):
    client.force_login(cast.coordinator)
    address = reverse("complaints:article_new")
    form = {
        "kind": "guide", "title": "停水应答", "body": "先查公告。", "category": "water-outage", "owner": "A003",
        "valid_until": str(timezone.localdate() + timedelta(days=300)), "review_months": "6",
    }  # fmt: skip
    assert client.get(address).status_code == 200
    assert client.post(address, form | {"title": "", "owner": "A001"}).status_code == 422
    assert client.post(address, form | {"valid_until": "2020-01-01"}).status_code == 422
    assert client.post(address, form | {"broadcast_until": "2099-01-01T09:00"}).status_code == 422
    page = client.post(address, form).url
    row = Article.objects.get()
    assert client.post(f"{page}publish/", {"version": row.version}).status_code == 403
    assert client.post(f"{page}edit/", form | {"version": 1, "note": "", "body": "别的"}).status_code == 422
    assert client.post(f"{page}edit/", form | {"version": 9, "note": "改", "body": "别的"}).status_code == 409
    assert client.post(f"{page}edit/", form | {"version": 1, "note": "改", "body": "别的"}).status_code == 302
    client.force_login(cast.checker)
    assert "别的" in client.get(page).content.decode()
    assert client.post(f"{page}publish/", {"version": "x"}).status_code == 422
    assert client.post(f"{page}publish/", {"version": 1}).status_code == 409
    assert client.post(f"{page}publish/", {"version": 2}).status_code == 302
    assert client.post(f"{page}confirm/", {"version": 3, "valid_until": "2020-01-01"}).status_code == 422
    assert client.post(f"{page}confirm/", {"version": 3, "valid_until": "2099-01-01"}).status_code == 302
    assert client.post(f"{page}retire/", {"version": 3}).status_code == 409
    assert client.post(f"{page}retire/", {"version": 4}).status_code == 302
    assert client.get(f"{page}edit/").status_code == 302
    assert client.post(f"{page}take-back/", {"version": 5}).status_code == 302


# --- Receipts -------------------------------------------------------------------------------------------
def test_kb_12_com_09_everybody_confirms_every_text_anew(client, cast):
    row = in_use(cast, kind=ArticleKind.COMPLIANCE, needs_receipt=True)
    client.force_login(cast.water_handler)
    page = reverse("complaints:article", args=[row.number])
    assert knowledge.to_read(cast.water_handler).get() == row
    assert client.post(f"{page}read/", {"revision": 2}).status_code == 409
    assert client.post(f"{page}read/", {}).status_code == 422
    for _n in range(2):
        assert client.post(f"{page}read/", {"revision": 1}).status_code == 302
    assert ArticleReceipt.objects.count() == 1
    assert not knowledge.to_read(cast.water_handler).exists()
    assert cast.water_handler not in knowledge.not_read_by(row)
    assert cast.administrator not in knowledge.not_read_by(row)
    client.force_login(cast.coordinator)
    readers = client.get(f"{page}readers/").content.decode()
    assert "吴越" in readers
    assert "供水集团" in readers
    change(row, cast.coordinator, needs_receipt=True, body="新的要求。", note="新规")
    row.refresh_from_db()
    assert not knowledge.to_read(cast.water_handler).exists()
    told = Notification.objects.filter(kind="article_to_read", recipient=cast.water_handler, url=page)
    assert told.count() == 1
    knowledge.publish(row.pk, version=row.version, by=cast.checker, at=NOW)
    assert knowledge.to_read(cast.water_handler).exists()
    assert told.count() == 2, "once for each text"
    row.refresh_from_db()
    knowledge.confirm(row.pk, version=row.version, valid_until=row.valid_until, by=cast.checker, at=NOW)
    assert told.count() == 2


def test_a_receipt_is_taken_only_where_it_is_asked_for(cast):
    row = in_use(cast)
    with pytest.raises(IllegalTransition):
        knowledge.confirm_read(row.pk, revision=1, by=cast.intake)


# --- Known issues -----------------------------------------------------------------------------------------
def test_inc_18_a_known_issue_and_its_answer_stand_on_the_registration_page(client, cast):
    until = timezone.now() + timedelta(hours=3)
    row = draft(
        cast, kind=ArticleKind.KNOWN_ISSUE, title="柳桥片区爆管", body="预计今晚 20 时恢复供水。",
        broadcast_until=until, valid_until=timezone.localdate() + timedelta(days=30),
    )  # fmt: skip
    client.force_login(cast.intake)
    pages = [reverse("complaints:register"), "/desk/register/?channel=phone", reverse("complaints:knowledge")]
    assert not any("预计今晚" in client.get(page).content.decode() for page in pages)
    caches["local"].clear()
    knowledge.publish(row.pk, version=row.version, by=cast.checker)
    assert all("预计今晚" in client.get(page).content.decode() for page in pages)
    assert not knowledge.known_issues(now=until)
    client.force_login(cast.water_handler)
    assert "预计今晚" in client.get(pages[2]).content.decode()


def test_inc_18_the_banner_costs_one_query_a_minute(cast, django_assert_num_queries):
    in_use(cast, kind=ArticleKind.KNOWN_ISSUE, broadcast_until=NOW + timedelta(days=1))
    with django_assert_num_queries(1):
        for _n in range(3):
            assert len(knowledge.known_issues(now=NOW)) == 1


def test_inc_18_kb_12_a_known_issue_stands_on_the_workbench_until_the_clerk_has_read_it(client, cast):
    """Each confirms for oneself; a new text is shown to everybody again, and the other pages go on showing it."""
    row = in_use(
        cast, kind=ArticleKind.KNOWN_ISSUE, title="柳桥片区爆管", body="预计今晚 20 时恢复供水。",
        broadcast_until=timezone.now() + timedelta(days=1), valid_until=timezone.localdate() + timedelta(days=30),
    )  # fmt: skip
    workbench = reverse("complaints:queue")

    def shown(user) -> bool:
        client.force_login(user)
        return "预计今晚" in client.get(workbench).content.decode()

    assert [shown(user) for user in (cast.intake, cast.water_handler, cast.coordinator)] == [True] * 3
    client.force_login(cast.intake)
    read = reverse("complaints:article_read", args=[row.number])
    answer = client.post(read, {"revision": row.revision, "queue": "1"})
    assert (answer.status_code, answer.headers["Location"]) == (302, workbench)
    assert [shown(user) for user in (cast.intake, cast.water_handler)] == [False, True]
    client.force_login(cast.intake)
    assert "预计今晚" in client.get(reverse("complaints:register")).content.decode()
    # Somebody who still reads the text before this one confirms nothing.
    changed = change(row, cast.coordinator, title=row.title, body="预计今晚 22 时恢复供水。", note="延后",
                     valid_until=row.valid_until)  # fmt: skip
    knowledge.publish(row.pk, version=changed.version, by=cast.checker)
    knowledge.forget()
    client.force_login(cast.water_handler)
    assert client.post(read, {"revision": row.revision, "queue": "1"}).status_code == 409
    assert [shown(user) for user in (cast.intake, cast.water_handler)] == [True, True]


def test_inc_18_the_workbench_asks_once_more_for_any_number_of_known_issues(cast, django_assert_num_queries):
    for title in ("爆管", "停电", "积水"):
        in_use(cast, kind=ArticleKind.KNOWN_ISSUE, title=title, broadcast_until=NOW + timedelta(days=1))
    with django_assert_num_queries(2):
        assert len(knowledge.issues_to_read(cast.intake, now=NOW)) == 3


# --- Beside a case ------------------------------------------------------------------------------------------
def test_kb_04_articles_are_ranked_by_category_product_and_words(cast):
    case = Story(cast, product="智能水表").accept().case
    fits = in_use(cast, product="智能水表")
    words_only = in_use(cast, title="反复停水的答复", category=None)
    in_use(cast, title="快递迟到", body="先道歉。", category=category("late-delivery"))
    in_use(cast, title="旧的停水说明", valid_until=TODAY)
    draft(cast, title="小区停水草稿")
    found = knowledge_suggestions.articles(case, today=TODAY + timedelta(days=1))
    assert [row.article for row in found] == [fits, words_only]
    assert len(found[0].reasons) == 3


def test_kb_04_similar_closed_cases_are_those_the_person_may_see(client, cast):
    past = Story(cast, phone="13900000001", email="").to_closed()
    open_one = Story(cast, "2026-11-03 09:00", phone="13900000002", email="").accept()
    case = Story(cast).accept().assign().case
    assert knowledge_suggestions.past_cases(case, cast.coordinator) == [past.case]
    past.case.accused_staff.add(cast.coordinator)
    assert knowledge_suggestions.past_cases(case, cast.coordinator) == []
    address = reverse("complaints:case_knowledge", args=[case.number])
    client.force_login(cast.water_handler)
    row = in_use(cast)
    page = client.get(address).content.decode()
    assert row.title in page
    assert open_one.case.number not in page
    assert address in client.get(reverse("complaints:detail", args=[case.number])).content.decode()
    client.force_login(cast.roads_handler)
    assert client.get(address).status_code == 404
    assert Complaint.objects.get(pk=case.pk).version == case.version


# --- The public ---------------------------------------------------------------------------------------------
def test_kb_06_the_public_reads_common_questions_without_a_cookie(client, cast):
    later = timezone.localdate() + timedelta(days=30)
    in_use(
        cast,
        kind=ArticleKind.FAQ,
        title="怎样查询进度",
        body="凭案件号和查询码查询。",
        is_public=True,
        valid_until=later,
    )
    in_use(cast, kind=ArticleKind.FAQ, title="只给内部看的", valid_until=later)
    for address in ("/help/faq/", "/help/faq/?lang=en", "/help/faq/?text=large"):
        page = client.get(address)
        assert page.status_code == 200
        assert "凭案件号和查询码查询" in page.content.decode()
        assert "只给内部看的" not in page.content.decode()
        assert not page.cookies
        assert page.headers["Cache-Control"] == "public, max-age=60"
    assert "/help/faq/" in client.get("/help/").content.decode()
    assert not knowledge.public_questions(today=later + timedelta(days=1))


def test_kb_06_without_questions_the_help_page_points_nowhere(client):
    assert "/help/faq/" not in client.get("/help/").content.decode()
    assert client.get("/help/faq/").status_code == 200
