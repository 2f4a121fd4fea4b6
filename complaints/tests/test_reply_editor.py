"""Writing a reply: templates made personal, contradictions seen, the letter shown first (COO-09, COO-10, KB-16)."""

from __future__ import annotations

import time

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.errors import InvalidInput, NotAllowed, StaleVersion
from complaints import contradictions, record_differences, reply_templates, transitions
from complaints.models import Allegation, Complaint, Remedy, ReplyTemplate
from complaints.reply_stock import STOCK
from complaints.tests.factories import Story, at, category

TEXTS = {"process": "查了抢修调度日志", "result": "经核实属实，12月20日前更换管道，减免水费 60 元"}


@pytest.fixture
def story(cast) -> Story:
    return Story(cast).accept().assign().start()


@pytest.fixture
def answered(cast) -> Story:
    """A case that was answered once and is open again."""
    story = Story(cast).accept().assign().start()
    transitions.submit_for_check(story.pk, by=cast.water_handler, at=at("2026-11-18 15:00"), **TEXTS)
    story.reply().call_back(satisfaction="dissatisfied")
    transitions.reopen(story.pk, by=cast.coordinator, reason="没有解决", at=at("2026-11-20 11:00"))
    return story


def address(story) -> str:
    return reverse("complaints:action", args=[story.case.number, "submit_for_check"])


def submit(client, story, **changes):
    return client.post(address(story), {"version": story.case.version, **TEXTS, **changes})


# --- Templates --------------------------------------------------------------------------------------
def test_coo_10_a_template_fills_the_form_without_script(story, cast, client):
    client.force_login(cast.water_handler)
    assert "money-back" in client.get(address(story)).content.decode()
    answer = client.get(address(story), {"template": "money-back"})
    form = answer.context["form"]
    assert "槐荫里小区停水超过 24 小时" in form["process"].value()
    assert cast.water.name in form["process"].value()
    assert "{写明金额}" in form["result"].value()
    assert "data-bound" in answer.content.decode()
    assert "data-bound" not in client.get(address(story), {"template": "nobody"}).content.decode()


def test_coo_10_braces_left_over_are_refused_at_their_field(story, cast, client):
    client.force_login(cast.water_handler)
    answer = submit(client, story, result="应退还您 {写明金额} 元")
    assert answer.status_code == 422
    assert "{写明金额}" in str(answer.context["form"].errors["result"])
    assert "process" not in answer.context["form"].errors
    assert submit(client, story, process="我们｛写明怎样核实｝").status_code == 422
    assert not story.case.replies.exists()


@pytest.mark.parametrize("stock", STOCK, ids=lambda row: row.code)
def test_coo_10_the_shipped_templates_cannot_be_sent_with_the_braces_taken_off(story, cast, stock):
    values = reply_templates.values_for(story.case, at=timezone.now())
    bare = reply_templates.fill(stock.result, values).replace("{", "").replace("}", "")
    with pytest.raises(InvalidInput) as refused:
        transitions.submit_for_check(story.pk, by=cast.water_handler, process="查了日志", result=bare)
    assert refused.value.field == "result"
    assert stock.name in str(refused.value)


def test_coo_10_word_for_word_is_refused_and_own_words_pass(story, cast, client):
    ReplyTemplate.objects.create(
        code="sorry", name="抱歉", result="您好，{number} 已处理，{date} 起恢复供水。\n给您带来不便，深表歉意。"
    )
    client.force_login(cast.water_handler)
    same = f"您好，{story.case.number} 已处理， 2026年11月3日 起恢复供水。 给您带来不便，深表歉意。"
    answer = submit(client, story, result=same)
    assert answer.status_code == 422
    assert "抱歉" in str(answer.context["form"].errors["result"])
    assert submit(client, story, result=same + "主管道已于当晚修好。").status_code == 302


def test_templates_are_offered_by_category(story, cast):
    ReplyTemplate.objects.create(code="own", name="停水", result="甲", category=category("water-outage"))
    other = ReplyTemplate.objects.exclude(pk=None).model.objects.create(
        code="other", name="别的", result="乙", category=category("water-quality")
    )
    names = [row.code for row in reply_templates.offered(story.case)]
    assert names[0] == "own"
    assert other.code not in names
    assert {row.code for row in STOCK} < set(names)


