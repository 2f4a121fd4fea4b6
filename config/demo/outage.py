"""An incident of the demo, from the first call to the closing notice and the after-care (INC-02…INC-14)."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from accounts.models import User
from complaints.models import Complaint, IncidentResponse
from complaints.states import BulletinKind, CallOutKind, IncidentKind, Status
from complaints.transitions import bulletins as rules
from complaints.transitions import incidents
from config.demo.story import Teller, attempt
from publication import bulletins

_CONTACT = "供水服务热线 8800 0123，24 小时有人接听"
_AFTER_CARE = "停水造成的损失可到服务大厅登记，十个工作日内答复。"
_SUPPLY = "- 小区东门临时送水点\n- 居委会一楼取水点"
# Hours before the story's present, kind, what is said, hours from then until the water is expected back.
_BULLETINS = [
    (19, BulletinKind.FIRST, "主管道破裂，抢修队已到现场，正在关阀开挖。", 12),
    (13.5, BulletinKind.PROGRESS, "已找到破裂的管段，正在更换，比预计的快。", 6),
    (8, BulletinKind.CLOSING, "管段更换完成，已恢复供水。水质检测合格；初放水若发黄，请放流几分钟后使用。", None),
]  # fmt: skip


def tell(teller: Teller) -> None:
    """The newest open complaint about an outage becomes an incident that is over and has its after-care."""
    case = (
        Complaint.objects.filter(category__code="water-outage", incident=None)
        .exclude(status__in=[Status.CLOSED, Status.ARCHIVED, Status.REPLIED, Status.WITHDRAWN, Status.NOT_ACCEPTED])
        .order_by("-received_at", "-pk")
        .first()
    )
    if case is not None:
        attempt(partial(_run, teller, case.pk))


def _run(teller: Teller, case: int) -> None:
    leads, manager = teller.people.role("coordinator")[0], teller.people.role("manager")[0]
    began = teller.now - timedelta(hours=20)
    response = incidents.declare_from_case(
        case,
        title="部分小区停水",
        place="供水主管沿线",
        kind=IncidentKind.INTERRUPTION,
        started_at=began,
        by=leads,
        at=began + timedelta(minutes=25),
    )
    incidents.record_survey(
        response.pk,
        location="供水主管道与支管接口",
        cause="管道老化破裂",
        extent="沿线三个小区停水，学校和医院不受影响",
        households=1260,
        by=leads,
        at=began + timedelta(minutes=50),
    )
    called = began + timedelta(minutes=30)
    incidents.call_out(
        response.pk, kind=CallOutKind.MATERIAL, what="送水车两辆", people=4, called_at=called, by=leads, at=called
    )
    for hours, kind, progress, expected in _BULLETINS:
        _bulletin(teller, response, (leads, manager), hours=hours, kind=kind, progress=progress, expected=expected)
    incidents.plan_after_care(
        response.pk,
        after_care=_AFTER_CARE,
        after_care_contact=_CONTACT,
        after_care_until=(teller.now + timedelta(days=14)).date(),
        by=leads,
        at=teller.now,
    )


def _bulletin(
    teller: Teller,
    response: IncidentResponse,
    people: tuple[User, User],
    *,
    hours: float,
    kind: BulletinKind,
    progress: str,
    expected: int | None,
) -> None:
    """Written by one, released by the other, on the public page, and told to whoever complained."""
    at = teller.now - timedelta(hours=hours)
    if kind == BulletinKind.CLOSING:
        incidents.record_recovery(response.pk, recovered_at=at - timedelta(minutes=40), by=people[0], at=at)
    row = rules.write_bulletin(
        response.pk,
        kind=kind,
        progress=progress,
        contact=_CONTACT,
        expected_recovery_at=at + timedelta(hours=expected) if expected else None,
        supply=_SUPPLY if expected else "",
        after_care="" if expected else _AFTER_CARE,
        no_advance_notice="爆管事先无法预见。" if kind == BulletinKind.FIRST else "",
        by=people[0],
        at=at,
    )
    row = rules.release_bulletin(row.pk, by=people[1], at=at + timedelta(minutes=10))
    bulletins.publish(row.pk)
    bulletins.tell(row.pk, now=at + timedelta(minutes=12))
