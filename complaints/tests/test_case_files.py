"""Files of a confidential case: originals stay with the office, departments work with copies (AZ-07)."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from complaints import transitions
from complaints.models import Attachment
from complaints.states import EvidenceKind
from complaints.tests.factories import Story
from complaints.tests.test_previews import NOW, SAMPLES, attach, body, picture, store

CANARY = "王建国的照片.jpg"


@pytest.fixture
def confidential(cast):
    """A case whose complainant asked to withhold the identity, with a photo; at the water department."""
    story = Story(cast, is_confidential=True).accept().assign()
    return story, attach(story, SAMPLES["jpeg with place"], CANARY)


def case_url(story: Story, tail: str = "") -> str:
    return f"/desk/cases/{story.case.number}/{tail}"


@pytest.mark.django_db(transaction=True)
def test_az_07_a_department_reads_neither_file_nor_name(client, cast, confidential):
    """On the case page, its timeline, the form for a step, the print; in the download and the preview."""
    story, row = confidential
    client.force_login(cast.water_handler)
    for tail in ("", "print/", "timeline/", "steps/"):
        page = client.get(case_url(story, tail)).content.decode()
        assert "王建国的照片" not in page, tail
    page = client.get(case_url(story)).content.decode()
    assert "文件1.jpg" in page
    assert "不向部门提供" in page
    for tail in (f"files/{row.pk}/", f"files/{row.pk}/preview/"):
        response = client.get(case_url(story, tail))
        assert response.status_code == 403
        assert "王建国的照片" not in response.content.decode()
    client.force_login(cast.intake)
    assert "王建国的照片" in client.get(case_url(story)).content.decode()
    assert client.get(case_url(story, f"files/{row.pk}/preview/")).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_az_07_the_office_paints_a_copy_that_the_department_opens(client, cast, confidential):
    story, row = confidential
    client.force_login(cast.intake)
    page = client.get(case_url(story)).content.decode()
    url = case_url(story, f"files/{row.pk}/copy/")
    assert f'href="{url}"' in page
    assert "各部门打不开1个文件" in page
    assert client.get(url).status_code == 200
    assert client.post(url, {}).status_code == 422  # nobody said they looked
    assert client.post(url, {"is_neutral": "on"}).status_code == 302
    assert f'href="{url}"' not in client.get(case_url(story)).content.decode()
    copy = Attachment.objects.get(copy_of=row)
    assert copy.name == "copy-1.jpg"
    client.force_login(cast.water_handler)
    assert "copy-1.jpg" in client.get(case_url(story)).content.decode()
    content = body(client.get(case_url(story, f"files/{copy.pk}/")))
    assert b"CANARY" not in content
    with Image.open(BytesIO(content)) as image:
        assert image.size == (60, 40)


@pytest.mark.django_db(transaction=True)
def test_az_07_a_copy_made_by_hand_replaces_what_cannot_be_painted(client, cast, confidential):
    """A document needs a copy of one's own; the original again is refused, and nothing is half-saved."""
    story, _row = confidential
    original = b"%PDF-1.7\n" + b"CANARY-AUTHOR" + b" " * 200
    row = attach(story, original, "说明.pdf")
    client.force_login(cast.intake)
    url = case_url(story, f"files/{row.pk}/copy/")
    for upload in ({}, {"files": SimpleUploadedFile("again.pdf", original)}):
        response = client.post(url, {"is_neutral": "on", **upload})
        assert response.status_code == 422
        assert not Attachment.objects.filter(copy_of=row).exists()
    assert "它就是原件" in response.content.decode()
    own = SimpleUploadedFile("王建国.pdf", b"%PDF-1.7\n" + b" " * 300)
    assert client.post(url, {"is_neutral": "on", "files": own}).status_code == 302
    assert Attachment.objects.get(copy_of=row).name == "copy-2.pdf"


@pytest.mark.django_db(transaction=True)
def test_az_07_what_the_department_added_itself_stays_open_to_it(client, cast, confidential):
    story, _row = confidential
    stored = store(picture("PNG"))
    own = transitions.add_attachment(
        story.pk, by=cast.water_handler, file=stored, name="现场.png", evidence_kind=EvidenceKind.OTHER, at=NOW
    )
    client.force_login(cast.water_handler2)
    assert "现场.png" in client.get(case_url(story)).content.decode()
    assert body(client.get(case_url(story, f"files/{own.pk}/"))) == picture("PNG")


@pytest.mark.django_db(transaction=True)
def test_az_07_departments_make_no_copies(client, cast, confidential):
    story, row = confidential
    client.force_login(cast.water_handler)
    assert client.post(case_url(story, f"files/{row.pk}/copy/"), {"is_neutral": "on"}).status_code == 403
    assert not Attachment.objects.filter(copy_of=row).exists()


@pytest.mark.django_db(transaction=True)
def test_without_a_wish_for_confidentiality_nothing_is_withheld(client, cast):
    story = Story(cast).accept().assign()
    row = attach(story, picture("JPEG"), CANARY)
    client.force_login(cast.water_handler)
    page = client.get(case_url(story)).content.decode()
    assert "王建国的照片" in page
    assert "/copy/" not in page
    assert body(client.get(case_url(story, f"files/{row.pk}/"))) == picture("JPEG")
