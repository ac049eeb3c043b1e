"""Endpoints of search, by text, by a picture or by both, and of facets, the values to filter by.

Limits: 100 results, 100 values of a filter. A few searches run at once; waiting ones take turns by API key, at most 200
of each and 8 s, so a burst of one key delays the others by no more than the searches that run. The ranking is in
`swatchbook/search/`.
"""

import asyncio
import shutil
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from pydantic import ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from swatchbook.domain.errors import TooManySearches
from swatchbook.domain.records import Facets, Owner, ResultKind, SearchResults
from swatchbook.domain.settings import Settings
from swatchbook.index.contract import MOST_VALUES, Filters, Where
from swatchbook.resources import Resources
from swatchbook.search import MAX_RESULTS
from swatchbook.search.fusion import parse_weights
from swatchbook.search.query_pictures import Examples
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import facets_of_search, find_relevant
from swatchbook.store.files.upload_buffer import is_remote, temporary_file
from swatchbook_service.auth import TheCaller, choose_owners
from swatchbook_service.middleware import streams_body
from swatchbook_service.parameters import RequestModel, SearchText, Tools, of_process
from swatchbook_service.problems import documented, refusing
from swatchbook_service.uploads import TheUploadSlots, form_body, full_disk_as_507, stream_body

IMAGE = "image"
"""Name of the form part with the picture."""

MAX_EXAMPLES = 10
"""Images that results are like, and that they are not like, at most."""

MAX_OFFSET = 1_000_000
"""Results before the first one, at most. Searches have fewer."""

_FORM_BYTES = 256 << 10  # of a form, without its picture
_MAX_FIELDS = 1_000
_MAX_PAGE = 100_000
_MAX_PRICE = 1e12

Page = Annotated[int, Field(ge=1, le=_MAX_PAGE)]
Price = Annotated[float, Field(ge=0, le=_MAX_PRICE)]

AT_ONCE: Final = 8
"""Searches that run at once where each waits for the answers of an index server or a provider."""

AT_ONCE_HERE: Final = 2
"""The same where this process computes all: more would only delay each other."""

WAITING: Final = 200
"""Of a key: a few seconds of work."""

LONGEST_WAIT: Final = 8.0
"""Seconds after which a waiting search is refused, so that every answer comes within ten on a busy machine, too."""

_RETRY_SECONDS: Final = 2.0


def searches_at_once(settings: Settings) -> int:
    """Return how many searches run at once with these settings."""
    here = settings.index == "lance" and not is_remote(settings.index_url or "") and settings.has_local_text_encoder
    return AT_ONCE_HERE if here else AT_ONCE


class SearchSlots:
    """Limits how many searches run at once, and says whose is next. For one event loop."""

    def __init__(self, most: int = AT_ONCE) -> None:
        self._most, self._running = most, 0
        self._waiting = OrderedDict[str, deque[asyncio.Future[None]]]()  # caller -> its turns; the next caller first

    @asynccontextmanager
    async def slot(self, caller: str, request: Request) -> AsyncIterator[None]:
        """Hold a slot for the block. Raises TooManySearches, and ClientDisconnect when the caller goes meanwhile."""
        if self._running < self._most:
            self._running += 1
        else:
            await self._wait(caller, request)
        try:
            yield
        finally:
            self._release()

    async def _wait(self, caller: str, request: Request) -> None:
        turns = self._waiting.setdefault(caller, deque())
        if len(turns) >= WAITING:
            raise _too_many(f"{WAITING} searches of this key wait already.")
        turn = asyncio.get_running_loop().create_future()
        turns.append(turn)
        gone = asyncio.ensure_future(_disconnected(request))
        try:
            await asyncio.wait({turn, gone}, timeout=LONGEST_WAIT, return_when=asyncio.FIRST_COMPLETED)
            if not turn.done():
                if gone.done():
                    raise ClientDisconnect
                raise _too_many(f"This search has waited for {LONGEST_WAIT:g} s.")
        except BaseException:
            if turn.done():  # it was cancelled in the moment of its turn
                self._release()
            else:
                turns.remove(turn)
                if not turns:
                    del self._waiting[caller]
            raise
        finally:
            gone.cancel()

    def _release(self) -> None:
        """Give the slot to the next that still waits, of the caller who has not had one for longest."""
        if self._waiting:
            caller, turns = self._waiting.popitem(last=False)
            turns.popleft().set_result(None)
            if turns:
                self._waiting[caller] = turns  # last: the others are before it now
        else:
            self._running -= 1


