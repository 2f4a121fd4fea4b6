"""What is measured: pages through Django's test client in this process, and the bare SQL each must fetch.

`sql_ms` is the time a page spends in the database, `list_ms` that of the statement which fetches the rows of
a list (or of the one result a public page shows), and `floor_ms` that of one hand-written statement which fetches
what the page shows. `rows_read` counts the rows the page's heaviest statement touches.
"""

from __future__ import annotations

import json
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from typing import Any

from django.core.cache import caches
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Department, User
from complaints import transitions
from complaints.models import Category, Complaint
from complaints.states import Channel
from publication.models import PublishedResult

OPEN = (
    "('registered','awaiting_information','accepted','assigned','in_progress','quality_check','legal_check','replied')"
)
# What a row of a list shows, of the cases that person {me} may see: the same columns and the same rule as the page.
ROW = """
SELECT c.id, c.number, c.subject, c.status, c.version, c.channel, c.risk_grade, c.is_repeat, c.next_due_at,
  c.is_paused, c.pause_reason, c.calendar_missing, c.received_at, c.lead_department_id, c.category_id,
  EXISTS (SELECT 1 FROM complaints_notification n
    WHERE n.complaint_id = c.id AND n.recipient_id = {me} AND n.read_at IS NULL),
  (SELECT h.display_name FROM accounts_user h WHERE h.id = coalesce(c.handler_id, c.coordinator_id)),
  (SELECT p.slots FROM complaints_servicepolicy p WHERE p.id = c.policy_id)
FROM complaints_complaint c"""
MAY_SEE = """
NOT EXISTS (SELECT 1 FROM complaints_complaint_accused_staff a WHERE a.complaint_id = c.id AND a.user_id = {me})
  AND c.complainant_id NOT IN (SELECT o.id FROM complaints_complainant o WHERE o.staff_user_id = {me})"""
BY_DUE = "ORDER BY c.next_due_at, c.id LIMIT 51"
NEWEST = "ORDER BY c.received_at DESC, c.id DESC LIMIT 51"
DEEP_PAGE = 100
LIST_MARK = "has_news"  # only the statement that fetches a staff list's rows holds it
RESULT_MARK = '"investigation"'  # only a statement that fetches whole results holds it
NEXT = re.compile(r'href="([^"]*[?&;]after=[^"]*)"')


class Recorder:
    """An execute wrapper that keeps each statement with its time."""

    def __init__(self) -> None:
        self.statements: list[tuple[float, str, Any]] = []

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.statements.append((time.perf_counter() - began, sql, params))


@dataclass
class Journey:
    """One thing a person does, and the least a database must do for it."""

    name: str
    act: Callable[[], Any]
    floor: str = ""
    before: Callable[[], None] = lambda: None
    mark: str = LIST_MARK

    def measure(self, runs: int) -> dict[str, Any]:
        for _warm in range(3):
            self.before()
            self.act()
        seconds, in_database, in_list, recorder = [], [], [], Recorder()
        for _run in range(runs):
            self.before()
            recorder = Recorder()
            began = time.perf_counter()
            with connection.execute_wrapper(recorder):
                self.act()
            seconds.append(time.perf_counter() - began)
            in_database.append(sum(took for took, _sql, _params in recorder.statements))
            in_list.append(sum(took for took, sql, _params in recorder.statements if self.mark in sql))
        floor = _floor(self.floor, runs) if self.floor else None
        queries = [entry for entry in recorder.statements if not entry[1].startswith(("SAVEPOINT", "RELEASE"))]
        list_ms = statistics.median(in_list) * 1000
        return {
            "journey": self.name,
            "median_ms": round(statistics.median(seconds) * 1000, 1),
            "p95_ms": round(statistics.quantiles(seconds, n=20)[-1] * 1000, 1),
            "queries": len(queries),
            "sql_ms": round(statistics.median(in_database) * 1000, 2),
            "list_ms": round(list_ms, 2) if list_ms else None,
            "floor_ms": round(floor, 2) if floor is not None else None,
            "list_to_floor": round(list_ms / floor, 1) if floor and list_ms else None,
            **_heaviest(queries),
        }


def stored_cases() -> int:
    return Complaint.objects.count()


def _floor(sql: str, runs: int) -> float:
    """Median milliseconds of a bare statement, rows fetched."""
    times = []
    connection.ensure_connection()
    with connection.connection.cursor() as cursor:
        for _run in range(runs + 3):
            began = time.perf_counter()
            cursor.execute(sql)
            cursor.fetchall()
            times.append(time.perf_counter() - began)
    return statistics.median(times[3:]) * 1000


def _heaviest(queries: list[tuple[float, str, Any]]) -> dict[str, Any]:
    """Rows and blocks the slowest SELECT reads, from its executed plan."""
    reads = [entry for entry in queries if entry[1].lstrip("( ").startswith("SELECT") and "FOR UPDATE" not in entry[1]]
    if not reads:
        return {"rows_read": 0, "blocks": 0, "heaviest": ""}
    took, sql, params = max(reads, key=lambda entry: entry[0])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
        found = cursor.fetchone()[0]
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    blocks = plan.get("Shared Hit Blocks", 0) + plan.get("Shared Read Blocks", 0)
    return {
        "rows_read": round(_rows(plan)),
        "blocks": blocks,
        "heaviest_ms": round(took * 1000, 2),
        "heaviest": sql[:2000],
        "plan": _outline(plan),
    }


