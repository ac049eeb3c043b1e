"""What all vision networks share: pictures prepared, passed through in portions, vectors of unit length out."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from typing import Final, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from swatchbook.arrays import Pixels, Vectors
from swatchbook.errors import InvalidModelOutput, OutOfMemory
from swatchbook.images.prepare import Preparation, normalise, stack
from swatchbook.models.device import Device, Precision, choose_device, lighten
from swatchbook.records import Role

In = TypeVar("In")
Out = TypeVar("Out")

AT_ONCE: Final = 16  # pictures in one pass at most: more are no faster on any processor, and take memory
PROBES: Final = 2


class VisionEncoder:
    """An `ImageEncoder` around a network that maps (n, 3, h, w) normalised pixels to role -> (n, d).

    On a processor each core takes a part of the pictures with one thread of its own; a graphics card takes them in one.
    Threads may share it. Raises Configuration for a device or a precision that cannot be had.
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
        self._network = lighten(network.eval(), precision, self._device, self._look)
        self.dimensions = {role: block.shape[1] for role, block in self._look(self._network).items()}
        if set(self.dimensions) != set(tags):
            raise ValueError(f"a network makes {set(self.dimensions)}, its tags are of {set(tags)}")
        cores = os.cpu_count() or 1
        self._hands = cores if self._device.type == "cpu" else 1
        self._threads = ThreadPoolExecutor(self._hands, thread_name_prefix="see")

    @property
    def precision(self) -> str:
        """Of the network's weights: `float32` or `bfloat16`."""
        return str(next(self._network.parameters()).dtype).removeprefix("torch.")

    @property
    def device(self) -> str:
        return self._device.type

    def encode(self, pictures: Sequence[Pixels]) -> Mapping[Role, Vectors]:
        """role -> (n, dimension) float32, unit length. Raises OutOfMemory, InvalidModelOutput."""
        if not pictures:
            return {role: np.empty((0, dimension), np.float32) for role, dimension in self.dimensions.items()}
        parts = self.share(self._encode, pictures)
        made = {role: np.concatenate([part[role] for part in parts]) for role in self.dimensions}
        if not all(np.isfinite(block).all() for block in made.values()):
            raise InvalidModelOutput("The network made numbers that are none.")
        return made

    def share(self, work: Callable[[Sequence[In]], Out], given: Sequence[In]) -> list[Out]:
        """`work` on portions of what is given, side by side on a processor; in the order given. Raises OutOfMemory."""
        size = max(1, min(AT_ONCE, ceil(len(given) / self._hands)))
        portions = [given[start : start + size] for start in range(0, len(given), size)]
        try:
            return list(self._threads.map(work, portions))
        except torch.OutOfMemoryError as error:
            raise OutOfMemory(f"What is to be embedded does not fit into the memory of {self.device}.") from error

    def _encode(self, pictures: Sequence[Pixels]) -> dict[Role, Vectors]:
        pixels = stack(pictures, self._preparation).to(self._device)
        return {role: block.cpu().numpy() for role, block in self._pass(self._network, pixels).items()}

    def _look(self, network: nn.Module) -> dict[Role, Tensor]:
        """Vectors of the probe: patches of fixed colours, the same in every process."""
        height, width = self._preparation.input_size
        colors = torch.arange(PROBES * 3 * 7 * 7).mul(97).remainder(251).view(PROBES, 3, 7, 7).float()
        probe = functional.interpolate(colors, (height, width), mode="bilinear").to(torch.uint8)
        return self._pass(network, probe.to(self._device))

    def _pass(self, network: nn.Module, pixels: Tensor) -> dict[Role, Tensor]:
        with torch.inference_mode():
            seen = network(normalise(pixels, self._preparation).to(next(network.parameters()).dtype))
            return {role: functional.normalize(block.float(), dim=1) for role, block in seen.items()}
