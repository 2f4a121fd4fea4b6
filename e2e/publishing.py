"""The result goes public, is read, and is taken down (PUB-02…20, PUB-44, PR-02, PR-06)."""

from __future__ import annotations

import re

from e2e.people import Window, expect
from e2e.story import NAME, PHONE, Story

AUTHOR, POSTER = "publisher-1", "publisher-2"
FIRST, SECOND, COUNSEL = "publication_checker-1", "publication_checker-2", "legal_counsel-1"
TITLE = "柳桥路停水没有提前通知，以后提前一天逐户通知"
SUMMARY = "供水集团抢修时没有通知住户，已赔偿，以后计划停水提前一天逐户通知。"
MEASURE = "计划停水提前一天逐户通知"
ROAD, ROAD_STAYS = "柳桥路", "只写路名，认不出是谁"
EVIDENCE = "抢修单和赔偿凭证"


def decide(story: Story) -> None:
    """A publisher decides for the closed case; the draft is made from its records (PUB-02, PUB-44)."""
    with story.office.turn(AUTHOR) as author:
        author.open("/desk/publications/?view=waiting")
        author.shows(story.number, within="table")
        author.follow(f'a[href="/desk/publications/cases/{story.number}/"]')
        author.submit("main form:has([name=publish])", publish="yes")
        author.says("草稿已从案卷生成，请逐字核对。")
        story.notice = author.number_in_address(r"/publications/(GS-[^/]+)/")


def compose(story: Story) -> None:
    """All six elements, each place masked or kept, each figure tied to its record; then submitted (PUB-03…13)."""
    with story.office.turn(AUTHOR) as author:
        page = author.page
        author.open(f"/desk/publications/{story.notice}/")
        texts = page.locator("#texts")
        for name in ("subject", "cause", "investigation", "responsibility", "result", "improvement"):
            assert texts.locator(f"[name={name}]").input_value(), name
        expect(texts.locator("[name=improvements]")).to_be_checked()
        author.enter(texts, title=TITLE, summary=SUMMARY)
        with page.expect_navigation():
            page.locator("button[form=texts]").click()
        author.shows(TITLE, within="h1")
        decide_places(author)
        tie_figures(author)
        answer_questions(author, story)
        author.shows("6 / 6", within=".meter")
        author.is_accessible()
        act(author, "submit")
        author.says("已完成：提交初核")


def decide_places(author: Window) -> None:
    """Name and telephone number are masked already; a road alone names nobody and stays, with the reason."""
    public = author.page.locator("#redactions .split > div:nth-child(2)")
    assert not re.search(f"{NAME}|{PHONE}", " ".join(public.all_inner_texts()))
    undecided = author.page.locator("#redactions tr:not(:has-text('保留：'))")
    road = undecided.filter(has_text=ROAD).locator("details")
    while road.count():
        road.first.locator("summary").click()
        author.submit(road.first.locator("form"), button='button[value="1"]', reason=ROAD_STAYS)
    suggested = undecided.locator('form:has(button[value="0"])')
    while suggested.count():
        author.submit(suggested.first, button='button[value="0"]')
    author.shows(ROAD_STAYS, within="#redactions")


def tie_figures(author: Window) -> None:
    """The public may ask where each figure comes from; those of the draft are tied to their records (PUB-13)."""
    assert author.page.locator("#evidence p.small").count()
    loose = author.page.locator("#evidence form")
    while loose.count():
        author.submit(loose.first, button="button", evidence=EVIDENCE)


def answer_questions(author: Window, story: Story) -> None:
    """What the record cannot know is asked of the author before the first check (PUB-44)."""
    author.follow('a[href$="/beside/gate/"]')
    author.is_accessible()
    author.submit("main form", consent="clear", secrets="clear", note="电话中同意公示")
    author.says("回答已记录。")
    author.open(f"/desk/publications/{story.notice}/")


def sign(story: Story) -> None:
    """Two checkers and counsel sign exactly the same text; nobody signs twice (PUB-12, PUB-18, AZ-09)."""
    with story.office.turn(AUTHOR) as author:
        author.open(f"/desk/publications/{story.notice}/")
        author.has_no(button("first_check"))
    for who, action in ((FIRST, "first_check"), (SECOND, "second_check"), (COUNSEL, "pass_masking")):
        with story.office.turn(who) as signer:
            signer.open(f"/desk/publications/{story.notice}/")
            signer.follow(f"#signatures {button(action)}")
            signer.shows(TITLE, SUMMARY, within=".public-copy")
            assert not re.search(f"{NAME}|{PHONE}", signer.page.locator(".public-copy").inner_text())
            signer.submit("main form:has(.form-actions)")
            signer.says("已完成：")
            signer.has_no(button("second_check"))  # the first checker is no second one


def publish(story: Story) -> None:
    """The other publisher posts it: whoever wrote it may not."""
    with story.office.turn(AUTHOR) as author:
        author.open(f"/desk/publications/{story.notice}/")
        author.has_no(button("publish"))
    with story.office.turn(POSTER) as poster:
        poster.open(f"/desk/publications/{story.notice}/")
        act(poster, "publish")
        poster.says("已完成：发布")
        found = poster.page.locator('main a[href^="/results/"]').first.get_attribute("href")
        assert found
        story.address = found


def read(story: Story) -> None:
    """Anybody finds it on the front page and by a word of two characters, and nothing in it names anybody."""
    with story.office.turn("reader") as reader:
        reader.open("/")
        reader.shows(TITLE, within="main")
        anonymous(reader, story)
        reader.is_accessible()
        reader.submit("form[role=search]", q="停水")
        reader.follow(reader.page.get_by_role("link", name=TITLE))
        assert story.address in reader.page.url
        reader.shows(TITLE, within="h1")
        reader.shows(SUMMARY, MEASURE, "供水集团", "赔偿", within="main")
        anonymous(reader, story)
        reader.is_accessible()
        reader.open("/?q=退费")
        reader.has_no(f'main a[href*="{story.address}"]')
        reader.shows("退费", within="main")
        for data in ("/feed.atom", "/open-data/results.csv", "/open-data/results.json", story.address):
            body = reader.page.request.get(reader.site + data).text()
            assert TITLE in body, data
            assert not re.search(secrets(story), body), data


def take_down(story: Story) -> None:
    """One person is enough; from then on the address answers 410 (PR-06)."""
    with story.office.turn("coordinator-1") as coordinator:
        coordinator.open(f"/desk/publications/{story.notice}/")
        coordinator.page.locator('a[href="#take-down"]').click()
        coordinator.submit("#take-down form", reason="投诉人要求撤下。")
        coordinator.says("已完成：撤下")
    with story.office.turn("reader") as reader:
        answer = reader.page.request.get(reader.site + story.address)
        assert answer.status == 410
        assert TITLE not in answer.text()
        assert "这份公示已经撤下" in answer.text()
        reader.open("/?q=停水&text=large")  # an address the browser has not kept
        reader.has_no(f'main a[href*="{story.address}"]')


# --- Words of every page of a publication ---------------------------------------------------------
def button(action: str) -> str:
    return f'a[href$="/actions/{action}/"]'


def act(window: Window, action: str) -> None:
    """An action of the bar, on its page with exactly the text it is about."""
    window.follow(f".action-bar {button(action)}")
    window.submit("main form:has(.form-actions)")


def secrets(story: Story) -> str:
    """What must stay inside: who complained, their number, the number of the case."""
    return f"{NAME}|{PHONE}|{story.number}"


def anonymous(reader: Window, story: Story) -> None:
    assert not re.search(secrets(story), reader.page.content())