def test_kb_16_every_change_is_a_version_and_the_old_one_stays(cast, client):
    client.force_login(cast.coordinator)
    row = ReplyTemplate.objects.get(code="money-back")
    edit = reverse("complaints:reply_template", args=[row.pk])
    values = {"name": row.name, "category": "", "process": row.process, "result": row.result}
    assert client.post(edit, values).status_code == 422  # nothing changed
    assert client.post(edit, values | {"result": "", "process": ""}).status_code == 422
    assert client.post(edit, values | {"result": "退还 {写明金额} 元"}).status_code == 302
    new = ReplyTemplate.objects.get(code="money-back-v2")
    row.refresh_from_db()
    assert (row.is_active, new.is_active, row.result == values["result"]) == (False, True, True)
    assert client.post(edit, values | {"result": "别的"}).status_code == 409
    assert "money-back-v2" in client.get(reverse("complaints:reply_templates")).content.decode()
    assert "money-back-v2" not in client.get(reverse("complaints:reply_templates"), {"state": "off"}).content.decode()
    assert client.get(edit).status_code == 200
    with pytest.raises(StaleVersion):
        reply_templates.switch(row.pk, active=True, by=cast.coordinator)
    assert client.post(reverse("complaints:reply_template_switch", args=[new.pk]), {"on": "no"}).status_code == 302
    assert not ReplyTemplate.objects.filter(code__startswith="money-back", is_active=True).exists()
    reply_templates.load_templates()  # a shipped one that was replaced does not come back
    assert not ReplyTemplate.objects.filter(code="money-back", is_active=True).exists()


def test_a_new_template_needs_an_identifier_of_its_own(cast, client):
    client.force_login(cast.coordinator)
    add = reverse("complaints:reply_template_add")
    values = {"code": "night-noise", "name": "夜间噪声", "category": "", "process": "", "result": "{写明结果}"}
    assert client.get(add).status_code == 200
    assert client.post(add, values).status_code == 302
    for code in ("night-noise", "night-noise-v2", "夜间", ""):
        answer = client.post(add, values | {"code": code})
        assert answer.status_code == 422
        assert "code" in answer.context["form"].errors
    client.force_login(cast.water_head)
    assert client.post(add, values | {"code": "mine"}).status_code == 403
    with pytest.raises(NotAllowed):
        reply_templates.add(by=cast.water_head, code="mine", name="x", category=None, process="", result="y")


def test_the_list_costs_the_same_however_many_there_are(cast, client, django_assert_max_num_queries):
    ReplyTemplate.objects.bulk_create(
        ReplyTemplate(code=f"t{n}", name=f"模板{n}", result="{写明}", category=category()) for n in range(60)
    )
    client.force_login(cast.coordinator)
    client.get(reverse("complaints:reply_templates"))  # the working calendar is read once per process
    with django_assert_max_num_queries(8):
        first = client.get(reverse("complaints:reply_templates"))
    assert len(first.context["lines"]) == 50
    rest = client.get(reverse("complaints:reply_templates"), {"after": first.context["next"]})
    assert len(rest.context["lines"]) == 10 + len(STOCK)


