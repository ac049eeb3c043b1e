"""Time a proposal on a long catalogue: the pages of several PDFs, one after the other.

Usage: python -m devtools.time_teaching PDFS [--pages 100 1000] [--keep READINGS]
Prints processor time, which other work on the machine changes least, of collecting the texts once and of what follows
each of three clicks on likely names.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from devtools.score_products import reading_of
from swatchbook.records import Example, Page, Reading
from swatchbook.teaching.propose import propose
from swatchbook.teaching.texts import collect_texts

CLICKS = 3


def main() -> None:
    """Print the seconds for each number of pages."""
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("Usage: ")[1])
    parser.add_argument("pdfs", type=Path)
    parser.add_argument("--pages", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    for number in given.pages:
        time_document(*_joined(given.pdfs, given.keep, number))


def time_document(reading: Reading, pages: list[Page]) -> None:
    """Print the seconds that a document takes."""
    began = time.process_time()
    texts = collect_texts(reading, pages)
    _say(f"{len(pages)} pages, {len(texts.texts)} texts: {time.process_time() - began:.2f} s to collect them")
    likely = max(texts.groups, key=lambda group: texts.group_probabilities[group])
    found = np.flatnonzero(texts.groups[likely])
    examples = list[Example]()
    for number in found[:: max(1, len(found) // CLICKS)][:CLICKS]:
        text = texts.texts[number]
        examples.append(Example(page=text.page, box=text.box, text=text.name))
        began = time.process_time()
        proposals = propose(texts, reading, examples)
        seconds = time.process_time() - began
        _say(f"  click {len(examples)}: {seconds:.2f} s, {proposals[0].products} products, {len(proposals)} readings")


def _joined(pdfs: Path, keep: Path | None, number: int) -> tuple[Reading, list[Page]]:
    """Return the first pages of all PDFs of a folder as one document."""
    pages = list(islice(_pages(pdfs, keep), number))
    with reading_of(min(pdfs.glob("*.pdf")), keep) as (reading, _):
        boxes = {page.number: page.box for page in pages}
        return reading.model_copy(update={"page_count": len(pages), "page_boxes": boxes}), pages


def _pages(pdfs: Path, keep: Path | None) -> Iterator[Page]:
    number = 0
    for pdf in sorted(pdfs.glob("*.pdf")):
        with reading_of(pdf, keep) as (_, pages):
            for page in pages:
                number += 1
                yield page.model_copy(update={"number": number})


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
