"""Writes beside the texts of a publication: gate, further cases, chart, community lines, revised documents.

What changes a text goes through `transitions.edit`, so that signatures are void and redactions searched again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from accounts.models import User
from complaints import transitions as case_transitions
from complaints.models import Complaint
from complaints.states import Status
from publication import charts, content, gate, transitions
from publication.models import ChannelMapping, FigureEvidence, Gate, Publication, PublicationDecision, RevisedDocument
from publication.redaction import leaks
from publication.states import AudienceGroup, GateAnswer, PublicationStatus, SpanDecision

# Community matters where the office has not sent any category to a channel of the neighbourhood (PUB-31).
COMMUNITY = ("housing",)
PLAN, PHONE, INSPECTION = "整改方案", "监督电话", "后续巡查"
MOST_CASES = 50


def overview(publication: Publication) -> dict[str, Any]:
    """What the page of a publication says of everything beside its texts."""
    return {
        "gate": gate.of(publication),
        "gate_problem": gate.problem(publication),
        "cases": publication.also_about.count() + 1,
        "chart": charts.of_text(publication.result),
        "is_community": is_community(publication),
        "community": len(community_lines(publication)),
        "documents": publication.revised_documents.count(),
    }


# --- The gate (PUB-44) --------------------------------------------------------------------------------


@transaction.atomic
def confirm_gate(
    publication_id: int,
    *,
    by: User,
    answers: Mapping[str, str],
    note: str = "",
    version: int | None = None,
    at: datetime | None = None,
) -> Gate:
    """Answer the five questions; an empty answer leaves one open. Only while it is a draft.

    Who answers more mildly than the facts of the case speak for says why. Raises NotAllowed, IllegalTransition,
    StaleVersion, InvalidInput naming the question or `note`.
    """
    at = at or timezone.now()
    publication = transitions.open_draft(publication_id, by=by, version=version)
    for name in gate.QUESTIONS:
        if answers.get(name, "") not in ("", *GateAnswer.values):
            raise InvalidInput(name, _("Choose one of the answers."))
    suggested = gate.suggestions(publication)
    milder = [
        str(label)
        for name, label in gate.QUESTIONS.items()
        if answers.get(name, "") and gate.is_milder(answers[name], suggested[name].answer)
    ]
    if milder and not note.strip():
        raise InvalidInput(
            "note", _("The record speaks for a stricter answer (%(which)s). Say why not."), which=milder[0]
        )
    values = {name: answers.get(name, "") for name in gate.QUESTIONS}
    said = {name: found.answer for name, found in suggested.items()}
    row, _created = Gate.objects.update_or_create(
        publication=publication,
        defaults={**values, "note": note.strip()[:300], "suggested": said, "by": by, "at": at},
    )
    transitions.close_draft(publication, "gate", by=by, at=at)
    return row


# --- Several cases of the same matter (PUB-01) ----------------------------------------------------------


def candidates(publication: Publication, user: User) -> QuerySet[Complaint]:
    """Closed cases of the same matter this person sees and may add: same category or incident, not yet published."""
    case = publication.complaint
    same = Q()
    if publication.category_id:
        same |= Q(category=publication.category_id) | Q(category__parent=publication.category_id)
    if case.incident_id:
        same |= Q(incident=case.incident_id)
    rows = Complaint.objects.visible_to(user).filter(status__in=[Status.CLOSED, Status.ARCHIVED])
    if not same:
        return rows.none()
    living = Publication.objects.exclude(pk=publication.pk).exclude(
        status__in=[PublicationStatus.WITHDRAWN, PublicationStatus.ABANDONED]
    )
    refused = PublicationDecision.objects.filter(complaint=OuterRef("pk"), publish=False)
    taken = living.filter(complaint=OuterRef("pk"))
    joined = living.filter(also_about=OuterRef("pk"))
    return (
        rows.filter(same, ~Exists(refused), ~Exists(taken), ~Exists(joined)).exclude(pk=case.pk).order_by("-closed_at")
    )


@transaction.atomic
def set_cases(
    publication_id: int,
    *,
    by: User,
    cases: Collection[int],
    version: int | None = None,
    at: datetime | None = None,
) -> Publication:
    """Let the publication answer these further cases too; those left out wait for a decision again.

    The people of every case are masked, the text says how many complaints it answers, and the gate is asked anew.
    Raises InvalidInput at `cases` for one that is not closed, of another matter, published elsewhere or not visible.
    """
    at = at or timezone.now()
    first = Publication.objects.values_list("complaint_id", flat=True).get(pk=publication_id)
    for pk in sorted({first, *cases}):  # always in this order, so that two people cannot block each other
        if Complaint.objects.filter(pk=pk).exists():
            case_transitions.lock(pk)
    publication = Publication.objects.select_related("complaint").get(pk=publication_id)
    before = set(publication.also_about.values_list("pk", flat=True))
    chosen = set(candidates(publication, by).filter(pk__in=cases).values_list("pk", flat=True))
    if chosen != set(cases) or len(chosen) > MOST_CASES:
        raise InvalidInput("cases", _("Choose closed cases of the same matter that are not published elsewhere."))
    subject = content.with_count(publication.subject, len(chosen) + 1)
    edited = transitions.edit(publication_id, by=by, version=version, at=at, subject=subject, also_about=sorted(chosen))
    for pk in sorted(chosen - before):
        transitions.decide(pk, by=by, publish=True, note=publication.number, at=at)
    PublicationDecision.objects.filter(complaint__in=before - chosen, publish=True).delete()
    return edited


# --- The chart (PUB-22) -----------------------------------------------------------------------------------


@transaction.atomic
def set_chart(
    publication_id: int,
    *,
    by: User,
    caption: str,
    before: int,
    after: int,
    version: int | None = None,
    at: datetime | None = None,
) -> Publication:
    """Put one chart below the result, from two figures that have evidence and the same unit; an earlier one goes.

    Raises InvalidInput at `caption` or `after`.
    """
    publication = Publication.objects.get(pk=publication_id)
    caption = caption.strip()
    if not 1 <= len(caption) <= 40 or any(char in caption for char in "｜|\n\r\x00"):
        raise InvalidInput("caption", _("Write 1 to 40 characters, without “｜”."))
    rows = FigureEvidence.objects.filter(publication=publication, pk__in=[before, after]).in_bulk()
    if before == after or len(rows) != 2:
        raise InvalidInput("after", _("Choose two different figures that have evidence."))
    first, second = charts.split(rows[before].figure), charts.split(rows[after].figure)
    if first is None or second is None or first[1] != second[1]:
        raise InvalidInput(
            "after", _("Both figures must count the same: hours with hours, households with households.")
        )
    chart = charts.Chart(caption, first[0], second[0], first[1])
    text = f"{charts.without(publication.result).rstrip()}\n{chart.line}".strip()
    edited = transitions.edit(publication_id, by=by, version=version, at=at, result=text)
    for figure, row in zip(chart.figures, (rows[before], rows[after]), strict=True):
        transitions.link_figure(publication_id, by=by, field="result", figure=figure, evidence=row.evidence, at=at)
    return edited


@transaction.atomic
def remove_chart(
    publication_id: int, *, by: User, version: int | None = None, at: datetime | None = None
) -> Publication:
    """Take the chart out of the text."""
    text = charts.without(Publication.objects.get(pk=publication_id).result)
    return transitions.edit(publication_id, by=by, version=version, at=at, result=text)


# --- Community matters (PUB-31) ---------------------------------------------------------------------------


def is_community(publication: Publication) -> bool:
    """Whether the category asks for the plan, the telephone and the inspection (PUB-31).

    These are the categories that the office sends to a channel for the neighbourhood, and those below them.
    """
    category = publication.category
    if category is None:
        return False
    near = ChannelMapping.objects.filter(channel__audience=AudienceGroup.NEIGHBOURS, channel__is_active=True)
    chosen = set(near.values_list("category", flat=True))
    return bool(chosen & {category.pk, category.parent_id}) if chosen else category.code in COMMUNITY


def community_lines(publication: Publication) -> dict[str, str]:
    """The lines of the improvement text that say plan, telephone and inspection, by their word."""
    found = {}
    for line in publication.improvement.splitlines():
        for word in (PLAN, PHONE, INSPECTION):
            if line.startswith(f"{word}："):
                found[word] = line.removeprefix(f"{word}：")
    return found


@transaction.atomic
def set_community(
    publication_id: int,
    *,
    by: User,
    contractor: str,
    plan: str,
    phone: str,
    owner: str,
    is_office: bool,
    inspection: str,
    inspection_on: date,
    version: int | None = None,
    at: datetime | None = None,
) -> Publication:
    """Write the contractor's plan, the telephone and the further inspection as lines of the improvement text.

    `phone` is a landline or service number of an organisation (`owner`), which `is_office` confirms; it is then not
    masked. Raises InvalidInput by field: a mobile number, a number of somebody of the case, a day in the past.
    """
    at = at or timezone.now()
    values = {"contractor": contractor, "plan": plan, "phone": phone, "owner": owner, "inspection": inspection}
    cleaned = {name: " ".join(value.split()) for name, value in values.items()}
    for name, value in cleaned.items():
        if not value or len(value) > 400:
            raise InvalidInput(name, _("Write 1 to %(most)s characters."), most=400)
    if inspection_on < timezone.localdate(at):
        raise InvalidInput("inspection_on", _("This date lies in the past."))
    publication = Publication.objects.select_related("complaint__complainant").get(pk=publication_id)
    _check_number(publication, cleaned["phone"], is_office=is_office)
    lines = [line for line in publication.improvement.splitlines() if not _is_community(line)]
    lines += [
        f"{PLAN}：{cleaned['contractor']}，{cleaned['plan']}",
        f"{PHONE}：{cleaned['phone']}（{cleaned['owner']}）",
        f"{INSPECTION}：{cleaned['inspection']}，"
        f"{inspection_on.year} 年 {inspection_on.month} 月 {inspection_on.day} 日第一次",
    ]
    edited = transitions.edit(publication_id, by=by, version=version, at=at, improvement="\n".join(lines).strip())
    _keep_number(edited, cleaned["phone"], cleaned["owner"], by=by, at=at)
    return edited


def _is_community(line: str) -> bool:
    return line.startswith((f"{PLAN}：", f"{PHONE}：", f"{INSPECTION}："))


def _check_number(publication: Publication, phone: str, *, is_office: bool) -> None:
    if not re.fullmatch(r"[\d\-－— ]{3,20}", phone):
        raise InvalidInput("phone", _("Give a telephone number."))
    found = leaks(phone, content.known_of(publication))
    if any(span.source == "identity" for span in found):
        raise InvalidInput("phone", _("This number belongs to somebody of this case."))
    if any(span.type not in content.OFFICE_NUMBER for span in found):
        raise InvalidInput("phone", _("Give a landline or a service number; a mobile number identifies a person."))
    if not is_office:
        raise InvalidInput("is_office", _("Confirm that this is the number of an organisation."))


def _keep_number(publication: Publication, phone: str, owner: str, *, by: User, at: datetime) -> None:
    start = publication.improvement.index(f"{PHONE}：{phone}") + len(PHONE) + 1
    for span in publication.spans.filter(field="improvement", start__lt=start + len(phone), end__gt=start):
        if span.decision != SpanDecision.KEPT:
            reason = gettext("Number of an organisation: %(owner)s") % {"owner": owner}
            transitions.decide_span(publication.pk, by=by, span_id=span.pk, keep=True, reason=reason, at=at)


# --- Documents (PUB-42) -----------------------------------------------------------------------------------


@transaction.atomic
def add_document(
    publication_id: int,
    *,
    by: User,
    title: str,
    revised_on: date,
    revision: str = "",
    at: datetime | None = None,
) -> RevisedDocument:
    """Note a manual or rule that was revised because of this problem, at any stage of the publication.

    Raises NotAllowed, InvalidInput at `title` or `revised_on`.
    """
    at = at or timezone.now()
    publication = transitions.open_any(publication_id, by=by)
    if not title.strip() or "\x00" in title:
        raise InvalidInput("title", _("Name the document."))
    if revised_on > timezone.localdate(at):
        raise InvalidInput("revised_on", _("This date lies in the future."))
    same = RevisedDocument.objects.filter(publication=publication, title=title.strip()[:120], revised_on=revised_on)
    if same.exists():
        raise InvalidInput("title", _("This revision is noted already."))
    row = RevisedDocument.objects.create(
        publication=publication,
        title=title.strip()[:120],
        revision=revision.strip()[:40],
        revised_on=revised_on,
        at=at,
        by=by,
    )
    transitions.note(publication, "document", by=by, at=at)
    return row
