"""Closing a month: its figures are final from then on, and kept with their hash (AN-03).

What happens to the cases later is shown as a difference and changes nothing. Opening again needs a reason and keeps
the row; closing once more makes another one. Pages ask for it by closing_job.py, since counting takes a while.

The figures of every department are kept beside it, in the ledger of jobs as the results of the job that counted them:
they are read one at a time, and a page that adds up thirteen closed months never has to pass them by.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from accounts.errors import IllegalTransition, InvalidInput
from accounts.models import User
from analytics import (
    composing,
    finals,
    periods,
    permissions,
    selectors,
    single_parts,
    small_answers,
    small_parts,
    sources,
    tidying,
)
from analytics.facts import written
from analytics.figures import FIGURES, Computed, Figure
from analytics.models import ClosedPeriod
from analytics.periods import Period
from analytics.scope import WHOLE, Scope
from complaints import department_hours
from complaints.models import Complaint, JobRun, Praise

CLOSE = "analytics.close_period"
REASON = 300
SIDES = ("inside", "outside")
# The job whose results are the kept figures of the departments; its period is `_place`.
PARTS = "keep_figures"
# Where among them the time of the departments stands.
HOURS = "hours"
# What a handling department learns only with the result (RI-12).
_OF_REVIEWS = (sources.reviews_opened, sources.reviews_screened, sources.marks)

Progress = Callable[[int, int], None]


def closable(code: str, *, by: User, at: datetime) -> Period:
    """A month that may be closed, as far as that is known without counting.

    Raises NotAllowed, InvalidInput("period"), IllegalTransition when it is closed already, or while records found
    unfit wait to be settled.
    """
    permissions.require(by, CLOSE)
    period = _month(code, at)
    if finals.closed_among([period]):
        raise IllegalTransition(_("This month is closed already."))
    if tidying.open_in(period.code).exists():
        raise IllegalTransition(_("Records of this month wait to be tidied. Settle them first."))
    return period


def close(code: str, *, by: User, at: datetime | None = None, progress: Progress | None = None) -> ClosedPeriod:
    """Keep the figures of a month that is over as they are now (AN-03, AN-34).

    `progress` is told how many of how many steps are done. All is kept or nothing. Raises what `closable` raises.
    """
    at = at or timezone.now()
    period = closable(code, by=by, at=at)
    if not JobRun.objects.filter(job=tidying.JOB, period=period.code, state=JobRun.State.DONE).exists():
        tidying.tidy(period, now=at)
        period = closable(code, by=by, at=at)
    departments = _departments(period)
    steps = _Steps(progress, 1 + len(SIDES) + len(departments))
    kept = frozen(period, at=at, steps=steps)
    parts: dict[str, dict[str, Any]] = {}
    for pk in departments:
        parts[str(pk)] = _sides(period, Scope(department=(pk,)), at=at)
        steps.done()
    kept["departments"] = {pk: fingerprint(part) for pk, part in parts.items()}
    more = _more(period, departments)
    kept["more"] = {name: fingerprint(part) for name, part in more.items()}
    try:
        with transaction.atomic():
            row = ClosedPeriod.objects.create(
                period=period.code, figures=kept, figures_hash=fingerprint(kept), closed_at=at, closed_by=by
            )
            JobRun.objects.bulk_create(
                JobRun(
                    job=PARTS,
                    period=_place(row.pk, name),
                    state=JobRun.State.DONE,
                    started_at=at,
                    finished_at=at,
                    result=part,
                )
                for name, part in {**parts, **more}.items()
            )
            return row
    except IntegrityError as error:  # somebody else closed it meanwhile
        raise IllegalTransition(_("This month is closed already.")) from error


class _Steps:
    """Counts the steps of closing aloud."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.progress, self.total, self.number = progress, total, 0
        self._tell()

    def done(self) -> None:
        self.number += 1
        self._tell()

    def _tell(self) -> None:
        if self.progress:
            self.progress(self.number, self.total)


def _place(closed: int, name: int | str) -> str:
    """Where something of a closed month is kept: under the key of a department, or of what does not add up."""
    return f"{closed}/{name}"


def _single(department: int) -> str:
    return f"{department}/single"


def _more(period: Period, departments: Sequence[int]) -> dict[str, dict[str, Any]]:
    """What is kept beside the bundles: of every department what does not add up, and the ledger of their time."""
    parts = single_parts.gather(period, departments)
    found: dict[str, Any] = {_single(pk): part for pk, part in parts.items()}
    hours = department_hours.department_hours(period.start, period.end)
    found[HOURS] = {str(pk): row.to_dict() for pk, row in hours.items()}
    return json.loads(json.dumps(found))


def _departments(period: Period) -> list[int]:
    """Every department that had led a case or was praised, for a case or without one, by the end of a month."""
    rows = Complaint.objects.filter(lead_department__isnull=False, registered_at__lt=period.end).order_by()
    praised = Praise.objects.filter(received_on__lt=period.end).order_by()
    led = rows.values_list("lead_department", flat=True).distinct()
    return sorted({*led, *praised.values_list("department", flat=True).distinct()})


