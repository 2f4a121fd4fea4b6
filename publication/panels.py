"""The boxes of a case: publish or not and its publication (PUB-44, PUB-45), official statements (RISK-25)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from complaints import destruction
from complaints.archive import KINDS, Piece, register_contributor
from complaints.models import Bulletin, Complaint
from complaints.panels import Panel, register_case_panel, register_track_panel
from complaints.states import Status
from complaints.timeline_words import ICONS, TITLES
from publication import incident_pages, statements
from publication.forms import DecideForm
from publication.models import Publication, PublicationDecision, Statement
from publication.states import PublicationStatus

# The newest bulletins on the tracking page; the rest stands on the page of the incident.
ON_TRACK = 3

TITLES |= {
    "publication_gate": _("Questions before publication answered"),
    "publication_document": _("Document revised because of this problem"),
    "publication_breach": _("Leak through the publication recorded"),
    "publication_breach_closed": _("Leak through the publication closed"),
    "publication_corrected": _("Published result corrected"),
    "statement_draft": _("Official statement drafted"),
    "statement_edit": _("Official statement edited"),
    "statement_submit": _("Official statement submitted for the check"),
    "statement_check": _("Official statement checked"),
    "statement_pass_legal": _("Official statement passed by legal"),
    "statement_give_back": _("Official statement given back"),
    "statement_publish": _("Official statement published"),
    "statement_take_down": _("Official statement taken down"),
}
TITLES |= {
    "posting_up": _("Put up on a channel"),
    "posting_renewed": _("Posting brought up to date"),
    "posting_down": _("Posting taken down"),
}
TITLES |= {"publication_file_seen": _("A second person looked at the copy of an attachment")}
ICONS |= dict.fromkeys(("statement_publish", "statement_take_down"), "megaphone")


@register_case_panel
def publication_of_case(complaint: Complaint, user: User) -> Panel | None:
    """Shown to who sees publications, once the case is closed or has been published."""
    if not user.has_perm("publication.view_publications"):
        return None
    answers = Publication.objects.filter(Q(complaint=complaint) | Q(also_about=complaint)).distinct()
    found = list(answers.order_by("-pk"))
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
    living = Publication.objects.filter(~ended)
    wanted = set(cases)
    return (
        set(living.filter(complaint__in=wanted).values_list("complaint", flat=True))
        | set(living.filter(also_about__in=wanted).values_list("also_about", flat=True)) & wanted
    )


destruction.register_hindrance("publication", _("It is published or about to be"), _in_publication)

KINDS |= {"publication": _("Publication"), "publication_decision": _("Decision on publishing")}


@register_contributor
def publications_of_file(complaint: Complaint) -> list[Piece]:
    """The decision to publish or not, and what was published, belong in the file of the case (ARC-03)."""
    decided = PublicationDecision.objects.filter(complaint=complaint).select_related("by")
    posted = Publication.objects.filter(
        Q(complaint=complaint) | Q(also_about=complaint), posted_at__isnull=False
    ).select_related("author")
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


@register_track_panel
def bulletins_of_incident(complaint: Complaint) -> Panel | None:
    """What the public reads of the incident of the case, the newest three first (INC-08)."""
    if complaint.incident_id is None:
        return None
    keys = list(Bulletin.objects.filter(incident=complaint.incident_id).values_list("pk", flat=True))
    found = list(incident_pages.standing().filter(bulletin_id__in=keys).order_by("-number")[:ON_TRACK])
    if not found:
        return None
    context = {"bulletins": found, "public_id": found[0].incident_public_id}
    return Panel("public/track/bulletins_panel.html", context, order=20)
