"""Names of natural persons (PUB-14): word classes first, then titles, context words and the shape of names.

Organisations and shops named after someone (张记面馆, 王先生火锅店) are no persons and stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publication.redaction.detectors import person_words as words
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
from publication.redaction.tokens import Token, boundaries, tokens_of

_SURNAME = f"(?:{'|'.join(COMPOUND_SURNAMES)}|[{''.join(sorted(SURNAMES))}])"
_TITLE = f"(?:{alternatives(TITLES)})"
_TITLED = re.compile(
    rf"(?:[小老]?({_SURNAME})|(?<![A-Za-z])([A-Z][a-z]{{1,14}}))(?=[ ]?(?:{_TITLE}|[总工](?=[,。、;:说的和与]|\Z)))"
)
_NICK_SURNAMES = "".join(sorted(SURNAMES - set("的板家师大小路区年时学人")))
_NICK = re.compile(rf"[小老阿][{_NICK_SURNAMES}](?=[,。、;:!?的说讲在和与跟同把被给告 ]|\Z)")
_CONTEXT = re.compile(
    rf"(?:{alternatives(NAME_CONTEXTS)})(?:姓名|名字|名)?([ ]?[:为是叫\-]?[ ]?[(\"“「]?)(?={_SURNAME})"
)
_DOTTED = re.compile(r"[一-鿿]{1,7}(?:·[一-鿿]{1,8}){1,3}")
_CUT_OFF = re.compile(rf"[{words.SOUNDS}]{{2,6}}·(?![一-鿿])")
_LATIN = re.compile(
    r"(?<![A-Za-z@./])([A-Z][a-z]{1,14})(?:[ ·]|(?=[A-Z]))(?:[A-Z]\.?[ ])?([A-Z][a-z'\-]{1,15}(?:[ ][A-Z][a-z]{2,15})?)(?![A-Za-z@])"
)
_LATIN_STATED = re.compile(
    r"(?:姓名|英文名|外教|名叫|叫做|我叫|网友|昵称)[: 为是叫]{0,3}([A-Z][a-z]{1,14}(?:[ ·][A-Z][a-z]{1,14}){0,3})(?![A-Za-z])"
)
_LATIN_SPEAKER = re.compile(
    r"(?<![A-Za-z0-9@./·])([A-Z][A-Za-z]{2,14}(?:[ ·][A-Z][A-Za-z]{1,14}){0,2})"
    r"(?=说|表示|认为|透露|证实|指出|告诉|坦言|介绍|在接受|先生|女士|等人|曾|本人)"
)
_LATIN_ROLE = re.compile(
    rf"(?:{alternatives(words.LATIN_ROLES)})"
    r"([A-Z][A-Za-z'\-]{2,20}(?:[ ·][A-Z][A-Za-z'\-]{1,20}){0,2})(?![A-Za-z0-9])"
)
# Another name of the same person: 小天王欧文(Owen), Sky(李晓峰).
_ALIAS_AFTER = re.compile(r"\(([A-Za-z][A-Za-z .·'\-]{2,40})(?:\)|\Z)")
_ALIAS_BEFORE = re.compile(r"(?<![A-Za-z0-9])([A-Z][A-Za-z]{1,19})\(\Z")
_RUN_END = re.compile(r"[^一-鿿]|\Z")
_ALL_CHINESE = re.compile(r"[一-鿿]+")
_SOUNDS = re.compile(rf"[{words.SOUNDS}]{{2,9}}")


_COMPOUND_FIRST = frozenset(surname[0] for surname in COMPOUND_SURNAMES)


class _Reader:
    """One pass over one text; keeps the word boundaries at hand."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens_of(text)
        self.borders = boundaries(text)
        self.starting = {token.start: token for token in self.tokens}

    def surname_size(self, at: int) -> int:
        """Length of the surname at a position, 0 if none."""
        first = self.text[at : at + 1]
        if first in _COMPOUND_FIRST and self.text[at : at + 2] in COMPOUND_SURNAMES:
            return 2
        return 1 if first in SURNAMES else 0

    def full_name(self, at: int, *, liberal: bool) -> int:
        """End of the full name that begins at a position, or 0. ``liberal`` when words before announce a name."""
        size = self.surname_size(at)
        if not size:
            return 0
        first = at + size
        if liberal:
            run = _RUN_END.search(self.text, first)
            end = run.start() if run else len(self.text)
            if 1 <= end - first <= 2 and self._given(first, end, liberal=True):
                return end
        for end in (first + 2, first + 1):
            if end > len(self.text) or (end not in self.borders and not (liberal and end == first + 2)):
                continue
            if self._given(first, end, liberal=liberal) and not self.is_word(at, end):
                return end
        return 0

    def followed_name(self, at: int) -> int:
        """End of a name at a position that is followed by what follows persons' names, or 0."""
        size = self.surname_size(at)
        for end in (at + size + 2, at + size + 1) if size else ():
            known = end - at == size + 1 and self._other_word(at, end)
            if self._given(at + size, end, liberal=False) and words.FOLLOWS.match(self.text, end) and not known:
                return end
        return 0

    def _given(self, first: int, end: int, *, liberal: bool) -> bool:
        given = self.text[first:end]
        if end > len(self.text) or not given or not _chinese(given) or given in words.NOT_GIVEN:
            return False
        usual = all(char in GIVEN for char in given)
        if given[-1] in words.NEVER_LAST or (given[0] in words.NEVER_FIRST and not usual):
            return False
        return liberal or usual

    def is_word(self, start: int, end: int) -> bool:
        """Whether the dictionary knows the characters, or a longer word from there, as something else than a name."""
        if self.text[start:end] in words.COMMON:
            return True
        token = self.starting.get(start)
        return token is not None and token.end >= end and token.tag[:2] not in {"nr", "x", "nz", "ns", "nt"}

    def half_usual_name(self, start: int, end: int) -> int:
        """``end`` if a surname and two characters stand there, one of them usual in given names; else 0."""
        first = end - 2
        usual = end - start == self.surname_size(start) + 2 and any(char in GIVEN for char in self.text[first:end])
        return end if usual and self._given(first, end, liberal=True) else 0

    def titled_name(self, start: int, end: int) -> bool:
        """Whether a full name stands before a title; the title lets unusual given names pass."""
        if self.full_name(start, liberal=False) == end:
            return True
        size = self.surname_size(start)
        return (
            size > 0
            and size + 2 == end - start
            and self.text[start] not in RISKY_SURNAMES
            and self._given(start + size, end, liberal=True)
        )

    def _other_word(self, start: int, end: int) -> bool:
        """Whether the characters are a verb, adjective or other word that no noun context turns into a name."""
        token = self.starting.get(start)
        return self.text[start:end] in words.COMMON or (
            token is not None and token.end == end and token.tag[:1] in words.PLAIN_CLASSES
        )

    def names_an_organisation(self, end: int) -> bool:
        """Whether what follows turns the name into that of a shop, company, place or work."""
        return words.ORGANISATION_AFTER.match(self.text, end) is not None