def _too_many(message: str) -> TooManySearches:
    return TooManySearches(
        message, advice="Send fewer searches at once, or send this one again later.", retry_after=_RETRY_SECONDS
    )


async def _disconnected(request: Request) -> None:
    """Return when the caller has gone. The body has been read, or is empty."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


TheSearchSlots = Annotated[SearchSlots, of_process("search_slots")]


async def hold_slot(request: Request, caller: TheCaller, slots: TheSearchSlots) -> AsyncIterator[None]:
    """Hold a slot while an endpoint without a body runs."""
    async with slots.slot(caller.name, request):
        yield


in_turn = Depends(hold_slot, scope="function")
"""Of an endpoint that searches: it runs when it is its turn, and the slot is free before the response is sent."""


router = APIRouter(tags=["search"])


class Scope(RequestModel):
    """Whose and what is searched."""

    owner: list[Owner] = Field(
        default=[],
        max_length=MOST_VALUES,
        description="Owners to search; required only for a key with several owners, and only among these.",
    )
    by: ResultKind = Field(default="image", description="What each result is, and what the filters apply to.")


class FilterQuery(Filters[UUID, SearchText, Page, Price], Scope):
    """Filters. A result matches every filter, and for each filter at least one of its values."""

    model_config = ConfigDict(defer_build=False)  # FastAPI builds its parameters at once

    def where(self, *owners: str) -> Where:
        """Return the filters, on these owners; without any on all."""
        one = owners[0] if len(owners) == 1 else None
        filters = {name: getattr(self, name) for name in Filters.model_fields}
        filters["document"] = tuple(map(str, self.document))
        return Where.model_validate({**filters, "owner": one, "owners": () if one else owners})


class FacetQuery(FilterQuery):
    """What is searched for, and filters."""

    text: SearchText | None = Field(default=None, description="Text to search for. Without one, the newest come first.")
    like: list[UUID] = Field(default=[], max_length=MAX_EXAMPLES, description="Images that results are like.")
    unlike: list[UUID] = Field(
        default=[], max_length=MAX_EXAMPLES, alias="not", description="Images that results are not like."
    )
    weights: SearchText | None = Field(default=None, description="Of roles, such as `visual=0.6,keyword=0.4`.")

    @property
    def examples(self) -> Examples:
        """Images of the collection: what results are like, and what they are not like."""
        return Examples(tuple(map(str, self.like)), tuple(map(str, self.unlike)))

    def request(self, owners: Sequence[str], image: Path | None = None) -> SearchRequest:
        """Return what is asked of these owners. `image`: the file of a picture. Raises InvalidReference."""
        return SearchRequest(
            text=self.text,
            image=image,
            examples=self.examples,
            where=self.where(*owners),
            by=self.by,
            weights=None if self.weights is None else parse_weights(self.weights),
        )


class SearchQuery(FacetQuery):
    """Query and filters."""

    k: int = Field(default=10, ge=1, le=MAX_RESULTS, description="Number of results.")
    explain: bool = Field(default=False, description="Return rank, score and share of each role.")
    offset: int = Field(
        default=0, ge=0, le=MAX_OFFSET, description="Of the first result: `next` of the previous answer."
    )

    def request(self, owners: Sequence[str], image: Path | None = None) -> SearchRequest:
        """Return what is asked, with the results to return."""
        return replace(super().request(owners, image), k=self.k, offset=self.offset)


AQuery = TypeVar("AQuery", bound=FacetQuery)


@router.get(
    "/search", summary="Search by text, or list the newest", response_model=SearchResults,
    responses=documented(404, 429), dependencies=[in_turn],
)  # fmt: skip
async def search(resources: Tools, caller: TheCaller, query: Annotated[SearchQuery, Query()]) -> Response:
    """Runs one query per role that applies, and fuses the results. An image is at `/images/{id}/file`.

    Without `text` and `like` it lists all that matches the filters, newest document first; `total` says how many.
    """

    def answer() -> str:  # as JSON in this thread: FastAPI would validate the results again in another one
        return run_search(resources, query, choose_owners(resources, caller, query.owner), None).model_dump_json()

    return Response(await run_in_threadpool(answer), media_type="application/json")


@router.get(
    "/facets", summary="List the values to filter by, with counts", responses=documented(404, 429),
    dependencies=[in_turn],
)  # fmt: skip
def facets(resources: Tools, caller: TheCaller, query: Annotated[FacetQuery, Query()]) -> Facets:
    """Counts images, products or chunks (`by`) that match the filters, with `text` or `like` those that a search finds.

    Of each field the 100 most frequent values.
    """
    return facets_of_search(resources, query.request(choose_owners(resources, caller, query.owner)))


@router.post(
    "/search",
    summary="Search by a picture, or by a picture and text",
    responses=documented(400, 404, 408, 413, 415, 429),
    openapi_extra=form_body(SearchQuery, IMAGE),
)
@streams_body
async def search_by_image(
    request: Request, resources: Tools, caller: TheCaller, upload_slots: TheUploadSlots, search_slots: TheSearchSlots
) -> SearchResults:
    """Takes a multipart form: the picture as `image`, and the parameters of `GET /search` as fields."""
    async with upload_slots.slot(caller.name), received_picture(request, resources) as (fields, path):
        if path is None:
            raise HTTPException(422, f"The form part {IMAGE!r} is missing or is not a file.")
        query = read_query(SearchQuery, fields, "body")
        owners = await run_in_threadpool(choose_owners, resources, caller, query.owner)
        async with search_slots.slot(caller.name, request):
            return await run_in_threadpool(run_search, resources, query, owners, path)


@asynccontextmanager
async def received_picture(
    request: Request, resources: Resources
) -> AsyncIterator[tuple[list[tuple[str, Any]], Path | None]]:
    """Yield the fields of a form, and the file of its picture if it has one. Raises 400, 408, 413, 415, 507."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise HTTPException(415, f"Send multipart/form-data with the part `{IMAGE}`.")
    body = stream_body(request, resources.settings, max_bytes=(resources.settings.max_image_mb << 20) + _FORM_BYTES)
    try:
        parser = MultiPartParser(request.headers, body, max_files=1, max_fields=_MAX_FIELDS, max_part_size=_FORM_BYTES)
        form = await parser.parse()
    except (MultiPartException, KeyError, UnicodeError) as error:
        raise HTTPException(400, "The form is malformed.", headers={"Connection": "close"}) from error
    picture = form.get(IMAGE)
    try:
        with full_disk_as_507(), temporary_file(resources.settings.temporary_folder) as path:
            if isinstance(picture, UploadFile):
                with path.open("wb") as file:
                    await run_in_threadpool(shutil.copyfileobj, picture.file, file)
            fields = [(name, value) for name, value in form.multi_items() if name != IMAGE]
            yield fields, path if isinstance(picture, UploadFile) else None
    finally:
        await form.close()


def read_query(kind: type[AQuery], given: Iterable[tuple[str, Any]], part: str) -> AQuery:
    """Return the query that the fields of a form or an address hold. Raises RequestValidationError of this part."""
    fields: dict[str, Any] = {}
    for name, value in given:
        field = kind.model_fields.get("unlike" if name == "not" else name)
        if field is not None and isinstance(field.default, list | tuple):
            fields.setdefault(name, []).append(value)
        else:
            fields[name] = value
    with refusing(part):
        return kind.model_validate(fields)


def run_search(resources: Resources, query: SearchQuery, owners: Sequence[str], image: Path | None) -> SearchResults:
    """Return what a query finds of these owners; `image`: the file of a picture. Raises what `find_relevant` raises."""
    found = find_relevant(resources, query.request(owners, image))
    return found if query.explain else found.without_reasons()
