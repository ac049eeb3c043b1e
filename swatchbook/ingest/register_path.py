"""Register what a path names: a PDF (by `register.py`), a folder, a scraped batch, or an imported table (stage 0).

- The content of a folder, batch or table is its absolute name.
- A flow may name what is below SWATCHBOOK_INPUT_ROOTS, and what a command has registered.
- The schedule scans one again if it is completed and has changed; `scan.py` has the rule when it is unchanged.
- `find_sources.py` decides whether a path is a folder or a batch.
"""

import os
from functools import partial
from pathlib import Path

from swatchbook.domain.errors import InvalidReference, UnsupportedFormat, reason_of
from swatchbook.domain.records import NO_MAPPING, DocumentStatus, IngestOptions
from swatchbook.domain.runtime.disk import keep_reserve
from swatchbook.ingest.delete import restore_source
from swatchbook.ingest.find_sources import kind_of, nothing_in
from swatchbook.ingest.register import Registered, build_request, is_answered, is_in, register, register_after_delete
from swatchbook.ingest.scan import is_unchanged
from swatchbook.ingest.sources.folder import list_files
from swatchbook.ingest.sources.item_files import any_shape, kind_of_file
from swatchbook.ingest.sources.unknown_file import describe_unknown
from swatchbook.resources import Resources
from swatchbook.store.ledger.owners import id_of_document
from swatchbook.store.ledger.stored_documents import BATCH, FOLDER, PDF, TABLE, Document, get_document, queue


def register_path(
    resources: Resources,
    path: Path,
    *,
    kind: str | None,
    owner: str,
    options: IngestOptions,
    edition_of: str | None = None,
) -> Registered:
    """Queue the document of a local path: a PDF with `register`, anything else with `register_folder`.

    Raises InvalidReference for an edition that is no PDF.
    """
    if kind == PDF:
        return register(resources, path, owner=owner, options=options, edition_of=edition_of)
    if edition_of:
        raise InvalidReference(
            f"{path.name} is not a PDF: only a PDF can be a newer edition.",
            advice="A folder or batch is ingested again as it is: what has changed in it is found.",
        )
    return register_folder(resources, path, owner=owner, options=options, kind=kind)


def register_source(
    resources: Resources, path: Path, *, kind: str | None, owner: str, options: IngestOptions, edition_of: str | None
) -> Registered:
    """Register a path; what another process is deleting now is waited for, as this was asked for after the delete."""
    ask = partial(register_path, resources, path, kind=kind, owner=owner, options=options, edition_of=edition_of)
    return register_after_delete(resources, ask)


def register_folder(
    resources: Resources,
    source: str | Path,
    *,
    owner: str,
    options: IngestOptions,
    kind: str | None = None,
    again: tuple[DocumentStatus, ...] = (DocumentStatus.FAILED, DocumentStatus.CANCELLED),
    begins: bool = False,
    known: bool = False,
) -> Registered:
    """Queue the document of a folder or batch; a known one is found again. `unchanged`: nothing is new or changed.

    `kind`: None for what it was before, or looks like. `begins`, `known`: see `queue`. The source of an imported table
    is its absolute name. Raises InvalidReference, UnsupportedFormat (also for a folder without pictures, or a file
    without items, that is not known yet), Configuration.
    """
    folder = Path(source) if kind == TABLE else _checked(Path(source))  # the rows of a table are staged
    if not known:
        restore_source(resources, owner, str(folder))
    before = find_known(resources, owner, folder)
    kind = _choose_kind(source, folder, kind, before)
    if before and options.mapping == NO_MAPPING:
        options = options.model_copy(update={"mapping": before.options.mapping})
    request = build_request(resources.settings, options)
    keep_reserve(resources.settings.home)
    document = queue(
        resources.ledger,
        owner=owner,
        content=str(folder),
        kind=kind,
        name=folder.name or str(folder),
        file=None,
        size=0,
        options=options,
        again=again,
        begins=begins,
        known=known,
    )
    if document.kind != kind:
        raise InvalidReference(
            f"{folder} was ingested as a {document.kind} before, not as a {kind}.",
            advice=f"Name it as that, or delete it first: swatchbook delete {document.id[:8]} --owner {owner}",
        )
    asked = document.model_copy(update={"options": options})
    unchanged = is_answered(resources, document, request, options) and is_unchanged(
        resources, asked, mirror=options.mirror
    )
    return Registered(
        document=get_document(resources.ledger, document.id), options=options, request=request, unchanged=unchanged
    )


def _choose_kind(source: str | Path, folder: Path, kind: str | None, before: Document | None) -> str:
    """Return the kind of a source that may be ingested: as asked, as it was `before`, or as it looks.

    Raises UnsupportedFormat.
    """
    kind = kind or (before.kind if before and before.kind != TABLE else kind_of(folder))
    is_there = kind == TABLE or folder.is_dir() or kind == kind_of(folder)
    if kind == PDF or not is_there:
        raise UnsupportedFormat(
            f"{source}: not a folder, nor a picture or a batch.",
            advice="Give a folder of pictures, a picture, or a file of items (JSON, CSV, XML, Excel). `swatchbook "
            "ingest` takes PDFs.",
        )
    if kind == FOLDER and before is None and not any(list_files(folder)):
        raise nothing_in(Path(source))
    if kind == BATCH and before is None and folder.is_file() and os.access(folder, os.R_OK):
        is_named_so = folder.name.lower().endswith(any_shape().sure_suffixes)
        if not is_named_so and kind_of_file(folder) is None:
            raise describe_unknown(folder)
    return kind


def register_known_folder(
    resources: Resources, source: str, *, owner: str, options: IngestOptions, known: bool = False
) -> Registered:
    """Register what a flow is given: a folder or batch under SWATCHBOOK_INPUT_ROOTS, or what is registered already.

    A cancelled document that is registered stays cancelled. `known`: see `queue`. Raises InvalidReference for a folder
    of pictures that the settings do not allow, and what `register_folder` raises.
    """
    folder, root, settings = Path(source).resolve(), options.mapping.root, resources.settings
    before = find_known(resources, owner, folder)
    is_known = before is not None and before.options.mapping.root == root
    if root and not is_known and not is_in(root.resolve(), (*settings.picture_folders, *settings.input_roots)):
        raise InvalidReference(
            f"The folder of pictures {str(root)!r} is neither under SWATCHBOOK_PICTURE_FOLDERS nor "
            "SWATCHBOOK_INPUT_ROOTS.",
            advice="Add it to SWATCHBOOK_PICTURE_FOLDERS, or use `swatchbook ingest --mapping`.",
        )
    if before is None and not is_in(folder, settings.input_roots):
        raise InvalidReference(
            f"{source!r} is neither under SWATCHBOOK_INPUT_ROOTS nor was it ingested before.",
            advice="Use `swatchbook ingest-images`, or add it to SWATCHBOOK_INPUT_ROOTS.",
        )
    kind, again = before.kind if before else None, (DocumentStatus.FAILED,)
    return register_folder(
        resources, folder, owner=owner, options=options, kind=kind, again=again, begins=True, known=known
    )


def find_changed(resources: Resources, document_id: str) -> Document | None:
    """Return a document if it is a completed folder or batch that holds something new or changed, else None.

    What waits or is blocked is resumed in other ways; what failed or was cancelled waits for a person. Opens no
    picture. Raises InvalidReference if the document or its folder is gone, or cannot be read.
    """
    document = get_document(resources.ledger, document_id)
    if document.kind == PDF or document.status != DocumentStatus.COMPLETED:
        return None
    return None if is_unchanged(resources, document, mirror=document.options.mirror) else document


def find_known(resources: Resources, owner: str, folder: Path) -> Document | None:
    """Return the document of a folder or batch by its absolute name, None if it was not ingested before."""
    try:
        return get_document(resources.ledger, id_of_document(resources.ledger, owner, str(folder)))
    except InvalidReference:
        return None


def _checked(path: Path) -> Path:
    """Return the absolute name of a folder or file. Raises InvalidReference."""
    try:
        folder = path.resolve()
        str(folder).encode()
        if not folder.exists():
            raise InvalidReference(f"{path}: no such file or folder.", advice="Check the path.")
    except UnicodeEncodeError as error:
        shown = str(path).encode(errors="replace").decode()
        raise InvalidReference(f"{shown}: its name is not UTF-8.", advice="Rename it.") from error
    except OSError as error:
        raise InvalidReference(f"{path}: {reason_of(error)}.", advice="Check the path.") from error
    return folder
