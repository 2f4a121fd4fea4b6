"""PI-03: the access code stands in the body of a request and in the receipt, and nowhere else.

A real web process that writes an access log, a real browser, and another site beside it that is walked to.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from complaints import jobs
from complaints.models import Complaint
from complaints.tests.test_public_browser import walk
from tests.services import web

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@contextmanager
def another_site() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A site of somebody else on this machine, and the headers of whoever came there."""
    came: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            came.append({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>elsewhere</title>")

        def log_message(self, *_arguments: object) -> None:
            """Nothing on the screen."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", came
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def everything_stored() -> Iterator[tuple[str, str]]:
    """Every row of every table, as text."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # names of our own tables
            for row in cursor.fetchall():
                yield (
                    table,
                    " ".join(
                        bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)
                        for value in row
                    ),
                )


def test_pi_03_the_code_is_in_no_address_referer_log_table_or_queue(process_environment, page, tmp_path):
    """PI-03."""
    call_command("createcachetable", "huiyin_cache", verbosity=0)
    access, said = tmp_path / "access.log", tmp_path / "error.log"
    log = f"--access-logfile {access} --error-logfile {said} --capture-output --log-level debug"
    requests: list[tuple[str, str, dict[str, str], str]] = []
    page.set_default_timeout(30_000)
    page.on(
        "request",
        lambda row: requests.append((row.method, row.url, row.all_headers(), row.post_data or "")),
    )
    with web(process_environment | {"GUNICORN_CMD_ARGS": log}) as url, another_site() as (elsewhere, came):
        number, grouped = walk(page, url)
        page.goto(f"{url}/track/case/")
        page.get_by_role("link", name="换查询码").click()
        # A link out of the case, as a text with an address would be one.
        page.goto(f"{url}/track/case/")
        page.evaluate(
            "to => { const a = document.createElement('a'); a.href = to; a.textContent = 'out';"
            " document.querySelector('main').prepend(a); }",
            f"{elsewhere}/landing",
        )
        page.get_by_role("link", name="out").click()
        page.wait_for_url(f"{elsewhere}/landing")
    jobs.deliver_notifications()
    canaries = {grouped.lower(), grouped.replace("-", "").lower()}

    def holds(text: str) -> bool:
        return any(canary in text.lower() for canary in canaries)

    # It was really sent, once, in the body of the page that asks for it.
    bodies = [(method, re.sub(r"^https?://[^/]+", "", where)) for method, where, _, body in requests if holds(body)]
    assert set(bodies) == {("POST", "/track/")}
    assert not [where for _, where, _, _ in requests if holds(where)]
    assert not [headers for _, _, headers, _ in requests if holds(repr(headers))]
    # A page of the own site may be named to the own site; nobody else learns that there is a case.
    assert [row["path"] for row in came if row["path"] == "/landing"] == ["/landing"]
    assert not [row for row in came if row.get("referer", "").startswith(url)]
    lines = access.read_text(encoding="utf-8")
    assert '"POST /track/ HTTP/1.1" 302' in lines
    assert not holds(lines)
    assert not holds(said.read_text(encoding="utf-8"))
    assert Complaint.objects.get().number == number
    assert not [table for table, row in everything_stored() if holds(row)]
    files = [path for path in Path(settings.DATA_DIR).rglob("*") if path.is_file()]
    assert [path for path in files if "queue" in path.parts], "nothing was queued: the queue was not searched"
    assert not [path.name for path in files if holds(path.read_bytes().decode("latin-1"))]
