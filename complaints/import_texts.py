"""What the texts of imported cases become: search words, prints and encrypted contact data (IN-13).

They take a third of the time an import needs and depend on nothing but the texts, so a second process makes
those of the next thousand rows while the cases before are composed. It ends with the one that started it,
whatever happens to that, and without it the same is done here.
"""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import NamedTuple, Self, TypeVar

from django.conf import settings

from accounts.crypto import encrypt
from complaints import prints, search

logger = logging.getLogger(__name__)
# Fewer rows are done before the second process has started.
WORTH_A_PROCESS = 1000
Row = TypeVar("Row")


class Texts(NamedTuple):
    """What is read of a row."""

    subject: str
    narrative: str
    place: str
    name: str
    phone: str
    email: str


class Derived(NamedTuple):
    """What the register keeps beside the texts, or instead of them."""

    tokens: str
    print: str
    name: str
    phone: str
    email: str


def derive(rows: Sequence[Texts]) -> list[Derived]:
    """What each row's texts become."""
    made = prints.all_tokens([row.narrative for row in rows])
    return [
        Derived(
            search.tokens(row.subject, row.narrative, row.place),
            tokens,
            encrypt(row.name),
            encrypt(row.phone),
            encrypt(row.email),
        )
        for row, tokens in zip(rows, made, strict=True)
    ]


class Deriver:
    """Derives one part after the other, each while the caller works on the part before."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._link: Connection | None = None
        self._is_alone = False
        self._thread = ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.shutdown()
        if self._link is not None:
            self._link.close()
        if self._process is not None:
            self._process.wait()

    def ahead(self, parts: Iterable[tuple[list[Row], list[Texts]]]) -> Iterator[tuple[list[Row], list[Derived]]]:
        """Each part's rows with what their texts became."""
        earlier: tuple[list[Row], Future[list[Derived]]] | None = None
        for rows, texts in parts:
            coming = rows, self._thread.submit(self._derive, texts)
            if earlier is not None:
                yield earlier[0], earlier[1].result()
            earlier = coming
        if earlier is not None:
            yield earlier[0], earlier[1].result()

    def _derive(self, texts: list[Texts]) -> list[Derived]:
        if self._is_alone or (self._link is None and len(texts) < WORTH_A_PROCESS):
            return derive(texts)
        try:
            link = self._link or self._start()
            link.send(texts)
            return link.recv()
        except (EOFError, OSError):
            logger.warning("An import goes on without its second process, more slowly.")
            self._is_alone = True
            return derive(texts)

    def _start(self) -> Connection:
        self._link, theirs = Pipe()
        with theirs:
            number = theirs.fileno()
            self._process = subprocess.Popen(  # noqa: S603 - this program itself
                [sys.executable, "-c", f"from {__name__} import main; main({number})"],
                cwd=settings.BASE_DIR,
                pass_fds=[number],
                stdin=subprocess.DEVNULL,
            )
        self._link.send(settings.FIELD_KEYS)
        return self._link


def main(number: int) -> None:
    """The second process: it is given the keys, has no database, and ends when nobody is at the other end."""
    link = Connection(number)
    with suppress(EOFError, KeyboardInterrupt, OSError):
        settings.configure(FIELD_KEYS=link.recv())
        while True:
            link.send(derive(link.recv()))
