"""The components every page is built from, available in all templates without {% load %}.

A component declares its arguments (an unknown one fails) and knows no model: pages hand it
words, numbers and addresses. Every state is said three ways: shape or icon, word, colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from django import template
from django.template import loader
from django.template.context import RequestContext
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from config import drawings, formatting
from config.templatetags import ui_forms

register = template.Library()
register.tags.update(ui_forms.register.tags)

for _name in [
    "zh_date",
    "zh_datetime",
    "short_date",
    "short_datetime",
    "hour",
    "ago",
    "public_date",
    "public_datetime",
    "full_date",
    "machine",
    "filesize",
    "percent",
    "thousands",
    "money",
    "month",
    "short_month",
]:
    register.filter(_name, getattr(formatting, _name))

register.simple_tag(drawings.icon, name="icon")
register.simple_tag(drawings.pie, name="pie")
register.simple_tag(drawings.rings, name="rings")

DEADLINE_ICONS = {
    "normal": "clock",
    "soon": "hourglass",
    "overdue": "circle-alert",
    "paused": "circle-pause",
    "met": "check",
}
CALLOUT_ICONS = {"info": "info", "ok": "circle-check", "warn": "triangle-alert", "bad": "circle-alert"}
TAG_TONES = ("", "ok", "warn", "bad", "info", "accent", "legal", "line")
MOMENT_STYLES = {
    "date": formatting.zh_date,
    "datetime": formatting.zh_datetime,
    "short": formatting.short_date,
    "short_datetime": formatting.short_datetime,
    "hour": formatting.hour,
    "ago": formatting.ago,
    "public": formatting.public_date,
    "public_datetime": formatting.public_datetime,
    "full": formatting.full_date,
}


def _known(value: str, choices: Iterable[str], what: str) -> str:
    if value not in choices:
        raise ValueError(f"Unknown {what} {value!r}; use one of {', '.join(map(repr, choices))}.")
    return value


def _whole_percent(value: float | str | None) -> int:
    """A whole percentage from 0 to 100, the only widths percent.css knows."""
    return min(100, max(0, round(float(value or 0))))


# --- Small words and glyphs -------------------------------------------------------------


@register.simple_tag
def logo() -> SafeString:
    """The mark 回."""
    return drawings.LOGO


@register.simple_tag
def qr(data: str, label: str) -> SafeString:
    """A QR code; `label` is what a screen reader says."""
    return drawings.qr(data, label)


@register.simple_tag
def kbd(key: str) -> SafeString:
    """A key cap."""
    return format_html('<kbd class="kbd">{}</kbd>', key)


@register.simple_tag
def case_number(number: str) -> SafeString:
    """HY-20261120-0042 with the part that people read out set apart."""
    head, dash, tail = str(number).rpartition("-")
    return format_html('<span class="caseno">{}{}<b>{}</b></span>', head, dash, tail)


@register.simple_tag
def avatar(name: str, cls: str = "") -> SafeString:
    """The first character of a name in a disc; decoration beside the written name."""
    return format_html('<span class="{}" aria-hidden="true">{}</span>', f"avatar {cls}".strip(), str(name)[:1])


@register.simple_tag
def when(value: formatting.Moment, style: str = "datetime", cls: str = "") -> SafeString:
    """A date or moment in a <time> element; styles are the names in MOMENT_STYLES."""
    _known(style, MOMENT_STYLES, "style")
    if value is None:
        return SafeString("")
    text, attribute = MOMENT_STYLES[style](value), formatting.machine(value)
    if cls:
        return format_html('<time datetime="{}" class="{}">{}</time>', attribute, cls, text)
    return format_html('<time datetime="{}">{}</time>', attribute, text)


@register.inclusion_tag("components/who.html")
def who(name: str = "") -> dict:
    """A person with avatar, or 未分派 when there is none."""
    return {"name": name}


@register.inclusion_tag("components/status_badge.html")
def status_badge(stage: int, label: str, tone: str = "", total: int = 8) -> dict:
    """A life-cycle state: the ring is filled `stage` of `total` parts. Tones: new, hold, done."""
    return {"stage": stage, "label": label, "total": total, "tone": _known(tone, ("", "new", "hold", "done"), "tone")}


@register.inclusion_tag("components/risk_badge.html")
def risk_badge(level: str) -> dict:
    """Risk as signal bars and a word. Levels: low, mid, high."""
    labels = {"low": _("Ordinary"), "mid": _("Medium"), "high": _("High")}
    return {"level": _known(level, labels, "level"), "label": labels[level]}


@register.inclusion_tag("components/deadline_chip.html")
def deadline_chip(state: str, text: str, cls: str = "") -> dict:
    """What is left of a deadline. States: normal, soon, overdue, paused, met."""
    return {"state": _known(state, DEADLINE_ICONS, "state"), "text": text, "cls": cls, "icon": DEADLINE_ICONS[state]}


@register.inclusion_tag("components/tag.html")
def tag(label: str, tone: str = "", icon: str = "", cls: str = "") -> dict:
    """A short fact. Tones: ok, warn, bad, info, accent, legal, line."""
    return {"label": label, "tone": _known(tone, TAG_TONES, "tone"), "icon": icon, "cls": cls}


# --- Progress and time -------------------------------------------------------------------


@register.inclusion_tag("components/stepper.html")
def stepper(steps: Sequence[tuple[str, str]], current: int, label: str) -> dict:
    """Steps of a case or review as (name, small text); `current` counts from 1, past the end = all done."""
    states = [
        {"name": name, "note": note, "done": number < current, "current": number == current}
        for number, (name, note) in enumerate(steps, start=1)
    ]
    return {"steps": states, "label": label}


@register.inclusion_tag("components/public_steps.html")
def public_steps(names: Sequence[str], current: int) -> dict:
    """Where the reader is in a public form; `current` counts from 1."""
    states = [{"name": f"{n}. {name}", "done": n < current, "current": n == current} for n, name in enumerate(names, 1)]
    return {"steps": states, "current": current, "total": len(states)}


@register.inclusion_tag("components/bar.html")
def bar(pct: float, tone: str = "", paused: float = 0) -> dict:
    """A thin bar, `pct` percent full and then `paused` percent hatched; the words stand beside it."""
    return {
        "pct": _whole_percent(pct),
        "paused": _whole_percent(paused),
        "tone": _known(tone, ("", "ok", "warn", "bad"), "tone"),
    }


@register.inclusion_tag("components/progress.html")
def progress(pct: float, label: str) -> dict:
    """A progress bar announced as `label`."""
    return {"pct": _whole_percent(pct), "label": label}


@register.inclusion_tag("components/confidence.html")
def confidence(pct: float) -> dict:
    """How sure a suggestion is, in percent."""
    return {"pct": _whole_percent(pct)}


@register.inclusion_tag("components/segments.html")
def segments(parts: Sequence[str], label: str = "") -> dict:
    """Completeness in pieces; each part is on, half or empty."""
    for part in parts:
        _known(part, ("", "on", "half"), "part")
    return {"parts": parts, "label": label}


@register.inclusion_tag("components/clock.html")
def clock(
    name: str,
    state: str,
    text: str,
    pct: float | None = None,
    paused: float = 0,
    due: str = "",
    note: str = "",
    url: str = "",
    link_label: str = "",
) -> dict:
    """One service-level clock: name, chip, bar (`paused` percent hatched), due date and a note."""
    tone = {"soon": "warn", "overdue": "bad", "met": "ok"}.get(state, "")
    return {
        "name": name,
        "state": state,
        "text": text,
        "pct": pct,
        "paused": paused,
        "tone": tone,
        "due": due,
        "note": note,
        "url": url,
        "link_label": link_label,
    }


@register.inclusion_tag("components/plan_item.html")
def plan_item(title: str, note: str = "", state: str = "", marker: str = "", text: str = "") -> dict:
    """One line of a public plan (<ol class="plan">). States: done, now or empty (to come)."""
    return {
        "title": title,
        "note": note,
        "state": _known(state, ("", "now", "done"), "state"),
        "marker": marker,
        "text": text,
    }


@register.simple_block_tag
def timeline_item(
    content: str, icon: str, title: str, at: str = "", kind: str = "", actor: str = "", tag: str = "", tone: str = ""
) -> str:
    """One event of a timeline; kinds: call, mail, note, alert, ok. The content is its body, or nothing."""
    context = {
        "content": mark_safe(content.strip()),
        "icon": icon,
        "title": title,
        "at": at,
        "kind": _known(kind, ("", "call", "mail", "note", "alert", "ok"), "kind"),
        "actor": actor,
        "tag": tag,
        "tone": tone,
    }
    return loader.render_to_string("components/timeline_item.html", context)


# --- Messages ----------------------------------------------------------------------------


def _callout(tone: str, icon: str, **values: Any) -> dict:
    _known(tone, CALLOUT_ICONS, "tone")
    return {"tone": tone, "icon": icon or CALLOUT_ICONS[tone], **values}


@register.inclusion_tag("components/callout.html")
def callout(
    tone: str, title: str, text: str = "", icon: str = "", alert: bool = False, url: str = "", link_label: str = ""
) -> dict:
    """A message about the whole page. Tones: info, ok, warn, bad; `alert` has it read out at once."""
    return _callout(tone, icon, title=title, text=text, alert=alert, url=url, link_label=link_label)


@register.simple_block_tag
def callout_block(
    content: str, tone: str, title: str, icon: str = "", alert: bool = False, url: str = "", link_label: str = ""
) -> str:
    """A callout whose body is markup: {% callout_block "warn" title %}…{% endcallout_block %}."""
    body = mark_safe(content.strip())
    context = _callout(tone, icon, title=title, content=body, alert=alert, url=url, link_label=link_label)
    return loader.render_to_string("components/callout.html", context)


@register.inclusion_tag("components/empty_state.html")
def empty_state(title: str, text: str = "", url: str = "", link_label: str = "", level: int = 2) -> dict:
    """Nothing here: says that it is good, or how to fill it, with at most one link."""
    return {"title": title, "text": text, "url": url, "link_label": link_label, "level": level}


@register.inclusion_tag("components/toasts.html", takes_context=True)
def toasts(context: RequestContext) -> dict:
    """Django's messages as toasts. Reading them uses the session, so never on public reading pages."""
    return {"messages": context.get("messages", ())}


