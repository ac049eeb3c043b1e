"""Uploads: a form with a file becomes a durable document."""

import asyncio
from typing import Any, Literal

from fastapi import APIRouter, HTTPException, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, Json, ValidationError
from starlette.requests import Request

from interface.service.auth import TheCaller
from interface.service.dependencies import Tools
from interface.service.multipart import FILE, TheArrivals, receive_form, saying_when_full
from interface.service.problems import RETRY_SECONDS, documented
from swatchbook.display_name import display_name
from swatchbook.errors import Configuration
from swatchbook.pipeline.register import Registered, plan_request, register_upload
from swatchbook.records import DocumentStatus, IngestOptions, Owner
from swatchbook.settings import Settings
from swatchbook.storage.upload_buffer import incoming

router = APIRouter(tags=["documents"])

OWNER = "default"
"""Whose an upload is that names nobody, where the key is for all owners."""


class Fields(BaseModel):
    """What stands in the form beside the file."""

    model_config = ConfigDict(extra="forbid")

    owner: Owner | None = Field(default=None, description="Whose collection it joins; the key's own if it has one.")
    name: str | None = Field(default=None, description="What people know it by; the file's name if empty.")
    options: Json[IngestOptions] = Field(
        default="{}", description="What to make of it, as JSON.", validate_default=True
    )


def whole_schema(model: type[BaseModel]) -> dict[str, Any]:
    """A model's JSON schema in one piece: `$defs` mean nothing inside an OpenAPI document."""
    schema = model.model_json_schema()
    parts = schema.pop("$defs", {})

    def whole(node: Any) -> Any:
        if isinstance(node, list):
            return [whole(part) for part in node]
        if not isinstance(node, dict):
            return node
        named = parts[node["$ref"].rsplit("/", 1)[-1]] if "$ref" in node else {}
        return {key: whole(value) for key, value in {**named, **node}.items() if key != "$ref"}

    return {key: whole(value) for key, value in schema.items()}


def _form_schema() -> dict[str, Any]:
    schema = whole_schema(Fields)
    schema["properties"] = {FILE: {"type": "string", "format": "binary"}, **schema["properties"]}
    return {**schema, "required": [FILE]}


class Taken(BaseModel):
    """A document that is durable: file and row outlive whatever happens next."""

    id: str = Field(description="Ask `GET /documents/{id}` for how far it is.")
    owner: str
    name: str
    status: DocumentStatus | Literal["deleted"]


@router.post(
    "/documents",
    status_code=202,
    response_model=Taken,
    responses={
        200: {"model": Taken, "description": "Known and complete with these very options: nothing is started."},
        **documented(400, 408, 413, 415, 507),
    },
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _form_schema()}}}},
)
async def upload(
    request: Request, response: Response, caller: TheCaller, resources: Tools, arrivals: TheArrivals
) -> Taken:
    """Take in a PDF. The answer comes once the file and its `queued` document are durable.

    The same file of the same owner is the same document: while one is worked on or complete with these options, nothing
    is started; after a failure, a cancel or a delete, or with other options, it is queued anew.
    """
    async with arrivals.place(caller.name):
        with saying_when_full(), incoming(resources.settings.incoming) as path:
            given, file_name = await receive_form(request, resources.settings, path)
            fields = _fields(given)
            owner = caller.choose(fields.owner) or OWNER
            check_options(resources.settings, fields.options)
            name = display_name(fields.name or file_name)
            found = await asyncio.to_thread(
                register_upload, resources, path, owner=owner, options=fields.options, name=name
            )
    return answer(found, response)


def answer(found: Registered, response: Response) -> Taken:
    """What is told of a document taken in: 202, or 200 where nothing is left to do. Raises 503 while it is deleted."""
    document = found.document
    if document.status == DocumentStatus.DELETING:
        told = "It is being deleted; send it again to have it anew."
        raise HTTPException(503, told, headers={"Retry-After": str(RETRY_SECONDS)})
    response.status_code = 200 if found.unchanged else 202
    response.headers["Location"] = f"/documents/{document.id}"
    return Taken(id=document.id, owner=document.owner, name=document.name, status=document.status)


def check_options(settings: Settings, options: IngestOptions) -> None:
    """Raises 422 for what no chosen model makes: here it is the request that is wrong, not the settings."""
    try:
        plan_request(settings, options)
    except Configuration as error:
        raise HTTPException(422, str(error)) from error


def _fields(given: dict[str, str]) -> Fields:
    try:
        return Fields.model_validate(given)
    except ValidationError as error:
        raise RequestValidationError([{**e, "loc": ("body", *e["loc"])} for e in error.errors()]) from error
