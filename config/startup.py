"""What is looked at once when a web process or a worker starts in production (AU-06, DL-07, SC-01).

Demo accounts, debugging or keys that do not open the data stop the start with a sentence.
"""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from accounts.checks import production_is_clean


def refuse_bad_start() -> None:
    """Raises ImproperlyConfigured with every problem found; does nothing in development."""
    if not settings.PRODUCTION:
        return
    problems = production_is_clean(None)
    if problems:
        raise ImproperlyConfigured(" ".join(f"{problem.msg} {problem.hint}" for problem in problems))
