"""Who is told of a precaution: complainants of like cases, or the people in a table (RISK-28, RISK-29)."""

from __future__ import annotations

import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.errors import InvalidInput
from accounts.models import User
from complaints import identity, outreach
from complaints.import_files import Cell, Row, TableFile, refuse
from complaints.models import Complaint, Outreach, OutreachRecipient, RecallUnit
from complaints.models.people import ContactKind
from complaints.states import OutreachState, OutreachWay, Status
from complaints.transitions.intake import check_text

LOOK_BACK = timedelta(days=365)
MAX_ROWS = 20_000
MAX_FAULTS = 100
MAX_NAME = 80
# Above the header there may be a title.
HEADER_WITHIN = 10
BATCH = 1000
# Column → the headings understood, besides the column's own name.
COLUMNS = {
    "name": ("姓名", "名称", "客户姓名", "联系人"),
    "phone": ("电话", "手机", "手机号", "手机号码", "电话号码", "联系电话"),
    "email": ("邮箱", "电子邮箱", "电子邮件", "邮件地址", "e-mail"),
}
LABELS = {"name": gettext_lazy("Name"), "phone": gettext_lazy("Phone"), "email": gettext_lazy("E-mail")}


class Person(NamedTuple):
    """Somebody to reach: by phone or e-mail, and the case they are known from."""

    name: str
    kind: str
    value: str
    complaint_id: int | None


class Added(NamedTuple):
    """What came of adding: new people, people who stood there already, people without a usable contact."""

    added: int
    known: int
    without: int


class Fault(NamedTuple):
    """One cell to mend: the row a spreadsheet program shows, the column, what is wrong. Never the value."""

    row: int
    column: str
    message: str


