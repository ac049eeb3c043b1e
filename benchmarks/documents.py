"""Many different catalogues in one process: what memory it takes while it works on each.

`python -m benchmarks.documents [COUNT]` prints the figure of every document.
"""

import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from benchmarks.commands import SWATCHBOOK, prefect_server, sampled_pss_mb
from swatchbook.domain.records import DocumentStatus
from swatchbook.domain.settings import Settings
from swatchbook.store.ledger.database import open_ledger
from swatchbook.store.ledger.stored_documents import list_documents
from tests.servers.catalogues import make_catalogue

DOCUMENTS = 15
PICTURES = 80  # of each document, on 20 pages
_SIDES = (400, 900)  # pixels
_PATCHES = (4, 40)  # colours along a side


def measure(count: int) -> list[float]:
    """Peak PSS, MiB, while the first, second … of `count` documents was at work: children in, Prefect server apart.

    Raises RuntimeError where an ingest does not complete.
    """
    with prefect_server() as url, TemporaryDirectory() as folder:
        catalogues = [make(Path(folder), number) for number in range(count)]
        home = Path(folder) / "home"
        home.mkdir()
        ledger = open_ledger(Settings(home=home).ledger)
        peaks = [0.0] * count
        command = [SWATCHBOOK, "ingest", "--no-focus", *map(str, catalogues)]
        for used in sampled_pss_mb(command, {"SWATCHBOOK_HOME": str(home), "PREFECT_API_URL": url}):
            completed = list_documents(ledger, status=DocumentStatus.COMPLETED, limit=count)
            at_work = min(len(completed), count - 1)
            peaks[at_work] = max(peaks[at_work], used)
        ledger.close()
    return peaks


def make(folder: Path, number: int) -> Path:
    """Write a catalogue whose pictures no other number has."""
    return make_catalogue(folder / f"range-{number}.pdf", pictures=PICTURES, picture=_patchwork)


def _patchwork(dice: np.random.Generator) -> bytes:
    """Soft patches of many colours under noise, as a JPEG of any size and shape."""
    width, height = (int(side) for side in dice.integers(*_SIDES, 2))
    rows, columns = dice.integers(*_PATCHES, 2)
    patches = Image.fromarray(dice.integers(0, 256, (rows, columns, 3), np.uint8)).resize((width, height))
    pixels = np.asarray(patches, np.int16) + dice.integers(-8, 9, (height, width, 3), np.int16)
    out = BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(out, "JPEG", quality=70)
    return out.getvalue()


def main(arguments: Sequence[str]) -> None:
    for number, peak in enumerate(measure(int(arguments[0]) if arguments else DOCUMENTS), 1):
        print(f"document {number}: {peak:.0f} MiB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
