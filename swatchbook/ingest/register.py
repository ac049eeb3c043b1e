"""Register a PDF (stage 0): check it, store its bytes and queue its document, or raise before anything is written.

It must be within the limits of `swatchbook_base/check_file.py` and come from an allowed folder or URL. Also computes
the fingerprint of a request, by which a document is unchanged. `tasks/document_run.py` waits for another run.
"""

import asyncio
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

from swatchbook.domain.display_name import display_name
from swatchbook.domain.errors import (
    DiskFull,
    Failure,
    FileMissing,
    IndexDown,
    InvalidReference,
    UnsupportedFormat,
    as_failure,
    reason_of,
)
from swatchbook.domain.extras import require_extras
from swatchbook.domain.records import UNTAUGHT, DocumentStatus, IngestOptions, Record, RoleTag
from swatchbook.domain.runtime.disk import keep_reserve
from swatchbook.domain.settings import Settings
from swatchbook.ingest.cache_keys import PURE_STAGES, stage_key
from swatchbook.ingest.delete import finish_delete, restore_source
from swatchbook.ingest.hold_files import holding_files
from swatchbook.ingest.required_parts import require_parts
from swatchbook.models import registry
from swatchbook.resources import Resources
from swatchbook.store.files.stored_file import KEY
from swatchbook.store.files.upload_buffer import is_remote, temporary_file
from swatchbook.store.ledger import publishing
from swatchbook.store.ledger.document_commands import request_again
from swatchbook.store.ledger.document_editions import declare_edition
from swatchbook.store.ledger.owners import id_of_document
from swatchbook.store.ledger.space_registry import registered
from swatchbook.store.ledger.stored_documents import PDF, Document, get_document, queue
from swatchbook.store.ledger.trashed_documents import get_trashed
from swatchbook_base.check_file import check_pdf

log = logging.getLogger(__name__)

_NOT_IN_FINGERPRINT = {
    "batch_size", "max_retries", "execution", "max_usd", "mirror", "force", "roles", "categories", "mapping",
}  # fmt: skip
"""Options that change how the work is done, not its result; `roles` count by the pairs that they request, `categories`
by the key of the stage that reads them, `mapping` by the items that it makes.
"""


_POLL_SECONDS = 0.5  # between two looks at a delete of another process


class Request(Record):
    """The request of one ingest: its (role, tag) pairs, and the fingerprint that distinguishes generations."""

    requested: tuple[RoleTag, ...]
    fingerprint: str


class Registered(Record):
    """A document in the ledger. `unchanged`: it is complete with the same options, so nothing is left to do.

    `options`: what it is processed with; of a known PDF with the pages that were taken in before
    and its taught reading.
    """

    document: Document
    options: IngestOptions
    request: Request
    unchanged: bool


def build_request(settings: Settings, options: IngestOptions) -> Request:
    """Return the pairs and the fingerprint of options under the settings.

    Raises Configuration for a role that no chosen model makes, MissingExtra where what the settings choose is not
    installed; what else is missing is named at the same time.
    """
    try:
        require_extras(settings)
        requested = registry.requested(settings, options.roles)
    except Failure:
        require_parts(registry.load(settings), settings, options)
        raise
    parts = {
        "options": options.model_dump(mode="json", exclude=_NOT_IN_FINGERPRINT) | {"taught": options.taught.key},
        "wants": sorted((w.role.value, w.tag) for w in requested),
        "stages": [stage_key(stage, "", settings, options, force=None) for stage in PURE_STAGES],
    }
    return Request(
        requested=requested, fingerprint=hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    )


def spaces_to_serve(
    resources: Resources, requested: Collection[RoleTag], options: IngestOptions
) -> tuple[RoleTag, ...]:
    """Return the pairs of spaces that an ingest fills in addition to what the settings request, while models change.

    Searches read the active space, and a rollback needs the one before it, so a new document gets their vectors too,
    where their model can be loaded. The spaces' counts name what they lack otherwise.
    """
    pairs = list[RoleTag]()
    for each in registered(resources.ledger):
        chosen = not options.roles or each.space.role in options.roles
        if chosen and not each.dropping and each.pair not in requested:
            try:
                resources.models_of(each.pair).require(each.space.role)
            except Failure as failure:
                log.warning("no vectors for the space of %s: %s", each.space.tag, failure)
            else:
                pairs.append(each.pair)
    return tuple(pairs)


