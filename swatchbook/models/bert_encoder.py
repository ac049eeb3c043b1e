"""The base class of text encoders that run BERT: windows of long texts, threads, and a cache of queries."""

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, Literal

from swatchbook.arrays import Vectors

if TYPE_CHECKING:
    from swatchbook.ledger.calls import CallContext
    from swatchbook.models.bert import Bert

DIMENSION: Final = 384
QUERIES: Final = 1_000  # the most queries whose vectors are kept, in 2 MB; then all are forgotten

Kind = Literal["document", "query"]
Window = Sequence[int]
"""Token ids that the network reads at once, with those of begin and end."""


class BertTextEncoder(ABC):
    """A `TextEncoder`: v = m / |m|, m the mean of a text's last-layer tokens. Thread-safe.

    (Mean pooling: Reimers & Gurevych, "Sentence-BERT", EMNLP 2019.) A text of several windows has the mean of their
    means, weighted by their tokens. The network is loaded at its first use. Each text is encoded alone.
    """

    tag: str
    dimension = DIMENSION

    def __init__(self) -> None:
        self._lock = threading.Lock()  # held while the network is loaded
        self._loaded: Bert | None = None
        self._threads = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="embed")
        self._known = dict[str, Vectors]()  # query -> its vector

    @abstractmethod
    def windows(self, text: str, kind: Kind) -> Sequence[Window]:
        """Return the windows of a text, at least one."""

    def finish(self, vectors: Vectors) -> Vectors:
        """Return vectors (n, 384) of unit length as they are compared."""
        return vectors

    @abstractmethod
    def _load_network(self) -> "Bert":
        """Return the network with its weights."""

    def load(self) -> None:
        """Load the network now."""
        _ = self._network

    @property
    def _network(self) -> "Bert":
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load_network()
            return self._loaded

    def embed(self, texts: Sequence[str], kind: Kind = "document", context: "CallContext | None" = None) -> Vectors:
        """Return (n, 384) float32, unit length, in input order. It costs nothing, so `context` is not used."""
        import numpy as np  # reading a tag does not need it

        if not texts:
            return np.empty((0, DIMENSION), np.float32)
        if kind == "query":
            return self._embed_queries(texts)
        windows = [self.windows(text, kind) for text in texts]
        return self.finish(np.stack([*self._threads.map(self._pool, windows)]))

    def _embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Return (n, 384) float32. A person who filters, weighs, or goes on to more results asks the same again."""
        import numpy as np

        known = self._known
        found = {text: known[text] for text in texts if text in known}
        new = [text for text in dict.fromkeys(texts) if text not in found]
        if new:
            pooled = np.stack([self._pool(self.windows(text, "query")) for text in new])
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
