"""The lists of words of `data/wording.toml`, read once."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

_LISTS: dict[str, dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "data" / "wording.toml").read_text(encoding="utf-8")
)

VAGUE: dict[str, str] = _LISTS["vague"]
# Office word and what to write instead.
JARGON: dict[str, str] = dict(_LISTS["readability"]["jargon"])
PASSIVE: tuple[str, ...] = tuple(_LISTS["readability"]["passive"])
# Occupation and the wider word for it; the longest first, so that it is found before a part of it.
OCCUPATIONS: dict[str, str] = dict(sorted(_LISTS["identity"]["occupations"], key=lambda pair: -len(pair[0])))
