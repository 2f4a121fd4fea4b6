"""Which DOCX template a printed notice is filled into, and what such a template may hold (SCR-10).

An organisation uploads its own templates, so a template is checked as if a stranger had written it: a plain
Word document without macros, foreign parts or links to the outside, and inside the braces nothing but known
placeholders, `if` and one level of `for`. It is filled in a sandbox all the same.
"""

from __future__ import annotations

import io
import re
from zipfile import BadZipFile, ZipFile

from django.utils.translation import gettext_lazy as _
from docx.oxml import parse_xml
from docxtpl import DocxTemplate
from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import SandboxedEnvironment

from accounts.errors import InvalidInput
from complaints import file_types, notice_stock
from complaints.models import NoticeTemplate
from complaints.states import NoticeKind

# Every notice knows these; text and lines are the whole letter as it was issued.
COMMON = (
    "title", "number", "subject", "salutation", "received_on", "issued_on", "organisation", "phone", "address",
    "hours", "text", "lines",
)  # fmt: skip
PLACEHOLDERS: dict[NoticeKind, tuple[str, ...]] = {
    NoticeKind.ACCEPTANCE: (*COMMON, "rule", "due_on", "outstanding", "outstanding_due"),
    NoticeKind.NON_ACCEPTANCE: (*COMMON, "ground", "reason", "body", "suggestion", "remedies"),
    NoticeKind.SUPPLEMENT: (*COMMON, "items", "counting", "due_on"),
    NoticeKind.REVIEW_REFUSAL: (*COMMON, "reason", "rules", "remedies"),
    NoticeKind.REPLY: (*COMMON, "process", "result"),
}
LISTS = ("lines", "outstanding", "remedies", "items", "rules", "process", "result")
PRINTED = tuple(PLACEHOLDERS)

MAX_BYTES = 2 * 1024 * 1024
MAX_UNPACKED = 20 * 1024 * 1024
_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
# Parts that run or hold other programs' content.
_FOREIGN = re.compile(r"(^|/)(vbaproject|vbadata|activex|embeddings/|ctrlprops/|customui)", re.IGNORECASE)
_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.If,
    nodes.For,
    nodes.Not,
    nodes.And,
    nodes.Or,
)


def environment() -> SandboxedEnvironment:
    """Where templates run: texts are escaped, an unknown name is an error."""
    return SandboxedEnvironment(autoescape=True, undefined=StrictUndefined)


def document_for(kind: NoticeKind) -> bytes:
    """The organisation's newest template of this kind that is switched on, else the shipped one."""
    row = NoticeTemplate.objects.filter(kind=kind, is_active=True).order_by("-revision").first()
    return bytes(row.document) if row else notice_stock.build(kind)


def check(document: bytes, kind: NoticeKind) -> None:
    """Refuse what is no usable template. Raises InvalidInput("document") with the fault by name."""
    check_container(document)
    unknown: set[str] = set()
    for source in sources_of(document):
        unknown |= _names(source) - set(PLACEHOLDERS[kind])
    if unknown:
        raise _bad(
            _("Unknown placeholders: %(names)s. This notice knows: %(known)s."),
            names="、".join(sorted(unknown)),
            known="、".join(PLACEHOLDERS[kind]),
        )
    try:
        fill(document, sample(kind))
    except TemplateError as error:
        raise _bad(_("The template cannot be filled: %(fault)s"), fault=plain(error)) from None
    except Exception:  # as above: braces across the border of a table or text box break the document
        raise _bad(_("The braces break the document. Keep each pair of braces inside one paragraph.")) from None


def fill(document: bytes, values: dict[str, object]) -> bytes:
    """The template filled with these values. Raises jinja2.TemplateError."""
    template = DocxTemplate(io.BytesIO(document))
    template.render(values, environment())
    stream = io.BytesIO()
    template.save(stream)
    return stream.getvalue()


def sample(kind: NoticeKind) -> dict[str, object]:
    """Every placeholder with its own name as the value, for the check and the preview."""
    return {name: [f"〔{name} 1〕", f"〔{name} 2〕"] if name in LISTS else f"〔{name}〕" for name in PLACEHOLDERS[kind]}


