"""What the redaction engine promises for any text (PUB-14 to PUB-19, PR-08 to PR-11)."""

from __future__ import annotations

import re
import time
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publication.redaction import PROFILES, TYPES, Known, Redaction, UnknownProfile, leaks, redact
from publication.redaction.normalise import View

TOKEN = re.compile(r"〔[^〔〕]{2,6}已隐去〕")


def types(text: str, known: Known | None = None) -> list[tuple[str, str]]:
    return [(span.type, text[span.start : span.end]) for span in redact(text, known).spans]


class TestStandardProfile:
    """The source's own rule of writing."""

    @pytest.mark.parametrize(
        ("text", "output"),
        [
            ("张桂芳女士反映", "张女士反映"),
            ("投诉人：李建国，男，53岁", "投诉人：李先生，男，53岁"),
            ("我叫张桂芳，是业主", "我叫张某，是业主"),
            ("投诉人：欧阳建国，电话见附件", "投诉人：欧阳某，电话见附件"),
            ("联系人：买买提·吐尔逊。", "联系人：〔姓名已隐去〕。"),
        ],
    )
    def test_names_become_surname_and_form_of_address(self, text: str, output: str) -> None:
        """PUB-14."""
        assert redact(text).output == output

    def test_form_of_address_comes_from_the_recorded_identity(self) -> None:
        """PUB-14: the case record says 女士, the text does not."""
        assert redact("张桂芳来电", Known(names=["张桂芳女士"])).output == "张女士来电"

    @pytest.mark.parametrize(
        "written",
        ["13812345678", "１３８１２３４５６７８", "138-1234-5678", "一三八一二三四五六七八", "+86 138 1234 5678"],
    )
    def test_mobile_keeps_three_and_four_digits(self, written: str) -> None:
        """PUB-15: 138****1234 whatever the writing."""
        assert redact(f"电话{written}。").output == "电话138****5678。"

    @pytest.mark.parametrize("invisible", ["\u200b", "\u00ad", "\u3164", "\u2800", "\u202e", "\ufe0f", "\U000e0031"])
    def test_invisible_characters_do_not_hide_a_number(self, invisible: str) -> None:
        """PUB-15: fillers, direction marks, selectors and tags inside a number."""
        assert redact(f"电话{invisible.join('13812345678')}。").output == "电话138****5678。"

    def test_identity_card_keeps_the_last_four(self) -> None:
        """PUB-16."""
        assert redact("身份证43010219900101123X。").output == "身份证**************123X。"

    def test_address_keeps_the_district(self) -> None:
        """PUB-17."""
        text = "家住湖南省长沙市岳麓区麓山南路12号3栋2单元501室，"
        assert redact(text).output == "家住湖南省长沙市岳麓区〔详细地址已隐去〕，"

    def test_partial_masks_are_warned_about(self) -> None:
        """PUB-19: a person decides on what stays readable."""
        result = redact("电话13812345678")
        assert (result.verdict, result.reasons) == ("warn", ["partial:phone"])

    def test_text_without_secrets_passes_unchanged(self) -> None:
        text = "小区电梯经常故障，物业说下周维修。"
        assert redact(text) == Redaction(spans=[], output=text, verdict="pass", reasons=[])


class TestStrictProfile:
    def test_no_surname_and_no_digit_of_a_secret_remains(self) -> None:
        """PR-08."""
        text = "王师傅和张桂芳女士，电话13812345678，身份证43010219900101123X，车牌湘A12345，住岳麓区麓山南路12号3栋"
        output = redact(text, profile="strict").output
        assert not re.search(r"[王张0-9]", output)
        assert "师傅" in output
        assert "女士" in output

    def test_names_of_different_length_read_the_same(self) -> None:
        """PR-08: the mask tells neither length nor surname."""
        short, long = (redact(f"投诉人：{name}，", profile="strict").output for name in ("王芳", "欧阳建国"))
        assert short == long == "投诉人：〔姓名已隐去〕，"


class TestProfilesAreData:
    def test_every_type_has_a_row_in_every_profile(self) -> None:
        assert {name: set(rows) for name, rows in PROFILES.items()} == {"standard": set(TYPES), "strict": set(TYPES)}

    def test_every_token_counts_as_masked(self) -> None:
        """Otherwise a second run could read meaning into it."""
        tokens = {row.token for rows in PROFILES.values() for row in rows.values()}
        assert {token for token in tokens if View.of(token).text.strip("\n")} == set()

    def test_an_unknown_profile_is_refused_by_name(self) -> None:
        with pytest.raises(UnknownProfile, match="'lenient', expected one of standard, strict"):
            redact("", profile="lenient")


