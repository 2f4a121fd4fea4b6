"""Figures side by side: Pareto, shares, the stacked satisfaction bar, and before and after a measure."""

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from .canvas import FONT_SIZE, Canvas, PaletteName, Points, Scale, fit, width_in_ems, wrap
from .numbers import show, show_with_unit

VITAL_SHARE = 0.8


def pareto(
    points: Points,
    *,
    title: str,
    finding: str,
    unit: str = "",
    other: str | None = None,
    highlight: int | None = None,
    palette: PaletteName = "page",
) -> SafeString:
    """Counts from most to fewest with their cumulative share (AN-09).

    `other` names the collecting group that stays last. The leading bars are dark: as many as `highlight` says, or until
    they reach 80 %.
    """
    counts = sorted(_present(points), key=lambda point: (point[0] == other, -point[1]))
    width, height, left, right, top, bottom = 520.0, 246.0, 40.0, 44.0, 20.0, 40.0
    canvas = Canvas(width, height, palette=palette)
    total = sum(value for _label, value in counts)
    if not total:
        return _empty(width, palette, title, finding)

    scale = Scale(0, max(value for _label, value in counts), height - bottom, top, whole=True)
    for tick in scale.ticks:
        canvas.line(left, scale(tick), width - right, scale(tick), stroke="line-1", css="grid")
        canvas.text(left - 6, scale(tick) + 4, show(tick), anchor="end")
    share_y = Scale(0, 1, height - bottom, top)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        canvas.text(width - right + 6, share_y(share) + 4, show(share, "percent", 0))

    slot = (width - left - right) / len(counts)
    bar = min(slot * 0.68, 64.0)
    line: list[tuple[float, float]] = []
    cumulative = 0.0
    for index, (label, value) in enumerate(counts):
        leading = index < highlight if highlight is not None else cumulative < VITAL_SHARE * total and label != other
        cumulative += value
        x = left + slot * (index + 0.5)
        hint = f"{label} {show_with_unit(value, unit)}"
        canvas.rect(
            x - bar / 2,
            scale(value),
            bar,
            scale(0) - scale(value),
            fill="ch-1" if leading else "ch-3",
            hint=hint,
        )
        for row, words in enumerate(wrap(label, slot * 0.95 / FONT_SIZE)):
            canvas.text(x, height - bottom + 16 + 13 * row, words, anchor="middle")
        line.append((x, share_y(cumulative / total)))
    canvas.polyline(line, stroke="ch-4", width=1.75)
    for x, y in line:
        canvas.circle(x, y, 2.5, fill="ch-4", stroke="ch-4", width=0)
    # Counts are written last, so that the line never runs over them.
    for index, (_label, value) in enumerate(counts):
        words = show(value)
        if width_in_ems(words) * FONT_SIZE <= slot:
            canvas.text(
                left + slot * (index + 0.5), scale(value) - 5, words, anchor="middle", colour="ink-1", strong=True
            )
    return canvas.finish(title=title, finding=finding)


def share_bars(
    points: Points, *, title: str, finding: str, unit: str = "", palette: PaletteName = "page"
) -> SafeString:
    """One bar per group with its count and its share of the whole, in the order given (AN-08)."""
    counts = _present(points)
    width, row = 420.0, 38.0
    canvas = Canvas(width, max(row * len(counts), 2 * row), palette=palette, css="chart-fit")
    total = sum(value for _label, value in counts)
    if not total:
        return _empty(width, palette, title, finding)
    for index, (label, value) in enumerate(counts):
        y = row * index
        canvas.text(0, y + 14, fit(label, 19), colour="ink-1", size=13)
        canvas.text(width - 64, y + 14, show_with_unit(value, unit), anchor="end", size=13)
        canvas.text(width, y + 14, show(value / total, "percent"), anchor="end", colour="ink-1", size=13, strong=True)
        canvas.rect(0, y + 21, width, 7, fill="bg-inset")
        canvas.rect(0, y + 21, width * value / total, 7, fill="ch-1")
    return canvas.finish(title=title, finding=finding)


_SATISFACTION = ("ch-1", "ch-3", "bad-solid", "ch-5")


