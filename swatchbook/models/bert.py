"""The network of all-MiniLM-L6-v2 in torch, for documents: BERT (Devlin et al., NAACL 2019), the sum of three
embeddings, then PyTorch's TransformerEncoder.

transformers' own BERT would cost five seconds of imports and 150 MB. `tests/models/test_minilm.py` compares the vectors
with those of sentence-transformers.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

PARTS = {
    "self_attn.out_proj": "attention.output.dense",
    "norm1": "attention.output.LayerNorm",
    "linear1": "intermediate.dense",
    "linear2": "output.dense",
    "norm2": "output.LayerNorm",
}
"""A layer's modules: PyTorch name -> BERT name."""

PARAMETERS = ("weight", "bias")


class Bert(nn.Module):
    """The network of a Hugging Face BERT checkpoint, without pooler, for single-segment texts."""

    def __init__(self, config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        size, epsilon = int(config["hidden_size"]), float(config["layer_norm_eps"])
        with torch.device("meta"):  # skips the random initialisation
            self.norm = nn.LayerNorm(size, eps=epsilon)
            layer = nn.TransformerEncoderLayer(
                size,
                config["num_attention_heads"],
                config["intermediate_size"],
                dropout=0.0,
                activation=config["hidden_act"],
                layer_norm_eps=epsilon,
                batch_first=True,
            )
            self.layers = nn.TransformerEncoder(layer, config["num_hidden_layers"], enable_nested_tensor=False)
        self.words = nn.Embedding.from_pretrained(weights["embeddings.word_embeddings.weight"])  # type: ignore[no-untyped-call]
        segment = weights["embeddings.token_type_embeddings.weight"][0]
        self.positions = nn.Embedding.from_pretrained(weights["embeddings.position_embeddings.weight"] + segment)  # type: ignore[no-untyped-call]
        norm = {parameter: weights[f"embeddings.LayerNorm.{parameter}"] for parameter in PARAMETERS}
        self.norm.load_state_dict(norm, assign=True)
        for number, module in enumerate(self.layers.layers):
            module.load_state_dict(_layer_weights(weights, f"encoder.layer.{number}"), assign=True)
        self.eval()

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Map token ids and mask (1 token, 0 padding), both (n, length), to the last layer (n, length, hidden size)."""
        embedded = self.norm(self.words(ids) + self.positions(torch.arange(ids.shape[1])))
        hidden: Tensor = self.layers(embedded, src_key_padding_mask=mask == 0)
        return hidden


def _layer_weights(weights: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Return a layer's weights under PyTorch's names, which store query, key and value in one matrix."""
    layer = {f"{ours}.{p}": weights[f"{name}.{theirs}.{p}"] for ours, theirs in PARTS.items() for p in PARAMETERS}
    for parameter in PARAMETERS:
        parts = [weights[f"{name}.attention.self.{part}.{parameter}"] for part in ("query", "key", "value")]
        layer[f"self_attn.in_proj_{parameter}"] = torch.cat(parts)
    return layer
