"""Charts from figures: AN-04 trends, AN-07 events, AN-08 shares, AN-09 types, AN-12 satisfaction, AN-14 effect."""

import re
from xml.etree import ElementTree

import pytest
from django.utils import translation
from django.utils.translation import gettext as _

from analytics import charts

MONTHS = ["11月", "12月", "1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月"]
VOLUME = [3274, 3312, 3480, 2905, 3391, 3455, 3528, 3602, 3846, 4217, 3574, 3618]
TREND = list(zip(MONTHS, VOLUME, strict=True))
TYPES = [("物流快递", 641), ("其他", 700), ("供水供热", 812), ("窗口效率", 498)]
WORDS = {"title": "受理量", "finding": "8 月超出上限。"}

EMPTY_AND_SINGLE = [
    (kind, {"points": points, **({"cut": len(points)} if kind == "before_after" else {})})
    for kind in charts.KINDS
    for points in ([], [["10月", None]], [["10月", 0]], [["10月", 5]])
]


def parsed(svg):
    return ElementTree.fromstring(re.sub(r' xmlns="[^"]+"', "", svg))


def texts(svg):
    return [element.text for element in parsed(svg).iter("text")]


def fills(svg):
    return [bar.get("fill") for bar in parsed(svg).iter("rect")]


def test_an_08_one_case_stands_in_the_singular():
    with translation.override("en"):
        svg = charts.share_bars([("App", 1), ("Letter", 2)], **WORDS, unit=_("cases"))
    assert {"1 case", "2 cases"} <= set(texts(svg))


def test_control_limits_are_the_mean_and_2_66_moving_ranges():
    limits = charts.control_limits([10, 12, 11, 13])
    # Moving ranges 2, 1, 2: mean 5/3.
    assert limits.mean == 11.5
    assert limits.upper == pytest.approx(11.5 + 2.66 * 5 / 3)
    assert limits.lower == pytest.approx(11.5 - 2.66 * 5 / 3)


def test_control_limits_that_cannot_be_reached_are_dropped():
    assert charts.control_limits([1, 9, 1, 9]).lower is None
    assert charts.control_limits([0.9, 0.99, 0.9], ceiling=1.0).upper is None


@pytest.mark.parametrize("values", [[], [5], [None, 5, None]])
def test_control_limits_need_two_neighbouring_figures(values):
    assert charts.control_limits(values) is None


def test_control_limits_do_not_bridge_a_gap():
    assert charts.control_limits([10, 11, None, 50, 51]).upper == pytest.approx(30.5 + 2.66)


def test_control_chart_rings_and_names_the_one_point_outside():
    """AN-04: the weak spot is visible without colour."""
    svg = charts.control_chart(TREND, **WORDS)
    rings = [circle for circle in parsed(svg).iter("circle") if circle.get("class") == "outside"]
    assert [ring.find("title").text for ring in rings] == ["8月 4,217"]
    assert _("%(value)s above the limit") % {"value": "4,217"} in texts(svg)
    assert rings[0].get("fill") == "var(--bg-raised)"


def test_control_chart_names_points_below_the_limit_and_shares_words_in_a_run():
    svg = charts.control_chart([(str(i), 5 if i in (10, 11) else 100 + i % 2) for i in range(20)], **WORDS)
    below = [text for text in texts(svg) if text == _("%(value)s below the limit") % {"value": "5"}]
    assert len(below) == 1
    assert sum(circle.get("class") == "outside" for circle in parsed(svg).iter("circle")) == 2


def test_control_chart_prints_limits_with_thousands_separators():
    shown = texts(charts.control_chart(TREND, **WORDS))
    assert [f"{_('Upper limit')} 4,189", f"{_('Mean')} 3,517", f"{_('Lower limit')} 2,845"] == [
        text for text in shown if text.split(" ")[-1] in ("4,189", "3,517", "2,845")
    ]


def test_control_chart_prints_external_events_at_their_point():
    """AN-07."""
    svg = charts.control_chart(TREND, annotations=[("8月", "高温停水")], **WORDS)
    assert "高温停水" in texts(svg)
    ring = next(circle for circle in parsed(svg).iter("circle") if circle.get("class") == "outside")
    assert ring.get("cx") in [
        line.get("x1") for line in parsed(svg).iter("line") if line.get("stroke") == "var(--accent)"
    ]


