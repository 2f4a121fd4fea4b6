"""What is looked at once when a web process or a worker starts in production (AU-06, DL-07, SC-01).

Demo accounts, debugging or keys that do not open the data stop the start with a sentence.
"""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from accounts.checks import production_is_clean

# Stands in the data folder while a restore is at work; after one that broke off until it is repeated.
UNFINISHED = "restore-unfinished"


def refuse_bad_start() -> None:
    """Raises ImproperlyConfigured with every problem found; in development only a restore that broke off counts."""
    if Path(settings.DATA_DIR, UNFINISHED).exists():
        raise ImproperlyConfigured(
            "A restore did not finish, so what was taken down may be visible; run manage.py restore again."
        )
    if not settings.PRODUCTION:
        return
    problems = production_is_clean(None)
    if problems:
        raise ImproperlyConfigured(" ".join(f"{problem.msg} {problem.hint}" for problem in problems))