def satisfaction_bar(
    points: Points, *, title: str, finding: str, unit: str = "", legend: bool = True, palette: PaletteName = "page"
) -> SafeString:
    """One stacked bar: satisfied, basically satisfied, dissatisfied and, where given, no answer (AN-12)."""
    counts = _present(points)
    if len(counts) > len(_SATISFACTION):
        raise ValueError(f"a satisfaction bar has at most {len(_SATISFACTION)} parts, not {len(counts)}")
    width = 420.0
    canvas = Canvas(width, 18 + (22 * len(counts) + 2 if legend else 0), palette=palette, css="chart-fit")
    total = sum(value for _label, value in counts)
    if not total:
        return _empty(width, palette, title, finding)
    x = 0.0
    for index, (label, value) in enumerate(counts):
        part = width * value / total
        canvas.rect(x, 2, part - 1, 14, fill=_SATISFACTION[index], hint=f"{label} {show(value / total, 'percent')}")
        x += part
        if legend:
            y = 38 + 22 * index
            canvas.rect(0, y - 9, 12, 9, fill=_SATISFACTION[index], radius=1)
            canvas.text(18, y, fit(label, 19), colour="ink-1", size=13)
            canvas.text(width - 64, y, show_with_unit(value, unit), anchor="end", size=13)
            canvas.text(width, y, show(value / total, "percent"), anchor="end", colour="ink-1", size=13, strong=True)
    return canvas.finish(title=title, finding=finding)


def before_after(
    points: Points,
    *,
    title: str,
    finding: str,
    cut: int,
    cut_label: str = "",
    unit: str = "",
    fmt: str = "int",
    palette: PaletteName = "page",
) -> SafeString:
    """Counts before (grey) and after (accent) a measure; `cut` is the index of the first point after it (AN-14).

    Drawn narrow with large labels, since the public sees it on phones.
    """
    points = [(str(label), value) for label, value in points]
    width, height, edge, base = 400.0, 246.0, 4.0, 214.0
    canvas = Canvas(width, height, palette=palette, css="chart-fit")
    values = [value for _label, value in points if value is not None]
    if not values:
        return _empty(width, palette, title, finding)
    if not 0 <= cut <= len(points):
        raise ValueError(f"cut {cut} lies outside the {len(points)} points")
    slot = (width - 2 * edge) / len(points)
    top = max(values) or 1
    canvas.line(edge, base, width - edge, base, stroke="line-3", css="axis")
    cut_x = edge + cut * slot
    canvas.line(cut_x, 4, cut_x, base + 26, stroke="accent", width=1.5, dash="4 3")
    room = max(cut_x, width - cut_x) - 10
    rightward = cut_x <= width / 2
    for row, words in enumerate(wrap(cut_label, room / 15) if cut_label else []):
        canvas.text(
            cut_x + (6 if rightward else -6),
            16 + 19 * row,
            words,
            anchor="start" if rightward else "end",
            size=15,
            colour="accent-ink",
            strong=True,
        )
    every = max(1, -(-len(points) // 8))
    for index, (label, value) in enumerate(points):
        x = edge + slot * (index + 0.5)
        if index % every == 0:
            words = fit(label, slot * every / 15)
            half = width_in_ems(words) * 15 / 2
            inside = min(max(x, half), width - half)
            canvas.text(inside, base + 20, words, anchor="middle", size=15, colour="ink-2")
        if value is None:
            continue
        tall = value / top * 145
        hint = f"{label} {show_with_unit(value, unit, fmt)}"
        canvas.rect(
            x - slot * 0.3, base - tall, slot * 0.6, tall, fill="ch-5" if index < cut else "ch-1", radius=2, hint=hint
        )
        words = show(value, fmt)
        size = min(17.0, slot / max(width_in_ems(words), 1) * 0.95)
        if size >= 8:
            canvas.text(x, base - tall - 7, words, anchor="middle", size=round(size, 1), colour="ink-1", strong=True)
    return canvas.finish(title=title, finding=finding)


def _present(points: Points) -> list[tuple[str, float]]:
    """Groups without a figure cannot be part of a whole. Raises ValueError for a negative count."""
    present = [(str(label), value) for label, value in points if value is not None]
    if any(value < 0 for _label, value in present):
        raise ValueError("a share of a whole cannot be negative")
    return present


def _empty(width: float, palette: PaletteName, title: str, finding: str) -> SafeString:
    canvas = Canvas(width, 80, palette=palette, css="chart-fit")
    canvas.text(width / 2, 44, _("No figures in this period"), anchor="middle", size=13)
    return canvas.finish(title=title, finding=finding)
