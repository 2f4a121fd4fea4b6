"""The known-identity gate: no recorded name or number leaves in any spelling (PR-09, PUB-19)."""

from __future__ import annotations

import pytest

from publication.redaction import Known, leaks, redact
from publication.redaction.prefilter import Letters

KNOWN = Known(
    names=["张桂芳", "高明", "欧阳建国", "Anna Smith"],
    phones=["13812345678", "0731-88776655"],
    ids=["43010219900101123X"],
    emails=["gui.fang@qq.com"],
    addresses=["湖南省长沙市岳麓区麓山南路12号3栋501室"],
    plates=["湘A12345"],
    accounts=["6222021234567890123"],
    wechat=["zgf_8866"],
)

SPELLINGS = [
    ("张桂芳", "person"),
    ("张 桂 芳", "person"),
    ("张-桂-芳", "person"),
    ("张*桂*芳", "person"),
    ("张\u200b桂\u200d芳", "person"),
    ("张桂\n芳", "person"),
    ("張桂芳", "person"),
    ("⾼明", "person"),
    ("高 明", "person"),
    ("欧\u3000阳建国", "person"),
    ("ANNA  smith", "person"),
    ("Аnnа Smith", "person"),
    ("13812345678", "phone"),
    ("１３８１２３４５６７８", "phone"),
    ("138 1234\n5678", "phone"),
    ("壹叁捌壹贰叁肆伍陆柒捌", "phone"),
    ("幺三八幺二三四五六七八", "phone"),
    ("138,123,456,78", "phone"),
    ("l38l2345678", "phone"),
    ("88776655", "phone"),
    ("（0731）8877 6655", "phone"),
    ("430102 19900101 123х", "id_number"),
    ("gui.fаng(at)qq点com", "email"),
    ("ｇｕｉ.ｆａｎｇ＠ｑｑ.ｃｏｍ", "email"),
    ("麓山南路12号3栋501室", "address"),
    ("麓山南路１２号　三栋五〇一室", "address"),
    ("湘A·123 45", "license_plate"),
    ("湘А12345", "license_plate"),
    ("6222-0212-3456-7890-123", "bank_card"),
    ("Z G F 8866", "wechat"),
]


@pytest.mark.parametrize(("spelling", "kind"), SPELLINGS)
def test_any_spelling_of_a_known_identity_blocks(spelling: str, kind: str) -> None:
    text = f"经查，{spelling}。已答复"
    found = leaks(text, KNOWN)
    start = text.index(spelling)
    assert [(span.start, span.end, span.type, span.source) for span in found] == [
        (start, start + len(spelling), kind, "identity")
    ]


@pytest.mark.parametrize(("spelling", "kind"), SPELLINGS)
@pytest.mark.parametrize("profile", ["standard", "strict"])
def test_redaction_leaves_no_known_identity(spelling: str, kind: str, profile: str) -> None:
    result = redact(f"经查，{spelling}。已答复", KNOWN, profile)
    assert leaks(result.output, KNOWN) == []
    assert result.verdict != "block"
    assert result.output.startswith("经查，")
    assert result.output.endswith("。已答复")


LATIN = Known(names=["张三", "王小明先生", "欧阳建国", "李娜", "曾丽", "吕斌", "马德"])


@pytest.mark.parametrize(
    "spelling",
    [
        "Zhang San",
        "ZhangSan",
        "zhangsan",
        "San Zhang",
        "ZHANG, San",
        "Zhāng Sān",
        "zhang1 san1",
        "zhangsan1990",
        "Ｚｈａｎｇ　Ｓａｎ",
        "Z h a n g s a n",
        "张san",
        "Wang Xiaoming",
        "Xiao-Ming Wang",
        "wangxiaoming",
        "王 Xiaoming",
        "Ouyang Jianguo",
        "jianguo ouyang",
        "Li Na",
        "LiNa",
        "LINA",
        "na li",
        "Zeng Li",
        "Ceng Li",
        "Lv Bin",
        "Lü Bin",
        "Lyu Bin",
        "Ma De",
    ],
)
def test_pr_09_a_known_name_in_pinyin_blocks(spelling: str) -> None:
    """Surname first or last, together or apart, with tones or without, every reading of a character."""
    text = f"经查，{spelling} 来电反映。"
    assert [span.source for span in leaks(text, LATIN)] == ["identity"]
    result = redact(text, LATIN)
    assert leaks(result.output, LATIN) == []
    assert spelling.removesuffix("1990") not in result.output
    assert any(Letters(text).may_hold("name", name) for name in LATIN.names)


@pytest.mark.parametrize(
    "words",
    ["Zhang Sang", "zhangsang", "made in China", "Lina", "女包 lina", "Z.T.", "ZS", "三张发票", "wangxiaominger"],
)
def test_pr_13_words_that_only_begin_or_sound_like_a_known_name_stay(words: str) -> None:
    assert leaks(f"经查，{words}，已答复。", LATIN) == []


SPELT = Known(
    names=["张桂芳", "张伟", "王小明", "李娜", "吴三", "欧阳建国", "彭明", "龙安", "何伟"],
)


