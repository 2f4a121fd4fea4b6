"""Pages of figures and reports: who sees what, the same numbers as everywhere, constant queries
(AN-02, AN-29, AN-31, AN-33, EX-09)."""

import re

import pytest
from django.urls import reverse
from django.utils.html import escape

from accounts.tests.factories import user
from analytics import building, drill, figures, jobs, transitions
from analytics.figures import Unit
from analytics.models import Report, ReportFile
from analytics.periods import parse
from analytics.scope import WHOLE
from analytics.states import ReportStatus
from analytics.tests.test_reports import NOW, fill
from complaints import clocks, filters
from complaints import transitions as case_transitions
from complaints.tests.factories import Story, at, improvement_words, registered

FIGURES = "/desk/figures/?period=2026-11"


@pytest.fixture
def month(cast):
    """Cases of November 2026, which has begun when the tests run or lies before it."""
    Story(cast).to_closed()
    registered("2026-10-20 09:00", phone="13800000009", email="")
    cast.manager2 = user("M002", "manager", departments=[cast.root], display_name="何建国")
    return cast


@pytest.fixture
def draft(month):
    return fill(transitions.request_report("2026-10", edition="data", by=month.manager, at=NOW))


def signed_in(client, person):
    client.force_login(person)
    return client


def released(report, month):
    transitions.approve(report.pk, by=month.manager2, at=NOW)
    return transitions.release(report.pk, by=month.manager2, at=NOW)


def with_file(report, format="pdf", content=b"%PDF-1.7 test"):
    path = building.path_of(report, format)
    target = building.folder() / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return ReportFile.objects.create(
        report=report, format=format, path=path, size=len(content), sha256="0" * 64, at=NOW
    )


# --- Rights -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["figures", "problems", "reports"])
def test_who_may_see_figures(client, month, name):
    url = reverse(f"analytics:{name}")
    assert client.get(url).status_code == 302  # to the sign-in page
    for person in (month.intake, month.water_handler, month.manager, month.auditor, month.reviewer, month.publisher):
        assert signed_in(client, person).get(url).status_code == 200
    assert signed_in(client, month.administrator).get(url).status_code == 403


def test_a_draft_is_seen_by_those_who_build_and_by_nobody_else(client, draft, month):
    url = reverse("analytics:report", args=[draft.pk])
    assert signed_in(client, month.manager).get(url).status_code == 200
    for person in (month.intake, month.water_handler, month.auditor):
        assert signed_in(client, person).get(url).status_code == 404
        assert client.get(reverse("analytics:progress", args=[draft.pk])).status_code == 404
        assert client.get(reverse("analytics:download", args=[draft.pk, "pdf"])).status_code == 404
    released(draft, month)
    assert signed_in(client, month.intake).get(url).status_code == 200


@pytest.mark.parametrize("action", ["approve", "release", "rebuild", "revise"])
def test_actions_need_the_permission_and_change_nothing_without(client, draft, month, action):
    released(draft, month)
    before = Report.objects.values().get(pk=draft.pk)
    assert signed_in(client, month.intake).post(reverse(f"analytics:{action}", args=[draft.pk])).status_code == 403
    assert (Report.objects.values().get(pk=draft.pk), Report.objects.count()) == (before, 1)


def test_a_handler_sees_the_figures_of_the_own_department_only(client, month):
    """AN-33: a department reads its own column, and cannot ask for another one."""
    page = signed_in(client, month.roads_handler).get(FIGURES)
    assert page.context["board"].tiles[0].value == "0"
    page = signed_in(client, month.water_handler).get(FIGURES)
    assert page.context["board"].tiles[0].value == "1"
    refused = client.get(f"{FIGURES}&department=roads")
    assert refused.status_code == 400
    assert [label for _url, label, _current in page.context["department_links"][1:]] == ["供水集团"]


# --- Figures -------------------------------------------------------------------------------------


def test_the_page_shows_the_figures(client, month):
    """EX-09: tile, chart and heat table say what figures.py says."""
    page = signed_in(client, month.manager).get(FIGURES)
    board, period = page.context["board"], parse("2026-11")
    assert board.tiles[0].value == str(figures.received(period, WHOLE).value) == "1"
    assert board.tiles[2].value == f"{figures.average_days(period, WHOLE).value:.1f}"
    assert board.trend.rows[-1][1] == "1"
    assert [(row.name, row.cells[0].text) for row in board.heat] == [("供水集团", "1")]
    html = page.content.decode()
    for panel in (board.trend, board.channels, board.categories):
        assert panel.finding in html
        assert panel.chart in html
    assert all(escape(figure.explained) in html for figure in board.definitions)


