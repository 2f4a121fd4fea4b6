"""Every write that moves a publication (PUB-01…20). Lock order: case, then publication.

Signatures name the hash of exactly what would be posted: any change voids them, and posting
compares the hash once more under the lock (PR-02, PR-03).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import takedowns
from accounts.errors import IllegalTransition, InvalidInput, NotAllowed, StaleVersion
from accounts.models import User
from complaints import notify, search
from complaints import transitions as case_transitions
from complaints.models import Complaint
from complaints.numbers import next_number
from complaints.states import Audience, Status
from publication import combinations, content, content_files, effects, findings, gate, leak_scan, masking, permissions
from publication.models import (
    FigureEvidence,
    Gate,
    Publication,
    PublicationDecision,
    PublicationFile,
    PublishedFile,
    PublishedResult,
    PublishedSearch,
    RedactionSpan,
    SignOff,
)
from publication.states import MOVES, CheckKind, NotPublishedReason, PublicationStatus, RenderState, SpanDecision

# A notice stays public for this long unless the author sets another end (days).
DEFAULT_TERM = 30
# A machine's suggestion at least this sure is accepted until a person decides otherwise.
SURE = 0.9
EDITABLE = (
    "title",
    "summary",
    "subject",
    "cause",
    "investigation",
    "responsibility",
    "result",
    "improvement",
    "profile",
    "publish_at",
    "publish_until",
)


@transaction.atomic
def decide(
    complaint_id: int, *, by: User, publish: bool, reason: str = "", note: str = "", at: datetime | None = None
) -> PublicationDecision:
    """Publish or not: answered for every closed case, with a coded reason when not (PUB-44, PUB-45)."""
    at = at or timezone.now()
    if not by.has_perm("publication.compose"):
        raise NotAllowed(_("Your role does not allow this."))
    complaint = case_transitions.lock(complaint_id)
    _need_closed(complaint)
    if not publish and reason not in NotPublishedReason.values:
        raise InvalidInput("reason", _("Choose why it is not published."))
    if not publish and _has_publication(complaint):
        raise IllegalTransition(_("There is a publication of this case; give it up or take it down first."))
    row, _created = PublicationDecision.objects.update_or_create(
        complaint=complaint,
        defaults={"publish": publish, "reason": "" if publish else reason, "note": note[:300], "by": by, "at": at},
    )
    case_transitions.add_event(
        complaint,
        "publication_decided",
        by=by,
        at=at,
        note="publish" if publish else f"not: {reason}",
        audience=Audience.OFFICE,
    )
    return row


@transaction.atomic
def compose(complaint_id: int, *, by: User, at: datetime | None = None) -> Publication:
    """Start a publication of a closed case with texts drafted from its structured records (PUB-02)."""
    at = at or timezone.now()
    if not by.has_perm("publication.compose"):
        raise NotAllowed(_("Your role does not allow this."))
    complaint = case_transitions.lock(complaint_id)
    _need_closed(complaint)
    if _has_publication(complaint):
        raise IllegalTransition(_("There is already a publication of this case."))
    decision = PublicationDecision.objects.filter(complaint=complaint).first()
    if decision and not decision.publish:
        raise IllegalTransition(_("It was decided not to publish this case; change the decision first."))
    if decision is None:
        PublicationDecision.objects.create(complaint=complaint, publish=True, by=by, at=at)
    category = complaint.category.parent or complaint.category if complaint.category else None
    publication = Publication.objects.create(
        number=next_number("GS", at=at, monthly=True),
        complaint=complaint,
        version=1,
        author=by,
        created_at=at,
        updated_at=at,
        category=category,
        department=complaint.lead_department,
        publish_until=None,
        masking=masking.in_force("standard", at=at),
        **content.draft_from(complaint),
    )
    publication.improvements.set(complaint.improvements.all())
    _search(publication, {})
    _link_drafted(publication, by=by, at=at)
    _event(publication, "composed", by=by, at=at)
    return publication


def _has_publication(complaint: Complaint) -> bool:
    """Whether a publication answers the case that is neither given up nor taken down."""
    rows = Publication.objects.filter(Q(complaint=complaint) | Q(also_about=complaint))
    return rows.exclude(status__in=[PublicationStatus.WITHDRAWN, PublicationStatus.ABANDONED]).exists()


def _need_closed(complaint: Complaint) -> None:
    if complaint.status not in (Status.CLOSED, Status.ARCHIVED):
        raise IllegalTransition(_("Only a closed case can be published."))


def _begin(publication_id: int, action: str, *, by: User | None, version: int | None) -> Publication:
    complaint_id = Publication.objects.values_list("complaint_id", flat=True).get(pk=publication_id)
    case_transitions.lock(complaint_id)
    publication = (
        Publication.objects.select_for_update(of=("self",))
        .select_related("category", "department", "complaint__complainant", "masking")
        .get(pk=publication_id)
    )
    if by is not None:
        reason = permissions.refusal(by, action, publication)
        if reason:
            raise NotAllowed(reason)
    if version is not None and version != publication.version:
        raise StaleVersion(publication.version)
    if publication.status not in MOVES[action].sources:
        raise IllegalTransition(
            _("“%(action)s” is not possible: the publication is “%(status)s”."),
            action=MOVES[action].label,
            status=publication.get_status_display(),
        )
    return publication


def _finish(publication: Publication, action: str, *, by: User | None, at: datetime, note: str = "") -> Publication:
    publication.status = MOVES[action].target or publication.status
    publication.version += 1
    publication.updated_at = at
    publication.save()
    _event(publication, action, by=by, at=at, note=note)
    return publication


def _event(publication: Publication, action: str, *, by: User | None, at: datetime, note: str = "") -> None:
    case_transitions.add_event(
        publication.complaint,
        f"publication_{action}",
        by=by,
        at=at,
        note=note,
        reference=f"publication:{publication.number}",
        audience=Audience.OFFICE,
    )


def open_draft(publication_id: int, *, by: User, version: int | None) -> Publication:
    """A draft, locked for what its author notes beside it. Raises NotAllowed, StaleVersion, IllegalTransition."""
    return _begin(publication_id, "submit", by=by, version=version)


def close_draft(publication: Publication, what: str, *, by: User, at: datetime) -> None:
    """Count the version on and log what was noted beside the texts."""
    publication.version += 1
    publication.updated_at = at
    publication.save(update_fields=["version", "updated_at"])
    _event(publication, what, by=by, at=at)


def open_any(publication_id: int, *, by: User) -> Publication:
    """A publication at any stage, its case locked, for who composes. Raises NotAllowed."""
    publication = Publication.objects.select_related("complaint__complainant").get(pk=publication_id)
    case_transitions.lock(publication.complaint_id)
    refused = permissions.refusal(by, "edit", publication)
    if refused:
        raise NotAllowed(refused)
    return publication


def note(publication: Publication, what: str, *, by: User, at: datetime) -> None:
    """Log what was noted beside a publication; its version stays."""
    _event(publication, what, by=by, at=at)


def _void_signatures(publication: Publication) -> None:
    """Any change makes every signature worthless; their history stays in `SignOff`."""
    publication.first_checker = publication.second_checker = publication.masking_reviewer = None
    publication.first_checked_at = publication.second_checked_at = publication.masking_reviewed_at = None
    publication.signed_hash = ""


@transaction.atomic
def edit(
    publication_id: int, *, by: User, version: int | None = None, at: datetime | None = None, **changes: Any
) -> Publication:
    """Save texts or dates; back to draft, signatures void, redactions searched again in what changed.

    Decisions on redactions that stand unchanged are kept.
    """
    at = at or timezone.now()
    publication = _begin(publication_id, "edit", by=by, version=version)
    unknown = set(changes) - {*EDITABLE, "improvements", "also_about"}
    if unknown:
        raise InvalidInput(sorted(unknown)[0], _("This field cannot be set."))
    for name, value in changes.items():
        if isinstance(value, str) and ("\x00" in value or len(value) > 5000):
            raise InvalidInput(name, _("Please shorten this to %(limit)s characters."), limit=5000)
    until, start = (
        changes.get("publish_until", publication.publish_until),
        changes.get("publish_at", publication.publish_at),
    )
    if until and until <= (start or at):
        raise InvalidInput("publish_until", _("The end lies before the start; give a later date."))
    # Another profile masks differently, so every text is searched again then.
    same_profile = changes.get("profile", publication.profile) == publication.profile
    before = {name: getattr(publication, name) for name in content.TEXT_FIELDS}
    improvements, cases = changes.pop("improvements", None), changes.pop("also_about", None)
    for name, value in changes.items():
        setattr(publication, name, value)
    if not same_profile:
        publication.masking = masking.in_force(publication.profile, at=at)
    _void_signatures(publication)
    _finish(publication, "edit", by=by, at=at)
    if improvements is not None:
        publication.improvements.set(improvements)
    if cases is not None:  # other people are known now, and the gate was answered for fewer cases
        publication.also_about.set(cases)
        Gate.objects.filter(publication=publication).delete()
    _search(publication, before, only_changed=same_profile and cases is None)
    _link_drafted(publication, by=by, at=at)
    return publication


def _link_drafted(publication: Publication, *, by: User, at: datetime) -> None:
    """Figures of what was drafted from the records have the record as their evidence; a link made by hand stays."""
    FigureEvidence.objects.bulk_create(
        [
            FigureEvidence(
                publication=publication,
                field=name,
                figure=figure[:60],
                evidence=evidence[:200],
                linked_by=by,
                linked_at=at,
            )
            for (name, figure), evidence in content.drafted_figures(publication).items()
        ],
        ignore_conflicts=True,
    )


def _search(publication: Publication, before: dict[str, str], *, only_changed: bool = False) -> None:
    """Search what identifies somebody by itself, then what does so only together with the rest."""
    decided = combinations.decisions(publication, before)
    _find_spans(publication, before, only_changed=only_changed)
    combinations.mark(publication, decided)


def _find_spans(publication: Publication, before: dict[str, str], *, only_changed: bool = False) -> None:
    """Search the texts again; a decision stays where the same words are found in the same text."""
    known, rows = content.known_of(publication), masking.rows_for(publication)
    for name in content.TEXT_FIELDS:
        text = getattr(publication, name)
        if only_changed and before.get(name) == text:
            continue
        old_text = before.get(name, "")
        decided = {(old_text[row.start : row.end], row.type): row for row in publication.spans.filter(field=name)}
        publication.spans.filter(field=name).delete()
        for span in content.suggest(text, known, rows):
            earlier = decided.get((text[span.start : span.end], span.type))
            sure = span.source in ("identity", "pattern") or span.confidence >= SURE
            row = RedactionSpan(
                publication=publication,
                field=name,
                start=span.start,
                end=span.end,
                type=span.type,
                source=span.source,
                confidence=span.confidence,
                replacement=span.replacement,
                decision=SpanDecision.ACCEPTED if sure else SpanDecision.PENDING,
            )
            if earlier and earlier.decided_by_id:
                row.decision, row.reason = earlier.decision, earlier.reason
                row.decided_by, row.decided_at = earlier.decided_by, earlier.decided_at
            row.save()


@transaction.atomic
def decide_span(
    publication_id: int,
    *,
    by: User,
    span_id: int,
    keep: bool,
    reason: str = "",
    version: int | None = None,
    at: datetime | None = None,
) -> RedactionSpan:
    """Mask a suggestion or keep the words, with a reason; what is known to identify somebody is never kept (PR-09)."""
    at = at or timezone.now()
    publication = _begin(publication_id, "decide_span", by=by, version=version)
    row = publication.spans.filter(pk=span_id).first()
    if row is None:
        raise InvalidInput("span", _("This place no longer exists; the text was changed."))
    if keep and row.source == "identity":
        raise InvalidInput("keep", _("These words identify somebody of this case; they cannot be kept."))
    if keep and not reason.strip():
        raise InvalidInput("reason", _("Say why these words may stay."))
    row.decision, row.reason, row.decided_by, row.decided_at = (
        SpanDecision.KEPT if keep else SpanDecision.ACCEPTED,
        reason[:200],
        by,
        at,
    )
    row.save(update_fields=["decision", "reason", "decided_by", "decided_at"])
    _finish(publication, "decide_span", by=by, at=at)
    return row


@transaction.atomic
def add_span(
    publication_id: int,
    *,
    by: User,
    field: str,
    start: int,
    end: int,
    replacement: str,
    version: int | None = None,
    at: datetime | None = None,
) -> RedactionSpan:
    """Mask words a person found; offsets are code points of the text (PR-10)."""
    at = at or timezone.now()
    publication = _begin(publication_id, "decide_span", by=by, version=version)
    if field not in content.TEXT_FIELDS:
        raise InvalidInput("field", _("Choose one of the texts."))
    if not 0 <= start < end <= len(getattr(publication, field)):
        raise InvalidInput("start", _("The selection lies outside the text."))
    if publication.spans.filter(field=field, start__lt=end, end__gt=start).exists():
        raise InvalidInput("start", _("A part of the selection is already marked."))
    row = RedactionSpan.objects.create(
        publication=publication,
        field=field,
        start=start,
        end=end,
        type="manual",
        source="person",
        replacement=replacement or "〔已隐去〕",
        decision=SpanDecision.ACCEPTED,
        decided_by=by,
        decided_at=at,
    )
    _finish(publication, "decide_span", by=by, at=at)
    return row


@transaction.atomic
def link_figure(
    publication_id: int,
    *,
    by: User,
    field: str,
    figure: str,
    evidence: str,
    version: int | None = None,
    at: datetime | None = None,
) -> FigureEvidence:
    """Tie a figure of the text to the record that proves it (PUB-13)."""
    at = at or timezone.now()
    publication = _begin(publication_id, "decide_span", by=by, version=version)
    if not evidence.strip():
        raise InvalidInput("evidence", _("Name the record that proves the figure."))
    row, _created = FigureEvidence.objects.update_or_create(
        publication=publication,
        field=field,
        figure=figure[:60],
        defaults={"evidence": evidence[:200], "linked_by": by, "linked_at": at},
    )
    _finish(publication, "decide_span", by=by, at=at)
    return row


@transaction.atomic
def submit(publication_id: int, *, by: User, version: int | None = None, at: datetime | None = None) -> Publication:
    """Submit for the first check (PUB-03, PUB-09, PUB-44).

    Six elements, definite dates, redactions decided, the five questions answered, no leak.
    """
    at = at or timezone.now()
    publication = _begin(publication_id, "submit", by=by, version=version)
    _refuse_incomplete(publication)
    _refuse_closed_gate(publication)
    _refuse_leak(publication)
    _finish(publication, "submit", by=by, at=at)
    notify.tell(
        notify.holders_of("publication.first_check").exclude(pk=publication.author_id),
        "publication_check",
        dedupe=f"publication:{publication.pk}:{publication.version}",
        url=f"/desk/publications/{publication.number}/",
        by_email=False,
        publication=publication.number,
    )
    return publication


def _refuse_incomplete(publication: Publication) -> None:
    blocking = [remark for remark in content.remarks(publication) if remark.blocks]
    if blocking:
        words = list(dict.fromkeys(remark.text for remark in blocking))[:5]
        raise InvalidInput(blocking[0].field, _("Still to do: %(what)s"), what=" ".join(words))


def _refuse_closed_gate(publication: Publication) -> None:
    """The questions are answered in the draft: what was submitted goes back for it (PUB-44, PR-16)."""
    closed = gate.problem(publication)
    if not closed:
        return
    if publication.status == PublicationStatus.DRAFT:
        raise InvalidInput("gate", closed)
    raise InvalidInput("gate", _("%(why)s It has to go back to its author for that."), why=closed)


def _refuse_leak(publication: Publication) -> None:
    found = content.leaking(publication)
    if found:
        raise InvalidInput(
            found[0][0],
            _("The text still shows something that identifies a person (%(kind)s). Mask it first."),
            kind=findings.label(found[0][1].type),
        )


@transaction.atomic
def first_check(
    publication_id: int,
    *,
    by: User,
    content_hash: str = "",
    note: str = "",
    version: int | None = None,
    at: datetime | None = None,
) -> Publication:
    """The first of two people confirms every statement; the signature names the content's hash (PUB-12)."""
    at = at or timezone.now()
    publication = _begin(publication_id, "first_check", by=by, version=version)
    publication.signed_hash = _sign(publication, CheckKind.FIRST, by=by, at=at, seen=content_hash, note=note)
    publication.first_checker, publication.first_checked_at = by, at
    return _finish(publication, "first_check", by=by, at=at)


