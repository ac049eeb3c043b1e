"""A folder of 50,000 pictures that has not changed: processor seconds and peak memory of `swatchbook ingest-images`,
and the peak memory of the scan that has read them, to compare with those of a folder with a tenth of the pictures.

`python -m benchmarks.folders [FILES]`, 50,000 by default: about three minutes, nearly all of them for the scan. Files
are read, stored and registered as by the command; that they are embedded is written into the ledger, as embedding them
takes twenty minutes.
"""

import os
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import insert, literal, select, update

from benchmarks.commands import SWATCHBOOK, peak_pss_mb, timed
from benchmarks.startup import Spent, medians, spend
from swatchbook.domain.records import DEFAULT_OWNER, IngestOptions, ItemState, Role
from swatchbook.domain.settings import load_settings
from swatchbook.ingest.begin_run import begin_work
from swatchbook.ingest.register_path import register_folder
from swatchbook.ingest.run import Work, hold_run
from swatchbook.ingest.scan import scan
from swatchbook.resources import Resources, open_resources
from swatchbook.store.ledger import runs
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.queries.account import next_status
from swatchbook.store.ledger.tables import images, items, requested

FILES = 50_000
ROUNDS = 3

_IN_FOLDER = 50_000  # files directly in a folder
_SIDE = 16  # pixels
_OLD_SECONDS = 100.0


class Measured(NamedTuple):
    """Of one folder: an unchanged run (medians), and peaks in MiB of that run and of the scan before."""

    again: Spent
    again_mb: float
    scan_mb: float


def measure(count: int) -> Measured:
    """Make a folder of so many pictures, scan it once, and run the command again and again."""
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top, "pictures")
        make_folder(folder, count)
        environment = {"SWATCHBOOK_HOME": str(Path(top, "home"))}
        module = [sys.executable, "-m", "benchmarks.folders"]
        scan_mb = peak_pss_mb([*module, "scan", str(folder)], environment)
        timed([*module, "complete", str(folder)], environment)
        command = [SWATCHBOOK, "ingest-images", str(folder)]
        again_mb = peak_pss_mb(command, environment)
        again = medians([spend(command, {**os.environ, **environment}) for _ in range(ROUNDS)])
    return Measured(again, again_mb, scan_mb)


def make_folder(folder: Path, count: int) -> None:
    """Write pictures of one colour each, all different, that look older than files which may still be written."""
    then = time.time() - _OLD_SECONDS
    for number in range(count):
        file = folder / str(number // _IN_FOLDER) / f"{number:06}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_png(number))
        os.utime(file, (then, then))


def _png(number: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + number.to_bytes(3) * _SIDE) * _SIDE
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(rows, 1))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


def scan_folder(folder: Path) -> None:
    """Register and scan a folder."""
    with open_resources(load_settings()) as resources, working(resources, folder) as work:
        scan(resources, work, b"", progress=lambda done, total: None)


def complete_folder(folder: Path) -> None:
    """Complete the document of a folder as if all its pictures had been embedded and published."""
    with open_resources(load_settings()) as resources, working(resources, folder):
        complete(resources.ledger)


@contextmanager
def working(resources: Resources, folder: Path) -> Iterator[Work]:
    """Hold a run of the folder's document, and end it with the status that the ledger gives."""
    options = IngestOptions()
    registered = register_folder(resources, folder, owner=DEFAULT_OWNER, options=options)
    work = begin_work(resources, registered)
    assert isinstance(work, Work)
    with hold_run(resources, work.run):
        yield work
        status, due = next_status(resources.ledger, work.document)
        runs.end(resources.ledger, work.run, status, due_at=due)


def complete(ledger: Ledger) -> None:
    """Let all items be made, each picture with a different text, and everything be published."""
    texts = select(images.c.content_key, requested.c.role, requested.c.tag, literal(ItemState.DONE.value))
    with ledger.write() as connection:
        connection.execute(update(items).values(state=ItemState.DONE))
        connection.execute(
            insert(items).from_select(
                ["key", "role", "tag", "state"], texts.where(requested.c.role == Role.UNDERSTANDING)
            )
        )
        connection.execute(
            update(images).values(text_key=images.c.content_key, made=images.c.dirty, published=images.c.dirty)
        )


if __name__ == "__main__":
    if steps := {"scan": scan_folder, "complete": complete_folder}.get(sys.argv[1] if sys.argv[1:] else ""):
        steps(Path(sys.argv[2]))
    else:
        print(measure(int(sys.argv[1]) if len(sys.argv) > 1 else FILES))
