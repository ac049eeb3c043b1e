"""The first page: search by text, by a picture or by both, filter by what the collection has, and see why.

The address holds the whole state. A picture that is dropped is kept first (`kept_pictures.py`), so
that the address can name it.
"""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import HTTPException, Request, Response
from pydantic import Field, model_validator
from starlette.concurrency import run_in_threadpool

from swatchbook.domain.records import Facets, Role, SearchResults
from swatchbook.models.images.local_analysis import PALETTE
from swatchbook.search import MAX_RESULTS, title_of_others
from swatchbook.search.fusion import KEYWORD, NUMBER, default_weights, parse_weights
from swatchbook.search.request import SearchRequest
from swatchbook.search.role_queries import searched_spaces
from swatchbook.search.search import facets_of_search, find_relevant
from swatchbook.store.files.upload_buffer import temporary_file
from swatchbook_service.auth import TheCaller
from swatchbook_service.documents import find as find_document
from swatchbook_service.health import Recent
from swatchbook_service.middleware import streams_body
from swatchbook_service.parameters import Tools
from swatchbook_service.search import IMAGE, MAX_EXAMPLES, SearchQuery, in_turn, read_query, received_picture
from swatchbook_service.uploads import TheUploadSlots
from swatchbook_web.kept_pictures import find_picture, keep_picture, small_picture
from swatchbook_web.pages import TheView, View, page_router, remembered, see_other, with_query

_FIRST_RESULTS = 24
"""Results of a page."""

_NEWEST_PRODUCTS = 6
"""Products at the top of the first page."""

_FACETS = {
    "owner": "Owner", "category": "Category", "color": "Colour", "material": "Material", "brand": "Brand",
    "document": "Document", "size": "Size", "condition": "Condition", "currency": "Currency", "host": "Shop",
}  # fmt: skip
"""Fields to filter by, in their order on the page."""

_LISTED_VALUES = 12
"""Values of a field that are shown at once; the others open with a click."""

_FACET_SECONDS, _KEPT_FACETS = 20.0, 200
"""How long counts are shown, and of how many searches: after a change they are read from all rows, 1 s for 10,000."""

_WEIGHT = "weight-"
"""Begin of the names of the sliders; behind it the role."""

PictureName = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]

router = page_router()


class PageQuery(SearchQuery):
    """The state in the page's address: the parameters of a search, and `picture`, one that was dropped."""

    k: int = Field(default=_FIRST_RESULTS, ge=1, le=MAX_RESULTS)
    picture: PictureName | None = None

    @model_validator(mode="before")
    @classmethod
    def _leave_out_empty(cls, given: Any) -> Any:
        """Leave out what a form has no value for."""
        return {name: value for name, value in dict(given).items() if value not in ("", [""], []) and name != IMAGE}

    @property
    def searches(self) -> bool:
        """Return whether there is something to search for."""
        return bool(self.text or self.picture or self.like)

    @cached_property  # a page has hundreds of links that change it
    def state(self) -> dict[str, Any]:
        """The parameters that an address needs, without defaults."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude={"explain"})

    @property
    def filtered(self) -> bool:
        """Return whether there is a filter, other than on owners."""
        return any(name != "owner" for name, _ in self.chosen) or (self.price_min, self.price_max) != (None, None)

    @property
    def chosen(self) -> list[tuple[str, str]]:
        """The filters: field and value."""
        fields = [*_FACETS, "product", "page"]
        return [(name, value) for name in fields for value in values_of(self, name)]


@router.get("/", dependencies=[in_turn])
def show_search(view: TheView) -> Response:
    """Return the page with the form and the results, or what is newest. Its filters are loaded after it."""
    query = _read_query(view.request.query_params.multi_items())
    weights = None if query.weights is None else parse_weights(query.weights)
    found = _search(view, query)
    plain = not query.searches and not query.offset and query.by == "image" and not query.filtered
    products = _search(view, query.model_copy(update={"by": "product", "k": _NEWEST_PRODUCTS})) if plain else None
    small = query.picture and small_picture(view.resources, query.picture)
    return view.render(
        "search.html",
        **_shown(query, found),
        products=products,
        link=lambda **changes: _link(query, changes),
        without=lambda field, value: _toggled(query, field, _link(query, {field: None}), value),
        sliders=_sliders(view, query, weights or {}),
        picture=f"data:image/jpeg;base64,{b64encode(small).decode()}" if small else None,
        documents=_names_of_documents(view, query),
        facets_address=with_query("/ui/facets", query.state),
    )


@router.get("/ui/results", dependencies=[in_turn])
def show_more_results(view: TheView) -> Response:
    """Return the next results as a part of the page that is scrolled."""
    query = _read_query(view.request.query_params.multi_items())
    return view.render("more_cards.html", **_shown(query, _search(view, query)))


@router.get("/ui/facets", dependencies=[in_turn])
async def show_facets(view: TheView) -> Response:
    """Return the values to filter by, with counts, as a part of the page."""
    query = _read_query(view.request.query_params.multi_items())
    counted = await _recent_facets(view, query).get()
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


@router.post("/ui/picture")
@streams_body
async def take_picture(request: Request, resources: Tools, caller: TheCaller, upload_slots: TheUploadSlots) -> Response:
    """Keep the picture of a form, and go to the address that searches with it and with the form's other fields."""
    async with upload_slots.slot(caller.name), received_picture(request, resources) as (fields, path):
        query = _read_query([(name, value) for name, value in fields if isinstance(value, str)])
        if path is None or not path.stat().st_size:
            return see_other(with_query("/", query.state))
        name = await run_in_threadpool(keep_picture, resources, path)
    return see_other(with_query("/", query.state | {"picture": name, "like": None, "k": None}))