@register.inclusion_tag("components/message_list.html", takes_context=True)
def message_list(context: RequestContext) -> dict:
    """Django's messages as callouts in the page, for public forms and the sign-in pages."""
    return {"messages": context.get("messages", ())}


@register.simple_block_tag
def dialog(content: str, id: str, title: str, icon: str = "", tone: str = "") -> str:
    """A native dialog; content: <div class="dialog-body">…</div><div class="dialog-foot">…</div> in a form.

    Opened by any link to #id with data-dialog; without JavaScript the link itself shows it.
    """
    context = {"content": content, "id": id, "title": title, "icon": icon, "tone": tone}
    return loader.render_to_string("components/dialog.html", context)


@register.inclusion_tag("components/confirm_dialog.html", takes_context=True)
def confirm_dialog(
    context: RequestContext,
    id: str,
    title: str,
    text: str,
    action: str,
    label: str,
    danger: bool = True,
    hidden: dict | None = None,
) -> dict:
    """Ask before something irreversible; posts to `action`. The button says the result (不予受理)."""
    return {
        "id": id,
        "title": title,
        "text": text,
        "action": action,
        "label": label,
        "danger": danger,
        "hidden": hidden or {},
        "csrf_token": context.get("csrf_token"),
    }


# --- Lists -------------------------------------------------------------------------------


