"""How long the file of a case is kept, and the classes an installation starts with (ARC-02, ARC-04)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from complaints.states import RiskGrade, Severity

if TYPE_CHECKING:
    from complaints.models import Complaint, RetentionClass

PERMANENT, LONG, ORDINARY = "permanent", "years-30", "years-10"
_BASIS = "《机关文件材料归档范围和文书档案保管期限规定》"
# Code, name, English name, years (0: for ever).
_SHIPPED = (
    (PERMANENT, "永久", "For ever", 0),
    (LONG, "30 年", "30 years", 30),
    (ORDINARY, "10 年", "10 years", 10),
)


def load_retention(using: str = "default") -> None:
    """Add the shipped classes that are missing; edited ones stay as they are (ARC-02)."""
    from complaints.models import RetentionClass

    known = set(RetentionClass.objects.using(using).values_list("code", flat=True))
    RetentionClass.objects.using(using).bulk_create(
        RetentionClass(code=code, name=name, name_en=name_en, years=years, basis=_BASIS, order=place * 10)
        for place, (code, name, name_en, years) in enumerate(_SHIPPED, start=1)
        if code not in known
    )


def class_of(complaint: Complaint) -> str:
    """The code of the class: a lawsuit is kept for ever; what was serious, of high risk, did harm or was once on
    hold for 30 years; everything else for 10 (ARC-02)."""
    if complaint.lawsuits.exists():
        return PERMANENT
    is_major = complaint.severity == Severity.SERIOUS or complaint.risk_grade == RiskGrade.HIGH
    if is_major or complaint.has_injury or complaint.holds.exists():
        return LONG
    return ORDINARY


def kept_until(retention: RetentionClass, filed_on: date) -> date | None:
    """The last day the file is kept; None for ever. Years are counted from 1 January after the filing (ARC-04)."""
    return date(filed_on.year + retention.years, 12, 31) if retention.years else None
