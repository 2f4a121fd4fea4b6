"""Train the category model, and on the organisation's own cases the department model (CLS-14)."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from accounts.management.base import ActionCommand
from complaints import training
from complaints.classifier_training import STEPS


def share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 0.5:
        raise ArgumentTypeError(f"{text!r} is not a share; give a number from 0 to 0.5, like 0.1")
    return value


class Command(ActionCommand):
    help = (
        "Trains the category model on a CSV or XLSX file, or without --from on the organisation's closed cases, "
        "and uses it from then on; the closed cases teach a department model too."
    )

    def arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", type=Path, dest="source", metavar="FILE", help="CSV (UTF-8, GB18030) or XLSX")
        parser.add_argument("--text", nargs="+", metavar="COL", help="columns of the file with the text")
        parser.add_argument("--label", metavar="COL", help="column of the file with the category")
        parser.add_argument("--holdout", type=share, default=0.1, help="share kept aside to measure with (0.1)")
        parser.add_argument("--seed", type=int, default=0, help="another number draws another holdout")

    def run(
        self, *, source: Path | None, text: list[str] | None, label: str | None, holdout: float, **options: Any
    ) -> dict[str, Any]:
        if source is not None and not (text and label):
            raise CommandError("With --from, name the columns: --text COL [COL …] --label COL", returncode=2)
        if source is None and (text or label):
            raise CommandError("--text and --label name columns of a file: give it with --from FILE", returncode=2)
        if source is not None:
            examples = training.read_examples(source, text=text or [], label=label or "")
            departments, steps = None, STEPS
        else:
            examples = training.own_examples()
            departments, steps = training.own_departments(), training.OWN_STEPS
        with tqdm(total=steps, unit=" fits", disable=not sys.stderr.isatty(), leave=False) as bar:
            row, figures, department = training.learn(
                examples,
                departments=departments,
                source=source.name if source else training.OWN_CASES,
                by=None,
                holdout=holdout,
                seed=options["seed"],
                progress=bar.update,
            )
        return {
            **asdict(figures),
            "rows": len(examples[0]),
            "version": row.version,
            "department": training.summary(department),
        }
