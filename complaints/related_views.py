"""What may belong together: beside a case, and while a complaint is being registered (SCR-09, IN-27).

Only the desk is told; the public form and its API know nothing of this (PI-17).
"""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.web import StaffRequest
from complaints import case_access, case_page, case_records, identity, matching, related
from complaints.desk_access import needs
from complaints.models import Category, Dimension
from complaints.models.people import ContactKind
from complaints.transitions.intake import MAX_NARRATIVE

# Open beside a case; the others stand folded below them.
SUREST = 4


@login_required
@require_safe
def candidates(request: StaffRequest, number: str) -> HttpResponse:
    """The candidates of a case: the list alone for the box on its page, else a page of its own."""
    complaint = case_access.visible_case(request.user, number)
    case_records.load(complaint)
    offers = related.offers(complaint, request.user)
    context = {"complaint": complaint, "offers": offers, "surest": SUREST, "others": len(offers) - SUREST}
    if request.htmx:
        return render(request, "complaints/related/candidates.html", context)
    context |= {"active": "cases", "badge": case_page.badge(complaint)}
    return render(request, "complaints/related/page.html", context)


@needs("complaints.register_complaint")
@require_POST
def matter(request: StaffRequest) -> HttpResponse:
    """Cases that may be about what is being typed; by POST, so that it is in no log."""
    typed = {name: request.POST.get(name, "").replace("\x00", "") for name in _TYPED}
    category = Category.objects.filter(dimension=Dimension.CATEGORY, code=typed["category"][:60])
    given = ((ContactKind.PHONE, typed["phone"][:40]), (ContactKind.EMAIL, typed["email"][:200]))
    draft = matching.Matter(
        narrative=typed["narrative"][:MAX_NARRATIVE],
        place=typed["place"][:200],
        outlet=typed["outlet"][:80],
        category=category.values_list("pk", flat=True).first() if typed["category"] else None,
        received_at=timezone.now(),
        hashes=tuple(identity.match_hash(kind, value) for kind, value in given if value.strip()),
    )
    found = [row for row in matching.candidates(draft, request.user) if set(row.reasons) - {matching.Way.PERSON}]
    context = {"candidates": found, "surest": SUREST, "others": len(found) - SUREST}
    return render(request, "complaints/register_matter.html", context)


_TYPED = ("narrative", "place", "outlet", "category", "phone", "email")
