"""The files of a case as one person sees them: under which name, and what may be done with each (AZ-07, FL-09).

On a confidential case, a file may show who complained: in the picture, the sound, its name. Such files stay with
the office; departments work with the copies the office made of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Membership, User
from complaints import previews
from complaints.models import Attachment, Complaint, ScanState

# Who makes the copies for departments: the office, which knows the complainant.
COPIES = "complaints.screen_complaint"
_STATES = {
    ScanState.WAITING: (gettext_lazy("waits for the virus check"), "warn"),
    ScanState.INFECTED: (gettext_lazy("virus found"), "bad"),
    ScanState.TOO_LARGE: (gettext_lazy("too large for the virus check"), "bad"),
}


@dataclass(frozen=True)
class CaseFile:
    """One file on the case page; `state` and `tone` say why it cannot be opened, where there is a reason."""

    attachment: Attachment
    may_open: bool
    may_preview: bool
    may_copy: bool
    state: str
    tone: str


def rows(complaint: Complaint, user: User) -> list[CaseFile]:
    """The files of a loaded case; their names become those that this person may read (`withhold_names`)."""
    withheld = withhold_names(complaint, user)
    attachments = list(complaint.attachments.all())
    may_open = user.has_perm("complaints.view_original")
    copied = {row.copy_of_id for row in attachments}
    makes_copies = complaint.is_confidential and user.has_perm(COPIES) and user.has_perm("complaints.view_all")
    found = []
    for row in attachments:
        state, tone = _STATES.get(ScanState(row.file.scan_state), ("", ""))
        if row.pk in withheld:
            state, tone = _("withheld: it may show who complained"), ""
        opens = may_open and row.pk not in withheld and not row.file.is_quarantined
        found.append(
            CaseFile(
                attachment=row,
                may_open=opens,
                may_preview=opens and previews.has_preview(row.file),
                may_copy=makes_copies and opens and row.copy_of_id is None and row.pk not in copied,
                state=str(state),
                tone=tone,
            )
        )
    return found


def withheld_from(user: User, complaint: Complaint, attachments: Iterable[Attachment]) -> dict[int, str]:
    """The files this person may neither open nor read the name of: id → what to show instead (AZ-07).

    Copies made for departments and what the person's own department added are never among them.
    """
    if not complaint.is_confidential or user.has_perm("complaints.view_all"):
        return {}
    colleagues = set(
        Membership.objects.filter(
            department__memberships__user=user, department__memberships__until=None, until=None
        ).values_list("user", flat=True)
    )
    colleagues.add(user.pk)
    return {
        row.pk: _("File %(number)s.%(ending)s") % {"number": number, "ending": row.extension.lower()}
        for number, row in enumerate(attachments, 1)
        if row.copy_of_id is None and row.by_id not in colleagues
    }


def withhold_names(complaint: Complaint, user: User) -> dict[int, str]:
    """Replace, on the loaded case, the names that may tell who complained (`withheld_from`); nothing is saved."""
    shown = list(complaint.attachments.all())
    shown += [step.evidence for step in complaint.investigation_steps.all() if step.evidence]
    names = withheld_from(user, complaint, complaint.attachments.all())
    for row in shown:
        row.name = names.get(row.pk, row.name)
    return names
