"""`swatchbook ingest-images`: ingest folders of pictures, and count the items of each folder and of all."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from interface.cli.ingest import ingest
from swatchbook.ledger.documents import get_document
from swatchbook.ledger.queries.source_items import failed_ids
from swatchbook.pipeline.register_folder import register_folder
from swatchbook.records import IngestOptions, ItemCounts, Record, RunReport
from swatchbook.resources import Resources

ALL = "all"
"""Source of the counts of all folders together."""


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
    resources: Resources, folders: Sequence[Path], *, owner: str, options: IngestOptions, quiet: bool
) -> tuple[Ingested, int]:
    """Ingest each folder. Return the counts and the exit code; a folder that fails does not stop the others."""
    reports, code = ingest(resources, folders, owner=owner, options=options, quiet=quiet, take=register_folder)
    sources = tuple(_counts(resources, report) for report in reports)
    return Ingested(sources=sources, total=_total(sources)), code


def _counts(resources: Resources, report: RunReport) -> SourceCounts:
    counted = (report.items or ItemCounts()).model_dump(mode="json")
    if counted["failed_items"]:
        counted["failed_ids"] = tuple(failed_ids(resources.ledger, report.document_id))
    document = get_document(resources.ledger, report.document_id)
    return SourceCounts(**counted, source=document.content, document_id=document.id, status=document.status.value)


def _total(sources: Sequence[SourceCounts]) -> SourceCounts:
    counted = dict[str, Any]()
    for name in ItemCounts.model_fields:
        values = [getattr(source, name) for source in sources]
        counted[name] = sum(values, ()) if name == "failed_ids" else sum(values)
    return SourceCounts(**counted, source=ALL)