# --- The container ----------------------------------------------------------------------------
def check_container(document: bytes) -> None:
    """Raises InvalidInput("document") for what is no plain Word document: macros, foreign parts, outside content."""
    if len(document) > MAX_BYTES:
        raise _bad(_("A template has at most 2 MB. Make its pictures smaller."))
    try:
        is_docx = file_types.sniff(io.BytesIO(document)) == _DOCX
    except file_types.TooComplex:
        is_docx = False
    if not is_docx:
        raise _bad(_("This is no Word document (.docx) without macros. Save it as .docx and upload that."))
    try:
        with ZipFile(io.BytesIO(document)) as archive:
            _check_parts(archive)
    except (BadZipFile, OSError, ValueError, NotImplementedError, SyntaxError):
        raise _bad(_("This Word document is damaged. Open it in Word, save it again and upload it.")) from None


def _check_parts(archive: ZipFile) -> None:
    entries = archive.infolist()
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED:
        raise _bad(_("The document unpacks into too much. Make its pictures smaller."))
    for entry in entries:
        name = entry.filename
        if _FOREIGN.search(name):
            raise _bad(_("The document holds macros or embedded objects (%(part)s). Remove them."), part=name)
        if not name.lower().endswith((".xml", ".rels")):
            continue
        content = archive.read(entry)
        # Zero bytes are another encoding, in which the words would not be found.
        if b"\0" in content or any(word in content for word in file_types.DECLARATIONS):
            raise _bad(_("The document declares entities (%(part)s), which Word never does."), part=name)
        if name == "[Content_Types].xml" and b"macroEnabled" in content:
            raise _bad(_("The document holds macros or embedded objects (%(part)s). Remove them."), part=name)
        if name.lower().endswith(".rels") and _reaches_outside(content):
            raise _bad(_("The document loads something from outside (%(part)s). Put it into the file."), part=name)


def _reaches_outside(relationships: bytes) -> bool:
    """Whether a part points at something outside the file, other than a link to click on."""
    return any(
        element.get("TargetMode", "").lower() == "external" and not element.get("Type", "").endswith("/hyperlink")
        for element in parse_xml(relationships).iter()
    )


# --- The braces -------------------------------------------------------------------------------
def sources_of(document: bytes) -> list[str]:
    """Everything that is filled: body, headers, footers, footnotes, and the properties of the file.

    Raises InvalidInput("document") for a damaged one.
    """
    try:
        return _read(document)
    except Exception:  # the reader of a stranger's file fails in many ways, and each means the same
        raise _bad(_("This Word document is damaged. Open it in Word, save it again and upload it.")) from None


def _read(document: bytes) -> list[str]:
    template = DocxTemplate(io.BytesIO(document))
    template.init_docx()
    docx = template.docx
    parts = [template.get_xml()]
    for uri in (template.HEADER_URI, template.FOOTER_URI):
        for _key, part in template.get_headers_footers(uri):
            parts.append(part.blob.decode("utf-8"))
    parts += [part.blob.decode("utf-8") for part in docx.part.package.parts if "footnotes" in str(part.partname)]
    properties = docx.core_properties
    texts = [getattr(properties, name) for name in ("author", "comments", "identifier", "language", "subject", "title")]
    return [template.patch_xml(part) for part in parts] + texts


def _names(source: str) -> set[str]:
    """The placeholders a source uses. Raises InvalidInput for a tag that a notice does not need."""
    try:
        tree = environment().parse(source)
    except TemplateSyntaxError as error:
        raise _bad(_("There is a mistake in the braces: %(fault)s"), fault=plain(error)) from None
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _ALLOWED):
            raise _bad(
                _("Only placeholders, “if” and “for” may stand in braces, not “%(what)s”."),
                what=type(node).__name__.lower(),
            )
    used = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "load"}
    for loop in tree.find_all(nodes.For):
        _check_loop(loop)
        used -= {loop.target.name}  # type: ignore[attr-defined]  # _check_loop lets only plain names pass
    return used


def _check_loop(loop: nodes.For) -> None:
    simple = isinstance(loop.target, nodes.Name) and isinstance(loop.iter, nodes.Name) and not loop.recursive
    if not simple or loop.test is not None or loop.iter.name not in LISTS:  # type: ignore[attr-defined]
        raise _bad(_("A “for” goes over one of these lists: %(names)s."), names="、".join(LISTS))
    if any(inner is not loop for inner in loop.find_all(nodes.For)):
        raise _bad(_("A “for” inside a “for” is not needed here."))


def plain(error: TemplateError) -> str:
    """What the template engine says, without the XML around it."""
    return re.sub(r"<[^>]*>", "", str(error.message or error))[:200]


def _bad(message, **params: str) -> InvalidInput:
    return InvalidInput("document", message, **params)
