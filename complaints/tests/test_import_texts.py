"""The second process of an import: the same results with it, without it, and when it dies."""

from __future__ import annotations

import os
import signal

import pytest

from accounts.crypto import decrypt
from complaints.import_texts import WORTH_A_PROCESS, Derived, Deriver, Texts, derive


def _part(number: int, size: int = WORTH_A_PROCESS) -> tuple[list[int], list[Texts]]:
    rows = list(range(number * size, (number + 1) * size))
    return rows, [
        Texts(f"水费 {row}", f"第{row}号水表读数不对。", "南门", f"张{row}", f"138{row:08d}", "") for row in rows
    ]


def _readable(derived: list[Derived]) -> list[tuple[str, ...]]:
    return [(row.tokens, row.print, decrypt(row.name), decrypt(row.phone), decrypt(row.email)) for row in derived]


def test_in_13_what_the_second_process_makes_is_what_would_be_made_here():
    parts = [_part(0), _part(1), _part(2, 10)]
    with Deriver() as deriver:
        found = list(deriver.ahead(parts))
        process = deriver._process
        assert process is not None
        assert process.poll() is None
    assert process.returncode == 0, "it ends with the import"
    assert [rows for rows, _derived in found] == [rows for rows, _texts in parts]
    for (_rows, derived), (_same, texts) in zip(found, parts, strict=True):
        assert _readable(derived) == _readable(derive(texts))


def test_in_13_an_import_goes_on_when_its_second_process_is_killed(caplog):
    with Deriver() as deriver:
        made = deriver.ahead([_part(0), _part(1), _part(2)])
        found = [next(made)]
        os.kill(deriver._process.pid, signal.SIGKILL)
        found += made
    assert [_readable(derived) for _rows, derived in found] == [_readable(derive(_part(n)[1])) for n in range(3)]
    assert "second process" in caplog.text


def test_in_13_a_short_file_starts_no_second_process():
    with Deriver() as deriver:
        assert len(list(deriver.ahead([_part(0, 20)]))) == 1
        assert deriver._process is None


@pytest.mark.parametrize("name", ["", "王小明"])
def test_nothing_stays_nothing_and_names_are_encrypted(name):
    (row,) = derive([Texts("", "", "", name, "", "")])
    assert (row.tokens, row.print, row.phone, row.email) == ("", "", "", "")
    assert decrypt(row.name) == name
    assert not name or name not in row.name
