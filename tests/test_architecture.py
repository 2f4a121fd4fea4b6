"""Apps import only to their left, through the front door; nobody imports config."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ["accounts", "complaints", "review", "publication", "analytics"]
RANK = {name: rank for rank, name in enumerate([*LAYERS, "config"])}
# What an app keeps to itself: its pages, its wire format and its worker entry points.
PRIVATE_ROOMS = {"views", "forms", "api", "urls", "public_urls", "api_urls", "admin", "tasks", "receivers"}


def imported_modules(tree):
    """Every absolute import of a module, inside functions too: ("complaints.models", line)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def broken_imports(app, source):
    """The imports in `source`, a module of `app`, that point right or past another app's front door."""
    for module, line in imported_modules(ast.parse(source)):
        package, *rooms = module.split(".")
        if RANK.get(package, -1) > RANK[app]:
            yield f"{line} imports {package}, which lies above {app}"
        elif package in RANK and package != app and rooms and rooms[0] in PRIVATE_ROOMS:
            yield f"{line} imports {package}.{rooms[0]}, which {package} keeps to itself"


@pytest.mark.parametrize("app", LAYERS)
def test_app_imports_only_to_its_left(app):
    files = sorted((ROOT / app).rglob("*.py"))
    assert files, f"no such app: {app}"
    assert [
        f"{path.relative_to(ROOT)}:{problem}"
        for path in files
        for problem in broken_imports(app, path.read_text(encoding="utf-8"))
    ] == []


@pytest.mark.parametrize(
    ("source", "problems"),
    [
        ("from complaints import transitions", []),
        ("from review.models import ReviewCase", []),
        ("from .views import page", []),
        ("import publication", ["1 imports publication, which lies above review"]),
        ("def later():\n    from config import celery", ["2 imports config, which lies above review"]),
        ("from complaints import views", ["1 imports complaints.views, which complaints keeps to itself"]),
        ("import complaints.tasks", ["1 imports complaints.tasks, which complaints keeps to itself"]),
    ],
)
def test_the_rule_sees_what_it_must(source, problems):
    assert list(broken_imports("review", source)) == problems
