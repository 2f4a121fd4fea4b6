"""The figures: one function each, with definition, unit and what it leaves out (AN-06, AN-08…13, AN-15…18).

Page, report, export and API all take their numbers from here (EX-09). A figure is a function of the
counters of one source, so whatever reads the same source costs one query.
"""

from __future__ import annotations

from collections import Counter

from django.utils.translation import gettext_lazy as _

from analytics import complainants, recurrence, sources, work_hours
from analytics.registry import FIGURES, SMALL, UNIT_LABELS, Computed, Figure, Unit, Value, compute, figure, ratio

__all__ = ["FIGURES", "SMALL", "UNIT_LABELS", "Computed", "Figure", "Unit", "Value", "compute"]


# --- Volume -----------------------------------------------------------------------------------


@figure(
    _("Complaints received"),
    Unit.CASES,
    sources.registered,
    _(
        "Complaints registered in the period. Unit: cases. Not accepted and withdrawn complaints count; merged ones "
        "count each."
    ),
)
def received(n: Counter) -> Value:
    return Value(n["cases"])


@figure(
    _("Complaints handled"),
    Unit.CASES,
    sources.handled,
    _(
        "Complaints that got their first reply in the period, or ended without one: not accepted or withdrawn. Unit: "
        "cases. "
        "A reopened case counts once, by its first ending."
    ),
    rising=True,
)
def handled(n: Counter) -> Value:
    return Value(n["cases"])


@figure(
    _("Open at the end"),
    Unit.CASES,
    sources.open_at_end,
    _(
        "Complaints that were registered, not ended and not closed at the last moment of the period. Unit: cases. "
        "Replied cases that wait for the call-back count as open."
    ),
    rising=False,
)
def open_at_end(n: Counter) -> Value:
    return Value(n["cases"])


@figure(
    _("Repeat rate"),
    Unit.RATIO,
    sources.registered,
    _(
        "Complaints registered in the period that repeat an earlier complaint of the same person within the days the "
        "office had set at registration (90 unless changed), divided by all registered in the period. Complainants "
        "without contact data cannot be matched and count as first complaints."
    ),
    rising=False,
)
def repeat_rate(n: Counter) -> Value:
    return ratio(n["repeats"], n["cases"])


@figure(
    _("Share of high risk"),
    Unit.RATIO,
    sources.registered,
    _(
        "Complaints registered in the period whose risk is graded high, divided by all registered in the period. "
        "The grade as it stands now counts."
    ),
    rising=False,
)
def high_risk_share(n: Counter) -> Value:
    return ratio(n["high_risk"], n["cases"])


@figure(
    _("Share with a legal risk"),
    Unit.RATIO,
    sources.registered,
    _(
        "Complaints registered in the period that were given a type of legal risk, divided by all registered in the "
        "period. The type as it stands now counts."
    ),
    rising=False,
)
def legal_risk_share(n: Counter) -> Value:
    return ratio(n["legal_risk"], n["cases"])


@figure(
    _("Share of strong emotion"),
    Unit.RATIO,
    sources.registered,
    _(
        "Complaints registered in the period whose complainant was angry or beside themselves, divided by all "
        "registered in the period."
    ),
    rising=False,
)
def upset_share(n: Counter) -> Value:
    return ratio(n["upset"], n["cases"])


@figure(
    _("Emotions noted"),
    Unit.CASES,
    sources.emotions,
    _("Emotions noted in complaints registered in the period. Unit: notes; a case may carry several."),
)
def emotions_noted(n: Counter) -> Value:
    return Value(n["marks"])


@figure(
    _("Share of special groups"),
    Unit.RATIO,
    sources.registered,
    _(
        "Complaints registered in the period whose complainant belongs to a group that needs special care, divided "
        "by all registered in the period. Groups not asked for or not told are left out."
    ),
)
def special_share(n: Counter) -> Value:
    return ratio(n["special"], n["cases"])


