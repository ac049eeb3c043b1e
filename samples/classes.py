"""A folder of pictures for each of 26 generated materials: every material of `textures.py` in two palettes, each as two
pieces of it in three views: a window, a smaller one enlarged, and one that is turned and lit otherwise. Colours and
textures of classes overlap: the two palettes are shared by all materials.

Usage: python -m samples.classes FOLDER
"""

import argparse
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from samples.textures import MATERIALS, texture

PALETTES = {
    "warm": ((196, 164, 124), (170, 134, 94), (214, 190, 156), (128, 96, 66), (230, 214, 190)),
    "grey": ((150, 154, 158), (118, 122, 128), (184, 188, 190), (82, 86, 92), (214, 216, 216)),
}
PIECES = 2
SIDE = 320


def views(piece: Image.Image, rng: np.random.Generator) -> Iterator[Image.Image]:
    """Yield three pictures of a piece."""
    for share, turned, light in ((0.6, False, 1.0), (0.4, False, 1.1), (0.6, True, 0.85)):
        side = int(piece.width * share)
        left, top = (int(rng.integers(piece.width - side)) for _ in range(2))
        window = piece.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        yield ImageEnhance.Brightness(window.transpose(Image.Transpose.ROTATE_90) if turned else window).enhance(light)


def write(folder: Path, only: Collection[str] = MATERIALS) -> None:
    """Write the pictures, of `only` some materials; those of earlier are replaced."""
    for number, material in enumerate(sorted(MATERIALS)):
        if material not in only:
            continue
        for name, palette in PALETTES.items():
            target = folder / f"{material}-{name}"
            target.mkdir(parents=True, exist_ok=True)
            for piece in range(PIECES):
                pixels = Image.fromarray(texture(material, palette, 100 * number + piece))
                for view, image in enumerate(views(pixels, np.random.default_rng(1_000 * number + piece))):
                    image.save(target / f"{piece}-{view}.jpg", quality=88)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("Usage: ")[1])
    parser.add_argument("folder", type=Path)
    write(parser.parse_args().folder)
