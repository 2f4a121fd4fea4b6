"""E-mails of notifications: who gets them, and what they tell mail robots (RFC 3834, AP-06).

Every mail says that a machine sent it, carries our mark, so that we know it when it comes back, and a
Message-ID made from its notification. A complainant can answer: the answer finds its case by the token.
"""

from __future__ import annotations

import re
from datetime import datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from complaints import drafts, mail_tokens, messages, sms, tracking
from complaints.models import Complaint, IntakeDraft, Notification
from complaints.states import Channel
from complaints.transitions.intake import group_code

# Of a foreign message only an id that is whole goes into a header of ours; the register keeps 120 characters of it.
_MESSAGE_ID = re.compile(r"<[^<>\s\x00-\x1f\x7f-\uffff]{3,118}>")


def send(row: Notification) -> int:
    """Mail one notification: 1, or 0 when there is no address. A complainant with a mobile number alone gets a short
    message. Raises OSError when the server does not take it."""
    complaint = row.complaint if row.to_complainant else None
    address = complaint.complainant.contact("email") if complaint else row.recipient.email if row.recipient else ""
    if not address:
        return _short_message(row, complaint) if complaint else 0
    draft = _unsent_receipt(complaint) if complaint and row.kind == "received" else None
    with translation.override(settings.LANGUAGE_CODE):
        subject, body = messages.mail(row)
        body += _receipt(draft) if draft else ""
        body += _new_code(complaint) if complaint and row.kind == "new_code" else ""
        can_answer = mail_tokens.reply_address(complaint.pk) if complaint else ""
        body += "\n" + _("You can answer this e-mail; we add your answer to the case.") + "\n" if can_answer else ""
    headers = {
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "X-Huiyin": settings.MAIL_DOMAIN,
        "Message-ID": mail_tokens.message_id(row.pk),
        **(_answering(complaint) if complaint and draft else {}),
    }
    reply_to = [can_answer] if can_answer else None
    EmailMessage(subject=subject, body=body, to=[address], reply_to=reply_to, headers=headers).send()
    if draft:
        drafts.clear(draft.pk)
    return 1


def _short_message(row: Notification, complaint: Complaint) -> int:
    """The same news to a mobile number where the complainant left no e-mail address (CASE-10)."""
    number = sms.number_of(complaint.complainant)
    if not number:
        return 0
    with translation.override(settings.LANGUAGE_CODE):
        text = messages.short(row)
        text += _new_code(complaint).rstrip() if row.kind == "new_code" else ""
    sms.send(settings.SMS_URL, to=number, text=text, id=f"news-{row.pk}")
    return 1


def _new_code(complaint: Complaint) -> str:
    """A new access code in place of a lost one, made now and read by nobody here (matrix, rotate)."""
    return f"\n{_code_line(group_code(tracking.code_to_send(complaint.pk)))}\n"


def _code_line(code: str) -> str:
    return _("Access code: %(code)s. Keep it to yourself.") % {"code": code}


def _unsent_receipt(complaint: Complaint) -> IntakeDraft | None:
    """The receipt of a complaint that came by e-mail: its sender saw no page that showed the access code."""
    if complaint.channel != Channel.EMAIL:
        return None
    draft = IntakeDraft.objects.filter(complaint=complaint, cleared_at=None).first()
    return draft if draft and draft.receipt else None


def _answering(complaint: Complaint) -> dict[str, str]:
    """What the receipt says of the message it answers: programs show both together (RFC 3834, 3.1.5 and 5)."""
    message_id = complaint.channel_reference
    if not _MESSAGE_ID.fullmatch(message_id):
        return {}
    return {"Auto-Submitted": "auto-replied", "In-Reply-To": message_id, "References": message_id}


def _receipt(draft: IntakeDraft) -> str:
    """Access code and dates, sent once to the address the complaint came from (PI-15)."""
    kept = drafts.receipt(draft)
    if kept is None:
        return ""
    lines = [_code_line(kept.grouped_code)]
    for moment, words in (
        (kept.decide_by, _("We decide by %(day)s whether we accept it.")),
        (kept.reply_by, _("You get our answer by %(day)s.")),
    ):
        if moment:
            lines.append(words % {"day": _day(moment)})
    return "\n" + "\n".join(lines) + "\n"


def _day(moment: datetime) -> str:
    local = timezone.localtime(moment)
    return _("%(month)s/%(day)s/%(year)s") % {"year": local.year, "month": local.month, "day": local.day}
