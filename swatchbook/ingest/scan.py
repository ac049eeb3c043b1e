"""Scan a folder, a scraped batch or an imported table (stage 5): read new and changed items, and save them in portions.

- A file is unchanged if it has the size, time and inode with which it was read, and was then older than two seconds.
- An item that is gone from its source is removed if its pictures are shown at another place (it was moved).
- A picture from a URL is fetched once, and again only after a failure that may pass, or if forced.
- Batches below a folder are documents of their own.

What is listed: `ingest/sources/folder.py`, `ingest/sources/batch.py`, `ingest/sources/staged.py` (rows of a table).
"""

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ulid import ULID

from swatchbook.domain.errors import (
    SHARED_POLICIES,
    Failure,
    FileMissing,
    InvalidReference,
    Policy,
    RefusedAddress,
    UnreadableImage,
    as_failure,
    reason_of,
)
from swatchbook.domain.product_doubts import tell_unclear, unclear_prices
from swatchbook.domain.records import (
    NO_BOX,
    NO_MAPPING,
    NO_PAGE,
    Chunk,
    Evidence,
    Extraction,
    Link,
    LinkKind,
    Picture,
    Placement,
    PlacementState,
    Product,
    ReadItem,
    Record,
    Scan,
    SourceItem,
    SourcePicture,
    Stamp,
    Unreadable,
    chunk_id,
    item_product_id,
    place_of_item,
    sha256,
    text_key,
    unreadable_key,
)
from swatchbook.ingest.run import Work
from swatchbook.ingest.sources.batch import list_batch
from swatchbook.ingest.sources.folder import list_briefly, list_folder, pictures_below, unread_below
from swatchbook.ingest.sources.item_files import SourceNotes, any_shape
from swatchbook.ingest.sources.listed import SHOWN_REASONS, ListedItem, ListedPicture, ListedUrl, MissingPicture
from swatchbook.ingest.sources.staged import count_staged, list_staged, staged_file
from swatchbook.resources import Resources
from swatchbook.store.files.upload_buffer import temporary_file
from swatchbook.store.ledger import source_items
from swatchbook.store.ledger.database import portions
from swatchbook.store.ledger.stage_results import save_sizes
from swatchbook.store.ledger.stored_documents import BATCH, FOLDER, TABLE, Document, documents_within, get_document
from swatchbook_base.image_limits import ImageLimits
from swatchbook_base.one_line import one_line, shorten
from swatchbook_base.truncate import truncate

if TYPE_CHECKING:
    from swatchbook.models.images.decoder_pool import Header  # imports numpy, which an unchanged folder does not need

_PORTION = 200
"""Items that are read and committed together."""

_LOOKED_UP = 2_000
"""Items that are compared together with what is known of them, when nothing may have changed."""

_FRESH_NS = 2_000_000_000
"""A file that was younger when it was read may have changed since without another time: some file systems count in
units of two seconds. It is read once more.
"""

_SHOWN_TABLES = 5  # tables with names of absent files that are named
_SHOWN_CHARACTERS = 100  # of the name of such a file
_FETCHED = 64  # pictures that are fetched to the disk before they are stored
_JSON = json.JSONEncoder(sort_keys=True)
_SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "JPEG2000": ".jp2", "TIFF": ".tif"}
"""Pillow's format -> suffix of the stored file, where it is not the format's name."""


_Listed = TypeVar("_Listed", ListedItem, ListedItem | ListedPicture)


class _Opened(Record):
    """The result of reading a picture file. `kind` and `message`: why there is no picture; `passes`: for now.

    Without a stamp it is not the bytes that are at fault, and the file is read again the next time. `lacks_end` is that
    of a Header.
    """

    stamp: Stamp | None
    picture: Picture | None
    kind: str | None = None
    message: str | None = None
    lacks_end: bool = False
    passes: bool = False


def is_unchanged(resources: Resources, document: Document, *, mirror: bool = False) -> bool:
    """Return whether a source holds what its document's generation read from it. Opens no picture.

    With `mirror`, nothing else may be known of it.
    """
    generation = document.generation
    if generation is None:
        return False
    count = 0
    for portion in _by_key(_list_briefly(resources, document), _LOOKED_UP):
        files = {key: each for key, each in portion.items() if isinstance(each, ListedPicture)}
        items = {key: each for key, each in portion.items() if isinstance(each, ListedItem)}
        stamps = source_items.known_stamps(resources.ledger, document.id, generation, files)
        if sum(_is_as_stamped(files[key], **stamp) for key, stamp in stamps) < len(files):
            return False
        known = source_items.known_items(resources.ledger, document.id, items)
        if not all(_is_known(item, known.get(key), generation) for key, item in items.items()):
            return False
        count += len(portion)
    return count == source_items.count_known(resources.ledger, document.id, gone=mirror)


