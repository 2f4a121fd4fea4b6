"""PostgreSQL broken off, its connections ended or used up: both ends agree on what happened, nobody restarts anything.

FI-E (DL-02, CC-10, I1, I4, I16) on a PostgreSQL of its own, with a real web process and a real worker.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.services import (
    ROOT,
    PostgresServer,
    celery_worker,
    django_environment,
    find_postgres,
    postgres_server,
    wait_for,
    web,
)

pytestmark = pytest.mark.slow

CASES = 40
CONNECTIONS = 30
# A handler with a token, and cases that wait to be begun.
PREPARE = f"""
import json
from types import SimpleNamespace
import django
django.setup()
from django.contrib.auth.models import Group
from accounts import tokens
from accounts.models import Department, Membership, User
from complaints.tests.factories import Story, at
water = Department.objects.create(code="water", name="供水集团", kind="handling")
def person(number, role):
    user = User.objects.create_user(number, display_name=number)
    user.groups.set(Group.objects.filter(name=role))
    Membership.objects.create(user=user, department=water, since=at("2020-01-06 09:00"))
    return user
cast = SimpleNamespace(
    water=water, intake=person("A001", "intake_officer"), coordinator=person("A003", "coordinator"),
)
handler = person("W001", "case_handler")
numbers = [Story(cast, phone=f"1390000{{n:04d}}").accept().assign().case.number for n in range({CASES})]
print(json.dumps([tokens.issue(handler, days=30), numbers]))
"""
# What must hold of every case and of the log (I4, I5).
LOOK = """
import json
import django
django.setup()
from complaints import events
from complaints.models import CaseEvent, Complaint
rows = Complaint.objects.values_list("number", "status", "version")
moves = {number: CaseEvent.objects.filter(complaint__number=number, kind="start").count() for number, _s, _v in rows}
print(json.dumps([{number: [status, version, moves[number]] for number, status, version in rows}, events.verify()[1]]))
"""
# One more complaint, whose receipt is to be mailed.
FILE = "import django; django.setup(); from complaints.tests.factories import registered; registered()"


@dataclass
class Running:
    """A site with its database."""

    server: PostgresServer
    environment: dict[str, str]
    url: str
    authorization: str
    numbers: list[str]
    versions: dict[str, int]

    def start(self, number: str) -> int:
        """Status of the answer; 0 when the connection broke and nobody knows."""
        body = {"version": self.versions[number]}
        request = urllib.request.Request(
            f"{self.url}/api/v1/complaints/{number}/actions/start/",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": self.authorization},
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            error.read()
            return error.code
        except OSError:
            return 0

    def look(self) -> tuple[dict[str, list[Any]], Any]:
        return tuple(python(self.environment, LOOK))


def python(environment: dict[str, str], code: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout else None


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[Running]:
    """Once for the file: migrating takes longest."""
    if find_postgres() is None:
        pytest.skip("there are no PostgreSQL programs")
    data = tmp_path_factory.mktemp("database-faults")
    with postgres_server(max_connections=str(CONNECTIONS), superuser_reserved_connections="1") as server:
        environment = django_environment(data, DATABASE_URL=server.url, EMAIL_URL=f"filemail://{data / 'mail'}")
        migrate = [sys.executable, "manage.py", "migrate", "-v0"]
        subprocess.run(migrate, cwd=ROOT, env=environment, check=True, timeout=600)
        secret, numbers = python(environment, PREPARE)
        rows, _problem = python(environment, LOOK)
        with web(environment) as url:
            versions = {number: version for number, (_status, version, _moves) in rows.items()}
            yield Running(server, environment, url, f"Token {secret}", numbers, versions)


def in_one_of_two_states(site: Running, answers: dict[str, int]) -> None:
    """What was answered is stored, what was refused is not; what nobody knows is one of the two, whole."""
    rows, problem = site.look()
    assert problem is None
    for number, answer in answers.items():
        status, version, moves = rows[number]
        before = ("assigned", site.versions[number], 0)
        after = ("in_progress", site.versions[number] + 1, 1)
        allowed = {200: {after}, 0: {before, after}}.get(answer, {before, after} if answer == 503 else {before})
        assert (status, version, moves) in allowed, (number, answer)
    assert set(answers.values()) <= {200, 503, 0}


def while_starting(site: Running, numbers: list[str], fault) -> dict[str, int]:
    """Four windows begin one case after the other; `fault` happens when the first few are done."""
    answers: dict[str, int] = {}

    def work(mine: list[str]) -> None:
        for number in mine:
            answers[number] = site.start(number)

    people = [threading.Thread(target=work, args=(numbers[n::4],)) for n in range(4)]
    for person in people:
        person.start()
    wait_for(lambda: len(answers) >= 3, "the first answers", seconds=60)
    fault()
    for person in people:
        person.join()
    return answers


def goes_on_by_itself(site: Running, number: str) -> None:
    wait_for(lambda: site.start(number) in (200, 409), "an answer after the fault", seconds=60)


def test_fi_e_dl_02_a_database_broken_off_during_transitions_leaves_each_before_or_after(site):
    """The web process and the worker go on without being started anew."""
    folder = site.environment["EMAIL_URL"].removeprefix("filemail://")

    def mails() -> int:
        return len(list(Path(folder).glob("*.log"))) if Path(folder).exists() else 0

    def break_and_start() -> None:
        site.server.break_off()
        time.sleep(1)
        site.server.start()

    with celery_worker(site.environment):
        answers = while_starting(site, site.numbers[:16], break_and_start)
        in_one_of_two_states(site, answers)
        goes_on_by_itself(site, site.numbers[16])
        before = mails()
        python(site.environment, FILE)
        wait_for(lambda: mails() > before, "mail by the worker that saw its database go", seconds=60)


def test_fi_e_ended_connections_cost_an_answer_and_no_more(site):
    """As an administrator, or a proxy between, who ends every connection."""

    def end_all() -> None:
        with contextlib.closing(psycopg2.connect(site.server.url)) as own, own.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")

    answers = while_starting(site, site.numbers[17:29], end_all)
    in_one_of_two_states(site, answers)
    goes_on_by_itself(site, site.numbers[29])


def test_fi_e_where_every_connection_is_taken_people_are_asked_to_come_back(site):
    """503 with a time, never a 500; as soon as one is free it goes on."""
    number = site.numbers[30]
    taken = []
    try:
        with contextlib.closing(psycopg2.connect(site.server.url)) as own, own.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        with contextlib.suppress(psycopg2.OperationalError):
            while True:
                taken.append(psycopg2.connect(site.server.url))
        answers = [site.start(number) for _try in range(3)]
    finally:
        for connection in taken:
            connection.close()
    assert answers == [503, 503, 503]
    in_one_of_two_states(site, {number: 503})
    goes_on_by_itself(site, number)


def test_fi_e_cc_10_a_row_held_for_long_is_answered_with_503_and_the_rest_works(site):
    held, free = site.numbers[31:33]
    with contextlib.closing(psycopg2.connect(site.server.url)) as own, own.cursor() as cursor:
        cursor.execute("SELECT id FROM complaints_complaint WHERE number = %s FOR UPDATE", [held])
        began = time.monotonic()
        assert site.start(held) == 503
        assert time.monotonic() - began < 10  # not the minute that the row is held
        assert site.start(free) == 200
        own.rollback()
    in_one_of_two_states(site, {held: 503, free: 200})
    goes_on_by_itself(site, held)
