"""Which wordings may stand in place of a secret (PR-08).

A wording is put together from the words below and from nothing else: they name a kind of secret, whose it is and that
it is left out. So no wording can hold a name, a number or anything else that says whose secret it hides, and the gate
need not be told which wordings the office chose: it reads them like any other text and finds nothing there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from publication.redaction.engine import find
from publication.redaction.profiles import PROFILES, TYPES, Manner, Row

KINDS = (
    *("姓名", "名字", "电话", "手机", "座机", "号码", "联系方式", "证件", "证件号", "身份证", "护照", "通行证"),
    *("银行卡", "银行卡号", "卡号", "账号", "账户", "车牌", "车牌号", "邮箱", "电子邮箱", "QQ号", "微信号", "网络账号"),
    *("位置", "坐标", "出生日期", "生日", "住址", "地址", "信息", "隐私"),
)
WHOSE = ("个人", "当事人", "来电人", "投诉人", "客户", "市民", "居民", "消费者")
FILLERS = ("已", "此处", "该", "详细", "具体", "依法", "按规定")
HIDING = ("隐去", "隐藏", "略去", "从略", "不公开", "不予公开", "未公开", "保密", "遮盖", "删去", "脱敏")
WORDS = (*KINDS, *WHOSE, *FILLERS, *HIDING)
LONGEST = 20

_ALLOWED = re.compile(rf"〔(?:{'|'.join(sorted(WORDS, key=len, reverse=True))})+〕")
# What stands around a wording in a text. A word of the wording must not be read as a part of it.
_AROUND = (
    *(("", ""), ("联系人", "，"), ("张", "说"), ("王女士", "先生"), ("电话", "，住"), ("住在和平路", "号")),
    *(("微信", "，"), ("账号：", "。"), ("车牌", "停在门口"), ("生于", "，")),
)


def allowed(token: str) -> bool:
    """Whether a wording may stand in place of a secret: in 〔〕, from the words above, saying that it is left out."""
    if len(token) > LONGEST or not _ALLOWED.fullmatch(token) or not any(word in token for word in HIDING):
        return False
    return not any(_touched(before, token, after) for before, after in _AROUND)


def _touched(before: str, token: str, after: str) -> bool:
    """Whether anything is found in the wording itself where it stands between these words."""
    start, end = len(before), len(before) + len(token)
    return any(span.start < end and span.end > start for span in find(before + token + after))


def manners(profile: str, kind: str) -> tuple[Manner, ...]:
    """The manners a type may have: the shipped one, or the wording alone. Nothing shows more than the shipped one."""
    shipped = PROFILES[profile][kind].manner
    return ("token",) if shipped == "token" else (shipped, "token")


def stored(rows: Mapping[str, Row]) -> dict[str, dict[str, str]]:
    """The rows as plain data."""
    return {kind: {"manner": rows[kind].manner, "token": rows[kind].token} for kind in TYPES}


def read(profile: str, data: Mapping[str, Mapping[str, str]]) -> dict[str, Row]:
    """Stored rows of a profile; a type that is newer than they are has its shipped row."""
    shipped = PROFILES[profile]
    return {kind: Row(**data[kind]) if kind in data else shipped[kind] for kind in TYPES}  # type: ignore[arg-type]