def _rows(plan: dict[str, Any]) -> float:
    """Rows that scans delivered or threw away."""
    own = 0.0
    if "Scan" in plan["Node Type"] and plan["Node Type"] != "Bitmap Index Scan":
        removed = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        own = (plan["Actual Rows"] + removed) * plan["Actual Loops"]
    return own + sum(_rows(child) for child in plan.get("Plans", ()))


def _outline(plan: dict[str, Any], depth: int = 0) -> list[str]:
    name = plan.get("Index Name") or plan.get("Relation Name") or ""
    size = f"rows={plan['Actual Rows']}×{plan['Actual Loops']}"
    line = f"{'  ' * depth}{plan['Node Type']} {name} {size} {plan['Actual Total Time']:.2f} ms"
    return [line, *(inner for child in plan.get("Plans", ()) for inner in _outline(child, depth + 1))]


# --- The journeys ---------------------------------------------------------------------------------


def all_journeys() -> list[Journey]:
    """The journeys of the staff desk and of intake, on the data that is there."""
    desk, handler = _signed_in("coordinator"), _signed_in("case_handler-water")
    queue = reverse("complaints:queue")
    me, clerk = _key("coordinator-1"), _key("case_handler-water-1")
    water = Department.objects.get(code="water").pk
    heating = Category.objects.get(dimension="category", code="heating").pk
    closed, held = _newest("closed"), _newest("in_progress")
    deep = _walk(desk, f"{queue}?view=all", DEEP_PAGE)
    theirs = f"c.id IN (SELECT complaint_id FROM complaints_assignment WHERE is_current AND department_id = {water})"
    joint = "SELECT complaint_id FROM complaints_assignment WHERE is_current AND role = 'supporting'"
    overdue = f"c.status IN {OPEN} AND c.next_due_at <= now() AND NOT c.is_paused"
    return [
        Journey("queue: overdue by due time", _get(desk, f"{queue}?view=overdue"), _rows_of(me, overdue)),
        Journey("queue: my work", _get(desk, queue), _my_work(me)),
        Journey(
            "queue: a department's work",
            _get(handler, f"{queue}?view=overdue"),
            _rows_of(clerk, f"{overdue} AND {theirs}"),
        ),
        Journey(
            "queue: nothing cached",
            _get(desk, f"{queue}?view=overdue"),
            _rows_of(me, overdue),
            before=caches["local"].clear,
        ),
        Journey(
            "queue: two filters, by due time",
            _get(desk, f"{queue}?view=overdue&category=heating&sort=due"),  # more than a page at every size
            _rows_of(me, f"{overdue} AND c.category_id = {heating}"),
        ),
        Journey(
            "queue: several departments",
            _get(desk, f"{queue}?view=joint"),
            _rows_of(me, f"c.status IN {OPEN} AND c.id IN ({joint})"),
        ),
        Journey("all cases: first page", _get(desk, f"{queue}?view=all"), _rows_of(me, order=NEWEST)),
        Journey(f"all cases: page {DEEP_PAGE}", _get(desk, deep), _after(me, deep)),
        Journey("search: frequent word", _get(desk, f"{queue}?view=all&q=暖气"), _found(me, "'暖气'")),
        Journey(
            "search: a place",
            _get(desk, f"{queue}?view=all&q=工业三路7号"),
            _found(me, "'工业' & '业三' & '三路' & '7':* & '号':*"),
        ),
        Journey("search: nothing found", _get(desk, f"{queue}?view=all&q=鎏金"), _found(me, "'鎏金'")),
        Journey("case page: closed", _get(desk, _page(closed))),
        Journey("case page: in progress", _get(desk, _page(held))),
        Journey("filing", _file),
        *_public_journeys(),
    ]


def _public_journeys() -> list[Journey]:
    """The pages everybody reads: with nothing kept by server or reader, and with a page the reader has already.

    A reader who has the page gets 304; the least the server must do for it is to ask what changed last.
    """
    reader = Client(headers={"accept-language": "zh-hans"})
    home = reverse("public:home")
    newest = PublishedResult.objects.served(at=timezone.now()).first()
    if newest is None:
        return []
    page = reverse("public:result", args=[newest.public_id])
    cold, filtered = caches["local"].clear, f"{home}?q=暖气&category=heating"
    return [
        Journey("public list: cold", _get(reader, home), _results(), before=cold, mark=RESULT_MARK),
        Journey("public list: warm", _get(reader, home), _results(), mark=RESULT_MARK),
        Journey("public list: 304", _again(reader, home), "SELECT max(updated_at) FROM publication_publishedresult"),
        Journey(
            "public list: word and category",
            _get(reader, filtered),
            _results(f"category_code = 'heating' AND {_RESULT_FOUND}"),
            mark=RESULT_MARK,
        ),
        Journey("public result: cold", _get(reader, page), _one_result(newest), before=cold, mark=RESULT_MARK),
        Journey("public result: 304", _again(reader, page), _one_result(newest), mark=RESULT_MARK),
    ]


