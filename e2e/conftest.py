"""The whole system for the walk: bin/serve with its own data, and one account per role."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.people import Office
from tests.services import ROOT, django_environment, serve


@pytest.fixture
def manage(tmp_path: Path) -> Callable[..., Any]:
    """Run a management command on the data of the walk; what it says with --json."""

    def run(*arguments: str) -> Any:
        done = subprocess.run(
            [sys.executable, ROOT / "manage.py", *arguments, "--json"],
            cwd=ROOT, env=django_environment(tmp_path / "data"), capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture
def office(tmp_path: Path, browser, manage: Callable[..., Any]) -> Iterator[Office]:
    """A running installation with web, worker and beat, empty but for its people."""
    with serve(tmp_path / "data", "--no-demo") as site:
        people = manage("seed_roles")["users"]
        office = Office(browser, site.url, {person["staff_number"]: person["password"] for person in people})
        yield office
        office.close()
