"""Receive folders of pictures and batch files from a browser, which sends them file by file.

Each file is stored, and at the end the folder becomes its documents, as in `swatchbook ingest`; a folder with a batch
first waits for a person (`upload_plan.py`). PDFs go to `POST /documents`.
"""

import asyncio
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError

from interface.replies import SentToStart, Uploaded
from interface.service.auth import TheCaller
from interface.service.parameters import RequestModel, SearchText, Tools
from interface.service.upload_body import TheUploadSlots, full_disk_as_507, receive_form
from interface.web.pages import with_query
from swatchbook.pipeline.sent_folders import batches_in, get_sent, start_sent
from swatchbook.records import DEFAULT_OWNER, Owner
from swatchbook.resources import Resources
from swatchbook.runtime.disk import keep_reserve
from swatchbook.sources.batch_file import kind_of_file
from swatchbook.sources.dropped import keep_dropped
from swatchbook.storage.size_limit import check_size
from swatchbook.storage.upload_buffer import temporary_file

FILES_PATH = "/ui/uploads/files"
"""Where each file is sent. Its size is limited while it arrives."""

PLAN_PATH = "/ui/uploads/plan"
"""Where a person sees how a batch is read."""

router = APIRouter(prefix="/ui/uploads", include_in_schema=False)


class DroppedFolder(RequestModel):
    """A folder that is sent: its owner, and its name."""

    owner: Owner | None = None
    folder: SearchText = Field(min_length=1)


class DroppedFile(DroppedFolder):
    """A file of it: its path in the folder, with `/` between its parts."""

    path: SearchText = Field(min_length=1)


@router.post("/files", status_code=204)
async def take_file(request: Request, resources: Tools, caller: TheCaller, upload_slots: TheUploadSlots) -> None:
    """Keep a file of a folder. Raises 422 for a name that leads elsewhere, 413, and 415 for what is no picture."""
    async with upload_slots.slot(caller.name):
        with full_disk_as_507(), temporary_file(resources.settings.temporary_folder) as path:
            fields, _ = await receive_form(request, resources.settings, path, only_pdf=False)
            try:
                sent = DroppedFile.model_validate(fields)
            except ValidationError as error:
                raise RequestValidationError([{**e, "loc": ("body", *e["loc"])} for e in error.errors()]) from error
            owner = caller.choose(sent.owner) or DEFAULT_OWNER
            await asyncio.to_thread(_keep, resources, path, owner, sent)


@router.post("", status_code=202)
def take_folder(
    resources: Tools, caller: TheCaller, sent: Annotated[DroppedFolder, Form()], response: Response
) -> SentToStart:
    """Queue the documents of a folder whose files have been sent; 200 if a person first looks how its batch is read."""
    owner = caller.choose(sent.owner) or DEFAULT_OWNER
    folder = get_sent(resources, owner, sent.folder)
    if folder.path.is_dir() and batches_in(resources, folder.path):
        response.status_code = 200
        named = None if caller.sees_all and owner == DEFAULT_OWNER else owner
        return SentToStart(plan=with_query(PLAN_PATH, {"owner": named, "folder": sent.folder}))
    documents = [each.document for each in start_sent(resources, folder, {})]
    return SentToStart(
        documents=tuple(
            Uploaded(id=each.id, owner=each.owner, name=each.name, status=each.status) for each in documents
        )
    )


def _keep(resources: Resources, file: Path, owner: str, sent: DroppedFile) -> None:
    settings = resources.settings
    keep_reserve(settings.home)
    at_most = settings.max_document_mb if kind_of_file(file) is not None else settings.max_image_mb
    check_size(file.stat().st_size, at_most << 20, name=f"{sent.path}: the file")
    keep_dropped(file, get_sent(resources, owner, sent.folder).path, sent.path, settings.image_suffixes)
