"""The review group of the demo story: its register, turns of duty, the plan of the month, a plan put to the top."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.utils import timezone

from accounts.models import User
from complaints.models import Complaint
from config.demo.story import Teller
from review import duty, group, plans
from review.models import ReviewCase
from review.states import CertificateKind, GroupRole

# Staff number, part, lent by, certificate.
MEMBERS = (
    ("FC0001", GroupRole.LEADER, "", "服务质量认证"),
    ("FC0002", GroupRole.DEPUTY, "", "服务质量认证"),
    ("FC0003", GroupRole.MEMBER, "", "服务质量认证"),
    ("FC0004", GroupRole.MEMBER, "", "客户体验管理师培训"),
    ("FC0005", GroupRole.MEMBER, "heat", "客户体验管理师培训"),
    ("FC0006", GroupRole.MEMBER, "post", "服务质量认证"),
)


def tell(teller: Teller) -> None:
    """Everybody is entered before the first complaint; the two lent members take turns by quarter."""
    head = teller.people.users["FC0001"]
    today = timezone.localdate(teller.now)
    first = Complaint.objects.order_by("received_at").values_list("received_at", flat=True)[0] - timedelta(days=1)
    start = duty.quarter_months(timezone.localdate(first))[0]
    last = duty.last_of(duty.quarter_months(today)[-1])
    for place, (number, role, lender, certificate) in enumerate(MEMBERS):
        row = group.enter(
            teller.people.users[number],
            role=role,
            experience_since=date(2015, 3, 2),
            experience_note="政务服务热线",
            certificate_kind=CertificateKind.INTERNAL if certificate == "服务质量认证" else CertificateKind.EXTERNAL,
            certificate=certificate,
            # One certificate runs out soon: the register warns of it.
            certificate_until=today + timedelta(days=45 if number == "FC0006" else 700),
            assessment="" if number == "FC0001" else "耐心细致，能听出投诉人没有说出口的诉求。",
            lent_by=teller.people.departments[lender] if lender else None,
            by=head,
            at=first,
        )
        if role != GroupRole.MEMBER:
            continue
        for turn, (since, until) in enumerate(_quarters(start, last)):
            # The own members are always on duty, the lent ones in every second quarter.
            if not lender or turn % 2 == place % 2:
                duty.add_turn(row.pk, since=since, until=until, by=head, at=first)
    plans.save(
        plans.this_month(teller.now),
        text="先复查用户申请的件，再做每月抽查。供水、供热类投诉增多，重点看答复是否说清原因。",
        focus=[],
        capacity=20,
        based_on=0,
        by=head,
        at=teller.now - timedelta(days=2),
    )


def _quarters(start: date, last: date) -> list[tuple[date, date]]:
    found = []
    while start <= last:
        months = duty.quarter_months(start)
        found.append((start, duty.last_of(months[2])))
        start = months[3]
    return found


def pick(teller: Teller, review: ReviewCase, at: datetime) -> tuple[User, User]:
    """Two members who are free and on duty at this moment; the head signs and is not picked."""
    people = [user for user, _load in duty.free(review, at=at) if user.staff_number in {"FC0002", "FC0003", "FC0004"}]
    author, second = teller.dice.sample(people, 2)
    return author, second
