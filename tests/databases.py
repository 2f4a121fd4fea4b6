"""One migrated database per run: the controller of pytest-xdist makes it, every worker takes a copy.

Migrating takes a worker ten seconds of work; a copy takes none. A plugin of conftest.py.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test.utils import setup_databases
from pytest_django.plugin import blocking_manager_key

from tests import services, settings

# On SQLite a file of the controller's folder, on PostgreSQL a database that nobody else is connected to.
TEMPLATE = str(settings.RUN_DIR / "main" / "template.sqlite3") if settings.ON_SQLITE else "huiyin_template"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Migrate before the first worker starts."""
    with config.stash[blocking_manager_key].unblock():
        connection.settings_dict["TEST"]["NAME"] = TEMPLATE
        setup_databases(verbosity=0, interactive=False)
        connection.close()


@pytest.fixture(scope="session")
def django_db_keepdb(request, django_db_modify_db_settings, django_db_blocker) -> bool:
    """Whether pytest-django finds its database ready: under xdist it is a copy, and goes with the run's folder."""
    if not hasattr(request.config, "workerinput"):
        return request.config.getvalue("reuse_db")
    with django_db_blocker.unblock():
        _copy(connection.creation._get_test_db_name())
    return True


@pytest.fixture
def process_environment(transactional_db) -> dict[str, str]:
    """The environment of a process of its own on this test's database, with its keys."""
    database = connection.settings_dict
    url = f"sqlite:///{database['NAME']}"
    if connection.vendor == "postgresql":
        url = f"postgres://{database['USER']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    return services.django_environment(
        django_settings.DATA_DIR,
        DATABASE_URL=url,
        SECRET_KEY=django_settings.SECRET_KEY,
        HUIYIN_FIELD_KEYS=",".join(django_settings.FIELD_KEYS),
    )


def _copy(name: str) -> None:
    if settings.ON_SQLITE:
        shutil.copy(TEMPLATE, Path(name))
        return
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE}')
