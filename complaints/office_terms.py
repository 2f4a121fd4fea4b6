"""Days the office gives itself and others in daily work, beside the service policies, edited as revisions.

What a policy counts belongs to the policy and is bound to a case when it comes in. These are the office's own: after
how long a reminder goes to more people, what a form offers, when a later call is planned. A change counts for what
begins from then on; dates already given stay (JT-08).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import caches
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput, NotAllowed
from accounts.models import User
from complaints import revisions
from complaints.clock_readings import SOON_HOURS, SOON_WORKING_DAYS
from complaints.clock_texts import HOUR
from complaints.models import OfficeTerms

EDITORS = ("complaints.edit_reference", "accounts.configure_system")
WORKING_DAYS, DAYS, HOURS, CALLS = "working_days", "calendar_days", "hours", "calls"
CACHE_SECONDS = 60
_KEY = "office_terms"
UNITS: dict[str, Any] = {
    WORKING_DAYS: _("working days"),
    DAYS: _("calendar days"),
    HOURS: _("hours"),
    CALLS: _("calls"),
}


@dataclass(frozen=True)
class Term:
    """One number: what it is for, what it counts, what it is until somebody edits it, and its bounds."""

    label: Any
    unit: str
    usual: int
    least: int
    most: int


# By code: the group it is shown in, and the number. The order is that of the page.
GROUPS: tuple[tuple[Any, dict[str, Term]], ...] = (
    (
        _("Requests that wait for a decision"),
        {
            # SLA-13: pauses, extensions, new starts of the clocks, returns, second looks, archived files.
            "request_alone": Term(
                _("The coordinator of the case is reminded alone, before all who may decide are"),
                WORKING_DAYS,
                1,
                0,
                30,
            ),
            # FB-10
            "proposal": Term(_("A proposal of a complainant is judged or answered within"), WORKING_DAYS, 5, 1, 60),
        },
    ),
    (
        _("What lists and cases are marked with"),
        {
            # ASG-13
            "soon": Term(
                _("A limit in days is due soon when there is less left than"), WORKING_DAYS, SOON_WORKING_DAYS, 1, 10
            ),
            "soon_hours": Term(
                _("A limit in hours is due soon when there is less left than"), HOURS, SOON_HOURS // HOUR, 1, 48
            ),
            # CLS-18
            "repeat": Term(_("A complaint is a repeat when the same person complained in the last"), DAYS, 90, 7, 730),
        },
    ),
    (
        _("What forms offer"),
        {
            # SCR-06
            "information": Term(
                _("The complainant is given to answer a request for information"), WORKING_DAYS, 10, 1, 60
            ),
            "information_wait": Term(
                _("A request without a day is waited for, then the clocks run on"), DAYS, 30, 1, 365
            ),
            "information_most": Term(
                _("The complainant may be given for an answer, and the clocks may stand for it, at most"),
                DAYS,
                90,
                1,
                365,
            ),
            # SLA-13; as far as the policy of the case allows.
            "pause": Term(_("A pause is approved for"), DAYS, 10, 1, 365),
            # QUA-05
            "rework": Term(
                _("A department has to correct a case that was returned or reopened"), WORKING_DAYS, 3, 1, 30
            ),
            # IN-37
            "outstanding": Term(
                _("The complainant is given to bring what a complaint was accepted without"), DAYS, 10, 1, 365
            ),
            # ARC-04; also the longest time.
            "consultation": Term(_("An archived file is lent for at most"), DAYS, 90, 1, 365),
            # IN-14
            "duty": Term(_("One turn on the duty roster lasts at most"), DAYS, 7, 1, 31),
        },
    ),
    (
        _("Later calls"),
        {
            # SLA-08, FB-14
            "second_contact": Term(_("The second contact after a rectification follows after"), DAYS, 7, 1, 90),
            # FB-16
            "care_every": Term(_("Calls out of care lie apart"), DAYS, 30, 1, 180),
            "care_calls": Term(_("Calls out of care after a case is closed"), CALLS, 3, 0, 12),
        },
    ),
    (
        _("Incidents and knowledge"),
        {
            # SLA-09, INC-06; each response may then have another rhythm.
            "bulletin": Term(_("The response to an incident begins with a bulletin every"), HOURS, 6, 1, 48),
            # INC-06
            "bulletin_near": Term(_("Of the next bulletin it is reminded before it is due"), HOURS, 1, 1, 24),
            # SLA-10
            "first_contact": Term(_("Everybody whom an incident concerns is contacted within"), HOURS, 24, 1, 168),
            "contact_near": Term(_("Of those not contacted it is reminded before that time ends"), HOURS, 4, 1, 48),
            # SCR-09, IN-32
            "alike": Term(_("Cases that look like one event are looked for among those of the last"), DAYS, 14, 1, 90),
            # KB-02
            "article_valid": Term(_("A form offers an article a validity of"), DAYS, 365, 1, 3650),
            "article_soon": Term(_("An article is told of before its validity ends"), DAYS, 14, 1, 180),
            "article_again": Term(_("An article that is out of date is told of again after"), DAYS, 7, 1, 90),
        },
    ),
)
TERMS: dict[str, Term] = {code: term for _label, terms in GROUPS for code, term in terms.items()}


def current() -> OfficeTerms:
    """The revision in force: the newest, or the shipped one, which is stored when it is first edited."""
    return OfficeTerms.objects.order_by("-revision").first() or OfficeTerms(revision=0, terms={})


def all_of(revision: OfficeTerms) -> dict[str, int]:
    """Every number by code; one that a revision does not name is the usual one."""
    return {code: int(revision.terms.get(code, term.usual)) for code, term in TERMS.items()}


def of(code: str) -> int:
    """The number in force. One query."""
    return all_of(current())[code]


def recent(code: str) -> int:
    """The number as a mark on a page needs it: read at most once a minute by each process, so no row costs a query."""
    stored: dict[str, int] | None = caches["local"].get(_KEY)
    if stored is None or code not in stored:
        stored = all_of(current())
        caches["local"].set(_KEY, stored, CACHE_SECONDS)
    return stored[code]


def check(terms: Mapping[str, int]) -> None:
    """Raises InvalidInput at the first number that is missing or out of bounds."""
    for code, term in TERMS.items():
        number = terms.get(code)
        if type(number) is not int or not term.least <= number <= term.most:
            raise InvalidInput(
                code, _("Give a whole number from %(least)s to %(most)s."), least=term.least, most=term.most
            )
    if terms["information_wait"] > terms["information_most"]:
        raise InvalidInput(
            "information_wait",
            _("This is longer than an answer may take at most (%(days)s days); change one of them."),
            days=terms["information_most"],
        )


@transaction.atomic
def revise(terms: Mapping[str, int], *, note: str, based_on: int, by: User, at: datetime | None = None) -> OfficeTerms:
    """Store the next revision. `based_on` is the one the person edited.

    Raises NotAllowed, InvalidInput by code or at `note`, StaleVersion.
    """
    if not by.is_active or not any(by.has_perm(name) for name in EDITORS):
        raise NotAllowed(_("Your role does not allow this."))
    note = revisions.why(note)
    check(terms)
    transaction.on_commit(lambda: caches["local"].delete(_KEY))
    return OfficeTerms.objects.create(
        revision=revisions.following(OfficeTerms, based_on=based_on),
        terms={code: terms[code] for code in TERMS},
        note=note,
        at=at or timezone.now(),
        by=by,
    )
