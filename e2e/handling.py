"""From the public form to the closed case, through the pages (IN, SCR, ASG, QUA, FB)."""

from __future__ import annotations

import base64

from e2e.people import Window, expect
from e2e.story import NAME, PHONE, REPLY, RESULT, SUBJECT, Story, day

PHOTO = {
    "name": "停水的水龙头.png",
    "mimeType": "image/png",
    "buffer": base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
    ),
}


# --- The complainant --------------------------------------------------------------------------
def file_complaint(story: Story) -> None:
    """The public form in four steps, with an attachment; number and access code on the receipt (IN-04, IN-16…23)."""
    with story.office.turn("citizen") as citizen:
        page = citizen.page
        citizen.open("/")
        citizen.follow('main a[href^="/complain/"]')
        citizen.submit("main form:has([name=category])", category="utilities")
        form = page.locator("form:has([name=narrative])")
        citizen.enter(
            form,
            narrative=f"{SUBJECT}。昨天早上七点起停水，打了两次电话都说不清原因。我姓名{NAME}，电话{PHONE}。",
            occurred_on=day(-2),
            demand="说明停水原因，赔偿买水的费用。",
        )
        form.locator("[name=files]").set_input_files(PHOTO)
        citizen.submit(form, button='button[formaction$="/upload/"]')
        citizen.shows("停水的水龙头.png", "已上传")
        citizen.is_accessible()
        citizen.submit(form)
        citizen.submit(
            "form:has([name=phone])", name=NAME, form_of_address="ms", phone=PHONE, preferred_contact="phone"
        )
        citizen.shows(SUBJECT, NAME, PHONE, "停水的水龙头.png", within="main")
        citizen.submit("form:has(.answer-row)")
        citizen.shows("我们收到了", within="h1")
        story.number, story.code = page.locator(".receipt-no").all_inner_texts()
        assert story.number.startswith("HY-")
        assert len(story.code.replace("-", "")) == 16
        citizen.is_accessible()


# --- The complaints office ----------------------------------------------------------------------
def accept(story: Story) -> None:
    """An intake officer finds the new case in the queue and accepts it (SCR-01, CLS-01)."""
    with story.office.turn("intake_officer-1") as officer:
        officer.open("/desk/queue/?view=all")
        officer.shows(story.number, SUBJECT, within="table")
        officer.is_accessible()
        officer.follow(officer.page.locator("a[data-row-link]").filter(has_text=SUBJECT))
        officer.shows(story.number, "已登记", "停水的水龙头.png")
        officer.has_no(action("assign"))
        hides_identity(officer)
        officer.follow(f".action-bar {action('accept')}")
        form = 'form[action$="/actions/accept/"]'
        officer.enter(officer.page.locator(form), category="water-outage")
        # The materials of the category follow the choice.
        expect(officer.page.locator("#materials [name=materials_of]")).to_have_value("water-outage")
        officer.submit(form, complexity="simple")
        officer.says("已完成：受理")
        status(officer, "已受理")


def assign(story: Story) -> None:
    """A coordinator names the lead department and a supporting one (ASG-01, ASG-02)."""
    with story.office.turn("coordinator-1") as coordinator:
        open_case(coordinator, story)
        do(
            coordinator,
            story,
            "assign",
            department="water",
            supporting="roads",
            task="查明停水原因，三个工作日内答复并恢复供水。",
        )
        coordinator.says("已完成：分派")
        status(coordinator, "已分派")
        coordinator.shows("供水集团", "城管局", within="[aria-labelledby=tasks-title]")


# --- The departments ------------------------------------------------------------------------------
def support(story: Story) -> None:
    """The supporting department does its own task and nothing else (ASG-06)."""
    with story.office.turn("case_handler-roads-1") as handler:
        open_case(handler, story)
        handler.has_no(action("start"))
        do(handler, story, "finish_supporting", result="道路开挖由供水集团申请，11 月 17 日已办理许可。")
        handler.says("已完成：完成协办")


def handle(story: Story) -> None:
    """The lead department takes over, records what it does and finds, and submits the reply (QUA-01…05)."""
    with story.office.turn("case_handler-water-1") as handler:
        open_case(handler, story)
        do(handler, story, "start")
        handler.says("已完成：接单办理")
        status(handler, "处理中")
        hides_identity(handler)
        record(handler, story, "contacts", purpose="first_contact", summary="已联系投诉人，说明正在查原因。")
        handler.says("沟通已记录。")
        record(handler, story, "points", text="未提前通知停水")
        handler.follow('a[href*="/points/"][href$="/finding/"]')
        handler.submit("main form:has([name=reason])", finding="substantiated", reason="抢修单上没有通知记录。")
        record(
            handler,
            story,
            "steps",
            investigated="records",
            summary=f"调取抢修单，与投诉人{NAME}（{PHONE}）核对停水时间，停水 9 小时。",
        )
        record(
            handler, story, "responsibilities", department="water", post="管网抢修班", summary="抢修前没有通知住户。"
        )
        record(
            handler,
            story,
            "remedies",
            remedy="compensation",
            description="赔偿买水的费用",
            amount="120",
            is_owed="true",
        )
        record(
            handler,
            story,
            "improvements",
            what="计划停水提前一天逐户通知",
            department="water",
            post="客户服务班",
            due_on=day(+30),
            acceptance_test="抽查十次停水的通知记录",
        )
        handler.shows("未提前通知停水", "属实", "管网抢修班", "计划停水提前一天逐户通知")
        handler.is_accessible()
        submit_reply(handler, story, result="停水由水管爆裂引起，已修复。")


