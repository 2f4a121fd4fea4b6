"""What an e-mail says, read from its bytes (IN-08, RFC 3834, PI-16)."""

from __future__ import annotations

import re
import time
import tracemalloc
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from complaints import mail_reading
from complaints.mail_html import html_text
from complaints.mail_reading import Kind, MailFile, TooComplex
from complaints.tests.mail_services import message

OWN_IDS = re.compile(r"huiyin\.n\d+-[0-9a-f]{20}@ours\.example")
TEXT = "小区停水超过二十四小时，物业和供水集团互相推诿，请查明原因并给我答复。"


def read(raw: bytes | EmailMessage) -> mail_reading.Mail:
    raw = raw if isinstance(raw, bytes) else raw.as_bytes()
    return mail_reading.read(raw, mark="ours.example", own_ids=OWN_IDS, own_addresses={"huiyin@ours.example"})


def plain(body: bytes, content_type: str, *, encoding: str = "8bit", header: bytes = b"") -> bytes:
    return (
        b"From: a@example.cn\r\n" + header + f"Content-Type: {content_type}\r\n".encode()
        + f"Content-Transfer-Encoding: {encoding}\r\n\r\n".encode() + body
    )  # fmt: skip


# --- Text -----------------------------------------------------------------------------------
def test_in_08_sender_subject_text_date_and_identity_are_read():
    mail = read(message(TEXT, Reply_To="other@example.cn"))
    assert (mail.sender, mail.sender_name) == ("zhang@example.cn", "张桂芳")
    assert (mail.subject, mail.text) == ("槐荫里小区停水超过 24 小时", TEXT)
    assert (mail.message_id, mail.recipients) == ("<1@mail.example.cn>", ("tousu@example.cn",))
    assert mail.sent_at == datetime(2026, 11, 16, 1, 0, tzinfo=UTC)
    assert mail.kind == Kind.NORMAL


@pytest.mark.parametrize(
    ("charset", "actual"),
    [
        ("gb2312", "gb18030"), ("GBK", "gb18030"), ("gb18030", "gb18030"), ("x-gbk", "gb18030"), ("big5", "utf-8"),
        ("utf-8", "gb18030"), ("gb2312", "utf-8"), ("us-ascii", "gb18030"), ("iso-8859-1", "gb18030"),
        ("no-such-charset", "gb18030"), ("zlib", "utf-8"), ("punycode", "utf-8"), ("", "gb18030"), ("utf-16", "utf-16"),
    ],
)  # fmt: skip
def test_in_08_chinese_text_is_read_whatever_its_label_says(charset, actual):
    text = TEXT + ("龘镕" if actual == "gb18030" and charset not in ("iso-8859-1",) else "")
    label = f'text/plain; charset="{charset}"' if charset else "text/plain"
    assert read(plain(text.encode(actual), label)).text == text


def test_western_text_is_not_taken_for_chinese():
    assert (
        read(plain("Café à côté: naïve".encode("latin-1"), "text/plain; charset=iso-8859-1")).text
        == "Café à côté: naïve"
    )


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        (b"=?gb2312?B?1tzI3LvG?=", "周溶黄"),
        (b"=?gb2312?Q?=D6=D0=B9?= =?gb2312?Q?=FA?=", "中国"),  # a character cut between two words
        ("投诉停水".encode("gb18030"), "投诉停水"),
        ("投诉停水问题".encode(), "投诉停水问题"),
        (b"=?utf-8?B?not base64!?=", "=?utf-8?B?not base64!?="),
        (b"=?utf-8?Q?a=0D=0ABcc:_x@example.cn?=", "a Bcc: x@example.cn"),
        (b"=?utf-8?Q?a=00b=E2=80=A8c?=", "abc"),
        (b"", ""),
    ],
)
def test_in_08_subjects_are_decoded_to_one_line(header, subject):
    assert read(b"From: a@example.cn\r\nSubject: " + header + b"\r\n\r\nx").subject == subject


def test_pi_16_nul_surrogates_and_control_characters_are_left_out_of_the_text():
    mail = read(plain(b"a\x00b\x1b[31mc\xe2\x80\xa9d\r\n\xe4\xb8\xad\r\nend", "text/plain; charset=utf-8"))
    assert mail.text == "ab[31mcd\n中\nend"
    assert read(plain(b"\xed\xa0\x80", "text/plain; charset=utf-8")).text.isprintable()


