"""A folder of many small pictures: the whole ingest against the bare work, and the same folder again.

`python -m benchmarks.images [COUNT]` prints the figures of so many pictures.
"""

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from PIL import Image

from benchmarks.commands import PYTHON, SWATCHBOOK, prefect_server, timed
from benchmarks.startup import Spent, spend

PICTURES = 10_000
_SIDES = (96, 257)  # pixels: thumbnails of a shop
_PATCHES = (3, 12)  # colours along a side


class Measured(NamedTuple):
    """Of the ingest (Prefect's server apart); and seconds of the bare work, and of the second ingest."""

    whole: Spent
    bare: float
    again: float


def measure(count: int) -> Measured:
    """All sides in turn over the same folder. Raises RuntimeError where one fails."""
    with TemporaryDirectory() as top, prefect_server() as url, TemporaryDirectory() as one, TemporaryDirectory() as two:
        folder = Path(top) / "pictures"
        make_pictures(folder, count)
        environment = {"SWATCHBOOK_HOME": two, "PREFECT_API_URL": url}
        return Measured(
            bare=timed([PYTHON, "-m", "benchmarks.bare_images", str(folder)], {"SWATCHBOOK_HOME": one}),
            whole=spend([SWATCHBOOK, "ingest", str(folder)], {**os.environ, **environment}),
            again=timed([SWATCHBOOK, "ingest", str(folder)], environment),
        )


def make_pictures(folder: Path, count: int) -> None:
    """Soft patches of many colours under noise, the same in every run: three JPEGs, then a PNG, and so on."""
    folder.mkdir()
    with ProcessPoolExecutor() as pool:
        for _ in pool.map(partial(_make_picture, folder), range(count), chunksize=100):
            pass


def _make_picture(folder: Path, number: int) -> None:
    dice = np.random.default_rng(number)
    width, height = (int(side) for side in dice.integers(*_SIDES, 2))
    rows, columns = dice.integers(*_PATCHES, 2)
    patches = Image.fromarray(dice.integers(0, 256, (rows, columns, 3), np.uint8)).resize((width, height))
    noise = dice.integers(-8, 9, (height, width, 3), np.int16)
    picture = Image.fromarray((np.asarray(patches, np.int16) + noise).clip(0, 255).astype(np.uint8))
    if number % 4 == 3:
        picture.save(folder / f"{number:06}.png", compress_level=1)
    else:
        picture.save(folder / f"{number:06}.jpg", quality=85)


def main(arguments: Sequence[str]) -> None:
    print(measure(int(arguments[0]) if arguments else PICTURES))


if __name__ == "__main__":
    main(sys.argv[1:])
