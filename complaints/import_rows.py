"""From the cells of a row to a checked complaint: columns, dates, numbers, one report line per fault.

Only the fields listed here can be imported: no state, no owner, nothing published (EX-08).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.errors import InvalidInput
from accounts.models import Department
from complaints import identity
from complaints.calendars import SHANGHAI
from complaints.import_files import MAX_COLUMNS, Cell, Row, refuse
from complaints.models import Category, Dimension
from complaints.models.people import ContactKind
from complaints.states import Channel
from complaints.transitions.intake import MAX_AMOUNT, MAX_NARRATIVE, check_text

# Field → column names understood without being told, besides the field's own name.
ALIASES: dict[str, tuple[str, ...]] = {
    "external_number": ("留言编号", "投诉编号", "工单编号", "工单号", "外部编号", "编号"),
    "subject": ("留言主题", "投诉主题", "主题", "标题", "投诉标题"),
    "narrative": ("留言详情", "投诉内容", "投诉详情", "诉求内容", "事情经过", "内容", "详情"),
    "received_at": (
        "留言时间",
        "投诉时间",
        "受理时间",
        "来电时间",
        "提交时间",
        "收到时间",
        "登记时间",
        "登记日期",
        "投诉日期",
        "来访日期",
    ),
    "channel": ("渠道", "投诉渠道", "来源", "来源渠道"),
    "category": ("一级标签", "投诉类别", "分类", "类别", "一级分类"),
    "department": ("承办部门", "责任部门", "承办单位", "部门"),
    "complainant_name": ("留言用户", "投诉人", "投诉人姓名", "姓名", "联系人"),
    "complainant_phone": ("联系电话", "投诉人电话", "手机号", "手机", "电话"),
    "complainant_email": ("电子邮箱", "邮箱", "电子邮件", "邮箱地址", "投诉人邮箱"),
    "demand": ("诉求", "投诉诉求", "投诉请求", "投诉要求", "要求"),
    "place": ("地点", "事发地点", "发生地点", "问题地点"),
    "amount": ("金额", "涉及金额", "涉案金额", "争议金额", "金额(元)", "涉及金额(元)"),
    "reply": ("答复意见", "答复内容", "回复内容", "处理结果", "答复"),
    "replied_at": ("答复时间", "回复时间", "办结时间"),
}
FIELDS = tuple(ALIASES)
# Headings of what only the work on a case sets; said so where the columns are chosen (EX-08).
_KEPT_OUT = frozenset(
    [
        "status",
        "state",
        "状态",
        "办理状态",
        "处理状态",
        "handler",
        "owner",
        "承办人",
        "经办人",
        "负责人",
        "责任人",
        "published",
        "公示",
        "是否公示",
        "公示状态",
        "risk_grade",
        "风险等级",
        "is_valid",
        "是否有效",
        "closed_at",
        "办结人",
        "审核人",
    ]
)
_TIMES = ("received_at", "replied_at")
_TEXTS = tuple(field for field in FIELDS if field not in _TIMES)
# A row without a subject gets the first words of what happened.
REQUIRED = ("narrative", "received_at")

# Where the header is looked for: above it there may be a title.
HEADER_WITHIN = 10
# Spreadsheet programs keep 15 digits of a number.
DIGITS = 15
EXACT = 10**DIGITS
NUMBERS = ("external_number", "complainant_name", "complainant_phone")
# A sum as people write it: 1280, ¥1,280.00, 1280 元, 1.5 万元.
_AMOUNT = re.compile(r"¥?(\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?|\d{1,13}(?:\.\d{1,6})?)(万)?元?", re.ASCII)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?[eE]\+?\d+")
_MOMENT = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[T\s]*(\d{1,2})[:时](\d{1,2})(?:[:分](\d{1,2})秒?(?:\.\d+)?)?分?)?\s*(Z|[+-]\d{2}:?\d{2})?"
)
# Dates written as one number: 20261116, 202611160930, 20261116093000.
_PACKED = re.compile(r"(20\d\d)(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?", re.ASCII)
# Serial day numbers of spreadsheet programs, counted from 1899-12-30: 1954 to 2119.
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
_SERIAL_ZERO = datetime(1899, 12, 30)
SUBJECT_LENGTH = 40
SAMPLES = 3
SAMPLE_LENGTH = 60


class ImportRow(NamedTuple):
    """One row, checked. `received_at` None: the file does not say; `digest` stands for the text."""

    row: int
    external_number: str
    subject: str
    narrative: str
    received_at: datetime | None
    channel: str
    category: str
    department: Department | None
    complainant_name: str
    complainant_phone: str
    reply: str
    replied_at: datetime | None
    digest: str
    complainant_email: str = ""
    demand: str = ""
    place: str = ""
    amount: Decimal | None = None


class RowErrors(Exception):
    """Everything wrong with one row: (field, sentence) pairs."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        self.faults = faults
        super().__init__(str(faults))


