"""Ingest what object stores tell of: store their messages as events, and register the objects of events.

- A message is answered once the ledger has its events, which are recorded once, however often they arrive.
- An object is copied and registered as `swatchbook ingest URL` does for the URL of its source: a PDF is a document of
  its own, a picture or a file of items belongs to the document of its folder or batch.
- A failure that concerns all objects, such as an outage, spends no try, and ends the round.

`messages.py` reads messages, `event_ledger.py` has the rules of tries.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from swatchbook.buckets import EventRound
from swatchbook.domain.display_name import display_name
from swatchbook.domain.errors import (
    SHARED_POLICIES,
    Authentication,
    Failure,
    InvalidReference,
    as_failure,
    reason_of,
)
from swatchbook.domain.records import DocumentStatus, IngestOptions, ObjectEvent
from swatchbook.domain.setting_values import EventSource
from swatchbook.ingest.find_sources import Source
from swatchbook.ingest.register import register_after_delete, register_upload
from swatchbook.ingest.register_path import find_known, register_folder
from swatchbook.ingest.sources.batch import is_batch
from swatchbook.ingest.sources.folder import is_hidden, is_picture
from swatchbook.ingest.sources.item_files import has_item_suffix
from swatchbook.resources import Resources
from swatchbook.store.ledger.document_commands import request_again
from swatchbook.store.ledger.stored_documents import BATCH, FOLDER, PDF, Document
from swatchbook_buckets import event_ledger
from swatchbook_buckets.bucket_copy import ObjectCopier
from swatchbook_buckets.event_ledger import NewEvent, record_events
from swatchbook_buckets.messages import BucketEvent, read_events

T = TypeVar("T")

log = logging.getLogger(__name__)

_TOGETHER = 50
"""Events that are worked on together: a folder is registered once for all of its pictures among them."""

_ROUND = 1_000
"""The most events of one round."""

_DELETING_SECONDS = 60.0
"""When an event is tried again whose document is being deleted."""

NO_SOURCE = "It is below no URL of SWATCHBOOK_EVENT_SOURCES that this sender may use."
_NOT_NEW = "Only new objects are ingested; what became of an object later changes no document."
_NOT_TAKEN = "By its name it is no PDF, picture or file of items."


def take_events(resources: Resources) -> EventRound:
    """Register the objects of the events that are due. Raises LedgerDown."""
    registered, copiers = 0, Copiers()
    try:
        for _ in range(_ROUND // _TOGETHER):
            events = event_ledger.claim_events(resources.ledger, _TOGETHER)
            if not events:
                break
            registered += _register_all(resources, events, copiers)
    except Failure as failure:
        return EventRound(registered=registered, troubles=(str(failure),))
    return EventRound(registered=registered)


# --- received ---------------------------------------------------------------------------------------------------------


def store_message(resources: Resources, body: bytes | str, sources: Iterable[EventSource]) -> int:
    """Record the events of a message, and return how many are new. `sources`: those that its sender may use.

    Raises UnsupportedFormat for a message that is no notification.
    """
    sources = list(sources)
    events = [_recorded(event, sources) for event in read_events(body)]
    return record_events(resources.ledger, events) if events else 0


def _recorded(event: BucketEvent, sources: Iterable[EventSource]) -> NewEvent:
    """Return an event as it is recorded: waiting, or ignored with the reason."""
    within = [source for source in sources if event.url.startswith(f"{source.url}/")]
    source = max(within, key=lambda source: len(source.url), default=None)
    reason = None
    if source is None:
        reason = NO_SOURCE
    elif not event.is_new:
        reason = _NOT_NEW
    elif not takes(event.url.removeprefix(f"{source.url}/")):
        reason = _NOT_TAKEN
    whose = {"owner": source.owner, "source": source.url} if source else {"owner": None, "source": None}
    return NewEvent.model_validate({**dict(event), **whose, "reason": reason})


def source_of(top: Path, file: Path) -> Source:
    """Return the source that a file below a folder belongs to, as `find_sources` finds it there.

    That is a PDF itself, the outermost batch around it, or the folder. Raises InvalidReference.
    """
    if file.name.lower().endswith(".pdf"):
        return Source(path=file, kind=PDF)
    try:
        for folder in reversed([each for each in file.parents if each.is_relative_to(top)]):
            if is_batch(folder):
                return Source(path=folder, kind=BATCH)
    except OSError as error:
        raise InvalidReference(f"{file}: {reason_of(error)}.", advice="Check the path and its permissions.") from error
    return Source(path=top, kind=FOLDER)


def takes(name: str) -> bool:
    """Return whether a file is or belongs to a source by its path: of a bucket, only such objects are copied."""
    parts = name.split("/")
    last = parts[-1]
    is_source = last.lower().endswith(".pdf") or has_item_suffix(last) or is_picture(last)
    return is_source and not any(map(is_hidden, parts))


# --- registered ---------------------------------------------------------------------------------------------------


Copiers = dict[str, ObjectCopier]
"""URL of a source -> what copies its objects; a store is opened once for all of them."""


def _copy(resources: Resources, event: ObjectEvent, copiers: Copiers) -> Source:
    """Copy the object of an event, and return the source that it belongs to."""
    url = event.source or ""
    if url not in {each.url for each in resources.settings.event_sources}:
        raise InvalidReference(NO_SOURCE, advice="Correct the setting, and try the event again.")
    copier = copiers.get(url) or ObjectCopier(resources.settings, url)
    copiers[url] = copier
    return source_of(copier.folder, copier.copy(event.url.removeprefix(f"{url}/")))


def _register_all(resources: Resources, events: Sequence[ObjectEvent], copiers: Copiers) -> int:
    """Register the objects of events, and return how many were. Raises what concerns all of them."""
    by_source: Mapping[tuple[str, Source], list[ObjectEvent]] = defaultdict(list)
    registered, left = 0, list(events)
    try:
        for event in events:
            if source := _attempt(resources, [event], partial(_copy, resources, event, copiers)):
                by_source[event.owner or "", source].append(event)
            else:
                left.remove(event)
        for (owner, source), some in by_source.items():
            document = _attempt(resources, some, partial(_register, resources, source, owner))
            if document is not None:
                registered += _end(resources, some, document)
            left = [each for each in left if each not in some]
    except Failure as failure:
        event_ledger.release_events(resources.ledger, left, seconds=0.0, message=str(failure))
        raise
    return registered


def _end(resources: Resources, events: Sequence[ObjectEvent], document: Document) -> int:
    """Record that events are done, and return how many; those of a document that is being deleted wait."""
    if document.status == DocumentStatus.DELETING:
        message = f"{document.name} is being deleted."
        event_ledger.release_events(resources.ledger, events, seconds=_DELETING_SECONDS, message=message)
        return 0
    event_ledger.record_done(resources.ledger, [each.id for each in events], document.id)
    return len(events)


def _attempt(resources: Resources, events: Sequence[ObjectEvent], work: Callable[[], T]) -> T | None:
    """Return what the work returns; None after a failure of these events alone, which is recorded."""
    try:
        return work()
    except Exception as error:  # isolates events from each other
        failure = as_failure(error)
        if failure is not error:
            log.exception("an object cannot be registered", extra={"event": events[0].id})
        if failure.policy in SHARED_POLICIES and not isinstance(failure, Authentication):
            raise failure from error
        for event in events:
            event_ledger.record_failed(resources.ledger, event, failure)
            log.warning("an object was not ingested: %s", failure, extra={"event": event.id})
        return None


def _register(resources: Resources, source: Source, owner: str) -> Document:
    """Register a source whose files are new or changed. A document that runs runs again afterwards."""
    if source.kind == PDF:
        name = display_name(source.path.name)
        return register_upload(resources, source.path, owner=owner, options=IngestOptions(), name=name).document
    folder = source.path.resolve()
    known = find_known(resources, owner, folder)
    options = known.options if known else IngestOptions()
    again = partial(register_folder, resources, folder, owner=owner, options=options, kind=source.kind)
    registered = register_after_delete(resources, again, waits=False)
    if registered.unchanged or registered.document.status in (DocumentStatus.DELETING, DocumentStatus.QUEUED):
        return registered.document  # what is queued is read when its run begins
    return request_again(resources.ledger, registered.document.id, registered.options)