def submit_reply(handler: Window, story: Story, *, result: str) -> None:
    handler.follow(f".action-bar {action('submit_for_check')}")
    handler.is_accessible()
    handler.submit("main form:has([name=process])", process=REPLY, result=result)
    handler.says("已完成：提交质量审核")
    status(handler, "质量审核")


def agree_remedy(story: Story) -> None:
    """Somebody else approves the compensation within the own limit (COO-12)."""
    with story.office.turn("coordinator-1") as coordinator:
        open_case(coordinator, story)
        coordinator.follow('main .task a[href*="/remedies/"]')
        coordinator.is_accessible()
        coordinator.submit("main form:has([name=approve])", button="[name=approve]")
        coordinator.shows("已批准")


def return_once(story: Story) -> None:
    """The checker reads the reply and sends it back with a reason (QUA-03)."""
    with story.office.turn("quality_checker-1") as checker:
        open_case(checker, story)
        do(checker, story, "return_for_rework", comment="没有答复赔偿的金额和到账日期。")
        checker.says("已完成：退回部门补充")
        status(checker, "处理中")


def submit_again(story: Story) -> None:
    """The handler reads why, corrects the earlier text and submits again."""
    with story.office.turn("case_handler-water-1") as handler:
        open_case(handler, story)
        handler.shows("没有答复赔偿的金额和到账日期。")
        submit_reply(handler, story, result=RESULT)


def pass_check(story: Story) -> None:
    """Passing sends the reply (QUA-02)."""
    with story.office.turn("quality_checker-1") as checker:
        open_case(checker, story)
        checker.follow(f".action-bar {action('pass_quality')}")
        checker.shows(RESULT)
        points = dict.fromkeys(("lawful", "demand", "investigation", "clear", "timely"), "85")
        checker.submit(
            "main form:has([name=lawful])",
            lawful="true",
            meets_demand="true",
            **{f"points_{code}": value for code, value in points.items()},
        )
        checker.says("已完成：通过并发出答复")
        status(checker, "已答复")


def call_back(story: Story) -> None:
    """Somebody who took no part asks how satisfied the complainant is (FB-04…07)."""
    with story.office.turn("intake_officer-2") as officer:
        open_case(officer, story)
        do(
            officer,
            story,
            "call_back",
            outcome="reached",
            is_solved="false",
            satisfaction="dissatisfied",
            reason="not_solved",
            comment="想知道为什么没有提前通知。",
        )
        officer.says("已完成：登记回访")
        officer.shows("不满意")


def close(story: Story) -> None:
    """A coordinator closes; whoever entered the satisfaction cannot (FB-08)."""
    with story.office.turn("coordinator-2") as coordinator:
        open_case(coordinator, story)
        do(
            coordinator,
            story,
            "close",
            is_systemic="false",
            is_cured="true",
            note="已修复并赔偿；对没有通知的说法，已告知可以申请复查。",
        )
        coordinator.says("已完成：结案")
        status(coordinator, "已结案")


# --- Words of every page of a case ------------------------------------------------------------------
def action(name: str) -> str:
    return f'a[href$="/actions/{name}/"]'


def open_case(window: Window, story: Story) -> None:
    """The search of the queue leads straight to the case whose number it is given."""
    window.open("/desk/queue/")
    search = window.page.locator("main [name=q]")
    search.fill(story.number)
    with window.page.expect_navigation():
        search.press("Enter")
    window.shows(SUBJECT, within="h1")


def do(window: Window, story: Story, name: str, **fields: object) -> None:
    """An action of the bar: its dialog where it has one, else its page."""
    button = window.page.locator(f".action-bar {action(name)}")
    if button.get_attribute("data-dialog") is None:
        window.follow(button)
    else:
        button.click()
    window.submit(f'form[action$="/actions/{name}/"]', **fields)


def record(window: Window, story: Story, tail: str, **fields: object) -> None:
    """Add a record to the case from its page."""
    address = f"/desk/cases/{story.number}/{tail}/"
    window.follow(f'a[href="{address}"]')
    window.submit(f'form[action="{address}"]', **fields)


def status(window: Window, label: str) -> None:
    expect(window.page.locator(".page-head .status")).to_have_text(label)


def hides_identity(window: Window) -> None:
    """Name and number of the complainant are masked where the case page shows the person (AZ-06)."""
    person = window.page.locator("#complainant").inner_text()
    assert NAME not in person
    assert PHONE not in person
