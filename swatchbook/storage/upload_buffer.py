"""Files that come in: a place for them, and bytes written to it as they come, under a limit."""

import asyncio
from collections.abc import AsyncIterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from swatchbook.errors import TooLarge, as_failure

WRITE_BYTES = 1 << 20  # at once, in a thread: the disk may keep it waiting


def is_remote(source: str) -> bool:
    """Whether a source is a URL rather than a path or a key."""
    return "://" in source


@contextmanager
def incoming(folder: Path) -> Iterator[Path]:
    """A path in `folder` for a file that comes in. It is removed on any end; what a kill leaves is collected later."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"incoming-{uuid4().hex}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


async def save(pieces: AsyncIterable[bytes], into: Path, *, max_bytes: int) -> int:
    """Write bytes to a file as they come, never more than `max_bytes`; returns how many. Raises TooLarge, DiskFull."""
    size, waiting = 0, bytearray()
    try:
        with await asyncio.to_thread(into.open, "wb") as file:
            async for piece in pieces:
                size += len(piece)
                if size > max_bytes:
                    raise too_large(max_bytes)
                waiting += piece
                if len(waiting) >= WRITE_BYTES:
                    await asyncio.to_thread(file.write, bytes(waiting))
                    waiting.clear()
            await asyncio.to_thread(file.write, bytes(waiting))
    except OSError as error:
        raise as_failure(error) from error
    return size


def too_large(max_bytes: int) -> TooLarge:
    """The error of a body that is over the limit."""
    return TooLarge(
        f"It is over the limit of {max_bytes / (1 << 20):.0f} MiB.",
        advice="Split it, or raise SWATCHBOOK_MAX_DOCUMENT_MB.",
    )
