"""The local image encoder: `visual` is made by EfficientNet-Lite2; `color`, `texture`, `structure` are descriptors.

EfficientNet: Tan & Le, ICML 2019; Lite: its variant without squeeze-and-excitation, trained on ImageNet by Google,
Apache-2.0 (docs/models.md). `devtools/convert_image_network.py` made the file; onnxruntime runs it.
"""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from swatchbook.arrays import Pixels, Vectors
from swatchbook.models import local_encoder
from swatchbook.records import Role

FILE: Final = Path(__file__).with_name("efficientnet_lite2.onnx")
INPUT_SIDE: Final = 260  # pixels of the network's input
SIDE: Final = 400  # pixels of the longest side of a picture: the shorter one of 3:2 is then the network's
DIMENSIONS: Final[Mapping[Role, int]] = {
    **local_encoder.DIMENSIONS,
    Role.STRUCTURE: local_encoder.DIMENSIONS[Role.VISUAL],
    Role.VISUAL: 1_280,
}
TAGS: Final[Mapping[Role, str]] = {
    **local_encoder.TAGS,
    Role.STRUCTURE: local_encoder.TAGS[Role.VISUAL],  # tells apart close views of materials, which the network cannot
    Role.VISUAL: f"efficientnet-lite2@9656183e/middle-{INPUT_SIDE}",
}


class ImageNetwork:
    """An `ImageEncoder` that runs a carried network. A picture's vectors do not depend on its batch."""

    tags = TAGS
    dimensions = DIMENSIONS
    side = SIDE

    def __init__(self) -> None:
        from onnxruntime import InferenceSession, SessionOptions  # reading a tag does not need it

        options = SessionOptions()
        options.intra_op_num_threads = 1  # pictures are run side by side, each alone: batches round differently
        self._session = InferenceSession(FILE, options, providers=["CPUExecutionProvider"])
        self._descriptors = local_encoder.DescriptorEncoder()
        self._threads = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="see")

    def encode(self, pictures: Sequence[Pixels]) -> Mapping[Role, Vectors]:
        """Return role -> (n, dimension) float32, unit length, in input order."""
        import numpy as np

        seen = list(self._threads.map(self._see, pictures))
        visual = np.stack(seen) if seen else np.empty((0, DIMENSIONS[Role.VISUAL]), np.float32)
        described = self._descriptors.encode(pictures)
        return {**described, Role.STRUCTURE: described[Role.VISUAL], Role.VISUAL: visual}

    def _see(self, picture: Pixels) -> Vectors:
        """Return the unit vector (1280,) of a picture: the mean over the places of its middle square."""
        import numpy as np

        (features,) = self._session.run(["features"], {"pixels": middle_square(picture, INPUT_SIDE)[None]})
        vector: Vectors = features[0] / np.linalg.norm(features[0])
        return vector


def middle_square(picture: Pixels, side: int) -> Pixels:
    """Return the largest square in the middle of a (h, w, 3) uint8 picture, resized to (side, side, 3)."""
    import numpy as np
    from PIL import Image

    height, width, _ = picture.shape
    least = min(height, width)
    top, left = (height - least) // 2, (width - least) // 2
    square = picture[top : top + least, left : left + least]
    return np.asarray(Image.fromarray(square).resize((side, side), Image.Resampling.BILINEAR))
