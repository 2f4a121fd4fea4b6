"""The declared access policy of every URL (AZ-14): a URL that is not listed here fails the tests.

The views enforce the rule; this table is what a reviewer reads and `manage.py show_policies` prints.
`SIGNED_IN` and the permission names are checked with an anonymous visitor by the tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver

PUBLIC = "public"
CODE = "complainant: number and access code"
DRAFT = "complainant: own draft in the session"
SIGNED_IN = "signed in"
CASE = "signed in, sees the case; the action checks its permission"
REVIEW = "signed in, sees the review; the action checks its permission"
PUBLICATION = "signed in, sees the publication; the action checks its permission"
REPORT = "signed in, sees the report; the action checks its permission"

POLICIES: dict[str, str] = {}


def _declare(policy: str, *names: str) -> None:
    for name in names:
        POLICIES[name] = policy


@dataclass(frozen=True)
class Url:
    """One URL pattern with its qualified name and policy; `policy` is "" when none is declared."""

    name: str
    pattern: str
    policy: str


def walk(urlconf: str = "config.urls") -> Iterator[Url]:
    """Every URL of a URL configuration, in its order."""
    yield from _walk(get_resolver(urlconf), "", "")


def _walk(resolver: URLResolver, prefix: str, namespace: str) -> Iterator[Url]:
    for entry in resolver.url_patterns:
        pattern = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _walk(entry, pattern, inner)
        elif isinstance(entry, URLPattern):
            name = f"{namespace}{entry.name or ''}"
            yield Url(name, pattern, POLICIES.get(name, ""))


def undeclared(urlconf: str = "config.urls") -> list[Url]:
    """URLs without a policy."""
    return [url for url in walk(urlconf) if not url.policy]
