"""The canary crawl (guarantees 3, I9): nothing private is in any byte the public can fetch.

Two cases run from filing to publication with a unique token in every private field a transition
takes; one result stays up, one is taken down. Afterwards every remaining text column of every
private table gets a token too, so a page that joins live tables instead of the snapshot is found.
"""

from __future__ import annotations

import base64
import html
import itertools
import json
import unicodedata
from collections.abc import Callable
from functools import cache
from io import BytesIO
from types import SimpleNamespace
from urllib.parse import quote, unquote

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, models, transaction
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone
from PIL import Image

from complaints import files
from complaints import transitions as case_transitions
from complaints.models import Attachment, Complaint, StoredFile
from complaints.states import Channel, ContactDirection, ContactOutcome, ContactPurpose
from complaints.tests.factories import Story, at, improvement_words
from publication import attachments, comments, leak_scan, observations, transitions, volunteers
from publication.models import (
    Publication,
    PublicationDecision,
    PublishedFile,
    PublishedResult,
    PublishedSearch,
    VolunteerReport,
)
from publication.tests.factories import TEXTS, approved, days_ago, open_gate
from publication.tests.test_attachments import pdf
from review.models import ReviewCase

pytestmark = pytest.mark.django_db
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ234567"
PHONES = ("13900004719", "13700008326")
FIRST_ID = 7_340_000_001
# What everybody may know: names of categories and departments, rules and calendars, texts of the letters.
PUBLIC_WORDS = {
    "accounts.Department",
    "complaints.Category",
    "complaints.ServicePolicy",
    "complaints.PolicyRule",
    "complaints.ReplyTemplate",
}
# The sweep is worth something only when it reaches at least these.
MUST_REACH = {
    "accounts.User.display_name",
    "complaints.Attachment.name",
    "complaints.Complainant.name",
    "complaints.ContactPoint.value",
    "publication.Publication.cause",
    "publication.Publication.withdrawal_reason",
    "publication.PublishedReport.reason",
    "publication.VolunteerReport.text",
    "publication.PublicationDecision.note",
    "publication.PublicationFile.title",
    "publication.RedactionSpan.reason",
    "review.ReviewCase.report",
}
# What a person let pass of comments and of volunteers' reports, with the office's answer.
PUBLIC_COLUMNS = {
    f"publication.{table}.{column}" for table in ("Comment", "PublishedReport") for column in ("shown_text", "answer")
}
PUBLIC_WORDS |= {"complaints.CalendarYear", "complaints.CalendarDay", "complaints.ExternalBody"}


class Tokens:
    """ZX and twelve letters, each handed out once under the name of its field."""

    def __init__(self) -> None:
        self.given: dict[str, str] = {}
        self._numbers = itertools.count(1)

    def __call__(self, name: str) -> str:
        number, letters = next(self._numbers) * 7_919_317_733, ""
        for _ in range(12):
            number, digit = divmod(number * 31 + 17, len(_ALPHABET))
            letters += _ALPHABET[digit]
        return self.given.setdefault(name, "ZX" + letters)


# --- Searching ------------------------------------------------------------------------------------


def variants(text: str) -> list[str]:
    """The text as it is, decoded in every way a page may have encoded it, forwards and backwards."""
    plain = {
        text,
        html.unescape(text),
        unquote(text),
        unquote(html.unescape(text)),
        text.encode().decode("unicode_escape", "ignore"),
    }
    squeezed = {
        "".join(char for char in unicodedata.normalize("NFKC", each).lower() if char.isalnum()) for each in plain
    }
    return [*squeezed, *(each[::-1] for each in squeezed)]


def in_base64(token: str) -> list[str]:
    """What base64 of any text with the token must contain, at each of the three alignments."""
    found = []
    for shift in range(3):
        encoded = base64.b64encode(b"x" * shift + token.encode()).decode()
        found.append(encoded[4 if shift else 0 : -4])
    return found


def leaks(text: str, secrets: dict[str, str]) -> list[str]:
    seen = variants(text)
    return [
        name
        for name, secret in secrets.items()
        if any(secret.lower() in each for each in seen)
        or (len(secret) > 11 and any(part in text for part in in_base64(secret)))
    ]


