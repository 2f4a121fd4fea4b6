"""A real IMAP server and a real SMTP server on this machine, and messages to put into them.

- `with imap_server() as server`: pymap with one account; each test uses a folder of its own
- `with smtp_server() as server`: aiosmtpd; what arrived stands in `server.messages`
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace

from aiosmtpd.controller import Controller
from imapclient import IMAPClient

from tests import services

USER, PASSWORD = "tousu", "p@ss/word"


@dataclass
class ImapServer:
    """A running server; `folder` is the one the current test reads."""

    port: int
    folder: str = "INBOX"

    def account(self, *, password: str = PASSWORD) -> SimpleNamespace:
        """The account as the settings hold it."""
        return SimpleNamespace(
            scheme="imap", host="127.0.0.1", port=self.port, user=USER, password=password, folder=self.folder,
            name=f"{USER}@127.0.0.1/{self.folder}",
        )  # fmt: skip

    @contextlib.contextmanager
    def client(self) -> Iterator[IMAPClient]:
        with IMAPClient("127.0.0.1", self.port, ssl=False, timeout=20) as client:
            client.login(USER, PASSWORD)
            yield client

    def fresh(self, folder: str) -> None:
        """Begin with an empty folder; the same name again gets another UIDVALIDITY."""
        with self.client() as client:
            if client.folder_exists(folder):
                client.delete_folder(folder)
            client.create_folder(folder)
        self.folder = folder

    def put(self, raw: bytes, *, at: datetime) -> None:
        """Deliver a message at a moment."""
        with self.client() as client:
            client.append(self.folder, raw, msg_time=at)

    def flags(self) -> dict[int, tuple[bytes, ...]]:
        with self.client() as client:
            client.select_folder(self.folder, readonly=True)
            return client.get_flags(client.search()) if client.search() else {}


@contextlib.contextmanager
def imap_server() -> Iterator[ImapServer]:
    port = services.free_port()
    process = subprocess.Popen(
        [*services.tied_to_us("TERM"), Path(sys.executable).with_name("pymap"), "--no-tls", "--host", "127.0.0.1",
         "--port", str(port), "dict", "--demo-data", "--demo-user", USER, "--demo-password", PASSWORD],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        services.wait_for(lambda: _accepts(port) or process.poll() is not None, "the IMAP server answering")
        if process.poll() is not None:
            raise RuntimeError(f"pymap ended with {process.returncode}")
        yield ImapServer(port)
    finally:
        process.terminate()
        process.wait(10)


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class Received:
    """What an SMTP server took: envelope and bytes. It refuses recipients named in `refuse`."""

    messages: list[tuple[list[str], bytes]] = field(default_factory=list)
    refuse: set[str] = field(default_factory=set)
    port: int = 0

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        if address in self.refuse:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:
        self.messages.append((envelope.rcpt_tos, envelope.original_content))
        return "250 taken"


@contextlib.contextmanager
def smtp_server() -> Iterator[Received]:
    received = Received(port=services.free_port())
    controller = Controller(received, hostname="127.0.0.1", port=received.port)
    controller.start()
    try:
        yield received
    finally:
        controller.stop()


def message(
    text: str = "11 月 15 日早上 7 点停水，到现在还没来水，请查明原因。",
    *,
    sender: str = "张桂芳 <zhang@example.cn>",
    subject: str = "槐荫里小区停水超过 24 小时",
    to: str = "tousu@example.cn",
    message_id: str = "<1@mail.example.cn>",
    date: str = "Mon, 16 Nov 2026 09:00:00 +0800",
    **headers: str,
) -> EmailMessage:
    """An ordinary message; further headers by name, with _ for -."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"], mail["Date"] = sender, to, subject, message_id, date
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail
