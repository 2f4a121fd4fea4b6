"""Numbers of cases, reviews and publications: gapless per day or month, one row lock each (IN-13, CC-06)."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from complaints.models import NumberCounter


def next_number(prefix: str, *, at: datetime, monthly: bool = False) -> str:
    """The next number of the scope, e.g. HY-20261121-0042 or FC-202611-0017.

    Must run inside the transaction that stores the numbered row: a rollback gives the number back.
    """
    stamp = timezone.localtime(at).strftime("%Y%m" if monthly else "%Y%m%d")
    scope = f"{prefix}-{stamp}"
    NumberCounter.objects.get_or_create(scope=scope)
    counter = NumberCounter.objects.select_for_update().get(scope=scope)
    counter.last += 1
    counter.save(update_fields=["last"])
    return f"{scope}-{counter.last:04d}"


def file_number(department_code: str, *, at: datetime) -> str:
    """The next number of an archived file, e.g. DA-2026-WATER-0042: gapless per year and department (ARC-01, ARC-02).

    Must run inside the transaction that stores the file. Long codes are cut; the numbers stay unique.
    """
    code = department_code.upper()[:20] or "0"
    scope = f"DA-{timezone.localtime(at).year}-{code}"
    NumberCounter.objects.get_or_create(scope=scope)
    counter = NumberCounter.objects.select_for_update().get(scope=scope)
    counter.last += 1
    counter.save(update_fields=["last"])
    return f"{scope}-{counter.last:04d}"
