"""The database role of the handbook serves every page of results and incidents, and reaches nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import ProgrammingError, connection, transaction
from django.utils import timezone

from accounts.models import User
from publication import helpful
from publication.models import (
    Comment,
    PublishedCorrection,
    PublishedReport,
    PublishedResult,
    ResultDay,
    Volunteer,
    VolunteerReport,
)
from publication.states import CommentState
from publication.tests.factories import published

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

HANDBOOK = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
READER = "Mozilla/5.0"


@pytest.fixture
def result() -> PublishedResult:
    row = published()
    now = timezone.now()
    Comment.objects.create(
        result=row, text="不公开的原话", shown_text="修得很快", answer="谢谢", state=CommentState.SHOWN, at=now
    )
    PublishedCorrection.objects.create(result=row, note="完成日期更正为 12 月 3 日", at=now)
    volunteer = Volunteer.objects.create(
        code_hash="0" * 64, name="李秀兰", since=now.date(), by=User.objects.create(staff_number="V001")
    )
    report = VolunteerReport.objects.create(volunteer=volunteer, result=row, text="不公开的原话", at=now)
    PublishedReport.objects.create(
        report=report, result=row, shown_text="监督员看到了", state=CommentState.SHOWN, at=now
    )
    return row


@pytest.fixture
def as_the_role(result) -> Iterator[None]:
    [grants] = re.findall(r"```sql\n(CREATE ROLE huiyin_public.*?)```", HANDBOOK.read_text(encoding="utf-8"), re.DOTALL)
    with connection.cursor() as cursor:
        cursor.execute(grants)
        cursor.execute("SET ROLE huiyin_public")
        yield
        cursor.execute("RESET ROLE")


def test_pr_05_every_page_of_results_and_incidents_works_with_the_role(client, result, as_the_role):
    address = f"/results/{result.public_id}/"
    paths = [
        "/",
        "/?q=停水",
        address,
        address + "poster/",
        address + "comments/",
        address + "reports/",
        "/incidents/",
        "/incidents/feed.atom",
    ]
    paths += ["/incidents/sitemap.xml", "/feed.atom", "/sitemap.xml", "/robots.txt", "/healthz"]
    paths += ["/open-data/results.csv", "/open-data/results.json", "/open-data/schema.json"]
    assert {path: client.get(path).status_code for path in paths} == dict.fromkeys(paths, 200)
    assert {path: client.get(f"{path}?lang=en").status_code for path in ("/", address)} == {"/": 200, address: 200}
    page = client.get(address).content.decode()
    assert "修得很快" in page
    assert "更正为" in page
    assert "监督员看到了" in page
    assert client.get("/incidents/0123456789abcdef/").status_code == 404


def test_pub_34_the_role_counts_views(client, result, as_the_role, monkeypatch):
    monkeypatch.setattr(helpful, "_collected", helpful._Collected())
    client.get(f"/results/{result.public_id}/?c=poster", headers={"User-Agent": READER})
    helpful.write_views()
    assert ResultDay.objects.get().views == 1


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT text FROM publication_comment",
        "SELECT * FROM publication_volunteer",
        "SELECT text FROM publication_volunteerreport",
        "SELECT report_id, reason FROM publication_publishedreport",
        "SELECT narrative FROM complaints_complaint",
        "SELECT * FROM publication_publication",
        "UPDATE publication_publishedresult SET title = ''",
        "DELETE FROM publication_resultday",
        "INSERT INTO publication_publishedcorrection (result_id, note, at) VALUES (1, '', now())",
    ],
)
def test_pr_05_the_role_reaches_nothing_else(as_the_role, sql):
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)