def test_control_chart_leaves_a_gap_where_a_month_has_no_figure():
    svg = charts.control_chart([("1月", 4), ("2月", 5), ("3月", None), ("4月", 5), ("5月", 6)], **WORDS)
    assert [len(line.get("points").split()) for line in parsed(svg).iter("polyline")] == [2, 2]


def test_control_chart_writes_ratios_as_percentages():
    shown = texts(charts.control_chart([("9月", 0.94), ("10月", 0.96)], fmt="percent", **WORDS))
    assert f"{_('Mean')} 95.0%" in shown


@pytest.mark.parametrize(("kind", "data"), EMPTY_AND_SINGLE)
def test_every_chart_draws_no_figures_and_a_single_figure(kind, data):
    svg = charts.draw(kind, data, **WORDS)
    numbers = [
        value for element in parsed(svg).iter() for key, value in element.attrib.items() if key in ("x", "y", "cy", "r")
    ]
    assert not [number for number in numbers if number in ("nan", "inf", "-inf")]
    if not data["points"]:
        assert texts(svg) == [_("No figures in this period")]


@pytest.mark.parametrize("kind", charts.KINDS)
def test_every_chart_is_a_described_image_without_inline_style(kind):
    """AN-31 and the strict content policy of the pages."""
    data = {"points": TREND[:3], **({"cut": 1} if kind == "before_after" else {})}
    svg = charts.draw(kind, data, palette="page", **WORDS)
    image = parsed(svg)
    assert image.get("role") == "img"
    assert image.find("title").get("id") == image.get("aria-labelledby")
    assert image.find("desc").get("id") == image.get("aria-describedby")
    assert (image.find("title").text, image.find("desc").text) == ("受理量", "8 月超出上限。")
    assert "style=" not in svg


@pytest.mark.parametrize("kind", charts.KINDS)
def test_colours_are_tokens_on_a_page_and_literal_in_a_document(kind):
    data = {"points": TREND[:3], **({"cut": 1} if kind == "before_after" else {})}
    page = re.findall(r'(?:fill|stroke)="([^"]+)"', charts.draw(kind, data, palette="page", **WORDS))
    paper = re.findall(r'(?:fill|stroke)="([^"]+)"', charts.draw(kind, data, palette="document", **WORDS))
    assert {colour for colour in page if not re.fullmatch(r"var\(--[a-z0-9-]+\)", colour)} <= {"none"}
    assert {colour for colour in paper if not re.fullmatch(r"#[0-9A-F]{6}", colour)} <= {"none"}


@pytest.mark.parametrize("kind", charts.KINDS)
def test_hostile_text_stays_text(kind):
    hostile = '"/><script>&'
    data = {"points": [(hostile, 3), ("b", 2)], "unit": hostile, **({"cut": 1} if kind == "before_after" else {})}
    svg = charts.draw(kind, data, title=hostile, finding=hostile)
    assert "<script" not in svg
    assert parsed(svg).find("desc").text == hostile


def test_ids_differ_between_charts_on_one_page():
    first = charts.pareto(TYPES, **WORDS)
    second = charts.pareto(TYPES[:2], **WORDS)
    assert parsed(first).find("title").get("id") != parsed(second).find("title").get("id")


def test_pareto_sorts_keeps_the_rest_last_and_darkens_until_80_percent():
    """AN-09: 812 + 641 = 54.8 % of 2,651, so the third bar is still needed."""
    svg = charts.pareto(TYPES, other="其他", unit="件", **WORDS)
    assert [bar.find("title").text for bar in parsed(svg).iter("rect")] == [
        "供水供热 812 件",
        "物流快递 641 件",
        "窗口效率 498 件",
        "其他 700 件",
    ]
    assert fills(svg) == ["var(--ch-1)", "var(--ch-1)", "var(--ch-1)", "var(--ch-3)"]
    assert fills(charts.pareto(TYPES, highlight=1, **WORDS)) == ["var(--ch-1)"] + ["var(--ch-3)"] * 3


def test_share_bars_are_as_long_as_the_share():
    """AN-08."""
    svg = charts.share_bars([("热线电话", 1592), ("网上", 1121), ("窗口", 905)], unit="件", **WORDS)
    assert [bar.get("width") for bar in parsed(svg).iter("rect")][1::2] == [
        f"{420 * part / 3618:.1f}" for part in (1592, 1121, 905)
    ]
    assert texts(svg)[:3] == ["热线电话", "1,592 件", "44.0%"]


def test_a_negative_share_is_refused():
    with pytest.raises(ValueError, match="negative"):
        charts.share_bars([("a", 3), ("b", -1)], **WORDS)


