"""The open data keeps to its own schema."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from jsonschema import Draft202012Validator, FormatChecker

from publication.models import PublishedCorrection
from publication.tests.factories import IMPROVEMENT, published

pytestmark = pytest.mark.django_db
# The library knows neither of these two without further packages, and takes what it does not know for right.
FORMATS = FormatChecker()
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
EFFECT = {
    "until": "2026-11-13",
    "months": 3,
    "before": "14.3",
    "after": "11.0",
    "bars": [{"start": "2026-07-13", "count": 21, "after": False}, {"start": "2026-08-13", "count": 11, "after": True}],
}


@FORMATS.checks("date-time")
def _is_moment(value: Any) -> bool:
    """RFC 3339, section 5.6."""
    return not isinstance(value, str) or bool(MOMENT.fullmatch(value) and datetime.fromisoformat(value))


@FORMATS.checks("uri")
def _is_absolute(value: Any) -> bool:
    """RFC 3986: a scheme, a host, and no letter an address cannot have."""
    parts = urlsplit(value)
    return bool(parts.scheme in ("http", "https") and parts.netloc and re.fullmatch(r"[!-~]+", value))


def documents(client) -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema and the data, as they are served."""
    answer = client.get("/open-data/schema.json")
    assert answer["Content-Type"].startswith("application/schema+json")
    data = json.loads(b"".join(client.get("/open-data/results.json").streaming_content))
    return json.loads(answer.content), data


def wrong(schema: dict[str, Any], data: dict[str, Any]) -> list[str]:
    check = Draft202012Validator(schema, format_checker=FORMATS)
    return [f"{error.json_path}: {error.message}" for error in check.iter_errors(data)]


def test_pub_25_the_json_keeps_to_the_schema_that_is_served_with_it(client, django_assert_num_queries):
    published(title='引号"、反斜杠\\、\u202e倒写、🚰')
    done = dict(IMPROVEMENT, state="verified", done_on="2026-11-01", verified_on="2026-11-03")
    third = published(2, published_until=None, improvements=[done], effect=EFFECT)
    published(3, improvements=[], signatures=[], effect=EFFECT | {"after": "", "bars": []})
    for note in ("完成日期更正为 12 月 3 日", "部门名称已更正"):
        PublishedCorrection.objects.create(result=third, note=note, at=timezone.now())
    schema, data = documents(client)
    Draft202012Validator.check_schema(schema)
    assert wrong(schema, data) == []
    few, corrected, plain = data["results"]
    assert plain["title"] == '引号"、反斜杠\\、\u202e倒写、🚰'
    assert (plain["effect"], plain["corrections"], plain["improvements"][0]["verified_on"]) == (None, [], "")
    assert corrected["improvements"][0]["verified_on"] == "2026-11-03"
    assert [row["note"] for row in corrected["corrections"]] == ["部门名称已更正", "完成日期更正为 12 月 3 日"]
    assert (corrected["effect"]["before"], corrected["effect"]["after"]) == (14.3, 11.0)
    assert corrected["effect"]["by_month"] == EFFECT["bars"]
    assert (few["effect"]["after"], few["effect"]["by_month"]) == (None, [])
    assert client.get("/api/v1/results/").json()["results"] == [
        {"id": row["url"].split("/")[-2], **row} for row in data["results"]
    ]
    with django_assert_num_queries(3):  # the state, the results, their corrections: however many there are
        b"".join(client.get("/open-data/results.json").streaming_content)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("results", 0, "complaint"), "T-1"),
        (("results", 0, "published_at"), "2026-11-18 08:41:42"),
        (("results", 0, "updated_at"), "2026-11-18T08:41:42"),
        (("results", 0, "published_until"), "31. 12. 2026"),
        (("results", 0, "url"), "/results/28f44ca581409ff4/"),
        (("results", 0, "number"), "HY-20261121-0042"),
        (("results", 0, "signed_on"), ["2026-13-01"]),
        (("results", 0, "improvements", 0, "due_on"), "2026-02-30"),
        (("results", 0, "improvements", 0, "percent"), 101),
        (("results", 0, "effect", "by_month", 0, "count"), -1),
        (("results", 0, "corrections"), None),
        (("updated_at",), ""),
    ],
)
def test_pub_25_the_schema_finds_what_is_not_as_it_says(client, path, value):
    published(effect=EFFECT)
    schema, data = documents(client)
    assert wrong(schema, data) == []
    place = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert len(wrong(schema, data)) == 1


def test_pub_25_the_schema_is_kept_by_caches_and_told_unchanged(client):
    first = client.get("/open-data/schema.json")
    assert first["Cache-Control"] == "public, max-age=60"
    again = client.get("/open-data/schema.json", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304
