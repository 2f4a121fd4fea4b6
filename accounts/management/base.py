"""The manners of Huiyin's management commands.

Exit code 0 on success, 1 on a refused or failed action with one line on stderr that says what and
how to mend it, 2 on wrong arguments. With `--json` stdout holds one JSON document and nothing else.
"""

from __future__ import annotations

import json
from argparse import ArgumentTypeError
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, ProgrammingError

from accounts.errors import DomainError, NotAllowed

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Failed(CommandError):
    """The action was refused or found a fault; `result` is still printed with --json."""

    def __init__(self, message: str, result: dict[str, Any] | None = None, *, returncode: int = 1) -> None:
        super().__init__(" ".join(str(message).split()), returncode=returncode)
        self.result = result


class ActionCommand(BaseCommand):
    """A command that does one thing and returns what came of it.

    Subclasses write `arguments(parser)`, `run(**options) -> dict` and, for people, `show(result)`.
    """

    # The checks load every page; `manage.py check` and bin/serve run them.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the result as one JSON document")
        self.arguments(parser)

    def arguments(self, parser: CommandParser) -> None:
        """The command's own arguments."""

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = self.run(**options)
        except Failed as error:
            if error.result is not None and options["json"]:
                self.print_json(error.result)
            raise
        except (DomainError, NotAllowed) as error:
            raise Failed(str(error.message)) from error
        except (OperationalError, ProgrammingError) as error:
            raise Failed(f"The database refused: {error}. Check DATABASE_URL and run manage.py migrate.") from error
        if options["json"]:
            self.print_json(result)
        else:
            self.show(result)

    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        raise NotImplementedError

    def show(self, result: dict[str, Any]) -> None:
        """Print the result for a person; one line per value unless the command knows better."""
        for key, value in result.items():
            self.stdout.write(f"{key}: {value}")

    def print_json(self, result: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(result, ensure_ascii=False, default=str))


def moment(text: str) -> datetime:
    """An argument such as 2026-11-16T09:00 or 2026-11-16T09:00+08:00; without a zone it is Beijing time."""
    try:
        value = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a moment; write it like 2026-11-16T09:00+08:00") from None
    return value if value.tzinfo else value.replace(tzinfo=SHANGHAI)
