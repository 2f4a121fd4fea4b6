"""Every URL with its declared access policy (AZ-14)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from accounts.management.base import ActionCommand, Failed
from config import policies


class Command(ActionCommand):
    help = "Lists every URL with its access policy; fails when one has none."

    def run(self, **options: Any) -> dict[str, Any]:
        urls = list(policies.walk())
        missing = [url.pattern for url in urls if not url.policy]
        result = {"urls": [asdict(url) for url in urls], "undeclared": missing}
        if missing:
            raise Failed(f"No access policy for {', '.join(missing)}; declare it in config/policies.py.", result)
        return result

    def show(self, result: dict[str, Any]) -> None:
        for url in result["urls"]:
            self.stdout.write(f"/{url['pattern']:<70} {url['policy']}")
