"""Cases stored in bulk obey what the transitions guarantee (I13, ARC-10, CC-06)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from complaints import clocks, events, search, transitions
from complaints.models import CaseEvent, Complaint, ContactPoint, Deadline, NumberCounter
from complaints.states import MOVES, OPEN, DeadlineState
from complaints.tests.factories import filing


@pytest.fixture
def seeded(db, capsys) -> dict:
    call_command("seed_bulk", "--complaints", "120", "--seed", "3", "--json")
    return json.loads(capsys.readouterr().out)


def test_every_case_has_a_sound_log_and_a_gapless_number(seeded):
    assert (seeded["complaints"], Complaint.objects.count()) == (120, 120)
    assert events.verify() == (CaseEvent.objects.count(), None)
    for scope, last in NumberCounter.objects.values_list("scope", "last"):
        numbers = sorted(Complaint.objects.filter(number__startswith=f"{scope}-").values_list("number", flat=True))
        assert numbers == [f"{scope}-{n:04d}" for n in range(1, last + 1)]


def test_every_step_is_a_move_of_the_table(seeded):
    """The statuses a seeded case went through are those the table of moves allows."""
    for event in CaseEvent.objects.exclude(version=None).exclude(kind="register"):
        move = MOVES[event.kind]
        assert event.from_status in move.sources
        assert move.target in (None, event.to_status)


def test_open_cases_have_the_clocks_the_transitions_would_have_started(seeded):
    cases = Complaint.objects.filter(status__in=[str(s) for s in OPEN])
    assert 0 < cases.count() < 30
    for case in cases:
        shown = (case.next_due_at, case.is_paused)
        clocks.refresh(case)
        assert (case.next_due_at, case.is_paused) == shown
    for deadline in Deadline.objects.select_related("complaint__policy")[:200]:
        due = clocks.compute(deadline, clocks.working_calendar(deadline.complaint.policy.slots), [])
        assert due.at == deadline.due_at
    assert not Deadline.objects.filter(state=DeadlineState.RUNNING).exclude(complaint__in=cases).exists()


def test_the_same_seed_gives_the_same_cases(seeded):
    """Also with other keys: only the seed and the position count."""
    before = list(Complaint.objects.order_by("pk").values_list("narrative", "status"))
    call_command("seed_bulk", "--complaints", "120", "--seed", "3")
    assert list(Complaint.objects.order_by("pk").values_list("narrative", "status"))[120:] == before
    assert events.verify()[1] is None


def test_contacts_are_encrypted_and_cases_are_found(seeded):
    point = ContactPoint.objects.select_related("complainant").first()
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM complaints_contactpoint WHERE id = %s", [point.pk])
        stored = cursor.fetchone()[0]
    assert point.value not in stored
    assert len(point.value) == 11
    case = Complaint.objects.first()
    hits = search.search(Complaint.objects.all(), case.subject, relation="search", table="complaints_complaintsearch")
    assert case in hits


def test_a_real_case_can_follow(seeded, cast):
    """The keys and numbers given out afterwards are free."""
    now = timezone.now()
    receipt = transitions.register(filing(received_at=now), by=cast.intake, at=now + timedelta(seconds=1))
    assert events.verify([receipt.complaint.number])[1] is None


def test_seed_bulk_is_refused_in_production(db, settings):
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="production"):
        call_command("seed_bulk", "--complaints", "1")


def test_every_event_points_at_a_record_of_its_case(seeded):
    for event in CaseEvent.objects.exclude(reference=""):
        kind, pk = event.reference.split(":")
        assert apps.get_model("complaints", kind).objects.get(pk=pk).complaint_id == event.complaint_id


@pytest.mark.parametrize("status", ["registered", "in_progress", "closed", "not_accepted"])
def test_the_page_of_a_seeded_case_opens(seeded, cast, client, status):
    client.force_login(cast.coordinator)
    case = Complaint.objects.filter(status=status).first()
    if case is not None:
        assert client.get(f"/desk/cases/{case.number}/").status_code == 200
