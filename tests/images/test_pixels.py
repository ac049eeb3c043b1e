import numpy as np
import pytest
import torch
from torch.nn import functional

from swatchbook.images.pixels import shrink
from tests.images.test_prepare import print_of


def test_small_pictures_are_left_alone_and_shapes_kept() -> None:
    picture = np.asarray(print_of(300, 200))
    assert shrink(picture, 300) is picture
    assert shrink(picture, 150).shape == (100, 150, 3)
    assert abs(shrink(picture, 30).mean() - picture.mean()) < 1


def test_narrow_pictures_keep_at_least_a_pixel() -> None:
    assert shrink(np.zeros((900, 2, 3), np.uint8), 100).shape == (100, 1, 3)
    assert shrink(np.zeros((1, 900, 3), np.uint8), 100).shape == (1, 100, 3)


@pytest.mark.parametrize("size", [(600, 450), (301, 777), (163, 161)])
def test_pixels_are_those_of_torch_within_a_level(size: tuple[int, int]) -> None:
    """torch shrank the pictures whose vectors and analyses collections already have."""
    picture = np.asarray(print_of(*size))
    ours = shrink(picture, 160).astype(int)
    planes = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None]
    theirs = functional.interpolate(planes, ours.shape[:2], mode="bilinear", antialias=True)[0].permute(1, 2, 0).numpy()
    apart = np.abs(ours - theirs)
    assert apart.max() <= 1
    assert apart.mean() < 0.2
