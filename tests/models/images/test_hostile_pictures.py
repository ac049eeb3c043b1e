"""Picture files that attack their decoder: each is a failure in plain words, or its pixels are there; little time and
memory are taken, and the next picture is decoded as if nothing had been.
"""

import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from swatchbook.domain.errors import Failure, ProviderTimeout, TooLarge
from swatchbook.domain.settings import Settings
from swatchbook.models.images.decode import KEPT_BYTES
from swatchbook.models.images.decoder_pool import Decoders, Header
from tests.models.images.hostile import HOSTILE, icon, many_scans, png, saved, tiled_tiff, zeros

INNARDS = ("Error", "Traceback", "PIL", ".py", "0x", "None", "<")
"""What no text for people has in it."""


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    """One child of little memory, for all of them: what one leaves behind the next one meets."""
    with Decoders(Settings(child_memory_mb=512, decoders=1)) as it:
        yield it


@pytest.mark.parametrize("fault", HOSTILE)
def test_fault_is_named_and_spares_the_next_picture(decoders: Decoders, tmp_path: Path, fault: str) -> None:
    make, wrong = HOSTILE[fault]
    hostile, sound = tmp_path / "hostile.png", tmp_path / "sound.png"
    hostile.write_bytes(make())
    sound.write_bytes(saved("PNG"))
    header, next_header = decoders.headers([hostile, sound])
    decoded, next_one = decoders.decode([hostile, sound], 16)
    assert isinstance(next_header, Header)
    assert isinstance(next_one, np.ndarray)
    assert next_one.shape == (16, 16, 3)
    if wrong is None:
        assert isinstance(header, Header), header
        assert isinstance(decoded, np.ndarray), decoded
        assert max(decoded.shape[:2]) == 16
    else:
        assert type(decoded) is wrong, decoded
        assert isinstance(header, Header) or type(header) is wrong
        assert not [word for word in INNARDS if word in str(decoded)]


def test_icon_holds_no_larger_picture_than_is_allowed(decoders: Decoders, tmp_path: Path) -> None:
    """Its own header says 16 pixels a side; Pillow unpacks what it holds before it says how large that is."""
    for name, side in (("fits", 1_000), ("over", 60_000)):
        rows = zlib.compress((b"\0" + bytes(3 * min(side, 1_000))) * min(side, 1_000))
        (tmp_path / f"{name}.ico").write_bytes(icon(16, png(size=(side, side), pixels=rows)))
    fits, over = decoders.decode([tmp_path / "fits.ico", tmp_path / "over.ico"], 16)
    assert isinstance(fits, np.ndarray), fits
    assert isinstance(over, TooLarge), over
    assert "SWATCHBOOK_MAX_IMAGE_MEGAPIXELS" in str(over)


def test_tiff_tile_has_the_limit_of_a_picture(tmp_path: Path) -> None:
    """A tile is unpacked whole, though the picture has 24 pixels a side."""
    for name, side in (("fits", 512), ("over", 1_024)):
        (tmp_path / f"{name}.tif").write_bytes(tiled_tiff(side, zeros(1)))
    with Decoders(Settings(max_image_side=1_000, decoders=1)) as decoders:
        fits, over = decoders.decode([tmp_path / "fits.tif", tmp_path / "over.tif"], 16)
    assert isinstance(fits, np.ndarray), fits
    assert isinstance(over, TooLarge), over


def test_endless_scans_end_at_the_time_limit(tmp_path: Path) -> None:
    (tmp_path / "slow.jpg").write_bytes(many_scans(800, 4_000))
    with Decoders(Settings(decoders=1), seconds=1) as decoders:
        (decoded,) = decoders.decode([tmp_path / "slow.jpg"], 16)
    assert isinstance(decoded, ProviderTimeout)


def test_decoding_deep_samples_takes_little_extra_memory(decoders: Decoders, tmp_path: Path) -> None:
    """A file of 100 kB holds 49 megapixels of 16 bits: 98 MB, where a child may have 512."""
    Image.new("I;16", (7_000, 7_000), 32_896).save(tmp_path / "deep.png")
    (decoded,) = decoders.decode([tmp_path / "deep.png"], 16)
    assert isinstance(decoded, np.ndarray), decoded
    assert (decoded == 128).all()


def resident(decoders: Decoders) -> int:
    """The memory of the only child, in bytes."""
    (child,) = decoders._children
    return int(psutil.Process(child.pid).memory_info().rss)


@pytest.mark.usefixtures("new_children")
@pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps freed memory so")
def test_memory_falls_back_after_the_largest_pictures(tmp_path: Path) -> None:
    large, broken = tmp_path / "large.png", tmp_path / "broken.png"
    Image.new("RGBA", (7_000, 7_000)).save(large)
    broken.write_bytes(large.read_bytes()[:-60_000])
    with Decoders(Settings(decoders=1)) as decoders:
        for path, kind in ((large, np.ndarray), (broken, Failure)):
            (decoded,) = decoders.decode([path], 16)
            assert isinstance(decoded, kind)
            assert resident(decoders) < KEPT_BYTES
