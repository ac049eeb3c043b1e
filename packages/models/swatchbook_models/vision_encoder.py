"""The common part of SigLIP and DINOv2: batches of pictures, vectors of unit length, and failures.

Batches are parallel on the CPU; on CUDA, one is resized while another is computed. NaN, and a device without enough
memory, become failures.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from typing import Final, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from swatchbook.domain.errors import InvalidModelOutput, OutOfMemory
from swatchbook.domain.records import Role
from swatchbook_base.arrays import Pixels, Vectors
from swatchbook_models.device import Device, Precision, choose_device, to_precision
from swatchbook_models.encoder_input import CPU, Preparation, normalise, stack

In = TypeVar("In")
Out = TypeVar("Out")

BATCH: Final = 16  # pictures at most: larger batches are no faster on a CPU, and take more memory
CUDA_BATCH: Final = 64  # an H200 computes 1,600 pictures a second in batches of 16, 5,000 of 64, 5,900 of 256 (base)
PROBES: Final = 2


class VisionEncoder:
    """An `ImageEncoder` around a network that maps (n, 3, h, w) normalised pixels to role -> (n, d).

    On the CPU, batches run in parallel, one thread per core; on CUDA, two at a time. Thread-safe. Raises Configuration
    for a device or precision that is not available.
    """

    def __init__(
        self,
        network: nn.Module,
        tags: Mapping[Role, str],
        preparation: Preparation,
        *,
        device: Device,
        precision: Precision,
    ) -> None:
        self.tags = tags
        self.side = preparation.side
        self._preparation = preparation
        self._device = choose_device(device)
        self._network = to_precision(network.eval(), precision, self._device, self._embed_probe)
        self.dimensions = {role: block.shape[1] for role, block in self._embed_probe(self._network).items()}
        if set(self.dimensions) != set(tags):
            raise ValueError(f"the network returns the roles {set(self.dimensions)}, but its tags are for {set(tags)}")
        self._on_cuda = self._device.type == "cuda"
        self._batch = CUDA_BATCH if self._on_cuda else BATCH
        self._cores = (os.cpu_count() or 1) if self._device.type == "cpu" else 1
        self._threads = ThreadPoolExecutor(2 if self._on_cuda else self._cores, thread_name_prefix="encode")

    @property
    def precision(self) -> str:
        """Return the type of the network's weights: `float32` or `bfloat16`."""
        return str(next(self._network.parameters()).dtype).removeprefix("torch.")

    @property
    def device(self) -> str:
        return self._device.type

    def encode(self, pictures: Sequence[Pixels]) -> Mapping[Role, Vectors]:
        """Return role -> (n, dimension) float32, unit length, in order. Raises OutOfMemory, InvalidModelOutput."""
        if not pictures:
            return {role: np.empty((0, dimension), np.float32) for role, dimension in self.dimensions.items()}
        parts = self.map_batches(self._encode, pictures)
        vectors = {role: np.concatenate([part[role] for part in parts]) for role in self.dimensions}
        if not all(np.isfinite(block).all() for block in vectors.values()):
            raise InvalidModelOutput("The model returned NaN or infinite numbers.")
        return vectors

    def map_batches(self, function: Callable[[Sequence[In]], Out], items: Sequence[In]) -> list[Out]:
        """Apply `function` to batches of `items`, in parallel on the CPU; results in order. Raises OutOfMemory."""
        size = max(1, min(self._batch, ceil(len(items) / self._cores)))
        batches = [items[start : start + size] for start in range(0, len(items), size)]
        try:
            return list(self._threads.map(function, batches))
        except torch.OutOfMemoryError as error:
            raise OutOfMemory(f"The batch does not fit into the memory of {self.device}.") from error

    def _encode(self, pictures: Sequence[Pixels]) -> dict[Role, Vectors]:
        pixels = stack(pictures, self._preparation, self._device if self._on_cuda else CPU).to(self._device)
        return {role: block.cpu().numpy() for role, block in self._forward(self._network, pixels).items()}

    def _embed_probe(self, network: nn.Module) -> dict[Role, Tensor]:
        """Return role -> (PROBES, d) for fixed test images: patches of colour, the same in every process."""
        height, width = self._preparation.input_size
        colors = torch.arange(PROBES * 3 * 7 * 7).mul(97).remainder(251).view(PROBES, 3, 7, 7).float()
        probe = functional.interpolate(colors, (height, width), mode="bilinear").to(torch.uint8)
        return self._forward(network, probe.to(self._device))

    def _forward(self, network: nn.Module, pixels: Tensor) -> dict[Role, Tensor]:
        with torch.inference_mode():
            vectors = network(normalise(pixels, self._preparation).to(next(network.parameters()).dtype))
            return {role: functional.normalize(block.float(), dim=1) for role, block in vectors.items()}
