"""Bodies as they come in: streamed to the disk under limits of size and time, never whole in memory.

A body that is refused is not read to its end, so the connection is closed behind every such answer.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from swatchbook.errors import DiskFull, TooLarge
from swatchbook.settings import Settings
from swatchbook.storage.upload_buffer import save

FILE = "file"
"""The part of a form that is written to the disk; all others are small fields."""

_CLOSE = {"Connection": "close"}
_AGAIN_SECONDS = "5"
_FORM_BYTES = 1 << 20  # of a form, beside its file
_FIELD_BYTES = 1 << 16
_HEADER_BYTES = 1 << 16  # people's file names are long, and their letters take up to twelve bytes
_PARTS = 16
_UPLOADS_AT_ONCE = 16  # each writes to the disk and holds a connection
_UPLOADS_OF_ONE = 8  # who sends slowly, in many at once, does not keep the others out
_PDF_HEAD = 1024  # readers accept "%PDF-" anywhere in the first kilobyte


class Arrivals:
    """Uploads being taken in: so many at once, at most half of them from one sender, and each webhook delivery once at
    a time.
    """

    def __init__(self, settings: Settings) -> None:
        self._places = asyncio.Semaphore(_UPLOADS_AT_ONCE)
        self._shares = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(_UPLOADS_OF_ONE))
        self._patience = settings.upload_idle_seconds
        self._deliveries: set[tuple[str, str]] = set()

    @asynccontextmanager
    async def place(self, sender: str) -> AsyncIterator[None]:
        """One of the places, waited for a while. Raises 503 when none comes free."""
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(self._patience):
                    await held.enter_async_context(self._shares[sender])
                    await held.enter_async_context(self._places)
            except TimeoutError:
                told = "Too many uploads at once; send it again."
                raise HTTPException(503, told, headers=_CLOSE | {"Retry-After": _AGAIN_SECONDS}) from None
            yield

    @contextmanager
    def alone(self, source: str, delivery: str) -> Iterator[None]:
        """This delivery, unless it is being taken in already: its sender did not wait for the answer. Raises 409."""
        this = (source, delivery)
        if this in self._deliveries:
            told = "This delivery is being taken in; send it again to learn its end."
            raise HTTPException(409, told, headers={"Retry-After": _AGAIN_SECONDS})
        self._deliveries.add(this)
        try:
            yield
        finally:
            self._deliveries.discard(this)


async def _the_arrivals(request: Request) -> Arrivals:
    arrivals: Arrivals = request.app.state.arrivals
    return arrivals


TheArrivals = Annotated[Arrivals, Depends(_the_arrivals)]


async def pieces(request: Request, settings: Settings, *, max_bytes: int) -> AsyncGenerator[bytes, None]:
    """The body as it comes. Raises 413 over `max_bytes`, at once where it is announced, and 408 when it is slow."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and (len(length) > 15 or int(length) > max_bytes):
        raise _over(max_bytes)
    clock = asyncio.get_running_loop().time
    until = clock() + settings.upload_seconds
    stream = aiter(request.stream())
    size = 0
    while True:
        try:
            async with asyncio.timeout(min(settings.upload_idle_seconds, until - clock())):
                piece = await anext(stream, None)
        except TimeoutError:
            raise HTTPException(408, "The body came too slowly; send it again.", headers=_CLOSE) from None
        except ClientDisconnect:
            raise HTTPException(400, "The sender hung up.", headers=_CLOSE) from None
        if piece is None:
            return
        size += len(piece)
        if size > max_bytes:
            raise _over(max_bytes)
        yield piece


async def receive_form(request: Request, settings: Settings, into: Path) -> tuple[dict[str, str], str]:
    """Write the file of a multipart form to `into`; returns the form's other fields, and the file's name as given.

    Raises HTTPException 400 (broken off, no form), 408, 413 and 415 (no form, no PDF), and DiskFull.
    """
    max_bytes = settings.max_document_mb << 20
    kind, parameters = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or not parameters.get(b"boundary"):
        raise HTTPException(415, "Send a multipart/form-data form with the part `file`.", headers=_CLOSE)
    body = pieces(request, settings, max_bytes=max_bytes + _FORM_BYTES)
    try:
        form = _Form(parameters[b"boundary"])
        await save(form.read(body), into, max_bytes=max_bytes)
    except TooLarge as error:
        raise HTTPException(413, str(error), headers=_CLOSE) from error
    except FormParserError as error:
        raise _broken(str(error)) from error
    return form.finish()


class _Form:
    """A multipart body, read piece by piece: small fields are kept, the file's bytes are passed on."""

    def __init__(self, boundary: bytes) -> None:
        self._fields: dict[str, bytearray] = {}
        self._file_name: str | None = None
        self._head = b""  # the file's first bytes
        self._passing = bytearray()  # the file's bytes that were parsed and not yet passed on
        self._header = self._value = b""
        self._part = ""  # the field being read
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
        """The file's bytes. Raises HTTPException and FormParserError for what is no such form."""
        async for piece in body:
            self._parser.write(piece)
            if self._passing:
                yield bytes(self._passing)
                self._passing.clear()

    def finish(self) -> tuple[dict[str, str], str]:
        """Fields and the file's name. Raises 400 where the body broke off, lacks the file, or is no text."""
        if not self._ended:
            raise _broken("it is not whole")
        if self._file_name is None:
            raise _broken("the part `file` is missing")
        try:
            return {name: bytes(value).decode() for name, value in self._fields.items()}, self._file_name
        except UnicodeDecodeError as error:
            raise _broken("its fields are not UTF-8") from error

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
            raise _broken(f"the part {self._part[:50]!r} comes twice")
        if len(self._fields) >= _PARTS:
            raise _broken(f"it has more than {_PARTS} parts")
        if self._part == FILE:
            self._file_name = self._disposition.get(b"filename", b"").decode(errors="replace")
        else:
            self._fields[self._part] = bytearray()

    def _take_data(self, data: bytes, start: int, end: int) -> None:
        if self._part != FILE:
            self._fields[self._part] += data[start:end]
            if len(self._fields[self._part]) > _FIELD_BYTES:
                raise _over(_FIELD_BYTES)
            return
        self._passing += data[start:end]
        if len(self._head) < _PDF_HEAD:
            self._head += data[start : min(end, start + _PDF_HEAD - len(self._head))]
            if len(self._head) >= _PDF_HEAD:
                self._require_pdf()

    def _end_part(self) -> None:
        if self._part == FILE:
            self._require_pdf()

    def _require_pdf(self) -> None:
        """As soon as it can be told: nobody sends a film to its end to learn that it is none."""
        if b"%PDF-" not in self._head:
            raise HTTPException(415, "The file is not a PDF.", headers=_CLOSE)

    def _end(self) -> None:
        self._ended = True


@contextmanager
def saying_when_full() -> Iterator[None]:
    """A full disk as an answer that says what to do."""
    try:
        yield
    except DiskFull as error:
        told = "There is no room for it on the service's disk. Free some, then send it again."
        raise HTTPException(507, told, headers=_CLOSE | {"Retry-After": "60"}) from error


def _over(max_bytes: int) -> HTTPException:
    size = f"{max_bytes >> 20} MiB" if max_bytes >> 20 else f"{max_bytes >> 10} KiB"
    return HTTPException(413, f"It is over the limit of {size}.", headers=_CLOSE)


def _broken(why: str) -> HTTPException:
    return HTTPException(400, f"The form cannot be read: {why}.", headers=_CLOSE)