def find(view: View) -> Iterator[Hit]:
    """Names with their places, in no particular order; the same name is found wherever it stands again."""
    reader = _Reader(view.text)
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


def _again(reader: _Reader, found: dict[tuple[int, int], float]) -> Iterator[Hit]:
    sure = {
        reader.text[start:end] for (start, end), confidence in found.items() if confidence >= 0.8 and end - start >= 3
    }
    if not sure:
        return
    for match in re.finditer("|".join(map(re.escape, sorted(sure, key=len, reverse=True))), reader.text):
        if match.span() not in found and not reader.names_an_organisation(match.end()):
            yield Hit(*match.span(), "person", 0.8)


def _candidates(reader: _Reader) -> Iterator[tuple[int, int, float]]:
    yield from _by_context(reader)
    yield from _by_position(reader)
    yield from _by_title(reader)
    yield from _by_word_class(reader)
    yield from _by_shape(reader)
    yield from _foreign(reader)


def _by_context(reader: _Reader) -> Iterator[tuple[int, int, float]]:
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


def _listed(reader: _Reader, end: int) -> Iterator[tuple[int, int, float]]:
    """Further names of an enumeration: 张三、李四和王五."""
    while end < len(reader.text) and reader.text[end] in "、和与及,":
        start = end + 1
        following = reader.full_name(start, liberal=reader.text[end] == "、")
        if not following:
            return
        yield start, following, 0.8
        end = following


