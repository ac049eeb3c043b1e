"""Write uploads and downloads to temporary files, as their bytes arrive, up to the size limit of documents."""

import asyncio
import fcntl
from collections.abc import AsyncIterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from swatchbook.domain.errors import as_failure
from swatchbook_base.check_file import check_size

WRITE_BYTES = 1 << 20  # written at once, in a thread, because a disk may block

UPLOAD = "upload-"
"""With which the name of a temporary file begins."""


def is_remote(source: str) -> bool:
    """Return whether a source is a URL rather than a path or a key."""
    return "://" in source


@contextmanager
def temporary_file(folder: Path) -> Iterator[Path]:
    """Yield the path of a new, empty file in `folder`, which is locked during the block and deleted after it.

    Files of killed processes, which are not locked any more, are collected later.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{UPLOAD}{uuid4().hex}"
    try:
        with path.open("xb") as locked:
            fcntl.flock(locked, fcntl.LOCK_EX)
            yield path
    finally:
        path.unlink(missing_ok=True)


def is_locked(path: Path) -> bool:
    """Return whether a process has locked a file, as `temporary_file` does; the lock ends with the process."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # it is gone, or belongs to another user
        return False
    return False


async def save(pieces: AsyncIterable[bytes], into: Path, *, max_bytes: int) -> int:
    """Write pieces to the file `into` as they arrive, and return its size in bytes. Raises TooLarge and DiskFull."""
    size, buffer = 0, bytearray()
    try:
        with await asyncio.to_thread(into.open, "wb") as file:
            async for piece in pieces:
                size += len(piece)
                check_size(size, max_bytes)
                buffer += piece
                if len(buffer) >= WRITE_BYTES:
                    await asyncio.to_thread(file.write, bytes(buffer))
                    buffer.clear()
            await asyncio.to_thread(file.write, bytes(buffer))
    except OSError as error:
        raise as_failure(error) from error
    return size