class BadTable(InvalidInput):
    """A table with faults; nothing of it was stored."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = list(faults)
        super().__init__("file", _("The table has faults; nobody was added. Mend them and upload it again."))


# --- From cases -------------------------------------------------------------------------------------
def matching_cases(row: Outreach, *, at: datetime) -> QuerySet[Complaint]:
    """Cases of the last 365 days that name the same product, batch, step and place, as far as they are given."""
    wanted = {name: getattr(row, name) for name in outreach.MATCHED if getattr(row, name)}
    cases = Complaint.objects.filter(received_at__gt=at - LOOK_BACK, received_at__lte=at, **wanted)
    return cases.exclude(status__in=[Status.WITHDRAWN, Status.MERGED]) if wanted else cases.none()


@transaction.atomic
def add_from_cases(outreach_id: int, *, by: User, at: datetime | None = None) -> Added:
    """Add the complainants of the matching cases and the holders of recalled units to a draft, each once (RISK-28,
    INC-17).

    Raises NotAllowed, IllegalTransition, InvalidInput when nothing is given that cases could have in common.
    """
    at = at or timezone.now()
    row = outreach.begin(outreach_id, OutreachState.DRAFT, by=by)
    if not any(getattr(row, name) for name in outreach.MATCHED):
        raise InvalidInput("product", _("Say first which product, batch, business step or place is concerned."))
    cases = matching_cases(row, at=at).select_related("complainant").prefetch_related("complainant__contacts")
    complainants = (_complainant(case, row.way) for case in cases.order_by("pk").iterator(BATCH))
    holders = (_holder(unit, row.way) for unit in outreach.recalled_units(row).order_by("pk").iterator(BATCH))
    return _store(row, chain(complainants, holders), by=by)


def _holder(unit: RecallUnit, way: str) -> Person | None:
    kind, value = _contact(way, phone=unit.phone, email="")
    return Person(unit.holder, kind, value, unit.complaint_id) if value else None


def _complainant(case: Complaint, way: str) -> Person | None:
    person = case.complainant
    kind, value = _contact(way, phone=person.contact(ContactKind.PHONE), email=person.contact(ContactKind.EMAIL))
    return Person(person.name, kind, value, case.pk) if value else None


def _contact(way: str, *, phone: str, email: str) -> tuple[str, str]:
    """The phone for calls; for notices the e-mail address, else the phone; ("", "") when none is usable."""
    if way == OutreachWay.NOTICE and is_address(email):
        return ContactKind.EMAIL, email.strip()
    if phone and identity.plausible_phone(phone):
        return ContactKind.PHONE, phone.strip()
    return "", ""


def is_address(value: str) -> bool:
    """Whether mail can be sent there."""
    try:
        validate_email(value.strip())
    except ValidationError:
        return False
    return True


# --- From a table -----------------------------------------------------------------------------------
@transaction.atomic
def add_from_table(outreach_id: int, upload: UploadedFile, *, by: User) -> Added:
    """Add the people of a CSV or XLSX with the columns name, phone, email to a draft: all of them or nobody (RISK-28).

    Raises BadTable with every fault by row and column, InvalidInput("file") for what is no such table, NotAllowed,
    IllegalTransition.
    """
    row = outreach.begin(outreach_id, OutreachState.DRAFT, by=by)
    # In a folder of its own that goes again: the table holds names and numbers in clear.
    with tempfile.TemporaryDirectory(prefix="huiyin-outreach-") as folder:
        path = Path(folder) / "table"
        with path.open("wb") as copy:
            copy.writelines(upload.chunks())
        people = read_table(TableFile(path), way=row.way)
    return _store(row, people, by=by)


def read_table(table: TableFile, *, way: str) -> list[Person]:
    """The people of a table. Raises BadTable, InvalidInput("file")."""
    rows = table.rows()
    places = _places(rows, way=way)
    people: list[Person] = []
    faults: list[Fault] = []
    for count, (number, cells) in enumerate(rows, start=1):
        if count > MAX_ROWS:
            raise refuse(_("The file has more than %(limit)s rows; split it."), limit=MAX_ROWS)
        values = {name: _text(cells[place]) if place < len(cells) else "" for name, place in places.items()}
        wrong = [Fault(number, name, message) for name, message in _faults(values, way)]
        if wrong:
            faults += wrong
            if len(faults) >= MAX_FAULTS:
                break
            continue
        kind, value = _contact(way, phone=values.get("phone", ""), email=values.get("email", ""))
        people.append(Person(values.get("name", ""), kind, value, None))
    if faults:
        raise BadTable(faults[:MAX_FAULTS])
    if not people:
        raise refuse(_("The file holds no rows."))
    return people


def _places(rows: Iterator[Row], *, way: str) -> dict[str, int]:
    """Column → position, from the first row that names one; the rows behind it are left to be read."""
    known = {_heading(name): column for column, names in COLUMNS.items() for name in (column, *names)}
    for _number, cells in islice(rows, HEADER_WITHIN):
        found: dict[str, int] = {}
        for place, cell in enumerate(cells):
            column = known.get(_heading(cell))
            if column and column in found:
                raise refuse(_("Two columns mean “%(column)s”; remove one."), column=LABELS[column])
            if column:
                found[column] = place
        if found:
            if "phone" in found or (way == OutreachWay.NOTICE and "email" in found):
                return found
            break
    wanted = _("phone") if way == OutreachWay.CALL else _("phone or email")
    raise refuse(_("There is no column “%(column)s”; name it in the first row."), column=wanted)


def _heading(cell: Cell) -> str:
    return "".join(unicodedata.normalize("NFKC", str(cell)).split()).casefold() if cell is not None else ""


def _text(cell: Cell) -> str:
    """A cell as text; spreadsheet programs keep phone numbers as numbers."""
    if cell is None or isinstance(cell, bool):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _faults(values: dict[str, str], way: str) -> Iterator[tuple[str, str]]:
    phone, email = values.get("phone", ""), values.get("email", "")
    try:
        check_text("name", values.get("name", ""), limit=MAX_NAME)
    except InvalidInput as error:
        yield "name", str(error)
    if phone and not identity.plausible_phone(phone):
        yield "phone", _("This is not a phone number that can be dialled; check the digits.")
    elif not phone and way == OutreachWay.CALL:
        yield "phone", _("The phone number is missing.")
    elif not phone and not email:
        yield "phone" if "phone" in values else "email", _("Give a phone number or an e-mail address.")
    if email and not is_address(email):
        yield "email", _("This is not an e-mail address.")


# --- Storing ----------------------------------------------------------------------------------------
def _store(row: Outreach, people: Iterable[Person | None], *, by: User) -> Added:
    """Store each person once, by the hash of the number or address."""
    seen = set(row.recipients.values_list("match_hash", flat=True))
    known = without = 0
    new: list[OutreachRecipient] = []
    for person in people:
        digest = identity.match_hash(person.kind, person.value) if person else ""
        if person is None or not digest:
            without += 1
        elif digest in seen:
            known += 1
        else:
            seen.add(digest)
            new.append(OutreachRecipient(outreach=row, match_hash=digest, **person._asdict()))
    OutreachRecipient.objects.bulk_create(new, batch_size=BATCH)
    if new:
        outreach.changed(row, by=by)
    return Added(len(new), known, without)
