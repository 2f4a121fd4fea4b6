"""Names of foreigners and minorities: written by sound, with a middle dot, or in Latin letters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from publication.redaction.detectors import person_words as words
from publication.redaction.detectors.name_reader import NameReader
from publication.redaction.lexicon import NAME_CONTEXTS, alternatives
from publication.redaction.tokens import Token

_DOTTED = re.compile(r"[一-鿿]{1,7}(?:·[一-鿿]{1,8}){1,3}")
_CUT_OFF = re.compile(rf"[{words.SOUNDS}]{{2,6}}·(?![一-鿿])")
_LATIN = re.compile(
    r"(?<![A-Za-z@./])([A-Z][a-z]{1,14})(?:[ ·]|(?=[A-Z]))(?:[A-Z]\.?[ ])?"
    r"([A-Z][a-z'\-]{1,15}(?:[ ][A-Z][a-z]{2,15})?)(?![A-Za-z@])"
)
_LATIN_STATED = re.compile(
    r"(?:姓名|英文名|外教|名叫|叫做|我叫|网友|昵称)[: 为是叫]{0,3}"
    r"([A-Z][a-z]{1,14}(?:[ ·][A-Z][a-z]{1,14}){0,3})(?![A-Za-z])"
)
_LATIN_SPEAKER = re.compile(
    r"(?<![A-Za-z0-9@./·])([A-Z][A-Za-z]{2,14}(?:[ ·][A-Z][A-Za-z]{1,14}){0,2})"
    r"(?=说|表示|认为|透露|证实|指出|告诉|坦言|介绍|在接受|先生|女士|等人|曾|本人)"
)
_LATIN_ROLE = re.compile(
    rf"(?:{alternatives(words.LATIN_ROLES)})"
    r"([A-Z][A-Za-z'\-]{2,20}(?:[ ·][A-Z][A-Za-z'\-]{1,20}){0,2})(?![A-Za-z0-9])"
)
# Mr. Smith, MRS BROWN, Dr. Lee, mr wang: the title stays.
_PART = r"(?:[A-Z]')?[A-Z][A-Za-z]{1,20}(?:-[A-Z][A-Za-z]{1,20})?"
_LATIN_TITLED = re.compile(
    rf"(?<![A-Za-z])(?:(?:Mrs?|MRS?|Ms|Miss|Mister|Dr|DR|Prof|Madam|Madame|Sir)(?:\. ?| )({_PART}(?: {_PART}){{0,2}})"
    r"|mrs?(?:\. ?| )([A-Za-z]{2,20}))(?![A-Za-z])"
)
_LATIN_ROLE_FIRST = re.compile(
    rf"(?:{alternatives(words.LATIN_ROLES | NAME_CONTEXTS)})[ ]([A-Z][a-z]{{2,14}})(?![A-Za-z0-9])"
)
_SOUNDS = re.compile(rf"[{words.SOUNDS}]{{2,9}}")


def candidates(reader: NameReader) -> Iterator[tuple[int, int, float]]:
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
    yield from _titled(reader)
    for match in _LATIN_ROLE_FIRST.finditer(text):
        if match.group(1).lower() in words.ENGLISH_FIRST_NAMES:
            yield *match.span(1), 0.7
    for match in _LATIN_ROLE.finditer(text):
        yield *match.span(1), 0.7
    for match in _LATIN_SPEAKER.finditer(text):
        yield *match.span(1), 0.65
    for match in _LATIN_STATED.finditer(text):
        yield *match.span(1), 0.85


def _titled(reader: NameReader) -> Iterator[tuple[int, int, float]]:
    """Latin names after an English title; brands and shops that carry one are none: Dr. Martens, Mr. Bean bar."""
    for match in _LATIN_TITLED.finditer(reader.text):
        group = 1 if match.group(1) else 2
        start, end = match.span(group)
        parts = match.group(group).lower().split()
        if parts[0] in words.TITLED_BRANDS or parts[-1] in words.LATIN_SHOPS:
            continue
        following = words.LATIN_WORD_AFTER.match(reader.text, end)
        named_shop = following is not None and following.group(1).lower() in words.LATIN_SHOPS
        if not named_shop and not words.SHOP_AFTER_LATIN.match(reader.text, end):
            yield start, end, 0.9


def _by_sound(reader: NameReader) -> Iterator[tuple[int, int, float]]:
    """Runs of words in characters for foreign sounds, at least one of them known as a name."""
    run: list[Token] = []
    role = False
    for token in (*reader.tokens, None):
        if token is not None and token.tag[:2] in words.SOUND_CLASSES and _SOUNDS.fullmatch(token.word):
            run.append(token)
            continue
        if not run:
            if role and token is not None and len(token.word) > 1 and _SOUNDS.fullmatch(token.word):
                yield token.start, token.end, 0.65
            role = token is not None and token.word in words.ROLES
            continue
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


def _after_verbs(reader: NameReader, start: int, dot: int) -> int:
    """The first part of a dotted name begins after the last word that cannot be part of it."""
    begin = start
    for token in _tokens_between(reader, start, dot):
        if token.tag[:1] in "vpcrduf" or token.word in words.BEFORE_NAME or (token.tag == "n" and token.end < dot):
            begin = max(begin, min(token.end, dot - 1))
    return begin


def _dotted_end(reader: NameReader, match: re.Match[str]) -> int:
    last_dot = match.start() + match.group().rindex("·")
    for token in _tokens_between(reader, last_dot + 2, match.end()):
        if token.tag[:1] in "vpcrdufy" or token.word in words.BEFORE_NAME or words.TITLE_WORD.match(token.word):
            return token.start
    return match.end()


def _tokens_between(reader: NameReader, start: int, end: int) -> Iterator[Token]:
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
