"""The same BERT as bert.py for one short text at a time, in numpy alone.

A search encodes one query: 30 ms here, behind an import of torch that takes longer than all the rest of the command.
`tests/models/test_minilm.py` holds its vectors against those of bert.py. Weights are read where they lie: of the
embedding table only the rows of the query's own tokens.
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

_erf = np.frompyfunc(math.erf, 1, 1)  # numpy has none, and scipy takes longer to import than this to compute


class QueryBert:
    """The network of a Hugging Face BERT checkpoint, without pooler. Threads may share it."""

    def __init__(self, config: Mapping[str, Any], weights: Path) -> None:
        self._layers = int(config["num_hidden_layers"])
        self._heads = int(config["num_attention_heads"])
        self._epsilon = float(config["layer_norm_eps"])
        self._file = _open(weights)
        self._weights: dict[str, Matrix] = {
            name: self._file.get_tensor(name)
            for name in self._file.keys()  # noqa: SIM118 — it is no mapping
            if name.startswith(("encoder.layer.", "embeddings.LayerNorm."))
        }

    def encode(self, ids: Sequence[int]) -> "Matrix":
        """Token ids of one text → (length, hidden size) float32, the last layer."""
        words = self._file.get_slice("embeddings.word_embeddings.weight")
        embedded = np.concatenate([words[i : i + 1] for i in ids])
        embedded += self._file.get_slice("embeddings.position_embeddings.weight")[: len(ids)]
        embedded += self._file.get_slice("embeddings.token_type_embeddings.weight")[0:1]
        hidden = self._norm(embedded, "embeddings.LayerNorm")
        for number in range(self._layers):
            hidden = self._layer(hidden, f"encoder.layer.{number}")
        return hidden

    def _layer(self, hidden: "Matrix", name: str) -> "Matrix":
        seen = self._linear(self._attention(hidden, f"{name}.attention.self"), f"{name}.attention.output.dense")
        hidden = self._norm(hidden + seen, f"{name}.attention.output.LayerNorm")
        inner = _gelu(self._linear(hidden, f"{name}.intermediate.dense"))
        return self._norm(hidden + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")

    def _attention(self, hidden: "Matrix", name: str) -> "Matrix":
        """Of every token over all tokens, all heads side by side."""
        length, size = hidden.shape
        query, key, value = (
            self._linear(hidden, f"{name}.{part}").reshape(length, self._heads, -1).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        likeness = query @ key.swapaxes(1, 2) / np.float32(math.sqrt(size / self._heads))
        share = np.exp(likeness - likeness.max(axis=-1, keepdims=True))
        share /= share.sum(axis=-1, keepdims=True)
        seen: Matrix = (share @ value).swapaxes(0, 1).reshape(length, size)
        return seen

    def _linear(self, given: "Matrix", name: str) -> "Matrix":
        return given @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]

    def _norm(self, given: "Matrix", name: str) -> "Matrix":
        centred = given - given.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(self._epsilon))
        scaled: Matrix = centred / spread * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]
        return scaled


def _open(weights: Path) -> Any:
    """Tensors by name, read where they are asked for. safetensors has no types for it."""
    return safe_open(weights, framework="numpy")


def _gelu(given: "Matrix") -> "Matrix":
    """x · Φ(x), Φ the distribution function of the standard normal (Hendrycks & Gimpel, 2016), exactly."""
    half = np.float32(0.5)
    passed: Matrix = given * half * (1 + _erf(given * np.float32(math.sqrt(0.5))).astype(np.float32))
    return passed