_RESULT_FOUND = "id IN (SELECT result_id FROM publication_publishedsearch WHERE vector @@ $q$'暖气'$q$::tsquery)"


def _results(where: str = "TRUE") -> str:
    """The bare statement for the newest results that may be read."""
    return (
        "SELECT * FROM publication_publishedresult WHERE withdrawn_at IS NULL AND published_at <= now()"
        f" AND (published_until IS NULL OR published_until > now()) AND {where}"
        " ORDER BY published_at DESC, id DESC LIMIT 21"
    )


def _one_result(found: PublishedResult) -> str:
    return f"SELECT * FROM publication_publishedresult WHERE public_id = '{found.public_id}'"


def _key(staff_number: str) -> int:
    return User.objects.get(staff_number=staff_number).pk


def _rows_of(me: int, where: str = "TRUE", order: str = BY_DUE) -> str:
    """The bare statement for the cases that meet a condition and that this person may see."""
    return f"{ROW} WHERE {where} AND {MAY_SEE} {order}".replace("{me}", str(me))


def _my_work(me: int) -> str:
    """The first cases of each part of a coordinator's work, each by its index, and the first of those."""
    parts = (
        f"c.handler_id = {me} AND c.status IN {OPEN}",
        f"c.coordinator_id = {me} AND c.status IN {OPEN}",
        "c.status = 'registered'",
    )
    arms = (f"(SELECT c.id FROM complaints_complaint c WHERE {part} AND {MAY_SEE} {BY_DUE})" for part in parts)
    return f"{ROW} WHERE c.id IN ({' UNION ALL '.join(arms)}) {BY_DUE}".replace("{me}", str(me))


def _newest(status: str) -> str:
    return Complaint.objects.filter(status=status).order_by("-received_at").values_list("number", flat=True)[0]


def _page(number: str) -> str:
    return reverse("complaints:detail", args=[number])


def _found(me: int, query: str) -> str:
    """The bare statement for a search."""
    hits = f"SELECT complaint_id FROM complaints_complaintsearch WHERE vector @@ $q${query}$q$::tsquery"
    return _rows_of(me, f"c.id IN ({hits})", NEWEST)


def _signed_in(role: str) -> Client:
    client = Client(headers={"accept-language": "zh-hans"})
    client.force_login(User.objects.get(staff_number=f"{role}-1"))
    return client


def _get(client: Client, url: str, *, headers: dict[str, str] | None = None, status: int = 200) -> Callable[[], bytes]:
    def act() -> bytes:
        response = client.get(url, headers=headers)
        if response.status_code != status:
            raise RuntimeError(f"{url} answered {response.status_code}")
        return b"".join(response) if response.streaming else response.content

    return act


def _again(client: Client, url: str) -> Callable[[], bytes]:
    """The page for somebody who has it already: 304."""
    return _get(client, url, headers={"if-none-match": client.get(url)["ETag"]}, status=304)


def _walk(client: Client, url: str, pages: int) -> str:
    """The address of the n-th page, reached the way a person reaches it; the last one if there are fewer."""
    for _page in range(pages - 1):
        links = NEXT.findall(_get(client, url)().decode())
        if not links:
            return url
        following = unescape(links[-1])
        url = following if following.startswith("/") else f"{reverse('complaints:queue')}{following}"
    return url


def _after(me: int, url: str) -> str:
    """The bare statement for a page that begins after a row."""
    match = re.search(r"after=\d-(\d+)-(\d+)", url)
    if not match:
        return _rows_of(me, order=NEWEST)
    at, pk = int(match[1]), match[2]
    return _rows_of(me, f"(c.received_at, c.id) < (to_timestamp({at} / 1000000.0), {pk})", NEWEST)


def _file() -> None:
    """One complaint through the transition, rolled back so that every run meets the same data."""
    now = timezone.now()
    filing = transitions.Filing(
        subject="槐荫里小区停水超过一天",
        narrative="早上七点左右开始停水，到晚上还没有恢复。" * 5,
        channel=Channel.WEB,
        received_at=now,
        name="张桂芳",
        phone="13800002417",
    )
    with transaction.atomic():
        transitions.register(filing, by=None, at=now)
        transaction.set_rollback(True)


def show(figures: list[dict[str, Any]]) -> None:
    """The figures as a table."""
    heads = (
        "journey",
        "median_ms",
        "p95_ms",
        "queries",
        "rows_read",
        "sql_ms",
        "list_ms",
        "floor_ms",
        "list_to_floor",
    )
    print(f"{heads[0]:<32}" + "".join(f"{head:>15}" for head in heads[1:]))
    for row in figures:
        print(
            f"{row['journey']:<32}"
            + "".join(f"{row[head] if row[head] is not None else '–':>15}" for head in heads[1:])
        )
