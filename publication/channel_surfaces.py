"""What other channels make public, for the last look before posting (PUB-19)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils import translation

from publication import briefing, leak_scan, posters, typeset, wechat
from publication.models import PublishedResult


def other_channels(found: PublishedResult, at: datetime) -> Iterator[tuple[str, bytes]]:
    """Every word on the posters, the briefing sheet and the article; their own addresses are left out."""
    address = typeset.public_address(found)
    with translation.override("zh-hans"):
        sheets = {
            # The other sizes hold the same words, or fewer.
            "posters": (posters.sheet(found, "a4", at=at), posters.PAPERS["a4"]),
            "briefing": (briefing.sheet(found, at=at), briefing.PAPER),
        }
        texts = {
            place: json.dumps(_words(sheet, found, paper), ensure_ascii=False)
            for place, (sheet, paper) in sheets.items()
        }
    article = wechat.article(found, at=at)
    texts["WeChat article"] = "\n".join((article.title, article.summary, article.html))
    texts["film script"] = briefing.script(found, at=at)
    for place, text in texts.items():
        yield place, (text.replace(address, "") if address else text).encode()


def _words(sheet: typeset.Sheet, found: PublishedResult, paper: typeset.Paper) -> dict[str, Any]:
    """What stands on the longest variant of a sheet."""
    content = typeset.content(sheet, found, paper)
    return content | {"variants": content["variants"][:1]}


leak_scan.SURFACES.append(other_channels)
