"""Run the carried image network, EfficientNet-Lite2, and the local image encoder that uses it.

Vectors of the role `visual` are from the network; `color`, `texture` and `structure` are descriptors. The local analyst
names what the network recognises (`local_analyst.py`).

EfficientNet: Tan & Le, ICML 2019; Lite: its variant without squeeze-and-excitation, trained on ImageNet by Google,
Apache-2.0 (docs/models.md). `devtools/convert_image_network.py` made the file; onnxruntime runs it.
"""

import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

from swatchbook.domain.records import Role
from swatchbook.models import local_encoder
from swatchbook_base.arrays import Pixels, Vectors

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


class Seen(NamedTuple):
    """The outputs of the network for a picture, float32."""

    features: Vectors  # (1280,): the mean of the last convolution over the places of the middle square
    logits: Vectors  # (1000,): of ImageNet's classes


class Network:
    """EfficientNet-Lite2 in onnxruntime. Thread-safe. What it sees of a picture does not depend on its batch.

    The encoder and the analyst get the same arrays: the network is run once for both, and what it saw is kept as long
    as the array lives. An array that was given to it must not be changed.
    """

    def __init__(self) -> None:
        from onnxruntime import InferenceSession, SessionOptions  # reading a tag does not need it

        options = SessionOptions()
        options.intra_op_num_threads = 1  # pictures are run side by side, each alone: batches round differently
        self._session = InferenceSession(FILE, options, providers=["CPUExecutionProvider"])
        self._threads = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="see")
        self._lock = threading.RLock()  # reentrant: an array may be freed while it is held
        self._tasks = dict[int, Future[Seen]]()  # id of a living array -> what was seen of it

    def see(self, pictures: Sequence[Pixels]) -> list[Seen]:
        """Return what the network sees of (h, w, 3) uint8 pictures, in input order."""
        return [task.result() for task in [self._task(picture) for picture in pictures]]

    def _task(self, picture: Pixels) -> Future[Seen]:
        with self._lock:
            if (known := self._tasks.get(id(picture))) is not None:
                return known
            task = self._tasks[id(picture)] = self._threads.submit(self._run, picture)
            weakref.finalize(picture, self._forget, id(picture)).atexit = False
            return task

    def _run(self, picture: Pixels) -> Seen:
        from swatchbook.models.images.pixels import shrink

        try:
            square = middle_square(shrink(picture, SIDE), INPUT_SIDE)
            features, logits = self._session.run(["features", "logits"], {"pixels": square[None]})
        except BaseException:
            self._forget(id(picture))  # the next try runs it again
            raise
        return Seen(features[0], logits[0])

    def _forget(self, number: int) -> None:
        with self._lock:
            self._tasks.pop(number, None)


class ImageNetwork:
    """An `ImageEncoder` that runs the carried network. A picture's vectors do not depend on its batch."""

    tags = TAGS
    dimensions = DIMENSIONS
    side = SIDE

    def __init__(self, network: Network | None = None) -> None:
        self._network = network or Network()
        self._descriptors = local_encoder.DescriptorEncoder()

    def encode(self, pictures: Sequence[Pixels]) -> Mapping[Role, Vectors]:
        """Return role -> (n, dimension) float32, unit length, in input order."""
        import numpy as np

        visual = np.empty((len(pictures), DIMENSIONS[Role.VISUAL]), np.float32)
        for row, seen in zip(visual, self._network.see(pictures), strict=True):
            row[:] = seen.features / np.linalg.norm(seen.features)
        described = self._descriptors.encode(pictures)
        return {**described, Role.STRUCTURE: described[Role.VISUAL], Role.VISUAL: visual}


def middle_square(picture: Pixels, side: int) -> Pixels:
    """Return the largest square in the middle of a (h, w, 3) uint8 picture, resized to (side, side, 3)."""
    import numpy as np
    from PIL import Image

    height, width, _ = picture.shape
    least = min(height, width)
    top, left = (height - least) // 2, (width - least) // 2
    square = picture[top : top + least, left : left + least]
    return np.asarray(Image.fromarray(square).resize((side, side), Image.Resampling.BILINEAR))
