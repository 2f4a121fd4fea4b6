"""The sheet for a notice board as PDF: A4, A3 and large print, one page each (PUB-24, PUB-33)."""

from __future__ import annotations

from datetime import date, datetime
from functools import partial

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from publication import results, shortening, typeset
from publication.models import PublishedResult
from publication.typeset import Paper, Row, Sheet

PAPERS = {
    "a4": Paper("a4", 14.5, 0.75, 1.9, 0.8, 6.4, 6.2, (17, 16, 14)),
    "a3": Paper("a3", 20.5, 0.75, 1.9, 0.8, 6.4, 6.2, (24, 22, 18)),
    "a4-large": Paper("a4", 18, 0.6, 1.4, 0.55, 4.6, 5.4, (13, 10, 10)),
}
# The board in the hall; others have posters with codes of their own.
CHANNEL = "notice-board"
# Characters of one element and measures, from everything to what fits at 18 points in any case.
_LIMITS = ((None, None), (160, 6), (120, 5), (90, 4), (65, 4), (45, 3), (32, 2), (20, 1), (14, 1))


def render(found: PublishedResult, size: str, *, format: str = "pdf", at: datetime, channel: str = CHANNEL) -> bytes:
    """The poster in the language the public reads. `size` is a key of `PAPERS`, `format` "pdf" or "png"; `channel` is
    the code of the channel that its readers are counted for (PUB-34)."""
    with translation.override("zh-hans"):
        made = sheet(found, size, at=at, channel=channel)
        return typeset.render(made, found, PAPERS[size], format=format, at=at)


def sheet(found: PublishedResult, size: str, *, at: datetime, channel: str = CHANNEL) -> Sheet:
    """What stands on the poster. Texts that are too long are cut, and say where the whole text is to be read."""
    address = typeset.public_address(found)
    return Sheet(
        kind=_("Results of complaints"),
        title=found.title,
        subtitle=_subtitle(found),
        variants=typeset.variants(_LIMITS, partial(_rows, found, size, at), address=address),
        channel=channel,
    )


def _subtitle(found: PublishedResult) -> str:
    number = _("Notice %(number)s") % {"number": found.publication_number}
    start = long_day(timezone.localdate(found.published_at))
    if not found.published_until:
        return f"{number} · {start}"
    last = timezone.localdate(found.published_until)
    same_year = last.year == timezone.localdate(found.published_at).year
    end = _("%(month)s/%(day)s") % {"month": last.month, "day": last.day} if same_year else long_day(last)
    return f"{number} · " + _("%(start)s to %(end)s") % {"start": start, "end": end}


def long_day(day: date) -> str:
    """A date in full, as posters and people speak it."""
    return _("%(month)s/%(day)s/%(year)s") % {"year": day.year, "month": day.month, "day": day.day}


def elements(found: PublishedResult) -> list[tuple[str, str]]:
    """The six elements of a result with the short names that paper and articles give them (PUB-03)."""
    return [
        (_("Who complained"), found.subject),
        (_("About what"), found.cause),
        (_("What we checked"), found.investigation),
        (_("Who is responsible"), found.responsibility),
        (_("How it was settled"), found.result),
        (_("What changes"), found.improvement),
    ]


def _rows(found: PublishedResult, size: str, at: datetime, limit: tuple[int | None, int | None]) -> list[Row]:
    most, measures = limit
    rows = [_element(label, text, most) for label, text in elements(found)]
    plan = results.plan(found, at=at)
    if not plan:
        return rows
    label = rows.pop().label  # the plan stands in place of the improvement's text
    with_post = size != "a4-large"
    head = [_("Improvement measure"), _("By which day"), *([_("Responsible")] if with_post else [])]
    cells, finished = [], _("finished")
    for item in plan[:measures]:
        day = long_day(item.done_on or item.due_on)
        done = f"{day} ✓ {finished}" if item.state == "done" else day
        who = shortening.cut(f"{item.department} {item.post}".strip(), most)
        cells.append([shortening.cut(item.what, most), done, *([who] if with_post else [])])
    return [*rows, Row(label, head=head, cells=cells)]


def _element(label: str, text: str, most: int | None) -> Row:
    paragraphs = typeset.paragraphs(text)
    texts = shortening.lines([line for line, _is_item in paragraphs], most)
    return Row(label, texts, [is_item for _line, is_item in paragraphs[: len(texts)]])
