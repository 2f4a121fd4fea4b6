"""The documents tell the truth: their tables equal the code, their links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polib
import pytest
from django.apps import apps
from django.core.management import get_commands
from django.utils import translation

from accounts.roles import ROLES
from complaints import states as case_states
from config.celery_schedule import BEAT_SCHEDULE
from publication import states as publication_states
from review import states as review_states
from tests.services import ROOT

DOCS = ROOT / "docs"
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")])
USER_PAGES = sorted((DOCS / "users").glob("*.md"))
MACHINES = {"case": case_states, "review": review_states, "publication": publication_states}
COMPUTED = case_states.COMPUTED_TARGETS

_LINK = re.compile(r"\]\(([^)\s]+)\)|\bsrc=\"([^\"]+)\"")
_CODE = re.compile(r"`([^`\s]+)`")
_FENCE = re.compile(r"^```.*?^```", re.S | re.M)
_OWN = [
    "accounts",
    "complaints",
    "review",
    "publication",
    "analytics",
    "config",
    "bin",
    "docs",
    "tests",
    "bench",
    "static",
    "templates",
    "locale",
    ".ci",
]
_MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|tmp|root|home|mnt|Users)(?:/|\b)|[A-Za-z]:\\")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


# --- Tables that are written from the code --------------------------------------------------
def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def moves(machine: Any) -> str:
    """One row per action, in the order of the code: label, from, to, who."""
    with translation.override("en"):
        return table(
            ("Action", "Label", "From", "To", "Permission"),
            (
                (
                    f"`{move.action}`",
                    str(move.label),
                    ", ".join(f"`{status}`" for status in move.sources),
                    _targets(machine, move),
                    f"`{move.permission}`" + (", or the complainant" if getattr(move, "by_complainant", False) else ""),
                )
                for move in machine.MOVES.values()
            ),
        )


def _targets(machine: Any, move: Any) -> str:
    if move.target is not None:
        return f"`{move.target}`"
    if machine is case_states and move.action in COMPUTED:
        return " or ".join(f"`{status}`" for status in COMPUTED[move.action])
    return "stays"


def roles() -> str:
    return table(("Group", "中文", "English"), ((f"`{role.key}`", role.name_zh, role.name_en) for role in ROLES))


def permissions() -> str:
    """One row per permission, in the order of the models; a mark for each role that has it."""
    known = {
        f"{model._meta.app_label}.{codename}": label
        for app in ("accounts", "complaints", "review", "publication", "analytics")
        for model in apps.get_app_config(app).get_models()
        for codename, label in model._meta.permissions
    }
    return table(
        ("Permission", "Allows", *(role.name_zh for role in ROLES)),
        (
            (f"`{name}`", label, *("✓" if name in role.permissions else "" for role in ROLES))
            for name, label in known.items()
        ),
    )


TABLES = {
    "docs/workflow.md": {
        "moves of a case": lambda: moves(case_states),
        "moves of a review": lambda: moves(review_states),
        "moves of a publication": lambda: moves(publication_states),
    },
    "docs/permissions.md": {"roles": roles, "permissions": permissions},
}


@pytest.mark.parametrize(("path", "title"), [(path, title) for path, made in TABLES.items() for title in made])
def test_case_03_com_17_tables_equal_the_code(path, title):
    """docs/workflow.md and docs/permissions.md show exactly the tables the code works by (CASE-03, COM-17)."""
    found = re.search(rf"<!-- table: {title} -->\n(.*?)\n<!-- end -->", read(path), re.S)
    assert found, f"{path} has no place for the table: {title}"
    expected = TABLES[path][title]()
    assert found[1] == expected, f"{path}, table “{title}”, must be:\n{expected}"


@pytest.mark.parametrize("kind", MACHINES)
def test_every_arrow_of_a_diagram_is_a_legal_move(kind):
    """The diagrams of docs/workflow.md leave lines out for legibility, but invent none."""
    machine = MACHINES[kind]
    diagram = re.search(rf"<!-- diagram: {kind} -->\n```mermaid\n(.*?)```", read("docs/workflow.md"), re.S)
    assert diagram
    arrows = re.findall(r"^\s*(\w+) --> (\w+): (.+)$", diagram[1], re.M)
    assert len(arrows) >= 7
    for source, target, actions in arrows:
        for action in actions.split(", "):
            move = machine.MOVES[action]
            targets = [str(status) for status in ((move.target,) if move.target else COMPUTED.get(action, ()))]
            assert (source in move.sources, target in targets) == (True, True), (kind, action)
    shown = {status for source, target, _actions in arrows for status in (source, target)}
    statuses = {str(status) for move in machine.MOVES.values() for status in (*move.sources, move.target) if status}
    assert shown == statuses


# --- Names of things ------------------------------------------------------------------------
def test_every_environment_variable_is_documented():
    """docs/operations.md explains exactly the variables that config/settings/environment.py reads."""
    source = read("config/settings/environment.py")
    used = set(re.findall(r"env\.\w+\(\s*\"([A-Z_]+)\"|_(?:one_of|count)\(env, \"([A-Z_]+)\"", source))
    rows = re.findall(r"^\| `([A-Z_]+)` \|", read("docs/operations.md"), re.M)
    assert sorted(rows) == sorted("".join(pair) for pair in used)


def test_every_scheduled_job_is_documented():
    rows = re.findall(r"^\| `([a-z_]+)` \| every", read("docs/operations.md"), re.M)
    assert rows == list(BEAT_SCHEDULE)


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_commands_exist(path):
    named = set(re.findall(r"manage\.py ([a-z_]+)", path.read_text(encoding="utf-8")))
    assert named - set(get_commands()) == set()


def test_labels_in_the_pages_for_users_stand_on_the_screens():
    """What stands in 「…」 is a label: the Chinese wording of the catalogue or the name of a role."""
    catalogue = polib.pofile(str(ROOT / "locale/zh_Hans/LC_MESSAGES/django.po"))
    labels = {role.name_zh for role in ROLES}
    for entry in catalogue:
        labels |= {entry.msgstr, *entry.msgstr_plural.values()}
    unknown = [
        (path.name, label)
        for path in USER_PAGES
        for label in re.findall(r"「([^」]+)」", path.read_text(encoding="utf-8"))
        if label not in labels
    ]
    assert unknown == []


# --- Links and paths ------------------------------------------------------------------------
def links(path: Path) -> list[str]:
    text = _FENCE.sub("", path.read_text(encoding="utf-8"))
    found = [first or second for first, second in _LINK.findall(text)]
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def anchors(path: Path) -> set[str]:
    """The fragments of a document's headings, as code hosts make them."""
    heads = re.findall(r"^#+ (.+)$", _FENCE.sub("", path.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_local_links_lead_somewhere(path):
    for link in links(path):
        target, _hash, fragment = link.partition("#")
        place = (path.parent / target).resolve() if target else path
        if place.parent != DOCS / "screenshots":
            assert place.exists(), f"{name_of(path)} links to {link}"
            assert not fragment or fragment in anchors(place), f"{name_of(path)} links to {link}"


def test_screenshots_of_the_readme_exist():
    pictures = [link for link in links(ROOT / "README.md") if link.startswith("docs/screenshots/")]
    assert len(pictures) >= 8
    assert [link for link in pictures if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_files_named_in_the_text_exist(path):
    for name in _CODE.findall(path.read_text(encoding="utf-8")):
        place = name.split("::")[0]
        if place.split("/")[0] in _OWN and "/" in place and not re.search(r"[*<>{}…]", place):
            assert (ROOT / place).exists(), f"{name_of(path)} names {name}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_no_document_names_a_path_of_a_machine(path):
    assert _MACHINE_PATH.findall(path.read_text(encoding="utf-8")) == []


def test_decisions_are_numbered_without_gaps():
    numbers = [int(path.name[:4]) for path in sorted((DOCS / "adr").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_list_of_requirements_is_up_to_date():
    done = subprocess.run([sys.executable, "bin/requirements", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
