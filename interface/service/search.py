"""Search over HTTP: by words, by a picture, or by both."""

import shutil
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from interface.service.auth import TheCaller, choose_known
from interface.service.dependencies import RequestModel, SearchText, Tools
from interface.service.multipart import TheArrivals, pieces, saying_when_full
from interface.service.problems import documented
from swatchbook.index.base import Where
from swatchbook.records import Hit, Owner, Record
from swatchbook.resources import Resources
from swatchbook.search.search import search as find
from swatchbook.storage.upload_buffer import incoming

IMAGE = "image"
"""The part of a form that is the picture."""

_FORM_BYTES = 256 << 10  # of a form, beside its picture
_MOST_VALUES = 100
_MOST_FIELDS = 1_000
_MOST_PAGES = 100_000
_BIGGEST_PRICE = 1e12

Page = Annotated[int, Field(ge=1, le=_MOST_PAGES)]
Price = Annotated[float, Field(ge=0, le=_BIGGEST_PRICE)]

router = APIRouter(tags=["search"])


class Question(RequestModel):
    """What to look for, and the filters: all must hold, within one any of its values."""

    text: SearchText | None = Field(default=None, description="In words.")
    owner: Owner | None = Field(default=None, description="Whose; may be left out by a key for one owner, or for all.")
    by: Literal["image", "product"] = Field(default="image", description="What to list.")
    k: int = Field(default=10, ge=1, le=100, description="How many.")
    document: list[UUID] = Field(default=[], max_length=_MOST_VALUES)
    product: list[SearchText] = Field(default=[], max_length=_MOST_VALUES, description="Its id, or words of its name.")
    category: list[SearchText] = Field(default=[], max_length=_MOST_VALUES)
    material: list[SearchText] = Field(default=[], max_length=_MOST_VALUES)
    color: list[SearchText] = Field(default=[], max_length=_MOST_VALUES)
    page: list[Page] = Field(default=[], max_length=_MOST_VALUES)
    price_min: Price | None = None
    price_max: Price | None = None
    explain: bool = Field(default=False, description="Tell each role's rank, score and share.")


class Found(Record):
    """Best first. An image's picture is at `/images/{id}/file`."""

    hits: tuple[Hit, ...]


def _form_schema() -> dict[str, Any]:
    schema = Question.model_json_schema()
    schema["properties"] = {IMAGE: {"type": "string", "format": "binary"}, **schema["properties"]}
    return {**schema, "required": [IMAGE]}


@router.get("/search", summary="Search by words", responses=documented(404))
def search(resources: Tools, caller: TheCaller, asked: Annotated[Question, Query()]) -> Found:
    """One query for each role that applies, their results fused."""
    return _search(resources, asked, choose_known(resources, caller, asked.owner), None)


@router.post(
    "/search",
    summary="Search by a picture, or by a picture and words",
    responses=documented(400, 404, 408, 413, 415),
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _form_schema()}}}},
)
async def search_by_image(request: Request, resources: Tools, caller: TheCaller, arrivals: TheArrivals) -> Found:
    """A multipart form: the picture as `image`, and the parameters of `GET /search` as fields."""
    async with arrivals.place(caller.name):
        form = await _form(request, resources)
        try:
            picture = form.get(IMAGE)
            if not isinstance(picture, UploadFile):
                raise HTTPException(422, f"The form's part {IMAGE!r} is not a file.")
            asked = _asked(form)
            owner = await run_in_threadpool(choose_known, resources, caller, asked.owner)
            with saying_when_full(), incoming(resources.settings.incoming) as path:
                with path.open("wb") as file:
                    await run_in_threadpool(shutil.copyfileobj, picture.file, file)
                return await run_in_threadpool(_search, resources, asked, owner, path)
        finally:
            await form.close()


async def _form(request: Request, resources: Resources) -> FormData:
    """The form; its picture is spooled to the disk. Raises 400, 408, 413, 415."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise HTTPException(415, f"Send a multipart/form-data form with the part `{IMAGE}`.")
    body = pieces(request, resources.settings, max_bytes=(resources.settings.max_image_mb << 20) + _FORM_BYTES)
    try:
        parser = MultiPartParser(request.headers, body, max_files=1, max_fields=_MOST_FIELDS, max_part_size=_FORM_BYTES)
        return await parser.parse()
    except (MultiPartException, KeyError, UnicodeError) as error:
        raise HTTPException(400, "The form cannot be read.", headers={"Connection": "close"}) from error


def _asked(form: FormData) -> Question:
    given: dict[str, Any] = {}
    for name, value in form.multi_items():
        if name == IMAGE:
            continue
        if _is_list(name):
            given.setdefault(name, []).append(value)
        else:
            given[name] = value
    try:
        return Question.model_validate(given)
    except ValidationError as error:
        raise RequestValidationError([{**e, "loc": ("body", *e["loc"])} for e in error.errors()]) from error


def _is_list(name: str) -> bool:
    field = Question.model_fields.get(name)
    return field is not None and isinstance(field.default, list)


def _search(resources: Resources, asked: Question, owner: str | None, image: Path | None) -> Found:
    where = Where(
        documents=tuple(map(str, asked.document)),
        products=tuple(asked.product),
        category=tuple(asked.category),
        material=tuple(asked.material),
        colors=tuple(asked.color),
        pages=tuple(asked.page),
        price_min=asked.price_min,
        price_max=asked.price_max,
    )
    hits = find(resources, text=asked.text, image=image, owner=owner, where=where, by=asked.by, k=asked.k)
    return Found(hits=tuple(hits if asked.explain else (hit.model_copy(update={"why": {}}) for hit in hits)))
