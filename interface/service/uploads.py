"""Endpoint `POST /documents`: the fields of the form, the owner of an upload that names none, and the answer.

It answers 202 once file and document are stored, 200 if nothing is left to do, 422 for a role that no model makes.
"""

import asyncio
from typing import Any
from uuid import UUID

from fastapi import APIRouter, HTTPException, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, Json, ValidationError
from starlette.requests import Request

from interface.replies import Uploaded
from interface.service.auth import TheCaller
from interface.service.documents import find
from interface.service.parameters import Tools
from interface.service.problems import RETRY_SECONDS, documented
from interface.service.upload_body import FILE, TheUploadSlots, full_disk_as_507, receive_form
from swatchbook.display_name import display_name
from swatchbook.errors import Configuration
from swatchbook.pipeline.register import Registered, build_request, register_upload
from swatchbook.records import DEFAULT_OWNER, DocumentStatus, IngestOptions, Owner
from swatchbook.settings import Settings
from swatchbook.storage.upload_buffer import temporary_file

router = APIRouter(tags=["documents"])


class Fields(BaseModel):
    """Form fields other than the file."""

    model_config = ConfigDict(extra="forbid")

    owner: Owner | None = Field(default=None, description="Owner of the document; the key's owner by default.")
    name: str | None = Field(default=None, description="Display name; the file name by default.")
    edition_of: UUID | None = Field(default=None, description="It is a newer edition of this document.")
    options: Json[IngestOptions] = Field(default="{}", description="Ingest options, as JSON.", validate_default=True)


def inline_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return a model's JSON schema with `$defs` inlined, since their references do not resolve in OpenAPI."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def inline(node: Any) -> Any:
        if isinstance(node, list):
            return [inline(part) for part in node]
        if not isinstance(node, dict):
            return node
        target = definitions[node["$ref"].rsplit("/", 1)[-1]] if "$ref" in node else {}
        return {key: inline(value) for key, value in {**target, **node}.items() if key != "$ref"}

    return {key: inline(value) for key, value in schema.items()}


def _form_schema() -> dict[str, Any]:
    schema = inline_schema(Fields)
    schema["properties"] = {FILE: {"type": "string", "format": "binary"}, **schema["properties"]}
    return {**schema, "required": [FILE]}


@router.post(
    "/documents",
    status_code=202,
    response_model=Uploaded,
    responses={
        200: {
            "model": Uploaded,
            "description": "Already complete with these options; nothing is started.",
        },
        **documented(400, 404, 408, 413, 415, 507),
    },
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _form_schema()}}}},
)
async def upload(
    request: Request, response: Response, caller: TheCaller, resources: Tools, upload_slots: TheUploadSlots
) -> Uploaded:
    """Upload a PDF. The response is sent once the file and its `queued` document are stored.

    The same file of the same owner is the same document. While it is being processed or complete with these options,
    nothing is started; after a failure, cancel or delete, or with other options, it is queued again.
    """
    async with upload_slots.slot(caller.name):
        with full_disk_as_507(), temporary_file(resources.settings.temporary_folder) as path:
            form, file_name = await receive_form(request, resources.settings, path)
            fields = _fields(form)
            owner = caller.choose(fields.owner) or DEFAULT_OWNER
            older = None if fields.edition_of is None else find(resources, caller, fields.edition_of)
            check_options(resources.settings, fields.options)
            name = display_name(fields.name or file_name)
            registered = await asyncio.to_thread(
                register_upload,
                resources,
                path,
                owner=owner,
                options=fields.options,
                name=name,
                edition_of=older.id if older else None,
            )
    return uploaded(registered, response)


def uploaded(registered: Registered, response: Response) -> Uploaded:
    """Return the document; set 202, or 200 when nothing is left to do. Raises 503 while it is being deleted."""
    document = registered.document
    if document.status == DocumentStatus.DELETING:
        detail = "The document is being deleted; send it again later to create it again."
        raise HTTPException(503, detail, headers={"Retry-After": str(RETRY_SECONDS)})
    response.status_code = 200 if registered.unchanged else 202
    response.headers["Location"] = f"/documents/{document.id}"
    return Uploaded(id=document.id, owner=document.owner, name=document.name, status=document.status)


def check_options(settings: Settings, options: IngestOptions) -> None:
    """Raise 422 for a role that no model in the settings has: the request is wrong here, not the settings."""
    try:
        build_request(settings, options)
    except Configuration as error:
        raise HTTPException(422, str(error)) from error


def _fields(form: dict[str, str]) -> Fields:
    try:
        return Fields.model_validate(form)
    except ValidationError as error:
        raise RequestValidationError([{**e, "loc": ("body", *e["loc"])} for e in error.errors()]) from error