@figure(
    _("Repeat complainants"),
    Unit.CASES,
    complainants.persons,
    _(
        "Persons with two or more complaints registered in the period. Unit: persons. Equal telephone numbers, e-mail "
        "addresses or identity numbers make one person; they are compared by keyed hashes, nobody is named."
    ),
    rising=False,
)
def repeat_complainants(n: Counter) -> Value:
    return Value(n["repeat"])


@figure(
    _("High-frequency complainants"),
    Unit.CASES,
    complainants.persons,
    _(
        "Persons with three or more complaints registered in the period, told apart like repeat complainants. "
        "Unit: persons."
    ),
    rising=False,
)
def frequent_complainants(n: Counter) -> Value:
    return Value(n["frequent"])


@figure(
    _("Complaints of high-frequency complainants"),
    Unit.CASES,
    complainants.persons,
    _("Complaints registered in the period by persons with three or more of them. Unit: cases."),
    rising=False,
)
def frequent_cases(n: Counter) -> Value:
    return Value(n["frequent_cases"])


# --- Time -------------------------------------------------------------------------------------


def _days(n: Counter) -> list[tuple[int, int]]:
    """(working days, cases), shortest first."""
    return sorted((key[1], cases) for key, cases in n.items() if isinstance(key, tuple))


def _rank_of(n: Counter, share: float) -> Value:
    spread = _days(n)
    total, seen = sum(cases for _length, cases in spread), 0
    for length, cases in spread:
        seen += cases
        if seen * 100 >= total * round(share * 100):
            return Value(length, of=total)
    return Value(None, of=0)


@figure(
    _("Average handling"),
    Unit.DAYS,
    sources.answered,
    _(
        "Working days from registration to the first reply, for cases first replied to in the period: the day of "
        "registration is not "
        "counted, the day of the reply is; a reply on the same day is 0. Mean. Stopped clocks are not taken off. "
        "Cases without a reply "
        "are left out."
    ),
    rising=False,
)
def average_days(n: Counter) -> Value:
    spread = _days(n)
    total = sum(cases for _length, cases in spread)
    return Value(sum(length * cases for length, cases in spread) / total if total else None, of=total)


@figure(
    _("Median handling"),
    Unit.DAYS,
    sources.answered,
    _(
        "Working days to the first reply, counted as for the average: half of the cases took at most so long "
        "(nearest rank)."
    ),
    rising=False,
)
def median_days(n: Counter) -> Value:
    return _rank_of(n, 0.5)


@figure(
    _("Nine in ten handled within"),
    Unit.DAYS,
    sources.answered,
    _(
        "Working days to the first reply, counted as for the average: nine out of ten cases took at most so long "
        "(nearest rank)."
    ),
    rising=False,
)
def p90_days(n: Counter) -> Value:
    return _rank_of(n, 0.9)


def _mean_hours(n: Counter, kind: str = "") -> Value:
    cases = n[f"{kind}cases"]
    return Value(n[f"{kind}seconds"] / cases / 3600 if cases else None, of=cases)


def _hours(n: Counter, rank: str, kind: str = "") -> Value:
    """A rank of the hours, by the clock or, as `kind` "worked_", within the hours of the office."""
    cases = n[f"{kind}cases"]
    return Value(n[f"{kind}{rank}_seconds"] / 3600 if cases else None, of=cases)


@figure(
    _("Average hours to the reply"),
    Unit.HOURS,
    work_hours.replied,
    _(
        "Hours by the clock, nights and holidays included, from registration to the first reply, for cases first "
        "replied to in the "
        "period. Mean."
    ),
    rising=False,
)
def average_hours(n: Counter) -> Value:
    return _mean_hours(n)


@figure(
    _("Median hours to the reply"),
    Unit.HOURS,
    work_hours.replied,
    _(
        "Hours by the clock from registration to the first reply: half of the cases took at most so long (nearest "
        "rank)."
    ),
    rising=False,
)
def median_hours(n: Counter) -> Value:
    return _hours(n, "median")


