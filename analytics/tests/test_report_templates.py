"""The organisation's own Word template of the reports: used, checked, refused by name, switched off (AN-29)."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from docx import Document

from accounts.errors import InvalidInput, NotAllowed
from accounts.tests.factories import sign_in_anew
from analytics import building, report_templates, transitions
from analytics.documents import docx_template
from analytics.documents.docx import TEMPLATE, render_docx
from analytics.documents.steps import TemplateUnfit
from analytics.models import Report
from analytics.states import ReportStatus
from analytics.tests.months import closed
from analytics.tests.test_documents import make_snapshot
from analytics.tests.test_reports import NOW, fill
from complaints.models import NoticeTemplate, Notification

URL = "/desk/settings/report-template/"


def own(*paragraphs: str) -> bytes:
    """The shipped template with paragraphs of the organisation's at its end."""
    document = Document(str(TEMPLATE))
    for text in paragraphs:
        document.add_paragraph(text)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def post(client, content: bytes, name: str = "本单位.docx"):
    return client.post(URL, {"document": SimpleUploadedFile(name, content)})


def last_line(content: bytes | io.BytesIO) -> str:
    return Document(io.BytesIO(content) if isinstance(content, bytes) else content).paragraphs[-1].text


def test_an_29_the_uploaded_template_is_the_one_reports_are_written_into(client, cast, tmp_path):
    client.force_login(cast.coordinator)
    assert client.get(URL).status_code == 200
    assert post(client, own("内部资料 {{ organisation }}")).status_code == 302
    building.renderer("docx")(make_snapshot(), tmp_path / "r.docx")
    assert last_line((tmp_path / "r.docx").read_bytes()) == "内部资料 望澜市投诉受理中心"
    html = client.get(URL).content.decode()
    assert "本单位.docx" in html
    assert last_line(client.get(f"{URL}1/").content) == "内部资料 {{ organisation }}"
    assert last_line(client.get(f"{URL}1/example/").content).startswith("内部资料 ")

    assert client.post(f"{URL}1/use/", {"active": "false"}).status_code == 302
    building.renderer("docx")(make_snapshot(), tmp_path / "s.docx")
    assert "内部资料" not in last_line((tmp_path / "s.docx").read_bytes())
    assert client.get(f"{URL}0/").content == TEMPLATE.read_bytes()
    assert client.get(f"{URL}0/example/").status_code == 200
    assert client.get(f"{URL}7/").status_code == 404


@pytest.mark.parametrize(
    ("paragraphs", "named"),
    [
        (["{{ organistion }}"], "organistion"),
        (["{{ words.sumary }}"], "words.sumary"),
        (["{%p for section in sections %}", "{{ section.titel }}", "{%p endfor %}"], "section.titel"),
        (["{%p for part in chapters %}", "{{ part.heading }}", "{%p endfor %}"], "chapters"),
        (["{%p for x in title %}", "{{ x }}", "{%p endfor %}"], "for"),
        (["{{ title.__class__ }}"], "title.__class__"),
        (["{{ range(10) }}"], "call"),
        (["{{ title * 9 }}"], "mul"),
        (["{{ title|upper }}"], "filter"),
        (["{% set a = title %}"], "assign"),
        (["{%p if title %}"], "endif"),
        (["{%p for a, b in facts %}", "{{ a }}{{ b }}{{ c }}", "{%p endfor %}"], "c"),
        (
            [
                *[f"{{%p for s{n} in sections %}}" for n in range(5)],
                "{{ s4.heading }}",
                *["{%p endfor %}"] * 5,
            ],
            "for",
        ),
    ],
)
def test_an_29_a_field_no_report_has_is_refused_by_its_name(cast, paragraphs, named):
    with pytest.raises(InvalidInput) as refused:
        report_templates.upload(own(*paragraphs), file_name="a.docx", by=cast.coordinator)
    assert refused.value.field == "document"
    assert named in str(refused.value)
    assert not NoticeTemplate.objects.exists()


def test_an_29_a_bad_upload_is_shown_at_the_field(client, cast):
    sign_in_anew(client, cast.administrator)
    for content in (b"no document", own("{{ organistion }}")):
        page = post(client, content)
        assert (page.status_code, set(page.context["form"].errors)) == (422, {"document"})
    assert "organistion" in page.content.decode()
    missing = client.post(URL, {})
    assert missing.status_code == 422
    assert not NoticeTemplate.objects.exists()


def test_an_29_macros_and_content_from_outside_are_refused(cast):
    stream = io.BytesIO(own())
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("word/vbaProject.bin", b"x")
    with pytest.raises(InvalidInput, match="Word"):
        report_templates.check(stream.getvalue())


def test_an_29_what_the_shipped_template_uses_is_known():
    report_templates.check(TEMPLATE.read_bytes())
    report_templates.check(own("{%p for s in sections %}", "{{ loop.index }} {{ s.heading }}", "{%p endfor %}"))


def test_an_29_only_who_keeps_the_settings_changes_the_template(client, cast):
    for person in (cast.intake, cast.manager, cast.auditor):
        client.force_login(person)
        assert client.get(URL).status_code == 403
        assert post(client, own()).status_code == 403
        assert client.post(f"{URL}1/use/", {"active": "false"}).status_code == 403
    with pytest.raises(NotAllowed):
        report_templates.upload(own(), file_name="a.docx", by=cast.manager)
    assert not NoticeTemplate.objects.exists()


def test_an_29_a_template_that_no_longer_fits_stops_the_build_with_words(cast, monkeypatch):
    """The report shows the reason and is built on once the template is switched off."""
    closed(cast)
    report = fill(transitions.request_report("2026-10", edition="data", by=cast.manager, at=NOW))
    Report.objects.filter(pk=report.pk).update(status=ReportStatus.QUEUED)
    broken = own("{{ organistion }}")
    monkeypatch.setattr(report_templates, "in_use", lambda: broken)
    assert not building.build(report.pk)
    report.refresh_from_db()
    assert (report.status, report.error) == (ReportStatus.FAILED, "template")
    assert Notification.objects.filter(kind="report_failed").count() == 1


def test_a_wrong_tag_is_named_when_a_template_is_filled():
    with pytest.raises(TemplateUnfit, match="organistion"):
        render_docx(make_snapshot(), io.BytesIO(), template=own("{{ organistion }}"))
    assert docx_template.PATH == TEMPLATE
    assert reverse("analytics:report_template") == URL
