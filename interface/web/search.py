"""The first page: search by text, by a picture or by both, filter by what the collection has, and see why.

The address holds the whole state. A picture that is dropped is kept first (`swatchbook/search/query_picture.py`), so
that the address can name it.
"""

import shutil
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import HTTPException, Request, Response
from pydantic import Field, model_validator
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from interface.service.auth import TheCaller
from interface.service.health import Recent
from interface.service.parameters import Tools
from interface.service.search import IMAGE, MAX_EXAMPLES, SearchQuery, read_form, read_query
from interface.service.search_slots import in_turn
from interface.service.upload_body import TheUploadSlots, full_disk_as_507
from interface.web.pages import TheView, View, page_router, see_other, with_query
from swatchbook.images.local_analysis import PALETTE
from swatchbook.index.base import Where
from swatchbook.ledger.queries.filters import facets
from swatchbook.records import Facets, ResultKind, Role, SearchResults
from swatchbook.search.examples import Examples
from swatchbook.search.fusion import KEYWORD, NUMBER, default_weights, parse_weights
from swatchbook.search.limits import MAX_RESULTS
from swatchbook.search.query_picture import find_query_picture, keep_query_picture, small_query_picture
from swatchbook.search.search import find_relevant, searched_spaces
from swatchbook.storage.upload_buffer import temporary_file

PICTURE_PATH = "/ui/picture"
"""Where a picture to search with is sent. Its size is limited while it arrives."""

_FIRST_RESULTS = 24
"""Results of a page, and after a click on "more": as many as a search gives."""

_FACETS = {
    "owner": "Owner", "category": "Category", "color": "Colour", "material": "Material", "brand": "Brand",
    "document": "Document", "size": "Size", "condition": "Condition", "currency": "Currency", "host": "Shop",
}  # fmt: skip
"""Fields to filter by, in their order on the page."""

_LISTED_VALUES = 12
"""Values of a field that are shown at once; the others open with a click."""

_FACET_SECONDS, _KEPT_FACETS = 20.0, 200
"""How long counts are shown, and of how many filters: they are read from all rows, for which 10,000 images take 1 s."""

_WEIGHT = "weight-"
"""Begin of the names of the sliders; behind it the role."""

PictureName = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]

router = page_router()


class PageQuery(SearchQuery):
    """What the address of the page holds: the parameters of a search, and `picture`, one that was dropped."""

    k: int = Field(default=_FIRST_RESULTS, ge=1, le=MAX_RESULTS)
    picture: PictureName | None = None

    @model_validator(mode="before")
    @classmethod
    def _leave_out_empty(cls, given: Any) -> Any:
        """Leave out what a form has no value for."""
        return {name: value for name, value in dict(given).items() if value not in ("", [""], []) and name != IMAGE}

    @property
    def searches(self) -> bool:
        """Whether there is something to search for."""
        return bool(self.text or self.picture or self.like)

    @cached_property  # a page has hundreds of links that change it
    def state(self) -> dict[str, Any]:
        """The parameters that an address needs, without defaults."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"explain"})

    @property
    def examples(self) -> Examples:
        """Images of the collection: what results are like, and what they are not like."""
        return Examples(tuple(map(str, self.like)), tuple(map(str, self.unlike)))

    @property
    def chosen(self) -> list[tuple[str, str]]:
        """The filters: field and value."""
        fields = [*_FACETS, "product", "page"]
        return [(name, value) for name in fields for value in values_of(self, name)]


@router.get("/", dependencies=[in_turn])
def show_search(view: TheView) -> Response:
    """Return the page with the form and the results. Its filters are loaded after it."""
    query = _read_query(view.request.query_params.multi_items())
    weights = None if query.weights is None else parse_weights(query.weights)
    found = _search(view, query, weights) if query.searches else SearchResults(hits=())
    return view.render(
        "search.html",
        query=query,
        hits=found.hits,
        missed=found.unmatched,
        nearest=found.nearest,
        more=_more(query, found),
        link=lambda **changes: _link(query, changes),
        without=lambda field, value: _toggled(query, field, _link(query, {field: None}), value),
        like=lambda image: _link(query, {"like": [image], "not": None, "picture": None, "text": None}),
        unlike=lambda image: _link(query, {"not": [*query.examples.unlike, image][-MAX_EXAMPLES:]}),
        sliders=_sliders(view, query, weights or {}),
        picture=_shown_picture(view, query),
        facets_address=with_query("/ui/facets", query.state),
    )


@router.get("/ui/facets")
async def show_facets(view: TheView) -> Response:
    """Return the values to filter by, with counts, as a part of the page."""
    query = _read_query(view.request.query_params.multi_items())
    where = query.where(*filter(None, (view.owner,)))
    counted = await _recent_facets(view, query.by, where).get()
    return view.render(
        "facets.html",
        query=query,
        counted=counted,
        names={field: title for field, title in _FACETS.items() if field != "currency"},
        listed=_LISTED_VALUES,
        palette={name: f"#{code}" for name, code in PALETTE.items()},
        chosen=lambda field: values_of(query, field),
        toggling=lambda field: partial(_toggled, query, field, _link(query, {field: None})),
    )


@router.post(PICTURE_PATH)
async def take_picture(request: Request, resources: Tools, caller: TheCaller, upload_slots: TheUploadSlots) -> Response:
    """Keep the picture of a form, and go to the address that searches with it and with the form's other fields."""
    async with upload_slots.slot(caller.name):
        form = await read_form(request, resources)
        try:
            picture = form.get(IMAGE)
            query = _read_query([(name, value) for name, value in form.multi_items() if isinstance(value, str)])
            if not isinstance(picture, UploadFile) or not picture.size:
                return see_other(with_query("/", query.state))
            with full_disk_as_507(), temporary_file(resources.settings.temporary_folder) as path:
                with path.open("wb") as file:
                    await run_in_threadpool(shutil.copyfileobj, picture.file, file)
                name = await run_in_threadpool(keep_query_picture, resources, path)
        finally:
            await form.close()
    return see_other(with_query("/", query.state | {"picture": name, "like": None, "k": None}))


