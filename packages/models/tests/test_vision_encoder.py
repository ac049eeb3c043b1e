"""What every vision network is wrapped in: portions, units, and what goes wrong on the way."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from swatchbook.domain.errors import Failure, InvalidModelOutput, OutOfMemory
from swatchbook.domain.records import Role
from swatchbook.ingest.bisect import bisect
from swatchbook_base.arrays import Pixels
from swatchbook_models.encoder_input import Preparation
from swatchbook_models.vision_encoder import BATCH, VisionEncoder

PREPARATION = Preparation(
    size=(8, 8), crop=None, filter="bilinear", mean=(0.0, 0.0, 0.0), deviation=(1.0, 1.0, 1.0)
)  # fmt: skip


class Means(nn.Module):
    """Each picture's mean colour, after what `meet` has to say to the batch."""

    def __init__(self, meet: Callable[[Tensor], Tensor] = lambda means: means) -> None:
        super().__init__()
        self.meet = meet
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, pixels: Tensor) -> dict[Role, Tensor]:
        return {Role.VISUAL: self.meet(pixels.mean(dim=(2, 3)) * self.weight)}


def around(network: nn.Module) -> VisionEncoder:
    return VisionEncoder(network, {Role.VISUAL: "means@1/visual"}, PREPARATION, device="cpu", precision="float32")


def plain(red: int, green: int = 10) -> Pixels:
    return np.full((5, 9, 3), (red, green, 20), np.uint8)


def test_many_pictures_keep_their_order_over_portions() -> None:
    sizes = list[int]()

    def count(means: Tensor) -> Tensor:
        sizes.append(len(means))
        return means

    encoder = around(Means(count))
    sizes.clear()
    reds = [*range(0, 200, 2)]
    vectors = encoder.encode([plain(red) for red in reds])[Role.VISUAL]
    assert (vectors[:, 0] / vectors[:, 1] * 10).round().astype(int).tolist() == reds
    assert sum(sizes) == len(reds)
    assert max(sizes) <= BATCH


def test_full_memory_halves_the_batch_until_it_fits() -> None:
    room = BATCH

    def fit(means: Tensor) -> Tensor:
        if len(means) > room:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return means

    encoder = around(Means(fit))
    room = 3

    def encode(pictures: list[Pixels]) -> list[object]:
        return list(encoder.encode(pictures)[Role.VISUAL])

    with pytest.raises(OutOfMemory, match="memory of cpu"):
        encode([plain(n) for n in range(16)])
    assert not any(isinstance(made, Failure) for made in bisect(encode, [plain(n) for n in range(16)]))


def test_nan_in_the_output_fails_only_its_picture() -> None:
    def poison(means: Tensor) -> Tensor:
        return torch.where(means[:, :1] > 0.9, torch.nan, means)

    encoder = around(Means(poison))
    made = bisect(lambda some: list(encoder.encode(some)[Role.VISUAL]), [plain(1), plain(255), plain(2)])
    assert [isinstance(each, InvalidModelOutput) for each in made] == [False, True, False]
    with pytest.raises(ValueError, match="its tags are for"):  # it makes other roles than they name
        VisionEncoder(Means(), {Role.COLOR: "means@1/color"}, PREPARATION, device="cpu", precision="float32")
