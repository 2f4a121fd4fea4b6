"""Drawings of a root-cause workshop: the fishbone and the chain of whys (IMP-03)."""

from collections.abc import Sequence

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from .canvas import FONT_SIZE, Canvas, PaletteName, fit, wrap

_LINE = 17.0
_HEAD = 150.0


def fishbone(
    bones: Sequence[tuple[str, Sequence[str]]],
    *,
    head: str,
    title: str,
    finding: str,
    palette: PaletteName = "page",
) -> SafeString:
    """The effect at the right, up to three bones above and three below the spine, each with its causes.

    Long causes are shortened in the drawing; the full words stand in their hints and in the table beside it.
    """
    shown = [(name, list(causes)) for name, causes in bones if causes]
    upper, lower = shown[: (len(shown) + 1) // 2], shown[(len(shown) + 1) // 2 :]
    columns = max(len(upper), 1)
    width, slot = 760.0, (760.0 - _HEAD - 20) / columns
    rise = _height(upper)
    fall = _height(lower)
    spine = rise + 8
    canvas = Canvas(width, spine + fall + 12, palette=palette)
    canvas.line(8, spine, width - _HEAD, spine, stroke="line-3", width=2.5)
    for side, part, reach in ((-1, upper, rise), (1, lower, fall)):
        for place, (name, causes) in enumerate(part):
            _bone(canvas, slot * (place + 1), spine, side * reach, name, causes, slot)
    canvas.rect(width - _HEAD, spine - 27, _HEAD - 4, 54, fill="bg-inset", radius=4, hint=head)
    canvas.rect(width - _HEAD, spine - 27, 4, 54, fill="ch-1", radius=1)
    # The style sheet of a page sets ink and size of all text in a chart, so the head stays light.
    for row, words in enumerate(lines := wrap(head, (_HEAD - 24) / FONT_SIZE)):
        y = spine + 4 + 15 * (row - (len(lines) - 1) / 2)
        canvas.text(width - _HEAD / 2, y, words, anchor="middle", colour="ink-1", strong=True)
    return canvas.finish(title=title, finding=finding)


def _height(part: Sequence[tuple[str, Sequence[str]]]) -> float:
    """Room for the causes of the fullest bone, one below the other, and its name."""
    return max((len(causes) for _name, causes in part), default=0) * _LINE + 44 if part else 20.0


def _bone(
    canvas: Canvas, foot: float, spine: float, reach: float, name: str, causes: Sequence[str], slot: float
) -> None:
    """A slanted line from the spine outwards; its name at the tip, its causes left of it from the tip inwards."""
    lean = 46.0
    side = 1 if reach > 0 else -1
    tip = spine + reach - side * 22
    canvas.line(foot, spine, foot - lean, tip, stroke="accent", width=2)
    ems = (slot - lean - 6) / FONT_SIZE
    canvas.text(foot - lean, tip + (-7 if side < 0 else 16), fit(name, slot / 13), anchor="middle", size=13,
                colour="accent-ink", strong=True)  # fmt: skip
    for place, cause in enumerate(causes):
        y = tip - side * (14 + _LINE * place)
        on_bone = foot - lean * (y - spine) / (tip - spine)
        canvas.line(on_bone - 8, y, on_bone, y, stroke="line-3")
        canvas.text(on_bone - 11, y + 4, fit(cause, ems - 1), anchor="end", colour="ink-1")


def why_chain(
    answers: Sequence[str], *, root: str, title: str, finding: str, palette: PaletteName = "page"
) -> SafeString:
    """The answers one below the other, each the reason of the one above, and the root cause at the end."""
    width, box, gap = 420.0, 50.0, 20.0
    steps = [*(_text_of(place, answer) for place, answer in enumerate(answers, 1)), (_("Root cause"), root)]
    canvas = Canvas(width, len(steps) * (box + gap) - gap + 4, palette=palette, css="chart-fit")
    for place, (label, words) in enumerate(steps):
        y = 2 + place * (box + gap)
        last = place == len(steps) - 1
        canvas.rect(0, y, width, box, fill="ch-1" if last else "bg-inset", radius=4, hint=words)
        colour = "bg-raised" if last else "ink-1"
        canvas.text(10, y + 29, label, size=12, colour="bg-raised" if last else "ink-3")
        for row, text in enumerate(lines := wrap(words, (width - 108) / 13)):
            canvas.text(98, y + 29.5 + 17 * (row - (len(lines) - 1) / 2), text, size=13, colour=colour)
        if not last:
            canvas.line(width / 2, y + box + 2, width / 2, y + box + gap - 3, stroke="line-3", width=2)
            canvas.polyline(
                [
                    (width / 2 - 5, y + box + gap - 8),
                    (width / 2, y + box + gap - 3),
                    (width / 2 + 5, y + box + gap - 8),
                ],
                stroke="line-3",
            )
    return canvas.finish(title=title, finding=finding)


def _text_of(place: int, answer: str) -> tuple[str, str]:
    return _("Why %(n)s") % {"n": place}, answer
