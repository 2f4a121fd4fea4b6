"""The recall of batches of a product: the units concerned, their holders told, their remedy given (INC-17)."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import security
from accounts.errors import IllegalTransition, InvalidInput
from accounts.models import User
from complaints import identity
from complaints.models import Recall, RecallUnit
from complaints.states import IncidentKind
from complaints.transitions import core
from complaints.transitions.incidents import PLACE, SHORT, TEXT, begin, text_of

MAX_ROWS = 5000
MAX_FAULTS = 50
# Serial number, batch, holder, telephone: the longest texts of the columns, in characters.
COLUMNS = (("serial", 80), ("batch", 60), ("holder", 80), ("phone", 40))
NAMES = {
    "serial": gettext_lazy("Serial number"),
    "batch": gettext_lazy("Batch"),
    "holder": gettext_lazy("Holder"),
    "phone": gettext_lazy("Phone"),
}
HEADINGS = {"serial", "序列号", "编号", "serial number"}


@dataclass(frozen=True)
class Fault:
    """One line to mend, counted from 1, and what is wrong with it; never the value."""

    line: int
    message: str


class BadUnits(InvalidInput):
    """A list with faults; nothing of it was stored."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = list(faults)
        super().__init__("text", gettext_lazy("The list has faults; nothing was added. Mend them and try again."))


@transaction.atomic
def start_recall(
    incident_id: int,
    *,
    product: str,
    batches: str,
    defect: str,
    remedy: str,
    contact: str,
    reported_to: str = "",
    reported_on: date | None = None,
    by: User,
    at: datetime | None = None,
) -> Recall:
    """Begin the recall within the response to a defect (INC-17).

    Raises NotAllowed, InvalidInput, IllegalTransition for another kind of incident or when there is one already.
    """
    at = core.moment(at)
    incident, response = begin(incident_id, by=by)
    if response.kind != IncidentKind.DEFECT:
        raise IllegalTransition(gettext_lazy("Only a defect of a product leads to a recall."))
    if Recall.objects.filter(pk=incident.pk).exists():
        raise IllegalTransition(gettext_lazy("The recall has begun already."))
    if reported_on is not None and reported_on > timezone.localdate(at):
        raise InvalidInput("reported_on", gettext_lazy("This date is in the future."))
    return Recall.objects.create(
        incident=incident,
        product=text_of("product", product, limit=120),
        batches=text_of("batches", batches, limit=PLACE),
        defect=text_of("defect", defect, limit=TEXT),
        remedy=text_of("remedy", remedy, limit=TEXT),
        contact=text_of("contact", contact, limit=SHORT),
        reported_to=text_of("reported_to", reported_to, limit=SHORT, required=False),
        reported_on=reported_on,
        started_at=at,
        started_by=by,
    )


@transaction.atomic
def add_units(incident_id: int, *, text: str, by: User, at: datetime | None = None) -> int:
    """Add the units of a table: a line each, with serial number, batch, holder and telephone, by comma or tab.

    Returns how many were added; all or none. Raises NotAllowed, IllegalTransition, BadUnits with the lines.
    """
    at = core.moment(at)
    recall = _begin(incident_id, by=by)
    core.require("text", text)
    known = set(RecallUnit.objects.filter(recall=recall).values_list("serial", flat=True))
    units, faults = [], []
    lines = _lines(text)
    if len(lines) > MAX_ROWS:
        raise InvalidInput("text", gettext_lazy("At most %(count)s lines at a time."), count=MAX_ROWS)
    for number, cells in lines:
        problem = _problem(cells, known)
        if problem:
            faults.append(Fault(number, problem))
            continue
        known.add(cells["serial"])
        units.append(RecallUnit(recall=recall, at=at, by=by, **cells))
    if faults:
        raise BadUnits(faults[:MAX_FAULTS])
    if not units:
        raise InvalidInput("text", gettext_lazy("The list holds no unit."))
    RecallUnit.objects.bulk_create(units, batch_size=500)
    return len(units)


