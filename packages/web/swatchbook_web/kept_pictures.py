"""Keep the pictures that people search with in the cache of previews, so that an address can name them.

They may be removed at any time.
"""

import hashlib
import io
from pathlib import Path

from PIL import Image

from swatchbook.domain.errors import Failure
from swatchbook.previews import MAX_SIDE, encode_jpeg
from swatchbook.resources import Resources

_SMALL_SIDE = 128  # pixels; the longest side of a small picture


def keep_picture(resources: Resources, path: Path) -> str:
    """Keep a picture to search with, and return its name (64 hexadecimal digits). Raises UnreadableImage."""
    (pixels,) = resources.decoders.decode([path], MAX_SIDE)
    if isinstance(pixels, Failure):
        raise pixels
    data = encode_jpeg(pixels)
    name = hashlib.sha256(data).hexdigest()
    resources.previews.put(_file(name), data)
    return name


def find_picture(resources: Resources, name: str) -> bytes | None:
    """Return a kept picture as JPEG, or None if it is no longer there."""
    return resources.previews.get(_file(name))


def small_picture(resources: Resources, name: str) -> bytes | None:
    """Return a kept picture as a JPEG of at most 128 pixels a side, or None if it is no longer there."""
    if (data := find_picture(resources, name)) is None:
        return None
    picture, out = Image.open(io.BytesIO(data)), io.BytesIO()
    picture.thumbnail((_SMALL_SIDE, _SMALL_SIDE))
    picture.save(out, "JPEG")
    return out.getvalue()


def _file(name: str) -> str:
    return f"query.{name}-s{MAX_SIDE}.jpg"
