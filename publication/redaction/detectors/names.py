"""Names of natural persons (PUB-14): word classes first, then titles, context words and the shape of names.

Organisations and shops named after someone (张记面馆, 王先生火锅店) are no persons and stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publication.redaction.detectors import foreign_names, pinyin_names
from publication.redaction.detectors import person_words as words
from publication.redaction.detectors.name_reader import NameReader, chinese
from publication.redaction.lexicon import (
    COMPOUND_SURNAMES,
    FORMS_OF_ADDRESS,
    GIVEN,
    NAME_CONTEXTS,
    RISKY_SURNAMES,
    SURNAMES,
    TITLES,
    TRUSTED_WHEN_TAGGED,
    alternatives,
)
from publication.redaction.normalise import View
from publication.redaction.spans import Hit
from publication.redaction.tokens import Token

_SURNAME = f"(?:{'|'.join(COMPOUND_SURNAMES)}|[{''.join(sorted(SURNAMES))}])"
_TITLE = f"(?:{alternatives(TITLES)})"
_TITLED = re.compile(
    rf"(?:[小老]?({_SURNAME})|(?<![A-Za-z])([A-Z][a-z]{{1,14}}))(?=[ ]?(?:{_TITLE}|[总工](?=[,。、;:说的和与]|\Z)))"
)
_NICK_SURNAMES = "".join(sorted(SURNAMES - set("的板家师大小路区年时学人费")))
_NICK = re.compile(rf"[小老阿][{_NICK_SURNAMES}](?=[,。、;:!?的说讲在和与跟同把被给告未没不要称因将也已又还就 ]|\Z)")
# After a post in a shop or an office the name stands whatever follows: 店员小刘态度差.
_NICK_AT_POST = re.compile(
    r"(?<=店员|柜员|银员|递员|务员|人员|理员|格员|导员|售员|客服|护士|保安|司机|房东|邻居|同事|店长|经理|队长|班长|组长|会计)"
    rf"[小老][{_NICK_SURNAMES}]"
)
_CONTEXT = re.compile(
    rf"(?:{alternatives(NAME_CONTEXTS)})(?:姓名|名字|名)?([ ]?[:为是叫\-]?[ ]?[(\"“「]?)(?={_SURNAME})"
)
# Another name of the same person: 小天王欧文(Owen), Sky(李晓峰).
_ALIAS_AFTER = re.compile(r"\(([A-Za-z][A-Za-z .·'\-]{2,40})(?:\)|\Z)")
_ALIAS_BEFORE = re.compile(r"(?<![A-Za-z0-9])([A-Z][A-Za-z]{1,19})\(\Z")

# What the first word of a name without a tag can begin with.
_OPENING = SURNAMES | words.GLUED | frozenset(surname[0] for surname in COMPOUND_SURNAMES)


def find(view: View) -> Iterator[Hit]:
    """Names with their places, in no particular order; the same name is found wherever it stands again."""
    reader = NameReader(view.text)
    found: dict[tuple[int, int], float] = {}
    for start, end, confidence in _candidates(reader):
        if "某" in view.text[start : end + 1] or reader.names_an_organisation(end):
            continue
        name = view.text[start:end]
        if not name or name in words.COMMON or (len(name) >= 3 and confidence < 0.9 and words.PLACE_END.search(name)):
            continue
        found[start, end] = max(confidence, found.get((start, end), 0.0))
    for (start, end), confidence in found.items():
        yield Hit(start, end, "person", confidence)
        for alias in (_ALIAS_AFTER.match(view.text, end), _ALIAS_BEFORE.search(view.text[max(0, start - 24) : start])):
            if alias is not None and not alias.group(1).isupper():
                offset = max(0, start - 24) if alias.re is _ALIAS_BEFORE else 0
                yield Hit(alias.start(1) + offset, alias.end(1) + offset, "person", 0.65)
    yield from _again(reader, found)


def _again(reader: NameReader, found: dict[tuple[int, int], float]) -> Iterator[Hit]:
    sure = {
        reader.text[start:end] for (start, end), confidence in found.items() if confidence >= 0.8 and end - start >= 3
    }
    if not sure:
        return
    for match in re.finditer("|".join(map(re.escape, sorted(sure, key=len, reverse=True))), reader.text):
        if match.span() not in found and not reader.names_an_organisation(match.end()):
            yield Hit(*match.span(), "person", 0.8)


def _candidates(reader: NameReader) -> Iterator[tuple[int, int, float]]:
    yield from _by_context(reader)
    yield from _by_position(reader)
    yield from _by_title(reader)
    yield from _by_word_class(reader)
    yield from _by_shape(reader)
    yield from foreign_names.candidates(reader)
    yield from pinyin_names.candidates(reader.text)


def _by_context(reader: NameReader) -> Iterator[tuple[int, int, float]]:
    for match in _CONTEXT.finditer(reader.text):
        start = match.end()
        stated = match.group(1).strip() != "" and match.group(1).strip() not in {"是", "为", "叫"}
        end = reader.full_name(start, liberal=True) if stated else 0
        end = end or reader.followed_name(start)
        if not end and (match.group(1) or start in reader.borders):
            end = reader.full_name(start, liberal=False)
        if end:
            yield start, end, 0.95 if stated else 0.85
            yield from _listed(reader, end)


def _listed(reader: NameReader, end: int) -> Iterator[tuple[int, int, float]]:
    """Further names of an enumeration: 张三、李四和王五."""
    while end < len(reader.text) and reader.text[end] in "、和与及,":
        start = end + 1
        following = reader.full_name(start, liberal=reader.text[end] == "、")
        if not following:
            return
        yield start, following, 0.8
        end = following


def _by_position(reader: NameReader) -> Iterator[tuple[int, int, float]]:
    """A name that opens a clause or fills a field, followed by what follows names."""
    for match in words.CLAUSE_START.finditer(reader.text):
        start = match.end()
        end = reader.followed_name(start)
        if not end and match.group()[-1:] in ":;":
            end = reader.surname_size(start) and start + reader.surname_size(start) + 1
            if not (end and words.FIELD_END.match(reader.text, end) and reader.given(end - 1, end, liberal=False)):
                continue
        if not end or (
            end - start == 2 and reader.text[start] in RISKY_SURNAMES and not words.FIELD_END.match(reader.text, end)
        ):
            continue
        token = reader.starting.get(start)
        if token is not None and token.end >= end and token.tag[:1] in "vadcptr" and match.group()[-1:] not in ":;":
            continue
        yield start, end, 0.8 if end - start > 2 else 0.7


def _by_title(reader: NameReader) -> Iterator[tuple[int, int, float]]:
    for match in _TITLED.finditer(reader.text):
        group = 1 if match.group(1) else 2
        start, end = match.span(group)
        title_at = match.end()
        if words.SHOP_TITLE.match(reader.text, title_at):
            continue
        if group == 1 and not (
            reader.text[title_at : title_at + 2] in FORMS_OF_ADDRESS
            or _stands_alone(reader, match.start(), start, title_at)
        ):
            continue
        yield start, end, 0.9
    for match in (*_NICK.finditer(reader.text), *_NICK_AT_POST.finditer(reader.text)):
        if match.start() in reader.borders and match.group() not in words.COMMON:
            yield *match.span(), 0.7
    for match in words.TITLE_WORD.finditer(reader.text):
        for size in (3, 2, 4):
            start = match.start() - size
            if start >= 0 and start in reader.borders and reader.titled_name(start, match.start()):
                yield start, match.start(), 0.9
                break


def _stands_alone(reader: NameReader, word_at: int, start: int, title_at: int) -> bool:
    """Whether the surname before a title is no tail of another word: 城管队长, 中学校长, 高级工程师, 小车司机."""
    if word_at not in reader.borders:
        return False
    token = reader.starting.get(start)
    shown = {reader.text[start:title_at], reader.text[start : title_at + 2], token.word if token else ""}
    return not shown & words.NOT_TITLED and not (token and token.word in words.COMMON)


def _by_word_class(reader: NameReader) -> Iterator[tuple[int, int, float]]:
    tokens = reader.tokens
    for index, token in enumerate(tokens):
        if not token.tag.startswith("nr"):
            if len(token.word) == 3 and _misjudged(reader, token):
                yield token.start, token.end, 0.65
            continue
        size = reader.surname_size(token.start)
        length = token.end - token.start
        if not chinese(token.word):
            continue
        if size and size < length <= size + 3:
            end = _trim(reader, token, size)
            plausible = all(char in GIVEN for char in reader.text[token.start + size : end])
            given_holds = plausible or reader.given(token.start + size, end, liberal=True)
            if end == token.end and length == size + 2 and token.word[-1] not in words.HARD_LAST:
                given_holds = True
            if end == token.end and end - token.start == size + 1:
                end = _extended(reader, index, end)
            if (
                end > token.start + size
                and reader.text[token.start + size : end] not in words.NOT_GIVEN
                and given_holds
                and not words.PLACE_END.search(token.word)
            ):
                risky = size == 1 and token.word[:1] in RISKY_SURNAMES - TRUSTED_WHEN_TAGGED and token.tag != "nrfg"
                if not risky or (plausible and (end - token.start == 3 or _acts(tokens, index))):
                    yield token.start, end, 0.85 if plausible and not risky else 0.7
            continue
        if size == length and index + 1 < len(tokens):
            end = reader.full_name(token.start, liberal=False)
            if end:
                yield token.start, end, 0.75


def _acts(tokens: tuple[Token, ...], index: int) -> bool:
    """Whether what follows is what follows persons: a verb, an adverb, a mark, the next of several names."""
    if index + 1 == len(tokens):
        return True
    following = tokens[index + 1]
    return following.tag[:1] in {"v", "d", "p", "c", "u", "r", "t"} or following.word in set(":、(,。!?等")


def _misjudged(reader: NameReader, token: Token) -> bool:
    """A word of three characters that has the shape of a name but was taken for a place, a time or nothing known."""
    return (
        chinese(token.word)
        and token.tag[:1] in "ntx"
        and token.tag != "n"
        and token.word[0] in SURNAMES
        and token.word[0] not in RISKY_SURNAMES
        and not words.PLACE_END.search(token.word)
        and reader.given(token.start + 1, token.end, liberal=token.tag == "x")
    )


def _trim(reader: NameReader, token: Token, size: int) -> int:
    """End of the name in a word that may have swallowed the verb behind it (郭庆祥成); the start if it is no name."""
    end = token.end
    if end - token.start > size + 2:
        if reader.text[end - 1] not in words.SWALLOWED or not reader.given(token.start + size, end - 1, liberal=False):
            return token.start
        end -= 1
    while end - token.start > 2 and reader.text[end - 1] in words.NEVER_LAST and reader.text[end - 1] not in GIVEN:
        end -= 1
    return end


def _extended(reader: NameReader, index: int, end: int) -> int:
    """A third character that the word list cut off (陈福|如): taken when it is a usual given-name character."""
    following = reader.text[end : end + 1]
    if following not in GIVEN or index + 1 >= len(reader.tokens):
        return end
    tail = reader.tokens[index + 1]
    alone = tail.word == following and tail.tag[:1] in {"n", "a", "g", "z", "b", "x", "j"}
    pulled = not words.FOLLOWS.match(reader.text, end) and words.FOLLOWS.match(reader.text, end + 1)
    return end + 1 if alone or (pulled and tail.tag[:1] in {"n", "m", "x", "z"}) else end


def _by_shape(reader: NameReader) -> Iterator[tuple[int, int, float]]:
    """A lone surname character followed by characters of given names, the words between unknown to the dictionary."""
    tokens = reader.tokens
    for index, token in enumerate(tokens[:-1]):
        if token.word[0] not in _OPENING:
            continue
        length = token.end - token.start
        size = reader.surname_size(token.start)
        if token.word[0] in words.GLUED and length >= 2 and token.tag[:1] in "nqtxa":
            end = reader.followed_name(token.start + 1)
            if end - token.start == 4 and end >= token.end:
                yield token.start + 1, end, 0.65
        if not size or length != size:
            if (
                size
                and token.tag == "x"
                and length == size + 2
                and reader.full_name(token.start, liberal=False) == token.end
            ):
                yield token.start, token.end, 0.75
            continue
        follower = tokens[index + 1]
        if token.word in RISKY_SURNAMES and not token.tag.startswith("nr"):
            if (
                len(follower.word) == 2
                and follower.tag in words.NAME_CLASSES
                and reader.given(token.end, follower.end, liberal=False)
            ):
                yield token.start, follower.end, 0.65
            continue
        if not chinese(follower.word) or len(follower.word) > 2 or follower.tag[:1] in "pcury":
            continue
        end = reader.full_name(token.start, liberal=False)
        if not end and (token.tag == "nr" or follower.tag == "x"):
            end = reader.half_usual_name(token.start, follower.end)
        if not end:
            continue
        dictionary_word = len(follower.word) == 2 and follower.tag[:1] in words.PLAIN_CLASSES
        if end - token.start == size + 1 and follower.tag[:1] not in {"n", "a", "z", "x", "j"}:
            continue
        yield token.start, end, 0.6 if dictionary_word else 0.75
