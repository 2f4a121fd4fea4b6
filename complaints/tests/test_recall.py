"""The recall of batches: declared within the response to a defect, its units, told, remedied, the end (INC-17)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from accounts.errors import NotAllowed
from accounts.models import SecurityEvent
from complaints import outreach, transitions
from complaints.models import Outreach, Recall, RecallUnit
from complaints.tests.factories import filing
from complaints.transitions import incidents
from complaints.transitions import recall as rules

UNITS = "序列号,批次,持有人,电话\nSN-1,2026A,孙玉兰,13900001111\nSN-2，2026A，周大海，\nSN-3\n"
WORDS = {"product": "净水器 J1", "batches": "2026A", "defect": "滤芯漏水", "remedy": "免费更换", "contact": "8800 0123"}


@pytest.fixture
def response(cast):
    moment = timezone.now() - timedelta(hours=1)
    case = transitions.register(filing(received_at=moment), by=None, at=moment).complaint
    return incidents.declare_from_case(
        case.pk, title="净水器漏水", kind="defect", is_high_level=True, started_at=moment, by=cast.coordinator
    )


@pytest.fixture
def desk(client, cast):
    client.force_login(cast.manager)
    return client


def address(response, name="recall", *args) -> str:
    return reverse(f"complaints:{name}", args=[response.incident.number, *args])


def units(response, cast) -> list[int]:
    rules.start_recall(response.pk, by=cast.coordinator, **WORDS)
    rules.add_units(response.pk, text=UNITS, by=cast.coordinator)
    return list(RecallUnit.objects.values_list("pk", flat=True))


def test_inc_17_a_recall_runs_from_the_list_to_the_completion_rate(desk, cast, response):
    """INC-17: affected list, notice, remedy, completion rate, end with a note."""
    assert address(response) in desk.get(address(response, "incident_response")).content.decode()
    start, add, end = (address(response, "recall_record", kind) for kind in ("start", "units", "end"))
    assert start in desk.get(address(response)).content.decode()
    assert desk.post(start, {**WORDS, "product": ""}).status_code == 422
    assert desk.post(start, WORDS).status_code == 302
    assert desk.post(start, WORDS).status_code == 409
    assert Recall.objects.get().started_by == cast.manager
    assert desk.post(add, {"text": UNITS}).status_code == 302
    keys = list(RecallUnit.objects.values_list("pk", flat=True))
    assert len(keys) == 3
    mark = address(response, "recall_mark")
    assert desk.post(mark, {"step": "told"}).status_code == 422
    assert desk.post(mark, {"step": "sold", "unit": keys}).status_code == 422
    assert desk.post(mark, {"step": "told", "unit": keys[:2]}).status_code == 302
    assert desk.post(mark, {"step": "remedied", "unit": [keys[0], "x"]}).status_code == 302
    context = desk.get(address(response)).context
    assert (context["total"], context["told"], context["remedied"], context["rate"]) == (3, 2, 1, "33.3%")
    assert desk.post(end, {"note": ""}).status_code == 422
    assert desk.post(end, {"note": "两件未找到"}).status_code == 302
    assert desk.post(end, {"note": "再次"}).status_code == 409
    assert desk.post(mark, {"step": "told", "unit": keys}).status_code == 409
    assert "两件未找到" in desk.get(address(response)).content.decode()


def test_inc_17_a_list_with_faults_stores_nothing_and_names_the_lines(desk, cast, response):
    """INC-17: pasted or as a file; the faults by line, never the value."""
    keys = units(response, cast)
    add = address(response, "recall_record", "units")
    bad = "SN-9,2026A,王五,12\n,2026A\nSN-1\nSN-8,,,13800000000\n"
    for data in ({"text": bad}, {"file": SimpleUploadedFile("units.csv", bad.encode("gb18030"))}):
        answer = desk.post(add, data)
        assert answer.status_code == 422
        assert [fault.line for fault in answer.context["faults"]] == [1, 2, 3]
    assert RecallUnit.objects.count() == len(keys)
    assert desk.post(add, {"text": " "}).status_code == 422
    assert desk.post(add, {"text": 'SN-6,"' + "长" * 140_000}).status_code == 422
    binary = SimpleUploadedFile("units.csv", b"\xff\xff\x00\x81")
    assert desk.post(add, {"file": binary}).status_code == 422
    good = SimpleUploadedFile("units.csv", "SN-7\t2026A\t赵六\t13800000000\n".encode("utf-8-sig"))
    assert desk.post(add, {"file": good}).status_code == 302
    assert RecallUnit.objects.get(serial="SN-7").holder == "赵六"


def test_inc_17_holders_are_encrypted_masked_and_shown_with_a_trace(desk, cast, response):
    keys = units(response, cast)
    with connection.cursor() as cursor:
        cursor.execute("SELECT holder, phone FROM complaints_recallunit")
        assert "孙玉兰" not in str(cursor.fetchall())
    page = desk.get(address(response)).content.decode()
    assert "孙玉兰" not in page
    assert "13900001111" not in page
    shown = desk.post(address(response, "recall_shown", keys[0])).content.decode()
    assert "孙玉兰" in shown
    assert SecurityEvent.objects.filter(kind="recall_holder_shown", user=cast.manager).count() == 1
    assert desk.post(address(response, "recall_shown", keys[-1] + 100)).status_code == 404


def test_inc_17_one_unit_among_many_is_found_and_work_goes_on_where_it_was(desk, cast, response):
    """INC-17: a holder who rings names a serial number; what is still to be done is one list; marking keeps it."""
    rules.start_recall(response.pk, by=cast.coordinator, **WORDS)
    rules.add_units(response.pk, text="\n".join(f"SN-{n:03d},{'BA'[n % 2]}" for n in range(120)), by=cast.manager)

    def serials(query: str) -> list[str]:
        return [row[0].serial for row in desk.get(address(response) + query).context["items"]]

    assert serials("?q=n-077") == ["SN-077"]
    assert serials("?q=b")[:2] == ["SN-000", "SN-002"]
    nothing = desk.get(address(response) + "?q=%00%F0%9F%98%80")
    assert nothing.context["items"] == []
    assert gettext("No unit of the list answers to this.") in nothing.content.decode()
    keys = list(RecallUnit.objects.order_by("pk").values_list("pk", flat=True))
    rules.mark_units(response.pk, units=keys[:110], step="told", by=cast.manager)
    assert serials("?show=untold") == [f"SN-{n}" for n in range(110, 120)]
    done = desk.post(address(response, "recall_mark") + "?show=untold&q=SN-11", {"step": "told", "unit": keys[110]})
    assert done.url == address(response) + "?q=SN-11&show=untold"
    assert serials("?show=untold&q=SN-11") == [f"SN-{n}" for n in range(111, 120)]
    # A page that is shown after a refusal or a reading leads on to the list, not to an address without pages.
    refused = desk.post(address(response, "recall_mark"), {"step": "told"})
    assert refused.context["next"].startswith(address(response) + "?after=")


def test_inc_17_only_a_defect_leads_to_a_recall_and_only_for_who_leads(client, cast, response):
    client.force_login(cast.water_handler)
    assert client.get(address(response)).status_code == 403
    assert client.post(address(response, "recall_mark")).status_code == 403
    with pytest.raises(NotAllowed):
        rules.start_recall(response.pk, by=cast.intake, **WORDS)
    client.force_login(cast.coordinator)
    assert client.post(address(response, "recall_record", "units"), {"text": "SN-1"}).status_code == 409
    assert client.get(address(response, "recall_record", "nothing")).status_code == 404
    response.kind = "interruption"
    response.save()
    assert client.post(address(response, "recall_record", "start"), WORDS).status_code == 409
    assert client.get(address(response)).status_code == 200


def test_inc_17_who_got_the_remedy_counts_as_told_and_keeps_the_first_day(cast, response):
    """INC-17: a holder at the counter was told there; somebody told before keeps that moment."""
    first, second, third = units(response, cast)
    yesterday = timezone.now() - timedelta(days=1)
    assert rules.mark_units(response.pk, units=[first], step="told", by=cast.manager, at=yesterday) == 1
    assert rules.mark_units(response.pk, units=[first, second], step="remedied", by=cast.coordinator) == 2
    rows = RecallUnit.objects.in_bulk()
    assert (rows[first].told_at, rows[first].told_by) == (yesterday, cast.manager)
    assert rows[second].told_at == rows[second].remedied_at
    assert rows[second].told_by == cast.coordinator
    assert (rows[third].told_at, rows[third].remedied_at) == (None, None)
    assert rules.mark_units(response.pk, units=[second], step="remedied", by=cast.manager) == 0


def test_inc_17_holders_get_a_notice_that_another_person_approved_and_count_as_told(desk, cast, response):
    """INC-17: the draft begins with the facts of the recall; once it is over the list says who was reached."""
    units(response, cast)
    page = desk.get(address(response))
    start = reverse("complaints:outreach_new") + "?" + page.context["notice"]
    assert start.replace("&", "&amp;") in page.content.decode()
    initial = desk.get(start).context["form"].initial
    assert (initial["product"], initial["batch"]) == ("净水器 J1", "2026A")
    assert "免费更换" in initial["text"]
    assert len(initial["text"]) <= 500
    values = {**initial, "way": "call", "call_by": timezone.localdate().isoformat(), "business_step": "", "place": ""}
    row = Outreach.objects.get(number=desk.post(reverse("complaints:outreach_new"), values).url.split("/")[-2])
    assert desk.post(reverse("complaints:outreach_from_cases", args=[row.number])).status_code == 302
    (person,) = row.recipients.all()
    assert (person.name, person.value) == ("孙玉兰", "13900001111")
    row.refresh_from_db()
    outreach.approve(row.pk, version=row.version, by=cast.coordinator)
    assert not RecallUnit.objects.filter(told_at__isnull=False).exists()
    outreach.record_call(person.pk, reached=True, by=cast.coordinator)
    told = RecallUnit.objects.filter(told_at__isnull=False).values_list("serial", flat=True)
    assert list(told) == ["SN-1"]
