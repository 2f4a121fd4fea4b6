"""The page on the five principles names rules that are shown: every test on it exists (CASE-11)."""

from __future__ import annotations

import ast
import re

from tests.services import ROOT

PRINCIPLES = ("Customer-centred", "Lawful", "Efficient", "Transparent and fair", "Continually improving")
_TEST = re.compile(r"`([a-z_/0-9]+\.py)::(test_[a-z_0-9]+)`")


def sections() -> dict[str, str]:
    """Each heading of the page with its text."""
    text = (ROOT / "docs/principles.md").read_text(encoding="utf-8")
    _intro, *parts = re.split(r"^## ", text, flags=re.M)
    return {part.split("\n", 1)[0].strip(): part for part in parts}


def test_case_11_every_principle_has_rules_and_every_rule_a_test():
    found = sections()
    assert tuple(found) == PRINCIPLES
    for name, text in found.items():
        rules = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| Rule")]
        assert len(rules) >= 3, name
        assert all(_TEST.search(line) for line in rules), name


def test_case_11_every_test_named_there_exists():
    named = _TEST.findall("".join(sections().values()))
    assert named
    for path, function in named:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        known = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert function in known, f"{path}::{function}"
