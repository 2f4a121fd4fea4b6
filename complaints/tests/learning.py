"""Made-up complaints that a category model can learn from."""

from __future__ import annotations

import random

from complaints import classifier, training
from complaints.classifier_training import Figures, train
from complaints.models import TrainedModel
from complaints.tests.factories import at

# Category code → what people write about it.
WORDS = {
    "water-outage": ["停水", "水管爆裂", "没有自来水", "供水恢复", "水龙头"],
    "heating": ["暖气不热", "供热温度", "锅炉房", "暖气片冰凉", "采暖费"],
    "overcharge": ["多收费", "乱收停车费", "不给发票", "价格不符", "收费标准"],
}
_PLACES = ["槐荫里", "柳桥三村", "望澜花园", "北港路", "火炬大道", "沿河小区"]
_COMMON = ["请尽快处理", "多次反映没有结果", "打电话没人接", "已经三天了", "影响生活", "希望答复"]


def examples(each: int = 30, *, seed: int = 5) -> tuple[list[str], list[str]]:
    """`each` texts of every category, no two alike."""
    draw = random.Random(seed)
    texts, labels = [], []
    for label, words in WORDS.items():
        for number in range(each):
            said = draw.sample(words, 2) + draw.sample(_COMMON, 2) + [f"第{number}次反映"]
            draw.shuffle(said)
            texts.append(f"{draw.choice(_PLACES)}{words[number % len(words)]}\n{'，'.join(said)}。")
            labels.append(label)
    return texts, labels


def trained(**changes) -> tuple[classifier.Model, Figures]:
    return train(*examples(), **changes)


def model_in_use() -> TrainedModel:
    """A model of the categories above, stored and active."""
    return training.store(*trained(), source="examples", by=None, at=at("2026-11-01 09:00"))