def scan(resources: Resources, work: Work, complete: bytes, *, progress: Callable[[int, int], None]) -> Scan:
    """List the source of a document, and save its new and changed items with their pictures.

    `complete`: what `complete_items` returned before this run made anything. A picture that cannot be used is saved
    with the reason. A repeated scan begins where the one before ended. Raises RunRevoked, InvalidReference if the
    folder cannot be read or the items lack what a mapping names, and failures of the file store.
    """
    ledger, settings, token = resources.ledger, resources.settings, str(ULID())
    doubts: tuple[str, ...] = ()
    if work.kind == BATCH and work.options.mapping != NO_MAPPING:
        max_bytes = settings.max_document_mb << 20
        doubts = any_shape().check_mapping_fits(Path(work.content), work.options.mapping, max_bytes=max_bytes)
    total = _count(resources, work)
    number = source_items.next_number(ledger, work.document)
    listed = skipped = read = 0
    unlisted, unclear, endless, notes = list[str](), list[str](), list[str](), SourceNotes()
    untaken = _pictures_in_batch(resources, work)
    for portion, known, changed, opened in _read_ahead(resources, work, total, progress, notes):
        source_items.mark_seen(ledger, work.run, portion.keys() - changed.keys(), token)
        items = list[ReadItem]()
        for key, item in changed.items():
            before = known.get(key)
            items.append(_read_item(work, key, item, before, number if before is None else before.number, opened))
            number += before is None
        source_items.save_items(ledger, work.run, items, token, review_below=settings.review.below)
        stored = {picture.content_key: picture.file for item in items for picture in item.extraction.pictures}
        save_sizes(ledger, work.run, stored, resources.files.sizes_on_disk(stored.values()))
        unclear += [price for item in portion.values() for price in unclear_prices(item.metadata, item.variants)]
        unlisted += [item.hides for item in portion.values() if item.hides is not None]
        untaken.difference_update(p.file for i in portion.values() for p in i.pictures if isinstance(p, ListedPicture))
        same = [known[key].number for key in portion.keys() - changed.keys()]
        same += [item.source.number for item in items if _is_same(item.source, known.get(item.source.key))]
        skipped += sum(complete[number] for number in same if number < len(complete))
        endless += [path for path, each in opened.items() if each.lacks_end]
        listed, read = listed + len(portion), read + len(opened)
        progress(listed, max(listed, total))
    if work.kind == BATCH and not listed:
        kept = " Nothing was removed." if work.options.mirror else ""
        unlisted += [""] if work.options.mirror else []  # rather than its items, it is the file that is wrong
        doubts = (*doubts, f"No item was found in it.{kept}")
    doubts = (*doubts, *notes.columns.warnings(), *truncate(notes.doubts, _SHOWN_TABLES))
    if unclear:
        doubts = (*doubts, tell_unclear(unclear))
    if work.kind == FOLDER and (unread := unread_below(Path(work.content))):
        kinds = ", ".join(f"{count:,} .{suffix}" for suffix, count in unread.most_common(SHOWN_REASONS))
        doubts = (*doubts, f"Pictures of kinds that are not read: {kinds}. Save them as JPEG or PNG.")
    if endless:
        doubts = (*doubts, f"Taken, though the end of the file is missing: {_some_of(endless)}.")
    if notes.absent:
        missing = [
            f"{one_line(table)} names files that are not there: {_some_of(files)}."
            for table, files in notes.absent.items()
        ]
        doubts = (*doubts, *truncate(missing, _SHOWN_TABLES))
    if untaken:
        shown = [os.path.relpath(file, work.content) for file in sorted(untaken)]
        doubts = (*doubts, f"Pictures in its folder that are of no item: {_some_of(shown)}.")
    moved, left = _settle_unseen(resources, work, token, tuple(unlisted))
    removed = left if work.options.mirror else 0
    return Scan(skipped=skipped, read=read, moved=moved, left=left, removed=removed, doubts=doubts)


def _some_of(files: Sequence[str]) -> str:
    named = ", ".join(shorten(one_line(file), _SHOWN_CHARACTERS) for file in files[:SHOWN_REASONS])
    return f"{named} and {len(files) - SHOWN_REASONS:,} more" if len(files) > SHOWN_REASONS else named