def test_cells_lead_to_the_cases_behind_them(client, month):
    page = signed_in(client, month.manager).get(FIGURES)
    board = page.context["board"]
    assert board.heat[0].url.endswith("view=all&received_from=2026-11-01&received_to=2026-11-30&department=water")
    for figure, cell in zip(board.heat_figures, board.heat[0].cells, strict=True):
        if cell.url:
            assert cell.url.replace("&", "&amp;") in page.content.decode()
            above = figure.unit == Unit.RATIO
            cases = drill.behind(figure, parse("2026-11"), WHOLE, axis="department", group="water", counted=above)
            assert client.get(cell.url).context["total"] == len(cases), figure.key
    for tile in board.tiles:
        above = tile.figure.unit == Unit.RATIO
        cases = drill.behind(tile.figure, parse("2026-11"), WHOLE, counted=above)
        assert client.get(tile.url).context["total"] == len(cases), tile.figure.key
    narrowed = client.get(f"{FIGURES}&department=water&classification=first").context["board"].tiles[0].url
    assert "department=water&classification=first" in narrowed
    board = signed_in(client, month.reviewer).get(FIGURES).context["board"]
    assert (board.heat[0].cells[0].url, board.tiles[0].url) == ("", "")


@pytest.mark.parametrize("period", ["2026-99", "2099-01", "x"])
def test_a_period_that_cannot_be_shown_is_explained(client, month, period):
    page = signed_in(client, month.manager).get("/desk/figures/", {"period": period})
    assert page.status_code == 400
    assert page.context["problem"]
    assert page.context["board"].tiles


def test_the_page_costs_the_same_with_more_cases(client, month, django_assert_num_queries):
    """Thirteen queries for the page; the others are session, person, rights, departments and the bell."""
    signed_in(client, month.manager)
    client.get(FIGURES)
    for extra in (0, 2):
        for n in range(extra):
            Story(month, phone=f"1390000{n:04}", email="").to_reply()
        clocks.working_calendar()
        filters.options()
        with django_assert_num_queries(19):
            client.get(FIGURES)


def test_improvements_are_listed_with_date_and_responsible(client, month):
    """Open improvements on their own page, the next due first."""
    story = Story(month, phone="13900000001", email="").accept().assign().start()
    case_transitions.add_improvement(
        story.pk, by=month.intake, department=month.water, at=at("2026-11-20 09:00"), **improvement_words()
    )
    url = "/desk/problems/improvements/"
    html = signed_in(client, month.manager).get(url).content.decode()
    assert "更换 1.8 公里老旧管道" in html
    assert "2027-03-31" in html
    assert "更换" not in signed_in(client, month.roads_handler).get(url).content.decode()
    assert client.get(f"{url}?after=nonsense").status_code == 404


def test_improvements_are_paged_by_position(client, month, monkeypatch):
    story = Story(month, phone="13900000001", email="").accept().assign().start()
    for n in range(3):
        words = {**improvement_words(), "what": f"措施{n}"}
        case_transitions.add_improvement(
            story.pk, by=month.intake, department=month.water, at=at("2026-11-20 09:00"), **words
        )
    monkeypatch.setattr("analytics.views.PAGE_ROWS", 2)
    first = signed_in(client, month.manager).get("/desk/problems/improvements/")
    second = client.get(f"/desk/problems/improvements/{first.context['next_url']}")
    shown = [[entry["row"].what for entry in page.context["improvements"]] for page in (first, second)]
    assert shown == [["措施0", "措施1"], ["措施2"]]


# --- Reports --------------------------------------------------------------------------------------


def test_asking_for_a_report(client, month, django_capture_on_commit_callbacks):
    signed_in(client, month.manager)
    with django_capture_on_commit_callbacks() as sent:
        answer = client.post("/desk/reports/", {"period": "2026-10", "edition": "risk"})
    report = Report.objects.get()
    assert answer.headers["Location"] == reverse("analytics:report", args=[report.pk])
    assert (report.edition, report.requested_by, len(sent)) == ("risk", month.manager, 1)
    assert (
        signed_in(client, month.intake).post("/desk/reports/", {"period": "2026-10", "edition": "data"}).status_code
        == 403
    )


