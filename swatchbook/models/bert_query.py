"""The network of all-MiniLM-L6-v2 in numpy, for the queries of searches, without importing torch.

A search encodes one query, which takes 10 ms here; importing torch would take longer than the rest of the command.
Queries that arrive together are encoded together: reading 42 MB of weights is most of the work, and is done once for
all (`query_batches.py`). `tests/models/test_minilm.py` compares the vectors with those of bert.py. Of the embedding
table only the rows of the queries' tokens are read from disk.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import safe_open
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

ROWS = 16
"""Matrices have a multiple of so many rows: BLAS then computes a row alike, whatever rows stand beside it."""


class QueryBert:
    """The network of a Hugging Face BERT checkpoint, without pooler. Thread-safe."""

    def __init__(self, config: Mapping[str, Any], weights: Path) -> None:
        self._layers = int(config["num_hidden_layers"])
        self._heads = int(config["num_attention_heads"])
        self._epsilon = float(config["layer_norm_eps"])
        # one thread for a query: beside other work on the machine, threads of BLAS that wait for each other take ten
        # times as long
        threadpool_limits(1, user_api="blas")
        self._file = _open(weights)
        self._weights: dict[str, Matrix] = {
            name: self._file.get_tensor(name)
            for name in self._file.keys()  # noqa: SIM118 - not a mapping
            if name.startswith(("encoder.layer.", "embeddings.LayerNorm."))
        }

    def encode(self, texts: Sequence[Sequence[int]]) -> "list[Matrix]":
        """Map each text's token ids to its last layer: (length, hidden size) float32, the same whatever the others."""
        words = self._file.get_slice("embeddings.word_embeddings.weight")
        positions = self._file.get_slice("embeddings.position_embeddings.weight")
        kind = self._file.get_slice("embeddings.token_type_embeddings.weight")[0:1]
        parts = [np.concatenate([words[i : i + 1] for i in ids]) + positions[: len(ids)] + kind for ids in texts]
        ends = np.cumsum([len(part) for part in parts])
        spans = [slice(end - len(part), end) for end, part in zip(ends, parts, strict=True)]
        padding = np.zeros((-ends[-1] % ROWS, parts[0].shape[1]), np.float32)
        hidden = self._norm(np.concatenate([*parts, padding]), "embeddings.LayerNorm")
        for number in range(self._layers):
            hidden = self._layer(hidden, spans, f"encoder.layer.{number}")
        return [hidden[span] for span in spans]

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


def _open(weights: Path) -> Any:
    """Open the weights; each tensor is read when used. Any: safetensors has no types."""
    return safe_open(weights, framework="numpy")


def _gelu(x: "Matrix") -> "Matrix":
    """Return x · Φ(x), Φ the standard normal's distribution function (Hendrycks & Gimpel, 2016)."""
    half = np.float32(0.5)
    activated: Matrix = x * half * (1 + _erf(x * np.float32(math.sqrt(0.5))))
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