def _search(view: View, query: PageQuery, weights: dict[str, float] | None) -> SearchResults:
    where = query.where(*filter(None, (view.owner,)))
    with _picture_file(view, query) as path:
        return find_relevant(
            view.resources,
            text=query.text,
            image=path,
            examples=query.examples,
            where=where,
            by=query.by,
            k=query.k,
            offset=query.offset,
            weights=weights,
        )


def _more(query: PageQuery, found: SearchResults) -> str | None:
    """Return the address of more results: first of many more, then of those behind them."""
    if found.next is None:
        return None
    if query.k < MAX_RESULTS:
        return with_query("/", query.state | {"k": MAX_RESULTS})
    return with_query("/", query.state | {"offset": found.next})


def _sliders(view: View, query: PageQuery, weights: dict[str, float]) -> dict[str, float]:
    """Return role -> its weight in this search, of all roles that can be searched; by default in any search."""
    active = searched_spaces(view.resources.read_cache())
    by_picture = bool(query.picture or query.like)
    chosen = view.resources.settings.search_weights
    weights = weights or default_weights(active, text=bool(query.text), image=by_picture, chosen=chosen)
    named = [
        *sorted(role.value for role in active if role is not Role.ANALYSIS),
        *([KEYWORD, NUMBER] if query.text else []),
    ]
    return {role: weights.get(role, 0.0) for role in named}


def _recent_facets(view: View, by: ResultKind, where: Where) -> Recent[Facets]:
    """Return the counts under these filters, made once for all who ask within some seconds."""
    kept: dict[tuple[ResultKind, Where], Recent[Facets]] = view.request.app.state.facets
    ledger = view.resources.ledger
    if (by, where) not in kept and len(kept) >= _KEPT_FACETS:
        del kept[next(iter(kept))]
    return kept.setdefault((by, where), Recent(lambda: facets(ledger, by, where), _FACET_SECONDS))


@contextmanager
def _picture_file(view: View, query: PageQuery) -> Iterator[Path | None]:
    """Yield a file with the picture to search with. Raises 404 if there is none any more."""
    if query.picture is None:
        yield None
        return
    if (data := find_query_picture(view.resources, query.picture)) is None:
        raise HTTPException(404, "The picture of this search is no longer kept: drop it again.")
    with temporary_file(view.resources.settings.temporary_folder) as path:
        path.write_bytes(data)
        yield path


def _shown_picture(view: View, query: PageQuery) -> str | None:
    """Return a dropped picture as it stands within the page."""
    small = query.picture and small_query_picture(view.resources, query.picture)
    return f"data:image/jpeg;base64,{b64encode(small).decode()}" if small else None


def _read_query(given: list[tuple[str, str]]) -> PageQuery:
    """Return the state that an address or a form holds. Raises RequestValidationError."""
    weights = [f"{name.removeprefix(_WEIGHT)}={value}" for name, value in given if name.startswith(_WEIGHT)]
    others = [(name, value) for name, value in given if not name.startswith(_WEIGHT)]
    return read_query(PageQuery, [("weights", ",".join(weights))] * bool(weights) + others, "query")


def values_of(query: PageQuery, field: str) -> list[str]:
    """Return the values of a filter, or the images of `like` and `not`."""
    given = getattr(query, "unlike" if field == "not" else field)
    return [str(each) for each in given] if isinstance(given, list) else [given] if given else []


def _link(query: PageQuery, changes: dict[str, Any]) -> str:
    """Return the address of this search with changes, from its first result on."""
    return with_query("/", query.state | {"k": None, "offset": None} | changes)


def _toggled(query: PageQuery, field: str, address: str, value: str) -> str:
    """Return the address of this search with a value of a filter added, or without it if it is there.

    `address`: of the search without this filter; the page links hundreds of values.
    """
    values = values_of(query, field)
    others = [] if field == "owner" else [each for each in values if each != value]
    chosen = others if value in values else [*others, value]
    return f"{address}{'&' if '?' in address else '?'}{urlencode([(field, each) for each in chosen])}".rstrip("?&")
