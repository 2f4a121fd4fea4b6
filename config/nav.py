"""Where the staff navigation leads, who sees which link, and the numbers beside the links.

A link shows when its address exists and the person holds one of its permissions. Numbers are
registered by the composition root (`register_count`) and computed only where a page shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Count = Callable[[Any], int]
_counts: dict[str, Count] = {}
# Counts that stand at no link of the navigation but in the top bar: the bell.
TOP_BAR = ("notifications",)


def register_count(key: str, count: Count) -> None:
    """Show `count(user)` beside the link `key`, or on the bell for "notifications".

    Raises ValueError when the key is taken or unknown.
    """
    if key not in {"notifications", *(entry.key for group in GROUPS for entry in group.entries)}:
        raise ValueError(f"No navigation link is called {key!r}.")
    if key in _counts:
        raise ValueError(f"The link {key!r} has a count already.")
    _counts[key] = count


class NavCounts(Mapping[str, int]):
    """The registered numbers for one person, each computed when first read."""

    def __init__(self, user: Any) -> None:
        self._user = user
        self._known: dict[str, int] = {}

    def __getitem__(self, key: str) -> int:
        if key not in self._known:
            self._known[key] = _counts[key](self._user)
        return self._known[key]

    def __iter__(self) -> Iterator[str]:
        return iter(_counts)

    def __len__(self) -> int:
        return len(_counts)


@dataclass(frozen=True)
class Entry:
    """A link: `under` lists the paths of the pages that belong to it."""

    key: str
    url_name: str
    icon: str
    label: Promise
    permissions: tuple[str, ...]
    query: str = ""
    under: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    label: Promise
    entries: tuple[Entry, ...]
    secondary: bool = False


@dataclass(frozen=True)
class Link:
    key: str
    url: str
    icon: str
    label: Promise
    current: bool
    counts: NavCounts

    @property
    def count(self) -> int | None:
        """The number beside the link; None when there is none or it is zero."""
        return (self.counts[self.key] or None) if self.key in _counts else None


_SEE_CASES = (
    "complaints.view_all",
    "complaints.view_department",
    "complaints.view_referred",
    "complaints.view_managed",
    "complaints.view_published_cases",
    "complaints.manage_risk",
)
_SEE_FIGURES = ("analytics.view_figures",)

GROUPS: tuple[Group, ...] = (
    Group(
        _("Main navigation"),
        (
            Entry("workbench", "complaints:queue", "inbox", _("Workbench"), _SEE_CASES, under=("/desk/queue/",)),
            Entry("cases", "complaints:queue", "folder-open", _("Cases"), _SEE_CASES, "view=all", ("/desk/cases/",)),
            Entry(
                "tasks",
                "complaints:case_tasks",
                "calendar-check",
                _("Tasks"),
                ("complaints.write_note", "complaints.assign_complaint"),
                under=("/desk/tasks/",),
            ),
            Entry(
                "material",
                "review:material_list",
                "paperclip",
                _("Records to deliver"),
                ("complaints.handle_complaint",),
                under=("/desk/reviews/material/",),
            ),
            Entry(
                "mails",
                "complaints:mails",
                "mail",
                _("E-mails"),
                ("complaints.register_complaint",),
                under=("/desk/mails/",),
            ),
            Entry(
                "reviews",
                "review:list",
                "scale",
                _("Reviews"),
                ("review.review_case", "review.lead_review"),
                under=("/desk/reviews/",),
            ),
            Entry(
                "publications",
                "publication:list",
                "megaphone",
                _("Publications"),
                ("publication.view_publications",),
                under=("/desk/publications/", "/desk/statements/"),
            ),
            Entry(
                "comments",
                "publication:comments",
                "message-square-text",
                _("Public response"),
                ("publication.moderate",),
                under=("/desk/comments/", "/desk/volunteers/"),
            ),
            Entry(
                "figures", "analytics:figures", "chart-column", _("Figures"), _SEE_FIGURES, under=("/desk/figures/",)
            ),
        ),
    ),
    Group(
        _("Oversight and improvement"),
        (
            Entry(
                "knowledge",
                "complaints:knowledge",
                "bookmark",
                _("Knowledge"),
                ("complaints.use_desk",),
                under=("/desk/knowledge/",),
            ),
            Entry(
                "lessons",
                "publication:lessons",
                "megaphone",
                _("Lessons from results"),
                ("complaints.handle_complaint",),
                under=("/desk/publications/lessons/",),
            ),
            Entry(
                "load",
                "complaints:load",
                "users",
                _("Load"),
                ("complaints.assign_complaint", "complaints.lead_department", *_SEE_FIGURES),
                under=("/desk/load/",),
            ),
            Entry(
                "quality",
                "complaints:quality",
                "star",
                _("Quality and feedback"),
                ("complaints.check_quality", "complaints.record_contact", "complaints.view_notes"),
                under=("/desk/quality/", "/desk/follow-ups/", "/desk/proposals/"),
            ),
            Entry(
                "sampling",
                "review:sampling",
                "dices",
                _("Monthly sample"),
                ("review.draw_sample", "review.view_sample", "review.view_sample_figures"),
                under=("/desk/sampling/",),
            ),
            Entry(
                "top_reports",
                "review:top_reports",
                "file-text",
                _("Rectification plans"),
                ("review.lead_review", "analytics.approve_report"),
                under=("/desk/rectification-plans/",),
            ),
            Entry(
                "incidents",
                "complaints:incidents",
                "siren",
                _("Incidents"),
                ("complaints.merge_complaints",),
                under=("/desk/incidents/",),
            ),
            Entry(
                "responses",
                "complaints:incident_responses",
                "bell-ring",
                _("Emergency responses"),
                ("complaints.manage_incident",),
                under=("/desk/responses/",),
            ),
            Entry(
                "outbreaks",
                "analytics:outbreaks",
                "radar",
                _("Outbreaks and outlook"),
                ("complaints.manage_risk",),
                under=("/desk/outbreaks/", "/desk/outlook/"),
            ),
            Entry(
                "outreach",
                "complaints:outreach",
                "phone-outgoing",
                _("Precautions"),
                ("complaints.record_callback", "complaints.manage_risk"),
                under=("/desk/outreach/",),
            ),
            Entry(
                "channels",
                "complaints:channels",
                "phone-incoming",
                _("Channels"),
                ("complaints.screen_complaint",),
                under=("/desk/channels/",),
            ),
            Entry(
                "imports",
                "complaints:imports",
                "upload",
                _("Imports"),
                ("complaints.import_complaints",),
                under=("/desk/imports/",),
            ),
            Entry(
                "problems",
                "analytics:problems",
                "list-checks",
                _("Problem list"),
                _SEE_FIGURES,
                under=("/desk/problems/",),
            ),
            Entry(
                "reports",
                "analytics:reports",
                "file-text",
                _("Monthly reports"),
                _SEE_FIGURES,
                under=("/desk/reports/",),
            ),
            Entry(
                "signals",
                "complaints:signals",
                "radar",
                _("Public opinion"),
                ("complaints.manage_risk",),
                under=("/desk/signals/", "/desk/drills/"),
            ),
            Entry(
                "archive",
                "complaints:archive",
                "folder-open",
                _("Archived files"),
                _SEE_CASES,
                under=("/desk/archive/",),
            ),
            Entry(
                "people",
                "complaints:people",
                "users",
                _("Staff"),
                ("accounts.manage_users",),
                under=("/desk/people/",),
            ),
            Entry(
                "security_log",
                "complaints:security_log",
                "shield-check",
                _("Security log"),
                ("accounts.read_security_log",),
                under=("/desk/security-log/",),
            ),
            Entry(
                "settings",
                "complaints:settings",
                "settings-2",
                _("Settings"),
                ("accounts.configure_system", "complaints.adjudicate_return"),
                under=("/desk/settings/",),
            ),
        ),
        secondary=True,
    ),
)


def lenient(url_name: str, query: str = "") -> str:
    """The address of a page, or an empty string where this site does not serve it."""
    try:
        url = reverse(url_name)
    except NoReverseMatch:
        return ""
    return f"{url}?{query}" if query else url


def staff_groups(user: Any, path: str, query: Mapping[str, str], counts: NavCounts) -> list[dict[str, Any]]:
    """The groups of links this person sees, with the link of the current page marked."""
    groups = []
    for group in GROUPS:
        links = [
            Link(entry.key, url, entry.icon, entry.label, _is_current(entry, path, query), counts)
            for entry in group.entries
            if (url := lenient(entry.url_name, entry.query)) and any(user.has_perm(name) for name in entry.permissions)
        ]
        if links:
            groups.append({"label": group.label, "links": links, "secondary": group.secondary})
    if groups and all(group["secondary"] for group in groups):
        # On a phone the bar at the bottom holds the main links only; with none of them it would stand empty.
        groups[0]["secondary"] = False
    return groups


def _is_current(entry: Entry, path: str, query: Mapping[str, str]) -> bool:
    all_cases = path == "/desk/queue/" and query.get("view") == "all"
    if entry.key in ("workbench", "cases") and all_cases:
        return entry.key == "cases"
    return path.startswith(entry.under)


PUBLIC_ENTRIES = (
    ("home", "public:home", _("Results"), ("/results/",)),
    ("complain", "public:complain", _("File a complaint"), ("/complain/",)),
    ("track", "public:track", _("Check progress"), ("/track/",)),
)


def public_links(path: str) -> list[dict[str, Any]]:
    """The links of the public pages; addresses without language or text size."""
    return [
        {"key": key, "url": url, "label": label, "current": path == url or path.startswith(under)}
        for key, name, label, under in PUBLIC_ENTRIES
        if (url := lenient(name))
    ]
