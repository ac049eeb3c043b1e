"""Decoding with descriptors against the bare decode of the same JPEGs: `python -m benchmarks.descriptors`.

Both sides in one run, interleaved, medians of 5. The bare decode is what anyone would write: Pillow, the whole
picture, RGB. A busy machine moves the ratio: one side has a single thread, the other all cores.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from swatchbook.images.decode import Decoders
from swatchbook.models.descriptors import DescriptorEncoder
from swatchbook.settings import Settings

SIZES = ((600, 450), (800, 600), (640, 900), (1_000, 1_000))
PICTURES = 80
BATCH = 20
ROUNDS = 5


def draw(number: int, size: tuple[int, int]) -> Image.Image:
    """A surface with structure at every scale, as stone and wood have it."""
    rng = np.random.default_rng(number)
    width, height = size
    surface = np.full((height, width, 3), rng.uniform(60, 200, 3))
    for octave in range(7):
        lumps = rng.normal(0, 1, (height >> octave or 1, width >> octave or 1)).astype(np.float32)
        wave = Image.fromarray(lumps).resize(size, Image.Resampling.BICUBIC)
        surface += np.asarray(wave)[..., None] * 2.5 * 1.35**octave
    return Image.fromarray(surface.clip(0, 255).astype(np.uint8))


def bare(paths: Sequence[Path]) -> None:
    for path in paths:
        with Image.open(path) as image:
            image.convert("RGB").load()


def described(paths: Sequence[Path], decoders: Decoders, encoder: DescriptorEncoder) -> None:
    for start in range(0, len(paths), BATCH):
        decoded = decoders.decode(paths[start : start + BATCH], encoder.side)
        encoder.encode([picture for picture in decoded if isinstance(picture, np.ndarray)])


def seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(folder: Path) -> tuple[float, float]:
    """Median seconds of (bare decode, decode with descriptors) of PICTURES JPEGs."""
    paths = [folder / f"{number}.jpg" for number in range(PICTURES)]
    for number, path in enumerate(paths):
        draw(number, SIZES[number % len(SIZES)]).save(path, quality=85)
    encoder = DescriptorEncoder()
    with Decoders(Settings()) as decoders:
        described(paths, decoders, encoder)  # children started, caches warm
        bare(paths)
        rounds = [
            (seconds(lambda: bare(paths)), seconds(lambda: described(paths, decoders, encoder))) for _ in range(ROUNDS)
        ]
    return median(a for a, _ in rounds), median(b for _, b in rounds)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        alone, whole = measure(Path(folder))
    each, bare_each = whole / PICTURES * 1e3, alone / PICTURES * 1e3
    print(
        f"descriptors: {each:.2f} ms a picture, bare decode {bare_each:.2f} ms: ratio {whole / alone:.2f} (limit 1.3)"
    )
