"""E-mail, QQ, WeChat and other accounts by which a person can be reached."""

from __future__ import annotations

import re
from collections.abc import Iterator

from publication.redaction.normalise import View
from publication.redaction.spans import Hit

_AT = re.compile(r" ?(?:@|\(at\)|\[at\]|\{at\}|<at>|艾特|圈a|\(a\)|(?<=[0-9a-z]) at (?=[a-z0-9])) ?", re.I)
_LOCAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-")
_LABEL = r"[A-Za-z0-9][A-Za-z0-9\-]{0,62}"
_HOST = re.compile(rf"{_LABEL}(?: ?(?:\.|。|点|\(dot\)|\[dot\]|(?<=[0-9a-zA-Z]) dot ) ?{_LABEL}){{1,4}}", re.I)
_HASHED = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z0-9][A-Za-z0-9._\-]{2,40}#(?:qq|163|126|gmail|sina|foxmail|outlook|hotmail)\.(?:com|cn)",
    re.I,
)
# Accounts are found from the account backwards: runs of Latin letters and digits are rare in Chinese text.
_NUMBER = re.compile(
    r"(?:(?<![0-9A-Za-z])|(?<=(?<![A-Za-z])QQ)|(?<=(?<![A-Za-z])qq))"
    r"[1-9](?:[ \-.·]{0,2}[0-9]){4,11}(?![0-9@])(?! ?(?:元|万|年))"
)
_ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{3,30}(?![A-Za-z0-9@])")
_QQ_BEFORE = re.compile(
    r"(?:QQ|扣扣|企鹅|叩叩|球球|Q(?=群|号))(?:号码|号|群号|群|群聊)?[^0-9A-Za-z\n。;,]{0,4}\Z", re.I
)
_WECHAT_WORDS = (
    r"(?:微信|威信|薇信|徽信|维信|weixin|wechat|(?<![A-Za-z])(?:wx|vx|v信|v x)(?![A-Za-z])|加v|加我v|加薇|加微|绿泡泡)"
)
_JOINER = r"((?:账号|帐号|号码|号|群|id|昵称|用户名|用户|主页|名)?[:是为叫=\->\"“「(]{0,4}[ ]?[@:是为]?[ ]{0,2})\Z"
_WECHAT_BEFORE = re.compile(_WECHAT_WORDS + _JOINER, re.I)
_HANDLE_WORDS = (
    "(?:抖音|快手|微博|小红书|B站|哔哩哔哩|知乎|头条|贴吧|豆瓣|陌陌|探探|钉钉|飞书|支付宝|淘宝|旺旺|闲鱼|Telegram|电报|Twitter|推特"
    "|Facebook|脸书|Instagram|Line|WhatsApp|Skype|Discord|TikTok)"
)
_HANDLE_BEFORE = re.compile(_HANDLE_WORDS + _JOINER, re.I)
_LOOK_BACK = 24
_CALLED = re.compile(r"(?:昵称|微信名|QQ名|网名)[:是为叫\"“「]{1,3}([^\s,。;，、!?\"”」()]{2,16})", re.I)
_MENTION = re.compile(r"(?<![A-Za-z0-9._%+\-])@([A-Za-z][A-Za-z0-9_]{3,30})(?![A-Za-z0-9_.@])")
_PROFILE_URL = re.compile(
    r"(?:weibo\.com|douyin\.com/user|twitter\.com|(?<![a-z])x\.com|facebook\.com|instagram\.com|t\.me"
    r"|space\.bilibili\.com|zhihu\.com/people)/(?:u/|n/)?([A-Za-z0-9_.\-]{3,60})",
    re.I,
)


def emails(view: View) -> Iterator[Hit]:
    """Grow each address around its at-sign, so that the cost stays linear however many signs there are."""
    text = view.text
    floor = 0
    for at in _AT.finditer(text):
        start = at.start()
        while start > floor and text[start - 1] in _LOCAL:
            start -= 1
        while start < at.start() and text[start] in ".-":
            start += 1
        host = _HOST.match(text, at.end())
        if start == at.start() or host is None or not host.group().rstrip()[-1].isalpha():
            floor = at.start()
            continue
        floor = host.end()
        yield Hit(start, host.end(), "email", 0.95)
    for match in _HASHED.finditer(text):
        yield Hit(*match.span(), "email", 0.85)


def _account_like(joiner: str, name: str) -> bool:
    """Without 号 or a colon between, only something with a digit or underscore is an account, not a product word."""
    if joiner.strip(" "):
        return True
    return (any(char.isdigit() for char in name) and len(name) >= 6) or "_" in name


def find(view: View) -> Iterator[Hit]:
    yield from emails(view)
    for source in {view.text, view.digits}:
        for match in _NUMBER.finditer(source):
            if _QQ_BEFORE.search(view.text[max(0, match.start() - _LOOK_BACK) : match.start()]):
                yield Hit(*match.span(), "qq", 0.9)
    text = view.text
    for match in _ACCOUNT.finditer(text):
        before = text[max(0, match.start() - _LOOK_BACK) : match.start()]
        for pattern, kind in ((_WECHAT_BEFORE, "wechat"), (_HANDLE_BEFORE, "handle")):
            words = pattern.search(before)
            if words and _account_like(words.group(1), match.group()):
                yield Hit(*match.span(), kind, 0.85)
    for match in _CALLED.finditer(text):
        yield Hit(*match.span(1), "handle", 0.7)
    for match in _MENTION.finditer(text):
        yield Hit(*match.span(1), "handle", 0.7)
    for match in _PROFILE_URL.finditer(text):
        yield Hit(*match.span(1), "handle", 0.8)