def _pictures_in_batch(resources: Resources, work: Work) -> set[str]:
    """Return the picture files in the folder of a batch, none for a batch of another kind."""
    if work.kind != BATCH or not Path(work.content).is_dir():
        return set()
    found = pictures_below(Path(work.content).resolve())
    return {file for file in found if not Path(file).is_symlink()}


def _list(resources: Resources, document: Document, notes: SourceNotes | None = None) -> Iterator[ListedItem]:
    """List the items of a source. `notes` gets what a person should know of its files."""
    settings, path = resources.settings, Path(document.content)
    max_bytes = settings.max_document_mb << 20
    if document.kind == TABLE:
        return list_staged(staged_file(settings.home, document.content), document.id)
    if document.kind == BATCH:
        folders = settings.picture_folders
        return list_batch(path, document.options.mapping, max_bytes=max_bytes, folders=folders, notes=notes)
    apart, categories = _batches_within(resources, document), document.options.categories
    return list_folder(path, apart=apart, categories=categories, max_bytes=max_bytes, notes=notes)


def _list_briefly(resources: Resources, document: Document) -> Iterator[ListedItem | ListedPicture]:
    """List a source; of a folder only picture files without a sidecar, because their items follow from their paths."""
    if document.kind != FOLDER:
        return _list(resources, document)
    return list_briefly(
        Path(document.content),
        apart=_batches_within(resources, document),
        categories=document.options.categories,
        max_bytes=resources.settings.max_document_mb << 20,
    )


def _batches_within(resources: Resources, document: Document) -> set[Path]:
    within = documents_within(resources.ledger, document.owner, Path(document.content))
    return {Path(each.content) for each in within if each.kind == BATCH}


def _count(resources: Resources, work: Work) -> int:
    """Return about how many items there are, to show progress; of a batch, those that were there the last time."""
    if work.kind == TABLE:
        return count_staged(staged_file(resources.settings.home, work.content), work.document)
    if work.kind == BATCH:
        return source_items.count_known(resources.ledger, work.document, gone=False)
    return sum(1 for _ in pictures_below(Path(work.content)))


def _by_key(items: Iterable[_Listed], size: int) -> Iterator[dict[str, _Listed]]:
    """Yield items by key, in portions and in order; a picture is the item of its path."""
    for portion in portions(items, size):
        yield {text_key(each.path if isinstance(each, ListedPicture) else each.item): each for each in portion}


def _read_ahead(
    resources: Resources,
    work: Work,
    total: int,
    progress: Callable[[int, int], None],
    notes: SourceNotes,
) -> Iterator[tuple[dict[str, ListedItem], dict[str, SourceItem], dict[str, ListedItem], dict[str, _Opened]]]:
    """Yield portions: its items, those known, those new or changed, and what reading their pictures gave.

    While the caller saves one portion, the pictures of the next are read: an item of the source is in one portion only.
    """
    document = get_document(resources.ledger, work.document).model_copy(update={"options": work.options})
    listed, last, away = 0, None, Counter[str]()
    with ThreadPoolExecutor(1, thread_name_prefix="read ahead") as reader:
        for portion in _by_key(_list(resources, document, notes), _PORTION):
            known = source_items.known_items(resources.ledger, work.document, portion)
            changed = {k: i for k, i in portion.items() if not _is_known(i, known.get(k), work.run.generation)}
            alive = partial(progress, listed, max(listed, total))
            reading = portion, known, changed, reader.submit(_open_files, resources, work, changed, known, alive, away)
            if last is not None:
                yield *last[:3], last[3].result()
            last, listed = reading, listed + len(portion)
        if last is not None:
            yield *last[:3], last[3].result()


# --- what is known ----------------------------------------------------------------------------------------------------


def _is_known(item: ListedItem, known: SourceItem | None, generation: str) -> bool:
    """Return whether an item was read by this generation, and is as it was then."""
    return (
        known is not None
        and (known.generation, known.digest) == (generation, _digest(item))
        and (known.kind, known.message) == _reason(item)
        and len(known.pictures) == len(item.pictures)
        and all(map(_is_as_read, item.pictures, known.pictures))
    )


def _is_as_read(picture: ListedPicture | ListedUrl, known: SourcePicture) -> bool:
    stamp = known.stamp
    if stamp is None or known.path != picture.path:
        return False
    return isinstance(picture, ListedUrl) or _is_as_stamped(
        picture, stamp.size, stamp.mtime_ns, stamp.inode, stamp.read_ns
    )


