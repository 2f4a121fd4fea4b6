"""The knowledge of the demo: common questions, a known issue, guides, a typical case, trainings; all invented."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.utils import timezone

from complaints import knowledge, staff_training
from complaints.models import Article, Complaint
from complaints.states import ArticleKind, Status, TrainingKind
from config.demo.story import Teller, attempt

_QUESTIONS = [
    (
        "投诉多久能有答复？",
        "2 个工作日内告知是否受理；受理后一般事项 15 个工作日内办结答复，复杂事项会事先告知延期原因和新的日期。",
        "时限 多久 办结",
    ),
    (
        "查询码丢了怎么办？",
        "请用登记时留下的电话拨打我们的热线，或携带身份证到窗口。核对身份后换发新的查询码，旧码作废。",
        "密码 忘记 补发",
    ),
    (
        "对答复不满意怎么办？",
        "收到答复后可以在「查询进度」页面评价并申请复查，由没有参与办理的人员重新审查。也可以依法申请行政复议或提起诉讼。",
        "复查 不满意 申诉",
    ),
]
_GUIDES = [
    (
        ArticleKind.GUIDE,
        "停水投诉的首次联系要点",
        "一、先核对停水公告和抢修工单。\n二、告知预计恢复时间和送水点。\n三、家中有病人、老人、婴儿的，登记并优先安排送水。",
        "water-outage",
        "断水 没水 抢修",
    ),
    (
        ArticleKind.GUIDE,
        "换表后用水量异常的核查办法",
        "一、核对换表前后的读数和抄表照片。\n二、预约上门，查有无漏水；投诉人要求的，委托法定机构检测水表。\n"
        "三、误差超标的，按规定退补水费，并查同批次水表。",
        "utility-bill",
        "水表 用水量 水费 吨",
    ),
    (
        ArticleKind.WORDING,
        "致歉与说明原因的参考用语",
        "给您带来不便，我们向您道歉。经核实，原因是……。我们已经……，预计……完成。请按实际情况改写，不要照抄。",
        "",
        "话术 道歉",
    ),
    (
        ArticleKind.COMPLIANCE,
        "个人信息保护守则（2026 版）",
        "一、未经登记理由不得查看投诉人身份信息。\n二、不得通过私人通讯工具传送案卷材料。\n三、发现泄露立即报告合规专员。",
        "",
        "保密 隐私",
    ),
]
_TYPICAL = (
    "反复停水、答复避重就轻的教训",
    "某小区一个月内三次停水，前两次答复只写「已修复」，没有说明管道老化的原因，居民再次投诉。"
    "复查认定：原因没有查到底。教训：答复要写明原因和根治期限。",
)


def tell(teller: Teller) -> dict[str, int]:
    """Articles written by the coordinator and approved by the quality checker; trainings with points."""
    author, approver = teller.people.role("coordinator")[0], teller.people.role("quality_checker")[0]
    written = teller.now - timedelta(days=40)
    until = timezone.localdate(teller.now) + timedelta(days=300)
    common: dict[str, Any] = {"by": author, "owner": author, "valid_until": until, "at": written}
    drafts: list[Article] = []
    for title, body, words in _QUESTIONS:
        drafts.append(
            knowledge.create(kind=ArticleKind.FAQ, title=title, body=body, words=words, is_public=True, **common)
        )
    for kind, title, body, code, words in _GUIDES:
        drafts.append(
            knowledge.create(
                kind=kind,
                title=title,
                body=body,
                words=words,
                category=teller.categories.get(code),
                needs_receipt=kind == ArticleKind.COMPLIANCE,
                **common,
            )
        )
    drafts.append(
        knowledge.create(
            kind=ArticleKind.KNOWN_ISSUE,
            title="柳桥片区主管道抢修，今晚 20 时前恢复供水",
            body="统一答复：柳桥三村、槐荫里一带因主管道抢修停水，预计今晚 20 时前恢复；送水点设在两个小区的物业门口。",
            category=teller.categories.get("water-outage"),
            broadcast_until=teller.now + timedelta(days=7),
            **common | {"at": teller.now - timedelta(hours=3)},
        )
    )
    case = Complaint.objects.filter(status__in=[Status.CLOSED, Status.ARCHIVED]).order_by("pk").first()
    if case is not None:
        title, body = _TYPICAL
        typical: dict[str, Any] = {
            "kind": ArticleKind.TYPICAL_CASE,
            "title": title,
            "body": body,
            "case_numbers": case.number,
        }
        drafts.append(knowledge.create(**typical, **common))
    for row in drafts:
        knowledge.publish(row.pk, version=row.version, by=approver, at=row.changed_at + timedelta(hours=2))
    knowledge.create(
        kind=ArticleKind.GUIDE, title="快递投诉的证据清单", body="面单照片、物流记录、沟通记录、损失凭证。", **common
    )
    for reader in teller.people.role("intake_officer"):
        rule = next(row for row in drafts if row.needs_receipt)
        attempt(partial(knowledge.confirm_read, rule.pk, revision=1, by=reader, at=teller.now - timedelta(days=20)))
    return {"articles": len(drafts) + 1, "trainings": _trainings(teller)}


def _trainings(teller: Teller) -> int:
    keeper = teller.people.role("coordinator")[0]
    intake, handlers = teller.people.role("intake_officer"), teller.people.role("case_handler")
    today = timezone.localdate(teller.now)

    def lines(people: list, points: tuple[int, ...]) -> str:
        return "\n".join(
            f"{user.staff_number} {points[n % len(points)]}" if points else user.staff_number
            for n, user in enumerate(people)
        )

    rows = [
        (TrainingKind.ENTRY, "新任承办人岗前考试", -90, "8", "周明远", lines(handlers, (92, 78, 85, 56))),
        (TrainingKind.COURSE, "沟通技巧与情绪管理", -45, "3.5", "市心理援助中心", lines(intake + handlers, ())),
        (TrainingKind.ROLE_PLAY, "群体性停水事件接诉演练", -20, "2", "高磊", lines(intake, ())),
        (TrainingKind.COMPLIANCE, "个人信息保护培训及考试", -12, "2", "严谨", lines(intake + handlers, (88, 95, 74))),
        (TrainingKind.MENTORING, "师徒结对：受理岗", -10, "0", "林若溪", lines(intake[1:], ())),
        (TrainingKind.COURSE, "年度法规更新学习（计划）", 20, "2", "梁静怡", ""),
    ]
    for kind, title, days, hours, trainer, people in rows:
        staff_training.record(
            by=keeper,
            kind=kind,
            title=title,
            held_on=today + timedelta(days=days),
            hours=Decimal(hours),
            trainer=trainer,
            people=people,
            at=teller.now,
        )
    return len(rows)
