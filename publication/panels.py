"""The box of a closed case: publish or not, and its publication (PUB-44, PUB-45)."""

from __future__ import annotations

from accounts.models import User
from complaints.models import Complaint
from complaints.panels import Panel, register_case_panel
from complaints.states import Status
from publication.forms import DecideForm
from publication.models import Publication, PublicationDecision


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
