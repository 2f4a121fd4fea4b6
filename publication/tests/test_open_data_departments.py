"""The English name of a department among the open data (PUB-25, PUB-40)."""

from __future__ import annotations

import csv
import io

import pytest
from django.core.cache import caches

from accounts.models import Department
from publication.tests.factories import published

pytestmark = pytest.mark.django_db
ADDRESSES = ("/open-data/results.json", "/open-data/results.csv", "/api/v1/results/")


def test_pub_25_the_english_name_stands_beside_the_chinese_and_a_change_reaches_every_reader(client):
    result = published()
    Department.objects.create(code="d1", name=result.department, name_en="Water Group")
    before = {}
    for address in ADDRESSES:
        answer = client.get(address)
        before[address] = answer["ETag"]
        content = b"".join(answer) if answer.streaming else answer.content
        assert "Water Group" in content.decode()
    rows = csv.DictReader(io.StringIO(b"".join(client.get(ADDRESSES[1])).decode("utf-8-sig")))
    assert next(rows)["department_en"] == "Water Group"
    Department.objects.update(name_en=None)
    caches["local"].clear()
    for address in ADDRESSES:
        answer = client.get(address, headers={"If-None-Match": before[address]})
        content = b"".join(answer) if answer.streaming else answer.content
        assert (answer.status_code, "Water Group" in content.decode()) == (200, False)
        assert client.get(address, headers={"If-None-Match": answer["ETag"]}).status_code == 304
