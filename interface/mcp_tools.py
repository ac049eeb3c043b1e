"""The tools that an assistant may call over MCP: what each takes, and how it is done.

Each calls what an endpoint of the service calls, so that owners, limits and errors are the same. Nothing here knows the
protocol: see `mcp_server.py`. Answers: `mcp_answers.py`.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

from fastapi import HTTPException
from pydantic import Base64Bytes, Field, StringConstraints

from interface import mcp_answers as answers
from interface.cli.ingest import expand
from interface.replies import Uploaded
from interface.service import collection, document_parts, documents, images, teaching
from interface.service import search as service_search
from interface.service.auth import Caller, choose_known, choose_owners
from interface.service.documents import find
from interface.service.images import PageSize, PreviewSlots, ThumbnailSize
from interface.service.parameters import OwnerOfDocuments, Paging, RequestModel, RetryOptions, SearchText
from interface.service.search import FacetQuery, SearchQuery, run_search
from interface.service.uploads import UploadSlots, full_disk_as_507
from interface.service.webhooks import Announcement, fetch_announced
from swatchbook.errors import TooLarge
from swatchbook.ledger.queries.report import document_report
from swatchbook.ledger.stored_documents import PDF
from swatchbook.pipeline.register import Registered
from swatchbook.pipeline.register_path import register_path
from swatchbook.pipeline.teach import accept_proposal, count_products, find_examples
from swatchbook.previews import as_small_jpeg
from swatchbook.records import DEFAULT_OWNER, Facet, Facets, IngestOptions, Record, Shown
from swatchbook.reports.collection_state import collect_state
from swatchbook.resources import Resources
from swatchbook.storage.upload_buffer import temporary_file

MOST_BYTES: Final = 700_000
"""Of a page as JPEG: assistants refuse results of more than about a megabyte."""

_MOST_VALUES = 20  # of a field of facets
_MOST_LISTED = 50
_SIDE = 512  # pixels of a picture that is shown
_PATHS = 100  # sources at a path

Paths = Annotated[str, StringConstraints(min_length=1, max_length=4_000)]


class Desk(NamedTuple):
    """What all tools of a server share. `local`: its client is on this machine, so that it may name files."""

    resources: Resources
    uploads: UploadSlots
    previews: PreviewSlots
    local: bool


class Illustrated(NamedTuple):
    """An answer with pictures, as JPEG."""

    answer: Record
    pictures: tuple[bytes, ...]


class Tool(NamedTuple):
    """A tool: what it takes, what it answers, and whether it changes anything."""

    run: Callable[[Desk, Caller, Any], Any]  # a coroutine function, or one that blocks and needs a thread
    takes: type[RequestModel]
    answers: type[Record]
    writes: bool = False


# --- reading ----------------------------------------------------------------------------------------------------------


class Search(SearchQuery):
    """A search by text, by a picture, by pictures of the collection, or by several of them."""

    k: int = Field(default=10, ge=1, le=_MOST_LISTED, description="Number of results.")
    picture: Base64Bytes | None = Field(default=None, description="Find what looks like this picture, in base64.")
    picture_path: Paths | None = Field(
        default=None, description="The same, as a file on this machine: only for a server that runs there (stdio)."
    )


def search(desk: Desk, caller: Caller, asked: Search) -> answers.Found:
    """Search the collection by text, by a picture, or both; best first. Without any, list what matches the filters.

    `by`: what each result is. Filters are values that `facets` lists.
    """
    owners = choose_owners(desk.resources, caller, asked.owner)
    with _picture(desk, asked) as file:
        return answers.as_found(run_search(desk.resources, asked, owners, file))


@contextmanager
def _picture(desk: Desk, asked: Search) -> Iterator[Path | None]:
    """Yield the file of the picture that was given. Raises TooLarge, and 422 for a path from another machine."""
    if asked.picture_path is not None:
        if not desk.local or asked.picture is not None:
            raise HTTPException(422, "Send the picture as `picture`, in base64, and no `picture_path`.")
        yield Path(asked.picture_path).expanduser()
    elif asked.picture is None:
        yield None
    else:
        most = desk.resources.settings.max_image_mb
        if len(asked.picture) > most << 20:
            raise TooLarge(f"The picture is larger than {most} MiB.")
        with full_disk_as_507(), temporary_file(desk.resources.settings.temporary_folder) as file:
            file.write_bytes(asked.picture)
            yield file


def facets(desk: Desk, caller: Caller, asked: FacetQuery) -> Facets:
    """List the values to filter a search by, with counts: 20 of each field, the most frequent first."""
    found = service_search.facets(desk.resources, caller, asked)
    fields = {
        name: Facet(values=each.values[:_MOST_VALUES], more=each.more + len(each.values[_MOST_VALUES:]))
        for name, each in found.fields.items()
    }
    return found.model_copy(update={"fields": fields})


class OfDocument(Paging):
    """A document, and which part of a list."""

    document: UUID = Field(description="Document id, as in `account` and in results of `search`.")
    limit: int = Field(default=20, ge=1, le=_MOST_LISTED, description="Entries of the list.")


def list_products(desk: Desk, caller: Caller, asked: OfDocument) -> answers.ShownProducts:
    """List the products of a document in the order of the catalogue, with facts, prices and some pictures."""
    page = document_parts.list_products(desk.resources, caller, asked.document, asked)
    return answers.ShownProducts(
        products=tuple(answers.as_product(each, alone=False) for each in page.products), next=page.next
    )


class OneProduct(RequestModel):
    """A product."""

    product: UUID = Field(description="Product id, as in `list_products` and in results of `search`.")


def show_product(desk: Desk, caller: Caller, asked: OneProduct) -> answers.ShownProduct:
    """Show a product: facts, prices, variants, pages, and its pictures as resources."""
    return answers.as_product(document_parts.require_product(desk.resources, caller, asked.product), alone=True)


class SomePages(RequestModel):
    """Pages of a document."""

    document: UUID = Field(description="Document id.")
    pages: tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...] = Field(
        min_length=1, max_length=4, description="Page numbers, from 1."
    )
    width: int = Field(default=900, ge=200, le=1_400, description="Pixels.")


async def show_pages(desk: Desk, caller: Caller, asked: SomePages) -> Illustrated:
    """Show pages of a document as pictures, at most four at once."""
    document = await asyncio.to_thread(find, desk.resources, caller, asked.document)
    pictures = [await page_picture(desk, caller, asked.document, number, asked.width) for number in asked.pages]
    pages = tuple(
        answers.ShownPage(page=each, resource=answers.PAGE_URI.format(document=document.id, page=each))
        for each in asked.pages
    )
    answer = answers.ShownPages(
        document_id=document.id, document=document.name, page_count=document.page_count, pages=pages
    )
    return Illustrated(answer, tuple(pictures))


async def page_picture(desk: Desk, caller: Caller, document: UUID, number: int, width: int) -> bytes:
    """Return a page as JPEG of at most MOST_BYTES. Raises what the endpoint raises."""
    made = await images.get_page(desk.resources, caller, desk.previews, document, number, PageSize(width=width))
    return await asyncio.to_thread(as_small_jpeg, bytes(made.body), MOST_BYTES)


class SomePictures(RequestModel):
    """Pictures of the collection."""

    images: tuple[UUID, ...] = Field(min_length=1, max_length=6, description="Image ids, as in results.")


async def show_pictures(desk: Desk, caller: Caller, asked: SomePictures) -> Illustrated:
    """Show pictures of products, at most six at once."""
    pictures = [await small_picture(desk, caller, each, _SIDE) for each in asked.images]
    shown = tuple(
        answers.ShownPicture(id=str(each), resource=answers.IMAGE_URI.format(image=each)) for each in asked.images
    )
    return Illustrated(answers.ShownPictures(pictures=shown), tuple(pictures))


async def small_picture(desk: Desk, caller: Caller, image: UUID, side: int) -> bytes:
    """Return a picture as JPEG. Raises what the endpoint raises."""
    size = ThumbnailSize(side=side)
    return bytes((await images.get_image_thumbnail(desk.resources, caller, desk.previews, image, size)).body)


class WholeAccount(Paging):
    """Whose account, and which part of the list of documents."""

    owner: OwnerOfDocuments = None
    limit: int = Field(default=20, ge=1, le=_MOST_LISTED, description="Documents to list.")


def account(desk: Desk, caller: Caller, asked: WholeAccount) -> answers.Account:
    """Say what is embedded and what is missing, with reasons and next tries; and list the documents with their ids."""
    whose = choose_known(desk.resources, caller, asked.owner)
    state = collect_state(desk.resources, whose, None if caller.sees_all else caller.owners)
    listed = collection.list_states(
        desk.resources, caller, collection.StatesQuery(owner=asked.owner, limit=asked.limit, cursor=asked.cursor)
    )
    rows = tuple(
        answers.AccountedDocument(
            **each.model_dump(include=set(answers.AccountedDocument.model_fields) - {"status"}),
            status=each.status.value,
            sentence=each.shown.sentence if each.shown else "",
            next_try=answers.as_time(each.due_at),
        )
        for each in listed.documents
    )
    shared = set(answers.Account.model_fields) - {"failing", "documents", "next"}
    return answers.Account(
        **state.model_dump(include=shared), failing=answers.as_failing(state.failing), documents=rows, next=listed.next
    )


class SomeFailures(RequestModel):
    """Whose failures: those of a collection by kind, or those of a document one by one."""

    document: UUID | None = Field(default=None, description="Document id; without one, failures by kind.")
    owner: OwnerOfDocuments = None
    limit: int = Field(default=20, ge=1, le=_MOST_LISTED, description="Failures of the document to list.")


def failures(desk: Desk, caller: Caller, asked: SomeFailures) -> answers.Failures:
    """List what failed, why, how often it was tried and when it is tried next."""
    if asked.document is None:
        whose = choose_known(desk.resources, caller, asked.owner)
        state = collect_state(desk.resources, whose, None if caller.sees_all else caller.owners)
        return answers.Failures(failing=answers.as_failing(state.failing))
    report = document_report(desk.resources.ledger, find(desk.resources, caller, asked.document).id)
    failed = (*report.failed_images, *report.other_failures)
    listed = tuple(map(answers.as_failed, failed[: asked.limit]))
    return answers.Failures(failures=listed, more=len(failed) - len(listed))


# --- changing ---------------------------------------------------------------------------------------------------------


class Ingest(RequestModel):
    """What is taken in: a URL, or a path where the server runs on this machine."""

    url: Annotated[str, StringConstraints(max_length=2_000)] | None = Field(
        default=None, description="An https URL of a PDF, on a public host."
    )
    path: Paths | None = Field(
        default=None,
        description="A PDF, folder of pictures or file of items on this machine: only for a server there (stdio).",
    )
    owner: OwnerOfDocuments = None
    edition_of: UUID | None = Field(default=None, description="It is a newer edition of this document.")


async def ingest(desk: Desk, caller: Caller, asked: Ingest) -> answers.Ingested:
    """Take in a catalogue, pictures or items by path or URL. The work goes on in the background: see `account`."""
    if (asked.url is None) == (asked.path is None) or (asked.path is not None and not desk.local):
        raise HTTPException(422, "Give a `url`, or, where the server runs on your machine, a `path`.")
    owner = caller.choose(asked.owner) or DEFAULT_OWNER
    if asked.edition_of is not None:
        await asyncio.to_thread(find, desk.resources, caller, asked.edition_of)
    if asked.path is not None:
        entries = await asyncio.to_thread(_register, desk.resources, asked.path, owner, asked)
    else:
        announced = Announcement(url=asked.url, owner=owner, edition_of=asked.edition_of)
        async with desk.uploads.slot(caller.name):
            entries = [await fetch_announced(desk.resources, announced, owner)]
    listed = [
        Uploaded(id=each.id, owner=each.owner, name=each.name, status=each.status)
        for each in (entry.document for entry in entries[:_MOST_LISTED])
    ]
    return answers.Ingested(documents=tuple(listed), more=len(entries) - len(listed))


def _register(resources: Resources, path: str, owner: str, asked: Ingest) -> list[Registered]:
    sources = expand(Path(path).expanduser(), resources.settings.image_suffixes)
    if len(sources) > _PATHS or (asked.edition_of is not None and len(sources) > 1):
        raise HTTPException(422, f"There are {len(sources)} sources at this path: name one of them.")
    older = None if asked.edition_of is None else str(asked.edition_of)
    return [
        register_path(
            resources, each.path.absolute(), kind=PDF if each.kind == PDF else None, owner=owner,
            options=IngestOptions(), edition_of=older,
        )
        for each in sources
    ]  # fmt: skip


Texts = Annotated[tuple[Annotated[str, StringConstraints(min_length=1, max_length=500)], ...], Field(max_length=20)]


class Teach(RequestModel):
    """What is shown on a page of a document, and whether the reading that follows from it is accepted."""

    document: UUID = Field(description="Document id.")
    page: int | None = Field(default=None, ge=1, le=1_000_000, description="Page on which the texts are, from 1.")
    names: Texts = Field(default=(), description="Names of products, as printed on the page: two that look alike.")
    not_names: Texts = Field(default=(), description="Texts of the page that are no names of products.")
    codes: Texts = Field(default=(), description="Codes of products on the page.")
    prices: Texts = Field(default=(), description="Prices of products on the page.")
    accept: bool = Field(default=False, description="Read the whole document so; else only say what would change.")
    undo: bool = Field(default=False, description="Undo the reading in use.")


def teach(desk: Desk, caller: Caller, asked: Teach) -> answers.Taught:
    """Show names of products on a page, and see what all pages would give; with `accept` the document is read so."""
    shown = [
        (text, what, right)
        for texts, what, right in (
            (asked.names, Shown.NAME, True),
            (asked.not_names, Shown.NAME, False),
            (asked.codes, Shown.CODE, True),
            (asked.prices, Shown.PRICE, True),
        )
        for text in texts
    ]
    if asked.undo == bool(shown) or (shown and asked.page is None):
        raise HTTPException(422, "Give a `page` and `names` of products on it; or `undo`.")
    if asked.undo:
        teaching.undo_teaching(desk.resources, caller, asked.document)
        return answers.Taught(
            document_id=str(asked.document),
            accepted=False,
            message="The reading is undone; the document is processed again.",
            products_now=count_products(desk.resources, str(asked.document)),
        )
    with teaching.opened_lesson(desk.resources, caller, asked.document) as lesson:
        examples = [
            example
            for text, what, right in shown
            for example in find_examples(lesson, asked.page or 1, text, what=what, right=right)
        ]
        likeliest, *others = teaching.propose(desk.resources, lesson, examples, None)
    now = count_products(desk.resources, str(asked.document))
    if asked.accept:
        accept_proposal(desk.resources, str(asked.document), likeliest, by=caller.name)
    return answers.as_taught(str(asked.document), likeliest, now=now, others=len(others), accepted=asked.accept)


class Retry(RetryOptions):
    """What is tried again: a document, or what failed in one way."""

    document: UUID | None = Field(default=None, description="Document id.")
    kind: SearchText | None = Field(default=None, description="Kind of failure, as `failures` names it.")
    owner: OwnerOfDocuments = None


def retry(desk: Desk, caller: Caller, asked: Retry) -> answers.Retried:
    """Try again now what failed: of a document, or in one way. `force` also takes rejected images of a document."""
    if (asked.document is None) == (asked.kind is None):
        raise HTTPException(422, "Give a `document` or a `kind` of failure.")
    if asked.document is not None:
        accepted = documents.retry_document(desk.resources, caller, asked.document, RetryOptions(force=asked.force))
        return answers.Retried(documents=(accepted.id,), message=accepted.message)
    failed = collection.RetryKind(kind=asked.kind or "", owner=asked.owner)
    queued = collection.retry_kind(desk.resources, caller, failed).documents
    return answers.Retried(documents=queued, message=f"{len(queued)} documents will be processed again.")


TOOLS: Final[Mapping[str, Tool]] = {
    "search": Tool(search, Search, answers.Found),
    "facets": Tool(facets, FacetQuery, Facets),
    "list_products": Tool(list_products, OfDocument, answers.ShownProducts),
    "show_product": Tool(show_product, OneProduct, answers.ShownProduct),
    "show_pages": Tool(show_pages, SomePages, answers.ShownPages),
    "show_pictures": Tool(show_pictures, SomePictures, answers.ShownPictures),
    "account": Tool(account, WholeAccount, answers.Account),
    "failures": Tool(failures, SomeFailures, answers.Failures),
    "ingest": Tool(ingest, Ingest, answers.Ingested, writes=True),
    "teach": Tool(teach, Teach, answers.Taught, writes=True),
    "retry": Tool(retry, Retry, answers.Retried, writes=True),
}
"""Name -> tool, in the order in which they are listed."""