@transaction.atomic
def second_check(
    publication_id: int,
    *,
    by: User,
    content_hash: str = "",
    note: str = "",
    version: int | None = None,
    at: datetime | None = None,
) -> Publication:
    """The second person, neither author nor first checker, signs exactly the same content."""
    at = at or timezone.now()
    publication = _begin(publication_id, "second_check", by=by, version=version)
    _sign(publication, CheckKind.SECOND, by=by, at=at, seen=content_hash, note=note)
    publication.second_checker, publication.second_checked_at = by, at
    return _finish(publication, "second_check", by=by, at=at)


@transaction.atomic
def pass_masking(
    publication_id: int,
    *,
    by: User,
    content_hash: str = "",
    note: str = "",
    version: int | None = None,
    at: datetime | None = None,
) -> Publication:
    """Legal confirms the masking as a step of its own (PUB-18)."""
    at = at or timezone.now()
    publication = _begin(publication_id, "pass_masking", by=by, version=version)
    _refuse_leak(publication)
    _refuse_unseen(publication)
    _sign(publication, CheckKind.MASKING, by=by, at=at, seen=content_hash, note=note)
    publication.masking_reviewer, publication.masking_reviewed_at = by, at
    return _finish(publication, "pass_masking", by=by, at=at)


def _refuse_unseen(publication: Publication) -> None:
    """Nobody signs for a picture that a second person has not looked at (PUB-21)."""
    unseen = content_files.unseen(publication)
    if unseen:
        message = _("Nobody but its author has looked at the copy of “%(title)s” yet.")
        raise InvalidInput("files", message, title=unseen[0].title)


