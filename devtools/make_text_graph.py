"""Make the graph that `bert.py` runs, as ONNX without weights: multilingual-e5-small with matrices of 4 bits.
Needs the package onnx, which no installation has.

    python -m devtools.make_text_graph

It reads one text: `embedded`, (tokens, 384) float32, the sum of the embeddings of its tokens. It returns `mean`,
(384,), the mean of the last layer's tokens. Its weights are external: they are given by name when the graph is opened.
"""

import math
import sys
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from onnx import ModelProto, NodeProto, StringStringEntryProto, TensorProto
from onnx.helper import make_graph, make_model, make_node, make_opsetid, make_tensor, make_tensor_value_info

from swatchbook_base.e5 import GRAPH

HIDDEN, INNER, HEADS, LAYERS, EPSILON = 384, 1536, 12, 12, 1e-12
BLOCK: Final = 32  # weights of 4 bits that share a scale
AS_INT8: Final = 4  # what a layer gets is rounded to 8 bits, too: half the time, cosine at least 0.9998
OURS: Final = "com.microsoft"
"""The domain of the operators that only onnxruntime has."""


class Graph(NamedTuple):
    """A graph that grows: its nodes, and name of a weight -> its type and shape. Each method adds nodes and returns the
    name of their result.
    """

    nodes: list[NodeProto]
    weights: dict[str, tuple[int, tuple[int, ...]]]

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(make_node(kind, inputs, [output], **attributes))
        return output

    def weight(self, name: str, *shape: int, kind: int = TensorProto.FLOAT) -> str:
        self.weights[name] = (kind, shape)
        return name

    def norm(self, x: str, name: str) -> str:
        weights = [self.weight(f"{name}.weight", HIDDEN), self.weight(f"{name}.bias", HIDDEN)]
        return self.add("LayerNormalization", [x, *weights], f"{name}.out", axis=-1, epsilon=EPSILON)

    def linear(self, x: str, name: str, rows: int, columns: int) -> str:
        """Add x Wᵀ + b, W of (rows, columns)."""
        codes = self.weight(f"{name}.codes", rows, columns // BLOCK, BLOCK // 2, kind=TensorProto.UINT8)
        given = [x, codes, self.weight(f"{name}.scales", rows, columns // BLOCK)]
        shape = {"N": rows, "K": columns, "bits": 4, "block_size": BLOCK, "accuracy_level": AS_INT8}
        product = self.add("MatMulNBits", given, f"{name}.product", domain=OURS, **shape)
        return self.add("Add", [product, self.weight(f"{name}.bias", rows)], f"{name}.out")

    def attention(self, x: str, name: str) -> str:
        """Add multi-head self-attention, softmax(Q Kᵀ / √32) V."""
        parts = []
        for part, order in (("query", (1, 0, 2)), ("key", (1, 2, 0)), ("value", (1, 0, 2))):
            rows = self.linear(x, f"{name}.{part}", HIDDEN, HIDDEN)
            heads = self.add("Reshape", [rows, "by_head"], f"{name}.{part}.heads")
            parts.append(self.add("Transpose", [heads], f"{name}.{part}.turned", perm=order))
        query, key, value = parts
        scores = self.add("Mul", [self.add("MatMul", [query, key], f"{name}.dots"), "by_length"], f"{name}.scores")
        weights = self.add("Softmax", [scores], f"{name}.weights", axis=-1)
        taken = self.add("MatMul", [weights, value], f"{name}.taken")
        rows = self.add("Transpose", [taken], f"{name}.rows", perm=(1, 0, 2))
        return self.add("Reshape", [rows, "by_token"], f"{name}.out")

    def layer(self, x: str, name: str) -> str:
        attended = self.linear(self.attention(x, f"{name}.attention"), f"{name}.attended", HIDDEN, HIDDEN)
        x = self.norm(self.add("Add", [x, attended], f"{name}.sum"), f"{name}.norm")
        inner = self.linear(x, f"{name}.inner", INNER, HIDDEN)
        active = self.add("Gelu", [inner], f"{name}.active", domain=OURS)
        outer = self.linear(active, f"{name}.outer", HIDDEN, INNER)
        return self.norm(self.add("Add", [x, outer], f"{name}.last_sum"), f"{name}.last_norm")


def make_bert() -> ModelProto:
    """Return the graph of the network."""
    graph = Graph([], {})
    x = graph.norm("embedded", "norm")
    for number in range(LAYERS):
        x = graph.layer(x, f"{number}")
    graph.add("ReduceMean", [x], "mean", axes=[0], keepdims=0)
    constants = [
        make_tensor("by_head", TensorProto.INT64, (3,), (0, HEADS, HIDDEN // HEADS)),
        make_tensor("by_token", TensorProto.INT64, (2,), (0, HIDDEN)),
        make_tensor("by_length", TensorProto.FLOAT, (), (1 / math.sqrt(HIDDEN // HEADS),)),
    ]
    ends = [make_tensor_value_info("embedded", TensorProto.FLOAT, ("tokens", HIDDEN))]
    mean = [make_tensor_value_info("mean", TensorProto.FLOAT, (HIDDEN,))]
    made = make_graph(graph.nodes, "bert", ends, mean, [*constants, *_external(graph)])
    return make_model(made, opset_imports=[make_opsetid("", 17), make_opsetid(OURS, 1)], ir_version=8)


def _external(graph: Graph) -> Iterator[TensorProto]:
    """Yield the weights without their values."""
    place = [StringStringEntryProto(key="location", value="given")]
    for name, (kind, shape) in graph.weights.items():
        yield TensorProto(
            name=name, data_type=kind, dims=shape, data_location=TensorProto.EXTERNAL, external_data=place
        )


def main() -> None:
    """Write the graph into the package."""
    data = make_bert().SerializeToString()
    GRAPH.write_bytes(data)
    sys.stdout.write(f"{GRAPH}: {len(data):,} bytes\n")


if __name__ == "__main__":
    main()