@pytest.mark.parametrize(
    "hide",
    [
        str,
        str.lower,
        lambda token: token[::-1],
        lambda token: "".join(f"%{ord(char):02x}" for char in token),
        lambda token: "".join(f"&#{ord(char)};" for char in token),
        lambda token: "".join(f"&#x{ord(char):x};" for char in token),
        lambda token: base64.b64encode(token.encode()).decode(),
        lambda token: base64.b64encode(f"姓{token}名".encode()).decode(),
        lambda token: base64.b64encode(f"ab{token}".encode()).decode(),
        lambda token: "".join(f"\\u{ord(char):04x}" for char in token),
        lambda token: " ".join(token),
        lambda token: "".join(chr(ord(char) + 0xFEE0) for char in token),
        lambda token: quote(json.dumps({"a": token})),
    ],
)
def test_the_search_finds_a_token_however_it_is_written(hide):
    token = Tokens()("x")
    assert leaks(f"<p>前{hide(token)}后</p>", {"x": token}) == ["x"]
    assert leaks("<p>什么也没有</p>", {"x": token}) == []


# --- The two worlds' cases ---------------------------------------------------------------------------


def _large_ids(*tables: type[models.Model]) -> None:
    """Rows from now on get ids that cannot stand in a page by chance."""
    with connection.cursor() as cursor:
        for number, table in enumerate(tables):
            name, first = table._meta.db_table, FIRST_ID + number * 1_000_000
            if connection.vendor == "postgresql":
                cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [name, first])
            else:
                cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [name])
                cursor.execute("INSERT INTO sqlite_sequence(name, seq) VALUES (%s, %s)", [name, first])


def _walk(cast: SimpleNamespace, token: Tokens, which: str, phone: str) -> Publication:
    """One case to its published result, with a token in whatever a transition takes."""

    def secret(name: str) -> str:
        return token(f"{which}.{name}")

    story = Story(
        cast,
        name=secret("name"),
        phone=phone,
        email=f"{secret('email')}@example.cn",
        address=f"柳桥三村{secret('address')}号",
        subject=f"停水 {secret('subject')}",
        narrative=f"停水了 {secret('narrative')}",
        demand=f"请说明 {secret('demand')}",
    )
    story.accept()
    case_transitions.assign(
        story.pk, by=cast.coordinator, department=cast.water, task=secret("task"), at=at("2026-11-16 10:30")
    )
    story.start()
    case_transitions.add_note(story.pk, by=cast.water_handler, text=secret("note"), at=at("2026-11-17 09:00"))
    case_transitions.add_contact(
        story.pk,
        by=cast.water_handler,
        direction=ContactDirection.OUT,
        channel=Channel.PHONE,
        purpose=ContactPurpose.PROGRESS,
        summary=secret("contact"),
        at=at("2026-11-17 09:30"),
    )
    words = improvement_words() | {"acceptance_test": secret("acceptance")}
    case_transitions.add_improvement(
        story.pk, by=cast.water_handler, department=cast.water, at=at("2026-11-17 10:00"), **words
    )
    case_transitions.submit_for_check(
        story.pk, by=cast.water_handler, process=secret("process"), result=secret("reply"), at=at("2026-11-18 15:00")
    )
    case_transitions.pass_quality(story.pk, by=cast.checker, comment=secret("check"), at=at("2026-11-19 10:00"))
    case_transitions.call_back(
        story.pk,
        by=cast.intake,
        outcome=ContactOutcome.REACHED,
        satisfaction="satisfied",
        is_solved=True,
        reason="",
        comment=secret("callback"),
        at=at("2026-11-20 10:00"),
    )
    story.close()
    transitions.decide(story.pk, by=cast.publisher, publish=True, note=secret("decision"))
    publication = transitions.compose(story.pk, by=cast.publisher)
    open_gate(publication, cast.publisher)
    name, mail = token.given[f"{which}.name"], token.given[f"{which}.email"]
    cause = f"{name} 来电 {phone}，邮箱 {mail}@example.cn，病人{secret('masked')}，停水。"
    texts = TEXTS | {"cause": cause}
    transitions.edit(publication.pk, by=cast.publisher, **texts)
    proof = secret("figure evidence")
    transitions.link_figure(publication.pk, by=cast.publisher, field="subject", figure="23 人", evidence=proof)
    publication.refresh_from_db()
    start = publication.cause.index(token.given[f"{which}.masked"])
    if not publication.spans.filter(field="cause", start__lt=start + 14, end__gt=start).exists():
        transitions.add_span(
            publication.pk, by=cast.publisher, field="cause", start=start, end=start + 14, replacement=""
        )
    for span in publication.spans.filter(decision="pending"):
        transitions.decide_span(publication.pk, by=cast.publisher, span_id=span.pk, keep=False, reason=secret("span"))
    _attach(publication, cast, secret)
    transitions.submit(publication.pk, by=cast.publisher)
    transitions.return_to_author(publication.pk, by=cast.publication_checker, reason=secret("returned"))
    approved(publication, cast)
    transitions.publish(publication.pk, by=cast.publisher2, at=days_ago(0.1))
    return Publication.objects.get(pk=publication.pk)


