"""The tools that an assistant may call over MCP: what each takes, and how it is done.

Each calls what an endpoint of the service calls, so that owners, limits and errors are the same. Nothing here knows the
protocol: see `server.py`. Answers: `answers.py`.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

from fastapi import HTTPException
from pydantic import Base64Bytes, Field, StringConstraints

from swatchbook.domain.errors import InvalidReference, TooLarge
from swatchbook.domain.records import (
    DEFAULT_OWNER,
    DocumentStatus,
    Facet,
    Facets,
    IngestOptions,
    Record,
    SearchResults,
    Shown,
)
from swatchbook.doors.cli.ingest import expand
from swatchbook.doors.replies import Uploaded
from swatchbook.index.contract import MOST_VALUES
from swatchbook.ingest.register import Registered, is_in
from swatchbook.ingest.register_path import find_known, register_path
from swatchbook.ingest.sources.folder import is_hidden
from swatchbook.previews import as_small_jpeg
from swatchbook.resources import Resources
from swatchbook.store.files.upload_buffer import temporary_file
from swatchbook.store.ledger.queries.report import document_report
from swatchbook.store.ledger.stored_documents import (
    PDF,
    Document,
    documents_called,
    list_choices,
    newest_documents,
    stopped_documents,
)
from swatchbook.upkeep.reports.merged_failures import merge_roles
from swatchbook_assistants import answers
from swatchbook_service import collection, document_parts, documents, images
from swatchbook_service import search as service_search
from swatchbook_service.activity import failing_kinds, failing_others
from swatchbook_service.auth import Caller, choose_known, choose_owners
from swatchbook_service.images import PageSize, PreviewSlots, ThumbnailSize
from swatchbook_service.parameters import OwnerOfDocuments, Paging, RequestModel, RetryOptions, SearchText
from swatchbook_service.search import AQuery, FacetQuery, SearchQuery, run_search
from swatchbook_service.uploads import UploadSlots, full_disk_as_507
from swatchbook_service.webhooks import Announcement, fetch_announced
from swatchbook_teach import service as teaching
from swatchbook_teach.kept_readings import accept_reading
from swatchbook_teach.lessons import count_products, find_examples

MOST_BYTES: Final = 700_000
"""Of a page as JPEG: assistants refuse results of more than about a megabyte."""

_MOST_VALUES = 20  # of a field of facets
_MOST_LISTED = 50
_SIDE = 512  # pixels of a picture that is shown
_PATHS = 100  # sources at a path

Paths = Annotated[str, StringConstraints(min_length=1, max_length=4_000)]
AName = Annotated[str, StringConstraints(min_length=1, max_length=400, pattern=r"^[^\x00]*$")]
_NAMED = "Id or name of a document, as in `account` and in results."
DocumentName = Annotated[AName, Field(description=_NAMED)]
DocumentNameOrNone = Annotated[AName | None, Field(description=_NAMED)]
DocumentNames = Annotated[
    tuple[AName, ...], Field(max_length=MOST_VALUES, description="Only of these documents, by their ids or names.")
]


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


# --- documents by name ---------------------------------------------------------------------------------------------


def find(desk: Desk, caller: Caller, text: str) -> Document:
    """Return the caller's document with this id, name, or beginning of an id. Raises 404, and 422 for one of several.

    Both name documents to choose from, of this caller only.
    """
    ledger, owners = desk.resources.ledger, None if caller.sees_all else caller.owners
    called = documents_called(ledger, text, owners)
    if len(called) == 1:
        return called[0]
    if called:
        raise HTTPException(422, f"{text!r} may be any of {list_choices(called)}. Give the id of one.")
    newest = newest_documents(ledger, owners)
    known = f" The newest are {list_choices(newest)}; `account` lists all." if newest else ""
    raise HTTPException(404, f"Document {text} not found.{known}")


def _by_ids(desk: Desk, caller: Caller, asked: AQuery) -> AQuery:
    """Return a query whose documents are given by their ids. Raises what `find` raises."""
    ids = tuple(UUID(find(desk, caller, str(each)).id) for each in asked.document)
    return asked.model_copy(update={"document": ids})


# --- reading ----------------------------------------------------------------------------------------------------------


class Search(SearchQuery):
    """A search by text, by a picture, by pictures of the collection, or by several of them."""

    document: DocumentNames = ()  # type: ignore[assignment]  # names, which become ids
    k: int = Field(default=10, ge=1, le=_MOST_LISTED, description="Number of results.")
    picture: Base64Bytes | None = Field(default=None, description="Find what looks like this picture, in base64.")
    picture_path: Paths | None = Field(default=None, description="The same, as the path of a file on this machine.")


def search(desk: Desk, caller: Caller, asked: Search) -> SearchResults:
    """Search the collection by text, by a picture, or both; best first.

    Use it to find products (by=product), pictures or passages of text (by=chunk). Without text and picture it lists
    what matches the filters, whose values `facets` lists. `relevance` is the probability that a result answers the
    text, `missing` are words of the text that nothing of it says; those that are not `close` are probably no answers.
    """
    owners = choose_owners(desk.resources, caller, asked.owner)
    with _picture(desk, asked) as file:
        found = run_search(desk.resources, _by_ids(desk, caller, asked), owners, file)
    hits = (each.model_copy(update={"images": each.images[: answers.PICTURES]}) for each in found.hits)
    return found.model_copy(update={"hits": tuple(hits)})


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


class SomeFacets(FacetQuery):
    """What is searched for, and filters."""

    document: DocumentNames = ()  # type: ignore[assignment]  # names, which become ids


def facets(desk: Desk, caller: Caller, asked: SomeFacets) -> Facets:
    """List the values to filter a search by, with counts: 20 of each field, the most frequent first.

    Use it before a search with filters, and to see which brands, categories, materials and so on there are.
    """
    found = service_search.facets(desk.resources, caller, _by_ids(desk, caller, asked))
    fields = {
        name: Facet(values=each.values[:_MOST_VALUES], more=each.more + len(each.values[_MOST_VALUES:]))
        for name, each in found.fields.items()
    }
    return found.model_copy(update={"fields": fields})


class OfDocument(Paging):
    """A document, and which part of a list."""

    document: DocumentName
    limit: int = Field(default=20, ge=1, le=_MOST_LISTED, description="Entries of the list.")


def list_products(desk: Desk, caller: Caller, asked: OfDocument) -> answers.ShownProducts:
    """List the products of a document in order, with facts, prices, some variants and pictures.

    Use it to go through all of a document; to find something, `search` is quicker.
    """
    document = find(desk, caller, asked.document)
    page = document_parts.list_products(desk.resources, caller, UUID(document.id), asked)
    return answers.ShownProducts(
        products=tuple(answers.as_product(each, alone=False) for each in page.products), next=page.next
    )


class OneProduct(RequestModel):
    """A product."""

    product: UUID = Field(description="Product id, as in `list_products` and in results of `search`.")


def show_product(desk: Desk, caller: Caller, asked: OneProduct) -> answers.ShownProduct:
    """Show a product: facts, prices, variants, pages, and its pictures.

    Use it after `search` or `list_products`, which leave out some of these.
    """
    return answers.as_product(document_parts.require_product(desk.resources, caller, asked.product), alone=True)


class SomePages(RequestModel):
    """Pages of a document."""

    document: DocumentName
    pages: tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...] = Field(
        min_length=1, max_length=4, description="Page numbers, from 1."
    )
    width: int = Field(default=900, ge=200, le=1_400, description="Of each page, in pixels.")


async def show_pages(desk: Desk, caller: Caller, asked: SomePages) -> Illustrated:
    """Show pages of a PDF as pictures, at most four at once.

    Use it to check an answer in the catalogue itself. Folders and files of items have no pages: see `show_pictures`.
    """
    document = await asyncio.to_thread(find, desk, caller, asked.document)
    if document.kind != PDF:
        raise HTTPException(
            422,
            f"{document.name} is not a PDF and has no pages. `list_products` lists what it has, and `show_pictures` "
            "shows the pictures by their ids.",
        )
    size, pictures = PageSize(width=asked.width), list[bytes]()
    for number in asked.pages:
        made = await images.get_page(desk.resources, caller, desk.previews, UUID(document.id), number, size)
        pictures.append(await asyncio.to_thread(as_small_jpeg, bytes(made.body), MOST_BYTES))
    answer = answers.ShownPages(
        document_id=document.id, document=document.name, page_count=document.page_count, pages=asked.pages
    )
    return Illustrated(answer, tuple(pictures))


class SomePictures(RequestModel):
    """Pictures of the collection."""

    images: tuple[UUID, ...] = Field(
        min_length=1, max_length=6, description="Ids of pictures, as in results and products."
    )


async def show_pictures(desk: Desk, caller: Caller, asked: SomePictures) -> Illustrated:
    """Show pictures of products, at most six at once.

    Use it to look at what was found. Their ids are in results and in products.
    """
    made = [
        await images.get_image_thumbnail(desk.resources, caller, desk.previews, each, ThumbnailSize(side=_SIDE))
        for each in asked.images
    ]
    shown = answers.ShownPictures(images=tuple(map(str, asked.images)))
    return Illustrated(shown, tuple(bytes(each.body) for each in made))


class WholeAccount(Paging):
    """Whose account, and which part of the list of documents."""

    owner: OwnerOfDocuments = None
    limit: int = Field(default=20, ge=1, le=_MOST_LISTED, description="Documents to list.")


def account(desk: Desk, caller: Caller, asked: WholeAccount) -> answers.Account:
    """Say what can be searched and what is missing, with reasons and next tries; and list the documents with their ids.

    Use it first to learn which documents there are, and whenever it matters whether all of them were taken in.
    """
    whose = choose_known(desk.resources, caller, asked.owner)
    state = collection.collect_state(desk.resources, whose, None if caller.sees_all else caller.owners)
    listed = collection.list_states(
        desk.resources, caller, collection.StatesQuery(owner=asked.owner, limit=asked.limit, cursor=asked.cursor)
    )
    shared = set(answers.Account.model_fields) - {"failing", "documents", "next"}
    return answers.Account(
        **state.model_dump(include=shared),
        failing=answers.as_failing(state.failing, state.failing_others),
        document_counts=state.documents,
        documents=listed.documents,
        next=listed.next,
    )


class SomeFailures(RequestModel):
    """Whose failures: those of a collection by kind, or those of a document one by one."""

    document: AName | None = Field(default=None, description=f"{_NAMED} Without one, failures by kind.")
    owner: OwnerOfDocuments = None
    limit: int = Field(default=20, ge=1, le=_MOST_LISTED, description="Failures to list.")
    offset: int = Field(default=0, ge=0, le=service_search.MAX_OFFSET, description="`next` of the previous answer.")


def failures(desk: Desk, caller: Caller, asked: SomeFailures) -> answers.Failures:
    """List what failed and why: of all documents by kind, or of one document one by one.

    Use it where `account` says that something failed or was rejected, such as items without a picture.
    """
    ledger, first, end = desk.resources.ledger, asked.offset, asked.offset + asked.limit
    failing: tuple[answers.Failing, ...] = ()
    total: int | None
    if asked.document is None:
        whose = choose_known(desk.resources, caller, asked.owner)
        failing = answers.as_failing(failing_kinds(ledger, whose), failing_others(ledger, whose))
        total, count = None, sum(each.count for each in failing if each.what == "document")
        stopped = stopped_documents(ledger, whose, limit=asked.limit, offset=first)
        listed = list(map(answers.as_failed_whole, stopped))
    else:
        document = find(desk, caller, asked.document)
        report = document_report(ledger, document.id)
        whole = [answers.as_failed_whole(document)] if document.failure_kind else []
        single = merge_roles((*report.failed_images, *report.other_failures))
        failed = [*whole, *(answers.as_failed(document, each) for each in single)]
        listed, total, count = failed[first:end], len(failed), len(failed)
    return answers.Failures(failing=failing, failures=tuple(listed), total=total, next=end if end < count else None)


# --- changing ---------------------------------------------------------------------------------------------------------


class Ingest(RequestModel):
    """What is taken in: a URL, or a path where the server runs on this machine."""

    url: Annotated[str, StringConstraints(max_length=2_000)] | None = Field(
        default=None, description="An https URL of a PDF that everybody can reach."
    )
    path: Paths | None = Field(default=None, description="A PDF, folder of pictures or file of items on this machine.")
    owner: OwnerOfDocuments = None
    edition_of: AName | None = Field(
        default=None, description="Id or name of a document: what is taken in is a newer edition of it."
    )


async def ingest(desk: Desk, caller: Caller, asked: Ingest) -> answers.Ingested:
    """Take in a catalogue, pictures or items by path or URL.

    The work goes on in the background: `account` says how far it is.
    """
    if (asked.url is None) == (asked.path is None) or (asked.path is not None and not desk.local):
        raise HTTPException(422, "Give a `url`, or, where the server runs on your machine, a `path`.")
    owner = caller.choose(asked.owner) or DEFAULT_OWNER
    older = None
    if asked.edition_of is not None:
        older = (await asyncio.to_thread(find, desk, caller, asked.edition_of)).id
    if asked.path is not None:
        entries = await asyncio.to_thread(_register, desk.resources, asked.path, owner, older)
    else:
        announced = Announcement(url=asked.url, owner=owner, edition_of=UUID(older) if older else None)
        async with desk.uploads.slot(caller.name):
            entries = [await fetch_announced(desk.resources, announced, owner)]
    listed = [
        Uploaded(id=each.id, owner=each.owner, name=each.name, status=each.status)
        for each in (entry.document for entry in entries[:_MOST_LISTED])
    ]
    return answers.Ingested(documents=tuple(listed), more=len(entries) - len(listed))


def _require_allowed(resources: Resources, path: Path, owner: str) -> None:
    """Raise InvalidReference for a path that no person has allowed: what an assistant reads may tell it to name any.

    Allowed is what is below SWATCHBOOK_INPUT_ROOTS and not hidden, or below the working directory, unless the home of
    the user is below that, too; and folders and files of items that were ingested before. Nothing else is looked at.
    """
    place, here = path.resolve(), Path.cwd()
    roots = [root.resolve() for root in resources.settings.input_roots]
    if not Path.home().resolve().is_relative_to(here):
        roots.append(here)
    inside = (place.relative_to(root).parts for root in roots if is_in(place, [root]))
    if not any(not any(map(is_hidden, parts)) for parts in inside) and find_known(resources, owner, place) is None:
        raise InvalidReference(
            f"{path} is in no folder from which assistants may take files.",
            advice="Add its folder to SWATCHBOOK_INPUT_ROOTS where `swatchbook mcp` is started, or use `swatchbook "
            "ingest`.",
        )


def _register(resources: Resources, path: str, owner: str, older: str | None) -> list[Registered]:
    named = Path(path).expanduser()
    _require_allowed(resources, named, owner)
    sources = expand(named)
    if len(sources) > _PATHS or (older is not None and len(sources) > 1):
        raise HTTPException(422, f"There are {len(sources)} sources at this path: name one of them.")
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

    document: DocumentName
    page: int | None = Field(default=None, ge=1, le=1_000_000, description="Page on which the texts are, from 1.")
    names: Texts = Field(default=(), description="Names of products, as printed on the page: two that look alike.")
    not_names: Texts = Field(default=(), description="Texts of the page that are no names of products.")
    codes: Texts = Field(default=(), description="Codes of products on the page.")
    prices: Texts = Field(default=(), description="Prices of products on the page.")
    accept: bool = Field(default=False, description="Read the whole document so; else only say what would change.")
    undo: bool = Field(default=False, description="Undo the reading in use.")


def teach(desk: Desk, caller: Caller, asked: Teach) -> answers.Taught:
    """Show names of products on a page, and see what all pages would give; with `accept` the document is read so.

    Use it where `list_products` has wrong names: show two right ones of a page, look at what would change, then accept.
    """
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
    document = UUID(find(desk, caller, asked.document).id)
    if asked.undo:
        teaching.undo_teaching(desk.resources, caller, document)
        return answers.Taught(
            document_id=str(document),
            accepted=False,
            message="The reading is undone; the document is processed again.",
            products_now=count_products(desk.resources, str(document)),
        )
    with teaching.opened_lesson(desk.resources, caller, document) as lesson:
        examples = [
            example
            for text, what, right in shown
            for example in find_examples(lesson, asked.page or 1, text, what=what, right=right)
        ]
        likeliest, *others = teaching.propose(desk.resources, lesson, examples, None)
    now = count_products(desk.resources, str(document))
    if asked.accept:
        accept_reading(desk.resources.ledger, str(document), likeliest.reading, by=caller.name)
    return answers.as_taught(str(document), likeliest, now=now, others=len(others), accepted=asked.accept)


class Retry(RetryOptions):
    """What is tried again: a document, or what failed in one way."""

    document: DocumentNameOrNone = None
    kind: SearchText | None = Field(default=None, description="Kind of failure, as `failures` names it.")
    owner: OwnerOfDocuments = None


def retry(desk: Desk, caller: Caller, asked: Retry) -> answers.Retried:
    """Try again now what failed: of a document, or in one way.

    Use it when what stood in the way is gone. What was rejected stays so until its source is corrected and ingested
    again.
    """
    if (asked.document is None) == (asked.kind is None):
        raise HTTPException(422, "Give a `document` or a `kind` of failure.")
    if asked.document is not None:
        document = UUID(find(desk, caller, asked.document).id)
        accepted = documents.retry_document(desk.resources, caller, document, RetryOptions(force=asked.force))
        again = () if accepted.status is DocumentStatus.COMPLETED else (accepted.id,)
        return answers.Retried(documents=again, count=len(again), message=accepted.message)
    failed = collection.RetryKind(kind=asked.kind or "", owner=asked.owner)
    queued = collection.retry_kind(desk.resources, caller, failed).documents
    message = (
        f"{len(queued)} document{'' if len(queued) == 1 else 's'} will be processed again."
        if queued
        else "Nothing is tried again: what failed so, if anything did, was rejected. `failures` names it; correct the "
        "source and ingest it again, or retry its `document` with `force`."
    )
    return answers.Retried(documents=queued[:_MOST_LISTED], count=len(queued), message=message)


TOOLS: Final[Mapping[str, Tool]] = {
    "search": Tool(search, Search, SearchResults),
    "facets": Tool(facets, SomeFacets, Facets),
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
