"""Stage 0 for a folder of pictures: check it and queue its document, whose content is the folder's absolute name. When
a folder is unchanged: `scan.py`. Which folders a flow may name: those below SWATCHBOOK_INPUT_ROOTS, and those that a
command has registered.
"""

from pathlib import Path

from swatchbook.errors import InvalidReference, UnsupportedFormat
from swatchbook.ledger.documents import FOLDER, get_document, queue
from swatchbook.ledger.schedule import document_statuses
from swatchbook.pipeline.register import Registered, build_request, is_answered
from swatchbook.pipeline.scan import is_unchanged
from swatchbook.records import DocumentStatus, IngestOptions, document_id
from swatchbook.resources import Resources
from swatchbook.runtime.disk import keep_reserve


def register_folder(
    resources: Resources,
    source: str | Path,
    *,
    owner: str,
    options: IngestOptions,
    again: tuple[DocumentStatus, ...] = (DocumentStatus.FAILED, DocumentStatus.CANCELLED),
) -> Registered:
    """Queue the document of a folder; a known one is found again. `unchanged`: nothing in it is new or changed.

    Raises InvalidReference, UnsupportedFormat, Configuration.
    """
    folder = _checked(Path(source))
    request = build_request(resources.settings, options)
    keep_reserve(resources.settings.home)
    document = queue(
        resources.ledger,
        owner=owner,
        content=str(folder),
        kind=FOLDER,
        name=folder.name or str(folder),
        file=None,
        size=0,
        options=options,
        again=again,
    )
    unchanged = is_answered(resources, document, request, options) and is_unchanged(resources, document)
    return Registered(document=get_document(resources.ledger, document.id), request=request, unchanged=unchanged)


def register_known_folder(resources: Resources, source: str, *, owner: str, options: IngestOptions) -> Registered:
    """Register what a flow is given: a folder under SWATCHBOOK_INPUT_ROOTS, or one that is registered.

    A cancelled document of a registered folder stays cancelled. Raises what `register_folder` raises.
    """
    folder = Path(source).resolve()
    if document_statuses(resources.ledger, [document_id(owner, str(folder))]):
        return register_folder(resources, folder, owner=owner, options=options, again=(DocumentStatus.FAILED,))
    if not any(folder.is_relative_to(root.resolve()) for root in resources.settings.input_roots):
        raise InvalidReference(
            f"{source!r} is neither a folder under SWATCHBOOK_INPUT_ROOTS nor one that was ingested before.",
            advice="Use `swatchbook ingest-images`, or add it to SWATCHBOOK_INPUT_ROOTS.",
        )
    return register_folder(resources, folder, owner=owner, options=options)


def _checked(path: Path) -> Path:
    """Return the absolute name of a folder. Raises InvalidReference, UnsupportedFormat."""
    try:
        folder = path.resolve()
        str(folder).encode()
        if not folder.exists():
            raise InvalidReference(f"{path}: no such folder.", advice="Check the path.")
        if not folder.is_dir():
            raise UnsupportedFormat(f"{path}: not a folder.", advice="Give a folder of pictures.")
    except UnicodeEncodeError as error:
        shown = str(path).encode(errors="replace").decode()
        raise InvalidReference(f"{shown}: its name is not UTF-8.", advice="Rename the folder.") from error
    except OSError as error:
        raise InvalidReference(f"{path}: {error.strerror}.", advice="Check the path.") from error
    return folder
