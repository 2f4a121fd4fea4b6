"""Masking profiles as data: one row per type says what the public reads in place of a secret.

``standard`` follows the source's own rule (PUB-14, PUB-15, PUB-16, PUB-17); ``strict`` writes fixed tokens only,
so that neither length nor surname nor any digit can be read (PR-08).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from publication.redaction.lexicon import COMPOUND_SURNAMES, FORMS_OF_ADDRESS, SURNAMES, TITLES
from publication.redaction.normalise import characters_of_number, plain

Manner = Literal["token", "ends", "tail", "surname"]


@dataclass(frozen=True, slots=True)
class Row:
    """How one type is written. ``token`` stands wherever the manner cannot be applied."""

    manner: Manner
    token: str


class UnknownProfile(ValueError):
    """Asked for a profile that is not shipped."""


_TOKENS = {
    "person": "〔姓名已隐去〕",
    "phone": "〔电话已隐去〕",
    "landline": "〔电话已隐去〕",
    "id_number": "〔证件号已隐去〕",
    "passport": "〔证件号已隐去〕",
    "permit": "〔证件号已隐去〕",
    "bank_card": "〔银行卡号已隐去〕",
    "account": "〔账号已隐去〕",
    "license_plate": "〔车牌号已隐去〕",
    "email": "〔邮箱已隐去〕",
    "qq": "〔QQ号已隐去〕",
    "wechat": "〔微信号已隐去〕",
    "handle": "〔网络账号已隐去〕",
    "coordinates": "〔位置已隐去〕",
    "birth_date": "〔出生日期已隐去〕",
    "address": "〔详细地址已隐去〕",
}
_PARTIAL: dict[str, Manner] = {"person": "surname", "phone": "ends", "id_number": "tail"}

PROFILES: Mapping[str, Mapping[str, Row]] = {
    "standard": {kind: Row(_PARTIAL.get(kind, "token"), token) for kind, token in _TOKENS.items()},
    "strict": {kind: Row("token", token) for kind, token in _TOKENS.items()},
}
TYPES = tuple(_TOKENS)


def profile_named(name: str) -> Mapping[str, Row]:
    """The rows of a profile. Raises UnknownProfile."""
    try:
        return PROFILES[name]
    except KeyError:
        raise UnknownProfile(f"unknown profile {name!r}, expected one of {', '.join(PROFILES)}") from None


def surname_of(name: str) -> str:
    """The Chinese surname a name begins with, or an empty string (names of minorities and foreigners)."""
    if name[:2] in COMPOUND_SURNAMES:
        return name[:2]
    if "·" not in name and len(name) <= 4 and name[:1] in SURNAMES:
        return name[:1]
    return ""


def write(row: Row, secret: str, *, after: str, form: str) -> str:
    """The replacement for a secret.

    ``after`` is the text behind the secret, ``form`` the known form of address (女士, 先生).
    """
    if row.manner == "ends":
        digits = characters_of_number(secret)[-11:]
        if len(digits) == 11 and digits.isdigit() and digits[0] == "1":
            return f"{digits[:3]}****{digits[-4:]}"
    elif row.manner == "tail":
        number = characters_of_number(secret)
        if len(number) >= 14:
            return "*" * 14 + number[-4:].upper()
    elif row.manner == "surname":
        return _surname_form(row, secret, after, form)
    return row.token


def _surname_form(row: Row, secret: str, after: str, form: str) -> str:
    name = "".join(char for char in plain(secret) if char.isalnum() or char == "·")
    if name[:1] in "小老阿" and len(name) == 2:
        name = name[1:]
    surname = surname_of(name)
    if not surname:
        return row.token
    if after.startswith(FORMS_OF_ADDRESS):
        return surname
    if after.startswith(tuple(TITLES)):
        return surname + "某"
    return surname + (form or "某")
