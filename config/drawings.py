"""Inline SVG of the interface: icons, life-cycle glyph, mark, rings and QR codes.

Everything returned is markup made here from files of this project and numbers, never
from what a person typed, so it is marked safe. Icons are read once per process.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from pathlib import Path

import segno
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

ICONS = Path(__file__).resolve().parent.parent / "static" / "icons"

LOGO: SafeString = mark_safe(
    '<svg class="brand-mark" viewBox="0 0 32 32" aria-hidden="true">'
    '<path d="M20 28H9a5 5 0 0 1-5-5V9a5 5 0 0 1 5-5h14a5 5 0 0 1 5 5v14a5 5 0 0 1-1.6 3.7" '
    'fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round"/>'
    '<rect x="11" y="11" width="10" height="10" rx="2.4" fill="currentColor"/></svg>'
)
_DONE = (
    '<svg viewBox="0 0 14 14" aria-hidden="true"><circle cx="7" cy="7" r="6.25" fill="currentColor"/>'
    '<path class="pie-tick" d="m4.2 7.2 2 2 3.6-4.2" fill="none" stroke-width="1.5" '
    'stroke-linecap="round" stroke-linejoin="round"/></svg>'
)
_NOT_STARTED = (
    '<svg viewBox="0 0 14 14" aria-hidden="true"><circle cx="7" cy="7" r="6" fill="none" '
    'stroke="currentColor" stroke-width="1.5" stroke-dasharray="2.2 2"/></svg>'
)


@lru_cache(maxsize=256)
def _shapes(name: str) -> str:
    """The shapes inside one icon file. Raises ValueError for a name that has no file."""
    path = ICONS / f"{name}.svg"
    if not re.fullmatch(r"[a-z0-9-]+", name) or not path.is_file():
        raise ValueError(f"There is no icon {name!r} in static/icons.")
    found = re.search(r"<svg[^>]*>(.*)</svg>", path.read_text(encoding="utf-8"), re.DOTALL)
    if found is None:
        raise ValueError(f"static/icons/{name}.svg holds no <svg> element.")
    return re.sub(r"\s+", " ", found.group(1)).replace(" />", "/>").strip()


def icon(name: str, cls: str = "") -> SafeString:
    """An icon that a screen reader skips; the words beside it carry the meaning."""
    return format_html(
        '<svg class="{}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{}</svg>',
        f"icon {cls}".strip(),
        mark_safe(_shapes(name)),
    )


def pie(done: int, total: int = 8) -> SafeString:
    """A ring that fills as a case moves on: dashed at 0, a tick at `total`."""
    if done >= total:
        return mark_safe(_DONE)
    if done <= 0:
        return mark_safe(_NOT_STARTED)
    angle = 2 * math.pi * done / total
    x, y = 7 + 3.6 * math.sin(angle), 7 - 3.6 * math.cos(angle)
    large_arc = 1 if done / total > 0.5 else 0
    return mark_safe(
        '<svg viewBox="0 0 14 14" aria-hidden="true">'
        '<circle cx="7" cy="7" r="6" fill="none" stroke="currentColor" stroke-width="1.5"/>'
        f'<path d="M7 7V3.4A3.6 3.6 0 {large_arc} 1 {x:.2f} {y:.2f}Z" fill="currentColor"/></svg>'
    )


def rings(cls: str = "hero-rings") -> SafeString:
    """The mark's frame, repeated outwards; decoration only."""
    frames = "".join(
        f'<rect x="{280 - side / 2:.0f}" y="{280 - side / 2:.0f}" width="{side}" height="{side}" '
        f'rx="{side * 0.2:.0f}" opacity="{1 - step * 0.13:.2f}"/>'
        for step, side in enumerate((60, 130, 210, 300, 400, 510))
    )
    return format_html(
        '<svg class="{}" viewBox="0 0 560 560" fill="none" stroke="currentColor" '
        'stroke-width="1.5" aria-hidden="true">{}</svg>',
        cls,
        mark_safe(frames),
    )


def qr(data: str, label: str) -> SafeString:
    """A QR code of `data` (an address, as a rule) that screen readers announce as `label`.

    Raises segno.DataOverflowError when the data is longer than a QR code can hold.
    """
    matrix = segno.make(data, error="m", micro=False).matrix
    size = len(matrix)
    cells = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(matrix) for x, on in enumerate(row) if on)
    # Four light modules around the code, as readers require.
    return format_html(
        '<svg class="qr" viewBox="-4 -4 {0} {0}" role="img" aria-label="{1}" shape-rendering="crispEdges">'
        '<path fill="#fff" d="M-4-4h{0}v{0}h-{0}z"/><path fill="#000" d="{2}"/></svg>',
        size + 8,
        label,
        cells,
    )
