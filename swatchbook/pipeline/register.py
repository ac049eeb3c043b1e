"""Stage 0: a source becomes stored bytes and a durable `queued` document, or an error before anything is written."""

import asyncio
import hashlib
import json
import os
from collections.abc import Collection
from pathlib import Path

from swatchbook.cache_keys import PURE_STAGES, stage_key
from swatchbook.display_name import display_name
from swatchbook.errors import (
    Configuration,
    DiskFull,
    InvalidReference,
    TooLarge,
    UnreadableDocument,
    UnsupportedFormat,
    as_failure,
)
from swatchbook.ledger import publishing
from swatchbook.ledger.document_commands import request_again
from swatchbook.ledger.documents import Document, get_document, queue
from swatchbook.models import registry
from swatchbook.records import DocumentStatus, IngestOptions, Record, RoleTag
from swatchbook.resources import Resources
from swatchbook.settings import PREFIX, Settings
from swatchbook.storage.files import KEY
from swatchbook.storage.upload_buffer import incoming, is_remote

_PDF_HEAD = 1024  # readers accept "%PDF-" anywhere in the first kilobyte
_UNREAD = {"batch_size", "max_retries", "execution", "max_usd", "force", "roles"}
"""Options that change how the work is done, not what comes out; `roles` count as the wants they lead to."""


class Registered(Record):
    """A known document. `unchanged` means that it is complete with these very options: nothing is left to do."""

    document: Document
    unchanged: bool


class Request(Record):
    """What one ingest asks for: the pairs to make, and the fingerprint that tells one generation from another."""

    requested: tuple[RoleTag, ...]
    fingerprint: str


def plan_request(settings: Settings, options: IngestOptions) -> Request:
    """Wants and fingerprint of these options under these settings. Raises Configuration for a role nobody makes."""
    requested = registry.requested(settings, options.roles)
    parts = {
        "options": options.model_dump(mode="json", exclude=_UNREAD),
        "wants": sorted((w.role.value, w.tag) for w in requested),
        "stages": [stage_key(stage, "", settings, options, force=None) for stage in PURE_STAGES],
    }
    return Request(
        requested=requested, fingerprint=hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    )


def register(
    resources: Resources, source: str | Path, *, owner: str, options: IngestOptions, name: str | None = None
) -> Registered:
    """Store a local file's bytes and queue its document, or find it again. `name` is what people know it by.

    Raises InvalidReference, TooLarge, UnsupportedFormat, UnreadableDocument, DiskFull, FilesDown, Configuration.
    """
    path = Path(source)
    _check(path, name or str(path), resources.settings)
    _require_llm(resources.settings)  # of what is queued already, stage 2 says it where people look: in the document
    asked = plan_request(resources.settings, options)
    try:
        key = resources.files.put_file(path, suffix=".pdf")
    except PermissionError as error:
        raise _no_right(name or str(path)) from error
    if name is None:
        name = os.fsencode(path.name).decode(errors="replace")  # names of files need not be Unicode
    return _queue(resources, key, name, path.stat().st_size, owner, options, asked)


def register_upload(resources: Resources, path: Path, *, owner: str, options: IngestOptions, name: str) -> Registered:
    """What an upload does: its document is durable and will be worked on, or is complete with these very options.

    One that is at work with others is made with these when that run has ended. One that is being deleted is finished
    first; it stays `deleting` where others are at that. Raises what `register` raises, and IndexDown.
    """
    from swatchbook.pipeline.delete import finish_delete  # what publishing takes, an unchanged catalogue does without

    found = register(resources, path, owner=owner, options=options, name=name)
    if found.document.status == DocumentStatus.DELETING and finish_delete(resources, found.document.id, at_most=0):
        found = register(resources, path, owner=owner, options=options, name=name)
    if found.document.file and not resources.files.has(found.document.file):  # collected just before it was queued
        found = register(resources, path, owner=owner, options=options, name=name)
    if _is_same_request(resources.settings, found.document, options):
        return found
    return Registered(document=request_again(resources.ledger, found.document.id, options), unchanged=False)


