"""The classification an installation starts with, as data (CLS-02…08, CLS-11, CLS-20, CLS-21, IN-25, IN-36).

Only tables stand here; complaints/reference.py stores what is missing. A code never changes: figures, the
API and open data name values by it. The order of a value on top is kept apart from its place in the table,
so that a value added later finds its place in an older installation too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Prompt:
    """What to ask everybody who complains about this (IN-25)."""

    text: str
    text_en: str


@dataclass(frozen=True)
class Material:
    """What the complainant should supply; the essential ones are needed before acceptance (IN-36, IN-37)."""

    text: str
    text_en: str
    is_essential: bool = False


@dataclass(frozen=True)
class Value:
    """One value of a dimension, with its sub-types."""

    code: str
    name: str
    name_en: str
    hint: str = ""
    hint_en: str = ""
    order: int = 0
    is_soft: bool = False
    prompts: tuple[Prompt, ...] = ()
    materials: tuple[Material, ...] = ()
    children: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Reference:
    """The law behind a legal-risk type while it is in force, and what it does to the name (CLS-09)."""

    category: str
    statutes: str
    reputation: str
    valid_from: date
    valid_until: date | None = None


_LOSSES = Prompt("因此多花了哪些钱、误了哪些事？", "What did it cost you, and what could you not do because of it?")
_SINCE = Prompt("从什么时候开始的？现在恢复了吗？", "Since when? Is it over now?")
_WHERE = Prompt("在哪个小区、哪条街？影响多少户？", "Which estate or street? How many households?")
_WHO = Prompt("是哪个窗口或哪位工作人员？大约几点？", "Which counter or member of staff? At about what time?")
_TOLD = Prompt("之前和谁联系过？对方怎么答复的？", "Whom have you contacted before, and what was the answer?")

CATEGORIES: tuple[Value, ...] = (
    Value(
        "utilities",
        "水、电、气、暖",
        "Water, power, gas, heating",
        "停水、暖气不热、账单不对",
        "No water, cold radiators, wrong bills",
        0,
        prompts=(_SINCE, _WHERE, Prompt("家里有老人、病人或婴儿吗？", "Are there elderly, ill or very young people?")),
        materials=(Material("户号", "Customer number"), Material("现场照片或视频", "Photos or a video")),
        children=(
            Value(
                "water-outage",
                "停水",
                "Water outage",
                prompts=(
                    _SINCE,
                    _WHERE,
                    Prompt("停水前收到过通知吗？", "Was there a notice beforehand?"),
                    Prompt("需要送水上门吗？", "Does anybody need water brought to the door?"),
                    _LOSSES,
                ),
                materials=(Material("户号", "Customer number"),),
            ),
            Value("water-quality", "水质水压", "Water quality and pressure"),
            Value("heating", "供热", "Heating"),
            Value(
                "utility-bill",
                "计量与账单",
                "Metering and bills",
                prompts=(Prompt("哪个月的账单？表上读数是多少？", "Which bill? What does the meter read?"),),
                materials=(
                    Material("有疑问的账单", "The bill in question", True),
                    Material("表具读数照片", "A photo of the meter"),
                ),
            ),
            # CLS-20
            Value("outage-too-long", "停供时间过长", "Interruption too long"),
            Value("basic-life", "影响基本生活", "Effect on basic life"),
            Value("no-advance-notice", "未提前通知", "No advance notice", is_soft=True),
            Value("progress-unclear", "进展不明", "Progress unclear", is_soft=True),
        ),
    ),
    Value(
        "logistics",
        "快递和物流",
        "Parcels and logistics",
        "延误、丢件、损坏",
        "Late, lost or damaged parcels",
        1,
        prompts=(Prompt("运单号是多少？", "What is the parcel number?"), _LOSSES),
        materials=(Material("运单号", "Parcel number", True), Material("物品价值凭证", "Proof of the value")),
        children=(
            # CLS-06
            Value(
                "late-delivery",
                "配送延迟",
                "Late delivery",
                prompts=(Prompt("约定什么时候送到？", "When was it due?"), _LOSSES),
                materials=(Material("运单号", "Parcel number", True),),
            ),
            Value(
                "damaged-parcel",
                "包裹损坏",
                "Damaged parcel",
                prompts=(
                    Prompt("签收前验过货吗？外包装什么样？", "Was it checked on delivery? How did it look outside?"),
                ),
                materials=(
                    Material("运单号", "Parcel number", True),
                    Material("内外包装和物品的照片", "Photos of the packing and the goods", True),
                    Material("物品价值凭证", "Proof of the value"),
                ),
            ),
            Value("missed-delivery", "派送遗漏", "Missed delivery"),
        ),
    ),
    Value(
        "window",
        "窗口办事",
        "Service counters",
        "排队久、多次跑、材料说不清",
        "Long queues, repeated trips, unclear papers",
        2,
        is_soft=True,
        prompts=(_WHO, Prompt("要办什么事？跑了几趟？", "What was it about? How many trips did it take?")),
        children=(
            # CLS-21
            Value("long-queue", "排队久", "Long queue", is_soft=True),
            Value("unskilled-staff", "业务不熟", "Staff not proficient", is_soft=True),
            Value("unclear-papers", "材料未一次说清", "Papers not made clear", is_soft=True),
        ),
    ),
    Value(
        "charges",
        "收费和价格",
        "Charges and prices",
        "多收费、不开票、标价不符",
        "Overcharged, no invoice, wrong price",
        3,
        prompts=(Prompt("收了多少？应该收多少？", "What was charged, and what should it have been?"),),
        materials=(
            Material("付款凭证", "Proof of payment", True),
            Material("标价照片或合同", "The price tag or contract"),
        ),
        children=(
            Value("overcharge", "多收费", "Overcharged"),
            Value("fee-dispute", "费用争议", "Fee dispute"),  # CLS-07
        ),
    ),
    Value(
        "education-refund",
        "教育退费",
        "Course refunds",
        "停课、退园、培训班不退费",
        "Cancelled courses, refused refunds",
        4,
        prompts=(Prompt("交了多少、上了几次课？", "How much was paid, how many lessons were given?"), _TOLD),
        materials=(
            Material("合同或报名协议", "The contract", True),
            Material("付款凭证", "Proof of payment", True),
            Material("上课记录", "The record of lessons"),
        ),
    ),
    Value(
        "health", "看病就医", "Health care", "收费、退号、服务", "Charges, appointments, service", 5, prompts=(_WHO,)
    ),
    Value(
        "housing", "小区和物业", "Housing estates", "电梯、垃圾、停车", "Lifts, refuse, parking", 6, prompts=(_WHERE,)
    ),
    Value(
        "product",
        "商品质量",
        "Product quality",
        "功能缺陷、不耐用、与宣传不符",
        "Defects, durability, not as advertised",
        7,
        prompts=(
            Prompt("型号、批次和购买日期？", "Model, batch and day of purchase?"),
            Prompt("有人受伤或财物受损吗？", "Was anybody hurt, or anything damaged?"),
        ),
        materials=(
            Material("购买凭证", "Proof of purchase", True),
            Material("商品和问题部位的照片", "Photos of the product and the fault"),
        ),
        children=(
            # CLS-04
            Value("defect", "产品功能缺陷", "Functional defect"),
            Value("durability", "耐用性不佳", "Poor durability"),
            Value(
                "not-as-advertised",
                "与宣传不符",
                "Not as advertised",
                prompts=(Prompt("在哪里看到的宣传？原话是什么？", "Where was it advertised, in which words?"),),
                materials=(
                    Material("购买凭证", "Proof of purchase", True),
                    Material("宣传页面截图或照片", "A screenshot or photo of the advertisement", True),
                ),
            ),
        ),
    ),
    Value(
        "service-attitude",
        "服务态度",
        "Conduct of staff",
        "语气不当、没耐心、不及时处理",
        "Tone, patience, slow handling",
        7,
        is_soft=True,
        prompts=(_WHO, _TOLD),
        children=(
            # CLS-05
            Value("improper-tone", "语气不当", "Improper tone", is_soft=True),
            Value("lack-of-patience", "缺乏耐心", "Lack of patience", is_soft=True),
            Value("untimely-handling", "处理不及时", "Untimely handling", is_soft=True),
        ),
    ),
    Value(
        "after-sale",
        "售后和技术支持",
        "After-sale and support",
        "技术支持慢、售后政策说不清",
        "Slow support, unclear after-sale policy",
        7,
        is_soft=True,
        prompts=(_TOLD,),
        children=(
            # CLS-07
            Value("slow-support", "技术支持响应慢", "Slow technical support", is_soft=True),
            Value("unclear-policy", "售后政策不清晰", "Unclear after-sale policy", is_soft=True),
        ),
    ),
    Value(
        "other",
        "其他",
        "Something else",
        "不知道选哪个就选这里，我们来分",
        "Not sure? Choose this, we will sort it",
        8,
    ),
)

# CLS-02
NATURES: tuple[Value, ...] = (
    Value("service-quality", "服务质量", "Service quality", is_soft=True),
    Value("product-quality", "产品质量", "Product quality", order=1),
    Value("charging", "收费问题", "Charging", order=2),
)
# CLS-03
KINDS: tuple[Value, ...] = (
    Value("service", "服务类（态度）", "Service (attitude)", is_soft=True),
    Value("product", "产品类（质量）", "Product (quality)", order=1),
    Value("process", "流程类（效率）", "Process (efficiency)", order=2),
)
# CLS-08
LEGAL: tuple[Value, ...] = (
    Value("product-safety", "产品质量及安全风险", "Product quality and safety"),
    Value("advertising", "虚假宣传与误导营销", "False advertising and misleading marketing", order=1),
    Value("contract", "服务协议与合同纠纷", "Service agreement and contract", order=2),
    Value("privacy", "个人信息与隐私", "Personal information and privacy", order=3),
    Value("unfair-trading", "不公平交易与垄断", "Unfair trading and monopoly", order=4),
)
# CLS-11
EMOTIONS: tuple[Value, ...] = (
    Value("frustration", "挫败感", "Frustration", "试了很多次都没解决", "Tried again and again in vain"),
    Value("not-understood", "不被理解", "Not being understood", "反复解释，还被质疑", "Explains again, is doubted", 1),
    Value("ignored", "被忽视", "Being ignored", "久等、承诺没兑现、没人跟进", "Long waits, broken promises", 2),
    Value("distrust", "信任危机", "Crisis of trust", "不再相信承诺", "No longer believes a promise", 3),
    Value("respect", "渴望被尊重", "Wish to be respected", "要耐心，不要套话", "Wants patience, not set phrases", 4),
)

DIMENSIONS: dict[str, tuple[Value, ...]] = {
    "category": CATEGORIES,
    "nature": NATURES,
    "kind": KINDS,
    "legal": LEGAL,
    "emotion": EMOTIONS,
}

_CIVIL_CODE = date(2021, 1, 1)  # from this day the Civil Code stands for the Contract Law
LEGAL_REFERENCES: tuple[Reference, ...] = (
    Reference(
        "product-safety",
        "《产品质量法》《消费者权益保护法》《民法典》第七编第四章（产品责任）",
        "媒体曝光、舆论扩散，消费者不再信任品牌",
        _CIVIL_CODE,
    ),
    Reference(
        "advertising",
        "《广告法》《反不正当竞争法》《消费者权益保护法》",
        "被指欺诈，诚信受损，影响购买决定",
        date(2015, 9, 1),
    ),
    Reference(
        "contract",
        "《合同法》《消费者权益保护法》",
        "守约精神被质疑，公信力下降",
        date(1999, 10, 1),
        date(2020, 12, 31),
    ),
    Reference("contract", "《民法典》第三编（合同）《消费者权益保护法》", "守约精神被质疑，公信力下降", _CIVIL_CODE),
    Reference(
        "privacy",
        "《网络安全法》《数据安全法》《个人信息保护法》",
        "被视为不负责任，用户不敢再交出数据",
        date(2021, 11, 1),
    ),
    Reference(
        "unfair-trading",
        "《反垄断法》《反不正当竞争法》《价格法》",
        "引发公众反感，招来行业监管",
        date(2008, 8, 1),
    ),
)


@dataclass(frozen=True)
class Rule:
    """A rule a decision on acceptance can rely on (SCR-02). `body` names one of BODIES."""

    code: str
    text: str
    in_scope: bool
    body: str = ""


BODIES: tuple[tuple[str, str, str], ...] = (
    ("12345 政务服务便民热线", "政府部门管理和公共服务事项", "12345"),
    ("12315 消费者投诉举报热线", "商品和服务消费争议", "12315"),
    ("邮政业用户申诉中心", "快递企业处理后仍不满意的申诉", "12305"),
    ("劳动保障维权热线", "工资、社会保险和劳动争议", "12333"),
)
RULES: tuple[Rule, ...] = (
    Rule("own-service", "投诉事项是本单位及所属单位提供的产品或服务", True),
    Rule("own-staff", "投诉对象是本单位工作人员的服务行为", True),
    Rule("referred", "由上级或其他单位依职责转来办理", True),
    Rule("government-matter", "属于政府部门管理的事项，不在本单位受理范围", False, "12345 政务服务便民热线"),
    Rule("consumer-dispute", "与其他经营者的消费争议，不在本单位受理范围", False, "12315 消费者投诉举报热线"),
    Rule("courier-appeal", "对快递企业处理结果不满的申诉，不在本单位受理范围", False, "邮政业用户申诉中心"),
    Rule("labour-dispute", "工资、社会保险和劳动争议，不在本单位受理范围", False, "劳动保障维权热线"),
)
