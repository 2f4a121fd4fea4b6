"""The draw of a month as a document that anybody can repeat (REV-23, RI-09)."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser

from accounts.management.base import ActionCommand, Failed
from review import draws
from review.models import SampleDraw


class Command(ActionCommand):
    help = "Prints the draw of a period: frame, hash, commitment, nonce, seed, weights and picks."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("period", metavar="PERIOD", help="month of the draw, e.g. 2026-10")

    def run(self, *, period: str, **options: Any) -> dict[str, Any]:
        row = SampleDraw.objects.filter(period=period).first()
        if row is None or row.drawn_at is None:
            raise Failed(f"There is no draw of {period}; drawn periods are: {', '.join(_drawn()) or 'none yet'}.")
        return draws.document(row)

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(result, ensure_ascii=False, indent=1))


def _drawn() -> list[str]:
    return list(SampleDraw.objects.filter(drawn_at__isnull=False).order_by("period").values_list("period", flat=True))
