"""A text that is exactly a code finds the product that has it, or whose variant has it, before all others."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from swatchbook.domain.records import ResultKind
from swatchbook.domain.settings import Settings
from swatchbook.index.contract import Where
from swatchbook.resources import Resources, open_resources
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import find_relevant
from swatchbook.store.ledger.document_commands import delete_rows, mark_deleting
from swatchbook.store.ledger.queries.document_parts import describe_products
from tests.ingest.sources.pictures import draw
from tests.ingest.test_scan import begin, end, scanned
from tests.tables import check_rows, rows_of

ANNA = Where(owner="anna")
ITEMS = rows_of(__file__, "items")


@pytest.fixture(scope="module")
def sample(ingested_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resources]:
    folder = tmp_path_factory.mktemp("codes")
    shutil.copytree(ingested_home, folder / "home")
    draw(folder / "shop" / "seat.png")
    lines = "\n".join(json.dumps({**item, "images": ["seat.png"]}) for item in ITEMS)
    (folder / "shop" / "items.jsonl").write_text(lines)
    with open_resources(Settings(home=folder / "home")) as resources:
        ingest(resources, folder / "shop")
        yield resources


def ingest(resources: Resources, folder: Path) -> str:
    work = begin(resources, folder)
    scanned(resources, work)
    end(resources, work)
    return work.document


def coded(resources: Resources, asked: str, where: Where) -> list[str]:
    return [
        hit.title
        for hit in find_relevant(resources, SearchRequest(asked, where=where, by="product")).hits
        if "code" in hit.why
    ]


def test_exact_code_finds_its_product_first(sample: Resources) -> None:
    def first(asked: str) -> str:
        found = find_relevant(sample, SearchRequest(asked, where=ANNA, by="product"))
        assert (found.hits[0].relevance, found.hits[0].missing) == (1.0, ())
        assert found.hits[0].why["code"]["rank"] == 1
        return found.hits[0].title

    check_rows(__file__, "codes", first)


@pytest.mark.parametrize("by", ["image", "product", "chunk"])
def test_code_of_a_catalogue_finds_each_kind_of_result(sample: Resources, by: ResultKind) -> None:
    oak = find_relevant(sample, SearchRequest("Nordvik Oak", where=ANNA, by="product")).hits[0]
    (product,) = describe_products(sample.ledger, [oak.id])
    code = next(variant.code for variant in product.variants if variant.code)
    first = find_relevant(sample, SearchRequest(code.lower(), where=ANNA, by=by)).hits[0]
    assert (first.kind, first.product, first.relevance) == (by, "Nordvik Oak", 1.0)
    assert "code" in first.why


def test_code_obeys_owner_and_filters(sample: Resources) -> None:
    for where in (Where(owner="bert"), Where(owner="anna", price_min=6.0), Where(owner="anna", category=("no",))):
        assert not coded(sample, "POS-1", where)
    for where in (Where(), Where(owner="anna", price_max=6.0)):
        assert coded(sample, "POS-1", where) == ["Poster of a fox"]


def test_code_that_left_its_product_is_not_found(sample: Resources, tmp_path: Path) -> None:
    def items(code: str) -> None:
        (tmp_path / "items.jsonl").write_text(json.dumps({"id": 1, "code": code, "title": "Vase", "images": ["a.png"]}))

    def codes_found() -> list[bool]:
        return [bool(coded(sample, code, ANNA)) for code in ("OLD-77", "NEW-78")]

    draw(tmp_path / "a.png")
    items("OLD-77")
    ingest(sample, tmp_path)
    assert codes_found() == [True, False]
    items("NEW-78")
    document = ingest(sample, tmp_path)
    assert codes_found() == [False, True]
    mark_deleting(sample.ledger, document)
    delete_rows(sample.ledger, document)
    assert codes_found() == [False, False]
