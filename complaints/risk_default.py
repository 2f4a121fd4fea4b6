"""The grading standard every installation starts with, revision 1 (RISK-02). Pure data.

From 30 points a case is of medium risk, from 60 of high risk: danger to life or health reaches high
alone or with one more factor, a threat or a sum of money needs company. A case of high risk is talked over
the day after, then each week; one of medium risk within a week, then each month (RISK-06).
"""

from __future__ import annotations

from typing import Any

MEDIUM_FROM = 30
HIGH_FROM = 60
# By grade: days until the first risk meeting, and between two.
MEETINGS: dict[str, dict[str, int]] = {"medium": {"first": 7, "every": 30}, "high": {"first": 1, "every": 7}}


def _factor(code: str, name: str, name_en: str, weight: int, kind: str, **values: Any) -> dict[str, Any]:
    return {"code": code, "name": name, "name_en": name_en, "weight": weight, "kind": kind, **values}


def _words(text: str) -> list[str]:
    return text.split("，")


FACTORS: list[dict[str, Any]] = [
    _factor(
        "life",
        "涉及生命",
        "A life is at stake",
        60,
        "words",
        words=_words("死亡，身亡，猝死，自杀，轻生，跳楼，不想活，爆炸，suicide，died，killed，explosion"),
    ),
    _factor(
        "danger",
        "人身安全隐患",
        "Danger to people",
        35,
        "words",
        words=_words(
            "起火，着火，失火，火灾，触电，漏电，燃气泄漏，煤气泄漏，天然气泄漏，中毒，坍塌，塌陷，坠落，高空抛物"
            "，gas leak，electric shock，on fire"
        ),
    ),
    _factor(
        "injury",
        "有人受伤",
        "Somebody was injured",
        35,
        "flag",
        value="has_injury",
        words=_words("受伤，伤亡，骨折，烫伤，烧伤，砸伤，摔伤，流血，昏迷，送医，injured，fracture"),
    ),
    _factor("damage", "财产受损", "Property was damaged", 10, "flag", value="has_damage", words=[]),
    _factor(
        "minors",
        "涉及未成年人",
        "Minors are involved",
        20,
        "flag",
        value="involves_minors",
        words=_words("未成年，婴儿，婴幼儿，体罚，虐童，小学生，初中生"),
    ),
    _factor(
        "privacy",
        "个人信息泄露",
        "Personal data leaked",
        30,
        "flag",
        value="has_privacy_leak",
        words=_words("信息泄露，信息被泄露，泄露个人信息，泄露我的，隐私泄露，泄露隐私，偷拍，data leak，leaked my"),
    ),
    _factor("amount_1", "金额一万元以上", "10,000 yuan or more", 10, "amount_from", value=10_000),
    _factor("amount_2", "金额五万元以上", "50,000 yuan or more", 10, "amount_from", value=50_000),
    _factor("amount_3", "金额二十万元以上", "200,000 yuan or more", 20, "amount_from", value=200_000),
    _factor("extent_1", "涉及十人以上", "10 persons or more", 10, "persons_from", value=10),
    _factor("extent_2", "涉及一百人以上", "100 persons or more", 10, "persons_from", value=100),
    _factor("extent_3", "涉及一千人以上", "1,000 persons or more", 20, "persons_from", value=1_000),
    _factor("angry", "情绪激动", "Angry", 10, "emotion_from", value=2),
    _factor("beside", "情绪失控", "Beside themselves", 10, "emotion_from", value=3),
    _factor(
        "media",
        "可能见诸媒体",
        "The media may take it up",
        20,
        "threat",
        values=["media"],
        words=_words("记者，媒体，曝光，电视台，上热搜，发到网上，发网上，newspaper，reporter，journalist"),
    ),
    _factor(
        "court",
        "可能打官司",
        "A lawsuit may follow",
        20,
        "threat",
        values=["court"],
        words=_words("起诉，诉讼，法院，律师，打官司，告上法庭，lawyer，lawsuit，sue，court"),
    ),
    _factor(
        "regulator",
        "可能找监管部门",
        "A regulator may be turned to",
        15,
        "threat",
        values=["regulator"],
        words=_words("监管部门，监管局，银保监，市场监管，消协，消费者协会，纪委，信访，regulator，ombudsman"),
    ),
    _factor(
        "regulation",
        "触及法规",
        "Laws or rules are touched",
        15,
        "words",
        words=_words("违法，违规，无证，无资质，欺诈，虚假宣传，强制消费，非法，fraud，illegal"),
    ),
    _factor("legal_type", "已判定法律风险类型", "A type of legal risk was chosen", 20, "category", values=["legal:*"]),
    _factor("repeat", "重复投诉", "Repeat complaint", 15, "repeat"),
    _factor(
        "churn",
        "客户可能流失",
        "The customer may leave",
        10,
        "threat",
        values=["competitor"],
        words=_words("再也不会来，再也不来，销户，退网，转网，换一家，不再使用，再也不用"),
    ),
    _factor("signal", "已有网络舆情", "It is talked about in public", 25, "signal_from", value=1),
]
