"""Receive pictures and files of items from a browser; show how a file is read before it becomes a document.

A browser sends file by file. Pictures become the folder of their owner at the end; a file of items first waits for a
person. PDFs go to `POST /documents`.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from pydantic import Field, TypeAdapter, ValidationError
from starlette.responses import JSONResponse

from swatchbook.domain.errors import Failure
from swatchbook.domain.records import DEFAULT_OWNER, BatchMapping, BatchPlan, DocumentStatus, Owner
from swatchbook.domain.runtime.disk import keep_reserve
from swatchbook.doors.replies import Uploaded
from swatchbook.store.files.upload_buffer import temporary_file
from swatchbook_service.auth import TheCaller
from swatchbook_service.middleware import streams_body
from swatchbook_service.parameters import RequestModel, Tools
from swatchbook_service.problems import refusing
from swatchbook_service.uploads import TheUploadSlots, full_disk_as_507, receive_form, uploaded
from swatchbook_web.pages import TheView, View, done, page_router, see_other, with_query
from swatchbook_web.sent_files import (
    SentFile,
    find_document,
    forget_sent,
    get_sent,
    keep_file,
    known_mapping,
    plan_sent,
    start_pictures,
    start_sent,
)

PLAN_PATH = "/ui/uploads/plan"
"""Where a person sees how a file of items is read."""

router = page_router()
sending_router = APIRouter(prefix="/ui/uploads", include_in_schema=False)
"""What a script sends: its errors are problems, not pages."""


class Sender(RequestModel):
    """Whose file it is."""

    owner: Owner | None = None


@sending_router.post("/files")
@streams_body
async def take_file(request: Request, resources: Tools, caller: TheCaller, upload_slots: TheUploadSlots) -> Response:
    """Keep a picture (204), or a file of items: 200 with `plan`, the page on which a person starts it.

    Raises 422 for a name that leads elsewhere, 413, and 415 for what is neither.
    """
    settings = resources.settings
    async with upload_slots.slot(caller.name):
        with full_disk_as_507(), temporary_file(settings.temporary_folder) as path:
            fields, name = await receive_form(request, settings, path, only_pdf=False)
            with refusing():
                sender = Sender.model_validate(fields)
            owner = caller.choose(sender.owner) or DEFAULT_OWNER
            await asyncio.to_thread(keep_reserve, settings.home)
            sent = await asyncio.to_thread(keep_file, resources, path, owner, name)
    if sent is None:
        return Response(status_code=204)
    named = None if caller.sees_all and owner == DEFAULT_OWNER else owner
    return JSONResponse({"plan": with_query(PLAN_PATH, {"owner": named, "file": sent.name})})


@sending_router.post("")
def take_pictures(
    resources: Tools, caller: TheCaller, sender: Annotated[Sender, Form()], response: Response
) -> Uploaded:
    """Queue the folder of the pictures that were sent: 202, or 200 if all were here."""
    return uploaded(start_pictures(resources, caller.choose(sender.owner) or DEFAULT_OWNER), response)


# --- how a file of items is read --------------------------------------------------------------------------------------

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
_NOT_READ = "[]"
_COLUMNS = TypeAdapter(tuple[Annotated[str, Field(min_length=1, max_length=500)], ...])
_BASE_URL_PROBLEM = "It is not an address such as https://shop.example."


class Choice(NamedTuple):
    """A field of ours with the fields of the file to choose from: (value, text) of each, and the chosen value."""

    name: str
    label: str
    options: Sequence[tuple[str, str]]
    chosen: str


async def read_form(request: Request) -> Mapping[str, str]:
    """Return the fields of a form that has no file. Their number and size are limited."""
    form = await request.form(max_files=0, max_fields=1_000)
    return {name: value for name, value in form.items() if isinstance(value, str)}


TheForm = Annotated[Mapping[str, str], Depends(read_form)]


@router.get(PLAN_PATH)
def show_plan(view: TheView, request: Request) -> Response:
    """Return how a sent file would be read, in the way that the address says."""
    return _page(view, request.query_params)


@router.post("/ui/uploads/start")
def start(view: TheView, form: TheForm) -> Response:
    """Queue the document of a sent file, read in the way that the form says, and show the list."""
    sent = _find(view, form)
    mapping, problem = _mapping(view, sent, form)
    if problem:
        return _page(view, form, status=422)
    known = find_document(view.resources, sent)
    if known and known.status == DocumentStatus.RUNNING:
        message = f"{sent.name} was sent before, and is read at this moment. Start this when that is done."
        return _page(view, form, status=409, message=message)
    start_sent(view.resources, sent, mapping)
    return see_other(view.link("/ui/documents", done=done("started")))


@router.post("/ui/uploads/cancel")
def cancel(view: TheView, form: TheForm) -> Response:
    """Remove what was sent, and show the list."""
    forget_sent(_find(view, form))
    return see_other(view.link("/ui/documents", done=done("cancelled")))


def _page(view: View, state: Mapping[str, str], *, status: int = 200, message: str = "") -> Response:
    sent = _find(view, state)
    mapping, base_url_problem = _mapping(view, sent, state)
    plan, problem = None, None
    try:
        plan = plan_sent(view.resources, sent, mapping)
    except Failure as failure:
        problem = str(failure)
    return view.render(
        "upload_plan.html",
        status=status,
        sent=sent,
        message=message,
        plan=plan,
        problem=problem,
        choices=_choices(plan, mapping) if plan else (),
        first_fields=FIRST_FIELDS,
        base_url=state.get(BASE_URL, mapping.base_url or ""),
        base_url_problem=base_url_problem,
        form_path=PLAN_PATH,
    )


def _find(view: View, state: Mapping[str, str]) -> SentFile:
    """Return the file that an address or form names, if it waits. Raises 404, and InvalidReference for no name."""
    sent = get_sent(view.resources, view.owner or DEFAULT_OWNER, state.get("file", ""))
    if not sent.waiting.is_dir():
        raise HTTPException(404, "This upload was started or cancelled before, or its day is over. Send it again.")
    return sent


def _mapping(view: View, sent: SentFile, state: Mapping[str, str]) -> tuple[BatchMapping, str | None]:
    """Return the mapping that an address or form says, and what is wrong with its base address.

    One that says nothing has the mapping of before.
    """
    if "again" not in state:
        return known_mapping(view.resources, sent), None
    base_url = state.get(BASE_URL, "").strip() or None
    try:
        columns = {name: _COLUMNS.validate_json(state[name]) for name in LABELS if state.get(name)}
        mapping = BatchMapping.model_validate({"columns": columns})
    except ValidationError as error:
        raise HTTPException(422, "A field that was chosen has no name that a file can have.") from error
    try:
        return BatchMapping.model_validate({"columns": columns, BASE_URL: base_url}), None
    except ValidationError:
        return mapping, _BASE_URL_PROBLEM


def _choices(plan: BatchPlan, mapping: BatchMapping) -> list[Choice]:
    """Return for each field of ours what it can be read from. First is what the rules find, if nothing is chosen."""
    of_file = [(_value([name]), name) for name in plan.choices]
    choices = list[Choice]()
    for name, label in LABELS.items():
        given = mapping.names.get(name)
        read = plan.fields.get(name) or (plan.fields.get("id", ()) if name == "code" else ())  # a code may be the id
        by_rules = "Automatic" if given is not None else f"Automatic: {', '.join(read) or 'nothing found'}"
        chosen = "" if given is None else _value(given)
        options = [("", by_rules), (_NOT_READ, "Not read"), *of_file]
        if chosen not in dict(options):  # several fields, or one that the file does not have any more
            options.append((chosen, ", ".join(given or ())))
        choices.append(Choice(name, label, options, chosen))
    return choices


def _value(names: Sequence[str]) -> str:
    return json.dumps(list(names), ensure_ascii=False)
