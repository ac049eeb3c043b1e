"""Count for each batch file how many of its items have a title, price, brand, category and pictures, as they would be
read without a mapping: `python -m devtools.score_batches FILE…`. Opens no picture and fetches none.
"""

import sys
from collections import Counter
from pathlib import Path

from swatchbook.domain.errors import Failure
from swatchbook.domain.records import NO_MAPPING
from swatchbook.ingest.sources.batch import list_batch

FIELDS = ("title", "price", "brand", "category", "pictures")
_MAX_BYTES = 1 << 28


def score(file: Path) -> Counter[str]:
    """Return how many items a file has, and how many have each field, all of them, and a failure."""
    counted = Counter[str]()
    for item in list_batch(file, NO_MAPPING, max_bytes=_MAX_BYTES):
        has = {name for name in ("price", "brand", "category") if item.metadata.get(name)}
        has |= {"title"} if item.title != item.item else set()
        has |= {"pictures"} if item.pictures else set()
        counted.update(["items", *has, *(["all"] if has == {*FIELDS} else []), *(["failed"] if item.failure else [])])
    return counted


def main() -> None:
    """Print a row for each file, and the sum."""
    columns = ("items", *FIELDS, "all", "failed")
    print("| file |", " | ".join(columns), "|")
    total = Counter[str]()
    for file in map(Path, sys.argv[1:]):
        try:
            counted = score(file)
        except Failure as failure:
            print(f"| {file.name} | {failure} |")
            continue
        total += counted
        print(f"| {file.name} |", " | ".join(str(counted[name]) for name in columns), "|")
    print("| all |", " | ".join(str(total[name]) for name in columns), "|")


if __name__ == "__main__":
    main()
