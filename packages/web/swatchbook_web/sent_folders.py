"""Show how the batches of a folder sent by a browser would be read, and start or cancel the folder.

A sent folder without a batch is started at once; `gc` removes what nobody starts within a day.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from swatchbook.domain.errors import Failure, InvalidReference
from swatchbook.domain.records import NO_MAPPING, BatchMapping, BatchPlan, DocumentStatus, IngestOptions, Record
from swatchbook.ingest.find_sources import find_sources
from swatchbook.ingest.register import Registered
from swatchbook.ingest.register_path import find_known, register_folder
from swatchbook.resources import Resources
from swatchbook.store.ledger.owners import id_of_document
from swatchbook.store.ledger.stored_documents import BATCH
from swatchbook_base.child_process import Child
from swatchbook_web.sent_files import dropped_folder, forget_sent, list_sent, sent_folder, take_in

MOST_PLANNED = 20
"""The most batches of one folder that are shown before they start; the others are read by the rules."""

CHILD = "swatchbook_web.plan_child"

_READ_AGAIN = (
    DocumentStatus.QUEUED, DocumentStatus.WAITING, DocumentStatus.BLOCKED, DocumentStatus.COMPLETED,
    DocumentStatus.FAILED, DocumentStatus.CANCELLED,
)  # fmt: skip


class SentFolder(Record):
    """A folder that was sent. `path`: where its files wait; `kept`: where those of its documents are."""

    owner: str
    name: str
    path: Path
    kept: Path


class SentBatch(Record):
    """The plan to read a batch of a sent folder. `place`: its path in the folder; `problem`: why there is no plan."""

    place: Path
    mapping: BatchMapping
    plan: BatchPlan | None
    problem: str | None


def get_sent(resources: Resources, owner: str, name: str) -> SentFolder:
    """Return where a folder of this owner and name is, whether it was sent or not. Raises InvalidReference."""
    home = resources.settings.home.resolve()
    id = id_of_document(resources.ledger, owner, f"dropped {name}")
    return SentFolder(owner=owner, name=name, path=sent_folder(home, id, name), kept=dropped_folder(home, id, name))


def waiting_folders(resources: Resources, owner: str) -> list[str]:
    """Return the names of an owner's folders that wait for a person, because they hold a batch."""
    names = list[str]()
    for id, path in list_sent(resources.settings.home.resolve()):
        is_his = id_of_document(resources.ledger, owner, f"dropped {path.name}") == id
        if is_his and batches_in(resources, path):
            names.append(path.name)
    return names


def batches_in(resources: Resources, folder: Path) -> list[Path]:
    """Return the batches in a folder, each as its folder within that one."""
    sources = find_sources(folder, resources.settings.image_suffixes)
    return [source.path.relative_to(folder) for source in sources if source.kind == BATCH]


def known_mapping(resources: Resources, sent: SentFolder, place: Path) -> BatchMapping:
    """Return the mapping with which a batch was read before."""
    known = find_known(resources, sent.owner, sent.kept / place)
    return known.options.mapping if known else NO_MAPPING


def read_now(resources: Resources, sent: SentFolder, places: Iterable[Path]) -> list[str]:
    """Return the names of those batches that were sent before, and are read at this moment: they must not change."""
    known = (find_known(resources, sent.owner, sent.kept / place) for place in places)
    return [document.name for document in known if document and document.status == DocumentStatus.RUNNING]


def plan_sent(resources: Resources, sent: SentFolder, mappings: Mapping[Path, BatchMapping]) -> list[SentBatch]:
    """Return how the batches of a sent folder would be read: `mappings` by their folders, in this order.

    A child process reads them: what it cannot read within its limits has a problem instead of a plan.
    """
    settings = resources.settings
    with Child(CHILD, memory_mb=settings.child_memory_mb) as child:
        planned = list[SentBatch]()
        for place, mapping in mappings.items():
            plan, problem = None, None
            request = {
                "path": str(sent.path / place),
                "mapping": mapping.model_dump(mode="json"),
                "item_fields": settings.item_fields,
                "max_bytes": settings.max_document_mb << 20,
                "folders": [str(folder) for folder in (*settings.picture_folders, sent.kept / place)],
            }
            try:
                answer, _ = child.ask(request, seconds=settings.page_seconds)
                plan = BatchPlan.model_validate(answer)
            except Failure as failure:
                problem = str(failure)
            planned.append(SentBatch(place=place, mapping=mapping, plan=plan, problem=problem))
    return planned


def start_sent(resources: Resources, sent: SentFolder, mappings: Mapping[Path, BatchMapping]) -> list[Registered]:
    """Move a sent folder to the files of its documents, and queue these, batches with their mappings.

    Raises InvalidReference, also if nothing of this folder was ever sent.
    """
    settled = {place: _settled(resources, sent, place, mapping) for place, mapping in mappings.items()}
    if sent.path.is_dir():
        take_in(sent.path, sent.kept)
    if not sent.kept.is_dir():
        raise InvalidReference("No file of this folder was sent.", advice="Send its files first.")
    registered = list[Registered]()
    for source in find_sources(sent.kept, resources.settings.image_suffixes):
        mapping = settled.get(source.path.relative_to(sent.kept), NO_MAPPING)
        options = IngestOptions(mapping=mapping) if source.kind == BATCH else IngestOptions()
        ask = partial(register_folder, resources, source.path, owner=sent.owner, options=options, kind=source.kind)
        made = ask()
        registered.append(made if made.unchanged else ask(again=_READ_AGAIN))
    return registered


def cancel_sent(sent: SentFolder) -> None:
    """Remove the files of a sent folder; those of its documents stay."""
    forget_sent(sent.path)


def _settled(resources: Resources, sent: SentFolder, place: Path, mapping: BatchMapping) -> BatchMapping:
    """Return a mapping that is not replaced by the one of before: without one, it names what the rules read."""
    if mapping != NO_MAPPING or known_mapping(resources, sent, place) == NO_MAPPING:
        return mapping
    (batch,) = plan_sent(resources, sent, {place: NO_MAPPING})
    return BatchMapping.model_validate({"columns": batch.plan.fields}) if batch.plan else mapping
