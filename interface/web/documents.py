"""Pages of documents: the list with uploads and progress, and one document with its pages and products.

People can continue, stop, delete and export it.
"""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

from fastapi import Form, HTTPException, Query, Response
from pydantic import Field

from interface.service.document_parts import list_images
from interface.service.documents import (
    DocumentId,
    Listing,
    cancel_document,
    decide_lost_pictures,
    delete_document,
    embed_document,
    find,
    list_documents,
    retry_document,
)
from interface.service.paging import Paging
from interface.service.parameters import LostPictureOptions, RequestModel, RetryOptions, SearchText
from interface.web.pages import TheView, View, page_router, see_other
from interface.web.toasts import done
from swatchbook.errors import InvalidReference
from swatchbook.export.formats import Format, write_products
from swatchbook.export.products import as_rows, read_products
from swatchbook.ledger.documents import PDF, Document
from swatchbook.ledger.product_edits import list_edits
from swatchbook.ledger.queries.account import account
from swatchbook.ledger.queries.document_figures import DocumentFigures, document_figures, found_so_far
from swatchbook.ledger.queries.document_parts import list_pages
from swatchbook.ledger.queries.failures import failures, other_failures
from swatchbook.ledger.queries.look_at import list_look_at
from swatchbook.ledger.queries.products import describe_products, list_products, product_ids
from swatchbook.ledger.queries.thumbnails import first_pictures
from swatchbook.ledger.runs import live_run
from swatchbook.pipeline.sent_folders import waiting_folders
from swatchbook.product_edits import describe_edit
from swatchbook.records import DEFAULT_OWNER, DocumentStatus, Fact, LookAt, LostState, Product, ProductDetails
from swatchbook.reports.document_state import describe_account
from swatchbook.reports.inspection import DRAWN, PageView, inspect
from swatchbook.reports.progress import describe_progress
from swatchbook.sources.batch_file import SUFFIXES

LIVE = frozenset({DocumentStatus.QUEUED, DocumentStatus.RUNNING, DocumentStatus.WAITING, DocumentStatus.DELETING})
"""Statuses that change without a person."""

_LISTED_FAILURES = 50
_LISTED_IMAGES = 100
_LISTED_PRODUCTS = 500
_FIRST_PRODUCTS = 12
"""Products on the page of a document; its grid has all."""
_GRID = 60
"""Products of the grid that are shown at once."""
_MEDIA_TYPES = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSONL: "application/jsonl",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.PARQUET: "application/vnd.apache.parquet",
}

router = page_router()


class LostPictureForm(RequestModel):
    """The fields of a form on lost pictures, and `at`, the page that is returned to."""

    boxes: list[SearchText] = Field(min_length=1, max_length=1_000)
    state: LostState
    at: int


@router.get("/ui/documents")
def show_documents(view: TheView, cursor: str | None = None) -> Response:
    """Return the list of documents, newest first, with the form to upload."""
    owner, suffixes = view.owner or DEFAULT_OWNER, ",".join(SUFFIXES)
    waiting = waiting_folders(view.resources, owner)
    return view.render(
        "documents.html", upload_owner=owner, batch_suffixes=suffixes, waiting=waiting, **_list(view, cursor)
    )


@router.get("/ui/documents/rows")
def show_rows(view: TheView, cursor: str | None = None) -> Response:
    """Return the list alone: the page asks for it when something has changed."""
    return view.render("document_rows.html", **_list(view, cursor))


def _list(view: View, cursor: str | None) -> dict[str, Any]:
    listed = list_documents(view.resources, view.caller, Listing(owner=view.owner, cursor=cursor or None))
    ids = [document.id for document in listed.documents]
    return {
        "documents": listed.documents,
        "next": listed.next,
        "cursor": cursor,
        "figures": document_figures(view.resources.ledger, ids),
        "pictures": first_pictures(
            view.resources.ledger, [each.id for each in listed.documents if not each.page_count]
        ),
        "so_far": found_so_far(view.resources.ledger, [each.id for each in listed.documents if each.status in LIVE]),
    }


@router.get("/ui/documents/{document_id}")
def show_document(
    view: TheView,
    document_id: DocumentId,
    page: Annotated[int | None, Query(ge=1)] = None,
    cursor: Annotated[str | None, Query(max_length=400)] = None,
) -> Response:
    """Return a document: its account, its pages, and one page with boxes over its pictures and its products.

    A document without pages has its pictures, some at a time.
    """
    document = find(view.resources, view.caller, document_id)
    ledger = view.resources.ledger
    pages = [details for _, details in list_pages(ledger, document.id, limit=document.page_count or 1)]
    shown, size = _page(view, document, page) if pages else (None, None)
    products = [product for _, product in list_products(ledger, document.id, limit=_LISTED_PRODUCTS)] if pages else []
    counts = account(ledger, document=document.id)
    look_at = list_look_at(ledger, document.id)
    paging = Paging(limit=_LISTED_IMAGES, cursor=cursor or None)
    return view.render(
        "document.html",
        document=document,
        live=document.status in LIVE,
        account=counts,
        state_in_words=describe_account(
            document, counts, now=ledger.now(), progress=describe_progress(live_run(ledger, document.id)).sentence
        ),
        pages=pages,
        shown=shown,
        size=size,
        drawn=DRAWN,
        products=products,
        look_at=look_at,
        cards=[] if cursor else _product_cards(view, document, look_at, limit=_FIRST_PRODUCTS),
        lost=[picture for each in pages for picture in each.lost_pictures],
        figures=document_figures(ledger, [document.id]).get(document.id, DocumentFigures()),
        said=_places_of,
        listed=None if pages else list_images(view.resources, view.caller, document_id, paging),
        failures=[*failures(ledger, document.id, _LISTED_FAILURES), *other_failures(ledger, document.id)],
        edits=[(each, describe_edit(each.edit)) for each in list_edits(ledger, document.id)],
        formats=list(Format),
    )


