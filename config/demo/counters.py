"""What the channels' own counters say of the last days, and e-mails that wait for a clerk (IN-03, IN-08, IN-14)."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.message import EmailMessage

from django.utils import timezone

from accounts.models import User
from complaints import channels, mail_intake
from complaints.models import Mailbox
from complaints.states import Channel
from complaints.transitions import channels as keeping

DAYS = 7
# Subject and text: too short to act on, and a case number without the token of its mail.
MAILS = (
    ("停水", "又停了"),
    ("关于 HY-20260101-0001 的补充", "上次说的水表还没有换，请按原来的案件继续处理。"),
)


def tell(clerk: User, *, now: datetime) -> None:
    """Each counter agrees with the register; the hotline's has one call more on one day, which nobody has explained."""
    today = timezone.localdate(now)
    week = channels.reconcile([today - timedelta(days=n) for n in range(DAYS, 0, -1)], now=now)
    for row in week.rows:
        for place, cell in enumerate(row.cells):
            is_phone = row.channel == Channel.PHONE
            more = int(is_phone and place == DAYS - 2)
            if cell.registered or more:
                keeping.set_count(
                    channel=row.channel,
                    day=cell.day,
                    count=cell.registered + more,
                    calls_missed=place % 3 if is_phone else None,
                    by=clerk,
                    at=now,
                )
    box, _made = Mailbox.objects.get_or_create(name="tousu@example.cn")
    for number, (subject, text) in enumerate(MAILS, 1):
        mail = EmailMessage()
        mail["From"], mail["To"] = f"刘女士 <liu{number}@example.cn>", "tousu@example.cn"
        mail["Subject"], mail["Message-ID"] = subject, f"<demo-{number}@example.cn>"
        mail.set_content(text)
        came = now - timedelta(hours=number)
        mail_intake.take_in(mail.as_bytes(), mailbox=box, received_at=came, at=came)
