"""Licence plates: civil, new energy, police, embassy, Hong Kong and Macao, armed police and army."""

from __future__ import annotations

import re
from collections.abc import Iterator

from publication.redaction.normalise import View
from publication.redaction.spans import Hit

_PROVINCE = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_SEP = r"[ \-·._]{0,2}"
_PLATE = re.compile(
    rf"[{_PROVINCE}]{_SEP}[A-Za-z]{_SEP}(?:[A-Za-z0-9]{_SEP}){{4}}"
    rf"(?:[A-Za-z0-9]{_SEP}[A-Za-z0-9]|[A-Za-z0-9]|[挂学警港澳试超])(?![A-Za-z0-9])"
)
_SPECIAL = re.compile(
    rf"(?:WJ[{_PROVINCE}]?[ ]?[0-9]{{4,5}}[A-Z]?|使[ ]?[0-9]{{6}}|[{_PROVINCE}]?[A-Z]?使[0-9]{{5}}|领[0-9]{{5,6}}"
    r"|[军空海北沈兰济南广成][A-Z][ \-·]?[0-9]{5})(?![0-9])"
)
_STATED = re.compile(
    r"(?:车牌|牌照|牌号)[^0-9A-Za-z\n。;,]{0,6}([A-Za-z][ \-·]?(?=[A-Za-z]{0,5}[0-9])[A-Za-z0-9]{5,6})(?![A-Za-z0-9])"
)
_CAR_WORDS = re.compile(
    r"(?:车牌|牌照|车辆|号牌|车号|轿车|货车|汽车|开车|驾驶|停放|车主|面包车|出租车|网约车|电动车)[^。\n]{0,12}\Z"
)


def find(view: View) -> Iterator[Hit]:
    for source in {view.text, view.digits}:
        for match in _PLATE.finditer(source):
            serial = match.group()[1:]
            stated = _CAR_WORDS.search(view.text[max(0, match.start() - 16) : match.start()]) is not None
            if stated or sum(char.isdigit() for char in serial) >= 2:
                yield Hit(*match.span(), "license_plate", 0.95 if stated else 0.85)
        for match in _STATED.finditer(source):
            yield Hit(*match.span(1), "license_plate", 0.9)
    for match in _SPECIAL.finditer(view.text):
        yield Hit(*match.span(), "license_plate", 0.8)