def _is_as_stamped(picture: ListedPicture, size: int, mtime_ns: int, inode: int, read_ns: int) -> bool:
    return (
        picture.size == size
        and picture.mtime_ns == mtime_ns
        and picture.inode == inode
        and mtime_ns < read_ns - _FRESH_NS
    )


def _is_same(item: SourceItem, before: SourceItem | None) -> bool:
    """Return whether an item that was read again is what it was."""
    return (
        before is not None
        and (item.digest, item.product) == (before.digest, before.product)
        and [p.content_key for p in item.pictures] == [p.content_key for p in before.pictures]
    )


def _digest(item: ListedItem) -> str:
    described: list[object] = [item.title, item.metadata, item.code]
    described += [picture.caption for picture in item.pictures] if any(p.caption for p in item.pictures) else []
    of_variants = [picture.path for picture in item.pictures if picture.of_variant]
    described += [of_variants] if of_variants else []
    described += [[variant.model_dump(exclude_defaults=True) for variant in item.variants]] if item.variants else []
    described += [[(gone.path, gone.caption, str(gone.failure)) for gone in item.missing]] if item.missing else []
    given = [item.vector.role, item.vector.tag, sha256(item.vector.data)] if item.vector else []
    return sha256(_JSON.encode(described + given).encode())


def _reason(item: ListedItem) -> tuple[str | None, str | None]:
    reason = item.failure or item.bare
    return (reason.kind, str(reason)) if reason else (None, None)


# --- new and changed items --------------------------------------------------------------------------------------------


def _read_item(
    work: Work, key: str, item: ListedItem, before: SourceItem | None, number: int, opened: Mapping[str, _Opened]
) -> ReadItem:
    """Return an item with its product, and the placements of its pictures: those read now and those known already."""
    known = {picture.path: picture for picture in before.pictures} if before else {}
    kind, message = _reason(item)
    pictures, found = list[SourcePicture](), dict[str, Picture]()
    placements, unreadable = list[Placement](), list[Unreadable]()
    for picture in item.pictures:
        at_hand = opened.get(picture.path)
        if at_hand is None:
            taken = known[picture.path]
        else:
            content = at_hand.picture.content_key if at_hand.picture else None
            taken = SourcePicture(path=picture.path, stamp=at_hand.stamp, content_key=content)
        shown = taken.content_key or unreadable_key(work.document, picture.path)
        if at_hand and at_hand.picture:
            found[shown] = at_hand.picture
        if at_hand and at_hand.kind:
            as_file = picture.as_file if isinstance(picture, ListedUrl) else None
            reason = f"{at_hand.message} A file was looked for first: {as_file}" if as_file else at_hand.message
            unreadable.append(
                Unreadable(content_key=shown, kind=at_hand.kind, message=reason or "", passes=at_hand.passes)
            )
        pictures.append(replace(taken, described=item.described))
        placements.append(_placement(work, item, picture, shown))
    for gone in item.missing:
        shown = unreadable_key(work.document, gone.path)
        unreadable.append(Unreadable(content_key=shown, kind=gone.failure.kind, message=str(gone.failure)))
        placements.append(_placement(work, item, gone, shown))
    evidence = (Evidence(rule="item", text=item.item),)
    of_variants = {place_of_item(work.document, item.item, each.path) for each in item.pictures if each.of_variant}
    is_picture = work.kind == FOLDER and not item.described  # a file that cannot be read says nothing of a product
    has_picture = any(picture.content_key for picture in pictures)
    product = None if item.failure or (is_picture and not has_picture) else _product(work, key, item)
    chunk = _chunk(work, key, item, number) if product else None
    return ReadItem(
        source=SourceItem(
            item=item.item,
            key=key,
            number=number,
            generation=work.run.generation,
            digest=_digest(item),
            product=product.id if product else None,
            pictures=tuple(pictures),
            kind=kind,
            message=message,
        ),
        product=product,
        chunk=chunk,
        extraction=Extraction(
            pictures=tuple(found.values()), placements=tuple(placements), unreadable=tuple(unreadable)
        ),
        links=tuple(
            Link(
                kind=kind,
                source=source,
                target=target,
                score=1.0,
                evidence=evidence,
                role="variant" if kind is LinkKind.IMAGE_PRODUCT and source in of_variants else None,
            )
            for kind, source, target in _links(product, chunk, placements)
        ),
        vectors={p.content_key: item.vector for p in pictures if p.content_key} if item.vector else {},
    )