@contextmanager
def _asked(view: View, query: PageQuery) -> Iterator[SearchRequest]:
    """Yield what is asked, while the picture to search with has a file. Raises 404 if it is no longer kept."""
    owners = [*filter(None, (view.owner,))]
    if query.picture is None:
        yield query.request(owners)
        return
    if (data := find_picture(view.resources, query.picture)) is None:
        raise HTTPException(404, "The picture of this search is no longer kept: drop it again.")
    with temporary_file(view.resources.settings.temporary_folder) as path:
        path.write_bytes(data)
        yield query.request(owners, path)


def _search(view: View, query: PageQuery) -> SearchResults:
    with _asked(view, query) as asked:
        return find_relevant(view.resources, asked)


def _shown(query: PageQuery, found: SearchResults) -> dict[str, Any]:
    """Return what cards need of a page of results."""
    state = query.state | {"k": None, "offset": found.next}
    return {
        "query": query,
        "found": found,
        "title_of_others": title_of_others,
        "more": with_query("/", state) if found.next else None,
        "more_part": with_query("/ui/results", state) if found.next else None,
        "like": lambda image: _link(query, {"like": [image], "not": None, "picture": None, "text": None}),
        "unlike": lambda image: _link(query, {"not": [*query.examples.unlike, image][-MAX_EXAMPLES:]}),
    }


def _names_of_documents(view: View, query: PageQuery) -> dict[str, str]:
    """Return id -> name of the documents to filter by, of those that the caller may see."""
    found = dict[str, str]()
    for each in query.document:
        with suppress(HTTPException):
            found[str(each)] = find_document(view.resources, view.caller, each).name
    return found


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


def _recent_facets(view: View, query: PageQuery) -> Recent[Facets]:
    """Return the counts of what a search finds, made once for all who ask within some seconds."""
    kept = remembered(view.request).facets
    key = with_query("", query.state | {"owner": [view.owner], "k": None, "offset": None})

    def count() -> Facets:
        with _asked(view, query) as asked:
            return facets_of_search(view.resources, asked)

    if key not in kept and len(kept) >= _KEPT_FACETS:
        del kept[next(iter(kept))]
    return kept.setdefault(key, Recent(count, _FACET_SECONDS))


def _read_query(given: list[tuple[str, str]]) -> PageQuery:
    """Return the state that an address or a form holds. Raises RequestValidationError."""
    weights = [f"{name.removeprefix(_WEIGHT)}={value}" for name, value in given if name.startswith(_WEIGHT)]
    others = [(name, value) for name, value in given if not name.startswith(_WEIGHT)]
    return read_query(PageQuery, [("weights", ",".join(weights))] * bool(weights) + others, "query")


def values_of(query: PageQuery, field: str) -> list[str]:
    """Return the values of a filter, or the images of `like` and `not`."""
    given = getattr(query, "unlike" if field == "not" else field)
    return [str(each) for each in given] if isinstance(given, list | tuple) else [given] if given else []


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
