"""`swatchbook ingest-images`: ingest folders of pictures and scraped batches, and count their items."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from interface.cli.ingest import ingest
from swatchbook.ledger.documents import BATCH, FOLDER, get_document
from swatchbook.ledger.queries.source_items import failed_ids
from swatchbook.pipeline.register import Registered
from swatchbook.pipeline.register_folder import register_folder
from swatchbook.records import IngestOptions, ItemCounts, Record, RunReport
from swatchbook.resources import Resources

ALL = "all"
"""Source of the counts of all sources together."""

KINDS: Mapping[str, str | None] = {"references": FOLDER, "scraped": BATCH, "all": None}
"""What `--mode` says of the paths; `all`: look what each is."""


class SourceCounts(ItemCounts):
    """The items of one source, or of all, with the ids of all that failed."""

    source: str
    document_id: str | None = None
    status: str | None = None


class Ingested(Record):
    """What `--json` prints."""

    sources: tuple[SourceCounts, ...]
    total: SourceCounts


def ingest_images(
    resources: Resources, kinds: Mapping[Path, str | None], *, owner: str, options: IngestOptions, quiet: bool
) -> tuple[Ingested, int]:
    """Ingest each source. Return the counts and the exit code; a source that fails does not stop the others.

    `kinds`: path -> the kind of document that it is, None to look.
    """

    def take(resources: Resources, path: Path, **given: Any) -> Registered:
        return register_folder(resources, path, kind=kinds[path], **given)

    reports, code = ingest(resources, list(kinds), owner=owner, options=options, quiet=quiet, take=take)
    sources = tuple(counts_of(resources, report) for report in reports)
    return Ingested(sources=sources, total=total_of(sources)), code


def counts_of(resources: Resources, report: RunReport) -> SourceCounts:
    """Return the items of the document of a report."""
    counted = (report.items or ItemCounts()).model_dump(mode="json")
    if counted["failed_items"]:
        counted["failed_ids"] = tuple(failed_ids(resources.ledger, report.document_id))
    document = get_document(resources.ledger, report.document_id)
    return SourceCounts(**counted, source=document.content, document_id=document.id, status=document.status.value)


def total_of(sources: Sequence[SourceCounts]) -> SourceCounts:
    """Return the items of all sources together."""
    counted = dict[str, Any]()
    for name in ItemCounts.model_fields:
        values = [getattr(source, name) for source in sources]
        counted[name] = sum(values, ()) if name == "failed_ids" else sum(values)
    return SourceCounts(**counted, source=ALL)