class TestOffsets:
    def test_emoji_and_astral_digits_before_a_secret_do_not_shift_it(self) -> None:
        """PR-10: code points, not UTF-16 units."""
        text = "😀👨‍👩‍👧𝟙㈱½：电话𝟏𝟑𝟖𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖，谢谢"
        [span] = redact(text).spans
        assert text[span.start : span.end] == "𝟏𝟑𝟖𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖"

    def test_a_ligature_inside_a_secret_is_masked_whole(self) -> None:
        """PR-11: ⑫ is one character of the original and two of the copy."""
        text = "电话138⑫345678。"
        assert types(text) == [("phone", "138⑫345678")]

    @given(st.text(max_size=60))
    def test_every_character_of_the_copy_knows_its_place(self, text: str) -> None:
        view = View.of(text)
        assert len(view.text) == len(view.digits) == len(view.starts) == len(view.ends)
        assert all(0 <= start < end <= len(text) for start, end in zip(view.starts, view.ends, strict=True))
        assert list(view.starts) == sorted(view.starts)


PIECES = st.sampled_from(
    [
        "13812345678",
        "１３８ １２３４ ５６７８",
        "一三八一二三四五六七八",
        "0731-88776655",
        "43010219900101123X",
        "6222021234567890128",
        "湘A12345",
        "abc@qq.com",
        "微信号：abc_1234",
        "QQ：123456789",
        "张桂芳",
        "王师傅",
        "欧阳老师",
        "买买提·吐尔逊",
        "Tony老师",
        "麓山南路12号3栋",
        "幸福小区",
        "长沙市岳麓区",
        "电话",
        "身份证",
        "账号",
        "联系人：",
        "住在",
        "订单号",
        "女士",
        "先生",
        "某",
        "说",
        "的",
        "，",
        "。",
        "\n",
        " ",
        "😀",
        "\u200b",
        "\x00",
        "\ud800",
        "㈱",
        "1",
        "5",
        "一",
        "路",
        "号",
        "138****5678",
        "**************123X",
        "〔电话已隐去〕",
        "张某",
        "(",
        "）",
    ]
)
TEXTS = st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=80)


class TestProperties:
    @settings(max_examples=150, deadline=None)
    @given(TEXTS, st.sampled_from(sorted(PROFILES)))
    def test_masking_only_removes_and_writes_tokens(self, text: str, profile: str) -> None:
        """PR-11: outside the spans the text is untouched; spans are sorted and disjoint."""
        result = redact(text, profile=profile)
        rebuilt, at = [], 0
        for span in result.spans:
            assert at <= span.start < span.end <= len(text)
            rebuilt += [text[at : span.start], span.replacement]
            at = span.end
        assert "".join([*rebuilt, text[at:]]) == result.output

    @settings(max_examples=150, deadline=None)
    @given(TEXTS)
    def test_output_without_tokens_is_a_subsequence_of_the_source(self, text: str) -> None:
        """PR-11, in the strict profile, where every replacement is a token."""
        rest = iter(text)
        assert all(char in rest for char in TOKEN.sub("", redact(TOKEN.sub("", text), profile="strict").output))

    @settings(max_examples=250, deadline=None)
    @given(TEXTS, st.sampled_from(sorted(PROFILES)))
    def test_masked_text_stays_as_it_is(self, text: str, profile: str) -> None:
        """A second run changes nothing."""
        once = redact(text, profile=profile).output
        assert redact(once, profile=profile).output == once

    @settings(max_examples=120, deadline=None)
    @given(TEXTS)
    def test_what_was_masked_does_not_block(self, text: str) -> None:
        """PUB-19: the gate finds nothing in the engine's own output."""
        assert leaks(redact(text).output) == []

    @settings(max_examples=120, deadline=None)
    @given(st.text(st.characters(exclude_categories=()), max_size=200))
    def test_no_text_raises(self, text: str) -> None:
        redact(text)
        leaks(text, Known(**{field.name: [text] for field in fields(Known)}))


@pytest.mark.parametrize(
    "unit",
    [
        "1",
        "1 ",
        "1-3",
        "a@",
        "王",
        "王老师",
        "人民路",
        "3栋2单元",
        "阿·",
        "身份证号：",
        "(",
        "Aa ",
        "Zhang Wei. ",
        "Zhang Wei\n",
        "一二三",
        "1\u200b",
        "人民路1号的",
        "\u0301",
        "微信",
    ],
)
def test_adversarial_text_costs_linear_time(unit: str) -> None:
    """PR-17: 100 kB take less than a second of one core; a busy machine gets three attempts."""
    text = (unit * 100_000).encode()[:100_000].decode(errors="ignore")
    redact(text[:100])
    assert any(_seconds(text) < 1.0 for _ in range(3))


def _seconds(text: str) -> float:
    began = time.process_time()
    redact(text)
    return time.process_time() - began
