"""Sheets of one page set by Typst, with fonts that travel with the program (PUB-24, PUB-29).

Typst starts threads: a process that has made a sheet must not fork afterwards.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import segno
from django.conf import settings
from django.utils.translation import gettext as _

from publication import results
from publication.models import PublishedResult

TEMPLATE = Path(__file__).with_name("typst") / "sheet.typ"
FONTS = Path(__file__).resolve().parents[1] / "static" / "fonts"
FONT = "Noto Sans SC"
# Points of a picture per inch: enough to read the preview of a sheet on a screen.
PICTURE = 72
# Titles with more characters than this are set smaller.
LONG_TITLE = 36
TYPES = {"pdf": "application/pdf", "png": "image/png"}


@dataclass(frozen=True)
class Paper:
    """A size of paper with the type set on it: millimetres for margins, points for type, em for the rest."""

    paper: str
    points: float
    leading: float
    title_size: float
    padding: float
    label: float
    code: float
    margin: tuple[float, float, float]  # left and right, top, bottom


@dataclass(frozen=True)
class Row:
    """A line of the sheet: a label with its text, a table, or (with `heading`) the title of what follows."""

    label: str = ""
    texts: Sequence[str] = ()
    listed: Sequence[bool] = ()  # which of the texts are items of a list
    head: Sequence[str] = ()
    cells: Sequence[Sequence[str]] = ()
    heading: str = ""

    def as_data(self) -> dict[str, Any]:
        table = {"head": list(self.head), "rows": [list(row) for row in self.cells]} if self.cells else None
        listed = self.listed or [False] * len(self.texts)
        lines = [{"text": text, "item": item} for text, item in zip(self.texts, listed, strict=True)]
        return {"label": self.label, "heading": self.heading, "lines": lines, "table": table}


@dataclass(frozen=True)
class Variant:
    """The rows at one length, with what the reader is told when something was left out."""

    rows: Sequence[Row]
    note: str = ""


@dataclass(frozen=True)
class Sheet:
    """Everything a sheet holds, as text; of the variants the first that fits on one page is set."""

    kind: str
    title: str
    subtitle: str
    variants: Sequence[Variant]
    channel: str  # the code of the channel that the QR code tells, so that its readers can be counted


def public_address(found: PublishedResult) -> str:
    """The fixed public address of a posted result; "" for what is not posted."""
    return results.absolute(results.path_of(found.public_id)) if found.pk else ""


def paragraphs(text: str) -> list[tuple[str, bool]]:
    """The lines of a text, each with whether it is an item of a list; a chart is told in words."""
    found = []
    for block in results.blocks(text):
        if block.chart is not None:
            found.append((f"{block.chart.caption}：{block.chart.words}", False))
        else:
            found += [(line, block.is_list) for line in block.lines]
    return found


def variants(limits: Iterable[Any], rows: Callable[[Any], Sequence[Row]], *, address: str) -> list[Variant]:
    """The rows from full to short; each shorter one says where the full text stands."""
    full, *shorter = [rows(limit) for limit in limits]
    note = _("Shortened. Full text: %(address)s") % {"address": address} if address else _("Shortened to fit the page.")
    return [Variant(full), *(Variant(each, note if each != full else "") for each in shorter)]


def content(sheet: Sheet, found: PublishedResult, paper: Paper) -> dict[str, Any]:
    """Everything that stands on the sheet of a result and in its file; see `content_at`."""
    return content_at(sheet, paper, address=public_address(found), document=f"{sheet.kind} {found.publication_number}")


def content_at(sheet: Sheet, paper: Paper, *, address: str, document: str) -> dict[str, Any]:
    """Everything on the sheet and in its file (named `document`), as data. Without an address it is a preview."""
    organisation = settings.ORGANISATION
    values = asdict(paper)
    left, top, bottom = values.pop("margin")
    if len(sheet.title) > LONG_TITLE:
        values["title_size"] *= 0.75
    return {
        **{name.replace("_", "-"): value for name, value in values.items()},
        "margin": {"x": left, "top": top, "bottom": bottom},
        "font": FONT,
        "document": document,
        "organisation": organisation["name"],
        "preview": "" if address else _("Preview, not published"),
        "kind": sheet.kind,
        "title": sheet.title,
        "subtitle": sheet.subtitle,
        "variants": [
            {"rows": [row.as_data() for row in variant.rows], "note": variant.note} for variant in sheet.variants
        ],
        "foot": {
            "ask": _("Anything to say?"),
            "call": _("Ring"),
            "phone": organisation["phone"],
            "lines": [organisation["hours"], organisation["address"]],
            "address": address,
        },
        "target": f"{address}?c={sheet.channel}" if address and sheet.channel else address,
        "qr-label": _("Scan for the progress") if address else _("The code stands here once it is published"),
    }


def render(sheet: Sheet, found: PublishedResult, paper: Paper, *, format: str = "pdf", at: datetime) -> bytes:
    """The sheet of a result as PDF or as a picture of it. The file names the notice and the organisation, nobody else.

    The same result gives the same bytes.
    """
    return put(content(sheet, found, paper), made_at=found.updated_at or at, format=format)


def put(content: dict[str, Any], *, made_at: datetime, format: str = "pdf") -> bytes:
    """What `content_at` made as PDF or as a picture; the same content gives the same bytes."""
    import typst  # only sheets need it; loading it takes time at every start

    drawn = code(content["target"]) if content["target"] else ""
    compiler = typst.Compiler(
        TEMPLATE.read_bytes(),
        # The template may read nothing but its own folder; the content comes in as text.
        root=str(TEMPLATE.parent),
        font_paths=typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)]),
        sys_inputs={"data": json.dumps(content | {"qr": drawn}, ensure_ascii=False)},
    )
    if format == "png":
        return cast(bytes, compiler.compile(format="png", ppi=PICTURE))
    return cast(bytes, compiler.compile(format="pdf", timestamp=made_at.replace(microsecond=0)))


def code(address: str) -> str:
    """A QR code of an address as SVG, made here without asking anybody."""
    drawn = io.BytesIO()
    segno.make(address, error="m", micro=False).save(drawn, kind="svg", border=4, light="#fff", xmldecl=False)
    return drawn.getvalue().decode()
