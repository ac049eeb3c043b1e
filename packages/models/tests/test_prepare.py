"""Preparation against the image processors of transformers, on the same bytes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from numpy.typing import NDArray
from PIL import Image

from swatchbook.domain.errors import Configuration
from swatchbook.models.images.decode import decode
from swatchbook_base.image_limits import ImageLimits
from swatchbook_models.encoder_input import Preparation, normalise, read_preparation, resize, resize_as_floats, stack
from tests.models.images.materials import print_of
from tests.tables import rows_of

pytestmark = pytest.mark.xdist_group("transformers")  # it is imported once: that takes longer than the tests

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
SQUARE = {"height": 224, "width": 224}
PROCESSORS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "siglip": ("SiglipImageProcessorPil", {"size": SQUARE, "resample": 3}),
    "siglip2": ("SiglipImageProcessorPil", {"size": SQUARE, "resample": 2}),
    "clip": ("CLIPImageProcessorPil", {}),
    "dinov2": (
        "BitImageProcessorPil",
        {"size": {"shortest_edge": 256}, "crop_size": SQUARE, "resample": 3, **IMAGENET},
    ),
}
LIMITS = ImageLimits(25, 50, 16_384)


def make_processor(kind: str) -> Any:
    name, given = PROCESSORS[kind]
    return getattr(transformers, name)(**given)


@pytest.fixture(params=PROCESSORS, scope="module")
def processor(request: pytest.FixtureRequest) -> Any:
    return make_processor(request.param)


def levels_apart(processor: Any, theirs: Image.Image, ours: Image.Image) -> NDArray[np.float64]:
    """Return the differences between the samples of two model inputs, in levels of 255."""
    preparation = read_preparation(processor.to_dict(), "it")
    expected = np.asarray(processor([theirs])["pixel_values"][0], np.float64)
    prepared = normalise(stack([np.asarray(ours)], preparation), preparation)[0].numpy()
    assert prepared.shape == expected.shape
    return np.abs(prepared - expected) * np.array(preparation.deviation).reshape(3, 1, 1) * 255


@pytest.mark.parametrize("size", [(301, 777), (224, 224), (90, 61), (3, 5)])
def test_preparation_equals_that_of_the_models_processor(processor: Any, size: tuple[int, int]) -> None:
    picture = print_of(*size)
    apart = levels_apart(processor, picture, picture)
    assert apart.max() < 2.01
    assert apart.mean() < 0.3


@pytest.mark.parametrize("filter", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(301, 777), (3, 5)])
def test_gpu_resizing_differs_by_at_most_one_level(size: tuple[int, int], filter: Any) -> None:
    planes = torch.from_numpy(np.array(print_of(*size))).permute(2, 0, 1)
    one, other = resize(planes, (224, 224), filter).int(), resize_as_floats(planes, (224, 224), filter).int()
    assert (one - other).abs().max() <= 1
    assert one.float().std() > 10  # there is something to resize


@pytest.mark.parametrize(("size", "mean"), [((600, 450), 0.6), ((2_000, 1_500), 1.0)])
def test_decoding_smaller_changes_hardly_a_level(
    processor: Any, size: tuple[int, int], mean: float, tmp_path: Path
) -> None:
    print_of(*size).save(tmp_path / "print.jpg", quality=85)
    with Image.open(tmp_path / "print.jpg") as whole:
        side = read_preparation(processor.to_dict(), "it").side
        apart = levels_apart(processor, whole.convert("RGB"), decode(tmp_path / "print.jpg", side, LIMITS))
    assert apart.mean() < mean
    assert apart.max() < 10


def test_pictures_of_many_shapes_are_stacked_in_order() -> None:
    preparation = read_preparation(make_processor("dinov2").to_dict(), "it")
    plain = [np.full((20 + n, 60 - n, 3), 10 * n, np.uint8) for n in range(5)]
    stacked = stack(plain, preparation)
    assert stacked.shape == (5, 3, 224, 224)
    assert stacked.flatten(1).float().mean(dim=1).tolist() == [0, 10, 20, 30, 40]
    assert stack([], preparation).shape == (0, 3, 224, 224)


def test_unsupported_preparation_raises_with_the_models_name() -> None:
    for change, message in rows_of(__file__, "unsupported"):
        config = {**make_processor("clip").to_dict(), **change}
        with pytest.raises(Configuration, match=f"lab/some-model needs its pictures .*{message}"):
            read_preparation(config, "lab/some-model")


def test_the_oldest_configurations_are_read() -> None:
    old = {"size": 224, "crop_size": 224, "do_center_crop": True, "resample": 3, **IMAGENET}
    found = read_preparation(old, "it")
    assert isinstance(found, Preparation)
    assert (found.size, found.input_size, found.side, found.filter) == (224, (224, 224), 448, "bicubic")
