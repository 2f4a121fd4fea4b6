"""The shipped classification, and loading it into old and new databases (CLS-02…12, CLS-20, CLS-21, IN-25, IN-36)."""

from __future__ import annotations

from datetime import date

import pytest

from accounts.errors import InvalidInput
from complaints import case_screening, transitions
from complaints.models import AcceptanceRule, Category, Classification, ExternalBody, LegalReference
from complaints.reference import load_reference, load_schemes
from complaints.tests.factories import Story, at, category

pytestmark = pytest.mark.django_db


def codes(dimension: str, parent: str | None = None) -> list[str]:
    rows = Category.objects.filter(dimension=dimension)
    rows = rows.filter(parent__code=parent) if parent else rows.filter(parent=None)
    return list(rows.values_list("code", flat=True))


def names(dimension: str) -> list[str]:
    return list(Category.objects.filter(dimension=dimension).values_list("name", flat=True))


def test_cls02_cls03_nature_and_kind():
    assert names("nature") == ["服务质量", "产品质量", "收费问题"]
    assert names("kind") == ["服务类（态度）", "产品类（质量）", "流程类（效率）"]


@pytest.mark.parametrize(
    ("requirement", "parent", "children"),
    [
        ("CLS-04", "product", ["defect", "durability", "not-as-advertised"]),
        ("CLS-05", "service-attitude", ["improper-tone", "lack-of-patience", "untimely-handling"]),
        ("CLS-06", "logistics", ["late-delivery", "damaged-parcel", "missed-delivery"]),
        ("CLS-07", "after-sale", ["slow-support", "unclear-policy"]),
        ("CLS-07", "charges", ["overcharge", "fee-dispute"]),
        ("CLS-21", "window", ["long-queue", "unskilled-staff", "unclear-papers"]),
    ],
)
def test_sub_types(requirement, parent, children):
    assert codes("category", parent) == children, requirement


def test_cls20_public_utilities():
    assert codes("category", "utilities")[-4:] == [
        "outage-too-long",
        "basic-life",
        "no-advance-notice",
        "progress-unclear",
    ]


def test_cls08_cls11_legal_types_and_emotions():
    assert codes("legal") == ["product-safety", "advertising", "contract", "privacy", "unfair-trading"]
    assert names("emotion") == ["挫败感", "不被理解", "被忽视", "信任危机", "渴望被尊重"]


def test_cls12_soft_values_are_told_from_functional_ones():
    soft = set(Category.objects.filter(is_soft=True).values_list("code", flat=True))
    assert {"service-attitude", "improper-tone", "slow-support", "long-queue", "service", "service-quality"} <= soft
    assert not {"product", "defect", "water-outage", "damaged-parcel", "product-quality"} & soft


def test_something_else_stays_the_last_choice_of_the_public():
    assert codes("category")[-1] == "other"


def test_every_value_has_an_english_name():
    assert list(Category.objects.filter(name_en="").values_list("code", flat=True)) == []


def test_in25_in36_prompts_and_materials():
    outage = category("water-outage")
    assert "需要送水上门吗？" in [entry["text"] for entry in outage.prompts]
    parcel = category("damaged-parcel")
    assert [(entry["text"], entry["is_essential"]) for entry in parcel.materials] == [
        ("运单号", True),
        ("内外包装和物品的照片", True),
        ("物品价值凭证", False),
    ]


def test_cls09_statutes_by_the_day_of_the_complaint(cast):
    """The Contract Law holds until the Civil Code does; a case reads what was in force when it came (COM-18)."""
    contract = Category.objects.get(dimension="legal", code="contract")
    old, new = contract.legal_references.order_by("valid_from")
    assert (old.valid_until, new.valid_from, new.valid_until) == (date(2020, 12, 31), date(2021, 1, 1), None)
    story = Story(cast).accept()
    transitions.classify(story.pk, by=cast.intake, legal=contract, at=at("2026-11-16 11:00"))
    assert case_screening.law_of(story.case).statutes.startswith("《民法典》")
    case = story.case
    case.received_at = at("2019-05-01 09:00")
    assert case_screening.law_of(case).statutes.startswith("《合同法》")


def test_loading_again_changes_nothing():
    tables = (Category, LegalReference, AcceptanceRule, ExternalBody)
    before = [list(table.objects.order_by("pk").values()) for table in tables]
    load_reference()
    assert [list(table.objects.order_by("pk").values()) for table in tables] == before


def test_loading_never_undoes_an_edit(cast):
    """What an organisation renamed, emptied or switched off stays so."""
    outage = category("water-outage")
    transitions.change_category(
        outage.pk, by=cast.coordinator, name="停水（本市）", prompts=[], materials=[], is_active=False
    )
    body = ExternalBody.objects.get(phone="12345")
    transitions.save_body(body.pk, by=cast.coordinator, name="市民热线")
    load_reference()
    outage.refresh_from_db()
    assert (outage.name, outage.prompts, outage.materials, outage.is_active) == ("停水（本市）", [], [], False)
    assert not ExternalBody.objects.filter(name__startswith="12345").exists()


def test_an_older_installation_gets_what_it_lacks():
    """Values of the first release knew no prompts, and some did not exist; the names somebody gave stay."""
    Category.objects.filter(parent__code__in=["service-attitude", "after-sale"]).delete()
    Category.objects.filter(code__in=["service-attitude", "after-sale", "no-advance-notice"]).delete()
    Category.objects.update(prompts=[], materials=[], is_soft=False)
    Category.objects.filter(code="water-outage").update(name="断水")
    load_schemes()
    assert codes("category", "service-attitude") == ["improper-tone", "lack-of-patience", "untimely-handling"]
    assert (category("water-outage").name, len(category("water-outage").prompts)) == ("断水", 5)
    assert category("long-queue").is_soft is True
    assert codes("category")[-1] == "other"


def test_cls11_emotions_are_several_and_every_new_one_is_kept(cast):
    story = Story(cast).accept()
    by_code = {row.code: row for row in Category.objects.filter(dimension="emotion")}
    first = [by_code["ignored"], by_code["distrust"]]
    transitions.classify(story.pk, by=cast.intake, emotions=first, at=at("2026-11-16 11:00"))
    transitions.classify(story.pk, by=cast.coordinator, emotions=[by_code["distrust"], by_code["respect"]])
    assert [row.code for row in story.case.emotions.all()] == ["distrust", "respect"]
    kept = Classification.objects.filter(complaint=story.pk, dimension="emotion")
    assert [(row.category.code, row.by) for row in kept] == [
        ("ignored", cast.intake),
        ("distrust", cast.intake),
        ("respect", cast.coordinator),
    ]
    assert story.case.events.filter(kind="classify").last().fields == ["emotions"]


def test_a_value_of_another_dimension_is_refused(cast):
    story = Story(cast).accept()
    with pytest.raises(InvalidInput) as refused:
        transitions.classify(story.pk, by=cast.intake, legal=category("product"))
    assert refused.value.field == "legal"
    with pytest.raises(InvalidInput) as refused:
        transitions.classify(story.pk, by=cast.intake, emotions=[category("product")])
    assert refused.value.field == "emotions"
    assert story.case.legal_type is None
