"""What people say about a result, and what becomes of it (PUB-38).

Nothing is shown before a person let it pass, and nothing but the masked text is ever shown. The words as they
were sent stay encrypted and are erased in time; no address and no name is kept with them.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeVar

from django.db import models, transaction
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Cast
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import takedowns
from accounts.errors import IllegalTransition, InvalidInput, NotAllowed
from accounts.models import User
from complaints import notify
from complaints import transitions as case_transitions
from complaints.states import Channel, ProposalAbout
from complaints.throttle import HOUR, Limit
from complaints.transitions.intake import Filing, check_text, register
from complaints.transitions.proposals import TEXT as LONGEST_PROPOSAL
from complaints.transitions.proposals import add_proposal
from publication import content, findings, masking, results
from publication.models import Comment, Publication, PublishedReport, PublishedResult
from publication.redaction import Known, leaks, redact
from publication.states import CommentRoute, CommentState

Row = TypeVar("Row", Comment, PublishedReport)
MODERATE = "publication.moderate"
LONGEST = 1000
LONGEST_ANSWER = 1000
SENT_BY_ADDRESS = Limit("commented-address", 20, HOUR)
# How long the words as they were sent are kept after the decision, and everything after the result is gone.
KEPT = timedelta(days=180)
# So many stand on the page of the result; the rest on a page of their own.
ON_PAGE = 10


# --- From the public --------------------------------------------------------------------------------
@transaction.atomic
def leave(result_id: int, *, text: str, at: datetime | None = None) -> Comment:
    """Keep what somebody said about a result that is served; it waits for a person (PUB-38).

    Whoever moderates is told once a day. Raises InvalidInput("text"), IllegalTransition when the result is gone.
    """
    at = at or timezone.now()
    if not text.strip():
        raise InvalidInput("text", _("Write what you want to say."))
    check_text("text", text, limit=LONGEST)
    if not PublishedResult.objects.served(at=at).filter(pk=result_id).exists():
        raise IllegalTransition(_("This result is no longer shown."))
    comment = Comment.objects.create(result_id=result_id, text=text.strip(), at=at)
    notify.tell(
        notify.holders_of(MODERATE),
        "comments_waiting",
        dedupe=f"comments:{timezone.localdate(at)}",
        url="/desk/comments/",
        by_email=False,
    )
    return comment


# --- What the office decides ------------------------------------------------------------------------
def known_of(result: PublishedResult) -> Known | None:
    """The identities of the cases behind a result; they are taken out of what people say about it."""
    found = Publication.objects.filter(number=result.publication_number)
    publication = found.select_related("complaint__complainant").first()
    return content.known_of(publication) if publication else None


def proposed(comment: Comment) -> str:
    """The text as the masking would show it, with names of other people left out too."""
    return redact(comment.text, known_of(comment.result), profile=masking.rows_now("strict")).output


@transaction.atomic
def show(comment_id: int, *, by: User, seen: str, shown_text: str, at: datetime | None = None) -> Comment:
    """Let a comment pass: exactly `shown_text` is shown with the result.

    `seen` is the state the person decided on. Raises InvalidInput("shown_text") when it is empty, too long or still
    shows what identifies somebody; IllegalTransition when somebody else decided meanwhile or the result is gone.
    """
    at = at or timezone.now()
    comment = _lock(comment_id, by=by, seen=seen)
    if results.gone_reason(comment.result, at=at):
        raise IllegalTransition(_("This result is no longer shown."))
    check_public("shown_text", shown_text, known_of(comment.result), limit=2 * LONGEST)
    comment.shown_text, comment.state, comment.reason = shown_text.strip(), CommentState.SHOWN, ""
    return _decided(comment, by=by, at=at)


@transaction.atomic
def hide(comment_id: int, *, by: User, seen: str, reason: str, at: datetime | None = None) -> Comment:
    """Do not show a comment, or no longer; the public learns nothing of the reason, and of the comment and its answer
    no word is kept for it.

    Raises InvalidInput("reason"), IllegalTransition when somebody else decided meanwhile.
    """
    at = at or timezone.now()
    comment = _lock(comment_id, by=by, seen=seen)
    if not reason.strip():
        raise InvalidInput("reason", _("Give the reason."))
    if comment.state == CommentState.SHOWN:
        takedowns.note(takedowns.What.COMMENT, comment.public_id, at=at)
    comment.state, comment.shown_text, comment.answer = CommentState.HIDDEN, "", ""
    comment.reason = check_text("reason", reason.strip(), limit=200)
    return _decided(comment, by=by, at=at)


@transaction.atomic
def keep_hidden(kind: type[Row], public_id: str, *, at: datetime) -> bool:
    """Hide again what a restored database shows and was hidden at `at` (DL-04, I8): a comment, or a report of a
    volunteer. False when there is nothing to do; what a person let pass after that stays.
    """
    row = standing(kind, public_id, at=at).select_for_update().first()
    if row is None:
        return False
    row.state, row.shown_text, row.answer = CommentState.HIDDEN, "", ""
    day = timezone.localdate(at).isoformat()
    row.reason = gettext("Hidden on %(date)s; a restore repeated it.") % {"date": day}
    row.moderated_by, row.moderated_at = None, at
    row.save(update_fields=["state", "shown_text", "answer", "reason", "moderated_by", "moderated_at"])
    renew_page(row.result_id, at=timezone.now())
    return True


def standing(kind: type[Row], public_id: str, *, at: datetime) -> QuerySet[Row]:
    """The comment or report of this address while it is shown by a decision before `at`."""
    return kind.objects.filter(public_id=public_id, state=CommentState.SHOWN, moderated_at__lte=at)


def _decided(comment: Comment, *, by: User, at: datetime) -> Comment:
    comment.moderated_by, comment.moderated_at = by, at
    comment.save(update_fields=["shown_text", "answer", "state", "reason", "moderated_by", "moderated_at"])
    renew_page(comment.result_id, at=at)
    return comment


@transaction.atomic
def answer(comment_id: int, *, by: User, answer: str, at: datetime | None = None) -> Comment:
    """Answer a comment that is shown; the answer stands below it, an empty one takes it away.

    Raises InvalidInput("answer"), IllegalTransition for a comment that is not shown.
    """
    at = at or timezone.now()
    comment = _lock(comment_id, by=by, seen=CommentState.SHOWN)
    if answer.strip():
        check_public("answer", answer, known_of(comment.result), limit=LONGEST_ANSWER)
    comment.answer = answer.strip()
    comment.save(update_fields=["answer"])
    renew_page(comment.result_id, at=at)
    return comment


@transaction.atomic
def pass_on(comment_id: int, *, by: User, route: str, at: datetime | None = None) -> Comment:
    """Say what becomes of a comment: noted, a proposal for the department, or a complaint of its own.

    A proposal holds the masked words. A complaint holds all of them and begins like one of the public form;
    nobody is named in it, so it has no contact. Raises InvalidInput("route"), IllegalTransition once decided.
    """
    at = at or timezone.now()
    if route not in CommentRoute.values:
        raise InvalidInput("route", _("Choose one."))
    number = Comment.objects.values_list("result__publication_number", flat=True).get(pk=comment_id)
    case = Publication.objects.filter(number=number).values_list("complaint", flat=True).first()
    # The case first, as everywhere.
    complaint = case_transitions.lock(case) if case and route == CommentRoute.FEEDBACK else None
    comment = _lock(comment_id, by=by)
    if comment.route:
        raise IllegalTransition(_("It was decided already what becomes of this comment."))
    words = comment.text or comment.shown_text  # what was sent is erased in time
    if not words and route != CommentRoute.NONE:
        raise IllegalTransition(_("The words of this comment were erased, so it cannot be passed on."))
    with translation.override("zh-hans"):  # as everything in a case
        about = gettext("Comment on notice %(number)s") % {"number": number}
    if complaint is not None:
        text = f"{about}：{comment.shown_text or proposed(comment)}"[:LONGEST_PROPOSAL]
        add_proposal(complaint, by=by, about=ProposalAbout.OTHER, text=text, at=at)
    elif route == CommentRoute.COMPLAINT:
        filing = Filing(
            subject=about,
            narrative=words,
            channel=Channel.WEB,
            channel_reference=number,
            received_at=min(comment.at, at),
        )
        comment.complaint = register(filing, by=None, at=at).complaint
    comment.route = route
    comment.save(update_fields=["route", "complaint"])
    return comment


def _lock(comment_id: int, *, by: User, seen: str = "") -> Comment:
    if not by.is_active or not by.has_perm(MODERATE):
        raise NotAllowed(_("Your role does not allow this."))
    comment = Comment.objects.select_for_update(of=("self",)).select_related("result").get(pk=comment_id)
    if seen and comment.state != seen:
        raise IllegalTransition(_("Somebody else decided on this comment meanwhile."))
    return comment


def check_public(field: str, text: str, known: Known | None, *, limit: int) -> None:
    """What goes public identifies nobody, of `known` least of all. Raises InvalidInput at `field`."""
    if not text.strip():
        raise InvalidInput(field, _("Fill this in."))
    check_text(field, text, limit=limit)
    found = leaks(text, known)
    if found:
        raise InvalidInput(
            field,
            _("The text still shows something that identifies a person (%(kind)s). Mask it first."),
            kind=findings.label(found[0].type),
        )


def renew_page(result_id: int, *, at: datetime) -> None:
    """The page of the result is another one now, for caches and readers that keep it."""
    PublishedResult.objects.filter(pk=result_id).update(updated_at=at)


# --- Reading ----------------------------------------------------------------------------------------
def shown_with(result: PublishedResult) -> list[Comment]:
    """The newest comments that stand with a result, one more than its page shows."""
    return list(_shown(result).order_by("-pk")[: ON_PAGE + 1])


def shown_after(result: PublishedResult, public_id: str, *, size: int) -> tuple[list[Comment], str]:
    """Shown comments that follow the one with this public id, and where the next page begins ("" on the last)."""
    return following(_shown(result), public_id, size=size)


def following(shown: QuerySet[Row], public_id: str, *, size: int) -> tuple[list[Row], str]:
    """The newest of `shown` that follow the one with this public id, and where the next page begins ("" on the last).

    Positions are public ids, never row numbers (PR-07).
    """
    rows = shown.order_by("-pk")
    start = rows.filter(public_id=public_id).values_list("pk", flat=True).first() if public_id else None
    found = list((rows.filter(pk__lt=start) if start else rows)[: size + 1])
    return found[:size], found[size - 1].public_id if len(found) > size else ""


def _shown(result: PublishedResult) -> QuerySet[Comment]:
    # What was written stays behind, and the columns of the office: the database role of public results lacks them.
    shown = Comment.objects.filter(result=result, state=CommentState.SHOWN)
    return shown.only("public_id", "result", "shown_text", "answer", "at")


def counts() -> dict[str, int]:
    """How many comments there are in each state."""
    return dict(Comment.objects.order_by().values_list("state").annotate(n=Count("pk")))


# --- Keeping no longer than needed --------------------------------------------------------------------
def purge(*, now: datetime) -> int:
    """Erase words nobody needs any more and return from how many comments (PUB-38, PIPL art. 19).

    The words as they were sent go 180 days after the decision; of a result that has been gone for 180 days all words
    go, shown or still waiting. When somebody commented and what was decided stays, so the counts do. Also a comment
    that a restore brought back is erased by the next run.
    """
    gone = Q(result__withdrawn_at__lt=now - KEPT) | Q(result__published_until__lt=now - KEPT)
    # An encrypted column cannot be filtered by; of what is stored, nothing stays nothing.
    rows = Comment.objects.annotate(stored=Cast("text", models.TextField())).order_by()
    with_words = ~Q(stored="") | ~Q(shown_text="") | ~Q(answer="")
    left = list(rows.filter(gone, with_words).values_list("pk", flat=True))
    erased = Comment.objects.filter(pk__in=left).update(text="", shown_text="", answer="")
    decided = list(rows.filter(~Q(stored=""), moderated_at__lt=now - KEPT).values_list("pk", flat=True))
    return erased + Comment.objects.filter(pk__in=decided).update(text="")
