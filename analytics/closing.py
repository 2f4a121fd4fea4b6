"""Closing a month: its figures are final from then on, and kept with their hash (AN-03).

What happens to the cases later is shown as a difference and changes nothing. Opening again needs a reason and keeps
the row; closing once more makes another one.
"""

from __future__ import annotations

import hashlib
import json
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
from analytics import finals, periods, permissions, selectors, tidying
from analytics.facts import written
from analytics.figures import FIGURES, Computed, Figure
from analytics.models import ClosedPeriod
from analytics.periods import Period
from analytics.scope import WHOLE, Scope
from complaints.models import JobRun

CLOSE = "analytics.close_period"
REASON = 300
SIDES = ("inside", "outside")


def close(code: str, *, by: User, at: datetime | None = None) -> ClosedPeriod:
    """Keep the figures of a month that is over as they are now (AN-03, AN-34).

    Raises NotAllowed, InvalidInput("period"), IllegalTransition when it is closed already, or while records found
    unfit wait to be settled.
    """
    at = at or timezone.now()
    permissions.require(by, CLOSE)
    period = _month(code, at)
    if finals.closed_among([period]):
        raise IllegalTransition(_("This month is closed already."))
    if not JobRun.objects.filter(job=tidying.JOB, period=period.code, state=JobRun.State.DONE).exists():
        tidying.tidy(period, now=at)
    if tidying.open_in(period.code).exists():
        raise IllegalTransition(_("Records of this month wait to be tidied. Settle them first."))
    kept = frozen(period, at=at)
    try:
        with transaction.atomic():
            return ClosedPeriod.objects.create(
                period=period.code, figures=kept, figures_hash=fingerprint(kept), closed_at=at, closed_by=by
            )
    except IntegrityError as error:  # somebody else closed it meanwhile
        raise IllegalTransition(_("This month is closed already.")) from error


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


def frozen(period: Period, *, at: datetime) -> dict[str, Any]:
    """The counters of a month with labels in every language, and its bundles in the language of the office."""
    with override(settings.LANGUAGE_CODE):
        bundles = {side: selectors.bundle(period, WHOLE, at=at, outside=side == "outside") for side in SIDES}
    return json.loads(json.dumps({"cells": finals.freeze(period), "bundles": bundles}))


def fingerprint(kept: dict[str, Any]) -> str:
    """SHA-256 over the kept figures as canonical JSON; whoever keeps the hash can prove that nothing was changed."""
    return hashlib.sha256(json.dumps(kept, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def is_intact(row: ClosedPeriod) -> bool:
    return fingerprint(row.figures) == row.figures_hash


# --- Reading --------------------------------------------------------------------------------------


def bundle(period: Period, scope: Scope, *, at: datetime, outside: bool) -> dict[str, Any]:
    """selectors.bundle, with the kept figures where the month is closed; `final` says which they are.

    Kept is the whole organisation by the final classification; whatever is narrowed is counted from the cases.
    """
    if scope.departments is None and not scope.is_filtered and finals.applies(scope) and scope.sees_reviews:
        rows = ClosedPeriod.objects.filter(period=period.code, opened_at=None)
        found = rows.values_list(f"figures__bundles__{SIDES[outside]}", flat=True).first()
        if found is not None:
            if FIGURES.keys() - found["figures"].keys():  # figures that came with a newer release
                found = _filled(found, selectors.bundle(period, scope, at=at, outside=outside))
            return {**found, "label": period.label, "figures": _named(found["figures"]), "final": True}
    return {**selectors.bundle(period, scope, at=at, outside=outside), "final": False}


def _filled(found: dict[str, Any], counted: dict[str, Any]) -> dict[str, Any]:
    """Kept figures, with what was not known when the month was closed."""
    return {**counted, **found, **{part: {**counted[part], **found[part]} for part in ("figures", "breakdowns")}}


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
