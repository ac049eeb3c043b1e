"""Receive folders of pictures and batch files from a browser; show how a batch is read before it becomes a document.

A browser sends file by file; each is stored, and at the end the folder becomes its documents, as in `swatchbook
ingest`. A folder with a batch first waits for a person. PDFs go to `POST /documents`.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from pydantic import Field, TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from swatchbook.domain.errors import Failure, InvalidReference
from swatchbook.domain.records import DEFAULT_OWNER, BatchMapping, Owner, PlannedItem, Record
from swatchbook.domain.runtime.disk import keep_reserve
from swatchbook.doors.replies import Uploaded
from swatchbook.doors.service.auth import TheCaller
from swatchbook.doors.service.images import ThePreviewSlots, picture_response
from swatchbook.doors.service.middleware import streams_body
from swatchbook.doors.service.parameters import RequestModel, SearchText, Tools
from swatchbook.doors.service.problems import refusing
from swatchbook.doors.service.uploads import TheUploadSlots, full_disk_as_507, receive_form
from swatchbook.ingest.sources.folder import is_picture
from swatchbook.ingest.sources.item_files import kind_of_file
from swatchbook.previews import encode_jpeg
from swatchbook.resources import Resources
from swatchbook.store.files.upload_buffer import temporary_file
from swatchbook_base.check_file import check_size
from swatchbook_web.pages import TheView, View, done, page_router, see_other, with_query
from swatchbook_web.sent_files import keep_dropped, place_in
from swatchbook_web.sent_folders import (
    MOST_PLANNED,
    SentBatch,
    SentFolder,
    batches_in,
    cancel_sent,
    get_sent,
    known_mapping,
    plan_sent,
    read_now,
    start_sent,
)

PLAN_PATH = "/ui/uploads/plan"
"""Where a person sees how a batch is read."""

router = page_router()
sending_router = APIRouter(prefix="/ui/uploads", include_in_schema=False)
"""What a script sends: its errors are problems, not pages."""


class DroppedFolder(RequestModel):
    """A folder that is sent: its owner, and its name."""

    owner: Owner | None = None
    folder: SearchText = Field(min_length=1)


class DroppedFile(DroppedFolder):
    """A file of it: its path in the folder, with `/` between its parts."""

    path: SearchText = Field(min_length=1)


class SentToStart(Record):
    """What became of a folder that was sent: its documents, or the page on which a person starts it."""

    documents: tuple[Uploaded, ...] = ()
    plan: str | None = None


@sending_router.post("/files", status_code=204)
@streams_body
async def take_file(request: Request, resources: Tools, caller: TheCaller, upload_slots: TheUploadSlots) -> None:
    """Keep a file of a folder. Raises 422 for a name that leads elsewhere, 413, and 415 for what is no picture."""
    async with upload_slots.slot(caller.name):
        with full_disk_as_507(), temporary_file(resources.settings.temporary_folder) as path:
            fields, _ = await receive_form(request, resources.settings, path, only_pdf=False)
            with refusing():
                sent = DroppedFile.model_validate(fields)
            owner = caller.choose(sent.owner) or DEFAULT_OWNER
            await asyncio.to_thread(_keep, resources, path, owner, sent)


@sending_router.post("", status_code=202)
def take_folder(
    resources: Tools, caller: TheCaller, sent: Annotated[DroppedFolder, Form()], response: Response
) -> SentToStart:
    """Queue the documents of a folder whose files have been sent; 200 if a person first looks how its batch is read."""
    owner = caller.choose(sent.owner) or DEFAULT_OWNER
    folder = get_sent(resources, owner, sent.folder)
    if folder.path.is_dir() and batches_in(resources, folder.path):
        response.status_code = 200
        named = None if caller.sees_all and owner == DEFAULT_OWNER else owner
        return SentToStart(plan=with_query(PLAN_PATH, {"owner": named, "folder": sent.folder}))
    documents = [each.document for each in start_sent(resources, folder, {})]
    return SentToStart(
        documents=tuple(
            Uploaded(id=each.id, owner=each.owner, name=each.name, status=each.status) for each in documents
        )
    )


def _keep(resources: Resources, file: Path, owner: str, sent: DroppedFile) -> None:
    settings = resources.settings
    keep_reserve(settings.home)
    at_most = settings.max_document_mb if kind_of_file(file) is not None else settings.max_image_mb
    check_size(file.stat().st_size, at_most << 20, name=f"{sent.path}: the file")
    keep_dropped(file, get_sent(resources, owner, sent.folder).path, sent.path, settings.image_suffixes)


# --- how a batch is read ----------------------------------------------------------------------------------------------

LABELS: Mapping[str, str] = {
    "title": "Title", "images": "Pictures", "price": "Price", "brand": "Brand", "category": "Category",
    "code": "Code", "currency": "Currency", "more_images": "Further pictures", "id": "Id", "url": "Address",
    "size": "Size", "color": "Colour", "material": "Material", "condition": "Condition", "description": "Description",
    "gtin": "GTIN", "regular_price": "Price before a reduction", "availability": "Availability",
}  # fmt: skip
"""Field of ours -> its name for people."""

FIRST_FIELDS = 6
"""Fields that are shown at once; the others are folded."""

BASE_URL = "base_url"
_SIDE = 192  # pixels of a thumbnail, for screens of twice the density
_SHOWN_PICTURES = 4  # of an item
_NOT_READ = "[]"
_COLUMNS = TypeAdapter(tuple[Annotated[str, Field(min_length=1, max_length=500)], ...])
_BASE_URL_PROBLEM = "It is not an address such as https://shop.example."


class Choice(NamedTuple):
    """A field of ours with the fields of the file to choose from: (value, text) of each, and the chosen value."""

    name: str
    label: str
    options: Sequence[tuple[str, str]]
    chosen: str


class ShownPicture(NamedTuple):
    """A picture of an item: its place in words, and the address of its thumbnail, if it was sent."""

    place: str
    thumbnail: str | None


class ShownItem(NamedTuple):
    """An item as it would be read, with its first pictures."""

    planned: PlannedItem
    price: str
    pictures: Sequence[ShownPicture]


class ShownBatch(NamedTuple):
    """A batch on the page. `number`: with which the names of its form fields begin."""

    number: int
    name: str
    batch: SentBatch
    items: Sequence[ShownItem]
    choices: Sequence[Choice]
    base_url: str
    base_url_problem: str | None


async def read_form(request: Request) -> Mapping[str, str]:
    """Return the fields of a form that has no file. Their number and size are limited."""
    form = await request.form(max_files=0, max_fields=1_000)
    return {name: value for name, value in form.items() if isinstance(value, str)}


TheForm = Annotated[Mapping[str, str], Depends(read_form)]


@router.get(PLAN_PATH)
def show_plan(view: TheView, request: Request) -> Response:
    """Return how the batches of a sent folder would be read, in the way that the address says."""
    return _page(view, request.query_params)


@router.post("/ui/uploads/start")
def start(view: TheView, form: TheForm) -> Response:
    """Queue the documents of a sent folder, read in the way that the form says, and show the list."""
    sent = _find(view, form)
    batches = batches_in(view.resources, sent.path)[:MOST_PLANNED]
    mappings, problems = _mappings(view, sent, batches, form)
    if problems:
        return _page(view, form, status=422)
    if busy := read_now(view.resources, sent, batches):
        message = f"{', '.join(busy)} was sent before, and is read at this moment. Start this when that is done."
        return _page(view, form, status=409, message=message)
    start_sent(view.resources, sent, mappings)
    return see_other(view.link("/ui/documents", done=done("started")))


@router.post("/ui/uploads/cancel")
def cancel(view: TheView, form: TheForm) -> Response:
    """Remove what was sent, and show the list."""
    cancel_sent(_find(view, form))
    return see_other(view.link("/ui/documents", done=done("cancelled")))


@router.get("/ui/uploads/picture")
async def show_picture(view: TheView, slots: ThePreviewSlots, folder: SearchText, picture: SearchText) -> Response:
    """Return a picture of a sent folder, made small. Raises 404 also for one that cannot be decoded."""
    file = await run_in_threadpool(_find_picture, view, folder, picture)
    async with slots.slot():
        (pixels,) = await asyncio.to_thread(view.resources.decoders.decode, [file], _SIDE)
    if isinstance(pixels, Failure):
        raise HTTPException(404, str(pixels))
    response = picture_response(encode_jpeg(pixels), "picture.jpg")
    response.headers["Cache-Control"] = "private, no-cache"  # a file of the same name may be sent again
    return response


def _page(view: View, state: Mapping[str, str], *, status: int = 200, message: str = "") -> Response:
    sent = _find(view, state)
    found = batches_in(view.resources, sent.path)
    mappings, problems = _mappings(view, sent, found[:MOST_PLANNED], state)
    batches = plan_sent(view.resources, sent, mappings)
    shown = [
        ShownBatch(
            number=number,
            name=sent.name if batch.place == Path() else str(batch.place),
            batch=batch,
            items=_items(view, sent, batch),
            choices=_choices(batch),
            base_url=state.get(f"{number}.{BASE_URL}", batch.mapping.base_url or ""),
            base_url_problem=problems.get(number),
        )
        for number, batch in enumerate(batches)
    ]
    return view.render(
        "upload_plan.html",
        status=status,
        sent=sent,
        message=message,
        batches=shown,
        more=len(found) - len(shown),
        first_fields=FIRST_FIELDS,
        base_url=BASE_URL,
        form_path=PLAN_PATH,
    )


def _find(view: View, state: Mapping[str, str]) -> SentFolder:
    """Return the folder that an address or form names, if it waits. Raises 404, and InvalidReference for no name."""
    sent = get_sent(view.resources, view.owner or DEFAULT_OWNER, state.get("folder", ""))
    if not sent.path.is_dir():
        raise HTTPException(404, "This upload was started or cancelled before, or its day is over. Send it again.")
    return sent


def _mappings(
    view: View, sent: SentFolder, places: Sequence[Path], state: Mapping[str, str]
) -> tuple[dict[Path, BatchMapping], dict[int, str]]:
    """Return the mapping of each batch that an address or form says, and what is wrong with its base address.

    One that says nothing has the mappings of before.
    """
    if "again" not in state:
        return {place: known_mapping(view.resources, sent, place) for place in places}, {}
    mappings, problems = dict[Path, BatchMapping](), dict[int, str]()
    for number, place in enumerate(places):
        given = {name: state[f"{number}.{name}"] for name in LABELS if state.get(f"{number}.{name}")}
        base_url = state.get(f"{number}.{BASE_URL}", "").strip()
        try:
            columns = {name: _COLUMNS.validate_json(value) for name, value in given.items()}
            mapping = BatchMapping.model_validate({"columns": columns})
        except ValidationError as error:
            raise HTTPException(422, "A field that was chosen has no name that a file can have.") from error
        try:
            mapping = BatchMapping.model_validate({"columns": columns, BASE_URL: base_url or None})
        except ValidationError:
            problems[number] = _BASE_URL_PROBLEM
        mappings[place] = mapping
    return mappings, problems


def _choices(batch: SentBatch) -> list[Choice]:
    """Return for each field of ours what it can be read from. First is what the rules find, if nothing is chosen."""
    names = batch.plan.choices if batch.plan else ()
    of_file = [(_value([name]), name) for name in names]
    choices = list[Choice]()
    for name, label in LABELS.items():
        given = batch.mapping.names.get(name)
        fields = batch.plan.fields if batch.plan else {}
        read = fields.get(name) or (fields.get("id", ()) if name == "code" else ())  # an item without a code has its id
        by_rules = "Automatic" if given is not None else f"Automatic: {', '.join(read) or 'nothing found'}"
        chosen = "" if given is None else _value(given)
        options = [("", by_rules), (_NOT_READ, "Not read"), *of_file]
        if chosen not in dict(options):  # several fields, or one that the file does not have any more
            options.append((chosen, ", ".join(given or ())))
        choices.append(Choice(name, label, options, chosen))
    return choices


def _value(names: Sequence[str]) -> str:
    return json.dumps(list(names), ensure_ascii=False)


def _items(view: View, sent: SentFolder, batch: SentBatch) -> list[ShownItem]:
    return [
        ShownItem(
            planned=item,
            price=" ".join(filter(None, (item.metadata.get("price"), item.metadata.get("currency")))),
            pictures=[_shown(view, sent, batch, place) for place in item.pictures[:_SHOWN_PICTURES]],
        )
        for item in (batch.plan.items if batch.plan else ())
    ]


def _shown(view: View, sent: SentFolder, batch: SentBatch, place: str) -> ShownPicture:
    """Return a picture of an item: one that was sent now or before with its thumbnail, else its address or name."""
    if "://" in place:
        return ShownPicture(place, None)
    file = sent.path / batch.place / place  # of an absolute place that one
    for root in (sent.path, sent.kept):
        if file.is_relative_to(root):
            path = str(file.relative_to(root))
            return ShownPicture(file.name, view.link("/ui/uploads/picture", folder=sent.name, picture=path))
    return ShownPicture(file.name, None)


def _find_picture(view: View, folder: str, path: str) -> Path:
    sent = _find(view, {"folder": folder})
    suffixes = view.resources.settings.image_suffixes
    with suppress(InvalidReference):  # it leads elsewhere
        for root in (sent.path, sent.kept):
            file = place_in(root, path)
            if is_picture(file.name, suffixes) and file.is_file() and file.resolve().is_relative_to(root.resolve()):
                return file
    raise HTTPException(404, "There is no picture of this name.")
