"""Fit the category model to texts with labels, and measure it on texts it has not seen (CLS-14).

The figures come from a held-out part that takes no part in fitting. The stored model is then fitted on all
rows; its probabilities and the point below which it abstains are measured by cross-validation.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext_lazy as _

from accounts.errors import InvalidInput
from complaints.classifier import MAX_RUNS, MAX_WEIGHTS, Model, calibrated, softmax
from complaints.text_features import Features, Vocabulary, chunks, clean, learn_vocabulary

# Chosen by cross-validation on complaints; the result hardly depends on it.
PENALTY = 1.0
FOLDS = 3
# A suggestion is made when those of its confidence and above were right so often.
WANTED_PRECISION = 0.9
# Being right a few times is luck.
ENOUGH_DECIDED = 20
_LOWEST_THRESHOLD, _HIGHEST_THRESHOLD = 0.5, 0.95

Progress = Callable[[int], None]
STEPS = FOLDS + 2


@dataclass(frozen=True)
class Figures:
    """What a training found. `rows` are those that could be used; `abstained` is the share it would keep quiet on."""

    rows: int
    classes: int
    left_out: int
    held_out: int
    macro_f1: float
    micro_f1: float
    threshold: float
    abstained: float
    seconds: float


def train(
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    holdout: float = 0.1,
    seed: int = 0,
    progress: Progress = lambda steps: None,
) -> tuple[Model, Figures]:
    """Fit a model. With `holdout` 0 the figures come from the cross-validation.

    Labels with a single text cannot be learned and measured; they are left out. A text that occurs twice
    counts once, so that nothing held out was seen before. Raises InvalidInput for what cannot be learned.
    """
    started = time.monotonic()
    texts, labels, left_out = _usable(texts, labels)
    names = tuple(sorted(set(labels)))
    if len(names) < 2:
        raise InvalidInput(
            "label",
            _("All rows have the same label, “%(label)s”: there is nothing to tell apart. Give rows of two or more.")
            if names
            else _("No label has two different texts. Give more rows."),
            label=names[0] if names else "",
        )
    numbers = {name: index for index, name in enumerate(names)}
    wanted = np.array([numbers[label] for label in labels])
    draw = np.random.default_rng(seed)
    held = _held_out(wanted, holdout, draw)
    measured = None
    if held.any():
        part = _Part([text for text, out in zip(texts, held, strict=True) if not out], len(names))
        model = part.fit(wanted[~held], names)
        progress(1)
        rest = [text for text, out in zip(texts, held, strict=True) if out]
        guessed = np.concatenate([model.scores(part.vocabulary.features(piece)).argmax(1) for piece in chunks(rest)])
        measured = _f1(wanted[held], guessed)
    whole = _Part(texts, len(names))
    scores = whole.unseen_scores(wanted, names, draw, progress)
    model = whole.fit(wanted, names)
    progress(1)
    sharpness = _sharpness(scores, wanted)
    threshold, abstained = _threshold(softmax(scores * sharpness), wanted)
    macro, micro = measured or _f1(wanted, scores.argmax(1))
    figures = Figures(
        rows=len(texts),
        classes=len(names),
        left_out=left_out,
        held_out=int(held.sum()),
        macro_f1=round(macro, 4),
        micro_f1=round(micro, 4),
        threshold=round(threshold, 4),
        abstained=round(abstained, 4),
        seconds=round(time.monotonic() - started, 2),
    )
    return calibrated(model, sharpness=sharpness, threshold=threshold), figures


class _Part:
    """Some texts as a matrix over the vocabulary they themselves give."""

    def __init__(self, texts: Sequence[str], classes: int) -> None:
        self.vocabulary = learn_vocabulary(texts, most=min(MAX_RUNS, MAX_WEIGHTS // classes))
        if not len(self.vocabulary.grams):
            raise InvalidInput("text", _("The texts have nothing in common to learn from. Give more or longer ones."))
        self.matrix = _matrix(self.vocabulary, texts)

    def fit(self, wanted: np.ndarray, names: tuple[str, ...], among: np.ndarray | None = None) -> Model:
        # Imported here: a second and 100 MB that only training needs, not every web process.
        from sklearn.svm import LinearSVC  # leaf

        rows, classes = (self.matrix, wanted) if among is None else (self.matrix[among], wanted[among])
        fitted = LinearSVC(C=PENALTY, random_state=0).fit(rows, classes)
        weights = np.zeros((len(names), rows.shape[1]), np.float32)
        bias = np.full(len(names), -1.0)  # a class without rows is on the far side of its boundary
        if len(fitted.classes_) == 2:
            first, second = fitted.classes_
            weights[first], weights[second] = -fitted.coef_[0], fitted.coef_[0]
            bias[first], bias[second] = -fitted.intercept_[0], fitted.intercept_[0]
        else:
            weights[fitted.classes_], bias[fitted.classes_] = fitted.coef_, fitted.intercept_
        return Model(names, self.vocabulary, weights, bias, sharpness=1.0, threshold=0.0)

    def unseen_scores(
        self, wanted: np.ndarray, names: tuple[str, ...], draw: np.random.Generator, progress: Progress
    ) -> np.ndarray:
        """The scores of every text by a model that was fitted without it."""
        folds = _folds(wanted, draw)
        scores = np.zeros((len(wanted), len(names)))
        for fold in range(FOLDS):
            model = self.fit(wanted, names, np.flatnonzero(folds != fold))
            there = np.flatnonzero(folds == fold)
            scores[there] = self.matrix[there] @ model.weights.T + model.bias
            progress(1)
        return scores


def _matrix(vocabulary: Vocabulary, texts: Sequence[str]):
    from scipy import sparse  # leaf: like scikit-learn, only for training

    def block(found: Features):
        return sparse.csr_matrix(
            (found.value, (found.row, found.column)), shape=(found.texts, len(vocabulary.grams)), dtype=np.float64
        )

    return sparse.vstack([block(vocabulary.features(piece)) for piece in chunks(texts)], format="csr")


def _usable(texts: Sequence[str], labels: Sequence[str]) -> tuple[list[str], list[str], int]:
    """Each text once, without the labels that have only one; and how many rows that leaves out."""
    once: dict[str, str] = {}
    for text, label in zip(texts, labels, strict=True):
        once.setdefault(clean(text).strip(), label)
    times = Counter(once.values())
    kept = [(text, label) for text, label in once.items() if times[label] > 1]
    return [text for text, _label in kept], [label for _text, label in kept], len(texts) - len(kept)


def _held_out(wanted: np.ndarray, share: float, draw: np.random.Generator) -> np.ndarray:
    """The same share of every class, drawn at random; two rows of each stay."""
    held = np.zeros(len(wanted), bool)
    for label in np.unique(wanted):
        rows = np.flatnonzero(wanted == label)
        held[draw.permutation(rows)[: max(0, min(round(share * len(rows)), len(rows) - 2))]] = True
    return held


def _folds(wanted: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    folds = np.zeros(len(wanted), int)
    for label in np.unique(wanted):
        rows = draw.permutation(np.flatnonzero(wanted == label))
        folds[rows] = np.arange(len(rows)) % FOLDS
    return folds


def _f1(wanted: np.ndarray, guessed: np.ndarray) -> tuple[float, float]:
    """F1 as the mean over the classes, and over all texts (the share that is right)."""
    each = []
    for label in np.unique(wanted):
        right = ((wanted == label) & (guessed == label)).sum()
        each.append(2 * right / ((wanted == label).sum() + (guessed == label).sum()))
    return float(np.mean(each)), float((wanted == guessed).mean())


def _sharpness(scores: np.ndarray, wanted: np.ndarray) -> float:
    """The factor under which the probabilities fit best what was right."""
    candidates = np.geomspace(0.25, 32, 57)
    rows = np.arange(len(wanted))
    losses = [-np.log(np.maximum(softmax(scores * factor)[rows, wanted], 1e-12)).mean() for factor in candidates]
    return float(candidates[int(np.argmin(losses))])


def _threshold(chances: np.ndarray, wanted: np.ndarray) -> tuple[float, float]:
    """The lowest confidence from which on suggestions are right often enough; and the share below it."""
    confidence = chances.max(1)
    order = np.argsort(-confidence, kind="stable")
    right = np.cumsum((chances.argmax(1) == wanted)[order]) / np.arange(1, len(wanted) + 1)
    enough = np.flatnonzero(right >= WANTED_PRECISION)
    enough = enough[enough >= ENOUGH_DECIDED - 1]
    lowest = confidence[order][enough[-1]] if len(enough) else _HIGHEST_THRESHOLD
    threshold = float(np.clip(lowest, _LOWEST_THRESHOLD, _HIGHEST_THRESHOLD))
    return threshold, float((confidence < threshold).mean())