@transaction.atomic
def see_file(
    publication_id: int, *, by: User, file_id: int, sha256: str, at: datetime | None = None
) -> PublicationFile:
    """A second person has looked at every page of exactly this copy and found nobody in it (PUB-21).

    Refused to everybody who wrote or drew a part of the publication (NotAllowed), and when the copy has been made
    anew since it was shown (StaleVersion).
    """
    at = at or timezone.now()
    publication = _begin(publication_id, "return_to_author", by=None, version=None)
    reason = permissions.may_not_look(by, publication)
    if reason:
        raise NotAllowed(reason)
    row = publication.files.select_for_update().filter(pk=file_id).first()
    if row is None or row.state != RenderState.READY or row.rendered_id != sha256:
        raise StaleVersion(publication.version)
    if row.added_by_id == by.pk:
        raise NotAllowed(_("You chose this file; another person looks at its copy."))
    row.looked_at_by, row.looked_at = by, at
    row.save(update_fields=["looked_at_by", "looked_at"])
    _event(publication, "file_seen", by=by, at=at)
    return row


def _sign(publication: Publication, kind: CheckKind, *, by: User, at: datetime, seen: str, note: str) -> str:
    """Append the signature.

    Refuses when the gate is closed, or the content is not what the person saw or what was signed before.
    """
    _refuse_closed_gate(publication)
    current = content.content_hash(publication)
    if (seen and seen != current) or (publication.signed_hash and publication.signed_hash != current):
        raise StaleVersion(publication.version)
    SignOff.objects.create(publication=publication, kind=kind, content_hash=current, note=note[:300], by=by, at=at)
    return current


@transaction.atomic
def return_to_author(
    publication_id: int, *, by: User, reason: str, version: int | None = None, at: datetime | None = None
) -> Publication:
    """Send it back with the reason; all signatures are void."""
    at = at or timezone.now()
    publication = _begin(publication_id, "return_to_author", by=by, version=version)
    if not reason.strip():
        raise InvalidInput("reason", _("Say what has to be corrected."))
    kind = {
        PublicationStatus.FIRST_CHECK: CheckKind.FIRST,
        PublicationStatus.SECOND_CHECK: CheckKind.SECOND,
    }.get(PublicationStatus(publication.status), CheckKind.MASKING)
    SignOff.objects.create(
        publication=publication,
        kind=kind,
        passed=False,
        content_hash=content.content_hash(publication),
        note=reason[:300],
        by=by,
        at=at,
    )
    _void_signatures(publication)
    _finish(publication, "return_to_author", by=by, at=at)
    notify.tell(
        [publication.author],
        "publication_returned",
        dedupe=f"publication_returned:{publication.pk}:{publication.version}",
        url=f"/desk/publications/{publication.number}/",
        by_email=False,
        publication=publication.number,
    )
    return publication


@transaction.atomic
def publish(
    publication_id: int, *, by: User | None, version: int | None = None, at: datetime | None = None
) -> PublishedResult:
    """Post the snapshot: the hash must be the one all three signed, the gate open, and nothing may leak (PUB-16…19).

    by=None is the scheduled posting of an approved publication whose time has come.
    """
    at = at or timezone.now()
    publication = _begin(publication_id, "publish", by=by, version=version)
    if publication.publish_at and publication.publish_at > at:
        raise IllegalTransition(
            _("It is scheduled for %(date)s."),
            date=timezone.localtime(publication.publish_at).strftime("%Y-%m-%d %H:%M"),
        )
    current = content.content_hash(publication)
    if current != publication.signed_hash:
        raise StaleVersion(publication.version)
    data = content.snapshot(publication)
    _refuse_closed_gate(publication)
    _refuse_leak(publication)
    result = PublishedResult.objects.create(
        publication_number=publication.number,
        published_at=at,
        updated_at=at,
        content_hash=current,
        engine_version=content.engine_of(publication),
        published_until=publication.publish_until or at + timedelta(days=DEFAULT_TERM),
        signatures=[
            timezone.localdate(moment).isoformat()
            for moment in (publication.first_checked_at, publication.second_checked_at, publication.masking_reviewed_at)
            if moment
        ],
        **{key: value for key, value in data.items() if key not in ("published_until", "engine_version")},
    )
    PublishedSearch.objects.create(
        result=result,
        tokens=search.tokens(*(data[name] for name in content.TEXT_FIELDS), data["category"], data["department"]),
    )
    _post_files(publication, result)
    _refuse_posting(publication, result, at=at)
    publication.posted_at = at
    _finish(publication, "publish", by=by, at=at)
    return result