@dataclass(frozen=True)
class Layout:
    """Where the header stands and which column (counted from 0) holds which field."""

    header: int
    columns: Mapping[str, int]


@dataclass(frozen=True)
class Heading:
    """A column of a file as it is offered: its name, what it is taken for, the first values in it.

    `is_kept_out`: it names something an import never sets, such as the state or the person in charge.
    """

    index: int
    name: str
    field: str
    samples: tuple[str, ...]
    is_kept_out: bool


def inspect(rows: Sequence[Row], known: Mapping[str, str] | None = None) -> tuple[int, list[Heading]]:
    """The header's row number and its columns with a guess for each, from the first rows of a file.

    `known` maps names of columns to fields ("" for none) as chosen for an earlier file of the same source.
    Each field is guessed once; where nothing is recognised the first row is taken for the header.
    """
    names = {_heading(name): field for name, field in (known or {}).items()}
    guessed = {_heading(name): field for field, aliases in ALIASES.items() for name in (field, *aliases)} | names
    first = rows[:HEADER_WITHIN]
    if not first:
        raise refuse(_("The file holds no rows."))
    number, header = max(first, key=lambda row: sum(bool(guessed.get(_heading(cell))) for cell in row[1]))
    below = [cells for at, cells in rows if at > number][:SAMPLES]
    taken: set[str] = set()
    found = []
    for index, cell in enumerate(header[:MAX_COLUMNS]):
        name = _heading(cell)
        field = guessed.get(name, "") if name else ""
        field = "" if field in taken else field
        taken |= {field} if field else set()
        samples = tuple(_sample(cells[index], field) for cells in below if index < len(cells))
        if name or any(samples):
            shown = " ".join(str(cell).split()) if name else ""
            found.append(Heading(index, shown, field, samples, name in _KEPT_OUT))
    return number, found


