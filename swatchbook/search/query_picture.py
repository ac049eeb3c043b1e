"""Keep the pictures that people search with, so that a URL can name them.

They are in the cache of previews, by SHA-256, with at most 1,024 pixels a side. The least recently used are removed
first, and gc removes them, too; a person then gives the picture again.
"""

import hashlib
import io
from pathlib import Path

from swatchbook.errors import Failure
from swatchbook.previews import MAX_SIDE, encode_jpeg
from swatchbook.resources import Resources

_SMALL_SIDE = 128  # pixels; the longest side of a small picture


def keep_query_picture(resources: Resources, path: Path) -> str:
    """Keep a picture to search with, and return its name (64 hexadecimal digits). Raises UnreadableImage."""
    (pixels,) = resources.decoders.decode([path], MAX_SIDE)
    if isinstance(pixels, Failure):
        raise pixels
    data = encode_jpeg(pixels)
    name = hashlib.sha256(data).hexdigest()
    resources.previews.put(_file(name), data)
    return name


def find_query_picture(resources: Resources, name: str) -> bytes | None:
    """Return a kept picture as JPEG, or None if it is no longer there."""
    return resources.previews.get(_file(name))


def small_query_picture(resources: Resources, name: str) -> bytes | None:
    """Return a kept picture as a JPEG of at most 128 pixels a side, or None if it is no longer there."""
    from PIL import Image

    if (data := find_query_picture(resources, name)) is None:
        return None
    picture, out = Image.open(io.BytesIO(data)), io.BytesIO()
    picture.thumbnail((_SMALL_SIDE, _SMALL_SIDE))
    picture.save(out, "JPEG")
    return out.getvalue()


def _file(name: str) -> str:
    return f"query.{name}-s{MAX_SIDE}.jpg"
