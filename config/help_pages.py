"""Help inside the product: the pages of docs/users/ at /desk/help/, and which section belongs to which page (KB-15)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe
from markdown import Markdown
from markdown.extensions import Extension
from markdown.extensions.tables import TableExtension
from markdown.extensions.toc import TocExtension, slugify_unicode
from markdown.treeprocessors import Treeprocessor

FOLDER = settings.BASE_DIR / "docs" / "users"
START = "README"
_NAME = re.compile(r"[a-z][a-z-]{1,40}")

# Beginning of the path of a staff page → page of help and heading there. The first that fits.
SECTIONS: tuple[tuple[str, str, str], ...] = (
    ("/desk/queue/", START, "大家都要知道的"),
    ("/desk/notifications/", START, "大家都要知道的"),
    ("/desk/substitutes/", START, "大家都要知道的"),
    ("/desk/register/", "intake-officer", "登记投诉"),
    ("/desk/mails/", "intake-officer", "登记投诉"),
    ("/desk/tasks/", "case-handler", "承诺、第三方说明、会议和任务"),
    ("/desk/reviews/", "reviewer", "七步"),
    ("/desk/alerts/", "reviewer", "预警"),
    ("/desk/sampling/", "reviewer", "每月抽查（组长）"),
    ("/desk/statements/", "publisher", "官方声明"),
    ("/desk/publications/", "publisher", "编写"),
    ("/desk/figures/", "manager", "统计"),
    ("/desk/reports/", "manager", "月度报告"),
    ("/desk/problems/", "manager", "问题清单"),
    ("/desk/knowledge/", "coordinator", "知识库"),
    ("/desk/load/", "coordinator", "办件量和用时"),
    ("/desk/outreach/", "coordinator", "预防性告知"),
    ("/desk/quality/call-backs/", "intake-officer", "回访"),
    ("/desk/quality/", "quality-checker", "通话抽检、抽样回访、意见建议、表扬"),
    ("/desk/follow-ups/", "quality-checker", "通话抽检、抽样回访、意见建议、表扬"),
    ("/desk/proposals/", "quality-checker", "通话抽检、抽样回访、意见建议、表扬"),
    ("/desk/settings/calendar/", "administrator", "工作日历"),
    ("/desk/settings/policies/", "administrator", "时限规则"),
    ("/desk/settings/", "administrator", "页面上能做的"),
)
# Everywhere else, as on a case, the page of what the person does; the first permission held decides.
ROLES: tuple[tuple[str, str], ...] = (
    ("accounts.configure_system", "administrator"),
    ("review.review_case", "reviewer"),
    ("publication.compose", "publisher"),
    ("complaints.check_legal", "legal-counsel"),
    ("complaints.check_quality", "quality-checker"),
    ("analytics.approve_report", "manager"),
    ("complaints.assign_complaint", "coordinator"),
    ("complaints.register_complaint", "intake-officer"),
    ("complaints.handle_complaint", "case-handler"),
    ("accounts.read_security_log", "auditor"),
    ("publication.second_check", "publisher"),
)


@dataclass(frozen=True)
class Page:
    """A page of help: its title, its text as safe HTML, and its headings (anchor, words)."""

    title: str
    body: SafeString
    headings: tuple[tuple[str, str], ...]


class _Links(Treeprocessor):
    """Links between the pages of help stay; those into other documents and images become words."""

    def run(self, root: Element) -> None:
        for node in root.iter():
            if node.tag == "img":
                node.tag, node.text = "span", node.get("alt", "")
                node.attrib.clear()
            if node.tag != "a":
                continue
            target = _inside(node.get("href", ""))
            node.attrib.clear()
            if target:
                node.set("href", target)
            else:
                node.tag = "span"


class _Safe(Extension):
    """No HTML of the text reaches the page: it is shown as it was typed."""

    def extendMarkdown(self, md: Markdown) -> None:
        md.preprocessors.deregister("html_block")
        md.inlinePatterns.deregister("html")
        md.treeprocessors.register(_Links(md), "help_links", 5)


def _inside(href: str) -> str:
    """Where a link of the text leads here; "" for what is not served."""
    if href.startswith("https://"):
        return href
    file, _mark, anchor = href.partition("#")
    tail = f"#{quote(anchor)}" if anchor else ""
    if not file:
        return tail
    name = file.removesuffix(".md")
    if name == START:
        return reverse("desk:help") + tail
    return reverse("desk:help_page", args=[name]) + tail if name in names() else ""


@cache
def names() -> frozenset[str]:
    """The pages there are, without the first one."""
    return frozenset(path.stem for path in FOLDER.glob("*.md") if _NAME.fullmatch(path.stem))


def anchor_of(heading: str) -> str:
    """The anchor of a heading."""
    return slugify_unicode(heading, "-")


@cache
def page(name: str) -> Page:
    """A page of help, read once. Raises KeyError for a name that is not there."""
    if name != START and name not in names():
        raise KeyError(name)
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    title, _line, rest = text.partition("\n")
    reader = Markdown(
        extensions=[_Safe(), TableExtension(), TocExtension(slugify=slugify_unicode, toc_depth="2-3")],
        output_format="html",
    )
    body = reader.convert(rest)
    headings = tuple((row["id"], row["name"]) for row in _toc(reader) if row["level"] == 2)
    return Page(title.lstrip("# ").strip(), mark_safe(body), headings)


def _toc(reader: Markdown) -> list[dict[str, Any]]:
    return list(getattr(reader, "toc_tokens", []))


def link_for(path: str, user: Any) -> str:
    """Where the help of a staff page is; "" where there are no staff pages."""
    try:
        start = reverse("desk:help")
    except NoReverseMatch:
        return ""
    for prefix, name, heading in SECTIONS:
        if path.startswith(prefix):
            found = start if name == START else reverse("desk:help_page", args=[name])
            return f"{found}#{quote(anchor_of(heading))}"
    name = next((name for permission, name in ROLES if user.has_perm(permission)), "")
    return reverse("desk:help_page", args=[name]) if name else start


@login_required
@require_safe
def show(request: HttpRequest, code: str = START) -> HttpResponse:
    """One page of help, or the list of them."""
    try:
        found = page(code)
    except KeyError:
        raise Http404 from None
    return render(
        request, "desk/help.html", {"page": found, "is_start": code == START, "support_url": settings.SUPPORT_URL}
    )