# --- Contradictions ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("before", "now", "found"),
    [
        ("退还 1,200 元", "退还 1200元", []),
        ("补偿 1.2 万元", "补偿 12000 元", []),
        ("补偿 60 元", "补偿 90 元", [("60 元", "90 元")]),
        ("补偿 60 元", "补偿 60 元，另付 30 元", []),
        ("补偿 60 元", "不再补偿", [("补偿", "不再补偿")]),
        ("退还水费 60 元", "退还水费 60 元，另付交通费 20 元", []),
        ("退还水费 60 元。补偿交通费 30 元", "退还水费 60 元，补偿交通费 20 元", [("30 元", "20 元")]),
        ("应缴滞纳金 45 元", "现退还水费 90 元", []),
        ("退还水费六十元", "退还水费 60 元", []),
        ("退还水费一百二十元", "退还水费 90 元", [("一百二十元", "90 元")]),
        ("赔偿十二万元", "赔偿 12 万元", []),
        ("退还 60 元、补偿 40 元，共计 100 元", "退还 60 元、补偿 40 元，共计 120 元", [("100 元", "120 元")]),
        ("退还水费 60 元", "此前答复退还水费 60 元有误，应为 90 元", []),
        ("影响居民 320 户", "影响居民 410 户", [("320 户", "410 户")]),
        ("3 天内", "5 个工作日内", []),
        ("损失 12%", "损失 15％", [("12%", "15％")]),
        ("用水 8 吨", "用水 9 吨", [("8 吨", "9 吨")]),
        ("12月20日前完成", "2026年12月20日前完成", []),
        ("2026-12-20 完成", "2026年12月20日完成", []),
        ("2026年12月20日前", "2027年12月20日前", [("2026年12月20日", "2027年12月20日")]),
        ("12月20日前", "12月31日前", [("12月20日", "12月31日")]),
        ("12月1日到现场核查", "12月8日再次到现场核查", []),
        ("答复如下。\n2026年12月1日", "答复如下。\n2026年12月8日", []),
        ("12月20日，我们更换管道", "12月31日，我们更换管道", [("12月20日", "12月31日")]),
        ("停水问题属实；收费问题不属实", "停水问题属实", []),
        ("停水问题属实；收费问题不属实", "收费问题，经核实属实", [("不属实", "属实")]),
        ("如属实将整改", "不属实", []),
        ("不存在违规收费", "存在违规收费", [("不存在", "存在")]),
        ("已更换水表", "尚未更换水表", [("更换", "尚未更换")]),
        ("将更换水表", "尚未更换水表", []),
        ("尚未更换水表", "已更换水表", []),
        ("并当面道歉", "不予道歉", [("道歉", "不予道歉")]),
        ("不予退还水费", "同意退还水费", [("不予退还", "退还")]),
        ("您要求赔偿车辆损失", "不予赔偿车辆损失", []),
        ("赔偿车辆损失", "不予赔偿误工损失", []),
        ("施工单位承担责任", "我公司不承担责任", []),
        ("问题属实", "问题不属实", [("属实", "不属实")]),
        ("问题属实", "问题部分属实", [("属实", "部分属实")]),
        ("问题属实", "已修好", []),
        ("我方承担责任", "我方不承担责任", [("承担责任", "不承担责任")]),
        ("责任部门是管网部", "没有责任", []),
    ],
)
def test_coo_09_numbers_dates_and_findings_are_compared(before, now, found):
    assert [(item.before, item.now) for item in contradictions.compare(before, now)] == found


def test_coo_09_both_sentences_are_named_and_the_newest_reply_on_a_subject_counts():
    first = "我们查了日志。更换管道后退还水费 60 元。12月20日前更换管道。"
    second = "更正：应退还水费 90 元，原因是抄表有误。"
    (found,) = contradictions.compare_all([first, second], "退还水费 60 元。管道照常更换。")
    assert found[0] == 1
    assert (found[1].before_sentence, found[1].now_sentence) == (second, "退还水费 60 元。")
    # What the second reply did not speak about still stands as the first one said it.
    (found,) = contradictions.compare_all([first, second], "退还水费 90 元，12月31日前更换管道。")
    assert (found[0], found[1].before_sentence) == (0, "12月20日前更换管道。")


@pytest.mark.parametrize(
    "text",
    [
        "退还水费60元，" * 60_000,
        "9" * 500_000 + "元",
        "一" * 500_000,
        "，\x00元\u202e🚰%",
        "不" * 300_000,
        ",1" * 300_000,
    ],
    ids=["long", "digits", "numerals", "odd", "words", "commas"],
)
def test_coo_09_hostile_texts_are_compared_without_a_word_or_a_wait(text, db):
    """A few thousand characters are read; more than that is refused at its field anyway."""
    began = time.process_time()
    assert contradictions.compare(text, text) == []
    assert record_differences.of(Complaint(pk=0), text) == []
    assert time.process_time() - began < 5


def test_coo_09_a_contradiction_has_to_be_confirmed_with_a_tick(answered, cast, client):
    client.force_login(cast.water_handler)
    form = client.get(address(answered)).content.decode()
    assert TEXTS["result"] in form  # the earlier reply stands beside the form
    other = "经核实不属实，12月31日前更换管道，减免水费 90 元"
    refused = submit(client, answered, result=other)
    assert refused.status_code == 422
    assert set(refused.context["form"].errors) == {"differs_knowingly"}
    shown = refused.content.decode()
    for text in ("60 元", "90 元", "12月20日", "12月31日", "不属实", 'name="differs_knowingly"', other, f"“{other}”"):
        assert text in shown
    assert answered.case.replies.count() == 1
    assert submit(client, answered, result=other, differs_knowingly="on").status_code == 302
    assert answered.case.replies.count() == 2


