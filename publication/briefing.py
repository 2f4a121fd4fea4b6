"""What lobby managers say aloud about a result, and the script of a short film (PUB-26, PUB-29)."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from publication import results, shortening, typeset
from publication.models import PublishedResult
from publication.posters import long_day
from publication.typeset import Paper, Row, Sheet

PAPER = Paper("a4", 12.5, 0.7, 1.5, 0.6, 9, 6.2, (17, 14, 12))
# Characters of one point and measures named, from everything that is useful to what always fits.
_LIMITS = ((90, 4), (60, 3), (40, 2), (25, 1))


def render(found: PublishedResult, *, format: str = "pdf", at: datetime) -> bytes:
    """The sheet for the person in the service hall: one page, in the language the public speaks."""
    with translation.override("zh-hans"):
        return typeset.render(sheet(found, at=at), found, PAPER, format=format, at=at)


def sheet(found: PublishedResult, *, at: datetime) -> Sheet:
    """Key points to say aloud, then questions people ask with their answers."""
    return Sheet(
        kind=_("To tell people in the hall"),
        title=found.title,
        subtitle=_("Use your own words or the dialect. Say dates and figures exactly as they stand here."),
        variants=typeset.variants(_LIMITS, partial(_rows, found, at), address=typeset.public_address(found)),
        channel="lobby",
    )


def _rows(found: PublishedResult, at: datetime, limit: tuple[int, int]) -> list[Row]:
    most, measures = limit
    return [
        Row(heading=_("Key points")),
        *(Row(label, [text]) for label, text in points(found, most)),
        Row(heading=_("What people ask")),
        *(Row(question, [answer]) for question, answer in questions(found, at=at, most=most, measures=measures)),
    ]


def points(found: PublishedResult, most: int) -> list[tuple[str, str]]:
    """What to say, in the order people want to hear it: the answer first, then how it came about."""
    told = (
        (_("In one sentence"), found.summary or found.result),
        (_("What happened"), found.cause),
        (_("What we found"), found.investigation),
        (_("What was done about it"), found.result),
    )
    return [(label, short(text, most)) for label, text in told if text.strip()]


def short(text: str, most: int) -> str:
    """The first sentences of a text, in at most `most` characters."""
    lines = [line for line, _is_item in typeset.paragraphs(text)]
    return shortening.cut("".join(shortening.sentences("\n".join(lines))), most)


def questions(found: PublishedResult, *, at: datetime, most: int, measures: int) -> list[tuple[str, str]]:
    """Questions that are asked at the counter, answered from the result and nothing else."""
    organisation = settings.ORGANISATION
    plan = results.plan(found, at=at)
    open_plan = [item for item in plan if item.state != "done"]
    dates = [
        _("%(what)s: by %(day)s") % {"what": shortening.cut(item.what, most), "day": long_day(item.due_on)}
        for item in open_plan[:measures]
    ]
    if dates:
        when = _("; ").join(dates)
    elif plan:
        when = _("All of it is done.")
    else:
        when = short(found.improvement, most)
    until = found.published_until
    where = typeset.public_address(found)
    place = _("On our website (scan the code below) and on the notice board in the hall.")
    if where and until:
        place = _("On our website until %(day)s: scan the code below.") % {"day": long_day(timezone.localdate(until))}
    return [
        (_("When will it be mended?"), when),
        (_("Whose fault was it?"), short(found.responsibility, most)),
        (_("Who complained?"), _("We do not say names. What you see here is all that is told about people.")),
        (
            _("The same happened to me. What can I do?"),
            _("Tell me now and I take it down, or call %(phone)s.") % {"phone": organisation["phone"]},
        ),
        (_("Where can I read it?"), place),
    ]


def script(found: PublishedResult, *, at: datetime) -> str:
    """A first script of a short film from the texts of the result, scene by scene; people make the film (PUB-26)."""
    with translation.override("zh-hans"):
        plan = [f"{item.what}，{long_day(item.due_on)}" for item in results.plan(found, at=at)]
        scenes = (
            (_("What happened"), found.cause),
            (_("How we investigated"), found.investigation),
            (_("Who is responsible"), found.responsibility),
            (_("What was done about it"), found.result),
            (_("What will change, and by when"), "；".join(plan) or found.improvement),
        )
        parts = [_("Title: %(title)s") % {"title": found.title}]
        for number, (label, text) in enumerate(scenes, 1):
            spoken = short(text, 120)
            if spoken:
                parts.append(
                    _("Scene %(number)s, %(label)s: “%(text)s”") % {"number": number, "label": label, "text": spoken}
                )
        call = _("Closing picture: “Anything to say? Call %(phone)s”")
        parts.append(call % {"phone": settings.ORGANISATION["phone"]})
        return "\n".join(parts)
