"""Steps on the import page, for its tests."""

from __future__ import annotations

import csv
import io

from django.core.files.uploadedfile import SimpleUploadedFile

from complaints import import_jobs
from complaints.models import ImportBatch
from complaints.tests.factories import at

URL = "/desk/imports/"
NOW = at("2026-11-21 09:00")
HEADER = ["编号", "姓名", "电话", "主题", "投诉时间", "内容", "类别", "答复内容", "答复时间"]


def line(number: str = "1", **changes: str) -> dict[str, str]:
    """One complete row, not yet answered."""
    values = dict.fromkeys(HEADER, "") | {
        "编号": number,
        "姓名": "王小明",
        "电话": "13800002417",
        "主题": "占道施工",
        "投诉时间": "2026-11-16 12:09",
        "内容": f"人行道被围挡占用，编号{number}",
    }
    return values | changes


def csv_bytes(rows: list[dict[str, str]], *, encoding: str = "utf-8") -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode(encoding)


def upload(client, content: bytes, *, name: str = "王小明的投诉.csv", source: str = ""):
    return client.post(URL, {"file": SimpleUploadedFile(name, content), "source": source})


def columns_form(client, batch: ImportBatch, **changes: str) -> dict[str, str]:
    """What the columns page offers, sent back as it is, with changes."""
    form = client.get(f"{URL}{batch.pk}/columns/").context["form"]
    return {name: str(form[name].value() or "") for name in form.fields} | changes


def checked(client, rows: list[dict[str, str]] | bytes, **changes: str) -> ImportBatch:
    """A file uploaded, its columns chosen as recognised, its rows checked."""
    content = rows if isinstance(rows, bytes) else csv_bytes(rows)
    answer = upload(client, content)
    assert answer.status_code == 302, answer.context["form"].errors
    batch = ImportBatch.objects.latest("pk")
    answer = client.post(f"{URL}{batch.pk}/columns/", columns_form(client, batch, **changes))
    assert answer.status_code == 302, answer.context["form"].errors
    batch.refresh_from_db()
    return batch


def imported(client, rows: list[dict[str, str]] | bytes, **changes: str) -> ImportBatch:
    """A file imported, the worker's part done here."""
    batch = checked(client, rows, **changes)
    assert client.post(f"{URL}{batch.pk}/start/").status_code == 302
    assert import_jobs.store(batch.pk, at=NOW)
    batch.refresh_from_db()
    return batch
