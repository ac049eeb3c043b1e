"""Prepare pictures for a vision model in torch, as Hugging Face's image processors do: resize, crop, normalise.

torch's antialiased resize of 8-bit samples uses Pillow's algorithm: from the same pixels no sample differs by more than
2 levels of 255 (tests/test_prepare.py). Decoding at OVERSAMPLING times the size changes one by 0.4 to 1.4.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import Record

OVERSAMPLING: Final = 2  # longest decoded side ÷ input side; 1.5 is hardly faster, at 3 few JPEGs decode at half size
CPU: Final = torch.device("cpu")
FILTERS: Final[Mapping[int, Literal["bilinear", "bicubic"]]] = {2: "bilinear", 3: "bicubic"}
"""Pillow's number -> name, for the filters that torch has too."""


class Preparation(Record):
    """How pictures become model input. Sizes are in pixels; mean and deviation are for each channel, of samples 0–1."""

    size: int | tuple[int, int]  # shorter side; or height and width, ignoring the picture's shape
    crop: tuple[int, int] | None  # height and width of the centre crop
    filter: Literal["bilinear", "bicubic"]
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]

    @property
    def side(self) -> int:
        """The longest side in pixels to which pictures are decoded."""
        return OVERSAMPLING * (self.size if isinstance(self.size, int) else max(self.size))

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the model's input."""
        if self.crop is not None:
            return self.crop
        return (self.size, self.size) if isinstance(self.size, int) else self.size


def read_preparation(config: Mapping[str, Any], name: str) -> Preparation:
    """Read a `preprocessor_config.json`. Raises Configuration, naming the model, for an unsupported operation."""

    def unsupported(operation: str) -> Configuration:
        return Configuration(
            f"{name} needs its pictures {operation}, which Swatchbook does not support.", advice=CHOOSE
        )

    size, crop = config.get("size"), (config.get("crop_size") if config.get("do_center_crop") else None)
    if not config.get("do_resize", True) or not config.get("do_rescale", True) or not config.get("do_normalize", True):
        raise unsupported("without resizing, rescaling or normalising")
    if config.get("resample", 3) not in FILTERS:
        raise unsupported(f"resized with Pillow's filter {config['resample']}")
    if isinstance(size, Mapping) and size.get("shortest_edge") and not size.get("longest_edge"):
        resize: int | tuple[int, int] = int(size["shortest_edge"])
    elif isinstance(size, Mapping) and size.get("height") and size.get("width"):
        resize = int(size["height"]), int(size["width"])
    elif isinstance(size, int):  # the oldest format
        resize = size
    else:
        raise unsupported(f"resized to {size}")
    if crop is not None:
        crop = (crop, crop) if isinstance(crop, int) else (int(crop["height"]), int(crop["width"]))
    least = min(resize) if isinstance(resize, tuple) else resize
    if (crop and max(crop) > least) or not (crop or isinstance(resize, tuple)):
        raise unsupported(f"resized to {resize} and cropped to {crop or 'nothing'}")
    return Preparation(
        size=resize,
        crop=crop,
        filter=FILTERS[config.get("resample", 3)],
        mean=tuple(config["image_mean"]),
        deviation=tuple(config["image_std"]),
    )


CHOOSE: Final = "Choose a SigLIP, SigLIP 2 (of a fixed resolution) or CLIP, or a DINOv2."


def stack(pictures: Sequence[NDArray[np.uint8]], preparation: Preparation, device: torch.device = CPU) -> Tensor:
    """Resize and crop (h, w, 3) uint8 pictures of any sizes; return (n, 3, height, width) uint8 on the device.

    CUDA resizes them itself: 64 take it 13 ms, and one thread of the CPU 27 to 44.
    """
    height, width = preparation.input_size
    stacked = torch.empty(len(pictures), 3, height, width, dtype=torch.uint8, device=device)
    for row, picture in zip(stacked, pictures, strict=True):
        planes = torch.from_numpy(picture.copy()).to(device)  # a copy: decoded pixels are not writable
        resized = resize(planes.permute(2, 0, 1), resized_shape(picture.shape[:2], preparation), preparation.filter)
        top, left = (resized.shape[1] - height) // 2, (resized.shape[2] - width) // 2
        row.copy_(resized[:, top : top + height, left : left + width])
    return stacked


def resized_shape(shape: tuple[int, ...], preparation: Preparation) -> tuple[int, int]:
    """Return the height and width to which a picture of (height, width) is resized before cropping."""
    if isinstance(preparation.size, tuple):
        return preparation.size
    shorter, (height, width) = preparation.size, shape  # the longer side is rounded down, as torchvision does
    return (shorter, shorter * width // height) if height <= width else (shorter * height // width, shorter)


def normalise(pixels: Tensor, preparation: Preparation) -> Tensor:
    """Normalise (n, 3, h, w) uint8 to float32 with the model's mean and deviation."""
    mean, deviation = (
        torch.tensor(values, device=pixels.device).mul_(255).view(3, 1, 1)
        for values in (preparation.mean, preparation.deviation)
    )
    return pixels.float().sub_(mean).div_(deviation)


def resize(planes: Tensor, size: tuple[int, int], filter: Literal["bilinear", "bicubic"]) -> Tensor:
    """Resize (3, h, w) uint8 to (3, *size) uint8."""
    if planes.shape[1:] == size:
        return planes
    if planes.device.type != "cpu":
        return resize_as_floats(planes, size, filter)
    return functional.interpolate(planes[None], size, mode=filter, antialias=True)[0]


def resize_as_floats(planes: Tensor, size: tuple[int, int], filter: Literal["bilinear", "bicubic"]) -> Tensor:
    """Resize as `resize` does, where torch has no resize of 8-bit samples. No sample differs by more than 1 of 255."""
    resized = functional.interpolate(planes[None].float(), size, mode=filter, antialias=True)[0]
    return resized.round_().clamp_(0, 255).to(torch.uint8)
