"""The Python client of a Swatchbook service.

It sends one request for each call (lists: one for each 200 entries) and returns the records that the service sent.
Every error is a subclass of `ServiceError`, one for each kind of status (`errors.py`).
"""

import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import ClassVar, Concatenate, ParamSpec, Self, TypeVar

import httpx

from swatchbook.domain.records import DocumentStatus
from swatchbook.doors.replies import ShownDocument
from swatchbook_client import calls
from swatchbook_client.request import TIMEOUT_SECONDS, Call, Pages, connection, described, no_answer
from swatchbook_client.waiting import SETTLED, Waiting

P = ParamSpec("P")
T = TypeVar("T")


def _asks(build: Callable[P, Call[T]]) -> Callable[Concatenate["Client", P], T]:
    """Return the method that sends a request."""

    def method(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._ask(build(*args, **kwargs))

    described(method, build, None)
    return method


def _lists(build: Callable[P, Pages[T]]) -> Callable[Concatenate["Client", P], Iterator[T]]:
    """Return the method that yields the entries of a list, and asks for more when they are needed."""

    def method(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return self._each(build(*args, **kwargs))

    described(method, build, Iterator)
    return method


class Client:
    """A connection to a service, for one thread at a time; use it in a `with` block, or close it.

    `owner` is the owner of uploads, lists and searches; without one the key decides. Every method raises ServiceError.
    """

    SETTLED: ClassVar[frozenset[DocumentStatus]] = SETTLED

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

    # documents

    upload = _asks(calls.upload)
    status = _asks(calls.status)
    documents = _lists(calls.documents)
    retry = _asks(calls.retry)
    embed = _asks(calls.embed)
    decide_lost_pictures = _asks(calls.decide_lost_pictures)
    cancel = _asks(calls.cancel)
    delete = _asks(calls.delete)
    trash = _asks(calls.trash)
    restore = _asks(calls.restore)
    events = _lists(calls.events)
    retry_event = _asks(calls.retry_event)

    # what a document consists of

    deletion = _asks(calls.deletion)
    products = _lists(calls.products)
    product = _asks(calls.product)
    edit = _asks(calls.edit)
    edits = _lists(calls.edits)
    undo = _asks(calls.undo)
    entities = _lists(calls.entities)
    chunks = _lists(calls.chunks)
    links = _lists(calls.links)
    images = _lists(calls.images)
    pages = _lists(calls.pages)
    diff = _asks(calls.diff)

    # teaching

    texts = _asks(calls.texts)
    propose = _asks(calls.propose)
    likeliest_readings = _asks(calls.likeliest_readings)
    accept = _asks(calls.accept)
    unteach = _asks(calls.unteach)
    readings = _lists(calls.readings)

    # pictures

    page = _asks(calls.page)
    image = _asks(calls.image)
    image_file = _asks(calls.image_file)
    thumbnail = _asks(calls.thumbnail)
    embed_image = _asks(calls.embed_image)
    reviews = _lists(calls.reviews)
    review = _asks(calls.review)
    undo_review = _asks(calls.undo_review)

    # search

    search = _asks(calls.search)
    facets = _asks(calls.facets)
    near_duplicates = _asks(calls.near_duplicates)

    # the collection and the service

    stats = _asks(calls.stats)
    coverage = _asks(calls.coverage)
    export = _asks(calls.export)
    accounts = _lists(calls.accounts)
    retry_kind = _asks(calls.retry_kind)
    live = _asks(calls.live)
    ready = _asks(calls.ready)
    health = _asks(calls.health)
    metrics = _asks(calls.metrics)

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