def register(
    resources: Resources,
    source: str | Path,
    *,
    owner: str,
    options: IngestOptions,
    name: str | None = None,
    edition_of: str | None = None,
    begins: bool = False,
) -> Registered:
    """Store a local file's bytes and queue its document; a known document is found again. `name` is shown to people.

    `edition_of`: the id of the document whose newer edition it is; where it cannot be one, nothing is queued. `begins`:
    see `queue`.

    Raises InvalidReference, TooLarge, UnsupportedFormat, UnreadableDocument, DiskFull, FilesDown, Configuration,
    MissingExtra.
    """
    path = Path(source)
    _check(path, name or str(path), resources.settings)
    build_request(resources.settings, options)  # raises before anything is written
    if resources.settings.discovery != "layout" and not resources.settings.llm.model:
        # for a document that is queued already, stage 2 raises it
        require_parts(registry.load(resources.settings), resources.settings, weights=False)
    keep_reserve(resources.settings.home)
    with holding_files(resources.ledger):  # until the document names its file
        try:
            key = resources.files.put_file(path, suffix=".pdf")
        except PermissionError as error:
            raise _permission_denied(name or str(path)) from error
        if name is None:
            name = os.fsencode(path.name).decode(errors="replace")  # a file name need not be Unicode
        return _queue_file(resources, key, name, path.stat().st_size, owner, options, edition_of, begins=begins)


def register_after_delete(
    resources: Resources, register_it: Callable[[], Registered], *, waits: bool = True
) -> Registered:
    """Register what a person asks for; a delete of the same document that is under way is finished first.

    Waits for another process that is deleting it, and for an index that is down, unless it should not: the document
    then stays `deleting`. Raises what `register_it` raises, and IndexDown after an outage of
    SWATCHBOOK_OUTAGE_WAIT_SECONDS.
    """
    while (registered := register_it()).document.status == DocumentStatus.DELETING:
        try:
            if finish_delete(resources, registered.document.id, at_most=None if waits else 0):
                continue
        except IndexDown:  # without a wait it ends the delete later
            if waits:
                raise
        if not waits:
            break
        time.sleep(_POLL_SECONDS)
    return registered


def register_upload(
    resources: Resources,
    path: Path,
    *,
    owner: str,
    options: IngestOptions,
    name: str,
    edition_of: str | None = None,
) -> Registered:
    """Register an uploaded file, so that its document is worked on unless it is complete with the same options.

    A document that is being processed with other options is processed again with these when that run has ended. A
    delete under way is finished first; the document stays `deleting` if another process is deleting it, or the index
    is down. Raises what `register` raises.
    """
    again = partial(register, resources, path, owner=owner, options=options, name=name, edition_of=edition_of)
    registered = register_after_delete(resources, again, waits=False)
    if registered.document.status == DocumentStatus.DELETING:
        return registered
    if _is_same_request(resources.settings, registered):
        return registered
    document = request_again(resources.ledger, registered.document.id, registered.options)
    return registered.model_copy(update={"document": document, "unchanged": False})


def _is_same_request(settings: Settings, registered: Registered) -> bool:
    """Return whether the last request for a document had the same result as this one; with `force` never."""
    document, options = registered.document, registered.options
    if document.fingerprint is None and document.options == options:  # no run has begun with them yet
        return True
    known = document.fingerprint or build_request(settings, document.options).fingerprint
    return not options.force and known == registered.request.fingerprint


def is_in(path: Path, folders: Iterable[Path]) -> bool:
    """Return whether a resolved path is one of these folders, or below one."""
    return any(path.is_relative_to(folder.resolve()) for folder in folders)


