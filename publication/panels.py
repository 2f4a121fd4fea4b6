"""The boxes of a case: publish or not and its publication (PUB-44, PUB-45), official statements (RISK-25)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from complaints import destruction
from complaints.archive import KINDS, Piece, register_contributor
from complaints.models import Complaint
from complaints.panels import Panel, register_case_panel
from complaints.states import Status
from complaints.timeline_words import ICONS, TITLES
from publication import statements
from publication.forms import DecideForm
from publication.models import Publication, PublicationDecision, Statement
from publication.states import PublicationStatus

TITLES |= {
    "statement_draft": _("Official statement drafted"),
    "statement_edit": _("Official statement edited"),
    "statement_submit": _("Official statement submitted for the check"),
    "statement_check": _("Official statement checked"),
    "statement_pass_legal": _("Official statement passed by legal"),
    "statement_give_back": _("Official statement given back"),
    "statement_publish": _("Official statement published"),
    "statement_take_down": _("Official statement taken down"),
}
ICONS |= dict.fromkeys(("statement_publish", "statement_take_down"), "megaphone")


@register_case_panel
def publication_of_case(complaint: Complaint, user: User) -> Panel | None:
    """Shown to who sees publications, once the case is closed or has been published."""
    if not user.has_perm("publication.view_publications"):
        return None
    found = list(Publication.objects.filter(complaint=complaint).order_by("-pk"))
    closed = complaint.status in (Status.CLOSED, Status.ARCHIVED)
    if not closed and not found:
        return None
    decision = PublicationDecision.objects.filter(complaint=complaint).select_related("by").first()
    undecided = closed and not found and (decision is None or not decision.publish)
    may_decide = undecided and user.has_perm("publication.compose")
    context = {
        "found": found,
        "decision": decision,
        "decide_form": DecideForm(auto_id="decide_%s") if may_decide else None,
    }
    return Panel("publication/case_panel.html", context, order=60)


# What was published or signed stays as it was; files of a case that is published are not destroyed.
destruction.register_contents("publication", stays=("signoff", "breach"))


def _in_publication(cases: Iterable[int], since: datetime | None) -> set[int]:
    """The cases whose publication stands or is being made: their files are not destroyed (ARC-04)."""
    ended = Q(status__in=[PublicationStatus.WITHDRAWN, PublicationStatus.ABANDONED])
    if since is not None:
        ended &= Q(updated_at__lt=since)
    return set(Publication.objects.filter(~ended, complaint__in=cases).values_list("complaint", flat=True))


destruction.register_hindrance("publication", _("It is published or about to be"), _in_publication)

KINDS |= {"publication": _("Publication"), "publication_decision": _("Decision on publishing")}


@register_contributor
def publications_of_file(complaint: Complaint) -> list[Piece]:
    """The decision to publish or not, and what was published, belong in the file of the case (ARC-03)."""
    decided = PublicationDecision.objects.filter(complaint=complaint).select_related("by")
    posted = Publication.objects.filter(complaint=complaint, posted_at__isnull=False).select_related("author")
    return [
        *(Piece("publication_decision", str(row.get_reason_display()), row.at, row, row.by) for row in decided),
        *(
            Piece("publication", f"{row.number} {row.get_status_display()}", row.posted_at, row, row.author)
            for row in posted
            if row.posted_at is not None
        ),
    ]


@register_case_panel
def statements_on_case(complaint: Complaint, user: User) -> Panel | None:
    """The official statements on this matter, and a link to write one, for whoever reads or writes them."""
    if not any(user.has_perm(name) for name in statements.READERS):
        return None
    found = list(Statement.objects.filter(complaints=complaint))
    may_write = any(user.has_perm(name) for name in statements.WRITERS)
    if not found and not may_write:
        return None
    return Panel("publication/statement_panel.html", {"statements": found, "may_write": may_write}, order=65)
