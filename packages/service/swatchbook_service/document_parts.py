"""Endpoints for what a document consists of: products with the edits of them by hand, entities, chunks, links, images
and pages; and one product. What an edit changes: `swatchbook/domain/product_edits.py`.
"""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Body, HTTPException, Path, Query, Response
from pydantic import TypeAdapter

from swatchbook.domain.records import Edited, EditRequest, LinkKind, ProductDetails
from swatchbook.doors.replies import (
    ListedChunks,
    ListedEdits,
    ListedEntities,
    ListedImages,
    ListedLinks,
    ListedPages,
    ListedProducts,
)
from swatchbook.ingest import edit_products
from swatchbook.resources import Resources
from swatchbook.store.ledger.edited_products import list_edits as ledger_list_edits
from swatchbook.store.ledger.queries import document_parts
from swatchbook.store.ledger.queries.document_parts import ByEnds, ByOrdinal, Numbered
from swatchbook_service.auth import Caller, TheCaller
from swatchbook_service.documents import DocumentId, find, find_changeable
from swatchbook_service.parameters import Number, Paging, StoredId, Tools, cut_page, read_cursor
from swatchbook_service.problems import documented

_Entry = TypeVar("_Entry")

_BY_ORDINAL: TypeAdapter[ByOrdinal] = TypeAdapter(tuple[Number, StoredId])
_BY_ENDS: TypeAdapter[ByEnds] = TypeAdapter(tuple[LinkKind, StoredId, StoredId])
BY_NUMBER: TypeAdapter[tuple[int]] = TypeAdapter(tuple[Number])

ThePaging = Annotated[Paging, Query()]
ProductId = Annotated[UUID, Path(description="Product id, as in a document's products and in search results.")]

router = APIRouter(tags=["documents"], responses=documented(404))


@router.get("/documents/{document_id}/products", summary="List a document's products with their pictures")
def list_products(resources: Tools, caller: TheCaller, document_id: DocumentId, query: ThePaging) -> ListedProducts:
    """In the order of the catalogue. A product's pictures are at `/images/{id}/file` and `/images/{id}/thumbnail`."""
    page, cursor = _page(document_parts.list_products, _BY_ORDINAL, resources, caller, document_id, query)
    return ListedProducts(products=page, next=cursor)


@router.get("/documents/{document_id}/entities", summary="List a document's specifications and certificates")
def list_entities(resources: Tools, caller: TheCaller, document_id: DocumentId, query: ThePaging) -> ListedEntities:
    """Specification tables, certificates and logos, which are kept apart from products."""
    page, cursor = _page(document_parts.list_entities, _BY_ORDINAL, resources, caller, document_id, query)
    return ListedEntities(entities=page, next=cursor)


@router.get("/documents/{document_id}/chunks", summary="List a document's chunks of text")
def list_chunks(resources: Tools, caller: TheCaller, document_id: DocumentId, query: ThePaging) -> ListedChunks:
    """In reading order, with their pages and headings."""
    page, cursor = _page(document_parts.list_chunks, _BY_ORDINAL, resources, caller, document_id, query)
    return ListedChunks(chunks=page, next=cursor)


@router.get("/documents/{document_id}/links", summary="List a document's links")
def list_links(resources: Tools, caller: TheCaller, document_id: DocumentId, query: ThePaging) -> ListedLinks:
    """Scored relations with their evidence: from placements to products and chunks, and from chunks to products."""
    page, cursor = _page(document_parts.list_links, _BY_ENDS, resources, caller, document_id, query)
    return ListedLinks(links=page, next=cursor)


@router.get("/documents/{document_id}/images", summary="List a document's images with placements and analysis")
def list_images(resources: Tools, caller: TheCaller, document_id: DocumentId, query: ThePaging) -> ListedImages:
    """In reading order. Hidden and decorative ones are listed too; `/images/{id}` knows only those that are shown."""
    page, cursor = _page(document_parts.list_images, _BY_ORDINAL, resources, caller, document_id, query)
    return ListedImages(images=page, next=cursor)


@router.get("/documents/{document_id}/pages", summary="List a document's pages")
def list_pages(resources: Tools, caller: TheCaller, document_id: DocumentId, query: ThePaging) -> ListedPages:
    """By number: size, kind, and why a page was skipped or lost."""
    page, cursor = _page(document_parts.list_pages, BY_NUMBER, resources, caller, document_id, query)
    return ListedPages(pages=page, next=cursor)


@router.get("/products/{product_id}", summary="Show a product with its pictures", tags=["products"])
def get_product(resources: Tools, caller: TheCaller, product_id: ProductId, response: Response) -> ProductDetails:
    """Name, category, metadata, pages and evidence, and its pictures, best link first. A browser, which asks for
    `text/html`, gets the product's page at this address."""
    response.headers["Vary"] = "Accept"
    return require_product(resources, caller, product_id)


def require_product(resources: Resources, caller: Caller, product_id: UUID) -> ProductDetails:
    """Return the caller's product. Raises 404, for other owners' products too."""
    product = document_parts.find_product(resources.ledger, str(product_id))
    if product is None or not caller.may(product.owner):
        raise HTTPException(404, f"Product {product_id} not found.")
    return product


def _page(
    read: Callable[..., list[Numbered[_Entry]]],
    position: TypeAdapter[Any],
    resources: Resources,
    caller: Caller,
    document_id: UUID,
    query: Paging,
) -> tuple[tuple[_Entry, ...], str | None]:
    """Return a page of what `read` lists of the caller's document, and the cursor of the next one."""
    document, after = find(resources, caller, document_id), read_cursor(query.cursor, position)
    return cut_page(read(resources.ledger, document.id, after=after, limit=query.limit + 1), query.limit)


_EDITS = "/documents/{document_id}/products/edits"
EditNumber = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of the edit, as in the list.")]


@router.get(_EDITS, summary="List the edits by hand of a document's products")
def list_edits(resources: Tools, caller: TheCaller, document_id: DocumentId, query: ThePaging) -> ListedEdits:
    """In the order in which they were made, with those that were undone. `problem`: why one changes nothing now."""
    document, (after,) = find(resources, caller, document_id), read_cursor(query.cursor, BY_NUMBER) or (0,)
    later = [each for each in ledger_list_edits(resources.ledger, document.id) if each.number > after]
    page, cursor = cut_page([((each.number,), each) for each in later[: query.limit + 1]], query.limit)
    return ListedEdits(edits=page, next=cursor)


@router.post(_EDITS, status_code=201, summary="Edit a document's products", responses=documented(400, 408, 409, 413))
def make_edit(
    resources: Tools, caller: TheCaller, document_id: DocumentId, edit: Annotated[EditRequest, Body()]
) -> Edited:
    """Rename, merge, split or hide products, or set a fact. Products are named by id or name. The edit is kept by their
    places on the pages, so it still holds when the document is processed again; lists and searches show it at once."""
    document = find_changeable(resources, caller, document_id)
    return edit_products.make_edit(resources, document.id, edit, by=caller.name)


@router.delete(f"{_EDITS}/{{edit_number}}", summary="Undo an edit", responses=documented(409))
def undo_edit(resources: Tools, caller: TheCaller, document_id: DocumentId, edit_number: EditNumber) -> Edited:
    """It stays in the list. Later edits of what it changed may find nothing to change any more: see their `problem`."""
    document = find_changeable(resources, caller, document_id)
    return edit_products.undo_edit(resources, document.id, edit_number, by=caller.name)