@transaction.atomic
def reopen(code: str, *, reason: str, by: User, at: datetime | None = None) -> ClosedPeriod:
    """Count a closed month by its cases again. Raises NotAllowed, InvalidInput("reason"), IllegalTransition."""
    permissions.require(by, CLOSE)
    if not reason.strip():
        raise InvalidInput("reason", _("Say why the month is opened again."))
    row = ClosedPeriod.objects.select_for_update().filter(period=code, opened_at=None).first()
    if row is None:
        raise IllegalTransition(_("This month is not closed."))
    row.opened_at, row.opened_by, row.opened_reason = at or timezone.now(), by, reason.strip()[:REASON]
    row.save(update_fields=["opened_at", "opened_by", "opened_reason"])
    return row


def _month(code: str, at: datetime) -> Period:
    period = periods.finished(code, at=at)
    if period.months != 1:
        raise InvalidInput("period", _("Months are closed, not quarters."))
    return period


def frozen(period: Period, *, at: datetime, steps: _Steps | None = None) -> dict[str, Any]:
    """The counters of a month with labels in every language, and its bundles in the language of the office."""
    steps = steps or _Steps(None, 0)
    cells = finals.freeze(period)
    steps.done()
    return json.loads(json.dumps({"cells": cells, "bundles": _sides(period, WHOLE, at=at, steps=steps)}))


def _sides(period: Period, scope: Scope, *, at: datetime, steps: _Steps | None = None) -> dict[str, Any]:
    """The figures as they are shown inside the office and as they may leave it, in the language of the office."""
    found = {}
    with override(settings.LANGUAGE_CODE):
        for side in SIDES:
            found[side] = selectors.bundle(period, scope, at=at, outside=side == "outside")
            if steps:
                steps.done()
    return json.loads(json.dumps(found))