def _refuse_posting(publication: Publication, result: PublishedResult, *, at: datetime) -> None:
    """Every byte that would go out is made and searched; a hit undoes the posting (PUB-19)."""
    originals = publication.files.values_list("source__file__sha256", flat=True)
    never = (*content.case_numbers(publication), *originals)
    allowed = {words for _field, _type, words in content.office_numbers(publication)}
    leak_scan.refuse(result, content.known_of(publication), never=never, allowed=allowed, at=at)


def _post_files(publication: Publication, result: PublishedResult) -> None:
    """Put the rendered copies under random addresses beside their result; the originals stay where they are."""
    for row in publication.files.select_related("rendered"):
        copy = row.rendered
        if row.state != RenderState.READY or copy is None or copy.is_quarantined or row.looked_at_by_id is None:
            message = _("The copy of “%(title)s” is not ready, or nobody has looked at it.")
            raise InvalidInput("files", message, title=row.title)
        PublishedFile.objects.create(
            result=result,
            position=row.position,
            title=row.title,
            description=row.description,
            sha256=copy.sha256,
            size=copy.size,
            content_type=copy.content_type,
            pages=row.pages,
        )


@transaction.atomic
def update_progress(
    publication_id: int, *, by: User | None, version: int | None = None, at: datetime | None = None
) -> PublishedResult:
    """Bring the public improvement progress and the effect up to date; the signed texts stay (PUB-36, PUB-37)."""
    at = at or timezone.now()
    publication = _begin(publication_id, "update_progress", by=by, version=version)
    result = PublishedResult.objects.select_for_update().get(publication_number=publication.number, withdrawn_at=None)
    if content.content_hash(publication, engine_version=result.engine_version) != publication.signed_hash:
        raise IllegalTransition(_("The measures themselves were changed; take the notice down and publish it again."))
    data = content.snapshot(publication)
    found = content.leaking(publication, data)
    if found:
        raise InvalidInput(
            "improvement",
            _("The text still shows something that identifies a person (%(kind)s). Mask it first."),
            kind=findings.label(found[0][1].type),
        )
    result.improvements, result.updated_at = data["improvements"], at
    result.effect = effects.of_public(publication, at=at)
    result.save(update_fields=["improvements", "effect", "updated_at"])
    _refuse_posting(publication, result, at=at)
    _finish(publication, "update_progress", by=by, at=at)
    return result


