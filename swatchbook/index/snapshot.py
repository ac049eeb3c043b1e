"""Keep one version of a small space in memory, where a search takes less than a millisecond.

LanceDB spends more time on opening, planning and reading than on the comparison itself. Vectors are compared exactly;
keywords are scored by BM25 as in LanceDB, with the same constants and the statistics of all rows.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from swatchbook.index.contract import Match, Vector
from swatchbook_base.arrays import Vectors

FEW_ROWS: Final = 5_000
"""The most rows that the first search after a write reads, in 0.1 s and 20 MB."""

MOST_ROWS: Final = 20_000
MANY_SEARCHES: Final = 10
"""The number of searches since the last write after which up to MOST_ROWS are read: together they take as long."""

K1, B = 1.2, 0.75
"""The constants of BM25 in LanceDB (Robertson & Zaragoza 2009)."""

LONGEST_TERM: Final = 40
"""The number of bytes from which LanceDB leaves out a term."""

_FILTERS: Final = 64  # filters whose rows are kept

Rows = NDArray[np.int64]


class Snapshot:
    """The rows of a space: `ids`, `vectors` (n, dimension), and `terms`, separated by blanks. Thread-safe."""

    def __init__(self, ids: Sequence[str], vectors: Vectors, terms: pa.Array) -> None:
        self._ids = ids
        self._rows = {id: row for row, id in enumerate(ids)}
        norms = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
        self._unit: Vectors = (vectors / norms).astype(np.float32)
        self._terms = terms
        self._filtered = OrderedDict[str, Rows]()
        self._lock = threading.Lock()

    @cached_property
    def _keywords(self) -> "_Keywords":
        return _Keywords(self._terms)  # read only if the space is searched by keywords

    def read_as(self, before: "Snapshot") -> None:
        """Read the keywords if those of the version before were read: else all searches wait for the first one."""
        if "_keywords" in vars(before):
            with self._lock:
                _ = self._keywords

    def rows_of(self, condition: str, find: Callable[[], Sequence[str]]) -> Rows:
        """Return the rows that satisfy a filter. `find` returns their ids; it is called once for each condition."""
        with self._lock:
            if condition in self._filtered:
                self._filtered.move_to_end(condition)
                return self._filtered[condition]
        rows = np.array([self._rows[id] for id in find()], np.int64)
        with self._lock:
            self._filtered[condition] = rows
            while len(self._filtered) > _FILTERS:
                self._filtered.popitem(last=False)
        return rows

    def nearest(self, vector: Vector, k: int, rows: Rows | None) -> list[Match]:
        """Return the k nearest of these rows, or of all, by cosine distance, nearest first."""
        query = vector.astype(np.float64) / np.linalg.norm(vector.astype(np.float64))
        similar = self._unit @ query.astype(np.float32)
        best = _first(similar, k, rows)
        # Computed again in one order of summation, so that equal vectors have equal distances.
        exact = np.einsum("ij,j->i", self._unit[best].astype(np.float64), query)
        order = np.lexsort((best, -exact))
        return [Match(id=self._ids[best[i]], distance=max(0.0, 1 - float(exact[i]))) for i in order]

    def keyword(self, terms: Sequence[str], k: int, rows: Rows | None) -> list[Match]:
        """Return the k best of these rows, or of all, that have one of the terms, best first."""
        with self._lock:
            keywords = self._keywords
        scores = keywords.scores(terms)
        best = _first(scores, k, rows)
        best = best[scores[best] > 0]
        order = np.lexsort((best, -scores[best]))
        return [Match(id=self._ids[row], score=float(scores[row])) for row in best[order]]


class _Keywords:
    """The number of times that each row has each term."""

    def __init__(self, terms: pa.Array) -> None:
        words = pc.split_pattern(pc.fill_null(terms, ""), " ")
        owners, flat = pc.list_parent_indices(words), pc.list_flatten(words)
        size = pc.binary_length(flat)
        kept = pc.and_(pc.greater(size, 0), pc.less(size, LONGEST_TERM))
        coded = flat.filter(kept).dictionary_encode()
        self._size = len(terms)
        self._codes = {word: code for code, word in enumerate(coded.dictionary.to_pylist())}
        places = owners.filter(kept).to_numpy(zero_copy_only=False).astype(np.int64)
        lengths = np.bincount(places, minlength=self._size)
        self._count = np.count_nonzero(lengths)  # rows without terms count for no statistics
        occurrences = coded.indices.to_numpy(zero_copy_only=False).astype(np.int64) * max(1, self._size) + places
        pairs, often = np.unique(occurrences, return_counts=True)
        codes, self._places = np.divmod(pairs, max(1, self._size))
        self._starts = np.searchsorted(codes, np.arange(len(self._codes) + 1))
        mean = lengths.sum() / max(1, self._count)
        self._weights = often * (K1 + 1) / (often + K1 * (1 - B + B * lengths[self._places] / mean))

    def scores(self, terms: Sequence[str]) -> NDArray[np.float64]:
        """Return the score of each row, which is 0 for a row without any of the terms."""
        scores = np.zeros(self._size)
        for term in terms:
            if (code := self._codes.get(term)) is not None:
                span = slice(self._starts[code], self._starts[code + 1])
                having = span.stop - span.start
                rarity = np.log((self._count - having + 0.5) / (having + 0.5) + 1)
                scores[self._places[span]] += rarity * self._weights[span]
        return scores


def _first(measures: NDArray[np.floating], k: int, rows: Rows | None) -> Rows:
    """Return the k rows with the highest measures, of these rows or of all, in any order."""
    rows = np.arange(len(measures)) if rows is None else rows
    if len(rows) <= k:
        return rows
    return rows[np.argpartition(-measures[rows], k - 1)[:k]]
