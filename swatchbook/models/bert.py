"""BERT (Devlin et al., NAACL 2019) as PyTorch's own TransformerEncoder behind three summed embeddings.

Built from that instead of transformers, whose BERT costs a cold search five seconds of imports and 150 MB;
`tests/models/test_minilm.py` holds its vectors against sentence-transformers'.
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
"""Names of a layer's parts: PyTorch's and BERT's."""


class Bert(nn.Module):
    """The network of a Hugging Face BERT checkpoint, without pooler, for texts of one segment."""

    def __init__(self, config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        size, epsilon = int(config["hidden_size"]), float(config["layer_norm_eps"])
        with torch.device("meta"):  # no random weights first
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
        kind = weights["embeddings.token_type_embeddings.weight"][0]
        self.places = nn.Embedding.from_pretrained(weights["embeddings.position_embeddings.weight"] + kind)  # type: ignore[no-untyped-call]
        self.norm.load_state_dict(_part(weights, "embeddings.LayerNorm"), assign=True)
        for number, module in enumerate(self.layers.layers):
            module.load_state_dict(_layer(weights, f"encoder.layer.{number}"), assign=True)
        self.eval()

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """(n, length) token ids and mask (1: a token, 0: padding) → (n, length, hidden size), the last layer."""
        embedded = self.norm(self.words(ids) + self.places(torch.arange(ids.shape[1])))
        hidden: Tensor = self.layers(embedded, src_key_padding_mask=mask == 0)
        return hidden


def _layer(weights: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """A layer's weights under PyTorch's names; query, key and value stand in one matrix there."""
    found = {f"{ours}.{kind}": weights[f"{name}.{theirs}.{kind}"] for ours, theirs in PARTS.items() for kind in KINDS}
    for kind in KINDS:
        parts = [weights[f"{name}.attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
        found[f"self_attn.in_proj_{kind}"] = torch.cat(parts)
    return found


def _part(weights: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    return {kind: weights[f"{name}.{kind}"] for kind in KINDS}


KINDS = ("weight", "bias")
