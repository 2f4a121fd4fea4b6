"""Where a figure comes from, in words: printed with its definition wherever the figure stands (AN-01)."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from analytics import complainants, recurrence, sources, work_hours
from analytics.cells import Source

_REGISTER = _("Source: the register of complaints.")
_LOG = _("Source: the register of complaints and the log of the cases.")
_CALLS = _("Source: call-backs and ratings on the tracking page.")
_REVIEWS = _("Source: the register of reviews.")
_PUBLICATIONS = _("Source: the register of publications.")

WORDS: dict[Source, Promise] = {
    sources.registered: _REGISTER,
    sources.emotions: _REGISTER,
    complainants.persons: _REGISTER,
    sources.handled: _LOG,
    sources.open_at_end: _LOG,
    sources.answered: _LOG,
    work_hours.replied: _LOG,
    sources.moves: _LOG,
    sources.clocks_stopped: _("Source: the limits of the cases, with the moment each stopped."),
    sources.closed: _("Source: the register of complaints, the limits and the log of the cases, call-backs."),
    recurrence.watched: _("Source: the register of complaints and call-backs."),
    sources.ratings: _CALLS,
    sources.calls: _CALLS,
    sources.questions: _("Source: questions and reminders of complainants."),
    sources.praise: _("Source: the register of praise."),
    sources.reviews_opened: _REVIEWS,
    sources.reviews_screened: _REVIEWS,
    sources.reviews_final: _REVIEWS,
    sources.marks: _("Source: the early warnings."),
    sources.improvements_verified: _("Source: the list of improvements."),
    sources.posted: _PUBLICATIONS,
    sources.documents: _PUBLICATIONS,
    sources.echo: _("Source: the register of publications and the register of complaints."),
}
