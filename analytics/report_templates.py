"""The organisation's own Word template of the reports: upload, check, which one is used (AN-29).

Kept like the templates of notices, as revisions: the newest one that is switched on is used, else the shipped one.
A template is checked as if a stranger had written it: a plain Word document, and inside the braces nothing but fields
a report has, `if`, comparisons and `for` over its lists.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from jinja2 import TemplateSyntaxError, nodes

from accounts.errors import InvalidInput
from accounts.models import User
from analytics.documents.snapshot import ChartSpec, Column, Definition, ReportSnapshot, Section, Table
from analytics.documents.steps import TemplateUnfit
from analytics.documents.wording import labels
from complaints import notice_templates
from complaints.models import NoticeTemplate
from complaints.transitions import reference

KIND = "report"
EDITORS = reference.EDITORS
# Revisions listed on the page.
SHOWN = 50
# Sections, their tables, rows and cells are four levels; more would only multiply the pages.
DEEPEST = 4

# What a report offers: None is a text, a dict has fields, a list or tuple in a list is walked by "for".
Shape = Any
_GRID: dict[str, Shape] = {
    "columns": [{"name": None, "numeric": None}],
    "rows": [[{"text": None, "numeric": None, "fill": None}]],
}
_LOOP: dict[str, Shape] = {"index": None, "index0": None, "first": None, "last": None, "length": None}
FIELDS: dict[str, Shape] = {
    "title": None,
    "subtitle": None,
    "organisation": None,
    "status": None,
    "facts": [(None, None)],
    "words": {},
    "summary": [None],
    "contents": [{"level": None}],
    "sections": [
        {
            "heading": None,
            "level": None,
            "paragraphs": [None],
            "points": [None],
            "charts": [{"image": None, "number": None, "title": None, "finding": None}],
            "tables": [{**_GRID, "number": None, "caption": None, "note": None}],
        }
    ],
    "definitions": {**_GRID, "heading": None},
}


def revisions() -> QuerySet[NoticeTemplate]:
    """Every uploaded template, the newest first, without the documents."""
    return NoticeTemplate.objects.filter(kind=KIND).defer("document").select_related("by").order_by("-revision")


def in_use() -> bytes | None:
    """The template reports are written into from now on; None for the shipped one."""
    rows = NoticeTemplate.objects.filter(kind=KIND, is_active=True).order_by("-revision")
    document = rows.values_list("document", flat=True).first()
    return None if document is None else bytes(document)


def shipped() -> bytes:
    """The template that comes with the program, to be restyled in Word."""
    from analytics.documents.docx import TEMPLATE  # leaf: it loads the renderer of pictures

    return TEMPLATE.read_bytes()


def upload(document: bytes, *, file_name: str, by: User, at: datetime | None = None) -> NoticeTemplate:
    """A new revision, used for every document written from now on (AN-29).

    Raises NotAllowed, InvalidInput("document") naming the unknown field or what else is wrong with it.
    """
    check(document)
    return reference.keep_template(KIND, document=document, file_name=file_name, by=by, at=at)


def check(document: bytes) -> None:
    """Refuse what no report can be written into. Raises InvalidInput("document") with the fault by name."""
    notice_templates.check_container(document)
    walk = _Walk()
    for source in notice_templates.sources_of(document):
        walk.read(source)
    if walk.unknown:
        raise _bad(
            _("Unknown fields: %(names)s. A report knows: %(known)s."),
            names="、".join(sorted(walk.unknown)),
            known="、".join(FIELDS),
        )
    try:
        filled(document)
    except TemplateUnfit as error:
        raise _bad(_("The template cannot be filled: %(fault)s"), fault=str(error)) from None
    except Exception:  # braces across the border of a table or text box break the document in many ways
        raise _bad(_("The braces break the document. Keep each pair of braces inside one paragraph.")) from None


def filled(document: bytes | None) -> bytes:
    """A template with an example in it, to look at; None for the shipped one. Raises TemplateUnfit."""
    from analytics.documents.docx import render_docx  # leaf: it loads the renderer of pictures

    out = io.BytesIO()
    render_docx(_sample(), out, template=document)
    return out.getvalue()


def _sample() -> ReportSnapshot:
    """A short report that has one of everything."""
    words = str(_("Example"))
    points = [[f"{month}", 10 + month] for month in range(1, 13)]
    table = Table(words, (Column(words), Column(words, "int", graded=True)), ((words, 3), (words, 5)), words)
    chart = ChartSpec("control", words, {"points": points, "unit": words}, words)
    return ReportSnapshot(
        title=words,
        subtitle=words,
        organisation=words,
        period_label=words,
        edition=words,
        revision=1,
        status=words,
        approval=words,
        generated_at=timezone.localtime().replace(microsecond=0),
        summary=(words,),
        sections=tuple(
            Section(f"example-{level}", words, (words,), (words,), (chart,), (table,), level) for level in (1, 2, 3)
        ),
        definitions=(Definition(words, words),),
    )


class _Walk:
    """Follows what stands in braces through the shape of a report and notes the fields it does not have."""

    def __init__(self) -> None:
        self.unknown: set[str] = set()
        self.fields = {**FIELDS, "words": dict.fromkeys(labels(_sample()))}

    def read(self, source: str) -> None:
        try:
            tree = notice_templates.environment().parse(source)
        except TemplateSyntaxError as error:
            raise _bad(_("There is a mistake in the braces: %(fault)s"), fault=notice_templates.plain(error)) from None
        self.block(tree.body, self.fields, 0)

    def block(self, body: Sequence[nodes.Node], scope: dict[str, Shape], depth: int) -> None:
        for node in body:
            if isinstance(node, nodes.Output):
                for expression in node.nodes:
                    self.shape(expression, scope)
            elif isinstance(node, nodes.If):
                self.shape(node.test, scope)
                for part in (node.body, node.elif_, node.else_):
                    self.block(part, scope, depth)
            elif isinstance(node, nodes.For):
                self.loop(node, scope, depth + 1)
            else:
                raise _stray(node)

    def loop(self, node: nodes.For, scope: dict[str, Shape], depth: int) -> None:
        found = self.shape(node.iter, scope)
        if node.recursive or node.test is not None or depth > DEEPEST or not isinstance(found, list | _Unknown):
            raise _bad(_("A “for” goes over a list of the report, at most four inside each other."))
        item = found[0] if isinstance(found, list) else found
        self.block(node.body, {**scope, **_bound(node.target, item), "loop": _LOOP}, depth)
        self.block(node.else_, scope, depth)

    def shape(self, node: nodes.Node, scope: dict[str, Shape]) -> Shape:
        """What an expression gives; fields that do not exist are noted by name."""
        if isinstance(node, nodes.Name):
            return scope[node.name] if node.name in scope else self.missing(node.name)
        if isinstance(node, nodes.Getattr):
            holder = self.shape(node.node, scope)
            if isinstance(holder, _Unknown):
                return holder
            if isinstance(holder, dict) and node.attr in holder:
                return holder[node.attr]
            return self.missing(f"{_dotted(node.node)}.{node.attr}")
        if isinstance(node, nodes.Compare | nodes.Not | nodes.And | nodes.Or | nodes.Operand):
            for part in node.iter_child_nodes():
                self.shape(part, scope)
            return None
        if not isinstance(node, nodes.TemplateData | nodes.Const):
            raise _stray(node)
        return None

    def missing(self, name: str) -> _Unknown:
        self.unknown.add(name)
        return _Unknown()


class _Unknown:
    """What comes of a field that does not exist; named once, not again for everything below it."""


def _bound(target: nodes.Node, item: Shape) -> dict[str, Shape]:
    """The names a "for" gives to what it walks over."""
    if isinstance(target, nodes.Name):
        return {target.name: item}
    names = [part.name for part in target.iter_child_nodes() if isinstance(part, nodes.Name)]
    parts = item if isinstance(item, tuple) and len(item) == len(names) else [_Unknown()] * len(names)
    return dict(zip(names, parts, strict=True))


def _dotted(node: nodes.Node) -> str:
    return f"{_dotted(node.node)}.{node.attr}" if isinstance(node, nodes.Getattr) else getattr(node, "name", "…")


def _stray(node: nodes.Node) -> InvalidInput:
    return _bad(
        _("Only placeholders, “if” and “for” may stand in braces, not “%(what)s”."), what=type(node).__name__.lower()
    )


def _bad(message: Any, **params: str) -> InvalidInput:
    return InvalidInput("document", message, **params)
