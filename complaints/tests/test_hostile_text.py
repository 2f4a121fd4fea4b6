"""PI-09: sixty texts that want to be more than text, in every public field, on every view that shows it.

Each carries the mark ZQXJKV. On a page the mark may stand in running text and in the few attributes that hold text; as
an element, as the name of an attribute, in an address, a style or a script it means that a text became markup.
"""

from __future__ import annotations

import re
import zipfile
from io import BytesIO, StringIO

import pypdf
import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client
from lxml import etree, html

from complaints import jobs, transitions
from complaints.models import Complaint
from complaints.tests.factories import at, category, filing
from complaints.tests.public_flow import png, receipt_of, write
from complaints.tests.test_mail_desk import taken

pytestmark = [pytest.mark.django_db, pytest.mark.urls("config.urls")]

# In an element, an attribute or both.
MARKUP = (
    """
<script>zqxjkv()</script>
<ScRiPt>zqxjkv()</sCrIpT>
<script src=//zqxjkv.cn>
<script/zqxjkv>1</script>
<img src=zqxjkv onerror=zqxjkv()>
<img/src=zqxjkv/onerror=zqxjkv()>
<IMG SRC="zqxjkv" ONERROR="zqxjkv()">
<svg/onload=zqxjkv()>
<svg><zqxjkv/></svg>
<svg><a href="zqxjkv">x</a></svg>
<math href="zqxjkv">x</math>
<body onload=zqxjkv()>
<input onfocus=zqxjkv() autofocus>
<select onchange=zqxjkv()>
<textarea oninput=zqxjkv()>
<details open ontoggle=zqxjkv()>
<marquee onstart=zqxjkv()>
<video src=zqxjkv onerror=zqxjkv()>
<audio src=zqxjkv>
<iframe src=zqxjkv>
<iframe srcdoc="zqxjkv">
<object data=zqxjkv>
<embed src=zqxjkv>
<base href=//zqxjkv/>
<link rel=stylesheet href=zqxjkv>
<meta http-equiv=refresh content=zqxjkv>
<style>zqxjkv{}</style>
<form action=zqxjkv>
<button formaction=zqxjkv>
<a href=javascript:zqxjkv()>x</a>
<a href="data:text/html,zqxjkv">x</a>
<a hx-get="/zqxjkv" hx-trigger=load>
<div hx-post=/zqxjkv hx-trigger=load>
<div data-hx-get="/zqxjkv">
<p style="background:url(zqxjkv)">
<zqxjkv-element>
<b class=zqxjkv>x</b>
<table background=zqxjkv>
</p><h1 id=zqxjkv>
</td></tr></table><hr id=zqxjkv>
</textarea><i id=zqxjkv>
</title><i id=zqxjkv>
</script><i id=zqxjkv>
--><i id=zqxjkv>
]]><i id=zqxjkv>
<!--><i id=zqxjkv>
<bdo dir=rtl id=zqxjkv>x</bdo>
<<i id=zqxjkv>
<i\tid=zqxjkv>
""".strip()
    .replace("\\t", "\t")
    .splitlines()
)
# Out of an attribute into the element.
BREAKOUTS = [
    '" autofocus onfocus="zqxjkv()',
    "' autofocus onfocus='zqxjkv()",
    '"><i id=zqxjkv>',
    "'><i id=zqxjkv>",
    '" hx-get="/zqxjkv" x="',
    '" style="x:zqxjkv',
]
# No markup, but something to a template, a spreadsheet, a header or a link.
OTHERS = [
    "{{ 7|add:7 }}{% now zqxjkv %}",
    "{# zqxjkv #}${7*7}<%= 7*7 %>",
    '=HYPERLINK("http://zqxjkv","zqxjkv")',
    "@SUM(1+1)*cmd|' /C zqxjkv'!A0",
    "javascript:zqxjkv()//",
]
PAYLOADS = [*MARKUP, *BREAKOUTS, *OTHERS]
# Where text belongs: read out, shown in a field, or offered as a name.
TEXT_ATTRIBUTES = {"value", "title", "aria-label", "alt", "placeholder", "download", "data-name"}
# Whose text is not read as text.
NOT_TEXT = {"script", "style", "iframe", "object", "embed", "noscript", "template", "svg", "math", "xmp", "noembed"}
# The same page in another language or size: what was asked for, encoded.
QUERY = re.compile(r"\?[\w=&%+.*-]*")
# Pages that name the case and show nothing the complainant wrote.
WITHOUT = ("/complain/done/",)
# The shortest field takes 80 characters.
ROOM = 78


