"""The page of the trash: documents that were deleted within a day; restore one, or delete it for good."""

from typing import Annotated

from fastapi import Form, Response

from interface.service.documents import DocumentId, delete_document
from interface.service.trash import TrashQuery, find_in_trash, list_trash, restore_document
from interface.web.pages import TheView, page_router, see_other
from interface.web.toasts import Back, done, local_page, with_done
from swatchbook.ledger.retention import TRASH_SECONDS

router = page_router()


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
def delete(view: TheView, document_id: DocumentId) -> Response:
    """Delete a document in the trash for good."""
    find_in_trash(view.resources, view.caller, document_id)
    delete_document(view.resources, view.caller, document_id, now=True)
    return see_other(view.link("/ui/trash", done=done("ended")))
