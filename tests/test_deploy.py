"""What an operator runs before going live: the deployment check is clean (SC-01), no migration is missing."""

import subprocess
import sys

import pytest
from django.core.management import call_command
from django.db import connection

from tests.services import ROOT, django_environment
from tests.test_settings import GOOD


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_sc01_check_deploy_is_clean_in_production(tmp_path):
    database = connection.settings_dict
    url = f"postgres://{database['USER']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "INFO"],
        cwd=ROOT,
        env=django_environment(tmp_path, **{**GOOD, "DATABASE_URL": url}),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "System check identified no issues (0 silenced).\n", "")


@pytest.mark.django_db
def test_models_and_migrations_agree(capsys):
    call_command("makemigrations", check_changes=True, dry_run=True)
    assert capsys.readouterr().out == "No changes detected\n"