def _is_same_request(settings: Settings, document: Document, options: IngestOptions) -> bool:
    """Whether what was asked of a document last comes to the same as these options; by force nothing does."""
    if document.fingerprint is None and document.options == options:  # not begun yet
        return True
    known = document.fingerprint or plan_request(settings, document.options).fingerprint
    return not options.force and known == plan_request(settings, options).fingerprint


def register_source(resources: Resources, source: str, *, owner: str, options: IngestOptions) -> Registered:
    """What a flow is given: a key of the file store, an https URL, an object's URL under SWATCHBOOK_UPLOADS_URL, or a
    path under SWATCHBOOK_INPUT_ROOTS. A file that is known and whose document was cancelled stays so: that is how runs
    are launched, perhaps before it was cancelled; who wants it again uploads or retries it.
    """
    if is_remote(source):
        from swatchbook.storage.fetch import bring  # an HTTP client, which nothing else here needs

        with incoming(resources.settings.incoming) as path:
            found = asyncio.run(bring(resources.settings, source, path))
            return register(resources, path, owner=owner, options=options, name=display_name(found.name))
    if not KEY.match(source):
        path = Path(source).resolve()
        if not any(path.is_relative_to(root.resolve()) for root in resources.settings.input_roots):
            raise InvalidReference(
                f"{source!r} is neither a key of the file store, nor a URL, nor a path under SWATCHBOOK_INPUT_ROOTS.",
                advice="Use `swatchbook ingest`, or add its folder to SWATCHBOOK_INPUT_ROOTS.",
            )
        return register(resources, path, owner=owner, options=options)
    asked = plan_request(resources.settings, options)
    return _queue(
        resources, source, source, resources.files.size(source), owner, options, asked, again=(DocumentStatus.FAILED,)
    )


def _queue(
    resources: Resources,
    key: str,
    name: str,
    size: int,
    owner: str,
    options: IngestOptions,
    asked: Request,
    *,
    again: Collection[DocumentStatus] = (DocumentStatus.FAILED, DocumentStatus.CANCELLED),
) -> Registered:
    document = queue(
        resources.ledger,
        owner=owner,
        content=key[:64],
        kind="pdf",
        name=name,
        file=key,
        size=size,
        options=options,
        again=again,
    )
    unchanged = (
        document.status == DocumentStatus.COMPLETED
        and document.fingerprint == asked.fingerprint
        and not options.force
        and publishing.count_unpublished(resources.ledger, document.id) == 0
    )
    return Registered(document=get_document(resources.ledger, document.id), unchanged=unchanged)


def _check(path: Path, name: str, settings: Settings) -> None:
    try:
        if not path.exists():
            raise InvalidReference(f"{name}: no such file.", advice="Check the path.")
        if not path.is_file():
            raise UnsupportedFormat(f"{name}: not a file.", advice="Give a PDF, or a folder of PDFs.")
        size = path.stat().st_size
        if size == 0:
            raise UnreadableDocument(f"{name}: the file is empty.", advice="Export or download it again.")
        if size > settings.max_document_mb << 20:
            raise TooLarge(
                f"{name}: {size / (1 << 20):.0f} MiB is over the limit of {settings.max_document_mb} MiB.",
                advice="Split it, or raise SWATCHBOOK_MAX_DOCUMENT_MB.",
            )
        with path.open("rb") as file:
            head = file.read(_PDF_HEAD)
    except PermissionError as error:
        raise _no_right(name) from error
    except OSError as error:
        failure = as_failure(error)
        raise failure if isinstance(failure, DiskFull) else InvalidReference(f"{name}: {error.strerror}.") from error
    if b"%PDF-" not in head:
        raise UnsupportedFormat(f"{name}: not a PDF.", advice="Swatchbook reads product catalogues as PDF files.")


def _require_llm(settings: Settings) -> None:
    if settings.discovery == "llm" and not settings.llm_model:
        raise Configuration(f"{PREFIX}LLM_MODEL is not set.", advice=f"Set it, or {PREFIX}DISCOVERY=layout.")


def _no_right(name: str) -> InvalidReference:
    return InvalidReference(f"{name}: no right to read it.", advice="Check the file's owner and mode.")