def fingerprint(kept: dict[str, Any]) -> str:
    """SHA-256 over the kept figures as canonical JSON; whoever keeps the hash can prove that nothing was changed."""
    return hashlib.sha256(json.dumps(kept, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def is_intact(row: ClosedPeriod) -> bool:
    """Whether what is kept, of the whole and of every department, is what was kept when the month was closed."""
    if fingerprint(row.figures) != row.figures_hash:
        return False
    names = row.figures.get("departments", {}) | row.figures.get("more", {})
    wanted = {_place(row.pk, name): known for name, known in names.items()}
    rows = JobRun.objects.filter(job=PARTS, period__in=wanted).values_list("period", "result")
    return {place: fingerprint(part) for place, part in rows} == wanted


# --- Reading --------------------------------------------------------------------------------------


def bundle(period: Period, scope: Scope, *, at: datetime, outside: bool) -> dict[str, Any]:
    """selectors.bundle, with the kept figures where the month is closed; `final` says which they are.

    Kept are the whole organisation and each department, by the final classification; several departments are put
    together from them, and a quarter from its months. "recounted" names what came with a newer release, and what does
    not add up and was not kept by an older one. Whatever is narrowed otherwise is counted from the cases.
    """
    found = _found(period, scope, at=at, outside=outside)
    if not outside:
        return found
    return small_parts.left_out(small_answers.left_out(found, period, scope, months=selectors.SERIES_MONTHS))


def _found(period: Period, scope: Scope, *, at: datetime, outside: bool) -> dict[str, Any]:
    found = _kept(period, scope, outside=outside)
    if found is None:
        counted = selectors.bundle(period, scope, at=at, outside=outside)
        parts = _together(period, scope, at=at)
        if parts is None:
            return {**counted, "final": False}
        before = _together(period.previous, scope, at=at)
        hide = outside and scope.is_filtered
        found = composing.composed(counted, parts, before, outside=outside, hide=hide)
    # Figures and breakdowns that came with a newer release.
    elif FIGURES.keys() - found["figures"].keys() or selectors.MORE.keys() - found["breakdowns"].keys():
        found = _filled(found, selectors.bundle(period, scope, at=at, outside=outside))
    if not scope.sees_reviews:
        found = _without_reviews(found)
    return {**found, "label": period.label, "figures": _named(found["figures"]), "final": True}


def _kept(period: Period, scope: Scope, *, outside: bool) -> dict[str, Any] | None:
    """What was kept for a scope when the month was closed; None when it was not, or the month is open."""
    departments = finals.departments_of(scope)
    if not finals.applies(scope) or (departments is not None and len(departments) != 1):
        return None
    rows = ClosedPeriod.objects.filter(period=period.code, opened_at=None)
    if departments is None:
        return rows.values_list(f"figures__bundles__{SIDES[outside]}", flat=True).first()
    closed = rows.values_list("pk", flat=True).first()
    if closed is None:
        return None
    part = (
        JobRun.objects.filter(job=PARTS, period=_place(closed, *departments)).values_list("result", flat=True).first()
    )
    if part is None:
        return None
    found = part[SIDES[outside]]
    if outside and not scope.is_filtered:  # one's own department is a whole of its own; only its cells are suppressed
        found = {**found, **{name: part["inside"][name] for name in ("figures", "series")}}
    return found


def _several(period: Period, scope: Scope) -> composing.Kept | None:
    """What was kept for each of several departments that had figures; None when it was not, or the month is open."""
    departments = finals.departments_of(scope)
    if not finals.applies(scope) or departments is None or len(departments) < 2:
        return None
    row = ClosedPeriod.objects.filter(period=period.code, opened_at=None).only("pk").first()
    if row is None:
        return None
    places = {name: _place(row.pk, name) for pk in sorted(departments) for name in (pk, _single(pk))}
    kept = dict(JobRun.objects.filter(job=PARTS, period__in=places.values()).values_list("period", "result"))
    bundles = [kept[places[pk]][SIDES[0]] for pk in sorted(departments) if places[pk] in kept]
    parts = [kept[places[_single(pk)]] for pk in sorted(departments) if places[_single(pk)] in kept]
    if not bundles:
        return None
    return composing.Kept(bundles, parts if len(parts) == len(bundles) else None)


def _together(period: Period, scope: Scope, *, at: datetime) -> composing.Kept | None:
    """What was kept of the departments of a month, or of the months of a quarter."""
    return _several(period, scope) if period.months == 1 else _months(period, scope, at=at)


def _months(period: Period, scope: Scope, *, at: datetime) -> composing.Months | None:
    """What was kept for the months of a quarter; None when it was not for one of them."""
    months = period.last_months(period.months)
    if not finals.applies(scope) or len(finals.closed_among(months)) < len(months):
        return None
    bundles = [_found(month, scope, at=at, outside=False) for month in months]
    return composing.Months(bundles, None) if all(bundle["final"] for bundle in bundles) else None


def hours(period: Period) -> tuple[dict[int, department_hours.Hours] | None, bool]:
    """The time of the departments in a month or a quarter, as it was kept where a month is closed (AN-03, SLA-04).

    None while a worker measures an open month of very many tasks. With it whether every month of it was kept.
    """
    months = period.last_months(period.months)
    closed = dict(
        ClosedPeriod.objects.filter(period__in=[month.code for month in months], opened_at=None).values_list(
            "period", "pk"
        )
    )
    places = {_place(pk, HOURS): code for code, pk in closed.items()}
    rows = JobRun.objects.filter(job=PARTS, period__in=places).values_list("period", "result")
    kept = {places[place]: result for place, result in rows}
    if not kept:
        return department_hours.kept(period.start, period.end), False
    total: dict[int, department_hours.Hours] = {}
    for month in months:
        found = (
            {int(pk): department_hours.Hours.from_dict(int(pk), row) for pk, row in kept[month.code].items()}
            if month.code in kept
            else department_hours.kept(month.start, month.end)
        )
        if found is None:
            return None, False
        for pk, row in found.items():
            total[pk] = total[pk] + row if pk in total else row
    return total, len(kept) == len(months)


def _without_reviews(found: dict[str, Any]) -> dict[str, Any]:
    """Kept figures for somebody who learns of reviews only with their result (RI-12)."""
    figures = dict(found["figures"])
    for key, figure in FIGURES.items():
        if figure.source in _OF_REVIEWS and key in figures:
            nothing = figure.read(Counter())
            row = {name: value for name, value in figures[key].items() if name in ("name", "unit")}
            figures[key] = {**row, **nothing.to_dict(), "previous": nothing.value}
    return {**found, "figures": figures, "breakdowns": {**found["breakdowns"], "trigger": []}}


def _filled(found: dict[str, Any], counted: dict[str, Any]) -> dict[str, Any]:
    """Kept figures, with what was not known when the month was closed; "recounted" names it."""
    parts = ("figures", "breakdowns")
    anew = {part: [key for key in counted[part] if key not in found[part]] for part in parts}
    return {**counted, **found, **{part: {**counted[part], **found[part]} for part in parts}, "recounted": anew}


def _named(rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Figures with their names in the active language; one that no longer exists keeps the name it had."""
    return {key: {**row, "name": str(FIGURES[key].name)} if key in FIGURES else row for key, row in rows.items()}


@dataclass(frozen=True)
class Difference:
    """A figure of a closed month that the cases no longer give."""

    figure: Figure
    final: str
    now: str


def differences(now: Computed, final: Computed, period: Period) -> list[Difference]:
    """What the leading figures of a closed month would be if it were counted now."""
    found = []
    for figure in selectors.SERIES:
        pair = [written(computed.value(figure, period).value, figure.unit) for computed in (final, now)]
        if pair[0] != pair[1]:
            found.append(Difference(figure, *pair))
    return found
