"""The generated catalogues of other layouts: their truth is what is seen on their pages; and how much of the truth of
all three is found.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pymupdf
import pytest

from devtools.evaluation.score import score
from devtools.evaluation.truth import Truth
from devtools.score_pictures import Label, judge, skipped_pages
from devtools.score_products import answer_of, catalogue_of
from samples.generate import BUILD, LAYOUTS, build, build_layout
from swatchbook.domain.settings import Settings
from swatchbook.store.files.file_store import Files
from tests.pdf.likeness import unlike

DPI = 36
MAGENTA = b"\xff\x00\xff"
SLACK = 4.0  # points
NOTICED = 4  # of 255, by which a pixel differs if a picture adds anything to it


def truth_of(path: Path) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads(path.with_suffix(".truth.json").read_text(encoding="utf-8"))
    return truth


@pytest.fixture(scope="module", params=LAYOUTS)
def layout(request: pytest.FixtureRequest) -> Path:
    return build_layout(BUILD, request.param)


def pixels(document: pymupdf.Document, number: int) -> Any:
    pixmap = document[number - 1].get_pixmap(dpi=DPI, alpha=False)
    return np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.width, 3).astype(int)


def paint_flat(document: pymupdf.Document, xrefs: Sequence[int]) -> None:
    """Replace image objects by one pixel each; their soft masks stay."""
    for xref in xrefs:
        document.update_stream(xref, MAGENTA, compress=False)
        for key, value in {"Width": "1", "Height": "1", "ColorSpace": "/DeviceRGB", "Decode": "null"}.items():
            document.xref_set_key(xref, key, value)


def seen(path: Path, label: Mapping[str, Any]) -> Any:
    """Where on its page a labelled picture is seen: rows and columns of the pixels that change with it."""
    hint = label["image_hint"]
    with pymupdf.open(path) as document, pymupdf.open(path) as changed:  # one document would show kept tiles again
        paint_flat(changed, hint.get("xrefs") or [hint["xref"]])
        difference = pixels(changed, label["page"]) - pixels(document, label["page"])
    return np.argwhere(np.abs(difference).max(-1) > NOTICED)


def test_labelled_pictures_are_seen_where_they_are(layout: Path) -> None:
    truth = truth_of(layout)
    for label in [*truth["image_links"], *truth["image_traps"]]:
        if not label["image_hint"]["xref"] or label["role"] == "hidden: the grey picture of a luminosity mask":
            continue
        changed = seen(layout, label) * 72 / DPI
        if label["role"].startswith(("hidden", "off the page", "clipped away")):
            assert not len(changed), label
            continue
        x0, y0, x1, y1 = label["image_hint"]["bbox"]
        (top, left), (bottom, right) = changed.min(0), changed.max(0)
        assert min(left - x0, top - y0, x1 - right, y1 - bottom) > -SLACK, label
        assert len(changed) * (72 / DPI) ** 2 > 0.25 * (x1 - x0) * (y1 - y0), label


def test_regions_and_drawings_are_where_the_truth_says(layout: Path) -> None:
    with pymupdf.open(layout) as document:
        for label in truth_of(layout)["image_links"]:
            if not label["image_hint"]["xref"]:
                x0, y0, x1, y1 = (round(k * DPI / 72) for k in label["image_hint"]["bbox"])
                part = pixels(document, label["page"])[y0:y1, x0:x1]
                assert part.std() > 8, label


def test_every_product_is_named_on_its_first_page_unless_that_is_scanned(layout: Path) -> None:
    truth = truth_of(layout)
    with pymupdf.open(layout) as document:
        assert document.page_count == truth["pages"] == len(truth["page_kinds"])
        texts = ["".join(page.get_text().split()).casefold() for page in document]
    for product in truth["products"]:
        text = texts[product["first_page"] - 1]
        assert not text or "".join(product["name"].split()).casefold() in text, product


FEWEST_LINKS: Final = {"catalogue": 257, "hardware": 29, "pottery": 23}
"""Labelled pictures of the products that are found."""
LINKED: Final = {"catalogue": 0.97, "hardware": 0.97, "pottery": 0.91}
"""The least precision and recall of links. In the pottery a picture of the scan has none, and one that lies askew is
linked to its neighbour, whose name stands as near."""
LABELLED: Final[Mapping[str, Mapping[Label, int]]] = {
    "catalogue": {"product": 257, "hidden": 2, "decorative": 142},
    "hardware": {"product": 29, "hidden": 1, "decorative": 13},
    "pottery": {"product": 13, "region": 10, "hidden": 7, "decorative": 1},
}
"""How many labels of each class there are: product pictures and regions that are shown, traps that are not."""

UNLIKE: Final = {"catalogue": [], "hardware": ["page 6 embedded (48.0, 500.0, 268.0, 720.0)"], "pottery": []}
"""Shown pictures that differ from their page: one fades out under a luminosity mask, which its file does not have."""


@pytest.mark.parametrize("name", ["hardware", "pottery", pytest.param("catalogue", marks=pytest.mark.nightly)])
def test_all_labels_are_right_and_nothing_is_lost(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATCHBOOK_OCR", "auto")  # one page is a scan
    path = build_layout(BUILD, name) if name in LAYOUTS else build(BUILD)
    result = catalogue_of(path, tmp_path)
    assert unlike(path, result.extraction, Files(Settings(home=tmp_path).files)) == UNLIKE[name]
    count, errors = judge(truth_of(path), result.extraction, result.reading.page_boxes, skipped_pages(result.plan))
    assert {label: count[label, True] for label in LABELLED[name]} == LABELLED[name], "\n".join(errors)
    assert result.extraction.lost_pictures == ()
    scored = score(Truth.model_validate({"sha256": "0" * 64} | truth_of(path)), answer_of(result))
    assert scored.f1 >= 0.97, (scored.missed, scored.wrong)
    links = scored.links
    assert links.labels_of_found >= FEWEST_LINKS[name]
    assert (links.recall_of_found or 0) >= LINKED[name], links.missed
    assert (links.precision_of_found or 0) >= LINKED[name], links.wrong
