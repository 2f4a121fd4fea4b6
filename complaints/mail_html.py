"""The words of an HTML e-mail. Pure."""

from __future__ import annotations

import re

from lxml import etree
from lxml.html import HTMLParser, document_fromstring

_SILENT = {"head", "script", "style", "template", "noscript", "title", "svg", "math", "object", "iframe"}
_BLOCKS = {
    "address", "article", "blockquote", "dd", "div", "dl", "dt", "fieldset", "figure", "footer", "form", "h1", "h2",
    "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "tr", "ul",
}  # fmt: skip


def html_text(source: str) -> str:
    """The words of an HTML text, a line per block; nothing of it is run, fetched or kept."""
    # Bytes and a named encoding, so that a declaration inside the text is not believed.
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True)
    try:
        root = document_fromstring(source.encode("utf-8", "replace"), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return ""
    found: list[str] = []
    silent = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        tag = element.tag
        if event == "start":
            silent += tag in _SILENT
            found.append("\n" if tag in _BLOCKS or tag == "br" else "\t" if tag in ("td", "th") else "")
            words = element.text if not silent else ""
        else:
            silent -= tag in _SILENT
            found.append("\n" if tag in _BLOCKS else "")
            words = element.tail if not silent and element is not root else ""
        found.append(" ".join((words or "").split(" ")).replace("\n", " "))
    lines = [" ".join(line.split()) for line in "".join(found).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