def _lines(text: str) -> list[tuple[int, dict[str, str]]]:
    """The lines that hold something, each with its number from 1; a heading is left out."""
    delimiter = "\t" if "\t" in text else ","
    # Inside a list typed by hand the Chinese comma separates just as well.
    plain = text.lstrip("\ufeff").replace("\uff0c", ",").replace("\x00", "\ufffd")
    found: list[tuple[int, dict[str, str]]] = []
    try:
        rows = list(csv.reader(io.StringIO(plain, newline=None), delimiter=delimiter))
    except csv.Error as error:
        raise InvalidInput("text", gettext_lazy("This list cannot be read; check its quotation marks.")) from error
    for number, row in enumerate(rows, 1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (not found and cells[0].casefold() in HEADINGS):
            continue
        padded = cells + [""] * (len(COLUMNS) - len(cells))
        found.append((number, {name: padded[place] for place, (name, _limit) in enumerate(COLUMNS)}))
    return found


def _problem(cells: dict[str, str], known: set[str]) -> str:
    """What is wrong with a line, or ''."""
    if not cells["serial"]:
        return _("The serial number is missing.")
    for name, limit in COLUMNS:
        if len(cells[name]) > limit or "\ufffd" in cells[name]:
            return _("%(column)s: too long or not readable.") % {"column": NAMES[name]}
    if cells["serial"] in known:
        return _("This serial number stands in the list already.")
    if cells["phone"] and not identity.plausible_phone(cells["phone"]):
        return _("This is no telephone number.")
    return ""


@transaction.atomic
def mark_units(incident_id: int, *, units: Sequence[int], step: str, by: User, at: datetime | None = None) -> int:
    """Record that the holders of units were told, or got their remedy; who got it counts as told.

    `step` is told or remedied. Returns how many changed. Raises NotAllowed, InvalidInput, IllegalTransition.
    """
    at = core.moment(at)
    recall = _begin(incident_id, by=by)
    if step not in ("told", "remedied"):
        raise InvalidInput("step", gettext_lazy("“%(value)s” is not one of the choices."), value=step[:20])
    rows = RecallUnit.objects.filter(recall=recall, pk__in=list(units))
    if not rows.exists():
        raise InvalidInput("units", gettext_lazy("Choose at least one unit."))
    told = rows.filter(told_at=None).update(told_at=at, told_by=by)
    if step == "told":
        return told
    return rows.filter(remedied_at=None).update(remedied_at=at, remedied_by=by)


@transaction.atomic
def end_recall(incident_id: int, *, note: str, by: User, at: datetime | None = None) -> Recall:
    """The recall is over, with a word on the units that were not reached.

    Raises NotAllowed, InvalidInput, IllegalTransition.
    """
    at = core.moment(at)
    recall = _begin(incident_id, by=by)
    recall.ended_note, recall.ended_at, recall.ended_by = text_of("note", note, limit=TEXT), at, by
    recall.save(update_fields=["ended_note", "ended_at", "ended_by"])
    return recall


def reveal_unit(incident_id: int, *, unit: int, by: User) -> RecallUnit:
    """The holder of a unit in clear; that it was read stands in the security log. Raises NotAllowed."""
    incident, _response = begin(incident_id, by=by, closed_too=True)
    row = RecallUnit.objects.get(pk=unit, recall=incident_id)
    security.record("recall_holder_shown", user=by, subject=incident.number, unit=row.pk)
    return row


def _begin(incident_id: int, *, by: User) -> Recall:
    """Lock a recall that goes on; it may outlast the incident."""
    begin(incident_id, by=by, closed_too=True)
    recall = Recall.objects.select_for_update().filter(pk=incident_id).first()
    if recall is None:
        raise IllegalTransition(gettext_lazy("No recall has begun for this incident."))
    if recall.ended_at is not None:
        raise IllegalTransition(gettext_lazy("The recall has ended."))
    return recall