def register_source(
    resources: Resources,
    source: str,
    *,
    owner: str,
    options: IngestOptions,
    edition_of: str | None = None,
    known: bool = False,
) -> Registered:
    """Register what a flow is given, which begins a run. `known`: see `queue`.

    `source` is a key of the file store, an https URL, an object's URL under SWATCHBOOK_UPLOADS_URL, or a path under
    SWATCHBOOK_INPUT_ROOTS. A cancelled document that is named by its key stays cancelled: its run was perhaps launched
    before; to process it again, upload or retry it. Raises what `register` raises.
    """
    if is_remote(source):
        from swatchbook.store.files.fetch import download  # imports an HTTP client, which no other source needs

        with temporary_file(resources.settings.temporary_folder) as path:
            name = display_name(asyncio.run(download(resources.settings, source, path)).name)
            return register(
                resources, path, owner=owner, options=options, name=name, edition_of=edition_of, begins=True
            )
    if not KEY.match(source):
        path = Path(source).resolve()
        if not is_in(path, resources.settings.input_roots):
            raise InvalidReference(
                f"{source!r} is neither a key of the file store, nor a URL, nor a path under SWATCHBOOK_INPUT_ROOTS.",
                advice="Use `swatchbook ingest`, or add its folder to SWATCHBOOK_INPUT_ROOTS.",
            )
        return register(resources, path, owner=owner, options=options, edition_of=edition_of, begins=True)
    build_request(resources.settings, options)  # raises before anything is written
    size = resources.files.size(source)
    trashed = get_trashed(resources.ledger, id_of_document(resources.ledger, owner, source[:64]))
    if trashed and not known:
        raise InvalidReference(
            f"{trashed.name} is in the trash.",
            advice=f"To work on it again: `swatchbook trash restore {trashed.document[:8]}`.",
        )
    with suppress(InvalidReference):  # it is registered now
        document = get_document(resources.ledger, id_of_document(resources.ledger, owner, source[:64]))
        if size != document.size:
            raise FileMissing(
                f"The stored file of {document.name} is damaged: it has {size:,} of {document.size:,} bytes.",
                advice="Upload or ingest the file again; the document then continues.",
            )
    again = (DocumentStatus.FAILED,)
    return _queue_file(
        resources, source, source, size, owner, options, edition_of, again=again, begins=True, known=known
    )


def _queue_file(
    resources: Resources,
    key: str,
    name: str,
    size: int,
    owner: str,
    options: IngestOptions,
    edition_of: str | None,
    *,
    again: Collection[DocumentStatus] = (DocumentStatus.FAILED, DocumentStatus.CANCELLED),
    begins: bool = False,
    known: bool = False,
) -> Registered:
    if not known:
        restore_source(resources, owner, key[:64])
    options = _as_known(resources, owner, key, options)
    request = build_request(resources.settings, options)
    document = queue(
        resources.ledger,
        owner=owner,
        content=key[:64],
        kind=PDF,
        name=name,
        file=key,
        size=size,
        options=options,
        again=again,
        begins=begins,
        known=known,
        also=partial(declare_edition, older=edition_of) if edition_of else None,
    )
    if edition_of:
        from swatchbook.ingest.publish import publish_soon  # imports the index, which a registration rarely needs

        publish_soon(resources, edition_of)  # the older one's products leave the search, if this one has any already
    return Registered(
        document=document,
        options=options,
        request=request,
        unchanged=is_answered(resources, document, request, options),
    )


def _as_known(resources: Resources, owner: str, key: str, options: IngestOptions) -> IngestOptions:
    """Return the options with what a person decided about the same file before: pages taken in, and the taught reading
    unless another one is given.
    """
    ledger = resources.ledger
    try:
        known = get_document(ledger, id_of_document(ledger, owner, key[:64])).options
    except InvalidReference:  # it is not known yet
        return options
    options = options.with_pages(known.pages)
    return options.with_taught(known.taught) if options.taught == UNTAUGHT else options


def is_answered(resources: Resources, document: Document, request: Request, options: IngestOptions) -> bool:
    """Return whether a document is completed and published with what is requested now."""
    return (
        document.status == DocumentStatus.COMPLETED
        and document.fingerprint == request.fingerprint
        and not options.force
        and publishing.count_unpublished(resources.ledger, document.id) == 0
    )


def _check(path: Path, name: str, settings: Settings) -> None:
    try:
        if not path.exists():
            raise InvalidReference(f"{name}: no such file.", advice="Check the path.")
        if not path.is_file():
            raise UnsupportedFormat(f"{name}: not a file.", advice="Give a PDF, or a folder of PDFs.")
        with path.open("rb") as file:
            check_pdf(file, path.stat().st_size, settings, name=f"{name}: the file")
    except PermissionError as error:
        raise _permission_denied(name) from error
    except OSError as error:
        failure = as_failure(error)
        raise (
            failure if isinstance(failure, DiskFull) else InvalidReference(f"{name}: {reason_of(error)}.")
        ) from error


def _permission_denied(name: str) -> InvalidReference:
    return InvalidReference(f"{name}: permission denied.", advice="Check the file's owner and mode.")
