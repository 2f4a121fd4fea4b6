"""The feedback report: satisfaction, opinions and suggestions, trouble in the handling, lessons (FB-17, FB-18).

An edition of the periodic report: figures are frozen, the text is drafted here and edited by a person, then approved.
Opinions are told by their coded reasons and suggestions by what they are about; no text of a complainant is printed.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from analytics import narrative, small_answers
from analytics.charts import show
from analytics.documents.snapshot import Column, Section, Table
from analytics.facts import DISSATISFIED_LIMIT, REPEAT_LIMIT, Facts, joined
from analytics.judgement import problems_of
from analytics.periods import Period
from analytics.registry import SMALL, Value
from analytics.suppression import outside
from complaints.models import Callback, Proposal
from complaints.states import ProposalAbout, Satisfaction

# Below so large a share of answers the satisfaction says little.
RESPONSE_GOAL = 0.5
COUNTS = ("made", "valuable", "adopted", "waiting")


def collect(period: Period) -> dict[str, Any]:
    """What complainants said about the handling and what they proposed, as counts. Two queries."""
    within = {"at__gte": period.start, "at__lt": period.end}
    said = (
        Callback.objects.filter(**within)
        .exclude(process_satisfaction="")
        .aggregate(**{str(value): Count("pk", filter=Q(process_satisfaction=value)) for value in Satisfaction})
    )
    rows: Any = (
        Proposal.objects.filter(**within)
        .order_by()
        .values("about")
        .annotate(
            made=Count("pk"),
            valuable=Count("pk", filter=Q(is_valuable=True)),
            adopted=Count("pk", filter=Q(is_adopted=True)),
            waiting=Count("pk", filter=Q(answered_at__isnull=True)),
        )
    )
    found = {row["about"]: row for row in rows}
    shown = [about for about in ProposalAbout if about in found]
    cells = {name: [found[about][name] for about in shown] for name in COUNTS}
    left = {name: [value.value for value in outside([Value(n) for n in column])] for name, column in cells.items()}
    return {
        "handling": said,
        "totals": {name: sum(column) for name, column in cells.items()},
        "proposals": [
            {"about": str(about.label), **{name: left[name][row] for name in COUNTS}} for row, about in enumerate(shown)
        ],
    }


def sections(facts: Facts) -> list[Section]:
    """The sections of the edition, in order."""
    return [
        narrative.satisfaction(facts, _("Satisfaction and its reasons"), level=1),
        _opinions(facts),
        _handling(facts),
        _lessons(facts),
    ]


def _feedback(facts: Facts) -> dict[str, Any]:
    """Reports frozen before this edition existed have none."""
    return facts.data.get("feedback") or {"handling": {}, "totals": dict.fromkeys(COUNTS, 0), "proposals": []}


def _opinions(facts: Facts) -> Section:
    """FB-17: the main opinions, by reason, and the suggestions, by what they are about."""
    reasons = [row for row in facts.rows("dissatisfaction") if row["answers"]["value"] is not None]
    proposals = _feedback(facts)["proposals"]
    paragraphs = []
    if reasons:
        listed = _(", ").join(
            _("%(name)s %(n)s cases") % {"name": row["label"], "n": show(row["answers"]["value"])} for row in reasons
        )
        paragraphs.append(_("Main opinions of dissatisfied complainants: %(list)s.") % {"list": listed})
    else:
        paragraphs.append(_("No reason for being dissatisfied was given often enough to be told."))
    totals = _feedback(facts)["totals"]
    paragraphs.append(
        _("%(n)s suggestions were recorded; %(adopted)s of them have been adopted and %(waiting)s wait for an answer.")
        % {
            "n": show(totals["made"]),
            "adopted": show(totals["adopted"]),
            "waiting": show(totals["waiting"]),
        }
    )
    columns = (
        Column(_("What they are about")),
        Column(_("Suggestions made"), "int"),
        Column(_("Judged valuable"), "int"),
        Column(_("Adopted"), "int"),
        Column(_("Waiting for an answer"), "int"),
    )
    body = tuple((row["about"], row["made"], row["valuable"], row["adopted"], row["waiting"]) for row in proposals)
    tables = (Table(_("Suggestions of complainants"), columns, body, narrative.small_note()),) if body else ()
    return Section("opinions", _("Main opinions and suggestions"), paragraphs=tuple(paragraphs), tables=tables)


def _handling(facts: Facts) -> Section:
    """FB-17: trouble in the handling itself, from the answers and from the steps back."""
    said = _feedback(facts)["handling"]
    answers = sum(said.values())
    paragraphs = []
    if answers >= SMALL:
        paragraphs.append(_said(Counter(said), answers))
    else:
        paragraphs.append(_("Fewer than 5 complainants said what they think of the handling."))
    paragraphs.append(
        _(
            "Complainants sent %(reminders)s reminders; replies were returned for rework %(reworks)s times, cases "
            "reopened %(reopenings)s times and sent back by departments %(returns)s times."
        )
        % {name: facts.text(name) for name in ("reminders", "reworks", "reopenings", "returns")}
    )
    if facts.is_hidden("late_share") or facts.is_hidden("recurrence_rate"):
        paragraphs.append(joined(*(narrative.briefly(facts, key) for key in ("late_share", "recurrence_rate"))))
    elif facts.of("late_share"):
        paragraphs.append(
            _("%(share)s of the cases first closed had missed a limit; %(again)s of the solved cases came again.")
            % {"share": facts.text("late_share"), "again": facts.text("recurrence_rate")}
        )
    points = tuple(problem for problem, _measure in problems_of(facts))
    return Section("handling", _("Problems in the handling"), paragraphs=tuple(paragraphs), points=points)


def _said(said: Counter, answers: int) -> str:
    """How many answers about the handling were good, without giving away one to four of a kind."""
    good = said["satisfied"] + said["basically"]
    if 0 < good < SMALL:
        return _("Of %(n)s answers about the handling, fewer than 5 were satisfied or basically satisfied.") % {
            "n": show(answers)
        }
    share = {"n": show(answers), "good": show(good / answers, "percent")}
    if 0 < answers - good < SMALL:
        least = small_answers.at_least(said)
        if least is None:
            return _("Of %(n)s answers about the handling, fewer than 5 were dissatisfied.") % share
        share["good"] = show(least, "percent")
        return (
            _("Of %(n)s answers about the handling, at least %(good)s were satisfied or basically satisfied.") % share
        )
    return _("Of %(n)s answers about the handling, %(good)s were satisfied or basically satisfied.") % share


def _lessons(facts: Facts) -> Section:
    """FB-18: what the feedback teaches, as a draft for the editor."""
    points = []
    if (facts.value("response_rate") or 0) < RESPONSE_GOAL:
        points.append(_("Few complainants answered: call at other times and offer the rating on the tracking page."))
    if (facts.value("dissatisfied_share") or 0) >= DISSATISFIED_LIMIT:
        reasons = facts.counts("dissatisfaction", "answers")
        lesson = _("Answer what was asked, and say what was done, by whom and until when.")
        if reasons:
            lesson = joined(
                _("The most frequent reason was: %(reason)s.") % {"reason": reasons[0][0]},
                lesson,
            )
        points.append(lesson)
    if (facts.value("recurrence_rate") or 0) >= REPEAT_LIMIT:
        points.append(
            _("Cases that were solved came again: look for the cause before closing, not for the case alone.")
        )
    if (facts.value("reminders") or 0) > (facts.value("handled") or 0):
        points.append(_("Complainants ask because they hear nothing: tell the progress before they have to ask."))
    waiting = _feedback(facts)["totals"]["waiting"]
    if waiting:
        points.append(
            _("%(n)s suggestions have no answer yet: answer them, also where they cannot be followed.")
            % {"n": show(waiting)}
        )
    intro = (
        _("The feedback of the period teaches the following; the editor adds what the figures cannot show.")
        if points
        else _("The figures show no lesson by themselves; the editor adds what was learned.")
    )
    return Section("lessons", _("Lessons learned"), paragraphs=(intro,), points=tuple(points))
