"""Pages of documents: the list with uploads and progress, one document with its pages and products, and the trash.

People can continue, stop, delete and export a document. Pages that are open ask every two seconds whether the list has
changed, and then for what they show of it.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from fastapi import Form, HTTPException, Query, Response
from pydantic import Field
from starlette.responses import PlainTextResponse

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.product_edits import describe_edit
from swatchbook.domain.records import (
    DEFAULT_OWNER,
    DocumentStatus,
    Fact,
    LookAt,
    LostState,
    PageDetails,
    Product,
    ProductDetails,
)
from swatchbook.ingest.sources import item_files
from swatchbook.store.ledger.edited_products import list_edits
from swatchbook.store.ledger.page_findings import list_look_at
from swatchbook.store.ledger.queries.account import account
from swatchbook.store.ledger.queries.document_parts import describe_products, list_pages, list_products, product_ids
from swatchbook.store.ledger.queries.report import failures, other_failures
from swatchbook.store.ledger.retention import TRASH_SECONDS
from swatchbook.store.ledger.run_queries import live_run
from swatchbook.store.ledger.stored_documents import Document
from swatchbook.upkeep.export.formats import exporter, formats
from swatchbook.upkeep.reports.document_state import describe_account, describe_progress, describe_sureness
from swatchbook.upkeep.reports.merged_failures import merge_roles
from swatchbook_service.document_parts import list_images
from swatchbook_service.documents import (
    DocumentId,
    Listing,
    TrashQuery,
    cancel_document,
    decide_lost_pictures,
    delete_document,
    embed_document,
    find,
    find_in_trash,
    list_documents,
    list_trash,
    restore_document,
    retry_document,
)
from swatchbook_service.exports import ExportOptions
from swatchbook_service.exports import export as export_products
from swatchbook_service.health import Recent
from swatchbook_service.parameters import Boxes, LostPictureOptions, Paging, RequestModel, RetryOptions
from swatchbook_web.document_figures import DocumentFigures, document_figures, first_pictures, found_so_far
from swatchbook_web.inspection import DRAWN, PageView, inspect
from swatchbook_web.pages import Back, TheView, View, done, local_page, page_router, remembered, see_other, with_done
from swatchbook_web.sent_files import waiting_files

LIVE = frozenset({DocumentStatus.QUEUED, DocumentStatus.RUNNING, DocumentStatus.WAITING, DocumentStatus.DELETING})
"""Statuses that change without a person."""

_LISTED_FAILURES = 50
_LISTED_IMAGES = 100
_LISTED_PRODUCTS = 500
_FIRST_PRODUCTS = 12
"""Products on the page of a document; its grid has all."""
_GRID = 60
"""Products of the grid that are shown at once."""

router = page_router()


class LostPictureForm(RequestModel):
    """The fields of a form on lost pictures, and `at`, the page that is returned to."""

    boxes: Boxes = Field(min_length=1)
    state: LostState
    at: int


@router.get("/ui/documents")
def show_documents(view: TheView, cursor: str | None = None) -> Response:
    """Return the list of documents, newest first, with the form to upload."""
    owner, ledger = view.owner or DEFAULT_OWNER, view.resources.ledger
    listed = list_documents(view.resources, view.caller, Listing(owner=view.owner, cursor=cursor or None))
    return view.render(
        "documents.html",
        upload_owner=owner,
        batch_suffixes=",".join(item_files.suffixes()),
        waiting=waiting_files(view.resources, owner),
        documents=listed.documents,
        next=listed.next,
        cursor=cursor,
        figures=document_figures(ledger, [each.id for each in listed.documents]),
        pictures=first_pictures(ledger, [each.id for each in listed.documents if not each.page_count]),
        so_far=found_so_far(ledger, [each.id for each in listed.documents if each.status in LIVE]),
    )


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
    shown, size = _page(view, document, pages, page) if pages and document.page_count else (None, None)
    products = [product for _, product in list_products(ledger, document.id, limit=_LISTED_PRODUCTS)] if pages else []
    counts = account(ledger, document=document.id)
    look_at = list_look_at(ledger, document.id)
    figures = document_figures(ledger, [document.id]).get(document.id, DocumentFigures())
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
        sure=describe_sureness(figures.sure, figures.products),
        cards=[] if cursor else _product_cards(view, document, look_at, limit=_FIRST_PRODUCTS),
        lost=[picture for each in pages for picture in each.lost_pictures],
        figures=figures,
        said=_places_of,
        listed=None if pages else list_images(view.resources, view.caller, document_id, paging),
        failures=merge_roles([*failures(ledger, document.id, _LISTED_FAILURES), *other_failures(ledger, document.id)]),
        unlisted=max(counts.partial + counts.failed + counts.rejected - _LISTED_FAILURES, 0),
        edits=[(each, describe_edit(each.edit)) for each in list_edits(ledger, document.id)],
        formats=formats(),
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


def _page(
    view: View, document: Document, pages: Sequence[PageDetails], page: int | None
) -> tuple[PageView, tuple[float, float] | None]:
    """Return a page with its marks, and its size in points; without `page` the first one that shows products."""
    details = {each.number: each for each in pages}
    number = page or next((each.number for each in pages if each.kind == "product"), 1)
    try:
        (shown,) = inspect(view.resources.ledger, document, number)
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
    options = LostPictureOptions(boxes=form.boxes, state=form.state)
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
def export(view: TheView, document_id: DocumentId, form: str) -> Response:
    """Return the products of a document as a file, as `POST /export` does."""
    document = find(view.resources, view.caller, document_id)
    answer = export_products(view.resources, view.caller, ExportOptions(format=form, document=document_id))
    name = "".join(each if each.isascii() and each.isalnum() else "-" for each in Path(document.name).stem)[:80]
    answer.headers["Content-Disposition"] = f'attachment; filename="{name or "products"}.{exporter(form).suffix}"'
    return answer


# --- the trash --------------------------------------------------------------------------------------------------------


@router.get("/ui/trash")
def show_trash(view: TheView) -> Response:
    """Return the documents in the trash, the latest first."""
    listed = list_trash(view.resources, view.caller, TrashQuery(owner=view.owner))
    return view.render("trash.html", documents=listed.documents, kept_seconds=TRASH_SECONDS)


@router.post("/ui/trash/{document_id}/restore")
def restore(view: TheView, document_id: DocumentId, form: Annotated[Back, Form()]) -> Response:
    """Restore a document, and return to the page where that was asked for, else show the document."""
    restore_document(view.resources, view.caller, document_id)
    page = local_page(form.back, view.link(f"/ui/documents/{document_id}"))
    return see_other(with_done(page, done("restored")))


@router.post("/ui/trash/{document_id}/delete")
def delete_for_good(view: TheView, document_id: DocumentId) -> Response:
    """Delete a document in the trash for good."""
    find_in_trash(view.resources, view.caller, document_id)
    delete_document(view.resources, view.caller, document_id, now=True)
    return see_other(view.link("/ui/trash", done=done("ended")))


# --- changes ----------------------------------------------------------------------------------------------------------

_SHARED = 0.9  # seconds for which a look at the ledger counts for all pages of an owner


@router.get("/ui/changes")
async def tell_changes(view: TheView) -> Response:
    """Return what is another text whenever the owner's list of documents has changed; all its open pages share it."""
    return PlainTextResponse(await remembered(view.request).looks.setdefault(view.owner, _look(view)).get())


def _look(view: View) -> Recent[str]:
    def look() -> str:
        listed = list_documents(view.resources, view.caller, Listing(owner=view.owner))
        return hashlib.sha256(listed.model_dump_json().encode()).hexdigest()

    return Recent(look, _SHARED)
