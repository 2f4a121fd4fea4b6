"""Reference data every installation starts with: categories, policies, the working calendar.

Runs after each migrate and adds only what is missing, so an organisation's own edits stay.
"""

from __future__ import annotations

from dataclasses import asdict

from django.utils import timezone

# Each category: code, Chinese name, English name, Chinese examples, English examples, then its children.
CATEGORIES = [
    (
        "utilities",
        "水、电、气、暖",
        "Water, power, gas, heating",
        "停水、暖气不热、账单不对",
        "No water, cold radiators, wrong bills",
        [
            ("water-outage", "停水", "Water outage"),
            ("water-quality", "水质水压", "Water quality and pressure"),
            ("heating", "供热", "Heating"),
            ("utility-bill", "计量与账单", "Metering and bills"),
        ],
    ),
    (
        "logistics",
        "快递和物流",
        "Parcels and logistics",
        "延误、丢件、损坏",
        "Late, lost or damaged parcels",
        [
            ("late-delivery", "配送延迟", "Late delivery"),
            ("damaged-parcel", "包裹损坏", "Damaged parcel"),
            ("missed-delivery", "派送遗漏", "Missed delivery"),
        ],
    ),
    (
        "window",
        "窗口办事",
        "Service counters",
        "排队久、多次跑、材料说不清",
        "Long queues, repeated trips, unclear papers",
        [
            ("long-queue", "排队久", "Long queue"),
            ("unskilled-staff", "业务不熟", "Staff not proficient"),
            ("unclear-papers", "材料未一次说清", "Papers not made clear"),
        ],
    ),
    (
        "charges",
        "收费和价格",
        "Charges and prices",
        "多收费、不开票、标价不符",
        "Overcharged, no invoice, wrong price",
        [("overcharge", "多收费", "Overcharged"), ("fee-dispute", "费用争议", "Fee dispute")],
    ),
    (
        "education-refund",
        "教育退费",
        "Course refunds",
        "停课、退园、培训班不退费",
        "Cancelled courses, refused refunds",
        [],
    ),
    ("health", "看病就医", "Health care", "收费、退号、服务", "Charges, appointments, service", []),
    ("housing", "小区和物业", "Housing estates", "电梯、垃圾、停车", "Lifts, refuse, parking", []),
    (
        "product",
        "商品质量",
        "Product quality",
        "功能缺陷、不耐用、与宣传不符",
        "Defects, durability, not as advertised",
        [
            ("defect", "产品功能缺陷", "Functional defect"),
            ("durability", "耐用性不佳", "Poor durability"),
            ("not-as-advertised", "与宣传不符", "Not as advertised"),
        ],
    ),
    ("other", "其他", "Something else", "不知道选哪个就选这里，我们来分", "Not sure? Choose this, we will sort it", []),
]
NATURES = [
    ("service-quality", "服务质量", "Service quality"),
    ("product-quality", "产品质量", "Product quality"),
    ("charging", "收费问题", "Charging"),
]
KINDS = [
    ("service", "服务类（态度）", "Service (attitude)"),
    ("product", "产品类（质量）", "Product (quality)"),
    ("process", "流程类（效率）", "Process (efficiency)"),
]
BODIES = [
    ("12345 政务服务便民热线", "政府部门管理和公共服务事项", "12345"),
    ("12315 消费者投诉举报热线", "商品和服务消费争议", "12315"),
    ("邮政业用户申诉中心", "快递企业处理后仍不满意的申诉", "12305"),
    ("劳动保障维权热线", "工资、社会保险和劳动争议", "12333"),
]


def load_reference(sender=None, using="default", **kwargs) -> None:
    """Add missing reference rows. Safe to run again and again."""
    from complaints.models import Category, ExternalBody

    existing = set(Category.objects.using(using).values_list("dimension", "code"))
    for order, (code, name, name_en, hint, hint_en, children) in enumerate(CATEGORIES):
        if ("category", code) not in existing:
            Category.objects.using(using).create(
                dimension="category", code=code, name=name, name_en=name_en, hint=hint, hint_en=hint_en, order=order
            )
        parent = None
        for sub_order, (sub, sub_name, sub_en) in enumerate(children):
            if ("category", sub) not in existing:
                parent = parent or Category.objects.using(using).get(dimension="category", code=code)
                Category.objects.using(using).create(
                    dimension="category",
                    code=sub,
                    name=sub_name,
                    name_en=sub_en,
                    parent=parent,
                    order=order * 10 + sub_order + 100,
                    is_public=False,
                )
    for dimension, rows in (("nature", NATURES), ("kind", KINDS)):
        for order, (code, name, name_en) in enumerate(rows):
            if (dimension, code) not in existing:
                Category.objects.using(using).create(
                    dimension=dimension, code=code, name=name, name_en=name_en, order=order
                )
    for name, task, phone in BODIES:
        ExternalBody.objects.using(using).get_or_create(name=name, defaults={"responsible_for": task, "phone": phone})
    load_calendar(using=using)
    load_policies(using=using)


def load_calendar(using: str = "default") -> None:
    """Add the official years that are not in the calendar table yet (SLA-12)."""
    from complaints import holiday_data
    from complaints.models import CalendarDay, CalendarYear

    known = set(CalendarYear.objects.using(using).values_list("year", flat=True))
    provisional = set(holiday_data.provisional_years())
    now = timezone.now()
    for year in sorted(set(holiday_data.official_years()) | provisional):
        if year in known:
            continue
        days = [
            CalendarDay(day=day, is_working=working, name=name)
            for day, (working, name) in holiday_data.official_exceptions(year).items()
        ]
        CalendarDay.objects.using(using).bulk_create(days, ignore_conflicts=True)
        CalendarYear.objects.using(using).create(year=year, is_provisional=year in provisional, loaded_at=now)


def load_policies(using: str = "default") -> None:
    """Add the shipped policy profiles that are not stored yet (SLA-01)."""
    from complaints.models import PolicyRule, ServicePolicy
    from complaints.profiles import PROFILES

    known = set(ServicePolicy.objects.using(using).values_list("code", "revision"))
    for profile in PROFILES:
        if (profile.code, profile.version) in known:
            continue
        policy = ServicePolicy.objects.using(using).create(
            code=profile.code,
            revision=profile.version,
            name=profile.name_zh,
            name_en=profile.name_en,
            legal_basis=profile.legal_basis,
            valid_from=profile.valid_from,
            valid_until=profile.valid_until,
            is_government=profile.government,
            is_default=profile.code == "house_default",
            slots=[[str(a), str(b)] for a, b in profile.slots],
            remedies={"zh-hans": list(profile.remedies_zh), "en": list(profile.remedies_en)},
        )
        PolicyRule.objects.using(using).bulk_create(
            PolicyRule(
                policy=policy,
                milestone=rule.milestone,
                complexity=rule.complexity,
                amount=rule.amount,
                unit=str(rule.unit),
                starts_on=rule.starts_on,
                start_day_counts=rule.start_day_counts,
                extension_amount=rule.extension_amount,
                max_extensions=rule.max_extensions,
                roll_forward=rule.roll_forward,
                after_hours_next_day=rule.after_hours_next_day,
                ladder=[asdict(step) for step in rule.ladder],
            )
            for rule in profile.rules
        )
