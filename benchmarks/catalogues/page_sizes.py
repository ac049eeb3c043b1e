"""Write `page_sizes.json`: width and height of each page of the labelled documents, in points.

Usage: python -m benchmarks.catalogues.page_sizes PDFS [READINGS]
PDFS holds a folder for each split, READINGS what was read of them before.
"""

import json
import sys
from pathlib import Path

from benchmarks.catalogues.splits import PAGE_SIZES, SPLITS, truths_of
from devtools.score_products import reading_of


def main() -> None:
    """Read the sizes of all pages, and write them."""
    pdfs, keep = Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None
    sizes = dict[str, list[tuple[float, float]]]()
    for split in SPLITS:
        for name in truths_of(split):
            with reading_of(pdfs / split / f"{name}.pdf", keep) as (reading, _):
                boxes = [reading.page_boxes[number] for number in sorted(reading.page_boxes)]
            sizes[name] = [(round(box[2], 1), round(box[3], 1)) for box in boxes]
    lines = (f"{json.dumps(name)}: {json.dumps(pages, separators=(',', ':'))}" for name, pages in sorted(sizes.items()))
    PAGE_SIZES.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
