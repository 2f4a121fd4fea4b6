"""The open data keeps to its own schema."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from publication.tests.factories import IMPROVEMENT, published

pytestmark = pytest.mark.django_db


def test_pub_25_the_json_keeps_to_the_schema_that_is_served_with_it(client):
    published()
    published(2, published_until=None, improvements=[dict(IMPROVEMENT, state="done", done_on="2026-11-01")])
    published(3, improvements=[], signatures=[])
    answer = client.get("/open-data/schema.json")
    assert answer["Content-Type"].startswith("application/schema+json")
    schema = json.loads(answer.content)
    Draft202012Validator.check_schema(schema)
    data = json.loads(b"".join(client.get("/open-data/results.json").streaming_content))
    check = Draft202012Validator(schema, format_checker=FormatChecker())
    assert [error.message for error in check.iter_errors(data)] == []
    assert len(data["results"]) == 3
    data["results"][0]["complaint"] = "T-1"
    assert list(check.iter_errors(data))


def test_pub_25_the_schema_is_kept_by_caches_and_told_unchanged(client):
    first = client.get("/open-data/schema.json")
    assert first["Cache-Control"] == "public, max-age=60"
    again = client.get("/open-data/schema.json", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
