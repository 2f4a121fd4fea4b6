"""How public pages name a department: in English where it has an English name."""

from __future__ import annotations

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts import departments

register = template.Library()


@register.simple_tag
def department_name(name: str) -> SafeString:
    """The name in the language of the page; a Chinese one says that it is Chinese."""
    shown = departments.shown(name)
    return format_html('<span lang="zh-Hans">{}</span>', name) if shown == name else format_html("{}", shown)