def _product(work: Work, key: str, item: ListedItem) -> Product:
    return Product(
        id=item_product_id(work.document, key),
        name=item.title,
        category=item.metadata.get("category"),
        code=item.code,
        variants=item.variants,
        first_page=NO_PAGE,
        last_page=NO_PAGE,
        pages=(),
        metadata=dict(item.metadata),
        confidence=1.0,
        evidence=(Evidence(rule="item", text=item.item),),
    )


def _chunk(work: Work, key: str, item: ListedItem, number: int) -> Chunk:
    """Return the text of an item as a chunk, embedded once for all of its pictures. A changed text is another chunk."""
    captions = [picture.caption for picture in item.pictures]
    text = ". ".join(dict.fromkeys(filter(None, (item.title, item.text, *captions))))  # models know where one ends
    return Chunk(
        id=chunk_id(work.document, f"{key}:{text_key(text)}"),
        parent=None,
        ordinal=number,
        kind="text",
        text=text,
        text_key=text_key(text),
        headings=(),
        pages=(),
    )


def _links(
    product: Product | None, chunk: Chunk | None, placements: Sequence[Placement]
) -> Iterator[tuple[LinkKind, str, str]]:
    """Yield kind, source and target of the links between an item's product, text and pictures."""
    if product and chunk:
        yield LinkKind.CHUNK_PRODUCT, chunk.id, product.id
        for placement in placements:
            yield LinkKind.IMAGE_PRODUCT, placement.id, product.id
            yield LinkKind.IMAGE_CHUNK, placement.id, chunk.id


def _placement(
    work: Work, item: ListedItem, picture: ListedPicture | ListedUrl | MissingPicture, content_key: str
) -> Placement:
    return Placement(
        id=place_of_item(work.document, item.item, picture.path),
        page=NO_PAGE,
        kind="file",
        bbox=NO_BOX,
        xref=None,
        path=picture.path,
        state=PlacementState.SHOWN,
        content_key=content_key,
        caption=picture.caption or item.title,
        nearby_text=item.text,
    )


# --- files ------------------------------------------------------------------------------------------------------------


def _open_files(
    resources: Resources,
    work: Work,
    items: Mapping[str, ListedItem],
    known: Mapping[str, SourceItem],
    alive: Callable[[], None],
    away: Counter[str],
) -> dict[str, _Opened]:
    """Read the pictures of these items that are not known, or all of them if the generation was forced.

    Return path -> what reading gave. `alive` is called after each picture that was fetched; `away` are the hosts that
    do not answer (download_pictures).
    """
    forced = work.force == work.run.generation
    to_read = dict[str, ListedPicture | ListedUrl]()
    for key, item in items.items():
        before = {} if forced or key not in known else {picture.path: picture for picture in known[key].pictures}
        for picture in item.pictures:
            at_hand = before.get(picture.path)
            if at_hand is None or at_hand.content_key is None or not _is_as_read(picture, at_hand):
                to_read[picture.path] = picture
    files = [picture for picture in to_read.values() if isinstance(picture, ListedPicture)]
    urls = [picture.path for picture in to_read.values() if isinstance(picture, ListedUrl)]
    read = dict(zip((picture.path for picture in files), _read_files(resources, files), strict=True))
    for portion in portions(urls, _FETCHED):
        read |= _read_urls(resources, portion, alive, away)
    return read


def _read_urls(
    resources: Resources, urls: Sequence[str], alive: Callable[[], None], away: Counter[str]
) -> dict[str, _Opened]:
    """Fetch pictures, and read them like files. Return URL -> what that gave."""
    from swatchbook.store.files.fetch import download_pictures  # imports an HTTP client, which no other source needs

    with ExitStack() as stack:
        folder = resources.settings.temporary_folder
        into = {url: stack.enter_context(temporary_file(folder)) for url in urls}
        fetched = asyncio.run(download_pictures(resources.settings, into, progress=alive, away=away))
        arrived = [
            ListedPicture(path=url, file=str(into[url]), size=got.size, mtime_ns=0, inode=0)
            for url, got in fetched.items()
            if not isinstance(got, Failure)
        ]
        read = dict(zip((picture.path for picture in arrived), _read_files(resources, arrived), strict=True))
    return read | {url: _unfetched(failure) for url, failure in fetched.items() if isinstance(failure, Failure)}


