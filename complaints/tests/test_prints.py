"""Prints: nearly the same texts are found, others are not, and the words survive both tokenizers (SCR-09)."""

from __future__ import annotations

import csv
import itertools
import json
import random
import re
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from complaints import bulk_texts, matching, prints
from complaints.models import Complaint, TextPrint
from complaints.tests.factories import registered

LABELS = Path(__file__).with_name("near_identical_ids.csv")
TEXT = (
    "我们是鑫园小区的居民，本小区配建的垃圾站紧靠三栋，夏天臭气熏天，蚊虫很多，"
    "物业和社区都说不归自己管，打了多次热线也没有结果，请有关部门把垃圾站迁走。"
)


def similar(one: str, other: str) -> prints.Overlap:
    return prints.overlap(prints.shingles(one), prints.shingles(other))


def proposed(one: str, other: str) -> bool:
    """The look-up would find one text from the other."""
    return not set(prints.words(one)).isdisjoint(prints.words(other))


# --- What counts ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("　１２３４５Ａ 栋，漏水！\n", "0a栋漏水"),  # full-width figures and letters, blanks, punctuation
        ("3栋2单元", "3栋2单元"),  # short numbers say where it is
        ("电话 138 0000 2417", "电话0"),  # who copies a text gives the own number
        ("……！？", ""),
        ("𠮷野家", "𠮷野家"),  # beyond the basic plane
    ],
)
def test_only_characters_that_count_are_compared(text, normal):
    assert prints.normalise(text) == normal


def test_a_copy_with_another_salutation_number_and_spelling_is_the_same():
    copy = "尊敬的领导：您好！" + TEXT.replace("，", ",").replace("三栋", "3 栋") + "联系电话 13900001234"
    found = similar(TEXT, copy)
    assert found.is_same
    assert 0.6 < found.of_both < 1
    assert proposed(TEXT, copy)


def test_an_excerpt_is_the_same_and_a_short_phrase_is_not():
    excerpt = similar(
        TEXT * 1 + "另外，" + "小区的路灯坏了很久，晚上老人出门看不清路，已经有人摔倒受伤，请一并处理。" * 2, TEXT
    )
    assert excerpt.is_same
    assert excerpt.of_both < 1
    phrase = similar(TEXT, "打了多次热线也没有结果")
    assert (phrase.of_shorter, phrase.is_same) == (1.0, False)
    assert not similar("又停水了", "又停水了").is_same  # many write these four characters
    assert similar(TEXT, "").shorter == 0


def test_another_matter_in_similar_words_is_not_the_same():
    other = "我们是翠湖花园的居民，小区门口的停车场每天收费三十元，物业和社区都说不归自己管，请查处乱收费。"
    assert not similar(TEXT, other).is_same