@register.inclusion_tag("components/pager.html")
def pager(previous_url: str = "", next_url: str = "", text: str = "", keys: bool = False, label: str = "") -> dict:
    """Cursor paging of a staff list; `keys` also lists the keyboard shortcuts."""
    return {
        "previous_url": previous_url,
        "next_url": next_url,
        "text": text,
        "keys": keys,
        "label": label or _("Pages"),
    }


@register.inclusion_tag("components/public_pager.html")
def public_pager(previous_url: str = "", next_url: str = "", text: str = "") -> dict:
    """Cursor paging of a public list."""
    return {"previous_url": previous_url, "next_url": next_url, "text": text}


# --- Addresses of public pages -------------------------------------------------------------


def _reading(context: RequestContext) -> dict[str, str]:
    """The reader's language and text size, carried in the address because public pages set no cookie."""
    reading = {}
    if context.get("html_lang") == "en":
        reading["lang"] = "en"
    if context.get("text_size") == "large":
        reading["text"] = "large"
    return reading


@register.simple_tag(takes_context=True)
def public_url(context: RequestContext, name: str, *args: Any, **kwargs: Any) -> str:
    """The address of a public page that keeps language and text size. Raises NoReverseMatch."""
    reading = _reading(context)
    return reverse(name, args=args, kwargs=kwargs) + (f"?{urlencode(reading)}" if reading else "")


@register.inclusion_tag("components/reading_fields.html", takes_context=True)
def reading_fields(context: RequestContext) -> dict:
    """Hidden fields that keep language and text size in a public GET form."""
    return {"reading": _reading(context)}
