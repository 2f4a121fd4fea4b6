"""The virus check: quarantine, what the scanner found, a scanner that is down or hangs (FL-09)."""

from __future__ import annotations

import socket
from datetime import timedelta
from io import BytesIO
from threading import Thread

import pytest
from django.test import Client

from complaints import clamd as scanner
from complaints import files, scanning
from complaints.models import Notification, ScanState, StoredFile
from complaints.tests.factories import Story
from complaints.tests.public_flow import open_case
from complaints.tests.test_previews import NOW, attach, body, picture, store
from complaints.transitions.scan import keep_verdict
from tests import services

INFECTED = picture("PNG", (61, 41))
HARMLESS = picture("PNG", (62, 42))


@pytest.fixture(scope="module")
def clamd():
    """A real ClamAV daemon that knows one bad picture."""
    with services.clamd(known=[INFECTED]) as address:
        yield address


@pytest.fixture
def nobody_answers(settings):
    """A scanner is configured, and nothing listens there."""
    settings.SCANNER = ("127.0.0.1", services.free_port())
    return settings


def state_of(row) -> str:
    return StoredFile.objects.get(pk=row.file_id).scan_state


@pytest.mark.django_db(transaction=True)
def test_fl_09_while_the_scanner_is_down_files_wait_and_the_rest_works(client, cast, nobody_answers, clamd):
    """Nobody opens the file, neither page fails, the office hears once a day; then the scanner is back."""
    story = Story(cast).accept().assign()
    row = attach(story, HARMLESS, "照片.png")
    visitor = Client()
    open_case(visitor, story.case, story.receipt.access_code)
    url = f"/desk/cases/{story.case.number}/files/{row.pk}/"
    client.force_login(cast.water_handler)
    case_page = f"/desk/cases/{story.case.number}/"
    for address in (url, f"{url}preview/"):
        response = client.get(address, headers={"referer": f"http://testserver{case_page}"}, follow=True)
        assert response.redirect_chain == [(case_page, 302)]
        assert "仍在等待病毒检查" in response.content.decode()
    response = visitor.get(f"/track/case/files/{row.pk}/", follow=True)
    assert response.redirect_chain == [("/track/case/", 302)]
    assert "仍在等待病毒检查" in response.content.decode()
    page = client.get(case_page).content.decode()
    assert "等待病毒检查" in page
    assert f'href="{url}"' not in page

    assert scanning.scan_waiting(now=NOW) == {"clean": 0, "infected": 0, "reachable": False}
    assert not Notification.objects.filter(kind="scanner_silent").exists()
    for minutes in (11, 12, 30):
        scanning.scan_waiting(now=NOW + timedelta(minutes=minutes))
    told = Notification.objects.filter(kind="scanner_silent").values_list("recipient__staff_number", flat=True)
    assert sorted(told) == ["A001", "A002", "A003", "A004", "S001"]
    client.force_login(cast.intake)
    assert "1 个文件在等待病毒检查" in client.get("/desk/notifications/").content.decode()

    nobody_answers.SCANNER = clamd
    assert scanning.scan_waiting(now=NOW + timedelta(hours=1)) == {"clean": 1, "infected": 0, "reachable": True}
    assert scanning.scan_waiting(now=NOW + timedelta(hours=1)) == {"clean": 0, "infected": 0, "reachable": True}
    client.force_login(cast.water_handler)
    assert body(client.get(url)) == HARMLESS


