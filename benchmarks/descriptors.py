"""Decoding with descriptors against the bare decode of the same JPEGs, those of the sample catalogue.

The bare decode is what anyone would write: Pillow, the whole picture, RGB. A busy machine moves the ratio: one side has
a single thread, the other all cores.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from samples.generate import BUILD, build
from swatchbook.domain.records import Plan, PlannedPage
from swatchbook.domain.settings import Settings
from swatchbook.models.images.decoder_pool import Decoders
from swatchbook.models.local_encoder import DescriptorEncoder
from swatchbook.store.files.file_store import Files, open_files
from swatchbook_catalogue.extract import extract
from swatchbook_catalogue.pdf import reader

BATCH = 20
PRINT_SIZES = ((600, 450), (800, 600), (640, 900), (1_000, 1_000))


def sample_jpegs(files: Files, settings: Settings) -> list[Path]:
    """The JPEGs of the sample's pages as the pipeline stores them."""
    catalogue = build(BUILD)
    reading = reader.read(catalogue, files, settings)
    pages = tuple(PlannedPage(number=n, kind="product", reason="all") for n in reading.page_boxes)
    found = extract(catalogue, "bench", reading, Plan(pages=pages), files, settings)
    return [Path(files.url) / p.file[:2] / p.file for p in found.pictures if p.file.endswith(".jpg")]


def print_jpegs(folder: Path) -> list[Path]:
    """JPEGs of 600 to 1,000 pixels, as printed catalogues carry them, with structure at every scale."""
    paths = []
    for number in range(80):
        size = PRINT_SIZES[number % len(PRINT_SIZES)]
        rng = np.random.default_rng(number)
        surface = np.full((size[1], size[0], 3), rng.uniform(60, 200, 3))
        for octave in range(7):
            lumps = rng.normal(0, 1, (size[1] >> octave, size[0] >> octave)).astype(np.float32)
            wave = Image.fromarray(lumps).resize(size, Image.Resampling.BICUBIC)
            surface += np.asarray(wave)[..., None] * 2.5 * 1.35**octave
        paths.append(folder / f"{number}.jpg")
        Image.fromarray(surface.clip(0, 255).astype(np.uint8)).save(paths[-1], quality=85)
    return paths


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


def ratio(rounds: int, *, sample: bool) -> tuple[float, str]:
    """Median seconds of decoding with descriptors ÷ of the bare decode, and what was measured."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        paths = sample_jpegs(open_files(settings.files), settings) if sample else print_jpegs(Path(folder))
        encoder = DescriptorEncoder()
        with Decoders(settings) as decoders:
            described(paths, decoders, encoder)  # children started, caches warm
            bare(paths)
            pairs = [
                (seconds(lambda: described(paths, decoders, encoder)), seconds(lambda: bare(paths)))
                for _ in range(rounds)
            ]
    ours, theirs = median(a for a, _ in pairs), median(b for _, b in pairs)
    each = f"{len(paths)} JPEGs, {ours / len(paths) * 1e3:.1f} and {theirs / len(paths) * 1e3:.1f} ms a picture"
    return ours / theirs, each


if __name__ == "__main__":
    print(*ratio(5, sample=True), *ratio(5, sample=False))