def _shown(cell: Cell) -> str:
    """A cell as it stands in the spreadsheet, where whole numbers have no decimals."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell)


def _sample(cell: Cell, field: str) -> str:
    """The beginning of a value; whom it is about is masked (COM-07)."""
    text = " ".join(_shown(cell).split())
    if field == "complainant_name":
        text = identity.mask("name", text)
    elif field == "complainant_phone":
        text = identity.mask(ContactKind.PHONE, text)
    elif field == "complainant_email":
        text = identity.mask(ContactKind.EMAIL, text)
    text = identity.scrub(text, None)
    return text if len(text) <= SAMPLE_LENGTH else f"{text[: SAMPLE_LENGTH - 1]}…"


def find_columns(rows: Sequence[Row], chosen: Mapping[str, str]) -> Layout:
    """The layout of a file by its headings, from its first rows.

    `chosen` maps column names to fields and wins over the known names. Raises InvalidInput when a
    required column is missing, a chosen one does not exist or two columns mean the same field.
    """
    best: tuple[int, list[tuple[str, int, str]]] = (0, [])
    for number, cells in rows[:HEADER_WITHIN]:
        found = _fields_of(cells, chosen)
        if len(found) > len(best[1]):
            best = (number, found)
    header, found = best
    names = {name for _number, cells in rows[:HEADER_WITHIN] for name in map(_heading, cells)}
    for name in chosen:
        if _heading(name) not in names:
            raise refuse(_("The file has no column “%(name)s”."), name=name)
    columns: dict[str, int] = {}
    seen: dict[str, str] = {}
    for field, index, name in found:
        if field in columns:
            raise refuse(
                _("The columns “%(first)s” and “%(second)s” both mean %(target)s; rename or remove one."),
                first=seen[field],
                second=name,
                target=field,
            )
        columns[field], seen[field] = index, name
    missing = [field for field in REQUIRED if field not in columns]
    if missing:
        raise refuse(
            _("No column for %(fields)s; name the column in the header, or say which one it is."),
            fields=", ".join(missing),
        )
    return Layout(header, columns)


def _fields_of(cells: Sequence[Cell], chosen: Mapping[str, str]) -> list[tuple[str, int, str]]:
    picked = {_heading(name): field for name, field in chosen.items()}
    known = {
        _heading(name): field
        for field, names in ALIASES.items()
        for name in (field, *names)
        if field not in chosen.values()
    }
    names = [(index, _heading(cell)) for index, cell in enumerate(cells)]
    return [(field, index, name) for index, name in names if name and (field := picked.get(name) or known.get(name))]


@lru_cache(maxsize=4096, typed=True)  # a register names the same few departments and categories over and over
def _channels() -> dict[str, str]:
    """A channel by its code and by its name in each language: the file need not be in the language of the reader."""
    found: dict[str, str] = {}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            found |= {_heading(name): value for value, label in Channel.choices for name in (value, str(label))}
    return found


def _heading(cell: Cell) -> str:
    return "".join(unicodedata.normalize("NFKC", str(cell)).split()).casefold() if cell is not None else ""


class RowReader:
    """Turns cells into `ImportRow`s; knows the organisation's categories and departments."""

    def __init__(self, columns: Mapping[str, int], *, width: int, channel: str, now: datetime) -> None:
        self._places = [(field, columns[field]) for field in FIELDS if field in columns]
        self._width = width
        self._channel = channel
        self._now = now
        self._channels = _channels()
        self._departments = {
            _heading(name): row for row in Department.objects.active() for name in (row.code, row.name)
        }
        categories = Category.objects.filter(dimension=Dimension.CATEGORY)
        self._categories = {
            _heading(name): row.pk for row in categories for name in (row.code, row.name_en, row.name) if name
        }

    def category_id(self, name: str) -> int | None:
        return self._categories.get(_heading(name))

    def remember_category(self, name: str, pk: int) -> None:
        self._categories[_heading(name)] = pk

    def read(self, number: int, cells: Sequence[Cell]) -> ImportRow:
        """Raises RowErrors with everything that is wrong with the row."""
        faults: list[tuple[str, str]] = []
        if len(cells) > self._width and any(cell not in (None, "") for cell in cells[self._width :]):
            faults.append(
                ("row", _("There are more cells than columns; put quotation marks around text that holds commas."))
            )
        values = dict.fromkeys(_TEXTS, "")
        times: dict[str, datetime | None] = dict.fromkeys(_TIMES)
        for field, place in self._places:
            cell = cells[place] if place < len(cells) else None
            try:
                if field in times:
                    times[field] = _moment(field, cell, now=self._now)
                else:
                    values[field] = _text(field, cell)
            except InvalidInput as error:
                faults.append((field, str(error)))
        faults += self._faults(values, times, already={field for field, _message in faults})
        if faults:
            raise RowErrors(faults)
        text = values["narrative"]
        parts = [values["subject"], text]
        if not values["external_number"]:
            parts += [str(times["received_at"]), values["complainant_name"], values["complainant_phone"]]
        return ImportRow(
            row=number,
            external_number=values["external_number"],
            subject=values["subject"] or _first_words(text),
            narrative=text,
            received_at=times["received_at"],
            channel=self._channels[_heading(values["channel"])] if values["channel"] else self._channel,
            category=values["category"],
            department=self._departments.get(_heading(values["department"])) if values["department"] else None,
            complainant_name=values["complainant_name"],
            complainant_phone=values["complainant_phone"],
            reply=values["reply"],
            replied_at=times["replied_at"],
            digest=_digest(parts),
            complainant_email=values["complainant_email"],
            demand=values["demand"],
            place=values["place"],
            amount=_amount(values["amount"]),
        )

    def _faults(
        self, values: Mapping[str, str], times: Mapping[str, datetime | None], *, already: set[str]
    ) -> list[tuple[str, str]]:
        faults = []
        if not values["narrative"] and "narrative" not in already:
            faults.append(("narrative", _("Describe what happened.")))
        if values["channel"] and _heading(values["channel"]) not in self._channels:
            choices = _(", ").join(str(label) for label in Channel.labels)
            faults.append(("channel", _("This channel is not known; use one of: %(choices)s.") % {"choices": choices}))
        if values["department"] and _heading(values["department"]) not in self._departments:
            faults.append(("department", _("There is no such department; use its name or code.")))
        if values["complainant_phone"] and not identity.plausible_phone(values["complainant_phone"]):
            faults.append(("complainant_phone", _("This is not a phone number that can be dialled; check the digits.")))
        if values["complainant_email"] and not _is_address(values["complainant_email"]):
            faults.append(("complainant_email", _("This is not an e-mail address; check it for missing parts.")))
        if values["amount"] and _amount(values["amount"]) is None:
            faults.append(("amount", _("Write the amount in digits, for example 128.50.")))
        received, replied = times["received_at"], times["replied_at"]
        if values["reply"] and not replied and "replied_at" not in already:
            faults.append(("replied_at", _("There is a reply; say when it was given.")))
        if replied and not values["reply"] and "reply" not in already:
            faults.append(("reply", _("There is a date of the reply, but no reply.")))
        if replied and not received and "received_at" not in already:
            faults.append(("received_at", _("There is a reply; say when the complaint was received.")))
        if replied and received and replied < received:
            faults.append(("replied_at", _("The reply is earlier than the complaint.")))
        return faults


