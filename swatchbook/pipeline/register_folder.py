"""Stage 0 for a folder of pictures, a scraped batch, and an owner's rows of an imported table: check it and queue its
document, whose content is its absolute name. When it is unchanged: `scan.py`. What a flow may name: what is below
SWATCHBOOK_INPUT_ROOTS, and what a command has registered. A folder with JSON or JSONL files directly in it is a batch.
"""

from pathlib import Path

from swatchbook.errors import InvalidReference, UnsupportedFormat
from swatchbook.ledger.documents import BATCH, FOLDER, TABLE, Document, get_document, queue
from swatchbook.ledger.owners import id_of_document
from swatchbook.pipeline.register import Registered, build_request, is_answered
from swatchbook.pipeline.scan import is_unchanged
from swatchbook.records import DocumentStatus, IngestOptions
from swatchbook.resources import Resources
from swatchbook.runtime.disk import keep_reserve
from swatchbook.sources.batch import is_batch


def register_folder(
    resources: Resources,
    source: str | Path,
    *,
    owner: str,
    options: IngestOptions,
    kind: str | None = None,
    again: tuple[DocumentStatus, ...] = (DocumentStatus.FAILED, DocumentStatus.CANCELLED),
) -> Registered:
    """Queue the document of a folder or batch; a known one is found again. `unchanged`: nothing is new or changed.

    `kind`: None for what it was before, or looks like. The source of an imported table is its absolute name. Raises
    InvalidReference, UnsupportedFormat, Configuration.
    """
    folder = Path(source) if kind == TABLE else _checked(Path(source))  # the rows of a table are staged
    known = _known(resources, owner, folder)
    kind = kind or (known.kind if known and known.kind != TABLE else BATCH if is_batch(folder) else FOLDER)
    if kind != TABLE and not folder.is_dir() and (kind == FOLDER or not is_batch(folder)):
        raise UnsupportedFormat(
            f"{source}: not a folder, nor a batch.", advice="Give a folder of pictures, or a .json or .jsonl file."
        )
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
    )
    if document.kind != kind:
        raise InvalidReference(
            f"{folder} was ingested as a {document.kind} before, not as a {kind}.",
            advice=f"Name it as that, or delete it first: swatchbook delete {document.id[:8]} --owner {owner}",
        )
    unchanged = is_answered(resources, document, request, options) and is_unchanged(
        resources, document, mirror=options.mirror
    )
    return Registered(document=get_document(resources.ledger, document.id), request=request, unchanged=unchanged)


def register_known_folder(resources: Resources, source: str, *, owner: str, options: IngestOptions) -> Registered:
    """Register what a flow is given: a folder or batch under SWATCHBOOK_INPUT_ROOTS, or what is registered already.

    A cancelled document that is registered stays cancelled. Raises what `register_folder` raises.
    """
    folder = Path(source).resolve()
    if known := _known(resources, owner, folder):
        return register_folder(
            resources, folder, owner=owner, options=options, kind=known.kind, again=(DocumentStatus.FAILED,)
        )
    if not any(folder.is_relative_to(root.resolve()) for root in resources.settings.input_roots):
        raise InvalidReference(
            f"{source!r} is neither under SWATCHBOOK_INPUT_ROOTS nor was it ingested before.",
            advice="Use `swatchbook ingest-images`, or add it to SWATCHBOOK_INPUT_ROOTS.",
        )
    return register_folder(resources, folder, owner=owner, options=options)


def _known(resources: Resources, owner: str, folder: Path) -> Document | None:
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
        raise InvalidReference(f"{path}: {error.strerror}.", advice="Check the path.") from error
    return folder
