"""Two results of the demo with a photograph and a record, covered in part; one was taken down since (PUB-21).

Told after the story is committed: a file takes its place on disk only then, and a copy is made from it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw, ImageFont

from accounts.errors import DomainError
from accounts.models import User
from complaints import files
from complaints import transitions as case_transitions
from complaints.models import Complaint, Notification
from complaints.states import EvidenceKind, Status
from config.demo.after import complete
from config.demo.story import Teller, TimeIsUp
from publication import attachments
from publication import transitions as publishing
from publication.models import Publication, PublishedResult

_SIZE = (900, 640)
# What the pictures say, and the part of each that nobody may read.
_PHOTO = ["整改前现场", "十月，投诉人拍摄", "拍摄人电话 13900002468"]
_RECORD = [
    "现场核查记录",
    "一、到场核对投诉事项，情况属实。",
    "二、责任部门当场说明原因。",
    "核查人 高秀英 13900001357",
]
_COVERED = {"x": 0.05, "y": 0.84, "width": 0.6, "height": 0.13}


def tell(teller: Teller) -> int:
    """Returns how many results stand with files."""
    published = Publication.objects.values("complaint")
    cases = Complaint.objects.filter(
        closed_at__lt=teller.now - timedelta(days=15),
        status=Status.CLOSED,
        is_confidential=False,
        involves_minors=False,
        has_injury=False,
        lead_department__isnull=False,
        remedies__isnull=False,
        improvements__isnull=False,
    )
    told: list[PublishedResult] = []
    for case in cases.exclude(pk__in=published).distinct().order_by("-closed_at", "pk")[:6]:
        if len(told) == 2:
            break
        try:
            told.append(_publish(teller, case))
        except (DomainError, TimeIsUp):
            continue
    if len(told) == 2:
        gone = Publication.objects.get(number=told[1].publication_number)
        counsel = teller.people.role("legal_counsel")[0]
        publishing.take_down(gone.pk, by=counsel, reason="投诉人要求撤下照片", at=teller.now - timedelta(hours=5))
    # What happened in the past was told in the past: no mail is sent for it.
    for row in Notification.objects.filter(sent_at=None, created_at__lt=teller.now):
        Notification.objects.filter(pk=row.pk).update(sent_at=row.created_at)
    return len(told)


def _publish(teller: Teller, case: Complaint) -> PublishedResult:
    """From the files of the case to the page, every step by the person whose step it is."""
    people = teller.people
    author, publisher = people.role("publisher")
    first, second = people.role("publication_checker")
    counsel = people.role("legal_counsel")[0]
    assert case.closed_at is not None  # its status is closed
    at = teller.later(case.closed_at, days=1)
    publication = publishing.compose(case.pk, by=author, at=at)
    complete(publication, author, at)
    for name, words, title, description in (
        ("现场照片.jpg", _PHOTO, "整改前的现场", "投诉人提供的照片，拍摄人电话已盖住"),
        ("核查记录.pdf", _RECORD, "现场核查记录", "核查结果一页，姓名和电话已盖住"),
    ):
        _attach(publication, case, name, words, title, description, by=author, at=at)
    at = teller.later(at, hours=3)
    publishing.submit(publication.pk, by=author, at=at)
    at = teller.later(at, hours=3)
    publishing.first_check(publication.pk, by=first, at=at)
    at = teller.later(at, hours=3)
    publishing.second_check(publication.pk, by=second, at=at)
    at = teller.later(at, hours=3)
    for row in publication.files.all():
        publishing.see_file(publication.pk, by=counsel, file_id=row.pk, sha256=row.rendered_id or "", at=at)
    publishing.pass_masking(publication.pk, by=counsel, at=at)
    return publishing.publish(publication.pk, by=publisher, at=teller.later(at, hours=2))


def _attach(
    publication: Publication, case: Complaint, name: str, words: list[str], title: str, description: str,
    *, by: User, at: datetime,
) -> None:  # fmt: skip
    """A file of the case, chosen, covered in one place and copied."""
    stored = files.store(SimpleUploadedFile(name, _picture(words, name)), at=at)
    source = case_transitions.add_attachment(
        case.pk, by=None, file=stored, name=name, evidence_kind=EvidenceKind.COMPLAINANT, source="投诉人提供", at=at
    )
    row = attachments.add(publication.pk, by=by, source_id=source.pk, title=title, description=description, at=at)
    attachments.render(row.pk, at=at)
    attachments.draw(publication.pk, by=by, file_id=row.pk, page=1, boxes=[_COVERED], at=at)
    attachments.render(row.pk, at=at)


def _picture(words: list[str], name: str) -> bytes:
    """A street with a wall, or a sheet of paper, and the words on it."""
    is_photo = name.endswith(".jpg")
    image = Image.new("RGB", _SIZE, "#c9d6dc" if is_photo else "#fdfcf8")
    pen = ImageDraw.Draw(image)
    if is_photo:
        pen.rectangle((0, 430, 900, 640), fill="#8f958f")
        for left in range(40, 860, 210):
            pen.rectangle((left, 190, left + 150, 430), fill="#b08d74", outline="#7c6250", width=4)
            pen.rectangle((left + 45, 230, left + 105, 310), fill="#dfe9ee", outline="#7c6250", width=3)
    else:
        pen.rectangle((28, 28, 872, 612), outline="#8a8a84", width=2)
    font = ImageFont.truetype(Path(settings.BASE_DIR, "static/fonts/NotoSansSC-Regular.ttf"), 34)
    for line, text in enumerate(words[:-1]):
        pen.text((64, 50 + line * (48 if is_photo else 90)), text, fill="#22343c", font=font)
    pen.text((64, 550), words[-1], fill="#22343c", font=font)
    out = BytesIO()
    image.save(out, "JPEG" if is_photo else "PDF")
    return out.getvalue()
