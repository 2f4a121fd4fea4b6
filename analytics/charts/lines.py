"""Figures over time: the control chart, the sparkline, and the grading of a heat table."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from .canvas import FONT_SIZE, Canvas, PaletteName, Points, Scale, fit, width_in_ems
from .numbers import show, show_with_unit

# Individuals chart: three standard deviations, estimated from the mean moving range (3 / d2 for pairs, d2 = 1.128).
LIMIT_FACTOR = 2.66

_MOST_LABELS = 13

# Room for the figures of the scale; words in the drawing keep clear of it.
_LEFT = 50.0


@dataclass(frozen=True, slots=True)
class ControlLimits:
    """Mean and limits in the unit of the values; a limit the figure cannot reach (fewer than none) is None."""

    mean: float
    lower: float | None
    upper: float | None

    def outside(self, value: float | None) -> int:
        """1 above the upper limit, -1 below the lower, 0 inside or no figure."""
        if value is None:
            return 0
        if self.upper is not None and value > self.upper:
            return 1
        return -1 if self.lower is not None and value < self.lower else 0


def control_limits(
    values: Sequence[float | None], *, floor: float | None = 0.0, ceiling: float | None = None
) -> ControlLimits | None:
    """Mean ± 2.66 × mean moving range; None with fewer than two values. Gaps are skipped, not bridged.

    A limit at or beyond `floor` or `ceiling` (no count is below zero, no share above one) is dropped.
    """
    present = [value for value in values if value is not None]
    ranges = [abs(a - b) for a, b in pairwise(values) if a is not None and b is not None]
    if not ranges:
        return None
    mean, reach = fmean(present), LIMIT_FACTOR * fmean(ranges)
    lower, upper = mean - reach, mean + reach
    return ControlLimits(
        mean=mean,
        lower=None if floor is not None and lower <= floor else lower,
        upper=None if ceiling is not None and upper >= ceiling else upper,
    )


def control_chart(
    points: Points,
    *,
    title: str,
    finding: str,
    unit: str = "",
    fmt: str = "int",
    digits: int | None = None,
    annotations: Sequence[tuple[str, str]] = (),
    level_digits: int | None = None,
    palette: PaletteName = "page",
) -> SafeString:
    """Individuals chart: points outside the limits get a hollow red ring and a word.

    `level_digits`: decimals of mean and limits where they need more than the points, as small counts do.

    `annotations` are (label of a point, external event) and explain a rise or fall (AN-07).
    """
    points = [(str(label), value) for label, value in points]
    width, left, right = 640.0, _LEFT, 88.0
    values = [value for _label, value in points if value is not None]
    if not values:
        canvas = Canvas(width, 80, palette=palette)
        canvas.text(width / 2, 44, _("No figures in this period"), anchor="middle")
        return canvas.finish(title=title, finding=finding)

    limits = control_limits([value for _label, value in points], ceiling=1.0 if fmt == "percent" else None)
    sides = [limits.outside(value) if limits else 0 for _label, value in points]
    runs = [_place_in_run(sides, i) for i in range(len(sides))]
    marks = [(i, text) for name, text in annotations for i, (label, _value) in enumerate(points) if label == name]
    # Events stand above the drawing; words under a point below the limit need room above the month names.
    top = 26.0 + 15 * min(len(marks), 3)
    bottom = 26.0 + (40 if any(side < 0 for side in sides) else 0)
    height = 180.0 + top + bottom
    canvas = Canvas(width, height, palette=palette)
    known = [*values, *(level for level in (limits.lower, limits.upper) if level is not None)] if limits else values
    spread = (max(known) - min(known)) * 0.08
    scale = Scale(max(0.0, min(known) - spread), max(known) + spread, height - bottom, top, whole=fmt == "int")
    step = (width - left - right) / max(len(points) - 1, 1)
    xs = [left + step * i if len(points) > 1 else (left + width - right) / 2 for i in range(len(points))]

    tick_digits = 0 if fmt == "int" or scale.ticks[1] - scale.ticks[0] >= (0.01 if fmt == "percent" else 1) else 1
    for tick in scale.ticks:
        canvas.line(left, scale(tick), width - right, scale(tick), stroke="line-1", css="grid")
        canvas.text(left - 6, scale(tick) + 4, show(tick, fmt, tick_digits), anchor="end")
    if limits:
        levels = digits if level_digits is None else level_digits
        _draw_limits(canvas, limits, scale, left, width - right, fmt, levels)
    for row, (index, text) in enumerate(marks):
        _annotate(canvas, xs[index], 12 + 15 * (row % 3), height - bottom, text, middle=(left + width - right) / 2)

    for path in _unbroken(
        [None if value is None else (x, scale(value)) for x, (_label, value) in zip(xs, points, strict=True)]
    ):
        canvas.polyline(path, stroke="ch-1")
    every = -(-len(points) // _MOST_LABELS)
    for index, (x, (label, value)) in enumerate(zip(xs, points, strict=True)):
        if (len(points) - 1 - index) % every == 0:
            canvas.text(x, height - 8, fit(label, step * every / FONT_SIZE), anchor="middle")
        if value is None:
            continue
        hint = f"{label} {show_with_unit(value, unit, fmt, digits)}"
        if sides[index]:
            first, alone = runs[index]
            words = show(value, fmt, digits)
            roomy = width_in_ems(words) * FONT_SIZE < step
            _draw_outside(canvas, x, scale(value), sides[index], words if first or roomy else "", hint, first, alone)
        else:
            canvas.circle(x, scale(value), 3.5, fill="ch-1", stroke="ch-1", hint=hint)
    return canvas.finish(title=title, finding=finding)


def _draw_limits(
    canvas: Canvas, limits: ControlLimits, scale: Scale, x1: float, x2: float, fmt: str, digits: int | None
) -> None:
    lines = [(_("Upper limit"), limits.upper), (_("Mean"), limits.mean), (_("Lower limit"), limits.lower)]
    shown = [(name, level, scale(level)) for name, level in lines if level is not None]
    label_y = float("-inf")
    for name, level, y in shown:
        mean = level is limits.mean
        canvas.line(
            x1,
            y,
            x2,
            y,
            stroke="ink-3" if mean else "bad-solid",
            dash="2 3" if mean else "5 4",
            css="mean" if mean else "limit",
        )
        # A steady figure has limits close together: the words keep their distance, the lines stay true.
        label_y = max(y + 4, label_y + FONT_SIZE + 2)
        canvas.text(x2 + 8, label_y, f"{name} {show(level, fmt, digits)}")


def _annotate(canvas: Canvas, x: float, y: float, foot: float, text: str, *, middle: float) -> None:
    canvas.line(x, y - 8, x, foot, stroke="accent", dash="1 3")
    left_half = x <= middle
    canvas.text(
        x + (5 if left_half else -5), y, fit(text, 24), anchor="start" if left_half else "end", colour="accent-ink"
    )


def _draw_outside(
    canvas: Canvas, x: float, y: float, side: int, value: str, hint: str, first: bool, alone: bool
) -> None:
    """A point outside the limits: hollow ring and words, never colour alone.

    Neighbours outside on the same side share the words, which the first of them carries above its neighbours' figures.
    """
    canvas.circle(x, y, 5, fill="bg-raised", stroke="bad-solid", width=2.5, hint=hint, css="outside")
    if first:
        value = (_("%(value)s above the limit") if side > 0 else _("%(value)s below the limit")) % {"value": value}
    half = width_in_ems(value) * FONT_SIZE / 2
    words_x = min(max(x, _LEFT + half), canvas.width - half)
    row = 22 if first and not alone else 0
    canvas.text(
        words_x, y - 12 - row if side > 0 else y + 20 + row, value, anchor="middle", colour="ink-1", strong=True
    )


def _unbroken(path: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """Cut a line at its gaps: a month without a figure must not look like one."""
    runs: list[list[tuple[float, float]]] = [[]]
    for point in path:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if len(run) > 1]


def _place_in_run(sides: Sequence[int], index: int) -> tuple[bool, bool]:
    """Whether a point is the first, and the only one, of its run of neighbours outside on the same side."""
    first = index == 0 or sides[index - 1] != sides[index]
    return first, first and (index + 1 == len(sides) or sides[index + 1] != sides[index])


def sparkline(values: Sequence[float | None], *, finding: str = "", palette: PaletteName = "page") -> SafeString:
    """A small line beside a figure, last point marked. Without a finding it is decoration for screen readers."""
    width, height, edge = 96.0, 24.0, 3.0
    canvas = Canvas(width, height, palette=palette, css="")
    present = [(i, value) for i, value in enumerate(values) if value is not None]
    if present:
        low, high = min(v for _i, v in present), max(v for _i, v in present)
        step = (width - 2 * edge) / max(len(values) - 1, 1)
        path = [
            (
                edge + i * step,
                height / 2 if high == low else height - edge - (v - low) / (high - low) * (height - 2 * edge),
            )
            for i, v in present
        ]
        if len(path) > 1:
            canvas.polyline(path, stroke="ch-2", width=1.5)
        canvas.circle(*path[-1], 2.5, fill="ch-1", stroke="ch-1", width=0)
    if finding:
        return canvas.finish(title=finding, finding="")
    return canvas.finish_decorative(width=width, height=height)


def heat_levels(values: Sequence[float | None]) -> list[int | None]:
    """Grade one column of a heat table from 0 (lowest) to 5 (highest); None where there is no figure.

    Columns are graded apart, since their units differ; a column without differences is all 0.
    """
    present = [value for value in values if value is not None]
    if not present:
        return [None] * len(values)
    low, span = min(present), max(present) - min(present)
    return [None if value is None else round((value - low) / span * 5) if span else 0 for value in values]
