"""A bulletin for other ways: poster for notice boards, text for WeChat groups, short message (INC-07, INC-08)."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from publication import incident_pages, posters, results, shortening, typeset
from publication.models import PublishedBulletin
from publication.posters import long_day
from publication.typeset import Row, Sheet

# Characters. A longer short message is charged as two.
MOST_MESSAGE = 70
MOST_GROUP = 500
_TITLE = 20
# Characters of each text on the poster and in the text for groups, from everything to what fits in any case.
_POSTER = (None, 400, 250, 160, 100, 60, 35)
_GROUP = (None, 200, 120, 80, 50, 30)


def address_of(row: PublishedBulletin) -> str:
    """The public address where every bulletin of the incident stands."""
    return results.absolute(incident_pages.path_of(row.incident_public_id))


def moment(at: datetime) -> str:
    """Day and time as people say it, without the year."""
    local = timezone.localtime(at)
    return _("%(month)s/%(day)s %(time)s") % {"month": local.month, "day": local.day, "time": local.strftime("%H:%M")}


def short_message(row: PublishedBulletin) -> str:
    """At most 70 characters: what, how far, when it is over, the telephone (INC-08). In Chinese."""
    with translation.override("zh-hans"):
        head = _("%(title)s, bulletin %(number)s: ") % {
            "title": shortening.cut(row.title, _TITLE),
            "number": row.number,
        }
        tail = ""
        if row.expected_recovery_at and row.kind != incident_pages.CLOSING:
            tail += _("Expected back %(moment)s.") % {"moment": moment(row.expected_recovery_at)}
        tail += _("Ask %(phone)s.") % {"phone": settings.ORGANISATION["phone"]}
    text = " ".join((row.after_care or row.progress).split())
    return head + shortening.cut(text, max(MOST_MESSAGE - len(head) - len(tail), 1)) + tail


def group_message(row: PublishedBulletin) -> str:
    """At most 500 characters for a group: every part, shortened where needed, with the address. In Chinese."""
    with translation.override("zh-hans"):
        drafts = (_group_text(row, most) for most in _GROUP)
        return (
            next((text for text in drafts if len(text) <= MOST_GROUP), "") or _group_text(row, _GROUP[-1])[:MOST_GROUP]
        )


def _group_text(row: PublishedBulletin, most: int | None) -> str:
    lines = [_("%(title)s, bulletin %(number)s") % {"title": row.title, "number": row.number}]
    for label, text in _told(row):
        text = shortening.cut(text, most)
        lines.append(_("%(label)s: %(text)s") % {"label": label, "text": f"\n{text}" if "\n" in text else text})
    lines.append(_("All bulletins: %(address)s") % {"address": address_of(row)})
    return "\n".join(lines)


def _told(row: PublishedBulletin) -> list[tuple[str, str]]:
    """Every part that says something, with its label."""
    expected = ""
    if incident_pages.is_expected(row):
        expected = moment(row.expected_recovery_at) if row.expected_recovery_at else _("Not known yet.")
    parts = (
        (_("How far we are"), row.progress),
        (_("What to do now"), row.after_care),
        (_("Expected back"), expected),
        (_("Where there is supply"), row.supply),
        (_("Why no notice before"), row.no_advance_notice),
        (_("Whom to turn to"), row.contact),
        (_("Next bulletin"), moment(row.next_due_at) if row.next_due_at else ""),
    )
    return [(label, text) for label, text in parts if text]


def poster(row: PublishedBulletin, size: str) -> bytes:
    """The sheet for a notice board as PDF, one page with the code of the public address. `size`: see posters.PAPERS."""
    with translation.override("zh-hans"):
        content = typeset.content_at(
            sheet(row), posters.PAPERS[size], address=address_of(row), document=f"{row.title} {row.number}"
        )
        return typeset.put(content, made_at=row.released_at)


def sheet(row: PublishedBulletin) -> Sheet:
    """What stands on the poster; a text that is too long is cut and says where the whole stands."""
    released = timezone.localtime(row.released_at)
    day = f"{long_day(released.date())} {released:%H:%M}"
    return Sheet(
        kind=_("Closing notice") if row.kind == incident_pages.CLOSING else _("Bulletin"),
        title=row.title,
        channel="",
        subtitle=_("No. %(number)s · %(day)s") % {"number": row.number, "day": day},
        variants=typeset.variants(_POSTER, lambda most: _rows(row, most), address=address_of(row)),
    )


def _rows(row: PublishedBulletin, most: int | None) -> list[Row]:
    rows = []
    for label, text in _told(row):
        told = typeset.paragraphs(text)
        texts = shortening.lines([line for line, _item in told], most)
        listed = [item for _line, item in told]
        rows.append(Row(label, texts, listed[: len(texts)]))
    return rows
