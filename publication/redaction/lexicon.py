"""What the recognisers know of the language: characters that look alike, and the lists of ``data/lexicon.toml``."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

_LISTS = tomllib.loads((Path(__file__).parent / "data" / "lexicon.toml").read_text(encoding="utf-8"))


def words(name: str) -> frozenset[str]:
    """A word list of the lexicon."""
    return frozenset(_LISTS["words"][name].split())


def characters(name: str) -> frozenset[str]:
    """A set of characters of the lexicon."""
    return frozenset("".join(_LISTS["characters"][name].split()))


def alternatives(items: frozenset[str] | tuple[str, ...]) -> str:
    """The words as a regular expression that prefers the longest."""
    return "|".join(re.escape(item) for item in sorted(items, key=lambda item: (-len(item), item)))


_LATIN_TWINS = (
    ("АВЕЅІЈКМНОРСТУХҮԌԚԜ", "ABESIJKMHOPCTYXYGQW"),
    ("аеѕіјкорсухһԁԛԝг", "aesijkopcyxhdqwr"),
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),
    ("αορυνικχ", "aopuvikx"),
    ("օսհԵ", "ouhE"),
    ("×✕✖", "xxx"),
    ("ɑɡıⅼ", "agil"),
)
LOOKALIKES: dict[str, str] = {
    odd: latin for odds, latins in _LATIN_TWINS for odd, latin in zip(odds, latins, strict=True)
}
LOOKALIKES |= {"З": "3", "з": "3", "❶": "1", "﹫": "@"}

# Radicals that copying from a PDF leaves in place of characters (those NFKC does not fold).
RADICALS: dict[str, str] = dict(
    zip(
        "⻢⻋⻔⻓⻰⻩⻘⻛⻜⻝⻥⻨⻬⻄⻅⻆⻉⺠⺟⻁⻣⺎⺩⺫⻊⻦⻙",
        "马车门长龙黄青风飞食鱼麦齐西见角贝民母虎骨尢王目足鸟韦",
        strict=True,
    )
)

# Traditional forms that occur in names and in the words around numbers.
TRADITIONAL: dict[str, str] = dict(
    zip(
        "張陳楊黃趙吳孫許馮鄧蔣韓葉蕭羅鄭謝蘇呂盧鍾譚陸賈鄒閻薛龍錢湯賀顧龔邵萬嚴溫馬劉華國偉麗軍傑強濤紅蘭鳳雲燕鵬輝燁慶"
        "電話號碼機證銀賬帳戶護車郵箱聯繫繋係裡區縣鄉鎮樓棟單號園東門門館鋪員師醫護親兒導書長處廳會務",
        "张陈杨黄赵吴孙许冯邓蒋韩叶萧罗郑谢苏吕卢钟谭陆贾邹阎薛龙钱汤贺顾龚邵万严温马刘华国伟丽军杰强涛红兰凤云燕鹏辉烨庆"
        "电话号码机证银账账户护车邮箱联系系系里区县乡镇楼栋单号园东门门馆铺员师医护亲儿导书长处厅会务",
        strict=True,
    )
)

COMPOUND_SURNAMES = words("compound_surnames")
SURNAMES = characters("surnames")
RISKY_SURNAMES = characters("risky_surnames")
TRUSTED_WHEN_TAGGED = characters("trusted_when_tagged")
GIVEN = characters("given")
TITLES = words("titles")
NAME_CONTEXTS = words("name_contexts")
# Titles that the standard profile writes itself, after a surname.
FORMS_OF_ADDRESS = ("先生", "女士", "小姐", "太太")

# A number directly after one of these is no secret (order, document and case numbers).
KEEP_NUMBER = re.compile(
    rf"(?:{alternatives(words('reference_numbers'))})(?:号码|编号|号|码|ID|id)?"
    r"[^0-9A-Za-z一-鿿\n]{0,4}[是为]?[^0-9A-Za-z一-鿿\n]{0,3}[A-Za-z]{0,6}[\-_]?\Z"
)