@figure(
    _("Nine in ten replied to within (hours)"),
    Unit.HOURS,
    work_hours.replied,
    _(
        "Hours by the clock from registration to the first reply: nine out of ten cases took at most so long "
        "(nearest rank)."
    ),
    rising=False,
)
def p90_hours(n: Counter) -> Value:
    return _hours(n, "p90")


@figure(
    _("Average office hours to the reply"),
    Unit.HOURS,
    work_hours.replied,
    _(
        "Hours within the office's working hours, from registration to the first reply, for cases first replied to in "
        "the period; nights, breaks, weekends and holidays are left out. Mean. Stopped clocks are not taken off."
    ),
    rising=False,
)
def average_work_hours(n: Counter) -> Value:
    return _mean_hours(n, "worked_")


@figure(
    _("Median office hours to the reply"),
    Unit.HOURS,
    work_hours.replied,
    _(
        "Hours within the office's working hours from registration to the first reply: half of the cases took at most "
        "so long (nearest rank)."
    ),
    rising=False,
)
def median_work_hours(n: Counter) -> Value:
    return _hours(n, "median", "worked_")


@figure(
    _("Nine in ten replied to within (office hours)"),
    Unit.HOURS,
    work_hours.replied,
    _(
        "Hours within the office's working hours from registration to the first reply: nine out of ten cases took at "
        "most so long (nearest rank)."
    ),
    rising=False,
)
def p90_work_hours(n: Counter) -> Value:
    return _hours(n, "p90", "worked_")


@figure(
    _("On-time rate"),
    Unit.RATIO,
    sources.clocks_stopped,
    _(
        "Limits for handling and for the reply that were kept, divided by those that ended in the period. A limit "
        "counts in the period "
        "in which it stopped; after rework each new limit counts. Cancelled limits are left out."
    ),
    rising=True,
)
def on_time_rate(n: Counter) -> Value:
    return ratio(n["main_met"], n["main_met"] + n["main_missed"])


@figure(
    _("Overdue rate"),
    Unit.RATIO,
    sources.clocks_stopped,
    _(
        "Limits for handling and for the reply that were missed, divided by those that ended in the period: the rest "
        "of the on-time "
        "rate."
    ),
    rising=False,
)
def overdue_rate(n: Counter) -> Value:
    return ratio(n["main_missed"], n["main_met"] + n["main_missed"])


@figure(
    _("On-time rate of a milestone"),
    Unit.RATIO,
    sources.clocks_stopped,
    _(
        "Limits of any milestone that were kept, divided by those that ended in the period. Cancelled limits are "
        "left out."
    ),
    rising=True,
)
def milestone_rate(n: Counter) -> Value:
    return ratio(n["met"], n["met"] + n["missed"])


@figure(
    _("Closed late"),
    Unit.RATIO,
    sources.closed,
    _(
        "Cases first closed in the period in which at least one limit was missed, divided by all first closed in the "
        "period. Progress "
        "reports are left out. A reopened case counts once, by its first closing; the reason is the one chosen at "
        "closing."
    ),
    rising=False,
)
def late_share(n: Counter) -> Value:
    return ratio(n["late"], n["cases"])


# --- What complainants say ----------------------------------------------------------------------


def _answers(n: Counter) -> int:
    return n["satisfied"] + n["basically"] + n["dissatisfied"]


@figure(
    _("Satisfied or basically satisfied"),
    Unit.RATIO,
    sources.ratings,
    _(
        "Answers “satisfied” or “basically satisfied”, divided by all answers given in the period. An answer comes "
        "from the complainant "
        "or from an independent caller, never from the department. A case asked again after reopening counts again."
    ),
    rising=True,
)
def satisfaction_rate(n: Counter) -> Value:
    return ratio(n["satisfied"] + n["basically"], _answers(n))


@figure(
    _("Satisfied"),
    Unit.RATIO,
    sources.ratings,
    _("Answers “satisfied”, divided by all answers given in the period."),
    rising=True,
)
def satisfied_share(n: Counter) -> Value:
    return ratio(n["satisfied"], _answers(n))