def packs() -> list[str]:
    """All of them, as many side by side as the shortest field takes."""
    found = [""]
    for payload in PAYLOADS:
        together = f"{found[-1]} {payload}".strip()
        found[-1:] = [together] if len(together) <= ROOM else [found[-1], payload]
    return found


def became_markup(page: str) -> list[str]:
    """What of a page carries the mark where no text belongs."""
    found = []
    for element in html.document_fromstring(page).iter():
        if not isinstance(element.tag, str):
            continue
        if "zqxjkv" in element.tag.lower():
            found.append(f"<{element.tag}>")
        if element.tag in NOT_TEXT and "zqxjkv" in "".join(element.itertext()):
            found.append(f"<{element.tag}> with text")
        for name, value in element.attrib.items():
            if name == "href" and QUERY.fullmatch(value):
                continue
            if "zqxjkv" in name.lower() or ("zqxjkv" in value.lower() and name not in TEXT_ATTRIBUTES):
                found.append(f"{element.tag} {name}={value}")
    return found


def shown(text: str) -> str:
    """A text as a page shows it: blanks count as one."""
    return " ".join(text.split())


def text_of(page: str) -> str:
    tree = html.document_fromstring(page)
    fields = [node.get("value", "") for node in tree.iter("input")]
    return shown(" ".join([tree.text_content(), *fields]))


def text_of_pdf(content: bytes) -> str:
    """The words of a PDF without blanks, which its lines break. Fails where a text became anything else.

    No script, no file, no field, nothing that opens by itself; and no address that a text named.
    """
    reader = pypdf.PdfReader(BytesIO(content))
    for number in range(1, len(reader.xref[0]) + len(reader.xref_objStm) + 1):
        found = reader.get_object(pypdf.generic.IndirectObject(number, 0, reader))
        if isinstance(found, pypdf.generic.DictionaryObject):
            assert not {"/JS", "/AA", "/OpenAction", "/EmbeddedFiles", "/AcroForm"} & set(found), found
            assert found.get("/S") not in ("/JavaScript", "/Launch", "/SubmitForm"), found
            assert "zqxjkv" not in str(found.get("/URI", "")).lower()
    return "".join("".join(page.extract_text() for page in reader.pages).split())


def xml_that_became_markup(document: bytes) -> list[str]:
    """Elements and attributes of an office document that carry the mark."""
    found = []
    with zipfile.ZipFile(BytesIO(document)) as parts:
        for name in parts.namelist():
            if name.endswith((".xml", ".rels")):
                found += [
                    f"{name} {node.tag}"
                    for node in etree.fromstring(parts.read(name)).iter()
                    if "zqxjkv" in f"{node.tag}{node.attrib}".lower()
                ]
    return found


def test_there_are_sixty_and_each_is_seen_where_it_is_not_escaped():
    """A checker that sees nothing would pass everything."""
    assert len(set(PAYLOADS)) == 60
    assert all(len(payload) <= ROOM for payload in PAYLOADS)
    around = ("<p>{}</p>", '<input value="{}">', "<input value='{}'>", "<textarea>{}</textarea>", "<title>{}</title>")
    blocks = ("<table><tr><td>{}</td></tr></table>", "<script>let x = '{}'</script>", "<!-- {} -->")
    for payload in [*MARKUP, *BREAKOUTS]:
        pages = [f"<html><body>{part.format(payload)}</body></html>" for part in (*around, *blocks)]
        assert any(became_markup(page) for page in pages), payload
    assert became_markup('<a href="javascript:zqxjkv()//">x</a>')


