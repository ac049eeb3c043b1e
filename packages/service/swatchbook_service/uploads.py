"""Receive the body of an upload, written to disk, never whole in memory; and the endpoint `POST /documents`.

- 16 uploads at a time, 8 of one sender; limits of size, time and form fields.
- A body that is no PDF is refused at its first bytes.
- A webhook delivery is processed once at a time.

A rejected body is not read to its end, so every such response closes the connection. The endpoint answers 202 once file
and document are stored, 200 if nothing is left to do, 422 for a role that no model makes.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel, ConfigDict, Field, Json
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from swatchbook.domain.display_name import display_name
from swatchbook.domain.errors import Configuration, DiskFull, TooLarge
from swatchbook.domain.records import DEFAULT_OWNER, DocumentStatus, IngestOptions, Owner
from swatchbook.domain.settings import Settings
from swatchbook.doors.replies import Uploaded
from swatchbook.ingest.register import Registered, build_request, register_upload
from swatchbook.store.files.upload_buffer import save, temporary_file
from swatchbook_base.check_file import HEAD_BYTES, check_head
from swatchbook_service.auth import TheCaller
from swatchbook_service.documents import find
from swatchbook_service.middleware import streams_body
from swatchbook_service.parameters import Tools, of_process
from swatchbook_service.problems import RETRY_SECONDS, documented, refusing

FILE = "file"
"""Name of the form part that is written to disk; all others are small fields."""

_CLOSE = {"Connection": "close"}
_RETRY_SECONDS = "5"
_FORM_BYTES = 1 << 20  # of a form, without its file
_FIELD_BYTES = 1 << 16
_HEADER_BYTES = 1 << 16  # long file names, whose characters take up to twelve bytes when escaped
_PARTS = 16
_UPLOADS_AT_ONCE = 16  # each writes to disk and holds a connection
_UPLOADS_PER_SENDER = 8  # a sender of many slow uploads cannot block the others


class UploadSlots:
    """Limits concurrent uploads, in total and per sender, and runs each webhook delivery once at a time."""

    def __init__(self, settings: Settings) -> None:
        self._slots = asyncio.Semaphore(_UPLOADS_AT_ONCE)
        self._sender_slots = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(_UPLOADS_PER_SENDER))
        self._wait_seconds = settings.upload_idle_seconds
        self._deliveries: set[tuple[str, str]] = set()

    @asynccontextmanager
    async def slot(self, sender: str) -> AsyncIterator[None]:
        """Hold a slot for the block. Raises 503 when none becomes free in time."""
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(self._wait_seconds):
                    await held.enter_async_context(self._sender_slots[sender])
                    await held.enter_async_context(self._slots)
            except TimeoutError:
                detail = "Too many concurrent uploads; retry later."
                raise HTTPException(503, detail, headers=_CLOSE | {"Retry-After": _RETRY_SECONDS}) from None
            yield

    @contextmanager
    def delivery(self, source: str, delivery_id: str) -> Iterator[None]:
        """Process a webhook delivery exclusively. Raises 409 when the same delivery is already being processed."""
        key = (source, delivery_id)
        if key in self._deliveries:
            detail = "This delivery is still being processed; send it again later to get its result."
            raise HTTPException(409, detail, headers={"Retry-After": _RETRY_SECONDS})
        self._deliveries.add(key)
        try:
            yield
        finally:
            self._deliveries.discard(key)


TheUploadSlots = Annotated[UploadSlots, of_process("upload_slots")]


async def stream_body(request: Request, settings: Settings, *, max_bytes: int) -> AsyncGenerator[bytes, None]:
    """Yield the body in chunks. Raises 413 over `max_bytes` (at once when Content-Length shows it), 408 when slow."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and (len(length) > 15 or int(length) > max_bytes):
        raise _too_large(max_bytes)
    clock = asyncio.get_running_loop().time
    deadline = clock() + settings.upload_seconds
    stream = aiter(request.stream())
    size = 0
    while True:
        try:
            async with asyncio.timeout(min(settings.upload_idle_seconds, deadline - clock())):
                chunk = await anext(stream, None)
        except TimeoutError:
            raise HTTPException(408, "The upload was too slow; send it again.", headers=_CLOSE) from None
        except ClientDisconnect:
            raise HTTPException(400, "The client closed the connection.", headers=_CLOSE) from None
        if chunk is None:
            return
        size += len(chunk)
        if size > max_bytes:
            raise _too_large(max_bytes)
        yield chunk


async def receive_form(
    request: Request, settings: Settings, into: Path, *, only_pdf: bool = True
) -> tuple[dict[str, str], str]:
    """Write the file of a multipart form to `into`; return the form's other fields, and the file name as given.

    Raises HTTPException 400 (incomplete or malformed), 408, 413 and 415 (not a form), DiskFull, and as `check_head`.
    """
    max_bytes = settings.max_document_mb << 20
    kind, parameters = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or not parameters.get(b"boundary"):
        raise HTTPException(415, "Send multipart/form-data with the part `file`.", headers=_CLOSE)
    body = stream_body(request, settings, max_bytes=max_bytes + _FORM_BYTES)
    try:
        form = _Form(parameters[b"boundary"], only_pdf=only_pdf)
        await save(form.read(body), into, max_bytes=max_bytes)
    except TooLarge as error:
        raise HTTPException(413, str(error), headers=_CLOSE) from error
    except FormParserError as error:
        raise _malformed("it is not multipart/form-data") from error
    return form.finish()


