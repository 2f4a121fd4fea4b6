"""The sentences of 《投诉工作总结》, drafted from frozen figures (AN-20…26, AN-29, AN-31).

Each function gives one section. A person edits the draft afterwards; nothing here looks at a case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from analytics import typical_cases
from analytics.charts import show
from analytics.documents.snapshot import ChartSpec, Column, Section, Table
from analytics.facts import ON_TIME_GOAL, Facts, joined, written
from analytics.figures import FIGURES, UNIT_LABELS
from analytics.judgement import measures_of, problems_of
from analytics.periods import parse

KEY_FIGURES = (
    "received",
    "handled",
    "open_at_end",
    "on_time_rate",
    "average_days",
    "median_days",
    "p90_days",
    "average_work_hours",
    "late_share",
    "satisfaction_rate",
    "response_rate",
    "call_back_rate",
    "repeat_rate",
    "high_risk_share",
    "overturned_rate",
    "publications",
)
ANSWERS = ("satisfied_share", "basically_share", "dissatisfied_share")


def summary(facts: Facts) -> tuple[str, ...]:
    """The report in four sentences, before everything else (AN-31)."""
    lines = [_received(facts), _in_time(facts), _satisfied(facts)]
    found = problems_of(facts)
    lines.append(
        _("What needs attention: %(problem)s") % {"problem": found[0][0]}
        if found
        else _("No figure crosses the line from which a problem is named.")
    )
    return tuple(lines)


def _received(facts: Facts) -> str:
    return _(
        "In %(period)s %(received)s complaints were received, %(change)s; %(handled)s were handled and %(open)s were "
        "open at the end."
    ) % {
        "period": facts.period,
        "received": facts.text("received"),
        "change": facts.change("received"),
        "handled": facts.text("handled"),
        "open": facts.text("open_at_end"),
    }


def briefly(facts: Facts, key: str) -> str:
    """A rate that may be left empty, as a sentence of its own."""
    name, rate = str(FIGURES[key].name), facts.text(key)
    if facts.is_hidden(key) and rate == written(None, FIGURES[key].unit):
        return _("%(figure)s: not told, since fewer than 5 cases are on one side.") % {"figure": name}
    return _("%(figure)s: %(rate)s.") % {"figure": name, "rate": rate}


def _in_time(facts: Facts) -> str:
    if not facts.of("on_time_rate"):
        return _("No limit for handling or reply ended in the period.")
    if facts.is_hidden("on_time_rate"):
        ended = _("%(n)s limits for handling and reply ended.") % {"n": show(facts.of("on_time_rate"))}
        return joined(ended, briefly(facts, "on_time_rate"))
    return _("%(rate)s of the %(n)s limits for handling and reply that ended were kept, %(change)s.") % {
        "rate": facts.text("on_time_rate"),
        "n": show(facts.of("on_time_rate")),
        "change": facts.movement("on_time_rate"),
    }


def _satisfied(facts: Facts) -> str:
    if not facts.of("satisfaction_rate"):
        return _("No complainant rated the result in the period.")
    if any(facts.is_hidden(key) for key in ANSWERS):
        return _few_of_a_kind(facts)
    return _(
        "Of %(n)s answers, %(satisfied)s were satisfied, %(basically)s basically satisfied and %(dissatisfied)s "
        "dissatisfied."
    ) % {
        "n": show(facts.of("satisfaction_rate")),
        "satisfied": facts.text("satisfied_share"),
        "basically": facts.text("basically_share"),
        "dissatisfied": facts.text("dissatisfied_share"),
    }


def _few_of_a_kind(facts: Facts) -> str:
    """The answers without the kinds that rest on fewer than five, and what they could be worked out from."""
    named = [key for key in ANSWERS if not facts.is_hidden(key)]
    if not facts.is_hidden("satisfaction_rate") or "least" in facts.data["figures"]["satisfaction_rate"]:
        named.append("satisfaction_rate")
    told = _(", ").join(
        _("%(name)s %(share)s") % {"name": FIGURES[key].name, "share": facts.text(key)} for key in named
    )
    note = _("Kinds of answers that are fewer than 5, and what they could be worked out from, are not told.")
    number = {"n": show(facts.of("satisfaction_rate"))}
    if not told:
        return joined(_("There were %(n)s answers.") % number, note)
    return joined(_("There were %(n)s answers: %(list)s.") % {**number, "list": told}, note)


# --- Figures ------------------------------------------------------------------------------------


def overall(facts: Facts, heading: str) -> Section:
    """AN-20, AN-06: received and handled, with the trend."""
    sentences = _("Repeat complaints make up %(repeat)s, complaints of high risk %(risk)s.") % {
        "repeat": facts.text("repeat_rate"),
        "risk": facts.text("high_risk_share"),
    }
    if facts.is_hidden("repeat_rate") or facts.is_hidden("high_risk_share"):
        sentences = joined(briefly(facts, "repeat_rate"), briefly(facts, "high_risk_share"))
    trend = facts.limits_sentence()
    # Shares of nothing say nothing.
    told = (_received(facts), trend, sentences) if facts.value("received") else (_received(facts), trend)
    return Section(
        "overall",
        heading,
        paragraphs=told,
        charts=(
            ChartSpec(
                "control",
                _("Received per month"),
                {"points": _pairs(facts.series("received")), "unit": _("cases")},
                trend,
            ),
        ),
        tables=(_key_table(facts),),
    )


def _pairs(points: Iterable[tuple[str, float | None]]) -> list[list]:
    return [[label, value] for label, value in points]


def _key_table(facts: Facts) -> Table:
    columns = (Column(_("Measure")), Column(_("Unit")), Column(_("This period")), Column(_("Previous period")))
    rows = tuple(
        (str(FIGURES[key].name), str(UNIT_LABELS[FIGURES[key].unit]), facts.text(key), facts.previous_text(key))
        for key in KEY_FIGURES
    )
    return Table(_("Main figures"), columns, rows)


def distribution(facts: Facts, heading: str) -> Section:
    """AN-08, AN-09, AN-05: by channel, category and department."""
    paragraphs, charts = [], []
    if channels := facts.points("channel"):
        finding = small_note()
        if facts.counts("channel"):
            finding = _("By channel: %(list)s.") % {"list": facts.shares("channel", 4)}
        paragraphs.append(finding)
        charts.append(ChartSpec("shares", _("Channels"), {"points": _pairs(channels), "unit": _("cases")}, finding))
    if categories := facts.points("category"):
        finding = small_note()
        if facts.counts("category"):
            finding = _("The leading categories are %(list)s; together they make up %(share)s.") % {
                "list": facts.shares("category", 3),
                "share": facts.leading_share("category", 3),
            }
        paragraphs.append(finding)
        data = {"points": _pairs(categories), "unit": _("cases"), "other": facts.rest_label}
        charts.append(ChartSpec("pareto", _("Categories"), data, finding))
    if facts.counts("department"):
        paragraphs.append(_("By department: %(list)s.") % {"list": facts.shares("department", 3)})
    paragraphs = list(dict.fromkeys(paragraphs))
    return Section(
        "distribution",
        heading,
        level=2,
        paragraphs=tuple(paragraphs) or (_("No complaint was received in the period."),),
        charts=tuple(charts),
        tables=_department_table(facts),
    )


def _department_table(facts: Facts) -> tuple[Table, ...]:
    rows = facts.rows("department")
    if not rows:
        return ()
    keys = ("received", "overdue_rate", "average_days", "dissatisfied_share", "repeat_rate", "overturned_rate")
    kinds = {"cases": "int", "ratio": "percent"}
    columns = (
        Column(_("Department")),
        *(Column(str(FIGURES[key].name), kinds.get(FIGURES[key].unit, "number"), graded=True) for key in keys),
    )
    body = tuple((str(row["label"]), *(row[key]["value"] for key in keys)) for row in rows)
    return (Table(_("Departments"), columns, body, small_note()),)


def small_note() -> str:
    """Said below a table that leaves small cells empty."""
    return _("Cells that rest on fewer than 5 cases, and rates with 1 to 4 cases on one side, are left empty.")


def timeliness(facts: Facts, heading: str) -> Section:
    """AN-10, AN-11: how long it took, what was in time, why not."""
    paragraphs = []
    if facts.value("average_days") is not None:
        paragraphs.append(
            _(
                "The first reply took %(days)s working days (%(hours)s office hours) on average; half of the cases "
                "were replied to within %(median)s working days and nine out of ten within %(p90)s."
            )
            % {
                "days": facts.text("average_days"),
                "hours": facts.text("average_work_hours"),
                "median": show(facts.value("median_days")),
                "p90": show(facts.value("p90_days")),
            }
        )
    paragraphs.append(_in_time(facts))
    if facts.is_hidden("late_share"):
        paragraphs.append(briefly(facts, "late_share"))
    elif facts.of("late_share"):
        paragraphs.append(
            _("%(share)s of the cases first closed in the period (%(n)s of %(of)s) had missed a limit.")
            % {
                "share": facts.text("late_share"),
                "n": show(facts.part("late_share")),
                "of": show(facts.of("late_share")),
            }
        )
    if reasons := facts.counts("late_reason", "late_share"):
        paragraphs.append(_("Reasons given: %(list)s.") % {"list": _listing(reasons)})
    rows = tuple(
        (
            str(row["label"]),
            row["milestone_rate"].get("part"),
            row["milestone_rate"].get("of"),
            row["milestone_rate"]["value"],
        )
        for row in facts.rows("milestone")
        if not row["milestone_rate"].get("suppressed")
    )
    columns = (
        Column(_("Milestone")),
        Column(_("Kept"), "int"),
        Column(_("Ended"), "int"),
        Column(_("On-time rate"), "percent"),
    )
    tables = (Table(_("Limits by milestone"), columns, rows, small_note()),) if rows else ()
    return Section("timeliness", heading, level=2, paragraphs=tuple(paragraphs), tables=tables)


def _listing(counts: Iterable[tuple[str, int]]) -> str:
    return _(", ").join(_("%(name)s %(n)s cases") % {"name": name, "n": show(n)} for name, n in counts)


def satisfaction(facts: Facts, heading: str, *, level: int = 2) -> Section:
    """AN-12, AN-15: what complainants said, and why they were dissatisfied."""
    paragraphs = [_satisfied(facts)]
    if facts.is_hidden("response_rate") or facts.is_hidden("call_back_rate"):
        asked = _("%(asked)s complainants were asked.") % {"asked": show(facts.of("response_rate"))}
        paragraphs.append(joined(asked, briefly(facts, "response_rate"), briefly(facts, "call_back_rate")))
    elif facts.of("response_rate"):
        paragraphs.append(
            _(
                "%(asked)s complainants were asked and %(answering)s answered (response rate %(rate)s); %(called)s "
                "of the cases closed had been called back."
            )
            % {
                "asked": show(facts.of("response_rate")),
                "answering": show(facts.part("response_rate")),
                "rate": facts.text("response_rate"),
                "called": facts.text("call_back_rate"),
            }
        )
    if reasons := facts.counts("dissatisfaction", "answers"):
        paragraphs.append(_("Reasons for being dissatisfied: %(list)s.") % {"list": _listing(reasons)})
    shares = [(str(FIGURES[key].name), facts.part(key)) for key in ANSWERS if not facts.is_hidden(key)]
    rest = facts.of("satisfaction_rate") - sum(n for _name, n in shares)
    if rest:
        shares.append((facts.rest_label, rest))
    charts = (
        (
            ChartSpec(
                "satisfaction", _("Satisfaction"), {"points": _pairs(shares), "unit": _("cases")}, _satisfied(facts)
            ),
        )
        if len(shares) > bool(rest)
        else ()
    )
    return Section("satisfaction", heading, level=level, paragraphs=tuple(paragraphs), charts=charts)


def oversight(facts: Facts, heading: str, *, level: int = 2) -> Section:
    """Reviews, rework and publication."""
    paragraphs = []
    triggers = facts.counts("trigger", "reviews_opened")
    if triggers:
        paragraphs.append(
            _("Reviews were triggered %(n)s times: %(list)s.")
            % {"n": facts.text("reviews_opened"), "list": _listing(triggers)}
        )
    if facts.is_hidden("screening_rate"):
        paragraphs.append(briefly(facts, "screening_rate"))
    elif facts.of("screening_rate"):
        paragraphs.append(_("%(rate)s of the reviews were screened in time.") % {"rate": facts.text("screening_rate")})
    if facts.is_hidden("overturned_rate"):
        concluded = _("%(n)s reviews were concluded.") % {"n": show(facts.of("overturned_rate"))}
        paragraphs.append(joined(concluded, briefly(facts, "overturned_rate")))
    elif facts.of("overturned_rate"):
        paragraphs.append(
            _("%(n)s reviews were concluded; %(changed)s changed the first result (%(rate)s), %(change)s.")
            % {
                "n": show(facts.of("overturned_rate")),
                "changed": show(facts.part("overturned_rate")),
                "rate": facts.text("overturned_rate"),
                "change": facts.movement("overturned_rate"),
            }
        )
    paragraphs.append(
        _(
            "Replies were returned for rework %(reworks)s times, cases reopened %(reopenings)s times and sent back "
            "by departments %(returns)s times."
        )
        % {name: facts.text(name) for name in ("reworks", "reopenings", "returns")}
    )
    paragraphs.append(
        _("%(posted)s results were published and %(improvements)s improvements verified.")
        % {
            "posted": facts.text("publications"),
            "improvements": facts.text("improvements_verified"),
        }
    )
    return Section("oversight", heading, level=level, paragraphs=tuple(paragraphs))


def cases(facts: Facts, heading: str) -> Section:
    """AN-23: typical cases, told from anonymous facts only; a person adds what they teach."""
    intro = _(
        "The following cases were chosen by their figures: the longest, the one most often returned, and one "
        "whose complainant stayed dissatisfied. Names, places and texts are left out."
    )
    return _told(facts, heading, "cases", intro, typical_cases.lines)


def good_cases(facts: Facts, heading: str) -> Section:
    """AN-27: cases that went well, and what is worth taking over."""
    intro = _(
        "The following cases went well: no limit was missed, no reply came back, and the complainant was satisfied. "
        "Names, places and texts are left out."
    )
    return _told(facts, heading, "good_cases", intro, typical_cases.good_lines)


def risk_cases(facts: Facts, heading: str) -> Section:
    """AN-28: cases of high or legal risk and how they were dealt with."""
    intro = _(
        "The following cases were graded as high risk or given a type of legal risk. Names, places and texts are left "
        "out."
    )
    return _told(facts, heading, "risk_cases", intro, typical_cases.lines)


def _told(
    facts: Facts, heading: str, kept: str, intro: str, lines: Callable[[int, dict[str, Any]], list[str]]
) -> Section:
    """Cases told one after the other; reports frozen before a choice of cases existed have none of it."""
    told = enumerate(facts.data.get(kept, ()), start=1)
    points = tuple(line for number, case in told for line in lines(number, case))
    paragraph = intro if points else _("No case of the period stands out by its figures.")
    return Section("cases", heading, paragraphs=(paragraph,), points=points)


# --- Judgement ------------------------------------------------------------------------------------


def problems(facts: Facts, heading: str) -> Section:
    """AN-21, AN-24: what the figures point at."""
    found = problems_of(facts)
    intro = (
        _("The figures point at the following problems.")
        if found
        else _("No figure crosses the line from which a problem is named.")
    )
    return Section("problems", heading, paragraphs=(intro,), points=tuple(problem for problem, _measure in found))


def causes(facts: Facts, heading: str) -> Section:
    """Why: the coded reasons for lateness and dissatisfaction (AN-11, AN-12)."""
    known = {
        "coordination": _(
            "Several departments are concerned, and who leads, who assists and until when is not settled at once."
        ),
        "investigation": _("Facts are hard to establish; records and tests are asked for late."),
        "emotion": _("Complainants were upset and the first talk did not calm them."),
        "not_solved": _("The single case was dealt with, its cause was not."),
        "communication": _("Complainants were told too little, or not in plain words."),
        "waited": _("Complainants waited without hearing how far their case was."),
    }
    rows = [row["code"] for axis in ("late_reason", "dissatisfaction") for row in facts.rows(axis)]
    points = tuple(known[code] for code in dict.fromkeys(rows) if code in known)
    intro = (
        _("The reasons chosen for lateness and for dissatisfaction show the following causes.")
        if points
        else _("No reason for lateness or dissatisfaction was recorded in the period.")
    )
    return Section("causes", heading, paragraphs=(intro,), points=points)


def measures(facts: Facts, heading: str) -> Section:
    """AN-22, AN-25: what is proposed, by whom and until when, and how far what was decided earlier is."""
    until = parse(facts.data["period"]).next.end.date() - timedelta(days=1)
    points = tuple(
        _("%(measure)s (Carried out by: %(who)s; until: %(day)s)")
        % {"measure": measure, "who": who, "day": f"{until:%Y-%m-%d}"}
        for measure, who in measures_of(facts)
    ) or (_("Keep the present way of working and go on watching the figures every month."),)
    open_now = facts.data.get("improvements", {"open": 0, "overdue": 0})
    running = _(
        "At the end of the period %(open)s improvements are under way, %(overdue)s of them past their date; "
        "%(verified)s were verified in the period."
    ) % {
        "open": show(open_now["open"]),
        "overdue": show(open_now["overdue"]),
        "verified": facts.text("improvements_verified"),
    }
    tables = (*_projects(facts), *_improvements(open_now.get("departments", ())))
    return Section("measures", heading, paragraphs=(running, _("Proposed:")), points=points, tables=tables)


def _projects(facts: Facts) -> tuple[Table, ...]:
    """The improvement projects under way with their owners and dates; reports frozen earlier have none."""
    rows = tuple(
        (row["title"], row["department"], row["due_on"], row["percent"] / 100) for row in facts.data.get("projects", ())
    )
    columns = (
        Column(_("Improvement project")),
        Column(_("Responsible department")),
        Column(_("Date of completion"), "date"),
        Column(_("Progress"), "percent", 0),
    )
    return (Table(_("Improvement projects under way"), columns, rows),) if rows else ()


def _improvements(rows: Sequence[Mapping[str, Any]]) -> tuple[Table, ...]:
    """The single improvements of each department, as counts with the next date."""
    body = tuple((row["department"], row["open"], row["overdue"], row["next"]) for row in rows)
    columns = (
        Column(_("Responsible department")),
        Column(_("Under way"), "int"),
        Column(_("Past their date"), "int"),
        Column(_("Next date"), "date"),
    )
    return (Table(_("Improvements by department"), columns, body),) if body else ()


def outlook(facts: Facts, heading: str) -> Section:
    """AN-26: what the next period is about, in concrete terms."""
    top, worst = facts.counts("category"), facts.worst("overdue_rate")
    sentences = []
    if top:
        sentences.append(_("In the next period %(category)s stays the focus.") % {"category": top[0][0]})
    if worst:
        sentences.append(
            _("%(department)s reports on its overdue cases at the end of each month.") % {"department": worst[0]}
        )
    sentences.append(
        _(
            "The goal stays an on-time rate of at least %(goal)s, every dissatisfied complainant called back, and "
            "every improvement verified by its date."
        )
        % {"goal": show(ON_TIME_GOAL, "percent", 0)}
    )
    return Section("outlook", heading, paragraphs=tuple(sentences))