@pytest.mark.parametrize(
    "spelling",
    [
        "Z. Wei",
        "Z.Wei",
        "Wei Z.",
        "Zhang W.",
        "W. Zhang",
        "W.Z.",
        "Z. W.",
        "Z.W",
        "Z. Guifang",
        "Z. Gui-Fang",
        "G.F. Zhang",
        "GF Zhang",
        "Zhang, G. F.",
        "Zhang GF",
        "G. F. Chang",
        "Z.G.F.",
        "G.F.Z.",
        "Ｚ．Ｇ．Ｆ．",
        "张G.F.",
        "张GF",
        "O. Jianguo",
        "Ouyang J.G.",
        "He W.",
        "A. Long",
        "Chang Wei",
        "Ch'ang Kuei-fang",
        "Wang Hsiao-ming",
        "Cheung Wai",
        "Cheung Kwai Fong",
        "Wong Siu-ming",
        "WONG SIU MING",
        "Siu Ming Wong",
        "Lee Na",
        "Na Lee",
        "Ng Sam",
        "Auyeung Kin Kwok",
    ],
)
def test_pr_09_a_known_name_with_initials_or_spelt_as_abroad_blocks(spelling: str) -> None:
    """Initials; Wade-Giles; the spellings of Hong Kong and of South-East Asia."""
    text = f"经查，{spelling} 来电反映。"
    assert [(span.source, text[span.start : span.end]) for span in leaks(text, SPELT)] == [("identity", spelling)]
    assert leaks(redact(text, SPELT).output, SPELT) == []
    assert any(Letters(text).may_hold("name", name) for name in SPELT.names)


@pytest.mark.parametrize(
    "words",
    [
        "Zhang",
        "Mr. Chang",
        "Lee",
        "Wong",
        "A long road",
        "3 P.M.",
        "3 p.m.",
        "P.S.",
        "U.S.",
        "W.C.",
        "Z.T.",
        "ZW",
        "X.W.Z.",
        "Z. Weiss",
        "Zhang Ziyi",
        "Chang Jiang",
        "Wei Zhao",
        "Lee Kum Kee",
        "Ma Lee",
        "Wong Tai Sin",
        "He was",
        "He wants",
        "z. wei",
        "三张A4纸",
        "一张GPS",
        "张T恤",
        "made in Hong Kong",
    ],
)
def test_pr_13_a_surname_alone_other_initials_and_other_names_stay(words: str) -> None:
    assert leaks(f"经查，{words}，已答复。", SPELT) == []


PARTS_OF_THE_ADDRESS = [
    "3栋2单元501室",
    "3栋501",
    "３栋５０１",
    "三栋二单元五〇一",
    "叁栋 贰单元 伍零壹",
    "3-2-501",
    "3栋\n501室",
    "麓山南路12号",
    "麓山南路十二号",
    "麓山南路 拾贰号",
    "麓 山 南 路 12 号",
]


@pytest.mark.parametrize("part", PARTS_OF_THE_ADDRESS)
def test_pr_09_each_part_of_the_address_that_finds_the_door_blocks(part: str) -> None:
    text = f"住户在{part}，已答复"
    assert {(span.type, span.source) for span in leaks(text, KNOWN)} == {("address", "identity")}
    assert leaks(redact(text, KNOWN).output, KNOWN) == []


@pytest.mark.parametrize(
    "text",
    ["麓山南路的居民", "岳麓区3栋楼", "13栋501室", "3栋2单元1501室", "麓山南路112号", "十三栋五〇一", "第3、501条"],
)
def test_pr_13_other_houses_of_the_road_and_other_numbers_do_not_block(text: str) -> None:
    assert leaks(text, KNOWN) == []


@pytest.mark.parametrize("part", PARTS_OF_THE_ADDRESS)
def test_the_filter_before_the_gate_never_leaves_out_an_address_the_gate_finds(part: str) -> None:
    assert Letters(f"住户在{part}，已答复").may_hold("address", KNOWN.addresses[0])


@pytest.mark.parametrize(
    "text",
    [
        "电话138****5678",
        "身份证**************123X",
        "张女士来电",
        "张某来电",
        "长沙市岳麓区〔详细地址已隐去〕",
        "拨打12345",
        "桂花飘香",
        "12号楼",
    ],
)
def test_what_the_profile_writes_is_no_leak(text: str) -> None:
    assert leaks(text, KNOWN) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("电话13987654321", "phone"),
        ("身份证430102199001011234", "id_number"),
        ("邮箱someone@example.cn", "email"),
        ("车牌粤B54321", "license_plate"),
        ("卡号6222020000000000000", "bank_card"),
    ],
)
def test_unmasked_patterns_block_without_any_known_identity(text: str, kind: str) -> None:
    """PUB-19: the final scan needs no case record."""
    assert [span.type for span in leaks(text)] == [kind]


def test_values_too_short_to_mean_anything_are_ignored() -> None:
    assert leaks("张三是1号", Known(names=["张", ""], phones=["1"], ids=[" "], addresses=["1号"], wechat=["a"])) == []


def test_known_reads_json_and_names_the_wrong_field() -> None:
    assert Known.from_mapping({"names": ["张桂芳"]}) == Known(names=("张桂芳",))
    with pytest.raises(ValueError, match=r"known\.names: expected a list of strings"):
        Known.from_mapping({"names": "张桂芳"})
    with pytest.raises(ValueError, match=r"known\.surnames: unknown field"):
        Known.from_mapping({"surnames": []})
