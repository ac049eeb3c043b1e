"""How much of the truth of the generated catalogues is found."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from devtools.evaluation.score import score
from devtools.evaluation.truth import Truth
from devtools.score_pictures import Label, judge, skipped_pages
from devtools.score_products import answer_of, catalogue_of
from samples.generate import BUILD, LAYOUTS, build, build_layout
from swatchbook.domain.settings import Settings
from swatchbook.store.files.file_store import open_files
from tests.pdf.likeness import unlike


def truth_of(path: Path) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads(path.with_suffix(".truth.json").read_text(encoding="utf-8"))
    return truth


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
    assert unlike(path, result.extraction, open_files(Settings(home=tmp_path).files)) == UNLIKE[name]
    count, errors = judge(truth_of(path), result.extraction, result.reading.page_boxes, skipped_pages(result.plan))
    assert {label: count[label, True] for label in LABELLED[name]} == LABELLED[name], "\n".join(errors)
    assert result.extraction.lost_pictures == ()
    scored = score(Truth.model_validate({"sha256": "0" * 64} | truth_of(path)), answer_of(result))
    assert scored.f1 >= 0.97, (scored.missed, scored.wrong)
    links = scored.links
    assert links.labels_of_found >= FEWEST_LINKS[name]
    assert (links.recall_of_found or 0) >= LINKED[name], links.missed
    assert (links.precision_of_found or 0) >= LINKED[name], links.wrong
