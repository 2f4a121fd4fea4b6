"""Give every case the print by which nearly the same texts are found (SCR-09)."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser
from tqdm import tqdm

from accounts.management.base import ActionCommand, Failed
from complaints import prints
from complaints.models import Complaint, TextPrint


class Command(ActionCommand):
    help = "Makes the prints that find nearly the same texts, for cases that have none. May run at any time."

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="make every print anew")
        parser.add_argument("--chunk", type=int, default=1000, metavar="N", help="cases per transaction (1000)")

    def run(self, *, all: bool, chunk: int, **options: Any) -> dict[str, Any]:
        if chunk < 1:
            raise Failed("Give at least one case per transaction.", returncode=2)
        cases = Complaint.objects.order_by("pk") if all else Complaint.objects.filter(print=None).order_by("pk")
        last, written = 0, 0
        with tqdm(total=cases.count(), unit=" cases", disable=not sys.stderr.isatty(), leave=False) as bar:
            while rows := list(cases.filter(pk__gt=last).values_list("pk", "narrative")[:chunk]):
                _store(rows)
                last = rows[-1][0]
                written += len(rows)
                bar.update(len(rows))
        return {"cases": written}

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(f"{result['cases']} prints made")


def _store(rows: list[tuple[int, str]]) -> None:
    """Write the prints of these cases; one that exists is replaced."""
    TextPrint.objects.bulk_create(
        [TextPrint(complaint_id=pk, tokens=prints.tokens(narrative)) for pk, narrative in rows],
        update_conflicts=True,
        unique_fields=["complaint"],
        update_fields=["tokens"],
    )
