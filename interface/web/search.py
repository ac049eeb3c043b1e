"""The first page: search by text, by a picture or by both, filter by what the collection has, and see why.

The address holds the whole state. A picture that is dropped is kept first (`swatchbook/search/query_picture.py`), so
that the address can name it.
"""

import shutil
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError, model_validator
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from interface.service.auth import TheCaller
from interface.service.images import find_image
from interface.service.parameters import Tools
from interface.service.search import IMAGE, TextQuery, read_form
from interface.service.search_slots import in_turn
from interface.service.upload_body import TheUploadSlots, full_disk_as_507
from interface.web.pages import TheView, View, page_router, see_other, with_query
from swatchbook.images.local_analysis import PALETTE
from swatchbook.ledger.queries.filters import facets
from swatchbook.records import Hit, SearchResults
from swatchbook.search.near_duplicates import fold
from swatchbook.search.query_picture import find_query_picture, keep_query_picture, small_query_picture
from swatchbook.search.search import find_relevant
from swatchbook.storage.upload_buffer import temporary_file

PICTURE_PATH = "/ui/picture"
"""Where a picture to search with is sent. Its size is limited while it arrives."""

_FIRST_RESULTS = 24
_MORE_RESULTS = 100
"""Results of a page, and after a click on "more": as many as a search gives."""

_FACETS = {
    "category": "Category", "color": "Colour", "material": "Material", "brand": "Brand", "document": "Document",
    "size": "Size", "condition": "Condition", "currency": "Currency", "host": "Shop",
}  # fmt: skip
"""Fields to filter by, in their order on the page."""

_LISTED_VALUES = 12
"""Values of a field that are shown at once; the others open with a click."""

PictureName = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]

router = page_router()


class PageQuery(TextQuery):
    """What the address of the page holds: the parameters of a search, and its picture.

    `picture`: one that was dropped. `like`: an image of the collection, for more like it.
    """

    k: int = Field(default=_FIRST_RESULTS, ge=1, le=100)
    picture: PictureName | None = None
    like: UUID | None = None

    @model_validator(mode="before")
    @classmethod
    def _leave_out_empty(cls, given: Any) -> Any:
        """Leave out what a form has no value for."""
        return {name: value for name, value in dict(given).items() if value not in ("", [""], []) and name != IMAGE}

    @property
    def searches(self) -> bool:
        """Whether there is something to search for."""
        return bool(self.text or self.picture or self.like)

    @property
    def state(self) -> dict[str, Any]:
        """The parameters that an address needs, without defaults."""
        return self.model_dump(mode="json", exclude_defaults=True, exclude={"explain"})

    @property
    def chosen(self) -> list[tuple[str, str]]:
        """The filters: field and value."""
        fields = [*_FACETS, "product", "page"]
        return [(name, str(value)) for name in fields for value in getattr(self, name)]


@router.get("/", dependencies=[in_turn])
def show_search(view: TheView) -> Response:
    """Return the page with the form and the results. Its filters are loaded after it."""
    query = _read_query(view.request.query_params.multi_items())
    found = _search(view, query) if query.searches else SearchResults(hits=())
    shown, alike = _fold(view, list(found.hits[: query.k]))
    return view.render(
        "search.html",
        query=query,
        hits=shown,
        alike=alike,
        missed=found.unmatched,
        nearest=found.nearest,
        more=len(found.hits) >= query.k and query.k < _MORE_RESULTS,
        most=_MORE_RESULTS,
        link=lambda **changes: with_query("/", query.state | changes),
        without=lambda field, value: _toggled(query, field, value),
        picture=_shown_picture(view, query),
        facets_address=with_query("/ui/facets", query.state),
    )


@router.get("/ui/facets")
def show_facets(view: TheView) -> Response:
    """Return the values to filter by, with counts, as a part of the page."""
    query = _read_query(view.request.query_params.multi_items())
    counted = facets(view.resources.ledger, query.by, query.where(view.owner))
    return view.render(
        "facets.html",
        query=query,
        counted=counted,
        names=_FACETS,
        listed=_LISTED_VALUES,
        palette={name: f"#{code}" for name, code in PALETTE.items()},
        chosen=lambda field: [str(value) for value in getattr(query, field)],
        toggled=lambda field, value: _toggled(query, field, value),
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
    return see_other(with_query("/", query.state | {"picture": name, "like": None}))


def _search(view: View, query: PageQuery) -> SearchResults:
    where = query.where(view.owner)
    with _picture_file(view, query) as path:
        one_more = min(query.k + (query.like is not None), _MORE_RESULTS)
        found = find_relevant(view.resources, text=query.text, image=path, where=where, by=query.by, k=one_more)
    return found.model_copy(update={"hits": tuple(hit for hit in found.hits if hit.id != str(query.like))})


def _fold(view: View, hits: list[Hit]) -> tuple[list[Hit], dict[str, tuple[str, ...]]]:
    """Return the results without near-duplicates of earlier ones, and image -> its near-duplicates among them."""
    if not hits or hits[0].kind != "image":
        return hits, {}
    alike = fold(view.resources, [hit.id for hit in hits])
    return [hit for hit in hits if hit.id in alike], alike


@contextmanager
def _picture_file(view: View, query: PageQuery) -> Iterator[Path | None]:
    """Yield a file with the picture to search with. Raises 404 if there is none any more."""
    resources = view.resources
    if query.like is not None:
        _, file = find_image(resources, view.caller, query.like)
        with resources.files.local(file) as path:
            yield path
    elif query.picture is not None:
        if (data := find_query_picture(resources, query.picture)) is None:
            raise HTTPException(404, "The picture of this search is no longer kept: drop it again.")
        with temporary_file(resources.settings.temporary_folder) as path:
            path.write_bytes(data)
            yield path
    else:
        yield None


def _shown_picture(view: View, query: PageQuery) -> str | None:
    """Return where the picture of the search is shown from: a dropped one is within the page."""
    if query.like is not None:
        return f"/images/{query.like}/thumbnail"
    small = query.picture and small_query_picture(view.resources, query.picture)
    return f"data:image/jpeg;base64,{b64encode(small).decode()}" if small else None


def _read_query(given: list[tuple[str, str]]) -> PageQuery:
    """Return the state that an address or a form holds. Raises RequestValidationError."""
    fields: dict[str, Any] = {}
    for name, value in given:
        if _is_list(name):
            fields.setdefault(name, []).append(value)
        else:
            fields[name] = value
    try:
        return PageQuery.model_validate(fields)
    except ValidationError as error:
        raise RequestValidationError([{**e, "loc": ("query", *e["loc"])} for e in error.errors()]) from error


def _is_list(name: str) -> bool:
    field = PageQuery.model_fields.get(name)
    return field is not None and isinstance(field.default, list)


def _toggled(query: PageQuery, field: str, value: str) -> str:
    """Return the address of this search with a value of a filter added, or without it if it is there."""
    values: list[str] = [str(each) for each in getattr(query, field)]
    values = [each for each in values if each != value] if value in values else [*values, value]
    return with_query("/", query.state | {field: values, "k": None})