def _by_position(reader: _Reader) -> Iterator[tuple[int, int, float]]:
    """A name that opens a clause or fills a field, followed by what follows names."""
    for match in words.CLAUSE_START.finditer(reader.text):
        start = match.end()
        end = reader.followed_name(start)
        if not end and match.group()[-1:] in ":;":
            end = reader.surname_size(start) and start + reader.surname_size(start) + 1
            if not (end and words.FIELD_END.match(reader.text, end) and reader._given(end - 1, end, liberal=False)):
                continue
        if not end or (
            end - start == 2 and reader.text[start] in RISKY_SURNAMES and not words.FIELD_END.match(reader.text, end)
        ):
            continue
        token = reader.starting.get(start)
        if token is not None and token.end >= end and token.tag[:1] in "vadcptr" and match.group()[-1:] not in ":;":
            continue
        yield start, end, 0.8 if end - start > 2 else 0.7


def _by_title(reader: _Reader) -> Iterator[tuple[int, int, float]]:
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
    for match in _NICK.finditer(reader.text):
        if match.start() in reader.borders and match.group() not in words.COMMON:
            yield *match.span(), 0.7
    for match in words.TITLE_WORD.finditer(reader.text):
        for size in (3, 2, 4):
            start = match.start() - size
            if start >= 0 and start in reader.borders and reader.titled_name(start, match.start()):
                yield start, match.start(), 0.9
                break


def _stands_alone(reader: _Reader, word_at: int, start: int, title_at: int) -> bool:
    """Whether the surname before a title is no tail of another word: 城管队长, 中学校长, 高级工程师, 小车司机."""
    if word_at not in reader.borders:
        return False
    token = reader.starting.get(start)
    shown = {reader.text[start:title_at], reader.text[start : title_at + 2], token.word if token else ""}
    return not shown & words.NOT_TITLED and not (token and token.word in words.COMMON)


def _by_word_class(reader: _Reader) -> Iterator[tuple[int, int, float]]:
    tokens = reader.tokens
    for index, token in enumerate(tokens):
        if not token.tag.startswith("nr"):
            if _misjudged(reader, token):
                yield token.start, token.end, 0.65
            continue
        size = reader.surname_size(token.start)
        length = token.end - token.start
        if not _chinese(token.word):
            continue
        if size and size < length <= size + 3:
            end = _trim(reader, token, size)
            plausible = all(char in GIVEN for char in reader.text[token.start + size : end])
            given_holds = plausible or reader._given(token.start + size, end, liberal=True)
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
    """Whether what follows is what follows persons: a verb, an adverb, a colon, the next of several names."""
    following = tokens[index + 1] if index + 1 < len(tokens) else None
    return following is not None and (
        following.tag[:1] in {"v", "d", "p", "c"} or following.word in {":", "、", "(", "的", ",", "等"}
    )


def _misjudged(reader: _Reader, token: Token) -> bool:
    """A word of three characters that has the shape of a name but was taken for a place, a time or nothing known."""
    return (
        len(token.word) == 3
        and _chinese(token.word)
        and token.tag[:1] in "ntx"
        and token.tag != "n"
        and token.word[0] in SURNAMES
        and token.word[0] not in RISKY_SURNAMES
        and not words.PLACE_END.search(token.word)
        and reader._given(token.start + 1, token.end, liberal=token.tag == "x")
    )


def _trim(reader: _Reader, token: Token, size: int) -> int:
    """End of the name in a word that may have swallowed the verb behind it (郭庆祥成); the start if it is no name."""
    end = token.end
    if end - token.start > size + 2:
        if reader.text[end - 1] not in words.SWALLOWED or not reader._given(token.start + size, end - 1, liberal=False):
            return token.start
        end -= 1
    while end - token.start > 2 and reader.text[end - 1] in words.NEVER_LAST and reader.text[end - 1] not in GIVEN:
        end -= 1
    return end


def _extended(reader: _Reader, index: int, end: int) -> int:
    """A third character that the word list cut off (陈福|如): taken when it is a usual given-name character."""
    following = reader.text[end : end + 1]
    if following not in GIVEN or index + 1 >= len(reader.tokens):
        return end
    tail = reader.tokens[index + 1]
    alone = tail.word == following and tail.tag[:1] in {"n", "a", "g", "z", "b", "x", "j"}
    pulled = not words.FOLLOWS.match(reader.text, end) and words.FOLLOWS.match(reader.text, end + 1)
    return end + 1 if alone or (pulled and tail.tag[:1] in {"n", "m", "x", "z"}) else end


