import numpy as np

from swatchbook.models.images.pixels import shrink
from tests.models.images.materials import print_of


def test_shapes_are_kept_with_at_least_a_pixel() -> None:
    picture = np.asarray(print_of(300, 200))
    assert shrink(picture, 300) is picture
    assert shrink(picture, 150).shape == (100, 150, 3)
    assert abs(shrink(picture, 30).mean() - picture.mean()) < 1
    assert shrink(np.zeros((900, 2, 3), np.uint8), 100).shape == (100, 1, 3)
    assert shrink(np.zeros((1, 900, 3), np.uint8), 100).shape == (1, 100, 3)
