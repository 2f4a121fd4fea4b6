"""The promises the root conftest makes to every other test."""

import socket

import pytest
from django.core.cache import caches
from django.db import IntegrityError, connection

from complaints.models import Category


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80)])
def test_sc09_no_test_can_connect_to_another_machine(address):
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as outgoing, pytest.raises(RuntimeError, match="tests may not reach"):
        outgoing.connect(address)


def test_sc09_no_test_can_ask_for_a_name():
    with pytest.raises(RuntimeError, match=r"tests may not reach 'pypi\.example'"):
        socket.getaddrinfo("pypi.example", 443)


def test_sc09_this_machine_can_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


@pytest.mark.parametrize("name", ["default", "local"])
@pytest.mark.parametrize("_round", [1, 2])
def test_caches_start_empty(name, _round):
    assert caches[name].get("left-over") is None
    caches[name].set("left-over", 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", [1, 2])
def test_append_only_tables_are_emptied_between_tests_and_stay_guarded(_round):
    """The flush of a transactional test goes past the triggers, and puts them back."""
    from complaints.tests.factories import registered

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM complaints_caseevent")
        assert cursor.fetchone() == (0,)
        registered()
        with pytest.raises(IntegrityError):
            cursor.execute("DELETE FROM complaints_caseevent")
        cursor.execute("SELECT count(*) > 0 FROM complaints_caseevent")
        assert cursor.fetchone() == (True,)


@pytest.mark.django_db(transaction=True)
def test_reference_data_is_there_after_a_flush():
    assert Category.objects.filter(code="water-outage").count() == 1


def test_the_browser_opens_a_page_of_the_live_server(live_server, page):
    answer = page.goto(f"{live_server.url}/healthz")
    assert (answer.status, page.inner_text("body")) == (200, "ok")
    assert page.evaluate("[innerWidth, innerHeight, navigator.language]") == [1440, 900, "zh-CN"]
