"""Keep pictures and files of items that a browser sends, under the home; show how a file of items would be read.

Pictures go to one folder of their owner. A file of items waits in `sent` until a person starts it, at most a day
(`gc`); then it moves to `dropped`, in place of one with the same name. The core removes files with the last of their
documents (`swatchbook/ingest/sources/dropped.py`).
"""

import shutil
from contextlib import suppress
from functools import partial
from pathlib import Path

from swatchbook.domain.errors import Failure, InvalidReference, UnsupportedFormat
from swatchbook.domain.records import NO_MAPPING, BatchMapping, BatchPlan, DocumentStatus, IngestOptions, Record
from swatchbook.ingest.register import Registered
from swatchbook.ingest.register_path import find_known, register_folder
from swatchbook.ingest.sources.folder import is_picture
from swatchbook.ingest.sources.item_files import has_item_suffix, kind_of_file
from swatchbook.ingest.sources.unknown_file import describe_unknown
from swatchbook.resources import Resources
from swatchbook.store.ledger.owners import id_of_document
from swatchbook.store.ledger.stored_documents import BATCH, FOLDER, Document
from swatchbook_base.check_file import check_size
from swatchbook_base.child_process import Child

CHILD = "swatchbook_web.plan_child"

MOST_BYTES = 200
"""The most bytes of the name of a file; file systems take 255."""

_PICTURES = "pictures"  # no file of items has this name: each has a suffix
_READ_AGAIN = (
    DocumentStatus.QUEUED, DocumentStatus.WAITING, DocumentStatus.BLOCKED, DocumentStatus.COMPLETED,
    DocumentStatus.FAILED, DocumentStatus.CANCELLED,
)  # fmt: skip


class SentFile(Record):
    """A file of items that was sent. `waiting`: the folder in which it waits; `kept`: the folder of its document."""

    owner: str
    name: str
    waiting: Path
    kept: Path


def get_sent(resources: Resources, owner: str, name: str) -> SentFile:
    """Return where a file of this owner and name is, whether it was sent or not. Raises InvalidReference."""
    home, folder = resources.settings.home.resolve(), _checked(name)
    id = id_of_document(resources.ledger, owner, f"dropped {name}")
    waiting, kept = (home / root / id / folder for root in ("sent", "dropped"))
    return SentFile(owner=owner, name=name, waiting=waiting, kept=kept)


def waiting_files(resources: Resources, owner: str) -> list[str]:
    """Return the names of an owner's files that wait for a person."""
    paths = (resources.settings.home.resolve() / "sent").glob("*/*")
    return sorted(path.name for path in paths if get_sent(resources, owner, path.name).waiting == path)


def keep_file(resources: Resources, file: Path, owner: str, name: str) -> SentFile | None:
    """Move a file to where it is kept, in place of one with the same name. Return it if it waits for a person.

    Raises InvalidReference for a name that leads elsewhere, TooLarge, and UnsupportedFormat for a file that is neither
    a picture nor a file of items.
    """
    settings = resources.settings
    if is_picture(_checked(name)):
        check_size(file.stat().st_size, settings.max_image_mb << 20, name=f"{name}: the file")
        _move(file, get_sent(resources, owner, _PICTURES).kept / name)
        return None
    if not has_item_suffix(name):
        if (kind := kind_of_file(file)) is None:
            unknown = describe_unknown(file)
            raise UnsupportedFormat(unknown.message.replace(file.name, name), advice=unknown.advice)
        name += kind.suffix  # the name under which it is found in a folder
    sent = get_sent(resources, owner, name)
    _move(file, sent.waiting / name)
    return sent


def start_pictures(resources: Resources, owner: str) -> Registered:
    """Queue the folder of the pictures that an owner has sent. Raises InvalidReference if there are none."""
    folder = get_sent(resources, owner, _PICTURES).kept
    if not folder.is_dir():
        raise InvalidReference("No picture was sent.", advice="Send one first.")
    return _queue(resources, folder, owner, FOLDER, IngestOptions())


def find_document(resources: Resources, sent: SentFile) -> Document | None:
    """Return the document of a file with this name that was sent before."""
    return find_known(resources, sent.owner, sent.kept)


def known_mapping(resources: Resources, sent: SentFile) -> BatchMapping:
    """Return the mapping with which a file of this name was read before."""
    known = find_document(resources, sent)
    return known.options.mapping if known else NO_MAPPING


def plan_sent(resources: Resources, sent: SentFile, mapping: BatchMapping) -> BatchPlan:
    """Return how a sent file would be read. A child process reads it, within its limits. Raises Failure."""
    settings = resources.settings
    request = {
        "path": str(sent.waiting),
        "mapping": mapping.model_dump(mode="json"),
        "max_bytes": settings.max_document_mb << 20,
        "folders": [str(folder) for folder in settings.picture_folders],
    }
    with Child(CHILD, memory_mb=settings.child_memory_mb) as child:
        return BatchPlan.model_validate(child.ask(request, seconds=settings.page_seconds)[0])


def start_sent(resources: Resources, sent: SentFile, mapping: BatchMapping) -> Registered:
    """Move a sent file to the files of its document, and queue this with a mapping. Raises InvalidReference."""
    if mapping == NO_MAPPING and known_mapping(resources, sent) != NO_MAPPING:  # without one that of before is kept
        with suppress(Failure):
            mapping = BatchMapping.model_validate({"columns": plan_sent(resources, sent, NO_MAPPING).fields})
    for file in sent.waiting.iterdir():
        _move(file, sent.kept / file.name)
    forget_sent(sent)
    return _queue(resources, sent.kept, sent.owner, BATCH, IngestOptions(mapping=mapping))


def forget_sent(sent: SentFile) -> None:
    """Remove a file that waits; that of its document stays."""
    shutil.rmtree(sent.waiting.parent, ignore_errors=True)


def _queue(resources: Resources, folder: Path, owner: str, kind: str, options: IngestOptions) -> Registered:
    ask = partial(register_folder, resources, folder, owner=owner, options=options, kind=kind)
    made = ask()
    return made if made.unchanged else ask(again=_READ_AGAIN)


def _move(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    file.replace(target)


def _checked(name: str) -> str:
    """Return the name of a file. Raises InvalidReference if it cannot be one."""
    if not name or name.startswith(".") or not name.isprintable() or "/" in name or "\\" in name:
        raise InvalidReference(f"{name!r} cannot be the name of a file here.", advice="Rename it.")
    if len(name.encode()) > MOST_BYTES:
        raise InvalidReference("The name of a file is too long.", advice="Rename it.")
    return name
