"""The endpoint `POST /export`: the products of a document, or of an owner, as the file of a spreadsheet or a shop.

The file is written to disk before the first byte is sent, so that an export that fails is an error and no half file.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Annotated, BinaryIO, cast
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import Field, StringConstraints

from swatchbook.domain.errors import Configuration, InvalidReference
from swatchbook.doors.export import export_to_file, exportable, find_format, hints
from swatchbook.store.ledger.stored_documents import all_documents
from swatchbook.upkeep.export.formats import shop_options
from swatchbook.upkeep.export.shop_mapping import ShopMapping
from swatchbook_base.one_line import shorten
from swatchbook_service.auth import TheCaller, choose_known
from swatchbook_service.documents import find
from swatchbook_service.parameters import OwnerOfDocuments, RequestModel, SearchText, Tools
from swatchbook_service.problems import documented

router = APIRouter(tags=["search"], responses=documented(400, 404, 408, 413))

_PIECE = 1 << 16  # bytes that are sent together
_MOST_HEADER, _MOST_SENTENCE = 4_000, 300  # characters: proxies refuse long headers


class ExportOptions(RequestModel):
    """What is exported, and as what. The last two are for the formats of shops."""

    format: Annotated[str, StringConstraints(max_length=100, pattern=r"^[^\x00]+$")] = Field(
        default="csv", description="csv, jsonl, xlsx, parquet; of a shop: shopify, akeneo …; or the name of a plugin."
    )
    document: UUID | None = Field(default=None, description="Id of a document; all of the owner if not given.")
    owner: OwnerOfDocuments = None
    mapping: ShopMapping | None = Field(default=None, description="What fills the fields of a shop's format.")
    pictures_url: SearchText | None = Field(default=None, description="Address of the folder with the pictures.")


@router.post(
    "/export", summary="Export products as a file", response_class=StreamingResponse,
    responses={200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
)  # fmt: skip
def export(resources: Tools, caller: TheCaller, asked: ExportOptions) -> StreamingResponse:
    """Writes what `swatchbook export` writes. `Swatchbook-Products` says how many products are in the file,
    `Swatchbook-Left-Out` how many are not because the format needs what they lack. `Swatchbook-Hints` is a JSON list of
    what the command would say about them, as far as it has room."""
    with _as_wrong_request():
        find_format(asked.format, None)
    options = shop_options(asked.format, asked.mapping, asked.pictures_url)
    if asked.document is not None:
        chosen = [find(resources, caller, asked.document)]
    else:
        chosen = all_documents(resources.ledger, choose_known(resources, caller, asked.owner))
    documents = exportable(chosen, every=asked.document is None)
    folder = resources.settings.temporary_folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 — closed when it is sent
    try:
        with _as_wrong_request():
            exported = export_to_file(resources, documents, asked.format, cast("BinaryIO", file), options=options)
    except BaseException:
        file.close()
        raise
    kept = [shorten(each, _MOST_SENTENCE) for each in hints(exported)]
    while len(written := json.dumps(kept)) > _MOST_HEADER:  # the first and the last ones are left
        del kept[len(kept) // 2]
    headers = {
        "Content-Disposition": f'attachment; filename="products.{_suffix(asked.format)}"',
        "Content-Length": str(file.tell()),
        "Swatchbook-Products": str(exported.products),
        "Swatchbook-Left-Out": str(exported.skipped),
        "Swatchbook-Hints": written,
    }
    return StreamingResponse(_pieces(file), media_type="application/octet-stream", headers=headers)


@contextmanager
def _as_wrong_request() -> Iterator[None]:
    """Raise Configuration as InvalidReference: a format or its mapping is the caller's mistake, and no setting."""
    try:
        yield
    except Configuration as failure:
        raise InvalidReference(failure.message, advice=failure.advice) from failure


def _suffix(form: str) -> str:
    """Return what the file's name ends with: letters and digits of the format's name."""
    return "".join(each for each in form.lower() if each.isascii() and each.isalnum()) or "txt"


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece
