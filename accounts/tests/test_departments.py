"""English names of departments (PUB-40): who gives them, what they may be, where the public reads them."""

from __future__ import annotations

import pytest
from django.core.cache import caches
from django.utils import translation

from accounts import departments
from accounts.errors import InvalidInput, NotAllowed
from accounts.models import Department, SecurityEvent

pytestmark = pytest.mark.django_db


def test_the_english_name_stands_on_english_pages_only(cast):
    water = Department.objects.get(code="water")
    with translation.override("en"):
        assert departments.shown(water.name) == water.name
    assert departments.name_in_english({water.pk: " Water Group "}, by=cast.coordinator) == 1
    caches["local"].clear()
    with translation.override("en"):
        assert departments.shown(water.name) == "Water Group"
    with translation.override("zh-hans"):
        assert departments.shown(water.name) == water.name
    logged = SecurityEvent.objects.get(kind="department_named")
    assert (logged.user, logged.subject) == (cast.coordinator, "water")
    assert departments.name_in_english({water.pk: "Water Group"}, by=cast.coordinator) == 0
    assert departments.name_in_english({water.pk: ""}, by=cast.coordinator) == 1
    assert Department.objects.get(pk=water.pk).name_en is None


@pytest.mark.parametrize(
    "name", ["供水", "Water\x00", "😀", "\u202eretaW", "x" * 81, "12345", "<b>Water</b>", "-", "9" * 41]
)
def test_what_is_no_english_name_is_refused_at_its_field(name, cast):
    water = Department.objects.get(code="water")
    with pytest.raises(InvalidInput) as refused:
        departments.name_in_english({water.pk: name}, by=cast.coordinator)
    assert refused.value.field == f"name_{water.pk}"
    assert Department.objects.get(pk=water.pk).name_en is None


@pytest.mark.parametrize("person", ["water_handler", "publisher", "counsel", "reviewer", "auditor"])
def test_nobody_else_names_a_department(person, cast):
    with pytest.raises(NotAllowed):
        departments.name_in_english({Department.objects.get(code="water").pk: "Water"}, by=getattr(cast, person))


def test_az_the_page_takes_all_names_and_marks_the_wrong_one(cast, client):
    water = Department.objects.get(code="water")
    other = Department.objects.exclude(pk=water.pk).latest("pk")
    client.force_login(cast.water_handler)
    assert client.get("/desk/settings/departments/english/").status_code == 403
    client.force_login(cast.coordinator)
    address = "/desk/settings/departments/english/"
    assert water.name in client.get(address).content.decode()
    wrong = client.post(address, {f"name_{water.pk}": "Water Group", f"name_{other.pk}": "热力"})
    assert wrong.status_code == 422
    assert list(wrong.context["form"].errors) == [f"name_{other.pk}"]
    assert 'value="Water Group"' in wrong.content.decode()
    assert Department.objects.get(pk=water.pk).name_en is None
    assert client.post(address, {f"name_{water.pk}": "Water Group"})["Location"] == address
    assert 'value="Water Group"' in client.get(address).content.decode()
