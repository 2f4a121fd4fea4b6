"""What the case page shows about screening and judgement: what is owed, notices to print, labels, the law."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone

from complaints import notice_documents, notices
from complaints.models import Complaint, LegalReference


def context(complaint: Complaint, *, now: datetime) -> dict[str, Any]:
    """Values for the panels; asks the database only where the case has a legal type."""
    labels = complaint.unreasonable_labels.all()
    return {
        "untold": notices.waits_to_be_told(complaint),
        "outstanding": complaint.outstanding_items.all(),
        "today": timezone.localdate(now),
        "printed_notices": [row for row in reversed(complaint.notices.all()) if notice_documents.is_printed(row)],
        "label": labels[len(labels) - 1] if labels else None,
        "law": law_of(complaint),
    }


def law_of(complaint: Complaint) -> LegalReference | None:
    """The statutes and the risk to reputation of the case's legal type on the day it was received (CLS-09)."""
    if complaint.legal_type_id is None:
        return None
    day = timezone.localdate(complaint.received_at)
    in_force = Q(valid_until=None) | Q(valid_until__gte=day)
    return LegalReference.objects.filter(in_force, category=complaint.legal_type_id, valid_from__lte=day).first()
