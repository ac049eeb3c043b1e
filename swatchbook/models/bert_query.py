"""The network of all-MiniLM-L6-v2 in numpy, for one search query at a time, without importing torch.

A search encodes one query, which takes 30 ms here; importing torch would take longer than the rest of the command.
`tests/models/test_minilm.py` compares the vectors with those of bert.py. Of the embedding table only the rows of the
query's tokens are read from disk.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import safe_open

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

_erf = np.frompyfunc(math.erf, 1, 1)  # numpy has no erf, and importing scipy takes longer than this


class QueryBert:
    """The network of a Hugging Face BERT checkpoint, without pooler. Thread-safe."""

    def __init__(self, config: Mapping[str, Any], weights: Path) -> None:
        self._layers = int(config["num_hidden_layers"])
        self._heads = int(config["num_attention_heads"])
        self._epsilon = float(config["layer_norm_eps"])
        self._file = _open(weights)
        self._weights: dict[str, Matrix] = {
            name: self._file.get_tensor(name)
            for name in self._file.keys()  # noqa: SIM118 - not a mapping
            if name.startswith(("encoder.layer.", "embeddings.LayerNorm."))
        }

    def encode(self, ids: Sequence[int]) -> "Matrix":
        """Map one text's token ids to the last layer: (length, hidden size) float32."""
        words = self._file.get_slice("embeddings.word_embeddings.weight")
        embedded = np.concatenate([words[i : i + 1] for i in ids])
        embedded += self._file.get_slice("embeddings.position_embeddings.weight")[: len(ids)]
        embedded += self._file.get_slice("embeddings.token_type_embeddings.weight")[0:1]
        hidden = self._norm(embedded, "embeddings.LayerNorm")
        for number in range(self._layers):
            hidden = self._layer(hidden, f"encoder.layer.{number}")
        return hidden

    def _layer(self, hidden: "Matrix", name: str) -> "Matrix":
        attended = self._linear(self._attention(hidden, f"{name}.attention.self"), f"{name}.attention.output.dense")
        hidden = self._norm(hidden + attended, f"{name}.attention.output.LayerNorm")
        inner = _gelu(self._linear(hidden, f"{name}.intermediate.dense"))
        return self._norm(hidden + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _attention(self, hidden: "Matrix", name: str) -> "Matrix":
        """Return multi-head self-attention, (length, hidden size)."""
        length, size = hidden.shape
        query, key, value = (
            self._linear(hidden, f"{name}.{part}").reshape(length, self._heads, -1).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        scores = query @ key.swapaxes(1, 2) / np.float32(math.sqrt(size / self._heads))
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        attended: Matrix = (weights @ value).swapaxes(0, 1).reshape(length, size)
        return attended

    def _linear(self, x: "Matrix", name: str) -> "Matrix":
        return x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]

    def _norm(self, x: "Matrix", name: str) -> "Matrix":
        centred = x - x.mean(axis=-1, keepdims=True)
        deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(self._epsilon))
        scaled: Matrix = centred / deviation * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return scaled


def _open(weights: Path) -> Any:
    """Open the weights; each tensor is read when used. Any: safetensors has no types."""
    return safe_open(weights, framework="numpy")


def _gelu(x: "Matrix") -> "Matrix":
    """Return x · Φ(x), Φ the standard normal's distribution function (Hendrycks & Gimpel, 2016), not approximated."""
    half = np.float32(0.5)
    activated: Matrix = x * half * (1 + _erf(x * np.float32(math.sqrt(0.5))).astype(np.float32))
    return activated
