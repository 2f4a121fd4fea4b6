"""Redaction of personal data before anything is public (PUB-14 to PUB-19). Pure: no database, no settings."""

from publication.redaction.engine import EARLIER_VERSIONS, ENGINE_VERSION, find, leaks, redact
from publication.redaction.profiles import PROFILES, TYPES, Row, UnknownProfile
from publication.redaction.spans import Known, Redaction, Span

__all__ = [
    "EARLIER_VERSIONS",
    "ENGINE_VERSION",
    "PROFILES",
    "TYPES",
    "Known",
    "Redaction",
    "Row",
    "Span",
    "UnknownProfile",
    "find",
    "leaks",
    "redact",
]
