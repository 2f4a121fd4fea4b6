"""Rates with one to four cases on a side do not leave the office, in no format (EX-09)."""

import pytest

from analytics import closing, reporting, small_parts
from analytics.documents.docx import render_docx
from analytics.documents.pdf import render_pdf
from analytics.documents.xlsx import render_xlsx
from analytics.models import Report
from analytics.periods import parse
from analytics.registry import Value, ratio
from analytics.scope import WHOLE
from analytics.states import Edition
from analytics.tests import months
from analytics.tests.test_small_answers import NOVEMBER_2, OCTOBER, told


def entry(part, of):
    return {"name": "x", "unit": "ratio", **ratio(part, of).to_dict(), "previous": 0.2}


def left(key, part, of):
    return small_parts.left_out({"figures": {key: entry(part, of)}, "breakdowns": {}})["figures"][key]


@pytest.mark.parametrize(
    ("part", "of", "bound"),
    [
        (2, 9, {}),
        (1, 53, {"most": 0.076}),
        (111, 113, {"least": 0.964}),
        (4, 20, {"most": 0.2}),
        (1, 1, {}),
        (4, 8, {}),
    ],
)
def test_ex_09_a_rate_with_few_cases_on_a_side_is_left_empty(part, of, bound):
    """How many there are stays, and a bound where the base says something; it never says too much."""
    found = left("overturned_rate", part, of)
    assert (found["value"], found["suppressed"], "part" in found, found["of"]) == (None, True, False, of)
    assert {name: found[name] for name in ("least", "most") if name in found} == bound


@pytest.mark.parametrize(("part", "of"), [(0, 9), (9, 9), (5, 10), (0, 0)])
def test_ex_09_nobody_everybody_or_enough_on_both_sides_is_told(part, of):
    assert left("overturned_rate", part, of) == entry(part, of)


def test_ex_09_what_is_divided_by_another_number_has_no_other_side():
    assert left("publication_echo", 12, 10)["part"] == 12
    assert left("publication_echo", 3, 10)["suppressed"]


@pytest.mark.parametrize(
    ("key", "count", "told"),
    [
        ("repeat_complainants", 4, False),
        ("repeat_complainants", 5, True),
        ("frequent_complainants", 1, False),
        ("frequent_complainants", 0, True),
        ("frequent_cases", 14, False),
        ("frequent_cases", 15, True),
        ("reopenings", 3, True),
    ],
)
def test_ex_09_one_to_four_persons_of_the_whole_office_are_left_empty(key, count, told):
    """Persons are few where their complaints tell it, too; other counts of the whole office are told."""
    row = {"name": "x", "unit": "cases", **Value(count).to_dict(), "previous": None}
    found = small_parts.left_out({"figures": {key: row}, "breakdowns": {}})["figures"][key]
    assert (found["value"], found.get("suppressed", False)) == ((count, False) if told else (None, True))
    assert small_parts.told(key, Value(count)).hidden is not told


def test_ex_09_groups_leave_out_what_the_small_one_could_be_worked_out_from():
    """Of three departments one has two late cases: the next smallest goes, too, or a subtraction would tell."""
    parts = {"water": (2, 40), "roads": (6, 40), "heat": (20, 40), "post": (0, 40)}
    rows = [{"code": code, "label": code, "overdue_rate": ratio(*pair).to_dict()} for code, pair in parts.items()]
    found = small_parts.left_out({"figures": {}, "breakdowns": {"department": rows}})["breakdowns"]["department"]
    assert [row["overdue_rate"].get("part") for row in found] == [None, None, 20, 0]
    assert [bool(row["overdue_rate"].get("suppressed")) for row in found] == [True, True, False, False]


def test_ex_09_a_value_that_stands_alone_is_left_empty():
    assert small_parts.told("overturned_rate", ratio(2, 9)).hidden
    assert small_parts.told("overturned_rate", ratio(5, 10)) == ratio(5, 10)
    assert small_parts.told("average_days", Value(3.0, of=2)) == Value(3.0, of=2)


@pytest.mark.django_db
@pytest.mark.parametrize("is_closed", [False, True])
def test_ex_09_inside_the_office_it_stays(cast, is_closed):
    """One case of the month, answered in time: outside nobody reads that it was one of one."""
    months.closed(cast)
    if is_closed:
        closing.close("2026-10", by=cast.manager, at=NOVEMBER_2)
    outside, inside = (closing.bundle(OCTOBER, WHOLE, at=NOVEMBER_2, outside=side) for side in (True, False))
    assert inside["figures"]["on_time_rate"]["part"]
    assert outside["figures"]["on_time_rate"]["suppressed"]
    assert outside["series"]["on_time_rate"][-1] == ["2026-10", None]
    following = closing.bundle(parse("2026-11"), WHOLE, at=NOVEMBER_2, outside=True)
    assert following["figures"]["on_time_rate"]["previous"] is None


@pytest.mark.django_db
@pytest.mark.parametrize("edition", [Edition.DATA, Edition.EXPERIENCE, Edition.RISK, Edition.FEEDBACK])
def test_ex_09_no_format_of_any_edition_tells_two_of_nine(cast, tmp_path, edition):
    months.closed(cast)
    data = reporting.freeze(OCTOBER, at=NOVEMBER_2)
    for key, part, of in (
        ("overturned_rate", 2, 9),
        ("on_time_rate", 111, 113),
        ("late_share", 3, 52),
        ("high_risk_share", 1, 53),
        ("legal_risk_share", 3, 53),
        ("screening_rate", 7, 9),
        ("recurrence_rate", 2, 30),
    ):
        data["figures"][key] = {**entry(part, of), "previous": None}
    snapshot = reporting.draft(
        Report(period="2026-10", edition=edition, revision=1, figures=small_parts.left_out(data))
    )
    bound = "7.7%" if edition == Edition.FEEDBACK else "96.4%"
    for kind, build in (("docx", render_docx), ("xlsx", render_xlsx), ("pdf", render_pdf)):
        path = tmp_path / f"report.{kind}"
        build(snapshot, path)
        words = told(path, kind)
        for tale in ("22.2", "98.2", "5.8%", "1.9%", "5.7%", "77.8", "6.7%"):
            assert tale not in words, (kind, tale)
        # The workbook of the feedback report holds its tables, not its sentences.
        assert bound in words or (edition, kind) == (Edition.FEEDBACK, "xlsx"), kind