class _Form:
    """Streaming parser of a multipart body: keeps small fields, passes the file's bytes on."""

    def __init__(self, boundary: bytes, *, only_pdf: bool) -> None:
        self._only_pdf = only_pdf
        self._fields: dict[str, bytearray] = {}
        self._file_name: str | None = None
        self._head = b""  # the file's first bytes
        self._pending = bytearray()  # parsed bytes of the file that were not yet passed on
        self._header = self._value = b""
        self._part = ""  # name of the current part
        self._disposition: dict[bytes, bytes] = {}
        self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._take_header,
                "on_header_value": self._take_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._begin_data,
                "on_part_data": self._take_data,
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
            max_header_size=_HEADER_BYTES,
        )

    async def read(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield the file's bytes. Raises HTTPException and FormParserError for a malformed form."""
        async for chunk in body:
            self._parser.write(chunk)
            if self._pending:
                yield bytes(self._pending)
                self._pending.clear()

    def finish(self) -> tuple[dict[str, str], str]:
        """Return the fields and the file name. Raises 400 for an incomplete body, a missing file or invalid UTF-8."""
        if not self._ended:
            raise _malformed("it is incomplete")
        if self._file_name is None:
            raise _malformed("the part `file` is missing")
        try:
            return {name: bytes(value).decode() for name, value in self._fields.items()}, self._file_name
        except UnicodeDecodeError as error:
            raise _malformed("its fields are not UTF-8") from error

    def _begin(self) -> None:
        self._header = self._value = b""
        self._disposition = {}

    def _take_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _take_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = parse_options_header(self._value.decode("latin-1"))[1]
        self._header = self._value = b""

    def _begin_data(self) -> None:
        self._part = self._disposition.get(b"name", b"").decode(errors="replace")
        if self._part in self._fields or (self._part == FILE and self._file_name is not None):
            raise _malformed(f"the part {self._part[:50]!r} occurs twice")
        if len(self._fields) >= _PARTS:
            raise _malformed(f"it has more than {_PARTS} parts")
        if self._part == FILE:
            self._file_name = self._disposition.get(b"filename", b"").decode(errors="replace")
        else:
            self._fields[self._part] = bytearray()

    def _take_data(self, data: bytes, start: int, end: int) -> None:
        if self._part != FILE:
            self._fields[self._part] += data[start:end]
            if len(self._fields[self._part]) > _FIELD_BYTES:
                raise _too_large(_FIELD_BYTES)
            return
        self._pending += data[start:end]
        if len(self._head) < HEAD_BYTES:
            self._head += data[start : min(end, start + HEAD_BYTES - len(self._head))]
            if len(self._head) >= HEAD_BYTES:
                self._require_pdf()

    def _end_part(self) -> None:
        if self._part == FILE:
            self._require_pdf()

    def _require_pdf(self) -> None:
        """Refuse another format as soon as its first bytes are here, so that it is not uploaded to its end."""
        if self._only_pdf:
            check_head(self._head, name=f"{display_name(self._file_name or '')}: the file")

    def _end(self) -> None:
        self._ended = True


@contextmanager
def full_disk_as_507() -> Iterator[None]:
    """Turn DiskFull into a response with advice."""
    try:
        yield
    except DiskFull as error:
        detail = "The service's disk is full. Free some space, then send it again."
        raise HTTPException(507, detail, headers=_CLOSE | {"Retry-After": "60"}) from error


def _too_large(max_bytes: int) -> HTTPException:
    size = f"{max_bytes >> 20} MiB" if max_bytes >> 20 else f"{max_bytes >> 10} KiB"
    return HTTPException(413, f"The upload is larger than {size}.", headers=_CLOSE)


def _malformed(reason: str) -> HTTPException:
    return HTTPException(400, f"The form is malformed: {reason}.", headers=_CLOSE)


router = APIRouter(tags=["documents"])


# --- the endpoint -----------------------------------------------------------------------------------------------------


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


def form_body(fields: type[BaseModel], file: str) -> dict[str, Any]:
    """Return `openapi_extra=` of an endpoint that takes a form: these fields, and a file of this name."""
    schema = inline_schema(fields)
    schema["properties"] = {file: {"type": "string", "format": "binary"}, **schema["properties"]}
    content = {"multipart/form-data": {"schema": {**schema, "required": [file]}}}
    return {"requestBody": {"required": True, "content": content}}


@router.post(
    "/documents",
    status_code=202,
    response_model=Uploaded,
    responses={
        200: {"model": Uploaded, "description": "Already complete with these options; nothing is started."},
        **documented(400, 404, 408, 409, 413, 415, 507),
    },
    openapi_extra=form_body(Fields, FILE),
)
@streams_body
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
            with refusing():
                fields = Fields.model_validate(form)
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
    """Return the document; set 202, or 200 when nothing is left to do. Raises 409 while it is being deleted."""
    document = registered.document
    if document.status == DocumentStatus.DELETING:
        detail = "The document is being deleted; send it again later to create it again."
        raise HTTPException(409, detail, headers={"Retry-After": str(RETRY_SECONDS)})
    response.status_code = 200 if registered.unchanged else 202
    response.headers["Location"] = f"/documents/{document.id}"
    return Uploaded(id=document.id, owner=document.owner, name=document.name, status=document.status)


def check_options(settings: Settings, options: IngestOptions) -> None:
    """Raise 422 for a role that no model in the settings has: the request is wrong here, not the settings."""
    try:
        build_request(settings, options)
    except Configuration as error:
        raise HTTPException(422, str(error)) from error
