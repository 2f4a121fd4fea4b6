"""What becomes of an e-mail, and of a mail of ours that came back (IN-08)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.errors import IllegalTransition, NotAllowed
from accounts.models import User
from complaints import notify
from complaints.models import Complaint, InboundMail, MailState, Notification
from complaints.states import Channel, Status
from complaints.transitions import core


@transaction.atomic
def settle_mail(
    mail_id: int,
    *,
    state: MailState,
    by: User | None,
    complaint: Complaint | None = None,
    reason: str = "",
    at: datetime | None = None,
) -> InboundMail:
    """Say what became of a message. A message belongs to one case at most and stays there.

    Raises NotAllowed, InvalidInput("reason") for a dismissal without one, IllegalTransition when
    somebody else was faster.
    """
    at = core.moment(at)
    if by is not None and not by.has_perm("complaints.register_complaint"):
        raise NotAllowed(_("Your role does not register complaints."))
    if state == MailState.DISMISSED:
        core.require("reason", reason, _("Say why this is not a complaint."))
    mail = InboundMail.objects.select_for_update().get(pk=mail_id)
    if mail.complaint_id is not None or mail.state == MailState.DISMISSED == state:
        raise IllegalTransition(_("Somebody else has dealt with this e-mail in the meantime."))
    mail.state, mail.complaint, mail.reason = state, complaint, reason[:200]
    mail.decided_by, mail.decided_at = by, at
    mail.save(update_fields=["state", "complaint", "reason", "decided_by", "decided_at"])
    if complaint is not None and state == MailState.JOINED:
        core.add_event(core.lock(complaint.pk), "mail_joined", by=by, at=at, reference=core.ref(mail))
    return mail


@transaction.atomic
def mark_undeliverable(notification_id: int, *, at: datetime) -> bool:
    """A mail server reports that this message did not arrive; whoever has the case is told to use another way.

    A reply to somebody who complained by e-mail counts as not yet told again; its clock stays stopped, since it was
    sent in time. False when the bounce was known. The message is not sent again.
    """
    if not Notification.objects.filter(pk=notification_id, failed_at=None).update(failed_at=at):
        return False
    row = Notification.objects.get(pk=notification_id)
    if row.to_complainant and row.complaint_id:
        complaint = core.lock(row.complaint_id)
        core.add_event(complaint, "mail_bounced", by=None, at=at, reference=core.ref(row))
        if row.kind == "replied" and complaint.channel == Channel.EMAIL and complaint.status == Status.REPLIED:
            newest = complaint.replies.filter(sent_at__isnull=False).order_by("-round").first()
            if newest is not None and newest.delivered_at == newest.sent_at:
                newest.delivered_at = None
                newest.save(update_fields=["delivered_at"])
        dedupe = f"mail_bounced:{row.pk}"
        notify.tell(notify.keepers(complaint), "mail_bounced", complaint=complaint, dedupe=dedupe, by_email=False)
    return True
