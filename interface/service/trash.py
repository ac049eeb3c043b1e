"""Endpoints for the trash: list what was deleted within a day, and restore it. A document of an owner without access is
404.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query
from pydantic import Field

from interface.replies import Accepted, ListedTrash
from interface.service.auth import Caller, TheCaller, choose_known
from interface.service.documents import DocumentId
from interface.service.parameters import RequestModel, Tools
from interface.service.problems import documented
from swatchbook.ledger.trash import get_trashed
from swatchbook.ledger.trash import list_trash as ledger_list_trash
from swatchbook.pipeline.trash import restore
from swatchbook.records import Owner, Trashed
from swatchbook.resources import Resources

router = APIRouter(prefix="/trash", tags=["documents"], responses=documented(404))


class TrashQuery(RequestModel):
    """Whose trash."""

    owner: Owner | None = Field(
        default=None, description="Owner of the documents; required only for a key with several owners."
    )


@router.get("", summary="List the documents in the trash")
def list_trash(resources: Tools, caller: TheCaller, query: Annotated[TrashQuery, Query()]) -> ListedTrash:
    """The latest first. A day after it was deleted, a document is deleted for good."""
    found = ledger_list_trash(resources.ledger, choose_known(resources, caller, query.owner))
    return ListedTrash(documents=tuple(found))


@router.post("/{document_id}/restore", status_code=202, summary="Restore a document", responses=documented(400, 409))
def restore_document(resources: Tools, caller: TheCaller, document_id: DocumentId) -> Accepted:
    """Brings it back with all that it had, and publishes it again; nothing is embedded again."""
    document = restore(resources, find_in_trash(resources, caller, document_id).document)
    return Accepted(id=document.id, status=document.status, message="The document is back in the collection.")


def find_in_trash(resources: Resources, caller: Caller, document_id: UUID) -> Trashed:
    """Return the caller's document in the trash. Raises 404, for other owners' documents too."""
    trashed = get_trashed(resources.ledger, str(document_id))
    if trashed is None or not caller.may(trashed.owner):
        raise HTTPException(404, f"Document {document_id} is not in the trash.")
    return trashed
