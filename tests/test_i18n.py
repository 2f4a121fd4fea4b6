"""The Chinese catalogue is complete, and the compiled file is the one that was compiled from it."""

import string

import polib
import pytest

from tests.services import ROOT

FOLDER = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES"


@pytest.fixture(scope="module")
def catalogue():
    return polib.pofile(str(FOLDER / "django.po"))


def test_every_message_is_translated(catalogue):
    assert [entry.msgid for entry in catalogue if not entry.obsolete and not entry.translated()] == []
    assert [entry.msgid for entry in catalogue.fuzzy_entries()] == []


def test_placeholders_survive_translation(catalogue):
    """A translation names exactly what its message names; a lost one hides a date or a number."""
    assert [
        entry.msgid
        for entry in catalogue
        if not entry.obsolete
        for text in (entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr])
        if placeholders(text) not in (placeholders(entry.msgid), placeholders(entry.msgid_plural))
    ] == []


def placeholders(text):
    """The names in %(name)s and {name}."""
    named = {part.split(")")[0] for part in text.split("%(")[1:]}
    if "%" in text:
        return named
    return named | {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_the_compiled_catalogue_is_current(catalogue):
    """The committed .mo holds exactly what the .po says, so an edit without compiling shows."""

    def content(entries):
        return {
            (entry.msgctxt, entry.msgid): entry.msgstr_plural if entry.msgid_plural else entry.msgstr
            for entry in entries
            if not entry.obsolete
        }

    compiled = polib.mofile(str(FOLDER / "django.mo"))
    assert content(compiled) == content(catalogue)
