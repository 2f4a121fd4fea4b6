"""Train the models on a file or on the organisation's own closed cases, and put them in use (CLS-14).

Closed cases teach two models: the category people gave a case, and the department that had it in the end. A file
teaches the category only.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import after_commit
from accounts.errors import DomainError, IllegalTransition, InvalidInput, NotAllowed
from accounts.models import User
from complaints import classifier, suggestions, tasks
from complaints.classifier_training import STEPS, Figures, Progress, train
from complaints.import_files import Cell, TableFile
from complaints.jobs import LEASE
from complaints.models import Complaint, DepartmentModel, JobRun, TrainedModel

logger = logging.getLogger("huiyin.jobs")

JOB = "train_classifier"
OWN_CASES = "closed cases"
MAX_ROWS = 100_000
# The newest closed cases: older ones were classified under older habits.
MAX_CASES = 30_000
# Models whose weights are kept: the one in use and the one before.
KEPT_MODELS = 2
# Closed cases are learned from twice: categories, then departments.
OWN_STEPS = 2 * STEPS
EDIT = ("complaints.edit_reference", "accounts.configure_system")

Examples = tuple[list[str], list[str]]


def read_examples(path: Path, *, text: Sequence[str], label: str) -> Examples:
    """The texts (the columns `text`, one under the other) and labels of a CSV or XLSX file.

    Raises InvalidInput naming the column or row that is wrong.
    """
    rows = TableFile(path).rows()
    _number, header = next(rows, (0, []))
    names = [_words(cell) for cell in header]
    places = [_column(names, name, "text") for name in text]
    place = _column(names, label, "label")
    texts: list[str] = []
    labels: list[str] = []
    for number, cells in rows:
        words = [_words(cells[at]) if at < len(cells) else "" for at in places]
        chosen = _words(cells[place]) if place < len(cells) else ""
        if not chosen:
            raise InvalidInput(
                "label",
                _("Row %(row)s has no label in “%(column)s”. Fill it in or leave the row out."),
                row=number,
                column=label,
            )
        if not any(words):
            raise InvalidInput(
                "text",
                _("Row %(row)s has no text in %(columns)s. Fill it in or leave the row out."),
                row=number,
                columns="、".join(f"“{name}”" for name in text),
            )
        texts.append("\n".join(filter(None, words)))
        labels.append(chosen)
        if len(texts) > MAX_ROWS:
            raise InvalidInput("file", _("At most %(count)s rows can be learned from; leave some out."), count=MAX_ROWS)
    if not texts:
        raise InvalidInput("file", _("The file has no rows below its column names."))
    return texts, labels


def _words(cell: Cell) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else str(cell).strip()


def _column(names: list[str], wanted: str, field: str) -> int:
    if wanted.strip() not in names:
        raise InvalidInput(
            field,
            _("There is no column “%(name)s”; the file has: %(names)s."),
            name=wanted,
            names="、".join(filter(None, names)),
        )
    return names.index(wanted.strip())


def own_examples() -> Examples:
    """The organisation's closed cases with the category people gave them, the newest first.

    Raises InvalidInput where there is none.
    """
    closed = Complaint.objects.filter(first_closed_at__isnull=False, category__isnull=False, category__is_active=True)
    rows = closed.order_by("-first_closed_at", "-pk").values_list("subject", "narrative", "category__code")
    texts: list[str] = []
    labels: list[str] = []
    for subject, narrative, code in rows[:MAX_CASES].iterator(chunk_size=2000):
        texts.append(suggestions.text_of(subject, narrative))
        labels.append(code)
    if not texts:
        raise InvalidInput(
            "file", _("No closed case has a category yet. Train from a file, or close some cases first.")
        )
    return texts, labels


def own_departments() -> Examples:
    """The same cases with the department that had them in the end, the newest first."""
    closed = Complaint.objects.filter(first_closed_at__isnull=False, lead_department__is_active=True)
    rows = closed.order_by("-first_closed_at", "-pk")
    texts: list[str] = []
    labels: list[str] = []
    fields = ("subject", "narrative", "place", "lead_department__code")
    for *said, code in rows.values_list(*fields)[:MAX_CASES].iterator(chunk_size=2000):
        texts.append(suggestions.routing_text_of(said))
        labels.append(code)
    return texts, labels


def learn(
    examples: Examples,
    *,
    departments: Examples | None = None,
    source: str,
    by: User | None,
    holdout: float = 0.1,
    seed: int = 0,
    at: datetime | None = None,
    progress: Progress = lambda steps: None,
) -> tuple[TrainedModel, Figures, Figures | None]:
    """Train on categories, and on departments where given; put what was learned in use.

    Raises InvalidInput where the categories cannot be learned. An organisation with one department, or too few
    cases, has nothing to learn about departments; that is no failure of the training.
    """
    found = train(*examples, holdout=holdout, seed=seed, progress=progress)
    second = None
    if departments is not None:
        try:
            second = train(*departments, holdout=holdout, seed=seed, progress=progress)
        except InvalidInput as error:
            logger.info("no department model: %s", error)
    row = store(*found, department=second, source=source, by=by, at=at or timezone.now())
    return row, found[1], second[1] if second else None


@transaction.atomic
def store(
    model: classifier.Model,
    figures: Figures,
    *,
    department: tuple[classifier.Model, Figures] | None = None,
    source: str,
    by: User | None,
    at: datetime,
) -> TrainedModel:
    """Keep the model as the next version, with the department model learned beside it, and use them from now on."""
    earlier = list(TrainedModel.objects.select_for_update().defer("weights").order_by("-version"))
    TrainedModel.objects.filter(is_active=True).update(is_active=False)
    outdated = [row.pk for row in earlier[KEPT_MODELS - 1 :]]
    TrainedModel.objects.filter(pk__in=outdated).exclude(weights=b"").update(weights=b"")
    row = TrainedModel.objects.create(
        version=earlier[0].version + 1 if earlier else 1,
        source=source[:120],
        **_learned(model, figures),
        seconds=figures.seconds,
        at=at,
        by=by,
    )
    if department is not None:
        _store_department(row, *department)
    return row


def _store_department(trained: TrainedModel, model: classifier.Model, figures: Figures) -> None:
    kept = DepartmentModel.objects.exclude(weights=b"").values_list("pk", flat=True)[: KEPT_MODELS - 1]
    DepartmentModel.objects.exclude(weights=b"").exclude(pk__in=list(kept)).update(weights=b"")
    DepartmentModel.objects.create(trained=trained, **_learned(model, figures))


def _learned(model: classifier.Model, figures: Figures) -> dict[str, Any]:
    """What is stored of either model: its weights with their fingerprint, and how good it was."""
    blob = classifier.dump(model)
    return {"weights": blob, "sha256": classifier.fingerprint(blob), **_measured(figures)}


def _measured(figures: Figures) -> dict[str, Any]:
    return {name: getattr(figures, name) for name in ("rows", "classes", "macro_f1", "micro_f1")}


def summary(figures: Figures | None) -> dict[str, Any] | None:
    """The figures of the department model beside those of the category's; None where none was learned."""
    return None if figures is None else _measured(figures)