@transaction.atomic
def take_down(
    publication_id: int, *, by: User | None, reason: str, version: int | None = None, at: datetime | None = None
) -> Publication:
    """Take a notice down at once; one person is enough (PUB-20, matrix takedown).

    by=None repeats a take-down after a restore.
    """
    at = at or timezone.now()
    publication = _begin(publication_id, "take_down", by=by, version=version)
    if not reason.strip():
        raise InvalidInput("reason", _("Give the reason for taking it down."))
    shown = PublishedResult.objects.filter(publication_number=publication.number, withdrawn_at=None)
    if by is not None:  # what a restore repeats stands in the journal already
        for public_id in shown.values_list("public_id", flat=True):
            takedowns.note(takedowns.What.RESULT, public_id, at=at, number=publication.number)
    shown.update(withdrawn_at=at, updated_at=at)
    publication.withdrawn_at, publication.withdrawal_reason = at, reason[:300]
    return _finish(publication, "take_down", by=by, at=at, note=reason)


@transaction.atomic
def keep_down(public_id: str, *, number: str, at: datetime) -> bool:
    """Repeat a take-down that a restored database does not know of (DL-04, I8). False when there is nothing to do.

    What is posted is taken down at the moment of the first time; what is still being checked goes back to its
    author, so that nobody posts it without being told. An address that was given after the backup stays gone too
    (410). What was composed or posted anew since the take-down is another text and stays.
    """
    reason = gettext("Taken down on %(date)s; a restore repeated it.") % {"date": timezone.localdate(at).isoformat()}
    was_unknown = _leave_gone(public_id, number=number, at=at)
    publication = Publication.objects.filter(number=number, updated_at__lte=at).first()
    if publication and publication.status == PublicationStatus.POSTED:
        take_down(publication.pk, by=None, reason=reason, at=at)
        return True
    if publication and publication.status in MOVES["return_to_author"].sources:
        publication = _begin(publication.pk, "return_to_author", by=None, version=None)
        _void_signatures(publication)
        _finish(publication, "return_to_author", by=None, at=at, note=reason)
        return True
    shown = PublishedResult.objects.filter(public_id=public_id, withdrawn_at=None)
    return bool(shown.update(withdrawn_at=at, updated_at=at)) or was_unknown


