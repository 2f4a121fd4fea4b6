"""The problem list of the demo: one problem being improved, one settled and handed on, one not analysed yet.

And two suppliers behind complaints: one asked to improve for the second time, one that improved.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from django.utils import timezone

from analytics import adoptions, causes, problem_feed, problem_rules, projects, suppliers
from analytics.models import Problem
from analytics.periods import month_of
from analytics.states import CauseCode, ImprovementKind, ProblemSourceKind
from complaints.models import Complaint
from complaints.states import Status
from config.demo.story import Teller, attempt

# Closed cases of the same category that the coordinator adds by hand.
_MORE = 30
ENDED = (Status.CLOSED, Status.ARCHIVED)


def tell(teller: Teller) -> int:
    """Three problems taken from what closed cases proposed, returns how many there are; and two suppliers."""
    told = [step(teller) for step in (_pipes, _deliveries, _bills)]
    _suppliers(teller)
    return sum(problem is not None for problem in told)


def _enter(teller: Teller, code: str, title: str, description: str, *, days: int) -> Problem | None:
    """Take up what the closed cases of a category propose, as the coordinator did so many days ago."""
    keeper = teller.people.role("coordinator")[0]
    category = teller.categories[code]
    found = problem_feed.candidates(ProblemSourceKind.CASE, now=teller.now)
    candidate = next((row for row in found if row.category_id == category.pk), None)
    if candidate is None:
        return None
    problem = problem_feed.take_up(
        candidate.kind, candidate.key, title=title, description=description, is_major=True, by=keeper, at=teller.now
    )
    others = Complaint.objects.filter(category=category, status__in=ENDED)
    keys = others.order_by("-pk").values_list("pk", flat=True)[:_MORE]
    problem_rules.link_cases(problem, keys, kind=ProblemSourceKind.CASE, by=keeper, at=teller.now)
    problem.opened_at = teller.now - timedelta(days=days)
    problem.save(update_fields=["opened_at"])
    return problem


def _plan(teller: Teller, code: str, owner: str, *, days: int, **changes: Any) -> dict[str, Any]:
    """A plan of so many days ago; its indicator is counted over the three months before."""
    today, at = timezone.localdate(teller.now), teller.now - timedelta(days=days)
    months = month_of(at).previous.last_months(3)
    return {
        "owner": teller.people.users[owner],
        "department": teller.people.departments[code],
        "starts_on": today - timedelta(days=days),
        "due_on": today + timedelta(days=130),
        "report_every_days": 14,
        "indicator": "received",
        "before": (months[0], months[-1]),
        "at": at,
        "by": teller.people.role("coordinator")[0],
        **changes,
    }


def _pipes(teller: Teller) -> Problem | None:
    problem = _enter(
        teller,
        "water-outage",
        "老旧小区反复停水",
        "柳桥、槐荫里一带一个月停水数次，每次只抢修，管道没有更换。",
        days=75,
    )
    if problem is None:
        return None
    keeper = teller.people.role("coordinator")[0]
    users = teller.people.users
    causes.record(
        problem.pk,
        held_on=timezone.localdate(teller.now) - timedelta(days=50),
        participants=[users["GS0100"], users["GS0102"], keeper],
        guests="管网设计院",
        whys=[
            "主管道多次爆裂",
            "铸铁管使用超过 30 年，接口锈蚀",
            "更换计划年年提出，没有列入预算",
            "停水次数没有作为更换的依据报给管理层",
        ],
        fishbone={
            "people": ["抢修班组夜间人手不足"],
            "method": ["只抢修，不更换", "停水通知靠物业张贴"],
            "machine": ["铸铁管老化", "阀门关不严"],
            "material": ["管网图纸不全"],
            "environment": ["道路施工震动"],
            "measure": ["没有按小区统计停水次数"],
        },
        root_cause=CauseCode.RIGID,
        conclusion="把停水次数最多的管段列入年度更换计划，并改为提前一天逐户通知。",
        by=keeper,
        at=teller.now - timedelta(days=50),
    )
    project = projects.start(
        problem.pk,
        title="柳桥、槐荫里主管道更换",
        kind=ImprovementKind.EQUIPMENT,
        chain=["design", "production", "service"],
        goal="1.8 公里铸铁管换成球墨铸铁管，停水提前一天逐户通知。",
        acceptance="竣工验收单；连续三个月没有爆管；投诉量比之前减少一半。",
        **_plan(teller, "water", "GS0102", days=40),
    )
    for days, percent, text in ((28, 10, "设计完成，招标挂网。"), (12, 22, "首段 400 米开工。")):
        projects.report(
            project.pk, percent=percent, text=text, by=users["GS0102"], at=teller.now - timedelta(days=days)
        )
    return problem


def _deliveries(teller: Teller) -> Problem | None:
    problem = _enter(teller, "late-delivery", "快递延误不问关联损失", "登记表没有关联损失一栏，赔偿只谈运费。", days=70)
    if problem is None:
        return None
    keeper, checker = teller.people.role("coordinator")[0], teller.people.role("quality_checker")[0]
    owner = teller.people.users["YZ0101"]
    causes.record(
        problem.pk,
        held_on=timezone.localdate(teller.now) - timedelta(days=60),
        participants=[owner, keeper],
        guests="",
        whys=["赔偿只按运费谈", "受理时没有问到其他损失", "登记表缺这一栏，话术也没有"],
        fishbone={"method": ["登记表缺栏目", "话术没有更新"], "people": ["新人没有培训"]},
        root_cause=CauseCode.KNOWLEDGE_STALE,
        conclusion="改登记表和话术，并培训受理人员。",
        by=keeper,
        at=teller.now - timedelta(days=60),
    )
    verified_at = teller.now - timedelta(days=5)
    last = month_of(verified_at).previous
    project = projects.start(
        problem.pk,
        title="登记表改版和受理话术",
        kind=ImprovementKind.MANUAL,
        chain=["service"],
        goal="登记延误类投诉时逐项询问关联损失。",
        acceptance="抽查 30 件，全部问到；投诉量下降。",
        **_plan(
            teller,
            "post",
            "YZ0101",
            days=50,
            indicator="median_hours",
            due_on=timezone.localdate(teller.now) - timedelta(days=20),
        ),
    )
    done = projects.finish(
        project.pk, text="登记表和话术已上线，培训两场。", version=project.version, by=owner,
        at=teller.now - timedelta(days=22),
    )  # fmt: skip
    settled = attempt(
        partial(
            projects.verify,
            project.pk,
            note="抽查 30 件，全部问到关联损失。",
            after=(last, last),
            version=done.version,
            by=checker,
            at=verified_at,
        )
    )
    if settled:
        asked = adoptions.ask(
            project.pk,
            departments=[teller.people.departments[code] for code in ("water", "heat")],
            due_on=timezone.localdate(teller.now) + timedelta(days=20),
            by=keeper,
            at=teller.now - timedelta(days=4),
        )
        adoptions.answer(
            asked[0].pk,
            is_adopted=True,
            text="停水登记表增加关联损失一栏，本月上线。",
            by=teller.people.users["GS0100"],
            at=teller.now - timedelta(days=2),
        )
        problem.refresh_from_db()
        problem_rules.settle(
            problem.pk, reason="改版后延误类投诉逐项询问损失，已验收。", version=problem.version, by=keeper,
            at=teller.now - timedelta(days=1),
        )  # fmt: skip
    return problem


def _bills(teller: Teller) -> Problem | None:
    return _enter(
        teller, "utility-bill", "换表后水费异常，解释不清", "新表接口渗漏没有查出，客服只答表没问题。", days=18
    )


def _suppliers(teller: Teller) -> None:
    """A works whose pipes burst did not improve and was asked again; a printer of bills did."""
    keeper, checker = teller.people.role("coordinator")[0], teller.people.role("quality_checker")[0]
    today = timezone.localdate(teller.now)

    def ago(days: int) -> Any:
        return {"at": teller.now - timedelta(days=days)}

    pipes = _supplied(
        teller, "water-outage", "江东管材厂", "铸铁管及管件", "销售部质量专员", "同批次铸铁管壁厚不足，接口处开裂。"
    )
    if pipes is not None:
        suppliers.demand(
            pipes, text="更换柳桥一带同批次管材，并提交壁厚检测报告。", due_on=today - timedelta(days=38), by=keeper,
            **ago(52),
        )  # fmt: skip
        suppliers.answer(
            pipes, text="已更换 300 米，其余管材自检合格，未附检测报告。", received_on=today - timedelta(days=36),
            by=keeper, **ago(36),
        )  # fmt: skip
        suppliers.judge(pipes, is_improved=False, by=checker, **ago(30))
        suppliers.demand(
            pipes, text="停供该批次管材；由第三方检测剩余管段，不合格的全部更换。", due_on=today + timedelta(days=12),
            by=keeper, **ago(27),
        )  # fmt: skip
    bills = _supplied(
        teller, "utility-bill", "望澜账单印务公司", "水费账单印制与投递", "客户经理", "账单错印换表前的读数。"
    )
    if bills is not None:
        suppliers.demand(
            bills,
            text="核对换表用户的账单数据，错印的重印并送达。",
            due_on=today - timedelta(days=30),
            by=keeper,
            **ago(50),
        )
        suppliers.answer(
            bills, text="已逐户核对，重印 46 份并送达，换表数据改为自动导入。", received_on=today - timedelta(days=33),
            by=keeper, **ago(33),
        )  # fmt: skip
        suppliers.judge(bills, is_improved=True, by=checker, **ago(26))


def _supplied(teller: Teller, code: str, name: str, supplies: str, contact: str, share: str) -> int | None:
    """Enter a supplier with one case of a category it caused, closed before; the key of the record."""
    keeper, at = teller.people.role("coordinator")[0], teller.now - timedelta(days=54)
    cases = Complaint.objects.filter(category=teller.categories[code], closed_at__lt=at, status__in=ENDED)
    case = cases.order_by("-closed_at").first()
    if case is None:
        return None
    supplier = suppliers.register(name=name, supplies=supplies, contact=contact, by=keeper, at=at)
    return suppliers.record_case(supplier.pk, case=case, share=share, by=keeper, at=at).pk