_LIMITS = {
    "external_number": 80,
    "subject": 120,
    "narrative": MAX_NARRATIVE,
    "category": 80,
    "demand": 2000,
    "reply": MAX_NARRATIVE,
}


def _is_address(value: str) -> bool:
    try:
        validate_email(value)
    except ValidationError:
        return False
    return True


def _amount(value: str) -> Decimal | None:
    """The sum in yuan, to the cent; None for nothing and for what is no sum."""
    match = _AMOUNT.fullmatch("".join(unicodedata.normalize("NFKC", value).split()))
    if match is None:
        return None
    digits, tens_of_thousands = match.groups()
    found = Decimal(digits.replace(",", "")) * (10_000 if tens_of_thousands else 1)
    return found.quantize(Decimal("0.01")) if found < MAX_AMOUNT else None


def _text(field: str, cell: Cell) -> str:
    """The cell as text. A number that lost digits in a spreadsheet program is refused, never guessed (EX-06)."""
    if isinstance(cell, str):
        text = cell.strip()
    elif isinstance(cell, bool) or cell is None:
        text = "" if cell is None else str(cell)
    elif isinstance(cell, (int, float)):
        if abs(cell) >= EXACT:
            raise InvalidInput(field, _lost_digits())
        text = str(int(cell)) if float(cell).is_integer() else str(cell)
    else:
        text = str(cell).strip()
    if field in NUMBERS and _SCIENTIFIC.fullmatch(text):
        raise InvalidInput(field, _lost_digits())
    limit = _LIMITS.get(field, 200)
    if len(text) > limit or _UNSTORABLE.search(text):
        check_text(field, text, limit=limit)
    return text


class LostDigits:
    """Finds columns whose long numbers all end in zeros after the 15th digit (EX-06).

    Written out by a spreadsheet program such a number looks whole; one alone may be right, a column is not.
    """

    def __init__(self) -> None:
        self._whole: set[str] = set()
        self._short: dict[str, dict[int, str]] = {name: {} for name in NUMBERS}

    def look(self, row: ImportRow) -> None:
        for name in NUMBERS:
            value = getattr(row, name)
            if len(value) > DIGITS and value.isdecimal() and name not in self._whole:
                if value[DIGITS:].strip("0"):
                    self._whole.add(name)
                    self._short[name].clear()
                else:
                    self._short[name][row.row] = value

    def faults(self) -> list[tuple[int, str, str]]:
        """(row, field, sentence) of every number that was shortened."""
        return [
            (row, name, _lost_digits())
            for name, rows in self._short.items()
            if len(set(rows.values())) > 1
            for row in rows
        ]


def _lost_digits() -> str:
    return _(
        "The spreadsheet program shortened this number and lost digits; format the column as text and enter it again."
    )


def _moment(field: str, cell: Cell, *, now: datetime) -> datetime | None:
    """A date or time in Beijing time; None for an empty cell. Serial day numbers are understood."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, datetime):
        found = cell
    elif isinstance(cell, date):
        found = datetime(cell.year, cell.month, cell.day)
    else:
        text = str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)
        found = _parse_moment(field, text.strip())
    found = found if found.tzinfo else found.replace(tzinfo=SHANGHAI)
    if found > now:
        raise InvalidInput(field, _("This time is in the future."))
    if found.year < 2000:
        raise InvalidInput(
            field, _("No time limits are known for this year; only complaints since 2000 can be imported.")
        )
    return found


def _parse_moment(field: str, text: str) -> datetime:
    if _SERIAL.fullmatch(text):
        return (_SERIAL_ZERO + timedelta(days=float(text)) + timedelta(milliseconds=500)).replace(microsecond=0)
    match = _PACKED.fullmatch(text) or _MOMENT.fullmatch(unicodedata.normalize("NFKC", text))
    try:
        if match:
            year, month, day, hour, minute, second, zone, *_rest = (*match.groups(), None)
            written = f"{year}-{month:0>2}-{day:0>2}T{hour or 0:0>2}:{minute or 0:0>2}:{second or 0:0>2}{zone or ''}"
            return datetime.fromisoformat(written)
    except ValueError:
        pass
    raise InvalidInput(field, _("This is not a date; write it like 2026-11-16 09:30."))


def _first_words(text: str) -> str:
    """A subject for a row without one: the beginning of what happened."""
    line = " ".join(text.split())
    return line if len(line) <= SUBJECT_LENGTH else line[: SUBJECT_LENGTH - 1] + "…"


def _digest(parts: Sequence[str]) -> str:
    """Stands for the text in any spacing."""
    normal = "\n".join("".join(part.split()) for part in parts)
    return hashlib.sha256(normal.encode()).hexdigest()[:24]
