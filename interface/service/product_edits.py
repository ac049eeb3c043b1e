"""Endpoints for edits by hand of a document's products: make one, list them, undo one. What an edit changes:
`swatchbook/product_edits.py`.
"""

from typing import Annotated

from fastapi import APIRouter, Body, Path

from interface.replies import ListedEdits
from interface.service.auth import TheCaller
from interface.service.document_parts import BY_NUMBER, ThePaging
from interface.service.documents import DocumentId, find, find_changeable
from interface.service.paging import cut_page, read_cursor
from interface.service.parameters import Tools
from interface.service.problems import documented
from swatchbook.ledger.product_edits import list_edits as ledger_list_edits
from swatchbook.pipeline import product_edits
from swatchbook.records import Edited, EditRequest

EditNumber = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of the edit, as in the list.")]

router = APIRouter(prefix="/documents/{document_id}/products/edits", tags=["documents"], responses=documented(404))


@router.get("", summary="List the edits by hand of a document's products")
def list_edits(resources: Tools, caller: TheCaller, document_id: DocumentId, query: ThePaging) -> ListedEdits:
    """In the order in which they were made, with those that were undone. `problem`: why one changes nothing now."""
    document, (after,) = find(resources, caller, document_id), read_cursor(query.cursor, BY_NUMBER) or (0,)
    later = [each for each in ledger_list_edits(resources.ledger, document.id) if each.number > after]
    page, cursor = cut_page([((each.number,), each) for each in later[: query.limit + 1]], query.limit)
    return ListedEdits(edits=page, next=cursor)


@router.post("", status_code=201, summary="Edit a document's products", responses=documented(400, 408, 409, 413))
def make_edit(
    resources: Tools, caller: TheCaller, document_id: DocumentId, edit: Annotated[EditRequest, Body()]
) -> Edited:
    """Rename, merge, split, add or reject products, or assign a picture to them. Products are named by id or name,
    pictures by the id of the image or placement. The edit is kept by their places on the pages, so it still holds when
    the document is processed again; lists and searches show it at once."""
    document = find_changeable(resources, caller, document_id)
    return product_edits.make_edit(resources, document.id, edit, by=caller.name)


@router.delete("/{edit_number}", summary="Undo an edit", responses=documented(409))
def undo_edit(resources: Tools, caller: TheCaller, document_id: DocumentId, edit_number: EditNumber) -> Edited:
    """It stays in the list. Later edits of what it changed may find nothing to change any more: see their `problem`."""
    document = find_changeable(resources, caller, document_id)
    return product_edits.undo_edit(resources, document.id, edit_number, by=caller.name)
