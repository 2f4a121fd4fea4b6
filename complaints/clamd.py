"""The one command of the ClamAV daemon that is needed: look through a stream.

Written here because the well-kept client is GPL-2.0, which an Apache-2.0 project cannot build on.
"""

from __future__ import annotations

import socket
import struct
from contextlib import closing
from typing import BinaryIO

_CHUNK = 64 * 1024
_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 120
_LONGEST_ANSWER = 4096


class Unreachable(Exception):
    """No scanner answers, or it answers something else."""


class TooLarge(Exception):
    """The scanner takes no stream of this size (StreamMaxLength of its configuration)."""


def scan(address: str | tuple[str, int], content: BinaryIO) -> str:
    """The name of what was found; '' for a clean stream.

    `address` is the path of a Unix socket, or host and port. Raises Unreachable and TooLarge.
    """
    try:
        with closing(_connect(address)) as connection:
            answer = _ask(connection, content)
    except OSError as error:
        raise Unreachable(type(error).__name__) from error
    if answer == "stream: OK":
        return ""
    if answer.startswith("stream: ") and answer.endswith(" FOUND"):
        return answer.removeprefix("stream: ").removesuffix(" FOUND")
    if "size limit exceeded" in answer:
        raise TooLarge
    raise Unreachable(answer or "no answer")


def _connect(address: str | tuple[str, int]) -> socket.socket:
    if isinstance(address, tuple):
        connection = socket.create_connection(address, timeout=_CONNECT_SECONDS)
    else:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(_CONNECT_SECONDS)
        connection.connect(address)
    connection.settimeout(_ANSWER_SECONDS)
    return connection


def _ask(connection: socket.socket, content: BinaryIO) -> str:
    connection.sendall(b"zINSTREAM\0")
    try:
        while chunk := content.read(_CHUNK):
            connection.sendall(struct.pack("!L", len(chunk)) + chunk)
        connection.sendall(struct.pack("!L", 0))
    except (BrokenPipeError, ConnectionResetError):
        pass  # it hangs up on what is too large, after having said so
    answer = b""
    while len(answer) < _LONGEST_ANSWER and not answer.endswith(b"\0") and (part := connection.recv(1024)):
        answer += part
    return answer.rstrip(b"\0\n").decode("utf-8", "replace")
