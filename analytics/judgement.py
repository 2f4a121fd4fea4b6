"""Which figures point at a problem, and what is proposed then (AN-04, AN-21, AN-22).

One rule per function: it looks at frozen figures and gives a problem with a measure, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _

from analytics.charts import show
from analytics.facts import DISSATISFIED_LIMIT, ON_TIME_GOAL, OVERTURNED_LIMIT, REPEAT_LIMIT, Facts, joined

Rule = Callable[[Facts], tuple[str, str] | None]


def _late(facts: Facts) -> tuple[str, str] | None:
    rate = facts.value("on_time_rate")
    if rate is None or rate >= ON_TIME_GOAL:
        return None
    worst = facts.worst("overdue_rate")
    problem = _("The on-time rate of %(rate)s is below the goal of %(goal)s.") % {
        "rate": show(rate, "percent"),
        "goal": show(ON_TIME_GOAL, "percent", 0),
    }
    if worst:
        problem = joined(
            problem,
            _("%(department)s has the highest overdue rate with %(rate)s.")
            % {
                "department": worst[0],
                "rate": show(worst[1], "percent"),
            },
        )
    return problem, _(
        "Go through the overdue cases every week with the departments concerned; name one person per case and a "
        "date, and warn half a limit before the end."
    )


def _repeats(facts: Facts) -> tuple[str, str] | None:
    rate = facts.value("repeat_rate")
    if rate is None or rate < REPEAT_LIMIT:
        return None
    return (
        _("%(rate)s of the complaints are repeats, so problems were settled case by case and came back.")
        % {"rate": show(rate, "percent")},
        _(
            "Put the categories that repeat on the problem list, find the cause with 5 Whys and a fishbone diagram, "
            "and compare the numbers before and after the measure."
        ),
    )


def _unhappy(facts: Facts) -> tuple[str, str] | None:
    rate, reasons = facts.value("dissatisfied_share"), facts.counts("dissatisfaction", "answers")
    if rate is None or rate < DISSATISFIED_LIMIT:
        return None
    problem = _("%(rate)s of the answers are “dissatisfied”.") % {"rate": show(rate, "percent")}
    if reasons:
        problem = joined(problem, _("The most frequent reason: %(reason)s.") % {"reason": reasons[0][0]})
    return problem, _(
        "Call dissatisfied complainants back within 5 working days, reopen what is not solved, and explain in the "
        "reply what was done, by whom and until when."
    )


def _overturned(facts: Facts) -> tuple[str, str] | None:
    rate = facts.value("overturned_rate")
    if rate is None or rate < OVERTURNED_LIMIT:
        return None
    return (
        _("Reviews changed the first result in %(rate)s of the cases.") % {"rate": show(rate, "percent")},
        _(
            "Go through every changed result with the department that handled it, and add the mistake found to the "
            "quality check."
        ),
    )


def _rework(facts: Facts) -> tuple[str, str] | None:
    rounds, handled = facts.value("reworks") or 0, facts.value("handled") or 0
    if not handled or rounds / handled < REPEAT_LIMIT:
        return None
    return (
        _("Replies were returned %(n)s times, so drafts reach the check unfinished.") % {"n": show(rounds)},
        _(
            "Give the departments model replies and a list of what the check looks at, and train the people whose "
            "drafts come back most."
        ),
    )


def _rise(facts: Facts) -> tuple[str, str] | None:
    now, before = facts.value("received"), facts.previous("received")
    if not now or not before or now < before * 1.2:
        return None
    top = facts.counts("category")
    problem = _("The number received rose by %(share)s.") % {"share": show(now / before - 1, "percent")}
    if top:
        problem = joined(problem, _("Most complaints are about %(category)s.") % {"category": top[0][0]})
    return problem, _(
        "Look for the common cause of the leading category, warn the department concerned and tell the public before "
        "they have to complain."
    )


def _backlog(facts: Facts) -> tuple[str, str] | None:
    now, before = facts.value("open_at_end"), facts.previous("open_at_end")
    if not now or before is None or now <= before:
        return None
    return (
        _("%(n)s cases were open at the end, %(more)s more than at the end of the previous period.")
        % {"n": show(now), "more": show(now - before)},
        _(
            "Set a weekly number of closings per department until the backlog is back at the level of the previous "
            "period."
        ),
    )


RULES: tuple[Rule, ...] = (_late, _unhappy, _repeats, _overturned, _rise, _backlog, _rework)


# By which figure the department is found that carries out what a rule proposes: the one it is worst in.
_CONCERNED: dict[Rule, str] = {
    _late: "overdue_rate",
    _unhappy: "dissatisfied_share",
    _repeats: "repeat_rate",
    _overturned: "overturned_rate",
    _rise: "received",
    _backlog: "received",
}


def measures_of(facts: Facts) -> list[tuple[str, str]]:
    """(measure, department that carries it out) for every rule that a figure breaks; the office where none is worst."""
    found = []
    for rule in RULES:
        if proposed := rule(facts):
            worst = facts.worst(_CONCERNED[rule]) if rule in _CONCERNED else None
            found.append((proposed[1], worst[0] if worst else _("the complaints office")))
    return found


def problems_of(facts: Facts) -> list[tuple[str, str]]:
    """(problem, measure) for every rule that a figure breaks."""
    return [found for rule in RULES if (found := rule(facts))]
