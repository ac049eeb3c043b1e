"""Compare the two readers of PDFs on catalogues: `python -m devtools.compare_readers PDF… [--out FILE]`.

MuPDF is the measure. For each file: the share of its words, pictures (by their bytes and by their places) and hidden
pictures that PDFium finds again, what PDFium calls hidden that MuPDF shows, and the seconds of both. The last lines are
the floor and the median over all files.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from swatchbook.domain.errors import Failure
from swatchbook.domain.records import Extraction, Placement, PlacementState, Plan, PlannedPage
from swatchbook.domain.settings import Settings
from swatchbook.store.files.file_store import open_files
from swatchbook_base.geometry import area, shared_area
from swatchbook_base.reading import iter_pages
from swatchbook_catalogue.extract import extract
from swatchbook_catalogue.pdf import reader

SAME_PLACE = 0.8  # least share of two boxes, of what they cover together, for them to be one place


class Read(NamedTuple):
    """What a reader found in a file: the words of each page, pictures, lost pages, and how long it took."""

    words: Counter[tuple[int, str]]
    found: Extraction
    lost: int
    seconds: float


class Compared(NamedTuple):
    """What PDFium finds again of a file, as shares (None: MuPDF has none), and how many it hides or loses more."""

    file: str
    pages: int
    words: float | None
    by_bytes: float | None
    by_place: float | None
    hidden: float | None
    wrongly_hidden: int
    lost_pages: int
    seconds: tuple[float, float]


def read_with(name: str, path: Path) -> Read:
    """Read a file with a reader, all of its pages, without OCR. Raises Failure."""
    with TemporaryDirectory() as home:
        settings = Settings.model_validate({"home": home, "pdf_reader": name, "ocr": "off"})
        files = open_files(str(settings.files))
        started = time.perf_counter()
        reading = reader.read(path, files, settings)
        plan = Plan(pages=tuple(PlannedPage(number=n, kind="product", reason="all") for n in reading.page_boxes))
        found = extract(path, "compared", reading, plan, files, settings)
        seconds = time.perf_counter() - started
        words = Counter(
            (page.number, word) for page in iter_pages(files, reading) for word in page.text.casefold().split()
        )
    return Read(words, found, len(reading.lost) + len(found.lost), seconds)


def compare(path: Path) -> Compared:
    """Read a file with both and compare. Raises Failure."""
    one, other = read_with("mupdf", path), read_with("pdfium", path)
    shown = [place for place in one.found.placements if place.state is not PlacementState.HIDDEN]
    hidden = [place for place in one.found.placements if place.state is PlacementState.HIDDEN]
    again = [_same_place(place, other.found.placements) for place in shown]
    keys = {place.content_key for place in shown}
    still = [_same_place(place, other.found.placements) for place in hidden]
    states = [place.state for place in still if place]
    return Compared(
        file=path.stem,
        pages=len({page for page, _ in one.words} | {page for page, _ in other.words}),
        words=_share((one.words & other.words).total(), one.words.total()),
        by_bytes=_share(len(keys & {place.content_key for place in other.found.placements}), len(keys)),
        by_place=_share(sum(place is not None for place in again), len(again)),
        hidden=_share(states.count(PlacementState.HIDDEN), len(states)),
        wrongly_hidden=sum(place is not None and place.state is PlacementState.HIDDEN for place in again),
        lost_pages=other.lost - one.lost,
        seconds=(round(one.seconds, 1), round(other.seconds, 1)),
    )


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _same_place(place: Placement, others: Sequence[Placement]) -> Placement | None:
    """Return the picture at the same place of the same page; among several the one in the same state."""
    near = [other for other in others if other.page == place.page and _alike(place, other)]
    return min(near, key=lambda other: other.state is not place.state, default=None)


def _alike(a: Placement, b: Placement) -> bool:
    if not area(a.bbox) or not area(b.bbox):
        return a.bbox == b.bbox
    both = shared_area(a.bbox, b.bbox)
    return both >= SAME_PLACE * (area(a.bbox) + area(b.bbox) - both)


def summary(rows: Sequence[Compared]) -> list[str]:
    """Return the floor and the median of each share as lines of a table, and the sums."""
    lines = ["| found again by pdfium | floor | median |", "| --- | ---: | ---: |"]
    for name in ("words", "by_bytes", "by_place", "hidden"):
        values = [value for row in rows if (value := getattr(row, name)) is not None]
        if values:
            lines.append(f"| {name} | {min(values):.1%} | {median(values):.1%} |")
    times = [row.seconds[1] / row.seconds[0] for row in rows if row.seconds[0]]
    lines.append(f"| times as long | {max(times):.1f} | {median(times):.1f} |")
    wrong, lost = sum(row.wrongly_hidden for row in rows), sum(row.lost_pages for row in rows)
    return [*lines, f"{len(rows)} files; {wrong} shown pictures are hidden, {lost} more pages are lost with pdfium."]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pdfs", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, help="append a JSON line for each file; files that are in it are not read")
    given = parser.parse_args()
    known = given.out.read_text().splitlines() if given.out and given.out.exists() else []
    rows = [Compared(**json.loads(line)) for line in known]
    for path in given.pdfs:
        if path.stem in {row.file for row in rows}:
            continue
        try:
            rows.append(compare(path))
        except Failure as failure:
            print(f"{path.stem}: {failure}", flush=True)
            continue
        print(rows[-1], flush=True)
        if given.out:
            with given.out.open("a") as file:
                file.write(json.dumps(rows[-1]._asdict()) + "\n")
    print(*summary(rows), sep="\n")


if __name__ == "__main__":
    main()
