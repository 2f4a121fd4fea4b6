"""One complaint from the public form to the monthly report, in a browser, against web, worker and beat.

Everything happens through the pages, one browser context per person; the story is told in
handling.py, reviewing.py, publishing.py and reporting.py. Whatever a page prints to the console
fails the walk (people.py).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from e2e import handling, publishing, reporting, reviewing
from e2e.people import Office
from e2e.story import Story


@pytest.mark.slow
def test_a_complaint_from_the_public_form_to_the_report(
    office: Office, manage: Callable[..., Any], tmp_path: Path
) -> None:
    """CASE-02, COO-19, QUA-02…04, FB-04, 06, 07, 08, 19, REV-18, 19, 24, 26…30, 33, 38, 41…45, PUB-02…19, AN-19;
    at the end the ledger is whole (ARC-10)."""
    story = Story(office)
    for step in (
        handling.file_complaint,
        handling.accept,
        handling.assign,
        handling.support,
        handling.handle,
        handling.agree_remedy,
        handling.return_once,
        handling.submit_again,
        handling.pass_check,
        handling.call_back,
        handling.close,
        reviewing.apply,
        reviewing.set_up,
        reviewing.investigate,
        reviewing.conclude,
        reviewing.read_result,
        publishing.decide,
        publishing.compose,
        publishing.sign,
        publishing.publish,
        publishing.read,
        publishing.take_down,
    ):
        step(story)
    assert manage("import_complaints", str(reporting.old_register(tmp_path)))["created"] == 1
    reporting.report(story, tmp_path)
    ledger = manage("verify_ledger")
    assert ledger["ok"] is True
    assert ledger["checked"] > 40