def test_in_08_of_two_versions_the_plain_one_counts_and_html_is_reduced_to_words():
    both = message("只看文字")
    both.add_alternative("<p>网页</p>", subtype="html")
    assert read(both).text == "只看文字"
    page = (
        "<html><head><title>t</title><style>p{}</style></head><body><script>alert(1)</script>"
        "<p>第一段<b>加粗</b>继续</p><!-- 注释 --><div>第二段<br>换行</div><table><tr><td>a</td><td>b</td></tr></table>"
        "<img src=x onerror=alert(1)></body></html>"
    )
    only = EmailMessage()
    only["From"] = "a@example.cn"
    only.set_content(page, subtype="html")
    assert read(only).text == "第一段加粗继续\n\n第二段\n换行\n\na b"


def test_html_nested_a_hundred_thousand_times_is_read_in_bounded_time():
    began = time.process_time()
    html_text("<div>" * 100_000 + "x")
    html_text("<a href='" + "<" * 200_000)
    assert time.process_time() - began < 5


# --- Attachments ------------------------------------------------------------------------------
def test_in_08_attachments_keep_name_and_bytes_and_an_attached_message_is_a_file():
    mail = message()
    mail.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="发票 2026.pdf")
    mail.add_attachment("内容", filename="说明.txt")
    inner = message("里面的话", subject="转发的投诉")
    mail.add_attachment(inner)
    found = read(mail)
    assert found.text == "11 月 15 日早上 7 点停水，到现在还没来水，请查明原因。"
    assert [file.name for file in found.files] == ["发票 2026.pdf", "说明.txt", "转发的投诉.eml"]
    assert found.files[0] == MailFile("发票 2026.pdf", b"%PDF-1.4")
    assert read(found.files[2].content).text == "里面的话"


def test_names_of_attachments_are_data_whatever_they_hold():
    raw = plain(b"x", 'application/pdf; name="=?gb2312?B?t6LGsQ==?=.pdf"')
    assert [file.name for file in read(raw).files] == ["发票.pdf"]
    raw = plain(b"x", "application/pdf; name*=no-such'zh'%E5%8F%91")
    assert len(read(raw).files) == 1


# --- Who sent it (RFC 3834) ---------------------------------------------------------------------
@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({}, Kind.NORMAL),
        ({"Auto_Submitted": "no"}, Kind.NORMAL),
        ({"Auto_Submitted": "no; x=1"}, Kind.NORMAL),
        ({"Auto_Submitted": "auto-replied"}, Kind.AUTOMATIC),
        ({"Auto_Submitted": "auto-generated; owner=x"}, Kind.AUTOMATIC),
        ({"Precedence": "bulk"}, Kind.AUTOMATIC),
        ({"Precedence": "junk"}, Kind.AUTOMATIC),
        ({"Precedence": "list"}, Kind.AUTOMATIC),
        ({"Precedence": "auto_reply"}, Kind.AUTOMATIC),
        ({"Precedence": "first-class"}, Kind.NORMAL),
        ({"X_Autoreply": "yes"}, Kind.AUTOMATIC),
        ({"List_Id": "<news.example.cn>"}, Kind.AUTOMATIC),
        ({"Return_Path": "<>"}, Kind.BOUNCE),
        ({"Return_Path": "<zhang@example.cn>"}, Kind.NORMAL),
        ({"Return_Path": "<>", "Auto_Submitted": "auto-replied"}, Kind.AUTOMATIC),
        ({"X_Huiyin": "ours.example"}, Kind.LOOP),
        ({"X_Huiyin": "another.example"}, Kind.NORMAL),
        ({"X_Huiyin": "ours.example", "Auto_Submitted": "auto-generated"}, Kind.LOOP),
    ],
)
def test_rfc_3834_headers_tell_who_sent_it(headers, kind):
    assert read(message(**headers)).kind == kind


def test_our_own_message_id_or_address_is_a_loop():
    assert read(message(message_id="<huiyin.n1-0123456789abcdef0123@ours.example>")).kind == Kind.LOOP
    assert read(message(sender="Huiyin@OURS.example")).kind == Kind.LOOP
    assert read(message(message_id="<huiyin.n1-0123456789abcdef0123@theirs.example>")).kind == Kind.NORMAL


