"""Settings of a test run: a fixed environment, then the real settings, then what only tests change.

The environment is set here, before `config.settings` reads it, so a run never sees the
operator's variables or data. Every run has a throw-away folder, every xdist worker a part of it.
The database is SQLite in a file (threads share it as in real life) or, when
HUIYIN_TEST_DATABASE_URL is set, a PostgreSQL server (bin/test starts one).
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

RUN_VARIABLE = "HUIYIN_TEST_RUN"
RUN_DIR = Path(os.environ.get(RUN_VARIABLE) or tempfile.mkdtemp(prefix="huiyin-test-"))
if RUN_VARIABLE not in os.environ:  # xdist workers inherit the folder and leave it alone
    atexit.register(shutil.rmtree, RUN_DIR, ignore_errors=True)
WORKER_DIR = RUN_DIR / os.environ.get("PYTEST_XDIST_WORKER", "main")
WORKER_DIR.mkdir(parents=True, exist_ok=True)

ENVIRONMENT = {
    "HUIYIN_ENV": "development",
    "HUIYIN_SITE": "all",
    "HUIYIN_DATA": str(WORKER_DIR),
    "HUIYIN_FIELD_KEYS": "dGVzdC1maWVsZC1rZXktb2YtaHVpeWluLTMyLWJ5dGU=",
    "SECRET_KEY": "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz",
    "DATABASE_URL": os.environ.get("HUIYIN_TEST_DATABASE_URL") or f"sqlite:///{WORKER_DIR / 'huiyin.sqlite3'}",
}
for _name in [name for name in os.environ if name.startswith("HUIYIN_") and "_TEST_" not in name]:
    if _name != "HUIYIN_REQUIRE":
        del os.environ[_name]
for _name in ("REDIS_URL", "EMAIL_URL", "ALLOWED_HOSTS"):
    os.environ.pop(_name, None)
os.environ.update(ENVIRONMENT, **{RUN_VARIABLE: str(RUN_DIR)})

from config.settings import *  # noqa: E402, F403
from config.settings import CACHES, DATABASES, STATIC_ROOT, STORAGES  # noqa: E402

ON_SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite3")
if ON_SQLITE:
    DATABASES["default"]["TEST"] = {"NAME": WORKER_DIR / "test.sqlite3"}
else:
    DATABASES["default"]["TEST"] = {"NAME": "test_huiyin"}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ACCESS_CODE_HASHER = "md5"
CACHES["default"] = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "default"}
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_AUTOREFRESH = True  # no walk over every static file for each test client
STATIC_ROOT.mkdir(exist_ok=True)
