"""Whether public pages point at the look-up of orders, deliveries and after-sales services (IN-38)."""

from __future__ import annotations

from django import template

from complaints import lookup

register = template.Library()
register.simple_tag(lookup.is_offered, name="lookup_offered")