def test_satisfaction_bar_stacks_three_parts_in_fixed_colours():
    """AN-12."""
    svg = charts.satisfaction_bar([("满意", 685), ("基本满意", 227), ("不满意", 88)], legend=False, **WORDS)
    assert fills(svg) == ["var(--ch-1)", "var(--ch-3)", "var(--bad-solid)"]
    assert [bar.find("title").text for bar in parsed(svg).iter("rect")] == [
        "满意 68.5%",
        "基本满意 22.7%",
        "不满意 8.8%",
    ]
    with pytest.raises(ValueError, match="at most 4"):
        charts.satisfaction_bar([(str(i), 1) for i in range(5)], **WORDS)


def test_before_after_changes_colour_at_the_measure():
    """AN-14."""
    svg = charts.before_after([("8月", 22), ("9月", 18), ("10月", 7)], cut=2, cut_label="开始整改", **WORDS)
    assert fills(svg) == ["var(--ch-5)", "var(--ch-5)", "var(--ch-1)"]
    assert "开始整改" in texts(svg)
    with pytest.raises(ValueError, match="cut 4"):
        charts.before_after([("8月", 22)], cut=4, **WORDS)


def test_before_after_keeps_the_first_label_inside_the_drawing():
    """RISK-27: four weeks of days; half of the first date was cut off at the edge."""
    svg = charts.before_after([(f"11-{day:02}", 3) for day in range(1, 29)], cut=14, fmt="number", **WORDS)
    first = next(element for element in parsed(svg).iter("text") if element.text == "11-01")
    assert float(first.get("x")) == pytest.approx(5 * 0.56 * 15 / 2)


def test_control_chart_writes_small_levels_with_decimals():
    """RISK-13: a mean of a third of a complaint a day is not none."""
    svg = charts.control_chart([("1", 0), ("2", 1), ("3", 0)], level_digits=1, **WORDS)
    assert _("Mean") + " 0.3" in texts(svg)
    assert _("Mean") + " 0" in texts(charts.control_chart([("1", 0), ("2", 1), ("3", 0)], **WORDS))


def test_sparkline_is_decoration_unless_it_says_something():
    assert parsed(charts.sparkline(VOLUME)).get("aria-hidden") == "true"
    named = parsed(charts.sparkline(VOLUME, finding="连续上升"))
    assert (named.get("role"), named.find("title").text) == ("img", "连续上升")
    assert len(list(parsed(charts.sparkline([7, 7])).iter("circle"))) == 1
    assert not list(parsed(charts.sparkline([])).iter("circle"))


@pytest.mark.parametrize(
    ("column", "levels"),
    [
        ([812, 641, 498, 246], [5, 3, 2, 0]),
        ([0.049, None, 0.012], [5, None, 0]),
        ([3, 3, 3], [0, 0, 0]),
        ([None, None], [None, None]),
        ([], []),
    ],
)
def test_heat_levels_grade_one_column(column, levels):
    """AN-05."""
    assert charts.heat_levels(column) == levels


@pytest.mark.parametrize(
    ("value", "fmt", "digits", "shown"),
    [
        (3618, "int", None, "3,618"),
        (5.84, "number", None, "5.8"),
        (0.9642, "percent", None, "96.4%"),
        (0.9642, "percent", 0, "96%"),
        (-1234.5, "number", 2, "-1,234.50"),
        (None, "int", None, "—"),
    ],
)
def test_figures_are_written_with_separators(value, fmt, digits, shown):
    assert charts.show(value, fmt, digits) == shown


def test_draw_refuses_what_it_does_not_know():
    with pytest.raises(ValueError, match="pie"):
        charts.draw("pie", {"points": []}, **WORDS)
    with pytest.raises(ValueError, match="colour"):
        charts.draw("shares", {"points": [], "colour": "red"}, **WORDS)


def test_labels_break_between_words_and_bars_stay_bars():
    """AN-09: English names are not cut inside a word; one type alone is no wall of colour."""
    names = [("Course refunds", 7), ("Service counters", 9), ("Health care", 3), ("Housing estates", 3)] * 2
    written = texts(charts.draw("pareto", {"points": names}, **WORDS))
    assert "Course" in written
    assert "refunds" in written
    [bar] = parsed(charts.draw("pareto", {"points": [("Water", 10)]}, **WORDS)).iter("rect")
    assert float(bar.get("width")) <= 64
