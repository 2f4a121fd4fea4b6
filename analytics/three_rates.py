"""The formula of the three rates (响应率, 解决率, 满意率): set by the office as revisions, or chosen on a page (AN-12).

A revision is a row of the table of targets, which knows month, note, person and time: its value is the place of the
formula in FORMULAS. The newest one counts for every month that is not closed; closed months and reports keep theirs.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.errors import InvalidInput, StaleVersion
from accounts.models import User
from analytics import permissions
from analytics.models import Target
from analytics.periods import month_of
from analytics.scope import ANSWERED, ASKED, REACHED, Formula
from complaints import revisions

KEY = "three_rates"
# What a stored number means: never reorder, only append.
FORMULAS = tuple(Formula(basically, base) for base in (ANSWERED, REACHED, ASKED) for basically in (True, False))
BASES: dict[str, Promise] = {
    ANSWERED: gettext_lazy("Call-backs answered"),
    REACHED: gettext_lazy("Call-backs that reached the person"),
    ASKED: gettext_lazy("All call-backs tried"),
}


def history() -> QuerySet[Target]:
    """Every revision, the newest first."""
    return Target.objects.filter(figure=KEY).select_related("by").order_by("-pk")


def of_row(row: Target) -> Formula:
    return FORMULAS[int(row.value)]


def in_force() -> Formula:
    """The formula set last; the shipped one before anybody set any. One query."""
    value = Target.objects.filter(figure=KEY).order_by("-pk").values_list("value", flat=True).first()
    return FORMULAS[int(value or 0)]


def resolve(formula: Formula) -> Formula:
    """What a page left open is as the office has set it."""
    if formula.basically is not None and formula.base:
        return formula
    known = in_force()
    return Formula(known.basically if formula.basically is None else formula.basically, formula.base or known.base)


@transaction.atomic
def put(*, basically: bool, base: str, note: str, based_on: int, by: User, at: datetime | None = None) -> Target:
    """Set the formula from now on; `based_on` is the key of the revision the person saw, 0 for the shipped one.

    Raises NotAllowed, InvalidInput("base" or "note"), StaleVersion.
    """
    permissions.require(by, permissions.BUILD)
    at = at or timezone.now()
    if base not in BASES:
        raise InvalidInput("base", _("This choice does not exist."))
    note = revisions.why(note)
    _one_at_a_time()
    known = Target.objects.filter(figure=KEY).order_by("-pk").values_list("pk", flat=True).first() or 0
    if known != based_on:
        raise StaleVersion(known)
    value = FORMULAS.index(Formula(basically, base))
    return Target.objects.create(figure=KEY, value=value, from_month=month_of(at).code, note=note, at=at, by=by)


def _one_at_a_time() -> None:
    """Whoever sets the formula second sees the revision of the first; before the first there is no row to lock.

    SQLite has one writer at a time anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('analytics.three_rates'))")


def words(formula: Formula) -> str:
    """A formula as it is printed under the three rates."""
    formula = resolve(formula)
    pleased = _("“satisfied” and “basically satisfied” count") if formula.basically else _("only “satisfied” counts")
    base = {
        ANSWERED: _("divided by the call-backs that gave an answer"),
        REACHED: _("divided by the call-backs that reached the person"),
        ASKED: _("divided by all call-backs that were tried"),
    }[formula.base]
    return _("Three rates: %(pleased)s, %(base)s.") % {"pleased": pleased, "base": base}