@figure(
    _("Basically satisfied"),
    Unit.RATIO,
    sources.ratings,
    _("Answers “basically satisfied”, divided by all answers given in the period."),
)
def basically_share(n: Counter) -> Value:
    return ratio(n["basically"], _answers(n))


@figure(
    _("Dissatisfied"),
    Unit.RATIO,
    sources.ratings,
    _("Answers “dissatisfied”, divided by all answers given in the period."),
    rising=False,
)
def dissatisfied_share(n: Counter) -> Value:
    return ratio(n["dissatisfied"], _answers(n))


@figure(
    _("Response rate"),
    Unit.RATIO,
    sources.ratings,
    _(
        "Cases with an answer in the period, divided by the cases in which the complainant was called or answered "
        "unasked in the "
        "period. Calls in vain count below the line."
    ),
    rising=True,
)
def response_rate(n: Counter) -> Value:
    return ratio(n["answering"], n["asked"])


@figure(
    _("Call-back rate"),
    Unit.RATIO,
    sources.closed,
    _(
        "Cases first closed in the period whose complainant was reached by a call-back, or answered unasked, before "
        "closing, divided by "
        "all first closed in the period."
    ),
    rising=True,
)
def call_back_rate(n: Counter) -> Value:
    return ratio(n["called"], n["cases"])


@figure(
    _("Contacted in time (three rates)"),
    Unit.RATIO,
    sources.calls,
    _(
        "Call-backs in the period that reached somebody whose first contact was in time, divided by those that reached "
        "somebody with a limit for the first contact."
    ),
    rising=True,
)
def contact_rate(n: Counter) -> Value:
    return ratio(n["contact_known"] - n["contact_late"], n["contact_known"])


@figure(
    _("Solved (three rates)"),
    Unit.RATIO,
    sources.calls,
    _(
        "Call-backs in the period with the answer “solved”, divided by the base chosen: call-backs that were answered, "
        "that reached the person, or all that were tried."
    ),
    rising=True,
)
def resolution_rate(n: Counter) -> Value:
    return ratio(n["solved"], n["solved_base"])


@figure(
    _("Satisfied (three rates)"),
    Unit.RATIO,
    sources.calls,
    _(
        "Call-backs in the period with a satisfied answer, divided by the base chosen: call-backs that were answered, "
        "that reached the person, or all that were tried. “Basically satisfied” counts unless the formula says no."
    ),
    rising=True,
)
def pleased_rate(n: Counter) -> Value:
    return ratio(n["pleased"], n["pleased_base"])


@figure(
    _("Praise received"),
    Unit.CASES,
    sources.praise,
    _("Praise from customers by the day it came. Unit: praises. It counts for the department it names."),
    rising=True,
)
def praises(n: Counter) -> Value:
    return Value(n["praises"])


@figure(
    _("Reminders"),
    Unit.CASES,
    sources.questions,
    _("Reminders by complainants recorded in the period: they asked how far the case is. Unit: reminders, not cases."),
    rising=False,
)
def reminders(n: Counter) -> Value:
    return Value(n["reminders"])


# --- Steps back ---------------------------------------------------------------------------------


@figure(
    _("Returned for rework"),
    Unit.CASES,
    sources.moves,
    _("Replies returned by the quality check or by legal in the period. Unit: rounds; a case may count several times."),
    rising=False,
)
def reworks(n: Counter) -> Value:
    return Value(n["reworks"])


@figure(
    _("Cases reopened"),
    Unit.CASES,
    sources.moves,
    _("Reopenings after the reply or after closing in the period. Unit: reopenings; a case may count several times."),
    rising=False,
)
def reopenings(n: Counter) -> Value:
    return Value(n["reopenings"])


@figure(
    _("Sent back by departments"),
    Unit.CASES,
    sources.moves,
    _("Assignments that a department gave back with the office's consent in the period. Unit: returns."),
    rising=False,
)
def returns(n: Counter) -> Value:
    return Value(n["returns"])