def test_a_wrong_choice_shows_the_form_again(client, month):
    answer = signed_in(client, month.manager).post("/desk/reports/", {"period": "2099-01", "edition": "data"})
    assert (answer.status_code, Report.objects.count()) == (422, 0)
    assert set(answer.context["form"].errors) == {"period"}


def test_progress_polls_until_the_report_is_done(client, month):
    """The card asks again every two seconds, shows the step, and 286 ends the polling."""
    report = transitions.request_report("2026-10", edition="data", by=month.manager, at=NOW)
    transitions.claim(report.pk, at=NOW)
    transitions.advance(report.pk, claimed_at=NOW, at=NOW, step=9, steps=13, step_label="第九节")
    url = reverse("analytics:progress", args=[report.pk])
    building_now = signed_in(client, month.manager).get(url)
    html = building_now.content.decode()
    assert building_now.status_code == 200
    assert 'hx-trigger="every 2s"' in html
    assert re.search(r"第九节.*9.*13", html)
    assert 'aria-valuenow="69"' in html
    transitions.fail(report.pk, claimed_at=NOW, at=NOW, error="storage")
    failed = client.get(url)
    assert failed.status_code == 286
    assert "hx-get" not in failed.content.decode()
    assert str(transitions.ERRORS["storage"]) in failed.content.decode()


def test_downloads_are_counted_and_only_of_the_present_text(client, draft, month):
    row = with_file(draft)
    url = reverse("analytics:download", args=[draft.pk, "pdf"])
    answer = signed_in(client, month.manager).get(url)
    assert b"".join(answer.streaming_content) == b"%PDF-1.7 test"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="2026-10-data-r1.pdf"'
    draft.refresh_from_db()
    assert draft.downloads == 1
    transitions.edit_section(draft.pk, key="outlook", text="新的文字", by=month.manager, at=NOW)
    assert client.get(url).status_code == 302
    (building.folder() / row.path).unlink()


def test_editing_a_section(client, draft, month):
    url = reverse("analytics:edit_section", args=[draft.pk, "outlook"])
    signed_in(client, month.manager)
    assert "textarea" in client.get(url).content.decode()
    saved = client.post(url, {"version": draft.version, "text": "一句话。\n- 一条"})
    assert saved.headers["Location"].endswith("#section-outlook")
    stale = client.post(url, {"version": draft.version, "text": "我写了很久的文字"})
    html = stale.content.decode()
    assert stale.status_code == 409
    assert "我写了很久的文字" in html
    assert "一句话。" in html
    empty = client.post(url, {"version": draft.version + 1, "text": ""})
    assert (empty.status_code, set(empty.context["form"].errors)) == (422, {"text"})
    assert client.get(reverse("analytics:edit_section", args=[draft.pk, "nothing"])).status_code == 404
    assert signed_in(client, month.auditor).get(url).status_code == 404


def test_approving_and_releasing(client, draft, month):
    """The requester gets the reason instead of the button; another manager approves and releases."""
    page = signed_in(client, month.manager).get(reverse("analytics:report", args=[draft.pk]))
    assert "approve" not in page.context["actions"]
    assert page.context["approve_refusal"] in page.content.decode()
    signed_in(client, month.manager2)
    client.post(reverse("analytics:approve", args=[draft.pk]), {"version": draft.version})
    client.post(reverse("analytics:release", args=[draft.pk]), {"version": draft.version + 1})
    draft.refresh_from_db()
    assert (draft.status, draft.approved_by) == (ReportStatus.RELEASED, month.manager2)


def test_typed_markup_is_shown_as_text(client, draft, month):
    transitions.edit_section(draft.pk, key="outlook", text="<script>alert(1)</script>", by=month.manager, at=NOW)
    html = signed_in(client, month.manager).get(reverse("analytics:report", args=[draft.pk])).content.decode()
    assert "<script>alert(1)" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_the_sweep_finds_documents_not_yet_written(draft, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks():
        assert jobs.sweep_reports(now=NOW) == {"builds": 0, "documents": 1, "closings": 0}


@pytest.mark.parametrize("extra", [0, 2])
def test_the_list_of_reports_costs_the_same(client, month, extra, django_assert_num_queries):
    for edition in ("data", "risk", "experience")[: 1 + extra]:
        transitions.request_report("2026-10", edition=edition, by=month.manager, at=NOW)
    signed_in(client, month.manager)
    client.get("/desk/reports/?year=2026")
    with django_assert_num_queries(5):
        page = client.get("/desk/reports/?year=2026")
    assert len(page.context["reports"]) == 1 + extra
