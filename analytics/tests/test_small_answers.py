"""Answers of a kind that are fewer than five do not leave the office, in no format (EX-09, AN-12, FB-17)."""

from collections import Counter

import pytest
from django.utils import translation
from docx import Document
from openpyxl import load_workbook
from pypdf import PdfReader

from analytics import closing, feedback_report, reporting, small_answers
from analytics.documents.docx import render_docx
from analytics.documents.pdf import render_pdf
from analytics.documents.xlsx import render_xlsx
from analytics.facts import Facts
from analytics.models import Report
from analytics.periods import parse
from analytics.registry import FIGURES
from analytics.scope import WHOLE
from analytics.states import Edition
from analytics.tests import months
from complaints.models import Callback
from complaints.tests.factories import at

NOVEMBER_2 = at("2026-11-02 09:00")
OCTOBER = parse("2026-10")
TRIO = ("satisfied_share", "basically_share", "dissatisfied_share")


def counts(satisfied, basically, dissatisfied):
    return Counter({"satisfied": satisfied, "basically": basically, "dissatisfied": dissatisfied})


@pytest.mark.parametrize(
    ("answers", "left"),
    [
        ((0, 0, 0), set()),
        ((20, 14, 5), set()),
        ((20, 14, 0), set()),
        # The dissatisfied are found from the rate, and alone from the total: the next smallest goes, too.
        ((26, 14, 2), {"dissatisfied_share", "basically_share", "satisfaction_rate", "pleased_rate"}),
        # Two that are fewer than five together could be found from the total.
        ((36, 1, 2), {*TRIO, "satisfaction_rate", "pleased_rate"}),
        # The small one is basically satisfied; the dissatisfied are left out beside it.
        ((30, 3, 9), {"basically_share", "dissatisfied_share", "satisfaction_rate", "pleased_rate"}),
        # Only the sum of the two is told by the rate.
        ((6, 3, 30), {"satisfied_share", "basically_share", "pleased_rate"}),
        # Nothing beside it: that it is all of them could be read off the total.
        ((3, 0, 0), {*TRIO, "satisfaction_rate", "pleased_rate"}),
    ],
)
def test_ex_09_what_is_left_empty_of_the_answers(answers, left):
    assert small_answers.hidden(counts(*answers)) == left


@pytest.mark.parametrize(
    ("answers", "least"),
    [((26, 14, 2), 0.904), ((20, 14, 5), None), ((30, 10, 0), None), ((10, 0, 2), None), ((16, 0, 4), 0.8)],
)
def test_ex_09_the_rate_is_told_as_what_it_is_at_least(answers, least):
    """Rounded down, so it never says too much; not of a handful of answers."""
    assert small_answers.at_least(counts(*answers)) == least


def world(cast, satisfied, basically, dissatisfied):
    story = months.closed(cast)
    Callback.objects.all().delete()
    kinds = ["satisfied"] * satisfied + ["basically"] * basically + ["dissatisfied"] * dissatisfied
    Callback.objects.bulk_create(
        Callback(
            complaint=story.case, at=at("2026-10-16 10:00"), by=cast.water_handler, is_reached=True, source="call",
            satisfaction=kind, process_satisfaction=kind,
            reason="not_solved" if kind == "dissatisfied" else "",
        )
        for kind in kinds
    )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("is_closed", [False, True])
