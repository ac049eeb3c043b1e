"""`devtools.draft_truth` and `devtools.score_products` without PDFS, on the ingested sample."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devtools import draft_truth, score_products
from swatchbook.domain.records import Rename
from swatchbook.domain.settings import load_settings
from swatchbook.ingest.edit_products import make_edit
from swatchbook.resources import open_resources
from swatchbook.store.ledger.queries.document import read_products
from swatchbook.store.ledger.stored_documents import find_document

Run = Callable[..., str]

pytestmark = pytest.mark.usefixtures("filled")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(script: Any, *words: str | Path, expect: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", [script.__name__, *map(str, words), "--owner", "anna"])
        status: object = 0
        try:
            script.main()
        except SystemExit as ended:
            status = ended.code
        printed = capsys.readouterr()
        assert status == expect, printed
        return printed.out + printed.err

    return run


@pytest.fixture
def labels(run: Run) -> dict[str, Any]:
    drafted: dict[str, Any] = json.loads(run(draft_truth, "small.pdf"))
    return drafted


@pytest.fixture
def file(tmp_path: Path, labels: dict[str, Any]) -> Path:
    path = tmp_path / "labels" / "small.json"
    path.parent.mkdir()
    path.write_text(json.dumps(labels))
    return path


def test_a_draft_says_what_the_result_says(labels: dict[str, Any], file: Path, run: Run) -> None:
    assert [product["name"] for product in labels["products"]] == ["Nordvik Oak", "Palladio Terrazzo"]
    assert labels["products"][0]["metadata"]["price"]
    assert labels["pages"] == 6
    assert labels["all_product_images"] == len(labels["image_links"]) > 0
    (scored,) = json.loads(run(score_products, file.parent, "--json"))["scores"]
    assert (scored["f1"], scored["exact_pages"], scored["wrong"], scored["links"]["missed"]) == (1, 1, [], [])
    printed = run(score_products, file, "--links", "--facts")
    assert "small            F1 1.00" in printed
    assert "links of found P 1.00 R 1.00  roles 1.00" in printed
    assert "f1_mean: 1.000" in printed


def test_edits_by_hand_are_labels(run: Run) -> None:
    with open_resources(load_settings()) as resources:
        document = find_document(resources.ledger, "small.pdf", "anna").id
        first, _ = read_products(resources.ledger, document)
        make_edit(resources, document, Rename[str](product=first.id, name="Something else"), by="anna")
    (drafted, _) = json.loads(run(draft_truth, "small.pdf"))["products"]
    assert drafted["name"] == "Something else"
    (scored,) = json.loads(run(score_products, "--edited", "--json"))["scores"]
    assert (scored["f1"], scored["wrong"]) == (0.5, ["3 Nordvik Oak"])
    run(score_products, expect=2)
