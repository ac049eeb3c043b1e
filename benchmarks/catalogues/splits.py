"""The splits of the benchmark, and what a scorer needs of their documents: labels and page boxes."""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from devtools.evaluation.truth import Truth, read_truths
from swatchbook_base.geometry import Box

ROOT: Final = Path(__file__).parents[2]
HERE: Final = Path(__file__).parent
LABELS: Final = ROOT / "tests" / "truth"
SPLITS: Final[tuple[str, ...]] = ("tuning", "aside")
"""Folders of the labels. `DATASHEET.md` says why they are apart, and what was tuned on them."""
PAGE_SIZES: Final = HERE / "page_sizes.json"


@cache
def truths_of(split: str) -> Mapping[str, Truth]:
    """Return name -> labels of the documents of a split."""
    return {truth.slug: truth for truth in read_truths([LABELS / split])}


def split_of(name: str) -> str | None:
    """Return the split of a document, None of a name that no split has."""
    return next((split for split in SPLITS if name in truths_of(split)), None)


@cache
def page_boxes() -> Mapping[str, Mapping[int, Box]]:
    """Return name of a document -> page -> its box, so that boxes of pictures are compared within their pages."""
    sizes = json.loads(PAGE_SIZES.read_text())
    return {
        name: {number: (0.0, 0.0, width, height) for number, (width, height) in enumerate(pages, 1)}
        for name, pages in sizes.items()
    }


@cache
def digest_of(split: str) -> str:
    """Return a digest of what the scorer reads of the labels of a split: scores of other labels do not compare."""
    labels = [truth.model_dump(mode="json") for truth in truths_of(split).values()]
    return hashlib.sha256(json.dumps(labels, sort_keys=True).encode()).hexdigest()[:16]
