"""The ways to the public this office uses, which results go where, and what suits the people concerned (PUB-23…28)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts import security
from accounts.errors import InvalidInput, NotAllowed, StaleVersion
from accounts.models import SecurityEvent, User
from complaints.models import Category, Complaint, Dimension
from complaints.states import Channel as Intake
from complaints.states import Complexity, SpecialGroup
from publication.models import Channel, ChannelMapping, Publication
from publication.states import AudienceGroup, ChannelKind

EDITORS = ("complaints.edit_reference", "accounts.configure_system", "publication.compose")
READERS = (*EDITORS, "publication.view_publications")
FIELDS = ("name", "name_en", "kind", "audience", "place", "days", "order", "is_active")
MOST_DAYS = 3650
CHANGED, MAPPED, UNMAPPED = "channel_changed", "channel_mapped", "channel_unmapped"
HISTORY_SHOWN = 20

# Code, name, English name, kind, for whom. An office adds its own and renames these.
_SHIPPED = (
    ("website", "官网", "Website", ChannelKind.WEBSITE, ""),
    ("notice-board", "公告栏", "Notice board", ChannelKind.BOARD, AudienceGroup.ELDERLY),
    ("wechat", "微信公众号", "WeChat account", ChannelKind.WECHAT, AudienceGroup.ONLINE),
    ("mini-program", "小程序", "Mini-program", ChannelKind.MINI, AudienceGroup.ONLINE),
    ("short-film", "短视频", "Short film", ChannelKind.VIDEO, AudienceGroup.ONLINE),
    ("lobby", "大堂经理讲解", "Lobby manager", ChannelKind.LOBBY, AudienceGroup.ELDERLY),
)

# Who complained on paper, by telephone or at the counter is not counted on to read online.
_NOT_ONLINE = frozenset({Intake.PHONE, Intake.LETTER, Intake.COUNTER})
_NEEDS_PAPER = frozenset({SpecialGroup.ELDERLY, SpecialGroup.DISABLED, SpecialGroup.REDUCED_MOBILITY})
# The newest cases of a category that are looked at, and the fewest that say anything about its people.
LOOKED_AT = 500
FEWEST = 10
ELDERLY_SHARE = 0.2
OFFLINE_SHARE = 0.5
MANY_AFFECTED = 10


# --- The register -----------------------------------------------------------------------------------
def register() -> list[Channel]:
    """Every channel in its order; the shipped ones are stored at the first call (PUB-23)."""
    found = list(Channel.objects.all())
    if any(row.kind == ChannelKind.WEBSITE for row in found):
        return found
    for order, (code, name, name_en, kind, audience) in enumerate(_SHIPPED, 1):
        values = {"name": name, "name_en": name_en, "kind": kind, "audience": audience, "order": order * 10}
        Channel.objects.get_or_create(code=code, defaults=values)
    return list(Channel.objects.all())


def label(channel: Channel) -> str:
    """Its name in the language of the reader."""
    return channel.name_en if channel.name_en and get_language() == "en" else channel.name


def state_of(channel: Channel) -> str:
    """A fingerprint of the row as somebody sees it in the form."""
    values = "|".join(str(getattr(channel, name)) for name in FIELDS)
    return hashlib.sha256(values.encode()).hexdigest()[:16]


@transaction.atomic
def save(channel_id: int | None, *, by: User, seen: str = "", code: str = "", **values: Any) -> Channel:
    """Add a channel (`channel_id` None, with its `code`) or change one; what is switched off stays in old postings.

    `values` are `FIELDS`, `days` is how long a posting stays there. `seen` is the state the person edited. What it
    said before and says now stands in the security log and in `history`. Raises NotAllowed, InvalidInput by field,
    StaleVersion.
    """
    _may_edit(by)
    if channel_id is None:
        channel = Channel(code=_free_code(code))
    else:
        channel = Channel.objects.select_for_update().get(pk=channel_id)
        if seen != state_of(channel):
            raise StaleVersion(0)
    if not values["name"].strip():
        raise InvalidInput("name", gettext_lazy("Fill this in."))
    if values["kind"] not in ChannelKind.values:
        raise InvalidInput("kind", gettext_lazy("Choose one."))
    if not 1 <= values["days"] <= MOST_DAYS:
        raise InvalidInput(
            "days", gettext_lazy("Give a whole number from %(least)s to %(most)s."), least=1, most=MOST_DAYS
        )
    if channel.kind == ChannelKind.WEBSITE and not (values["is_active"] and values["kind"] == ChannelKind.WEBSITE):
        raise InvalidInput("is_active", gettext_lazy("Every result stands on the website; it cannot be switched off."))
    before = {name: getattr(channel, name) for name in FIELDS} if channel_id else {}
    for name in FIELDS:
        setattr(channel, name, values[name])
    channel.save()
    changed = [name for name in FIELDS if not before or before[name] != values[name]]
    if changed:
        security.record(
            CHANGED,
            user=by,
            subject=f"channel:{channel.pk}",
            before={name: before[name] for name in changed if before},
            after={name: values[name] for name in changed},
        )
    return channel


@dataclass(frozen=True)
class Change:
    """One change of a channel: when, by whom ("" when unknown), and each value as (field, before, after)."""

    at: datetime
    by: str
    is_new: bool
    values: list[tuple[str, str, str]]


def history(channel: Channel) -> list[Change]:
    """The newest changes of a channel, the last one first; one query (PUB-23)."""
    rows = SecurityEvent.objects.filter(kind=CHANGED, subject=f"channel:{channel.pk}").select_related("user")
    return [
        Change(
            row.at,
            row.user.display_name if row.user else "",
            not row.detail["before"],
            [
                (name, _worded(name, row.detail["before"].get(name)), _worded(name, value))
                for name, value in row.detail["after"].items()
            ],
        )
        for row in rows.order_by("-at", "-pk")[:HISTORY_SHOWN]
    ]


def _worded(name: str, value: Any) -> str:
    """A stored value as the form says it."""
    if name == "kind":
        return str(dict(ChannelKind.choices).get(value, value or ""))
    if name == "audience" and value is not None:
        return str(dict(AudienceGroup.choices).get(value, value)) or _("Everybody")
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    return "" if value is None else str(value)


def _free_code(code: str) -> str:
    if not code:
        raise InvalidInput("code", gettext_lazy("Fill this in."))
    if Channel.objects.filter(code=code).exists():
        raise InvalidInput("code", gettext_lazy("This code is taken."))
    return code


def _may_edit(by: User) -> None:
    if not any(by.has_perm(name) for name in EDITORS):
        raise NotAllowed(gettext_lazy("Your role does not allow this."))


# --- Which categories go where ----------------------------------------------------------------------
@transaction.atomic
def map_category(
    category: Category, channel: Channel, *, by: User, note: str = "", at: datetime | None = None
) -> ChannelMapping:
    """From now on results of this category are proposed for this channel too (PUB-27); a second time changes the note.

    Raises NotAllowed, InvalidInput at `category` or `channel`.
    """
    _may_edit(by)
    if category.dimension != Dimension.CATEGORY:
        raise InvalidInput("category", gettext_lazy("Choose one."))
    channel = Channel.objects.select_for_update().get(pk=channel.pk)
    if not channel.is_active or channel.kind == ChannelKind.WEBSITE:
        raise InvalidInput("channel", gettext_lazy("Choose one."))
    values = {"note": note.strip()[:200], "changed_at": at or timezone.now(), "changed_by": by}
    row, _created = ChannelMapping.objects.update_or_create(category=category, channel=channel, defaults=values)
    security.record(MAPPED, user=by, subject=f"channel:{channel.pk}", category=category.code, note=row.note)
    return row


@transaction.atomic
def unmap(mapping_id: int, *, by: User) -> None:
    """Results of the category are no longer proposed for the channel. A second call changes nothing."""
    _may_edit(by)
    row = ChannelMapping.objects.select_related("category").filter(pk=mapping_id).first()
    if row is not None:
        row.delete()
        security.record(UNMAPPED, user=by, subject=f"channel:{row.channel_id}", category=row.category.code)


# --- What suits the people concerned ----------------------------------------------------------------
@dataclass
class Advice:
    """A channel that can be chosen, with the reasons in words why it suits; without any it is only offered."""

    channel: Channel
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Audience:
    """Who complained of a category: shares from 0 to 1 of the `cases` looked at."""

    cases: int
    elderly: float
    offline: float


def audience(category: Category | None) -> Audience | None:
    """The people of a category, from its newest cases; None when there are too few to say anything of them."""
    if category is None:
        return None
    ids = Category.objects.filter(Q(pk=category.pk) | Q(parent=category.pk)).values_list("pk", flat=True)
    newest = Complaint.objects.filter(category__in=list(ids)).order_by("-pk")
    rows = list(newest.values_list("special_groups", "channel")[:LOOKED_AT])
    if len(rows) < FEWEST:
        return None
    elderly = sum(SpecialGroup.ELDERLY in (groups or ()) for groups, _channel in rows)
    offline = sum(channel in _NOT_ONLINE for _groups, channel in rows)
    return Audience(len(rows), elderly / len(rows), offline / len(rows))


def advise(publication: Publication) -> list[Advice]:
    """Every channel in use with the reasons that speak for it on this publication (PUB-27, PUB-28)."""
    found = [Advice(channel) for channel in register() if channel.is_active]
    category, complaint = publication.category, publication.complaint
    mapped = {row.channel_id: row for row in _mappings(category)}
    people = audience(category)
    needs_paper = bool(_NEEDS_PAPER.intersection(complaint.special_groups or ()))
    for advice in found:
        channel = advice.channel
        if channel.kind == ChannelKind.WEBSITE:
            advice.reasons.append(_("Every result stands here."))
        if channel.pk in mapped and category is not None:
            row = mapped[channel.pk]
            told = _("Results of “%(category)s” also go here.") % {"category": category.label}
            advice.reasons.append(f"{told} {row.note}".strip())
        if channel.audience == AudienceGroup.ELDERLY:
            advice.reasons += _for_paper(people, needs_paper=needs_paper)
        elif channel.audience == AudienceGroup.ONLINE and channel.kind != ChannelKind.VIDEO:
            advice.reasons += _for_screen(people)
        is_near = channel.kind == ChannelKind.BOARD or channel.audience == AudienceGroup.NEIGHBOURS
        if is_near and complaint.persons_affected >= MANY_AFFECTED:
            advice.reasons.append(_("%(count)s people are affected.") % {"count": complaint.persons_affected})
        if channel.kind == ChannelKind.VIDEO and complaint.complexity == Complexity.COMPLEX:
            advice.reasons.append(_("A complex case: pictures explain it more easily."))
    return found


def _mappings(category: Category | None) -> list[ChannelMapping]:
    if category is None:
        return []
    return list(ChannelMapping.objects.filter(category__in=[category.pk, category.parent_id or category.pk]))


def _for_paper(people: Audience | None, *, needs_paper: bool) -> list[str]:
    """Why paper and the spoken word: older people and those who do not come online."""
    found = []
    if people and people.elderly >= ELDERLY_SHARE:
        told = _("%(share)s %% of the complainants of this category are elderly (%(cases)s cases looked at).")
        found.append(told % {"share": round(people.elderly * 100), "cases": people.cases})
    if people and people.offline >= OFFLINE_SHARE:
        told = _("%(share)s %% of the complainants of this category came by telephone, letter or to the counter.")
        found.append(told % {"share": round(people.offline * 100)})
    if needs_paper:
        found.append(_("A special need is noted on this case."))
    return found


def _for_screen(people: Audience | None) -> list[str]:
    if people and people.offline < OFFLINE_SHARE:
        told = _("%(share)s %% of the complainants of this category came online.")
        return [told % {"share": round((1 - people.offline) * 100)}]
    return []
