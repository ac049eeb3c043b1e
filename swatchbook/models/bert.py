"""The network of BERT (Devlin et al., NAACL 2019) in numpy, for all-MiniLM-L6-v2 and multilingual-e5-small.

A search encodes one query, which takes 10 ms here; importing torch would take longer than the rest of the command.
Texts are laid end to end, without padding, so that the weights are read once for all of them. Of the embedding table
only the rows of the texts' tokens are read.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

ROWS = 16
"""Matrices have a multiple of so many rows: BLAS then computes a row alike, whatever rows stand beside it."""

GELU_ROWS = 16
"""Rows that are activated at a time: their intermediate values stay in the processor's cache."""


class Bert:
    """The network of a Hugging Face BERT checkpoint, without pooler, for single-segment texts. Thread-safe.

    `weights`: name in the checkpoint -> values, of the layers and the norm of the embeddings. `embed`: maps token ids
    to the sum of word, position and segment embeddings, (length, hidden size) float32.
    """

    def __init__(
        self,
        weights: "Mapping[str, Matrix]",
        embed: "Callable[[Sequence[int]], Matrix]",
        *,
        layers: int,
        heads: int,
        epsilon: float,
    ) -> None:
        # one thread for a matrix: beside other work on the machine, threads of BLAS that wait for each other take ten
        # times as long
        threadpool_limits(1, user_api="blas")
        self._weights, self._embed = weights, embed
        self.layers, self._heads, self._epsilon = layers, heads, epsilon

    def encode(self, texts: Sequence[Sequence[int]]) -> "Matrix":
        """Map each text's token ids to the mean of its last layer: (n, hidden size), the same whatever the others."""
        parts = [self._embed(ids) for ids in texts]
        ends = np.cumsum([len(part) for part in parts])
        spans = [slice(end - len(part), end) for end, part in zip(ends, parts, strict=True)]
        padding = np.zeros((-ends[-1] % ROWS, parts[0].shape[1]), np.float32)
        hidden = self._norm(np.concatenate([*parts, padding]), "embeddings.LayerNorm")
        for number in range(self.layers):
            hidden = self._layer(hidden, spans, f"encoder.layer.{number}")
        return np.stack([hidden[span].mean(axis=0) for span in spans])

    def _layer(self, hidden: "Matrix", spans: Sequence[slice], name: str) -> "Matrix":
        attended = self._attention(hidden, spans, f"{name}.attention.self")
        attended = self._linear(attended, f"{name}.attention.output.dense")
        hidden = self._norm(hidden + attended, f"{name}.attention.output.LayerNorm")
        inner = _gelu(self._linear(hidden, f"{name}.intermediate.dense"))
        return self._norm(hidden + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _attention(self, hidden: "Matrix", spans: Sequence[slice], name: str) -> "Matrix":
        """Return multi-head self-attention within each text, (rows, hidden size)."""
        query, key, value = (self._linear(hidden, f"{name}.{part}") for part in ("query", "key", "value"))
        attended = np.zeros_like(hidden)
        for span in spans:
            attended[span] = self._attend(query[span], key[span], value[span])
        return attended

    def _attend(self, *rows: "Matrix") -> "Matrix":
        """Return what each row of a text takes from its rows, by query, key and value (length, hidden size)."""
        length, size = rows[0].shape
        query, key, value = (each.reshape(length, self._heads, -1).swapaxes(0, 1) for each in rows)
        scores = query @ key.swapaxes(1, 2) / np.float32(math.sqrt(size / self._heads))
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        attended: Matrix = (weights @ value).swapaxes(0, 1).reshape(length, size)
        return attended

    def _linear(self, x: "Matrix", name: str) -> "Matrix":
        # the transposed product: of few rows, BLAS computes it in half the time
        product = np.ascontiguousarray((self._weights[f"{name}.weight"] @ x.T).T)
        return product + self._weights[f"{name}.bias"]

    def _norm(self, x: "Matrix", name: str) -> "Matrix":
        centred = x - x.mean(axis=-1, keepdims=True)
        deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(self._epsilon))
        scaled: Matrix = centred / deviation * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return scaled


def _gelu(x: "Matrix") -> "Matrix":
    """Return x · Φ(x), Φ the standard normal's distribution function (Hendrycks & Gimpel, 2016)."""
    half, root = np.float32(0.5), np.float32(math.sqrt(0.5))
    activated = np.empty_like(x)
    for start in range(0, len(x), GELU_ROWS):
        rows = x[start : start + GELU_ROWS]
        activated[start : start + GELU_ROWS] = rows * half * (1 + _erf(rows * root))
    return activated


def _erf(x: "Matrix") -> "Matrix":
    """Return the error function, to 5e-7: numpy has none, and importing scipy takes longer than a search.

    (Abramowitz & Stegun, "Handbook of Mathematical Functions", 7.1.26.)
    """
    size = np.abs(x)
    one = np.float32(1)
    t = one / (one + np.float32(0.3275911) * size)
    series: Matrix = np.full_like(x, 1.061405429)
    for coefficient in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = series * t + np.float32(coefficient)
    found: Matrix = np.copysign(one - series * t * np.exp(-size * size), x)
    return found
