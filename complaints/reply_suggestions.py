"""Texts a reply may start from, proposed to its author and inserted by nobody else (KB-05).

The templates in use for the category come first, then what was sent in closed cases like this one whose
complainants were satisfied. Names, numbers and dates of the other case become places to fill: a reply with such a
place left is not accepted, so nobody sends another person's answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, Prefetch, Subquery

from accounts.models import User
from complaints import identity, knowledge_suggestions, reply_templates
from complaints.models import Callback, Complaint, Reply
from complaints.states import ReplyState, Satisfaction, Status

SHOWN = 3
# So many of the newest satisfied cases of the category are compared.
COMPARED = 150
MIN_SHARED = 2
MAX_TEXT = 4000
# Stands first in a text of another case. It goes when the author has read the text and takes it out.
CHECK = "{核对：以下取自同类投诉的答复，请逐句改成本案的事实，改完后删去本句}"
_PERSON, _NUMBER, _DAY, _MAIL, _CASE = "{写明称呼}", "{写明号码}", "{写明日期}", "{写明邮箱}", "{number}"
_DAYS = re.compile(
    r"(?:(?:19|20)?\d{2}\s*年\s*)?\d{1,2}\s*月\s*\d{1,2}\s*[日号]|(?:19|20)\d{2}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/]\d{1,2}(?=\D|$)"
)
_CASES = re.compile(r"(?<![A-Za-z0-9])[A-Z]{1,4}-?\d{4,8}-?\d{3,8}(?!\d)")
_MAILS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_LONG = re.compile(r"(?<![\w{])\d(?:[ \-–]?\d){4,}(?![\w}])")
# A person named with a title, as answers address people.
_TITLED = re.compile(r"(?<![\u4e00-\u9fff])[\u4e00-\u9fff]{1,3}(?=先生|女士|小姐|同志|师傅)")


@dataclass(frozen=True)
class Suggestion:
    """One text to start from. `key` goes into the address of the form; `source` is a case or a template."""

    key: str
    source: str
    process: str
    result: str
    is_case: bool
    subject: str = ""


def for_case(complaint: Complaint, user: User, *, at: datetime) -> list[Suggestion]:
    """What may help with the reply of this case: templates, then answers of like cases. At most five queries."""
    values = reply_templates.values_for(complaint, at=at)
    found = [
        Suggestion(
            f"template:{row.code}",
            row.name,
            reply_templates.fill(row.process, values),
            reply_templates.fill(row.result, values),
            False,
        )
        for row in reply_templates.offered(complaint)
        if row.category_id
    ]
    return found + [_of_case(case, values) for case in like_cases(complaint, user)]


def find(key: str, complaint: Complaint, user: User, *, at: datetime) -> Suggestion | None:
    """The suggestion of this key, if it is among those offered for the case now."""
    return next((row for row in for_case(complaint, user, at=at) if row.key == key), None)


def like_cases(complaint: Complaint, user: User) -> list[Complaint]:
    """Closed cases of the same category that the person may see, last rated satisfied, the most like first.

    Each carries its sent replies, the newest round last.
    """
    if complaint.category_id is None:
        return []
    rated = Callback.objects.filter(complaint=OuterRef("pk")).exclude(satisfaction="").order_by("-at", "-pk")
    rows = (
        Complaint.objects.visible_to(user)
        .filter(category=complaint.category_id, status__in=[Status.CLOSED, Status.ARCHIVED])
        .exclude(pk=complaint.pk)
        .alias(rating=Subquery(rated.values("satisfaction")[:1]))
        .filter(rating=Satisfaction.SATISFIED)
        .order_by("-received_at", "-id")
    )
    own = knowledge_suggestions.telling_words(complaint.subject, complaint.narrative[:MAX_TEXT])
    newest = rows.only("number", "subject", "narrative")[:COMPARED]
    ranked = [
        (len(own & knowledge_suggestions.telling_words(case.subject, case.narrative[:MAX_TEXT])), case.pk)
        for case in newest
    ]
    best = [pk for shared, pk in sorted(ranked, reverse=True)[:SHOWN] if shared >= MIN_SHARED]
    sent = Reply.objects.filter(state=ReplyState.SENT)
    cases = (
        Complaint.objects.filter(pk__in=best)
        .select_related("complainant")
        .prefetch_related("complainant__contacts", Prefetch("replies", sent))
    )
    found = {case.pk: case for case in cases}
    return [found[pk] for pk in best if found[pk].replies.all()]


def _of_case(case: Complaint, values: dict[str, str]) -> Suggestion:
    reply = list(case.replies.all())[-1]
    known = [case.complainant.name, *(point.value for point in case.complainant.contacts.all())]
    process, result = (
        reply_templates.fill(impersonal(text, known, case.number), values) for text in (reply.process, reply.result)
    )
    return Suggestion(f"case:{case.number}", case.number, process, f"{CHECK}\n{result}", True, case.subject)


def impersonal(text: str, known: Iterable[str], number: str) -> str:
    """A text with places to fill for what belongs to one case only: people, numbers, contacts and dates.

    `known` holds the name and contacts of who complained. Amounts and words of the matter stay to be read.
    """
    # Braces of the text itself would be taken for places of ours.
    for mark in "{}｛｝":
        text = text.replace(mark, " ")
    for value in sorted((value for value in known if len(value) > 1), key=len, reverse=True):
        text = text.replace(value, _PERSON)
    text = text.replace(number, _CASE)
    text = _CASES.sub(_NUMBER, text)
    text = _MAILS.sub(_MAIL, text)
    text = _DAYS.sub(_DAY, text)
    text = _TITLED.sub(_PERSON, text)
    text = _LONG.sub(_NUMBER, text)
    return identity.scrub(text, None).replace("***", _NUMBER)
