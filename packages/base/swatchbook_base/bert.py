"""The network of BERT (Devlin et al., NAACL 2019), run by onnxruntime, for multilingual-e5-small.

`devtools/make_text_graph.py` makes the graph, which has no weights; those come in the package of the model.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onnxruntime import InferenceSession, OrtValue, SessionOptions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]


class Bert:
    """A graph with its weights. Thread-safe.

    `weights`: name in the graph -> values. `embed`: maps token ids to the sum of word, position and segment
    embeddings, (tokens, hidden size) float32.
    """

    def __init__(
        self, graph: Path, weights: "Mapping[str, NDArray[Any]]", embed: "Callable[[Sequence[int]], Matrix]"
    ) -> None:
        options = SessionOptions()
        options.intra_op_num_threads = 1  # texts are encoded side by side, each alone
        given = {name: OrtValue.ortvalue_from_numpy(values) for name, values in weights.items()}
        options.add_external_initializers(list(given), list(given.values()))
        self._session = InferenceSession(graph.read_bytes(), options, providers=["CPUExecutionProvider"])
        self._embed = embed

    def encode(self, ids: Sequence[int]) -> "Matrix":
        """Return the mean of a text's last layer, (hidden size,) float32."""
        (mean,) = self._session.run(["mean"], {"embedded": self._embed(ids)})
        found: Matrix = mean
        return found
