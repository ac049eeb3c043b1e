"""How like an extracted picture is to the page where it is seen."""

import io
from pathlib import Path

import numpy as np
import pymupdf
from PIL import Image

from swatchbook.domain.records import Extraction, Placement, PlacementState
from swatchbook.store.files.file_store import Files

LIKE = 8.0  # of 255: mean absolute difference between a picture and the rendering of its box
SCALE = 2  # pixels a point of the rendering


def stored_pictures(extraction: Extraction, files: Files) -> dict[str, Image.Image]:
    """Return the pictures that were stored, by content key."""
    return {each.content_key: Image.open(io.BytesIO(files.read(each.file))) for each in extraction.pictures}


def difference(page: pymupdf.Page, placement: Placement, picture: Image.Image) -> float:
    """Return the mean absolute difference, of 255, between a picture over white and the page in its box."""
    if picture.mode == "RGBA":
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    clip = pymupdf.Rect(placement.bbox) & page.rect
    rendered = page.get_pixmap(matrix=pymupdf.Matrix(SCALE, SCALE), clip=clip, colorspace=pymupdf.csRGB, alpha=False)
    shown = Image.frombytes("RGB", (rendered.width, rendered.height), rendered.samples)
    resized = picture.convert("RGB").resize(shown.size, Image.Resampling.BILINEAR)
    halves = (np.asarray(each.reduce(SCALE), float) for each in (shown, resized))  # else the grain of cloth differs
    return float(np.abs(np.subtract(*halves)).mean())


def unlike(path: Path, extraction: Extraction, files: Files) -> list[str]:
    """Return a line for each picture that is shown and differs from the page where it is."""
    pictures = stored_pictures(extraction, files)
    wrong = []
    with pymupdf.open(path) as document:
        for placement in extraction.placements:
            if placement.state is not PlacementState.SHOWN:
                continue
            found = difference(document[placement.page - 1], placement, pictures[placement.content_key])
            if found > LIKE:
                wrong.append(f"page {placement.page} {placement.kind} {placement.bbox}")
    return wrong
