"""The carried image network: its file, its vectors, and what a process loads for it."""

import numpy as np
import pytest
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidArgument

from swatchbook.domain.records import Role, sha256
from swatchbook.models import image_network
from swatchbook.models.image_network import (
    DIMENSIONS,
    FILE,
    SIDE,
    TAGS,
    ImageNetwork,
    Network,
    middle_square,
)
from swatchbook.models.images.pixels import shrink
from swatchbook.models.local_encoder import DescriptorEncoder
from swatchbook_base.arrays import Pixels


@pytest.fixture(scope="module")
def encoder() -> ImageNetwork:
    return ImageNetwork()


def noise(height: int, width: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def test_file_is_the_one_that_the_tag_promises() -> None:
    assert sha256(FILE.read_bytes()) == "c2722c5d39b552a8a0b01ae12412a5807476f84fbc52e373d7ee1e854bbd153f"
    assert TAGS[Role.VISUAL] == "efficientnet-lite2@9656183e/middle-260"
    assert "Apache License" in FILE.with_name("efficientnet_lite2.LICENSE.txt").read_text()


def test_vectors_are_normalised_and_independent_of_the_batch(encoder: ImageNetwork) -> None:
    pictures = [noise(300, 400), noise(1, 1, 1), noise(90, 600, 2), np.full((50, 40, 3), 255, np.uint8)]
    together = encoder.encode(pictures)
    assert {role: vectors.shape for role, vectors in together.items()} == {
        role: (4, dimension) for role, dimension in DIMENSIONS.items()
    }
    for role, vectors in together.items():
        assert vectors.dtype == np.float32
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1.0, abs=1e-5)
        for row, picture in zip(vectors, pictures, strict=True):
            assert np.array_equal(encoder.encode([picture.copy()])[role][0], row)


def test_network_is_run_once_for_each_living_array(monkeypatch: pytest.MonkeyPatch) -> None:
    network, shapes = Network(), list[tuple[int, ...]]()

    def counted(picture: Pixels, side: int) -> Pixels:
        shapes.append(picture.shape)
        return middle_square(picture, side)

    monkeypatch.setattr(image_network, "middle_square", counted)
    for seed in range(3):  # each array is freed before the next one is made, which may get its address
        picture = noise(80, 90 + seed, seed)
        first, again = network.see([picture]), network.see([picture, picture])
        assert again[0] is again[1] is first[0]
        assert np.array_equal(Network().see([picture.copy()])[0].logits, first[0].logits)
        del picture
    assert shapes == [(80, 90, 3), (80, 90, 3), (80, 91, 3), (80, 91, 3), (80, 92, 3), (80, 92, 3)]
    assert not network._tasks
    with monkeypatch.context() as patch:
        patch.setattr(image_network, "INPUT_SIDE", 100)  # a shape that the network does not take
        with pytest.raises(InvalidArgument):
            network.see([picture := noise(50, 50)])
    assert network.see([picture])[0].logits.shape == (1_000,), "it is tried again"


def test_all_but_visual_are_those_of_the_descriptors(encoder: ImageNetwork) -> None:
    pictures = [noise(300, 400), noise(200, 100, 3)]
    described = DescriptorEncoder().encode(pictures)
    found = encoder.encode(pictures)
    assert all(np.array_equal(found[role], described[role]) for role in (Role.COLOR, Role.TEXTURE))
    assert np.array_equal(found[Role.STRUCTURE], described[Role.VISUAL])
    large = noise(900, 1_200)
    small = shrink(large, SIDE)
    assert np.array_equal(encoder.encode([large])[Role.VISUAL], encoder.encode([small])[Role.VISUAL]), "decoded smaller"
