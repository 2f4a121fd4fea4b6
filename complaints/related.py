"""What belongs together with a case, for its page: what people decided, and what may be offered to them (SCR-09)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import CharField, F, QuerySet, Value
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from complaints import matching, selectors
from complaints.models import CaseLink, Complaint, Incident, LinkKind, Merge
from complaints.panels import Panel, register_case_panel
from complaints.states import OPEN, Status

# Without any of these in its record a case is tied to none, and nothing need be asked.
_TYING = {"link", "linked", "merge", "merged_in", "join_incident"}
# Actions that stand in the panel, not beside one of its rows.
_GENERAL = ("link", "merge", "join_incident")


@dataclass(frozen=True)
class Relation:
    """A link, merge or incident that stands. `how` is linked, merged_in, merged_into or incident."""

    how: str
    kind: str
    reason: str
    at: datetime
    number: str
    title: str
    status: str

    @property
    def words(self) -> str:
        """How the other one belongs to this case."""
        if self.how == "linked":
            return str(LinkKind(self.kind).label)
        return {
            "merged_in": _("Merged into this case"),
            "merged_into": _("This case is merged into it"),
            "incident": _("Incident"),
        }[self.how]

    @property
    def status_words(self) -> str:
        if self.how == "incident":
            return _("Closed") if self.status else ""
        return str(Status(self.status).label)

    @property
    def url(self) -> str:
        return reverse("complaints:incident" if self.how == "incident" else "complaints:detail", args=[self.number])


def relations(complaint: Complaint, user: User) -> list[Relation]:
    """Everything a case is tied to that the person may see, oldest first. One query."""
    visible = Complaint.objects.visible_to(user).values("pk")
    links = CaseLink.objects.filter(ended_at=None)
    merges = Merge.objects.filter(undone_at=None)
    arms = [
        _cases(links.filter(first=complaint.pk, second__in=visible), "linked", "second", F("kind")),
        _cases(links.filter(second=complaint.pk, first__in=visible), "linked", "first", F("kind")),
        _cases(merges.filter(primary=complaint.pk, merged__in=visible), "merged_in", "merged", _text("")),
        _cases(merges.filter(merged=complaint.pk, primary__in=visible), "merged_into", "primary", _text("")),
    ]
    if complaint.incident_id is not None:
        incident = Incident.objects.filter(pk=complaint.incident_id).order_by()
        closed = F("closed_by__staff_number")
        arms.append(
            incident.values_list(_text("incident"), _text(""), _text(""), "opened_at", "number", "title", closed)
        )
    found = [Relation(*row) for row in arms[0].union(*arms[1:], all=True)]
    return sorted(found, key=lambda row: row.at)


def answered_together(complaint: Complaint, user: User) -> QuerySet[Complaint]:
    """The cases merged into this one, for whoever writes or checks the reply that answers them too (FB-01).

    They read what was complained of and demanded, as in a case of their own, and nothing about the person.
    """
    merged = Merge.objects.filter(primary=complaint, undone_at=None).values("merged")
    return Complaint.objects.filter(pk__in=merged).not_about(user).order_by("received_at", "pk")


def _known(complaint: Complaint, user: User) -> list[Relation]:
    """The relations of a case whose record is loaded. No query for a case that was never tied."""
    tied = any(event.kind in _TYING for event in complaint.events.all())
    return relations(complaint, user) if tied else []


def _cases(rows: QuerySet, how: str, other: str, kind: Any) -> QuerySet:
    columns = (f"{other}__number", f"{other}__subject", f"{other}__status")
    return rows.order_by().values_list(_text(how), kind, "reason", "at", *columns)


def _text(value: str) -> Value:
    return Value(value, output_field=CharField())


@dataclass(frozen=True)
class Offer:
    """A candidate with what can be done about it at once: (words, icon, address of the filled form)."""

    candidate: matching.Candidate
    actions: list[tuple[str, str, str]] = field(default_factory=list)


def offers(complaint: Complaint, user: User) -> list[Offer]:
    """The candidates of a case that are not tied to it yet, with the actions this person has."""
    tied = {row.number for row in _known(complaint, user)}
    found = [row for row in matching.candidates(complaint, user) if row.case.number not in tied]
    allowed = {move.action for move in selectors.available_actions(complaint, user)}
    return [Offer(row, list(_actions(complaint, row, allowed))) for row in found]


def _actions(complaint: Complaint, candidate: matching.Candidate, allowed: set[str]) -> Iterable[tuple[str, str, str]]:
    other = candidate.case
    if "link" in allowed:
        kind = str(candidate.kind)
        yield (
            _("Link"),
            "link",
            _form(complaint, "link", other=other.number, kind=kind, reason=candidate.reason),
        )
    if "merge" in allowed and other.status in OPEN:
        yield _("Merge into it"), "merge", _form(complaint, "merge", primary=other.number, reason=candidate.reason)
    if "join_incident" in allowed and other.incident is not None and other.incident.closed_at is None:
        yield _("Add to its incident"), "siren", _form(complaint, "join_incident", incident=other.incident.number)


def _form(complaint: Complaint, action: str, **values: str) -> str:
    return f"{reverse('complaints:action', args=[complaint.number, action])}?{urlencode(values)}"


@register_case_panel
def panel(complaint: Complaint, user: User) -> Panel | None:
    """The box on the case page: what stands at once, the candidates when they are asked for. At most one query."""
    allowed = {move.action: move for move in selectors.available_actions(complaint, user)}
    may_open_incidents = user.has_perm("complaints.merge_complaints")
    rows = []
    for row in _known(complaint, user):
        undo = {"linked": "unlink", "merged_into": "undo_merge", "incident": "leave_incident"}.get(row.how, "")
        address = ""
        if undo in allowed:
            address = _form(complaint, undo, **({"other": row.number} if undo == "unlink" else {}))
        url = row.url if row.how != "incident" or may_open_incidents else ""
        rows.append((row, url, allowed[undo].label if address else "", address))
    general = [(allowed[name].label, _form(complaint, name).rstrip("?")) for name in _GENERAL if name in allowed]
    if "join_incident" in allowed and user.has_perm("complaints.manage_incident"):
        general.append((_("Declare an incident"), reverse("complaints:case_declare", args=[complaint.number])))
    return Panel("complaints/related/panel.html", {"relations": rows, "general": general}, order=10)
