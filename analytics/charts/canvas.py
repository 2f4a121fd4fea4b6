"""What every chart needs: a palette, an SVG under construction, a scale with round ticks, labels that fit."""

import hashlib
import math
import unicodedata
from collections.abc import Sequence
from typing import Literal

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

PaletteName = Literal["page", "document"]
Points = Sequence[tuple[str, float | None]]

FONT_SIZE = 11
_FONT_FAMILY = "Noto Sans SC"

# The literal colours are the light theme's tokens of static/css/tokens.css: paper has no dark mode.
_DOCUMENT = {
    "ink-1": "#161E22",
    "ink-2": "#3B484E",
    "ink-3": "#5A686F",
    "line-1": "#E3E8EA",
    "line-3": "#7F8D93",
    "bg-raised": "#FFFFFF",
    "bg-inset": "#EBEFF0",
    "accent": "#0D6078",
    "accent-ink": "#0B586E",
    "bad-solid": "#BC3228",
    "ch-1": "#0D6078",
    "ch-2": "#6BA7B8",
    "ch-3": "#B6D3DB",
    "ch-4": "#C98A2B",
    "ch-5": "#A9B4B8",
}
_PALETTES = {"page": {token: f"var(--{token})" for token in _DOCUMENT}, "document": _DOCUMENT}


class Canvas:
    """An SVG under construction. Colours are token names; text is escaped here and nowhere else."""

    def __init__(self, width: float, height: float, *, palette: PaletteName, css: str = "chart") -> None:
        self.width, self.height, self.css = width, height, css
        self._colours = _PALETTES[palette]
        self._on_page = palette == "page"
        self._parts: list[str] = []

    def line(
        self,
        x1: float,
        y1: float,
        x2: float,
        y2: float,
        *,
        stroke: str,
        width: float = 1,
        dash: str = "",
        css: str = "",
    ) -> None:
        extra = f' stroke-dasharray="{dash}"' if dash else ""
        self._parts.append(
            f'<line{_class(css)} x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{self._colours[stroke]}" stroke-width="{width:g}"{extra}/>'
        )

    def polyline(self, points: Sequence[tuple[float, float]], *, stroke: str, width: float = 2) -> None:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._parts.append(
            f'<polyline points="{path}" fill="none" stroke="{self._colours[stroke]}" stroke-width="{width:g}" '
            'stroke-linejoin="round" stroke-linecap="round"/>'
        )

    def circle(
        self,
        x: float,
        y: float,
        radius: float,
        *,
        fill: str,
        stroke: str,
        width: float = 2,
        hint: str = "",
        css: str = "",
    ) -> None:
        self._parts.append(
            f'<circle{_class(css)} cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{self._colours[fill]}" '
            f'stroke="{self._colours[stroke]}" stroke-width="{width:g}">{_hint(hint)}</circle>'
        )

    def rect(
        self, x: float, y: float, width: float, height: float, *, fill: str, radius: float = 1.5, hint: str = ""
    ) -> None:
        self._parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}" '
            f'rx="{radius:g}" fill="{self._colours[fill]}">{_hint(hint)}</rect>'
        )

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        anchor: str = "start",
        size: float = FONT_SIZE,
        colour: str = "ink-3",
        strong: bool = False,
    ) -> None:
        # Strong words stand inside the drawing, so they get a rim that keeps them readable over a line.
        rim = f' stroke="{self._colours["bg-raised"]}" stroke-width="3" stroke-linejoin="round" paint-order="stroke"'
        weight = f' font-weight="700"{rim}' if strong else ""
        self._parts.append(
            f'<text{_class("t-strong" if strong and colour == "ink-1" else "")} x="{x:.1f}" y="{y:.1f}" '
            f'text-anchor="{anchor}" font-size="{size:g}"{weight} fill="{self._colours[colour]}">{escape(words)}</text>'
        )

    def finish(self, *, title: str, finding: str) -> SafeString:
        """Close the drawing as an image with a name (title) and a description (the finding)."""
        body = "".join(self._parts)
        # Two charts may stand on one page, so the ids are drawn from what is in them.
        uid = "c" + hashlib.sha256(f"{title}\n{finding}\n{body}".encode()).hexdigest()[:10]
        described = f' aria-describedby="{uid}-d"' if finding else ""
        desc = f'<desc id="{uid}-d">{escape(finding)}</desc>' if finding else ""
        return self._svg(
            f'role="img" aria-labelledby="{uid}-t"{described}',
            f'<title id="{uid}-t">{escape(title)}</title>{desc}{body}',
        )

    def finish_decorative(self, *, width: float, height: float) -> SafeString:
        """Close a drawing that only repeats the figure beside it; screen readers skip it."""
        return self._svg(f'aria-hidden="true" width="{width:g}" height="{height:g}"', "".join(self._parts))

    def _svg(self, attributes: str, content: str) -> SafeString:
        # On a page the style sheet sets the typeface and the width; a document has no style sheet.
        size = "" if "width=" in attributes else (' width="100%"' if self._on_page else f' width="{self.width:g}"')
        height = "" if self._on_page or "height=" in attributes else f' height="{self.height:g}"'
        font = "" if self._on_page else f' font-family="{_FONT_FAMILY}"'
        return mark_safe(  # every text and attribute above is escaped or a number
            f'<svg xmlns="http://www.w3.org/2000/svg"{_class(self.css)} viewBox="0 0 {self.width:g} {self.height:g}"'
            f"{size}{height}{font} {attributes}>{content}</svg>"
        )


class Scale:
    """Maps values to pixels between two round ends; `ticks` are the round values in between, ends included."""

    def __init__(self, low: float, high: float, start: float, end: float, *, whole: bool = False) -> None:
        step = _round_step((high - low) or abs(high) or 1, whole=whole)
        self.low = math.floor(low / step + 1e-9) * step
        self.high = max(math.ceil(high / step - 1e-9) * step, self.low + step)
        count = round((self.high - self.low) / step)
        self.ticks = [self.low + step * i for i in range(count + 1)]
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        return self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low)


def _round_step(span: float, *, whole: bool) -> float:
    """A step of 1, 2 or 5 times a power of ten that cuts the span into about four; never below 1 for counts."""
    power = 10 ** math.floor(math.log10(span / 4))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= span / 4 * 0.999)
    return max(step, 1) if whole else step


def width_in_ems(words: str) -> float:
    """Rough printed width: a Chinese character is 1 em, a Latin one a little over half."""
    return sum(1.0 if unicodedata.east_asian_width(char) in "WF" else 0.56 for char in words)


def fit(words: str, ems: float) -> str:
    """Shorten to a width, with an ellipsis; the full text stays in the hint and in the table beside the chart."""
    if width_in_ems(words) <= ems:
        return words
    while words and width_in_ems(words) + 1 > ems:
        words = words[:-1]
    return words + "…"


def wrap(words: str, ems: float) -> list[str]:
    """Break a label into at most two lines of the given width, between words where it has any.

    What still does not fit is shortened.
    """
    if width_in_ems(words) <= ems:
        return [words]
    cut = next(i for i in range(len(words), 0, -1) if width_in_ems(words[:i]) <= ems or i == 1)
    cut = words.rfind(" ", 1, cut + 1) if " " in words[1 : cut + 1] else cut
    return [words[:cut], fit(words[cut:].lstrip(), ems)]


def _class(css: str) -> str:
    return f' class="{css}"' if css else ""


def _hint(words: str) -> str:
    return f"<title>{escape(words)}</title>" if words else ""
