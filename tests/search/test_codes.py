"""A text that is exactly a code finds the product that has it, or whose variant has it, before all others."""

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
from tests.search.conftest import ingest_items
from tests.tables import check_rows, rows_of

ANNA = Where(owner="anna")


@pytest.fixture(scope="module")
def sample(ingested_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resources]:
    folder = tmp_path_factory.mktemp("codes")
    shutil.copytree(ingested_home, folder / "home")
    with open_resources(Settings(home=folder / "home")) as resources:
        ingest_items(resources, folder / "shop", rows_of(__file__, "items"))
        yield resources


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
def test_catalogue_code_finds_each_kind_of_result(sample: Resources, by: ResultKind) -> None:
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
    def codes_found() -> list[bool]:
        return [bool(coded(sample, code, ANNA)) for code in ("OLD-77", "NEW-78")]

    vase = {"id": 1, "title": "Vase"}
    ingest_items(sample, tmp_path, [{**vase, "code": "OLD-77"}])
    assert codes_found() == [True, False]
    document = ingest_items(sample, tmp_path, [{**vase, "code": "NEW-78"}])
    assert codes_found() == [False, True]
    mark_deleting(sample.ledger, document)
    delete_rows(sample.ledger, document)
    assert codes_found() == [False, False]