def report(action: str, kind: str = "delivery-status") -> bytes:
    return (
        b"From: MAILER-DAEMON@mx.example.cn\r\nAuto-Submitted: auto-replied\r\n"
        + f'Content-Type: multipart/report; report-type={kind}; boundary="b"\r\n\r\n'.encode()
        + b"--b\r\nContent-Type: text/plain\r\n\r\nsorry\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        + f"Reporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822; x@y.cn\r\nAction: {action}\r\n\r\n--b--\r\n".encode()
    )


@pytest.mark.parametrize(("action", "failed"), [("failed", True), ("delayed", False), ("delivered", False)])
def test_rfc_3464_only_a_failure_means_that_it_never_arrives(action, failed):
    mail = read(report(action))
    assert (mail.kind, mail.failed) == (Kind.BOUNCE, failed)


def test_a_read_receipt_is_automatic_and_no_bounce():
    assert read(report("failed", "disposition-notification")).kind == Kind.AUTOMATIC


# --- Limits ---------------------------------------------------------------------------------------
def nested(depth: int) -> bytes:
    out = b"From: a@example.cn\r\n"
    for n in range(depth):
        out += f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n'.encode()
    return out + b"Content-Type: text/plain\r\n\r\ndeep\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        nested(200),
        b"From: a@example.cn\r\n" + b"X: 1\r\n" * 2000 + b"\r\nx",
        b"From: a@example.cn\r\nX: " + b"y" * 300_000 + b"\r\n\r\nx",
        b'From: a@example.cn\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\n" * 6000,
        b"From: a@example.cn\r\nContent-Type: text/plain" + b";" * 5000 + b"\r\n\r\nx",
        nested(1) + b"\r\n--b0\r\nContent-Type: text/plain" + b"\r\n ;" * 2000 + b"\r\n\r\nx",
        b"From: a@example.cn\r\n\r\n" + b"\n" * 700_000,
        b"From: a@example.cn\r\n\r\n" + b"\r" * 700_000,
    ],
    ids=["nesting", "headers", "long header", "parts", "parameters", "parameters of a part", "lines", "bare returns"],
)
def test_fl_04_a_message_made_to_exhaust_us_is_refused_before_it_is_parsed(raw):
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(TooComplex):
        read(raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000
    assert time.process_time() - began < 5


def test_a_message_at_the_limits_is_read_in_bounded_time():
    assert read(nested(50)).text == "deep"
    part = b"--b\r\nContent-Type: text/plain" + b';"' * 50 + b"\r\n" + b"a:b\r\n" * 120 + b"\r\nx\r\n"
    raw = b'From: a@example.cn\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n' + part * 1_400
    began = time.process_time()
    read(raw)
    assert time.process_time() - began < 20


@pytest.mark.parametrize("raw", [b"", b"\x00", b"no header at all", b"\xff" * 1000, b"From: \r\n\r\n", b": :\r\n\r\n"])
def test_anything_can_be_read_or_is_refused(raw):
    assert read(raw).sender == ""


def test_a_message_takes_at_most_a_dozen_times_its_size_of_memory():
    mail = message()
    mail.add_attachment(b"x" * 6_000_000, maintype="application", subtype="pdf", filename="a.pdf")
    raw = mail.as_bytes()
    tracemalloc.start()
    found = read(raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found.files[0].content) == 6_000_000
    assert peak < 12 * len(raw)


# --- Quotations -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("水还没来。\n\n> 您的投诉已受理\n> 编号", "水还没来。"),
        ("好的\n------------------ 原始邮件 ------------------\n发件人: 投诉办\n内容", "好的"),
        ("谢谢\n\n在 2026年11月16日 10:00，投诉办 写道：\n内容", "谢谢"),
        ("Thanks\nOn Mon, 16 Nov 2026, Office <a@b.cn> wrote:\n> text", "Thanks"),
        ("> 只有引用", "> 只有引用"),
        ("发件人: 我\n正文", "发件人: 我\n正文"),
    ],
)
def test_the_quoted_message_is_left_out_of_an_answer(text, own):
    assert mail_reading.own_words(text) == own
