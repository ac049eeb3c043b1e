"""The Python clients of a Swatchbook service: `Client`, and `AsyncClient` for programs with asyncio.

They send one request for each call (lists: one for each 200 entries) and return the records that the service sent.
Every error is a subclass of `ServiceError`, one for each kind of status (`errors.py`).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from types import MethodType, TracebackType
from typing import Any, ClassVar, Generic, ParamSpec, Self, TypeVar, overload

import httpx

from swatchbook.domain.records import DocumentStatus
from swatchbook.doors.replies import ShownDocument
from swatchbook_client import calls
from swatchbook_client.request import TIMEOUT_SECONDS, Call, Pages, connection, described, no_answer
from swatchbook_client.waiting import SETTLED, Waiting

P = ParamSpec("P")
T = TypeVar("T")


class _Asks(Generic[P, T]):
    """The method that sends the request that a function describes; that of `AsyncClient` is awaited."""

    def __init__(self, build: Callable[P, Call[T]]) -> None:
        self._build = build

    @overload
    def __get__(self, client: None, owner: type) -> Callable[..., Any]: ...
    @overload
    def __get__(self, client: "Client", owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, client: "AsyncClient", owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, client: Any, owner: Any) -> Any:
        return _method(self._build, client, lambda client, call: client._ask(call), None)


class _Lists(Generic[P, T]):
    """The method that yields the entries of a list, and asks for more when they are needed."""

    def __init__(self, build: Callable[P, Pages[T]]) -> None:
        self._build = build

    @overload
    def __get__(self, client: None, owner: type) -> Callable[..., Any]: ...
    @overload
    def __get__(self, client: "Client", owner: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, client: "AsyncClient", owner: type) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, client: Any, owner: Any) -> Any:
        yields = AsyncIterator if issubclass(owner, AsyncClient) else Iterator
        return _method(self._build, client, lambda client, pages: client._each(pages), yields)


def _method(build: Callable[..., Any], client: Any, send: Callable[[Any, Any], Any], returns: Any) -> Any:
    def method(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        return send(self, build(*args, **kwargs))

    described(method, build, returns)
    return method if client is None else MethodType(method, client)


class _Methods:
    """What both clients ask."""

    SETTLED: ClassVar[frozenset[DocumentStatus]] = SETTLED

    # documents

    upload = _Asks(calls.upload)
    status = _Asks(calls.status)
    documents = _Lists(calls.documents)
    retry = _Asks(calls.retry)
    embed = _Asks(calls.embed)
    decide_lost_pictures = _Asks(calls.decide_lost_pictures)
    cancel = _Asks(calls.cancel)
    delete = _Asks(calls.delete)
    trash = _Asks(calls.trash)
    restore = _Asks(calls.restore)
    events = _Lists(calls.events)
    retry_event = _Asks(calls.retry_event)

    # what a document consists of

    deletion = _Asks(calls.deletion)
    products = _Lists(calls.products)
    product = _Asks(calls.product)
    edit = _Asks(calls.edit)
    edits = _Lists(calls.edits)
    undo = _Asks(calls.undo)
    entities = _Lists(calls.entities)
    chunks = _Lists(calls.chunks)
    links = _Lists(calls.links)
    images = _Lists(calls.images)
    pages = _Lists(calls.pages)
    diff = _Asks(calls.diff)

    # teaching

    texts = _Asks(calls.texts)
    propose = _Asks(calls.propose)
    likeliest_readings = _Asks(calls.likeliest_readings)
    accept = _Asks(calls.accept)
    unteach = _Asks(calls.unteach)
    readings = _Lists(calls.readings)

    # pictures

    page = _Asks(calls.page)
    image = _Asks(calls.image)
    image_file = _Asks(calls.image_file)
    thumbnail = _Asks(calls.thumbnail)
    embed_image = _Asks(calls.embed_image)
    reviews = _Lists(calls.reviews)
    review = _Asks(calls.review)
    undo_review = _Asks(calls.undo_review)

    # search

    search = _Asks(calls.search)
    facets = _Asks(calls.facets)
    near_duplicates = _Asks(calls.near_duplicates)

    # the collection and the service

    stats = _Asks(calls.stats)
    coverage = _Asks(calls.coverage)
    export = _Asks(calls.export)
    accounts = _Lists(calls.accounts)
    retry_kind = _Asks(calls.retry_kind)
    live = _Asks(calls.live)
    ready = _Asks(calls.ready)
    health = _Asks(calls.health)
    metrics = _Asks(calls.metrics)


class Client(_Methods):
    """A connection to a service, for one thread at a time; use it in a `with` block, or close it.

    `owner` is the owner of uploads, lists and searches; without one the key decides. Every method raises ServiceError.
    """

    def __init__(
        self, url: str, *, key: str | None = None, owner: str | None = None, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        """Raise InvalidAddress for an address that is not http or https, or a key that would travel without TLS."""
        self.url, self.owner = url.rstrip("/"), owner
        self._http = httpx.Client(timeout=timeout, **connection(self.url, key))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def wait(self, document: str, *, timeout: float | None = None, every: float = 2.0) -> ShownDocument:
        """Return the document when its status is one of SETTLED; ask once in `every` seconds.

        A service that is away for a while is waited for. Raises TimeoutError after `timeout` seconds, NotFound when the
        document is deleted meanwhile.
        """
        shown = self.status(document)  # an address that never answers is an error
        waiting = Waiting(shown, timeout=timeout, every=every)
        while waiting.goes_on():
            time.sleep(every)
            with waiting.through_outages():
                waiting.shown = self.status(document)
        return waiting.shown

    def _ask(self, call: Call[T]) -> T:
        with call.opened(self.owner) as request:
            try:
                response = self._http.request(**request)
            except httpx.HTTPError as error:
                raise no_answer(self.url, error) from error
        return call.answer(response, self.url)

    def _each(self, pages: Pages[T]) -> Iterator[T]:
        cursor = None
        while True:
            entries, cursor = self._ask(pages.portion(cursor))
            yield from entries
            if cursor is None:
                return


class AsyncClient(_Methods):
    """A connection to a service, for one event loop; use it in an `async with` block, or close it. Tasks can share it.

    It has the methods of `Client`, to be awaited; lists are read with `async for`.
    """

    def __init__(
        self, url: str, *, key: str | None = None, owner: str | None = None, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        """Raise InvalidAddress for an address that is not http or https, or a key that would travel without TLS."""
        self.url, self.owner = url.rstrip("/"), owner
        self._http = httpx.AsyncClient(timeout=timeout, **connection(self.url, key))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def wait(
        self,
        document: str,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - as `Client.wait`
        every: float = 2.0,
    ) -> ShownDocument:
        """Return the document as `Client.wait` does."""
        shown = await self.status(document)  # an address that never answers is an error
        waiting = Waiting(shown, timeout=timeout, every=every)
        while waiting.goes_on():
            await asyncio.sleep(every)
            with waiting.through_outages():
                waiting.shown = await self.status(document)
        return waiting.shown

    async def _ask(self, call: Call[T]) -> T:
        with call.opened(self.owner) as request:
            try:
                response = await self._http.request(**request)
            except httpx.HTTPError as error:
                raise no_answer(self.url, error) from error
        return call.answer(response, self.url)

    async def _each(self, pages: Pages[T]) -> AsyncIterator[T]:
        cursor = None
        while True:
            entries, cursor = await self._ask(pages.portion(cursor))
            for entry in entries:
                yield entry
            if cursor is None:
                return