def _attach(publication: Publication, cast: SimpleNamespace, secret: Callable[[str], str]) -> None:
    """A photo and two documents with a token in whatever a file can hold besides its pixels; all are published."""
    exif = Image.Exif()
    exif[0x013B], exif[0x9C9C] = secret("EXIF"), secret("EXIF comment").encode("utf-16-le")
    photo, document = BytesIO(), BytesIO()
    xmp = secret("XMP").encode()
    Image.new("RGB", (60, 40), (9, 9, 9)).save(photo, "JPEG", exif=exif, comment=secret("JPEG comment"), xmp=xmp)
    Image.new("RGB", (60, 40)).save(document, "PDF", author=secret("PDF author"), title=secret("PDF title"))
    text = pdf(secret("PDF text"), info=secret("PDF info"))
    for ending, content in (("jpg", photo.getvalue()), ("pdf", document.getvalue()), ("pdf", text)):
        stored = files.store(SimpleUploadedFile("file", content), at=at("2026-11-17 12:00"))
        name = f"{secret(f'file name {len(content)}')}.{ending}"
        row = case_transitions.add_attachment(
            publication.complaint_id, by=None, file=stored, name=name, evidence_kind="complainant", at=stored.stored_at
        )
        chosen = attachments.add(
            publication.pk, by=cast.publisher, source_id=row.pk, title="现场记录", description="抢修记录"
        )
        attachments.render(chosen.pk)


def _beside(publication: Publication, cast: SimpleNamespace) -> None:
    """Records of a case that this test does not walk through: a file and a review."""
    content = f"{publication.pk:064x}"
    stored = StoredFile.objects.create(sha256=content, size=3, content_type="image/jpeg", stored_at=days_ago(2))
    Attachment.objects.create(
        complaint=publication.complaint, file=stored, name="照片.jpg", source="投诉人", at=days_ago(2)
    )
    ReviewCase.objects.create(
        number=f"FC-{publication.number[3:]}",
        complaint=publication.complaint,
        opened_at=days_ago(1),
        screening_due_at=days_ago(0),
    )


def _echo(result: PublishedResult, cast: SimpleNamespace, secret: Callable[[str], str]) -> None:
    """A comment and a report of a volunteer, each shown in other words than it was sent."""
    remark = comments.leave(result.pk, text=f"留言 {secret('comment')}")
    comments.show(remark.pk, by=cast.publisher, seen="waiting", shown_text="公开的留言")
    since = timezone.localdate()
    registered = volunteers.register(by=cast.publisher, name=secret("volunteer"), phone="13900006677", since=since)
    volunteers.report(code=registered.code, text=f"监督 {secret('seen')}", notice=result.publication_number)
    row = VolunteerReport.objects.order_by("-pk")[0]
    volunteers.answer(row.pk, by=cast.publisher, answer=f"答复 {secret('private answer')}")
    observations.show(row.pk, by=cast.publisher, seen="waiting", shown_text="公开的监督", answer="公开的答复")


def _sweep(token: Tokens) -> set[str]:
    """Put a token into every text column of every private table; returns the columns reached."""
    reached = set()
    for model in apps.get_models():
        label = model._meta.label
        private = model._meta.app_label in ("accounts", "complaints", "review", "publication")
        if (
            not private
            or model in (PublishedResult, PublishedSearch, PublishedFile)
            or label in PUBLIC_WORDS
            or not model._meta.managed
        ):
            continue
        for field in model._meta.concrete_fields:
            text = isinstance(field, models.CharField | models.TextField) and not field.choices and not field.unique
            is_public = f"{label}.{field.name}" in PUBLIC_COLUMNS
            if not text or is_public or field.primary_key or (field.max_length or 99) < 14:
                continue
            try:
                with transaction.atomic():
                    if model._base_manager.update(**{field.name: token(f"{label}.{field.name}")}):
                        reached.add(f"{label}.{field.name}")
            except DatabaseError:  # append-only, or equal values are refused: walked through above instead
                continue
    return reached


def _public_paths(live: PublishedResult, gone: PublishedResult) -> list[str]:
    """Every address of the public side, with the arguments of a live and of a withdrawn result."""
    paths = set()
    for pattern in get_resolver("config.urls_public").url_patterns:
        for entry in getattr(pattern, "url_patterns", [pattern]):
            route = str(entry.pattern)
            if "public_id" in route:
                tail = route.split(")", 1)[1].removesuffix("$")
                tail, is_file, _pattern = tail.partition("(?P<file_id>")
                for found in (live, gone):
                    ends = found.files.values_list("public_id", flat=True) if is_file else [""]
                    paths |= {f"/results/{found.public_id}{tail}{end}" for end in ends}
            else:
                paths.add("/" + route.replace("<int:attachment_id>", "1"))
    return sorted(paths)


