"""Edits by hand in the whole way: products, links, search and export show them at once, and still do after the document
was read again, by force and by other versions of the stages; until they are undone.
"""

from pathlib import Path

import pytest

from swatchbook.domain.records import EditRequest, Hide, Product, Rename, SetFact, StoredEdit
from swatchbook.index.contract import Where
from swatchbook.ingest import cache_keys
from swatchbook.ingest.edit_products import make_edit, undo_edit
from swatchbook.resources import Resources
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import search
from swatchbook.store.ledger import publishing
from swatchbook.store.ledger.edited_products import list_edits, read_found
from swatchbook.store.ledger.queries.document import read_products
from swatchbook.store.ledger.queries.document_parts import list_products
from swatchbook.upkeep.verify import verify
from tests.flows.conftest import Ingest, first_report

pytestmark = pytest.mark.usefixtures("filled")


def found_at_first(resources: Resources, document: str) -> tuple[Product, ...]:
    """The products that were found, without edits."""
    return read_found(resources.ledger, document).products


def pictures(resources: Resources, document: str, name: str) -> set[str]:
    listed = list_products(resources.ledger, document, limit=50)
    return {picture.id for _, product in listed if product.name == name for picture in product.pictures}


def found(resources: Resources, name: str) -> set[str]:
    """The images that a search finds under this product."""
    hits = search(resources, SearchRequest("tile", where=Where(owner="anna", product=(name,)), k=50))
    return {hit.id for hit in hits}


def test_edits_hold_when_the_document_is_read_again(
    resources: Resources, ingest: Ingest, small_catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = first_report(resources).document_id
    one, other = read_products(resources.ledger, document)
    before = found_at_first(resources, document)
    shown = pictures(resources, document, other.name)

    def edit(request: EditRequest) -> StoredEdit:
        done = make_edit(resources, document, request, by="anna")
        assert done.published
        return done.edit

    edit(Rename[str](product=one.id, name="Quite another name"))
    edit(SetFact[str](product=one.id, fact="size", value="One metre"))
    edit(Hide[str](product=other.id))

    def check() -> None:
        (product,) = read_products(resources.ledger, document)
        assert (product.name, product.metadata["size"]) == ("Quite another name", "One metre")
        assert found(resources, "Quite another name")
        assert found(resources, other.name) == set()
        assert publishing.count_unpublished(resources.ledger) == 0
        assert verify(resources).sound
        assert [each.problem for each in list_edits(resources.ledger, document)] == [None] * 3

    check()
    for name, stage in cache_keys.PURE_STAGES.items():
        monkeypatch.setitem(cache_keys.PURE_STAGES, name, stage.model_copy(update={"version": "raised"}))  # type: ignore[arg-type]
    ingest(small_catalogue, owner="anna", focus=False, force=True)
    check()

    for number in (3, 2, 1):
        assert undo_edit(resources, document, number, by="bert").edit.undone_by == "bert"
    assert found_at_first(resources, document) == before
    assert [each.name for each in read_products(resources.ledger, document)] == [one.name, other.name]
    assert found(resources, other.name) >= shown
