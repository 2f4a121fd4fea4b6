"""What the page of figures shows, put together from figures.py (AN-02, AN-04, AN-05, AN-07, AN-33).

Everything is read in a fixed number of queries, whatever is in the tables: from the counts made ahead where they
know what is asked for (aggregates.py), and with the final figures of closed months (finals.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from analytics import aggregates, charts, closing, figures, finals, selectors, sources, targets
from analytics import annotations as outside_events
from analytics.facts import joined, written
from analytics.figures import Computed, Figure, Unit, Value
from analytics.models import Target
from analytics.periods import OFFICE, Period
from analytics.scope import Scope
from complaints.models import ImprovementAction
from complaints.states import ImprovementState

SPARK_MONTHS = 8
# What the control chart can show.
CHARTED = {
    figure.key: figure
    for figure in (figures.received, figures.on_time_rate, figures.average_days, figures.satisfaction_rate)
}
# A due date so near is shown as near.
SOON = timedelta(days=14)
PARETO_BARS = 8


@dataclass(frozen=True)
class Delta:
    """How a figure moved; tone good, poor or nothing, icon arrow-up, arrow-down or nothing."""

    text: str
    tone: str = ""
    icon: str = ""


@dataclass(frozen=True)
class Tile:
    figure: Figure
    label: str
    value: str
    unit: str
    delta: Delta | None = None
    year: Delta | None = None
    target: Delta | None = None
    spark: SafeString | None = None
    parts: Sequence[tuple[str, str, int, str]] = ()  # label, colour, whole percent, percent as written
    url: str = ""


@dataclass(frozen=True)
class Panel:
    """A chart with its finding in words and its numbers as a table."""

    title: str
    note: str
    chart: SafeString
    finding: str
    figure: Figure
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class HeatCell:
    text: str
    level: int | None
    url: str = ""


@dataclass(frozen=True)
class HeatRow:
    name: str
    url: str
    cells: Sequence[HeatCell]


@dataclass(frozen=True)
class Dashboard:
    tiles: Sequence[Tile]
    trend: Panel
    channels: Panel
    categories: Panel
    heat_figures: Sequence[Figure]
    heat: Sequence[HeatRow] = field(default_factory=list)
    charted: Figure = figures.received
    notes: Sequence[tuple[str, str]] = ()  # month, outside event
    as_of: datetime | None = None
    is_final: bool = False
    differences: Sequence[closing.Difference] = ()

    @property
    def definitions(self) -> list[Figure]:
        """Every figure on the page, once."""
        shown = [*(tile.figure for tile in self.tiles), figures.median_days, *self.heat_figures]
        return list(dict.fromkeys(shown))


def build(
    period: Period, scope: Scope, *, links: bool, now: datetime | None = None, chart: str = "", query: str = ""
) -> Dashboard:
    """The whole page. `links`: figures lead to the list of cases, narrowed by `query`, the filters of the address.

    `chart`: the figure of the control chart.
    """
    months = period.last_months(selectors.SERIES_MONTHS + period.months)
    pair_months = [*period.previous.last_months(period.months), *period.last_months(period.months)]
    read, moment = aggregates.reader(scope, now=now or timezone.now())
    final = finals.Finals(months, scope, detailed=pair_months)
    counted = read(_LEADING, months, scope, dict.fromkeys(_BY_DEPARTMENT, ("department",)))
    back = final.over(counted)
    pair = final.over(read((figures.received,), pair_months, scope, {sources.registered: ("channel", "category")}))
    # The stored counts do not know the split into three.
    answers = final.over(figures.compute((figures.satisfied_share,), period.last_months(period.months), scope))
    charted = CHARTED.get(chart, figures.received)
    last_year, notes = months[-selectors.SERIES_MONTHS :], outside_events.between(months[-selectors.SERIES_MONTHS :])
    is_final = period in final
    return Dashboard(
        tiles=[
            replace(tile, url=_behind(tile.figure, query) if links else "")
            for tile in _tiles(period, months, back, answers, targets.in_force(period, scope))
        ],
        trend=_trend(last_year, back, charted, notes),
        channels=_channels(period, pair),
        categories=_categories(period, pair),
        heat_figures=selectors.HEAT,
        heat=_heat(period, back, links=links, query=query),
        charted=charted,
        notes=[(month.label, text) for month, text in notes],
        as_of=moment,
        is_final=is_final,
        differences=closing.differences(counted, back, period) if is_final else (),
    )


_LEADING = (*selectors.SERIES, *selectors.HEAT)
_BY_DEPARTMENT = tuple(dict.fromkeys(figure.source for figure in _LEADING))


# --- Tiles ----------------------------------------------------------------------------------------


def _tiles(
    period: Period, months: list[Period], back: Computed, answers: Computed, wanted: dict[str, Target]
) -> list[Tile]:
    def tile(figure: Figure, label: str, more: str = "") -> Tile:
        return _tile(figure, label, period, back, months, wanted.get(figure.key), more)

    return [
        tile(figures.received, _("Complaints received")),
        tile(figures.on_time_rate, _("On-time rate")),
        tile(figures.average_days, _("Average handling (working days)"), _median(period, back)),
        _satisfaction(period, back, answers, wanted.get(figures.satisfaction_rate.key)),
        tile(figures.overturned_rate, _("Changed by review")),
    ]


def _tile(
    figure: Figure,
    label: str,
    period: Period,
    found: Computed,
    months: list[Period],
    target: Target | None,
    more: str = "",
) -> Tile:
    now, before = found.value(figure, period), found.value(figure, period.previous)
    text, unit = written(now.value, figure.unit), ""
    if figure.unit == Unit.RATIO and now.value is not None:
        text = text.removesuffix("%")
        unit = "%"
        if figure is figures.overturned_rate:
            unit += " " + _("%(part)s of %(of)s") % {"part": charts.show(now.part), "of": charts.show(now.of)}
    elif now.value is not None:
        unit = _("cases") if figure.unit == Unit.CASES else _("days")
    series = [value.value for _month, value in selectors.monthly(found, figure, months)[-SPARK_MONTHS:]]
    return Tile(
        figure,
        label,
        text,
        unit,
        delta(figure, now, before, period.previous, more),
        _against_last_year(figure, period, found),
        _against_target(figure, now, target),
        charts.sparkline(series) if sum(value is not None for value in series) > 1 else None,
    )


def _against_last_year(figure: Figure, period: Period, found: Computed) -> Delta | None:
    """The same period a year before, where it had figures."""
    before = Period(period.year - 1, period.month, period.months)
    now, then = found.value(figure, period), found.value(figure, before)
    if now.value is None or not selectors.weight(then):
        return None
    change = delta(figure, now, then, before)
    return Delta(_("Last year: %(change)s") % {"change": change.text}, change.tone, change.icon)


def _against_target(figure: Figure, now: Value, target: Target | None) -> Delta | None:
    if target is None:
        return None
    text = _("Target %(n)s") % {"n": written(target.value, figure.unit)}
    if now.value is None:
        return Delta(text)
    met = targets.is_met(figure, now.value, target.value)
    return Delta(
        joined(text, _("(reached)") if met else _("(missed)")), "good" if met else "poor", "check" if met else "x"
    )


def _median(period: Period, found: Computed) -> str:
    value = found.value(figures.median_days, period)
    return _("median %(n)s") % {"n": charts.show(value.value)} if value.value is not None else ""


def delta(figure: Figure, now: Value, before: Value, previous: Period, more: str = "") -> Delta:
    """The comparison with the period before, in words that say whether it is better."""
    if now.value is None or before.value is None:
        return Delta(more or _("nothing to compare with in %(period)s") % {"period": previous.short_label})
    change = now.value - before.value
    # What looks the same as written is the same.
    digits = 3 if figure.unit == Unit.RATIO else 0 if figure.unit == Unit.CASES else 1
    change = round(change, digits)
    tail = _(", %(text)s") % {"text": more} if more else ""
    if not change:
        return Delta(_("same as in %(period)s") % {"period": previous.short_label} + tail)
    icon = "arrow-up" if change > 0 else "arrow-down"
    if figure.unit == Unit.CASES:
        return Delta(_count_change(change, before, previous) + tail, "", icon)
    size = charts.show(abs(change) * 100, "number") if figure.unit == Unit.RATIO else charts.show(abs(change), "number")
    better = (change > 0) == figure.rising
    texts = {
        (True, True): _("better by %(n)s points"),
        (True, False): _("worse by %(n)s points"),
        (False, True): _("better by %(n)s days"),
        (False, False): _("worse by %(n)s days"),
    }
    return Delta(texts[figure.unit == Unit.RATIO, better] % {"n": size} + tail, "good" if better else "poor", icon)


def _count_change(change: float, before: Value, previous: Period) -> str:
    values = {"n": charts.show(abs(change)), "period": previous.short_label}
    if before.value:
        values["share"] = charts.show(abs(change) / before.value, "percent")
        more, fewer = _("%(n)s more than in %(period)s (%(share)s)"), _("%(n)s fewer than in %(period)s (%(share)s)")
    else:
        more = fewer = _("%(n)s more than in %(period)s")
    return (more if change > 0 else fewer) % values


def _satisfaction(period: Period, back: Computed, answers: Computed, target: Target | None) -> Tile:
    total, before = (
        back.value(figures.satisfaction_rate, period),
        back.value(figures.satisfaction_rate, period.previous),
    )
    shares = (
        (figures.satisfied_share, "bg-ch-1"),
        (figures.basically_share, "bg-ch-3"),
        (figures.dissatisfied_share, "bg-bad"),
    )
    parts = []
    for figure, colour in shares if total.of else ():
        value = answers.value(figure, period).value or 0.0
        parts.append((str(figure.name), colour, round(value * 100), charts.show(value, "percent")))
    return Tile(
        figures.satisfaction_rate,
        _("Satisfied or basically satisfied (%(n)s answers)") % {"n": charts.show(total.of)},
        charts.show(total.value, "percent").removesuffix("%"),
        "%" if total.of else "",
        delta(figures.satisfaction_rate, total, before, period.previous),
        _against_last_year(figures.satisfaction_rate, period, back),
        _against_target(figures.satisfaction_rate, total, target),
        None,
        parts,
    )


# --- Charts ---------------------------------------------------------------------------------------


_FORMATS = {Unit.CASES: "int", Unit.RATIO: "percent"}


def _trend(months: list[Period], back: Computed, figure: Figure, notes: Sequence[tuple[Period, str]]) -> Panel:
    series = [(month.short_label, value.value) for month, value in selectors.monthly(back, figure, months)]
    form = _FORMATS.get(figure.unit, "number")
    values = [value for _label, value in series]
    limits = charts.control_limits(values, ceiling=1.0 if figure.unit == Unit.RATIO else None)
    finding = _trend_finding(series, limits, figure)
    is_received = figure is figures.received
    chart = charts.control_chart(
        series,
        title=_("Complaints received in the last 12 months and control limits")
        if is_received
        else _("%(figure)s in the last 12 months and control limits") % {"figure": figure.name},
        finding=finding,
        unit=_("cases") if is_received else _("days") if figure.unit == Unit.DAYS else "",
        fmt=form,
        annotations=[(month.short_label, text) for month, text in notes],
    )
    sides = [limits.outside(value) if limits else 0 for value in values]
    words = {1: _("above the upper limit"), -1: _("below the lower limit"), 0: ""}
    events = {month: joined(*(text for when, text in notes if when == month)) for month in months}
    return Panel(
        _("Received and control limits")
        if is_received
        else _("%(figure)s and control limits") % {"figure": figure.name},
        _("last 12 months, individuals chart"),
        chart,
        finding,
        figure,
        [_("Month"), str(figure.name), _("Control limits"), _("Outside events")],
        [
            [month.label, charts.show(value, form), words[side], events[month]]
            for month, value, side in zip(months, values, sides, strict=True)
        ],
    )


def _trend_finding(series: list[tuple[str, float | None]], limits: charts.ControlLimits | None, figure: Figure) -> str:
    if limits is None:
        return _("There are too few months to judge the trend.")
    outside = [(label, limits.outside(value)) for label, value in series if limits.outside(value)]
    if not outside:
        mean = {"mean": charts.show(limits.mean, _FORMATS.get(figure.unit, "number"))}
        if figure.unit == Unit.CASES:
            return _("All months lie within the control limits; the average is %(mean)s a month.") % mean
        return _("All months lie within the control limits; the average is %(mean)s.") % mean
    over = _(", ").join(label for label, side in outside if side > 0)
    under = _(", ").join(label for label, side in outside if side < 0)
    texts = [_("above the upper limit: %(months)s") % {"months": over}] if over else []
    texts += [_("below the lower limit: %(months)s") % {"months": under}] if under else []
    return _("Outside the control limits – %(list)s. Find the cause.") % {"list": _("; ").join(texts)}


def _shares(found: Computed, axis: str, period: Period) -> list[tuple[str, int]]:
    counts = found.by(figures.received, axis, period)
    return sorted(
        ((group.label, int(value.value or 0)) for group, value in counts.items()), key=lambda row: (-row[1], row[0])
    )


def _channels(period: Period, pair: Computed) -> Panel:
    now = _shares(pair, "channel", period)
    before = dict(_shares(pair, "channel", period.previous))
    total, total_before = sum(n for _label, n in now), sum(before.values())
    finding = _("No complaint was received in the period.")
    if now:
        label, n = now[0]
        finding = _("%(channel)s leads with %(share)s.") % {
            "channel": label,
            "share": charts.show(n / total, "percent"),
        }
        if total_before:
            change = round((n / total - before.get(label, 0) / total_before) * 100, 1)
            if change:
                words = _("Up %(n)s points on %(period)s.") if change > 0 else _("Down %(n)s points on %(period)s.")
                words = words % {"n": charts.show(abs(change), "number"), "period": period.previous.short_label}
                finding = joined(finding, words)
    chart = charts.share_bars(now, title=_("Share by channel"), finding=finding, unit=_("cases"))
    rows = [[label, charts.show(n), charts.show(n / total, "percent")] for label, n in now]
    return Panel(
        _("Share by channel"),
        period.short_label,
        chart,
        finding,
        figures.received,
        [_("Channel"), _("Number of cases"), _("Share")],
        rows,
    )


def _categories(period: Period, pair: Computed) -> Panel:
    counts = _shares(pair, "category", period)
    total = sum(n for _label, n in counts)
    rows = [[label, charts.show(n), charts.show(n / total, "percent")] for label, n in counts]
    rest = counts[PARETO_BARS - 1 :]
    other = _("All others")
    points = (
        counts if len(counts) <= PARETO_BARS else [*counts[: PARETO_BARS - 1], (other, sum(n for _label, n in rest))]
    )
    lead = counts[:3]
    note, finding = "", _("No complaint was received in the period.")
    if lead:
        values = {
            "n": len(lead),
            "share": charts.show(sum(n for _label, n in lead) / total, "percent"),
            "list": _(", ").join(label for label, _n in lead),
        }
        note = _("the first %(n)s make up %(share)s") % values
        finding = _("%(list)s together make up %(share)s.") % values
    chart = charts.pareto(points, title=_("Pareto chart of categories"), finding=finding, unit=_("cases"), other=other)
    return Panel(
        _("Categories by frequency"),
        note,
        chart,
        finding,
        figures.received,
        [_("Category"), _("Number of cases"), _("Share")],
        rows,
    )


# --- Heat table -------------------------------------------------------------------------------------


def _heat(period: Period, back: Computed, *, links: bool, query: str) -> list[HeatRow]:
    columns = [back.by(figure, "department", period) for figure in selectors.HEAT]
    groups = {group for column in columns for group, value in column.items() if selectors.weight(value)}
    ordered = sorted(groups, key=lambda group: (not group.code, -selectors.weight(columns[0].get(group)), group.label))
    values = [[column.get(group, Value(None)).value for group in ordered] for column in columns]
    levels = [charts.heat_levels(column) for column in values]
    rows = []
    for index, group in enumerate(ordered):
        url = queue_url(period, department=group.code) if links and group.code else ""
        cells = [
            HeatCell(
                _cell(figure, column[index]),
                level[index],
                _behind(figure, query, department=group.code) if url and column[index] is not None else "",
            )
            for figure, column, level in zip(selectors.HEAT, values, levels, strict=True)
        ]
        rows.append(HeatRow(group.label, url, cells))
    return rows


def _cell(figure: Figure, value: float | None) -> str:
    return charts.show(value, "percent", 1) if figure.unit == Unit.RATIO else written(value, figure.unit)


def _behind(figure: Figure, query: str, *, department: str = "") -> str:
    """The cases behind a number of this page; of a rate those above the line."""
    more = {"axis": "department", "group": department} if department else {}
    more |= {"counted": "1"} if figure.unit == Unit.RATIO else {}
    return f"{reverse('analytics:behind', args=[figure.key])}?" + "&".join(filter(None, (query, urlencode(more))))


def queue_url(period: Period, **narrowed: str) -> str:
    """The list of cases received in a period, narrowed further; '' where this site has no list."""
    try:
        url = reverse("complaints:queue")
    except NoReverseMatch:
        return ""
    last = period.end.astimezone(OFFICE).date() - timedelta(days=1)
    return f"{url}?" + urlencode({"view": "all", "received_from": period.start.date(), "received_to": last, **narrowed})


# --- Improvements -----------------------------------------------------------------------------------


def improvements(scope: Scope) -> QuerySet[ImprovementAction]:
    """Improvements that are not verified yet, the next due first, as far as the viewer may count them."""
    rows = ImprovementAction.objects.exclude(state=ImprovementState.VERIFIED).select_related(
        "department", "owner", "complaint__category"
    )
    if scope.departments is not None:
        rows = rows.filter(department__in=sorted(scope.departments))
    if scope.department:
        rows = rows.filter(department__in=scope.department)
    return rows.order_by("due_on", "pk")


def tone_of(row: ImprovementAction, *, today: date) -> str:
    """bad when overdue, warn when due soon, ok when done and waiting for its verification."""
    if row.state == ImprovementState.DONE:
        return "ok"
    return "bad" if row.due_on < today else "warn" if row.due_on <= today + SOON else ""


def today(at: datetime) -> date:
    return timezone.localdate(at)