def _by_shape(reader: _Reader) -> Iterator[tuple[int, int, float]]:
    """A lone surname character followed by characters of given names, the words between unknown to the dictionary."""
    tokens = reader.tokens
    for index, token in enumerate(tokens[:-1]):
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
                and reader._given(token.end, follower.end, liberal=False)
            ):
                yield token.start, follower.end, 0.65
            continue
        if not _chinese(follower.word) or len(follower.word) > 2 or follower.tag[:1] in "pcury":
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


def _foreign(reader: _Reader) -> Iterator[tuple[int, int, float]]:
    text = reader.text
    for match in _DOTTED.finditer(text):
        start = _after_verbs(reader, match.start(), match.group().index("·") + match.start())
        end = _dotted_end(reader, match)
        name = text[start:end]
        if end - start >= 4 and words.sounds_foreign(name) and not words.ESTATE_END.search(name):
            yield start, end, 0.8
    for match in _CUT_OFF.finditer(text):
        if match.start() in reader.borders:
            yield *match.span(), 0.65
    yield from _by_sound(reader)
    for match in _LATIN.finditer(text):
        if match.group(1).lower() in words.ENGLISH_FIRST_NAMES:
            yield *match.span(), 0.8
    for match in _LATIN_ROLE.finditer(text):
        yield *match.span(1), 0.7
    for match in _LATIN_SPEAKER.finditer(text):
        yield *match.span(1), 0.65
    for match in _LATIN_STATED.finditer(text):
        yield *match.span(1), 0.85


def _by_sound(reader: _Reader) -> Iterator[tuple[int, int, float]]:
    """Runs of words in characters for foreign sounds, at least one of them known as a name."""
    run: list[Token] = []
    role = False
    for token in (*reader.tokens, None):
        if token is not None and token.tag[:2] in words.SOUND_CLASSES and _SOUNDS.fullmatch(token.word):
            run.append(token)
            continue
        if token is not None and not run and role and len(token.word) > 1 and _SOUNDS.fullmatch(token.word):
            yield token.start, token.end, 0.65
        lone = run[0] if len(run) == 1 else None
        acting = token is not None and token.tag[:1] in {"v", "d", "p", "c"}
        if lone and ((lone.tag == "nr" and acting) or (len(lone.word) > 2 and words.ACTS.match(reader.text, lone.end))):
            yield lone.start, lone.end, 0.6
        if (role and sum(len(part.word) for part in run) > 1) or any(
            part.tag == "nrt" or (part.tag == "nr" and len(part.word) > 2) or (len(run) > 1 and part.tag == "nr")
            for part in run
        ):
            start, end = run[0].start, run[-1].end
            if not words.PLACE_END.search(reader.text[start:end]):
                yield start, end, 0.7
        run = []
        role = token is not None and token.word in words.ROLES


def _after_verbs(reader: _Reader, start: int, dot: int) -> int:
    """The first part of a dotted name begins after the last word that cannot be part of it."""
    begin = start
    for token in _tokens_between(reader, start, dot):
        if token.tag[:1] in "vpcrduf" or token.word in words.BEFORE_NAME or (token.tag == "n" and token.end < dot):
            begin = max(begin, min(token.end, dot - 1))
    return begin


def _dotted_end(reader: _Reader, match: re.Match[str]) -> int:
    last_dot = match.start() + match.group().rindex("·")
    for token in _tokens_between(reader, last_dot + 2, match.end()):
        if token.tag[:1] in "vpcrdufy" or token.word in words.BEFORE_NAME or words.TITLE_WORD.match(token.word):
            return token.start
    return match.end()


def _tokens_between(reader: _Reader, start: int, end: int) -> Iterator[Token]:
    """The words that lie within a short stretch of the text."""
    at = start
    while at < end:
        token = reader.starting.get(at)
        if token is None:
            at += 1
            continue
        if token.end <= end:
            yield token
        at = token.end


def _chinese(word: str) -> bool:
    return _ALL_CHINESE.fullmatch(word) is not None