@pytest.mark.parametrize(
    ("findings", "reply", "found"),
    [
        (["substantiated"], "经核实不属实", [(1, "不属实")]),
        (["basically"], "您反映的问题与事实不符。", [(1, "与事实不符")]),
        (["unsubstantiated"], "经核实，您反映的情况属实", [(1, "属实")]),
        (["unsubstantiated"], "您的投诉成立", [(1, "成立")]),
        (["substantiated"], "您的投诉不成立。", [(1, "不成立")]),
        (["substantiated"], "现场未发现您反映的情况", [(1, "未发现您反映的")]),
        (["partly"], "经查，反映的情况属实", [(1, "属实")]),
        (["partly"], "经查，反映的情况部分属实", []),
        (["substantiated"], "经查基本属实", []),
        (["substantiated"], "如不属实，我们另行答复", []),
        (["substantiated"], "商家称不属实，我们查了记录", []),
        (["substantiated"], "此前答复不属实有误", []),
        (["substantiated"], "您反映该商家宣传与事实不符，已责令改正", []),
        (["substantiated"], "对不属实的发票已要求重开", []),
        (["unsubstantiated"], "您反映业主委员会至今没有成立", []),
        ([""], "经核实不属实", []),
        # Several allegations: which one is meant shows in the words before the verdict.
        (["substantiated", "unsubstantiated"], "停水问题属实；乱收费问题不属实", []),
        (["substantiated", "unsubstantiated"], "停水问题不属实；乱收费问题不属实", [(1, "不属实")]),
        (["substantiated", "unsubstantiated"], "关于乱收费，经核实属实；停水也属实", [(2, "属实")]),
        (["substantiated", "unsubstantiated"], "以上问题均属实", [(2, "属实")]),
        (["substantiated", "unsubstantiated"], "经核实属实", []),
        (["substantiated", "unsubstantiated"], "反映的情况部分属实", []),
        (["substantiated", "substantiated"], "反映的情况不属实", [(1, "不属实"), (2, "不属实")]),
        (["substantiated", "unsubstantiated"], "物业提供的名单不属实", []),
    ],
)
def test_coo_09_a_verdict_is_held_against_the_findings(story, findings, reply, found):
    texts = ["小区停水没有通知", "水费乱收费"]
    for number, (text, finding) in enumerate(zip(texts, findings, strict=False), 1):
        Allegation.objects.create(complaint_id=story.pk, order=number, text=text, finding=finding)
    said = record_differences.of(story.case, f"我们查了日志。{reply}。")
    named = [(number, row.now) for row in said for number, text in enumerate(texts, 1) if text in str(row.source)]
    assert named == found


@pytest.mark.parametrize(
    ("given", "reply", "found"),
    [
        ([("refund", 90, "approved")], "退还水费 60 元", ["60 元"]),
        ([("refund", 90, "approved")], "退还水费九十元", []),
        ([("refund", 60, "done"), ("refund", 30, "approved")], "退还水费共 90 元", []),
        ([("refund", 90, "approved")], "退还水费 90 元（其中污水费 20 元）", []),
        ([("refund", 90, "approved")], "您要求退还 600 元没有依据", []),
        ([("refund", 90, "approved")], "每户退还 45 元", []),
        ([("refund", 90, "approved")], "因误工补偿 60 元", []),
        ([("refund", 90, "proposed")], "退还水费 60 元", []),
        ([("refund", 60, "refused")], "退还水费 60 元", ["60 元"]),
        ([("compensation", 500, "approved")], "对您的损失不予赔偿", ["不予赔偿"]),
        ([("compensation", 500, "approved")], "误工费不予赔偿，车辆损失赔偿 500 元", []),
        ([("apology", None, "approved")], "我们不予道歉", ["不予道歉"]),
        ([("apology", None, "approved")], "为此向您致歉", []),
        ([], "退还水费 60 元", []),
    ],
)
def test_coo_09_amounts_and_refusals_are_held_against_the_remedies(story, cast, given, reply, found):
    for kind, amount, state in given:
        Remedy.objects.create(
            complaint_id=story.pk, kind=kind, amount=amount, state=state, description="按账单核算",
            proposed_by=cast.water_handler, proposed_at=timezone.now(),
            done_at=timezone.now() if state == "done" else None,
        )  # fmt: skip
    said = record_differences.of(story.case, f"我们查了日志。{reply}。")
    assert [row.now for row in said] == found
    assert all("按账单核算" in str(row.source) for row in said)


