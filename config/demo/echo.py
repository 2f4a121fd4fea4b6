"""What comes back after a publication in the demo: postings, readers, comments, volunteers, statements.

All invented.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from functools import partial
from io import BytesIO

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image, ImageDraw

from accounts.models import User
from complaints.models import Category, Complaint, StoredFile
from complaints.states import Status
from config.demo.story import Teller, attempt
from publication import channels, comments, helpful, observations, postings, statements, volunteers
from publication import transitions as publishing
from publication.models import Channel, Publication, PublishedResult, Statement, VolunteerReport
from publication.states import AudienceGroup, ChannelKind, CommentRoute, CommentState, PublicationStatus

READER = "Mozilla/5.0"
# What was said, and what the office answered.
_SAID = [
    ("看得明白，哪天改完也写清楚了。希望说到做到。", "完成一项就在这一页更新一项，到期没有完成也会写明原因。"),
    ("别的小区也有同样的问题，是不是一起查一查？", "同类问题已经一并排查，结果另行公布。"),
    ("完成的日期能不能再提前一点？", ""),
]
_WAITING = "我也遇到过，打电话没有人说得清，请联系我 13900002468。"
_HIDDEN = "低价疏通管道，量大优惠。"
# Name, telephone, from where, days between reports, what was seen, whether it is there, what we answered.
_VOLUNTEERS = [
    ("高秀英", "13900001357", "柳桥三村", 30, "到现场看过，说好的都做了，公告栏里也贴着办理结果。", True,
     "谢谢您到现场查看，三个月后我们再请您看一次。"),
    ("邵国梁", "13900002468", "槐荫里", 30, "问了几位来办事的人，都说还没有看到变化，现场也没有施工。", False,
     "已转责任部门说明原因，本月底前在公示页面更新进度。"),
    ("聂玉兰", "13900003579", "文汇苑", 60, "热线和现场的说法不一致，建议统一。", None, ""),
    ("祝春生", "", "银杏里", 14, "", None, ""),
]  # fmt: skip
_STATEMENT = {
    "title": "关于近期停水的说明",
    "facts": "近期几个小区先后停水，最长的超过一天。\n- 现已全部恢复供水。\n- 停水期间设了临时送水点。",
    "apology": "停水前后没有及时告知居民，我们向大家道歉。",
    "cause": "主管道老化，抢修信息没有及时传到热线。",
    "remedy": "老旧管道分片更换，工期逐月公布；停水一小时内短信通知到户。",
    "contact": "投诉办，电话 8800 0123",
    "channels": "望澜市政务公众号",
}


def tell(teller: Teller) -> None:
    """Postings, readers, comments, volunteers with their reports, and official statements."""
    shown = list(PublishedResult.objects.filter(withdrawn_at=None).order_by("published_at", "pk"))
    # The lines of the story so far stay as they are: this part throws dice of its own.
    dice = random.Random(len(shown))  # noqa: S311 - a story, not a secret
    _postings(teller, dice)
    _readers(teller, shown, dice)
    _comments(teller, shown[-6:])
    _volunteers(teller, shown)
    _statements(teller)
    _progress(teller)


def _postings(teller: Teller, dice: random.Random) -> None:
    """The oldest results and the newest hang and are told in several places, with what was counted there."""
    editor = teller.people.role("publisher")[0]
    ways = {row.code: row for row in channels.register()}
    parents = channels.save(
        None, by=editor, code="parents", name="家长群", name_en="Parents’ groups", kind=ChannelKind.VERTICAL,
        audience=AudienceGroup.FIELD, place="各校家长委员会转发", days=30, order=70, is_active=True,
    )  # fmt: skip
    category = Category.objects.filter(dimension="category", code="education-refund").first()
    if category:
        channels.map_category(category, parents, by=editor, note="由教育局转发", at=teller.now)
    today = timezone.localdate(teller.now)
    posted = Publication.objects.filter(status=PublicationStatus.POSTED).select_related("category")
    rows = list(posted.order_by("posted_at", "pk"))
    photographs: list[StoredFile] = []
    attempt(lambda: photographs.append(postings.keep_proof(_photograph(), at=teller.now)))
    for index, publication in enumerate([*rows[:3], *rows[3:][-4:]]):
        assert publication.posted_at is not None  # its status is posted
        at = min(publication.posted_at + timedelta(hours=1), teller.now)
        day = timezone.localdate(publication.posted_at)
        chosen = [ways["notice-board"], ways["lobby"] if index % 2 else ways["wechat"]]
        if publication.category == category:
            chosen.append(parents)
        for posting in postings.choose(publication.pk, chosen, by=editor, at=at):
            if index == 6:
                continue  # the newest is still to be put up
            place = {"notice-board": "小区北门公告栏", "lobby": "办事大厅一层导办台"}.get(posting.channel.code, "")
            # One photograph is still missing.
            proof = photographs[0] if photographs and posting.channel.code == "notice-board" and index != 5 else None
            up = postings.put_up(posting.pk, by=editor, up_on=day, place=place, proof=proof, at=at)
            assert up.until is not None  # it is up
            for n in range(min(3, (today - day).days + 1)):
                numbers = {"views": dice.randint(20, 90), "comments": dice.randint(0, 3), "enquiries": n % 2}
                postings.count(up.pk, by=editor, day=day + timedelta(days=n), at=teller.now, **numbers)
            # One whose term is over was forgotten.
            if up.until < today and not (index == 0 and place):
                postings.take_down(up.pk, by=editor, on=up.until, at=teller.now)


def _photograph() -> SimpleUploadedFile:
    """A drawn notice board: no real place."""
    picture = Image.new("RGB", (640, 480), (196, 203, 205))
    drawing = ImageDraw.Draw(picture)
    drawing.rectangle((90, 60, 550, 420), fill=(120, 84, 56))
    drawing.rectangle((110, 80, 530, 400), fill=(214, 198, 168))
    for left in (140, 330):
        drawing.rectangle((left, 110, left + 160, 360), fill=(255, 255, 255))
        for line in range(9):
            drawing.rectangle((left + 16, 136 + 22 * line, left + 144, 142 + 22 * line), fill=(110, 118, 122))
    out = BytesIO()
    picture.save(out, "JPEG", quality=85)
    return SimpleUploadedFile("board.jpg", out.getvalue(), content_type="image/jpeg")


def _readers(teller: Teller, shown: list[PublishedResult], dice: random.Random) -> None:
    """Pages sent and answers to "was this helpful", on the first days of each result."""
    codes = ["", "", "", *Channel.objects.filter(code__in=["notice-board", "wechat"]).values_list("code", flat=True)]
    for row in shown:
        days = max(0, (teller.now - row.published_at).days)
        for _n in range(dice.randint(20, 120)):
            at = row.published_at + timedelta(days=dice.randint(0, min(days, 3)))
            helpful.note_view(row.pk, channel=dice.choice(codes), agent=READER, at=min(at, teller.now))
    helpful.write_views()
    for row in shown[:4] + shown[-6:]:
        for n in range(dice.randint(5, 14)):
            is_helpful = dice.random() < 0.85
            helpful.vote(row, is_helpful=is_helpful, address=f"192.0.2.{n}", at=row.published_at + timedelta(hours=2))


def _comments(teller: Teller, shown: list[PublishedResult]) -> None:
    """Some stand with their answer, one is not shown, one became feedback, one waits."""
    editor = teller.people.role("publisher")[1]
    for index, row in enumerate(shown):
        words, answer = _SAID[index % len(_SAID)]
        at = min(row.published_at + timedelta(hours=5), teller.now)
        comment = comments.leave(row.pk, text=words, at=at)
        later = min(at + timedelta(hours=3), teller.now)
        show = partial(comments.show, comment.pk, by=editor, seen=CommentState.WAITING, shown_text=words, at=later)
        if attempt(show) and answer:
            comments.answer(comment.pk, by=editor, answer=answer, at=later)
        if index == 1:
            comments.pass_on(comment.pk, by=editor, route=CommentRoute.FEEDBACK, at=later)
    if shown:
        rude = comments.leave(shown[-1].pk, text=_HIDDEN, at=teller.now - timedelta(hours=4))
        comments.hide(rude.pk, by=editor, seen=CommentState.WAITING, reason="广告，与公示无关", at=teller.now)
        comments.leave(shown[-1].pk, text=_WAITING, at=teller.now - timedelta(hours=2))


def _volunteers(teller: Teller, shown: list[PublishedResult]) -> None:
    """Four volunteers: what two of them saw stands with its result, one waits for an answer, one is due."""
    editor = teller.people.role("publisher")[0]
    since = timezone.localdate(teller.now - timedelta(days=45))
    for index, (name, phone, unit, days, words, fulfilled, answer) in enumerate(_VOLUNTEERS):
        registered = volunteers.register(
            by=editor, name=name, phone=phone, unit=unit, since=since, report_every_days=days, at=teller.now
        )
        notice = shown[-1 - index].publication_number if answer and len(shown) > index else ""
        if not words:
            continue
        at = teller.now - timedelta(days=1, hours=index)
        volunteers.report(code=registered.code, text=words, notice=notice, fulfilled=fulfilled, at=at)
        if not answer:
            continue
        report = VolunteerReport.objects.order_by("-pk")[0]
        volunteers.answer(report.pk, by=editor, answer=answer, at=teller.now)
        step = partial(observations.show, report.pk, by=editor, seen=CommentState.WAITING, at=teller.now)
        attempt(partial(step, shown_text=words, answer=answer))


def _statements(teller: Teller) -> None:
    """One statement the public reads, one that was taken down, one that waits for the check."""
    people = teller.people
    author, manager = people.role("coordinator")[0], people.role("manager")[0]
    checker, legal = people.role("publication_checker")[0], people.role("legal_counsel")[0]
    water = Complaint.objects.filter(category__code="water-outage", status=Status.CLOSED).order_by("-closed_at", "pk")
    cases = list(water.values_list("pk", flat=True)[:3])
    for days, title in ((40, "关于停水信息的说明（第一次）"), (12, _STATEMENT["title"]), (1, "关于停水补偿办法的说明")):
        if not cases:
            return
        at = teller.now - timedelta(days=days)
        statement = statements.draft(cases, by=author, at=at, **_STATEMENT | {"title": title})
        if days == 1:
            attempt(partial(statements.submit, statement.pk, by=author, at=at))
            continue
        signing = [author, checker, legal, people.role("publisher")[0]]
        attempt(partial(_post, statement, signing, at + timedelta(hours=3)))
        if days == 40:
            reason = "内容已由新的说明代替"
            attempt(partial(statements.take_down, statement.pk, by=manager, reason=reason, at=at + timedelta(days=20)))


def _post(statement: Statement, people: list[User], at: datetime) -> None:
    """Through the check, legal and out."""
    steps = (statements.submit, statements.check, statements.pass_legal, statements.publish)
    for n, (step, person) in enumerate(zip(steps, people, strict=True)):
        step(statement.pk, by=person, at=at + timedelta(hours=n))


def _progress(teller: Teller) -> None:
    """Results that have been up for a month say how far the improvements are and whether complaints became fewer."""
    editor = teller.people.role("publisher")[0]
    posted = Publication.objects.filter(
        status=PublicationStatus.POSTED, posted_at__lt=teller.now - timedelta(days=31)
    ).order_by("posted_at", "pk")
    for pk in posted.values_list("pk", flat=True)[:4]:
        attempt(partial(publishing.update_progress, pk, by=editor, at=teller.now - timedelta(hours=1)))