def _leave_gone(public_id: str, *, number: str, at: datetime) -> bool:
    """A row without a word for a result that is not known here: its address says gone, as it did (PR-06)."""
    nothing = dict.fromkeys((*content.TEXT_FIELDS, "category_code", "category", "department_code", "department"), "")
    _row, was_unknown = PublishedResult.objects.get_or_create(
        public_id=public_id,
        defaults={
            **nothing,
            "publication_number": number,
            "published_at": at,
            "updated_at": at,
            "withdrawn_at": at,
            "content_hash": "",
            "engine_version": "",
        },
    )
    return was_unknown


@transaction.atomic
def compose_again(publication_id: int, *, by: User, at: datetime | None = None) -> Publication:
    """Start over after a withdrawal: a new publication, nothing of the old signatures counts (PR-18)."""
    publication = _begin(publication_id, "compose_again", by=by, version=None)
    fresh = compose(publication.complaint_id, by=by, at=at)
    joined = list(publication.also_about.values_list("pk", flat=True))
    if not joined:
        return fresh
    subject = content.with_count(fresh.subject, len(joined) + 1)
    return edit(fresh.pk, by=by, at=at, subject=subject, also_about=joined)


@transaction.atomic
def abandon(
    publication_id: int, *, by: User, reason: str, version: int | None = None, at: datetime | None = None
) -> Publication:
    """Give a draft up, with the coded reason why the case is not published (PUB-44)."""
    at = at or timezone.now()
    publication = _begin(publication_id, "abandon", by=by, version=version)
    if reason not in NotPublishedReason.values:
        raise InvalidInput("reason", _("Choose why it is not published."))
    for case in gate.cases_of(publication):
        PublicationDecision.objects.update_or_create(
            complaint=case, defaults={"publish": False, "reason": reason, "by": by, "at": at}
        )
    return _finish(publication, "abandon", by=by, at=at, note=reason)


ACTIONS: dict[str, Callable[..., Any]] = {
    "edit": edit,
    "decide_span": decide_span,
    "submit": submit,
    "first_check": first_check,
    "second_check": second_check,
    "pass_masking": pass_masking,
    "return_to_author": return_to_author,
    "publish": publish,
    "update_progress": update_progress,
    "take_down": take_down,
    "compose_again": compose_again,
    "abandon": abandon,
}