def test_coo_09_a_reply_off_the_record_shows_both_and_asks_for_a_tick(story, cast, client):
    """In the form and in the preview; what stands on record is named beside what the reply says."""
    Allegation.objects.create(complaint_id=story.pk, text="停水没有通知", finding="substantiated")
    client.force_login(cast.water_handler)
    texts = {"process": "查了日志", "result": "停水没有通知一事不属实，已经解释。"}
    preview = reverse("complaints:reply_preview", args=[story.case.number])
    refused = submit(client, story, **texts)
    assert refused.status_code == 422
    assert set(refused.context["form"].errors) == {"differs_knowingly"}
    for page in (refused, client.post(preview, {"version": story.case.version, **texts})):
        shown = page.content.decode()
        for text in ("<strong>属实</strong>", "停水没有通知</div>", "<strong>不属实</strong>", f"“{texts['result']}”"):
            assert text in shown
    assert not story.case.replies.exists()
    assert submit(client, story, **texts, differs_knowingly="on").status_code == 302


def test_the_same_facts_need_no_tick(answered, cast, client):
    client.force_login(cast.water_handler)
    assert 'name="differs_knowingly"' not in client.get(address(answered)).content.decode()
    assert submit(client, answered, process="又去了现场").status_code == 302


def test_only_what_was_sent_counts_as_an_earlier_reply(story, cast, client):
    """A draft that the checker returned was never read by the complainant."""
    transitions.submit_for_check(story.pk, by=cast.water_handler, at=at("2026-11-18 15:00"), **TEXTS)
    transitions.return_for_rework(story.pk, by=cast.checker, comment="补日期", at=at("2026-11-18 16:00"))
    client.force_login(cast.water_handler)
    assert submit(client, story, result="减免水费 90 元").status_code == 302


# --- Preview ----------------------------------------------------------------------------------------
def test_the_preview_is_the_letter_that_is_sent(story, cast, client):
    """FB-04: what the author saw is what the complainant reads, and looking stores nothing."""
    now = timezone.now()
    improvement = {"what": "更换管道", "department": cast.water, "due_on": at("2031-03-31 00:00").date()}
    transitions.add_improvement(story.pk, by=cast.water_handler, **improvement)
    remedy = transitions.add_remedy(story.pk, by=cast.water_handler, kind="refund", description="减免水费", amount=60)
    preview = reverse("complaints:reply_preview", args=[story.case.number])
    client.force_login(cast.water_handler)
    before = client.post(preview, {**TEXTS, "version": story.case.version})
    assert before.status_code == 200
    assert [row.pk for row in before.context["waiting"]] == [remedy.pk]
    assert "减免水费（60" not in before.context["letter"]
    transitions.approve_remedy(remedy.pk, by=cast.water_head)
    shown = client.post(preview, {**TEXTS, "version": story.case.version}).context["letter"]
    assert not story.case.replies.exists()
    assert not story.case.notices.filter(kind="reply").exists()
    assert submit(client, story).status_code == 302
    transitions.pass_quality(story.pk, by=cast.checker)
    sent = story.case.notices.get(kind="reply").body
    assert timezone.now().date() != now.date() or shown == sent
    assert "减免水费（60 元）" in sent


def test_the_preview_says_what_is_still_wrong(answered, cast, client):
    preview = reverse("complaints:reply_preview", args=[answered.case.number])
    client.force_login(cast.water_handler)
    answer = client.post(preview, {"process": "{写明怎样核实}", "result": "减免水费 90 元", "version": 1})
    assert answer.status_code == 200
    assert answer.context["left"] == ["{写明怎样核实}"]
    assert [(reply.round, item.now) for reply, item in answer.context["differences"]] == [(1, "90 元")]
    assert f"“{TEXTS['result']}”" in answer.content.decode()
    assert client.post(preview, {"process": "", "result": "好"}).status_code == 422
    assert client.get(preview).status_code == 405
    client.force_login(cast.checker)
    assert client.post(preview, TEXTS).status_code == 403
    client.force_login(cast.roads_handler)
    assert client.post(preview, TEXTS).status_code == 404


def test_a_preview_of_a_case_that_moved_on_is_a_conflict(cast, client):
    story = Story(cast).accept().assign().start().submit()
    client.force_login(cast.water_handler)
    answer = client.post(reverse("complaints:reply_preview", args=[story.case.number]), TEXTS)
    assert answer.status_code == 409