def test_ex_09_an_open_and_a_closed_month_leave_out_the_same(cast, is_closed):
    """Also what an older release kept of a closed month; inside the office everything stays."""
    world(cast, 26, 14, 2)
    if is_closed:
        closing.close("2026-10", by=cast.manager, at=NOVEMBER_2)
    outside, inside = (closing.bundle(OCTOBER, WHOLE, at=NOVEMBER_2, outside=side) for side in (True, False))
    assert outside["final"] is is_closed
    for key in ("dissatisfied_share", "basically_share", "satisfaction_rate", "pleased_rate"):
        row = outside["figures"][key]
        assert (row["value"], row["suppressed"], "part" in row) == (None, True, False), key
    assert outside["figures"]["satisfied_share"]["part"] == 26
    assert outside["figures"]["satisfaction_rate"]["least"] == 0.904
    assert outside["series"]["satisfaction_rate"][-1] == ["2026-10", None]
    assert [row["answers"]["value"] for row in outside["breakdowns"]["dissatisfaction"]] == [None]
    (department,) = [row for row in outside["breakdowns"]["department"] if row["code"] == "water"]
    assert department["dissatisfied_share"] == {"value": None, "suppressed": True}
    assert inside["figures"]["dissatisfied_share"]["part"] == 2
    assert inside["breakdowns"]["dissatisfaction"][0]["answers"]["value"] == 2
    following = closing.bundle(parse("2026-11"), WHOLE, at=at("2026-12-01 09:00"), outside=True)
    assert following["figures"]["satisfaction_rate"]["previous"] is None
    assert following["series"]["satisfaction_rate"][-2] == ["2026-10", None]


def told(path, kind):
    if kind == "docx":
        document = Document(path)
        cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
        return "\n".join([*(p.text for p in document.paragraphs), *cells])
    if kind == "xlsx":
        book = load_workbook(path)
        return "\n".join(
            str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row if cell
        )
    return "\n".join(page.extract_text() for page in PdfReader(path).pages)


@pytest.mark.django_db
@pytest.mark.parametrize("edition", [Edition.DATA, Edition.EXPERIENCE, Edition.RISK, Edition.FEEDBACK])
def test_ex_09_no_format_of_any_edition_tells_two_dissatisfied(cast, tmp_path, edition):
    world(cast, 26, 14, 2)
    data = reporting.freeze(OCTOBER, at=NOVEMBER_2)
    snapshot = reporting.draft(Report(period="2026-10", edition=edition, revision=1, figures=data))
    text = str(snapshot.to_dict())
    with translation.override(reporting.LANGUAGE):
        rest = str(Facts(data).rest_label)
    for part in ("95.2", "4.8%", "33.3%", "不满意 2", "不满意 4.8"):
        assert part not in text, part
    if edition == Edition.RISK:
        return
    chart = next(chart for section in snapshot.sections for chart in section.charts if chart.kind == "satisfaction")
    with translation.override(reporting.LANGUAGE):
        name = str(FIGURES["satisfied_share"].name)
    assert chart.data["points"] == [[name, 26], [rest, 16]]
    for kind, build in (("docx", render_docx), ("xlsx", render_xlsx), ("pdf", render_pdf)):
        path = tmp_path / f"report.{kind}"
        build(snapshot, path)
        words = told(path, kind)
        assert "90.4%" in words, kind
        assert "95.2" not in words, kind
        assert "4.8%" not in words, kind
        assert str(FIGURES["dissatisfied_share"].name) + " 2" not in words, kind


@pytest.mark.django_db
def test_ex_09_with_enough_of_every_kind_nothing_is_left_out(cast):
    world(cast, 26, 14, 6)
    data = reporting.freeze(OCTOBER, at=NOVEMBER_2)
    assert data["figures"]["dissatisfied_share"]["part"] == 6
    assert "least" not in data["figures"]["satisfaction_rate"]
    assert data["breakdowns"]["dissatisfaction"][0]["answers"]["value"] == 6


@pytest.mark.parametrize(
    ("said", "word"),
    [((26, 14, 2), "90.4%"), ((3, 0, 30), "5"), ((5, 0, 2), "5"), ((26, 14, 6), "87.0%"), ((30, 0, 0), "100.0%")],
)
def test_fb_17_answers_about_the_handling_give_away_no_small_number(said, word):
    text = feedback_report._said(counts(*said), sum(said))
    assert word in text
    assert "2" not in text.replace(str(sum(said)), "")
