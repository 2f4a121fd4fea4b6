"""What tells a person's name from ordinary words, places, shops and works."""

from __future__ import annotations

import re

from publication.redaction.lexicon import TITLES, alternatives, characters, words

NEVER_LAST = characters("never_last")
HARD_LAST = characters("hard_last")
NEVER_FIRST = characters("never_first")
SWALLOWED = NEVER_LAST | characters("swallowed")
GLUED = characters("glued")
SOUNDS = "".join(sorted(characters("sounds")))
NOT_GIVEN = words("not_given")
COMMON = words("common")
NOT_TITLED = words("not_titled")
ROLES = words("roles")
LATIN_ROLES = ROLES | words("latin_roles")
ENGLISH_FIRST_NAMES = words("english_first_names")
TITLED_BRANDS = words("titled_brands")
LATIN_SHOPS = words("latin_shops")
LATIN_WORD_AFTER = re.compile(r"(?:'s)? ?([A-Za-z]+)")
_TITLES = alternatives(frozenset(title for title in TITLES if len(title) >= 2))
TITLE_WORD = re.compile(f"(?:{_TITLES})")
_SHOP = alternatives(words("shops"))
SHOP_TITLE = re.compile(rf"(?:{_TITLES})[一-鿿A-Za-z0-9]{{0,3}}?(?:{_SHOP})")
SHOP_AFTER_LATIN = re.compile(rf" ?(?:{_SHOP}|咖啡|酒吧|品牌|牌)")
ORGANISATION_AFTER = re.compile(
    rf"(?:[一-鿿]{{0,2}}?(?:{_SHOP}|中学|小学|大学|学院|医院|基金会|博物馆|纪念馆|图书馆|美术馆|体育馆)"
    r"|[^\W在住是的到去于和说有买租从对将与被把反投举、]{0,3}?"
    r"(?:小区|花园|家园|公园|广场|大厦|国际|世家|公馆|社区|高架桥|驾校|学校|体校|幼儿园|街道|地铁|公路)"
    r"|记(?![者录得下载])|路(?![过上])|大道|大街|[东西南北中]路|镇(?!定)|乡(?![下里])|市(?!民)|村(?![民里委])|号(?![码0-9])"
    r"|[巷县区庄湾桥寺庙祠墓奖杯牌族式版]|故居|定理|法则|品牌|机场)"
)
PLACE_END = re.compile(r"(?:[省市区县镇乡村路街巷桥寺庙站港岛府楼阁苑冲坪塘]|大道|小区|广场)\Z")
SOUND_CLASSES = frozenset(["nr", "ns", "nz"])
NAME_CLASSES = frozenset(["nr", "nrt", "nrfg", "ns", "nz", "x"])
PLAIN_CLASSES = frozenset("vdapcmrtqus")
BEFORE_NAME = words("name_contexts") | words("titles") | {"有"}


def sounds_foreign(name: str) -> bool:
    """Whether a dotted name consists mostly of characters used for writing by sound."""
    parts = name.split("·")
    letters = "".join(parts)
    return (
        min(map(len, parts)) >= 1
        and max(map(len, parts)) >= 2
        and sum(char in SOUNDS for char in letters) * 3 >= len(letters) * 2
    )


ESTATE_END = re.compile(r"(?:[府阁苑城园湾庭院居郡邸轩座]|广场|国际|公馆|小区|项目)\Z")

# What follows a person's name; also where a name may begin and where a field ends.
FOLLOWS = re.compile(
    r"[,。;:、()\"”」》!?/\n 0-9]|\Z|[的将说称因在则也昨从自与和及就还都却已曾被把向让不没去来等]"
    r"|名下|身份|住在|账户|电话|手机|银行卡|申请|护照|户籍|同学|告诉|表示|认为|反映|投诉|介绍|指出|透露|接受|家属|本人|夫妇"
    r"|先生|女士|老师|医生|告知|要求|拒绝|拖欠|收取|近日|博客|微博"
)
CLAUSE_START = re.compile(r"\A|[,。;:、()\"“「《!?\n /]")
FIELD_END = re.compile(r"[,;(]|\Z")
# What only persons do.
ACTS = re.compile(r"、|的|和|说|表示|认为|称|透露|等人|等都|将|也|曾|受伤|接受|告诉|坦言|拒绝|复出|之外")