@router.get("/ui/documents/{document_id}/products")
def show_products(
    view: TheView, document_id: DocumentId, offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0
) -> Response:
    """Return the products of a document as a grid, some at a time: those that a person should look at first."""
    document = find(view.resources, view.caller, document_id)
    look_at = list_look_at(view.resources.ledger, document.id)
    cards = _product_cards(view, document, look_at, offset=offset, limit=_GRID + 1)
    return view.render(
        "products.html",
        document=document,
        cards=cards[:_GRID],
        count=document_figures(view.resources.ledger, [document.id]).get(document.id, DocumentFigures()).products,
        doubtful=sum(each.product is not None for each in look_at),
        next=offset + _GRID if len(cards) > _GRID else None,
        last=max(offset - _GRID, 0) if offset else None,
    )


def _product_cards(
    view: View, document: Document, look_at: Sequence[LookAt], *, offset: int = 0, limit: int
) -> list[ProductDetails]:
    first = list(dict.fromkeys(each.product for each in look_at if each.product))
    ids = product_ids(view.resources.ledger, document.id, first=first, offset=offset, limit=limit)
    return describe_products(view.resources.ledger, ids)


def _places_of(product: Product, name: str) -> list[tuple[int, Fact]]:
    """Return the places of a value of a product, each once: the number of the fact, from 1, and the fact."""
    facts = [(number, fact) for number, fact in enumerate(product.facts, 1) if fact.key == name]
    return list({(fact.page, fact.bbox): (number, fact) for number, fact in reversed(facts)}.values())[::-1]


def _page(view: View, document: Document, page: int | None) -> tuple[PageView | None, tuple[float, float] | None]:
    """Return a page with its marks, and its size in points; without `page` the first one that shows products."""
    if document.kind != PDF or not document.page_count:
        return None, None
    ledger = view.resources.ledger
    details = {each.number: each for _, each in list_pages(ledger, document.id, limit=document.page_count)}
    number = page or next((each.number for each in details.values() if each.kind == "product"), 1)
    try:
        (shown,) = inspect(ledger, document, number).pages
    except InvalidReference as error:
        raise HTTPException(404, str(error)) from error
    known = details.get(number)
    return shown, (known.width, known.height) if known and known.width and known.height else None


# --- what people do ---------------------------------------------------------------------------------------------------


@router.post("/ui/documents/{document_id}/retry")
def retry(view: TheView, document_id: DocumentId, force: Annotated[bool, Form()] = False) -> Response:
    """Continue what failed, is blocked or was cancelled; with `force` also what was rejected."""
    retry_document(view.resources, view.caller, document_id, RetryOptions(force=force))
    return see_other(view.link(f"/ui/documents/{document_id}"))


@router.post("/ui/documents/{document_id}/embed")
def embed(view: TheView, document_id: DocumentId) -> Response:
    """Embed what is missing, or has vectors of another model than the one in the settings."""
    embed_document(view.resources, view.caller, document_id)
    return see_other(view.link(f"/ui/documents/{document_id}"))


@router.post("/ui/documents/{document_id}/lost-pictures")
def say_of_lost_pictures(view: TheView, document_id: DocumentId, form: Annotated[LostPictureForm, Form()]) -> Response:
    """Take in what looks like a picture, dismiss it, or put it back, and return to its page."""
    options = LostPictureOptions(boxes=tuple(form.boxes), state=form.state)
    decide_lost_pictures(view.resources, view.caller, document_id, options)
    return see_other(view.link(f"/ui/documents/{document_id}", page=form.at) + "#lost")


@router.post("/ui/documents/{document_id}/cancel")
def cancel(view: TheView, document_id: DocumentId) -> Response:
    """Stop the work on a document."""
    cancel_document(view.resources, view.caller, document_id)
    return see_other(view.link(f"/ui/documents/{document_id}"))


@router.post("/ui/documents/{document_id}/delete")
def delete(view: TheView, document_id: DocumentId) -> Response:
    """Move a document to the trash, from where the list's message brings it back."""
    delete_document(view.resources, view.caller, document_id)
    return see_other(view.link("/ui/documents", done=done("deleted", str(document_id))))


@router.get("/ui/documents/{document_id}/export.{form}")
def export(view: TheView, document_id: DocumentId, form: Format) -> Response:
    """Return the products of a document as a file."""
    document = find(view.resources, view.caller, document_id)
    out = BytesIO()
    rows = (row for product in read_products(view.resources.ledger, document.id) for row in as_rows(product))
    write_products(rows, form, out, temporary_folder=view.resources.settings.temporary_folder)
    name = "".join(each if each.isascii() and each.isalnum() else "-" for each in Path(document.name).stem)[:80]
    return Response(
        out.getvalue(),
        media_type=_MEDIA_TYPES[form],
        headers={"Content-Disposition": f'attachment; filename="{name or "products"}.{form.value}"'},
    )
