"""Bank cards and account numbers, of companies too; social credit codes are public and stay."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stdnum import luhn

from publication.redaction.detectors.context import digits_only, is_reference_number
from publication.redaction.normalise import View
from publication.redaction.spans import Hit

_GAP = r"[ \t\r\n\-._·/]{0,2}"
_CARD = re.compile(r"(?<![0-9A-Za-z])[3-6][0-9]{12,18}(?![0-9A-Za-z])")
_GROUPED = re.compile(
    r"(?<![0-9A-Za-z])[3-6][0-9]{3}([ \-.·/_]{1,2})[0-9]{4}\1[0-9]{4}(?:\1[0-9]{1,4}){1,2}(?![0-9A-Za-z])"
)
_SPELT = re.compile(rf"(?<![0-9A-Za-z])6{_GAP}2(?:{_GAP}[0-9]){{14,17}}(?![0-9A-Za-z])")
_CARD_WORDS = r"(?:银行卡|卡号|借记卡|信用卡|储蓄卡|工资卡|存折|一卡通|医保卡|公交卡|card)"
_STATED_CARD = re.compile(
    rf"{_CARD_WORDS}(?!尾号|后四位|末四位)[^0-9A-Za-z\n。;]{{0,10}}([0-9](?:{_GAP}[0-9]){{8,24}})(?![0-9])", re.I
)
# After the name of a bank, a number as long as a card's is one, mistyped or not.
_BANK_BEFORE = re.compile(
    r"(?:银行|信用社|[工农建中交招光华广兴商]行|邮储)(?:借记|储蓄|信用|工资)?卡?[^0-9A-Za-z\n。;,]{0,4}\Z"
)
_ACCOUNT_WORDS = r"(?:账号|帐号|账户|帐户|户号|客户号|公积金号|汇至|汇入|打入|转入|开户行)"
_STATED_ACCOUNT = re.compile(
    rf"{_ACCOUNT_WORDS}[^0-9A-Za-z\n。;,]{{0,12}}([0-9](?:{_GAP}[0-9]){{6,27}})(?![0-9])(?! ?(?:元|万|亿|年|月))", re.I
)
_LOGIN = re.compile(
    r"(?:账号|帐号|账户名|用户名)[^0-9A-Za-z\n。;,]{0,4}"
    r"([A-Za-z](?=[A-Za-z_.\-]{0,30}[0-9_])[A-Za-z0-9_.\-]{3,31})(?![A-Za-z0-9@])"
)
_PREFIXES = ("62", "4", "51", "52", "53", "54", "55", "34", "35", "37", "60")


def find(view: View) -> Iterator[Hit]:
    for source in {view.text, view.digits}:
        for match in _STATED_CARD.finditer(source):
            yield Hit(*match.span(1), "bank_card", 0.95)
        for match in _STATED_ACCOUNT.finditer(source):
            yield Hit(*match.span(1), "account", 0.9)
        for pattern in (_CARD, _GROUPED, _SPELT):
            for match in pattern.finditer(source):
                number = digits_only(match.group())
                if not 13 <= len(number) <= 19 or not number.startswith(_PREFIXES):
                    continue
                of_bank = len(number) >= 16 and _BANK_BEFORE.search(
                    view.text[max(0, match.start() - 16) : match.start()]
                )
                if not (of_bank or luhn.is_valid(number)) or is_reference_number(view, match.start()):
                    continue
                yield Hit(*match.span(), "bank_card", 0.9)
    for match in _LOGIN.finditer(view.text):
        yield Hit(*match.span(1), "account", 0.7)
