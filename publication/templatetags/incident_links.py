"""What public pages say of incidents under way, so that nobody needs to complain of the same again (INC-08)."""

from __future__ import annotations

from django import template
from django.utils import timezone

from publication import incident_pages

register = template.Library()


@register.simple_tag
def known_incidents() -> list[incident_pages.Known]:
    """The newest incidents under way, at most three."""
    return incident_pages.known(at=timezone.now())
