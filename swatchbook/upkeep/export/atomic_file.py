"""Write a file that people name: it appears whole under its name, or not at all, and replaces an older one at once."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from swatchbook.domain.errors import DiskFull, InvalidReference, as_failure, reason_of


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Yield a file to write; after the block it is flushed to disk and named `path`. After an error nothing is left.

    Raises InvalidReference for a path that cannot be written, DiskFull.
    """
    target = path.resolve()  # a link stays a link
    if target.exists() and not target.is_file():
        raise InvalidReference(f"{path} is not a file.", advice="Give the path of a file.")
    temporary = target.with_name(f".{target.name[:100]}.{uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        if isinstance(as_failure(error), DiskFull):
            raise DiskFull(f"The disk is full: {path} is not written.", advice="Free some space.") from error
        if error.filename != str(temporary):  # of another file
            raise
        raise InvalidReference(f"{path} cannot be written: {reason_of(error)}.", advice="Check the folder.") from error
    finally:
        with suppress(OSError):
            temporary.unlink()
