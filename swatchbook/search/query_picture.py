"""Pictures that people search with, kept so that an address can name them: in the cache of previews, by SHA-256, at
most 1,024 pixels a side. The least recently used go first, and gc removes them: a person then gives the picture again.
"""

import hashlib
from pathlib import Path

from swatchbook.errors import Failure
from swatchbook.previews import MAX_SIDE, encode_jpeg
from swatchbook.resources import Resources


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


def _file(name: str) -> str:
    return f"query.{name}-s{MAX_SIDE}.jpg"