@figure(
    _("Closed after rework"),
    Unit.RATIO,
    sources.closed,
    _(
        "Cases first closed in the period whose reply was returned for rework before, divided by all first closed "
        "in the period."
    ),
    rising=False,
)
def rework_share(n: Counter) -> Value:
    return ratio(n["reworked"], n["cases"])


@figure(
    _("Closed after a return"),
    Unit.RATIO,
    sources.closed,
    _(
        "Cases first closed in the period that a department had given back before, divided by all first closed in the "
        "period."
    ),
    rising=False,
)
def return_share(n: Counter) -> Value:
    return ratio(n["returned"], n["cases"])


@figure(
    _("Came again after closing"),
    Unit.RATIO,
    recurrence.watched,
    _(
        "Solved cases whose 90 days after the first closing ended in the period and in which the same person, or the "
        "same outlet with the same category, complained again within these 90 days, divided by all such cases. A case "
        "whose complainant last said before closing that it is not solved is left out."
    ),
    rising=False,
)
def recurrence_rate(n: Counter) -> Value:
    return ratio(n["again"], n["cases"])


@figure(
    _("Perfunctory replies"),
    Unit.CASES,
    sources.marks,
    _(
        "Cases with an early warning about a perfunctory reply raised in the period. Unit: cases. Dismissed warnings "
        "are left out."
    ),
    rising=False,
)
def perfunctory(n: Counter) -> Value:
    return Value(n["perfunctory"])


@figure(
    _("Closed without evidence"),
    Unit.CASES,
    sources.marks,
    _(
        "Cases with an early warning about a missing investigation or evidence raised in the period. Unit: cases. "
        "Dismissed warnings are left out."
    ),
    rising=False,
)
def missing_evidence(n: Counter) -> Value:
    return Value(n["no_evidence"])


# --- Review, publication, improvement -------------------------------------------------------------


@figure(
    _("Reviews triggered"),
    Unit.CASES,
    sources.reviews_opened,
    _("Signals that opened or joined a review in the period: application, alert or monthly sample. Unit: signals."),
)
def reviews_opened(n: Counter) -> Value:
    return Value(n["triggers"])


@figure(
    _("Screened in time"),
    Unit.RATIO,
    sources.reviews_screened,
    _("Reviews screened in the period by their due time, divided by all screened in the period."),
    rising=True,
)
def screening_rate(n: Counter) -> Value:
    return ratio(n["in_time"], n["screened"])


@figure(
    _("Overturned by review"),
    Unit.RATIO,
    sources.reviews_final,
    _(
        "Reviews whose conclusion amends the first handling or sets it aside, divided by all reviews concluded in "
        "the period. Refused "
        "reviews are left out."
    ),
    rising=False,
)
def overturned_rate(n: Counter) -> Value:
    return ratio(n["overturned"], n["finalised"])


@figure(
    _("Results published"),
    Unit.CASES,
    sources.posted,
    _("Results posted on the public site in the period. Unit: notices. One taken down later still counts."),
    rising=True,
)
def publications(n: Counter) -> Value:
    return Value(n["publications"])


@figure(
    _("Improvements verified"),
    Unit.CASES,
    sources.improvements_verified,
    _("Improvements that somebody outside the responsible department verified in the period. Unit: improvements."),
    rising=True,
)
def improvements_verified(n: Counter) -> Value:
    return Value(n["improvements"])


@figure(
    _("Documents revised"),
    Unit.CASES,
    sources.documents,
    _("Manuals and rules revised in the period because of a published problem. Unit: documents."),
    rising=True,
)
def revised_documents(n: Counter) -> Value:
    return Value(n["documents"])


@figure(
    _("Complaints after a publication"),
    Unit.RATIO,
    sources.echo,
    _(
        "For results whose 90 days after posting ended in the period: complaints of their category in these 90 days, "
        "divided by those in the 90 days before. Less than 100 % is fewer than before."
    ),
    rising=False,
)
def publication_echo(n: Counter) -> Value:
    return ratio(n["after"], n["before"])