# --- As a job -------------------------------------------------------------------------------


@transaction.atomic
def start(*, by: User, at: datetime | None = None) -> JobRun:
    """Have a worker train on the closed cases. Raises NotAllowed, IllegalTransition while one is running."""
    at = at or timezone.now()
    if not any(by.has_perm(name) for name in EDIT):
        raise NotAllowed(_("Your role does not train the model."))
    last = JobRun.objects.select_for_update().filter(job=JOB).order_by("-pk").first()
    if last is not None and is_running(last, now=at):
        raise IllegalTransition(_("A training is running already; wait for its result."))
    run = JobRun.objects.create(job=JOB, period=at.isoformat(), started_at=at, result={"step": 0, "of": OWN_STEPS})
    after_commit.enqueue(tasks.train_classifier, run_id=run.pk, user_id=by.pk)
    return run


def is_running(run: JobRun, *, now: datetime) -> bool:
    """A run that has not ended within the lease was lost with its worker."""
    return run.state == JobRun.State.RUNNING and run.started_at > now - LEASE


def last_run() -> JobRun | None:
    return JobRun.objects.filter(job=JOB).order_by("-pk").first()


def work(run_id: int, user_id: int) -> None:
    """Do what `start` asked for. What cannot be learned ends the run with the reason; a second call does nothing."""
    run = JobRun.objects.get(pk=run_id)
    if run.state != JobRun.State.RUNNING:
        return
    done = 0

    def progress(steps: int) -> None:
        nonlocal done
        done += steps
        JobRun.objects.filter(pk=run_id, state=JobRun.State.RUNNING).update(result={"step": done, "of": OWN_STEPS})

    try:
        by = User.objects.get(pk=user_id)
        row, figures, department = learn(
            own_examples(), departments=own_departments(), source=OWN_CASES, by=by, progress=progress
        )
    except DomainError as error:
        _end(run, JobRun.State.FAILED, error=str(error)[:300])
    except Exception as error:
        _end(run, JobRun.State.FAILED, error=type(error).__name__)
        logger.exception("training failed", extra={"run": run_id})
        raise
    else:
        result = {"version": row.version, **asdict(figures), "department": summary(department)}
        _end(run, JobRun.State.DONE, result=json.loads(json.dumps(result)))


def _end(run: JobRun, state: str, **values: object) -> None:
    JobRun.objects.filter(pk=run.pk).update(state=state, finished_at=timezone.now(), **values)
