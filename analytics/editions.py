"""The editions of 《投诉工作总结》 and the feedback report: which sections, under which headings (AN-20…28, FB-17)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from django.utils.translation import gettext as _

from analytics import feedback_report, narrative
from analytics.charts import show
from analytics.documents.snapshot import Column, Section, Table
from analytics.facts import Facts, joined
from analytics.states import Edition


def data_and_process(facts: Facts) -> list[Section]:
    """Edition one: by numbers and process."""
    return [
        narrative.overall(facts, _("Overall situation")),
        narrative.distribution(facts, _("Distribution")),
        narrative.timeliness(facts, _("Time taken")),
        narrative.satisfaction(facts, _("Satisfaction and its reasons")),
        narrative.oversight(facts, _("Review and publication")),
        narrative.cases(facts, _("Typical cases")),
        narrative.problems(facts, _("Problems of the present way of working")),
        narrative.causes(facts, _("Causes")),
        narrative.measures(facts, _("Improvements and proposals")),
        narrative.outlook(facts, _("Outlook")),
    ]


def customer_experience(facts: Facts) -> list[Section]:
    """Edition two: as complainants lived it."""
    return [
        _characteristics(facts),
        narrative.distribution(facts, _("Where they turned to and with what")),
        narrative.satisfaction(facts, _("What they thought of the result"), level=1),
        _waiting(facts),
        narrative.good_cases(facts, _("Cases to learn from")),
        narrative.problems(facts, _("Weak points of the service")),
        narrative.causes(facts, _("Causes")),
        narrative.measures(facts, _("Better service: measures")),
        _team(facts),
        narrative.outlook(facts, _("Summary and outlook")),
    ]


def _characteristics(facts: Facts) -> Section:
    """AN-27, AN-16: what was complained of, and in what mood."""
    section = narrative.overall(facts, _("What complainants complained of"))
    total = facts.value("received")
    if not total:
        return section
    moods = []
    if facts.part("upset_share"):
        moods.append(
            _("%(share)s of the complainants were angry or beside themselves.") % {"share": facts.text("upset_share")}
        )
    if noted := facts.counts("emotion", "emotions_noted"):
        listed = _(", ").join(_("%(name)s %(n)s") % {"name": name, "n": show(n)} for name, n in noted[:5])
        moods.append(_("Emotions noted most often: %(list)s.") % {"list": listed})
    if facts.part("special_share"):
        moods.append(_("%(share)s belong to a group that needs special care.") % {"share": facts.text("special_share")})
    rows = tuple((name, n, n / total) for name, n in facts.counts("intensity"))
    return replace(
        section,
        paragraphs=(*section.paragraphs, *([joined(*moods)] if moods else [])),
        tables=(*section.tables, *_shares(_("Intensity of emotion"), _("Intensity"), rows)),
    )


def _shares(caption: str, what: str, rows: tuple[tuple[str, int, float], ...]) -> tuple[Table, ...]:
    """A table of groups with their number and share; none without rows."""
    columns = (Column(what), Column(_("Number of cases"), "int"), Column(_("Share"), "percent"))
    return (Table(caption, columns, rows, narrative.small_note()),) if rows else ()


def _waiting(facts: Facts) -> Section:
    section = narrative.timeliness(facts, _("How long they waited"))
    asked = _("Complainants sent %(n)s reminders while they waited.") % {"n": facts.text("reminders")}
    return replace(section, level=2, paragraphs=(*section.paragraphs, asked))


def _team(facts: Facts) -> Section:
    """AN-27: what the figures say about skills and load."""
    points = [
        _("Train listening, plain replies and calm first talks with the cases of this report."),
        _("Pair people whose replies come back with experienced colleagues for one month."),
        _("Give the call-back figures to each department every month, not only the number of closed cases."),
    ]
    intro = _(
        "Replies were returned for rework %(reworks)s times; %(called)s of the cases closed had been called back."
    ) % {
        "reworks": facts.text("reworks"),
        "called": facts.text("call_back_rate"),
    }
    return Section("team", _("Team and training"), paragraphs=(intro,), points=tuple(points))


def risk_and_compliance(facts: Facts) -> list[Section]:
    """Edition three: risks and rules."""
    return [
        narrative.overall(facts, _("Complaints and risk")),
        _risks(facts),
        narrative.timeliness(facts, _("Legal and agreed limits")),
        narrative.oversight(facts, _("Review and publication")),
        narrative.risk_cases(facts, _("Typical risk cases")),
        narrative.problems(facts, _("Weak points of prevention")),
        narrative.causes(facts, _("Causes")),
        narrative.measures(facts, _("Prevention: measures")),
        _rules(facts),
        narrative.outlook(facts, _("Conclusion and outlook")),
    ]


def _risks(facts: Facts) -> Section:
    """AN-28, AN-18: risk grades and types of legal risk of the period."""
    total = facts.value("received") or 1
    paragraphs = [
        narrative.briefly(facts, "high_risk_share")
        if facts.is_hidden("high_risk_share")
        else _(
            "%(n)s complaints were graded as high risk (%(share)s). Each passes the legal check before the reply is "
            "sent."
        )
        % {"n": show(facts.part("high_risk_share")), "share": facts.text("high_risk_share")},
        narrative.briefly(facts, "legal_risk_share")
        if facts.is_hidden("legal_risk_share")
        else _("%(n)s complaints were given a type of legal risk (%(share)s).")
        % {"n": show(facts.part("legal_risk_share")), "share": facts.text("legal_risk_share")},
    ]
    # The cases without a legal risk are no type of it.
    types = [
        (str(row["label"]), int(row["received"]["value"]))
        for row in facts.rows("legal_type")
        if row["code"] and row["received"]["value"]
    ]
    if types:
        listed = _(", ").join(_("%(name)s %(n)s cases") % {"name": name, "n": show(n)} for name, n in types[:3])
        paragraphs.append(_("The leading types of legal risk: %(list)s.") % {"list": listed})
    return Section(
        "risks",
        _("Risk types"),
        level=2,
        paragraphs=tuple(paragraphs),
        tables=(
            *_shares(_("Risk grades"), _("Risk"), tuple((label, n, n / total) for label, n in facts.counts("risk"))),
            *_shares(_("Types of legal risk"), _("Type"), tuple((label, n, n / total) for label, n in types)),
        ),
    )


def _rules(facts: Facts) -> Section:
    """AN-28: law and training; the office writes down what changed."""
    return Section(
        "rules",
        _("Changes of law and training"),
        paragraphs=(_("Changes of law in the period: to be completed by legal."),),
        points=(
            _("Tell the departments about each change within 10 working days, with one example from a case."),
            _("Check once a quarter that evidence, calls and replies of high-risk cases are complete on file."),
            _("Complaints are told on with names and numbers masked; access to identities is logged and checked."),
        ),
    )


SECTIONS: dict[str, Callable[[Facts], list[Section]]] = {
    Edition.DATA: data_and_process,
    Edition.EXPERIENCE: customer_experience,
    Edition.RISK: risk_and_compliance,
    Edition.FEEDBACK: feedback_report.sections,
}
