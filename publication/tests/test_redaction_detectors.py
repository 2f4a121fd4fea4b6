"""Secrets in every writing are found and near misses stay (PUB-14 to PUB-17, PUB-19, PR-13)."""

from __future__ import annotations

from collections import Counter

import pytest

from publication.redaction import find, redact
from publication.tests.redaction_cases import KINDS, Case, kept_table, plain_table, tricky_table


def found_whole(case: Case) -> bool:
    start, end = case.span
    hidden = {index for span in find(case.text) for index in range(span.start, span.end)}
    return all(index in hidden or not case.text[index].isalnum() for index in range(start, end))


@pytest.mark.parametrize("kind", sorted({kind.type for kind in KINDS}))
def test_plain_full_width_and_separated_secrets_are_all_found(kind: str) -> None:
    missed = [case for case in plain_table(per_frame=3) if case.type == kind and not found_whole(case)]
    assert missed == []


@pytest.mark.parametrize("kind", sorted({kind.type for kind in KINDS}))
def test_a_secret_is_reported_under_its_type(kind: str) -> None:
    for case in plain_table(per_frame=1):
        if case.type == kind and case.writing == "plain":
            start, end = case.span
            assert kind in {span.type for span in find(case.text) if span.start < end and start < span.end}, case


def test_tricky_writing_is_found_in_at_least_95_percent_of_each_type() -> None:
    total, found = Counter[str](), Counter[str]()
    for case in tricky_table(per_frame=2):
        total[case.type] += 1
        found[case.type] += found_whole(case)
    assert {kind: found[kind] / total[kind] for kind in total if found[kind] / total[kind] < 0.95} == {}


@pytest.mark.parametrize("text", list(dict.fromkeys(kept_table(rounds=2))))
def test_near_misses_stay(text: str) -> None:
    """PR-13: orders, documents, laws, amounts, dates, hotlines, organisations, ordinary words."""
    assert redact(text).output == text


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("身份证号430102199001011234有误", "430102199001011234"),
        ("卡号6222021234567890123打错", "6222021234567890123"),
        ("身份证4301021990010112", "4301021990010112"),
    ],
)
def test_mistyped_numbers_with_a_context_word_are_masked(text: str, secret: str) -> None:
    """People mistype: a wrong checksum or length does not make a number public."""
    assert [text[span.start : span.end] for span in find(text)] == [secret]


@pytest.mark.parametrize(
    ("text", "name", "kept"),
    [
        ("王师傅修理", "王", "师傅"),
        ("欧阳老师讲课", "欧阳", "老师"),
        ("外教Tony老师上课", "Tony", "老师"),
        ("柜员小李未按规定办理", "小李", "柜员"),
    ],
)
def test_the_name_before_a_title_goes_and_the_title_stays(text: str, name: str, kept: str) -> None:
    assert [text[span.start : span.end] for span in find(text)] == [name]
    assert kept in redact(text, profile="strict").output


@pytest.mark.parametrize(
    ("text", "secret", "kind"),
    [
        ("加QQ123456789联系", "123456789", "qq"),
        ("打159 12 34 09 87找我", "159 12 34 09 87", "phone"),
        ("香港身份证A123456(7)有误", "A123456(7)", "id_number"),
        ("澳门居民证1234567(8)", "1234567(8)", "id_number"),
        ("社保卡号A12345678", "A12345678", "id_number"),
        ("永居证CHN110188010101", "CHN110188010101", "permit"),
        ("退到工行卡6222 0212 3456 7890", "6222 0212 3456 7890", "bank_card"),
        ("建行6217001234567890123没到账", "6217001234567890123", "bank_card"),
        ("店员小刘态度差", "小刘", "person"),
        ("家住滨江区长河街道天官社区4区12号，楼下", "4区12号", "address"),
        ("住址：江南春城3-2-501", "江南春城3-2-501", "address"),
    ],
)
def test_secrets_in_the_ways_people_write_them(text: str, secret: str, kind: str) -> None:
    """PUB-15, PUB-16, PUB-17: glued to their word, in pairs, with brackets, mistyped after the name of a bank."""
    assert [(text[span.start : span.end], span.type) for span in find(text)] == [(secret, kind)]