def _read_files(resources: Resources, pictures: Sequence[ListedPicture]) -> list[_Opened]:
    """Check the headers of picture files in child processes, and copy the files into the file store."""
    limits = ImageLimits.of(resources.settings)
    refused = [_refusal(picture, limits) for picture in pictures]
    to_check = [Path(p.file) for p, failure in zip(pictures, refused, strict=True) if failure is None]
    headers = iter(resources.decoders.headers(to_check) if to_check else [])
    checked = [failure or next(headers) for failure in refused]
    now = time.time_ns()

    def store(picture: ListedPicture, header: "Header | Failure") -> _Opened:
        stamp = Stamp(size=picture.size, mtime_ns=picture.mtime_ns, inode=picture.inode, read_ns=now)
        if isinstance(header, Failure):
            return _unusable(header, stamp)
        suffix = _SUFFIXES.get(header.format, f".{header.format.lower()}")
        try:
            file = resources.files.put_file(Path(picture.file), suffix, flush=False)
        except (Failure, OSError) as error:
            return _unusable(_blame_file(error), stamp)
        stored = Picture(
            content_key=file[:64], file=file, width=header.width, height=header.height, mode=header.mode,
            passed_through=True,
        )  # fmt: skip
        return _Opened(stamp=stamp, picture=stored, lacks_end=header.lacks_end)

    with ThreadPoolExecutor(resources.files.at_once, thread_name_prefix="store") as storers:
        opened = list(storers.map(store, pictures, checked))
    if pictures:
        resources.files.flush_all()
    return opened


def _refusal(picture: ListedPicture, limits: ImageLimits) -> Failure | None:
    """Return why a file is not opened at all."""
    if picture.size == 0:
        return UnreadableImage("The file is empty.")
    try:
        limits.check_bytes(picture.size)
    except Failure as failure:
        return failure
    return None


def _blame_file(error: Failure | OSError) -> Failure:
    """Return why a file was not stored. Raises what concerns all files: the file store or its disk."""
    failure = as_failure(error)
    if failure.policy in SHARED_POLICIES:
        raise failure
    if isinstance(error, OSError):
        return FileMissing(f"The picture's file cannot be opened: {reason_of(error)}.")
    return failure


def _unusable(failure: Failure, stamp: Stamp) -> _Opened:
    """Return a file without a picture. If it is the bytes that are at fault, they are not read again."""
    kept = stamp if failure.policy is Policy.NEVER and not isinstance(failure, InvalidReference) else None
    return _Opened(stamp=kept, picture=None, kind=failure.kind, message=str(failure))


def _unfetched(failure: Failure) -> _Opened:
    """Return a URL without a picture. It is not asked again if its answer was final, as for a missing page."""
    is_final = failure.policy is Policy.NEVER and not isinstance(failure, RefusedAddress)
    stamp = Stamp(size=0, mtime_ns=0, inode=0, read_ns=time.time_ns()) if is_final else None
    passes = failure.policy is not Policy.NEVER
    return _Opened(stamp=stamp, picture=None, kind=failure.kind, message=str(failure), passes=passes)


# --- what is gone -----------------------------------------------------------------------------------------------------


def _settle_unseen(resources: Resources, work: Work, token: str, unlisted: tuple[str, ...]) -> tuple[int, int]:
    """Remove items that were moved or show nothing, and mark the other ones that are gone; return their numbers.

    With the option `mirror` the others are removed, too. `unlisted`: beginnings of the ids of items that may be there
    and could not be listed. An item of a batch or table is never moved: another one may show the same picture.
    """
    moved, left = 0, 0
    for portion in source_items.unseen_items(resources.ledger, work.document, token):
        # a failure of a run before, which has nothing to lose, goes even if items may be there that were not listed
        absent = [item for item in portion if not (item.product and item.item.startswith(unlisted))]
        contents = {key for item in absent for key in _contents(item)} if work.kind == FOLDER else set[str]()
        shown = source_items.content_keys_seen(resources.ledger, work.document, token, contents)
        dropped = {i.key for i in absent if not i.product or (_contents(i) and _contents(i) <= shown)}
        moved += sum(bool(_contents(item)) for item in absent if item.key in dropped)
        gone = {item.key for item in absent} - dropped
        source_items.remove_items(resources.ledger, work.run, dropped | gone if work.options.mirror else dropped)
        source_items.mark_gone(resources.ledger, work.run, set() if work.options.mirror else gone)
        left += len(gone)
    return moved, left


def _contents(item: SourceItem) -> set[str]:
    return {picture.content_key for picture in item.pictures if picture.content_key}
