"""Check the log of every case and every anchor (ARC-10, AT-02)."""

from __future__ import annotations

from typing import Any

from accounts.management.base import ActionCommand, Failed
from complaints import events


class Command(ActionCommand):
    help = "Checks every chain of events and every anchor; names the first bad row."

    def run(self, **options: Any) -> dict[str, Any]:
        checked, problem = events.verify()
        result = {
            "ok": problem is None,
            "checked": checked,
            "row": problem.row if problem else "",
            "what": problem.what if problem else "",
        }
        if problem:
            raise Failed(
                f"The ledger is broken at {problem.row}: {problem.what}. Keep it and compare it with a backup.",
                result,
            )
        return result

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(f"{result['checked']} rows checked, every chain and anchor is intact")