# --- Words ------------------------------------------------------------------------------------
def test_words_are_fixed_letters_one_per_band_and_pair():
    """Stored prints stay comparable: a new release gives the same words."""
    words = prints.words(TEXT)
    bands, pairs = prints.split(words)
    assert (len(bands), len(pairs)) == (prints.BANDS, prints.BANDS // 2)
    assert all(re.fullmatch("[a-z]{7}", word) for word in words)
    assert words[:2] == FIRST_WORDS
    assert prints.words("") == prints.words("！？") == []


FIRST_WORDS = ["mcfraao", "wdpawfh"]


def test_texts_share_words_as_often_as_they_share_shingles():
    """The share of equal places of the signature estimates the overlap; bands follow from it."""
    rng = random.Random(7)
    hits = defaultdict(list)
    for _n in range(150):
        theme, another = rng.sample(bulk_texts.THEMES, 2)
        one, end = (bulk_texts.complaint(rng, of, month=3, day=5)[1] for of in (theme, another))
        kept = rng.choice((0.1, 0.9))
        other = one[: int(kept * len(one))] + end[int(kept * len(end)) :]
        hits[round(similar(one, other).of_both, 1)].append(proposed(one, other))
    low = [hit for share, found in hits.items() if share <= 0.2 for hit in found]
    high = [hit for share, found in hits.items() if share >= 0.6 for hit in found]
    assert min(len(low), len(high)) > 30
    assert sum(low) / len(low) < 0.2
    assert sum(high) / len(high) > 0.9


def test_a_print_takes_less_than_a_third_of_a_millisecond():
    """Of processor time, so that a busy machine does not matter; storing in bulk adds one print per case."""
    rng = random.Random(3)
    texts = [bulk_texts.complaint(rng, rng.choice(bulk_texts.THEMES), month=3, day=5)[1] for _n in range(500)]
    prints.tokens(texts[0])
    took = []
    for _round in range(3):
        began = time.process_time()
        for text in texts:
            prints.tokens(text)
        took.append((time.process_time() - began) / len(texts))
    assert min(took) < 0.0003


# --- Stored -----------------------------------------------------------------------------------
def found_by(words: list[str]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(*matching.lookup([(word,) for word in words]))
        return {row[0] for row in cursor.fetchall()}


def test_each_word_of_a_registered_case_finds_it_and_no_other(db):
    """Both full-text indexes keep every word whole."""
    case = registered(narrative=TEXT).complaint
    registered(
        "2026-11-16 09:20", narrative="公交车总是晚点，早高峰要等半个多小时，希望增加班次，也请公布准确的时刻表。"
    )
    assert TextPrint.objects.get(pk=case.pk).tokens.split() == prints.words(TEXT)
    for word in prints.words(TEXT):
        assert found_by([word]) == {case.pk}
    assert found_by(["aaaaaaa"]) == set()


@pytest.mark.postgres
def test_of_a_pattern_that_thousands_follow_only_some_are_read_but_every_copy_is_found(cast, monkeypatch):
    """A common word of a band costs a bounded time; who shares three pairs is never left out by chance (SCR-09)."""
    monkeypatch.setattr(matching, "THINNED", 1)
    monkeypatch.setattr(matching, "PER_BAND", 2)
    for minute in range(20):
        registered(f"2026-11-16 10:{minute:02d}", narrative=TEXT)
    bands, pairs = prints.split(prints.words(TEXT))
    triples, each_pair, each_band = matching.arms(bands, pairs)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL gin_fuzzy_search_limit = 1")
        for arm in (triples, each_pair):
            cursor.execute(*matching.lookup(arm))
            assert len(cursor.fetchall()) == 20
        cursor.execute(*matching.lookup([], [], each_band))
        assert 0 < len(cursor.fetchall()) <= 2 * len(bands)
    assert len(matching.candidates(matching.Matter(narrative=TEXT), cast.intake)) == matching.SHOWN
    with connection.cursor() as cursor:
        cursor.execute("SHOW gin_fuzzy_search_limit")
        assert cursor.fetchone() == ("0",)


def test_cases_stored_in_bulk_have_their_prints(db):
    call_command("seed_bulk", "--complaints", "20", "--seed", "5", "--json")
    for pk, narrative, tokens in Complaint.objects.values_list("pk", "narrative", "print__tokens"):
        assert tokens == prints.tokens(narrative)
        assert pk in found_by(prints.words(narrative))


def test_rebuild_prints_fills_what_is_missing_and_can_run_again(db, capsys):
    cases = [registered(f"2026-11-16 09:{n}", narrative=f"{TEXT}{n}").complaint for n in (10, 11, 12)]
    TextPrint.objects.filter(pk=cases[0].pk).delete()
    TextPrint.objects.filter(pk=cases[1].pk).update(tokens="aaaaaaa")

    def run(*arguments: str) -> dict:
        call_command("rebuild_prints", "--json", "--chunk", "2", *arguments)
        return json.loads(capsys.readouterr().out)

    assert run() == {"cases": 1}
    assert run() == {"cases": 0}
    assert TextPrint.objects.get(pk=cases[1].pk).tokens == "aaaaaaa"
    assert run("--all") == {"cases": 3}
    for case in cases:
        assert TextPrint.objects.get(pk=case.pk).tokens == prints.tokens(case.narrative)
    assert found_by(["aaaaaaa"]) == set()
    assert found_by(prints.words(cases[1].narrative)[:1]) >= {cases[1].pk}


# --- Measured on real messages ------------------------------------------------------------------
def test_copies_among_real_messages_are_found(shared_data, record_property):
    """Precision at least 0.95 on pairs of messages by different people labelled by hand (SCR-09).

    A pair is labelled 1 when one text was made from the other and both are about the same matter.
    Labelled are all pairs that share 15 % of their shingles, or half of the shorter text.
    """
    with (shared_data / "complaints" / "messages_2019H1_2107.csv").open(encoding="utf-8-sig", newline="") as lines:
        messages = {row["留言编号"]: (row["留言用户"], row["留言详情"]) for row in csv.DictReader(lines)}
    with LABELS.open(encoding="ascii", newline="") as lines:
        labels = {(row["first"], row["second"]): row["same"] == "1" for row in csv.DictReader(lines)}
    holders = defaultdict(list)
    for key, (_person, text) in messages.items():
        for word in prints.words(text):
            holders[word].append(key)
    pairs = {tuple(sorted(pair)) for keys in holders.values() for pair in itertools.combinations(keys, 2)}
    by_others = {pair for pair in pairs if messages[pair[0]][0] != messages[pair[1]][0]}
    found = {pair for pair in by_others if similar(messages[pair[0]][1], messages[pair[1]][1]).is_same}
    assert found <= labels.keys(), "label these by hand"
    right = sum(labels[pair] for pair in found)
    precision, recall = right / len(found), right / sum(labels.values())
    record_property("near_identical", {"found": len(found), "precision": precision, "recall": recall})
    sys.stdout.write(f"near-identical: {len(found)} pairs, precision {precision:.3f}, recall {recall:.3f}\n")
    assert precision >= 0.95
    assert recall >= 0.85