def _answers(paths: list[str], live: PublishedResult, gone: PublishedResult, publication: Publication):
    client = Client(raise_request_exception=False)
    strict = Client(enforce_csrf_checks=True, raise_request_exception=False)
    reads = [*paths, f"/?q={publication.number}", "/?q=柳桥", "/?category=water", "/?after=" + live.public_id]
    reads += ["/api/v1/results/", f"/api/v1/results/{live.public_id}/", f"/api/v1/results/{gone.public_id}/"]
    for path in reads:
        joint = "&" if "?" in path else "?"
        yield path, client.get(path)
        for query in ("lang=en", "text=large", "format=json"):
            yield f"{path}{joint}{query}", client.get(f"{path}{joint}{query}")
        yield (
            f"{path} htmx",
            client.get(path, headers={"HX-Request": "true", "HX-Target": "main", "Accept": "application/json"}),
        )
        yield f"HEAD {path}", client.head(path)
        yield f"OPTIONS {path}", client.options(path)
        yield f"POST {path}", strict.post(path, {"q": publication.number})
    for path in (
        f"/results/{live.public_id}",
        f"/RESULTS/{live.public_id}/",
        f"/results/%2e/{live.public_id}/",
        f"/results/{publication.pk}/",
    ):
        yield path, client.get(path)
    yield "bad host", client.get("/", headers={"host": "bad host!"})
    yield "unknown", client.get(f"/results/{publication.number}/")


@cache
def _hidden(content: bytes) -> list[str]:
    return leak_scan.texts_of(content)


def _in_file(content: bytes, secrets: dict[str, str]) -> list[str]:
    """The texts hidden in a picture or PDF, and every secret that stands among its bytes."""
    written = [(secret, secret.encode(name)) for secret in secrets.values() for name in ("utf-8", "utf-16-le")]
    return [*(_hidden(content) if content else []), *(secret for secret, form in written if form in content)]


def test_no_byte_the_public_can_fetch_holds_anything_private(cast):
    _large_ids(Complaint, Publication, PublishedResult, PublicationDecision)
    token = Tokens()
    kept, taken = (_walk(cast, token, which, phone) for which, phone in zip(("kept", "taken"), PHONES, strict=True))
    live, gone = (PublishedResult.objects.get(publication_number=row.number) for row in (kept, taken))
    for result, which in ((live, "kept"), (gone, "taken")):
        _echo(result, cast, lambda name, which=which: token(f"{which}.{name}"))
    transitions.take_down(taken.pk, by=cast.manager, reason=token("withdrawal"))
    secrets = {f"phone {number}": number for number in PHONES}
    for row in (kept, taken):
        _beside(row, cast)
        secrets[f"case number {row.number}"] = row.complaint.number.replace("-", "")
        secrets |= {f"id of {name}": str(pk) for name, pk in (("case", row.complaint_id), ("publication", row.pk))}
        secrets[f"file of {row.number}"] = f"{row.pk:064x}"
        originals = row.files.values_list("source__file", flat=True)
        secrets |= {f"original {number} of {row.number}": sha256 for number, sha256 in enumerate(originals)}
    secrets |= {"id of live": str(live.pk), "id of gone": str(gone.pk)}
    reached = _sweep(token)
    assert reached >= MUST_REACH
    secrets |= token.given

    seen, files_read, statuses, found = 0, 0, set(), {}
    for name, answer in _answers(_public_paths(live, gone), live, gone, kept):
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        head = [*(f"{key}: {value}" for key, value in answer.items()), str(answer.cookies)]
        is_file = answer.get("Content-Type", "").startswith(("image/", "application/pdf"))
        files_read += is_file and bool(content)
        text = "\n".join([*head, *(_in_file(content, secrets) if is_file else [content.decode()])])
        if leaked := leaks(text, secrets):
            found[name] = leaked
        seen += 1
        statuses.add(answer.status_code)
    assert found == {}
    assert {200, 400, 403, 404, 405, 410} <= statuses
    assert seen > 200
    assert files_read >= 3
    # A case number finds nothing, just as one that does not exist.
    number, other = kept.complaint.number, "HY-20261116-9999"
    with_it, without = (Client().get(f"/?q={query}").content.decode() for query in (number, other))
    assert with_it.replace(number, other) == without
    # The crawl really read the result that is up, with the masks that the policy allows.
    page = Client().get(f"/results/{live.public_id}/").content.decode()
    assert "139****4719" in page
    assert TEXTS["responsibility"] in page
    assert [words in page for words in ("公开的留言", "公开的监督", "公开的答复")] == [True] * 3
