"""The training register: what was held, who took part, how it went, who may read it (KB-09…KB-12, KB-14)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.errors import InvalidInput, NotAllowed
from complaints import staff_training
from complaints.models import Training, TrainingAttendance
from complaints.states import TrainingKind
from complaints.tests.factories import at

pytestmark = pytest.mark.django_db

NOW = at("2026-11-23 09:00")


def held(cast, **changes):
    values = {
        "kind": TrainingKind.COURSE,
        "title": "沟通与情绪管理",
        "held_on": date(2026, 11, 20),
        "hours": Decimal("3.5"),
        **changes,
    }
    return staff_training.record(by=cast.coordinator, at=NOW, **values)


def results(row):
    return {item.user.staff_number: (item.score, item.has_passed) for item in row.attendances.select_related("user")}


@pytest.mark.parametrize("kind", TrainingKind)
def test_kb_09_10_11_12_14_each_kind_is_entered_with_who_took_part(cast, kind):
    row = held(cast, kind=kind, trainer="高磊", people="A001\na002")
    assert results(row) == {"A001": (None, None), "A002": (None, None)}


def test_kb_11_an_examination_before_taking_a_post(cast):
    row = held(cast, kind=TrainingKind.ENTRY, people="A001 92\nW001，59\n\nW002: 60\nR001")
    assert results(row) == {"A001": (92, True), "W001": (59, False), "W002": (60, True), "R001": (None, None)}
    staff_training.add_people(row.pk, people="W001 85", pass_from=80, by=cast.coordinator, at=NOW)
    assert results(row)["W001"] == (85, True)


@pytest.mark.parametrize(
    "people", ["A001 101", "A001 -1", "A001 8.5", "A001 00000999", "A001 1 2", "Z999", "A001\na001 5", "，"]
)
def test_one_wrong_line_and_nobody_is_entered(cast, people):
    row = held(cast)
    with pytest.raises(InvalidInput) as refused:
        staff_training.add_people(row.pk, people=f"A002 70\n{people}", by=cast.coordinator, at=NOW)
    assert refused.value.field == "people"
    assert not row.attendances.exists()


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("title", {"title": " "}),
        ("trainer", {"kind": TrainingKind.MENTORING}),
        ("held_on", {"held_on": date(1999, 1, 1)}),
        ("hours", {"hours": Decimal(-1)}),
        ("article", {"article": "ZS-1"}),
        ("people", {"people": "Z999"}),
        ("kind", {"kind": "party"}),
    ],
)
def test_a_wrong_value_is_refused_by_its_name_and_nothing_is_stored(cast, field, changes):
    with pytest.raises(InvalidInput) as refused:
        held(cast, **changes)
    assert refused.value.field == field
    assert not Training.objects.exists()


def test_kb_09_a_plan_has_people_but_no_points(cast):
    row = held(cast, held_on=date(2026, 12, 1), people="A001")
    with pytest.raises(InvalidInput):
        staff_training.add_people(row.pk, people="A001 80", by=cast.coordinator, at=NOW)


def test_only_who_keeps_the_register_writes_in_it(cast, client):
    row = held(cast, people="A001 92\nW001 40")
    for write in (
        lambda: staff_training.add_people(row.pk, people="A002", by=cast.intake, at=NOW),
        lambda: staff_training.remove_person(row.pk, user_id=cast.intake.pk, by=cast.intake),
        lambda: staff_training.record(
            by=cast.intake, kind="course", title="x", held_on=date(2026, 11, 1), hours=Decimal(1)
        ),
    ):
        with pytest.raises(NotAllowed):
            write()
    client.force_login(cast.intake)
    page = reverse("complaints:training", args=[row.pk])
    assert client.post(page, {"people": "A002", "pass_from": "60"}).status_code == 403
    assert client.get(reverse("complaints:training_new")).status_code == 403


def test_points_are_read_by_oneself_and_the_register_alone(cast, client):
    row = held(cast, people="A001 92\nW001 41")
    page = reverse("complaints:training", args=[row.pk])
    client.force_login(cast.intake)
    text = client.get(page).content.decode()
    assert "92" in text
    assert "赵启明" not in text
    assert client.get(reverse("complaints:training_person", args=[cast.intake.pk])).status_code == 200
    assert client.get(reverse("complaints:training_person", args=[cast.water_handler.pk])).status_code == 403
    client.force_login(cast.manager)
    assert "赵启明" in client.get(page).content.decode()
    sheet = client.get(reverse("complaints:training_person", args=[cast.water_handler.pk]))
    assert sheet.context["figures"] == {"count": 1, "hours": Decimal("3.5")}


def test_the_pages_of_the_register(cast, client):
    client.force_login(cast.coordinator)
    address = reverse("complaints:training_new")
    form = {
        "kind": "compliance", "title": "个人信息保护", "held_on": "2026-11-20", "hours": "2", "trainer": "",
        "content": "", "article": "", "people": "A001 88", "pass_from": "60",
    }  # fmt: skip
    assert client.get(address).status_code == 200
    assert client.post(address, form | {"people": "Z1"}).status_code == 422
    assert client.post(address, form | {"hours": "x"}).status_code == 422
    page = client.post(address, form).url
    assert client.post(page, {"people": "W001 300", "pass_from": "60"}).status_code == 422
    assert client.post(page, {"people": "W001 30", "pass_from": "60"}).status_code == 302
    assert client.post(page, {"remove": "x"}).status_code == 422
    assert client.post(page, {"remove": cast.water_handler.pk}).status_code == 302
    assert TrainingAttendance.objects.get().user == cast.intake


def test_the_list_is_paged_and_costs_the_same_for_many(cast, client, django_assert_max_num_queries):
    held(cast, people="A001")
    later = timezone.localdate() + timedelta(days=30)
    Training.objects.bulk_create(
        Training(kind="course", title=f"第 {n} 期", held_on=later, hours=1, at=NOW, by=cast.coordinator)
        for n in range(55)
    )
    client.force_login(cast.water_handler)
    page = reverse("complaints:trainings")
    client.get(page)
    with django_assert_max_num_queries(8):
        first = client.get(page)
    assert len(client.get(page, {"after": first.context["next"]}).context["rows"]) == 6
    assert client.get(page, {"kind": "x", "after": "9" * 30}).status_code == 200
