"""Small picture files, all different, and older than a file that may still be written."""

import os
import time
from pathlib import Path

from PIL import Image

OLD_SECONDS = 100.0


def draw(file: Path, number: int = 0) -> Path:
    """A picture of stripes; equal numbers are equal pictures."""
    file.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", (64, 48), (number * 47 % 256, number * 91 % 256, 120))
    image.paste((240, number * 29 % 256, 30), (number % 40, 0, number % 40 + 12, 48))
    image.save(file)
    return age(file)


def write(file: Path, data: bytes) -> Path:
    """A file of these bytes that is not new."""
    file.write_bytes(data)
    return age(file)


def age(file: Path, seconds: float = OLD_SECONDS) -> Path:
    """Let a file look as if it had been written so many seconds ago."""
    then = time.time() - seconds
    os.utime(file, (then, then), follow_symlinks=False)
    return file
