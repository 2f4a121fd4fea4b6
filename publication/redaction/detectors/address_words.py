"""What tells an address from ordinary words, and an organisation's premises from a home."""

from __future__ import annotations

import re

from publication.redaction.lexicon import alternatives, words
from publication.redaction.tokens import Token

# A kind of road at the end of its name, not the beginning of 路灯 or 街道.
ROADS = (
    r"(?:大道|大街|步行街|环线|里弄|胡同|弄(?=[0-9])|(?<![0-9])巷(?!道)|街(?![道坊舞区上头])|街(?=口|上|区)"
    r"|路(?![灯口面过上况边人由线径程费障政标基桥网])|路(?=路|口|上|边|与))"
)
ESTATES = rf"(?:{alternatives(words('estates'))}|(?:大厦|写字楼|商务楼)(?=[0-9A-Z一二三四五六七八九十]))"
INNER = (
    "[一-鿿A-Za-z]{2,8}?(?:小区|花园|家园|公寓|花苑|苑|新村|庄园|山庄|大厦|公馆|府|城|宿舍|家属院|大院|广场|中心|村)"
)
# Also kinds of buildings; without a number only a proper noun before them makes a name.
WEAK_SUFFIXES = frozenset(
    [
        "别墅",
        "公寓",
        "家园",
        "庄园",
        "公馆",
        "新城",
        "花园",
        "安置房",
        "安置区",
        "新村",
        "世家",
        "人家",
        "学府",
        "小筑",
        "名城",
    ]
)
NUMBERED_SUFFIXES = frozenset({"大院", "宿舍"})
ESTATE_KINDS = WEAK_SUFFIXES | NUMBERED_SUFFIXES | {"小区"}
PROPER_CLASSES = frozenset(["nr", "nrt", "nrfg", "ns", "nt", "nz", "x", "j"])
ROUTE_NUMBER = re.compile(r"[0-9A-Z]+|.*几")

PROPER = re.compile(r"[一-鿿A-Za-z0-9·]+")
_STOP_WORDS = words("address_stops")
_COMMON_NOUNS = words("common_nouns")
_STOP_CLASSES = ("r", "p", "c", "u", "y", "d", "w", "e", "o")
_ODD_CLASSES = ("v", "t", "m", "q", "f", "a", "i", "l")


_NUMERALS = re.compile("[一二三四五六七八九十]{1,4}")


def stops(token: Token, *, lenient: bool) -> bool:
    """Whether a word cannot be part of the proper name of a road or estate."""
    if token.word in _STOP_WORDS or token.tag[:1] in _STOP_CLASSES:
        return True
    if token.tag == "m" and _NUMERALS.fullmatch(token.word):
        return False
    if lenient:
        return token.tag[:1] == "v" and len(token.word) == 1
    return token.tag[:1] in _ODD_CLASSES or (token.tag[:1] == "n" and token.tag == "n" and token.word in _COMMON_NOUNS)


DIRECTIONS = frozenset("东西南北中")
# Kinds of roads and estates, never names.
GENERIC = words("generic")
# Everyday words that name a road or estate only when a number follows.
GENERIC_ALONE = words("generic_alone")
GENERIC_END = re.compile(
    r"(?:高速公|[铁公马道线电网思出走修半问迷盲岔几分坡顺末阻之串条的]|情一|住宅|老旧|安置|封闭|商业|我们|这个|该)\Z"
)

_ORGANISATION = alternatives(words("organisations"))
PART_OF_ORGANISATION = re.compile(rf"[一-鿿]{{0,4}}?(?:{_ORGANISATION})")
BREAK = re.compile(r"[。;!?\n]|与|和|及|到|至|、|从|在|是|由|,")
_FILLER = r"[^\W的在住是到去于和与有我你他她,、]{0,10}?"
OWNER_AFTER = re.compile(rf" ?(?:的|\()?{_FILLER}(?:{_ORGANISATION})(?!老板|员工|门口|附近|对面|旁)")
OWNER_BEFORE = re.compile(
    rf"(?:{_ORGANISATION}|政府|法院|检察院|公安|税务|大厅|部门|单位)(?:总部|本部)?的?[\"”」]?[:,(]?"
    "(?:注册|经营|办公|营业|生产|办事|接访|来访|联系|详细)?(?:地址|地点|住所|场所)?"
    "(?:位于|地处|坐落于|坐落在|设在|设于|地址|住所|[:为是(]){1,2}[: ]?[一-鿿A-Z0-9]{0,16}"
    r"\Z"
)
CLAUSE = re.compile(r"[^,。;!?\n]{0,16}")
BRANCH = re.compile(
    r"(?:门店|分店|连锁店|专卖店|旗舰店|直营店|营业厅|营业部|支行|分行|网点|分公司|分理处|加盟店|体验店)"
)
HOME = re.compile(r"小区|花园|家园|公寓|苑|新村|单元|宿舍|家属院|别墅|村.{0,6}组|[0-9]室|[栋幢][ ]?[0-9]{3,4}")
QUANTITY_AFTER = re.compile(r"(?:楼房|房子|房屋|住房|民房|别墅|住宅|危房|厂房|建筑|大楼|高楼|桥|山|塔|的?房)")