@pytest.mark.django_db(transaction=True)
def test_fl_09_a_file_with_a_virus_is_opened_by_nobody(client, cast, settings, clamd):
    """The case says so, whoever has it is told, the complainant reads nothing of it."""
    settings.SCANNER = clamd
    story = Story(cast).accept().assign().start()
    row = attach(story, INFECTED, "照片.png")
    scanning.scan_waiting(now=NOW)
    scanning.scan_waiting(now=NOW)
    stored = StoredFile.objects.get(pk=row.file_id)
    assert (stored.scan_state, stored.scan_found) == (ScanState.INFECTED, "Huiyin.Test-1.UNOFFICIAL")
    assert story.case.events.filter(kind="file_infected").count() == 1
    told = Notification.objects.filter(kind="file_infected").values_list("recipient__staff_number", flat=True)
    assert sorted(told) == ["A001", "W001"]
    client.force_login(cast.intake)
    case_page = f"/desk/cases/{story.case.number}/"
    response = client.get(f"{case_page}files/{row.pk}/", headers={"referer": f"http://testserver{case_page}"})
    assert response.status_code == 302
    page = client.get(case_page).content.decode()
    assert "这个文件发现病毒，任何人都不能打开。" in page
    assert page.count("发现病毒") >= 3  # the message, the file, the record
    assert files.path_of(stored.sha256).read_bytes() == INFECTED


@pytest.mark.django_db
def test_fl_09_a_file_stored_before_there_was_a_scanner_is_looked_through_later(settings, clamd):
    stored = store(HARMLESS)
    assert stored.scan_state == ScanState.UNCHECKED
    files.require_released(stored)
    settings.SCANNER = clamd
    assert scanning.scan_waiting(now=NOW)["clean"] == 1


@pytest.mark.django_db
def test_fl_09_what_the_scanner_does_not_take_stays_in_quarantine_and_holds_up_nothing(settings, clamd):
    """The test scanner takes 1 MB at most."""
    settings.SCANNER = clamd
    large = store(picture("PNG") + b"\0" * 1_500_000)
    small = store(HARMLESS)
    assert scanning.scan_waiting(now=NOW) == {"clean": 1, "infected": 0, "reachable": True}
    large.refresh_from_db()
    small.refresh_from_db()
    assert (large.scan_state, small.scan_state) == (ScanState.TOO_LARGE, ScanState.CLEAN)
    with pytest.raises(files.Quarantined):
        files.require_released(large)


@pytest.mark.django_db
def test_fl_09_a_file_that_is_too_large_is_said_once_and_tried_again_each_day(cast, settings, clamd):
    """After the limit of the scanner was raised it opens by itself."""
    settings.SCANNER = clamd
    story = Story(cast)
    row = attach(story, picture("PNG", (63, 43)) + b"\0" * 1_500_000)
    for day in range(3):
        scanning.scan_waiting(now=NOW + timedelta(days=day, hours=day))
    assert story.case.events.filter(kind="file_too_large").count() == 1
    assert Notification.objects.filter(kind="file_too_large", complaint=story.pk).exists()
    row.file.refresh_from_db()
    assert keep_verdict(row.file, found="", at=NOW)
    row.file.refresh_from_db()
    files.require_released(row.file)


@pytest.mark.django_db
def test_fl_09_two_workers_keep_one_verdict(settings, clamd):
    settings.SCANNER = clamd
    stored = store(HARMLESS)
    assert keep_verdict(stored, found="", at=NOW)
    assert not keep_verdict(stored, found="Something", at=NOW)
    stored.refresh_from_db()
    assert stored.scan_state == ScanState.CLEAN


def test_fl_09_without_a_scanner_there_is_nothing_to_do(settings):
    settings.SCANNER = None
    assert scanning.scan_waiting() == {"configured": False}


def test_fl_09_something_else_behind_the_address_is_no_scanner():
    """Another program on that port answers in its own way; its words are no verdict."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"220 mail.example.cn ESMTP\r\n\0")

        Thread(target=answer, daemon=True).start()
        with pytest.raises(scanner.Unreachable, match="220 mail"):
            scanner.scan(server.getsockname(), BytesIO(b"x"))


def test_fl_09_a_scanner_that_hangs_is_given_up(monkeypatch):
    """It takes the connection and never answers, like a stopped process."""
    monkeypatch.setattr(scanner, "_ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(scanner.Unreachable, match="Timeout"):
        scanner.scan(server.getsockname(), BytesIO(b"x"))