@pytest.mark.parametrize(
    "text",
    [
        "QQ音乐扣费",
        "住在3号线附近",
        "住在这里3年了",
        "收费员小费",
        "银行回复：2026101512345678",
        "日期18 12 25 19 01 02",
        "建设银行订单号6217001234567890",
    ],
)
def test_pr_13_what_only_looks_like_it_stays(text: str) -> None:
    assert redact(text).output == text


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("接待 Mr. Smith 并道歉", "Smith"),
        ("Mr Smith来电", "Smith"),
        ("MRS BROWN 要求退款", "BROWN"),
        ("Dr. Lee 认为", "Lee"),
        ("Ms Zhang 投诉", "Zhang"),
        ("mr. wang 反映", "wang"),
        ("Miss Mary Jane Watson 说", "Mary Jane Watson"),
        ("Prof. Chen-Li Wang 签字", "Chen-Li Wang"),
        ("Mr. O'Brien 在店内滑倒", "O'Brien"),
        ("客户 John 反映", "John"),
    ],
)
def test_pub_14_the_name_after_an_english_title_goes_and_the_title_stays(text: str, name: str) -> None:
    """Brands and shops that carry a title are among the near misses (redaction_cases.KEPT)."""
    assert redact(text).output == text.replace(name, "〔姓名已隐去〕")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Zhang Wei complained", "Zhang Wei"),
        ("Yesterday Zhang Wei called us", "Zhang Wei"),
        ("ZHANG Wei signed", "ZHANG Wei"),
        ("LI GUIFANG LEFT", "LI GUIFANG"),
        ("Wei Zhang waited", "Wei Zhang"),
        ("Guifang Li's phone was off", "Guifang Li"),
        ("Wang Xiao Ming came", "Wang Xiao Ming"),
        ("Chen Li-Hua and her son", "Chen Li-Hua"),
        ("Huang Jing'an asked", "Huang Jing'an"),
        ("Ouyang Xiu was told", "Ouyang Xiu"),
        ("Liu Yang is ill", "Liu Yang"),
        ("Zhāng Wěi left", "Zhāng Wěi"),
        ("Lü Dongbin paid", "Lü Dongbin"),
        ("Ｚｈａｎｇ Ｗｅｉ came", "Ｚｈａｎｇ Ｗｅｉ"),
        ("the man was Zhang\nWei, he said", "Zhang\nWei"),
        ("投诉人 Zhang Guifang 反映", "Zhang Guifang"),
        ("Tang Wei Complained Again", "Tang Wei"),
    ],
)
def test_pub_14_a_name_in_pinyin_needs_no_title(text: str, name: str) -> None:
    """Places, shops, brands and dishes in pinyin are among the near misses (redaction_cases.KEPT)."""
    assert redact(text).output == text.replace(name, "〔姓名已隐去〕")


def test_pub_14_a_list_has_one_name_on_each_line() -> None:
    assert redact("Zhang Wei\nLi Na\nWang Fang").output.split("\n") == ["〔姓名已隐去〕"] * 3


def test_a_name_once_recognised_is_found_wherever_it_stands() -> None:
    text = "投诉人：许红连。后来许红连又来，大家都认得许红连了"
    assert [text[span.start : span.end] for span in find(text)] == ["许红连"] * 3


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("请到人民路88号市政务服务中心办理", True),
        ("张记面馆位于五一大道12号", True),
        ("张记面馆(五一大道12号门店)关门", False),
        ("经营场所在幸福小区3栋502室", False),
        ("五一大道12号的快捷酒店分店", False),
    ],
)
def test_premises_stay_but_branches_and_homes_go(text: str, kept: bool) -> None:
    """PUB-17: an organisation's address is public, a branch's or a home used as premises is not."""
    assert (redact(text).output == text) is kept
