"""The models of category and department: predict, explain, write down as plain numbers, read back safely (CLS-14).

A model is a table of weights, one number per run of characters and class. It is stored as numpy arrays
without objects, so reading one runs no code, and with its SHA-256, so a changed one is refused.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from django.utils.translation import gettext_lazy as _

from accounts.errors import DomainError
from complaints.text_features import Features, Vocabulary, chunks, clean, top_words

FORMAT = 1
TOP = 3
REASONS = 5
# Numbers in the table of weights, 16 MB: more classes get a smaller vocabulary.
MAX_WEIGHTS = 4_000_000
MAX_RUNS = 200_000


class DamagedModel(DomainError):
    """The stored model is not the one that was trained."""

    code = "damaged_model"


@dataclass(frozen=True)
class Prediction:
    """The likeliest class, its probability, the next ones, and the words that spoke for it."""

    label: str
    confidence: float
    top: tuple[tuple[str, float], ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """Weights by run and class. `sharpness` turns scores into probabilities, `threshold` is the probability
    below which the model abstains; both were measured on texts the weights had not seen."""

    labels: tuple[str, ...]
    vocabulary: Vocabulary
    weights: np.ndarray
    bias: np.ndarray
    sharpness: float
    threshold: float

    def predict(self, texts: Sequence[str], *, explain: bool = True) -> list[Prediction]:
        """One prediction per text. A text without any known run gets every class alike."""
        return [found for chunk in chunks(texts) for found in self._predict([clean(text) for text in chunk], explain)]

    def scores(self, features: Features) -> np.ndarray:
        """Distance of each text from the boundary of each class."""
        columns = [
            np.bincount(features.row, weights=features.value * weight[features.column], minlength=features.texts)
            for weight in self.weights
        ]
        return np.stack(columns, axis=1) + self.bias

    def probabilities(self, features: Features) -> np.ndarray:
        found = softmax(self.scores(features) * self.sharpness)
        known = np.bincount(features.row, minlength=features.texts) > 0
        return np.where(known[:, None], found, 1 / len(self.labels))

    def _predict(self, texts: list[str], explain: bool) -> Iterable[Prediction]:
        features = self.vocabulary.features(texts)
        chances = self.probabilities(features)
        order = np.argsort(-chances, axis=1, kind="stable")[:, :TOP]
        contribution = self._contribution(features, order[:, 0]) if explain else None
        starts = features.runs.starts
        for index, text in enumerate(texts):
            top = tuple((self.labels[at], round(float(chances[index, at]), 4)) for at in order[index])
            reasons: list[str] = []
            if contribution is not None:
                part = contribution[starts[index] : starts[index] + len(text)]
                reasons = top_words(text, part, most=REASONS)
            yield Prediction(top[0][0], top[0][1], top, tuple(reasons))

    def _contribution(self, features: Features, chosen: np.ndarray) -> np.ndarray:
        """What each character adds to the score of the chosen class, over all texts one after the other."""
        of_feature = features.value * self.weights[chosen[features.row], features.column] / features.count
        runs = features.runs
        share = of_feature[features.feature] / runs.length
        first = runs.starts[runs.row] + runs.offset
        total = np.zeros(runs.size)
        for further in range(int(runs.length.max(initial=0))):
            longer = runs.length > further
            total += np.bincount(first[longer] + further, weights=share[longer], minlength=runs.size)
        return total


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def dump(model: Model) -> bytes:
    """The model as plain numbers."""
    target = io.BytesIO()
    np.savez(
        target,
        format=np.array(FORMAT),
        labels=np.array(model.labels),
        grams=model.vocabulary.grams,
        rarity=model.vocabulary.rarity,
        weights=model.weights,
        bias=model.bias,
        measured=np.array([model.sharpness, model.threshold]),
    )
    return target.getvalue()


def fingerprint(blob: bytes) -> str:
    return hashlib.sha256(blob).hexdigest()


def load(blob: bytes, sha256: str) -> Model:
    """The model of `dump`. Raises DamagedModel when a single byte differs or a number makes no sense."""
    if fingerprint(blob) != sha256:
        raise DamagedModel(_("The stored model was changed since it was trained. Train a new one."))
    try:
        with np.load(io.BytesIO(blob), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        model = Model(
            labels=tuple(map(str, arrays["labels"])),
            vocabulary=Vocabulary(arrays["grams"].astype(np.uint64), arrays["rarity"].astype(np.float32)),
            weights=arrays["weights"].astype(np.float32),
            bias=arrays["bias"].astype(np.float64),
            sharpness=float(arrays["measured"][0]),
            threshold=float(arrays["measured"][1]),
        )
        sound = int(arrays["format"]) == FORMAT and _is_sound(model)
    except (ValueError, KeyError, IndexError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise DamagedModel(_("The stored model cannot be read. Train a new one.")) from error
    if not sound:
        raise DamagedModel(_("The stored model cannot be read. Train a new one."))
    return model


def _is_sound(model: Model) -> bool:
    size = len(model.vocabulary.grams)
    numbers = (model.vocabulary.rarity, model.weights, model.bias, np.array([model.sharpness, model.threshold]))
    return (
        size > 0
        and len(model.labels) > 1
        and model.vocabulary.rarity.shape == (size,)
        and model.weights.shape == (len(model.labels), size)
        and model.bias.shape == (len(model.labels),)
        and all(np.isfinite(array).all() for array in numbers)
        and bool((np.diff(model.vocabulary.grams.astype(object)) > 0).all())
    )


def calibrated(model: Model, *, sharpness: float, threshold: float) -> Model:
    return replace(model, sharpness=sharpness, threshold=threshold)
