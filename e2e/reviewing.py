"""The complainant applies for a review, and people who took no part look again (REV, RI, FB-19)."""

from __future__ import annotations

from e2e.people import Window, expect
from e2e.story import NAME, PHONE, RESULT, SUBJECT, Story

HEAD, AUTHOR, MEMBER = "head_of_review-1", "reviewer-1", "reviewer-2"
APPLICATION = "一直没有人说明为什么不提前通知。"
GAP = "城管局的结果写在协办任务里，没有另外的书面说明。"
REPORT = "维持原处理。停水由水管爆裂引起，没有通知属实，赔偿和改进都已写明日期。"


def apply(story: Story) -> None:
    """Number and access code open the case; the answer stands first; a review can be applied for (FB-02, REV-18)."""
    with story.office.turn("citizen") as citizen:
        citizen.open("/")
        citizen.follow('main a[href^="/track/"]')
        citizen.submit("form.track-form", number=story.number, code=story.code)
        citizen.shows(SUBJECT, within="h1")
        citizen.shows(RESULT)
        citizen.is_accessible()
        citizen.follow('#review a[href^="/track/case/review/"]')
        citizen.submit("main form:has([name=reasons])", reasons="not_solved", text=APPLICATION)
        citizen.shows("我们收到了您的申请。2 个工作日内告诉您是否复查。")
        citizen.shows("您的复查申请", within="#review")


def set_up(story: Story) -> None:
    """The head answers the three questions and names two members free of conflict (REV-26…30, RI-01)."""
    with story.office.turn(HEAD) as head:
        head.open("/desk/reviews/?view=screening")
        head.follow(head.page.get_by_role("link", name=SUBJECT))
        story.review = head.number_in_address(r"/reviews/([^/]+)/")
        head.shows(APPLICATION, "用户申请", RESULT)
        hides_identity(head)
        do(
            head,
            "set_up",
            within_responsibility="true",
            measures_exhausted="true",
            demand_reasonable="true",
            reason="属于本单位职责，投诉人的问题没有得到回答。",
        )
        head.says("已完成：立项复查")
        do(head, "assign_reviewers", author=AUTHOR, members=MEMBER)
        head.says("已完成：分配复查员")
        head.shows("复查员1", "复查员2", within="main aside")


def investigate(story: Story) -> None:
    """The author collects the records, explains the gap, verifies, records a finding and reports (REV-33…43)."""
    with story.office.turn(AUTHOR) as author:
        open_review(author, story)
        do(author, "collect")
        author.shows("1 / 2", within="main aside")  # the supporting department answered, no other party did
        do(author, "explain_gap", kind="related", reason=GAP)
        author.shows(GAP, within="main aside")
        do(author, "start_verification")
        do(
            author,
            "record_finding",
            subject="停水前是否通知",
            original="没有通知，属实",
            found="抢修单和通话记录一致，没有通知。",
            comparison="same",
        )
        author.shows("停水前是否通知", "一致", within="table.compare")
        check_outcome(author, story)
        do(author, "submit_report", report=REPORT, conclusion="uphold", acceptable_to_user="true")
        author.shows(REPORT)
        do(author, "give_opinion", verdict="uphold", text="事实清楚。")
        author.has_no("text=事实清楚。")  # nobody sees an opinion before all are in (RI-10)
        author.has_no(button("finalise"))  # whoever wrote the report does not sign it
        author.is_accessible()


def check_outcome(author: Window, story: Story) -> None:
    """The record of the case against a file of the case; the report waits for it (REV-40)."""
    author.open(f"/desk/reviews/{story.review}/records/outcome/")
    author.submit(
        "main form:has(.form-actions)",
        recorded="没有通知，属实；已回访",
        source="none",
        evidence="案卷里没有通话录音。",
        agrees="false",
        explanation="按抢修单认定，要求今后保存录音。",
    )
    author.shows("案卷里没有通话录音。")
    author.open(f"/desk/reviews/{story.review}/")


def conclude(story: Story) -> None:
    """The second member opines and signs; the head tells the complainant and closes (REV-44, REV-45)."""
    with story.office.turn(MEMBER) as member:
        open_review(member, story)
        member.has_no("text=事实清楚。")
        do(member, "give_opinion", verdict="uphold", text="同意维持。")
        member.shows("事实清楚。", "同意维持。", within="main aside")
        do(member, "finalise")
        member.says("已完成：签署结论")
    with story.office.turn(HEAD) as head:
        open_review(head, story)
        do(head, "notify")
        head.says("已完成：反馈投诉人")
        do(head, "close")
        head.says("已完成：复查结案")
        head.open("/desk/reviews/?view=closed")
        head.shows(SUBJECT, within="table")


def read_result(story: Story) -> None:
    """The complainant reads the result on the same page."""
    with story.office.turn("citizen") as citizen:
        citizen.open("/track/case/")
        citizen.shows("已有结果。", "看告知书", within="#review")
        letter = citizen.page.locator("details", has_text=REPORT)
        expect(letter).to_have_count(1)
        letter.locator("summary").click()
        expect(letter.get_by_text(REPORT)).to_be_visible()


# --- Words of every page of a review ------------------------------------------------------------
def button(action: str) -> str:
    return f'.action-bar a[href$="/actions/{action}/"]'


def open_review(window: Window, story: Story) -> None:
    window.open("/desk/reviews/")
    window.follow(window.page.get_by_role("link", name=SUBJECT))
    assert story.review in window.page.url


def do(window: Window, action: str, **fields: object) -> None:
    window.follow(button(action))
    window.submit("main form:has(.form-actions)", **fields)


def hides_identity(window: Window) -> None:
    """A review shows what was written, not the record of the person."""
    aside = window.page.locator("main aside").first.inner_text()
    assert NAME not in aside
    assert PHONE not in aside
