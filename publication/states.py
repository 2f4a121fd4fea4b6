"""Enums of a publication and the table of its moves (PUB-01). Leaf."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class PublicationStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    FIRST_CHECK = "first_check", _("First check")
    SECOND_CHECK = "second_check", _("Second check")
    MASKING_REVIEW = "masking_review", _("Masking review")
    APPROVED = "approved", _("Approved")
    POSTED = "posted", _("Published")
    WITHDRAWN = "withdrawn", _("Taken down")
    ABANDONED = "abandoned", _("Not published")


P = PublicationStatus


@dataclass(frozen=True)
class Move:
    action: str
    sources: tuple[PublicationStatus, ...]
    target: PublicationStatus | None
    permission: str
    label: str | Promise


_CHECKING = (P.FIRST_CHECK, P.SECOND_CHECK, P.MASKING_REVIEW, P.APPROVED)

MOVES: dict[str, Move] = {
    move.action: move
    for move in (
        Move("edit", (P.DRAFT, *_CHECKING), P.DRAFT, "publication.compose", _("Save")),
        Move("decide_span", (P.DRAFT,), None, "publication.compose", _("Decide on a redaction")),
        Move("submit", (P.DRAFT,), P.FIRST_CHECK, "publication.compose", _("Submit for the first check")),
        Move("first_check", (P.FIRST_CHECK,), P.SECOND_CHECK, "publication.first_check", _("Sign the first check")),
        Move(
            "second_check", (P.SECOND_CHECK,), P.MASKING_REVIEW, "publication.second_check", _("Sign the second check")
        ),
        Move(
            "pass_masking", (P.MASKING_REVIEW,), P.APPROVED, "publication.review_masking", _("Sign the masking review")
        ),
        Move("return_to_author", _CHECKING, P.DRAFT, "publication.first_check", _("Return to the author")),
        Move("publish", (P.APPROVED,), P.POSTED, "publication.publish", _("Publish")),
        Move("update_progress", (P.POSTED,), None, "publication.compose", _("Update the improvement progress")),
        Move("take_down", (P.POSTED,), P.WITHDRAWN, "publication.takedown", _("Take down")),
        Move("abandon", (P.DRAFT,), P.ABANDONED, "publication.compose", _("Do not publish")),
        Move("compose_again", (P.WITHDRAWN,), P.DRAFT, "publication.compose", _("Compose again")),
    )
}

ELEMENTS = ("subject", "cause", "investigation", "responsibility", "result", "improvement")


class Element(models.TextChoices):
    """The six elements (PUB-03…08) in the order the public reads them."""

    SUBJECT = "subject", _("Who complained")
    CAUSE = "cause", _("What was complained of")
    INVESTIGATION = "investigation", _("How it was investigated")
    RESPONSIBILITY = "responsibility", _("Who is responsible")
    RESULT = "result", _("What was done about it")
    IMPROVEMENT = "improvement", _("What will improve, by when")


class CheckKind(models.TextChoices):
    FIRST = "first_check", _("First check")
    SECOND = "second_check", _("Second check")
    MASKING = "masking", _("Masking review by legal")


class NotPublishedReason(models.TextChoices):
    NOT_SUITABLE = "not_suitable", _("Not suitable for publication")
    CONSENT_REFUSED = "consent_refused", _("The complainant does not agree")
    SECRECY = "secrecy", _("Secrecy")
    PENDING = "pending", _("Proceedings are pending")
    UNFOUNDED = "unfounded", _("Not substantiated")
    OTHER = "other", _("Other")


class MaskingState(models.TextChoices):
    """Where the change of a masking profile stands."""

    PROPOSED = "proposed", _("Proposed")
    APPROVED = "approved", _("Approved")
    DECLINED = "declined", _("Declined")
    WITHDRAWN = "withdrawn", _("Taken back")


class SpanDecision(models.TextChoices):
    PENDING = "pending", _("To be decided")
    ACCEPTED = "accepted", _("Masked")
    KEPT = "kept", _("Words kept")


class StatementStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    CHECK = "check", _("To be checked")
    LEGAL = "legal", _("With legal")
    APPROVED = "approved", _("Approved")
    POSTED = "posted", _("Published")
    WITHDRAWN = "withdrawn", _("Taken down")


def allowed_actions(status: str) -> list[str]:
    """Actions the table knows for a status."""
    return [move.action for move in MOVES.values() if status in move.sources]


class ChannelKind(models.TextChoices):
    WEBSITE = "website", _("Website")
    BOARD = "board", _("Notice board")
    WECHAT = "wechat", _("WeChat account")
    MINI = "mini", _("Mini-program")
    VIDEO = "video", _("Short film")
    LOBBY = "lobby", _("Lobby manager")
    VERTICAL = "vertical", _("Channel of one field")
    OTHER = "other", _("Other channel")


class AudienceGroup(models.TextChoices):
    ELDERLY = "elderly", _("Elderly")
    ONLINE = "online", _("People who read online")
    FIELD = "field", _("People of one field")
    NEIGHBOURS = "neighbours", _("Neighbourhood")


class RenderState(models.TextChoices):
    WAITING = "waiting", _("Being rendered")
    READY = "ready", _("Rendered")
    IMPOSSIBLE = "impossible", _("Cannot be rendered")


class CommentState(models.TextChoices):
    WAITING = "waiting", _("Waits for a look")
    SHOWN = "shown", _("Shown")
    HIDDEN = "hidden", _("Not shown")


class CommentRoute(models.TextChoices):
    NONE = "none", _("Noted")
    FEEDBACK = "feedback", _("Passed on as feedback")
    COMPLAINT = "complaint", _("Became a complaint")


class GoneKind(models.TextChoices):
    """What stood at an address that is known to be gone and to nothing else."""

    STATEMENT = "statement", _("Official statement")
    INCIDENT = "incident", _("Incident")


class GateAnswer(models.TextChoices):
    """Answers to one question of the gate before publication."""

    CLEAR = "clear", _("Nothing against it")
    MASKED = "masked", _("Only with the details left out")
    FORBIDS = "forbids", _("Forbids publication")
