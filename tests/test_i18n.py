"""The Chinese catalogue is complete, and the compiled file is the one that was compiled from it."""

import ast
import shutil
import string
import subprocess
import sys

import polib
import pytest

from tests.services import ROOT, django_environment

FOLDER = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES"
SOURCES = ("accounts", "complaints", "review", "publication", "analytics", "config", "templates")


@pytest.fixture(scope="module")
def catalogue():
    path = FOLDER / "django.po"
    assert path.exists(), f"there is no catalogue at {path}"
    return polib.pofile(str(path))


def current(entries):
    return [entry for entry in entries if not entry.obsolete]


def key(entry):
    return entry.msgctxt, entry.msgid, entry.msgid_plural


def test_every_message_is_translated(catalogue):
    assert [entry.msgid for entry in current(catalogue) if not entry.translated()] == []
    assert [entry.msgid for entry in catalogue.fuzzy_entries()] == []


def test_every_message_of_the_sources_is_in_the_catalogue(catalogue, tmp_path):
    """What Django's own extraction finds in code and templates, the catalogue has."""
    if not shutil.which("xgettext"):
        pytest.skip("gettext is not installed")
    for name in SOURCES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("tests", "migrations", "*.pyc"))
    (tmp_path / "locale").mkdir()
    subprocess.run(
        [sys.executable, "-m", "django", "makemessages", "--locale", "zh_Hans", "--verbosity", "0"],
        cwd=tmp_path,
        env={name: value for name, value in django_environment(tmp_path).items() if name != "DJANGO_SETTINGS_MODULE"},
        check=True,
        timeout=120,
    )
    found = polib.pofile(str(tmp_path / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"))
    assert sorted({key(entry)[1] for entry in found} - {key(entry)[1] for entry in current(catalogue)}) == []


def test_no_message_stands_inside_an_f_string():
    """Extraction does not look there, so the message would stay English whatever the catalogue says."""
    calls = {"_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"}
    hidden = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for name in SOURCES
        for path in sorted((ROOT / name).rglob("*.py"))
        if "tests" not in path.parts
        for text in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(text, ast.JoinedStr)
        for call in ast.walk(text)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in calls
    ]
    assert hidden == []


def test_placeholders_survive_translation(catalogue):
    """A translation names exactly what its message names; a lost one hides a date or a number."""
    assert [
        entry.msgid
        for entry in current(catalogue)
        for text in (entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr])
        if placeholders(text) not in map(placeholders, filter(None, (entry.msgid, entry.msgid_plural)))
    ] == []


def placeholders(text):
    """The names in %(name)s, or else in {name}."""
    if "%(" in text:
        return {part.split(")")[0] for part in text.split("%(")[1:]}
    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}
    except ValueError:  # a brace that means itself
        return set()


def test_the_compiled_catalogue_is_current(catalogue):
    """The committed .mo holds exactly what the .po says, so an edit without compiling shows."""
    compiled = polib.mofile(str(FOLDER / "django.mo"))

    def content(entries):
        return {key(entry)[:2]: entry.msgstr_plural or entry.msgstr for entry in current(entries)}

    assert content(compiled) == content(catalogue)