@pytest.mark.parametrize("pack", packs())
def test_pi_09_what_the_public_types_is_text_on_every_view(cast, pack):
    """The form, its receipt, the tracking page; list, case, prints, letters, dossier and notices of the desk."""
    visitor = Client()
    picture = png(f"{pack.replace('/', '')}.png")
    write(
        visitor,
        {"narrative": pack, "demand": pack, "place": pack, "product": pack, "files": [picture]},
        {"name": pack, "contact_note": pack, "care_note": pack, "needs_care": "on", "email": "a@example.cn"},
    )
    pages = {
        path: visitor.get(path) for path in ("/complain/details/", "/complain/contact/", "/complain/check/")
    }  # before it is filed
    assert visitor.post("/complain/check/").status_code == 302
    pages["/complain/done/"] = visitor.get("/complain/done/")
    receipt = receipt_of(visitor)
    visitor.post("/track/", {"number": receipt.number, "code": receipt.code})
    for kind in ("substantive", "supplement"):
        sent = visitor.post("/track/case/supplement/", {"kind": kind, "text": pack, "files": [png(picture.name)]})
        assert sent.status_code == 302
    pages["/track/case/"] = visitor.get("/track/case/")
    case = Complaint.objects.get()
    assert (case.narrative, case.demand, case.place, case.product, case.complainant.name) == (pack,) * 5
    staff = Client()
    staff.force_login(cast.intake)
    at_case = f"/desk/cases/{case.number}/"
    pages[f"{at_case}actions/accept/"] = staff.get(f"{at_case}actions/accept/")
    transitions.accept(case.pk, by=cast.intake, rule="在受理范围内", category=category())
    letter = case.notices.get(kind="acceptance")
    for path in (
        "/desk/queue/?view=all",
        at_case,
        f"{at_case}print/",
        f"{at_case}timeline/",
        f"{at_case}notices/{letter.pk}/",
    ):
        headers = {"HX-Request": "true"} if path.endswith("timeline/") else {}
        pages[path] = staff.get(path, headers=headers)
    pages[f"{at_case}reveal/"] = staff.post(f"{at_case}reveal/", {"reason": "核对姓名", "fields_shown": ["name"]})
    for path, answer in pages.items():
        page = answer.content.decode()
        assert became_markup(page) == [], path
        if path not in WITHOUT and path != f"{at_case}notices/{letter.pk}/":
            assert shown(case.subject.rstrip("…") if "queue" in path else pack) in text_of(page), path
    assert "html" not in staff.get(f"/api/v1/complaints/{case.number}/").headers["Content-Type"]
    document = staff.post(f"{at_case}notices/{letter.pk}/", {"reason": "寄给投诉人"})
    assert xml_that_became_markup(document.content) == []


@pytest.mark.parametrize("pack", packs())
def test_pi_09_mail_dossier_and_messages_hold_it_as_text(cast, pack, tmp_path, settings):
    """An e-mail at the desk, the dossier that leaves the house, and what is sent to staff and complainant."""
    settings.MAIL_INTAKE = "clerk"
    row = taken(f"{pack} 停水了请处理", subject=pack, sender=f'"{pack[:30].replace(chr(34), "")}" <a@example.cn>')
    staff = Client()
    staff.force_login(cast.intake)
    for path in ("/desk/mails/", f"/desk/mails/{row.pk}/"):
        page = staff.get(path).content.decode()
        assert became_markup(page) == [], path
        assert shown(pack)[:30] in text_of(page), path
    receipt = transitions.register(
        filing(
            subject=pack,
            narrative=pack,
            demand=pack,
            name=pack,
            place=pack,
            product=pack,
            batch=pack[:60],
            contact_note=pack,
            business_step=pack,
        ),
        by=None,
        at=at("2026-11-16 09:00"),
    )
    case = receipt.complaint
    for path in ("/desk/queue/?view=all", f"/desk/cases/{case.number}/"):
        page = staff.get(path).content.decode()
        assert became_markup(page) == [], path
        assert shown(pack) in text_of(page), path
    transitions.accept(case.pk, by=cast.intake, rule="在受理范围内", category=category(), at=at("2026-11-16 10:00"))
    transitions.withdraw(case.pk, by=None, reason=pack, at=at("2026-11-16 11:00"))
    transitions.archive(case.pk, by=None, at=at("2026-11-16 12:00"))
    call_command("export_dossier", case.number, str(tmp_path / "out.zip"), "--json", stdout=StringIO())
    with zipfile.ZipFile(tmp_path / "out.zip") as dossier:
        page = dossier.read("index.html").decode()
    assert became_markup(page) == []
    assert shown(pack) in text_of(page)
    jobs.deliver_notifications()
    assert mail.outbox
    for message in mail.outbox:
        assert message.content_subtype == "plain"
        assert not getattr(message, "alternatives", [])
        assert "zqxjkv" not in f"{message.subject}{message.body}".lower()


def test_pi_09_what_is_no_number_address_or_category_is_refused_and_shown_as_text(db):
    """Telephone number, e-mail address, category, a search and the fields of a program, each with each text."""
    visitor = Client()
    write(visitor)
    for payload in PAYLOADS:
        for path, data in (
            ("/complain/", {"category": payload}),
            ("/complain/contact/", {"name": "王先生", "phone": payload[:40], "email": payload}),
            ("/track/", {"number": payload, "code": payload}),
        ):
            answer = visitor.post(path, data)
            assert answer.status_code == 422, path
            assert became_markup(answer.content.decode()) == [], path
        answer = visitor.post("/api/v1/complaints/", {"phone": payload, "category": payload}, "application/json")
        assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/json")
        assert became_markup(visitor.get("/", {"q": payload, "page": payload}).content.decode()) == []
