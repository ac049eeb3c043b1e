"""Complete a JPEG that lacks its last two bytes: browsers show it whole, and Pillow calls it truncated.

libjpeg fills rows that are missing with what it likes. So the file is decoded with two different texts in place of its
end: both give the same pixels only if no row is missing.
"""

from io import SEEK_END, BytesIO
from typing import IO

from PIL import Image

from swatchbook_base.image_limits import ImageLimits

_START, _SCAN, _END = b"\xff\xd8", b"\xff\xda", b"\xff\xd9"
_TAIL = 1 << 16  # bytes in which the end is looked for: cameras write other data behind it
_OTHER_ROWS = bytes(range(1, 0xFF)) * 4


def with_end(stream: IO[bytes], limits: ImageLimits) -> BytesIO | None:
    """Return an open file with its end, if it is a JPEG that lacks it and no row. Raises TooLarge for its size."""
    if not _lacks_end(stream):
        return None
    data = stream.read()
    stream.seek(0)
    ended = data + _END
    try:
        with Image.open(BytesIO(ended), formats=["JPEG"]) as image:
            limits.check_size(*image.size)
            pixels = image.tobytes()
        with Image.open(BytesIO(data + _OTHER_ROWS + _END), formats=["JPEG"]) as image:
            return BytesIO(ended) if image.tobytes() == pixels else None
    except (OSError, SyntaxError):  # more of it is broken, which is reported where it is decoded
        return None


def _lacks_end(stream: IO[bytes]) -> bool:
    is_jpeg = stream.read(len(_START)) == _START
    size = stream.seek(0, SEEK_END)
    stream.seek(max(0, size - _TAIL))
    tail = stream.read() if is_jpeg else _END
    stream.seek(0)
    return tail.rfind(_END) <= tail.rfind(_SCAN)
